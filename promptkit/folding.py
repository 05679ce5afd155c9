"""Text as a search sees it: without case and accents, in any script."""

from __future__ import annotations

import unicodedata

__all__ = ["even", "folded", "snippet"]

AROUND = 40  # characters on each side of a word that was found
# Letters that are one letter with a mark to their readers, and that Unicode does not take apart.
UNMARKED = {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"}


def even(text: str) -> str:
    """The text on one line, each letter with its marks as one character where Unicode has one."""
    return unicodedata.normalize("NFC", " ".join(text.split()))


class _Folds(dict[int, str]):
    """For str.translate: each character without case and accents, found out when it is first met."""

    def __missing__(self, code: int) -> str:
        plain = unicodedata.normalize("NFKD", chr(code).casefold())
        kept = "".join(UNMARKED.get(c, c) for c in plain if not _is_accent(c))
        self[code] = unicodedata.normalize("NFC", kept).casefold()
        return self[code]


FOLDS = _Folds()


def _is_accent(character: str) -> bool:
    """Marks above and below letters, Hebrew's points and Arabic's vowels; but not what makes another letter in Japanese, Hindi or Thai."""
    return unicodedata.combining(character) in range(10, 36) or unicodedata.combining(character) >= 200


def folded(text: str) -> str:
    """The text without case and accents; character by character, so that places in it can be found again."""
    return text.casefold() if text.isascii() else text.translate(FOLDS)


def snippet(text: str, word: str) -> str:
    """The text around a folded word that is in it."""
    places = [i for i, character in enumerate(text) for _ in folded(character)]  # of each folded character
    at = folded(text).find(word)
    start, end = places[at], places[at + len(word) - 1] + 1
    left, right = max(0, start - AROUND), min(len(text), end + AROUND)
    return ("…" if left else "") + text[left:right].strip() + ("…" if right < len(text) else "")
