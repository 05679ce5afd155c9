"""Templates from bracket patterns: which inputs they have, and that all else comes out as it went in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from kit.places import shared

from promptkit.errors import TemplateError
from promptkit.prompts import sandbox
from promptkit.prompts.brackets import from_brackets
from promptkit.prompts.declarations import Edition, read_edition
from promptkit.prompts.library import Library
from promptkit.prompts.source_file import File, make_file
from promptkit.prompts.template import Template

STICKER = (
    "A [style] sticker of a [subject], featuring [key characteristics] and a [color palette]. The design should have [line style] and "
    "[shading style]. The background must be white."
)
LOGO = (
    "Create a [image type] for [brand/concept] with the text “[text to render]” in a [font style]. The design should be "
    "[style description], with a [color scheme]."
)
PORTRAIT = (
    "A photorealistic [shot type] of [subject], [action or expression], set in [environment]. The scene is illuminated by "
    "[lighting description], creating a [mood] atmosphere. Captured with a [camera/lens details], emphasizing [key textures and details]. "
    "The image should be in a [aspect ratio] format."
)
ADD = (
    "Using the provided image, please add [element] to the scene. Ensure the change is "
    "[description of how the change should integrate]."
)
STICKER_TEXT = (
    "A kawaii sticker of a happy bear, featuring big round eyes and a bright, bold color palette. The design should have clear "
    "outlines and simple cel shading. The background must be white."
)
LOGO_TEXT = (
    "Create a modern, minimalist logo for a coffee shop with the text “The Daily Grind” in a clean, bold, sans-serif font. The "
    "design should be simple and stylized, with a black and white color scheme."
)
PORTRAIT_TEXT = (
    "A photorealistic close-up portrait of an elderly Japanese ceramicist, carefully inspecting a freshly glazed tea bowl, set in a "
    "rustic, sun-drenched workshop. The scene is illuminated by soft, golden hour light streaming through a window, creating a serene "
    "and masterful atmosphere. Captured with an 85mm portrait lens, emphasizing the fine texture of the clay. The image should be in a "
    "vertical portrait format."
)
ADD_TEXT = (
    "Using the provided image, please add a small, knitted wizard hat to the scene. Ensure the change is natural, as if it had always "
    "sat there."
)
GUIDE = {
    "sticker": (
        STICKER,
        {
            "style": "kawaii",
            "subject": "happy bear",
            "key_characteristics": "big round eyes",
            "color_palette": "bright, bold color palette",
            "line_style": "clear outlines",
            "shading_style": "simple cel shading",
        },
        STICKER_TEXT,
    ),
    "logo": (
        LOGO,
        {
            "image_type": "modern, minimalist logo",
            "concept": "a coffee shop",
            "text": "The Daily Grind",
            "font_style": "clean, bold, sans-serif font",
            "style_description": "simple and stylized",
            "color_scheme": "black and white color scheme",
        },
        LOGO_TEXT,
    ),
    "portrait": (
        PORTRAIT,
        {
            "shot_type": "close-up portrait",
            "subject": "an elderly Japanese ceramicist",
            "action_or_expression": "carefully inspecting a freshly glazed tea bowl",
            "environment": "a rustic, sun-drenched workshop",
            "lighting_description": "soft, golden hour light streaming through a window",
            "mood": "serene and masterful",
            "lens_details": "85mm portrait lens",
            "key_textures_and_details": "the fine texture of the clay",
            "aspect_ratio": "vertical portrait",
        },
        PORTRAIT_TEXT,
    ),
    "add": (
        ADD,
        {
            "element": "a small, knitted wizard hat",
            "description_of_how_the_change_should": "natural, as if it had always sat there",
        },
        ADD_TEXT,
    ),
}
STICKER_SOURCE = """\
---
description: "From the pattern: A [style] sticker of a [subject], featuring [key …"
kind: generate
inputs:
  style: {description: style}
  subject: {description: subject}
  key_characteristics: {description: key characteristics}
  color_palette: {description: color palette}
  line_style: {description: line style}
  shading_style: {description: shading style}
