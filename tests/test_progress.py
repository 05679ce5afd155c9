"""The line that long calls show.

What a terminal receives; what commands print besides is tested in tests/cli.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from kit.loopback import Loopback, error_reply

SCRIPT = """
import sys, time
from pathlib import Path
from promptkit import Session
start = time.monotonic()
Session("./bear", endpoint=sys.argv[1]).generate("a fox", fresh=True)
Path("seconds").write_text(str(time.monotonic() - start))
print("done", file=sys.stderr)
"""


def terminal(url: str) -> str:
    """What a person's terminal receives on stderr."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", SCRIPT, url], stderr=theirs):
        os.close(theirs)
        received = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # Linux's word for the end of a terminal
                break
            if not part:
                break
            received += part
    os.close(ours)
    return received.decode()


def test_a_long_call_shows_one_line_that_erases_itself(service: Loopback) -> None:
    """After a second a terminal shows the elapsed time and the cause of waiting in one line, which is gone at the end."""
    service.say(error_reply(503, "overloaded", headers={"Retry-After": "2"}))
    seen = terminal(service.url)
    shown = [part for part in seen.split("\r") if part.strip()]
    assert any(re.fullmatch(r"\d s: attempt 2 in 2 s, the service is busy", part.strip()) for part in shown)
    assert "\n" not in seen.partition("done")[0]
    erased, _, last = seen.partition("done")[0].rpartition("\r")
    assert not last.strip()
    assert not erased.rpartition("\r")[2].strip()


def test_a_short_call_shows_nothing(service: Loopback) -> None:
    """A call that is over within a second leaves the terminal as it was."""
    for _ in range(10):  # on a busy machine it may take longer, and then a line is right
        seen = terminal(service.url).split()
        if float(Path("seconds").read_text()) < 0.9:
            break
    assert seen == ["done"]


@pytest.mark.slow
def test_no_terminal_no_line(service: Loopback) -> None:
    """Where stderr is a file or a pipe, nothing is shown, however long it takes."""
    service.say(error_reply(503, "overloaded", headers={"Retry-After": "1.5"}))
    done = subprocess.run([sys.executable, "-c", SCRIPT, service.url], capture_output=True, text=True, check=True)
    assert done.stderr == "done\n"
    assert Path("bear").is_dir()
