"""What processes have under way in a session's folder, told by hidden files: the numbers of steps in flight, and money kept aside.

There are no locks: who makes `.open/NNNN.json` has the number, and renaming it decides who adopts what a killed process left. A lineage
gives the paths of what it found under way; earlier versions made `.open-NNNN.json` and the like beside the records.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from promptkit import atomic
from promptkit.cost import USD, is_amount
from promptkit.errors import LineageError
from promptkit.lineage.files import json_bytes, read_json
from promptkit.lineage.holding import hold, let_go
from promptkit.lineage.layout import BESIDE, CLAIM_NAME, UNDER_WAY, writing
from promptkit.lineage.pending_step import Ended, PendingStep
from promptkit.lineage.record import Record
from promptkit.lineage.request_claims import clear_requests
from promptkit.lineage.schema import empty_fields

__all__ = ["UnderWay", "adopt", "are_being_adopted", "claim", "claimed", "clear", "clear_beside", "set_aside", "take", "under_way"]

ASIDE_NAME = re.compile(r"(\.open-)?usd-[0-9a-f]+\.json")
ADOPTING = 10.0  # seconds that turning a claim into a record may take
Note = Mapping[str, Any]
Numbered = Callable[[int], Sequence[Record]]  # the readable records with a number


@dataclass(frozen=True)
class UnderWay:
    """What one process has begun in a folder and not recorded yet: what it keeps aside (money by currency, numbers of requests), and its
    steps as they stand."""

    aside: Mapping[str, float]
    steps: tuple[Record, ...]


# Claiming


def claim_path(folder: Path, number: int) -> Path:
    """The claim of the step with that number."""
    return folder / UNDER_WAY / f"{number:04}.json"


def take(folder: Path, highest: Callable[[], int], is_recorded: Callable[[int], bool]) -> tuple[int, Path]:
    """Claims a number that nobody has: the number, and the claim. `highest` is the last one known to be taken."""
    number = 1
    while not (path := claim(folder, number := max(number, highest() + 1), is_recorded)):
        number += 1
    return number, path


def claim(folder: Path, number: int, is_recorded: Callable[[int], bool]) -> Path | None:
    """Claims a number; None where somebody has it. `is_recorded` looks after the claim: a rival may have been faster, and have finished."""
    path = claim_path(folder, number)
    if os.path.lexists(folder / f".open-{path.name}"):  # an earlier version's process has it
        return None
    if not atomic.make_new(path, json_bytes(atomic.whose())):
        return None
    is_free = False
    try:
        is_free = not is_recorded(number)
    finally:
        if not is_free:
            path.unlink(missing_ok=True)
    return path if is_free else None


def claimed(paths: Iterable[Path]) -> Iterator[int]:
    """The numbers of the claims among these files."""
    return (int(match[2]) for _, match in _claims(paths))


def _claims(paths: Iterable[Path]) -> Iterator[tuple[Path, re.Match[str]]]:
    return ((path, match) for path in paths if (match := CLAIM_NAME.fullmatch(path.name)))


# What others have under way


def set_aside(folder: Path, holder: str, aside: Mapping[str, float]) -> None:
    """Notes what `holder` (hex digits) keeps aside for its requests, money by currency and numbers of requests, so that all who use the
    folder count it.
    """
    path = folder / UNDER_WAY / f"usd-{holder}.json"
    with writing(folder):
        if aside:
            more = {unit: amount for unit, amount in aside.items() if unit != USD}
            note = {**atomic.whose(), "usd": float(aside.get(USD, 0.0)), **({"more": more} if more else {})}
            atomic.write_whole(path, json_bytes(note))
            hold(path)
        else:
            let_go(path)
            path.unlink(missing_ok=True)


def under_way(paths: Sequence[Path]) -> list[UnderWay]:
    """What each process has under way, this one included; what a dead one kept aside counts no longer, its steps do."""
    aside: dict[tuple[str, ...], dict[str, float]] = {}
    steps: dict[tuple[str, ...], list[Record]] = {}
    for path, note in ((p, read_json(p)) for p in paths if ASIDE_NAME.fullmatch(p.name)):
        kept = _kept_aside(note)
        if kept and not atomic.is_abandoned(path, note):
            sums = aside.setdefault(_who(note), {})
            sums |= {unit: sums.get(unit, 0.0) + amount for unit, amount in kept.items()}
    for path, match in _claims(paths):
        note = read_json(path)
        if record := _noted(note, int(match[2]), path):
            steps.setdefault(_who(note), []).append(record)
    return [UnderWay(aside.get(who, {}), tuple(steps.get(who, ()))) for who in {**aside, **steps}]


def _kept_aside(note: Note) -> dict[str, float]:
    """What a note says that is kept aside, as far as it is sums that can be added up."""
    more = note.get("more")
    sums = {USD: note.get("usd"), **(more if isinstance(more, dict) else {})}
    return {unit: amount for unit, amount in sums.items() if is_amount(amount)}


def _who(note: Note) -> tuple[str, ...]:
    return tuple(str(note.get(k)) for k in ("host", "process", "run"))


def _noted(note: Note, number: int, path: Path) -> Record | None:
    """The step of a claim as it stands; None where the claim tells of nothing that could be recorded."""
    fields = note.get("record")
    if not isinstance(fields, dict):
        return None
    try:
        return Record.of(path, "", {**empty_fields(), **fields, "number": number, "outcome": "interrupted"})
    except LineageError:
        return None


# What killed processes left


def clear(paths: Sequence[Path]) -> None:
    """Removes what dead processes kept aside, and what they left half-written."""
    for path in (p for p in paths if ASIDE_NAME.fullmatch(p.name)):
        if atomic.is_abandoned(path, read_json(path), clock=partial(atomic.now_there, path.parent)):
            path.unlink(missing_ok=True)
    clear_requests(paths)
    atomic.clear_temporary(path for path in paths if path.name.startswith(atomic.TEMPORARY))


def clear_beside(folder: Path) -> None:
    """Removes what dead processes left half-written in the folders within."""
    atomic.clear_temporary(path for name in BESIDE for path in folder.glob(f"{name}/{atomic.TEMPORARY}*"))


def adopt(folder: Path, paths: Sequence[Path], numbered: Numbered, ended: Ended, own: Path | None = None) -> bool:
    """Turns the claims of dead processes into records of that folder, but for one's `own`; whether there were any. `ended` hears of
    each.
    """
    found = False
    for path, match in _claims(paths):
        note, name = read_json(path), f"{match[1] or ''}{match[2]}"
        if path != own and _is_dead(note, path, match[3]) and (mine := _taken_over(path, name, note)):
            found = True
            _adopt(folder, mine, name, numbered, ended)
    return found


def are_being_adopted(paths: Sequence[Path]) -> bool:
    """Whether another process is just turning one of these claims into a record."""
    return any(_is_being_adopted(path, int(match[3])) for path, match in _claims(paths) if match[3])


def _is_being_adopted(path: Path, adopter: int) -> bool:
    if adopter in (atomic.NOBODY, os.getpid()):
        return False
    try:
        is_new = abs(time.time() - path.lstat().st_mtime) < ADOPTING  # else it came with a copy, or another machine's clock is another
    except OSError:
        return False
    return is_new and not _is_dead(read_json(path), path, str(adopter))


def _is_dead(note: Note, path: Path, adopter: str | None) -> bool:
    """Whether nobody works on a claim any more: neither who made it nor, where it was taken over, who did that."""
    judged = {**note, "process": int(adopter), "run": atomic.RUN, "since": None} if adopter else note
    return atomic.is_abandoned(path, judged, clock=partial(atomic.now_there, path.parent))


def _taken_over(path: Path, name: str, judged: Note) -> Path | None:
    """The claim under this process's own name; None where another process was faster, or its owner was alive and has written meanwhile."""
    mine = path.with_name(f"{name}.{os.getpid()}.json")
    with suppress(OSError):  # not to look abandoned to a third process
        os.utime(path)
    try:
        path.rename(mine)
    except OSError:
        return None
    if read_json(mine) == judged:
        return mine
    with suppress(OSError):
        os.link(mine, path)
    with suppress(OSError):
        mine.unlink()
    return None


