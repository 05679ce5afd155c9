"""What the config file may say, where the folders are, and that a changed file is seen.

Reading it; which endpoint and key follow is tested in tests/providers, that requests go there in tests/session.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from kit.config_file import WORK, write_config

from promptkit import Endpoint, Library, Session, sessions
from promptkit import config as settings
from promptkit.errors import SettingsError


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


@pytest.mark.parametrize(("made", "asked"), [("cafe\u0301", "caf\xe9"), ("caf\xe9", "cafe\u0301")])
def test_a_folder_is_found_in_either_encoding(tmp_path: Path, made: str, asked: str) -> None:
    """A session, what lies below it, and a folder of templates are found by what looks the same; the exact name comes first."""
    Session(tmp_path / made, endpoint="offline").generate("a fox")
    folder = tmp_path / made / "in"
    folder.mkdir()
    (folder / "fox.j2").write_text("A fox.")
    assert settings.as_spelled(tmp_path / asked / "in") == folder
    assert [t.name for t in Library(tmp_path / asked / "in", builtin=False)] == ["fox"]
    assert len(Session(tmp_path / asked)) == 1
    assert [found.folder for found in sessions(tmp_path / asked)] == [tmp_path / made]
    (tmp_path / asked).mkdir(exist_ok=True)
    assert settings.as_spelled(tmp_path / asked) == tmp_path / asked
    assert settings.as_spelled(tmp_path / "é" / "e") == tmp_path / "é" / "e"


def test_a_session_of_a_name_is_found_in_either_encoding() -> None:
    """A name finds the session in the data folder that looks the same."""
    Session("cafe\u0301", endpoint="offline").generate("a fox")
    assert len(Session("caf\xe9")) == 1


@pytest.mark.slow
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


def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PROMPTKIT_HOME moves settings, sessions and templates; PROMPTKIT_TEMPLATES adds folders before the user's own."""
    home = tmp_path / "home"
    assert (settings.config_file(), settings.data_folder()) == (home / "config.toml", home / "sessions")
    assert settings.template_folders() == (str(home / "templates"),)
    monkeypatch.setenv("PROMPTKIT_TEMPLATES", os.pathsep.join([str(tmp_path / "a"), "", "~/b"]))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert settings.template_folders() == (str(tmp_path / "a"), str(tmp_path / "b"), str(home / "templates"))
    assert not home.exists()


