"""The built-in English templates: which there are, and that each reads well whatever its inputs hold."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit import places

from promptkit.authoring.check import check
from promptkit.prompts.inputs import Input
from promptkit.prompts.library import Library, templates
from promptkit.prompts.template import Template, bundle_of

LIBRARY = Library()
ROOT = places.ROOT / "templates"
GENERATE = ["comic", "illustration", "logo", "minimalist", "photorealistic_portrait", "photorealistic_scene", "product_shot", "sticker"]
EDITS = ["add", "combine", "finish_sketch", "inpaint", "place", "remove", "style_transfer", "turn_around"]
EDIT = [f"edit.{name}" for name in EDITS]
ALL = [*GENERATE, *EDIT]
LANGUAGES = {"en", "es-MX", "ja", "zh-CN", "hi"}

each = pytest.mark.parametrize("template", [LIBRARY[name] for name in ALL], ids=ALL)
each_edit = pytest.mark.parametrize("template", [LIBRARY[name] for name in EDIT], ids=EDIT)


def required(template: Template) -> dict[str, Any]:
    return {i.name: i.example for i in template.inputs.values() if i.required}


def full(template: Template) -> dict[str, Any]:
    """Each input by its example, or else by its default."""
    given = {i.name: i.default if i.example is None else i.example for i in template.inputs.values()}
    return {name: value for name, value in given.items() if value is not None}


def fillings(declared: Input) -> list[Any]:
    """Left out, emptied where that can be said, filled, and each choice."""
    empty = {"string": "", "list": []}.get(declared.type)
    emptied = [empty] if empty is not None and (not declared.choices or "" in declared.choices.values()) else []
    toggled = [True, False] if declared.type == "boolean" else []
    return [None, *emptied, *declared.choices, *toggled, *([] if declared.example is None else [declared.example])]


def variants(template: Template) -> Iterator[str]:
    """The prompt for every pair of optional inputs filled in all ways, with the others left out, emptied or filled."""
    optional = [i for i in template.inputs.values() if not i.required]
    filled = full(template)
    emptied = {i.name: "" for i in optional if i.type == "string" and "" in fillings(i)}
    for others in ({}, emptied, filled):
        for pair in itertools.combinations(optional, min(2, len(optional))):
            for values in itertools.product(*map(fillings, pair)):
                yield str(template(**others | required(template) | dict(zip((i.name for i in pair), values, strict=True))))


# what no clean text holds
BROKEN = re.compile(
    r"  | [.,;:!?]|[.,;:]{2}|[,;:]$|^[ \n]|[ \n]$|\n\n\n| \n|\n |None|“”|“ | ”|”[“\w]|[“”][“”]|"
    r"\b(?:an?|the|of|in|on|with|and|or|to|from|by|into|has|against|creating|featuring|(?<!it )is)[.,;]|"
    r"\b(?:an?|the) (?:an?|the)\b|\b(\w+) \1\b|\bsame an? |(?-i:[.!?…:”][A-Z]|[^.!?…] (?:Keep|Match|Preserve|Captured|The scene is) )",
    re.IGNORECASE,
)
WRONG_ARTICLE = re.compile(r"\ba [aeio]\w|\ban [bcdfgjklmnpqrstvwxyz]\w")


def flaw(text: str) -> str | None:
    """What is not clean about a prompt, with some of the text around it; None where it reads well."""
    if text.count("“") != text.count("”") or text.count("(") != text.count(")"):
        return f"unbalanced: {text}"
    if not text.endswith(".") or not text[:1].isupper():
        return f"no whole sentence: {text}"
    if re.search(r"(?:^|[.!?…] )[a-z]", text):
        return f"a sentence with a small first letter: {text}"
    found = BROKEN.search(text) or WRONG_ARTICLE.search(text)
    return f"{found[0]!r} in {text}" if found else None


# What there is


def test_the_library_is_clean() -> None:
    """`promptkit templates check` finds nothing in what comes along, and has rules for all of its languages."""
    report = check(Library())
    assert report.findings == report.skipped == ()
    assert report.templates == 18


def test_the_seeds_and_the_local_edits_are_in_five_languages() -> None:
    """Eight templates, and the words that ask again, are written in each of the five; nothing of the English words is left in them."""
    edits = [f"edit.{name}" for name in ("add", "remove", "inpaint", "style_transfer", "combine")]
    for name in ("sticker", "logo", "photorealistic_portrait", *edits):
        template = LIBRARY[name]
        assert set(template.languages) == LANGUAGES
        for lang in LANGUAGES - {"en"}:
            base, words = (bundle_of(template, one).edition.inputs for one in ("en", lang))
            same = [i for i in base if " " in str(base[i].default) and base[i].default == words[i].default]  # kawaii is said everywhere
            assert same == [], f"{name} in {lang} has the English default"
    assert set(LIBRARY.recover.edit.languages) == set(LIBRARY.recover.generate.languages) == LANGUAGES


def test_the_built_in_templates() -> None:
    """Sixteen templates that make or edit pictures, and the two that ask again."""
    assert {t.name for t in LIBRARY} == {*ALL, "recover.edit", "recover.generate"}
    assert [LIBRARY[name].kind for name in ALL] == ["generate"] * len(GENERATE) + ["edit"] * len(EDIT)


@each
def test_each_input_says_what_it_is_and_shows_it(template: Template) -> None:
    """Every input has a description, and an example, a default or choices; lettering is called lettering."""
    for declared in template.inputs.values():
        assert declared.description
        assert declared.description[0].islower()
        assert declared.example is not None or declared.default is not None, declared.name
        assert declared.name not in ("text", "speech", "captions") or "lettering" in declared.description


@each
def test_few_inputs_are_enough(template: Template) -> None:
    """One or two inputs are required at most, and those alone give a prompt that says more than they do."""
    assert len(required(template)) <= 2
    text = str(template(**required(template)))
    assert flaw(text) is None
    assert len(text.split()) >= 20


@each
def test_examples_are_two_that_differ(template: Template) -> None:
    """At least two examples render, each to a clean prompt of its own that is no essay."""
    texts = [str(template(**example["inputs"])) for example in template.examples]
    assert len({*texts}) == len(texts) >= 2
    assert [*filter(None, map(flaw, texts))] == []
    assert all(len(text.split()) < 250 for text in [*texts, str(template(**full(template)))])


@each
def test_examples_use_every_required_input_and_no_default(template: Template) -> None:
    """An example gives what is required, and together they show most of the optional inputs."""
    shown = {name for example in template.examples for name in example["inputs"]}
    assert all(required(template).keys() <= example["inputs"].keys() for example in template.examples)
    assert len(shown) >= len(template.inputs) / 2


# Whatever the inputs hold


@each
def test_what_is_left_out_leaves_clean_sentences(template: Template) -> None:
    """Any two optional inputs may be left out, emptied or filled, whatever the others are."""
    texts = {*variants(template)}
    assert len(texts) > 1
    assert [*itertools.islice(filter(None, map(flaw, texts)), 3)] == []


@each
def test_an_article_is_written_once(template: Template) -> None:
    """What takes an article gets one, and keeps its own: with and without, the prompt is the same, and no article meets another."""
    plain, owned, doubled = ("blue lantern", "a blue lantern", re.compile(r"\b(?:an?|the) (?:an?|the)\b", re.IGNORECASE))
    for name in (i.name for i in template.inputs.values() if i.type == "string" and not i.choices):
        with_plain, with_owned = (str(template(**required(template) | {name: value})) for value in (plain, owned))
        assert not doubled.search(with_owned), with_owned
        if "a blue lantern" in with_plain:
            assert with_plain == with_owned
        else:
            assert name not in ("subject", "concept", "camera") or template.name == "edit.turn_around"


def test_a_style_is_called_a_style_once() -> None:
    """A style that ends with the word that the template puts after it does not double it."""
    assert str(LIBRARY.comic(panels=["A cat"], style="noir style")) == str(LIBRARY.comic(panels=["A cat"], style="noir"))
    assert str(LIBRARY.illustration(subject="cat", style="ink illustration")) == str(LIBRARY.illustration(subject="cat", style="ink"))


def test_names_and_numbers_take_no_article() -> None:
    """A subject that is a name, or that counts, stands as it is."""
    for name in ALL:
        template = LIBRARY[name]
        declared = template.inputs.get("subject")
        if declared is not None:
            for subject in ("Don Quixote", "two swans", "some wild horses", "the last unicorn"):
                text = str(template(**required(template) | {"subject": subject}))
                assert re.search(rf"\b(?:an?|the) {subject}", text) is None, text
                assert subject in text


@pytest.mark.parametrize("name", [name for name in ALL if name != "sticker"])
def test_a_full_stop_of_ones_own_is_not_doubled(name: str) -> None:
    """What ends with a full stop or an exclamation mark goes on as if it did not."""
    template = LIBRARY[name]
    texts = [i.name for i in template.inputs.values() if i.type == "string" and not i.choices and i.name != "text"]
    for mark in (".", "!"):
        stopped = full(template) | {name: full(template)[name] + mark for name in texts if name in full(template)}
        assert str(template(**stopped)) == str(template(**full(template)))


# Pictures


@each
def test_only_edits_need_pictures(template: Template) -> None:
    """A template that edits says how many pictures it needs and what each is, up to three; one that generates needs none."""
    pictures = template.pictures
    if template.kind == "generate":
        assert (pictures.min, pictures.roles) == (0, ())
    else:
        assert pictures.max is not None
        assert 1 <= pictures.min <= pictures.max <= 3
        assert len(pictures.roles) == pictures.max
        assert len({*pictures.roles}) == len(pictures.roles)


def test_these_need_several_pictures() -> None:
    """Combining and placing need two, a style may come with one of its own, and all else is done to one."""
    several = {name: (p.min, p.max) for name in EDIT if (p := LIBRARY[name].pictures).max != 1}
    assert several == {"edit.combine": (2, 3), "edit.place": (2, 2), "edit.style_transfer": (1, 2)}


@each_edit
def test_every_edit_says_what_stays(template: Template) -> None:
    """Whatever is left out, the prompt names what is kept, and that it is kept exactly."""
    for text in {*variants(template)}:
        assert re.search(r"\b[Kk]eep\b.* exactly ", text), text


@each_edit
def test_an_edit_speaks_of_as_many_pictures_as_it_is_given(template: Template) -> None:
    """One that takes one picture speaks of no second; one that needs several says which is which."""
    text = str(template(**required(template)))
    assert ("second" in text) == (template.pictures.min > 1)
    assert ("images" in text) == (template.pictures.min > 1)
    assert "third" not in text


def test_a_style_may_come_from_a_second_picture() -> None:
    """With from_picture the first picture is redrawn in the style of the second, and is what is kept."""
    text = str(LIBRARY.edit.style_transfer(style="gouache", from_picture=True))
    assert text.startswith("Transform the first provided image into the artistic style of the second: gouache.")
    assert "keep everything else in the first image" in text


@pytest.mark.parametrize(
    ("elements", "taken"),
    [
        (["the cat"], "Take the cat from the first image."),
        (["the cat", "the hat"], "Take the cat from the first image and the hat from the second image."),
        (
            ["the cat", "the hat", "the sea"],
            "Take the cat from the first image, the hat from the second image, and the sea from the third image.",
        ),
    ],
)
def test_what_is_combined_is_listed(elements: list[str], taken: str) -> None:
    """Each element is taken from the picture at its place."""
    assert taken in str(LIBRARY.edit.combine(elements=elements, scene="the cat at the sea"))


# Form


@each
def test_a_prompt_names_one_shape_at_most(template: Template) -> None:
    """The ratio is a hint of the front matter or the words of the prompt, never both; an edit keeps its picture's."""
    text = str(template(**full(template)))
    assert re.search(r"\d+:\d+", text) is None
    assert not (template.config.get("aspect_ratio") and re.search(r"\bformat\b|\bsquare\b", text))
    assert template.kind == "generate" or template.config == {}


