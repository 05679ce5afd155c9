"""What the user's machine says: environment variables, the config file, the user's folders, and the endpoints and keys they name.

The config file is `config.toml` in the user's config folder (PROMPTKIT_HOME moves it, templates and sessions with it):

    lang = "zh-CN"                      # the language in which templates are rendered

    [endpoints.work]                    # Session("bear", endpoint="work")
    base_url = "https://gateway.example.com"
    auth = "bearer"                     # x-goog-api-key (default), bearer, raw, none
    key_env = "WORK_API_KEY"            # a name or a list of names; never a key itself
    model = "gemini-2.5-flash-image"    # optional

[models."NAME"] holds facts of models; see promptkit.providers.models.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from promptkit.errors import PromptkitError, SettingsError, did_you_mean

__all__ = [
    "Endpoint",
    "Key",
    "ask_key",
    "choose_endpoint",
    "config_file",
    "data_folder",
    "find_key",
    "keys_set",
    "language",
    "models",
    "service_with_key",
    "template_folders",
]

AUTHS = ("x-goog-api-key", "bearer", "raw", "none")
ENDPOINT_KEYS = ("base_url", "auth", "key_env", "model")
VARIABLE = re.compile("(?!AIza)[A-Za-z_][A-Za-z0-9_]*")  # Google's keys begin with AIza and may look like a name
SHORTEST_SECRET = 8  # characters
GATEWAY_PREFIX = "sk-"  # what keys of gateways of the one-api family begin with


# Folders and files


def config_file() -> Path:
    """Where the config file is, whether or not it exists."""
    return Path(_config_file(os.environ.get("PROMPTKIT_HOME", "")))


@lru_cache(maxsize=16)
def _config_file(home: str) -> str:
    return str(_home("config", home) / "config.toml")


def data_folder() -> Path:
    """Where sessions live that were named and not given a folder."""
    return _home("data", os.environ.get("PROMPTKIT_HOME", "")) / "sessions"


def template_folders() -> tuple[str, ...]:
    """The folders of PROMPTKIT_TEMPLATES (separated as PATH is), then the user's own; absolute, whether or not they exist."""
    named, home = os.environ.get("PROMPTKIT_TEMPLATES", ""), os.environ.get("PROMPTKIT_HOME", "")
    return _template_folders(named, home, os.getcwd() if named or home else "")  # noqa: PTH109


@lru_cache(maxsize=16)
def _template_folders(named: str, home: str, here: str) -> tuple[str, ...]:
    folders = (*filter(None, named.split(os.pathsep)), str(_home("config", home) / "templates"))
    return tuple(os.path.normpath(os.path.join(here, os.path.expanduser(f))) for f in folders)  # noqa: PTH111, PTH118


def language() -> str:
    """The language in which templates are rendered where the call names none: PROMPTKIT_LANG, else the config file's `lang`, else en."""
    return os.environ.get("PROMPTKIT_LANG") or _configured_language(os.environ.get("PROMPTKIT_HOME", ""), int(time.monotonic()))


@lru_cache(maxsize=4)
def _configured_language(home: str, second: int) -> str:  # noqa: ARG001  (each rendering asks, so that the disk is asked once a second)
    return _config().get("lang") or "en"


def models() -> Mapping[str, Any]:
    """What the config file says of models, by their names, as it stands there."""
    said = _config().get("models", {})
    if not isinstance(said, dict):
        raise SettingsError(f"The config file {config_file()} has models = {said!r:.60}; write tables named [models.\"NAME\"].")
    return said


def _home(kind: str, home: str) -> Path:
    return Path(os.path.expanduser(home)) if home else _platform_folder(kind)  # noqa: PTH111  (Path's raises where there is no such user)


@cache
def _platform_folder(kind: str) -> Path:
    import platformdirs

    return platformdirs.user_config_path("promptkit") if kind == "config" else platformdirs.user_data_path("promptkit")


