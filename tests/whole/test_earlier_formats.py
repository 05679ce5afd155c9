"""A lineage that an earlier release wrote (kept in tests/earlier) opens, is whole, and goes on."""

from __future__ import annotations

import hashlib
import json
import shutil

import pytest
from kit.places import TESTS

from promptkit import FunctionTransport, Session
from promptkit.providers.offline import service as offline

EARLIER = TESTS / "earlier"


@pytest.fixture
def bear() -> Session:
    """A copy of it, opened."""
    shutil.copytree(EARLIER, "bear")
    return Session("./bear", endpoint="google", transport=FunctionTransport(offline.answer))


def test_all_that_it_says_is_read(bear: Session) -> None:
    """Steps, outcomes, prompts with their templates, references, tags, head, what undo left, and costs are as they were written."""
    assert [(s.number, s.outcome) for s in bear] == [
        (1, "picture"),
        (2, "picture"),
        (3, "picture"),
        (4, "added"),
        (5, "picture"),
        (6, "refused"),
    ]
    fox, hat, scarf, _, both, refused = bear
    assert (fox.label, fox.meta) == ("the first", {"for": "a client"})
    assert (fox.prompt.template, fox.prompt.inputs) == ("sticker", {"subject": "red fox"})
    assert "A kawaii sticker of a red fox" in fox.prompt.text
    assert list(fox.prompt.files) == ["sticker.j2"]
    assert [a["outcome"] for a in scarf.attempts] == ["text", "picture"]
    assert (len(both.sources), both.parents) == (2, (fox,))
    assert refused.attempts[0]["message"] == "No."
    assert bear.tags == {"für die Kundin 熊": hat}
    assert (bear.head, bear.redo()) == (fox, both)
    assert bear.cost == pytest.approx(5 * 0.038703, abs=0.001)
    assert bear.verify() == []


def test_it_goes_on(bear: Session) -> None:
    """What is asked again is reused; a new edit continues it, and both are explained and checked together."""
    talking = Session("./bear", endpoint="google", transport=FunctionTransport(offline.answer), chain="chat")
    assert talking.edit("What would suit it", on=2).reused
    night = bear.edit("Make it night", on=2)
    assert (night.number, night.parents[0].number) == (7, 2)
    assert bear.explain(night).text()
    assert bear.verify() == []


def test_it_can_be_checked_without_promptkit() -> None:
    """Ids are the sha256 of the record files, pictures have the sha256 that the record names: sha256sum and a JSON reader are enough."""
    for path in EARLIER.glob("*.json"):
        if path.name == "promptkit.json":
            continue
        data = path.read_bytes()
        assert path.stem.endswith(hashlib.sha256(data).hexdigest()[:10])
        for output in json.loads(data)["outputs"]:
            assert hashlib.sha256((EARLIER / output["file"]).read_bytes()).hexdigest() == output["sha256"]
