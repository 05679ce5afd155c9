"""A session to take along, painted once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from kit.loopback import png

from promptkit import Session, templates


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session with a branch, tags, templates, a picture from outside, and a step that is only a reference."""
    session = Session(tmp_path_factory.mktemp("painted") / "bear", endpoint="offline")
    panda = session.generate(templates.sticker(subject="happy red panda"), label="the first", meta={"client": "acme"})
    lamp = session.generate("a lamp")
    night = panda.edit("Make it night", references=[lamp, png("blue")])
    panda.edit("Make it day")
    session.tag("für später", session[4])
    session.tag("for the client", night)
    session.goto(night)
    return session.folder


@pytest.fixture
def bear(painted: Path) -> Session:
    """The same in the test's own folder."""
    return Session(shutil.copytree(painted, Path("bear")), endpoint="offline")
