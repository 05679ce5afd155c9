"""The commands for marks: `mark` says what somebody makes of steps, `marks` lists that, or takes in what others sent."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from promptkit.cli.flags import Commands, add_command, add_session, given
from promptkit.cli.output import as_json, print_objects, say, say_warning, show, usage
from promptkit.cli.session import existing_session
from promptkit.cli.shell_words import in_shell_words
from promptkit.cli.steps import STEPS, steps_named
from promptkit.cli.texts import picture
from promptkit.errors import did_you_mean
from promptkit.lineage.marks import VERDICTS
from promptkit.session.session import Session

__all__ = ["add"]

TAKEN_BACK = "none"
WORDS = (*VERDICTS, TAKEN_BACK)


def add(commands: Commands) -> None:
    """Adds mark and marks."""
    mark = add_command(commands, "mark", _mark, "keep or reject steps, with stars and a note")
    add_session(mark)
    about = f"{STEPS}; then keep, reject, or none, which takes the same reader's mark back"
    mark.add_argument("words", nargs="+", metavar="STEPS", help=about)
    mark.add_argument("--stars", type=int, metavar="N", help="1 to 5; 0 takes them back")
    mark.add_argument("--note", metavar="TEXT", help='what to say of it, such as "bluer"')
    mark.add_argument("--region", metavar="BOX", help="what of the picture is meant: WIDTHxHEIGHT+LEFT+TOP in pixels, or all in %%")
    mark.add_argument("--by", metavar="NAME", help="who says so (the name in your config file, else nobody)")
    marks = add_command(commands, "marks", _marks, "list what readers make of which steps, or take in what they sent")
    add_session(marks)
    about = "a file that a page for readers saved, or a mail with lines such as `3 keep ★★★★ bluer`; - for a pasted one on stdin"
    marks.add_argument("file", nargs="?", type=picture, metavar="FILE", help=about)
    marks.add_argument("--by", metavar="NAME", help="whose marks are listed; of what was sent whose they are, where it does not say so")


def _mark(options: Namespace) -> int:
    verdicts = [word for word in options.words if word in WORDS]
    steps = [word for word in options.words if word not in WORDS]
    said = given(options, "stars", "note", "region", "by")
    if len(verdicts) > 1 or not steps or not (verdicts or said.keys() - {"by"}):
        near = did_you_mean(steps[-1], WORDS) if steps and not verdicts else ""
        said_how = f"name the steps, then one of {', '.join(WORDS)}{near}, or say --stars, --note or --region"
        raise usage(f"{said_how}: promptkit mark 5 7 keep --stars 4")
    session = existing_session(options)
    verdict = [None if word == TAKEN_BACK else word for word in verdicts]
    marks = [session.mark(step, *verdict, **said) for step in steps_named(session, steps)]
    if as_json():
        print_objects(mark.to_dict() for mark in marks)
        return 0
    for mark in marks:
        say(str(mark))
    return 0


def _marks(options: Namespace) -> int:
    session = existing_session(options)
    return _listed(session, options.by) if options.file is None else _taken_in(session, options)


def _listed(session: Session, by: str | None) -> int:
    marks = session.marks if by is None else session.marks.by(by)
    if as_json():
        print_objects(marks.to_dicts())
    elif marks:
        show(str(marks))
    else:
        say(f"no marks{'' if by is None else f' by {by!r:.60}'}; `promptkit mark 3 keep` makes one")
    return 0


def _taken_in(session: Session, options: Namespace) -> int:
    sent = Path(options.file) if isinstance(options.file, str) else options.file  # a text comes on stdin
    taken = session.import_marks(sent, by=options.by)
    if as_json():
        print_objects([*taken.to_dicts(), taken.to_dict()])
        return 1 if taken.refused else 0
    for mark in taken:
        say(str(mark))
    _warn(taken.refused)
    _warn(taken.notes)
    say(taken.summary)
    return 1 if taken.refused else 0


def _warn(sentences: Sequence[str]) -> None:
    for sentence in sentences:
        say_warning(in_shell_words(sentence))
