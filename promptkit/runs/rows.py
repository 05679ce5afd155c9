"""Rows from where people keep them: a CSV, TSV or JSONL file, a folder of pictures, a DataFrame, or any iterable of mappings.

A row is what it says by heading, and where it stands. Nothing is guessed: a text stays the text that it is, so that 00123 keeps its zeros.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from promptkit.errors import SettingsError, listed, shown
from promptkit.images.formats import PICTURE_SUFFIXES
from promptkit.values import built_in

__all__ = ["FolderRow", "Table", "TableRow", "is_missing", "open_table", "sentence", "table_of_bytes"]

SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
AS_CSV = "save it as “CSV UTF-8 (comma delimited)”, and give that file"
MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}  # byte-order marks
LARGEST_CELL = 1_000_000  # characters
EMPTY = "there is nothing to run"


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: its number from 1 on, the line where it begins (None where there are no lines), and its values by heading."""

    number: int
    line: int | None
    values: Mapping[str, Any]

    @property
    def place(self) -> str:
        """Where it stands, in words."""
        return f"row {self.number}" if self.line is None else f"line {self.line}"


@dataclass(frozen=True)
class Table:
    """Rows that can be read: `headings` are None where each row has its own, `folder` is what relative paths in it start from.

    `is_once` says that they can be read one time only. `name` is what the table is called in a sentence.
    """

    name: str
    headings: tuple[str, ...] | None
    read: Callable[[], Iterator[TableRow]]
    folder: Path | None = None
    is_once: bool = False

    def __iter__(self) -> Iterator[TableRow]:
        return self.read()


def sentence(name: str) -> str:
    """The name of a table as a sentence begins with it; a file's stays as it is."""
    return f"T{name[1:]}" if name.startswith("the ") else name


def is_missing(value: object) -> bool:
    """Whether a cell is not given: nothing, blank text, not-a-number and the like."""
    if value is None:
        return True
    if isinstance(value, str):
        return not value.strip()
    try:
        return bool(value != value)
    except (TypeError, ValueError):  # pandas.NA has no truth; an array has several
        return type(value).__name__ == "NAType"


def open_table(rows: object) -> Table:
    """The table that a caller's `rows` are. SettingsError says what is wrong with a file, with its line."""
    if isinstance(rows, Table):
        return rows
    if isinstance(rows, str | os.PathLike):
        return _of_path(Path(built_in(os.fspath(rows))).expanduser())
    if callable(getattr(rows, "to_dict", None)) and hasattr(rows, "columns"):
        return _of_frame(rows)
    if isinstance(rows, Mapping | bytes) or not isinstance(rows, Iterable):
        said = f"rows are a CSV, TSV or JSONL file, a folder of pictures, a DataFrame or an iterable of mappings, not {shown(rows)}"
        raise SettingsError(f"{said}{'; put one row into a list' if isinstance(rows, Mapping) else ''}.")
    is_once = iter(rows) is rows
    return Table("the table", None, partial(_of_mappings, rows), is_once=is_once)


def _of_path(path: Path) -> Table:
    if path.is_dir():
        return _of_folder(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"The table {path} cannot be read: {error.strerror or error}; check the path.") from None
    if path.suffix.lower() in SPREADSHEETS or data[:4] == b"PK\x03\x04":
        raise SettingsError(f"{path.name} is a spreadsheet's own file, which is not read: {AS_CSV}.")
    return _of_data(data, path)


def table_of_bytes(data: bytes, name: str) -> Table:
    """The table that these bytes are: JSONL where they begin with an object, else CSV. Relative paths in it start from where one is."""
    is_json = data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"
    return replace(_of_data(data, Path(f"{name}.jsonl" if is_json else name)), name=name)


