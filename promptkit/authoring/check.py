"""What is wrong with the templates of a library before anybody pays for a picture: files, names, languages, examples, prompts.

Nothing that stands in a folder raises here: what cannot be used is a finding too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from promptkit.authoring import prompt_rules
from promptkit.authoring.file_names import name_problem
from promptkit.authoring.library_rules import RuleFinding, library_findings, readable_library, shadowed, unsaid
from promptkit.authoring.name_use import NameSearch, NameUse
from promptkit.errors import InputError, TemplateError, brief_path, did_you_mean
from promptkit.json_objects import flat_object
from promptkit.prompts.bundle import Bundle
from promptkit.prompts.declarations import Edition, read_edition
from promptkit.prompts.filters import upper_first
from promptkit.prompts.inputs import Input
from promptkit.prompts.languages import find_language
from promptkit.prompts.library import Library, TemplateFolder, builtin_folder, folders_of, near_misses, no_templates, prefix_of
from promptkit.prompts.source_file import File, open_file
from promptkit.prompts.template import Template, bundle_of
from promptkit.prompts.unfinished import doubt, placeholders, unfinished
from promptkit.providers import models
from promptkit.providers.options import OPTIONS

if TYPE_CHECKING:
    from promptkit.prompts.survey import Survey

__all__ = ["CODES", "ROW_COLUMNS", "Finding", "Report", "check"]

CODES: Mapping[str, str] = {
    "broken": "The file cannot be used: its front matter, its body, or a file that it needs.",
    "column-name": "An input is named like a column that means something of a row of a run; this is said, and is no fault.",
    "deprecated": "The template should not be used any more; this is said, and is no fault.",
    "dynamic-include": "A file is included, imported or extended by an expression, where its name has to stand in quotes.",
    "example": "An example, or the template with its required inputs alone, does not render.",
    "file-name": "The file ends in .j2, and its name is none that a template can have.",
    "glued-words": "A `-` in a tag takes away the only white space between two words, which are printed as one.",
    "languages-differ": "A language's body uses other inputs than the base file's body.",
    "library-file": "library.yaml cannot be used: a key, a value, a picture or a channel; or a file that is taken for it is not read.",
    "library-shadowed": "A template's own default or name goes before a value in library.yaml; this is said, and is no fault.",
    "library-unused": "No template uses a value in library.yaml; this is said, and is no fault.",
    "no-ratio": "The config hints at an aspect ratio that no known model has, so that it is left out.",
    "no-successor": "A deprecated template names another one to use, and there is none of that name.",
    "no-template": "There is no template to check: no file in the folder ends in .j2.",
    "nothing-kept": "An edit does not say what stays as it is, so that the model may change all of it.",
    "only-negations": "The prompt says only what shall not be in the picture, and nothing that shall.",
    "too-long": "The prompt is longer than a model follows.",
    "two-ratios": "The prompt names two aspect ratios, or another one than its config.",
    "undeclared-name": "A name is used that is neither an input nor set on each way to its use.",
    "unfinished": "The prompt holds what some tool should have filled in, or what looks like it, so that a session refuses it or warns.",
    "unknown-code": "A comment `promptkit: ignore …` names a code that does not exist.",
    "unquoted-lettering": "The prompt asks for lettering, and the words to write do not stand in quotes.",
    "untranslated": "A language prints a default or a choice in the base file's words.",
    "unused-input": "No branch of any language's body uses the input.",
}
NOTICES = frozenset({"column-name", "deprecated", "library-shadowed", "library-unused"})  # codes of what is worth knowing and no fault
# What a column of that name means of a row, where no template has an input of that name.
ROW_COLUMNS = ("key", "picture", "references", "label", "lang", "endpoint", "model", *(name for name in OPTIONS if OPTIONS[name].flag))
SUCCESSOR = re.compile(r"use (?:`|')?(?P<name>[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*)(?:`|')?", re.IGNORECASE)
IGNORE = re.compile(r"\{#[-+]?\s*promptkit:\s*ignore\b(?P<codes>[^#{}]*)#\}")


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong, and where: a line of a file, 1 where nothing better is known. They sort by file and line."""

    file: Path
    line: int
    code: str
    message: str

    @property
    def level(self) -> Literal["warning", "notice"]:
        """"notice" for what is worth knowing and no fault, such as a deprecated template."""
        return "notice" if self.code in NOTICES else "warning"

    def to_dict(self) -> dict[str, Any]:
        """As one flat object (promptkit.finding/1): `file`, `line`, `code`, `level`, `message`."""
        return flat_object("finding", file=self.file, line=self.line, code=self.code, level=self.level, message=self.message)

    def __str__(self) -> str:
        return f"{brief_path(self.file)}:{self.line}: {self.code}: {self.message}"


