"""A planted key, and a service that echoes it wherever it can: afterwards it is searched for in all that can be read.

That a key is never seen; which key goes where is tested in tests/test_config.py and tests/providers/test_transport.py.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import nbformat
import pytest
from kit.loopback import Cut, Hang, Loopback, Received, error_reply, json_reply, picture_reply, png, text_reply
from kit.notebook import executed

import promptkit
from promptkit import PromptkitError, Session
from promptkit.lineage.tree import Lineage
from promptkit.providers.keys import Key
from promptkit.views.page import page_html

KEY = "sk-planted+0123456789/abcdef"
ECHO = {"X-Echo": KEY, "Retry-After": "0"}
OUR_CODE = Path(promptkit.__file__).parent  # the clone, with these tests in it, may be called promptkit too


def error(status: int, message: str, **more: object) -> object:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": KEY, "metadata": {"key": KEY}}]
    return error_reply(status, f"{message}: {KEY}", details=details, headers=ECHO, **more)


def refusal() -> object:
    return json_reply({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": f"no {KEY}"}}, headers=ECHO)


# what the service does when the prompt names it; each ends in another class of error, but for the first two
REPLIES: dict[str, Callable[[], object]] = {
    "picture": lambda: picture_reply(png(), text=f"Here, {KEY}", modelVersion="gemini-2.5-flash-image", responseId=KEY),
    "conversation": lambda: picture_reply(png("blue"), text=f"Here, {KEY}"),
    "text": lambda: text_reply(f"I cannot, {KEY}"),
    "refusal": refusal,
    "bad request": lambda: error(400, "Invalid value"),
    "bad key": lambda: error(401, "Incorrect API key provided", type=KEY),
    "forbidden": lambda: error(403, "Method doesn't allow unregistered callers"),
    "no model": lambda: error(404, "models/x is not found"),
    "rate": lambda: error(429, "Resource has been exhausted"),
    "credit": lambda: json_reply({"error": {"message": f"balance of {KEY}", "type": KEY, "code": "insufficient_user_quota"}}, 403, ECHO),
    "broken": lambda: error(500, "internal"),
    "page": lambda: (502, {"Content-Type": "text/html", **ECHO}, f"<html><title>{KEY}</title>{KEY}</html>".encode()),
    "redirect": lambda: (307, {"Location": f"http://127.0.0.1:9/?key={quote(KEY)}", **ECHO}, KEY.encode()),
    "garbage": lambda: (200, {"Content-Type": "application/json", **ECHO}, f'{{"candidates": "{KEY}'.encode()),
    "cut": lambda: Cut(picture_reply(png(), text=KEY)),
    "hang": lambda: Hang(5),
}
FAILURES = [kind for kind in REPLIES if kind not in ("picture", "conversation")]


def echo(received: Received) -> object:
    assert KEY in (received.headers.get("x-goog-api-key"), received.headers.get("X-Goog-Api-Key"))
    return REPLIES[received.text.removeprefix("Generate an image: ").partition(" please")[0]]()


SETUP = """
import logging, sys
logging.basicConfig(filename="everything.log", level=logging.DEBUG)
from promptkit import Session
bear = Session("./bear", endpoint=ENDPOINT, recover=0, deadline=3)
"""


def notebook(url: str) -> nbformat.NotebookNode:
    """A notebook that makes a picture, meets each failure, and shows all that can be shown."""
    v4 = nbformat.v4
    cells = [v4.new_code_cell(SETUP.replace("ENDPOINT", repr(url)))]
    cells += [v4.new_code_cell(f"bear.generate({kind + ' please'!r})") for kind in REPLIES]
    cells += [v4.new_code_cell("bear.vary('bad key please', n=2, root=True)")]
    cells += [v4.new_code_cell(show) for show in ("bear", "bear.head", "bear.steps", "bear._reached", "vars(bear)", "bear.verify()", "%tb")]
    for cell in cells[1:]:
        cell.metadata["tags"] = ["raises-exception"]
    return v4.new_notebook(cells=cells)


def spellings() -> Iterator[bytes]:
    """The key as it is, and as a URL, JSON in ASCII, or base64 might spell it."""
    yield from (KEY.encode(), quote(KEY).encode(), quote(KEY, safe="").encode(), json.dumps(KEY)[1:-1].replace("/", "\\/").encode())
    for begin in range(3):  # base64 of something that holds it
        yield base64.b64encode(KEY[begin:].encode())[:-4]


def holding(folder: Path) -> list[str]:
    """The files that hold the key, by whatever name they or it go."""
    found = []
    for path in folder.rglob("*"):
        said = str(path.relative_to(folder)).encode() + (path.read_bytes() if path.is_file() else b"")
        found += [f"{path}: {spelling!r}" for spelling in spellings() if spelling in said]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("whole", ["", "1"], ids=["one sentence", "whole tracebacks"])
def test_a_notebook_shows_and_keeps_no_key(service: Loopback, monkeypatch: pytest.MonkeyPatch, whole: str) -> None:
    """No output, log record at DEBUG, record, picture's name or page holds the key, after successes and after each kind of failure."""
    service.always = echo
    monkeypatch.setenv("PROMPTKIT_API_KEY", KEY)
    monkeypatch.setenv("PROMPTKIT_TRACEBACK", whole)
    nbformat.write(notebook(service.url), "shown.ipynb")
    nbformat.write(executed(Path("shown.ipynb"), Path.cwd()), "shown.ipynb")
    bear = Session("./bear")
    Path("page.html").write_text(page_html(Lineage(bear.folder)), encoding="utf-8")
    outputs = [o for c in nbformat.read("shown.ipynb", as_version=4).cells for o in c.outputs]
    errors = [o["ename"] for o in outputs if o["output_type"] == "error"]
    assert len(errors) >= len(FAILURES)
    assert len(bear) >= len(REPLIES)
    assert "promptkit" in Path("everything.log").read_text()
    assert holding(Path.cwd()) == []


