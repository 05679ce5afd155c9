"""From the options of a command to the session that it works in, and from its steps to the lines that are printed."""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from promptkit import atomic, config
from promptkit.cli.flags import given
from promptkit.cli.output import NO_PICTURE, as_json, print_file, print_objects, say, say_old_spelling, say_warning, usage
from promptkit.cli.texts import picture
from promptkit.cli.written import save_step
from promptkit.errors import LineageError, PromptkitError, StepNotFound, brief_path, did_you_mean
from promptkit.lineage.layout import MARKER, has_marker
from promptkit.lineage.location import Where, session_folder
from promptkit.providers.options import OPTIONS
from promptkit.session.session import Session
from promptkit.session.step import Step
from promptkit.views.facts import headline, is_draft

__all__ = [
    "existing_session",
    "is_old_session",
    "open_session",
    "pictures_along",
    "print_steps",
    "session_around",
    "session_of",
    "take_old_session",
    "tell_of_damage",
]

SETTINGS = ("endpoint", "model", "chain", "recover", "send", "budget", "max_requests", "lang", *OPTIONS, "deadline")
MAKE_ONE = "; `promptkit generate … -s` makes one"
VARIABLE = "PROMPTKIT_SESSION"
NAME_ONE = f"name the session with -s, such as -s ./cup; or stand in its folder, or set {VARIABLE}"


def open_session(options: Namespace, *settings: str) -> Session:
    """The session that is named, there or not, with those of these settings that were given; by default with all."""
    brought = getattr(options, "names_from", None)
    return Session(session_of(options), **given(options, *(settings or SETTINGS)), references=brought)


def pictures_along(session: Session, options: Namespace) -> list[object]:
    """What -r names, in its order: NAME=FILE binds a name for this once, where it is not itself a name, a tag or a file."""
    has_equals = any(isinstance(each, str) and "=" in each for each in options.reference)
    known = {*session.references, *session.tags} if has_equals else set()
    return [_along(each, known) for each in options.reference]


def _along(given: object, known: Collection[str]) -> object:
    if not isinstance(given, str) or "=" not in given or given in known or Path(given).exists():
        return given
    name, _, named = given.partition("=")
    return {name: picture(named)}


def session_of(options: Namespace) -> Where:
    """The session that -s names, else the one whose folder one stands in, else that of PROMPTKIT_SESSION, which is said on stderr.

    Exits where there is none. What was found is in `options.session` from then on.
    """
    if options.session is None:
        found = session_around()
        if found is None:
            raise usage(NAME_ONE)
        options.session, shown = found
        say(f"in {shown}:")
    elif options.session in (".", ".."):  # which Python takes for a name
        options.session = Path(options.session)
    return options.session  # type: ignore[no-any-return]


def session_around() -> tuple[Where, str] | None:
    """The session that is meant where none is named, and how it is shown; None where there is none."""
    with suppress(OSError):  # the folder that one stands in is gone
        here = Path.cwd()
        if has_marker(here):
            return here, f"./{here.name}"
    named = config.variable(VARIABLE)
    return (named, brief_path(session_folder(named))) if named else None


def is_old_session(options: Namespace, word: str | None) -> bool:
    """Whether a word that stands for a step names a session, as it did before: where no session is meant otherwise that has such a step."""
    if word is None or options.session is not None:
        return False
    around = session_around()
    if around is None:
        return True
    with suppress(PromptkitError):
        return has_marker(session_folder(word)) and not _has_step(Session(around[0]), word)
    return False


def _has_step(session: Session, word: str) -> bool:
    try:
        session[word]
    except StepNotFound:
        return False
    return True


def take_old_session(options: Namespace, word: str, command: str) -> None:
    """Takes a session that was given by position, as it was before, and says how it is named now."""
    if options.session is not None:
        raise usage(f"{word!r:.60} is too much: the session is {options.session}")
    options.session = word
    say_old_spelling("A session by position", f"promptkit {command} -s {shlex.quote(word)}")


def existing_session(options: Namespace, session: Session | None = None, *, advice: str = MAKE_ONE) -> Session:
    """The session that is named, or the one that was opened for it; LineageError, with the nearest name, where nothing is recorded."""
    session = Session(session_of(options)) if session is None else session
    if not len(session):
        markers = session.folder.parent.glob(f"*/{MARKER}")
        beside = [p.parent.name for p in markers if not p.parent.name.startswith(atomic.TEMPORARY)]  # those are imports under way
        near = did_you_mean(session.folder.name, beside)
        said = f"There is no session {str(options.session)!r}{near}; looked for {session.folder}{advice}."
        raise LineageError(said, path=session.folder)
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
            if output and _has_pictures(step) and (copy := save_step(step, options)):
                print_file(copy, step=step.number)
            continue
        for warning in step.warnings if not step.ok else ():
            say_warning(warning)
        marks = (" (offline draft)" if is_draft(step.record) else "") + (" (reused, nothing was sent)" if step.reused else "")
        say(f"{step.number} {headline(step.record)}{marks}")
        if _has_pictures(step):
            _print_pictures(step, options if output else None)
    return 0 if any(s.ok for s in steps) else NO_PICTURE


def _has_pictures(step: Step) -> bool:
    return step.ok and not step.record.forgotten


def _print_pictures(step: Step, copied: Namespace | None) -> None:
    """Prints where its pictures are, or the copy that was asked for; the bytes themselves where that goes to stdout."""
    own = step.files[: len(step.pictures)]
    try:
        paths = [save_step(step, copied)] if copied else own
    except PromptkitError as error:  # what was paid for is there all the same
        print(*own, sep="\n")
        error.step = step
        raise
    for path in filter(None, paths):
        print(path)
