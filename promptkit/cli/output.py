"""What the commands say to whoever runs them: words on stderr, a wrong command line, exit statuses.

With --json all of it is flat objects, one a line: what was asked for on stdout; errors, warnings and notes on stderr.
"""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from promptkit.terminal import printable

__all__ = [
    "NO_MONEY",
    "NO_PICTURE",
    "PATHS_WHOLE",
    "as_json",
    "print_address",
    "print_file",
    "print_objects",
    "say",
    "say_error",
    "say_old_spelling",
    "say_warning",
    "show",
    "show_prompt",
    "speak_json",
    "usage",
]

NO_PICTURE, NO_MONEY = 3, 4  # exit statuses; 1 is an error, 2 a wrong command line
PATHS_WHOLE = "promptkit.paths"  # how a stream's errors= names it


class _Speech:
    """How this command answers: set once, before it runs."""

    is_json = False


def speak_json(on: bool) -> None:
    """Whether what follows is said as JSON, on stdout and stderr."""
    _Speech.is_json = on


def as_json() -> bool:
    """Whether --json was given."""
    return _Speech.is_json


def print_objects(objects: Iterable[Mapping[str, Any]]) -> None:
    """Each object on a line of stdout. In ASCII, as JSON may be, so that no console's encoding or control character spoils a line."""
    for each in objects:
        print(_line(each), flush=True)


def print_file(path: object, *, step: int | None = None) -> None:
    """The path of a file or folder that was written, on stdout; `step` is the step whose picture it has."""
    if as_json():
        print_objects([{"schema": "promptkit.file/1", "file": str(path), "step": step}])
    else:
        print(path)


def print_address(url: str) -> None:
    """The address at which something is served, on stdout at once, for who waits for it."""
    if as_json():
        print_objects([{"schema": "promptkit.address/1", "url": url}])
    else:
        print(url, flush=True)


def say(text: str) -> None:
    """One line on stderr, without what would move the cursor or colour the screen."""
    if as_json():
        _say_object({"schema": "promptkit.note/1", "level": "note", "message": text})
    else:
        print(printable(text, keep="\n\t"), file=sys.stderr)


def say_warning(text: str) -> None:
    """A warning on stderr."""
    if as_json():
        _say_object({"schema": "promptkit.note/1", "level": "warning", "message": text})
    else:
        say(f"promptkit: {text}")


def say_old_spelling(old: str, new: str) -> None:
    """A spelling that works one release longer, and the one that takes its place."""
    say_warning(f"{old} is the old spelling, and goes with the next release: write {new}.")


def say_error(error: BaseException, text: str) -> None:
    """What stopped the command, on stderr: an error of promptkit's in its own words, any other one in these."""
    if not as_json():
        say(f"promptkit: {text}")
        return
    from promptkit.cli.shell_words import in_shell_words
    from promptkit.errors import PromptkitError

    own = (error if isinstance(error, PromptkitError) else PromptkitError(text)).to_dict()
    _say_object(own | {"error": type(error).__name__, "message": printable(text), "advice": in_shell_words(own["advice"])})


def _say_object(each: Mapping[str, Any]) -> None:
    print(_line(each), file=sys.stderr)


def _line(each: Mapping[str, Any]) -> str:
    import json  # --help needs none of it

    return json.dumps(each, allow_nan=False)


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
    if as_json():
        from promptkit.errors import SettingsError

        own = {"error": "UsageError", "advice": "Correct the command line; --help shows it."}
        _say_object(SettingsError(f"{message}.").to_dict() | own)
    else:
        say(f"promptkit: {message}.")
    return SystemExit(2)
