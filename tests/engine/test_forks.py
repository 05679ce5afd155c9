"""A forked child that goes on with its parent's sessions: it shares no lock, no connection and no money set aside with the parent.

What a child that opens sessions of its own does is in test_engine, what processes that ask for the same do in test_twins.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kit.loopback import Loopback, json_reply, picture_reply, png

from promptkit import BudgetExceeded, Session
from promptkit.cost import USD

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),  # that is what is tested
]


def in_child(work: Callable[[], Any], seconds: float = 20.0) -> Any:
    """What a forked child's work gives, as JSON; a child that does not end by then is held up."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writing, json.dumps(work()).encode())
        except BaseException as error:
            os.write(writing, json.dumps(repr(error)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    until = time.monotonic() + seconds
    while not os.waitpid(child, os.WNOHANG)[0]:
        if time.monotonic() > until:
            os.kill(child, 9)
            os.waitpid(child, 0)
            pytest.fail("the child is held up")
        time.sleep(0.01)
    with os.fdopen(reading) as pipe:
        return json.loads(pipe.read())


def asked_meanwhile(service: Loopback, bear: Session, prompt: str, over: threading.Event) -> threading.Thread:
    """A thread that asks, and is answered when it is over."""
    count = len(service.received)
    service.say(lambda received: over.wait(20) and picture_reply(png("blue")))
    thread = threading.Thread(target=bear.generate, args=(prompt,))
    thread.start()
    while len(service.received) == count:
        time.sleep(0.01)
    return thread


def test_a_child_goes_on_while_a_thread_of_the_parent_asks(service: Loopback) -> None:
    """The child of a process with a request under way asks for other things at once, and for the same when the parent has its step."""
    colours = iter(range(99))
    service.always = lambda received: picture_reply(png((next(colours), 0, 0)))
    bear, over = Session("./bear", endpoint=service.url), threading.Event()
    bear.generate("a fox")
    thread = asked_meanwhile(service, bear, "a bear", over)
    assert in_child(lambda: [bear.generate("a cat").number, bear.edit("add a hat").ok]) == [3, True]
    threading.Timer(0.5, over.set).start()
    assert in_child(lambda: [(step := bear.generate("a bear")).number, step.reused]) == [2, True]
    thread.join()
    assert Session("./bear").verify() == []


@pytest.mark.parametrize("lock", ["lineage", "ledger", "engine", "rate limit", "transport", "painter", "pictures"])
def test_a_lock_that_a_thread_of_the_parent_holds_is_free_in_the_child(service: Loopback, lock: str) -> None:
    """Whatever a thread of the parent was just about, its child can ask, spend and measure."""
    from promptkit.images import picture
    from promptkit.providers import transport
    from promptkit.providers.offline import painter

    bear = Session("./bear", endpoint="offline")
    bear.generate("a fox")
    engine, connection = bear._engine, Session("./other", endpoint=service.url)._client.connection
    held = {
        "lineage": engine.lineage._lock,
        "ledger": engine.ledger._lock,
        "engine": engine._guard,
        "rate limit": connection.rate_limit._lock,
        "transport": transport._sharing,
        "painter": painter.ONE_AT_A_TIME,
        "pictures": picture._quiet._lock,
    }[lock]
    ready, over = threading.Event(), threading.Event()

    def hold() -> None:
        with held:
            ready.set()
            over.wait(0.3 if lock == "painter" else 20)  # a fork waits for who paints

    thread = threading.Thread(target=hold)
    thread.start()
    ready.wait()

    def work() -> bool:
        connection.rate_limit.hold(0.01)
        engine.ledger.reserve({USD: 0.01}, {USD: 1.0}, {})
        engine.ledger.release({USD: 0.01})
        return bool(bear.edit("add a hat").changes) and Session("./other", endpoint=service.url).generate("a cat").ok

    assert in_child(work) is True
    over.set()
    thread.join()


def test_a_child_talks_on_connections_of_its_own(service: Loopback) -> None:
    """A child opens a connection, although its parent's is there still, and both get the answers to their own requests."""
    bear = Session("./bear", endpoint=service.url)
    bear.generate("a fox")
    opened: list[str] = []
    sys.addaudithook(lambda event, _: opened.append(event) if event == "socket.connect" else None)
    service.always = lambda received: json_reply({"candidates": [{"finishReason": "SAFETY", "finishMessage": received.text}]})

    def refused(prompt: str) -> str:
        try:
            bear.generate(prompt)
        except Exception as error:
            return str(getattr(error, "message", error))
        return "made"

    own: list[str] = []
    thread = threading.Thread(target=lambda: own.extend(refused(f"parent {i}") for i in range(10)))
    thread.start()
    assert in_child(lambda: [*(refused(f"child {i}") for i in range(10)), len(opened)]) == [*(f"child {i}" for i in range(10)), 1]
    thread.join()
    assert own == [f"parent {i}" for i in range(10)]


def test_a_child_sets_money_aside_for_itself(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """What parent and child have under way counts for both, and what one gives back is not the other's."""
    monkeypatch.setenv("GEMINI_API_KEY", "AIza-of-a-test")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", service.url)
    bear, over = Session("./bear", endpoint="google", budget=0.1), threading.Event()
    thread = asked_meanwhile(service, bear, "a bear", over)

    def work() -> list[Any]:
        engine = bear._engine
        assert engine.ledger.reserve({USD: 0.039}, {USD: 0.1}, {}) is None
        try:
            bear.generate("a cat")
        except BudgetExceeded:
            return [len(list(Path("bear").glob(".open/usd-*"))), engine.ledger.used()[USD]]
        return []

    files, used = in_child(work)
    assert (files, used) == (2, pytest.approx(0.078))
    over.set()
    thread.join()
    assert len(service.received) == 1
