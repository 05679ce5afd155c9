"""The one loop that asks for a step: it asks, notes the attempt on disk, asks `recovery` what comes next, and checks the budget and the
deadline before each request. `parallel` runs it for several steps at once.
"""

from __future__ import annotations

import logging
import random
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from promptkit.cost import Cost
from promptkit.engine import recovery
from promptkit.engine.budget import Budget
from promptkit.engine.failures import failure, recorded_error
from promptkit.engine.plan import Plan, record_fields
from promptkit.engine.rate_limit import RateLimit
from promptkit.engine.request_claim import RequestClaim
from promptkit.engine.sums import Sums, negative, plus
from promptkit.errors import BudgetExceeded, LineageError, PromptkitError, ProviderError, RateLimited, TransportError
from promptkit.lineage.pending_step import PendingStep
from promptkit.lineage.record import Record, now
from promptkit.lineage.schema import RecordedCost
from promptkit.lineage.tree import Lineage
from promptkit.progress import Listener, Progress
from promptkit.providers import models
from promptkit.providers.endpoints import Endpoint
from promptkit.providers.keys import Key, refuse_key
from promptkit.providers.message import Reply, Request, Response, Turn, check_length, is_ok
from promptkit.providers.transport import Transport

if TYPE_CHECKING:  # is loaded where a region is edited
    from promptkit.engine.region_plan import RegionEdit, SentCut

__all__ = ["Answer", "Asking", "Service", "ask"]

log = logging.getLogger("promptkit")
MOST_SAID = 16_000  # characters of a service's words in a record, of which any may take four bytes
MOST_NAMED = 300  # characters of a name that a service gives
MOST_KEPT = 32_000_000  # bytes of an answer that are kept beside the record


@dataclass(frozen=True)
class Service:
    """Where steps are asked for and recorded, and within which bounds; `deadline` is in seconds for one step.

    `job` names the batch job whose answers the transport brings: then nothing goes out, each is brought once, and costs what it does there.
    """

    lineage: Lineage
    endpoint: Endpoint
    key: Key | None
    transport: Transport
    rate_limit: RateLimit
    budget: Budget
    recover: int
    deadline: float
    on_progress: Listener | None = None
    job: str | None = None


@dataclass(frozen=True)
class Answer:
    """A record, the error to raise for it where it has no picture, and whether it was there already."""

    record: Record
    error: PromptkitError | None = None
    reused: bool = False


def ask(service: Service, plan: Plan, claim: RequestClaim) -> Answer:
    """Asks for one step until there is a picture or an end. Raises only where nothing was sent (Taken and OnRecord, where it is not its
    turn to ask), and what Ctrl-C raises.
    """
    with Progress(listener=service.on_progress) as progress:
        asking = Asking(service, plan, claim, progress, threading.Event())
        return asking.run(asking.start())


