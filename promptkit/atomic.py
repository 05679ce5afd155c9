"""Files that are written whole or not at all, and whose they are until then."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

__all__ = [
    "NOBODY",
    "RUN",
    "TEMPORARY",
    "clear_temporary",
    "free_bytes",
    "is_abandoned",
    "sync_folder",
    "temporary_beside",
    "whose",
    "write_whole",
]

CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM)  # some network drives, and folders that may not be listed
TEMPORARY = ".tmp-"  # what the names of half-written files begin with
TEMPORARY_NAME = re.compile(r"\.tmp-([0-9a-f]{8})-(\d{1,10})-([0-9a-f]{16})-[0-9a-f]+")  # host, process, run
NOBODY = 0  # the number of no process: what is given back is anybody's
DAY = 86_400  # seconds after which a process that cannot be asked after is taken for dead
RUN = secrets.token_hex(8)  # this process's own: a restarted container gives the same process number again


def write_whole(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Replaces the file by one that holds `data`, by way of a temporary one in the same folder, which is made where it is missing.

    `durable`: the bytes are on the disk itself before the name points to them. The name is durable after `sync_folder`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(path)
    try:
        with temporary.open("xb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def temporary_beside(path: Path) -> Path:
    """A new name in the same folder, which tells the process that writes under it: what a killed one leaves can be cleared away."""
    return path.with_name(f"{TEMPORARY}{_host_mark()}-{os.getpid()}-{RUN}-{secrets.token_hex(6)}")


def clear_temporary(paths: Iterable[Path]) -> None:
    """Removes those half-written files and folders whose process has gone, or that are older than a day; never another live writer's."""
    for path in paths:
        match = TEMPORARY_NAME.fullmatch(path.name)
        host = _host_name() if match and match[1] == _host_mark() else None
        if is_abandoned(path, {"host": host, "process": int(match[2]), "run": match[3]} if match else {}):
            with suppress(OSError):  # another process may be faster, and it is in nobody's way
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _host_name() -> str:
    import socket  # is needed where something is written

    return socket.gethostname()


def _host_mark() -> str:
    return hashlib.sha256(_host_name().encode(errors="replace")).hexdigest()[:8]


def whose() -> dict[str, Any]:
    """What tells this process from all others, for a note that `is_abandoned` judges."""
    process = os.getpid()
    return {"host": _host_name(), "space": _space(), "process": process, "run": RUN, "since": _own_since(process)}


def is_abandoned(path: Path, note: Mapping[str, Any]) -> bool:
    """Whether the process that the note names has gone; of one that cannot be asked after, whether the file is older than a day."""
    try:
        old = time.time() - path.lstat().st_mtime > DAY
    except OSError:
        return False
    process = note.get("process")
    if not isinstance(process, int) or note.get("host") != _host_name() or note.get("space") not in (None, _space()):
        return old
    if process in (NOBODY, os.getpid()):
        return process == NOBODY or note.get("run") != RUN
    if (since := note.get("since")) is not None and (now := _since(process)) is not None:
        return bool(now != since)  # numbers are given anew: a container that starts again begins with the same ones
    return old or not _runs(process)


@cache
def _space() -> str | None:
    """The namespace that this process's number is of, where Linux has several (containers, flatpaks); None elsewhere."""
    try:
        return os.readlink("/proc/self/ns/pid")  # noqa: PTH115  (this link leads to no path)
    except OSError:
        return None


def _since(process: int) -> str | None:
    """When a process began, in ticks of this boot; None where the system does not say, or it has gone."""
    try:
        stat = Path(f"/proc/{process}/stat").read_bytes()
    except OSError:
        return None
    return stat.rpartition(b")")[2].split()[19].decode()  # the 22nd field; the second, a name in brackets, holds what it likes


_own_since = lru_cache(maxsize=1)(_since)  # notes are written often; a forked child has another number


def _runs(process: int) -> bool:
    if os.name == "nt":  # there, os.kill(…, 0) would end it
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def free_bytes(folder: Path) -> int | None:
    """How much can still be written there; None where the system does not say."""
    try:
        there = os.statvfs(folder)
    except (AttributeError, OSError):  # AttributeError: Windows
        return None
    return there.f_bavail * there.f_frsize if there.f_blocks else None  # some drives that are no disks say 0 of everything


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable, where the system can (Windows cannot open folders, and needs no such call)."""
    if os.name == "nt":
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in CANNOT_SYNC:
            raise
