"""Captions on pictures: lines, fonts, and what is said where no font has a letter."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from promptkit.views import fonts
from promptkit.views.fonts import FontFile, Fonts
from promptkit.views.lettering import Lettering

THAI = "\N{THAI CHARACTER KO KAI}\N{THAI CHARACTER SARA A}"
HAN = "\u96ea\u5730"
NO_FONTS: list[FontFile] = []


def bare() -> Lettering:
    """Letters where nothing but Pillow's own font is there."""
    return Lettering(14, Fonts(14, NO_FONTS))


def image_of(lettering: Lettering, text: str, width: int = 300) -> Image.Image:
    image = Image.new("L", (width, 100), "white")
    lettering.draw(ImageDraw.Draw(image), (0, 0), lettering.lines(text, width, 3), width)
    return image


def test_what_no_font_draws_is_told_by_its_script() -> None:
    """Never a box: a stretch of letters that no font here has is its script's name in brackets, once for each stretch."""
    lettering = bare()
    assert lettering.lines(f"3 a fox {THAI} {THAI} b {HAN}\N{HIRAGANA LETTER A} \N{PARTY POPPER}", 600, 1).lines == (
        "3 a fox [Thai] b [Han][kana] [emoji]",
    )
    assert lettering.missing == ("Thai", "Han", "kana", "emoji")
    box = image_of(bare(), "[Thai]")
    assert image_of(bare(), THAI).tobytes() == box.tobytes()


def test_latin_letters_need_no_font() -> None:
    """Pillow's own font draws what it has; nothing is missing then."""
    lettering = bare()
    assert lettering.lines("a fox (12%)", 600, 1).lines == ("a fox (12%)",)
    assert lettering.missing == ()


@pytest.mark.parametrize("text", ["a very long caption that goes on and on " * 3, "unbroken" * 20, HAN * 60, f"{THAI}" * 60, "x " * 300])
def test_lines_keep_to_their_width(text: str) -> None:
    """Lines break at spaces, beside Han and kana, and inside a word wider than a line; the last one ends with … where more follows."""
    lettering = Lettering(14)
    lines = lettering.lines(text, 120, 2)
    if not lettering.missing:  # where there is no font for them, their name is short
        assert len(lines.lines) == 2
        assert lines.lines[-1].endswith("…")
    for line in lines.lines:
        image = image_of(lettering, line, 240)
        assert image.point(lambda value: 255 - value).getbbox()[2] <= 124


def test_what_closes_begins_no_line() -> None:
    """A full stop or a bracket that closes stays with the Han letter before it."""
    lines = Lettering(14, Fonts(14)).lines("\u96ea\u5730\u3002" * 20, 100, 9).lines
    assert not [line for line in lines if line.startswith("\u3002")]


def test_controls_are_visible_and_drive_nothing() -> None:
    """A bidi override or a control character in a prompt turns nothing around: it is drawn as the sign for what cannot be shown."""
    (line,) = bare().lines("a\u202eb\x1b[31m", 600, 1).lines
    assert "\u202e" not in line
    assert "\x1b" not in line


def test_text_from_the_right_stands_at_the_right() -> None:
    """A caption in Hebrew begins at the right edge, also where Pillow cannot shape."""
    for shaping in (True, False):
        lettering = Lettering(14, Fonts(14, shaping=shaping and None))
        image = image_of(lettering, "\N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET}")
        left, _, right, _ = image.point(lambda value: 255 - value).getbbox()
        assert left > 200
        assert right >= 295


def test_what_is_not_shaped_is_told() -> None:
    """Without raqm letters stand one by one, which is told of scripts whose letters join or move; Hebrew and Han suffer nothing."""
    lettering = Lettering(14, Fonts(14, shaping=False))
    for text in ("\N{ARABIC LETTER BEH}\N{ARABIC LETTER BEH}", "\N{DEVANAGARI LETTER KA}", "\N{HEBREW LETTER ALEF}", HAN, "fox"):
        image_of(lettering, text)
    assert set(lettering.unshaped) <= {"Arabic", "Devanagari"}
    assert not Lettering(14, Fonts(14, shaping=False)).unshaped


def test_fontconfig_is_asked_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program fc-match says which files to try, for the character and in the prompt's language; each is tried once."""
    asked, program = tmp_path / "asked", tmp_path / "fc-match"
    program.write_text(f'#!/bin/sh\nfor last; do :; done\necho "$last" >> {asked}\nprintf "/no/such/font.ttf\\t0\\n"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    fonts._candidates.cache_clear()
    try:
        lettering = Lettering(14, Fonts(14, lang="ja"))
        assert lettering.lines(HAN, 600, 1).lines == ("[Han]",)
    finally:
        fonts._candidates.cache_clear()
    assert "sans:charset=96ea:lang=ja" in asked.read_text().splitlines()


def test_a_program_that_fails_is_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where fc-match fails the known folders are looked through, and Latin letters are drawn in any case."""
    program = tmp_path / "fc-match"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    fonts._candidates.cache_clear()
    try:
        assert Lettering(14, Fonts(14)).lines("a fox", 600, 1).lines == ("a fox",)
    finally:
        fonts._candidates.cache_clear()


@pytest.mark.skipif(shutil.which("fc-match") is None, reason="there is no fontconfig here")
def test_a_font_of_the_machine_draws_its_letters() -> None:
    """What fontconfig names is used where it has the glyph: each run of characters has one font."""
    machine = Fonts(14)
    for text in (HAN, THAI, "\N{CYRILLIC CAPITAL LETTER ZHE}"):
        runs = machine.runs(f"a {text} b")
        assert "".join(run.text for run in runs) in (f"a {text} b", f"a [{fonts._script(text)}] b")
