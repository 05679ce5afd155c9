"""How a picture came to be: the trail from the root to a step, with what each step asked, what was tried, and what it cost."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from promptkit import display, markup
from promptkit.changes import Changes, changes
from promptkit.errors import LineageError, PromptkitError
from promptkit.lineage import Lineage, Record
from promptkit.spending import Spending, spending
from promptkit.step import Step

__all__ = ["Explained", "Explanation", "Lost", "Words", "explain", "words_changed"]

WIDTH = 100  # columns of a text
NAMES = 11  # columns for the names of its rows
LINES = 12  # of a prompt or an answer, where it is not shown in full
SUMMARY = 280  # characters of a prompt before the rest is folded away, in HTML
OTHER = 0.5  # two prompts that share less of the shorter one's words are two prompts, and no rewording
FEWEST_KEPT = 3  # characters between two changes that stand as kept
MOST_COMPARED = 4000  # words; a prompt that goes on is taken as one change
ALL_COUNT = 800  # words up to which the frequent ones are looked up too, which takes the square of their number
PICTURE_PIXELS, REFERENCE_PIXELS = 160, 96
LEAD = "  "


class Trail(Protocol):
    """What is asked of a session, which stands above this."""

    @property
    def folder(self) -> Path: ...

    def trail(self, step: object = None) -> Sequence[Step]: ...


# What changed in the words

# Scripts without spaces go character by character; Hindi's vowel signs and joiners belong to their word, the danda does not.
ONE = r"[\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff]"
WORD = re.compile(rf"{ONE}|(?:(?!{ONE})[\w'’\u0300-\u036f\u0900-\u0963\u0966-\u097f\u200c\u200d-])+|[^\w\s]")


@dataclass(frozen=True)
class Words:
    """What changed from one text to another: pairs of what stood there and what stands there now, either of them empty at times, in order.

    `kept` is the share (0 to 1) of the shorter one's words that stand in the other too.
    """

    changes: tuple[tuple[str, str], ...]
    kept: float

    @property
    def removed(self) -> tuple[str, ...]:
        """What is no longer there."""
        return tuple(old for old, _ in self.changes if old)

    @property
    def added(self) -> tuple[str, ...]:
        """What was not there before."""
        return tuple(new for _, new in self.changes if new)

    def __str__(self) -> str:
        return "; ".join(f"“{old}” → “{new}”" if old and new else f"− “{old}”" if old else f"+ “{new}”" for old, new in self.changes)


class _Run(NamedTuple):
    """Words i to j of the one text that became words k to l of the other."""

    i: int
    j: int
    k: int
    l: int  # noqa: E741


def words_changed(before: str, after: str) -> Words:
    """The words that were removed and added between two texts; characters in Chinese and Japanese."""
    old, new = list(WORD.finditer(before)), list(WORD.finditer(after))
    one, other = [m[0] for m in old], [m[0] for m in new]
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    least = min(len(one), len(other)) - start
    end = next((i for i in range(least) if one[-1 - i] != other[-1 - i]), least)
    runs = _runs(one[start : len(one) - end], other[start : len(other) - end])
    shifted = [_Run(*(n + start for n in run)) for run in runs]
    pairs = tuple((_between(before, old[r.i : r.j]), _between(after, new[r.k : r.l])) for r in _joined(shifted, before, old))
    kept = len(one) - sum(r.j - r.i for r in runs)
    return Words(pairs, kept / min(len(one), len(other)) if one and other else float(one == other))


def _runs(one: list[str], other: list[str]) -> list[_Run]:
    if max(len(one), len(other)) > MOST_COMPARED:
        return [_Run(0, len(one), 0, len(other))]
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=max(len(one), len(other)) > ALL_COUNT)
    return [_Run(*places) for tag, *places in matcher.get_opcodes() if tag != "equal"]


def _joined(runs: Sequence[_Run], text: str, words: Sequence[re.Match[str]]) -> list[_Run]:
    """The changes, those together between which only an article or a comma stayed."""
    joined: list[_Run] = []
    for run in runs:
        if joined and len(_between(text, words[joined[-1].j : run.i])) < FEWEST_KEPT:
            joined[-1] = joined[-1]._replace(j=run.j, l=run.l)
        else:
            joined.append(run)
    return joined


def _between(text: str, words: Sequence[re.Match[str]]) -> str:
    return " ".join(text[words[0].start() : words[-1].end()].split()) if words else ""


# The trail


@dataclass(frozen=True)
class Lost:
    """An ancestor that cannot be vouched for: its id, what is wrong, and the parents that its file names all the same."""

    id: str
    message: str
    parents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Explained:
    """One step explained. `words` is what changed against the prompt of its parent, None where one of both has none; `inputs` what changed
    in the template's inputs, as pairs; `changes` the edit measured, where that was asked for, and `notes` what a person should know."""

    step: Step
    parent: int | None
    tags: tuple[str, ...]
    words: Words | None
    inputs: Mapping[str, tuple[object, object]]
    references: tuple[str, ...]
    changes: Changes | None
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        """One line: number, what it continues, what came, when."""
        record = self.step.record
        origin = f" from {self.parent}" if self.parent is not None else ""
        draft = " (offline draft)" if display.is_draft(record) else ""
        when = str(record.fields.get("started") or "")[:16].replace("T", " ")
        names = [f"“{self.step.label}”"] * bool(self.step.label) + [f"[{tag}]" for tag in self.tags]
        said = (f"{record.number} {record.slug}{origin}: {record.outcome}{draft}", *names, when)
        return " ".join(" ".join(said).split())

    def rows(self) -> Iterator[tuple[str, str]]:
        """Names and texts of all that is known of it, the prompt first."""
        record = self.step.record
        if record.prompt:
            yield "prompt", str(record.prompt.get("text") or "")
            yield from self._template_rows()
        if self.words is not None and self.parent is not None:
            yield "against", self._wording(self.words, self.parent)
        if self.references:
            yield "with", "\n".join(self.references)
        if record.request:
            yield "asked", _asked(record.request)
        yield from _tried(record)
        for output in record.outputs:
            size = "×".join(map(str, output.get("size") or ()))
            yield "picture", f"{output['file']} ({output['mime_type']} {size}, {output['bytes']:,} bytes)"
        if self.changes:
            yield "changes", str(self.changes)
        yield from (("meta", f"{k}: {v}") for k, v in self.step.meta.items())
        yield from (("note", note) for note in self.notes)
        yield "id", record.id

    def _template_rows(self) -> Iterator[tuple[str, str]]:
        prompt = self.step.record.prompt
        if prompt.get("template"):
            pack = prompt.get("pack")
            source = f", from {' '.join(map(str, pack))}" if isinstance(pack, list | tuple) and pack else ""
            yield "template", f"{prompt['template']} ({prompt.get('lang') or 'no language'}{source}), digest {prompt.get('digest')}"
            yield "inputs", ", ".join(f"{k}={v!r}" for k, v in (prompt.get("inputs") or {}).items()) or "none"

    def _wording(self, words: Words, parent: int) -> str:
        if self.inputs:
            return f"step {parent}, the same template: " + ", ".join(f"{k}: {a!r} → {b!r}" for k, (a, b) in self.inputs.items())
        if not words.changes:
            return f"step {parent}: the same words"
        return f"step {parent}: {words}" if words.kept >= OTHER else f"step {parent}: another prompt, not a rewording"


