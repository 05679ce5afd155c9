"""Carries out one order, in whatever thread or process it was handed to: looks the row up in its folder, and asks for what is missing.

Every step is found by what it asks, so that an order carried out twice, or begun again after a kill, asks for nothing that is on record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from promptkit.cost import Money
from promptkit.engine.ask import Answer
from promptkit.engine.client import Client, Terms
from promptkit.engine.engine import Engine
from promptkit.engine.failures import shared_failure
from promptkit.engine.labels import Named
from promptkit.engine.made import Making, make
from promptkit.engine.nearest_step import difference as words_changed
from promptkit.engine.plan import Plan
from promptkit.engine.request_claim import in_batch_job
from promptkit.engine.sums import DRAFTS, REQUESTS
from promptkit.errors import LineageError, PromptkitError, TransportError
from promptkit.images.picture import Picture
from promptkit.lineage.record import Record
from promptkit.providers import models
from promptkit.providers.message import Request, Response
from promptkit.runs.causes import DONE, IN_JOB, WAITING, cause_of, cause_of_record, is_again
from promptkit.runs.order import AlongPicture, Hands, Order, OrderStep, PictureOf
from promptkit.runs.row_folder import make_row_folder
from promptkit.runs.row_state import RowState, StepState, TakeState, difference, totals

__all__ = ["RowWork", "carry_out", "look_up", "nearest_words"]

NO_HANDS = Hands()
MOST_COMPARED = 8  # steps in the place of one that is missing


def carry_out(order: str, hands: Hands = NO_HANDS) -> str:
    """Carries out an order (Order.to_text), and says what came of the row (RowState.to_text). Raises nothing of promptkit's."""
    read = Order.of_text(order, hands)
    try:
        with models.as_told(read.facts):
            return RowWork(read, hands).carried_out().to_text()
    except PromptkitError as error:
        return RowState.failed(error).to_text()


def look_up(order: Order, hands: Hands, *, tells_failures: bool = False) -> RowState:
    """What is on record of a row; nothing is asked or written. A failure that is to be asked again is waiting, or, where it
    `tells_failures`, what it was.
    """
    return RowWork(order, hands, tells_failures).state(may_ask=False)


def nearest_words(order: Order, hands: Hands) -> str:
    """In what a row differs from what is on record of it, in a few words; empty where nothing stands in its place."""
    return RowWork(order, hands).nearest_words()


