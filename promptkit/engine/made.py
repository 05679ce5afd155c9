"""Steps made here: an operation carried out on a step's picture and recorded as a step, without asking anybody."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from promptkit.engine.ask import Answer
from promptkit.engine.engine import Engine
from promptkit.engine.plan import base_source, common_fields
from promptkit.errors import LineageError, PromptkitError, warn
from promptkit.images.operations import Made, Operation, operation_of
from promptkit.images.still import pillow_version
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage

__all__ = ["Making", "make", "making_again"]


@dataclass(frozen=True)
class Making:
    """A step before it is made: an operation on the picture of the step `on`; `channel` is the name of the channel that it is for."""

    operation: Operation
    on: Record
    channel: str | None = None
    label: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def said(self) -> dict[str, Any]:
        """The operation and its numbers, as a record has them."""
        channel = {} if self.channel is None else {"channel": self.channel}
        return {"operation": self.operation.name, "numbers": self.operation.numbers, **channel}

    @property
    def recipe(self) -> str:
        """The hash of operation, numbers, picture and parent, and of no version: the same call is the same step."""
        asked = {"made": self.said, "pictures": [self.on.outputs[0].sha256], "parents": [self.on.id]}
        return "r1:" + hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()

    def find(self, lineage: Lineage) -> Record | None:
        """The step that is this already, with its picture whole; writes nothing."""
        return next(filter(lineage.is_whole, lineage.answered(self.recipe)), None)

    def fields(self, made: Made) -> dict[str, Any]:
        """The fields of its record."""
        common = common_fields(self.label, self.meta)
        return {
            **common,
            "parents": [self.on.id],
            "sources": [base_source(self.on)],
            "prompt": {},
            "request": {},
            "made": {**self.said, "result": dict(made.result)},
            "warnings": list(made.notes),
            "recipe": self.recipe,
            "take": 0,
            "chain": "picture",
            "versions": {**common["versions"], "pillow": pillow_version()},
        }


def make(engine: Engine, making: Making) -> Answer:
    """The step that is this already, else a new one. PictureError where the operation does not go with the picture; nothing is recorded
    then. LineageError where the picture is missing, was forgotten, or is damaged.
    """
    making.on.check_picture()

    def record() -> Record:
        made = making.operation.apply(making.on.picture)
        return engine.lineage.begin(making.operation.name, making.fields(made)).commit("made", [made.picture])

    answer = engine.record_once(making.recipe, lambda: making.find(engine.lineage), record)
    kept = answer.record.fields.get("label")
    if answer.reused and making.label is not None and making.label != kept:
        warn(f"Step {answer.record.number} is there already, and keeps its label {kept!r}.")
    return answer


def making_again(record: Record, on: Record, meta: Mapping[str, Any]) -> Making:
    """What was made here once more, of the picture of another step. LineageError where this promptkit does not know the operation."""
    said = record.made
    try:
        operation = operation_of(said.operation if said else None, said.numbers if said else {})
    except PromptkitError as error:
        raise LineageError(f"Step {record.number} cannot be made again here: {error}", path=record.path) from None
    channel = said.channel if said else None
    return Making(operation, on, channel, record.label, meta)
