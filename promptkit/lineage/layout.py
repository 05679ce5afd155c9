"""A session's folder: what marks it as one, what each holds from the first, which folders may become one, and where things stand in it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from promptkit import atomic
from promptkit.errors import LineageError
from promptkit.lineage.files import json_bytes, parsed, read_file, reason
from promptkit.lineage.record import RECORD_NAME, Record

__all__ = [
    "BESIDE",
    "CLAIM_NAME",
    "LAYOUT",
    "MARKER",
    "MARKER_HOLDS",
    "UNDER_WAY",
    "add_git_files",
    "extra_name",
    "files_left",
    "files_of",
    "frame",
    "has_marker",
    "is_folder",
    "is_marked",
    "is_session",
    "list_names",
    "make",
    "make_under_way",
    "source_name",
    "template_name",
    "under_way_in",
    "writing",
]

LAYOUT = 1
LARGEST_LINES = 2**20  # bytes of a .gitignore that lines are added to
MARKER = "promptkit.json"
MARKER_HOLDS = f'it should hold {{"layout": {LAYOUT}}}'
UNDER_WAY = ".open"  # the folder within for what processes have under way; earlier versions had names with that and a dash instead
CLAIM_NAME = re.compile(r"(\.open-)?(\d{4,})(?:\.(\d+))?\.json")  # its number, and the process that took it over
BESIDE = ("sources", "templates", "extra", "tags", "references", "marks")  # the folders within
IGNORED = ".gitignore"
GIT_LINES = {".gitattributes": ("* -text",), IGNORED: (".open-*", f"{atomic.TEMPORARY}*")}  # git keeps bytes, and takes no notes in


# Making one


def frame() -> dict[str, bytes]:
    """The files that every session's folder has as a new one is made, by name."""
    return {**{name: _lines(lines) for name, lines in GIT_LINES.items()}, MARKER: json_bytes({"layout": LAYOUT})}


