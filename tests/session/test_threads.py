"""A session in several threads: whose the head is, what works anywhere, and what becomes of a call that nobody waits for any more.

What threads share below a session, its engine, is tested in tests/engine; a whole web service in tests/whole/test_service.py.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import pytest
from kit.loopback import Loopback, Received, Reply, json_reply, picture_reply, png
from nbclient import NotebookClient

from promptkit import FunctionTransport, Response, Session, SettingsError, Step


def colour(path: str, body: bytes) -> Response:
    """A picture of one colour, another one for each request."""
    return Response(*picture_reply(png(f"#{hashlib.sha256(body).hexdigest()[:6]}")))


def session(name: str = "./bear") -> Session:
    return Session(name, transport=FunctionTransport(colour))


def elsewhere(call: Callable[[], Any]) -> Any:
    """What a call returns or raises in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


# Whose the head is


def test_eight_threads_on_one_session_never_begin_from_each_others_pictures() -> None:
    """An edit of each thread's own step continues that step; one of the head, which they would share, is refused in all of them."""
    bear, ready = session(), threading.Barrier(8)

    def work(i: int) -> tuple[Step, Step, str]:
        own = bear.generate(f"bear {i}")
        ready.wait()
        with pytest.raises(SettingsError) as refused:
            bear.edit(f"hat {i}")
        return own, own.edit(f"hat {i}"), str(refused.value)

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(work, range(8)))
    assert [edited.parents[0] for _, edited, _ in made] == [own for own, _, _ in made]
    assert all("say on=, or call edit on a Step" in said for _, _, said in made)
    assert len(bear) == 16


USES = {
    "edit": (lambda s: s.edit("a hat"), "say on=, or call edit on a Step"),
    "an edit with references": (lambda s: s.edit("a hat", references=[1]), "say on=, or call edit on a Step"),
    "again": (lambda s: s.again(), "call again on a Step"),
    "again reworded": (lambda s: s.again("a fox"), "call again on a Step"),
    "vary": (lambda s: s.vary(), "say on=, or call vary on a Step"),
    "vary with a prompt": (lambda s: s.vary("a hat", n=2), "say on=, or call edit on a Step"),
    "undo": (lambda s: s.undo(), "session.at"),
    "redo": (lambda s: s.redo(), "session.at"),
    "goto": (lambda s: s.goto(1), "session.at"),
    "save": (lambda s: s.save("bear.png"), "call save on a Step"),
    "tag": (lambda s: s.tag("best"), r"tag\(name, step\)"),
    "trail": (lambda s: s.trail(), r"trail\(step\)"),
    "explain": (lambda s: s.explain(), r"explain\(step\)"),
    "export": (lambda s: s.export("bear.zip"), "step="),
    "replay": (lambda s: s.replay("./other"), r"session\.at\(step\)\.replay"),
    "replay, shown only": (lambda s: s.replay("./other", dry_run=True), r"session\.at\(step\)\.replay"),
}


@pytest.mark.parametrize("use", USES)
def test_what_means_the_head_is_refused_in_another_thread(use: str, service: Loopback) -> None:
    """A call that starts from the head or moves it, without naming a step, raises in another thread, says both threads and what to say
    instead, and neither sends nor writes anything.
    """
    call, instead = USES[use]
    bear = Session("./bear", endpoint=service.url)
    first = bear.generate("a bear")
    second = first.edit("a scarf")
    bear.undo()
    files = sorted(Path.cwd().rglob("*"))
    with pytest.raises(SettingsError, match=instead) as refused:
        elsewhere(lambda: call(bear))
    assert "'MainThread'" in str(refused.value)
    assert "'ThreadPoolExecutor" in str(refused.value)
    assert len(service.received) == 2
    assert sorted(Path.cwd().rglob("*")) == files
    assert bear.head == first
    assert bear.redo() == second


@pytest.mark.parametrize("use", USES)
def test_the_same_works_on_a_cursor_of_the_threads_own(use: str) -> None:
    """`at(step)` gives the thread that calls it a head of its own, which it may use and move; the opener's stays where it is."""
    bear = session()
    first = bear.generate("a bear")
    second = bear.edit("a scarf")

    def work() -> object:
        own = bear.at(second)
        own.undo()
        own.redo()
        if use == "redo":
            own.undo()
        return USES[use][0](own)

    assert elsewhere(work) is not None
    assert bear.head == second
    assert bear.undo() == first


