"""A step in flight: noted on disk attempt by attempt, then committed as a record with its pictures.

What was paid and finds no room on the disk is kept in memory: the next write of the same process records it, and what finds no room until
the process ends is saved among the system's temporary files.
"""

from __future__ import annotations

import atexit
import errno
import hashlib
import json
import logging
import os
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

from promptkit import atomic
from promptkit.errors import LineageError
from promptkit.images.formats import suffix_of
from promptkit.images.picture import Picture
from promptkit.lineage.fields import WrongField
from promptkit.lineage.files import json_bytes, sha256_of, wrong_file
from promptkit.lineage.layout import writing
from promptkit.lineage.outcomes import has_picture
from promptkit.lineage.record import Record, now
from promptkit.lineage.schema import RecordedCost, empty_fields, on_disk

__all__ = ["ADOPTED", "Ended", "PendingStep", "settle"]

ADOPTED = "its process ended before it was recorded; recorded by the next one"  # the warning of a step that another process recorded

ROOM = 16_000_000  # bytes that must be free before anything is paid: the largest pictures of a service fit
log = logging.getLogger("promptkit")


Ended = Callable[[Path, Record | None], None]  # is told the claim of a step that is in flight no more, and its record if it has one


class PendingStep:
    """A step in flight: its fields grow attempt by attempt, each noted on disk, until it is committed. Safe to use from two threads.

    The first commit counts; after it nothing is noted: an answer that comes after Ctrl-C finds its step recorded as interrupted. `ended`
    removes the claim, and takes the record in.
    """

    def __init__(self, folder: Path, number: int, slug: str, fields: Mapping[str, Any], claim: Path, ended: Ended) -> None:
        self.folder, self.number, self.claim = folder, number, claim
        self.slug = re.sub(r"[^\w.]+", "_", slug).strip(".")[:40] or "step"  # a part of a file name, wherever it came from
        self.fields: dict[str, Any] = {**empty_fields(), **fields, "warnings": fields.get("warnings") or []}
        self.record: Record | None = None
        self._ended = ended
        self._pictures: tuple[Picture, ...] = ()
        self._sealed: bytes | None = None
        self._lock = threading.Lock()

    # While it is asked for

    def attempt(self, fields: Mapping[str, Any], *, is_answered: bool = False) -> None:
        """Notes an attempt before it is sent; until it is answered it counts as interrupted. One whose answer is at hand is noted together
        with that. LineageError where it must not be sent: the step is recorded already, or there is hardly room for a picture.
        """
        with self._lock, writing(self.folder):
            if self.record is not None:
                raise LineageError(f"Step {self.number} was recorded already; nothing more is asked for it.", path=self.record.path)
            _check_room(self.folder)
            self.fields["attempts"].append({**fields, "outcome": "interrupted"})
            if is_answered:
                return
            try:
                self._note()
            except OSError:
                self.fields["attempts"].pop()  # it is not sent
                raise

    def drop(self) -> None:
        """Gives the number back, where nothing was asked for it."""
        with self._lock:
            if not self.fields["attempts"]:
                self._ended(self.claim, None)

    def answer(self, fields: Mapping[str, Any], pictures: Sequence[Picture] = (), warnings: Sequence[str] = ()) -> None:
        """Notes the answer to the last attempt, and the pictures that are about to be written. Durable before the first of them is."""
        with self._lock, writing(self.folder):
            if self.record is None:
                self.fields["attempts"][-1].update(_holdable(fields))
                self.fields["warnings"] = [*self.fields["warnings"], *warnings]
                self._hold(pictures)
                with suppress(OSError) if pictures else nullcontext():  # whether there is room for pictures, their commit says
                    self._note(durable=True)
                    if pictures:
                        atomic.sync_folder(self.claim.parent)  # else a loss of power leaves pictures that nothing names

    def hold(self, pictures: Sequence[Picture]) -> None:
        """Keeps what an answer brought, so that it is recorded whatever fails before the answer is noted."""
        with self._lock:
            if self.record is None:
                self._hold(pictures)

    def keep(self, names: Sequence[str]) -> None:
        """Notes the sha256 of what is kept beside the records of the last attempt, before more is made of it; durable if there is room."""
        with self._lock, suppress(OSError):
            if self.record is None:
                self.fields["attempts"][-1]["kept"] = list(names)
                self._note(durable=True)

    def _hold(self, pictures: Sequence[Picture]) -> None:
        self.fields["outputs"] = [self._output(p) for p in pictures]
        self._pictures = tuple(pictures)

    def _output(self, picture: Picture) -> dict[str, Any]:
        return {
            "file": f"{self.number:04}-{self.slug}-{picture.sha256[:10]}{suffix_of(picture.mime_type)}",
            "sha256": picture.sha256,
            "bytes": len(picture.data),
            "mime_type": picture.mime_type,
            "size": list(picture.size) if picture.size else None,
        }

    def _note(self, *, durable: bool = False) -> None:
        note = {**atomic.whose(), "slug": self.slug, "record": self.fields}
        atomic.write_whole(self.claim, json_bytes(note, indent=None), durable=durable)

    # Becoming a record

    def commit(self, outcome: str, pictures: Sequence[Picture] = ()) -> Record:
        """Writes pictures, then the record, then drops the claim; only then does the step exist. Pictures that an answer brought are kept
        whatever the outcome would have been; `pictures` are those of a step that asks nobody.

        LineageError where there is no room. What was paid is then kept in memory, and `settle` or a second commit records it.
        """
        with self._lock:
            if self.record is None:
                try:
                    with writing(self.folder):
                        self.record = self._committed(outcome, pictures)
                except LineageError as error:
                    self._keep_back(error)
                    raise
                self._pictures = ()
                with suppress(ValueError):
                    KEPT_BACK.remove(self)
        return self.record

    def _committed(self, outcome: str, pictures: Sequence[Picture]) -> Record:
        if pictures:
            self._hold(pictures)
            self._note(durable=True)  # so that a picture whose process is killed now is no riddle
            atomic.sync_folder(self.claim.parent)
        self._write_pictures(self.folder)
        return self._write("picture" if self._pictures and not has_picture(outcome) else outcome)

    def _write_pictures(self, folder: Path) -> None:
        for picture, output in zip(self._pictures, self.fields["outputs"], strict=True):
            atomic.write_whole(folder / output["file"], picture.data, durable=True)

    def _write(self, outcome: str) -> Record:
        if self._sealed is None:  # a second commit, after Ctrl-C in the first, must not make a second record
            self.fields |= {"outcome": outcome, "ended": now()}
            self._sealed = json_bytes(on_disk(self.fields))
        digest = hashlib.sha256(self._sealed).hexdigest()
        path = self.folder / f"{self.number:04}-{self.slug}-{digest[:10]}.json"
        atomic.write_whole(path, self._sealed, durable=True)
        atomic.sync_folder(self.folder)
        record = Record.of(path, digest, json.loads(self._sealed))
        self._ended(self.claim, record)
        return record

    def adopt(self) -> None:
        """Turns what a killed process left into a record: its pictures that lie there whole, else an interrupted step, if it was asked."""
        asked = bool(self.fields["attempts"])
        whole = [o for o in self.fields["outputs"] if self._is_whole(o)]
        self.fields |= {"outputs": whole, "warnings": [*self.fields["warnings"], ADOPTED]}
        if whole:
            self._write("picture" if asked else "made" if self.fields.get("made") else "added")
        elif asked:
            self._write("interrupted")

    def _is_whole(self, output: Mapping[str, Any]) -> bool:
        """Whether that picture lies in the folder, under its name or under the one that it was written with, from which it gets its own."""
        name, digest = Path(output["file"]).name, output["sha256"]
        if not wrong_file(self.folder, name, digest):
            return True
        for path in self.folder.glob(f"{atomic.TEMPORARY}*"):
            with suppress(OSError):
                if path.lstat().st_size == output["bytes"] and path.is_file() and not path.is_symlink() and sha256_of(path) == digest:
                    path.replace(self.folder / name)
                    return True
        return False

    # Where there is no room

    def _keep_back(self, error: LineageError) -> None:
        if self.fields["attempts"]:
            if self not in KEPT_BACK:
                KEPT_BACK.append(self)
            what = "its picture" if self._pictures else "its answer"
            kept = f"Step {self.number} is not on record yet: {what} stays in memory, and the next step here records it first."
            error.args = (f"{error} {kept}",)

    def is_in(self, folder: Path) -> bool:
        """Whether it is a step of the session in that folder."""
        return self.folder == folder or self.folder.resolve() == folder.resolve()

    def rescue(self) -> None:
        """The process ends: a picture that finds no room in its folder to the last is saved where there is some, and logged."""
        import tempfile

        with suppress(LineageError):
            self.commit("interrupted")
        if self.record is not None or not self._pictures:  # of paid words the note in the folder tells
            return
        where = f"Step {self.number} of {self.folder} could not be recorded for want of room"
        try:
            folder = Path(tempfile.mkdtemp(prefix="promptkit-"))
            self._write_pictures(folder)
        except OSError as error:
            log.error("%s, and is lost: %s.", where, error)
        else:
            log.error("%s; what it brought is in %s: `promptkit add` takes a picture of your own.", where, folder)


KEPT_BACK: list[PendingStep] = []  # paid and not on disk, for want of room


def settle(folder: Path) -> None:
    """Records what this process was answered for steps in that folder and had no room for. LineageError where there is none still."""
    for step in [s for s in KEPT_BACK if s.is_in(folder)]:
        step.commit("interrupted")


@atexit.register
def _rescue() -> None:
    for step in [*KEPT_BACK]:
        step.rescue()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=KEPT_BACK.clear)  # they are the parent's


def _holdable(fields: Mapping[str, Any]) -> dict[str, Any]:
    """An answer without a cost that no record can hold: its counts come from a service, its prices from a file."""
    try:
        RecordedCost.check(fields.get("cost") or {"usd": 0.0})
    except WrongField:
        return {**fields, "cost": None}
    return dict(fields)


def _check_room(folder: Path) -> None:
    free = atomic.free_bytes(folder)
    if free is not None and free < ROOM:
        said = f"only {free / 1e6:.1f} MB are free, and a picture may need {ROOM / 1e6:.0f}, so nothing was sent"
        raise OSError(errno.ENOSPC, said)
