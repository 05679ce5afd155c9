"""Who is asking for what: one file in `.open/` for each request in flight, so that of all processes that share a folder one asks.

Its name is made of the recipe (or of the picture that is added), so that making it decides who asks, and looking for it costs one read.
It is made before a step takes its number, and removed when the step is on record; what a dead process left is taken over. Of what a batch
job asks for, the claim is the job's: it names the job's file, and counts as long as that is there, whichever processes live.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from promptkit import atomic
from promptkit.errors import LineageError
from promptkit.lineage.files import json_bytes, json_object, read_file, reason
from promptkit.lineage.holding import hold, is_held, let_go
from promptkit.lineage.layout import UNDER_WAY
from promptkit.lineage.record import now

__all__ = [
    "REQUEST_NAME",
    "Holder",
    "clear_requests",
    "holder_of",
    "let_job_request_go",
    "let_request_go",
    "request_path",
    "take_request",
    "take_request_for_job",
]

REQUEST_NAME = re.compile(r"(?:\.open-)?r-[0-9a-f]{32}\.json")
LARGEST = 65_536  # bytes of a claim
JOB = "job"  # what names its file in a job's claim
YOUNG = 2.0  # seconds in which a claim that says nothing may be one that is just being written


@dataclass(frozen=True)
class Holder:
    """The process that is asking for something, or the batch job that is, as its claim names it.

    `job` is the job's name at the service, or that of its file as long as it has none; None where a process asks.
    """

    note: Mapping[str, Any]
    job: str | None = None

    def __str__(self) -> str:
        """Process, machine, and since when; or the job's name."""
        if self.job is not None:
            return f"the batch job {self.job}"
        process, host, claimed = (f"{self.note.get(name, 'unknown')!s:.80}" for name in ("process", "host", "claimed"))
        return f"process {process} on {host}, since {claimed}"


def request_path(folder: Path, asked: str) -> Path:
    """The claim of whoever asks for that: a recipe, or what else tells a request from others."""
    return folder / UNDER_WAY / f"r-{hashlib.sha256(asked.encode(errors='replace')).hexdigest()[:32]}.json"


def take_request(path: Path) -> Holder | None:
    """Claims a request for this process, which then holds it; else who has it. A dead process's claim is taken over."""
    while True:
        with _own:
            if _made(path):
                hold(path)
                return None
        if (holder := holder_of(path)) is not None:
            return holder


def holder_of(path: Path) -> Holder | None:
    """Who has a request claimed; None where nobody has: what a dead process left is removed, and so is what is no file.

    LineageError, with its name, where it can neither be read nor removed.
    """
    try:
        data = _settled(path)
    except OSError as error:
        _remove_no_claim(path, reason(error))
        return None
    if data is None:
        return None
    note = json_object(data)
    if not _is_dead(path, note):
        return Holder(note, _job_name(_job_file(path, note)) if JOB in note else None)
    _remove_judged(path, data)
    return None


def let_request_go(path: Path) -> None:
    """Gives a request up. Where its claim cannot be removed that hides no error: it is known as nobody's."""
    let_go(path)
    with suppress(OSError):
        if json_object(read_file(path, LARGEST)).get("run") == atomic.RUN:  # else it was taken over, as of a machine that slept
            path.unlink(missing_ok=True)


def take_request_for_job(path: Path, job: Path) -> Holder | None:
    """Claims a request for the batch job whose file that is; else who has it. One that the job has already is its own."""
    note = {JOB: os.path.relpath(job, path.parent).replace(os.sep, "/"), "claimed": now()}
    while not atomic.make_new(path, json_bytes(note, indent=None)):
        if (holder := holder_of(path)) is not None:
            return None if holder.note.get(JOB) == note[JOB] else holder
    return None


def let_job_request_go(path: Path, job: Path) -> None:
    """Gives up what was claimed for that job; another's claim stays."""
    with suppress(OSError):
        note = json_object(read_file(path, LARGEST))
        if JOB in note and _job_file(path, note) == Path(os.path.normpath(job)):
            path.unlink(missing_ok=True)


def clear_requests(paths: Sequence[Path]) -> None:
    """Removes the claims that dead processes left on requests; one that cannot be read is left to who asks for the same."""
    for path in (p for p in paths if REQUEST_NAME.fullmatch(p.name)):
        with suppress(LineageError):
            holder_of(path)


def _made(path: Path) -> bool:
    note = {**atomic.whose(), "folder": path.parent.stat().st_ino, "claimed": now()}
    return atomic.make_new(path, json_bytes(note, indent=None))


def _settled(path: Path) -> bytes | None:
    """What a claim says, waiting a moment for one that is just being written; None where there is none."""
    until = time.monotonic() + YOUNG
    try:
        while not json_object(data := read_file(path, LARGEST)) and time.monotonic() < until:
            if time.time() - path.stat().st_mtime > YOUNG:
                break
            time.sleep(0.01)
    except FileNotFoundError:
        return None
    return data


def _remove_no_claim(path: Path, why: str) -> None:
    """Removes what no process ever made as its claim: a pipe, a device, a link, a giant, an empty folder."""
    try:
        there = path.lstat()
        if stat.S_ISDIR(there.st_mode):
            path.rmdir()
        elif not stat.S_ISREG(there.st_mode) or there.st_size > LARGEST:
            path.unlink()
        else:  # it may be another user's, who asks just now
            raise PermissionError
    except FileNotFoundError:
        return
    except OSError:
        said = f"{path.name} would say who asks for the same just now, and cannot be read: {why}"
        raise LineageError(f"{said}. Remove it, if nobody does, then try again.", path=path) from None


def _job_file(path: Path, note: Mapping[str, Any]) -> Path:
    """The file of the job that a claim names: from the claim's folder on, so that all can be moved together."""
    return Path(os.path.normpath(path.parent / str(note[JOB])))


def _job_name(file: Path) -> str:
    """What the service calls a job; the name of its file where it does not say."""
    try:
        name = json_object(read_file(file, LARGEST)).get("name")
    except OSError:
        name = None
    return f"{name or file.stem!s:.200}"


def _is_dead(path: Path, note: Mapping[str, Any]) -> bool:
    if JOB in note:
        return not _job_file(path, note).is_file()
    if note.get("process") == os.getpid() and note.get("run") == atomic.RUN:
        with _own:
            return not is_held(path)
    if not note:  # it says nothing, and nobody is writing it
        return True
    clock = partial(atomic.now_there, path.parent)
    return atomic.is_abandoned(path, note, clock=clock) or _is_copied(path, note, clock)


def _is_copied(path: Path, note: Mapping[str, Any], clock: Callable[[], float]) -> bool:
    """Whether it came with a copy of the folder: then its process lives, and neither touches it nor ends it."""
    try:
        was_made_here = note.get("folder") in (None, path.parent.stat().st_ino)
        return not was_made_here and clock() - path.lstat().st_mtime > atomic.UNTOUCHED
    except OSError:
        return False


def _remove_judged(path: Path, judged: bytes) -> None:
    """Removes a claim that still says what was judged; another's that took its place meanwhile is put back."""
    aside = path.with_name(f"{atomic.temporary_beside(path).name}{secrets.token_hex(2)}")
    with suppress(OSError):
        if read_file(path, LARGEST) != judged:
            return
        path.rename(aside)
        if read_file(aside, LARGEST) != judged:
            with suppress(FileExistsError):
                os.link(aside, path)
        aside.unlink(missing_ok=True)


def _forget_the_parents() -> None:
    global _own
    _own = threading.Lock()


_own = threading.Lock()  # between a claim of this process's and its being held

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_the_parents)
