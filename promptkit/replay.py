"""Replays: the steps of a trail asked for again, in another session or beside themselves, with other pictures, inputs, words or models.

All steps are put into words and checked before the first of them is asked for. What `into` holds already is found by its recipe and not
asked for again; that is also how a replay that was stopped goes on.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from promptkit import models, recovery, settings
from promptkit.display import is_draft
from promptkit.errors import InputError, LineageError, PictureError, SettingsError, TemplateError, TemplateNotFound, did_you_mean, warn
from promptkit.frontmatter import Input, find_language
from promptkit.library import Library
from promptkit.library import templates as todays
from promptkit.lineage import Lineage, Record
from promptkit.markup import Html, card, escape, table
from promptkit.picture import Picture
from promptkit.plan import CONFIG, Plan, checked_config, checked_pictures, checked_text, known_hints, record_fields
from promptkit.record import sources_digest
from promptkit.settings import Endpoint
from promptkit.sources import File, make_file
from promptkit.step import Step, Steps
from promptkit.template import FILE_NAME, Prompt, Template, _template

__all__ = ["Rehearsal", "Rehearsed", "declared_inputs", "replay"]

REPLAYS = "replays"  # in a step's meta: the id of the step that it replays
ID = re.compile(r"[0-9a-f]{64}")
CJK = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # written without spaces: each character is a word
WORD = re.compile(rf"\s+|[{CJK}]|[^\s{CJK}]+")
CHANGES_SHOWN = 6


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
) -> Steps | Rehearsal:
    """The steps of the head's trail, root first, asked for again in the session `into`, which may be the same one; it resumes by itself.

    `start` (path, bytes, PIL image, Picture, Step) stands for the root; `inputs` go to each step whose template has them; `lang` to each
    template that has it. Named nowhere, endpoint and model are those that `into` was opened with, else those of each step as recorded; so
    are the options, the seed among them. `templates` takes a Library's sources instead of those that the session keeps. `dry_run` returns
    a Rehearsal: every prompt and what it may cost in USD; nothing is sent or written. Raises as `generate` does, InputError and
    LineageError; what was made before stays, and the same call goes on from there.
    """
    run = _Replay(session, into, start, _Changes(checked_text("model", model), endpoint, _checked(inputs), lang, templates))
    if dry_run:
        return Rehearsal(tuple(run.rehearsed()))
    run.warn_of_changes()
    return run.steps()


def declared_inputs(session: Any, templates: Library | None = None) -> dict[str, Input]:
    """The inputs of the templates on the head's trail by name, as the session keeps them or as `templates` has them."""
    found = (_Words(step, _Changes(templates=templates)) for step in session.trail() if step.prompt is not None)
    return {name: declared for words in found if words.template for name, declared in words.template.inputs.items()}


@dataclass(frozen=True)
class _Changes:
    """What is asked otherwise than it was."""

    model: str | None = None
    endpoint: str | Endpoint | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    lang: str | None = None
    templates: Library | None = None

    def __post_init__(self) -> None:
        checked_text("lang", self.lang)
        if self.model is not None and not self.model.strip():
            raise SettingsError('model is a model\'s id, such as "gemini-2.5-flash-image", not an empty text.')
        if self.templates is not None and not isinstance(self.templates, Library):
            raise SettingsError(f"templates= is a Library, such as Library(folder) or promptkit.templates, not {self.templates!r:.60}.")


def _checked(inputs: object) -> Mapping[str, Any]:
    if inputs is not None and not isinstance(inputs, Mapping):
        raise SettingsError(f'inputs= is a mapping such as {{"subject": "fox"}}, not {inputs!r:.60}.')
    return dict(inputs or {})


# The templates that a session keeps


@dataclass(frozen=True, eq=False, repr=False)
class _Kept(Template):
    """A template made of the sources that a session keeps; it looks for nothing on disk."""

    _files: Mapping[str, File] = field(default_factory=dict)

    def _open(self, path: str, name: str) -> File | None:  # noqa: ARG002
        return self._files.get(name)


