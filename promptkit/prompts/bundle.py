"""The files that a template is rendered from: its own, all that these extend, include or import, and what it uses of its library's file.

A file that another names is looked for in the template's own folder, then among the built-in ones. All that was opened, or looked for in
vain, is remembered, so that a change on disk is seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from promptkit.errors import TemplateError, did_you_mean
from promptkit.prompts.declarations import Edition
from promptkit.prompts.library_file import LibraryFile, kept_library, open_library, whole_look, with_library
from promptkit.prompts.library_look import NAME, NO_LOOK, DeclaredPictures, LibraryPicture, Look
from promptkit.prompts.library_pictures import missing_picture, picture_in
from promptkit.prompts.names import NEEDED_NAME
from promptkit.prompts.source_file import LONGEST_FILE, File, file_names, open_file

if TYPE_CHECKING:
    from promptkit.images.picture import Picture
    from promptkit.prompts.sandbox import Part

__all__ = ["Bundle", "FileSearch"]

DEEPEST = 32  # files that include each other


@dataclass(frozen=True)
class Bundle:
    """What one language of a template is rendered from.

    `files` are those that take part, by name, the language's own first. `sources` are their texts and the base file's, with what is used of
    the library's file, and `digest` is the sha256 of `sources` as canonical JSON: lineage finds the same one for what it stores.
    `references` are the library's pictures that go along.
    """

    edition: Edition
    files: Mapping[str, File]
    sources: Mapping[str, str]
    digest: str
    parts: Mapping[str, Part]
    references: tuple[LibraryPicture, ...] = ()


def _bundle(edition: Edition, files: Mapping[str, File], references: tuple[LibraryPicture, ...]) -> Bundle:
    import hashlib  # loads OpenSSL, which a list of templates does not need

    sources = {file.name: file.text for file in (*files.values(), edition.base)}
    used = {*edition.inputs}.union(*(file.part.names for file in files.values()))
    if kept := edition.look.kept(used, references):
        sources[NAME] = kept
        _refuse_size(sources.values(), edition.file)
    canonical = json.dumps(sources, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return Bundle(edition, files, sources, digest, {file.name: file.part for file in files.values()}, references)


class FileSearch:
    """Opens the files of one template, in its folders; or only those of `given`, where it lies in no folder.

    `opened` are files that were opened already, by path and name; `pictures` are those that may go along where it lies in no folder, by
    their sha256.
    """

    def __init__(
        self,
        folders: tuple[str, ...],
        given: Mapping[str, File] | None = None,
        opened: Mapping[tuple[str, str], File] = MappingProxyType({}),
        pictures: Mapping[str, Picture] = MappingProxyType({}),
    ) -> None:
        self._folders, self._given, self._given_pictures = folders, given, pictures
        self._read_pictures: dict[str, tuple[DeclaredPictures, Path, Picture]] = {}  # by the path from the library's folder
        self._libraries: tuple[LibraryFile | None, ...] = ()  # one, once it was asked for
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
        return file_names(self._base_folder) is self._names_there and self._has_current_library()

    def with_library(self, edition: Edition) -> Edition:
        """The edition with what it takes of the file of the template's library, where there is one. TemplateError as for that file."""
        return with_library(edition, self._library()) if edition.takes else edition

    def _library(self) -> LibraryFile | None:
        """The library's file as it was when it was first asked for; None where there is none."""
        if not self._libraries:
            kept = (self._given or {}).get(NAME)
            folders = self._folders[:1] if self._given is None else ()
            self._libraries = (kept_library(kept.text, kept.path) if kept else open_library(folders[0]) if folders else None,)
        return self._libraries[0]

    def _has_current_library(self) -> bool:
        if self._given is not None or not self._folders or not self._libraries:
            return True
        folder, library = self._folders[0], self._libraries[0]
        try:
            read = tuple(self._read_pictures.items())  # another thread may be adding to it
            return open_library(folder) is library and all(picture_in(folder, f, by, at) is known for f, (by, at, known) in read)
        except TemplateError:
            return False

    def pictures(self, look: Look) -> tuple[LibraryPicture, ...]:
        """The library's pictures that go along. TemplateError for one that is not there."""
        found: list[LibraryPicture] = []
        for by in look.references.values():
            along = (self._picture(file, by, look.file) for file in by.files)
            kept = (self._given_pictures.get(sha256) or missing_picture(sha256) for sha256 in by.sha256)
            found += [LibraryPicture(by.name, by.description, picture) for picture in (*along, *kept)]
        return tuple(found)

    def whole_library(self) -> tuple[str, tuple[LibraryPicture, ...]]:
        """The library's file as JSON, for all languages, with its pictures, but for those that are not there; an empty text where it has
        none.
        """
        try:
            look = whole_look(library) if (library := self._library()) else NO_LOOK
        except TemplateError:  # which keeps no template from being used that takes nothing of it
            return "", ()
        found: dict[str, tuple[LibraryPicture, ...]] = {}
        for name, declared in look.references.items():
            with suppress(TemplateError):
                found[name] = self.pictures(replace(look, references={name: declared}))
        pictures = tuple(each for along in found.values() for each in along)
        return replace(look, references={name: look.references[name] for name in found}).kept(look.inputs, pictures), pictures

    def _picture(self, file: str, by: DeclaredPictures, library: Path) -> Picture:
        found = picture_in(self._folders[0], file, by, library)
        self._read_pictures[file] = (by, library, found)
        return found

    def gather(self, edition: Edition) -> Bundle:
        """All that one language needs. TemplateError for what is missing, goes in a circle, or is too much in all."""
        found = {edition.file.name: edition.file}
        _refuse_size(_texts(found), edition.file)
        self._add_needs(edition.file, found, (edition.file.name,))
        return _bundle(edition, found, self.pictures(edition.look))

    def _add_needs(self, file: File, found: dict[str, File], trail: tuple[str, ...]) -> None:
        for name, line in file.part.needs.items():
            if name in trail:
                raise TemplateError(f"{name!r} includes itself, by way of {' and '.join(trail)}.", file=str(file.path), line=line)
            if len(trail) > DEEPEST:
                raise TemplateError(f"Files include each other more than {DEEPEST} deep; include fewer.", file=str(file.path), line=line)
            if name not in found:
                found[name] = self._open_needed(name, file, line)
                _refuse_size(_texts(found), next(iter(found.values())))  # before it costs the time to compile it
                self._add_needs(found[name], found, (*trail, name))

    def _open_needed(self, name: str, by: File, line: int) -> File:
        if NEEDED_NAME.fullmatch(name):
            for folder in self._folders:
                if found := self.open(folder, name):
                    return found
        folders, there = " nor in ".join(self._folders), {n for folder in self._folders for n in _partials(folder)}
        said = f"It needs {name!r}, which is not in {folders}{did_you_mean(name, there)}; name a file from there, such as '_parts.j2'."
        raise TemplateError(said, file=str(by.path), line=line)


def _texts(found: Mapping[str, File]) -> list[str]:
    return [one.text for one in found.values()]


def _refuse_size(texts: Iterable[str], file: File) -> None:
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    if size > LONGEST_FILE:
        said = f"With all that it includes it has {size:,} bytes or more; {LONGEST_FILE:,} at most."
        raise TemplateError(said, file=str(file.path))


def _partials(folder: str) -> list[str]:
    return [name for name in file_names(folder) if name.endswith(".j2")]
