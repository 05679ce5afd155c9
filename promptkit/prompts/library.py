"""Libraries: templates found by name, in folders that a caller names, in the user's own, the built-in ones and those of installed packs."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from promptkit import config
from promptkit.errors import TemplateError, TemplateNotFound, brief_path, did_you_mean, listed, nearest
from promptkit.markup import Html, escape, mime_bundle, table
from promptkit.prompts import packs
from promptkit.prompts.names import is_word, meant_name
from promptkit.prompts.source_file import file_names
from promptkit.prompts.template import Template, open_template

__all__ = [
    "MOST_SHOWN",
    "Library",
    "TemplateFolder",
    "add_library",
    "builtin_folder",
    "folder_library",
    "folders_of",
    "folders_with",
    "near_misses",
    "no_templates",
    "prefix_of",
    "template_names",
    "templates",
]

MOST_SHOWN = 60  # templates of a library that is looked at; the others are counted
LONGEST_CELL = 200  # characters in its table


@dataclass(frozen=True)
class TemplateFolder:
    """A folder in which a library looks for templates.

    A pack's folder has a namespace (`acme.`), with which the names of its templates begin, and the distribution and version of the pack.
    """

    path: str
    namespace: str = ""
    pack: tuple[str, str] | None = None

    def open(self, name: str) -> Template | None:
        """The template of that whole name, or None."""
        if not name.startswith(self.namespace):
            return None
        inner = name.removeprefix(self.namespace)
        return open_template(self.path, inner, namespace=self.namespace, pack=self.pack, builtin=builtin_folder())

    def has(self, name: str) -> bool:
        """Whether a template of that whole name is there, readable or not."""
        stem = name.removeprefix(self.namespace).replace(".", "/")
        return name.startswith(self.namespace) and os.path.isfile(f"{self.path}/{stem}.j2")  # noqa: PTH113

    def names(self, below: str = "") -> Iterator[str]:
        """The whole names of its templates that begin so, in no order; `below` ends with a dot, or is empty."""
        for at, folders, files in self._walk(below):
            folders[:] = [folder for folder in folders if is_word(folder)]
            prefix = self.namespace + "".join(f"{word}." for word in Path(at).relative_to(self.path).parts)
            yield from (prefix + file.removesuffix(".j2") for file in files if file.endswith(".j2") and is_word(file.removesuffix(".j2")))

    def files(self, below: str = "") -> Iterator[tuple[Path, str]]:
        """Each path that ends in .j2, whether or not it can be a template, and its name from the folder, sorted; `below` as for names."""
        for at, folders, files in self._walk(below):
            folders[:] = sorted(folder for folder in folders if not folder.startswith((".", "__pycache__")))
            for name in sorted((*folders, *files)):
                if name.endswith(".j2") and not name.startswith("."):
                    path = Path(at, name)
                    yield path, path.relative_to(self.path).as_posix()

    def near_misses(self, below: str = "") -> Iterator[tuple[Path, str]]:
        """Each file that looks like a template and is none, and the name that would make it one; `below` as for names."""
        for at, folders, files in self._walk(below):
            folders[:] = sorted(folder for folder in folders if not folder.startswith((".", "__pycache__")))
            yield from ((Path(at, name), meant) for name in sorted(files) if (meant := meant_name(name)))

    def _walk(self, below: str) -> Iterator[tuple[str, list[str], list[str]]]:
        if below.startswith(self.namespace) or self.namespace.startswith(below):
            inner = below.removeprefix(self.namespace) if below.startswith(self.namespace) else ""
            yield from os.walk(os.path.join(self.path, *inner.split(".")))  # noqa: PTH118


class Library:
    """Templates by name: `library.sticker`, `library.edit.add`, `library["edit.add"]`; iterating gives Templates.

    The folders given are searched first, the first of them first, then the built-in ones. A changed file is seen at the next access.
    It has no public method, so that any name is free for a template. TemplateNotFound, an AttributeError, where there is none.
    """

    def __init__(self, *folders: str | os.PathLike[str], builtin: bool = True) -> None:
        given = tuple(TemplateFolder(_existing(folder)) for folder in folders)
        fixed = (*given, TemplateFolder(builtin_folder())) if builtin else given
        # functions, because the default library's folders change while people hold it
        self._own_folders: Callable[[], tuple[TemplateFolder, ...]] = lambda: fixed
        self._pack_folders: Callable[[], tuple[TemplateFolder, ...]] = tuple
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
        return _find_in(self._own_folders(), self, whole) or _find_in(self._pack_folders(), self, whole)

    def _below(self, prefix: str) -> Library:
        """The templates whose names begin so, as a library of their own: `templates.edit`."""
        found = Library(builtin=False)
        found._own_folders, found._pack_folders, found._prefix = self._own_folders, self._pack_folders, prefix
        return found

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
        return _named(template_names(self))

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, Any]:
        names = template_names(self)
        rows = table(map(self._row, names[:MOST_SHOWN]), ("template", "kind", "what it makes", "inputs", "languages"))
        return mime_bundle(_named(names), rows + _more(names), include, exclude)

    def _row(self, name: str) -> tuple[str, ...]:
        try:
            return tuple(map(_cell, _row(self[name])))
        except TemplateError as error:  # one bad file does not hide the others
            return self._prefix + name, "", _cell(str(error))


def _named(names: list[str]) -> str:
    """The repr of a library: how many templates it has, and the first of their names."""
    more = [f"and {len(names) - MOST_SHOWN:,} more"] if len(names) > MOST_SHOWN else []
    return f"<Library of {len(names):,} template{'' if len(names) == 1 else 's'}: {', '.join([*names[:MOST_SHOWN], *more])}>"


def _more(names: list[str]) -> Html:
    """What stands below a table that does not show all templates."""
    if len(names) <= MOST_SHOWN:
        return Html("")
    said = f"{MOST_SHOWN} of {len(names):,} templates; library[{names[MOST_SHOWN]!r}] shows another one, and list(library) gives all."
    return Html(f"<div>{escape(said)}</div>")


def _cell(text: str) -> str:
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"


def _find_in(folders: tuple[TemplateFolder, ...], library: Library, whole: str) -> Template | Library | None:
    for folder in folders:
        if template := folder.open(whole):
            return template
    below = f"{whole}."
    has_some = any(True for folder in folders for _ in folder.names(below))
    return library._below(below) if has_some else None


def _hint(library: Library, name: str, known: list[str]) -> str:
    """The nearest known name, or a file that would be found if its name were spelled as names of templates are."""
    *spaces, word = name.split(".")
    plain = _spelled(name)
    for folder in library._own_folders():
        for file in file_names("/".join((folder.path, *library._prefix.split(".")[:-1], *spaces))):
            stem = (meant_name(file) or file).removesuffix(".j2")
            if stem != file and _spelled(stem) == _spelled(word) and file != f"{_spelled(word)}.j2":
                return f" (there is {file} in {brief_path(Path(folder.path, *spaces))}; rename it to {_spelled(word)}.j2)"
    return f" (did you mean {plain!r}?)" if plain != name and plain in known else did_you_mean(plain, known)


def _spelled(name: str) -> str:
    return name.replace("-", "_").replace(" ", "_").lower()


def _row(template: Template) -> tuple[str, ...]:
    inputs = ", ".join(i.name if i.required else f"{i.name}?" for i in template.inputs.values())
    deprecated = f" (deprecated: {template.deprecated})" if template.deprecated else ""
    return template.name, template.kind, template.description + deprecated, inputs, ", ".join(template.languages)


@lru_cache(maxsize=1024)
def _is_name(name: str) -> bool:
    return all(map(is_word, name.split(".")))


# About libraries: functions, because any attribute of a Library is a template's


def folders_of(library: Library) -> tuple[TemplateFolder, ...]:
    """All folders in which a library looks, in the order in which it does; those of installed packs come last."""
    return (*library._own_folders(), *library._pack_folders())


def prefix_of(library: Library) -> str:
    """What the whole names of its templates begin with: "edit." for `library.edit`, nothing for a library itself."""
    return library._prefix


def near_misses(library: Library) -> list[tuple[Path, str]]:
    """The files in a library's own folders that look like templates and are none, each with the name that would make it one."""
    return [found for folder in library._own_folders() if folder.path != builtin_folder() for found in folder.near_misses(library._prefix)]


