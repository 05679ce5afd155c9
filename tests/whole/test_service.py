"""A web service: the one that a notebook writes as its example, asked by many customers at once through its ASGI interface.

What threads share is tested in tests/session/test_threads.py; that the notebook itself runs, in test_notebooks.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import json
import logging
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import nbformat
import pytest
from kit.loopback import Loopback, Received, Reply, error_reply, json_reply, picture_reply, png, text_reply
from kit.places import ROOT

from promptkit import Session

NOTEBOOK = ROOT / "notebooks" / "06_in_a_web_service.ipynb"
FILE = "picture_service.py"


def drawn(prompt: str, base: bytes = b"") -> bytes:
    """The picture that the service behind all this makes of a prompt and the picture that goes along: another one for each of both."""
    return png(f"#{hashlib.sha256(prompt.encode() + base).hexdigest()[:6]}")


def answered(received: Received) -> Reply:
    return picture_reply(drawn(received.text, *received.pictures))


@pytest.fixture
def pictures(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The notebook's own file, in front of a service on loopback, with ./customers for its folders."""
    cells = [c.source for c in nbformat.read(NOTEBOOK, as_version=4).cells if c.source.startswith(f"%%writefile {FILE}\n")]
    assert len(cells) == 1
    Path(FILE).write_text(cells[0].partition("\n")[2], encoding="utf-8")
    monkeypatch.setenv("PICTURES_ENDPOINT", service.url)
    service.always = answered
    spec = importlib.util.spec_from_file_location("picture_service", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        spec.loader.exec_module(module)
        yield module
        module.workers.shutdown()
        logging.captureWarnings(False)


def client(pictures: ModuleType, customer: str | bytes) -> httpx.AsyncClient:
    name = customer if isinstance(customer, bytes) else customer.encode()
    transport = httpx.ASGITransport(pictures.app)
    return httpx.AsyncClient(transport=transport, base_url="http://pictures", headers={b"X-Customer": name}, timeout=60)


async def posted(who: httpx.AsyncClient, prompt: str, on: int | None = None) -> dict[str, Any]:
    answer = await who.post("/pictures", json={"prompt": prompt, "on": on})
    assert answer.status_code == 200, answer.text
    return answer.json()


def sent_events(text: str) -> list[tuple[str, Any]]:
    """The server-sent events of an answer, by name."""
    pairs = [part.removeprefix("event: ").split("\ndata: ") for part in text.split("\n\n") if part.startswith("event: ")]
    return [(name, json.loads(data)) for name, data in pairs]


def seconds_taken_away(event: tuple[str, Any]) -> tuple[str, Any]:
    return (event[0], event[1].partition(": ")[2]) if event[0] == "progress" else event


# Forty at once


def test_forty_requests_at_once_get_their_own_answers(
    pictures: ModuleType, service: Loopback, capfd: pytest.CaptureFixture[str]
) -> None:
    """Forty threads make pictures for ten customers at the same time: each edit starts from the picture that its request named, each
    answer is its own, no folder holds another customer's step, and nothing is printed.
    """
    all_here = threading.Barrier(40, timeout=60)

    def together(received: Received) -> Reply:
        if not received.pictures:
            all_here.wait()
        return answered(received)

    service.always = together

    async def chain(customer: str, i: int) -> list[tuple[int, bytes, bytes]]:
        async with client(pictures, customer) as who:
            words = [f"{customer}: picture {i}", "Make it night"]
            on, made, base = None, [], ()
            for prompt in words:
                answer = await posted(who, prompt, on)
                assert (answer["on"], answer["reused"]) == (on, False)
                on, base = answer["number"], (drawn(prompt, *base),)
                made.append((on, base[0], (await who.get(answer["picture"])).content))
        return made

    async def everybody() -> list[tuple[str, list[tuple[int, bytes, bytes]]]]:
        asked = [(f"c{i % 10}", i) for i in range(40)]
        return list(zip([name for name, _ in asked], await asyncio.gather(*(chain(*one) for one in asked)), strict=True))

    chains = asyncio.run(everybody())
    assert capfd.readouterr() == ("", "")
    assert all(wanted == got for _, made in chains for _, wanted, got in made)
    assert len(service.received) == 80
    assert sorted(p.name for p in Path("customers").iterdir()) == [f"customer-c{i}" for i in range(10)]
    for name in {name for name, _ in chains}:
        steps = {s.number: s for s in Session(f"./customers/customer-{name}")}
        own = {number: wanted for customer, made in chains if customer == name for number, wanted, _ in made}
        assert {number: s.picture.data for number, s in steps.items()} == own
        assert {s.prompt.text.partition(":")[0] for s in steps.values() if not s.parents} == {name}


def test_the_same_wish_many_times_at_once_is_asked_for_once(pictures: ModuleType, service: Loopback) -> None:
    """Forty requests of one customer for the same picture are one request to the image service, and all have that step; another customer's
    same wish is another request, in another folder.
    """

    async def everybody() -> list[dict[str, Any]]:
        async with client(pictures, "ana") as ana, client(pictures, "ben") as ben:
            return [await posted(ben, "a bear"), *await asyncio.gather(*(posted(ana, "a bear") for _ in range(40)))]

    answers = asyncio.run(everybody())
    assert [a["number"] for a in answers] == [1] * 41
    assert sorted(a["reused"] for a in answers) == [False, False, *[True] * 39]
    assert len(service.received) == 2


# Customers


WRONG_NAMES = [
    *("../ben", "..", ".", "", "/ben", "ben/", "ben/../ana", "..\\ben", "c:ben", "customers/customer-ben", "~", "$HOME"),
    *("Ben", "BEN", "ben ", " ben", "ben.", "ben\t", "-ben", "b" * 41, "ben,ana", "ben%2f..", "beñ", "bеn", "ｂen", "ben\u200b", "ﬁ", "ı"),
]


async def statuses(pictures: ModuleType, customer: str) -> list[int]:
    """What each kind of request of that customer is answered with."""
    async with client(pictures, customer) as who:
        posts = [who.post(way, json={"prompt": "a fox"}) for way in ("/pictures", "/pictures/stream")]
        gets = [who.get(way) for way in ("/pictures", "/pictures/1")]
        return [answer.status_code for answer in await asyncio.gather(*posts, *gets)]


def test_a_name_that_is_no_folders_is_refused(pictures: ModuleType, service: Loopback) -> None:
    """Names with separators, dots, capital letters, spaces or letters beyond ASCII are refused before anything is opened or made."""

    async def ask() -> dict[str, list[int]]:
        async with client(pictures, "ben") as ben:
            await posted(ben, "a bear")
        return {name: await statuses(pictures, name) for name in WRONG_NAMES}

    assert asyncio.run(ask()) == {name: [422] * 4 for name in WRONG_NAMES}
    assert [p.name for p in Path("customers").iterdir()] == ["customer-ben"]
    assert len(service.received) == 1


def test_other_names_have_a_folder_of_their_own(pictures: ModuleType) -> None:
    """A name that some systems keep for devices, or that is a number, is a customer like all others."""
    names = ["0", "aux", "b" * 40, "com1", "con", "nul", "promptkit"]

    async def ask(name: str) -> dict[str, Any]:
        async with client(pictures, name) as who:
            return await posted(who, "a fox")

    assert [asyncio.run(ask(name))["reused"] for name in names] == [False] * len(names)
    assert sorted(p.name for p in Path("customers").iterdir()) == [f"customer-{name}" for name in names]


NO_STEPS = ["../customer-ben", "best", -1, 0, 2, 10**30, 1.5, [1], {"a": 1}]


def test_no_step_leads_out_of_a_customers_folder(pictures: ModuleType, service: Loopback) -> None:
    """What is edited is named by its number within one's own folder; a file, a tag or a number that is not there is refused."""

    async def ask() -> set[int]:
        async with client(pictures, "ana") as ana, client(pictures, "ben") as ben:
            await posted(ana, "a bear")
            await posted(ben, "a fox")
            await posted(ben, "Make it night", 1)
            bens = Session("./customers/customer-ben")[1]
            tries = [*NO_STEPS, bens.id, str(bens.files[0]), str(bens.files[0].absolute())]
            edits = [await ana.post("/pictures", json={"prompt": "Make it mine", "on": on}) for on in tries]
            looks = [await ana.get(f"/pictures/{on}") for on in tries]
            return {answer.status_code for answer in (*edits, *looks)}

    assert asyncio.run(ask()) == {404, 422}
    assert len(service.received) == 3


# Streams, and requests that nobody waited for


def test_a_stream_tells_the_progress_and_then_the_step(pictures: ModuleType, service: Loopback) -> None:
    """Each line of progress is an event, the step the last one; asked for again, the step comes at once."""
    service.say(text_reply(), error_reply(503, "overloaded", headers={"Retry-After": "0.01"}))

    async def ask() -> list[list[tuple[str, Any]]]:
        async with client(pictures, "ana") as ana:
            return [sent_events((await ana.post("/pictures/stream", json={"prompt": "a bear"})).text) for _ in range(2)]

    first, again = asyncio.run(ask())
    assert list(map(seconds_taken_away, first)) == [
        ("progress", "waiting for the picture"),
        ("progress", "attempt 2, waiting for the picture"),
        ("progress", "attempt 3 in 0 s, the service is busy"),
        ("progress", "attempt 3, waiting for the picture"),
        ("step", {"number": 1, "on": None, "reused": False, "picture": "/pictures/1"}),
    ]
    assert again == [("step", {"number": 1, "on": None, "reused": True, "picture": "/pictures/1"})]


def test_forty_streams_at_once_are_told_their_own_progress(pictures: ModuleType, service: Loopback) -> None:
    """Streams hold no thread of those that answer other requests, and each tells of its own picture."""
    all_here = threading.Barrier(40, timeout=60)
    service.always = lambda received: answered(received) if all_here.wait() >= 0 else None

    async def ask(i: int) -> list[tuple[str, Any]]:
        async with client(pictures, f"c{i % 5}") as who:
            return sent_events((await who.post("/pictures/stream", json={"prompt": f"picture {i}"})).text)

    async def everybody() -> list[list[tuple[str, Any]]]:
        return await asyncio.gather(*map(ask, range(40)))

    told = asyncio.run(everybody())
    for i, events in enumerate(told):
        assert seconds_taken_away(events[0]) == ("progress", "waiting for the picture")
        assert events[-1][0] == "step"
        step = Session(f"./customers/customer-c{i % 5}")[events[-1][1]["number"]]
        assert step.picture.data == drawn(f"picture {i}")


def slowly(begun: threading.Event, allowed: threading.Event) -> Callable[[Received], Reply]:
    """A reply that comes when a test allows it."""

    def reply(received: Received) -> Reply:
        begun.set()
        assert allowed.wait(60)
        return answered(received)

    return reply


@pytest.mark.parametrize("way", ["/pictures", "/pictures/stream"])
def test_a_request_that_nobody_waited_for_is_found_again(
    pictures: ModuleType, service: Loopback, way: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """When a client leaves, its picture is made and recorded all the same; whoever asks for the same has it, and one request was sent."""
    begun, allowed = threading.Event(), threading.Event()
    service.always = slowly(begun, allowed)

    async def ask() -> list[dict[str, Any]]:
        async with client(pictures, "ana") as ana:
            gone = asyncio.create_task(ana.post(way, json={"prompt": "a bear"}))
            await asyncio.to_thread(begun.wait)
            gone.cancel()
            await asyncio.wait([gone])
            assert gone.cancelled()
            meanwhile = asyncio.create_task(posted(ana, "a bear"))
            await asyncio.sleep(0.01)
            allowed.set()
            return [await meanwhile, await posted(ana, "a bear"), *(await ana.get("/pictures")).json()]

    assert [(a["number"], a["reused"]) for a in asyncio.run(ask())] == [(1, True), (1, True), (1, False)]
    assert len(service.received) == 1
    assert capfd.readouterr() == ("", "")


def test_a_refusal_that_nobody_waited_for_is_silent(
    pictures: ModuleType, service: Loopback, capfd: pytest.CaptureFixture[str]
) -> None:
    """What fails after its client has left is recorded, and printed nowhere."""
    begun, allowed = threading.Event(), threading.Event()
    refusal = json_reply({"promptFeedback": {"blockReason": "SAFETY"}})
    service.say(lambda received: refusal if slowly(begun, allowed)(received) else None)

    async def ask() -> None:
        async with client(pictures, "ana") as ana:
            gone = asyncio.create_task(ana.post("/pictures/stream", json={"prompt": "a bear"}))
            await asyncio.to_thread(begun.wait)
            gone.cancel()
            await asyncio.wait([gone])
        allowed.set()
        await asyncio.to_thread(pictures.workers.shutdown)

    asyncio.run(ask())
    assert [s.outcome for s in Session("./customers/customer-ana")] == ["refused"]
    assert capfd.readouterr() == ("", "")


def test_a_silent_stream_is_kept_alive(pictures: ModuleType, service: Loopback) -> None:
    """While nothing changes, comments are sent, so that no proxy closes the stream."""
    begun, allowed = threading.Event(), threading.Event()
    service.always = slowly(begun, allowed)
    pictures.KEEP_ALIVE = 0.01

    async def ask() -> str:
        async with client(pictures, "ana") as ana:
            asked = asyncio.create_task(ana.post("/pictures/stream", json={"prompt": "a bear"}))
            await asyncio.to_thread(begun.wait)
            await asyncio.sleep(0.1)
            allowed.set()
            return (await asked).text

    text = asyncio.run(ask())
    assert "\n\n: still at work\n\n" in text
    assert sent_events(text)[-1][0] == "step"


# What goes wrong


@pytest.mark.parametrize(
    ("reply", "status", "said"),
    [
        (json_reply({"promptFeedback": {"blockReason": "SAFETY"}}), 422, "the service refused"),
        (error_reply(401, "no such key"), 503, "There is no picture just now; try again later."),
        (error_reply(400, "Unknown name"), 503, "There is no picture just now; try again later."),
    ],
    ids=["refused", "key", "error"],
)
def test_a_customer_hears_what_concerns_customers(
    pictures: ModuleType, service: Loopback, caplog: pytest.LogCaptureFixture, reply: Reply, status: int, said: str
) -> None:
    """A refusal is told in its own words; what only who runs the service can mend goes to the log, and the customer hears another one."""
    service.always = reply

    async def ask() -> tuple[httpx.Response, httpx.Response]:
        async with client(pictures, "ana") as ana:
            return await ana.post("/pictures", json={"prompt": "a bear"}), await ana.post("/pictures/stream", json={"prompt": "a fox"})

    plain, streamed = asyncio.run(ask())
    assert plain.status_code == status
    assert said.lower() in plain.json()["error"].lower()
    assert said.lower() in sent_events(streamed.text)[-1][1].lower()
    assert bool(caplog.messages) == (status == 503)


NO_WISHES: list[object] = [{}, [], {"prompt": ""}, {"prompt": " \n"}, {"prompt": 7}, {"prompt": "a" * 4001}, {"prompt": "a", "on": "x"}]


def test_a_wish_that_is_none_is_refused(pictures: ModuleType) -> None:
    """A request without a prompt, or with what is none, is refused before anything is opened."""

    async def ask() -> set[int]:
        async with client(pictures, "ana") as ana:
            return {(await ana.post(way, json=wish)).status_code for way in ("/pictures", "/pictures/stream") for wish in NO_WISHES}

    assert asyncio.run(ask()) == {422}
    assert not Path("customers").exists()