def behind(error: BaseException | None, seen: set[int]) -> Iterator[BaseException]:
    """An error, and all that it came from."""
    if error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        yield from behind(error.__cause__, seen)
        yield from behind(error.__context__, seen)


@pytest.mark.parametrize("chain", ["picture", "chat"])
@pytest.mark.parametrize("kind", [pytest.param(k, marks=pytest.mark.slow) if k == "hang" else k for k in FAILURES])
def test_an_error_and_what_is_behind_it_hold_no_key(service: Loopback, chain: str, kind: str) -> None:
    """Neither its text, its fields, its context nor a traceback that prints the locals of our frames holds the key."""
    service.always = echo
    bear = Session("./bear", endpoint=service.url, api_key=KEY, recover=0, deadline=3, chain=chain)
    bear.generate("picture please")
    with pytest.raises(PromptkitError) as caught:
        bear.generate(f"{kind} please")
    said = [repr(bear), repr(bear.head), repr(Key(KEY)), str(Key(KEY))]
    for error in behind(caught.value, set()):
        said += [str(error), repr(error), repr(vars(error)), "".join(traceback.format_exception(error))]
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        frames = [f for f in shown.stack if Path(f.filename).is_relative_to(OUR_CODE)]
        said += [str(f.locals) for f in frames]
    held = [text[:300] for text in said for spelling in spellings() if spelling in text.encode("utf-8", "replace")]
    assert held == []
    assert holding(bear.folder) == []


def test_a_command_says_no_key(service: Loopback) -> None:
    """The command line prints no key, on neither stream, whatever the service answers."""
    service.always = echo
    env = {**os.environ, "PROMPTKIT_API_KEY": KEY, "PROMPTKIT_TRACEBACK": "1"}
    for kind in ("picture", "text", "bad key", "page", "garbage"):
        command = [sys.executable, "-m", "promptkit", "generate", f"{kind} please", "-s", "./bear", "-e", service.url, "--recover", "0"]
        done = subprocess.run(command, capture_output=True, env=env)
        assert not any(spelling in done.stdout + done.stderr for spelling in spellings())
    assert holding(Path.cwd()) == []
