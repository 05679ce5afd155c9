"""Saves the pictures of a run under names of a pattern: the files that a shop or a client gets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from promptkit.errors import PictureError
from promptkit.images.formats import suffix_of
from promptkit.images.operations import resize
from promptkit.images.picture import Picture, save_all
from promptkit.lineage.location import Where
from promptkit.runs.run_row import RunRow
from promptkit.session.file_names import check_pattern, filled, has_fields
from promptkit.session.step import Step
from promptkit.values import whole_number

__all__ = ["FIELDS", "save_rows"]

FIELDS = ("label", "take", "row", "key", "number", "id", "template", "model", "run")  # beside the table's own columns


class _Saved(NamedTuple):
    row: RunRow
    take: int
    step: Step


def save_rows(
    rows: Sequence[RunRow], pattern: Where, run: str, *, picked: bool, size: object, overwrite: bool
) -> list[Path]:
    """Saves the pictures of these rows, or those that were picked alone; returns the paths. See Run.save."""
    headings = list(dict.fromkeys(name for row in rows for name in row.inputs))
    check_pattern(pattern, dict.fromkeys([*FIELDS, *headings]))
    saved = [_Saved(row, take, step) for row in rows for take, step in enumerate(row.picked if picked else row.steps, 1)]
    targets = _targets(saved, pattern, headings, run)
    return save_all((_in_size(each.step.picture, size) for each in saved), targets, overwrite=overwrite)


def _targets(saved: Sequence[_Saved], pattern: Where, headings: Sequence[str], run: str) -> list[Path]:
    """The path of each picture. PictureError where two are the same."""
    if not has_fields(pattern) and len(saved) > 1:
        known = ", ".join(dict.fromkeys([*FIELDS, *headings]))
        said = f"{len(saved)} pictures cannot all be saved as {str(pattern)!r:.120}"
        raise PictureError(f"{said}: give a pattern, such as {{label}}.png; known are {known}.")
    first: dict[str, _Saved] = {}
    targets: list[Path] = []
    for each in saved:
        target = filled(pattern, dict.fromkeys(headings, "") | _fields(each, run), suffix_of(each.step.picture.mime_type))
        other = first.setdefault(str(target).casefold(), each)
        if other is not each:
            said = f"Two pictures would be saved as {target} (rows {other.row.number} and {each.row.number})"
            raise PictureError(f"{said}: add {{key}}, {{row}} or {{take}} to the pattern.")
        targets.append(target)
    return targets


def _fields(saved: _Saved, run: str) -> dict[str, Any]:
    row, record = saved.row, saved.step.record
    cells = {name: value if isinstance(value, int) else str("" if value is None else value) for name, value in row.inputs.items()}
    own = {"label": row.label or row.key, "take": saved.take, "row": row.number, "key": row.key, "run": run}
    of_step = {"number": record.number, "id": record.id[:10], "template": record.prompt.template or record.slug}
    return {**cells, **own, **of_step, "model": record.request.model or ""}


def _in_size(picture: Picture, size: object) -> Picture:
    """The picture with that longest side, or in that size; as it is where none is given."""
    if size is None:
        return picture
    operation = resize(longest=size) if whole_number(size) is not None else resize(size)
    made = operation.apply(picture).picture
    made.is_known = picture.is_known
    return made
