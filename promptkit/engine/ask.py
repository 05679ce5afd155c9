"""The one loop that asks for a step: it asks, notes the attempt on disk, asks `recovery` what comes next, and checks the budget and the
deadline before each request. `ask_together` runs it several times at once.
"""

from __future__ import annotations

import json
import logging
import random
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from promptkit.config import Endpoint, Key, keys_set
from promptkit.engine import recovery
from promptkit.engine.budget import Budget
from promptkit.engine.plan import Plan, record_fields
from promptkit.engine.rate_limit import Gate
from promptkit.errors import (
    BudgetExceeded,
    KeyRejected,
    LineageError,
    ModelNotFound,
    NoPicture,
    OutOfCredit,
    PromptkitError,
    QuotaExceeded,
    RateLimited,
    Refused,
    SettingsError,
    TransportError,
)
from promptkit.lineage.pending_step import PendingStep
from promptkit.lineage.record import Record, now
from promptkit.lineage.tree import Lineage
from promptkit.progress import Progress
from promptkit.providers import gemini as wire
from promptkit.providers import models
from promptkit.providers.transport import Transport
from promptkit.session.changes import cheap_warnings

__all__ = ["Answer", "Service", "ask", "ask_together", "refuse_key"]

HOPELESS = (KeyRejected, ModelNotFound, OutOfCredit, QuotaExceeded)
SIZE_LIMIT = 100_000_000  # bytes of a request; Google's limit for pictures sent inline

log = logging.getLogger("promptkit")


@dataclass(frozen=True)
class Service:
    """Where steps are asked for and recorded, and within which bounds; `deadline` is in seconds for one step."""

    lineage: Lineage
    endpoint: Endpoint
    key: Key | None
    transport: Transport
    gate: Gate
    budget: Budget
    recover: int
    deadline: float


@dataclass(frozen=True)
class Answer:
    """A record, and the error to raise for it where it has no picture."""

    record: Record
    error: PromptkitError | None


def ask(service: Service, plan: Plan) -> Answer:
    """Asks for one step until there is a picture or an end. Raises only where nothing was sent, and what Ctrl-C raises."""
    with Progress() as progress:
        asking = _Asking(service, plan, progress, threading.Event())
        return asking.run(asking.start())


def ask_together(service: Service, plans: Sequence[Plan], workers: int) -> list[Answer | PromptkitError]:
    """Asks for several steps, `workers` at once; an error stands for one that was not sent. Ctrl-C records those in flight."""
    with Progress(len(plans)) as progress:
        stop = threading.Event()
        together = _Together([_Asking(service, plan, progress, stop) for plan in plans], progress, stop)
        together.run(min(workers, len(plans)))
    return [_answer_or_error(together.results[i]) for i in range(len(plans))]


class _Together:
    """Several steps on their way at once; each worker takes the next one that nobody has begun."""

    def __init__(self, asking: Sequence[_Asking], progress: Progress, stop: threading.Event) -> None:
        self.results: dict[int, Answer | BaseException] = {}
        self._asking, self._progress, self._stop = asking, progress, stop
        self._waiting = iter(enumerate(asking))
        self._hopeless: list[PromptkitError] = []  # a key or a balance that is no good for one is no good for the others
        self._lock = threading.Lock()

    def run(self, workers: int) -> None:
        """Returns when all are done; Ctrl-C ends it at once."""
        # daemons, so that a request which still hangs does not keep the interpreter after Ctrl-C
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        except BaseException:
            self._stop.set()
            for one in self._asking:
                one.interrupt()
            raise

    def _work(self) -> None:
        while not self._stop.is_set() and (begun := self._next()):
            i, one, request = begun
            self.results[i] = request if isinstance(request, BaseException) else _finished(one, request)
            if isinstance(said := _error_of(self.results[i]), HOPELESS):
                self._hopeless.append(said)
            self._progress.advance()

    def _next(self) -> tuple[int, _Asking, wire.Request | BaseException] | None:
        """The next one and its first request, or what keeps it from being sent; one after the other, so that numbers follow the order."""
        with self._lock:
            for i, one in self._waiting:
                return i, one, self._hopeless[0] if self._hopeless else _started(one)
        return None


def _started(asking: _Asking) -> wire.Request | BaseException:
    try:
        return asking.start()
    except BaseException as error:
        return error


