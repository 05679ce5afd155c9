"""Money as promptkit counts it: a sum in each currency, side by side and never converted, and how many attempts have no known price."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Number, Real
from typing import Any, NamedTuple, NoReturn

from promptkit.errors import CostError
from promptkit.terminal import how_many

__all__ = ["CODE", "FREE", "MOST", "USD", "Cost", "Money", "currency_code", "is_amount", "is_currency", "is_real", "parsed_money"]

USD = "USD"
CODE = re.compile("[A-Z]{3,8}")  # those of ISO 4217, and longer words such as CREDITS, in which some gateways count
SPELLED = {"$": USD, "US$": USD, "€": "EUR", "£": "GBP", "元": "CNY", "人民币": "CNY", "RMB": "CNY", "CN¥": "CNY", "JP¥": "JPY"}
MONEY = r"([^\d\s.,+-]*)\s*(\d{1,9}(?:\.\d{1,12})?|\.\d{1,12})\s*([^\d\s.,+-]*)"
MOST = 1e9  # more than any attempt can cost, and little enough to be added up
DIGITS = 9  # behind the point, to which sums are rounded


class Money(NamedTuple):
    """An amount in one currency, such as a budget."""

    amount: float
    currency: str = USD

    def __str__(self) -> str:
        return f"{self.amount:.4f} {self.currency}"


def is_amount(value: object) -> bool:
    """Whether it is a sum that an attempt can cost: a number from 0 to below a billion. Budgets count with it."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < MOST


def is_currency(value: object) -> bool:
    """Whether it is a currency's code as records hold it: three to eight capital letters."""
    return isinstance(value, str) and CODE.fullmatch(value) is not None


def is_real(value: Any) -> bool:
    """Whether it is a number that float takes, a Decimal or another library's included."""
    return isinstance(value, Number) and not isinstance(value, complex)


def currency_code(word: str) -> str | None:
    """The code of a currency as people write it (cny, RMB, $); None for what may be none, or several."""
    code = SPELLED.get(word.upper(), word.upper())
    return code if is_currency(code) else None


def parsed_money(text: str, currency: str | None = None) -> Money | None:
    """The money of a text such as "20 CNY", "$2" or "0.30元"; a bare number is in `currency`. None where it is no such text."""
    match = re.fullmatch(MONEY, text.strip())  # compiled when it is first needed
    if match is None or (match[1] and match[3]):
        return None
    named = match[1] or match[3]
    code = currency_code(named) if named else currency
    return Money(float(match[2]), code) if code else None


