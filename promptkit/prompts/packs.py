"""Packs: folders of templates that were installed with pip, under a name of their own.

A distribution declares them as entry points of the group `promptkit.templates`: `acme = "acme_prompts.templates"` makes the folder
`templates` of the package `acme_prompts` into `templates.acme`. Nothing of the package is imported.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING

from promptkit.errors import warn
from promptkit.prompts.names import is_word

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

__all__ = ["GROUP", "Pack", "installed_packs"]

GROUP = "promptkit.templates"


@dataclass(frozen=True)
class Pack:
    """A folder of templates, the name that it goes by, and the distribution and version that brought it."""

    name: str
    folder: str
    distribution: str
    version: str


def installed_packs() -> tuple[Pack, ...]:
    """All packs that are installed now, by name; a broken one is left out with a warning."""
    return _packs(tuple(map(_changed, sys.path)))


def _changed(folder: object) -> tuple[object, int]:
    """When something was last installed into a folder of sys.path, or removed."""
    try:
        return folder, Path(folder).stat().st_mtime_ns  # type: ignore[arg-type]
    except (OSError, ValueError, TypeError):  # sys.path holds what it likes
        return str(folder), 0


@lru_cache(maxsize=1)
def _packs(_: tuple[tuple[object, int], ...]) -> tuple[Pack, ...]:
    return tuple(pack for _, pack in sorted(_found().items()))


def _found() -> dict[str, Pack]:
    known: dict[str, Pack] = {}
    for entry, name, version in _entries():
        folder = _folder_of(entry.value)
        if not is_word(entry.name):
            warn(f"The pack {entry.name!r} is left out: a pack's name is small letters, digits and _, such as 'acme'.")
        elif folder is None:
            said = "which is no folder that was installed; its author has to put the .j2 files into the wheel"
            warn(f"The pack {entry.name!r} names {entry.value!r}, {said}.")
        elif entry.name in known:
            first = f"{known[entry.name].distribution} {known[entry.name].version}"
            warn(f"Two packs are called {entry.name!r}: {first} is used, and {name} {version} is not; remove one of them.")
        else:
            known[entry.name] = Pack(entry.name, str(folder), name, version)
    return known


def _entries() -> Iterator[tuple[EntryPoint, str, str]]:
    """Each pack that a distribution declares, with its name and version; of two with one name Python imports the first."""
    folders = [folder for folder in sys.path if isinstance(folder, str) and "\0" not in folder]
    if not any(map(_may_declare, folders)):
        return
    from importlib import metadata  # takes a third of the package's own import

    importlib.invalidate_caches()  # a pack may have been installed in this second
    seen: set[str] = set()
    for distribution in metadata.distributions(path=folders):
        try:
            entries = [entry for entry in distribution.entry_points if entry.group == GROUP]
            name, version = (_said(distribution, "Name"), _said(distribution, "Version")) if entries else ("", "")
        except Exception as error:  # whatever stands in an installed package's files, templates are found all the same
            warn(f"An installed package cannot be read ({type(error).__name__}: {error}); its templates, if it has any, are left out.")
            continue
        if entries and not (name and version):
            warn(f"The pack {entries[0].name!r} comes from a package without a name or version; install it anew.")
        elif entries and name not in seen:
            seen.add(name)
            yield from ((entry, name, version) for entry in entries)


def _may_declare(folder: str) -> bool:
    """Whether the group's name stands in the metadata of anything that was installed there; in what is no folder, such as a zip, it may."""
    try:
        installed = [entry.path for entry in os.scandir(folder or ".") if entry.name.lower().endswith("-info")]
    except (OSError, ValueError) as error:
        return isinstance(error, NotADirectoryError)
    return any(GROUP.encode() in _bytes(Path(info, "entry_points.txt")) for info in installed)


def _bytes(path: Path) -> bytes:
    with suppress(OSError):
        return path.read_bytes()
    return b""


def _said(distribution: Distribution, field: str) -> str:
    """A field of its metadata; from Python 3.12 on asking for one that is not there is deprecated."""
    return next(iter(distribution.metadata.get_all(field) or ()), "")


def _folder_of(value: str) -> Path | None:
    """The folder of a dotted name, found without running any code of the package."""
    first, *rest = value.partition("[")[0].partition(":")[0].strip().split(".")
    if not all(map(str.isidentifier, (first, *rest))):
        return None
    try:
        spec = util.find_spec(first)
    except (ImportError, ValueError):
        return None
    locations = spec.submodule_search_locations if spec else None
    return next((folder for location in locations or () if (folder := Path(location, *rest)).is_dir()), None)
