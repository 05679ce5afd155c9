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
from functools import cache, cached_property
from pathlib import Path
from typing import Any

__all__ = [
    "QUOTED",
    "Asked",
    "Change",
    "Named",
    "Words",
    "changes",
    "colours",
    "fold",
    "looks",
    "named",
    "new",
    "rows",
    "says",
    "spelled",
    "table",
]

QUOTED = re.compile(
    r"""(?<!=)(?:“([^”\n]{1,60})”|«([^»\n]{1,60})»|「([^」\n]{1,60})」|『([^』\n]{1,60})』|‘([^’\n]{1,60})’"""
    r"""|"([^"\n]{1,60})"|(?<![A-Za-z])'([^'\n]{1,60})'(?![A-Za-z]))(?!\s*:)"""
)
ARGUMENT = re.compile(r"""\{argument\b[^{}]*?default=["“]([^"”{}]*)["”][^{}]*\}""")
JSON_KEY = re.compile(r'"[\w -]+"\s*:')
SENTENCES = re.compile(r"[.!?](?=\s|$)|[;。！？।\n]")
CLAUSES = re.compile(r"、|\b(?:and|then|but|y|luego)\b|(?<!\S)(?:और|फिर)(?!\S)|然后|接着|并且?|そして", re.IGNORECASE)
NO_WORD = re.compile("[^\\w\\s\u0900-\u0963\u0966-\u097f'’-]|_|\\d\\w*")
LONGEST_READ = 2000  # characters; whoever writes more has named the subject by then
LONGEST_LABEL = 28
MOST_NAMED = 4
MOST_QUOTED = 1000
QUOTE = 0xE000  # stands, in a text that is taken apart, for its first quotation, and so on


def fold(text: str) -> str:
    """`text` without what spelling leaves open: case, width, Latin accents, the composition of Devanagari."""
    apart = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFC", re.sub("[\u0300-\u036f]", "", apart))


@dataclass(frozen=True)
class Words:
    """A table of words (`_` for a space): whole ones, or with a plural s, where spaces part them; in Han and kana any part of a text."""

    table: str

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What finds the words, longest first, in a folded text."""
        every = sorted({re.escape(w.replace("_", " ")) for w in fold(self.table).split()}, key=lambda w: (-len(w), w))
        spaced = [w for w in every if re.match("[a-z\u0900-\u097f]", w)]
        letter = "[a-z0-9\u0900-\u0963\u0966-\u097f]"
        whole = [f"(?<!{letter})(?:{'|'.join(spaced)})s?(?!{letter})"] if spaced else []
        return re.compile("|".join(whole + [w for w in every if w not in spaced]))

    def within(self, text: str) -> list[str]:
        """The words that a text holds, in its order."""
        return self.pattern.findall(fold(text))


def table(name: str) -> Any:
    """One table of tables.toml: by default a mapping of names to values."""
    return _tables()[name]


@cache
def _tables() -> Mapping[str, Any]:
    return tomllib.loads((Path(__file__).parent / "tables.toml").read_text(encoding="utf-8"))


@cache
def rows(name: str) -> Mapping[str, Words]:
    """One table of tables.toml whose values are words."""
    return {key: Words(row["words"] if isinstance(row, dict) else row) for key, row in table(name).items()}


@cache
def _drawn() -> Mapping[str, Words]:
    """What there are figures of."""
    return {**rows("creatures"), **rows("things"), "person": rows("said")["person"]}


@cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(table("phrases")[name] if name == "kept" else fold(table("phrases")[name]), re.IGNORECASE)


def says(name: str, text: str, kind: str = "said") -> bool:
    """Whether a text holds one of the words of a row."""
    return bool(rows(kind)[name].pattern.search(fold(text)))


def _spans(rows: Mapping[str, Words], folded: str) -> list[tuple[int, int, str]]:
    """Where a folded text names which row, in its order; of words that overlap, the one that begins first and is longest."""
    every = sorted((m.start(), -m.end(), key) for key, words in rows.items() for m in words.pattern.finditer(folded))
    kept: list[tuple[int, int, str]] = []
    for start, end, key in every:
        if not kept or start >= kept[-1][1]:
            kept.append((start, -end, key))
    return kept


def colours(text: str) -> list[str]:
    """The colours that a text names, each once, as #rrggbb."""
    return list(dict.fromkeys(key for *_, key in _spans(rows("colours"), fold(text))))


def looks(text: str) -> str:
    """The way of drawing that a text names first, or ""."""
    return next((key for *_, key in _spans(rows("looks"), fold(text))), "")


@dataclass(frozen=True)
class Named:
    """Something to draw: its figure, or "" where there is none; the word for it; its own colour, or ""."""

    figure: str
    word: str
    colour: str = ""


