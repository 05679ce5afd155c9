"""What came of a run as tables: results.csv for a spreadsheet, results.jsonl for programs, both written whole.

The CSV has a byte-order mark, by which spreadsheets know UTF-8; the table's own columns stand first, as they came, and ours begin with pk_.
What a service said can be no formula there.
"""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from promptkit import atomic
from promptkit.cost import Cost
from promptkit.errors import LineageError
from promptkit.images.picture import Picture, is_picture
from promptkit.json_objects import columns, flat_object
from promptkit.lineage.layout import writing
from promptkit.runs.causes import DONE, WAITING
from promptkit.runs.planning import PlannedRow
from promptkit.runs.row_state import RowState, StepState, TakeState
from promptkit.runs.rows import TableRow

__all__ = ["CSV", "JSONL", "Paced", "read_rows", "row_object", "write_results"]

CSV, JSONL = "results.csv", "results.jsonl"
EVERY = 2.0  # seconds at least between two writings
SHARE = 20  # and so many times as long as one writing takes
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
COLUMN = "column"
OURS = ("row", "outcome", "file", "sha256", "step", "cost", "currency", "seconds", "attempts", "marks", "error")
BETWEEN = ";"  # of several takes


class Paced:
    """Does something that takes time at most every so many seconds, and rarer where it takes long."""

    def __init__(self, every: float = EVERY) -> None:
        self._every, self._next = every, 0.0

    def is_due(self) -> bool:
        """Whether it is time to do it."""
        return time.monotonic() >= self._next

    def begun(self, at: float) -> None:
        """It was begun at that time, and is done."""
        now = time.monotonic()
        self._next = now + max(self._every, SHARE * (now - at))


def write_results(into: Path, rows: Sequence[PlannedRow]) -> None:
    """Writes both tables. LineageError where that cannot be."""
    with writing(into):
        atomic.write_parts(into / JSONL, _lines(rows))
        atomic.write_parts(into / CSV, _csv(rows))


def _lines(rows: Sequence[PlannedRow]) -> Iterator[bytes]:
    for row in rows:
        yield json.dumps(row_object(row), ensure_ascii=False, allow_nan=False).encode("utf-8", "replace") + b"\n"


def row_object(row: PlannedRow) -> dict[str, Any]:
    """A row as one flat object (promptkit.row/1): `pictures` are the files of its takes from the run's folder on, `column.…` what the table
    says.
    """
    state = row.state
    last = state.last_steps
    return flat_object(
        "row",
        row=row.number,
        line=row.row.line,
        key=row.key,
        label=row.label,
        folder=row.folder,
        outcome=state.outcome,
        ok=state.outcome == DONE,
        pictures=[f"{row.folder}/{step.file}" for step in last],
        sha256=[step.sha256 for step in last],
        steps=[step.id for step in last],
        **state.cost.columns(),
        seconds=state.seconds,
        attempts=state.attempts,
        marks=state.marks,
        error=state.error or None,
    ) | columns(COLUMN, {name: _storable(value) for name, value in row.row.values.items()})


def _storable(value: Any) -> Any:
    if isinstance(value, str) or value is None:
        return value
    return f"sha256:{Picture.open(value).sha256}" if is_picture(value) and not isinstance(value, Path) else value


# For a spreadsheet


def _csv(rows: Sequence[PlannedRow]) -> Iterator[bytes]:
    headings = list(dict.fromkeys(name for row in rows for name in row.row.values))
    yield b"\xef\xbb\xbf"
    yield _csv_line([*headings, *(f"pk_{name}" for name in OURS)])
    for row in rows:
        yield _csv_line([*(_cell(row.row.values.get(name)) for name in headings), *_our_cells(row)])


def _csv_line(cells: Sequence[Any]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file).writerow(cells)
    return file.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> Any:
    value = _storable(value)
    if value is None or isinstance(value, str | int | float):
        return value
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | tuple | dict) else str(value)


def _our_cells(row: PlannedRow) -> list[Any]:
    state, last = row.state, row.state.last_steps
    files = BETWEEN.join(f"{row.folder}/{step.file}" for step in last)
    cost = state.cost.columns()
    told = state.outcome if state.outcome != WAITING else ""
    said = [BETWEEN.join(step.sha256 or "" for step in last), BETWEEN.join(step.id for step in last)]
    amounts = cost["cost"] if not state.cost.unpriced else None
    return [
        *(row.number, told, harmless(files), *said, amounts, cost["currency"] if amounts is not None else None),
        *(state.seconds if state.attempts else None, state.attempts, harmless(BETWEEN.join(state.marks)), harmless(state.error)),
    ]


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


# Read again


def read_rows(into: Path) -> list[PlannedRow]:
    """The rows of a run as they were written down last. LineageError where that cannot be read."""
    path = into / JSONL
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        said = f"{into} holds no {JSONL} ({error.strerror or error}): run it again with its table"
        raise LineageError(f"{said}.", path=into) from None
    rows: list[PlannedRow] = []
    for number, line in enumerate(lines, 1):
        try:
            rows.append(_row_of(json.loads(line)))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            said = f"{path}, line {number}, cannot be read ({type(error).__name__}): run it again with its table, which writes it anew"
            raise LineageError(f"{said}.", path=path) from None
    return rows


def _row_of(said: Mapping[str, Any]) -> PlannedRow:
    values = {name.removeprefix(f"{COLUMN}."): value for name, value in said.items() if name.startswith(f"{COLUMN}.")}
    folder = said["folder"]
    files = (name.removeprefix(f"{folder}/") for name in said["pictures"])
    steps = [StepState(i, 0, DONE, "", file, sha) for i, file, sha in zip(said["steps"], files, said["sha256"], strict=True)]
    takes = [TakeState(DONE, (step,)) for step in steps]
    if said["outcome"] not in (DONE, WAITING):
        takes.append(TakeState(said["outcome"], (), said["error"] or ""))
    elif said["outcome"] == WAITING:
        takes.append(TakeState())
    cost = Cost(tuple(zip(said["currencies"], said["amounts"], strict=True)), said["unpriced"])
    known = Cost(tuple(pair for pair in cost.sums if pair[1]), cost.unpriced)
    state = RowState(tuple(takes), known, said["attempts"], said["seconds"], marks=tuple(said["marks"]))
    row = TableRow(said["row"], said.get("line"), values)
    return PlannedRow(row, said["key"], said["label"], folder, state=state, was_there=bool(said["attempts"]))