@dataclass(frozen=True)
class Report:
    """What is wrong, what is worth knowing and no fault, what could not be judged, and how many templates and files were looked at."""

    findings: tuple[Finding, ...]
    notices: tuple[Finding, ...]
    skipped: tuple[str, ...]
    templates: int
    files: int


def check(library: Library) -> Report:
    """All that is wrong with a library's templates, in each of its folders and installed packs."""
    checker = _Checker((*folders_of(library), TemplateFolder(builtin_folder())))
    below = prefix_of(library)
    for folder in folders_of(library):
        if folder.path != builtin_folder():
            checker.check_library(folder)
        for path, name in folder.files(below):
            checker.check_file(path, name)
        for whole in sorted(folder.names(below)):
            checker.check_template(folder, whole)
        if not below:
            checker.check_library_use(folder)
    if checker.listed:
        for path, meant in near_misses(library):
            checker.skipped[f"{brief_path(path)} looks like a template and is none; name it {meant}"] = None
    else:
        where = next((Path(folder.path) for folder in folders_of(library)), Path())
        checker.add("no-template", where, 1, no_templates(library))
    return checker.report()


@dataclass(frozen=True)
class _Checked:
    """One language of a template, and the inputs that its body uses, in the order of their declaration."""

    edition: Edition
    inputs: list[str]


