"""Which folder a row has: `{label}-{key}` in the run's folder. A row is found by its key, whatever its number, its label or its words.

The key is of the row's `key` column, else of its label, else of its values; rows that are equal get -2, -3.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

from promptkit.errors import LineageError
from promptkit.images.picture import Picture, is_picture
from promptkit.lineage.layout import has_marker, is_marked, make
from promptkit.session.file_names import safe_name
from promptkit.values import for_json

__all__ = ["KEY_DIGITS", "key_of", "make_row_folder", "name_of", "row_folders"]

KEY_DIGITS = 10
NAME = re.compile(r"(?:.*-)?([0-9a-f]{10}(?:-[1-9]\d*)?)", re.DOTALL)
LONGEST_LABEL = 60  # characters of a label in a folder's name


def key_of(given: object) -> str:
    """The key of what tells a row from others: a text, or its values by name."""
    said = given if isinstance(given, str) else json.dumps(given, sort_keys=True, ensure_ascii=False, default=_as_json)
    return hashlib.sha256(said.encode(errors="surrogatepass")).hexdigest()[:KEY_DIGITS]


def _as_json(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if is_picture(value):
        return Picture.open(value).sha256
    try:
        return for_json(value)
    except TypeError:
        return str(value)


def name_of(label: str | None, key: str) -> str:
    """The name of a row's folder."""
    safe = re.sub(r"\s", "_", safe_name(label or ""))[:LONGEST_LABEL].strip(".-_")
    return f"{safe or 'row'}-{key}"


def row_folders(into: Path) -> dict[str, str]:
    """The names of the folders in a run's folder that are rows', by key."""
    try:
        names = sorted(entry.name for entry in os.scandir(into) if entry.is_dir())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise LineageError(f"{into} cannot be a run's folder: {error.strerror or error}.", path=into) from None
    return {match[1]: name for name in names if (match := NAME.fullmatch(name)) and has_marker(into / name)}


def make_row_folder(folder: Path) -> None:
    """Makes a row's folder where there is none: a session's, whose git files stand in the run's folder."""
    if not is_marked(folder):
        make(folder, git_files=False)

