"""The words of each language that prompts are judged by, read from the files in words/, and the patterns that are built from them.

A file is named for its language (`en.toml`), says at its top how a phrase is written, and is read when it is first needed. Whoever
judges asks for the pattern of a heading, such as "keeping.keeps"; no rule of a language stands in code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from promptkit.errors import SettingsError, did_you_mean

__all__ = ["HEADINGS", "LETTER", "Words", "any_language", "languages", "read_words", "words_of"]

FOLDER = Path(__file__).parent / "words"
HEADINGS: Mapping[str, tuple[str, ...]] = {
    "lettering": ("follows", "capital", "other", "label", "no_label", "behind", "open", "denied", "denied_just_before"),
    "negations": ("forbids", "asks"),
    "keeping": ("keeps", "rest", "never_between", "only", "whole"),
    "ratio": ("before", "after", "other_before", "other_after"),
    "unfinished": ("places", "fill_in", "notes", "pictures"),
}
LISTS = "lists"  # what phrases name in braces; each language has its own

# Every repetition is bounded: time grows with the text and not with its square.
MARKS = "\u0300-\u036f\u0900-\u0963\u0966-\u0dff"  # combining marks and the vowel signs of Indian scripts, which are no \w
LETTER = rf"(?-i:[\w{MARKS}])"  # without case, because Python would look up the other case of each character of a range
WORD = rf"(?-i:[\w{MARKS}'’-]){{1,30}}"
BLANK = r"\s{1,3}"
NOTHING = "(?!)"
SIGNS = {
    "*": rf"{LETTER}{{0,30}}",
    "_": WORD,
    "^": r"^\W{0,5}",
    "$": r"\W{0,30}$",
    ";": r"(?=\W{0,30}$|[.,;!])",
    ":": r"[ \t]{0,3}[:：]",
    "'": "['’]",
    " ": BLANK,
}
NUKTA = {unicodedata.normalize("NFC", chr(code)): chr(code) for code in range(0x0958, 0x0960)}  # क़ as two characters, and as one
GAP = re.compile(r" ?(?P<comma>,?)…(?P<most>\d{1,2})")


@dataclass(frozen=True)
class Words:
    """One language's words: phrases by heading, such as "keeping.keeps", and the lists that phrases name."""

    file: Path
    blanks: bool  # whether words stand apart
    phrases: Mapping[str, tuple[str, ...]]
    lists: Mapping[str, tuple[str, ...]]

    def pattern(self, heading: str, *, never: str = "", whole_words: bool = True) -> str:
        """A regular expression's source that matches any phrase under the heading, and nothing where there is none.

        What stands under the heading `never` does not stand in a phrase's gaps. A phrase begins and ends with a word where words stand
        apart, unless `whole_words` is False.
        """
        apart = f"(?!{self.pattern(never)})" if never and self.phrases[never] else ""
        found = [_Phrase(phrase, self, apart).source(whole_words and self.blanks) for phrase in self.phrases[heading]]
        return f"(?:{'|'.join(found)})" if found else NOTHING


def languages(folder: Path = FOLDER) -> tuple[str, ...]:
    """The languages that there are files for: en, es, …"""
    return tuple(sorted(file.stem for file in folder.glob("*.toml")))


@lru_cache(maxsize=64)
def words_of(lang: str) -> Words:
    """The words of one of `languages`."""
    return read_words(FOLDER / f"{lang}.toml")


def read_words(file: Path) -> Words:
    """The words that a file holds. SettingsError, with the file's name, where it is not as all of them are."""
    import tomllib

    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"The file {file} of a language's words cannot be read: {error}.") from None
    if problem := _problem(found):
        raise SettingsError(f"The file {file} of a language's words {problem}.")
    phrases = {f"{table}.{name}": tuple(found[table][name]) for table, names in HEADINGS.items() for name in names}
    return Words(file, found["blanks"], phrases, {name: tuple(items) for name, items in found[LISTS].items()})


def _problem(found: Mapping[str, Any]) -> str:
    """What is wrong with the headings of a file, or nothing."""
    if not isinstance(found.get("blanks"), bool):
        return "does not say `blanks = true` or `blanks = false`: whether words stand apart"
    for table, names in {**HEADINGS, LISTS: tuple(found.get(LISTS, {}))}.items():
        if not isinstance(said := found.get(table), dict):
            return f"has no heading [{table}]"
        for name in names:
            if name not in said:
                return f"has no {name} under [{table}]; write `{name} = []` where the language has nothing to say"
            if not isinstance(said[name], list) or not all(isinstance(item, str) and item for item in said[name]):
                return f"has a {name} under [{table}] that is no list of phrases in quotes"
        for name in said:
            if name not in names:
                return f"has a {name} under [{table}] that nothing asks for{did_you_mean(name, names)}"
    return next((f"has a heading [{table}] that nothing asks for" for table in found if table not in ("blanks", LISTS, *HEADINGS)), "")


