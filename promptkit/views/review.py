"""The page for readers: pictures with their numbers and labels in one file, in which a person without promptkit chooses among them.

It holds nothing else of a record: whoever gets the file finds no prompt, template, model, attempt, cost, warning, tag or path in it. Its
pictures are made anew from the pixels, for a file may bring along what it was asked for. Without a script it is a list that says how to
answer; the script beside this file takes down what the reader says, as lineage.marks_file reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from promptkit.errors import LineageError
from promptkit.images.picture import Picture
from promptkit.images.thumbnails import make_thumbnails
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.markup import Html, escape, page, visible
from promptkit.progress import Listener
from promptkit.views.facts import step_name
from promptkit.views.page import page_file
from promptkit.views.page_story import anchor
from promptkit.views.page_words import PageWords

__all__ = ["review_html"]

PIXELS = 800  # CSS pixels of a picture's longest side: 1,600 of a sharp screen's
MOST = 400_000  # bytes of a picture
LARGEST = 14_000_000  # bytes of all pictures, in base64 a third more: a mail takes 20 MB
WORDS = (  # what the script says, and no other row of the table
    *("again", "all", "box", "box-about", "choice", "close", "compare-kept", "copied-text", "copy-text", "enlarge", "judged", "keep"),
    *("left", "name", "neither", "next", "note", "nothing-yet", "one-by-one", "place", "previous", "rating", "reject", "remove-box"),
    *("right", "round-over", "save-file", "saved", "send", "send-about", "share", "stars", "taken-back", "text", "two-about"),
    *("two-at-a-time", "ways"),
)


def review_html(
    lineage: Lineage,
    steps: Sequence[Record],
    words: PageWords,
    *,
    title: str | None = None,
    listener: Listener | None = None,
    largest: int = LARGEST,
) -> Html:
    """The page with the pictures of these steps that can be shown, at most 1,600 pixels a side and all together of about `largest` bytes.
    LineageError where there is none.

    `title` is in the page's words unless given: a folder's name may say more than a reader should know.
    """
    chosen = sorted((r for r in steps if r.ok and not r.forgotten), key=lambda record: record.number)
    shown = _Pictures([picture for record in chosen for picture in record.pictures], largest, listener)
    items = [(record, item) for record in chosen if (item := _item(lineage, record, shown))]
    if not items:
        raise LineageError("None of these steps has a picture to choose: name others, or make one first.", path=lineage.folder)
    name = visible(words("review") if title is None else title)
    body = (
        f'<header class="top"><h1 dir="auto">{escape(name)}</h1><p class="answer">{escape(words("answer"))}</p></header>'
        f'<main id="list"><ol>{"".join(item for _, item in items)}</ol></main>'
    )
    said = {name: words.all[name] for name in WORDS}
    data = {"words": said, "root": _root(lineage, items[0][0]), "steps": [_step(lineage, record) for record, _ in items]}
    script = page_file("elements.js") + page_file("boxes.js") + page_file("review.js")
    return page(name, page_file("review.css"), body, lang=words.lang, script=script, data=data)


class _Pictures:
    """The pictures of the page as data URIs, each as large as all of them together allow."""

    def __init__(self, pictures: Sequence[Picture], largest: int, listener: Listener | None) -> None:
        self._most = min(MOST, largest // max(1, len(pictures)))
        make_thumbnails(pictures, PIXELS, listener, most=self._most)

    def source(self, picture: Picture) -> str:
        """Empty where it is missing or cannot be decoded."""
        made = picture.thumbnail(PIXELS, self._most)
        return str(made) if made.width else ""


def _item(lineage: Lineage, record: Record, pictures: _Pictures) -> str:
    """The step's pictures over its number and label; an empty text where none of them can be shown."""
    name, label = escape(step_name(lineage, record)), escape(_label(record))
    sources = [pictures.source(picture) for picture in record.pictures]
    images = "".join(_image(record, i, source, f"{name} {label}".strip()) for i, source in enumerate(sources) if source)
    caption = f'<figcaption dir="auto"><b>{name}</b>{f" {label}" if label else ""}</figcaption>'
    return f'<li id="{anchor(lineage, record)}"><figure>{images}{caption}</figure></li>' if images else ""


def _image(record: Record, i: int, source: str, alt: str) -> str:
    width, height = record.outputs[i].size or (None, None)
    size = f' data-width="{width}" data-height="{height}"' if width else ""
    return f'<img src="{escape(source)}" alt="{alt}"{size} decoding="async">'


def _label(record: Record) -> str:
    """What its user calls it. One of several variants is called by what varied, and so by words of its prompt: it goes by its number."""
    return "" if record.varied else visible(record.label or "")


def _step(lineage: Lineage, record: Record) -> dict[str, Any]:
    """What the script needs of a step: its place in the page, and by what its marks name it, in a file and in a text."""
    name = step_name(lineage, record)
    key = name if name.isdecimal() else record.id[:10]
    return {"id": record.id, "at": anchor(lineage, record), "key": key, "name": name, "label": _label(record)}


def _root(lineage: Lineage, record: Record) -> str | None:
    """The id of the root that a step comes from, by which the file of marks names the session; None where that is not here."""
    seen = {record.id}
    while record.parents and record.parents[0] not in seen:
        seen.add(record.parents[0])
        try:
            record = lineage.get(record.parents[0])
        except LineageError:
            return None
    return None if record.parents else record.id
