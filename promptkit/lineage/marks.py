"""Marks: who keeps or rejects a step, with how many stars, and in which words; a file in marks/ for each, which is never changed.

A reader marks a step anew by one more file, and only the newest one of each reader counts, by its time and then its hash. So marks are
merged by copying files, and one that came in two copies is one. A mark that says nothing takes the reader's earlier one back. Its file's
name holds the beginning of the step's id and the sha256 of the file: `marks/ca5201c5bd-7d0e….json`.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from promptkit import atomic
from promptkit.images.box import Box, box_text
from promptkit.json_objects import flat_object
from promptkit.lineage.files import json_bytes, json_object, read_file, unread, whole_text
from promptkit.lineage.layout import is_folder, writing
from promptkit.lineage.record import FULL_SHA256, now
from promptkit.lineage.references import normal
from promptkit.terminal import printable

__all__ = [
    "FOLDER",
    "LONGEST_NAME",
    "LONGEST_NOTE",
    "MARK_FILE",
    "MOST_STARS",
    "SCHEMA",
    "VERDICTS",
    "Mark",
    "as_time",
    "counting",
    "latest_of",
    "mark_in",
    "marks_by_step",
    "marks_of",
    "misplaced_marks",
    "newer",
    "read_marks",
    "stars_in_words",
    "write_marks",
]

FOLDER = "marks"
SCHEMA = "1.0"  # of a mark's file: a reader of 1.x reads every 1.y
MAJOR = SCHEMA.partition(".")[0]
MARK_FILE = re.compile(r"marks/([0-9a-f]{10})-([0-9a-f]{64})\.json")
VERDICTS = ("keep", "reject")
MOST_STARS = 5
LONGEST_NOTE = 2000  # characters
LONGEST_NAME = 100
LARGEST = 2**16  # bytes of a mark's file
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")  # compared as text
LAST_TIME = "9999-12-31T23:59:59.999Z"
KNOWN = 16_384  # marks that are held, of all folders

_known: dict[tuple[str, int, int], Mark] = {}  # by path, time of change (ns) and size in bytes


@dataclass(frozen=True)
class Mark:
    """What one reader says of one step. A mark without verdict, stars, note and region takes the reader's earlier one back.

    `verdict` is "keep", "reject" or None; `stars` are 1 to 5, or None; `region` is a box (left, top, right, bottom) in pixels of the step's
    picture; `by` is the reader's name, "" where none was given; `at` is when (ISO 8601, UTC, to the millisecond). `step_id` is the step's
    id, `number` its number in the session in `folder` that it was read from.
    """

    step_id: str
    verdict: str | None = None
    stars: int | None = None
    note: str | None = None
    region: Box | None = None
    by: str = ""
    at: str = field(default_factory=now)
    number: int | None = field(default=None, compare=False)
    folder: Path | None = field(default=None, compare=False, repr=False)
    original: bytes | None = field(default=None, compare=False, repr=False)  # its file, which may hold fields of a later release

    @property
    def says_something(self) -> bool:
        """Whether it is more than a taking back."""
        return self.said != (None, None, None, None)

    @property
    def said(self) -> tuple[str | None, int | None, str | None, Box | None]:
        """Verdict, stars, note and region: what it says, whoever says it, and whenever."""
        return self.verdict, self.stars, self.note, self.region

    @property
    def text(self) -> str:
        """What it says, on one line, without who says it: `keep ★★★★ bluer`."""
        parts = [self.verdict or "", stars_in_words(self.stars), " ".join((self.note or "").split()), self.region_text or ""]
        return printable(" ".join(filter(None, parts))) or "taken back"

    @property
    def region_text(self) -> str | None:
        """The region as text that every command takes, such as 200x260+300+420."""
        return box_text(self.region) if self.region else None

    @property
    def order(self) -> tuple[str, str]:
        """What the newest of several has most of: its time, then its hash."""
        return self.at, self.sha256

    @cached_property
    def sha256(self) -> str:
        """The sha256 of its file, which stands in the file's name."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def name(self) -> str:
        """Its file's name within the session's folder."""
        return f"{FOLDER}/{self.step_id[:10]}-{self.sha256}.json"

    @cached_property
    def data(self) -> bytes:
        """Its file."""
        if self.original is not None:
            return self.original
        said = {"verdict": self.verdict, "stars": self.stars, "note": self.note, "region": list(self.region) if self.region else None}
        return json_bytes({"schema": SCHEMA, "step": self.step_id, **said, "by": self.by, "at": self.at})

    def in_session(self, folder: Path, number: int) -> Self:
        """The same mark, with the session's folder that it is in, and its step's number there."""
        return replace(self, number=number, folder=folder)

    def to_dict(self) -> dict[str, Any]:
        """As one flat object (promptkit.mark/1): `step` is the step's number, `id` its id, `region` a box as text."""
        where = {"session": self.folder.name if self.folder else None, "folder": self.folder, "step": self.number, "id": self.step_id}
        said = {"verdict": self.verdict, "stars": self.stars, "note": self.note, "region": self.region_text}
        return flat_object("mark", **where, **said, by=self.by, at=self.at)

    @property
    def text_by(self) -> str:
        """What it says, and who says it: `keep ★★★★ bluer (client)`."""
        return printable(f"{self.text}{f' ({self.by})' if self.by else ''}")

    def __str__(self) -> str:
        """On one line, with its step: `step 3: keep ★★★★ bluer (client)`."""
        return f"step {self.step_id[:10] if self.number is None else self.number}: {self.text_by}"

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Self:
        """The mark that JSON holds. ValueError, with what is wrong, where it is none."""
        version = fields.get("schema")
        if not isinstance(version, str) or version.partition(".")[0] != MAJOR:
            raise ValueError(f"it has schema {version!r:.20}, and this promptkit knows {SCHEMA}")
        values: dict[str, Any] = {name: fields.get("step" if name == "step_id" else name) for name in RULES}
        values["region"] = tuple(values["region"]) if isinstance(values["region"], list) else values["region"]
        if wrong := next((name for name, is_right in RULES.items() if not is_right(values[name])), None):
            raise ValueError(f"{wrong.removesuffix('_id')} = {values[wrong]!r:.60} is none of a mark")
        return cls(**values)