class _Unset:
    def __repr__(self) -> str:
        return "not given"


UNSET = _Unset()


@dataclass(frozen=True)
class Explanation:
    """The trail from the root to a step, explained; iterate it for its steps. An ancestor that is damaged stands in it as `Lost`."""

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

    def only(self, last: int) -> Explanation:
        """The same, shown from so many steps before its end; the sums are still the whole trail's."""
        return replace(self, last=last)

    def text(self, width: int = WIDTH, *, full: bool = False) -> str:
        """All of it in lines of at most `width` columns, for a terminal; with `full`, long prompts to their end."""
        blocks = [_block(e, width, full) for e in self._shown]
        return "\n\n".join([*self._left_out, *blocks, f"in all: {self.spending.summary}"])

    @property
    def _shown(self) -> tuple[Explained | Lost, ...]:
        return self.trail if self.last is None else self.trail[max(0, len(self.trail) - self.last) :]

    @property
    def _left_out(self) -> list[str]:
        count = len(self.trail) - len(self._shown)
        return [f"… {count} earlier step{'' if count == 1 else 's'} left out"] if count else []

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<Explanation of step {self.steps[-1].step.number}: {self.spending.summary}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002
        pictured = {id(e) for e in self.trail[-display.PICTURES_SHOWN :]}
        cards = [_card(e, pictures=id(e) in pictured) for e in self._shown]
        notes = [markup.Html(f"<div>{markup.escape(said)}</div>") for said in self._left_out]
        return {"text/plain": str(self), "text/html": markup.card(repr(self)[1:-1], *notes, *cards)}


