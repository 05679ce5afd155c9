"""A real HTTP server on loopback that speaks generateContent, with the faults that a test asks for."""

from __future__ import annotations

import base64
import io
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

from promptkit.providers.offline import service as offline

Reply = tuple[int, dict[str, str], bytes]


def png(color: object = "red", size: tuple[int, int] = (8, 6)) -> bytes:
    """A small PNG of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, "PNG")  # type: ignore[arg-type]
    return buffer.getvalue()


def json_reply(payload: object, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    return status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(payload).encode()


def picture_reply(data: bytes, *, mime_type: str = "image/png", text: str = "Here it is.", **more: Any) -> Reply:
    """What an image model answers: a sentence and a picture."""
    parts = [{"text": text}, {"inlineData": {"mimeType": mime_type, "data": base64.b64encode(data).decode()}}]
    usage = {
        "promptTokenCount": 10,
        "candidatesTokenCount": 1290,
        "totalTokenCount": 1300,
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}],
    }
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}
    return json_reply({"candidates": [candidate], "usageMetadata": usage, **more})


def text_reply(text: str = "What a nice idea!", reason: str = "STOP") -> Reply:
    """A reply that holds only text."""
    content = {"role": "model", "parts": [{"text": text}]} if text else {}
    usage = {"promptTokenCount": 10, "candidatesTokenCount": 20, "totalTokenCount": 30}
    return json_reply({"candidates": [{"content": content, "finishReason": reason}], "usageMetadata": usage})


def error_reply(
    status: int, message: str = "no", *, details: Sequence[Any] = (), headers: dict[str, str] | None = None, **more: Any
) -> Reply:
    """An error in Google's shape."""
    return json_reply({"error": {"code": status, "message": message, "details": list(details), **more}}, status, headers)


@dataclass
class Cut:
    """Sends only the first part of a reply's body, then closes."""

    reply: Reply
    share: float = 0.5


@dataclass
class Trickle:
    """Sends a reply's body a few bytes at a time."""

    reply: Reply
    pause: float = 0.05


@dataclass
class Hang:
    """Answers nothing for so many seconds, then closes."""

    seconds: float = 30.0


@dataclass
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The text of the last turn."""
        return next(p["text"] for p in self.json["contents"][-1]["parts"] if "text" in p)

    @property
    def pictures(self) -> list[bytes]:
        """The pictures of the last turn."""
        return [base64.b64decode(p["inlineData"]["data"], validate=True) for p in self.json["contents"][-1]["parts"] if "inlineData" in p]


@dataclass
class Loopback:
    """What a test says to the server, and what the server saw."""

    url: str = ""
    script: list[Any] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    always: Any = None
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def say(self, *replies: Any) -> None:
        """The next replies, in order: (status, headers, body), Cut, Trickle, Hang, or a function of the Received; then the painter's."""
        self.script += replies

    def next(self, received: Received) -> Any:
        with self.lock:
            self.received.append(received)
            reply = self.script.pop(0) if self.script else self.always
        if reply is None:
            return offline.answer(received.path, received.body)
        return reply(received) if isinstance(reply, Callable) else reply  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or a reply in two pieces takes 40 ms
    loopback: Loopback

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        reply = self.loopback.next(Received(self.path, dict(self.headers), body))
        try:
            self._send(reply)
        except OSError:  # the client has gone, as a client with a deadline does
            self.close_connection = True

    def _send(self, reply: Any) -> None:
        if isinstance(reply, Hang):
            self.loopback.over.wait(reply.seconds)
            self.close_connection = True
            return
        status, headers, body = reply.reply if isinstance(reply, Cut | Trickle) else reply
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if isinstance(reply, Trickle):
            self._trickle(body, reply.pause)
        elif isinstance(reply, Cut):
            self.wfile.write(body[: int(len(body) * reply.share)])
            self.close_connection = True
        else:
            self.wfile.write(body)

    def _trickle(self, body: bytes, pause: float) -> None:
        for start in range(0, len(body), 16):
            self.wfile.write(body[start : start + 16])
            self.wfile.flush()
            if self.loopback.over.is_set():
                break
            time.sleep(pause)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    request_queue_size = 64
    daemon_threads = True
    block_on_close = False


@contextmanager
def serving(secure: ssl.SSLContext | None = None) -> Iterator[Loopback]:
    """A server for as long as the block runs, with TLS where its side of that is given."""
    loopback = Loopback()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"loopback": loopback}))
    if secure:
        server.socket = secure.wrap_socket(server.socket, server_side=True)
    loopback.url = f"http{'s' if secure else ''}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield loopback
    finally:
        loopback.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def speaking(*script: bytes | float, reading: bool = True) -> Iterator[str]:
    """A server that answers each connection with these bytes as they are, pausing for the numbers (seconds) between them, then closes."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while not over.is_set():
            with suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    if reading:
                        connection.recv(65536)
                    for piece in script:
                        over.wait(piece) if isinstance(piece, float) else connection.sendall(piece)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        with suppress(OSError):
            socket.create_connection(listener.getsockname(), 1).close()
        thread.join(5)
        listener.close()
