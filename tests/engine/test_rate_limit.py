"""What requests to one endpoint share: the wait that the service asked one of them for.

Waits that are shared; how long one request waits by itself is tested in test_recovery.py.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

import pytest
from kit.loopback import Loopback, Received, error_reply, picture_reply, png, serving
from kit.steps import under_way

from promptkit import Endpoint, RateLimited, Session
from promptkit.engine.rate_limit import RateLimit, rate_limit_of
from promptkit.providers.keys import Key


def rate_limited(seconds: float) -> object:
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{seconds}s"}
    return error_reply(429, "Resource has been exhausted (e.g. check quota).", details=[info])


def clocked(service: Loopback) -> list[float]:
    """The service paints, and notes when each request came."""
    came: list[float] = []

    def paint(received: Received) -> object:
        came.append(time.monotonic())
        time.sleep(0.2)
        return picture_reply(png())

    service.always = paint
    return came


def test_a_gate_is_closed_for_the_longest_wait() -> None:
    """It is open at first; of two waits the one that ends later counts."""
    limit = RateLimit()
    assert limit.seconds_left() == 0
    limit.hold(30)
    limit.hold(10)
    assert 29 < limit.seconds_left() <= 30


@pytest.mark.slow
def test_a_rate_limit_holds_all_that_are_on_their_way(service: Loopback, caplog: pytest.LogCaptureFixture) -> None:
    """After one of vary's requests was told to wait, none of the others goes out before; the waits are logged with their cause."""
    caplog.set_level(logging.INFO, "promptkit")
    came = clocked(service)
    told: list[float] = []

    def refuse(received: Received) -> object:
        time.sleep(0.3)  # the second of the two has been sent by now, and is answered
        told.append(time.monotonic())
        return rate_limited(1.5)

    service.say(refuse)
    steps = Session("./bear", endpoint=service.url).vary("a fox", n=5, root=True, workers=2)
    assert [s.ok for s in steps] == [True] * 5
    assert sorted(len(s.attempts) for s in steps) == [1, 1, 1, 1, 2]
    assert [t - told[0] for t in came if t > told[0] + 0.1 and t - told[0] < 1.5] == []
    waits = [r.getMessage() for r in caplog.records if r.name == "promptkit" and r.getMessage().startswith("waiting")]
    assert any("Resource has been exhausted" in said for said in waits)
    assert any("keeps another request waiting" in said for said in waits)


@pytest.mark.slow
def test_sessions_share_the_wait_and_endpoints_do_not(service: Loopback) -> None:
    """Another session at the same endpoint waits as well, up to its deadline, and then sends and records nothing; elsewhere it goes on."""
    service.say(rate_limited(6))
    first = threading.Thread(target=Session("./first", endpoint=service.url).generate, args=("a fox",))
    first.start()
    while not service.received:
        time.sleep(0.01)
    time.sleep(0.3)
    second = Session("./second", endpoint=service.url, deadline=2)
    with pytest.raises(RateLimited, match=r"takes nothing for \d s more, longer than deadline=2 allows") as held:
        second.generate("a bear")
    assert held.value.retry_after is not None
    assert 2 < held.value.retry_after <= 6
    assert (len(service.received), len(second)) == (1, 0)
    assert not under_way(Path("second"))
    with serving() as elsewhere:
        assert Session("./third", endpoint=elsewhere.url, deadline=5).generate("a cat").ok
    first.join()
    assert Session("./first").steps[0].ok


def test_another_key_is_not_held(service: Loopback) -> None:
    """A service counts each key's requests apart: a wait that it asked for holds all that ask with the same key, and nobody else."""
    endpoint = Endpoint("work", service.url, key_env=(), key_required=False)
    rate_limit_of(endpoint.base_url, Key("a-key-of-mine")).hold(600)
    for name, key in (("another", "another-key-of-mine"), ("none", None)):
        assert Session(f"./{name}", endpoint=endpoint, api_key=key, deadline=5).generate("a fox").ok
    with pytest.raises(RateLimited, match="Nothing was sent"):
        Session("./same", endpoint=endpoint, api_key="a-key-of-mine", deadline=5).generate("a fox")
    assert [r.headers.get("x-goog-api-key") for r in service.received] == ["another-key-of-mine", None]
