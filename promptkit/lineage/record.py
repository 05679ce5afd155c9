"""One step as recorded: what it asked and got, by attribute, and checked field by field when it is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from promptkit.cost import FREE, Cost
from promptkit.errors import LineageError
from promptkit.images.picture import Picture
from promptkit.json_objects import flat_object
from promptkit.lineage.fields import WrongField
from promptkit.lineage.files import parsed, read_file, reason, recorded_picture
from promptkit.lineage.forgotten import Forgotten, id_in_place, read_note, wordless
from promptkit.lineage.outcomes import has_picture, is_free
from promptkit.lineage.schema import SCHEMA, Attempt, Output, RecordFields
from promptkit.terminal import printable

__all__ = ["FULL_SHA256", "RECORD_NAME", "VARIED", "Problem", "Record", "added_up", "now", "number_of"]

FULL_SHA256 = re.compile(r"[0-9a-f]{64}")  # a step's id is one, too
OFFLINE = "offline"  # the endpoint of drafts
VARIED = "varied"  # in the meta of one of several variants: what varied, by name, with its own value
RECORD_NAME = re.compile(r"(\d{4,})-([\w.]+)-([0-9a-f]{10})\.json")


@dataclass(frozen=True)
class Problem:
    """One thing on disk that disagrees with its hash: the step's number (None where it is no step's), the file, and what is wrong.

    `is_damage` is False for what was forgotten, which is missing because somebody wanted it so.
    """

    step: int | None
    path: Path
    message: str
    is_damage: bool = True

    def to_dict(self) -> dict[str, Any]:
        """As one flat object (promptkit.problem/1): `step`, `file`, `message`, `damage`."""
        return flat_object("problem", step=self.step, file=self.path, message=self.message, damage=self.is_damage)

    def __str__(self) -> str:
        return printable(f"{f'step {self.step}: ' if self.step is not None else ''}{self.path.name}: {self.message}")


class Record(RecordFields):
    """One step as recorded; `fields` holds the whole record. Read-only; equal where id, file and fields are."""

    id: str
    path: Path

    def __init__(self, id: str, path: Path, fields: Mapping[str, Any]) -> None:  # noqa: A002  (what it is called everywhere)
        super().__init__(fields)
        vars(self).update(id=id, path=path)

    @classmethod
    def read(cls, path: Path) -> Record:
        """The record in that file. LineageError names the file, and the field or the versions, where it cannot be used."""
        try:
            data = read_file(path)
            fields = parsed(data)
        except (OSError, ValueError) as error:
            said = f"The record {path} cannot be read: {reason(error)}; `verify` lists what is damaged."
            raise LineageError(said, path=path) from None
        if not isinstance(fields, dict):
            raise LineageError(f"The record {path} is no JSON object; `verify` lists what is damaged.", path=path)
        return cls.of(path, id_in_place(path, data, fields), fields)

    @classmethod
    def of(cls, path: Path, digest: str, fields: Mapping[str, Any]) -> Record:
        """The record of these fields; the version and each field's type are checked. LineageError names the path of a wrong one's key."""
        _check_version(fields.get("schema"), path)
        try:
            cls.check(fields)
        except WrongField as error:
            raise LineageError(f"The record {path} has {error}.", path=path) from None
        return cls(digest, path, fields)

    def __reduce__(self) -> tuple[type[Record], tuple[str, Path, dict[str, Any]]]:
        return type(self), (self.id, self.path, dict(self.fields))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and (self.id, self.path, self.fields) == (other.id, other.path, other.fields)

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def is_itself(self) -> bool:
        """Whether its file's name holds its number and the beginning of its hash, as it was written."""
        match = RECORD_NAME.fullmatch(self.path.name)
        return match is not None and match[3] == self.id[:10] and int(match[1]) == self.number

    @property
    def ok(self) -> bool:
        """Whether it has a picture, or had one that was forgotten."""
        return has_picture(self.outcome)

    @property
    def forgotten(self) -> Forgotten | None:
        """The note that says that it was forgotten, looked for on disk each time: any process may forget it. None where it was not."""
        note = read_note(self.path)
        return note if note and note.step == self.id else None

    @property
    def file_sha256(self) -> str:
        """The sha256 of its file: its id, unless a file without words stands in its place."""
        note = self.forgotten
        return note.record if note and note.record and wordless(self.fields) == self.fields else self.id

    @property
    def by_hand(self) -> bool:
        """Whether somebody made its picture by hand from that of the step which it continues."""
        return self.outcome == "added" and bool(self.parents)

    @property
    def varied(self) -> dict[str, Any]:
        """What varied between the steps that were made with it, by name, with its own value of each: {"style": "line art"}."""
        found = (self.meta or {}).get(VARIED)
        return dict(found) if isinstance(found, Mapping) else {}

    @property
    def notes(self) -> dict[str, Any]:
        """The caller's own notes, without what varied, which stands among them on disk."""
        return {name: value for name, value in (self.meta or {}).items() if name != VARIED or not self.varied}

    @property
    def origins(self) -> tuple[str, ...]:
        """The ids of the steps that it came from, each once: its parents, and those whose pictures went along."""
        return tuple(dict.fromkeys((*self.parents, *(s["step"] for s in self.sources if s.get("step")))))

    @property
    def is_offline(self) -> bool:
        """Whether it asked for an offline draft, which costs nothing."""
        return self.request.endpoint == OFFLINE

    @property
    def cost(self) -> Cost:
        """What all attempts cost; those of which that is not known are counted in it."""
        return sum(map(self.cost_of, self.attempts), FREE)

    def cost_of(self, attempt: Attempt) -> Cost:
        """What one of its attempts cost: as recorded, nothing for an error or an offline draft, else not known."""
        if attempt.cost:
            return attempt.cost.value
        return Cost(unpriced=int(not self.is_offline and not is_free(attempt)))

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
        """The first of them. LineageError for a failed step; for one that was forgotten, when its bytes are read."""
        if not self.pictures:
            raise LineageError(f"Step {self.number} has no picture ({self.outcome}).", path=self.path)
        return self.pictures[0]

    def check_picture(self) -> None:
        """LineageError where it has no picture to go on from: it failed, or was forgotten."""
        if not self.ok:
            raise LineageError(f"Step {self.number} has no picture ({self.outcome}); continue from another one.", path=self.path)
        self.refuse_forgotten()

    def refuse_forgotten(self) -> None:
        """LineageError, with when and by whom, where it was forgotten."""
        if note := self.forgotten:
            raise LineageError(f"Step {self.number} was forgotten{note.said}: its picture is gone; take another step.", path=self.path)

    def _picture(self, output: Output) -> Picture:
        path = self.path.parent / output.name
        sha256, mime_type, largest = output.sha256, output.mime_type, output.bytes
        return recorded_picture(path, sha256=sha256, mime_type=mime_type, size=output.size, largest=largest, check=self.refuse_forgotten)


def _check_version(schema: object, path: Path) -> None:
    if not isinstance(schema, str) or not re.fullmatch(r"[0-9]{1,4}(\.[0-9]+)*", schema):
        raise LineageError(f"The record {path} has no version; `verify` lists what is damaged.", path=path)
    if int(schema.partition(".")[0]) > int(SCHEMA.partition(".")[0]):
        said = f"{path.name} has schema {schema:.20}, and this promptkit knows {SCHEMA}: upgrade promptkit to read it."
        raise LineageError(said, path=path, newer=True)


def now() -> str:
    """The time as records hold it: UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def number_of(name: str) -> int:
    """The number that the file names of a step begin with."""
    return int(name.partition("-")[0])


def added_up(usages: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Token counts by name, over several answers; the details that stand among them are left out."""
    total: dict[str, int] = {}
    for name, count in (item for usage in usages for item in usage.items()):
        if isinstance(count, int):
            total[name] = total.get(name, 0) + count
    return total
