"""The live page in a browser: marks and boxes are written at once, new steps appear by themselves, and its end is said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kit.browser import NARROW, WIDE, Tab
from kit.loopback import png

from promptkit import Session
from promptkit.session.live_page import LivePage

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def fox() -> Session:
    fox = Session("./fox", endpoint="offline")
    for color in ("red", "blue"):
        fox.add(png(color, (400, 300)))
    return fox


@pytest.fixture
def live(fox: Session) -> Iterator[LivePage]:
    with fox.page(serve=True) as live:
        yield live


@pytest.fixture
def own(browser: Any, live: LivePage) -> Iterator[Tab]:
    """A tab with the page; when the test is over it has asked nobody else."""
    tab = Tab(browser)
    tab.page.goto(live.url)
    yield tab
    tab.context.close()
    assert [url for url in tab.asked_elsewhere if not url.startswith(live.url)] == []
    assert [said for said in tab.complaints if "ERR_CONNECTION_REFUSED" not in said] == []


def hears(page: Any, text: str) -> None:
    """Waits until that is read out."""
    told = "document.querySelector('dialog[open] .said') ?? document.querySelector('#app > .unseen')"
    page.wait_for_function(f"text => ({told}).textContent.includes(text)", arg=text)


def test_marks_are_written_at_once(own: Tab, fox: Session) -> None:
    """Verdict, stars and a word, which the tree and the story show; the focus stays."""
    page = own.page
    page.get_by_role("button", name="Keep").focus()
    page.keyboard.press("Enter")
    hears(page, "Written: step 2, keep")
    assert page.evaluate("document.activeElement.textContent") == "Keep"
    page.get_by_role("button", name="Stars: 4").click()
    hears(page, "Written: step 2, keep ★★★★")
    page.get_by_label("What should be different?").fill("bluer")
    page.keyboard.press("Tab")
    hears(page, "bluer")
    assert [(mark.number, mark.text) for mark in fox.marks] == [(2, "keep ★★★★ bluer")]
    assert "keep ★★★★" in page.locator(".row[aria-selected=true] .chips").inner_text()
    page.get_by_role("button", name="Keep").click()
    hears(page, "Written: step 2, ★★★★ bluer")


def test_a_box_is_written(own: Tab, fox: Session) -> None:
    """As it was drawn, in the picture's own pixels."""
    page = own.page
    page.get_by_role("button", name="Draw a box").click()
    at = page.locator(".board").bounding_box()
    page.mouse.move(at["x"] + at["width"] / 4, at["y"] + at["height"] / 4)
    page.mouse.down()
    page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2, steps=3)
    page.mouse.up()
    page.get_by_role("button", name="Mark this box").click()
    hears(page, "Written: step 2")
    (mark,) = fox.marks
    assert mark.region
    assert all(abs(side - there) < 4 for side, there in zip(mark.region, (100, 75, 200, 150), strict=True))


def test_new_steps_appear_by_themselves(own: Tab, fox: Session) -> None:
    """The head is followed where it was looked at; what was folded or chosen stays where another step was."""
    page = own.page
    two = fox[2]
    two.edit("Add a hat")
    hears(page, "New steps: 3")
    assert page.locator("#story h2 a").inner_text() == "3"
    page.locator(".row", has_text="1").first.click()
    fox.add(png("lime"))
    hears(page, "New steps: 4")
    assert page.locator("#story h2 a").inner_text() == "1"
    assert page.locator(".row").count() == 4


def test_nothing_is_lost_while_one_writes(own: Tab, fox: Session) -> None:
    """A new step waits until the word is written."""
    page = own.page
    page.get_by_label("What should be different?").fill("half a w")
    fox.add(png("lime"))
    page.wait_for_timeout(2500)  # longer than the page waits between two questions
    assert page.get_by_label("What should be different?").input_value() == "half a w"
    assert page.locator(".row").count() == 2
    page.keyboard.press("Tab")
    page.locator(".row").nth(2).wait_for()
    assert [mark.note for mark in fox.marks] == ["half a w"]


def test_two_readers_see_each_others_marks(own: Tab, browser: Any, live: LivePage) -> None:
    """A second window shows what was marked in the first."""
    other = Tab(browser)
    other.page.goto(live.url)
    own.page.get_by_role("button", name="Reject").click()
    other.page.locator(".row .chip", has_text="reject").wait_for()
    assert other.complaints == []
    other.context.close()


def test_its_end_is_said(own: Tab, live: LivePage) -> None:
    """Nothing can be pressed that would write nothing."""
    live.close()
    own.page.locator(".top .over").wait_for()
    assert own.page.get_by_role("button", name="Keep").is_disabled()


@pytest.mark.parametrize("viewport", [NARROW, WIDE], ids=["phone", "desk"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(browser: Any, live: LivePage, viewport: dict[str, int], scheme: str) -> None:
    """axe-core finds nothing in what a live page has beside, and nothing scrolls sideways."""
    tab = Tab(browser, viewport=viewport, color_scheme=scheme)
    tab.page.goto(f"{live.url}#step-1")
    tab.page.locator(".marking").wait_for()
    assert [each for each in tab.violations() if "marking" in each or "star" in each] == []
    assert tab.width_needed() <= viewport["width"]
    tab.context.close()
