"""Forgetting steps: their pictures' bytes are taken out of a session's folder, and their words where that is asked for.

First a note is written beside each record, then files go, last the records that lose their words are replaced: what a killed process began
is forgotten already, and forgetting it again finishes it. Records say which files are a step's own, and a record may come from a stranger.
So a file goes only where its name holds the hash that the record says it has, and nothing is reached through a link.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from promptkit import atomic
from promptkit.errors import LineageError
from promptkit.json_objects import flat_object
from promptkit.lineage.files import sha256_of
from promptkit.lineage.forgotten import SHA256, Forgotten, note_path, wordless, wordless_bytes
from promptkit.lineage.layout import BESIDE, files_left, files_of, list_names, writing
from promptkit.lineage.record import Record, now
from promptkit.lineage.references import needed_by_names
from promptkit.lineage.tree import Lineage
from promptkit.terminal import printable

__all__ = ["Forgetting", "forget"]

PAGES = (".html", ".htm")
KILO, MEGA = 1000, 10**6
NOT_REACHED = "Exports, saved copies and pages that were made before are not reached."


@dataclass(frozen=True, repr=False)
class Forgetting:
    """What was forgotten, or with `dry_run` would be: the `steps` by number, the `files` that go from the session's folder, and how many
    `bytes` these have in all. `words` says whether prompts and replies go too, `notes` are sentences on what stays, and why.
    """

    steps: tuple[int, ...]
    files: tuple[str, ...]
    bytes: int
    words: bool
    notes: tuple[str, ...]
    dry_run: bool = False

    @property
    def summary(self) -> str:
        """One line: which steps, how many files, how many bytes."""
        which = f"step{'s' * (len(self.steps) > 1)} {', '.join(map(str, self.steps))}"
        what = f"{len(self.files)} file{'s' * (len(self.files) != 1)}, {_size(self.bytes)}"
        words = ", with prompt and reply" if self.words else ""
        return f"{which} {'would be' if self.dry_run else _was(self.steps)} forgotten{words}: {what}"

    def to_dict(self) -> dict[str, Any]:
        """As one flat object (promptkit.forgetting/1)."""
        names = ("steps", "files", "bytes", "words", "dry_run", "notes")
        return flat_object("forgetting", **{name: getattr(self, name) for name in names})

    def __str__(self) -> str:
        return printable("\n".join((self.summary, *self.notes)), keep="\n")

    def __repr__(self) -> str:
        return f"<Forgetting: {self}>"


def _was(steps: Sequence[int]) -> str:
    return "was" if len(steps) == 1 else "were"


def _size(count: int) -> str:
    return f"{count / MEGA:.1f} MB" if count >= MEGA else f"{count / KILO:.0f} kB" if count >= KILO else f"{count} bytes"


def forget(lineage: Lineage, records: Sequence[Record], *, by: str, words: bool = False, dry_run: bool = False) -> Forgetting:
    """Takes the files of these steps out of the folder, those that another step needs left aside; with `words` what their records say too.

    `by` is the user's name, for the note. `dry_run` changes nothing. LineageError where something cannot be written or deleted.
    """
    steps = [_Step.of(record, words=words) for record in dict.fromkeys(records)]
    going = _Going(lineage, steps)
    if not dry_run:
        lineage.adopt()  # else the note of a killed process would keep a prompt
        with writing(lineage.folder):
            _write_notes(steps, by)
            _remove(lineage.folder, going.files)
            _remove_words(steps)
            _clear_temporary(lineage.folder, {*chain.from_iterable(s.digests for s in steps)})
        lineage.reopen()
    numbers = tuple(step.record.number for step in steps)
    return Forgetting(numbers, tuple(going.files), sum(going.files.values()), words, tuple(going.notes()), dry_run)


@dataclass(frozen=True)
class _Step:
    """A step that is to be forgotten: its record, the note that it has already, and whether its words go; a note may say that they do."""

    record: Record
    note: Forgotten | None
    words: bool

    @classmethod
    def of(cls, record: Record, *, words: bool) -> _Step:
        note = record.forgotten
        return cls(record, note, words or bool(note and note.words))

    @property
    def speaks(self) -> bool:
        """Whether its record holds words that are to go."""
        return self.words and wordless(self.record.fields) != self.record.fields

    @property
    def digests(self) -> frozenset[str]:
        """Of the pictures that it holds."""
        return frozenset(output.sha256 for output in self.record.outputs)

    @property
    def own(self) -> dict[str, str]:
        """The files that go with it, by name, where their names are those that a session gives them."""
        return {name: digest for name, digest in files_of(self.record) if self._goes(name) and _is_named_for(name, digest, self.record)}

    @property
    def strange(self) -> list[str]:
        """The names of what its record calls its files, and a session would not."""
        return [name for name, digest in files_of(self.record) if self._goes(name) and not _is_named_for(name, digest, self.record)]

    def _goes(self, name: str) -> bool:
        return self.words or not name.startswith("templates/")


def _is_named_for(name: str, digest: str, record: Record) -> bool:
    """Whether a file's name holds its hash, and a picture's the number of its step."""
    folder, _, own = name.rpartition("/")
    if folder:
        return bool(SHA256.fullmatch(digest)) and own.partition(".")[0] == digest
    is_picture = own.startswith(f"{record.number:04}-") and not own.endswith(".json")
    return is_picture and bool(SHA256.fullmatch(digest)) and f"-{digest[:10]}." in own


class _Going:
    """The files that go when some steps are forgotten, each with its size in bytes, and what stays."""

    def __init__(self, lineage: Lineage, steps: Sequence[_Step]) -> None:
        self._lineage, self._steps = lineage, steps
        self._others, self._unread = _others(lineage, {step.record.id for step in steps})
        self._needed = {name: f"the reference {named!r}" for name, named in needed_by_names(lineage.folder).items()}
        self._needed |= {name: f"step {r.number}" for r in self._others for name, _ in files_left(r)}
        names = dict.fromkeys(name for step in steps for name in step.own if not self._is_needed(name))
        self.files = {name: size for name in names if (size := _size_of(lineage.folder, name)) is not None}

    def _is_needed(self, name: str) -> bool:
        """Whether another step or a reference needs a file, or one may whose record cannot be read."""
        return name in self._needed or ("/" in name and self._unread > 0)

    def notes(self) -> Iterator[str]:
        """A sentence on each thing that stays, or is not reached."""
        for step in self._steps:
            yield from self._notes_on(step)
        if pages := sorted(n for n in list_names(self._lineage.folder) if Path(n).suffix.lower() in PAGES):
            yield f"{', '.join(pages[:3])} in the folder may still show them: write it anew, or delete it."
        yield NOT_REACHED
        if where := _repository(self._lineage.folder):
            yield f"What git has committed stays in its history: {where} is a repository."

    def _notes_on(self, step: _Step) -> Iterator[str]:
        number = step.record.number
        if step.note:
            yield f"Step {number} was forgotten{step.note.said} already; what was left of it goes now."
        for other in self._others:
            if step.digests & {output.sha256 for output in other.outputs} and not other.forgotten:
                yield f"Step {other.number} has the picture of step {number} too, and keeps it."
        for name in step.own:
            if name in self._needed:
                yield f"{name} stays, for {self._needed[name]} needs it."
            elif self._is_needed(name):
                yield f"{name} stays, for a damaged record may need it; `promptkit verify` names that."
        for name in step.strange:
            yield f"{name} stays, for that is no name of a file of step {number}."


def _others(lineage: Lineage, ids: set[str]) -> tuple[list[Record], int]:
    """The steps that are not among these, those in flight too, and how many cannot be read."""
    records, unread = lineage.read()
    in_flight = (record for under_way in lineage.under_way() for record in under_way.steps)
    return [*(r for r in records if r.id not in ids), *in_flight], unread


def _size_of(folder: Path, name: str) -> int | None:
    """The bytes of a file, 0 for a link or a pipe in its place; None where there is nothing, or it would be reached through a link."""
    path = folder / name
    with suppress(OSError, ValueError):
        if path.parent == folder or stat.S_ISDIR(path.parent.lstat().st_mode):
            state = path.lstat()
            return state.st_size if stat.S_ISREG(state.st_mode) else 0
    return None


def _repository(folder: Path) -> Path | None:
    """The folder of the git repository that the session is in, if it is in one."""
    there = folder.resolve()
    return next((p for p in (there, *there.parents) if os.path.lexists(p / ".git")), None)


# Doing it


def _write_notes(steps: Sequence[_Step], by: str) -> None:
    """Writes what is not noted yet: that it was forgotten, or that its words were too."""
    for step in steps:
        digest = hashlib.sha256(wordless_bytes(step.record.fields)).hexdigest() if step.speaks else None
        if step.note is None or digest not in (None, step.note.record):
            note = Forgotten(step.record.id, now(), by, digest)
            atomic.write_whole(note_path(step.record.path), note.data(), durable=True)
    _sync(steps)


def _sync(steps: Sequence[_Step]) -> None:
    for folder in {step.record.path.parent for step in steps}:
        atomic.sync_folder(folder)


def _remove(folder: Path, names: Collection[str]) -> None:
    for name in names:
        try:
            (folder / name).unlink(missing_ok=True)
        except OSError as error:
            said = f"{name} in {folder} cannot be deleted: {error.strerror or error}; delete it, then forget the step again."
            raise LineageError(said, path=folder / name) from None
    for path in {(folder / name).parent for name in names}:
        atomic.sync_folder(path)


def _remove_words(steps: Sequence[_Step]) -> None:
    """Puts records without words in place of those with them."""
    for step in steps:
        if step.speaks:
            atomic.write_whole(step.record.path, wordless_bytes(step.record.fields), durable=True)
    _sync(steps)


def _clear_temporary(folder: Path, digests: set[str]) -> None:
    """Removes what killed writers left, and of half-written files all that hold one of these pictures."""
    found = [p for within in ("", *BESIDE) for p in (folder / within).glob(f"{atomic.TEMPORARY}*")]
    atomic.clear_temporary(found)
    for path in found:
        with suppress(OSError):
            if sha256_of(path) in digests:
                path.unlink()
