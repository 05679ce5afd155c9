"""Values of callers by what they can do, as Python's own: numpy's and pandas's numbers, texts of a subclass, series and arrays.

An object that fails when it is asked counts as one that cannot do it.
"""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Iterable, Mapping, Sized
from collections.abc import Set as AbstractSet
from numbers import Number
from typing import Any, TypeVar

__all__ = ["built_in", "for_json", "is_url", "items", "number", "texts", "truth", "whole_number"]

T = TypeVar("T")


def built_in(value: T) -> T:
    """The value as Python's own str, bool, int or float where it is one by its protocol; anything else as it is."""
    if value is None or type(value) in (str, bool, int, float):
        return value
    found: Any = str.__str__(value) if isinstance(value, str) else truth(value)
    return value if found is None and (found := number(value)) is None else found


def whole_number(value: Any) -> int | None:
    """The int of whatever counts, such as numpy's integers; None for anything else, true and false among it."""
    if isinstance(value, bool):
        return None
    try:
        return int.__int__(operator.index(value))
    except Exception:  # it is no number, or fails when it is asked
        return None


def number(value: Any) -> int | float | None:
    """The int or float of a real number, such as numpy's, a Decimal or a Fraction; None for anything else, NaN and infinities among it."""
    if (whole := whole_number(value)) is not None:
        return whole
    if isinstance(value, bool | complex) or not isinstance(value, Number):
        return None
    try:
        real = float.__float__(value if isinstance(value, float) else float(value))  # type: ignore[arg-type]
    except Exception:  # as above; or it is too large
        return None
    return real if math.isfinite(real) else None


def truth(value: Any) -> bool | None:
    """The bool of true and false, numpy's too, which no protocol names; None for anything else."""
    if isinstance(value, bool):
        return value
    is_numpys = type(value).__module__ == "numpy" and type(value).__name__ in ("bool", "bool_")
    return bool(value) if is_numpys else None


def items(value: Any) -> tuple[Any, ...] | None:
    """What a list, tuple, array, series or the like holds; None for one text, for mappings and sets, and for what is no sequence."""
    if isinstance(value, str | bytes | bytearray | Mapping | AbstractSet) or not (isinstance(value, Sized) and isinstance(value, Iterable)):
        return None
    try:
        own = list if isinstance(value, list) else tuple if isinstance(value, tuple) else type(value)
        return tuple(own.__iter__(value))  # of a list's or tuple's subclass, what it holds
    except Exception:  # an array without dimensions, or an object that fails when it is asked
        return None


def texts(value: Any) -> tuple[str, ...] | None:
    """The plain texts of a sequence; None for what has no `items`, and where one of them is no text."""
    found = items(value)
    return tuple(map(str.__str__, found)) if found is not None and all(isinstance(item, str) for item in found) else None


def for_json(value: Any) -> Any:
    """What JSON writes for a value that it does not know; for `json.dumps(…, default=for_json)`. TypeError where there is nothing.

    Numbers, paths, mappings, arrays and sequences have a form in JSON; what has no order, such as a set, has none.
    """
    plain = built_in(value)
    if plain is not value:
        return plain
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, Mapping):
        return dict(value)
    if callable(as_list := getattr(value, "tolist", None)):  # arrays and series
        return as_list()
    if isinstance(value, Sized) and isinstance(value, Iterable) and not isinstance(value, AbstractSet | bytes | bytearray | memoryview):
        return list(value)
    raise TypeError(f"a {type(value).__name__}")


def is_url(text: str) -> bool:
    """Whether a text is an address, such as https://…, s3://… or data:…, and no path."""
    head, colon, rest = text[:20].partition(":")
    return bool(colon) and head.isalnum() and len(head) > 1 and (rest.startswith("//") or head.lower() == "data")
