"""Several steps asked for at the same time, by so many workers; numbers follow the order of the plans, and Ctrl-C ends them all."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from promptkit.engine.ask import Answer, Asking, Service
from promptkit.engine.plan import Plan
from promptkit.engine.request_claim import RequestClaim
from promptkit.errors import KeyRejected, ModelNotFound, OutOfCredit, PromptkitError, QuotaExceeded
from promptkit.progress import Progress
from promptkit.providers.message import Request

__all__ = ["ask_together"]

HOPELESS = (KeyRejected, ModelNotFound, OutOfCredit, QuotaExceeded)  # one of these for one step is the same for all others


def ask_together(service: Service, plans: Sequence[tuple[Plan, RequestClaim]], workers: int) -> list[Answer | PromptkitError]:
    """Asks for several steps, `workers` at once; an error stands for one that was not sent (Taken and OnRecord too).
    Ctrl-C records those in flight.
    """
    with Progress(len(plans), service.on_progress) as progress:
        stop = threading.Event()
        together = _Together([Asking(service, plan, claim, progress, stop) for plan, claim in plans], progress, stop)
        together.run(min(workers, len(plans)))
    return [_answer_or_error(together.results[i]) for i in range(len(plans))]


class _Together:
    """Several steps on their way at once; each worker takes the next one that nobody has begun."""

    def __init__(self, asking: Sequence[Asking], progress: Progress, stop: threading.Event) -> None:
        self.results: dict[int, Answer | BaseException] = {}
        self._asking, self._progress, self._stop = asking, progress, stop
        self._waiting = iter(enumerate(asking))
        self._hopeless: list[PromptkitError] = []  # a key or a balance that is no good for one is no good for the others
        self._lock = threading.Lock()

    def run(self, workers: int) -> None:
        """Returns when all are done; Ctrl-C ends it at once."""
        # daemons, so that a request which still hangs does not keep the interpreter after Ctrl-C
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        except BaseException:
            self._stop.set()
            for one in self._asking:
                one.interrupt()
            raise

    def _work(self) -> None:
        while not self._stop.is_set() and (begun := self._next()):
            i, one, request = begun
            self.results[i] = request if isinstance(request, BaseException) else _finished(one, request)
            if isinstance(said := _error_of(self.results[i]), HOPELESS):
                self._hopeless.append(said)
            self._progress.advance()

    def _next(self) -> tuple[int, Asking, Request | BaseException] | None:
        """The next one and its first request, or what keeps it from being sent; one after the other, so that numbers follow the order."""
        with self._lock:
            for i, one in self._waiting:
                return i, one, self._hopeless[0] if self._hopeless else _started(one)
        return None


def _started(asking: Asking) -> Request | BaseException:
    try:
        return asking.start()
    except BaseException as error:
        return error


def _finished(asking: Asking, request: Request) -> Answer | BaseException:
    try:
        return asking.run(request)
    except BaseException as error:
        return error


def _error_of(result: Answer | BaseException) -> BaseException | None:
    return result.error if isinstance(result, Answer) else result


def _answer_or_error(result: Answer | BaseException) -> Answer | PromptkitError:
    """Raises what is none of ours, such as an error in a transport of the caller's."""
    if not isinstance(result, Answer | PromptkitError):
        raise result
    return result
