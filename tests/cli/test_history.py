"""The commands that read a session, `show` above all: what it takes, and what it prints."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from drift_damage import grainy
from kit.loopback import png
from kit.pictures import encoded, scene, with_box
from kit.shell import on_a_terminal, run
from kit.steps import failed, made

from promptkit import Picture, Session
from promptkit.lineage.tree import Lineage
from promptkit.terminal import LineStyle, width
from promptkit.views.tree import tree_text


def edited(folder: Path, *pictures: bytes, text: str = "make it another colour") -> Session:
    """A session of one step for each of the pictures, each an edit of the one before."""
    lineage, parent = Lineage(folder), None
    for picture in pictures:
        source = [{"role": "base", "sha256": parent.outputs[0]["sha256"], "mime_type": "image/png", "step": parent.id}] if parent else []
        parent = made(lineage, Picture(picture), parents=[parent.id] if parent else [], sources=source, prompt={"text": text})
    assert parent
    lineage.set_head(parent.id)
    return Session(folder)


def show(*arguments: str) -> str:
    """What the command prints."""
    return run("show", *arguments)[0]


def test_the_command_shows_a_step_by_session_and_number(tmp_path: Path) -> None:
    """`show STEP -s SESSION` and the same without a step print the trail; -n shortens it, --changes measures; the older spelling too."""
    edited(tmp_path / "bear", png("red"), png("lime"), png("blue"))
    where = str(tmp_path / "bear")
    lines = ((where, "2"), ("-s", where, "2"), (where,), ("-s", where), (where, "3", "-n", "1", "--changes"))
    said = [show(*arguments) for arguments in lines]
    assert said[0] == said[1] == f"{Session(where).explain(2)}\n"
    assert said[2] == said[3] == f"{Session(where).explain()}\n"
    assert said[4].startswith("… 2 earlier steps left out")
    assert "  changes  " in said[4]


def test_all_digits_are_printed_when_asked_for(tmp_path: Path) -> None:
    """An id has ten digits, and with --full all of them."""
    bear = edited(tmp_path / "bear", png("red"))
    for arguments, shown in (((), bear[1].id[:10]), (("--full",), bear[1].id)):
        assert f"  id         {shown}\n" in show("-s", str(bear.folder), *arguments)


@pytest.mark.parametrize("arguments", [(), ("a", "b", "c"), ("-s", "a", "b", "c"), ("a", "-n", "0")])
def test_a_wrong_command_line_is_said(arguments: tuple[str, ...]) -> None:
    """No session, too many words and a count of no steps end with status 2 and one line that says what goes."""
    assert len(run("show", *arguments, code=2)[1].splitlines()) == 1


def test_the_log_prints_what_was_spent(tmp_path: Path) -> None:
    """`log --cost` prints the sum and both tables."""
    bear = edited(tmp_path / "bear", png("red"), png("lime"), png("blue"))
    out, _ = run("log", "--cost", "-s", bear.folder)
    assert out.startswith("3 steps, 3 attempts: 0.1200 USD")
    assert "\nby outcome" in out


def test_a_measured_warning_is_printed_once(tmp_path: Path) -> None:
    """What was noted as the step came, what was measured and what both say stand there once each."""
    bear = edited(tmp_path / "bear", png("red"), png("red"), png("red", (8, 8)), png("blue", (8, 8)), text="Only make the hat blue")
    out = show("-s", str(bear.folder), "--changes")
    assert out.count("same bytes as before") == 1
    assert out.count("another ratio than before (8×8, was 8×6)") == 1
    assert out.count("100 % of the pixels changed though the edit asked to keep the rest") == 1
    assert out.count("  note  ") == 3


def test_a_head_that_is_damaged_is_not_known(tmp_path: Path) -> None:
    """Where records are and the head's is damaged, what is wrong is said; a step that is named is shown all the same."""
    bear = edited(tmp_path / "bear", png("red"), png("lime"))
    bear[2].record.path.write_bytes(b"{")
    assert "head of this session is not known" in run("show", "-s", bear.folder, code=1)[1]
    assert show("-s", str(bear.folder), "1").startswith("1 ")


def test_times_are_local(tmp_path: Path) -> None:
    """A step made in the evening at Greenwich was made the next morning in Tokyo."""
    lineage = Lineage(tmp_path / "bear")
    lineage.set_head(made(lineage, started="2026-01-01T20:00:00+00:00").id)
    command = [sys.executable, "-m", "promptkit", "show", "-s", str(lineage.folder)]
    out = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "TZ": "JST-9"}).stdout
    assert out.splitlines()[0] == "1 edit: picture (offline draft) 2026-01-02 05:00"


