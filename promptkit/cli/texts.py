"""What - and @FILE stand for, the same in every option and for every word: a text, or a picture, from stdin or from a file.

`-` is what comes on stdin, `@FILE` what a file holds, `@@…` a text that begins with an @. Texts are UTF-8, or refused.
Each function is a `type` of argparse: it gets what was written, and returns what is meant.
"""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence
from pathlib import Path

from promptkit.cli.output import say
from promptkit.errors import SettingsError, did_you_mean

__all__ = ["STDIN", "begin", "number", "one_of", "output", "picture", "read_nothing", "text", "whole_number"]

STDIN = ("-", "@-")


class _Stdin:
    """Whether it was read already: it can be once."""

    was_read = False


class _Reading:
    """Whether anything is read: not where a shell only asks what may be typed next."""

    is_on = True


def begin() -> None:
    """Forgets that stdin was read: another command begins."""
    _Stdin.was_read = False


def read_nothing() -> None:
    """From now on a text is what was written."""
    _Reading.is_on = False


def text(given: str) -> str:
    """A text: as it was written, or that of stdin or of a file, without the line ends behind it."""
    if not _Reading.is_on:
        return given
    if given in STDIN:
        return _decoded(_from_stdin(), "What came on stdin")
    if given.startswith("@@") or not given.startswith("@"):
        return given.removeprefix("@") if given.startswith("@@") else given
    return _decoded(_from_file(given[1:]), f"The file {given[1:]}")


def output(given: str) -> str:
    """Where something is written: a path, or - for stdout."""
    return given if given == "-" else text(given)


def picture(given: str) -> str | bytes | Path:
    """A picture from stdin or from a file, or a word that names a step or a file."""
    if not _Reading.is_on:
        return given
    if given in STDIN:
        return _from_stdin()
    if given.startswith("@@") or not given.startswith("@"):
        return given.removeprefix("@") if given.startswith("@@") else given
    return Path(given[1:])


def whole_number(given: str) -> int:
    """A whole number."""
    try:
        return int(text(given))
    except ValueError:
        raise ArgumentTypeError(f"{given!r:.60} is not a whole number, such as 4") from None


def number(given: str) -> float:
    """A number."""
    try:
        return float(text(given))
    except ValueError:
        raise ArgumentTypeError(f"{given!r:.60} is not a number, such as 0.5") from None


def one_of(known: Sequence[str]) -> Callable[[str], str]:
    """One of these words."""

    def choice(given: str) -> str:
        if (word := text(given)) not in known:
            raise ArgumentTypeError(f"{word!r:.60} is none of {', '.join(known)}{did_you_mean(word, known)}")
        return word

    return choice


def _from_stdin() -> bytes:
    if _Stdin.was_read:
        raise SettingsError("- stands twice, and stdin can be read once; put one of the two into a file, and name it with @.")
    if sys.stdin is None or sys.stdin.closed:
        raise SettingsError("- stands for stdin, and nothing is there to read.")
    _Stdin.was_read = True
    if sys.stdin.isatty():
        say(f"reading from the keyboard, until {'Ctrl-Z and Enter' if sys.platform == 'win32' else 'Ctrl-D'}")
        return sys.stdin.read().encode("utf-8", "surrogateescape")
    return sys.stdin.buffer.read()


def _from_file(name: str) -> bytes:
    try:
        return Path(name).expanduser().read_bytes()
    except (OSError, ValueError, RuntimeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise SettingsError(f"The file {name!r:.200} cannot be read: {reason}; @@ begins a text with an @ of its own.") from None


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").rstrip("\n")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{name} is not UTF-8 (byte {error.start + 1} of {len(data)}): save it as UTF-8.") from None
