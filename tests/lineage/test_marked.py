"""Which steps are marked how: all readers who judged one, one of them, and words such as @keep and @4stars."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.steps import made

from promptkit.errors import StepNotFound
from promptkit.lineage.marked import Wanted, agreed, fewest_stars, is_marked_word
from promptkit.lineage.marks import Mark
from promptkit.lineage.tree import Lineage

KEEP, REJECT = Mark("0" * 64, "keep", by="Ann"), Mark("0" * 64, "reject", by="Bo")
FOUR, TWO = Mark("0" * 64, None, 4, by="Cy"), Mark("0" * 64, "keep", 2, by="Di")
NOTE = Mark("0" * 64, note="bluer", by="Ed")


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("keep", Wanted("keep")),
        ("@keep", Wanted("keep")),
        ("@Reject", Wanted("reject")),
        ("@4stars", Wanted(None, 4)),
        ("@1star", Wanted(None, 1)),
        ("4+ stars", Wanted(None, 4)),
        ("★★★", Wanted(None, 3)),
        ("@keep:the client", Wanted("keep", None, "the client")),
        ("@marked", Wanted()),
        ("@6stars", None),
        ("@keeper", None),
        ("@notes.txt", None),
        ("", None),
    ],
)
def test_words_for_marks(word: str, wanted: Wanted | None) -> None:
    """A verdict, so many stars or more, or any mark; a reader's name behind a colon."""
    assert Wanted.read(word) == wanted
    assert is_marked_word(word) == (wanted is not None and word.startswith("@"))


@pytest.mark.parametrize(
    ("wanted", "marks", "fits"),
    [
        (Wanted("keep"), [KEEP, TWO], True),
        (Wanted("keep"), [KEEP, FOUR, NOTE], True),  # who gave no verdict did not judge it
        (Wanted("keep"), [KEEP, REJECT], None),
        (Wanted("reject"), [KEEP, REJECT], None),
        (Wanted("keep"), [REJECT], False),
        (Wanted("keep"), [FOUR, NOTE], False),
        (Wanted("keep", None, "Ann"), [KEEP, REJECT], True),
        (Wanted("keep", None, "Bo"), [KEEP, REJECT], False),
        (Wanted("keep", None, "Ed"), [KEEP, NOTE], False),
        (Wanted(None, 4), [FOUR, KEEP], True),
        (Wanted(None, 4), [FOUR, TWO], None),
        (Wanted(None, 3), [TWO], False),
        (Wanted("keep", 2), [TWO], True),
        (Wanted("reject", 4), [FOUR, TWO], False),
        (Wanted(), [NOTE], True),
        (Wanted(), [], False),
        (Wanted(by="Ann"), [NOTE], False),
    ],
)
def test_all_who_judged_it_agree(wanted: Wanted, marks: list[Mark], fits: bool | None) -> None:
    """True where they do, None where they differ, False where nobody says so."""
    assert wanted.fits(marks) is fits


def test_what_all_say_in_short() -> None:
    """One verdict where all agree, conflict where they differ, and the fewest stars that a reader gave."""
    assert [agreed(marks) for marks in ([KEEP, TWO], [KEEP, REJECT], [NOTE], [])] == ["keep", "conflict", None, None]
    assert [fewest_stars(marks) for marks in ([FOUR, TWO, KEEP], [KEEP])] == [2, None]


def test_a_step_is_found_by_its_mark(tmp_path: Path) -> None:
    """@keep is the only step that is kept; where several are it names their numbers, and a tag of that name goes first."""
    lineage = Lineage(tmp_path / "bear")
    first, second = made(lineage), made(lineage)
    with pytest.raises(StepNotFound, match="No step is marked so that '@keep' means it"):
        lineage.find("@keep")
    lineage.add_marks([Mark(second.id, "keep")])
    assert lineage.find("@keep").id == second.id
    lineage.add_marks([Mark(first.id, "keep")])
    with pytest.raises(StepNotFound, match=r"'@keep' means 2 steps here \(1, 2\); name one of them") as error:
        lineage.find("@keep")
    assert list(error.value.near) == [first.id, second.id]
    lineage.set_tag("@keep", first.id)
    assert lineage.find("@keep").id == first.id