NAMED: dict[str, Callable[[Session, Step], Any]] = {
    "generate": lambda s, step: s.generate("a fox"),
    "a reused step": lambda s, step: s.generate("a bear"),
    "edit on a step": lambda s, step: s.edit("a hat", on=step),
    "edit on a number": lambda s, step: s.edit("a hat", on=1),
    "edit on a tag": lambda s, step: s.edit("a hat", on="best"),
    "edit on a picture": lambda s, step: s.edit("a hat", on=png("green")),
    "a step's edit": lambda s, step: step.edit("a hat"),
    "a step's again": lambda s, step: step.again(),
    "a step's vary": lambda s, step: step.vary("a hat", n=2)[0],
    "vary as roots": lambda s, step: s.vary("a fox", n=2, root=True)[0],
    "vary on a step": lambda s, step: s.vary("a hat", n=2, on=step)[0],
    "squash": lambda s, step: s.squash(2, 3),
    "add": lambda s, step: s.add(png("green")),
    "tag": lambda s, step: s.tag("second", step),
    "replay into it": lambda s, step: session("./fox").at(fox_in("./fox")).replay(s)[0],
}


def fox_in(folder: str) -> Step:
    return session(folder).generate("a fox")


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.filterwarnings("ignore:step")  # pictures of other sizes than those they continue
def test_what_names_its_step_works_in_any_thread_and_moves_nobodys_head(name: str) -> None:
    """A call that names its step, or needs none, works in every thread, and leaves the head of the thread that opened the session and the
    place where the next opening starts.
    """
    bear = session()
    first = bear.generate("a bear")
    bear.tag("best", first)
    first.edit("a scarf").edit("a coat")
    bear.goto(first)
    made = elsewhere(lambda: NAMED[name](bear, first))
    assert made in bear
    assert bear.head == Session("./bear").head == first


def test_the_head_may_be_read_in_any_thread() -> None:
    """`head`, what a session shows and an export of everything are the same in every thread: where the opener's head is."""
    bear = session()
    bear.generate("a bear").edit("a hat")
    bear.goto(1)
    for read in (lambda: bear.head, lambda: repr(bear), bear._repr_mimebundle_, lambda: bear.steps, lambda: bear.cost):
        assert elsewhere(read) == read()
    elsewhere(lambda: bear.export("bear.zip", all=True))
    assert Session("./bear").head == bear.head == bear[1]


def test_reading_in_another_thread_does_not_settle_where_the_head_is() -> None:
    """Where the head of a session starts is read when its own thread needs it first; another one that looked before changes nothing."""
    session().generate("a bear").edit("a hat")
    bear = Session("./bear")
    assert elsewhere(lambda: bear.head).number == 2
    Session("./bear").goto(1)
    assert bear.head.number == 1


def test_a_thread_that_began_when_the_opener_had_ended_is_another_one() -> None:
    """Systems give the number of an ended thread to the next one; the head does not go to it with that."""
    bear = elsewhere(session)
    for _ in range(20):
        step = elsewhere(lambda: bear.generate("a bear"))
        with pytest.raises(SettingsError, match="say on="):
            elsewhere(lambda: bear.edit("a hat"))
    assert elsewhere(lambda: bear.edit("a hat", on=step)).parents == (step,)


def test_each_thread_that_opens_the_folder_has_a_head_of_its_own() -> None:
    """A Session opened in the thread that uses it, as a service does for each request, needs no on=."""
    first = session().generate("a bear")

    def work(i: int) -> bool:
        own = session().at(first)
        chain = [own.edit(f"hat {i}"), own.edit(f"scarf {i}"), own.edit(f"coat {i}")]
        return [s.parents[0] for s in chain] == [first, *chain[:2]]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


def test_a_step_made_on_a_threads_own_cursor_moves_that_one_only() -> None:
    """A step moves the head of the session it came from, in the thread that has it, wherever else that step is used."""
    bear = session()
    bear.generate("a bear")

    def work() -> tuple[Session, Step]:
        own = bear.at(1)
        own.edit("a hat").edit("a scarf")
        assert own.head.number == 3
        return own, own.head

    own, third = elsewhere(work)
    fourth = third.edit("a coat")
    assert fourth.parents == (third,)
    assert own.head == third, "this thread is not the one that has that cursor"
    assert bear.head.number == 1


def test_the_opener_goes_on_while_others_add_to_the_session() -> None:
    """The opener's own chain continues its own steps, whatever other threads make meanwhile."""
    bear = session()
    chain = [bear.generate("a bear")]
    with ThreadPoolExecutor(4) as pool:
        others = pool.map(lambda i: bear.generate(f"fox {i}").edit("a hat"), range(8))
        chain += [bear.edit(f"hat {i}") for i in range(6)]
        foxes = list(others)
    assert [s.parents[0] for s in chain[1:]] == chain[:-1]
    assert bear.trail() == tuple(chain)
    assert len({s.parents[0] for s in foxes}) == 8


