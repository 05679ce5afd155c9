"""The steps that words name: 3, 3-8, 3,5,7, a tag, the beginning of an id, or by their marks @keep, @reject, @4stars."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from promptkit.cli.output import say
from promptkit.errors import StepNotFound
from promptkit.lineage.marked import is_marked_word
from promptkit.session.session import Session
from promptkit.session.step import Step

__all__ = ["STEPS", "steps_marked", "steps_named"]

STEPS = "3, 3-8, 3,5,7, a tag, the beginning of an id, or by their marks @keep, @reject, @4stars"
RANGE = re.compile(r"([0-9]{1,6})-([0-9]{1,6})")


def steps_named(session: Session, words: Sequence[str]) -> list[Step]:
    """The steps that these words name, each once. StepNotFound."""
    found = (step for word in words for step in _named(session, word))
    return list({step.id: step for step in found}.values())


def steps_marked(session: Session, word: str, by: str | None = None) -> list[Step]:
    """The steps that are marked so; on which readers differ is said on stderr. SettingsError for what is no such word."""
    found = session.marked(word, by=by)
    if found.conflicts:
        numbers = ", ".join(str(step.number) for step in found.conflicts)
        say(f"left out, for readers differ on {'them' if len(found.conflicts) > 1 else 'it'}: {numbers}")
    return list(found)


def _named(session: Session, word: str) -> Iterator[Step]:
    """A tag may hold commas and dashes, or an @: the whole word goes first."""
    if is_marked_word(word) and word not in session.tags:
        yield from steps_marked(session, word) or [session[word]]  # which says that there is none
        return
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
