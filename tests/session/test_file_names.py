"""File names by pattern: what stands for a field is safe on every system, and an unknown one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.shell import run as shell

from promptkit import PictureError, Session, templates
from promptkit.session.file_names import FIELDS, check_pattern, filled, safe_name


@pytest.fixture
def bear() -> Session:
    session = Session("./bear", endpoint="offline")
    session.generate(templates.sticker(subject="bear"), label="for: the / client?")
    return session


def test_a_picture_is_saved_under_a_name_of_its_own(bear: Session) -> None:
    """From a session and a step, with the right suffix added; folders on the way are made."""
    assert bear.head is not None
    assert bear.save("{session}-{number}-{label}.png") == Path("bear-1-for- the - client-.png")
    assert bear.head.save("out/{template}/{number:03}") == Path("out/sticker/001.png")
    assert bear.head.save(Path("{id}.png")).name == f"{bear.head.id[:10]}.png"
    assert bear.save("{endpoint}-{take}-{date}.png").suffix == ".png"
    assert bear.save("{model}") == Path("gemini-2.5-flash-image.png")


def test_every_field_has_a_value(bear: Session) -> None:
    """All that are named in the error can be used."""
    for name in FIELDS:
        assert bear.save(f"x-{{{name}}}-y.png").is_file()


def test_an_empty_field_leaves_no_separators(bear: Session) -> None:
    """A step without a label is saved without the dash before it."""
    assert bear.head is not None
    bear.head.edit("Make it night.")
    assert bear.save("{session}-{number}-{label}.png") == Path("bear-2.png")
    assert bear.save("{label}-{number}.png") == Path("2.png")
    assert bear.save("out/{label}.png") == Path("out/picture.png")


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("{nubmer}.png", r"unknown field {nubmer} \(did you mean 'number'\?\); known are session, number"),
        ("{}.png", "unknown field {}"),
        ("{number!r}.png", "unknown field"),
        ("{number.real}.png", "unknown field"),
        ("{number[0]}.png", "unknown field"),
        ("{number.png", "brace that stands alone"),
        ("number}.png", "brace that stands alone"),
        ("{number:x!}.png", "width"),
    ],
)
def test_an_unknown_field_is_refused_and_nothing_is_written(bear: Session, pattern: str, said: str) -> None:
    """With those that are known; a field reaches into no object."""
    before = set(Path().rglob("*"))
    with pytest.raises(PictureError, match=said):
        bear.save(pattern)
    assert set(Path().rglob("*")) == before


def test_doubled_braces_are_braces(bear: Session) -> None:
    """A name may have some."""
    assert bear.save("{{{number}}}.png") == Path("{1}.png")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a/b\\c:d", "a-b-c-d"),
        ("../../etc", "-..-etc"),
        ("CON", "CON_"),
        ("nul.txt", "nul.txt_"),
        ("  spaces \t and\nlines  ", "spaces and lines"),
        ("dots...", "dots"),
        ("cafe\u0301", "caf\u00e9"),
        ("\u202eevil\u0007", "evil"),
        ("熊猫", "熊猫"),
        ("", ""),
        ("?", "-"),
    ],
)
def test_values_are_safe_in_names(text: str, name: str) -> None:
    """No separators, no control or direction characters, none of Windows's own names."""
    assert safe_name(text) == name


def test_long_values_fit_into_a_name() -> None:
    """Whatever the script."""
    assert len(safe_name("猫" * 300).encode()) <= 180
    assert len(filled("{a}.png", {"a": "x" * 500}).name) < 100


def test_values_never_leave_the_folder() -> None:
    """A value with separators stays one name."""
    assert filled("out/{label}.png", {"label": "../../up"}).parent == Path("out")


def test_a_pattern_is_checked_before_anything_is_asked(bear: Session) -> None:
    """In the shell, too: an unknown field sends nothing."""
    _, said = shell("generate", "a fox", "-s", "./fox", "-e", "offline", "-o", "{lable}.png", code=1)
    assert "unknown field {lable} (did you mean 'label'?)" in said
    assert not Path("fox").exists()
    assert shell("generate", "a fox", "-s", "./fox", "-e", "offline", "-o", "{session}-{number}")[0] == "fox-1.png\n"
    assert shell("save", "-s", "./bear", "-o", "{session}.jpg")[0] == "bear.jpg\n"
    check_pattern("plain.png")
