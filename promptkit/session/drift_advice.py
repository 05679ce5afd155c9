"""What helps against decay, as a line of Python or of the shell that does it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from promptkit.errors import PromptkitError, StepNotFound
from promptkit.images.box import Box, box_text
from promptkit.images.changes import LOCAL
from promptkit.lineage.layout import source_name
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.providers.options import OPTIONS
from promptkit.session.squash import squashed
from promptkit.session.trail_measures import MeasuredStep

__all__ = ["Advice", "advice", "alike_judged", "name_in_main", "stands_alone"]

MOST = 0.5  # of all that was lost: a step that did more is asked again alone
MARGIN = 0.1  # of the longer side of what changed, around it


@dataclass(frozen=True)
class Advice:
    """What helps: a sentence's beginning that says why, what follows the session's name in Python, and the words of a command line."""

    why: str
    call: str
    command: tuple[str, ...]

    def in_python(self, session: str) -> str:
        """The line to paste; `session` is the name of the session there."""
        return f"{session}{self.call}"

    def in_shell(self, session: str | None = None) -> str:
        """The line to paste; `session` is what follows -s, nothing where the session is found without it."""
        return shlex.join(["promptkit", *self.command, *(["-s", session] if session else [])])


def name_in_main(session: object) -> str:
    """What a session is called where its user works: in the notebook, or the script; "session" where that does not hold it by a name."""
    main = vars(sys.modules["__main__"]) if "__main__" in sys.modules else {}
    names = (name for name, value in list(main.items()) if value is session and not name.startswith("_"))
    return next(names, "session")


def advice(lineage: Lineage, trail: Sequence[MeasuredStep], begins: MeasuredStep, worst: MeasuredStep) -> Advice:
    """What helps where a trail begins to go wrong: the one step that did most of it asked again with a region or an anchor, else all edits
    since the picture that it is judged by asked for at once.
    """
    at_once = None if stands_alone(trail, worst) else _squash(lineage, alike_judged(trail, begins))
    return at_once or _again(lineage, worst)


def alike_judged(trail: Sequence[MeasuredStep], row: MeasuredStep) -> list[MeasuredStep]:
    """The steps of a trail that are judged against the same one."""
    return [other for other in trail if other.judged and other.reference == row.reference]


def stands_alone(trail: Sequence[MeasuredStep], worst: MeasuredStep) -> bool:
    """Whether one step did more than MOST of what goes wrong."""
    return worst.loss > MOST * sum(row.loss for row in alike_judged(trail, worst))


def _squash(lineage: Lineage, edits: Sequence[MeasuredStep]) -> Advice | None:
    """All of the edits asked for at once; None where a squash would be refused."""
    first, last = edits[0].step.record, edits[-1].step.record
    try:
        squashed(lineage, first, last, prompt=None, model=last.request.model or "")
    except PromptkitError:
        return None
    ends = _key(lineage, first), _key(lineage, last)
    why = f"go back to step {_before(lineage, first)}, and ask for the edits since then at once"
    return Advice(why, f".squash({ends[0]!r}, {ends[1]!r})", ("squash", *map(str, ends)))


def _again(lineage: Lineage, worst: MeasuredStep) -> Advice:
    record = worst.step.record
    step, back = f"[{_key(lineage, record)!r}]", f"go back to step {_before(lineage, record)}"
    if (box := _region(worst)) is not None:
        command = _edit(lineage, record, "--region", box_text(box))
        return Advice(f"{back}, and ask for a region alone", f"{step}.again(region={box})", command)
    reference = worst.reference
    if reference is not None and reference.id not in record.parents and not record.region:
        anchor = _key(lineage, reference.record)
        command = _edit(lineage, record, "--anchor", f"{anchor}")
        return Advice(f"{back}, and send step {anchor} along as an anchor", f"{step}.again(anchor={anchor!r})", command)
    return Advice(f"{back}, and ask once more", f"{step}.again()", _edit(lineage, record, "--fresh"))


def _key(lineage: Lineage, record: Record) -> int | str:
    """By what a step is found: its number, or the beginning of its id where two merged copies share the number."""
    try:
        lineage.find(record.number)
    except StepNotFound:
        return record.id[:10]
    return record.number


def _before(lineage: Lineage, record: Record) -> int | str:
    return _key(lineage, lineage.get(record.parents[0]))


def _region(worst: MeasuredStep) -> Box | None:
    """The box that what was asked for lies in, with a margin, in pixels of the picture before; None where that is not a part of it."""
    if worst.edit is None or worst.edit.box is None or worst.scope == "region" or worst.before is None:
        return None
    wide, high = worst.step.sources[0].seen_size or (0, 0)
    scale = wide / (worst.step.picture.seen_size or (1, 1))[0]
    left, top, right, bottom = (side * scale for side in worst.edit.box)
    margin = MARGIN * max(right - left, bottom - top)
    box = (max(0, int(left - margin)), max(0, int(top - margin)), min(wide, int(right + margin)), min(high, int(bottom + margin)))
    return box if 0 < (box[2] - box[0]) * (box[3] - box[1]) <= LOCAL * wide * high else None


def _edit(lineage: Lineage, record: Record, *more: str) -> tuple[str, ...]:
    """The words of a command line that asks a step's prompt again, of the same picture and with those that went along."""
    text = str(record.prompt.get("text") or "")
    along = [word for source in record.sources if source["role"] != "base" for word in _along(lineage, source)]
    return ("edit", f"@{text}" if text.startswith("@") else text, "--on", f"{_before(lineage, record)}", *more, *along, *_options(record))


def _along(lineage: Lineage, source: Any) -> tuple[str, str]:
    flag = "--anchor" if source["role"] == "anchor" else "-r"
    if source.get("step"):
        return flag, f"{_key(lineage, lineage.get(source['step']))}"
    return flag, f"{lineage.folder / source_name(source['file'])}"


def _options(record: Record) -> list[str]:
    config = record.request.config or {}
    flags = ((option.flag, config.get(name)) for name, option in OPTIONS.items() if name != "seed")
    return [word for flag, value in flags if flag and value is not None for word in (flag.name, f"{value}")]
