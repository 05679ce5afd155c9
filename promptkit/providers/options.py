"""The options of a request: one row for each, which all that checks, shows, forwards or strips options reads.

A new option is a new row, and its name in the dialects that can say it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["OPTIONS", "SEEDS", "Flag", "Option", "is_number"]

SEEDS = 2**31  # the APIs' seed is an int32
QUALITIES = ("low", "medium", "high", "auto")


@dataclass(frozen=True)
class Flag:
    """How an option is given on the command line: `--image-size SIZE`, of that type; `choices` are all that it takes, where it says."""

    name: str
    type: Callable[[str], Any] = str
    metavar: str | None = None
    help: str | None = None
    choices: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Option:
    """One option. `fits` says whether a value may be sent, as `example` may; `expected` what was expected of one that may not.

    `also_called` are the names that people write for it, `as_meant` makes the value of what they write for that. Without a `flag` it is not
    given on the command line.
    `survives_strip` says whether an export that is stripped of words keeps it.
    """

    name: str
    fits: Callable[[Any], bool]
    expected: str
    example: Any
    flag: Flag | None = None
    also_called: tuple[str, ...] = ()
    survives_strip: bool = True
    as_meant: Callable[[str], str] = str


def is_number(value: object) -> bool:
    """Whether it is a number that JSON has: true and false, infinities and NaN are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_ratio(value: object) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"[1-9]\d*:[1-9]\d*", value))


def _ratio(text: str) -> str:
    return re.sub(r"\s?[:xX×/：]\s?", ":", text.strip()) if len(text) < 20 else text


def _size(text: str) -> str:
    return text.strip().upper().removesuffix("PX").strip()


def _is_seed(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -SEEDS <= value < SEEDS


def _is_texts(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(x, str) for pair in value.items() for x in pair)


# in the order in which records and sentences list them
_ROWS = (
    Option(
        "aspect_ratio",
        _is_ratio,
        'a text such as "16:9"',
        "16:9",
        Flag("--aspect-ratio", metavar="W:H", help="such as 16:9, where the model takes one"),
        also_called=("ratio",),
        as_meant=_ratio,
    ),
    Option(
        "image_size",
        lambda v: isinstance(v, str),
        'a text such as "2K"',
        "2K",
        Flag("--image-size", metavar="SIZE", help="1K, 2K, 4K, where the model has sizes"),
        also_called=("size",),
        as_meant=_size,
    ),
    Option(
        "seed",
        _is_seed,
        "a whole number of 32 bits, with its sign",
        7,
        Flag("--seed", int, metavar="N", help="the same one brings a similar picture, where the service has it"),
    ),
    Option(
        "temperature",
        is_number,
        "a number",
        0.5,
        Flag("--temperature", float, metavar="NUMBER", help="how far it strays, such as 0.5, where the service has it"),
    ),
    Option("safety", _is_texts, 'a mapping such as {"HARASSMENT": "BLOCK_ONLY_HIGH"}', {"HARASSMENT": "BLOCK_ONLY_HIGH"}),
    Option(
        "quality",
        lambda v: isinstance(v, str) and v in QUALITIES,
        '"low", "medium", "high" or "auto"',
        "low",
        Flag("--quality", help="low, medium, high or auto, where the service has it", choices=QUALITIES),
    ),
)
OPTIONS: Mapping[str, Option] = {option.name: option for option in _ROWS}
