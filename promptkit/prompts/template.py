"""Templates, and the prompts that they render.

A template is one UTF-8 file, `name.j2`: YAML front matter between `---` lines, then a Jinja body. `name.LANG.j2` beside it says the same
in another language; a name with a leading underscore is a partial, which others include. jinja2 (in sandbox) and yaml (in
strict_yaml) are loaded by the first template that is rendered or read, not by this module.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptkit import config as settings
from promptkit.errors import InputError, TemplateError, brief_path, did_you_mean, warn
from promptkit.markup import Html, card, escape, table
from promptkit.prompts.declarations import LANGUAGE, Edition, Input, Pictures, find_language, is_word, read_edition, shown
from promptkit.prompts.source_file import LONGEST_FILE, File, file_names, make_file, open_file

if TYPE_CHECKING:
    from promptkit.prompts.sandbox import Part

__all__ = ["FILE_NAME", "Input", "Pictures", "Prompt", "Template", "open_template"]

FILE_NAME = re.compile(rf"(?P<name>_?[a-z][a-z0-9_]*)(?:\.(?P<lang>{LANGUAGE.pattern}))?\.j2")
DEEPEST = 32  # files that include each other
NEEDED_NAME = re.compile(rf"(?:_?[a-z][a-z0-9_]*/)*{FILE_NAME.pattern}")


# Prompt


@dataclass(frozen=True)
class Prompt:
    """The text that a template rendered, and where it came from. `str(prompt)` is the text.

    `inputs` are those given, not the defaults, by their keys for choices; `config` holds hints such as {"aspect_ratio": "1:1"};
    `files` maps the names of the template's files to their text, and `digest` is the sha256 of that mapping as canonical JSON. `pack` is
    the distribution and version that the template was installed with, `pictures` how many pictures the prompt goes with.
    """

    text: str
    template: str | None = None
    kind: str | None = None
    digest: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict, hash=False)
    lang: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict, hash=False)
    pack: tuple[str, str] | None = None
    pictures: Pictures | None = None
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
    """What one language is rendered from: its words, the files by name, and the sha256 of those files as canonical JSON."""

    edition: Edition
    sources: Mapping[str, str]
    digest: str
    parts: Mapping[str, Part]


def _bundle(edition: Edition, rendered: Mapping[str, File]) -> _Bundle:
    sources = {file.name: file.text for file in (*rendered.values(), edition.base)}
    canonical = json.dumps(sources, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    import hashlib  # loads OpenSSL, which a list of templates needs not

    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return _Bundle(edition, sources, digest, {file.name: file.part for file in rendered.values()})


@dataclass(frozen=True, eq=False, repr=False)
class Template:
    """A template, ready to be called with its inputs by name: `templates.sticker(subject="happy bear")` is a Prompt.

    It is the file as it was when the library was asked for it; its partials and other languages are as they were when it first rendered.
    `kind` is "generate" or "edit", `lang` the language of the base file,
    `languages` are all that there are files for, the base file's first. `pictures` says how many it needs, `config` holds hints for the
    request, `source` is the base file's text with plain line ends, `pack` the distribution and version that it was installed with, or None.
    """

    name: str
    description: str
    kind: str
    lang: str
    languages: tuple[str, ...]
    inputs: Mapping[str, Input]
    pictures: Pictures
    config: Mapping[str, Any]
    examples: tuple[Mapping[str, Any], ...]
    source: str
    file: Path
    pack: tuple[str, str] | None
    _base: File
    _folders: tuple[str, ...]
    _at: str = ""  # its own folder,
    _beside: tuple[str, ...] = ()  # and the names in it
    _looked: dict[tuple[str, str], File | None] = field(default_factory=dict)  # all files that it is made of, or looked for in vain
    _bundles: dict[str, _Bundle] = field(default_factory=dict)
    _files: Mapping[str, File] | None = None  # what it is made of, where it lies in no folder

    def __post_init__(self) -> None:
        def call(**inputs: Any) -> Prompt:
            return Template.__call__(self, **inputs)

        # what help(), Shift-Tab and editors show: they look at the instance, and at what its __call__ says of itself
        call.__doc__ = self._help()
        call.__signature__ = self.__signature__  # type: ignore[attr-defined]
        object.__setattr__(self, "__doc__", call.__doc__)
        object.__setattr__(self, "__call__", call)

    @classmethod
    def from_brackets(cls, pattern: str, *, kind: str = "generate", name: str = "from_brackets") -> Template:
        """A template of the pattern that guides print: "A [style] sticker of a [subject]". TemplateError for what is no such pattern.

        Inputs are named after the brackets ("brand/concept" → concept, "text to render" → text), and "a [x]" takes the article that fits.
        """
        if not isinstance(name, str) or not is_word(name):
            raise TemplateError(f"{shown(name)} cannot name a template: small letters, digits and _, no word of Python.")
        from promptkit.prompts.brackets import from_brackets

        source = from_brackets(pattern, kind=kind)
        made = _template(name, make_file(f"{name}.j2", Path(f"{name}.j2"), source.encode()), (), ())
        made._in_language(made.lang)  # what is too long for a template says so at once
        return made

    @classmethod
    def of_files(cls, name: str, files: Mapping[str, str], *, base: str, pack: tuple[str, str] | None = None) -> Template:
        """A template made of sources by their names, as a Prompt has them, of which `base` is its own; it looks for nothing on disk."""
        opened = {n: make_file(n, Path(n), text.encode("utf-8", "replace")) for n, text in files.items()}
        folder = base.rpartition("/")[0]
        beside = tuple(n.rpartition("/")[2] for n in files if n.rpartition("/")[0] == folder)
        return replace(_template(name, opened[base], (".",), beside, pack=pack), _files=opened)

    @property
    def digest(self) -> str:
        """64 hex digits that change when the base file, or what it extends, includes or imports, changes."""
        return self._in_language(self.lang).digest

    def __call__(self, *unnamed: object, lang: str | None = None, **inputs: Any) -> Prompt:
        """The prompt, in the language asked for. InputError names all that is wrong with the inputs, which are given by name."""
        from promptkit.prompts import sandbox as closed

        if unnamed:
            example = f"{self.name}({next(iter(self.inputs), 'lang')}={unnamed[0]!r:.60})"
            raise InputError(f"Inputs are given by name, such as {example}.", problems=["an input without a name"], file=str(self.file))

        bundle = self._in_language(lang or settings.language())
        edition = bundle.edition
        recorded, values = edition.accept(inputs)
        text = closed.render(edition.file.name, bundle.parts, values)
        sources, config = dict(bundle.sources), dict(edition.config)
        about = (edition.kind, bundle.digest, recorded, edition.lang, config, self.pack, edition.pictures, sources)
        return Prompt(text, self.name, *about)

    def _in_language(self, wanted: str) -> _Bundle:
        if not isinstance(wanted, str):
            raise InputError(f"lang is {shown(wanted)}; expected a tag such as 'zh-CN'.", problems=["lang"], file=str(self.file))
        found = find_language(wanted, self.languages)
        if found is None:
            found = "en" if "en" in self.languages else self.lang
            _warn_once(self.name, wanted, found, self.languages)
        known = self._bundles.get(found)
        if known is None:
            known = self._bundles[found] = self._gather(read_edition(self._base, self._edition_file(found)))
        return known

    def _edition_file(self, lang: str) -> File:
        if lang == self.lang:
            return self._base
        name = f"{self._base.name.removesuffix('.j2')}.{lang}.j2"
        file = self._open(f"{self._folders[0]}/{name}", name)
        if file is None:
            raise TemplateError("This file is gone; look its template up again.", file=f"{self._folders[0]}/{name}")
        return file

    def _open(self, path: str, name: str) -> File | None:
        if self._files is not None:
            return self._files.get(name)
        found = self._looked[path, name] = open_file(path, name)
        return found

    def _refuse_size(self, found: Mapping[str, File], file: File) -> None:
        size = sum(len(one.text.encode("utf-8", "surrogatepass")) for one in found.values())
        if size > LONGEST_FILE:
            said = f"With all that it includes it has {size:,} bytes or more; {LONGEST_FILE:,} at most."
            raise TemplateError(said, file=str(file.path))

    def _gather(self, edition: Edition) -> _Bundle:
        found = {edition.file.name: edition.file}
        self._refuse_size(found, edition.file)
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
                self._refuse_size(found, next(iter(found.values())))  # before it costs the time to compile it
                self._add_needs(found[name], found, (*trail, name))

    def _open_needed(self, name: str, by: File, line: int) -> File:
        if NEEDED_NAME.fullmatch(name):
            for folder in self._folders:
                if found := self._open(f"{folder}/{name}", name):
                    return found
        places, there = " nor in ".join(self._folders), {n for folder in self._folders for n in _partials(folder)}
        said = f"It needs {name!r}, which is not in {places}{did_you_mean(name, there)}; name a file from there, such as '_parts.j2'."
        raise TemplateError(said, file=str(by.path), line=line)

    def _is_current(self) -> bool:
        """Whether all files that it has looked at are as they were."""
        for place, file in tuple(self._looked.items()):  # another thread may be adding to it
            if open_file(*place) is not file:
                return False
        return file_names(self._at) is self._beside

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
        needed = ["", f"It {self.pictures._said()}."] if self.pictures.min or self.pictures.roles else []
        return "\n".join([self.description or self.name, *needed, "", "Inputs:", *about, languages])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002  (IPython's names)
        takes = f" It {self.pictures._said()}." if self.pictures.min or self.pictures.roles else ""
        note = f"{self.description} ({self.kind}; {', '.join(self.languages)}).{takes}"
        inputs = table([(i.name, i._terms(), i._about()) for i in self.inputs.values()], ("input", "type", "what it is"))
        example = self._example()
        about = card(self.name, Html(f"<div>{escape(note)}</div>"), inputs, *([_block(example)] if example else []))
        return {"text/plain": f"{self.name}: {self._help()}", "text/html": about}


    def _example(self) -> str | None:
        """The first example as its prompt, or as what is wrong with it; without one, what the examples of the inputs make."""
        own = {i.name: i.example for i in self.inputs.values() if i.required}
        example = self.examples[0]["inputs"] if self.examples else own
        if None in example.values():
            return None
        try:
            return str(self(lang=self.lang, **example))
        except TemplateError as error:
            return str(error)


_warned: set[tuple[str, str]] = set()


def _warn_once(name: str, wanted: str, found: str, languages: tuple[str, ...]) -> None:
    if (name, wanted) not in _warned:
        _warned.add((name, wanted))
        known = ", ".join(languages)
        warn(f"The template {name!r} is not written in {wanted!r}; it is rendered in {found!r} (there are: {known}).")


# From the disk


_known: dict[tuple[str, str, str], Template] = {}


def open_template(folder: str, name: str, *, space: str = "", pack: tuple[str, str] | None = None, builtin: str = "") -> Template | None:
    """The template of that name in a folder, as it is now, or None; its partials are looked for there, then among the built-in ones."""
    known = _known.get((folder, space, name))
    if known is not None and known._is_current():
        return known
    stem = name.replace(".", "/")
    place = (f"{folder}/{stem}.j2", f"{stem}.j2")
    base = open_file(*place)
    if base is None:
        return None
    at = place[0].rpartition("/")[0]
    found = _known[folder, space, name] = _template(space + name, base, (folder, builtin), file_names(at), at, pack)
    found._looked[place] = base
    return found


def _template(
    name: str, base: File, folders: tuple[str, ...], beside: tuple[str, ...], at: str = "", pack: tuple[str, str] | None = None
) -> Template:
    e = read_edition(base, base)
    if not base.text.strip():
        raise TemplateError("The file is empty; write its prompt.", file=str(base.path))
    stem = base.name.removesuffix(".j2").rpartition("/")[2]
    others = _languages_beside(beside).get(stem, [])
    if e.lang in others:
        same = str(base.path.with_suffix(f".{e.lang}.j2"))
        raise TemplateError(f"This file says the same language, {e.lang!r}, as {base.name}; remove one.", file=same)
    about = (name, e.description, e.kind, e.lang, (e.lang, *others), e.inputs, e.pictures, e.config, e.examples)
    folders = tuple(dict.fromkeys(filter(None, folders)))
    return Template(*about, source=base.text, file=base.path, pack=pack, _base=base, _folders=folders, _at=at, _beside=beside)


@lru_cache(maxsize=64)
def _languages_beside(names: tuple[str, ...]) -> Mapping[str, list[str]]:
    """The languages of each template in a folder, by its name there, but for those of the base files."""
    found: dict[str, list[str]] = {}
    for file in names:
        if (match := FILE_NAME.fullmatch(file)) and match["lang"]:
            found.setdefault(match["name"], []).append(match["lang"])
    return found


def _partials(folder: str) -> list[str]:
    return [name for name in file_names(folder) if name.endswith(".j2")]
