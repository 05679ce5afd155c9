"""Text made comparable for searching, in any script: without case, without accents, each sign in one spelling."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left

__all__ = ["folded", "normalized", "snippet"]

AROUND = 40  # characters on each side of a word that was found
# Letters that readers take for another one with a mark, and that Unicode does not decompose.
UNMARKED = {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"}
# Signs that keyboards have as one ASCII sign, or not at all.
SIGNS = {"'": "‘’‚‛‹›ʼʹ′´", '"': "“”„‟«»″〝〞〟", "-": "−", "/": "⁄", "~": "〜", "": "ـ"}
PLAIN = {sign: plain for plain, signs in SIGNS.items() for sign in signs}


def normalized(text: str) -> str:
    """The text on one line, each letter with its marks as one character where Unicode has one."""
    return unicodedata.normalize("NFC", " ".join(text.split()))


class _Folds(dict[int, str]):
    """For str.translate: each character without case and accents, computed when it is first met."""

    def __missing__(self, code: int) -> str:
        letter = PLAIN.get(chr(code), chr(code)).casefold()
        plain = "".join(map(_plain, unicodedata.normalize("NFKD", letter)))
        self[code] = unicodedata.normalize("NFC", plain).casefold()
        return self[code]


FOLDS = _Folds()


def _plain(character: str) -> str:
    if _is_accent(character) or _is_unseen(character):
        return ""
    if unicodedata.category(character) == "Pd":  # hyphens and dashes
        return "-"
    return UNMARKED.get(character) or PLAIN.get(character, character)


def _is_accent(character: str) -> bool:
    """Marks above and below letters, Hebrew's points and Arabic's vowels; but not what makes another letter in Japanese, Hindi or Thai."""
    return unicodedata.combining(character) in range(10, 36) or unicodedata.combining(character) >= 200


def _is_unseen(character: str) -> bool:
    """Joiners, soft hyphens, marks of direction, and what chooses one of a sign's two shapes (as ❤ and ❤️)."""
    return unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f" or character == "\u034f"


def folded(text: str) -> str:
    """The text without case and accents, whichever way its signs are written: half or full width, curly or straight."""
    return text.casefold() if text.isascii() else unicodedata.normalize("NFC", text.translate(FOLDS))


def snippet(text: str, word: str) -> str:
    """The text around a folded word that is in it."""
    start, end = _span(text, word)
    left, right = max(0, start - AROUND), min(len(text), end + AROUND)
    return ("…" if left else "") + text[left:right].strip() + ("…" if right < len(text) else "")


def _span(text: str, word: str) -> tuple[int, int]:
    """Where the folded word begins and ends in the text, by bisection: a longer beginning of the text never folds to something shorter."""

    def length(end: int) -> int:
        return len(folded(text[:end]))

    at, ends = folded(text).find(word), range(len(text) + 1)
    return bisect_left(ends, at, key=length), bisect_left(ends, at + len(word), key=length)
