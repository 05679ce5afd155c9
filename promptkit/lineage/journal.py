"""The journal of a session's folder, derived from its records: a line for each, so that a process need not read them all.

A line is appended before its step's claim is dropped: who claims a number, or a request, after that reads it. It is no record of anything.
What a line says counts only while its record is there, and a step is taken for found only when its record was read. Where there is no
journal, or another one than was read last, or a line says nothing, the folder itself is listed.

A line ends in a checksum that is begun with the number that the file system gave the folder. So one that broke off says nothing, and one
that came along with a copy of the folder, or from a stranger, neither.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from io import FileIO
from pathlib import Path
from zlib import crc32

from promptkit import atomic
from promptkit.lineage.files import append_to, open_file
from promptkit.lineage.rows import Facts, Row
from promptkit.lineage.schema import SCHEMA

__all__ = ["JOURNAL", "Journal"]

JOURNAL = ".open-journal"
FORMAT = 1  # of its lines; one of another format says nothing
LARGEST = 64 * 2**20  # bytes: the lines of two hundred thousand steps
UNREADABLE = 2**63  # lines that say nothing, as it were, in what is no file or larger than it can be
TAIL = 40  # bytes before the end of what was read, by which it is known again


class Journal:
    """The journal of one folder, read once and then its new end. Not safe to use from two threads at once."""

    def __init__(self, folder: Path) -> None:
        self.lines = 0  # as of the last reading, those that say nothing included
        self._folder, self._path = folder, folder / JOURNAL
        self._facts: dict[str, Facts] = {}  # by how they are written: they are the same in many lines
        self._forget()

    def _forget(self) -> None:
        self._file: tuple[int, int] | None = None
        self._end, self._tail = 0, b""

    def read(self) -> tuple[list[Row], bool]:
        """The rows of the lines that came since the last reading, and whether they tell all that others have recorded since. Where they
        do not, the rows are those of the whole journal.
        """
        try:
            with open_file(self._path, LARGEST) as file:
                data, is_same = self._since_last(file)
            rows, count = self._rows(data)
        except (OSError, ValueError) as error:
            self._forget()
            self.lines = 0 if isinstance(error, FileNotFoundError) else UNREADABLE
            return [], False
        self.lines = count + (self.lines if is_same else 0)
        if is_same and len(rows) < count:  # what a broken line would have told may be one of those that came before
            self._forget()
            return self.read()
        return rows, is_same

    def _since_last(self, file: FileIO) -> tuple[bytes, bool]:
        """The whole lines that were not read yet, and whether it is the file that was read last."""
        there = os.fstat(file.fileno())
        is_same = (there.st_dev, there.st_ino) == self._file and there.st_size >= self._end
        if is_same:
            file.seek(self._end - len(self._tail))
            is_same = file.read(len(self._tail)) == self._tail
        if not is_same:
            self._forget()
            file.seek(0)
        data = file.read(there.st_size - self._end) or b""
        data = data[: data.rfind(b"\n") + 1]
        self._file, self._end, self._tail = (there.st_dev, there.st_ino), self._end + len(data), (self._tail + data[-TAIL:])[-TAIL:]
        return data, is_same

    def _rows(self, data: bytes) -> tuple[list[Row], int]:
        """The rows of those lines that say something, and how many lines there are."""
        begun, lines = self._begun(), data.split(b"\n")[:-1]
        return [row for line in lines if (row := self._row(line, begun))], len(lines)

    def _row(self, line: bytes, begun: int) -> Row | None:
        said = line[:-9]
        if line[-8:] != b"%08x" % crc32(said, begun):
            return None
        try:
            *texts, facts = said.decode().split("\t", 5)
            return Row._make((*texts, self._facts.get(facts) or self._read_facts(facts)))
        except (ValueError, TypeError, RecursionError):
            return None

    def _read_facts(self, said: str) -> Facts:
        found = self._facts[said] = Facts.read(json.loads(said))
        return found

    def append(self, rows: Iterable[Row]) -> None:
        """Adds lines in one write. Where that cannot be, the journal is removed, so that no process takes it for the whole."""
        try:
            if data := self._data(rows):
                append_to(self._path, data)
        except (OSError, ValueError):
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def write(self, rows: Iterable[Row]) -> None:
        """Makes it anew, of these rows. Who had read the old one lists the folder once."""
        self._forget()
        with suppress(OSError):
            data = self._data(rows)
            if len(data) < LARGEST:
                atomic.write_whole(self._path, data)
            else:
                self._path.unlink(missing_ok=True)

    def _data(self, rows: Iterable[Row]) -> bytes:
        begun = self._begun()
        return b"".join(_line(row, begun) for row in rows)

    def _begun(self) -> int:
        """What checksums here begin with."""
        return crc32(f"{FORMAT} {SCHEMA.partition('.')[0]} {self._folder.stat().st_ino}".encode())


def _line(row: Row, begun: int) -> bytes:
    said = "\t".join((*row[:-1], json.dumps(row.facts, separators=(",", ":")))).encode()
    return b"%b\t%08x\n" % (said, crc32(said, begun))
