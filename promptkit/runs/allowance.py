"""The budget of all rows together: what was spent in their folders, what the orders under way may still spend, and what is left.

An order is handed what it may spend at most, and gives back what it did not spend. Rows that were paid before count from the start.
"""

from __future__ import annotations

from collections.abc import Mapping

from promptkit.cost import Cost, Money
from promptkit.engine.sums import REQUESTS, Sums, negative, plus
from promptkit.runs.order import Allowance

__all__ = ["RunBudget"]

ROUNDING = 1e-9


class RunBudget:
    """What may be spent for all rows: in money, in requests, or both. `counted` is the unit of the latter: requests, or drafts."""

    def __init__(self, money: Money | None, max_requests: int | None, counted: str = REQUESTS) -> None:
        self._limits: dict[str, float] = {}
        self._money, self._counted = money, counted
        if money is not None:
            self._limits[money.currency] = money.amount
        if max_requests is not None:
            self._limits[counted] = max_requests
        self._used: Sums = {}
        self._handed_out: Sums = {}

    @property
    def is_limited(self) -> bool:
        """Whether there is a limit at all."""
        return bool(self._limits)

    def count(self, spent: Sums) -> None:
        """Counts what was spent before, or by an order."""
        self._used = plus(self._used, spent)

    def hand_out(self, requests: int, price: Cost | None, most_times: int) -> Allowance | None:
        """What an order may spend that takes so many requests at that price: for `most_times` attempts at each where that is left, for one
        at least; None where not even that is.
        """
        if not self._limits:
            return Allowance()
        least = self._least(requests, price)
        left = self._left()
        if any(least[unit] > left[unit] + ROUNDING for unit in least):
            return None
        most = {unit: min(left[unit], amount * most_times) for unit, amount in least.items()}
        self._handed_out = plus(self._handed_out, most)
        return self._allowance(most)

    def give_back(self, allowance: Allowance, spent: Sums) -> None:
        """An order is over, and has spent that."""
        self._handed_out = plus(self._handed_out, negative(self._sums(allowance)))
        self.count(spent)

    def refusal(self, requests: int, price: Cost | None) -> str:
        """Why the next row is not handed out, in a sentence."""
        least, left = self._least(requests, price), self._left()
        unit = next(unit for unit in least if least[unit] > left[unit] + ROUNDING)
        used = self._used.get(unit, 0.0)
        if unit == self._counted:
            said = f"{used:.0f} of the {self._limits[unit]:.0f} requests that max_requests allows in this run are used"
            return f"{said}, and the next row may take {least[unit]:.0f}: run it again with a larger one."
        said = f"The next row may cost {least[unit]:.4f} {unit}, and {used:.4f} of the budget of {self._limits[unit]:.4f} {unit} are used"
        return f"{said}: run it again with a larger budget."

    def _least(self, requests: int, price: Cost | None) -> dict[str, float]:
        amounts = price.amounts if price is not None else {}
        return {unit: requests if unit == self._counted else amounts.get(unit, 0.0) for unit in self._limits}

    def _left(self) -> Mapping[str, float]:
        taken = plus(self._used, self._handed_out)
        return {unit: max(0.0, limit - taken.get(unit, 0.0)) for unit, limit in self._limits.items()}

    def _allowance(self, sums: Sums) -> Allowance:
        money = Money(round(sums[self._money.currency], 9), self._money.currency) if self._money else None
        return Allowance(money, int(sums[self._counted]) if self._counted in sums else None)

    def _sums(self, allowance: Allowance) -> dict[str, float]:
        money = {allowance.money.currency: allowance.money.amount} if allowance.money else {}
        return money | ({} if allowance.requests is None else {self._counted: float(allowance.requests)})
