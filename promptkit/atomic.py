"""Files that are written whole or not at all, and whose they are until then."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

__all__ = [
    "NOBODY",
    "RUN",
    "TEMPORARY",
    "UNTOUCHED",
    "clear_temporary",
    "free_bytes",
    "is_abandoned",
    "make_new",
    "may_replace",
    "now_there",
    "sync_folder",
    "temporary_beside",
    "whose",
    "write_parts",
    "write_whole",
]

CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM)  # some network drives, and folders that may not be listed
TEMPORARY = ".tmp-"  # what the names of half-written files begin with
TEMPORARY_NAME = re.compile(r"\.tmp-([0-9a-f]{8})-(\d{1,10})-([0-9a-f]{16})-[0-9a-f]+")  # machine and namespace, process, run
NOBODY = 0  # the number of no process: what is given back is anybody's
DAY = 86_400  # seconds after which a process that cannot be asked after, and does not touch what it holds, is taken for dead
UNTOUCHED = 120  # seconds after which one that does is
MACHINE_FILES = ("/etc/machine-id", "/proc/sys/kernel/random/boot_id")
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


def write_parts(path: Path, parts: Iterable[bytes]) -> None:
    """The same, of parts that need not be in memory together; not durable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(path)
    try:
        with temporary.open("xb") as file:
            file.writelines(parts)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def may_replace(path: Path, data: bytes, known: Callable[[bytes], bool] = lambda _: False) -> bool:
    """Whether nothing is lost where `data` is written there: there is no file, or it holds the same, or what is `known` elsewhere."""
    try:
        there = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return not path.is_symlink()
    except OSError:
        return False
    return there == data or known(there)


def make_new(path: Path, data: bytes) -> bool:
    """Makes a file that holds `data` from its first moment on, where the file system has links; False where there is one of that name."""
    temporary = temporary_beside(path)
    try:
        temporary.write_bytes(data)
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:
        return _make_bare(path, data)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return True


def _make_bare(path: Path, data: bytes) -> bool:
    try:
        file = path.open("xb")
    except FileExistsError:
        return False
    try:
        with file:
            file.write(data)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return True


def temporary_beside(path: Path) -> Path:
    """A new name in the same folder, which tells the process that writes under it: what a killed one leaves can be cleared away."""
    return path.with_name(f"{TEMPORARY}{_machine_mark()}-{os.getpid()}-{RUN}-{secrets.token_hex(6)}")


def clear_temporary(paths: Iterable[Path]) -> None:
    """Removes those half-written files and folders whose process has gone, or that are older than a day; never another live writer's."""
    for path in paths:
        match = TEMPORARY_NAME.fullmatch(path.name)
        ours = match is not None and match[1] == _machine_mark()
        note = {"machine": _machine(), "space": _space(), "process": int(match[2]), "run": match[3]} if match and ours else {}
        if is_abandoned(path, note):
            with suppress(OSError):  # another process may be faster, and it is in nobody's way
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _host_name() -> str:
    import socket  # is needed where something is written

    return socket.gethostname()


@cache
def _machine() -> str:
    """What tells this machine, since it was started, from all others: host names are given twice, and copies of a machine share its id."""
    said = [data for name in MACHINE_FILES if (data := _first_line(name))]
    return hashlib.sha256("/".join(said or [_host_name()]).encode(errors="replace")).hexdigest()[:16]


def _first_line(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8", errors="replace").strip()[:100]
    except OSError:
        return ""


@cache
def _machine_mark() -> str:
    return hashlib.sha256(f"{_machine()} {_space()}".encode()).hexdigest()[:8]


def whose() -> dict[str, Any]:
    """What tells this process from all others, for a note that `is_abandoned` judges."""
    process = os.getpid()
    return {
        "host": _host_name(),
        "machine": _machine(),
        "space": _space(),
        "process": process,
        "run": RUN,
        "since": _own_since(process),
    }


def is_abandoned(path: Path, note: Mapping[str, Any], *, clock: Callable[[], float] | None = None) -> bool:
    """Whether the process that the note names has gone.

    One that cannot be asked after (another machine's, another namespace's) touches what it holds, and has gone when it did not for two
    minutes by `clock`, which is the file system's; without one, or where an older note names no machine, for a day.
    """
    try:
        touched = path.lstat().st_mtime
    except OSError:
        return False
    old = time.time() - touched > DAY
    process = note.get("process")
    if not isinstance(process, int):  # it says nothing, and nobody writes one for so long
        return clock() - touched > UNTOUCHED if clock else old
    if not _is_here(note):
        return clock() - touched > UNTOUCHED if clock and isinstance(note.get("machine"), str) else old
    if process in (NOBODY, os.getpid()):
        return process == NOBODY or note.get("run") != RUN
    return _has_gone(process, note.get("since"), old=old)


def _is_here(note: Mapping[str, Any]) -> bool:
    """Whether its process number is one of those that this process sees."""
    is_ours = note["machine"] == _machine() if isinstance(note.get("machine"), str) else note.get("host") == _host_name()
    return is_ours and note.get("space") in (None, _space())


def _has_gone(process: int, since: object, *, old: bool) -> bool:
    state, began = _life(process)
    if state in ("Z", "X", "x"):  # killed, and its parent has not asked after it yet
        return True
    if since is not None and began is not None:
        return began != since  # numbers are given anew: a container that starts again begins with the same ones
    return old or not _runs(process)


def now_there(folder: Path) -> float:
    """The time by the clock that a folder's files are dated by, in seconds, which may be another machine's; this one's where it cannot be
    written to.
    """
    probe = temporary_beside(folder / "clock")
    try:
        probe.touch()
        return probe.stat().st_mtime
    except OSError:
        return time.time()
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)


@cache
def _space() -> str | None:
    """The namespace that this process's number is of, where Linux has several (containers, flatpaks); None elsewhere."""
    try:
        return os.readlink("/proc/self/ns/pid")  # noqa: PTH115  (this link leads to no path)
    except OSError:
        return None


def _life(process: int) -> tuple[str | None, str | None]:
    """Its state, and when it began in ticks of this boot; None for both where the system does not say, or it has gone."""
    try:
        stat = Path(f"/proc/{process}/stat").read_bytes()
    except OSError:
        return None, None
    after = stat.rpartition(b")")[2].split()  # the second field, a name in brackets, holds what it likes
    return after[0].decode(), after[19].decode()


@lru_cache(maxsize=1)  # notes are written often; a forked child has another number
def _own_since(process: int) -> str | None:
    return _life(process)[1]


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
