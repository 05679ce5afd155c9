"""Tables as people bring them, read to rows with their lines; and what is wrong with one, in one sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.loopback import png
from kit.tables import table

from promptkit import SettingsError
from promptkit.runs.rows import TableRow, is_missing, open_table, table_of_bytes

ANIMALS = [{"subject": "fox", "style": "ink"}, {"subject": "owl", "style": ""}]


def read(rows: object) -> list[dict[str, object]]:
    return [dict(row.values) for row in open_table(rows)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_csv_in_the_usual_dialects(tmp_path: Path, separator: str, ending: str, encoding: str) -> None:
    """Separators, line ends and byte-order marks are told from the file."""
    lines = [separator.join(line) for line in (("subject", "style"), ("fox", "ink"), ("owl", ""))]
    assert read(table(tmp_path / "a.csv", ending.join(lines), encoding)) == ANIMALS


def test_quoted_cells_hold_line_breaks_separators_and_quotes(tmp_path: Path) -> None:
    """And each row knows the line where it begins, blank lines counted."""
    path = table(tmp_path / "a.csv", 'subject,style\n"a fox,\nand an owl","he said ""hi"""\n\n,,\nowl,ink\n')
    rows = list(open_table(path))
    assert [(row.number, row.line) for row in rows] == [(1, 2), (2, 6)]
    assert rows[0].values == {"subject": "a fox,\nand an owl", "style": 'he said "hi"'}


def test_nothing_is_guessed(tmp_path: Path) -> None:
    """Digits stay the text that they are; a spreadsheet's own first line is no row."""
    assert read(table(tmp_path / "a.csv", "sep=;\nnr;subject\n00123;1e5\n")) == [{"nr": "00123", "subject": "1e5"}]
    assert read(table(tmp_path / "a.tsv", "nr\tsubject\n00123\ta,b\n")) == [{"nr": "00123", "subject": "a,b"}]


def test_json_lines_and_lists(tmp_path: Path) -> None:
    """An object on each line, or a list of them."""
    assert read(table(tmp_path / "a.jsonl", "\n".join(map(json.dumps, ANIMALS)))) == ANIMALS
    assert read(table(tmp_path / "a.json", json.dumps(ANIMALS))) == ANIMALS
    assert list(table_of_bytes(b'{"subject": "fox"}\n', "stdin")) == [TableRow(1, 1, {"subject": "fox"})]
    assert list(table_of_bytes(b"subject\nfox\n", "stdin")) == [TableRow(1, 2, {"subject": "fox"})]


def test_a_folder_of_pictures(tmp_path: Path) -> None:
    """Each picture is a row, labelled by its name."""
    for name in ("b.png", "a.JPG", ".hidden.png", "notes.txt"):
        (tmp_path / name).write_bytes(png())
    assert read(tmp_path) == [{"picture": "a.JPG", "label": "a"}, {"picture": "b.png", "label": "b"}]


def test_frames_and_iterables() -> None:
    """A DataFrame's columns, mappings of any kind; an iterator can be read once."""

    class Frame:
        columns = ("subject", "weight")

        def to_dict(self) -> None: ...

        def __len__(self) -> int:
            return 2

        def __getitem__(self, name: str) -> list[object]:
            return {"subject": ["fox", "owl"], "weight": [1.5, float("nan")]}[name]

    rows = read(Frame())
    assert [row["subject"] for row in rows] == ["fox", "owl"]
    assert is_missing(rows[1]["weight"])

    def once() -> Iterator[dict[str, str]]:
        yield {"subject": "fox"}

    assert open_table(once()).is_once
    assert not open_table(ANIMALS).is_once
    assert read(tuple(ANIMALS)) == ANIMALS


@pytest.mark.parametrize("value", [None, "", "  ", float("nan")])
def test_what_is_not_given(value: object) -> None:
    """Nothing, blank text and not-a-number; a zero and False are given."""
    assert is_missing(value)
    assert not any(map(is_missing, (0, False, "0", [])))


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.csv", b"", "a.csv is empty"),
        ("a.csv", b"subject\n", "has headings (subject) and no rows"),
        ("a.csv", b"subject,subject\nfox,owl\n", "two columns are headed 'subject'"),
        ("a.csv", b"subject,,style\nfox,x,ink\n", "column 2 has no heading"),
        ("a.csv", b"subject,style\nfox,ink,more\n", "line 2: 3 cells stand below 2 headings"),
        ("a.csv", b'subject\n"fox\nowl\n', "a quotation mark is opened and not closed"),
        ("a.csv", b"\xef\xbb\xbfsubject\nfox\nb\xe4r\n", "line 3 holds the byte 0xE4, which in the code page Windows-1252"),
        ("a.csv", "subject\nfox\nb\xe4r\n".encode("latin-1"), "line 3 holds the byte 0xE4, which in the code page Windows-1252 would be"),
        ("a.csv", "subject\nfox\nb\xe4r\n".encode("latin-1"), "'b\xe4r'"),
        ("a.xlsx", b"PK\x03\x04", "CSV UTF-8"),
        ("a.csv", b"PK\x03\x04rest", "CSV UTF-8"),
        ("a.jsonl", b'{"subject": "fox"}\n{"subject": }\n', "a.jsonl, line 2: this is no JSON"),
        ("a.jsonl", b'["fox"]\n', "a.jsonl, line 1: this is ['fox']; expected an object"),
        ("a.json", b"{}", "holds no list of rows"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_sentence(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    """With its line, and what to do."""
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SettingsError) as raised:
        list(open_table(tmp_path / name))
    assert said in str(raised.value)
    assert str(raised.value).endswith(".")


@pytest.mark.parametrize(("rows", "said"), [({"subject": "fox"}, "put one row into a list"), (7, "not 7"), (["fox"], "Row 1 is 'fox'")])
def test_what_is_no_table(rows: object, said: str) -> None:
    """Is named."""
    with pytest.raises(SettingsError, match=said):
        list(open_table(rows))


def test_what_is_not_there(tmp_path: Path) -> None:
    """Is named, too."""
    for where, said in ((tmp_path / "none.csv", "cannot be read"), (tmp_path, "holds no pictures")):
        with pytest.raises(SettingsError, match=said):
            open_table(where)
