"""The commands over all sessions: which there are, where words stand, which step made a picture.

Paths go to stdout, one for each that was found; what it is goes to stderr. Exit status 1 where nothing is found.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptkit.cli.flags import Commands, add_command
from promptkit.cli.output import as_json, print_objects, say, say_warning, usage
from promptkit.cli.texts import picture

if TYPE_CHECKING:
    from promptkit.search.results import Results
    from promptkit.session.step import Step

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Adds sessions, find and which."""
    command = partial(add_command, commands)
    where = "a folder that holds sessions, or one (your data folder)"
    listed = command("sessions", _sessions, "list the sessions with steps, cost, last change, tags and head")
    listed.add_argument("folder", nargs="?", metavar="FOLDER", help=where)
    listed.add_argument("--in", dest="inside", metavar="FOLDER", help="the same, as find and which have it")
    find = command("find", _find, "find the steps whose prompt, inputs, label, tags, marks or answer hold all the words")
    find.add_argument("words", nargs="*", metavar="WORD", help='parts of words will do; "two words": a phrase; none with --marked: all')
    find.add_argument("--marked", metavar="HOW", help="only steps that are marked so: keep, reject, 4stars (four or more), or marked")
    find.add_argument("--by", metavar="NAME", help="with --marked: by that reader; else by all who judged a step")
    find.add_argument("--in", dest="folder", metavar="FOLDER", help=where)
    which = command("which", _which, "find the step that made a picture: by its bytes, else by its looks")
    which.add_argument("picture", type=picture, metavar="FILE", help="a picture file, or - for stdin")
    which.add_argument("--in", dest="folder", metavar="FOLDER", help=where)
    which.add_argument("--similar", action="store_true", help="list those too that only look similar")


def _sessions(options: argparse.Namespace) -> int:
    from promptkit.search.search import sessions

    if options.inside and options.folder:
        raise usage(f"one folder is enough: {options.folder} or {options.inside}")
    found = sessions(options.inside or options.folder)
    return _shown(found, [(row, [info.folder]) for row, info in zip(found.rows(), found, strict=True)])


def _find(options: argparse.Namespace) -> int:
    from promptkit.search.search import find

    if not options.words and options.marked is None:
        raise usage("`promptkit find` needs WORD, or --marked; `promptkit find --help` shows how")
    found = find(options.words, options.folder, marked=options.marked, by=options.by)
    return _shown(found, [(f.line, _files(f.step)) for f in found])


def _which(options: argparse.Namespace) -> int:
    from promptkit.search.search import which

    found = which(options.picture, options.folder, similar=options.similar)
    return _shown(found, [(m.line, [m.path]) for m in found])


def _files(step: Step) -> Sequence[Path]:
    """Its pictures, or the record of one that has none."""
    return step.files[: max(1, len(step.pictures))]


def _shown(found: Results[Any], lines: Sequence[tuple[str, Sequence[Path]]]) -> int:
    from promptkit.search.results import SHELL

    if as_json():
        print_objects(found.to_dicts())
    for line, paths in () if as_json() else lines:
        say(line)
        for path in paths:
            print(path, flush=True)  # before the next line on stderr
    for note in found.notes_with(SHELL):
        say_warning(note)
    say(found.summary)
    return 0 if found else 1
