"""The names in a session's folder, by what they say: which records there are, their numbers and ids, without reading any."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from promptkit.lineage.layout import list_names
from promptkit.lineage.record import RECORD_NAME, number_of

__all__ = ["Names"]

HIDDEN = (".open-", ".tmp-")  # what the names begin with of what processes have under way


class Names:
    """The names in one folder as of the last look, kept up with what is written here. Not safe to use from two threads at once."""

    def __init__(self, folder: Path) -> None:
        self.hidden: set[str] = set()  # what processes have under way beside the records
        self.last = 0  # the highest number of a record
        self._folder = folder
        self._known: set[str] = set()  # of records
        self._by_beginning: dict[str, str] = {}  # of the id, as file names have it
        self._by_number: dict[int, str] = {}  # the first with each number
        self._more: dict[int, list[str]] = {}  # the others, by number

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def __len__(self) -> int:
        return len(self._known)

    @property
    def records(self) -> list[str]:
        """The records' file names, in their order."""
        return sorted(self._known)

    def newest_first(self) -> list[str]:
        """The records' file names, by number, the highest first."""
        return sorted(self._known, key=lambda name: (number_of(name), name), reverse=True)

    def look(self) -> tuple[list[str], list[str]]:
        """Lists the folder anew: the names of records that came since the last look, and those that went."""
        names = list_names(self._folder)
        self.hidden = {name for name in names if name[0] == "." and name.startswith(HIDDEN)}  # twenty thousand are soon looked at
        there = {name for name in names if name.endswith(".json")}
        gone = sorted(self._known - there)
        for name in gone:
            self.remove(name)
        new = [*filter(RECORD_NAME.fullmatch, there - self._known)]
        self._take_in(new)
        return new, gone

    def add(self, name: str) -> bool:
        """Takes a record's name in; whether it was not known."""
        if name in self._known:
            return False
        self._take_in([name])
        return True

    def _take_in(self, names: Sequence[str]) -> None:
        numbers = [number_of(name) for name in names]
        self.last = max(self.last, *numbers, 0)
        self._known.update(names)
        self._by_beginning.update({name[-15:-5]: name for name in names})
        for number, name in zip(numbers, names, strict=True):
            if self._by_number.setdefault(number, name) is not name:
                self._more.setdefault(number, []).append(name)

    def remove(self, name: str) -> None:
        """Leaves the name of a record out that is there no more."""
        if name not in self._known:
            return
        self._known.discard(name)
        self._by_beginning.pop(name[-15:-5], None)
        number = number_of(name)
        if left := [other for other in self.with_number(number) if other != name]:
            self._by_number[number], *self._more[number] = left
            return
        del self._by_number[number]
        if number == self.last:
            self.last = max(self._by_number, default=0)

    def with_id(self, full_id: str) -> str | None:
        """The record whose name has the beginning of that id."""
        return self._by_beginning.get(full_id[:10])

    def beginning(self, key: str) -> Sequence[str]:
        """The records whose ids may begin with these hex digits."""
        return sorted(name for name in self._known if name[-15:-5].startswith(key[:10]))

    def with_number(self, number: int) -> Sequence[str]:
        """The records with that number: one, or several where copies were merged."""
        first = self._by_number.get(number)
        return [] if first is None else sorted([first, *self._more.get(number, ())])
