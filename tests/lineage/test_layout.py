"""A session's folder: what is made in it and when, what git does with it, and what is refused as one. Real folders."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from kit.loopback import png
from kit.steps import answered, edit_json, failed, fields, made, names, red, snapshot, under_way

from promptkit.errors import LineageError, StepNotFound
from promptkit.images.picture import Picture
from promptkit.lineage.layout import frame
from promptkit.lineage.tree import Lineage


@pytest.fixture
def lineage(tmp_path: Path) -> Lineage:
    return Lineage(tmp_path / "bear")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_folder_is_made_by_the_first_step(lineage: Lineage) -> None:
    """Opening, looking and asking for what is not there make nothing on disk; the first step makes the folder."""
    assert (lineage.records(), lineage.count(), lineage.tags(), lineage.head(), lineage.verify()) == ((), 0, {}, (None, ()), [])
    with pytest.raises(StepNotFound):
        lineage.find(1)
    assert not lineage.folder.exists()
    lineage.begin("edit", fields())
    assert (lineage.folder / "promptkit.json").is_file()


def test_a_folder_looks_as_the_design_says(lineage: Lineage) -> None:
    """Records and pictures are named by number, slug and their own sha256; a failed step has a record and no picture."""
    lineage.create()
    source = Picture(png("blue"))
    lineage.keep_source(source)
    extra = lineage.keep_extra(b"a turn")
    entry = {"role": "reference", "sha256": source.sha256, "mime_type": "image/png", "file": lineage.source_name(source)}
    first = made(lineage, slug="sticker", sources=[entry])
    second = failed(lineage, parents=[first.id])
    lineage.set_tag("For the client!", first.id)
    lineage.set_head(first.id, [second.id])
    tag = hashlib.sha256(b"For the client!").hexdigest()[:8]
    assert [n for n in names(lineage.folder) if not n.startswith(".")] == sorted(
        [
            f"0001-sticker-{first.id[:10]}.json",
            f"0001-sticker-{red().sha256[:10]}.png",
            f"0002-edit-{second.id[:10]}.json",
            "extra",
            f"extra/{extra}",
            "head",
            "promptkit.json",
            "sources",
            f"sources/{source.sha256}.png",
            "tags",
            f"tags/for-the-client-{tag}.json",
        ]
    )
    assert (sha256(first.path), sha256(second.path)) == (first.id, second.id)
    assert first.pictures[0].data == red().data
    assert (lineage.folder / "head").read_text() == f"{first.id}\n{second.id}\n"
    assert json.loads((lineage.folder / "promptkit.json").read_text()) == {"layout": 1}


def test_a_new_folder_holds_its_frame_and_nothing_else(lineage: Lineage) -> None:
    """What every session's folder has is what a new one is made of, byte for byte."""
    lineage.create()
    assert {p.name: p.read_bytes() for p in lineage.folder.iterdir() if p.is_file()} == frame()


def test_git_is_told_to_keep_the_bytes(lineage: Lineage) -> None:
    """A session keeps git from touching line ends, and from taking in what is in flight."""
    made(lineage)
    assert (lineage.folder / ".gitattributes").read_text() == "* -text\n"
    assert (lineage.folder / ".gitignore").read_text() == ".open-*\n.tmp-*\n"


def test_files_for_git_that_were_there_are_kept(lineage: Lineage) -> None:
    """A session in a new git repository adds to its .gitignore and .gitattributes, and takes nothing out."""
    lineage.folder.mkdir()
    (lineage.folder / ".gitignore").write_text("*.pyc")
    (lineage.folder / ".gitattributes").write_text("* text=auto\n")
    made(lineage)
    assert (lineage.folder / ".gitignore").read_text() == "*.pyc\n.open-*\n.tmp-*\n"
    assert (lineage.folder / ".gitattributes").read_text() == "* text=auto\n* -text\n"


