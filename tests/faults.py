"""Chains of edits at a service that fails: `python tests/faults.py` drives 2,000 of them against a real server, compares what the server
sent with what lies on disk, and prints how much is lost; it exits with 1 where that is not nothing.

Faults are drawn by seed, chain, step and attempt, never by the clock: `--seed 1 --only 17` runs one chain of a run again. Of five chains
one has a short deadline for each step; the others a short read time-out. Of a hundred steps four are asked for by two to four processes at
once, of which one may be killed, and four by a process that is killed on its way, after which the same is asked for again.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import io
import json
import os
import random
import re
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import redirect_stderr, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from kit.loopback import Cut, Hang, Received, Trickle, error_reply, json_reply, picture_reply, png, serving, text_reply
from kit.rivals import Say, at_once, die_at
from kit.steps import under_way

from promptkit import Endpoint, PromptkitError, PromptkitWarning, Request, RequestsTransport, Response, Session, Step, TransportError

EDITS = 5
BUSY_REPEATS, RECOVER = 4, 2  # what promptkit promises: so many repeats for a busy service, and so many others
AT_ONCE = 6  # chains in each process; as many connections may wait at the server
READ_TIMEOUT, DEADLINE = 0.8, 30.0  # seconds
SHORT_DEADLINE = 1.0
MOMENTS = 48  # of a step, at which a process may be killed; an edit that is asked for once has about 45
SHOWN = 10  # findings that are printed

SUMMARY = {
    "lost": ("pictures lost",),
    "doubled": ("steps asked for twice",),
    "beyond the bound": ("requests more than the bound",),
    "unrecorded": ("unrecorded paid attempts", "unrecorded unpaid attempts"),
    "foreign exceptions": ("foreign errors",),
}
FIGURES = (
    "pictures lost",
    "wrong heads",
    "steps asked for twice",
    "requests more than the bound",
    "unrecorded paid attempts",
    "unrecorded unpaid attempts",
    "attempts that were never made",
    "pictures that nobody sent",
    "edits without one record",
    "foreign errors",
    "problems that verify names",
    "files left over",
    "requests that make no sense",
)


# The service: what it may answer, and how it draws


@dataclass(frozen=True)
class Kind:
    """One way to answer, given two whole pictures; `whole` is how many of them arrive whole, `outcome` what the attempt is on record.

    `again` says what a repeat after it counts as: busy, other, or nothing where there must be none. `first` ones come only at a step's
    first attempt: promptkit then waits a second or more of its own accord.
    """

    name: str
    weight: int
    outcome: str
    reply: Callable[[bytes, bytes], Any]
    again: str = ""
    whole: int = 0
    paid: bool = True
    first: bool = False


def retry_info(status: int, delay: str) -> Any:
    return error_reply(status, "later", details=[{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}])


def by_the_day() -> Any:
    return error_reply(429, "quota", details=[{"violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}]}])


def page(status: int) -> Any:
    return status, {"Content-Type": "text/html"}, b"<!DOCTYPE html><html><body><h1>Welcome</h1></body></html>"


def half_json(one: bytes) -> Any:
    status, headers, body = picture_reply(one)
    return status, headers, body[: body.index(b'"data": "') + 40]  # in the middle of the picture


def several(one: bytes, two: bytes) -> Any:
    parts = [part for data in (one, two) for part in (*parts_of(data), {"text": "And another:"})]
    return json_reply({"candidates": [{"content": {"role": "model", "parts": parts[:-1]}, "finishReason": "STOP"}]})


def thought(one: bytes) -> Any:
    parts = [{**part, "thought": True} for part in parts_of(one)]
    return json_reply({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]})


def envelope(one: bytes) -> Any:
    return json_reply({"code": 0, "data": {"response": json.loads(picture_reply(one)[2])}})


def parts_of(data: bytes) -> list[dict[str, Any]]:
    """A picture as picture_reply sends it, without the sentence."""
    sent = Received("", {}, picture_reply(data)[2]).json
    return list(sent["candidates"][0]["content"]["parts"][1:])


def wrapped(body: object, one: bytes) -> Any:
    """A reply in an odd envelope: the body, with the picture in base64 wherever it says PICTURE."""
    said = body if isinstance(body, str) else json.dumps(body)
    kind = "text/event-stream" if said.startswith("data: ") else "application/json"
    return 200, {"Content-Type": kind}, said.replace("PICTURE", base64.b64encode(one).decode()).encode()


def whole_in_half(one: bytes) -> Any:
    """A reply that breaks off behind its picture."""
    status, headers, body = picture_reply(one)
    return status, headers, body[: body.index(b"usageMetadata")]


def packed(one: bytes) -> Any:
    status, headers, body = picture_reply(one)
    return status, headers, gzip.compress(body)


def events(one: bytes) -> Any:
    return wrapped(f"data: {picture_reply(one)[2].decode()}\n\ndata: [DONE]\n\n", one)


RELAY = "read_response_body_failed: unexpected EOF"
BEHIND = 0.99  # of a reply's bytes: the picture has come, the end of the usage has not
RETRY_0 = {"Retry-After": "0"}
MARKDOWN = {"role": "model", "parts": [{"text": "Here: ![a bear](data:image/png;base64,PICTURE)"}]}
KINDS = (
    Kind("picture", 50, "picture", lambda one, two: picture_reply(one), whole=1),
    Kind("several pictures", 4, "picture", several, whole=2),
    Kind("thought picture only", 4, "picture", lambda one, two: thought(one), whole=1),
    Kind("slow picture", 4, "picture", lambda one, two: Trickle(picture_reply(one), 0.002), whole=1),
    # pictures at odd places
    Kind("an event stream", 2, "picture", lambda one, two: events(one), whole=1),
    Kind("an envelope", 2, "picture", lambda one, two: envelope(one), whole=1),
    Kind("under another key", 2, "picture", lambda one, two: wrapped({"data": [{"b64_json": "PICTURE"}]}, one), whole=1),
    Kind("in a list", 2, "picture", lambda one, two: wrapped(f"[{picture_reply(one)[2].decode()}]", one), whole=1),
    Kind("in a text", 2, "picture", lambda one, two: wrapped({"candidates": [{"content": MARKDOWN}]}, one), whole=1),
    Kind("unlabelled gzip", 2, "picture", lambda one, two: packed(one), whole=1),
    # half replies with a whole picture
    Kind("JSON cut behind the picture", 2, "picture", lambda one, two: whole_in_half(one), whole=1),
    Kind("cut behind the picture", 2, "picture", lambda one, two: Cut(picture_reply(one), BEHIND), whole=1),
    Kind("cut far behind the picture", 2, "picture", lambda one, two: Cut(picture_reply(one, more="x" * 4000), 0.6), whole=1),
    # busy services
    Kind("429, RetryInfo", 4, "error", lambda one, two: retry_info(429, "0.004s"), again="busy", paid=False),
    Kind("429, Retry-After: 0", 4, "error", lambda one, two: error_reply(429, headers=RETRY_0), again="busy", paid=False),
    Kind("500, Retry-After: 0", 4, "error", lambda one, two: error_reply(500, headers=RETRY_0), again="busy", paid=False),
    Kind("503, RetryInfo", 4, "error", lambda one, two: retry_info(503, "0.003s"), again="busy", paid=False),
    Kind("500, no wait named", 1, "error", lambda one, two: error_reply(500), again="busy", paid=False, first=True),
    Kind("503, no wait named", 1, "error", lambda one, two: error_reply(503), again="busy", paid=False, first=True),
    Kind("502, a page", 1, "error", lambda one, two: page(502), again="busy", paid=False, first=True),
    # errors after the work
    Kind("524, a page", 4, "interrupted", lambda one, two: page(524), again="other"),
    Kind("504, a page", 2, "interrupted", lambda one, two: page(504), again="other"),
    Kind("a relay lost the reply", 2, "interrupted", lambda one, two: error_reply(500, RELAY), again="other"),
    # answers that break off
    Kind("cut", 4, "interrupted", lambda one, two: Cut(picture_reply(one), 0.3), again="other"),
    Kind("closed without a byte", 4, "interrupted", lambda one, two: Hang(0), again="other"),
    Kind("hang", 2, "interrupted", lambda one, two: Hang(3), again="other"),
    Kind("trickle without end", 1, "interrupted", lambda one, two: Trickle(picture_reply(one, text="x" * 4000), 0.2), again="other"),
    Kind("JSON cut", 4, "interrupted", lambda one, two: half_json(one), again="other"),
    Kind("half a picture", 4, "interrupted", lambda one, two: picture_reply(one[: len(one) // 2]), again="other"),
    # answers without a picture
    Kind("no picture at all", 4, "error", lambda one, two: picture_reply(b"\x89 this is none \xff")),
    Kind("text only", 6, "text", lambda one, two: text_reply(), again="other"),
    Kind("empty JSON", 2, "error", lambda one, two: json_reply({})),
    Kind("a link", 2, "error", lambda one, two: text_reply("![a](https://img.example.com/a.png)")),
    Kind("a task", 2, "error", lambda one, two: json_reply({"code": 0, "data": {"task_id": "t-1"}})),
    Kind("refusal", 2, "refused", lambda one, two: text_reply("no", "IMAGE_SAFETY")),
    Kind("page with 200", 2, "error", lambda one, two: page(200)),
    Kind("429, the day's quota", 2, "error", lambda one, two: by_the_day(), paid=False),
)


def draw(seed: int, chain: int, step: int, attempt: int) -> Kind:
    """What the service answers to this attempt (from 0 on). Some steps meet one fault for ever, some only faults that are asked again."""
    retried = [k for k in KINDS if k.again and not k.first]
    of_step, of_attempt = random.Random(f"{seed} {chain} {step}"), random.Random(f"{seed} {chain} {step} {attempt}")
    mood = of_step.choices(("fair", "one fault for ever", "faults for ever"), (70, 12, 18))[0]
    if mood == "one fault for ever":
        return chosen(of_step, retried)
    return chosen(of_attempt, retried if mood == "faults for ever" else [k for k in KINDS if attempt == 0 or not k.first])


def chosen(chance: random.Random, kinds: Sequence[Kind]) -> Kind:
    return chance.choices(kinds, [k.weight for k in kinds])[0]


def drawn_processes(seed: int, chain: int, step: int) -> list[int]:
    """The processes that ask for this step before the chain does, each by the moment at which it is killed, 0 for never. Mostly none."""
    chance = random.Random(f"{seed} {chain} {step} processes")
    how = chance.choices(("none", "killed", "twins", "twins, one killed"), (92, 4, 2, 2))[0]
    if how == "none":
        return []
    twins = [0] * chance.randint(2, 4) if how != "killed" else []
    if how != "twins":
        twins[:1] = [chance.randint(1, MOMENTS)]
    return twins


def painted(chain: int, step: int, attempt: int = 0, size: tuple[int, int] = (8, 6)) -> bytes:
    """A picture that no other attempt of the run gets."""
    return png((chain % 256, chain // 256 % 256, (step * 32 + attempt) % 256), size)


def prompt(chain: int, step: int) -> str:
    """One short instruction or several sentences in turn: promptkit words them differently when it asks again."""
    return f"Put hat {step} on bear {chain}" + (". It is red, and all else stays as it is." if step % 2 else "")


def meant(text: str) -> tuple[int, int]:
    """The chain and the step that a prompt speaks of, also when it was reworded."""
    match = re.search(r"hat (\d+) on bear (\d+)", text)
    assert match is not None, text
    return int(match[2]), int(match[1])


class Send(NamedTuple):
    """One request: the step, the process that sent it (0 is the chain's own), and its number for it."""

    step: int
    who: int
    number: int

    @classmethod
    def of(cls, path: str) -> Send:
        """The one that a request's path names."""
        return cls(*map(int, path.partition("?send=")[2].split(".")))


@dataclass(frozen=True)
class Told:
    """What the service knows of one request: which it is and when it came, what it was asked, what it answered.

    `doubtful` is one whose sender was killed, or had waited too long: its answer may not have reached the record.
    """

    send: Send
    at: float
    text: str
    base: bytes
    kind: str
    outcome: str
    again: str
    paid: bool
    pictures: tuple[bytes, ...]
    doubtful: bool = False

    @property
    def step(self) -> int:
        return self.send.step

    def in_doubt(self, kept: Iterable[bytes]) -> Told:
        """The same where the sender may have gone before the answer was whole: of its pictures only what reached the disk counts, which
        may lack its file's end.
        """
        pictures = tuple(k for p in self.pictures for k in sorted(kept) if k and p.startswith(k))
        return replace(self, again=self.again if pictures else "other", paid=True, pictures=pictures, doubtful=True)

    def is_on_record_as(self, attempt: tuple[str, str]) -> bool:
        """Whether an attempt of those words and that outcome is this request."""
        return attempt in ((self.text, self.outcome), *([(self.text, "interrupted")] if self.doubtful else []))


class Service:
    """Draws an answer for each request, and keeps the truth about it, by chain; `unread` says what could not be understood."""

    def __init__(self, seed: int) -> None:
        self.told: dict[int, list[Told]] = {}
        self.unread: list[str] = []
        self._seed = seed
        self._lock = threading.Lock()

    def __call__(self, received: Received) -> Any:
        if len(received.body) < int(received.headers["Content-Length"]):
            return Hang(0)  # the client went away while it sent
        try:
            return self._answer(received)
        except Exception as error:
            self.unread.append(f"{error!r}: {received.path} {received.body[:200]!r}")
            raise

    def _answer(self, received: Received) -> Any:
        chain, step = meant(received.text)
        with self._lock:
            told = self.told.setdefault(chain, [])
            attempt = sum(t.step == step for t in told)
            kind = draw(self._seed, chain, step, attempt)
            pictures = painted(chain, step, attempt), painted(chain, step, attempt, (6, 8))
            known = (received.text, received.pictures[0], kind.name, kind.outcome, kind.again, kind.paid)
            told.append(Told(Send.of(received.path), time.time(), *known, pictures[: kind.whole]))
        return kind.reply(*pictures)


# The client: one chain


class Watched:
    """A transport that names its requests in their paths, has a read time-out of its own, and says what it sends and what came too late."""

    def __init__(self, inner: RequestsTransport, read_timeout: float, who: int, say: Say) -> None:
        self.step = 0  # that is asked for
        self._inner, self._timeout, self._who, self._say, self._sends = inner, read_timeout, who, say, 0

    def send(self, request: Request) -> Response:
        self._sends += 1
        send = Send(self.step, self._who, self._sends)
        asked = replace(request, path=f"{request.path}?send={'.'.join(map(str, send))}", timeout=min(request.timeout, self._timeout))
        start = time.monotonic()
        self._say(("sent", send))
        try:
            return self._inner.send(asked)
        except TransportError:
            if time.monotonic() - start >= 0.99 * asked.timeout:
                self._say(("late", send))
            raise


class Asked(NamedTuple):
    """What became of one call: the picture where there is one, and an error that is not promptkit's."""

    picture: bytes | None
    foreign: str = ""


@dataclass(frozen=True)
class Tried:
    """One step as its callers saw it: the head's picture in the chain's session, and in one opened anew; what several processes got."""

    step: int
    head: bytes | None
    head_anew: bytes | None
    asked: tuple[Asked, ...]


@dataclass(frozen=True)
class Chain:
    """A chain that was driven: its number, its folder, what its callers saw (the root first), its requests and those that came too late.

    `killed` are the processes that were killed, each as the step and its number, `on_disk` the files of the folder then.
    """

    number: int
    folder: Path
    tried: Sequence[Tried]
    sends: Sequence[Send]
    late: frozenset[Send]
    killed: frozenset[tuple[int, int]]
    on_disk: frozenset[bytes]


@dataclass(frozen=True)
class Terms:
    """Where a chain asks, and in what hurry."""

    url: str
    folder: Path
    number: int
    hurried: bool

    def opened(self, who: int, say: Say) -> tuple[Watched, Session]:
        """A session of the process `who`, and the transport through which it asks."""
        endpoint = Endpoint("loopback", self.url, auth="none", key_env=(), key_required=False)
        watched = Watched(RequestsTransport(endpoint), DEADLINE if self.hurried else READ_TIMEOUT, who, say)
        deadline = SHORT_DEADLINE if self.hurried else DEADLINE
        return watched, Session(self.folder, endpoint=endpoint, transport=watched, recover=RECOVER, deadline=deadline)

    def ask(self, watched: Watched, session: Session, step: int) -> Asked:
        """Adds the root (step 0), or asks for an edit of the head; whatever is raised."""
        watched.step = step
        try:
            made = session.edit(prompt(self.number, step)) if step else session.add(painted(self.number, 0))
            return Asked(made.picture.data)
        except PromptkitError:
            return Asked(None)
        except Exception as error:
            return Asked(None, repr(error))


def drive(url: str, folder: Path, seed: int, number: int) -> Chain:
    """Adds a root and asks for five edits of the head, whatever becomes of each."""
    terms = Terms(url, folder, number, hurried=random.Random(f"{seed} {number}").random() < 0.2)
    said: list[tuple[str, Any]] = []
    watched, session = terms.opened(0, said.append)
    tried = []
    for step in range(EDITS + 1):
        others = in_processes(terms, step, drawn_processes(seed, number, step), said)
        asked = list(others)
        if not others or any(a.picture for a in others) or ("killed", (step, 1)) in said:
            asked.append(terms.ask(watched, session, step))  # the same again: what another process got is found
        tried.append(Tried(step, head_of(session), head_of(Session(folder)), tuple(asked)))
    if killed := frozenset(what for name, what in said if name == "killed"):
        session.add(painted(number, 0, 31))  # the next write clears up after the dead
    sends, late = ([what for name, what in said if name == wanted] for wanted in ("sent", "late"))
    on_disk = frozenset(data for name, files in said if name == "on disk" for data in files)
    return Chain(number, folder, tried, sends, frozenset(late), killed, on_disk)


def in_processes(terms: Terms, step: int, moments: Sequence[int], said: list[tuple[str, Any]]) -> list[Asked]:
    """Asks for a step in processes of its own, each killed at its moment; what each got that was not killed."""
    asked = []
    for who, words in enumerate(at_once([partial(asks, terms, step, who, m) for who, m in enumerate(moments, 1)]) if moments else [], 1):
        said += [line for line in words if not isinstance(line, Asked)]
        ends = [line for line in words if isinstance(line, Asked)]
        asked += ends
        if not ends:
            said.append(("killed", (step, who)))
    return asked


def asks(terms: Terms, step: int, who: int, moment: int, say: Say, ready: Callable[[], None]) -> None:
    """What one of several processes does."""
    warnings.simplefilter("ignore", PromptkitWarning)
    watched, session = terms.opened(who, say)
    ready()
    if moment:
        die_at(moment, terms.folder, lambda: say(("on disk", files_in(terms.folder))))
    say(terms.ask(watched, session, step))


def files_in(folder: Path) -> list[bytes]:
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        with suppress(OSError):  # another process may name or remove it
            if path.suffix != ".json" and path.is_file():
                found.append(path.read_bytes())
    return found


def head_of(session: Session) -> bytes | None:
    """The picture from which the next edit would start; None where there is none to be had."""
    try:
        return session.head.picture.data if session.head else None
    except PromptkitError:
        return None


# The comparison


@dataclass(frozen=True)
class Finding:
    """One thing that should not be: the figure that it counts for, where, and what."""

    figure: str
    chain: int
    step: int
    said: str

    def __str__(self) -> str:
        return f"{self.figure}: chain {self.chain}, step {self.step}: {self.said}"


Wrong = Iterator[tuple[str, int, str]]  # figure, step, what


def judged(chain: Chain, told: Sequence[Told]) -> list[Finding]:
    """All that is wrong with a chain, given all that the service told it."""
    found: list[Finding] = []
    try:
        session = Session(chain.folder)
        for figure, step, said in _wrong(chain, _as_known(chain, told, session), session):
            found.append(Finding(figure, chain.number, step, said))
    except Exception as error:  # a folder that cannot be read is a finding, and no reason to lose those of other chains
        found.append(Finding("foreign errors", chain.number, 0, f"while it was judged: {error!r}"))
    return found


def _as_known(chain: Chain, told: Sequence[Told], session: Session) -> list[Told]:
    """The requests in their order, each as far as its sender can have known the answer."""
    first: dict[tuple[int, int], float] = {}
    for t in sorted(told, key=lambda t: t.at):
        first.setdefault(t.send[:2], t.at)
    ordered = sorted(told, key=lambda t: (t.step, first[t.send[:2]], t.send))
    last = {t.send[:2]: t.send for t in ordered}
    kept = {data for step in session.steps for data in _kept(step)} | chain.on_disk
    doubtful = {send for sender, send in last.items() if sender in chain.killed} | chain.late
    return [t.in_doubt(kept) if t.send in doubtful else t for t in ordered]


def _kept(step: Step) -> list[bytes]:
    return [p.read_bytes() for p in step.files[:-1] if p.exists()] if step.outcome == "picture" else []


def _wrong(chain: Chain, told: Sequence[Told], session: Session) -> Wrong:
    edits = [s for s in session.steps if s.outcome != "added"]
    for step in range(1, EDITS + 1):
        own = [s for s in edits if meant(str(s.prompt))[1] == step]
        asked = [t for t in told if t.step == step]
        yield from _wrong_pictures(step, asked, own)
        yield from _over_the_bound(step, asked)
        yield from _doubled(chain, step, asked, own)
    if (roots := sum(_is_of(s, painted(chain.number, 0)) for s in session.steps if s.outcome == "added")) != 1:
        yield "edits without one record", 0, f"the root has {roots}"
    yield from _wrong_heads(chain, told)
    attempts = [a for s in edits for a in s.attempts]
    yield from _unrecorded(told, attempts)
    most = len(chain.sends) + len(chain.killed)  # who is killed may have noted what was not sent
    yield from [("attempts that were never made", 0, f"{len(attempts)} on record, {most} sent")] * (len(attempts) - most)
    yield from (("foreign errors", t.step, a.foreign) for t in chain.tried for a in t.asked if a.foreign)
    yield from (("problems that verify names", p.step or 0, str(p)) for p in session.verify())
    yield from (("files left over", 0, p.name) for p in (*under_way(chain.folder), *chain.folder.rglob(".tmp-*")))


def _is_of(step: Step, data: bytes) -> bool:
    return step.picture.data == data


def _wrong_pictures(step: int, asked: Sequence[Told], own: Sequence[Step]) -> Wrong:
    """What was sent whole must lie under the step byte for byte, and nothing else."""
    sent = [p for t in asked for p in t.pictures]
    kept = [data for s in own for data in _kept(s)]
    yield from (("pictures lost", step, f"{len(p)} bytes that were sent whole") for p in sent if p not in kept)
    yield from (("pictures that nobody sent", step, f"{len(p)} bytes") for p in kept if p not in sent)


def _by_process(asked: Iterable[Told]) -> dict[int, list[Told]]:
    """A step's requests by the process that sent them, in the order in which they began."""
    found: dict[int, list[Told]] = {}
    for t in asked:
        found.setdefault(t.send.who, []).append(t)
    return found


def _over_the_bound(step: int, asked: Sequence[Told]) -> Wrong:
    """All but the last request of a process for a step were asked again, each for a cause that has its bound."""
    for sent in _by_process(asked).values():
        causes = Counter(t.again for t in sent[:-1])
        over = causes[""] + max(0, causes["busy"] - BUSY_REPEATS) + max(0, causes["other"] - RECOVER)
        yield from [("requests more than the bound", step, f"asked {len(sent)} times: {', '.join(t.kind for t in sent)}")] * over


def _doubled(chain: Chain, step: int, asked: Sequence[Told], own: Sequence[Step]) -> Wrong:
    """Each process that asked has one record of the step, and asked only when those before it had failed, or were dead."""
    asking = _by_process(asked)
    silent = {who for at, who in chain.killed if at == step} - {s.who for s in chain.sends if s.step == step}
    senders = len({s.who for s in chain.sends if s.step == step})
    if not max(1, senders) <= len(own) <= senders + len(silent):
        yield "edits without one record", step, f"it has {len(own)}, and {senders} processes asked"
        return
    records = [s for s in own if not _is_silent(s)] if len(own) > senders else own
    for (who, _), record, (other, later) in zip(asking.items(), records, [*asking.items()][1:], strict=False):
        alive = (step, who) not in chain.killed
        if record.ok or (alive and later[0].at < datetime.fromisoformat(record.ended).timestamp()):
            yield "steps asked for twice", step, f"process {other} asked though process {who} had a picture, or was asking still"


def _is_silent(step: Step) -> bool:
    """Whether it is of a process that was killed when it had noted what it was about to send."""
    return len(step.attempts) == 1 and step.attempts[0].get("ended") is None


def _wrong_heads(chain: Chain, told: Sequence[Told]) -> Wrong:
    """The head is the last step that got a picture, and its picture is what the next edit sends."""
    head = painted(chain.number, 0)
    for seen in chain.tried:
        asked = [t for t in told if t.step == seen.step]
        wrong = ["the picture sent was not the head's"] if any(t.base != head for t in asked) else []
        head = next((t.pictures[0] for t in asked if t.pictures), head)
        wrong += ["a process got another picture"] if any(a.picture not in (None, head) for a in seen.asked) else []
        wrong += ["the open session's head is another"] if seen.head != head else []
        wrong += ["the head on disk is another"] if seen.head_anew != head else []
        if wrong:
            yield "wrong heads", seen.step, "; ".join(wrong)


def _unrecorded(told: Sequence[Told], attempts: Iterable[Any]) -> Wrong:
    """Each request is one attempt on record, with its words and its outcome, in the order in which they came."""
    left = [(a.get("sent_text"), a.get("outcome")) for a in attempts]
    for request in told:
        place = next((i for i, attempt in enumerate(left) if request.is_on_record_as(attempt)), None)
        if place is not None:
            del left[: place + 1]
        else:
            figure = "unrecorded paid attempts" if request.paid else "unrecorded unpaid attempts"
            yield figure, request.step, f"request {request.send} ({request.kind}) is no attempt on record as {request.outcome}"


# The run


@dataclass
class Tally:
    """What was driven, what the service sent by kind, and what is wrong."""

    counts: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def note(self, chain: Chain, told: Sequence[Told]) -> None:
        late = [t for t in told if t.send in chain.late]
        self.counts["chains"] += 1
        self.counts["edits"] += EDITS
        self.counts["requests"] += len(told)
        self.counts["whole pictures"] += sum(len(t.pictures) for t in told if t not in late)
        self.counts["pictures after the client had gone"] += sum(len(t.pictures) for t in late)
        self.counts["requests that never arrived"] += len(chain.sends) - len(told)
        self.counts["steps asked for by several processes"] += sum(len(t.asked) > 2 for t in chain.tried)
        self.counts["processes killed"] += len(chain.killed)
        self.sent.update(t.kind for t in told)
        self.findings += judged(chain, told)

    def add(self, other: Tally) -> None:
        self.counts.update(other.counts)
        self.sent.update(other.sent)
        self.findings += other.findings

    @property
    def summary(self) -> str:
        """The five figures that matter most, in one line."""
        figures = Counter(f.figure for f in self.findings)
        said = (f"{name} {sum(figures[f] for f in those)}" for name, those in SUMMARY.items())
        return f"{', '.join(said)} in {self.counts['chains']:,} chains"

    def __str__(self) -> str:
        figures = Counter(f.figure for f in self.findings)
        rows = [*((name, figures[name]) for name in FIGURES), ("", ""), *self.counts.items(), ("", "")]
        rows += [(f"sent: {kind.name}", self.sent[kind.name]) for kind in KINDS if self.sent[kind.name]]
        return "\n".join(f"{name:<40}{count:>8}".rstrip() for name, count in rows)


def worked(seed: int, numbers: Sequence[int]) -> Tally:
    """Drives those chains, several at once, at a server of this process; judges them when all requests have come in."""
    warnings.simplefilter("ignore", PromptkitWarning)
    service, tally = Service(seed), Tally()
    with tempfile.TemporaryDirectory(prefix="promptkit-faults-") as where:
        os.environ |= {"PROMPTKIT_HOME": f"{where}/home", "NO_PROXY": "127.0.0.1"}
        # unheard: the server's words on clients that left early, and promptkit's line for people who wait
        with redirect_stderr(io.StringIO()), serving() as loopback, ThreadPoolExecutor(AT_ONCE) as pool:
            loopback.always = service
            chains = list(pool.map(lambda n: drive(loopback.url, Path(where, f"bear-{n}"), seed, n), numbers))
        for chain in chains:
            tally.note(chain, service.told.get(chain.number, []))
        tally.findings += [Finding("requests that make no sense", -1, -1, said) for said in service.unread]
    return tally


def run(seed: int, numbers: Sequence[int], workers: int) -> Tally:
    """Drives those chains in so many processes."""
    tally, shares = Tally(), [numbers[i::workers] for i in range(workers)]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for part in pool.map(worked, [seed] * workers, shares):
            tally.add(part)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chains", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2 * (os.cpu_count() or 1), help=f"processes, each with {AT_ONCE} chains at once")
    parser.add_argument("--only", type=int, metavar="CHAIN", help="this one alone, such as a printed one")
    said = parser.parse_args()
    numbers = range(said.chains) if said.only is None else [said.only]
    workers, start = min(said.workers, len(numbers)), time.monotonic()
    tally = run(said.seed, numbers, workers)
    print(f"{tally}\n\n{tally.summary}\nseed {said.seed}, {workers} processes, {time.monotonic() - start:.1f} s")
    for finding in sorted(tally.findings, key=lambda f: (f.chain, f.step))[:SHOWN]:
        print(f"{finding} (--seed {said.seed} --only {finding.chain})")
    return 1 if tally.findings else 0


if __name__ == "__main__":
    sys.exit(main())
