"""A trail measured step by step: each picture against the one that it was made from, against the root, and against the one since which it
is judged, which is the root, or the last picture that was to change as a whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from promptkit.errors import PromptkitError
from promptkit.images.measures import LEAST_KEPT, Decay, Edit, Edited, Sample, decay, edit, sampled
from promptkit.images.picture import Picture
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.progress import Progress
from promptkit.session.drift_rules import Finding, findings, is_judged, loss
from promptkit.session.keep_rules import Scope, scope
from promptkit.session.measure_cache import MeasureCache
from promptkit.session.step import Step

if TYPE_CHECKING:  # cuts pictures, and is loaded where a step has a region
    from promptkit.images.region import Region

__all__ = ["MeasuredStep", "measured_trail"]

SAMPLES = 4  # pictures made ready that are kept: root, the one that is judged by, before and after
SIZES = ("aspect_ratio", "image_size")


@dataclass(frozen=True)
class MeasuredStep:
    """One step of a trail, measured.

    `edit` is what it changed itself, `before`, `root` and `since` are what became of its picture since the one that it was made from, since
    the root, and since the step `reference`, by which it is judged. They are None for a root, and where pictures cannot be laid over each
    other. `scope` says how much of its picture it asked for (see session.keep_rules). `findings` is what is wrong, the worst first; `loss`
    how much of that it did itself, in parts of a limit. `problem` says why there is nothing to measure.
    """

    step: Step
    scope: Scope
    edit: Edit | None = None
    before: Decay | None = None
    root: Decay | None = None
    since: Decay | None = None
    reference: Step | None = None
    judged: bool = False
    findings: tuple[Finding, ...] = ()
    loss: float = 0.0
    problem: str = ""


def measured_trail(lineage: Lineage, trail: Sequence[Record], step_of: Callable[[Record], Step]) -> tuple[MeasuredStep, ...]:
    """The steps of a trail, the root first, each measured. Pictures are decoded once, where the user's cache does not know of them; what is
    missing or damaged is said in its step.
    """
    measures = _Measures(lineage)
    walk = _Walk(lineage, measures, step_of)
    with Progress(len(trail)) as progress:
        progress.say("measuring pictures")
        try:
            return tuple(_counted(walk.measured(record, before), progress) for record, before in zip(trail, (None, *trail), strict=False))
        finally:
            measures.cache.save()


def _counted(measured: MeasuredStep, progress: Progress) -> MeasuredStep:
    progress.advance()
    return measured


class _Measures:
    """What is measured of pairs of pictures: from the cache, else from their pixels."""

    def __init__(self, lineage: Lineage) -> None:
        self._lineage, self.cache = lineage, MeasureCache()
        self._samples: dict[str, Sample] = {}  # by sha256, the last used last

    def edit(self, before: Picture, after: Picture, record: Record) -> Edit | None:
        name = f"edit {before.sha256} {after.sha256}{_region_name(record)}"
        if (known := self.cache.edit(name)) is None:
            known = (edit(*self._pair(before, after), self._region(record)),)
            self.cache.add(name, known[0])
        return known[0]

    def decay(self, before: Picture, after: Picture, edited: Edited | None, share: float | None = None) -> Decay | None:
        name = f"decay {before.sha256} {after.sha256}{_cells_name(edited)}"
        if (known := self.cache.decay(name)) is None:
            known = (decay(*self._pair(before, after), edited, share),)
            self.cache.add(name, known[0])
        return known[0]

    def _pair(self, before: Picture, after: Picture) -> tuple[Sample, Sample]:
        return self._sample(before), self._sample(after)

    def _sample(self, picture: Picture) -> Sample:
        sample = self._samples.pop(picture.sha256, None) or sampled(picture)
        self._samples[picture.sha256] = sample
        for oldest in list(self._samples)[:-SAMPLES]:
            del self._samples[oldest]
        return sample

    def _region(self, record: Record) -> Region | None:
        if record.region is None:
            return None
        from promptkit.engine.region_plan import recorded_region

        edited = recorded_region(self._lineage, record)
        return edited.region if edited else None


def _region_name(record: Record) -> str:
    if record.region is None:
        return ""
    said = json.dumps([record.region.box, record.region.size, record.region.mask])
    return f" in {hashlib.sha256(said.encode()).hexdigest()[:20]}"


def _cells_name(edited: Edited | None) -> str:
    return "" if edited is None else f" but {hashlib.sha256(edited.bits).hexdigest()[:20]}"


@dataclass(frozen=True)
class _Since:
    """An earlier picture, the step that it is of, and what was edited since."""

    step: Step
    picture: Picture
    edited: Edited | None = None
    sized: bool = False

    def after(self, edit: Edit | None, record: Record) -> _Since:
        """The same, with one more edit."""
        cells = self.edited if edit is None else edit.edited if self.edited is None else self.edited.joined(edit.edited)
        sized = self.sized or any((record.request.config or {}).get(name) for name in SIZES)
        return _Since(self.step, self.picture, cells, sized)


def _judged(
    about: Scope, made: Edit | None, own: Decay | None, since: Decay | None, *, sized: bool
) -> tuple[tuple[Finding, ...], float]:
    """What is wrong with a step, and how much of it the step did; nothing where it is not judged."""
    return ((), 0.0) if made is None else (findings(about, made, since, sized=sized), loss(about, made, own, sized=sized))


class _Walk:
    """A walk along a trail, which knows the root and since which picture is judged; after a picture that cannot be read both begin anew."""

    def __init__(self, lineage: Lineage, measures: _Measures, step_of: Callable[[Record], Step]) -> None:
        self._lineage, self._measures, self._step_of = lineage, measures, step_of
        self._root: _Since | None = None
        self._since: _Since | None = None

    def measured(self, record: Record, before: Record | None) -> MeasuredStep:
        about = scope(self._lineage, record)
        try:
            record.check_picture()
            return MeasuredStep(self._step_of(record), about) if before is None else self._edit(record, before, about)
        except PromptkitError as error:
            self._since = None
            return MeasuredStep(self._step_of(record), about, problem=str(error))

    def _edit(self, record: Record, before: Record, about: Scope) -> MeasuredStep:
        base, picture = self._base(record, before), record.picture
        made = self._measures.edit(base, picture, record)
        start = _Since(self._step_of(before), base)
        self._root = (self._root or start).after(made, record)
        own = self._measures.decay(base, picture, made.edited if made else None, made.share if made else None)
        since, decayed = self._since_when(start.after(made, record), made, record)
        judged = is_judged(about, made)
        self._since = since if judged else _Since(self._step_of(record), picture)
        found, lost = _judged(about, made if judged else None, own, decayed, sized=since.sized)
        whole = self._decay(self._root, picture)
        return MeasuredStep(self._step_of(record), about, made, own, whole, decayed, since.step, judged, found, lost)

    def _since_when(self, start: _Since, made: Edit | None, record: Record) -> tuple[_Since, Decay | None]:
        """The picture by which a step is judged, and what became of it: the one before the step, where too little of the other is left."""
        since = self._since.after(made, record) if self._since else start
        decayed = self._decay(since, record.picture)
        if decayed is None or decayed.kept >= LEAST_KEPT:
            return since, decayed
        return start, self._decay(start, record.picture)

    def _decay(self, since: _Since, picture: Picture) -> Decay | None:
        return self._measures.decay(since.picture, picture, since.edited)

    def _base(self, record: Record, before: Record) -> Picture:
        """The picture that a step was made from: as recorded, else that of the step before it."""
        source = next((s for s in record.sources if s.get("role") == "base"), None)
        return before.picture if source is None else self._lineage.source(source)
