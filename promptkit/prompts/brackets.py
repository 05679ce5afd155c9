"""Templates from the patterns that prompt guides print: "A [style] sticker of a [subject]" becomes front matter and a body."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import count
from typing import NoReturn

from promptkit.errors import TemplateError
from promptkit.prompts.declarations import KINDS
from promptkit.prompts.names import RESERVED, is_word

__all__ = ["from_brackets"]

LONGEST = 20_000  # characters of a pattern,
LONGEST_BRACKET, MOST_BRACKETS = 200, 100  # characters of one bracket, and brackets,
LONGEST_NAME = 40  # of an input's name, which is cut between words,
LONGEST_ABOUT = 60  # and of what a description quotes

OPENING, EITHER = "[［", re.compile(r"[\[\]［］]")
BRACKET = re.compile(r"[\[［]([^\[\]［］]*)[\]］]")
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
ASIDE = re.compile(r"[\s,;(]+(?:e\.\s?g\.|i\.\s?e\.|for example|such as)|[\s,/]+etc\b", re.IGNORECASE)  # ends what a name is made of
ACCENT = re.compile("['’\u0300-\u036f]")  # what is dropped without parting a word
ARTICLE = re.compile(r"(?:^|(?<=[\s(—–]))[Aa]n? $")
BEGINNINGS = ".!?:;…。！？-*•—–>#("  # what a sentence begins after
QUOTES = (("“", "”"), ("«", "»"), ("「", "」"), ("『", "』"))
# what Jinja would read as its own, and a brace that would run into the braces of an input
JINJA_BRACES = re.compile(r"\{[{%#]|\{\Z")
# reads as text in YAML wherever it stands, which nobody has to look up
PLAIN = re.compile(r"(?!(?:yes|no|on|off|y|n|true|false|null)\Z)[^\W\d_](?:[\w /’()+.-]*[\w)])?", re.IGNORECASE)


def from_brackets(pattern: str, *, kind: str = "generate") -> str:
    """The source of a template whose inputs are the pattern's brackets, all of them required; the rest of the pattern is literal.

    "a [subject]" takes the article along, which then fits what is given. Line ends become plain ones. TemplateError, with the place, for
    a pattern that has no bracket, an empty one, or one that is not closed.
    """
    pattern = _checked(pattern)
    if kind not in KINDS:
        raise TemplateError(f"kind is {kind!r}; expected {' or '.join(KINDS)}.")
    names = _names(BRACKET.findall(pattern))
    inputs = "".join(f"  {name}: {{description: {_yaml(words)}}}\n" for name, words in names.values())
    about = _yaml(f"From the pattern: {_shortened(_words(pattern))}")
    return f"---\ndescription: {about}\nkind: {kind}\ninputs:\n{inputs}---\n{_body(pattern, names)}\n"


# Checking


def _checked(pattern: object) -> str:
    if not isinstance(pattern, str):
        raise TemplateError(f"A pattern is text such as 'A [style] sticker of a [subject]', not {type(pattern).__name__}.")
    if len(pattern) > LONGEST:
        raise TemplateError(f"The pattern has {len(pattern):,} characters; {LONGEST:,} at most.")
    if half := LONE_SURROGATE.search(pattern):
        _refuse(pattern, half.start(), "holds half a character; write it anew")
    _check_brackets(pattern)
    return pattern.replace("\r\n", "\n").replace("\r", "\n")


def _check_brackets(pattern: str) -> None:
    opened: int | None = None
    for found in EITHER.finditer(pattern):
        if found[0] in OPENING:
            if opened is not None:
                _refuse(pattern, opened, "opens a bracket in which another opens; close it first")
            opened = found.start()
        elif opened is None:
            _refuse(pattern, found.start(), "closes a bracket that was not opened; write [ before it, or leave it out")
        elif not pattern[opened + 1 : found.start()].strip():
            _refuse(pattern, opened, "opens a bracket with nothing in it; say what goes there, such as [subject]")
        else:
            opened = None
    if opened is not None:
        _refuse(pattern, opened, "opens a bracket that is not closed; write ] behind it")
    brackets = [*BRACKET.finditer(pattern)]
    if len(brackets) > MOST_BRACKETS:
        raise TemplateError(f"The pattern has {len(brackets):,} brackets; {MOST_BRACKETS} at most.")
    if long := next((found for found in brackets if len(found[1]) > LONGEST_BRACKET), None):
        _refuse(pattern, long.start(), f"opens a bracket of {len(long[1]):,} characters; {LONGEST_BRACKET} at most")
    if not brackets:
        raise TemplateError(f"The pattern {_shortened(_words(pattern))!r} has no bracket; write what changes as [subject].")


def _refuse(pattern: str, at: int, why: str) -> NoReturn:
    begin = max(0, at - 10)
    raise TemplateError(f"Character {at + 1:,} of the pattern, in {pattern[begin : at + 20]!r}, {why}.")


# Names


def _names(brackets: Iterable[str]) -> Mapping[str, tuple[str, str]]:
    """For each different bracket, by its key, the name of its input and its words."""
    names: dict[str, tuple[str, str]] = {}
    taken: set[str] = set()
    for bracket in brackets:
        if (key := _key(bracket)) not in names:
            names[key] = _free_name(_name(_words(bracket)), taken), _words(bracket)
            taken.add(names[key][0])
    return names


def _key(bracket: str) -> str:
    return _words(bracket).casefold()  # [Subject] at a sentence's beginning is the same as [subject]


def _words(text: str) -> str:
    return " ".join(text.split())


def _free_name(name: str, taken: Collection[str]) -> str:
    if name and name not in taken:
        return name
    return next(numbered for n in count(2 if name else 1) if (numbered := f"{name or 'input'}_{n}") not in taken)


def _name(words: str) -> str:
    """`concept` of "brand/concept", `text` of "text to render", `line_style` of "line style"; empty where it holds no ASCII letter."""
    alternatives = re.split("[/／]", ASIDE.split(words)[0])
    for part in reversed(alternatives):
        for said in (part.partition(" to ")[0], part):
            if name := _joined(said):
                return name if is_word(name) and name not in RESERVED else f"{name}_"
    return ""


def _joined(said: str) -> str:
    plain = ACCENT.sub("", unicodedata.normalize("NFKD", said.casefold()))
    words = re.findall(r"[a-z0-9]+", plain)
    if all(map(str.isdigit, words)):
        return ""
    if words[0][0].isdigit():
        words.insert(0, "input")
    while len("_".join(words)) > LONGEST_NAME and len(words) > 1:
        words.pop()
    return "_".join(words)[:LONGEST_NAME]


# The body


def _body(pattern: str, names: Mapping[str, tuple[str, str]]) -> str:
    # a body begins and ends with no blank line of its own, so that the pattern's own are printed
    text = pattern.strip("\n")
    before, after = pattern[: len(pattern) - len(pattern.lstrip("\n"))], pattern[len(pattern.rstrip("\n")) :]
    return _printed(before) + "".join(_pieces(text, names)) + _printed(after)


def _pieces(text: str, names: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    done = 0
    for bracket in BRACKET.finditer(text):
        line = text[text.rfind("\n", 0, bracket.start()) + 1 : bracket.start()]
        article, filters = _article(line)
        yield _literal(text[done : bracket.start() - len(article)])
        yield f"{{{{ {names[_key(bracket[1])][0]}{filters} }}}}"
        done = bracket.end()
    yield _literal(text[done:])


def _article(line: str) -> tuple[str, str]:
    """The article at the end of what stands before a bracket, and the filters that write it; nothing where it is no article."""
    found = ARTICLE.search(line[-10:])
    if not found or _is_quoted(line):
        return "", ""
    if found[0][0] == "a":
        return found[0], "|article"
    before = line[: -len(found[0])].rstrip(" \t\"”’')")
    is_beginning = not before or before[-1] in BEGINNINGS
    return (found[0], "|article|upper_first") if is_beginning else ("", "")  # no article: "vitamin A [amount]"


def _is_quoted(line: str) -> bool:
    """Whether a quotation is still open at the line's end; what it holds is to appear letter by letter."""
    return line.count('"') % 2 == 1 or any(line.count(begin) > line.count(end) for begin, end in QUOTES)


def _literal(text: str) -> str:
    return JINJA_BRACES.sub(lambda braces: _printed(braces[0]), text)


def _printed(text: str) -> str:
    return f"{{{{ {json.dumps(text)} }}}}" if text else ""


# The front matter


def _shortened(text: str) -> str:
    if len(text) <= LONGEST_ABOUT:
        return text
    begin = text[:LONGEST_ABOUT]
    return f"{begin.rpartition(' ')[0] or begin} …"


def _yaml(text: str) -> str:
    """The text as one line of YAML: plain where that is safe anywhere, in double quotes otherwise."""
    if PLAIN.fullmatch(text):
        return text
    return '"' + "".join(map(_in_quotes, text)) + '"'


def _in_quotes(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08x}"
