"""Samples: the examples of a library's templates, rendered in each language and kept as files, so that a change can be reviewed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from promptkit.atomic import write_whole
from promptkit.errors import TemplateError
from promptkit.prompts.declarations import LANGUAGE, find_language
from promptkit.prompts.library import Library
from promptkit.prompts.template import Template

__all__ = ["Difference", "compare_samples", "samples", "unsampled", "write_samples"]

LIST = "samples.txt"  # in their folder
SAMPLE = re.compile(rf"(?P<template>[a-z][a-z0-9_]*(?:/[a-z][a-z0-9_]*)*)\.[1-9][0-9]*\.{LANGUAGE.pattern}\.txt")
# behind the blank that ends a sentence; Chinese, Japanese and Hindi need none
SENTENCE = re.compile(r"(?<=[.!?…] )(?=\S)|(?<=[.!?][\"”’)] )(?=\S)|(?<=[。！？।])(?=[^\s」』”’）])")


@dataclass(frozen=True)
class Difference:
    """A file that is not as its sample is rendered now, one that is missing (new), or one whose sample is gone."""

    path: Path
    kind: Literal["changed", "new", "gone"]
    diff: str

    def __str__(self) -> str:
        return f"{self.path.as_posix()}: {self.kind}\n{self.diff}"


def samples(library: Library, *names: str) -> dict[str, str]:
    """The text of each example in each language, by paths such as `edit/add.1.en.txt`; of all templates, unless some are named.

    A language's own examples, where its file has some, else the base file's in that language; without any, the inputs' examples are
    rendered. TemplateError where one cannot be rendered. What has neither is left out: `unsampled` names it.
    """
    found: dict[str, str] = {}
    for template in _chosen(library, names):
        for lang in template.languages:
            for number, inputs in _examples(template, lang):
                path = f"{template.name.replace('.', '/')}.{number}.{lang}.txt"
                found[path] = _text(str(template(lang=lang, **inputs)).encode("utf-8", "replace")) + "\n"
    return found


def unsampled(library: Library, *names: str) -> list[str]:
    """The names of the templates of which there is no sample in one language at least."""
    return [t.name for t in _chosen(library, names) if not all(any(_examples(t, lang)) for lang in t.languages)]


def write_samples(library: Library, folder: Path, *names: str) -> list[Path]:
    """Writes the samples that are not in the folder as they are now, and removes those that are gone; the paths of what it wrote.

    What is rendered no differently is left as it is. A file named `samples.txt` in the folder lists what was written, so that no other file
    is ever removed.
    """
    now = samples(library, *names)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        gone = _kept(library, folder, names) - now.keys()
        listed = sorted((_listed(folder) | now.keys()) - gone)
        changed = {folder / path: text for path, text in now.items() if _read(folder / path) != text}
        for path, text in changed.items():
            write_whole(path, text.encode())
        for name in gone:
            (folder / name).unlink(missing_ok=True)
        if _listed(folder) != set(listed):
            write_whole(folder / LIST, "".join(f"{path}\n" for path in listed).encode())
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise TemplateError(f"The samples cannot be written to {folder}: {why}; name another folder.") from None
    return list(changed)


def compare_samples(library: Library, folder: Path, *names: str) -> list[Difference]:
    """What differs between the folder and the samples as they are rendered now, by path; line ends do not count."""
    if not folder.is_dir():
        said = f"`promptkit templates render --all -o {folder}` writes it, with -f FOLDER for the templates of one folder"
        raise TemplateError(f"There is no folder {folder}; {said}.")
    now = samples(library, *names)
    paths = sorted(now.keys() | {path for path in _kept(library, folder, names) if (folder / path).exists()})
    pairs = [(folder / path, _read(folder / path), now.get(path)) for path in paths]
    return [_difference(path, kept, text) for path, kept, text in pairs if kept != text]


# Which examples


def _named(library: Library, names: tuple[str, ...]) -> list[Template | Library]:
    return [library[name] for name in names] or [library]


def _chosen(library: Library, names: tuple[str, ...]) -> Iterator[Template]:
    for found in _named(library, names):
        yield from [found] if isinstance(found, Template) else found


def _examples(template: Template, lang: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The number and the inputs of each example in a language; the number is its place in its file."""
    edition = template._in_language(lang).edition
    if edition.examples and lang != template.lang:
        yield from ((number, example["inputs"]) for number, example in enumerate(edition.examples, 1))
    elif template.examples:
        found = enumerate(template.examples, 1)
        yield from ((number, example["inputs"]) for number, example in found if _is_in(example, lang, template, number))
    elif all(i.example is not None for i in edition.required):
        yield 1, {i.name: i.example for i in edition.inputs.values()}


def _is_in(example: Mapping[str, Any], lang: str, template: Template, number: int) -> bool:
    """Whether an example of the base file is one in that language too: all are, but those that name another."""
    if "lang" not in example:
        return True
    found = find_language(str(example["lang"]), template.languages)
    if found is None:
        known = ", ".join(template.languages)
        raise TemplateError(f"Example {number} has lang {example['lang']!r}; the template is written in {known}.", file=str(template.file))
    return found == lang


# Files


def _kept(library: Library, folder: Path, names: tuple[str, ...]) -> set[str]:
    """The paths of the samples of those templates that were written into the folder."""
    chosen = [found.name if isinstance(found, Template) else found._prefix for found in _named(library, names)]
    return {path for path in _listed(folder) if any(_is_one_of(_template_of(path), one) for one in chosen)}


def _listed(folder: Path) -> set[str]:
    """What the list in the folder says was written there; a line that names no sample is passed over."""
    return {line for line in (_read(folder / LIST) or "").splitlines() if SAMPLE.fullmatch(line)}


def _template_of(path: str) -> str:
    match = SAMPLE.fullmatch(path)
    return match["template"].replace("/", ".") if match else ""


def _is_one_of(name: str, chosen: str) -> bool:
    is_space = not chosen or chosen.endswith(".")
    return name.startswith(chosen) if is_space else name == chosen


def _read(path: Path) -> str | None:
    try:
        return _text(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TemplateError(f"The file cannot be read: {error.strerror}.", file=str(path)) from None


def _text(data: bytes) -> str:
    return data.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")


# Differences


def _difference(path: Path, kept: str | None, text: str | None) -> Difference:
    kind: Literal["changed", "new", "gone"] = "new" if kept is None else "gone" if text is None else "changed"
    # where only the lines are cut otherwise, sentences would look the same
    diff = _diff(_sentences(kept), _sentences(text)) or _diff(_lines(kept), _lines(text))
    return Difference(path, kind, diff)


def _diff(kept: list[str], now: list[str]) -> str:
    return "\n".join(difflib.unified_diff(kept, now, "kept", "rendered", lineterm=""))


def _lines(text: str | None) -> list[str]:
    return text.split("\n") if text else []


def _sentences(text: str | None) -> list[str]:
    return [sentence for line in _lines((text or "").removesuffix("\n")) for sentence in SENTENCE.split(line)]
