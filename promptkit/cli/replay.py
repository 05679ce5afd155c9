"""The commands that run recorded steps again: replay and squash."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from promptkit.cli.flags import (
    STEP,
    Commands,
    add_command,
    add_deadline,
    add_fresh,
    add_limits,
    add_no_send,
    add_service,
    add_session,
    given,
)
from promptkit.cli.output import as_json, print_objects, say
from promptkit.cli.parser import Parser, as_written
from promptkit.cli.prompt import inputs_from
from promptkit.cli.session import existing_session, open_session, print_steps
from promptkit.cli.texts import picture
from promptkit.errors import PictureError, StepNotFound
from promptkit.lineage.tree import Lineage
from promptkit.prompts.library import Library, templates
from promptkit.session.replay_preview import ReplayPreview
from promptkit.session.reprompt import declared_inputs
from promptkit.session.session import Session
from promptkit.session.step import Step, Steps

__all__ = ["add"]

LIMITS = ("send", "budget", "max_requests", "deadline")


def add(commands: Commands) -> None:
    """Adds replay and squash."""
    _replay_options(_command(commands, "replay", _replay, "run the steps up to the head again, in another session or beside themselves"))
    made = _command(commands, "squash", _squash, "ask for several edits at once, from the picture before them")
    made.add_argument("first", metavar="FIRST", help=f"the first edit: {STEP}")
    made.add_argument("last", metavar="LAST", help="the last edit, on the same trail")
    made.add_argument("prompt", nargs="?", metavar="PROMPT", help="other words than the edits' own, numbered")
    add_fresh(made)


def _command(commands: Commands, name: str, run: Callable[[Namespace], int], text: str) -> Parser:
    made = add_command(commands, name, run, text)
    add_session(made)
    add_service(made)
    add_limits(made)
    add_no_send(made)
    add_deadline(made)
    return made


def _replay_options(parser: Parser) -> None:
    parser.add_argument("--step", metavar="STEP|TAG", help="the step up to which it runs, instead of the head")
    parser.add_argument("--into", required=True, metavar="SESSION", help="where the steps go; the same session gets a new branch")
    about = "what stands for the first picture: a file where there is one of that name, else a step of SESSION"
    parser.add_argument("--start", type=picture, metavar="FILE|STEP|TAG", help=about)
    about = "an input; VALUE may be @FILE or -, which is stdin"
    parser.add_argument("-i", "--input", action="append", type=as_written, default=[], metavar="INPUT=VALUE", help=about)
    parser.add_argument("--lang", help="the language of the templates that have it: en, es-MX, ja, zh-CN, hi")
    parser.add_argument("-L", dest="folders", action="append", default=[], metavar="FOLDER", help="today's templates, of this folder first")
    parser.add_argument("--today", action="store_true", help="today's templates, of your own folders and those that come along")
    parser.add_argument("--dry-run", action="store_true", help="show every prompt and what it may cost; send and write nothing")


def _replay(options: Namespace) -> int:
    session = existing_session(options)
    session = session if options.step is None else session.at(options.step)
    into = Session(options.into, **given(options, *LIMITS))
    library = Library(*options.folders) if options.folders else templates if options.today else None
    walk = [step.record for step in session.trail()]
    inputs = inputs_from(options.input, declared_inputs(Lineage(session.folder), walk, library)) if options.input else None
    start = {} if options.start is None else {"start": _start(session, options.start)}
    changes = {**start, **given(options, "model", "endpoint", "lang"), "inputs": inputs, "templates": library}
    done = _told(session, into, options, changes)
    if not isinstance(done, ReplayPreview):
        return print_steps(done, options)
    if as_json():
        print_objects(done.to_dicts())
    else:
        print(done)
    say("Nothing was sent; without --dry-run these are asked for.")
    return 0


def _start(session: Session, named: str | bytes | Path) -> str | bytes | Path | Step:
    """A picture file where there is one of that name, else a step of the session that is replayed."""
    if not isinstance(named, str):
        return named
    with suppress(OSError):  # a name that no file can have
        if Path(named).is_file():
            return named
    try:
        return session[named]
    except StepNotFound:
        if Path(named).name != named or Path(named).suffix:
            raise PictureError(f"There is no step and no picture file {named!r:.80}; check the path.") from None
        raise


def _told(session: Session, into: Session, options: Namespace, changes: Mapping[str, Any]) -> Steps | ReplayPreview:
    """What the replay brings; where it is stopped, it says how to go on."""
    before = len(into)
    try:
        return session.replay(into, dry_run=options.dry_run, **changes)
    except BaseException:
        if len(into) > before:
            new = len(into) - before
            say(f"{new} step{' was' if new == 1 else 's were'} recorded in {options.into}; the same command goes on from there.")
        raise


def _squash(options: Namespace) -> int:
    session = existing_session(options, open_session(options, "model", "endpoint", *LIMITS))
    return print_steps([session.squash(options.first, options.last, prompt=options.prompt, fresh=options.fresh)], options)
