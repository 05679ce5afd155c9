"""Marks that somebody sent, as a file or as a text, laid against the steps that are here: which are new, and which belong to none."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from promptkit.errors import LineageError, PromptkitError, SettingsError, shown
from promptkit.lineage.marks import Mark, latest_of, newer
from promptkit.lineage.marks_file import LARGEST, GivenMark, GivenMarks, given_marks, is_marks_text
from promptkit.lineage.record import FULL_SHA256, Record
from promptkit.lineage.references import normal
from promptkit.lineage.tree import Lineage
from promptkit.session.mark_values import checked_note, checked_reader, region_in
from promptkit.terminal import how_many

__all__ = ["Given", "read_given"]

TEXT = "The text"
NAMELESS = "These marks name nobody, and your own do neither while your config file has no `name`: by= says whose they are."


class Given(NamedTuple):
    """The marks that belong here, how many of what was sent is there already, why others were refused, and what a person should know."""

    marks: list[Mark]
    known: int
    refused: list[str]
    notes: list[str]


def read_given(lineage: Lineage, given: Any, by: str | None) -> Given:
    """What somebody sent, of whom `by` is the name where that does not say so. LineageError where it holds no marks, or none that belongs
    to the steps here.
    """
    text, name = _text(given)
    sent = given_marks(text, name)
    _check_root(lineage, sent, name)
    found = _Laid(lineage, checked_reader(sent.by or "") if sent.by or by is None else by)
    for mark in sent.marks:
        found.lay(mark)
    if found.refused and not found.belong:
        raise LineageError(f"{name} holds no mark of a step in {lineage.folder}: {found.refused[0]}", path=lineage.folder)
    return Given(found.marks, found.belong - len(found.marks), found.refused, [*found.notes()])


class _Laid:
    """Marks that were laid against the steps of a lineage, each after those that were sent before it."""

    def __init__(self, lineage: Lineage, reader: str) -> None:
        self._lineage, self._reader = lineage, reader
        self.marks: list[Mark] = []
        self.belong = 0
        self.refused: list[str] = []

    def lay(self, given: GivenMark) -> None:
        try:
            record = self._record(given.step)
            mark = self._mark(given, record)
        except PromptkitError as error:
            self.refused.append(f"{given.where}: {error}")
            return
        self.belong += 1
        self.marks += [] if mark is None else [mark]

    def notes(self) -> Iterator[str]:
        """Sentences on whose they are, and on those that do not count, or will not let others count."""
        if any(not mark.by for mark in self.marks):
            yield NAMELESS
        older = [
            mark for mark in self.marks if (last := latest_of(self._lineage.folder, mark.step_id, mark.by)) and last.order > mark.order
        ]
        if older:
            yield f"{_counted(older)} older than what the same reader has said since, and so not counted: the newest of each reader counts."
        ahead = [mark for mark in self.marks if mark.at > _in_a_minute()]
        if ahead:
            latest = max(mark.at for mark in ahead)
            yield f"{_counted(ahead)} dated later than now ({latest}), by a wrong clock: what the reader sends until then is not counted."

    def _record(self, step: str) -> Record:
        return self._lineage.get(step) if FULL_SHA256.fullmatch(step) else self._lineage.find(step)

    def _mark(self, given: GivenMark, record: Record) -> Mark | None:
        """The mark that is to be added; None where the reader says that already."""
        reader = self._reader if given.by is None else checked_reader(given.by)
        part = None if given.region is None else region_in(_box(given.region), record)
        mark = Mark(record.id, given.verdict, given.stars, checked_note(given.note) or None, part, reader)
        if given.at:
            return replace(mark, at=given.at)
        before = max(self._before(record.id, reader), key=lambda mark: mark.order, default=None)
        made = newer(mark, before)
        return None if made is before else made

    def _before(self, step: str, reader: str) -> Iterator[Mark]:
        latest = latest_of(self._lineage.folder, step, reader)
        yield from [latest] if latest else []
        yield from (mark for mark in self.marks if mark.step_id == step and normal(mark.by) == reader)


def _in_a_minute() -> str:
    """A time that no clock shows that is about right."""
    return (datetime.now(UTC) + timedelta(minutes=1)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _counted(marks: Sequence[Mark]) -> str:
    numbers = how_many(len(marks), "mark")
    return f"{numbers} {'is' if len(marks) == 1 else 'are'}"


def _box(region: Any) -> Any:
    return tuple(region) if isinstance(region, list) else region


def _check_root(lineage: Lineage, sent: GivenMarks, name: str) -> None:
    """LineageError where the marks are for another session."""
    if sent.root is None:
        return
    roots = [record for record in lineage.records() if not record.parents]
    if not any(record.id.startswith(sent.root) for record in roots):
        said = f"{name} holds marks for another session: it names the root {sent.root[:10]}, which is not in {lineage.folder}"
        raise LineageError(f"{said}; open the session that was sent out.", path=lineage.folder)


# What was sent


def _text(given: Any) -> tuple[str, str]:
    """What was given as text, and what it is called in an error."""
    if isinstance(given, str) and is_marks_text(given) and not _is_file(given):
        return given, TEXT
    if isinstance(given, bytes | bytearray | memoryview):
        return _decoded(bytes(given), TEXT), TEXT
    if hasattr(given, "read"):
        said = given.read(LARGEST + 1)
        return (said if isinstance(said, str) else _decoded(said, TEXT)), TEXT
    if isinstance(given, str | os.PathLike):
        return _of_file(given)
    raise SettingsError(f"Marks come as a file (a path, an open file, its bytes) or as a text, not as {shown(given)}.")


def _is_file(name: str) -> bool:
    try:
        return Path(name).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):  # a text that no file can be called
        return False


def _of_file(where: str | os.PathLike[str]) -> tuple[str, str]:
    path = Path(where)
    try:
        path = path.expanduser()
        if path.exists() and not path.is_file():
            raise OSError(None, "it is no file")
        with path.open("rb") as file:
            return _decoded(file.read(LARGEST + 1), path.name), path.name
    except (OSError, ValueError, RuntimeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        said = f"{os.fsdecode(where)!r:.200} cannot be read as a file of marks ({reason}), and is no text with marks"
        raise LineageError(f"{said}: write a line such as `3 keep ★★★★ bluer`, or name a file.") from None


def _decoded(data: bytes, name: str) -> str:
    if len(data) > LARGEST:
        raise LineageError(f"{name} has more than {LARGEST:,} bytes, as no file of marks has; give another one.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LineageError(f"{name} is not UTF-8 (byte {error.start + 1}): save it as UTF-8, or paste its text.") from None
