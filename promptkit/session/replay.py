"""Replays: the steps of a trail asked for again, in another session or beside themselves, with other pictures, inputs, words or models.

All steps are put into words and checked before the first of them is asked for, prices and keys included. What `into` holds already is
found by its recipe and not asked for again; that is also how a replay that was stopped goes on.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from promptkit.cost import FREE, Cost
from promptkit.engine.ask import Answer
from promptkit.engine.client import Client, Terms, added_root
from promptkit.engine.engine import Engine
from promptkit.engine.labels import LIBRARY, Named, recorded_words
from promptkit.engine.made import make, making_again
from promptkit.engine.options import CONFIG, checked_label, checked_pictures, checked_text, checked_words
from promptkit.engine.plan import Plan, known_hints, library_along
from promptkit.engine.region_plan import recorded_region
from promptkit.errors import InputError, LineageError, PictureError, SettingsError, brief_path, warn
from promptkit.images.box import box_text
from promptkit.images.picture import Picture
from promptkit.lineage.record import FULL_SHA256, VARIED, Record
from promptkit.lineage.tree import Lineage
from promptkit.prompts.library_look import LibraryPicture
from promptkit.providers import models
from promptkit.providers.endpoint_choice import choose_endpoint, endpoint_of_record, service_with_key
from promptkit.providers.endpoints import Endpoint
from promptkit.session.keep_rules import SQUASHES
from promptkit.session.replay_preview import PreviewedStep, ReplayPreview, brief
from promptkit.session.reprompt import NewWords, Reprompt, refuse_unknown_inputs
from promptkit.views.facts import headline, is_draft

__all__ = ["HINTS", "Changed", "Into", "Replay", "checked_model"]

REPLAYS = "replays"  # in a step's meta: the id of the step that it replays
OF_INTO = (*CONFIG, "api_key", "transport", "chain", "recover", "send", "budget", "max_requests", "deadline")
HINTS = {
    **{name: f"Session(into, {name}=…)" for name in OF_INTO},
    "reuse": "Session(into, reuse=False)",
    "fresh": "Session(into, reuse=False)",
    "picture": "start=",
    "on": "start= for what to begin with, goto(…) for the step to replay up to",
    "base_url": "endpoint=",
    "url": "endpoint=",
    "variables": "inputs=",
    "template": "templates=",
}


def checked_model(model: object) -> str | None:
    """A model's id, or None for none."""
    if isinstance(model, str) and not model.strip():
        raise SettingsError('model is a model\'s id, such as "gemini-2.5-flash-image", not an empty text.')
    return checked_text("model", model)


@dataclass(frozen=True)
class Changed:
    """What a replay changes: where it is asked, in which words. None: as the session it goes into was opened, else as recorded."""

    model: str | None
    endpoint: str | Endpoint | None
    words: NewWords


@dataclass(frozen=True)
class Into:
    """Where a replay goes: the engine of a folder, and how its session asks. `asks_at` is the endpoint that it has settled on, `at_head`
    the name of the one that it would follow.
    """

    engine: Engine
    terms: Terms
    asks_at: Endpoint | None
    at_head: str | None


