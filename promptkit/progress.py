"""One line of progress on stderr for a call that takes longer than a second; it erases itself."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from types import TracebackType
from typing import Any

__all__ = ["Progress"]

DELAY = 1.0  # seconds before anything shows
TICK = 0.5  # seconds between two updates


class Progress:
    """A line with the elapsed time and what is being waited for, in terminals and notebooks only. It may be used from several threads."""

    def __init__(self, total: int = 1) -> None:
        self._total, self._done, self._said = total, 0, "asking"
        self._start = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="promptkit progress")

    def __enter__(self) -> Progress:
        if _has_reader():
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def say(self, text: str) -> None:
        """Sets what the line says is being done or waited for, and why."""
        self._said = text

    def advance(self) -> None:
        """Counts one more of the total as done."""
        self._done += 1

    def _run(self) -> None:
        if self._over.wait(DELAY):
            return
        bar = _bar()
        try:
            while not self._over.is_set():
                bar.set_description_str(self._line())
                self._over.wait(TICK)
        finally:
            bar.close()

    def _line(self) -> str:
        count = f"{self._done} of {self._total} done, " if self._total > 1 else ""
        return f"{time.monotonic() - self._start:.0f} s: {count}{self._said}"


def _has_reader() -> bool:
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())


def _bar() -> Any:
    from tqdm.std import tqdm  # not tqdm.auto: it warns newcomers where a notebook has no ipywidgets

    class Line(tqdm):  # type: ignore[type-arg]
        monitor_interval = 0  # no thread of tqdm's own

    size = shutil.get_terminal_size()  # tqdm itself shows nothing in a terminal that does not know its size
    return Line(bar_format="{desc}", leave=False, file=sys.stderr, ncols=size.columns - 1, nrows=size.lines)
