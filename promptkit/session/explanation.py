"""How a picture came to be: the trail from the root to a step, read from the records, and shown as text and as HTML.

Each step says what it asked, how that differs from the step before, what was tried and what it cost; a damaged one says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from promptkit import markup
from promptkit.engine.spending import Spending, spending
from promptkit.errors import LineageError, PromptkitError
from promptkit.images.changes import Changes
from promptkit.json_objects import columns, dicts, flat_object
from promptkit.lineage.marks import Mark
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.session.step import Step
from promptkit.terminal import how_many, printable, width
from promptkit.views.cards import pictures_html, references_html
from promptkit.views.facts import (
    NAME_COLUMNS,
    Fact,
    References,
    cost_in_words,
    credentials_in_words,
    facts,
    is_draft,
    local_time,
    outcome_in_words,
    step_name,
)
from promptkit.views.word_diff import LEAST_SHARED, WordDiff, word_diff

__all__ = ["NOT_GIVEN", "PICTURES_SHOWN", "WIDTH", "Explained", "Explanation", "Lost", "explain"]

WIDTH = 100  # columns of a text
LINES = 12  # of a prompt or an answer, where it is not shown in full
SUMMARY = 280  # characters of a text before the rest is folded away, in HTML
PICTURES_SHOWN = 60  # the last ones; steps before them are words
PICTURE_PIXELS = 160
LEAD = "  "


class _NotGiven:
    def __repr__(self) -> str:
        return "not given"


NOT_GIVEN = _NotGiven()  # in `Explained.inputs`, where one of the two prompts gives no value


@dataclass(frozen=True)
class Lost:
    """An ancestor whose record is missing or damaged: its id, what is wrong, and the parents that a damaged record's file still names."""

    id: str
    message: str
    parents: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As one flat object (promptkit.explained/1) that knows only `id`, `parents` and `problem`."""
        return flat_object("explained", id=self.id, parents=self.parents, problem=self.message)


@dataclass(frozen=True)
class Explained:
    """One step explained.

    `parent` names the step that it continues, `words` is how its prompt differs from that one's (None where one of them has no prompt),
    `inputs` the template's inputs that differ, as pairs of values before and after. `references` are the pictures that were sent along, in
    words, `marks` what readers make of it. `changes` is the edit measured, where that was asked for. `notes` are what a person should know.
    """

    step: Step
    parent: str | None
    tags: tuple[str, ...]
    words: WordDiff | None
    inputs: Mapping[str, tuple[object, object]]
    references: tuple[str, ...]
    changes: Changes | None
    notes: tuple[str, ...]
    marks: tuple[Mark, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As one flat object (promptkit.explained/1): the step's, and `difference` in words from the prompt before, `references`, `notes`,
        `problem` (None), and `changes.…`, where the edit was measured.
        """
        known = {"difference": self._against() or None, "references": self.references, "notes": self.notes, "problem": None}
        measured = {} if self.changes is None else columns("changes", self.changes.to_dict())
        measured.pop("changes.schema", None)
        return {**self.step.to_dict(), **flat_object("explained", **known), **measured}

    @property
    def title(self) -> str:
        """One line: number, the step that it continues, outcome, label, tags, and when (local time)."""
        record = self.step.record
        origin = f" from {self.parent}" if self.parent is not None else ""
        draft = " (offline draft)" if is_draft(record) else ""
        names = [f"“{self.step.label}”"] * bool(self.step.label) + [f"[{tag}]" for tag in self.tags]
        said = f"{step_name(self.step.lineage, record)} {record.slug}{origin}: {outcome_in_words(record)}{draft}"
        return " ".join(" ".join((said, *names, local_time(self.step.started))).split())

    def rows(self, *, full: bool = False) -> Iterator[tuple[str, str]]:
        """Names and texts of all that is known of it, the prompt first; ten digits of ids and digests, or all of them with `full`."""
        return ((fact.name, fact.text if full else fact.short) for fact in self._facts())

    def _facts(self) -> Iterator[Fact]:
        record = self.step.record
        return facts(
            record,
            self.step.lineage,
            references=self.references,
            marks=self.marks,
            against=self._against(),
            changes=self.changes.summary if self.changes else "",  # its warnings are among the notes
            cost=_cost(record),
            notes=(*self.notes, *credentials_in_words(record)),  # read for the steps that are shown, and no others
        )

    def _against(self) -> str:
        """How the prompt differs from the parent's; nothing of two prompts of which neither rewords the other."""
        words, parent = self.words, self.parent
        if words is None or parent is None:
            return ""
        if self.inputs:
            before, after = (" ".join(_texts(pair[side] for pair in self.inputs.values())) for side in (0, 1))
            more = words.outside(before, after)
            said = ", ".join(f"{k}: {a!r} → {b!r}" for k, (a, b) in self.inputs.items())
            return f"step {parent}, the same template: {said}{'; ' if more.changes else ''}{more}"
        if not words.changes:
            return f"step {parent}: the same words"
        return f"step {parent}: {words}" if words.shared >= LEAST_SHARED else ""


