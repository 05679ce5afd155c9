"""The page for readers as a file, and what they send back."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.loopback import Loopback, png

from promptkit import Session, SettingsError


@pytest.fixture
def bear(service: Loopback) -> Session:
    bear = Session("./bear", endpoint=service.url)
    for color in ("red", "blue", "lime"):
        bear.add(png(color, (40, 30)))
    return bear


def test_it_is_a_file_beside_the_page(bear: Session) -> None:
    """review.html by default, so that neither takes the place of the other; it has the steps that are named, and a title that is given."""
    assert bear.page() == bear.folder / "page.html"
    assert bear.page(review=True) == bear.folder / "review.html"
    html = bear.page("client", [1, 3], review=True, title="Your bear", lang="ja").read_text(encoding="utf-8")
    assert html.count("<figure>") == 2
    assert '<h1 dir="auto">Your bear</h1>' in html
    assert "採用" in html


def test_it_holds_no_files_as_they_are(bear: Session) -> None:
    """A file may say what was asked for, so `embed="originals"` is refused; "screen" is what it has."""
    assert bear.page(review=True, embed="screen").is_file()
    with pytest.raises(SettingsError, match=r"holds no files as they are.*leave embed= out"):
        bear.page(review=True, embed="originals")


def test_it_replaces_what_promptkit_wrote(bear: Session) -> None:
    """As a page does."""
    Path("mine.html").write_text("mine")
    with pytest.raises(SettingsError, match="promptkit did not write it"):
        bear.page("mine.html", review=True)
    assert bear.page("mine.html", review=True, overwrite=True) == bear.page("mine.html", review=True)


def test_a_copied_text_brings_boxes_too(bear: Session) -> None:
    """As the page copies it: its first line says the root, the time and the reader."""
    text = f"promptkit marks {bear[1].id[:10]} 2026-11-28T10:15:00.000Z by Ann\n1 keep ★★★★ bluer 20x10+5+6\n2 none a note\n3 none\n"
    taken = bear.import_marks(text)
    assert [(mark.verdict, mark.stars, mark.note, mark.region, mark.by) for mark in taken] == [
        ("keep", 4, "bluer", (5, 6, 25, 16), "Ann"),
        (None, None, "a note", None, "Ann"),
        (None, None, None, None, "Ann"),
    ]
    assert len(bear.marks) == 2
