"""A step's whole story on the page: its picture, its prompt and what changed in it, its template, its attempts, its lineage as links."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from promptkit.errors import LineageError
from promptkit.lineage.marked import marks_in_short
from promptkit.lineage.marks import Mark
from promptkit.lineage.record import Record
from promptkit.lineage.schema import Attempt, Output
from promptkit.lineage.tree import Lineage
from promptkit.markup import Html, escape, visible
from promptkit.views.facts import (
    NOT_KNOWN,
    Fact,
    facts,
    headline,
    is_draft,
    local_time,
    mark_in_words,
    price_in_words,
    role_in_words,
    seconds_between,
    sent_along,
    step_name,
)
from promptkit.views.page_pictures import PagePictures
from promptkit.views.page_words import PageWords
from promptkit.views.word_diff import LEAST_SHARED, marked_changes, word_diff

__all__ = ["Link", "Stories", "anchor", "shown_text", "template_anchor"]

Link = Callable[[str], str]  # from a picture's file name to the URL to open it by

TOLD_APART = ("prompt", "template", "inputs", "with", "attempt", "cost", "note", "mark", "marks", "forgotten")  # by parts of their own


class Stories:
    """The steps of one page, each as an article. `chosen` are the steps that the page has; only those are linked. On a page of several
    sessions the anchors of each begin with a `place` of its own.
    """

    def __init__(
        self,
        lineage: Lineage,
        chosen: Sequence[Record],
        words: PageWords,
        pictures: PagePictures,
        link: Link | None,
        place: str = "",
    ) -> None:
        self._lineage, self._chosen, self._words, self._pictures, self._link = lineage, chosen, words, pictures, link
        self._place, self._anchors = place, dict[str, str]()  # of each step, by id
        self._by_id, self._by_readers = {record.id: record for record in chosen}, lineage.marks()
        self.small: dict[str, str] = {}  # by id, the tree's own thumbnail of each step that has one
        self.templates: dict[str, str] = {}  # by digest, the names of the templates that the steps were rendered from

    def article(self, record: Record, tags: Sequence[str], is_head: bool) -> Html:
        """The step's article; the anchor of its place is its id."""
        parts = [
            self._pictures_of(record),
            self._marks(record),
            self._prompt(record),
            self._template(record),
            self._along(record),
            self._attempts(record),
            self._notes(record),
            self._line(record),
            self._details(record),
        ]
        return self._made(record, self._title(record, tags, is_head), parts)

    def brief(self, record: Record) -> Html:
        """The step where many sessions share a page: its files as links, and no template's source, lineage or measures."""
        parts = (self._marks, self._prompt, self._used, self._attempts, self._notes, self._files)
        return self._made(record, self._title(record, (), False), [part(record) for part in parts])

    def _made(self, record: Record, title: str, parts: Iterable[str]) -> Html:
        return Html(f'<article id="{self._anchor(record)}" class="step">{title}{"".join(parts)}</article>')

    def _anchor(self, record: Record) -> str:
        if record.id not in self._anchors:
            self._anchors[record.id] = self._place + anchor(self._lineage, record)
        return self._anchors[record.id]

    def name(self, record: Record) -> str:
        """What the step is called."""
        return step_name(self._lineage, record)

    def outcome(self, record: Record) -> str:
        """What came of it, in the page's words."""
        return self._words.of("outcome", "by hand" if record.by_hand else record.outcome)

    # Its beginning

    def _title(self, record: Record, tags: Sequence[str], is_head: bool) -> str:
        about = escape(visible(headline(record)))
        where = self._anchor(record)
        return (
            f'<h2><a href="#{where}" aria-label="{escape(self._words("step", step=self.name(record)))}">{escape(self.name(record))}</a> '
            f'<span dir="auto">{about}</span></h2><p class="about">{" ".join(self._about(record, tags, is_head))}</p>'
        )

    def _about(self, record: Record, tags: Sequence[str], is_head: bool) -> Iterator[str]:
        """Where it came from, and what is said of it in a word."""
        came = [self._linked(i) for i in record.parents]
        yield f"<span>{escape(self._words('from'))} {', '.join(came)}</span>" if came else f"<span>{escape(self._words('root'))}</span>"
        if is_head:
            yield f'<span class="chip head">{escape(self._words("head"))}</span>'
        yield from (f'<span class="chip" dir="auto">{shown_text(tag)}</span>' for tag in tags)
        if own := self._by_readers.get(record.id):
            yield f'<span class="chip" dir="auto">{shown_text(marks_in_short(own))}</span>'
        if record.outcome != "picture" or record.forgotten:
            yield f'<span class="chip{"" if record.ok else " failed"}">{escape(self.outcome(record))}</span>'
        if is_draft(record):
            yield f'<span class="chip">{escape(self._words("draft"))}</span>'
        if record.forgotten:
            yield f'<span class="chip failed">{escape(self._words("forgotten"))}</span>'
        if len(record.attempts) > 1:
            yield f"<span>{escape(self._words('asked-times', n=len(record.attempts)))}</span>"
        if when := local_time(str(record.fields.get("started"))):
            yield f"<time>{escape(when)}</time>"

    def _linked(self, full_id: str) -> str:
        """A link to a step of the page; of another one its name."""
        if record := self._by_id.get(full_id):
            return f'<a href="#{self._anchor(record)}">{escape(self.name(record))}</a>'
        try:
            return str(escape(self.name(self._lineage.get(full_id))))
        except LineageError:
            return str(escape(full_id[:10]))

    # Its pictures

    def _pictures_of(self, record: Record) -> str:
        if not record.outputs:
            return ""
        if record.forgotten:
            return f'<div class="pictures">{self._empty("forgotten") * len(record.outputs)}</div>'
        figures = [self._figure(record, i, output) for i, output in enumerate(record.outputs)]
        return f'<div class="pictures">{"".join(figures)}</div>'

    def _figure(self, record: Record, i: int, output: Output) -> str:
        shown = self._pictures.shown(record.pictures[i])
        if i == 0 and shown.small:
            self.small[record.id] = shown.small
        width, height = output.size or (None, None)
        size = f' data-width="{width}" data-height="{height}"' if width else ""
        image = f'<img src="{escape(shown.source)}" alt="{escape(visible(headline(record)))}"{size} decoding="async">'
        named = self._file(output)
        about = " ".join(filter(None, [f"{width} × {height}" if width else "", escape(output.mime_type), f"{output.bytes:,} B"]))
        caption = f"<figcaption>{named} <span>{about}</span></figcaption>"
        return f"<figure>{image}{caption}</figure>" if shown.source else f"{self._empty('missing')}"

    def _empty(self, why: str) -> str:
        said = escape(self._words(why))
        return f'<figure><div class="empty" role="img" aria-label="{said}">{said}</div></figure>'

    def _files(self, record: Record) -> str:
        """The names of its pictures' files, linked."""
        return "".join(f"<p>{self._file(output)}</p>" for output in record.outputs if not record.forgotten)

    def _file(self, output: Output) -> str:
        name = str(shown_text(output.name))
        return f'<a href="{escape(self._link(output.name))}">{name}</a>' if self._link else name

    # What was asked

    def _prompt(self, record: Record) -> str:
        if not record.prompt:
            return ""
        text = f'<p class="prompt" dir="auto">{shown_text(record.prompt.get("text") or "")}</p>'
        return self._part("prompt", text) + self._changed(record)

    def _changed(self, record: Record) -> str:
        """The prompt with what was removed and added against the parent's; nothing of two of which neither rewords the other."""
        parent = self._parent(record)
        old, new = (parent.prompt.get("text") if parent else None), record.prompt.get("text")
        if parent is None or not old or not new:
            return ""
        differs = word_diff(old, new)
        if differs.shared < LEAST_SHARED:
            return ""
        title = self._words("changed", step=self.name(parent))
        if not differs.changes:
            return _section(title, f"<p>{escape(self._words('same-words'))}</p>", "changed")
        return _section(title, f'<p class="prompt" dir="auto">{"".join(map(_piece, marked_changes(old, new)))}</p>', "changed")

    def _parent(self, record: Record) -> Record | None:
        try:
            return self._lineage.get(record.parents[0]) if record.parents else None
        except LineageError:
            return None

    def _template(self, record: Record) -> str:
        prompt = record.prompt
        if not prompt.get("template"):
            return ""
        digest, pack = str(prompt.get("digest") or ""), prompt.get("pack")
        named = " ".join(map(str, [prompt["template"], *(pack if isinstance(pack, list | tuple) else ())]))
        lang = f" ({shown_text(prompt['lang'])})" if prompt.get("lang") else ""
        self.templates.setdefault(digest, str(prompt["template"]))
        source = f'<a class="source" href="#{template_anchor(digest)}">{escape(self._words("source"))}</a>' if digest else ""
        about = f"<p>{shown_text(named)}{lang}, <code>{escape(digest[:10])}</code> {source}</p>"
        return self._part("template", about + self._inputs(record))

    def _used(self, record: Record) -> str:
        """Which template was used, and what was given to it, without a link to its source."""
        if not record.prompt.get("template"):
            return ""
        return self._part("template", f"<p>{shown_text(record.prompt['template'])}</p>{self._inputs(record)}")

    def _inputs(self, record: Record) -> str:
        """What was given, as a table; of a step from the same template, with what stood there before."""
        given: Mapping[str, Any] = record.prompt.get("inputs") or {}
        parent = self._parent(record)
        is_same = parent is not None and bool(parent.prompt.get("digest")) and parent.prompt.get("digest") == record.prompt.get("digest")
        before: Mapping[str, Any] = (parent.prompt.get("inputs") or {}) if parent and is_same else given
        rows = [(name, _value(before, name), _value(given, name)) for name in {**given, **before}]
        if not rows:
            return ""
        head = f'<tr><th scope="col">{escape(self._words("input"))}</th><th scope="col">{escape(self._words("value"))}</th></tr>'
        return f"<table><thead>{head}</thead><tbody>{''.join(_input_row(*row) for row in rows)}</tbody></table>"

    def _along(self, record: Record) -> str:
        figures = "".join(self._sent(source, record) for source in sent_along(record))
        return self._part("sent-along", f'<div class="along">{figures}</div>') if figures else ""

    def _sent(self, source: Mapping[str, Any], record: Record) -> str:
        step = source.get("step")
        known = self._made_by.get(source["sha256"])
        if not step and known and known.number < record.number:  # what came later was not there to be given
            step = known.id
        origin = self._words("step", step="{}").replace("{}", self._linked(step)) if step else self._outside(source)
        caption = f"<figcaption>{shown_text(role_in_words(source))}: {origin}</figcaption>"
        return f"<figure>{self._sent_picture(source, record)}{caption}</figure>"

    def _outside(self, source: Mapping[str, Any]) -> str:
        return f"{escape(self._words('outside'))} <code>{escape(source['sha256'][:10])}</code>"

    def _sent_picture(self, source: Mapping[str, Any], record: Record) -> str:
        try:
            picture = self._lineage.source(source)
            is_forgotten = self._lineage.get(source["step"]).forgotten if source.get("step") else record.forgotten
        except LineageError:
            return ""
        shown = "" if is_forgotten else self._pictures.along(picture)
        role = escape(visible(role_in_words(source)))
        return f'<img src="{escape(shown)}" alt="{role}" decoding="async">' if shown else ""

    @cached_property
    def _made_by(self) -> dict[str, Record]:
        """The step that each picture first came out of, by sha256; all records are read for it, so only where it is needed."""
        return {output["sha256"]: record for record in reversed(self._lineage.records()) for output in record.outputs}

    # What came

    def _attempts(self, record: Record) -> str:
        if not record.attempts:
            return ""
        items = "".join(f"<li>{self._attempt(record, i)}</li>" for i in range(len(record.attempts)))
        cost = f"<p>{escape(self._words('cost'))}: {escape(self._cost(record))}</p>"
        return self._part("attempts", f"<ol>{items}</ol>{cost}")

    def _attempt(self, record: Record, i: int) -> str:
        """What came of it, how it was asked where that differs, and what was said."""
        attempt = record.attempts[i]
        waited = seconds_between(record.attempts[i - 1].get("ended"), attempt.get("started")) if i else None
        line = ", ".join(filter(None, self._attempt_line(record, attempt, waited)))
        asked = attempt.get("sent_text")
        as_sent = f"<p>{escape(self._words('asked-as'))}:</p>{_quote(asked)}" if asked not in (None, record.prompt.get("text")) else ""
        said = dict.fromkeys(map(str, filter(None, (attempt.get("message"), attempt.get("text")))))
        return f"<p>{line}</p>{as_sent}{''.join(map(_quote, said))}"

    def _attempt_line(self, record: Record, attempt: Attempt, waited: float | None) -> Iterator[str]:
        reason, took = attempt.get("finish_reason"), seconds_between(attempt.get("started"), attempt.get("ended"))
        outcome = escape(self._words.of("outcome", str(attempt.get("outcome") or "interrupted")))
        yield f"<b>{outcome}</b>{f' ({shown_text(reason)})' if reason else ''}"
        yield escape(self._words("waited", seconds=f"{waited:.1f}")) if waited is not None and waited >= 0.1 else ""
        yield escape(self._words("took", seconds=f"{took:.1f}")) if took is not None else ""
        price = price_in_words(record, attempt)
        yield escape(self._words("no-known-price") if price == NOT_KNOWN else visible(price))
        left_out = attempt.get("without")
        yield from (shown_text(self._words("without-option", option=each)) for each in (left_out if isinstance(left_out, list) else ()))
        status = attempt.get("status")
        yield shown_text(self._words("status", status=status)) if status not in (None, 200) else ""

    def _cost(self, record: Record) -> str:
        cost = record.cost
        if not cost.unpriced:
            return cost.known.in_words(".4f")
        if not cost.sums:
            return self._words("no-known-price")
        return self._words("some-unpriced", sum=cost.known.in_words(".4f"), n=cost.unpriced)

    # What else is told

    def _notes(self, record: Record) -> str:
        said = [fact.text for fact in self._facts(record) if fact.name == "note"]
        return self._part("notes", f"<ul>{''.join(f'<li dir=auto>{shown_text(text)}</li>' for text in said)}</ul>") if said else ""

    def _marks(self, record: Record) -> str:
        said = self.marks(record)
        return self._part("marks", f"<ul>{''.join(f'<li dir=auto>{shown_text(text)}</li>' for text in said)}</ul>") if said else ""

    def read(self, record: Record) -> Sequence[Mark]:
        """The marks of a step that count."""
        return self._by_readers.get(record.id, ())

    def marks(self, record: Record) -> list[str]:
        """What each reader makes of it, in words."""
        return [mark_in_words(mark) for mark in self._by_readers.get(record.id, ())]

    def marks_in_short(self, record: Record) -> str:
        """What readers make of it, in a few words; nothing where nobody said anything."""
        return marks_in_short(self._by_readers.get(record.id, ()))

    def _line(self, record: Record) -> str:
        """What continues it, and what it was sent along with."""
        rows = (("continued-by", self._lineage.children(record)), ("sent-along-with", self._users.get(record.id, ())))
        said = "".join(self._steps_line(name, records) for name, records in rows if records)
        return self._part("lineage", said) if said else ""

    def _steps_line(self, name: str, records: Iterable[Record]) -> str:
        return f"<p>{escape(self._words(name))}: {', '.join(self._linked(r.id) for r in records)}</p>"

    @cached_property
    def _users(self) -> dict[str, list[Record]]:
        """The steps that each step was sent along with, without those that continue it."""
        found: dict[str, list[Record]] = {}
        for record in self._lineage.records():
            for full_id in record.origins:
                if full_id not in record.parents[:1]:
                    found.setdefault(full_id, []).append(record)
        return found

    def _details(self, record: Record) -> str:
        told = [fact for fact in self._facts(record) if fact.name.partition(" ")[0] not in TOLD_APART or fact.name == "forgotten"]
        rows = "".join(f'<tr><th scope="row">{self._label(fact)}</th><td dir="auto">{shown_text(_told(fact))}</td></tr>' for fact in told)
        return self._part("details", f"<table><tbody>{rows}</tbody></table>")

    def _label(self, fact: Fact) -> Html:
        return escape(self._words.of("fact", fact.name) if f"fact-{fact.name.replace(' ', '-')}" in self._words.all else visible(fact.name))

    def _facts(self, record: Record) -> Iterable[Fact]:
        return facts(record, self._lineage, marks=self._by_readers.get(record.id, ()))

    def _part(self, name: str, content: str) -> str:
        return _section(self._words(name), content, name)


