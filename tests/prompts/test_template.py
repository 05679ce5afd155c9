"""Templates: what a file may declare, how it is found, in which language, and what comes out."""

from __future__ import annotations

import enum
import hashlib
import inspect
import json
import os
import pickle
import pydoc
import re
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jedi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.oinspect import Inspector
from kit import places

from promptkit.errors import InputError, PromptkitWarning, TemplateError, TemplateNotFound
from promptkit.prompts.library import Library, _added, add_library, templates
from promptkit.prompts.template import Prompt, Template

ROOT = places.ROOT
PROMPTS = ROOT.parent / "shared" / "prompts" / "prompts.jsonl"


def write(folder: Path, files: Mapping[str, str]) -> Library:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Library(folder, builtin=False)


def one(folder: Path, front: str, body: str = "") -> Template:
    found = write(folder, {"t.j2": f"---\n{front}\n---\n{body}"}).t
    assert isinstance(found, Template)
    return found


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine with no settings of its own."""
    monkeypatch.setenv("PROMPTKIT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PROMPTKIT_LANG", raising=False)
    monkeypatch.delenv("PROMPTKIT_TEMPLATES", raising=False)


# The built-in templates

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


# What an input holds

TEXTS = [
    *("{{ subject }}", "{% if x %}", "{# x #}", "---\nlang: zh\n---", "# Not a comment", "{'a': \"b\"}", "\\n \\u0041 %s {0}", "&lt;b&gt;"),
    *("  two spaces \n\n\t", "\r\n", "“quotes” and 'quotes'", "\x00\x1b[0m", "\ud800 alone", "\ufeffmark", "🐻‍❄️", "{argument name=\"x\"}"),
]


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    folder = tmp_path_factory.mktemp("echo")
    return one(folder, "inputs: {x: {default: ''}, many: {type: list, default: []}}", "{{ x }}{{ many|join('|') }}")


@given(st.one_of(st.text(st.characters(), max_size=300), st.sampled_from(TEXTS)))
def test_what_an_input_holds_comes_out_as_it_went_in(echo: Callable[..., Any], text: str) -> None:
    """An input is text, whatever Jinja, YAML or HTML might read in it."""
    prompt = echo(x=text, lang="en")
    assert (str(prompt), prompt.inputs) == (text, {"x": text})


@given(st.lists(st.text(st.characters(), max_size=20), max_size=8))
def test_what_a_list_holds_comes_out_as_it_went_in(echo: Callable[..., Any], texts: list[str]) -> None:
    """The items of a list are text, too."""
    assert str(echo(many=texts, lang="en")) == "|".join(texts)


@pytest.mark.skipif(not PROMPTS.exists(), reason="the prompts to test against are not beside the repository")
def test_prompts_of_real_people_come_out_as_they_went_in(echo: Callable[..., Any]) -> None:
    """120 prompts in five languages, many with braces, JSON, quotes and line breaks."""
    prompts = [json.loads(line)["prompt"] for line in PROMPTS.read_text(encoding="utf-8").splitlines()]
    assert len(prompts) == 120
    assert [str(echo(x=p)) for p in prompts] == prompts
    assert all(p in str(templates.recover.edit(prompt=p, brief=False)) for p in prompts)


class Mood(str, enum.Enum):  # noqa: UP042  (a StrEnum would not show the difference)
    CALM = "calm"


def test_subclasses_of_text_are_text(tmp_path: Path) -> None:
    """A member of an enumeration counts by its text, not by its name."""
    prompt = one(tmp_path, "inputs: {x: {}}", "{{ x }}")(x=Mood.CALM)
    assert (str(prompt), type(prompt.inputs["x"])) == ("calm", str)


# Inputs

TYPED = """inputs:
  s: {default: abc, max_length: 5}
  i: {type: integer, default: 2, min: 1, max: 4}
  n: {type: number, default: 0.5, min: 0}
  b: {type: boolean, default: false}
  l: {type: list, default: [a], max_length: 2}
  c: {choices: {bold: bold outlines, thin: thin outlines}, default: bold}
  k: {type: integer, choices: [1, 2, 4], default: 1}"""
TYPED_BODY = "{{ s }} {{ i }} {{ n }} {{ 'yes' if b else 'no' }} {{ l|join('+') }} {{ c }} {{ k }}"


@pytest.mark.parametrize(
    ("inputs", "text", "recorded"),
    [
        ({}, "abc 2 0.5 no a bold outlines 1", {}),
        ({"s": "x", "i": 4, "n": 3, "b": True}, "x 4 3 yes a bold outlines 1", {"s": "x", "i": 4, "n": 3, "b": True}),
        ({"l": ["x", "y"]}, "abc 2 0.5 no x+y bold outlines 1", {"l": ("x", "y")}),
        ({"c": "thin"}, "abc 2 0.5 no a thin outlines 1", {"c": "thin"}),
        ({"c": "thin outlines", "k": 4}, "abc 2 0.5 no a thin outlines 4", {"c": "thin", "k": 4}),
        ({"s": "", "l": []}, " 2 0.5 no  bold outlines 1", {"s": "", "l": ()}),
        ({"s": None, "c": None}, "abc 2 0.5 no a bold outlines 1", {}),
    ],
)
def test_inputs_are_typed(tmp_path: Path, inputs: dict[str, Any], text: str, recorded: dict[str, Any]) -> None:
    """Each type is printed as it is, a choice by its wording; what is recorded is what was given, a choice by its key."""
    prompt = one(tmp_path, TYPED, TYPED_BODY)(**inputs)
    assert (str(prompt), prompt.inputs) == (text, recorded)


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ({"s": 3}, "'s' is 3; expected text"),
        ({"s": b"x"}, "'s' is b'x'; expected text"),
        ({"s": "toolong"}, "'s' has 7 characters; 5 at most"),
        ({"s": ["x" * 90]}, f"'s' is ['{'x' * 55}…; expected text"),
        ({"i": True}, "'i' is True; expected a whole number"),
        ({"i": "2"}, "'i' is '2'; expected a whole number"),
        ({"i": 2.0}, "'i' is 2.0; expected a whole number"),
        ({"i": 0}, "'i' is 0; expected 1 to 4"),
        ({"i": 5}, "'i' is 5; expected 1 to 4"),
        ({"n": -1}, "'n' is -1; expected 0 at least"),
        ({"n": "3"}, "'n' is '3'; expected a number"),
        ({"n": float("nan")}, "'n' is nan; expected a number"),
        ({"n": float("inf")}, "'n' is inf; expected a number"),
        ({"b": 1}, "'b' is 1; expected true or false"),
        ({"l": "x"}, "'l' is 'x'; expected a list of texts"),
        ({"l": [1]}, "'l' is [1]; expected a list of texts"),
        ({"l": ["a", "b", "c"]}, "'l' has 3 items; 2 at most"),
        ({"c": "bald"}, "'c' is 'bald' (did you mean 'bold'?); expected one of bold, thin"),
        ({"k": 3}, "'k' is 3; expected one of 1, 2, 4"),
        ({"lime": "x"}, "'lime' is not an input"),
    ],
)
def test_wrong_inputs_are_named(tmp_path: Path, inputs: dict[str, Any], problem: str) -> None:
    """A wrong input is named with its value and with what was expected."""
    with pytest.raises(InputError) as caught:
        one(tmp_path, TYPED, TYPED_BODY)(**inputs)
    assert caught.value.problems == (problem,)


def test_all_problems_are_named_at_once() -> None:
    """Missing, unknown and invalid inputs come in one error, with the file and the nearest known name."""
    with pytest.raises(InputError, match=r"sticker\.j2: .*; .*; .*\. The inputs are: subject, style") as caught:
        templates.sticker(subjet="happy bear", style=3)
    assert caught.value.problems == (
        "'subjet' is not an input (did you mean 'subject'?)",
        "'style' is 3; expected text",
        "'subject' is missing (what is on the sticker, for example 'happy red panda')",
    )
    assert caught.value.file == str(templates.sticker.file)


@pytest.mark.parametrize("value", ["", " \n", None])
def test_required_means_something_is_there(value: str | None) -> None:
    """A required input that is empty is a problem, not an empty place in the sentence."""
    with pytest.raises(InputError, match=r"'subject' is (empty|missing)"):
        templates.sticker(subject=value)


def test_unset_inputs_print_nothing(tmp_path: Path) -> None:
    """An optional input with no default is None in the body, defined, and printed as nothing."""
    t = one(tmp_path, "inputs: {x: {default: null}}", "[{{ x }}{{ x is defined }}{{ x is none }}]")
    assert (str(t()), str(t(x="y"))) == ("[TrueTrue]", "[yTrueFalse]")


def test_large_numbers_are_no_accident(tmp_path: Path) -> None:
    """A number with more digits than Python prints ends in TemplateError, not in an error of Python's own."""
    t = one(tmp_path, "inputs: {n: {type: number}}", "{{ n }}")
    assert str(t(n=10**400)) == str(10**400)
    with pytest.raises(TemplateError):
        t(n=10**5000)


