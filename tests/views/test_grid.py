"""Variants as a grid: in a terminal and in a notebook, whatever their labels hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.steps import answered, made
from kit.views import Page

from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.terminal import width
from promptkit.views.grid import grid_html, grid_text


@pytest.fixture
def records(tmp_path: Path) -> list[Record]:
    lineage = Lineage(tmp_path / "bear")
    lineage.create()
    return [*(made(lineage) for _ in range(4)), answered(lineage).commit("refused")]


def test_one_thing_is_a_column(records: list[Record]) -> None:
    """Each value with its step; with several of each, their numbers side by side."""
    two = grid_text([("each", ["line art", "ink"])], {(0,): records[:1], (1,): records[4:]})
    assert two.splitlines() == ["each      step", "line art  1", "ink       5 (refused)"]
    assert grid_text([("each", ["ink"])], {(0,): records[:3]}) == "each  step\nink   1, 2, 3"


def test_further_things_are_further_tables(records: list[Record]) -> None:
    """One for each value of the third, under its name; what was not asked for has its place."""
    axes = [("a", ["x", "y"]), ("b", ["p"]), ("model", ["one", "two"])]
    said = grid_text(axes, {(0, 0, 0): records[:1], (0, 0, 1): records[1:2], (1, 0, 1): records[2:3]})
    assert said.split("\n\n") == ["model: one\na \\ b  p\nx      1\ny      not asked for", "model: two\na \\ b  p\nx      2\ny      3"]
    shown = Page(grid_html(axes, {(0, 0, 0): records[:1]}))
    assert "model: one" in shown.text
    assert "not asked for" in shown.text


def test_long_wide_and_strange_labels(records: list[Record]) -> None:
    """They are cut in a terminal, aligned in any script, and drive neither the terminal nor the page."""
    strange = ["木版画" * 20, "\x1b[31mred\nline", "<script>alert(1)</script>", "नीला"]
    axes = [("style", strange), ("palette", ["一", "b"])]
    cells = {(i, 0): records[i : i + 1] for i in range(4)}
    lines = grid_text(axes, cells).splitlines()
    assert len(lines) == 5
    assert "\x1b" not in "".join(lines)
    at = {width(line[: line.rindex("not asked for")]) for line in lines[1:]}
    assert len(at) == 1
    html = grid_html(axes, cells)
    assert Page(html).tags.isdisjoint({"script"})
    assert "<script>alert(1)</script>" in Page(html).text


def test_a_notebook_has_pictures_under_labelled_heads(records: list[Record]) -> None:
    """Rows and columns have header cells; what was there before, or failed, says so; one thing alone is a strip with its labels."""
    axes = [("style", ["ink", "oil"]), ("palette", ["p", "q"])]
    html = grid_html(axes, {(0, 0): records[:1], (1, 1): records[4:]}, reused=[records[0].id])
    assert html.count('scope="row"') == 2
    assert html.count('scope="colgroup"') == 1
    assert "1 (reused)" in html
    assert "5 (refused)" in html
    strip = grid_html([("each", ["ink", "oil"])], {(0,): records[:1]})
    assert "<table" not in strip
    assert "1 ink" in strip
    assert "oil: not asked for" in strip