@dataclass
class _Checker:
    """Gathers what is wrong, file by file and template by template."""

    folders: tuple[TemplateFolder, ...]  # where a template that is named may be
    found: set[Finding] = field(default_factory=set)
    skipped: dict[str, None] = field(default_factory=dict)
    files: dict[Path, File] = field(default_factory=dict)
    surveys: dict[File, Survey] = field(default_factory=dict)
    reported: set[tuple[str, int]] = field(default_factory=set)  # files and lines whose error is a finding already
    library_used: dict[str, set[str]] = field(default_factory=dict)  # by folder: the values of its library.yaml that are used
    templates: int = 0
    listed: int = 0

    def report(self) -> Report:
        ignored = {path: _ignored(file) for path, file in self.files.items()}
        left = sorted(finding for finding in self.found if finding.code not in ignored.get(finding.file, ()))
        faults, notices = (tuple(f for f in left if f.level == level) for level in ("warning", "notice"))
        return Report(faults, notices, tuple(self.skipped), self.templates, self.listed)

    def add(self, code: str, file: Path, line: int, message: str) -> None:
        self.found.add(Finding(file, line, code, message))

    def add_rule(self, found: RuleFinding) -> None:
        self.add(*found)

    # The library's file

    def check_library(self, folder: TemplateFolder) -> None:
        """What is wrong with library.yaml; templates that meet that do not say it again."""
        for found in library_findings(folder.path):
            self.reported.add((str(found.file), found.line))
            self.add_rule(found)

    def check_library_use(self, folder: TemplateFolder) -> None:
        """The values in library.yaml that no template uses."""
        library, used = readable_library(folder.path), self.library_used.get(folder.path)
        if library is None or used is None or library.problems:
            return
        for name in library.inputs.keys() - used:
            said = f"No template uses {name!r}; use it in a body, or remove it."
            self.add("library-unused", library.path, library.lines.get(("inputs", name), 1), said)

    def check_look(self, folder: TemplateFolder, bundle: Bundle, used: set[str]) -> None:
        """What one language of a template makes of library.yaml."""
        edition, library = bundle.edition, readable_library(folder.path)
        if library is None:
            return
        used = used | set(edition.inputs)
        self.library_used.setdefault(folder.path, set()).update(used & library.inputs.keys())
        for found in (*shadowed(edition, library, bundle.files), *unsaid(edition, library, used)):
            self.add_rule(found)

    # Files

    def check_file(self, path: Path, name: str) -> None:
        self.listed += 1
        if why := name_problem(path, name):
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
        """Adds an error that keeps a file from being used; once, however many templates meet it."""
        at = Path(error.file or path)
        dynamic = self.dynamic_lines(file) if file is not None and file.path == at else ()
        if error.line in dynamic:
            for line in dynamic:
                self.reported.add((str(at), line))
                self.add("dynamic-include", at, line, "This names a file by an expression; name it in quotes, within an {% if %}.")
        elif isinstance(error, InputError) and error.problems:
            for problem in error.problems:
                self.add("broken", at, self.line_of(problem, at), f"The front matter cannot be used: {problem}.")
        elif (str(at), error.line or 1) not in self.reported:
            self.reported.add((str(at), error.line or 1))
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
        quoted = re.findall(r"'([^']*)'", problem)
        words = [*(word.rpartition(".")[2] for word in quoted), *re.findall(r"^\w+", problem)]
        lines = {str(key_path[-1]): line for key_path, line in reversed([*file.lines.items()])} if file else {}
        return next((lines[word] for word in words if word in lines), 1)

    def survey(self, file: File) -> Survey:
        from promptkit.prompts.survey import survey

        if file not in self.surveys:
            body, lines_before = file.body
            self.files[file.path] = file
            self.surveys[file] = survey(body, file.name, str(file.path), lines_before)
        return self.surveys[file]

    # Templates

    def check_template(self, folder: TemplateFolder, name: str) -> None:
        self.templates += 1
        path = Path(folder.path, f"{name.removeprefix(folder.namespace).replace('.', '/')}.j2")
        try:
            template = folder.open(name)
        except TemplateError as error:
            self.add_error(error, path)
            return
        if template is not None:
            checked = [self.check_language(template, lang, folder) for lang in template.languages]
            self.check_inputs(template, [language for language in checked if language is not None])
            self.check_columns(template)
            if template.deprecated:
                self.check_deprecated(template, folder)

    def check_language(self, template: Template, lang: str, folder: TemplateFolder) -> _Checked | None:
        """The edition in that language, and the inputs that its body uses, when it can be used."""
        try:
            bundle = bundle_of(template, lang)
            search = NameSearch(bundle.files, self.survey)
            used = search.used(bundle.edition.file)
        except TemplateError as error:
            self.add_error(error, template.file)
            return None
        except RecursionError:
            self.add("broken", template.file, 1, f"In {lang!r} its files need each other too deep; include fewer inside each other.")
            return None
        edition = bundle.edition
        self.check_declarations(edition)
        known = {*edition.inputs, *edition.look.inputs}
        self.check_names(edition, {n: use for n, use in used.items() if n not in known}, search.sealed)
        self.check_look(folder, bundle, set(used))
        self.check_fields(bundle)
        self.check_prompts(template, bundle)
        return _Checked(edition, [name for name in template.inputs if name in used])

    def check_declarations(self, edition: Edition) -> None:
        """What a language file leaves in the words of the base file, and a ratio that no model has."""
        if edition.file is edition.base:
            ratio = edition.config.get("aspect_ratio") if "aspect_ratio" not in edition.look.config else None
            if ratio is not None and ratio not in models.all_ratios():
                line = edition.file.lines.get(("config", "aspect_ratio"), 1)
                self.add("no-ratio", edition.file.path, line, f"No known model has the aspect_ratio {ratio!r}; the hint is left out then.")
            return
        base = read_edition(edition.base, edition.base)
        for name in _untranslated(base, edition):
            line = edition.file.lines.get(("inputs", name), _first_line(edition.file))
            said = f"The default or the choices of {name!r} are in the words of {base.file.name}; say them in {edition.lang!r}."
            self.add("untranslated", edition.file.path, line, said)

    def check_names(self, edition: Edition, undeclared: Mapping[str, NameUse], sealed: list[NameUse]) -> None:
        """The names that nobody declares or sets, each at its first use."""
        for use in (*undeclared.values(), *sealed):
            if not use.is_provided_for and "undeclared-name" not in _ignored(use.file):
                self.reported.add((str(use.file.path), use.line))
                self.add("undeclared-name", use.file.path, use.line, self.undeclared_message(use, edition))

    def check_fields(self, bundle: Bundle) -> None:
        """What a loop asks of the entries of an input that is a list of mappings, and no entry has."""
        inputs = bundle.edition.inputs
        for file in bundle.files.values():
            survey = self.survey(file)
            for name, asked, line in (found for part in (survey, *survey.blocks.values()) for found in part.fields):
                declared = inputs.get(name)
                if declared and declared.of and asked not in dict(declared.of):
                    self.reported.add((str(file.path), line))
                    said = f"The entries of {name!r} have no field {asked!r}{did_you_mean(asked, dict(declared.of))}"
                    self.add("undeclared-name", file.path, line, f"{said}; declare it under `of`, or ask for another.")

    def undeclared_message(self, use: NameUse, edition: Edition) -> str:
        if use.is_sealed:
            return f"{use.name!r} cannot be seen from here, because an imported file sees no inputs; hand it to the macro as an argument."
        stored = self.survey(use.file).stored
        if use.name in stored:
            return f"{use.name!r} is not set on each way to this line; set it before the branch or the loop as well."
        by = "" if use.file is edition.file else f" of {edition.file.name}, which needs this file,"
        hint = did_you_mean(use.name, {*edition.inputs, *edition.look.inputs, *stored})
        return f"{use.name!r} is neither an input{by} nor set before{hint}; declare it under inputs, or set it."

    def check_inputs(self, template: Template, checked: list[_Checked]) -> None:
        """The inputs that no language uses, where all could be checked, and the languages that use others than the base file."""
        unused = set(template.inputs).difference(*(one.inputs for one in checked)) if len(checked) == len(template.languages) else ()
        for name in unused:
            line = checked[0].edition.base.lines.get(("inputs", name), 1)
            self.add("unused-input", template.file, line, f"No branch uses the input {name!r}; use it in the body, or remove it.")
        base = next((one for one in checked if one.edition.lang == template.lang), None)
        for one in checked:
            if base is not None and one.inputs != base.inputs:
                file = one.edition.file
                self.add("languages-differ", file.path, _first_line(file), _difference(base.inputs, one.inputs, base.edition.file.name))

    def check_columns(self, template: Template) -> None:
        """The inputs that take a column of a table away from what it would mean of a row."""
        lines = self.files[template.file].lines if template.file in self.files else {}
        for name in (name for name in template.inputs if name in ROW_COLUMNS):
            said = f"A run's column {name!r} fills this input, and no longer says the row's own {name}; give the input another name."
            self.add("column-name", template.file, lines.get(("inputs", name), 1), said)

    def check_deprecated(self, template: Template, folder: TemplateFolder) -> None:
        file, said = open_file(str(template.file), template.file.name), template.deprecated
        line = file.lines.get(("deprecated",), 1) if file else 1
        self.add("deprecated", template.file, line, f"The template {template.name!r} is deprecated: {said}.")
        named = SUCCESSOR.fullmatch(said)
        if named and not any(one.has(named["name"]) for one in (folder, *self.folders)):
            known = {name for one in (folder, *self.folders) for name in one.names()}
            hint = did_you_mean(named["name"], known)
            said = f"There is no template {named['name']!r}{hint} to use in its place; name one that is there, or say it in other words."
            self.add("no-successor", template.file, line, said)

    # Prompts

    def check_prompts(self, template: Template, bundle: Bundle) -> None:
        """What is wrong with the prompts of the examples; each code once, with the first example that has it."""
        edition = bundle.edition
        cases = [*_cases(template, edition)]
        why = "" if prompt_rules.has_rules(edition.lang) else f"there are no rules for prompts in {edition.lang!r}"
        if why := why if cases else "there is no example to render":
            self.skipped[f"{brief_path(edition.file.path)}: {why}; its wording was not checked"] = None
        first: dict[str, tuple[_Case, str, str]] = {}
        for case in cases:
            text = self.render(template, bundle, case)
            for code, message in _judged(text, edition) if text is not None else ():
                first.setdefault(code, (case, message, text or ""))
        self.check_glued_words(bundle, cases)
        for code, (case, message, text) in first.items():
            line = case.line if case.file is edition.file else _first_line(edition.file)
            line = (code == "unfinished" and _line_of_piece(text, edition.file)) or line
            self.add(code, edition.file.path, line, f"{message} ({upper_first(case.title)}.)")

    def check_glued_words(self, bundle: Bundle, cases: list[_Case]) -> None:
        """The words that any of the cases, or more of the optional inputs, print as one; each at the tag that glues them."""
        from promptkit.authoring.glued_words import glued_words

        for glued in glued_words(bundle.edition, bundle.files, [case.inputs for case in cases]):
            self.files.setdefault(glued.file.path, glued.file)
            said = f"“{glued.before}” and “{glued.after}” are printed as one word, because the - of a tag takes away the blank between"
            self.add("glued-words", glued.file.path, glued.line, f"{said}; leave the - out, or write a blank inside the tags.")

    def render(self, template: Template, bundle: Bundle, case: _Case) -> str | None:
        """The text of one case, or None, and a finding, where it does not render."""
        from promptkit.prompts import sandbox

        edition = bundle.edition
        try:
            if case.lang is not None and find_language(case.lang, template.languages) is None:
                raise TemplateError(f"Its lang is {case.lang!r}; the template is written in {', '.join(template.languages)}.")
            values = edition.accept(case.inputs)[1]
            return sandbox.render(edition.file.name, bundle.parts, values)
        except TemplateError as error:
            if (error.file or "", error.line or 1) not in self.reported:
                at = f" ({brief_path(Path(error.file))}:{error.line})" if error.file and error.line else ""
                said = f"{upper_first(case.title)} does not render in {edition.lang!r}{at}: {_sentence(error)}"
                self.add("example", case.file.path, case.line, said)
            return None


