"""The live page: what it serves to its own user, what it writes down, and that it gives nothing to anybody else."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from kit.loopback import Loopback, png

from promptkit import LineageError, Session, SettingsError
from promptkit.session.live_page import LARGEST_BODY, LivePage

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def bear(service: Loopback) -> Session:
    bear = Session("./bear", endpoint=service.url)
    for color in ("red", "blue"):
        bear.add(png(color, (40, 30)))
    return bear


@pytest.fixture
def live(bear: Session) -> Iterator[LivePage]:
    with bear.page(serve=True) as live:
        yield live


def asked(live: LivePage, path: str, method: str = "GET", body: Any = None, token: str | None = None, **headers: str) -> tuple[int, bytes]:
    """The status and the body that come back."""
    where = urlsplit(live.url)
    own = token if token is not None else where.path.strip("/")
    connection = http.client.HTTPConnection(where.netloc, timeout=10)
    try:
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection.request(method, f"/{own}/{path}", data, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def marked(live: LivePage, said: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    status, body = asked(live, "marks", "POST", said, **{"Content_Type": "application/json", **headers})
    return status, json.loads(body)


# Its own user


def test_it_is_the_page_of_all_steps_and_shows_new_ones(bear: Session, live: LivePage) -> None:
    """Also those of another cursor; its version tells that there is something new."""
    before = asked(live, "version")
    assert asked(live, "version") == before
    assert re.findall(rb'<article id="([^"]+)"', asked(live, "")[1]) == [b"step-1", b"step-2"]
    Session("./bear", endpoint="offline").add(png("lime"))
    assert asked(live, "version") != before
    status, html = asked(live, "")
    assert (status, re.findall(rb'<article id="([^"]+)"', html)) == (200, [b"step-1", b"step-2", b"step-3"])
    assert b"connect-src &#x27;self&#x27;" in html


def test_a_mark_is_written_at_once(bear: Session, live: LivePage) -> None:
    """All that the reader says of the step, with a box, in place of what the same reader said before; None takes it back."""
    said = {"step": bear[1].id, "verdict": "keep", "stars": 4, "note": "bluer", "region": [1, 2, 11, 12], "by": "Ann"}
    version = asked(live, "version")
    assert marked(live, said) == (200, {"text": "keep ★★★★ bluer 10x10+1+2"})
    assert [(m.number, m.verdict, m.stars, m.note, m.region, m.by) for m in bear.marks] == [(1, "keep", 4, "bluer", (1, 2, 11, 12), "Ann")]
    assert asked(live, "version") != version
    assert marked(live, {"step": bear[1].id, "verdict": "reject", "by": "Ann"})[0] == 200
    assert [(m.verdict, m.stars) for m in bear.marks] == [("reject", None)]
    assert marked(live, {"step": bear[1].id, "by": "Ann"}) == (200, {"text": "taken back"})
    assert len(bear.marks) == 0


def test_two_readers_mark_side_by_side(bear: Session, live: LivePage) -> None:
    """Both at the same time, many times: each one's last word counts, and each gets the whole page."""
    answers: list[int] = []

    def read(name: str, verdict: str) -> None:
        for stars in range(1, 6):
            answers.append(marked(live, {"step": bear[1].id, "verdict": verdict, "stars": stars, "by": name})[0])
            answers.append(asked(live, "")[0])

    readers = [threading.Thread(target=read, args=each) for each in (("Ann", "keep"), ("Bo", "reject"))]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert answers == [200] * 20
    assert [(m.by, m.verdict, m.stars) for m in bear.marks] == [("Ann", "keep", 5), ("Bo", "reject", 5)]


def test_a_picture_is_served_as_it_is(bear: Session, live: LivePage) -> None:
    """By its file's name, as the page links it."""
    name = bear[2].record.outputs[0].name
    assert f'href="files/{name}"'.encode() in asked(live, "")[1]
    assert asked(live, f"files/{name}") == (200, png("blue", (40, 30)))


def test_what_is_no_mark_is_refused_in_a_sentence(bear: Session, live: LivePage) -> None:
    """With what was expected; nothing is written."""
    step = bear[1].id
    for said, message in (
        ({"step": step, "verdict": "maybe"}, 'A mark is "keep", "reject" or None'),
        ({"step": step, "stars": 6}, "from 1 to 5"),
        ({"step": step, "region": [0, 0, 999, 9]}, "reaches outside"),
        ({"step": step, "note": 5}, "note"),
        ({"step": "1", "verdict": "keep"}, "the id of a step"),
        ({"step": "0" * 64, "verdict": "keep"}, "no step"),
        ([], "the id of a step"),
    ):
        status, answer = marked(live, said)
        assert status == 400
        assert message in answer["message"]
    assert len(bear.marks) == 0


# Nobody else


@pytest.mark.parametrize("token", ["", "wrong", "%C3%A9", "a" * 5000])
def test_a_stranger_gets_nothing(bear: Session, live: LivePage, token: str) -> None:
    """Without the token there is no page, no version, no picture and no mark."""
    path = bear[1].record.outputs[0].name
    for each in ("", "version", f"files/{path}"):
        assert asked(live, each, token=token)[0] == 404
    assert asked(live, "marks", "POST", {"step": bear[1].id, "verdict": "keep"}, token="wrong", **JSON)[0] == 404
    assert len(bear.marks) == 0


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example", "evil@127.0.0.1", "[", ""]
)
def test_another_hosts_name_gets_nothing(bear: Session, live: LivePage, host: str) -> None:
    """Whoever leads a name of their own to this machine (DNS rebinding), though they knew the token."""
    assert asked(live, "", Host=host)[0] == 403
    assert marked_status(live, bear, Host=host) == 403


