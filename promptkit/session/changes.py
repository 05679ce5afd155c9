"""What an edit changed: its picture measured against the one that it started from, and judged by whether it asked to keep the rest."""

from __future__ import annotations

from typing import Any

from promptkit.errors import LineageError
from promptkit.images.changes import Changes, compared
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage

__all__ = ["SQUASHES", "changes"]

# Templates by the last part of their names, for packs have them too. Their prompts say what stays, and yet every pixel is drawn anew: a
# large share of changed pixels says nothing of them.
REDRAWN = ("style_transfer", "finish_sketch", "turn_around", "combine")
SQUASHES = "squashes"  # in the meta of a step that stands for several: their ids


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
    return compared(lineage.source(base), record.pictures[0], config=config, asked_to_keep=_asked_to_keep(lineage, record))


def _asked_to_keep(lineage: Lineage, record: Record) -> bool:
    """Whether the edit asked to keep the rest. A squash did where each step that it stands for did: its own words always say so."""
    squashed = _squashed(record)
    return all(_is_here_and_asks(lineage, i) for i in squashed) if squashed else _asks_to_keep(record)


def _squashed(record: Record) -> list[Any]:
    ids = (record.fields.get("meta") or {}).get(SQUASHES)
    return ids if isinstance(ids, list) else []


def _is_here_and_asks(lineage: Lineage, full_id: object) -> bool:
    try:
        record = lineage.get(str(full_id))
    except LineageError:
        return False
    return not _squashed(record) and _asks_to_keep(record)


def _asks_to_keep(record: Record) -> bool:
    from promptkit.authoring import prompt_rules  # its patterns are needed when changes are measured, and not to ask for a picture

    prompt = record.prompt
    is_redrawn = str(prompt.get("template")).rpartition(".")[2] in REDRAWN
    is_known = not prompt.get("lang") or prompt_rules.has_rules(str(prompt["lang"]))
    return is_known and not is_redrawn and prompt_rules.asks_to_keep_the_rest(str(prompt.get("text") or ""))