@pytest.mark.parametrize("started", ["", "yesterday", "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00", "2026-13-01"])
def test_times_that_no_clock_showed_stop_nothing(tmp_path: Path, started: str) -> None:
    """A step whose start was made up by a hand is shown, with or without it."""
    lineage = Lineage(tmp_path / "bear")
    lineage.set_head(made(lineage, started=started).id)
    assert show(str(lineage.folder)).startswith("1 edit: picture")


# The tree in a terminal

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two long captions, one of them wide, a branch, a tag, a failed step; the head is not the last one."""
    lineage = Lineage(tmp_path / "bear")
    inputs = {"subject": "a bear with a very long name", "outline": "bold"}
    root = made(lineage, prompt={"text": "boilerplate " * 30, "template": "sticker", "inputs": inputs})
    wide = made(lineage, parents=[root.id], prompt={"text": "\u718a\u732b" * 40})
    failed(lineage, parents=[root.id], prompt={"text": "what would suit it at night, and at dawn, and in the rain?"})
    lineage.set_head(wide.id)
    lineage.set_tag("for the client", wide.id)
    return tmp_path / "bear"


@pytest.mark.parametrize("columns", [40, 72, 120])
def test_the_log_is_as_wide_as_the_terminal(tree: Path, columns: int) -> None:
    """Captions are cut at the terminal's width; number, tags, head and outcome stay, so that the head is seen in any tree."""
    shown = COLOURS.sub("", on_a_terminal("log", "-s", str(tree), columns=columns)).splitlines()
    assert columns - 1 <= max(map(width, shown)) <= columns
    assert shown[0].startswith("1 sticker: a bear with a very")
    assert shown[1].endswith("… [for the client] <- head")
    assert shown[2].endswith(" (text)")


def test_the_log_is_coloured_where_there_are_colours(tree: Path) -> None:
    """A terminal shows head, tags and failures in colour, with the words that say the same; NO_COLOR and pipes get the words alone."""
    shown = on_a_terminal("log", "-s", str(tree))
    assert "\x1b[1;32m <- head\x1b[0m" in shown
    assert "\x1b" not in on_a_terminal("log", "-s", str(tree), NO_COLOR="1")
    plain, _ = run("log", "-s", tree)
    assert "\x1b" not in plain
    assert plain.splitlines()[0] == "1 sticker: a bear with a very long name · outline: bold"


def test_a_deep_branch_leaves_room_for_its_steps(tmp_path: Path) -> None:
    """Where branches inside of each other would take more than half of the line, the beginning of their indent is left out."""
    lineage = Lineage(tmp_path / "bear")
    parent = made(lineage)
    for i in range(20):
        made(lineage, parents=[parent.id], prompt={"text": "a side way"})
        parent = made(lineage, parents=[parent.id], prompt={"text": f"edit {i}"})
    lines = tree_text(lineage, head=parent.id, style=LineStyle(40)).splitlines()
    assert max(map(width, lines)) <= 40
    assert lines[-1].startswith("…")
    assert lines[-1].endswith("└─ 41 edit 19 <- head")


# drift


def decayed(folder: Path) -> Session:
    """A session whose third step is grainy, though it asked for a hat."""
    grains = [scene((256, 256)), with_box(scene((256, 256)), (9, 9, 60, 60)), grainy(with_box(scene((256, 256)), (9, 9, 70, 70)), 9)]
    return edited(folder, *(encoded(image).data for image in grains), text="Add a hat and keep everything else exactly the same")


def test_drift_prints_a_table_and_a_command_that_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the session as it was named, or without it where it is found; of the head, or of the step that is named."""
    session = decayed(tmp_path / "my bear")
    out = run("drift", "-s", str(session.folder))[0]
    assert out.splitlines()[-3].startswith("from step 3 on it goes wrong against step 1: ")
    assert shlex.split(out.splitlines()[-1])[-2:] == ["-s", str(session.folder)]
    assert "nothing goes wrong: 1 of 2 steps judged" in run("drift", "2", "-s", str(session.folder))[0]
    monkeypatch.chdir(session.folder)
    assert " -s " not in run("drift")[0]


def test_the_command_of_drift_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It makes the step that it speaks of."""
    monkeypatch.chdir(decayed(tmp_path / "bear").folder)
    line = shlex.split(run("drift")[0].splitlines()[-1])
    assert line[0] == "promptkit"
    run(*line[1:])
    made_last = Session(Path.cwd()).steps[-1]
    assert (made_last.number, made_last.parents[0].number) == (4, 2)


def test_drift_prints_objects_for_programs(tmp_path: Path) -> None:
    """One line for each step."""
    session = decayed(tmp_path / "bear")
    rows = [json.loads(line) for line in run("drift", "-s", str(session.folder), "--json")[0].splitlines()]
    assert [row["step"] for row in rows] == [1, 2, 3]
    assert rows == session.drift().to_dicts()
