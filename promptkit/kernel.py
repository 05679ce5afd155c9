"""Notebooks that this process is the kernel of: whether it is one, and what is shown below the cell that runs.

IPython and marimo are looked for among the modules that are loaded already: that one is installed does not make this process its kernel.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

__all__ = ["Display", "is_kernel", "show_inline"]

NOTHING = {"text/plain": "", "text/html": ""}


def is_kernel() -> bool:
    """Whether this process is a Jupyter kernel; that IPython is installed, or imported by some library, does not make it one."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


def show_inline(value: object) -> bool:
    """Shows a value below the cell that runs, in Jupyter or marimo; False where this process is no notebook's."""
    marimo = sys.modules.get("marimo")
    if marimo is not None and marimo.running_in_notebook():
        marimo.output.append(value)
        return True
    if not is_kernel():
        return False
    _ipython_display().display(value)
    return True


def _ipython_display() -> Any:
    """IPython's module for showing, which is there in its kernel."""
    return import_module("IPython.display")


class Display:
    """One place below the cell that runs, whose text is replaced and in the end empty. Any thread may use it, one at a time.

    It is made in the thread that runs the cell: others are not known to belong to it.
    """

    def __init__(self) -> None:
        from contextvars import copy_context

        self._id, self._context, self._is_there = f"promptkit-{os.urandom(8).hex()}", copy_context(), False

    def say(self, text: str) -> None:
        """Shows the text in place of what stood there."""
        self._publish({"text/plain": text})

    def close(self) -> None:
        """Leaves nothing there: an executed notebook keeps no word of it."""
        if self._is_there:
            self._publish(NOTHING)

    def _publish(self, forms: Mapping[str, str]) -> None:
        publish = _ipython_display().publish_display_data
        self._context.run(publish, dict(forms), {}, transient={"display_id": self._id}, update=self._is_there)
        self._is_there = True
