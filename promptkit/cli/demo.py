"""The command `promptkit demo`: a session of offline drafts, its tree, its page, and lines to go on with."""

from __future__ import annotations

import shlex
import shutil
import sys
from argparse import Namespace
from pathlib import Path

from promptkit.cli.browser import open_in_browser
from promptkit.cli.flags import Commands, add_command
from promptkit.cli.output import as_json, print_file, print_objects
from promptkit.lineage.tree import Lineage
from promptkit.prompts.library import templates
from promptkit.session.session import Session
from promptkit.terminal import LineStyle
from promptkit.views.tree import tree_text

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Adds demo."""
    demo = add_command(commands, "demo", _demo, "make a session of offline drafts in ./promptkit-demo and show it")
    demo.add_argument("--open", action="store_true", help="open its page in the browser")


def _demo(options: Namespace) -> int:
    folder = _fresh_folder(Path("promptkit-demo"))
    demo = Session(folder, endpoint="offline")
    panda = demo.generate(templates.sticker(subject="happy red panda", characteristics="a tiny bamboo hat"))
    pair = panda.edit("Put a small white alpaca beside it, facing it")
    print_ = pair.edit(templates.edit.style_transfer(style="ukiyo-e woodblock print"))
    panda.edit("What would suit it at night?")  # answered in text only, and asked again
    demo.tag("for the client", print_)
    demo.goto(print_)
    page = demo.page(folder / "page.html")
    if as_json():
        print_objects(demo.to_dicts())
        print_file(page)
    else:
        _show(demo, folder, page)
    if options.open:
        open_in_browser(page)
    return 0


def _show(demo: Session, folder: Path, page: Path) -> None:
    """Its tree, lines to go on with, and last where the page is."""
    here, head = f"./{folder}", demo.head
    print(f"Offline drafts in {here}, painted without a key or a network; they only hint at the words:\n")
    print(tree_text(Lineage(demo.folder), head=head.id if head else None, files=True, style=LineStyle.of(sys.stdout)))
    print("\nGo on with it:\n")
    for line in (
        f'edit "Put a black cat beside it" -s {here}',
        f'edit "Make it night" -s {here} --on 2',
        f"edit -t edit.style_transfer -i style=watercolour -s {here} --on 1",
        f"log -s {here}",
        f"sheet --trail -s {here}",
        f"page -s {here}",
    ):
        print(f"  {_own_command()} {line}")
    print(f"\nThe page with all pictures: {page}")


def _fresh_folder(folder: Path) -> Path:
    n, fresh = 1, folder
    while fresh.exists():
        n += 1
        fresh = folder.with_name(f"{folder.name}-{n}")
    return fresh


def _own_command() -> str:
    """How this program was started, so that lines can be pasted."""
    started = Path(sys.argv[0])
    if started.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m promptkit"
    found = shutil.which("promptkit")
    return "promptkit" if found and Path(found).resolve() == started.resolve() else shlex.quote(sys.argv[0])
