"""The head and the tags, which point to steps: written, read back, and refused where they could be something else."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from kit.steps import made

from promptkit.errors import LineageError
from promptkit.lineage.record import Problem
from promptkit.lineage.tree import Lineage
from promptkit.lineage.verify import verify


@pytest.fixture
def lineage(tmp_path: Path) -> Lineage:
    return Lineage(tmp_path / "bear")


TAGS = ["for the client", "クライアント用", "客户", "ग्राहक", "für Ü", "a/b\\..\\c", ".", "*", "1234567a", "🐻" * 60, "x" * 500, " 1a "]


@pytest.mark.parametrize("name", TAGS)
def test_tags_in_any_script(lineage: Lineage, name: str) -> None:
    """A tag is found by its name, whatever its script, and its file stays in tags/."""
    record = made(lineage)
    lineage.set_tag(name, record.id)
    assert Lineage(lineage.folder).tags() == {name: record.id}
    assert lineage.find(name).id == record.id
    assert len(list((lineage.folder / "tags").iterdir())) == 1


def test_half_a_surrogate_pair_is_no_hindrance_to_a_tag(lineage: Lineage) -> None:
    """A tag with what no file can hold is kept with U+FFFD in its place."""
    record = made(lineage)
    lineage.set_tag("a\ud800b", record.id)
    assert lineage.tags() == {"a\ufffdb": record.id}


def test_a_tag_in_use_moves(lineage: Lineage) -> None:
    """A second step with a tag takes it over; names that differ in case only are two tags."""
    first, second = made(lineage), made(lineage)
    for name, record in (("A b", first), ("a b", first), ("a b", second)):
        lineage.set_tag(name, record.id)
    assert lineage.tags() == {"A b": first.id, "a b": second.id}


@pytest.mark.parametrize(("written", "read"), [("cafe\u0301", "caf\xe9"), ("caf\xe9", "cafe\u0301"), ("ガ", "カ\u3099")])
def test_a_tag_is_found_in_either_encoding(lineage: Lineage, written: str, read: str) -> None:
    """What looks the same is one tag, as keyboards, file names and other systems encode it; a new one is kept in NFC."""
    first, second = made(lineage), made(lineage)
    lineage.set_tag(written, first.id)
    assert lineage.find(read) == lineage.find(written) == first
    lineage.set_tag(read, second.id)
    assert lineage.tags() == {unicodedata.normalize("NFC", written): second.id}


def test_a_tag_of_earlier_keeps_its_encoding(lineage: Lineage) -> None:
    """A tag that was kept decomposed is found and moved as it stands, and verify finds nothing wrong with it."""
    first, second = made(lineage), made(lineage)
    name = "cafe\u0301"
    lineage.set_tag("x", first.id)
    mark = hashlib.sha256(name.encode()).hexdigest()[:8]
    (lineage.folder / "tags" / f"cafe-{mark}.json").write_text(json.dumps({"name": name, "id": first.id}), encoding="utf-8")
    assert lineage.find("caf\xe9") == first
    lineage.set_tag("caf\xe9", second.id)
    assert lineage.tags() == {"x": first.id, name: second.id}
    assert not verify(lineage.folder, was_there=True)


@pytest.mark.parametrize("name", ["", "  ", "1", "123456", "1234567", " 12 ", "١٢", "a\nb", "a\r", "a\u2028b", 7, None], ids=repr)
def test_what_is_no_tag_is_refused(lineage: Lineage, name: Any) -> None:
    """A tag that is all digits, empty, of several lines or no text is refused."""
    record = made(lineage)
    with pytest.raises(LineageError, match="A tag is"):
        lineage.set_tag(name, record.id)
    assert lineage.tags() == {}


def test_the_head_and_what_undo_left(lineage: Lineage) -> None:
    """The head and what redo would bring are read back; a damaged head is none, and verify says so."""
    ids = [made(lineage).id for _ in range(3)]
    lineage.set_head(ids[0], ids[1:])
    assert Lineage(lineage.folder).head() == (ids[0], tuple(ids[1:]))
    assert lineage.verify() == []
    lineage.set_head("ab" * 32)
    assert lineage.verify() == [Problem(None, lineage.folder / "head", "names the step ababababab, which is not here")]
    (lineage.folder / "head").write_bytes(b"\xff\xfe")
    assert lineage.head() == (None, ())
    assert [p.message for p in lineage.verify()] == ["cannot be read"]
