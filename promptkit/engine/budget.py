"""What may still be asked for in a session's folder, in money and in number, shared by all that ask for it at the same time."""

from __future__ import annotations

import random
import secrets
import shlex
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from promptkit.cost import USD, Cost, Money
from promptkit.engine.sums import DRAFTS, REQUESTS, Sums, largest, negative, plus
from promptkit.errors import BudgetExceeded, LineageError, SettingsError
from promptkit.lineage.tree import Lineage
from promptkit.providers import models

__all__ = ["Budget", "Ledger", "price_command"]

PAUSES = (0.02, 0.05, 0.1, 0)  # seconds at most between looks at what others set aside
ROUNDING = 1e-9  # by which sums of prices may be wrong
EXAMPLES = {USD: "0.04", "CNY": "0.30"}  # prices in a sentence, to be replaced by the endpoint's own


class Beyond(NamedTuple):
    """What keeps a request from being sent: the unit in which it would pass a limit, what is used of that, and what others set aside."""

    unit: str
    used: float
    others: float


class Ledger:
    """What was spent and asked in a folder and what is set aside for requests under way. It is noted in the folder, so that threads,
    sessions and processes share it; safe to use from several threads.
    """

    def __init__(self, lineage: Lineage) -> None:
        self.unread = 0  # records that could not be read at the last look
        self._lineage = lineage
        self.go_on_in_child()

    def go_on_in_child(self) -> None:
        """Begins with nothing set aside, under a name of this process's own: after a fork the parent's is the parent's."""
        self._reserved: dict[str, float] = {}
        self._holder = secrets.token_hex(8)
        self._lock = threading.Lock()

    def reserve(self, asked: Sums, limits: Sums, held: Sums) -> Beyond | None:
        """Sets aside what the next request may cost, in each of its units. Where that would pass the limit of one, it returns which;
        `held` is what its own step has set aside already.
        """
        for pause in PAUSES:
            with self._lock:
                beyond = self._tried(asked, limits, held)
            if beyond is None or not beyond.others:
                break
            time.sleep(pause * random.random())  # noqa: S311  (two that met in the same moment should not meet again)
        return beyond

    def release(self, reserved: Sums) -> None:
        """Gives back what was set aside, once the answer or the record says what was spent."""
        with self._lock:
            try:
                self._set_aside(negative(reserved))
            except LineageError:  # then others count too much, until the next request
                self._reserved = plus(self._reserved, negative(reserved))

    def used(self) -> Sums:
        """What was spent and asked, and what anybody has under way."""
        return plus(self._under_way(), self._recorded({}))

    def _tried(self, asked: Sums, limits: Sums, held: Sums) -> Beyond | None:
        """What keeps it from being sent; where nothing does, it is set aside.

        It is noted first and counted then: of two processes that ask at once at least one sees the other.
        """
        if any(asked[unit] > limits[unit] + ROUNDING for unit in asked):  # nothing needs to be made on disk for that
            return _beyond(asked, limits, {}, plus(self._reserved, self._recorded(asked)))
        self._set_aside(asked)
        under_way = self._under_way()
        others = {u: max(0.0, _left(max(self._reserved.get(u, 0.0), under_way.get(u, 0.0)), asked[u], held.get(u, 0.0))) for u in asked}
        beyond = _beyond(asked, limits, others, plus(held, self._recorded(asked)))
        if beyond:
            self._set_aside(negative(asked))
        return beyond

    def _under_way(self) -> dict[str, float]:
        from promptkit.engine.spending import spent_at_most  # most sessions have no budget

        return plus(*(largest(u.aside, spent_at_most(u.steps)) for u in self._lineage.under_way()))

    def _recorded(self, asked: Sums) -> dict[str, float]:
        """What the records cost; one that cannot be read counts as a request like the next one."""
        sums, self.unread = self._lineage.sums()  # looked up last: what has become a record meanwhile counts twice, and not never
        possible = (_at_most(request, attempts) for request, attempts in sums.uncounted.items())
        unread = {unit: self.unread * amount for unit, amount in asked.items()}
        return plus(sums.spent, _counted(sums.attempts), *possible, unread)

    def _set_aside(self, sums: Sums) -> None:
        total = plus(self._reserved, sums)
        self._lineage.set_aside(self._holder, {unit: round(amount, 9) for unit, amount in total.items() if amount > ROUNDING})
        self._reserved = total


def _left(amount: float, *taken: float) -> float:
    return round(amount - sum(taken), 9)


def _beyond(asked: Sums, limits: Sums, others: Sums, own: Sums) -> Beyond | None:
    """The first unit in which what is asked would pass its limit."""
    for unit, amount in asked.items():
        used = others.get(unit, 0.0) + own.get(unit, 0.0)
        if used + amount > limits[unit] + ROUNDING:
            return Beyond(unit, used, others.get(unit, 0.0))
    return None


def _at_most(request: tuple[str, str, str], attempts: int) -> Sums:
    """What attempts of which nobody knows what they cost may have cost, at the price of their request; nothing where that has none."""
    endpoint, model, size = request
    price = models.estimate(model, endpoint, image_size=size or None)
    return {unit: attempts * amount for unit, amount in price.amounts.items()} if price else {}


