"""What is asked, what is sent and what comes back, in no service's own words: turns, requests, responses, replies, token counts.

A dialect makes a Request of a Turn, and a Reply of a Response; a transport makes a Response of a Request. Values only: nothing here does
anything but count and join bytes.
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from promptkit.errors import PromptkitError, SettingsError
from promptkit.images.picture import Picture

__all__ = ["Exchange", "InBase64", "InFile", "InputPicture", "Reply", "Request", "Response", "Tokens", "Turn", "check_length", "is_ok"]

READ_TIMEOUT = 300.0  # seconds; a 4K picture takes one to two minutes
CHUNK = 3 << 18  # bytes of a picture that are encoded at a time; a multiple of 3, so that base64 has no padding in between


# What is asked


@dataclass(frozen=True)
class InputPicture:
    """A picture that goes into a turn, its role (base, which is the one that is edited, anchor, reference or library), and the words that
    stand right before it and bind a name to it; empty where there are none.
    """

    picture: Picture
    role: str = "reference"
    label: str = ""


@dataclass(frozen=True)
class Exchange:
    """One earlier question and its answer: the user's text and pictures, and the model's turn as the dialect recalled it."""

    text: str
    pictures: tuple[InputPicture, ...] = ()
    answer: Any = field(default=None, repr=False)


@dataclass(frozen=True)
class Turn:
    """What a user asks of a model: the text, then the pictures, the one being edited first.

    `config` has options by their names in promptkit.providers.options, each only where the caller sets it; `earlier` holds the exchanges
    before, oldest first, and the base is then part of their last answer.
    """

    text: str
    pictures: tuple[InputPicture, ...] = ()
    model: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    earlier: tuple[Exchange, ...] = ()


# Requests


@dataclass(frozen=True)
class InBase64:
    """Bytes that stand in a body as base64, encoded a chunk at a time while it is sent."""

    data: bytes = field(repr=False)

    def __len__(self) -> int:
        return -(-len(self.data) // 3) * 4

    def __iter__(self) -> Iterator[bytes]:
        view = memoryview(self.data)
        for start in range(0, len(view), CHUNK):
            yield binascii.b2a_base64(view[start : start + CHUNK], newline=False)


@dataclass(frozen=True)
class InFile:
    """A file of `size` bytes that stands in a body as it is, read a chunk at a time while it is sent."""

    path: Path
    size: int

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk


@dataclass(frozen=True)
class Request:
    """One request: the path below an endpoint's base URL, and the body in pieces. It holds no key, in `headers` neither.

    Iterating gives the body in chunks of bytes; `len` is its length in bytes. `timeout` is in seconds, for the whole answer.
    Where `into` names a file, a transport may write the body of a good answer there, of any length, instead of bringing it.
    """

    path: str
    pieces: tuple[bytes | InBase64 | InFile, ...] = field(default=(), repr=False)
    timeout: float = READ_TIMEOUT
    method: str = "POST"
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    into: Path | None = None

    def __len__(self) -> int:
        return sum(map(len, self.pieces))

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, bytes):
                yield piece
            else:
                yield from piece

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self)


def check_length(request: Request, limit: int) -> None:
    """Refuses a request whose body is longer than `limit` bytes, before it is sent. SettingsError with both sizes."""
    if len(request) > limit:
        raise SettingsError(
            f"The request would be {len(request) / 1e6:.1f} MB, and the limit is {limit / 1e6:.0f} MB: send fewer or smaller pictures."
        )


# What comes back


class Response(NamedTuple):
    """What came back for one request, whatever its status. Header names are compared without regard to case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def json(cls, payload: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        """A response that carries `payload` as JSON; handy in tests."""
        return cls(status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(payload).encode())

    def header(self, name: str) -> str | None:
        """The header's value, or None."""
        return next((v for k, v in self.headers.items() if k.lower() == name.lower()), None)


def is_ok(status: int) -> bool:
    """Whether the status says success."""
    return 200 <= status < 300


class Tokens(NamedTuple):
    """What an answer was counted as: tokens of all that was sent, of the text and of the pictures that came back."""

    prompt: int
    text: int
    picture: int


@dataclass(frozen=True)
class Reply:
    """One answer, understood. `outcome` is picture, text (no picture, and no refusal), refused, error or interrupted.

    `pictures` are all that are meant as the answer, in order; `reason` is the service's own word for how it ended, `message` its own
    sentence; `error` is what to raise when nothing more is tried: for an error, and for an answer that was lost after the work was done,
    which is interrupted. `usage` are the service's own counts, as they are recorded, `tokens` the same in neutral terms, None where the
    service did not count. `dislikes` names the options that the service refused, and without which it can be asked again; `was_too_large`
    says that the request was, by how much only who sent it knows. `link` is the address, or the task's id, that came in place of a picture,
    and `kept` the bytes of pictures that broke off or are of no known kind. `content` is the model's turn as it came, which only the
    dialect understands.
    """

    outcome: str
    pictures: tuple[Picture, ...] = ()
    text: str = ""
    reason: str | None = None
    message: str = ""
    error: PromptkitError | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    tokens: Tokens | None = None
    model_version: str | None = None
    response_id: str | None = None
    status: int | None = None
    warnings: tuple[str, ...] = ()
    dislikes: tuple[str, ...] = ()
    was_too_large: bool = False
    link: str | None = None
    kept: tuple[bytes, ...] = field(default=(), repr=False)
    content: Any = field(default=None, repr=False)
