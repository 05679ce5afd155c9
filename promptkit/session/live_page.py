"""The live page: a session's page that is served to its user's own browser, writes marks down at once and shows new steps by itself.

It listens on loopback alone, and whoever does not know the token in its address gets nothing: another user of the machine, a page of
another site, or one that has its own name lead to this machine (DNS rebinding; so a request under another host's name is refused first). It
reads the lineage on disk, so steps of other processes appear too, and asks no service.
"""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import re
import secrets
import sys
import threading
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, unquote, urlsplit

from promptkit import config, markup
from promptkit.errors import PromptkitError, SettingsError
from promptkit.lineage.marks import FOLDER as MARKS
from promptkit.lineage.record import FULL_SHA256
from promptkit.lineage.tree import Lineage
from promptkit.session.mark_values import checked_reader

if TYPE_CHECKING:
    from promptkit.session.marking import Marking
    from promptkit.session.page import SessionPage

__all__ = ["LivePage"]

LOOPBACK = "127.0.0.1"
OWN_NAMES = (LOOPBACK, "localhost")  # whatever the port: one may be led here through a tunnel of one's own
LARGEST_BODY = 2**16  # bytes of what a reader says of a step
IDLE = 10  # seconds that a connection may take to say what it wants
HTML, JSON, TEXT = "text/html; charset=utf-8", "application/json", "text/plain; charset=utf-8"
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",  # the address holds the token
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "frame-ancestors 'none'",
}


class LivePage:
    """A session's page while it is served: `url` is its address, for the user's own browser; `close()` ends it. Shows itself as a link.

    It is served by threads of this process from the moment it is made. In a `with` it ends with that.
    """

    def __init__(self, session: Marking, page: SessionPage) -> None:
        self._session, self._page, self._token = session, page, secrets.token_urlsafe(16)
        self._lock, self._made = threading.Lock(), ("", b"")
        self._whole()  # what cannot be shown is said to who asks for it, and not to a browser
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True, name="promptkit live page")
        self._thread.start()

    @property
    def url(self) -> str:
        """Its address, which holds the token; as good as the page itself, so not for others."""
        return f"http://{LOOPBACK}:{self._server.server_port}/{self._token}/"

    def close(self) -> None:
        """Ends it: nobody listens at its address any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self) -> None:
        """Returns when it was closed, by another thread; Ctrl-C ends the waiting."""
        while self._thread.is_alive():
            self._thread.join(0.5)  # without a time a thread hears of no Ctrl-C on Windows

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<LivePage {self.url}>" if self._thread.is_alive() else "<LivePage, closed>"

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, Any]:
        link = f'<a href="{markup.escape(self.url)}" target="_blank" rel="noopener">{markup.escape(self.url)}</a>'
        return markup.mime_bundle(repr(self), link if self._thread.is_alive() else "", include, exclude)

    # What it answers

    def answer(self, path: str) -> _Answer:
        """The answer to who asks for something below the token."""
        if path == "":
            return _Answer(200, HTML, self._whole())
        if path == "version":
            return _Answer.of(version=self._version())
        return self._file(unquote(path.removeprefix("files/"))) if path.startswith("files/") else NOT_FOUND

    def take(self, path: str, said: Any) -> _Answer:
        """Writes down what a reader says of a step: all of it, in place of what the same reader said of it before."""
        if path != "marks":
            return NOT_FOUND
        if not isinstance(said, Mapping) or not FULL_SHA256.fullmatch(str(said.get("step"))):
            return _Answer.of(400, message="A mark is an object with the id of a step.")
        try:
            values = {name: said.get(name) for name in ("stars", "note", "by")}
            mark = self._session.mark(said["step"], said.get("verdict"), region=_region(said.get("region")), **values)
        except PromptkitError as error:
            return _Answer.of(400, message=str(error))
        return _Answer.of(text=mark.text)

    def is_own(self, token: str) -> bool:
        return secrets.compare_digest(token.encode(errors="replace"), self._token.encode())

    def _whole(self) -> bytes:
        with self._lock:  # of two readers the second gets what was made for the first
            version = self._version()
            if self._made[0] != version:
                live = {"version": version, "by": checked_reader(config.user_name())}
                self._made = version, self._page.served(lambda name: f"files/{quote(name)}", live)
            return self._made[1]

    def _version(self) -> str:
        """Another one whenever something in the session's folder was made, changed or taken away."""
        folder = self._session.folder
        return hashlib.sha256("\n".join(sorted([*_states(folder), *_states(folder / MARKS)])).encode(errors="replace")).hexdigest()

    def _file(self, name: str) -> _Answer:
        """A picture by its name in a record: no other name leads to a file."""
        lineage = Lineage(self._session.folder)
        for record in lineage.records():
            for output, picture in zip(record.outputs, record.pictures, strict=False):
                if output.name == name and output.mime_type.startswith("image/"):
                    return _Answer(200, output.mime_type, picture.data)
        return NOT_FOUND


