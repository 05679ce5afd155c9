"""A session taken along as one zip: what is in it, and that no file is lost to it. Real folders and zips, beside other processes."""

from __future__ import annotations

import shutil
import tempfile
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from kit.archives import another_process, left_by_a_dead_process, on_disk, read
from kit.loopback import Loopback, picture_reply, png, text_reply
from kit.steps import names, room, snapshot

from promptkit import LineageError, NoPicture, PromptkitWarning, Session, StepNotFound, atomic
from promptkit.archive.import_zip import import_session


def test_a_trail_is_all_that_a_step_came_from_byte_for_byte(bear: Session) -> None:
    """The step, its parents and references with their files and tags, and nothing else; its ids stay, it is the head, all is whole."""
    before = snapshot(bear.folder)
    contents = read(bear.export("bear"))
    there = on_disk(bear.folder)
    assert {n: d for n, d in contents.items() if n != "bear/head"}.items() <= there.items()
    left_out = {n for n in there if "0004-" in n or "f-r-sp-ter" in n}
    assert len(left_out) == 3
    assert set(there) - set(contents) == left_out
    assert snapshot(bear.folder) == before
    again = Session(import_session("bear.zip", "other"))
    assert [s.id for s in again] == [s.id for s in bear if s.number != 4]
    assert (again.head, list(again.tags), again.verify()) == (bear.head, ["for the client"], [])
    assert again.head.edit("Make it day").number == 4


def test_a_reference_of_a_root_comes_along() -> None:
    """A step that a new root took as a reference is no parent of it, and its picture went in all the same."""
    session = Session("./a", endpoint="offline")
    root = session.generate("a cup", references=[session.generate("a lamp")])
    assert not root.parents
    again = Session(import_session(session.export("a.zip"), "b"))
    assert [p.sha256 for p in again.head.sources] == [p.sha256 for p in root.sources]


@pytest.mark.filterwarnings("ignore:step")  # the same picture comes again
def test_a_chain_that_talks_goes_on_elsewhere(service: Loopback) -> None:
    """The turns with their signatures come along, so that the next edit sends what it would have sent at home."""
    service.always = picture_reply(png())
    home = Session("./home", endpoint=service.url, model="m", chain="chat")
    home.generate("a bear").edit("a hat")
    away = Session(import_session(home.export("home.zip"), "away"), endpoint=service.url, model="m", chain="chat")
    home.edit("night"), away.edit("night")
    assert service.received[-1].json == service.received[-2].json
    assert len(service.received[-1].json["contents"]) == 5


def test_everything_is_all_steps_and_where_one_stood(service: Loopback) -> None:
    """all=True takes every file, failed steps, tags and what undo left for redo included."""
    service.say(picture_reply(png("red")), text_reply(), picture_reply(png("blue")))
    session = Session("./bear", endpoint=service.url, recover=0)
    session.generate("a bear")
    with pytest.raises(NoPicture):
        session.edit("what now?")
    session.edit("a hat")
    session.undo()
    assert read(session.export("all.zip", all=True)) == on_disk(session.folder)
    again = Session(import_session("all.zip", "other"))
    assert (len(again), again.verify(), again.redo().number) == (3, [], 3)
    assert [s.number for s in Session(import_session(session.export("2.zip", step=2), "two"))] == [1, 2]


def test_what_undo_left_comes_along_only_with_its_step(bear: Session) -> None:
    """What redo would go to is named where it comes along and the head is the one that undo left; a damaged step is not."""
    bear.edit("Add a boat")
    bear.undo()
    heads = [read(s.export("a.zip", all=True, overwrite=True))["bear/head"].decode().split() for s in (bear, bear.at(4))]
    assert heads == [[bear[3].id, bear[5].id], [bear[4].id]]
    bear[5].record.path.unlink()
    again = Session(import_session(Session("./bear").export("b.zip", all=True), "b"))
    assert (len(again), again.head.number, again.verify()) == (4, 3, [])


@pytest.mark.slow
def test_a_session_is_exported_while_others_work_in_it(bear: Session) -> None:
    """Tags that move, steps that come and what undo leaves: whatever happens meanwhile, the archive fits together."""
    first, second = bear[1].id, bear[2].id
    work = (
        "from kit.steps import made; from promptkit.lineage.tree import Lineage; from pathlib import Path;"
        "lineage = Lineage(Path(sys.argv[1]));"
        "[lineage.set_tag(f't{i}', sys.argv[2 + round % 2]) for i in range(30)];"
        "lineage.set_head(sys.argv[2], [made(lineage, parents=[sys.argv[2]]).id])"
    )
    bear.goto(1)
    with another_process(work, bear.folder, first, second):
        for i in range(24):
            path = Session("./bear").export("a.zip", overwrite=True, **({"all": True} if i % 2 else {"step": 1}))
            assert Session(import_session(path, f"new{i}")).verify() == []


