"""A lineage without words: the same steps under new ids, with their pictures, times, costs and shape, and nothing that anybody said."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from promptkit.archive.manifest import Contents, framed
from promptkit.archive.png_embed import has_embedded, without_embedded
from promptkit.errors import LineageError, PictureError
from promptkit.lineage.record import SCHEMA, Record, json_bytes, recorded_picture
from promptkit.lineage.tree import Lineage
from promptkit.providers.options import OPTIONS

__all__ = ["STRIPPED", "stripped"]

STRIPPED = "stripped"  # what such a session is called, whatever its own name says
PUBLIC_ENDPOINTS = ("offline", "google", "deerapi", "aaigc")  # others' names may be a company's own
KEPT_OPTIONS = tuple(option.name for option in OPTIONS.values() if option.survives_strip)


def stripped(lineage: Lineage, records: Sequence[Record], position: Sequence[str]) -> Contents:
    """The files of a new lineage of these steps, each after its parents, that holds no words.

    LineageError where a step's picture is missing or damaged, for the new lineage is to be valid in itself.
    """
    contents: Contents = {}
    new: dict[str, str] = {}  # the new sha256 of each record and picture, by the one that it had
    for number, record in enumerate(records, 1):
        outputs = []
        for output in record.outputs:
            picture = _bare_picture(lineage, record, output)
            outputs.append(_bare_output(output, picture, number))
            contents[outputs[-1]["file"]] = picture
            new[output["sha256"]] = outputs[-1]["sha256"]
        data = json_bytes({"schema": SCHEMA, "number": number, **_wordless(record, new), "outputs": outputs})
        new[record.id] = hashlib.sha256(data).hexdigest()
        contents[f"{number:04}-picture-{new[record.id][:10]}.json"] = data
    return contents | framed([new[i] for i in position])


# Pictures


def _bare_picture(lineage: Lineage, record: Record, output: Mapping[str, Any]) -> Path | bytes:
    """The picture as it is; without our own field where it came with a lineage inside, which would be another session's words."""
    path = lineage.folder / Path(output["file"]).name
    try:
        data = recorded_picture(path, sha256=output["sha256"], mime_type=output["mime_type"], size=None).data
        return without_embedded(data) if has_embedded(data) else path
    except (LineageError, PictureError):
        said = f"The picture of step {record.number}, {path.name}, is missing or damaged; export without strip leaves it out."
        raise LineageError(said, path=path) from None


def _bare_output(output: Mapping[str, Any], picture: Path | bytes, number: int) -> dict[str, Any]:
    kept = _only(output, "sha256", "bytes", "mime_type", "size")
    if isinstance(picture, bytes):
        kept |= {"sha256": hashlib.sha256(picture).hexdigest(), "bytes": len(picture)}
    return {**kept, "file": f"{number:04}-picture-{kept['sha256'][:10]}{Path(output['file']).suffix}"}


# Records


def _wordless(record: Record, new: Mapping[str, str]) -> dict[str, Any]:
    """What a stripped record holds of one; this list is all. Its recipe goes too: it is a hash of the prompt, which can be guessed at."""
    fields, request = record.fields, record.request
    return {
        "outcome": record.outcome,
        "stripped_from": record.id,
        "label": None,
        "meta": {},
        "parents": [new[i] for i in record.parents if i in new],
        "prompt": {},
        "sources": [_wordless_source(s, new) for s in record.sources if s.get("step") in new],
        "request": {
            "endpoint": request.get("endpoint") if request.get("endpoint") in PUBLIC_ENDPOINTS else None,
            "model": request.get("model"),
            "config": _only(request.get("config") or {}, *KEPT_OPTIONS),
        },
        "attempts": [_wordless_attempt(a) for a in record.attempts],
        "warnings": [],
        "recipe": None,
        "take": fields.get("take"),
        "chain": "picture",
        "started": fields.get("started"),
        "ended": fields.get("ended"),
    }


def _wordless_source(source: Mapping[str, Any], new: Mapping[str, str]) -> dict[str, Any]:
    sha256 = source["sha256"]
    return {**_only(source, "role", "mime_type"), "sha256": new.get(sha256, sha256), "step": new[source["step"]]}


def _wordless_attempt(attempt: Mapping[str, Any]) -> dict[str, Any]:
    kept = _only(attempt, "started", "ended", "outcome", "status")
    kept["cost"] = _only(attempt["cost"], "usd") if attempt.get("cost") else None  # its basis names the endpoint
    kept["usage"] = {k: v for k, v in (attempt.get("usage") or {}).items() if isinstance(v, int)}
    reason = attempt.get("finish_reason")
    return kept | ({"finish_reason": reason} if isinstance(reason, str) and re.fullmatch(r"[A-Za-z_]{1,40}", reason) else {})


def _only(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {n: values[n] for n in names if n in values}
