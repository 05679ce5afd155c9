"""The file `library.yaml` of a folder of templates: what belongs to the library as a whole. It holds sets of channels:

    channels:
      social:
        story: "9:16"
        post: 1080x1080
        card: {size: 1200x630, fit: pad, fill: white, type: jpeg, max_bytes: 300000}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from promptkit.errors import TemplateError, did_you_mean
from promptkit.prompts.library import TemplateFolder
from promptkit.prompts.strict_yaml import read_yaml

__all__ = ["NAME", "channel_sets"]

NAME = "library.yaml"
KNOWN = ("channels",)
LARGEST = 1_000_000  # bytes


def channel_sets(folders: Iterable[TemplateFolder]) -> dict[str, Mapping[str, Any]]:
    """The sets of channels by name: of two with one name the first folder's; those of an installed pack with its namespace, `acme.social`.
    TemplateError, with the file, where one cannot be read or holds what this promptkit does not know.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for folder in folders:
        for name, channels in _channels(Path(folder.path, NAME)).items():
            found.setdefault(f"{folder.namespace}{name}", channels)
    return found


def _channels(path: Path) -> dict[str, Mapping[str, Any]]:
    if not path.is_file():
        return {}
    said, lines = read_yaml(_text(path), path, what=f"The file {NAME}", first=1)
    for key in said:
        if key not in KNOWN and key != "metadata" and not key.startswith("x-"):
            known = f"{did_you_mean(key, KNOWN)}; known are {', '.join(KNOWN)}, metadata and x-…"
            raise TemplateError(f"{NAME} has an unknown key {key!r}{known}.", file=str(path), line=lines[(key,)])
    sets = said.get("channels") or {}
    if not isinstance(sets, dict) or not all(isinstance(channels, dict) for channels in sets.values()):
        expected = 'sets by name, each with channels by name: {social: {story: "9:16", post: 1080x1080}}'
        raise TemplateError(f"channels in {NAME} holds {expected}.", file=str(path), line=lines.get(("channels",)))
    return sets


def _text(path: Path) -> str:
    try:
        data = path.read_bytes() if path.stat().st_size <= LARGEST else None
        text = "" if data is None else data.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        raise TemplateError(f"The file {NAME} cannot be read: {error}.", file=str(path)) from None
    if data is None:
        raise TemplateError(f"The file {NAME} has more than {LARGEST:,} bytes; it holds a few lines.", file=str(path))
    return text
