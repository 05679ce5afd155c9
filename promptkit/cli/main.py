"""The table of all commands, and `main`, which runs one of them.

Picture paths go to stdout, and what was asked for in words (a rendered prompt, a log); all else goes to stderr.
With --json both are flat objects, one a line.
Exit status: 0 done, 1 an error, 2 a wrong command line, 3 no picture or refused, 4 budget, credit or quota, 130 stopped with Ctrl-C.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from promptkit import __version__
from promptkit.cli.output import NO_MONEY, NO_PICTURE, PATHS_WHOLE, as_json, say_error, say_warning, speak_json, usage

__all__ = ["GROUPS", "build_parser", "main"]

# All commands in the order of `promptkit --help`, by group. A group is a module beside this one, imported only when one of its commands
# runs or shows its --help; so the sentence of each command stands here too.
GROUPS = {
    "demo": {"demo": "make a session of offline drafts in ./promptkit-demo and show it"},
    "templates": {
        "templates": "list the templates, or show, write, check, render and test them",
        "render": "print the prompt that a template makes",
    },
    "generate": {
        "generate": "make a picture",
        "edit": "continue from a picture",
        "vary": "make several at once; without a prompt more of the head's own",
        "add": "take a picture of your own as a root, or as made by hand from a step's",
    },
    "head": {
        "undo": "move the head to its parent",
        "redo": "take back an undo",
        "goto": "move the head to a step",
        "tag": "name a step",
    },
    "reference": {"reference": "name pictures that go along with -r NAME, or list the names"},
    "history": {
        "log": "show the tree",
        "show": "explain how a picture came to be: each step from the root on, what it asked, what was tried and what it cost",
        "verify": "check all files against their hashes",
    },
    "page": {"page": "write the tree as one HTML file, or a contact sheet"},
    "search": {
        "sessions": "list the sessions with steps, cost, last change, tags and head",
        "find": "find the steps whose prompt, inputs, label, tags or answer hold all the words",
        "which": "find the step that made a picture: by its bytes, else by its looks",
    },
    "forget": {"forget": "take the pictures of steps out of the session for good, and with --words what was said"},
    "archive": {
        "export": "write the trail of a step, or a whole session, as one zip",
        "import": "make a session of an exported zip, or merge it into one",
        "save": "save the picture of a step to a file",
        "embedded": "print the lineage that a picture file brings along, and what other tools wrote into it",
    },
    "replay": {
        "replay": "run the steps up to the head again, in another session or beside themselves",
        "squash": "ask for several edits at once, from the picture before them",
    },
    "price": {"price": "show what a picture costs at each endpoint, or set it in your config file"},
    "painter": {"painter": "answer requests with offline drafts, behind a socket"},
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command, that of `sys.argv` by default; returns its exit status. SystemExit for --help and a wrong command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a console of another encoding shows ? rather than nothing
            stream.reconfigure(errors=PATHS_WHOLE)
    given = list(sys.argv[1:] if arguments is None else arguments)
    speak_json("--json" in given)
    if not given:
        build_parser().print_help(sys.stderr)
        raise usage("name a command; `promptkit demo` shows what this is, without a key")
    command = next((word for word in given if not word.startswith("-")), None)
    parser = build_parser(next((group for group, commands in GROUPS.items() if command in commands), None))
    try:
        return _run(parser.parse_args(_spelled_out(given)))
    finally:
        speak_json(False)


def build_parser(group: str | None = None) -> argparse.ArgumentParser:
    """The parser of the command line, in which only the commands of that group can be parsed; the others stand in its --help."""
    about = "Prompt templates for image models, and sessions that refine a picture step by step."
    parser = _Parser(prog="promptkit", description=about)
    parser.add_argument("--version", action="version", version=f"promptkit {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, sentences in GROUPS.items():
        if name == group:
            import_module(f"promptkit.cli.{name}").add(commands)
        else:
            for command, sentence in sentences.items():
                commands.add_parser(command, help=sentence)
    return parser


class _Parser(argparse.ArgumentParser):
    """A parser that says as JSON what is wrong with a command line that asks for it."""

    def error(self, message: str) -> NoReturn:
        if as_json():
            raise usage(message)
        super().error(message)


def _spelled_out(given: list[str]) -> list[str]:
    if given[0] != "templates":
        return given
    from promptkit.cli.templates import spelled_out

    return spelled_out(given)


def _run(options: argparse.Namespace) -> int:
    """Runs the command that was parsed; what goes wrong becomes one line on stderr and an exit status."""
    from promptkit.errors import PromptkitError

    speak_json(getattr(options, "json", False))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = _show_warning
        try:
            _add_libraries(options.library)
            status: int = options.run(options)
            if sys.stdout is not None:  # nobody is there to read, where it was closed
                sys.stdout.flush()
        except PromptkitError as error:
            say_error(error, error.in_shell or str(error))
            return _status(error)
        except KeyboardInterrupt as stop:
            say_error(stop, "stopped; what was under way is recorded as interrupted.")
            return 130
        except BrokenPipeError:  # whoever read our output has gone
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except OSError as error:
            say_error(error, f"the output cannot be written: {error}.")
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or leaving would say it once more
            return 1
    return status


def _add_libraries(folders: Sequence[str]) -> None:
    if folders:
        from promptkit.prompts.library import add_library

        for folder in folders:
            add_library(folder)


def _status(error: Exception) -> int:
    from promptkit.errors import BudgetExceeded, NoPicture, OutOfCredit, QuotaExceeded

    if isinstance(error, NoPicture):
        return NO_PICTURE
    return NO_MONEY if isinstance(error, BudgetExceeded | OutOfCredit | QuotaExceeded) else 1


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    say_warning(getattr(message, "in_shell", None) or str(message))
