"""Steps as asking makes them, without anybody to ask: begun, attempted, answered, committed."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kit.loopback import png
from promptkit.images.picture import Picture
from promptkit.lineage.pending_step import PendingStep
from promptkit.lineage.record import Record, now
from promptkit.lineage.tree import Lineage


def red() -> Picture:
    return Picture(png())


def fields(**more: Any) -> dict[str, Any]:
    """What a record holds before it is asked for."""
    request = {"endpoint": "offline", "model": "gemini-2.5-flash-image", "config": {}}
    return {"started": now(), "parents": [], "prompt": {"text": "a bear"}, "sources": [], "request": request, **more}


def answered(lineage: Lineage, *pictures: Picture, slug: str = "edit", **more: Any) -> PendingStep:
    """A step whose answer was noted and not committed."""
    step = lineage.begin(slug, fields(**more))
    step.attempt({"started": now(), "sent_text": "a bear"})
    cost = {"usd": 0.04, "basis": "test"}
    step.answer({"outcome": "picture" if pictures else "text", "text": "Here.", "cost": cost}, pictures)
    return step


def made(lineage: Lineage, *pictures: Picture, **more: Any) -> Record:
    """A step with a picture."""
    return answered(lineage, *(pictures or [red()]), **more).commit("picture")


def failed(lineage: Lineage, **more: Any) -> Record:
    """A step that was answered in words."""
    return answered(lineage, **more).commit("text")


def names(folder: Path) -> list[str]:
    """All that is in a folder, hidden files and folders within included."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


def under_way(folder: Path) -> list[Path]:
    """What processes have under way in a session's folder: claims, and sums set aside."""
    return sorted(p for p in (*folder.glob(".open/*"), *folder.glob(".open-*")) if p.name not in (".gitignore", ".open-journal"))


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """What would change if anything were written: each path's size and time."""
    return {str(p): (p.lstat().st_size, p.lstat().st_mtime_ns) for p in [folder, *folder.rglob("*")]}


def edit_json(path: Path, **changes: Any) -> None:
    """Writes other values into a JSON file."""
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **changes}), encoding="utf-8")


@contextmanager
def room(size: int) -> Iterator[None]:
    """No file may grow beyond so many bytes: what a full disk is, for root too."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
