"""The files of named references: written, read back, checked, and kept where what they need would go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kit.loopback import png
from kit.steps import edit_json, made, red

from promptkit.errors import LineageError
from promptkit.images.picture import Picture
from promptkit.lineage.forgetting import forget
from promptkit.lineage.record import Record
from promptkit.lineage.references import NamedPicture, NamedPictures, named_in
from promptkit.lineage.tree import Lineage

OWN = Picture(png("green"))
NAMES = ["heroine", "クライアント用", "für Ü", "🐻" * 40, " 1a ", "the girl with the hat", "CON", ".."]


@pytest.fixture
def lineage(tmp_path: Path) -> Lineage:
    return Lineage(tmp_path / "bear")


def outside(picture: Picture = OWN) -> NamedPicture:
    return NamedPicture(picture.sha256, picture.mime_type, file=Lineage.source_name(picture))


def of_step(record: Record) -> NamedPicture:
    output = record.outputs[0]
    return NamedPicture(output.sha256, output.mime_type, step=record.id)


def keep(lineage: Lineage, name: str, *pictures: NamedPicture) -> NamedPictures:
    """A name for these pictures; the one from outside is OWN."""
    named = NamedPictures(name, pictures, "a bear", "2026-11-28T08:00:00.000Z")
    lineage.set_reference(named, [OWN] if any(p.file for p in pictures) else [])
    return named


@pytest.mark.parametrize("name", NAMES)
def test_names_in_any_script(lineage: Lineage, name: str) -> None:
    """A reference is read back as it was written, whatever its name's script, and its file stays in references/."""
    named = keep(lineage, name, of_step(made(lineage)), outside())
    assert Lineage(lineage.folder).references() == {name: named}
    (path,) = (lineage.folder / "references").iterdir()
    assert named_in(path.read_bytes(), f"references/{path.name}") == named
    assert lineage.verify() == []


def test_named_again_its_file_is_replaced(lineage: Lineage) -> None:
    """A name has one file, which says what it stands for now; a tag by that name goes, and the other way round."""
    record = made(lineage)
    lineage.set_tag("star", record.id)
    keep(lineage, "star", of_step(record))
    named = keep(lineage, "star", outside())
    assert (lineage.references(), lineage.tags()) == ({"star": named}, {})
    assert len(list(lineage.folder.glob("references/*"))) == 1
    lineage.set_tag("star", record.id)
    assert (lineage.references(), lineage.tags()) == ({}, {"star": record.id})


def test_a_name_that_is_both_is_a_references(lineage: Lineage) -> None:
    """Where an earlier promptkit, or a process that was killed in between, left a tag of the same name, it does not count."""
    record = made(lineage)
    named = keep(lineage, "star", of_step(record))
    tag = lineage.folder / "tags" / next(lineage.folder.glob("references/*")).name
    tag.parent.mkdir()
    tag.write_text(json.dumps({"name": "star", "id": record.id}))
    assert (lineage.references(), lineage.tags()) == ({"star": named}, {})


@pytest.mark.parametrize(
    "said",
    [
        {"name": 7},
        {"pictures": []},
        {"pictures": {}},
        {"pictures": [7]},
        {"pictures": [{"sha256": "x", "mime_type": "image/png", "file": "sources/x.png"}]},
        {"pictures": [{"sha256": OWN.sha256, "mime_type": "image/png"}]},
        {"pictures": [{"sha256": OWN.sha256, "mime_type": "image/png", "file": "x.png", "step": "0" * 64}]},
        {"pictures": [{"sha256": OWN.sha256, "mime_type": "image/png", "step": "../../etc"}]},
        {"description": ["x"]},
    ],
    ids=str,
)
def test_what_says_no_pictures_is_none(lineage: Lineage, said: dict[str, object]) -> None:
    """A file that is none as they are written names nothing, is told by verify, and hinders no look-up."""
    keep(lineage, "heroine", outside())
    (path,) = (lineage.folder / "references").iterdir()
    edit_json(path, **said)
    assert lineage.references() == {}
    assert [(p.path, p.is_damage) for p in lineage.verify()] == [(path, True)]
    assert lineage.find(made(lineage).number).number == 1


def test_verify_names_what_a_name_lacks(lineage: Lineage) -> None:
    """A file by another name, a step that is not here, a picture that is missing or damaged, a link: each is told with the file."""
    keep(lineage, "heroine", outside())
    keep(lineage, "gone", NamedPicture("a" * 64, "image/png", step="b" * 64))
    source = lineage.folder / Lineage.source_name(OWN)
    source.write_bytes(b"half")
    path = next(lineage.folder.glob("references/heroine-*"))
    path.rename(path.with_name("heroine-01234567.json"))
    told = {p.path.name: p.message for p in lineage.verify()}
    assert "another file name" in told["heroine-01234567.json"]
    assert "bbbbbbbbbb, which is not here" in next(said for name, said in told.items() if name.startswith("gone-"))
    assert source.name in told
    source.unlink()
    assert source.name in {p.path.name for p in lineage.verify()}


def test_a_file_that_a_name_needs_is_not_forgotten_with_a_step(lineage: Lineage) -> None:
    """Forgetting a step leaves the picture from outside that a name stands for, and says so."""
    entry = {"role": "reference", "sha256": OWN.sha256, "mime_type": OWN.mime_type, "file": Lineage.source_name(OWN)}
    step = made(lineage, red(), sources=[entry])
    keep(lineage, "heroine", outside())
    gone = forget(lineage, [step], by="")
    assert Lineage.source_name(OWN) not in gone.files
    assert any("the reference 'heroine' needs it" in note for note in gone.notes)
    assert lineage.source(outside().fields).data == OWN.data
    assert all(not problem.is_damage for problem in lineage.verify())


def test_a_reference_is_no_step(lineage: Lineage) -> None:
    """A look-up finds the one step that a name stands for; of several pictures, and of one from outside, it says what to write."""
    record = made(lineage)
    keep(lineage, "one", of_step(record))
    keep(lineage, "two", of_step(record), outside())
    assert lineage.find("one") == record
    with pytest.raises(LineageError, match="reference to 2 pictures, and no step: it goes along by its name"):
        lineage.find("two")
    with pytest.raises(LineageError, match=r"did you mean 'two'.*a reference \('one', 'two'\)"):
        lineage.find("twoo")
