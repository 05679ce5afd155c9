"""What may still be spent in a session's folder, shared by all that ask for it at the same time."""

from __future__ import annotations

import random
import secrets
import threading
import time
from dataclasses import dataclass

from promptkit.config import config_file
from promptkit.errors import BudgetExceeded, LineageError, SettingsError
from promptkit.lineage.tree import Lineage
from promptkit.providers import models

__all__ = ["Budget", "Ledger"]

PAUSES = (0.02, 0.05, 0.1, 0)  # seconds at most between looks at what others set aside
ROUNDING = 1e-9  # USD by which sums of prices may be wrong


class Ledger:
    """What was spent in a folder and what is set aside for requests under way, in USD. It is noted in the folder, so that threads, sessions
    and processes share it; safe to use from several threads.
    """

    def __init__(self, lineage: Lineage) -> None:
        self.unread = 0  # records that could not be read at the last look
        self._lineage = lineage
        self._reserved = 0.0
        self._used_by: dict[str, float] = {}  # by a record's id
        self._holder = secrets.token_hex(8)
        self._lock = threading.Lock()

    def reserve(self, estimate: float, limit: float, held: float = 0.0) -> tuple[float, float] | None:
        """Sets aside what the next request may cost. Where that would pass the limit, it returns what is used without it, and how much of
        that other steps have set aside; `held` is what its own step has set aside already.
        """
        with self._lock:
            for pause in PAUSES:
                used, others = self._tried(estimate, limit, held)
                if used + estimate <= limit + ROUNDING:
                    return None
                if not others:
                    break
                time.sleep(pause * random.random())  # noqa: S311  (two that met in the same moment should not meet again)
        return used, others

    def release(self, reserved: float) -> None:
        """Gives back what was set aside, once the answer or the record says what was spent."""
        with self._lock:
            try:
                self._set_aside(-reserved)
            except LineageError:  # then others count too much, until the next request
                self._reserved -= reserved

    def used(self) -> float:
        """What was spent, and what anybody has under way."""
        return self._under_way() + self._recorded(0.0)

    def _tried(self, estimate: float, limit: float, held: float) -> tuple[float, float]:
        """What is used without it, and how much of that other requests have set aside; where it fits, it is set aside too.

        It is noted first and counted then: of two processes that ask at once at least one sees the other.
        """
        if estimate > limit + ROUNDING:  # nothing needs to be made on disk for that
            return self._reserved + self._recorded(estimate), 0.0
        self._set_aside(estimate)
        others = max(0.0, round(max(self._reserved, self._under_way()) - estimate - held, 9))
        used = others + held + self._recorded(estimate)
        if used + estimate > limit + ROUNDING:
            self._set_aside(-estimate)
        return used, others

    def _under_way(self) -> float:
        from promptkit.engine.spending import spent_at_most  # most sessions have no budget

        return sum(max(u.usd, spent_at_most(u.steps)) for u in self._lineage.under_way())

    def _recorded(self, estimate: float) -> float:
        """What the records cost; one that cannot be read counts as a request like the next one."""
        from promptkit.engine.spending import spent_at_most

        records, self.unread = self._lineage.read()  # looked up last: what has become a record meanwhile counts twice, and not never
        for record in records:
            if record.id not in self._used_by:
                self._used_by[record.id] = spent_at_most([record])
        return sum(self._used_by[r.id] for r in records) + self.unread * estimate

    def _set_aside(self, usd: float) -> None:
        self._lineage.set_aside(self._holder, max(0.0, round(self._reserved + usd, 9)))
        self._reserved += usd


@dataclass(frozen=True)
class Budget:
    """What may be spent in a folder's lifetime: a limit in USD over a ledger. No limit: nothing is set aside, and no price is needed."""

    ledger: Ledger
    limit: float | None

    def reserve(self, estimate: float | None, held: float = 0.0) -> float:
        """Sets aside what the next request may cost, and returns it; `held` is what its step has set aside already. BudgetExceeded, with
        both sums, where it would pass the limit."""
        if self.limit is None:
            return 0.0
        assert estimate is not None, "a budget was opened without a price"
        if (beyond := self.ledger.reserve(estimate, self.limit, held)) is None:
            return estimate
        used, others = beyond
        unread = self.ledger.unread
        raise BudgetExceeded(
            f"The next request may cost {estimate:.4f} USD, and {used:.4f} of the budget of {self.limit:.4f} USD are used"
            f"{f' ({others:.4f} of them set aside for what others have under way)' if others else ''}"
            f"{f' ({unread} damaged records count as such a request each; `promptkit verify` names them)' if unread else ''}: "
            "open the session with a larger budget to go on."
        )

    def check_limit(self, estimate: float | None) -> None:
        """BudgetExceeded for a request that costs more than all that may be spent; nothing is made on disk for that."""
        if self.limit is not None and estimate is not None and estimate > self.limit + ROUNDING:
            self.reserve(estimate)

    def release(self, reserved: float) -> None:
        """Gives back what was set aside, once the answer or the record says what was spent."""
        if self.limit is not None:
            self.ledger.release(reserved)

    def left(self) -> float | None:
        """What may still be spent, in USD, with what anybody has under way counted as spent; None where there is no limit."""
        return None if self.limit is None else max(0.0, round(self.limit - self.ledger.used(), 6))

    def check_price(self, model: str, endpoint: str, image_size: str | None) -> None:
        """SettingsError, with the lines to add to the config file, where there is a limit and no price for what would be asked."""
        if self.limit is not None and models.estimate(model, endpoint, image_size=image_size) is None:
            size = f" at image_size {image_size}" if image_size else ""
            raise SettingsError(
                f"A budget needs a price, and none is known for {model} at {endpoint}{size}: "
                f"leave budget= out, or add to {config_file()}:\n\n{models.price_lines(model, endpoint)}\n"
            )