def _adopt(folder: Path, path: Path, name: str, numbered: Numbered, ended: Ended) -> None:
    record = None
    try:
        step = _left(folder, path, int(name.removeprefix(".open-")), ended)
        if step is not None and (record := _recorded(step, numbered(step.number))) is None:
            step.adopt()
    except BaseException:
        _give_back(path, name)
        raise
    ended(path, record)


def _left(folder: Path, path: Path, number: int, ended: Ended) -> PendingStep | None:
    """The step that a claim tells of; None where it tells nothing that could be recorded."""
    note = read_json(path)
    if not _noted(note, number, path):
        return None
    return PendingStep(folder, number, str(note.get("slug")), {**note["record"], "number": number}, path, ended)


def _recorded(step: PendingStep, records: Sequence[Record]) -> Record | None:
    """Its record, where its process ended between that and the end of its claim, or the claim is a copy from while it was asked."""
    begun = _begun(step.fields["attempts"])
    return next((record for record in records if _begun(record.attempts)[: len(begun)] == begun), None)


def _begun(attempts: Iterable[Note]) -> list[str]:
    return [str(a.get("started")) for a in attempts]


def _give_back(path: Path, name: str) -> None:
    """Lets anybody on this machine try at once what could not be adopted."""
    with suppress(OSError):
        path.rename(path.with_name(f"{name}.{atomic.NOBODY}.json"))