# In an event loop


def test_an_event_loop_hands_steps_to_threads() -> None:
    """`await asyncio.to_thread(step.edit, …)` is the way to await a picture; the session itself says so where the head is meant."""
    bear = session()

    async def work() -> list[Step]:
        first = await asyncio.to_thread(bear.generate, "a bear")
        with pytest.raises(SettingsError, match="call edit on a Step"):
            await asyncio.to_thread(bear.edit, "a hat")
        return [first, *await asyncio.gather(*(asyncio.to_thread(first.edit, f"hat {i}") for i in range(6)))]

    first, *edits = asyncio.run(work())
    assert {s.parents for s in edits} == {(first,)}
    assert len(bear) == 7


def slowly(allowed: threading.Event, begun: threading.Event) -> Callable[[Received], Reply]:
    """A reply that comes when a test allows it."""

    def reply(received: Received) -> Reply:
        begun.set()
        assert allowed.wait(30)
        return picture_reply(png())

    return reply


@pytest.mark.parametrize("way", ["cancelled", "timed out"])
def test_the_request_of_a_cancelled_task_goes_on_and_is_found(way: str, service: Loopback) -> None:
    """Nobody waits for a cancelled task's picture any more; it is recorded when it comes, and the same call brings it: one request."""
    allowed, begun = threading.Event(), threading.Event()
    service.say(slowly(allowed, begun))
    bear = Session("./bear", endpoint=service.url)

    async def work() -> Step:
        task = asyncio.create_task(asyncio.to_thread(bear.generate, "a bear"))
        await asyncio.to_thread(begun.wait)
        if way == "cancelled":
            task.cancel()
        with pytest.raises((asyncio.CancelledError, TimeoutError)):
            await asyncio.wait_for(task, 0.01)
        same = asyncio.create_task(asyncio.to_thread(bear.generate, "a bear"))  # while the first one is still under way
        await asyncio.sleep(0)
        allowed.set()
        return await same

    step = asyncio.run(work())
    assert step.reused
    assert step == bear.generate("a bear") == Session("./bear", endpoint=service.url).generate("a bear")
    assert len(service.received) == len(bear) == 1


def test_a_failure_that_nobody_waited_for_is_recorded_and_asked_again(service: Loopback) -> None:
    """A request that failed behind a cancelled task stands on record as failed; the same call asks anew."""
    begun, allowed = threading.Event(), threading.Event()
    bear = Session("./bear", endpoint=service.url, recover=0)
    refusal = {"promptFeedback": {"blockReason": "SAFETY"}}

    def refuse(received: Received) -> Reply:
        slowly(allowed, begun)(received)
        return json_reply(refusal)

    service.say(refuse)

    async def work() -> None:
        task = asyncio.create_task(asyncio.to_thread(bear.generate, "a bear"))
        await asyncio.to_thread(begun.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        allowed.set()

    asyncio.run(work())
    assert [s.outcome for s in bear.steps] == ["refused"]
    assert bear.generate("a bear").ok
    assert len(service.received) == 2


# In a notebook


CELLS = [
    """
from comm import create_comm
from promptkit import Session
bear = Session("./bear", endpoint="offline")
bear.generate("a bear")
clicked = create_comm(target_name="a button")
clicked.on_msg(lambda message: bear.edit("clicked"))
print(clicked.comm_id)""",
    "bear.undo(), bear.redo()",
    "print(*(step.prompt.text for step in bear.edit('a scarf').parents), bear.edit('a coat').parents[0].prompt.text)",
]


@pytest.mark.slow
def test_cells_and_the_callbacks_of_widgets_have_the_head() -> None:
    """A kernel runs all cells, and what a widget's message calls, in the thread that opened the session: there the head is at hand."""
    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, CELLS)))
    client = NotebookClient(notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(Path.cwd())}})
    with client.setup_kernel():
        first, undone, chained = notebook.cells
        client.execute_cell(first, 0)
        channel = client.kc.shell_channel
        channel.send(client.kc.session.msg("comm_msg", {"comm_id": first.outputs[-1].text.strip(), "data": {}}))
        client.execute_cell(undone, 1)
        client.execute_cell(chained, 2)
    assert chained.outputs[0].text == "clicked a scarf\n"
