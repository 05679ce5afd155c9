"""Where requests go: the endpoints that are known, those of the user's config file, and what may be said of one.

An endpoint holds no key; `keys` finds that, and `endpoint_choice` says which endpoint a session asks.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from promptkit import config
from promptkit.errors import SettingsError, did_you_mean, is_like_a_key, shown
from promptkit.providers import models
from promptkit.providers.dialect import DEFAULT, Dialect, dialect_named, is_dialect, known_dialects
from promptkit.providers.options import OPTIONS

__all__ = [
    "AAIGC",
    "DEERAPI",
    "GOOGLE",
    "OFFLINE",
    "Endpoint",
    "checked_url",
    "dialect_at",
    "is_local",
    "known_endpoints",
    "set_in",
]

AUTHS = ("x-goog-api-key", "bearer", "raw", "none")
CONFIG_KEYS = ("base_url", "auth", "key_env", "model", "dialect", "headers")
HEADER = re.compile("[A-Za-z0-9-]{1,100}")
VARIABLE = re.compile("(?!AIza)[A-Za-z_][A-Za-z0-9_]*")  # Google's keys begin with AIza and may look like a name


class _Frozen(dict[str, str]):
    """A mapping that is hashed by what it holds; nobody changes it."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


@dataclass(frozen=True)
class Endpoint:
    """Where requests go, how the key travels, and what is spoken there. Frozen; holds no key.

    `base_url` is what stands before the dialect's own path, or "" for the painter inside this process. `auth` is one of x-goog-api-key (the
    header), bearer, raw (Authorization: KEY, no Bearer) and none. `key_env` names the variables that may hold the key, first first.
    `dialect` is a name, or a Dialect of one's own; a model with a dialect of its own is asked in that. Source of the known endpoints:
    their own guides. `headers` are further ones that a gateway needs: for each name the variable that holds its value.
    Raises SettingsError.
    """

    name: str
    base_url: str
    auth: str = "x-goog-api-key"
    key_env: tuple[str, ...] = ("PROMPTKIT_API_KEY",)
    model: str | None = None
    key_required: bool = True
    dialect: str | Dialect = DEFAULT
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # neither value is shown: somebody may have put the key there
        if self.auth not in AUTHS:
            raise SettingsError(f"Endpoint {self.name!r} has an auth that is not known; it is one of {', '.join(AUTHS)}.")
        object.__setattr__(self, "key_env", _variables(self.name, self.key_env))
        if not isinstance(self.model, str | None):
            raise SettingsError(f"Endpoint {self.name!r} has model {self.model!r}; write a model's name.")
        _check_dialect(self.name, self.dialect)
        object.__setattr__(self, "headers", _headers(self.name, self.headers))
        if self.base_url:
            object.__setattr__(self, "base_url", self._base(checked_url(self.base_url)))

    def _base(self, url: str) -> str:
        """The URL without what follows the base: the dialect's own path, and the endings that guides and gateways print along."""
        scheme, _, rest = url.partition("://")
        host, _, path = rest.partition("/")
        if not path:  # nothing to cut, and so no dialect to load
            return f"{scheme}://{host}"
        kept = _base_path(f"/{path}", _dialect(self.dialect))
        return f"{scheme}://{host}{kept}"

    @classmethod
    def named(cls, name: str) -> Endpoint:
        """The endpoint of that name: google, deerapi, aaigc, offline, or one of the config file's. SettingsError when there is none."""
        known = known_endpoints()
        if name not in known:
            looks_like_host = not is_like_a_key(name) and re.fullmatch(r"[\w.-]+(?:\.\w+|:\d+)(?:/.*)?", name)
            scheme = "http" if is_local(re.split("[:/]", name)[0]) else "https"
            hint = f" (did you mean {scheme}://{name}?)" if looks_like_host else did_you_mean(name, known)
            raise SettingsError(
                f"There is no endpoint {shown(name)}{hint}; known are {', '.join(known)}; "
                f"give a base URL that begins with https:// or http://, or define [endpoints.NAME] in {config.config_file()}."
            )
        return known[name]

    @property
    def host(self) -> str:
        """Host and port, as in the URL."""
        return urlsplit(self.base_url).netloc

    @property
    def is_offline(self) -> bool:
        """Whether the painter inside this process answers."""
        return not self.base_url

    def dialect_of(self, model: str) -> Dialect:
        """The dialect in which a model is asked here: the model's own, where its facts name one, else the endpoint's."""
        known = models.known_model(model)
        return _dialect(known.dialect if known and known.dialect else self.dialect)

    def check_options(self, model: str, options: Iterable[str]) -> None:
        """SettingsError for the first of the options, by name, that a model's dialect here does not have, with those that it has."""
        has = self.dialect_of(model).options
        missing = next((name for name in options if name not in has), None)
        if missing is not None:
            known = ", ".join(name for name in OPTIONS if name in has) or "none"
            raise SettingsError(f"{model} at {self.name} has no {missing}; its options are {known}.")


