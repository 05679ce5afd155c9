"""Public names that changed. The old one works for one release longer, with a warning that names the new one; CHANGELOG lists both.

A name of the package stands in the table of `promptkit/__init__.py`; an attribute is a property that asks `say_renamed` first.
"""

from __future__ import annotations

from promptkit.errors import warn

__all__ = ["say_renamed"]


def say_renamed(old: str, new: str) -> None:
    """A PromptkitWarning, at the caller's line, that an old name was used, and which one stands for it."""
    warn(f"{old} is called {new} now: the old name works in this release and goes with the next one.")
