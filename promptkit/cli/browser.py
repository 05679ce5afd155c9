"""Opens a file in the user's browser, or says why not and where the file is."""

from __future__ import annotations

from pathlib import Path

from promptkit import config
from promptkit.cli.output import say

__all__ = ["open_in_browser"]


def open_in_browser(path: Path) -> None:
    """Opens a file in the browser that BROWSER names, or the system's; where there is none, or no screen, one sentence on stderr."""
    if not (config.variable("BROWSER") or config.has_screen()):  # a browser for terminals would take this one over
        say(f"There is no screen here to open a browser on; the page is {path}.")
        return
    import webbrowser  # few commands open anything

    if not webbrowser.open(path.absolute().as_uri()):
        say(f"No browser could be started; the page is {path}.")
