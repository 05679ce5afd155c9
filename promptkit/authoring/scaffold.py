"""New templates: the source of a small, commented one to start from, and the file that a source becomes."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from promptkit.atomic import write_whole
from promptkit.errors import TemplateError
from promptkit.prompts.declarations import KINDS, read_edition
from promptkit.prompts.library_file import NAME as LIBRARY_FILE
from promptkit.prompts.library_file import open_library, with_library
from promptkit.prompts.names import is_word
from promptkit.prompts.source_file import LONGEST_FILE, make_file

__all__ = ["scaffold_source", "write_template"]

GENERATE = """\
---
# FILE: templates.NAME(subject="…") in Python, `promptkit render -t NAME -i subject=…` in a shell.
# What it makes, in one line; the list of templates shows it.
description: One subject in one place, drawn or photographed
# generate makes a new picture, edit changes one.
kind: generate
# What a caller fills in: names in small letters, digits and _, each with what it means and an example.
inputs:
  # Required, as it has no default.
  subject: {description: who or what is shown, example: old lighthouse keeper}
  # May be left out: `default: null` prints nothing, so the body asks for it with an if.
  place: {description: "where it is, with its article", default: null, example: a rocky cove at dusk}
  # May be left out, and then says this.
  mood: {description: the mood of the picture, default: calm, example: wild and stormy}
  # One of these: callers write the word before the colon, the prompt says what stands behind it.
  style:
    description: how the picture is made
    choices: {photo: photorealistic photograph, watercolor: loose watercolor painting, woodcut: two-color woodcut}
    default: photo
# Hints for the request; what a caller says goes first.
config: {aspect_ratio: "3:2"}
# How it is meant to be used: `promptkit templates render` renders them, `promptkit templates check` tries them. Two or more.
examples:
  - inputs: {subject: old lighthouse keeper}
  - inputs: {subject: red fox, place: a snowy birch forest, mood: quiet, style: watercolor}
