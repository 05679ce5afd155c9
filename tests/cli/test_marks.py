"""mark and marks in the shell, and the steps that every command finds by their marks: @keep, @reject, @4stars."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kit.json_objects import described
from kit.loopback import png
from kit.shell import on_stdin, run

from promptkit import Session


@pytest.fixture(autouse=True)
def cup() -> Session:
    """Four pictures of 64×64 pixels; each of the last three was made from the first."""
    session = Session("./cup", endpoint="offline")
    root = session.add(png("red", size=(64, 64)), label="root")
    for colour in ("green", "blue", "white"):
        session.add(png(colour, size=(64, 64)), on=root, label=colour)
    return session


def said() -> list[str]:
    return [str(mark) for mark in Session("./cup").marks]


def test_several_steps_are_marked_at_once() -> None:
    """Ranges, lists and tags; the verdict stands behind them or before, options anywhere."""
    out, told = run("mark", "2", "3-4", "keep", "--stars", "4", "--by", "client", "--note", "bluer", "-s", "./cup")
    assert out == ""
    assert told.splitlines() == [f"step {i}: keep ★★★★ bluer (client)" for i in (2, 3, 4)]
    run("mark", "--note", "too dark", "reject", "2,3", "-s", "./cup")
    assert said()[:2] == ["step 2: reject too dark", "step 2: keep ★★★★ bluer (client)"]
    run("mark", "2", "none", "-s", "./cup")
    run("mark", "3", "--stars", "1", "-s", "./cup")
    assert said()[1] == "step 3: reject ★ too dark"
    assert said()[0] == "step 2: keep ★★★★ bluer (client)"
    run("mark", "4", "keep", "--region", "50%x50%+0%+0%", "-s", "./cup")
    assert said()[-2] == "step 4: keep 32x32+0+0"


def test_texts_come_from_files_and_stdin() -> None:
    """As everywhere, - is stdin and @FILE what a file holds."""
    Path("note.txt").write_text("より青く\n")
    run("mark", "1", "--note", "@note.txt", "-s", "./cup")
    with on_stdin("más azul\n".encode()):
        run("mark", "2", "--note", "-", "-s", "./cup")
    assert said() == ["step 1: より青く", "step 2: más azul"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("mark 2", 2, "name the steps, then one of keep, reject, none, or say --stars"),
        ("mark keep", 2, "name the steps, then one of"),
        ("mark 2 keep reject", 2, "name the steps, then one of"),
        ("mark 2 kepp", 2, "(did you mean 'keep'?)"),
        ("mark 2 --by Ann", 2, "name the steps, then one of"),
        ("mark 9 keep", 1, "There is no step 9"),
        ("mark 2 keep --stars 9", 1, "--stars is a whole number from 1 to 5, or 0 to take them back, not 9"),
        ("mark 2 keep --region 99x9+0+0", 1, "reaches outside of the picture, which has 64×64 pixels"),
        ("mark @keep reject", 1, "No step is marked so that '@keep' means it; `promptkit marks` lists what is said"),
        ("marks none.json", 1, "'none.json' cannot be read as a file of marks"),
        ("marks 3", 1, "'3' cannot be read as a file of marks"),
        ("log --marked kepp", 1, "'kepp' is none of them (did you mean 'keep'?)"),
        ("find", 2, "needs WORD, or --marked"),
    ],
)
def test_what_is_wrong_is_said(words: str, code: int, message: str) -> None:
    """In the shell's words; nothing is written."""
    session = [] if words == "find" else ["-s", "./cup"]
    assert message in run(*words.split(), *session, code=code)[1]
    assert said() == []


def test_marks_are_listed() -> None:
    """As a table, of all readers or of one, or as objects; where there are none it says how to make one."""
    assert "no marks; `promptkit mark 3 keep` makes one" in run("marks", "-s", "./cup")[1]
    run("mark", "2", "keep", "--stars", "4", "--by", "client", "-s", "./cup")
    run("mark", "3", "reject", "-s", "./cup")
    out, _ = run("marks", "-s", "./cup")
    assert [line.split()[:2] for line in out.splitlines()] == [["step", "by"], ["2", "client"], ["3", "reject"]]
    assert len(run("marks", "--by", "client", "-s", "./cup")[0].splitlines()) == 2
    rows = [json.loads(line) for line in run("marks", "-s", "./cup", "--json")[0].splitlines()]
    assert rows == Session("./cup").marks.to_dicts()
    assert described(rows) == ["mark", "mark"]


def test_a_pasted_mail_is_taken_in() -> None:
    """What was taken in and refused is said, line by line; where something was refused the exit status is 1."""
    mail = "Hi!\n\n> 2 keep ★★★★ bluer\n> 9: reject\nBest"
    with on_stdin(mail.encode()):
        out, told = run("marks", "-", "--by", "client", "-s", "./cup", code=1)
    assert out == ""
    assert told.splitlines() == [
        "step 2: keep ★★★★ bluer (client)",
        "promptkit: line 4: There is no step 9; its steps are numbered 1 to 4.",
        "1 mark taken in, 1 refused",
    ]
    with on_stdin("2 keep ★★★★ bluer".encode()):
        assert "0 marks taken in, 1 there already" in run("marks", "-", "--by", "client", "-s", "./cup")[1]
    with on_stdin(b"3 keep"):
        assert "--by says whose they are" in run("marks", "-", "-s", "./cup")[1]