def is_local(host: str) -> bool:
    """Whether a host is this machine or stands in a private network: no proxy is asked for it."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local"))
    return address.is_loopback or address.is_private or address.is_link_local


def dialect_at(endpoint: str, model: str) -> Dialect:
    """The dialect in which a model is asked at the endpoint of that name; at one that is not known any more: in the default one."""
    there = known_endpoints().get(endpoint, GOOGLE)
    return there.dialect_of(model)


def _dialect(dialect: str | Dialect) -> Dialect:
    return dialect_named(dialect) if isinstance(dialect, str) else dialect


def _base_path(path: str, dialect: Dialect) -> str:
    pasted: re.Pattern[str] | None = getattr(dialect, "pasted", None)  # a dialect may say which further endings people paste along
    return (pasted.sub("", path, count=1) if pasted else path).removesuffix(dialect.root_path)


def _headers(endpoint: str, headers: object) -> Mapping[str, str]:
    """Header names with the variables that hold their values; a value itself, which may be a secret, is refused and not shown."""
    fits = isinstance(headers, Mapping) and all(isinstance(x, str) for pair in headers.items() for x in pair)
    if not fits or not all(HEADER.fullmatch(n) and VARIABLE.fullmatch(v) for n, v in headers.items()):  # type: ignore[attr-defined]
        said = 'write {"header-name" = "VARIABLE"}, with the name of the variable that holds the value, never the value itself'
        raise SettingsError(f"Endpoint {endpoint!r} has headers that name no variables; {said}.")
    return _Frozen(headers)  # type: ignore[call-overload, no-any-return]


def checked_url(url: str) -> str:
    """A base URL as it is compared: scheme and host in small letters, without the scheme's own port and without a slash at its end.

    SettingsError where it has no host, or carries what may be a secret, which is not quoted.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        host = None
    if host is None or parts.scheme not in ("http", "https"):
        raise SettingsError("A base URL looks like https://host or https://host/path; this one has no host or another scheme.")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise SettingsError(f"The base URL of {host} carries user information, a query or a fragment; pass the key as api_key= instead.")
    # a port that the scheme implies is left out, so that a known host is known
    netloc = parts.netloc.lower().removesuffix({"http": ":80", "https": ":443"}[parts.scheme]).removesuffix(":")
    return f"{parts.scheme}://{netloc}{parts.path.rstrip('/')}"


def _variables(endpoint: str, names: object) -> tuple[str, ...]:
    listed = (names,) if isinstance(names, str) else names
    if not isinstance(listed, list | tuple) or not all(isinstance(n, str) and VARIABLE.fullmatch(n) for n in listed):
        raise SettingsError(f"Endpoint {endpoint!r} has a key_env that names no variable; write its name, or a list of names, never a key.")
    return tuple(listed)


def _check_dialect(endpoint: str, dialect: object) -> None:
    if isinstance(dialect, str) and is_dialect(dialect):
        return
    if isinstance(dialect, str):
        names = known_dialects()
        advice = f"known are {', '.join(names)}; another one is installed with pip"
        raise SettingsError(f"Endpoint {endpoint!r} has dialect {dialect!r}{did_you_mean(dialect, names)}; {advice}.")
    if not isinstance(dialect, Dialect):
        known = f"known are {', '.join(known_dialects())}"
        raise SettingsError(f"Endpoint {endpoint!r} has dialect {dialect!r:.60}, which is neither a Dialect nor a name; {known}.")


# Those that are known


OFFLINE = Endpoint("offline", "", auth="none", key_env=(), key_required=False)
GOOGLE = Endpoint("google", "https://generativelanguage.googleapis.com", key_env=("GEMINI_API_KEY", "GOOGLE_API_KEY"))
DEERAPI = Endpoint("deerapi", "https://api.deerapi.com", auth="raw", key_env=("DEERAPI_API_KEY",))
# aaigc may hold the key itself; its guide says to leave it out then.
AAIGC = Endpoint("aaigc", "http://api.aaigc.top", auth="bearer", key_env=("AAIGC_API_KEY",), key_required=False)


def known_endpoints() -> dict[str, Endpoint]:
    """All endpoints that have a name, those of the config file included, by it. SettingsError where one is defined wrongly."""
    with set_in("GOOGLE_GEMINI_BASE_URL"):
        google = replace(GOOGLE, base_url=config.variable("GOOGLE_GEMINI_BASE_URL") or GOOGLE.base_url)
    known = {e.name: e for e in (google, DEERAPI, AAIGC, OFFLINE)}
    return known | {name: _defined_endpoint(name, fields) for name, fields in config.endpoints().items()}


def _defined_endpoint(name: str, fields: object) -> Endpoint:
    where = f"[endpoints.{name}] in {config.config_file()}"
    if not isinstance(fields, dict) or not isinstance(fields.get("base_url"), str) or not fields["base_url"]:
        raise SettingsError(f'{where} needs base_url = "https://…".')
    for key in fields:
        if key not in CONFIG_KEYS:  # its value is not shown: somebody may have put a key there
            hint = f"{did_you_mean(key, CONFIG_KEYS)}; known are {', '.join(CONFIG_KEYS)}."
            raise SettingsError(f"{where} has an unknown key {key!r}{hint}")
    if name == OFFLINE.name:
        raise SettingsError(f"{where} would make drafts of an endpoint that may cost; choose another name.")
    with set_in(where):
        return Endpoint(name, **fields)


@contextmanager
def set_in(where: str) -> Iterator[None]:
    """Says in the sentence of a SettingsError where the value that it is about was set."""
    try:
        yield
    except SettingsError as error:
        raise SettingsError(f"{where}: {error}") from None
