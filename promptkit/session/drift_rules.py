"""When a picture of a trail counts as decayed: limits of what may be left of its sharpness and colours, and of what may come to it.

The limits were set on pictures of 1,024 pixels, chains of edits on them with and without damage; tests/drift_damage.py draws them, damages
them and says how often the judgement is right. Where a service leaves alone what it was not asked for, all measures are 0, and sharpness
is 100 %; where each picture went through JPEG 95, noise comes to at most 0.9, through JPEG 75 to more than 1 in most.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from promptkit.images.changes import percent
from promptkit.images.measures import LEAST_KEPT, Decay, Edit
from promptkit.session.keep_rules import Scope

__all__ = ["Finding", "findings", "is_judged", "loss", "parts_of_limits"]

LEAST_SHARPNESS, MOST_SHARPNESS = 0.85, 1.25  # of the fine detail
MOST_COLOUR = 4.0  # of 255, in the mean
MOST_NOISE = 1.0  # of 255, root mean square, at images.changes.SIDE
LEAST_PIXELS = 0.75  # of the earlier picture's number; services round
# Outside of a region its step's picture equals the base. Words name things and not places: of what changed beside the largest part some is
# asked for too, such as a second hat.
MOST_OUTSIDE: dict[Scope, float] = {"region": 0.01, "rest": 0.25}
# An edit that names nothing that stays may mean all of the picture in words that no rule knows. One that changed so many pixels, or left so
# few cells alone, is taken so.
PLAIN_SHARE, PLAIN_KEPT = 0.5, 0.2


@dataclass(frozen=True)
class Finding:
    """One thing that went wrong: what, its value for people, and by how many times its limit."""

    name: str
    said: str
    times: float


def is_judged(scope: Scope, edit: Edit | None) -> bool:
    """Whether an edit is judged by what stayed: it is not about the whole picture, and its pictures can be laid over each other."""
    return edit is not None and scope != "whole" and (scope != "plain" or (edit.share < PLAIN_SHARE and edit.kept >= PLAIN_KEPT))


def findings(scope: Scope, edit: Edit, decay: Decay | None, *, sized: bool) -> tuple[Finding, ...]:
    """What is beyond its limit after an edit, the worst first: in what it changed itself, and in what has become of the picture since the
    one that `decay` compares it with. `sized`: a size was asked for since.
    """
    found = (f for f in _all(scope, edit, decay, sized=sized) if f.times > 1)
    return tuple(sorted(found, key=lambda f: -f.times))


def loss(scope: Scope, edit: Edit, decay: Decay | None, *, sized: bool) -> float:
    """How far an edit is from what it should have left, in parts of the limit that is nearest."""
    return max((f.times for f in _all(scope, edit, decay, sized=sized)), default=0.0)


def parts_of_limits(scope: Scope, edit: Edit | None, decay: Decay | None) -> dict[str, float]:
    """By name how far each measure is, in parts of its limit, beyond it or not; empty where nothing was measured."""
    return {f.name: max(0.0, f.times) for f in _all(scope, edit, decay, sized=False)} if edit else {}


def _all(scope: Scope, edit: Edit, decay: Decay | None, *, sized: bool) -> Iterator[Finding]:
    if scope in MOST_OUTSIDE:
        said = f"{percent(edit.outside)} of the pixels changed outside of what was asked for"
        yield Finding("outside", said, edit.outside / MOST_OUTSIDE[scope])
    if decay is not None and not sized:
        yield Finding("size", f"{percent(decay.pixels)} of the pixels", (1 - decay.pixels) / (1 - LEAST_PIXELS))
    if decay is not None and decay.kept >= LEAST_KEPT:
        yield from _of_what_was_kept(decay)


def _of_what_was_kept(decay: Decay) -> Iterator[Finding]:
    least, most = 1 - LEAST_SHARPNESS, MOST_SHARPNESS - 1
    yield Finding("sharpness", f"sharpness {percent(decay.sharpness)}", max((1 - decay.sharpness) / least, (decay.sharpness - 1) / most))
    yield Finding("colour", f"colours off by {decay.colour:.1f} of 255", decay.colour / MOST_COLOUR)
    yield Finding("noise", f"noise {decay.noise:.1f} of 255", decay.noise / MOST_NOISE)
