"""What was spent: the costs of recorded attempts, added up by model and by outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import compress
from typing import Any, NamedTuple

from promptkit import markup
from promptkit.lineage.outcomes import ASKED, may_cost
from promptkit.lineage.record import Record
from promptkit.providers import models
from promptkit.terminal import aligned, printable

__all__ = ["Spending", "Total", "spending", "spent", "spent_at_most"]

Attempt = Mapping[str, Any]


class _Counted(NamedTuple):
    """One attempt: USD that it cost, USD that it may have cost, and whether it has no price at all."""

    usd: float = 0.0
    possible: float = 0.0
    unpriced: bool = False


@dataclass(frozen=True)
class Total:
    """Attempts added up: `usd` is what they cost as far as that is known, `possible` what others may have cost besides, which broke off or
    were not counted, at the price of their requests, and `unpriced` how many have no known price."""

    attempts: int
    usd: float
    possible: float
    unpriced: int


@dataclass(frozen=True)
class Spending(Total):
    """What some steps cost, in USD. `steps` counts those that asked a model; the totals by model ("MODEL at ENDPOINT") and by the attempts'
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
        said = f"{_many(self.steps, 'step')}, {_many(self.attempts, 'attempt')}: {self.usd:.4f} USD"
        if self.possible:
            said += f", and perhaps up to {self.possible:.4f} USD more for those that broke off or were not counted"
        if self.unpriced:
            said += f"; {_many(self.unpriced, 'attempt')} without a known price"
        return said + self._days + self._left_out

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
        return f"; {_many(self.unread, 'record')} cannot be read and {is_} not in these sums: `promptkit verify` names {it}"

    def __str__(self) -> str:
        if not self.attempts:
            return self.summary
        first, second = self._tables
        return "\n".join([self.summary, "", *aligned([*first, ("",) * len(first[0]), *second], numbers=True)])

    @property
    def _tables(self) -> tuple[list[tuple[str, ...]], ...]:
        """The rows by model and by outcome, each with its headings, without a column in which no row has a value."""
        filled = (True, True, True, bool(self.possible), bool(self.unpriced))
        tables = (("by model", self.by_model), ("by outcome", self.by_outcome))
        return tuple([tuple(compress(row, filled)) for row in ((name, *HEADER), *_rows(totals))] for name, totals in tables)

    def __repr__(self) -> str:
        return f"<Spending: {self.summary}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002
        tables = [markup.table(rows, header) for header, *rows in self._tables if rows]
        return {"text/plain": str(self), "text/html": markup.card(self.summary, *tables)}


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


def spent(records: Iterable[Record]) -> float:
    """USD for all attempts with a known price."""
    return float(sum(a["cost"]["usd"] for r in records for a in r.attempts if a.get("cost")))


def spent_at_most(records: Iterable[Record]) -> float:
    """USD for all attempts, those whose cost is not known at the price of their requests; what has no price at all counts nothing."""
    counted = (_counted(r, a) for r in records for a in r.attempts)
    return float(sum(c.usd + c.possible for c in counted))


def _counted(record: Record, attempt: Attempt) -> _Counted:
    if cost := attempt.get("cost"):
        return _Counted(usd=cost["usd"])
    if not may_cost(_outcome(attempt)) and not _was_answered(attempt):
        return _Counted()
    if (price := _price(record)) is not None:
        return _Counted(possible=price)
    return _Counted(unpriced=True)


def _outcome(attempt: Attempt) -> str:
    return attempt.get("outcome") or "interrupted"  # nobody noted what came of it


def _was_answered(attempt: Attempt) -> bool:
    """Whether an error came with success: an answer that could not be read was worked for all the same."""
    status = attempt.get("status")
    return isinstance(status, int) and 200 <= status < 300


def _price(record: Record) -> float | None:
    request = record.request
    size = (request.get("config") or {}).get("image_size")
    return models.estimate(str(request.get("model")), str(request.get("endpoint")), image_size=size if isinstance(size, str) else None)


def _total(counted: Iterable[_Counted]) -> Total:
    all_of = list(counted)
    usd, possible = (round(sum(amounts), 6) for amounts in ([c.usd for c in all_of], [c.possible for c in all_of]))
    return Total(len(all_of), usd, possible, sum(c.unpriced for c in all_of))


def _grouped(attempts: Sequence[tuple[Record, Attempt, _Counted]], key: Callable[[Record, Attempt], str]) -> dict[str, Total]:
    """Totals by a key, the dearest first."""
    groups: dict[str, list[_Counted]] = {}
    for record, attempt, counted in attempts:
        groups.setdefault(key(record, attempt), []).append(counted)
    totals = {name: _total(group) for name, group in groups.items()}
    return dict(sorted(totals.items(), key=lambda item: (-item[1].usd, -item[1].attempts, item[0])))


def _by_outcome(totals: Mapping[str, Total]) -> dict[str, Total]:
    return {name: totals[name] for name in dict.fromkeys((*ASKED, *totals)) if name in totals}


def _day(started: object) -> date | None:
    try:
        moment = datetime.fromisoformat(str(started))
        return (moment.astimezone() if moment.tzinfo else moment).date()
    except (ValueError, OverflowError):  # OverflowError: a day that a clock or a hand made up, at an end of the calendar
        return None


# Showing


HEADER = ("attempts", "USD", "perhaps", "no price")


def _rows(totals: Mapping[str, Total]) -> Iterator[tuple[str, ...]]:
    for name, t in totals.items():
        shown = printable(name)  # a model's name is whatever a folder from elsewhere says it is
        yield shown, str(t.attempts), f"{t.usd:.4f}", f"{t.possible:.4f}" if t.possible else "", str(t.unpriced or "")


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
