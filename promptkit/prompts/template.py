"""Templates, and the prompts that they render.

A template is one UTF-8 file, `name.j2`: YAML front matter between `---` lines, then a Jinja body. `name.LANG.j2` beside it says the same
in another language; a name with a leading underscore is a partial, which others include. jinja2 (in sandbox) and yaml (in
strict_yaml) are loaded by the first template that is rendered or read, not by this module.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptkit import config
from promptkit.errors import InputError, TemplateError, brief_path, warn
from promptkit.json_objects import columns, flat_object
from promptkit.markup import Html, card, escape, mime_bundle, table
from promptkit.prompts.bundle import Bundle, FileSearch
from promptkit.prompts.declarations import read_edition
from promptkit.prompts.inputs import Input, Pictures, description_of, parameter_of, shown, terms_of
from promptkit.prompts.languages import find_language
from promptkit.prompts.library_look import NAME, NO_LOOK, LibraryPicture, Look
from promptkit.prompts.names import FILE_NAME, is_word
from promptkit.prompts.source_file import File, make_file, open_file
from promptkit.terminal import printable

if TYPE_CHECKING:  # is loaded where a picture goes along
    from promptkit.images.picture import Picture

__all__ = ["Prompt", "Template", "bundle_of", "example_of", "open_template", "rendered", "rendered_example", "sources_of"]


# Prompt


@dataclass(frozen=True, eq=False)
class Prompt(str):
    """The text that a template rendered, and where it came from: a str, which can be searched, joined, formatted and written as JSON.

    Equal to a text with the same words. `+` with a text on either side is a Prompt from the same template; what other methods of str make
    of it is plain text, as `text` and `str(prompt)` are.

    `inputs` are those given, not the defaults, by their keys for choices; `config` holds hints such as {"aspect_ratio": "1:1"};
    `files` maps the names of the template's files to their text, and `digest` is the sha256 of that mapping as canonical JSON. `pack` is
    the distribution and version that the template was installed with, `pictures` how many pictures the prompt goes with, and `references`
    are those of its library (`library.yaml`) that go along with it.
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
    references: tuple[LibraryPicture, ...] = field(default=(), hash=False, repr=False)

    def __new__(cls, text: str, *_: object, **__: object) -> Prompt:
        return super().__new__(cls, text)

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", str.__str__(self))  # of a subclass, what it holds

    def __str__(self) -> str:
        return self.text

    def __add__(self, more: object) -> Prompt:
        return replace(self, text=self.text + str.__str__(more)) if isinstance(more, str) else NotImplemented

    def __radd__(self, before: object) -> Prompt:
        return replace(self, text=str.__str__(before) + self.text) if isinstance(before, str) else NotImplemented

    def to_dict(self) -> dict[str, Any]:
        """As one flat object (promptkit.prompt/1): `text`, `template`, `kind`, `digest`, `lang`, `pack`, `references` (the names of the
        library's pictures that go along), and `input.…`, `config.…`.
        """
        about = {"text": self.text, "template": self.template, "kind": self.kind, "digest": self.digest, "lang": self.lang}
        pack = " ".join(self.pack) if self.pack else None
        names = list(dict.fromkeys(each.name for each in self.references))
        return flat_object("prompt", **about, pack=pack, references=names) | columns("input", self.inputs) | columns("config", self.config)

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, Any]:
        source = f"{self.template} ({self.lang})" if self.template else "free text"
        return mime_bundle(printable(self.text, keep="\n\t"), card(f"Prompt from {source}", _block(self.text)), include, exclude)


def _with_fields(inputs: Mapping[str, Input]) -> Iterator[tuple[str, Input]]:
    """Each input, and behind a list of mappings their fields, such as `panels[…].scene`."""
    for name, declared in inputs.items():
        yield name, declared
        yield from ((f"{name}[…].{inner}", said) for inner, said in dict(declared.of).items())


def _lines_about(declared: Input) -> Iterator[str]:
    yield f"{declared.name} ({terms_of(declared)}): {description_of(declared)}"
    for inner in dict(declared.of).values():
        about = description_of(inner)
        yield f"    {inner.name} ({terms_of(inner)}){f': {about}' if about else ''}"