def test_renamed_inputs_are_taken_with_a_warning(tmp_path: Path) -> None:
    """The old name of an input works, warns, and is recorded as the new one; both at once are a problem."""
    t = one(tmp_path, "inputs: {x: {renamed_from: y}}", "{{ x }}")
    with pytest.warns(PromptkitWarning, match="'y' is now called 'x'"):
        assert t(y="a").inputs == {"x": "a"}
    with pytest.raises(InputError, match="'y' is not an input"):
        t(x="a", y="b")


# Front matter


@pytest.mark.parametrize(
    ("yaml", "value"),
    [
        *((text, text) for text in ("16:9", "on", "yes", "~", "True", "Null", "2026-11-22", "=", "<<")),
        *((text, text) for text in ("1_000", "0x10", "010", ".5", "1.", "+1", ".inf")),
        *(("null", None), ("true", True), ("false", False), ("-1", -1), ("0.5", 0.5), ("1e3", 1000.0), ("0", 0)),
        *(('"1"', "1"), ("'null'", "null"), ("|-\n    true", "true")),
    ],
)
def test_yaml_has_no_surprises(tmp_path: Path, yaml: str, value: Any) -> None:
    """Only JSON's null, true, false and numbers are not text, in values; a key is always text."""
    found = one(tmp_path, f"metadata:\n  hint: {yaml}")._base.front["metadata"]["hint"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("front", "line", "why"),
    [
        ("x-a: &a 1\nx-b: 2", 2, "alias, an anchor or a tag"),
        ("description: a\nx-b: *a", 3, "alias, an anchor or a tag"),
        ("x-a: !!python/object/apply:os.system [ls]", 2, "alias, an anchor or a tag"),
        ("x-a: !!str 1", 2, "alias, an anchor or a tag"),
        ("&a x-a: 1", 2, "a key is plain text"),
        ("? [a]\n: 1", 2, "a key is plain text"),
        ("description: a\ndescription: b", 3, "the key 'description' stands twice"),
        ("description: [a", 3, "not YAML"),
        ("description: a: b", 2, "not YAML"),
        ("description: \x00", None, "not YAML"),
        ("x-a: " + "[" * 100 + "]" * 100, 2, "nested more than 16 deep"),
        ("x-a: " + "9" * 5000, 2, "number that is too large"),
        ("x-a: 1e999", 2, "number that is too large"),
        ("- a", 1, "no mapping"),
        ("just text", 1, "no mapping"),
        ("description: a\n...\ndescription: b", 4, "not YAML"),
        ("description: a\n--- b", 3, "second document"),
    ],
)
def test_yaml_that_is_refused(tmp_path: Path, front: str, line: int | None, why: str) -> None:
    """What could surprise, or blow up, is refused with its line."""
    with pytest.raises(TemplateError, match=why) as caught:
        one(tmp_path, front)
    assert line is None or caught.value.line == line
    assert caught.value.file == str(tmp_path / "t.j2")


