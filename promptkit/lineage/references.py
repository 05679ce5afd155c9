"""Named references: a file in references/ for each name, which says which pictures it stands for, and what they show.

A picture is a step's, or one from outside in sources/. Like a tag a name moves: named again, its file is replaced, and the steps that it
went along with keep the pictures that they had, for their records name those.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

from promptkit import atomic
from promptkit.lineage.files import json_bytes, json_object, read_file, read_json, unread, whole_text, wrong_file
from promptkit.lineage.head_and_tags import is_name, mark_of, named_file
from promptkit.lineage.layout import source_name, writing
from promptkit.lineage.record import FULL_SHA256

__all__ = [
    "REFERENCE_FILE",
    "NamedPicture",
    "NamedPictures",
    "named_in",
    "needed_by_names",
    "normal",
    "read_references",
    "reference_files",
    "remove_reference",
    "write_reference",
    "wrong_references",
]

REFERENCE_FILE = re.compile(r"references/[a-z0-9-]{1,40}-([0-9a-f]{8})\.json")
MOST_PICTURES = 1000  # of a name


class NamedPicture(NamedTuple):
    """One picture that a name stands for: that of the step `step` (its id), or from outside, with its `file` in sources/."""

    sha256: str
    mime_type: str
    step: str | None = None
    file: str | None = None

    @property
    def fields(self) -> dict[str, str]:
        """As it stands in the name's file; a record's source has the same."""
        return {key: value for key, value in self._asdict().items() if value is not None}

    @classmethod
    def read(cls, fields: Any) -> Self:
        """The picture that JSON holds. ValueError where that is none."""
        said = [fields.get(name) if isinstance(fields, Mapping) else None for name in cls._fields]
        if not all(isinstance(value, str) for value in said[:2]) or not all(value is None or isinstance(value, str) for value in said):
            raise ValueError(f"{fields!r:.60} is no picture of a name")
        found = cls._make(said)
        digests = [found.sha256] if found.step is None else [found.sha256, found.step]
        if (found.step is None) == (found.file is None) or not all(map(FULL_SHA256.fullmatch, digests)):
            raise ValueError(f"{fields!r:.60} is neither a step's nor a file's")
        return found


class NamedPictures(NamedTuple):
    """What a name stands for: pictures, and in words what they show; `at` is when it was named (ISO 8601, UTC)."""

    name: str
    pictures: tuple[NamedPicture, ...]
    description: str | None = None
    at: str | None = None

    def data(self) -> bytes:
        """The name's file."""
        pictures = [picture.fields for picture in self.pictures]
        return json_bytes({"name": self.name, "description": self.description, "pictures": pictures, "at": self.at})

    @property
    def files(self) -> dict[str, str]:
        """The files in sources/ that it needs, each with the sha256 that it should have."""
        return {source_name(picture.file): picture.sha256 for picture in self.pictures if picture.file}

    @property
    def steps(self) -> frozenset[str]:
        """The ids of the steps that it needs."""
        return frozenset(picture.step for picture in self.pictures if picture.step)


def normal(name: str) -> str:
    """The name in the one form in which names are compared, however its accents are written."""
    return unicodedata.normalize("NFC", name)


# Reading


def reference_files(folder: Path) -> list[Path]:
    """The files of the names, without hidden ones: half-written, or another system's own."""
    return sorted(path for path in folder.glob("references/*.json") if not path.name.startswith("."))


def read_references(folder: Path) -> dict[str, NamedPictures]:
    """What each name stands for, by name; those that cannot be read are left out, and `verify` names them."""
    found = (_read(read_json(path)) for path in reference_files(folder))
    return {named.name: named for named in sorted(filter(None, found), key=lambda named: named.name)}


def named_in(data: bytes, name: str) -> NamedPictures | None:
    """What a name's file says, by its bytes and its name within the folder; None where it is none as they are written."""
    named, match = _read(json_object(data)), REFERENCE_FILE.fullmatch(name)
    if named is None or match is None or not is_name(named.name) or mark_of(named.name) != match[1]:
        return None
    return named if named.name == whole_text(named.name) else None


def _read(fields: Mapping[str, Any]) -> NamedPictures | None:
    name, pictures, *said = (fields.get(key) for key in ("name", "pictures", "description", "at"))
    if not isinstance(name, str) or not isinstance(pictures, list) or not 0 < len(pictures) <= MOST_PICTURES:
        return None
    if not all(text is None or isinstance(text, str) for text in said):
        return None
    try:
        return NamedPictures(name, tuple(map(NamedPicture.read, pictures)), *said)
    except ValueError:
        return None


# Writing


def write_reference(folder: Path, named: NamedPictures) -> None:
    """Says what a name stands for from now on. LineageError where nothing can be written."""
    with writing(folder):
        atomic.write_whole(folder / "references" / named_file(named.name), named.data())


def remove_reference(folder: Path, name: str) -> None:
    """Takes a name away from its pictures, if it has any. LineageError where nothing can be written."""
    with writing(folder):
        (folder / "references" / named_file(normal(whole_text(name)))).unlink(missing_ok=True)


# Checking


def needed_by_names(folder: Path) -> dict[str, str]:
    """The files in sources/ that names need, each with one of the names."""
    return {file: named.name for named in read_references(folder).values() for file in named.files}


def wrong_references(folder: Path, ids: frozenset[str]) -> Iterator[tuple[Path, str]]:
    """What is wrong with the names, where the steps have these ids."""
    for path in reference_files(folder):
        named = _named_at(path)
        if named is None:
            yield path, f"does not say which pictures it names{unread(path)}"
            continue
        if not path.stem.endswith(mark_of(named.name)):
            yield path, f"was changed or renamed after it was written (the reference {named.name!r:.60} has another file name)"
        for step in sorted(named.steps - ids):
            yield path, f"names a picture of the step {step[:10]}, which is not here"
        for file, sha256 in named.files.items():
            if said := wrong_file(folder, file, sha256):
                yield folder / file, said


def _named_at(path: Path) -> NamedPictures | None:
    try:
        return _read(json_object(read_file(path)))
    except OSError:
        return None
