"""Reading and checking of single files in a session's folder: one bounded reader for all of them, JSON, pictures, and whether a file is
what was recorded.

A folder may come from a stranger, or from a tool that puts something else in place of a file. So nothing in it is opened by following a
link or by waiting for somebody, and nothing is read that is no regular file or larger than its kind can be.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Any

from promptkit.errors import LineageError
from promptkit.images.picture import Picture

__all__ = [
    "LARGEST_JSON",
    "LARGEST_PICTURE",
    "append_to",
    "json_bytes",
    "json_object",
    "open_file",
    "parsed",
    "read_file",
    "read_json",
    "reason",
    "recorded_picture",
    "refuse_stored_elsewhere",
    "sha256_of",
    "sources_digest",
    "unread",
    "whole_text",
    "wrong_file",
]

INSTEAD = "put it back, or take another step"
LARGEST_JSON = 64 * 2**20  # bytes of a file that is read as a whole
LARGEST_PICTURE = 512 * 2**20  # bytes; services send a fiftieth of it
DEEPEST = 200  # objects and lists within one another: Python code that walks them gives up at a few hundred
AT_ONCE = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))  # each where the system has it
KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
    stat.S_IFSOCK: "a socket",
    stat.S_IFLNK: "a link",
}
POINTER = b"version https://git-lfs.github.com/spec/v1"
ANNEX_POINTER = b"/annex/objects/"  # in a file of git-annex that is unlocked
POINTER_SIZE = 1024  # bytes; what git-lfs puts in place of a file is shorter
ANNEX = ("annex/objects/", ".git/annex/")  # in what the links of git-annex lead to


# Reading


def open_file(path: Path, largest: int = LARGEST_PICTURE) -> FileIO:
    """Opens a file of a session's folder, at once. OSError, with a sentence of ours as its strerror, where it is no regular file (a link is
    none) or has more than `largest` bytes; ValueError for a name that no file can have.
    """
    handle = _opened(path, os.O_RDONLY)
    size = os.fstat(handle).st_size
    if size > largest:
        os.close(handle)
        raise OSError(errno.EFBIG, f"it has {size:,} bytes, where at most {largest:,} are expected", str(path))
    return FileIO(handle, "rb")


def read_file(path: Path, largest: int = LARGEST_JSON) -> bytes:
    """What is in a file of a session's folder; raises as `open_file` does. What is appended meanwhile is left for the next time."""
    with open_file(path, largest) as file:
        return file.read(os.fstat(file.fileno()).st_size) or b""


