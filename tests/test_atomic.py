"""Files that are written whole or not at all.

One file or folder at a time; sessions whose process is killed are tested in tests/lineage.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from promptkit.atomic import TEMPORARY, sync_folder, write_whole

KILLED = """
import sys
from pathlib import Path
from promptkit.atomic import write_whole
path = Path(sys.argv[1])
print("ready", flush=True)
while True:
    for letter in b"ab":
        write_whole(path, bytes([letter]) * 300_000, durable=False)
"""


@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize("data", [b"", b"\0\r\n" * 100_000])
def test_a_file_is_replaced_whole(tmp_path: Path, data: bytes, durable: bool) -> None:
    """The file holds the bytes given, in a folder that is made where it is missing, and nothing else is left beside it."""
    path = tmp_path / "a" / "b" / "file"
    for written in (b"before", data):
        write_whole(path, written, durable=durable)
        assert path.read_bytes() == written
    assert list(path.parent.iterdir()) == [path]
    sync_folder(path.parent)


def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    """A write that fails halfway raises, keeps the old file as it was, and leaves no temporary file."""
    path = tmp_path / "file"
    path.write_bytes(b"before")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            write_whole(path, bytes(5000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == b"before"
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(TEMPORARY)] == []


@pytest.mark.parametrize("name", ["a folder", "a file/file", "x" * 300], ids=["a folder", "below a file", "too long"])
def test_what_cannot_be_written_leaves_nothing(tmp_path: Path, name: str) -> None:
    """Where the target is a folder, lies below a file or has no possible name, an OSError says so and no temporary file is left."""
    (tmp_path / "a folder").mkdir()
    (tmp_path / "a file").touch()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OSError, match=r"Is a directory|Not a directory|File exists|too long"):
        write_whole(tmp_path / name, b"x")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_killed_process_leaves_a_whole_file(tmp_path: Path) -> None:
    """Whenever a process is killed, the file is the old one or the new one; what it leaves beside it is named as temporary."""
    path = tmp_path / "file"
    for i in range(12):
        with subprocess.Popen([sys.executable, "-c", KILLED, path], stdout=subprocess.PIPE) as process:
            assert process.stdout
            process.stdout.readline()
            time.sleep(0.003 * (i + 1))
            process.send_signal(signal.SIGKILL)
        if path.exists():
            assert path.read_bytes() in (b"a" * 300_000, b"b" * 300_000)
    assert path.exists()
    assert all(p == path or p.name.startswith(TEMPORARY) for p in tmp_path.iterdir() if p.is_file())


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)], ids=oct)
def test_permissions_follow_the_umask(tmp_path: Path, mask: int, mode: int) -> None:
    """A file may be read by whom the umask lets, so that a session in a shared folder is shared."""
    before = os.umask(mask)
    try:
        write_whole(tmp_path / "file", b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode
