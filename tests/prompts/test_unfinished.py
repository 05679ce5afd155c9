"""Which prompts are not finished, which look so, and which mean what they say. What follows from it is the engine's and check's."""

from __future__ import annotations

from functools import partial

import pytest
from kit.effort import effort

from promptkit.prompts.library import builtin_folder, folder_library
from promptkit.prompts.template import example_of
from promptkit.prompts.unfinished import doubt, half_character, placeholders, unfinished


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("A {{ style }} cat", "{{ style }}"),
        ("a {{style}}", "{{style}}"),
        ("{{ user.name | upper }}", "{{ user.name | upper }}"),
        ("{{{raw}}} {{> partial}}", "{{{raw}}"),
        ("{{#if x}}", "{{#if x}}"),
        ("{{ $json.name }}", "{{ $json.name }}"),
        ("画{{角色}}", "{{角色}}"),
        ('{{ "\\n" }}', '{{ "\\n" }}'),
        ("{{\n  style\n}}", "{{ style }}"),
        ('a sign that says "{{ text }}"', "{{ text }}"),
        ('{"subject": "{{ subject }}"}', "{{ subject }}"),
        ("a {%- if x %}b{% endif %}", "{%- if x %}"),
        ("{% set a = 50 %}", "{% set a = 50 %}"),
        ("a {# note to self #} fox", "{# note to self #}"),
        ("---\ndescription: x\n---\nA fox.", "--- description:"),
        ("\ufeff\n\n---\r\nkind: edit\r\n---\r\nA fox.", "--- kind:"),
        ("---\n# what it is\n\ninputs:\n  a: {}\n---\n", "--- # what it is inputs:"),
    ],
)
def test_what_only_a_tool_writes_is_not_finished(text: str, piece: str) -> None:
    """A tool's marks are found wherever they stand, also in quotes and JSON, and the first of them is named."""
    assert unfinished(text) == piece


LOOKS = """A [style] sticker; a [brand/concept] logo; a [text to render] sign; a logo for [BRAND]; [subject] on a table; 一只［主题］;
穿[服装]（颜色一致）; [插入产品名称]; [उत्पाद का नाम डालें]; a {subject}; a { subject } b; a {main subject};
a {day|night} scene; {विषय}; a ${mood} cat; a $mood cat; a %(mood)s cat; a <subject>; a <your subject here>; ｛主题｝的猫;
【请输入主题】; <%= name %>; [Style]: [watercolor]; [subject]"""
MEANT = """coffee $5, tea $3.50, cake US$12; 100% off, 50 %; see [the guide](http://a.b/c) and [docs][1]; a sign that says "[subject]";
“{name}” in gold; 「[主题]」と書く; a 'menu [draft]' card; code `player[name]`; the woman in [image 1] and [Image2];
[product from uploaded photo]; [Style]: ink; a[i] = b[name]; x_{ij}; \\frac{ab}{cd}; $x^2$ and $alpha$; <svg><b>x</b></svg>;
<scene>a fox</scene>; <sks> dog; <lora:ink:0.8>; (masterpiece:1.2); 【风格】写实; $AAPL; Ke$ha;
{argument name="x" default="[y]"}; .a { color: red }; f(x) {body}; {1, 2}; [1] [00:12] [2024-01-01]; - [ ] a; - [x] b;
he said [sic]; ![a fox](x.png); {{1, 2}}; 12" by 24"; [5 panels]; a {x}; <3"""
SHAPES = [
    '{"subject": "[fox]", "style": "{ink}", "n": [1, [2]]}',
    '[{"panel": "a [red] fox"}]',
    'Make this picture: {"subject": "a [red] fox, {ink}", "list": ["a"]} in high detail',
    "```\nplayer[name] = {foo}\n```",
    'void main() { string player = "x"; int a[2][2] = {{1, 2}, {3, 4}}; for (int i = 0; i < n; i++) { a[i][j] = x; } }',
    "[Scene 1]\nA fox.\n[Scene 2]\nA bear.",
    "[Style]\nink",
    "---\nA fox\n---\nA bear",
    "---\n\n# Title",
    "| item | price |\n| --- | --- |\n| tea | $3 |",
    '$player = "x"; echo $player->name;',
]


@pytest.mark.parametrize("text", [one.strip() for one in LOOKS.split(";")])
def test_what_looks_like_a_place_to_fill_in_is_found(text: str) -> None:
    """Brackets, braces and other tools' spellings of a name are placeholders, and no reason to refuse."""
    assert placeholders(text)
    assert not unfinished(text)


@pytest.mark.parametrize("text", [*(one.strip() for one in MEANT.split(";")), *SHAPES])
def test_what_means_what_it_says_is_left_alone(text: str) -> None:
    """Prices, links, quoted lettering, JSON, code, headings and references to pictures are no placeholders."""
    assert (placeholders(text), unfinished(text), doubt(text)) == ((), "", "")


def test_a_doubt_names_a_few_pieces_once() -> None:
    """Each piece is named once, at most five, long ones shortened; a lost character is named as what it is."""
    assert doubt("[a b] [a b] {cd}") == "holds [a b], {cd}, as places to fill in are written"
    assert len(placeholders(" ".join(f"[{c}{c}]" for c in "abcdefgh"))) == 5
    assert max(map(len, placeholders(f"[{'long ' * 11}]"))) == 40
    assert doubt("caf\ufffd") == "holds '\ufffd', where a character was lost as it was read in another encoding"


def test_half_a_character_is_found_where_it_stands() -> None:
    """Bytes that were read in another encoding, and halves of a pair, are no UTF-8."""
    assert half_character("caf\udce9") == 3
    assert half_character("\ud83d") == 0
    assert half_character("café 🐻") is None


def test_the_prompts_of_the_templates_that_come_along_are_finished() -> None:
    """No example of a built-in template looks unfinished."""
    for template in folder_library(builtin_folder()):
        text = example_of(template) or ""
        assert (unfinished(text), doubt(text)) == ("", ""), template.name


PIECES = ["{", "{{", "{{a", "{%", "{%a%", "{#", "[", "[a", "${", "<", "</a>",
          "｛", "【", "`", "```", '"', "'", '{"', "---\n", "# \n", '{{ "a" ']


@pytest.mark.parametrize("piece", PIECES)
def test_the_time_grows_with_the_text_and_not_with_its_square(piece: str) -> None:
    """100,000 characters of anything take less than a second."""
    text = piece * (100_000 // len(piece))
    for judge in (unfinished, placeholders):
        assert effort(partial(judge, text)) < 1


PLACES = ["<your_name>", "<YOUR NAME>", "<subject-name>", "<insert the text>", "<tu nombre>", "【ここに名前】", "【请填写主体】"]


@pytest.mark.parametrize("piece", PLACES)
def test_the_places_of_each_language_are_found(piece: str) -> None:
    """A place to fill in is known by how it begins, in any of the languages that have a file of words."""
    assert placeholders(f"A card for {piece}, in red") == (piece,)


@pytest.mark.parametrize("piece", ["[sic]", "[OK]", "[e.g.]", "[笑]", "[the uploaded photo]", "[la foto adjunta]", "<yours>"])
def test_what_stands_in_brackets_and_means_itself_is_none(piece: str) -> None:
    """Notes, and names of pictures that go along, are no places to fill in."""
    assert placeholders(f"A card for {piece}, in red") == ()