def _about_look(look: Look) -> Iterator[tuple[str, str]]:
    """What a library's file gives a template: each name, and what it stands for."""
    yield from ((name, shown(list(value) if isinstance(value, tuple) else value)) for name, value in look.inputs.items())
    for declared in look.references.values():
        count = len(declared.files or declared.sha256)
        along = "goes along with each request" if count == 1 else f"{count} pictures that go along with each request"
        yield declared.name, f"{declared.description} ({along})" if declared.description else along
    yield from ((f"config.{name}", shown(value)) for name, value in look.config.items())


def _lines_about_look(look: Look) -> Iterator[str]:
    return (f"{name}: {said}" for name, said in _about_look(look))


def _block(text: str) -> Html:
    return Html(f'<pre style="white-space:pre-wrap;overflow-wrap:break-word;word-break:normal">{escape(text)}</pre>')


# Template


@dataclass(frozen=True, eq=False, repr=False)
class Template:
    """A template, ready to be called with its inputs by name: `templates.sticker(subject="happy bear")` is a Prompt.

    It is the file as it was when the library was asked for it; its partials and other languages are as they were when it first rendered.
    `kind` is "generate" or "edit", `lang` the language of the base file, `languages` are all that there are files for, the base file's
    first. `pictures` says how many it needs, `config` holds hints for the request, `source` is the base file's text with plain line ends,
    `pack` the distribution and version that it was installed with, or None. `deprecated` says what to use instead, where the template
    should not be used any more; it is empty for all others. `inputs` and `config` have what the template takes of its library.yaml.
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
    deprecated: str
    source: str
    file: Path
    pack: tuple[str, str] | None
    _base: File
    _search: FileSearch
    _look: Look
    _bundles: dict[str, Bundle] = field(default_factory=dict)  # by language, each made when it is first asked for

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
        made = _template(name, make_file(f"{name}.j2", Path(f"{name}.j2"), source.encode()), (), FileSearch(()))
        bundle_of(made, made.lang)  # what is too long for a template says so at once
        return made

    @classmethod
    def of_files(
        cls,
        name: str,
        files: Mapping[str, str],
        *,
        base: str,
        pack: tuple[str, str] | None = None,
        pictures: Iterable[Picture] = (),
    ) -> Template:
        """A template made of sources by their names, as a Prompt has them, of which `base` is its own; it looks for nothing on disk. Those
        of its library's pictures that are not among `pictures` cannot be sent.
        """
        opened = {n: make_file(n, Path(n), text.encode("utf-8", "replace")) for n, text in files.items()}
        folder = base.rpartition("/")[0]
        beside = tuple(n.rpartition("/")[2] for n in files if n.rpartition("/")[0] == folder)
        by_hash = {picture.sha256: picture for picture in pictures}
        return _template(name, opened[base], beside, FileSearch((".",), given=opened, pictures=by_hash), pack)

    def __copy__(self) -> Template:
        return self

    def __deepcopy__(self, memo: object) -> Template:
        return self

    def __reduce__(self) -> tuple[Callable[..., Template], tuple[object, ...]]:
        base, sources, pictures = sources_of(self)
        return _of_sources, (self.name, sources, base, self.pack, self.file, pictures)

    @property
    def digest(self) -> str:
        """64 hex digits that change when the base file, or what it extends, includes or imports, changes."""
        return bundle_of(self, self.lang).digest

    def __call__(self, *unnamed: object, lang: str | None = None, **inputs: Any) -> Prompt:
        """The prompt, in the language asked for. InputError names all that is wrong with the inputs, which are given by name."""
        if unnamed:
            example = f"{self.name}({next(iter(self.inputs), 'lang')}={unnamed[0]!r:.60})"
            raise InputError(f"Inputs are given by name, such as {example}.", problems=["an input without a name"], file=str(self.file))
        prompt = rendered(self, inputs, lang or config.language())
        if self.deprecated:
            _warn_once((self.name, str(self.file)), f"The template {self.name!r} is deprecated: {self.deprecated}.")
        return prompt

    # For readers

    @property
    def __signature__(self) -> inspect.Signature:
        by_name = inspect.Parameter.KEYWORD_ONLY
        lang = inspect.Parameter("lang", by_name, annotation=str | None, default=None)
        return inspect.Signature([*(parameter_of(i) for i in self.inputs.values()), lang], return_annotation=Prompt)

    def to_dict(self) -> dict[str, Any]:
        """As one flat object (promptkit.template/1): `inputs` and `required` are the names of inputs, `library_inputs` and `references`
        those of the values and pictures that library.yaml gives it.
        """
        required = [name for name, declared in self.inputs.items() if declared.required]
        about = {"name": self.name, "kind": self.kind, "description": self.description, "lang": self.lang, "languages": self.languages}
        pack = " ".join(self.pack) if self.pack else None
        look = {"library_inputs": list(self._look.inputs), "references": list(self._look.references)}
        origin = {"file": self.file, "pack": pack, "problem": None, "deprecated": self.deprecated or None, **look}
        return flat_object("template", **about, inputs=list(self.inputs), required=required, **origin) | columns("config", self.config)

    def __repr__(self) -> str:
        return printable(f"<Template {self.name} in {brief_path(self.file)}>")

    def _help(self) -> str:
        about = [f"    {line}" for i in self.inputs.values() for line in _lines_about(i)]
        languages = f"    lang (string, optional): one of {', '.join(self.languages)}"
        needed = ["", f"It {self.pictures.requirement()}."] if self.pictures.min or self.pictures.roles else []
        deprecated = ["", f"Deprecated: {self.deprecated}."] if self.deprecated else []
        library = ["", f"From {NAME}:", *(f"    {line}" for line in _lines_about_look(self._look))] if self._look is not NO_LOOK else []
        said = [self.description or self.name, *deprecated, *needed, "", "Inputs:", *about, languages, *library]
        return printable("\n".join(said), keep="\n")

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, Any]:
        takes = f" It {self.pictures.requirement()}." if self.pictures.min or self.pictures.roles else ""
        deprecated = f" Deprecated: {self.deprecated}." if self.deprecated else ""
        note = f"{self.description} ({self.kind}; {', '.join(self.languages)}).{takes}{deprecated}"
        rows = [(label, terms_of(i), description_of(i)) for label, i in _with_fields(self.inputs)]
        rows += [(name, f"from {NAME}", said) for name, said in _about_look(self._look)]
        inputs = table(rows, ("input", "type", "what it is"))
        example = example_of(self)
        about = card(self.name, Html(f"<div>{escape(note)}</div>"), inputs, *([_block(example)] if example else []))
        return mime_bundle(printable(f"{self.name}: {self._help()}", keep="\n"), about, include, exclude)


# About templates: functions, because people who hold one see its fields and its call only


def bundle_of(template: Template, wanted: str) -> Bundle:
    """What a template is rendered from in the language that is meant by a tag, else in English, else in the base file's."""
    if not isinstance(wanted, str):
        raise InputError(f"lang is {shown(wanted)}; expected a tag such as 'zh-CN'.", problems=["lang"], file=str(template.file))
    found = find_language(wanted, template.languages)
    if found is None:
        found = "en" if "en" in template.languages else template.lang
        known = ", ".join(template.languages)
        said = f"The template {template.name!r} is not written in {wanted!r}; it is rendered in {found!r} (there are: {known})."
        _warn_once((template.name, wanted), said)
    bundle = template._bundles.get(found)
    if bundle is None:
        edition = template._search.with_library(read_edition(template._base, _file_in(template, found)))
        bundle = template._bundles[found] = template._search.gather(edition)
    return bundle


