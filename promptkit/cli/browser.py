"""Opens a page in the user's browser, a file or what is served, or says why not and where it is."""

from __future__ import annotations

from pathlib import Path

from promptkit import config
from promptkit.cli.output import say

__all__ = ["open_address", "open_in_browser"]


def open_in_browser(path: Path) -> None:
    """Opens a file in the browser that BROWSER names, or the system's; where there is none, or no screen, one sentence on stderr."""
    open_address(path.absolute().as_uri(), path)


def open_address(url: str, shown: object) -> None:
    """Opens an address in the same way; `shown` is what the page is called where it cannot be opened."""
    if not (config.variable("BROWSER") or config.has_screen()):  # a browser for terminals would take this one over
        say(f"There is no screen here to open a browser on; the page is {shown}.")
        return
    import webbrowser  # few commands open anything

    if not webbrowser.open(url):
        say(f"No browser could be started; the page is {shown}.")
