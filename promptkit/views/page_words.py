"""The page's own words, in each language that a page can be in: the rows of page_words.toml, which a speaker can mend."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

__all__ = ["PageWords", "page_languages", "page_words"]

ENGLISH = "en"


class PageWords:
    """The words of a page in one language; `lang` is its tag."""

    def __init__(self, lang: str, words: Mapping[str, str]) -> None:
        self.lang, self.all = lang, words

    def __call__(self, name: str, **filled: object) -> str:
        """The phrase of that name, with what is filled in."""
        return self.all[name].format(**filled)

    def speaks(self, lang: str) -> bool:
        """Whether they are in the language of that tag, wherever it is spoken."""
        return _language(lang) == _language(self.lang)

    def of(self, kind: str, name: str) -> str:
        """What a name that stands in records is called here, such as `outcome` and `refused`; a name without a row is its own word."""
        return self.all.get(f"{kind}-{name.replace(' ', '-')}", name)


def page_words(lang: str) -> PageWords:
    """The words in the language that is meant by a tag, or else in the nearest: English where a page cannot be in that language."""
    found = _meant(lang) or ENGLISH
    return PageWords(found, {name: row[found] for name, row in _table().items()})


def page_languages() -> tuple[str, ...]:
    """The tags of the languages that a page can be in, English first."""
    return tuple(next(iter(_table().values())))


def _meant(lang: str) -> str | None:
    """The same tag, else the one of the same language: es-ES reads es-MX, and zh reads zh-CN."""
    tags = {tag.lower(): tag for tag in page_languages()}
    wanted = lang.replace("_", "-").lower()
    same = (tag for tag in tags.values() if _language(tag) == _language(wanted))
    return tags.get(wanted) or next(same, None)


def _language(tag: str) -> str:
    return tag.replace("_", "-").partition("-")[0].lower()


@cache
def _table() -> dict[str, dict[str, str]]:
    return tomllib.loads(files("promptkit.views").joinpath("page_words.toml").read_text(encoding="utf-8"))
