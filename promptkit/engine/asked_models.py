"""Which models this user has asked at which endpoints, in a file of the user's own: another one that a folder names is said beforehand.

A session goes on with the model of its head, and a folder may come from a stranger.
"""

from __future__ import annotations

import json
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from promptkit import config
from promptkit.errors import warn
from promptkit.lineage.files import append_to, read_file
from promptkit.providers import models
from promptkit.providers.endpoints import Endpoint

__all__ = ["note_model", "tell_of_model"]

FILE_NAME = "models-asked.jsonl"
LARGEST = 2**20  # bytes: those of ten thousand pairs

_told: set[tuple[Path, str, str]] = set()


def tell_of_model(endpoint: Endpoint, model: str) -> None:
    """Warns, once in a process, of a model that a record names and that this user has not asked at that endpoint."""
    path = _path()
    is_new = model not in (endpoint.model, models.default_model()) and (endpoint.name, model) not in _asked(path)
    if is_new and not endpoint.is_offline and (path, endpoint.name, model) not in _told:
        _told.add((path, endpoint.name, model))
        said = f"This goes on with {model} at {endpoint.name}, as the record says, which you have not asked there before"
        warn(f"{said}; model= names another.")


def note_model(endpoint: Endpoint, model: str) -> None:
    """Notes that this user has asked a model at an endpoint. Where the file cannot be written, this process knows it."""
    asked = _asked(path := _path())
    if not endpoint.is_offline and (endpoint.name, model) not in asked:
        asked.add((endpoint.name, model))
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            append_to(path, json.dumps([endpoint.name, model]).encode() + b"\n")


def _path() -> Path:
    return config.data_folder().parent / FILE_NAME


@lru_cache(maxsize=4)
def _asked(path: Path) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    with suppress(OSError):
        for line in read_file(path, LARGEST).splitlines():
            with suppress(ValueError, TypeError, RecursionError):
                endpoint, model = json.loads(line)
                found.add((str(endpoint), str(model)))
    return found
