"""Reads the files of a folder of templates, as they are on disk now, and cuts a template's into front matter and body.

Files and listings of folders are cached, and looked at with one stat each time: an unchanged file is neither read nor parsed again.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from promptkit.errors import TemplateError
from promptkit.prompts.strict_yaml import KeyPath, read_yaml

if TYPE_CHECKING:
    from promptkit.prompts.sandbox import Part

__all__ = ["LONGEST_FILE", "CurrentFiles", "File", "file_names", "make_file", "open_file", "read_whole"]

Read = TypeVar("Read")

LONGEST_FILE = 32_768  # bytes of a template with all that it extends, includes and imports
# Two changes within one tick of the file system's clock leave the same time stamp. So a file that changed less than this before it was read
# is read again the next time: 2 s where stamps are whole seconds (FAT), else some ticks of the system's clock.
COARSE_TICK, FINE_TICK = 2_000_000_000, 50_000_000  # nanoseconds
# blank lines, a byte-order mark and comments may stand before it
BEFORE = r"(?P<before>(?:\ufeff|[ \t]*\n|[ \t]*\{#(?:[^#]|#(?!\}))*#\}[ \t]*\n)*)"
FRONT_MATTER = re.compile(BEFORE + r"---[ \t]*\n(?P<yaml>.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
BEGINNING = re.compile(BEFORE + r"---[ \t]*(?:\n|\Z)")
KEYS = r"(?:description|kind|lang|inputs|config|examples|metadata):(?=\s)"
# what people, editors and other tools write for ---, with a key of front matter below it
DASHES = r"[-\u2010-\u2015\u2212\ufe58\ufe63\uff0d+=~*\s\u200b-\u200f\u2060\ufeff]"
LOOKS_LIKE_IT = re.compile(rf"^(?P<line>(?=[^\n]*[^\s])(?:(?!\n){DASHES}){{1,40}})\n(?:[ \t]*(?:\#[^\n]*)?\n){{0,50}}{KEYS}", re.MULTILINE)
NO_BEGINNING = re.compile(r"\s*(?:description|kind|lang|inputs|config|examples):(?=\s)")


@dataclass(frozen=True, eq=False)
class File:
    """One version of one file: its text with plain line ends, which is cut, read and compiled when it is first asked for.

    `name` is its path from the library's folder. TemplateError, from each property, for what cannot be used.
    """

    name: str
    path: Path
    text: str

    @cached_property
    def _cut(self) -> re.Match[str] | None:
        cut = FRONT_MATTER.match(self.text)
        if cut is None and (begun := BEGINNING.match(self.text)):
            raise self._error("The front matter has no end; close it with a line that holds only ---.", begun.end("before"))
        if cut is None and (key := NO_BEGINNING.match(self.text)):
            raise self._error(f"The file begins with {key[0]!r}, as front matter does, and not with ---; write a line of --- before it.", 0)
        if cut is None and (odd := LOOKS_LIKE_IT.search(self.text)):
            raise self._error(_odd_front_matter(odd["line"]), odd.start())
        return cut

    def _error(self, said: str, at: int) -> TemplateError:
        return TemplateError(said, file=str(self.path), line=self.text.count("\n", 0, at) + 1)

    @cached_property
    def _read(self) -> tuple[dict[str, Any], Mapping[KeyPath, int]]:
        if not self._cut:
            return {}, {}
        lines_before = self._cut["before"].count("\n")  # blank ones in their place, so that errors name the file's own lines
        return read_yaml("\n" * lines_before + self._cut["yaml"], self.path)

    @property
    def front(self) -> Mapping[str, Any]:
        """The front matter's mapping, empty where there is none."""
        return self._read[0]

    @property
    def lines(self) -> Mapping[KeyPath, int]:
        """On which line of the file each key or item of the front matter stands."""
        return self._read[1]

    @cached_property
    def body(self) -> tuple[str, int]:
        """What stands behind the front matter, without blank lines around it, and how many lines of the file come before it."""
        body = self.text[self._cut.end() :] if self._cut else self.text
        begin = len(body) - len(body.lstrip("\n"))
        return body.strip("\n"), self.text[: len(self.text) - len(body) + begin].count("\n")

    @cached_property
    def part(self) -> Part:
        """The body, checked and compiled."""
        from promptkit.prompts.sandbox import Part

        body, lines_before = self.body
        return Part.compile(body, self.name, str(self.path), lines_before)


@dataclass(frozen=True, slots=True)
class _Cached:
    """A file, or a folder's listing, as it was read, and its stat values then. `is_certain`: while those stay, it is unchanged."""

    stamp: tuple[int, ...]
    is_certain: bool
    value: Any


