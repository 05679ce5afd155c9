"""The file `library.yaml` of a folder of templates: what belongs to the library as a whole, for all templates in the folder and below it.

    inputs:                      # values that every body may use; an input of that name that has no default takes its default from here
      brand: warm orange and ink blue
      closing: {en: No watermark., zh-CN: 不要水印。}
    references:                  # pictures of this folder that go along with every request
      mascot: {file: pictures/mascot.png, description: the fox with the red scarf}
    config: {image_size: 2K}     # hints, which a template's own go before
    channels:                    # sets of channels by name
      social: {story: "9:16", post: 1080x1080}

What stands nearer goes first: the call, then the template, then this file. A template that says `library: false` takes nothing of it, and
one that says `library: [inputs, mascot]` takes these.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from promptkit.errors import InputError, TemplateError, did_you_mean, listed
from promptkit.prompts.declarations import HINTS, MOST_INPUTS, Edition, name_problem
from promptkit.prompts.inputs import Input, read_value, shown
from promptkit.prompts.languages import LANGUAGE, find_language
from promptkit.prompts.library_look import NAME, DeclaredPictures, Look
from promptkit.prompts.source_file import CurrentFiles, read_whole
from promptkit.prompts.strict_yaml import KeyPath, read_yaml
from promptkit.terminal import printable

__all__ = [
    "NAME",
    "PARTS",
    "FileProblem",
    "LibraryFile",
    "channel_sets",
    "in_language",
    "kept_library",
    "open_library",
    "pictures_of",
    "whole_look",
    "with_library",
]

KNOWN = ("inputs", "references", "config", "channels")
PARTS = ("inputs", "references", "config")  # what a template takes, all of each, or of the references some by name
PICTURE_FIELDS = ("file", "description")
LARGEST = 1_000_000  # bytes
LONGEST_VALUE = 10_000  # characters of a value, and of a picture's description
LONGEST_NAME = 64  # characters of a picture's name
MOST_ITEMS = 100  # of a list
MOST_PICTURES = 20
SHA256 = re.compile(r"[0-9a-f]{64}")
PICTURES_EXAMPLE = "{mascot: {file: mascot.png, description: the fox with the red scarf}}"
CHANNELS_EXAMPLE = '{social: {story: "9:16", post: 1080x1080}}'


@dataclass(frozen=True)
class FileProblem:
    """One thing that is wrong with a library's file: in which part (empty: the file itself), in words, and on which line."""

    part: str
    message: str
    line: int | None


@dataclass(frozen=True, eq=False)
class LibraryFile:
    """One version of a library's file, with all that is wrong with it; what is wrong is not among what it holds.

    Values and descriptions may be mappings from languages. `lines` tells where each key stands, `text` is the file's.
    """

    path: Path
    text: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    references: Mapping[str, DeclaredPictures] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    channels: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    lines: Mapping[KeyPath, int] = field(default_factory=dict)
    problems: tuple[FileProblem, ...] = ()

    def refuse_problems(self, parts: Collection[str]) -> None:
        """TemplateError for the first thing that is wrong with the file itself or with one of these parts."""
        found = [problem for problem in self.problems if problem.part in ("", *parts)]
        if found:
            more = f" (and {len(found) - 1} more, which `promptkit templates check` names)" if len(found) > 1 else ""
            raise TemplateError(f"{found[0].message}{more}.", file=str(self.path), line=found[0].line)


# Reading


def open_library(folder: str) -> LibraryFile | None:
    """The library's file in a folder as it is now, or None where there is none. TemplateError where it cannot be read as YAML."""
    return _libraries.open(f"{folder}/{NAME}", NAME)


def _read_library(path: str, name: str, before: LibraryFile | None) -> LibraryFile | None:
    data = read_whole(path, name, LARGEST, name, "a UTF-8 text file")
    if data is None:
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        said = f"The file {NAME} cannot be read: byte {error.start} is not UTF-8; save the file as UTF-8."
        raise TemplateError(said, file=path) from None
    return before if before is not None and before.text == text else _parsed(text, Path(path))


