"""Processes that ask for the same thing at once, in one folder. Real processes, a real server that counts."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from kit.loopback import Cut, Loopback, error_reply, json_reply, picture_reply, png, text_reply
from kit.steps import answered, edit_json, made, under_way

from promptkit import Endpoint, LineageError, PromptkitError, Session
from promptkit.engine.engine import Engine
from promptkit.engine.failures import shared_failure
from promptkit.engine.request_claim import is_shared
from promptkit.lineage.request_claims import request_path
from promptkit.lineage.tree import Lineage
from promptkit.providers.keys import Key

ASKS = """
import json, sys
from promptkit import PromptkitError, Session, Step

url, how, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
bear = Session("./bear", endpoint=url, **options)
print("ready", flush=True)
sys.stdin.readline()
try:
    made = {
        "plain": lambda: bear.generate("a bear"),
        "fresh": lambda: bear.generate("a bear", fresh=True),
        "other": lambda: bear.generate("a fox"),
        "vary": lambda: bear.vary("a bear", n=3, workers=3, root=True),
        "fresh vary": lambda: bear.vary("a bear", n=3, workers=3, root=True, fresh=True),
        "add": lambda: bear.add("own.png"),
        "replay": lambda: Session("./other").replay(bear),
        "squash": lambda: bear.squash(2, 3),
    }[how]()
    steps = [made] if isinstance(made, Step) else list(made)
    print(json.dumps([[s.id, s.reused] for s in steps]), flush=True)
except PromptkitError as error:
    told = {k: v for k, v in vars(error).items() if isinstance(v, str | int | float | None) and k != "step"}
    print(json.dumps([type(error).__name__, str(error), error.step.id if error.step else None, error.step.reused, told]), flush=True)
"""


@contextmanager
def twins(url: str, hows: Sequence[str], **options: Any) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that are ready to ask, and are killed at the end."""
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", ASKS, url, how, json.dumps(options)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
            )
            for how in hows
        ]
        for process in processes:
            stack.callback(process.kill)
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        yield processes