def explain(session: Trail, step: object = None, *, measured: bool = False) -> Explanation:
    """How a step, by default the head, came to be, from its root on; `measured` compares each edit with the picture it started from.

    Reads records only, unless `measured`, which decodes each picture of the trail. A damaged ancestor is said and skipped. LineageError
    where the session has no steps yet, StepNotFound where there is no such step.
    """
    found = session.trail(step)
    if not found:
        said = "There is nothing to explain yet: make a picture with generate(…), or bring one with add(…)."
        raise LineageError(said, path=session.folder)
    lineage = Lineage(session.folder)
    ancestors = _ancestors(lineage, found[-1].record)
    tags = lineage.tags()
    before: list[Record | Lost | None] = [None, *ancestors[:-1]]
    steps = (Step(found[-1]._session, lineage, each) if isinstance(each, Record) else each for each in ancestors)
    return Explanation(
        tuple(
            step
            if isinstance(step, Lost)
            else _explained(step, parent, [name for name, full_id in tags.items() if full_id == step.id], measured)
            for step, parent in zip(steps, before, strict=True)
        )
    )


def _ancestors(lineage: Lineage, record: Record) -> list[Record | Lost]:
    """From the root to it. A damaged one that still names its parent leads on to it: that one's own hash vouches for it."""
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
    said = f"The record {path} was changed or renamed after it was written; `promptkit verify` lists what is damaged."
    return Lost(full_id, said, record.parents)


def _explained(step: Step, before_it: Record | Lost | None, tags: Sequence[str], measured: bool) -> Explained:
    record, parent = step.record, before_it if isinstance(before_it, Record) else None
    edited, unmeasured = _changes(step) if measured else (None, [])
    before = parent.prompt if parent else {}
    old, new = before.get("text"), record.prompt.get("text")
    return Explained(
        step=step,
        parent=parent.number if parent else None,
        tags=tuple(tags),
        words=words_changed(old, new) if old and new else None,
        inputs=_inputs_changed(before, record.prompt),
        references=tuple(_references(step)),
        changes=edited,
        notes=(*step.warnings, *_missing(step), *unmeasured),
    )


def _changes(step: Step) -> tuple[Changes | None, list[str]]:
    try:
        return changes(step), []
    except PromptkitError as error:
        return None, [f"cannot be measured: {error}"]


def _inputs_changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[object, object]]:
    """The inputs that differ between two prompts from one template, in one language and as it was; else the words tell more."""
    if not before.get("digest") or any(before.get(name) != after.get(name) for name in ("template", "digest")):
        return {}
    old, new = before.get("inputs") or {}, after.get("inputs") or {}
    pairs = {name: (old.get(name, UNSET), new.get(name, UNSET)) for name in {**old, **new}}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _references(step: Step) -> Iterator[str]:
    """The pictures that went along, and the one that was edited where it is no step's own."""
    for source in step.record.sources:
        if source["role"] == "base" and source.get("step"):
            continue
        yield f"{source['role']}: {_place(step._lineage, source)}"


def _place(lineage: Lineage, source: Mapping[str, Any]) -> str:
    if not source.get("step"):
        return f"a picture from outside, {source.get('file')}"
    try:
        return f"step {lineage.get(source['step']).number}"
    except LineageError:
        return f"the step {source['step'][:10]}, which is damaged or not here"


def _missing(step: Step) -> Iterator[str]:
    """What of its pictures is not there; whether they are still the recorded ones, `verify` tells."""
    for path, output in zip(step.files, step.record.outputs, strict=False):
        try:
            size = path.stat().st_size
        except (OSError, ValueError):
            yield f"its picture {path.name} is missing"
            continue
        if size != output["bytes"]:
            yield f"its picture {path.name} is damaged ({size:,} bytes)"


# What was asked, and what was tried


def _asked(request: Mapping[str, Any]) -> str:
    config = "".join(f", {k} {v}" for k, v in (request.get("config") or {}).items())
    return f"{request.get('model')} at {request.get('endpoint')}{config}"


def _tried(record: Record) -> Iterator[tuple[str, str]]:
    for i, attempt in enumerate(record.attempts):
        waited = _seconds(record.attempts[i - 1].get("ended"), attempt.get("started")) if i else None
        name = f"attempt {i + 1}" if len(record.attempts) > 1 else "attempt"
        yield name, _attempt(attempt, record.prompt.get("text"), waited)
    if len(record.attempts) > 1:
        yield "cost", _cost(record)


def _attempt(attempt: Mapping[str, Any], asked: object, waited: float | None) -> str:
    """One line of what came of it, one of how it was asked where that differs, then what the service said."""
    took = _seconds(attempt.get("started"), attempt.get("ended"))
    reason = attempt.get("finish_reason")
    came = f"{attempt.get('outcome') or 'interrupted'}{f' ({reason})' if reason else ''}"
    facts = [
        f"after {waited:.1f} s of waiting" if waited is not None and waited >= 0.1 else "",
        f"in {took:.1f} s" if took is not None else "",
        "" if attempt.get("outcome") == "error" and not attempt.get("cost") else _price(attempt.get("cost")),
        "without " + ", ".join(map(str, attempt["without"])) if isinstance(attempt.get("without"), list) else "",
        f"status {attempt['status']}" if attempt.get("status") not in (None, 200) else "",
    ]
    sent = attempt.get("sent_text")
    lines = [", ".join(filter(None, [came, *facts]))]
    lines += [f"asked as: {sent}"] if sent is not None and sent != asked else []
    lines += [f"it said: {said}" for said in dict.fromkeys(map(str, filter(None, (attempt.get("message"), attempt.get("text")))))]
    return "\n".join(lines)


