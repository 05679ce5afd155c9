"""What to write where a declared value does not fit: the step that turns what stands in the front matter into what was meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["for_choices", "for_fields", "for_text", "for_value"]

MEANT_TRUE, MEANT_FALSE = ("yes", "on", "true", "y", "1"), ("no", "off", "false", "n", "0")


def for_text(value: object) -> str:
    """Behind "expected text": how to make a text of it."""
    return ": put it in quotes" if isinstance(value, (bool, int, float)) else ""


def for_value(kind: str, value: object) -> str:
    """Behind what an input of that type expects of its default or its example."""
    if kind == "string":
        return _for_string(value)
    if kind == "list":
        return _for_list(value)
    if isinstance(value, str):
        return _for_number(kind, value.strip()) if kind in ("integer", "number") else _for_boolean(value.strip().lower())
    return ": say `type: number`" if kind == "integer" and isinstance(value, float) else ""


def for_fields(kind: object) -> str:
    """Behind what `of` of an input of that type can be."""
    example = "such as `of: {scene: {description: what is seen}}`"
    return f", {example}" if kind == "list" else f", {example}, beside `type: list`"


def for_choices(kind: str, value: Any) -> str:
    """Behind what the choices of an input of that type can be."""
    if isinstance(value, str):
        return f": write [{value}]" if value.strip() else ""
    if isinstance(value, Mapping):
        return f": leave `type: {kind}` out, as a mapping is for texts" if kind != "string" else ": put each wording in quotes"
    types = {_type_of(item) for item in value} if isinstance(value, list) else set()
    if "boolean" in types:
        return ": say `type: boolean` and no choices, or put each in quotes"
    if kind == "string" and types == {"integer"}:
        return ": say `type: integer`, or put each in quotes"
    if kind == "string" and types and types <= {"integer", "number"}:
        return ": say `type: number`, or put each in quotes"
    if kind == "string" and types:
        return ": put each in quotes"
    return f": leave `type: {kind}` out for texts" if "string" in types else ""


def _for_string(value: object) -> str:
    other = _type_of(value)
    if other in ("integer", "number", "boolean"):
        return f": put it in quotes, or say `type: {other}`"
    return ": say `type: list`" if isinstance(value, (list, tuple)) else ""


def _for_list(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ": put each in quotes" if all(_type_of(item) for item in value) else ""
    return f": write [{value}]" if isinstance(value, str) and value.strip() and len(value) <= 60 else ""


def _for_number(kind: str, text: str) -> str:
    try:
        whole = float(text).is_integer()
    except (ValueError, OverflowError):
        return ""
    return ": leave the quotes out" if whole or kind == "number" else ": say `type: number`, and leave the quotes out"


def _for_boolean(text: str) -> str:
    meant = "true" if text in MEANT_TRUE else "false" if text in MEANT_FALSE else ""
    return f": write {meant}, without quotes" if meant else ""


def _type_of(value: object) -> str:
    """The type of an input whose values are such; empty where there is none."""
    if isinstance(value, bool):
        return "boolean"
    return "integer" if isinstance(value, int) else "number" if isinstance(value, float) else "string" if isinstance(value, str) else ""