def test_a_file_is_taken_in(cup: Session) -> None:
    """By its name, also with an @ as everywhere; what it holds of another session is refused."""
    marks = [{"step": cup[2].id, "verdict": "keep"}]
    Path("3").write_text(json.dumps({"schema": "promptkit-marks/1", "root": cup[1].id, "by": "Ann", "marks": marks}))
    out, _ = run("marks", "3", "-s", "./cup", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert described(rows) == ["mark", "marks_taken"]
    assert (rows[0]["by"], rows[1]["new"], rows[1]["refused"]) == ("Ann", 1, [])
    assert "1 there already" in run("marks", "@3", "-s", "./cup")[1]
    Session("./other", endpoint="offline").add(png("yellow"))
    assert "holds marks for another session" in run("marks", "3", "-s", "./other", code=1)[1]


def kept(*steps: int, by: str = "") -> None:
    for step in steps:
        Session("./cup").mark(step, "keep", stars=step, by=by)


def test_log_lists_what_is_marked_so() -> None:
    """By all who judged a step or by one reader; on which they differ is said. Steps with a mark stand so in the tree, too."""
    kept(2, 3, by="Ann")
    run("mark", "3", "reject", "--by", "Bo", "-s", "./cup")
    out, told = run("log", "--marked", "keep", "-s", "./cup")
    assert (out, told) == ("2 green (made by hand) · keep ★★ (Ann)\n", "left out, for readers differ on it: 3\n")
    assert len(run("log", "--marked", "@keep", "--by", "Ann", "-s", "./cup")[0].splitlines()) == 2
    assert "  " in run("log", "--marked", "3stars", "--files", "-s", "./cup")[0].splitlines()[1]
    assert "no step is marked '5stars'" in run("log", "--marked", "5stars", "-s", "./cup")[1]
    assert "├─ 3 blue (made by hand) · keep ★★★ (Ann), reject (Bo)" in run("log", "-s", "./cup")[0]
    rows = [json.loads(line) for line in run("log", "--marked", "marked", "--json", "-s", "./cup")[0].splitlines()]
    assert [(row["step"], row["verdict"], row["stars"]) for row in rows] == [(2, "keep", 2), (3, "conflict", 3)]


def test_find_knows_marks() -> None:
    """Steps that are marked so, over all sessions, with words or without; notes are searched like all that is said of a step."""
    kept(2, 3)
    run("mark", "4", "reject", "--note", "too purple", "-s", "./cup")
    assert run("find", "--marked", "keep", "--in", ".")[0].count(".png") == 2
    assert run("find", "blue", "--marked", "keep", "--in", ".")[0].count(".png") == 1
    assert "cup 4, mark: reject too purple" in run("find", "purple", "--in", ".")[1]
    assert run("find", "--marked", "5stars", "--in", ".", code=1)[0] == ""
    assert "did you mean 'keep'?" in run("find", "--marked", "kepp", "--in", "./none-such", code=1)[1]


def test_steps_are_named_by_their_marks(cup: Session) -> None:
    """Where one step is wanted it is the only one that is marked so; where several are taken, all of them. @keep is no file there."""
    Path("keep").write_bytes(png("black"))
    kept(3)
    assert "3 blue" in run("goto", "@keep", "-s", "./cup")[1]
    assert "step 3 is now" in run("tag", "best", "@keep", "-s", "./cup")[1]
    assert "3 add from 1" in run("show", "@3stars", "-n", "1", "-s", "./cup")[0]
    run("save", "@keep", "-o", "best.png", "-s", "./cup")
    assert Path("best.png").read_bytes() == cup[3].picture.data
    run("export", "--step", "@keep", "-o", "best.zip", "-s", "./cup")
    run("edit", "at night", "--on", "@keep", "-r", "@keep", "-s", "./cup", "-e", "offline")
    assert [s.step for s in Session("./cup")[5].record.sources] == [cup[3].id, cup[3].id]
    run("make", "crop", "--ratio", "2:1", "--on", "@keep", "-s", "./cup")
    assert Session("./cup")[6].parents == (cup[3],)
    kept(2)
    assert "'@keep' means 2 steps here (2, 3); name one of them" in run("goto", "@keep", "-s", "./cup", code=1)[1]
    _, told = run("forget", "@keep", "--dry-run", "-s", "./cup")
    assert "steps 2, 3 would be forgotten" in told
    run("mark", "@keep", "none", "-s", "./cup")
    assert said() == []


def test_a_tag_goes_before_a_mark(cup: Session) -> None:
    """A tag that somebody called @keep means its step still; and @FILE is a file's text where texts stand."""
    kept(2, 3)
    cup.tag("@keep", 4)
    assert "4 white" in run("goto", "@keep", "-s", "./cup")[1]
    assert "step 4 would be" in run("forget", "@keep", "--dry-run", "-s", "./cup")[1]
    Path("keep").write_text("a fox")
    run("generate", "@keep", "-s", "./cup", "-e", "offline")
    assert Session("./cup")[5].record.prompt.text == "a fox"


def test_reading_marks_writes_nothing() -> None:
    """Nor does asking for those of a session that is none."""
    run("marks", "-s", "./none", code=1)
    run("log", "--marked", "keep", "-s", "./cup")
    assert not Path("none").exists()
    assert not Path("cup/marks").exists()
