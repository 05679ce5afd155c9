"""One request, one payment, in all processes that share a folder: who asks for the same thing waits for the step of who asked first.

What a batch job asks for may take a day, and is not waited for: it is refused with the job's name.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from promptkit.errors import LineageError, PromptkitError
from promptkit.lineage.pending_step import ADOPTED
from promptkit.lineage.record import Record
from promptkit.lineage.request_claims import Holder
from promptkit.lineage.tree import Lineage
from promptkit.progress import Listener, Progress

__all__ = ["AnsweredClaim", "OnRecord", "RequestClaim", "Taken", "in_batch_job", "is_shared", "wait_until_free"]

PAUSES = (0.01, 0.5)  # seconds between two looks at who is asking, at first and at most


class Taken(PromptkitError):
    """Another process is asking for the same thing. Never shown: whoever asks waits for its step, or takes the next take."""


class OnRecord(PromptkitError):
    """What was to be asked for came on record before it was this process's turn. Never shown."""

    def __init__(self, record: Record) -> None:
        super().__init__(f"Step {record.number} is this very request.")
        self.record = record


class RequestClaim:
    """The claim on one request: taken before its step begins, given up when that is on record or was not sent.

    `find` looks, once the claim is taken, for what came on record meanwhile. One that is `optional` does without where another has it.
    """

    def __init__(self, lineage: Lineage, asked: str, find: Callable[[], Record | None], *, optional: bool = False) -> None:
        self._lineage, self._asked, self._find, self._optional = lineage, asked, find, optional
        self._is_mine = False

    def check(self) -> None:
        """Taken where another process has it, LineageError where a batch job has; writes nothing, and claims nothing."""
        if not self._optional and (holder := self._lineage.holder_of(self._asked)):
            raise _taken(holder, self._lineage)

    def take(self) -> None:
        """Claims it. Taken where another process has it, LineageError where a batch job has, OnRecord where the step came meanwhile."""
        if holder := self._lineage.take_request(self._asked):
            if self._optional:
                return
            raise _taken(holder, self._lineage)
        self._is_mine = True
        try:
            found = self._find()
        except BaseException:
            self.end()
            raise
        if found is not None:
            self.end()
            raise OnRecord(found)

    def end(self) -> None:
        """Gives it up, where it was taken."""
        if self._is_mine:
            self._is_mine = False
            self._lineage.let_request_go(self._asked)


class AnsweredClaim(RequestClaim):
    """The claim of a batch job on a request that it has answered: given up when the answer is on record."""

    def __init__(self, lineage: Lineage, asked: str, find: Callable[[], Record | None], job: Path) -> None:
        super().__init__(lineage, asked, find)
        self._job = job

    def check(self) -> None:
        """Nothing: the job has it."""

    def take(self) -> None:
        """OnRecord where the answer was recorded before."""
        if (found := self._find()) is not None:
            self.end()
            raise OnRecord(found)

    def end(self) -> None:
        """Gives it up, once the answer is on record."""
        if self._find() is not None:
            self._lineage.let_job_request_go(self._asked, self._job)


def in_batch_job(holder: Holder, lineage: Lineage) -> LineageError:
    """The error for a request that a batch job has in hand: that may take a day, and is not waited for."""
    said = f"The same is asked for by {holder}, whose answer has not come; nothing was sent from here"
    error = LineageError(f'{said}: the run that made the job goes on polling it, with mode="batch".', path=lineage.folder)
    return error.also(in_shell=f"{said}: the `promptkit run --batch` that made the job goes on polling it, run again.")


def _taken(holder: Holder, lineage: Lineage) -> PromptkitError:
    return Taken(str(holder)) if holder.job is None else in_batch_job(holder, lineage)


def wait_until_free(lineage: Lineage, asked: str, deadline: float, listener: Listener | None = None) -> None:
    """Waits until nobody asks for that: its process has recorded what came, or has gone.

    LineageError, with process, machine and since when, where it does not end within `deadline` seconds.
    """
    end, pause = time.monotonic() + deadline, PAUSES[0]
    with Progress(listener=listener) as progress:
        while holder := lineage.holder_of(asked):
            if holder.job is not None:
                raise in_batch_job(holder, lineage)
            progress.say(f"waiting for {holder}, which asks for the same")
            if (left := end - time.monotonic()) <= 0:
                raise _kept_waiting(lineage, holder, deadline)
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, PAUSES[1])


def _kept_waiting(lineage: Lineage, holder: Holder, deadline: float) -> LineageError:
    said = f"The same is being asked for by {holder}, and did not come within deadline={deadline:g} seconds. Nothing was sent from here"
    return LineageError(f"{said}: try again later, or end that process; fresh=True asks anew, and pays again.", path=lineage.folder)


def is_shared(record: Record) -> bool:
    """Whether a step without a picture is the answer to all who waited for it: it ran to its end, and its process neither was killed nor
    left it.
    """
    if record.ok or ADOPTED in (record.warnings or ()) or not record.attempts:
        return False
    last = record.attempts[-1]  # where it was left between two attempts, the step says interrupted and its last attempt does not
    return last.get("ended") is not None and last.outcome == record.outcome
