"""The commands over all sessions, through a parser as the command line has it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from promptkit import PictureError, Session, SettingsError, templates
from promptkit.cli.main import build_parser


def run(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> tuple[str, str]:
    """What the command prints on stdout and stderr; its exit status is checked."""
    options = build_parser("search").parse_args(list(map(str, arguments)))
    assert options.run(options) == code
    out, said = capsys.readouterr()
    return out, said


@pytest.fixture
def bear() -> Session:
    session = Session("bear", endpoint="offline")
    session.generate('a red panda, "naïve"').edit("add a hat")
    session.tag("for the client")
    return session


def test_sessions_prints_folders_and_says_what_they_are(bear: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """One folder for each session on stdout; its facts, and how long it took, on stderr."""
    out, said = run(capsys, "sessions")
    assert out == f"{bear.folder}\n"
    assert said.split()[:5] == ["bear", "2", "0.0000", "USD", said.split()[4]]
    assert "[for the client]  add a hat" in said
    assert "1 found; looked at 1 session, 2 steps in " in said
    Session("./other", endpoint="offline").generate("a fox")
    assert run(capsys, "sessions", ".")[0] == f"{Path.cwd() / 'other'}\n"


def test_find_prints_the_pictures(bear: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """The pictures of the steps that hold all the words, newest first; words in quotes are a phrase; --in names another folder."""
    out, said = run(capsys, "find", "PANDA", "naive")
    assert out == f"{bear[1].files[0]}\n"
    assert 'bear 1, prompt: a red panda, "naïve"' in said
    assert run(capsys, "find", "red panda", "--in", bear.folder)[0] == out
    assert run(capsys, "find", "panda red", code=1)[0] == ""
    said = run(capsys, "find", "panda", "--in", ".", code=1)[1]
    assert said.startswith(f"promptkit: looked in {Path.cwd()}; without a FOLDER: your data folder\n0 found; looked at no sessions")


def test_which_prints_where_the_picture_is(bear: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """The session's own file of a copy, by its bytes or its looks, the best first; exit 1 where there is none."""
    bear.save("copy.png")
    out, said = run(capsys, "which", "copy.png")
    assert out == f"{bear[2].files[0]}\n"
    assert said.startswith("bear 2, the very bytes: add a hat")
    bear[1].picture.image.convert("RGB").resize((300, 300)).save("small.jpg")
    out, said = run(capsys, "which", "small.jpg")
    assert out.splitlines()[0] == str(bear[1].files[0])
    assert "bear 1, the same picture, saved anew or made smaller: " in said
    assert "1 other looks similar; --similar lists it" in said
    assert run(capsys, "which", "small.jpg", "--similar")[0].splitlines() == [str(bear[n].files[0]) for n in (1, 2)]
    Image.radial_gradient("L").save("other.png")
    out, said = run(capsys, "which", "other.png", code=1)
    assert out == ""
    assert said.startswith(f"promptkit: looked in {bear.folder.parent}; --in . looks in the folder you are in\n0 found; ")


def test_which_finds_nothing_where_pictures_only_look_similar(capsys: pytest.CaptureFixture[str]) -> None:
    """Of another session's sticker of the same make: nothing on stdout, exit 1, and a line that says that --similar lists its like."""
    fox = Session("fox", endpoint="offline").generate(templates.sticker(subject="happy fox", characteristics="a tiny bamboo hat"))
    bear = Session("./bear", endpoint="offline").generate(templates.sticker(subject="happy bear", characteristics="a tiny bamboo hat"))
    bear.save("bear.png")
    out, said = run(capsys, "which", "bear.png", code=1)
    assert out == ""
    assert said.startswith("promptkit: none is the same picture; 1 looks similar: --similar lists it, the best is fox 1, looks similar (")
    out, said = run(capsys, "which", "bear.png", "--similar")
    assert out == f"{fox.files[0]}\n"
    assert "0 found, 1 similar; looked at" in said


def test_sessions_takes_a_folder_as_the_others_do(bear: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """`--in FOLDER` is the positional FOLDER; both at once are a wrong command line."""
    folder = bear.folder.parent
    assert run(capsys, "sessions", "--in", folder)[0] == run(capsys, "sessions", folder)[0] == f"{bear.folder}\n"
    assert f"looked in {folder}; --in . looks in the folder you are in" in run(capsys, "sessions")[1]
    with pytest.raises(SystemExit, match="2"):
        run(capsys, "sessions", folder, "--in", folder)


def test_what_could_not_be_read_is_said(bear: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """A damaged record is named after what was found, in one line whatever the folder is called."""
    other = bear.folder.with_name("red\x1b[31m\nfox")
    shutil.copytree(bear.folder, other)
    next(other.glob("0002-*.json")).write_bytes(b"{")
    bear.save("copy.png")
    for command in (("find", "panda"), ("which", "copy.png")):
        said = run(capsys, *command)[1].splitlines()
        assert [line for line in said if line.startswith("promptkit: red�[31m fox: 1 of its 2 records cannot be read")]
        assert all(line.startswith(("bear ", "red�[31m fox ", "promptkit: ")) for line in said[:-1])
    assert "\x1b" not in run(capsys, "sessions")[1]


def test_errors_are_promptkits(capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is no picture, a folder that is not there, no words: errors that the command line says in one line."""
    with pytest.raises(PictureError, match="nowhere"):
        run(capsys, "which", "nowhere.png")
    with pytest.raises(SettingsError, match="cannot be searched"):
        run(capsys, "sessions", "nowhere")
    with pytest.raises(SettingsError, match="no word"):
        run(capsys, "find", " ")
