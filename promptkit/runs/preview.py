"""What a run would do, shown before anything is sent: prompts, requests, what they may cost, how long that takes, and what is there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from promptkit.cost import FREE, Cost
from promptkit.json_objects import dicts, flat_object
from promptkit.markup import Html, card, escape, mime_bundle, table
from promptkit.progress import span
from promptkit.prompts.template import Prompt
from promptkit.runs.causes import DONE, WAITING
from promptkit.runs.planning import PlannedRow, Planner
from promptkit.terminal import printable

__all__ = ["PreviewedRow", "RunPreview", "preview"]

SHOWN = 3  # prompts
CHANGED_SHOWN = 10
DAY = 86_400.0  # seconds, which Google aims at for a batch job
GUESSED = 10.0  # seconds that a request takes, where none is on record


@dataclass(frozen=True)
class PreviewedRow:
    """One row: `state` is new, there, changed, begun, or why it failed before and is not asked again; `requests` are those it still takes,
    `price` what they may cost, None where no price is known.
    """

    row: int
    place: str
    label: str | None
    key: str
    state: str
    requests: int
    price: Cost | None
    changed: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As one flat object (promptkit.previewed_row/1)."""
        cost = Cost(unpriced=self.requests) if self.price is None else self.price
        about = {"row": self.row, "label": self.label, "key": self.key, "state": self.state}
        return flat_object("previewed_row", **about, changed=self.changed or None, requests=self.requests, **cost.columns())


@dataclass(frozen=True, repr=False)
class RunPreview:
    """All rows of a run before it is carried out; `print` shows it as text, a notebook as a table.

    `prompts` are those of the first rows that are to be asked for, `older` the folders of rows that the table has no more, which stay;
    `seconds` is how long it may take, `pace` says of what that was made.
    """

    rows: tuple[PreviewedRow, ...]
    prompts: tuple[tuple[str, Prompt], ...]
    older: tuple[str, ...]
    seconds: float
    pace: str

    @property
    def requests(self) -> int:
        """How many requests it takes; asking again where no picture comes is not in it."""
        return sum(row.requests for row in self.rows)

    @property
    def cost(self) -> Cost:
        """What they may cost at list price, those without a known price counted."""
        return sum((Cost(unpriced=row.requests) if row.price is None else row.price for row in self.rows), FREE)

    def count(self, state: str) -> int:
        """How many rows are in that state."""
        return sum(row.state == state for row in self.rows)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Each row as one flat object; see PreviewedRow.to_dict."""
        return dicts(self.rows)

    def _told(self) -> Iterator[str]:
        states = list(dict.fromkeys(row.state for row in self.rows))
        counted = ", ".join(f"{self.count(state)} {state}" for state in states)
        yield f"{len(self.rows):,} row{'' if len(self.rows) == 1 else 's'}: {counted}"
        if self.older:
            yield f"{len(self.older)} older, which the table has no more: they stay"
        if self.requests:
            price = self.cost.in_words(".4f")
            yield f"{self.requests:,} request{'' if self.requests == 1 else 's'}, {price}, about {span(self.seconds)} ({self.pace})"
        else:
            yield "nothing to ask for"

    def _changed(self) -> list[PreviewedRow]:
        return [row for row in self.rows if row.state == "changed"]

    def __str__(self) -> str:
        lines = list(self._told())
        changed = self._changed()
        lines += [f"  {row.label or row.place} changed: {row.changed or 'its steps'}" for row in changed[:CHANGED_SHOWN]]
        lines += [f"  and {len(changed) - CHANGED_SHOWN} more"] if len(changed) > CHANGED_SHOWN else []
        for name, prompt in self.prompts:
            lines += ["", f"{name}:", *(f"  {line}" for line in prompt.text.splitlines())]
        return printable("\n".join(lines), keep="\n")

    def __repr__(self) -> str:
        return f"<RunPreview: {'; '.join(self._told())}>"

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, Any]:
        notes = [Html(f"<div>{escape(line)}</div>") for line in self._told()]
        prompts = table([(name, Html(f'<span style="white-space:pre-wrap">{escape(p.text)}</span>')) for name, p in self.prompts])
        changed = [(row.label or row.place, row.changed) for row in self._changed()[:CHANGED_SHOWN]]
        shown = card("What the run would do", *notes, *([table(changed, ("changed", "how"))] if changed else []), prompts)
        return mime_bundle(str(self), shown, include, exclude)


def preview(planner: Planner, rows: Sequence[PlannedRow], older: Sequence[str]) -> RunPreview:
    """What a run of these rows, which were looked up, would do."""
    previewed = tuple(map(_previewed, rows))
    todo = [row for row, seen in zip(rows, previewed, strict=True) if seen.requests]
    prompts = [(_name(row, place, prompt), prompt) for row in todo[:SHOWN] for place, prompt in enumerate(planner.prompts(row))]
    seconds, pace = _time(planner, rows, sum(row.requests for row in previewed))
    return RunPreview(previewed, tuple(prompts), tuple(older), seconds, pace)


def _name(row: PlannedRow, place: int, prompt: Prompt) -> str:
    return f"{row.label or row.row.place}, {prompt.template or f'step {place + 1}'}"


def _previewed(row: PlannedRow) -> PreviewedRow:
    outcome = row.state.outcome
    done = sum(len([s for s in take.steps if s.outcome == "picture"]) for take in row.state.takes)
    left = 0 if outcome != WAITING else max(0, row.requests - done)
    share = left / row.requests if row.requests else 0.0
    price = None if row.price is None else _part(row.price, share)
    state = "there" if outcome == DONE else outcome if outcome != WAITING else _waiting_state(row, done)
    return PreviewedRow(row.number, row.row.place, row.label, row.key, state, left, price, row.changed)


def _waiting_state(row: PlannedRow, done: int) -> str:
    if not row.was_there:
        return "new"
    return "changed" if row.changed else "begun" if done or row.state.attempts else "new"


def _part(price: Cost, share: float) -> Cost:
    return sum((Cost.of(amount * share, currency) for currency, amount in price.amounts.items()), FREE)


def _time(planner: Planner, rows: Sequence[PlannedRow], requests: int) -> tuple[float, str]:
    """How long so many requests take, and of what that was made: of the pace that is asked for, of what is on record, else of a guess."""
    if planner.asked.is_batch:
        return (DAY, "batch mode aims at a day, and mostly takes less") if requests else (0.0, "batch mode")
    workers, per_minute = planner.asked.workers, planner.asked.per_minute
    attempts, seconds = sum(row.state.attempts for row in rows), sum(row.state.seconds for row in rows)
    each = seconds / attempts if attempts else GUESSED
    known = f"{each:.1f} s a request, as on record" if attempts else f"at {each:.0f} s a request, a guess"
    at_work = requests * each / workers
    if per_minute and requests * 60 / per_minute > at_work:
        return requests * 60 / per_minute, f"{per_minute:g} requests a minute"
    return at_work, f"{workers} at once, {known}"