def _parsed(text: str, path: Path) -> LibraryFile:
    found, lines = read_yaml(text, path, what=f"The file {NAME}", first=1)
    return _Reader(path, found, lines).library(text)


_libraries = CurrentFiles(_read_library)


def pictures_of(data: bytes) -> list[str]:
    """The paths of the pictures that a library's file of these bytes names; none where it cannot be read."""
    try:
        library = _parsed(data.decode("utf-8-sig"), Path(NAME))
    except (TemplateError, UnicodeDecodeError):
        return []
    return [file for declared in library.references.values() for file in declared.files]


def kept_library(text: str, path: Path) -> LibraryFile:
    """What a session keeps of a library's file (see Look.kept): its pictures are named by what they hold. TemplateError where not."""
    try:
        said: Any = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise TemplateError(f"What is kept of {NAME} cannot be read.", file=str(path))
    return _Reader(path, said, {}, is_kept=True).library(text)


class _Reader:
    """Reads what a library's file says, and gathers all that is wrong with it."""

    def __init__(self, path: Path, said: Mapping[str, Any], lines: Mapping[KeyPath, int], *, is_kept: bool = False) -> None:
        self.path, self.said, self.lines, self.is_kept = path, said, lines, is_kept
        self.problems: list[FileProblem] = []

    def library(self, text: str) -> LibraryFile:
        self.known_keys("", (), self.said, KNOWN, f"{NAME} has")
        inputs, references, config, channels = self.inputs(), self.references(), self.config(), self.channels()
        return LibraryFile(self.path, text, inputs, references, config, channels, self.lines, tuple(self.problems))

    def add(self, part: str, at: KeyPath, message: str) -> None:
        self.problems.append(FileProblem(part, message, self.lines.get(at)))

    def known_keys(self, part: str, at: KeyPath, found: Mapping[str, Any], known: tuple[str, ...], who: str) -> bool:
        """Whether all keys are known, but for metadata at the top and for x-…; a problem for each that is not."""
        unknown = [key for key in found if key not in known and not (at == () and key == "metadata") and not key.startswith("x-")]
        for key in unknown:
            there = f"{', '.join(known)}{', metadata and x-…' if at == () else ''}"
            self.add(part, (*at, key), f"{who} an unknown key {key!r:.80}{did_you_mean(key, known)}; known are {there}")
        return not unknown

    def part(self, name: str, expected: str) -> dict[str, Any]:
        """What stands in a part, a mapping; nothing, and a problem, where it is something else."""
        found = self.said.get(name) or {}
        if isinstance(found, dict):
            return found
        self.add(name, (name,), f"{name} in {NAME} holds {expected}, not {shown(found)}")
        return {}

    def inputs(self) -> dict[str, Any]:
        found = self.part("inputs", "values by name: {brand: warm orange and ink blue}")
        if len(found) > MOST_INPUTS:
            self.add("inputs", ("inputs",), f"{NAME} has {len(found):,} inputs; {MOST_INPUTS} at most")
        return {name: as_printed(value) for name, value in [*found.items()][:MOST_INPUTS] if self.is_input(name, value)}

    def is_input(self, name: str, value: Any) -> bool:
        why = name_problem(name) or self.value_problem(value, is_plain)
        if why:
            self.add("inputs", ("inputs", name), f"The input {shown(name)} of {NAME} {why}")
        return not why

    def value_problem(self, value: Any, fits: Callable[[Any], bool]) -> str:
        """What is wrong with a value, or with one of its languages."""
        if not isinstance(value, dict) or not value:
            return "" if fits(value) else f"is {shown(value)}; expected {EXPECTED[fits]}, or a mapping from languages to these"
        if wrong := next((key for key in value if not LANGUAGE.fullmatch(key)), None):
            return f"has the language {shown(wrong)}; a mapping is from languages, such as {{en: …, zh-CN: …}}"
        return next((f"is {shown(one)} in {lang}; expected {EXPECTED[fits]}" for lang, one in value.items() if not fits(one)), "")

    def references(self) -> dict[str, DeclaredPictures]:
        said = self.part("references", f"pictures by name: {PICTURES_EXAMPLE}")
        found = {one.name: one for name, spec in said.items() if (one := self.reference(name, spec)) is not None}
        count = sum(len(one.files) for one in found.values())
        if count > MOST_PICTURES:
            self.add("references", ("references",), f"{NAME} has {count} pictures that go along; {MOST_PICTURES} at most")
            return {}
        return found

    def reference(self, name: str, spec: Any) -> DeclaredPictures | None:
        at = ("references", name)
        spec = spec if isinstance(spec, dict) else {"file": spec}
        known = ("sha256", "description") if self.is_kept else PICTURE_FIELDS
        if not self.known_keys("references", at, spec, known, f"The reference {name!r:.80} of {NAME} has"):
            return None
        given = spec.get("sha256" if self.is_kept else "file")
        files = tuple(given) if isinstance(given, list) else (given,)
        described = spec.get("description", "")
        why = _name_problem(name) or self.files_problem(files) or self.description_problem(described)
        if why:
            self.add("references", at, f"The reference {shown(name)} of {NAME} {why}")
            return None
        about = {"sha256": files} if self.is_kept else {"files": files}
        return DeclaredPictures(unicodedata.normalize("NFC", name), description=described, line=self.lines.get(at), **about)

    def files_problem(self, files: tuple[Any, ...]) -> str:
        fits = _is_hash if self.is_kept else _is_inside
        wrong = [file for file in files if not fits(file)]
        said = f"has the file {shown(wrong[0])}" if any(wrong) else "has no file" if wrong or not files else ""
        return f"{said}; expected the path of a picture in this folder, such as pictures/mascot.png" if said else ""

    def description_problem(self, described: Any) -> str:
        why = self.value_problem(described, is_line) if described != "" else ""
        return f"has a description that {why}" if why else ""

    def config(self) -> dict[str, Any]:
        found = self.part("config", "hints for the request: {image_size: 2K}")
        self.known_keys("config", ("config",), found, tuple(HINTS), f"config in {NAME} has")
        return {key: value for key, value in found.items() if key in HINTS and self.is_hint(key, value)}

    def is_hint(self, key: str, value: Any) -> bool:
        fits, expected = HINTS[key]
        if not fits(value):
            self.add("config", ("config", key), f"config.{key} in {NAME} is {shown(value)}; expected {expected}")
        return fits(value)

    def channels(self) -> dict[str, Any]:
        sets = self.said.get("channels") or {}
        if isinstance(sets, dict) and all(isinstance(channels, dict) for channels in sets.values()):
            return sets
        self.add("channels", ("channels",), f"channels in {NAME} holds sets by name, each with channels by name: {CHANNELS_EXAMPLE}")
        return {}