@pytest.mark.parametrize("name", ["photorealistic_portrait", "photorealistic_scene", "product_shot"])
def test_photographs_name_light_and_lens(name: str) -> None:
    """A photorealistic picture says how it is lit and with what it is taken, without being asked."""
    text = str(LIBRARY[name](subject="red panda"))
    assert "realistic" in text
    assert re.search(r"illuminated by .*Captured with an? .*lens", text)


def test_a_sticker_is_on_white() -> None:
    """Whatever else is left out, the background of a sticker is white."""
    assert all(text.endswith("The background must be white.") for text in variants(LIBRARY.sticker))


LETTERED = [("logo", {"concept": "a bakery"}), ("product_shot", {"subject": "soap"})]


@pytest.mark.parametrize(("name", "inputs"), LETTERED, ids=lambda v: v if isinstance(v, str) else "")
def test_lettering_stands_in_curly_quotes(name: str, inputs: dict[str, str]) -> None:
    """Lettering comes out letter for letter, between curly quotes, and is not spoken of where there is none."""
    assert 'the text “Bread! & "Butter".”' in str(LIBRARY[name](**inputs, text='Bread! & "Butter".'))
    assert "“" not in str(LIBRARY[name](**inputs))


def test_a_comic_letters_its_panels() -> None:
    """Each panel is on a line of its own, with its caption and what is said in it; an empty text is no lettering."""
    comic = LIBRARY.comic(panels=["A door opens.", "a cat looks in", "Who is it?"], speech=["", "Well?"], captions=["Night."])
    first, *panels, last = str(comic).splitlines()
    assert first.startswith("A comic of 3 panels, arranged side by side")
    assert panels == [
        "Panel 1: A door opens. The words “Night.” stand in a caption box.",
        "Panel 2: A cat looks in. The words “Well?” stand in a speech bubble.",
        "Panel 3: Who is it?",
    ]
    assert last.startswith("All lettering is spelled exactly as given")
    assert "\nPanel 2: A panel without figures." in str(LIBRARY.comic(panels=["A cat", " "]))
    assert "ettering" not in str(LIBRARY.comic(panels=["A cat"], speech=[""], captions=[]))


