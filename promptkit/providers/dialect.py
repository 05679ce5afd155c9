"""The seam between promptkit and what services speak: a dialect makes requests of turns, and replies of responses.

A further dialect is one more file like `gemini`, its row in the table below and its tests (a subclass of tests/kit/dialects.DialectTests).
Nothing outside that file knows its paths, field names, size limit or token counts. One that another distribution brings is an entry point
of the group `promptkit.dialects`, and is looked for only by a name that is not in the table: nobody takes the place of a built-in one.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, Protocol, runtime_checkable

from promptkit.images.picture import Picture
from promptkit.providers import installed_dialects
from promptkit.providers.message import Reply, Request, Response, Turn

__all__ = ["DEFAULT", "DIALECTS", "Dialect", "dialect_named", "interleaves", "is_dialect", "known_dialects"]

DEFAULT = "gemini"
DIALECTS = {"gemini": ("promptkit.providers.gemini", "Gemini")}  # name: module and class, imported when a request is made of it


@runtime_checkable
class Dialect(Protocol):
    """How one kind of service is asked and understood. Pure: no socket, no disk, no clock, no state; used from several threads.

    `largest_body` is in bytes. `options` are the names, as in promptkit.providers.options, that a turn's config may have: no other comes
    here. `root_path` is what its paths begin with and guides print as part of a base URL, such as "/v1", or "". One that sends the labels
    of pictures, each right before its picture, has `interleaves = True` besides; labels reach no other.
    """

    @property
    def name(self) -> str: ...

    @property
    def root_path(self) -> str: ...

    @property
    def largest_body(self) -> int: ...

    @property
    def options(self) -> frozenset[str]: ...

    def encode(self, turn: Turn) -> Request:
        """The request for a turn: equal turns give equal bytes; options that are None count as not set."""

    def decode(self, response: Response) -> Reply:
        """What a response says. Never raises for what a service may send: broken bodies are `interrupted`, and errors are in `error`."""

    def keep(self, reply: Reply) -> bytes | None:
        """The model's turn as bytes to keep, its pictures named by their sha256; None where the dialect knows no earlier turns."""

    def recall(self, kept: bytes, pictures: Mapping[str, Picture]) -> Any:
        """The turn that was kept, for an Exchange; `pictures` is by sha256. ValueError for bytes that are not its own."""


MEMBERS = ("name", "root_path", "largest_body", "options", "encode", "decode", "keep", "recall")


def is_dialect(name: str) -> bool:
    """Whether there is a dialect of that name, built in or installed; nothing of it is imported."""
    return name in DIALECTS or installed_dialects.is_installed(name)


def interleaves(dialect: Dialect) -> bool:
    """Whether it can send words between pictures, and so tell which of them a name means."""
    return getattr(dialect, "interleaves", False) is True


def known_dialects() -> list[str]:
    """The names of all dialects: those built in, then those installed."""
    return [*DIALECTS, *(name for name in installed_dialects.installed_names() if name not in DIALECTS)]


def dialect_named(name: str) -> Dialect:
    """The dialect of that name, one for which is_dialect holds. SettingsError, with the distribution's name, where it is broken."""
    return _built_in(name) if name in DIALECTS else _installed(name, tuple(sys.path))


@cache
def _built_in(name: str) -> Dialect:
    module, kind = DIALECTS[name]
    dialect: Dialect = getattr(import_module(module), kind)()
    return dialect


@cache
def _installed(name: str, _: tuple[str, ...]) -> Dialect:
    dialect = installed_dialects.load(name)
    if not isinstance(dialect, Dialect):
        lacking = [member for member in MEMBERS if not hasattr(dialect, member)]
        raise installed_dialects.refused(name, f"is no dialect (it has no {', '.join(lacking)})")
    if dialect.name != name:
        raise installed_dialects.refused(name, f"calls itself {dialect.name!r}, which should be the name that it is declared by")
    return dialect