def stars_in_words(stars: int | None) -> str:
    """★★★★ for 4; nothing for none."""
    return "★" * (stars or 0)


def as_time(moment: str) -> str | None:
    """A time (ISO 8601) as marks hold it: UTC, to the millisecond; None for what is none."""
    try:
        found = datetime.fromisoformat(moment)
        found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        return found.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError):
        return None


def _is_text(value: object, longest: int) -> bool:
    return isinstance(value, str) and len(value) <= longest and value == whole_text(value)


def _is_stars(value: object) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_STARS)


def _is_region(value: object) -> bool:
    if value is None:
        return True
    if not isinstance(value, tuple) or len(value) != 4 or not all(isinstance(n, int) and not isinstance(n, bool) for n in value):
        return False
    left, top, right, bottom = value
    return bool(0 <= left < right and 0 <= top < bottom)


def _is_time(value: object) -> bool:
    return isinstance(value, str) and bool(TIME.fullmatch(value)) and as_time(value) == value


RULES: Mapping[str, Callable[[Any], bool]] = {  # what each field of a mark's file can hold
    "step_id": lambda value: isinstance(value, str) and bool(FULL_SHA256.fullmatch(value)),
    "verdict": lambda value: value is None or value in VERDICTS,
    "stars": _is_stars,
    "note": lambda value: value is None or (bool(value) and _is_text(value, LONGEST_NOTE)),
    "region": _is_region,
    "by": lambda value: _is_text(value, LONGEST_NAME),
    "at": _is_time,
}


# Which of them count


def counting(marks: Iterable[Mark]) -> list[Mark]:
    """Those that count: the newest of each reader of each step, where it takes none back; by the readers' names."""
    newest: dict[tuple[str, str], Mark] = {}
    for mark in sorted(marks, key=lambda mark: mark.order):
        newest[mark.step_id, normal(mark.by)] = mark
    return sorted((mark for mark in newest.values() if mark.says_something), key=lambda mark: (normal(mark.by), mark.order))


def newer(mark: Mark, before: Mark | None) -> Mark:
    """The mark with a time at which it counts; the reader's one of before where it says the same."""
    if before is not None and before.said == mark.said:
        return before
    return replace(mark, at=_later_than(before.at if before else None))


def _later_than(moment: str | None) -> str:
    """Now, or a millisecond after that time where a clock says otherwise."""
    if moment is None or now() > moment:
        return now()
    with suppress(OverflowError, ValueError):
        return as_time((datetime.fromisoformat(moment) + timedelta(milliseconds=1)).isoformat()) or LAST_TIME
    return LAST_TIME


