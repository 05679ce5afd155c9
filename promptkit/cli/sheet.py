"""The command `promptkit sheet`: pictures on a contact sheet, those that are named, a trail, siblings, or a grid of two inputs."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from promptkit.cli.flags import Commands, add_command, add_output, add_session
from promptkit.cli.output import usage
from promptkit.cli.session import existing_session, tell_of_damage
from promptkit.cli.steps import STEPS, steps_named
from promptkit.cli.written import STDOUT, check_stdout, write_document
from promptkit.errors import SettingsError
from promptkit.images.picture import Picture
from promptkit.session.session import Session
from promptkit.session.step import Step

__all__ = ["add"]

AXIS = "a number, or the name of what varies along them, such as an input of the template"


def add(commands: Commands) -> None:
    """Adds sheet."""
    sheet = add_command(commands, "sheet", _sheet, "draw a contact sheet: pictures with captions, in rows or in a grid")
    add_session(sheet)
    sheet.add_argument("steps", nargs="*", metavar="STEPS", help=f"{STEPS}; all that have a picture")
    sheet.add_argument("--trail", action="store_true", help="the path from the root to the step, by default to the head")
    sheet.add_argument("--siblings", action="store_true", help="the step, by default the head, and those that continue the same one")
    sheet.add_argument("--columns", metavar="N|NAME", help=AXIS)
    sheet.add_argument("--rows", metavar="N|NAME", help="the same of rows; with both a grid with labelled axes")
    add_output(sheet, "a .png, or another picture's suffix (sheet.png in the session's folder); - is stdout")


def _sheet(options: Namespace) -> int:
    if options.trail and options.siblings:
        raise usage("--trail and --siblings exclude each other")
    session = existing_session(options)
    target = _target(options, session)
    if target is None:
        check_stdout()
    tell_of_damage(session)
    sheet = session.sheet(_steps(session, options), columns=_axis(options.columns), rows=_axis(options.rows))
    own = target == session.folder / "sheet.png"
    write_document(target, _encoded(sheet, target), overwrite=options.overwrite or own, ours=_is_own)
    return 0


def _target(options: Namespace, session: Session) -> Path | None:
    """Where it is written; None for stdout."""
    if options.output == STDOUT:
        return None
    target = Path(options.output).expanduser() if options.output else session.folder / "sheet.png"
    if target.is_dir() or not target.name:
        raise SettingsError(f"{target} is a folder; name a file in it, such as {target / 'sheet.png'}.")
    return target if target.suffix else target.with_name(f"{target.name}.png")


def _steps(session: Session, options: Namespace) -> list[Step] | None:
    named = steps_named(session, options.steps)
    head = [session.head] if session.head and not named else []
    if options.trail or options.siblings:
        found = (each for step in (*named, *head) for each in (session.trail(step) if options.trail else _siblings(session, step)))
        return list(dict.fromkeys(found))
    return named or None


def _siblings(session: Session, step: Step) -> list[Step]:
    parents = step.record.parents
    return list(session.children(parents[0]) if parents else session.roots)


def _axis(given: str | None) -> int | str | None:
    return int(given) if given is not None and given.isdecimal() else given


def _encoded(sheet: Picture, target: Path | None) -> bytes:
    """The sheet as a file of that suffix."""
    if target is None or target.suffix.lower() == ".png":
        return sheet.data
    from promptkit.views.sheets import sheet_bytes

    try:
        return sheet_bytes(sheet.image, target.suffix)
    except (OSError, ValueError, KeyError) as error:
        raise SettingsError(f"{target} cannot be written ({error}); name a .png, .jpg or .webp.") from None


def _is_own(data: bytes) -> bool:
    from promptkit.views.sheets import is_sheet

    return is_sheet(data)
