"""What readers make of a step, wherever a step is shown: card, strip, grid, tree, page, explanation and sheet."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.loopback import png
from kit.shell import run
from kit.views import Page

from promptkit import Session
from promptkit.lineage.marked import agreed_in_words, marks_in_short
from promptkit.lineage.marks import Mark
from promptkit.views.grid import grid_html

HOSTILE = '<img src=x onerror="alert(1)"> \x1b[31m\u202egnp'


@pytest.fixture
def bear() -> Session:
    """Two pictures; of the second, two readers say something, one of them what nobody should run."""
    session = Session("./bear", endpoint="offline")
    first = session.add(png("red"), label="first")
    second = session.add(png("blue"), on=first, label="second")
    second.mark("keep", stars=4, note=HOSTILE, by="client")
    second.mark("reject")
    return session


def shown(value: object) -> str:
    """Its text in a notebook."""
    return Page(value._repr_mimebundle_()["text/html"]).text  # type: ignore[attr-defined]


def test_a_card_says_what_each_reader_said(bear: Session) -> None:
    """With note, name and time; what a reader wrote is text."""
    text = shown(bear[2])
    assert "keep ★★★★ <img src=x onerror=" in text
    assert "(client), 20" in text
    assert "reject, 20" in text
    html = bear[2]._repr_mimebundle_()["text/html"]
    assert "<img src=x" not in html
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert "keep" not in shown(bear[1])


def test_trees_and_strips_say_it_in_short(bear: Session) -> None:
    """Behind the caption, before the head, in words and signs."""
    text = "2 second (made by hand) · reject, keep ★★★★ (client)"
    assert f"{text} ← head" in shown(bear)
    assert f"↓ {text} <- head" in bear._repr_mimebundle_()["text/plain"]
    assert text in shown(bear.steps)
    assert text in shown(bear.marked())
    assert f"↓ {text} <- head" in run("log", "-s", "./bear")[0]


def test_a_grid_says_it_in_short(bear: Session) -> None:
    """Below each picture."""
    records = [step.record for step in bear]
    html = grid_html([("each", ["ink", "oil"])], {(0,): records[:1], (1,): records[1:]}, marks={bear[2].id: bear[2].marks})
    assert "2 oil · reject, keep ★★★★ (client)" in Page(html).text
    varied = Session("./fox", endpoint="offline").vary("a fox", each=["ink", "oil"], root=True)
    varied[1].mark("keep")
    assert "oil · keep" in shown(varied)


def test_the_page_and_the_explanation_tell_it_all(bear: Session) -> None:
    """In short beside the number, and with note, name and time among what is told of the step."""
    run("page", "-s", "./bear")
    page = Page(Path("bear/page.html").read_text(encoding="utf-8"))
    assert "reject, keep ★★★★ (client)" in page.text
    data = Path("bear/page.html").read_text(encoding="utf-8")
    assert data.count("reject, 20") == 1  # a line of its own for each reader, whom the tree names in short
    assert '"marks": ["reject, keep ★★★★ (client)"]' in data or '"marks":["reject, keep ★★★★ (client)"]' in data
    for text in (page.text, shown(bear.explain(2)), str(bear.explain(2))):
        assert "marks" in text
        assert "keep ★★★★ <img src=x" in " ".join(text.split())
    assert "marks      reject, 20" in run("show", "2", "-n", "1", "-s", "./bear")[0]


def test_a_sheet_says_what_all_agree_on(bear: Session) -> None:
    """In letters that every font has; the sheet of a session with a mark is another one than without."""
    run("page", "-s", "./bear", "-o", "marked.png")
    bear[2].mark(None)
    bear[2].mark(None, by="client")
    run("page", "-s", "./bear", "-o", "bare.png")
    assert Path("marked.png").read_bytes() != Path("bare.png").read_bytes()


def test_many_readers_are_counted() -> None:
    """Beyond three, how many say so, and from which to which number of stars."""
    marks = [Mark("0" * 64, "keep" if i else "reject", stars=i or None, by=f"r{i}") for i in range(4)]
    assert marks_in_short(marks[:3]) == "reject (r0), keep ★ (r1), keep ★★ (r2)"
    assert marks_in_short(marks) == "keep by 3, reject by 1, ★ to ★★★"
    assert marks_in_short([Mark("0" * 64, stars=2, by=str(i)) for i in range(4)]) == "★★"
    assert marks_in_short([Mark("0" * 64, note="x", by=str(i)) for i in range(4)]) == "4 notes"
    assert marks_in_short([Mark("0" * 64, note="x"), Mark("0" * 64, region=(0, 0, 1, 1), by="Bo")]) == "note, region (Bo)"
    words = [agreed_in_words(each) for each in (marks, marks[1:], marks[1:2], [Mark("0" * 64, note="x")])]
    assert words == ["readers differ, 1 star", "keep, 1 star", "keep, 1 star", "marked"]