def _texts(values: Iterable[object]) -> Iterator[str]:
    """What values of inputs bring into a prompt."""
    for value in values:
        if isinstance(value, dict | list | tuple):
            yield from _texts(value.values() if isinstance(value, dict) else value)
        elif value is not NOT_GIVEN:
            yield str(value)


def _cost(record: Record) -> str:
    whole = spending([record])
    return cost_in_words(replace(whole.cost, unpriced=whole.unpriced), attempts=whole.attempts, possible=whole.possible)


@dataclass(frozen=True)
class Explanation:
    """The trail from the root to a step, explained; iterate it for its steps. A damaged ancestor stands in it as `Lost`.

    `last` is how many steps at its end are shown; None shows all.
    """

    trail: tuple[Explained | Lost, ...]
    last: int | None = None

    @property
    def steps(self) -> tuple[Explained, ...]:
        """The steps that can be read, the root first."""
        return tuple(e for e in self.trail if isinstance(e, Explained))

    @cached_property
    def spending(self) -> Spending:
        """What the trail cost."""
        return spending(e.step.record for e in self.steps)

    def __iter__(self) -> Iterator[Explained | Lost]:
        return iter(self.trail)

    def __len__(self) -> int:
        return len(self.trail)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Each step that is shown as one flat object, the root first; a damaged one has `problem`."""
        return dicts(self._shown)

    def only(self, last: int) -> Explanation:
        """The same trail, of which only the last so many steps are shown; the sums are still the whole trail's."""
        return replace(self, last=last)

    def text(self, width: int = WIDTH, *, full: bool = False) -> str:
        """All of it in lines of at most `width` columns, for a terminal; with `full`, long prompts to their end and ids with all digits."""
        blocks = [_block(e, width, full) for e in self._shown]
        return "\n\n".join([*self._left_out, *blocks, f"in all: {self.spending.summary}"])

    @property
    def _shown(self) -> tuple[Explained | Lost, ...]:
        return self.trail if self.last is None else self.trail[max(0, len(self.trail) - self.last) :]

    @property
    def _left_out(self) -> list[str]:
        count = len(self.trail) - len(self._shown)
        return [f"… {how_many(count, 'earlier step')} left out"] if count else []

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<Explanation of step {self.steps[-1].step.number}: {self.spending.summary}>"

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, Any]:
        pictured = {id(e) for e in self.trail[-PICTURES_SHOWN:]}
        cards = [_card(e, pictures=id(e) in pictured) for e in self._shown]
        notes = [markup.Html(f"<div>{markup.escape(said)}</div>") for said in self._left_out]
        return markup.mime_bundle(str(self), markup.card(repr(self)[1:-1], *notes, *cards), include, exclude)


# Explaining


def explain(lineage: Lineage, record: Record | None, step_of: Callable[[Record], Step], *, measured: bool = False) -> Explanation:
    """How the step of that record came to be, from its root on; `measured` compares each edit with the picture that it started from.

    `step_of` makes a record the step that a user holds. Reads records only, unless `measured`, which decodes each picture of the trail. A
    damaged ancestor is named and skipped. LineageError where there is no record: the session has no steps yet, or its head is not known.
    """
    if record is None:
        raise _nothing(lineage)
    ancestors = _ancestors(lineage, record)
    tags, marks, references = lineage.tags(), lineage.marks(), References(lineage)

    def explained(each: Record | Lost, before: Record | Lost | None) -> Explained | Lost:
        if isinstance(each, Lost):
            return each
        names = [name for name, full_id in tags.items() if full_id == each.id]
        made = _explained(step_of(each), before if isinstance(before, Record) else None, names, references, measured)
        return replace(made, marks=marks.get(each.id, ()))

    return Explanation(tuple(map(explained, ancestors, [None, *ancestors[:-1]])))


def _nothing(lineage: Lineage) -> LineageError:
    said = "There is nothing to explain yet: make a picture with generate(…), or bring one with add(…)."
    if lineage.count():
        said = "The head of this session is not known, so there is nothing to explain: name a step, or move the head with goto(…)."
    return LineageError(said, path=lineage.folder)


def _ancestors(lineage: Lineage, record: Record) -> list[Record | Lost]:
    """From the root to the record. A damaged ancestor that still names its parents leads on to them: their own hashes vouch for them."""
    found: list[Record | Lost] = [record]
    seen = {record.id}
    while (parents := found[-1].parents) and parents[0] not in seen:
        seen.add(parents[0])
        found.append(_ancestor(lineage, parents[0]))
    return found[::-1]


