"""Sessions: edits that start from the picture of an earlier step, each asked in one loop, each on disk before it is returned.

A Session's only state is its head: where the next edit starts.
"""

from __future__ import annotations

import itertools
import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from promptkit import config as settings
from promptkit.config import Endpoint, Key
from promptkit.engine import recovery
from promptkit.engine.ask import Answer, Service, ask, ask_together, refuse_key
from promptkit.engine.budget import Budget
from promptkit.engine.options import (
    CALL_OPTIONS,
    CONFIG,
    check_values,
    checked_config,
    checked_label,
    checked_lang,
    checked_meta,
    checked_pictures,
    checked_prompt,
    is_number,
    refuse_unknown,
)
from promptkit.engine.plan import (
    Plan,
    Source,
    history,
    known_hints,
    prompt_to_ask,
    record_fields,
    recorded_config,
    recorded_sources,
)
from promptkit.engine.rate_limit import Gate, gate_of
from promptkit.engine.spending import Spending, spending
from promptkit.errors import (
    LineageError,
    PictureError,
    PromptkitError,
    SettingsError,
    StepNotFound,
    warn,
)
from promptkit.images.picture import Picture
from promptkit.lineage.location import Where, session_folder
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.prompts.template import Prompt
from promptkit.providers import models
from promptkit.providers.transport import FunctionTransport, RequestsTransport, Transport
from promptkit.session.cursor import Cursor
from promptkit.session.step import Step, Steps

if TYPE_CHECKING:
    from promptkit.prompts.library import Library
    from promptkit.session.explain import Explanation
    from promptkit.session.replay import Rehearsal

__all__ = ["Session"]

ANCHORLESS = "A new root continues nothing that could drift, so there is no anchor; send the picture along with references=."
VALUES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "model": (lambda v: v is None or (isinstance(v, str) and bool(v.strip())), 'a model\'s id, such as "gemini-2.5-flash-image"'),
    "chain": (lambda v: v in ("picture", "chat"), '"picture" (sends the last picture) or "chat" (sends the earlier turns)'),
    "transport": (lambda v: v is None or callable(getattr(v, "send", None)), "a transport: something with send(request)"),
    "recover": (lambda v: isinstance(v, int) and not isinstance(v, bool) and v >= 0, "a whole number from 0 on"),
    "budget": (lambda v: v is None or (is_number(v) and v >= 0), "a number of USD from 0 on"),
    "lang": (lambda v: v is None or (isinstance(v, str) and bool(v.strip())), 'a language tag, such as "zh-CN"'),
    "deadline": (lambda v: is_number(v) and v > 0, "a number of seconds above 0"),
}
log = logging.getLogger("promptkit")


