"""File names by pattern: `{session}-{number}-{label}.png`. What stands in a name for a field is safe on every system."""

from __future__ import annotations

import os
import re
import string
import unicodedata
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from promptkit.errors import PictureError, did_you_mean, listed
from promptkit.lineage.record import Record

__all__ = ["FIELDS", "check_pattern", "fields_of", "filled", "has_fields", "safe_name"]

FIELDS = ("session", "number", "id", "label", "template", "model", "endpoint", "take", "date")
FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+|[\ud800-\udfff]')  # by Windows; of these, others forbid / and the null alone
RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")  # by Windows, whatever the suffix
INVISIBLE = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
LONGEST = 80  # characters of a field's value; of at most three bytes each, a name has room for one and its suffix
MOST_BYTES = 180
SEPARATORS = "-_ "  # which stand around a field, and go with one that is empty


def has_fields(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a pattern: it has a brace."""
    return "{" in (said := os.fsdecode(path)) or "}" in said


def check_pattern(path: str | os.PathLike[str], known: Collection[str] = FIELDS, what: str = "file name") -> None:
    """PictureError for a field that there is not, with those that are known, and for a brace that stands alone. `what` the pattern is of
    stands in its sentence.
    """
    for _, name, _, conversion in _parts(os.fsdecode(path), what):
        if name is not None and (name not in known or conversion):
            said = f"The {what} {os.fsdecode(path)!r:.120} has an unknown field {{{name:.40}}}{did_you_mean(name, known)}"
            raise PictureError(f"{said}; known are {listed(known)}, and {{{{ stands for a brace.")


def filled(path: str | os.PathLike[str], fields: Mapping[str, Any], suffix: str = "") -> Path:
    """The path with the value of each field in its place; `{number:04}` has a width. A pattern without a suffix gets that one: a dot in a
    value is none. PictureError for an unknown field.
    """
    pattern = os.fsdecode(path)
    check_pattern(pattern, fields)
    said, is_after_nothing = "", False
    for text, name, spec, _ in _parts(pattern):
        said += text.lstrip(SEPARATORS) if is_after_nothing else text
        value = "" if name is None else _value(fields[name], spec or "", pattern)
        if name is not None and not value:
            said = said.rstrip(SEPARATORS)
        said += value
        is_after_nothing = name is not None and not value and (not said or said.endswith(("/", os.sep)))
    target = Path(said)
    end = list(_parts(pattern))[-1:]
    has_suffix = any(name is None and "." in text for text, name, _, _ in end)
    return target.with_name(_tidy(target.name + ("" if has_suffix else suffix))) if target.name else target


def fields_of(record: Record, session: str) -> dict[str, Any]:
    """What the fields stand for where a step's picture is saved; `date` is the day on which it began (UTC)."""
    started = str(record.fields.get("started") or "")
    return {
        "session": session,
        "number": record.number,
        "id": record.id[:10],
        "label": record.fields.get("label") or "",
        "template": record.prompt.template or record.slug,
        "model": record.request.model or "",
        "endpoint": record.request.endpoint or "",
        "take": record.fields.get("take") or 0,
        "date": started[:10],
    }


def safe_name(text: str) -> str:
    """A text as a part of a file's name on any system; empty where nothing of it can stand there."""
    seen = "".join(sign for sign in unicodedata.normalize("NFC", text) if unicodedata.category(sign) not in INVISIBLE or sign in "\t\n")
    name = FORBIDDEN.sub("-", re.sub(r"\s+", " ", seen)).strip(" .")[:LONGEST]
    while len(name.encode()) > MOST_BYTES:
        name = name[:-1]
    return f"{name}_" if RESERVED.fullmatch(name) else name.strip(" .")


def _parts(pattern: str, what: str = "file name") -> list[tuple[str, str | None, str | None, str | None]]:
    try:
        return list(string.Formatter().parse(pattern))
    except ValueError:
        said = f"The {what} {pattern!r:.120} has a brace that stands alone; fields are written {{number}}"
        raise PictureError(f"{said}, and {{{{ stands for a brace.") from None


def _value(value: object, spec: str, pattern: str) -> str:
    try:
        return safe_name(format(value, spec) if isinstance(value, int) else format(str(value), spec))
    except ValueError:
        raise PictureError(f"The file name {pattern!r:.120} has a width {spec!r:.20} that is none; {{number:04}} has one.") from None


def _tidy(name: str) -> str:
    """A name that has one, and none that Windows keeps for itself."""
    stem, dot, suffix = name.rpartition(".") if "." in name else (name, "", "")
    stem = stem.strip(" ") or "picture"
    return f"{stem}_{dot}{suffix}" if RESERVED.fullmatch(stem) else f"{stem}{dot}{suffix}"
