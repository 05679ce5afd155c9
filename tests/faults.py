"""Chains of edits at a service that fails: `python tests/faults.py` drives 1,000 of them against a real server, compares what the server
sent with what lies on disk, and prints how much is lost; it exits with 1 where that is not nothing.

Faults are drawn by seed, chain, step and attempt, never by the clock: `--seed 1 --only 17` runs one chain of a run again. Of five chains
one has a short deadline for each step; the others a short read time-out. `--also` switches on a further group of faults, or all of them.
"""

from __future__ import annotations

import argparse
import base64
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
from contextlib import redirect_stderr
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from kit.loopback import Cut, Hang, Received, Trickle, error_reply, json_reply, picture_reply, png, serving, text_reply

from promptkit import Endpoint, PromptkitError, PromptkitWarning, Request, RequestsTransport, Response, Session, Step, TransportError

EDITS = 5
BUSY_REPEATS, RECOVER = 4, 2  # what promptkit promises: so many repeats for a busy service, and so many others
AT_ONCE = 6  # chains in each process; as many connections may wait at the server
READ_TIMEOUT, DEADLINE = 0.8, 30.0  # seconds
SHORT_DEADLINE = 1.0
SHOWN = 10  # findings that are printed

FIGURES = (
    "pictures lost",
    "wrong heads",
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


def events(one: bytes) -> Any:
    return wrapped(f"data: {picture_reply(one)[2].decode()}\n\ndata: [DONE]\n\n", one)


RELAY = "read_response_body_failed: unexpected EOF"
BEHIND = 0.99  # of a reply's bytes: the picture has come, the end of the usage has not
RETRY_0 = {"Retry-After": "0"}
KINDS = (
    Kind("picture", 50, "picture", lambda one, two: picture_reply(one), whole=1),
    Kind("several pictures", 4, "picture", several, whole=2),
    Kind("thought picture only", 4, "picture", lambda one, two: thought(one), whole=1),
    Kind("slow picture", 4, "picture", lambda one, two: Trickle(picture_reply(one), 0.002), whole=1),
    Kind("429, RetryInfo", 4, "error", lambda one, two: retry_info(429, "0.004s"), again="busy", paid=False),
    Kind("429, Retry-After: 0", 4, "error", lambda one, two: error_reply(429, headers=RETRY_0), again="busy", paid=False),
    Kind("500, Retry-After: 0", 4, "error", lambda one, two: error_reply(500, headers=RETRY_0), again="busy", paid=False),
    Kind("503, RetryInfo", 4, "error", lambda one, two: retry_info(503, "0.003s"), again="busy", paid=False),
    Kind("500, no wait named", 1, "error", lambda one, two: error_reply(500), again="busy", paid=False, first=True),
    Kind("503, no wait named", 1, "error", lambda one, two: error_reply(503), again="busy", paid=False, first=True),
    Kind("502, a page", 1, "error", lambda one, two: page(502), again="busy", paid=False, first=True),
    Kind("cut", 4, "interrupted", lambda one, two: Cut(picture_reply(one), 0.3), again="other"),
    Kind("closed without a byte", 4, "interrupted", lambda one, two: Hang(0), again="other"),
    Kind("hang", 2, "interrupted", lambda one, two: Hang(3), again="other"),
    Kind("trickle without end", 1, "interrupted", lambda one, two: Trickle(picture_reply(one, text="x" * 4000), 0.2), again="other"),
    Kind("JSON cut", 4, "interrupted", lambda one, two: half_json(one), again="other"),
    Kind("half a picture", 4, "interrupted", lambda one, two: picture_reply(one[: len(one) // 2]), again="other"),
    Kind("no picture at all", 4, "error", lambda one, two: picture_reply(b"\x89 this is none \xff")),
    Kind("text only", 6, "text", lambda one, two: text_reply(), again="other"),
    Kind("empty JSON", 2, "error", lambda one, two: json_reply({})),
    Kind("524 after the work", 4, "interrupted", lambda one, two: page(524), again="other"),
    Kind("an answer lost by a relay", 2, "interrupted", lambda one, two: error_reply(500, "unexpected EOF"), again="other"),
    Kind("an event stream", 2, "picture", lambda one, two: events(one), whole=1),
    Kind("an envelope", 2, "picture", lambda one, two: envelope(one), whole=1),
    Kind("half a reply with a whole picture", 2, "picture", lambda one, two: Cut(picture_reply(one, more="x" * 4000), 0.6), whole=1),
    Kind("a link", 2, "error", lambda one, two: text_reply("![a](https://img.example.com/a.png)")),
    Kind("refusal", 2, "refused", lambda one, two: text_reply("no", "IMAGE_SAFETY")),
    Kind("page with 200", 2, "error", lambda one, two: page(200)),
    Kind("429, the day's quota", 2, "error", lambda one, two: by_the_day(), paid=False),
)
MARKDOWN = {"role": "model", "parts": [{"text": "Here: ![a bear](data:image/png;base64,PICTURE)"}]}
FURTHER = {
    "envelopes": (
        Kind("under another key", 3, "picture", lambda one, two: wrapped({"data": [{"b64_json": "PICTURE"}]}, one), whole=1),
        Kind("in a list", 3, "picture", lambda one, two: wrapped(f"[{picture_reply(one)[2].decode()}]", one), whole=1),
        Kind("server-sent events", 3, "picture", lambda one, two: events(one), whole=1),
        Kind("in a text", 3, "picture", lambda one, two: wrapped({"candidates": [{"content": MARKDOWN}]}, one), whole=1),
    ),
    "after-work": (
        Kind("524, a page", 3, "interrupted", lambda one, two: page(524), again="other", first=True),
        Kind("504, a page", 3, "interrupted", lambda one, two: page(504), again="other", first=True),
        Kind("a relay lost the reply", 3, "interrupted", lambda one, two: error_reply(500, RELAY), again="other", first=True),
    ),
    "halves": (
        Kind("JSON cut behind the picture", 3, "picture", lambda one, two: whole_in_half(one), whole=1),
        Kind("cut behind the picture", 3, "picture", lambda one, two: Cut(picture_reply(one), BEHIND), whole=1),
    ),
}


def drawn_from(also: Sequence[str]) -> tuple[Kind, ...]:
    """All kinds of answers, with those of the further groups."""
    return (*KINDS, *(kind for group in also for kind in FURTHER[group]))


def draw(seed: int, chain: int, step: int, attempt: int, kinds: Sequence[Kind] = KINDS) -> Kind:
    """What the service answers to this attempt (from 0 on). Some steps meet one fault for ever, some only faults that are asked again."""
    retried = [k for k in kinds if k.again and not k.first]
    of_step, of_attempt = random.Random(f"{seed} {chain} {step}"), random.Random(f"{seed} {chain} {step} {attempt}")
    mood = of_step.choices(("fair", "one fault for ever", "faults for ever"), (70, 12, 18))[0]
    if mood == "one fault for ever":
        return chosen(of_step, retried)
    return chosen(of_attempt, retried if mood == "faults for ever" else [k for k in kinds if attempt == 0 or not k.first])


def chosen(chance: random.Random, kinds: Sequence[Kind]) -> Kind:
    return chance.choices(kinds, [k.weight for k in kinds])[0]


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


@dataclass(frozen=True)
class Told:
    """What the service knows of one request: the chain's number for it, what it was asked, what it answered."""

    step: int
    send: int
    text: str
    base: bytes
    kind: str
    outcome: str
    again: str
    paid: bool
    pictures: tuple[bytes, ...]

    @property
    def too_late(self) -> Told:
        """The same where the client had gone before the answer was whole."""
        return replace(self, outcome="interrupted", again="other", paid=True, pictures=())


class Service:
    """Draws an answer for each request, and keeps the truth about it, by chain; `unread` says what could not be understood."""

    def __init__(self, seed: int, also: Sequence[str] = ()) -> None:
        self.told: dict[int, list[Told]] = {}
        self.unread: list[str] = []
        self._seed, self._kinds = seed, drawn_from(also)
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
            kind = draw(self._seed, chain, step, attempt, self._kinds)
            pictures = painted(chain, step, attempt), painted(chain, step, attempt, (6, 8))
            send = int(received.path.partition("?send=")[2])
            known = (received.text, received.pictures[0], kind.name, kind.outcome, kind.again, kind.paid)
            told.append(Told(step, send, *known, pictures[: kind.whole]))
        return kind.reply(*pictures)


# The client: one chain


class Watched:
    """A transport that numbers its requests in their paths, has a read time-out of its own, and notes what did not come in time."""

    def __init__(self, inner: RequestsTransport, read_timeout: float) -> None:
        self.sends, self.late = 0, set[int]()
        self._inner, self._timeout = inner, read_timeout

    def send(self, request: Request) -> Response:
        self.sends += 1
        asked = replace(request, path=f"{request.path}?send={self.sends}", timeout=min(request.timeout, self._timeout))
        start = time.monotonic()
        try:
            return self._inner.send(asked)
        except TransportError:
            if time.monotonic() - start >= 0.99 * asked.timeout:
                self.late.add(self.sends)
            raise


@dataclass(frozen=True)
class Tried:
    """One step as its caller saw it: the head's picture in the open session, and in one opened anew; an error that is not promptkit's."""

    step: int
    head: bytes | None
    head_anew: bytes | None
    foreign: str


@dataclass(frozen=True)
class Chain:
    """A chain that was driven: its number, its folder, what its caller saw (the root first), and its requests that came too late."""

    number: int
    folder: Path
    tried: Sequence[Tried]
    sends: int
    late: frozenset[int]


def drive(url: str, folder: Path, seed: int, number: int) -> Chain:
    """Adds a root and asks for five edits of the head, whatever becomes of each."""
    hurried = random.Random(f"{seed} {number}").random() < 0.2
    endpoint = Endpoint("loopback", url, auth="none", key_env=(), key_required=False)
    watched = Watched(RequestsTransport(endpoint), DEADLINE if hurried else READ_TIMEOUT)
    session = Session(folder, endpoint=endpoint, transport=watched, recover=RECOVER, deadline=SHORT_DEADLINE if hurried else DEADLINE)
    root = tried(session, 0, partial(session.add, painted(number, 0)))
    edits = [tried(session, step, partial(session.edit, prompt(number, step))) for step in range(1, EDITS + 1)]
    return Chain(number, folder, [root, *edits], watched.sends, frozenset(watched.late))


def tried(session: Session, step: int, call: Callable[[], Step]) -> Tried:
    """Makes one step; whatever it raises, what its caller can see afterwards."""
    foreign = ""
    try:
        call()
    except PromptkitError:
        pass
    except Exception as error:
        foreign = repr(error)
    return Tried(step, head_of(session), head_of(Session(session.folder)), foreign)


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
    told = sorted((t.too_late if t.send in chain.late else t for t in told), key=lambda t: t.send)
    found: list[Finding] = []
    try:
        for figure, step, said in _wrong(chain, told, Session(chain.folder)):
            found.append(Finding(figure, chain.number, step, said))
    except Exception as error:  # a folder that cannot be read is a finding, and no reason to lose those of other chains
        found.append(Finding("foreign errors", chain.number, 0, f"while it was judged: {error!r}"))
    return found


def _wrong(chain: Chain, told: Sequence[Told], session: Session) -> Wrong:
    edits = [s for s in session.steps if s.outcome != "added"]
    for step in range(1, EDITS + 1):
        own = [s for s in edits if meant(str(s.prompt))[1] == step]
        asked = [t for t in told if t.step == step]
        yield from _wrong_pictures(step, asked, own)
        yield from _over_the_bound(step, asked)
        if len(own) != 1:
            yield "edits without one record", step, f"it has {len(own)}"
    yield from _wrong_heads(chain, told)
    attempts = [a for s in edits for a in s.attempts]
    yield from _unrecorded(told, attempts)
    yield from [("attempts that were never made", 0, f"{len(attempts)} on record, {chain.sends} sent")] * (len(attempts) - chain.sends)
    yield from (("foreign errors", t.step, t.foreign) for t in chain.tried if t.foreign)
    yield from (("problems that verify names", p.step or 0, str(p)) for p in session.verify())
    yield from (("files left over", 0, p.name) for p in chain.folder.rglob(".*") if p.name.startswith((".open-", ".tmp-")))


def _wrong_pictures(step: int, asked: Sequence[Told], own: Sequence[Step]) -> Wrong:
    """What was sent whole must lie under the step byte for byte, and nothing else."""
    sent = [p for t in asked for p in t.pictures]
    kept = [p.read_bytes() for s in own if s.outcome == "picture" for p in s.files[:-1] if p.exists()]
    yield from (("pictures lost", step, f"{len(p)} bytes that were sent whole") for p in sent if p not in kept)
    yield from (("pictures that nobody sent", step, f"{len(p)} bytes") for p in kept if p not in sent)


def _over_the_bound(step: int, asked: Sequence[Told]) -> Wrong:
    """All but the last request of a step were asked again, each for a cause that has its bound."""
    causes = Counter(t.again for t in asked[:-1])
    over = causes[""] + max(0, causes["busy"] - BUSY_REPEATS) + max(0, causes["other"] - RECOVER)
    yield from [("requests more than the bound", step, f"asked {len(asked)} times: {', '.join(t.kind for t in asked)}")] * over


def _wrong_heads(chain: Chain, told: Sequence[Told]) -> Wrong:
    """The head is the last step that got a picture, and its picture is what the next edit sends."""
    head = painted(chain.number, 0)
    for seen in chain.tried:
        asked = [t for t in told if t.step == seen.step]
        wrong = ["the picture sent was not the head's"] if any(t.base != head for t in asked) else []
        head = next((t.pictures[0] for t in asked if t.pictures), head)
        wrong += ["the open session's head is another"] if seen.head != head else []
        wrong += ["the head on disk is another"] if seen.head_anew != head else []
        if wrong:
            yield "wrong heads", seen.step, "; ".join(wrong)


def _unrecorded(told: Sequence[Told], attempts: Iterable[Any]) -> Wrong:
    """Each request is one attempt on record, with its words and its outcome, in the order in which they came."""
    left = [(a.get("sent_text"), a.get("outcome")) for a in attempts]
    for request in told:
        if (known := (request.text, request.outcome)) in left:
            del left[: left.index(known) + 1]
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
        self.counts["requests that never arrived"] += chain.sends - len(told)
        self.sent.update(t.kind for t in told)
        self.findings += judged(chain, told)

    def add(self, other: Tally) -> None:
        self.counts.update(other.counts)
        self.sent.update(other.sent)
        self.findings += other.findings

    def __str__(self) -> str:
        figures = Counter(f.figure for f in self.findings)
        rows = [*((name, figures[name]) for name in FIGURES), ("", ""), *self.counts.items(), ("", "")]
        rows += [(f"sent: {kind.name}", self.sent[kind.name]) for kind in drawn_from(tuple(FURTHER)) if self.sent[kind.name]]
        return "\n".join(f"{name:<40}{count:>8}".rstrip() for name, count in rows)


def worked(seed: int, numbers: Sequence[int], also: Sequence[str] = ()) -> Tally:
    """Drives those chains, several at once, at a server of this process; judges them when all requests have come in."""
    warnings.simplefilter("ignore", PromptkitWarning)
    service, tally = Service(seed, also), Tally()
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


def run(seed: int, numbers: Sequence[int], workers: int, also: Sequence[str] = ()) -> Tally:
    """Drives those chains in so many processes, with further groups of faults where they are named."""
    tally, shares = Tally(), [numbers[i::workers] for i in range(workers)]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for part in pool.map(worked, [seed] * workers, shares, [also] * workers):
            tally.add(part)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chains", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2 * (os.cpu_count() or 1), help=f"processes, each with {AT_ONCE} chains at once")
    parser.add_argument("--only", type=int, metavar="CHAIN", help="this one alone, such as a printed one")
    parser.add_argument("--also", action="append", choices=(*FURTHER, "all"), default=[], help="a further group of faults")
    said = parser.parse_args()
    also = tuple(FURTHER) if "all" in said.also else tuple(dict.fromkeys(said.also))
    numbers = range(said.chains) if said.only is None else [said.only]
    workers, start = min(said.workers, len(numbers)), time.monotonic()
    tally = run(said.seed, numbers, workers, also)
    print(f"{tally}\n\nseed {said.seed}, {workers} processes, {time.monotonic() - start:.1f} s")
    for finding in sorted(tally.findings, key=lambda f: (f.chain, f.step))[:SHOWN]:
        print(f"{finding} (--seed {said.seed} --only {finding.chain}{''.join(f' --also {group}' for group in also)})")
    return 1 if tally.findings else 0


if __name__ == "__main__":
    sys.exit(main())
