"""Reading and checking of single files in a session's folder: JSON, pictures, and whether a file is what was recorded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from promptkit.errors import LineageError
from promptkit.images.picture import Picture

__all__ = ["json_bytes", "json_object", "read_json", "recorded_picture", "sha256_of", "sources_digest", "whole_text", "wrong_file"]

INSTEAD = "put it back, or take another step"


# JSON


def json_bytes(value: Mapping[str, Any], *, indent: int | None = 1) -> bytes:
    """JSON for files that people read too; without indent for those that are only passing, which Python then writes three times as fast.

    Nothing is lost to an encoding, and what JSON does not know is kept as text.
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=str) + "\n"
    try:
        return text.encode()
    except UnicodeEncodeError:
        return whole_text(text).encode()


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; an empty one where there is none, or none that can be read."""
    try:
        return json_object(path.read_bytes())
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return {}


def json_object(data: bytes) -> dict[str, Any]:
    """The object that JSON bytes hold; an empty one where they hold none."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def whole_text(text: str) -> str:
    """The text with U+FFFD for each half of a surrogate pair, which no file can hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


# Is it what was recorded?


def wrong_file(folder: Path, name: str, digest: str) -> str | None:
    """What is wrong with a file of a session that should have that digest, by its name within the folder; None where nothing is.

    A template's digest is that of its sources, every other file's the sha256 of its bytes.
    """
    path = folder / name
    if name.startswith("templates/"):
        said = "is missing or not what was recorded (its sources do not have that digest)"
        return None if sources_digest(read_json(path)) == digest else said
    try:
        found = sha256_of(path)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        return f"is missing or cannot be read ({_reason(error)})"
    return None if found == digest else "is not what was recorded (its sha256 differs)"


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, of which few are in memory at a time."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sources_digest(sources: Mapping[str, Any]) -> str:
    """The digest of a template: the sha256 of its sources by name, as canonical JSON."""
    canonical = json.dumps(sources, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode(errors="replace")).hexdigest()


def recorded_picture(path: Path, *, sha256: str, mime_type: str, size: tuple[int, int] | None) -> Picture:
    """A picture on disk that a record describes. Reading its bytes raises LineageError where they are missing or not the recorded ones."""

    def read() -> bytes:
        try:
            data = path.read_bytes()
        except (OSError, ValueError) as error:
            raise LineageError(f"The picture {path} cannot be read: {_reason(error)}; {INSTEAD}.", path=path) from None
        if hashlib.sha256(data).hexdigest() != sha256:
            raise LineageError(f"The picture {path} is not the one that was recorded (its sha256 differs); {INSTEAD}.", path=path)
        return data

    return Picture.recorded(read, sha256=sha256, mime_type=mime_type, size=size)


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