def _finished(asking: _Asking, request: wire.Request) -> Answer | BaseException:
    try:
        return asking.run(request)
    except BaseException as error:
        return error


def _error_of(result: Answer | BaseException) -> BaseException | None:
    return result.error if isinstance(result, Answer) else result


def _answer_or_error(result: Answer | BaseException) -> Answer | PromptkitError:
    """Raises what is none of ours, such as an error in a transport of the caller's."""
    if not isinstance(result, Answer | PromptkitError):
        raise result
    return result


class _Asking:
    """One step on its way."""

    def __init__(self, service: Service, plan: Plan, progress: Progress, stop: threading.Event) -> None:
        self._service, self._plan, self._progress, self._stop = service, plan, progress, stop
        self._draft: PendingStep | None = None
        self._asks = [recovery.Ask(plan.prompt.text)]
        self._replies: list[wire.Reply] = []
        self._reserved = 0.0
        self._estimate: float | None = None
        self._deadline = 0.0
        self._unaffordable: BudgetExceeded | None = None

    def start(self) -> wire.Request:
        """The first request, with a number claimed for the step; raises what keeps it from being sent."""
        self._deadline = time.monotonic() + self._service.deadline
        fields = record_fields(self._plan, label=self._plan.label, meta=self._plan.meta)
        refuse_key(self._service.key, fields)
        self._service.budget.check_price(self._plan.model, self._plan.endpoint, self._plan.config.get("image_size"))
        request = self._request(self._asks[0])
        wire.check_length(request, SIZE_LIMIT)
        self._reserve()
        try:
            self._draft = self._begin(fields)
        except BaseException:
            self._service.budget.release(self._reserved)
            raise
        return request

    def run(self, request: wire.Request) -> Answer:
        """The answer, whatever its outcome."""
        assert self._draft is not None
        try:
            if not self._pass_gate():
                raise self._held()
            reply = self._attempt(self._draft, request)
            while following := self._affordable(self._following(reply)):
                if not self._wait(following):
                    break
                self._asks.append(following)
                reply = self._attempt(self._draft, self._request(following))
            return self._answer(self._draft, reply)
        except BaseException:
            self.interrupt()
            raise
        finally:
            self._service.budget.release(self._reserved)

    def interrupt(self) -> None:
        """Records the step as it stands, if anything was sent: whoever asked has gone."""
        if self._draft is not None and self._draft.fields["attempts"]:
            self._draft.commit("interrupted")
        elif self._draft is not None:
            self._draft.drop()

    def _begin(self, fields: Mapping[str, Any]) -> PendingStep:
        lineage, plan = self._service.lineage, self._plan
        lineage.create()
        for source in plan.sources:
            if source.step is None:
                lineage.keep_source(source.picture)
        if plan.prompt.digest and plan.prompt.files:
            lineage.keep_template(plan.prompt.digest, plan.prompt.files)
        return lineage.begin(plan.slug, fields)

    def _reserve(self) -> None:
        plan = self._plan
        self._estimate = models.estimate(plan.model, plan.endpoint, image_size=plan.config.get("image_size"))
        self._reserved += self._service.budget.reserve(self._estimate)

    def _settle(self, reply: wire.Reply, cost: Mapping[str, Any] | None) -> None:
        """Keeps aside what the answer cost, and gives the rest back; one that broke off, or was not counted, may have cost it all."""
        if self._reserved and reply.outcome != "interrupted" and cost is not None:
            rest = (self._estimate or 0.0) - cost["usd"]
            self._service.budget.release(rest)
            self._reserved -= rest

    def _request(self, following: recovery.Ask) -> wire.Request:
        plan = self._plan
        config = {k: v for k, v in plan.config.items() if not (following.seedless and k == "seed")}
        return wire.encode(following.text, plan.pictures(), model=plan.model, config=config, history=plan.history)

    def _attempt(self, draft: PendingStep, request: wire.Request) -> wire.Reply:
        asked = self._asks[-1]
        draft.attempt({"started": now(), "sent_text": asked.text, **({"without": ["seed"]} if asked.seedless else {})})
        self._progress.say("waiting for the picture" if len(self._asks) == 1 else f"attempt {len(self._asks)}, waiting for the picture")
        left = max(0.001, self._deadline - time.monotonic())
        sys.audit("promptkit.send", request)  # whoever wants to see all that goes out adds a hook with sys.addaudithook
        try:
            reply = wire.decode(self._service.transport.send(replace(request, timeout=min(request.timeout, left))))
        except TransportError as error:
            reply = recovery.unanswered(error)
        draft.hold(reply.pictures)
        reply = _scrubbed(reply, self._service.key)
        self._replies.append(reply)
        cost = self._cost(reply)
        draft.answer(self._noted(reply, cost), reply.pictures, _warnings(self._plan, reply))
        self._settle(reply, cost)
        return reply

    def _cost(self, reply: wire.Reply) -> dict[str, Any] | None:
        plan = self._plan
        size = plan.config.get("image_size")
        if reply.outcome == "error" and models.estimate(plan.model, plan.endpoint, image_size=size) is not None:
            return {"usd": 0.0, "basis": "errors are not charged"}
        return models.cost(plan.model, plan.endpoint, usage=reply.usage, pictures=len(reply.pictures), image_size=size)

    def _noted(self, reply: wire.Reply, cost: Mapping[str, Any] | None) -> dict[str, Any]:
        return {
            "ended": now(),
            "outcome": reply.outcome,
            "text": reply.text,
            "finish_reason": reply.reason,
            "message": reply.message,
            "usage": dict(reply.usage),
            "cost": cost,
            "response_id": reply.response_id,
            "model_version": reply.model_version,
            "status": reply.status,
            "turn": self._turn(reply),
        }

    def _turn(self, reply: wire.Reply) -> str | None:
        if self._plan.chain != "chat" or not reply.pictures or reply.content is None:
            return None
        packed = wire.pack_turn(reply.content, reply.pictures).decode()
        key = self._service.key
        try:
            return self._service.lineage.keep_extra((key.scrub(packed) if key else packed).encode())
        except LineageError:  # then the next edit starts from the picture alone, which must not be lost with it
            return None

    def _following(self, reply: wire.Reply) -> recovery.Ask | None:
        if reply.outcome == "picture" or self._stop.is_set():
            return None
        following = recovery.next_ask(
            self._replies,
            self._asks,
            editing=bool(self._plan.sources),
            lang=self._plan.lang,
            recover=self._service.recover,
            jitter=random.random(),  # noqa: S311  (spreads waits, guards nothing)
        )
        if following is None or time.monotonic() + following.wait >= self._deadline:
            return None
        return following

    def _affordable(self, following: recovery.Ask | None) -> recovery.Ask | None:
        try:
            if following is not None:
                self._reserve()
        except BudgetExceeded as error:
            self._unaffordable = error
            return None
        return following

    def _wait(self, following: recovery.Ask) -> bool:
        """Waits before the next attempt, and keeps others from asking meanwhile where the service said so; whether it may go on."""
        reply = self._replies[-1]
        if not following.wait:
            log.info("asking again: %s", following.cause)
            return self._pass_gate()
        if isinstance(reply.error, RateLimited):
            self._service.gate.close(following.wait)
        log.info("waiting %.1f s: %s", following.wait, reply.message or reply.reason)
        self._progress.say(f"attempt {len(self._asks) + 1} in {following.wait:.0f} s, the service is busy")
        self._stop.wait(following.wait)
        return self._pass_gate()

    def _pass_gate(self) -> bool:
        """Waits as long as another request to this endpoint was told to; whether there is time left, and nobody has stopped it."""
        while not self._stop.is_set() and (closed := self._service.gate.closed_for()):
            if time.monotonic() + closed >= self._deadline:
                return False
            log.info("waiting %.1f s: %s keeps another request waiting", closed, self._service.endpoint.name)
            self._progress.say(f"in {closed:.0f} s, the service is busy with others")
            self._stop.wait(closed * (1 + random.random() / 10))  # noqa: S311  (so that not all go out in the same moment)
        return not self._stop.is_set()

    def _held(self) -> BaseException:
        if self._stop.is_set():
            return KeyboardInterrupt()
        seconds, name = self._service.gate.closed_for(), self._service.endpoint.name
        allowed = f"longer than deadline={self._service.deadline:g} allows"
        said = f"{name} asked for a wait, and takes nothing for {seconds:.0f} s more, {allowed}. Nothing was sent; try again then."
        return RateLimited(said, status=429, retry_after=seconds)

    def _answer(self, draft: PendingStep, reply: wire.Reply) -> Answer:
        stopped = self._stop.is_set() and reply.outcome != "picture"
        record = draft.commit("interrupted" if stopped else reply.outcome)
        return Answer(record, None if record.ok else self._unaffordable or _failure(self._service, self._plan, record, reply))


