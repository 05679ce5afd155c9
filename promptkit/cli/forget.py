"""The command `promptkit forget`."""

from __future__ import annotations

from argparse import Namespace

from promptkit.cli.flags import Commands, add_command, add_session
from promptkit.cli.output import as_json, print_objects, say, show
from promptkit.cli.session import existing_session
from promptkit.cli.steps import STEPS, steps_named

__all__ = ["add"]

ABOUT = "take the pictures of steps out of the session for good, and with --words what was said"


def add(commands: Commands) -> None:
    """Adds forget."""
    forget = add_command(commands, "forget", _forget, ABOUT)
    add_session(forget)
    forget.add_argument("steps", nargs="+", metavar="STEPS", help=STEPS)
    forget.add_argument("--words", action="store_true", help="their prompts and replies too; the tree, the ids and the costs stay")
    forget.add_argument("--dry-run", action="store_true", help="list what would go, and delete nothing")


def _forget(options: Namespace) -> int:
    session = existing_session(options, advice="")
    done = session.forget(*steps_named(session, options.steps), words=options.words, dry_run=options.dry_run)
    if as_json():
        print_objects([done.to_dict()])
        return 0
    for name in done.files:
        show(name)
    say("\n".join((done.summary, *done.notes)))
    return 0