def _kept_template(lineage: Lineage, recorded: Prompt) -> Template | None:
    """The template of a prompt as it was then; None where its sources are missing or not what was recorded."""
    files = recorded.files
    base = _base_name(recorded)
    if base is None or sources_digest(files) != recorded.digest:
        return None
    opened = {name: make_file(name, Path(name), text.encode("utf-8", "replace")) for name, text in files.items()}
    found = _template(str(recorded.template), opened[base], (str(lineage.folder),), "", recorded.pack)
    about = {f.name: getattr(found, f.name) for f in fields(Template)}
    return _Kept(**{**about, "languages": (found.lang, *_other_languages(base, files))}, _files=opened)


def _base_name(recorded: Prompt) -> str | None:
    """Which of its files is the base: a pack's own name stands before the dot and is no folder."""
    words = str(recorded.template).split(".")
    names = ("/".join(words), "/".join(words[1:]), ".".join(words))
    return next((f"{n}.j2" for n in names if f"{n}.j2" in recorded.files), None)


def _other_languages(base: str, files: Mapping[str, str]) -> list[str]:
    folder, _, name = base.rpartition("/")
    matches = (FILE_NAME.fullmatch(f.rpartition("/")[2]) for f in files if f.rpartition("/")[0] == folder)
    return [m["lang"] for m in matches if m and m["lang"] and f"{m['name']}.j2" == name]


# Words