def go(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        print(file=process.stdin, flush=True)


def told(process: subprocess.Popen[str]) -> Any:
    assert process.stdout
    return json.loads(process.stdout.readline())


def all_told(url: str, *hows: str, **options: Any) -> list[Any]:
    with twins(url, hows, **options) as processes:
        go(*processes)
        return [told(process) for process in processes]


def wait_for(what: Callable[[], object]) -> None:
    until = time.monotonic() + 20
    while not what():
        assert time.monotonic() < until
        time.sleep(0.01)


def slowly(reply: Any, seconds: float = 0.3) -> Callable[[Any], Any]:
    return lambda received: time.sleep(seconds) or reply


def left_over() -> list[str]:
    return [p.name for p in (*under_way(Path("bear")), *Path("bear").rglob(".tmp-*"))]


@pytest.mark.parametrize("count", [2, pytest.param(8, marks=pytest.mark.slow)])
def test_processes_that_ask_for_the_same_pay_once(service: Loopback, count: int) -> None:
    """Of several processes that ask for the same at once one asks, in a new folder too, and all have its step; nothing is left over."""
    for i in range(4):
        service.always = slowly(picture_reply(png((i, 0, 0))))
        shutil.rmtree("bear", ignore_errors=True)
        steps = [step for (step,) in all_told(service.url, *["plain"] * count)]
        assert len(service.received) == i + 1
        assert len({full_id for full_id, _ in steps}) == 1
        assert sorted(reused for _, reused in steps) == [False, *[True] * (count - 1)]
        assert (len(Session("./bear").steps), left_over()) == (1, [])


def test_other_requests_are_not_held_up(service: Loopback) -> None:
    """A process that asks for something else has its answer while the first waits for its own."""
    over = threading.Event()
    service.always = lambda received: picture_reply(png()) if "fox" in received.text else over.wait(20) and picture_reply(png("blue"))
    with twins(service.url, ["plain", "other"]) as (first, other):
        go(first)
        wait_for(lambda: service.received)
        go(other)
        assert told(other)[0][1] is False
        over.set()
        assert told(first)[0][1] is False


@pytest.mark.parametrize(("how", "options"), [("fresh", {}), ("plain", {"reuse": False})])
def test_who_wants_a_new_picture_does_not_wait(service: Loopback, how: str, options: dict[str, Any]) -> None:
    """fresh=True and reuse=False ask at once while another process asks for the same, and get a step of their own."""
    over = threading.Event()
    service.always = lambda received: over.wait(20) and picture_reply(png())
    with twins(service.url, ["plain"]) as (first,), twins(service.url, [how], **options) as (other,):
        go(first)
        wait_for(lambda: service.received)
        go(other)
        wait_for(lambda: len(service.received) == 2)
        over.set()
        assert told(first)[0][0] != told(other)[0][0]


WAIT = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "5.9s"}]
DAY = [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}]}]
FAILURES: dict[str, tuple[Any, str, str]] = {
    "refused": (text_reply("", "SAFETY"), "Refused", "change the prompt or the picture"),
    "refused by a gateway": (error_reply(400, "blocked: PROHIBITED_CONTENT"), "Refused", "PROHIBITED_CONTENT"),
    "text": (text_reply("What a nice idea!"), "NoPicture", "What a nice idea!"),
    "request": (error_reply(400, "Unknown name"), "ProviderError", "change what it names"),
    "key": (error_reply(401, "no such key"), "KeyRejected", "what it is allowed to do"),
    "key, said with 400": (error_reply(400, "x", details=[{"reason": "API_KEY_INVALID"}]), "KeyRejected", "check the key"),
    "region": (error_reply(400, "User location is not supported for the API use."), "RegionUnavailable", "such as a gateway"),
    "model": (error_reply(404, "models/x is not found"), "ModelNotFound", "check the model's name"),
    "model, said with 503": (json_reply({"error": {"code": "model_not_found", "message": "m"}}, 503), "ModelNotFound", "no channel"),
    "balance": (json_reply({"error": {"code": "insufficient_user_quota", "message": "x"}}, 403), "OutOfCredit", "top it up"),
    "balance, said with 200": (json_reply({"code": 402, "msg": "Credits insufficient"}), "OutOfCredit", "top it up"),
    "rate": (error_reply(429, "Too fast.", details=WAIT), "RateLimited", "Too many requests"),
    "quota": (error_reply(429, "Quota exceeded.", details=DAY), "QuotaExceeded", "wait a day"),
    "a long wait": (error_reply(429, "Your quota will reset after 4h28m20s."), "QuotaExceeded", "a wait of 4 h 28 min"),
    "busy": (error_reply(503, "overloaded", details=WAIT), "ServiceUnavailable", "try again later"),
    "lost": ((524, {}, b"<title>524: A timeout occurred</title>"), "ServiceUnavailable", "may have been made and charged"),
    "firewall": ((403, {}, b"error code: 1010"), "ProviderError", "A firewall or a proxy"),
    "too large": (error_reply(413, "x"), "ProviderError", "send fewer or smaller pictures"),
    "link": (text_reply("![image](https://img.example.com/x.png)"), "ProviderError", "https://img.example.com/x.png"),
    "task": (json_reply({"id": "task_1", "status": "queued"}), "ProviderError", "task_1"),
    "cut": (Cut(text_reply("What a nice idea!"), 0.5), "TransportError", "may have been charged"),
    "half JSON": ((200, {}, text_reply("What a nice idea!")[2][:40]), "TransportError", "broke off"),
}


QUICK = ("refused", "text", "balance", "a long wait", "cut")
SHARED = [pytest.param(*row, id=name, marks=() if name in QUICK else pytest.mark.slow) for name, row in FAILURES.items()]


