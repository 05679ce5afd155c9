"""What needs a whole lineage to show: the tree as text and as pictures, a page, contact sheets. Knows lineage and picture only."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from promptkit.errors import LineageError, StepNotFound
from promptkit.images.picture import Picture
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.markup import Html, card, escape, figure, page, strip, table
from promptkit.terminal import printable

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "References",
    "contact_sheet",
    "headline",
    "is_draft",
    "local_time",
    "named",
    "page_html",
    "shortened",
    "step_card",
    "step_named",
    "strip_html",
    "tree_html",
    "tree_text",
]

CARD_PIXELS = 320
TREE_PIXELS = 160
PAGE_PIXELS = 256
REFERENCE_PIXELS = 96
PICTURES_SHOWN = 60  # in a notebook's tree; older steps stand there in words
HEADLINE = 96  # characters
HASH = re.compile(r"([0-9a-f]{10})[0-9a-f]{54}(?=(\.)?)")

LEGEND = "(↓ continues the line above)"  # in brackets, so that it is not taken for a step
ARROW = Html('<div style="align-self:center">→</div>')
INDENT = "margin-left:12px;padding-left:8px;border-left:2px solid rgba(128,128,128,.4)"
STYLE = """
:root{color-scheme:light dark;font:15px/1.45 system-ui,sans-serif}
body{max-width:1100px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.3rem}.note{opacity:.7}
ol{list-style:none;margin:0;padding:0}ol ol{margin-left:1rem;padding-left:1rem;border-left:2px solid rgba(128,128,128,.35)}
li{margin:.8rem 0}article{display:flex;gap:1rem;align-items:flex-start}
article img{border-radius:8px;display:block;margin-bottom:4px;border:1px solid rgba(128,128,128,.25)}
article>div{min-width:0;overflow-wrap:anywhere}.pictures{flex:none}
.prompt{white-space:pre-wrap;margin:.2rem 0}.tag{background:#f5c54255;border-radius:4px;padding:0 .4em}
.failed{color:#c0392b}summary{cursor:pointer;opacity:.7}td{padding-right:1em;white-space:pre-wrap}
td:first-child{white-space:nowrap}
"""


def headline(record: Record) -> str:
    """One line for a step: its label, else the beginning of its prompt, and why it has no picture where it has none."""
    no_words = "a stripped step" if record.fields.get("stripped_from") else "a picture of one's own"
    text = record.fields.get("label") or record.prompt.get("text") or no_words
    line = printable(" ".join(str(text).split()))
    short = line if len(line) <= HEADLINE else line[: HEADLINE - 1] + "…"
    return short if record.ok else f"{short} ({record.outcome})"


def named(lineage: Lineage, record: Record) -> str:
    """A step by its number, with the beginning of its id where two merged copies share the number: `6`, or `6 (b217e2ad0e)`."""
    return f"{record.number} ({record.id[:10]})" if _is_shared(lineage, record.number) else str(record.number)


def _is_shared(lineage: Lineage, number: int) -> bool:
    try:
        lineage.find(number)
    except StepNotFound as error:
        return len(error.near) > 1
    except LineageError:  # its record was damaged meanwhile
        return False
    return False


def step_named(lineage: Lineage, full_id: str) -> str:
    """A step as it is named here, or by the beginning of its id where it cannot be read."""
    try:
        return f"step {named(lineage, lineage.get(full_id))}"
    except LineageError:
        return f"step {full_id[:10]}, which is not here or damaged"


def shortened(text: str) -> str:
    """The text with ten digits of each id and digest, which are enough to find a step by; a file's name shows that it was cut."""
    return HASH.sub(lambda match: f"{match[1]}{'…' if match[2] else ''}", text)


def local_time(moment: str) -> str:
    """The local date and time to the minute; nothing where none was recorded."""
    try:
        found = datetime.fromisoformat(moment)
        return f"{(found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone():%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):  # the latter two: what no clock showed
        return ""


class References:
    """The pictures that went along with a step, and the one that was edited where it is no step's own, in words and to be seen."""

    def __init__(self, lineage: Lineage) -> None:
        self._lineage = lineage

    def said(self, record: Record) -> Iterator[str]:
        """Each by its role, and by the step or the file that it is."""
        for source in _along(record):
            yield f"{source['role']}: {self._place(source, record.number)}"

    def shown(self, record: Record) -> str:
        """Those that are there, side by side."""
        figures = []
        for source in _along(record):
            try:
                picture = self._lineage.source(source)
            except LineageError:
                continue
            figures.append(figure(picture.thumbnail(REFERENCE_PIXELS), source["role"], alt=source["role"]))
        return strip(figures) if figures else ""

    def _place(self, source: Mapping[str, Any], number: int) -> str:
        if source.get("step"):
            return step_named(self._lineage, source["step"])
        maker = self._makers.get(source["sha256"])
        if maker and maker.number < number:  # what came later, such as this very step's own picture, was not there to be given
            return f"step {named(self._lineage, maker)} of this session"
        return f"a picture from outside, {source.get('file')}"

    @cached_property
    def _makers(self) -> dict[str, Record]:
        """The step that each picture first came out of, by sha256; all records are read for it, so only where it is needed."""
        return {output["sha256"]: record for record in reversed(self._lineage.records()) for output in record.outputs}


def _along(record: Record) -> Iterator[Mapping[str, Any]]:
    return (s for s in record.sources if s["role"] != "base" or not s.get("step"))


def is_draft(record: Record) -> bool:
    """Whether the offline painter made its picture."""
    return record.ok and record.request.get("endpoint") == "offline"


# Trees: a step that is continued once goes on straight below it, with an arrow; only branches are indented


class _Place(NamedTuple):
    """Where a walk through the tree is: at a root, at a branch (`last`: of its siblings), at the next of a run, or at a branch's end."""

    at: str
    record: Record
    last: bool = False
    leaf: bool = False  # nothing follows it


def _walk(lineage: Lineage) -> Iterator[_Place]:
    """All steps, each after what it continues; a stack of its own, for histories branch deeper than Python calls."""
    records = lineage.records()
    known = {r.id for r in records}
    ahead = [_Place("root", r) for r in reversed(records) if not r.parents or r.parents[0] not in known]
    while ahead:
        place = ahead.pop()
        if place.at == "end":
            yield place
            continue
        run, branches = _run(lineage, place.record)
        yield place._replace(leaf=len(run) == 1 and not branches)
        yield from (_Place("next", r) for r in run[1:])
        ahead.append(_Place("end", place.record, place.last))
        ahead += [_Place("branch", b, b is branches[-1]) for b in reversed(branches)]


def _run(lineage: Lineage, record: Record) -> tuple[list[Record], tuple[Record, ...]]:
    """The steps that follow one another from here, and the branches after the last of them."""
    run = [record]
    while len(children := lineage.children(run[-1])) == 1:
        run.append(children[0])
    return run, children


def _names(lineage: Lineage) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for name, full_id in lineage.tags().items():
        names.setdefault(full_id, []).append(name)
    return names


def tree_text(lineage: Lineage, *, head: str | None = None, files: bool = False) -> str:
    """The tree in lines: number, prompt, tags, where the head is; with `files` each step's file below it; at its end, what ↓ says."""
    names, has_arrow = _names(lineage), False
    lines: list[str] = []
    levels: list[str] = []  # the indent that each branch gives to what is below it; a root gives none
    for place in _walk(lineage):
        record = place.record
        if place.at == "end":
            levels.pop()
            continue
        if place.at == "root" and lines:
            lines.append("")
        has_arrow = has_arrow or place.at == "next"
        sign = {"root": "", "next": "↓ ", "branch": "└─ " if place.last else "├─ "}[place.at]
        lines.append("".join(levels) + sign + _line(record, names.get(record.id, ()), record.id == head))
        if place.at != "next":
            levels.append("" if place.at == "root" else "   " if place.last else "│  ")
        if files:
            shown = [lineage.folder / o["file"] for o in record.outputs] or [record.path]
            lines += [f"{''.join(levels)}  {path}" for path in shown]
    if has_arrow:
        lines.append(LEGEND)
    return "\n".join(lines)


def _line(record: Record, tags: Sequence[str], is_head: bool) -> str:
    marks = "".join(f" [{printable(t)}]" for t in tags) + (" <- head" if is_head else "")
    return f"{record.number} {headline(record)}{_times(record)}{marks}"


def _times(record: Record) -> str:
    return f" (asked {len(record.attempts)} times)" if len(record.attempts) > 1 else ""


class _Block:
    """One run of the notebook's tree: its figures in a row, below it the branches, those that end at once side by side."""

    def __init__(self) -> None:
        self.figures: list[Html] = []
        self.leaves: list[Html] = []
        self.blocks: list[str] = []

    def html(self) -> str:
        below = (strip(self.leaves) if self.leaves else "") + "".join(self.blocks)
        return strip(self.figures) + (f'<div style="{INDENT}">{below}</div>' if below else "")


def tree_html(lineage: Lineage, *, head: str | None = None) -> Html:
    """The tree as pictures, for a notebook."""
    names = _names(lineage)
    shown = {r.id for r in lineage.records()[-PICTURES_SHOWN:]}
    open_blocks = [_Block()]
    for place in _walk(lineage):
        record = place.record
        if place.at == "end":
            block = open_blocks.pop()
            if block.figures:
                open_blocks[-1].blocks.append(block.html())
            continue
        made = _figure(record, TREE_PIXELS, names.get(record.id, ()), record.id == head, record.id in shown)
        if place.at == "next":
            open_blocks[-1].figures += [ARROW, made]
            continue
        if place.at == "branch" and place.leaf:
            open_blocks[-1].leaves.append(made)
        open_blocks.append(_Block())
        open_blocks[-1].figures += [] if place.at == "branch" and place.leaf else [made]
    return Html("".join(open_blocks[0].blocks))


def strip_html(records: Sequence[Record], *, reused: Collection[str] = ()) -> Html:
    """Steps side by side; those whose ids are in `reused` were there already, and say so."""
    return strip(_figure(r, TREE_PIXELS, note=" (reused)" if r.id in reused else "") for r in records)


def _figure(record: Record, pixels: int, tags: Sequence[str] = (), is_head: bool = False, picture: bool = True, note: str = "") -> Html:
    marks = "".join(f" [{t}]" for t in tags) + (" ← head" if is_head else "")
    caption = f"{record.number} {headline(record)}{note}{marks}"
    if not record.pictures or not picture:
        return Html(f'<div style="width:{pixels}px;margin:4px;font-size:85%;overflow-wrap:anywhere">{escape(caption)}</div>')
    return Html(f'<div style="width:{pixels}px">{figure(record.pictures[0].thumbnail(pixels), caption, alt=headline(record))}</div>')


def step_card(record: Record, *, reused: bool = False) -> Html:
    """One step with its pictures, its prompt, and what it cost."""
    draft = " (offline draft)" if is_draft(record) else ""
    note = f"step {record.number}{', reused' if reused else ''}: {record.outcome}{draft}"
    figures = strip(figure(p.thumbnail(CARD_PIXELS), alt=headline(record)) for p in record.pictures)
    said = "" if record.ok or not record.attempts else f"{record.attempts[-1].get('text') or record.attempts[-1].get('message') or ''}"
    lines = [Html(f"<div>{escape(line)}</div>") for line in (record.prompt.get("text"), said) if line]
    return card(note, figures, *lines)


# The page


def page_html(lineage: Lineage, *, head: str | None = None, link: Callable[[str], str] | None = None) -> Html:
    """The whole history in one file that loads nothing: the tree, and for each step its thumbnail, its prompt and what is recorded.

    `link` turns a picture's file name into the URL to open it by; without it nothing is linked.
    """
    names, references = _names(lineage), References(lineage)
    tree: list[str] = []
    for place in _walk(lineage):
        record = place.record
        if place.at == "end":
            tree.append("</ol></li>")
            continue
        tree.append("" if place.at == "next" else "<li><ol>")
        facts = table(_facts(record, references))
        article = _article(record, names.get(record.id, ()), record.id == head, link, _origin(lineage, record), facts)
        tree.append(f"<li>{article}</li>")
    records = lineage.records()
    failed = sum(not r.ok for r in records)
    note = f"{len(records)} steps{f', {failed} of them without a picture' if failed else ''}"
    body = f'<h1>{escape(lineage.folder.name)}</h1><p class="note">{escape(note)}</p><ol>{"".join(tree)}</ol>'
    return page(lineage.folder.name, STYLE, body)


def _origin(lineage: Lineage, record: Record) -> str:
    """Which steps it was made from, in words."""
    numbers = [named(lineage, lineage.get(p)) for p in record.parents if lineage.has(p)]
    return f" from {' and '.join(numbers)}{_times(record)}" if numbers else _times(record)


def _article(record: Record, tags: Sequence[str], is_head: bool, link: Callable[[str], str] | None, origin: str, facts: Html) -> str:
    images = "".join(_linked(p, o, link, headline(record)) for p, o in zip(record.pictures, record.outputs, strict=True))
    marks = "".join(f' <span class="tag">{escape(t)}</span>' for t in tags) + (" ← head" if is_head else "")
    outcome = "" if record.ok else f' <span class="failed">{escape(record.outcome)}</span>'
    text = record.prompt.get("text") or headline(record)
    folded = f"<details><summary>how it came to be</summary>{facts}</details>"
    words = f'<b>{record.number}</b>{origin}{marks}{outcome}<p class="prompt">{escape(text)}</p>{folded}'
    return f'<article id="step-{record.number}"><div class="pictures">{images}</div><div>{words}</div></article>'


def _linked(picture: Picture, output: Mapping[str, Any], link: Callable[[str], str] | None, alt: str) -> str:
    image = f'<img src="{escape(picture.thumbnail(PAGE_PIXELS))}" alt="{escape(alt)}" loading="lazy">'
    return f'<a href="{escape(link(output["file"]))}">{image}</a>' if link else image


def _facts(record: Record, references: References) -> Iterator[tuple[object, object]]:
    prompt, request = record.prompt, record.request
    yield "id", record.id
    if when := local_time(str(record.fields.get("started"))):
        yield "when", when
    if prompt.get("template"):
        inputs = ", ".join(f"{k}={v!r}" for k, v in (prompt.get("inputs") or {}).items())
        yield "template", f"{prompt['template']}({inputs})"
    if said := "\n".join(references.said(record)):
        yield "with", Html(f"{escape(shortened(said))}{references.shown(record)}")
    if request:
        yield "asked", f"{request.get('model')} at {request.get('endpoint')}"
        yield from request.get("config", {}).items()
    for i, attempt in enumerate(record.attempts, 1):
        yield f"attempt {i}", _attempt_line(attempt, prompt.get("text"))
    if record.cost is not None and record.attempts:
        yield "cost", f"{record.cost:.4f} USD"
    for output in record.outputs:
        size = "×".join(map(str, output.get("size") or ()))
        yield "file", f"{output['file']} ({output['mime_type']} {size}, {output['bytes']:,} bytes)"
    for warning in record.fields.get("warnings") or ():
        yield "note", warning


def _attempt_line(attempt: Mapping[str, Any], asked: object) -> str:
    words = "" if attempt.get("sent_text") == asked else f"asked as: {attempt.get('sent_text')}\n"
    answer = attempt.get("text") or attempt.get("message") or ""
    reason = f" ({attempt['finish_reason']})" if attempt.get("finish_reason") else ""
    return f"{words}{attempt.get('outcome')}{reason}{f': {answer}' if answer else ''}"


# Contact sheets


def contact_sheet(pictures: Sequence[Picture], captions: Sequence[str] = (), *, columns: int = 4, pixels: int = 256) -> Image.Image:
    """Pictures in rows on one sheet, each at most `pixels` wide and high, with a line of text below it."""
    from PIL import Image, ImageDraw, ImageFont

    gap, line = 12, 22 if captions else 0
    columns = min(columns, max(1, len(pictures)))
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * (pixels + gap) + gap, rows * (pixels + gap + line) + gap), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for i, picture in enumerate(pictures):
        x, y = gap + i % columns * (pixels + gap), gap + i // columns * (pixels + gap + line)
        small = picture.image.convert("RGB")
        small.thumbnail((pixels, pixels))
        sheet.paste(small, (x + (pixels - small.width) // 2, y + (pixels - small.height) // 2))
        if i < len(captions):
            draw.text((x, y + pixels + 4), _fitting(captions[i], font, pixels), fill="black", font=font)
    return sheet


def _fitting(text: str, font: Any, pixels: int) -> str:
    if font.getlength(text) <= pixels:
        return text
    while text and font.getlength(text + "…") > pixels:
        text = text[:-1]
    return text + "…"
