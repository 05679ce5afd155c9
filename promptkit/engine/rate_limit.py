"""What requests to one endpoint share: while it keeps one of them waiting, none of the others goes out."""

from __future__ import annotations

import threading
import time
from functools import cache

__all__ = ["Gate", "gate_of"]


class Gate:
    """Closed for as long as a service asked for, open otherwise."""

    def __init__(self) -> None:
        self._opens = 0.0
        self._lock = threading.Lock()

    def close(self, seconds: float) -> None:
        """Lets nothing through for so many seconds from now; a longer wait stands."""
        with self._lock:
            self._opens = max(self._opens, time.monotonic() + seconds)

    def closed_for(self) -> float:
        """The seconds until it opens; 0 when it is open."""
        return max(0.0, self._opens - time.monotonic())


@cache
def gate_of(base_url: str) -> Gate:  # noqa: ARG001  (what it is remembered by)
    """The one gate of an endpoint in this process."""
    return Gate()
