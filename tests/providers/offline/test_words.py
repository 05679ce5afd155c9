"""What the offline painter reads in prompts: things and their colours, lettering, changes, in five languages."""

import re
import unicodedata

import pytest

from promptkit import templates
from promptkit.providers.offline import words


@pytest.mark.parametrize(
    ("table", "text", "found"),
    [
        ("cat", "a CAT and cats", ["cat", "cats"]),
        ("cat", "catalogue, bobcat, cat-like", ["cat"]),
        ("cafe", "un Café", ["cafe"]),
        ("take_away", "take away, takeaway", ["take away"]),
        ("猫 熊猫", "小熊猫と猫", ["熊猫", "猫"]),
        ("रात", "रात, बारात, रातों", ["रात"]),
        ("सफ़ेद", "सफ\u093cेद", [words.fold("सफ़ेद")]),
    ],
)
def test_words_are_whole_where_spaces_part_them(table: str, text: str, found: list[str]) -> None:
    """Whole words and plurals in Latin and Devanagari, whatever case or accents; any part of a text in Han and kana."""
    assert words.any_of(table).findall(words.fold(text)) == found


NAMED = [
    ("a small white alpaca, facing a blue wall", [("alpaca", "alpaca", "#ffffff"), ("", "blue wall", "#3f7fd9")]),
    ("A kawaii sticker of a happy red panda, featuring a tiny bamboo hat", [("red_panda", "red panda", ""), ("hat", "bamboo hat", "")]),
    ("Un dragón verde con una bufanda roja", [("", "dragón verde", "#4fae6b"), ("scarf", "bufanda", "#e5484d")]),
    ("ロボットを描いた、かわいいステッカー", [("", "ロボット", "")]),
    ("生成一张贴纸，主体是小熊猫", [("red_panda", "小熊猫", "")]),
    ("एक रोबोट का चित्र बनाएँ", [("", "रोबोट", "")]),
    ("an old piano", [("", "old piano", "")]),
    ("Café", [("cup", "Café", "")]),
    ("the image, its colors and the background", []),
]


@pytest.mark.parametrize(("text", "found"), NAMED)
def test_a_thing_is_named_as_the_prompt_spells_it(text: str, found: list[tuple[str, str, str]]) -> None:
    """What has a figure and what has none, in the prompt's order and spelling, each with the colour that stands beside it."""
    assert [(name.figure, name.word, name.colour) for name in words.named(text)] == found


@pytest.mark.parametrize(
    "prompt", ["don't stop, it's fine", "the bears' hats and cats' bowls", 'name="x"', '{"subject": 1}', '"{subject}"']
)
def test_what_only_looks_like_lettering_is_none(prompt: str) -> None:
    """Apostrophes, attributes, keys and placeholders are no lettering."""
    assert words.new(prompt).lettering == ()


def test_a_prompt_in_json_has_no_lettering_in_its_values() -> None:
    """Its quotation marks belong to the format; other quotation marks count."""
    asked = words.new('{"subject": "a fox", "sign": "says “OPEN”"}')
    assert asked.lettering == ("OPEN",)
    assert [name.figure for name in asked.names] == ["fox"]


TEMPLATES = {
    "edit.remove": ({"element": "帽子"}, "remove"),
    "edit.inpaint": ({"element": "帽子", "replacement": "マフラー"}, "replace"),
    "edit.add": ({"element": "कुत्ता"}, "add"),
    "edit.style_transfer": ({"style": "ukiyo-e"}, "style"),
    "recover.edit": ({"prompt": "Add an alpaca"}, "add"),
}


@pytest.mark.parametrize(("name", "lang"), [(name, lang) for name in TEMPLATES for lang in templates[name].languages])
def test_an_edit_template_asks_for_one_kind_of_change(name: str, lang: str) -> None:
    """What the template says about keeping the rest is no change, in any of its languages."""
    inputs, kind = TEMPLATES[name]
    assert {change.kind for change in words.changes(str(templates[name](**inputs, lang=lang)))} == {kind}


EDITS = [
    ("Keep the background and the style. Make it night", ["night"]),
    ("Add a bow tie, remove the hat, and make the background blue", ["add", "remove", "ground"]),
    ("背景はそのまま、夜にして", ["night"]),
    ("保持背景不变，改成晚上", ["night"]),
    ("Replace the text “A” by “B”", ["write"]),
    ("Make it happier", ["replace"]),
    ("a fox", ["other"]),
    ("Draw it in van Gogh's style", ["style"]),
    ("", ["other"]),
    ("Füge einen Roboter hinzu, entferne den Hut und mach es Nacht", ["add", "remove", "night"]),
    ("Ersetze den Fuchs durch einen Bären", ["replace"]),
]


@pytest.mark.parametrize(("prompt", "kinds"), EDITS)
def test_changes_are_told_in_their_order(prompt: str, kinds: list[str]) -> None:
    """Each clause with a verb of its own is a change; what should stay is none."""
    assert [change.kind for change in words.changes(prompt)] == kinds


SPELLED = [
    ("テレビ", "terebi"),
    ("टोपी", "ttopii"),
    ("熊猫", "U+718A U+732B"),
    ("niño", "nino"),
    ("fox", "fox"),
    ("熊" * 9, "U+718A " * 4 + "…"),
]


@pytest.mark.parametrize(("text", "said"), SPELLED)
def test_what_no_font_has_is_spelled(text: str, said: str) -> None:
    """By the sounds in Unicode's names where they are sounds, else as code points, of which four are enough."""
    assert words.spelled(text) == said


def test_the_tables_can_be_mended_without_python() -> None:
    """Every figure's parts, every colour and every pattern of the data file can be read."""
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in words.table("colours"))
    assert all(set(row["drawn"].split()) <= set(words.table("parts")) for row in words.table("figures").values())
    assert all(words.regex(name) for name in words.table("patterns"))
    for kind in ("figures", "said", "edits", "looks", "talk", "colours", "phrases"):
        assert all(words.pattern(name, kind) for name in words.table(kind))


GROUNDS = [
    ("a bear with a red hat on a blue background", "#3f7fd9"),
    ("A bear. The background is a soft, light green.", ""),
    ("a bear, the background is light green", "#4fae6b"),
    ("a red hat in the background", ""),
    ("ein Fuchs vor blauem, dann rotem Hintergrund", "#e5484d"),
    ("一只熊，白色背景", "#ffffff"),
]


@pytest.mark.parametrize(("prompt", "ground"), GROUNDS)
def test_the_ground_has_the_colour_that_stands_nearest_to_its_word(prompt: str, ground: str) -> None:
    """Before it or behind it, in the same part of the sentence, with nothing to draw between them."""
    assert words.new(prompt).ground == ground


def test_folding_keeps_the_length_of_a_composed_text() -> None:
    """So that what is found in the folded text stands in the text at the same place."""
    text = unicodedata.normalize("NFC", "Ｆöß ĲﬁÅ 熊が サ　फ़ क्ष ½ \ud800 \0")
    assert len(words.fold(text)) == len(text)
