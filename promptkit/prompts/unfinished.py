"""Tells a finished prompt from one that still holds what some tool should have filled in. Text in, verdict out.

Some marks belong to tools alone: `{{ x }}`, `{% if %}`, `{# note #}`, the front matter of a template's file. A prompt that holds one is not
finished. Others only look like it: `[subject]`, `{subject}`, `${mood}`. A prompt may mean these, so that each rule waits for a clear case,
and none looks into quoted lettering, code in backticks, or JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache

from promptkit.prompts.language_words import any_language
from promptkit.prompts.quotes import QUOTED

__all__ = ["doubt", "half_character", "placeholders", "unfinished"]

LONGEST_READ = 100_000  # characters in which placeholders are looked for
LOST = "\ufffd"  # what is read in place of bytes that are no text
MOST, SHOWN = 5, 40  # placeholders that are named, and characters of each
Span = tuple[int, int]

# Every repetition in a pattern is bounded, or cannot run over what begins the pattern: time grows with the text and not with its square.

# What only a tool writes

NAME_FIRST = r"""(?:[^\W\d]|["'][^"'\n]{0,200}["']\s{0,9}(?=[}|~+]))"""  # what is printed: a name, a text; no numbers, as C has them
TOOL_MARKS = re.compile(
    rf"(?<![\\^])\{{\{{[-+#/^>!&~*$@.{{\s]{{0,9}}{NAME_FIRST}[^{{}}]{{0,500}}\}}\}}"
    r"|\{%[-+]?\s{0,9}[^\W\d][^{}%]{0,500}(?:%[^{}%]{1,500})?%\}"
    r"|\{#[-+]?\s[^{}]{0,500}#\}"
)
FRONT_MATTER = re.compile(
    r"\ufeff?\s{0,200}^---[ \t]*\r?\n(?:[ \t]*(?:#.*)?\r?\n){0,50}"
    r"(?:description|kind|lang|inputs|config|examples|metadata|name|title|model|version|author|tags|variables|temperature|parameters):(?=\s)",
    re.MULTILINE,
)


def unfinished(text: str) -> str:
    """What only some tool writes and should have filled in, as the first such piece of a text, shortened; empty where there is none."""
    if "{" in text and (found := TOOL_MARKS.search(text)):
        return _brief(found[0])
    if found := FRONT_MATTER.match(text):
        return _brief(found[0].lstrip("\ufeff"))
    return ""


# What looks like it

LETTERS = r"[\w\u0300-\u036f\u0900-\u0dff-]"  # with the marks of Indian scripts, which \w lacks
WORDS = rf"[^\W\d_](?:{LETTERS}|[ ,./'’()&+]){{1,60}}"
NUMBERED = r"[^\[\]［］\n]{0,60}\d\s{0,3}[\]］]"  # [image 1], [Scene 2]: the name of something, not the place for it
NO_CODE = r"(?<![A-Za-z0-9_}\])\\^{$#%])(?<!\) )"  # f(x) {body}, x_{i}, \\frac{a}{b}
BRACKETS = (
    rf"(?<![A-Za-z0-9_\])!\\])[\[［](?!{NUMBERED}|{{notes}}[\]］]|[^\[\]［］\n]{{0,60}}{{pictures}})"
    rf"{WORDS}[\]］](?![(\[]|:\s*(?:\n|https?:))"
)
LOOKS = {
    "[": BRACKETS,
    "［": BRACKETS,
    "{": rf"{NO_CODE}\{{(?: ?[^\W\d_]{LETTERS}{{1,40}} ?|[^\W\d_]{LETTERS}{{0,40}}(?:[ |]{LETTERS}{{1,40}}){{1,9}})\}}(?![}}A-Za-z0-9_(])",
    "$": r"\$\{[^{}\n]{1,60}\}|(?<![\w$\\])\$[a-z][a-z_]{2,30}(?![\w$^]|\s{0,3}(?:=|->|[;\[(]))",
    "%(": r"%\([a-z_]\w{0,40}\)[sdr](?!\w)",
    "<": r"<{places}(?:[ _-][\w -]{1,40})?>|<%=[^<>%]{1,200}%>",
    "｛": r"｛[^｛｝\n]{1,60}｝",
    "【": r"【{fill_in}[^【】\n]{0,60}】",
}
OF_LANGUAGES = re.compile(r"\{(places|fill_in|notes|pictures)\}")  # in LOOKS: the words of all languages
LABEL = re.compile(r"\s{0,9}(?:[:：]|$)", re.MULTILINE)
CODE = re.compile(r"```.{0,20000}?(?:```|\Z)|`[^`\n]{1,300}`|\{argument [^{}]{0,400}\}", re.DOTALL)
CLOSING_TAG = re.compile(r"</([^<>\n]{1,60}>)")


def doubt(text: str) -> str:
    """What makes a text look unfinished, as what follows "The prompt"; empty where nothing does."""
    if pieces := placeholders(text):
        return f"holds {', '.join(pieces)}, as places to fill in are written"
    return f"holds {LOST!r}, where a character was lost as it was read in another encoding" if LOST in text else ""


def placeholders(text: str) -> tuple[str, ...]:
    """What looks like a place that should have been filled in: at most five different pieces, in the order of the text, each shortened."""
    text = text[:LONGEST_READ]
    found = dict(_candidates(text))
    if not found or _is_json(text):
        return ()
    is_meant = bytearray(len(text))
    for begin, end in _meant(text):
        is_meant[begin:end] = b"\1" * (end - begin)
    return tuple(dict.fromkeys(_brief(found[begin]) for begin in sorted(found) if not is_meant[begin]))[:MOST]


@cache
def _looks_of(opening: str) -> re.Pattern[str]:
    """What looks like a place to fill in and begins so; the words of languages are read for it when a text first has such a beginning."""

    def words(name: re.Match[str]) -> str:
        return f"(?i:{any_language(f'unfinished.{name[1]}', whole_words=name[1] == 'pictures')})"

    return re.compile(OF_LANGUAGES.sub(words, LOOKS[opening]))


def _candidates(text: str) -> Iterator[tuple[int, str]]:
    for opening in LOOKS:
        if opening in text:
            pattern = _looks_of(opening)
            closed = set(CLOSING_TAG.findall(text)) if opening == "<" else ()  # <scene> … </scene> is a section
            yield from ((m.start(), m[0]) for m in pattern.finditer(text) if not _is_label(text, m) and m[0][1:] not in closed)


def _is_label(text: str, found: re.Match[str]) -> bool:
    """Whether a bracket is alone at the beginning of its line and says what follows: "[Style]: ink", or "[Style]" above it."""
    line = text[max(0, found.start() - 9) : found.start()].rpartition("\n")[2]
    alone = not line.strip(" \t#*-") and (found.start() < 10 or "\n" in text[found.start() - 9 : found.start()])
    has_more = found.end() < len(text) or found.start() > 0
    return found[0][0] in "[［" and alone and has_more and bool(LABEL.match(text, found.end()))


def _meant(text: str) -> Iterator[Span]:
    """Where a text is not prose: quoted lettering, code, and JSON with words around it."""
    for pattern in (QUOTED, CODE):
        yield from (found.span() for found in pattern.finditer(text))
    yield from _json_inside(text)


def _json_inside(text: str) -> Iterator[Span]:
    begin = re.search(r"[{\[]\s*[{\[\"]", text)
    if begin:
        try:
            yield begin.start(), json.JSONDecoder(strict=False).raw_decode(text, begin.start())[1]
        except (ValueError, RecursionError):
            return


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text, strict=False), (dict, list))
    except (ValueError, RecursionError):
        return False


def _brief(piece: str) -> str:
    line = " ".join(piece.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"


# Halves of characters


def half_character(text: str) -> int | None:
    """Where a text holds half a character, which is no UTF-8: bytes that were read in another encoding, or a text cut amid a character."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return error.start
    return None
