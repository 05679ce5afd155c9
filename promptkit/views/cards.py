"""Steps as pictures with a few words: one step's card, several side by side, and the pictures that were sent along with one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from promptkit.errors import LineageError
from promptkit.lineage.marked import marks_in_short
from promptkit.lineage.marks import Mark
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.markup import Html, card, escape, figure, strip
from promptkit.views.facts import cost_in_words, done_here, headline, is_draft, mark_in_words, outcome_in_words, role_in_words, sent_along

__all__ = [
    "FIGURE_PIXELS",
    "NO_MARKS",
    "MarksById",
    "forgotten_frame",
    "pictures_html",
    "references_html",
    "step_card",
    "step_figure",
    "strip_html",
]

CARD_PIXELS = 320
FIGURE_PIXELS = 160
REFERENCE_PIXELS = 96
MarksById = Mapping[str, Sequence[Mark]]  # by the ids of their steps
NO_MARKS: MarksById = {}


def forgotten_frame(pixels: int, caption: object = "") -> Html:
    """The empty frame of a picture that was forgotten, over its caption."""
    size = f"width:{pixels - 12}px;height:{pixels - 12}px;border:2px dashed rgba(128,128,128,.6);border-radius:6px"
    style = f"{size};display:flex;align-items:center;justify-content:center;opacity:.7"
    frame = f'<div role="img" aria-label="forgotten" style="{style}">forgotten</div>'
    note = f'<div style="font-size:85%;overflow-wrap:anywhere">{escape(caption)}</div>' if caption else ""
    return Html(f'<div style="margin:4px;display:inline-block;vertical-align:top">{frame}{note}</div>')


def pictures_html(record: Record, pixels: int) -> Html:
    """A step's pictures side by side, at most `pixels` wide and high; of one that was forgotten its empty frames."""
    if record.forgotten:
        return strip(forgotten_frame(pixels) for _ in record.outputs)
    return strip(figure(p.thumbnail(pixels), alt=headline(record)) for p in record.pictures)


def step_card(record: Record, *, reused: bool = False, marks: Sequence[Mark] = ()) -> Html:
    """One step with its pictures, its prompt and what readers make of it; a failed one with what the service said last."""
    draft = " (offline draft)" if is_draft(record) else ""
    cost = "" if draft or not record.attempts else f", {cost_in_words(record.cost, attempts=len(record.attempts))}"
    note = f"step {record.number}{', reused' if reused else ''}: {outcome_in_words(record)}{draft}{cost}"
    figures = pictures_html(record, CARD_PIXELS)
    said = "" if record.ok or not record.attempts else f"{record.attempts[-1].get('text') or record.attempts[-1].get('message') or ''}"
    lines = [
        Html(f"<div>{escape(line)}</div>")
        for line in (record.prompt.get("text"), done_here(record), said, *map(mark_in_words, marks))
        if line
    ]
    return card(note, figures, *lines)


def strip_html(records: Sequence[Record], *, reused: Collection[str] = (), marks: MarksById = NO_MARKS) -> Html:
    """Steps side by side; those whose ids are in `reused` were there already, and say so. `marks` are readers', by the steps' ids."""
    return strip(step_figure(r, note=" (reused)" if r.id in reused else "", marks=marks.get(r.id, ())) for r in records)


def step_figure(
    record: Record,
    *,
    tags: Sequence[str] = (),
    marks: Sequence[Mark] = (),
    is_head: bool = False,
    picture: bool = True,
    note: str = "",
    caption: str = "",
) -> Html:
    """A step as its first picture over its caption (by default its headline); as the caption alone where it has none, or with
    `picture=False`.
    """
    names = "".join(f" [{t}]" for t in tags) + (" ← head" if is_head else "")
    said = f" · {marks_in_short(marks)}" if marks else ""
    caption = f"{caption or f'{record.number} {headline(record)}{note}'}{said}{names}"
    if not record.pictures or not picture:
        return Html(f'<div style="width:{FIGURE_PIXELS}px;margin:4px;font-size:85%;overflow-wrap:anywhere">{escape(caption)}</div>')
    if record.forgotten:
        return Html(f'<div style="width:{FIGURE_PIXELS}px">{forgotten_frame(FIGURE_PIXELS, caption)}</div>')
    shown = figure(record.pictures[0].thumbnail(FIGURE_PIXELS), caption, alt=headline(record))
    return Html(f'<div style="width:{FIGURE_PIXELS}px">{shown}</div>')


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