def is_plain(value: Any) -> bool:
    """Whether it may be a value that bodies print: a text, a number, true or false, or a list of texts, of bounded size."""
    if isinstance(value, list):
        return 0 < len(value) <= MOST_ITEMS and all(isinstance(one, str) and len(one) <= LONGEST_VALUE for one in value)
    return isinstance(value, int | float) or (isinstance(value, str) and 0 < len(value.strip()) <= len(value) <= LONGEST_VALUE)


def is_line(value: Any) -> bool:
    """Whether it may be the description of a picture: a text of bounded size, on one line."""
    return isinstance(value, str) and is_plain(value) and "\n" not in value.strip()


EXPECTED: Mapping[Callable[[Any], bool], str] = {
    is_plain: f"a text of {LONGEST_VALUE:,} characters at most, a number, true or false, or a list of texts",
    is_line: f"a text on one line, of {LONGEST_VALUE:,} characters at most",
}


def as_printed(value: Any) -> Any:
    """The value as bodies print it: lists are tuples, which nothing changes."""
    if isinstance(value, dict):
        return {lang: as_printed(one) for lang, one in value.items()}
    return tuple(value) if isinstance(value, list) else value


def _name_problem(name: str) -> str:
    """Why it cannot be the name of a picture that goes along, or nothing."""
    is_one_line = name == name.strip() and 0 < len(name) <= LONGEST_NAME and "\N{REPLACEMENT CHARACTER}" not in printable(name)
    if is_one_line and not name.isdigit() and not re.search(r"[/\\.]", name) and name not in PARTS:
        return ""
    rule = f"on one line, {LONGEST_NAME} characters at most, not all digits, without / and ., and none of {', '.join(PARTS)}"
    return f"needs another name: {rule}"


