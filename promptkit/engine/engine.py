"""The engine of one folder: finds the step that asked for something already, or asks for it and records it. It has no head."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from weakref import WeakSet, WeakValueDictionary

from promptkit.engine.ask import Answer, Service, ask
from promptkit.engine.budget import Ledger
from promptkit.engine.failures import shared_failure
from promptkit.engine.parallel import ask_together
from promptkit.engine.plan import Plan, added_fields
from promptkit.engine.request_claim import AnsweredClaim, OnRecord, RequestClaim, Taken, is_shared, wait_until_free
from promptkit.errors import LineageError, PromptkitError, warn
from promptkit.images.picture import Picture
from promptkit.lineage.record import Record
from promptkit.lineage.rows import added
from promptkit.lineage.tree import Lineage
from promptkit.progress import Listener, Progress

__all__ = ["Engine"]

log = logging.getLogger("promptkit")
ADDING = 60.0  # seconds to wait for another process that adds the same picture


class Engine:
    """What is on record in a folder, what is being asked for it in this process, and what may be spent. Safe to use from several threads.

    `Engine.of(folder)` is the one of that folder in this process: all sessions that are open there share it.
    """

    def __init__(self, folder: Path) -> None:
        self.lineage = Lineage(folder)
        self.ledger = Ledger(self.lineage)
        self._free_locks()
        ALIVE.add(self)

    def _free_locks(self) -> None:
        self._asking: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()  # a lock that nobody holds is forgotten
        self._guard = threading.Lock()  # setdefault alone could give two threads a lock each

    def go_on_in_child(self) -> None:
        """Makes it this process's own after a fork: with free locks, and with nothing set aside for what the parent has under way."""
        self._free_locks()
        self.lineage.go_on_in_child()
        self.ledger.go_on_in_child()

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

    def add(self, picture: Picture, label: str | None = None, on: Record | None = None) -> Answer:
        """Records a picture of one's own as a root, or `on` a step from whose picture it was made by hand; one with the same bytes is the
        same root, and on the same step the same child.
        """
        asked = added(picture.sha256, on.id if on else "")
        return self.record_once(asked, partial(self.lineage.added_with, picture.sha256, on), lambda: self._added(picture, label, on))

    def record_once(self, asked: str, find: Callable[[], Record | None], record: Callable[[], Record]) -> Answer:
        """What `find` brings, else what `record` records without asking anybody; `asked` tells it from others, so that of several threads
        and processes one records it. One whose process was killed before it was on record counts too.
        """

        def before() -> Record | None:
            return found if (found := find()) or not self.lineage.adopt() else find()

        with self._alone(asked):
            while (known := before()) is None:
                claim = RequestClaim(self.lineage, asked, before)
                try:
                    claim.take()
                    return Answer(record())
                except OnRecord as found:
                    return Answer(found.record, reused=True)
                except Taken:
                    wait_until_free(self.lineage, asked, ADDING)
                finally:
                    claim.end()
            return Answer(known, reused=True)

    def _added(self, picture: Picture, label: str | None, on: Record | None) -> Record:
        _ = picture.data  # one that cannot be read says so before a number is claimed for it
        return self.lineage.begin("add", added_fields(picture, label=label, on=on)).commit("added", [picture])

    # What is there

    def find(self, readings: Iterable[Plan]) -> Record | None:
        """The step that asked for one of these already and has its pictures still; those of the first reading go first."""
        return next(filter(self.lineage.is_whole, self._answered(readings)), None)

    def is_taken(self, plan: Plan) -> bool:
        """Whether a step asked for this very request and got a picture, whole still or not, or a process is asking for it."""
        return self.was_answered(plan) or self.lineage.holder_of(plan.recipe) is not None

    def _is_had(self, plan: Plan) -> bool:
        """The same, but for pictures that are lost: whoever asks anew gets them back."""
        return not all(map(self._is_lost, self._answered([plan]))) or self.lineage.holder_of(plan.recipe) is not None

    def _is_lost(self, record: Record) -> bool:
        """Whether its picture is missing or damaged: not forgotten, and not stored elsewhere by a tool."""
        try:
            return not record.forgotten and not self.lineage.is_whole(record)
        except LineageError:
            return False

    def was_answered(self, plan: Plan) -> bool:
        """Whether a step asked for this very request and got a picture, whole still or not."""
        return bool(self._answered([plan]))

    def _answered(self, readings: Iterable[Plan]) -> list[Record]:
        recipes = dict.fromkeys(plan.recipe for plan in readings)
        return [*self.lineage.answered(*recipes)]

    def _known(self, plan: Plan, readings: Sequence[Plan]) -> Answer | None:
        """The step that is one of the readings, if there is one. Nothing that was answered before is paid for twice, whether it found no
        room on the disk or its process was killed.
        """
        self.lineage.settle()
        known = self.on_record(plan, readings)
        if known is None and readings and self.lineage.adopt():
            known = self.on_record(plan, readings)
        here = (r for r in readings if (r.endpoint, r.model) == (plan.endpoint, plan.model))
        if known is None and (lost := next(iter(self._answered(here)), None)):
            _say_forgotten(lost) if lost.forgotten else self._refuse_damaged(lost)
        return known

    def _refuse_damaged(self, lost: Record) -> None:
        """A picture that is gone would be paid for twice, and takes another id, so that all its edits would be other requests then."""
        files = ", ".join(output.name for output in lost.outputs)
        said = f"Step {lost.number} asked for this already, and its picture ({files}) is missing or damaged"
        back = "put the file back, from a copy, or with `git lfs pull` or `git annex get` where these keep it"
        raise LineageError(f"{said}: {back}; or fresh=True asks anew, and pays again.", path=lost.path)

    def on_record(self, plan: Plan, readings: Iterable[Plan]) -> Answer | None:
        """The step that is one of the readings of a plan, if there is one; writes nothing."""
        found = self.find(readings)
        if found is None:
            return None
        log.info("step %d is this very request; nothing was sent", found.number)
        if (found.request.get("endpoint"), found.request.get("model")) != (plan.endpoint, plan.model):
            made = f"{found.request.get('model')} at {found.request.get('endpoint')}"
            warn(f"Step {found.number} asked {made} for this already, and is reused; fresh=True asks {plan.model} at {plan.endpoint}.")
        return Answer(found, reused=True)

    # Asking

    def carry_out(
        self, plan: Plan, readings: Sequence[Plan], reach: Callable[[], Service], listener: Listener | None = None
    ) -> Answer:
        """The step that is one of the readings of a plan (the plan first; none: nothing is reused), else the plan asked for.

        `reach` brings the service where one is needed. Raises where nothing was sent; where something was and brought no picture, the
        answer holds the error. `listener` gets the progress of the wait for another thread; the service has it for the rest.
        """
        with self._alone(plan.recipe, listener=listener):
            if known := self._known(plan, readings):
                return known
            service, claim = reach(), self._claim_of(plan, readings)
            while True:
                try:
                    return ask(service, plan, claim)
                except OnRecord as found:
                    return _shared(found.record, service)
                except Taken:
                    wait_until_free(self.lineage, plan.recipe, service.deadline, service.on_progress)

    def carry_out_anew(self, plan: Plan, reach: Callable[[], Service], listener: Listener | None = None) -> Answer:
        """A plan asked for whatever is there already, as the next take that nobody has, or whose picture is lost."""
        with self._alone(plan.recipe, listener=listener):
            service = None
            while True:
                while self._is_had(plan):
                    plan = replace(plan, take=plan.take + 1)
                service = service or reach()
                try:
                    return ask(service, plan, RequestClaim(self.lineage, plan.recipe, partial(self.find, [plan])))
                except (OnRecord, Taken):
                    plan = replace(plan, take=plan.take + 1)

    def record_answer(self, plan: Plan, service: Service, job: Path) -> Answer:
        """Records what a batch job, whose file that is, answered to a plan: the service brings it. Once, however often it is fetched."""

        def recorded() -> Record | None:
            """The step of it, unless its process left it while it was recorded, with nothing that it brought."""
            asked = (r for r in self.lineage.with_recipe(plan.recipe) if r.attempts and r.attempts[-1].batch == service.job)
            return next((r for r in asked if r.ok or (r.outcome == r.attempts[-1].outcome and r.attempts[-1].get("ended"))), None)

        with self._alone(plan.recipe):
            self.lineage.adopt()  # what a killed process was just recording
            try:
                return ask(service, plan, AnsweredClaim(self.lineage, plan.recipe, recorded, job))
            except OnRecord as found:
                return _shared(found.record, service)

    def carry_out_all(
        self,
        plans: Sequence[tuple[Plan, Sequence[Plan]]],
        reach: Callable[[Sequence[Plan]], Service],
        workers: int,
        listener: Listener | None = None,
    ) -> list[Answer | PromptkitError]:
        """Several plans with their readings, as `carry_out` does each, `workers` at once; an error stands for one that was not sent."""
        with self._alone(*(plan.recipe for plan, _ in plans), listener=listener):
            answers: list[Answer | PromptkitError | None] = [self._known(plan, readings) for plan, readings in plans]
            todo = [i for i, found in enumerate(answers) if found is None]
            service = reach([plans[i][0] for i in todo]) if todo else None
            claims = {i: self._claim_of(*plans[i]) for i in todo}
            while service and todo:
                asked = ask_together(service, [(plans[i][0], claims[i]) for i in todo], workers)
                answers = _filled(answers, todo, asked, service)
                if todo := [i for i, answer in enumerate(answers) if isinstance(answer, Taken)]:
                    self._wait_for(todo, plans, service, answers)
                    todo = [i for i in todo if isinstance(answers[i], Taken)]
        return [answer for answer in answers if answer is not None]

    def _wait_for(
        self,
        taken: Sequence[int],
        plans: Sequence[tuple[Plan, Sequence[Plan]]],
        service: Service,
        answers: list[Answer | PromptkitError | None],
    ) -> None:
        """Waits for those that other processes ask for, with no claim in hand; the error of one that did not come stands for it."""
        for i in taken:
            try:
                wait_until_free(self.lineage, plans[i][0].recipe, service.deadline, service.on_progress)
            except LineageError as error:
                answers[i] = error

    def _claim_of(self, plan: Plan, readings: Sequence[Plan]) -> RequestClaim:
        """The claim on a request. What was on record before is not looked for again: a step that failed earlier is no answer."""
        before = self.lineage.known_with(plan.recipe)

        def came() -> Record | None:
            return self._came(plan, readings, before) if readings else None

        return RequestClaim(self.lineage, plan.recipe, came, optional=not readings)

    def _came(self, plan: Plan, readings: Sequence[Plan], before: Container[str]) -> Record | None:
        """The step that another process has made of it since: its picture, or how it failed."""
        self.lineage.settle()
        found = self.find(readings)
        if found is None and self.lineage.adopt():
            found = self.find(readings)
        if found is None:
            new = filter(is_shared, self.lineage.with_recipe(plan.recipe, but=before))
            found = max(new, key=lambda r: r.number, default=None)
        return found

    @contextmanager
    def _alone(self, *asked: str, listener: Listener | None = None) -> Iterator[None]:
        """Of several threads with the same requests (or pictures to add) one asks, and the others find its steps."""
        with ExitStack() as held:
            for each in sorted(set(asked)):  # in one order, so that no two wait for each other
                with self._guard:
                    lock = self._asking.setdefault(each, threading.Lock())
                with _waiting(listener) if lock.locked() else nullcontext():
                    held.enter_context(lock)
            yield


