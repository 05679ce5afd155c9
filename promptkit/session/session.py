"""A session: a head over the engine of a folder. It turns what callers give into plans, has a client carry them out, and moves the head."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from promptkit.engine.ask import Answer
from promptkit.engine.client import Terms
from promptkit.engine.options import (
    check_call,
    checked_config,
    checked_label,
    checked_limits,
    checked_meta,
    checked_opening,
    checked_pictures,
    checked_prompt,
    refuse_unknown,
    with_options,
)
from promptkit.engine.plan import Plan
from promptkit.errors import SettingsError, warn
from promptkit.lineage.location import Where, session_folder
from promptkit.lineage.record import Record
from promptkit.progress import Listener
from promptkit.prompts.template import Prompt
from promptkit.providers.endpoint_choice import choose_endpoint, endpoint_behind
from promptkit.providers.endpoints import Endpoint, known_endpoints
from promptkit.providers.keys import Key
from promptkit.providers.options import OPTIONS
from promptkit.providers.transport import Transport
from promptkit.session.own_picture import added, root_of
from promptkit.session.references import Naming, names_from
from promptkit.session.region import check_region, given_region, read_region, refuse_region
from promptkit.session.showing import Showing
from promptkit.session.step import Step, Steps
from promptkit.session.varying import Varying
from promptkit.values import built_in

if TYPE_CHECKING:
    from promptkit.images.operations import Operation
    from promptkit.prompts.library import Library
    from promptkit.session.replay_preview import ReplayPreview

__all__ = ["Session"]

ANCHORLESS = "A new root continues nothing that could drift, so there is no anchor; send the picture along with references=."


class Session(Showing, Naming, Varying):
    """A tree of pictures in one folder, and a head from which the next edit starts.

    `where` is a name (the session folder ./NAME if there is one, else NAME in the user's data folder) or, with a separator or as a Path,
    a folder. Nothing is sent or made on disk, and no key is needed, before the first step.

    `endpoint` is a name (google, deerapi, aaigc, offline, one of your own), an Endpoint or a base URL; `model` a model's id, by default the
    endpoint's or gemini-2.5-flash-image; `transport` sends in your own way. `chain` is "picture" (each edit sends the last picture alone)
    or "chat" (the earlier turns too); `recover` how often a reply without a picture is asked again; `reuse` whether a request that the
    session holds already brings that step; with `send=False` nothing is sent, and what is not on record raises NotRecorded; `budget` (2.0,
    which is USD, or "20 CNY") and `max_requests`, which needs no price, bound what all steps in the folder may cost and ask; `references`
    is a session whose named references come along; `deadline` is in seconds for a step with its waits; `on_progress` gets each line of
    progress, which only terminals and notebooks show without it. The options of a request, such as `aspect_ratio` ("16:9"), `image_size`
    ("2K") and `seed`, go with every one, unless a call says otherwise; promptkit.providers.options has them all. Many threads may use a
    session; its head is its opener's. Raises SettingsError, LineageError.
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
        send: bool = True,
        budget: float | str | None = None,
        max_requests: int | None = None,
        lang: str | None = None,
        references: object = None,
        deadline: float = 600,
        on_progress: Listener | None = None,
        **options: Any,
    ) -> None:
        refuse_unknown({k: v for k, v in options.items() if k not in OPTIONS}, _KEYWORDS)
        asking = checked_opening(model=model, chain=chain, transport=transport, recover=recover, send=send)
        opening = checked_opening(lang=lang, deadline=deadline, on_progress=on_progress)
        folder = session_folder(where)
        terms = Terms(
            endpoint=choose_endpoint(endpoint) if endpoint is not None else endpoint_behind(transport),
            key=Key(api_key) if api_key is not None else None,
            config=checked_config(options),
            reuse=reuse,
            names_from=names_from(references),
            **asking,
            **opening,
            **checked_limits(budget, max_requests),
        )
        super().__init__(folder, terms)

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

        `references` are steps or pictures of one's own that go along, names of these (see `reference`), or a mapping from names to them,
        which holds for this call; `fresh` asks anew for what the session holds already; `options` are
        aspect_ratio, image_size, seed, temperature, safety and lang (the language to ask again in). Raises
        NoPicture, Refused, ProviderError, TransportError, BudgetExceeded, each with the failed step as `.step`, and SettingsError,
        PictureError, LineageError before anything is sent.
        """
        if "anchor" in options:
            raise SettingsError(ANCHORLESS)
        refuse_region(options)
        asked, along = checked_prompt(prompt), self._along(references)
        checked_pictures(asked, len(along))
        check_call(options)
        return self._asked(self._client.plan(asked, None, along, label=label, meta=meta, **options), fresh=fresh)

    def edit(
        self,
        prompt: str | Prompt,
        *,
        on: object = None,
        references: object = (),
        anchor: object = None,
        region: object = None,
        label: str | None = None,
        meta: Mapping[str, Any] | None = None,
        fresh: bool = False,
        **options: Any,
    ) -> Step:
        """Continues a step, by default the head: sends its picture and the prompt. Returns and raises as `generate` does.

        `on` is a Step, a number, a tag, the beginning of an id, or a picture of one's own (path, bytes, PIL image, Picture), which becomes
        a root first. `anchor` is an earlier step, or a picture of one's own, that goes along so that a long chain does not drift from it.
        `region` is what alone may change: a box, (left, top, right, bottom) in pixels or fractions, or "200x260+300+420" (width x height +
        left + top, or all in %), or a mask, a picture of the same size (white, or transparent where it has transparency, is edited).
        """
        asked, along, anchors, region = checked_prompt(prompt), self._along(references), self._along(anchor), read_region(region)
        checked_pictures(asked, 1 + len(anchors) + len(along))
        base = self._base(on, region)
        part = given_region(region, base)
        plan = self._client.plan(asked, base, along, anchors=anchors, region=part, label=label, meta=meta, **options)
        return self._asked(plan, fresh=fresh)

    def again(self, prompt: str | Prompt | None = None, **options: Any) -> Step:
        """The head's request once more, from the head's parent; with a prompt: reworded. Always asks anew."""
        return self.repeat(self._head_step("repeat"), prompt, **options)

    def repeat(self, step: Step, prompt: str | Prompt | None = None, **options: Any) -> Step:
        """A step's request once more, from its parent; see Step.again."""
        return self._asked(self._repeated(self._step(step).record, prompt, **options), fresh=True)

    def add(self, picture: object, *, on: object = None, label: str | None = None) -> Step:
        """Takes a picture of one's own (path, bytes, PIL image, Picture) as a root, or `on` the step that it was made from by hand. The
        same bytes are the same step, which may be one that was asked for; a root that looks like a step that is here is said to."""
        label = checked_label(label)
        self._refuse_keys(label)
        return self._moved(self._taken(added(self._engine, picture, label, None if on is None else self._step(on).record)))

    def make(self, operation: Operation, *, on: object, **said: Any) -> Step:
        """Carries out an operation on a step's picture, without a request; see Step.crop and its neighbours, which name them."""
        return self._moved(self._made(operation, on, **said))

    def make_each(self, channels: Mapping[str, Operation], *, on: object) -> Steps:
        """Carries out several on one step's picture, each labelled by its channel; see Step.for_channels. The head stays."""
        return Steps([self._made(operation, on, label=name, channel=name) for name, operation in channels.items()])

    def tag(self, name: str, step: object = None) -> Step:
        """Names a step, by default the head; a tag that is in use moves."""
        tagged = self._head_step("tag") if step is None else self._step(step)
        self._refuse_keys(name)
        self._tell_of_reference(built_in(name))
        self._lineage.set_tag(built_in(name), tagged.id)
        return tagged

    # Making trails again

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
    ) -> Steps | ReplayPreview:
        """Asks for the steps of the head's trail again, root first, in another session or in this one; it resumes by itself.

        `at(step)` chooses another trail. `start` (path, bytes, PIL image, Picture, Step) stands for the root; `inputs` go to each step
        whose template has them; `lang` to each template that has it. Named nowhere, endpoint and model are those that `into` was opened
        with, else those of each step as recorded (a base URL as this session was opened with it); so are the options, the seed among them.
        A step made by hand stops it, until one is added in its place. One asked with the earlier turns is asked so again, whatever the
        chain of `into`. `templates` takes a Library's sources instead of those that the session keeps.

        `dry_run` shows every prompt, what it may cost, and what the limits of `into` leave; nothing is sent or written, and what
        a killed process left in `into` counts as not there. Raises as `generate` does, InputError and LineageError; what was made before
        stays, and the same call goes on from there.
        """
        from promptkit.session.replay import HINTS, Changed, Into, Replay, checked_model
        from promptkit.session.reprompt import NewWords

        refuse_unknown(unknown, tuple(Session.replay.__kwdefaults__ or ()), HINTS)
        other = into if isinstance(into, Session) else self._opened_beside(into)
        goes = Into(other._engine, other._terms.within(self._terms), other._asks_at, other._asked_last()[0])
        changed = Changed(checked_model(model), endpoint, NewWords(inputs, lang, templates))
        replay = Replay(self._lineage, [s.record for s in self._trail(None, "replay")], goes, other._start(start), changed)
        return replay.preview() if dry_run else other._followed(replay.answers())

    def _opened_beside(self, where: Where) -> Session:
        """The session there; at this one's endpoint, with its key, where all of the trail was asked at that and no name finds it."""
        other, own = Session(where, send=self._terms.send, on_progress=self._terms.on_progress), self._terms
        asked = {step.record.request.get("endpoint") for step in self._trail(None, "replay")} - {None}
        if own.endpoint is not None and asked == {own.endpoint.name} and known_endpoints().get(own.endpoint.name) != own.endpoint:
            other._terms = replace(other._terms, endpoint=own.endpoint, key=own.key, transport=own.transport, rate_limit=own.rate_limit)
        return other

    def squash(self, first: object, last: object, *, prompt: str | Prompt | None = None, fresh: bool = False, **unknown: object) -> Step:
        """Asks for the edits from `first` to `last` at once, from the picture before them: a new branch whose meta names what it squashes.

        The steps are given as everywhere (a Step, a number, a tag, the beginning of an id) and stand on one trail. `prompt` says it in
        other words than theirs, numbered; `fresh` asks anew for what the session holds already. The pictures that went with them go
        along, and their options but for seeds. Raises LineageError where there is no such line, and as `edit` does.
        """
        from promptkit.session.squash import HINTS, squashed

        refuse_unknown(unknown, tuple(Session.squash.__kwdefaults__ or ()), HINTS)
        one = squashed(self._lineage, self._step(first).record, self._step(last).record, prompt=prompt, model=self._client.model)
        self._client.refuse_draft(one.base)
        checked_pictures(checked_prompt(one.prompt), 1 + len(one.references))
        plan = self._client.plan(one.prompt, one.base, one.references, meta=one.meta, region=one.region)
        return self._asked(one.also_worded(plan), fresh=fresh)

    # What callers give

    def _base(self, on: object, region: object = None) -> Record:
        """The step to continue, of which a region is to be edited. An offline draft goes to a service only where it is named."""
        if on is None:
            record = self._head_step("edit").record
            self._client.refuse_draft(record)
        else:
            found = self._step_or_picture(on)
            if not isinstance(found, Record):
                check_region(region, found)
            record = found if isinstance(found, Record) else root_of(self._engine, self._terms, found).record
        record.check_picture()
        return record

    def _repeated(self, record: Record, prompt: str | Prompt | None, **options: Any) -> Plan:
        """The plan of a step's own request once more; an offline draft that went along goes to a service only where it is named."""
        references, anchors = (self._along(options.pop(name, ())) for name in ("references", "anchor"))
        for source in record.sources:
            if source.get("step"):
                self._client.refuse_draft(self._lineage.get(source["step"]))
        region = given_region(options.pop("region", None), self._lineage.get(record.parents[0]) if record.parents else None)
        return self._client.plan_again(record, prompt, references=references, anchors=anchors, region=region, **options)

    def _planned_variant(self, prompt: str | Prompt, on: object, root: bool, **options: Any) -> Plan:
        if root and "anchor" in options:
            raise SettingsError(ANCHORLESS)
        asked, (references, anchors) = checked_prompt(prompt), (self._along(options.pop(name, ())) for name in ("references", "anchor"))
        checked_pictures(asked, int(not root) + len(anchors) + len(references))
        region = read_region(options.pop("region", None))
        base = None if root else self._base(on, region)
        region = given_region(region, base)
        return self._client.plan(asked, base, references, anchors=anchors, region=region, **options)

    # What came

    def _asked(self, plan: Plan, *, fresh: bool) -> Step:
        answer = self._client.ask_anew(plan) if fresh else self._client.ask(plan)
        return self._moved(self._taken(answer))

    def _taken(self, answer: Answer) -> Step:
        """The step of an answer, with its warnings said; raises its error."""
        step = self._step_of(answer.record, reused=answer.reused)
        if answer.error is not None:
            answer.error.step = step
            raise answer.error
        for said in () if answer.reused else step.warnings:
            warn(f"step {step.number}: {said}")
        return step

    def _made(self, operation: Operation, on: object, label: object = None, meta: Any = None, channel: str | None = None) -> Step:
        from promptkit.engine.made import Making, make  # decodes, which is loaded when something is made

        making = Making(operation, self._step(on).record, channel, checked_label(label), checked_meta(meta))
        self._refuse_keys([making.label, making.meta])
        return self._taken(make(self._engine, making))

    def _followed(self, answers: Iterator[Answer]) -> Steps:
        """The steps of answers that come one after the other; the head follows each, so that an error leaves it on the last one."""
        return Steps([self._moved(self._taken(answer)) for answer in answers])


_KEYWORDS = (*(Session.__init__.__kwdefaults__ or ()), *OPTIONS)
Session.__signature__ = with_options(Session)  # type: ignore[attr-defined]  # Shift-Tab shows the options too
