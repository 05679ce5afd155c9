"""The page: a whole history in one HTML file that loads nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from promptkit.images.picture import Picture
from promptkit.lineage.marked import marks_in_short
from promptkit.lineage.marks import Mark
from promptkit.lineage.record import Record
from promptkit.lineage.schema import Output
from promptkit.lineage.tree import Lineage
from promptkit.markup import Html, escape, page, table
from promptkit.views.cards import pictures_html, references_html
from promptkit.views.facts import References, facts, headline, local_time, outcome_in_words, step_name, times_asked
from promptkit.views.tree import tags_by_id, walk

__all__ = ["page_html"]

Link = Callable[[str], str]  # from a picture's file name to the URL to open it by

PAGE_PIXELS = 256
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


def page_html(lineage: Lineage, *, head: str | None = None, link: Link | None = None) -> Html:
    """The whole history in one file that loads nothing: the tree, and for each step its thumbnail, its prompt and what is recorded.

    `link` turns a picture's file name into the URL to open it by; without it nothing is linked.
    """
    tags, marks, references = tags_by_id(lineage), lineage.marks(), References(lineage)
    tree: list[str] = []
    for visit in walk(lineage):
        record = visit.record
        if visit.at == "end":
            tree.append("</ol></li>")
            continue
        tree.append("" if visit.at == "next" else "<li><ol>")
        own = marks.get(record.id, ())
        names = [*tags.get(record.id, ()), *([marks_in_short(own)] if own else [])]
        rows = table(_rows(lineage, record, references, own))
        article = _article(record, names, record.id == head, link, _origin(lineage, record), rows)
        tree.append(f"<li>{article}</li>")
    records = lineage.records()
    failed = sum(not r.ok for r in records)
    note = f"{len(records)} steps{f', {failed} of them without a picture' if failed else ''}"
    body = f'<h1>{escape(lineage.folder.name)}</h1><p class="note">{escape(note)}</p><ol>{"".join(tree)}</ol>'
    return page(lineage.folder.name, STYLE, body)


def _origin(lineage: Lineage, record: Record) -> str:
    """Which steps it was made from, in words."""
    numbers = [step_name(lineage, lineage.get(p)) for p in record.parents if lineage.has(p)]
    return f" from {' and '.join(numbers)}{times_asked(record)}" if numbers else times_asked(record)


def _article(record: Record, names: Sequence[str], is_head: bool, link: Link | None, origin: str, rows: Html) -> str:
    shown = [] if record.forgotten else zip(record.pictures, record.outputs, strict=True)
    images = "".join(_linked(p, o, link, headline(record)) for p, o in shown) or pictures_html(record, PAGE_PIXELS)
    marks = "".join(f' <span class="tag" dir="auto">{escape(name)}</span>' for name in names) + (" ← head" if is_head else "")
    told = outcome_in_words(record)
    outcome = "" if told in ("picture", "added") else f' <span class="{"note" if record.ok else "failed"}">{escape(told)}</span>'
    text = record.prompt.get("text") or headline(record)
    folded = f"<details><summary>how it came to be</summary>{rows}</details>"
    words = f'<b>{record.number}</b>{origin}{marks}{outcome}<p class="prompt">{escape(text)}</p>{folded}'
    return f'<article id="step-{record.number}"><div class="pictures">{images}</div><div>{words}</div></article>'


def _linked(picture: Picture, output: Output, link: Link | None, alt: str) -> str:
    image = f'<img src="{escape(picture.thumbnail(PAGE_PIXELS))}" alt="{escape(alt)}" loading="lazy">'
    return f'<a href="{escape(link(output.name))}">{image}</a>' if link else image


def _rows(lineage: Lineage, record: Record, references: References, marks: Sequence[Mark]) -> Iterator[tuple[object, object]]:
    """When, and the record's facts but for the prompt, which stands above them; the pictures that were sent along are shown among them."""
    if when := local_time(str(record.fields.get("started"))):
        yield "when", when
    for fact in facts(record, lineage, references=references.in_words(record), marks=marks):
        if fact.name == "with":
            yield fact.name, Html(f"{escape(fact.short)}{references_html(lineage, record)}")
        elif fact.name != "prompt":
            yield fact.name, fact.text if fact.name == "id" else fact.short