def _waiting(listener: Listener | None) -> Progress:
    progress = Progress(listener=listener)
    progress.say("waiting for another thread, which asks for the same")
    return progress


def _shared(record: Record, service: Service) -> Answer:
    """The step that another process made of the same request, with the error of one that failed."""
    log.info("step %d came from another process for this very request; nothing was sent", record.number)
    if record.ok:
        return Answer(record, reused=True)
    error = shared_failure(record, endpoint=service.endpoint, key=service.key, deadline=service.deadline)
    return Answer(record, error, reused=True)


def _filled(
    answers: Sequence[Answer | PromptkitError | None],
    places: Sequence[int],
    asked: Sequence[Answer | PromptkitError],
    service: Service,
) -> list[Answer | PromptkitError | None]:
    """The answers with those that were asked for in their places."""
    new = {i: _shared(a.record, service) if isinstance(a, OnRecord) else a for i, a in zip(places, asked, strict=True)}
    return [new.get(i, answer) for i, answer in enumerate(answers)]


def _say_forgotten(lost: Record) -> None:
    assert lost.forgotten
    warn(f"Step {lost.number} asked for this already, and was forgotten{lost.forgotten.said}: it is asked for anew, as a new step.")


def _forget_the_parents() -> None:
    """A forked child opens engines of its own, and sessions that it goes on with have theirs without what the parent's threads hold."""
    OPEN.clear()
    OPEN_GUARD.release()
    for engine in list(ALIVE):
        engine.go_on_in_child()


OPEN: WeakValueDictionary[Path, Engine] = WeakValueDictionary()  # an engine that no session holds is closed
ALIVE: WeakSet[Engine] = WeakSet()  # those too that a forked child's sessions brought along
OPEN_GUARD = threading.Lock()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=OPEN_GUARD.acquire, after_in_parent=OPEN_GUARD.release, after_in_child=_forget_the_parents)
