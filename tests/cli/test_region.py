"""`--region` of edit and vary: a box or a mask's file, as it is typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.pictures import encoded, scene
from kit.shell import run
from kit.stills import refused
from PIL import Image

from promptkit import Session


@pytest.fixture(autouse=True)
def cup() -> None:
    """A session with a picture of one's own, and a mask of its size."""
    Session("./cup", endpoint="offline").add(encoded(scene((256, 192))))
    mask = Image.new("L", (256, 192))
    mask.paste(255, (60, 60, 120, 120))
    mask.save("mask.png")


@pytest.mark.parametrize(
    ("region", "box"), [("100x80+60+50", (60, 50, 160, 130)), ("50%x50%+25%+25%", (64, 48, 192, 144)), ("mask.png", (60, 60, 120, 120))]
)
def test_a_region_is_a_box_or_a_file(region: str, box: tuple[int, int, int, int]) -> None:
    """In pixels, in %, or what is white in a picture; edit and vary take it, and show tells it."""
    run("edit", "-s", "./cup", "-e", "offline", "--region", region, "Make it red")
    run("vary", "-s", "./cup", "-e", "offline", "--on", "1", "-n", "1", "--region", region, "Make it blue")
    assert [s.region and s.region.box for s in Session("./cup")] == [None, box, box]
    assert "  region     " in run("show", "./cup")[0]


@pytest.mark.parametrize("region", ["200x260", "lost.png", "5x5", "0x5+1+1", ""])
def test_what_is_no_region_is_told_in_the_shells_words(region: str) -> None:
    """One line says what is expected, as one types it."""
    said = run("edit", "-s", "./cup", "-e", "offline", "--region", region, "Make it red", code=1)[1]
    assert "expected WIDTHxHEIGHT+LEFT+TOP in pixels, such as 200x260+300+420, or all in %, or the file of a mask." in said
    assert len(said.splitlines()) == 1


def test_a_file_that_cannot_be_cut_is_not_added() -> None:
    """It is named for what it is, and the session stays as it was."""
    Path("inks.jpg").write_bytes(refused()["CMYK"][0].data)
    said = run("edit", "-s", "./cup", "-e", "offline", "--on", "inks.jpg", "--region", "20x20+5+5", "Make it red", code=1)[1]
    assert "CMYK, four inks" in said
    assert len(Session("./cup")) == 1


def test_the_generate_command_has_no_region() -> None:
    """A new root has no picture to cut from."""
    assert "--region" in run("generate", "-s", "./cup", "--region", "1x1+0+0", "a cup", code=2)[1]