@pytest.mark.parametrize(
    ("front", "problem"),
    [
        ("descripton: a", "unknown key 'descripton' (did you mean 'description'?)"),
        ("description: 3", "description is 3; expected text"),
        ("kind: paint", "kind is 'paint'; expected generate or edit"),
        ("lang: english!", "lang is 'english!'; expected a tag"),
        ("inputs: [a]", "inputs is ['a']; expected a mapping"),
        ("inputs: {Subject: {}}", "the input 'Subject' needs another name"),
        ("inputs: {class: {}}", "the input 'class' needs another name"),
        ("inputs: {lang: {}}", "the input 'lang' needs another name"),
        ("inputs: {a: {defualt: x}}", "unknown key 'defualt' (did you mean 'default'?)"),
        ("inputs: {a: 3}", "the input 'a' is 3; expected a mapping"),
        ("inputs: {a: {type: text}}", "type of the input 'a' is 'text'; expected one of string"),
        ("inputs: {a: {type: integer, default: x}}", "default of the input 'a' is 'x'; expected a whole number"),
        ("inputs: {a: {default: 3}}", "default of the input 'a' is 3; expected text"),
        ("inputs: {a: {example: 3}}", "example of the input 'a' is 3; expected text"),
        ("inputs: {a: {max_length: x}}", "max_length of the input 'a' is 'x'"),
        ("inputs: {a: {min: 1}}", "min of the input 'a' is 1; expected a number, for an integer or a number"),
        ("inputs: {a: {choices: []}}", "choices of the input 'a' is []"),
        ("inputs: {a: {choices: {b: 1}}}", "choices of the input 'a' is {'b': 1}"),
        ("inputs: {a: {type: boolean, choices: [true]}}", "choices of the input 'a' is [True]"),
        ("inputs: {a: {choices: [b], default: c}}", "default of the input 'a' is 'c'"),
        ("inputs: {a: {renamed_from: 3}}", "renamed_from of the input 'a' is 3"),
        ("inputs: {a: {type: int, default: 3, min: 1}}", "type of the input 'a' is 'int' (did you mean 'integer'?)"),
        ("pictures: 2", "pictures is 2; expected a mapping"),
        ("pictures: {min: two}", "pictures.min is 'two'; expected a whole number"),
        ("pictures: {max: -1}", "pictures.max is -1; expected a whole number"),
        ("pictures: {min: 2, max: 1}", "pictures has min 2 and max 1"),
        ("kind: edit\npictures: {min: 0}", "pictures has min 0 and max None; expected 1 or more"),
        ("pictures: {rules: [a]}", "unknown key 'rules' (did you mean 'roles'?)"),
        ("pictures: {roles: a}", "pictures.roles is 'a'; expected a list"),
        ("pictures: {min: 2, max: 2, roles: [a]}", "pictures.roles says what 1 pictures are; expected 2 pictures"),
        ('config: {aspectratio: "3:4"}', "config has an unknown key 'aspectratio' (did you mean 'aspect_ratio'?)"),
        ("config: {aspect_ratio: wide}", "config.aspect_ratio is 'wide'; expected a ratio in quotes"),
        ("config: {temperature: hot}", "config.temperature is 'hot'; expected a number"),
        ("inputs: {loop: {}}", "calls and templates give this one a meaning already"),
        ("examples: [a]", "an example is 'a'; expected"),
        ("inputs: {subject: {}}\nexamples: [{inputs: {subjct: x}}]", "the inputs of an example has an unknown key 'subjct'"),
    ],
)
def test_front_matter_that_is_refused(tmp_path: Path, front: str, problem: str) -> None:
    """A typo in the front matter does not pass; the error names the file, what is there and what was expected."""
    with pytest.raises(TemplateError) as caught:
        one(tmp_path, front)
    assert problem in str(caught.value)
    assert caught.value.file == str(tmp_path / "t.j2")


def test_front_matter_names_all_its_problems(tmp_path: Path) -> None:
    """One reading finds all that is wrong."""
    with pytest.raises(InputError, match=r"'a'.*; kind is 'b'") as caught:
        one(tmp_path, "a: 1\nkind: b")
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("front", "said"),
    [
        ("kind: edit", "takes 1 or more pictures"),
        ("kind: edit\npictures: {max: 1}", "takes 1 picture"),
        ("pictures: {max: 3}", "takes 0 to 3 pictures"),
        ("kind: edit\npictures: {min: 2, max: 2, roles: [the room, the chair]}", "takes 2 pictures (the room; the chair)"),
    ],
)
def test_a_template_says_how_many_pictures_it_takes(tmp_path: Path, front: str, said: str) -> None:
    """An edit takes one at least; what each is for is said too, and travels with the prompt."""
    template = one(tmp_path, front, "x")
    assert template.pictures._said() == said
    assert template().pictures == template.pictures


