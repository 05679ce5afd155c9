"""A lineage as a tree: in lines of text, and as pictures. A step that is continued once goes on straight below it, with an arrow; only
branches are indented."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from promptkit.lineage.marked import marks_in_short
from promptkit.lineage.marks import Mark
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.markup import Html, strip
from promptkit.terminal import printable
from promptkit.views.cards import step_figure
from promptkit.views.facts import headline, times_asked

__all__ = ["LEGEND", "PICTURES_SHOWN", "step_line", "steps_text", "tags_by_id", "tree_html", "tree_text", "walk"]

PICTURES_SHOWN = 60  # in a notebook; older steps are shown as words
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


def tree_text(lineage: Lineage, *, head: str | None = None, files: bool = False) -> str:
    """The tree in lines: number, prompt, tags, marks, the head; with `files` each step's file below it; at its end, what ↓ says."""
    tags, marks, has_arrow = tags_by_id(lineage), lineage.marks(), False
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
        lines.append("".join(levels) + sign + step_line(record, tags.get(record.id, ()), marks.get(record.id, ()), record.id == head))
        if visit.at != "next":
            levels.append("" if visit.at == "root" else "   " if visit.last else "│  ")
        if files:
            lines += ["".join(levels) + line for line in _files(lineage, record)]
    if has_arrow:
        lines.append(LEGEND)
    return "\n".join(lines)


def steps_text(lineage: Lineage, records: Iterable[Record], *, head: str | None = None, files: bool = False) -> str:
    """Some steps as lines, in their order, as the tree has them."""
    tags, marks = tags_by_id(lineage), lineage.marks()
    lines: list[str] = []
    for record in records:
        lines.append(step_line(record, tags.get(record.id, ()), marks.get(record.id, ()), record.id == head))
        lines += _files(lineage, record) if files else []
    return "\n".join(lines)


def _files(lineage: Lineage, record: Record) -> list[str]:
    return [f"  {path}" for path in [lineage.folder / output.name for output in record.outputs] or [record.path]]


def step_line(record: Record, tags: Sequence[str] = (), marks: Sequence[Mark] = (), is_head: bool = False) -> str:
    """A step on one line: number, prompt, tags, what readers make of it, whether it is the head."""
    names = "".join(f" [{printable(t)}]" for t in tags)
    said = f" · {marks_in_short(marks)}" if marks else ""
    return f"{record.number} {headline(record)}{times_asked(record)}{names}{said}{' <- head' if is_head else ''}"


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
    tags, marks = tags_by_id(lineage), lineage.marks()
    pictured = {r.id for r in lineage.records()[-PICTURES_SHOWN:]}
    open_blocks = [_Block()]
    for visit in walk(lineage):
        record = visit.record
        if visit.at == "end":
            block = open_blocks.pop()
            if block.figures:
                open_blocks[-1].blocks.append(block.html())
            continue
        names, own = tags.get(record.id, ()), marks.get(record.id, ())
        made = step_figure(record, tags=names, marks=own, is_head=record.id == head, picture=record.id in pictured)
        if visit.at == "next":
            open_blocks[-1].figures += [ARROW, made]
            continue
        if visit.at == "branch" and visit.leaf:
            open_blocks[-1].leaves.append(made)
        open_blocks.append(_Block())
        open_blocks[-1].figures += [] if visit.at == "branch" and visit.leaf else [made]
    return Html("".join(open_blocks[0].blocks))
