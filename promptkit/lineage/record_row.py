"""A record as the columns of one row: what was asked, what came and what it cost. Of the disk, only the note of a forgotten one is read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from promptkit.images.box import box_text
from promptkit.json_objects import columns, plain
from promptkit.lineage.record import Record
from promptkit.lineage.schema import MadeFields

__all__ = ["prompt_columns", "record_columns", "record_seconds"]

OPTIONS = ("aspect_ratio", "image_size", "seed", "temperature")  # of a request; each is there, given or not


def record_columns(record: Record) -> dict[str, Any]:
    """A record's columns: `step` is its number, `picture` the first of its `pictures`, `file` its own; files by their names in the
    session's folder. `width` and `height` are in pixels, `bytes` the first picture's, `seconds` from start to end, waits included.
    `names` are those by which pictures went along, `made` is the operation of a step made here, `made.…` its numbers and `made.result.…`
    what they came to. `forgotten` says when it was (ISO 8601, UTC); its pictures are none then.
    """
    folder = record.path.parent
    note = record.forgotten
    pictures = [] if note else [str(folder / output.name) for output in record.outputs]
    return {
        "step": record.number,
        "id": record.id,
        "parents": list(record.parents),
        "names": [source.name for source in record.sources if source.name],
        **_region_columns(record),
        "outcome": record.outcome,
        "ok": record.ok,
        "by_hand": record.by_hand,
        "forgotten": note.at if note else None,
        "label": record.fields.get("label"),
        "made": record.made.operation if record.made else None,
        **prompt_columns(record.prompt, record.request.get("config") or {}),
        "endpoint": record.request.endpoint,
        "model": record.request.model,
        "picture": pictures[0] if pictures else None,
        "pictures": pictures,
        **_picture_columns(record),
        **_answer_columns(record),
        "attempts": len(record.attempts),
        **record.cost.columns(),
        "started": plain(record.fields.get("started")),
        "ended": plain(record.fields.get("ended")),
        "seconds": record_seconds(record),
        "warnings": plain(record.fields.get("warnings") or []),
        "file": str(record.path),
        **(columns("made", _made_columns(record.made)) if record.made else {}),
        **columns("input", record.prompt.get("inputs") or {}),
        **columns("varied", record.varied),
        **columns("meta", record.notes),
        **columns("usage", record.usage),
    }


def prompt_columns(prompt: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """A prompt's words, where they came from, and the options that were asked for with it."""
    names = {"prompt": "text", "template": "template", "pack": "pack", "digest": "digest", "lang": "lang"}
    said = {name: prompt.get(field) for name, field in names.items()}
    said["pack"] = " ".join(map(str, said["pack"])) if said["pack"] else None
    others = {f"option.{name}": plain(value) for name, value in config.items() if name not in OPTIONS}
    return {**said, **{name: plain(config.get(name)) for name in OPTIONS}, **others}


def _region_columns(record: Record) -> dict[str, Any]:
    """`region` is the box that it edited, as text, `mask` the sha256 of the picture that marks it."""
    region = record.region
    return {"region": box_text(region.box), "mask": region.mask} if region else dict.fromkeys(("region", "mask"))


def _made_columns(made: MadeFields) -> dict[str, Any]:
    """What was done here: the numbers as they were given, and below `result` what they came to."""
    channel = {"channel": made.channel} if made.channel else {}
    return {**channel, **made.numbers, **{f"result.{name}": value for name, value in (made.result or {}).items()}}


def _picture_columns(record: Record) -> dict[str, Any]:
    if not record.outputs:
        return dict.fromkeys(("mime_type", "sha256", "bytes", "width", "height"))
    first = record.outputs[0]
    width, height = first.size or (None, None)
    return {"mime_type": first.mime_type, "sha256": first.sha256, "bytes": first.bytes, "width": width, "height": height}


def _answer_columns(record: Record) -> dict[str, Any]:
    """What came of the last attempt: `text` is the model's, `message` the service's."""
    last: Mapping[str, Any] = record.attempts[-1] if record.attempts else {}
    return {name: plain(last.get(name)) for name in ("text", "message", "status")}


def record_seconds(record: Record) -> float | None:
    """The seconds from a step's start to its end, waits included; None where its record does not say."""
    started, ended = record.fields.get("started"), record.fields.get("ended")
    try:
        return round((datetime.fromisoformat(str(ended)) - datetime.fromisoformat(str(started))).total_seconds(), 3)
    except (ValueError, TypeError):  # a record from elsewhere may say anything, or one of the two with a time zone
        return None