def _untranslated(base: Edition, edition: Edition) -> Iterator[str]:
    """The inputs that print more than a word of the base file's language; a single one may be a loan."""
    for name, said in edition.inputs.items():
        known = base.inputs[name]
        pairs = [(known, said), *((dict(known.of)[field], inner) for field, inner in dict(said.of).items())]
        if any(isinstance(word, str) and re.search(r"[^\W\d_]\s+[^\W\d_]", word) for pair in pairs for word in _left_as_it_was(*pair)):
            yield name


def _left_as_it_was(known: Input, said: Input) -> Iterator[object]:
    if said.default == known.default and not said.choices:
        yield said.default
    yield from (word for key, word in dict(said.choices).items() if dict(known.choices).get(key) == word != key)


# Comments that silence codes


def _codes(file: File) -> Iterator[tuple[int, list[str]]]:
    """Each comment `promptkit: ignore …` of a file: its line, and the codes that it names."""
    for match in IGNORE.finditer(file.text):
        yield 1 + file.text.count("\n", 0, match.start()), re.findall(r"[^\s,]+", match["codes"].strip().rstrip("-+"))


def _ignored(file: File) -> set[str]:
    return {code for _, codes in _codes(file) for code in codes}


def _unknown_codes(file: File) -> Iterator[tuple[int, str]]:
    """Each code that does not exist, with its line; an empty one where a comment names none."""
    return ((line, code) for line, codes in _codes(file) for code in codes or [""] if code not in CODES)


