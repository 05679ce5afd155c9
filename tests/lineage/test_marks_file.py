"""What readers send: the file that a page saves, and the lines that people write into mails, in five languages."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from promptkit.errors import LineageError
from promptkit.lineage.json_schema import FOLDER
from promptkit.lineage.marks_file import GivenMark, given_marks, is_marks_text

STEP, ROOT = "c" * 64, "5" * 64
TIME = "2026-11-28T10:15:00.000Z"


def lines(text: str) -> list[tuple[Any, ...]]:
    """Of each mark the step, the verdict, the stars and the note."""
    return [(mark.step, mark.verdict, mark.stars, mark.note) for mark in given_marks(text, "mail").marks]


ONE_LINE = [
    ("3 keep ★★★★ bluer", ("3", "keep", 4, "bluer")),
    ("3 keep", ("3", "keep", None, None)),
    ("> 5: reject", ("5", "reject", None, None)),
    ("> > 5 reject too dark", ("5", "reject", None, "too dark")),
    ("| 5 - Reject, too dark.", ("5", "reject", None, "too dark.")),
    ("- 21 keep", ("21", "keep", None, None)),
    ("• #13: KEEP! more sky", ("13", "keep", None, "! more sky")),
    ("Step 14: keep 4 stars", ("14", "keep", 4, None)),
    ("7 ★★★☆☆", ("7", None, 3, None)),
    ("7 ⭐⭐⭐ nice", ("7", None, 3, "nice")),
    ("15 4/5", ("15", None, 4, None)),
    ("15 ★★★★ keep it blue", ("15", "keep", 4, "it blue")),
    ("keep 9", ("9", "keep", None, None)),
    ("Reject: 9 ★", ("9", "reject", 1, None)),
    ("23 none", ("23", None, None, None)),
    ("20", ("20", "keep", None, None)),
    ("ca5201c5bd keep", ("ca5201c5bd", "keep", None, None)),
    ("18 conservar 3 estrellas: más azul", ("18", "keep", 3, "más azul")),
    ("18: rechazar", ("18", "reject", None, None)),
    ("１８　採用　★★　もっと青く", ("18", "keep", 2, "もっと青く")),
    ("26 不採用", ("26", "reject", None, None)),
    ("28 キープ 4つ星", ("28", "keep", 4, None)),
    ("16保留，更蓝", ("16", "keep", None, "更蓝")),
    ("27 不要", ("27", "reject", None, None)),
    ("१७ रखें ★★★ नीला", ("17", "keep", 3, "नीला")),
    ("17 अस्वीकार", ("17", "reject", None, None)),
]


@pytest.mark.parametrize(
    ("line", "note", "region"),
    [
        ("3 keep ★★★★ bluer 200x260+300+420", "bluer", "200x260+300+420"),
        ("3 reject 10%x20%+5%+5%", None, "10%x20%+5%+5%"),
        ("3 none the hat 20x26+30+42", "the hat", "20x26+30+42"),
        ("3 keep the 20x26 print", "the 20x26 print", None),
    ],
)
def test_a_box_behind_what_is_said_is_the_region(line: str, note: str | None, region: str | None) -> None:
    """As a page for readers copies it, and as every command takes it; sizes within a sentence are words."""
    (mark,) = given_marks(line, "mail").marks
    assert (mark.step, mark.note, mark.region) == ("3", note, region)


@pytest.mark.parametrize(("line", "mark"), ONE_LINE, ids=[line for line, _ in ONE_LINE])
def test_one_line_is_one_mark(line: str, mark: tuple[Any, ...]) -> None:
    """A step, what is said of it and a note, quoted or in a list, in any of the five languages."""
    assert lines(line) == [mark]
    assert is_marks_text(line)


@pytest.mark.parametrize(
    ("line", "steps"),
    [
        ("keep 3, 5 and 7", "3 5 7"),
        ("3, 5, 7", "3 5 7"),
        ("3 5 7", "3 5 7"),
        ("3、5と7", "3 5 7"),
        ("Keep: 9-11", "9 10 11"),
        ("3, 9–11 keep ★★", "3 9 10 11"),
        ("3 y 5 conservar", "3 5"),
    ],
)
def test_one_line_for_several_steps(line: str, steps: str) -> None:
    """What is said holds for each of them; numbers alone are kept."""
    found = lines(line)
    assert [mark[0] for mark in found] == steps.split()
    assert {mark[1] for mark in found} == {"keep"}


@pytest.mark.parametrize(
    "line",
    [
        "Hi there, here are my 3 favourites:",
        "On 28 Nov 2026 at 10:15 Ann wrote:",
        "5 apples please",
        "Tel. 555 123",
        "2026 was great",
        "Best",
    ],
)
def test_prose_is_passed_over(line: str) -> None:
    """A line that is no mark stays what it is."""
    assert lines(f"{line}\n3 keep") == [("3", "keep", None, None)]
    assert not is_marks_text(line)


@pytest.mark.parametrize(
    ("text", "by"),
    [
        ("by: Ann B.\n3 keep", "Ann B."),
        ('From: "Ann Client" <ann@example.com>\nSubject: pictures\n\n3 keep', "Ann Client"),
        ("> Name: Ann\n> 3 keep", "Ann"),
        ("差出人：安\n3 keep", "安"),
        (f"promptkit marks {ROOT[:10]} {TIME} by Ann\n3 keep", "Ann"),
        ("3 keep", None),
    ],
)
def test_the_reader_is_named(text: str, by: str | None) -> None:
    """By a line of its own, by a mail's head, or by the line that a page's text begins with."""
    found = given_marks(text, "mail")
    assert (found.by, len(found.marks)) == (by, 1)


def test_the_line_of_a_page_says_all_that_its_file_says() -> None:
    """The root that the marks are for, when they were given, and by whom."""
    found = given_marks(f"promptkit marks {ROOT[:12]} 2026-11-28T11:15:00+01:00 by Ann\n3 keep", "mail")
    assert (found.root, found.by, found.marks[0].at) == (ROOT[:12], "Ann", TIME)
    assert found.marks[0].where == "line 2"


def file(*marks: object, **more: object) -> dict[str, object]:
    return {"schema": "promptkit-marks/1", "root": ROOT, "by": "Ann", "marks": list(marks), **more}


def test_a_file_says_what_its_page_saved() -> None:
    """Each mark by its step's id; what is missing is none, and 0 stars and an empty note are none."""
    full = {
        "step": STEP,
        "verdict": "keep",
        "stars": 4,
        "note": "bluer",
        "region": [1, 2, 3, 4],
        "by": "Bo",
        "at": "2026-11-28T11:15:00+01:00",
    }
    found = given_marks(json.dumps(file(full, {"step": STEP}, {"step": STEP, "stars": 0, "note": ""})), "a.json")
    assert (found.root, found.by) == (ROOT, "Ann")
    assert found.marks[0] == GivenMark("marks[0]", STEP, "keep", 4, "bluer", [1, 2, 3, 4], "Bo", TIME)
    assert found.marks[1:] == (GivenMark("marks[1]", STEP), GivenMark("marks[2]", STEP))


