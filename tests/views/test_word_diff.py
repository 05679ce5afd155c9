"""What changed between two texts, word by word."""

from __future__ import annotations

import pytest
from kit.effort import effort

from promptkit.views.word_diff import marked_changes, word_diff


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ("Add a hat", "Add a hat", ()),
        ("Make it night", "Make it a starry night", (("", "a starry"),)),
        ("a red fox in snow, smiling", "a red fox, smiling", (("in snow", ""),)),
        ("facing it, at noon", "facing it at night", ((", at noon", "at night"),)),
        ("添加一只羊驼", "添加两只小羊驼", (("一只", "两只小"),)),  # one character that stayed between two changes does not part them
        ("एक लाल टोपी जोड़ें।", "एक नीली टोपी जोड़ें।", (("लाल", "नीली"),)),
        ("don't move the dog’s bowl", "don't move the cat’s bowl", (("dog’s", "cat’s"),)),
        ("A red fox.", "A blue fox. Let it snow.", (("red", "blue"), ("", "Let it snow."))),  # a sentence has the sign at its end
        ("A red fox. Let it snow.", "A blue fox.", (("red", "blue"), ("Let it snow.", ""))),
        ("A red fox, smiling", "A blue fox in snow, smiling", (("red", "blue"), ("", "in snow"))),  # and a word stays where it is
        ("A red house, a dog", "A blue house, a cat a dog", (("red", "blue"), ("", "a cat"))),
        ("", "", ()),
        ("", "a fox", (("", "a fox"),)),
    ],
)
def test_words_added_and_removed_are_named(before: str, after: str, changed: tuple[tuple[str, str], ...]) -> None:
    """Whole words of each script, a replaced stretch as one pair, what stayed left out."""
    found = word_diff(before, after)
    assert found.changes == changed
    assert found.removed == tuple(old for old, _ in changed if old)
    assert found.added == tuple(new for _, new in changed if new)


def test_one_wording_can_be_told_from_another_prompt() -> None:
    """The share that was kept is of the shorter one: a prompt that was only added to kept all, an unrelated one next to nothing."""
    assert word_diff("a red fox", "a red fox in the snow, smiling at the moon").shared == 1.0
    assert word_diff("a red fox", "make it night").shared == 0.0


@pytest.mark.parametrize("length", [700, 3_000, 50_000])
def test_long_prompts_are_compared_in_moderate_time(length: int) -> None:
    """Whatever stands in two prompts, comparing them takes under a second of processor time."""
    ones, others = (" ".join("abcdefgh"[(i * step) % 8] for i in range(length)) for step in (3, 5))
    assert effort(lambda: word_diff(ones, others)) < 1.0


@pytest.mark.parametrize(
    ("before", "after", "values", "left"),
    [
        ("A red fox.", "A blue fox.", ("red", "blue"), ()),
        ("A drawing of a fox, smiling", "A drawing of an owl, smiling", ("fox", "owl"), ()),  # the article belongs to the word
        ("Red foxes.", "Blue owls.", ("red foxes", "blue owls"), ()),
        ("a fox in the garden", "an owl in the garden. Add falling snow.", ("fox", "owl"), (("", ". Add falling snow."),)),
        ("画一只狐狸。", "画一只猫头鹰。", ("狐狸", "猫头鹰"), ()),
        ("狐狸在雪里", "猫在雪里，下雨", ("狐狸", "猫"), (("", "，下雨"),)),
    ],
)
def test_what_other_texts_tell_can_be_left_out(before: str, after: str, values: tuple[str, str], left: tuple[tuple[str, str], ...]) -> None:
    """Changes that lie inside two given texts go, articles with them; what was written besides them stays."""
    assert word_diff(before, after).outside(*values).changes == left


@pytest.mark.parametrize(
    ("before", "after", "pieces"),
    [
        ("a red fox", "a red fox", [("same", "a red fox")]),
        ("a red fox", "a blue fox", [("same", "a "), ("removed", "red"), ("added", "blue"), ("same", " fox")]),
        ("a fox\n\nin snow", "a fox\n\nin  deep snow", [("same", "a fox\n\nin  "), ("added", "deep"), ("same", " snow")]),
        ("a big red fox", "a red fox", [("same", "a "), ("removed", "big"), ("same", "red fox")]),
        ("a fox and", "a fox", [("same", "a fox"), ("removed", "and")]),
        ("添加羊驼", "添加小羊驼", [("same", "添加"), ("added", "小"), ("same", "羊驼")]),
        ("", "a fox", [("added", "a fox")]),
        ("a fox", "", [("removed", "a fox")]),
    ],
)
def test_a_text_is_cut_where_it_changed(before: str, after: str, pieces: list[tuple[str, str]]) -> None:
    """What stayed and what came in make the second text as it is, line breaks and all; what went stands where it stood."""
    assert list(marked_changes(before, after)) == pieces
    assert "".join(text for kind, text in pieces if kind != "removed") == after
