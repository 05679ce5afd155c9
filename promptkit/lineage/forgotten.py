"""What says that a step was forgotten: a note beside its record, and the record without words that may stand in the record's place.

A note is `0012-edit-5c1f09ab37.forgotten.json` beside `0012-edit-5c1f09ab37.json`. The record keeps its name and its id, which its children
name; where its words went too, the note holds the sha256 of the file that stands there now. Such a file is believed only as far as it says
nothing in words, so that nobody can put other words in place of a step's own.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptkit.lineage.fields import Field
from promptkit.lineage.files import json_bytes, read_json
from promptkit.lineage.schema import RecordFields, empty_fields, on_disk
from promptkit.terminal import printable

__all__ = ["NOTE_NAME", "SHA256", "Forgotten", "id_in_place", "note_path", "read_note", "wordless", "wordless_bytes"]

NOTE_SUFFIX = ".forgotten.json"
NOTE_NAME = re.compile(r"\d{4,}-[\w.]+-([0-9a-f]{10})\.forgotten\.json")
SHA256 = re.compile(r"[0-9a-f]{64}")
LONGEST = 200  # characters of a time, or of a name, in a note


@dataclass(frozen=True)
class Forgotten:
    """That a step was forgotten: `step` is its id, `at` the time (ISO 8601, UTC), `by` the user's name in the config, else empty.

    `record` is the sha256 of the file without words that stands in the record's place; None where the words stay.
    """

    step: str
    at: str
    by: str = ""
    record: str | None = None

    @property
    def words(self) -> bool:
        """Whether prompt and reply were forgotten too."""
        return self.record is not None

    @property
    def said(self) -> str:
        """When and by whom, to follow `forgotten`: ` on 2026-11-28 by Ann`."""
        return printable(f"{f' on {self.at[:10]}' if self.at else ''}{f' by {self.by}' if self.by else ''}")

    def data(self) -> bytes:
        """The note's file."""
        return json_bytes({"step": self.step, "forgotten": self.at, "by": self.by, "record": self.record})


def note_path(record: Path) -> Path:
    """Where the note of a record stands, by the record's path."""
    return record.parent / f"{record.name.removesuffix('.json')}{NOTE_SUFFIX}"


def read_note(record: Path) -> Forgotten | None:
    """The note of a record, by the record's path; None where there is none, or none as they are written."""
    path = note_path(record)
    if not os.path.lexists(path):  # of most steps, and asked often
        return None
    found = read_json(path)
    step, at, by = (str(found.get(name, "")) for name in ("step", "forgotten", "by"))
    digest = found.get("record")
    if not SHA256.fullmatch(step) or step[:10] != record.stem[-10:] or not (digest is None or SHA256.fullmatch(str(digest))):
        return None
    return Forgotten(step, at[:LONGEST], by[:LONGEST], digest)


def id_in_place(record: Path, data: bytes, fields: Mapping[str, Any]) -> str:
    """The id of the step whose record file holds that: its sha256; where it stands in place of words that were forgotten, the note's."""
    digest = hashlib.sha256(data).hexdigest()
    if record.stem.endswith(digest[:10]):
        return digest
    note = read_note(record)
    return note.step if note and note.record == digest and wordless(fields) == fields else digest


# Without words


def wordless(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What stays of a record whose words were forgotten, as the table of fields says: what the tree, the files and the costs need. What the
    table does not know goes.
    """
    return {**empty_fields(), **_left(fields, RecordFields.rows)}


def wordless_bytes(fields: Mapping[str, Any]) -> bytes:
    """The file of a record without words."""
    return json_bytes(on_disk(wordless(fields)))


def _left(fields: Mapping[str, Any], rows: Mapping[str, Field[Any]]) -> dict[str, Any]:
    return {name: _left_of(row, fields[name]) for name, row in rows.items() if row.stays and name in fields}


def _left_of(row: Field[Any], value: Any) -> Any:
    if row.holds is None or not value:
        return value
    return [_left(item, row.holds.rows) for item in value] if isinstance(value, list | tuple) else _left(value, row.holds.rows)
