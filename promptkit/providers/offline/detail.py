"""What a prompt says of a picture that is a detail of a larger one: which part of it may change. The painter keeps to that."""

from __future__ import annotations

import re
from typing import NamedTuple

from promptkit.providers.offline.words import regex

__all__ = ["Detail", "detail_in"]

SHARE = r"([0-9]{1,3}) ?%"
PART = re.compile(rf"{SHARE}[^%]{{1,40}}?{SHARE}[^%]{{1,60}}?{SHARE}[^%]{{1,40}}?{SHARE}")  # from, to of the width; then of the height


class Detail(NamedTuple):
    """The part that may change, in hundredths of width and height, and the words that say how."""

    left: int
    top: int
    right: int
    bottom: int
    words: str

    def box(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """The part in pixels of a picture of that size, at least one pixel."""
        (left, right), (top, bottom) = (
            (min(side - 1, start * side // 100), min(side, -(-end * side // 100)))
            for start, end, side in ((self.left, self.right, size[0]), (self.top, self.bottom, size[1]))
        )
        return left, top, max(left + 1, right), max(top + 1, bottom)


def detail_in(prompt: str) -> Detail | None:
    """What the prompt says of a detail; None where it speaks of none."""
    paragraphs = re.split(r"\n\s*\n", prompt)
    part = next((found for text in reversed(paragraphs) if (found := PART.search(text))), None)
    if part is None or not any(map(regex("detail").search, paragraphs)):
        return None
    left, right, top, bottom = map(int, part.groups())
    words = "\n\n".join(text for text in paragraphs if not regex("detail").search(text) and part[0] not in text)
    return Detail(left, top, right, bottom, words) if left < right <= 100 and top < bottom <= 100 else None
