"""What came of a row: as it is on record in its folder, in a form that is small, and that could travel."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from promptkit.cost import FREE, Cost
from promptkit.engine.sums import Sums
from promptkit.errors import PromptkitError
from promptkit.lineage.record import Record
from promptkit.lineage.record_row import record_seconds
from promptkit.runs.causes import DONE, WAITING, cause_of

__all__ = ["NOTHING", "NOTHING_YET", "RowState", "StepState", "TakeState", "difference", "totals"]


NOTHING: Mapping[str, float] = {}  # is spent; one for all rows, which are many


@dataclass(frozen=True, slots=True)
class StepState:
    """One step: its id, its number, its outcome and its first picture's file and sha256."""

    id: str
    number: int
    outcome: str
    name: str
    file: str | None = None
    sha256: str | None = None

    @classmethod
    def of(cls, record: Record) -> StepState:
        """What a record says."""
        first = record.outputs[0] if record.outputs else None
        named = (first.name, first.sha256) if first else (None, None)
        return cls(record.id, record.number, record.outcome, record.prompt.template or record.slug, *named)


@dataclass(frozen=True, slots=True)
class TakeState:
    """The steps of one take; whole where the last of them is the last of the recipe. `error` is the sentence of what stopped it."""

    outcome: str = WAITING
    steps: tuple[StepState, ...] = ()
    error: str = ""
    kind: str = ""  # the class of that error


@dataclass(frozen=True, slots=True)
class RowState:
    """All takes of a row, and what its folder holds: what was spent there, how often was asked, for how many seconds.

    `spent` is what one order has added to that, in the units of a budget; `is_there` whether nothing was asked for it.
    """

    takes: tuple[TakeState, ...] = ()
    cost: Cost = FREE
    attempts: int = 0
    seconds: float = 0.0
    spent: Mapping[str, float] = field(default_factory=lambda: NOTHING)
    marks: tuple[str, ...] = ()  # what each reader says of its steps: keep ★★★★ bluer (client)
    is_there: bool = False

    @property
    def outcome(self) -> str:
        """"picture" where all takes have one, else why the first of the others has none, or "waiting"."""
        failed = next((take.outcome for take in self.takes if take.outcome not in (DONE, WAITING)), None)
        return failed or (WAITING if not self.takes or any(take.outcome != DONE for take in self.takes) else DONE)

    @property
    def error(self) -> str:
        """The sentence of the first take that failed."""
        return next((take.error for take in self.takes if take.error), "")

    @property
    def last_steps(self) -> tuple[StepState, ...]:
        """The last step of each take that is whole."""
        return tuple(take.steps[-1] for take in self.takes if take.outcome == DONE and take.steps)

    @classmethod
    def failed(cls, error: BaseException) -> RowState:
        """A row for which nothing was asked."""
        said = str(error) if isinstance(error, PromptkitError) else f"{type(error).__name__}: {error}"
        return cls((TakeState(cause_of(error), (), said, type(error).__name__),), is_there=True)

    @classmethod
    def abandoned(cls, error: BaseException) -> RowState:
        """A row whose worker ended, or could not say what came of it."""
        said = f"The worker that carried it out ended ({type(error).__name__}: {error!s:.200}): run it again."
        return cls((TakeState("interrupted", (), said, type(error).__name__),), is_there=True)

    @classmethod
    def waiting(cls, why: str) -> RowState:
        """A row for which nothing was begun, with why."""
        return cls((TakeState(error=why),), is_there=True)

    def to_text(self) -> str:
        """As a line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def of_text(cls, text: str) -> RowState:
        """The state that a line of JSON holds."""
        said = json.loads(text)
        takes = tuple(TakeState(**{**take, "steps": tuple(_step_of(step) for step in take["steps"])}) for take in said["takes"])
        cost = Cost(tuple((unit, amount) for unit, amount in said["cost"]["sums"]), said["cost"]["unpriced"])
        return cls(**{**said, "takes": takes, "cost": cost, "marks": tuple(said["marks"])})


def _step_of(said: Mapping[str, Any]) -> StepState:
    """One step, whose outcome and template are held once for all rows."""
    return StepState(**{**said, "outcome": sys.intern(said["outcome"]), "name": sys.intern(said["name"])})


NOTHING_YET = RowState()  # has come of a row; one for all


def totals(records: Iterable[Record]) -> tuple[Cost, int, float]:
    """What these steps cost, how often they were asked for, and the seconds that they took, waits included."""
    cost, attempts, seconds = FREE, 0, 0.0
    for record in records:
        if record.attempts:
            cost, attempts, seconds = cost + record.cost, attempts + len(record.attempts), seconds + (record_seconds(record) or 0.0)
    return cost, attempts, round(seconds, 3)


def difference(after: Sums, before: Sums) -> dict[str, float]:
    """What was added to sums, unit by unit."""
    return {unit: added for unit, amount in after.items() if (added := round(amount - before.get(unit, 0.0), 9)) > 0}
