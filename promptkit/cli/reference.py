"""The command for named references: it names pictures that go along with requests, and lists the names."""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Sequence

from promptkit.cli.flags import Commands, add_command, add_names_from, add_session, given
from promptkit.cli.output import as_json, print_objects, say, show
from promptkit.cli.session import open_session
from promptkit.cli.texts import picture, text
from promptkit.errors import StepNotFound, did_you_mean
from promptkit.session.references import Reference
from promptkit.session.session import Session

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Adds reference."""
    reference = add_command(commands, "reference", _reference, "name pictures that go along with -r NAME, or list the names")
    add_session(reference)
    add_names_from(reference)
    reference.add_argument("name", nargs="?", metavar="NAME", help="the name; without it all names are listed")
    about = "what it stands for from now on: steps, tags, files; without any what it stands for is shown"
    reference.add_argument("pictures", nargs="*", type=picture, metavar="STEP|TAG|FILE", help=about)
    about = "what the pictures show, such as “the girl with the red scarf”, which is sent along with the name"
    reference.add_argument("--description", type=text, metavar="TEXT", help=about)


def _reference(options: Namespace) -> int:
    session = open_session(options)
    if options.name is None:
        return _printed(list(session.references.values()))
    if not options.pictures and options.description is None:
        return _printed([_known(session, options.name)])
    before = session.references.get(options.name)
    reference = session.reference(options.name, *options.pictures, **given(options, "description"))
    if as_json():
        print_objects([reference.to_dict()])
    newer = "; steps that were asked for with it keep the pictures that they had" if before else ""
    say(f"{reference} goes along with -r {shlex.quote(reference.name)}{newer}")
    return 0


def _printed(references: Sequence[Reference]) -> int:
    if as_json():
        print_objects(reference.to_dict() for reference in references)
        return 0
    for reference in references:
        show(str(reference))
    if not references:
        say("no names yet; `promptkit reference NAME FILE -s SESSION --description TEXT` makes one")
    return 0


def _known(session: Session, name: str) -> Reference:
    references = session.references
    if name in references:
        return references[name]
    said = f"There is no reference {name!r:.60}{did_you_mean(name, references)}; name its pictures: promptkit reference NAME FILE …"
    raise StepNotFound(said, path=session.folder)
