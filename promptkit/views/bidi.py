"""The order in which a line of several scripts is read: the Unicode bidirectional algorithm (UAX #9), for text without its controls.

Explicit embeddings, overrides and isolates are no part of it: captions hold none. Paired brackets take the direction of what is around.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

__all__ = ["Stretch", "is_right_to_left", "visual_order"]

RIGHT = ("R", "AL")
NUMBERS = ("EN", "AN")


class Stretch(NamedTuple):
    """Characters of one direction, in the order in which they are read."""

    text: str
    is_right_to_left: bool


def is_right_to_left(text: str) -> bool:
    """Whether a text is read from the right: its first letter is."""
    kinds = (unicodedata.bidirectional(character) for character in text)
    return next((kind in RIGHT for kind in kinds if kind in ("L", *RIGHT)), False)


def visual_order(text: str, *, from_right: bool) -> list[Stretch]:
    """A line in stretches from left to right; `from_right`: the text that it is a line of is read from the right."""
    levels = _levels(text, int(from_right))
    places = groupby(range(len(text)), key=levels.__getitem__)
    stretches = [(level, "".join(text[i] for i in places_there)) for level, places_there in places]
    for least in range(max((level for level, _ in stretches), default=0), 0, -1):
        stretches = list(_reversed_from(least, stretches))
    return [Stretch(part, level % 2 == 1) for level, part in stretches]


def _reversed_from(least: int, stretches: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Rule L2: what stands beside one another at that level or above it changes its order."""
    for is_above, group in groupby(stretches, key=lambda stretch: stretch[0] >= least):
        beside = list(group)
        yield from reversed(beside) if is_above else beside


def _levels(text: str, base: int) -> list[int]:
    """The level of each character: even ones are read from the left."""
    kinds = _resolved(_weak([unicodedata.bidirectional(character) or "L" for character in text], base), base)
    levels = [_level(kind, base) for kind in kinds]
    for i in range(len(text) - 1, -1, -1):  # rule L1
        if not text[i].isspace():
            break
        levels[i] = base
    return levels


def _level(kind: str, base: int) -> int:
    """Rules I1 and I2."""
    if base:
        return 1 if kind == "R" else 2
    return {"L": 0, "R": 1}.get(kind, 2)


def _weak(kinds: list[str], base: int) -> list[str]:
    """Rules W1 to W7: what digits, marks and separators count as."""
    start, strong = ("R" if base else "L"), ("R" if base else "L")
    before = start
    for i, kind in enumerate(kinds):
        kind = before if kind in ("NSM", "BN") else kind
        strong = kind if kind in ("L", *RIGHT) else strong
        kinds[i] = before = "AN" if kind == "EN" and strong == "AL" else kind
    for i in range(1, len(kinds) - 1):
        left, kind, right = kinds[i - 1 : i + 2]
        if left == right and ((kind in ("ES", "CS") and left == "EN") or (kind == "CS" and left == "AN")):
            kinds[i] = left
    _beside_numbers(kinds)
    strong = start
    for i, kind in enumerate(kinds):
        kind = "R" if kind == "AL" else "ON" if kind in ("ES", "ET", "CS") else kind
        strong = kind if kind in ("L", "R") else strong
        kinds[i] = "L" if kind == "EN" and strong == "L" else kind
    return kinds


def _beside_numbers(kinds: list[str]) -> None:
    """Rule W5: a currency or per cent sign beside a number is part of it."""
    for places in (range(len(kinds)), range(len(kinds) - 1, -1, -1)):
        before = ""
        for i in places:
            before = kinds[i] = "EN" if kinds[i] == "ET" and before == "EN" else kinds[i]


def _resolved(kinds: list[str], base: int) -> list[str]:
    """Rules N1 and N2: what has no direction takes that of both its neighbours, else the line's."""
    own = "R" if base else "L"
    found: list[str] = []
    runs = [(is_strong, list(group)) for is_strong, group in groupby(kinds, key=lambda kind: kind in ("L", "R", *NUMBERS))]
    for n, (is_strong, run) in enumerate(runs):
        left = _side(runs[n - 1][1][-1]) if n else own
        right = _side(runs[n + 1][1][0]) if n + 1 < len(runs) else own
        found += run if is_strong else [left if left == right else own] * len(run)
    return found


def _side(kind: str) -> str:
    return "R" if kind in NUMBERS else kind