def test_metadata_and_extensions_are_left_alone(tmp_path: Path) -> None:
    """`metadata` and keys that begin with x- are for others."""
    assert one(tmp_path, "metadata: {author: A}\nx-team: {b: [1]}").description == ""


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain {{ 1 }}\n", "plain 1"),
        (b"\xef\xbb\xbf---\r\ninputs: {x: {default: a}}\r\n---\r\none\r\n{{ x }}\r\n", "one\na"),
        (b"---\n---\n\n\nbody\n\n", "body"),
        (b"---\ninputs:\n  x:\n    default: a\n--- \nline\n---\n{{ x }}", "line\n---\na"),
        (b"---\n---\n{# nothing #}", ""),
    ],
)
def test_files_are_cut_into_front_matter_and_body(tmp_path: Path, data: bytes, text: str) -> None:
    """Front matter is what stands between the first two --- lines; byte-order mark and line ends do not matter."""
    (tmp_path / "t.j2").write_bytes(data)
    assert str(Library(tmp_path, builtin=False).t()) == text


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"---\ndescription: a\n", "front matter has no end"),
        (b"description: a\n---\nbody", "begins with 'description:', as front matter does, and not with ---"),
        (b"caf\xe9", "Byte 3 is not UTF-8"),
        (b"a" * 32_769, "32,769 bytes"),
    ],
)
def test_files_that_are_refused(tmp_path: Path, data: bytes, why: str) -> None:
    """A file that cannot be a template is named, with the reason."""
    (tmp_path / "t.j2").write_bytes(data)
    with pytest.raises(TemplateError, match=why):
        Library(tmp_path, builtin=False).t()


def test_links_do_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    """A stranger's folder cannot bring in a file from elsewhere by a link; a link inside it, or the folder being one, is fine."""
    (tmp_path / "secret").write_text("secret")
    library = write(tmp_path / "own", {"real.j2": "real", "t.j2": "{% include '_p.j2' %}"})
    for name, target in {"out": tmp_path / "secret", "env": Path("/proc/self/environ"), "in": Path("real.j2")}.items():
        (tmp_path / "own" / f"{name}_.j2").symlink_to(target)
    (tmp_path / "own" / "_p.j2").symlink_to(tmp_path / "secret")
    for name in ("out_", "env_"):
        with pytest.raises(TemplateError, match=r"This is a link to .* outside of its folder"):
            library[name]
    with pytest.raises(TemplateError, match=r"This is a link to .*secret, outside of its folder"):
        library.t()
    assert str(library.in_()) == "real"
    (tmp_path / "linked").symlink_to(tmp_path / "own", target_is_directory=True)
    assert str(Library(tmp_path / "linked", builtin=False).real()) == "real"


def test_what_is_no_file_holds_nobody(tmp_path: Path) -> None:
    """A pipe that nobody writes to, and a device, are refused at once."""
    os.mkfifo(tmp_path / "pipe.j2")
    with pytest.raises(TemplateError, match="no file"):
        _ = Library(tmp_path, builtin=False).pipe


def test_a_change_that_keeps_size_and_time_is_seen(tmp_path: Path) -> None:
    """A file rewritten in place with the same length, its time set back afterwards, is read again."""
    library = write(tmp_path, {"t.j2": "one"})
    os.utime(tmp_path / "t.j2", ns=(10**18, 10**18))
    assert str(library.t()) == "one"
    (tmp_path / "t.j2").write_text("two")
    os.utime(tmp_path / "t.j2", ns=(10**18, 10**18))
    assert str(library.t()) == "two"


@pytest.mark.slow
def test_threads_render_while_files_change(tmp_path: Path) -> None:
    """Eight threads that look up and render while the file is replaced get one text or the other, and nothing else."""
    partials = {f"_p{i}.j2": "x" for i in range(20)}
    includes = "".join(f"{{% include '_p{i}.j2' %}}" for i in range(20))
    library = write(tmp_path, {**partials, "t.j2": f"one{includes}"})
    seen: set[str] = set()
    over = threading.Event()

    def render() -> None:
        while not over.is_set():
            try:
                seen.add(str(library.t())[:3])
            except BaseException as error:
                seen.add(repr(error))

    threads = [threading.Thread(target=render) for _ in range(8)]
    for thread in threads:
        thread.start()
    for i in range(100):
        (tmp_path / "new").write_text(("one", "two")[i % 2] + includes)
        (tmp_path / "new").replace(tmp_path / "t.j2")
        time.sleep(0.01)
    over.set()
    for thread in threads:
        thread.join()
    assert seen == {"one", "two"}


def test_an_empty_file_is_no_template(tmp_path: Path) -> None:
    """A file that is empty, as one that is being written, is an error and not an empty prompt; a partial may be empty."""
    library = write(tmp_path, {"t.j2": " \n", "u.j2": "u{% include '_p.j2' %}", "_p.j2": ""})
    with pytest.raises(TemplateError, match="is empty"):
        _ = library.t
    assert str(library.u()) == "u"


def test_a_large_folder_is_listed_quickly(tmp_path: Path) -> None:
    """Eight times as many templates cost eight times as much to look at, and not 64 times: what is between is a busy machine's."""

    def seconds(count: int) -> float:
        folder = tmp_path / str(count)
        folder.mkdir()
        for i in range(count):
            (folder / f"t{i}.j2").write_text(f"text {i}")
        return min(listed(folder, count) for _ in range(3))

    def listed(folder: Path, count: int) -> float:
        begun = time.process_time()
        assert len(list(Library(folder, builtin=False))) == count
        return time.process_time() - begun

    seconds(10)
    assert seconds(1600) < 24 * seconds(200)