def refuse_key(key: Key | None, said: object) -> None:
    """SettingsError where something that would be sent or recorded holds the key, or one that is set for another endpoint."""
    text = json.dumps(said, ensure_ascii=False)
    if any(k.within(text) for k in (*keys_set(), *([key] if key else ()))):
        raise SettingsError("The prompt, an input or another value of the call holds a key; take it out: it would be sent and recorded.")


def _scrubbed(reply: wire.Reply, key: Key | None) -> wire.Reply:
    """The reply without the key, should the service have echoed it."""
    if key is None:
        return reply
    if reply.error is not None:
        reply.error.args = key.scrub(reply.error.args)
        vars(reply.error).update(key.scrub(vars(reply.error)))
    names = ("text", "reason", "message", "usage", "model_version", "response_id", "warnings")
    return replace(reply, **{n: key.scrub(getattr(reply, n)) for n in names})


def _warnings(plan: Plan, reply: wire.Reply) -> list[str]:
    said = list(reply.warnings)
    asked = plan.config.get("aspect_ratio")
    size = reply.pictures[0].size if reply.pictures else None
    if asked and size:
        wide, high = map(float, asked.split(":"))
        if abs(size[0] / size[1] / (wide / high) - 1) > 0.05:
            said.append(f"aspect_ratio {asked} was asked for, and the picture has {size[0]}×{size[1]} pixels")
    if plan.sources and plan.sources[0].role == "base":
        said += cheap_warnings(plan.sources[0].picture, reply.pictures, plan.config)
    if reply.model_version and not _is_same_model(plan.model, reply.model_version):
        said.append(f"{plan.model} was asked for, and {reply.model_version} answered")
    return said