def named(text: str) -> list[Named]:
    """What a text names, in its order, each once, at most MOST_NAMED."""
    folded, where = _traced(text[:LONGEST_READ])
    figures = _spans(_drawn(), folded)
    creatures = {key for *_, key in figures} & table("creatures").keys()
    found = [(s, e, key) for s, e, key in figures if not (key == "bamboo" and "hat" in [k for *_, k in figures])]
    phrases = [(s, e, "") for s, e in _phrases(folded, bool(figures)) if all(e <= s2 or s >= e2 for s2, e2, _ in figures)]
    phrases = [span for span in phrases if _rest(folded[span[0] : span[1]]).strip()]
    if says("portrait", text) and not creatures and "person" not in [key for *_, key in figures]:
        found.insert(0, (0, 0, "person"))
    every: dict[str, Named] = {}
    for start, end, key in sorted([*found, *phrases]):
        word = "".join(text[where[start] : where[end - 1] + 1].split("\n"))[:LONGEST_LABEL].strip() if end else ""
        before = max([e for _, e, _ in figures if e <= start], default=0)
        every.setdefault(key or fold(word), Named(key, word, _near(folded, max(before, start - 14), start if key else end, end)))
    return list(every.values())[:MOST_NAMED]


def _rest(folded: str) -> str:
    """The text without its colours."""
    for row in rows("colours").values():
        folded = row.pattern.sub("", folded)
    return folded


def _near(folded: str, start: int, end: int, behind: int) -> str:
    """The colour right behind what ends at `behind`, or else the last one from `start` to `end`."""
    after = [key for at, _, key in _spans(rows("colours"), folded[behind : behind + 12]) if at <= 1]
    return ([key for *_, key in _spans(rows("colours"), folded[start:end])] + after[:1] or [""])[-1]


def _traced(text: str) -> tuple[str, list[int]]:
    """The folded text, and where in the text each of its characters comes from."""
    pieces = [(fold(ch), n) for n, ch in enumerate(text)]
    return "".join(piece for piece, _ in pieces), [n for piece, n in pieces for _ in piece]


@cache
def _breaks() -> re.Pattern[str]:
    begin, end = (rows("phrases")[key].pattern.pattern for key in ("begin", "break"))
    return re.compile(f"(?P<begin>{begin})|(?P<no_word>{NO_WORD.pattern})|{end}")


def _phrases(folded: str, others: bool) -> Iterator[tuple[int, int]]:
    """The phrases behind an article or a measure word; where there is none, and no figure either, the first phrase."""
    pieces = list(_pieces(folded))
    behind = [span for span, begun in pieces if begun]
    yield from behind or ([] if others else [span for span, _ in pieces[:1]])


def _pieces(folded: str) -> Iterator[tuple[tuple[int, int], bool]]:
    """Each stretch of words between breaks, and whether something to draw begins with it."""
    at, begun = 0, False
    for found in [*_breaks().finditer(folded), None]:
        stretch = folded[at : found.start() if found else len(folded)]
        inner = stretch.strip(" \t\n'’-的の")
        if (len(inner) > 1 and re.search(r"[^\W\d]", inner)) or re.fullmatch("[\u3400-\u9fff]", inner):
            start = at + stretch.index(inner)
            yield (start, start + len(inner)), begun
            begun = False
        if found:
            at, begun = found.end(), bool(found["begin"]) or (begun and not found["no_word"])


# What is asked for


def _unquoted(prompt: str) -> tuple[str, list[str]]:
    """The prompt with a character of private use for each quotation, and the quotations."""
    plain = re.sub("[\ue000-\uf8ff]", " ", ARGUMENT.sub(r"\1", prompt))
    plain = plain.replace('"', " ") if JSON_KEY.search(plain) else plain
    quoted: list[str] = []

    def kept(found: re.Match[str]) -> str:
        said = next(filter(None, found.groups()), "").strip()
        if len(quoted) > MOST_QUOTED or not re.fullmatch(r"[^{}=<>\\]{1,40}", said):
            return " "
        quoted.append(said)
        return chr(QUOTE + len(quoted) - 1)

    return QUOTED.sub(kept, plain), quoted


@dataclass(frozen=True)
class Asked:
    """What a new picture shall show: things, lettering, the colour of its ground, and the colours that belong to none of the things."""

    text: str
    names: Sequence[Named]
    lettering: tuple[str, ...]
    ground: str
    spare: Sequence[str]


