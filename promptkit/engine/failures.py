"""What to raise for a step that brought no picture, and the advice that goes with it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from promptkit import errors
from promptkit.errors import (
    BudgetExceeded,
    KeyRejected,
    ModelNotFound,
    NoPicture,
    OutOfCredit,
    PromptkitError,
    ProviderError,
    QuotaExceeded,
    RateLimited,
    Refused,
    TransportError,
)
from promptkit.lineage.record import Record
from promptkit.lineage.schema import Attempt
from promptkit.providers import models
from promptkit.providers.endpoints import Endpoint
from promptkit.providers.keys import Key, other_variables
from promptkit.providers.message import Reply

__all__ = ["failure", "recorded_error", "shared_failure"]

BY_STATUS = {401: KeyRejected, 403: KeyRejected, 404: ModelNotFound, 402: OutOfCredit, 429: RateLimited}
RECORDED = (ProviderError, TransportError, BudgetExceeded)  # the errors that an attempt may end in; those of a reply are made of it
MOST_RECORDED = 2_000  # characters of a sentence


def failure(record: Record, reply: Reply, *, endpoint: Endpoint, key: Key | None, deadline: float) -> PromptkitError:
    """The error for a record without a picture and the last reply to it: the reply's own, with advice, or one that says how it ended.

    `key` is the one that was sent, None where none was; `deadline` is in seconds.
    """
    why = f" ({reply.reason})" if reply.reason else ""
    times = "once" if len(record.attempts) == 1 else f"{len(record.attempts)} times"
    if isinstance(reply.error, RateLimited) and (reply.error.retry_after or 0) > deadline:
        return _quota_after(reply.error)
    if reply.error is not None:
        reply.error.args = (f"{reply.error}{_advice(reply.error, str(record.request.get('model')), endpoint, key, deadline)}",)
        return reply.error
    if reply.outcome == "refused":
        return _refused(record, reply, why)
    if reply.outcome == "interrupted":
        return TransportError(f"The reply broke off{why}, asked {times}; it may have been charged. Try again later.", sent=True)
    from promptkit.providers.service_errors import brief  # needed where something failed

    said = f": {brief(reply.text)!r}" if reply.text else ""
    sentence = f"The model answered without a picture{why}, asked {times}{said}; say in the prompt what the picture should show."
    return NoPicture(sentence, text=reply.text, reason=reply.reason, attempts=record.attempts)


def recorded_error(error: PromptkitError) -> dict[str, Any]:
    """An attempt's error as its record keeps it: what `shared_failure` makes the same error of in another process."""
    facts = {name: getattr(error, name, None) for name in ("status", "code", "retry_after")}
    kind = next((c.__name__ for c in type(error).__mro__ if c.__module__ == errors.__name__), ProviderError.__name__)
    return {"kind": kind, "sentence": str(error)[:MOST_RECORDED], **{k: v for k, v in facts.items() if v is not None}}


def shared_failure(record: Record, *, endpoint: Endpoint, key: Key | None, deadline: float) -> PromptkitError:
    """The error for a step without a picture that another process asked for at the same time: of the same class, with the same advice."""
    last = record.attempts[-1]
    said, reason, text = (str(last.get(name) or "") for name in ("message", "finish_reason", "text"))
    then = _error_then(last, sent=record.outcome == "interrupted")
    if then is None and record.outcome == "error":  # an earlier promptkit recorded no more than this
        kind = BY_STATUS.get(last.status, ProviderError) if isinstance(last.status, int) else ProviderError
        then = kind(f"The service answered with an error ({reason:.80}): {said:.300}; try again later.", message=said)
    reply = Reply(record.outcome, text=text, reason=reason or None, message=said, error=then)
    error = failure(record, reply, endpoint=endpoint, key=key, deadline=deadline)
    error.args = (f"Another process asked for the same just now, and nothing was sent again. Step {record.number} of it says: {error}",)
    return error


def _error_then(attempt: Attempt, *, sent: bool) -> PromptkitError | None:
    """The error that an attempt ended in, made again; None where there was none, or it is of no class that an attempt ends in."""
    told = attempt.error
    kind = getattr(errors, str(told.kind), None) if told else None
    if told is None or not isinstance(kind, type) or not issubclass(kind, RECORDED):
        return None
    sentence = str(told.sentence or "")
    if issubclass(kind, TransportError):
        return kind(sentence, sent=sent)
    if not issubclass(kind, ProviderError):
        return kind(sentence)
    wait = told.retry_after if isinstance(told.retry_after, int | float) else None
    status = told.status if isinstance(told.status, int) else 0
    message = str(attempt.message or attempt.link or "")
    return kind(sentence, status=status, code=told.code, message=message, retry_after=wait)


def _quota_after(error: RateLimited) -> QuotaExceeded:
    """A wait that no deadline allows is a quota's: its end is said."""
    hours, seconds = divmod(round(error.retry_after or 0), 3600)
    wait = f"{hours} h {seconds // 60} min" if hours else f"{seconds // 60} min {seconds % 60} s"
    sentence = f"{error} The service names a wait of {wait}, longer than deadline= allows: ask again then, or use another model or key."
    same = {k: getattr(error, k) for k in ("status", "code", "message", "details", "retry_after")}
    return QuotaExceeded(sentence, **same)


def _refused(record: Record, reply: Reply, why: str) -> Refused:
    from promptkit.providers.service_errors import brief

    said = brief(reply.message or reply.text)
    sentence = f"The service refused{why}{f': {said}' if said else ''}; change the prompt or the picture."
    return Refused(sentence, text=reply.text, reason=reply.reason, attempts=record.attempts, message=reply.message)


def _advice(error: PromptkitError, model: str, endpoint: Endpoint, key: Key | None, deadline: float) -> str:
    if isinstance(error, KeyRejected) and key and key.is_gateways and endpoint.name == "google":
        return ' The key begins with sk-, as gateways\' keys do: name the gateway, such as endpoint="deerapi".'
    if isinstance(error, KeyRejected) and key and key.source:
        others = other_variables(endpoint, key)
        unused = f"; {' and '.join(others)} {'is' if len(others) == 1 else 'are'} set too, and not used" if others else ""
        return f" The key came from {key.source}{unused}."
    if isinstance(error, KeyRejected) and key is None and endpoint.key_env:
        return f" No key was sent: set {endpoint.key_env[0]}, or pass api_key=."
    if endpoint.host.endswith("aiplatform.googleapis.com") and "/" not in model and getattr(error, "status", None) == 404:
        return f" Models there are named with their publisher: model={f'publishers/google/models/{model}'!r}."
    if isinstance(error, TransportError) and error.sent:
        return f" It may have been charged. Try again later, or allow more than {deadline:g} seconds with deadline=."
    notice = models.shutdown_notice(model, datetime.now(UTC).date()) if isinstance(error, ModelNotFound) else None
    return f" {notice}" if notice else ""
