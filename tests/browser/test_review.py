"""The page for readers in a browser: choosing by pointer, by touch and by keys on a phone, and what is sent back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kit.browser import NARROW, WIDE, Tab
from kit.loopback import png

from promptkit import Session
from promptkit.views.page_words import page_languages

pytestmark = [pytest.mark.browser, pytest.mark.slow]

OpenTab = Callable[..., Tab]
HOSTILE = "</script><img src=x onerror=alert(1)> \u202e {x} ${1} &amp; " + "averyverylongword" * 12


@pytest.fixture
def fox() -> Session:
    """Five pictures, the last of which has a hostile label and is tall."""
    fox = Session("./fox", endpoint="offline")
    for i, color in enumerate(("red", "blue", "lime", "orange")):
        fox.add(png(color, (400, 300)), label=f"label {i + 1}")
    fox.add(png("teal", (300, 900)), label=HOSTILE)
    return fox


@pytest.fixture
def review(fox: Session) -> Path:
    return fox.page(review=True)


def press(page: Any, name: str, **more: Any) -> None:
    page.get_by_role("button", name=name, exact=True, **more).click()


def text_of(page: Any) -> list[str]:
    """The lines that would be sent, without the first."""
    page.locator(".bar").get_by_role("button", name="Send").click()
    field = page.locator("textarea")
    return str(field.input_value()).splitlines()[1:] if field.count() else []


def draw(page: Any, box: tuple[float, float, float, float]) -> None:
    """Draws a box over the picture: left, top, right and bottom as parts of it."""
    at = page.locator(".board").bounding_box()
    left, top, right, bottom = box
    page.mouse.move(at["x"] + left * at["width"], at["y"] + top * at["height"])
    page.mouse.down()
    page.mouse.move(at["x"] + right * at["width"], at["y"] + bottom * at["height"], steps=4)
    page.mouse.up()


def test_one_by_one_with_a_verdict_stars_a_word_and_a_box(tab: OpenTab, review: Path) -> None:
    """What is said of each picture is a line of the text; pressing again takes it back; what was said is there when one comes back."""
    page = tab(viewport=NARROW).open(review)
    press(page, "Keep")
    press(page, "Stars: 4")
    page.get_by_label("What should be different?").fill("bluer")
    press(page, "Next")
    press(page, "Reject")
    press(page, "Draw a box")
    draw(page, (0.25, 0.5, 0.75, 1))
    press(page, "Next")
    press(page, "Keep")
    press(page, "Keep")
    assert page.locator(".top .quiet").inner_text() == "Judged: 2 of 5"
    press(page, "Previous")
    assert page.get_by_role("button", name="Reject").get_attribute("aria-pressed") == "true"
    assert page.locator(".board .box").is_visible()
    lines = text_of(page)
    assert lines[0] == "1 keep ★★★★ bluer"
    assert lines[2] == "3 none"
    verdict, box = lines[1].removeprefix("2 ").split()
    assert verdict == "reject"
    width, height, left, top = map(int, box.replace("x", "+").split("+"))
    assert abs(width - 200) < 4 > abs(height - 150)
    assert abs(left - 100) < 4 > abs(top - 150)


def test_two_at_a_time(tab: OpenTab, review: Path) -> None:
    """Left, right or neither; the odd one stands alone; those that were kept can be compared again, until one is left."""
    page = tab(viewport=NARROW).open(review)
    press(page, "Two at a time")
    assert page.locator(".pair figure").count() == 2
    page.get_by_role("button", name="Left: 1 label 1").click()
    page.get_by_role("button", name="Neither").click()
    page.get_by_role("button", name="Keep: 5").click()
    assert page.locator(".over p").first.inner_text() == "All were compared. Kept: 2"
    press(page, "Compare those kept")
    page.get_by_role("button", name="Right: 5").click()
    assert page.locator(".over p").first.inner_text() == "All were compared. Kept: 1"
    assert text_of(page) == ["1 reject", "2 reject", "3 reject", "4 reject", "5 keep"]


def test_all_of_it_works_by_keys(tab: OpenTab, review: Path) -> None:
    """Tab reaches all, the focus stays where one is, arrows draw a box, and what happened is read out."""
    page = tab().open(review)
    page.get_by_role("button", name="Keep").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "Keep"
    assert page.locator("#app > .unseen").inner_text() == "1: Keep"
    page.get_by_role("button", name="Draw a box").focus()
    page.keyboard.press("Enter")
    page.locator(".board").focus()
    for key in ("ArrowRight", "ArrowLeft", "Shift+ArrowRight", "Shift+ArrowDown", "ArrowUp"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.className") == "board drawing"
    assert page.locator("#app > .unseen").inner_text() == "208x158+92+67"
    page.get_by_role("button", name="Next").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "Next"
    assert text_of(page) == ["1 keep 208x158+92+67"]


def test_the_file_and_the_text_are_taken_in_as_the_same_marks(tab: OpenTab, fox: Session, review: Path, tmp_path: Path) -> None:
    """The name is said once, and stays when the page is opened again; what both say counts once."""
    own = tab(accept_downloads=True)
    page = own.open(review)
    press(page, "Keep")
    press(page, "Stars: 5")
    page.get_by_label("What should be different?").fill("keep the 猫 \u0639")
    press(page, "Draw a box")
    draw(page, (0.1, 0.1, 0.5, 0.5))
    press(page, "Send")
    page.get_by_label("Your name").fill(" Ann  Bär ")
    page.reload()
    press(page, "Send")
    with page.expect_download() as saved:
        press(page, "Save as a file")
    assert saved.value.suggested_filename == "marks-Ann-Bär.json"
    saved.value.save_as(tmp_path / "sent.json")
    assert json.loads((tmp_path / "sent.json").read_text("utf-8"))["schema"] == "promptkit-marks/1"
    (mark,) = fox.import_marks(tmp_path / "sent.json")
    assert (mark.number, mark.verdict, mark.stars, mark.note, mark.by) == (1, "keep", 5, "keep the 猫 \u0639", "Ann Bär")
    assert mark.region
    assert fox.import_marks(page.locator("textarea").input_value()) == ()
    own.requests = [url for url in own.requests if not url.startswith("blob:file:")]  # what it saved


def test_the_text_is_copied(tab: OpenTab, review: Path) -> None:
    """Also where a page has no clipboard of its own, as one that was opened from a mail."""
    page = tab(permissions=["clipboard-read", "clipboard-write"]).open(review)
    press(page, "Reject")
    press(page, "Send")
    press(page, "Copy the text")
    page.wait_for_function("document.querySelector('#app > .unseen').textContent === 'Copied'")
    assert page.evaluate("navigator.clipboard.readText()").splitlines()[1] == "1 reject"


def test_nothing_is_sent_before_something_is_chosen(tab: OpenTab, review: Path) -> None:
    """The buttons say so, and looking alone is no mark."""
    page = tab().open(review)
    press(page, "Next")
    assert text_of(page) == []
    assert page.get_by_role("button", name="Save as a file").is_disabled()


def test_without_a_script_it_is_a_list(tab: OpenTab, review: Path) -> None:
    """All pictures with their numbers, and how to answer."""
    page = tab(java_script_enabled=False, viewport=NARROW).open(review)
    assert page.locator("#list img:visible").count() == 5
    assert "3 keep ★★★★ bluer" in page.locator(".answer").inner_text()


@pytest.mark.parametrize("viewport", [NARROW, WIDE], ids=["phone", "desk"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(tab: OpenTab, review: Path, viewport: dict[str, int], scheme: str) -> None:
    """axe-core finds nothing in any view, and nothing scrolls sideways, whatever a label holds."""
    own = tab(viewport=viewport, color_scheme=scheme)
    page = own.open(review)
    for _ in range(4):
        press(page, "Next")
    press(page, "Draw a box")
    page.locator(".board").focus()
    page.keyboard.press("ArrowDown")
    found = own.violations()
    for view in ("Two at a time", "All", "Send"):
        assert own.width_needed() <= viewport["width"]
        press(page, view)
        found += own.violations()
    assert own.width_needed() <= viewport["width"]
    assert found == []


@pytest.mark.parametrize("lang", page_languages())
def test_it_speaks_each_language(tab: OpenTab, fox: Session, lang: str) -> None:
    """All views in the words of the language, with nothing left to fill in; no request leaves the page."""
    own = tab(viewport=NARROW)
    page = own.open(fox.page(f"{lang}.html", review=True, lang=lang))
    tabs = page.locator(".bar button")
    for i in range(4):
        tabs.nth(i).click()
        assert not re.search(r"\{(n|all|name)\}", page.locator("#app").inner_text())
        assert own.width_needed() <= 360