def new(prompt: str) -> Asked:
    """Reads a prompt for a new picture."""
    plain, quoted = _unquoted(prompt)
    folded = fold(re.sub("[\ue000-\uf8ff]", " ", plain))
    ground = [_near(folded, max(0, s - 16), s, e) for s, e, _ in _spans({"ground": rows("said")["ground"]}, folded)]
    white = ["#ffffff"] if _pattern("white").search(folded) else []
    text = _pattern("white").sub(" ", re.sub("[\ue000-\uf8ff]", " ", plain))
    names = named(text)
    own = {name.colour for name in names} | {key for name in names if name.figure for key in colours(name.word)}
    spare = [key for key in colours(text) if key not in own]
    return Asked(text, names, tuple(quoted[:1]), next(filter(None, white + ground), ""), spare)


@dataclass(frozen=True)
class Change:
    """One change that an edit asks for: its kind (a row's name, or "other"), its words, and what they put into quotation marks."""

    kind: str
    text: str
    quoted: tuple[str, ...] = ()

    @property
    def bare(self) -> str:
        """The words without their quotations."""
        return QUOTED.sub(" ", self.text)

    @property
    def names(self) -> list[Named]:
        """What the change adds, or takes away."""
        return named(_pattern("place").sub(" ", self.bare))

    def sides(self) -> Iterator[tuple[str, str]]:
        """What stands before and behind each of the words such as "to" and "by"."""
        folded, where = _traced(self.bare)
        for found in rows("edits")["into"].pattern.finditer(folded):
            yield self.bare[: where[found.start()]], self.bare[where[found.end() - 1] + 1 :]


def changes(prompt: str) -> list[Change]:
    """The changes that a prompt asks for, in its order; what should stay as it is is none."""
    plain, quoted = _unquoted(prompt)
    found: list[Change] = []
    goes_on = False  # whether what comes next may be more of the same: "a hat, a scarf and a robot"
    for clause in _clauses(plain[:LONGEST_READ]):
        said = tuple(quoted[ord(ch) - QUOTE] for ch in clause if QUOTE <= ord(ch) < QUOTE + len(quoted))
        text = re.sub("[\ue000-\uf8ff]", lambda found: f"“{quoted[ord(found[0]) - QUOTE]}”", clause).strip()
        kind = _kind(QUOTED.sub(" ", text), said)
        if kind:
            found.append(Change(kind, text, said))
        elif goes_on and text and (found[-1].kind == "replace" or re.match(f"the |{rows('phrases')['begin'].pattern.pattern}", fold(text))):
            joint = " " if found[-1].kind == "replace" else ", "
            found[-1] = Change(found[-1].kind, found[-1].text + joint + text, found[-1].quoted + said)
        goes_on = kind in ("add", "remove", "replace") or bool(goes_on and text and not kind)
    return found or [Change("other", " ".join(prompt.split())[:LONGEST_READ], tuple(quoted))]


def _clauses(plain: str) -> Iterator[str]:
    for sentence in SENTENCES.split(unicodedata.normalize("NFKC", plain)):
        for part in sentence.split(","):
            yield from CLAUSES.split(_pattern("kept").sub("", part))


def _kind(text: str, quoted: Sequence[str]) -> str:
    verb = next((key for *_, key in _spans({k: w for k, w in rows("edits").items() if k != "into"}, fold(text))), "")
    lettered = says("text", text) or verb == "write"
    if verb == "remove":
        return verb
    if lettered and (quoted or verb in ("replace", "write")):
        return "write"
    if says("style", text) or looks(text):
        return "style"
    if says("ground", text) and (verb or colours(text)):
        return "ground"
    said = next((name for name in ("night", "day") if says(name, text) and verb != "add"), "")
    return "write" if quoted else said or verb


# Characters that no font has


def spelled(text: str) -> str:
    """`text` in Latin letters: by the sounds in Unicode's names of its characters, others as code points, the first four."""
    out = [""]
    for ch in unicodedata.normalize("NFC", text):
        name = unicodedata.name(ch, "")
        sign = re.search(r"VIRAMA|VOWEL SIGN (\w+)", name)
        if sign:
            out[-1] = out[-1].removesuffix("a") + (sign[1] or "").lower()
        elif ch.isascii() or (name.startswith("LATIN") and unicodedata.normalize("NFD", ch)[0].isascii()):
            out.append(unicodedata.normalize("NFD", ch)[0])
        elif sound := re.search(r"^(?:HIRAGANA|KATAKANA|DEVANAGARI) LETTER (?:SMALL )?([A-Z]+)$", name):
            out.append(sound[1].lower())
        else:
            marks = {"NUKTA": "", "ANUSVARA": "n", "CANDRABINDU": "n", "MARK": "-" if "SOUND" in name else " "}
            out.append(marks.get(name.rpartition(" ")[2], f" U+{ord(ch):04X} "))
    said = " ".join("".join(out).split())
    points = list(re.finditer(r"U\+[0-9A-F]+", said))
    return said if len(points) < 5 else said[: points[3].end()] + " …"
