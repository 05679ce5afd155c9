"""Finds words that a template glues together, because a `-` in a tag takes away the only white space between them.

The body is rendered with a mark in each place where a `-` takes white space away, so that what is printed on both sides is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from promptkit.errors import TemplateError
from promptkit.prompts.declarations import Edition
from promptkit.prompts.inputs import Input
from promptkit.prompts.prose import MARKS, Eaten
from promptkit.prompts.source_file import File

__all__ = ["Glued", "glued_words"]

SIGNS = ("{%-", "-%}", "{{-", "-}}", "{#-", "-#}")
# Scripts that write words without blanks: Thai, Lao, Tibetan, Burmese, Khmer, Chinese, Japanese and their punctuation
UNSPACED = "\u0e00-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
LETTER = rf"(?:(?![\d_{UNSPACED}])[\w\u0300-\u036f\u0900-\u0963\u0966-\u0dff])"  # the marks of Indian scripts are no \w
WORD = rf"{LETTER}{{1,30}}"
GLUED = re.compile(rf"(?P<before>{WORD}[.,;:!?…।)\"”’]?)(?P<marks>{MARKS.pattern})(?P<after>{WORD})")
MOST_INPUTS = 30  # optional ones that are tried one by one


@dataclass(frozen=True)
class Glued:
    """Two words that are printed as one, and the file and line of the tag that takes the white space between them away."""

    file: File
    line: int
    before: str
    after: str


def glued_words(edition: Edition, files: Mapping[str, File], cases: Iterable[Mapping[str, Any]]) -> list[Glued]:
    """The words that one language of a template glues, with the inputs of any of the cases, or more of its optional inputs."""
    if not any(sign in file.text for file in files.values() for sign in SIGNS):
        return []
    from promptkit.prompts.sandbox import Part

    eaten: list[Eaten] = []
    places: dict[str, tuple[File, int]] = {}  # by the mark that stands there
    parts = {}
    for name, file in files.items():
        body, lines_before = file.body
        parts[name] = Part.compile(body, name, str(file.path), lines_before, eaten)
        places |= {one.mark: (file, lines_before + one.line) for one in eaten[len(places) :]}
    found: dict[str, Glued] = {}
    for text in _rendered(edition, parts, cases) if eaten else ():
        for match in GLUED.finditer(text):
            mark = match["marks"][0]
            if mark in places:
                found.setdefault(mark, Glued(*places[mark], match["before"], match["after"]))
    return list(found.values())


def _rendered(edition: Edition, parts: Mapping[str, Any], cases: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    from promptkit.prompts import sandbox

    for inputs in (*cases, *_more_cases(edition)):
        try:
            yield sandbox.render(edition.file.name, parts, edition.accept(inputs)[1])
        except TemplateError:  # said where the prompts are checked
            continue


def _more_cases(edition: Edition) -> Iterator[Mapping[str, Any]]:
    """The required inputs with none, each and all of the others."""
    values = {declared.name: _value(declared) for declared in edition.inputs.values()}
    required = {declared.name: values[declared.name] for declared in edition.required}
    others = [name for name in values if name not in required]
    yield required
    yield values
    for name in others[:MOST_INPUTS]:
        yield {**required, name: values[name]}


def _value(declared: Input) -> Any:
    """Something that may be given for an input."""
    if declared.example is not None:
        return declared.example
    if declared.choices:
        return next(iter(dict(declared.choices)))
    if declared.type in ("integer", "number"):
        bound = declared.max if declared.min is None else declared.min
        return 1 if bound is None else bound
    if declared.of:
        return [{field.name: _value(field) for field in dict(declared.of).values()}] * 2
    return {"boolean": True, "list": ["something", "another"]}.get(declared.type, "something")
