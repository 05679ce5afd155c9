"""A lineage as pictures, for a notebook: in the order of the numbers, the head in a frame, what is out of sight one click away.

All of it is HTML without script or style sheet: with its inline styles removed it is a list of pictures and captions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.markup import Html, folded, strip
from promptkit.views.cards import show_thumbnails, step_figure
from promptkit.views.tree import Visit, tags_by_id, walk

__all__ = ["PICTURES_SHOWN", "tree_html"]

PICTURES_SHOWN = 100  # the newest; older steps are words
WHOLE = 24  # steps of a session of which nothing is folded
TRAIL, NEWEST, TAGGED = 20, 8, 12  # of a longer one, how many of the head's trail, of the last steps and of the tagged ones are in sight
FEWEST = 2  # steps that are folded
DEEPEST = 8  # branches inside of each other that are indented
ARROW = Html('<div style="align-self:center">→</div>')
INDENT = "margin-left:12px;padding-left:8px;border-left:2px solid rgba(128,128,128,.4)"


class _Item(NamedTuple):
    """One step, or a branch with all that is in it: its HTML, how many steps these are, and whether one of them is in sight."""

    html: Html
    numbers: tuple[int, ...]
    in_sight: bool
    is_leaf: bool = False


@dataclass
class _Block:
    """One run of steps, each with its arrow from the one before; and below it what begins at its end."""

    run: list[_Item] = field(default_factory=list)
    below: list[_Item] = field(default_factory=list)

    def item(self, depth: int) -> _Item:
        """The run in a row, its branches indented below it."""
        inside = "".join(_rows(self.below))
        style = f' style="{INDENT}"' if depth < DEEPEST else ""
        html = Html(_in_a_row(self.run) + (f"<div{style}>{inside}</div>" if inside else ""))
        both = [*self.run, *self.below]
        return _Item(html, tuple(n for item in both for n in item.numbers), any(item.in_sight for item in both))


def tree_html(lineage: Lineage, *, head: str | None = None) -> Html:
    """The tree as pictures. Of more than WHOLE steps the root, the head's trail, the newest and the tagged ones stay in sight."""
    records, tags, marks = lineage.records(), tags_by_id(lineage), lineage.marks()
    in_sight = _in_sight(lineage, records, head, tags)
    pictured = {record.id for record in records[-PICTURES_SHOWN:]} | in_sight
    show_thumbnails(record for record in records if record.id in pictured)
    blocks = [_Block()]
    for visit in walk(lineage):
        if visit.at == "end":
            done = blocks.pop()
            blocks[-1].below += [done.item(len(blocks))] if done.run else []
            continue
        record, is_head = visit.record, visit.record.id == head
        names, own = tags.get(record.id, ()), marks.get(record.id, ())
        figure = step_figure(record, tags=names, marks=own, is_head=is_head, picture=record.id in pictured)
        _place(blocks, visit, _Item(figure, (record.number,), record.id in in_sight))
    return Html("".join(_rows(blocks[0].below)))


def _place(blocks: list[_Block], visit: Visit, item: _Item) -> None:
    """Puts a step where it belongs: into the run that it goes on with, or at the beginning of a new one; one alone beside its siblings."""
    if visit.at == "next":
        blocks[-1].run.append(item._replace(html=Html(f'<div style="display:flex">{ARROW}{item.html}</div>')))
        return
    if visit.leaf:
        blocks[-1].below.append(item._replace(is_leaf=True))
    blocks.append(_Block(run=[] if visit.leaf else [item]))


def _in_sight(lineage: Lineage, records: Sequence[Record], head: str | None, tags: Iterable[str]) -> set[str]:
    """The ids of the steps that are not folded."""
    if len(records) <= WHOLE:
        return {record.id for record in records}
    trail = [record.id for record in lineage.trail(lineage.get(head))] if head and lineage.has(head) else [records[0].id]
    return {trail[0], *trail[-TRAIL:], *(record.id for record in records[-NEWEST:]), *list(tags)[-TAGGED:]}


def _rows(items: Sequence[_Item]) -> list[Html]:
    """Steps that are alone side by side, branches below one another, in the order of the numbers; what is out of sight opens."""
    return [row for in_sight, beside in _beside(items) for row in (_laid(beside) if in_sight else [_folded(beside)])]


def _in_a_row(items: Sequence[_Item]) -> Html:
    """The steps of a run, of which those out of sight open."""
    return strip(part for in_sight, beside in _beside(items) for part in ([i.html for i in beside] if in_sight else [_folded(beside)]))


def _beside(items: Sequence[_Item]) -> list[tuple[bool, list[_Item]]]:
    """The items in their order, by whether they are in sight; one step alone is."""
    groups = [(in_sight, list(group)) for in_sight, group in groupby(items, key=lambda item: item.in_sight)]
    return [(in_sight or sum(len(item.numbers) for item in beside) < FEWEST, beside) for in_sight, beside in groups]


def _laid(items: Sequence[_Item]) -> list[Html]:
    rows: list[Html] = []
    for is_leaf, group in groupby(items, key=lambda item: item.is_leaf):
        shown = [item.html for item in group]
        rows += [strip(shown)] if is_leaf else shown
    return rows


def _folded(items: Sequence[_Item]) -> Html:
    """Items that one click opens: the steps of a run or siblings in a row, branches below one another."""
    numbers = sorted(n for item in items for n in item.numbers)
    are_steps = all(len(item.numbers) == 1 for item in items)
    inside = [strip(item.html for item in items)] if are_steps else _laid(items)
    return folded(f"{len(numbers)} more: {numbers[0]} to {numbers[-1]}", *inside)
