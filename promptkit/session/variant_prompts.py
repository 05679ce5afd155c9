"""The prompts of variants: inputs of a template, places such as `{style}` in the words, or a sentence at their end, each with its value."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from promptkit.engine import recovery
from promptkit.engine.options import checked_prompt
from promptkit.engine.recorded_templates import recorded_template
from promptkit.errors import InputError, SettingsError, shown
from promptkit.prompts.inputs import Input
from promptkit.prompts.template import Prompt, Template
from promptkit.values import number

__all__ = ["EACH", "PromptPattern"]

EACH = "each"  # the place of a list without a name; where the words have none, its values are sentences of their own
STOPS = {"ja": "。", "zh": "。", "hi": "।"}  # at the end of a sentence; elsewhere a full stop
ENDS = ".!?…。！？।"
CLOSING = "\"'”’」』»》)）]"


class PromptPattern:
    """A prompt, or a template that was not called, of which parts vary by name."""

    def __init__(self, prompt: str | Prompt | Template, lang: str | None = None) -> None:
        self._lang = lang
        self._prompt = None if isinstance(prompt, Template) else checked_prompt(prompt)
        self._template = prompt if isinstance(prompt, Template) else recorded_template(self._prompt) if self._prompt else None
        self._given: Mapping[str, Any] = self._prompt.inputs if self._prompt else {}
        self.inputs: Mapping[str, Input] = self._template.inputs if self._template else {}

    def has_place(self, name: str) -> bool:
        """Whether its words have the place `{name}`."""
        return self._prompt is not None and f"{{{name}}}" in self._prompt.text

    def prompts(self, each: Sequence[Mapping[str, Any]]) -> list[Prompt]:
        """The prompt with each of these values, by name. InputError names all that is wrong with the values of inputs."""
        made, errors = [], []
        for values in each:
            try:
                made.append(self._filled(values))
            except InputError as error:
                errors.append(error)
        if errors:
            raise _all_told(errors)
        return made

    def _filled(self, values: Mapping[str, Any]) -> Prompt:
        inputs = {name: value for name, value in values.items() if name in self.inputs}
        words = {name: value for name, value in values.items() if name not in inputs}
        places = {name: text_of(name, value) for name, value in words.items() if self.has_place(name)}
        prompt = self._rendered(inputs, places)
        is_json = _is_json(prompt.text)
        inside = {name: json.dumps(value, ensure_ascii=False)[1:-1] if is_json else value for name, value in places.items()}
        filled = replace(prompt, text=_with_places(prompt.text, inside))
        if EACH not in words or EACH in places or words[EACH] is None:
            return filled
        if is_json:
            raise SettingsError("The prompt is JSON, where a sentence has no place: write {each} where the words of each= go.")
        return replace(filled, text=_with_sentence(filled, text_of(EACH, words[EACH])))

    def _rendered(self, inputs: Mapping[str, Any], places: Mapping[str, str]) -> Prompt:
        """The prompt with other inputs, and with the places in those that it was given filled; what was added to its words stays."""
        given = {name: _filled_input(value, places) for name, value in self._given.items()}
        if self._prompt is not None and not inputs and given == dict(self._given):
            return self._prompt
        return self._anew({**given, **inputs})

    def _anew(self, inputs: Mapping[str, Any]) -> Prompt:
        assert self._template is not None
        if self._prompt is None:
            return self._template(lang=self._lang, **inputs)
        then = self._template(lang=self._prompt.lang, **self._given).text
        before, found, after = self._prompt.text.partition(then)
        if not found:
            said = f"The words of {self._prompt.template} were changed after they were rendered, so its inputs cannot vary in them"
            raise SettingsError(f"{said}: give the prompt as the template made it.")
        made = self._template(lang=self._prompt.lang, **inputs)
        return replace(self._prompt, text=f"{before}{made.text}{after}", inputs=made.inputs, config={**made.config, **self._prompt.config})


def text_of(name: str, value: object) -> str:
    """What is put into words for a value: a text, or a number. SettingsError for anything else, and for a blank one."""
    if isinstance(value, str) and value.strip():
        return str.__str__(value).strip()
    if not isinstance(value, bool) and (found := number(value)) is not None:
        return str(found)
    raise SettingsError(f"each= puts texts and numbers in the place of {name!r}, and {shown(value)} is none.")


def _is_json(text: str) -> bool:
    """Whether a prompt is an object or a list in JSON."""
    try:
        return text.lstrip()[:1] in ("{", "[") and isinstance(json.loads(text, strict=False), dict | list)
    except (ValueError, RecursionError):
        return False


def _with_places(text: str, places: Mapping[str, str]) -> str:
    """The text with its places filled, all at once: what a value says is no place."""
    if not places:
        return text
    return re.sub("|".join(re.escape(f"{{{name}}}") for name in places), lambda match: places[match[0][1:-1]], text)


def _filled_input(value: Any, places: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _with_places(value, places)
    return [_filled_input(item, places) for item in value] if isinstance(value, list | tuple) else value


def _with_sentence(prompt: Prompt, words: str) -> str:
    """The prompt's text with one more sentence; one more line where it has several."""
    text = prompt.text.rstrip()
    stop = STOPS.get((prompt.lang or recovery.language_of(text)).replace("_", "-").split("-")[0].lower(), ".")
    first = words.split(maxsplit=1)[0]
    said = words[0].upper() + words[1:] if first.islower() else words  # iPhone stays
    between = "\n" if "\n" in text else " " if stop != "。" else ""
    return f"{_ended(text, stop)}{between}{_ended(said, stop)}"


def _ended(text: str, stop: str) -> str:
    return text if text.rstrip(CLOSING)[-1:] in (*ENDS, "") else f"{text}{stop}"


def _all_told(errors: Sequence[InputError]) -> InputError:
    """One error for what is wrong with any of the values."""
    problems = list(dict.fromkeys(problem for error in errors for problem in error.problems))
    if problems == list(errors[0].problems):
        return errors[0]
    return InputError(f"{'; '.join(problems)}.", problems=problems, file=str(errors[0].file) if errors[0].file else None)
