"""Lines of text on a picture, in any script that the machine has a font for: broken where they are too wide, each in its reading order.

With raqm Pillow joins and reorders letters as their scripts want it. Without it they stand one by one, from right to left where they are
read so, and `unshaped` names the scripts that suffer.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from PIL import ImageDraw

from promptkit.terminal import printable
from promptkit.views.bidi import Stretch, is_right_to_left, visual_order
from promptkit.views.fonts import Font, Fonts, clusters, is_shaping

__all__ = ["Lettering", "Lines"]

LINE = 1.35  # of the font's size, from one line to the next
LONGEST = 400  # characters of a text of which lines are made
MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")
SHAPED = ("ARABIC", "SYRIAC", "DEVANAGARI", "BENGALI", "GUJARATI", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "KHMER", "MYANMAR", "THAI")


class Lines(NamedTuple):
    """The lines of one text, and whether it is read from the right."""

    lines: tuple[str, ...]
    from_right: bool


class Lettering:
    """Text of one size, with what is to be said of it afterwards: `missing` scripts, and those that are `unshaped`."""

    def __init__(self, pixels: int, fonts: Fonts | None = None) -> None:
        self.pixels, self.height = pixels, round(pixels * LINE)
        self._fonts = fonts or Fonts(pixels)
        self._widths: dict[str, float] = {}
        self.unshaped: dict[str, None] = {}

    @property
    def missing(self) -> tuple[str, ...]:
        """The scripts for which there is no font."""
        return tuple(self._fonts.missing)

    def lines(self, text: str, width: float, most: int) -> Lines:
        """The text in at most so many lines, none wider than so many pixels; where it goes on behind the last, that ends with …."""
        shown = " ".join(printable(unicodedata.normalize("NFC", text)).split())
        drawn = "".join(run.text for run in self._fonts.runs(shown[:LONGEST]))
        made = list(self._broken(drawn, width))
        if len(made) > most or len(shown) > LONGEST:
            made = [*made[: most - 1], self._cut(made[most - 1 : most], width)]
        return Lines(tuple(made[:most]), is_right_to_left(shown))

    def _cut(self, last: Iterable[str], width: float) -> str:
        pieces = list(clusters("".join(last)))
        while pieces and sum(map(self._width, pieces)) + self._width("…") > width:
            pieces.pop()
        return "".join(pieces).rstrip() + "…"

    def _broken(self, text: str, width: float) -> Iterator[str]:
        """Lines, broken at spaces and beside wide letters; a word that is wider than a line anywhere."""
        line, used = "", 0.0
        for word in _words(text):
            wide = sum(map(self._width, clusters(word.rstrip())))
            if used + wide > width and line.strip():
                yield line.rstrip()
                line, used = "", 0.0
            for cluster in clusters(word):
                if used + self._width(cluster) > width and not cluster.isspace() and line:
                    yield line
                    line, used = "", 0.0
                line, used = line + cluster, used + self._width(cluster)
        if line.strip():
            yield line.rstrip()

    def _width(self, cluster: str) -> float:
        if cluster not in self._widths:
            self._widths[cluster] = sum(font.getlength(text) for text, font in self._fonts.runs(cluster))
        return self._widths[cluster]

    def draw(self, draw: ImageDraw.ImageDraw, place: tuple[float, float], lines: Lines, width: float, *, fill: str = "black") -> None:
        """Draws lines below one another from that place (left, top) on; those that are read from the right begin at the right edge."""
        left, top = place
        for n, line in enumerate(lines.lines):
            pieces = list(self._pieces(line, from_right=lines.from_right))
            x = left + (width - sum(length for *_, length in pieces) if lines.from_right else 0)
            for text, font, direction, length in pieces:
                draw.text((x, top + n * self.height + self.pixels), text, fill, font, "ls", direction=direction)
                x += length

    def _pieces(self, line: str, *, from_right: bool) -> Iterator[tuple[str, Font, str | None, float]]:
        """What is drawn, from left to right: a text, its font, its direction where raqm wants one, and how wide it is."""
        for stretch in visual_order(line, from_right=from_right):
            runs = self._fonts.runs(stretch.text)
            for text, font in reversed(runs) if stretch.is_right_to_left else runs:
                shaped = is_shaping(font)
                direction = ("rtl" if stretch.is_right_to_left else "ltr") if shaped else None
                drawn = text if shaped else self._in_a_row(Stretch(text, stretch.is_right_to_left))
                yield drawn, font, direction, font.getlength(drawn, direction=direction) if shaped else font.getlength(drawn)

    def _in_a_row(self, stretch: Stretch) -> str:
        """The letters one by one, from left to right, as they can be drawn without raqm."""
        names = {unicodedata.name(character, "").partition(" ")[0] for character in stretch.text}
        self.unshaped.update(dict.fromkeys(name.title() for name in SHAPED if name in names))
        return "".join(reversed(list(clusters(stretch.text)))).translate(MIRRORED) if stretch.is_right_to_left else stretch.text


def _words(text: str) -> Iterator[str]:
    """The pieces between which a line may break, each with the space behind it: words, and wide letters alone."""
    word = ""
    for cluster in clusters(text):
        if word and _may_break(word, cluster):
            yield word
            word = ""
        word += cluster
    if word:
        yield word


def _may_break(word: str, cluster: str) -> bool:
    """Whether a line may break between them: never before a space, a full stop or what closes."""
    if cluster.isspace() or unicodedata.category(cluster[0]) in ("Po", "Pe", "Pf"):
        return False
    return word[-1].isspace() or any(unicodedata.east_asian_width(c) in "WF" for c in (cluster[0], word[-1]))
