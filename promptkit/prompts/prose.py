"""What the tags of a template leave of the white space around them: nothing on a line of their own, and all of it on any other line.

A line that holds only tags and comments is dropped whole: its indentation, the blanks between its tags, its line break. On a line that
holds any text or prints a value, tags and comments take nothing away. `-` and `+` inside a tag mean what they mean in Jinja. Lines are
the source's; a tag that goes over several makes one of them. This works on the tokens of Jinja's lexer, in which strings, comments and raw
text are told apart already, and leaves their line numbers as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

__all__ = ["MARKS", "SOFT_BREAK", "Eaten", "join_lines", "lay_out"]

# A file's text is UTF-8, which has no lone surrogates: none of these can stand in it.
SOFT_BREAK = "\ud800"  # a line break where text stands before and behind it, and none ended there already
FIRST_MARK, MOST_MARKS = 0xD801, 0x7FE
MARKS = re.compile("[\ud801-\udfff]+")

NEW_LINE = re.compile(r"\r\n|\r|\n")
PRINTED_ELSEWHERE = ("include", "endblock")  # what they print may lack the line end that a text written here would have
VALUES = {"set": "endset", "macro": "endmacro", "block": "endblock"}  # blanks between the two are a value, and no layout


def join_lines(texts: Iterable[str], soft_break: str) -> list[str]:
    """The texts, with a line break for each that is the object `soft_break` and stands between others that do not end a line."""
    joined: list[str] = []
    waits = False
    for text in texts:
        if text is soft_break:
            waits = bool(joined) and not joined[-1].endswith("\n")
        elif text:
            joined += ["\n", text] if waits else [text]
            waits = False
    return joined


@dataclass(frozen=True)
class Eaten:
    """White space that a `-` takes away: the line of the body where the `-` stands, and the character that marks the place in the text."""

    line: int
    mark: str


@dataclass(slots=True)
class _Tag:
    """A statement, a comment, or one end of raw text, with its signs: "-", "+" or nothing."""

    keyword: str = ""
    opening: str = ""
    closing: str = ""


@dataclass(slots=True)
class _Blanks:
    """Blanks on a line, as the piece of that number in a text."""

    pieces: list[str]
    number: int


@dataclass(slots=True)
class _Line:
    """What was read of a line of the source. The pieces of `items` matter only as long as it has no text."""

    items: list[_Tag | _Blanks] = field(default_factory=list)
    has_text: bool = False

    def drop_layout(self) -> str:
        """Takes away what a line of tags alone shall not leave behind; what stands for its line break."""
        tags = [item for item in self.items if isinstance(item, _Tag)]
        if self.has_text or not tags:
            return "\n"
        prints = any(tag.keyword in PRINTED_ELSEWHERE for tag in tags)
        for before, blanks, behind in zip([None, *self.items], self.items, [*self.items[1:], None], strict=False):
            if isinstance(blanks, _Blanks) and not _is_meant(before, behind, prints=prints):
                blanks.pieces[blanks.number] = ""
        if tags[-1].closing == "+":
            return "\n"
        return SOFT_BREAK if prints and not any("-" in (tag.opening, tag.closing) for tag in tags) else ""


def _is_meant(before: _Tag | _Blanks | None, behind: _Tag | _Blanks | None, *, prints: bool) -> bool:
    """Whether blanks on a line of tags alone stay: a sign asks for it, or they are between what prints, or the value of a name."""
    if not isinstance(before, _Tag):
        return isinstance(behind, _Tag) and behind.opening == "+"
    if not isinstance(behind, _Tag):
        return before.closing == "+"
    return prints or VALUES.get(before.keyword) == behind.keyword


Token = tuple[int, str, str]  # line, kind and text, as Jinja's lexer gives them


def lay_out(source: str, tokens: Iterable[Token], eaten: list[Eaten] | None = None) -> Iterator[Token]:
    """A source's tokens with its white space as said above. What each `-` takes away is added to `eaten`, if given, and marked there."""
    layout = _Layout("\n".join(NEW_LINE.split(source)), eaten)
    for line, kind, text in tokens:
        layout.read(line, kind, text)
    layout.line.drop_layout()
    return ((line, kind, text) for line, kind, pieces in layout.output if (text := "".join(pieces)) or kind != "data")


class _Layout:
    """Reads tokens in their order. A text is kept in pieces, because what becomes of blanks is known when their line has ended."""

    def __init__(self, source: str, eaten: list[Eaten] | None) -> None:
        self.source, self.eaten = source, eaten
        self.at = 0  # how far the source was read
        self.output: list[tuple[int, str, list[str]]] = []
        self.line = _Line()
        self.tag = _Tag()
        self.is_raw = False

    def read(self, line: int, kind: str, text: str) -> None:
        if kind == "data":
            self.read_text(line, text)
            return
        if kind.endswith("_begin") or kind == "raw_end":
            self.begin(line, kind, text)
        elif kind == "name" and not self.tag.keyword:
            self.tag.keyword = text
        self.output.append((line, kind, [text]))
        self.at += len(text)
        if kind.endswith("_end") or kind == "raw_begin":
            self.end(line, text)
        self.is_raw = kind == "raw_begin"

    def read_text(self, line: int, text: str) -> None:
        pieces: list[str] = []
        self.output.append((line, "data", pieces))
        self.at += len(text)
        first, last = text.find("\n"), text.rfind("\n")
        if first < 0:
            self.read_words(pieces, text, is_word=self.is_raw)
            return
        self.read_words(pieces, text[:first])
        self.end_line(pieces)
        pieces.append(text[first + 1 : last + 1])
        self.read_words(pieces, text[last + 1 :])

    def read_words(self, pieces: list[str], text: str, *, is_word: bool = False) -> None:
        pieces.append(text)
        if is_word or text.strip():
            self.line.has_text = True
        elif text:
            self.line.items.append(_Blanks(pieces, len(pieces) - 1))

    def begin(self, line: int, kind: str, text: str) -> None:
        begin = self.source.index(text[:2], self.at)
        self.pass_over(line, self.source[self.at : begin])
        self.at = begin
        if kind == "variable_begin":
            self.line.has_text = True
        else:
            self.tag = _Tag(keyword="" if kind == "block_begin" else kind, opening=_sign(text[2:3]))
            self.line.items.append(self.tag)

    def end(self, line: int, text: str) -> None:
        closed = text.rstrip()
        self.tag.closing = _sign(closed[-3:-2])
        self.pass_over(line, text[len(closed) :])

    def pass_over(self, line: int, blanks: str) -> None:
        """Goes on behind white space that a `-` takes away."""
        if not blanks:
            return
        if self.eaten is not None and len(self.eaten) < MOST_MARKS:
            self.eaten.append(Eaten(line, chr(FIRST_MARK + len(self.eaten))))
            self.output.append((line, "data", [self.eaten[-1].mark]))
        if "\n" in blanks:
            self.end_line([])

    def end_line(self, pieces: list[str]) -> None:
        pieces.append(self.line.drop_layout())
        self.line = _Line()


def _sign(character: str) -> str:
    return character if character and character in "-+" else ""