def append_to(path: Path, data: bytes) -> None:
    """Appends to a file in one write, and makes it where there is none; raises as `open_file` does, and where not all of it finds room."""
    with FileIO(_opened(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "ab") as file:
        if file.write(data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def _opened(path: Path, flags: int) -> int:
    try:
        handle = os.open(path, flags | AT_ONCE, 0o666)
    except OSError as error:
        raise _no_file(path, error) from None
    mode = os.fstat(handle).st_mode
    if stat.S_ISREG(mode):
        return handle
    os.close(handle)
    raise OSError(errno.EINVAL, _instead_of_a_file(path, mode), str(path))


def reason(error: OSError | ValueError) -> str:
    """Why a file could not be read, in the system's words or ours."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def unread(path: Path) -> str:
    """In brackets why a file cannot be read, to append to a sentence; nothing where it can be."""
    try:
        read_file(path)
    except (OSError, ValueError) as error:
        return f" ({reason(error)})"
    return ""


def _no_file(path: Path, error: OSError) -> OSError:
    """The error of a file that could not be opened; of what is none (links and sockets are refused by the system) it says what it is."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return error
    if stat.S_ISREG(mode):
        return error
    return OSError(error.errno, _instead_of_a_file(path, mode), str(path))


def _instead_of_a_file(path: Path, mode: int) -> str:
    if stat.S_ISLNK(mode):
        leads = str(path.readlink())
        if any(mark in leads.replace(os.sep, "/") for mark in ANNEX):
            return f"it is a link of git-annex: `git annex get` and `git annex unlock {path.name}` put the file itself there"
        return "it is a link, which is not followed: put the file itself there"
    return f"it is {KINDS.get(stat.S_IFMT(mode), 'something else')}, and no file"


# JSON


def json_bytes(value: Mapping[str, Any], *, indent: int | None = 1) -> bytes:
    """JSON for files that people read too; without indent for those that are only passing, which Python then writes three times as fast.

    Nothing is lost to an encoding, and what JSON does not know is kept as text.
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=str) + "\n"
    try:
        return text.encode()
    except UnicodeEncodeError:
        return whole_text(text).encode()


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; an empty one where there is none, or none that can be read."""
    try:
        return json_object(read_file(path))
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return {}


def json_object(data: bytes) -> dict[str, Any]:
    """The object that JSON bytes hold; an empty one where they hold none."""
    try:
        value = parsed(data)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def parsed(data: bytes) -> Any:
    """What JSON bytes say. ValueError where they are none, or nested more than DEEPEST deep."""
    try:
        value = json.loads(data)
    except RecursionError:
        raise ValueError(_too_deep()) from None
    inner, depth = [value], 0
    while inner := [v for each in inner if isinstance(each, dict | list) for v in (each.values() if isinstance(each, dict) else each)]:
        depth += 1
        if depth > DEEPEST:
            raise ValueError(_too_deep())
    return value


def _too_deep() -> str:
    return f"it is nested more than {DEEPEST} deep"


def whole_text(text: str) -> str:
    """The text with U+FFFD for each half of a surrogate pair, which no file can hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


# Is it what was recorded?


def wrong_file(folder: Path, name: str, digest: str, size: int | None = None) -> str | None:
    """What is wrong with a file of a session that should have that digest, by its name within the folder; None where nothing is.

    A template's digest is that of its sources, every other file's the sha256 of its bytes. `size` is how many bytes it should have, where
    that is known: a larger one is not read.
    """
    path = folder / name
    if name.startswith("templates/"):
        said = "is missing or not what was recorded (its sources do not have that digest)"
        return None if sources_digest(read_json(path)) == digest else said + unread(path)
    try:
        found = sha256_of(path, LARGEST_PICTURE if size is None else size)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        return f"is missing or cannot be read ({reason(error)})"
    return None if found == digest else f"is not what was recorded ({_pointer(path) or 'its sha256 differs'})"


def sha256_of(path: Path, largest: int = LARGEST_PICTURE) -> str:
    """The sha256 of a file's bytes, of which few are in memory at a time; raises as `open_file` does."""
    with open_file(path, largest) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sources_digest(sources: Mapping[str, Any]) -> str:
    """The digest of a template: the sha256 of its sources by name, as canonical JSON."""
    canonical = json.dumps(sources, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode(errors="replace")).hexdigest()


def recorded_picture(
    path: Path,
    *,
    sha256: str,
    mime_type: str,
    size: tuple[int, int] | None,
    largest: int = LARGEST_PICTURE,
    check: Callable[[], None] = lambda: None,
) -> Picture:
    """A picture on disk that a record describes, of at most `largest` bytes. Reading it raises LineageError where it is missing or not the
    recorded one; one that cannot be read raises first what `check` raises.
    """

    def read() -> bytes:
        try:
            data = read_file(path, largest)
        except (OSError, ValueError) as error:
            check()
            raise LineageError(f"The picture {path} cannot be read: {reason(error)}; {INSTEAD}.", path=path) from None
        if hashlib.sha256(data).hexdigest() != sha256:
            why = _pointer(path) or "its sha256 differs"
            raise LineageError(f"The picture {path} is not the one that was recorded ({why}); {INSTEAD}.", path=path)
        return data

    folder = path.parent.parent if path.parent.name == "sources" else path.parent
    known, there = partial(_is_recorded, folder), partial(_has_length, path, largest)
    return Picture.recorded(read, sha256=sha256, mime_type=mime_type, size=size, is_known=known, is_there=there)


def _has_length(path: Path, length: int) -> bool:
    """Whether there is a regular file of that many bytes; one of any length where its length is not known."""
    try:
        found = path.lstat()
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(found.st_mode) and length in (found.st_size, LARGEST_PICTURE)


def _is_recorded(folder: Path, data: bytes) -> bool:
    from promptkit.lineage.recorded_bytes import is_recorded  # where a file is in the way of a copy

    return is_recorded(data, folder)


# Is it stored elsewhere?


def refuse_stored_elsewhere(path: Path) -> None:
    """LineageError, with the command that brings it, where a tool has put a link or a note in place of a file and stores that elsewhere."""
    said = _pointer(path)
    with suppress(OSError, ValueError):  # a name that no file can have
        said = _instead_of_a_file(path, stat.S_IFLNK) if path.is_symlink() else said
    if said:
        raise LineageError(f"{path.name} in {path.parent} cannot be read: {said}.", path=path)


def _pointer(path: Path) -> str:
    """What to do about a file in whose place git-lfs or git-annex left a note; nothing where they did not."""
    try:
        begins = read_file(path, POINTER_SIZE)
    except (OSError, ValueError):
        return ""
    if begins.startswith(ANNEX_POINTER):
        return f"it is a pointer of git-annex: `git annex get {path.name}` brings the file itself"
    return "it is a pointer of git-lfs: `git lfs pull` brings the file itself" if begins.startswith(POINTER) else ""