def test_folder_named_as_a_template_is_refused(tmp_path: Path) -> None:
    """A folder called name.j2 is no template."""
    (tmp_path / "t.j2").mkdir()
    with pytest.raises(TemplateError, match="This is no file"):
        _ = Library(tmp_path, builtin=False).t


# Languages

GREETING = {
    "hi.j2": "---\ninputs:\n  who: {description: whom, default: you}\n  how: {choices: {loud: loudly, low: softly}, default: loud}\n---\n"
    "Greet {{ who }} {{ how }}",
    "hi.zh-CN.j2": "---\nlang: zh-CN\ninputs:\n  who: {description: 谁, default: 你}\n  how: {choices: {loud: 大声, low: 小声}}\n---\n"
    "{{ how }}问候{{ who }}",
    "hi.es-MX.j2": "Saluda a {{ who }}",
}


@pytest.mark.parametrize(
    ("lang", "found"),
    [
        *((tag, "zh-CN") for tag in ("zh-CN", "zh", "zh_CN", "zh-Hans", "zh-hans-CN", "ZH-cn", "zh_CN.UTF-8", "zh-SG")),
        *((tag, "es-MX") for tag in ("es", "es-MX", "es_ES", "es-419")),
        *((tag, "en") for tag in ("en", "en-US", "en_GB.UTF-8", None)),
    ],
)
def test_languages_are_found_by_near_tags(tmp_path: Path, lang: str | None, found: str) -> None:
    """A language is found without its region, or with another one, in the same script."""
    assert write(tmp_path, GREETING).hi(lang=lang).lang == found


@pytest.mark.parametrize(("name", "lang"), [("one", "fr"), ("two", "zh-TW"), ("three", "zh-Hant"), ("four", "e"), ("five", "x" * 300)])
def test_a_missing_language_falls_back_and_says_so_once(tmp_path: Path, name: str, lang: str) -> None:
    """Where there is no file for a language, the base file's is used, with one warning for each template and language."""
    template = write(tmp_path, {file.replace("hi", name): text for file, text in GREETING.items()})[name]
    with pytest.warns(PromptkitWarning, match=f"The template '{name}' is not written in '{lang}'"):
        assert template(lang=lang).lang == "en"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert template(lang=lang).lang == "en"


def test_the_fall_back_is_english_else_the_base_file(tmp_path: Path) -> None:
    """A template whose base file is Spanish is rendered in English for a German, where it can be."""
    library = write(tmp_path, {"a.j2": "---\nlang: es-MX\n---\nhola", "a.en.j2": "hello", "b.j2": "---\nlang: es-MX\n---\nhola"})
    with pytest.warns(PromptkitWarning, match="rendered in 'en'"):
        assert str(library.a(lang="de")) == "hello"
    with pytest.warns(PromptkitWarning, match="rendered in 'es-MX'"):
        assert str(library.b(lang="de")) == "hola"


def test_a_language_file_brings_words_only(tmp_path: Path) -> None:
    """Descriptions, defaults, wording and body are the language's; names, keys and requiredness the base file's."""
    hi = write(tmp_path, GREETING).hi
    chinese = hi(lang="zh", how="low")
    assert (str(chinese), chinese.inputs) == ("小声问候你", {"how": "low"})
    assert str(hi(lang="zh", how="大声", who="她")) == "大声问候她"
    assert hi.languages == ("en", "es-MX", "zh-CN")
    assert [t.name for t in write(tmp_path, {})] == ["hi"]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("kind: edit", "words only, has an unknown key 'kind'"),
        ("lang: ja", "lang is 'ja' in a file named for 'es'"),
        ("inputs: {whom: {default: x}}", "inputs has an unknown key 'whom' (did you mean 'who'?)"),
        ("inputs: {who: {type: list}}", "has an unknown key 'type'"),
        ("inputs: {how: {choices: {laut: x}}}", "the choices of 'how' have other keys than the base file's: loud, low"),
        ("inputs: {need: {default: x}}", "the input 'need' is required in the base file and has a default here"),
        ("inputs: {who: {default: 3}}", "default of the input 'who' is 3"),
        ("inputs: {who: 3}", "the input 'who' is 3"),
    ],
)
def test_language_files_that_are_refused(tmp_path: Path, words: str, problem: str) -> None:
    """A language file cannot change what a template takes."""
    base = "---\ninputs:\n  need: {}\n  who: {default: you}\n  how: {choices: {loud: a, low: b}, default: low}\n---\nx"
    library = write(tmp_path, {"t.j2": base, "t.es.j2": f"---\n{words}\n---\ny"})
    assert str(library.t(need="x", lang="en")) == "x"
    with pytest.raises(TemplateError) as caught:
        library.t(need="x", lang="es")
    assert problem in str(caught.value)
    assert caught.value.file == str(tmp_path / "t.es.j2")


def test_two_files_for_one_language_are_refused(tmp_path: Path) -> None:
    """A language file for the base file's own language would hide it."""
    library = write(tmp_path, {"t.j2": "---\nlang: ja\n---\nx", "t.ja.j2": "y"})
    with pytest.raises(TemplateError, match="same language, 'ja'"):
        _ = library.t


def test_the_settings_name_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without lang= the user's own language is used."""
    monkeypatch.setenv("PROMPTKIT_LANG", "zh-CN")
    assert str(templates.recover.edit(prompt="添加羊驼")) == "生成添加羊驼后的图片"
    assert templates.recover.edit(prompt="x", lang="en").lang == "en"


