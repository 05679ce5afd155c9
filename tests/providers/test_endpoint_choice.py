"""Which endpoint is asked: the one named, the head's or the environment's, and never one that a folder from elsewhere names."""

from __future__ import annotations

from typing import Any

import pytest
from kit.config_file import WORK, set_env, write_config

from promptkit.errors import SettingsError
from promptkit.providers.endpoint_choice import choose_endpoint
from promptkit.providers.endpoints import Endpoint

GOOGLE = "https://generativelanguage.googleapis.com"
BOTH = {"GEMINI_API_KEY": "g"}
CHOICES: dict[str, tuple[Any, str | None, dict[str, str], str, str]] = {
    "by name": ("deerapi", None, {}, "deerapi", "https://api.deerapi.com"),
    "by name, over the environment": ("offline", "deerapi", {"PROMPTKIT_ENDPOINT": "google", **BOTH}, "offline", ""),
    "an Endpoint": (Endpoint("x", "https://x.example"), "deerapi", BOTH, "x", "https://x.example"),
    "from the config file": ("work", None, {}, "work", "https://gw.example/ai"),
    "a known host": ("https://api.deerapi.com", None, {}, "deerapi", "https://api.deerapi.com"),
    "a known host, with what guides add": ("HTTPS://API.DeerAPI.com:443/v1beta/", None, {}, "deerapi", "https://api.deerapi.com"),
    "a known host with a path": ("https://api.deerapi.com/eu", None, {}, "deerapi", "https://api.deerapi.com/eu"),
    "a host of the config file": ("https://gw.example/other", None, {}, "work", "https://gw.example/other"),
    "a known host never weaker": ("http://api.deerapi.com", None, {}, "deerapi", "https://api.deerapi.com"),
    "a known host may be stronger": ("https://api.aaigc.top", None, {}, "aaigc", "https://api.aaigc.top"),
    "an unknown host": ("http://127.0.0.1:8/", None, BOTH, "127.0.0.1:8", "http://127.0.0.1:8"),
    "a port makes another host": ("https://api.deerapi.com:444", None, {}, "api.deerapi.com:444", "https://api.deerapi.com:444"),
    "a host called as an endpoint": ("http://google", None, {}, "http://google", "http://google"),
    "the head's": (None, "deerapi", {"PROMPTKIT_ENDPOINT": "work", **BOTH}, "deerapi", "https://api.deerapi.com"),
    "the head's, of the config file": (None, "work", BOTH, "work", "https://gw.example/ai"),
    "the environment's": (None, None, {"PROMPTKIT_ENDPOINT": "work", **BOTH}, "work", "https://gw.example/ai"),
    "the environment's URL": (None, None, {"PROMPTKIT_ENDPOINT": "https://api.deerapi.com"}, "deerapi", "https://api.deerapi.com"),
    "google by its key": (None, None, BOTH, "google", GOOGLE),
    "google by its other key": (None, None, {"GOOGLE_API_KEY": "g"}, "google", GOOGLE),
    "google moved": (None, None, {"GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:9/v1beta", **BOTH}, "google", "http://127.0.0.1:9"),
    "google's own host, though moved": (GOOGLE, None, {"GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:9"}, "google", GOOGLE),
    "where google was moved": ("http://127.0.0.1:9", None, {"GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:9"}, "google", "http://127.0.0.1:9"),
}


