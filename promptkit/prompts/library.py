"""Libraries: templates found by name, in the folders of a caller, the user's own, the built-in ones and installed packs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from promptkit import config
from promptkit.errors import TemplateError, TemplateNotFound, brief_path, did_you_mean, listed, nearest
from promptkit.markup import table
from promptkit.prompts import packs
from promptkit.prompts.names import is_word
from promptkit.prompts.source_file import file_names
from promptkit.prompts.template import Template, open_template

__all__ = [
    "Library",
    "Shelf",
    "add_library",
    "all_shelves",
    "builtin_folder",
    "folder_library",
    "prefix_of",
    "shelves_of",
    "template_names",
    "templates",
]


@dataclass(frozen=True)
class Shelf:
    """A folder that a library looks in. A pack's has a name before the dot (`acme.`), and the distribution and version that brought it."""

    folder: str
    space: str = ""
    pack: tuple[str, str] | None = None

    def open(self, name: str) -> Template | None:
        """The template of that whole name, or None."""
        if not name.startswith(self.space):
            return None
        return open_template(self.folder, name.removeprefix(self.space), space=self.space, pack=self.pack, builtin=builtin_folder())

    def has(self, name: str) -> bool:
        """Whether a template of that whole name is there, readable or not."""
        stem = name.removeprefix(self.space).replace(".", "/")
        return name.startswith(self.space) and os.path.isfile(f"{self.folder}/{stem}.j2")  # noqa: PTH113

    def names(self, below: str = "") -> Iterator[str]:
        """The whole names of its templates that begin so, in no order; `below` ends with a dot, or is empty."""
        for at, folders, files in self._walk(below):
            folders[:] = [folder for folder in folders if is_word(folder)]
            prefix = self.space + "".join(f"{word}." for word in Path(at).relative_to(self.folder).parts)
            yield from (prefix + file.removesuffix(".j2") for file in files if file.endswith(".j2") and is_word(file.removesuffix(".j2")))

    def files(self, below: str = "") -> Iterator[tuple[Path, str]]:
        """Each path that ends in .j2, whether or not it can be a template, and its name from the folder, sorted; `below` as for names."""
        for at, folders, files in self._walk(below):
            folders[:] = sorted(folder for folder in folders if not folder.startswith((".", "__pycache__")))
            for name in sorted((*folders, *files)):
                if name.endswith(".j2") and not name.startswith("."):
                    path = Path(at, name)
                    yield path, path.relative_to(self.folder).as_posix()

    def _walk(self, below: str) -> Iterator[tuple[str, list[str], list[str]]]:
        if below.startswith(self.space) or self.space.startswith(below):
            inner = below.removeprefix(self.space) if below.startswith(self.space) else ""
            yield from os.walk(os.path.join(self.folder, *inner.split(".")))  # noqa: PTH118


class Library:
    """Templates by name: `library.sticker`, `library.edit.add`, `library["edit.add"]`; iterating gives Templates.

    The folders given are searched first, the first of them first, then the built-in ones. A changed file is seen at the next access.
    It has no public method, so that any name is free for a template. TemplateNotFound, an AttributeError, where there is none.
    """

    def __init__(self, *folders: str | os.PathLike[str], builtin: bool = True) -> None:
        fixed = tuple(Shelf(_existing(folder)) for folder in folders)
        self._shelves: Callable[[], tuple[Shelf, ...]] = lambda: (*fixed, Shelf(builtin_folder())) if builtin else fixed
        self._packs: Callable[[], tuple[Shelf, ...]] = tuple
        self._prefix = ""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Any:
        found = self._find(name)
        if found is None:
            known, whole = template_names(self), f"{self._prefix}{name}"
            message = f"There is no template {whole!r}{_hint(self, str(name), known)}; known are {listed(known) or 'none'}."
            raise TemplateNotFound(message, name=str(name), near=nearest(str(name), known))
        return found

    def _find(self, name: object) -> Template | Library | None:
        if not isinstance(name, str) or not _is_name(name):
            return None
        whole = self._prefix + name
        return _find_on(self._shelves(), self, whole) or _find_on(self._packs(), self, whole)

    def _within(self, prefix: str) -> Library:
        space = Library(builtin=False)
        space._shelves, space._packs, space._prefix = self._shelves, self._packs, prefix
        return space

    def __contains__(self, name: object) -> bool:
        return self._find(name.name if isinstance(name, Template) else name) is not None

    def __iter__(self) -> Iterator[Template]:
        return (self[name] for name in template_names(self))

    def __len__(self) -> int:
        return len(template_names(self))

    def __dir__(self) -> list[str]:
        return sorted({name.partition(".")[0] for name in template_names(self)})

    def _ipython_key_completions_(self) -> list[str]:
        return template_names(self)

    def __repr__(self) -> str:
        return f"<Library of {len(self)} template{'' if len(self) == 1 else 's'}: {', '.join(template_names(self))}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002  (IPython's names)
        rows = []
        for name in template_names(self):
            try:
                rows.append(_row(self[name]))
            except TemplateError as error:  # one bad file does not hide the others
                rows.append((self._prefix + name, "", str(error)))
        return {"text/plain": repr(self), "text/html": table(rows, ("template", "kind", "what it makes", "inputs", "languages"))}


