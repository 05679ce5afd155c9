"""What the commands say to whoever runs them: words on stderr, a wrong command line, exit statuses."""

from __future__ import annotations

import codecs
import sys

from promptkit.terminal import printable

__all__ = ["NO_MONEY", "NO_PICTURE", "PATHS_WHOLE", "say", "show", "show_prompt", "usage"]

NO_PICTURE, NO_MONEY = 3, 4  # exit statuses; 1 is an error, 2 a wrong command line
PATHS_WHOLE = "promptkit.paths"  # how a stream's errors= names it


def say(text: str) -> None:
    """One line on stderr, without what would move the cursor or colour the screen."""
    print(printable(text, keep="\n\t"), file=sys.stderr)


def show(text: str) -> None:
    """Words that were asked for, on stdout: of a stranger's making, so without what would move the cursor or colour the screen."""
    print(printable(text, keep="\n\t"))


def show_prompt(text: str) -> None:
    """A rendered prompt on stdout: as it would be sent where something else reads it, without control characters on a terminal."""
    if sys.stdout.isatty():
        show(text)
    else:
        print(text)


def _own_bytes(error: UnicodeError) -> tuple[bytes | str, int]:
    """What a stream's encoding cannot say is a ?, but for the bytes of a path that is no text: with them, it can be pasted."""
    assert isinstance(error, UnicodeEncodeError)
    character = error.object[error.start]
    return bytes([ord(character) - 0xDC00]) if "\udc80" <= character <= "\udcff" else "?", error.start + 1


codecs.register_error(PATHS_WHOLE, _own_bytes)


def usage(message: str) -> SystemExit:
    """The exit for a wrong command line, after saying what is wrong with it."""
    say(f"promptkit: {message}.")
    return SystemExit(2)