def test_one_panel_is_a_single_panel() -> None:
    """One panel is neither counted nor arranged."""
    text = str(LIBRARY.comic(panels=["A cat"], subject="Garfield"))
    assert text.startswith("A single comic panel drawn in")
    assert "Panel 1" not in text
    assert "every panel" not in text


@pytest.mark.parametrize("path", sorted(ROOT.rglob("_*.j2")), ids=lambda p: p.name)
def test_partials_are_used(path: Path) -> None:
    """A phrase stands in a partial because two templates at least share it."""
    name = path.relative_to(ROOT).as_posix()
    assert sum(f'"{name}"' in t.read_text(encoding="utf-8") for t in ROOT.rglob("*.j2")) >= 2


def test_a_sticker_is_one_file() -> None:
    """It is what the benchmark renders, and what a newcomer opens first."""
    assert [*LIBRARY.sticker(subject="fox").files] == ["sticker.j2"]


# The patterns of the seeds

STICKER = {
    "style": "kawaii",
    "subject": "happy bear",
    "characteristics": "big round eyes",
    "palette": "bright, bold color palette",
    "line_style": "clear outlines",
    "shading_style": "simple cel shading",
}
LOGO = {
    "image_type": "modern, minimalist logo",
    "concept": "a coffee shop",
    "text": "The Daily Grind",
    "font_style": "clean, bold, sans-serif font",
    "design": "simple and stylized",
    "color_scheme": "black and white color scheme",
}
PORTRAIT = {
    "shot_type": "close-up portrait",
    "subject": "elderly Japanese ceramicist",
    "action": "carefully inspecting a freshly glazed tea bowl",
    "environment": "a rustic, sun-drenched workshop",
    "lighting": "soft, golden hour light streaming through a window",
    "mood": "serene and masterful",
    "camera": "85mm portrait lens",
    "details": "the fine texture of the clay",
    "orientation": "vertical portrait",
}
STICKER_TEXT = """A kawaii sticker of a happy bear, featuring big round eyes and a bright, bold color palette. The design should have clear
outlines and simple cel shading. The background must be white."""
LOGO_TEXT = """Create a modern, minimalist logo for a coffee shop with the text “The Daily Grind” in a clean, bold, sans-serif font. The
design should be simple and stylized, with a black and white color scheme."""
PORTRAIT_TEXT = """A photorealistic close-up portrait of an elderly Japanese ceramicist, carefully inspecting a freshly glazed tea bowl, set
in a rustic, sun-drenched workshop. The scene is illuminated by soft, golden hour light streaming through a window, creating a serene and
masterful atmosphere. Captured with an 85mm portrait lens, emphasizing the fine texture of the clay. The image should be in a vertical
portrait format."""
SEEDS = {
    "sticker": (STICKER, STICKER_TEXT.replace("\n", " ")),
    "logo": (LOGO, LOGO_TEXT.replace("\n", " ")),
    "photorealistic_portrait": (PORTRAIT, PORTRAIT_TEXT.replace("\n", " ")),
}