def _find_on(shelves: tuple[Shelf, ...], library: Library, whole: str) -> Template | Library | None:
    for shelf in shelves:
        if template := shelf.open(whole):
            return template
    below = f"{whole}."
    has_some = any(True for shelf in shelves for _ in shelf.names(below))
    return library._within(below) if has_some else None


def _hint(library: Library, name: str, known: list[str]) -> str:
    """The nearest known name, or a file that would be found if its name were spelled as names of templates are."""
    plain = _spelled(name)
    for shelf in library._shelves():
        for file in file_names(shelf.folder):
            if file.endswith(".j2") and _spelled(file.removesuffix(".j2")) == plain and file != f"{plain}.j2":
                return f" (there is {file} in {brief_path(Path(shelf.folder))}; rename it to {plain}.j2)"
    return f" (did you mean {plain!r}?)" if plain != name and plain in known else did_you_mean(plain, known)


def _spelled(name: str) -> str:
    return name.replace("-", "_").replace(" ", "_").lower()


def _row(template: Template) -> tuple[str, ...]:
    inputs = ", ".join(i.name if i.required else f"{i.name}?" for i in template.inputs.values())
    return template.name, template.kind, template.description, inputs, ", ".join(template.languages)


@lru_cache(maxsize=1024)
def _is_name(name: str) -> bool:
    return all(map(is_word, name.split(".")))


# About libraries: functions, because any attribute of a Library is a template's


def all_shelves(library: Library) -> tuple[Shelf, ...]:
    """All folders that a library looks in, the one that is used first first; installed packs come last."""
    return (*library._shelves(), *library._packs())


def prefix_of(library: Library) -> str:
    """What the whole names of its templates begin with: "edit." for `library.edit`, nothing for a library itself."""
    return library._prefix


def template_names(library: Library) -> list[str]:
    """The names of all its templates, sorted, as they are written behind it."""
    names = {name for shelf in all_shelves(library) for name in shelf.names(library._prefix)}
    return sorted(name.removeprefix(library._prefix) for name in names)


def shelves_of(library: Library, name: str) -> list[Shelf]:
    """Where a template of that name stands, the one that is used first: it hides the others."""
    return [shelf for shelf in all_shelves(library) if shelf.has(library._prefix + name)]


def folder_library(folder: str | os.PathLike[str]) -> Library:
    """The templates of one folder alone; their partials may be built-in ones all the same. TemplateError where there is no such folder."""
    return Library(folder, builtin=False)


def _existing(folder: str | os.PathLike[str]) -> str:
    named = os.fspath(folder) if isinstance(folder, str | os.PathLike) else folder
    if not isinstance(named, str):
        raise TemplateError(f"A folder of templates is a path, not {named!r:.60}.")
    try:
        path = os.path.abspath(os.path.expanduser(named))  # noqa: PTH100, PTH111  (a Path costs more than the call)
        is_there = os.path.isdir(path)  # noqa: PTH112
    except OSError:  # a relative path, in a working folder that is gone
        path, is_there = named, False
    if not is_there:
        raise TemplateError(f"There is no folder {path}; name one that holds templates.")
    return path


@lru_cache(maxsize=1)
def builtin_folder() -> str:
    """Where the templates that come along are."""
    package = Path(__file__).parents[1]
    shipped = package / "_templates"  # in a wheel; in a checkout they stand beside the package
    return str(shipped if shipped.is_dir() else package.parent / "templates")


# The default library

_added: list[str] = []


def add_library(folder: str | os.PathLike[str]) -> None:
    """Adds a folder to the default Library, before all others. TemplateError where there is no such folder."""
    path = _existing(folder)
    _added[:] = [path, *(other for other in _added if other != path)]


def _search_path() -> tuple[Shelf, ...]:
    return _shelves(tuple(_added), config.template_folders())


@lru_cache(maxsize=16)
def _shelves(added: tuple[str, ...], own: tuple[str, ...]) -> tuple[Shelf, ...]:
    return tuple(map(Shelf, (*added, *own, builtin_folder())))


def _installed() -> tuple[Shelf, ...]:
    return tuple(Shelf(pack.folder, f"{pack.name}.", (pack.distribution, pack.version)) for pack in packs.installed_packs())


templates = Library()
templates._shelves, templates._packs = _search_path, _installed
