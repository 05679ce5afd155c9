"""Snapshots: the examples of a library's templates, rendered in each language into files, so that a change to a prompt can be reviewed."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from promptkit.atomic import write_whole
from promptkit.errors import TemplateError, listed
from promptkit.json_objects import flat_object
from promptkit.prompts.languages import LANGUAGE, find_language
from promptkit.prompts.library import Library, no_templates, prefix_of
from promptkit.prompts.template import Prompt, Template, bundle_of, rendered
from promptkit.prompts.unfinished import unfinished

__all__ = [
    "Difference",
    "compare_snapshots",
    "render_snapshots",
    "sentence_diff",
    "template_snapshots",
    "templates_without_snapshots",
    "write_snapshots",
]

LIST_FILE = "samples.txt"  # in their folder: what was written there
SNAPSHOT = re.compile(rf"(?P<template>[a-z][a-z0-9_]*(?:/[a-z][a-z0-9_]*)*)\.[1-9][0-9]*\.{LANGUAGE.pattern}\.txt")
# behind the blank that ends a sentence; Chinese, Japanese and Hindi need none
SENTENCE = re.compile(r"(?<=[.!?…] )(?=\S)|(?<=[.!?][\"”’)] )(?=\S)|(?<=[。！？।])(?=[^\s」』”’）])")


@dataclass(frozen=True)
class Difference:
    """A file that differs from its snapshot as it is rendered now, is missing (new), is rendered no more (gone), or is not finished."""

    path: Path
    kind: Literal["changed", "new", "gone", "unfinished"]
    diff: str

    def to_dict(self) -> dict[str, Any]:
        """As one flat object (promptkit.difference/1): `file`, `kind`, `diff`."""
        return flat_object("difference", file=self.path, kind=self.kind, diff=self.diff)

    def __str__(self) -> str:
        return f"{self.path.as_posix()}: {self.kind}\n{self.diff}"


def render_snapshots(library: Library, *names: str) -> dict[str, str]:
    """The text of each example in each language, by paths such as `edit/add.1.en.txt`; of all templates, unless some are named.

    A language's own examples, where its file has some, else the base file's in that language; without any, the inputs' examples are
    rendered. TemplateError where one cannot be rendered, or there is none at all. What has neither is left out:
    `templates_without_snapshots` names it.
    """
    found = _rendered(library, names)
    if not found:
        raise TemplateError(_nothing_to_render(library, names))
    return found


def _nothing_to_render(library: Library, names: tuple[str, ...]) -> str:
    lacking = templates_without_snapshots(library, *names)
    if not lacking:
        return no_templates(library)
    return f"There is nothing to render: {listed(lacking)} has no example, and an input without one; write some under examples."


def _rendered(library: Library, names: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for template in _chosen(library, names):
        for lang, number, prompt in template_snapshots(template):
            path = f"{template.name.replace('.', '/')}.{number}.{lang}.txt"
            found[path] = _text(str(prompt).encode("utf-8", "replace")) + "\n"
    return found


def template_snapshots(template: Template) -> Iterator[tuple[str, int, Prompt]]:
    """The language, the number and the prompt of each example of a template, in each language. TemplateError where one does not render."""
    for lang in template.languages:
        for number, inputs in _examples(template, lang):
            yield lang, number, rendered(template, inputs, lang)


def templates_without_snapshots(library: Library, *names: str) -> list[str]:
    """The names of the templates that have nothing to render in one language at least."""
    return [t.name for t in _chosen(library, names) if not all(any(_examples(t, lang)) for lang in t.languages)]


def write_snapshots(library: Library, folder: Path, *names: str, overwrite: bool = False) -> list[Path]:
    """Writes the snapshots that are new or changed into the folder, and removes those that are gone; the paths of what it wrote.

    A file named `samples.txt` in the folder lists what was written, so that no other file is ever removed, or replaced without `overwrite`.
    TemplateError where an example cannot be rendered, or a file not be written; then none is.
    """
    now = render_snapshots(library, *names)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        gone = _written_before(library, folder, names) - now.keys()
        listed = sorted((_listed(folder) | now.keys()) - gone)
        changed = {folder / path: text for path, text in now.items() if _read(folder / path) != text}
        if not overwrite:
            _refuse_others(folder, changed)
        for path, text in changed.items():
            write_whole(path, text.encode())
        for name in gone:
            (folder / name).unlink(missing_ok=True)
        if _listed(folder) != set(listed):
            write_whole(folder / LIST_FILE, "".join(f"{path}\n" for path in listed).encode())
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise TemplateError(f"The samples cannot be written to {folder}: {why}; name another folder.") from None
    return list(changed)


def _refuse_others(folder: Path, paths: Iterable[Path]) -> None:
    """TemplateError where files would be replaced that were not written as snapshots."""
    known = {folder / name for name in _listed(folder)}
    if others := [path.relative_to(folder).as_posix() for path in paths if path not in known and os.path.lexists(path)]:
        said = f"{listed(others)} in {folder} {'is' if len(others) == 1 else 'are'} there already, and not listed in its {LIST_FILE}"
        raise TemplateError(f"{said}: give another folder, or overwrite=True to replace {'it' if len(others) == 1 else 'them'}.")


def compare_snapshots(library: Library, folder: Path, *names: str) -> list[Difference]:
    """What differs between the folder and the snapshots as they are rendered now, by path; line ends do not count. Prompts that a session
    would refuse, as they are not finished, differ too.

    TemplateError where an example cannot be rendered, there is no such folder, or nothing to compare.
    """
    if not folder.is_dir():
        said = f"`promptkit templates render --all -o {folder}` writes it, with FOLDER instead of --all for the templates of one"
        raise TemplateError(f"There is no folder {folder}; {said}.")
    texts = _rendered(library, names)
    paths = sorted(texts.keys() | {path for path in _written_before(library, folder, names) if (folder / path).exists()})
    if not paths:
        raise TemplateError(_nothing_to_render(library, names))
    pairs = [(folder / path, _read(folder / path), texts.get(path)) for path in paths]
    differences = [_difference(path, before, now) for path, before, now in pairs if before != now]
    return differences + [Difference(path, "unfinished", said) for path, _, now in pairs if now and (said := _unfinished(now))]


def _unfinished(text: str) -> str:
    piece = unfinished(text)
    return f"It holds {piece!r}, and is refused when it is asked for; fill it in, or make it an input." if piece else ""


# Which examples


def _named(library: Library, names: tuple[str, ...]) -> list[Template | Library]:
    return [library[name] for name in names] or [library]


def _chosen(library: Library, names: tuple[str, ...]) -> Iterator[Template]:
    for found in _named(library, names):
        yield from [found] if isinstance(found, Template) else found


def _examples(template: Template, lang: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The number and the inputs of each example in a language; the number is its place in its file."""
    edition = bundle_of(template, lang).edition
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


