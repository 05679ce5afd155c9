"""No file of a person's own is replaced unasked."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.loopback import png
from kit.shell import run

from promptkit import PictureError, Session

MINE = b"mine"


@pytest.fixture
def bear() -> Session:
    session = Session("./bear", endpoint="offline")
    session.generate("a bear").edit("a hat")
    return session


@pytest.mark.parametrize(
    "command",
    [
        ("generate", "a fox", "-s", "./new", "-e", "offline", "-o", "mine.png"),
        ("generate", "a fox", "-s", "./new", "-e", "offline", "-o", "mine"),
        ("edit", "a scarf", "-s", "./bear", "-o", "mine.png"),
        ("edit", "a scarf", "-s", "./bear", "-o", "mine.jpg"),
        ("save", "-s", "./bear", "-o", "mine.png"),
        ("save", "-s", "./bear", "-o", "mine.png", "--embed"),
        ("export", "-s", "./bear", "-o", "mine.zip"),
        ("page", "-s", "./bear", "-o", "mine.html"),
        ("page", "-s", "./bear", "-o", "mine.png"),
    ],
)
def test_a_file_that_no_session_knows_stays(bear: Session, command: tuple[str, ...]) -> None:
    """It is said before anything is asked for, and --overwrite replaces it."""
    for suffix in ("png", "jpg", "zip", "html"):
        Path(f"mine.{suffix}").write_bytes(MINE)
    said = run(*command, code=1)[1]
    assert "is there already" in said
    assert "overwrite" in said
    assert {path.read_bytes() for path in Path.cwd().glob("mine*")} == {MINE}
    assert (len(bear), Path("new").exists()) == (2, False)
    run(*command, "--overwrite")
    assert {path.read_bytes() for path in Path.cwd().glob("mine*")} != {MINE}


def test_a_copy_of_what_a_session_holds_is_replaced(bear: Session) -> None:
    """The same command again, or for another step, needs no --overwrite; nor does a copy from a session beside it."""
    for step in ("1", "2", "2"):
        run("save", step, "-s", "./bear", "-o", "copy.png")
        run("save", step, "-s", "./bear", "-o", "in.png", "--embed")
    assert Path("copy.png").read_bytes() == bear[2].picture.data
    run("generate", "a fox", "-s", "./fox", "-e", "offline", "-o", "copy.png")
    assert Path("copy.png").read_bytes() == Session("./fox")[1].picture.data
    Path("own.png").write_bytes(png("green"))
    run("add", "own.png", "-s", "./bear")
    run("save", "1", "-s", "./bear", "-o", "own.png")
    for target in ("page.html", "sheet.png", "sheet.jpg"):
        run("page", "-s", "./bear", "-o", target)
        run("edit", f"for {target}", "-s", "./bear", "-e", "offline", "--on", 2)
        run("page", "-s", "./bear", "-o", target)
    Path("bear/page.html").write_bytes(b"an older one")
    run("page", "-s", "./bear")


def test_python_has_the_same_rule(bear: Session) -> None:
    """save of a picture, a step and a session."""
    Path("mine.png").write_bytes(MINE)
    for saves in (bear[1].picture.save, bear[1].save, bear.save):
        with pytest.raises(PictureError, match=r"mine\.png is there already, and no session knows it: .* overwrite=True"):
            saves("mine.png")
    assert bear.save("mine.png", overwrite=True).read_bytes() == bear[2].picture.data
    assert bear[1].picture.save("mine.png").read_bytes() == bear[1].picture.data
