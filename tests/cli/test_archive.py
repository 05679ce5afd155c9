"""export, import, save and embedded, run as a person runs them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from kit.loopback import png
from kit.shell import run, run_process
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from promptkit import Session, templates


@pytest.fixture
def bear() -> Session:
    """A small session with a branch, by name."""
    session = Session("bear", endpoint="offline")
    panda = session.generate(templates.sticker(subject="happy red panda"))
    panda.edit("Make it day")
    session.tag("night", panda.edit("Make it night"))
    return session


def test_a_session_travels(bear: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """export prints the file, import makes the session under its own name where it is not yet, with the same ids."""
    out, said = run("export", "-s", "bear", "-o", "bear.zip")
    assert (out.strip(), "trail of one step" in said) == ("bear.zip", True)
    monkeypatch.setenv("PROMPTKIT_HOME", str(tmp_path / "another home"))
    out, said = run("import", "bear.zip")
    assert "2 steps came; see them with promptkit log -s bear" in said
    there = Session("bear")
    assert Path(out.strip()) == there.folder
    assert there.folder != bear.folder
    assert [s.id for s in there] == [bear[1].id, bear[3].id]
    assert run("verify", "-s", "bear")[0] == ""


def test_a_session_that_is_there_is_merged_only_by_name(bear: Session) -> None:
    """An archive never gets mixed with a session that happens to have its name: -s says that it should, or names another."""
    run("export", "-s", "bear", "--step", "2")
    assert "already: -s bear merges" in run("import", "bear.zip", code=1)[1]
    assert "0 steps came to the 3 that were there" in run("import", "bear.zip", "-s", "bear")[1]
    assert "2 steps came;" in run("import", "bear.zip", "-s", "cub")[1]
    assert (len(Session("bear")), len(Session("cub"))) == (3, 2)


def test_all_and_strip(bear: Session) -> None:
    """--all takes every step; --strip says what stays in it; a file that is there is replaced only with --overwrite."""
    run("export", "-s", "bear", "--all", "-o", "x.zip")
    assert "is there already" in run("export", "-s", "bear", "--strip", "-o", "x.zip", code=1)[1]
    assert "may hold metadata" in run("export", "-s", "bear", "--all", "--strip", "-o", "x.zip", "--overwrite")[1]
    assert b"panda" not in Path("x.zip").read_bytes()
    assert run("export", "-s", "bear", "--strip")[0].strip() == "stripped.zip"  # a session's name may be a word to keep
    run("import", "x.zip")
    assert [s.prompt for s in Session("stripped")] == [None] * 3
    assert "--all" in run("export", "-s", "bear", "--all", "--step", "1", code=2)[1]
    assert "more than the 1,000" in run("import", "x.zip", "-s", "y", "--limit", "0.000001", code=1)[1]
    assert "no number of gigabytes" in run("import", "x.zip", "--limit", "much", code=2)[1]


def test_a_picture_travels_with_its_lineage(bear: Session) -> None:
    """save writes the picture of a step, --embed with its trail inside, which embedded prints in full."""
    assert run("save", "-s", "bear", "-o", "plain.png")[0].strip() == "plain.png"
    assert Path("plain.png").read_bytes() == bear.head.picture.data
    run("save", "-s", "bear", "night", "-o", "x", "--embed")
    out, said = run("embedded", "x.png")
    assert "\n  template   sticker (en), digest " in out
    assert "\n  inputs     subject='happy red panda'\n" in out
    assert str(bear[1].prompt) in out
    assert [line.split()[0] for line in out.splitlines() if not line.startswith(" ")] == ["1", "3"]
    assert "byte for byte the recorded one: step 3" in said
    assert "holds no lineage" in run("embedded", "plain.png", code=1)[1]
    assert "save it as x.png" in run("save", "-s", "bear", "-o", "x.jpg", "--embed", code=1)[1]


def test_what_other_tools_wrote_is_shown(bear: Session) -> None:
    """embedded prints what another tool wrote, its prompt first, in bounds; beside a lineage, where both are there."""
    info = PngInfo()
    info.add_text("parameters", "a red\x1b[2J fox\nSteps: 20, Seed: 7")
    info.add_text("workflow", '{"nodes": [' + "1, " * 5_000 + "1]}")
    Image.new("RGB", (64, 64), "red").save("theirs.png", pnginfo=info)
    out, said = run("embedded", "theirs.png")
    assert out.startswith("AUTOMATIC1111 (parameters), the prompt:\na red\N{REPLACEMENT CHARACTER}[2J fox\n\nthe whole field:\na red")
    assert "ComfyUI (workflow):\n{" in out
    assert "… (15,014 characters)" in out
    assert len(out) < 5_000
    assert "no lineage of promptkit's" in said
    first, second = map(json.loads, run_process("embedded", "theirs.png", "--json")[0].splitlines())
    assert (first["schema"], first["tool"], first["name"]) == ("promptkit.tool_metadata/1", "AUTOMATIC1111", "parameters")
    assert (first["prompt"], second["tool"], second["prompt"]) == ("a red\x1b[2J fox", "ComfyUI", None)
    Session("bear").add("theirs.png")
    run("save", "-s", "bear", "-o", "both.png", "--embed")
    out, said = run("embedded", "both.png")
    assert "AUTOMATIC1111 (parameters)" in out
    assert "byte for byte the recorded one" in said


def test_what_is_not_there_is_one_sentence(bear: Session) -> None:
    """A session, an archive and a picture that are not there end in one line on stderr, and make nothing."""
    Path("red.png").write_bytes(png())
    for line in ("export -s beer", "import nowhere.zip", "import red.png", "embedded nowhere.png", "save -s q -o x"):
        out, said = run(*line.split(), code=1)
        assert (out, said.count("\n"), said[:11]) == ("", 1, "promptkit: ")
    assert "did you mean 'bear'" in run("export", "-s", "beer", code=1)[1]
    shutil.copytree(bear.folder, bear.folder.parent / ".tmp-beer")  # an import under way
    assert "did you mean '.tmp-beer'" not in run("export", "-s", "tmp-beer", code=1)[1]
    assert [p.name for p in Path.cwd().iterdir()] == ["red.png"]


def test_what_a_stranger_wrote_does_not_drive_the_terminal(bear: Session) -> None:
    """Control characters of an embedded prompt are shown as signs that do nothing."""
    Session("bear", endpoint="offline").edit("a \x1b[2J cat")
    run("save", "-s", "bear", "-o", "x.png", "--embed")
    out, _ = run("embedded", "x.png")
    assert "\x1b" not in out
    assert "a \N{REPLACEMENT CHARACTER}[2J cat" in out
