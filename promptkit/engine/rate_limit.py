"""The rate limit of an endpoint with a key in this process: while one request was told to wait, none of the others goes out."""

from __future__ import annotations

import threading
import time
from functools import cache

from promptkit.providers.keys import Key

__all__ = ["RateLimit", "rate_limit_of"]


class RateLimit:
    """How long a service wants to be left alone; it is free at first. Safe to use from several threads."""

    def __init__(self) -> None:
        self._free_at = 0.0  # by the monotonic clock
        self._lock = threading.Lock()

    def hold(self, seconds: float) -> None:
        """Holds all requests for so many seconds from now; a longer wait that was asked for before stands."""
        with self._lock:
            self._free_at = max(self._free_at, time.monotonic() + seconds)

    def seconds_left(self) -> float:
        """The seconds until requests may go out; 0 when they may."""
        return max(0.0, self._free_at - time.monotonic())


@cache
def rate_limit_of(base_url: str, key: Key | None) -> RateLimit:  # noqa: ARG001  (the cache's keys)
    """The one rate limit in this process of an endpoint with a key: services count what is asked with each key apart."""
    return RateLimit()
