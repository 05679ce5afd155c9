"""Executors for runs: one that keeps all that travels, and what a worker's process is called by."""

from __future__ import annotations

import json
import os
import pickle
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any


class Traveling(Executor):
    """Calls in a thread of its own what it has pickled and read again, as an executor of other processes does. `traveled` is all of it.

    Its futures lie: they say that they run, or were cancelled, whatever they do.
    """

    def __init__(self, dumps: Callable[[Any], bytes] = pickle.dumps) -> None:
        self.traveled: list[bytes] = []
        self.calls: list[tuple[Any, ...]] = []
        self.was_shut_down = False
        self._dumps = dumps

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        data = self._dumps((fn, args, kwargs))
        self.traveled.append(data)
        self.calls.append(args)
        future: Future[Any] = _Lying()
        threading.Thread(target=self._call, args=(future, data), daemon=True).start()
        return future

    def _call(self, future: Future[Any], data: bytes) -> None:
        fn, args, kwargs = pickle.loads(data)
        try:
            result = self._dumps(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        else:
            self.traveled.append(result)
            future.set_result(pickle.loads(result))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.was_shut_down = True


def set_variables(given: Mapping[str, str]) -> None:
    """An initializer: has a worker's process find these environment variables as they are given, "" for not set."""
    for name, value in given.items():
        os.environ.pop(name, None)
        if value:
            os.environ[name] = value


def worker_of(into: Path, label: str) -> int:
    """The process that has a row under way, as its claim says."""
    [claim] = [p for folder in into.glob(f"{label}-*") for p in (folder / ".open").glob("[0-9]*.json")]
    return int(json.loads(claim.read_text())["process"])


class _Lying(Future[Any]):
    def cancel(self) -> bool:
        raise AssertionError("an order that is handed out is not taken back")

    def running(self) -> bool:
        return True
