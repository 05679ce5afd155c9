"""Marks as a user gives, reads and takes them in; their files are tested in tests/lineage, what travels in tests/archive."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from kit.config_file import write_config
from kit.loopback import png
from kit.steps import snapshot

from promptkit import LineageError, Mark, PictureError, PromptkitError, Session, SettingsError, StepNotFound


@pytest.fixture
def bear() -> Session:
    """Three pictures of 64×64 pixels, each made from the one before."""
    session = Session("./bear", endpoint="offline")
    step = session.add(png("red", size=(64, 64)))
    for colour in ("green", "blue"):
        step = session.add(png(colour, size=(64, 64)), on=step)
    return session


def said(session: Session) -> list[str]:
    """What counts, as a new opening reads it."""
    return [str(mark) for mark in Session(session.folder).marks]


# Marking


def test_a_mark_says_who_makes_what_of_a_step(bear: Session) -> None:
    """It comes back, and stands in the step's and in the session's marks, and in their rows."""
    mark = bear[2].mark("keep", stars=4, note="bluer", region=(0, 0, 32, 16), by="client")
    assert (mark.verdict, mark.stars, mark.note, mark.region, mark.by) == ("keep", 4, "bluer", (0, 0, 32, 16), "client")
    assert (mark.number, mark.step_id, mark.folder) == (2, bear[2].id, bear.folder)
    assert bear.marks == bear[2].marks == (mark,)
    row = bear[2].to_dict()
    assert (row["marks"], row["verdict"], row["stars"]) == (["keep ★★★★ bluer 32x16+0+0 (client)"], "keep", 4)
    assert [step.marks for step in bear if step.number != 2] == [(), ()]
    assert bear.marks.to_dicts() == [mark.to_dict()]
    assert (mark.to_dict()["step"], mark.to_dict()["region"]) == (2, "32x16+0+0")


def test_by_is_the_name_in_the_config_and_never_the_login(bear: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's name where the config has none."""
    for name in ("USER", "LOGNAME", "USERNAME"):
        monkeypatch.setenv(name, "root7")
    assert bear[1].mark("keep").by == ""
    write_config('name = " Ann  B. "\n')
    assert bear[2].mark("keep").by == "Ann B."
    assert bear[3].mark("keep", by="").by == ""
    assert "root7" not in "".join(path.read_text() for path in bear.folder.glob("marks/*"))


def test_a_verdict_begins_anew_and_more_is_added(bear: Session) -> None:
    """Without a verdict stars, note and region are added to what the reader said; 0 and an empty note take theirs back."""
    step = bear[1]
    assert step.mark("keep", stars=4).text == "keep ★★★★"
    assert step.mark(note="bluer").text == "keep ★★★★ bluer"
    assert step.mark(stars=0).text == "keep bluer"
    assert step.mark(note="").text == "keep"
    assert step.mark(stars=2, by="Ann").text == "★★"
    assert step.mark("reject").text == "reject"
    assert said(bear) == ["step 1: reject", "step 1: ★★ (Ann)"]


def test_none_takes_back_ones_own_mark(bear: Session) -> None:
    """And is a mark, which a reader can answer with another one."""
    bear[1].mark("keep", by="Ann")
    bear[1].mark("keep")
    assert bear[1].mark(None).says_something is False
    assert said(bear) == ["step 1: keep (Ann)"]
    bear[1].mark("reject")
    assert said(bear) == ["step 1: reject", "step 1: keep (Ann)"]


def test_the_same_again_writes_nothing(bear: Session) -> None:
    """A notebook that is run again from the top leaves the folder as it is."""
    for _ in range(2):
        first = bear[1].mark("keep", stars=4, note="bluer")
        bear[2].mark(None)
        before = snapshot(bear.folder)
    assert bear[1].mark("keep", stars=4, note="bluer") == first
    assert snapshot(bear.folder) == before


