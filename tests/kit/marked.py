"""The calls that wrote tests/earlier/0.1-marks: marks of every kind, one's own, taken back, and as a page and a mail bring them.
To call them again: `python -m kit.marked FOLDER`, from tests/.

The calls are made again to see that what counts then is the same.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from kit import earlier
from kit.loopback import png
from promptkit import Session

AT = "2026-11-28T10:15:00.000Z"
MAIL = "From: Bo <bo@example.com>\n\nHi!\n> 1 keep ★★★★ bluer\n> 2: reject\n3 ★★ もっと青く\nBest"


def calls(folder: Path | str) -> Session:
    """The calls; made again the same marks count."""
    bear = Session(Path(folder), endpoint="offline")
    root = bear.add(png("red", size=(64, 48)))
    for colour in ("green", "blue"):
        bear.add(png(colour, size=(64, 48)), on=root)
    bear[1].mark("keep", stars=5)
    bear[2].mark("reject", note="zu dunkel,\nund zu klein", region=(0, 0, 32, 24), by="Zoë")
    bear[2].mark("reject", note="zu dunkel", region=(0, 0, 32, 24), by="Zoë")
    bear[3].mark("keep", by="Ann")
    bear[3].mark(None, by="Ann")
    marks = [{"step": bear[3].id, "stars": 3, "at": AT}, {"step": bear[2].id, "verdict": "keep", "region": [1, 2, 3, 4], "at": AT}]
    bear.import_marks(json.dumps({"schema": "promptkit-marks/1", "root": bear[1].id, "by": "客户", "marks": marks}))
    bear.import_marks(MAIL)
    return bear


def main(folder: str) -> None:
    target = Path(folder).absolute()
    with earlier.at_work():
        calls(target)


if __name__ == "__main__":
    main(sys.argv[1])
