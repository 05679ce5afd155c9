"""How a picture came to be: the trail from the root to a step, read from the records, with what is damaged on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from promptkit.errors import LineageError, PromptkitError
from promptkit.images.changes import Changes
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.session.explanation import UNSET, Explained, Explanation, Lost
from promptkit.session.step import Continuing, Step
from promptkit.views.cards import References, named
from promptkit.views.word_diff import words_changed

__all__ = ["Explained", "Explanation", "Lost", "explain"]


class Trail(Continuing, Protocol):
    """What is asked of a session, which stands above this."""

    @property
    def folder(self) -> Path: ...

    def trail(self, step: object = None) -> Sequence[Step]: ...


def explain(session: Trail, step: object = None, *, measured: bool = False) -> Explanation:
    """How a step, by default the head, came to be, from its root on; `measured` compares each edit with the picture it started from.

    Reads records only, unless `measured`, which decodes each picture of the trail. A damaged ancestor is said and skipped. LineageError
    where the session has no steps yet or its head is not known, StepNotFound where there is no such step.
    """
    found, lineage = session.trail(step), Lineage(session.folder)
    if not found:
        raise _nothing(lineage)
    ancestors = _ancestors(lineage, found[-1].record)
    tags, references = lineage.tags(), References(lineage)
    before: list[Record | Lost | None] = [None, *ancestors[:-1]]
    steps = (Step(session, lineage, each) if isinstance(each, Record) else each for each in ancestors)
    return Explanation(
        tuple(
            step
            if isinstance(step, Lost)
            else _explained(step, parent, [name for name, full_id in tags.items() if full_id == step.id], references, measured)
            for step, parent in zip(steps, before, strict=True)
        )
    )


def _nothing(lineage: Lineage) -> LineageError:
    said = "There is nothing to explain yet: make a picture with generate(…), or bring one with add(…)."
    if lineage.count():
        said = "The head of this session is not known, so there is nothing to explain: name a step, or move the head with goto(…)."
    return LineageError(said, path=lineage.folder)


def _ancestors(lineage: Lineage, record: Record) -> list[Record | Lost]:
    """From the root to it. A damaged one that still names its parent leads on to it: that one's own hash vouches for it."""
    found: list[Record | Lost] = [record]
    seen = {record.id}
    while (parents := found[-1].parents) and parents[0] not in seen:
        seen.add(parents[0])
        found.append(_ancestor(lineage, parents[0]))
    return found[::-1]


def _ancestor(lineage: Lineage, full_id: str) -> Record | Lost:
    try:
        return lineage.get(full_id)
    except LineageError as error:
        missing = str(error)
    path = next((p for p in sorted(lineage.folder.glob("*.json")) if p.name.endswith(f"-{full_id[:10]}.json")), None)
    if path is None:
        return Lost(full_id, missing)
    try:
        record = Record.read(path)
    except LineageError as error:
        return Lost(full_id, str(error))
    said = f"The record {path} was changed or renamed after it was written; `promptkit verify` lists what is damaged."
    return Lost(full_id, said, record.parents)


def _explained(step: Step, before_it: Record | Lost | None, tags: Sequence[str], references: References, measured: bool) -> Explained:
    record, parent = step.record, before_it if isinstance(before_it, Record) else None
    edited, unmeasured = _changes(step) if measured else (None, [])
    before = parent.prompt if parent else {}
    old, new = before.get("text"), record.prompt.get("text")
    return Explained(
        step=step,
        parent=named(step.lineage, parent) if parent else None,
        tags=tuple(tags),
        words=words_changed(old, new) if old and new else None,
        inputs=_inputs_changed(before, record.prompt),
        references=tuple(references.said(record)),
        changes=edited,
        notes=(*step.warnings, *_missing(step), *unmeasured),
    )


def _changes(step: Step) -> tuple[Changes | None, list[str]]:
    try:
        return step.changes, []
    except PromptkitError as error:
        return None, [f"cannot be measured: {error}"]


def _inputs_changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[object, object]]:
    """The inputs that differ between two prompts from one template, in one language and as it was; else the words tell more."""
    if not before.get("digest") or before["digest"] != after.get("digest"):
        return {}
    old, new = before.get("inputs") or {}, after.get("inputs") or {}
    pairs = {name: (old.get(name, UNSET), new.get(name, UNSET)) for name in {**old, **new}}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _missing(step: Step) -> Iterator[str]:
    """What of its pictures is not there; whether they are still the recorded ones, `verify` tells."""
    for path, output in zip(step.files, step.record.outputs, strict=False):
        try:
            size = path.stat().st_size
        except (OSError, ValueError):
            yield f"its picture {path.name} is missing"
            continue
        if size != output["bytes"]:
            yield f"its picture {path.name} is damaged ({size:,} bytes)"
