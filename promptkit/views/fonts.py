"""Which of the machine's fonts draws which characters: fontconfig is asked where it is there, else the known folders are looked through.

A character is drawn by a font only where that has a glyph for it: the box that fonts draw instead says nothing. What no font here can draw
is told by its script, in brackets. Pillow's own font, which has Latin letters, is there everywhere.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache, lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from PIL import ImageFont, features

__all__ = ["Font", "FontFile", "Fonts", "Run", "clusters", "is_shaping"]

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

FOLDERS = (
    *("~/.local/share/fonts", "~/.fonts", "/usr/share/fonts", "/usr/local/share/fonts"),
    *("~/Library/Fonts", "/Library/Fonts", "/System/Library/Fonts", "C:/Windows/Fonts", "/data/data/com.termux/files/usr/share/fonts"),
)
SUFFIXES = (".ttf", ".ttc", ".otf", ".otc")
OTHERS = re.compile(r"bold|black|heavy|light|thin|italic|oblique|condensed|mono|serif(?!.*sans)|display|emoji", re.IGNORECASE)
SANS = re.compile(r"sans|arial|helvetica|segoe|gothic|hei|yahei|nirmala|kohinoor", re.IGNORECASE)
MOST_FILES = 4000  # that are looked through
MOST_ASKED = 40  # of fontconfig's answers that are tried
LONGEST_WAIT = 20  # seconds: the first call on a machine builds fontconfig's own cache
TRIED_AT = 20  # pixels at which glyphs are compared
NO_CHARACTER = "\U0010fffe"
JOINER = "\N{ZERO WIDTH JOINER}"


class FontFile(NamedTuple):
    """A font: its file, and which face in that."""

    path: str
    face: int = 0


class Run(NamedTuple):
    """Characters that one font draws."""

    text: str
    font: Font


def is_shaping(font: Font) -> bool:
    """Whether Pillow joins and reorders a font's letters as their script wants it, with raqm."""
    return getattr(font, "layout_engine", None) == ImageFont.Layout.RAQM


class Fonts:
    """Fonts of one size. `files` are the only ones that are used, where they are given; else the machine's are found as they are needed,
    those that are usual in the language `lang` first. `shaping`: whether letters are joined, by default where Pillow has raqm.
    """

    def __init__(self, pixels: int, files: Sequence[FontFile] | None = None, *, lang: str = "", shaping: bool | None = None) -> None:
        self._pixels, self._files, self._lang = pixels, files, lang
        is_shaping = features.check("raqm") if shaping is None else shaping
        self._layout = ImageFont.Layout.RAQM if is_shaping else ImageFont.Layout.BASIC
        self._own = ImageFont.load_default(pixels)
        self._loaded: dict[FontFile, Font] = {}
        self._fonts: dict[str, Font | None] = {}
        self._found: dict[FontFile, None] = {}  # those that drew something, in the order of their use
        self.missing: dict[str, None] = {}  # the scripts for which there is none, as they were needed

    def runs(self, text: str) -> list[Run]:
        """The text in stretches of one font each; what none can draw is its script's name in brackets."""
        found: list[Run] = []
        for piece, font in self._pieces(text):
            if found and found[-1].font is font:
                found[-1] = Run(found[-1].text + piece, font)
            else:
                found.append(Run(piece, font))
        return found

    def _pieces(self, text: str) -> Iterator[tuple[str, Font]]:
        told, spaces, last = "", "", self._font("a") or self._own  # what draws Latin letters: they look alike in all captions
        for cluster in clusters(text):
            if cluster.isspace():
                spaces += " "
                continue
            font = self._font(cluster)
            script = "" if font else _script(cluster)
            if script and script == told:
                spaces = ""
                continue
            self.missing.update(dict.fromkeys([script] if script else ()))
            last = font or last
            yield f"{spaces}{f'[{script}]' if script else cluster}", last
            told, spaces = script, ""
        yield spaces, last

    def _font(self, cluster: str) -> Font | None:
        if cluster not in self._fonts:
            self._fonts[cluster] = self._searched(cluster)
        return self._fonts[cluster]

    def _searched(self, cluster: str) -> Font | None:
        files = self._files if self._files is not None else _candidates(_telling(cluster), self._lang)
        for file in chain(self._found, files):
            if _draws(file, cluster):
                self._found[file] = None
                return self._load(file)
        return self._own if _own_draws(cluster) else None

    def _load(self, file: FontFile) -> Font:
        if file not in self._loaded:
            self._loaded[file] = ImageFont.truetype(file.path, self._pixels, file.face, layout_engine=self._layout)
        return self._loaded[file]


