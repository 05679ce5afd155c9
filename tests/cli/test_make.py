"""`promptkit make`: each operation from the command line, in its words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kit.config_file import write_config
from kit.loopback import png
from kit.shell import run
from PIL import Image

from promptkit import Session


@pytest.fixture(autouse=True)
def bear() -> Session:
    session = Session("./bear", endpoint="offline")
    session.add(png("red", (120, 80)))
    return session


def size(printed: str) -> tuple[int, int]:
    """Of the picture whose path was printed."""
    with Image.open(printed.strip()) as image:
        return image.size


@pytest.mark.parametrize(
    ("words", "wanted", "said"),
    [
        ("crop 20x30+10+5", (20, 30), "2 crop to 20x30+10+5"),
        ("crop 50%x50%+0%+0%", (60, 40), "2 crop to 50%x50%+0%+0%"),
        ("crop --ratio 4:5 --focus 10%,50%", (64, 80), "2 crop to 4:5 around 10 %, 50 %"),
        ("resize 60x40", (60, 40), "2 resize to 60×40 pixels"),
        ("resize --longest 60", (60, 40), "2 resize to 60 pixels on the longest side"),
        ("resize --scale 50%", (60, 40), "2 resize to 50 %"),
        ("resize 50x50 --stretch", (50, 50), "2 stretch to 50×50 pixels"),
        ("pad --ratio 1:1", (120, 120), "2 pad to 1:1, fill white"),
        ("pad --size 200x100 --fill transparent", (200, 100), "2 pad to 200×100, fill transparent"),
        ("convert webp --quality 80", (120, 80), "2 convert to webp, quality 80"),
    ],
)
def test_each_operation_prints_its_picture_and_says_what_it_did(words: str, wanted: tuple[int, int], said: str) -> None:
    """The path goes to stdout, the step to stderr; the same command again is the same step."""
    out, told = run("make", *words.split(), "-s", "./bear")
    assert (size(out), told) == (wanted, f"{said}\n")
    assert run("make", *words.split(), "-s", "./bear", "--on", 1) == (out, f"{said} (reused, nothing was sent)\n")


def test_it_goes_on_from_the_head_or_from_a_step_and_saves() -> None:
    """A label, another step, and a copy."""
    run("make", "crop", "20x30+10+5", "-s", "./bear")
    out, said = run("make", "resize", "--width", 60, "-s", "./bear", "--on", 1, "--label", "small", "-o", "small")
    assert (out, said) == ("small.png\n", "3 small\n")
    assert Session("./bear", endpoint="offline").head == Session("./bear", endpoint="offline")[3]


def test_channels_are_told_by_name_or_as_a_set() -> None:
    """Each is a step labelled by its channel, and a file where -o says how it is called."""
    out, said = run("make", "channels", "square=60x60", "wide=3:2", "-s", "./bear", "--type", "jpeg", "-o", "out-{label}")
    assert out.split() == ["out-square.jpg", "out-wide.jpg"]
    assert said == "2 square\n3 wide\n"
    write_config('[channels.social]\nicon = "32x32"\n')
    out, said = run("make", "channels", "social", "-s", "./bear", "--fit", "pad")
    assert (size(out), said) == ((32, 32), "4 icon\n")


def test_as_json_each_step_is_an_object() -> None:
    """With the operation and its numbers as columns."""
    out, _ = run("make", "channels", "square=60x60", "tiny=8x8", "-s", "./bear", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [(row["made"], row["made.channel"], row["made.size"]) for row in rows] == [
        ("channel", "square", [60, 60]),
        ("channel", "tiny", [8, 8]),
    ]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("crop", 1, "a BOX, or --ratio 4:5"),
        ("crop 1x1+0+0 --ratio 1:1", 1, "a BOX, or --ratio 4:5"),
        ("pad", 1, "--ratio 16:9, or --size 1920x1080"),
        ("crop 1x1+0+0 --focus top", 1, "--focus goes with --ratio"),
        ("crop 500x500+0+0", 1, "120×80 pixels"),
        ("resize", 1, "--width and --height (or one of them), --longest, --scale"),
        ("resize 50x50", 1, "or --stretch."),
        ("pad --size 10x10", 1, "`promptkit make channels` makes it fit"),
        ("convert png --quality 5", 1, "leave --quality out"),
        ("convert gif", 1, "type is one of png, jpeg, webp, avif"),
        ("convert webp --max-bytes 3", 1, "max_bytes is 3"),
        ("channels tall", 1, "There is no set of channels 'tall'"),
        ("channels a=1:1 b", 2, "'b' is no channel"),
        ("channels a=1:1 a=2:1", 2, "a channel is named twice"),
        ("channels a=1:1 b=2:1 -o out.png", 2, "-o needs {label}"),
        ("channels a=tall", 1, "The channel 'a': A channel has a ratio"),
        ("channels a=1:1 --fit pad --focus top", 1, "--fit pad keeps all of the picture"),
        ("blur", 2, "there is no 'blur' to do; known are crop, resize, pad, convert, channels"),
        ("corp --ratio 1:1", 2, "did you mean 'crop'?"),
        ("", 2, "name what to do: crop, resize"),
    ],
)
def test_what_is_wrong_is_said_in_the_shells_words(words: str, code: int, said: str) -> None:
    """One line, and nothing is recorded."""
    _, told = run("make", *words.split(), "-s", "./bear", code=code)
    assert said in told
    assert len(Session("./bear", endpoint="offline")) == 1


def test_a_session_that_is_not_there_is_named() -> None:
    """As for every command that goes on from a step; nothing is made on disk."""
    _, said = run("make", "crop", "--ratio", "1:1", "-s", "./cup", code=1)
    assert "There is no session './cup'" in said
    assert not Path("cup").exists()


def test_a_picture_that_was_made_here_tells_so_itself() -> None:
    """With its lineage inside: what was done stands there, also where the step has a label."""
    run("make", "crop", "--ratio", "1:1", "-s", "./bear", "--label", "square")
    run("save", "-s", "./bear", "-o", "square.png", "--embed")
    assert "made here  crop to 1:1, box 20, 0, 100, 80" in run("embedded", "square.png")[0]
