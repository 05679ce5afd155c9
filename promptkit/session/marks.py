"""Marks in a row, which show themselves as a table, and what became of those that somebody sent."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Self

from promptkit import markup
from promptkit.json_objects import dicts, flat_object
from promptkit.lineage.marks import Mark, stars_in_words
from promptkit.lineage.references import normal
from promptkit.terminal import aligned, cut, how_many, printable
from promptkit.views.facts import local_time

__all__ = ["Marks", "MarksTaken"]

HEADER = ("step", "by", "verdict", "stars", "note", "region", "when")
WIDEST = 60  # columns of a cell
NONE = "no marks"


class Marks(tuple[Mark, ...]):
    """Marks in a row; printed or in a notebook, a table."""

    __slots__ = ()

    def __new__(cls, marks: Any = ()) -> Self:
        return super().__new__(cls, marks)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Each as one flat object: `pandas.DataFrame(session.marks.to_dicts())` is a table. See Mark.to_dict."""
        return dicts(self)

    def by(self, name: str) -> Self:
        """Those of one reader."""
        return type(self)(mark for mark in self if normal(mark.by) == normal(" ".join(name.split())))

    @property
    def _rows(self) -> list[tuple[str, ...]]:
        return [_row(mark) for mark in self]

    def __str__(self) -> str:
        return "\n".join(aligned([HEADER, *(tuple(cut(cell, WIDEST) for cell in row) for row in self._rows)])) if self else NONE

    def __repr__(self) -> str:
        return str(self)

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, Any]:
        return markup.mime_bundle(str(self), markup.table(self._rows, HEADER) if self else NONE, include, exclude)


def _row(mark: Mark) -> tuple[str, ...]:
    step = mark.step_id[:10] if mark.number is None else str(mark.number)
    note = printable(" ".join((mark.note or "").split()))
    words = (step, printable(mark.by), mark.verdict or "", stars_in_words(mark.stars), note, mark.region_text or "", local_time(mark.at))
    return tuple(words)


class MarksTaken(Marks):
    """The marks that were taken in from somebody; `known` is how many were there already, `refused` says which belong to no step here."""

    known: int = 0
    refused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, new: Any, *, known: int, refused: Collection[str], notes: Collection[str]) -> Self:
        """The marks that are new, and what became of the others."""
        made = cls(new)
        made.known, made.refused, made.notes = known, tuple(refused), tuple(notes)
        return made

    @property
    def summary(self) -> str:
        """One line: how many were taken in, were there already, and were refused."""
        there = f", {self.known} there already" if self.known else ""
        refused = f", {len(self.refused)} refused" if self.refused else ""
        return f"{how_many(len(self), 'mark')} taken in{there}{refused}"

    def to_dict(self) -> dict[str, Any]:
        """As one flat object (promptkit.marks_taken/1)."""
        return flat_object("marks_taken", new=len(self), known=self.known, refused=self.refused, notes=self.notes)

    def __str__(self) -> str:
        table = [super().__str__()] if self else []
        return "\n".join([*table, printable(self.summary), *map(printable, (*self.refused, *self.notes))])

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, Any]:
        lines = [markup.Html(f"<div>{markup.escape(line)}</div>") for line in (*self.refused, *self.notes)]
        table = [markup.table(self._rows, HEADER)] if self else []
        return markup.mime_bundle(str(self), markup.card(self.summary, *table, *lines), include, exclude)
