"""The format as JSON Schemas, for readers in any language, in the folder `schemas`: a record, a tag, a reference, a session's marker, a
forgotten step's note.

They are made from the table in `schema`, so that a new row is in them; `python -m promptkit.lineage.json_schema` writes the files anew.
Like promptkit itself they allow fields that they do not know: a later 1.x adds some.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import Any

from promptkit.cost import CODE, MOST
from promptkit.lineage.fields import Field, Values
from promptkit.lineage.layout import LAYOUT
from promptkit.lineage.marks import LONGEST_NAME, LONGEST_NOTE, MOST_STARS, TIME, VERDICTS
from promptkit.lineage.marks_file import MOST_MARKS
from promptkit.lineage.marks_file import SCHEMA as MARKS_SCHEMA
from promptkit.lineage.schema import SCHEMA, AnswerFields, CutFields, Output, RecordedCost, RecordFields, RegionFields

__all__ = ["FOLDER", "schemas", "write"]

FOLDER = Path(__file__).parent / "schemas"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
MAJOR = SCHEMA.partition(".")[0]
VERSION = {"type": "string", "pattern": rf"^0{{0,3}}[0-{MAJOR}](\.[0-9]+)*$"}
SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
TYPES = {str: "string", int: "integer", dict: "object", list: "array", NoneType: "null"}
AMOUNT = {"type": "number", "minimum": 0, "exclusiveMaximum": MOST}
CURRENCY = {"type": "string", "pattern": f"^{CODE.pattern}$"}
SIDE = {"type": "integer", "exclusiveMinimum": 0}
SIZE_OR_NULL = {"type": ["array", "null"], "items": SIDE, "minItems": 2, "maxItems": 2}
BOX_OR_NULL = {"type": ["array", "null"], "items": {"type": "integer", "minimum": 0}, "minItems": 4, "maxItems": 4}


def _integers(count: int) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "integer"}, "minItems": count, "maxItems": count}


RULES: Mapping[Field[Any], dict[str, Any]] = {  # beyond a row's type
    RecordFields.schema: VERSION,
    RecordedCost.usd: AMOUNT,
    RecordedCost.amount: AMOUNT,
    RecordedCost.currency: CURRENCY,
    Output.size: SIZE_OR_NULL,
    AnswerFields.size: SIZE_OR_NULL,
    **{field: _integers(4) for field in (CutFields.box, RegionFields.box)},
    **{field: _integers(2) for field in (CutFields.size, RegionFields.size)},
}


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schemas by the name of what they describe: record, tag, reference, session (its marker), forgotten (a note), mark (a file in
    marks/), marks (a file that a reader sends).
    """
    record = _object(RecordFields, "A step's record, the file NUMBER-NAME-HASH.json.")
    record["required"] = ["schema", *record["required"]]
    return {
        "record": _whole("record", record),
        "tag": _whole("tag", _plain("A name for a step, a file in tags/.", name={"type": "string"}, id=SHA256)),
        "reference": _whole("reference", _reference()),
        "forgotten": _whole("forgotten", _note()),
        "mark": _whole("mark", _mark()),
        "marks": _whole("marks", _marks()),
        "session": _whole("session", _plain("What marks a folder as a session, promptkit.json.", layout={"const": LAYOUT})),
    }


def _whole(name: str, said: dict[str, Any]) -> dict[str, Any]:
    return {"$schema": DRAFT, "$id": f"urn:promptkit:{name}:{MAJOR}", **said}


def _plain(description: str, **properties: Any) -> dict[str, Any]:
    return {"description": description, "type": "object", "properties": properties, "required": list(properties)}


def _reference() -> dict[str, Any]:
    text = {"type": ["string", "null"]}
    picture = _plain("A picture that it stands for, as in a record's sources.", sha256=SHA256, mime_type={"type": "string"})
    picture["properties"] |= {"step": SHA256, "file": {"type": "string"}}
    picture["oneOf"] = [{"required": ["step"]}, {"required": ["file"]}]
    pictures = {"type": "array", "items": picture, "minItems": 1}
    said = _plain("A name for pictures that go along, a file in references/.", name={"type": "string"}, pictures=pictures)
    said["properties"] |= {"description": text, "at": text}
    return said


