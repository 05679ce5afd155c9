"""The page of a session, as commands write it: one HTML file."""

from __future__ import annotations

import os
from pathlib import Path

from promptkit import atomic
from promptkit.errors import SettingsError
from promptkit.lineage.tree import Lineage
from promptkit.session.session import Session
from promptkit.views.cards import page_html

__all__ = ["write_page"]


def write_page(session: Session, target: Path) -> Path:
    """Writes the tree with its pictures linked, relative to the page; returns the path. SettingsError where it cannot be written."""
    folder, head = session.folder, session.head
    base = os.path.relpath(folder, target.parent)
    page = page_html(Lineage(folder), head=head.id if head else None, link=lambda name: Path(base, name).as_posix())
    try:
        atomic.write_whole(target, page.encode("utf-8", "replace"))
    except OSError as error:
        raise SettingsError(f"The page {target} cannot be written: {error.strerror or error}; -o names another file.") from None
    return target
