"""The command line, run as a person runs it."""

from __future__ import annotations

import os
import subprocess
import sys


def run(*arguments: object, code: int = 0) -> tuple[str, str]:
    """What the command prints on stdout and stderr; its exit status is checked."""
    command = [sys.executable, "-m", "promptkit", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env={**os.environ, "PYTHONUTF8": "1"})
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout, done.stderr
