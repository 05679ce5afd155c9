"""A lineage without words: the same steps under new ids, with their pictures, times, costs and shape, and nothing that anybody said."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from promptkit.archive.manifest import Contents, framed
from promptkit.archive.png_embed import has_embedded, without_credentials, without_embedded
from promptkit.errors import LineageError, PictureError
from promptkit.images.formats import has_credentials
from promptkit.lineage.fields import Field, Survives
from promptkit.lineage.files import json_bytes, recorded_picture
from promptkit.lineage.forgotten import Forgotten, note_path
from promptkit.lineage.marks import Mark
from promptkit.lineage.record import Record
from promptkit.lineage.references import normal
from promptkit.lineage.schema import Output, Source, schema_of
from promptkit.lineage.tree import Lineage
from promptkit.providers.options import OPTIONS

__all__ = ["STRIPPED", "stripped"]

STRIPPED = "stripped"  # what such a session is called, whatever its own name says
PUBLIC_ENDPOINTS = ("offline", "google", "deerapi", "aaigc")  # others' names may be a company's own
KEPT_OPTIONS = tuple(option.name for option in OPTIONS.values() if option.survives_strip)
NOTHING = object()
CODE = re.compile(r"[A-Za-z_]{1,40}")


def stripped(lineage: Lineage, records: Sequence[Record], position: Sequence[str]) -> Contents:
    """The files of a new lineage of these steps, each after its parents, that holds no words.

    One that was forgotten has no picture, and a note that names nobody. LineageError where another's picture is missing or damaged, for the
    new lineage is to be valid in itself.
    """
    contents: Contents = {}
    new: dict[str, str] = {}  # the new sha256 of each record and picture, by the one that it had
    for number, record in enumerate(records, 1):
        outputs, note = [], record.forgotten
        for output in record.outputs:
            picture = None if note else _bare_picture(lineage, record, output)
            outputs.append(_bare_output(output, picture, number))
            contents |= {} if picture is None else {outputs[-1]["file"]: picture}
            new[output.sha256] = outputs[-1]["sha256"]
        wordless = _wordless(record, new)
        data = json_bytes({"schema": schema_of(wordless), "number": number, **wordless, "outputs": outputs})
        new[record.id] = hashlib.sha256(data).hexdigest()
        path = Path(f"{number:04}-picture-{new[record.id][:10]}.json")
        contents[path.name] = data
        contents |= {note_path(path).name: Forgotten(new[record.id], note.at).data()} if note else {}
    return contents | _bare_marks(lineage, new) | framed([new[i] for i in position])


# Pictures


def _bare_picture(lineage: Lineage, record: Record, output: Output) -> Path | bytes:
    """The picture as it is; without our own field where it came with a lineage inside, which would be another session's words.

    Content credentials go with that field, for they would be false without it; else they stay, as other metadata does.
    """
    path = lineage.folder / output.name
    try:
        data = recorded_picture(path, sha256=output.sha256, mime_type=output.mime_type, size=None).data
        if not has_embedded(data):
            return path
        bare = without_embedded(data)
        return without_credentials(bare) if bare != data and has_credentials(data) else bare
    except (LineageError, PictureError):
        said = f"The picture of step {record.number}, {path.name}, is missing or damaged; export without strip leaves it out."
        raise LineageError(said, path=path) from None


def _bare_output(output: Output, picture: Path | bytes | None, number: int) -> dict[str, Any]:
    kept = without_words(output, output.rows)
    if isinstance(picture, bytes):
        kept |= {"sha256": hashlib.sha256(picture).hexdigest(), "bytes": len(picture)}
    return {**kept, "file": f"{number:04}-picture-{kept['sha256'][:10]}{Path(output.file).suffix}"}


# Marks


def _bare_marks(lineage: Lineage, new: Mapping[str, str]) -> Contents:
    """The marks that count, of the new ids: without notes, and with a number in place of each reader's name, so that readers stay apart."""
    marks = [mark for marks in lineage.marks().values() for mark in marks if mark.step_id in new]
    names = sorted({normal(mark.by) for mark in marks} - {""})
    readers = {"": ""} | {name: f"reader {i}" for i, name in enumerate(names, 1)}
    bare = [Mark(new[m.step_id], m.verdict, m.stars, None, m.region, readers[normal(m.by)], m.at) for m in marks]
    return {mark.name: mark.data for mark in bare if mark.says_something}


# Records


def _wordless(record: Record, new: Mapping[str, str]) -> dict[str, Any]:
    """What a stripped record holds of one, but for its pictures; it names new ids, and the old one as `stripped_from`."""
    return without_words(record.fields, record.rows) | {
        "stripped_from": record.id,
        "parents": [new[i] for i in record.parents if i in new],
        "sources": [_wordless_source(source, new) for source in record.sources if source.step in new],
        "chain": "picture",
    }


def _wordless_source(source: Source, new: Mapping[str, str]) -> dict[str, Any]:
    return {**without_words(source, source.rows), "sha256": new.get(source.sha256, source.sha256), "step": new[str(source.step)]}


def without_words(fields: Mapping[str, Any], rows: Mapping[str, Field[Any]]) -> dict[str, Any]:
    """What survives of these fields, as the table of fields says. What the table does not know is words until it is known, and goes."""
    left = {name: _left(row, fields.get(name, NOTHING)) for name, row in rows.items()}
    return {name: value for name, value in left.items() if value is not NOTHING}


def _left(row: Field[Any], value: Any) -> Any:
    """What is left of one value; NOTHING where its field is not in a stripped record."""
    recorded = None if value is NOTHING else value
    match row.survives:
        case Survives.AS_IT_IS:
            return value
        case Survives.OR_NULL:
            return recorded
        case Survives.EMPTY:
            return row.kinds[0]() if row.kinds[0] in (list, dict) else None
        case Survives.NUMBERS:
            return {k: v for k, v in (recorded or {}).items() if isinstance(v, int)}
        case Survives.OPTIONS:
            return {k: v for k, v in (recorded or {}).items() if k in KEPT_OPTIONS}
        case Survives.CODE:
            return value if isinstance(value, str) and CODE.fullmatch(value) else NOTHING
        case Survives.PUBLIC:
            return value if value in PUBLIC_ENDPOINTS else None
        case Survives.ENTRY_IF_ANY if not recorded:
            return NOTHING
        case Survives.ENTRY | Survives.ENTRY_OR_NULL | Survives.ENTRY_IF_ANY:
            return _left_inside(row, recorded)
    return NOTHING


def _left_inside(row: Field[Any], recorded: Any) -> Any:
    rows = row.holds.rows if row.holds else {}
    if isinstance(recorded, list):
        return [without_words(item, rows) for item in recorded]
    return without_words(recorded or {}, rows) if recorded or row.survives is Survives.ENTRY else None
