"""Which key goes to which endpoint and which never does, how one is asked for, and how it is kept out of sight."""

from __future__ import annotations

import copy
import json
import os
import pickle
import pty
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from kit.config_file import WORK, set_env, write_config

from promptkit import config
from promptkit.errors import SettingsError
from promptkit.providers.endpoint_choice import choose_endpoint
from promptkit.providers.keys import Key, ask_key, find_key

SECRET = "sk-sEcReT0123"


def secret_of(key: Key | None) -> str | None:
    return key.reveal() if key else None


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
    ("google", {"DEERAPI_API_KEY": SECRET}, None, 'DEERAPI_API_KEY is set, which endpoint="deerapi" takes'),
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
    assert key.scrub(b"\xff" + SECRET.encode() + "é".encode()) == b"\xff[key removed]" + "é".encode()


# Asking for a key

ASKING = """
import pickle, sys
from promptkit.providers.endpoint_choice import choose_endpoint
from promptkit.providers.keys import ask_key, find_key
ask_key("deerapi")
endpoint, stranger = choose_endpoint("deerapi"), choose_endpoint("http://deerapi")
print(find_key(endpoint), len(find_key(endpoint).reveal()), find_key(stranger), flush=True)
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
    assert not config.config_file().parent.exists()


def test_ask_key_for_nobody() -> None:
    """A key is asked for only where the endpoint is known, and nothing is asked otherwise."""
    with pytest.raises(SettingsError, match="There is no endpoint 'nobody'"):
        ask_key("nobody")
