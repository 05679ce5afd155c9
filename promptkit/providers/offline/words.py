"""Reads prompts: what a picture shall show, and what an edit shall change, as far as the words of tables.toml go.

What those tables do not know is a phrase: the words between an article or measure word and the next word that names nothing to draw.
A text is compared folded, so that case, width and accents make no difference, and is shown as the prompt spells it.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from promptkit.words import ONE

__all__ = ["Change", "Named", "any_of", "changes", "fold", "found", "named", "new", "pattern", "regex", "says", "spelled", "table"]

# A phrase in a marked text, where what ends one is \0 or a new line, what begins one \1, and a figure \2.
PHRASE = "[\0 \t'’的の-]*([^\0\1\2\n]*[^\0\1\2\n\\s'’的の-])"
LONGEST_READ = 2000  # characters; whoever writes more has named the subject by then
LONGEST_LABEL = 28
MOST_NAMED = 4
QUOTE, LAST = 0xE000, 0xF8FF  # characters of private use; each stands for a quotation in a text that is taken apart
Span = tuple[int, int, str]


@lru_cache(4096)
def _plain(ch: str) -> str:
    apart = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", ch).casefold())
    return unicodedata.normalize("NFC", re.sub("[\u0300-\u036f]", "", apart))[:1] or ch


def fold(text: str) -> str:
    """`text` without what spelling leaves open: case, width, Latin accents. A composed text (NFC) keeps its length."""
    return "".join(map(_plain, unicodedata.normalize("NFC", text)))


@cache
def _tables() -> Mapping[str, Any]:
    tables = tomllib.loads((Path(__file__).parent / "tables.toml").read_text(encoding="utf-8"))
    return {**tables, "figures": {**tables["beings"], **tables["things"]}}


def table(name: str) -> Any:
    """One table of tables.toml: by default a mapping of names to values. `figures` holds all that there are figures of."""
    return _tables()[name]


@cache
def regex(name: str) -> re.Pattern[str]:
    """One of the patterns of tables.toml."""
    return re.compile(table("patterns")[name], re.IGNORECASE)


@cache
def pattern(name: str, kind: str = "phrases") -> re.Pattern[str]:
    """What finds the words of one row of a table in a folded text."""
    row = table(kind)[name]
    return any_of(row["words"] if isinstance(row, dict) else row)


def any_of(words: str) -> re.Pattern[str]:
    """What finds words (`_` for a space), the longest first: whole ones, or with a plural s, where spaces part them; in Han and kana in any
    part of a text."""
    every = sorted({re.escape(w.replace("_", " ")) for w in fold(words).split()}, key=lambda w: (-len(w), w))
    spaced = [w for w in every if not re.match(ONE, w)]
    letter = "[a-z0-9\u0900-\u0963\u0966-\u097f]"
    whole = [f"(?<!{letter})(?:{'|'.join(spaced)})s?(?!{letter})"] if spaced else []
    return re.compile("|".join(whole + [w for w in every if w not in spaced]))


def says(name: str, text: str, kind: str = "said") -> bool:
    """Whether a text holds one of the words of a row."""
    return bool(pattern(name, kind).search(fold(text)))


def found(kind: str, text: str) -> list[str]:
    """The rows of a table that a text names, in its order, each once."""
    return list(dict.fromkeys(key for *_, key in _spans(kind, fold(text))))


def _spans(kind: str, folded: str) -> list[Span]:
    """Where a folded text names which row, in its order; of words that overlap, the one that begins first and is longest."""
    every = sorted((m.start(), -m.end(), key) for key in table(kind) for m in pattern(key, kind).finditer(folded))
    kept: list[Span] = []
    for start, end, key in every:
        if not kept or start >= kept[-1][1]:
            kept.append((start, -end, key))
    return kept


# What is named


@dataclass(frozen=True)
class Named:
    """Something to draw: its figure, or "" where there is none; the word for it; its own colour, or ""."""

    figure: str
    word: str
    colour: str = ""


def named(text: str) -> list[Named]:
    """What a text (NFC) names, in its order, each once, at most MOST_NAMED."""
    folded = fold(text[:LONGEST_READ])
    shapes = _spans("figures", folded)
    tints, names, last = _tints(folded, shapes), dict[str, Named](), 0
    for start, end, key in sorted([*shapes, *_phrases(folded, shapes)]):
        word, low = text[start:end][:LONGEST_LABEL].strip(), max(last, start - 14)
        near = [tint for s, e, tint in tints if low <= s and e <= end]
        behind = [tint for s, _, tint in tints if end <= s <= end + 1]
        names.setdefault(key or fold(word), Named(key, word, (near + behind[:1] or [""])[-1]))
        last = end
    return list(names.values())[:MOST_NAMED]


def _tints(folded: str, shapes: Sequence[Span]) -> list[Span]:
    """Where a folded text names a colour, but for the words of a figure: a red panda is not red."""
    return [(s, e, key) for s, e, key in _spans("colours", folded) if all(e <= start or s >= end for start, end, _ in shapes)]


def _phrases(folded: str, shapes: Sequence[Span]) -> list[Span]:
    """The phrases behind an article or a measure word; where there is none, and no figure either, the first phrase."""
    marked = _breaks().sub(lambda m: {"begin": "\1", "no_word": "\n"}.get(m.lastgroup or "", "\0") * len(m[0]), folded)
    for start, end, _ in shapes:
        marked = marked[:start] + "\2" * (end - start) + marked[end:]
    begin = "\1" if shapes or re.search(f"\1{PHRASE}", marked) else ""
    every = [(*m.span(1), "") for m in re.finditer(begin + PHRASE, marked) if _tells(m[1]) and marked[m.end() :].strip(" ")[:1] != "\2"]
    return every if begin else every[:1]


def _tells(phrase: str) -> bool:
    """Whether a phrase is more than a colour, a digit or one letter of an alphabet."""
    for name in table("colours"):
        phrase = pattern(name, "colours").sub("", phrase)
    return bool(re.search(r"[^\W\d].|[\u3400-\u9fff]", phrase.strip()))


@cache
def _breaks() -> re.Pattern[str]:
    return re.compile(f"(?P<begin>{pattern('begin').pattern})|(?P<no_word>{table('patterns')['no_word']})|{pattern('break').pattern}")


# What is asked for


def _unquoted(prompt: str) -> tuple[str, list[str]]:
    """The prompt with a character of private use for each quotation, and the quotations."""
    plain = re.sub(f"[{chr(QUOTE)}-{chr(LAST)}]", " ", regex("argument").sub(r"\1", prompt))
    plain = plain.replace('"', " ") if regex("json_key").search(plain) else plain
    quoted: list[str] = []

    def kept(match: re.Match[str]) -> str:
        said = next(filter(None, match.groups()), "").strip()
        if QUOTE + len(quoted) > LAST or not re.fullmatch(r"[^{}=<>\\]{1,40}", said):
            return " "
        quoted.append(said)
        return chr(QUOTE + len(quoted) - 1)

    return unicodedata.normalize("NFKC", regex("quoted").sub(kept, plain)), quoted


@dataclass(frozen=True)
class Asked:
    """What a new picture shall show: things, lettering, the colour of its ground, and colours of nothing named."""

    text: str
    names: Sequence[Named]
    lettering: tuple[str, ...]
    ground: str
    colours: Sequence[str]


def new(prompt: str) -> Asked:
    """Reads a prompt for a new picture."""
    plain, quoted = _unquoted(prompt)
    text = re.sub(f"[{chr(QUOTE)}-{chr(LAST)}]", " ", plain)
    folded = fold(text)
    shapes = _spans("figures", folded)
    start, end, ground = _ground(folded, shapes)
    text, folded = (said[:start] + " " * (end - start) + said[end:] for said in (text, folded))
    names = named(text)
    colours = {key: "" for *_, key in _tints(folded, shapes) if key not in [name.colour for name in names]}
    return Asked(text, names, tuple(quoted[:1]), ground, list(colours))


def _ground(folded: str, shapes: Sequence[Span]) -> Span:
    """The colour that stands nearest to a word for the ground, with no thing between them; behind it, it may stand twice as far."""
    grounds, near = [m.span() for m in pattern("ground", "said").finditer(folded)], [(25, 0, 0, "")]
    for s, e, key in _tints(folded, shapes):
        for start, end in grounds:
            low, high, times = (end, s, 1) if s >= end else (e, start, 2)
            if not re.search("[.,;。、।]", folded[low:high]) and not any(low <= at < high for at, *_ in shapes):
                near.append(((high - low) * times, s, e, key))
    return min(near)[1:]


@dataclass(frozen=True)
class Change:
    """One change that an edit asks for: its kind (a row's name, or "other"), its words, their quotations, and both as they were said."""

    kind: str
    text: str
    quoted: tuple[str, ...] = ()
    said: str = ""

    @property
    def names(self) -> list[Named]:
        """What the change adds, or takes away."""
        return named(regex("place").sub(" ", self.text))

    def sides(self) -> Iterator[tuple[str, str]]:
        """What stands before and behind each of the words such as "to" and "by"."""
        for match in pattern("into").finditer(fold(self.text)):
            yield self.text[: match.start()], self.text[match.end() :]


def changes(prompt: str) -> list[Change]:
    """The changes that a prompt asks for, in its order; what should stay as it is is none."""
    plain, quoted = _unquoted(prompt)
    every: list[str] = []
    for sentence in regex("sentences").split(plain[:LONGEST_READ]):
        here: list[str] = []
        for clause in regex("clauses").split(regex("kept").sub("", sentence)):
            if _kind(clause):
                here.append(clause)
            elif here:  # more of the same: "a hat, a scarf and a robot"
                here[-1] += " " + clause
        every += here
    return [_change(clause, quoted) for clause in every or [plain[:LONGEST_READ]]]


def _change(clause: str, quoted: Sequence[str]) -> Change:
    here = {ch: quoted[ord(ch) - QUOTE] for ch in clause if QUOTE <= ord(ch) <= LAST}
    said = "".join(f"“{here[ch]}”" if ch in here else ch for ch in clause)
    return Change(_kind(clause) or "other", "".join(" " if ch in here else ch for ch in clause).strip(), tuple(here.values()), said)


def _kind(clause: str) -> str:
    said, verbs = found("said", clause), found("edits", clause)
    verb, quotes = next(iter(verbs), ""), re.search(f"[{chr(QUOTE)}-{chr(LAST)}]", clause)
    if verb == "remove":
        return verb
    if ("text" in said and (quotes or verb == "replace")) or verb == "write":
        return "write"
    if "style" in said or found("looks", clause):
        return "style"
    if "ground" in said and (verb or found("colours", clause)):
        return "ground"
    light = [name for name in said if name in ("night", "day") and verb != "add"]
    return "write" if quotes else (light or [verb])[0]


# Characters that no font has


def spelled(text: str) -> str:
    """`text` in Latin letters: by the sounds in Unicode's names of its characters, others as code points, the first four."""
    said = " ".join(re.sub("a?\0", "", "".join(map(_sound, unicodedata.normalize("NFC", text)))).split())
    points = list(re.finditer(r"U\+[0-9A-F]+", said))
    return said if len(points) < 5 else said[: points[3].end()] + " …"


def _sound(ch: str) -> str:
    """A character's sound; \\0 takes away the vowel that the letter before it has by itself."""
    name, letter = unicodedata.name(ch, ""), unicodedata.normalize("NFD", ch)[0]
    sound = re.fullmatch(r"(?:KATAKANA|HIRAGANA|DEVANAGARI) (?:LETTER|(VOWEL SIGN)) (?:SMALL )?([A-Z]+)", name)
    if sound:
        return "\0" * bool(sound[1]) + sound[2].lower()
    return letter if letter.isascii() else table("marks").get(name.rpartition(" ")[2], f" U+{ord(ch):04X} ")