class _Words:
    """The prompt of one step, as it was recorded and as it is asked now."""

    def __init__(self, step: Step, changes: _Changes) -> None:
        assert step.prompt is not None
        self.step, self.recorded, self._changes = step, step.prompt, changes
        self.notes: list[str] = []
        self.source_changed: bool | None = None
        self._kept, self._was = self._as_recorded()
        self._todays = self._todays_template()
        self.template = self._todays or self._kept

    def _as_recorded(self) -> tuple[Template | None, Prompt | None]:
        """The template as the session keeps it, and what it makes of the recorded inputs."""
        if self.recorded.template is None:
            return None, None
        try:
            kept = _kept_template(self.step._lineage, self.recorded)
            return kept, kept(lang=self.recorded.lang, **self.recorded.inputs) if kept else None
        except TemplateError:  # kept by a promptkit that took what this one refuses
            return None, None

    def _todays_template(self) -> Template | None:
        name, library = self.recorded.template, self._changes.templates
        if name is None or library is None:
            return None
        found = _in(library, name)
        if found is None:
            self.notes.append(f"{name} is not in templates=; its stored source is used")
        return found

    @property
    def is_todays(self) -> bool:
        """Whether the template is one of templates=."""
        return self._todays is not None

    def has(self, name: str) -> bool:
        """Whether the step's template has that input, by its own or its former name."""
        if self.template is None:
            return name in self.recorded.inputs
        return name in self.template.inputs or any(i.renamed_from == name for i in self.template.inputs.values())

    @cached_property
    def prompt(self) -> Prompt:
        """What is asked now. InputError and TemplateError name the step."""
        given = {k: v for k, v in self._changes.inputs.items() if self.has(k)}
        template = self.template
        if template is None:
            return self._unrendered(given)
        lang = self._language(template)
        if self._changes.lang and not find_language(lang, template.languages):
            template = _in(todays, template.name) or template
        try:
            now = template(lang=lang, **{**self._without_old_names(template, given), **given})
        except InputError as error:
            raise InputError(f"Step {self.step.number}: {error}", problems=error.problems) from None
        self._compare_source(now)
        return replace(now, text=self._with_what_was_added(now, is_same=template is self._kept), config=self._config(now))

    def _without_old_names(self, template: Template, given: Mapping[str, Any]) -> dict[str, Any]:
        """The recorded inputs, but for those that are given now under another of their names."""
        names = {declared.renamed_from: declared.name for declared in template.inputs.values() if declared.renamed_from}
        new = {names.get(name, name) for name in given}
        return {k: v for k, v in self.recorded.inputs.items() if names.get(k, k) not in new}

    def _unrendered(self, given: Mapping[str, Any]) -> Prompt:
        """The recorded words: of free text, or of a template that is lost."""
        if given:
            said = f"The template {self.recorded.template} of step {self.step.number} is missing or damaged, so its inputs cannot change"
            folder = self.step._lineage.folder
            raise LineageError(f"{said}; `promptkit verify` says how, and templates= takes today's.", path=folder)
        wanted = self._changes.lang
        if wanted and not find_language(wanted, (self.recorded.lang or recovery.language_of(self.recorded.text),)):
            self.notes.append(f"its words are sent as they are, not in {wanted}")
        return replace(self.recorded, config=self._config(self.recorded))

    def _language(self, template: Template) -> str:
        """The language asked for, where the template has it; else the recorded one, and a note."""
        was, wanted = self.recorded.lang or template.lang, self._changes.lang
        was = was if find_language(was, template.languages) else template.lang
        if wanted is None:
            return was
        if found := find_language(wanted, template.languages):
            return found
        # the session keeps the languages that it used; today's file will do where it translates the very same template
        now = _in(todays, template.name)
        if now and now.source == template.source and (found := find_language(wanted, now.languages)):
            return found
        self.notes.append(f"{template.name} is not written in {wanted} here, and stays in {was}")
        return was

    def _with_what_was_added(self, now: Prompt, *, is_same: bool) -> str:
        """The new words, with what the caller had added to the old ones (`prompt + "…"`)."""
        old = self.recorded
        if self._was is not None and old.text.startswith(self._was.text):
            return now.text + old.text.removeprefix(self._was.text)
        if is_same and dict(now.inputs) == dict(old.inputs) and now.lang == old.lang:
            return old.text
        self.notes.append("its words were not just what its template makes; they are rendered anew")
        return now.text

    def _compare_source(self, now: Prompt) -> None:
        if self.is_todays and now.lang == self.recorded.lang:
            self.source_changed = now.digest != self.recorded.digest

    def _config(self, now: Prompt) -> dict[str, Any]:
        """The recorded options as hints, so that those of a model or a session that was named win over them. What the template asked
        for then, it asks for as it stands now.
        """
        request = self.step.record.request
        recorded = checked_config({k: v for k, v in (request.get("config") or {}).items() if k in CONFIG})
        then = known_hints(self._was, str(request.get("model"))) if self._was else {}
        own = {k: v for k, v in recorded.items() if v != then.get(k)}
        return {k: v for k, v in now.config.items() if k in recorded or k not in then} | own

    @cached_property
    def changed(self) -> tuple[str, ...]:
        """Which words are others than they were."""
        if self.prompt.lang != self.recorded.lang:
            return (f"in {self.prompt.lang} instead of {self.recorded.lang}",)
        return _changed_words(self.recorded.text, self.prompt.text)


def _in(library: Library, name: str) -> Template | None:
    try:
        found = library[name]
    except TemplateNotFound:
        return None
    return found if isinstance(found, Template) else None


def _changed_words(before: str, after: str) -> tuple[str, ...]:
    """What was replaced, left out (-) and added (+), in order."""
    old, new = WORD.findall(before), WORD.findall(after)
    found = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        gone, come = "".join(old[a:b]).strip(), "".join(new[c:d]).strip()
        if kind != "equal" and gone != come:
            found.append(f"“{gone}” → “{come}”" if gone and come else f"-“{gone}”" if gone else f"+“{come}”")
    return tuple(found)


# One replay


