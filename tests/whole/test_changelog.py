"""The CHANGELOG says of each release what a user must change, and what is asked again."""

from __future__ import annotations

import re

import pytest
from kit.places import ROOT

from promptkit import __version__

TEXT = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
RELEASES = re.findall(r"^## (\S+).*?$(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
HEADINGS = ["What you must change", "What is asked again", "What is new"]


def test_the_newest_release_is_this_one() -> None:
    """It begins with the release that is installed, and none is in it twice."""
    names = [name for name, _ in RELEASES]
    assert names[0] == __version__
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("name", "told"), RELEASES, ids=[name for name, _ in RELEASES])
def test_each_release_says_what_must_be_changed_and_what_is_asked_again(name: str, told: str) -> None:
    """Each has the same headings, in the same order, and something under each, "Nothing" at least."""
    before, *parts = re.split(r"^### ", told, flags=re.MULTILINE)
    assert before.strip() == ""
    assert [part.partition("\n")[0] for part in parts] == HEADINGS
    assert all(part.partition("\n")[2].strip() for part in parts)
