"""Which session a command works in: -s, else the folder one stands in, else PROMPTKIT_SESSION; and how words were placed before."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from kit.shell import run

from promptkit import Session

COMMANDS = (
    *("log", "show", "verify", "page", "undo", "redo", "goto 1", "tag x"),
    *("save -o a.png", "export -o a.zip", "squash 2 3", "vary -n 1"),
)


@pytest.fixture
def cup() -> Session:
    """A session in ./cup of three steps, the head on the last but one."""
    session = Session("./cup", endpoint="offline")
    session.generate("a cup").edit("make it blue").edit("add a saucer")
    session.undo()
    return session


@pytest.fixture
def mug() -> Session:
    session = Session("./mug", endpoint="offline")
    session.generate("a mug")
    return session


def test_the_folder_one_stands_in_goes_before_the_variable(cup: Session, mug: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """And -s before both; stderr begins with the session wherever it was not named."""
    monkeypatch.setenv("PROMPTKIT_SESSION", "./mug")
    out, said = run("log")
    assert ("a mug" in out, said) == (True, "in ./mug:\n")
    out, said = run("log", "-s", "./cup")
    assert ("a cup" in out, said) == (True, "")
    os.chdir("cup")
    out, said = run("log")
    assert ("a cup" in out, said) == (True, "in ./cup:\n")
    assert "a cup" in run("log", "-s", ".")[0]
    assert "a mug" in run("log", "-s", "../mug")[0]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_finds_the_session_that_is_meant(cup: Session, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it does there, it says once where, before all else."""
    monkeypatch.setenv("PROMPTKIT_SESSION", str(cup.folder))
    said = run(*command.split())[1]
    assert said.startswith("in ./cup:\n")
    assert said.count("in ./cup:") == 1


def test_a_picture_is_made_where_one_stands(cup: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """generate and add too; and the variable may name a session that is not there yet."""
    os.chdir("cup")
    assert run("generate", "a plate")[1].startswith("in ./cup:\n4 a plate")
    os.chdir("..")
    monkeypatch.setenv("PROMPTKIT_SESSION", "new")
    said = run("generate", "a plate", "-e", "offline")[1]
    assert said.startswith("in ")
    assert said.splitlines()[0].endswith("/sessions/new:")


def test_where_no_session_is_meant_the_sentence_names_all_ways(cup: Session) -> None:
    """It is a wrong command line; nothing is made."""
    for command in (*COMMANDS, "generate x", "edit x", "add x.png", "replay --into ./b"):
        if command != "show":
            said = run(*command.split(), code=2)[1]
            assert ("-s ./cup" in said, "PROMPTKIT_SESSION" in said, said.count("\n")) == (True, True, 1)
    assert [path.name for path in Path.cwd().iterdir()] == ["cup"]


def test_json_says_the_session_as_a_note(cup: Session) -> None:
    """So that stdout and stderr stay objects."""
    os.chdir("cup")
    note = json.loads(run("log", "--json")[1])
    assert (note["level"], note["message"]) == ("note", "in ./cup:")


def test_a_session_by_position_is_an_older_spelling(cup: Session, mug: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """It works, and names the new one."""
    assert run("show", "./cup", "1")[1].endswith("write promptkit show 1 -s ./cup.\n")
    assert run("show", "./cup")[1].endswith("write promptkit show -s ./cup.\n")
    assert run("export", "./cup")[1].splitlines()[0].endswith("write promptkit export -s ./cup.")
    monkeypatch.setenv("PROMPTKIT_SESSION", "./cup")
    assert run("show", "3")[0].startswith("1 generate")
    assert "a mug" in run("show", "mug")[0], "where the session that is meant has no such step"
    cup.tag("mug", 1)
    assert "a mug" not in run("show", "mug")[0], "and where it has one, that is meant"
    assert "too much" in run("show", "./cup", "1", "-s", "./cup", code=2)[1]


def test_templates_by_position_are_an_older_spelling() -> None:
    """A FOLDER of templates stands by itself, names follow -t; -f and names that stand alone work, and name the new spelling."""
    run("templates", "new", "fox", "mine")
    new = run("templates", "render", "mine")
    assert new[0].startswith("fox.1.en.txt:")
    assert run("templates", "render", "mine", "-t", "fox") == new
    for old in (["mine", "fox"], ["-f", "mine", "-t", "fox"], ["fox", "-f", "mine"], ["--all", "--folder", "mine"]):
        out, said = run("templates", "render", *old)
        assert (out, "old spelling" in said) == (new[0], True)
    Path("sticker").mkdir()
    assert run("templates", "render", "sticker")[0] == run("templates", "render", "-t", "sticker")[0], "no template is in that folder"
    assert "old spelling" in run("templates", "new", "owl", "-f", "mine")[1]
    assert "one folder" in run("templates", "check", "mine", "-f", "mine", code=2)[1]
    assert "one folder" in run("templates", "render", "mine", "./mine", code=2)[1]


@pytest.mark.parametrize("command", [("-s", "./cup", "log"), ("--json", "log", "-s./cup"), ("-s./cup", "log"), ("--session=./cup", "log")])
def test_options_stand_before_the_command_or_after_it(cup: Session, command: tuple[str, ...]) -> None:
    """A value that looks like a command stays one."""
    assert "make it blue" in run(*command)[0]
    assert "blue" in run("tag", "-s", "./cup", "log", "2")[1] + run("-s", "./cup", "log")[0]


def test_options_stand_between_the_words(cup: Session) -> None:
    """Also where a word may be left out."""
    assert run("tag", "first", "-s", "./cup", "1")[1] == "step 1 is now 'first'\n"
    assert run("squash", "2", "-s", "./cup", "3", "-e", "offline", "make it blue, with a saucer", "--fresh")[1].startswith("4 ")