def test_a_git_clone_with_other_line_ends_is_whole(lineage: Lineage, tmp_path: Path) -> None:
    """A clone made with core.autocrlf=true verifies, and has nothing of a step in flight."""
    made(lineage, prompt={"text": "one\r\ntwo\n"})
    lineage.set_tag("first", lineage.find(1).id)
    answered(lineage)
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "core.autocrlf=true", "-c", "init.defaultBranch=main"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "a bear"]):
        subprocess.run([*git, *command], cwd=lineage.folder, check=True, capture_output=True)
    subprocess.run([*git, "clone", "-q", lineage.folder, tmp_path / "clone"], check=True, capture_output=True)
    clone = Lineage(tmp_path / "clone")
    assert clone.verify() == []
    assert clone.find("first").id == lineage.find(1).id
    assert not under_way(clone.folder)


def test_reading_writes_nothing(lineage: Lineage) -> None:
    """Opening and reading change no file and no time, also where a process left a step behind."""
    first = made(lineage)
    made(lineage, parents=[first.id])
    lineage.set_tag("one", first.id)
    claim = answered(lineage).claim
    edit_json(claim, process=2**22 + 1)
    before = snapshot(lineage.folder)
    again = Lineage(lineage.folder)
    assert again.count() == len(again.records()) == 2
    assert again.verify() == []
    assert again.find("one").pictures[0].data == red().data
    assert again.get(again.find(2).id) == again.children(first)[0]
    assert (again.head(), again.is_whole(first)) == ((None, ()), True)
    assert snapshot(lineage.folder) == before


def test_a_session_that_is_copied_while_it_is_written_opens(lineage: Lineage, tmp_path: Path) -> None:
    """A copy with half a record, half a picture and a temporary file opens, and has the rest."""
    first, second = made(lineage), made(lineage, Picture(png("green")))
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in filter(Path.is_file, lineage.folder.iterdir()):
        whole = path.read_bytes()
        (copy / path.name).write_bytes(whole[: len(whole) // 2] if path.name.startswith("0002") else whole)
    (copy / ".tmp-1-ab").write_bytes(b"half")
    opened = Lineage(copy)
    assert [r.id for r in opened.records()] == [first.id]
    assert [(p.step, p.path.name) for p in opened.verify()] == [(2, second.path.name)]


# What is no session


@pytest.mark.parametrize("hidden", [[], [".git", ".DS_Store"]], ids=["empty", "hidden entries only"])
def test_an_empty_folder_becomes_a_session(tmp_path: Path, hidden: list[str]) -> None:
    """An empty folder, or one with hidden entries only, is taken."""
    for name in hidden:
        (tmp_path / "bear" / name).mkdir(parents=True)
    assert made(Lineage(tmp_path / "bear")).number == 1


def _file(folder: Path) -> Path:
    folder.write_text("no folder")
    return folder


def _below_a_file(folder: Path) -> Path:
    return _file(folder) / "bear"


def _somebodys(folder: Path) -> Path:
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    return folder


def _newer(folder: Path) -> Path:
    made(Lineage(folder))
    edit_json(folder / "promptkit.json", layout=2)
    return folder


def _marker(text: str) -> Any:
    def make(folder: Path) -> Path:
        folder.mkdir()
        (folder / "promptkit.json").write_text(text)
        return folder

    return make


REFUSED_FOLDERS = [
    (_file, "Not a directory"),
    (_below_a_file, "Not a directory"),
    (_somebodys, "not a session and not empty (it holds 'notes.txt')"),
    (_newer, "has layout 2, and this promptkit knows 1"),
    (_marker("{"), "promptkit.json cannot be read"),
    (_marker("[]"), "promptkit.json cannot be read"),
    (_marker("[" * 100_000), "promptkit.json cannot be read"),
    (lambda folder: folder / "a\0b", "null"),
]


@pytest.mark.parametrize(("make", "said"), REFUSED_FOLDERS)
def test_what_is_no_session_is_refused(tmp_path: Path, make: Any, said: str) -> None:
    """A file, somebody's folder, a newer layout and a damaged marker are refused, with the path and the reason; nothing is changed."""
    folder = make(tmp_path / "bear")
    before = snapshot(tmp_path)
    with pytest.raises(LineageError, match=re.escape(said)) as caught:
        Lineage(folder)
    assert caught.value.path is not None
    assert "bear" in str(caught.value)
    assert snapshot(tmp_path) == before
