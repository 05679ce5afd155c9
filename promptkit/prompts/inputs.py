"""What a template takes: inputs by name, each of one type, and pictures.

The values that a front matter declares, and functions that read what a caller gives for them and say what is expected. They are functions
because Input is public: people see its fields only.
"""

from __future__ import annotations

import inspect
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from promptkit.errors import did_you_mean, listed
from promptkit.prompts import next_step
from promptkit.values import items, number, texts, truth, whole_number

__all__ = [
    "MOST_PROBLEMS",
    "TYPES",
    "Input",
    "Pictures",
    "as_written",
    "description_of",
    "expected",
    "missing",
    "parameter_of",
    "printed_value",
    "read_value",
    "shown",
    "terms_of",
]

TYPES: Mapping[str, Any] = {"string": str, "integer": int, "number": float, "boolean": bool, "list": list[str]}
EXPECTED = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "list": "a list of texts",
}
MOST_PROBLEMS = 20  # in one error


@dataclass(frozen=True)
class Input:
    """One input of a template, as its front matter declares it.

    `choices` maps each key that a caller gives to the words that are printed, and is empty where anything goes. `max_length` counts
    characters, or the items of a list. `of` holds the fields of each entry, by name, where the items of a list are mappings; they are
    declared as inputs are.
    """

    name: str
    type: str = "string"
    description: str = ""
    default: Any = None
    required: bool = True
    choices: Mapping[Any, Any] | tuple[()] = ()
    example: Any = None
    max_length: int | None = None
    min: float | None = None
    max: float | None = None
    renamed_from: str | None = None
    of: Mapping[str, Input] | tuple[()] = ()

    def __getstate__(self) -> dict[str, Any]:
        mappings = {"choices": self.choices, "of": self.of}  # which are read-only, and so do not go through pickle
        return vars(self) | {name: dict(mapping) if mapping else () for name, mapping in mappings.items()}


# What is given for an input


def read_value(declared: Input, value: Any) -> Any:
    """The value as it is recorded: of the right type, a choice by its key.

    ValueError says what is wrong with it, and of a list of mappings all that is: an argument for each problem.
    """
    value = _entries(declared, value) if declared.of else _typed(declared, value)
    if declared.choices:
        return _key(declared, value)
    if declared.required and declared.type in ("string", "list") and not (value.strip() if isinstance(value, str) else value):
        raise ValueError("is empty")
    if declared.max_length is not None and len(value) > declared.max_length:
        raise ValueError(f"has {_length(declared, len(value))}; {declared.max_length:,} at most")
    if (declared.min is not None and value < declared.min) or (declared.max is not None and value > declared.max):
        raise ValueError(f"is {value}; expected {_range(declared)}")
    return value


AS_TYPE: Mapping[str, Callable[[Any], Any]] = {"list": texts, "boolean": truth, "integer": whole_number, "number": number}


def _typed(declared: Input, value: Any) -> Any:
    if declared.type == "string" and isinstance(value, str):
        return value if type(value) is str else str.__str__(value)  # of a subclass, what it holds
    as_type = AS_TYPE.get(declared.type)
    if as_type is not None and (plain := as_type(value)) is not None:
        return plain
    raise ValueError(f"is {shown(value)}; expected {expected(declared)}")


def _key(declared: Input, value: Any) -> Any:
    """The key of a choice, which may be given by its words too, in either encoding of what looks the same."""
    if value in declared.choices:
        return value
    choices = dict(declared.choices)
    for key, words in choices.items():
        if words == value or _composed(value) in (_composed(key), _composed(words)):
            return key
    raise ValueError(f"is {shown(value)}{did_you_mean(str(value), map(str, choices))}; expected one of {', '.join(map(str, choices))}")


def _composed(value: Any) -> Any:
    return unicodedata.normalize("NFC", value) if isinstance(value, str) else value


# Lists of mappings


def _entries(declared: Input, given: Any) -> tuple[dict[str, Any], ...]:
    entries = items(given)
    if entries is None:
        advice = ": put it into a list, [{…}]" if isinstance(given, Mapping) else ""
        raise ValueError(f"is {shown(given)}; expected {expected(declared)}{advice}")
    read: list[dict[str, Any]] = []
    problems: list[str] = []
    for place, entry in enumerate(entries, 1):
        fields, wrong = _entry(dict(declared.of), entry)
        read.append(fields)
        problems += [f"entry {place}{why}" for why in wrong]
        if len(problems) > MOST_PROBLEMS:
            problems[MOST_PROBLEMS:] = ["has more problems"]
            break
    if problems:
        raise ValueError(*problems)
    return tuple(read)


def _entry(fields: Mapping[str, Input], entry: Any) -> tuple[dict[str, Any], list[str]]:
    """What one mapping of a list says, without what it leaves out, and all that is wrong with it."""
    if not isinstance(entry, Mapping):
        return {}, [f" is {shown(entry)}; expected a mapping with {listed(fields)}"]
    read: dict[str, Any] = {}
    problems: list[str] = []
    for key in entry:
        value, declared = entry[key], fields.get(key) if isinstance(key, str) else None
        if len(problems) > MOST_PROBLEMS:
            break
        if declared is None:
            problems.append(f" has an unknown key {shown(key)}{did_you_mean(str(key), fields)}; known are {listed(fields)}")
        elif value is not None:
            try:
                read[declared.name] = read_value(declared, value)
            except ValueError as error:
                advice = next_step.for_text(value) if declared.type == "string" and not declared.choices else ""
                problems.append(f": {key!r} {error}{advice}")
    lacking = [field for field in fields.values() if field.required and entry.get(field.name) is None]
    return read, [*problems, *(f": {missing(field)}" for field in lacking)]