@pytest.mark.parametrize(("named", "head", "env", "name", "base_url"), CHOICES.values(), ids=list(CHOICES))
def test_choice(named: Any, head: str | None, env: dict[str, str], name: str, base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The endpoint is the one named, else the head's, else PROMPTKIT_ENDPOINT's, else google where its key is set."""
    write_config(WORK)
    set_env(monkeypatch, env)
    endpoint = choose_endpoint(named, head=head)
    assert (endpoint.name, endpoint.base_url, endpoint.is_offline) == (name, base_url, not base_url)


NO_CHOICE: dict[str, tuple[Any, str | None, dict[str, str], str]] = {
    "nothing": (None, None, {}, r'(?s)set GEMINI_API_KEY\n.*api_key=.*ask_key\("google"\).*endpoint="offline"'),
    "another key alone": (None, None, {"PROMPTKIT_API_KEY": "x", "DEERAPI_API_KEY": "x"}, "No endpoint is named"),
    "a blank key": (None, None, {"GEMINI_API_KEY": "  "}, "No endpoint is named"),
    "a name with a slip": ("deerapy", None, BOTH, r"'deerapy' \(did you mean 'deerapi'\?\).*known are google, deerapi, aaigc, offline"),
    "a host without a scheme": ("api.deerapi.com", None, BOTH, "give a base URL"),
    "the head's, unknown here": (None, "evil", BOTH, "was made at 'evil', which your settings do not define"),
    "the head's as a URL": (None, "https://evil.example", BOTH, "which your settings do not define"),
    "the environment's, unknown": (None, None, {"PROMPTKIT_ENDPOINT": "nope"}, "PROMPTKIT_ENDPOINT: There is no endpoint 'nope'"),
    "google moved to nowhere": ("google", None, {"GOOGLE_GEMINI_BASE_URL": "nowhere"}, "GOOGLE_GEMINI_BASE_URL: A base URL looks like"),
    "no name at all": (7, None, {}, "endpoint= is a name, an Endpoint or a base URL, not 7"),
}


GOOGLES, DEERAPIS = "google: set GEMINI_API_KEY", 'deerapi: set DEERAPI_API_KEY, and say endpoint="deerapi"'
AAIGCS = 'aaigc: set AAIGC_API_KEY, and say endpoint="aaigc"'
FIRST_SENTENCES: dict[str, tuple[dict[str, str], list[str]]] = {
    "nothing": ({}, [GOOGLES, DEERAPIS, AAIGCS]),
    "a gateway's key": (
        {"AAIGC_API_KEY": "sk-x"},
        ['aaigc: AAIGC_API_KEY is set, so endpoint="aaigc" is all it needs', GOOGLES, DEERAPIS],
    ),
    "a moved base": (
        {"GOOGLE_GEMINI_BASE_URL": "https://api.deerapi.com/v1beta"},
        ["google (https://api.deerapi.com): set GEMINI_API_KEY", DEERAPIS, AAIGCS],
    ),
    "a key and a moved base": (
        {"DEERAPI_API_KEY": "sk-x", "GOOGLE_GEMINI_BASE_URL": "https://gw.example"},
        [
            "google (https://gw.example): set GEMINI_API_KEY",
            'deerapi: DEERAPI_API_KEY is set, so endpoint="deerapi" is all it needs',
            AAIGCS,
        ],
    ),
    "a key of one's own gateway": (
        {"WORK_KEY": "x"},
        ['work (https://gw.example/ai): WORK_KEY is set, so endpoint="work" is all it needs', GOOGLES, DEERAPIS, AAIGCS],
    ),
    "a key without an address": (
        {"PROMPTKIT_API_KEY": "x"},
        ['PROMPTKIT_API_KEY is set: name the base URL that it belongs to, endpoint="https://…"', GOOGLES, DEERAPIS, AAIGCS],
    ),
}


@pytest.mark.parametrize(("env", "lines"), FIRST_SENTENCES.values(), ids=list(FIRST_SENTENCES))
def test_the_first_sentence_without_a_key_lists_the_keys(env: dict[str, str], lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each service's key stands in a line, first those of endpoints whose key or base URL is set; no key is shown."""
    write_config(WORK)
    set_env(monkeypatch, env)
    with pytest.raises(SettingsError) as told:
        choose_endpoint(None)
    first, *between, last = str(told.value).splitlines()
    assert (first, between) == ("No endpoint is named, and no key decides which one is meant:", [f"  {line}" for line in lines])
    assert last.startswith("PROMPTKIT_ENDPOINT names one for good; ")
    assert "sk-x" not in str(told.value)


@pytest.mark.parametrize(("named", "head", "env", "said"), NO_CHOICE.values(), ids=list(NO_CHOICE))
def test_no_choice(named: Any, head: str | None, env: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing decides, the error names what would; it never falls back to drafts or to a name that is not the user's own."""
    set_env(monkeypatch, env)
    with pytest.raises(SettingsError, match=said):
        choose_endpoint(named, head=head)