_folder_cache: dict[str, _Cached] = {}


class CurrentFiles(Generic[Read]):
    """What `read(path, name, before)` makes of files, made again where a file's stat values changed; of one that is as it was the same
    object, where `read` gives `before` back, which it made last. `read` gives None for a file that has gone meanwhile.
    """

    def __init__(self, read: Callable[[str, str, Read | None], Read | None]) -> None:
        self._read, self._cache = read, dict[tuple[str, str], _Cached]()

    def open(self, path: str, name: str) -> Read | None:
        """What the file is now, or None where there is none. Raises as `read` does."""
        try:
            state = os.stat(path)  # noqa: PTH116  (a Path costs more than the call)
        except (OSError, ValueError):
            return None
        cached, stamp = self._cache.get((path, name)), _stamp(state)
        if cached is not None and cached.stamp == stamp and cached.is_certain:
            known: Read = cached.value
            return known
        now = time.time_ns()
        found = self._read(path, name, cached.value if cached else None)
        if found is not None:
            self._cache[path, name] = _Cached(stamp, _is_certain(state, now), found)
        return found


def _read_file(path: str, name: str, before: File | None) -> File | None:
    data = read_whole(path, name, LONGEST_FILE, "a template", "a UTF-8 text file")
    if data is None:
        return None
    text = _decoded(Path(path), data)
    return before if before is not None and before.text == text else File(name, Path(path), text)


_files = CurrentFiles(_read_file)


def open_file(path: str, name: str) -> File | None:
    """The file as it is now, or None where there is none. TemplateError for what is no UTF-8 text or is too long."""
    return _files.open(path, name)


def _odd_front_matter(line: str) -> str:
    """What is wrong with a line that looks like the beginning of front matter and is none."""
    if line.rstrip(" \t") == "---":
        return "This looks like front matter, which begins on the first line; move what stands before it below it."
    return f"The line {line!r} looks like the beginning of front matter; write --- alone on the line, in plain hyphens."


def make_file(name: str, path: Path, data: bytes) -> File:
    """A file that need not be on disk."""
    return File(name, path, _decoded(path, data))


def file_names(folder: str) -> tuple[str, ...]:
    """The names in a folder, sorted, the same tuple as long as they are the same; none where there is no such folder."""
    try:
        state = os.stat(folder)  # noqa: PTH116
        cached, stamp = _folder_cache.get(folder), _stamp(state)
        if cached is None or cached.stamp != stamp or not cached.is_certain:
            now, listed = time.time_ns(), tuple(sorted(os.listdir(folder)))  # noqa: PTH208
            same = cached is not None and cached.value == listed
            cached = _folder_cache[folder] = _Cached(stamp, _is_certain(state, now), cached.value if same and cached else listed)
    except (OSError, ValueError):
        return ()
    names: tuple[str, ...] = cached.value
    return names


def _stamp(state: os.stat_result) -> tuple[int, ...]:
    return state.st_mtime_ns, state.st_ctime_ns, state.st_size, state.st_ino, state.st_dev


def _is_certain(state: os.stat_result, now: int) -> bool:
    """Whether it was last changed long enough before it was looked at."""
    changed = max(state.st_mtime_ns, state.st_ctime_ns)
    return now - changed > (FINE_TICK if changed % 1_000_000_000 else COARSE_TICK)


def read_whole(path: str, name: str, most: int, what: str, kind: str) -> bytes | None:
    """The file's bytes, at most so many; None where it has gone meanwhile. `what` it is and its `kind` stand in errors: "a template",
    "a UTF-8 text file". TemplateError for a link that leads out of the folder from which `name` is its path, and for what is no file.
    """
    _refuse_links_outside(Path(path), name)
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise TemplateError(f"This is no file; {what} is {kind}.", file=path)
            data = file.read(most + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        said = f"This is no file; {what} is {kind}" if Path(path).is_dir() else f"The file cannot be read: {error.strerror}"
        raise TemplateError(f"{said}.", file=path) from None
    if len(data) > most:
        raise TemplateError(f"The file has {state.st_size:,} bytes; {what} has {most:,} at most.", file=path)
    return data


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe that nobody writes to would hold us


def _refuse_links_outside(path: Path, name: str) -> None:
    """A link in a stranger's folder must not bring in what else is on this machine; the folder itself may be a link."""
    root = Path(str(path).removesuffix(name))
    real = os.path.realpath(path)
    if not Path(real).is_relative_to(os.path.realpath(root)):
        raise TemplateError(f"This is a link to {real}, outside of its folder; put a copy in its place.", file=str(path))


def _decoded(path: Path, data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TemplateError(f"Byte {error.start} is not UTF-8; save the file as UTF-8.", file=str(path)) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")