@dataclass(frozen=True)
class _Turn:
    """One step that is asked for again: its words, and a cursor on the folder that asks at its endpoint."""

    words: _Words
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

    def check(self) -> None:
        """Raises what would make the request fail."""
        count, config = len(self.record.sources), self.config
        try:
            if self.words.is_todays:  # what it was recorded with goes with the template that it was recorded with
                checked_pictures(self.words.prompt, count)
            models.check(self.asking._model, aspect_ratio=config.get("aspect_ratio"), image_size=config.get("image_size"), pictures=count)
        except InputError as error:
            raise InputError(f"Step {self.record.number}: {error}", problems=error.problems) from None
        except SettingsError as error:
            raise SettingsError(f"Step {self.record.number}: {error}") from None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of it, its changed words left aside."""
        source = {True: "its template changed", False: "its template is as it was", None: None}[self.words.source_changed]
        return tuple(filter(None, (*self.words.notes, source, *self.left_out)))

    @property
    def estimate(self) -> float | None:
        return models.estimate(self.asking._model, self.asking._endpoint.name, image_size=self.config.get("image_size"))


class _Replay:
    """The steps to ask for, prepared and checked, and where they are asked for."""

    def __init__(self, session: Any, into: Any, start: object, changes: _Changes) -> None:
        self._into, self._changes = into, changes
        self._trail = session.trail()
        if not self._trail:
            said = "There is nothing to replay yet: make a picture with generate(…), or bring one with add(…)."
            raise LineageError(said, path=session.folder)
        self._lineage: Lineage = self._trail[0]._lineage
        self._root, again = self._rooted(start)
        words = [_Words(step, changes) for step in again]
        _refuse_unknown_inputs(changes.inputs, words)
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
            return Step(self._into, self._into._lineage, start.record) if start in self._into and start.ok else start.picture
        if isinstance(start, str | os.PathLike | bytes | bytearray | Picture) or hasattr(start, "getbands"):
            return Picture.open(start)  # type: ignore[arg-type]
        raise PictureError(f"start= is a path, bytes, a PIL image, a Picture or a Step, not a {type(start).__name__}.")

    @property
    def _root_id(self) -> str:
        """The id of the recorded step that the root takes the place of."""
        first = self._trail[0]
        return str(first.record.parents[0] if first.record.parents else first.id)

    # Where requests go

    def _prepared(self, words: Sequence[_Words]) -> list[_Turn]:
        places = [self._place(w.step.record) for w in words]
        key = self._into._given_key if len({endpoint for endpoint, _, _ in places}) == 1 else None
        asking = {place: self._into._elsewhere(*place, key) for place in places}
        turns = [_Turn(w, asking[place]) for w, place in zip(words, places, strict=True)]
        for turn in turns:
            turn.check()
            for picture in self._outside(turn):
                _ = picture.data  # one that is missing says so before anything is paid for
        return turns

    def _place(self, record: Record) -> tuple[Endpoint, str, str]:
        """Endpoint, model and chain: as the call says, else as `into` was opened, else as recorded."""
        request, into = record.request, self._into
        if self._changes.endpoint is not None:
            endpoint = settings.choose_endpoint(self._changes.endpoint)
        else:
            endpoint = settings.choose_endpoint(None, head=request.get("endpoint")) if into._follows else into._endpoint
        own = endpoint.model if endpoint.name != request.get("endpoint") else None
        model = self._changes.model or into._named_model or own or request.get("model") or models.default_model()
        return endpoint, str(model), "chat" if "chat" in (into._chain, record.fields.get("chain")) else "picture"

    def _outside(self, turn: _Turn) -> Iterator[Picture]:
        trail = {self._root_id, *(s.id for s in self._trail)}
        yield from (self._lineage.source(s) for s in turn.references if s.get("step") not in trail)

    # What is there

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
        if step in made or step in {self._root_id, *(s.id for s in self._trail)}:
            return made.get(str(step))
        if step and self._into._lineage.has(step):  # the same session, or a copy: it stays the step that it is
            return Step(self._into, self._into._lineage, self._into._lineage.get(step))
        return self._lineage.source(source)

    def _root_there(self) -> Step | None:
        """The root in `into`, where it is there already."""
        root, lineage = self._root, self._into._lineage
        if not isinstance(root, Picture):
            return root
        same = (r for r in lineage.records() if r.outcome == "added" and r.outputs[0]["sha256"] == root.sha256)
        found = next(filter(lineage.is_whole, same), None)
        return Step(self._into, lineage, found, reused=True) if found else None

    # Running, and showing what would be run

    def warn_of_changes(self) -> None:
        """Says what is not as it was recorded, but for what the caller asked to change."""
        for turn in self._turns:
            words, notes = turn.words, [*turn.words.notes, *turn.left_out]
            if words.source_changed:
                notes.append(f"the template {words.recorded.template} changed; its words: {_brief(words.changed) or 'as they were'}")
            notes += [f"the picture of step {n}, which goes along, is an offline draft" for n in self._drafts(turn)]
            for note in notes:
                warn(f"Step {turn.record.number}: {note}.")
        follows = self._into._follows and self._changes.endpoint is None
        drafts = follows and self._turns and all(t.asking._endpoint.is_offline for t in self._turns)
        if drafts and (service := settings.service_with_key()):
            warn(f"These steps are offline drafts again, as they were; endpoint={service!r} asks {service}.")

    def _drafts(self, turn: _Turn) -> list[int]:
        """References from outside the trail that the offline painter made and that a service would be sent."""
        if turn.asking._endpoint.is_offline:
            return []
        trail = {s.id for s in self._trail}
        found = (self._lineage.get(s["step"]) for s in turn.references if s.get("step") and s["step"] not in trail)
        return [r.number for r in found if is_draft(r)]

    def steps(self) -> Steps:
        """Asks for what is not there yet; the head of `into` follows."""
        into, made = self._into, {}
        if any(into.folder.glob(".open-*")):  # what a killed process left becomes a record now, so that it is found and not paid for twice
            into._lineage.begin("add", record_fields(None, label=None, meta={})).drop()
        done: list[Step] = []
        try:
            if self._root is not None:
                root = self._root if isinstance(self._root, Step) else into.add(self._root, label=self._root_label())
                made[self._root_id] = root
                done.append(root)
            for turn in self._turns:
                plan = self._plan(turn, made)
                assert plan is not None, "all that it goes on from was made before it"
                step = turn.asking._one(plan)
                made[turn.record.id] = step
                done.append(Step(into, into._lineage, step.record, reused=step.reused))
        finally:
            if done:
                into._moved(done[-1])
        return Steps(done)

    def _root_label(self) -> str | None:
        """The root's label, where it is the root itself that is added again."""
        first = self._trail[0]
        is_itself = isinstance(self._root, Picture) and first.ok and self._root == first.picture
        return first.label if is_itself else None

    def rehearsed(self) -> Iterator[Rehearsed]:
        """What each step would ask; those that are there already are found as a replay finds them."""
        made: dict[str, Step] = {}
        if self._root is not None:
            there = self._root_there()
            made |= {self._root_id: there} if there else {}
            yield Rehearsed(self._trail[0].number, None, there=there.number if there else None)
        for turn in self._turns:
            plan = self._plan(turn, made)
            known = turn.asking._known(plan) if plan else None
            made |= {turn.record.id: known} if known else {}
            yield _rehearsed(turn, known)