def _file_in(template: Template, lang: str) -> File:
    base = template._base
    return base if lang == template.lang else template._search.own_file(f"{base.name.removesuffix('.j2')}.{lang}.j2")


def sources_of(template: Template) -> tuple[str, dict[str, str], tuple[Picture, ...]]:
    """The name of the template's own file; the texts of all files that it is rendered from in any of its languages, with its library's
    look; and that library's pictures: what `of_files` makes it of again.
    """
    library, along = template._search.whole_library()
    sources = _all_sources(template) | ({NAME: library} if library else {})
    return template._base.name, sources, tuple(each.picture for each in along)


def _all_sources(template: Template) -> dict[str, str]:
    """The texts of all files that the template is rendered from, in any of its languages; of what cannot be used, its own file."""
    found: dict[str, str] = {}
    for lang in template.languages:
        with suppress(TemplateError):
            own = _file_in(template, lang)
            found[own.name] = own.text
            found |= bundle_of(template, lang).sources
    return found


def _of_sources(
    name: str, files: Mapping[str, str], base: str, pack: tuple[str, str] | None, file: Path, pictures: Iterable[Picture] = ()
) -> Template:
    """A template that came by pickle."""
    return replace(Template.of_files(name, files, base=base, pack=pack, pictures=pictures), file=file)


