"""The keys of services: where one is found, how it is kept out of sight, and that none is sent or recorded with a prompt."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NoReturn
from urllib.parse import quote

from promptkit import config
from promptkit.errors import SettingsError
from promptkit.providers.endpoints import AAIGC, DEERAPI, Endpoint, known_endpoints, set_in

__all__ = [
    "Key",
    "ask_key",
    "find_key",
    "is_key_set",
    "key_source",
    "keys_set",
    "other_variables",
    "own_key",
    "refuse_key",
    "set_variable",
]

SHORTEST_SECRET = 8  # characters
GATEWAY_PREFIX = "sk-"  # what keys of gateways of the one-api family begin with


def _as_meant(pasted: str) -> str:
    """A key as it came from a file or a chat window, without blanks, a byte-order mark, quotes, its variable's name, or Bearer."""
    key = pasted.strip().strip("\ufeff\u200b").strip()
    key = re.sub(r"^(?:export\s{1,9})?[A-Z][A-Z0-9_]{2,60}\s{0,9}=\s{0,9}(?=[\"']?[\w.-]{8})", "", key)
    key = key.strip().rstrip(";,").strip("\"'“”‘’`").strip()
    return re.sub(r"^Bearer\s{1,9}", "", key, flags=re.IGNORECASE)


class Key:
    """A key that does not show itself: its repr and str are `[key]`, and it cannot be pickled."""

    __slots__ = ("_forms", "_secret", "source")

    def __init__(self, secret: str) -> None:
        secret = _as_meant(secret) if isinstance(secret, str) else ""
        if not secret or not secret.isascii() or not secret.isprintable() or set(secret) & set(" \"\\"):
            raise SettingsError("The key is empty or holds spaces, quotes, line breaks or characters that no key has; copy it again.")
        self._secret = secret
        self._forms = _forms(secret)
        self.source: str | None = None  # the variable that it was found in

    def __repr__(self) -> str:
        return "[key]"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and self._secret == other._secret

    def __hash__(self) -> int:
        return hash(self._secret)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is never written anywhere")

    def reveal(self) -> str:
        """The key itself, for the one header that carries it."""
        return self._secret

    def within(self, text: str) -> bool:
        """Whether the text holds the key. One that is too short to be a secret, as local gateways take, may stand in any text."""
        return len(self._secret) >= SHORTEST_SECRET and any(form in text for form in self._forms)

    def scrub(self, value: Any) -> Any:
        """The value, and all texts in it, with the key replaced by `[key removed]`; bytes are taken as a text."""
        if isinstance(value, str):
            if self.within(value):
                for form in self._forms:
                    value = value.replace(form, "[key removed]")
            return value
        if isinstance(value, bytes):
            return self.scrub(value.decode("latin-1")).encode("latin-1")  # each byte a letter, and a key is ASCII
        if isinstance(value, Mapping):
            return {self.scrub(k): self.scrub(v) for k, v in value.items()}
        if not isinstance(value, list | tuple):
            return value
        scrubbed = [self.scrub(item) for item in value]
        return type(value)(*scrubbed) if hasattr(value, "_fields") else type(value)(scrubbed)  # a named tuple takes its items one by one

    @property
    def is_gateways(self) -> bool:
        """Whether it looks like a gateway's key rather than Google's."""
        return self._secret.startswith(GATEWAY_PREFIX)


def _forms(secret: str) -> tuple[str, ...]:
    """The key as it may stand in a text: as it is, in percent form, in base64 at any of its three offsets, as a header of Basic too."""
    encoded = []
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + secret.encode() + b"\0" * 2).decode()
        last = (offset + len(secret)) * 8 // 6  # letters up to here depend on the key and on what stands before it only
        encoded.append(whole[-(-offset * 8 // 6) : last])
    every = [f"%{byte:02X}" for byte in secret.encode()]
    spelled = {secret, quote(secret, safe=""), quote(secret, safe="").lower(), "".join(every), "".join(every).lower(), *encoded}
    spelled |= {form.replace("+", "-").replace("/", "_") for form in encoded}
    return tuple(sorted((form for form in spelled if len(form) >= SHORTEST_SECRET), key=len, reverse=True))


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
    key = _key(given, "api_key=") if given is not None else own_key(endpoint) or _gateway_key(endpoint)
    if key is None and endpoint.key_required:
        variable = endpoint.key_env[0] if endpoint.key_env else "a variable and name it as key_env"
        raise SettingsError(
            f"No key for {endpoint.name!r}: set {variable}, pass api_key=, or call promptkit.ask_key({endpoint.name!r}); "
            f'{_other_key(endpoint)}endpoint="offline" draws drafts without a key.'
        )
    return key


def _other_key(endpoint: Endpoint) -> str:
    """A hint at the endpoints whose keys are set, where that of this one is not."""
    others = [(e.name, name) for e in known_endpoints().values() if e.name != endpoint.name and (name := set_variable(e))]
    return "".join(f'{variable} is set, which endpoint="{name}" takes; ' for name, variable in others)


def keys_set() -> list[Key]:
    """The keys of all endpoints, as far as they are set."""
    found: list[Key] = []
    for endpoint in known_endpoints().values():
        with suppress(SettingsError):  # a variable that holds no key matters to those who use it
            found += [key for key in (own_key(endpoint),) if key and endpoint.auth != "none"]
    return found


def is_key_set(endpoint: Endpoint) -> bool:
    """Whether there is a key for the endpoint, found as find_key finds it."""
    return bool(own_key(endpoint) or _gateway_key(endpoint))


def key_source(endpoint: Endpoint) -> str | None:
    """The variable in which the endpoint's key is found, None where there is none. SettingsError where it holds what is no key."""
    key = own_key(endpoint) or _gateway_key(endpoint)
    return key.source if key else None


def own_key(endpoint: Endpoint) -> Key | None:
    """The key that ask_key took for the endpoint, else its variables', else None."""
    if endpoint.name in _asked:
        return _asked[endpoint.name]
    named = set_variable(endpoint)
    return _key(config.variable(named), named) if named else None


def set_variable(endpoint: Endpoint) -> str | None:
    """The first of the endpoint's variables that is set, whatever it holds; None where none is."""
    return next((name for name in endpoint.key_env if config.variable(name).strip()), None)


def _key(secret: object, where: str) -> Key:
    if isinstance(secret, Key):
        return secret
    if not isinstance(secret, str):
        raise SettingsError(f"{where} holds a {type(secret).__name__}; a key is a text.")
    with set_in(where):
        key = Key(secret)
        key.source = where
        return key


def other_variables(endpoint: Endpoint, key: Key) -> list[str]:
    """The endpoint's variables that are set, and hold another key than this one."""
    return [n for n in endpoint.key_env if n != key.source and (v := config.variable(n).strip()) and _as_meant(v) != key.reveal()]


def _gateway_key(endpoint: Endpoint) -> Key | None:
    shared = config.variable("GEMINI_API_KEY").strip()
    if endpoint.name in (DEERAPI.name, AAIGC.name) and shared.startswith(GATEWAY_PREFIX):
        return _key(shared, "GEMINI_API_KEY")
    return None


def refuse_key(key: Key | None, said: object, what: str = "The prompt, an input or another value of the call") -> None:
    """SettingsError where something that would be sent or recorded holds the key, or one that is set for another endpoint."""
    text = json.dumps(said, ensure_ascii=False)
    if any(k.within(text) for k in (*keys_set(), *([key] if key else ()))):
        raise SettingsError(f"{what} holds a key; take it out: it would be sent and recorded.")
