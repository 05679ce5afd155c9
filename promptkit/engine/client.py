"""A client asks one model at one endpoint for the steps of one folder, on the terms of a session. Sessions and replays ask through it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from promptkit import config as settings
from promptkit.cost import FREE, Cost, Money
from promptkit.engine import recovery
from promptkit.engine.ask import Answer, Service
from promptkit.engine.asked_models import note_model, tell_of_model
from promptkit.engine.budget import Budget
from promptkit.engine.engine import Engine
from promptkit.engine.labels import LIBRARY, Named, Words
from promptkit.engine.nearest_step import Near, difference, nearest, unmeant
from promptkit.engine.options import (
    check_call,
    checked_config,
    checked_label,
    checked_lang,
    checked_meta,
    checked_pictures,
    checked_prompt,
    checked_words,
)
from promptkit.engine.plan import (
    Plan,
    Source,
    drawn_step,
    history,
    known_hints,
    prompt_to_ask,
    record_fields,
    recorded_config,
    recorded_prompt,
    recorded_sources,
    with_library_pictures,
)
from promptkit.engine.rate_limit import RateLimit, rate_limit_of
from promptkit.engine.recorded_templates import recorded_wordings
from promptkit.errors import LineageError, NotRecorded, PromptkitError, SettingsError, TransportError, warn
from promptkit.images.picture import Picture
from promptkit.lineage.record import Record
from promptkit.progress import Listener
from promptkit.prompts.template import Prompt
from promptkit.prompts.unfinished import doubt
from promptkit.providers import models
from promptkit.providers.dialect import Dialect, interleaves
from promptkit.providers.endpoints import Endpoint
from promptkit.providers.keys import Key, find_key, refuse_key
from promptkit.providers.message import Request, Response, Turn, check_length
from promptkit.providers.transport import FunctionTransport, Transport, transport_to

if TYPE_CHECKING:  # is loaded where a region is edited
    from promptkit.engine.region_plan import RegionEdit

__all__ = ["Client", "Terms", "added_root"]

A = TypeVar("A", bound=Answer | PromptkitError)
NO_SEND = "(send=False, or PROMPTKIT_SEND=never)"
SEND = "leave that out to ask for it"
OF_THE_BASE = "A step that edits a region keeps its picture's ratio: leave aspect_ratio out, or the region."


@dataclass(frozen=True)
class Terms:
    """How a session asks, as it was opened. Endpoint and model are None where they were not named: then they follow the head.

    `config` goes with each request unless its call says otherwise, `lang` is the language of free-text prompts, `recover` bounds the asking
    again after a reply without a picture, `deadline` is in seconds for one step, `budget` and `max_requests` bound the folder's lifetime,
    `on_progress` gets each line of progress. Without `send` only what is on record comes back.
    """

    endpoint: Endpoint | None = None
    model: str | None = None
    key: Key | None = None
    transport: Transport | None = None
    chain: str = "picture"
    config: Mapping[str, Any] = field(default_factory=dict)
    lang: str | None = None
    reuse: bool = True
    recover: int = 2
    deadline: float = 600
    budget: Money | None = None
    max_requests: int | None = None
    on_progress: Listener | None = None
    send: bool = True
    lacks_transport: bool = False  # it came by pickle, and the caller's transport did not
    rate_limit: RateLimit = field(default_factory=RateLimit)  # of a transport of the caller's, which may lead anywhere
    names_from: tuple[Path, ...] = ()  # the folders of sessions whose named references come along
    warned_of: set[str] = field(default_factory=set)  # models that are about to be shut down, steps that were named, unfinished prompts
    brought: set[str] = field(default_factory=set)  # the ids of the steps that the session has made, or found again

    @property
    def follows(self) -> bool:
        """Whether neither endpoint nor model were named."""
        return self.endpoint is None and self.model is None

    def __reduce__(self) -> tuple[Callable[..., Terms], tuple[dict[str, Any]]]:
        kept = {name: value for name, value in vars(self).items() if name not in STAYS}
        return _brought_along, ({**kept, "lacks_transport": self.lacks_transport or self.transport is not None},)

    def within(self, other: Terms) -> Terms:
        """The same, and nothing is sent where the other terms forbid it."""
        return replace(self, send=self.send and other.send)

    @property
    def sends(self) -> bool:
        """Whether anything may be sent: neither send=False nor PROMPTKIT_SEND=never forbids it."""
        return self.send and settings.sends()


STAYS = ("key", "transport", "on_progress", "rate_limit", "warned_of", "brought")  # in the process that opened the session


def _brought_along(kept: dict[str, Any]) -> Terms:
    """The terms of a session that came by pickle."""
    return Terms(**kept)


class Connection:
    """An endpoint with the key and the transport to it, found when they are first needed; nothing is sent for that."""

    def __init__(self, endpoint: Endpoint, key: Key | None, transport: Transport | None, own_limit: RateLimit) -> None:
        self.endpoint = endpoint
        self._key, self._transport, self._own_limit = key, transport, own_limit
        self._found: tuple[Key | None, Transport] | None = None

    def open(self) -> tuple[Key | None, Transport]:
        """The key and the transport. SettingsError where the key is missing."""
        if self._found is None:  # two threads that look at once find the same
            self._found = self._find()
        return self._found

    def _find(self) -> tuple[Key | None, Transport]:
        if self._transport is not None:
            return self._key, self._transport
        if self.endpoint.is_offline:
            from promptkit.providers.offline import service

            return None, FunctionTransport(service.answer)
        key = find_key(self.endpoint, self._key)
        return key, transport_to(self.endpoint, key)

    @property
    def key(self) -> Key | None:
        """The key as far as it is known without looking for it."""
        return self._found[0] if self._found else self._key

    @property
    def rate_limit(self) -> RateLimit:
        """What all in this process share that ask there with the key; a transport of the caller's has the session's own."""
        return rate_limit_of(self.endpoint.base_url, self.open()[0]) if self._transport is None else self._own_limit


class Client:
    """Plans requests to one model at one endpoint, on the terms of a session, and has the engine of a folder carry them out."""

    def __init__(
        self, engine: Engine, terms: Terms, endpoint: Endpoint, model: str, *, key: Key | None = None, followed: bool = False
    ) -> None:
        models.check_name(model)
        self.engine, self.terms, self.endpoint, self.model = engine, terms, endpoint, model
        self.followed = followed  # whether the model is a record's, and not the caller's own
        self.connection = Connection(endpoint, key, terms.transport, terms.rate_limit)

    @cached_property
    def dialect(self) -> Dialect:
        """What its model speaks there."""
        return self.endpoint.dialect_of(self.model)

    @property
    def budget(self) -> Budget:
        """What may be spent in its folder."""
        return Budget(self.engine.ledger, self.terms.budget, self.terms.max_requests, drafts=self.endpoint.is_offline)

    @property
    def key(self) -> Key | None:
        """The key, as far as it is known without looking for it."""
        return self.connection.key

    # Planning

    def plan(
        self,
        prompt: str | Prompt,
        base: Record | None = None,
        references: Sequence[Record | Picture | Named] = (),
        *,
        anchors: Sequence[Record | Picture | Named] = (),
        region: RegionEdit | None = None,
        label: str | None = None,
        meta: Mapping[str, Any] | None = None,
        lang: str | None = None,
        **options: Any,
    ) -> Plan:
        """What a step is going to be: an edit of `base`, or of a region of it, or a new root. InputError, SettingsError."""
        check_call(options)
        if region and options.get("aspect_ratio") is not None:
            raise SettingsError(OF_THE_BASE)
        asked = checked_prompt(prompt)
        self.refuse_keys_of_template(asked)
        sources = with_library_pictures(_sources(base, anchors, references), asked.references)
        plan = Plan(
            prompt=asked,
            slug=asked.template or ("edit" if base else "generate"),
            parents=tuple(dict.fromkeys(s.step for s in sources if s.step)) if base else (),
            sources=sources,
            config={k: v for k, v in self.config(asked, options).items() if not region or k != "aspect_ratio"},
            endpoint=self.endpoint.name,
            model=self.model,
            chain="picture" if region else self.terms.chain,  # earlier turns show the whole picture
            interleaves=interleaves(self.dialect),
            lang=checked_lang(lang) or asked.lang or self.terms.lang or recovery.language_of(asked.text),
            label=checked_label(label),
            meta=checked_meta(meta),
            region=region,
        )
        return self._with_history(plan)

    def plan_again(self, record: Record, prompt: str | Prompt | None = None, *, region: RegionEdit | None = None, **options: Any) -> Plan:
        """A step's own request once more, with the pictures it had, from its parent; with a prompt: in those words."""
        if record.is_made:
            said = f"Step {record.number} was made here, and the same numbers bring the same; give it others, or continue it with edit(…)."
            raise LineageError(said, path=record.path)
        if record.outcome == "added":
            raise LineageError(f"Step {record.number} was added, not asked for; continue it with edit(…).", path=record.path)
        self.terms.brought.add(record.id)  # whoever repeats a step has it
        lineage = self.engine.lineage
        asked = prompt_to_ask(lineage, record) if prompt is None else checked_prompt(prompt)
        if region is None and record.region:
            from promptkit.engine.region_plan import recorded_region  # cuts pictures, which few steps need

            region = recorded_region(lineage, record)
        plan = self.plan(asked, None, region=region, **{**recorded_config(record), "seed": None, **options})
        more = [s.step for s in plan.sources if s.step] if record.parents else []
        along = asked.references if asked.template else recorded_prompt(lineage, record).references
        plan = replace(
            plan,
            sources=with_library_pictures((*recorded_sources(lineage, record), *plan.sources), along),
            parents=tuple(dict.fromkeys((*record.parents, *more))),
            slug=asked.template or record.slug,
        )
        checked_pictures(asked, sum(source.role != LIBRARY for source in plan.sources))
        return self._with_history(plan)

    def for_model(self, plan: Plan, model: str) -> Plan:
        """A plan as it is asked of another model at this endpoint, which the caller names."""
        models.check_name(model)
        return self._with_history(replace(plan.at(plan.endpoint, model), model_named=True, history=()))

    def takes(self, plan: Plan, n: int, *, but: str | None = None, fresh: bool = False) -> list[Plan]:
        """n takes of a plan, each with a seed of its own; without the recipe `but`, and with `fresh` without those that are there or that
        are just being asked for (where nothing is sent: that this session has brought).
        """
        is_taken = self.engine.is_taken if self.terms.sends else self._was_brought
        takes = map(plan.seeded, itertools.count())
        wanted = (p for p in takes if p.recipe != but and not (fresh and is_taken(p)))
        return list(itertools.islice(wanted, n))

    def config(self, prompt: Prompt, options: Mapping[str, Any]) -> dict[str, Any]:
        """The call's options, then the client's, then the template's hints; None takes one away."""
        asked = checked_config({**self.terms.config, **options})
        hints = known_hints(prompt, self.model, self.dialect)
        return {k: v for k, v in {**hints, **asked}.items() if v is not None and options.get(k, v) is not None}

    def _with_history(self, plan: Plan) -> Plan:
        """The plan with the turns before it, where the chain talks."""
        if plan.chain != "chat" or not any(s.role == "base" for s in plan.sources):
            return plan
        lineage = self.engine.lineage
        return replace(plan, history=history(lineage, plan, lineage.get(plan.parents[0]), self.endpoint.dialect_of(plan.model)))

    # Checking

    def check_options(self, config: Mapping[str, Any], pictures: int, model: str | None = None, names: Sequence[str] = ()) -> None:
        """SettingsError for what the service or the model (by default the client's) does not take, with what it does; `names` are those
        of the pictures.
        """
        asked = model or self.model
        self.endpoint.check_options(asked, config)
        sizes = {name: config.get(name) for name in ("aspect_ratio", "image_size")}
        models.check(asked, **sizes, pictures=pictures, names=names)

    def refuse_keys(self, said: object) -> None:
        """SettingsError where what would be sent or recorded holds a key."""
        refuse_key(self.key, said)

    def refuse_keys_of_template(self, prompt: Prompt) -> None:
        """SettingsError where the sources of the prompt's template, which are kept with the session, hold a key."""
        refuse_key(self.key, [prompt.template, dict(prompt.files)], f"The template {prompt.template}")

    def refuse_draft(self, record: Record) -> None:
        """SettingsError where an offline draft would go to a service without having been named."""
        drawn = drawn_step(self.engine.lineage, record)
        if drawn is not None and drawn.is_offline and not self.endpoint.is_offline:
            service, number = self.endpoint.name, record.number
            said = f"Step {number} is an offline draft, and {service} is a service: name it, edit(…, on={number}), to send it."
            raise SettingsError(said)

    # Carrying out

    def find(self, plan: Plan) -> Record | None:
        """The step that is this request, with its pictures whole, if there is one; writes nothing."""
        return self.engine.find(self._readings(plan))

    def ask(self, plan: Plan) -> Answer:
        """The step that is this request, or a new one. Raises where nothing was sent; else the answer holds the error."""
        if self.terms.sends:
            service = partial(self._service_for_new, [plan])
            [answer] = self._noted([plan], [self.engine.carry_out(plan, self._readings(plan), service, self.terms.on_progress)])
        else:
            answer = self._on_record(plan)
        if answer.reused and plan.label is not None and plan.label != answer.record.fields.get("label"):
            number, kept = answer.record.number, answer.record.fields.get("label")
            warn(f"Step {number} is reused, and keeps its label {kept!r}; fresh=True asks anew, for a step labelled {plan.label!r}.")
        return answer

    def request(self, plan: Plan) -> Request:
        """What a plan sends, for a batch job. SettingsError for what may not be sent: a key, too many bytes, unfinished words."""
        self._service([plan])
        refuse_key(self.key, record_fields(plan, label=plan.label, meta=plan.meta))
        request = self.dialect.encode(Turn(plan.prompt.text, plan.pictures(), plan.model, plan.config, plan.history))
        check_length(request, self.dialect.largest_body)
        return request

    def record_answer(self, plan: Plan, answer: Response | TransportError, job: str, file: Path) -> Answer:
        """Records what the batch job of that name, whose file that is, answered to a plan, or that no answer came."""

        def bring(path: str, body: bytes) -> Response:  # noqa: ARG001  (a transport's own face)
            if isinstance(answer, TransportError):
                raise answer
            return answer

        service = replace(self._service([plan]), transport=FunctionTransport(bring), rate_limit=RateLimit(), recover=0, job=job)
        [recorded] = self._noted([plan], [self.engine.record_answer(plan, service, file)])
        return recorded

    def ask_anew(self, plan: Plan) -> Answer:
        """A new step, whatever is there; where nothing is sent, the next take on record that this session has not brought."""
        if not self.terms.sends:
            return self._next_on_record(plan)
        [answer] = self._noted([plan], [self.engine.carry_out_anew(plan, partial(self._service, [plan]), self.terms.on_progress)])
        return answer

    def ask_all(self, plans: Sequence[Plan], workers: int) -> list[Answer | PromptkitError]:
        """Several steps, `workers` at once; an error stands for one that was not sent."""
        if not self.terms.sends:
            return [self._on_record_or_error(plan) for plan in plans]
        wanted = [(p, self._readings(p)) for p in plans]
        return self._noted(plans, self.engine.carry_out_all(wanted, self._service_for_new, workers, self.terms.on_progress))

    def _noted(self, plans: Sequence[Plan], answers: Sequence[A]) -> list[A]:
        """The answers; where something was asked for, this user has asked the model. Steps that were made in other words are named."""
        found = [(plan, answer) for plan, answer in zip(plans, answers, strict=True) if isinstance(answer, Answer)]
        self.terms.brought.update(answer.record.id for _, answer in found)
        for model in dict.fromkeys(plan.model for plan, answer in found if not answer.reused):
            note_model(self.endpoint, model)
        reworded = [(p, a.record) for p, a in found if a.reused and a.record.prompt.text != p.prompt.text and self._is_first(a.record.id)]
        if reworded:
            _tell_of_other_words(reworded)
        return list(answers)

    def _is_first(self, what: str) -> bool:
        """Whether the session was not warned of that yet, which it is from now on."""
        is_first = what not in self.terms.warned_of
        self.terms.warned_of.add(what)
        return is_first

    # Where nothing is sent

    def _on_record(self, plan: Plan) -> Answer:
        """The step that is this request. NotRecorded where there is none; writes nothing."""
        found = self.engine.on_record(plan, self._all_readings(plan))
        if found is None:
            raise self._not_recorded(plan)
        [answer] = self._noted([plan], [found])
        return answer

    def _on_record_or_error(self, plan: Plan) -> Answer | PromptkitError:
        try:
            return self._on_record(plan)
        except NotRecorded as error:
            return error

    def _next_on_record(self, plan: Plan) -> Answer:
        """The first take on record that this session has not brought. NotRecorded where there is none."""
        while self.engine.was_answered(plan):
            if (found := self.engine.find([plan])) and found.id not in self.terms.brought:
                return self._on_record(plan)
            plan = replace(plan, take=plan.take + 1)
        raise self._not_recorded(plan)

    def _was_brought(self, plan: Plan) -> bool:
        found = self.engine.find([plan])
        return found is not None and found.id in self.terms.brought

    def _not_recorded(self, plan: Plan) -> NotRecorded:
        price = models.estimate(plan.model, plan.endpoint, image_size=plan.config.get("image_size"))
        return not_recorded(nearest(self.engine.lineage, plan), price)

    # What counts as the same request

    def _readings(self, plan: Plan) -> list[Plan]:
        """The requests that are the same as a plan's, which goes first. None where nothing is reused."""
        return self._all_readings(plan) if self.terms.reuse else []

    def _all_readings(self, plan: Plan) -> list[Plan]:
        """The plan; and, where neither endpoint nor model is named, the same at those that this folder has asked: the head that they
        follow is another one when a notebook runs a second time. Then each of these in the other words that its template made of it.
        """
        asked = [plan, *(self._elsewhere(plan) if self.terms.follows and not plan.model_named else ())]
        texts = [*plan.wordings, *recorded_wordings(self.engine.lineage, plan.prompt, plan.parents)]
        return [*asked, *(each.worded(text) for text in texts for each in asked)]

    def _elsewhere(self, plan: Plan) -> Iterator[Plan]:
        asked = self.engine.lineage.models_asked()
        # a draft never stands for a service's picture
        return (plan.at(e, m) for e, m in asked if e != "offline" or self.endpoint.is_offline)

    def _service_for_new(self, plans: Sequence[Plan]) -> Service:
        """The service for what is not on record; steps that the caller may take these for are named before anything is sent."""
        service = self._service(plans)
        first_takes = {plan.prompt.text: plan for plan in reversed(plans if self.terms.reuse else ())}  # of vary's takes one is enough
        for plan in first_takes.values():
            near = unmeant(self.engine.lineage, self._readings(plan), lambda record: record.id not in self.terms.brought)
            if near and self._is_first(near.record.id):
                _tell_of_near(near)
        return service

    def _service(self, plans: Sequence[Plan]) -> Service:
        self._check_words([plan.prompt for plan in plans])
        for label in {label for plan in plans for label in plan.labels}:
            checked_words(Prompt(text=label))
        key, transport = self.connection.open()
        if self.followed and any(plan.model == self.model for plan in plans):
            tell_of_model(self.endpoint, self.model)
        for plan in plans:
            self.check_options(plan.config, len(plan.sources), plan.model, plan.names)
            self._warn_of_shutdown(plan)
            self._warn_of_names(plan)
        terms, limit = self.terms, self.connection.rate_limit
        return Service(
            self.engine.lineage, self.endpoint, key, transport, limit, self.budget, terms.recover, terms.deadline, terms.on_progress
        )

    def _warn_of_names(self, plan: Plan) -> None:
        """Says, once, that the service is not told which picture a name means."""
        if plan.names and not interleaves(self.dialect) and self._is_first(f"{self.dialect.name} interleaves nothing"):
            said = f"{self.endpoint.name} takes no words between pictures, and is not told which of them is {plan.names[0]!r}"
            warn(f"{said}: say so in the prompt, by their numbers.")

    def _check_words(self, prompts: Sequence[Prompt]) -> None:
        """SettingsError for the first prompt that is not finished; a warning, once, for each that looks so."""
        different = {prompt.text: prompt for prompt in prompts}
        for prompt in different.values():
            checked_words(prompt)
        for text in different.keys() - self.terms.warned_of:
            if (why := doubt(text)) and self._is_first(text):
                warn(f"The prompt {why}; it goes out as it is.")

    def _warn_of_shutdown(self, plan: Plan) -> None:
        notice = models.shutdown_notice(plan.model, datetime.now(UTC).date())
        if notice and plan.endpoint != "offline" and self._is_first(plan.model):
            warn(f"{notice} It is asked all the same: gateways may still have it.")