@pytest.mark.parametrize("name", SEEDS)
def test_seeds_come_out_word_for_word(name: str) -> None:
    """The three patterns of the seeds, filled in as Google's guide fills them."""
    inputs, text = SEEDS[name]
    assert str(templates[name](**inputs)) == text


@pytest.mark.parametrize("name", SEEDS)
def test_an_article_of_ones_own_is_not_doubled(name: str) -> None:
    """Inputs with an article of their own give the text that they give without one."""
    inputs, text = SEEDS[name]
    with_article = {"happy bear": "a happy bear", "elderly Japanese ceramicist": "an elderly Japanese ceramicist"}
    with_article |= {key: f"a {key}" for key in ("bright, bold color palette", "modern, minimalist logo", "close-up portrait", "kawaii")}
    with_article |= {"85mm portrait lens": "an 85mm portrait lens", "black and white color scheme": "a black and white color scheme"}
    assert str(templates[name](**{key: with_article.get(value, value) for key, value in inputs.items()})) == text


# What holds for each of them

BUILT_IN = [*templates]


@pytest.mark.parametrize("template", BUILT_IN, ids=lambda t: t.name)
def test_any_optional_input_may_be_left_out(template: Template) -> None:
    """Whatever is left empty leaves a clean sentence: no doubled space, no comma or article before nothing, no lost end."""
    optional = [i.name for i in template.inputs.values() if not i.required and i.type == "string"]
    required = {i.name: i.example for i in template.inputs.values() if i.required}
    for bits in range(2 ** len(optional)):
        left_out = {name: "" for at, name in enumerate(optional) if bits >> at & 1}
        text = str(template(**required, **left_out))
        assert not any(broken in text for broken in ("  ", " ,", " .", ",,", "..", ",.", " a .", " and .", "with .", "in .", "None")), text
        assert text.endswith((".", "alpaca", "meadow")), text


