"""The report of a run in a browser: its filter, a row's story, on a phone and to axe-core."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from kit.browser import NARROW, Tab
from kit.loopback import Loopback, error_reply, picture_reply
from kit.pictures import encoded, scene
from kit.tables import ANIMALS, done

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def report(service: Loopback, tmp_path: Path) -> Path:
    """Of four rows, one without a picture, and one whose name is long and from right to left."""
    service.say(error_reply(400, "no"), *(picture_reply(encoded(scene((640, side))).data) for side in (640, 320, 960)))
    rows = [*ANIMALS[:3], {"label": "قطة" + "averylongword" * 9, "subject": "cat"}]
    done(service, rows, tmp_path / "r", workers=1)
    return tmp_path / "r/report.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_has_no_violations(tab: Callable[..., Tab], report: Path, scheme: str) -> None:
    """With a story open, too."""
    opened = tab(viewport=NARROW, color_scheme=scheme)
    page = opened.open(report)
    assert opened.width_needed() <= NARROW["width"]
    page.locator("summary").nth(1).click()
    assert opened.width_needed() <= NARROW["width"]
    assert opened.violations() == []
    assert page.locator(".sheet img").first.evaluate("image => image.naturalWidth") > 0


def test_a_filter_shows_the_rows_of_one_outcome(tab: Callable[..., Tab], report: Path) -> None:
    """It says how many there are; the steps of a story are never filtered."""
    page = tab().open(report)
    page.get_by_role("button", name="picture (3)").click()
    assert page.locator("main > article:visible").count() == 3
    assert page.locator("[aria-live]").inner_text() == "3 rows shown"
    page.locator("main > article:visible summary").first.click()
    assert page.locator("article.step:visible").count() == 1
