"""What a session's folder holds when it travels: which names there are, and what a tag's file points to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from promptkit.images.picture import SUFFIXES
from promptkit.lineage.files import json_object, whole_text
from promptkit.lineage.layout import MARKER, frame, tag_mark
from promptkit.lineage.record import FULL_SHA256, RECORD_NAME

__all__ = [
    "Contents",
    "digest_in",
    "first_of",
    "framed",
    "kind_of",
    "plain_name",
    "tagged_step",
]

ANY_SUFFIX = "|".join(re.escape(s) for s in sorted({*SUFFIXES.values(), ".img"}))
NAMES = {  # where a name holds a hash, or its beginning, that is its last group
    "record": RECORD_NAME,
    "picture": re.compile(rf"\d{{4,}}-[\w.]+-([0-9a-f]{{10}})(?:{ANY_SUFFIX})"),
    "source": re.compile(rf"sources/([0-9a-f]{{64}})(?:{ANY_SUFFIX})"),
    "template": re.compile(r"templates/([0-9a-f]{64})\.json"),
    "extra": re.compile(r"extra/([0-9a-f]{64})"),
    "tag": re.compile(r"tags/[a-z0-9-]{1,40}-([0-9a-f]{8})\.json"),
    "head": re.compile("head"),
    "marker": re.compile(re.escape(MARKER)),
}

Contents = dict[str, Path | bytes]  # by name within the session's folder


# Names


def kind_of(name: str) -> str | None:
    """What a file of that name within a session's folder is; None where it is nothing that travels."""
    return next((kind for kind, pattern in NAMES.items() if pattern.fullmatch(name)), None)


def digest_in(name: str) -> str:
    """The hash that a file's name holds, or the beginning of it; nothing where it holds none."""
    match = NAMES[kind_of(name) or "head"].fullmatch(name)
    return match[match.re.groups] if match and match.re.groups else ""


def plain_name(name: str) -> str:
    """The name as a folder can have it on any system."""
    plain = "".join(c if c.isprintable() and c not in '\\/:*?"<>|' else "_" for c in name).strip(". ")
    return plain or "session"


def first_of(lost: Sequence[str]) -> str:
    """The first of several things, and how many more there are."""
    return lost[0] + (f", and {len(lost) - 1} more" if len(lost) > 1 else "")


# Files


def tagged_step(data: bytes, name: str) -> str | None:
    """The id of the step that a tag's file points to; None where it is no tag as they are written.

    That is a text that is no number, an id, and the text's hash in the file's name.
    """
    tag = json_object(data)
    text, full_id = tag.get("name"), tag.get("id")
    if kind_of(name) != "tag" or not isinstance(text, str) or not isinstance(full_id, str) or not FULL_SHA256.fullmatch(full_id):
        return None
    is_name = bool(text.strip()) and not text.strip().isdigit() and text.splitlines() == [text] == [whole_text(text)]
    return full_id if is_name and tag_mark(text) == digest_in(name) else None


def framed(position: Sequence[str]) -> Contents:
    """What every session's folder has, and the head where there is one."""
    return {**frame(), **({"head": "".join(f"{i}\n" for i in position).encode()} if position else {})}
