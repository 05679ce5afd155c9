"""YAML without surprises: null, true, false and numbers in JSON's spelling, all else text; no aliases, no tags.

The only importer of yaml, which is loaded with the first text that is read.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from promptkit.errors import InputError, TemplateError

__all__ = ["KeyPath", "read_yaml", "read_yaml_value"]

DEEPEST = 16
JSON_SCALAR = re.compile(r"null|true|false|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")

KeyPath = tuple[str | int, ...]  # the keys and indices that lead to a value: ("inputs", "subject", "default")
Complaint = Callable[[str, int | None], TemplateError]  # the error to raise for what is wrong, and the line of the text, from 0


def read_yaml(text: str, path: Path) -> tuple[dict[str, Any], Mapping[KeyPath, int]]:
    """The mapping that front matter holds, and the line of the file on which each key or item stands.

    `text` begins on the file's second line. TemplateError, with the line, where it cannot be read.
    """

    def complaint(said: str, line: int | None) -> TemplateError:
        return TemplateError(f"The front matter {said}.", file=str(path), line=None if line is None else line + 2)

    found, lines = _read(text, complaint)
    if not isinstance(found, dict):
        raise TemplateError("The front matter is no mapping; write it as lines such as `description: …`.", file=str(path), line=1)
    return found, {key_path: line + 2 for key_path, line in lines.items()}


def read_yaml_value(text: str, source: str) -> Any:
    """The value that a text holds as YAML, or as JSON. InputError, with where it came from and the line, where it cannot be read."""
    try:
        return json.loads(text)  # YAML would take each half of an escaped character for one
    except (ValueError, RecursionError):
        pass

    def complaint(said: str, line: int | None) -> TemplateError:
        at = "" if line is None else f" (line {line + 1})"
        return InputError(f"{source} {said}{at}.", problems=[f"{source} {said}"])

    return _read(text, complaint)[0]


def _read(text: str, complaint: Complaint) -> tuple[Any, Mapping[KeyPath, int]]:
    import yaml

    reader = _Reader(text, complaint)
    try:
        return reader.document(), reader.lines
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = text.split("\n")[mark.line : mark.line + 1] if mark else []
        raise complaint(f"is not YAML: {_why(error, ''.join(line))}", mark.line if mark else None) from None


def _why(error: Exception, line: str) -> str:
    why = getattr(error, "problem", None) or str(error)
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "the line begins with a tab (indent with blanks)"
    if line.strip() and "cannot start any token" in why:
        return f"{why} (text that begins with %, @ or ` stands in quotes)"
    if "mapping values are not allowed" in why:
        return f"{why} (text that holds ': ' stands in quotes)"
    if "did not find expected ',' or '}'" in why:
        return f"{why} (inside {{ }}, text that holds ': ' or ', ' stands in quotes, which are closed)"
    return why


class _Reader:
    """Builds plain values from a parser's events, so that no resolver, constructor or alias of YAML's own is ever at work."""

    def __init__(self, text: str, complaint: Complaint) -> None:
        import yaml

        self.yaml, self.complaint = yaml, complaint
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
            self.lines[below] = _line(event)
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
            self.lines[below] = _line(event)
            found[key] = self.value(next(self.events), below)
        return found

    def refuse(self, event: Any, why: str) -> NoReturn:
        raise self.complaint(f"cannot be used: {why}", _line(event))


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line
