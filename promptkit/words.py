"""How a text is parted into words for comparing: in scripts without spaces character by character, and each punctuation mark alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["ONE", "WORD", "between"]

# Hindi's vowel signs and joiners belong to their word, the danda does not.
ONE = r"[\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff]"
WORD = re.compile(rf"{ONE}|(?:(?!{ONE})[\w'’\u0300-\u036f\u0900-\u0963\u0966-\u097f\u200c\u200d-])+|[^\w\s]")


def between(text: str, words: Sequence[re.Match[str]]) -> str:
    """The text from the first of these words to the last, with single spaces; empty without any."""
    return " ".join(text[words[0].start() : words[-1].end()].split()) if words else ""