def _price(cost: Mapping[str, Any] | None) -> str:
    if not cost:
        return "no known price"
    return f"{cost['usd']:.4f} USD ({cost['basis']})" if cost.get("basis") else f"{cost['usd']:.4f} USD"


def _cost(record: Record) -> str:
    whole = spending([record])
    if whole.unpriced == whole.attempts:
        return "no known price"
    said = f"{whole.usd:.4f} USD"
    said += f", up to {whole.possible:.4f} USD more for what broke off" if whole.possible else ""
    return said + (f"; {whole.unpriced} of {whole.attempts} attempts without a known price" if whole.unpriced else "")


def _seconds(start: object, end: object) -> float | None:
    """Between two times as recorded; None where they are none, or a clock went backwards."""
    try:
        seconds = (datetime.fromisoformat(str(end)) - datetime.fromisoformat(str(start))).total_seconds()
    except (ValueError, TypeError):
        return None
    return seconds if seconds >= 0 else None


# As text


def _block(explained: Explained | Lost, width: int, full: bool) -> str:
    if isinstance(explained, Lost):
        return "\n".join(_wrapped(f"? the step {explained.id[:10]} is skipped: {explained.message}", width))
    lines = _wrapped(explained.title, width)
    for name, text in explained.rows():
        shown = [line for part in text.splitlines() or [""] for line in _wrapped(part, max(20, width - NAMES - len(LEAD)))]
        if len(shown) > LINES and not full:
            left = len(shown) - LINES + 1
            shown = [*shown[: LINES - 1], f"… ({left} more lines)"]
        lines += [f"{LEAD}{name if not i else '':{NAMES}}{line}".rstrip() for i, line in enumerate(shown)]
    return "\n".join(lines)


def _wrapped(line: str, width: int) -> list[str]:
    """The line in pieces of at most so many columns, cut at spaces and between wide characters where there are any."""
    line = _printable(line)
    pieces, start, wide, best = [], 0, 0, 0
    for i, c in enumerate(line):
        wide += _columns(c)
        if wide > width:
            cut = best if best > start else i
            pieces.append(line[start:cut].rstrip())
            start, wide = cut, sum(map(_columns, line[cut : i + 1]))
        if c == " " or _columns(c) == 2:
            best = i + 1
    return [*pieces, line[start:]]


def _columns(c: str) -> int:
    """How many columns of a terminal it takes."""
    if c.isascii():
        return 1
    if unicodedata.category(c) in ("Mn", "Mc", "Me", "Cf"):  # signs and joiners, which are never cut from their letter
        return 0
    return 2 if unicodedata.east_asian_width(c) in "WF" else 1


def _printable(text: str) -> str:
    """The text without what would drive a terminal: a folder may come from a stranger. Other spaces than U+0020 become that one."""
    return "".join(c if c.isprintable() or c in "\u200c\u200d" else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text)


# As HTML


def _card(explained: Explained | Lost, *, pictures: bool) -> markup.Html:
    if isinstance(explained, Lost):
        return markup.card(f"the step {explained.id[:10]} is skipped", markup.Html(f"<div>{markup.escape(explained.message)}</div>"))
    record = explained.step.record
    shown = markup.strip(markup.figure(p.thumbnail(PICTURE_PIXELS), alt=display.headline(record)) for p in record.pictures if pictures)
    rows = [(name, _folded(text)) for name, text in explained.rows()]
    return markup.card(explained.title, shown, _reference_strip(explained.step) if pictures else "", markup.table(rows))


def _reference_strip(step: Step) -> str:
    """The pictures that went along, as far as they are there."""
    figures = []
    for source in step.record.sources:
        if source["role"] == "base" and source.get("step"):
            continue
        try:
            picture = step._lineage.source(source)
        except LineageError:
            continue
        figures.append(markup.figure(picture.thumbnail(REFERENCE_PIXELS), source["role"], alt=source["role"]))
    return markup.strip(figures) if figures else ""


def _folded(text: str) -> markup.Html:
    style = "white-space:pre-wrap;overflow-wrap:anywhere"
    if len(text) <= SUMMARY:
        return markup.Html(f'<div style="{style}">{markup.escape(text)}</div>')
    beginning = f"{text[:SUMMARY].rstrip()}…"
    return markup.Html(
        f'<details><summary style="{style}">{markup.escape(beginning)}</summary><div style="{style}">{markup.escape(text)}</div></details>'
    )