@pytest.mark.parametrize(("reply", "kind", "advice"), FAILURES.values(), ids=list(FAILURES))
def test_a_record_tells_its_error(service: Loopback, reply: Any, kind: str, advice: str) -> None:
    """Of the record of a step that failed the same error is made again: its class, its facts, its sentence."""
    service.always = reply
    bear = Session("./bear", endpoint=service.url, api_key="a-key-of-this-test", recover=0, deadline=5.9)
    with pytest.raises(PromptkitError, match=advice) as failed:
        bear.generate("a bear")
    record, asks_at = failed.value.step.record, Endpoint("custom", service.url)
    again = shared_failure(record, endpoint=asks_at, key=Key("a-key-of-this-test"), deadline=5.9)
    assert type(failed.value).__name__ == type(again).__name__ == kind
    assert str(again).endswith(f"Step 1 of it says: {failed.value}".partition(" The key came from")[0])
    facts = [{k: v for k, v in vars(e).items() if k not in ("step", "details")} for e in (failed.value, again)]
    assert facts[0] == facts[1]
    assert "a-key-of-this-test" not in record.path.read_text(encoding="utf-8")


@pytest.mark.parametrize(("reply", "kind", "advice"), SHARED)
def test_a_failure_is_shared(service: Loopback, monkeypatch: pytest.MonkeyPatch, reply: Any, kind: str, advice: str) -> None:
    """Who waited for a step that failed has its record, and an error of the same class with the same facts and advice; it asks nothing."""
    monkeypatch.setenv("PROMPTKIT_API_KEY", "a-key-of-this-test")
    service.always = slowly(reply)
    first, second = sorted(all_told(service.url, "plain", "plain", recover=0, deadline=5.9), key=lambda said: said[3])
    assert [said[0] for said in (first, second)] == [kind] * 2
    assert (first[2], first[3], second[3], len(service.received)) == (second[2], False, True, 1)
    assert second[1].startswith("Another process asked for the same just now, and nothing was sent again. Step 1 of it says: ")
    assert second[1].endswith(first[1])
    assert advice in first[1]
    assert first[4] == second[4]