def _note() -> dict[str, Any]:
    said = "That a step was forgotten, when and by whom, NUMBER-NAME-HASH.forgotten.json; `record` is the hash of what stands in its place."
    return _plain(said, step=SHA256, forgotten={"type": "string"}, by={"type": "string"}, record={"anyOf": [SHA256, {"type": "null"}]})


def _mark() -> dict[str, Any]:
    """What lineage.marks writes."""
    said = "What one reader says of a step, a file in marks/; the newest of each reader counts, and one that says nothing takes it back."
    note = {"type": ["string", "null"], "minLength": 1, "maxLength": LONGEST_NOTE}
    fields = {"verdict": {"enum": [*VERDICTS, None]}, "stars": _stars(1), "note": note, "region": BOX_OR_NULL}
    by = {"type": "string", "maxLength": LONGEST_NAME}
    version = {"type": "string", "pattern": rf"^{MAJOR}(\.[0-9]+)*$"}
    return _plain(said, schema=version, step=SHA256, **fields, by=by, at={"type": "string", "pattern": f"^{TIME.pattern}$"})


def _marks() -> dict[str, Any]:
    """What lineage.marks_file reads: a mark needs its step, and all else may be missing."""
    text, null = {"type": ["string", "null"]}, {"type": "null"}
    mark = _plain("What the reader says of a step; one that says nothing takes an earlier mark back.", step=SHA256)
    region = {"description": "left, top, right, bottom in pixels of the step's picture", **BOX_OR_NULL}
    mark["properties"] |= {"verdict": {"enum": [*VERDICTS, None]}, "stars": _stars(0), "region": region}
    mark["properties"] |= dict.fromkeys(("note", "by", "at"), text)
    marks = {"type": "array", "items": mark, "maxItems": MOST_MARKS}
    said = _plain("Marks that a reader sends, as a page for readers saves them.", schema={"const": MARKS_SCHEMA}, marks=marks)
    said["properties"] |= {"root": {"description": "the id of a root of the session", "anyOf": [SHA256, null]}, "by": text}
    return said


def _stars(least: int) -> dict[str, Any]:
    return {"type": ["integer", "null"], "minimum": least, "maximum": MOST_STARS}


def _object(kind: type[Values], description: str = "") -> dict[str, Any]:
    """An object with the fields of these rows."""
    if kind is RecordedCost:
        return _cost()
    description = description or " ".join((kind.__doc__ or "").split())
    required = [name for name, row in kind.rows.items() if row.must_be_there]
    return {"description": description, "type": "object", "properties": _properties(kind), "required": required}


def _properties(kind: type[Values]) -> dict[str, Any]:
    return {name: _field(row) for name, row in kind.rows.items()}


def _field(row: Field[Any]) -> dict[str, Any]:
    """What one row allows; {} where it takes anything."""
    if row in RULES:
        return RULES[row]
    if object in row.kinds:
        return {}
    types = [TYPES[kind] for kind in row.kinds if kind in TYPES]  # a tuple is not in JSON
    said: dict[str, Any] = {"type": types if len(types) > 1 else types[0]}
    if row.items_kind is not None:
        said["items"] = _object(row.holds) if row.holds else {"type": TYPES[row.items_kind]}
    elif row.holds is not None:
        said |= _object(row.holds) | {"type": said["type"]}
    return said


def _cost() -> dict[str, Any]:
    """USD, or a sum in another currency: where `usd` stands, the others are not looked at."""
    in_usd = {"anyOf": [{"required": ["usd"]}, {"not": {"required": ["amount"]}}]}
    then = _required(RecordedCost.usd)
    otherwise = _required(RecordedCost.amount, RecordedCost.currency)
    description = " ".join((RecordedCost.__doc__ or "").split())
    return {"description": description, "type": "object", "if": in_usd, "then": then, "else": otherwise}


def _required(*rows: Field[Any]) -> dict[str, Any]:
    return {"properties": {row.name: RULES[row] for row in rows}, "required": [row.name for row in rows]}


def write(folder: Path = FOLDER) -> None:
    """Writes them into the folder, a file NAME.json for each."""
    for name, said in schemas().items():
        (folder / f"{name}.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
