"""Templates, the prompts that they render, and the libraries that find them.

A template is one UTF-8 file, `name.j2`: YAML front matter between `---` lines, then a Jinja body. `name.LANG.j2` beside it says the same
in another language; a name with a leading underscore is a partial, which others include. jinja2 (in promptkit.closed) and yaml are
loaded by the first template that is rendered or read, not by this module.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import keyword
import math
import os
import re
import stat
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

from promptkit import settings
from promptkit.errors import InputError, PromptkitWarning, TemplateError, TemplateNotFound, did_you_mean, nearest
from promptkit.markup import Html, card, escape, table

if TYPE_CHECKING:
    from promptkit.closed import Part

__all__ = ["Input", "Library", "Prompt", "Template", "add_library", "templates"]

LONGEST_FILE = 32_768  # bytes of a template with all that it extends, includes and imports
DEEPEST_YAML = 16

LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
FILE_NAME = re.compile(rf"(?P<name>_?[a-z][a-z0-9_]*)(?:\.(?P<lang>{LANGUAGE.pattern}))?\.j2")
NEEDED_NAME = re.compile(rf"(?:_?[a-z][a-z0-9_]*/)*{FILE_NAME.pattern}")
WORD = re.compile(r"[a-z][a-z0-9_]*")
FRONT_MATTER = re.compile(r"---[ \t]*\n(?P<yaml>.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
# what a call or the body of a template already gives a meaning to
RESERVED = frozenset({"lang", "self", "loop", "super", "caller", "varargs", "kwargs", "true", "false", "none"})


# Prompt


@dataclass(frozen=True)
class Prompt:
    """The text that a template rendered, and where it came from. `str(prompt)` is the text.

    `inputs` are those given, not the defaults, by their keys for choices; `config` holds hints such as {"aspect_ratio": "1:1"};
    `files` maps the names of the template's files to their text, and `digest` is the sha256 of that mapping as canonical JSON.
    """

    text: str
    template: str | None = None
    kind: str | None = None
    digest: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict, hash=False)
    lang: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict, hash=False)
    pack: tuple[str, str] | None = None
    files: Mapping[str, str] = field(default_factory=dict, hash=False, repr=False)

    def __str__(self) -> str:
        return self.text

    def __add__(self, more: object) -> Prompt:
        return replace(self, text=self.text + str(more)) if isinstance(more, (str, Prompt)) else NotImplemented

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002  (IPython's names)
        source = f"{self.template} ({self.lang})" if self.template else "free text"
        return {"text/plain": self.text, "text/html": card(f"Prompt from {source}", _block(self.text))}


def _block(text: str) -> Html:
    return Html(f'<pre style="white-space:pre-wrap">{escape(text)}</pre>')


# Files


@dataclass(frozen=True, eq=False)
class _File:
    """One version of one file: its text with plain line ends, cut into front matter and body when somebody asks."""

    name: str
    path: Path
    text: str

    @cached_property
    def _cut(self) -> re.Match[str] | None:
        cut = FRONT_MATTER.match(self.text)
        if cut is None and self.text.startswith("---"):
            raise TemplateError("The front matter has no end; close it with a line that holds only ---.", file=str(self.path), line=1)
        return cut

    @cached_property
    def front(self) -> Mapping[str, Any]:
        return _read_yaml(self._cut["yaml"], self.path) if self._cut else {}

    @cached_property
    def part(self) -> Part:
        from promptkit.closed import Part

        body = self.text[self._cut.end() :] if self._cut else self.text
        begin = len(body) - len(body.lstrip("\n"))
        lines_before = self.text[: len(self.text) - len(body) + begin].count("\n")
        return Part.compile(body.strip("\n"), self.name, str(self.path), lines_before)


_known_files: dict[tuple[str, str], tuple[tuple[int, int], _File]] = {}


def _open(path: str, name: str) -> _File | None:
    """The file as it is now, or None where there is none; an unchanged one is neither read nor parsed again."""
    try:
        state = os.stat(path)  # noqa: PTH116  (a Path costs more than the call)
    except (OSError, ValueError):
        return None
    stamp = (state.st_mtime_ns, state.st_size)
    known = _known_files.get((path, name))
    if known is None or known[0] != stamp:
        known = _known_files[path, name] = (stamp, _File(name, Path(path), _read_text(Path(path), state)))
    return known[1]


def _read_text(path: Path, state: os.stat_result) -> str:
    if not stat.S_ISREG(state.st_mode):
        raise TemplateError("This is no file; a template is a UTF-8 text file.", file=str(path))
    if state.st_size > LONGEST_FILE:
        raise TemplateError(f"The file has {state.st_size:,} bytes; a template has {LONGEST_FILE:,} at most.", file=str(path))
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise TemplateError(f"The file cannot be read: {error.strerror}.", file=str(path)) from None
    except UnicodeDecodeError as error:
        raise TemplateError(f"Byte {error.start} is not UTF-8; save the file as UTF-8.", file=str(path)) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")

# YAML without surprises

JSON_SCALAR = re.compile(r"null|true|false|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def _read_yaml(text: str, path: Path) -> Mapping[str, Any]:
    """The mapping that front matter holds; all but JSON's null, true, false and numbers is text."""
    import yaml

    try:
        found = _Yaml(text, path).document()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        why = getattr(error, "problem", None) or str(error)
        raise TemplateError(f"The front matter is not YAML: {why}.", file=str(path), line=mark.line + 2 if mark else None) from None
    if not isinstance(found, dict):
        raise TemplateError("The front matter is no mapping; write it as lines such as `description: …`.", file=str(path), line=1)
    return found