def _config() -> Mapping[str, Any]:
    path = _config_file(os.environ.get("PROMPTKIT_HOME", ""))
    try:
        state = os.stat(path)  # noqa: PTH116  (each rendering asks, and a Path costs more than the call)
    except OSError:
        return {}
    return _read_config(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4)
def _read_config(path: str, mtime_ns: int, size: int) -> Mapping[str, Any]:  # noqa: ARG001  (a changed file is read again)
    import tomllib  # most people have no config file

    try:
        config = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"The config file {path} cannot be read: {error}.") from None
    for name in config:
        if name not in ("lang", "endpoints", "models"):
            known = "lang, [endpoints.NAME] and [models.NAME] are known"
            raise SettingsError(f"The config file {path} has an unknown key {name!r}; {known}.")
    if not isinstance(config.get("lang", ""), str):
        raise SettingsError(f"The config file {path} has lang = {config['lang']!r}; write a language tag such as \"zh-CN\".")
    return config


# Endpoints


def _checked_url(url: str) -> str:
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
    # the guides print URLs with the version, which the path of a request begins with
    return f"{parts.scheme}://{netloc}{parts.path.rstrip('/').removesuffix('/v1beta')}"


@dataclass(frozen=True)
class Endpoint:
    """Where requests go, and how the key travels. Frozen; holds no key.

    `base_url` is what stands before /v1beta, or "" for the painter inside this process. `auth` is one of x-goog-api-key (the
    header), bearer, raw (Authorization: KEY, no Bearer) and none. `key_env` names the variables that may hold the key, first first.
    Source of the known ones: their own guides, see the README.
    """

    name: str
    base_url: str
    auth: str = "x-goog-api-key"
    key_env: tuple[str, ...] = ("PROMPTKIT_API_KEY",)
    model: str | None = None
    key_required: bool = True

    def __post_init__(self) -> None:
        # neither value is shown: somebody may have put the key there
        if self.auth not in AUTHS:
            raise SettingsError(f"Endpoint {self.name!r} has an auth that is not known; it is one of {', '.join(AUTHS)}.")
        object.__setattr__(self, "key_env", _variables(self.name, self.key_env))
        if not isinstance(self.model, str | None):
            raise SettingsError(f"Endpoint {self.name!r} has model {self.model!r}; write a model's name.")
        if self.base_url:
            object.__setattr__(self, "base_url", _checked_url(self.base_url))

    @classmethod
    def named(cls, name: str) -> Endpoint:
        """The endpoint of that name: google, deerapi, aaigc, offline, or one of the config file's. SettingsError when there is none."""
        known = _endpoints()
        if name not in known:
            looks_like_host = re.fullmatch(r"[\w.-]+(?:\.\w+|:\d+)(?:/.*)?", name)
            hint = f" (did you mean http://{name}?)" if looks_like_host else did_you_mean(name, known)
            raise SettingsError(
                f"There is no endpoint {name!r}{hint}; known are {', '.join(known)}; give a base URL that begins with https:// or http://, "
                f"or define [endpoints.NAME] in {config_file()}."
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


def _variables(endpoint: str, names: object) -> tuple[str, ...]:
    listed = (names,) if isinstance(names, str) else names
    if not isinstance(listed, list | tuple) or not all(isinstance(n, str) and VARIABLE.fullmatch(n) for n in listed):
        raise SettingsError(f"Endpoint {endpoint!r} has a key_env that names no variable; write its name, or a list of names, never a key.")
    return tuple(listed)


OFFLINE = Endpoint("offline", "", auth="none", key_env=(), key_required=False)
GOOGLE = Endpoint("google", "https://generativelanguage.googleapis.com", key_env=("GEMINI_API_KEY", "GOOGLE_API_KEY"))
DEERAPI = Endpoint("deerapi", "https://api.deerapi.com", auth="raw", key_env=("DEERAPI_API_KEY",))
# aaigc may hold the key itself; its guide says to leave it out then.
AAIGC = Endpoint("aaigc", "http://api.aaigc.top", auth="bearer", key_env=("AAIGC_API_KEY",), key_required=False)


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
    if name := os.environ.get("PROMPTKIT_ENDPOINT"):
        with _named_in("PROMPTKIT_ENDPOINT"):
            return choose_endpoint(name)
    google = Endpoint.named("google")
    if _own_key(google):
        return google
    raise SettingsError(
        "No endpoint is named and no key is set: set GEMINI_API_KEY (Google), or PROMPTKIT_ENDPOINT with that endpoint's key; or pass "
        'endpoint= and api_key=; or call promptkit.ask_key("google"); or draw drafts, free and without a key, with endpoint="offline".'
    )


def _of_head(name: str) -> Endpoint:
    known = _endpoints()
    if name in known:
        return known[name]
    raise SettingsError(
        f"The session's last step was made at {name!r}, which your settings do not define: "
        f"pass endpoint= (one of {', '.join(known)}, or a base URL), or define [endpoints.NAME] in {config_file()}."
    )


def _endpoints() -> dict[str, Endpoint]:
    with _named_in("GOOGLE_GEMINI_BASE_URL"):
        google = replace(GOOGLE, base_url=os.environ.get("GOOGLE_GEMINI_BASE_URL") or GOOGLE.base_url)
    known = {e.name: e for e in (google, DEERAPI, AAIGC, OFFLINE)}
    defined = _config().get("endpoints", {})
    if not isinstance(defined, dict):
        raise SettingsError(f"The config file {config_file()} has endpoints = {defined!r}; write tables named [endpoints.NAME].")
    return known | {name: _defined_endpoint(name, fields) for name, fields in defined.items()}


def _defined_endpoint(name: str, fields: object) -> Endpoint:
    where = f"[endpoints.{name}] in {config_file()}"
    if not isinstance(fields, dict) or not isinstance(fields.get("base_url"), str) or not fields["base_url"]:
        raise SettingsError(f'{where} needs base_url = "https://…".')
    for key in fields:
        if key not in ENDPOINT_KEYS:  # its value is not shown: somebody may have put a key there
            hint = f"{did_you_mean(key, ENDPOINT_KEYS)}; known are {', '.join(ENDPOINT_KEYS)}."
            raise SettingsError(f"{where} has an unknown key {key!r}{hint}")
    if name == OFFLINE.name:
        raise SettingsError(f"{where} would make drafts of an endpoint that may cost; choose another name.")
    with _named_in(where):
        return Endpoint(name, **fields)


@contextmanager
def _named_in(where: str) -> Iterator[None]:
    """Says in the sentence of a SettingsError where the value that it is about was set."""
    try:
        yield
    except SettingsError as error:
        raise SettingsError(f"{where}: {error}") from None


def _from_url(url: str) -> Endpoint:
    base = _checked_url(url)
    host = urlsplit(base).netloc
    known = _endpoints()
    # Google's own host stays known where its base was moved
    there = [e for e in (*known.values(), GOOGLE) if e.base_url and e.host == host]
    if not there:
        # a bare host may be called as a known endpoint is (http://google), and must not get its key
        return Endpoint(base if host in known else host, base, key_required=False)
    endpoint = next((e for e in there if e.base_url == base), there[0])
    # never from https to http: that would show the key to the network
    is_weaker = base.startswith("http:") and endpoint.base_url.startswith("https:")
    return endpoint if is_weaker else replace(endpoint, base_url=base)


# Keys


class Key:
    """A key that does not show itself: its repr and str are `[key]`, and it cannot be pickled."""

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        secret = secret.strip() if isinstance(secret, str) else ""
        if not secret or not secret.isascii() or not secret.isprintable() or set(secret) & set(" \"\\"):
            raise SettingsError("The key is empty or holds spaces, quotes, line breaks or characters that no key has; copy it again.")
        self._secret = secret

    def __repr__(self) -> str:
        return "[key]"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is never written anywhere")

    def reveal(self) -> str:
        """The key itself, for the one header that carries it."""
        return self._secret

    def within(self, text: str) -> bool:
        """Whether the text holds the key. One that is too short to be a secret, as local gateways take, may stand in any text."""
        return len(self._secret) >= SHORTEST_SECRET and self._secret in text

    def scrub(self, value: Any) -> Any:
        """The value, and all texts in it, with the key replaced by `[key removed]`."""
        if isinstance(value, str):
            return value if not self.within(value) else value.replace(self._secret, "[key removed]")
        if isinstance(value, Mapping):
            return {self.scrub(k): self.scrub(v) for k, v in value.items()}
        return type(value)(map(self.scrub, value)) if isinstance(value, list | tuple) else value

    @property
    def is_gateways(self) -> bool:
        """Whether it looks like a gateway's key rather than Google's."""
        return self._secret.startswith(GATEWAY_PREFIX)


_asked: dict[str, Key] = {}


def ask_key(name: str) -> None:
    """Asks for the key of an endpoint without showing it, and keeps it in this process only."""
    from getpass import getpass

    endpoint = Endpoint.named(name)
    _asked[endpoint.name] = Key(getpass(f"Key for {name}: "))


def find_key(endpoint: Endpoint, given: str | Key | None = None) -> Key | None:
    """The key for an endpoint: the one given, else the one that ask_key took, else its variables'.

    A known gateway also takes GEMINI_API_KEY where that begins with sk-; a host that nobody named takes PROMPTKIT_API_KEY only, so that
    Google's key never goes to a stranger. None where the endpoint needs none; SettingsError where one is missing.
    """
    if endpoint.auth == "none":
        return None
    key = _key(given, "api_key=") if given is not None else _own_key(endpoint) or _gateway_key(endpoint)
    if key is None and endpoint.key_required:
        variable = endpoint.key_env[0] if endpoint.key_env else "a variable and name it as key_env"
        raise SettingsError(
            f"No key for {endpoint.name!r}: set {variable}, pass api_key=, or call promptkit.ask_key({endpoint.name!r}); "
            'endpoint="offline" draws drafts without a key.'
        )
    return key


def keys_set() -> list[Key]:
    """The keys of all endpoints, as far as they are set."""
    found: list[Key] = []
    for endpoint in _endpoints().values():
        with suppress(SettingsError):  # a variable that holds no key matters to those who use it
            found += [key for key in (_own_key(endpoint),) if key and endpoint.auth != "none"]
    return found


def service_with_key() -> str | None:
    """The name of a service whose key is set, None where there is none."""
    services = (e for e in _endpoints().values() if not e.is_offline and e.auth != "none")
    return next((e.name for e in services if _own_key(e) or _gateway_key(e)), None)


def _own_key(endpoint: Endpoint) -> Key | None:
    if endpoint.name in _asked:
        return _asked[endpoint.name]
    named = next((name for name in endpoint.key_env if os.environ.get(name, "").strip()), None)
    return _key(os.environ[named], named) if named else None


def _key(secret: object, where: str) -> Key:
    if isinstance(secret, Key):
        return secret
    if not isinstance(secret, str):
        raise SettingsError(f"{where} holds a {type(secret).__name__}; a key is a text.")
    with _named_in(where):
        return Key(secret)


def _gateway_key(endpoint: Endpoint) -> Key | None:
    shared = os.environ.get("GEMINI_API_KEY", "").strip()
    if endpoint.name in (DEERAPI.name, AAIGC.name) and shared.startswith(GATEWAY_PREFIX):
        return _key(shared, "GEMINI_API_KEY")
    return None


def _whole_traceback() -> bool:
    return os.environ.get("PROMPTKIT_TRACEBACK", "") not in ("", "0")


PromptkitError.whole_traceback = staticmethod(_whole_traceback)