def _written_before(library: Library, folder: Path, names: tuple[str, ...]) -> set[str]:
    """The paths of the snapshots of those templates that were written into the folder, by its list."""
    chosen = [found.name if isinstance(found, Template) else prefix_of(found) for found in _named(library, names)]
    return {path for path in _listed(folder) if any(_is_one_of(_template_of(path), one) for one in chosen)}


def _listed(folder: Path) -> set[str]:
    """What the list in the folder says was written there; a line that names no snapshot is passed over."""
    return {line for line in (_read(folder / LIST_FILE) or "").splitlines() if SNAPSHOT.fullmatch(line)}


def _template_of(path: str) -> str:
    match = SNAPSHOT.fullmatch(path)
    return match["template"].replace("/", ".") if match else ""


def _is_one_of(name: str, chosen: str) -> bool:
    is_folder = not chosen or chosen.endswith(".")
    return name.startswith(chosen) if is_folder else name == chosen


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


def _difference(path: Path, before: str | None, now: str | None) -> Difference:
    kind: Literal["changed", "new", "gone"] = "new" if before is None else "gone" if now is None else "changed"
    # sentence by sentence, as a prompt is one long line; line by line where only the lines are cut otherwise
    diff = _diff(_sentences(before), _sentences(now)) or _diff(_lines(before), _lines(now))
    return Difference(path, kind, diff)


def _diff(before: list[str], now: list[str]) -> str:
    return "\n".join(difflib.unified_diff(before, now, "kept", "rendered", lineterm=""))


def sentence_diff(before: str | None, now: str | None) -> list[str]:
    """The sentences that differ between two texts, and one on each side of them, each behind "- ", "+ " or two blanks; None is no text."""
    _, _, *diff = difflib.unified_diff(_sentences(before), _sentences(now), n=1, lineterm="") if before != now else ("", "")
    return [f"{line[0]} {line[1:]}" for line in diff if not line.startswith("@@")]


def _lines(text: str | None) -> list[str]:
    return text.split("\n") if text else []


def _sentences(text: str | None) -> list[str]:
    return [sentence for line in _lines((text or "").removesuffix("\n")) for sentence in SENTENCE.split(line)]
