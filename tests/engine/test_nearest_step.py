"""In what two texts differ, told in a few words. Which step is named is tested in tests/session/test_bought_again.py."""

from __future__ import annotations

import pytest

from promptkit.engine.nearest_step import difference

DIFFERENCES = {
    "a word": ("a white fox", "a black fox", "“white” then, “black” now"),
    "several words": ("a small white fox", "a large black fox", "“small white” then, “large black” now"),
    "a word at the end": ("a fox", "a fox there", "now with “there”"),
    "a word at the beginning": ("Please add a hat", "add a hat", "now without “Please”"),
    "spaces": ("a fox\n", " a  fox", "only spaces or line breaks differ"),
    "glued words": ("a fox. It runs", "a fox.It runs", "only spaces or line breaks differ"),
    "a sign": ("a fox!", "a fox?", "“!” then, “?” now"),
    "Japanese": ("夜にして", "朝にして", "“夜” then, “朝” now"),
    "Unicode form": ("é", "e\u0301", "only the Unicode form of characters differs"),
    "much": ("a " * 100, "b " * 100, f"“{'a ' * 20}".rstrip() + f"…” then, “{'b ' * 20}".rstrip() + "…” now"),
}


@pytest.mark.parametrize(("before", "after", "told"), DIFFERENCES.values(), ids=list(DIFFERENCES))
def test_a_difference_is_told_from_its_first_word_on(before: str, after: str, told: str) -> None:
    """What was left out, added or replaced is quoted, shortened where it is long; what cannot be seen is named."""
    assert difference(before, after) == told


@pytest.mark.parametrize("unit", ["a b ", "夜", "́", "\u200d", "-", " ", "'x"])
def test_of_a_long_text_the_beginning_is_compared(unit: str) -> None:
    """A record may hold any text: a megabyte of it costs what a long prompt does, and what differs behind that is said so."""
    text = unit * (1_000_000 // len(unit))
    assert difference(text + "a", text + "b") == "words behind the first 20,000 characters differ"
    assert difference("a " + text, "b " + text) == "“a” then, “b” now"
