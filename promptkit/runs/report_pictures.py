"""The pictures of a run's report: thumbnails, made while requests are under way and kept in the user's cache; small files as they are.

A thumbnail that is not made yet is left out in favour of the file, which a browser shows as well, only slower.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

from promptkit.errors import PromptkitError
from promptkit.images.picture import Picture
from promptkit.images.thumbnails import kept_thumbnail
from promptkit.progress import Listener, Progress
from promptkit.runs.planning import PlannedRow
from promptkit.runs.row_state import StepState

__all__ = ["ReportPictures"]

PIXELS, MOST = 200, 12_000  # CSS pixels of a thumbnail's longer side, and its bytes: 500 of them are 8 MB of a page
SMALL = 48_000  # bytes of a file that is shown as it is
SHOWN = (".png", ".jpg", ".jpeg", ".webp", ".gif")  # by every browser
PATIENCE = 10.0  # seconds at most that the end of a run waits for thumbnails
TICK = 0.2  # seconds between two lines of progress


class ReportPictures:
    """What stands for the pictures of a run in the folder `into`. Thumbnails are made one at a time, in a thread of its own."""

    def __init__(self, into: Path) -> None:
        self._into = into
        self._pool: ThreadPoolExecutor | None = None
        self._under_way: set[Future[None]] = set()

    def source(self, row: PlannedRow, step: StepState) -> str | None:
        """A data URI of its thumbnail, or "" where the file itself is small; None where a thumbnail would have to be made."""
        if self._is_small(self.path(row, step)):
            return ""
        return kept_thumbnail(step.sha256, PIXELS, MOST) if step.sha256 else ""

    def path(self, row: PlannedRow, step: StepState) -> Path:
        """Where a picture's file is."""
        return self._into / row.folder / str(step.file)

    def _is_small(self, path: Path) -> bool:
        try:
            return path.stat().st_size <= SMALL and path.suffix.lower() in SHOWN
        except OSError:  # it was forgotten
            return True

    def add(self, row: PlannedRow) -> None:
        """Has the thumbnails of a row made, and returns at once."""
        for step in row.state.last_steps:
            if step.file and self.source(row, step) is None:
                future = self._in_thread().submit(_make, self.path(row, step))
                self._under_way.add(future)
                future.add_done_callback(self._under_way.discard)

    def wait(self, listener: Listener | None = None, seconds: float = PATIENCE) -> None:
        """Waits for those that are not made yet, at most so long; the others are made another time."""
        until = time.monotonic() + seconds
        try:
            with Progress(listener=listener) as progress:
                while (left := set(self._under_way)) and time.monotonic() < until:
                    progress.say(f"making thumbnails of the report, {len(left):,} left")
                    wait(left, timeout=TICK)
        finally:
            self._stop()

    def _in_thread(self) -> ThreadPoolExecutor:
        self._pool = self._pool or ThreadPoolExecutor(1, "promptkit report")
        return self._pool

    def _stop(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


def _make(path: Path) -> None:
    """Makes the thumbnail of a picture, which its sha256 then finds; nothing of a file that is none, or is gone."""
    try:
        Picture.open(path).thumbnail(PIXELS, MOST)
    except (PromptkitError, OSError):
        return
