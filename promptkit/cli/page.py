"""The command `promptkit page`: the tree of a session as one HTML file, or its pictures on a contact sheet."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path
from urllib.parse import quote

from promptkit.cli.flags import Commands, add_command, add_output, add_session
from promptkit.cli.output import as_json
from promptkit.cli.session import existing_session, tell_of_damage
from promptkit.cli.written import STDOUT, check_stdout, write_document, write_stdout
from promptkit.errors import SettingsError
from promptkit.lineage.marked import agreed_in_words
from promptkit.lineage.tree import Lineage
from promptkit.session.session import Session
from promptkit.views.facts import headline
from promptkit.views.page import page_html

__all__ = ["add", "page_bytes"]

GENERATOR = b'<meta name="generator" content="promptkit">'
HEAD = 4096  # bytes of a page, in which that stands


def add(commands: Commands) -> None:
    """Adds page."""
    page = add_command(commands, "page", _page, "write the tree as one HTML file, or a contact sheet")
    add_session(page)
    add_output(page, ".html (page.html in the session's folder), or .png for a contact sheet; - writes HTML to stdout")


def _page(options: Namespace) -> int:
    session = existing_session(options)
    own = session.folder / "page.html"
    target = Path(options.output).expanduser() if options.output else own
    if options.output != STDOUT and (target.is_dir() or not target.name):
        raise SettingsError(f"{target} is a folder; name a file in it, such as {target / 'page.html'}.")
    tell_of_damage(session)
    if options.output == STDOUT:
        if as_json():
            check_stdout()
        write_stdout(page_bytes(session, Path.cwd()))
    elif target.suffix.lower() in (".html", ".htm", ""):
        target = target.with_suffix(target.suffix or ".html")
        page = page_bytes(session, target.parent)
        write_document(target, page, overwrite=options.overwrite or target == own, ours=lambda there: GENERATOR in there[:HEAD])
    else:
        write_document(target, _sheet(session, target), overwrite=options.overwrite, ours=_is_own_sheet)
    return 0


def page_bytes(session: Session, place: Path) -> bytes:
    """The tree as HTML, for a page that lies in that folder."""
    folder, head = session.folder, session.head
    base = os.path.relpath(folder, place)
    page = page_html(Lineage(folder), head=head.id if head else None, link=lambda name: quote(f"./{Path(base, name).as_posix()}"))
    return page.encode("utf-8", "replace")


def _sheet(session: Session, target: Path) -> bytes:
    from promptkit.views.sheets import contact_sheet, sheet_bytes

    steps = [s for s in session if s.ok]
    pictures = [None if s.record.forgotten else s.picture for s in steps]
    marks = Lineage(session.folder).marks()
    said = {full_id: f" [{agreed_in_words(own)}]" for full_id, own in marks.items()}
    sheet = contact_sheet(pictures, [f"{s.number}{said.get(s.id, '')} {headline(s.record)}" for s in steps])
    try:
        return sheet_bytes(sheet, target.suffix)
    except (OSError, ValueError, KeyError) as error:
        raise SettingsError(f"{target} cannot be written ({error}); name an .html file, or a .png for a contact sheet.") from None


def _is_own_sheet(data: bytes) -> bool:
    from promptkit.views.sheets import is_sheet

    return is_sheet(data)
