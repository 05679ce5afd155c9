"""What was spent: the costs of recorded attempts, added up by model and by outcome."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from promptkit import markup
from promptkit.cost import FREE, USD, Cost
from promptkit.engine.sums import DRAFTS, REQUESTS, Sums, plus
from promptkit.json_objects import flat_object
from promptkit.lineage.outcomes import ASKED
from promptkit.lineage.record import Record
from promptkit.lineage.schema import Attempt
from promptkit.providers import models
from promptkit.terminal import aligned, how_many, printable

__all__ = ["Spending", "Total", "spending", "spent_at_most"]


class _Counted(NamedTuple):
    """One attempt: what it cost, what it may have cost besides, at the price of its request, and whether it has no price at all."""

    cost: Cost = FREE
    possible: Cost = FREE
    unpriced: bool = False


@dataclass(frozen=True)
class Total:
    """Attempts added up: `cost` is what they cost. Of those whose cost is not known, `possible` is what some may have cost, which broke
    off or were not counted, at the price of their requests, and `unpriced` how many have no known price at all."""

    attempts: int
    cost: Cost
    possible: Cost
    unpriced: int

    @property
    def usd(self) -> float:
        """What is known of the cost, in USD; other currencies are in `cost.amounts`."""
        return self.cost.amounts.get(USD, 0.0)

    @property
    def is_unknown(self) -> bool:
        """Whether nothing is known of what it cost, and not even that it cost nothing."""
        return bool(self.cost.unpriced) and not self.cost.sums


@dataclass(frozen=True)
class Spending(Total):
    """What some steps cost. `steps` counts those that asked a model; the totals by model ("MODEL at ENDPOINT") and by the attempts'
    outcomes add up to the whole; `first` and `last` are the days (in local time) on which was asked, None where nobody was; `unread` is how
    many records cannot be read, and are in no sum."""

    steps: int = 0
    by_model: Mapping[str, Total] = field(default_factory=dict)
    by_outcome: Mapping[str, Total] = field(default_factory=dict)
    first: date | None = None
    last: date | None = None
    unread: int = 0

    @property
    def summary(self) -> str:
        """One line: steps, attempts, the sum, and what is not in it."""
        count = f"{how_many(self.steps, 'step')}, {how_many(self.attempts, 'attempt')}"
        return f"{count}: {'; '.join(self._sums)}{self._days}{self._left_out}"

    @property
    def _sums(self) -> Iterator[str]:
        """What is known of the cost, what may come to it, and what is not known; a sum of 0 stands for no attempt without a price."""
        known = self.cost.known.in_words(".4f")
        if self.possible:
            yield f"{known}, and perhaps up to {self.possible.in_words('.4f')} more for those that broke off or were not counted"
        elif self.cost.sums or not self.unpriced:
            yield known
        if self.unpriced:
            yield f"{how_many(self.unpriced, 'attempt')} without a known price"

    @property
    def _days(self) -> str:
        if self.first is None or self.last is None:
            return ""
        return f" ({self.first})" if self.first == self.last else f" ({self.first} to {self.last})"

    @property
    def _left_out(self) -> str:
        if not self.unread:
            return ""
        it, is_ = ("it", "is") if self.unread == 1 else ("them", "are")
        return f"; {how_many(self.unread, 'record')} cannot be read and {is_} not in these sums: `promptkit verify` names {it}"

    def __str__(self) -> str:
        if not self.attempts:
            return self.summary
        first, second = self._tables
        return "\n".join([self.summary, "", *aligned([*first, ("",) * len(first[0]), *second], numbers=True)])

    def to_dicts(self) -> list[dict[str, Any]]:
        """A flat object for each total (promptkit.spending/1): of `all`, of each `model` and of each `outcome`, in this order.

        `cost` in `currency` is what is known, `possible` in `possible_currencies` what may come to it, `unpriced` how many have no price.
        """
        groups = {"all": {"": self}, "model": self.by_model, "outcome": self.by_outcome}
        return [_total_dict(group, name, total) for group, totals in groups.items() for name, total in totals.items()]

    @property
    def _tables(self) -> tuple[list[tuple[str, ...]], ...]:
        """The rows by model and by outcome, each with its headings, without a column in which no row has a value."""
        columns = _Columns(self)
        tables = (("by model", self.by_model), ("by outcome", self.by_outcome))
        return tuple([(name, *columns.header), *columns.rows(totals)] for name, totals in tables)

    def __repr__(self) -> str:
        return f"<Spending: {self.summary}>"

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, Any]:
        tables = [markup.table(rows, header) for header, *rows in self._tables if rows]
        return markup.mime_bundle(str(self), markup.card(self.summary, *tables), include, exclude)


def spending(records: Iterable[Record], unread: int = 0) -> Spending:
    """Adds up what these records cost; `unread` is how many others cannot be read.

    Services charge for answers without a picture too, and not for errors. An attempt that broke off, or was answered in words without token
    counts, may have been charged: where it has no cost of its own it stands apart, at the price of its request. SettingsError where the
    config file's prices cannot be read.
    """
    asked = [r for r in records if r.attempts]
    attempts = [(r, a, _counted(r, a)) for r in asked for a in r.attempts]
    days = sorted(filter(None, (_day(a.get("started") or r.fields.get("started")) for r, a, _ in attempts)))
    whole = _total(counted for _, _, counted in attempts)
    return Spending(
        **vars(whole),
        steps=len(asked),
        by_model=_grouped(attempts, lambda r, _: f"{r.request.get('model')} at {r.request.get('endpoint')}"),
        by_outcome=_by_outcome(_grouped(attempts, lambda _, a: _outcome(a))),
        first=days[0] if days else None,
        last=days[-1] if days else None,
        unread=unread,
    )


def spent_at_most(records: Iterable[Record]) -> Sums:
    """What all attempts cost, by currency, those whose cost is not known at the price of their requests, and how many requests they were;
    what has no price at all counts as a request only.
    """
    return plus(*(_taken(r, a) for r in records for a in r.attempts))


def _taken(record: Record, attempt: Attempt) -> Sums:
    """What one attempt took of each limit that there may be."""
    counted = _counted(record, attempt)
    asked = DRAFTS if record.is_offline else REQUESTS
    return {**(counted.cost + counted.possible).amounts, asked: 1}


def _counted(record: Record, attempt: Attempt) -> _Counted:
    cost = record.cost_of(attempt)
    if not cost.unpriced:
        return _Counted(cost)
    price = _price(record)
    return _Counted(cost, unpriced=True) if price is None else _Counted(cost, price)


def _outcome(attempt: Attempt) -> str:
    return attempt.get("outcome") or "interrupted"  # nobody noted what came of it


def _price(record: Record) -> Cost | None:
    request = record.request
    size = (request.get("config") or {}).get("image_size")
    return models.estimate(str(request.get("model")), str(request.get("endpoint")), image_size=size if isinstance(size, str) else None)


def _total(counted: Iterable[_Counted]) -> Total:
    all_of = list(counted)
    cost, possible = (sum(costs, FREE) for costs in ([c.cost for c in all_of], [c.possible for c in all_of]))
    return Total(len(all_of), cost, possible, sum(c.unpriced for c in all_of))


def _grouped(attempts: Sequence[tuple[Record, Attempt, _Counted]], key: Callable[[Record, Attempt], str]) -> dict[str, Total]:
    """Totals by a key, the dearest first."""
    groups: dict[str, list[_Counted]] = {}
    for record, attempt, counted in attempts:
        groups.setdefault(key(record, attempt), []).append(counted)
    totals = {name: _total(group) for name, group in groups.items()}
    currencies = sorted({currency for t in totals.values() for currency in t.cost.amounts}, key=lambda c: (c != USD, c))

    def order(item: tuple[str, Total]) -> tuple[list[float], int, str]:
        return [-item[1].cost.amounts.get(currency, 0.0) for currency in currencies], -item[1].attempts, item[0]

    return dict(sorted(totals.items(), key=order))


def _by_outcome(totals: Mapping[str, Total]) -> dict[str, Total]:
    return {name: totals[name] for name in dict.fromkeys((*ASKED, *totals)) if name in totals}


def _total_dict(group: str, name: str, total: Total) -> dict[str, Any]:
    amounts, currencies = list(total.possible.amounts.values()), list(total.possible.amounts)
    possible = {"possible": amounts, "possible_currencies": currencies, "unpriced": total.unpriced}
    cost = total.cost.columns()
    return flat_object("spending", group=group, name=name, attempts=total.attempts, **{**cost, **possible})


def _day(started: object) -> date | None:
    try:
        moment = datetime.fromisoformat(str(started))
        return (moment.astimezone() if moment.tzinfo else moment).date()
    except (ValueError, OverflowError):  # OverflowError: a day that a clock or a hand made up, at an end of the calendar
        return None


# Showing


class _Columns:
    """The columns of a table of totals: a sum for each currency, and those in which any row has a value."""

    def __init__(self, whole: Total) -> None:
        self._known = sorted(whole.cost.amounts) or sorted(whole.possible.amounts) or [USD]
        self._possible = sorted(whole.possible.amounts)
        self._unpriced = bool(whole.unpriced)

    @property
    def header(self) -> tuple[str, ...]:
        perhaps = ["perhaps"] if self._possible == self._known else [f"perhaps {currency}" for currency in self._possible]
        return ("attempts", *self._known, *perhaps, *(["no price"] if self._unpriced else []))

    def rows(self, totals: Mapping[str, Total]) -> Iterator[tuple[str, ...]]:
        for name, t in totals.items():
            shown = printable(name)  # a model's name is whatever a folder from elsewhere says it is
            known, possible = t.cost.amounts, t.possible.amounts
            sums = ["not known" if t.is_unknown else f"{known.get(currency, 0.0):.4f}" for currency in self._known]
            perhaps = [f"{possible[currency]:.4f}" if currency in possible else "" for currency in self._possible]
            yield shown, str(t.attempts), *sums, *perhaps, *([str(t.unpriced or "")] if self._unpriced else [])