@dataclass
class RowWork:
    """One order at work in the engine of its row's folder."""

    order: Order
    hands: Hands
    tells_failures: bool = False  # those too that are to be asked again
    asked: int = field(default=0, init=False)
    _missing: Plan | None = field(default=None, init=False)  # the first request that is not on record

    @cached_property
    def engine(self) -> Engine:
        """That of the row's folder."""
        return Engine.of(Path(self.order.folder))

    @cached_property
    def _client(self) -> Client:
        order, hands = self.order, self.hands
        terms = Terms(
            endpoint=order.endpoint,
            model=order.model,
            key=hands.key,
            transport=hands.transport,
            recover=order.recover,
            deadline=order.deadline,
            on_progress=_unheard,  # the run has one display for all rows
            send=order.sends,
            warned_of=hands.warned,
        )
        return Client(self.engine, terms, order.endpoint, order.model, key=hands.key)

    @cached_property
    def _picture(self) -> Picture | None:
        return self.order.picture.open(self.hands) if self.order.picture else None

    def carried_out(self) -> RowState:
        """What came of the row, after all of it was asked for that is missing."""
        make_row_folder(Path(self.order.folder))
        self.engine.lineage.adopt()  # what a killed process left is found, and not paid for twice
        before = self._used() if self.order.used is None else dict(self.order.used)
        self._keep_within(before)
        state = self.state(may_ask=True)
        self._place_head(state)
        return replace(state, spent=difference(self._used(), before), is_there=not self.asked)

    def _place_head(self, state: RowState) -> None:
        """Lets the row's session go on from its last picture."""
        if self.asked and state.last_steps:
            with suppress(LineageError):  # the picture is on record all the same
                self.engine.lineage.set_head(state.last_steps[0].id)

    def state(self, *, may_ask: bool) -> RowState:
        """All takes of the row."""
        takes = tuple(self._take(number, may_ask=may_ask) for number in range(self.order.takes))
        cost, attempts, seconds = totals(self.engine.lineage.records())
        marks = tuple(mark.text_by for of_step in self.engine.lineage.marks().values() for mark in of_step)
        return RowState(takes, cost, attempts, seconds, marks=marks, is_there=True)

    def _used(self) -> dict[str, float]:
        """What was spent and asked in the folder, by the rules of a budget; nothing where there is no limit."""
        limits = self.order.allowance
        return dict(self.engine.ledger.used()) if (limits.money, limits.requests) != (None, None) else {}

    def _keep_within(self, used: dict[str, float]) -> None:
        """Lets the folder's budget be what was used in it and what this order may spend."""
        money, requests = self.order.allowance.money, self.order.allowance.requests
        counted = DRAFTS if self.order.endpoint.is_offline else REQUESTS
        limit = None if money is None else Money(round(used.get(money.currency, 0.0) + money.amount, 9), money.currency)
        most = None if requests is None else round(used.get(counted, 0)) + requests
        there = {record.id for record in self.engine.lineage.records()}  # a corrected row is known to be one, and not said again
        self._client.terms = replace(self._client.terms, budget=limit, max_requests=most, brought=there)

    def nearest_words(self) -> str:
        """In what the first step that is missing differs from the newest that is there in its place."""
        self._missing = None
        self._take(0, may_ask=False)
        plan = self._missing
        there = [r for r in self.engine.lineage.newest_of(plan.parents, MOST_COMPARED) if r.ok and r.prompt.text] if plan else []
        return words_changed(str(there[-1].prompt.text), plan.prompt.text) if plan and there else ""

    # One take

    def _take(self, number: int, *, may_ask: bool) -> TakeState:
        made: list[Record] = []
        try:
            error = self._make_all(made, number, may_ask)
        except PromptkitError as raised:
            error = raised
        steps = tuple(StepState.of(record) for record in made)
        if isinstance(error, PromptkitError):
            return TakeState(cause_of(error), steps, str(error), type(error).__name__)
        if isinstance(error, TakeState):
            return replace(error, steps=steps)
        return TakeState(DONE if error is None else WAITING, steps)

    def _make_all(self, made: list[Record], take: int, may_ask: bool) -> PromptkitError | TakeState | str | None:
        """Makes the steps one after the other, and adds each to `made`. Returns what stopped it: an error, a failure that is on record and
        is not to be asked again, or that nothing may be asked; None where all are there.
        """
        base = self._root(may_ask) if self._picture else None
        if self._picture and base is None:
            return WAITING
        seeded = take
        answer: Answer | TakeState | None
        for step in self.order.steps:
            answer = self._made_here(step, base, may_ask) if step.operation else None
            if not step.operation:
                answer = self._answered(self._plan(step, base, made, seeded), may_ask)
                seeded = 0  # the steps after it differ by what they go on from
            if isinstance(answer, TakeState) or answer is None:
                return answer or WAITING
            made.append(answer.record)
            if answer.error is not None:
                return answer.error
            base = answer.record
        return None

    def _root(self, may_ask: bool) -> Record | None:
        assert self._picture is not None
        found = self.engine.lineage.added_with(self._picture.sha256)
        return self.engine.add(self._picture, self.order.label).record if found is None and may_ask else found

    def _made_here(self, step: OrderStep, base: Record | None, may_ask: bool) -> Answer | None:
        assert step.operation is not None
        assert base is not None
        making = Making(step.operation, base, None, self.order.label, self.order.meta)
        if (found := making.find(self.engine.lineage)) is not None:
            return Answer(found, reused=True)
        return make(self.engine, making) if may_ask else None

    def _plan(self, step: OrderStep, base: Record | None, made: Sequence[Record], take: int) -> Plan:
        assert step.prompt is not None
        along = {role: [self._along(a, made) for a in step.along if a.role == role] for role in ("anchor", "reference")}
        plan = self._client.plan(
            step.prompt,
            base if step.kind == "edit" else None,
            along["reference"],
            anchors=along["anchor"],
            label=self.order.label,
            meta=self.order.meta,
            lang=step.lang,
            **step.config,
        )
        if not take:
            return plan
        return plan.seeded(take) if "seed" in self._client.dialect.options else replace(plan, take=take)

    def _along(self, along: AlongPicture, made: Sequence[Record]) -> Named:
        picture = made[along.step] if along.step is not None else along.picture.open(self.hands) if along.picture else None
        assert picture is not None
        return Named(picture, along.words)

    def _answered(self, plan: Plan, may_ask: bool) -> Answer | TakeState | None:
        """The step, on record or asked for; a failure that is on record and is not to be asked again; None where it may not be asked."""
        if (found := self.engine.find([plan]) or self._client.find(plan)) is not None:
            return Answer(found, reused=True)
        if failed := self._in_job(plan) or self._failed(plan):
            return failed
        if not may_ask:
            self._missing = plan
            return None
        answer = self._client.ask(plan)
        self.asked += not answer.reused
        return answer

    def _in_job(self, plan: Plan) -> TakeState | None:
        """That a batch job asks for it, where one does: then nobody else does."""
        holder = self.engine.lineage.holder_of(plan.recipe)
        if holder is None or holder.job is None:
            return None
        error = in_batch_job(holder, self.engine.lineage)
        return TakeState(IN_JOB, (), str(error), type(error).__name__)

    def _failed(self, plan: Plan) -> TakeState | None:
        """How the same request failed before, where that is not to be asked again."""
        known = self.engine.lineage.with_recipe(plan.recipe)
        last = max((r for r in known if not r.ok), key=lambda r: r.number, default=None)
        if last is None or (is_again(cause := cause_of_record(last), self.order.again) and not self.tells_failures):
            return None
        error = shared_failure(last, endpoint=self.order.endpoint, key=None, deadline=self.order.deadline)
        said = str(error).partition(f"Step {last.number} of it says: ")[2] or str(error)
        return TakeState(cause, (), said, type(error).__name__)


    # In batch mode

    def missing(self) -> Iterator[tuple[int, Plan]]:
        """The takes of a row of one step that are to be asked for, with their plans; the row's own picture is added."""
        make_row_folder(Path(self.order.folder))
        self.engine.lineage.adopt()
        base = self._root(True) if self._picture else None
        for take in range(self.order.takes):
            plan = self._plan(self.order.steps[0], base, [], take)
            if self._answered(plan, may_ask=False) is None:
                if not self._client.terms.sends:
                    self._client.ask(plan)  # says that it is not on record
                yield take, plan

    def request(self, plan: Plan) -> Request:
        """What a plan sends. SettingsError for what may not be sent."""
        return self._client.request(plan)

    def pinned(self) -> Order:
        """The order with all its pictures in the row's folder, named from there on: its plan is the same whatever becomes of others."""
        [step] = self.order.steps
        base = self._root(True) if self._picture else None
        along = tuple(replace(a, picture=a.picture and self._pinned(a.picture)) for a in step.along)
        picture = PictureOf(path=base.outputs[0].name) if base else None
        return replace(self.order, picture=picture, steps=(replace(step, along=along),))

    def _pinned(self, picture: PictureOf) -> PictureOf:
        opened = picture.open(self.hands)
        self.engine.lineage.keep_source(opened)
        return PictureOf(path=self.engine.lineage.source_name(opened))

    def record_answer(self, take: int, answer: Response | TransportError, job: str, file: Path) -> None:
        """Records what the batch job of that name, whose file that is, answered to a take, or that no answer came."""
        make_row_folder(Path(self.order.folder))
        base = self._root(False) if self._picture else None
        plan = self._plan(self.order.steps[0], base, [], take)
        recorded = self._client.record_answer(plan, answer, job, file).record
        if recorded.ok and not take:
            self.engine.lineage.set_head(recorded.id)


def _unheard(line: str) -> None:
    """Takes a line of progress of one row."""
