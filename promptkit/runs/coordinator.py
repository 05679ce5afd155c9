"""The coordinator of one run: hands rows out, takes what came of them, keeps the budget and the pace, and writes the tables down.

An executor's futures are waited for as concurrent.futures does; what they say of being cancelled or running is not believed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from promptkit import errors
from promptkit.cost import FREE
from promptkit.engine.engine import Engine
from promptkit.engine.sums import DRAFTS, REQUESTS
from promptkit.errors import LineageError, PromptkitError, show_in_brief, warn
from promptkit.lineage.layout import add_git_files, has_marker, writing
from promptkit.progress import Listener, Progress, span
from promptkit.runs.allowance import RunBudget
from promptkit.runs.batch_job import jobs_in
from promptkit.runs.causes import DONE, ENDING, IN_JOB, WAITING, is_again
from promptkit.runs.executors import is_of_threads, workers_of
from promptkit.runs.order import Allowance, Order
from promptkit.runs.planning import PlannedRow, Planner
from promptkit.runs.row_folder import row_folders
from promptkit.runs.row_state import NOTHING, RowState
from promptkit.runs.under_way import AtWork, at_work, has_claims
from promptkit.runs.work import look_up, nearest_words
from promptkit.terminal import how_many

__all__ = ["STOPPED", "Coordinator", "look_at", "warn_of_end"]

log = logging.getLogger("promptkit")
TICK = 0.5  # seconds between two looks at whether to stop
LOGGED = 60.0  # seconds between two lines in a log
TIMES = 3  # how often a row that ran out of its allowance is handed out again
LOST = 10.0  # seconds after which an order that no process is seen to carry out is given up, once the run is stopped
STOPPED = "stopped; what was under way is finished and recorded, and the same run goes on from there."
STOPPING = "stopping: what is under way is finished first; Ctrl-C again leaves at once"
Written = Callable[[bool], object]  # writes results down: whether now, or only where it is time


def look_at(planner: Planner, row: PlannedRow, *, tells_failures: bool = False) -> None:
    """Looks up what is on record of a row, and in what that differs from what is asked now. An error becomes the row's failure."""
    if not row.was_there:
        return
    try:
        order = planner.order(row)
        row.state = look_up(order, planner.hands, tells_failures=tells_failures)
        row.changed = nearest_words(order, planner.hands) if row.state.outcome == WAITING else ""
    except PromptkitError as error:
        row.state = RowState.failed(error)


def warn_of_end(why: str, waiting: int) -> None:
    """Warns of what keeps so many rows from being asked for."""
    warn(f"The run stopped, with {how_many(waiting, 'row')} waiting: {why}")


@dataclass
class _Handed:
    row: PlannedRow
    order: Order
    allowance: Allowance
    seen_at: float = 0.0  # when a process was last seen to carry it out, once the run is stopped


