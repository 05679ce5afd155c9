"""reference in the shell, and -r NAME with the commands that make steps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kit.loopback import png
from kit.shell import run

from promptkit import Session


@pytest.fixture(autouse=True)
def cup() -> Session:
    """A session with a step, whose heroine is a file."""
    Path("front.png").write_bytes(png("red"))
    Path("own.png").write_bytes(png("green"))
    run("generate", "a window", "-s", "./cup", "-e", "offline")
    run("reference", "heroine", "front.png", "-s", "./cup", "--description", "the girl")
    return Session("./cup")


def sent(number: int) -> list[str | None]:
    return [source.label for source in Session("./cup")[number].record.sources]


def test_names_are_listed_and_shown(cup: Session) -> None:
    """Without a name all are listed, with one it is shown, and as JSON each is one object."""
    run("reference", "window", "1", "-s", "./cup")
    out, _ = run("reference", "-s", "./cup")
    assert out == "heroine: the girl (1 picture from outside)\nwindow (step 1)\n"
    out, _ = run("reference", "window", "-s", "./cup")
    assert out == "window (step 1)\n"
    out, said = run("reference", "-s", "./cup", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert ([row["name"] for row in rows], rows[0]["schema"], said) == (["heroine", "window"], "promptkit.reference/1", "")
    out, said = run("reference", "none", "-s", "./cup", code=1)
    assert "There is no reference 'none'" in said


def test_naming_says_what_was_done(cup: Session) -> None:
    """It says how to use the name, what steps keep, and prints the object with --json; a first name makes a session."""
    _, said = run("reference", "heroine", "own.png", "front.png", "-s", "./cup")
    assert "heroine (2 pictures from outside) goes along with -r heroine; steps that were asked for" in said
    out, _ = run("reference", "the cat", "own.png", "-s", "./new", "--json")
    assert json.loads(out)["name"] == "the cat"
    _, said = run("reference", "-s", "./empty")
    assert "no names yet" in said
    assert not Path("empty").exists()
    run("reference", "7", "own.png", "-s", "./cup", code=1)


@pytest.mark.parametrize("command", [["generate"], ["edit"], ["vary", "-n", "1"]], ids=str)
def test_commands_that_make_steps_take_names(cup: Session, command: list[str]) -> None:
    """-r takes a name, a step, a file, and NAME=… for this once."""
    name, *more = command
    run(name, "she waves", *more, "-s", "./cup", "-r", "heroine", "-r", "cat=own.png", "-r", "1", "-m", "gemini-nano-banana-2.1")
    assert sent(2)[-3:] == ["heroine: the girl", "cat:", "another picture:"]


def test_a_file_with_an_equals_sign_is_a_file(cup: Session) -> None:
    """What is there as it is written is taken so."""
    Path("a=b.png").write_bytes(png("blue"))
    run("edit", "more", "-s", "./cup", "-r", "a=b.png")
    assert sent(2) == [None, None]


def test_names_of_another_session_come_along(cup: Session) -> None:
    """--names-from brings them, to use and to list."""
    run("generate", "she waves", "-s", "./story", "-e", "offline", "-r", "heroine", "--names-from", "./cup")
    assert Session("./story")[1].record.sources[0].label == "heroine: the girl"
    assert run("reference", "-s", "./story", "--names-from", "./cup")[0].startswith("heroine")
    run("generate", "x", "-s", "./story", "-r", "heroin", "--names-from", "./cup", code=1)


def test_a_tag_takes_a_name_over(cup: Session) -> None:
    """tag says that the name was a reference, and goto, which takes a step, what a reference is."""
    _, said = run("goto", "heroine", "-s", "./cup", code=1)
    assert "-r heroine sends it along" in said
    _, said = run("tag", "heroine", "-s", "./cup")
    assert "was a reference" in said
    assert run("reference", "-s", "./cup")[0] == ""
