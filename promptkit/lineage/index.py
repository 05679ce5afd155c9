"""Which records a session's folder holds, and what is known of each: by the names in it, by its journal, and by reading what that lacks.

The folder is listed when it is first looked at; then what others record is read from the journal's new end. It is listed again where that
cannot tell it all, where somebody wants to know what is there now, and every few seconds where something changed: records may be copied
into it, or taken away.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from promptkit.lineage.journal import Journal
from promptkit.lineage.names import Names
from promptkit.lineage.record import RECORD_NAME, Record
from promptkit.lineage.rows import Row, Rows

__all__ = ["Index"]

EVERY = 5.0  # seconds between two listings of a folder in which something changed
SETTLED = 1.0  # seconds that a folder's time is behind when it was listed, so that a later change has another one: clocks tick coarsely

Changes = tuple[list[str], list[str]]  # the names of records that came, and of those that went


class Index:
    """The records of one folder. `load` reads one of them, None for a damaged one. Not safe to use from two threads at once."""

    def __init__(self, folder: Path, load: Callable[[str], Record | None]) -> None:
        self.names, self.rows = Names(folder), Rows()
        self.damaged: set[str] = set()  # the records that could not be read
        self._folder, self._load, self._journal = folder, load, Journal(folder)
        self._without_row: set[str] = set()
        self._untold: set[str] = set()  # the records with a row that the journal has no line for
        self._listed_at, self._changed_at = 0.0, -1  # by this process's clock; the folder's time then, in ns
        self._is_settled = False  # whether that time was old already

    def look(self) -> Changes:
        """Takes in what is there now."""
        rows, is_all = self._journal.read()
        changes = self._list()
        self._take(rows, is_all)
        return changes

    def catch_up(self) -> Changes:
        """Takes in what other processes have recorded since the last time."""
        rows, is_all = self._journal.read()
        is_enough = is_all and not self._is_due()
        changes = ([row.name for row in rows if self._is_new(row.name)], []) if is_enough else self._list()
        self._take(rows, is_all)
        return changes

    def complete(self) -> None:
        """Reads each record that has no row yet, the damaged ones again. LineageError for one of a newer version."""
        for name in sorted(self._without_row | self.damaged):
            if record := self._load(name):
                self._add(Row.of(record))
                self.damaged.discard(name)
            else:
                self.damaged.add(name)
            self._without_row.discard(name)

    def note(self, record: Record) -> None:
        """Takes in a record that was written here, and tells the others of it."""
        self.names.add(record.path.name)
        row = Row.of(record)
        self.rows.add(row)
        self._without_row.discard(row.name)
        self._journal.append([row])

    def correct(self, record: Record) -> None:
        """Takes a record's own word for what its row says."""
        self._add(Row.of(record))

    def tell(self) -> None:
        """Adds the lines to the journal that it lacks; one that is full of lines that say nothing here is made anew."""
        if self._journal.lines > 100 + 2 * len(self.rows):
            self._journal.write(self.rows)
        elif self._untold:
            self._journal.append(row for row in self.rows if row.name in self._untold)
        self._untold.clear()

    def _add(self, row: Row) -> None:
        self.rows.add(row)
        self._untold.add(row.name)

    def _take(self, rows: Iterable[Row], is_all: bool) -> None:
        """Takes in the lines of records that are there; where these are `is_all` not, they are those of the whole journal."""
        told = {row.name: row for row in rows if row.name in self.names}
        for row in told.values():
            self.rows.add(row)
        self._without_row.difference_update(told)
        self.damaged.difference_update(told)
        self._untold.difference_update(told)
        if not is_all:
            self._untold.update(row.name for row in self.rows if row.name not in told)

    def _is_new(self, name: str) -> bool:
        """Whether it is a record's that is there and was not known; from now on it is."""
        if name in self.names or not RECORD_NAME.fullmatch(name):
            return False
        with suppress(OSError):
            return stat.S_ISREG((self._folder / name).lstat().st_mode) and self.names.add(name)
        return False

    def _list(self) -> Changes:
        """Lists the folder, unless nothing can have changed in it since that was done last."""
        if self._is_settled and self._time() == self._changed_at:
            return [], []
        self._listed_at, self._changed_at = time.monotonic(), self._time()
        self._is_settled = 0 < self._changed_at < time.time_ns() - SETTLED * 1e9
        new, gone = self.names.look()
        for name in gone:
            self.rows.remove(name)
        self._without_row.update(new)
        for records in (self._without_row, self._untold, self.damaged):
            records.difference_update(gone)
        return new, gone

    def _is_due(self) -> bool:
        return time.monotonic() - self._listed_at >= EVERY and self._time() != self._changed_at

    def _time(self) -> int:
        with suppress(OSError):
            return os.stat(self._folder).st_mtime_ns  # noqa: PTH116  (asked at each step)
        return -1
