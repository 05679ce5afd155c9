"""What an edit asks to keep, by its words and its region: whether its result may be judged by what stayed as it was."""

from __future__ import annotations

from typing import Any, Literal

from promptkit.errors import LineageError
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage

__all__ = ["SQUASHES", "Scope", "asked_to_keep", "scope"]

# Templates by the last part of their names, for packs have them too. Their prompts say what stays, and yet every pixel is drawn anew: a
# large share of changed pixels says nothing of them.
REDRAWN = ("style_transfer", "finish_sketch", "turn_around", "combine")
SQUASHES = "squashes"  # in the meta of a step that stands for several: their ids

# How much of its picture an edit is about: a region, one thing (the rest is to stay), things beside what is said to stay, things of which
# nothing more is said, or all of it.
Scope = Literal["region", "rest", "some", "plain", "whole"]
WIDEST: tuple[Scope, ...] = ("whole", "plain", "some", "rest", "region")


def asked_to_keep(lineage: Lineage, record: Record) -> bool:
    """Whether the edit asked to keep the rest. A squash did where each step that it stands for did: its own words always say so."""
    squashed = _squashed(record)
    return all(_is_here_and_asks(lineage, i) for i in squashed) if squashed else _asks_to_keep(record)


def scope(lineage: Lineage, record: Record) -> Scope:
    """How much of its picture an edit is about. A squash is about as much as the widest of the steps that it stands for; what was made
    here or by hand is about all of it.
    """
    if record.is_made or record.by_hand or not record.parents:
        return "whole"
    if record.region:
        return "region"
    squashed = _squashed(record)
    return min((_scope_of(lineage, i) for i in squashed), key=WIDEST.index) if squashed else _scope_in_words(record)


def _scope_of(lineage: Lineage, full_id: object) -> Scope:
    try:
        record = lineage.get(str(full_id))
    except LineageError:
        return "plain"
    return "plain" if _squashed(record) else scope(lineage, record)


def _scope_in_words(record: Record) -> Scope:
    from promptkit.authoring import prompt_rules  # as below

    text = str(record.prompt.get("text") or "")
    if _asks_to_keep(record):
        return "rest"
    if _is_redrawn(record) or prompt_rules.asks_for_the_whole(text):
        return "whole"
    return "some" if prompt_rules.says_that_something_stays(text) else "plain"


def _squashed(record: Record) -> list[Any]:
    ids = (record.fields.get("meta") or {}).get(SQUASHES)
    return ids if isinstance(ids, list) else []


def _is_here_and_asks(lineage: Lineage, full_id: object) -> bool:
    try:
        record = lineage.get(str(full_id))
    except LineageError:
        return False
    return not _squashed(record) and _asks_to_keep(record)


def _is_redrawn(record: Record) -> bool:
    return str(record.prompt.get("template")).rpartition(".")[2] in REDRAWN


def _asks_to_keep(record: Record) -> bool:
    from promptkit.authoring import prompt_rules  # its patterns are needed when changes are measured, and not to ask for a picture

    prompt = record.prompt
    is_known = not prompt.get("lang") or prompt_rules.has_rules(str(prompt["lang"]))
    return is_known and not _is_redrawn(record) and prompt_rules.asks_to_keep_the_rest(str(prompt.get("text") or ""))