---
{{ style|article|upper_first }} sticker of {{ subject|article }}, featuring {{ key_characteristics }} and {{ color_palette|article }}. \
The design should have {{ line_style }} and {{ shading_style }}. The background must be white.
"""


def made(pattern: str, **options: Any) -> tuple[File, Edition]:
    file = make_file("t.j2", Path("t.j2"), from_brackets(pattern, **options).encode())
    return file, read_edition(file, file)


def rendered(pattern: str, **inputs: str) -> str:
    file, edition = made(pattern)
    return sandbox.render(file.name, {file.name: file.part}, edition.accept(inputs)[1])


def names(pattern: str) -> list[str]:
    return list(made(pattern)[1].inputs)


# The guide's patterns


@pytest.mark.parametrize("name", GUIDE)
def test_the_guides_patterns_come_out_word_for_word(tmp_path: Path, name: str) -> None:
    """The guide's patterns as files of a library, filled in as the guide fills them."""
    pattern, inputs, text = GUIDE[name]
    (tmp_path / "t.j2").write_text(from_brackets(pattern), encoding="utf-8")
    template = Library(tmp_path, builtin=False).t
    assert list(template.inputs) == list(inputs)
    assert str(template(**inputs)) == text


@pytest.mark.parametrize("pattern", [STICKER, LOGO])
def test_the_seeds_patterns_are_these(pattern: str) -> None:
    """The patterns that these tests take from the seeds stand there word for word."""
    assert any(pattern in seed.read_text(encoding="utf-8") for seed in shared("seeds").glob("*.txt"))


def test_the_source_looks_written_by_hand() -> None:
    """Front matter with one input to a line, and a body that reads like the pattern."""
    assert from_brackets(STICKER) == STICKER_SOURCE


def test_every_input_is_required_and_described_by_its_bracket() -> None:
    """Each input is required, and its description is the bracket's words as they were written."""
    inputs = made(LOGO)[1].inputs.values()
    assert all(i.required and i.type == "string" for i in inputs)
    assert [i.description for i in inputs][:3] == ["image type", "brand/concept", "text to render"]


def test_an_edit_says_so() -> None:
    """A pattern for an edit makes a template that needs the picture to be edited; an unknown kind is refused."""
    edition = made(ADD, kind="edit")[1]
    assert (edition.kind, edition.pictures.min) == ("edit", 1)
    with pytest.raises(TemplateError, match="kind is 'draw'; expected generate or edit"):
        from_brackets(ADD, kind="draw")


# Names


@pytest.mark.parametrize(
    ("bracket", "name"),
    [
        ("brand/concept", "concept"),
        ("brand／concept", "concept"),
        ("lens / camera type", "camera_type"),
        ("text to render", "text"),
        ("Shading  Style", "shading_style"),
        ("three-quarter view", "three_quarter_view"),
        ("subject’s pose", "subjects_pose"),
        ("décor", "decor"),
        ("Ｓｔｙｌｅ", "style"),
        ("style/风格", "style"),
        ("风格/style", "style"),
        ("lighting setup, e.g., three-point softbox", "lighting_setup"),
        ("bottom-right/top-left/etc.", "top_left"),
        ("3d style", "input_3d_style"),
        ("3 to 5 colors", "input_3_to_5_colors"),
        ("to be", "to_be"),
        ("class", "class_"),
        ("Lang", "lang_"),
        ("loop", "loop_"),
        ("None", "none_"),
        ("风格", "input_1"),
        ("42", "input_1"),
        ("_", "input_1"),
        ("what the subject does while the camera looks at it", "what_the_subject_does_while_the_camera"),
        ("x" * 50, "x" * 40),
    ],
)
def test_inputs_are_named_after_brackets(bracket: str, name: str) -> None:
    """The last alternative, what stands before "to", words joined by underscores; and always a name that an input may have."""
    assert names(f"One [{bracket}].") == [name]


