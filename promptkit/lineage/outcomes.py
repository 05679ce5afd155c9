"""The one table of outcomes: what each says of a step or of one attempt. A new outcome is one row, and raises the minor of `schema`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["ASKED", "OUTCOMES", "Outcome", "has_picture", "is_free", "may_cost"]


@dataclass(frozen=True)
class Outcome:
    """What an outcome means.

    `has_picture`: a picture came, so it can be continued. `was_asked`: a request was sent. `may_cost`: the service may charge for it,
    whether or not it says how much. `is_repeatable`: the same request may be sent again. `is_reused`: who asks for the same is given it.
    """

    name: str
    meaning: str
    has_picture: bool = False
    was_asked: bool = True
    may_cost: bool = True
    is_repeatable: bool = True
    is_reused: bool = False


OUTCOMES = {
    outcome.name: outcome
    for outcome in (  # in the order of tables that add them up
        Outcome("picture", "it brought a picture", has_picture=True, is_reused=True),
        Outcome("added", "somebody's own picture", has_picture=True, was_asked=False, may_cost=False, is_repeatable=False, is_reused=True),
        Outcome("made", "made here of a picture", has_picture=True, was_asked=False, may_cost=False, is_repeatable=False, is_reused=True),
        Outcome("text", "it was answered in words, without a picture"),
        Outcome("refused", "the service refused it, for safety or by a policy"),
        Outcome("error", "the service answered with an error", may_cost=False),
        Outcome("interrupted", "it broke off, or nobody noted what came of it"),
    )
}
ASKED = tuple(name for name, outcome in OUTCOMES.items() if outcome.was_asked)
UNKNOWN = Outcome("", "a later version's")


def has_picture(outcome: str | None) -> bool:
    """Whether a step with that outcome has a picture; one of a later version has none."""
    return OUTCOMES.get(outcome or "", UNKNOWN).has_picture


def may_cost(outcome: str | None) -> bool:
    """Whether the service may charge for an attempt with that outcome, whether or not it says how much."""
    return OUTCOMES.get(outcome or "", UNKNOWN).may_cost


def is_free(attempt: Mapping[str, Any]) -> bool:
    """Whether an attempt that has no recorded cost costs nothing: services do not charge for errors, but for an answer that came with
    success and could not be read they may.
    """
    status = attempt.get("status")
    was_answered = isinstance(status, int) and 200 <= status < 300
    return not may_cost(attempt.get("outcome")) and not was_answered
