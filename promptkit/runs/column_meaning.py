"""What each column of a table means: an input of the templates, something of the row (its picture, its label, an option), or nothing.

A column is an input by its name; an input of several templates is given to all that have it, `2.style` to the second one's alone. The names
in OF_A_ROW mean the row itself, where no template has an input of that name. Headings are compared as they stand, then trimmed, in NFC and
without regard to capitals.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from promptkit.errors import SettingsError, did_you_mean, listed
from promptkit.prompts.inputs import Input
from promptkit.providers.options import OPTIONS
from promptkit.runs.rows import is_missing, sentence
from promptkit.session.recipe import Recipe

__all__ = ["EXTRA", "OF_A_ROW", "ColumnMeaning", "Meant", "RowValues", "read_cells"]

KEY, PICTURE, REFERENCES, LABEL, LANG, ENDPOINT, MODEL = "key", "picture", "references", "label", "lang", "endpoint", "model"
OF_A_STEP = (REFERENCES, LANG, *(name for name in OPTIONS if OPTIONS[name].flag))  # which 2.… gives to the second step alone
OF_A_ROW = (KEY, PICTURE, LABEL, ENDPOINT, MODEL, *OF_A_STEP)
EXTRA = ("refuse", "keep")
PLACED = re.compile(r"([1-9]\d?)\.(\w+)")
TRUE, FALSE = ("true", "yes", "1"), ("false", "no", "0")
NUMBERS = {"seed": int, "temperature": float}


@dataclass(frozen=True)
class Meant:
    """What a column means: the places of the steps whose input it is; or something of the row, of one step alone where `place` is given;
    or, without either, a note in the step's meta.
    """

    name: str
    inputs: tuple[int, ...] = ()
    of_row: bool = False
    place: int | None = None


@dataclass
class RowValues:
    """The cells of one row by what they mean: `inputs` for each step by its place, `of_row` and, for one step alone, `of_step` by name."""

    inputs: dict[int, dict[str, Any]] = field(default_factory=dict)
    of_row: dict[str, Any] = field(default_factory=dict)
    of_step: dict[int, dict[str, Any]] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    all: dict[str, Any] = field(default_factory=dict)  # what was given and means something, by the name of what it means


def folded(heading: str) -> str:
    """A heading as it is compared where none is the very same."""
    return unicodedata.normalize("NFC", heading).strip().casefold()


class ColumnMeaning:
    """What the columns of a table mean for a recipe; for a function (no recipe) every column is the function's.

    `columns` says which heading is read for a name: {"subject": "Bezeichnung"}. Raises SettingsError for what is read from a heading that
    is not there, and, with extra="refuse", for a column that means nothing.
    """

    def __init__(self, recipe: Recipe | None, columns: Mapping[str, str], extra: str) -> None:
        self._recipe, self._columns, self._extra = recipe, dict(columns), extra
        self._known: dict[tuple[str, ...], dict[str, Meant]] = {}
        self._declared = {place: step.declared for place, step in enumerate(recipe.steps)} if recipe else {}
        for name in self._columns:
            if self._meant(name) is None:
                raise SettingsError(f"columns= reads {name!r:.60}, and nothing here has that name{self._near(name)}; {self._there()}.")

    def of(self, headings: Sequence[str], table: str) -> dict[str, Meant]:
        """What each of these headings means."""
        key = tuple(headings)
        if key not in self._known:
            self._known[key] = self._read(headings, table)
        return self._known[key]

    def _read(self, headings: Sequence[str], table: str) -> dict[str, Meant]:
        named = self._named(headings, table)
        found: dict[str, Meant] = {}
        for heading in headings:
            name = named.get(heading, heading)
            meant = self._meant(name) or self._meant(unicodedata.normalize("NFC", name).strip()) or self._folded(name)
            if meant is None and self._recipe is not None and self._extra != "keep":
                raise SettingsError(self._unknown(heading, table))
            found[heading] = meant or Meant(heading)
        self._refuse_twice(found, table)
        return found

    def _named(self, headings: Sequence[str], table: str) -> dict[str, str]:
        """What `columns=` says, by heading."""
        named: dict[str, str] = {}
        for name, wanted in self._columns.items():
            found = wanted if wanted in headings else next((h for h in headings if folded(h) == folded(wanted)), None)
            if found is None:
                near = did_you_mean(wanted, headings)
                said = f"{sentence(table)} has no column {wanted!r:.60} to read as {name}{near}"
                raise SettingsError(f"{said}; its columns are {listed(headings)}.")
            named[found] = name
        return named

    def _meant(self, name: str) -> Meant | None:
        match = PLACED.fullmatch(name)
        if match and self._recipe and int(match[1]) <= len(self._recipe.steps):
            place, bare = int(match[1]) - 1, match[2]
            if bare in self._declared[place]:
                return Meant(name, inputs=(place,))
            return Meant(bare, of_row=True, place=place) if bare in OF_A_STEP else None
        places = tuple(place for place, declared in self._declared.items() if name in declared or _was_called(declared, name))
        if places:
            return Meant(name, inputs=places)
        return Meant(name, of_row=True) if name in OF_A_ROW else None

    def _folded(self, name: str) -> Meant | None:
        near = [known for known in self._names if folded(known) == folded(name)]
        return self._meant(near[0]) if len(near) == 1 else None

    @property
    def _names(self) -> list[str]:
        return list(dict.fromkeys([*(name for declared in self._declared.values() for name in declared), *OF_A_ROW]))

    def _near(self, name: str) -> str:
        return did_you_mean(name, self._names)

    def _there(self) -> str:
        inputs = list(dict.fromkeys(name for declared in self._declared.values() for name in declared))
        return f"its inputs are {listed(inputs) or 'none'}, and a row may also have {listed(OF_A_ROW)}"

    def _unknown(self, heading: str, table: str) -> str:
        assert self._recipe is not None
        steps = listed(dict.fromkeys(step.name for step in self._recipe.steps))
        said = f"{sentence(table)} has a column {heading.strip()!r:.60} that is no input of {steps}{self._near(heading)}; {self._there()}"
        return f'{said}; columns= says which heading is which, extra="keep" keeps it as a note.'

    def _refuse_twice(self, found: Mapping[str, Meant], table: str) -> None:
        heading_of: dict[Meant, str] = {}
        for heading, meant in found.items():
            if (other := heading_of.setdefault(meant, heading)) != heading:
                said = f"{sentence(table)} has two columns for {meant.name}: {other.strip()!r:.60} and {heading.strip()!r:.60}"
                raise SettingsError(f"{said}; leave one out, or say with columns= which is read.")


def _was_called(declared: Mapping[str, Input], name: str) -> bool:
    return any(each.renamed_from == name for each in declared.values())


# One row


def read_cells(values: Mapping[str, Any], meaning: Mapping[str, Meant], recipe: Recipe | None) -> RowValues:
    """The cells of a row by what they mean, those that are not given left out; texts become what the input declares. What is wrong with an
    option is among the `problems`.
    """
    read = RowValues()
    for heading, value in values.items():
        if is_missing(value):
            continue
        meant = meaning[heading]
        if meant.inputs:
            _take_input(read, meant, value, recipe)
        elif meant.of_row:
            try:
                _take_of_row(read, meant, value)
            except ValueError as error:
                read.problems.append(f"{heading.strip()!r:.60} {error}")
        else:
            read.meta[meant.name] = value
    return read


def _take_input(read: RowValues, meant: Meant, value: Any, recipe: Recipe | None) -> None:
    bare = meant.name.partition(".")[2] if PLACED.fullmatch(meant.name) else meant.name
    read.all[meant.name] = value
    for place in meant.inputs:
        declared = recipe.steps[place].declared if recipe else {}
        own = read.inputs.setdefault(place, {})
        if bare not in own or PLACED.fullmatch(meant.name):  # 2.style goes before style
            own[bare] = as_declared(value, declared.get(bare))


def _take_of_row(read: RowValues, meant: Meant, value: Any) -> None:
    value = value.strip() if isinstance(value, str) else value
    if isinstance(value, str) and meant.name in NUMBERS:
        try:
            value = NUMBERS[meant.name](value)
        except ValueError:
            raise ValueError(f"is {value!r:.60}; expected {OPTIONS[meant.name].expected}") from None
    if meant.place is None:
        read.of_row[meant.name] = value
    else:
        read.of_step.setdefault(meant.place, {})[meant.name] = value
    read.all[meant.name if meant.place is None else f"{meant.place + 1}.{meant.name}"] = value


def as_declared(value: Any, declared: Input | None) -> Any:
    """A text as the type that an input declares; what does not fit stays text, and the template says what is wrong with it.

    A list is written as JSON, or its items are separated by semicolons or line breaks.
    """
    if declared is None or not isinstance(value, str) or declared.type == "string":
        return value
    text = value.strip()
    if declared.type == "list":
        return _listed(text, declared)
    if declared.type == "boolean":
        return text.casefold() in TRUE if text.casefold() in (*TRUE, *FALSE) else value
    with suppress(ValueError):
        return int(text) if declared.type == "integer" else float(text)
    return value


def _listed(text: str, declared: Input) -> Any:
    if text.startswith(("[", "{")):
        with suppress(ValueError):
            found = json.loads(text)
            return found if isinstance(found, list) else [found]
    return text if declared.of else [item for part in re.split(r"[;\n]", text) if (item := part.strip())]


