"""Progress: the lines that a listener gets, and the one that long calls show.

What a terminal receives; a notebook is tested in test_kernel, what commands print besides in tests/cli.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pty
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from kit.loopback import Loopback, Received, Reply, error_reply, picture_reply, png, text_reply

from promptkit import NoPicture, Session, SettingsError

SCRIPT = """
import sys, time
from pathlib import Path
from promptkit import Session
start = time.monotonic()
Session("./bear", endpoint=sys.argv[1], on_progress=eval(sys.argv[2])).generate("a fox", fresh=True)
Path("seconds").write_text(str(time.monotonic() - start))
print("done", file=sys.stderr)
"""


def terminal(url: str, listener: str = "None") -> str:
    """What a person's terminal receives on stderr."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", SCRIPT, url, listener], stderr=theirs):
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


@pytest.mark.slow
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
        is_short = float(Path("seconds").read_text()) < 0.9
        if is_short:
            break
    assert seen == ["done"] or not is_short


NO_READERS = {
    "a pipe": "",
    "a pipe, and ipykernel is imported": "import ipykernel, IPython",
    "a stream that is no file": "import sys; out = sys.stdout; sys.stderr = type('Log', (), {'write': out.write, 'flush': out.flush})()",
    "closed": "import sys, io; sys.stderr = io.StringIO(); sys.stderr.close()",
    "none": "import sys; sys.stderr = None",
}