class _Yaml:
    """Builds plain values from a parser's events, so that no resolver, constructor or alias of YAML's own is ever at work."""

    def __init__(self, text: str, path: Path) -> None:
        import yaml

        self.yaml, self.path = yaml, path
        self.events = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))

    def document(self) -> Any:
        y, found, documents = self.yaml, "", 0
        for event in self.events:
            if isinstance(event, y.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.refuse(event, "it holds a second document")
            elif isinstance(event, y.NodeEvent):
                found = self.value(event, 0)
        return found or {}

    def value(self, event: Any, depth: int) -> Any:
        if isinstance(event, self.yaml.AliasEvent) or event.anchor or event.tag:
            self.refuse(event, "it holds an alias, an anchor or a tag; put text that begins with *, & or ! in quotes")
        if depth > DEEPEST_YAML:
            self.refuse(event, f"it is nested more than {DEEPEST_YAML} deep")
        if isinstance(event, self.yaml.ScalarEvent):
            return self.scalar(event)
        return self.sequence(depth) if isinstance(event, self.yaml.SequenceStartEvent) else self.mapping(depth)

    def scalar(self, event: Any) -> Any:
        is_plain = event.implicit[0]
        if not is_plain or not JSON_SCALAR.fullmatch(event.value):
            return event.value
        try:
            value = json.loads(event.value)
        except ValueError:  # more digits than Python converts
            value = math.inf
        if value in (math.inf, -math.inf):
            self.refuse(event, "it holds a number that is too large; put it in quotes if it is text")
        return value

    def sequence(self, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self.events), self.yaml.SequenceEndEvent):
            items.append(self.value(event, depth + 1))
        return items

    def mapping(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self.events), self.yaml.MappingEndEvent):
            if not isinstance(event, self.yaml.ScalarEvent) or event.anchor or event.tag:
                self.refuse(event, "a key is plain text")
            if event.value in found:
                self.refuse(event, f"the key {event.value!r} stands twice")
            found[event.value] = self.value(next(self.events), depth + 1)
        return found

    def refuse(self, event: Any, why: str) -> NoReturn:
        # the mark counts from 0, and the --- line is not part of the text
        raise TemplateError(f"The front matter cannot be used: {why}.", file=str(self.path), line=event.start_mark.line + 2)


# Inputs

TYPES: Mapping[str, Any] = {"string": str, "integer": int, "number": float, "boolean": bool, "list": list[str]}
EXPECTED = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "list": "a list of texts",
}


