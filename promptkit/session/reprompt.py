"""The prompt of a recorded step as it is asked now: with other inputs, in another language, of another library's template."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from promptkit.engine import recovery
from promptkit.engine.options import CONFIG, checked_config, checked_lang
from promptkit.engine.plan import known_hints, prompt_to_ask
from promptkit.engine.recorded_templates import has_damaged_sources, recorded_template
from promptkit.errors import InputError, LineageError, SettingsError, TemplateError, TemplateNotFound, did_you_mean
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.prompts.inputs import Input
from promptkit.prompts.languages import find_language
from promptkit.prompts.library import Library
from promptkit.prompts.library import templates as todays
from promptkit.prompts.template import Prompt, Template
from promptkit.providers.endpoints import dialect_at
from promptkit.views.word_diff import word_diff

__all__ = ["NewWords", "Reprompt", "declared_inputs", "refuse_unknown_inputs"]


@dataclass(frozen=True)
class NewWords:
    """What is asked in other words: inputs by name, for each template that has them; a language; a Library's templates instead of those
    that the session keeps.
    """

    inputs: Mapping[str, Any] | None = None
    lang: str | None = None
    templates: Library | None = None

    def __post_init__(self) -> None:
        checked_lang(self.lang)
        if self.inputs is not None and not isinstance(self.inputs, Mapping):
            raise SettingsError(f'inputs= is a mapping such as {{"subject": "fox"}}, not {self.inputs!r:.60}.')
        if self.templates is not None and not isinstance(self.templates, Library):
            raise SettingsError(f"templates= is a Library, such as Library(folder) or promptkit.templates, not {self.templates!r:.60}.")


def declared_inputs(lineage: Lineage, records: Iterable[Record], templates: Library | None = None) -> dict[str, Input]:
    """The inputs of the templates of these steps by name, as the session keeps them or as `templates` has them."""
    new = NewWords(templates=templates)
    found = (Reprompt(lineage, record, new) for record in records if record.prompt.get("template"))
    return {name: declared for words in found if words.template for name, declared in words.template.inputs.items()}


class Reprompt:
    """The prompt of one step, as it was recorded and as it is asked now. LineageError for a step without words."""

    def __init__(self, lineage: Lineage, record: Record, new: NewWords) -> None:
        self.record, self.recorded = record, prompt_to_ask(lineage, record)
        self._folder = lineage.folder
        self._inputs, self._lang, self._library = dict(new.inputs or {}), new.lang, new.templates
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
            kept = recorded_template(self.recorded)
            return kept, kept(lang=self.recorded.lang, **self.recorded.inputs) if kept else None
        except TemplateError:  # kept by a promptkit that took what this one refuses
            return None, None

    def _todays_template(self) -> Template | None:
        name, library = self.recorded.template, self._library
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
        given = {k: v for k, v in self._inputs.items() if self.has(k)}
        template = self.template
        if template is None:
            return self._unrendered(given)
        lang = self._language(template)
        if self._lang and not find_language(lang, template.languages):
            template = _in(todays, template.name) or template
        try:
            now = template(lang=lang, **{**self._without_old_names(template, given), **given})
        except InputError as error:
            raise InputError(f"Step {self.record.number}: {error}", problems=error.problems) from None
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
            said = f"The template {self.recorded.template} of step {self.record.number} is missing or damaged, so its inputs cannot change"
            raise LineageError(f"{said}; `verify` says how, and templates= takes today's.", path=self._folder)
        wanted = self._lang
        if wanted and not find_language(wanted, (self.recorded.lang or recovery.language_of(self.recorded.text),)):
            self.notes.append(f"its words are sent as they are, not in {wanted}")
        return replace(self._without_lost_template(), config=self._config(self.recorded))

    def _without_lost_template(self) -> Prompt:
        """The recorded words; as free text where the sources are lost, for a record must not name what its session does not keep."""
        if not has_damaged_sources(self.recorded):
            return self.recorded
        self.notes.append(f"the sources of its template {self.recorded.template} are missing or damaged; its words are sent as free text")
        return replace(self.recorded, template=None, pack=None, digest=None, inputs={}, files={})

    def _language(self, template: Template) -> str:
        """The language asked for, where the template has it; else the recorded one, and a note."""
        was, wanted = self.recorded.lang or template.lang, self._lang
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
        if self._todays is not None:
            self.source_changed = self._todays_digest(self._todays, now) != self.recorded.digest

    def _todays_digest(self, template: Template, now: Prompt) -> str | None:
        """The digest in the recorded language, whatever is asked in now; None where the template is not written in it any more."""
        was = self.recorded.lang or template.lang
        if now.lang == was:
            return now.digest
        if not find_language(was, template.languages):
            return None
        try:
            return template(lang=was, **now.inputs).digest
        except TemplateError:  # that language is broken, and is not the one asked in
            return None

    def _config(self, now: Prompt) -> dict[str, Any]:
        """The recorded options as hints, so that those of a model or a session that was named win over them. What the template asked
        for then, it asks for as it stands now.
        """
        request = self.record.request
        recorded = checked_config({k: v for k, v in (request.get("config") or {}).items() if k in CONFIG})
        model = str(request.get("model"))
        then = known_hints(self._was, model, dialect_at(str(request.get("endpoint")), model)) if self._was else {}
        own = {k: v for k, v in recorded.items() if v != then.get(k)}
        return {k: v for k, v in now.config.items() if k in recorded or k not in then} | own

    @cached_property
    def changed(self) -> tuple[str, ...]:
        """Which words are others than they were."""
        if self.prompt.lang != self.recorded.lang:
            return (f"in {self.prompt.lang} instead of {self.recorded.lang}", *self._left_in_other_words())
        return word_diff(self.recorded.text, self.prompt.text).in_words


    def _left_in_other_words(self) -> Iterator[str]:
        """What the caller had written stays in the language that it was written in; choices are worded by the template."""
        for name, declared in (self.template.inputs if self.template else {}).items():
            if name in self.prompt.inputs and name not in self._inputs and declared.type in ("string", "list") and not declared.choices:
                yield f"{name}={self.prompt.inputs[name]!r:.40} as it was"


def _in(library: Library, name: str) -> Template | None:
    try:
        found = library[name]
    except TemplateNotFound:
        return None
    return found if isinstance(found, Template) else None


def refuse_unknown_inputs(new: NewWords, words: Sequence[Reprompt]) -> None:
    """InputError names the inputs that no step has."""
    known = sorted({n for w in words for n in (w.template.inputs if w.template else w.recorded.inputs)})
    wrong = [name for name in new.inputs or () if not any(w.has(name) for w in words)]
    if "lang" in wrong:
        raise InputError("The language is given as lang=, not among the inputs.", problems=["lang"])
    if wrong:
        problems = [f"no step that is asked again has the input {name!r}{did_you_mean(str(name), known)}" for name in wrong]
        there = f"they have {', '.join(known)}" if known else "none of them comes from a template"
        said = f"{'; '.join(problems)}; {there}."
        raise InputError(said[0].upper() + said[1:], problems=problems)
