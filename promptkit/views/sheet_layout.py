"""What stands where on a contact sheet: pictures in rows, or in a grid by two values of what they were made with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from promptkit.images.picture import Picture
from promptkit.lineage.marked import agreed_in_words
from promptkit.lineage.record import Record
from promptkit.views.cards import NO_MARKS, MarksById
from promptkit.views.facts import caption

__all__ = ["Axis", "Cell", "Layout", "cells_of", "in_grid", "in_rows"]

FORGOTTEN = "forgotten"
Names = Mapping[str, Sequence[str]]  # of steps, by their ids
NONE: Names = {}


class Cell(NamedTuple):
    """One place: a picture, or the words in its empty frame; its caption; and whether it continues the one before it."""

    picture: Picture | None
    caption: str = ""
    frame: str = ""
    continues: bool = False


class Axis(NamedTuple):
    """What varies along one side: its name, and what its values are called; none where nothing does."""

    name: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """Rows of cells, of which each column of the grid takes `spans`; None is an empty place."""

    rows: Sequence[Sequence[Cell | None]]
    down: Axis = field(default_factory=Axis)
    across: Axis = field(default_factory=Axis)
    row_labels: Sequence[str] = ()
    spans: Sequence[int] = ()

    @property
    def columns(self) -> int:
        """How many cells stand side by side."""
        return max(map(len, self.rows))


def cells_of(records: Sequence[Record], tags: Names = NONE, marks: MarksById = NO_MARKS, *, brief: bool = False) -> list[Cell]:
    """A cell for each step, with its tags and its readers' marks: a failed or forgotten one is an empty frame; `brief`: by number alone,
    where axes say the rest.
    """
    before: Record | None = None
    cells = []
    for record in records:
        names, made_of_it = "".join(f" [{tag}]" for tag in tags.get(record.id, ())), marks.get(record.id, ())
        said = f"{record.number}{'' if brief else f' {caption(record)}'}{names}{f' · {agreed_in_words(made_of_it)}' if made_of_it else ''}"
        frame = FORGOTTEN if record.forgotten else "" if record.ok else record.outcome
        follows = before is not None and record.parents[:1] == (before.id,)
        cells.append(Cell(None if frame else record.picture, said, frame, follows))
        before = record
    return cells


def in_rows(cells: Sequence[Cell], columns: int | None = None, rows: int | None = None) -> Layout:
    """Cells one after the other, in so many columns or rows; by default four, and more where there are more than sixteen."""
    if columns is None:
        columns = -(-len(cells) // rows) if rows else max(4, _root(len(cells)))
    columns = max(1, min(columns, len(cells)))
    return Layout([cells[i : i + columns] for i in range(0, len(cells), columns)])


def _root(count: int) -> int:
    return int((max(0, count - 1)) ** 0.5) + 1


def in_grid(places: Sequence[tuple[Cell, str, str]], down: str, across: str) -> Layout:
    """Cells by two values: the first says the row, the second the column; several at one place stand side by side. A name that is empty
    is no axis: what is alike on the other one stands one after the other.
    """
    rows, columns = tuple(dict.fromkeys(row for _, row, _ in places)), tuple(dict.fromkeys(column for *_, column in places))
    cells: dict[tuple[str, str], list[Cell]] = {}
    for cell, row, column in places:
        cells.setdefault((row, column), []).append(cell._replace(continues=False))
    if not down:
        return _stacked([cells["", column] for column in columns], Axis(across, columns))
    spans = [max(len(cells.get((row, column), ())) for row in rows) for column in columns]
    lines = [[cell for c, span in zip(columns, spans, strict=True) for cell in _padded(cells.get((row, c), ()), span)] for row in rows]
    return Layout(lines, Axis(down, rows), Axis(across, columns if across else ()), rows, spans)


def _stacked(columns: Sequence[Sequence[Cell]], across: Axis) -> Layout:
    most = max(map(len, columns))
    return Layout([[_at(column, i) for column in columns] for i in range(most)], Axis(), across, (), [1] * len(columns))


def _at(cells: Sequence[Cell], i: int) -> Cell | None:
    return cells[i] if i < len(cells) else None


def _padded(cells: Sequence[Cell], span: int) -> list[Cell | None]:
    return [_at(cells, i) for i in range(span)]