def test_what_is_said_last_counts_at_once(bear: Session) -> None:
    """However fast one changes one's mind: marks of one millisecond have an order."""
    for i in range(20):
        bear[1].mark("keep" if i % 2 else "reject")
    assert said(bear) == ["step 1: keep"]


@pytest.mark.parametrize("given", [(0.0, 0.0, 0.5, 0.25), "32x16+0+0", "50%x25%+0%+0%", [0, 0, 32, 16]])
def test_a_region_is_a_box_like_everywhere(bear: Session, given: Any) -> None:
    """Pixels, fractions or text; it is kept in pixels."""
    assert bear[1].mark("keep", region=given).region == (0, 0, 32, 16)


WRONG: list[tuple[dict[str, Any], type[PromptkitError], str]] = [
    ({}, SettingsError, 'A mark says something: "keep", "reject", stars=4'),
    ({"verdict": "keeep"}, SettingsError, r"not 'keeep' \(did you mean 'keep'\?\)"),
    ({"verdict": 3}, SettingsError, "not 3"),
    ({"verdict": True}, SettingsError, "not True"),
    ({"verdict": "keep", "stars": 6}, SettingsError, "stars= is a whole number from 1 to 5"),
    ({"verdict": "keep", "stars": 2.5}, SettingsError, "not 2.5"),
    ({"verdict": "keep", "stars": True}, SettingsError, "not True"),
    ({"verdict": "keep", "note": 7}, SettingsError, "note is a text, not 7"),
    ({"verdict": "keep", "note": "x" * 2001}, SettingsError, "2,000 characters at most, and this one has 2,001"),
    ({"verdict": "keep", "by": "a\x1b[31mb"}, SettingsError, "by= is a name on one line"),
    ({"verdict": "keep", "by": "x" * 101}, SettingsError, "of 100 characters at most"),
    ({"verdict": "keep", "region": (0, 0, 65, 1)}, PictureError, "which has 64×64 pixels"),
    ({"verdict": "keep", "region": "big"}, PictureError, "'big' is no box"),
]


@pytest.mark.parametrize(("given", "error", "message"), WRONG, ids=[str(given)[:40] for given, _, _ in WRONG])
def test_what_is_no_mark_is_refused(bear: Session, given: dict[str, Any], error: type[PromptkitError], message: str) -> None:
    """With the value and what was expected; nothing is written."""
    with pytest.raises(error, match=message):
        bear[1].mark(**given)
    assert not (bear.folder / "marks").exists()


def test_a_step_is_named_as_everywhere(bear: Session) -> None:
    """session.mark takes a Step, a number, a tag or the beginning of an id."""
    bear.tag("client", 2)
    for key in (bear[2], 2, "2", "client", bear[2].id[:8]):
        assert bear.mark(key, "keep").number == 2
    with pytest.raises(StepNotFound, match="There is no step 9"):
        bear.mark(9, "keep")


def test_numbers_and_texts_of_other_kinds_are_taken(bear: Session) -> None:
    """What counts is a number of stars, and what is a text a note."""

    class Text(str):
        __slots__ = ()

    class Four:
        def __index__(self) -> int:
            return 4

    mark = bear[1].mark(Text("Keep"), stars=Four(), note=Text("blue\ud800"))  # type: ignore[arg-type]
    assert (mark.text, type(mark.verdict), type(mark.note)) == ("keep ★★★★ blue\ufffd", str, str)