def _sources(
    base: Record | None, anchors: Sequence[Record | Picture | Named], references: Sequence[Record | Picture | Named]
) -> tuple[Source, ...]:
    edited = [_source("base", base)] if base else []
    along = [_source("anchor", a) for a in anchors]
    if edited:  # the first edit of a loop that anchors them all in the root has it as its base already
        along = [anchor for anchor in along if anchor.picture != edited[0].picture]
    return (*edited, *along, *(_source("reference", r) for r in references))


def _source(role: str, given: Record | Picture | Named) -> Source:
    given, words = (given.given, given.words) if isinstance(given, Named) else (given, Words())
    return Source(role, given.picture, given.id, words) if isinstance(given, Record) else Source(role, given, words=words)


def added_root(engine: Engine, terms: Terms, picture: Picture, label: str | None = None) -> Answer:
    """The root of a picture of one's own, added where it is not there. NotRecorded where nothing is sent: then nothing is added."""
    if terms.sends:
        return engine.add(picture, label)
    record = engine.lineage.added_with(picture.sha256)
    if record is None:
        said = f"The picture {picture.sha256[:10]} is not on record, and nothing is sent {NO_SEND}, so there is nothing that continues it"
        raise NotRecorded(f"{said}; {SEND}.", cost=FREE)
    return Answer(record, reused=True)


