"""A real browser: Debian's chromium driven by Playwright, and what a page did in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
WIDE, NARROW = {"width": 1280, "height": 820}, {"width": 360, "height": 740}

# The promise is held, or it may be collected; only words come back, for elements cost minutes.
RUN_AXE = """window.found = axe.run({resultTypes: ['violations']}).then(
    result => result.violations.map(each => `${each.id}: ${each.nodes.slice(0, 3).map(node => node.html.slice(0, 120)).join(' ')}`)
)"""


@contextmanager
def chromium() -> Iterator[Any]:
    """Playwright's browser; the test skips where there is none."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("there is no chromium here; `apt-get install chromium` brings one")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed; the extra `browser` brings it")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


class Tab:
    """One page in a browser of its own settings, and what it asked for, said and failed at."""

    def __init__(self, browser: Any, **settings: Any) -> None:
        self.context = browser.new_context(**{"viewport": WIDE, "color_scheme": "light", **settings})
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", self._dialog)

    def _dialog(self, dialog: Any) -> None:
        self.complaints.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def open(self, path: Path, hash_: str = "") -> Any:
        """Opens a file, at a place in it."""
        self.page.goto(path.resolve().as_uri() + hash_)
        return self.page

    @property
    def asked_elsewhere(self) -> list[str]:
        """What it asked for that is not in its own file."""
        return [url for url in self.requests if not url.startswith(("file:", "data:"))]

    def width_needed(self) -> int:
        """How wide its content is, in pixels."""
        return int(self.page.evaluate("document.documentElement.scrollWidth"))

    def violations(self) -> list[str]:
        """What axe-core finds, each by its rule and the elements."""
        self.page.evaluate(f"() => {{{_axe()}}}")  # as a function, which returns nothing
        return list(self.page.evaluate(RUN_AXE))


@cache
def _axe() -> str:
    """axe-core's own script."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