def _difference(base: list[str], other: list[str], name: str) -> str:
    lacking, added = [n for n in base if n not in other], [n for n in other if n not in base]
    said = [f"does not use {', '.join(map(repr, lacking))}, as {name} does"] * bool(lacking)
    said += [f"uses {', '.join(map(repr, added))}, as {name} does not"] * bool(added)
    return f"The body {' and '.join(said)}; use the same inputs in both."


# Examples


@dataclass(frozen=True)
class _Case:
    """Inputs to render: a title for messages, the file and line of the example that gives them, the language that it names."""

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
    """What the rules for prompts find in a rendered text: codes, each with its message."""
    lang = edition.lang
    if prompt_rules.has_rules(lang):
        if words := prompt_rules.unquoted_lettering(text, lang):
            yield "unquoted-lettering", f"“{_brief(words)}” asks for lettering; put the words to write in quotes."
        if ratios := prompt_rules.clashing_ratios(text, models.all_ratios(), edition.config.get("aspect_ratio")):
            yield "two-ratios", f"The prompt has the ratio {ratios[0]} beside {ratios[1]}; name one, and the same as config.aspect_ratio."
        if sentence := prompt_rules.only_negations(text, lang):
            yield "only-negations", f"“{_brief(sentence)}” only says what shall not be; say what the picture shall show."
        if edition.kind == "edit" and not prompt_rules.says_what_stays(text, lang):
            yield "nothing-kept", f"“{_brief(text)}” does not say what to keep; name what stays as it is."
    if piece := unfinished(text):
        yield "unfinished", f"The prompt holds {piece!r}, and is refused when it is asked for; fill it in, or make it an input."
    elif why := doubt(text):
        yield "unfinished", f"The prompt {why}; make it an input, or put lettering in quotes."
    if size := prompt_rules.excess(text, lang):
        yield "too-long", f"The prompt has {size}; say less."


def _line_of_piece(text: str, file: File) -> int | None:
    """The line of a file's body that holds what makes a rendered text unfinished, or None where it came from an input or another file."""
    body, lines_before = file.body
    piece = unfinished(text) or next(iter(placeholders(text)), "")
    return lines_before + 1 + body.count("\n", 0, body.index(piece)) if piece and piece in body else None


# Sentences


def _first_line(file: File) -> int:
    return file.body[1] + 1


def _sentence(error: TemplateError) -> str:
    """What an error says, without the file and line that it begins with."""
    shown = brief_path(Path(error.file)) if error.file else ""
    return str(error).removeprefix(f"{shown}:{error.line}: ").removeprefix(f"{shown}: ")


def _brief(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:59]}…"
