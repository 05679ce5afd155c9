"""What is wrong with the templates of a library before anybody pays for a picture: files, names, languages, examples and wording.

Nothing that stands in a folder raises here: what cannot be used is a finding too.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptkit.authoring import prompt_rules as wording
from promptkit.errors import InputError, TemplateError, brief_path, did_you_mean
from promptkit.prompts.declarations import LANGUAGE, Edition, find_language, is_word, read_edition
from promptkit.prompts.library import Library, Shelf
from promptkit.prompts.source_file import File, file_names, open_file
from promptkit.prompts.template import FILE_NAME, NEEDED_NAME, Template
from promptkit.providers import models

if TYPE_CHECKING:
    from promptkit.prompts.survey import Reference, Survey

__all__ = ["CODES", "Finding", "Report", "check"]

CODES: Mapping[str, str] = {
    "broken": "The file cannot be used: its front matter, its body, or a file that it needs.",
    "dynamic-include": "A file is included, imported or extended by an expression, where its name has to stand in quotes.",
    "example": "An example, or the template with its required inputs alone, does not render.",
    "file-name": "The file ends in .j2, and its name is none that a template can have.",
    "languages-differ": "A language's body uses other inputs than the base file's body.",
    "no-ratio": "The config hints at an aspect ratio that no known model has, so that it is left out.",
    "nothing-kept": "An edit does not say what stays as it is, so that the model may change all of it.",
    "only-negations": "The prompt says only what shall not be in the picture, and nothing that shall.",
    "too-long": "The prompt is longer than a model follows.",
    "two-ratios": "The prompt names two aspect ratios, or another one than its config.",
    "undeclared-name": "A name is used that is neither an input nor set on each way to its use.",
    "unknown-code": "A comment `promptkit: ignore …` names a code that does not exist.",
    "unquoted-lettering": "The prompt asks for lettering, and the words to write do not stand in quotes.",
    "untranslated": "A language prints a default or a choice in the base file's words.",
    "unused-input": "No branch of any language's body uses the input.",
}
IGNORE = re.compile(r"\{#[-+]?\s*promptkit:\s*ignore\b(?P<codes>[^#{}]*)#\}")
TAGS = {"english": "en", "spanish": "es", "japanese": "ja", "chinese": "zh-CN", "hindi": "hi", "french": "fr", "german": "de"}


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong, and where: a line of a file, 1 where nothing better is known. They sort by place."""

    file: Path
    line: int
    code: str
    message: str

    def __str__(self) -> str:
        return f"{brief_path(self.file)}:{self.line}: {self.code}: {self.message}"


@dataclass(frozen=True)
class Report:
    """What was found, what could not be judged, and how many templates and files were looked at."""

    findings: tuple[Finding, ...]
    skipped: tuple[str, ...]
    templates: int
    files: int


def check(library: Library) -> Report:
    """All that is wrong with a library's templates, in each of its folders and installed packs."""
    checker = _Checker()
    for shelf in (*library._shelves(), *library._packs()):
        for path, name in _listed(shelf, library._prefix):
            checker.check_file(path, name)
        for whole in sorted(shelf.names(library._prefix)):
            checker.check_template(shelf, whole)
    return checker.report()


def _listed(shelf: Shelf, below: str) -> Iterator[tuple[Path, str]]:
    """Each path on a shelf that ends in .j2, and its name from there."""
    if not below.startswith(shelf.space) and not shelf.space.startswith(below):
        return
    inner = below.removeprefix(shelf.space) if below.startswith(shelf.space) else ""
    for at, folders, files in os.walk(os.path.join(shelf.folder, *inner.split("."))):  # noqa: PTH118
        folders[:] = sorted(folder for folder in folders if not folder.startswith((".", "__pycache__")))
        for name in sorted((*folders, *files)):
            if name.endswith(".j2") and not name.startswith("."):
                path = Path(at, name)
                yield path, path.relative_to(shelf.folder).as_posix()


