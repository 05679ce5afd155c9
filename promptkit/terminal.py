"""Text for a terminal: without what would drive it, and in columns, in any script."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import accumulate

__all__ = ["aligned", "cut", "printable", "width"]

JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"  # without them some words and emoji come apart
# Signs and joiners, which stand on or in their letter. Of the spacing ones (Mc) terminals differ; newer ones draw a syllable as one.
NO_COLUMN = ("Mn", "Mc", "Me", "Cf")
SIGNS = 4  # characters for a column at most; what has more is marks upon marks


def printable(text: str, keep: str = "") -> str:
    """The text without what would drive a terminal: a folder may come from a stranger. Each kind of space becomes a plain one.

    Halves of surrogate pairs, as file names that are no UTF-8 have them, go too. Characters in `keep` stay, such as line ends.
    """
    return "".join(c if c.isprintable() or c in JOINERS or c in keep else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text)


def width(text: str) -> int:
    """How many columns of a terminal it takes: letters that are twice as wide count twice, marks above and below them not at all."""
    return len(text) if text.isascii() else sum(map(_columns_of, text))


def _columns_of(c: str) -> int:
    if unicodedata.category(c) in NO_COLUMN or "\u1160" <= c <= "\u11ff":  # the latter: vowels and ends of a Korean syllable
        return 0
    return 2 if unicodedata.east_asian_width(c) in "WF" else 1


def cut(text: str, columns: int) -> str:
    """The text where it fits into so many columns, else its beginning and …; letters keep their marks."""
    beginning = text[: SIGNS * columns]
    if beginning == text and width(text) <= columns:
        return text
    ends = accumulate(map(width, beginning))
    return "".join(c for c, end in zip(beginning, ends, strict=True) if end < columns) + "…"


def aligned(rows: Iterable[Sequence[str]], *, numbers: bool = False) -> list[str]:
    """Rows as lines of text in columns, to the left; with `numbers` all but the first column to the right."""
    padded = (_padded(column, to_the_right=numbers and i > 0) for i, column in enumerate(zip(*rows, strict=True)))
    return ["  ".join(line).rstrip() for line in zip(*padded, strict=True)]


def _padded(column: Sequence[str], *, to_the_right: bool) -> list[str]:
    widest = max(map(width, column))
    spaces = (" " * (widest - width(cell)) for cell in column)
    return [space + cell if to_the_right else cell + space for space, cell in zip(spaces, column, strict=True)]