def _refuse_unknown_inputs(inputs: Mapping[str, Any], words: Sequence[_Words]) -> None:
    """InputError names the inputs that no step has."""
    known = sorted({n for w in words for n in (w.template.inputs if w.template else w.recorded.inputs)})
    wrong = [name for name in inputs if not any(w.has(name) for w in words)]
    if "lang" in wrong:
        raise InputError("The language is given as lang=, not among the inputs.", problems=["lang"])
    if wrong:
        problems = [f"no step that is asked again has the input {name!r}{did_you_mean(str(name), known)}" for name in wrong]
        there = f"they have {', '.join(known)}" if known else "none of them comes from a template"
        said = f"{'; '.join(problems)}; {there}."
        raise InputError(said[0].upper() + said[1:], problems=problems)


def _meta(record: Record) -> dict[str, Any]:
    """The caller's notes, and which step it replays. A replay of a replay names the step that it replays itself."""
    meta = dict(record.fields.get("meta") or {})
    own = meta.get(REPLAYS)
    is_ours = own is None or (isinstance(own, str) and ID.fullmatch(own))
    return {**meta, REPLAYS if is_ours else f"promptkit_{REPLAYS}": record.id}


# What a rehearsal shows


@dataclass(frozen=True)
class Rehearsed:
    """One step that would be asked for: the recorded step's number, and what is asked now.

    `prompt` is None for a picture that is added. `changed` are the prompt's words that are others than they were, `notes` what else is.
    `usd` is what the request may cost, None where no price is known; `there` the number of the step in `into` that is this very request,
    which costs nothing. `source_changed` compares with `templates=`, and is None where there was nothing to compare.
    """

    step: int
    prompt: Prompt | None
    changed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    model: str | None = None
    endpoint: str | None = None
    usd: float | None = 0.0
    there: int | None = None
    source_changed: bool | None = None

    @property
    def _place(self) -> str:
        return f"{self.model} at {self.endpoint}" if self.prompt else ""

    @property
    def _cost(self) -> str:
        if self.there is not None:
            return f"there as step {self.there}"
        return "" if self.prompt is None else "no known price" if self.usd is None else f"{self.usd:.4f} USD"

    @property
    def _words(self) -> str:
        return self.prompt.text if self.prompt else "a picture of one's own"

    @property
    def _remarks(self) -> tuple[str, ...]:
        return (*([f"changed: {_brief(self.changed)}"] if self.changed else []), *self.notes)


