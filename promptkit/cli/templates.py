"""The commands about templates: render, and all under `promptkit templates`, for people who read, write, check and share them."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptkit import config
from promptkit.cli.flags import Commands, add_command, add_lang, add_library, add_template
from promptkit.cli.output import as_json, print_file, print_objects, say, say_old_spelling, show, show_prompt, usage
from promptkit.cli.parser import Parser
from promptkit.cli.prompt import render_from, template_named
from promptkit.errors import TemplateError, TemplateNotFound, brief_path, nearest
from promptkit.prompts.library import Library, TemplateFolder, builtin_folder, folder_library, folders_with, template_names, templates
from promptkit.prompts.template import rendered_example
from promptkit.terminal import how_many

if TYPE_CHECKING:
    from promptkit.authoring.check import Finding

__all__ = ["add"]

EDITS = re.compile(r"\b(?:provided|attached|uploaded|original|this) (?:image|picture|photo)", re.IGNORECASE)
RENDERED = "rendered"
MOST_LISTED = 200  # templates that are listed without --all
BUILT_IN = "that comes along"
BELOW = ("show", "list", "new", "check", "render", "diff", "test")


def add(commands: Commands) -> None:
    """Adds templates, with what can follow it, and render."""
    about = "list the templates, or show, write, check, render and test them"
    _add_below(commands.add_parser("templates", help=about, description=about).add_commands())
    render = add_command(commands, "render", _render, "print the prompt that a template makes")
    add_library(render)
    add_template(render, required=True)
    add_lang(render)


def _add_below(commands: Commands) -> None:
    command = partial(add_command, commands)
    show = command("show", _show, "list the templates, or show one; `promptkit templates NAME` is short for it")
    show.add_argument("name", nargs="?", metavar="NAME", help="a template; without one all are listed")
    _listing(show)
    every = command("list", _show, "list the templates")
    every.set_defaults(name=None)
    _listing(every)
    new = command("new", _new, "write a commented starting point")
    new.add_argument("name", metavar="NAME", help="small letters, digits and _; a dot is a sub-folder")
    _folder(new, "where to write it (your own folder of templates)")
    new.add_argument("--kind", choices=("generate", "edit"), metavar="generate|edit", help="what it makes (generate)")
    new.add_argument("--from-brackets", metavar="PATTERN", help='such as "A [style] sticker of a [subject]"')
    check = command("check", _check, "look for what makes templates and prompts fail; exit 1 when anything is found")
    check.add_argument("--format", choices=tuple(FORMATS), default="text", metavar="FORMAT", help="text, github or json (text)")
    check.add_argument("--codes", action="store_true", help="list the codes of what it finds, and what each means")
    _folder(check, "whose templates to check (all that are listed)")
    add_library(check)
    render = command("render", _render_examples, "render the examples in every language")
    _folder(render, "whose templates to render (all that are listed)", nargs="*")
    render.add_argument("-t", "--template", action="append", default=[], metavar="NAME", help="only this template; once for each")
    render.add_argument("--all", action="store_true", help="the examples of all templates that are listed")
    add_library(render)
    render.add_argument("-o", "--output", metavar="FOLDER", help="write one text file for each into this folder, instead of printing them")
    render.add_argument("--overwrite", action="store_true", help="with -o: replace files that were not written so before")
    diff = command("diff", _diff, "print which prompts differ from a git revision, as Markdown for a comment")
    diff.add_argument("revision", metavar="REV", help="a branch, a tag or a commit, such as main or HEAD~1")
    _folder(diff, "whose templates to compare (this one)")
    test = command("test", _test_examples, "compare the rendered examples with those that were written; exit 1 when they differ")
    _folder(test, "whose templates to render (all that are listed)")
    add_library(test)
    test.add_argument("-o", "--output", metavar="FOLDER", default=RENDERED, help=f"where they were written ({RENDERED})")


def _listing(parser: Parser) -> None:
    add_library(parser)
    parser.add_argument("--all", action="store_true", help=f"list all, where there are more than {MOST_LISTED}")


def _folder(parser: Parser, text: str, *, nargs: str = "?") -> None:
    """FOLDER, a folder of templates."""
    parser.add_argument("folder", nargs=nargs, metavar="FOLDER", help=text)
    parser.add_argument("-f", "--folder", dest="in_folder", metavar="FOLDER", help=argparse.SUPPRESS)  # as it was spelled before


def _folder_of(options: argparse.Namespace) -> str | None:
    """The FOLDER of templates that was given, in either spelling."""
    folder: str | None = options.folder
    if options.in_folder is None:
        return folder
    if folder is not None:
        raise usage(f"one folder is enough: {folder} or {options.in_folder}")
    say_old_spelling("-f FOLDER", f"the folder without -f: {options.in_folder}")
    return str(options.in_folder)


# Reading


def _render(options: argparse.Namespace) -> int:
    prompt = render_from(options)
    if as_json():
        print_objects([prompt.to_dict()])
    else:
        show_prompt(str(prompt))
    if prompt.references and not as_json():
        along = dict.fromkeys(f"{each.name}{each.description and f' ({each.description})'}" for each in prompt.references)
        say(f"pictures of its library go along: {', '.join(along)}")
    return 0


def _show(options: argparse.Namespace) -> int:
    if options.name:
        try:
            return _show_one(options.name)
        except TemplateNotFound as error:
            raise TemplateNotFound(f"{str(error).rstrip('.')}{_or_command(options.name)}.", name=options.name, near=error.near) from None
    names = template_names(templates)
    if as_json():
        print_objects(map(_object, names))
        return 0
    listed = names if options.all else names[:MOST_LISTED]
    wide = max(map(len, listed))
    for name in listed:
        show(f"{name:{wide}}  {' '.join(_about(name).splitlines())}{_origin(name)}")
    if len(listed) < len(names):
        say(f"These are {len(listed)} of {len(names):,} templates; promptkit templates list --all lists the others, too.")
    say("promptkit templates NAME shows one with its inputs; promptkit render -t NAME -i INPUT=… shows its prompt.")
    return 0


def _or_command(name: str) -> str:
    """A hint where the name of a template looks like what can follow `promptkit templates`."""
    near = nearest(name, BELOW)
    return f"; or is it `promptkit templates {near[0]}`?" if near else ""


def _show_one(name: str) -> int:
    """Shows a template with its example; one that does not render is shown too, and is an error."""
    template = template_named(name)
    if as_json():
        print_objects([template.to_dict() | {"example": rendered_example(template)}])
        return 0
    try:
        example = rendered_example(template)
    except TemplateError:
        show(template.__doc__ or "")
        raise
    show("\n".join([template.__doc__ or "", *(["", "For example:", "", example] if example else [])]))
    return 0


def _object(name: str) -> dict[str, Any]:
    try:
        return template_named(name).to_dict()
    except TemplateError as error:  # one that is broken must not hide the others
        return {"schema": "promptkit.template/1", "name": name, "problem": str(error)}


def _about(name: str) -> str:
    try:
        template = template_named(name)
    except TemplateError as error:  # one that is broken must not hide the others
        return f"broken    {error}"
    more = f"  [{', '.join(template.languages)}]" if len(template.languages) > 1 else ""
    deprecated = f"  (deprecated: {template.deprecated})" if template.deprecated else ""
    return f"{template.kind:8}  {template.description}{more}{deprecated}"


def _origin(name: str) -> str:
    """Where a template comes from that did not come along, and what it hides."""
    own, *hidden = [_place(folder) for folder in folders_with(templates, name)] or [BUILT_IN]  # one that has gone meanwhile
    said = [*([own] if own != BUILT_IN else []), *([f"hides the one {', and the one '.join(hidden)}"] if hidden else [])]
    return f"  ({'; '.join(said)})" if said else ""


def _place(folder: TemplateFolder) -> str:
    if folder.pack:
        return "from {} {}".format(*folder.pack)
    return BUILT_IN if folder.path == builtin_folder() else f"in {brief_path(Path(folder.path))}"


# Writing and checking


def _new(options: argparse.Namespace) -> int:
    from promptkit.authoring.scaffold import scaffold_source, write_template
    from promptkit.prompts.brackets import from_brackets

    named = _folder_of(options)
    folder = Path(named or config.template_folders()[-1])
    pattern = options.from_brackets
    kind = options.kind or ("edit" if pattern and EDITS.search(pattern) else "generate")
    source = scaffold_source(options.name, kind, folder) if pattern is None else from_brackets(pattern, kind=kind)
    path = write_template(folder, options.name, source)
    given = f" -L {folder}" if named else ""
    say(f"Edit it, then: promptkit templates check {folder}; promptkit render{given} -t {options.name} -i …")
    print_file(path)
    return 0


def _check(options: argparse.Namespace) -> int:
    from promptkit.authoring.check import CODES, check

    if options.codes:
        if as_json():
            print_objects({"schema": "promptkit.finding_code/1", "code": code, "meaning": meaning} for code, meaning in CODES.items())
        for code, meaning in () if as_json() else CODES.items():
            print(f"{code:20} {meaning}")
        say("{# promptkit: ignore CODE #} in a file silences one there")
        return 0
    report = check(_library(options))
    noted = sorted((*report.findings, *report.notices))
    if as_json():
        print_objects(finding.to_dict() for finding in noted)
    for finding in () if as_json() else noted:
        show(FORMATS[options.format](finding))
    for sentence in report.skipped:
        say(f"skipped: {' '.join(sentence.splitlines())}")
    found = how_many(len(report.findings), "finding") if report.findings else "nothing found"
    say(f"{found} in {how_many(report.templates, 'template')}, {how_many(report.files, 'file')}")
    return 1 if report.findings else 0


def _json(finding: Finding) -> str:
    return json.dumps(finding.to_dict())


def _annotation(finding: Finding) -> str:
    """A workflow command of GitHub Actions, which shows the finding beside the line of a pull request."""
    where = f"file={_property(_from_root(finding.file))},line={finding.line},title={_property(f'promptkit {finding.code}')}"
    return f"::{finding.level} {where}::{_data(finding.message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _from_root(path: Path) -> str:
    """The path from the root of its git repository, as GitHub names files; else from here, else whole."""
    whole = path.absolute()
    roots = [*(folder for folder in whole.parents if (folder / ".git").exists()), Path.cwd()]
    return next((whole.relative_to(root).as_posix() for root in roots if whole.is_relative_to(root)), whole.as_posix())


FORMATS: Mapping[str, Callable[[Finding], str]] = {"text": str, "github": _annotation, "json": _json}




def _render_examples(options: argparse.Namespace) -> int:
    from promptkit.authoring.snapshots import render_snapshots, templates_without_snapshots, write_snapshots

    _sort_words(options)
    library = _library(options)
    if not (options.template or options.folder or options.in_folder or options.all):
        raise usage("name a FOLDER whose examples to render, or templates with -t, or all that are listed with --all")
    if options.template and options.all:
        raise usage("-t names templates, and --all means all of them")
    for name in options.template:
        library[name]  # an unknown one is an error
    if options.output:
        for path in write_snapshots(library, Path(options.output), *options.template, overwrite=options.overwrite):
            print_file(path)
    else:
        for name, text in render_snapshots(library, *options.template).items():
            if as_json():
                print_objects([{"schema": "promptkit.example/1", "name": name, "text": text}])
            else:
                show_prompt(f"{name}:\n{text}")
    for name in templates_without_snapshots(library, *options.template):
        say(f"{name} has no example, and an input without one, so that there is nothing to render")
    return 0


def _sort_words(options: argparse.Namespace) -> None:
    """Leaves FOLDER among the words; the others are names of templates, as they were given before."""
    folders = [word for word in options.folder if _is_folder(word)]
    names = [word for word in options.folder if word not in folders]
    if len(folders) > 1:
        raise usage(f"one folder is enough: {' or '.join(folders)}")
    options.folder = folders[0] if folders else None
    options.template += names
    if names:
        say_old_spelling("NAME", "-t before each name: " + " ".join(f"-t {name}" for name in names))


def _is_folder(word: str) -> bool:
    """Whether it is a folder's name, also where a template has that name, unless there is no template in the folder."""
    if os.sep in word or "/" in word:
        return True
    return Path(word).is_dir() and (word not in template_names(templates) or any(Path(word).rglob("*.j2")))


def _test_examples(options: argparse.Namespace) -> int:
    from promptkit.authoring.snapshots import compare_snapshots

    differences = compare_snapshots(_library(options), Path(options.output))
    if as_json():
        print_objects(difference.to_dict() for difference in differences)
    for difference in () if as_json() else differences:
        show(str(difference))
    found = f"{len(differences)} prompts differ" if differences else "all prompts are"
    say(f"{found} from what stands in {options.output}" if differences else f"{found} as they stand in {options.output}")
    return 1 if differences else 0


def _diff(options: argparse.Namespace) -> int:
    from promptkit.authoring.prompt_changes import compare_with_revision
    from promptkit.cli.prompt_changes import as_markdown

    changes = compare_with_revision(options.revision, Path(_folder_of(options) or "."))
    if as_json():
        print_objects(change.to_dict() for change in changes.changed)
        for sentence in changes.broken:
            say(sentence)
    else:
        print(as_markdown(changes, options.revision))
    return 0


def _library(options: argparse.Namespace) -> Library:
    folder = _folder_of(options)
    return folder_library(folder) if folder else templates
