"""What runs in the processes of an executor: each answers the probe, then carries out orders, with its own keys and settings.

Orders and answers travel as text. All else that an order needs is in the run's folder, or found in the process that carries it out.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import Any

from promptkit.engine.client import Connection
from promptkit.engine.rate_limit import RateLimit
from promptkit.errors import PictureError
from promptkit.images.picture import Picture
from promptkit.runs.order import Hands, endpoint_of
from promptkit.runs.probe import Probe
from promptkit.runs.row_state import RowState
from promptkit.runs.run_file import RunFile
from promptkit.runs.under_way import is_over
from promptkit.runs.work import carry_out

__all__ = ["answer_probe", "carry_out_elsewhere"]

_passed: dict[str, list[Any]] = {}  # the probes that this process has passed, with the connections that are held from order to order
_passing = threading.Lock()
_at_work: set[Path] = set()  # the files of the coordinators whose orders came here
_warned: set[str] = set()  # what was said here already
_interrupt: list[Any] = []  # what a Ctrl-C did here before


def answer_probe(probe: str) -> str:
    """What this process says to a probe (Probe.to_text): ProbeAnswer.to_text."""
    read = Probe.of_text(probe)
    _finish_in_spite_of_ctrl_c(Path(read.at_work))
    return read.answered().to_text()


def carry_out_elsewhere(order: str, probe: str) -> str:
    """Carries out an order (Order.to_text) and says what came of the row (RowState.to_text), once this process has passed the probe.

    The row is waiting, with why, where it does not pass; and where the run has ended, or was stopped, before the order was begun.
    """
    asked = Probe.of_text(probe)
    if refusal := _refusal(asked, probe):
        return RowState.waiting(refusal).to_text()
    if is_over(Path(asked.at_work)):
        return RowState().to_text()
    return carry_out(order, Hands(pictures=_PicturesOfRun(Path(asked.at_work).parent.parent), warned=_warned))


def _refusal(asked: Probe, probe: str) -> str:
    """Why this process carries out no order of that run; it is looked for once where nothing is wrong."""
    with _passing:
        if probe in _passed:
            return ""
        _finish_in_spite_of_ctrl_c(Path(asked.at_work))
        refusal = asked.answered().refusal
        if not refusal:
            _forget_those_that_ended()
            _passed[probe] = [Connection(endpoint_of(each), None, None, RateLimit()).open() for each in asked.endpoints]
        return refusal


def _forget_those_that_ended() -> None:
    for known in list(_passed):
        if not Path(Probe.of_text(known).at_work).exists():
            del _passed[known]


class _PicturesOfRun(dict[str, Picture]):
    """The pictures of a run's recipe by their sha256, which are read from its folder when one is needed."""

    def __init__(self, into: Path) -> None:
        self._into = into

    def __missing__(self, sha256: str) -> Picture:
        found = _recipe_pictures(self._into, (self._into / "run.json").stat().st_mtime_ns)
        if sha256 not in found:
            raise PictureError(f"The recipe in {self._into} has no picture {sha256[:8]} any more: it was changed since; run it again.")
        return found[sha256]


@lru_cache(maxsize=2)
def _recipe_pictures(into: Path, written: int) -> dict[str, Picture]:  # noqa: ARG001  (a file that was written anew is read anew)
    recipe = RunFile.read(into).recipe
    return dict(recipe.pictures) if recipe else {}


# A Ctrl-C in a terminal reaches all processes that were started from there


def _finish_in_spite_of_ctrl_c(at_work: Path) -> None:
    """Lets a Ctrl-C end nothing here while a coordinator is at work: it stops the run, and what is under way is finished and paid once."""
    if multiprocessing.current_process().name == "MainProcess":
        return
    _at_work.add(at_work)
    if threading.current_thread() is threading.main_thread():
        _heed_interrupts()
    elif dask := sys.modules.get("distributed"):  # whose workers call in threads, and take signals in their loop's
        with suppress(Exception):  # this thread is none of a worker's
            dask.get_worker().loop.add_callback(_heed_interrupts)


def _heed_interrupts() -> None:
    if not _interrupt and threading.current_thread() is threading.main_thread():
        _interrupt.append(signal.signal(signal.SIGINT, _interrupted))


def _interrupted(number: int, frame: FrameType | None) -> None:
    """Does what a Ctrl-C did before, where no coordinator is at work any more."""
    _at_work.difference_update([path for path in _at_work if not path.exists()])
    if _at_work:
        return
    before: Callable[[int, FrameType | None], object] | int | None = _interrupt[0]
    if callable(before):
        before(number, frame)
    elif before == signal.SIG_DFL:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