def _counted(attempts: Mapping[str, int]) -> Sums:
    """How many requests and drafts these attempts by endpoint are."""
    return plus(*({DRAFTS if endpoint == "offline" else REQUESTS: count} for endpoint, count in attempts.items()))


@dataclass(frozen=True)
class Budget:
    """What may be asked for in a folder's lifetime: a limit in money and one in number over a ledger. Without the first no price is needed.

    `drafts` says whether the requests are those for offline drafts, which cost nothing and are counted apart.
    """

    ledger: Ledger
    limit: Money | None = None
    max_requests: int | None = None
    drafts: bool = False

    def reserve(self, estimate: Cost | None, held: Sums) -> Sums:
        """Sets aside the next request and what it may cost, and returns that; `held` is what its step has set aside already.
        BudgetExceeded, with the sums, where it would pass a limit."""
        asked = self._asked(estimate)
        if asked and (beyond := self.ledger.reserve(asked, self._limits, held)):
            raise BudgetExceeded(self._refusal(beyond, asked))
        return asked

    def check_limit(self, estimate: Cost | None) -> None:
        """BudgetExceeded for a request that is more than all that may be asked for; nothing is made on disk for that."""
        asked, limits = self._asked(estimate), self._limits
        if any(asked[unit] > limits[unit] + ROUNDING for unit in asked):
            self.reserve(estimate, {})

    def release(self, reserved: Sums) -> None:
        """Gives back what was set aside, once the answer or the record says what was spent."""
        if reserved:
            self.ledger.release(reserved)

    def left(self) -> Money | None:
        """What may still be spent, with what anybody has under way counted as spent; None where there is no limit."""
        if self.limit is None:
            return None
        used = self.ledger.used().get(self.limit.currency, 0.0)
        return Money(max(0.0, round(self.limit.amount - used, 6)), self.limit.currency)

    def requests_left(self) -> int | None:
        """How many requests may still be sent, with those under way counted as sent; None where there is no limit."""
        return None if self.max_requests is None else max(0, self.max_requests - round(self.ledger.used().get(self._counted, 0)))

    def check_price(self, model: str, endpoint: str, image_size: str | None) -> None:
        """SettingsError, with the command that sets one, where there is a limit in money and what would be asked has no price in it."""
        if self.limit is None:
            return
        price = models.estimate(model, endpoint, image_size=image_size)
        if price is not None and set(price.amounts) <= {self.limit.currency}:
            return
        place = f"{model} at {endpoint}{f' at image_size {image_size}' if image_size else ''}"
        is_known = "none is known for" if price is None else f"that is {price.in_words('.4f')} for"
        wanted = "a price" if price is None and self.limit.currency == USD else f"a price in its own currency ({self.limit.currency})"
        command = price_command(endpoint, model, self.limit.currency, image_size if models.has_price_by_size(model, endpoint) else None)
        raise SettingsError(
            f"A budget needs {wanted}, and {is_known} {place}: give the endpoint's own with `{command}`"
            f"{'' if price is None else f', or the budget in {price.currency}'}, "
            "or bound the number of requests instead, which needs no price: max_requests=."
        )

    @property
    def _counted(self) -> str:
        return DRAFTS if self.drafts else REQUESTS

    @property
    def _limits(self) -> Sums:
        money = {} if self.limit is None else {self.limit.currency: self.limit.amount}
        return money if self.max_requests is None else {**money, self._counted: self.max_requests}

    def _asked(self, estimate: Cost | None) -> Sums:
        """What one request takes of each limit."""
        if self.limit is None:
            return dict.fromkeys(self._limits, 1)
        assert estimate is not None, "a budget was opened without a price"
        amount = estimate.amounts.get(self.limit.currency, 0.0)
        return {unit: amount if unit == self.limit.currency else 1 for unit in self._limits}

    def _refusal(self, beyond: Beyond, asked: Sums) -> str:
        unit, used, others = beyond
        damaged = f"{self.ledger.unread} damaged records count as such a request each; `verify` names them"
        unread = f" ({damaged})" if self.ledger.unread else ""
        if unit == self._counted:
            if others:  # one that has just become a record may still be set aside, and count twice
                used = min(used, max(used - others, self._limits[unit]))
            aside = f" ({others:.0f} of them for what others have under way)" if others else ""
            said = f"The next request was not sent: {used:.0f} of the {self.max_requests} that max_requests allows in this folder are used"
            return f"{said}{aside}{unread}: open the session with a larger max_requests= to go on."
        limit = self._limits[unit]
        said = f"The next request may cost {asked[unit]:.4f} {unit}, and {used:.4f} of the budget of {limit:.4f} {unit} are used"
        aside = f" ({others:.4f} of them set aside for what others have under way)" if others else ""
        return f"{said}{aside}{unread}: open the session with a larger budget to go on."


def price_command(endpoint: str, model: str, currency: str = USD, image_size: str | None = None) -> str:
    """The command line that gives a model a price at an endpoint, to be pasted into a shell and changed to what the endpoint prints."""
    size = ["--size", image_size] if image_size else []
    names = ["--", endpoint, model] if "-" in (endpoint[:1], model[:1]) else [endpoint, model]
    return shlex.join(["promptkit", "price", *size, *names, EXAMPLES.get(currency, "0.30"), currency])
