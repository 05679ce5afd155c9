"""The files that this process holds in sessions' folders, touched as long as it lives, so that other machines see that it does."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

__all__ = ["hold", "is_held", "let_go"]

EVERY = 20.0  # seconds; whoever cannot ask after a process waits six times as long

HELD: set[Path] = set()
_guard = threading.Lock()
_toucher: threading.Thread | None = None


def hold(path: Path) -> None:
    """Touches the file every 20 s from now on."""
    global _toucher
    with _guard:
        HELD.add(path)
        if _toucher is None or not _toucher.is_alive():
            _toucher = threading.Thread(target=_touch, daemon=True, name="promptkit claims")
            _toucher.start()


def let_go(path: Path) -> None:
    """Touches it no more."""
    with _guard:
        HELD.discard(path)


def is_held(path: Path) -> bool:
    """Whether this process holds it: a claim that it could not remove is nobody's."""
    return path in HELD


def _touch() -> None:
    pause = threading.Event()
    while not pause.wait(EVERY):
        with _guard:
            held = [*HELD]
        for path in held:
            with suppress(OSError):  # gone, or on a drive that does not answer: then it counts as untouched
                os.utime(path)


def _forget_the_parents() -> None:
    global _guard, _toucher
    _guard, _toucher = threading.Lock(), None
    HELD.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_the_parents)
