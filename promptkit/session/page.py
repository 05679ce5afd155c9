"""The page of a session, as a file: which steps it has, in which language, how large its pictures are, and where it may be written."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from promptkit import atomic, config
from promptkit.errors import LineageError, SettingsError, did_you_mean, warn
from promptkit.lineage.location import Where
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.progress import Listener
from promptkit.views.facts import sent_along
from promptkit.views.page import page_html
from promptkit.views.page_pictures import EMBEDDINGS, Embedding, PagePictures
from promptkit.views.page_story import Link
from promptkit.views.page_words import PageWords, page_languages, page_words
from promptkit.views.review import review_html

__all__ = ["SessionPage"]

NAME, REVIEW_NAME = "page.html", "review.html"
SUFFIXES = (".html", ".htm")
GENERATOR = b'<meta name="generator" content="promptkit">'
BEGINNING = 4096  # bytes of a page, in which that stands


@dataclass(frozen=True)
class SessionPage:
    """What a page of a session shows: these steps, or all of them; where the head is; its title; the language of its own words; how large
    its pictures are; with `review` it is the page for readers, who choose. SettingsError, LineageError where there is nothing to show.
    """

    lineage: Lineage
    steps: Sequence[Record] | None = None
    head: str | None = None
    title: str | None = None
    lang: str | None = None
    embed: str = "thumbnails"
    listener: Listener | None = None
    review: bool = False

    def write(self, path: Where | None = None, *, overwrite: bool = False) -> Path:
        """Writes it, by default as page.html (review.html) in the session's folder; returns its path."""
        own = self.lineage.folder / (REVIEW_NAME if self.review else NAME)
        target = _target(path, own)
        if not overwrite and target != own and not atomic.may_replace(target, b"", lambda there: GENERATOR in there[:BEGINNING]):
            raise _not_replaced(target)
        data = self.encoded(target.parent)
        try:
            atomic.write_whole(target, data)
        except OSError as error:
            said = f"{target} cannot be written: {error.strerror or error}"
            raise SettingsError(f"{said}; name another file.").also(in_shell=f"{said}; -o names another file.") from None
        return target

    def encoded(self, place: Path) -> bytes:
        """The bytes of the file, for one that lies in the folder `place`: its links to the pictures' files start there."""
        base = os.path.relpath(self.lineage.folder, place)
        return self._html(lambda name: quote(f"./{Path(base, name).as_posix()}"))

    def served(self, link: Link, live: Mapping[str, Any]) -> bytes:
        """The bytes of the page as it is served: with all steps that there are now, and the head where the folder has it."""
        lineage = Lineage(self.lineage.folder)
        return replace(self, lineage=lineage, head=lineage.head()[0])._html(link, live)

    def _html(self, link: Link, live: Mapping[str, Any] | None = None) -> bytes:
        words, embed, chosen = _words(self.lang), _embedding(self.embed), self._chosen()
        if self.review:
            _check_review(embed)
            return review_html(self.lineage, chosen, words, title=self.title, listener=self.listener).encode("utf-8", "replace")
        along = sum(len(list(sent_along(record))) for record in chosen)
        pictures = PagePictures(sum(len(record.outputs) for record in chosen), embed, along=along)
        pictures.prepare((picture for record in chosen if not record.forgotten for picture in record.pictures), self.listener)
        html = page_html(
            self.lineage,
            steps=chosen,
            head=self.head,
            link=link,
            title=self.title,
            words=words,
            pictures=pictures,
            live=live,
        )
        return html.encode("utf-8", "replace")

    def _chosen(self) -> Sequence[Record]:
        chosen = self.lineage.records() if self.steps is None else self.steps
        if not chosen:
            said = "There is nothing to show yet: make a picture with generate(…), or bring one with add(…)."
            raise LineageError(said, path=self.lineage.folder)
        return chosen


def _target(path: Where | None, own: Path) -> Path:
    if path is None:
        return own
    target = Path(path).expanduser()
    if target.is_dir() or not target.name:
        raise SettingsError(f"{target} is a folder; name a file in it, such as {target / NAME}.")
    if target.suffix.lower() not in (*SUFFIXES, ""):
        said = f"{target} would be taken for something else than a page"
        raise SettingsError(f"{said}; give a name that ends in .html.")
    return target if target.suffix else target.with_name(target.name + SUFFIXES[0])


def _not_replaced(target: Path) -> SettingsError:
    said = f"{target} is there already, and promptkit did not write it"
    error = SettingsError(f"{said}: give another name, or overwrite=True to replace it.")
    return error.also(in_shell=f"{said}: -o names another file, --overwrite replaces it.")


def _words(lang: str | None) -> PageWords:
    """The words in the language that was asked for, else in that of the settings; a language without words is said."""
    if lang is not None and not isinstance(lang, str):
        raise SettingsError(f"lang={lang!r:.40} is no language; write a tag such as 'ja'.")
    words = page_words(lang or config.language())
    if lang and not words.speaks(lang):
        warn(f"A page has no words of its own in {lang!r:.20}, so they are English; there are {', '.join(page_languages())}.")
    return words


def _check_review(embed: Embedding) -> None:
    if embed == "originals":
        said = "A page for readers holds no files as they are, for these may say what was asked for; its pictures have 1,600 pixels"
        raise SettingsError(f"{said}: leave embed= out.").also(in_shell=f"{said}: leave --embed out.")


def _embedding(embed: str) -> Embedding:
    for known in EMBEDDINGS:
        if embed == known:
            return known
    said = f"embed={embed!r:.40} is no size of pictures{did_you_mean(str(embed), EMBEDDINGS)}"
    raise SettingsError(f"{said}; give {' or '.join(map(repr, EMBEDDINGS))}.")
