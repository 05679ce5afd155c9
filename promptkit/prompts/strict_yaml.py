"""YAML without surprises: null, true, false and numbers in JSON's spelling, all else text; no aliases, no tags.

The only importer of yaml, which is loaded with the first text that is read.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from promptkit.errors import TemplateError

__all__ = ["KeyPath", "read_yaml"]

DEEPEST = 16
JSON_SCALAR = re.compile(r"null|true|false|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")

KeyPath = tuple[str | int, ...]  # the keys and indices that lead to a value: ("inputs", "subject", "default")


def read_yaml(text: str, path: Path, *, what: str = "The front matter", first: int = 2) -> tuple[dict[str, Any], Mapping[KeyPath, int]]:
    """The mapping that front matter holds, or another YAML text, and the line of the file on which each key or item stands.

    `text` begins on the file's line `first`; `what` is its name in a sentence. TemplateError, with the line, where it cannot be read.
    """
    import yaml

    reader = _Reader(text, path, what, first)
    try:
        found = reader.document()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + first if mark else None
        raise TemplateError(f"{what} is not YAML: {_why(error)}.", file=str(path), line=line) from None
    if not isinstance(found, dict):
        raise TemplateError(f"{what} is no mapping; write it as lines such as `description: …`.", file=str(path), line=1)
    return found, reader.lines


def _why(error: Exception) -> str:
    why = getattr(error, "problem", None) or str(error)
    if "mapping values are not allowed" in why:
        return f"{why} (text that holds ': ' stands in quotes)"
    if "did not find expected ',' or '}'" in why:
        return f"{why} (inside {{ }}, text that holds ': ' or ', ' stands in quotes, which are closed)"
    return why


class _Reader:
    """Builds plain values from a parser's events, so that no resolver, constructor or alias of YAML's own is ever at work."""

    def __init__(self, text: str, path: Path, what: str, first: int) -> None:
        import yaml

        self.yaml, self.path, self.what, self.first = yaml, path, what, first
        self.events = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        self.lines: dict[KeyPath, int] = {}

    def document(self) -> Any:
        y, found, documents = self.yaml, "", 0
        for event in self.events:
            if isinstance(event, y.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.refuse(event, "it holds a second document")
            elif isinstance(event, y.NodeEvent):
                found = self.value(event, ())
        return found or {}

    def value(self, event: Any, key_path: KeyPath) -> Any:
        if isinstance(event, self.yaml.AliasEvent) or event.anchor or event.tag:
            self.refuse(event, "it holds an alias, an anchor or a tag; put text that begins with *, & or ! in quotes")
        if len(key_path) > DEEPEST:
            self.refuse(event, f"it is nested more than {DEEPEST} deep")
        if isinstance(event, self.yaml.ScalarEvent):
            return self.scalar(event)
        return self.sequence(key_path) if isinstance(event, self.yaml.SequenceStartEvent) else self.mapping(key_path)

    def scalar(self, event: Any) -> Any:
        is_plain = event.implicit[0]
        if not is_plain or not JSON_SCALAR.fullmatch(event.value):
            return event.value
        try:
            value = json.loads(event.value)
        except ValueError:  # more digits than Python converts
            value = math.inf
        if value in (math.inf, -math.inf):
            self.refuse(event, "it holds a number that is too large; put it in quotes if it is text")
        return value

    def sequence(self, key_path: KeyPath) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self.events), self.yaml.SequenceEndEvent):
            below = (*key_path, len(items))
            self.lines[below] = self.line(event)
            items.append(self.value(event, below))
        return items

    def mapping(self, key_path: KeyPath) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self.events), self.yaml.MappingEndEvent):
            if not isinstance(event, self.yaml.ScalarEvent) or event.anchor or event.tag:
                self.refuse(event, "a key is plain text")
            key = event.value
            if key in found:
                self.refuse(event, f"the key {key!r} stands twice")
            below = (*key_path, key)
            self.lines[below] = self.line(event)
            found[key] = self.value(next(self.events), below)
        return found

    def refuse(self, event: Any, why: str) -> NoReturn:
        raise TemplateError(f"{self.what} cannot be used: {why}.", file=str(self.path), line=self.line(event))

    def line(self, event: Any) -> int:
        """The line of the file; the mark counts from 0."""
        line: int = event.start_mark.line
        return line + self.first
