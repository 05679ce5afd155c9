"""Steps as pictures with a few words: one step's card, several side by side, and the pictures that were sent along with one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from promptkit.errors import LineageError
from promptkit.images.thumbnails import make_thumbnails
from promptkit.lineage.marked import marks_in_short
from promptkit.lineage.marks import Mark
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.markup import Html, card, escape, figure, strip, table, words
from promptkit.views.facts import (
    References,
    caption,
    cost_in_words,
    done_here,
    is_draft,
    local_time,
    mark_in_words,
    outcome_in_words,
    plain_text,
    role_in_words,
    seconds_between,
    sent_along,
    step_in_words,
    times_asked,
)

__all__ = [
    "FIGURE_PIXELS",
    "NO_MARKS",
    "MarksById",
    "forgotten_frame",
    "pictures_html",
    "references_html",
    "show_thumbnails",
    "step_card",
    "step_figure",
    "strip_html",
]

CARD_PIXELS = 320
CARD_BYTES = 14_000  # of a card's pictures together; with its words and the JPEG for readers without HTML it stays under 40 kB
FIGURE_PIXELS = 160
REFERENCE_PIXELS = 96
MOST_CHARACTERS = 3000  # of a prompt, or of what a model said, in a card
MarksById = Mapping[str, Sequence[Mark]]  # by the ids of their steps
NO_MARKS: MarksById = {}
SMALL = "font-size:85%;line-height:1.35;overflow-wrap:anywhere"
TAG = "background:rgba(245,197,66,.3);border-radius:4px;padding:0 4px"
AT_HEAD = "background:#1a73e8;color:#fff;border-radius:4px;padding:0 5px;font-weight:bold;white-space:nowrap"
HEAD_EDGE = "box-shadow:0 0 0 3px #1a73e8;border-radius:8px"


def forgotten_frame(pixels: int, caption: object = "") -> Html:
    """The empty frame of a picture that was forgotten, over its caption."""
    size = f"width:{pixels - 12}px;height:{pixels - 12}px;border:2px dashed rgba(128,128,128,.6);border-radius:6px"
    style = f"{size};display:flex;align-items:center;justify-content:center;opacity:.7"
    frame = f'<div role="img" aria-label="forgotten" style="{style}">forgotten</div>'
    note = f'<div style="{SMALL}">{escape(caption)}</div>' if caption else ""
    return Html(f'<div style="margin:4px;display:inline-block;vertical-align:top">{frame}{note}</div>')


def pictures_html(record: Record, pixels: int, most: int | None = None) -> Html:
    """A step's pictures side by side, at most `pixels` wide and high, each of at most so many bytes; of one that was forgotten its empty
    frames.
    """
    if record.forgotten:
        return strip(forgotten_frame(pixels) for _ in record.outputs)
    return strip(figure(p.thumbnail(pixels, most), alt=caption(record)) for p in record.pictures)


# One step


def step_card(
    record: Record,
    lineage: Lineage | None = None,
    *,
    reused: bool = False,
    tags: Sequence[str] = (),
    marks: Sequence[Mark] = (),
    is_head: bool = False,
) -> Html:
    """One step: its pictures, its prompt, and beside them where it came from, what it was made with, what it cost, what is wrong, what the
    model said and what readers make of it; with its `lineage` its parents and the pictures that went along have names.
    """
    draft = " (offline draft)" if is_draft(record) else ""
    cost = "" if draft or not record.attempts else f", {cost_in_words(record.cost, attempts=len(record.attempts))}"
    title = f"step {record.number}{', reused' if reused else ''}: {outcome_in_words(record)}{draft}{cost}"
    count = max(1, len(record.pictures))
    figures = pictures_html(record, CARD_PIXELS if count == 1 else FIGURE_PIXELS, CARD_BYTES // count)
    facts = table((name, words(_short(text))) for name, text in _told(record, lineage, marks))
    beside = f'<div style="flex:1 1 260px;min-width:0;max-width:760px">{_prompt_html(record)}{facts}</div>'
    content = Html(f'<div style="display:flex;flex-wrap:wrap;gap:8px 16px;align-items:flex-start">{figures}{beside}</div>')
    return card(Html(f"{escape(title)}{_badges(tags, is_head)}"), content)


def _prompt_html(record: Record) -> str:
    """What was asked: the prompt, or what was done here; a template's step begins with what it is called."""
    asked = record.prompt.get("text") or done_here(record)
    called = f'<div style="margin:2px 0"><b>{words(caption(record))}</b></div>' if record.prompt.get("template") else ""
    return called + (f'<div style="margin:2px 0 6px">{words(_short(str(asked)), "div")}</div>' if asked else "")


def _short(text: str) -> str:
    """The beginning of a very long text, and how long it is."""
    if len(text) <= MOST_CHARACTERS:
        return text
    return f"{text[:MOST_CHARACTERS]} … ({len(text):,} characters in all)"


