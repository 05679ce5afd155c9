"""What the tests in a browser share: one browser for all of them, and a session with all that a page can show."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.browser import Tab, chromium
from kit.loopback import Loopback, picture_reply, png, text_reply

from promptkit import NoPicture, Session, templates

OpenTab = Callable[..., Tab]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture
def tab(browser: Any) -> Iterator[OpenTab]:
    """Makes tabs; when the test is over, none of them has asked for anything elsewhere, or has failed at anything."""
    made: list[Tab] = []

    def new(**settings: Any) -> Tab:
        made.append(Tab(browser, **settings))
        return made[-1]

    yield new
    asked, complaints = [url for each in made for url in each.asked_elsewhere], [said for each in made for said in each.complaints]
    for each in made:
        each.context.close()
    assert asked == []
    assert complaints == []


COLORS = ("red", "blue", "lime", "orange", "purple", "teal", "maroon", "navy")
NASTY = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \u202egnp.exe \u2028 {{7*7}} ${1} &amp;"


@pytest.fixture
def bear(service: Loopback) -> Session:
    """1 a bear from a template, 2 and 3 edits in a row, 4 a sibling of 2 that goes on to 5 (the head) and 6 (text only), 7 a root of
    hostile words, 8 in other scripts, 9 with a picture sent along.
    """
    pictures = (picture_reply(png(color, (400, 300)), text=f"Painted in {color}. {NASTY}") for color in COLORS)
    service.say(*(next(pictures) for _ in range(5)), text_reply(f"I would rather talk. {NASTY}"), *pictures)
    session = Session("./bear", endpoint=service.url, recover=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = session.generate(templates.sticker(subject="happy red panda", characteristics="a tiny bamboo hat"))
        two = one.edit("Put a small white alpaca beside it, facing it")
        two.edit("Put a small black alpaca beside it, facing it")
        four = one.edit("Make it night\n\nwith a moon", label="night")
        five = four.edit("Make it night\n\nwith a full moon and stars")
        with pytest.raises(NoPicture):
            four.edit("What would suit it?")
        session.generate(NASTY, label=NASTY, meta={NASTY: NASTY})
        session.generate("דוב אדום English 猫 " + "averyverylongword" * 20)
        session.edit("together", on=two, references=[one, png("black", (64, 64))])
        session.tag("for the client", two)
        session.tag("<u>", 7)
        session.goto(five)
    return session


@pytest.fixture
def page(bear: Session) -> Path:
    """Its page."""
    return bear.page()