def make(folder: Path, *, git_files: bool = True) -> None:
    """Makes a session's folder where there is none yet, and its marker, which is written last. Without `git_files` a folder above has
    them for all that are below. LineageError where that cannot be.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if git_files:
            add_git_files(folder)
        atomic.write_whole(folder / MARKER, frame()[MARKER], durable=True)
        atomic.sync_folder(folder.parent)
    except OSError as error:
        said = f"The session folder {folder} cannot be made: {error.strerror or error}; make room, or give a folder that can be written to."
        raise LineageError(said, path=folder) from None


def add_git_files(folder: Path, *more: str) -> None:
    """Tells git to keep all bytes in a folder and below it as they are, and to ignore notes on what is under way (`more` of them)."""
    for name, lines in GIT_LINES.items():
        _add_lines(folder / name, (*lines, *more) if name == IGNORED else lines)


def make_under_way(folder: Path) -> None:
    """Makes the folder for what processes have under way, where there is none yet; it tells git itself to ignore it, so that an earlier
    version's session stays as it is; one without git files stands in a folder that has them. LineageError where something else has its
    name: what was written there might stand anywhere.
    """
    path = folder / UNDER_WAY
    with suppress(FileExistsError):
        path.mkdir()
        atomic.sync_folder(folder)
    if not is_folder(path):
        said = f"{path} is no folder, so no step can be begun in {folder}: remove it, then try again."
        raise LineageError(said, path=path)
    if os.path.lexists(folder / IGNORED) and not os.path.lexists(path / IGNORED):
        with suppress(OSError):
            atomic.write_whole(path / IGNORED, b"*\n")


def is_folder(path: Path) -> bool:
    """Whether it is one itself, and no link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _lines(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _add_lines(path: Path, lines: Sequence[str]) -> None:
    """Adds those that are missing: a new git repository may have such a file of its own already."""
    try:
        have = read_file(path, LARGEST_LINES)
    except OSError:
        if path.is_symlink() or path.is_file():  # the user's own, and not for us to replace
            return
        have = b""
    missing = [line for line in lines if line.encode() not in have.splitlines()]
    if missing:
        start = have if not have or have.endswith(b"\n") else have + b"\n"
        atomic.write_whole(path, start + _lines(missing))


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """What the system refuses becomes a LineageError."""
    try:
        yield
    except OSError as error:
        said = f"Nothing can be written in {folder}: {error.strerror or error}; make room or make it writable, then try again."
        raise LineageError(said, path=folder) from None


# Telling one


def is_session(folder: Path) -> bool:
    """Whether it is; one that has lost its marker is known by its records.

    LineageError where it never can be: it is a file, is neither empty nor a session, or has a newer layout.
    """
    try:
        _check_marker(folder / MARKER)
    except (FileNotFoundError, NotADirectoryError):
        if _has_records(folder):
            return True
        _check_free(folder)
        return False
    except LineageError as error:
        if error.newer or not _has_records(folder):
            raise
    return True


def has_marker(folder: Path) -> bool:
    """Whether something has the name of its marker, whole or not. OSError where that cannot be seen."""
    try:
        (folder / MARKER).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def is_marked(folder: Path) -> bool:
    """Whether its marker is there and whole. LineageError where that is a newer layout's."""
    try:
        _check_marker(folder / MARKER)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except LineageError as error:
        if error.newer:
            raise
        return False
    return True


def _check_marker(marker: Path) -> None:
    try:
        layout = parsed(read_file(marker))["layout"]
    except (FileNotFoundError, NotADirectoryError):
        raise
    except (OSError, ValueError) as error:
        raise LineageError(f"{marker} cannot be read ({reason(error)}); {MARKER_HOLDS}.", path=marker) from None
    except (KeyError, TypeError):
        raise LineageError(f"{marker} cannot be read (it names no layout); {MARKER_HOLDS}.", path=marker) from None
    if not isinstance(layout, int) or layout < LAYOUT:
        raise LineageError(f"{marker} cannot be read (layout {layout!r:.60}); {MARKER_HOLDS}.", path=marker)
    if layout != LAYOUT:
        said = f"{marker.parent} has layout {layout!r:.20}, and this promptkit knows {LAYOUT}: upgrade promptkit to open it."
        raise LineageError(said, path=marker.parent, newer=True)


def _has_records(folder: Path) -> bool:
    with suppress(ValueError):  # a name that no folder can have
        return any(map(RECORD_NAME.fullmatch, list_names(folder)))
    return False


def _check_free(folder: Path) -> None:
    visible = sorted(n for n in list_names(folder) if not n.startswith("."))
    if visible and not (folder / MARKER).exists():  # a rival may have made the session between the first look and this one
        raise LineageError(
            f"{folder} is not a session and not empty (it holds {visible[0]!r}): give a session's folder, an empty one, or a new name.",
            path=folder,
        )


# What stands in it


def list_names(folder: Path) -> list[str]:
    """The names of all that is in it; none where there is no such folder. LineageError where it is none."""
    try:
        return os.listdir(folder)  # noqa: PTH208  (asked often, and much faster than making a Path of each)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise LineageError(f"{folder} cannot be a session folder: {error.strerror or error}.", path=folder) from None


def under_way_in(folder: Path) -> list[Path]:
    """What processes have under way there: claims, sums set aside, and what is half-written of them."""
    path = folder / UNDER_WAY
    try:
        return [path / name for name in os.listdir(path)] if is_folder(path) else []  # noqa: PTH208
    except OSError:
        return []


def source_name(file: str) -> str:
    """Where a picture from outside stands, wherever a record says that it does."""
    return f"sources/{Path(file).name}"


def template_name(digest: str) -> str:
    """Where the sources of a template stand."""
    return f"templates/{Path(f'{digest}.json').name}"


def extra_name(sha256: str) -> str:
    """Where something that was too large for a record stands."""
    return f"extra/{Path(sha256).name}"


def files_of(record: Record) -> Iterator[tuple[str, str]]:
    """The files that a record names, by their names within the folder, each with the digest that it should have."""
    yield from ((output.name, output.sha256) for output in record.outputs)
    yield from ((source_name(source.file), source.sha256) for source in record.sources if source.file)
    for attempt in record.attempts:
        yield from ((extra_name(named), named) for named in (attempt.turn, attempt.body, *attempt.kept) if named)
    if digest := record.prompt.digest:
        yield template_name(digest), digest


def files_left(record: Record) -> Iterator[tuple[str, str]]:
    """The files that should be there of those that a record names: all of them, and of a step that was forgotten the template's sources,
    as long as its words are there.
    """
    names_all = record.forgotten is None
    yield from ((name, digest) for name, digest in files_of(record) if names_all or name.startswith("templates/"))
