"""Which folders are sessions, and which pictures lie in them: told by the names of files, without reading records.

Only `mentions` reads the records' bytes, as they are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from promptkit import atomic, config
from promptkit.archive.manifest import digest_in, kind_of
from promptkit.errors import SettingsError
from promptkit.lineage.files import read_file
from promptkit.lineage.layout import has_marker
from promptkit.lineage.location import Where
from promptkit.lineage.record import RECORD_NAME, number_of

__all__ = ["PictureFile", "mentions", "picture_files", "searched_folder", "session_folders"]


class PictureFile(NamedTuple):
    """A picture file in a session: its path, the beginning of its sha256 that its name holds, and its step's number; None for a source."""

    path: Path
    beginning: str
    step: int | None


def searched_folder(folder: Where | None) -> Path:
    """The folder that is searched: the user's data folder where none is given."""
    return config.data_folder().absolute() if folder is None else config.as_spelled(Path(folder).expanduser().absolute())


def session_folders(folder: Where | None) -> list[Path]:
    """The sessions in the user's data folder, or in `folder`, which may be one itself. SettingsError where it cannot be read.

    A folder that another process is still writing is left out.
    """
    try:
        top = searched_folder(folder)
        inside = sorted(path for path in top.iterdir() if not path.name.startswith(atomic.TEMPORARY))
    except (OSError, ValueError, RuntimeError, TypeError) as error:  # the last three: no path, a name no folder can have, an unknown home
        if folder is None and isinstance(error, FileNotFoundError):  # before the first session
            return []
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        where = str(config.data_folder() if folder is None else folder)
        raise SettingsError(f"The folder {where[:300]!r} cannot be searched: {reason}; give one that holds sessions.") from None
    return [path for path in (top, *inside) if _is_session(path)]


def _is_session(path: Path) -> bool:
    """Whether a session is there, or what is left of one. True also where that cannot be told: opening it then says what is wrong."""
    try:
        if has_marker(path):
            return True
        return path.is_dir() and any(map(RECORD_NAME.fullmatch, _listed(path)))
    except OSError:
        return True


def _listed(folder: Path) -> list[str]:
    return os.listdir(folder)  # noqa: PTH208  (much faster than making a Path of each)


def picture_files(folder: Path) -> Iterator[PictureFile]:
    """The pictures that the session itself wrote, known by their names; not those that a person saved beside them."""
    names: list[str] = []
    with suppress(OSError):  # there is no sources/, or the session is being moved
        names += _listed(folder)
        names += [f"sources/{name}" for name in _listed(folder / "sources")]
    for name in sorted(names):
        if (kind := kind_of(name)) in ("picture", "source"):
            yield PictureFile(folder / name, digest_in(name), number_of(name) if kind == "picture" else None)


def mentions(folder: Path, sha256: str) -> bool:
    """Whether a record of the session holds that hash. True also where one cannot be read: opening the session then says what is wrong."""
    wanted = sha256.encode()
    try:
        return any(wanted in read_file(folder / name) for name in _listed(folder) if RECORD_NAME.fullmatch(name))
    except OSError:
        return True
