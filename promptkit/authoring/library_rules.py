"""What is wrong with a library's file `library.yaml`, and what a template makes of it that its author may not have meant."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from promptkit.errors import PictureError, PromptkitError, SettingsError, TemplateError, brief_path
from promptkit.images.channels import channel_operation
from promptkit.prompts.declarations import Edition
from promptkit.prompts.languages import find_language
from promptkit.prompts.library_file import NAME, LibraryFile, open_library
from promptkit.prompts.library_pictures import picture_in
from promptkit.prompts.source_file import File
from promptkit.prompts.strict_yaml import KeyPath
from promptkit.providers import models

__all__ = ["RuleFinding", "library_findings", "readable_library", "shadowed", "unsaid"]

LOOKS_LIKE_IT = re.compile(r"(?:library|libary|librairy)\.ya?ml", re.IGNORECASE)


class RuleFinding(NamedTuple):
    """A code of check, and what is wrong where."""

    code: str
    file: Path
    line: int
    message: str


# The file


def readable_library(folder: str) -> LibraryFile | None:
    """The library's file of a folder, or None where it has none that can be read."""
    try:
        return open_library(folder)
    except TemplateError:
        return None


def library_findings(folder: str) -> Iterator[RuleFinding]:
    """All that is wrong with the library's file of a folder, its pictures and channels included, and with files that are taken for one."""
    yield from _taken_for_one(folder)
    try:
        library = open_library(folder)
    except TemplateError as error:
        yield _of_error(error, Path(folder, NAME))
        return
    if library is not None:
        yield from (RuleFinding("library-file", library.path, each.line or 1, f"{each.message}.") for each in library.problems)
        yield from _wrong_pictures(folder, library)
        yield from _wrong_channels(library)
        yield from _odd_ratio(library)


def _taken_for_one(folder: str) -> Iterator[RuleFinding]:
    for at, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__pycache__")))
        for name in sorted(files):
            if name == NAME and at != folder:
                said = f"This file is not read: the {NAME} of {brief_path(Path(folder))} holds for its sub-folders, too"
                yield RuleFinding("library-file", Path(at, name), 1, f"{said}; move what it says there.")
            elif name != NAME and at == folder and LOOKS_LIKE_IT.fullmatch(name):
                yield RuleFinding("library-file", Path(at, name), 1, f"This file is not read; name it {NAME}.")


def _wrong_pictures(folder: str, library: LibraryFile) -> Iterator[RuleFinding]:
    for by in library.references.values():
        for file in by.files:
            try:
                picture_in(folder, file, by, library.path)
            except TemplateError as error:
                yield _of_error(error, library.path, by.line)


def _wrong_channels(library: LibraryFile) -> Iterator[RuleFinding]:
    for set_name, channels in library.channels.items():
        for name, wanted in channels.items():
            try:
                channel_operation(name, wanted, {})
            except (PictureError, SettingsError) as error:
                yield RuleFinding("library-file", library.path, _line(library, ("channels", set_name, name)), str(error))


def _odd_ratio(library: LibraryFile) -> Iterator[RuleFinding]:
    ratio = library.config.get("aspect_ratio")
    if ratio is not None and ratio not in models.all_ratios():
        said = f"No known model has the aspect_ratio {ratio!r}; the hint is left out then."
        yield RuleFinding("no-ratio", library.path, _line(library, ("config", "aspect_ratio")), said)


def _of_error(error: PromptkitError, library: Path, line: int | None = None) -> RuleFinding:
    file, at = Path(getattr(error, "file", None) or library), getattr(error, "line", None)
    shown = brief_path(file)
    said = str(error).removeprefix(f"{shown}:{at}: ").removeprefix(f"{shown}: ")
    is_other = file != library  # a picture, which the library's line names
    return RuleFinding("library-file", library, (line if is_other else at or line) or 1, f"{file.name}: {said}" if is_other else said)


def _line(library: LibraryFile, at: KeyPath) -> int:
    return library.lines.get(at, 1)


# What a template makes of it


def shadowed(edition: Edition, library: LibraryFile, files: Mapping[str, File]) -> Iterator[RuleFinding]:
    """The library's values that a template does not get to see, as an input with a default, or a body that sets the name, goes first."""
    base = edition.base
    for name in edition.inputs if _takes_inputs(edition) else ():
        if name in library.inputs and name not in edition.look.inputs:
            said = f"The input {name!r} has a default, which goes before the value in {NAME}; leave the default out to take that."
            yield RuleFinding("library-shadowed", base.path, base.lines.get(("inputs", name), 1), said)
    for file in files.values():
        body, lines_before = file.body
        for name in edition.look.inputs:
            if name not in edition.inputs and (found := re.search(rf"\{{%[-+]?\s*set\s+{name}\b", body)):
                said = f"The body sets {name!r}, which goes before the value in {NAME}; choose another name to have both."
                yield RuleFinding("library-shadowed", file.path, lines_before + 1 + body.count("\n", 0, found.start()), said)


def _takes_inputs(edition: Edition) -> bool:
    return edition.takes is True or (isinstance(edition.takes, tuple) and "inputs" in edition.takes)


def unsaid(edition: Edition, library: LibraryFile, used: set[str]) -> Iterator[RuleFinding]:
    """The values and descriptions that a language of a template takes, and that are said in other languages only."""
    for name in used:
        if name in edition.look.inputs and _lacks(library.inputs[name], edition.lang):
            yield _unsaid(library, ("inputs", name), f"the input {name!r}", edition)
    for name in edition.look.references:
        if _lacks(library.references[name].description, edition.lang):
            yield _unsaid(library, ("references", name), f"the description of {name!r}", edition)


def _lacks(value: Any, lang: str) -> bool:
    return isinstance(value, Mapping) and find_language(lang, tuple(value)) is None


def _unsaid(library: LibraryFile, at: KeyPath, what: str, edition: Edition) -> RuleFinding:
    said = f"{edition.file.name} is in {edition.lang!r}, in which {what} says nothing; add {edition.lang!r}, or its first language is used."
    return RuleFinding("untranslated", library.path, _line(library, at), said)
