"""The user's own cache files: JSON lines that begin with the sha256 of what they are about, and are made again where they are lost.

Several processes may append at once: each writes whole lines. Where a file cannot be read or written, nothing is known or kept, and nothing
is raised.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from promptkit import atomic, config
from promptkit.lineage.files import append_to, read_file

__all__ = ["append_lines", "cache_file", "forget_lines", "read_lines"]

LARGEST = 256 * 2**20  # bytes: the fingerprints of a million pictures


def cache_file(name: str) -> Path:
    """Where the cache of that name is, whether or not there is one."""
    return config.data_folder().parent / name


def read_lines(path: Path) -> list[bytes]:
    """All lines of a cache; none where it cannot be read."""
    try:
        return read_file(path, LARGEST).splitlines()
    except OSError:
        return []


def append_lines(path: Path, lines: Sequence[bytes]) -> None:
    """Appends lines in one write, after a line break: a killed process may have left half a line."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        append_to(path, b"\n" + b"\n".join(lines) + b"\n")


def forget_lines(path: Path, sha256s: Iterable[str]) -> None:
    """Takes the lines about these pictures out; what other processes append at the same moment may be lost, and is made again."""
    gone, lines = [sha256.encode() for sha256 in sha256s], read_lines(path)
    left = [line for line in lines if not any(sha256 in line for sha256 in gone)]
    if len(left) < len(lines):
        atomic.write_whole(path, b"".join(line + b"\n" for line in left))
