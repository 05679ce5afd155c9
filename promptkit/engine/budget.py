"""What may still be spent in a session's folder, shared by all that ask for it at the same time."""

from __future__ import annotations

import random
import secrets
import threading
import time

from promptkit.config import config_file
from promptkit.engine.spending import spent_at_most
from promptkit.errors import BudgetExceeded, LineageError, SettingsError
from promptkit.lineage.tree import Lineage
from promptkit.providers import models

__all__ = ["Budget"]

PAUSES = (0.02, 0.05, 0.1, 0)  # seconds at most between looks at what others set aside


class Budget:
    """What may still be spent in a session folder's lifetime, in USD; requests under way are reserved, and noted in the folder, so that
    threads, sessions and processes share it.
    """

    def __init__(self, limit: float | None, lineage: Lineage) -> None:
        self._limit, self._lineage = limit, lineage
        self._reserved = 0.0
        self._used_by: dict[str, float] = {}  # by a record's id
        self._unread = 0
        self._holder = secrets.token_hex(8)
        self._lock = threading.Lock()

    def reserve(self, estimate: float | None) -> float:
        """Sets aside what the next request may cost, and returns it; BudgetExceeded, with both sums, where it would pass the limit."""
        if self._limit is None:
            return 0.0
        assert estimate is not None, "a budget was opened without a price"
        with self._lock:
            for pause in PAUSES:
                used, others = self._tried(estimate)
                if used + estimate <= self._limit + 1e-9:
                    return estimate
                if not others:
                    break
                time.sleep(pause * random.random())  # noqa: S311  (two that met in the same moment should not meet again)
        raise BudgetExceeded(
            f"The next request may cost {estimate:.4f} USD, and {used:.4f} of the budget of {self._limit:.4f} USD are used"
            f"{f' ({others:.4f} of them set aside for what others have under way)' if others else ''}"
            f"{f' ({self._unread} damaged records count as such a request each; `promptkit verify` names them)' if self._unread else ''}: "
            "open the session with a larger budget to go on."
        )

    def _tried(self, estimate: float) -> tuple[float, float]:
        """What is used without it, and how much of that others have under way; where it fits, it is set aside.

        It is noted first and counted then: of two processes that ask at once at least one sees the other.
        """
        assert self._limit is not None
        if estimate > self._limit + 1e-9:  # nothing needs to be made on disk for that
            return self._reserved + self._recorded(estimate), 0.0
        self._set_aside(estimate)
        ours, under_way = self._reserved, sum(max(u.usd, spent_at_most(u.steps)) for u in self._lineage.under_way())
        used = max(ours, under_way) + self._recorded(estimate) - estimate
        if used + estimate > self._limit + 1e-9:
            self._set_aside(-estimate)
        return used, max(0.0, round(under_way - ours, 9))

    def _recorded(self, estimate: float) -> float:
        """What the records cost; one that cannot be read counts as a request like the next one."""
        records, self._unread = self._lineage.read()  # looked up last: what has become a record meanwhile counts twice, and not never
        for record in records:
            if record.id not in self._used_by:
                self._used_by[record.id] = spent_at_most([record])
        return sum(self._used_by[r.id] for r in records) + self._unread * estimate

    def _set_aside(self, usd: float) -> None:
        self._lineage.set_aside(self._holder, max(0.0, round(self._reserved + usd, 9)))
        self._reserved += usd

    def left(self) -> float | None:
        """What may still be spent, in USD, with what anybody has under way counted as spent; None where there is no limit."""
        if self._limit is None:
            return None
        under_way = sum(max(u.usd, spent_at_most(u.steps)) for u in self._lineage.under_way())
        return max(0.0, round(self._limit - under_way - self._recorded(0.0), 6))

    def check_price(self, model: str, endpoint: str, image_size: str | None) -> None:
        """SettingsError, with the lines to add to the config file, where there is a budget and no price for what would be asked."""
        if self._limit is not None and models.estimate(model, endpoint, image_size=image_size) is None:
            size = f" at image_size {image_size}" if image_size else ""
            raise SettingsError(
                f"A budget needs a price, and none is known for {model} at {endpoint}{size}: "
                f"leave budget= out, or add to {config_file()}:\n\n{models.price_lines(model, endpoint)}\n"
            )

    def release(self, reserved: float) -> None:
        """Gives back what was set aside, once the answer or the record says what was spent."""
        if self._limit is None:
            return
        with self._lock:
            try:
                self._set_aside(-reserved)
            except LineageError:  # then others count too much, until the next request
                self._reserved -= reserved