def marked_status(live: LivePage, bear: Session, **headers: str) -> int:
    return asked(live, "marks", "POST", {"step": bear[1].id, "verdict": "keep"}, **{"Content_Type": "application/json", **headers})[0]


def test_another_sites_page_gets_nothing(bear: Session, live: LivePage) -> None:
    """By the origin that a browser names; and a form, which can only send other media types, writes nothing."""
    assert marked_status(live, bear, Origin="http://evil.example") == 403
    assert marked_status(live, bear, Origin="null") == 403
    assert marked_status(live, bear, Content_Type="text/plain") == 415
    assert len(bear.marks) == 0
    assert marked_status(live, bear, Origin=live.url.rsplit("/", 2)[0]) == 200


def test_its_own_other_name_and_a_tunnels_port_are_taken(live: LivePage) -> None:
    """localhost, and a port that leads here."""
    assert asked(live, "version", Host="localhost")[0] == asked(live, "version", Host="localhost:9999")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        *("files/../session.json", "files/%2e%2e/secret.png", "files/..%2fsecret.png", "../secret.png", "files//etc/passwd"),
        *("files/%2fetc%2fpasswd", "files/", "files/1.json", "files/.", "marks", "version/", "files/secret.png", "files/..\\secret.png"),
    ],
)
def test_a_path_leads_to_no_other_file(bear: Session, live: LivePage, path: str) -> None:
    """Only to pictures that records name; not to a file that lies in the folder, or beside it."""
    for place in (bear.folder, bear.folder.parent):
        (place / "secret.png").write_bytes(png())
    assert asked(live, path)[0] == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Length": str(LARGEST_BODY + 1)}, b"413"),
        ({"Content-Length": "9" * 12}, b"413"),
        ({"Content-Length": "-1"}, b"411"),
        ({"Content-Length": "many"}, b"411"),
        ({}, b"411"),
        ({"Transfer-Encoding": "chunked", "Content-Length": "5"}, b"411"),
    ],
)
def test_a_body_has_a_bound(live: LivePage, headers: dict[str, str], status: bytes) -> None:
    """It is refused before it is read: by what it says of its length."""
    where = urlsplit(live.url)
    lines = [f"POST {where.path}marks HTTP/1.1", f"Host: {where.netloc}", *(f"{k}: {v}" for k, v in {**JSON, **headers}.items()), "", ""]
    with socket.create_connection((where.hostname, where.port), timeout=10) as client:
        client.sendall("\r\n".join(lines).encode())
        assert client.recv(1000).split()[1] == status


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 5000])
def test_a_body_that_is_no_json_is_refused(live: LivePage, body: bytes) -> None:
    """With a sentence."""
    assert asked(live, "marks", "POST", body, Content_Type="application/json")[0] == 400


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "HEAD"])
def test_other_methods_are_refused(live: LivePage, method: str) -> None:
    """And nothing of what was asked comes back."""
    status, body = asked(live, "<script>", method)
    assert status == 501
    assert b"script" not in body


# Its end


def test_who_hangs_up_ends_nothing(live: LivePage, capfd: pytest.CaptureFixture[str]) -> None:
    """A socket that is closed before it asked, while it asks, and before it heard the answer: no traceback, and the next is served."""
    where = urlsplit(live.url)
    for said in (b"", b"GET ", f"POST {where.path}marks HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Length: 50\r\n\r\n{{".encode()):
        socket.create_connection((where.hostname, where.port)).close()
        with socket.create_connection((where.hostname, where.port)) as client:
            client.sendall(said)
    for _ in range(5):
        with socket.create_connection((where.hostname, where.port)) as client:
            client.sendall(f"GET {where.path} HTTP/1.1\r\nHost: {where.netloc}\r\n\r\n".encode())
    assert asked(live, "version")[0] == 200
    assert "Traceback" not in capfd.readouterr().err


def test_it_ends_when_it_is_closed(bear: Session) -> None:
    """Nobody listens there any more; closing twice is closing; who waited goes on."""
    live = bear.page(serve=True)
    waiting = threading.Thread(target=live.wait)
    waiting.start()
    live.close()
    live.close()
    waiting.join()
    with pytest.raises(ConnectionRefusedError):
        asked(live, "")
    assert repr(live) == "<LivePage, closed>"


def test_it_shows_itself_as_a_link(live: LivePage) -> None:
    """In a notebook, where one clicks; after its end there is none."""
    assert f'<a href="{live.url}" target="_blank"' in live._repr_mimebundle_()["text/html"]
    assert live.url in repr(live)
    live.close()
    assert "text/html" not in live._repr_mimebundle_()


def test_no_two_have_the_same_address(bear: Session, live: LivePage) -> None:
    """Each has a token of its own."""
    with bear.page(serve=True) as other:
        assert urlsplit(other.url).path != urlsplit(live.url).path


def test_it_is_no_file(bear: Session) -> None:
    """What says where a file goes, or which steps, is refused; so is a session with nothing to show, before anybody is served."""
    for more in ({"path": "a.html"}, {"steps": [1]}, {"review": True}):
        with pytest.raises(SettingsError, match="A live page is no file, and shows all steps"):
            bear.page(serve=True, **more)  # type: ignore[call-overload]
    with pytest.raises(LineageError, match="nothing to show yet"):
        Session("./none", endpoint="offline").page(serve=True)


def test_it_asks_no_service(service: Loopback, bear: Session, live: LivePage) -> None:
    """Whatever is read and marked."""
    asked(live, "")
    marked(live, {"step": bear[1].id, "verdict": "keep"})
    assert service.received == []