def test_lang_is_text() -> None:
    """A language that is no text is an error of promptkit's."""
    with pytest.raises(InputError, match="lang is 3; expected a tag"):
        templates.sticker(subject="x", lang=3)


# Digests

PARTS = {
    "t.j2": "{% extends '_layout.j2' %}{% block a %}{% include '_a.j2' %}{% endblock %}",
    "_layout.j2": "{% from 'parts/_m.j2' import f %}{% block a %}{% endblock %}{{ f() }}",
    "_a.j2": "a",
    "parts/_m.j2": "{% macro f() %}m{% endmacro %}",
}


def test_digest_covers_all_files(tmp_path: Path) -> None:
    """The digest is the sha256 of the template and all that it extends, includes and imports, as canonical JSON of {name: text}."""
    t = write(tmp_path, PARTS).t
    prompt = t()
    assert str(prompt) == "am"
    assert prompt.files == PARTS
    canonical = json.dumps(PARTS, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert prompt.digest == t.digest == hashlib.sha256(canonical.encode()).hexdigest()


@pytest.mark.parametrize("name", PARTS)
def test_digest_changes_with_each_file(tmp_path: Path, name: str) -> None:
    """A change in any of the files is a change of the digest and of what is rendered, at the next access."""
    library = write(tmp_path, PARTS)
    before = library.t.digest
    write(tmp_path, {name: PARTS[name] + " {# changed #}"})
    assert library.t.digest != before


def test_digest_ignores_line_ends_and_mark(tmp_path: Path) -> None:
    """The same text saved on Windows has the same digest."""
    digests = set()
    for data in (b"a\nb\n", b"a\r\nb\r\n", b"\xef\xbb\xbfa\nb\n", b"a\rb\r"):
        (tmp_path / "t.j2").write_bytes(data)
        digests.add(Library(tmp_path, builtin=False).t.digest)
    assert len(digests) == 1


def test_digest_of_a_language_covers_its_file_and_the_base(tmp_path: Path) -> None:
    """A prompt in another language comes from that language's file, and from the base file that says what it takes."""
    prompt = write(tmp_path, GREETING).hi(lang="es")
    assert prompt.files == {name: GREETING[name] for name in ("hi.es-MX.j2", "hi.j2")}


def test_all_that_is_included_counts_towards_the_size(tmp_path: Path) -> None:
    """A template with all that it includes has 32 kB at most."""
    library = write(tmp_path, {"t.j2": "{% include '_a.j2' %}{% include '_b.j2' %}", "_a.j2": "a" * 20_000, "_b.j2": "b" * 20_000})
    with pytest.raises(TemplateError, match="40,042 bytes or more; 32,768 at most"):
        library.t()


# Libraries


def test_folders_are_searched_in_order(tmp_path: Path) -> None:
    """The first folder given wins, and the built-in templates come last."""
    for name in ("one", "two"):
        write(tmp_path / name, {"sticker.j2": name, f"{name}.j2": name, "edit/more.j2": name})
    library = Library(tmp_path / "one", tmp_path / "two")
    assert (str(library.sticker()), str(library.two()), library.logo.name) == ("one", "two", "logo")
    assert {"edit.add", "edit.more"} <= {t.name for t in library.edit}
    assert [t.name for t in Library(tmp_path / "two", builtin=False)] == ["edit.more", "sticker", "two"]


def test_the_default_library_has_the_users_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Added folders come first, the last added before the others, then PROMPTKIT_TEMPLATES, then the user's own."""
    names = ("own", "named", "added", "last")
    folders = [tmp_path / "home" / "templates", *(tmp_path / n for n in names[1:])]
    for at, folder in enumerate(folders):
        write(folder, {f"zz_{names[i]}.j2": names[at] for i in range(at + 1)})
    monkeypatch.setenv("PROMPTKIT_TEMPLATES", str(folders[1]))
    assert [str(templates[f"zz_{n}"]()) for n in names[:2]] == ["named", "named"]
    request.addfinalizer(_added.clear)  # the default library is one for all tests
    add_library(folders[2])
    add_library(folders[3])
    assert [str(templates[f"zz_{n}"]()) for n in names] == ["last"] * 4
    add_library(folders[2])
    assert [str(templates[f"zz_{n}"]()) for n in names] == ["added"] * 3 + ["last"]
    assert "zz_own" not in Library()


@pytest.mark.parametrize("use", [add_library, Library])
def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path, use: Callable[[Path], object]) -> None:
    """A folder that somebody names has to exist."""
    with pytest.raises(TemplateError, match=r"There is no folder .*nope"):
        use(tmp_path / "nope")


def test_attribute_and_item_are_the_same() -> None:
    """A template is found by attribute, by its whole name, and through its namespace."""
    assert templates.edit.add is templates["edit.add"] is templates["edit"]["add"]
    assert all(name in templates for name in ("sticker", "edit", "edit.add"))
    assert templates.sticker in templates
    assert not any(name in templates for name in ("edit.nope", "_x", "Sticker", "", ".", "edit.", "../x", 3, None))
    assert (len(templates.edit), next(t.name for t in templates.edit)) == (len(dir(templates.edit)), "edit.add")


def test_partials_and_strange_names_are_not_listed(tmp_path: Path) -> None:
    """A leading underscore marks a partial; names are small identifiers and no words of Python."""
    strange = ["_p.j2", "_d/x.j2", "A.j2", "class.j2", "a-b.j2", "1.j2", "a.txt", ".x.j2", "n.s/x.j2"]
    library = write(tmp_path, dict.fromkeys([*strange, "good.j2"], "x"))
    assert [t.name for t in library] == ["good"]
    for name in ("A", "class", "a-b"):
        with pytest.raises(TemplateNotFound):
            library[name]


