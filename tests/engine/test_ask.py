"""The loop that asks: what it sends, what it keeps aside, what it never writes down, in odd orders of events.

Which words and waits come after which reply is tested in test_recovery.py, broken connections in tests/providers/test_transport.py.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
from kit.loopback import Hang, Loopback, error_reply, json_reply, picture_reply, png, text_reply

from promptkit import (
    BudgetExceeded,
    FunctionTransport,
    KeyRejected,
    LineageError,
    NoPicture,
    PromptkitWarning,
    Response,
    Session,
    SettingsError,
    StepNotFound,
    TransportError,
)

SECRET = "sk-planted-0123456789"


def test_ctrl_c_while_waiting_sends_nothing_more(service: Loopback) -> None:
    """After Ctrl-C in the middle of waits, not one more request goes out, and what was answered is on record."""
    service.always = error_reply(503, "later", headers={"Retry-After": "20"})
    script = f"from promptkit import Session; Session('./bear', endpoint={service.url!r}).vary('a fox', n=4, root=True)"
    running = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL)
    while len(service.received) < 4:
        assert running.poll() is None
        time.sleep(0.02)
    time.sleep(0.3)
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=18) != 0, "before the waits are over"
    time.sleep(0.3)
    assert len(service.received) == 4
    assert [(s.outcome, len(s.attempts)) for s in Session("./bear")] == [("interrupted", 1)] * 4


def test_the_key_reaches_no_file_by_any_way(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever part of a call holds a key is refused, and what a service echoes is removed, in the turns of a chat too."""
    bear = Session("./bear", endpoint=service.url, api_key=SECRET, chain="chat")
    calls = [
        lambda: bear.generate("x", safety={"A": SECRET}),
        lambda: bear.generate("x", label=SECRET),
        lambda: bear.add(png(), label=SECRET),
        lambda: Session("./bear", endpoint=service.url, api_key=SECRET, model=SECRET).generate("x"),
    ]
    for call in calls:
        with pytest.raises(SettingsError, match=r"holds a key|looks like a key") as said:
            call()
        assert SECRET not in str(said.value)
    assert not bear.folder.exists()
    service.say(picture_reply(png(), text=f"your key is {SECRET}"))
    bear.generate("x")
    with pytest.raises(SettingsError, match="holds a key"):
        bear.tag(SECRET)
    monkeypatch.setenv("GEMINI_API_KEY", "AIza-another-one-that-is-set")
    with pytest.raises(SettingsError, match="holds a key"):
        bear.generate("say AIza-another-one-that-is-set")
    found = [p for p in bear.folder.rglob("*") if p.is_file() and SECRET.encode() in p.read_bytes()]
    assert found == []
    assert SECRET not in repr(vars(bear))


def test_a_short_key_is_no_secret(service: Loopback) -> None:
    """A key such as a local gateway takes may stand in a prompt, and nothing in a reply is taken for it."""
    service.say(picture_reply(png(), text="a test"))
    assert Session("./bear", endpoint=service.url, api_key="test").generate("a test pattern").text == "a test"


def test_again_and_vary_send_no_draft_to_a_service(service: Loopback) -> None:
    """What would send an offline draft to a service asks for it to be named; what would not, does not."""
    drafts = Session("./bear", endpoint="offline")
    drafts.generate("a fox").edit("add a hat")
    paid = Session("./bear", endpoint=service.url)
    for call in (paid.again, paid.vary):
        with pytest.raises(SettingsError, match="on=1"):
            call()
    assert service.received == []
    paid.goto(1)
    assert paid.again().endpoint != "offline"


@pytest.mark.filterwarnings("ignore:step")  # pictures of other sizes than those they continue
def test_again_takes_references_along(service: Loopback) -> None:
    """References given to again go along with the pictures that the request had."""
    service.always = picture_reply(png("red"))
    bear = Session("./bear", endpoint=service.url)
    hat = bear.add(png("green"))
    step = bear.generate("a fox").edit("add a hat").again("as in the reference", references=[hat])
    assert service.received[-1].pictures == [png("red"), png("green")]
    assert step.parents == (bear[2], hat)


