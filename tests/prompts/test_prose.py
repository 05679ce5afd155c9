"""What tags leave of the lines around them. Its border: what a template may say at all is test_sandbox's."""

from __future__ import annotations

import time
import timeit
from functools import partial

import pytest

from promptkit.errors import TemplateError
from promptkit.prompts.prose import Eaten
from promptkit.prompts.sandbox import Part, parse, render

VALUES = {"x": "X", "no": None, "many": ("one", "two")}


def rendered(source: str, **files: str) -> str:
    sources = {"a.j2": source, **{f"{name}.j2": text for name, text in files.items()}}
    parts = {name: Part.compile(text, name, name) for name, text in sources.items()}
    return render("a.j2", parts, dict(VALUES))


@pytest.mark.parametrize(
    ("source", "prints"),
    [
        ("in {% if x %}ink style{% endif %}\nwith light", "in ink style\nwith light"),
        ("in ink{% if no %} style{% endif %}\nwith light", "in ink\nwith light"),
        ("in ink{# by hand #}\nwith light", "in ink\nwith light"),
        ("in ink {# over\ntwo lines #}\nwith light", "in ink \nwith light"),
        ("{{ x }}{% if x %}{% endif %}\nwith light", "X\nwith light"),
        ("{% set a = 1 %}{{ a }}{% set b = 2 %}\nwith light", "1\nwith light"),
        ("{% if x %}ink{% else %}\npaper{% endif %}", "ink"),
        ("{% if no %}ink{% else %}\npaper{% endif %}", "\npaper"),
        ("  {% if x %}ink{% endif %} here\nB", "  ink here\nB"),
        ("- {% for m in many %}{{ m }} {% endfor %}\nB", "- one two \nB"),
        ("{% macro m() %}a{% endmacro %}{{ m() }}\nB", "a\nB"),
        ("{% raw %}{{ x }}{% endraw %}\nB", "{{ x }}\nB"),
        ("ein {% if x %}ink{% endif %}\r\nB", "ein ink\nB"),
        ('{% if x != "%}" %}ink{% endif %}\nB', "ink\nB"),
        ("狐{% if x %}狸{% endif %}\n雪", "狐狸\n雪"),
    ],
)
def test_a_line_with_text_keeps_its_line_break_and_its_blanks(source: str, prints: str) -> None:
    """On a line with any text or printed value, tags and comments take nothing away."""
    assert rendered(source) == prints


@pytest.mark.parametrize(
    ("source", "prints"),
    [
        ("A\n{% if x %}\nb\n{% endif %}\nC", "A\nb\nC"),
        ("A\n  {% if x %}\t\n  b\n\t{% endif %}  \nC", "A\n  b\nC"),
        ("A\n{% if no %}\nb\n{% endif %}\nC", "A\nC"),
        ("A\n{% set a = x %} {# why #} {% set b = a %}\nC", "A\nC"),
        ("A\n{# over\n\n two lines #}\nC", "A\nC"),
        ("A\n{% if x\n  and many %}\nb\n{% endif %}\nC", "A\nb\nC"),
        ("A\n  {% raw %}\n{{ x }}\n  {% endraw %}\nC", "A\n{{ x }}\nC"),
        ("{% for m in many %}\n- {{ m }}\n{% endfor %}\nC", "- one\n- two\nC"),
        ("A\n{% macro m() %}\na\n{% endmacro %}\nB{{ m() }}", "A\nBa\n"),
        ("A\r\n  {% if x %}\r\nb\r\n{% endif %}\r\nC", "A\nb\nC"),
        ("{% if x %}\nA\n{% endif %}", "A\n"),
        ("{# only a comment #}", ""),
        ("A\n\n{% if x %}\n\nb\n{% endif %}\n\nC", "A\n\n\nb\n\nC"),
    ],
)
def test_a_line_of_tags_alone_leaves_nothing_behind(source: str, prints: str) -> None:
    """A line that holds only tags and comments is dropped with its indentation, the blanks between the tags and its line break."""
    assert rendered(source) == prints


@pytest.mark.parametrize(
    ("source", "prints"),
    [
        ("A\n{%- if x %}\nb{% endif %}", "Ab"),
        ("A {{- x -}}\n{% if x %}\nb{% endif %}", "AXb"),
        ("A\n{% if x -%}\n\n  b{% endif %}", "A\nb"),
        ("A\n{#- joins -#}\nb", "Ab"),
        ("A\n  {%+ if x %}\nb{% endif %}", "A\n  b"),
        ("A\n{% if x +%}\nb{% endif %}", "A\n\nb"),
        ("A\n{% if x %} {# why +#} \nb{% endif %}", "A\n \nb"),
    ],
)
def test_signs_in_a_tag_mean_what_they_mean_in_jinja(source: str, prints: str) -> None:
    """`-` takes all white space on its side away, `+` keeps that of a line of tags alone."""
    assert rendered(source) == prints


