"""The commands that run recorded steps again: `promptkit replay` and `promptkit squash`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from promptkit.cli.output import add_command, say
from promptkit.errors import PictureError, StepNotFound
from promptkit.lineage.tree import Lineage
from promptkit.prompts.inputs import Input
from promptkit.prompts.library import Library, templates
from promptkit.session.replay_preview import ReplayPreview
from promptkit.session.reprompt import declared_inputs
from promptkit.session.session import Session
from promptkit.session.step import Step

__all__ = ["add_commands"]


@dataclass(frozen=True)
class _Shared:
    """What all commands share: opening a session that is there, reading -i by the inputs of a template, showing steps."""

    existing: Callable[[argparse.Namespace, Callable[[argparse.Namespace], Session]], Session]
    inputs: Callable[[Sequence[str], Any], dict[str, Any]]
    shown: Callable[[Any, argparse.Namespace], int]


def _replay(options: argparse.Namespace, shared: _Shared) -> int:
    session = shared.existing(options, lambda o: Session(o.session))
    session = session if options.step is None else session.at(options.step)
    into = Session(options.into, **_given(options, "budget", "deadline"))
    library = Library(*options.folders) if options.folders else templates if options.today else None
    inputs = shared.inputs(options.input, SimpleNamespace(inputs=_declared(session, library))) if options.input else None
    start = {} if options.start is None else {"start": _start(session, options.start)}
    changes = {**start, **_given(options, "model", "endpoint", "lang"), "inputs": inputs, "templates": library}
    done = _told(session, into, options, changes)
    if not isinstance(done, ReplayPreview):
        return shared.shown(done, options)
    print(done)
    say("Nothing was sent; without --dry-run these are asked for.")
    return 0


def _declared(session: Session, library: Library | None) -> dict[str, Input]:
    return declared_inputs(Lineage(session.folder), [step.record for step in session.trail()], library)


def _start(session: Session, given: str) -> str | Step:
    """A picture file where there is one of that name, else a step of the session that is replayed."""
    with suppress(OSError):  # a name that no file can have
        if Path(given).is_file():
            return given
    try:
        return session[given]
    except StepNotFound:
        if Path(given).name != given or Path(given).suffix:
            raise PictureError(f"There is no step and no picture file {given!r:.80}; check the path.") from None
        raise


def _told(session: Session, into: Session, options: argparse.Namespace, changes: Mapping[str, Any]) -> Any:
    """What the replay brings; where it is stopped, it says how to go on."""
    before = len(into)
    try:
        return session.replay(into, dry_run=options.dry_run, **changes)
    except BaseException:
        if len(into) > before:
            say(f"{len(into) - before} steps were recorded in {options.into}; the same command goes on from there.")
        raise


def _squash(options: argparse.Namespace, shared: _Shared) -> int:
    session = shared.existing(options, lambda o: Session(o.session, **_given(o, "model", "endpoint", "budget", "deadline")))
    return shared.shown([session.squash(options.first, options.last, prompt=options.prompt, fresh=options.fresh)], options)


def _given(options: argparse.Namespace, *names: str) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(options, name)) is not None}


# The parser


def add_commands(commands: Any, existing: Any, inputs: Any, shown: Any) -> None:
    """Adds replay and squash to the commands of a parser (what its add_subparsers returned); the rest is what all commands share."""
    shared = _Shared(existing, inputs, shown)

    def command(name: str, run: Callable[[argparse.Namespace, _Shared], int], text: str) -> argparse.ArgumentParser:
        made = add_command(commands, name, lambda options: run(options, shared), text)
        made.add_argument("-s", "--session", required=True, metavar="SESSION", help="a session's name, or its folder as a path")
        made.add_argument("-e", "--endpoint", help="google, deerapi, aaigc, offline, one of your own, or a base URL")
        made.add_argument("-m", "--model")
        made.add_argument("--budget", type=float, metavar="USD", help="for the lifetime of the session that the steps go to")
        made.add_argument("--deadline", type=float, metavar="SECONDS", help="for one step, waits included (600)")
        return made

    _replay_options(command("replay", _replay, "run the steps up to the head again, in another session or beside themselves"))
    made = command("squash", _squash, "ask for several edits at once, from the picture before them")
    made.add_argument("first", metavar="FIRST", help="the first edit: number, tag, or beginning of an id")
    made.add_argument("last", metavar="LAST", help="the last edit, on the same trail")
    made.add_argument("prompt", nargs="?", metavar="PROMPT", help="other words than the edits' own, numbered")
    made.add_argument("--fresh", action="store_true", help="ask anew even for what the session holds already")


def _replay_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--step", metavar="STEP|TAG", help="the step up to which it runs, instead of the head")
    parser.add_argument("--into", required=True, metavar="SESSION", help="where the steps go; the same session gets a new branch")
    about = "what stands for the first picture: a file where there is one of that name, else a step of SESSION"
    parser.add_argument("--start", metavar="FILE|STEP|TAG", help=about)
    parser.add_argument("-i", "--input", action="append", default=[], metavar="INPUT=VALUE", help="an input; VALUE may be @FILE")
    parser.add_argument("--lang", help="the language of the templates that have it: en, es-MX, ja, zh-CN, hi")
    parser.add_argument("-L", dest="folders", action="append", default=[], metavar="FOLDER", help="today's templates, of this folder first")
    parser.add_argument("--today", action="store_true", help="today's templates, of your own folders and those that come along")
    parser.add_argument("--dry-run", action="store_true", help="show every prompt and what it may cost; send and write nothing")
