"""The executor that a run has unless its caller brings one: threads that do not keep the interpreter when it wants to end.

concurrent.futures waits for its threads at the end of the interpreter, and so for a request that hangs, after Ctrl-C too.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

__all__ = ["Threads"]

P = ParamSpec("P")
T = TypeVar("T")
Work = tuple[Future[Any], Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class Threads(Executor):
    """So many daemon threads, begun when there is work for them."""

    def __init__(self, workers: int) -> None:
        self._work: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._workers, self._threads = workers, list[threading.Thread]()
        self._lock = threading.Lock()
        self._over = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Has a thread call it, when one is free. RuntimeError after shutdown."""
        future: Future[T] = Future()
        with self._lock:
            if self._over:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._work.put((future, fn, args, kwargs))
            if len(self._threads) < self._workers:
                thread = threading.Thread(target=self._run, daemon=True, name=f"promptkit run {len(self._threads) + 1}")
                self._threads.append(thread)
                thread.start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Lets the threads end once the work is done; with `cancel_futures` what none has begun is not done."""
        with self._lock:
            self._over = True
            while cancel_futures and not self._work.empty():
                if begun := self._work.get():
                    begun[0].cancel()
            for _ in self._threads:
                self._work.put(None)
        for thread in self._threads if wait else ():
            thread.join()

    def _run(self) -> None:
        while (begun := self._work.get()) is not None:
            future, fn, args, kwargs = begun
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:
                future.set_exception(error)
            del begun, future, fn, args, kwargs  # what is done is not held until there is more to do
