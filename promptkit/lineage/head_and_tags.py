"""What points to steps: the head, where the next opening starts, and the tags, which are names for steps. Both move, unlike records."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from promptkit import atomic
from promptkit.errors import LineageError
from promptkit.lineage.files import json_bytes, json_object, read_file, read_json, whole_text
from promptkit.lineage.layout import writing
from promptkit.lineage.record import FULL_SHA256

__all__ = [
    "TAG_FILE",
    "as_tagged",
    "head_bytes",
    "is_name",
    "mark_of",
    "misnamed_tag",
    "named_file",
    "pointers",
    "read_head",
    "read_tags",
    "remove_tag",
    "tag_files",
    "tagged_step",
    "write_head",
    "write_tag",
]

TAG_FILE = re.compile(r"tags/[a-z0-9-]{1,40}-([0-9a-f]{8})\.json")

# The head


def read_head(folder: Path) -> tuple[str | None, tuple[str, ...]]:
    """The id where the next opening starts (None before the first step), and what undo left for redo, next first."""
    try:
        lines = read_file(folder / "head").decode("ascii").split()
    except (OSError, ValueError):
        return None, ()
    return (lines[0], tuple(lines[1:])) if lines else (None, ())


def write_head(folder: Path, head: str | None, redo: Sequence[str] = ()) -> None:
    """Says where the next opening starts. LineageError where nothing can be written."""
    with writing(folder):
        atomic.write_whole(folder / "head", head_bytes(([head] if head else []) + list(redo)))


def head_bytes(ids: Sequence[str]) -> bytes:
    """What the head's file holds: the head's id, then what undo left."""
    return "".join(f"{full_id}\n" for full_id in ids).encode()


# Tags


def tag_files(folder: Path) -> list[Path]:
    """The files of the tags, without hidden ones: half-written, or another system's own."""
    return sorted(path for path in folder.glob("tags/*.json") if not path.name.startswith("."))


def read_tags(folder: Path) -> dict[str, str]:
    """Name to id, by name."""
    found = map(read_json, tag_files(folder))
    return {t["name"]: t["id"] for t in found if isinstance(t.get("name"), str) and isinstance(t.get("id"), str)}


def as_tagged(name: str, tags: Collection[str]) -> str:
    """The name as a tag has it: the same, else the one that shows the same in another encoding, else in NFC."""
    if name.isascii() or name in tags:
        return name
    composed = unicodedata.normalize("NFC", name)
    return next((tag for tag in tags if unicodedata.normalize("NFC", tag) == composed), composed)


def write_tag(folder: Path, name: str, full_id: str) -> None:
    """Names a step; a tag that is in use moves. LineageError for a name that could be a number, and where nothing can be written."""
    if not isinstance(name, str) or not is_name(name):
        raise LineageError(f"A tag is a text on one line that is not all digits; {name!r:.60} is not.", path=folder)
    name = whole_text(name)
    name = name if name.isascii() else as_tagged(name, read_tags(folder))
    with writing(folder):
        atomic.write_whole(folder / "tags" / named_file(name), json_bytes({"name": name, "id": full_id}))


def remove_tag(folder: Path, name: str) -> None:
    """Takes a name away from the step that it names, if it names one. LineageError where nothing can be written."""
    with writing(folder):
        (folder / "tags" / named_file(whole_text(name))).unlink(missing_ok=True)


def is_name(name: str) -> bool:
    """Whether a text can name a step or pictures: one line that could be no number."""
    return bool(name.strip()) and not name.strip().isdigit() and name.splitlines() == [name]


def named_file(name: str) -> str:
    """What the file of a name is called within its folder."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "tag"
    return f"{slug}-{mark_of(name)}.json"


def mark_of(name: str) -> str:
    """What keeps the file names of names apart, whatever their script."""
    return hashlib.sha256(whole_text(name).encode()).hexdigest()[:8]


def tagged_step(data: bytes, name: str) -> str | None:
    """The id of the step that a tag's file points to, by its bytes and its name within the folder; None where it is no tag as they are
    written: a text that is no number, an id, and the text's hash in the file's name.
    """
    tag, match = json_object(data), TAG_FILE.fullmatch(name)
    text, full_id = tag.get("name"), tag.get("id")
    if match is None or not isinstance(text, str) or not isinstance(full_id, str) or not FULL_SHA256.fullmatch(full_id):
        return None
    return full_id if is_name(text) and text == whole_text(text) and mark_of(text) == match[1] else None


# Checking


def misnamed_tag(path: Path) -> str | None:
    """The name in a tag's file where the file's own name does not fit it: it was changed or renamed."""
    name = read_json(path).get("name")
    return name if isinstance(name, str) and not path.stem.endswith(mark_of(name)) else None


def pointers(folder: Path) -> Iterator[tuple[Path, str]]:
    """The head's file and the tags', each with an id that it names; an empty one where it cannot be read."""
    path = folder / "head"
    if os.path.lexists(path):
        head, redo = read_head(folder)
        yield from ((path, _id_or_nothing(full_id)) for full_id in (head, *redo))
    for path in tag_files(folder):
        tag = read_json(path)
        yield path, _id_or_nothing(tag.get("id")) if isinstance(tag.get("name"), str) else ""


def _id_or_nothing(value: object) -> str:
    return value if isinstance(value, str) and FULL_SHA256.fullmatch(value) else ""
