"""One POST over real sockets: what the server saw, what comes back of every fault, and where the key never stands."""

from __future__ import annotations

import gc
import gzip
import logging
import os
import socket
import subprocess
import sys
import threading
import time
import traceback
import warnings
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.loopback import Cut, Hang, Loopback, Received, Trickle, json_reply, serving, speaking

from promptkit.errors import PromptkitWarning, TransportError
from promptkit.images.picture import Picture
from promptkit.providers.endpoints import Endpoint
from promptkit.providers.gemini import Gemini
from promptkit.providers.keys import Key
from promptkit.providers.message import CHUNK, InBase64, InputPicture, Request, Response, Turn
from promptkit.providers.transport import FunctionTransport, RequestsTransport, Transport, transport_to

SECRET = "AIza-sEcReT-0123456789"
PATH = "/v1beta/models/m:generateContent"
OK = json_reply({"ok": True})
LONG = json_reply({"ok": "x" * 4000})


def transport(url: str, auth: str = "x-goog-api-key", key: str | None = SECRET, **more: Any) -> RequestsTransport:
    return RequestsTransport(Endpoint("mine", url, auth=auth), Key(key) if key else None, **more)


def ask(timeout: float = 5.0, body: bytes = b"{}") -> Request:
    return Request(PATH, (body,), timeout=timeout)


# What is sent


