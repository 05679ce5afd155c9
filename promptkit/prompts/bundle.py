"""The files that a template is rendered from: its own, and all that these extend, include or import.

A file that another names is looked for in the template's own folder, then among the built-in ones. All that was opened, or looked for in
vain, is remembered, so that a change on disk is seen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from promptkit.errors import TemplateError, did_you_mean
from promptkit.prompts.declarations import Edition
from promptkit.prompts.names import NEEDED_NAME
from promptkit.prompts.source_file import LONGEST_FILE, File, file_names, open_file

if TYPE_CHECKING:
    from promptkit.prompts.sandbox import Part

__all__ = ["Bundle", "FileSearch"]

DEEPEST = 32  # files that include each other


@dataclass(frozen=True)
class Bundle:
    """What one language of a template is rendered from.

    `files` are those that take part, by name, the language's own first. `sources` are their texts and the base file's, and `digest` is the
    sha256 of `sources` as canonical JSON: lineage finds the same one for what it stores.
    """

    edition: Edition
    files: Mapping[str, File]
    sources: Mapping[str, str]
    digest: str
    parts: Mapping[str, Part]


def _bundle(edition: Edition, files: Mapping[str, File]) -> Bundle:
    import hashlib  # loads OpenSSL, which a list of templates does not need

    sources = {file.name: file.text for file in (*files.values(), edition.base)}
    canonical = json.dumps(sources, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return Bundle(edition, files, sources, digest, {file.name: file.part for file in files.values()})


class FileSearch:
    """Opens the files of one template, in its folders; or only those of `given`, where it lies in no folder.

    `opened` are files that were opened already, by path and name.
    """

    def __init__(
        self,
        folders: tuple[str, ...],
        given: Mapping[str, File] | None = None,
        opened: Mapping[tuple[str, str], File] = MappingProxyType({}),
    ) -> None:
        self._folders, self._given = folders, given
        self._opened: dict[tuple[str, str], File | None] = dict(opened)  # None for what was looked for in vain
        self._base_folder = ""  # whose names count: none, until names_beside is asked
        self._names_there: tuple[str, ...] = ()

    def open(self, folder: str, name: str) -> File | None:
        """The file of that name in a folder, or None."""
        if self._given is not None:
            return self._given.get(name)
        place = (f"{folder}/{name}", name)
        found = self._opened[place] = open_file(*place)
        return found

    def own_file(self, name: str) -> File:
        """The file of that name in the template's own folder. TemplateError where it is gone."""
        file = self.open(self._folders[0], name)
        if file is None:
            raise TemplateError("This file is gone; look its template up again.", file=f"{self._folders[0]}/{name}")
        return file

    def names_beside(self, folder: str, name: str) -> tuple[str, ...]:
        """The names in the folder of a file: a new one there, which may be a further language, counts as a change."""
        self._base_folder = f"{folder}/{name}".rpartition("/")[0]
        self._names_there = file_names(self._base_folder)
        return self._names_there

    def is_current(self) -> bool:
        """Whether all that was opened is still as it was."""
        for place, file in tuple(self._opened.items()):  # another thread may be adding to it
            if open_file(*place) is not file:
                return False
        return file_names(self._base_folder) is self._names_there

    def gather(self, edition: Edition) -> Bundle:
        """All that one language needs. TemplateError for what is missing, goes in a circle, or is too much in all."""
        found = {edition.file.name: edition.file}
        _refuse_size(found, edition.file)
        self._add_needs(edition.file, found, (edition.file.name,))
        return _bundle(edition, found)

    def _add_needs(self, file: File, found: dict[str, File], trail: tuple[str, ...]) -> None:
        for name, line in file.part.needs.items():
            if name in trail:
                raise TemplateError(f"{name!r} includes itself, by way of {' and '.join(trail)}.", file=str(file.path), line=line)
            if len(trail) > DEEPEST:
                raise TemplateError(f"Files include each other more than {DEEPEST} deep; include fewer.", file=str(file.path), line=line)
            if name not in found:
                found[name] = self._open_needed(name, file, line)
                _refuse_size(found, next(iter(found.values())))  # before it costs the time to compile it
                self._add_needs(found[name], found, (*trail, name))

    def _open_needed(self, name: str, by: File, line: int) -> File:
        if NEEDED_NAME.fullmatch(name):
            for folder in self._folders:
                if found := self.open(folder, name):
                    return found
        folders, there = " nor in ".join(self._folders), {n for folder in self._folders for n in _partials(folder)}
        said = f"It needs {name!r}, which is not in {folders}{did_you_mean(name, there)}; name a file from there, such as '_parts.j2'."
        raise TemplateError(said, file=str(by.path), line=line)


def _refuse_size(found: Mapping[str, File], file: File) -> None:
    size = sum(len(one.text.encode("utf-8", "surrogatepass")) for one in found.values())
    if size > LONGEST_FILE:
        said = f"With all that it includes it has {size:,} bytes or more; {LONGEST_FILE:,} at most."
        raise TemplateError(said, file=str(file.path))


def _partials(folder: str) -> list[str]:
    return [name for name in file_names(folder) if name.endswith(".j2")]
