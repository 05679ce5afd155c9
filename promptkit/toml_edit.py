"""Values put into a TOML text, with its comments and all else left as they are. The text is read by tomllib alone, piece by piece."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

__all__ = ["as_toml", "with_table"]

Path = tuple[str, ...]
BARE = re.compile("[A-Za-z0-9_-]+")
CONTROLS = re.compile("[\x7f-\x9f]")


class _Statement(NamedTuple):
    """A header, or a key with its value, or lines of neither: its text with its line end, and the whole path of what it sets."""

    text: str
    path: Path = ()
    section: Path = ()
    key: str = ""  # as it is written, up to its =; "" where it is none
    is_header: bool = False


def with_table(text: str, path: Sequence[str], values: Mapping[str, Any]) -> str:
    """The text with these values in the table at that path; what the table has besides stays, and a value of None is taken out.

    ValueError where the text is no TOML, or has that table in a form that cannot be changed without touching something else.
    """
    wanted = _changed(tomllib.loads(text), tuple(path), values)
    statements = list(_statements(text))
    done = "".join(_edited(statements, tuple(path), values, "\r\n" if "\r\n" in text else "\n"))
    if tomllib.loads(done) != wanted:
        raise ValueError("the table is written in a form that cannot be changed here")
    return done


def _changed(table: dict[str, Any], path: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """What the text should say then."""
    inner = table
    for name in path:
        inner = inner.setdefault(name, {})
        if not isinstance(inner, dict):
            raise ValueError(f"{name} is not a table")
    for name, value in values.items():
        inner.pop(name, None)
        if value is not None:
            inner[name] = value
    return table


# Reading


def _statements(text: str) -> Iterator[_Statement]:
    lines: list[str] = re.findall(r"[^\n]*\n|[^\n]+", text)
    section: Path = ()
    while lines:
        count, said = _first(lines)
        piece, lines = "".join(lines[:count]), lines[count:]
        if not said:
            yield _Statement(piece, section=section)
        elif piece.lstrip().startswith("["):
            section = _chain(said)
            yield _Statement(piece, section, section, is_header=True)
        else:
            key = _key(piece)
            yield _Statement(piece, (*section, *_chain(tomllib.loads(f"{key}= 0"))), section, key)


def _first(lines: Sequence[str]) -> tuple[int, dict[str, Any]]:
    """How many of the lines the first statement takes, and what it says."""
    for count in range(1, len(lines) + 1):
        try:
            return count, tomllib.loads("".join(lines[:count]))
        except tomllib.TOMLDecodeError:
            continue
    raise ValueError("the text ends within a value")


def _chain(said: Any) -> Path:
    """The names from the outside to the inside."""
    path: list[str] = []
    while isinstance(said, dict | list) and said:
        if isinstance(said, dict):
            path += [*said][:1]
            said = said[path[-1]]
        else:
            said = said[0]
    return tuple(path)


def _key(piece: str) -> str:
    """What stands before the = of a statement."""
    for match in re.finditer("=", piece):
        try:
            tomllib.loads(f"{piece[: match.start()]}= 0")
        except tomllib.TOMLDecodeError:
            continue
        return piece[: match.start()]
    raise ValueError("a line has no key")


# Writing


def _edited(statements: Sequence[_Statement], path: Path, values: Mapping[str, Any], end: str) -> Iterator[str]:
    """The pieces of the new text."""
    left = {name: value for name, value in values.items() if value is not None}
    outer = next((s for s in statements if s.key and path[: len(s.path)] == s.path), None)
    last = _last_of(statements, path)
    for i, statement in enumerate(statements):
        text, name = statement.text, statement.path[len(path)] if len(statement.path) > len(path) else None
        if statement is outer:
            yield _with_value(statement, _changed(_value(statement), path[len(statement.path) :], values))
            left = {}
        elif statement.path[: len(path)] == path and name in values:
            if statement.key and len(statement.path) == len(path) + 1 and name in left:
                yield _with_value(statement, left.pop(name))
        else:
            yield text
        if i == last and outer is None and left:
            yield from _new_lines(statement, path, left, end)
            left = {}
    if left:
        before = "".join(s.text for s in statements)
        yield ("" if not before or before.endswith("\n") else end) + (end if before.strip() else "")
        yield f"[{'.'.join(map(_name, path))}]{end}" + "".join(f"{_name(n)} = {as_toml(v)}{end}" for n, v in left.items())


def _last_of(statements: Sequence[_Statement], path: Path) -> int | None:
    """The statement behind which a further value of the table can stand: its last value of its own, else its header."""
    own = [i for i, s in enumerate(statements) if (s.key and s.path[:-1] == path) or (s.is_header and s.path == path)]
    return own[-1] if own else None


def _new_lines(after: _Statement, path: Path, values: Mapping[str, Any], end: str) -> Iterator[str]:
    """Further values of a table, written as its other ones are: below its header, or by their whole paths within an outer table."""
    indent = re.match(r"\s*", after.text)[0] if after.key else ""  # type: ignore[index]
    prefix = "".join(f"{_name(name)}." for name in path[len(after.section) :])
    yield "" if after.text.endswith("\n") else end
    yield from (f"{indent}{prefix}{_name(name)} = {as_toml(value)}{end}" for name, value in values.items())


def _value(statement: _Statement) -> Any:
    said: Any = tomllib.loads(statement.text)
    for name in _chain(tomllib.loads(f"{statement.key}= 0")):
        said = said[name]
    return said


def _with_value(statement: _Statement, value: Any) -> str:
    """The statement with another value; its key, and the comment behind it, as they are written."""
    behind = statement.text[len(statement.key) + 1 :]
    space = re.match(r"[ \t]*", behind)[0]  # type: ignore[index]
    return f"{statement.key}={space}{as_toml(value)}{_comment(statement, behind)}"


def _comment(statement: _Statement, behind: str) -> str:
    """What stands behind the value, its line end included."""
    ends = [match.start() for match in re.finditer(r"[ \t]*(#|\r?\n|$)", behind)]
    for end in ends:
        try:
            tomllib.loads(f"{statement.key}={behind[:end]}")
        except tomllib.TOMLDecodeError:
            continue
        return behind[end:]
    return behind


def as_toml(value: Any) -> str:
    """A text, a number, a date, a list or a mapping as TOML writes it on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_name(name)} = {as_toml(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    if isinstance(value, str):
        return CONTROLS.sub(lambda m: f"\\u{ord(m[0]):04x}", json.dumps(value, ensure_ascii=False))
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else repr(value)


def _name(name: str) -> str:
    return name if BARE.fullmatch(name) else as_toml(name)
