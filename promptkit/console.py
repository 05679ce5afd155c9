"""What the commands say to a person: words on stderr, and a wrong command line."""

from __future__ import annotations

import sys

__all__ = ["say", "usage"]


def say(text: str) -> None:
    """One line on stderr, without what would move the cursor or colour the screen."""
    shown = "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)
    print(shown, file=sys.stderr)


def usage(message: str) -> SystemExit:
    """The exit for a wrong command line, after saying what is wrong with it."""
    say(f"promptkit: {message}.")
    return SystemExit(2)
