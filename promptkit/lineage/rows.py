"""What is known of each record without reading it again: what it asked for and from whom, what came, and what it cost at most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from promptkit.cost import is_amount, is_currency
from promptkit.lineage.outcomes import has_picture
from promptkit.lineage.prompt_key import prompt_key
from promptkit.lineage.record import Record

__all__ = ["Facts", "Row", "Rows", "Sums", "added", "asked_by", "prompt_key_of"]

MOST_ATTEMPTS = 10**6


class Facts(NamedTuple):
    """What of a record is added up; it is the same in many. What it does not have is empty."""

    outcome: str
    endpoint: str
    model: str
    image_size: str
    attempts: int
    costs: tuple[tuple[str, float], ...]  # what its attempts are known to have cost, by currency
    uncounted: int  # the attempts that may have cost something, of which nobody knows what

    @classmethod
    def of(cls, record: Record) -> Facts:
        """What a record says."""
        request, cost = record.request, record.cost
        size = (request.get("config") or {}).get("image_size")
        texts = (record.outcome, request.get("endpoint") or "", request.get("model") or "", size if isinstance(size, str) else "")
        return cls(*texts, len(record.attempts), cost.sums, cost.unpriced)

    @classmethod
    def read(cls, values: Sequence[Any]) -> Facts:
        """The facts that JSON holds. ValueError where it holds none."""
        outcome, endpoint, model, size, attempts, costs, uncounted = values
        sums = tuple((currency, amount) for currency, amount in costs)
        is_right = all(isinstance(text, str) for text in (outcome, endpoint, model, size))
        is_right = is_right and all(is_currency(currency) and is_amount(amount) for currency, amount in sums)
        if not (is_right and type(attempts) is type(uncounted) is int and 0 <= uncounted <= attempts <= MOST_ATTEMPTS):
            raise ValueError(f"{values!r:.60} are no facts of a record")
        return cls(outcome, endpoint, model, size, attempts, sums, uncounted)


class Row(NamedTuple):
    """One record: the name of its file, and what of it is looked for or added up. What it does not have is empty."""

    name: str
    asked: str  # what tells its request from others
    rendered: str  # what its prompt is looked up by, whatever words its template makes today
    parent: str  # the beginning of the id of the step that it continues
    picture: str  # the beginning of the sha256 of its first picture
    facts: Facts

    @classmethod
    def of(cls, record: Record) -> Row:
        """What a record says."""
        parent = _plain(record.parents[0][:10] if record.parents else "")
        picture = _plain(record.outputs[0].sha256[:10] if record.outputs else "")
        return cls(record.path.name, asked_by(record), prompt_key_of(record) or "", parent, picture, Facts.of(record))

    @property
    def ok(self) -> bool:
        """Whether it has a picture."""
        return has_picture(self.facts.outcome)


def asked_by(record: Record) -> str:
    """What tells a record's request from others: its recipe, or the picture that was added; empty where it has neither."""
    if record.outcome == "added" and record.outputs:
        return _plain(added(record.outputs[0].sha256, *record.parents[:1]))
    return _plain(record.recipe or "")


def _plain(text: str) -> str:
    """The text, where it can stand in a line of the journal; what nobody asks for by, nor names a step by, is as good as none."""
    return text if text.isascii() and text.isprintable() else ""


def added(sha256: str, on: str = "") -> str:
    """What tells a picture of one's own from others, in place of a recipe; `on` is the id of the step that it was added on."""
    return f"add {sha256} on {on}" if on else f"add {sha256}"


def prompt_key_of(record: Record) -> str | None:
    """What a record's prompt is looked up by; None for free text."""
    return prompt_key(record.prompt.template, record.prompt.inputs, record.prompt.lang, record.parents)


class Sums:
    """What all records come to. `attempts` is by endpoint, `spent` by currency; `uncounted` says of how many attempts at an endpoint, a
    model and an image size nobody knows what they cost; `asked` how many steps asked which model at which endpoint.
    """

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self.attempts: dict[str, int] = {}
        self.spent: dict[str, float] = {}
        self.uncounted: dict[tuple[str, str, str], int] = {}
        self.asked: dict[tuple[str, str], int] = {}
        for row in rows:
            self.add(row.facts)

    def copy(self) -> Sums:
        """The same sums, which are not kept up."""
        other = Sums()
        vars(other).update({name: dict(sums) for name, sums in vars(self).items()})
        return other

    def add(self, facts: Facts, sign: int = 1) -> None:
        """Counts a record in, or with the sign -1 out."""
        if facts.attempts:
            self.attempts[facts.endpoint] = self.attempts.get(facts.endpoint, 0) + sign * facts.attempts
        for currency, amount in facts.costs:
            self.spent[currency] = self.spent.get(currency, 0.0) + sign * amount
        if facts.uncounted:
            request = (facts.endpoint, facts.model, facts.image_size)
            self.uncounted[request] = self.uncounted.get(request, 0) + sign * facts.uncounted
        if facts.endpoint and facts.model:
            pair = (facts.endpoint, facts.model)
            self.asked[pair] = self.asked.get(pair, 0) + sign


class Rows:
    """The rows of a folder's records. What they are looked up by, and their sums, are kept up once they were asked for."""

    def __init__(self) -> None:
        self._by_name: dict[str, Row] = {}
        self._having: dict[str, dict[str, list[Row]]] = {}  # by one of their values, by that value's name
        self._sums: Sums | None = None

    def __iter__(self) -> Iterator[Row]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    @property
    def sums(self) -> Sums:
        """What all come to."""
        if self._sums is None:
            self._sums = Sums(self)
        return self._sums

    def having(self, name: str, value: str) -> Sequence[Row]:
        """The rows with that value under that name, in the order in which they were taken in."""
        if (found := self._having.get(name)) is None:
            found = self._having[name] = {}
            for row in self:
                found.setdefault(getattr(row, name), []).append(row)
        return found.get(value, ())

    def add(self, row: Row) -> None:
        """Takes a row in; one of the same record gives way."""
        if (known := self._by_name.setdefault(row.name, row)) is not row:
            if known == row:
                return
            self.remove(row.name)
            self._by_name[row.name] = row
        for name, found in self._having.items():
            found.setdefault(getattr(row, name), []).append(row)
        if self._sums is not None:
            self._sums.add(row.facts)

    def remove(self, name: str) -> None:
        """Leaves the row of a record out that is there no more."""
        if (row := self._by_name.pop(name, None)) is None:
            return
        for by, found in self._having.items():
            found[getattr(row, by)].remove(row)
        if self._sums is not None:
            self._sums.add(row.facts, -1)