def no_templates(library: Library) -> str:
    """One sentence on a library that holds no file of a template."""
    where = " or ".join(brief_path(Path(folder.path)) for folder in folders_of(library)) or "a library without folders"
    misses = [f"{path.name} looks like one: name it {meant}" for path, meant in near_misses(library)[:5]]
    advice = "; ".join(misses) or "`promptkit templates new NAME FOLDER` writes one to start from"
    return f"There is no template in {where}, as no file there ends in .j2; {advice}."


def template_names(library: Library) -> list[str]:
    """The names of all its templates, sorted, as they are written behind it."""
    names = {name for folder in folders_of(library) for name in folder.names(library._prefix)}
    return sorted(name.removeprefix(library._prefix) for name in names)


def folders_with(library: Library, name: str) -> list[TemplateFolder]:
    """The folders that have a template of that name; the first one's is used, and hides the others."""
    return [folder for folder in folders_of(library) if folder.has(library._prefix + name)]


def folder_library(folder: str | os.PathLike[str]) -> Library:
    """The templates of one folder alone; their partials may be built-in ones all the same. TemplateError where there is no such folder."""
    return Library(folder, builtin=False)


def _existing(folder: str | os.PathLike[str]) -> str:
    named = os.fspath(folder) if isinstance(folder, str | os.PathLike) else folder
    if not isinstance(named, str):
        raise TemplateError(f"A folder of templates is a path, not {named!r:.60}.")
    try:
        path = os.path.abspath(os.path.expanduser(named))  # noqa: PTH100, PTH111  (a Path costs more than the call)
        if not (is_there := os.path.isdir(path)):  # noqa: PTH112
            path = str(config.as_spelled(Path(path)))
            is_there = os.path.isdir(path)  # noqa: PTH112
    except OSError:  # a relative path, in a working folder that is gone
        path, is_there = named, False
    if not is_there:
        raise TemplateError(f"There is no folder {path}; name one that holds templates.")
    return path


@lru_cache(maxsize=1)
def builtin_folder() -> str:
    """The folder of the built-in templates."""
    package = Path(__file__).parents[1]
    shipped = package / "_templates"  # in a wheel; in a checkout they stand beside the package
    return str(shipped if shipped.is_dir() else package.parent / "templates")


# The default library

_added: list[str] = []


def add_library(folder: str | os.PathLike[str]) -> None:
    """Adds a folder to the default Library, before all others. TemplateError where there is no such folder."""
    path = _existing(folder)
    _added[:] = [path, *(other for other in _added if other != path)]


def _search_path() -> tuple[TemplateFolder, ...]:
    return _default_folders(tuple(_added), config.template_folders())


@lru_cache(maxsize=16)
def _default_folders(added: tuple[str, ...], own: tuple[str, ...]) -> tuple[TemplateFolder, ...]:
    return tuple(map(TemplateFolder, (*added, *own, builtin_folder())))


def _installed() -> tuple[TemplateFolder, ...]:
    return tuple(TemplateFolder(pack.folder, f"{pack.name}.", (pack.distribution, pack.version)) for pack in packs.installed_packs())


templates = Library(builtin=False)
templates._own_folders, templates._pack_folders = _search_path, _installed
