"""Which steps are marked how: what every reader who judged a step agrees on, and on what they differ."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Self

from promptkit.lineage.marks import MOST_STARS, VERDICTS, Mark, stars_in_words
from promptkit.lineage.references import normal
from promptkit.terminal import printable

__all__ = ["CONFLICT", "WORDS", "Wanted", "agreed", "agreed_in_words", "fewest_stars", "is_marked_word", "marks_columns", "marks_in_short"]

CONFLICT = "conflict"  # of the verdicts on a step on which readers differ
ANY = "marked"
READERS = 3  # that are named where little room is
WORDS = f"{', '.join(VERDICTS)}, 4stars (four or more), or {ANY}; with :NAME those of one reader"
WORD = re.compile(rf"@?(?:({'|'.join(VERDICTS)}|{ANY})|([1-{MOST_STARS}])\+?[ -]?stars?|(★{{1,{MOST_STARS}}}))(?::(.+))?", re.IGNORECASE)


class Wanted(NamedTuple):
    """How a step should be marked: with that verdict, with so many stars or more (with neither: in any way), by that reader or by all."""

    verdict: str | None = None
    stars: int | None = None
    by: str | None = None

    @classmethod
    def read(cls, word: str) -> Self | None:
        """What a word of the shell means, such as keep, 4stars or keep:Ann, with an @ before it or not; None for another word."""
        if (match := WORD.fullmatch(word.strip())) is None:
            return None
        verdict = match[1].lower() if match[1] else None
        stars = len(match[3]) if match[3] else int(match[2]) if match[2] else None
        return cls(None if verdict == ANY else verdict, stars, match[4])

    def fits(self, marks: Iterable[Mark]) -> bool | None:
        """Whether all readers who judged the step by these marks say so; False where none of them does; None where they differ."""
        own = [mark for mark in marks if self.by is None or normal(mark.by) == normal(self.by)]
        if self.verdict is None and self.stars is None:
            return bool(own)
        votes = list(self._votes(own))
        return False if any(True not in each for each in votes) else None if any(False in each for each in votes) else True

    def _votes(self, marks: Sequence[Mark]) -> Iterator[set[bool]]:
        """For the verdict and for the stars, where they are asked for: what those who gave one say."""
        if self.verdict is not None:
            yield {mark.verdict == self.verdict for mark in marks if mark.verdict is not None}
        if self.stars is not None:
            yield {mark.stars >= self.stars for mark in marks if mark.stars is not None}


def is_marked_word(word: str) -> bool:
    """Whether a word names steps by their marks, such as @keep or @4stars."""
    return word.startswith("@") and Wanted.read(word) is not None


def agreed(marks: Iterable[Mark]) -> str | None:
    """The verdict of all readers who gave one; CONFLICT where they differ; None where nobody did."""
    verdicts = {mark.verdict for mark in marks} - {None}
    return CONFLICT if len(verdicts) > 1 else next(iter(verdicts), None)


def fewest_stars(marks: Iterable[Mark]) -> int | None:
    """The fewest stars that a reader gave; None where nobody gave any."""
    return min((mark.stars for mark in marks if mark.stars), default=None)


def marks_columns(marks: Sequence[Mark]) -> dict[str, Any]:
    """What is said of a step as columns of its row."""
    return {"marks": [mark.text_by for mark in marks], "verdict": agreed(marks), "stars": fewest_stars(marks)}


def marks_in_short(marks: Sequence[Mark]) -> str:
    """What is said of a step in few words, without notes: `keep ★★★★ (client), reject (Ann)`; of many readers how many say so."""
    if len(marks) > READERS:
        counted = [(verdict, sum(mark.verdict == verdict for mark in marks)) for verdict in VERDICTS]
        stars = sorted({mark.stars for mark in marks if mark.stars})
        said = [*(f"{verdict} by {count}" for verdict, count in counted if count), *([_range(stars)] if stars else [])]
        return ", ".join(said) or f"{len(marks)} notes"
    return ", ".join(_in_short(mark) for mark in marks)


def _in_short(mark: Mark) -> str:
    said = " ".join(filter(None, (mark.verdict, stars_in_words(mark.stars)))) or ("note" if mark.note else "region")
    return f"{said} ({printable(mark.by)})" if mark.by else said


def _range(stars: Sequence[int]) -> str:
    return " to ".join(dict.fromkeys(map(stars_in_words, (stars[0], stars[-1]))))


def agreed_in_words(marks: Sequence[Mark]) -> str:
    """What all readers together say, without a star's sign, which not all letters have: `keep, 4 stars`, `readers differ`."""
    verdict, stars = agreed(marks), fewest_stars(marks)
    said = ["readers differ" if verdict == CONFLICT else verdict or "", f"{stars} star{'s' * (stars > 1)}" if stars else ""]
    return ", ".join(filter(None, said)) or "marked"
