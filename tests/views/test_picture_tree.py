"""The tree of a notebook: its order, what is in sight, what one click opens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from kit.loopback import png
from kit.steps import made
from kit.views import Page

from promptkit import Picture
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.views.picture_tree import TRAIL, WHOLE, tree_html

FOLD = re.compile(r"<summary[^>]*>(\d+) more: (\d+) to (\d+)</summary>")


@pytest.fixture
def lineage(tmp_path: Path) -> Lineage:
    return Lineage(tmp_path / "bear")


def chain(lineage: Lineage, count: int, parent: Record | None = None, what: str = "edit") -> list[Record]:
    steps: list[Record] = []
    for i in range(count):
        before = steps[-1] if steps else parent
        steps.append(made(lineage, Picture(png()), parents=[before.id] if before else [], prompt={"text": f"{what} {i}"}))
    return steps


def in_sight(html: str) -> list[int]:
    """The numbers of the steps outside of any fold, in their order."""
    while "<details>" in html:
        html = re.sub(r"<details>(?:(?!<details>).)*?</details>", "", html, flags=re.DOTALL)
    return [int(n) for n in re.findall(r"<b>(\d+)</b>", html)]


def test_steps_stand_in_the_order_of_their_numbers(lineage: Lineage) -> None:
    """Also where a branch that goes on stands between two that do not."""
    (root,) = chain(lineage, 1)
    chain(lineage, 1, root)
    chain(lineage, 3, root)
    chain(lineage, 1, root)
    assert in_sight(tree_html(lineage)) == [1, 2, 3, 4, 5, 6]


def test_the_head_is_seen_at_a_glance(lineage: Lineage) -> None:
    """It has a frame of its own, and says so in words for who sees no colour."""
    steps = chain(lineage, 3)
    html = tree_html(lineage, head=steps[1].id)
    assert html.count("box-shadow") == html.count("← head") == 1


def test_a_session_of_some_steps_is_whole(lineage: Lineage) -> None:
    """Nothing is folded of as many steps as one sees at once."""
    chain(lineage, WHOLE)
    assert "<details" not in tree_html(lineage)


def test_a_long_run_is_folded(lineage: Lineage) -> None:
    """Of a hundred edits in a row the root and the end are in sight, the others one click away, with their pictures."""
    steps = chain(lineage, 100)
    html = tree_html(lineage, head=steps[-1].id)
    assert in_sight(html) == [1, *range(101 - TRAIL, 101)]
    assert FOLD.findall(html) == [(str(99 - TRAIL), "2", str(100 - TRAIL))]
    assert html.count("data:image/webp") == 100
    assert set(map(int, re.findall(r"<b>(\d+)</b>", html))) == set(range(1, 101))


def test_the_heads_trail_the_newest_and_the_tagged_stay_in_sight(lineage: Lineage) -> None:
    """Whatever branches there are, the way from the root to the head is seen, and what came last, and what has a name."""
    trail = chain(lineage, 10)
    aside = chain(lineage, 40, trail[3], "aside")
    chain(lineage, 40, trail[0], "another")
    last = chain(lineage, 10, aside[5], "last")
    lineage.set_tag("best", aside[20].id)
    seen = in_sight(tree_html(lineage, head=trail[-1].id))
    assert {step.number for step in (*trail, aside[20], *last[-8:])} <= set(seen)
    assert len(seen) < 30
    assert seen.index(4) < seen.index(5) < seen.index(aside[20].number)


def test_many_roots_and_many_siblings_are_folded_too(lineage: Lineage) -> None:
    """What is beside one another is folded as what follows one another is: once, with its numbers."""
    root = chain(lineage, 1)[0]
    for i in range(30):
        chain(lineage, 1, root, f"variant {i}")
    for i in range(30):
        chain(lineage, 1, None, f"root {i}")
    assert FOLD.findall(tree_html(lineage, head=root.id)) == [("30", "2", "31"), ("22", "32", "53")]


def test_branches_inside_of_each_other_are_indented_only_so_far(lineage: Lineage) -> None:
    """A history that branches at each step does not run off the page."""
    (parent,) = chain(lineage, 1)
    for _ in range(30):
        chain(lineage, 1, parent, "aside")
        (parent,) = chain(lineage, 1, parent)
    assert tree_html(lineage, head=parent.id).count("border-left") < 9


def test_it_reads_as_a_list_without_its_styles(lineage: Lineage) -> None:
    """With all inline styles removed each step is there with its number and caption, in a browser that knows no more."""
    chain(lineage, 60)
    html = re.sub(r' style="[^"]*"', "", tree_html(lineage))
    text = Page(html).text
    assert all(f"{n} edit {n - 1}" in text for n in range(1, 61))