def _of_data(data: bytes, path: Path) -> Table:
    if not data.strip():
        raise SettingsError(f"{path.name} is empty, so {EMPTY}: its first line holds headings, such as subject, and each other one a row.")
    text = _decoded(data, path.name)
    is_json = path.suffix.lower() in (".jsonl", ".ndjson", ".json")
    return _of_json(text, path) if is_json else _of_text(text, path)


def _decoded(data: bytes, name: str) -> str:
    encoding = next((code for mark, code in MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        read = error.object  # without a byte-order mark
        line = read[: error.start].count(b"\n") + 1
        text = _beginning(read, error.start)
        said = f"{name} is not UTF-8: line {line} holds the byte 0x{read[error.start]:02X}"
        raise SettingsError(f"{said}, which in the code page Windows-1252 would be {text}; {AS_CSV}.") from None


def _beginning(data: bytes, at: int) -> str:
    """The word around a byte, as the code page that most spreadsheets write has it."""
    around = data[max(0, at - 12) : at + 12].decode("cp1252", "replace")
    words = re.split(r"[\s,;]+", around[: min(at, 12)])[-1] + re.split(r"[\s,;]+", around[min(at, 12) :])[0]
    return repr(words)


# CSV and TSV


def _of_text(text: str, path: Path) -> Table:
    text, separator = _separated(text, path)
    reader = _reader(text, separator)
    headings = _headings(_next(reader, path.name) or [], path.name)
    table = Table(path.name, headings, partial(_of_lines, text, separator, path.name), folder=path.parent)
    if next(iter(table), None) is None:
        raise SettingsError(f"{path.name} has headings ({listed(headings)}) and no rows, so {EMPTY}.")
    return table


def _separated(text: str, path: Path) -> tuple[str, str]:
    """The text without a line `sep=;` that a spreadsheet wrote before it, and what separates its cells."""
    if match := re.match(r"sep=(.)\r?\n", text):
        return "\n" + text[match.end() :], match[1]
    if path.suffix.lower() in (".tsv", ".tab"):
        return text, "\t"
    bare = re.sub(r'"(?:[^"]|"")*"', "", _first_line(text))
    return text, max(SEPARATORS, key=bare.count) if any(map(bare.count, SEPARATORS)) else ","


def _first_line(text: str) -> str:
    """The first line with words, with the line breaks that stand in quotes."""
    begun = text.lstrip("\r\n")
    quotes, at = 0, 0
    for at, sign in enumerate(begun):
        quotes += sign == '"'
        if sign in "\r\n" and quotes % 2 == 0:
            return begun[:at]
    return begun


def _reader(text: str, separator: str) -> Any:
    csv.field_size_limit(max(csv.field_size_limit(), LARGEST_CELL))
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)


def _next(reader: Any, name: str) -> list[str] | None:
    """The next line that is not blank; None at the end."""
    try:
        return next((cells for cells in reader if any(cell.strip() for cell in cells)), None)
    except csv.Error as error:
        of_quotes = "delimiter" in str(error) or "end of data" in str(error)
        why = "a quotation mark is opened and not closed, or stands inside a cell" if of_quotes else str(error)
        raise SettingsError(f"{name}, line {reader.line_num}: {why}; a mark inside a quoted cell is written twice.") from None


def _headings(cells: Sequence[str], name: str) -> tuple[str, ...]:
    """The headings as they stand, without the empty ones at the end."""
    kept = list(cells)
    while kept and not kept[-1].strip():
        kept.pop()
    if missing := [i for i, cell in enumerate(kept, 1) if not cell.strip()]:
        raise SettingsError(f"{name}, line 1: column {missing[0]} has no heading; name it.")
    if twice := next((cell for cell in kept if kept.count(cell) > 1), None):
        raise SettingsError(f"{name}, line 1: two columns are headed {twice.strip()!r:.60}; name them apart.")
    return tuple(kept)


def _of_lines(text: str, separator: str, name: str) -> Iterator[TableRow]:
    reader, number = _reader(text, separator), 0
    headings = _headings(_next(reader, name) or [], name)
    while True:
        before = reader.line_num
        cells = _next(reader, name)
        if cells is None:
            return
        number += 1
        line = reader.line_num - sum(cell.count("\n") for cell in cells)
        if any(cell.strip() for cell in cells[len(headings) :]):
            said = f"{name}, line {max(line, before + 1)}: {len(cells)} cells stand below {len(headings)} headings"
            raise SettingsError(f"{said}; quote a cell that holds the separator.")
        yield TableRow(number, max(line, before + 1), dict(zip(headings, cells, strict=False)))


# JSON


def _of_json(text: str, path: Path) -> Table:
    if path.suffix.lower() == ".json":
        return _of_json_list(text, path)
    table = Table(path.name, None, partial(_of_json_lines, text, path.name), folder=path.parent)
    if next(iter(table), None) is None:
        raise SettingsError(f"{path.name} has no rows, so {EMPTY}.")
    return table


def _of_json_list(text: str, path: Path) -> Table:
    try:
        rows = json.loads(text)
    except ValueError as error:
        raise SettingsError(f"{path.name} is no JSON: {error}.") from None
    if not isinstance(rows, list) or not rows:
        raise SettingsError(f"{path.name} holds no list of rows; expected [{{…}}, …], or JSONL: an object on each line.")
    return Table(path.name, None, partial(_of_mappings, rows), folder=path.parent)


def _of_json_lines(text: str, name: str) -> Iterator[TableRow]:
    number = 0
    for line, said in enumerate(text.split("\n"), 1):
        if not said.strip():
            continue
        number += 1
        try:
            values = json.loads(said)
        except ValueError as error:
            raise SettingsError(f"{name}, line {line}: this is no JSON ({error}); each line is one object.") from None
        if not isinstance(values, dict):
            raise SettingsError(f"{name}, line {line}: this is {shown(values)}; expected an object such as {{\"subject\": \"fox\"}}.")
        yield TableRow(number, line, values)


# In memory


def _of_mappings(rows: Iterable[Any]) -> Iterator[TableRow]:
    for number, values in enumerate(rows, 1):
        if not isinstance(values, Mapping):
            said = f'Row {number} is {shown(values)}; expected a mapping such as {{"subject": "fox"}}'
            raise SettingsError(f"{said}.")
        yield TableRow(number, None, {str(key): value for key, value in values.items()})


def _of_frame(frame: Any) -> Table:
    """A DataFrame of pandas, or of a library that is used alike; its index is no column."""
    headings = tuple(str(name) for name in frame.columns)
    if twice := next((name for name in headings if headings.count(name) > 1), None):
        raise SettingsError(f"The DataFrame has two columns {twice!r:.60}; name them apart.")
    if not len(frame):
        raise SettingsError(f"The DataFrame has no rows, so {EMPTY}.")

    def read() -> Iterator[TableRow]:
        cells = zip(*(frame[name] for name in frame.columns), strict=True)
        for number, values in enumerate(cells, 1):
            yield TableRow(number, None, {h: built_in(v) for h, v in zip(headings, values, strict=True)})

    return Table("the DataFrame", headings, read)


# Folders


class FolderRow:
    """The headings of a folder's rows."""

    PICTURE, LABEL = "picture", "label"


def _of_folder(folder: Path) -> Table:
    names = sorted(p.name for p in folder.iterdir() if p.name.lower().endswith(PICTURE_SUFFIXES) and not p.name.startswith("."))
    if not names:
        raise SettingsError(f"The folder {folder} holds no pictures, so {EMPTY}; give another one, or a table.")
    rows = [{FolderRow.PICTURE: name, FolderRow.LABEL: Path(name).stem} for name in names]
    table = partial(_of_mappings, rows)
    return Table(f"the folder {folder.name}", (FolderRow.PICTURE, FolderRow.LABEL), table, folder=folder)
