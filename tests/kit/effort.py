"""How much work something is, whatever the machine: processor time over that of a fixed piece of Python beside it."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["effort", "slowness"]

PIECE = 0.01  # seconds of processor time that the fixed piece takes on an idle machine of 2026
TRIES = 3


def effort(work: Callable[[], object], tries: int = TRIES) -> float:
    """Seconds of processor time that `work` takes on a machine that is not busy: the least of some tries, each measured by what a
    fixed piece of work takes right before and after it. A processor that others share slows both.
    """
    return min(_try(work) for _ in range(tries))


def slowness() -> float:
    """How many times slower than an idle one this machine is now; never less than one."""
    return max(1.0, _spent(_piece) / PIECE)


def _try(work: Callable[[], object]) -> float:
    before, spent, after = _spent(_piece), _spent(work), _spent(_piece)
    return spent * PIECE / max(before, after)


def _spent(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _piece() -> None:
    counted: dict[str, int] = {}
    for i in range(100_000):
        word = str(i % 997)
        counted[word] = counted.get(word, 0) + i
