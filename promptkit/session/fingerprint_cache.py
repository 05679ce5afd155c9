"""The fingerprints of pictures in a file of the user's own, so that no picture is decoded twice."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from promptkit.images.fingerprint import Fingerprint
from promptkit.session.cache_lines import append_lines, cache_file, forget_lines, read_lines

__all__ = ["CACHE_NAME", "FingerprintCache", "cache_path", "forget_fingerprints"]

# The number in it grows with each change of how fingerprints are made: those of an older promptkit cannot be compared with new ones.
CACHE_NAME = "looks-3.jsonl"


def cache_path() -> Path:
    """Where the user's cache is, whether or not there is one."""
    return cache_file(CACHE_NAME)


def forget_fingerprints(sha256s: Iterable[str]) -> None:
    """Takes these pictures out of the user's cache."""
    forget_lines(cache_path(), sha256s)


class FingerprintCache:
    """Fingerprints by the sha256 of their pictures, in a file of JSON lines. A broken line is skipped, and its picture is decoded again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, list[tuple[str, Fingerprint | None]]] = {}  # by the ten digits of the sha256 that file names have
        self._new: list[bytes] = []
        for line in read_lines(path):
            with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
                self._read(json.loads(line))

    def _read(self, fields: dict[str, Any]) -> None:
        sha256, packed = fields["sha256"], fields["fingerprint"]
        fingerprint = Fingerprint.unpacked(base64.b64decode(packed, validate=True)) if packed else None
        if len(sha256) == 64 and (fingerprint or packed is None):
            self._known.setdefault(sha256[:10], []).append((sha256, fingerprint))

    def of(self, beginning: str) -> list[tuple[str, Fingerprint | None]]:
        """The known pictures whose sha256 begins so, as sha256 and fingerprint; None instead of it where the picture has none."""
        return [entry for entry in self._known.get(beginning[:10], ()) if entry[0].startswith(beginning)]

    def add(self, sha256: str, fingerprint: Fingerprint | None) -> None:
        """Adds a picture's fingerprint; `save` writes it down."""
        packed = base64.b64encode(fingerprint.packed()).decode() if fingerprint else None
        self._known.setdefault(sha256[:10], []).append((sha256, fingerprint))
        self._new.append(json.dumps({"sha256": sha256, "fingerprint": packed}).encode())

    def save(self) -> None:
        """Appends what was added since the last call."""
        if self._new:
            append_lines(self._path, self._new)
        self._new = []  # only now: Ctrl-C in the middle of it comes here once more
