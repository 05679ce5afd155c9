"""Dialects that were installed with pip, under a name of their own.

A distribution declares them as entry points of the group `promptkit.dialects`: `studio = "acme_studio:Studio"` makes the class `Studio` of
the module `acme_studio` the dialect "studio". Its code is run only where an endpoint or a model of the user's own names that dialect.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from promptkit.errors import SettingsError, warn

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

__all__ = ["GROUP", "installed_names", "is_installed", "load", "refused"]

GROUP = "promptkit.dialects"


def installed_names() -> list[str]:
    """The names of all dialects that are installed, sorted."""
    return sorted({entry.name for entry, _ in _declared()})


def is_installed(name: str) -> bool:
    """Whether a distribution declares a dialect of that name; nothing of it is imported."""
    try:
        return bool(_named(name, tuple(sys.path)))
    except LookupError:
        return False


def load(name: str) -> Any:
    """What an installed distribution gives as its dialect: an object, or one made of its class. SettingsError where that cannot be had."""
    entry, distribution = _only(name)
    try:
        found = entry.load()
        return found() if isinstance(found, type) else found
    except Exception as error:  # whatever its code does, it is told in one sentence
        raise refused(name, f"cannot be loaded from {entry.value} ({type(error).__name__}: {error})", distribution) from error


def refused(name: str, what: str, distribution: str = "") -> SettingsError:
    """The error for an installed dialect that does not do, with the distribution to blame."""
    distribution = distribution or _only(name)[1]
    return SettingsError(f"The dialect {name!r} of {distribution} {what}: upgrade or remove {distribution.partition(' ')[0]}.")


def _only(name: str) -> tuple[EntryPoint, str]:
    """The one that has the name: requests and keys go through it, so that of two neither is guessed."""
    first, *others = _named(name, tuple(sys.path))
    if others:
        rivals = " and ".join(distribution for _, distribution in (first, *others))
        raise SettingsError(f"The dialect {name!r} is declared by {rivals}: remove one of them.")
    return first


@lru_cache(maxsize=32)
def _named(name: str, _: tuple[str, ...]) -> tuple[tuple[EntryPoint, str], ...]:
    """Those that have the name, read once for each sys.path. LookupError where none has, which is not remembered."""
    found = tuple((entry, distribution) for entry, distribution in _declared() if entry.name == name)
    if not found:
        raise LookupError(name)
    return found


def _declared() -> Iterator[tuple[EntryPoint, str]]:
    """Each dialect that a distribution declares, with its name and version; of two with one name Python imports the first."""
    import importlib
    from importlib import metadata  # takes a third of the package's own import

    importlib.invalidate_caches()  # a dialect may have been installed in this second
    seen: set[str] = set()
    for distribution in metadata.distributions():
        try:
            entries = [entry for entry in distribution.entry_points if entry.group == GROUP]
            name = _said(distribution, "Name") if entries else ""
        except Exception as error:  # whatever stands in an installed package's files, the others are found all the same
            warn(f"An installed package cannot be read ({type(error).__name__}: {error}); its dialects, if it has any, are left out.")
            continue
        if entries and name not in seen:
            seen.add(name)
            yield from ((entry, f"{name} {_said(distribution, 'Version')}".strip() or "a package without a name") for entry in entries)


def _said(distribution: Distribution, field: str) -> str:
    """A field of its metadata; from Python 3.12 on asking for one that is not there is deprecated."""
    return next(iter(distribution.metadata.get_all(field) or ()), "")
