"""Tuples and dicts of a session's parts that show themselves: attempts as a table, pictures side by side, tags and references by name.

They are Python's own in all else: equal to plain ones, and read as these are.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol, Self, TypeVar

from promptkit.images.picture import Picture
from promptkit.lineage.record import Record
from promptkit.lineage.schema import Attempt
from promptkit.markup import escape, figure, mime_bundle, strip, table, words
from promptkit.terminal import printable

__all__ = ["Attempts", "Pictures", "References", "Tags"]

PIXELS = 160


class Recorded(Protocol):
    """A step."""

    @property
    def record(self) -> Record: ...


class Described(Protocol):
    """A named reference."""

    @property
    def description(self) -> str | None: ...

    @property
    def shown(self) -> str: ...


AStep = TypeVar("AStep", bound=Recorded)
AReference = TypeVar("AReference", bound=Described)


class _Shown:
    """What shows itself in a notebook, in HTML and as it is printed; where it is empty, as Python writes it."""

    def _html(self) -> str:
        raise NotImplementedError

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, Any]:
        html = self._html() if self else ""
        return mime_bundle(str(self), html, include, exclude)


class Attempts(_Shown, tuple[Attempt, ...]):
    """Each request of a step and what came of it; printed, a paragraph each."""

    _record: Record

    @classmethod
    def of(cls, record: Record) -> Self:
        """Those of a record."""
        made = cls(record.attempts)
        made._record = record
        return made

    @property
    def _told(self) -> list[tuple[str, str]]:
        from promptkit.views.facts import attempts_in_words

        return list(attempts_in_words(self._record))

    def __str__(self) -> str:
        return "\n".join(printable(f"{name}: {text}", keep="\n") for name, text in self._told) or "()"

    def _html(self) -> str:
        return table((name, words(text)) for name, text in self._told)


class Pictures(_Shown, tuple[Picture, ...]):
    """Pictures, side by side in a notebook; printed, one a line."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join(map(repr, self)) or "()"

    def _html(self) -> str:
        return strip(figure(picture.thumbnail(PIXELS), repr(picture), alt=repr(picture)) for picture in self)


class Tags(_Shown, dict[str, AStep]):
    """The tagged steps by name; printed, a line each."""

    def __str__(self) -> str:
        return "\n".join(printable(f"{name}: {step!r}") for name, step in self.items()) or "{}"

    def _html(self) -> str:
        from promptkit.views.cards import show_thumbnails, step_figure

        show_thumbnails(step.record for step in self.values())
        return strip(step_figure(step.record, tags=[name]) for name, step in self.items())


class References(_Shown, dict[str, AReference]):
    """The named references; printed, a line each."""

    def __str__(self) -> str:
        return "\n".join(map(str, self.values())) or "{}"

    def _html(self) -> str:
        return table((escape(name), words(f"{each.description or ''} ({each.shown})".strip())) for name, each in self.items())
