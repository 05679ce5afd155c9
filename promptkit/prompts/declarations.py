"""Reads what a template's front matter declares, and accepts the inputs of a call by it.

A base file declares all: inputs, pictures, hints for the request, examples. A language file beside it translates its words only. Both are
checked whole, so that one error names all that is wrong.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any

from promptkit.errors import InputError, did_you_mean, listed, warn
from promptkit.prompts import next_step
from promptkit.prompts.inputs import MOST_PROBLEMS, TYPES, Input, Pictures, missing, printed_value, read_value, shown
from promptkit.prompts.languages import LANGUAGE
from promptkit.prompts.library_look import NAME, NO_LOOK, Look
from promptkit.prompts.names import RESERVED, WORD, is_word, language_of
from promptkit.prompts.source_file import File

__all__ = ["FIELDS", "HINTS", "KINDS", "MOST_INPUTS", "Edition", "name_problem", "read_edition"]

LONGEST_NAME = 64  # characters of an input's name
MOST_INPUTS = 100  # of one template, and fields of one input

KINDS = ("generate", "edit")
FIELDS: Mapping[str, Any] = {
    "description": "",
    "kind": "generate",
    "lang": "en",
    "inputs": {},
    "pictures": {},
    "config": {},
    "library": True,
    "examples": [],
    "deprecated": "",
    "metadata": {},
}
INPUT_FIELDS = ("type", "description", "default", "choices", "example", "max_length", "min", "max", "renamed_from", "of")
ENTRY_FIELDS = tuple(field for field in INPUT_FIELDS if field not in ("renamed_from", "of"))  # of what each mapping of a list holds
WORDS = ("description", "lang", "inputs", "pictures", "examples", "metadata")  # what a language file may say,
INPUT_WORDS = ("description", "default", "choices", "example", "of")  # and of an input
HINTS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "aspect_ratio": (lambda v: isinstance(v, str) and bool(re.fullmatch(r"[1-9]\d*:[1-9]\d*", v)), 'a ratio in quotes such as "16:9"'),
    "image_size": (lambda v: isinstance(v, str), 'a size such as "2K"'),
    "temperature": (lambda v: _is_number(v), "a number"),
    "seed": (lambda v: type(v) is int, "a whole number"),
}
PICTURES_FIELDS = ("min", "max", "roles")
EXAMPLE_FIELDS = ("inputs", "description", "lang")


@dataclass(frozen=True, eq=False)
class Edition:
    """A template in one language: its words from that language's file, all else from the base file."""

    file: File
    base: File
    lang: str
    kind: str
    description: str
    inputs: Mapping[str, Input]
    pictures: Pictures
    config: Mapping[str, Any]
    examples: tuple[Mapping[str, Any], ...]
    deprecated: str  # what to use instead, where the template should not be used any more; else empty
    takes: bool | tuple[str, ...] = True  # of its library's file: all or nothing, or these parts and references
    look: Look = NO_LOOK  # what it takes of that file

    @cached_property
    def defaults(self) -> Mapping[str, Any]:
        """What each optional input prints when it is not given; None prints nothing."""
        return {i.name: None if i.default is None else printed_value(i, i.default) for i in self.inputs.values() if not i.required}

    @cached_property
    def old_names(self) -> Mapping[str, Input]:
        """The inputs that had another name once, by that name."""
        return {i.renamed_from: i for i in self.inputs.values() if i.renamed_from}

    @cached_property
    def required(self) -> tuple[Input, ...]:
        """The inputs that a call has to give."""
        return tuple(i for i in self.inputs.values() if i.required)

    def accept(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The inputs as they are recorded, and as the body sees them. InputError names all that is wrong with them."""
        problems: list[str] = []
        recorded: dict[str, Any] = {}
        values = {**self.look.inputs, **self.defaults}
        for name, value in given.items():
            if len(problems) >= MOST_PROBLEMS:
                problems[MOST_PROBLEMS:] = ["and more"]
                break
            declared = self.inputs.get(name) or self._renamed(name, given)
            if declared is None:
                problems.append(f"{name!r} is not an input{self._hint(name)}")
            elif value is not None:  # None stands for "not given", as in any Python call
                try:
                    recorded[declared.name] = read = read_value(declared, value)
                    values[declared.name] = printed_value(declared, read)
                except ValueError as error:
                    problems += [f"{declared.name!r} {why}" for why in error.args]
        problems += [missing(i) for i in self.required if recorded.get(i.name, given.get(i.name)) is None]
        if problems:
            known = listed(self.inputs) or "none (a template declares them under `inputs:` in its front matter)"
            raise InputError(f"{'; '.join(problems)}. The inputs are: {known}.", problems=problems, file=str(self.base.path))
        return recorded, values

    def _hint(self, name: str) -> str:
        if name in self.look.inputs:
            return f" (it is a value in {NAME}, which callers give where the template declares an input of that name)"
        return did_you_mean(name, self.inputs)

    def _renamed(self, name: str, given: Mapping[str, Any]) -> Input | None:
        declared = self.old_names.get(name)
        if declared is None or declared.name in given:
            return None
        warn(f"The input {name!r} is now called {declared.name!r}.")
        return declared


@lru_cache(maxsize=1024)
def read_edition(base: File, file: File) -> Edition:
    """What the front matter of the base file says, in the words of the other file where that is a language file.

    InputError names all that is wrong with it.
    """
    read = _FrontMatter(file)
    edition = read.base_file() if file is base else read.language_file(read_edition(base, base))
    if problems := read.problems[:MOST_PROBLEMS]:
        more = ["and more"] if len(read.problems) > MOST_PROBLEMS else []
        raise InputError(f"The front matter has problems: {'; '.join([*problems, *more])}.", problems=problems, file=str(file.path))
    return edition


class _FrontMatter:
    """Reads one file's front matter, and gathers all that is wrong with it."""

    def __init__(self, file: File) -> None:
        self.file, self.front = file, file.front
        self.problems: list[str] = []

    def base_file(self) -> Edition:
        self.known_keys("the front matter", self.front, FIELDS)
        lang, kind = self.field("lang"), self.field("kind")
        if not LANGUAGE.fullmatch(lang):
            self.problems.append(f"lang is {lang!r}; expected a tag such as en or zh-CN")
        if kind not in KINDS:
            self.problems.append(f"kind is {kind!r}; expected generate or edit")
        said = self.field("inputs")
        if len(said) > MOST_INPUTS:
            self.problems.append(f"it declares {len(said):,} inputs; {MOST_INPUTS} at most")
        inputs = {name: self.input(name, spec) for name, spec in [*said.items()][:MOST_INPUTS]}
        edition = self.edition(self.file, lang, kind, inputs, self.pictures(kind), self.config(), self.deprecated())
        return replace(edition, takes=self.takes())

    def language_file(self, base: Edition) -> Edition:
        self.known_keys("a language file, which holds words only,", self.front, WORDS)
        lang = language_of(self.file.name)
        if (said := self.front.get("lang", lang)) != lang:
            stem = self.file.name.partition(".")[0]
            self.problems.append(f"lang is {said!r} in a file named for {lang!r}; call it {stem}.{said}.j2, or change lang")
        said = self.field("inputs")
        self.known_keys("inputs", said, base.inputs)
        inputs = {name: self.translated(declared, said.get(name, {})) for name, declared in base.inputs.items()}
        pictures = self.translated_pictures(base.pictures)
        edition = self.edition(base.file, lang, base.kind, inputs, pictures, base.config, base.deprecated)
        return replace(edition, takes=base.takes)

    def edition(
        self, base: File, lang: str, kind: str, inputs: Mapping[str, Input], pictures: Pictures, config: Mapping[str, Any], deprecated: str
    ) -> Edition:
        description, examples = self.field("description"), self.examples(inputs)
        inputs, config = MappingProxyType(dict(inputs)), MappingProxyType(dict(config))
        return Edition(self.file, base, lang, kind, description, inputs, pictures, config, examples, deprecated)

    def takes(self) -> bool | tuple[str, ...]:
        """What it takes of library.yaml: all where it does not say."""
        said = self.front.get("library", True)
        if isinstance(said, bool) or said == "":
            return said is not False
        if isinstance(said, list) and all(isinstance(name, str) for name in said):
            return tuple(unicodedata.normalize("NFC", name) for name in said)
        expected = "true or false, or a list of what it takes: inputs, references, config, or references by their names"
        self.problems.append(f"library is {shown(said)}; expected {expected}")
        return True

    def deprecated(self) -> str:
        said = self.front.get("deprecated", "")
        if not isinstance(said, str):
            self.problems.append(f"deprecated is {shown(said)}; expected text that says what to use instead, such as `use product_shot`")
            return ""
        return " ".join(said.split()).rstrip(".")

    def known_keys(self, what: str, found: Mapping[str, Any], known: Collection[str]) -> None:
        for key in found:
            if key not in known and not key.startswith("x-") and len(self.problems) <= MOST_PROBLEMS:
                hint, there = did_you_mean(key, known), listed(known) or "none"
                self.problems.append(f"{what} has an unknown key {shown(key)}{hint}; known are {there}")

    def field(self, name: str) -> Any:
        empty = FIELDS[name]
        value = self.front.get(name, empty)
        if isinstance(value, type(empty)):
            return value
        if value != "":  # a key with nothing behind it
            kind = "text" if isinstance(empty, str) else "a mapping" if isinstance(empty, dict) else "a list"
            self.problems.append(f"{name} is {shown(value)}; expected {kind}{next_step.for_text(value) if empty == '' else ''}")
        return empty

    def config(self) -> dict[str, Any]:
        config: dict[str, Any] = self.field("config")
        self.known_keys("config", config, HINTS)
        for key, value in config.items():
            fits, expected = HINTS.get(key, (lambda _: True, ""))
            if not fits(value):
                self.problems.append(f"config.{key} is {shown(value)}; expected {expected}")
        return config

    def pictures(self, kind: str) -> Pictures:
        said, needed = self.field("pictures"), int(kind == "edit")
        self.known_keys("pictures", said, PICTURES_FIELDS)
        least, most, roles = said.get("min", needed), said.get("max"), said.get("roles", [])
        for key, value in (("min", least), ("max", 1 if most is None else most)):
            if type(value) is not int or value < 0:
                self.problems.append(f"pictures.{key} is {shown(value)}; expected a whole number")
                return Pictures(needed)
        if least < needed or (most is not None and most < max(least, 1)):
            self.problems.append(f"pictures has min {least} and max {most}; expected {needed} or more, and max not below min")
        names, roles = (tuple(roles), [*roles.values()]) if isinstance(roles, dict) else ((), roles)
        if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
            expected = "a list that says what each picture is, or a mapping such as {room: the room to furnish}"
            self.problems.append(f"pictures.roles is {shown(said['roles'])}; expected {expected}")
            return Pictures(least, most)
        for name in names:
            if not is_word(name) or len(name) > LONGEST_NAME:
                rule = f"small letters, digits and _, {LONGEST_NAME} at most, and no word of Python"
                self.problems.append(f"the picture {shown(name)} of pictures.roles needs another name: {rule}")
        if roles and not least <= len(roles) <= (most or len(roles)):
            self.problems.append(f"pictures.roles says what {len(roles)} pictures are; expected {Pictures(least, most).how_many()}")
        return Pictures(least, most, tuple(roles), names)

    def translated_pictures(self, base: Pictures) -> Pictures:
        """The base file's pictures, with the roles of its names in this file's words; roles without names are no words that are sent."""
        said = self.field("pictures")
        self.known_keys("pictures of a language file", said, ("roles",))
        roles = said.get("roles", {})
        if not isinstance(roles, dict) or not all(isinstance(role, str) for role in roles.values()):
            self.problems.append(f"pictures.roles is {shown(roles)}; expected a mapping from the base file's names to their words")
            return base
        self.known_keys("pictures.roles", roles, base.names)
        words = zip(base.names, base.roles, strict=True) if base.names else ()
        return replace(base, roles=tuple(roles.get(name, role) for name, role in words) or base.roles)

    def examples(self, inputs: Mapping[str, Input]) -> tuple[Mapping[str, Any], ...]:
        examples = self.field("examples")
        for example in examples:
            if not isinstance(example, dict) or not isinstance(example.get("inputs"), dict):
                self.problems.append(f"an example is {shown(example)}; expected `inputs: {{…}}`")
                continue
            self.known_keys("an example", example, EXAMPLE_FIELDS)
            self.known_keys("the inputs of an example", example["inputs"], inputs)
        return tuple(MappingProxyType(e) for e in examples if isinstance(e, dict))

    def input(self, name: str, spec: Any, within: str = "") -> Input:
        """One input; or, within the input of a name, one field of the mappings that it lists."""
        label, known = (f"{within}.{name}", ENTRY_FIELDS) if within else (name, INPUT_FIELDS)
        if why := name_problem(name):
            self.problems.append(f"the input {shown(label)} {why}")
        spec = {} if spec == "" else spec
        if not isinstance(spec, dict):
            self.problems.append(f"the input {label!r} is {shown(spec)}; expected a mapping such as {{description: …}}")
            spec = {}
        self.known_keys(f"the input {label!r}", spec, known)
        kind = spec.get("type", "string")
        if not self.is_fit(label, "type", kind, kind):  # what else it says can only be judged with its type
            return Input(name)
        fields = {key: value for key, value in spec.items() if key in known and self.is_fit(label, key, value, kind)}
        declared = Input(name, **fields | {"required": "default" not in spec, "choices": _choices(fields.get("choices", ()))})
        of = {field: self.input(field, said, label) for field, said in fields.get("of", {}).items()}
        return self.with_values(replace(declared, of=MappingProxyType(of) if of else ()), label)

    def is_fit(self, name: str, key: str, value: Any, kind: Any) -> bool:
        is_right, expected = _FIT[key](value, kind) if key in _FIT else (True, "")
        if not is_right:
            near = did_you_mean(value, TYPES) if key == "type" and isinstance(value, str) else ""
            advice = next_step.for_choices(str(kind), value) if key == "choices" else ""
            advice = next_step.for_text(value) if key == "description" else next_step.for_fields(kind) if key == "of" else advice
            self.problems.append(f"{key} of the input {name!r} is {shown(value)}{near}; expected {expected}{advice}")
        return is_right

    def translated(self, declared: Input, said: Any, within: str = "") -> Input:
        label = f"{within}.{declared.name}" if within else declared.name
        if not isinstance(said, dict):
            self.problems.append(f"the input {label!r} is {shown(said)}; expected a mapping such as {{description: …}}")
            return declared
        known = [word for word in INPUT_WORDS if word != "of" or declared.of]
        self.known_keys(f"the input {label!r} of a language file", said, known)
        found = {key: said[key] for key in known if key in said}
        words = {key: value for key, value in found.items() if self.is_fit(label, key, value, declared.type)}
        if "default" in words and declared.required:
            self.problems.append(f"the input {label!r} is required in the base file and has a default here")
        if "choices" in words:
            words["choices"] = _choices(words["choices"])
            if set(words["choices"]) != set(declared.choices):
                keys = ", ".join(map(str, declared.choices))
                self.problems.append(f"the choices of {label!r} have other keys than the base file's: {keys}")
        if "of" in words:
            words["of"] = self.translated_fields(declared, words["of"], label)
            words.setdefault("example", _example(words["of"]) or declared.example)
        return self.with_values(replace(declared, **words), label)

    def translated_fields(self, declared: Input, said: Mapping[str, Any], label: str) -> Mapping[str, Input]:
        fields = dict(declared.of)
        self.known_keys(f"`of` of the input {label!r}", said, fields)
        return MappingProxyType({name: self.translated(field, said.get(name, {}), label) for name, field in fields.items()})

    def with_values(self, declared: Input, label: str) -> Input:
        """The input with its default and example read, as values that are given are."""
        read: dict[str, Any] = {}
        for key in ("default", "example"):
            value = getattr(declared, key)
            try:
                read[key] = value if value is None else read_value(declared, value)
            except ValueError as error:
                advice = "" if declared.choices or declared.of else next_step.for_value(declared.type, value)
                self.problems += [f"{key} of the input {label!r} {why}{advice}" for why in error.args]
        if declared.of and declared.example is None:
            read["example"] = _example(declared.of)
        return replace(declared, **read)


def name_problem(name: str) -> str:
    """Why a value cannot go by that name in a body, as the end of a sentence; nothing where it can."""
    if name in RESERVED:
        return "needs another name: calls and templates give this one a meaning already"
    if is_word(name) and len(name) <= LONGEST_NAME:
        return ""
    return f"needs another name: small letters, digits and _, {LONGEST_NAME} at most, and no word of Python"


def _example(of: Mapping[str, Input] | tuple[()]) -> tuple[dict[str, Any], ...] | None:
    """One entry, made of its fields' examples; None where a field that it needs has none."""
    fields = dict(of).values()
    entry = {field.name: field.example for field in fields if field.example is not None}
    return (entry,) if entry and not any(field.required and field.name not in entry for field in fields) else None


def _choices(given: Any) -> Mapping[Any, Any] | tuple[()]:
    return MappingProxyType(given if isinstance(given, dict) else {value: value for value in given}) if given else ()


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _are_choices(value: Any, kind: str) -> bool:
    if isinstance(value, dict):
        return kind == "string" and all(isinstance(words, str) for words in value.values()) and bool(value)
    is_right = {"string": lambda v: isinstance(v, str), "integer": lambda v: type(v) is int, "number": _is_number}.get(kind)
    return isinstance(value, list) and bool(value) and is_right is not None and all(map(is_right, value))


_CHOICES = {
    "string": "a list of texts, or a mapping from keys to their wording",
    "integer": "a list of whole numbers",
    "number": "a list of numbers",
}
# for each field of an input: whether a value fits an input of that type, and what is expected
_FIT: Mapping[str, Callable[[Any, str], tuple[bool, str]]] = {
    "type": lambda v, _: (isinstance(v, str) and v in TYPES, f"one of {', '.join(TYPES)}"),
    "description": lambda v, _: (isinstance(v, str), "text"),
    "choices": lambda v, kind: (_are_choices(v, kind), _CHOICES.get(kind, "none, as this type has none")),
    "max_length": lambda v, kind: (type(v) is int and v > 0 and kind in ("string", "list"), "a whole number, for a string or a list"),
    "min": lambda v, kind: (_is_number(v) and kind in ("integer", "number"), "a number, for an integer or a number"),
    "max": lambda v, kind: (_is_number(v) and kind in ("integer", "number"), "a number, for an integer or a number"),
    "of": lambda v, kind: (isinstance(v, dict) and 0 < len(v) <= MOST_INPUTS and kind == "list", f"fields by name, {MOST_INPUTS} at most"),
    "renamed_from": lambda v, _: (isinstance(v, str) and bool(WORD.fullmatch(v)), "the old name"),
}