def missing(declared: Input) -> str:
    """That a required input is not given, with what it is and an example."""
    hint = f", for example {_brief(declared, declared.example)}" if declared.example is not None else ""
    return f"{declared.name!r} is missing ({declared.description or expected(declared)}{hint})"


def expected(declared: Input) -> str:
    """What may be given for an input: "a list of mappings with scene, caption"."""
    return f"a list of mappings with {listed(declared.of)}" if declared.of else EXPECTED[declared.type]


def _brief(declared: Input, value: Any) -> str:
    written = as_written(declared, value)
    return shown(written) if declared.of else repr(written)


# What it says of itself


def _range(declared: Input) -> str:
    if declared.min is None or declared.max is None:
        return f"{declared.max} at most" if declared.min is None else f"{declared.min} at least"
    return f"{declared.min} to {declared.max}"


def printed_value(declared: Input, value: Any) -> Any:
    """What the template prints for a value that was read."""
    if declared.of:
        return tuple(_printed_entry(dict(declared.of), entry) for entry in value)
    return dict(declared.choices)[value] if declared.choices else value


def _printed_entry(fields: Mapping[str, Input], entry: Mapping[str, Any]) -> dict[str, Any]:
    """Every field of an entry, so that a body can ask for each: what is given, else its default, else None."""
    values = {name: entry.get(name, field.default) for name, field in fields.items()}
    return {name: None if value is None else printed_value(fields[name], value) for name, value in values.items()}


def parameter_of(declared: Input) -> inspect.Parameter:
    """The input as a parameter of the template's call, for help() and editors."""
    default = inspect.Parameter.empty if declared.required else declared.default
    kind: Any = Literal[tuple(declared.choices)] if declared.choices else list[dict[str, Any]] if declared.of else TYPES[declared.type]
    annotation = kind if declared.required or declared.default is not None else kind | None
    return inspect.Parameter(declared.name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def terms_of(declared: Input) -> str:
    """Its type, and whether it may be left out: "string, default 'calm'"."""
    kind = "list of mappings" if declared.of else declared.type
    if declared.required:
        return f"{kind}, required"
    return f"{kind}, {'optional' if declared.default is None else f'default {_brief(declared, declared.default)}'}"


def as_written(declared: Input, value: Any) -> Any:
    """The value as a caller would write it."""
    if declared.of:
        return [{name: as_written(dict(declared.of)[name], said) for name, said in entry.items()} for entry in value]
    return list(value) if declared.type == "list" else value


def description_of(declared: Input) -> str:
    """What it is, and what may be given for it, in one line."""
    choices = f"one of {', '.join(map(str, declared.choices))}" if declared.choices else ""
    bounds = _range(declared) if (declared.min, declared.max) != (None, None) else ""
    length = f"{_length(declared, declared.max_length)} at most" if declared.max_length is not None else ""
    example = f"for example {as_written(declared, declared.example)!r}" if declared.example is not None and not declared.of else ""
    return "; ".join(filter(None, (declared.description, choices, bounds, length, example)))


def _length(declared: Input, size: int) -> str:
    return f"{size:,} {'items' if declared.type == 'list' else 'characters'}"


def shown(value: object) -> str:
    """The beginning of a value's repr, of 60 characters at most, whatever the value is: for messages about what somebody gave."""
    short = value[:100] if isinstance(value, (str, bytes, bytearray)) else value
    try:
        text = repr(short)
    except Exception:  # deeper than Python follows, or an object that fails when it is asked
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}…"


# Pictures


@dataclass(frozen=True)
class Pictures:
    """How many pictures a template needs, the one being edited included, and what each is; `max` is None where any number will do.

    `names` are what the template's words call them: then each is sent behind its name and its role.
    """

    min: int = 0
    max: int | None = None
    roles: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def problem(self, count: int) -> str | None:
        """What is wrong with so many pictures, or None."""
        if count >= self.min and (self.max is None or count <= self.max):
            return None
        return f"{self.requirement()}, not {count or 'none'}"

    def requirement(self) -> str:
        """What the template takes: "takes 1 to 3 pictures (the one to change; …)"."""
        roles = f" ({'; '.join(self._said())})" if self.roles else ""
        return f"takes {self.how_many()}{roles}"

    def _said(self) -> list[str]:
        return [f"{name}: {role}" for name, role in zip(self.names, self.roles, strict=True)] if self.names else [*self.roles]

    def how_many(self) -> str:
        """How many pictures it takes: "1 to 3 pictures"."""
        most = "" if self.max == self.min else " or more" if self.max is None else f" to {self.max}"
        return f"{self.min}{most} picture{'' if self.max == 1 else 's'}"
