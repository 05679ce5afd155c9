"""What the commands say to a person: words on stderr, and a wrong command line."""

from __future__ import annotations

import argparse
import codecs
import sys
from collections.abc import Callable
from typing import Any

from promptkit.terminal import printable

__all__ = ["PATHS_WHOLE", "add_command", "say", "usage"]

PATHS_WHOLE = "promptkit.paths"  # how a stream's errors= names it


def say(text: str) -> None:
    """One line on stderr, without what would move the cursor or colour the screen."""
    print(printable(text, keep="\n\t"), file=sys.stderr)


def _own_bytes(error: UnicodeError) -> tuple[bytes | str, int]:
    """What a stream's encoding cannot say is a ?, but for the bytes of a path that is no text: with them, it can be pasted."""
    assert isinstance(error, UnicodeEncodeError)
    character = error.object[error.start]
    return bytes([ord(character) - 0xDC00]) if "\udc80" <= character <= "\udcff" else "?", error.start + 1


codecs.register_error(PATHS_WHOLE, _own_bytes)


def add_command(commands: Any, name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
    """Adds a command to those of a parser (what its add_subparsers returned); `run` gets its options and returns the exit status."""
    made: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    made.set_defaults(run=run, library=())
    return made


def usage(message: str) -> SystemExit:
    """The exit for a wrong command line, after saying what is wrong with it."""
    say(f"promptkit: {message}.")
    return SystemExit(2)
