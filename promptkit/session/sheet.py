"""Contact sheets of a session's steps: which steps, and whether they stand in rows or by what varied between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from promptkit.errors import LineageError, SettingsError, did_you_mean, warn
from promptkit.images.picture import Picture
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.progress import Listener
from promptkit.values import built_in, whole_number

if TYPE_CHECKING:
    from promptkit.views.lettering import Lettering
    from promptkit.views.sheet_layout import Layout

__all__ = ["sheet"]

NOT_GIVEN = "not given"
NAMED = 4  # steps that a sentence names


def sheet(
    lineage: Lineage, named: Sequence[Record] | None, varied: Sequence[str], columns: object, rows: object, listener: Listener | None
) -> Picture:
    """The contact sheet of the steps that were named, of all that have a picture where none were; of variants with what they `varied`. See
    Session.sheet.
    """
    from promptkit.views.fonts import Fonts
    from promptkit.views.lettering import Lettering
    from promptkit.views.sheets import FONT_PIXELS, sheet_of

    records, axes = [record for record in lineage.records() if record.ok] if named is None else list(named), _axes(varied, columns, rows)
    given = {"columns": columns, "rows": rows}
    numbers = {side: _count(side, count) for side, count in given.items() if side not in axes and count is not None}
    if named is None and axes:
        records = [record for record in records if any(_has(record, name) for name in axes.values())] or records
    _check(lineage, records, axes, numbers)
    layout = _layout(lineage, records, axes, numbers)
    languages = Counter(str(record.prompt.get("lang") or "") for record in records)
    lettering = Lettering(FONT_PIXELS, Fonts(FONT_PIXELS, lang=languages.most_common(1)[0][0]))
    made = sheet_of(layout, lettering, listener)
    _tell(lettering)
    return made


# By what they stand


def _axes(varied: Sequence[str], columns: object, rows: object) -> dict[str, str]:
    """The names of what varies along columns and rows, by these words; the two of variants of two things."""
    if columns is None and rows is None and len(varied) == 2:
        return {"rows": varied[0], "columns": varied[1]}
    given = {"columns": built_in(columns), "rows": built_in(rows)}
    return {side: str(name) for side, name in given.items() if isinstance(name, str)}


def _count(side: str, given: object) -> int:
    count = whole_number(given)
    if count is None or count < 1:
        said = f"{side}= is a number from 1 on, or the name of what varies, such as an input of the template, not {given!r:.60}"
        raise SettingsError(f"{said}.").also(in_shell=f"{said.replace(f'{side}=', f'--{side}')}.")
    return count


def _layout(lineage: Lineage, records: Sequence[Record], axes: dict[str, str], numbers: dict[str, int]) -> Layout:
    from promptkit.views.sheet_layout import cells_of, in_grid, in_rows
    from promptkit.views.tree import tags_by_id

    cells = cells_of(records, tags_by_id(lineage), lineage.marks(), brief=len(axes) == 2)
    if not axes:
        return in_rows(cells, **numbers)
    down, across = axes.get("rows", ""), axes.get("columns", "")
    places = [(cell, _label(record, down), _label(record, across)) for cell, record in zip(cells, records, strict=True)]
    return in_grid(places, down, across)


def _has(record: Record, name: str) -> bool:
    return name in _known(record)


def _known(record: Record) -> dict[str, Any]:
    """What is known of a step by name, of which the later goes before the earlier: its notes, its options, its inputs, what varied."""
    request, prompt = record.request, record.prompt
    told = {"endpoint": request.endpoint, "model": request.model, "template": prompt.get("template"), "lang": prompt.get("lang")}
    said = {name: value for name, value in told.items() if value is not None}
    return {**record.notes, **said, **(request.get("config") or {}), **(prompt.get("inputs") or {}), **record.varied}


def _label(record: Record, name: str) -> str:
    """What a step's value is called."""
    if not name:
        return ""
    value = _known(record).get(name)
    return NOT_GIVEN if value is None else ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


# What is refused, and said


def _check(lineage: Lineage, records: Sequence[Record], axes: dict[str, str], numbers: dict[str, int]) -> None:
    """LineageError where there is no picture, SettingsError where they are too many or an axis is none."""
    from promptkit.views.sheets import MOST_PICTURES

    if not any(record.ok and not record.forgotten for record in records):
        raise LineageError(_nothing(lineage, records), path=lineage.folder)
    if len(records) > MOST_PICTURES:
        said = f"A sheet holds at most {MOST_PICTURES:,} pictures, and these are {len(records):,}: name fewer steps"
        raise SettingsError(f"{said}.")
    if len(numbers) == 2 and numbers["columns"] * numbers["rows"] < len(records):
        said = f"{numbers['columns']} columns and {numbers['rows']} rows are too few for {len(records)} pictures; name one of the two."
        raise SettingsError(said)
    names = {name: None for record in records for name in _known(record)}
    for side, name in axes.items():
        if name not in names:
            said = f"Nothing called {name!r:.60} is known of these steps{did_you_mean(name, names)}; known are {', '.join(names)}"
            raise SettingsError(f"{said}: {side}= takes one of them, or a number.").also(
                in_shell=f"{said}: --{side} takes one, or a number."
            )


def _nothing(lineage: Lineage, records: Sequence[Record]) -> str:
    if not records:
        return f"There is no picture in {lineage.folder} to put on a sheet: make one with generate(…), or bring one with add(…)."
    named = ", ".join(f"{record.number} ({'forgotten' if record.forgotten else record.outcome})" for record in records[:NAMED])
    return f"None of these steps has a picture to put on a sheet: {named}{' …' if len(records) > NAMED else ''}; name others."


def _tell(lettering: Lettering) -> None:
    """Warns of what the captions do not say, or not as it is written."""
    if missing := ", ".join(lettering.missing):
        warn(f"No font here draws what the captions name in brackets: {missing}; install one that does, such as Noto Sans for that script.")
    if unshaped := ", ".join(lettering.unshaped):
        said = f"Pillow has no raqm here, so letters of {unshaped} stand one by one in the captions, not joined as they are written"
        warn(f"{said}; install libraqm and fribidi.")
