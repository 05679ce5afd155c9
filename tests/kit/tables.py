"""Runs over small tables at a server that counts."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from kit.loopback import Loopback, Received, picture_reply, png
from promptkit import Endpoint, Run, run, templates

ANIMALS = [{"label": name, "subject": name} for name in ("fox", "bear", "owl", "hare")]


def endpoint(service: Loopback) -> Endpoint:
    """The server, without a key."""
    return Endpoint(service.url.rpartition("/")[2], service.url, auth="none", key_env=(), key_required=False)


def done(service: Loopback, rows: Any, into: Path, what: Any = None, **how: Any) -> Run:
    """A run over these rows, to its end."""
    made = run(what or templates.sticker, rows, into, endpoint=endpoint(service), **how)
    assert isinstance(made, Run)
    return made


def painting(service: Loopback) -> None:
    """Has the server answer each request with a picture of its own, at once."""

    def answer(received: Received) -> Any:
        number = len(service.received)
        return picture_reply(png((number % 256, number // 256 % 256, 7)))

    service.always = answer


def asked(service: Loopback) -> Counter[str]:
    """How often each prompt was asked for."""
    return Counter(received.text for received in service.received)


def table(path: Path, text: str, encoding: str = "utf-8") -> Path:
    """A file with that text."""
    path.write_bytes(text.encode(encoding))
    return path
