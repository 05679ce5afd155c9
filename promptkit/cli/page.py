"""The command `promptkit page`: a session as one HTML file, or its pictures on a contact sheet."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from promptkit.cli.browser import open_address, open_in_browser
from promptkit.cli.flags import Commands, add_command, add_output, add_session
from promptkit.cli.output import as_json, print_address, print_file, say, usage
from promptkit.cli.session import existing_session, tell_of_damage
from promptkit.cli.steps import STEPS, steps_named
from promptkit.cli.written import STDOUT, check_stdout, write_document, write_stdout
from promptkit.errors import SettingsError
from promptkit.lineage.tree import Lineage
from promptkit.session.page import SessionPage
from promptkit.session.session import Session
from promptkit.session.step import Step
from promptkit.views.page_pictures import EMBEDDINGS

__all__ = ["add"]

ABOUT = "write the session as one HTML file to look at, or a contact sheet"


def add(commands: Commands) -> None:
    """Adds page."""
    page = add_command(commands, "page", _page, ABOUT)
    add_session(page)
    page.add_argument("steps", nargs="*", metavar="STEPS", help=f"only these: {STEPS}")
    add_output(page, ".html (page.html in the session's folder), or .png for a contact sheet; - writes HTML to stdout")
    page.add_argument("--open", action="store_true", help="open it in the browser")
    page.add_argument("--serve", action="store_true", help="serve it to a browser here until Ctrl-C: marks are written, new steps appear")
    page.add_argument("--embed", choices=EMBEDDINGS, help="how large the pictures inside are (thumbnails); screen: 1,600 pixels")
    page.add_argument("--review", action="store_true", help="a page for people without promptkit, whose choice `promptkit marks` reads")
    page.add_argument("--lang", help="language of the page's own words: en, de, es-MX, ja, zh-CN, hi (that of the settings)")
    page.add_argument("--title", help="the page's title (the session's name)")


def _page(options: Namespace) -> int:
    session = existing_session(options)
    if options.serve:
        return _serve(session, options)
    steps = steps_named(session, options.steps) or list(session.steps)
    target = Path(options.output).expanduser() if options.output not in (None, STDOUT) else None
    tell_of_damage(session)
    if options.review and _is_sheet(target):
        raise usage(f"--review writes a page, and {target} would be a contact sheet; name an .html file")
    if options.output == STDOUT:
        _check_piped(options)
        write_stdout(_settings(session, steps, options).encoded(Path.cwd()))
    elif target is None or not _is_sheet(target):
        written = _settings(session, steps, options).write(target, overwrite=options.overwrite)
        print_file(written)
        if options.open:
            open_in_browser(written)
    else:
        write_document(target, _sheet(session, steps, target), overwrite=options.overwrite, ours=_is_own_sheet)
        if options.open:
            open_in_browser(target)
    return 0


def _serve(session: Session, options: Namespace) -> int:
    """Serves it until Ctrl-C; prints its address."""
    if options.steps or options.output is not None or options.review:
        raise usage("--serve writes no file and shows all steps; leave the steps, -o and --review out")
    tell_of_damage(session)
    with session.page(serve=True, title=options.title, lang=options.lang, embed=options.embed or EMBEDDINGS[0]) as live:
        print_address(live.url)
        if options.open:
            open_address(live.url, live.url)
        say("marks are written at once, new steps appear by themselves; Ctrl-C ends it")
        try:
            live.wait()
        except KeyboardInterrupt:
            say("the page is closed; what was marked is written")
    return 0


def _is_sheet(target: Path | None) -> bool:
    return target is not None and not target.is_dir() and target.suffix.lower() not in (".html", ".htm", "")


def _check_piped(options: Namespace) -> None:
    if options.open:
        raise usage("--open opens a file, and -o - writes none; leave one of them out")
    if as_json():
        check_stdout()


def _settings(session: Session, steps: list[Step], options: Namespace) -> SessionPage:
    head = session.head
    return SessionPage(
        Lineage(session.folder),
        [step.record for step in steps],
        head.id if head else None,
        options.title,
        options.lang,
        options.embed or EMBEDDINGS[0],
        review=options.review,
    )


def _sheet(session: Session, steps: list[Step], target: Path) -> bytes:
    from promptkit.views.sheets import sheet_bytes

    sheet = session.sheet([step for step in steps if step.ok] or steps).image
    try:
        return sheet_bytes(sheet, target.suffix)
    except (OSError, ValueError, KeyError) as error:
        raise SettingsError(f"{target} cannot be written ({error}); name an .html file, or a .png for a contact sheet.") from None


def _is_own_sheet(data: bytes) -> bool:
    from promptkit.views.sheets import is_sheet

    return is_sheet(data)
