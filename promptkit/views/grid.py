"""Steps over which one, two or more things varied, as a grid with labelled axes: in pictures, and in words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from promptkit.lineage.record import Record
from promptkit.markup import Html, escape, strip
from promptkit.terminal import aligned, cut, printable
from promptkit.views.cards import NO_MARKS, MarksById, show_thumbnails, step_figure

__all__ = ["grid_html", "grid_text"]

MISSING = "not asked for"
LABEL = 32  # columns of a label in a terminal
CELL = "padding:2px;vertical-align:top;text-align:left"

Axes = Sequence[tuple[str, Sequence[str]]]  # of each its name, and what its values are called
Cells = Mapping[tuple[int, ...], Sequence[Record]]  # the steps at each place, which has an index on each axis


class _Told(NamedTuple):
    """What is told of steps besides their records, by their ids."""

    reused: Collection[str]
    marks: MarksById


def grid_text(axes: Axes, cells: Cells) -> str:
    """The numbers of the steps in a table: the first axis down, the second across; a table for each value of further ones."""
    return "\n\n".join(_table_text(axes[:2], title, _inside(cells, rest)) for title, rest in _tables(axes))


def grid_html(axes: Axes, cells: Cells, *, reused: Collection[str] = (), marks: MarksById = NO_MARKS) -> Html:
    """The same in pictures, with the readers' marks of each step, by its id; where one thing varied and each place has one step, these side
    by side.
    """
    told = _Told(reused, marks)
    show_thumbnails(record for records in cells.values() for record in records)
    if len(axes) == 1 and all(len(records) < 2 for records in cells.values()):
        return strip(_cell(cells.get((i,), ()), told, label) for i, label in enumerate(axes[0][1]))
    tables = (_table_html(axes[:2], title, _inside(cells, rest), told) for title, rest in _tables(axes))
    return Html(f'<div style="overflow-x:auto">{"".join(tables)}</div>')


def _tables(axes: Axes) -> list[tuple[str, tuple[int, ...]]]:
    """Each table's title and its place on the axes behind the second."""
    others = axes[2:]
    places = product(*(range(len(labels)) for _, labels in others))
    return [(", ".join(f"{name}: {labels[i]}" for (name, labels), i in zip(others, place, strict=True)), place) for place in places]


def _inside(cells: Cells, rest: tuple[int, ...]) -> Cells:
    return {place[:2]: records for place, records in cells.items() if place[2:] == rest}


# In words


def _table_text(axes: Axes, title: str, cells: Cells) -> str:
    (down, rows), (across, columns) = axes[0], axes[1] if len(axes) > 1 else ("", [])
    head = [f"{_short(down)} \\ {_short(across)}", *map(_short, columns)] if columns else [_short(down), "step"]
    body = [[_short(row), *(_numbers(cells.get(place, ())) for place in _row(i, columns))] for i, row in enumerate(rows)]
    return "\n".join([*([printable(title)] if title else []), *aligned([head, *body])])


def _row(i: int, columns: Sequence[str]) -> list[tuple[int, ...]]:
    return [(i, k) for k in range(len(columns))] if columns else [(i,)]


def _short(label: str) -> str:
    return cut(printable(label), LABEL)


def _numbers(records: Sequence[Record]) -> str:
    return ", ".join(f"{r.number}{'' if r.ok else f' ({r.outcome})'}" for r in records) or MISSING


# In pictures


def _table_html(axes: Axes, title: str, cells: Cells, told: _Told) -> str:
    (down, rows), (across, columns) = axes[0], axes[1] if len(axes) > 1 else ("", [])
    caption = f'<caption style="text-align:left" dir="auto">{escape(title)}</caption>' if title else ""
    lines = ((row, [_td(cells.get(place, ()), told) for place in _row(i, columns)]) for i, row in enumerate(rows))
    body = "".join(f"<tr>{_head(row, 'row')}{''.join(line)}</tr>" for row, line in lines)
    return f'<table style="border-collapse:collapse">{caption}<thead>{_heads(down, across, columns)}</thead><tbody>{body}</tbody></table>'


def _heads(down: str, across: str, columns: Sequence[str]) -> str:
    """The names of both axes, and the labels of the one across."""
    if not columns:
        return f"<tr>{_head(down, 'col')}{_head('', 'col')}</tr>"
    wide = f'<th scope="colgroup" colspan="{len(columns)}" style="{CELL}" dir="auto"><i>{escape(across)}</i></th>'
    return f'<tr><td></td>{wide}</tr><tr><th scope="col" style="{CELL}" dir="auto"><i>{escape(down)}</i></th>{_all(columns)}</tr>'


def _all(columns: Sequence[str]) -> str:
    return "".join(_head(label, "col") for label in columns)


def _head(label: str, scope: str) -> str:
    return f'<th scope="{scope}" style="{CELL};max-width:160px;overflow-wrap:anywhere" dir="auto">{escape(label)}</th>'


def _td(records: Sequence[Record], told: _Told) -> str:
    return f'<td style="{CELL}">{_cell(records, told)}</td>'


def _cell(records: Sequence[Record], told: _Told, label: str = "") -> Html:
    """The steps at one place, each over its number; with a label where no axis says it."""
    if not records:
        return Html(f'<div style="margin:4px;font-size:85%">{escape(f"{label}: {MISSING}" if label else MISSING)}</div>')
    figures = "".join(step_figure(r, called=_caption(r, label, r.id in told.reused), marks=told.marks.get(r.id, ())) for r in records)
    return Html(f'<div style="display:flex;gap:4px">{figures}</div>')  # in one line, which a table's narrow cell would break


def _caption(record: Record, label: str, was_there: bool) -> str:
    state = ", ".join([record.outcome] * (not record.ok) + ["forgotten"] * bool(record.forgotten) + ["reused"] * was_there)
    return f"{record.number}{f' {label}' if label else ''}{f' ({state})' if state else ''}"
