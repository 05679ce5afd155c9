"""promptkit doctor: what an installation is and what is in the way, and never a key."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from kit.shell import run, run_process

from promptkit import Session, config

KEY = "AIza" + "x" * 35


def lines(*arguments: object, code: int = 0) -> dict[str, str]:
    """What it says, by what it looked at."""
    out, _ = run("doctor", *arguments, code=code)
    out = out.replace("\n" + " " * 20, " ")  # a sentence of several lines
    return {line[6:20].strip(): f"{line[:6].strip()} {line[20:]}" for line in out.splitlines()}


@pytest.fixture(autouse=True)
def _own_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other installation is on PATH."""
    import sys

    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))


def test_without_a_key_it_says_the_ways_there_are() -> None:
    """That is nothing wrong yet; the version, the places and what would be asked are said."""
    found = lines()
    assert found["promptkit"].startswith("- ")
    assert all(said in found["endpoint"] for said in ("google: set GEMINI_API_KEY", "-e deerapi", "-e offline"))
    assert found["key google"] == "- none; GEMINI_API_KEY or GOOGLE_API_KEY would hold it"
    assert str(config.data_folder()) in found["sessions"]
    assert found["sessions"].startswith("ok ")
    assert found["import name"].startswith("ok ")
    assert found["command"].startswith(("ok ", "- no promptkit"))


def test_a_key_is_named_by_its_variable_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """And why that endpoint is the one."""
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    out = "\n".join(run("doctor"))
    found = lines()
    assert KEY not in out
    assert found["key google"] == "- in GEMINI_API_KEY"
    assert found["endpoint"].endswith("a key of Google's is set, and nothing names another")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "https://mine.example.com")
    assert "https://mine.example.com: " in lines()["endpoint"]
    monkeypatch.setenv("PROMPTKIT_ENDPOINT", "deerapi")
    found = lines(code=1)
    assert found["endpoint"].endswith(": PROMPTKIT_ENDPOINT names it")
    assert found["key deerapi"].startswith(("wrong no key: set DEERAPI", "- none"))


def test_what_is_wrong_is_said_and_ends_with_status_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """A config file that cannot be read, an endpoint that is none, certificates that are not there, another's package of this name."""
    config.config_file().parent.mkdir(parents=True, exist_ok=True)
    config.config_file().write_text("lang = ", encoding="utf-8")
    assert lines(code=1)["config"].startswith("wrong The config file")
    config.config_file().unlink()
    monkeypatch.setenv("PROMPTKIT_ENDPOINT", "gogle")
    assert "did you mean 'google'" in lines(code=1)["endpoint"]
    monkeypatch.delenv("PROMPTKIT_ENDPOINT")
    monkeypatch.setenv("SSL_CERT_FILE", "/none.pem")
    assert lines(code=1)["certificates"] == "wrong /none.pem (SSL_CERT_FILE) is not there"
    monkeypatch.delenv("SSL_CERT_FILE")
    other = Path("site/promptkit-1.0.dist-info")
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: promptkit\nVersion: 1.0\n")
    (other / "top_level.txt").write_text("promptkit\n")
    monkeypatch.setenv("PYTHONPATH", str(Path("site").absolute()))
    assert "pip uninstall promptkit, then install this one again" in run_process("doctor", code=1)[0]


def test_a_proxy_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """And for which endpoints it is asked."""
    monkeypatch.setenv("https_proxy", "http://me:secret@proxy.example.com:3128")
    found = lines()["proxy"]
    assert "proxy.example.com:3128 (https_proxy) for google" in found
    assert "secret" not in found


def test_the_session_around_is_said_and_json_has_the_same() -> None:
    """One object for each thing that was looked at."""
    Session("./cup", endpoint="offline").generate("a cup")
    os.chdir("cup")
    objects = [json.loads(line) for line in run("doctor", "--json")[0].splitlines()]
    assert {each["schema"] for each in objects} == {"promptkit.check/1"}
    assert next(each["message"] for each in objects if each["check"] == "session").startswith("./cup;")
    assert {each["ok"] for each in objects} <= {True, None}
