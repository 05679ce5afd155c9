"""What a template takes: inputs by name, each of one type, and pictures.

The values that a front matter declares, and functions that read what a caller gives for them and say what is expected. They are functions
because Input is public: people see its fields only.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from promptkit.errors import did_you_mean
from promptkit.values import number, texts, truth, whole_number

__all__ = [
    "EXPECTED",
    "TYPES",
    "Input",
    "Pictures",
    "as_written",
    "description_of",
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


@dataclass(frozen=True)
class Input:
    """One input of a template, as its front matter declares it.

    `choices` maps each key that a caller gives to the words that are printed, and is empty where anything goes. `max_length` counts
    characters, or the items of a list.
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

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "choices": dict(self.choices) if self.choices else ()}  # read-only mappings do not go through pickle


# What is given for an input


def read_value(declared: Input, value: Any) -> Any:
    """The value as it is recorded: of the right type, a choice by its key. ValueError says what is wrong with it."""
    value = _typed(declared, value)
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
    raise ValueError(f"is {shown(value)}; expected {EXPECTED[declared.type]}")


def _key(declared: Input, value: Any) -> Any:
    """The key of a choice, which may be given by its words too."""
    if value in declared.choices:
        return value
    choices = dict(declared.choices)
    for key, words in choices.items():
        if words == value:
            return key
    raise ValueError(f"is {shown(value)}{did_you_mean(str(value), map(str, choices))}; expected one of {', '.join(map(str, choices))}")


def _range(declared: Input) -> str:
    if declared.min is None or declared.max is None:
        return f"{declared.max} at most" if declared.min is None else f"{declared.min} at least"
    return f"{declared.min} to {declared.max}"


def printed_value(declared: Input, value: Any) -> Any:
    """What the template prints for a value that was read."""
    return dict(declared.choices)[value] if declared.choices else value


def parameter_of(declared: Input) -> inspect.Parameter:
    """The input as a parameter of the template's call, for help() and editors."""
    default = inspect.Parameter.empty if declared.required else declared.default
    kind: Any = Literal[tuple(declared.choices)] if declared.choices else TYPES[declared.type]
    annotation = kind if declared.required or declared.default is not None else kind | None
    return inspect.Parameter(declared.name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def terms_of(declared: Input) -> str:
    """Its type, and whether it may be left out: "string, default 'calm'"."""
    if declared.required:
        return f"{declared.type}, required"
    return f"{declared.type}, {'optional' if declared.default is None else f'default {as_written(declared, declared.default)!r}'}"


def as_written(declared: Input, value: Any) -> Any:
    """The value as a caller would write it."""
    return list(value) if declared.type == "list" else value


def description_of(declared: Input) -> str:
    """What it is, and what may be given for it, in one line."""
    choices = f"one of {', '.join(map(str, declared.choices))}" if declared.choices else ""
    bounds = _range(declared) if (declared.min, declared.max) != (None, None) else ""
    length = f"{_length(declared, declared.max_length)} at most" if declared.max_length is not None else ""
    example = f"for example {as_written(declared, declared.example)!r}" if declared.example is not None else ""
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