def test_a_key_is_in_no_mark(bear: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither as a note nor as a name, one's own or sent by others."""
    key = "AIza" + "x7" * 17 + "q"
    monkeypatch.setenv("GEMINI_API_KEY", key)
    for call in (lambda: bear[1].mark("keep", note=key), lambda: bear[1].mark("keep", by=key), lambda: bear.import_marks(f"1 keep {key}")):
        with pytest.raises(SettingsError, match="holds a key"):
            call()
    assert not (bear.folder / "marks").exists()


def test_a_forgotten_step_keeps_its_marks(bear: Session) -> None:
    """And can be marked, its region by the size that is on record."""
    bear[2].mark("reject", note="not ours", by="client")
    bear.forget(2, words=True)
    bear[2].mark("reject", region=(0, 0, 64, 64))
    assert said(bear) == ["step 2: reject 64x64+0+0", "step 2: reject not ours (client)"]
    assert [p for p in bear.verify() if p.is_damage] == []


def test_marking_leaves_the_head_and_the_steps(bear: Session) -> None:
    """From any thread, too: a mark says nothing of the head."""
    before = (bear.head, bear.steps, len(bear))
    bear[1].mark("keep")
    assert (bear.head, bear.steps, len(bear)) == before


# Reading


def test_marks_show_themselves_as_a_table(bear: Session) -> None:
    """In a terminal and in a notebook, whatever a reader wrote; without any they say so."""
    assert str(bear.marks) == repr(bear.marks) == "no marks"
    bear[2].mark("keep", stars=3, note="<script>\n\x1b[31m ", by="客户")
    bear[1].mark("reject")
    rows = [line.split() for line in str(bear.marks).splitlines()]
    assert rows[0] == ["step", "by", "verdict", "stars", "note", "region", "when"]
    assert [row[:2] for row in rows[1:]] == [["1", "reject"], ["2", "客户"]]
    html = bear.marks._repr_mimebundle_()["text/html"]
    assert "&lt;script&gt;" in html
    assert "<script>" not in html
    assert "\x1b" not in str(bear.marks) + html


def test_marked_is_what_all_who_judged_agree_on(bear: Session) -> None:
    """`conflicts` lists the others; with by=, what one reader says."""
    bear[1].mark("keep", by="Ann")
    bear[1].mark("keep", by="Bo")
    bear[2].mark("keep", by="Ann", stars=4)
    bear[2].mark("reject", by="Bo")
    bear[3].mark(note="hm", by="Ann")
    kept = bear.marked("keep")
    assert (kept, kept.conflicts) == ((bear[1],), (bear[2],))
    assert all("left out, for readers differ: 2" in form for form in kept._repr_mimebundle_().values())
    assert "readers differ" not in bear.marked("keep", by="Ann")._repr_mimebundle_()["text/html"]
    assert bear.marked("reject") == ()
    assert bear.marked("keep", by="Ann") == (bear[1], bear[2])
    assert bear.marked("keep", by="Ann").conflicts == ()
    assert bear.marked(stars=4) == bear.marked("4stars") == (bear[2],)
    assert bear.marked(stars=5) == ()
    assert bear.marked() == tuple(bear.steps)
    assert pickle.loads(pickle.dumps(kept)).conflicts == copy.copy(kept).conflicts == kept.conflicts
    with pytest.raises(SettingsError, match=r"'kepp' is none of them \(did you mean 'keep'\?\)"):
        bear.marked("kepp")


def test_a_step_is_looked_up_by_its_mark(bear: Session) -> None:
    """session["@keep"] is the only one that is kept, and so it is wherever a step is named."""
    bear[2].mark("keep")
    assert bear["@keep"] == bear[2]
    assert bear.edit("Make it night", on="@keep").parents == (bear[2],)
    assert [step.number for step in bear.trail("@keep")] == [1, 2]


# Taking in


def sent(bear: Session, *marks: dict[str, Any], **more: Any) -> str:
    """A file as a page for readers saves it."""
    return json.dumps({"schema": "promptkit-marks/1", "root": bear[1].id, "by": "client", "marks": marks, **more})


def test_a_file_is_taken_in(bear: Session) -> None:
    """By its path, open, its bytes or its text; a second time nothing is new."""
    at = "2026-11-28T10:15:00.000Z"
    text = sent(bear, {"step": bear[2].id, "verdict": "keep", "stars": 4, "at": at}, {"step": bear[3].id, "verdict": "reject", "note": "x"})
    Path("client.json").write_text(text)
    taken = bear.import_marks("client.json")
    assert taken.summary == "2 marks taken in"
    assert [str(mark) for mark in taken] == ["step 2: keep ★★★★ (client)", "step 3: reject x (client)"]
    before = snapshot(bear.folder)
    for again in (Path("client.json"), BytesIO(text.encode()), text.encode(), text, "client.json"):
        assert bear.import_marks(again).summary == "0 marks taken in, 2 there already"
    assert snapshot(bear.folder) == before
    assert bear[2].marks[0].at == at


def test_a_mail_is_taken_in(bear: Session) -> None:
    """Line by line; prose is passed over, and what belongs to no step is refused by its line, with why."""
    taken = bear.import_marks("Hi,\n\n1 keep ★★★★ bluer\n> 2: reject\n> 9: keep\nBest, Bo", by="Bo")
    assert taken.summary == "2 marks taken in, 1 refused"
    assert taken.refused == ("line 5: There is no step 9; its steps are numbered 1 to 3.",)
    assert said(bear) == ["step 1: keep ★★★★ bluer (Bo)", "step 2: reject (Bo)"]
    assert taken.to_dict()["refused"] == list(taken.refused)
    assert bear.import_marks("1 keep ★★★★ bluer", by="Bo").known == 1


def test_a_later_line_of_a_mail_counts(bear: Session) -> None:
    """Who writes about a step twice means what was written last."""
    bear.import_marks("1 keep\n2 keep\nSorry:\n1 reject", by="Bo")
    assert said(bear) == ["step 1: reject (Bo)", "step 2: keep (Bo)"]


def test_who_is_named_in_it_goes_before_by(bear: Session) -> None:
    """A mail that names nobody is nobody's, never the user's own, and that is said."""
    write_config('name = "Ann"\n')
    assert bear.import_marks("From: Bo <bo@example.com>\n1 keep", by="Cy")[0].by == "Bo"
    taken = bear.import_marks("1 reject")
    assert taken[0].by == ""
    assert "These marks name nobody" in taken.notes[0]
    assert bear.import_marks("2 keep", by="Cy").notes == ()


def test_marks_of_another_time_are_told(bear: Session) -> None:
    """One that is older than what the reader has said since does not count, and one of a clock that is ahead lets no other count."""
    new, old = (
        {"step": bear[1].id, "verdict": v, "at": at} for v, at in (("keep", "2026-02-01T00:00:00Z"), ("reject", "2026-01-01T00:00:00Z"))
    )
    assert bear.import_marks(sent(bear, new)).notes == ()
    taken = bear.import_marks(sent(bear, old))
    assert [note.partition(",")[0] for note in taken.notes] == ["1 mark is older than what the same reader has said since"]
    assert said(bear) == ["step 1: keep (client)"]
    taken = bear.import_marks(sent(bear, {"step": bear[2].id, "verdict": "keep", "at": "2999-01-01T00:00:00Z"}))
    assert taken.notes[0].startswith("1 mark is dated later than now (2999-01-01T00:00:00.000Z)")
    assert bear[2].mark("reject", by="client").text == "reject"
    assert said(bear)[1] == "step 2: reject (client)"


def test_what_belongs_to_another_session_is_refused(bear: Session) -> None:
    """By the root that it names, or by its steps; of a file that belongs here in part, that part is taken in."""
    other = Session("./other", endpoint="offline")
    fox = other.add(png("white"))
    before = snapshot(bear.folder)
    with pytest.raises(LineageError, match=f"holds marks for another session: it names the root {fox.id[:10]}"):
        bear.import_marks(sent(bear, {"step": bear[1].id, "verdict": "keep"}, root=fox.id))
    with pytest.raises(LineageError, match=f"promptkit marks {fox.id[:10]}".replace("promptkit marks", "names the root")):
        bear.import_marks(f"promptkit marks {fox.id[:10]} by Bo\n1 keep")
    with pytest.raises(LineageError, match=rf"holds no mark of a step in .*marks\[0\]: The step {fox.id[:10]} is not in"):
        bear.import_marks(sent(bear, {"step": fox.id, "verdict": "keep"}, root=None))
    assert snapshot(bear.folder) == before
    half = bear.import_marks(sent(bear, {"step": fox.id, "verdict": "keep"}, {"step": bear[1].id, "verdict": "keep"}))
    assert (len(half), len(half.refused)) == (1, 1)


def test_a_box_beyond_the_picture_is_refused_alone(bear: Session) -> None:
    """The mark that has it is named; the others are taken in."""
    taken = bear.import_marks(sent(bear, {"step": bear[1].id, "region": [0, 0, 99, 9]}, {"step": bear[2].id, "region": [0, 0, 64, 9]}))
    assert [mark.region for mark in taken] == [(0, 0, 64, 9)]
    assert taken.refused[0].startswith("marks[0]: The box 99x9+0+0 reaches outside of the picture")


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("client.json", LineageError, "'client.json' cannot be read as a file of marks \\(No such file or directory\\), and is no text"),
        (".", LineageError, "cannot be read as a file of marks \\(it is no file\\)"),
        (b"\xff3 keep", LineageError, "is not UTF-8 \\(byte 1\\)"),
        (b"3 keep\n" * 700_000, LineageError, "more than 4,194,304 bytes"),
        (7, SettingsError, "not as 7"),
        (b"", LineageError, "holds no mark"),
    ],
)
def test_what_cannot_be_read_is_told(bear: Session, given: object, error: type[PromptkitError], message: str) -> None:
    """In one sentence, with what to give."""
    with pytest.raises(error, match=message):
        bear.import_marks(given)