@dataclass
class _Checker:
    """Gathers what is wrong, file by file and template by template."""

    found: set[Finding] = field(default_factory=set)
    skipped: dict[str, None] = field(default_factory=dict)
    files: dict[Path, File] = field(default_factory=dict)
    surveys: dict[File, Survey] = field(default_factory=dict)
    blamed: set[tuple[str, int]] = field(default_factory=set)  # where an error has been explained
    templates: int = 0
    listed: int = 0

    def report(self) -> Report:
        ignored = {path: _ignored(file) for path, file in self.files.items()}
        left = [finding for finding in self.found if finding.code not in ignored.get(finding.file, ())]
        return Report(tuple(sorted(left)), tuple(self.skipped), self.templates, self.listed)

    def add(self, code: str, file: Path, line: int, message: str) -> None:
        self.found.add(Finding(file, line, code, message))

    # Files

    def check_file(self, path: Path, name: str) -> None:
        self.listed += 1
        if why := _name_problem(path, name):
            self.add("file-name", path, 1, why)
        try:
            file = open_file(str(path), name)
        except TemplateError as error:
            self.add_error(error, path)
            return
        if file is None:
            self.add("broken", path, 1, "The file cannot be opened; remove it, or let it be read.")
        else:
            self.check_text(file)

    def check_text(self, file: File) -> None:
        self.files[file.path] = file
        for read in (lambda: file.front, lambda: file.part):
            try:
                read()
            except TemplateError as error:
                self.add_error(error, file.path, file)
        for line, code in _unknown_codes(file):
            hint = did_you_mean(code, CODES) if code else ""
            said = f"There is no code {code!r}{hint}; known are {', '.join(CODES)}." if code else "Name a code behind `ignore`."
            self.add("unknown-code", file.path, line, said)

    def add_error(self, error: TemplateError, path: Path, file: File | None = None) -> None:
        """What kept a file from being used, once, whoever came across it."""
        at = Path(error.file or path)
        dynamic = self.dynamic_lines(file) if file is not None and file.path == at else ()
        if error.line in dynamic:
            for line in dynamic:
                self.blamed.add((str(at), line))
                self.add("dynamic-include", at, line, "This names a file by an expression; name it in quotes, within an {% if %}.")
        elif isinstance(error, InputError) and error.problems:
            for problem in error.problems:
                self.add("broken", at, self.line_of(problem, at), f"The front matter cannot be used: {problem}.")
        elif (str(at), error.line or 1) not in self.blamed:
            self.blamed.add((str(at), error.line or 1))
            self.add("broken", at, error.line or 1, _sentence(error))

    def dynamic_lines(self, file: File) -> tuple[int, ...]:
        try:
            survey = self.survey(file)
        except TemplateError:
            return ()
        return tuple(sorted(line for part in (survey, *survey.blocks.values()) for line in part.dynamic))

    def line_of(self, problem: str, path: Path) -> int:
        """The line of the first key or item that the problem speaks of."""
        file = self.files.get(path)
        words = [*re.findall(r"'([^']*)'", problem), *re.findall(r"^\w+", problem)]
        lines = {str(place[-1]): line for place, line in reversed([*file.lines.items()])} if file else {}
        return next((lines[word] for word in words if word in lines), 1)

    def survey(self, file: File) -> Survey:
        from promptkit.prompts.survey import survey

        if file not in self.surveys:
            body, lines_before = file.body
            self.files[file.path] = file
            self.surveys[file] = survey(body, file.name, str(file.path), lines_before)
        return self.surveys[file]

    # Templates

    def check_template(self, shelf: Shelf, name: str) -> None:
        self.templates += 1
        path = Path(shelf.folder, f"{name.removeprefix(shelf.space).replace('.', '/')}.j2")
        try:
            template = shelf.open(name)
        except TemplateError as error:
            self.add_error(error, path)
            return
        if template is not None:
            found = {lang: self.check_language(template, lang) for lang in template.languages}
            self.check_inputs(template, {lang: needs for lang, needs in found.items() if needs is not None})

    def check_language(self, template: Template, lang: str) -> Mapping[str, _Use] | None:
        """The names that the body in that language looks up from outside, when it can be used."""
        try:
            edition = template._in_language(lang).edition
            reach = _Reach(template, self.survey)
            needs = reach.needs(edition.file)
        except TemplateError as error:
            self.add_error(error, template.file)
            return None
        except RecursionError:
            self.add("broken", template.file, 1, f"In {lang!r} its files need each other too deep; include fewer inside each other.")
            return None
        self.check_words(template, edition)
        self.check_names(edition, {n: use for n, use in needs.items() if n not in edition.inputs}, reach.sealed)
        self.check_prompts(template, edition)
        return needs

    def check_words(self, template: Template, edition: Edition) -> None:
        """What a language file leaves in the words of the base file, and a ratio that no model has."""
        if edition.file is template._base:
            ratio = edition.config.get("aspect_ratio")
            if ratio is not None and ratio not in models.all_ratios():
                line = edition.file.lines.get(("config", "aspect_ratio"), 1)
                self.add("no-ratio", edition.file.path, line, f"No known model has the aspect_ratio {ratio!r}; the hint is left out then.")
            return
        base = read_edition(template._base, template._base)
        for name in _untranslated(base, edition):
            line = edition.file.lines.get(("inputs", name), _first_line(edition.file))
            said = f"The default or the choices of {name!r} are in the words of {base.file.name}; say them in {edition.lang!r}."
            self.add("untranslated", edition.file.path, line, said)

    def check_names(self, edition: Edition, undeclared: Mapping[str, _Use], sealed: list[_Use]) -> None:
        for use in (*undeclared.values(), *sealed):
            if not use.is_provided_for and "undeclared-name" not in _ignored(use.file):
                self.blamed.add((str(use.file.path), use.line))
                self.add("undeclared-name", use.file.path, use.line, self.said_of(use, edition))

    def said_of(self, use: _Use, edition: Edition) -> str:
        if use.is_sealed:
            return f"{use.name!r} cannot be seen from here, because an imported file sees no inputs; hand it to the macro as an argument."
        stored = self.survey(use.file).stored
        if use.name in stored:
            return f"{use.name!r} is not set on each way to this line; set it before the branch or the loop as well."
        by = "" if use.file is edition.file else f" of {edition.file.name}, which needs this file,"
        hint = did_you_mean(use.name, {*edition.inputs, *stored})
        return f"{use.name!r} is neither an input{by} nor set before{hint}; declare it under inputs, or set it."

    def check_inputs(self, template: Template, needs: Mapping[str, Mapping[str, _Use]]) -> None:
        used = {lang: [name for name in template.inputs if name in found] for lang, found in needs.items()}
        unused = set(template.inputs).difference(*used.values()) if len(used) == len(template.languages) else ()
        for name in unused:
            line = template._base.lines.get(("inputs", name), 1)
            self.add("unused-input", template.file, line, f"No branch uses the input {name!r}; use it in the body, or remove it.")
        base = used.get(template.lang)
        for lang, names in used.items():
            if base is not None and names != base:
                file = template._edition_file(lang)
                self.add("languages-differ", file.path, _first_line(file), _difference(base, names, template._base.name))

    # Prompts

    def check_prompts(self, template: Template, edition: Edition) -> None:
        cases = [*_cases(template, edition)]
        why = "" if wording.has_rules(edition.lang) else f"there are no rules for prompts in {edition.lang!r}"
        if why := why if cases else "there is no example to render":
            self.skipped[f"{brief_path(edition.file.path)}: {why}; its wording was not checked"] = None
        first: dict[str, tuple[_Case, str]] = {}
        for case in cases:
            text = self.render(template, edition, case)
            for code, message in _judged(text, edition) if text is not None else ():
                first.setdefault(code, (case, message))
        for code, (case, message) in first.items():
            line = case.line if case.file is edition.file else _first_line(edition.file)
            self.add(code, edition.file.path, line, f"{message} ({_upper_first(case.title)}.)")

    def render(self, template: Template, edition: Edition, case: _Case) -> str | None:
        from promptkit.prompts import sandbox

        try:
            if case.lang is not None and find_language(case.lang, template.languages) is None:
                raise TemplateError(f"Its lang is {case.lang!r}; the template is written in {', '.join(template.languages)}.")
            values = edition.accept(case.inputs)[1]
            return sandbox.render(edition.file.name, template._in_language(edition.lang).parts, values)
        except TemplateError as error:
            if (error.file or "", error.line or 1) not in self.blamed:
                where = f" ({brief_path(Path(error.file))}:{error.line})" if error.file and error.line else ""
                said = f"{_upper_first(case.title)} does not render in {edition.lang!r}{where}: {_sentence(error)}"
                self.add("example", case.file.path, case.line, said)
            return None


