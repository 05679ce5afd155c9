"""What the filters of a template do to a text: articles, first letters, the stop at a sentence's end.

Pure functions of text, which know nothing of Jinja. sandbox holds the table of all filters that a template may use, and limits each.
"""

from __future__ import annotations

import re

__all__ = ["article", "bare", "lower_first", "unstopped", "upper_first"]

DETERMINERS = frozenset(
    {"the", "this", "that", "these", "those", "my", "your", "his", "her", "its", "our", "their", "some", "any", "no", "each", "every",
     "both", "all", "many", "several", "few", "most", "another", "either", "neither",
     "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"}
)
# spelled with a vowel that is said as "you" or "one", and with an h that is not said
CONSONANT_SOUND = re.compile(r"eu|ew|one(?![a-z])|once|uni[^nmd]|u[bcfhjkqrst][aeiou]", re.IGNORECASE)
VOWEL_SOUND = re.compile(r"[aeiou]|hour|honest|honou?r|heir|8|1[18](?!\d)|1[18]\d\d(?!\d)", re.IGNORECASE)
OWN_ARTICLE = re.compile(r"\A\s*(?:an?|the)\s+", re.IGNORECASE)
FIRST_WORD = re.compile(r"[^\W_]+")


def article(text: str, *, names: bool = False) -> str:
    """The text with "a" or "an" before it, unless it brings an article, a number or an owner of its own.

    `names`: what looks like a name (each word begins with a capital letter and goes on in small ones) gets none either.
    """
    text = text.strip()
    first, _, rest = text.partition(" ")
    if first in ("A", "An") and rest[:1].islower():
        return text.replace(first, first.lower(), 1)
    word = FIRST_WORD.search(first)
    if word is None or not word[0].isascii() or _is_determined(first, rest) or (names and text.istitle()):
        return text
    return f"{'an' if _sounds_like_a_vowel(word[0], first) else 'a'} {text}"


def _is_determined(first: str, rest: str) -> bool:
    word = first.lower()
    counts_or_article = bool(rest) and (word.isdigit() or word in ("a", "an"))
    owner = word.endswith(("'s", "’s")) and first[0].isupper()
    return counts_or_article or owner or word in DETERMINERS


def _sounds_like_a_vowel(word: str, first: str) -> bool:
    if word.isupper() and (len(word) <= 3 or not set(word[1:]) & set("AEIOU")):
        return word[0] in "AEFHILMNORSX"  # said letter by letter, as UFO and X-ray are
    return bool(VOWEL_SOUND.match(first, first.find(word))) and not CONSONANT_SOUND.match(word)


def bare(text: str) -> str:
    """The text without the article at its beginning."""
    return OWN_ARTICLE.sub("", text)


def lower_first(text: str) -> str:
    """The text with its first letter small, unless the second is a capital or none: "Add a hat", but "UFO" and "A hat" stay."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def upper_first(text: str) -> str:
    """The text with its first letter large and all others as they were."""
    return text[:1].upper() + text[1:]


def unstopped(text: str) -> str:
    """The text without the full stop or exclamation mark at its end, so that a sentence can go on; an ellipsis stays."""
    text = text.rstrip()
    return text if text.endswith("..") else text.rstrip(".。．｡।!！")
