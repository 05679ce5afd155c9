"""What stands in quotes in a prompt is lettering: the picture shall show it, letter by letter, and no rule takes it for anything else."""

from __future__ import annotations

import re

__all__ = ["LATIN", "QUOTED"]

LATIN = r"[A-Za-zÀ-ɏ\d]"
# Every repetition is bounded: time grows with the text and not with its square.
QUOTES = (
    *(f"{a}[^{a}{b}]{{1,300}}{b}" for a, b in ("“”", "«»", "‹›", "「」", "『』", "《》", "〈〉", "„“")),
    r"＂[^＂]{1,300}＂",
    r"\"[^\"\n]{1,300}\"",
    rf"‘[^‘\n]{{1,300}}?’(?!{LATIN})",  # not the apostrophes of "don’t" and "dogs'"
    rf"(?<!{LATIN})'(?=\S)(?:[^'\n]|(?<={LATIN})'(?={LATIN})){{1,300}}(?<=\S)'(?!{LATIN})",
)
QUOTED = re.compile("|".join(QUOTES), re.IGNORECASE)
