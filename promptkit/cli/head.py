"""The commands that move the head, and the one that names a step: undo, redo, goto, tag."""

from __future__ import annotations

from argparse import Namespace

from promptkit.cli.flags import STEP, Commands, add_command, add_session
from promptkit.cli.output import as_json, print_objects, say
from promptkit.cli.session import existing_session, print_steps
from promptkit.lineage.head_and_tags import as_tagged

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Adds undo, redo, goto and tag."""
    add_session(add_command(commands, "undo", _undo, "move the head to its parent"))
    add_session(add_command(commands, "redo", _redo, "take back an undo"))
    goto = add_command(commands, "goto", _goto, "move the head to a step")
    add_session(goto)
    goto.add_argument("step", metavar="STEP", help=STEP)
    tag = add_command(commands, "tag", _tag, "name a step")
    add_session(tag)
    tag.add_argument("name", metavar="NAME", help="in quotes where it has blanks; a tag that is in use moves")
    tag.add_argument("step", nargs="?", metavar="STEP", help=f"{STEP}; the head")


def _undo(options: Namespace) -> int:
    return print_steps([existing_session(options).undo()], options)


def _redo(options: Namespace) -> int:
    return print_steps([existing_session(options).redo()], options)


def _goto(options: Namespace) -> int:
    return print_steps([existing_session(options).goto(options.step)], options)


def _tag(options: Namespace) -> int:
    session = existing_session(options)
    tags = session.tags
    before = tags.get(as_tagged(options.name, tags))
    step = session.tag(options.name, options.step)
    moved = f", and no longer step {before.number}" if before and before != step else ""
    if as_json():
        print_objects([step.to_dict()])
    say(f"step {step.number} is now {options.name!r}{moved}")
    return 0