@dataclass(frozen=True)
class Input:
    """One input of a template, as its front matter declares it.

    `choices` maps keys to their wording, and is empty where anything goes. `max_length` counts characters, or the items of a list.
    """

    name: str
    type: str = "string"
    description: str = ""
    default: Any = None
    required: bool = True
    choices: Mapping[Any, Any] | tuple[()] = ()
    example: Any = None
    max_length: int | None = None
    min: float | None = None
    max: float | None = None
    renamed_from: str | None = None

    def _read(self, value: Any) -> Any:
        """The value as it is recorded: of the right type, a choice by its key. ValueError says what is wrong with it."""
        value = self._typed(value)
        if self.choices:
            return self._key(value)
        if self.required and self.type in ("string", "list") and not (value.strip() if isinstance(value, str) else value):
            raise ValueError("is empty")
        size = len(value) if self.max_length is not None else 0
        if self.max_length is not None and size > self.max_length:
            raise ValueError(f"has {size:,} {'items' if self.type == 'list' else 'characters'}; {self.max_length:,} at most")
        if (self.min is not None and value < self.min) or (self.max is not None and value > self.max):
            raise ValueError(f"is {value}; expected {self._range()}")
        return value

    def _typed(self, value: Any) -> Any:
        if self.type == "string" and isinstance(value, str):
            return value if type(value) is str else str.__str__(value)  # of a subclass, what it holds
        if self.type == "list" and isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
            return tuple(str.__str__(item) for item in value)
        if self.type == "boolean" and isinstance(value, bool):
            return value
        if self.type in ("integer", "number") and isinstance(value, int) and not isinstance(value, bool):
            return value
        if self.type == "number" and isinstance(value, float) and math.isfinite(value):
            return value
        raise ValueError(f"is {_shown(value)}; expected {EXPECTED[self.type]}")

    def _key(self, value: Any) -> Any:
        if value in self.choices:
            return value
        choices = dict(self.choices)
        for key, wording in choices.items():
            if wording == value:
                return key
        raise ValueError(f"is {_shown(value)}{did_you_mean(str(value), map(str, choices))}; expected one of {', '.join(map(str, choices))}")

    def _range(self) -> str:
        if self.min is None or self.max is None:
            return f"{self.max} at most" if self.min is None else f"{self.min} at least"
        return f"{self.min} to {self.max}"

    def _worded(self, value: Any) -> Any:
        """What the template prints for a value that was read."""
        return dict(self.choices)[value] if self.choices else value

    def _parameter(self) -> inspect.Parameter:
        default = inspect.Parameter.empty if self.required else self.default
        return inspect.Parameter(self.name, inspect.Parameter.KEYWORD_ONLY, annotation=TYPES[self.type], default=default)

    def _terms(self) -> str:
        if self.required:
            return f"{self.type}, required"
        return f"{self.type}, optional" if self.default is None else f"{self.type}, default {self.default!r}"

    def _about(self) -> str:
        choices = f"one of {', '.join(map(str, self.choices))}" if self.choices else ""
        example = f"for example {self.example!r}" if self.example is not None else ""
        return "; ".join(filter(None, (self.description, choices, example)))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


# Front matter

KINDS = ("generate", "edit")
FIELDS: Mapping[str, Any] = {
    "description": "",
    "kind": "generate",
    "lang": "en",
    "inputs": {},
    "config": {},
    "examples": [],
    "metadata": {},
}
INPUT_FIELDS = ("type", "description", "default", "choices", "example", "max_length", "min", "max", "renamed_from")
WORDS = ("description", "lang", "inputs", "examples", "metadata")  # what a language file may say,
INPUT_WORDS = ("description", "default", "choices", "example")  # and of an input
EXAMPLE_FIELDS = ("inputs", "description", "lang")