def test_a_budgets_end_is_shared(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the first process had no money to ask again, the second asks nothing either, and says why."""
    monkeypatch.setenv("GEMINI_API_KEY", "AIza-of-a-test")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", service.url)
    service.always = slowly((524, {}, b"<title>524: A timeout occurred</title>"))
    told = all_told("google", "plain", "plain", budget=0.05)
    assert [said[0] for said in told] == ["BudgetExceeded"] * 2
    assert len({said[2] for said in told}) == len(service.received) == 1


def test_who_asks_after_a_shared_failure_asks(service: Loopback) -> None:
    """A failure is the answer of those who waited for it, and of nobody who asks later."""
    service.always = slowly(text_reply("", "SAFETY"))
    all_told(service.url, "plain", "plain", recover=0)
    all_told(service.url, "plain", recover=0)
    assert len(service.received) == 2


def test_a_step_that_was_left_is_no_answer(service: Loopback) -> None:
    """Where the first process is stopped while it waits to ask again, the second asks for itself."""
    service.say(error_reply(503, "overloaded", details=[{**WAIT[0], "retryDelay": "30s"}]))
    service.always = picture_reply(png())
    with twins(service.url, ["plain"] * 2) as (first, second):
        go(first)
        wait_for(lambda: service.received)
        go(second)
        time.sleep(0.5)
        first.send_signal(signal.SIGINT)
        assert told(second)[0][1] is False
    assert len(service.received) == 2


@pytest.mark.parametrize("leave", [False, True], ids=["ended", "killed"])
def test_what_a_killed_process_left_is_no_answer(tmp_path: Path, leave: bool) -> None:
    """A step that ran to its end is shared with who waited for it; one that a dead process left behind an answer in words is not."""
    lineage = Lineage(tmp_path / "bear")
    made(lineage)
    step = answered(lineage)
    step.answer({"outcome": "interrupted" if leave else "text", "ended": "2026-11-28T00:00:00Z"})
    if not leave:
        step.commit("text")
    else:
        edit_json(step.claim, process=2**22 + 1)
        Lineage(lineage.folder).adopt()
    assert is_shared(Lineage(lineage.folder).records()[1]) is not leave


@pytest.mark.slow
@pytest.mark.parametrize(("how", "requests"), [("replay", 3), ("squash", 1)])
def test_trails_made_again_at_once_are_paid_once(service: Loopback, how: str, requests: int) -> None:
    """Two processes that replay the same trail into one session, or squash the same steps, pay for each step once."""
    for where in ("./other", "./bear"):
        Session(where, endpoint=service.url).generate("a bear").edit("add a hat").edit("make it night")
    if how == "replay":
        shutil.rmtree("bear")
    service.received.clear()
    colours = iter(range(99))
    service.always = lambda received: slowly(picture_reply(png((next(colours), 0, 0))))(received)
    one, other = all_told(service.url, how, how)
    assert [i for i, _ in one] == [i for i, _ in other]
    assert len(service.received) == requests
    assert sorted(reused for step in (one, other) for _, reused in step).count(False) == requests
    assert Session("./bear").verify() == []


def test_the_shell_says_that_a_step_came_from_another_process(service: Loopback) -> None:
    """A command that waited for another process's step prints its picture and says that nothing was sent."""
    over = threading.Event()
    service.always = lambda received: over.wait(20) and picture_reply(png())
    with twins(service.url, ["plain"]) as (first,):
        go(first)
        wait_for(lambda: service.received)
        command = [sys.executable, "-m", "promptkit", "generate", "a bear", "-s", "./bear", "-e", service.url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as second:
            time.sleep(0.5)
            over.set()
            out, said = second.communicate(timeout=20)
    assert Path(out.strip()).read_bytes() == png()
    assert "reused, nothing was sent" in said
    assert len(service.received) == 1


@pytest.mark.parametrize("reaped", [True, False], ids=["reaped", "a zombie"])
def test_who_waits_takes_over_from_the_dead(service: Loopback, reaped: bool) -> None:
    """A process that is killed while it asks is taken over from at once, reaped by its parent or not, by one of those who waited."""
    over = threading.Event()
    service.say(lambda received: over.wait(20) and picture_reply(png()))
    service.always = picture_reply(png("blue"))
    with twins(service.url, ["plain"] * 3) as (first, *others):
        go(first)
        wait_for(lambda: service.received)
        go(*others)
        time.sleep(0.3)
        assert len(service.received) == 1
        first.send_signal(signal.SIGKILL)
        if reaped:
            first.wait()
        steps = [told(other)[0] for other in others]
        over.set()
    assert len({full_id for full_id, _ in steps}) == 1
    assert len(service.received) == 2
    assert [r.outcome for r in Lineage(Path("bear")).records()] == ["interrupted", "picture"]
    assert left_over() == []


ADDS = """
import os, signal, sys
from promptkit import Session

def kill(event, arguments):
    if event == "os.rename" and "-add-" in str(arguments[1]) and str(arguments[1]).endswith(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(kill)
Session("./bear", endpoint="offline").add("own.png")
"""


@pytest.mark.parametrize("end", [".png", ".json"], ids=["before its picture has its name", "before its record has its name"])
def test_a_picture_whose_adding_was_killed_is_added_once(end: str) -> None:
    """Who adds a picture again whose process was killed on its way has the root that was about to be, and not a second one."""
    Path("own.png").write_bytes(png())
    dead = subprocess.run([sys.executable, "-c", ADDS, end], check=False)
    assert dead.returncode == -signal.SIGKILL
    bear = Session("./bear", endpoint="offline")
    assert bear.add("own.png").reused
    assert [s.outcome for s in bear.steps] == ["added"]


def test_at_the_deadline_an_error_names_who_asks(service: Loopback) -> None:
    """Who waits longer than its deadline is told process, machine and since when, and pays nothing."""
    over = threading.Event()
    service.always = lambda received: over.wait(20) and picture_reply(png())
    with twins(service.url, ["plain"]) as (first,):
        go(first)
        wait_for(lambda: service.received)
        with pytest.raises(LineageError, match=rf"process {first.pid} on .*, since 20\d\d-.*deadline=0.5 .*Nothing was sent"):
            Session("./bear", endpoint=service.url, deadline=0.5).generate("a bear")
        assert len(service.received) == 1
        over.set()
        told(first)


def test_several_at_once_are_shared_too(service: Loopback) -> None:
    """Two processes that vary the same prompt have the same steps, each paid for once."""
    service.always = lambda received: slowly(picture_reply(png(received.json["generationConfig"]["seed"] % 256)))(received)
    one, other = all_told(service.url, "vary", "vary")
    assert {i for i, _ in one} == {i for i, _ in other}
    assert len(service.received) == 3


def test_new_takes_are_not_waited_for(service: Loopback) -> None:
    """vary(fresh=True) passes over the takes that another process is just asking for, and pays for its own."""
    over = threading.Event()
    service.always = lambda received: over.wait(20) and picture_reply(png(received.json["generationConfig"]["seed"] % 256))
    with twins(service.url, ["vary", "fresh vary"]) as (first, other):
        go(first)
        wait_for(lambda: len(service.received) == 3)
        go(other)
        wait_for(lambda: len(service.received) == 6)
        over.set()
        assert not {i for i, _ in told(first)} & {i for i, _ in told(other)}


def test_who_waits_needs_no_money(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """A budget for one picture is enough for two processes that ask for the same one."""
    monkeypatch.setenv("GEMINI_API_KEY", "AIza-of-a-test")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", service.url)
    service.always = slowly(picture_reply(png()), 1)
    one, other = all_told("google", "plain", "plain", budget=0.05)
    assert one[0][0] == other[0][0]
    assert len(service.received) == 1


def test_the_same_picture_is_added_once(service: Loopback) -> None:
    """Several processes that add the same bytes at once have one root."""
    Path("own.png").write_bytes(png("green"))
    steps = [step for (step,) in all_told(service.url, *["add"] * 4)]
    assert len({full_id for full_id, _ in steps}) == 1
    assert (len(Session("./bear").steps), left_over()) == (1, [])


# Whose claims are dead


@pytest.fixture
def claim(service: Loopback) -> Path:
    """The claim of this process on a request, which it does not give up."""
    service.always = picture_reply(png())
    bear = Session("./bear", endpoint=service.url)
    bear.generate("a fox")
    recipe = str(bear.generate("a bear").record.recipe)
    bear[2].record.path.unlink()
    lineage = Engine.of(Path("bear").absolute()).lineage
    assert lineage.take_request(recipe) is None
    return request_path(lineage.folder, recipe)


@pytest.mark.parametrize(
    ("changes", "age", "dead"),
    [
        ({}, 1000, False),
        ({"machine": "another", "process": 2**22 + 1}, 60, False),
        ({"machine": "another", "process": 1}, 180, True),
        ({"space": "pid:[1]", "process": 2**22 + 1}, 60, False),
        ({"space": "pid:[1]", "process": 1}, 180, True),
        ({"process": 2**22 + 1}, 0, True),
        ({"run": "another"}, 0, True),
        ({"process": 1, "since": "1"}, 0, True),
        ({"process": os.getppid(), "since": None, "folder": 1}, 60, False),
        ({"process": os.getppid(), "since": None, "folder": 1}, 180, True),
    ],
    ids=[
        "ours",
        "another machine",
        "untouched there",
        "a container",
        "untouched in it",
        "gone",
        "restarted",
        "its number",
        "copied",
        "a copy",
    ],
)
def test_a_claim_is_dead_by_its_note(claim: Path, service: Loopback, changes: dict[str, Any], age: int, dead: bool) -> None:
    """A process here is asked after; another machine's or namespace's is dead when it has not touched its claim for two minutes."""
    edit_json(claim, **changes)
    os.utime(claim, (time.time() - age,) * 2)
    session = Session("./bear", endpoint=service.url, deadline=20 if dead else 0.3)
    if dead:
        assert session.generate("a bear").ok
        assert not claim.exists()
    else:
        with pytest.raises(LineageError, match="is being asked for by process"):
            session.generate("a bear")
        assert claim.exists()


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b"\xff"])
def test_a_claim_that_says_nothing_holds_up_nobody(claim: Path, service: Loopback, note: bytes) -> None:
    """What a process left that was killed while it wrote its claim is removed by who asks next."""
    claim.write_bytes(note)
    os.utime(claim, (0, 0))
    assert Session("./bear", endpoint=service.url).generate("a bear").ok
    assert left_over() == []
