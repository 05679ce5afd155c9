"""Tuples and dicts that show themselves."""

from __future__ import annotations

import copy
import pickle

import pytest
from kit.loopback import Loopback, picture_reply, png, text_reply
from kit.views import Page

from promptkit import NoPicture, Session
from promptkit.session.listings import Attempts


@pytest.fixture
def bear() -> Session:
    """A bear with a tag and a reference; the head's step went along with it."""
    session = Session("./bear", endpoint="offline")
    root = session.generate("a <b>bear</b>")
    session.tag("the <i>first</i>", root)
    session.reference("hat", root, description="a straw hat")
    root.edit("add a hat", references=["hat"])
    return session


def shown(value: object) -> Page:
    return Page(value._repr_mimebundle_()["text/html"])  # type: ignore[attr-defined]


def test_attempts_tell_what_came_of_each(service: Loopback) -> None:
    """Printed and in a notebook each attempt is told: its outcome, what the model said, and how it was asked where that differs."""
    service.say(text_reply("what do you <mean>?"), picture_reply(png()))
    step = Session("./bear", endpoint=service.url).generate("a bear")
    told = str(step.attempts)
    assert told.splitlines()[0].split(": ")[1].startswith("text")
    assert "what do you <mean>?" in told
    page = shown(step.attempts)
    assert "what do you <mean>?" in page.text
    assert "mean" not in page.tags
    assert step.attempts._repr_mimebundle_()["text/plain"] == told


def test_attempts_are_a_tuple(service: Loopback) -> None:
    """They are equal to a plain tuple, go through copy and pickle, and show themselves afterwards as before."""
    service.always = text_reply("no")
    with pytest.raises(NoPicture) as caught:
        Session("./bear", endpoint=service.url, recover=1).generate("a bear")
    attempts = caught.value.step.attempts
    assert isinstance(attempts, tuple)
    assert attempts == caught.value.step.record.attempts
    assert len(attempts) == 2
    for other in (copy.copy(attempts), pickle.loads(pickle.dumps(attempts))):
        assert isinstance(other, Attempts)
        assert (other, str(other)) == (attempts, str(attempts))


def test_pictures_stand_side_by_side(bear: Session) -> None:
    """What came out and what went in are rows of pictures in a notebook, and printed one a line."""
    assert len(shown(bear[2].sources).loaded) == len(bear[2].sources) == 2
    assert str(bear[2].pictures) == repr(bear[2].picture)
    assert bear[2].pictures == (bear[2].picture,)


def test_tags_are_pictures_with_names(bear: Session) -> None:
    """Tags show their steps in a notebook, and are a dict as before; a name is text, whatever is in it."""
    page = shown(bear.tags)
    assert "[the <i>first</i>]" in page.text
    assert "i" not in page.tags
    assert len(page.loaded) == 1
    assert bear.tags == {"the <i>first</i>": bear[1]}
    assert str(bear.tags).startswith("the <i>first</i>: <Step 1 ")


def test_references_are_a_table(bear: Session) -> None:
    """Named references show name, description and steps."""
    assert "a straw hat (step 1)" in shown(bear.references).text
    assert str(bear.references) == "hat: a straw hat (step 1)"


def test_nothing_shows_itself_as_python_writes_it() -> None:
    """An empty one is (), or {}, in a notebook too."""
    session = Session("./bear", endpoint="offline")
    assert session.tags._repr_mimebundle_() == {"text/plain": "{}"}
    assert session.references._repr_mimebundle_() == {"text/plain": "{}"}
    step = session.add(png())
    assert step.attempts._repr_mimebundle_() == {"text/plain": "()"}
    assert str(step.sources) == "()"
