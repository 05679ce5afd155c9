"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path

__all__ = ["TEMPORARY", "sync_folder", "write_whole"]

CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM)  # some network drives, and folders that may not be listed
TEMPORARY = ".tmp-"  # what the names of half-written files begin with


def write_whole(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Replaces the file by one that holds `data`, by way of a temporary one in the same folder, which is made where it is missing.

    `durable`: the bytes are on the disk itself before the name points to them. The name is durable after `sync_folder`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{secrets.token_hex(6)}")
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
