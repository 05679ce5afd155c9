"""What pictures look like, remembered in a file, so that none is decoded twice."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from promptkit.images.fingerprint import Fingerprint

__all__ = ["CACHE_NAME", "Looks"]

# Another number with each change of how fingerprints are made: those of an older promptkit cannot be compared with new ones.
CACHE_NAME = "looks-3.jsonl"


class Looks:
    """What pictures look like, by their sha256, kept in a file of JSON lines.

    Processes that append at once each write whole lines at the end. Lines that are broken are passed over, and their pictures looked at
    again; where nothing can be written, nothing is kept.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: dict[str, list[tuple[str, Fingerprint | None]]] = {}  # by the beginning of the sha256 that file names have
        self._new: list[bytes] = []
        try:
            lines = path.read_bytes().splitlines()
        except OSError:
            return
        for line in lines:
            with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
                self._take(json.loads(line))

    def _take(self, fields: dict[str, Any]) -> None:
        sha256, packed = fields["sha256"], fields["fingerprint"]
        seen = Fingerprint.unpacked(base64.b64decode(packed, validate=True)) if packed else None
        if len(sha256) == 64 and (seen or packed is None):
            self._seen.setdefault(sha256[:10], []).append((sha256, seen))

    def of(self, beginning: str) -> list[tuple[str, Fingerprint | None]]:
        """The sha256 that begin so, with their fingerprints (None: it has none); nothing where nobody has looked yet."""
        return [seen for seen in self._seen.get(beginning[:10], ()) if seen[0].startswith(beginning)]

    def add(self, sha256: str, seen: Fingerprint | None) -> None:
        """What was seen just now."""
        packed = base64.b64encode(seen.packed()).decode() if seen else None
        self._seen.setdefault(sha256[:10], []).append((sha256, seen))
        self._new.append(json.dumps({"sha256": sha256, "fingerprint": packed}).encode())

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