@dataclass(frozen=True, eq=False)
class _Edition:
    """A template in one language: its words from that language's file, all else from the base file."""

    file: _File
    base: _File
    lang: str
    kind: str
    description: str
    inputs: Mapping[str, Input]
    config: Mapping[str, Any]
    examples: tuple[Mapping[str, Any], ...]

    @cached_property
    def defaults(self) -> Mapping[str, Any]:
        """What each optional input prints when it is not given; None prints nothing."""
        return {i.name: None if i.default is None else i._worded(i.default) for i in self.inputs.values() if not i.required}

    @cached_property
    def old_names(self) -> Mapping[str, Input]:
        return {i.renamed_from: i for i in self.inputs.values() if i.renamed_from}

    @cached_property
    def required(self) -> tuple[Input, ...]:
        return tuple(i for i in self.inputs.values() if i.required)

    def accept(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The inputs as they are recorded, and as the body sees them. InputError names all that is wrong with them."""
        problems: list[str] = []
        recorded: dict[str, Any] = {}
        values = dict(self.defaults)
        for name, value in given.items():
            declared = self.inputs.get(name) or self._renamed(name, given)
            if declared is None:
                problems.append(f"{name!r} is not an input{did_you_mean(name, self.inputs)}")
            elif value is not None:  # None stands for "not given", as in any Python call
                try:
                    recorded[declared.name] = read = declared._read(value)
                    values[declared.name] = declared._worded(read)
                except ValueError as error:
                    problems.append(f"{declared.name!r} {error}")
        problems += [self._missing(i) for i in self.required if recorded.get(i.name, given.get(i.name)) is None]
        if problems:
            known = ", ".join(self.inputs) or "none"
            raise InputError(f"{'; '.join(problems)}. The inputs are: {known}.", problems=problems, file=str(self.base.path))
        return recorded, values

    def _renamed(self, name: str, given: Mapping[str, Any]) -> Input | None:
        declared = self.old_names.get(name)
        if declared is None or declared.name in given:
            return None
        warnings.warn(f"The input {name!r} is now called {declared.name!r}.", PromptkitWarning, stacklevel=4)
        return declared

    def _missing(self, declared: Input) -> str:
        hint = f", for example {declared.example!r}" if declared.example is not None else ""
        return f"{declared.name!r} is missing ({declared.description or EXPECTED[declared.type]}{hint})"


@lru_cache(maxsize=1024)
def _read_edition(base: _File, file: _File) -> _Edition:
    """What the front matter of the base file says, in the words of the other file where that is a language file."""
    read = _FrontMatter(file)
    edition = read.base() if file is base else read.words(_read_edition(base, base))
    if read.problems:
        raise TemplateError(f"The front matter has problems: {'; '.join(read.problems)}.", file=str(file.path))
    return edition


class _FrontMatter:
    """Reads one file's front matter, and gathers all that is wrong with it."""

    def __init__(self, file: _File) -> None:
        self.file, self.front = file, file.front
        self.problems: list[str] = []

    def base(self) -> _Edition:
        self.known_keys("the front matter", self.front, FIELDS)
        lang, kind = self.field("lang"), self.field("kind")
        if not LANGUAGE.fullmatch(lang):
            self.problems.append(f"lang is {lang!r}; expected a tag such as en or zh-CN")
        if kind not in KINDS:
            self.problems.append(f"kind is {kind!r}; expected generate or edit")
        inputs = {name: self.input(name, spec) for name, spec in self.field("inputs").items()}
        return self.edition(self.file, lang, kind, inputs, self.config())

    def words(self, base: _Edition) -> _Edition:
        self.known_keys("a language file, which holds words only,", self.front, WORDS)
        lang = _language_of(self.file.name)
        if self.front.get("lang", lang) != lang:
            self.problems.append(f"lang is {self.front['lang']!r} in a file named for {lang!r}")
        said = self.field("inputs")
        self.known_keys("inputs", said, base.inputs)
        inputs = {name: self.translated(declared, said.get(name, {})) for name, declared in base.inputs.items()}
        return self.edition(base.file, lang, base.kind, inputs, base.config)

    def edition(self, base: _File, lang: str, kind: str, inputs: Mapping[str, Input], config: Mapping[str, Any]) -> _Edition:
        frozen = MappingProxyType(dict(inputs))
        return _Edition(self.file, base, lang, kind, self.field("description"), frozen, MappingProxyType(config), self.examples(inputs))

    def known_keys(self, what: str, found: Mapping[str, Any], known: Collection[str]) -> None:
        for key in found:
            if key not in known and not key.startswith("x-"):
                self.problems.append(f"{what} has an unknown key {key!r}{did_you_mean(key, known)}; known are {', '.join(known)}")

    def field(self, name: str) -> Any:
        empty = FIELDS[name]
        value = self.front.get(name, empty)
        if isinstance(value, type(empty)):
            return value
        if value != "":  # a key with nothing behind it
            kind = "text" if isinstance(empty, str) else "a mapping" if isinstance(empty, dict) else "a list"
            self.problems.append(f"{name} is {_shown(value)}; expected {kind}")
        return empty

    def config(self) -> dict[str, Any]:
        config: dict[str, Any] = self.field("config")
        self.problems += [f"config.{k} is {_shown(v)}; expected one value" for k, v in config.items() if isinstance(v, (dict, list))]
        return config

    def examples(self, inputs: Mapping[str, Input]) -> tuple[Mapping[str, Any], ...]:
        examples = self.field("examples")
        for example in examples:
            if not isinstance(example, dict) or not isinstance(example.get("inputs"), dict):
                self.problems.append(f"an example is {_shown(example)}; expected `inputs: {{…}}`")
                continue
            self.known_keys("an example", example, EXAMPLE_FIELDS)
            self.known_keys("the inputs of an example", example["inputs"], inputs)
        return tuple(MappingProxyType(e) for e in examples if isinstance(e, dict))

    def input(self, name: str, spec: Any) -> Input:
        if not _is_word(name) or name in RESERVED:
            self.problems.append(f"the input {name!r} needs another name: small letters, digits and _, and no word of Python or Jinja")
        spec = {} if spec == "" else spec
        if not isinstance(spec, dict):
            self.problems.append(f"the input {name!r} is {_shown(spec)}; expected a mapping such as {{description: …}}")
            spec = {}
        self.known_keys(f"the input {name!r}", spec, INPUT_FIELDS)
        kind = spec.get("type", "string")
        fields = {key: value for key, value in spec.items() if key in INPUT_FIELDS and self.is_fit(name, key, value, kind)}
        declared = Input(name, **fields | {"required": "default" not in spec, "choices": _choices(fields.get("choices", ()))})
        return self.with_values(declared)

    def is_fit(self, name: str, key: str, value: Any, kind: Any) -> bool:
        is_right, expected = _FIT[key](value, kind) if key in _FIT else (True, "")
        if not is_right:
            self.problems.append(f"{key} of the input {name!r} is {_shown(value)}; expected {expected}")
        return is_right

    def translated(self, declared: Input, said: Any) -> Input:
        if not isinstance(said, dict):
            self.problems.append(f"the input {declared.name!r} is {_shown(said)}; expected a mapping such as {{description: …}}")
            return declared
        self.known_keys(f"the input {declared.name!r} of a language file", said, INPUT_WORDS)
        found = {key: said[key] for key in INPUT_WORDS if key in said}
        words = {key: value for key, value in found.items() if self.is_fit(declared.name, key, value, declared.type)}
        if "default" in words and declared.required:
            self.problems.append(f"the input {declared.name!r} is required in the base file and has a default here")
        if "choices" in words:
            words["choices"] = _choices(words["choices"])
            if set(words["choices"]) != set(declared.choices):
                keys = ", ".join(map(str, declared.choices))
                self.problems.append(f"the choices of {declared.name!r} have other keys than the base file's: {keys}")
        return self.with_values(replace(declared, **words))

    def with_values(self, declared: Input) -> Input:
        """The input with its default and example read, as values that are given are."""
        read: dict[str, Any] = {}
        for key in ("default", "example"):
            value = getattr(declared, key)
            try:
                read[key] = value if value is None else declared._read(value)
            except ValueError as error:
                self.problems.append(f"{key} of the input {declared.name!r} {error}")
        return replace(declared, **read)


def _choices(given: Any) -> Mapping[Any, Any] | tuple[()]:
    return MappingProxyType(given if isinstance(given, dict) else {value: value for value in given}) if given else ()


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _are_choices(value: Any, kind: str) -> bool:
    if isinstance(value, dict):
        return kind == "string" and all(isinstance(wording, str) for wording in value.values()) and bool(value)
    is_right = {"string": lambda v: isinstance(v, str), "integer": lambda v: type(v) is int, "number": _is_number}.get(kind)
    return isinstance(value, list) and bool(value) and is_right is not None and all(map(is_right, value))


# for each field of an input: whether a value fits an input of that type, and what is expected
_FIT: Mapping[str, Callable[[Any, str], tuple[bool, str]]] = {
    "type": lambda v, _: (isinstance(v, str) and v in TYPES, f"one of {', '.join(TYPES)}"),
    "description": lambda v, _: (isinstance(v, str), "text"),
    "choices": lambda v, kind: (_are_choices(v, kind), "a list of texts or numbers, or a mapping from keys to their wording"),
    "max_length": lambda v, kind: (type(v) is int and v > 0 and kind in ("string", "list"), "a whole number, for a string or a list"),
    "min": lambda v, kind: (_is_number(v) and kind in ("integer", "number"), "a number, for an integer or a number"),
    "max": lambda v, kind: (_is_number(v) and kind in ("integer", "number"), "a number, for an integer or a number"),
    "renamed_from": lambda v, _: (isinstance(v, str) and bool(WORD.fullmatch(v)), "the old name"),
}


# Languages


def _language_of(name: str) -> str:
    """`zh-CN` of `edit/add.zh-CN.j2`."""
    return name.split(".")[1]


@lru_cache(maxsize=256)
def _find_language(wanted: str, tags: tuple[str, ...]) -> str | None:
    """The tag that means what is wanted: the same, or else the first of the same language in the same script."""
    plain = wanted.partition(".")[0].replace("_", "-").lower()
    exact = [tag for tag in tags if tag.lower() == plain]
    near = [tag for tag in tags if tag.lower().split("-")[0] == plain.split("-")[0] and _script(tag) == _script(plain)]
    return next(iter(exact + near), None)


def _script(tag: str) -> str:
    language, *subtags = tag.lower().split("-")
    named = next((s for s in subtags if len(s) == 4 and s.isalpha()), None)
    if language == "zh":  # written in either script, and the region tells which
        return named or ("hant" if {"tw", "hk", "mo"} & set(subtags) else "hans")
    return named or ""


# Template


@dataclass(frozen=True)
class _Bundle:
    """The files that one rendering comes from, by name, and the sha256 of that mapping as canonical JSON."""

    sources: Mapping[str, str]
    digest: str
    parts: Mapping[str, Part]


@lru_cache(maxsize=1024)
def _bundle(rendered: tuple[_File, ...], base: _File) -> _Bundle:
    size = sum(len(file.text.encode()) for file in rendered)
    if size > LONGEST_FILE:
        raise TemplateError(f"With all that it includes it has {size:,} bytes; {LONGEST_FILE:,} at most.", file=str(rendered[0].path))
    sources = {file.name: file.text for file in (*rendered, base)}
    canonical = json.dumps(sources, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return _Bundle(sources, hashlib.sha256(canonical.encode()).hexdigest(), {file.name: file.part for file in rendered})


@dataclass(frozen=True, eq=False, repr=False)
class Template:
    """A template, ready to be called with its inputs by name: `templates.sticker(subject="happy bear")` is a Prompt.

    It is the file as it was when the library was asked for it. `kind` is "generate" or "edit", `lang` the language of the base file,
    `languages` are all that there are files for, the base file's first. `config` holds hints for the request, `source` the base file's
    text with plain line ends. `pack` is None for a template that comes from no pack.
    """

    name: str
    description: str
    kind: str
    lang: str
    languages: tuple[str, ...]
    inputs: Mapping[str, Input]
    config: Mapping[str, Any]
    examples: tuple[Mapping[str, Any], ...]
    source: str
    file: Path
    pack: tuple[str, str] | None
    _files: Mapping[str, _File]
    _folders: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "__doc__", self._help())  # what help() and Shift-Tab show

    @property
    def digest(self) -> str:
        """64 hex digits that change when the base file, or what it extends, includes or imports, changes."""
        return self._gather(self._files[self.lang]).digest

    def __call__(self, *, lang: str | None = None, **inputs: Any) -> Prompt:
        """The prompt, in the language asked for. InputError names all that is wrong with the inputs."""
        from promptkit import closed

        edition = self._in_language(lang or settings.language())
        recorded, values = edition.accept(inputs)
        bundle = self._gather(edition.file)
        text = closed.render(edition.file.name, bundle.parts, values)
        sources, config = dict(bundle.sources), dict(edition.config)
        return Prompt(text, self.name, edition.kind, bundle.digest, recorded, edition.lang, config, self.pack, sources)

    def _in_language(self, wanted: str) -> _Edition:
        if not isinstance(wanted, str):
            raise InputError(f"lang is {_shown(wanted)}; expected a tag such as 'zh-CN'.", problems=["lang"], file=str(self.file))
        found = _find_language(wanted, self.languages)
        if found is None:
            _warn_once(self.name, wanted, self.languages)
        return _read_edition(self._files[self.lang], self._files[found or self.lang])

    def _gather(self, file: _File) -> _Bundle:
        found = {file.name: file}
        self._add_needs(file, found, (file.name,))
        return _bundle(tuple(found.values()), self._files[self.lang])

    def _add_needs(self, file: _File, found: dict[str, _File], trail: tuple[str, ...]) -> None:
        for name in file.part.needs:
            if name in trail:
                raise TemplateError(f"{name!r} includes itself, by way of {' and '.join(trail)}.", file=str(file.path))
            if name not in found:
                found[name] = self._open_needed(name, file)
                self._add_needs(found[name], found, (*trail, name))

    def _open_needed(self, name: str, by: _File) -> _File:
        if NEEDED_NAME.fullmatch(name):
            for folder in self._folders:
                if found := _open(f"{folder}/{name}", name):
                    return found
        places = " nor in ".join(self._folders)
        raise TemplateError(f"It needs {name!r}, which is not in {places}; name a file from there, such as '_parts.j2'.", file=str(by.path))

    # For readers

    @property
    def __signature__(self) -> inspect.Signature:
        by_name = inspect.Parameter.KEYWORD_ONLY
        lang = inspect.Parameter("lang", by_name, annotation=str | None, default=None)
        return inspect.Signature([*(i._parameter() for i in self.inputs.values()), lang], return_annotation=Prompt)

    def __repr__(self) -> str:
        return f"<Template {self.name} in {self.file}>"

    def _help(self) -> str:
        about = [f"    {i.name} ({i._terms()}): {i._about()}" for i in self.inputs.values()]
        languages = f"    lang (string, optional): one of {', '.join(self.languages)}"
        return "\n".join([self.description or self.name, "", "Inputs:", *about, languages])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002  (IPython's names)
        note = f"{self.description} ({self.kind}; {', '.join(self.languages)})"
        inputs = table([(i.name, i._terms(), i._about()) for i in self.inputs.values()], ("input", "type", "what it is"))
        shown = [_block(str(self(**example["inputs"]))) for example in self.examples[:1]]
        about = card(self.name, Html(f"<div>{escape(note)}</div>"), inputs, *shown)
        return {"text/plain": f"{self.name}: {self._help()}", "text/html": about}


_warned: set[tuple[str, str]] = set()


def _warn_once(name: str, wanted: str, languages: tuple[str, ...]) -> None:
    if (name, wanted) not in _warned:
        _warned.add((name, wanted))
        known = ", ".join(languages)
        message = f"The template {name!r} is not written in {wanted!r}; it is rendered in {languages[0]!r} (there are: {known})."
        warnings.warn(message, PromptkitWarning, stacklevel=4)


# Libraries


class Library:
    """Templates by name: `library.sticker`, `library.edit.add`, `library["edit.add"]`; iterating gives Templates.

    The folders given are searched first, the first of them first, then the built-in ones. A changed file is seen at the next access.
    It has no public method, so that any name is free for a template. TemplateNotFound, an AttributeError, where there is none.
    """

    def __init__(self, *folders: str | os.PathLike[str], builtin: bool = True) -> None:
        fixed = tuple(_existing(folder) for folder in folders)
        self._folders: Callable[[], tuple[str, ...]] = lambda: (*fixed, _builtin_folder()) if builtin else fixed
        self._prefix = ""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Any:
        found = self._find(name)
        if found is None:
            known = [n.removeprefix(self._prefix) for n in self._names()]
            message = f"There is no template {self._prefix + str(name)!r}{did_you_mean(str(name), known)}; known are {', '.join(known)}."
            raise TemplateNotFound(message, name=str(name), near=nearest(str(name), known))
        return found

    def _find(self, name: object) -> Template | Library | None:
        if not isinstance(name, str) or not _is_name(name):
            return None
        whole = self._prefix + name
        for folder in self._folders():
            if template := _open_template(folder, whole.replace(".", "/")):
                return template
        return self._within(f"{whole}.") if any(known.startswith(f"{whole}.") for known in self._names()) else None

    def _within(self, prefix: str) -> Library:
        space = Library(builtin=False)
        space._folders, space._prefix = self._folders, prefix
        return space

    def _names(self) -> list[str]:
        names = {name for folder in self._folders() for name in _names_in(folder)}
        return sorted(name for name in names if name.startswith(self._prefix))

    def __contains__(self, name: object) -> bool:
        return self._find(name.name if isinstance(name, Template) else name) is not None

    def __iter__(self) -> Iterator[Template]:
        return (self[name.removeprefix(self._prefix)] for name in self._names())

    def __len__(self) -> int:
        return len(self._names())

    def __dir__(self) -> list[str]:
        return sorted({name.removeprefix(self._prefix).partition(".")[0] for name in self._names()})

    def _ipython_key_completions_(self) -> list[str]:
        return [name.removeprefix(self._prefix) for name in self._names()]

    def __repr__(self) -> str:
        return f"<Library of {len(self)} templates: {', '.join(self._names())}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002  (IPython's names)
        rows = []
        for name in self._names():
            try:
                rows.append(_row(self[name.removeprefix(self._prefix)]))
            except TemplateError as error:  # one bad file does not hide the others
                rows.append((name, "", str(error)))
        return {"text/plain": repr(self), "text/html": table(rows, ("template", "kind", "what it makes", "inputs", "languages"))}


def _row(template: Template) -> tuple[str, ...]:
    inputs = ", ".join(i.name if i.required else f"{i.name}?" for i in template.inputs.values())
    return template.name, template.kind, template.description, inputs, ", ".join(template.languages)


@lru_cache(maxsize=1024)
def _is_name(name: str) -> bool:
    return all(map(_is_word, name.split(".")))


def _is_word(word: str) -> bool:
    return bool(WORD.fullmatch(word)) and not keyword.iskeyword(word)


def _open_template(folder: str, stem: str) -> Template | None:
    base = _open(f"{folder}/{stem}.j2", f"{stem}.j2")
    if base is None:
        return None
    space = stem.rpartition("/")[0]
    names = [f"{space}/{file}" if space else file for file in _language_files(folder, stem)]
    others = tuple(file for name in names if (file := _open(f"{folder}/{name}", name)))
    return _template(stem.replace("/", "."), base, others, tuple(dict.fromkeys((folder, _builtin_folder()))))


@lru_cache(maxsize=1024)
def _template(name: str, base: _File, others: tuple[_File, ...], folders: tuple[str, ...]) -> Template:
    e = _read_edition(base, base)
    files = {e.lang: base} | {_language_of(file.name): file for file in others}
    if files[e.lang] is not base:
        raise TemplateError(f"This file says the same language, {e.lang!r}, as {base.name}; remove one.", file=str(files[e.lang].path))
    about = (name, e.description, e.kind, e.lang, tuple(files), e.inputs, e.config, e.examples)
    return Template(*about, source=base.text, file=base.path, pack=None, _files=files, _folders=folders)


def _language_files(folder: str, stem: str) -> list[str]:
    space, _, name = stem.rpartition("/")
    beside = (file for file in os.listdir(f"{folder}/{space}") if file.startswith(f"{name}."))  # noqa: PTH208
    return sorted(file for file in beside if (match := FILE_NAME.fullmatch(file)) and match["lang"])


def _names_in(folder: str) -> Iterator[str]:
    for at, spaces, files in os.walk(folder):
        spaces[:] = [space for space in spaces if _is_word(space)]
        prefix = "".join(f"{word}." for word in Path(at).relative_to(folder).parts)
        yield from (prefix + file.removesuffix(".j2") for file in files if file.endswith(".j2") and _is_word(file.removesuffix(".j2")))


def _existing(folder: str | os.PathLike[str]) -> str:
    path = os.path.abspath(os.path.expanduser(folder))  # noqa: PTH100, PTH111  (a Path costs more than the call)
    if not os.path.isdir(path):  # noqa: PTH112
        raise TemplateError(f"There is no folder {path}; name one that holds templates.")
    return path


@lru_cache(maxsize=1)
def _builtin_folder() -> str:
    package = Path(__file__).parent
    shipped = package / "_templates"  # in a wheel; in a checkout they stand beside the package
    return str(shipped if shipped.is_dir() else package.parent / "templates")


_added: list[str] = []


def add_library(folder: str | os.PathLike[str]) -> None:
    """Adds a folder to the default Library, before all others. TemplateError where there is no such folder."""
    path = _existing(folder)
    _added[:] = [path, *(other for other in _added if other != path)]


def _search_path() -> tuple[str, ...]:
    return (*_added, *_absolute(settings.template_folders()), _builtin_folder())


@lru_cache(maxsize=16)
def _absolute(folders: tuple[Path, ...]) -> tuple[str, ...]:
    return tuple(map(os.path.abspath, folders))


templates = Library()
templates._folders = _search_path
