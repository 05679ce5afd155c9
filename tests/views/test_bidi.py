"""The order in which a line of several scripts is read."""

from __future__ import annotations

import pytest

from promptkit.views.bidi import is_right_to_left, visual_order

ALEF, BET, GIMEL = "\N{HEBREW LETTER ALEF}", "\N{HEBREW LETTER BET}", "\N{HEBREW LETTER GIMEL}"
ARABIC = "\N{ARABIC LETTER ALEF}"
# What is written, and where it stands from left to right: stretches that are read from the right are in <…>.
LINES = [
    ("a fox, 12%", "a fox, 12%"),
    (f"{ALEF}{BET}", f"<{ALEF}{BET}>"),
    (f"a {ALEF}{BET} c", f"a <{ALEF}{BET}> c"),
    (f"a {ALEF} {BET} c", f"a <{ALEF} {BET}> c"),
    (f"{ALEF} b {GIMEL}", f"< {GIMEL}>b<{ALEF} >"),
    (f"{ALEF} b c {GIMEL}", f"< {GIMEL}>b c<{ALEF} >"),
    (f"{ALEF} 12 {BET}", f"< {BET}>12<{ALEF} >"),
    (f"{ALEF} 1,250.5% {BET}", f"< {BET}>1,250.5%<{ALEF} >"),
    (f"{ALEF} -3", f"3<{ALEF} ->"),
    (f"{ARABIC} 3 b", f"b< >3<{ARABIC} >"),
    (f"a {ALEF}, {BET}!", f"a <{ALEF}, {BET}>!"),
    (f"{ALEF}, b.", f"<.>b<{ALEF}, >"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "seen"), LINES)
def test_a_line_stands_as_it_is_read(text: str, seen: str) -> None:
    """Letters that are read from the right stand so; numbers and words of the other direction inside them keep their own."""
    stretches = visual_order(text, from_right=is_right_to_left(text))
    assert "".join(f"<{part}>" if from_right else part for part, from_right in stretches) == seen
    assert sorted("".join(part for part, _ in stretches)) == sorted(text)


@pytest.mark.parametrize(("text", "from_right"), [("12 a", False), (f"12 {ALEF} a", True), (f"a {ALEF}", False), ("12!", False)])
def test_a_text_begins_where_its_first_letter_does(text: str, from_right: bool) -> None:
    """A text is read from the right where its first letter is, whatever digits and signs stand before that."""
    assert is_right_to_left(text) is from_right
