"""The gate before anything is sent: no way of asking sends a prompt that is not finished. Which are not is tests/prompts'."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from promptkit import PromptkitWarning, Session, SettingsError, templates
from promptkit.providers.offline import service
from promptkit.providers.transport import FunctionTransport

WAYS: dict[str, Callable[[Session, str], object]] = {
    "generate": lambda s, words: s.generate(words),
    "edit": lambda s, words: s.edit(words),
    "edit of a step": lambda s, words: s[1].edit(words),
    "vary": lambda s, words: s.vary(words, n=2),
    "again": lambda s, words: s.again(words),
    "squash": lambda s, words: s.squash(2, 3, prompt=words),
    "a template's input": lambda s, words: s.generate(templates.sticker(subject=words)),
    "words added to a prompt": lambda s, words: s.generate(templates.sticker(subject="fox") + words),
    "replay": lambda s, words: s.replay(Path(s.folder).with_name("again"), inputs={"subject": words}),
}


@pytest.fixture
def session(tmp_path: Path) -> Session:
    session = Session(tmp_path / "s", endpoint="offline")
    session.generate(templates.sticker(subject="panda"))
    session.edit("Make it night")
    session.edit("Add a lantern")
    return session


@pytest.mark.parametrize("way", WAYS)
def test_a_prompt_that_is_not_finished_is_refused_however_it_is_asked(session: Session, way: str) -> None:
    """What only a tool writes is refused with the piece named, nothing is asked or recorded, and the head stays."""
    before = (len(session), session.head)
    with pytest.raises(SettingsError, match=r"not finished, and was not sent: it holds '\{\{ mood \}\}'"):
        WAYS[way](session, "a {{ mood }} fox")
    assert (len(session), session.head) == before


@pytest.mark.parametrize("way", [way for way in WAYS if way != "replay"])
def test_half_a_character_is_refused_however_it_is_asked(session: Session, way: str) -> None:
    """Text that is no UTF-8 is refused, not repaired, and nothing is recorded."""
    before = len(session)
    with pytest.raises(SettingsError, match="no UTF-8 text"):
        WAYS[way](session, "a caf\udce9")
    assert len(session) == before


@pytest.mark.parametrize("way", WAYS)
def test_what_looks_unfinished_is_said_once_and_goes_out(session: Session, way: str) -> None:
    """One warning names the pieces, and the prompt goes out as it is."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        WAYS[way](session, "a [mood] fox")
        WAYS[way](session, "a [mood] fox")
    said = [str(one.message) for one in caught if issubclass(one.category, PromptkitWarning) and "[mood]" in str(one.message)]
    assert said == ["The prompt holds [mood], as places to fill in are written; it goes out as it is."]


def test_nothing_reaches_the_service(tmp_path: Path) -> None:
    """A prompt that is not finished is refused before anything is sent."""
    asked: list[object] = []
    session = Session(tmp_path / "s", transport=FunctionTransport(lambda request: (asked.append(request), service.answer(request))[1]))
    with pytest.raises(SettingsError, match="not finished"):
        session.generate("{% if x %}a fox{% endif %}")
    assert asked == []


def test_a_whole_character_in_two_halves_is_joined(tmp_path: Path) -> None:
    """A pair of UTF-16 is one character, and nothing is lost by saying so."""
    assert Session(tmp_path / "s", endpoint="offline").generate("a \ud83e\udd8a").prompt.text == "a 🦊"
