"""What on disk disagrees with its hash, or with what names it: records, pictures, sources, templates, extra, tags, marks, head and marker;
and which steps were forgotten.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from promptkit.errors import LineageError
from promptkit.lineage.files import read_json, unread, wrong_file
from promptkit.lineage.forgotten import NOTE_NAME, note_path
from promptkit.lineage.head_and_tags import misnamed_tag, pointers, tag_files
from promptkit.lineage.journal import JOURNAL, Journal
from promptkit.lineage.layout import (
    CLAIM_NAME,
    MARKER,
    MARKER_HOLDS,
    UNDER_WAY,
    files_left,
    files_of,
    is_folder,
    is_marked,
    list_names,
    under_way_in,
)
from promptkit.lineage.marks import misplaced_marks
from promptkit.lineage.record import FULL_SHA256, RECORD_NAME, Problem, Record, number_of
from promptkit.lineage.references import needed_by_names, wrong_references
from promptkit.lineage.request_claims import REQUEST_NAME
from promptkit.lineage.rows import Row

__all__ = ["verify"]

PICTURE_NAME = re.compile(r"(\d{4,})-[\w.]+-[0-9a-f]{10}\.(?!json$)\w+")
REMOVE = "remove it, and it is made again from the records"
SILENT = "says nothing of the step that it was made for: its process was killed, or the disk was full; a later step removes it"
WRITTEN_WITHIN = 10.0  # seconds
Wrong = Iterator[tuple[Path, str]]


@dataclass(frozen=True)
class _Look:
    """What stood in the folder at one moment: all names, the records that could be read, and what is wrong with those that could not."""

    names: frozenset[str]
    records: Mapping[str, Record]
    damaged: Mapping[str, str]
    silent: frozenset[Path]  # claims that say nothing
    claims: tuple[Path, ...]  # and the others

    @cached_property
    def ids(self) -> frozenset[str]:
        return frozenset(r.id for r in self.records.values())

    @cached_property
    def beginnings(self) -> frozenset[str]:
        """Of the ids of all records, readable or not, as their names have them."""
        return frozenset(n[-15:-5] for n in (*self.records, *self.damaged))

    @cached_property
    def needed(self) -> frozenset[str]:
        """The files that some record still has."""
        return frozenset(name for r in self.records.values() for name, _ in files_left(r))

    @cached_property
    def lost_pictures(self) -> frozenset[str]:
        """Pictures that no record names. A step in flight may be about to name its own, and a record that cannot be read may have."""
        named = {output.name for r in self.records.values() for output in r.outputs}
        changed = (n for n, r in self.records.items() if not r.is_itself)
        claims = filter(None, (CLAIM_NAME.fullmatch(path.name) for path in self.claims))
        unknown = {*(int(m[2]) for m in claims), *map(number_of, (*self.damaged, *changed))}
        return frozenset(n for n in self.names - named if PICTURE_NAME.fullmatch(n) and number_of(n) not in unknown)


def verify(folder: Path, *, was_there: bool) -> list[Problem]:
    """Everything in a session's folder that disagrees, by step; what is no step's comes last. `was_there`: it was a session when it was
    opened, and should be marked as one.

    Others may be writing: what was there when this began is checked, and what it leads to is looked for afterwards.
    """
    pointed, by_name = [*pointers(folder)], needed_by_names(folder)
    first = _look(folder, {})
    then = _look(folder, first.records)
    problems = [Problem(number_of(name), folder / name, said) for name, said in then.damaged.items()]
    for record in (r for name, r in first.records.items() if name in then.names):
        problems += [Problem(record.number, *wrong) for wrong in _wrong(folder, record, then)]
        problems += _forgotten(record, then, by_name)
    problems += [Problem(number_of(name), folder / name, said) for name, said in _notes_of_none(folder, then)]
    named = {p.path for p in problems}
    problems += [Problem(None, *wrong) for wrong in _wrong_beside(folder, was_there) if wrong[0] not in named]
    for name in first.lost_pictures & then.lost_pictures:
        problems.append(Problem(number_of(name), folder / name, "has no record: that was deleted, or left behind"))
    problems += [Problem(None, path, _misled(path, i)) for path, i in dict.fromkeys(pointed) if i not in then.ids]
    named = {p.path for p in problems}
    problems += [Problem(None, *wrong) for wrong in dict.fromkeys(wrong_references(folder, then.ids)) if wrong[0] not in named]
    problems += [Problem(None, *wrong) for wrong in misplaced_marks(folder, then.ids)]
    problems += [Problem(None, path, SILENT) for path in first.silent & then.silent]
    problems += [Problem(None, *wrong) for wrong in _wrong_journal(folder, first.records)]
    return sorted(problems, key=lambda p: (p.step is None, p.step or 0, p.path))


def _misled(path: Path, full_id: str) -> str:
    return f"names the step {full_id[:10]}, which is not here" if full_id else f"cannot be read{unread(path)}"


def _look(folder: Path, known: Mapping[str, Record]) -> _Look:
    names = list_names(folder)
    records: dict[str, Record] = {}
    damaged: dict[str, str] = {}
    for name in sorted(filter(RECORD_NAME.fullmatch, names)):
        try:
            records[name] = known.get(name) or Record.read(folder / name)
        except LineageError as error:
            damaged[name] = str(error)
    claims = [*under_way_in(folder), *(folder / name for name in names if name.startswith(f"{UNDER_WAY}-"))]
    silent = frozenset(filter(_is_silent, claims))
    return _Look(frozenset(names), records, damaged, silent, tuple(path for path in claims if path not in silent))


def _is_silent(path: Path) -> bool:
    """Whether it is a claim that says nothing, and not one that is just being written."""
    try:
        is_claim = CLAIM_NAME.fullmatch(path.name) or REQUEST_NAME.fullmatch(path.name)
        return bool(is_claim) and time.time() - path.lstat().st_mtime > WRITTEN_WITHIN and not read_json(path)
    except OSError:
        return False


def _wrong(folder: Path, record: Record, look: _Look) -> Wrong:
    """What is wrong with a record, with what it names, and with what it came from."""
    if not record.is_itself:
        yield record.path, "was changed or renamed after it was written (its number and sha256 are not its name)"
    sizes = {output.name: output.bytes for output in record.outputs}
    for name, digest in files_left(record):
        if said := wrong_file(folder, name, digest, sizes.get(name)):
            yield folder / name, said
    parents = frozenset(record.parents)
    for i in record.origins:
        if i[:10] not in look.beginnings:
            said = f"its parent {i[:10]}" if i in parents else f"the step {i[:10]} that it came from"
            yield record.path, f"{said} is not here"


def _forgotten(record: Record, look: _Look, by_name: Container[str]) -> Iterator[Problem]:
    """That a step was forgotten, and what of it is still here, but for what references need."""
    note, folder = record.forgotten, record.path.parent
    if note is None:
        return
    shown = folder / record.outputs[0].name if record.outputs else record.path
    yield Problem(record.number, shown, f"forgotten{note.said}{', with its words' if note.words else ''}", is_damage=False)
    needless = (name for name, _ in files_of(record) if name not in look.needed and name not in by_name)
    for name in (name for name in needless if os.path.lexists(folder / name)):
        yield Problem(record.number, folder / name, "is still here, and was forgotten: forget the step again")
    if note.words and record.file_sha256 == record.id:
        yield Problem(record.number, record.path, "still has its words, which were forgotten: forget the step again, with words")


def _notes_of_none(folder: Path, look: _Look) -> Iterator[tuple[str, str]]:
    """Notes that say nothing of a step that is here."""
    told = {note_path(r.path).name for r in look.records.values() if r.forgotten}
    for name in sorted(filter(NOTE_NAME.fullmatch, look.names - told)):
        yield name, f"should say which step was forgotten, and says it of none that is here{unread(folder / name)}"


def _wrong_beside(folder: Path, was_there: bool) -> Wrong:
    """What lies beside the records and is not what its own name says, whether a record names it or not."""
    if was_there and not is_marked(folder):
        yield folder / MARKER, f"is missing or cannot be read{unread(folder / MARKER)}; {MARKER_HOLDS}, and the next step mends it"
    for path in (*_beside(folder, "sources"), *_beside(folder, "extra"), *_beside(folder, "templates", ".json")):
        digest, name = path.name.partition(".")[0], f"{path.parent.name}/{path.name}"
        is_ours = FULL_SHA256.fullmatch(digest) or path.parent.name == "templates"  # else it may be a file manager's notes
        if is_ours and (said := wrong_file(folder, name, digest)):
            yield path, said
    for path in tag_files(folder):
        if (tag := misnamed_tag(path)) is not None:
            yield path, f"was changed or renamed after it was written (the tag {tag!r:.60} has another file name)"


def _wrong_journal(folder: Path, records: Mapping[str, Record]) -> Wrong:
    """What is wrong with what is derived: a line that says other things than its record, or what nothing can be written to."""
    path = folder / JOURNAL
    if os.path.lexists(path) and (said := unread(path)):
        yield path, f"cannot be read{said}; {REMOVE}"
    told = {row.name: row for row in Journal(folder).read()[0]}
    wrong = sorted(name for name, row in told.items() if name in records and not _agree(row, Row.of(records[name])))
    if wrong:
        yield path, f"says other things of {', '.join(wrong[:3])} than the records do; {REMOVE}"
    if os.path.lexists(folder / UNDER_WAY) and not is_folder(folder / UNDER_WAY):
        yield folder / UNDER_WAY, "is no folder, and no step can be begun: remove it"


def _agree(told: Row, row: Row) -> bool:
    """Whether a line says what the record does; what was taken out of a record is not compared."""
    return told.facts == row.facts and (told.asked == row.asked or not row.asked)


def _beside(folder: Path, name: str, suffix: str = "") -> list[Path]:
    """The files in a folder within, without hidden ones: half-written, or another system's own."""
    return sorted(p for p in folder.glob(f"{name}/*{suffix}") if not p.name.startswith("."))
