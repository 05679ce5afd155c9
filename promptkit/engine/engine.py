"""The engine of one folder: finds the step that asked for something already, or asks for it and records it. It has no head."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from weakref import WeakValueDictionary

from promptkit.engine.ask import Answer, Service, ask
from promptkit.engine.budget import Ledger
from promptkit.engine.parallel import ask_together
from promptkit.engine.plan import Plan, record_fields
from promptkit.errors import PromptkitError, warn
from promptkit.images.picture import Picture
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage

__all__ = ["Engine"]

log = logging.getLogger("promptkit")


class Engine:
    """What is on record in a folder, what is being asked for it in this process, and what may be spent. Safe to use from several threads.

    `Engine.of(folder)` is the one of that folder in this process: all sessions that are open there share it.
    """

    def __init__(self, folder: Path) -> None:
        self.lineage = Lineage(folder)
        self.ledger = Ledger(self.lineage)
        self._asking: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()  # a lock that nobody holds is forgotten
        self._guard = threading.Lock()  # setdefault alone could give two threads a lock each

    @classmethod
    def of(cls, folder: Path) -> Engine:
        """The engine of a folder, which need not be there yet. LineageError where it cannot be a session's."""
        with OPEN_GUARD:
            engine = OPEN.get(folder)
            if engine is None:
                engine = OPEN[folder] = cls(folder)
            else:
                engine.lineage.reopen()
        return engine

    # Without asking

    def add(self, picture: Picture, label: str | None = None) -> Answer:
        """Records a picture of one's own as a root; one with the same bytes is the same root."""
        with self._alone(picture.sha256):
            if record := self.lineage.added_with(picture.sha256):
                return Answer(record, reused=True)
            step = self.lineage.begin("add", record_fields(None, label=label, meta={}))
            return Answer(step.commit("added", [picture]))

    # What is there

    def find(self, readings: Iterable[Plan]) -> Record | None:
        """The step that asked for one of these already and has its pictures still; those of the first reading go first."""
        return next(filter(self.lineage.is_whole, self._answered(readings)), None)

    def has_answered(self, plan: Plan) -> bool:
        """Whether a step asked for this very request and got a picture, whole still or not."""
        return bool(self._answered([plan]))

    def _answered(self, readings: Iterable[Plan]) -> list[Record]:
        recipes = dict.fromkeys(plan.recipe for plan in readings)
        return [r for r in self.lineage.with_recipe(*recipes) if r.ok] if recipes else []

    def _known(self, plan: Plan, readings: Sequence[Plan]) -> Answer | None:
        """The step that is one of the readings, if there is one. Nothing that was answered before is paid for twice, whether it found no
        room on the disk or its process was killed.
        """
        self.lineage.settle()
        found = self.find(readings)
        if found is None and readings and self.lineage.adopt():
            found = self.find(readings)
        if found is None:
            if lost := next((r for r in self._answered(readings[:1])), None):
                _warn_of_damage(lost)
            return None
        log.info("step %d is this very request; nothing was sent", found.number)
        if (found.request.get("endpoint"), found.request.get("model")) != (plan.endpoint, plan.model):
            made = f"{found.request.get('model')} at {found.request.get('endpoint')}"
            warn(f"Step {found.number} asked {made} for this already, and is reused; fresh=True asks {plan.model} at {plan.endpoint}.")
        return Answer(found, reused=True)

    # Asking

    def carry_out(self, plan: Plan, readings: Sequence[Plan], reach: Callable[[], Service]) -> Answer:
        """The step that is one of the readings of a plan (the plan first; none: nothing is reused), else the plan asked for.

        `reach` brings the service where one is needed. Raises where nothing was sent; where something was and brought no picture, the
        answer holds the error.
        """
        with self._alone(plan.recipe):
            return self._known(plan, readings) or ask(reach(), plan)

    def carry_out_anew(self, plan: Plan, reach: Callable[[], Service]) -> Answer:
        """A plan asked for whatever is there already, as the next take that nobody has."""
        with self._alone(plan.recipe):
            while self.has_answered(plan):
                plan = replace(plan, take=plan.take + 1)
            return ask(reach(), plan)

    def carry_out_all(
        self, plans: Sequence[tuple[Plan, Sequence[Plan]]], reach: Callable[[Sequence[Plan]], Service], workers: int
    ) -> list[Answer | PromptkitError]:
        """Several plans with their readings, as `carry_out` does each, `workers` at once; an error stands for one that was not sent."""
        with self._alone(*(plan.recipe for plan, _ in plans)):
            known = [self._known(plan, readings) for plan, readings in plans]
            todo = [plan for (plan, _), found in zip(plans, known, strict=True) if found is None]
            asked = iter(ask_together(reach(todo), todo, workers) if todo else ())
        return [found or next(asked) for found in known]

    @contextmanager
    def _alone(self, *asked: str) -> Iterator[None]:
        """Of several threads with the same requests (or pictures to add) one asks, and the others find its steps."""
        with ExitStack() as held:
            for each in sorted(set(asked)):  # in one order, so that no two wait for each other
                with self._guard:
                    lock = self._asking.setdefault(each, threading.Lock())
                held.enter_context(lock)
            yield


def _warn_of_damage(lost: Record) -> None:
    """A picture that is gone is asked for anew, and takes another id, so that all its edits are other requests then."""
    files = ", ".join(output.name for output in lost.outputs)
    said = f"The picture of step {lost.number} ({files}) is missing or damaged: it is asked for anew, and so would be its edits"
    warn(f"{said}; put the file back to keep them, or go on from a later step with on=.")


def _forget_the_parents() -> None:
    """A forked child opens engines of its own: those of its parent may be locked by threads that it does not have."""
    OPEN.clear()
    OPEN_GUARD.release()


OPEN: WeakValueDictionary[Path, Engine] = WeakValueDictionary()  # an engine that no session holds is closed
OPEN_GUARD = threading.Lock()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=OPEN_GUARD.acquire, after_in_parent=OPEN_GUARD.release, after_in_child=_forget_the_parents)