@pytest.mark.slow
@pytest.mark.parametrize("stream", NO_READERS)
def test_no_terminal_no_line(service: Loopback, stream: str) -> None:
    """Where stderr is neither a terminal nor a notebook, nothing is written, however long it takes, and whatever libraries are loaded."""
    service.say(error_reply(503, "overloaded", headers={"Retry-After": "1.5"}))
    script = f"{NO_READERS[stream]}\n{SCRIPT.replace('print(', '# print(')}"
    done = subprocess.run([sys.executable, "-c", script, service.url, "None"], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert Path("bear").is_dir()


@pytest.mark.slow
def test_a_listener_takes_the_place_of_the_terminals_line(service: Loopback) -> None:
    """With on_progress the caller shows the progress, so that a service which runs in a terminal writes nothing into it."""
    service.say(error_reply(503, "overloaded", headers={"Retry-After": "2"}))
    assert terminal(service.url, "lambda line: Path('line').write_text(line)").split() == ["done"]
    assert Path("line").read_text().startswith("2 s: attempt 2")


# Listeners


def timeless(lines: list[str]) -> list[str]:
    assert all(re.match(r"\d+ s: ", line) for line in lines)
    return [line.partition(": ")[2] for line in lines]


def test_a_listener_gets_a_line_for_each_change(service: Loopback) -> None:
    """on_progress gets the elapsed time and what is done or waited for, at once whenever that changes; a reused step waits for nothing."""
    service.say(error_reply(503, "overloaded", headers={"Retry-After": "0.01"}), text_reply())
    lines: list[str] = []
    bear = Session("./bear", endpoint=service.url, on_progress=lines.append)
    bear.generate("a bear")
    assert timeless(lines) == [
        "waiting for the picture",
        "attempt 2 in 0 s, the service is busy",
        "attempt 2, waiting for the picture",
        "attempt 3, waiting for the picture",
    ]
    bear.generate("a bear")
    assert len(lines) == 4


def test_every_way_of_asking_tells_the_listener(service: Loopback) -> None:
    """Edits, variations, repeats, squashed and replayed steps, cursors and steps tell the listener of the session that asks."""
    lines: list[str] = []
    bear = Session("./bear", endpoint=service.url, on_progress=lines.append)
    first = bear.generate("a bear")
    third = first.edit("a hat").edit("a scarf")
    ways = [
        partial(first.edit, "a coat"),
        third.again,
        partial(bear.vary, "a hat", n=1),
        partial(bear.squash, 2, 3),
        partial(bear.at(third).edit, "a bag"),
        partial(bear.at(first).replay, "./beside"),
        partial(bear.at(first).replay, Session("./other", endpoint=service.url, on_progress=lines.append)),
    ]
    for way in ways:
        lines.clear()
        way()
        assert timeless(lines) == ["waiting for the picture"]


def test_several_at_once_are_counted_and_told_one_after_the_other(service: Loopback) -> None:
    """vary counts what is done; the lines of its workers never reach the listener at the same time, and none comes twice in a row."""
    service.always = lambda received: picture_reply(png((received.json["generationConfig"]["seed"] % 256, 0, 0)))
    lines: list[str] = []
    inside = threading.Lock()

    def listen(line: str) -> None:
        assert inside.acquire(blocking=False)
        lines.append(line)
        inside.release()

    Session("./bear", endpoint=service.url, on_progress=listen).vary("a bear", n=6, root=True, workers=3)
    told = timeless(lines)
    assert told[0] == "0 of 6 done, waiting for the picture"
    assert told[-1] == "6 of 6 done"
    assert told == sorted(dict.fromkeys(told))


def test_who_waits_for_another_thread_is_told(service: Loopback) -> None:
    """A thread that asks for what another one is just asking for hears so, and then has that step."""
    begun, allowed, waits = threading.Event(), threading.Event(), threading.Event()

    def slowly(received: Received) -> Reply:
        begun.set()
        assert allowed.wait(30)
        return picture_reply(png())

    service.always = slowly
    lines: list[str] = []

    def listen(line: str) -> None:
        lines.append(line)
        waits.set()

    first, other = Session("./bear", endpoint=service.url), Session("./bear", endpoint=service.url, on_progress=listen)
    with ThreadPoolExecutor(2) as pool:
        asked = pool.submit(first.generate, "a bear")
        assert begun.wait(30)
        same = pool.submit(other.generate, "a bear")
        assert waits.wait(30)
        allowed.set()
    assert timeless(lines) == ["waiting for another thread, which asks for the same"]
    assert same.result().reused
    assert same.result() == asked.result()


def test_a_listener_that_raises_loses_no_picture(service: Loopback, caplog: pytest.LogCaptureFixture) -> None:
    """What on_progress raises is logged, and the call goes on without it; the next call tells it again."""
    service.say(text_reply())
    lines: list[str] = []

    def listen(line: str) -> None:
        lines.append(line)
        raise ConnectionError("the reader has gone")

    bear = Session("./bear", endpoint=service.url, on_progress=listen)
    step = bear.generate("a bear")
    assert step.ok
    assert [r.levelno for r in caplog.records if r.exc_info] == [logging.WARNING]
    assert "the reader has gone" in caplog.text
    step.edit("a hat")
    assert timeless(lines) == ["waiting for the picture"] * 2


def test_a_failure_is_told_by_its_error_alone(service: Loopback) -> None:
    """The last line says what was waited for; what came of it is the error that the call raises."""
    service.say(text_reply())
    lines: list[str] = []
    with pytest.raises(NoPicture):
        Session("./bear", endpoint=service.url, recover=0, on_progress=lines.append).generate("a bear")
    assert timeless(lines) == ["waiting for the picture"]


class Later:
    async def __call__(self, line: str) -> None: ...


async def later(line: str) -> None: ...


@pytest.mark.parametrize("listener", ["print", 7, later, partial(later), Later()], ids=["text", "number", "async", "partial", "object"])
def test_a_listener_that_cannot_listen_is_refused(listener: object) -> None:
    """on_progress is called and not awaited, so a coroutine function is refused with what to give instead; so is all else."""
    with pytest.raises(SettingsError, match=r"on_progress is a plain function.*call_soon_threadsafe"):
        Session("./bear", endpoint="offline", on_progress=listener)  # type: ignore[arg-type]


def test_an_event_loop_gets_the_lines(service: Loopback) -> None:
    """As the sentence says: call_soon_threadsafe carries the lines from the thread that asks into a loop's queue."""

    async def work() -> list[str]:
        queue: asyncio.Queue[str] = asyncio.Queue()
        listen = partial(asyncio.get_running_loop().call_soon_threadsafe, queue.put_nowait)
        await asyncio.to_thread(Session("./bear", endpoint=service.url, on_progress=listen).generate, "a bear")
        return [await queue.get()]

    assert timeless(asyncio.run(work())) == ["waiting for the picture"]