def anchor(lineage: Lineage, record: Record) -> str:
    """The end of a link to a step: `step-5`, with the beginning of its id where two merged copies share the number."""
    name = step_name(lineage, record)
    return f"step-{record.number}" if name == str(record.number) else f"step-{record.number}-{record.id[:10]}"


def template_anchor(digest: str) -> str:
    """The end of a link to a template's source."""
    return f"template-{''.join(c for c in digest[:10] if c.isalnum())}"


def shown_text(text: object) -> Html:
    """What somebody wrote, as text in which nothing hides."""
    return escape(visible(text))


class _Before(NamedTuple):
    """A value of an input, and whether one was given."""

    text: str
    is_given: bool


def _value(inputs: Mapping[str, Any], name: str) -> _Before:
    value = inputs.get(name)
    return _Before(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str), name in inputs)


def _input_row(name: str, before: _Before, now: _Before) -> str:
    old = f"<del>{shown_text(before.text)}</del> " if before != now and before.is_given else ""
    new = shown_text(now.text) if before == now else f"<ins>{shown_text(now.text)}</ins>" if now.is_given else ""
    return f'<tr><th scope="row">{shown_text(name)}</th><td dir="auto">{old}{new}</td></tr>'


def _piece(piece: tuple[str, str]) -> str:
    kind, text = piece
    tag = {"removed": "del", "added": "ins"}.get(kind)
    return f"<{tag}>{shown_text(text)}</{tag}> " if kind == "removed" else f"<{tag}>{shown_text(text)}</{tag}>" if tag else shown_text(text)


def _quote(text: object) -> str:
    return f'<blockquote dir="auto">{shown_text(text)}</blockquote>'


def _told(fact: Fact) -> str:
    return fact.text if fact.name == "id" else fact.short


def _section(title: str, content: str, name: str) -> str:
    return f'<section class="{name}"><h3>{escape(title)}</h3>{content}</section>'
