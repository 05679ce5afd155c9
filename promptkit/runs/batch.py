"""Carries a run out by batch jobs: makes jobs of the rows that are not done, polls those that are there, and records what they answered.

A job is on disk before the service is asked to make it, and all that is done with it can be done again: a run that was stopped anywhere
goes on, asks for nothing twice, and records each answer once. What a job failed at, or left out, is said, and asked again only by another
run.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

from promptkit import config as settings
from promptkit.cost import FREE
from promptkit.engine.engine import Engine
from promptkit.engine.plan import Plan
from promptkit.engine.sums import REQUESTS, Sums
from promptkit.errors import (
    LineageError,
    PromptkitError,
    RateLimited,
    ServiceUnavailable,
    TransportError,
    show_in_brief,
    warn,
)
from promptkit.lineage.layout import add_git_files, writing
from promptkit.lineage.request_claims import let_request_go, request_path, take_request
from promptkit.progress import Listener, Progress
from promptkit.providers import models
from promptkit.providers.gemini_batch import LARGEST_FILE, BatchJobs, JobState, answers_in, request_line
from promptkit.providers.message import Response
from promptkit.runs.allowance import RunBudget
from promptkit.runs.batch_job import BatchJob, JobRequest, jobs_in
from promptkit.runs.causes import DONE, IN_JOB, WAITING, is_again
from promptkit.runs.coordinator import look_at, warn_of_end
from promptkit.runs.order import Order
from promptkit.runs.planning import PlannedRow, Planner
from promptkit.runs.row_folder import row_folders
from promptkit.runs.row_state import RowState
from promptkit.runs.under_way import AtWork, at_work
from promptkit.runs.work import RowWork
from promptkit.terminal import how_many

__all__ = ["LEFT", "BatchRun"]

log = logging.getLogger("promptkit")
MOST = 100  # requests of a job: larger ones were reported to stay pending, and their answers not to be fetched
PAUSES = (0.2, 60.0)  # seconds between two polls, at first and at most
LEFT = "stopped; the jobs go on at the service, and the same run fetches what they answer."
BUSY = (RateLimited, ServiceUnavailable, TransportError)  # what may pass while one waits


@dataclass
class BatchRun:
    """Carries out the rows of a planner by batch jobs. With `waits` until all jobs are over, else it returns when they are made and polled.

    `ended` says, in a sentence, what keeps rows from being asked for, or a job from being fetched, where that was not the caller's wish.
    """

    planner: Planner
    rows: list[PlannedRow]
    written: Callable[[bool], object]
    on_row: Callable[[PlannedRow], object]
    on_progress: Listener | None = None
    later: Iterator[PlannedRow] = field(default_factory=lambda: iter(()))
    waits: bool = True
    ended: str = ""
    ended_by: str = ""  # the class of the error that ended it
    stop_asked: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        asked = self.planner.asked
        self._budget = RunBudget(asked.budget, asked.max_requests, REQUESTS)
        self._troubles: dict[str, str] = {}  # what keeps a job from being fetched, by its file's name
        self._ends: dict[str, str] = {}  # how a job ended that was not carried out
        self._given_up: set[str] = set()  # the jobs that waiting does not help
        self._answered: set[int] = set()  # the numbers of rows whose job is over: what it left is asked for by another run
        self._progress: Progress | None = None
        for row in self.later:
            look_at(self.planner, row)
            self.rows.append(row)

    @property
    def has_work(self) -> bool:
        """Whether a row is to be asked for, or a job to be polled."""
        return any(map(self._is_to_do, self.rows)) or bool(jobs_in(self.planner.into))

    # The run

    def run(self) -> None:
        """Polls the jobs that are there, makes others of the rows that are not done, and polls all until they are over, where it waits."""
        into = self.planner.into
        with writing(into):
            into.mkdir(parents=True, exist_ok=True)
            add_git_files(into, ".open/")
        self.written(True)
        try:
            with at_work(into) as own, Progress(listener=self.on_progress) as self._progress:
                self._poll_all()
                self._submit_all(own)
                self._wait(own)
        except KeyboardInterrupt as stop:
            show_in_brief(stop, LEFT)
            raise
        finally:
            self.written(True)

    def _wait(self, own: AtWork) -> None:
        pause = PAUSES[0]
        while self.waits and not self._is_stopped(own) and (left := self._open_jobs()):
            self._say(f"waiting for {how_many(len(left), 'batch job')}, {how_many(sum(job.requests for job in left), 'request')}")
            self.stop_asked.wait(pause)
            pause = min(pause * 1.5, PAUSES[1])
            self._poll_all()
            self.written(False)

    def _open_jobs(self) -> list[BatchJob]:
        """Those that are not over, and that waiting helps; none where nothing may be sent."""
        if not settings.sends():
            return []
        return [job for job in jobs_in(self.planner.into) if job.path.stem not in self._given_up]

    def _is_stopped(self, own: AtWork) -> bool:
        if not self.stop_asked.is_set() and own.shall_stop():
            self.stop_asked.set()
        return self.stop_asked.is_set()

    def _say(self, line: str) -> None:
        if self._progress is not None:
            self._progress.say(line)

    def tell_of_end(self) -> None:
        """Warns of what keeps rows from being asked for, and jobs from being fetched."""
        if self.ended:
            warn_of_end(self.ended, sum(row.state.outcome == WAITING for row in self.rows))
        for said in [*self._ends.values(), *self._troubles.values()]:
            warn(said)

    # Making jobs

    def _is_to_do(self, row: PlannedRow) -> bool:
        outcome = row.state.outcome
        if row.number in self._answered:
            return False
        return bool(row.folder) and outcome not in (DONE, IN_JOB) and (outcome == WAITING or is_again(outcome, self.planner.asked.retry))

    def _submit_all(self, own: AtWork) -> None:
        self._count_spent()
        making: dict[tuple[str, str], BatchJob] = {}
        try:
            for row in [row for row in self.rows if self._is_to_do(row)]:
                if self.ended or self._is_stopped(own):
                    break
                self._add_row(row, making)
            for job in [*making.values()]:
                making.pop((job.endpoint, job.model))
                self._make(job)
        finally:
            for job in making.values():  # nothing was sent for these
                job.end()

    def _count_spent(self) -> None:
        if not self._budget.is_limited:
            return
        for name in row_folders(self.planner.into).values():
            with suppress(LineageError):
                self._budget.count(Engine.of(self.planner.into / name).ledger.used())
        for job in jobs_in(self.planner.into):
            self._budget.count(job.reserved)

    def _add_row(self, row: PlannedRow, making: dict[tuple[str, str], BatchJob]) -> None:
        """Adds what is missing of a row to the job of its endpoint and model; a job that is full is made."""
        allowance = self._budget.hand_out(row.requests, row.price, 1)
        if allowance is None:
            self.ended, self.ended_by = self._budget.refusal(row.requests, row.price), "BudgetExceeded"
            return
        spent: Counter[str] = Counter()
        try:
            order = self.planner.order(row)
            work = RowWork(order, self.planner.hands)
            for take, plan in work.missing():
                one = self._price(plan)
                if self._add_request(row, work, take, plan, one, making):
                    spent.update(one)
            row.was_there = True
        except PromptkitError as error:
            self._came(row, RowState.failed(error))
        finally:
            self._budget.give_back(allowance, spent)

    def _price(self, plan: Plan) -> dict[str, float]:
        price = models.estimate(plan.model, plan.endpoint, image_size=plan.config.get("image_size"), in_batch=True) or FREE
        return {REQUESTS: 1.0, **price.amounts}

    def _add_request(
        self, row: PlannedRow, work: RowWork, take: int, plan: Plan, price: Sums, making: dict[tuple[str, str], BatchJob]
    ) -> bool:
        """Adds a request to its job; whether it was: another process may have asked for the same meanwhile."""
        request, order = work.request(plan), _order_json(work.pinned())
        place = plan.endpoint, plan.model
        if place not in making:
            making[place] = BatchJob.begin(self.planner.into, *place)
        job = making[place]
        if work.engine.lineage.take_request_for_job(plan.recipe, job.path) is not None:
            return False
        if work.engine.find([plan]) is not None:  # it came on record before it was claimed
            work.engine.lineage.let_job_request_go(plan.recipe, job.path)
            return False
        entry = JobRequest(f"{row.key}.{take}", row.folder, take, plan.recipe, order)
        size = job.add(entry, request_line(entry.key, request), price)
        sys.audit("promptkit.send", request)  # whoever wants to see all that goes out adds a hook with sys.addaudithook
        if job.requests >= MOST or size + len(request) > LARGEST_FILE:
            self._make(making.pop(place))
        return True

    def _make(self, job: BatchJob) -> None:
        """Has the service make a job. What keeps it from that ends the run; where it may have been made, the next poll finds out."""
        self._say(f"making a batch job of {how_many(job.requests, 'request')}")
        try:
            if not job.requests:
                return
            jobs = self._jobs(job)
            file = jobs.upload(job.requests_file, job.display_name)
            job.creating()
            job.made(jobs.create(job.model, file, job.display_name))
            log.info("made %s of %d requests", job, job.requests)
        except PromptkitError as error:
            self.ended, self.ended_by = self.ended or str(error), self.ended_by or type(error).__name__
            if job.may_be_made and isinstance(error, ServiceUnavailable | TransportError) and getattr(error, "sent", True):
                self.ended = f"{error} The job may have been made all the same: the same run finds that out."
        finally:
            self._end_unmade(job)

    def _end_unmade(self, job: BatchJob) -> None:
        """Ends a job that was not made; one of which nobody knows is left to the next poll."""
        rows = self._rows_of(job)
        if job.name is None and job.may_be_made:
            job.unsure()
        elif job.name is None:
            job.end()
        self._look_again(rows)

    def _jobs(self, job: BatchJob) -> BatchJobs:
        client = self.planner.client(job.endpoint, job.model)
        return BatchJobs(client.endpoint, client.connection.open()[1])

    # Polling them

    def _poll_all(self) -> None:
        for job in self._open_jobs():
            self._poll(job)

    def _poll(self, job: BatchJob) -> None:
        """Asks how far a job is, and records what it answered. Of several processes one does so at a time."""
        claim = request_path(self.planner.into, job.display_name)
        if job.is_being_made or take_request(claim) is not None:
            return
        self._troubles.pop(job.path.stem, None)
        try:
            self._go_on(job)
        except PromptkitError as error:
            if not isinstance(error, BUSY):
                self._given_up.add(job.path.stem)
            give_up = f"remove {job.path} to give it up, which does not take back what it costs"
            said = f"{_capital(job)} was not fetched: {error} Run the same again to go on with it; or {give_up}."
            self._troubles[job.path.stem] = said
            self._look_again(self._rows_of(job))
        finally:
            let_request_go(claim)

    def _go_on(self, job: BatchJob) -> None:
        jobs = self._jobs(job)
        if job.name is None and not self._was_made(job, jobs):
            self._end(job)
            return
        state = jobs.poll(str(job.name))
        log.info("%s: %s", job, state.word)
        self._say(f"{job}: {state.word.lower()}, {how_many(job.requests, 'request')}")
        if state.is_over:
            self._take_in(job, jobs, state)

    def _was_made(self, job: BatchJob, jobs: BatchJobs) -> bool:
        """Whether the service made a job whose making was not answered; then it has its name."""
        name = jobs.find(job.display_name) if job.may_be_made else None
        if name is not None:
            job.made(name)
        return name is not None

    def _end(self, job: BatchJob) -> None:
        rows = self._rows_of(job)
        job.end()
        self._look_again(rows)

    def _rows_of(self, job: BatchJob) -> list[PlannedRow]:
        """The rows of the table that it asks for."""
        with suppress(LineageError):  # its file of requests is gone: whoever needs that says so
            folders = {entry.folder for entry in job.all_requests()}
            return [row for row in self.rows if row.folder in folders]
        return []

    def _take_in(self, job: BatchJob, jobs: BatchJobs, state: JobState) -> None:
        """Records the answers of a job that is over, and ends it when each is on record."""
        left = {entry.key: entry for entry in job.all_requests()}
        try:
            if state.answers:
                jobs.fetch(state.answers, job.answers_file)
        finally:  # what came before it broke off is safe
            self._record_all(job, self._answers(job, left))
        if state.has_succeeded:
            self._record_all(job, [(entry, _missing(job)) for entry in left.values()])
        elif left:
            why = f" ({state.message})" if state.message else ""
            said = f"{_capital(job)} ended as {state.word.lower()}{why}, with {how_many(len(left), 'request')} unanswered"
            self._ends[job.path.stem] = f"{said}: run the same again for another job, or in the other mode."
        self._answered.update(row.number for row in self._rows_of(job) if row.state.outcome == IN_JOB)
        self._end(job)

    def _answers(self, job: BatchJob, left: dict[str, JobRequest]) -> Iterator[tuple[JobRequest, Response]]:
        """The answers in a job's file, one by one, each with its request, which is taken out of those that are left."""
        strange = 0
        for answer in answers_in(job.answers_file) if job.answers_file.exists() else ():
            if answer is not None and answer.key in left:
                yield left.pop(answer.key), answer.response
            else:
                strange += 1
        if strange:
            log.warning("%s: %d lines of its answers are cut off, or answer no request of it", job, strange)

    def _record_all(self, job: BatchJob, answers: Iterable[tuple[JobRequest, Response | TransportError]]) -> None:
        """Records answers; one that cannot be recorded keeps no other from it, and is raised at the end."""
        failed: PromptkitError | None = None
        for entry, answer in answers:
            try:
                self._record(job, entry, answer)
            except PromptkitError as error:
                failed = failed or error
        if failed is not None:
            raise failed

    def _record(self, job: BatchJob, entry: JobRequest, answer: Response | TransportError) -> None:
        endpoint = self.planner.client(job.endpoint, job.model).endpoint
        hands = replace(self.planner.hands, endpoints={endpoint.name: endpoint})
        order = Order.of_text(json.dumps(entry.order), hands).placed(self.planner.into / entry.folder)
        work = RowWork(order, hands)
        work.record_answer(entry.take, answer, str(job.name), job.path)
        work.engine.lineage.let_job_request_go(entry.recipe, job.path)
        self.written(False)

    # What came of rows

    def _look_again(self, rows: Iterable[PlannedRow]) -> None:
        for row in rows:
            row.was_there, before = True, row.state.outcome
            look_at(self.planner, row, tells_failures=True)
            if row.state.outcome not in (before, IN_JOB, WAITING):
                self.on_row(row)

    def _came(self, row: PlannedRow, state: RowState) -> None:
        row.state = state
        self.on_row(row)


def _capital(job: BatchJob) -> str:
    """A job's name as a sentence begins with it."""
    said = str(job)
    return said[0].upper() + said[1:]


def _missing(job: BatchJob) -> TransportError:
    return TransportError(f"{_capital(job)} ended without an answer for it, which may have been charged all the same.", sent=True)


def _order_json(order: Order) -> dict[str, object]:
    """An order as a job keeps it: with the name of its endpoint, and no address."""
    said: dict[str, object] = json.loads(order.to_text())
    return {**said, "folder": "", "endpoint": {"name": order.endpoint.name}}
