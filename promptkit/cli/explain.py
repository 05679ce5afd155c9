"""The command `promptkit show`, and what `promptkit log --cost` prints: how a picture came to be, and what was spent."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from typing import Any

from promptkit.cli.output import usage
from promptkit.session.explanation import WIDTH

__all__ = ["add_commands", "print_spending"]

Opening = Callable[[argparse.Namespace], Any]


def add_commands(commands: Any, existing: Opening) -> None:
    """Adds `show` to the commands; `existing` opens the session that is named by `options.session`, or says that there is none."""
    about = "explain how a picture came to be: each step from the root on, what it asked, what was tried and what it cost"
    show: argparse.ArgumentParser = commands.add_parser("show", help=about, description=about)
    show.set_defaults(run=lambda options: _show(options, existing), library=())
    show.add_argument("-s", "--session", metavar="SESSION", help="a session's name, or its folder as a path; or write it before STEP")
    show.add_argument("words", nargs="*", metavar="[SESSION] STEP", help="number, tag, or beginning of an id; the head")
    show.add_argument("-n", "--last", type=int, metavar="N", help="only the last N steps of the trail")
    show.add_argument("--changes", action="store_true", help="measure what each edit changed in its picture")
    show.add_argument("--full", action="store_true", help="long prompts to their end, ids and digests in all their digits")


def _show(options: argparse.Namespace, existing: Opening) -> int:
    words = list(options.words)
    if options.session is None and words:
        options.session = words.pop(0)
    if options.session is None or len(words) > 1:
        raise usage("name a session and one of its steps: promptkit show SESSION STEP, or promptkit show -s SESSION STEP")
    if options.last is not None and options.last < 1:
        raise usage("-n takes a number of steps from 1 on")
    explanation = existing(options).explain(words[0] if words else None, measured=options.changes)
    shown = explanation if options.last is None else explanation.only(options.last)
    print(shown.text(_width(), full=options.full))
    return 0


def _width() -> int:
    return max(40, shutil.get_terminal_size((WIDTH, 24)).columns) if sys.stdout.isatty() else WIDTH


def print_spending(session: Any) -> int:
    """Prints what a session cost, by model and by outcome."""
    print(session.spending)
    return 0