def _rehearsed(turn: _Turn, known: Step | None) -> Rehearsed:
    words = turn.words
    return Rehearsed(
        step=turn.record.number,
        prompt=words.prompt,
        changed=words.changed,
        notes=turn.notes,
        model=turn.asking._model,
        endpoint=turn.asking._endpoint.name,
        usd=0.0 if known else turn.estimate,
        there=known.number if known else None,
        source_changed=words.source_changed,
    )


@dataclass(frozen=True, repr=False)
class Rehearsal:
    """What a replay would ask, step by step; `print` shows it as text, a notebook as a table."""

    rows: tuple[Rehearsed, ...]

    @property
    def requests(self) -> tuple[Rehearsed, ...]:
        """Those that would be sent."""
        return tuple(r for r in self.rows if r.prompt is not None and r.there is None)

    @property
    def usd(self) -> float:
        """What all requests may cost, in USD, as far as prices are known; asking again where no picture comes is not counted."""
        return round(sum(r.usd for r in self.requests if r.usd is not None), 6)

    @property
    def unpriced(self) -> int:
        """How many requests have no known price."""
        return sum(r.usd is None for r in self.requests)

    @property
    def total(self) -> str:
        """The sum in words."""
        count = len(self.requests)
        there = sum(r.there is not None for r in self.rows)
        said = f"{count} request{'' if count == 1 else 's'}, about {self.usd:.4f} USD"
        return said + (f"; {self.unpriced} without a known price" if self.unpriced else "") + (f"; {there} there already" if there else "")

    def __str__(self) -> str:
        lines = [line for row in self.rows for line in _lines(row)]
        return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in "\n".join([*lines, self.total]))

    def __repr__(self) -> str:
        return f"<Rehearsal of {len(self.rows)} steps: {self.total}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002
        shown = table(map(_cells, self.rows), ("step", "prompt", "changed", "asked", "USD"))
        return {"text/plain": str(self), "text/html": card(f"Nothing was sent: {self.total}", shown)}


def _lines(row: Rehearsed) -> Iterator[str]:
    yield "  ".join(filter(None, (str(row.step), row._place, row._cost)))
    yield from (f"    {line}" for line in row._words.splitlines())
    yield from (f"    ({remark})" for remark in row._remarks)


def _cells(row: Rehearsed) -> tuple[object, ...]:
    words = Html(f'<div style="white-space:pre-wrap;overflow-wrap:anywhere">{escape(row._words)}</div>')
    return row.step, words, "; ".join(row._remarks), row._place, row._cost.removesuffix(" USD")


def _brief(changed: Sequence[str]) -> str:
    more = len(changed) - CHANGES_SHOWN
    return ", ".join(changed[:CHANGES_SHOWN]) + (f", and {more} more" if more > 0 else "")
