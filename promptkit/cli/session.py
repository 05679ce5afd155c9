"""From the options of a command to the session that it works in, and from its steps to the lines that are printed."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from promptkit import atomic
from promptkit.cli.flags import given
from promptkit.cli.output import NO_PICTURE, as_json, print_file, print_objects, say, say_warning
from promptkit.errors import LineageError, PromptkitError, did_you_mean
from promptkit.lineage.layout import MARKER
from promptkit.providers.options import OPTIONS
from promptkit.session.session import Session
from promptkit.session.step import Step
from promptkit.views.facts import headline, is_draft

__all__ = ["existing_session", "open_session", "pictures_along", "print_steps", "tell_of_damage"]

SETTINGS = ("endpoint", "model", "chain", "recover", "send", "budget", "max_requests", "lang", *OPTIONS, "deadline")
MAKE_ONE = "; `promptkit generate … -s` makes one"


def open_session(options: Namespace) -> Session:
    """The session that -s names, there or not, with the settings that were given."""
    return Session(options.session, **given(options, *SETTINGS), references=getattr(options, "names_from", None))


def pictures_along(session: Session, options: Namespace) -> list[object]:
    """What -r names, in its order: NAME=FILE binds a name for this once, where it is not itself a name, a tag or a file."""
    known = {*session.references, *session.tags} if any("=" in each for each in options.reference) else ()
    return [_along(each, is_whole=each in known or Path(each).exists()) for each in options.reference]


def _along(text: str, *, is_whole: bool) -> object:
    name, equals, picture = text.partition("=")
    return text if is_whole or not equals else {name: picture}


def existing_session(options: Namespace, session: Session | None = None, *, advice: str = MAKE_ONE) -> Session:
    """The session that -s names, or the one that was opened for it; LineageError, with the nearest name, where nothing is recorded."""
    session = Session(options.session) if session is None else session
    if not len(session):
        markers = session.folder.parent.glob(f"*/{MARKER}")
        beside = [p.parent.name for p in markers if not p.parent.name.startswith(atomic.TEMPORARY)]  # those are imports under way
        near = did_you_mean(session.folder.name, beside)
        raise LineageError(f"There is no session {options.session!r}{near}; looked for {session.folder}{advice}.", path=session.folder)
    return session


def tell_of_damage(session: Session) -> None:
    """Says on stderr how many records cannot be read, where there are some."""
    if lost := len(session) - len(session.steps):
        say(f"{lost} record{' is' if lost == 1 else 's are'} damaged and not shown; `promptkit verify` names what is wrong")


def print_steps(steps: Sequence[Step], options: Namespace) -> int:
    """Prints the paths of their pictures, or of the copy (-o), and says what each step is; returns the exit status. With --json: the steps
    as objects, and the copy's path as one more.
    """
    output = getattr(options, "output", None)
    for step in steps:
        if as_json():
            print_objects([step.to_dict()])
            if step.ok and output and not step.record.forgotten:
                print_file(_saved(step, output)[0], step=step.number)
            continue
        for warning in step.warnings if not step.ok else ():
            say_warning(warning)
        marks = (" (offline draft)" if is_draft(step.record) else "") + (" (reused, nothing was sent)" if step.reused else "")
        say(f"{step.number} {headline(step.record)}{marks}")
        if step.ok and not step.record.forgotten:
            for path in _saved(step, output):
                print(path)
    return 0 if any(s.ok for s in steps) else NO_PICTURE


def _saved(step: Step, output: str | None) -> Sequence[Path]:
    """Where its pictures are, the copy that was asked for or the session's own."""
    own = step.files[: len(step.pictures)]
    try:
        return [step.save(output)] if output else own
    except PromptkitError as error:  # what was paid for is there all the same
        if not as_json():
            print(*own, sep="\n")
        error.step = step
        raise