WRONG = [
    ("{", "cannot be read as a file of marks"),
    ("[]", "its schema should be 'promptkit-marks/1', and is None"),
    (file(schema="promptkit-marks/2"), "has schema 'promptkit-marks/2', and this promptkit knows promptkit-marks/1: upgrade"),
    (file(schema="promptkit.step/1"), "its schema should be"),
    (file(marks={}), "`marks` should be a list"),
    (file(marks=[{"step": STEP}] * 10_001), "`marks` should be a list of 10,000 at most"),
    (file(root="abc"), "`root` should be the id of a root, and is 'abc'"),
    (file(by=7), "by = 7, which should be a text"),
    (file("x"), "marks[0].step = 'x', which should be the id of a step"),
    (file({"step": "3"}), "marks[0].step = '3'"),
    (file({"step": STEP}, {"step": STEP, "verdict": "maybe"}), "marks[1].verdict = 'maybe', which should be one of keep, reject or null"),
    (file({"step": STEP, "stars": 7}), "marks[0].stars = 7"),
    (file({"step": STEP, "stars": True}), "marks[0].stars = True"),
    (file({"step": STEP, "note": 3}), "marks[0].note = 3, which should be a text"),
    (file({"step": STEP, "region": 3}), "marks[0].region = 3"),
    (file({"step": STEP, "at": "soon"}), "marks[0].at = 'soon', which should be a time"),
]


@pytest.mark.parametrize(("said", "message"), WRONG, ids=lambda value: str(value)[:40])
def test_a_file_that_is_none_is_refused(said: object, message: str) -> None:
    """With the path of the key that is wrong, and its value."""
    with pytest.raises(LineageError) as error:
        given_marks(said if isinstance(said, str) else json.dumps(said), "a.json")
    assert message in str(error.value)
    assert str(error.value).startswith("a.json ")


def test_what_another_said_is_no_answer() -> None:
    """A quoted line counts where nothing else is said of its step, and below "Sam wrote:" not at all, in the five languages."""
    assert lines("> 1 keep\n> 2 keep\n1 reject") == [("2", "keep", None, None), ("1", "reject", None, None)]
    for wrote in ("On Thu, 26 Nov 2026 Sam wrote:", "El jueves Sam escribió:", "Sam 写道：", "Samさんは書きました：", "सैम ने लिखा:"):
        assert lines(f"1 reject\n\n{wrote}\n> 1 keep\n> 2 keep\n3 keep") == [("1", "reject", None, None), ("3", "keep", None, None)]


def test_what_holds_no_mark_says_what_one_is() -> None:
    """A text of prose, or an empty one."""
    for text in ("", "Thank you!\nBest"):
        with pytest.raises(LineageError, match="holds no mark: a line with the number of a step"):
            given_marks(text, "The text")


SCHEMA = jsonschema.Draft202012Validator(json.loads((FOLDER / "marks.json").read_bytes()))


def test_its_schema_says_the_same() -> None:
    """What is read fits the JSON Schema that ships, and what is refused does not, but for times and names that are no texts of a kind."""
    SCHEMA.validate(file({"step": STEP, "verdict": None, "stars": 0, "note": None, "region": None, "by": None, "at": None}, root=None))
    SCHEMA.validate(file({"step": STEP, "verdict": "keep", "stars": 4, "note": "bluer", "region": [1, 2, 3, 4], "by": "Bo", "at": TIME}))
    for said, message in WRONG[2:-1]:
        assert not SCHEMA.is_valid(said), message


def test_long_lines_hold_nobody_up() -> None:
    """A text that tries a pattern's patience is read like any other one."""
    for line in ("3 " * 2000, "keep " * 2000, "3, " * 2000 + "x", "★" * 5000, "> " * 5000, "9-" * 3000, " " * 20_000 + "x"):
        assert is_marks_text(line) in (True, False)
