"""The names in a session's folder, by what they say: which records there are, their numbers and ids, without reading any."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from pathlib import Path

from promptkit.lineage.layout import list_names
from promptkit.lineage.record import RECORD_NAME, number_of

__all__ = ["Names"]


class Names:
    """The names in one folder as of the last look, kept up with what is written here. Not safe to use from two threads at once."""

    def __init__(self, folder: Path) -> None:
        self.records: list[str] = []  # the records' file names, in their order
        self.hidden: set[str] = set()  # claims and what else processes have under way
        self._folder = folder
        self._seen: set[str] = set()
        self._by_beginning: dict[str, str] = {}  # of the id, as file names have it
        self._by_number: dict[int, list[str]] = {}

    @property
    def is_new(self) -> bool:
        """Whether nobody has looked yet, or there was nothing."""
        return not self._seen

    def look(self) -> tuple[list[str], list[str]]:
        """Lists the folder anew: the names that came since the last look, and those that went."""
        names = list_names(self._folder)
        new = [n for n in names if n not in self._seen]
        gone: list[str] = []
        if len(names) - len(new) < len(self._seen):
            gone = sorted(self._seen.difference(names))
        for name in gone:
            self.remove(name)
        for name in new:
            self.add(name)
        return new, gone

    def add(self, name: str) -> bool:
        """Takes a name in; whether it was not known."""
        if name in self._seen:
            return False
        self._seen.add(name)
        if name.startswith("."):
            self.hidden.add(name)
        elif RECORD_NAME.fullmatch(name):
            insort(self.records, name)
            self._by_beginning[name[-15:-5]] = name
            self._by_number.setdefault(number_of(name), []).append(name)
        return True

    def remove(self, name: str) -> None:
        """Leaves a name out that is there no more."""
        if name not in self._seen:
            return
        self._seen.discard(name)
        self.hidden.discard(name)
        if RECORD_NAME.fullmatch(name):
            self.records.remove(name)
            self._by_beginning.pop(name[-15:-5], None)
            self._by_number[number_of(name)].remove(name)
            if not self._by_number[number_of(name)]:
                del self._by_number[number_of(name)]

    def with_id(self, full_id: str) -> str | None:
        """The record whose name has the beginning of that id."""
        return self._by_beginning.get(full_id[:10])

    def beginning(self, key: str) -> Sequence[str]:
        """The records whose ids may begin with these hex digits."""
        return [name for name in self.records if name[-15:-5].startswith(key[:10])]

    def with_number(self, number: int) -> Sequence[str]:
        """The records with that number: one, or several where copies were merged."""
        return sorted(self._by_number.get(number, ()))

    @property
    def last(self) -> int:
        """The highest number of a record; 0 where there is none."""
        return max(self._by_number, default=0)
