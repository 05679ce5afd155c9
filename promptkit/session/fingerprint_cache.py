"""The fingerprints of pictures in a file of the user's own, so that no picture is decoded twice."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from promptkit import atomic, config
from promptkit.images.fingerprint import Fingerprint
from promptkit.lineage.files import append_to, read_file

__all__ = ["CACHE_NAME", "FingerprintCache", "cache_path", "forget_fingerprints"]

# The number in it grows with each change of how fingerprints are made: those of an older promptkit cannot be compared with new ones.
CACHE_NAME = "looks-3.jsonl"
LARGEST = 256 * 2**20  # bytes: those of a million pictures


def cache_path() -> Path:
    """Where the user's cache is, whether or not there is one."""
    return config.data_folder().parent / CACHE_NAME


def forget_fingerprints(sha256s: Iterable[str]) -> None:
    """Takes these pictures out of the user's cache; what other processes append at the same moment may be lost, and is made again."""
    path, gone = cache_path(), [sha256.encode() for sha256 in sha256s]
    try:
        lines = read_file(path, LARGEST).splitlines(keepends=True)
    except OSError:
        return
    left = [line for line in lines if not any(sha256 in line for sha256 in gone)]
    if len(left) < len(lines):
        atomic.write_whole(path, b"".join(left))


class FingerprintCache:
    """Fingerprints by the sha256 of their pictures, in a file of JSON lines.

    Several processes may append at once: each writes whole lines. A broken line is skipped, and its picture is decoded again. Where the
    file cannot be written, nothing is stored, and nothing is raised.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, list[tuple[str, Fingerprint | None]]] = {}  # by the ten digits of the sha256 that file names have
        self._new: list[bytes] = []
        try:
            lines = read_file(path, LARGEST).splitlines()
        except OSError:
            return
        for line in lines:
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
        """Appends what was added since the last call, in one write, after a line break: a killed process may have left half a line."""
        if not self._new:
            return
        data = b"\n" + b"\n".join(self._new) + b"\n"
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            append_to(self._path, data)
        self._new = []  # only now: Ctrl-C in the middle of it comes here once more
