"""Why a row has no picture, in one word, and whether it is asked again when the run is run again.

What may pass by itself, or by what the user does beside the table (a key, a credit, a budget), is asked again. A refusal and an answer in
words are asked again only where the caller says so: the same request brings mostly the same, and is paid again. So is what a batch job left
without an answer, which may have been charged; what is in a job is asked by nobody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from promptkit import errors
from promptkit.errors import (
    BudgetExceeded,
    KeyRejected,
    LineageError,
    ModelNotFound,
    NoPicture,
    OutOfCredit,
    PictureError,
    QuotaExceeded,
    RateLimited,
    Refused,
    RegionUnavailable,
    ServiceUnavailable,
    SettingsError,
    TemplateError,
    TransportError,
    did_you_mean,
)
from promptkit.lineage.record import Record
from promptkit.values import texts

__all__ = [
    "CAUSES",
    "DONE",
    "ENDING",
    "IN_JOB",
    "MISSING",
    "PASSING",
    "RETRIED",
    "WAITING",
    "cause_of",
    "cause_of_record",
    "checked_causes",
    "is_again",
]

DONE, WAITING, IN_JOB, MISSING = "picture", "waiting", "batch", "missing"
# each cause with what it means; the order is that of tables
CAUSES: Mapping[str, str] = {
    "transport": "nothing came back from the service, or half of it",
    "busy": "the service was busy, or the day's quota was used up",
    "interrupted": "the answer broke off, or nobody noted what came of it",
    "budget": "the budget of the run was used up",
    "credit": "the account had no credit left",
    "access": "the key, the region or the model was not accepted",
    "refused": "the service refused it",
    "text": "it was answered in words",
    "error": "the service answered with another error",
    "disk": "a picture or the row's folder could not be read or written",
    "invalid": "the row itself is wrong",
    IN_JOB: "it is in a batch job, whose answer has not come",
    MISSING: "its batch job ended without an answer for it",
}
RETRIED = tuple(cause for cause in CAUSES if cause != IN_JOB)  # that a caller may name, to ask again
PASSING = frozenset({"transport", "busy", "interrupted", "budget", "credit", "access", "disk", "invalid"})
ENDING = (KeyRejected, ModelNotFound, OutOfCredit, QuotaExceeded, RegionUnavailable)  # one of these is the same for all rows that ask there

_OF_ERRORS: tuple[tuple[type[BaseException], str], ...] = (  # the first that fits
    (BudgetExceeded, "budget"),
    (OutOfCredit, "credit"),
    (KeyRejected, "access"),
    (RegionUnavailable, "access"),
    (ModelNotFound, "access"),
    (RateLimited, "busy"),
    (QuotaExceeded, "busy"),
    (ServiceUnavailable, "busy"),
    (TransportError, "transport"),
    (Refused, "refused"),
    (NoPicture, "text"),
    (LineageError, "disk"),
    (PictureError, "disk"),
    (SettingsError, "invalid"),
    (TemplateError, "invalid"),
)


def cause_of(error: BaseException) -> str:
    """The cause that an error stands for."""
    return next((cause for kind, cause in _OF_ERRORS if isinstance(error, kind)), "error")


def cause_of_record(record: Record) -> str:
    """The cause for which a recorded step has no picture."""
    if record.attempts and record.attempts[-1].batch and record.outcome == "interrupted":
        return MISSING
    told: Mapping[str, Any] = (record.attempts[-1].error.fields if record.attempts and record.attempts[-1].error else {}) or {}
    kind = getattr(errors, str(told.get("kind")), None)
    if isinstance(kind, type) and issubclass(kind, errors.PromptkitError):
        return next((cause for known, cause in _OF_ERRORS if issubclass(kind, known)), "error")
    return record.outcome if record.outcome in CAUSES else "error"


def checked_causes(given: object) -> tuple[str, ...]:
    """The causes that a caller names. SettingsError for one that there is not."""
    named = (given,) if isinstance(given, str) else texts(given) if not isinstance(given, set | frozenset) else tuple(map(str, given))
    if named is None:
        raise SettingsError(f'retry= is a cause or several, such as ("refused", "text"), not {given!r:.60}.')
    if wrong := next((cause for cause in named if cause not in RETRIED), None):
        raise SettingsError(f"There is no cause {wrong!r:.40}{did_you_mean(wrong, RETRIED)}; known are {', '.join(RETRIED)}.")
    return tuple(dict.fromkeys(named))


def is_again(cause: str, retry: Iterable[str]) -> bool:
    """Whether a row that failed for that cause is asked again."""
    return cause in PASSING or cause in tuple(retry)
