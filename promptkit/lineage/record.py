"""One record read back: what a step asked and got, checked field by field, and the small readers and hashes that lineage is made of."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from promptkit.errors import LineageError
from promptkit.images.picture import Picture

__all__ = [
    "FULL_SHA256",
    "HAS_PICTURE",
    "RECORD_NAME",
    "SCHEMA",
    "Problem",
    "Record",
    "added_up",
    "is_usd",
    "json_bytes",
    "json_object",
    "now",
    "number_of",
    "read_json",
    "recorded_picture",
    "sources_digest",
    "whole_text",
    "wrong_file",
]

SCHEMA = "1.0"
FULL_SHA256 = re.compile(r"[0-9a-f]{64}")  # a step's id is one, too
RECORD_NAME = re.compile(r"(\d{4,})-([\w.]+)-([0-9a-f]{10})\.json")
HAS_PICTURE = ("picture", "added")
MOST_USD = 1e9  # more than any attempt can cost, and little enough to be added up

# What a field must be; `| None`: if it is there. Fields that are not named here are kept as they are.
Kinds = Mapping[str, Any]
FIELDS: Kinds = {
    "number": int,
    "parents": list,
    "outcome": str,
    "attempts": list,
    "sources": list,
    "outputs": list,
    "prompt": dict,
    "request": dict,
    "recipe": str | None,
    "label": str | None,
    "meta": dict | None,
    "warnings": list | None,
}
PROMPT: Kinds = {
    "text": str | None,
    "template": str | None,
    "pack": list | tuple | None,
    "digest": str | None,
    "inputs": dict | None,
    "lang": str | None,
}
REQUEST: Kinds = {"endpoint": str | None, "model": str | None, "config": dict | None}
ATTEMPT: Kinds = {"outcome": str | None, "text": str | None, "usage": dict | None, "cost": dict | None, "turn": str | None}
SOURCE: Kinds = {"role": str, "sha256": str, "mime_type": str, "file": str | None, "step": str | None}
OUTPUT: Kinds = {"file": str, "sha256": str, "mime_type": str, "bytes": int, "size": list | None}


@dataclass(frozen=True)
class Problem:
    """One thing on disk that disagrees with its hash: the step's number (None where it is no step's), the file, and what is wrong."""

    step: int | None
    path: Path
    message: str

    def __str__(self) -> str:
        return f"{f'step {self.step}: ' if self.step is not None else ''}{self.path.name}: {self.message}"


@dataclass(frozen=True)
class Record:
    """One step as recorded. `fields` holds the whole record, fields that this version does not know included."""

    id: str
    path: Path
    fields: Mapping[str, Any]
    number: int
    parents: tuple[str, ...]
    outcome: str
    attempts: tuple[Mapping[str, Any], ...]
    sources: tuple[Mapping[str, Any], ...]
    outputs: tuple[Mapping[str, Any], ...]
    prompt: Mapping[str, Any]
    request: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> Record:
        """The record in that file. LineageError names the file, and the field or the versions, where it cannot be used."""
        try:
            data = path.read_bytes()
            fields = json.loads(data)
        except (OSError, ValueError, RecursionError) as error:
            raise LineageError(f"The record {path} cannot be read: {error}; `promptkit verify` lists what is damaged.", path=path) from None
        if not isinstance(fields, dict):
            raise LineageError(f"The record {path} is no JSON object; `promptkit verify` lists what is damaged.", path=path)
        return cls.of(path, hashlib.sha256(data).hexdigest(), fields)

    @classmethod
    def of(cls, path: Path, digest: str, fields: Mapping[str, Any]) -> Record:
        """The record of these fields; the version and each field's type are checked."""
        _check_schema(fields.get("schema"), path)
        _check_fields(fields, path)
        lists: dict[str, Any] = {name: tuple(fields[name]) for name in ("parents", "attempts", "sources", "outputs")}
        plain: dict[str, Any] = {name: fields[name] for name in ("number", "outcome", "prompt", "request")}
        return cls(id=digest, path=path, fields=fields, **lists, **plain)

    @property
    def is_itself(self) -> bool:
        """Whether its file's name holds its number and the beginning of its hash, as it was written."""
        match = RECORD_NAME.fullmatch(self.path.name)
        return match is not None and match[3] == self.id[:10] and int(match[1]) == self.number

    @property
    def ok(self) -> bool:
        """Whether it has a picture."""
        return self.outcome in HAS_PICTURE

    @property
    def origins(self) -> tuple[str, ...]:
        """The ids of the steps that it came from, each once: its parents, and those whose pictures went along."""
        return tuple(dict.fromkeys((*self.parents, *(s["step"] for s in self.sources if s.get("step")))))

    @property
    def recipe(self) -> str | None:
        """What was asked for, hashed; None for a picture that was added."""
        return self.fields.get("recipe")

    @property
    def cost(self) -> float | None:
        """USD for all attempts; None where one of them has no price."""
        costs = [a.get("cost") for a in self.attempts]
        return None if None in costs else float(sum(c["usd"] for c in costs if c))

    @property
    def usage(self) -> dict[str, int]:
        """The token counts of all attempts, added up."""
        return added_up(a.get("usage") or {} for a in self.attempts)

    @cached_property
    def slug(self) -> str:
        """The middle of its file name: the template's name, or generate, edit, add."""
        match = RECORD_NAME.fullmatch(self.path.name)
        return match[2] if match else ""

    @cached_property
    def pictures(self) -> tuple[Picture, ...]:
        """The pictures that came out, read from disk when someone asks for their bytes."""
        return tuple(self._picture(o) for o in self.outputs)

    @property
    def picture(self) -> Picture:
        """The first of them. LineageError for a failed step."""
        if not self.pictures:
            raise LineageError(f"Step {self.number} has no picture ({self.outcome}).", path=self.path)
        return self.pictures[0]

    def _picture(self, output: Mapping[str, Any]) -> Picture:
        path, size = self.path.parent / Path(output["file"]).name, output.get("size")
        return recorded_picture(path, sha256=output["sha256"], mime_type=output["mime_type"], size=tuple(size) if size else None)