def test_the_same_trail_is_the_same_file(bear: Session, tmp_path: Path) -> None:
    """Exported twice, from a copy whose files have other dates, with steps added meanwhile: the same bytes, stripped or not."""
    shutil.copytree(bear.folder, tmp_path / "copy/bear", copy_function=shutil.copy)
    bear.edit("Add a boat")
    for options in ({}, {"strip": True}):
        ours = bear.export("ours.zip", step=3, overwrite=True, **options).read_bytes()
        assert {i.date_time[0] for i in zipfile.ZipFile("ours.zip").infolist()} == {1980}
        assert Session(tmp_path / "copy/bear").export("theirs.zip", step=3, overwrite=True, **options).read_bytes() == ours


def test_no_file_is_lost_to_an_export(bear: Session) -> None:
    """Another file is replaced only where that was asked for; a folder, and a place within the session, never."""
    Path("bear.zip").write_bytes(b"mine")
    for path in ("bear.zip", "bear", bear.folder / "bear.zip", ".", "a\0b"):
        with pytest.raises(LineageError):
            bear.export(path)
    assert Path("bear.zip").read_bytes() == b"mine"
    assert zipfile.is_zipfile(bear.export("bear.zip", overwrite=True))
    with pytest.raises(LineageError, match="lies in the session"):
        bear.export(bear.folder / "x.zip", overwrite=True)
    assert [n for n in names(Path.cwd()) if "tmp" in n or "x.zip" in n] == []


def test_of_several_exports_at_once_one_makes_the_file(bear: Session) -> None:
    """A file that appears while another is being written is not replaced by it."""
    together = threading.Barrier(8)

    def attempt(_: int) -> bool:
        together.wait()
        with suppress(LineageError):
            return bear.export("bear.zip", all=True).is_file()
        return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 1
    assert [n for n in names(Path.cwd()) if "/" not in n] == ["bear", "bear.zip"]


def test_what_cannot_be_exported_says_so(bear: Session) -> None:
    """A step that is not there, and a session without steps, are errors, and make no file."""
    with pytest.raises(StepNotFound, match="no step 9"):
        bear.export("a.zip", step=9)
    with pytest.raises(LineageError, match="no steps to export"):
        Session("./empty").export("a.zip")
    with pytest.raises(LineageError, match="no steps to export"):
        Session("./empty").export("a.zip", all=True)
    (bear.folder / "head").unlink()
    with pytest.raises(LineageError, match="name the step"):
        Session("./bear").export("a.zip")
    assert not Path("a.zip").exists()
    assert not Path("empty").exists()
    assert len(Session(import_session(Session("./bear").export("a.zip", all=True), "b"))) == 4


def test_a_full_disk_leaves_no_half_archive(bear: Session) -> None:
    """Where the disk is full nothing appears, neither the zip nor the session's folder nor what would hold it."""
    path = bear.export("whole.zip")
    before = names(Path.cwd())
    with room(20_000):
        with pytest.raises(LineageError, match="cannot be written"):
            bear.export("half.zip")
        with pytest.raises(LineageError, match="unpacked"):
            import_session(path, "new/folders/other")
    assert names(Path.cwd()) == before


def test_what_a_killed_export_left_is_cleared_away(bear: Session) -> None:
    """The next export into the same folder removes it, and leaves alone what a live process is writing there."""
    left = left_by_a_dead_process(Path("bear.zip").absolute())
    ours = atomic.temporary_beside(Path("other.zip").absolute())
    ours.write_bytes(b"half")
    bear.export("bear.zip")
    assert [left.exists(), ours.exists()] == [False, True]


def test_an_export_needs_no_folder_for_temporary_files(bear: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has none that can be used, the archive is made all the same, in its own folder."""
    whole = bear.export("a.zip").read_bytes()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    assert bear.export("b.zip").read_bytes() == whole


def test_damage_is_left_out_and_named(bear: Session) -> None:
    """A damaged record does not keep the others from being taken along: it is named when it is left out, and when it is missing. A damaged
    picture does, unless its step is forgotten.
    """
    broken, lost = bear[1].files[0], bear[2].record.path
    whole = broken.read_bytes()
    broken.write_bytes(b"\x89PNG")
    with pytest.raises(LineageError, match=rf"{broken.name} cannot be exported, for it is missing or damaged \(step 1\).* forget\(…\)"):
        Session("./bear").export("bear.zip", all=True)
    broken.write_bytes(whole)
    lost.write_bytes(b"{}")
    with pytest.warns(PromptkitWarning, match="Left out, for it is missing or damaged: .*, and 1 more"):
        Session("./bear").export("bear.zip", all=True)
    with pytest.warns(PromptkitWarning, match="Missing in it"):
        import_session("bear.zip", "other")
    again = Session("./other")
    assert [s.number for s in again] == [1, 3, 4]
    assert {p.step for p in again.verify()} == {3}
    assert again[3].picture == bear[3].picture