class Asking:
    """One step on its way: `start`, then `run` with the request that it gave; `stop`, once set, keeps it from asking any more."""

    def __init__(self, service: Service, plan: Plan, claim: RequestClaim, progress: Progress, stop: threading.Event) -> None:
        self._service, self._plan, self._request_claim, self._progress, self._stop = service, plan, claim, progress, stop
        self._dialect = service.endpoint.dialect_of(plan.model)
        self._step: PendingStep | None = None
        self._cut: SentCut | None = None  # what is shown of the base, where a region of it is edited
        self._asks = [recovery.Ask(plan.prompt.text)]
        self._kept: list[str] = []  # of the cut and its mask
        self._replies: list[Reply] = []
        self._reserved: Sums = {}
        self._estimate: Cost | None = None
        self._deadline = 0.0
        self._unaffordable: BudgetExceeded | None = None

    def start(self) -> Request:
        """The first request, with a number claimed for the step; raises what keeps it from being sent."""
        self._deadline = time.monotonic() + self._service.deadline
        fields = record_fields(self._plan, label=self._plan.label, meta=self._plan.meta)
        refuse_key(self._service.key, fields)
        if self._plan.region:
            fields |= self._cut_out(self._plan.region)
        self._service.endpoint.check_options(self._plan.model, self._plan.config)
        self._service.budget.check_price(self._plan.model, self._plan.endpoint, self._plan.config.get("image_size"))
        request = self._request(self._asks[0])
        check_length(request, self._dialect.largest_body)
        self._request_claim.check()
        self._service.budget.check_limit(self._price())  # before anything is made on disk
        try:
            self._service.lineage.create()
            self._request_claim.take()
            self._reserve()  # afterwards, so that who waits for another process's step needs no money for it
            self._step = self._begin(fields)
        except BaseException:
            self._request_claim.end()
            self._service.budget.release(self._reserved)
            raise
        return request

    def _cut_out(self, region: RegionEdit) -> dict[str, Any]:
        """Cuts the region out, and puts the prompt into words for that; what the record holds of it."""
        self._cut = region.sent(self._plan.model)
        self._asks = [recovery.Ask(self._cut.words(self._plan.prompt.text, self._plan.lang))]
        return {"region": self._cut.fields()}

    def run(self, request: Request) -> Answer:
        """The answer, whatever its outcome."""
        assert self._step is not None
        try:
            if not self._is_free():
                raise self._held()
            reply = self._attempt(self._step, request)
            while following := self._affordable(self._following(reply)):
                if not self._wait(following):
                    break
                self._asks.append(following)
                reply = self._attempt(self._step, self._request(following))
            return self._answer(self._step, reply)
        except BaseException:
            self.interrupt()
            raise
        finally:
            self._request_claim.end()
            self._service.budget.release(self._reserved)

    def interrupt(self) -> None:
        """Records the step as it stands, if anything was sent: whoever asked has gone."""
        try:
            if self._step is not None and self._step.fields["attempts"]:
                self._step.commit("interrupted")
            elif self._step is not None:
                self._step.drop()
        finally:
            self._request_claim.end()

    def _begin(self, fields: Mapping[str, Any]) -> PendingStep:
        lineage, plan = self._service.lineage, self._plan
        for source in plan.sources:
            if source.step is None:
                lineage.keep_source(source.picture)
        self._kept = self._cut.keep(lineage) if self._cut else []
        if plan.prompt.digest and plan.prompt.files:
            lineage.keep_template(plan.prompt.digest, plan.prompt.files)
        return lineage.begin(plan.slug, fields)

    def _reserve(self) -> None:
        self._estimate = self._price()
        self._reserved = plus(self._reserved, self._service.budget.reserve(self._estimate, self._reserved))

    def _price(self) -> Cost | None:
        plan = self._plan
        return models.estimate(plan.model, plan.endpoint, image_size=plan.config.get("image_size"), in_batch=self._is_in_batch)

    @property
    def _is_in_batch(self) -> bool:
        return self._service.job is not None

    def _settle(self, reply: Reply, cost: Mapping[str, Any] | None) -> None:
        """Keeps aside what the answer cost, and gives the rest back; one that broke off, or was not counted, may have cost it all."""
        if self._estimate is not None and reply.outcome != "interrupted" and cost is not None:
            rest = (self._estimate - RecordedCost(cost).value).amounts
            given_back = {unit: amount for unit, amount in rest.items() if unit in self._reserved}
            self._service.budget.release(given_back)
            self._reserved = plus(self._reserved, negative(given_back))

    def _request(self, following: recovery.Ask) -> Request:
        plan = self._plan
        config, pictures = dict(plan.config), plan.pictures()
        if self._cut:
            pictures = self._cut.pictures(pictures)
            config |= {"aspect_ratio": self._cut.cut.ratio} if "aspect_ratio" in self._dialect.options else {}
        config = {k: v for k, v in config.items() if k not in following.without}
        return self._dialect.encode(Turn(following.text, pictures, plan.model, config, plan.history))

    def _attempt(self, step: PendingStep, request: Request) -> Reply:
        asked = self._asks[-1]
        noted: dict[str, Any] = {"started": now(), "sent_text": asked.text}
        noted |= {"without": list(asked.without)} if asked.without else {}
        noted |= {"batch": self._service.job} if self._is_in_batch else {}
        step.attempt(noted | ({"kept": self._kept} if self._kept else {}), is_answered=self._is_in_batch)
        self._progress.say("waiting for the picture" if len(self._asks) == 1 else f"attempt {len(self._asks)}, waiting for the picture")
        left = max(0.001, self._deadline - time.monotonic())
        if not self._is_in_batch:
            sys.audit("promptkit.send", request)  # whoever wants to see all that goes out adds a hook with sys.addaudithook
        response, reply = self._reply(replace(request, timeout=min(request.timeout, left)))
        if reply.error is not None and reply.was_too_large:
            reply.error.args = (f"{reply.error} It was {len(request) / 1e6:.1f} MB.",)
        if not self._cut:
            step.hold(reply.pictures)
        reply = _scrubbed(reply, self._service.key)
        cost, warnings = self._cost(reply), _warnings(self._plan, reply)
        reply, beside = self._laid_in(step, reply, warnings) if self._cut else (reply, [])
        self._replies.append(reply)
        noted = {**self._noted(reply, cost), **self._kept_beside(response, reply, beside)}
        step.answer(noted, reply.pictures, warnings)
        self._settle(reply, cost)
        return reply

    def _laid_in(self, step: PendingStep, reply: Reply, warnings: list[str]) -> tuple[Reply, list[str]]:
        """The reply with its pictures laid into the base, and the sha256 of what is kept of the request and of the answer."""
        if not self._cut or not reply.pictures:
            return reply, self._kept
        from promptkit.engine.region_plan import kept_answers, laid_into_base

        kept, left = kept_answers(reply.pictures, self._service.lineage)
        step.keep([*self._kept, *kept])
        done = laid_into_base(self._cut, reply, left)
        warnings += done.warnings
        step.fields["region"] = {**step.fields["region"], "answers": list(done.answers)}
        return done.reply, [*self._kept, *kept]

    def _reply(self, request: Request) -> tuple[Response | None, Reply]:
        """What came, as far as it came, and what it says."""
        try:
            response = self._service.transport.send(request)
        except TransportError as error:
            came: Response | None = error.came
            error.came = None  # what is raised carries no body of a service's, nor do the frames that it came through
            unanswered = recovery.unanswered(error.with_traceback(None))
            if came is None or not came.body or not is_ok(came.status):
                return None, unanswered
            reply = self._understood(came)
            if reply.pictures:
                broke = () if any("broke off" in w for w in reply.warnings) else ("the reply broke off behind its picture",)
                return came, replace(reply, warnings=(*reply.warnings, *broke), content=None)
            return came, replace(unanswered, kept=reply.kept, text=reply.text, usage=reply.usage, tokens=reply.tokens, status=came.status)
        return response, self._understood(response)

    def _understood(self, response: Response) -> Reply:
        try:
            return self._dialect.decode(response)
        except Exception as error:  # whatever a service sends, and whatever a dialect makes of it, what was paid for is recorded
            said = f"The answer could not be understood ({type(error).__name__}); what came is kept in the session's folder, in extra/."
            failed = ProviderError(said, status=response.status, message=said)
            return Reply("error", reason="NOT_UNDERSTOOD", message=said, error=failed, status=response.status)

    def _kept_beside(self, response: Response | None, reply: Reply, beside: Sequence[str]) -> dict[str, Any]:
        """What is kept in extra/ of an answer that brought no picture, or not all of its words: bounded, and without the key. `beside` is
        there already.
        """
        noted: dict[str, Any] = {"link": reply.link} if reply.link else {}
        if kept := [*beside, *(name for data in reply.kept if (name := self._keep(data)))]:
            noted["kept"] = kept
        is_long = len(reply.text) > MOST_SAID or len(reply.message) > MOST_SAID
        if response is not None and response.body and is_ok(response.status) and (is_long or not reply.pictures):
            from promptkit.providers.body import unpacked

            noted["body"] = self._keep(unpacked(response.body[:MOST_KEPT])[:MOST_KEPT])
        return noted

    def _keep(self, data: bytes) -> str | None:
        key = self._service.key
        try:
            return self._service.lineage.keep_extra(key.scrub(data[:MOST_KEPT]) if key else data[:MOST_KEPT])
        except LineageError:  # no room: the record, which is small, says what came
            return None

    def _cost(self, reply: Reply) -> dict[str, Any] | None:
        plan = self._plan
        size = plan.config.get("image_size")
        ran = reply.status is not None and is_ok(reply.status)
        if reply.outcome == "error" and not ran and models.estimate(plan.model, plan.endpoint, image_size=size) is not None:
            return {"usd": 0.0, "basis": "errors are not charged"}
        came = reply.pictures[0].size if reply.pictures else None
        size = models.cost_size(plan.model, plan.endpoint, size, came)
        brought, batch = len(reply.pictures), self._is_in_batch
        return models.cost(plan.model, plan.endpoint, tokens=reply.tokens, pictures=brought, image_size=size, in_batch=batch)

    def _noted(self, reply: Reply, cost: Mapping[str, Any] | None) -> dict[str, Any]:
        return {
            "ended": now(),
            "outcome": reply.outcome,
            "text": _bounded(reply.text),
            "finish_reason": reply.reason,
            "message": _bounded(reply.message),
            "usage": dict(reply.usage),
            "cost": cost,
            "response_id": reply.response_id and reply.response_id[:MOST_NAMED],
            "model_version": reply.model_version and reply.model_version[:MOST_NAMED],
            "status": reply.status,
            "turn": self._turn(reply),
            **({"error": recorded_error(reply.error)} if reply.error else {}),
        }

    def _turn(self, reply: Reply) -> str | None:
        if self._plan.chain != "chat" or not reply.pictures:
            return None
        kept, key = self._dialect.keep(reply), self._service.key
        if kept is None:
            return None
        try:
            return self._service.lineage.keep_extra(key.scrub(kept) if key else kept)
        except LineageError:  # then the next edit starts from the picture alone, which must not be lost with it
            return None

    def _following(self, reply: Reply) -> recovery.Ask | None:
        if reply.outcome == "picture" or self._stop.is_set() or self._is_in_batch:
            return None
        following = recovery.next_ask(
            self._replies,
            self._asks,
            editing=any(source.role == "base" for source in self._plan.sources),
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
            return self._is_free()
        if isinstance(reply.error, RateLimited):
            self._service.rate_limit.hold(following.wait)
        log.info("waiting %.1f s: %s", following.wait, reply.message or reply.reason)
        self._progress.say(f"attempt {len(self._asks) + 1} in {following.wait:.0f} s, the service is busy")
        self._stop.wait(following.wait)
        return self._is_free()

    def _is_free(self) -> bool:
        """Waits as long as another request to this endpoint was told to; whether there is time left, and nobody has stopped it."""
        while not self._stop.is_set() and (held := self._service.rate_limit.seconds_left()):
            if time.monotonic() + held >= self._deadline:
                return False
            log.info("waiting %.1f s: %s keeps another request waiting", held, self._service.endpoint.name)
            self._progress.say(f"in {held:.0f} s, the service is busy with others")
            self._stop.wait(held * (1 + random.random() / 10))  # noqa: S311  (so that not all go out in the same moment)
        return not self._stop.is_set()

    def _held(self) -> BaseException:
        if self._stop.is_set():
            return KeyboardInterrupt()
        seconds, name = self._service.rate_limit.seconds_left(), self._service.endpoint.name
        allowed = f"longer than deadline={self._service.deadline:g} allows"
        said = f"{name} asked for a wait, and takes nothing for {seconds:.0f} s more, {allowed}. Nothing was sent; try again then."
        return RateLimited(said, status=429, retry_after=seconds)

    def _answer(self, step: PendingStep, reply: Reply) -> Answer:
        stopped = self._stop.is_set() and reply.outcome != "picture"
        if self._unaffordable:
            step.fields["attempts"][-1]["error"] = recorded_error(self._unaffordable)
        record = step.commit("interrupted" if stopped else reply.outcome)
        if record.ok:
            return Answer(record, None)
        service = self._service
        said = self._unaffordable or failure(record, reply, endpoint=service.endpoint, key=service.key, deadline=service.deadline)
        return Answer(record, said)


def _bounded(said: str) -> str:
    return said if len(said) <= MOST_SAID else f"{said[:MOST_SAID]}…"


def _scrubbed(reply: Reply, key: Key | None) -> Reply:
    """The reply without the key, should the service have echoed it."""
    if key is None:
        return reply
    if reply.error is not None:
        reply.error.args = key.scrub(reply.error.args)
        vars(reply.error).update(key.scrub(vars(reply.error)))
    names = ("text", "reason", "message", "usage", "model_version", "response_id", "warnings", "link")
    return replace(reply, **{n: key.scrub(getattr(reply, n)) for n in names})


def _warnings(plan: Plan, reply: Reply) -> list[str]:
    said = list(reply.warnings)
    asked = plan.config.get("aspect_ratio")
    size = reply.pictures[0].size if reply.pictures else None
    if asked and size:
        wide, high = map(float, asked.split(":"))
        if abs(size[0] / size[1] / (wide / high) - 1) > 0.05:
            said.append(f"aspect_ratio {asked} was asked for, and the picture has {size[0]}×{size[1]} pixels")
    wanted = plan.config.get("image_size")
    if wanted and size and (got := models.size_of(size)) != wanted and min(size) >= 256:
        said.append(f"image_size {wanted} was asked for, and the picture is of {got} ({size[0]}×{size[1]} pixels)")
    if plan.sources and plan.sources[0].role == "base" and not plan.region:
        from promptkit.images.changes import cheap_warnings

        said += cheap_warnings(plan.sources[0].picture, reply.pictures, plan.config)
    if reply.model_version and not _is_same_model(plan.model, reply.model_version):
        said.append(f"{plan.model} was asked for, and {reply.model_version} answered")
    return said


def _is_same_model(asked: str, answered: str) -> bool:
    """Whether one name is the other with a version, a date or a provider's name added: gemini/x, models/x, x-001, x-preview."""
    one, other = (name.rpartition("/")[2].lower() for name in (asked, answered))
    return one.startswith(other) or other.startswith(one)