@dataclass(frozen=True)
class _Repeat:
    """One step that is asked for again: its words, and the client that asks."""

    words: Reprompt
    client: Client

    @property
    def record(self) -> Record:
        return self.words.record

    @property
    def config(self) -> dict[str, Any]:
        return self.client.config(self.words.prompt, {})

    @property
    def references(self) -> tuple[Mapping[str, Any], ...]:
        """The pictures that went along, but for those of the template's library, which its prompt brings."""
        return tuple(s for s in self.record.sources if s["role"] not in ("base", LIBRARY))

    @property
    def library(self) -> list[LibraryPicture]:
        """The pictures of the template's library that go along now."""
        own = [s for s in self.record.sources if s["role"] != LIBRARY]
        return library_along(self.words.prompt.references, {s.get("name") or "" for s in own}, {s["sha256"] for s in own})

    @cached_property
    def left_out(self) -> list[str]:
        """The recorded options that the model does not have."""
        model = self.client.model
        known = known_hints(self.words.prompt, model, self.client.dialect)
        lost = {k: v for k, v in self.words.prompt.config.items() if k in CONFIG and k not in known and k not in self.config}
        return [f"{model} has no {k} {v!r}, which is left out" for k, v in lost.items()]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of it, its changed words left aside."""
        source = {True: "its template changed", False: "its template is as it was", None: None}[self.words.source_changed]
        return tuple(filter(None, (*self.words.notes, source, *self.left_out)))

    @property
    def estimate(self) -> Cost | None:
        return models.estimate(self.client.model, self.client.endpoint.name, image_size=self.config.get("image_size"))

    def check(self) -> None:
        """Raises what would make the request fail."""
        count, prompt = sum(s["role"] != LIBRARY for s in self.record.sources), self.words.prompt
        with self._named():
            if self.words.is_todays:  # what it was recorded with goes with the template that it was recorded with
                checked_pictures(prompt, count)
            checked_words(prompt)
            self.client.check_options(self.config, count + len(self.library))
            self.client.refuse_keys([prompt.text, dict(prompt.inputs)])
            self.client.refuse_keys_of_template(prompt)

    def check_price(self) -> None:
        """SettingsError where there is a budget and the request has no price."""
        with self._named():
            self.client.budget.check_price(self.client.model, self.client.endpoint.name, self.config.get("image_size"))

    def connect(self) -> None:
        """Finds the key, so that none is missing midway; sends nothing."""
        with self._named():
            self.client.connection.open()

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Puts the step's number into an error's sentence."""
        try:
            yield
        except InputError as error:
            raise InputError(f"Step {self.record.number}: {error}", problems=error.problems) from None
        except SettingsError as error:
            raise SettingsError(f"Step {self.record.number}: {error}") from None


