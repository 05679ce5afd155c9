"""How pictures of a trail were measured, in a file of the user's own, so that none is decoded twice for it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from promptkit.images.measures import Decay, Edit, Edited
from promptkit.session.cache_lines import append_lines, cache_file, forget_lines, read_lines

__all__ = ["CACHE_NAME", "MeasureCache", "forget_measures"]

# The number in it grows with each change of how pictures are measured.
CACHE_NAME = "measures-1.jsonl"
BEGINNING = b'{"of": "'


def cache_path() -> Path:
    """Where the user's cache is, whether or not there is one."""
    return cache_file(CACHE_NAME)


def forget_measures(sha256s: Iterable[str]) -> None:
    """Takes what was measured of these pictures out of the user's cache."""
    forget_lines(cache_path(), sha256s)


class MeasureCache:
    """Edits and decays by a text that names what was measured: two pictures by their sha256, and of what in them.

    Of its file only the lines that are asked for are parsed. A broken line counts as missing. None is known of pictures that cannot be laid
    over each other, and that is kept too.
    """

    def __init__(self) -> None:
        self._path = cache_path()
        self._lines = {_name(line): line for line in read_lines(self._path)}
        self._new: list[bytes] = []

    def edit(self, name: str) -> tuple[Edit | None] | None:
        """The edit of that name, alone in a tuple; None where it is not known."""
        return self._found(name, _edit)

    def decay(self, name: str) -> tuple[Decay | None] | None:
        """The decay of that name, alone in a tuple; None where it is not known."""
        return self._found(name, _decay)

    def add(self, name: str, measured: Edit | Decay | None) -> None:
        """Adds what was measured; `save` writes it down."""
        said = asdict(measured) if measured else None
        if isinstance(measured, Edit) and said is not None:
            said["edited"] = measured.edited.to_json()
        self._lines[name] = line = json.dumps({"of": name, "measured": said}).encode()
        self._new.append(line)

    def save(self) -> None:
        """Appends what was added since the last call."""
        if self._new:
            append_lines(self._path, self._new)
        self._new = []  # only now: Ctrl-C in the middle of it comes here once more

    def _found(self, name: str, read: Any) -> tuple[Any] | None:
        try:
            said = json.loads(self._lines[name])["measured"]
            return (None if said is None else read(said),)
        except (KeyError, ValueError, TypeError, RecursionError):
            return None


def _name(line: bytes) -> str:
    begin = len(BEGINNING)
    return line[begin : line.find(b'"', begin)].decode("ascii", "replace") if line.startswith(BEGINNING) else ""


def _edit(said: Any) -> Edit:
    box = said["box"]
    if box is not None and not (len(box) == 4 and all(isinstance(side, int) for side in box)):
        raise ValueError(f"{box!r} is no box")
    numbers = (_number(said[name]) for name in ("share", "outside", "kept"))
    share, outside, kept = numbers
    return Edit(share, outside, None if box is None else tuple(box), kept, Edited.from_json(said["edited"]))


def _decay(said: Any) -> Decay:
    return Decay(**{field.name: _number(said[field.name]) for field in fields(Decay)})


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return value
