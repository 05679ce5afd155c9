"""Text for a terminal: without control characters, and in columns, in any script."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import accumulate
from shutil import get_terminal_size
from typing import NamedTuple, Self, TextIO

__all__ = [
    "BOLD",
    "CYAN",
    "GREEN",
    "RED",
    "YELLOW",
    "LineStyle",
    "aligned",
    "cut",
    "has_colour",
    "how_many",
    "in_colour",
    "is_completing",
    "printable",
    "width",
]

BOLD, RED, GREEN, YELLOW, CYAN = "1", "31", "32", "33", "36"  # as terminals number them

JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"  # without them some words and emoji fall apart
# Combining marks and joiners take no column of their own. Terminals differ about spacing marks (Mc); newer ones draw a syllable as one.
NO_COLUMN = ("Mn", "Mc", "Me", "Cf")
CHARACTERS_A_COLUMN = 4  # at most; a text with more is marks upon marks


def printable(text: str, keep: str = "") -> str:
    """The text without control characters, which could drive a terminal: a text may come from a stranger. Other spaces become plain ones.

    Halves of surrogate pairs, which stand in file names that are not UTF-8, are replaced too. Characters in `keep` stay, such as line ends.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in JOINERS or c in keep else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text)


def how_many(count: int, what: str) -> str:
    """So many of them: "1 row", "2 rows"."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def has_colour(stream: TextIO) -> bool:
    """Whether the stream is a terminal that shows colours, and NO_COLOR does not forbid them."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not stream.isatty():
        return False
    return sys.platform != "win32" or "WT_SESSION" in os.environ  # older consoles would show the codes


class LineStyle(NamedTuple):
    """How lines are shown: in at most so many columns (None: as long as they are), and whether in colours."""

    columns: int | None = None
    has_colour: bool = False

    @classmethod
    def of(cls, stream: TextIO) -> Self:
        """As the terminal behind the stream shows them; whole and without colours where there is none."""
        return cls(get_terminal_size().columns if stream.isatty() else None, has_colour(stream))


def in_colour(text: str, *codes: str) -> str:
    """The text between the codes that colour it in a terminal and those that end that; nothing of nothing."""
    return f"\033[{';'.join(codes)}m{text}\033[0m" if text and codes else text


def is_completing() -> bool:
    """Whether a shell asks what may be typed next, by argcomplete's protocol."""
    return "_ARGCOMPLETE" in os.environ


def width(text: str) -> int:
    """How many columns of a terminal the text takes: wide letters take two, marks above and below a letter none."""
    return len(text) if text.isascii() else sum(map(_columns_of, text))


def _columns_of(c: str) -> int:
    if unicodedata.category(c) in NO_COLUMN or "\u1160" <= c <= "\u11ff":  # the latter: vowels and ends of a Korean syllable
        return 0
    return 2 if unicodedata.east_asian_width(c) in "WF" else 1


def cut(text: str, columns: int) -> str:
    """The text, or where it is wider than so many columns its beginning and …; letters keep their marks."""
    beginning = text[: CHARACTERS_A_COLUMN * columns]
    if beginning == text and width(text) <= columns:
        return text
    ends = accumulate(map(width, beginning))
    return "".join(c for c, end in zip(beginning, ends, strict=True) if end < columns) + "…"


def aligned(rows: Iterable[Sequence[str]], *, numbers: bool = False) -> list[str]:
    """Rows as lines of text in columns, aligned left; with `numbers`, all but the first column aligned right."""
    padded = (_padded(column, to_the_right=numbers and i > 0) for i, column in enumerate(zip(*rows, strict=True)))
    return ["  ".join(line).rstrip() for line in zip(*padded, strict=True)]


def _padded(column: Sequence[str], *, to_the_right: bool) -> list[str]:
    widest = max(map(width, column))
    spaces = (" " * (widest - width(cell)) for cell in column)
    return [space + cell if to_the_right else cell + space for space, cell in zip(spaces, column, strict=True)]