def rendered(template: Template, inputs: Mapping[str, Any], lang: str) -> Prompt:
    """The prompt that a call makes, without the warning that the template is deprecated. InputError as for a call."""
    from promptkit.prompts import sandbox

    bundle = bundle_of(template, lang)
    edition = bundle.edition
    recorded, values = edition.accept(inputs)
    text = sandbox.render(edition.file.name, bundle.parts, values)
    sources, hints = dict(bundle.sources), dict(edition.config)
    about = (edition.kind, bundle.digest, recorded, edition.lang, hints, template.pack, edition.pictures, sources, bundle.references)
    return Prompt(text, template.name, *about)


def example_of(template: Template) -> str | None:
    """The first example as its prompt, or as what is wrong with it; without one, what the examples of the inputs make."""
    try:
        return rendered_example(template)
    except TemplateError as error:
        return str(error)


def rendered_example(template: Template) -> str | None:
    """The first example as its prompt, or what the inputs' examples make; None without any. TemplateError where it does not render."""
    own = {i.name: i.example for i in template.inputs.values() if i.required}
    example = template.examples[0]["inputs"] if template.examples else own
    if None in example.values():
        bundle_of(template, template.lang)  # what cannot be used says so, also where there is nothing to render
        return None
    return str(rendered(template, example, template.lang))


_warned: set[tuple[str, str]] = set()


def _warn_once(about: tuple[str, str], said: str) -> None:
    if about not in _warned:
        _warned.add(about)
        warn(said)


# From the disk

_known: dict[tuple[str, str, str], Template] = {}


def open_template(
    folder: str, name: str, *, namespace: str = "", pack: tuple[str, str] | None = None, builtin: str = ""
) -> Template | None:
    """The template of that name in a folder, as it is now, or None; its partials are looked for there, then in the `builtin` folder.

    `namespace` stands before its name in what it is called. TemplateError where the file cannot be used.
    """
    known = _known.get((folder, namespace, name))
    if known is not None and known._search.is_current():
        return known
    stem = name.replace(".", "/")
    place = (f"{folder}/{stem}.j2", f"{stem}.j2")
    base = open_file(*place)
    if base is None:
        return None
    search = FileSearch(tuple(dict.fromkeys(filter(None, (folder, builtin)))), opened={place: base})
    found = _known[folder, namespace, name] = _template(namespace + name, base, search.names_beside(folder, base.name), search, pack)
    return found


def _template(name: str, base: File, beside: tuple[str, ...], search: FileSearch, pack: tuple[str, str] | None = None) -> Template:
    e = search.with_library(read_edition(base, base))
    if not base.text.strip():
        raise TemplateError("The file is empty; write its prompt.", file=str(base.path))
    stem = base.name.removesuffix(".j2").rpartition("/")[2]
    others = _languages_beside(beside).get(stem, [])
    if e.lang in others:
        same = str(base.path.with_suffix(f".{e.lang}.j2"))
        raise TemplateError(f"This file says the same language, {e.lang!r}, as {base.name}; remove one.", file=same)
    about = (name, e.description, e.kind, e.lang, (e.lang, *others), e.inputs, e.pictures, e.config, e.examples, e.deprecated)
    return Template(*about, source=base.text, file=base.path, pack=pack, _base=base, _search=search, _look=e.look)


@lru_cache(maxsize=64)
def _languages_beside(names: tuple[str, ...]) -> Mapping[str, list[str]]:
    """The languages of each template in a folder, by its name there, but for those of the base files."""
    found: dict[str, list[str]] = {}
    for file in names:
        if (match := FILE_NAME.fullmatch(file)) and match["lang"]:
            found.setdefault(match["name"], []).append(match["lang"])
    return found
