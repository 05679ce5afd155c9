"""The command line, run as a person runs it: in this process, or in one of its own."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import promptkit.__main__
from promptkit.cli.main import main


def run(*arguments: object, code: int = 0) -> tuple[str, str]:
    """What the command prints on stdout and stderr, run in this process; its exit status is checked.

    For what depends on a process (its streams, its signals, what it has imported, -L, which lasts as long as it does): run_process.
    """
    assert "-L" not in arguments, "the folder would be in the library of the tests that follow, too: run_process"
    out, said = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(said):
        status = _status(list(map(str, arguments)))
    return _checked(status, code, _text(out), _text(said))


@contextmanager
def on_stdin(data: bytes) -> Iterator[None]:
    """This process's stdin brings these bytes."""
    own, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(data), encoding="utf-8")
    try:
        yield
    finally:
        sys.stdin = own


def run_process(*arguments: object, code: int = 0, stdin: bytes = b"") -> tuple[str, str]:
    """What the command prints on stdout and stderr, run by an interpreter of its own; its exit status is checked."""
    out, said = run_bytes(*arguments, code=code, stdin=stdin, PYTHONUTF8="1")
    return out.decode().replace(os.linesep, "\n"), said


def run_bytes(*arguments: object, code: int = 0, stdin: bytes = b"", **environment: str) -> tuple[bytes, str]:
    """The same, with the bytes on stdout, and more variables in the environment."""
    command = [sys.executable, "-m", "promptkit", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, input=stdin, env={**os.environ, **environment})
    said = done.stderr.decode().replace(os.linesep, "\n")
    return done.stdout, _checked(done.returncode, code, "", said)[1]


def on_a_terminal(*arguments: str, columns: int = 60, **environment: str) -> str:
    """What a command shows on a terminal of that width."""
    ours, theirs = pty.openpty()
    variables = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm", **environment}
    with subprocess.Popen([sys.executable, "-m", "promptkit", *arguments], stdout=theirs, stderr=theirs, env=variables):
        os.close(theirs)
        shown = b""
        while data := _read(ours):
            shown += data
    os.close(ours)
    return shown.decode()


def _read(handle: int) -> bytes:
    try:
        return os.read(handle, 65536)
    except OSError:  # Linux says so where the other end has gone
        return b""


def _status(arguments: Sequence[str]) -> int:
    """What the process would exit with, started as `python -m promptkit`. Whatever would be a traceback there is one here."""
    own, sys.argv = sys.argv, [promptkit.__main__.__file__, *arguments]
    try:
        return main()
    except SystemExit as left:
        return int(left.code)
    finally:
        sys.argv = own


def _text(stream: io.TextIOWrapper) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()


def _checked(status: int, code: int, out: str, said: str) -> tuple[str, str]:
    assert status == code, said
    assert "Traceback" not in said
    return out, said
