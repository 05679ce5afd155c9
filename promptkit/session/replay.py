"""Replays: the steps of a trail asked for again, in another session or beside themselves, with other pictures, inputs, words or models.

All steps are put into words and checked before the first of them is asked for, prices and keys included. What `into` holds already is
found by its recipe and not asked for again; that is also how a replay that was stopped goes on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from promptkit import config as settings
from promptkit.config import Endpoint
from promptkit.engine.options import CONFIG, checked_pictures, checked_text, refuse_unknown
from promptkit.engine.plan import Plan, known_hints
from promptkit.errors import InputError, LineageError, PictureError, SettingsError, warn
from promptkit.images.picture import Picture
from promptkit.lineage.record import FULL_SHA256, Record
from promptkit.lineage.tree import Lineage
from promptkit.prompts.library import Library
from promptkit.providers import models
from promptkit.session.changes import SQUASHES
from promptkit.session.replay_preview import Rehearsal, Rehearsed, brief
from promptkit.session.reprompt import Reworded, Rewording, declared_inputs, refuse_unknown_inputs
from promptkit.session.step import Step, Steps
from promptkit.views.cards import is_draft

__all__ = ["Rehearsal", "Rehearsed", "declared_inputs", "replay"]

REPLAYS = "replays"  # in a step's meta: the id of the step that it replays
OF_INTO = ("aspect_ratio", "image_size", "seed", "temperature", "safety", "api_key", "transport", "chain", "recover", "budget", "deadline")
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


def replay(
    session: Any,
    into: Any,
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
    """The steps of the head's trail, root first, asked for again in the session `into`, which may be the same one; it resumes by itself.

    `start` (path, bytes, PIL image, Picture, Step) stands for the root; `inputs` go to each step whose template has them; `lang` to each
    template that has it. Named nowhere, endpoint and model are those that `into` was opened with, else those of each step as recorded; so
    are the options, the seed among them. A step that was asked with the earlier turns is asked so again, whatever the chain of `into`.
    `templates` takes a Library's sources instead of those that the session keeps.

    `dry_run` returns a Rehearsal: every prompt, what it may cost in USD, and what the budget of `into` has left; nothing is sent or
    written, and what a killed process left in `into` counts as not there. Raises as `generate` does, InputError and LineageError; what
    was made before stays, and the same call goes on from there.
    """
    refuse_unknown(unknown, tuple(replay.__kwdefaults__ or ()), HINTS)
    run = _Replay(session, into, start, _checked_model(model), endpoint, Rewording(inputs, lang, templates))
    return run.rehearsal() if dry_run else run.steps()


def _checked_model(model: object) -> str | None:
    if isinstance(model, str) and not model.strip():
        raise SettingsError('model is a model\'s id, such as "gemini-2.5-flash-image", not an empty text.')
    return checked_text("model", model)


@dataclass(frozen=True)
class _Turn:
    """One step that is asked for again: its words, and a cursor on the folder that asks at its endpoint."""

    words: Reworded
    asking: Any

    @property
    def record(self) -> Record:
        return self.words.step.record

    @property
    def config(self) -> dict[str, Any]:
        config: dict[str, Any] = self.asking._configured(self.words.prompt, self.asking._model, {})
        return config

    @property
    def references(self) -> tuple[Mapping[str, Any], ...]:
        return tuple(s for s in self.record.sources if s["role"] != "base")

    @cached_property
    def left_out(self) -> list[str]:
        """The recorded options that the model does not have."""
        model = self.asking._model
        known = known_hints(self.words.prompt, model)
        lost = {k: v for k, v in self.words.prompt.config.items() if k in CONFIG and k not in known and k not in self.config}
        return [f"{model} has no {k} {v!r}, which is left out" for k, v in lost.items()]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of it, its changed words left aside."""
        source = {True: "its template changed", False: "its template is as it was", None: None}[self.words.source_changed]
        return tuple(filter(None, (*self.words.notes, source, *self.left_out)))

    @property
    def estimate(self) -> float | None:
        return models.estimate(self.asking._model, self.asking._endpoint.name, image_size=self.config.get("image_size"))

    def check(self) -> None:
        """Raises what would make the request fail."""
        count, config, prompt = len(self.record.sources), self.config, self.words.prompt
        with self._named():
            if self.words.is_todays:  # what it was recorded with goes with the template that it was recorded with
                checked_pictures(prompt, count)
            models.check(self.asking._model, aspect_ratio=config.get("aspect_ratio"), image_size=config.get("image_size"), pictures=count)
            self.asking._refuse_keys([prompt.text, dict(prompt.inputs)])

    def check_price(self) -> None:
        """SettingsError where `into` has a budget and the request no price."""
        with self._named():
            self.asking._budget.check_price(self.asking._model, self.asking._endpoint.name, self.config.get("image_size"))

    def connect(self) -> None:
        """Finds the key, so that none is missing midway; sends nothing."""
        with self._named():
            self.asking._connected()

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Puts the step's number into an error's sentence."""
        try:
            yield
        except InputError as error:
            raise InputError(f"Step {self.record.number}: {error}", problems=error.problems) from None
        except SettingsError as error:
            raise SettingsError(f"Step {self.record.number}: {error}") from None


class _Replay:
    """The steps to ask for, prepared and checked, and where they are asked for."""

    def __init__(
        self, session: Any, into: Any, start: object, model: str | None, endpoint: str | Endpoint | None, rewording: Rewording
    ) -> None:
        self._into, self._model, self._endpoint = into, model, endpoint
        self._trail = session.trail()
        if not self._trail:
            said = "There is nothing to replay yet: make a picture with generate(…), or bring one with add(…)."
            raise LineageError(said, path=session.folder)
        self._lineage: Lineage = self._trail[0].lineage
        self._root, again = self._rooted(start)
        words = [Reworded(step, rewording) for step in again]
        refuse_unknown_inputs(rewording, words)
        self._turns = self._prepared(words)

    def _rooted(self, start: object) -> tuple[Step | Picture | None, Sequence[Step]]:
        """What the trail begins with, where that is not asked for, and the steps that follow."""
        first, *rest = self._trail
        lost = bool(first.record.parents)  # the step before it is damaged or missing
        if start is not None:
            if not rest and not lost:
                said = f"Step {first.number} is the whole trail, and start= takes its place; goto(…) names the step to replay up to."
                raise LineageError(said, path=first.record.path)
            return self._opened(start), (self._trail if lost else rest)
        if lost:
            said = f"The step that step {first.number} continues is missing or damaged; start= gives another picture to begin with."
            raise LineageError(said, path=first.record.path)
        return (first.picture, rest) if first.outcome == "added" else (None, self._trail)

    def _opened(self, start: object) -> Step | Picture:
        if isinstance(start, Step):
            return self._into._step_of(start.record) if start in self._into and start.ok else start.picture
        if isinstance(start, str | os.PathLike | bytes | bytearray | Picture) or hasattr(start, "getbands"):
            return Picture.open(start)  # type: ignore[arg-type]
        raise PictureError(f"start= is a path, bytes, a PIL image, a Picture or a Step, not a {type(start).__name__}.")

    @property
    def _root_id(self) -> str:
        """The id of the recorded step that the root takes the place of."""
        first = self._trail[0]
        return str(first.record.parents[0] if first.record.parents else first.id)

    @cached_property
    def _again(self) -> frozenset[str]:
        """The ids of the steps that are made again, the root's included."""
        return frozenset({self._root_id, *(s.id for s in self._trail)})

    # Where requests go

    def _prepared(self, words: Sequence[Reworded]) -> list[_Turn]:
        places = [self._place(w.step.record) for w in words]
        key = self._into._given_key if len({endpoint for endpoint, _, _ in places}) == 1 else None
        asking = {place: self._into._elsewhere(*place, key) for place in places}
        turns = [_Turn(w, asking[place]) for w, place in zip(words, places, strict=True)]
        for turn in turns:
            turn.check()
            for source in turn.references:
                if source.get("step") not in self._again:
                    _ = self._lineage.source(source).data  # one that is missing says so before anything is paid for
        return turns

    def _place(self, record: Record) -> tuple[Endpoint, str, str]:
        """Endpoint, model and chain: as the call says, else as `into` was opened, else as recorded."""
        request, into = record.request, self._into
        if self._endpoint is not None:
            endpoint = settings.choose_endpoint(self._endpoint)
        else:
            endpoint = _recorded_endpoint(record) if into._follows else into._endpoint
        own = endpoint.model if endpoint.name != request.get("endpoint") else None
        model = self._model or into._named_model or own or request.get("model") or models.default_model()
        return endpoint, str(model), "chat" if "chat" in (into._chain, record.fields.get("chain")) else "picture"

    # What is there

    def _looked_up(self) -> Iterator[tuple[_Turn, Record | None]]:
        """Each step, with the record in `into` that is this very request; writes nothing."""
        made = {self._root_id: there} if (there := self._root_there()) else {}
        for turn in self._turns:
            plan = self._plan(turn, made)
            found = turn.asking._found(plan) if plan else None
            if found:
                made[turn.record.id] = self._into._step_of(found, reused=True)
            yield turn, found

    def _plan(self, turn: _Turn, made: Mapping[str, Step]) -> Plan | None:
        """The request; None where it goes on from a step that is not there yet."""
        record, base = turn.record, None
        if record.parents and any(s["role"] == "base" for s in record.sources):
            base = made.get(record.parents[0])
            if base is None:
                return None
        references = [self._reference(s, made) for s in turn.references]
        if None in references:
            return None
        label, meta = record.fields.get("label"), _meta(record)
        plan: Plan = turn.asking._planned(turn.words.prompt, base, references, label=label, meta=meta)
        roles = [*(["base"] if base else []), *(s["role"] for s in turn.references)]
        sources = tuple(replace(s, role=role) for s, role in zip(plan.sources, roles, strict=True))
        take = record.fields.get("take")
        return replace(plan, sources=sources, take=take if isinstance(take, int) else 0)

    def _reference(self, source: Mapping[str, Any], made: Mapping[str, Step]) -> Step | Picture | None:
        step = source.get("step")
        if step in self._again:
            return made.get(str(step))
        if step and self._into._lineage.has(step):  # the same session, or a copy: it stays the step that it is
            there: Step = self._into._step_of(self._into._lineage.get(step))
            return there
        return self._lineage.source(source)

    def _root_there(self) -> Step | None:
        """The root in `into`, where it is there already."""
        if not isinstance(self._root, Picture):
            return self._root
        found = self._into._lineage.added_with(self._root.sha256)
        return self._into._step_of(found, reused=True) if found else None

    # What to know before

    def _notes_along(self, turn: _Turn) -> list[str]:
        """What to know of the pictures that go along and are of steps beside the trail, which are not asked for again."""
        beside = (self._lineage.get(s["step"]) for s in turn.references if s.get("step") and s["step"] not in self._again)
        return [said for record in beside if (said := self._note_along(record, at_service=not turn.asking._endpoint.is_offline))]

    def _note_along(self, record: Record, *, at_service: bool) -> str:
        ancestors = self._lineage.trail(record)
        facts = ["is an offline draft"] if at_service and is_draft(record) else []
        if self._again & {ancestors[0].id, *(i for r in ancestors for i in r.parents[:1])}:
            facts.append("is as it was: that step is not on the trail, and is not asked again")
        return f"the picture of step {record.number}, which goes along, {', and '.join(facts)}" if facts else ""

    def _warn(self, todo: Sequence[_Turn]) -> None:
        """Says what is not as it was recorded, but for what the caller asked to change."""
        for turn in todo:
            words, notes = turn.words, [*turn.words.notes, *turn.left_out, *self._notes_along(turn)]
            if words.source_changed:
                notes.append(f"the template {words.recorded.template} changed; its words: {brief(words.changed) or 'as they were'}")
            for note in notes:
                warn(f"Step {turn.record.number}: {note}.")
        follows = self._into._follows and self._endpoint is None
        drafts = follows and todo and all(t.asking._endpoint.is_offline for t in todo)
        if drafts and (service := settings.service_with_key()):
            warn(f"These steps are offline drafts again, as they were; endpoint={service!r} asks {service}.")

    # Running, and showing what would be run

    def steps(self) -> Steps:
        """Asks for what is not there yet; the head of `into` follows."""
        self._into._lineage.adopt()  # what a killed process left is found, and not paid for twice
        todo = [turn for turn, found in self._looked_up() if found is None]
        for turn in todo:
            turn.check_price()
            turn.connect()
        self._warn(todo)
        done: list[Step] = []
        try:
            self._ask(done)
        finally:
            if done:
                self._into._moved(done[-1])
        return Steps(done)

    def _ask(self, done: list[Step]) -> None:
        """Adds the steps to `done`, one after the other."""
        made: dict[str, Step] = {}
        if self._root is not None:
            root = self._root if isinstance(self._root, Step) else self._into.add(self._root, label=self._root_label())
            made[self._root_id] = root
            done.append(root)
        for turn in self._turns:
            plan = self._plan(turn, made)
            assert plan is not None, "all that it goes on from was made before it"
            step = made[turn.record.id] = turn.asking._one(plan)
            done.append(self._into._step_of(step.record, reused=step.reused))

    def _root_label(self) -> str | None:
        """The root's label, where it is the root itself that is added again."""
        first = self._trail[0]
        is_itself = isinstance(self._root, Picture) and first.ok and self._root == first.picture
        return first.label if is_itself else None

    def rehearsal(self) -> Rehearsal:
        """What each step would ask; those that are there already are found as a replay finds them."""
        root = self._root_there()
        rows = [Rehearsed(self._trail[0].number, None, there=root.number if root else None)] if self._root is not None else []
        for turn, found in self._looked_up():
            if found is None:
                turn.check_price()
            rows.append(self._rehearsed(turn, found))
        return Rehearsal(tuple(rows), self._into._budget.left())

    def _rehearsed(self, turn: _Turn, found: Record | None) -> Rehearsed:
        words = turn.words
        return Rehearsed(
            step=turn.record.number,
            prompt=words.prompt,
            changed=words.changed,
            notes=turn.notes if found else (*turn.notes, *self._notes_along(turn)),
            model=turn.asking._model,
            endpoint=turn.asking._endpoint.name,
            usd=0.0 if found else turn.estimate,
            there=found.number if found else None,
            source_changed=words.source_changed,
        )


def _recorded_endpoint(record: Record) -> Endpoint:
    """The endpoint that a step was made at, as the user's own settings define it."""
    name = record.request.get("endpoint")
    if name is None:
        return settings.choose_endpoint(None)
    try:
        return Endpoint.named(name)
    except SettingsError as error:
        said = f"Step {record.number} was made at {name!r}, and endpoint= names nothing else"
        raise SettingsError(f"{said}: {str(error)[0].lower()}{str(error)[1:]}") from None


def _meta(record: Record) -> dict[str, Any]:
    """The caller's notes, and which step it replays. A replay of a replay names the step that it replays itself; one of a squash does
    not name what that stood for, which is of another branch.
    """
    meta = dict(record.fields.get("meta") or {})
    if _is_ids(meta.get(SQUASHES)):
        del meta[SQUASHES]
    is_ours = meta.get(REPLAYS) is None or _is_ids([meta[REPLAYS]])
    return {**meta, REPLAYS if is_ours else f"promptkit_{REPLAYS}": record.id}


def _is_ids(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(i, str) and FULL_SHA256.fullmatch(i) for i in value)
