"""One row of a run as its user sees it."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import Any

from promptkit.cost import Cost
from promptkit.images.picture import Picture
from promptkit.markup import mime_bundle
from promptkit.runs.causes import DONE
from promptkit.runs.planning import PlannedRow
from promptkit.runs.results import row_object
from promptkit.session.session import Session
from promptkit.session.step import Steps

__all__ = ["RunRow"]


class RunRow:
    """One row of a run: what the table says, and what came of it. It is read from its folder when someone looks."""

    def __init__(self, into: Path, row: PlannedRow) -> None:
        self._into, self._row = into, row

    @property
    def number(self) -> int:
        """From 1 on, in the table's order."""
        return self._row.number

    @property
    def label(self) -> str | None:
        """Its name, where the table or `label=` gives it one."""
        return self._row.label

    @property
    def key(self) -> str:
        """What it is found by, whatever its number and its words: hex digits."""
        return self._row.key

    @property
    def inputs(self) -> dict[str, Any]:
        """What the table says of it, by heading."""
        return dict(self._row.row.values)

    @property
    def folder(self) -> Path:
        """Its session's."""
        return self._into / self._row.folder

    @cached_property
    def session(self) -> Session:
        """Its session, in which it can be gone on with."""
        return Session(self.folder)

    @property
    def steps(self) -> Steps:
        """The last step of each of its takes that has a picture."""
        return Steps(self.session[step.id] for step in self._row.state.last_steps)

    @property
    def picked(self) -> Steps:
        """The steps to go on with: those of its session that every reader who judged them keeps; else those of its takes with the most
        stars; else the only take, where nobody rejects it.
        """
        if kept := self.session.marked("keep"):
            return Steps(kept)
        stars = {step: max((mark.stars or 0 for mark in step.marks), default=0) for step in self.steps}
        if most := max(stars.values(), default=0):
            return Steps(step for step, count in stars.items() if count == most)
        rejected = self.session.marked("reject")
        return Steps(step for step in self.steps if len(stars) == 1 and step not in rejected)

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """Their pictures."""
        return tuple(step.picture for step in self.steps)

    @property
    def outcome(self) -> str:
        """"picture", "waiting", or the cause for which it has none: see promptkit.runs.causes."""
        return self._row.state.outcome

    @property
    def ok(self) -> bool:
        """Whether all its takes have a picture."""
        return self.outcome == DONE

    @property
    def error(self) -> str | None:
        """What stopped it, in a sentence."""
        return self._row.state.error or None

    @property
    def cost(self) -> Cost:
        """What was spent in its folder, failures included."""
        return self._row.state.cost

    def to_dict(self) -> dict[str, Any]:
        """As one flat object (promptkit.row/1), as results.jsonl has it: `pictures` are files from the run's folder on."""
        return row_object(self._row)

    def __repr__(self) -> str:
        return f"<RunRow {self.number} {self.label or self.key}: {self.outcome}>"

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, Any]:
        from promptkit.views.cards import strip_html

        return mime_bundle(repr(self), strip_html([step.record for step in self.steps]) if self.folder.is_dir() else "", include, exclude)