def _is_same_model(asked: str, answered: str) -> bool:
    """Whether one name is the other with a version, a date or a provider's name added: gemini/x, models/x, x-001, x-preview."""
    one, other = (name.rpartition("/")[2].lower() for name in (asked, answered))
    return one.startswith(other) or other.startswith(one)


# What to raise for a step that brought no picture


def _failure(service: Service, plan: Plan, record: Record, reply: wire.Reply) -> PromptkitError:
    why = f" ({reply.reason})" if reply.reason else ""
    times = "once" if len(record.attempts) == 1 else f"{len(record.attempts)} times"
    if reply.error is not None:
        reply.error.args = (f"{reply.error}{_advice(service, plan, reply.error)}",)
        return reply.error
    if reply.outcome == "refused":
        return _refused(record, reply, why)
    if reply.outcome == "interrupted":
        return TransportError(f"The reply broke off{why}, asked {times}; it may have been charged. Try again later.", sent=True)
    said = f": {reply.text[:300]!r}" if reply.text else ""
    sentence = f"The model answered without a picture{why}, asked {times}{said}; say in the prompt what the picture should show."
    return NoPicture(sentence, text=reply.text, reason=reply.reason, attempts=record.attempts)


def _refused(record: Record, reply: wire.Reply, why: str) -> Refused:
    said = reply.message or reply.text[:300]
    sentence = f"The service refused{why}{f': {said}' if said else ''}; change the prompt or the picture."
    return Refused(sentence, text=reply.text, reason=reply.reason, attempts=record.attempts, message=reply.message)


def _advice(service: Service, plan: Plan, error: PromptkitError) -> str:
    if isinstance(error, KeyRejected) and service.key and service.key.is_gateways and service.endpoint.name == "google":
        return ' The key begins with sk-, as gateways\' keys do: name the gateway, such as endpoint="deerapi".'
    if isinstance(error, KeyRejected) and service.key is None and service.endpoint.key_env:
        return f" No key was sent: set {service.endpoint.key_env[0]}, or pass api_key=."
    if isinstance(error, TransportError) and error.sent:
        return f" It may have been charged. Try again later, or allow more than {service.deadline:g} seconds with deadline=."
    notice = models.shutdown_notice(plan.model, datetime.now(UTC).date()) if isinstance(error, ModelNotFound) else None
    return f" {notice}" if notice else ""