@pytest.mark.parametrize("template", BUILT_IN, ids=lambda t: t.name)
def test_built_in_templates_describe_themselves(template: Template) -> None:
    """Each says what it is for, what each input is, and shows by two examples at least how it is used."""
    assert template.description
    assert all(i.description for i in template.inputs.values())
    assert all(i.example is not None for i in template.inputs.values() if i.required)
    assert len(template.examples) >= 2
    for example in template.examples:
        assert str(template(**example["inputs"]))


# Asking again


@pytest.mark.parametrize(
    ("lang", "prompt", "text"),
    [
        ("en", "Add an alpaca", "Generate the updated image: add an alpaca"),
        ("en", "Add an alpaca.", "Generate the updated image: add an alpaca"),
        ("en", "UFO in the sky", "Generate the updated image: UFO in the sky"),
        ("zh-CN", "添加羊驼", "生成添加羊驼后的图片"),
        ("zh-CN", "请添加羊驼。", "生成添加羊驼后的图片"),
        ("ja", "アルパカを追加して。", "次の編集を加えた画像を生成してください：アルパカを追加して"),
        ("es-MX", "Agrega una alpaca.", "Genera la imagen actualizada: agrega una alpaca"),
        ("hi", "एक अल्पाका जोड़ें।", "बदली हुई तस्वीर बनाएँ: एक अल्पाका जोड़ें"),
    ],
)
def test_short_instructions_are_wrapped(lang: str, prompt: str, text: str) -> None:
    """Asking again for an edit names the picture, in the language of the instruction, without doubled punctuation."""
    assert str(templates.recover.edit(prompt=prompt, lang=lang)) == text


@pytest.mark.parametrize("name", ["recover.edit", "recover.generate"])
@pytest.mark.parametrize("lang", ["en", "es-MX", "ja", "zh-CN", "hi"])
def test_long_instructions_are_kept_whole(name: str, lang: str) -> None:
    """One of several clauses is followed by the demand for the picture, and the second asking is firmer."""
    prompt = "Add an alpaca. It faces the bear!"
    first, second = (str(templates[name](prompt=prompt, brief=False, attempt=n, lang=lang)) for n in (1, 2))
    assert first.startswith(prompt + "\n\n")
    assert second.startswith(first)
    assert len(second) > len(first)
    assert {"zh-CN": "图片", "ja": "画像", "hi": "तस्वीर"}.get(lang, "imag") in str(templates[name](prompt="x", lang=lang))