def _untranslated(base: Edition, edition: Edition) -> Iterator[str]:
    """The inputs that print more than a word of the base file's language; a single one may be a loan."""
    for name, said in edition.inputs.items():
        known = base.inputs[name]
        words = [said.default] if said.default == known.default and not said.choices else []
        words += [word for key, word in dict(said.choices).items() if dict(known.choices).get(key) == word != key]
        if any(isinstance(word, str) and re.search(r"[^\W\d_]\s+[^\W\d_]", word) for word in words):
            yield name


# Names of files


def _name_problem(path: Path, name: str) -> str:
    """What is wrong with the name of a file, or nothing."""
    match = FILE_NAME.fullmatch(path.name)
    words = [*name.split("/")[:-1], match["name"] if match else ""]
    if not NEEDED_NAME.fullmatch(name) or not (any(word.startswith("_") for word in words) or all(map(is_word, words))):
        should = _better_name(name) or "something like sticker.j2"
        return f"{name!r} cannot be a template's name, which is of small letters, digits and _, and no word of Python; name it {should}."
    base = f"{match['name']}.j2" if match and match["lang"] and not match["name"].startswith("_") else ""
    if base and base not in file_names(str(path.parent)):
        return f"There is no {base} that this file could say in another language; add that, or rename this file to {base}."
    return ""


