"""The rate limit of an endpoint with a key in this process: while one request was told to wait, none of the others goes out."""

from __future__ import annotations

import os
import threading
import time
from functools import cache
from weakref import WeakSet

from promptkit.providers.keys import Key

__all__ = ["RateLimit", "rate_limit_of"]


class RateLimit:
    """How long a service wants to be left alone; it is free at first. Safe to use from several threads."""

    def __init__(self) -> None:
        self._free_at = 0.0  # by the monotonic clock
        self.free_lock()
        _alive.add(self)

    def free_lock(self) -> None:
        """Gives it a lock that nobody holds, as a forked child needs one."""
        self._lock = threading.Lock()

    def hold(self, seconds: float) -> None:
        """Holds all requests for so many seconds from now; a longer wait that was asked for before stands."""
        with self._lock:
            self._free_at = max(self._free_at, time.monotonic() + seconds)

    def seconds_left(self) -> float:
        """The seconds until requests may go out; 0 when they may."""
        return max(0.0, self._free_at - time.monotonic())


def _free_locks() -> None:
    for limit in list(_alive):
        limit.free_lock()


_alive: WeakSet[RateLimit] = WeakSet()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_locks)


@cache
def rate_limit_of(base_url: str, key: Key | None) -> RateLimit:  # noqa: ARG001  (the cache's keys)
    """The one rate limit in this process of an endpoint with a key: services count what is asked with each key apart."""
    return RateLimit()