def test_body_goes_out_whole(service: Loopback) -> None:
    """The body goes out byte for byte with its Content-Length, never chunked, also one of several pieces."""
    service.always = OK
    request = Gemini().encode(Turn("Hi", (InputPicture(Picture(bytes(range(256)) * (CHUNK // 200))),), "m"))
    assert sum(isinstance(p, InBase64) for p in request.pieces) == 1
    transport(service.url).send(request)
    (received,) = service.received
    assert (received.path, received.body) == (request.path, request.body)
    assert received.headers["Content-Length"] == str(len(request))
    assert received.headers["Content-Type"] == "application/json"
    assert "Transfer-Encoding" not in received.headers


def test_a_request_goes_out_as_it_says(service: Loopback) -> None:
    """Method, content type and headers of a request are its own; the key goes along all the same, and its header is the transport's."""
    service.always = OK
    request = Request(PATH, (b"--x",), content_type="multipart/form-data; boundary=x", headers={"X-Mine": "1", "x-goog-api-key": "no"})
    transport(service.url).send(request)
    seen = service.received[0].headers
    assert (seen["Content-Type"], seen["X-Mine"], seen["x-goog-api-key"]) == ("multipart/form-data; boundary=x", "1", SECRET)
    answered = transport(service.url).send(Request("/a", (), method="GET"))
    assert (answered.status, b"Unsupported method ('GET')" in answered.body) == (501, True)


AUTHS = [
    ("x-goog-api-key", SECRET, {"x-goog-api-key": SECRET}),
    ("bearer", SECRET, {"authorization": f"Bearer {SECRET}"}),
    ("raw", SECRET, {"authorization": SECRET}),
    ("none", None, {}),
    ("none", SECRET, {}),
    ("bearer", None, {}),
]


@pytest.mark.parametrize(("auth", "key", "headers"), AUTHS)
@pytest.mark.parametrize("netrc", [False, True], ids=["", ".netrc"])
def test_how_the_key_travels(
    service: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, auth: str, key: str | None, headers: dict[str, str], netrc: bool
) -> None:
    """The key stands in the one header that the endpoint's auth names, and a .netrc neither replaces it nor adds to it."""
    if netrc:
        (tmp_path / ".netrc").write_text("machine 127.0.0.1 login eve password evil\ndefault login eve password evil\n")
        (tmp_path / ".netrc").chmod(0o600)
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        monkeypatch.setenv("HOME", str(tmp_path))
    service.always = OK
    transport(service.url, auth, key).send(ask())
    seen = {k.lower(): v for k, v in service.received[0].headers.items()}
    assert {k: v for k, v in seen.items() if k in ("x-goog-api-key", "authorization")} == headers
    assert SECRET not in service.received[0].path


def test_proxy_of_the_environment(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's proxy is asked instead of the host, and no_proxy keeps it out."""
    service.always = OK
    monkeypatch.setenv("http_proxy", service.url)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PromptkitWarning)
        assert transport("http://gateway.invalid").send(ask()).status == 200
    assert service.received[0].path == f"http://gateway.invalid{PATH}"
    assert service.received[0].headers["x-goog-api-key"] == SECRET
    with serving() as other:
        other.always = OK
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        transport(other.url).send(ask())
        assert (len(service.received), other.received[0].path) == (1, PATH)


PLAIN = [
    ("http://gateway.example", "bearer", SECRET, 1),
    ("http://10.0.0.7:8000", "x-goog-api-key", SECRET, 1),
    ("http://localhost.example", "bearer", SECRET, 1),
    ("http://gateway.example", "bearer", None, 0),
    ("http://gateway.example", "none", SECRET, 0),
    ("https://gateway.example", "bearer", SECRET, 0),
    *((f"http://{host}", "bearer", SECRET, 0) for host in ("127.0.0.1:9", "127.8.0.1", "localhost:9", "[::1]:9", "me.localhost")),
]


@pytest.mark.parametrize(("url", "auth", "key", "count"), PLAIN)
def test_plain_http_warns(url: str, auth: str, key: str | None, count: int) -> None:
    """A key that would go in clear to another machine is warned of, once, and nothing else is."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        transport(url, auth, key)
    assert [w.category for w in said] == [PromptkitWarning] * count
    assert SECRET not in "".join(str(w.message) for w in said)


# What comes back


@pytest.mark.parametrize("status", [200, 204, 301, 302, 307, 400, 401, 403, 404, 407, 408, 418, 429, 500, 502, 503, 524])
def test_every_status_comes_back(service: Loopback, status: int) -> None:
    """Every status comes back as a Response with its headers and body, and no redirect is followed."""
    body = b"" if status == 204 else b'{"a": 1}'
    service.always = (status, {"X-Odd": "7", "Location": f"{service.url}/elsewhere"}, body)
    response = transport(service.url).send(ask())
    assert (response.status, response.header("x-odd"), response.body) == (status, "7", body)
    assert len(service.received) == 1


@pytest.mark.parametrize("target", ["http://[", "//", "http://a\x01b", "x" * 3000, "http://ü.invalid/ü"])
def test_odd_redirects_come_back(service: Loopback, target: str) -> None:
    """A redirect to nowhere is a Response like any other, with its body unread by anybody else."""
    service.always = (302, {"Location": target.encode().decode("latin-1")}, b"moved")
    assert transport(service.url).send(ask()).body == b"moved"


def test_gzip(service: Loopback) -> None:
    """A compressed reply comes back as it was before."""
    service.always = (200, {"Content-Encoding": "gzip"}, gzip.compress(LONG[2]))
    assert transport(service.url).send(ask()).body == LONG[2]


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "compressed"])
def test_too_large_a_reply(service: Loopback, compressed: bool) -> None:
    """A reply larger than the limit is refused while it comes, also where it is large only unpacked; one of the limit passes."""
    body = b"x" * 3_000_000
    service.always = (200, {"Content-Encoding": "gzip"}, gzip.compress(body)) if compressed else (200, {}, body)
    assert len(transport(service.url, reply_limit=3_000_000).send(ask()).body) == 3_000_000
    with pytest.raises(TransportError, match="more than 3 MB") as failed:
        transport(service.url, reply_limit=2_999_999).send(ask())
    assert failed.value.sent


def test_interrupted_gzip(service: Loopback) -> None:
    """A body that says gzip and is none is a broken reply."""
    service.always = (200, {"Content-Encoding": "gzip"}, b"not at all")
    with pytest.raises(TransportError) as failed:
        transport(service.url).send(ask())
    assert failed.value.sent


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n"
SLOWLY: tuple[bytes | float, ...] = tuple(x for _ in range(60) for x in (b"x", 0.05))
EMPTY_BLOCKS: tuple[bytes | float, ...] = tuple(x for _ in range(60) for x in (b"\x00\x00\x00\xff\xff", 0.05))
GZIPPED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
FAULTS: dict[str, tuple[bytes | float, ...]] = {
    "closed at once": (),
    "not HTTP": (b"SSH-2.0 hello\r\n\r\n",),
    "half a head": (HEAD,),
    "half a body": (HEAD + b"\r\n{",),
    "half a chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n{",),
    "no last chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",),
    "a chunk of no size": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",),
    "hangs at once": (3.0,),
    "hangs in the head": (HEAD, 3.0),
    "hangs in the body": (HEAD + b"\r\n{", 3.0),
    "trickles the head": (b"HTTP/1.1 200 OK\r\nX: ", *SLOWLY),
    "trickles the body": (HEAD + b"\r\n", *SLOWLY),
    "trickles the body, not kept alive": (b"HTTP/1.0 200 OK\r\n\r\n", *SLOWLY),
    "trickles what unpacks to nothing": (GZIPPED, *EMPTY_BLOCKS),
    "trickles interim replies": tuple(x for _ in range(60) for x in (b"HTTP/1.1 100 Continue\r\n\r\n", 0.05)),
}


@pytest.mark.parametrize("script", FAULTS.values(), ids=list(FAULTS))
def test_broken_replies(script: tuple[bytes | float, ...]) -> None:
    """Half a reply, or one that takes longer than the request's timeout in whatever way, is a TransportError that may have been charged."""
    with speaking(*script) as url:
        started = time.monotonic()
        with pytest.raises(TransportError) as failed:
            transport(url).send(ask(timeout=0.4))
        assert failed.value.sent
        assert time.monotonic() - started < 2.5
        assert "/v1beta" not in str(failed.value)


def test_the_timeout_is_for_the_whole_answer() -> None:
    """What the head of a reply took is no longer there for its body, also where the connection is not kept alive."""
    with speaking(0.8, HEAD + b"Connection: close\r\n\r\n{", 3.0) as url:
        started = time.monotonic()
        with pytest.raises(TransportError, match="did not answer in time"):
            transport(url).send(ask(timeout=0.9))
        assert time.monotonic() - started < 3


@pytest.mark.parametrize("reply", [Cut(LONG), Cut(LONG, 0.0), Hang(5), Trickle(LONG)], ids=["cut", "cut at 0", "hang", "trickle"])
def test_the_next_request_is_whole(service: Loopback, reply: Any) -> None:
    """After a broken reply the same transport sends and reads the next one whole."""
    service.say(reply, OK)
    sender = transport(service.url)
    with pytest.raises(TransportError) as failed:
        sender.send(ask(timeout=0.4))
    assert failed.value.sent
    assert sender.send(ask()).body == OK[2]


def test_a_server_that_does_not_read() -> None:
    """A body that nobody takes ends with the request's timeout too, and may have been charged."""
    with speaking(3.0, reading=False) as url:
        started = time.monotonic()
        with pytest.raises(TransportError) as failed:
            transport(url).send(ask(timeout=0.5, body=b"x" * 30_000_000))
        assert failed.value.sent
        assert time.monotonic() - started < 2.5


UNREACHABLE = ["https://gateway.invalid", "http://127.0.0.1:1", "https://a..b", "https://" + "a" * 80 + ".example", "https://ho st"]


@pytest.mark.parametrize("url", UNREACHABLE)
def test_unreachable(url: str) -> None:
    """Where no connection comes about nothing was sent, and the sentence says so with the host and without the path."""
    with pytest.raises(TransportError, match="cannot be reached") as failed:
        transport(url).send(ask())
    assert not failed.value.sent
    assert "v1beta" not in str(failed.value)


def test_a_connection_that_takes_too_long() -> None:
    """A host that accepts nobody is named as a person would, with no object of a library in the sentence; nothing was sent."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        with pytest.raises(TransportError, match=r"cannot be reached: ConnectTimeoutError: Connection to 127\.0\.0\.1 timed out") as failed:
            transport(f"http://127.0.0.1:{full.getsockname()[1]}").send(ask(timeout=0.5))
        for one in waiting:
            one.close()
    assert not failed.value.sent
    assert " at 0x" not in str(failed.value)


SENDS = """
import os, sys
from promptkit.providers.endpoints import Endpoint
from promptkit.providers.message import Request
from promptkit.providers.transport import transport_to
changed = []
sys.addaudithook(lambda event, args: changed.append(args[0]) if event in ("os.putenv", "os.unsetenv") else None)
line = transport_to(Endpoint("local", sys.argv[1]), None)
print(line.send(Request("/", (b"{}",), timeout=5.0)).status, changed)
"""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_request_leaves_the_environment_as_it_is(service: Loopback, host: str) -> None:
    """All threads share it: one that asks this machine, past every proxy, must not send another one's request past its own."""
    service.always = OK
    env = {**os.environ, "HTTP_PROXY": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1", "NO_PROXY": ""}
    command = [sys.executable, "-c", SENDS, service.url.replace("127.0.0.1", host)]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert (done.stdout, done.stderr[-500:]) == ("200 []\n", "")


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:1", "socks5://127.0.0.1:1", "gopher://127.0.0.1:1", "http://"])
def test_unreachable_proxy(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    """A proxy that cannot be used is a TransportError, and nothing was sent."""
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(TransportError) as failed:
        transport("https://gateway.invalid").send(ask())
    assert not failed.value.sent


def test_a_proxy_that_refuses_the_tunnel(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a proxy was sent to open a tunnel is not the request: nothing can have been charged."""
    with speaking(b"HTTP/1.1 403 Forbidden\r\n\r\n") as proxy:
        monkeypatch.setenv("https_proxy", proxy)
        with pytest.raises(TransportError, match="403") as failed:
            transport("https://gateway.invalid").send(ask())
        assert not failed.value.sent


def test_not_tls(service: Loopback, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A server without TLS, or certificates that cannot be read, is a TransportError, and nothing was sent."""
    with pytest.raises(TransportError) as failed:
        transport(service.url.replace("http:", "https:")).send(ask())
    assert not failed.value.sent
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    with pytest.raises(TransportError, match="CA") as failed:
        transport("https://gateway.invalid").send(ask())
    assert not failed.value.sent


# Where the key is not


def chain(error: BaseException | None, seen: set[int]) -> Iterator[Any]:
    """The error, all errors behind it, and what their fields and frames hold."""
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    yield from (str(error), repr(error), repr(error.args), repr(vars(error)))
    frames = [f for f, _ in traceback.walk_tb(error.__traceback__) if f.f_globals["__name__"].startswith("promptkit.")]
    assert frames
    yield from (repr(v) for f in frames for v in f.f_locals.values())
    assert not any(hasattr(v, "request") for f in frames for v in f.f_locals.values())  # an answer of requests' carries its headers
    for behind in (error.__context__, error.__cause__, *vars(error).values(), *error.args):
        if isinstance(behind, BaseException):
            yield from chain(behind, seen)


LEAKS: dict[str, tuple[bytes | float, ...]] = {
    "hang": (2.0,),
    "cut": (HEAD + b"\r\n{",),
    "echoed as the status line": (SECRET.encode() + b" " + SECRET.encode() + b"\r\n\r\n",),
    "echoed as a chunk's size": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + SECRET.encode() + b"\r\n",),
    "too large": (b"HTTP/1.1 200 OK\r\n\r\n" + SECRET.encode() * 10,),
    "echoed as an encoding": (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + SECRET.encode(),),
}


@pytest.mark.parametrize("auth", ["x-goog-api-key", "bearer", "raw"])
@pytest.mark.parametrize("script", LEAKS.values(), ids=list(LEAKS))
def test_the_key_is_nowhere(caplog: pytest.LogCaptureFixture, script: tuple[bytes | float, ...], auth: str) -> None:
    """The key stands in no text of an error, in nothing behind it or in its frames, in no repr and in no log record."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "urllib3")  # which it puts back
    with speaking(*script) as url:
        sender = transport(url, auth, reply_limit=100)
        with pytest.raises(TransportError) as failed:
            sender.send(ask(timeout=0.3))
        texts = [*chain(failed.value, set()), repr(sender), repr(vars(sender)), *traceback.format_exception(failed.value)]
    assert failed.value.__context__ is None
    assert SECRET not in "\n".join(texts)
    assert any(r.name.startswith("urllib3") for r in caplog.records)
    assert SECRET not in caplog.text + "".join(repr(vars(r)) for r in caplog.records)


# From several threads, and without a network


def test_threads(service: Loopback) -> None:
    """One transport serves many threads at once, and each gets the answer to its own request."""
    service.always = lambda received: json_reply(received.json)
    sender = transport(service.url)
    replies: dict[int, bytes] = {}

    def work(n: int) -> None:
        for i in range(5):
            replies[n * 10 + i] = sender.send(ask(body=b"%d" % (n * 10 + i))).body

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert replies == {n: b"%d" % n for n in replies}
    assert len(replies) == 40


def test_function_transport() -> None:
    """A function answers with a triple or a Response, gets the path and the body's bytes, and is a Transport as the real one is."""
    seen: list[Received] = []

    def handler(path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        seen.append(Received(path, {}, body))
        return Response.json({"a": 1}, 201) if len(seen) > 1 else (200, {}, b"{}")

    sender = FunctionTransport(handler)
    assert sender.send(ask(body=b"[1]")) == Response(200, {}, b"{}")
    assert sender.send(ask()) == Response.json({"a": 1}, 201)
    assert (seen[0].path, seen[0].body) == (PATH, b"[1]")
    assert isinstance(sender, Transport)
    assert isinstance(transport("https://gateway.example"), Transport)


def test_no_cookie_is_kept(service: Loopback) -> None:
    """What a gateway sets as a cookie does not come back to it: one request tells the next nothing."""
    service.say((200, {**OK[1], "Set-Cookie": "who=you; Path=/"}, OK[2]), OK)
    sender = transport(service.url)
    sender.send(ask())
    sender.send(ask())
    assert not [r for r in service.received if "cookie" in {name.lower() for name in r.headers}]


def test_all_who_ask_an_endpoint_with_one_key_share_its_transport() -> None:
    """One endpoint and one key have one transport in a process, another key has its own, and one that nobody holds is gone."""
    endpoint = Endpoint("work", "https://gateway.example.com", key_env=())
    first = transport_to(endpoint, Key("a-key-of-mine"))
    assert transport_to(endpoint, Key("a-key-of-mine")) is first
    assert transport_to(endpoint, Key("another-key")) is not first
    assert transport_to(endpoint, None) is not first
    gone = weakref.ref(first)
    del first
    gc.collect()
    assert gone() is None
