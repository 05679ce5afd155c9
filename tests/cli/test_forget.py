"""forget in the shell: how steps are named, what is printed, and what log, page, sheet and verify show afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.pictures import encoded, with_box
from kit.shell import run
from kit.steps import made
from PIL import Image

from promptkit import Picture, Session, find, which
from promptkit.lineage.tree import Lineage


def with_spot(color: str) -> Picture:
    return encoded(with_box(Image.new("RGB", (64, 64), color), (8, 8, 30, 40), "orange"))


@pytest.fixture
def bear() -> Session:
    """Six steps in a row, the third tagged."""
    lineage = Lineage(Path("bear"))
    parents: list[str] = []
    for color in ("red", "green", "blue", "black", "white", "gray"):
        parents = [made(lineage, with_spot(color), parents=parents, prompt={"text": f"a {color} bear"}).id]
    session = Session("./bear")
    session.tag("3-4, old", 3)
    session.tag("best", 5)
    return session


def forgotten(session: Session) -> list[int]:
    return [s.number for s in session.steps if s.record.forgotten]


@pytest.mark.parametrize(
    ("named", "numbers"),
    [
        (["3"], [3]),
        (["2-4"], [2, 3, 4]),
        (["1,3,5"], [1, 3, 5]),
        (["1-2,4", "best"], [1, 2, 4, 5]),
        (["3-4, old"], [3]),
        (["2-2", "2"], [2]),
    ],
)
def test_steps_are_named_as_people_write_them(bear: Session, named: list[str], numbers: list[int]) -> None:
    """Numbers, ranges, lists, tags (of which the whole word goes first), each once."""
    out, said = run("forget", "-s", "./bear", *named)
    assert forgotten(Session("./bear")) == numbers
    assert len(out.splitlines()) == len(numbers)
    assert said.startswith(f"step{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))} w")


@pytest.mark.parametrize("named", [["9"], ["1-9"], ["1,9"], ["4-2"], ["worst"], ["1", "worst"]])
def test_a_step_that_is_not_there_forgets_none(bear: Session, named: list[str]) -> None:
    """One word that names no step, and nothing at all goes."""
    run("forget", "-s", "./bear", *named, code=1)
    assert forgotten(bear) == []


def test_a_command_without_steps_is_wrong(bear: Session) -> None:
    """Nothing is forgotten without being named."""
    run("forget", "-s", "./bear", code=2)
    assert forgotten(bear) == []


def test_a_dry_run_lists_files_and_bytes(bear: Session) -> None:
    """It prints what would go, and deletes nothing."""
    out, said = run("forget", "-s", "./bear", "1-2", "--dry-run")
    assert out.split() == [s.files[0].name for s in bear.steps[:2]]
    assert f"steps 1, 2 would be forgotten: 2 files, {sum(s.files[0].stat().st_size for s in bear.steps[:2])} bytes" in said
    assert forgotten(bear) == []


def test_words_go_with_their_flag(bear: Session) -> None:
    """--words takes prompt and reply away; the tree keeps its shape."""
    run("forget", "-s", "./bear", "2", "--words")
    assert "↓ 2 forgotten\n" in run("log", "-s", "./bear")[0]
    assert b"a green bear" not in b"".join(p.read_bytes() for p in Path("bear").iterdir() if p.is_file())


def test_it_is_shown_as_an_empty_frame(bear: Session) -> None:
    """log, show, page, contact sheet, card and tree say forgotten, and verify counts it without failing."""
    run("forget", "-s", "./bear", "2")
    assert "↓ 2 a green bear (forgotten)\n" in run("log", "-s", "./bear")[0]
    assert "2 edit from 1: picture, forgotten" in run("show", "-s", "./bear", "3")[0]
    page = Path(run("page", "-s", "./bear", "-o", "page.html")[0].strip()).read_text(encoding="utf-8")
    assert page.count('aria-label="forgotten"') == 1
    assert 'src="data:,"' not in page
    run("page", "-s", "./bear", "-o", "sheet.png")
    step = Session("./bear")[2]
    for shown in (step, Session("./bear")):
        assert 'aria-label="forgotten"' in shown._repr_mimebundle_()["text/html"]
    out, said = run("verify", "-s", "./bear")
    assert out.startswith("step 2: 0002-edit-")
    assert "forgotten on 20" in out
    assert said == "all files are as they were recorded; 1 forgotten\n"
    assert run("goto", "-s", "./bear", "2") == ("", "2 a green bear (forgotten) (offline draft)\n")


def test_damage_beside_it_still_fails(bear: Session) -> None:
    """Where a picture is missing that nobody forgot, verify ends with 1."""
    run("forget", "-s", "./bear", "2")
    bear[3].files[0].unlink()
    assert run("verify", "-s", "./bear", code=1)[1] == "1 problem; 1 forgotten\n"


def test_searches_do_not_find_it(bear: Session) -> None:
    """Neither by its words nor by its bytes."""
    data = bear[2].picture.data
    assert (len(find("green bear", ".")), len(which(data, "."))) == (1, 1)
    run("forget", "-s", "./bear", "2")
    assert len(find("green bear", ".")) == 0
    assert 2 not in [match.step.number for match in which(data, ".")]