def _is_inside(file: Any) -> bool:
    """Whether a path stays in the folder that it starts from, on any system."""
    parts = file.split("/") if isinstance(file, str) else [""]
    return all(part.strip(". ") and part.isprintable() for part in parts) and not re.search(r"[\\:~]", file) and len(file) <= 200


def _is_hash(file: Any) -> bool:
    return isinstance(file, str) and bool(SHA256.fullmatch(file))


# What a template takes


def whole_look(library: LibraryFile) -> Look:
    """All that the file holds, in all languages."""
    return Look(library.path, library.inputs, library.references, library.config)


@lru_cache(maxsize=1024)
def with_library(edition: Edition, library: LibraryFile | None) -> Edition:
    """The edition with what it takes of its library's file. TemplateError for what is wrong with that, InputError for what does not fit."""
    names = [name for name in edition.takes if name not in PARTS] if isinstance(edition.takes, tuple) else []
    if not edition.takes or (library is None and not names):
        return edition
    library = library or LibraryFile(edition.base.path)  # there is none: the names are told
    library.refuse_problems([part for part in PARTS if _takes(edition, part) or (names and part == "references")])
    problems = [f"library names {shown(name)}{_lacking(name, library)}" for name in names if name not in library.references]
    own = {name for name, declared in edition.inputs.items() if not declared.required}
    values = library.inputs if _takes(edition, "inputs") else {}
    given = {name: in_language(value, edition.lang) for name, value in values.items() if name not in own}
    inputs = {name: _with_default(declared, given, problems) for name, declared in edition.inputs.items()}
    if problems:
        raise InputError(f"The front matter has problems: {'; '.join(problems)}.", problems=problems, file=str(edition.base.path))
    taken = {n: _in(declared, edition.lang) for n, declared in library.references.items() if _takes(edition, "references") or n in names}
    hints = {key: value for key, value in library.config.items() if key not in edition.config} if _takes(edition, "config") else {}
    look = Look(library.path, MappingProxyType(given), MappingProxyType(taken), MappingProxyType(hints))
    return replace(edition, inputs=MappingProxyType(inputs), config=MappingProxyType({**hints, **edition.config}), look=look)


def _takes(edition: Edition, part: str) -> bool:
    return edition.takes is True or (isinstance(edition.takes, tuple) and part in edition.takes)


def _lacking(name: str, library: LibraryFile) -> str:
    known = [*PARTS, *library.references]
    return f", which is neither a part nor a reference of {NAME}{did_you_mean(name, known)}; known are {listed(known)}"


def _with_default(declared: Input, given: Mapping[str, Any], problems: list[str]) -> Input:
    if declared.name not in given:
        return declared
    try:
        return replace(declared, required=False, default=read_value(declared, given[declared.name]))
    except ValueError as error:
        problems += [f"the input {declared.name!r} takes its default from {NAME}, which {why}" for why in error.args]
        return declared


def _in(declared: DeclaredPictures, lang: str) -> DeclaredPictures:
    return replace(declared, description=in_language(declared.description, lang))


def in_language(value: Any, lang: str) -> Any:
    """The value in a language; where it has none for that, the first one that it has."""
    if not isinstance(value, Mapping):
        return value
    return value[find_language(lang, tuple(value)) or next(iter(value))]


# Channels


class Folder(Protocol):
    """A folder of templates, and what the names of its templates begin with."""

    @property
    def path(self) -> str: ...

    @property
    def namespace(self) -> str: ...


def channel_sets(folders: Iterable[Folder]) -> dict[str, Mapping[str, Any]]:
    """The sets of channels by name: of two with one name the first folder's; those of an installed pack with its namespace, `acme.social`.
    TemplateError, with the file, where one cannot be read or holds what this promptkit does not know.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for folder in folders:
        library = open_library(folder.path)
        if library is not None:
            library.refuse_problems(["channels"])
            for name, channels in library.channels.items():
                found.setdefault(f"{folder.namespace}{name}", channels)
    return found
