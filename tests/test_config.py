"""Which endpoint is chosen, which key goes there and which never does, what the config file may say, and how a key is kept out of sight.

What is read and chosen; that requests then go there is tested in tests/providers and tests/session.
"""

from __future__ import annotations

import copy
import json
import os
import pickle
import pty
import subprocess
import sys
import time
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

from promptkit import config as settings
from promptkit.config import Endpoint, Key, choose_endpoint, find_key
from promptkit.errors import PromptkitError, SettingsError

GOOGLE = "https://generativelanguage.googleapis.com"
WORK = '[endpoints.work]\nbase_url = "https://gw.example/ai/"\nauth = "bearer"\nkey_env = ["WORK_KEY", "OLD_KEY"]\nmodel = "m"\n'
SECRET = "sk-sEcReT0123"


def write_config(text: str) -> Path:
    path = settings.config_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def set_env(monkeypatch: pytest.MonkeyPatch, env: dict[str, str]) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)


def secret_of(key: Key | None) -> str | None:
    return key.reveal() if key else None


# Which endpoint

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
    "nothing": (None, None, {}, r'set GEMINI_API_KEY .*api_key=.*ask_key\("google"\).*endpoint="offline"'),
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


@pytest.mark.parametrize(("named", "head", "env", "said"), NO_CHOICE.values(), ids=list(NO_CHOICE))
def test_no_choice(named: Any, head: str | None, env: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing decides, the error names what would; it never falls back to drafts or to a name that is not the user's own."""
    set_env(monkeypatch, env)
    with pytest.raises(SettingsError, match=said):
        choose_endpoint(named, head=head)


BAD_URLS = ["https://", "ftp://h", "://h", "https://h:99999", "https://h:x", "file:///etc/passwd", "https://[::1", "https:///path"]
TELLING = [f"https://user:{SECRET}@gw.example", f"https://{SECRET}@gw.example/", f"https://gw.example/?key={SECRET}", f"https://gw.example#{SECRET}"]
TELLING += [f"https://u:{SECRET}@gw.example:x", f"https://gw.example\\@{SECRET}"]


@pytest.mark.parametrize("url", BAD_URLS + TELLING)
def test_urls_that_are_refused(url: str) -> None:
    """A base URL without a host, or with user information, a query or a fragment, is refused, and what it carries is not quoted."""
    for make in (choose_endpoint, lambda u: Endpoint("x", u)):
        with pytest.raises(SettingsError) as failed:
            make(url)
        assert SECRET not in str(failed.value)
        assert failed.value.__context__ is None or failed.value.__suppress_context__


# Which key

GATEWAYS = {"GEMINI_API_KEY": SECRET}
ALL = {"GEMINI_API_KEY": "AIza1", "GOOGLE_API_KEY": "AIza2", "PROMPTKIT_API_KEY": "pk"}
ALL |= {"DEERAPI_API_KEY": "deer", "WORK_KEY": " w\n", "OLD_KEY": "o"}
KEYS: dict[str, tuple[str, dict[str, str], str | None, str | None]] = {
    "given": ("google", ALL, "mine", "mine"),
    "google": ("google", ALL, None, "AIza1"),
    "google's second": ("google", {"GOOGLE_API_KEY": "AIza2", "GEMINI_API_KEY": ""}, None, "AIza2"),
    "google, with a gateway's": ("google", GATEWAYS, None, SECRET),
    "deerapi": ("deerapi", {**ALL, **GATEWAYS}, None, "deer"),
    "deerapi, the shared one": ("deerapi", GATEWAYS, None, SECRET),
    "aaigc, the shared one": ("aaigc", GATEWAYS, None, SECRET),
    "aaigc, none": ("aaigc", {"GEMINI_API_KEY": "AIza1"}, None, None),
    "the config file's": ("work", {**ALL, **GATEWAYS}, None, "w"),
    "the config file's second": ("work", {"OLD_KEY": "o"}, None, "o"),
    "offline": ("offline", ALL, "mine", None),
    "an unknown host": ("https://stranger.example", {**ALL, **GATEWAYS}, None, "pk"),
    "an unknown host, given": ("https://stranger.example", ALL, "mine", "mine"),
    "an unknown host, none": ("https://stranger.example", {"GEMINI_API_KEY": "AIza1", "GOOGLE_API_KEY": "AIza2"}, None, None),
    "an unknown host, no gateway's": ("https://stranger.example", GATEWAYS, None, None),
    "a host called google": ("http://google", {"GEMINI_API_KEY": "AIza1"}, None, None),
    "a host called deerapi": ("http://deerapi", GATEWAYS, None, None),
    "a host that ends like a known one": ("https://evil-api.deerapi.com", {"DEERAPI_API_KEY": "deer"}, None, None),
}


@pytest.mark.parametrize(("endpoint", "env", "given", "key"), KEYS.values(), ids=list(KEYS))
def test_key(endpoint: str, env: dict[str, str], given: str | None, key: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is the one given, else the endpoint's own variables'; gateways share GEMINI_API_KEY only as sk-…, strangers never get it."""
    write_config(WORK)
    set_env(monkeypatch, env)
    assert secret_of(find_key(choose_endpoint(endpoint), given)) == key


NO_KEYS: list[tuple[str, dict[str, str], Any, str]] = [
    ("google", {}, None, r"No key for 'google': set GEMINI_API_KEY, pass api_key=, or call promptkit.ask_key\('google'\)"),
    ("deerapi", {"GEMINI_API_KEY": "AIza1"}, None, "set DEERAPI_API_KEY"),
    ("google", {"GEMINI_API_KEY": f"{SECRET}\n{SECRET}"}, None, "GEMINI_API_KEY: The key is empty or holds spaces"),
    ("deerapi", {"GEMINI_API_KEY": f"{SECRET} x"}, None, "GEMINI_API_KEY: The key"),
    ("google", ALL, "", "api_key=: The key is empty"),
    ("google", ALL, f"{SECRET}é", "api_key=: The key"),
    ("google", ALL, SECRET.encode(), "api_key= holds a bytes; a key is a text"),
]


@pytest.mark.parametrize(("endpoint", "env", "given", "said"), NO_KEYS)
def test_no_key(endpoint: str, env: dict[str, str], given: Any, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that is missing or no key at all is an error that says where it should stand, and never what stands there."""
    set_env(monkeypatch, env)
    with pytest.raises(SettingsError, match=said) as failed:
        find_key(choose_endpoint(endpoint), given)
    assert SECRET not in str(failed.value)


def test_a_key_does_not_show_itself() -> None:
    """A key shows as [key] in every text, cannot be pickled or copied, and takes itself out of what is to be shown."""
    key = Key(f"  {SECRET}\n")
    assert {repr(key), str(key), f"{key}", f"{key!r}", repr([key]), "%s" % key} == {"[key]", "[[key]]"}  # noqa: UP031
    for copied in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps):
        with pytest.raises(TypeError) as failed:
            copied(key)
        assert SECRET not in str(failed.value)
    assert not hasattr(key, "__dict__")
    assert (key.reveal(), key.is_gateways, key.within(f"a{SECRET}b"), key.within("sk-")) == (SECRET, True, True, False)
    said = {f"x{SECRET}": [f"{SECRET}{SECRET}", (SECRET, 1, None)]}
    assert key.scrub(said) == {"x[key removed]": ["[key removed][key removed]", ("[key removed]", 1, None)]}


# The config file

BROKEN: dict[str, tuple[str, str]] = {
    "no TOML": ("lang = zh", "cannot be read"),
    "an unknown key": ('lagn = "zh"', "an unknown key 'lagn'"),
    "a lang that is none": ("lang = 3", "has lang = 3"),
    "endpoints that are none": ("endpoints = 3", "has endpoints = 3"),
    "an endpoint that is none": ("[endpoints]\nwork = 3", "needs base_url"),
    "no base_url": ('[endpoints.work]\nmodel = "m"', "needs base_url"),
    "an empty base_url": ('[endpoints.work]\nbase_url = ""', "needs base_url"),
    "a key": (f'[endpoints.work]\nbase_url = "https://h"\napi_key = "{SECRET}"', "an unknown key 'api_key'"),
    "a key as key_env": (f'[endpoints.work]\nbase_url = "https://h"\nkey_env = "{SECRET}"', "key_env that names no variable"),
    "Google's key as key_env": ('[endpoints.work]\nbase_url = "https://h"\nkey_env = "AIzasEcReT"', "key_env that names no variable"),
    "a number as key_env": ('[endpoints.work]\nbase_url = "https://h"\nkey_env = 3', "key_env that names no variable"),
    "a slip": ('[endpoints.work]\nbase_url = "https://h"\nkeyenv = "A"', r"'keyenv' \(did you mean 'key_env'\?\)"),
    "an unknown auth": (f'[endpoints.work]\nbase_url = "https://h"\nauth = "Bearer {SECRET}"', "one of x-goog-api-key, bearer, raw, none"),
    "a model that is none": ('[endpoints.work]\nbase_url = "https://h"\nmodel = 3', "has model 3"),
    "a URL with a key": (f'[endpoints.work]\nbase_url = "https://h?key={SECRET}"', "carries user information, a query"),
    "offline redefined": ('[endpoints.offline]\nbase_url = "https://h"', "choose another name"),
}


@pytest.mark.parametrize(("text", "said"), BROKEN.values(), ids=list(BROKEN))
def test_broken_config(text: str, said: str) -> None:
    """A config file that cannot be meant is an error with its path and the key's name, and without the value of what may be a key."""
    path = write_config(text)
    with pytest.raises(SettingsError, match=said) as failed:
        choose_endpoint("work")
    assert str(path) in str(failed.value)
    assert SECRET not in str(failed.value)
    assert "sEcReT" not in str(failed.value)


def await_next_second() -> None:
    time.sleep(1 - time.monotonic() % 1 + 0.01)


def test_config_that_cannot_be_read() -> None:
    """Bytes that are no UTF-8, or a folder in the file's place, name the path; a byte-order mark does no harm."""
    path = write_config("\ufefflang = 'ja'\n")
    assert settings.language() == "ja"
    path.write_bytes(b"lang = '\xff'")
    await_next_second()
    with pytest.raises(SettingsError, match="cannot be read"):
        settings.language()
    path.unlink()
    path.mkdir()
    with pytest.raises(SettingsError, match="cannot be read"):
        settings.language()


def test_a_changed_config_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is read again when it has changed, within a second for the language, and endpoints take all that it says."""
    assert settings.language() == "en"
    write_config("lang = 'ja'\n")
    await_next_second()
    assert settings.language() == "ja"
    write_config("lang = 'zh-CN'\n" + WORK)
    await_next_second()
    assert settings.language() == "zh-CN"
    work = Endpoint.named("work")
    assert work == Endpoint("work", "https://gw.example/ai", "bearer", ("WORK_KEY", "OLD_KEY"), "m")
    assert (work.host, work.key_required) == ("gw.example", True)
    write_config("lang = ''\n")
    await_next_second()
    assert settings.language() == "en"
    monkeypatch.setenv("PROMPTKIT_LANG", "hi")
    assert settings.language() == "hi"
    with pytest.raises(SettingsError, match="no endpoint 'work'"):
        Endpoint.named("work")


def test_endpoints_are_frozen() -> None:
    """An Endpoint cannot be changed, takes one variable's name as a list of one, and shows no key, for it holds none."""
    endpoint = Endpoint("x", "https://X.example:443/v1beta/", key_env="A")  # type: ignore[arg-type]
    assert (endpoint.base_url, endpoint.key_env, endpoint.auth) == ("https://x.example", ("A",), "x-goog-api-key")
    with pytest.raises(FrozenInstanceError):
        endpoint.base_url = "https://evil.example"  # type: ignore[misc]


def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PROMPTKIT_HOME moves settings, sessions and templates; PROMPTKIT_TEMPLATES adds folders before the user's own."""
    home = tmp_path / "home"
    assert (settings.config_file(), settings.data_folder()) == (home / "config.toml", home / "sessions")
    assert settings.template_folders() == (str(home / "templates"),)
    monkeypatch.setenv("PROMPTKIT_TEMPLATES", os.pathsep.join([str(tmp_path / "a"), "", "~/b"]))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert settings.template_folders() == (str(tmp_path / "a"), str(tmp_path / "b"), str(home / "templates"))
    assert not home.exists()


def test_whole_tracebacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """PROMPTKIT_TRACEBACK brings the traceback back, unless it is 0 or empty."""
    for value, whole in (("1", True), ("0", False), ("", False)):
        monkeypatch.setenv("PROMPTKIT_TRACEBACK", value)
        assert PromptkitError("x").whole_traceback() is whole


# Asking for a key

ASKING = """
import pickle, sys
from promptkit import config as settings
settings.ask_key("deerapi")
endpoint = settings.Endpoint.named("deerapi")
stranger = settings.choose_endpoint("http://deerapi")
print(settings.find_key(endpoint), len(settings.find_key(endpoint).reveal()), settings.find_key(stranger), flush=True)
"""


def test_ask_key_at_a_terminal() -> None:
    """A key is asked for at the terminal without echo, goes before the variable's, is for that endpoint alone and reaches no disk."""
    main, terminal = pty.openpty()
    env = {**os.environ, "DEERAPI_API_KEY": "other"}
    process = subprocess.Popen(
        [sys.executable, "-c", ASKING], stdin=terminal, stdout=terminal, stderr=terminal, env=env, start_new_session=True, cwd=Path.cwd()
    )
    os.close(terminal)
    said = b""
    while b"deerapi: " not in said:
        said += os.read(main, 1000)
    time.sleep(0.1)  # getpass flushes what was typed before it turned the echo off
    os.write(main, SECRET.encode() + b"\n")
    while b"None" not in said and process.poll() is None:
        said += os.read(main, 1000)
    assert process.wait(10) == 0
    os.close(main)
    assert f"[key] {len(SECRET)} None" in said.decode()
    assert SECRET not in said.decode()
    assert not settings.config_file().parent.exists()


def test_ask_key_for_nobody() -> None:
    """A key is asked for only where the endpoint is known, and nothing is asked otherwise."""
    with pytest.raises(SettingsError, match="There is no endpoint 'nobody'"):
        settings.ask_key("nobody")
