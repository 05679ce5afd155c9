"""A lineage as a tree: the order in which its steps are walked, and the tree in lines of text.

A step that is continued once goes on straight below it, with an arrow; only branches are indented.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from promptkit.lineage.marked import marks_in_short
from promptkit.lineage.marks import Mark
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.terminal import BOLD, CYAN, GREEN, RED, YELLOW, LineStyle, in_colour, printable, width
from promptkit.views.facts import caption, times_asked

__all__ = ["LEGEND", "Visit", "step_line", "steps_text", "tags_by_id", "tree_text", "walk"]

PLAIN = LineStyle()
LEAST = 8  # columns of a terminal for a caption, however narrow it is
LEGEND = "(↓ continues the line above)"  # in brackets, so that it is not taken for a step


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


def tree_text(lineage: Lineage, *, head: str | None = None, files: bool = False, style: LineStyle = PLAIN) -> str:
    """The tree in lines: number, caption, tags, marks, the head; with `files` each step's file below it; at its end, what ↓ says."""
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
        own = (tags.get(record.id, ()), marks.get(record.id, ()), record.id == head)
        lines.append(step_line(record, *own, indent=_indent("".join(levels) + sign, style), style=style))
        if visit.at != "next":
            levels.append("" if visit.at == "root" else "   " if visit.last else "│  ")
        if files:
            lines += [_indent("".join(levels), style) + line for line in _files(lineage, record)]
    if has_arrow:
        lines.append(LEGEND)
    return "\n".join(lines)


def _indent(indent: str, style: LineStyle) -> str:
    """What stands before a step; the beginning of one that would take more than half of the line is left out."""
    most = len(indent) if style.columns is None else max(LEAST, style.columns // 2)
    return indent if len(indent) <= most else f"…{indent[1 - most :]}"


def steps_text(
    lineage: Lineage, records: Iterable[Record], *, head: str | None = None, files: bool = False, style: LineStyle = PLAIN
) -> str:
    """Some steps as lines, in their order, as the tree has them."""
    tags, marks = tags_by_id(lineage), lineage.marks()
    lines: list[str] = []
    for record in records:
        lines.append(step_line(record, tags.get(record.id, ()), marks.get(record.id, ()), record.id == head, style=style))
        lines += _files(lineage, record) if files else []
    return "\n".join(lines)


def _files(lineage: Lineage, record: Record) -> list[str]:
    return [f"  {path}" for path in [lineage.folder / output.name for output in record.outputs] or [record.path]]


def step_line(
    record: Record,
    tags: Sequence[str] = (),
    marks: Sequence[Mark] = (),
    is_head: bool = False,
    *,
    indent: str = "",
    style: LineStyle = PLAIN,
) -> str:
    """A step on one line: number, caption, tags, what readers make of it, whether it is the head. Where the line is too narrow for all of
    it the caption is cut.
    """
    number, asked, names = str(record.number), times_asked(record), "".join(f" [{printable(tag)}]" for tag in tags)
    said, at = f" · {marks_in_short(marks)}" if marks else "", " <- head" if is_head else ""
    around = sum(map(width, (indent, number, " ", asked, names, said, at)))
    called = caption(record, None if style.columns is None else max(LEAST, style.columns - around))
    state = [BOLD] if is_head else [] if record.ok else [RED]
    parts: list[tuple[str, list[str]]] = [(indent, []), (number, [BOLD, CYAN]), (f" {called}{asked}", state)]
    parts += [(names, [YELLOW]), (said, [GREEN]), (at, [BOLD, GREEN])]
    return "".join(in_colour(text, *codes) if style.has_colour else text for text, codes in parts)
