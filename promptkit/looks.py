"""What pictures look like, remembered in a file, so that none is decoded twice."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from promptkit.likeness import Look

__all__ = ["Looks"]


class Looks:
    """What pictures look like, by their sha256, kept in a file of JSON lines.

    Processes that append at once each write whole lines at the end. Lines that are broken are passed over, and their pictures looked at
    again; where nothing can be written, nothing is kept.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: dict[str, list[tuple[str, Look | None]]] = {}  # by the beginning of the sha256 that file names have
        self._new: list[bytes] = []
        try:
            lines = path.read_bytes().splitlines()
        except OSError:
            return
        for line in lines:
            with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
                self._take(json.loads(line))

    def _take(self, fields: dict[str, Any]) -> None:
        sha256, packed = fields["sha256"], fields["look"]
        look = Look.unpacked(base64.b64decode(packed, validate=True)) if packed else None
        if len(sha256) == 64 and (look or packed is None):
            self._seen.setdefault(sha256[:10], []).append((sha256, look))

    def of(self, beginning: str) -> list[tuple[str, Look | None]]:
        """The sha256 that begin so, with their looks (None: it has none to compare); nothing where nobody has looked yet."""
        return [seen for seen in self._seen.get(beginning[:10], ()) if seen[0].startswith(beginning)]

    def add(self, sha256: str, look: Look | None) -> None:
        """What was seen just now."""
        packed = base64.b64encode(look.packed()).decode() if look else None
        self._seen.setdefault(sha256[:10], []).append((sha256, look))
        self._new.append(json.dumps({"sha256": sha256, "look": packed}).encode())

    def keep(self) -> None:
        """Appends what was added since, in one write that begins with a line's end: a killed process may have left half a line."""
        if not self._new:
            return
        data = b"\n" + b"\n".join(self._new) + b"\n"
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab", buffering=0) as file:
                file.write(data)
        self._new = []  # only now: Ctrl-C in the middle of it comes here once more
