"""Processes that work in one folder at once, and that are killed at moments which are drawn and not timed.

A killed process ends with SIGKILL before something that the interpreter audits (a file is opened, named or removed, a request is sent), so
that the same draw kills it at the same place again.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

CONTEXT = multiprocessing.get_context("forkserver")  # a fork of a process with threads may hang
# what a session needs is imported once, and not by each process
CONTEXT.set_forkserver_preload(["__main__", "kit.rivals", "kit.loopback", "requests", "promptkit.session.session"])
PATIENCE = 120  # seconds; a process that says nothing for so long hangs
WATCHED = ("open", "os.rename", "os.remove", "os.link", "os.listdir", "os.scandir", "os.mkdir", "promptkit.send")

Say = Callable[[Any], None]


def at_once(works: Sequence[Callable[[Say, Callable[[], None]], None]]) -> list[list[Any]]:
    """Does each of the works in a process of its own, from the same moment on, and brings what each said until it ended or was killed.

    A work is given how to say something, and what to call when it is ready: it comes back when all are. TimeoutError where one hangs.
    """
    lines = []
    for work in works:
        here, there = CONTEXT.Pipe()
        process = CONTEXT.Process(target=_do, args=(work, there, dict(os.environ)), daemon=True)
        process.start()
        there.close()
        lines.append((process, here))
    try:
        for _, here in lines:
            _next(here)
        for _, here in lines:
            here.send("go")
        return [_all_said(here) for _, here in lines]
    finally:
        for process, here in lines:
            here.close()
            process.kill()
            process.join()


def _do(work: Callable[[Say, Callable[[], None]], None], line: Connection, environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)

    def ready() -> None:
        line.send("ready")
        line.recv()

    work(line.send, ready)


def _next(line: Connection) -> Any:
    if not line.poll(PATIENCE):
        raise TimeoutError(f"a process said nothing for {PATIENCE} s")
    return line.recv()


def _all_said(line: Connection) -> list[Any]:
    said = []
    while True:
        try:
            said.append(_next(line))
        except (EOFError, ConnectionResetError):
            return said


def die_at(moment: int, folder: Path, last: Callable[[], None], *, begin: str = "") -> None:
    """Kills this process before it does a thing for that many times in the folder, or sends; `last` is called just before. It is counted
    from the first event `begin` on, where that is named.
    """
    left, waits = [moment], [bool(begin)]

    def count(event: str, arguments: tuple[object, ...]) -> None:
        if event == begin:
            waits[0] = False
        if waits[0] or left[0] <= 0 or event not in WATCHED or (event != "promptkit.send" and str(folder) not in str(arguments[:2])):
            return
        left[0] -= 1
        if not left[0]:
            last()
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