class Session(Cursor):
    """A tree of pictures in one folder, and a head from which the next edit starts.

    `where` is a name (the session folder ./NAME if there is one, else NAME in the user's data folder) or, with a separator or as a Path,
    a folder. Nothing is sent or made on disk, and no key is needed, before the first step.

    `endpoint` is a name (google, deerapi, aaigc, offline, one of your own), an Endpoint or a base URL; `model` a model's id, by default the
    endpoint's or gemini-2.5-flash-image; `transport` sends in your own way. `chain` is "picture" (each edit sends the last picture alone)
    or "chat" (the earlier turns too); `recover` how often a reply without a picture is asked again; `reuse` whether a request that the
    session holds already brings that step; `budget` is in USD for the folder's lifetime, `deadline` in seconds for a step with its waits.
    `aspect_ratio` ("16:9"), `image_size` ("2K"), `seed`, `temperature` and `safety` ({"HARASSMENT": "BLOCK_ONLY_HIGH"}) go with every
    request, unless a call says otherwise. Raises SettingsError, LineageError.
    """

    def __init__(
        self,
        where: Where,
        *,
        endpoint: str | Endpoint | None = None,
        model: str | None = None,
        api_key: str | None = None,
        transport: Transport | None = None,
        chain: str = "picture",
        recover: int = 2,
        reuse: bool = True,
        budget: float | None = None,
        lang: str | None = None,
        aspect_ratio: str | None = None,
        image_size: str | None = None,
        seed: int | None = None,
        temperature: float | None = None,
        safety: Mapping[str, str] | None = None,
        deadline: float = 600,
        **unknown: object,
    ) -> None:
        refuse_unknown(unknown, _PARAMETERS)
        check_values(VALUES, model=model, chain=chain, transport=transport, recover=recover, budget=budget, lang=lang, deadline=deadline)
        super().__init__(Lineage(session_folder(where)))
        self._chosen = settings.choose_endpoint(endpoint) if endpoint is not None else _endpoint_of(transport)
        self._follows = self._chosen is None  # the head's endpoint, and then its model too
        self._named_model, self._given_transport = model, transport
        self._given_key = Key(api_key) if api_key is not None else None
        self._chain, self._recover, self._reuse, self._deadline, self._lang = chain, recover, reuse, deadline, lang
        self._config = checked_config(
            {"aspect_ratio": aspect_ratio, "image_size": image_size, "seed": seed, "temperature": temperature, "safety": safety}
        )
        self._budget = Budget(budget, self._lineage)
        self._lazy = threading.Lock()
        self._warned_of: set[str] = set()
        self._own_gate = Gate()  # of a transport of the caller's, which may lead anywhere
        self._reached: tuple[Key | None, Transport] | None = None
        self._followed_model: str | None = None

    # Making pictures

    def generate(
        self,
        prompt: str | Prompt,
        *,
        references: object = (),
        label: str | None = None,
        meta: Mapping[str, Any] | None = None,
        fresh: bool = False,
        **options: Any,
    ) -> Step:
        """Makes a picture from a prompt, as a new root. The picture is on disk before this returns; a failure moves nothing.

        `references` are steps or pictures of one's own that go along; `fresh` asks anew for what the session holds already; `options` are
        aspect_ratio, image_size, seed, temperature, safety and lang (the language to ask again in). Raises
        NoPicture, Refused, ProviderError, TransportError, BudgetExceeded, each with the failed step as `.step`, and SettingsError,
        PictureError, LineageError before anything is sent.
        """
        if "anchor" in options:
            raise SettingsError(ANCHORLESS)
        references = _listed(references)
        checked_pictures(checked_prompt(prompt), len(references))
        return self._one(self._planned(prompt, None, references, label=label, meta=meta, **options), fresh=fresh)

    def edit(
        self,
        prompt: str | Prompt,
        *,
        on: object = None,
        references: object = (),
        anchor: object = None,
        label: str | None = None,
        meta: Mapping[str, Any] | None = None,
        fresh: bool = False,
        **options: Any,
    ) -> Step:
        """Continues a step, by default the head: sends its picture and the prompt. Returns and raises as `generate` does.

        `on` is a Step, a number, a tag, the beginning of an id, or a picture of one's own (path, bytes, PIL image, Picture), which becomes
        a root first. `anchor` is an earlier step, or a picture of one's own, that goes along so that a long chain does not drift from it.
        """
        references = _listed(references)
        checked_pictures(checked_prompt(prompt), 1 + len(_listed(anchor)) + len(references))
        plan = self._planned(prompt, self._base(on), references, anchor=anchor, label=label, meta=meta, **options)
        return self._one(plan, fresh=fresh)

    def again(self, prompt: str | Prompt | None = None, **options: Any) -> Step:
        """The head's request once more, from the head's parent; with a prompt: reworded. Always asks anew."""
        return self.repeat(self._head_step("repeat"), prompt, **options)

    def repeat(self, step: Step, prompt: str | Prompt | None = None, **options: Any) -> Step:
        """A step's request once more, from its parent; see Step.again."""
        return self._one(self._repeated(self._step(step), prompt, **options), fresh=True)

    def vary(
        self,
        prompt: str | Prompt | None = None,
        n: int = 4,
        *,
        on: object = None,
        root: bool = False,
        workers: int = 4,
        fresh: bool = False,
        **options: Any,
    ) -> Steps:
        """n children of `on` (by default the head), several requests at once; without a prompt n more of the head's own request.

        `root=True` makes n roots, `fresh=True` n more than there are. Each has a seed of its own, which is recorded. The head stays. Failed
        ones are among them as failed Steps; raises only when all fail. Ctrl-C stops at once; those in flight are recorded as interrupted.
        """
        if not all(isinstance(x, int) and not isinstance(x, bool) and x > 0 for x in (n, workers)):
            raise SettingsError(f"vary makes n pictures with so many workers, both whole numbers from 1 on; n={n!r}, workers={workers!r}.")
        own: str | None = None
        if prompt is None:
            step = self._head_step("vary") if on is None else self._step(on)
            plan, own = self._repeated(step, None, **options), step.record.recipe
        else:
            if root and "anchor" in options:
                raise SettingsError(ANCHORLESS)
            references = _listed(options.pop("references", ()))
            checked_pictures(checked_prompt(prompt), int(not root) + len(_listed(options.get("anchor"))) + len(references))
            plan = self._planned(prompt, None if root else self._base(on), references, **options)
        takes = (p for p in map(plan.seeded, itertools.count()) if p.recipe != own and not (fresh and self._asked_before(p)))
        return self._many(list(itertools.islice(takes, n)), workers)

    def add(self, picture: object, *, label: str | None = None) -> Step:
        """Takes a picture of one's own (path, bytes, PIL image, Picture) as a root; the same bytes are the same root."""
        checked_label(label)
        self._refuse_keys(label)
        return self._moved(self._added(Picture.open(picture), label))  # type: ignore[arg-type]

    def _added(self, picture: Picture, label: str | None = None) -> Step:
        with _only_one_asks(self.folder, picture.sha256):
            if record := self._lineage.added_with(picture.sha256):
                return self._step_of(record, reused=True)
            draft = self._lineage.begin("add", record_fields(None, label=label, meta={}))
            return self._step_of(draft.commit("added", [picture]))

    def tag(self, name: str, step: object = None) -> Step:
        """Names a step, by default the head; a tag that is in use moves."""
        tagged = self._head_step("tag") if step is None else self._step(step)
        self._refuse_keys(name)
        self._lineage.set_tag(name, tagged.id)
        return tagged

    # What its record is good for

    @property
    def spending(self) -> Spending:
        """What was spent, by model and by outcome; shows itself as tables."""
        return spending(*self._lineage.read())

    def explain(self, step: object = None, *, measured: bool = False) -> Explanation:
        """How a step, by default the head, came to be, from its root on; `measured` compares each edit with what it started from."""
        from promptkit.session.explain import explain

        return explain(self, step, measured=measured)

    def replay(
        self,
        into: Session | Where,
        *,
        start: object = None,
        model: str | None = None,
        endpoint: str | Endpoint | None = None,
        inputs: Mapping[str, Any] | None = None,
        lang: str | None = None,
        templates: Library | None = None,
        dry_run: bool = False,
        **unknown: object,
    ) -> Steps | Rehearsal:
        """Asks for the steps of the head's trail again in another session, or in this one; `at(step)` chooses another trail.

        `start` stands for the root, `inputs` go to each step whose template has them, `templates` is today's Library instead of the
        sources that the session keeps; `dry_run` shows every prompt and what it may cost. More of it: promptkit.session.replay.
        """
        from promptkit.session.replay import replay

        into = into if isinstance(into, Session) else Session(into)
        changes = {"model": model, "endpoint": endpoint, "inputs": inputs, "lang": lang, "templates": templates}
        return replay(self, into, start=start, **changes, dry_run=dry_run, **unknown)  # type: ignore[arg-type]

    def squash(self, first: object, last: object, *, prompt: str | Prompt | None = None, fresh: bool = False, **unknown: object) -> Step:
        """Asks for the edits from `first` to `last` at once, from the picture before them; see promptkit.session.squash.squash.

        `prompt` says it in other words than theirs, numbered; the new step's meta names those that it stands for.
        """
        from promptkit.session.squash import squash

        return squash(self, first, last, prompt=prompt, fresh=fresh, **unknown)

    def export(
        self,
        path: Where,
        *,
        step: Step | int | str | None = None,
        all: bool = False,  # noqa: A002  (the word that the command line has)
        strip: bool = False,
        overwrite: bool = False,
        **unknown: object,
    ) -> Path:
        """Writes a zip of the trail of a step, by default the head, or of all steps; `import_session` brings it back.

        `strip` leaves out prompts, inputs and all that the model said. More of it: promptkit.archive.export.
        """
        from promptkit.archive import export as takeaway

        refuse_unknown(unknown, ("step", "all", "strip", "overwrite"))
        found = self.head if step is None else self._step(step)
        return takeaway.export(self.folder, found.id if found else None, path, all=all, strip=strip, overwrite=overwrite)

    # Where requests go

    def _elsewhere(self, endpoint: Endpoint, model: str, chain: str, key: Key | None) -> Session:
        """A second cursor on the same folder that asks elsewhere. A key that this one was given stays with the endpoint it was given for;
        `key` is for one that was opened without naming any.
        """
        other = object.__new__(type(self))
        other.__dict__ = {**self.__dict__, "_chosen": endpoint, "_named_model": model, "_chain": chain, "_follows": False}
        if self._chosen != endpoint:
            other.__dict__ |= {"_reached": None, "_given_key": key if self._chosen is None else None}
        return other

    @property
    def _endpoint(self) -> Endpoint:
        if self._chosen is None:
            self._chosen = settings.choose_endpoint(None, head=self._last_endpoint())
            if self._chosen.is_offline and (service := settings.service_with_key()):
                warn(f"This session goes on with offline drafts, as its head did; endpoint={service!r} asks {service}.")
        return self._chosen

    @property
    def _model(self) -> str:
        endpoint = self._endpoint
        return self._named_model or self._followed_model or endpoint.model or models.default_model()

    def _last_endpoint(self) -> str | None:
        """The endpoint of the head, or of the step before it where the head was added; its model follows, as it is at this moment."""
        if not self._position[0]:
            return None
        steps = self._lineage.trail(self._lineage.get(self._position[0]))
        asked: Mapping[str, Any] = next((r.request for r in reversed(steps) if r.request.get("endpoint")), {})
        self._followed_model = asked.get("model")
        return asked.get("endpoint")

    # Looking up

    def _step_or_picture(self, key: object) -> Step | Picture:
        if isinstance(key, Step) and key not in self:  # another session's step is a picture from outside
            return key.picture
        if isinstance(key, Step) or (isinstance(key, int) and not isinstance(key, bool)):
            return self._step(key)
        if not isinstance(key, str):
            return Picture.open(key)  # type: ignore[arg-type]
        try:
            return self[key]
        except StepNotFound as error:
            if _is_file(key):
                return Picture.open(key)
            if os.sep in key or "." in key:
                raise PictureError(f"There is no step and no picture file {key!r:.80}; check the path.") from None
            raise error from None

    def _base(self, on: object) -> Step:
        """The step to continue. An offline draft goes to a service only where it is named."""
        if on is None:
            step = self._head_step("edit")
            self._refuse_draft(step.record)
        else:
            found = self._step_or_picture(on)
            step = found if isinstance(found, Step) else self._added(found)
        if not step.ok:
            raise LineageError(f"Step {step.number} has no picture ({step.outcome}); continue from another one.", path=step.record.path)
        return step

    def _refuse_draft(self, record: Record) -> None:
        if record.request.get("endpoint") == "offline" and not self._endpoint.is_offline:
            service, number = self._endpoint.name, record.number
            said = f"Step {number} is an offline draft, and {service} is a service: name it, edit(…, on={number}), to send it."
            raise SettingsError(said)

    def _refuse_keys(self, said: object) -> None:
        refuse_key(self._reached[0] if self._reached else self._given_key, said)

    # Planning

    def _planned(
        self,
        prompt: str | Prompt,
        base: Step | None,
        references: object = (),
        *,
        anchor: object = None,
        label: str | None = None,
        meta: Mapping[str, Any] | None = None,
        lang: str | None = None,
        **options: Any,
    ) -> Plan:
        refuse_unknown({k: v for k, v in options.items() if k not in CONFIG}, CALL_OPTIONS)
        asked, model = checked_prompt(prompt), self._model
        sources = self._sources(base, _listed(anchor), references)
        plan = Plan(
            prompt=asked,
            slug=asked.template or ("edit" if base else "generate"),
            parents=tuple(dict.fromkeys(s.step for s in sources if s.step)) if base else (),
            sources=sources,
            config=self._configured(asked, model, options),
            endpoint=self._endpoint.name,
            model=model,
            chain=self._chain,
            lang=checked_lang(lang) or asked.lang or self._lang or recovery.language_of(asked.text),
            label=checked_label(label),
            meta=checked_meta(meta),
        )
        return self._remembering(plan)

    def _sources(self, base: Step | None, anchors: tuple[object, ...], references: object) -> tuple[Source, ...]:
        edited = [Source("base", base.picture, base.id)] if base else []
        along = [self._along("anchor", a) for a in anchors]
        if base:  # the first edit of a loop that anchors them all in the root has it as its base already
            along = [anchor for anchor in along if anchor.picture != base.picture]
        return (*edited, *along, *(self._along("reference", r) for r in _listed(references)))

    def _along(self, role: str, given: object) -> Source:
        found = self._step_or_picture(given)
        return Source(role, found.picture, found.id) if isinstance(found, Step) else Source(role, found)

    def _configured(self, prompt: Prompt, model: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """The call's options, then the session's, then the template's hints; None takes one away."""
        asked = checked_config({**self._config, **options})
        return {k: v for k, v in {**known_hints(prompt, model), **asked}.items() if v is not None and options.get(k, v) is not None}

    def _repeated(self, step: Step, prompt: str | Prompt | None, **options: Any) -> Plan:
        """The plan of a step's own request, with the pictures it had, from its parent."""
        record = step.record
        if record.outcome == "added":
            raise LineageError(f"Step {step.number} was added, not asked for; continue it with edit(…).", path=record.path)
        asked = prompt_to_ask(self._lineage, record) if prompt is None else checked_prompt(prompt)
        for source in record.sources:
            if source.get("step"):
                self._refuse_draft(self._lineage.get(source["step"]))
        plan = self._planned(asked, None, **{**recorded_config(record), "seed": None, **options})
        more = [s.step for s in plan.sources if s.step] if record.parents else []
        plan = replace(
            plan,
            sources=(*recorded_sources(self._lineage, record), *plan.sources),
            parents=tuple(dict.fromkeys((*record.parents, *more))),
            slug=asked.template or record.slug,
        )
        checked_pictures(asked, len(plan.sources))
        return self._remembering(plan)

    def _remembering(self, plan: Plan) -> Plan:
        """The plan with the turns before it, where the chain talks."""
        if self._chain != "chat" or not any(s.role == "base" for s in plan.sources):
            return plan
        return replace(plan, history=history(self._lineage, plan, self._lineage.get(plan.parents[0])))

    # Running

    def _one(self, plan: Plan, *, fresh: bool = False) -> Step:
        with _only_one_asks(self.folder, plan.recipe):
            if fresh:
                plan = self._next_take(plan)
            elif known := self._known(plan):
                _warn_of_kept(known, plan)
                return self._moved(known)
            answer = ask(self._service(plan), plan)
        step = self._step_of(answer.record)
        if answer.error is not None:
            answer.error.step = step
            raise answer.error
        for said in step.warnings:
            warn(f"step {step.number}: {said}")
        return self._moved(step)

    def _many(self, plans: Sequence[Plan], workers: int) -> Steps:
        with _only_one_asks(self.folder, *(p.recipe for p in plans)):
            known = [self._known(p) for p in plans]
            todo = [p for p, k in zip(plans, known, strict=True) if k is None]
            answers = iter(ask_together(self._service(*todo), todo, workers) if todo else ())
        found = [k or next(answers) for k in known]
        sent = [f for f in found if not isinstance(f, PromptkitError)]
        steps = Steps(self._step_of(f.record) if isinstance(f, Answer) else f for f in sent)
        errors = [f.error if isinstance(f, Answer) else f for f in found if isinstance(f, Answer | PromptkitError)]
        if not any(s.ok for s in steps) and (error := errors[0]) is not None:
            error.step = steps[0] if steps else None
            raise error
        for said in {str(f) for f in found if isinstance(f, PromptkitError)}:
            warn(f"Not all were asked for: {said}")
        return steps

    def _service(self, *plans: Plan) -> Service:
        reached = self._connected()
        for plan in plans:
            size = len(plan.sources)
            models.check(plan.model, aspect_ratio=plan.config.get("aspect_ratio"), image_size=plan.config.get("image_size"), pictures=size)
            self._warn_of_shutdown(plan)
        gate = gate_of(self._endpoint.base_url) if self._given_transport is None else self._own_gate
        return Service(self._lineage, self._endpoint, *reached, gate, self._budget, self._recover, self._deadline)

    def _warn_of_shutdown(self, plan: Plan) -> None:
        notice = models.shutdown_notice(plan.model, datetime.now(UTC).date())
        if notice and plan.endpoint != "offline" and plan.model not in self._warned_of:
            self._warned_of.add(plan.model)
            warn(f"{notice} It is asked all the same: gateways may still have it.")

    def _connected(self) -> tuple[Key | None, Transport]:
        """The key and the way to the endpoint, found once; nothing is sent. SettingsError where the key is missing."""
        with self._lazy:
            if self._reached is None:
                self._reached = self._reach(self._endpoint)
            return self._reached

    def _reach(self, endpoint: Endpoint) -> tuple[Key | None, Transport]:
        if self._given_transport is not None:
            return self._given_key, self._given_transport
        if endpoint.is_offline:
            from promptkit.providers.offline import service as offline

            return None, FunctionTransport(offline.answer)
        key = settings.find_key(endpoint, self._given_key)
        return key, RequestsTransport(endpoint, key)

    def _known(self, plan: Plan) -> Step | None:
        """The step that is this very request, if there is one. Nothing that was answered before is paid for twice, whether it found no room
        on the disk or its process was killed.
        """
        self._lineage.settle()
        answered = self._answered(plan)
        found = self._first_whole(answered)
        if found is None and self._reuse and self._lineage.adopt():
            found = self._found(plan)
        if found is None:
            if lost := next((r for r in answered if r.recipe == plan.recipe), None):
                _warn_of_damage(lost)
            return None
        log.info("step %d is this very request; nothing was sent", found.number)
        if (found.request.get("endpoint"), found.request.get("model")) != (plan.endpoint, plan.model):
            made = f"{found.request.get('model')} at {found.request.get('endpoint')}"
            warn(f"Step {found.number} asked {made} for this already, and is reused; fresh=True asks {plan.model} at {plan.endpoint}.")
        return self._step_of(found, reused=True)

    def _found(self, plan: Plan) -> Record | None:
        return self._first_whole(self._answered(plan))

    def _first_whole(self, answered: Sequence[Record]) -> Record | None:
        return next(filter(self._lineage.is_whole, answered), None)

    def _answered(self, plan: Plan) -> list[Record]:
        """The steps that asked for this and got a picture, whether it is whole still or not."""
        if not self._reuse:
            return []
        recipes = dict.fromkeys(p.recipe for p in self._readings(plan))
        return [r for r in self._lineage.with_recipe(*recipes) if r.ok]

    def _readings(self, plan: Plan) -> Iterator[Plan]:
        """The plan; and, where neither endpoint nor model is named, the same at those that this session has asked: the head that they
        follow is another one when a notebook runs a second time.
        """
        yield plan
        if self._follows and self._named_model is None:
            asked = {(e, m): None for r in self._lineage.records() if (e := r.request.get("endpoint")) and (m := r.request.get("model"))}
            # a draft never stands for a service's picture
            yield from (plan.at(e, m) for e, m in asked if e != "offline" or self._endpoint.is_offline)

    def _asked_before(self, plan: Plan) -> bool:
        return any(r.ok for r in self._lineage.with_recipe(plan.recipe))

    def _next_take(self, plan: Plan) -> Plan:
        while self._asked_before(plan):
            plan = replace(plan, take=plan.take + 1)
        return plan


# What stands between a call and a record


_PARAMETERS = tuple(Session.__init__.__kwdefaults__ or ())


def _listed(references: object) -> tuple[object, ...]:
    """One reference, or several, as several."""
    if references is None:
        return ()
    if isinstance(references, str | os.PathLike | bytes | bytearray | Step | Picture | int) or not isinstance(references, Iterable):
        return (references,)
    return tuple(references)


ASKING: WeakValueDictionary[tuple[Path, str], threading.Lock] = WeakValueDictionary()  # a lock that nobody holds is forgotten
ASKING_GUARD = threading.Lock()  # setdefault alone could give two threads a lock each


@contextmanager
def _only_one_asks(folder: Path, *asked: str) -> Iterator[None]:
    """Of several threads with the same requests (or pictures to add) one asks, and the others find its steps."""
    with ExitStack() as held:
        for each in sorted(set(asked)):  # in one order, so that no two wait for each other
            with ASKING_GUARD:
                lock = ASKING.setdefault((folder, each), threading.Lock())
            held.enter_context(lock)
        yield


def _warn_of_kept(step: Step, plan: Plan) -> None:
    """A step that is reused is as it was recorded."""
    if plan.label is not None and plan.label != step.label:
        warn(f"Step {step.number} is reused, and keeps its label {step.label!r}; fresh=True asks anew, for a step labelled {plan.label!r}.")


def _warn_of_damage(lost: Record) -> None:
    """A picture that is gone is asked for anew, and takes another id, so that all its edits are other requests then."""
    files = ", ".join(Path(output["file"]).name for output in lost.outputs)
    said = f"The picture of step {lost.number} ({files}) is missing or damaged: it is asked for anew, and so would be its edits"
    warn(f"{said}; put the file back to keep them, or go on from a later step with on=.")


def _is_file(name: str) -> bool:
    try:
        return Path(name).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):  # a name that no file can have, a home that is not known
        return False


def _endpoint_of(transport: Transport | None) -> Endpoint | None:
    # a caller's own transport decides where requests go; the environment must not
    return Endpoint("custom", "", auth="none", key_env=(), key_required=False) if transport is not None else None
