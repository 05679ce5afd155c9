"""A trail explained, as text and as HTML: what each step asked, what changed, what was tried, and what it cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from promptkit import markup
from promptkit.engine.spending import Spending, spending
from promptkit.images.changes import Changes
from promptkit.lineage.record import FULL_SHA256, Record
from promptkit.session.step import Step
from promptkit.terminal import printable, width
from promptkit.views import cards as display
from promptkit.views.word_diff import Words

__all__ = ["UNSET", "WIDTH", "Explained", "Explanation", "Lost"]

WIDTH = 100  # columns of a text
NAMES = 11  # columns for the names of its rows
LINES = 12  # of a prompt or an answer, where it is not shown in full
SUMMARY = 280  # characters of a prompt before the rest is folded away, in HTML
OTHER = 0.5  # two prompts that share less of the shorter one's words are two prompts, and no rewording
PICTURE_PIXELS = 160
LEAD = "  "
HASHED = ("template", "with", "original", "id")  # rows with ids, digests and names of files


class _Unset:
    def __repr__(self) -> str:
        return "not given"


UNSET = _Unset()  # in `Explained.inputs`, where one of both gave no value


@dataclass(frozen=True)
class Lost:
    """An ancestor that cannot be vouched for: its id, what is wrong, and the parents that its file names all the same."""

    id: str
    message: str
    parents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Explained:
    """One step explained. `parent` names the step that it continues; `words` is what changed against that one's prompt, None where one of
    both has none; `inputs` what changed in the template's inputs, as pairs; `changes` the edit measured, where that was asked for, and
    `notes` what a person should know."""

    step: Step
    parent: str | None
    tags: tuple[str, ...]
    words: Words | None
    inputs: Mapping[str, tuple[object, object]]
    references: tuple[str, ...]
    changes: Changes | None
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        """One line: number, what it continues, what came, when (in local time)."""
        record = self.step.record
        origin = f" from {self.parent}" if self.parent is not None else ""
        draft = " (offline draft)" if display.is_draft(record) else ""
        names = [f"“{self.step.label}”"] * bool(self.step.label) + [f"[{tag}]" for tag in self.tags]
        said = f"{display.named(self.step.lineage, record)} {record.slug}{origin}: {record.outcome}{draft}"
        return " ".join(" ".join((said, *names, display.local_time(self.step.started))).split())

    def rows(self, *, full: bool = False) -> Iterator[tuple[str, str]]:
        """Names and texts of all that is known of it, the prompt first; ten digits of ids and digests, or all of them with `full`."""
        return ((name, display.shortened(text) if name in HASHED and not full else text) for name, text in self._rows())

    def _rows(self) -> Iterator[tuple[str, str]]:
        record = self.step.record
        if record.prompt:
            yield "prompt", str(record.prompt.get("text") or "")
            yield from self._template_rows()
        if against := self._against():
            yield "against", against
        if self.references:
            yield "with", "\n".join(self.references)
        if record.request:
            yield "asked", _asked(record.request)
        yield from _tried(record)
        for output in record.outputs:
            size = "×".join(map(str, output.get("size") or ()))
            yield "picture", f"{output['file']} ({output['mime_type']} {size}, {output['bytes']:,} bytes)"
        if self.changes:
            yield "changes", self.changes.summary  # its warnings are among the notes
        yield from (("meta", f"{name}: {self._noted(value)}") for name, value in self.step.meta.items())
        yield from (("note", note) for note in self.notes)
        if original := record.fields.get("stripped_from"):
            yield "original", str(original)
        yield "id", record.id

    def _noted(self, value: object) -> str:
        """What stands in its meta; ids as the steps that they are of, as `squash` and `replay` note them."""
        values = value if isinstance(value, list) else [value]
        ids = [i for i in values if isinstance(i, str) and FULL_SHA256.fullmatch(i)]
        return ", ".join(display.step_named(self.step.lineage, i) for i in ids) if ids and ids == values else str(value)

    def _template_rows(self) -> Iterator[tuple[str, str]]:
        prompt = self.step.record.prompt
        if prompt.get("template"):
            pack = prompt.get("pack")
            source = f", from {' '.join(map(str, pack))}" if isinstance(pack, list | tuple) and pack else ""
            yield "template", f"{prompt['template']} ({prompt.get('lang') or 'no language'}{source}), digest {prompt.get('digest')}"
            yield "inputs", ", ".join(f"{k}={v!r}" for k, v in (prompt.get("inputs") or {}).items()) or "none"

    def _against(self) -> str:
        """What the prompt says otherwise than the parent's; nothing of two prompts of which neither rewords the other."""
        words, parent = self.words, self.parent
        if words is None or parent is None:
            return ""
        if self.inputs:
            before, after = (" ".join(_texts(pair[side] for pair in self.inputs.values())) for side in (0, 1))
            more = words.beyond(before, after)
            said = ", ".join(f"{k}: {a!r} → {b!r}" for k, (a, b) in self.inputs.items())
            return f"step {parent}, the same template: {said}{'; ' if more.changes else ''}{more}"
        if not words.changes:
            return f"step {parent}: the same words"
        return f"step {parent}: {words}" if words.kept >= OTHER else ""


def _texts(values: Iterable[object]) -> Iterator[str]:
    """What values of inputs bring into a prompt."""
    for value in values:
        yield from map(str, value) if isinstance(value, list | tuple) else () if value is UNSET else (str(value),)


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
        """All of it in lines of at most `width` columns, for a terminal; with `full`, long prompts to their end and ids with all digits."""
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


def _block(explained: Explained | Lost, columns: int, full: bool) -> str:
    if isinstance(explained, Lost):
        return "\n".join(_wrapped(f"? the step {explained.id[:10]} is skipped: {explained.message}", columns))
    lines = _wrapped(explained.title, columns)
    for name, text in explained.rows(full=full):
        shown = [line for part in text.splitlines() or [""] for line in _wrapped(part, max(20, columns - NAMES - len(LEAD)))]
        if len(shown) > LINES and not full:
            left = len(shown) - LINES + 1
            shown = [*shown[: LINES - 1], f"… ({left} more lines)"]
        lines += [f"{LEAD}{name if not i else '':{NAMES}}{line}".rstrip() for i, line in enumerate(shown)]
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
    shown = markup.strip(markup.figure(p.thumbnail(PICTURE_PIXELS), alt=display.headline(record)) for p in record.pictures if pictures)
    along = display.References(explained.step.lineage).shown(record) if pictures else ""
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
