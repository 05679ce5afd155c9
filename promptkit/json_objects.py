"""Flat JSON objects for programs: what each `to_dict` returns, and what --json prints on a line.

An object names its kind and version in `schema`. Its values are text, numbers, booleans, null and lists of these, so that it is one row
of a table. What is a mapping elsewhere becomes keys with a dot: `input.subject`. All kinds and their keys stand in the JSON Schema beside
this file, json_objects.schema.json, which the tests hold against what is made here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

__all__ = ["ToDict", "columns", "dicts", "flat_object", "plain"]


class ToDict(Protocol):
    """What can say itself as one flat object."""

    def to_dict(self) -> dict[str, Any]: ...


def flat_object(kind: str, /, **values: object) -> dict[str, Any]:
    """An object of that kind, such as "step", in its first version."""
    return {"schema": f"promptkit.{kind}/1", **{name: plain(value) for name, value in values.items()}}


def columns(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping as keys that begin with the prefix and a dot."""
    return {f"{prefix}.{name}": plain(value) for name, value in values.items()}


def dicts(objects: Iterable[ToDict]) -> list[dict[str, Any]]:
    """Each of them as a flat object."""
    return [each.to_dict() for each in objects]


def plain(value: object) -> Any:
    """A value as JSON has it: scalars and lists of scalars as they are, not-a-number and infinities null, all that is nested as JSON text,
    anything else as its text.
    """
    if isinstance(value, list | tuple):
        return [plain(item) if _is_scalar(item) else _nested(item) for item in value]
    return _nested(value) if isinstance(value, Mapping) else _scalar(value)


def _is_scalar(value: object) -> bool:
    return not isinstance(value, list | tuple | Mapping)


def _scalar(value: object) -> str | int | float | bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, int):
        return int(value)
    return str.__str__(value) if isinstance(value, str) else str(value)


def _nested(value: object) -> str:
    import json  # promptkit's errors import this file, and few of them say themselves as JSON

    return json.dumps(value, ensure_ascii=False, default=_as_json)


def _as_json(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)