@dataclass(frozen=True, eq=False, repr=False)
class Cost:
    """What something cost, or may cost. Frozen; adds up, and where all of it is priced in USD it is a number in calculations.

    `unpriced` counts the attempts without a known price. `amount` is the sum in `currency` of those that have one; several currencies
    stand in `amounts`, and are never converted. `float(cost)`, and a comparison with a number, raise CostError while something is
    unpriced, or is in another currency than USD. Prints as "0.12 USD and 7 attempts without a known price".
    """

    sums: tuple[tuple[str, float], ...] = ()
    unpriced: int = 0

    @classmethod
    def of(cls, amount: float, currency: str = USD, unpriced: int = 0) -> Cost:
        """So much of one currency."""
        return cls._added([(currency, amount)], unpriced)

    @classmethod
    def _added(cls, sums: Iterable[tuple[str, float]], unpriced: int) -> Cost:
        """The sums by currency, without those that come to nothing."""
        total: dict[str, float] = {}
        for currency, amount in sums:
            total[currency] = round(total.get(currency, 0.0) + amount, DIGITS)
        return cls(tuple(sorted((c, a) for c, a in total.items() if a)), unpriced)

    # Its parts

    @property
    def amounts(self) -> dict[str, float]:
        """What is known, by currency; nothing is in it where nothing was charged."""
        return dict(self.sums)

    @property
    def amount(self) -> float:
        """What is known, in `currency`. CostError where there are several."""
        return self._only[1]

    @property
    def currency(self) -> str:
        """The currency of `amount`; USD where nothing was charged. CostError where there are several."""
        return self._only[0]

    @property
    def known(self) -> Cost:
        """The part with a known price."""
        return Cost(self.sums)

    @property
    def _only(self) -> tuple[str, float]:
        if len(self.sums) > 1:
            self._refuse("in several currencies, which are not converted: .amounts has them all")
        return self.sums[0] if self.sums else (USD, 0.0)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: `amount` and `currency` (None where there are several), `amounts` by currency, `unpriced`."""
        currency, amount = self._only if len(self.sums) < 2 else (None, None)
        return {"amount": amount, "currency": currency, "amounts": self.amounts, "unpriced": self.unpriced}

    def columns(self) -> dict[str, Any]:
        """For one row of a table: `cost` and `currency`, None where nothing is known or there are several; `amounts` in `currencies`, side
        by side; `unpriced`, attempts without a known price, which are in no amount.
        """
        known = dict(self.sums) or ({} if self.unpriced else {USD: 0.0})
        currency, amount = next(iter(known.items())) if len(known) == 1 else (None, None)
        sides = {"amounts": list(known.values()), "currencies": list(known)}
        return {"cost": amount, "currency": currency, **sides, "unpriced": self.unpriced}

    # In words

    def in_words(self, spec: str = "") -> str:
        """`0.12 USD, 3.00 CNY and 7 attempts without a known price`; `spec` formats the amounts, `.4f` for example."""
        said = self.known_in_words(spec)
        if not self.unpriced:
            return said
        lacking = f"{how_many(self.unpriced, 'attempt')} without a known price"
        return f"{said} and {lacking}" if said else lacking

    def known_in_words(self, spec: str = "") -> str:
        """The part with a known price; empty where nothing has one, which is not the same as 0."""
        known = self.sums or (() if self.unpriced else ((USD, 0.0),))
        return ", ".join(f"{format(amount, spec) if spec else _digits(amount)} {currency}" for currency, amount in known)

    def __str__(self) -> str:
        return self.in_words()

    def __repr__(self) -> str:
        return f"<Cost: {self}>"

    def __format__(self, spec: str) -> str:
        return format(float(self), spec) if spec and self._is_number else self.in_words(spec)

    # As a number

    @property
    def _is_number(self) -> bool:
        return not self.unpriced and all(currency == USD for currency, _ in self.sums)

    def __float__(self) -> float:
        if self.unpriced:
            self._refuse("not one number: .amounts and .unpriced are its parts, and `promptkit price` gives later ones a price")
        if not self._is_number:
            self._refuse("no number of USD: .amounts has the sum in each currency")
        return self._only[1]

    def _refuse(self, why: str) -> NoReturn:
        raise CostError(f"The cost {self} is {why}.")

    def __bool__(self) -> bool:
        """Whether anything was charged, or may have been."""
        return bool(self.sums or self.unpriced)

    def __eq__(self, other: object) -> bool:
        them = _as_cost(other)
        return NotImplemented if them is None else (self.sums, self.unpriced) == (them.sums, them.unpriced)

    def __hash__(self) -> int:
        return hash(float(self)) if self._is_number else hash((self.sums, self.unpriced))

    def __lt__(self, other: object) -> Any:
        return self._beside(other, lambda own, theirs: own < theirs)

    def __le__(self, other: object) -> Any:
        return self._beside(other, lambda own, theirs: own <= theirs)

    def __gt__(self, other: object) -> Any:
        return self._beside(other, lambda own, theirs: own > theirs)

    def __ge__(self, other: object) -> Any:
        return self._beside(other, lambda own, theirs: own >= theirs)

    def _beside(self, other: object, compare: Any) -> Any:
        """Compares what is in one currency; nothing is less than something in each."""
        them = _as_cost(other)
        if them is None:
            return NotImplemented
        if self.unpriced or them.unpriced or len({currency for currency, _ in (*self.sums, *them.sums)}) > 1:
            self._refuse(f"not to be compared with {them}: one has no known price, or they are in several currencies")
        return bool(compare(self._only[1], them._only[1]))

    def __add__(self, other: object) -> Cost:
        them = _as_cost(other)
        return NotImplemented if them is None else self._added((*self.sums, *them.sums), self.unpriced + them.unpriced)

    __radd__ = __add__

    def __sub__(self, other: object) -> Any:
        """What came to it since another sum, as a Cost; the difference to a number, as a number."""
        if not isinstance(other, Cost):
            return float(self) - other if _as_cost(other) is not None else NotImplemented  # type: ignore[operator]
        if other.unpriced > self.unpriced:
            self._refuse(f"less than {other}, which cannot be taken from it")
        return self._added((*self.sums, *((c, -a) for c, a in other.sums)), self.unpriced - other.unpriced)

    def __rsub__(self, other: Any) -> Any:
        return NotImplemented if _as_cost(other) is None else other - float(self)

    def __mul__(self, other: Any) -> Any:
        return NotImplemented if _as_cost(other) is None else float(self) * other

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return NotImplemented if _as_cost(other) is None else float(self) / float(other)

    def __rtruediv__(self, other: Any) -> Any:
        return NotImplemented if _as_cost(other) is None else other / float(self)

    def __abs__(self) -> float:
        return abs(float(self))

    def __round__(self, digits: int | None = None) -> float:
        return round(float(self), digits)


FREE = Cost()
Real.register(Cost)  # for pytest.approx, statistics and the like, which ask whether it is a number


def _as_cost(value: Any) -> Cost | None:
    """A cost, or a number as one of USD; None for anything else."""
    if isinstance(value, Cost):
        return value
    return Cost.of(float(value)) if is_real(value) else None


def _digits(amount: float) -> str:
    """All digits that it has, two behind the point at least: 0.12, 0.038703, 3.00."""
    whole, _, behind = f"{amount:.{DIGITS}f}".rstrip("0").partition(".")
    return f"{whole}.{behind:0<2}"
