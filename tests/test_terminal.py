"""Text for a terminal: what may stand in it, how wide it is, and where it is cut.

Pure text; what commands print with it is tested in tests/cli.
"""

from __future__ import annotations

import unicodedata

import pytest
from kit.effort import effort

from promptkit.terminal import aligned, cut, printable, width


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a \x1b[31mred\x1b[0m bear", "a �[31mred�[0m bear"),
        ("\u202eraeb", "�raeb"),
        ("bear\x07\x9b2J", "bear��2J"),
        ("caf\udce9", "caf�"),
        ("a\tb\nc\u00a0d\u3000e", "a b c d e"),
        ("नमस्ते 👩‍🚀 می‌خواهم", "नमस्ते 👩‍🚀 می‌خواهم"),
    ],
)
def test_what_drives_a_terminal_is_replaced(text: str, shown: str) -> None:
    """Escapes, reordering marks and halves of characters become U+FFFD, spaces a plain one; what holds words and emoji together stays."""
    assert printable(text) == shown
    assert shown.encode()


def test_what_is_kept_stays() -> None:
    """Line ends and tabs may stay where someone says so."""
    assert printable("a\n\tb\r\x1b", keep="\n\t") == "a\n\tb �"


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("", 0),
        ("bear", 4),
        ("熊猫", 4),
        ("ﾊﾟﾝﾀﾞ", 5),
        ("パンダ", 6),
        (unicodedata.normalize("NFD", "bärén"), 5),
        (unicodedata.normalize("NFD", "호랑이"), 6),
        ("呀\u0301", 2),
        ("कि", 1),
        ("a\u200db", 2),
    ],
)
def test_letters_take_their_columns(text: str, columns: int) -> None:
    """Wide letters two, marks and joiners none, however the letter is put together."""
    assert width(text) == columns


def test_a_text_is_cut_to_its_columns() -> None:
    """What fits stays whole, what does not ends in …; neither a wide letter nor a letter's mark is cut off by half."""
    assert cut("bear", 4) == "bear"
    assert cut("bears", 4) == "bea…"
    assert cut("熊猫熊猫", 8) == "熊猫熊猫"
    assert cut("熊猫熊猫", 7) == "熊猫熊…"
    assert cut("熊猫熊猫", 6) == "熊猫…"
    marked = unicodedata.normalize("NFD", "äöüäöü")
    assert cut(marked, 6) == marked
    assert cut(marked, 3) == marked[:4] + "…"


def test_marks_upon_marks_are_cut_too() -> None:
    """A cell has an end, though all of it stands on one letter."""
    assert len(cut("a" + "\u0301" * 10_000, 10)) == 41


def test_cutting_is_quick_however_long_the_text() -> None:
    """A text of a million wide letters is cut in less than 50 ms of processor time."""
    assert effort(lambda: cut("熊" * 1_000_000, 60)) < 0.05


def test_rows_stand_in_columns() -> None:
    """Each column begins where its widest cell of the one before allows; numbers end below one another; no line ends in spaces."""
    assert aligned([("熊", "1", "x"), ("a", "20", "")]) == ["熊  1   x", "a   20"]
    assert aligned([("熊", "1", "x"), ("a", "20", "")], numbers=True) == ["熊   1  x", "a   20"]
    assert aligned([]) == []