def test_brackets_without_letters_are_counted() -> None:
    """Brackets in other scripts, of either width, are input_1, input_2 …, described by their words."""
    inputs = made("画一张[风格]的贴纸，主题是［主题］，[风格]")[1].inputs
    assert {i.name: i.description for i in inputs.values()} == {"input_1": "风格", "input_2": "主题"}
    assert rendered("画一张[风格]的贴纸，主题是［主题］。", input_1="可爱", input_2="熊") == "画一张可爱的贴纸，主题是熊。"


def test_the_same_bracket_twice_is_one_input() -> None:
    """Brackets of the same words, whatever their capitals and blanks, are filled with one value."""
    assert rendered("[Subject] and [ subject\n]", subject="fox") == "fox and fox"


def test_different_brackets_are_told_apart() -> None:
    """Different brackets that would share a name get numbers, and none takes the name of a third."""
    assert names("[concept] [brand/concept] [idea/concept] [concept 2]") == ["concept", "concept_2", "concept_3", "concept_2_2"]
    assert names("[风格] [input 1] [主题]") == ["input_1", "input_1_2", "input_2"]


# Articles


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("Draw a [x].", "Draw an owl."),
        ("Draw an [x].", "Draw an owl."),
        ("A [x].", "An owl."),
        ("Look. A [x].", "Look. An owl."),
        ("“Look.” An [x].", "“Look.” An owl."),
        ("Look\nA [x].", "Look\nAn owl."),
        ("- A [x]", "- An owl"),
        ("(a [x])", "(an owl)"),
        ("Vitamin A [x]", "Vitamin A owl"),
        ("Type-A [x]", "Type-A owl"),
        ("la [x]", "la owl"),
        ("it's a\n[x]", "it's a\nowl"),
        ("a  [x]", "a  owl"),
        ("the sign “A [x]”", "the sign “A owl”"),
        ('the sign "such a [x]"', 'the sign "such a owl"'),
        ('a "sign" of a [x]', 'a "sign" of an owl'),
        ("a “[x]”", "a “owl”"),
        ("[x]a [x]", "owla owl"),
    ],
)
def test_an_article_before_a_bracket_fits_what_is_given(pattern: str, text: str) -> None:
    """An article before a bracket is written to fit; what is quoted, or is no article, stays letter by letter."""
    assert rendered(pattern, x="owl") == text


def test_an_article_is_not_doubled() -> None:
    """A value that brings its own article takes the place of the pattern's."""
    assert rendered("A [x] and a [x]", x="the owl") == "The owl and the owl"


# Literal text

ODD = ["{{", "{%", "{#", "}}", "%}", "#}", "{", "}", "{{{", "{%- raw %}", "\n", "\n\n", "  ", "\t", "---\n", "---", "# x", "kind: edit\n"]
ODD += ['"', "“", "\\n", "a ", " A ", "\r\n", "\r", "\x00", "\x85", "\u2028", "\ufeffmark", "{% endraw %}", "{{ x }}", "é", "熊", "🐻‍❄️"]
TEXT = st.one_of(st.sampled_from(ODD), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="[]［］"), max_size=12))
TEXTS = st.lists(TEXT, max_size=6).map("".join)
ODD_WORDS = ["x", "class", "风格", "a/x", "no", "1:1", "# no", '"x', "\\", "\u2028x", "😀\u200b"]
WORDS = st.one_of(st.sampled_from(ODD_WORDS), TEXT).filter(str.strip)


def plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@given(st.lists(st.tuples(TEXTS, WORDS), min_size=1, max_size=5), TEXTS)
@example([("{", "x")], "{")
@example([("\n\n", "x")], "{\n")
@example([("---\nkind: edit\n---\n", "x")], "\n---\n")
def test_all_text_but_the_brackets_comes_out_as_it_went_in(pairs: list[tuple[str, str]], end: str) -> None:
    """Any text around any brackets renders to that text, with plain line ends and the values in their places."""
    pattern = "".join(f"{text}[{words}]" for text, words in pairs) + end
    file, edition = made(pattern)
    described = {i.description: i.name for i in edition.inputs.values()}
    inputs = {name: f"fox {{{{ {n} }}}}" for n, name in enumerate(described.values())}
    by_key = {words.casefold(): inputs[name] for words, name in described.items()}
    expected = plain("".join(text + by_key[" ".join(plain(words).split()).casefold()] for text, words in pairs) + end)
    text = sandbox.render(file.name, {file.name: file.part}, edition.accept(inputs)[1])
    assert re.sub(r"\b([Aa])n? fox", r"\1 fox", text) == re.sub(r"\b([Aa])n? fox", r"\1 fox", expected)