class _Phrase:
    """Reads one phrase from left to right, and writes it as a regular expression."""

    def __init__(self, text: str, words: Words, apart: str) -> None:
        self.text, self.words, self.apart, self.at = unicodedata.normalize("NFC", text), words, apart, 0

    def source(self, whole_words: bool) -> str:
        inner = self.alternatives()
        if self.at < len(self.text):
            self.refuse("has a ) too many")
        begin = f"(?<!{LETTER})" if whole_words and self.text[0] not in "*^" else ""
        end = f"(?!{LETTER})" if whole_words and self.text[-1] not in "*$:;" else ""
        return f"{begin}(?:{inner}){end}"

    def alternatives(self) -> str:
        found = [""]
        while self.at < len(self.text) and self.text[self.at] != ")":
            if self.text[self.at] == "|":
                self.at += 1
                found.append("")
            else:
                found[-1] += self.piece()
        return "|".join(found)

    def piece(self) -> str:
        if gap := GAP.match(self.text, self.at):
            self.at = gap.end()
            return self.gap(int(gap["most"]), over_commas=bool(gap["comma"]))
        sign = self.text[self.at]
        self.at += 1
        match sign:
            case "(":
                return self.group()
            case "!" if self.text[self.at : self.at + 1] == "(":
                self.at += 1
                return f"(?!{self.closed(self.alternatives())})"
            case "{":
                return self.named(self.until("}"))
            case "[":
                return f"[{self.until(']')}]"
            case _:
                return SIGNS.get(sign) or self.letter(sign)

    def group(self) -> str:
        begin = self.at
        inner = self.closed(self.alternatives())
        if self.text[self.at : self.at + 1] != "~":
            return f"(?:{inner})"
        self.at += 1
        return "".join(f"(?<!{_plain(word)})" for word in self.text[begin : self.at - 2].split("|"))

    def closed(self, inner: str) -> str:
        if self.text[self.at : self.at + 1] != ")":
            self.refuse("has a ( that is not closed")
        self.at += 1
        return inner

    def named(self, name: str) -> str:
        if name not in self.words.lists:
            self.refuse(f"names {{{name}}}, which does not stand under [lists]{did_you_mean(name, self.words.lists)}")
        items = [_Phrase(item, self.words, self.apart).alternatives() for item in self.words.lists[name]]
        return f"(?:{'|'.join(items)})"

    def gap(self, most: int, *, over_commas: bool) -> str:
        if self.words.blanks:
            comma = ",?" if over_commas else ""
            return f"(?:{comma}{BLANK}{self.apart}{WORD}){{0,{most}}}?{comma}"
        return f"(?:{self.apart}[^。！？!?；{'' if over_commas else '，,、'}\\n]){{0,{most}}}?"

    def until(self, end: str) -> str:
        begin, found = self.at, self.text.find(end, self.at)
        if found < 0:
            self.refuse(f"lacks a {end}")
        self.at = found + 1
        return self.text[begin:found]

    def letter(self, letter: str) -> str:
        """A letter in each of its encodings: é as one character or as two."""
        if letter + self.text[self.at : self.at + 1] in NUKTA:
            self.at += 1
            both = self.text[self.at - 2 : self.at]
            return f"(?:{both}|{NUKTA[both]})"
        parts = unicodedata.normalize("NFD", letter)
        return re.escape(letter) if parts == letter else f"(?:{letter}|{parts})"

    def refuse(self, why: str) -> None:
        raise SettingsError(f"The file {self.words.file} of a language's words holds the phrase {self.text!r}, which {why}.")


def _plain(word: str) -> str:
    """A word that stands before another: of one length, as looking back wants it."""
    if word.startswith("["):
        return word
    return "".join({" ": r"\s", "'": "['’]"}.get(letter) or re.escape(letter) for letter in word)


def any_language(heading: str, *, whole_words: bool = True) -> str:
    """A regular expression's source that matches a phrase of any language under the heading."""
    return f"(?:{'|'.join(words_of(lang).pattern(heading, whole_words=whole_words) for lang in languages())})"
