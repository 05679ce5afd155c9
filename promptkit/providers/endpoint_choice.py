"""Which endpoint a session asks, where the call names one and where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

from promptkit import config
from promptkit.errors import SettingsError, listed
from promptkit.providers.endpoints import AAIGC, DEERAPI, GOOGLE, Endpoint, checked_url, known_endpoints, set_in
from promptkit.providers.keys import is_key_set, own_key, set_variable
from promptkit.providers.transport import Transport

__all__ = ["choose_endpoint", "endpoint_behind", "endpoint_of_record", "service_with_key"]

NOWHERE = "https://nothing-is-sent.invalid"
_given: dict[str, list[Endpoint]] = {}  # that callers gave in this process and no name finds, by their names in records


def choose_endpoint(named: str | Endpoint | None, *, head: str | None = None, sends: bool = True) -> Endpoint:
    """The endpoint that a session uses: the one named (a name, an Endpoint or a base URL), else the head's, else the environment's.

    `head` is the endpoint's name in the record at the head, if any; it is looked up in the user's own settings only, so that a folder
    that came by mail cannot steer a key. SettingsError where nothing decides; where nothing is sent, the head's name or google decides.
    """
    if named is None and not sends:
        return _unasked(head)
    if isinstance(named, Endpoint):
        return _remembered(named)
    if named is not None:
        if not isinstance(named, str):
            raise SettingsError(f"endpoint= is a name, an Endpoint or a base URL, not {named!r:.60}.")
        return _remembered(_from_url(named)) if "://" in named else Endpoint.named(named)
    if head is not None:
        return endpoint_of_record(head, "The session's last step")
    if name := config.variable("PROMPTKIT_ENDPOINT"):
        with set_in("PROMPTKIT_ENDPOINT"):
            return choose_endpoint(name)
    google = Endpoint.named("google")
    if own_key(google):
        return google
    raise SettingsError(_nothing_decides())


def _nothing_decides() -> str:
    """What would decide: the key of each service on a line of its own, first where a key or a base URL is set already."""
    known = known_endpoints()
    services = [known[e.name] for e in (GOOGLE, DEERAPI, AAIGC)]
    own = [e for e in known.values() if e.name not in {s.name for s in services} and set_variable(e)]
    lines = [f"  {_what_it_lacks(e)}" for e in sorted([*services, *own], key=lambda e: not _is_begun(e))]
    if config.variable("PROMPTKIT_API_KEY").strip():
        lines.insert(0, '  PROMPTKIT_API_KEY is set: name the base URL that it belongs to, endpoint="https://…"')
    advice = (
        'PROMPTKIT_ENDPOINT names one for good; or pass endpoint= and api_key=; or call promptkit.ask_key("google"); or draw drafts, '
        'free and without a key, with endpoint="offline".'
    )
    return "\n".join(["No endpoint is named, and no key decides which one is meant:", *lines, advice])


def _is_begun(endpoint: Endpoint) -> bool:
    """Whether somebody has set its key, or its base URL."""
    return set_variable(endpoint) is not None or all(e.base_url != endpoint.base_url for e in (GOOGLE, DEERAPI, AAIGC))


def _what_it_lacks(endpoint: Endpoint) -> str:
    """The endpoint, and what is to be set or named so that it is asked."""
    there = "" if endpoint in (GOOGLE, DEERAPI, AAIGC) else f" ({endpoint.base_url})"
    named = f'endpoint="{endpoint.name}"'
    if variable := set_variable(endpoint):
        return f"{endpoint.name}{there}: {variable} is set, so {named} is all it needs"
    return f"{endpoint.name}{there}: set {endpoint.key_env[0]}{'' if endpoint.name == GOOGLE.name else f', and say {named}'}"


def endpoint_behind(transport: Transport | None) -> Endpoint | None:
    """What a caller's own transport leads to: it decides where requests go, and the environment must not. None without one."""
    return Endpoint("custom", "", auth="none", key_env=(), key_required=False) if transport is not None else None


def _unasked(head: str | None) -> Endpoint:
    """The endpoint whose steps are looked for where none is asked: no key is needed, and a record's name will do."""
    try:
        return choose_endpoint(None, head=head)
    except SettingsError:
        return Endpoint(head, NOWHERE) if head is not None else Endpoint.named("google")


def service_with_key() -> str | None:
    """The name of a service whose key is set, None where there is none."""
    services = (e for e in known_endpoints().values() if not e.is_offline and e.auth != "none")
    return next((e.name for e in services if is_key_set(e)), None)


def endpoint_of_record(name: str, step: str) -> Endpoint:
    """The endpoint that a step's record names, as the user's own doing defines it: by its name, or, of a base URL, by its host, which was
    given in this process, or stands in PROMPTKIT_ENDPOINT or the config file. SettingsError says of the `step` that nothing does.
    """
    known = known_endpoints()
    if name in known:
        return known[name]
    if there := next(_at_host(name), None):
        return there
    raise SettingsError(
        f"{step} was made at {name!r:.80}, which your settings do not define: name it again with its base URL "
        f"(endpoint=), set PROMPTKIT_ENDPOINT to that, or define [endpoints.NAME] in {config.config_file()}; known are {listed(known)}."
    )


def _at_host(name: str) -> Iterator[Endpoint]:
    if len(given := _given.get(name, [])) == 1:  # of two bases at one host a record does not say which it means
        yield given[0]
    url = config.variable("PROMPTKIT_ENDPOINT")
    if "://" in url:
        with suppress(SettingsError):  # whoever uses the variable is told
            yield from (e for e in (_from_url(url),) if name in (e.name, e.host))
    yield from (e for e in known_endpoints().values() if name in (e.host, e.base_url))


def _remembered(endpoint: Endpoint) -> Endpoint:
    """The endpoint, which this process then finds by the name that records have of it."""
    given = _given.setdefault(endpoint.name, [])
    if endpoint not in given:
        given.append(endpoint)
    return endpoint


def _from_url(url: str) -> Endpoint:
    base = checked_url(url)
    host = urlsplit(base).netloc
    known = known_endpoints()
    # Google's own host stays known where its base was moved
    there = [e for e in (*known.values(), GOOGLE) if e.base_url and e.host == host]
    if not there:
        endpoint = Endpoint(host, base, key_required=False)
        # a bare host may be called as a known endpoint is (http://google), and must not get its key
        return replace(endpoint, name=endpoint.base_url) if host in known else endpoint
    endpoint = next((e for e in there if replace(e, base_url=base) == e), there[0])
    # never from https to http: that would show the key to the network
    is_weaker = base.startswith("http:") and endpoint.base_url.startswith("https:")
    return endpoint if is_weaker else replace(endpoint, base_url=base)
