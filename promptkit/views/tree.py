"""A lineage as a tree: in lines of text, and as pictures. A step that is continued once goes on straight below it, with an arrow; only
branches are indented."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.markup import Html, strip
from promptkit.terminal import BOLD, CYAN, GREEN, RED, YELLOW, in_colour, printable, width
from promptkit.views.cards import step_figure
from promptkit.views.facts import caption, times_asked

__all__ = ["LEGEND", "PICTURES_SHOWN", "tags_by_id", "tree_html", "tree_text", "walk"]

PICTURES_SHOWN = 60  # in a notebook; older steps are shown as words
LEAST = 8  # columns of a terminal for a caption, however narrow it is
LEGEND = "(↓ continues the line above)"  # in brackets, so that it is not taken for a step
ARROW = Html('<div style="align-self:center">→</div>')
INDENT = "margin-left:12px;padding-left:8px;border-left:2px solid rgba(128,128,128,.4)"


class Visit(NamedTuple):
    """One stop of a walk through the tree.

    `at` is a root, a branch (one of several children; `last`: the last of them), the next step of a run (the only child), or the end of
    what a root or branch began. `leaf`: nothing continues it.
    """

    at: Literal["root", "branch", "next", "end"]
    record: Record
    last: bool = False
    leaf: bool = False


def walk(lineage: Lineage) -> Iterator[Visit]:
    """All steps, each after the one that it continues. It keeps a stack of its own, for histories branch deeper than Python calls."""
    records = lineage.records()
    known = {r.id for r in records}
    ahead = [Visit("root", r) for r in reversed(records) if not r.parents or r.parents[0] not in known]
    while ahead:
        visit = ahead.pop()
        if visit.at == "end":
            yield visit
            continue
        run, branches = _run(lineage, visit.record)
        yield visit._replace(leaf=len(run) == 1 and not branches)
        yield from (Visit("next", r) for r in run[1:])
        ahead.append(Visit("end", visit.record, visit.last))
        ahead += [Visit("branch", b, b is branches[-1]) for b in reversed(branches)]


def _run(lineage: Lineage, record: Record) -> tuple[list[Record], tuple[Record, ...]]:
    """The steps that follow one another from here, and the branches after the last of them."""
    run = [record]
    while len(children := lineage.children(run[-1])) == 1:
        run.append(children[0])
    return run, children


def tags_by_id(lineage: Lineage) -> dict[str, list[str]]:
    """The tags of each step that has any, by its id."""
    names: dict[str, list[str]] = {}
    for name, full_id in lineage.tags().items():
        names.setdefault(full_id, []).append(name)
    return names


def tree_text(
    lineage: Lineage, *, head: str | None = None, files: bool = False, columns: int | None = None, colour: bool = False
) -> str:
    """The tree in lines: number, caption, tags, where the head is; with `files` each step's file below it; at its end, what ↓ says.

    `columns` is how wide a terminal is: captions are cut for it, tags and head are not; `colour` whether that shows colours.
    """
    tags, has_arrow = tags_by_id(lineage), False
    line = _Line(head, columns, colour)
    lines: list[str] = []
    levels: list[str] = []  # the indent that each branch gives to what is below it; a root gives none
    for visit in walk(lineage):
        record = visit.record
        if visit.at == "end":
            levels.pop()
            continue
        if visit.at == "root" and lines:
            lines.append("")
        has_arrow = has_arrow or visit.at == "next"
        sign = {"root": "", "next": "↓ ", "branch": "└─ " if visit.last else "├─ "}[visit.at]
        lines.append(line.of(record, "".join(levels) + sign, tags.get(record.id, ())))
        if visit.at != "next":
            levels.append("" if visit.at == "root" else "   " if visit.last else "│  ")
        if files:
            shown = [lineage.folder / o.name for o in record.outputs] or [record.path]
            lines += [f"{line.indent(''.join(levels))}  {path}" for path in shown]
    if has_arrow:
        lines.append(LEGEND)
    return "\n".join(lines)


class _Line:
    """How one step stands on a line."""

    def __init__(self, head: str | None, columns: int | None, colour: bool) -> None:
        self._head, self._columns, self._colour = head, columns, colour

    def of(self, record: Record, indent: str, tags: Sequence[str]) -> str:
        is_head = record.id == self._head
        indent, number = self.indent(indent), str(record.number)
        marks, at = "".join(f" [{printable(tag)}]" for tag in tags), " <- head" if is_head else ""
        around = [indent, number, " ", times_asked(record), marks, at]
        said = caption(record, None if self._columns is None else max(LEAST, self._columns - sum(map(width, around))))
        codes = [BOLD] if is_head else [] if record.ok else [RED]
        parts = ((indent, ()), (number, (BOLD, CYAN)), (f" {said}{times_asked(record)}", codes), (marks, (YELLOW,)), (at, (BOLD, GREEN)))
        return "".join(in_colour(text, *codes) if self._colour else text for text, codes in parts)

    def indent(self, indent: str) -> str:
        """What stands before a step; the beginning of one that would take more than half of the line is left out."""
        most = len(indent) if self._columns is None else max(LEAST, self._columns // 2)
        return indent if len(indent) <= most else f"…{indent[1 - most :]}"


class _Block:
    """One run of the notebook's tree: its figures in a row, below it its branches; those of a single step stand side by side."""

    def __init__(self) -> None:
        self.figures: list[Html] = []
        self.leaves: list[Html] = []
        self.blocks: list[str] = []

    def html(self) -> str:
        below = (strip(self.leaves) if self.leaves else "") + "".join(self.blocks)
        return strip(self.figures) + (f'<div style="{INDENT}">{below}</div>' if below else "")


def tree_html(lineage: Lineage, *, head: str | None = None) -> Html:
    """The tree as pictures, for a notebook; the newest PICTURES_SHOWN steps have theirs."""
    tags = tags_by_id(lineage)
    pictured = {r.id for r in lineage.records()[-PICTURES_SHOWN:]}
    open_blocks = [_Block()]
    for visit in walk(lineage):
        record = visit.record
        if visit.at == "end":
            block = open_blocks.pop()
            if block.figures:
                open_blocks[-1].blocks.append(block.html())
            continue
        made = step_figure(record, tags=tags.get(record.id, ()), is_head=record.id == head, picture=record.id in pictured)
        if visit.at == "next":
            open_blocks[-1].figures += [ARROW, made]
            continue
        if visit.at == "branch" and visit.leaf:
            open_blocks[-1].leaves.append(made)
        open_blocks.append(_Block())
        open_blocks[-1].figures += [] if visit.at == "branch" and visit.leaf else [made]
    return Html("".join(open_blocks[0].blocks))