def test_what_is_not_found_names_its_neighbours() -> None:
    """The error is an AttributeError, with the name, and names that look like it."""
    with pytest.raises(TemplateNotFound, match=r"no template 'stickr' .did you mean 'sticker'") as caught:
        _ = templates.stickr
    assert isinstance(caught.value, AttributeError)
    assert (caught.value.name, caught.value.near) == ("stickr", ("sticker",))
    assert not hasattr(templates.edit, "ad")


def test_hidden_names_are_plain_attribute_errors() -> None:
    """IPython asks every object for methods that it does not have; that neither searches nor explains."""
    for name in ("_ipython_canary_method_should_not_exist_", "_repr_html_", "__wrapped__"):
        with pytest.raises(AttributeError) as caught:
            getattr(templates, name)
        assert type(caught.value) is AttributeError


def test_names_complete() -> None:
    """Tab completes attributes by the next word, and items by the whole name."""
    assert {"edit", "logo", "recover", "sticker"} <= set(dir(templates))
    assert {"add", "remove", "style_transfer"} <= set(dir(templates.edit))
    assert "edit.add" in templates._ipython_key_completions_()
    assert not [name for name in vars(Library) if not name.startswith("_")]


def test_a_changed_file_is_seen_at_the_next_access(tmp_path: Path) -> None:
    """A new text, a new language and a removed file are seen; what was taken before stays as it was."""
    library = write(tmp_path, {"t.j2": "one"})
    before = library.t
    assert library.t is before
    write(tmp_path, {"t.j2": "three", "t.ja.j2": "三"})
    assert (str(library.t()), str(library.t(lang="ja")), str(before())) == ("three", "三", "one")
    state = (tmp_path / "t.j2").stat()
    (tmp_path / "t.j2").write_text("seven")
    os.utime(tmp_path / "t.j2", ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    assert str(library.t()) == "seven"
    (tmp_path / "t.j2").write_text("eleven")
    os.utime(tmp_path / "t.j2", ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    assert str(library.t()) == "eleven"
    (tmp_path / "t.j2").unlink()
    assert "t" not in library


def test_partials_come_from_the_own_folder_then_from_the_built_in(tmp_path: Path) -> None:
    """A template's partials are looked for beside it; built-in templates can be included as well."""
    write(tmp_path / "one", {"t.j2": "{% include '_p.j2' %}", "_p.j2": "one"})
    including = "---\ninputs: {element: {}, fill: {}, keep: {default: null}}\n---\n{% include 'edit/remove.j2' %}"
    write(tmp_path / "two", {"u.j2": "{% include '_p.j2' %}", "v.j2": including})
    library = Library(tmp_path / "one", tmp_path / "two")
    assert str(library.t()) == "one"
    assert "remove a hat from the scene" in str(library.v(element="a hat", fill="air"))
    with pytest.raises(TemplateError, match=r"It needs '_p.j2', which is not in .*two nor in") as caught:
        library.u()
    assert (caught.value.file, caught.value.line) == (str(tmp_path / "two" / "u.j2"), 1)


def test_files_include_each_other_only_so_deep(tmp_path: Path) -> None:
    """A chain of files ends in TemplateError with file and line, long before Python's own limit."""
    chain = {f"_f{i}.j2": f"{{% include '_f{i + 1}.j2' %}}" for i in range(1000)}
    with pytest.raises(TemplateError, match="more than 32 deep") as caught:
        write(tmp_path, {**chain, "_f1000.j2": "end", "t.j2": "{% include '_f0.j2' %}"}).t()
    assert caught.value.line == 1


# What readers see


def test_signature_and_help_show_the_inputs() -> None:
    """Shift-Tab, help() and editors show the inputs by name, required ones without a default."""
    signature = inspect.signature(templates.recover.edit)
    assert str(signature).startswith("(*, prompt: str, brief: bool = True, attempt: int = 1, lang: str | None = None)")
    assert "prompt (string, required): what was asked for; for example 'Add an alpaca'" in pydoc.render_doc(templates.recover.edit)
    assert (Template.__doc__ or "").startswith("A template, ready to be called")


CHOOSY = """inputs:
  outline: {choices: {bold: bold outlines, thin: thin ones}, default: bold}
  n: {type: integer, min: 1, max: 4, default: 2}"""


def test_editors_show_inputs_defaults_and_choices(tmp_path: Path) -> None:
    """Shift-Tab in Jupyter and the completion of editors show the signature of the template itself, once."""
    template = one(tmp_path, CHOOSY, "{{ outline }} {{ n }}")
    info = Inspector(theme_name="nocolor").info(template)
    compact = re.sub(r"\s+", "", info["definition"])
    assert compact.startswith("(*,outline:Literal['bold','thin']='bold',n:int=2,lang:str|None=None")
    assert info["call_def"] is None or re.sub(r"\s+", "", info["call_def"]) == compact
    assert "one of bold, thin" in info["docstring"]
    assert "1 to 4" in info["docstring"]
    for source in ("template(", "template.__call__(", "library.t("):
        (signature,) = jedi.Interpreter(source, [{"template": template, "library": Library(tmp_path)}]).get_signatures()
        assert "outline: Literal['bold', 'thin']='bold'" in signature.to_string()
    names = [found.name for found in jedi.Interpreter("library.", [{"library": Library(tmp_path)}]).complete()]
    assert {"t", "edit", "sticker"} <= set(names)


def test_an_example_that_does_not_render_hides_nothing(tmp_path: Path) -> None:
    """The card says what is wrong with it; without examples those of the inputs are rendered."""
    broken = one(tmp_path / "a", "inputs: {x: {max_length: 1}}\nexamples: [{inputs: {x: long}}]", "[{{ x }}]")
    assert "1 at most" in broken._repr_mimebundle_()["text/html"]
    bare = one(tmp_path / "b", "inputs: {x: {example: short}}", "[{{ x }}]")
    assert "[short]" in bare._repr_mimebundle_()["text/html"]


def test_a_file_whose_name_cannot_be_found_is_named(tmp_path: Path) -> None:
    """A file called my-Sticker.j2 is no template; whoever looks for it is told how to call it."""
    library = write(tmp_path, {"my-Sticker.j2": "x"})
    for name in ("my-Sticker", "my_sticker"):
        with pytest.raises(TemplateNotFound, match=r"there is my-Sticker.j2 in .*; rename it to my_sticker.j2"):
            library[name]
    with pytest.raises(TemplateNotFound, match=r"did you mean 'edit\.style_transfer'"):
        Library(tmp_path)["edit.style-transfer"]


def test_cards_show_inputs_and_an_example(tmp_path: Path) -> None:
    """A template's card has its inputs and a rendered example; all text in it is escaped."""
    t = one(tmp_path, "description: <b>\ninputs: {x: {description: <i>, example: <u>}}\nexamples: [{inputs: {x: <s>}}]", "[{{ x }}]")
    bundle = t._repr_mimebundle_()
    assert all(shown in bundle["text/html"] for shown in ("&lt;b&gt;", "&lt;i&gt;", "&lt;u&gt;", "[&lt;s&gt;]", "required"))
    assert "x (string, required): <i>" in bundle["text/plain"]
    assert "&lt;s&gt;" in t(x="<s>")._repr_mimebundle_()["text/html"]


def test_a_library_shows_its_templates(tmp_path: Path) -> None:
    """A library is a table of templates, in which one bad file does not hide the others."""
    library = write(tmp_path, {"a.j2": "---\ndescription: first\n---\n", "b.j2": "---\nkind: x\n---\n"})
    assert repr(library) == "<Library of 2 templates: a, b>"
    html = library._repr_mimebundle_()["text/html"]
    assert "first" in html
    assert "kind is &#x27;x&#x27;" in html


def test_examples_and_origin_are_there() -> None:
    """A template knows its file, its text and its examples, and comes from no pack."""
    t = templates.sticker
    assert (t.name, t.kind, t.lang, t.pack) == ("sticker", "generate", "en", None)
    assert t.source == t.file.read_text(encoding="utf-8")
    assert t.examples[0]["inputs"]["subject"] == "happy red panda"
    assert (t.inputs["subject"].required, t.inputs["style"].default) == (True, "kawaii")


# Prompts


def test_prompt_keeps_where_it_came_from() -> None:
    """A prompt is its text and its origin, also after more text is added."""
    prompt = templates.sticker(**STICKER)
    longer = prompt + " No text."
    assert str(longer) == f"{prompt} No text."
    assert (longer.template, longer.digest, longer.inputs) == ("sticker", prompt.digest, STICKER)
    assert (longer.lang, longer.kind) == ("en", "generate")
    assert (longer.config, list(longer.files)) == ({"aspect_ratio": "1:1"}, ["sticker.j2"])
    with pytest.raises(TypeError):
        _ = prompt + 3


def test_prompt_is_a_value() -> None:
    """Equal prompts are equal, hash alike, cannot be changed, survive pickling, and do not share what they hold."""
    one, two = templates.sticker(**STICKER), templates.sticker(**STICKER)
    assert one == two
    assert hash(one) == hash(two)
    assert pickle.loads(pickle.dumps(one)) == one
    assert one.config is not two.config
    with pytest.raises(AttributeError):
        one.text = "x"  # type: ignore[misc]
    assert Prompt("free text") == Prompt("free text", None)
    json.dumps([one.inputs, one.config, one.files])


# Cost


def test_import_is_light() -> None:
    """Importing the templates loads neither jinja2 nor yaml; listing them loads no jinja2."""
    program = (
        "import sys; from promptkit.prompts.library import templates; assert not {'jinja2', 'yaml'} & set(sys.modules); "
        "list(templates); dir(templates.edit); assert 'jinja2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


PARSERS = ("lexer", "parser", "compiler", "scanner", "composer")


def parsing(function: Callable[[], object]) -> int:
    """How many functions of the parsers of jinja2 and yaml a call runs."""
    names: list[str] = []
    sys.setprofile(lambda frame, event, _: names.append(frame.f_code.co_filename) if event == "call" else None)
    try:
        function()
    finally:
        sys.setprofile(None)
    return sum(("jinja2" in name or "yaml" in name) and Path(name).stem in PARSERS for name in names)


def test_a_known_template_is_parsed_once(tmp_path: Path) -> None:
    """After the first rendering no parser runs, in any library, until the file changes."""
    library = write(tmp_path, {**PARTS, **GREETING})

    def render() -> None:
        assert str(library.t()) + str(library.hi(lang="zh")) == "am大声问候你"

    assert parsing(render) > 0
    assert parsing(render) == 0
    library = Library(tmp_path, builtin=False)
    assert parsing(render) == 0
    (tmp_path / "_a.j2").write_text("{# x #}a")
    assert parsing(render) > 0


def test_inputs_are_given_by_name(tmp_path: Path) -> None:
    """An input without its name is refused with a line that shows how it is given."""
    with pytest.raises(InputError, match=r"sticker\(subject='happy bear'\)"):
        templates.sticker("happy bear")