def _told(record: Record, lineage: Lineage | None, marks: Sequence[Mark]) -> Iterator[tuple[str, str]]:
    """What a card tells beside the prompt, by name; the full story is what `explain` and the page tell."""
    prompt, request = record.prompt, record.request
    if lineage and record.parents:
        yield "from", " and ".join(_parent(lineage, i) for i in record.parents)
    if prompt.get("template"):
        yield "template", f"{prompt['template']} ({prompt.get('lang') or 'no language'})"
        yield from ((f"· {name}", plain_text(value)) for name, value in (prompt.get("inputs") or {}).items())
    if lineage and (along := "\n".join(References(lineage).in_words(record))):
        yield "with", along
    if request.model:
        yield "model", f"{request.model} at {request.endpoint}{''.join(f', {k} {v}' for k, v in (request.config or {}).items())}"
    if when := local_time(str(record.fields.get("started"))):
        yield "when", f"{when}{_took(record)}{times_asked(record)}"
    yield from (("mark", mark_in_words(mark)) for mark in marks)
    yield from (("⚠ note", str(note)) for note in dict.fromkeys(record.fields.get("warnings") or ()))
    last: Mapping[str, Any] = record.attempts[-1] if record.attempts else {}
    yield from (("said", str(text)) for text in dict.fromkeys(filter(None, (last.get("text"), last.get("message")))))


def _parent(lineage: Lineage, full_id: str) -> str:
    """A step that it came from, by number and caption."""
    try:
        return f"{step_in_words(lineage, full_id)}, {caption(lineage.get(full_id))}"
    except LineageError:
        return step_in_words(lineage, full_id)


def _took(record: Record) -> str:
    seconds = seconds_between(record.fields.get("started"), record.fields.get("ended"))
    return "" if seconds is None else f", in {seconds:.1f} s"


def _badges(tags: Sequence[str], is_head: bool) -> str:
    """Tags, and whether it is the head: in brackets and in words, for readers who see no colour and no style."""
    shown = "".join(f' <span style="{TAG}">[{words(tag)}]</span>' for tag in tags)
    return shown + (f' <span style="{AT_HEAD}">← head</span>' if is_head else "")


# Several steps


def strip_html(records: Sequence[Record], *, reused: Collection[str] = (), marks: MarksById = NO_MARKS) -> Html:
    """Steps side by side; those whose ids are in `reused` were there already, and say so. `marks` are readers', by the steps' ids."""
    show_thumbnails(records)
    return strip(step_figure(r, note=" (reused)" if r.id in reused else "", marks=marks.get(r.id, ())) for r in records)


def show_thumbnails(records: Iterable[Record]) -> None:
    """Has the first pictures of these steps at hand, made two at a time with progress, before they are shown in figures."""
    make_thumbnails((r.pictures[0] for r in records if r.pictures and not r.forgotten), FIGURE_PIXELS)


def step_figure(
    record: Record,
    *,
    tags: Sequence[str] = (),
    marks: Sequence[Mark] = (),
    is_head: bool = False,
    picture: bool = True,
    note: str = "",
    called: str = "",
) -> Html:
    """A step as its first picture over its number and caption (or what it is `called` here), tags, marks, and whether it is the head; as
    the words alone where it has no picture, or with `picture=False`.
    """
    said = escape(f" · {marks_in_short(marks)}") if marks else ""
    text = words(called) if called else Html(f"<b>{record.number}</b> {words(caption(record))}")
    below = Html(f"{text}{escape(note)}{said}{_badges(tags, is_head)}")
    edge = f";{HEAD_EDGE}" if is_head else ""
    if not record.pictures or not picture:
        return Html(f'<div style="width:{FIGURE_PIXELS}px;margin:4px;{SMALL}{edge}">{below}</div>')
    if record.forgotten:
        return Html(f'<div style="width:{FIGURE_PIXELS + 8}px{edge}">{forgotten_frame(FIGURE_PIXELS, below)}</div>')
    shown = figure(record.pictures[0].thumbnail(FIGURE_PIXELS), below, alt=caption(record))
    return Html(f'<div style="width:{FIGURE_PIXELS + 8}px{edge}">{shown}</div>')


def references_html(lineage: Lineage, record: Record) -> str:
    """The pictures that were sent along with a step, side by side; those that are missing or damaged are left out."""
    figures = []
    for source in sent_along(record):
        try:
            picture, step = lineage.source(source), source.get("step")
            is_forgotten = lineage.get(step).forgotten if step else record.forgotten
        except LineageError:
            continue
        if is_forgotten:
            figures.append(forgotten_frame(REFERENCE_PIXELS, role_in_words(source)))
            continue
        figures.append(figure(picture.thumbnail(REFERENCE_PIXELS), role_in_words(source), alt=role_in_words(source)))
    return strip(figures) if figures else ""
