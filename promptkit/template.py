"""Templates, the prompts that they render, and the libraries that find them.

A template is one UTF-8 file, `name.j2`: YAML front matter between `---` lines, then a Jinja body. `name.LANG.j2` beside it says the same
in another language; a name with a leading underscore is a partial, which others include. jinja2 (in promptkit.closed) and yaml (in
promptkit.frontmatter) are loaded by the first template that is rendered or read, not by this module.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptkit import settings
from promptkit.errors import InputError, TemplateError, TemplateNotFound, brief_path, did_you_mean, nearest, warn
from promptkit.frontmatter import (
    LANGUAGE,
    LONGEST_FILE,
    Edition,
    File,
    Input,
    find_language,
    is_word,
    language_of,
    open_file,
    read_edition,
    shown,
)
from promptkit.markup import Html, card, escape, table

if TYPE_CHECKING:
    from promptkit.closed import Part

__all__ = ["Input", "Library", "Prompt", "Template", "add_library", "templates"]

FILE_NAME = re.compile(rf"(?P<name>_?[a-z][a-z0-9_]*)(?:\.(?P<lang>{LANGUAGE.pattern}))?\.j2")
NEEDED_NAME = re.compile(rf"(?:_?[a-z][a-z0-9_]*/)*{FILE_NAME.pattern}")


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
    return Html(f'<pre style="white-space:pre-wrap;overflow-wrap:break-word;word-break:normal">{escape(text)}</pre>')


# Template


@dataclass(frozen=True)
class _Bundle:
    """The files that one rendering comes from, by name, and the sha256 of that mapping as canonical JSON."""

    sources: Mapping[str, str]
    digest: str
    parts: Mapping[str, Part]


@lru_cache(maxsize=1024)
def _bundle(rendered: tuple[File, ...], base: File) -> _Bundle:
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
    _files: Mapping[str, File]
    _folders: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "__doc__", self._help())  # what help() and Shift-Tab show

    @property
    def digest(self) -> str:
        """64 hex digits that change when the base file, or what it extends, includes or imports, changes."""
        return self._gather(self._files[self.lang]).digest

    def __call__(self, *unnamed: object, lang: str | None = None, **inputs: Any) -> Prompt:
        """The prompt, in the language asked for. InputError names all that is wrong with the inputs, which are given by name."""
        from promptkit import closed

        if unnamed:
            example = f"{self.name}({next(iter(self.inputs), 'lang')}={unnamed[0]!r:.60})"
            raise InputError(f"Inputs are given by name, such as {example}.", problems=["an input without a name"], file=str(self.file))

        edition = self._in_language(lang or settings.language())
        recorded, values = edition.accept(inputs)
        bundle = self._gather(edition.file)
        text = closed.render(edition.file.name, bundle.parts, values)
        sources, config = dict(bundle.sources), dict(edition.config)
        return Prompt(text, self.name, edition.kind, bundle.digest, recorded, edition.lang, config, self.pack, sources)

    def _in_language(self, wanted: str) -> Edition:
        if not isinstance(wanted, str):
            raise InputError(f"lang is {shown(wanted)}; expected a tag such as 'zh-CN'.", problems=["lang"], file=str(self.file))
        found = find_language(wanted, self.languages)
        if found is None:
            _warn_once(self.name, wanted, self.languages)
        return read_edition(self._files[self.lang], self._files[found or self.lang])

    def _gather(self, file: File) -> _Bundle:
        found = {file.name: file}
        self._add_needs(file, found, (file.name,))
        return _bundle(tuple(found.values()), self._files[self.lang])

    def _add_needs(self, file: File, found: dict[str, File], trail: tuple[str, ...]) -> None:
        for name in file.part.needs:
            if name in trail:
                raise TemplateError(f"{name!r} includes itself, by way of {' and '.join(trail)}.", file=str(file.path))
            if name not in found:
                found[name] = self._open_needed(name, file)
                self._add_needs(found[name], found, (*trail, name))

    def _open_needed(self, name: str, by: File) -> File:
        if NEEDED_NAME.fullmatch(name):
            for folder in self._folders:
                if found := open_file(f"{folder}/{name}", name):
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
        return f"<Template {self.name} in {brief_path(self.file)}>"

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
        warn(message)


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
    return all(map(is_word, name.split(".")))


def _open_template(folder: str, stem: str) -> Template | None:
    base = open_file(f"{folder}/{stem}.j2", f"{stem}.j2")
    if base is None:
        return None
    space = stem.rpartition("/")[0]
    names = [f"{space}/{file}" if space else file for file in _language_files(folder, stem)]
    others = tuple(file for name in names if (file := open_file(f"{folder}/{name}", name)))
    return _template(stem.replace("/", "."), base, others, tuple(dict.fromkeys((folder, _builtin_folder()))))


@lru_cache(maxsize=1024)
def _template(name: str, base: File, others: tuple[File, ...], folders: tuple[str, ...]) -> Template:
    e = read_edition(base, base)
    files = {e.lang: base} | {language_of(file.name): file for file in others}
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
        spaces[:] = [space for space in spaces if is_word(space)]
        prefix = "".join(f"{word}." for word in Path(at).relative_to(folder).parts)
        yield from (prefix + file.removesuffix(".j2") for file in files if file.endswith(".j2") and is_word(file.removesuffix(".j2")))


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