def test_a_second_run_finds_what_other_models_were_asked_meanwhile(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook in which a second session asks another model, or paints drafts, sends nothing when it runs again."""
    monkeypatch.setenv("GEMINI_API_KEY", "AIza-of-a-test")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", service.url)

    def notebook() -> list[object]:
        fox = Session("./fox").generate("a fox")
        pro = Session("./fox", model="gemini-3-pro-image").edit("add a hat", on=fox)
        return [fox, pro, Session("./fox", endpoint="offline").edit("make it night", on=pro)]

    first = notebook()
    drafts, reused = "offline drafts", "asked .* at google for this already"
    with pytest.warns(PromptkitWarning, match=drafts), pytest.warns(PromptkitWarning, match=reused):
        assert notebook() == first
    assert len(service.received) == 2


def test_a_draft_never_stands_for_a_services_picture(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was drafted offline is asked for when the session goes on at a service."""
    monkeypatch.setenv("GEMINI_API_KEY", "AIza-of-a-test")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", service.url)
    Session("./fox", endpoint="offline").generate("a fox")
    Session("./fox", endpoint="google").generate("a cat")
    fox = Session("./fox").generate("a fox")
    assert (fox.reused, fox.endpoint) == (False, "google")


WATCHED = """
import os, sys, threading
from promptkit import Session
calls = []
def watch(frame, event, what):
    if event == "c_call" and what in (os.fsync, os.replace, os.rename):
        calls.append(what.__name__)
sys.setprofile(watch); threading.setprofile(watch)
session = Session("./bear", endpoint=sys.argv[1], recover=0)
try:
    session.generate("a fox")
except Exception:
    pass
sys.setprofile(None)
print(*calls)
"""


def calls_of_the_system(url: str) -> list[str]:
    """The fsyncs and renames of one step in a session that is there, in order."""
    Session("./bear", endpoint="offline").add(png("white"))
    done = subprocess.run([sys.executable, "-c", WATCHED, url], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_a_picture_is_on_the_disk_itself_before_the_call_returns(service: Loopback) -> None:
    """The note that names the picture, and its name, are fsynced first; then picture and record before they get their names, and the folder
    after that; only the head's name follows.
    """
    service.say(picture_reply(png()))
    calls = calls_of_the_system(service.url)
    note, rest = ["fsync", "replace", "fsync"], ["fsync", "replace", "fsync", "replace", "fsync", "replace"]
    assert calls[-9:] == [*note, *rest], "note and folder; picture, record, folder, head"
    assert calls.count("fsync") == 5


def test_a_paid_answer_without_a_picture_is_noted_on_the_disk_itself(service: Loopback) -> None:
    """The note of an attempt that brought words only is fsynced, and so is the record of the failed step."""
    service.say(text_reply())
    calls = calls_of_the_system(service.url)
    assert calls[-5:] == ["fsync", "replace", "fsync", "replace", "fsync"], "note, record, folder"


def test_a_move_that_fails_moves_nothing(service: Loopback) -> None:
    """undo onto a step that is gone raises, and the head stays where it was, on disk too."""
    bear = Session("./bear", endpoint=service.url)
    one = bear.generate("a fox")
    two = one.edit("add a hat")
    one.record.path.unlink()
    reopened = Session("./bear", endpoint=service.url)
    with pytest.raises(StepNotFound):
        reopened.undo()
    assert reopened.head == Session("./bear").head == two
    (bear.folder / "head").unlink()
    with pytest.raises(LineageError, match="goto"):
        Session("./bear", endpoint=service.url).edit("x")


def test_the_budget_counts_what_may_have_been_charged() -> None:
    """An attempt that broke off counts at the price of its request, so that a hanging service does not eat past the budget."""

    def hanging(path: str, body: bytes) -> Response:
        raise TransportError("nothing came", sent=True)

    bear = Session("./bear", endpoint="google", transport=FunctionTransport(hanging), budget=0.05, recover=0)
    with pytest.raises(TransportError):
        bear.generate("a fox")
    with pytest.raises(BudgetExceeded):
        bear.generate("a fox")
    assert len(bear) == 1


def test_the_budget_keeps_aside_what_an_answer_really_cost() -> None:
    """Asking again after words reserves the words' price and the next request's, not twice the picture's."""
    replies = iter([text_reply(), text_reply(), picture_reply(png())])
    bear = Session("./bear", endpoint="google", transport=FunctionTransport(lambda path, body: next(replies)), budget=0.0393)
    assert len(bear.generate("a fox").attempts) == 3


def test_what_a_transport_of_ones_own_raises_comes_through_vary() -> None:
    """An error that is none of promptkit's reaches the caller as it is."""

    def broken(path: str, body: bytes) -> Response:
        raise ZeroDivisionError("mine")

    bear = Session("./bear", transport=FunctionTransport(broken))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ZeroDivisionError, match="mine"):
            bear.vary("a fox", n=3, root=True)
    assert {s.outcome for s in bear} == {"interrupted"}


def test_a_rejected_key_is_not_tried_for_all(service: Loopback) -> None:
    """When one of several is told that the key is no good, those that wait are not sent."""
    service.always = error_reply(401, "no such key")
    with pytest.raises(KeyRejected):
        Session("./bear", endpoint=service.url, api_key="sk-of-a-test").vary("a fox", n=8, workers=1, root=True)
    assert len(service.received) == 1


def test_vary_without_a_prompt_gives_siblings_of_a_take_too(service: Loopback) -> None:
    """n more of a variant are n others, never itself, and of a failed step as well."""
    bear = Session("./bear", endpoint=service.url)
    takes = bear.generate("a fox").vary("add a hat", n=2)
    more = takes[1].vary(n=3)
    assert takes[1] not in more
    assert len(set(more)) == 3
    assert {s.parents[0] for s in more} == {bear[1]}
    service.say(text_reply("no", "IMAGE_SAFETY"))
    with pytest.raises(NoPicture) as caught:
        bear.generate("a hen")
    assert [s.ok for s in caught.value.step.vary(n=2)] == [True, True]


def test_again_leaves_the_sessions_seed_out(service: Loopback) -> None:
    """Asking once more with the same seed would bring the same picture, so again sends none unless it is given."""
    bear = Session("./bear", endpoint=service.url, seed=5)
    bear.generate("a fox").again()
    bear.again(seed=7)
    assert [r.json["generationConfig"].get("seed") for r in service.received] == [5, None, 7]


def test_an_error_costs_nothing() -> None:
    """A step that was answered 503 at first has the price of its picture, not an unknown one."""
    replies = iter([error_reply(503, "busy", headers={"Retry-After": "0"}), picture_reply(png())])
    bear = Session("./bear", endpoint="google", transport=FunctionTransport(lambda path, body: next(replies)))
    assert bear.generate("a fox").cost == pytest.approx(0.038703)


def test_a_chain_that_talks_goes_on_from_the_picture_where_a_turn_is_lost(service: Loopback) -> None:
    """Without the kept turn the edit starts from the picture again, as after a switch of models."""
    bear = Session("./bear", endpoint=service.url, chain="chat")
    fox = bear.generate("a fox")
    for kept in (bear.folder / "extra").iterdir():
        kept.unlink()
    bear.edit("add a hat")
    assert [t["role"] for t in service.received[1].json["contents"]] == ["user"]
    assert service.received[1].pictures == [fox.picture.data]


def test_an_error_inside_a_200_is_an_error(service: Loopback) -> None:
    """An error that a gateway sends with status 200 is judged by its own words."""
    service.say(json_reply({"error": {"message": "insufficient quota", "code": "insufficient_quota"}}))
    with pytest.raises(Exception, match="balance"):
        Session("./bear", endpoint=service.url).generate("a fox")


def test_a_head_that_cannot_be_written_does_not_lose_the_step(service: Loopback) -> None:
    """The step is on disk and is returned; that the head could not be noted is a warning."""
    bear = Session("./bear", endpoint=service.url)
    bear.add(png())
    (bear.folder / "head").unlink()
    (bear.folder / "head").mkdir()
    with pytest.warns(PromptkitWarning, match="head"):
        fox = bear.generate("a fox")
    assert bear.head == fox


def test_a_warning_points_at_the_callers_line(service: Loopback) -> None:
    """Whoever reads a warning sees a line of their own, not one of promptkit's."""
    service.always = picture_reply(png())
    fox = Session("./bear", endpoint=service.url).generate("a fox")
    for call in (lambda: fox.save("fox.jpg"), lambda: fox.edit("wide", aspect_ratio="16:9")):
        with pytest.warns(PromptkitWarning) as caught:
            call()
        assert Path(caught[0].filename) == Path(__file__)


@pytest.mark.parametrize(
    "options",
    [
        {"deadline": None},
        {"deadline": 0},
        {"deadline": float("nan")},
        {"budget": "2"},
        {"budget": float("nan")},
        {"recover": "2"},
        {"recover": -1},
        {"model": 5},
        {"lang": 5},
        {"chain": "talk"},
        {"transport": "x"},
        {"api_key": 5},
        {"api_key": "two words"},
        {"seed": "5"},
        {"safety": {1: 2}},
        {"endpoint": 5},
    ],
)
def test_a_session_of_wrong_values_is_refused_at_once(options: dict[str, object]) -> None:
    """Each value of a session is checked when it is opened, and named with what it should be."""
    with pytest.raises(SettingsError):
        Session("./bear", **{"endpoint": "offline", **options})


@pytest.mark.parametrize("options", [{"label": b"x"}, {"label": 5}, {"lang": 5}, {"meta": {"a": float("nan")}}, {"safety": {1: 2}}])
def test_a_call_of_wrong_values_is_refused_before_it_is_sent(service: Loopback, options: dict[str, object]) -> None:
    """A wrong value in a call is said before anything is sent or made."""
    with pytest.raises(SettingsError):
        Session("./bear", endpoint=service.url).generate("a fox", **options)
    assert service.received == []
    assert not Path("bear").exists()


def test_a_picture_that_only_goes_along_is_not_called_updated(service: Loopback) -> None:
    """A new picture with references is asked for again as a new picture, an edit as an updated one."""
    bear = Session("./bear", endpoint=service.url)
    service.say(text_reply("Nice!"))
    bear.generate("a fox beside it", references=[png("blue")])
    service.say(text_reply("Nice!"))
    bear.edit("add a hat")
    assert [received.text for received in service.received] == [
        "a fox beside it",
        "Generate an image: a fox beside it",
        "add a hat",
        "Generate the updated image: add a hat",
    ]


def test_references_may_be_none_or_one(service: Loopback) -> None:
    """references takes one as well as several, bytes of any kind, and None for none."""
    service.always = picture_reply(png())
    bear = Session("./bear", endpoint=service.url)
    bear.generate("a fox", references=None)
    bear.generate("a fox", references=bytearray(png("green")))
    assert [r.pictures for r in service.received] == [[], [png("green")]]


def test_a_hanging_service_is_left_with_advice(service: Loopback) -> None:
    """The sentence after a time-out says that it may have been charged, and which keyword allows more."""
    service.say(Hang())
    with pytest.raises(TransportError, match=r"may have been charged.*deadline="):
        Session("./bear", endpoint=service.url, deadline=0.3).generate("a fox")
