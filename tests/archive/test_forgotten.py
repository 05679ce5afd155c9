"""Forgotten steps in archives: what travels, and what an archive from before or after brings back or takes away."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from kit.loopback import png
from kit.steps import made

from promptkit import LineageError, Picture, PromptkitWarning, Session, import_session
from promptkit.archive.png_embed import read_embedded
from promptkit.lineage.forgotten import note_path
from promptkit.lineage.tree import Lineage

SECRET = "a bear whose name is Wenceslas"


def bear() -> Session:
    """A root whose words are secret, and two steps that follow it."""
    lineage = Lineage(Path("bear"))
    root = made(lineage, Picture(png("blue")), prompt={"text": SECRET})
    child = made(lineage, Picture(png("red")), parents=[root.id])
    made(lineage, Picture(png("green")), parents=[child.id])
    session = Session("./bear")
    session.goto(3)
    return session


def problems(session: Session) -> list[str]:
    return [str(p) for p in session.verify() if p.is_damage]


@pytest.mark.parametrize("words", [False, True])
def test_a_forgotten_step_travels_as_one(words: bool) -> None:
    """Its record and its note go along, the export says so, and the copy is whole: children stay, ids stay, nothing counts as lost."""
    session = bear()
    session.forget(1, words=words)
    with pytest.warns(PromptkitWarning, match=r"Forgotten, and so without a picture in it: step 1\."):
        session.export("bear.zip")
    copy = Session(import_session("bear.zip", "./copy"))
    assert [s.id for s in copy.steps] == [s.id for s in session.steps]
    assert problems(copy) == []
    assert (copy[1].record.forgotten is not None, copy[1].prompt is None) == (True, words)


def test_without_words_it_has_a_note_of_its_own() -> None:
    """The stripped lineage names nobody, and holds the step without its picture."""
    session = bear()
    session.forget(1)
    session.export("bare.zip", strip=True)
    bare = Session(import_session("bare.zip", "./bare"))
    assert problems(bare) == []
    note = bare[1].record.forgotten
    assert note is not None
    assert (note.by, note.step) == ("", bare[1].id)


@pytest.mark.parametrize("words", [False, True])
def test_an_older_copy_brings_nothing_back(words: bool) -> None:
    """What was forgotten here stays so, which is said; what else the archive has comes."""
    session = bear()
    session.export("old.zip")
    data = session[1].picture.data
    session.forget(1, words=words)
    lost = session[2].files[0]
    lost.unlink()
    with pytest.warns(PromptkitWarning) as said:
        import_session("old.zip", session.folder)
    assert any("Step 1 was forgotten here, and stays so: what old.zip holds of it was not brought back." in str(w.message) for w in said)
    assert lost.exists()
    assert not any(path.read_bytes() == data for path in session.folder.iterdir() if path.is_file())
    assert any(SECRET.encode() in path.read_bytes() for path in session.folder.glob("*.json")) is not words
    assert problems(Session("./bear")) == []


@pytest.mark.parametrize("words", [False, True])
def test_a_newer_copy_takes_nothing_away(words: bool) -> None:
    """A step that is forgotten in the archive alone stays here, with its picture and its words."""
    session = bear()
    session.export("old.zip")
    session.forget(1, words=words)
    with pytest.warns(PromptkitWarning, match="Forgotten"):
        session.export("new.zip")
    import_session("old.zip", "./other")
    with pytest.warns(PromptkitWarning, match=r"Step 1 is forgotten in new\.zip, and stays here"):
        import_session("new.zip", "./other")
    other = Session("./other")
    assert (str(other[1].prompt), other[1].picture) == (SECRET, Picture(png("blue")))
    assert other.verify() == []


def test_the_same_copy_again_says_nothing() -> None:
    """Importing the archive of a forgotten step a second time changes nothing."""
    session = bear()
    session.forget(1, words=True)
    with pytest.warns(PromptkitWarning, match="Forgotten"):
        session.export("bear.zip")
    import_session("bear.zip", session.folder)
    assert problems(session) == []


@pytest.mark.parametrize("name", ["0009-edit-0123456789.forgotten.json", "../x.forgotten.json", "0001-edit-0123456789.forgotten.json"])
def test_a_note_on_no_step_of_the_archive_is_refused(name: str) -> None:
    """A stranger's note for a step that is not in the archive, or with a name out of it, ends the import."""
    bear().export("bear.zip")
    with zipfile.ZipFile("bear.zip", "a") as archive:
        archive.writestr(f"bear/{name}", '{"step": "' + "0" * 64 + '", "forgotten": "", "by": "", "record": null}')
    with pytest.raises(LineageError, match="nothing was imported"):
        import_session("bear.zip", "./copy")
    assert not Path("copy").exists()


def test_a_picture_takes_no_words_along_that_were_forgotten() -> None:
    """A picture with its lineage inside holds the steps after the one whose words are gone; that one is counted as left out."""
    session = bear()
    session.forget(1, words=True)
    with pytest.warns(PromptkitWarning, match="1 did not fit, or hold no words any more"):
        session[3].save("three.png", embed=True)
    found = read_embedded("three.png")
    assert found is not None
    assert ([r.number for r in found.records], found.omitted) == ([2, 3], 1)
    assert note_path(session[1].record.path).exists()
