"""The page: a whole history in one HTML file that loads nothing.

The file is a list of all steps, each with its whole story, which is there without any script. The script beside this file makes a tree of
it that can be folded and searched, with one story beside it; the data that it reads says how the steps hang together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from promptkit.cost import FREE
from promptkit.errors import LineageError
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.markup import Html, escape, page, visible
from promptkit.views.facts import headline
from promptkit.views.page_pictures import PagePictures
from promptkit.views.page_story import Link, Stories, anchor, shown_text, template_anchor
from promptkit.views.page_words import PageWords, page_words
from promptkit.views.tree import tags_by_id

__all__ = ["page_file", "page_html"]


def page_html(
    lineage: Lineage,
    *,
    steps: Sequence[Record] | None = None,
    head: str | None = None,
    link: Link | None = None,
    title: str | None = None,
    words: PageWords | None = None,
    pictures: PagePictures | None = None,
    live: Mapping[str, Any] | None = None,
) -> Html:
    """The history in one file that loads nothing: of all steps, or of these, the tree, and each step's story.

    `link` turns a picture's file name into the URL to open it by; without it nothing is linked. `title` is the folder's name unless given,
    `words` are English, `pictures` thumbnails. `live` is what a page that is served needs beside it: its version, and its reader's name.
    """
    chosen = sorted(lineage.records() if steps is None else steps, key=lambda record: record.number)
    words = words or page_words("en")
    pictures = pictures or PagePictures(sum(len(record.outputs) for record in chosen))
    stories, tags = Stories(lineage, chosen, words, pictures, link), tags_by_id(lineage)
    articles = "".join(f"<li>{stories.article(r, tags.get(r.id, ()), r.id == head)}</li>" for r in chosen)
    name = visible(lineage.folder.name if title is None else title)
    body = (
        f'<header class="top"><h1 dir="auto">{escape(name)}</h1><p>{escape(_summary(chosen, words))}</p></header>'
        f'<main id="list"><ol>{articles}</ol>{_templates(lineage, stories, words)}</main>'
    )
    data: dict[str, Any] = {"lang": words.lang, "words": dict(words.all), "steps": _steps(lineage, chosen, stories, tags, head)}
    script, style = page_file("elements.js") + page_file("boxes.js") + page_file("page.js"), page_file("page.css")
    if live is None:
        return page(name, style, body, lang=words.lang, script=script, data=data)
    data["live"] = {**live, "steps": {anchor(lineage, record): _marked(record, stories) for record in chosen}}
    return page(name, style + page_file("live.css"), body, lang=words.lang, script=script + page_file("live.js"), data=data, is_live=True)


def _summary(chosen: Sequence[Record], words: PageWords) -> str:
    failed, cost = sum(not r.ok for r in chosen), sum((r.cost for r in chosen), FREE)
    said = [f"{words('steps')}: {len(chosen)}", f"{words('without-picture')}: {failed}" if failed else ""]
    return " · ".join(filter(None, [*said, f"{words('cost')}: {cost.known.in_words('.4f')}" if cost.sums else ""]))


def _steps(
    lineage: Lineage, chosen: Sequence[Record], stories: Stories, tags: Mapping[str, Sequence[str]], head: str | None
) -> list[dict[str, Any]]:
    """What the script needs of each step. `up` is the place in this list of the nearest step before it that the page has, or None."""
    places = {record.id: i for i, record in enumerate(chosen)}
    return [
        {
            "at": anchor(lineage, record),
            "name": stories.name(record),
            "up": _before(lineage, record, places),
            "caption": visible(headline(record)),
            "tags": [visible(tag) for tag in tags.get(record.id, ())],
            "head": record.id == head,
            "failed": "" if record.ok else stories.outcome(record),
            **({"marks": [visible(marks)]} if (marks := stories.marks_in_short(record)) else {}),
            **({"small": stories.small[record.id]} if record.id in stories.small else {}),
        }
        for record in chosen
    ]


def _marked(record: Record, stories: Stories) -> dict[str, Any]:
    """By what a step is named when it is marked, and what each reader says of it."""
    names = ("by", "verdict", "stars", "note", "region")
    return {"id": record.id, "marks": [{name: getattr(mark, name) for name in names} for mark in stories.read(record)]}


def _before(lineage: Lineage, record: Record, places: Mapping[str, int]) -> int | None:
    seen = {record.id}
    while record.parents and record.parents[0] not in seen:
        if record.parents[0] in places:
            return places[record.parents[0]]
        seen.add(record.parents[0])
        try:
            record = lineage.get(record.parents[0])
        except LineageError:
            return None
    return None


def _templates(lineage: Lineage, stories: Stories, words: PageWords) -> str:
    """The sources of the templates, each once, for the steps that link to them."""
    told = "".join(_template(lineage, digest, name) for digest, name in stories.templates.items() if digest)
    return f'<section id="templates"><h2>{escape(words("templates"))}</h2>{told}</section>' if told else ""


def _template(lineage: Lineage, digest: str, name: str) -> str:
    try:
        sources = lineage.template_files(digest)
    except LineageError:
        sources = {}
    shown = "".join(f'<h4>{shown_text(file)}</h4><pre dir="auto">{shown_text(text)}</pre>' for file, text in sources.items())
    return f'<section id="{template_anchor(digest)}"><h3>{shown_text(name)} <code>{escape(digest[:10])}</code></h3>{shown}</section>'


@cache
def page_file(name: str) -> str:
    """The page's style, or one of its scripts: `page.css`, for example."""
    return files("promptkit.views").joinpath(name).read_text(encoding="utf-8")
