"""Progress of one call: lines for a caller who listens, else one line in a terminal or below a notebook's cell, which erases itself."""

from __future__ import annotations

import logging
import shutil
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from promptkit.errors import show_in_brief
from promptkit.kernel import Display, is_kernel

__all__ = ["Listener", "Progress", "span"]

Listener = Callable[[str], object]  # takes a line of progress, without an end of line

log = logging.getLogger("promptkit")
DELAY = 1.0  # seconds before anything shows
TICK = 0.5  # seconds between two updates
STOPPED = "stopped; what was under way is recorded as interrupted."


def span(seconds: float) -> str:
    """A span of time in words: "40 s", "12 min", "1.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class Progress:
    """What a call is doing or waiting for, and for how long. It may be used from several threads.

    `doing` is what it does first, `stopped` what is said where Ctrl-C ends it. `listener` gets a line whenever that changes, at once and in
    the thread where it does, never two at the same time. Without one a line stands in the terminal or notebook from the first second
    on; where stderr is neither, nothing is written.
    """

    def __init__(self, total: int = 1, listener: Listener | None = None, *, doing: str = "asking", stopped: str = STOPPED) -> None:
        self._total, self._done, self._said, self._stopped = total, 0, doing, stopped
        self._start = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="promptkit progress")
        self._listener, self._told = listener, ""
        self._display: Display | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Progress:
        if self._listener is None and (is_kernel() or _is_terminal(sys.stderr)):
            self._display = Display() if is_kernel() else None  # here, for the thread of the line belongs to no cell
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, KeyboardInterrupt):
            show_in_brief(error, self._stopped)
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def say(self, text: str) -> None:
        """Sets what the line says is being done or waited for, and why."""
        with self._lock:
            self._said = text
            self._tell()

    def advance(self) -> None:
        """Counts one more of the total as done."""
        with self._lock:
            self._done += 1
            self._tell()

    def _tell(self) -> None:
        """Gives the line to who listens. What that raises must not end a call that is paid for; it hears no more of this one."""
        if self._listener is None or self._what() == self._told:
            return
        self._told = self._what()
        try:
            self._listener(self._line())
        except Exception:
            log.warning("on_progress raised, and is told no more of this call", exc_info=True)
            self._listener = None

    def _run(self) -> None:
        if self._over.wait(DELAY):
            return
        line = self._display or _TerminalLine()
        try:
            while not self._over.is_set():
                line.say(self._line())
                self._over.wait(TICK)
        finally:
            line.close()

    def _line(self) -> str:
        return f"{time.monotonic() - self._start:.0f} s: {self._what()}"

    def _what(self) -> str:
        if self._total <= 1:
            return self._said
        count = f"{self._done} of {self._total} done"
        return count if self._done == self._total else f"{count}, {self._said}"


def _is_terminal(stream: Any) -> bool:
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):  # none, closed, or what a service puts in its place to collect lines
        return False


class _TerminalLine:
    """One line on stderr, which is replaced and then erased."""

    def __init__(self) -> None:
        self._bar = _bar()

    def say(self, text: str) -> None:
        self._bar.set_description_str(text)

    def close(self) -> None:
        self._bar.close()


def _bar() -> Any:
    from tqdm.std import tqdm  # not tqdm.auto: it warns newcomers where a notebook has no ipywidgets

    class Line(tqdm):  # type: ignore[type-arg]
        monitor_interval = 0  # no thread of tqdm's own

    size = shutil.get_terminal_size()  # tqdm itself shows nothing in a terminal that does not know its size
    return Line(bar_format="{desc}", leave=False, file=sys.stderr, ncols=size.columns - 1, nrows=size.lines)
