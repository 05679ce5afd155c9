"""Marking steps: who keeps, rejects and stars what, in a user's name or as others have sent it; and which steps are marked how.

What a caller gives is checked here; what a mark is on disk, and which of several counts, says lineage.marks.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from promptkit.errors import SettingsError
from promptkit.lineage.marks import Mark, latest_of, newer
from promptkit.session.mark_values import checked_note, checked_reader, checked_stars, checked_verdict, region_in, wanted_marks
from promptkit.session.opened import Opened
from promptkit.session.step import Step, Steps

if TYPE_CHECKING:  # what shows itself is loaded when someone looks
    from promptkit.session.marks import Marks, MarksTaken

__all__ = ["Marked", "Marking"]

AS_IT_WAS = ""  # the verdict of who says nothing of it


class Marked(Steps):
    """Steps that are marked so by every reader who judged them; `conflicts` are those on which readers differ."""

    conflicts: Steps = Steps()

    def __new__(cls, steps: Any = (), conflicts: Any = ()) -> Self:
        made = super().__new__(cls, steps)
        made.conflicts = Steps(conflicts)
        return made

    def __reduce__(self) -> tuple[type[Marked], tuple[tuple[Step, ...], tuple[Step, ...]]]:
        return type(self), (tuple(self), tuple(self.conflicts))

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, Any]:
        shown = super()._repr_mimebundle_(include, exclude)
        said = f"left out, for readers differ: {', '.join(str(step.number) for step in self.conflicts)}" if self.conflicts else ""
        ends = {"text/plain": f"\n{said}", "text/html": f"<div>{said}</div>"}
        return {kind: form + ends.get(kind, "") for kind, form in shown.items()} if said else shown


class Marking(Opened):
    """A cursor whose steps are marked."""

    def mark(
        self,
        step: object,
        verdict: str | None = AS_IT_WAS,
        *,
        stars: int | None = None,
        note: str | None = None,
        region: object = None,
        by: str | None = None,
    ) -> Mark:
        """Says what somebody makes of a step: "keep" or "reject", 1 to 5 stars, a note, a region of its picture that is meant.

        A verdict begins a new mark; without one, stars, note and region are added to what the same reader has said, where 0 and "" take
        theirs back. None alone takes the whole mark back. Nothing is lost: each mark is a file beside the records, and the newest of each
        reader counts. What is said already is not written again. `by` is who says it, by default the `name` of the config file, else
        nobody's name; never the login. `region` is a box, as for `edit`. Raises SettingsError, PictureError, StepNotFound, LineageError.
        """
        record, reader = self._step(step).record, checked_reader(by)
        part = None if region is None else region_in(region, record)
        before = latest_of(self.folder, record.id, reader)
        made = _said(Mark(record.id, by=reader), before, verdict, stars=checked_stars(stars), note=checked_note(note), region=part)
        self._refuse_keys([made.note, made.by])
        self._lineage.add_marks([made])
        return made.in_session(self.folder, record.number)

    @property
    def marks(self) -> Marks:
        """What each reader says of which step, by step: the newest marks, without those that were taken back. Shows itself as a table."""
        from promptkit.session.marks import Marks

        return Marks(mark for marks in self._lineage.marks().values() for mark in marks)

    def marked(self, verdict: str | None = None, *, stars: int | None = None, by: str | None = None) -> Marked:
        """The steps that every reader who judged them keeps, marked("keep"), or rejects; or gives so many stars or more, marked(stars=4).

        Its `.conflicts` are the steps on which readers differ. With `by`, what that reader says; with nothing, all steps with a mark.
        """
        wanted = wanted_marks(verdict, stars, by)
        fits = {full_id: wanted.fits(marks) for full_id, marks in self._lineage.marks().items()}
        steps = {i: self._step_of(self._lineage.get(i)) for i, is_so in fits.items() if is_so is not False and self._lineage.has(i)}
        return Marked((step for i, step in steps.items() if fits[i]), (step for i, step in steps.items() if fits[i] is None))

    def import_marks(self, given: object, *, by: str | None = None) -> MarksTaken:
        """Takes in marks that somebody sent: a file (a path, an open file, its bytes) that a page for readers has saved, or a mail's text
        with lines such as `3 keep ★★★★ bluer` or `> 5: reject`. `by` is whose they are, where what was sent does not say so.

        Returns those that are new; what is there already counts once, and what belongs to no step here is refused, and named. LineageError
        where nothing of it belongs here, or it holds no marks. More of the formats: promptkit.lineage.marks_file.
        """
        from promptkit.session.marks import MarksTaken
        from promptkit.session.marks_taken import read_given

        found = read_given(self._lineage, given, None if by is None else checked_reader(by))
        self._refuse_keys([[mark.note, mark.by] for mark in found.marks])
        new = self._lineage.add_marks(found.marks)
        numbers = {full_id: self._lineage.get(full_id).number for full_id in {mark.step_id for mark in new}}
        placed = [mark.in_session(self.folder, numbers[mark.step_id]) for mark in new]
        return MarksTaken.of(placed, known=found.known + len(found.marks) - len(new), refused=found.refused, notes=found.notes)


def _said(mark: Mark, before: Mark | None, verdict: object, **more: Any) -> Mark:
    """The mark with what the reader says; that of before where it says the same."""
    said: dict[str, Any] = {name: value or None for name, value in more.items() if value is not None}
    if verdict != AS_IT_WAS:
        return newer(replace(mark, verdict=checked_verdict(verdict), **said), before)
    if not said:
        raise SettingsError('A mark says something: "keep", "reject", stars=4, note="…" or region=…; None takes it back.')
    return newer(replace(before or mark, original=None, **said), before)