@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_line_ends_become_plain(ends: str) -> None:
    """A pattern from another system gives the same source."""
    assert from_brackets(f"[x]{ends}{ends}y{ends}") == from_brackets("[x]\n\ny\n")


YAMLS_OWN = ["yes", "no", "On", "null", "1:1", "12", "# x", "a: b", "a, b", "{x", "- x", "*x", "'x", '"x"', "x\\y", "~"]


@pytest.mark.parametrize("words", YAMLS_OWN)
def test_descriptions_survive_yaml(words: str) -> None:
    """What YAML would read as something else stands in quotes."""
    (declared,) = made(f"[{words}]")[1].inputs.values()
    assert declared.description == words
    assert f'description: "{words[0]}' in from_brackets(f"[{words}]") or words[0] == '"'


def test_a_long_pattern_is_shortened_in_its_description() -> None:
    """The description quotes a short pattern whole, and of a long one the beginning, up to the end of a word where it has words."""
    assert made("Draw\n[x]")[1].description == "From the pattern: Draw [x]"
    assert made("Draw [x] " + "again " * 20)[1].description.endswith("again again …")
    assert len(made("熊" * 100 + "[x]")[1].description) < 90


# Errors


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("A sticker.", "The pattern 'A sticker.' has no bracket; write what changes as [subject]."),
        ("", "The pattern '' has no bracket"),
        ("A [] sticker", "Character 3 of the pattern, in 'A [] sticker', opens a bracket with nothing in it; say what goes there"),
        ("A [ \n] sticker", "opens a bracket with nothing in it"),
        ("A [style sticker", "Character 3 of the pattern, in 'A [style sticker', opens a bracket that is not closed"),
        ("A [a [b] c]", "Character 3 of the pattern, in 'A [a [b] c]', opens a bracket in which another opens"),
        ("A style] of [x]", "Character 8 of the pattern, in 'A style] of [x]', closes a bracket that was not opened"),
        ("[x] " * 5_001, "The pattern has 20,004 characters; 20,000 at most."),
        ("half \ud800 [x]", r"Character 6 of the pattern, in 'half \ud800 [x]', holds half a character"),
        (None, "A pattern is text such as 'A [style] sticker of a [subject]', not NoneType."),
        (b"[x]", "not bytes"),
    ],
)
def test_what_is_no_pattern_is_refused(pattern: Any, said: str) -> None:
    """One sentence says what is wrong with a pattern, and at which character."""
    with pytest.raises(TemplateError, match=re.escape(said)) as caught:
        from_brackets(pattern)
    assert "\n" not in str(caught.value)


def test_a_pattern_has_its_bounds() -> None:
    """Up to a hundred brackets of two hundred characters are all there; more, longer ones, and what no template holds are refused."""
    pattern = "".join(f"a [{'x ' * 99}{n:02}]" for n in range(100))
    assert from_brackets(pattern[:19_000].rpartition("a [")[0]).count("{description: ") > 90
    for wrong, said in {"[a]" * 101: "101 brackets; 100 at most", f"[{',' * 201}x]": "202 characters; 200 at most"}.items():
        with pytest.raises(TemplateError, match=said):
            from_brackets(wrong)
    with pytest.raises(TemplateError, match="32,768 at most"):
        Template.from_brackets("中" * 19_000 + "[a]")
    with pytest.raises(TemplateError, match="cannot name a template"):
        Template.from_brackets("A [x]", name="../x")
