"""What columns mean, and what their cells become."""

from __future__ import annotations

from typing import Any

import pytest

from promptkit import SettingsError, Template, templates
from promptkit.runs.column_meaning import ColumnMeaning, Meant, as_declared, read_cells
from promptkit.session.recipe import Recipe

CHAIN = Recipe.of_templates([templates.sticker, templates.edit.style_transfer])


def meant(*headings: str, columns: dict[str, str] | None = None, extra: str = "refuse") -> dict[str, Meant]:
    return ColumnMeaning(CHAIN, columns or {}, extra).of(headings, "a.csv")


def test_a_column_is_an_input_of_all_that_have_it() -> None:
    """2.style is the second template's alone; a name of a row means the row."""
    found = meant("palette", "style", "2.style", "seed", "label", "2.aspect_ratio")
    assert [found[name].inputs for name in ("palette", "style", "2.style")] == [(0,), (0, 1), (1,)]
    assert found["seed"].of_row
    assert (found["2.aspect_ratio"].name, found["2.aspect_ratio"].place) == ("aspect_ratio", 1)


@pytest.mark.parametrize("heading", [" subject ", "Subject", "SUBJECT", "subject\u00a0"])
def test_headings_are_compared_trimmed_and_without_capitals(heading: str) -> None:
    """After the very same one."""
    assert meant(heading)[heading].name == "subject"


def test_composed_and_decomposed_headings_are_the_same() -> None:
    """A heading that `columns=` names may be spelled in either form of Unicode."""
    assert meant("Schlu\u0308ssel", columns={"subject": "Schl\u00fcssel"})["Schlu\u0308ssel"].name == "subject"


def test_an_input_goes_before_what_a_row_has() -> None:
    """Where a template has an input `label`, the column is its input."""
    own = Template.from_brackets("A badge that says [label]")
    found = ColumnMeaning(Recipe.of_templates([own]), {}, "refuse").of(["label"], "a.csv")
    assert found["label"].inputs == (0,)


@pytest.mark.parametrize(
    ("headings", "columns", "said"),
    [
        (("subjct",), {}, r"column 'subjct' that is no input of sticker, edit\.style_transfer \(did you mean 'subject'\?\)"),
        (("subject",), {"subject": "Bezeichnung"}, r"no column 'Bezeichnung' to read as subject"),
        (("a", "b"), {"subjct": "a"}, r"reads 'subjct', and nothing here has that name"),
        (("subject", "Subject"), {}, r"two columns for subject"),
        (("3.style",), {}, r"column '3.style' that is no input"),
    ],
)
def test_what_means_nothing_is_refused(headings: tuple[str, ...], columns: dict[str, str], said: str) -> None:
    """With the nearest name."""
    with pytest.raises(SettingsError, match=said):
        meant(*headings, columns=columns)


def test_extra_columns_become_notes_where_they_are_kept() -> None:
    """By their headings."""
    found = meant("palette", "price", extra="keep")
    read = read_cells({"palette": "red", "price": "3"}, found, CHAIN)
    assert (read.inputs, read.meta) == ({0: {"palette": "red"}}, {"price": "3"})


def test_cells_that_are_empty_are_not_given() -> None:
    """So that defaults stand."""
    found = meant("palette", "style", "2.style")
    read = read_cells({"palette": "red", "style": " ", "2.style": None}, found, CHAIN)
    assert read.inputs == {0: {"palette": "red"}}


def test_the_own_column_of_a_step_goes_before_that_of_all() -> None:
    """Whatever stands first."""
    for headings in (("style", "2.style"), ("2.style", "style")):
        values = {"style": "ink", "2.style": "oil"}
        read = read_cells({h: values[h] for h in headings}, meant(*headings), CHAIN)
        assert read.inputs == {0: {"style": "ink"}, 1: {"style": "oil"}}


SOURCE = """---
inputs:
  count: {type: integer}
  share: {type: number}
  is_old: {type: boolean}
  words: {type: list}
---
{{ count }} {{ share }} {{ is_old }} {{ words|join(", ") }}
"""


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("count", " 7 ", 7),
        ("count", "seven", "seven"),
        ("share", "0.5", 0.5),
        ("is_old", "Yes", True),
        ("is_old", "0", False),
        ("is_old", "perhaps", "perhaps"),
        ("words", "red; blue ;", ["red", "blue"]),
        ("words", '["a;b", "c"]', ["a;b", "c"]),
        ("words", "red\nblue", ["red", "blue"]),
    ],
)
def test_texts_become_what_an_input_declares(name: str, text: str, value: Any) -> None:
    """What does not fit stays text, which the template then refuses."""
    declared = Template.of_files("numbers", {"numbers.j2": SOURCE}, base="numbers.j2").inputs[name]
    assert as_declared(text, declared) == value


def test_a_text_that_looks_like_a_number_stays_text() -> None:
    """Where a text is declared."""
    assert as_declared("00123", templates.sticker.inputs["subject"]) == "00123"


def test_options_are_read_as_their_types() -> None:
    """And what is wrong with one names its column."""
    found = meant("seed", "temperature", "aspect_ratio")
    read = read_cells({"seed": "7", "temperature": "0.5", "aspect_ratio": "16:9"}, found, CHAIN)
    assert read.of_row == {"seed": 7, "temperature": 0.5, "aspect_ratio": "16:9"}
    assert read_cells({"seed": "x"}, meant("seed"), CHAIN).problems == ["'seed' is 'x'; expected a whole number of 32 bits, with its sign"]