def _states(folder: Path) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith("."):
                    state = entry.stat(follow_symlinks=False)
                    yield f"{entry.name} {state.st_mtime_ns} {state.st_size}"
    except OSError:  # there are no marks, or one went while it was looked at
        return


def _region(given: Any) -> Any:
    return tuple(given) if isinstance(given, list) else given


# The socket


class _Answer:
    """What goes back: a status, a media type, and bytes."""

    def __init__(self, status: int, kind: str, body: bytes) -> None:
        self.status, self.kind, self.body = status, kind, body

    @classmethod
    def of(cls, status: int = 200, **said: object) -> _Answer:
        return cls(status, JSON, json.dumps(said).encode())


NOT_FOUND = _Answer(404, TEXT, b"There is nothing here.")
REFUSED = _Answer(403, TEXT, b"This page is for its own user alone.")


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server
    timeout = IDLE
    server_version, sys_version = "promptkit", ""

    def do_GET(self) -> None:
        self._send(self._refusal() or self._answered(lambda page, path: page.answer(path)))

    def do_POST(self) -> None:
        refused = self._refusal() or self._unreadable()
        if refused is not None:
            self._send(refused)
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            said = json.loads(body)
        except (ValueError, RecursionError):
            self._send(_Answer.of(400, message="This is no JSON."))
            return
        self._send(self._answered(lambda page, path: page.take(path, said)))

    def _answered(self, ask: Any) -> _Answer:
        try:
            answer: _Answer = ask(self.server.page, self._below())
        except PromptkitError as error:
            return _Answer.of(500, message=str(error))
        return answer

    def _refusal(self) -> _Answer | None:
        """Why this request is not answered; None for one of the user's own."""
        host, origin = self.headers.get_all("Host", []), self.headers.get("Origin")
        if len(host) != 1 or not _is_own_name(f"http://{host[0]}") or (origin is not None and origin != f"http://{host[0]}"):
            return REFUSED
        return None if self.server.page.is_own(self._parts()[0]) else NOT_FOUND

    def _unreadable(self) -> _Answer | None:
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch("[0-9]{1,12}", length) or "Transfer-Encoding" in self.headers:
            return _Answer.of(411, message="A body needs its length in bytes.")
        if int(length) > LARGEST_BODY:
            return _Answer.of(413, message=f"A mark has {LARGEST_BODY:,} bytes at most.")
        return None if self.headers.get_content_type() == JSON else _Answer.of(415, message=f"A mark is {JSON}.")

    def _parts(self) -> tuple[str, str]:
        """The token in the path, and what stands below it."""
        token, _, below = urlsplit(self.path).path.removeprefix("/").partition("/")
        return token, below

    def _below(self) -> str:
        return self._parts()[1]

    def _send(self, answer: _Answer) -> None:
        self.send_response(answer.status)
        for name, value in {"Content-Type": answer.kind, "Content-Length": str(len(answer.body)), **HEADERS}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002, http.server's names
        """A short answer to what http.server cannot read, where it would repeat what was asked."""
        self._send(_Answer(code, TEXT, b"This cannot be answered."))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, http.server's name
        """Nothing: a request's line holds the token."""


def _is_own_name(url: str) -> bool:
    try:
        return urlsplit(url).hostname in OWN_NAMES and "@" not in url
    except ValueError:
        return False


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, page: LivePage) -> None:
        self.page = page
        try:
            super().__init__((LOOPBACK, 0), _Handler)
        except OSError as error:
            said = f"The live page cannot listen at {LOOPBACK} ({error.strerror or error})"
            wrong = SettingsError(f"{said}; without serve= the page is a file.")
            raise wrong.also(in_shell=f"{said}; without --serve it is a file.") from None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Passes over a browser that hung up or fell silent, which needs no traceback."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)
