"""The preview of a replay: what it would ask, step by step, and what that may cost; shown as text and as a table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from promptkit.cost import FREE, USD, Cost, Money
from promptkit.json_objects import dicts, flat_object
from promptkit.markup import Html, card, escape, mime_bundle, table
from promptkit.prompts.template import Prompt
from promptkit.renamed import say_renamed
from promptkit.terminal import how_many, printable

__all__ = ["PreviewedStep", "ReplayPreview", "brief"]

CHANGES_SHOWN = 6
ROUNDING = 1e-9  # by which a sum of prices may be off


@dataclass(frozen=True)
class PreviewedStep:
    """One step that would be asked for: `step` is the recorded step's number, the other fields say what is asked now.

    `prompt` is None for a picture that is added, and for one that is made here (`made`), which costs nothing. `changed` are the words in
    which the prompt differs from the recorded one, `notes` what else differs. `price` is what the request may cost, None where no price is
    known. `there` is the number of the step in `into` that has this request already, which then costs nothing. `source_changed` says
    whether the template in `templates=` differs from the recorded one, and is None where there was nothing to compare.
    """

    step: int
    prompt: Prompt | None
    changed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    model: str | None = None
    endpoint: str | None = None
    price: Cost | None = FREE
    there: int | None = None
    source_changed: bool | None = None
    made: bool = False

    @property
    def _place(self) -> str:
        return f"{self.model} at {self.endpoint}" if self.prompt else ""

    @property
    def cost(self) -> Cost:
        """What the request may cost; a request without a known price is counted in it."""
        return Cost(unpriced=1) if self.price is None else self.price

    def to_dict(self) -> dict[str, Any]:
        """As one flat object (promptkit.previewed/1): `step` is the recorded step's number, `there` that of the step which is there."""
        who = {"prompt": self.prompt and self.prompt.text, "endpoint": self.endpoint, "model": self.model}
        what = {"changed": self.changed, "notes": self.notes, "source_changed": self.source_changed, "there": self.there, "made": self.made}
        cost = self.cost if self.prompt is not None and self.there is None else FREE
        return flat_object("previewed", step=self.step, **who, **what, **cost.columns())

    @property
    def usd(self) -> float | None:
        """`price` by its old name, as a number; None where it is not known in USD."""
        say_renamed("PreviewedStep.usd", "price")
        return None if self.price is None or set(self.price.amounts) - {USD} else self.price.amounts.get(USD, 0.0)

    @property
    def _cost(self) -> str:
        if self.there is not None:
            return f"there as step {self.there}"
        return "" if self.prompt is None else "no known price" if self.price is None else self.price.in_words(".4f")

    @property
    def _words(self) -> str:
        return self.prompt.text if self.prompt else self.notes[0] if self.made else "a picture of one's own"

    @property
    def _remarks(self) -> tuple[str, ...]:
        return (*([f"changed: {brief(self.changed)}"] if self.changed else []), *self.notes[self.made :])


@dataclass(frozen=True, repr=False)
class ReplayPreview:
    """What a replay would ask, step by step; `print` shows it as text, a notebook as a table.

    `left` is what the budget of the session `into` has left, `requests_left` how many requests it may still send; None where it has no
    such limit.
    """

    rows: tuple[PreviewedStep, ...]
    left: Money | None = None
    requests_left: int | None = None

    @property
    def requests(self) -> tuple[PreviewedStep, ...]:
        """Those that would be sent."""
        return tuple(r for r in self.rows if r.prompt is not None and r.there is None)

    @property
    def cost(self) -> Cost:
        """What all requests may cost, those without a known price counted; asking again where no picture comes is not in it."""
        return sum((r.cost for r in self.requests), FREE)

    @property
    def usd(self) -> float:
        """The USD of `cost` by their old name; what is not priced in USD is not in it."""
        say_renamed("ReplayPreview.usd", "cost")
        return self.cost.amounts.get(USD, 0.0)

    @property
    def unpriced(self) -> int:
        """How many requests have no known price."""
        return self.cost.unpriced

    @property
    def beyond(self) -> PreviewedStep | None:
        """The first request that would pass what the limits leave; None where all fit, or there is no limit."""
        sums = accumulate(r.cost for r in self.requests)
        return next((r for i, (r, cost) in enumerate(zip(self.requests, sums, strict=True), 1) if self._is_beyond(i, cost)), None)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Each row as one flat object."""
        return dicts(self.rows)

    def _is_beyond(self, count: int, cost: Cost) -> bool:
        """Whether so many requests, of that cost, are more than may still be asked."""
        if self.requests_left is not None and count > self.requests_left:
            return True
        return self.left is not None and cost.amounts.get(self.left.currency, 0.0) > self.left.amount + ROUNDING

    @property
    def total(self) -> str:
        """How many requests, what they may cost, and what the limits leave, in words."""
        count, cost = len(self.requests), self.cost
        there = sum(r.there is not None for r in self.rows)
        said = how_many(count, "request")
        said += f", about {known}" if (known := cost.known_in_words(".4f")) else ""
        said += (f"; {cost.unpriced} without a known price" if cost.unpriced else "") + (f"; {there} there already" if there else "")
        return said + self._limits

    @property
    def _limits(self) -> str:
        left = [f"; the budget has {self.left} left"] if self.left is not None else []
        left += [f"; max_requests leaves {self.requests_left}"] if self.requests_left is not None else []
        passed = f", which step {self.beyond.step} would pass" if left and self.beyond else ""
        return "".join(left) + passed

    def __str__(self) -> str:
        lines = [line for row in self.rows for line in _lines(row)]
        return printable("\n".join([*lines, self.total]), keep="\n")

    def __repr__(self) -> str:
        return f"<ReplayPreview of {len(self.rows)} steps: {self.total}>"

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, Any]:
        shown = table(map(_cells, self.rows), ("step", "prompt", "changed", "asked", "cost"))
        return mime_bundle(str(self), card(f"Nothing was sent: {self.total}", shown), include, exclude)


def _lines(row: PreviewedStep) -> Iterator[str]:
    yield "  ".join(filter(None, (str(row.step), row._place, row._cost)))
    yield from (f"    {line}" for line in row._words.splitlines())
    yield from (f"    ({remark})" for remark in row._remarks)


def _cells(row: PreviewedStep) -> tuple[object, ...]:
    words = Html(f'<div style="white-space:pre-wrap;overflow-wrap:anywhere">{escape(row._words)}</div>')
    return row.step, words, "; ".join(row._remarks), row._place, row._cost


def brief(changed: Sequence[str]) -> str:
    """The first of the changes, and how many more there are."""
    more = len(changed) - CHANGES_SHOWN
    return ", ".join(changed[:CHANGES_SHOWN]) + (f", and {more} more" if more > 0 else "")