class Replay:
    """The steps of a trail prepared and checked to be asked for again, root first; it resumes by itself.

    What was made here is made again, of the picture that stands for the step before. At a step that was made by hand it stops, unless the
    step before it has one that was added there. `start` stands for the root: a picture, or a step of the folder
    that it goes into. Raises what would make a request fail, before anything is sent: InputError, SettingsError, LineageError,
    PictureError.
    """

    def __init__(self, lineage: Lineage, walk: Sequence[Record], into: Into, start: Record | Picture | None, changed: Changed) -> None:
        if not walk:
            said = "There is nothing to replay yet: make a picture with generate(…), or bring one with add(…)."
            raise LineageError(said, path=lineage.folder)
        self._lineage, self._trail, self._into, self._changed = lineage, walk, into, changed
        self._root, self._follows = self._rooted(start)
        for record in (r for r in self._follows if r.is_made):
            making_again(record, record, {})  # one that this promptkit does not know says so now
        words = [Reprompt(lineage, record, changed.words) for record in self._follows if not (record.by_hand or record.is_made)]
        refuse_unknown_inputs(changed.words, words)
        self._repeats = {repeat.record.id: repeat for repeat in self._prepared(words)}

    def _rooted(self, start: Record | Picture | None) -> tuple[Record | Picture | None, Sequence[Record]]:
        """What the trail begins with, where that is not asked for, and the steps that follow."""
        first, *rest = self._trail
        lost = bool(first.parents)  # the step before it is damaged or missing
        if start is not None:
            if not rest and not lost:
                said = f"Step {first.number} is the whole trail, and start= takes its place; goto(…) names the step to replay up to."
                raise LineageError(said, path=first.path)
            return start, (self._trail if lost else rest)
        if lost:
            said = f"The step that step {first.number} continues is missing or damaged; start= gives another picture to begin with."
            raise LineageError(said, path=first.path)
        return (first.picture, rest) if first.outcome == "added" else (None, self._trail)

    @property
    def _root_id(self) -> str:
        """The id of the recorded step that the root takes the place of."""
        first = self._trail[0]
        return first.parents[0] if first.parents else first.id

    @cached_property
    def _again(self) -> frozenset[str]:
        """The ids of the steps that are made again, the root's included."""
        return frozenset({self._root_id, *(r.id for r in self._trail)})

    # Where requests go

    def _prepared(self, words: Sequence[Reprompt]) -> list[_Repeat]:
        places = [self._place(w.record) for w in words]
        clients = {place: self._client(*place, alone=len({endpoint for endpoint, _, _ in places}) == 1) for place in places}
        repeats = [_Repeat(w, clients[place]) for w, place in zip(words, places, strict=True)]
        for repeat in repeats:
            repeat.check()
            for source in repeat.references:
                if source.get("step") not in self._again:
                    _ = self._lineage.source(source).data  # one that is missing says so before anything is paid for
            for along in repeat.library:
                _ = along.picture.data
        return repeats

    def _place(self, record: Record) -> tuple[Endpoint, str, str]:
        """Endpoint, model and chain: as the call says, else as the session was opened, else as recorded."""
        request, terms = record.request, self._into.terms
        if self._changed.endpoint is not None:
            endpoint = choose_endpoint(self._changed.endpoint)
        else:
            endpoint = terms.endpoint or _recorded_endpoint(record)
        own = endpoint.model if endpoint.name != request.get("endpoint") else None
        model = self._changed.model or terms.model or own or request.get("model") or models.default_model()
        return endpoint, str(model), "chat" if "chat" in (terms.chain, record.fields.get("chain")) else "picture"

    def _client(self, endpoint: Endpoint, model: str, chain: str, *, alone: bool) -> Client:
        """A key that the session was given stays with the endpoint that it was given for: where that was not named, with the one of the
        head, or in a new session with the only one of the replay.
        """
        into = self._into
        is_for_it = endpoint == into.asks_at if into.asks_at else alone and into.at_head in (None, endpoint.name)
        followed = model not in (self._changed.model, into.terms.model, endpoint.model)
        terms = replace(into.terms, endpoint=endpoint, model=model, chain=chain)
        return Client(into.engine, terms, endpoint, model, key=terms.key if is_for_it else None, followed=followed)

    # What is there

    def _looked_up(self) -> Iterator[tuple[_Repeat | Record, Record | None]]:
        """Each step, with the record that is this very request already, or that was made in its place; writes nothing. The last
        is one that was made by hand, where nothing stands for that.
        """
        made = {self._root_id: there} if (there := self._root_there()) else {}
        for record in self._follows:
            if record.by_hand:
                if found := self._hand_there(record, made):
                    made[record.id] = found
                yield record, found
                if found is None:
                    return
                continue
            if record.is_made:
                if found := self._made_there(record, made):
                    made[record.id] = found
                yield record, found
                continue
            repeat = self._repeats[record.id]
            plan = self._plan(repeat, made)
            found = repeat.client.find(plan) if plan else None
            if found:
                made[repeat.record.id] = found
            yield repeat, found

    def _hand_there(self, record: Record, made: Mapping[str, Record]) -> Record | None:
        """What was made by hand of the step that stands for its parent: with the same bytes, else the newest."""
        base = made.get(record.parents[0])
        lineage = self._into.engine.lineage
        found = [r for r in lineage.children(base) if r.by_hand and lineage.is_whole(r)] if base else []
        return max(found, key=lambda r: (r.outputs[0].sha256 == record.outputs[0].sha256, r.number), default=None)

    def _made_there(self, record: Record, made: Mapping[str, Record]) -> Record | None:
        """The same operation on the step that stands for its parent, where it is there already."""
        base = made.get(record.parents[0])
        return making_again(record, base, _meta(record)).find(self._into.engine.lineage) if base else None

    def _plan(self, repeat: _Repeat, made: Mapping[str, Record]) -> Plan | None:
        """The request; None where it goes on from a step that is not there yet."""
        record, base = repeat.record, None
        if record.parents and any(s["role"] == "base" for s in record.sources):
            base = made.get(record.parents[0])
            if base is None:
                return None
        references = [self._reference(s, made) for s in repeat.references]
        there = [Named(r, recorded_words(s)) for r, s in zip(references, repeat.references, strict=True) if r is not None]
        if len(there) < len(references):
            return None
        label, meta = record.fields.get("label"), _meta(record)
        region = recorded_region(self._lineage, record, base.picture) if base else None
        plan = repeat.client.plan(repeat.words.prompt, base, there, label=label, meta=meta, region=region)
        roles = [*(["base"] if base else []), *(s["role"] for s in repeat.references)]
        roles += [s.role for s in plan.sources[len(roles) :]]  # of the library
        sources = tuple(replace(s, role=role) for s, role in zip(plan.sources, roles, strict=True))
        take = record.fields.get("take")
        return replace(plan, sources=sources, take=take if isinstance(take, int) else 0)

    def _reference(self, source: Mapping[str, Any], made: Mapping[str, Record]) -> Record | Picture | None:
        step, into = source.get("step"), self._into.engine.lineage
        if step in self._again:
            return made.get(str(step))
        if step and into.has(step):  # the same session, or a copy: it stays the step that it is
            return into.get(step)
        return self._lineage.source(source)

    def _root_there(self) -> Record | None:
        """The root, where it is there already."""
        if not isinstance(self._root, Picture):
            return self._root
        return self._into.engine.lineage.added_with(self._root.sha256)

    # What to know before

    def _notes_along(self, repeat: _Repeat) -> list[str]:
        """What to know of the pictures that go along and are of steps beside the trail, which are not asked for again."""
        beside = (self._lineage.get(s["step"]) for s in repeat.references if s.get("step") and s["step"] not in self._again)
        return [said for record in beside if (said := self._note_along(record, at_service=not repeat.client.endpoint.is_offline))]

    def _note_along(self, record: Record, *, at_service: bool) -> str:
        ancestors = self._lineage.trail(record)
        facts = ["is an offline draft"] if at_service and is_draft(record) else []
        if self._again & {ancestors[0].id, *(i for r in ancestors for i in r.parents[:1])}:
            facts.append("is as it was: that step is not on the trail, and is not asked again")
        return f"the picture of step {record.number}, which goes along, {', and '.join(facts)}" if facts else ""

    def _warn(self, todo: Sequence[_Repeat]) -> None:
        """Says what is not as it was recorded, but for what the caller asked to change."""
        for repeat in todo:
            words, notes = repeat.words, [*repeat.words.notes, *repeat.left_out, *self._notes_along(repeat)]
            if words.source_changed:
                notes.append(f"the template {words.recorded.template} changed; its words: {brief(words.changed) or 'as they were'}")
            for note in notes:
                warn(f"Step {repeat.record.number}: {note}.")
        follows = self._into.terms.endpoint is None and self._changed.endpoint is None
        drafts = follows and todo and all(r.client.endpoint.is_offline for r in todo)
        if drafts and (service := service_with_key()):
            warn(f"These steps are offline drafts again, as they were; endpoint={service!r} asks {service}.")

    # Running, and showing what would be run

    def answers(self) -> Iterator[Answer]:
        """Asks for what is not there yet, one step after the other, the root first; the last answer holds an error where one stops it."""
        if self._into.terms.sends:
            self._prepare()
        made: dict[str, Record] = {}
        if self._root is not None:
            root = self._added_root(self._root)
            made[self._root_id] = root.record
            yield root
        for record in self._follows:
            answer = self._answer(record, made)
            made[record.id] = answer.record
            yield answer

    def _answer(self, record: Record, made: Mapping[str, Record]) -> Answer:
        if record.is_made:
            return self._made_again(record, made[record.parents[0]])
        return self._by_hand(record, made) if record.by_hand else self._asked(self._repeats[record.id], made)

    def _made_again(self, record: Record, base: Record) -> Answer:
        try:
            return make(self._into.engine, making_again(record, base, _meta(record)))
        except PictureError as error:
            raise PictureError(f"Step {record.number} cannot be made again of step {base.number}: {error}") from None

    def _prepare(self) -> None:
        """Finds what would keep a step from being asked for, such as a missing key, before the first one is."""
        self._into.engine.lineage.adopt()  # what a killed process left is found, and not paid for twice
        todo = [repeat for repeat, found in self._looked_up() if found is None and isinstance(repeat, _Repeat)]
        for repeat in todo:
            repeat.check_price()
            repeat.connect()
        self._warn(todo)

    def _asked(self, repeat: _Repeat, made: Mapping[str, Record]) -> Answer:
        plan = self._plan(repeat, made)
        assert plan is not None, "all that it goes on from was made before it"
        _tell_of_moved_region(repeat.record, plan)
        return repeat.client.ask(plan)

    def _by_hand(self, record: Record, made: Mapping[str, Record]) -> Answer:
        """What was made by hand in its place; else the step that it is to be made of, with the error that stops the replay."""
        if found := self._hand_there(record, made):
            return Answer(found, reused=True)
        base = made[record.parents[0]]
        why = f"The replay stops before step {record.number}, which was made by hand: no request brings that again"
        folder = self._into.engine.lineage.folder
        todo = f"retouch the picture of step {base.number} in {folder.name}, and"
        error = LineageError(f"{why}; {todo} add(picture, on={base.number}) there: the same call goes on from it.", path=base.path)
        shell = f"`promptkit add FILE -s {shlex.quote(brief_path(folder))} --on {base.number}`: the same command goes on from it."
        return Answer(base, error.also(in_shell=f"{why}; {todo} add it with {shell}"))

    def _added_root(self, root: Record | Picture) -> Answer:
        if isinstance(root, Record):
            return Answer(root)
        first = self._trail[0]
        is_itself = first.ok and root == first.picture  # then it keeps its label
        label = checked_label(first.fields.get("label") if is_itself else None)
        return added_root(self._into.engine, self._into.terms, root, label)

    def preview(self) -> ReplayPreview:
        """What each step would ask; those that are there already are found as a replay finds them."""
        root = self._root_there()
        rows = [PreviewedStep(self._trail[0].number, None, there=root.number if root else None)] if self._root is not None else []
        for repeat, found in self._looked_up():
            if isinstance(repeat, Record):
                rows.append(_made_previewed(repeat, found) if repeat.is_made else self._hand_previewed(repeat, found))
                continue
            if found is None:
                repeat.check_price()
            rows.append(self._previewed(repeat, found))
        budget = next(iter(self._repeats.values())).client.budget if self._repeats else None
        return ReplayPreview(tuple(rows), budget.left() if budget else None, budget.requests_left() if budget else None)

    def _hand_previewed(self, record: Record, found: Record | None) -> PreviewedStep:
        left = len(self._follows) - self._follows.index(record) - 1
        later = f"; {left} step{'s' * (left != 1)} after it" if left else ""
        stops = f"made by hand, and no request brings it again: the replay stops here, and goes on once one is added in its place{later}"
        return PreviewedStep(record.number, None, notes=("made by hand",) if found else (stops,), there=found.number if found else None)

    def _previewed(self, repeat: _Repeat, found: Record | None) -> PreviewedStep:
        words = repeat.words
        return PreviewedStep(
            step=repeat.record.number,
            prompt=words.prompt,
            changed=words.changed,
            notes=repeat.notes if found else (*repeat.notes, *self._notes_along(repeat)),
            model=repeat.client.model,
            endpoint=repeat.client.endpoint.name,
            price=FREE if found else repeat.estimate,
            there=found.number if found else None,
            source_changed=words.source_changed,
        )