# Reading


def read_marks(folder: Path, step: str = "") -> list[Mark]:
    """All marks in a session's folder, or those of a step by its id, older ones too; `verify` names files that cannot be read."""
    return [mark for name in _names(folder) if name.startswith(step[:10]) and (mark := _mark(folder, name)) and step in ("", mark.step_id)]


def marks_of(folder: Path, step: str) -> tuple[Mark, ...]:
    """The marks of a step, by its id, that count."""
    return tuple(counting(read_marks(folder, step)))


def marks_by_step(folder: Path) -> dict[str, tuple[Mark, ...]]:
    """The marks that count, by the ids of their steps."""
    found: dict[str, list[Mark]] = {}
    for mark in counting(read_marks(folder)):
        found.setdefault(mark.step_id, []).append(mark)
    return {step: tuple(marks) for step, marks in found.items()}


def latest_of(folder: Path, step: str, reader: str) -> Mark | None:
    """What a reader has said of a step last, by its id, be it that a mark was taken back."""
    return max((mark for mark in read_marks(folder, step) if normal(mark.by) == reader), key=lambda mark: mark.order, default=None)


def mark_in(data: bytes, name: str) -> Mark | None:
    """What a mark's file says, by its bytes and its name within the folder; None where it is none as they are written, or its sha256 is not
    its name's.
    """
    match = MARK_FILE.fullmatch(name)
    if match is None or hashlib.sha256(data).hexdigest() != match[2]:
        return None
    try:
        mark = Mark.read(json_object(data))
    except ValueError:
        return None
    return replace(mark, original=data) if mark.step_id.startswith(match[1]) else None


def _names(folder: Path) -> list[str]:
    """The names in marks/, without hidden ones: half-written, or another system's own."""
    path = folder / FOLDER
    try:
        return sorted(name for name in os.listdir(path) if not name.startswith(".")) if is_folder(path) else []  # noqa: PTH208
    except OSError:
        return []


def _mark(folder: Path, name: str) -> Mark | None:
    """The mark in a file; one that was read before is read again only where its file was touched."""
    path = folder / FOLDER / name
    try:
        state = path.lstat()
        key = (str(path), state.st_mtime_ns, state.st_size)
        if (mark := _known.get(key)) is None:
            mark = mark_in(read_file(path, LARGEST), f"{FOLDER}/{name}")
    except (OSError, ValueError):
        return None
    if mark is not None:
        if len(_known) >= KNOWN:
            _known.clear()
        _known[key] = mark
    return mark


# Writing


def write_marks(folder: Path, marks: Iterable[Mark]) -> list[Mark]:
    """Adds marks to a session's folder; returns those that were not there. LineageError where nothing can be written."""
    new = [mark for mark in dict.fromkeys(marks) if not _is_there(folder, mark)]
    with writing(folder):
        for mark in new:
            atomic.write_whole(folder / mark.name, mark.data, durable=True)
        if new:
            atomic.sync_folder(folder / FOLDER)
    return new


def _is_there(folder: Path, mark: Mark) -> bool:
    try:
        return mark_in(read_file(folder / mark.name, LARGEST), mark.name) is not None
    except OSError:
        return False


# Checking


def misplaced_marks(folder: Path, ids: frozenset[str]) -> Iterator[tuple[Path, str]]:
    """What is wrong with the files in marks/, where the steps have these ids."""
    path = folder / FOLDER
    if os.path.lexists(path) and not is_folder(path):
        yield path, "is no folder, so no step can be marked: put the folder itself there, or remove it"
    for name in _names(folder):
        yield from ((path / name, said) for said in _wrong(folder, name, ids))


def _wrong(folder: Path, name: str, ids: frozenset[str]) -> Iterator[str]:
    path = folder / FOLDER / name
    if unreadable := unread(path):
        yield f"cannot be read{unreadable}"
        return
    data = read_file(path)
    match = MARK_FILE.fullmatch(f"{FOLDER}/{name}")
    if match is None or hashlib.sha256(data).hexdigest() != match[2]:
        yield "was changed or renamed after it was written (its sha256 is not its name)"
        return
    try:
        mark = Mark.read(json_object(data))
    except ValueError as error:
        yield f"is no mark ({error})"
        return
    if not mark.step_id.startswith(match[1]) or mark.step_id not in ids:
        yield f"marks the step {mark.step_id[:10]}, which is not here"
