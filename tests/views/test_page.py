"""The page: one file that loads nothing, and tells each step in full."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.loopback import Loopback, picture_reply, png
from kit.steps import made as recorded
from kit.views import Page, branched, lineage_of

from promptkit import Picture, Session
from promptkit.lineage.tree import Lineage
from promptkit.views.page import page_html

pytestmark = pytest.mark.filterwarnings("ignore:step")  # the pictures here are often the same ones


def test_the_page_is_one_file_that_loads_nothing_and_escapes_all_that_was_written(service: Loopback) -> None:
    """The page holds each step's prompt and thumbnail, links to the files, and runs and loads nothing of what people and models wrote."""
    session = branched(service)
    page = Page(page_html(lineage_of(session), link=lambda name: f"./{name}"))
    assert "<b>&x" in page.text
    assert {"script", "i", "u"}.isdisjoint(page.tags)
    assert len(page.loaded) == 4
    assert all(source.startswith("data:image/") for source in page.loaded)
    assert sorted(page.links) == sorted(f"./{s.files[0].name}" for s in session if s.ok)
    for step in session:
        assert str(step.prompt) in page.text
        assert step.id in page.text
    assert "2 from 1" in page.text
    assert "<u>mine</u>" in page.text
    assert "<img src=x onerror=alert(1)>" in page.text


def test_the_page_names_what_went_along(service: Loopback) -> None:
    """A step that was given as reference, one whose very picture was, and a picture from outside stand in the facts, and are to be seen."""
    bear = Session("./bear", endpoint=service.url)
    service.always = picture_reply(png("blue", (8, 8)))
    one = bear.add(png("red", (8, 8)))
    two = bear.generate("a bear")
    before = Page(page_html(lineage_of(bear)))
    assert "reference" not in before.text
    two.edit("together", references=[one, png("lime", (8, 8))])
    page = Page(page_html(lineage_of(bear)))
    name = Picture(png("lime", (8, 8))).sha256
    assert f"withreference: step 1\nreference: a picture from outside, sources/{name[:10]}….png" in page.text
    assert len(page.loaded) == len(before.loaded) + 3
    two.edit("once more", references=[one.files[0]])
    assert "withreference: step 1 of this session" in Page(page_html(lineage_of(bear))).text


def test_the_page_says_when(tmp_path: Path, tokyo: None) -> None:
    """Each step's facts hold the local date and time; of one that has none, or one that no clock showed, no row is made."""
    lineage = Lineage(tmp_path / "bear")
    recorded(lineage, started="2026-01-01T20:00:00+00:00")
    recorded(lineage, started="9999-12-31T23:59:59+00:00")
    text = Page(page_html(lineage)).text
    assert "when2026-01-02 05:00" in text
    assert text.count("when") == 1


def test_the_labels_of_the_page_stay_whole(service: Loopback) -> None:
    """The facts may break anywhere, their labels nowhere: the column of labels is as wide as the longest."""
    style = page_html(lineage_of(branched(service))).partition("<style>")[2].partition("</style>")[0]
    assert style.index("td:first-child{white-space:nowrap}") > style.index("td{")


def test_damaged_pictures_leave_the_rest_to_be_seen(service: Loopback) -> None:
    """A picture that is missing or changed on disk leaves a gap in the tree and on the page, and no error."""
    session = branched(service)
    session[2].files[0].unlink()
    session[3].files[0].write_bytes(b"damaged")
    reopened = Session("./<b>&x", endpoint=service.url)
    assert "the fox" in reopened._repr_mimebundle_()["text/html"]
    assert sum(s != "data:," for s in Page(page_html(lineage_of(reopened))).loaded) == 2