@dataclass
class Coordinator:
    """Carries out the rows of a planner that are not done. `rows` holds those that it knows; of a table that can be read once it grows.

    `ended` says, in a sentence, why not all were handed out, where that was not the caller's wish.
    """

    planner: Planner
    rows: list[PlannedRow]
    executor: Executor
    written: Written
    on_row: Callable[[PlannedRow], object]
    on_progress: Listener | None = None
    later: Iterator[PlannedRow] = field(default_factory=lambda: iter(()))
    ended: str = ""
    ended_by: str = ""  # the class of the error that ended it
    handed_out: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    stop_asked: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        asked = self.planner.asked
        self._todo: deque[PlannedRow] = deque(row for row in self.rows if self._is_to_do(row))
        self._tried: Counter[int] = Counter()
        self._passed_over = ""  # why rows were not handed out, whose endpoint takes nothing more
        self._closed: dict[str, str] = {}  # the endpoints that take nothing more, with why
        self._in_hand: dict[Future[str], _Handed] = {}
        self._workers = workers_of(self.executor, self.planner)
        self._budget = RunBudget(asked.budget, asked.max_requests, DRAFTS if self.planner.is_offline else REQUESTS)
        self._next_at, self._begun, self._logged = 0.0, time.monotonic(), 0.0
        self.counts.update(row.state.outcome for row in self.rows)
        self.cost = sum((row.state.cost for row in self.rows), FREE)

    @property
    def has_work(self) -> bool:
        """Whether a row may be handed out."""
        return self._has_more()

    # The run

    def run(self) -> None:
        """Returns when no row is left, it was stopped, or nothing more can be spent. What is under way at a Ctrl-C is finished."""
        into = self.planner.into
        with writing(into):
            into.mkdir(parents=True, exist_ok=True)
            add_git_files(into, ".open/")
        interrupted = None
        self._count_spent(into)
        if self._has_more():
            self.written(False)
            with at_work(into) as own, Progress(listener=self.on_progress) as progress:
                self._workers.begin(own.path, min(self.planner.asked.workers, len(self._todo)), progress.say)
                interrupted = self._run(own, progress)
                self._look_again()
        self.written(True)
        if interrupted is not None:
            show_in_brief(interrupted, STOPPED)
            raise interrupted

    def _run(self, own: AtWork, progress: Progress) -> KeyboardInterrupt | None:
        """Hands out and takes in until the end; returns the Ctrl-C that it was asked to end by. A second one is raised at once."""
        interrupted: KeyboardInterrupt | None = None
        while True:
            try:
                while not self._is_stopped(own) and len(self._in_hand) < self.planner.asked.workers and self._hand_out():
                    pass
                if not self._in_hand and (self._is_stopped(own) or not self._has_more() or self.ended):
                    break
                self._take_in(progress)
            except KeyboardInterrupt as error:
                if interrupted is not None:
                    self.written(True)
                    raise
                interrupted = error
                self.stop_asked.set()
                own.stop()
                progress.say(STOPPING)
        self.ended = self.ended or self._passed_over
        return interrupted

    def _is_stopped(self, own: AtWork) -> bool:
        if not self.stop_asked.is_set() and own.shall_stop():
            self.stop_asked.set()
        return self.stop_asked.is_set()

    def _has_more(self) -> bool:
        return bool(self._todo) or self._took_later()

    def _took_later(self) -> bool:
        """Whether the table, where it is read as it goes, has another row that is to do."""
        for row in self.later:
            look_at(self.planner, row)
            self.rows.append(row)
            self.counts[row.state.outcome] += 1
            self.cost = self.cost + row.state.cost
            if self._is_to_do(row):
                self._todo.append(row)
                return True
        return False

    def _is_to_do(self, row: PlannedRow) -> bool:
        outcome = row.state.outcome
        return bool(row.folder) and outcome != DONE and (outcome == WAITING or is_again(outcome, self.planner.asked.retry))

    # Handing out

    def _hand_out(self) -> bool:
        """Hands out the next row; False where there is none just now."""
        if self.ended or time.monotonic() < self._next_at or not self._has_more():
            return False
        row = self._todo.popleft()
        try:
            order = self.planner.order(row)
        except PromptkitError as error:  # a picture that has gone since it was checked, for example
            self._came(row, RowState.failed(error))
            return True
        if order.endpoint.name in self._closed:  # rows that are asked elsewhere go on
            self._passed_over = self._closed[order.endpoint.name]
            return True
        allowance = self._budget.hand_out(row.requests, row.price, 1 + self.planner.asked.recover)
        if allowance is None:
            self._todo.appendleft(row)
            if not self._in_hand:
                self.ended, self.ended_by = self._budget.refusal(row.requests, row.price), "BudgetExceeded"
            return False
        return self._submit(row, order.handed_out(allowance), allowance)

    def _submit(self, row: PlannedRow, order: Order, allowance: Allowance) -> bool:
        try:
            future = self._workers.submit(order, self._used(row))
        except Exception as error:  # broken, shut down, or without its cluster
            self._todo.appendleft(row)
            self._budget.give_back(allowance, {})
            self.ended = f"The executor takes nothing more ({type(error).__name__}: {error}); run it again with another."
            return False
        self._in_hand[future] = _Handed(row, order, allowance)
        self.handed_out += 1
        self._keep_pace(row.requests)
        return True

    def _used(self, row: PlannedRow) -> dict[str, float]:
        """What was spent in a row's folder, where that counts."""
        folder = self.planner.into / row.folder
        return dict(Engine.of(folder).ledger.used()) if self._budget.is_limited and has_marker(folder) else {}

    def _keep_pace(self, requests: int) -> None:
        if per_minute := self.planner.asked.per_minute:
            self._next_at = max(self._next_at, time.monotonic()) + requests * 60 / per_minute

    def _count_spent(self, into: Path) -> None:
        """Counts what all rows of the folder cost before, those that the table has no more included, and what batch jobs may cost."""
        if not self._budget.is_limited:
            return
        for name in row_folders(into).values():
            with suppress(LineageError):
                self._budget.count(Engine.of(into / name).ledger.used())
        for job in jobs_in(into):
            self._budget.count(job.reserved)

    # Taking in

    def _take_in(self, progress: Progress) -> None:
        self._say(progress)
        pause = min(TICK, max(0.0, self._next_at - time.monotonic())) if len(self._in_hand) < self.planner.asked.workers else TICK
        if not self._in_hand:
            self.stop_asked.wait(pause or 0.001)
            return
        done, _ = wait(self._in_hand, timeout=pause or TICK, return_when=FIRST_COMPLETED)
        for future in done:
            self._done(future, self._in_hand.pop(future))
        if (self.stop_asked.is_set() or self.ended) and not is_of_threads(self.executor):
            self._give_up_lost_orders()
        self.written(False)

    def _done(self, future: Future[str], handed: _Handed) -> None:
        try:
            state = RowState.of_text(future.result())
        except (BrokenExecutor, CancelledError) as error:
            self._lost(handed, error)
            return
        except Exception as error:  # in a transport of the caller's, for example: one row's failure ends no run
            log.warning("row %d failed", handed.row.number, exc_info=True)
            state = self._failed(handed, error)
        if state.outcome == WAITING and not any(take.steps for take in state.takes):
            self._not_begun(handed, state.error)
            return
        self._budget.give_back(handed.allowance, state.spent)
        self._close(handed.order, state)
        if state.outcome == "budget" and self._tried[handed.row.number] < TIMES:
            self._tried[handed.row.number] += 1
            self._todo.append(handed.row)
        self._came(handed.row, state)

    def _give_up_lost_orders(self) -> None:
        """Once the run is stopped: waits no longer for orders that nobody has under way, as Ctrl-C may have ended the workers too."""
        now = time.monotonic()
        for future, handed in list(self._in_hand.items()):
            if has_claims(self.planner.into / handed.row.folder):
                handed.seen_at = now
            elif now - (handed.seen_at or now) > LOST:
                del self._in_hand[future]
                self._came(handed.row, self._on_record(handed.row))
            handed.seen_at = handed.seen_at or now

    def _lost(self, handed: _Handed, error: BaseException) -> None:
        """An order of which the executor says no more: what is on record of its row counts, and the run ends."""
        broke = "broke" if isinstance(error, BrokenExecutor) else "gave an order up"
        said = f"{type(error).__name__}{f': {error!s:.200}' if str(error) else ''}"
        self.ended = self.ended or f"The executor {broke} ({said}); what came before is recorded: run it again, with executor= a new one."
        self._came(handed.row, self._on_record(handed.row))

    def _failed(self, handed: _Handed, error: Exception) -> RowState:
        """What came of a row whose order raised: where processes carry it out, what is on record of it, if that is a picture."""
        if is_of_threads(self.executor):
            return RowState.failed(error)
        found = self._on_record(handed.row)
        return found if found.outcome == DONE else RowState.abandoned(error)

    def _on_record(self, row: PlannedRow) -> RowState:
        try:
            return look_up(self.planner.order(row), self.planner.hands)
        except PromptkitError:
            return row.state

    def _look_again(self) -> None:
        """Takes in what another process has recorded meanwhile of rows that wait here, so that the tables say what is in the folder."""
        for row in self.rows:
            if row.state.outcome == WAITING and row.folder and has_marker(self.planner.into / row.folder):
                state = self._on_record(row)
                if state.outcome != WAITING:
                    self._came(row, state)

    def _not_begun(self, handed: _Handed, why: str) -> None:
        """A worker has not begun an order, as it does not pass the probe, or as the run was stopped."""
        self._budget.give_back(handed.allowance, {})
        self._todo.appendleft(handed.row)
        if why:
            self.ended = self.ended or why
        else:
            self.stop_asked.set()

    def _close(self, order: Order, state: RowState) -> None:
        """Hands nothing more out for an endpoint whose error is the same for every row."""
        failed = next((take for take in state.takes if isinstance(getattr(errors, take.kind, None), type) and take.error), None)
        if failed and issubclass(getattr(errors, failed.kind), ENDING):
            self._closed[order.endpoint.name] = failed.error
            self.ended_by = self.ended_by or failed.kind

    def _came(self, row: PlannedRow, state: RowState) -> None:
        self.counts[row.state.outcome] -= 1
        self.counts[state.outcome] += 1
        if state.attempts or state.cost:
            self.cost = self.cost - row.state.cost + state.cost
        row.state = replace(state, spent=NOTHING)  # the budget has counted it
        self.on_row(row)

    # Telling

    def _say(self, progress: Progress) -> None:
        line = self.in_words()
        progress.say(f"{STOPPING}; {line}" if self.stop_asked.is_set() else line)
        if time.monotonic() - self._logged > LOGGED:
            self._logged = time.monotonic()
            log.info("%s", line)

    def in_words(self) -> str:
        """How far it is: "12 of 200 rows done, 2 failed, 0.47 USD, 3 min left"."""
        done = self.counts[DONE]
        failed = sum(count for outcome, count in self.counts.items() if outcome not in (DONE, IN_JOB, WAITING))
        parts = [f"{done} of {len(self.rows)} rows done", *([f"{failed} failed"] if failed else []), str(self.cost), self._time_left()]
        return ", ".join(filter(None, parts))

    def _time_left(self) -> str:
        came = self.handed_out - len(self._in_hand)
        left = len(self._todo) + len(self._in_hand)
        if not came or not left:
            return ""
        return f"{span((time.monotonic() - self._begun) / came * left)} left"

    def tell_of_end(self) -> None:
        """Warns of what kept rows from being handed out."""
        if self.ended:
            warn_of_end(self.ended, self.counts[WAITING])
        if in_job := next((row for row in self.rows if row.state.outcome == IN_JOB), None):
            count = self.counts[IN_JOB]
            rows = f"{count} row{' is' if count == 1 else 's are'} in batch jobs, and not asked for live"
            warn(f"{rows}. {in_job.label or in_job.row.place}: {in_job.state.error}")