def _check_schema(schema: object, path: Path) -> None:
    if not isinstance(schema, str) or not re.fullmatch(r"[0-9]{1,4}(\.[0-9]+)*", schema):
        raise LineageError(f"The record {path} has no version; `promptkit verify` lists what is damaged.", path=path)
    if int(schema.partition(".")[0]) > int(SCHEMA.partition(".")[0]):
        said = f"{path.name} has schema {schema}, and this promptkit knows {SCHEMA}: upgrade promptkit to read it."
        raise LineageError(said, path=path, newer=True)


def _check_fields(fields: Mapping[str, Any], path: Path) -> None:
    _check(fields, FIELDS, "", path)
    _check(fields["prompt"], PROMPT, "prompt.", path)
    _check(fields["request"], REQUEST, "request.", path)
    for name, kind in (("parents", str), ("warnings", str), ("attempts", dict), ("sources", dict), ("outputs", dict)):
        for i, item in enumerate(fields.get(name) or ()):
            _check_kind(item, kind, f"{name}[{i}]", path)
    for name, kinds in (("attempts", ATTEMPT), ("sources", SOURCE), ("outputs", OUTPUT)):
        for i, item in enumerate(fields[name]):
            _check(item, kinds, f"{name}[{i}].", path)
    _check_numbers(fields, path)


def _check_numbers(fields: Mapping[str, Any], path: Path) -> None:
    """Those that others count with: a sum that is none would upset every budget."""
    for i, attempt in enumerate(fields["attempts"]):
        if (cost := attempt.get("cost")) is not None and not is_usd(cost.get("usd")):
            raise _wrong(path, f"attempts[{i}].cost.usd", cost.get("usd"), "USD from 0 to below a billion")
    for i, output in enumerate(fields["outputs"]):
        if not _is_size(output.get("size")):
            raise _wrong(path, f"outputs[{i}].size", output["size"], "width and height in pixels, or None")


def _check(values: Mapping[str, Any], kinds: Kinds, where: str, path: Path) -> None:
    for name, kind in kinds.items():
        _check_kind(values.get(name), kind, f"{where}{name}", path)


def _check_kind(value: object, kind: Any, where: str, path: Path) -> None:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _wrong(path, where, value, getattr(kind, "__name__", str(kind)))


def _wrong(path: Path, where: str, value: object, wanted: str) -> LineageError:
    return LineageError(f"The record {path} has {where} = {value!r:.60}, which should be {wanted}.", path=path)


def is_usd(value: object) -> bool:
    """Whether it is a sum that an attempt can cost."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < MOST_USD


def _is_size(value: object) -> bool:
    return value is None or (isinstance(value, list) and len(value) == 2 and all(type(side) is int and side > 0 for side in value))


# Reading, hashing and writing of what lies beside the records


INSTEAD = "put it back, or take another step"


def recorded_picture(path: Path, *, sha256: str, mime_type: str, size: tuple[int, int] | None) -> Picture:
    """A picture on disk that a record describes. Reading its bytes raises LineageError where they are missing or not the recorded ones."""

    def read() -> bytes:
        try:
            data = path.read_bytes()
        except (OSError, ValueError) as error:
            raise LineageError(f"The picture {path} cannot be read: {_reason(error)}; {INSTEAD}.", path=path) from None
        if hashlib.sha256(data).hexdigest() != sha256:
            raise LineageError(f"The picture {path} is not the one that was recorded (its sha256 differs); {INSTEAD}.", path=path)
        return data

    return Picture.recorded(read, sha256=sha256, mime_type=mime_type, size=size)


def wrong_file(path: Path, sha256: str) -> Iterator[tuple[Path, str]]:
    """What is wrong with a file that should have that hash: nothing, or its path and a sentence."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        yield path, f"is missing or cannot be read ({_reason(error)})"
        return
    if digest != sha256:
        yield path, "is not what was recorded (its sha256 differs)"


def sources_digest(sources: Mapping[str, Any]) -> str:
    """The digest of a template: the sha256 of its sources by name, as canonical JSON."""
    canonical = json.dumps(sources, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode(errors="replace")).hexdigest()


def now() -> str:
    """The time as records hold it: UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def number_of(name: str) -> int:
    """The number that the file names of a step begin with."""
    return int(name.partition("-")[0])


def whole_text(text: str) -> str:
    """The text with U+FFFD for each half of a surrogate pair, which no file can hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def added_up(usages: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Token counts by name, over several answers; the details that stand among them are left out."""
    total: dict[str, int] = {}
    for name, count in (item for usage in usages for item in usage.items()):
        if isinstance(count, int):
            total[name] = total.get(name, 0) + count
    return total


def json_bytes(value: Mapping[str, Any], *, indent: int | None = 1) -> bytes:
    """JSON for files that people read too; without indent for those that are only passing, which Python then writes three times as fast.

    Nothing is lost to an encoding, and what JSON does not know is kept as text.
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=str) + "\n"
    try:
        return text.encode()
    except UnicodeEncodeError:
        return whole_text(text).encode()


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; an empty one where there is none, or none that can be read."""
    try:
        return json_object(path.read_bytes())
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return {}


def json_object(data: bytes) -> dict[str, Any]:
    """The object that JSON bytes hold; an empty one where they hold none."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