def test_an_imported_mark_shows_itself_in_a_notebook(bear: Session) -> None:
    """What was taken in as a table, what was refused below it."""
    taken = bear.import_marks("1 keep <b>\n9 keep", by="Bo")
    html = taken._repr_mimebundle_()["text/html"]
    assert "keep" in html
    assert "&lt;b&gt;" in html
    assert "There is no step 9" in html
    assert str(taken).splitlines()[-1] == "line 2: There is no step 9; its steps are numbered 1 to 3."


def test_marks_are_public_and_pickle(bear: Session) -> None:
    """A Mark by its name; marks go through pickle and copy."""
    mark = bear[1].mark("keep", region=(0, 0, 9, 9))
    assert isinstance(mark, Mark)
    assert pickle.loads(pickle.dumps(mark)) == copy.deepcopy(mark) == mark
    assert pickle.loads(pickle.dumps(bear.marks)) == bear.marks


def test_a_few_steps_read_their_own_marks_only(bear: Session) -> None:
    """A step's row costs the same however much was said of others: no other mark's file is opened."""
    bear[1].mark("keep")
    for i in range(20):
        bear[2].mark("keep", by=f"reader {i}")
    script = (
        "import sys, promptkit\n"
        "opened = []\n"
        "sys.addaudithook(lambda event, said: opened.append(str(said[0])) if event == 'open' else None)\n"
        "session = promptkit.Session('./bear')\n"
        "assert session[1].to_dict()['verdict'] == 'keep'\n"
        "print(sum('bear/marks/' in name for name in opened))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_many_lines_on_one_step_are_no_wrong_clock(bear: Session) -> None:
    """Marks of one mail have an order, whose milliseconds are ahead of the clock, and nobody is told that it is wrong."""
    taken = bear.import_marks("\n".join(["1 keep", "1 reject"] * 50), by="Bo")
    assert (len(taken), taken.notes) == (100, ())
    assert said(bear) == ["step 1: reject (Bo)"]
