"""Packs: folders of templates that were installed with pip, under a name of their own.

A distribution declares them as entry points of the group `promptkit.templates`: `acme = "acme_prompts.templates"` makes the folder
`templates` of the package `acme_prompts` into `templates.acme`. Nothing of the package is imported.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata, util
from pathlib import Path

from promptkit.errors import warn
from promptkit.frontmatter import is_word

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


def _changed(folder: str) -> tuple[str, int]:
    """When something was last installed into a folder of sys.path, or removed."""
    try:
        return folder, Path(folder).stat().st_mtime_ns
    except OSError:
        return folder, 0


@lru_cache(maxsize=1)
def _packs(_: tuple[tuple[str, int], ...]) -> tuple[Pack, ...]:
    importlib.invalidate_caches()
    return tuple(pack for _, pack in sorted(_found().items()))


def _found() -> dict[str, Pack]:
    known: dict[str, Pack] = {}
    for entry in metadata.entry_points(group=GROUP):
        name, folder, dist = entry.name, _folder_of(entry.value), entry.dist
        if not is_word(name):
            warn(f"The pack {name!r} is left out: a pack's name is small letters, digits and _, such as 'acme'.")
        elif folder is None or dist is None:
            warn(f"The pack {name!r} names {entry.value!r}, where there is no folder of templates; install it anew.")
        elif name in known:
            first = f"{known[name].distribution} {known[name].version}"
            warn(f"Two packs are called {name!r}: {first} is used, and {dist.name} {dist.version} is not; remove one of them.")
        else:
            known[name] = Pack(name, str(folder), dist.name, dist.version)
    return known


def _folder_of(value: str) -> Path | None:
    """The folder of a dotted name, found without running any code of the package."""
    first, *rest = value.partition(":")[0].strip().split(".")
    try:
        spec = util.find_spec(first)
    except (ImportError, ValueError):
        return None
    places = spec.submodule_search_locations if spec else None
    return next((folder for place in places or () if (folder := Path(place, *rest)).is_dir()), None)
