"""What an edit changed: its picture measured against the one that it started from, and judged by whether it asked to keep the rest."""

from __future__ import annotations

from promptkit.images.changes import Changes, compared
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.session.keep_rules import asked_to_keep

__all__ = ["changes"]


def changes(lineage: Lineage, record: Record) -> Changes | None:
    """Measures an edit against the picture that it started from; None for a step that edits no picture or brought none,
    and for one that was made here, which says itself what it did.

    Takes two decodings, on two cores at once, and some 10 ms for 1024×1024 pixels. LineageError or PictureError where a picture is
    missing or damaged.
    """
    base = next((s for s in record.sources if s.get("role") == "base"), None)
    if base is None or not record.pictures or record.is_made:
        return None
    config = record.request.get("config") or {}
    return compared(lineage.source(base), record.pictures[0], config=config, asked_to_keep=asked_to_keep(lineage, record))