def test_blanks_that_are_a_value_stay() -> None:
    """Blanks between `set`, `macro` or `block` and its end are what it says, also on a line of tags alone; so is raw text."""
    assert rendered("{% set gap %} {% endset %}\na{{ gap }}b") == "a b"
    assert rendered("{% macro gap() %}  {% endmacro %}\na{{ gap() }}b") == "a  b"
    assert rendered("a\n{% block gap %} {% endblock %}\nb") == "a\n \nb"
    assert rendered("a\n{% raw %} {% endraw %}\nb") == "a\n \nb"


@pytest.mark.parametrize(
    ("source", "partial", "prints"),
    [
        ("A\n{% include 'p.j2' %}\nB", "inc", "A\ninc\nB"),
        ("A\n  {% include 'p.j2' %}\nB", "inc\n", "A\ninc\nB"),
        ("A\n{% include 'p.j2' %}\n\nB", "inc", "A\ninc\n\nB"),
        ("A\n{% include 'p.j2' %}\n{% include 'p.j2' %}\nB", "inc", "A\ninc\ninc\nB"),
        ("A\n{% include 'p.j2' %} {% include 'p.j2' %}\nB", "inc", "A\ninc inc\nB"),
        ("A\n{% if x %}{% include 'p.j2' %}{% endif %}\nB", "inc", "A\ninc\nB"),
        ("A\n{% if x %}\n{% include 'p.j2' %}\n{% endif %}\nB", "inc", "A\ninc\nB"),
        ("A\n{% if x %}\n{% include 'p.j2' %}\n{% endif %}", "inc", "A\ninc"),
        ("A\n{% include 'p.j2' %}\nB", "{% if no %}inc{% endif %}", "A\nB"),
        ("A {% include 'p.j2' %}\nB", "inc", "A inc\nB"),
        ("A\n{% include 'p.j2' -%}\nB", "inc", "A\nincB"),
        ("{% set s %}\n{% include 'p.j2' %}\n{% endset %}[{{ s }}]", "inc", "[inc]"),
        ("A\n{% import 'p.j2' as p %}\n{% from 'p.j2' import m %}\nB{{ m() }}", "{% macro m() %}m{% endmacro %}", "A\nBm"),
    ],
)
def test_what_is_included_is_not_glued_to_the_next_line(source: str, partial: str, prints: str) -> None:
    """A line of its own for an include ends where the included text did not end it, and is dropped where nothing was printed."""
    assert rendered(source, p=partial) == prints


def test_a_block_that_is_replaced_is_not_glued_to_the_next_line() -> None:
    """A block's lines end in the file that extends another as they did in that one."""
    base = "A\n{% block style %}\nin ink\n{% endblock %}\nB"
    assert rendered(base) == "A\nin ink\nB"
    assert rendered("{% extends 'p.j2' %}\n{% block style %}in red{% endblock %}", p=base) == "A\nin red\nB"
    assert rendered("{% extends 'p.j2' %}\n{% block style %}\nin red\n{% endblock %}", p=base) == "A\nin red\nB"
    assert rendered("{% extends 'p.j2' %}\n{% block style %}{% endblock %}", p=base) == "A\nB"


def test_half_a_character_in_a_value_is_no_line_break() -> None:
    """What an input holds comes out as it went in, whatever stands for line breaks inside."""
    parts = {name: Part.compile(text, name, name) for name, text in {"a.j2": "{% include 'p.j2' %}\n{{ v }}", "p.j2": "{{ v }}"}.items()}
    for value in ("\ud800", "\ud800\n", "\ud801\udfff"):
        assert render("a.j2", parts, {"v": value}) == (value if value.endswith("\n") else f"{value}\n") + value


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("A\n{% if x %}\n\n{{ nope }}{% endif %}", 4),
        ("A\n{%- if x -%}\n\n\n{# a\nb #}\n{{ nope }}{% endif %}", 7),
        ("\n{% raw %}\n\n{% endraw %}\n{{ nope }}", 5),
    ],
)
def test_errors_name_the_line_of_the_file(source: str, line: int) -> None:
    """What is dropped counts as the lines that it was."""
    with pytest.raises(TemplateError) as caught:
        rendered(source)
    assert caught.value.line == line


def test_what_a_sign_takes_away_is_marked_where_it_is_asked_for() -> None:
    """`eaten` gets one entry for each `-` that takes white space away, with its line; a `-` that takes none has none."""
    eaten: list[Eaten] = []
    part = Part.compile("A\n{%- if x -%}\n\nb{%- endif %}\n{{- x }}", "a.j2", "a.j2", eaten=eaten)
    assert [one.line for one in eaten] == [2, 2, 5]
    assert render("a.j2", {"a.j2": part}, dict(VALUES)) == "A{}{}b{}X".format(*(one.mark for one in eaten))


def test_the_time_grows_with_the_source_and_not_with_its_square() -> None:
    """Eight times the lines take less than twenty times the processor time."""
    line = " {# c #}\t{%- set a = 1 -%} \n"
    times = {n: min(timeit.repeat(partial(parse, line * n, "a", "a"), timer=time.process_time, number=1)) for n in (150, 1200)}
    assert times[1200] < 20 * times[150]
