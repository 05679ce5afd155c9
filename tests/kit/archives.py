"""Exported sessions as mappings from names to bytes, read and written as any zip program would; and processes that work beside a test."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Archive = dict[str, bytes]


def read(path: Path) -> Archive:
    with zipfile.ZipFile(path) as zipped:
        return {n: zipped.read(n) for n in zipped.namelist()}


def write(path: Path, contents: Archive, **options: Any) -> Path:
    with zipfile.ZipFile(path, "w", **options) as zipped:
        for name, data in contents.items():
            zipped.writestr(name, data)
    return path


def on_disk(folder: Path) -> Archive:
    """What a session holds that an archive of it does, too: all but what is derived, and what processes have under way."""
    files = (p for p in folder.rglob("*") if p.is_file() and not p.relative_to(folder).parts[0].startswith(".open"))
    return {p.relative_to(folder.parent).as_posix(): p.read_bytes() for p in files}


def left_by_a_dead_process(beside: Path, *, folder: bool = False) -> Path:
    """What a process that was killed while it wrote `beside` has left there."""
    make = "mkdir()" if folder else "write_bytes(b'half')"
    script = f"from promptkit import atomic; import sys, pathlib; p = atomic.temporary_beside(pathlib.Path(sys.argv[1])); p.{make}"
    script += "; print(p)"
    done = subprocess.run([sys.executable, "-c", script, beside], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())


@contextmanager
def another_process(script: str, *arguments: object) -> Iterator[None]:
    """Runs that code over and over beside the block, from its first time on, with the tests' own modules at hand."""
    code = f"import sys\nround = 0\nwhile True:\n    round += 1\n    {script}\n    print(flush=True)\n"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            process.stdout.readline()
            yield
            assert process.poll() is None
        finally:
            process.kill()
