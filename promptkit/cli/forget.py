"""The command `promptkit forget`, and the list of steps that it takes."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Iterator, Sequence

from promptkit.cli.flags import Commands, add_command, add_session
from promptkit.cli.output import as_json, print_objects, say, show
from promptkit.cli.session import existing_session
from promptkit.errors import StepNotFound
from promptkit.session.session import Session
from promptkit.session.step import Step

__all__ = ["add", "steps_named"]

RANGE = re.compile(r"([0-9]{1,6})-([0-9]{1,6})")
ABOUT = "take the pictures of steps out of the session for good, and with --words what was said"


def add(commands: Commands) -> None:
    """Adds forget."""
    forget = add_command(commands, "forget", _forget, ABOUT)
    add_session(forget)
    forget.add_argument("steps", nargs="+", metavar="STEPS", help="3, 3-8, 3,5,7, a tag, or the beginning of an id")
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


def steps_named(session: Session, words: Sequence[str]) -> list[Step]:
    """The steps that these words name, each once: 3, 3-8, 3,5,7, a tag, the beginning of an id. StepNotFound."""
    found = (step for word in words for step in _named(session, word))
    return list({step.id: step for step in found}.values())


def _named(session: Session, word: str) -> Iterator[Step]:
    """A tag may hold commas and dashes: the whole word goes first."""
    try:
        yield session[word]
    except StepNotFound:
        if "," in word:
            for part in filter(None, map(str.strip, word.split(","))):
                yield from _named(session, part)
        elif match := RANGE.fullmatch(word):
            yield from _between(session, int(match[1]), int(match[2]))
        else:
            raise


def _between(session: Session, first: int, last: int) -> Iterator[Step]:
    """The steps from one number to another, which both must be there; a number between them may have no step."""
    if last < first:
        raise StepNotFound(f"{first}-{last} goes backwards; give the lower number first.", path=session.folder)
    yield session[first]
    numbers = sorted({step.number for step in session.steps if first < step.number < last})
    yield from (session[number] for number in numbers)
    if last > first:
        yield session[last]
