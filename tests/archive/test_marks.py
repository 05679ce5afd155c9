"""Marks in archives: they travel with their steps, without names and notes where there are to be no words, and are merged by copying."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from kit.loopback import png

from promptkit import LineageError, Session, import_session
from promptkit.lineage.marks import Mark, read_marks

AT = "2026-11-28T10:15:00.000Z"


@pytest.fixture
def bear() -> Session:
    """Two roots; of the first two readers say something, one of them twice."""
    session = Session("./bear", endpoint="offline")
    session.add(png("red"))
    session.add(png("blue"))
    session[1].mark("reject", by="Wenceslas")
    session[1].mark("keep", stars=4, note="a secret", region=(0, 0, 4, 3), by="Wenceslas")
    session[1].mark("keep", by="Ann")
    session[2].mark("keep", by="Ann")
    return session


def texts(session: Session) -> list[str]:
    return [str(mark) for mark in session.marks]


def test_marks_travel_with_their_steps(bear: Session) -> None:
    """Byte for byte, those that count no longer too; of a trail those of its steps. The same trail is the same file."""
    bear.export("all.zip", all=True)
    whole = Session(import_session("all.zip", "./whole"))
    assert (texts(whole), whole.verify()) == (texts(bear), [])
    assert set(read_marks(whole.folder)) == set(read_marks(bear.folder))
    bear.export("trail.zip", step=2)
    trail = Session(import_session("trail.zip", "./trail"))
    assert texts(trail) == ["step 2: keep (Ann)"]
    bear.export("again.zip", all=True)
    assert Path("again.zip").read_bytes() == Path("all.zip").read_bytes()


def test_a_mark_of_a_merged_copy_counts_once(bear: Session) -> None:
    """What a copy was marked with comes back; what both have is one; what was taken back here stays so."""
    bear.export("sent.zip", all=True)
    copy = Session(import_session("sent.zip", "./copy"))
    copy[2].mark("reject", by="Bo")
    copy.export("back.zip", all=True)
    bear[1].mark(None, by="Ann")
    for _ in range(2):
        import_session("back.zip", "./bear")
        assert texts(Session("./bear")) == [
            "step 1: keep ★★★★ a secret 4x3+0+0 (Wenceslas)",
            "step 2: keep (Ann)",
            "step 2: reject (Bo)",
        ]
    assert len(read_marks(bear.folder)) == 6
    assert bear.verify() == []


def test_without_words_names_and_notes_are_gone(bear: Session) -> None:
    """Verdicts, stars and boxes stay, of as many readers as there were; what counts no longer is not in it."""
    bear.export("bare.zip", all=True, strip=True)
    bare = Session(import_session("bare.zip", "./bare"))
    assert texts(bare) == ["step 1: keep (reader 1)", "step 1: keep ★★★★ 4x3+0+0 (reader 2)", "step 2: keep (reader 1)"]
    assert bare.verify() == []
    data = b"".join(path.read_bytes() for path in bare.folder.rglob("*") if path.is_file())
    assert b"secret" not in data
    assert b"Wenceslas" not in data
    assert b"Ann" not in data


def test_a_forgotten_step_travels_with_its_marks(bear: Session) -> None:
    """What readers said of it stays."""
    bear.forget(1, words=True)
    with pytest.warns(UserWarning, match="Forgotten"):
        bear.export("bear.zip", all=True)
    copy = Session(import_session("bear.zip", "./copy"))
    assert texts(copy) == texts(bear)
    assert not [p for p in copy.verify() if p.is_damage]


def put(name: str, data: bytes) -> None:
    """One more file in the archive."""
    with zipfile.ZipFile("bear.zip", "a") as archive:
        archive.writestr(f"bear/{name}", data)


STRANGE = Mark("0" * 64, "keep", at=AT)


def test_a_mark_of_a_step_that_is_not_in_it_is_refused(bear: Session) -> None:
    """And so is one whose name is not its hash, one that says something else than marks do, and a name that no mark has."""
    own = Mark(bear[1].id, "keep", by="x", at=AT)
    odd = json.dumps({"step": bear[1].id, "verdict": "keep"}).encode()
    for name, data in [
        (STRANGE.name, STRANGE.data),
        (own.name, STRANGE.data),
        (f"marks/{bear[1].id[:10]}-{'0' * 64}.json", odd),
        (f"marks/{bear[2].id[:10]}-{own.sha256}.json", own.data),
        ("marks/notes.txt", b"x"),
        (f"marks/../{own.name}", own.data),
    ]:
        bear.export("bear.zip", all=True, overwrite=True)
        put(name, data)
        with pytest.raises(LineageError, match=r"which is no (mark of a step that is in it|file (that a session has|of a session))"):
            import_session("bear.zip", "./new")
        assert not Path("new").exists()


def test_a_damaged_mark_is_left_out_and_mended(bear: Session) -> None:
    """An export does not carry it on, and importing an archive that has it whole puts it right."""
    bear.export("whole.zip", all=True)
    path = next(bear.folder.glob(f"marks/{bear[2].id[:10]}-*"))
    path.write_bytes(b"{}")
    bear.export("damaged.zip", all=True)
    assert {text[:6] for text in texts(Session(import_session("damaged.zip", "./copy")))} == {"step 1"}
    with pytest.warns(UserWarning, match="1 files of bear were damaged"):
        import_session("whole.zip", "./bear")
    assert Session("./bear").verify() == []
