"""The commands that read a session: log (its tree, or its cost), show (how a picture came to be), verify, page."""

from __future__ import annotations

import shutil
import sys
from argparse import Namespace
from pathlib import Path

from promptkit.cli.options import STEP, Commands, add_command, add_session
from promptkit.cli.output import say, usage
from promptkit.cli.page import write_page
from promptkit.cli.session import existing_session
from promptkit.errors import SettingsError
from promptkit.lineage.tree import Lineage
from promptkit.session.session import Session
from promptkit.views.cards import contact_sheet, headline, tree_text

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Adds log, show, verify and page."""
    log = add_command(commands, "log", _log, "show the tree")
    add_session(log)
    log.add_argument("--files", action="store_true", help="with each step's file")
    log.add_argument("--cost", action="store_true", help="what was spent, by model and by outcome, instead of the tree")
    about = "explain how a picture came to be: each step from the root on, what it asked, what was tried and what it cost"
    show = add_command(commands, "show", _show, about)
    show.add_argument("-s", "--session", metavar="SESSION", help="a session's name, or its folder as a path; or write it before STEP")
    show.add_argument("words", nargs="*", metavar="[SESSION] STEP", help=f"{STEP}; the head")
    show.add_argument("-n", "--last", type=int, metavar="N", help="only the last N steps of the trail")
    show.add_argument("--changes", action="store_true", help="measure what each edit changed in its picture")
    show.add_argument("--full", action="store_true", help="long prompts to their end, ids and digests in all their digits")
    add_session(add_command(commands, "verify", _verify, "check all files against their hashes"))
    page = add_command(commands, "page", _page, "write the tree as one HTML file, or a contact sheet")
    add_session(page)
    page.add_argument("-o", "--output", metavar="FILE", help=".html (page.html in the session's folder), or .png for a contact sheet")


def _log(options: Namespace) -> int:
    session = existing_session(options)
    if options.cost:
        print(session.spending)
        return 0
    head = session.head
    print(tree_text(Lineage(session.folder), head=head.id if head else None, files=options.files))
    _tell_of_damage(session)
    return 0


def _tell_of_damage(session: Session) -> None:
    if lost := len(session) - len(session.steps):
        say(f"{lost} record{' is' if lost == 1 else 's are'} damaged and not shown; `promptkit verify` names what is wrong")


def _show(options: Namespace) -> int:
    from promptkit.session.explain import explain

    words = list(options.words)
    if options.session is None and words:
        options.session = words.pop(0)
    if options.session is None or len(words) > 1:
        raise usage("name a session and one of its steps: promptkit show SESSION STEP, or promptkit show -s SESSION STEP")
    if options.last is not None and options.last < 1:
        raise usage("-n takes a number of steps from 1 on")
    explanation = explain(existing_session(options), words[0] if words else None, measured=options.changes)
    shown = explanation if options.last is None else explanation.only(options.last)
    print(shown.text(_width(), full=options.full))
    return 0


def _width() -> int:
    from promptkit.session.explanation import WIDTH

    return max(40, shutil.get_terminal_size((WIDTH, 24)).columns) if sys.stdout.isatty() else WIDTH


def _verify(options: Namespace) -> int:
    problems = existing_session(options).verify()
    for problem in problems:
        print(problem)
    say(f"{len(problems)} problem{'' if len(problems) == 1 else 's'}" if problems else "all files are as they were recorded")
    return 1 if problems else 0


def _page(options: Namespace) -> int:
    session = existing_session(options)
    target = Path(options.output) if options.output else session.folder / "page.html"
    if target.is_dir() or not target.name:
        raise SettingsError(f"{target} is a folder; name a file in it, such as {target / 'page.html'}.")
    _tell_of_damage(session)
    is_page = target.suffix.lower() in (".html", ".htm", "")
    print(write_page(session, target.with_suffix(target.suffix or ".html")) if is_page else _write_sheet(session, target))
    return 0


def _write_sheet(session: Session, target: Path) -> Path:
    steps = [s for s in session if s.ok]
    sheet = contact_sheet([s.picture for s in steps], [f"{s.number} {headline(s.record)}" for s in steps])
    try:
        sheet.save(target)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{target} cannot be written ({error}); name an .html file, or a .png for a contact sheet.") from None
    return target