# What is said of other words


def not_recorded(near: Near | None, price: Cost | None) -> NotRecorded:
    """The error for a request that is not on record and is not to be sent, with what it may cost."""
    there = f"the nearest is step {near.record.number}, {near.how}" if near else "nothing on record is near to it"
    may_cost = "no price is known" if price is None else f"it may cost {price}"
    said = f"This is not on record, and nothing is sent {NO_SEND}: {there}. {SEND[0].upper()}{SEND[1:]}; {may_cost}."
    return NotRecorded(said, near=near.record.id if near else None, cost=price)


def _tell_of_near(near: Near) -> None:
    """Names the step that a request is not, before it is sent."""
    said = f"Step {near.record.number} was asked for {near.how}. This is asked for as a new step, and so are edits of it"
    warn(f"{said}; its own words bring that one back for nothing.")


def _tell_of_other_words(reworded: Sequence[tuple[Plan, Record]]) -> None:
    plan, record = reworded[0]
    numbers = [str(r.number) for _, r in reworded]
    steps = f"Step {numbers[0]} was" if len(numbers) == 1 else f"Steps {', '.join(numbers[:-1])} and {numbers[-1]} were"
    words = difference(record.prompt.text or "", plan.prompt.text)
    same = "template and inputs" if plan.prompt.template else "edits"
    warn(f"{steps} made with other words of the same {same} ({words}), and reused; fresh=True asks anew.")
