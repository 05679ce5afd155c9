"""What is read from a body that nobody runs: names, files and blocks, with their lines."""

from __future__ import annotations

import pytest

from promptkit.errors import TemplateError
from promptkit.prompts.survey import survey


def test_a_survey_refuses_nothing_but_bad_syntax() -> None:
    """A body that may not be used is surveyed all the same; one that cannot be read has its line."""
    found = survey("{{ a.b() }}\n{% include x %}\n{% block k %}{% include ['a'] %}{% endblock %}", "t.j2", "t.j2", 3)
    assert (found.names, found.dynamic, found.blocks["k"].dynamic) == ({"a": 4, "x": 5}, (5,), (6,))
    with pytest.raises(TemplateError) as caught:
        survey("\n{% if %}", "t.j2", "t.j2", 3)
    assert (caught.value.file, caught.value.line) == ("t.j2", 5)


def test_a_survey_says_what_another_file_can_see() -> None:
    """An include sees what is set on each way to it; an import sees nothing, and what is extended is named too."""
    found = survey(
        "{% extends 'a.j2' %}{% set x = 1 %}{% if x %}{% set y = 1 %}{% endif %}{% include 'b.j2' %}{% import 'c.j2' as d %}",
        "t.j2",
        "t.j2",
    )
    assert [(r.name, r.statement, r.sees) for r in found.references] == [
        ("a.j2", "Extends", frozenset()),
        ("b.j2", "Include", frozenset({"x"})),
        ("c.j2", "Import", None),
    ]
    assert (found.sets, found.stored) == ({"x", "d"}, {"x", "y", "d"})


def test_a_name_counts_where_it_is_not_set_on_each_way() -> None:
    """A name is looked up from outside unless each way to its use sets it; one with a default is asked for."""
    branch = "{% if a %}{% set b = 1 %}{% endif %}{{ b }}{{ c|default('') }}{% if d is defined %}{% endif %}"
    found = survey(branch, "t.j2", "t.j2")
    assert (set(found.names), found.asked) == ({"a", "b", "c", "d"}, {"c", "d"})
    both = "{% if a %}{% set b = 1 %}{% else %}{% set b = 2 %}{% endif %}{{ b }}"
    assert set(survey(both, "t.j2", "t.j2").names) == {"a"}


def test_a_macro_sees_what_is_set_behind_it() -> None:
    """A macro runs when it is called, after all of its file has been set; its arguments are its own."""
    assert set(survey("{% macro m(x) %}{{ x }}{{ y }}{{ z }}{% endmacro %}{% set y = 1 %}", "t.j2", "t.j2").names) == {"z"}


def test_a_scope_keeps_what_it_sets() -> None:
    """What a loop or a block sets is not seen behind it; a block sees what its file sets only where it is scoped."""
    assert set(survey("{% for i in l %}{% set x = i %}{{ loop.index }}{% endfor %}{{ x }}{{ i }}", "t.j2", "t.j2").names) == {"l", "x", "i"}
    blocks = "{% set x = 1 %}{% block k %}{{ x }}{% endblock %}{% block s scoped %}{{ x }}{% endblock %}"
    assert {n: set(b.names) for n, b in survey(blocks, "t.j2", "t.j2").blocks.items()} == {"k": {"x"}, "s": set()}