def _ancestor(lineage: Lineage, full_id: str) -> Record | Lost:
    try:
        return lineage.get(full_id)
    except LineageError as error:
        missing = str(error)
    path = next((p for p in sorted(lineage.folder.glob("*.json")) if p.name.endswith(f"-{full_id[:10]}.json")), None)
    if path is None:
        return Lost(full_id, missing)
    try:
        record = Record.read(path)
    except LineageError as error:
        return Lost(full_id, str(error))
    said = f"The record {path} was changed or renamed after it was written; `verify` lists what is damaged."
    return Lost(full_id, said, record.parents)


def _explained(step: Step, parent: Record | None, tags: Sequence[str], references: References, measured: bool) -> Explained:
    record = step.record
    edited, unmeasured = _changes(step) if measured else (None, [])
    before = parent.prompt if parent else {}
    old, new = before.get("text"), record.prompt.get("text")
    return Explained(
        step=step,
        parent=step_name(step.lineage, parent) if parent else None,
        tags=tuple(tags),
        words=word_diff(old, new) if old and new else None,
        inputs=_inputs_changed(before, record.prompt),
        references=tuple(references.in_words(record)),
        changes=edited,
        notes=(*step.warnings, *_missing(step), *unmeasured),
    )


def _changes(step: Step) -> tuple[Changes | None, list[str]]:
    try:
        return step.changes, []
    except PromptkitError as error:
        return None, [f"cannot be measured: {error}"]


def _inputs_changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[object, object]]:
    """The inputs that differ between two prompts from the same template, unchanged, in one language; else the words tell more."""
    if not before.get("digest") or before["digest"] != after.get("digest"):
        return {}
    old, new = before.get("inputs") or {}, after.get("inputs") or {}
    pairs = {name: (old.get(name, NOT_GIVEN), new.get(name, NOT_GIVEN)) for name in {**old, **new}}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _missing(step: Step) -> Iterator[str]:
    """Which of its pictures are missing or of another length than recorded; `verify` compares their hashes too."""
    if step.record.forgotten:  # which is told as such
        return
    for path, output in zip(step.files, step.record.outputs, strict=False):
        try:
            size = path.stat().st_size
        except (OSError, ValueError):
            yield f"its picture {path.name} is missing"
            continue
        if size != output["bytes"]:
            yield f"its picture {path.name} is damaged ({size:,} bytes)"


# As text


def _block(explained: Explained | Lost, columns: int, full: bool) -> str:
    if isinstance(explained, Lost):
        return "\n".join(_wrapped(f"? the step {explained.id[:10]} is skipped: {explained.message}", columns))
    lines = _wrapped(explained.title, columns)
    for name, text in explained.rows(full=full):
        shown = [line for part in text.splitlines() or [""] for line in _wrapped(part, max(20, columns - NAME_COLUMNS - len(LEAD)))]
        if len(shown) > LINES and not full:
            left = len(shown) - LINES + 1
            shown = [*shown[: LINES - 1], f"… ({left} more lines)"]
        lines += [f"{LEAD}{name if not i else '':{NAME_COLUMNS}}{line}".rstrip() for i, line in enumerate(shown)]
    return "\n".join(lines)


def _wrapped(line: str, columns: int) -> list[str]:
    """The line in pieces of at most so many columns, cut at spaces and between wide characters where there are any."""
    line = printable(line)
    pieces, start, wide, best = [], 0, 0, 0
    for i, c in enumerate(line):
        wide += width(c)
        if wide > columns:
            cut = best if best > start else i
            pieces.append(line[start:cut].rstrip())
            start, wide = cut, sum(map(width, line[cut : i + 1]))
        if c == " " or width(c) == 2:
            best = i + 1
    return [*pieces, line[start:]]


# As HTML


def _card(explained: Explained | Lost, *, pictures: bool) -> markup.Html:
    if isinstance(explained, Lost):
        return markup.card(f"the step {explained.id[:10]} is skipped", markup.Html(f"<div>{markup.escape(explained.message)}</div>"))
    record = explained.step.record
    shown = pictures_html(record, PICTURE_PIXELS) if pictures else ""
    along = references_html(explained.step.lineage, record) if pictures else ""
    rows = [(name, _folded(text)) for name, text in explained.rows()]
    return markup.card(explained.title, shown, along, markup.table(rows))


def _folded(text: str) -> markup.Html:
    style = "white-space:pre-wrap;overflow-wrap:anywhere"
    if len(text) <= SUMMARY:
        return markup.Html(f'<div style="{style}">{markup.escape(text)}</div>')
    beginning = f"{text[:SUMMARY].rstrip()}…"
    return markup.Html(
        f'<details><summary style="{style}">{markup.escape(beginning)}</summary><div style="{style}">{markup.escape(text)}</div></details>'
    )
