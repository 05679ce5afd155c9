"""Which endpoint a session asks, where the call names one and where it does not."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from promptkit import config
from promptkit.errors import SettingsError
from promptkit.providers.endpoints import GOOGLE, Endpoint, checked_url, known_endpoints, set_in
from promptkit.providers.keys import is_key_set, own_key

__all__ = ["choose_endpoint", "service_with_key"]


def choose_endpoint(named: str | Endpoint | None, *, head: str | None = None) -> Endpoint:
    """The endpoint that a session uses: the one named (a name, an Endpoint or a base URL), else the head's, else the environment's.

    `head` is the endpoint's name in the record at the head, if any; it is looked up in the user's own settings only, so that a folder
    that came by mail cannot steer a key. SettingsError where nothing decides.
    """
    if isinstance(named, Endpoint):
        return named
    if named is not None:
        if not isinstance(named, str):
            raise SettingsError(f"endpoint= is a name, an Endpoint or a base URL, not {named!r:.60}.")
        return _from_url(named) if "://" in named else Endpoint.named(named)
    if head is not None:
        return _of_head(head)
    if name := config.variable("PROMPTKIT_ENDPOINT"):
        with set_in("PROMPTKIT_ENDPOINT"):
            return choose_endpoint(name)
    google = Endpoint.named("google")
    if own_key(google):
        return google
    raise SettingsError(
        "No endpoint is named and no key is set: set GEMINI_API_KEY (Google), or PROMPTKIT_ENDPOINT with that endpoint's key; or pass "
        'endpoint= and api_key=; or call promptkit.ask_key("google"); or draw drafts, free and without a key, with endpoint="offline".'
    )


def service_with_key() -> str | None:
    """The name of a service whose key is set, None where there is none."""
    services = (e for e in known_endpoints().values() if not e.is_offline and e.auth != "none")
    return next((e.name for e in services if is_key_set(e)), None)


def _of_head(name: str) -> Endpoint:
    known = known_endpoints()
    if name in known:
        return known[name]
    raise SettingsError(
        f"The session's last step was made at {name!r}, which your settings do not define: "
        f"pass endpoint= (one of {', '.join(known)}, or a base URL), or define [endpoints.NAME] in {config.config_file()}."
    )


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