def _better_name(name: str) -> str:
    *folders, file = name.removesuffix(".j2").split("/")
    stem, dot, tag = file.rpartition(".")
    tag = TAGS.get(_plain(tag), tag.replace("_", "-"))
    is_tagged = bool(dot) and bool(LANGUAGE.fullmatch(tag))
    words = [_word(word) for word in (*folders, stem if is_tagged else file)]
    return f"{'/'.join(words)}{f'.{tag}' if is_tagged else ''}.j2" if all(words) else ""


def _word(word: str) -> str:
    plain = re.sub(r"_+", "_", re.sub(r"[^a-z0-9_]", "_", _plain(word))).strip("_")
    if not plain or not plain[0].isalpha():
        return ""
    return f"{'_' if word.startswith('_') else ''}{plain}{'' if word.startswith('_') or is_word(plain) else '_'}"


def _plain(word: str) -> str:
    """Without accents, in small letters; what has no such letters is left out."""
    return unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode().lower()


# What a comment silences


def _codes(file: File) -> Iterator[tuple[int, list[str]]]:
    try:
        body, lines_before = file.body
    except TemplateError:
        return
    for match in IGNORE.finditer(body):
        yield lines_before + 1 + body.count("\n", 0, match.start()), re.findall(r"[^\s,]+", match["codes"].strip().rstrip("-+"))


def _ignored(file: File) -> set[str]:
    return {code for _, codes in _codes(file) for code in codes}


def _unknown_codes(file: File) -> Iterator[tuple[int, str]]:
    """Each code that does not exist, with its line; an empty one where a comment names none."""
    return ((line, code) for line, codes in _codes(file) for code in codes or [""] if code not in CODES)


# Names in bodies


@dataclass(frozen=True)
class _Use:
    """Where a name is looked up from outside; sealed: where nothing from outside can be seen."""

    name: str
    file: File
    line: int
    is_provided_for: bool
    is_sealed: bool = False


class _Reach:
    """What one language of a template looks up from outside, through all that it loads."""

    def __init__(self, template: Template, survey: Callable[[File], Survey]) -> None:
        self.template, self.survey = template, survey
        self.known: dict[tuple[File, frozenset[str]], dict[str, _Use]] = {}
        self.known_sets: dict[File, frozenset[str]] = {}
        self.sealed: list[_Use] = []

    def needs(self, file: File, replaced: frozenset[str] = frozenset()) -> Mapping[str, _Use]:
        """The first use of each name that a file looks up from outside, but for the blocks that another file replaces."""
        if (file, replaced) not in self.known:
            found = self.known[file, replaced] = {}
            survey, seen_in_blocks = self.survey(file), self.sets(file) | {"super"}
            blocks = [block for name, block in survey.blocks.items() if name not in replaced]
            for part, seen in ((survey, frozenset[str]()), *((block, seen_in_blocks) for block in blocks)):
                own = (_Use(name, file, line, name in part.asked) for name, line in part.names.items())
                _merge(found, own, seen)
                for reference in part.references:
                    self.follow(file, reference, replaced, found, seen)
        return self.known[file, replaced]

    def follow(self, file: File, reference: Reference, replaced: frozenset[str], found: dict[str, _Use], seen: frozenset[str]) -> None:
        target = self.template._open_needed(reference.name, file, reference.line)
        if reference.statement == "Extends":
            _merge(found, self.needs(target, self.replaced(file, replaced)).values(), self.survey(file).sets)
        elif reference.sees is None:
            self.sealed += [_Use(use.name, use.file, use.line, use.is_provided_for, True) for use in self.needs(target).values()]
        else:
            _merge(found, self.needs(target).values(), seen | reference.sees)

    def replaced(self, file: File, already: frozenset[str]) -> frozenset[str]:
        """The blocks of which nothing is left in the file that this one extends."""
        survey = self.survey(file)
        if sum(reference.statement == "Extends" for reference in survey.references) > 1:
            return frozenset()  # which of them runs is not known, and all ways through several such files could be too many to walk
        return already.union(name for name, block in survey.blocks.items() if "super" not in block.names)

    def sets(self, file: File) -> frozenset[str]:
        """The names that a file sets for its blocks, and those that what it extends does."""
        if file not in self.known_sets:
            survey = self.survey(file)
            bases = (self.template._open_needed(r.name, file, r.line) for r in survey.references if r.statement == "Extends")
            self.known_sets[file] = survey.sets.union(*map(self.sets, bases))
        return self.known_sets[file]


