"""The words that stand before a picture in a request, and say which one it is: its name and what it shows, in the prompt's language.

Only a request in which some picture has a name has such words; all others are sent as they always were. The names are those by which the
caller brings pictures, those that a template gives its own in `pictures: roles`, and those of the pictures that its library sends along.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptkit.images.picture import Picture
from promptkit.lineage.record import Record
from promptkit.prompts.inputs import Pictures

__all__ = ["LIBRARY", "Named", "Words", "labels", "picture_of", "recorded_words"]

LIBRARY = "library"  # the role of a picture that goes along because the template's library says so
NOT_OF_TEMPLATE = ("anchor", LIBRARY)  # roles of pictures that a template's own words do not count


@dataclass(frozen=True)
class Words:
    """How a picture is spoken of: by the `name` that it goes by, the `description` of what it shows, and the `label` that was sent before
    it where a recorded request is repeated. Each may be empty.
    """

    name: str = ""
    description: str = ""
    label: str = ""


@dataclass(frozen=True)
class Named:
    """A step or a picture that goes along, and how it is spoken of."""

    given: Record | Picture
    words: Words


@dataclass(frozen=True)
class _Phrases:
    """How a language binds names to a picture and lists them, and what it calls one without a name behind one that has one."""

    other: str
    colon: str = ": "
    comma: str = ", "
    semicolon: str = "; "


PHRASES = {
    "en": _Phrases("another picture"),
    "es": _Phrases("otra imagen"),
    "ja": _Phrases("別の画像", "：", "、", "；"),
    "zh": _Phrases("另一张图片", "：", "、", "；"),
    "hi": _Phrases("एक और तस्वीर"),
}


OTHERS = frozenset(f"{phrases.other}{phrases.colon}".rstrip() for phrases in PHRASES.values())


def recorded_words(source: Mapping[str, Any]) -> Words:
    """How a picture was spoken of in a recorded request; that it was just another one follows from the pictures before it."""
    name, description, label = (source.get(key) or "" for key in ("name", "description", "label"))
    return Words(name, description, "" if label in OTHERS else label)


def picture_of(given: Record | Picture | Named) -> Picture:
    """The picture of what goes along."""
    given = given.given if isinstance(given, Named) else given
    return given.picture if isinstance(given, Record) else given


def labels(sources: Sequence[tuple[str, Words]], roles: Pictures | None, lang: str) -> tuple[str, ...]:
    """What is sent before each picture, by their roles and words; empty where nothing is. `roles` says what the prompt's template calls
    its pictures: the one that is edited, then the references.
    """
    own = _of_template(sources, roles)
    if not any((*own, *(words.name or words.label for _, words in sources))):
        return ("",) * len(sources)
    phrases = PHRASES.get(lang.replace("_", "-").split("-")[0].lower(), PHRASES["en"])
    said = own if any(own) else _descriptions(sources, roles)
    return tuple(_behind_names([_label(words, role, phrases) for (_, words), role in zip(sources, said, strict=True)], sources, phrases))


def _of_template(sources: Sequence[tuple[str, Words]], roles: Pictures | None) -> list[Words | None]:
    """The name and the role that the template gives each picture, where it gives names."""
    if roles is None or not roles.names:
        return [None] * len(sources)
    named = (Words(name, role) for name, role in zip(roles.names, roles.roles, strict=True))
    return [None if role in NOT_OF_TEMPLATE else next(named, None) for role, _ in sources]


def _descriptions(sources: Sequence[tuple[str, Words]], roles: Pictures | None) -> list[Words | None]:
    """What the template says of each picture, where it gives them no names."""
    if roles is None:
        return [None] * len(sources)
    said = (Words(description=role) for role in roles.roles)
    return [None if role in NOT_OF_TEMPLATE else next(said, None) for role, _ in sources]


def _label(words: Words, role: Words | None, phrases: _Phrases) -> str:
    """The picture's names with what they stand for, as `heroine: the girl with the red scarf`: the caller's, then the template's."""
    if words.label and role is None:
        return words.label
    said = [words, role or Words()]
    names = phrases.comma.join(dict.fromkeys(each.name for each in said if each.name))
    shown = phrases.semicolon.join(dict.fromkeys(each.description for each in said if each.description))
    return f"{names}{phrases.colon}{shown}".rstrip() if names else shown


def _behind_names(said: Sequence[str], sources: Sequence[tuple[str, Words]], phrases: _Phrases) -> Iterator[str]:
    """The labels, with one for each picture that would else stand below the label of the picture before it."""
    is_labelled = False
    for label, (role, _) in zip(said, sources, strict=True):
        is_labelled = is_labelled or bool(label)
        yield label or (f"{phrases.other}{phrases.colon}".rstrip() if is_labelled and role != "base" else "")