def _tell_of_moved_region(record: Record, plan: Plan) -> None:
    """Says where a region lies in a picture of another size than the recorded one."""
    if record.region and plan.region and plan.region.region.size != record.region.size:
        old, new = ("×".join(map(str, size)) for size in (record.region.size, plan.region.region.size))
        then, here = box_text(record.region.box), box_text(plan.region.region.box)
        warn(f"Step {record.number} edited {then} of {old} pixels; here that is {here} of {new}.")


def _made_previewed(record: Record, found: Record | None) -> PreviewedStep:
    return PreviewedStep(record.number, None, notes=(f"made here: {headline(record)}",), there=found.number if found else None, made=True)


def _recorded_endpoint(record: Record) -> Endpoint:
    """The endpoint that a step was made at, as the user's own settings define it."""
    name = record.request.get("endpoint")
    if name is None:
        return choose_endpoint(None)
    return endpoint_of_record(name, f"Step {record.number}")


def _meta(record: Record) -> dict[str, Any]:
    """The caller's notes, and which step it replays. A replay of a replay names the step that it replays itself; one of a squash does
    not name what that stood for, which is of another branch, nor one of a variant what varied, which is of another call.
    """
    meta = dict(record.fields.get("meta") or {})
    if _is_ids(meta.get(SQUASHES)):
        del meta[SQUASHES]
    if record.varied:
        del meta[VARIED]
    is_ours = meta.get(REPLAYS) is None or _is_ids([meta[REPLAYS]])
    return {**meta, REPLAYS if is_ours else f"promptkit_{REPLAYS}": record.id}


def _is_ids(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(i, str) and FULL_SHA256.fullmatch(i) for i in value)