---
{# The prompt itself; a comment such as this one is not part of it. `article` writes “a” or “an” where the input brings none; the minus
   in {%- takes the line end before it away. #}
{{ style|article|upper_first }} of {{ subject|article(names=true) }}{% if place %}, set in {{ place }}{% endif %}.
{%- if mood %} The mood is {{ mood }}.{% endif %}
"""

EDIT = """\
---
# FILE: templates.NAME(element="…") in Python, `promptkit render -t NAME -i element=…` in a shell.
# What it does to a picture, in one line; the list of templates shows it.
description: One thing in the picture replaced by another
# edit changes a picture, generate makes a new one.
kind: edit
# How many pictures it takes, the one being edited first, and what each of them is.
pictures: {min: 1, max: 1, roles: [the picture to change]}
# What a caller fills in: names in small letters, digits and _, each with what it means and an example.
inputs:
  # Required, as it has no default.
  element: {description: "what to replace, as it can be recognized", example: the blue sofa}
  new: {description: what comes in its place, example: brown leather armchair}
  # May be left out: `default: null` prints nothing, so the body asks for it with an if.
  place: {description: where the new thing goes and how it stands, default: null, example: turned towards the window}
  # One of these: callers write the word before the colon, the prompt says what stands behind it.
  match:
    description: in what the change fits the rest of the picture
    choices: {all: "the lighting, shadows and perspective", light: the lighting and the shadows, drawing: the lines and the colors}
    default: all
  # May be left out, and then says this. An edit that does not say what to keep loses it.
  keep: {description: what must stay as it is, default: everything else in the image, example: the people and their clothes}
# Hints for the request, such as {temperature: 0.4}; what a caller says goes first. An edit keeps the picture's own shape.
config: {}
# How it is meant to be used: `promptkit templates render` renders them, `promptkit templates check` tries them. Two or more.
examples:
  - inputs: {element: the blue sofa, new: brown leather armchair}
  - inputs:
      element: the sign above the door
      new: small brass lantern
      place: hanging on a chain
      match: light
      keep: the rest of the street
---
{# The prompt itself; a comment such as this one is not part of it. `article` writes “a” or “an” where the input brings none; the minus
   in {%- takes the line end before it away. #}
Using the provided image, replace {{ element }} with {{ new|article(names=true) }}{% if place %}, {{ place }}{% endif %}.
{%- if match %} Match {{ match }} of the original.{% endif %}
{%- if keep %} Keep {{ keep }} exactly the same.{% endif %}
"""


def scaffold_source(name: str, kind: str = "generate", folder: Path | None = None) -> str:
    """The source of a small template that works as it stands, with a comment for each thing that a template can say, what the library.yaml
    of its folder gives it among them.
    """
    if kind not in KINDS:
        raise TemplateError(f"kind is {kind!r}; expected {' or '.join(KINDS)}.")
    scaffold = EDIT if kind == "edit" else GENERATE
    scaffold = scaffold.replace("# How it is meant", f"{_about_library(folder)}# How it is meant") if folder else scaffold
    return scaffold.replace("FILE", _path(name).as_posix()).replace("NAME", name)


def _about_library(folder: Path) -> str:
    """A comment on what library.yaml gives each template; empty where there is none. TemplateError where it cannot be used."""
    library = open_library(str(folder))
    if library is None or not (library.inputs or library.references):
        return ""
    given = [f"values that the body may use ({', '.join(library.inputs)})"] if library.inputs else []
    given += [f"{' and '.join(library.references)} along with each request"] if library.references else []
    return f"# {LIBRARY_FILE} gives {'; '.join(given)}. `false` takes nothing of it, a list takes parts of it.\nlibrary: true\n"


def write_template(folder: Path, name: str, source: str) -> Path:
    """Writes the source as a new template of that name; its path, in which dots are sub-folders.

    TemplateError, and nothing is written, where the file is there already, the name is none, or the source is no template.
    """
    path, data = folder / _path(name), source.encode("utf-8", "surrogatepass")
    _check(_path(name).as_posix(), path, data, folder)
    try:
        _write_new(path, data)
    except OSError as error:
        said = f"The template cannot be written: {error.strerror or error}; name another folder."
        raise TemplateError(said, file=str(path)) from None
    return path


def _path(name: str) -> Path:
    *spaces, word = name.split(".")
    if all(map(is_word, [*spaces, word])) and word != "j2":
        return Path(*spaces, f"{word}.j2")
    fitting = _fitting(name)
    hint = f"; {fitting!r} would do" if fitting else ""
    raise TemplateError(f"{name!r} cannot name a template: small letters, digits and _, no word of Python, dots between folders{hint}.")


def _fitting(name: str) -> str:
    """The name that was probably meant, or nothing."""
    plain = unicodedata.normalize("NFKD", name).strip().lower().removesuffix(".j2")
    plain = re.sub(r"[\s-]+", "_", re.sub(r"[/\\]+", ".", plain))
    words = [re.sub(r"[^a-z0-9_]", "", word).lstrip("_0123456789") for word in plain.split(".")]
    return ".".join(words) if all(map(is_word, words)) and words[-1] != "j2" else ""


def _check(name: str, path: Path, data: bytes, folder: Path) -> None:
    """TemplateError unless these bytes are a template, with what it takes of the folder's library.yaml."""
    if len(data) > LONGEST_FILE:
        raise TemplateError(f"The source has {len(data):,} bytes; a template has {LONGEST_FILE:,} at most.", file=str(path))
    file = make_file(name, path, data)
    if (edition := read_edition(file, file)).takes:
        with_library(edition, open_library(str(folder)))
    _ = file.part  # compiles the body


def _write_new(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.open("xb").close()  # whoever makes the file may fill it
    except FileExistsError:
        raise TemplateError("This template is there already; edit it, or choose another name.", file=str(path)) from None
    try:
        write_whole(path, data)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
