"""The command `promptkit page`: the tree of a session as one HTML file, or its pictures on a contact sheet."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path
from urllib.parse import quote

from promptkit import atomic
from promptkit.cli.flags import Commands, add_command, add_session
from promptkit.cli.output import print_file
from promptkit.cli.session import existing_session, tell_of_damage
from promptkit.errors import SettingsError
from promptkit.lineage.tree import Lineage
from promptkit.session.session import Session
from promptkit.views.facts import headline
from promptkit.views.page import page_html

__all__ = ["add", "write_page"]


def add(commands: Commands) -> None:
    """Adds page."""
    page = add_command(commands, "page", _page, "write the tree as one HTML file, or a contact sheet")
    add_session(page)
    page.add_argument("-o", "--output", metavar="FILE", help=".html (page.html in the session's folder), or .png for a contact sheet")


def _page(options: Namespace) -> int:
    session = existing_session(options)
    target = Path(options.output) if options.output else session.folder / "page.html"
    if target.is_dir() or not target.name:
        raise SettingsError(f"{target} is a folder; name a file in it, such as {target / 'page.html'}.")
    tell_of_damage(session)
    is_page = target.suffix.lower() in (".html", ".htm", "")
    print_file(write_page(session, target.with_suffix(target.suffix or ".html")) if is_page else _write_sheet(session, target))
    return 0


def write_page(session: Session, target: Path) -> Path:
    """Writes the tree with its pictures linked, relative to the page; returns the path. SettingsError where it cannot be written."""
    folder, head = session.folder, session.head
    base = os.path.relpath(folder, target.parent)
    page = page_html(Lineage(folder), head=head.id if head else None, link=lambda name: quote(f"./{Path(base, name).as_posix()}"))
    try:
        atomic.write_whole(target, page.encode("utf-8", "replace"))
    except OSError as error:
        raise SettingsError(f"The page {target} cannot be written: {error.strerror or error}; -o names another file.") from None
    return target


def _write_sheet(session: Session, target: Path) -> Path:
    from promptkit.views.sheets import contact_sheet

    steps = [s for s in session if s.ok]
    sheet = contact_sheet([None if s.record.forgotten else s.picture for s in steps], [f"{s.number} {headline(s.record)}" for s in steps])
    try:
        sheet.save(target)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{target} cannot be written ({error}); name an .html file, or a .png for a contact sheet.") from None
    return target