def _merge(found: dict[str, _Use], uses: Any, seen: frozenset[str]) -> None:
    """Adds the uses of names that are not seen; one that has to be there counts more than one whose absence is provided for."""
    for use in uses:
        if use.name not in seen and (use.name not in found or (found[use.name].is_provided_for and not use.is_provided_for)):
            found[use.name] = use


def _difference(base: list[str], other: list[str], name: str) -> str:
    lacking, added = [n for n in base if n not in other], [n for n in other if n not in base]
    said = [f"does not use {', '.join(map(repr, lacking))}, as {name} does"] * bool(lacking)
    said += [f"uses {', '.join(map(repr, added))}, as {name} does not"] * bool(added)
    return f"The body {' and '.join(said)}; use the same inputs in both."


# Examples


@dataclass(frozen=True)
class _Case:
    """One rendering: what to call it, the inputs, and where they stand."""

    title: str
    file: File
    line: int
    inputs: Mapping[str, Any]
    lang: str | None = None


def _cases(template: Template, edition: Edition) -> Iterator[_Case]:
    """The language's own examples, or else the base file's that are not in another language; and the required inputs alone."""
    file, examples = (edition.file, edition.examples) if edition.examples else (edition.base, template.examples)
    for i, example in enumerate(examples):
        lang = str(example["lang"]) if "lang" in example and file is edition.base else None
        found = lang and find_language(lang, template.languages)
        if found is None or found == edition.lang:
            yield _Case(f"example {i + 1}", file, file.lines.get(("examples", i), 1), example["inputs"], lang)
    first = examples[0]["inputs"] if examples else {}
    required = {i.name: first.get(i.name) if i.example is None else i.example for i in edition.required}
    if None not in required.values():
        yield _Case("the required inputs alone", edition.file, _first_line(edition.file), required)


def _judged(text: str, edition: Edition) -> Iterator[tuple[str, str]]:
    """The codes that a rendered prompt earns, with what is wrong."""
    lang = edition.lang
    if wording.has_rules(lang):
        if words := wording.unquoted_lettering(text, lang):
            yield "unquoted-lettering", f"“{_brief(words)}” asks for lettering; put the words to write in quotes."
        if ratios := wording.clashing_ratios(text, models.all_ratios(), edition.config.get("aspect_ratio")):
            yield "two-ratios", f"The prompt has the ratio {ratios[0]} beside {ratios[1]}; name one, and the same as config.aspect_ratio."
        if sentence := wording.only_negations(text, lang):
            yield "only-negations", f"“{_brief(sentence)}” only says what shall not be; say what the picture shall show."
        if edition.kind == "edit" and not wording.says_what_stays(text, lang):
            yield "nothing-kept", f"“{_brief(text)}” does not say what to keep; name what stays as it is."
    if size := wording.excess(text, lang):
        yield "too-long", f"The prompt has {size}; say less."


# Sentences


def _first_line(file: File) -> int:
    return file.body[1] + 1


def _sentence(error: TemplateError) -> str:
    """What an error says, without the place that it begins with."""
    shown = brief_path(Path(error.file)) if error.file else ""
    return str(error).removeprefix(f"{shown}:{error.line}: ").removeprefix(f"{shown}: ")


def _upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def _brief(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:59]}…"