def clusters(text: str) -> Iterator[str]:
    """The characters of a text, each with the marks that belong to it; spaces alone."""
    cluster = ""
    for character in text:
        if cluster and (unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf") or cluster.endswith(JOINER)):
            cluster += character
            continue
        if cluster:
            yield cluster
        cluster = character
    if cluster:
        yield cluster


def _telling(cluster: str) -> str:
    """The character by which a font for the cluster is looked for."""
    return cluster[0]


def _script(cluster: str) -> str:
    """What a reader calls what a character belongs to."""
    name = unicodedata.name(cluster[0], "")
    known = {"CJK": "Han", "HIRAGANA": "kana", "KATAKANA": "kana", "HANGUL": "Hangul"}
    first = name.partition(" ")[0].partition("-")[0]
    if first in known:
        return known[first]
    if unicodedata.category(cluster[0])[0] in "LM" and first:
        return first.title()
    return "emoji" if cluster[0] >= "\U0001f000" else "symbol"


# Does it have the glyph?


@cache
def _masks_of(file: FontFile) -> ImageFont.FreeTypeFont | None:
    try:
        return ImageFont.truetype(file.path, TRIED_AT, file.face, layout_engine=ImageFont.Layout.BASIC)
    except OSError:  # no font, or one of small pictures, which has sizes of its own
        return None


@lru_cache(4096)
def _draws(file: FontFile, cluster: str) -> bool:
    """Whether a font has a glyph for each character that shows."""
    font = _masks_of(file)
    return font is not None and _has_glyphs(font, cluster)


@lru_cache(4096)
def _own_draws(cluster: str) -> bool:
    return _has_glyphs(ImageFont.load_default(TRIED_AT), cluster)


def _has_glyphs(font: Font, cluster: str) -> bool:
    try:
        missing, *shapes = [_shape(font, c) for c in (NO_CHARACTER, *cluster) if unicodedata.category(c) != "Cf"]
    except (OSError, UnicodeError, ValueError):
        return False
    return missing not in shapes


def _shape(font: Font, character: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(character)
    return mask.size, bytes(mask)


# Where fonts are


@lru_cache(4096)
def _candidates(character: str, lang: str) -> tuple[FontFile, ...]:
    """The fonts that may have a character, the likeliest first."""
    return _asked_of_fontconfig(character, lang) or _in_known_folders()


def _asked_of_fontconfig(character: str, lang: str) -> tuple[FontFile, ...]:
    program = shutil.which("fc-match")
    if program is None:
        return ()
    pattern = f"sans:charset={ord(character):x}{f':lang={lang.lower()}' if re.fullmatch('[A-Za-z-]{2,20}', lang) else ''}"
    command = [program, "--sort", "--format", "%{file}\t%{index}\n", pattern]
    with suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run(command, capture_output=True, timeout=LONGEST_WAIT, check=True).stdout  # noqa: S603
        lines = (line.partition("\t") for line in said.decode(errors="surrogateescape").splitlines())
        return tuple(islice((FontFile(path, int(face or 0)) for path, _, face in lines if path), MOST_ASKED))
    return ()


@cache
def _in_known_folders() -> tuple[FontFile, ...]:
    """The plain sans serif fonts first, then others."""
    with suppress(RuntimeError):  # a home that is not known
        folders = [Path(folder).expanduser() for folder in FOLDERS]
        files = (path for folder in folders for path in _below(folder) if path.suffix.lower() in SUFFIXES)
        return tuple(FontFile(str(path)) for path in sorted(islice(files, MOST_FILES), key=_preference))
    return ()


def _below(folder: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from folder.rglob("*")


def _preference(path: Path) -> tuple[bool, bool, str]:
    return bool(OTHERS.search(path.name)), not SANS.search(path.name), str(path)
