"""What the file names in a folder say, without reading a record: real folders with empty files."""

from __future__ import annotations

from pathlib import Path

import pytest

from promptkit.lineage.names import Names

ONE, TWO, OTHER_TWO = "0001-edit-0123456789.json", "0002-edit-abcdefabcd.json", "0002-edit-fedcba9876.json"


@pytest.fixture
def names(tmp_path: Path) -> Names:
    for name in (OTHER_TWO, ONE, TWO, ".open-0003.json", "0001-edit-0123456789.png", "head"):
        (tmp_path / name).touch()
    return Names(tmp_path)


def test_a_look_finds_what_came_and_what_went(names: Names, tmp_path: Path) -> None:
    """The first look finds all, the next only what others wrote or deleted since; what was written here is known already."""
    assert (names.records, names.last) == ([], 0)
    assert [sorted(each) for each in names.look()] == [[ONE, TWO, OTHER_TWO], []]
    assert (names.records, names.hidden, names.last) == ([ONE, TWO, OTHER_TWO], {".open-0003.json"}, 2)
    (tmp_path / TWO).rename(tmp_path / "0004-edit-abcdefabcd.json")
    (tmp_path / ".open-0003.json").unlink()
    (tmp_path / "0005-edit-0000000000.json").touch()
    assert [names.add("0005-edit-0000000000.json") for _ in range(2)] == [True, False]
    assert names.look() == (["0004-edit-abcdefabcd.json"], [TWO])
    assert (names.hidden, names.with_number(2), names.last) == (set(), [OTHER_TWO], 5)
    names.remove("0005-edit-0000000000.json")
    assert names.last == 4


def test_records_are_found_by_number_and_by_the_beginning_of_the_id(names: Names) -> None:
    """Merged copies may share a number; a name has ten digits of an id, so what begins like one may be another."""
    names.look()
    assert (names.with_number(1), names.with_number(2), names.with_number(3)) == ([ONE], [TWO, OTHER_TWO], [])
    assert (names.with_id("abcdefabcd" + "0" * 54), names.with_id("1" * 64)) == (TWO, None)
    assert (names.beginning("abc"), names.beginning("abcdefabcd" + "1" * 20), names.beginning("5")) == ([TWO], [TWO], [])
