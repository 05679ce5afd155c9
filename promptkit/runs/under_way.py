"""Tells other processes that a run is at work in a folder, and takes their word that it shall stop.

Each coordinator has a file in `.open/` of the run's folder, with what tells its process from others; whoever wants it to stop puts a file
beside it whose name ends in .stop.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from promptkit import atomic
from promptkit.lineage.files import json_bytes, read_json
from promptkit.lineage.holding import hold, let_go
from promptkit.lineage.layout import UNDER_WAY, under_way_in

__all__ = ["AtWork", "at_work", "has_claims", "is_over", "others_at_work", "stop_all"]

PREFIX, STOP = "run-", ".stop"


class AtWork:
    """That this process's coordinator is at work in a folder."""

    def __init__(self, into: Path) -> None:
        self._path = into / UNDER_WAY / f"{PREFIX}{secrets.token_hex(8)}.json"

    def begin(self) -> None:
        """Says so."""
        atomic.write_whole(self._path, json_bytes(atomic.whose()))
        hold(self._path)

    def end(self) -> None:
        """Takes it back."""
        let_go(self._path)
        for path in (self._path, self._stop):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    @property
    def path(self) -> Path:
        """Its file, as long as it is at work."""
        return self._path

    @property
    def _stop(self) -> Path:
        return self._path.with_suffix(STOP)

    def stop(self) -> None:
        """Tells workers that nothing more is begun."""
        with suppress(OSError):  # then they carry out what they were handed
            self._stop.touch()

    def shall_stop(self) -> bool:
        """Whether another process has asked it to stop."""
        return self._stop.exists()


@contextmanager
def at_work(into: Path) -> Iterator[AtWork]:
    """Says that a coordinator is at work there, as long as the block runs."""
    own = AtWork(into)
    own.begin()
    try:
        yield own
    finally:
        own.end()


def others_at_work(into: Path) -> list[Path]:
    """The files of the coordinators that are at work there; what dead ones left is removed."""
    clock = partial(atomic.now_there, into)
    alive: list[Path] = []
    for path in (p for p in under_way_in(into) if p.name.startswith(PREFIX) and p.suffix == ".json"):
        if atomic.is_abandoned(path, read_json(path), clock=clock):
            for left in (path, path.with_suffix(STOP)):
                with suppress(OSError):
                    left.unlink(missing_ok=True)
        else:
            alive.append(path)
    return alive


def is_over(path: Path) -> bool:
    """Whether the coordinator whose file that is has ended, or was asked to stop: nothing more is begun for it."""
    return path.with_suffix(STOP).exists() or not path.exists()


def has_claims(folder: Path) -> bool:
    """Whether a process that lives has a step under way in a row's folder."""
    clock = partial(atomic.now_there, folder)
    return any(not atomic.is_abandoned(p, read_json(p), clock=clock) for p in under_way_in(folder) if p.suffix == ".json")


def stop_all(into: Path) -> int:
    """Asks all coordinators there to stop; how many there are."""
    found = others_at_work(into)
    for path in found:
        path.with_suffix(STOP).touch()
    return len(found)
