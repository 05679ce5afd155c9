"""Cards in the programs that people run notebooks in: what a cell shows, seen in a browser."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
from kit.browser import Tab

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FIRST = 'from promptkit import Session\nbear = Session("./bear", endpoint="offline")\nbear.generate("a red fox <b>in snow</b>")'
SECOND = 'bear[1].edit("make it night")\nbear'
MARIMO = f"""
import marimo
app = marimo.App()

@app.cell
def _():
    {FIRST.replace(chr(10), chr(10) + "    ")}
    return (bear,)

@app.cell
def _(bear):
    {SECOND.replace(chr(10), chr(10) + "    ")}
    return
"""


@contextmanager
def served(*command: str) -> Iterator[str]:
    """The address of a server that listens on the port at the end of its command."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with Path("server.log").open("wb") as log:
        server = subprocess.Popen([sys.executable, "-m", *command, str(port)], stdout=log, stderr=log, env={**os.environ, "NO_COLOR": "1"})
    try:
        wait_until(lambda: server.poll() is not None or listens(port))
        assert server.poll() is None, Path("server.log").read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def wait_until(is_so: Callable[[], bool]) -> None:
    """Looks ten times a second, for two minutes at most."""
    for _ in range(1200):
        if is_so():
            return
        time.sleep(0.1)
    raise AssertionError("It did not come about in two minutes.")


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def see_pictures(tab: Tab) -> None:
    """A step's card and the tree of two steps: all pictures are there, what was written is text, and nobody else was asked."""
    pictures = tab.page.locator('img[src^="data:image/webp"]')
    pictures.nth(2).wait_for(timeout=120_000)
    assert all(width > 0 for width in pictures.evaluate_all("images => images.map(i => i.naturalWidth)"))
    assert tab.page.get_by_text("a red fox <b>in snow</b>").count() >= 2
    assert [url for url in tab.asked_elsewhere if not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:"))] == []


def test_marimo_shows_a_step_and_a_session(browser: Any) -> None:
    """A cell's last value stands there as a card, with its pictures."""
    Path("notebook.py").write_text(MARIMO)
    with served("marimo", "run", "notebook.py", "--headless", "--no-token", "--port") as address:
        tab = Tab(browser)
        tab.page.goto(address)
        see_pictures(tab)
        tab.context.close()


def run_all(tab: Tab) -> None:
    """Runs all cells; once more where nothing came of it, as JupyterLab passes over what it is told while its kernel is being connected."""
    from playwright.sync_api import TimeoutError as NothingCame

    for _ in range(10):
        tab.page.get_by_role("menuitem", name="Run", exact=True).click()
        tab.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        try:
            tab.page.locator('img[src^="data:image/webp"]').nth(2).wait_for(timeout=15_000)
        except NothingCame:
            continue
        return


def test_jupyterlab_shows_a_step_and_a_session(browser: Any) -> None:
    """A notebook that is run in JupyterLab shows cards with their pictures, and shows them still when it is opened again."""
    cells = [nbformat.v4.new_code_cell(source) for source in (FIRST, SECOND)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), "notebook.ipynb")
    with served("jupyterlab", "--no-browser", "--allow-root", "--IdentityProvider.token=", "--port") as address:
        tab = Tab(browser)
        tab.page.goto(f"{address}/lab/tree/notebook.ipynb")
        tab.page.locator(".jp-Notebook .jp-Cell").nth(1).wait_for(timeout=120_000)
        run_all(tab)
        see_pictures(tab)
        tab.page.keyboard.press("Control+s")
        wait_until(lambda: Path("notebook.ipynb").read_text(encoding="utf-8").count("data:image/webp") >= 3)
        tab.page.reload()
        see_pictures(tab)
        tab.context.close()
