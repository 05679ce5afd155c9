"""Inputs and pictures: what may be given for them, how it is recorded and printed, and what is refused."""

from __future__ import annotations

import enum
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.places import shared
from kit.template_files import one

from promptkit.errors import InputError, PromptkitWarning, TemplateError
from promptkit.prompts.library import templates

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


def test_prompts_of_real_people_come_out_as_they_went_in(echo: Callable[..., Any]) -> None:
    """120 prompts in five languages, many with braces, JSON, quotes and line breaks."""
    prompts = [json.loads(line)["prompt"] for line in (shared("prompts") / "prompts.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(prompts) == 120
    assert [str(echo(x=p)) for p in prompts] == prompts
    assert all(p in str(templates.recover.edit(prompt=p, brief=False)) for p in prompts)


class Mood(str, enum.Enum):  # noqa: UP042  (a StrEnum would not show the difference)
    CALM = "calm"


def test_subclasses_of_text_are_text(tmp_path: Path) -> None:
    """A member of an enumeration counts by its text, not by its name."""
    prompt = one(tmp_path, "inputs: {x: {}}", "{{ x }}")(x=Mood.CALM)
    assert (str(prompt), type(prompt.inputs["x"])) == ("calm", str)


# Types

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


@pytest.mark.parametrize("given", ["cafe\u0301", "caf\xe9", "au cafe\u0301", "au caf\xe9"])
def test_a_choice_is_found_in_either_encoding(tmp_path: Path, given: str) -> None:
    """A choice is known by its key and its words as they look; what is recorded is the key as it is declared."""
    prompt = one(tmp_path, "inputs:\n  c: {choices: {café: au café, x: y}}", "{{ c }}")(c=given)
    assert (str(prompt), prompt.inputs) == ("au caf\xe9", {"c": "caf\xe9"})


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


def test_large_numbers_are_no_accident(tmp_path: Path) -> None:
    """A number with more digits than Python prints ends in TemplateError, not in an error of Python's own."""
    t = one(tmp_path, "inputs: {n: {type: number}}", "{{ n }}")
    assert str(t(n=10**400)) == str(10**400)
    with pytest.raises(TemplateError):
        t(n=10**5000)


# What is given and what is not


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


def test_renamed_inputs_are_taken_with_a_warning(tmp_path: Path) -> None:
    """The old name of an input works, warns, and is recorded as the new one; both at once are a problem."""
    t = one(tmp_path, "inputs: {x: {renamed_from: y}}", "{{ x }}")
    with pytest.warns(PromptkitWarning, match="'y' is now called 'x'"):
        assert t(y="a").inputs == {"x": "a"}
    with pytest.raises(InputError, match="'y' is not an input"):
        t(x="a", y="b")


def test_inputs_are_given_by_name(tmp_path: Path) -> None:
    """An input without its name is refused with a line that shows how it is given."""
    with pytest.raises(InputError, match=r"sticker\(subject='happy bear'\)"):
        templates.sticker("happy bear")


# Pictures


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
    assert template.pictures.requirement() == said
    assert template().pictures == template.pictures


# Lists of mappings

PANELS = """inputs:
  panels:
    type: list
    description: the panels
    max_length: 3
    of:
      scene: {description: what happens, example: a fox wakes}
      shot: {choices: {wide: a wide shot, close: a close-up}, default: wide}
      stars: {type: integer, min: 1, max: 5, default: null}
      tags: {type: list, default: []}
"""
PANELS_BODY = "{% for panel in panels %}{{ panel.shot }} of {{ panel.scene }}{{ panel['stars'] }}{{ panel.tags|join(',') }};{% endfor %}"


def test_a_list_of_mappings_is_read_by_its_fields(tmp_path: Path) -> None:
    """Each entry is recorded as given, choices by their keys; the body finds every field, with its default or nothing."""
    given = [{"scene": "a fox", "shot": "a close-up", "tags": ("x", "y")}, {"scene": "a bear", "stars": 3, "shot": None}]
    prompt = one(tmp_path, PANELS, PANELS_BODY)(panels=given)
    assert str(prompt) == "a close-up of a foxx,y;a wide shot of a bear3;"
    assert prompt.inputs == {"panels": ({"scene": "a fox", "shot": "close", "tags": ("x", "y")}, {"scene": "a bear", "stars": 3})}
    kept = pickle.loads(pickle.dumps(one(tmp_path, PANELS).inputs["panels"]))
    assert kept.of["shot"].choices == {"wide": "a wide shot", "close": "a close-up"}
    assert one(tmp_path, PANELS, PANELS_BODY)(**json.loads(json.dumps(prompt.inputs))).text == prompt.text


@pytest.mark.parametrize(
    ("panels", "problems"),
    [
        ([{"scene": "a", "captoin": "b"}], ["entry 1 has an unknown key 'captoin'; known are scene, shot, stars, tags"]),
        ([{"scene": "a"}, {"scen": "b"}], ["entry 2 has an unknown key 'scen' (did you mean 'scene'?)", "entry 2: 'scene' is missing"]),
        ([{"scene": 1984}], ["entry 1: 'scene' is 1984; expected text: put it in quotes"]),
        ([{"scene": " "}], ["entry 1: 'scene' is empty"]),
        ([{"scene": "a", "shot": "wid"}], ["entry 1: 'shot' is 'wid' (did you mean 'wide'?); expected one of wide, close"]),
        ([{"scene": "a", "stars": 9}, {"scene": "a", "stars": "2"}], ["entry 1: 'stars' is 9", "entry 2: 'stars' is '2'; expected"]),
        ([{"scene": "a", "tags": "x"}], ["entry 1: 'tags' is 'x'; expected a list of texts"]),
        ([{"scene": "a", 3: "x"}], ["entry 1 has an unknown key 3"]),
        (["a fox"], ["entry 1 is 'a fox'; expected a mapping with scene, shot, stars, tags"]),
        ({"scene": "a"}, ["is {'scene': 'a'}; expected a list of mappings with scene, shot, stars, tags: put it into a list"]),
        ("a fox", ["is 'a fox'; expected a list of mappings"]),
        ([], ["is empty"]),
        ([{"scene": "a"}] * 4, ["has 4 items; 3 at most"]),
    ],
)
def test_what_is_wrong_with_an_entry_names_it(tmp_path: Path, panels: object, problems: list[str]) -> None:
    """Every problem says which entry it is, counted from 1, and which field."""
    with pytest.raises(InputError) as caught:
        one(tmp_path, PANELS, PANELS_BODY)(panels=panels)
    assert len(caught.value.problems) == len(problems)
    for said, expected in zip(caught.value.problems, problems, strict=True):
        assert said.startswith(f"'panels' {expected}")


def test_a_list_of_many_wrong_entries_is_told_in_bounds(tmp_path: Path) -> None:
    """A thousand wrong entries make an error of twenty problems and a word that there are more."""
    with pytest.raises(InputError) as caught:
        one(tmp_path, PANELS, PANELS_BODY)(panels=[{f"x{i}": i for i in range(300)}] * 1000)
    assert len(caught.value.problems) == 21
    assert caught.value.problems[-1] == "'panels' has more problems"


def test_a_list_of_mappings_that_is_left_out_is_nothing(tmp_path: Path) -> None:
    """Without a value the body sees the default, and an example is made of the fields' examples."""
    template = one(tmp_path, PANELS.replace("description: the panels", "default: [{scene: a hill}]"), PANELS_BODY)
    assert str(template()) == "a wide shot of a hill;"
    assert template.inputs["panels"].example == ({"scene": "a fox wakes"},)


def test_help_shows_the_fields_of_a_list_of_mappings(tmp_path: Path) -> None:
    """Help names each field below its list, with its type and what it is; so does the table in a notebook."""
    template = one(tmp_path, PANELS, PANELS_BODY)
    assert "    panels (list of mappings, required): the panels; 3 items at most\n        scene (string, required): what happens" in str(
        template.__doc__
    )
    assert "panels: list[dict[str, " in str(template.__signature__)
    assert "panels[…].scene" in template._repr_mimebundle_()["text/html"]
