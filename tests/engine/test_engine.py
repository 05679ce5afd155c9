"""The engine of a folder, which its sessions share. What it asks is in test_ask, what it finds again in session/test_reuse."""

from __future__ import annotations

import gc
import os
import threading
from pathlib import Path

import pytest
from kit.loopback import Loopback
from kit.steps import edit_json, under_way

from promptkit import LineageError, Session
from promptkit.engine.engine import Engine


def test_sessions_of_one_folder_share_an_engine() -> None:
    """A step that one session made is there for the other, and equal requests of both are asked for once."""
    one, other = Session("./bear", endpoint="offline"), Session("./bear", endpoint="offline")
    first = one.generate("a bear")
    assert other[1] == first
    assert other.generate("a bear").reused
    assert Engine.of(Path("bear").absolute()) is Engine.of(Path("bear").absolute())


def test_an_engine_that_no_session_holds_is_closed() -> None:
    """A folder's engine lives as long as somebody uses it, so that a long process does not keep all that it ever opened."""
    ledger = Engine.of(Path("bear").absolute()).ledger
    gc.collect()
    assert Engine.of(Path("bear").absolute()).ledger is not ledger


def test_a_new_opening_sees_what_was_changed_on_disk() -> None:
    """A record that was edited by hand under an open session is not believed by the next opening; a newer layout is refused by it."""
    open_still = Session("./bear", endpoint="offline")
    first = open_still.generate("a bear")
    edit_json(first.record.path, prompt={"text": "a fox"})
    assert len(Session("./bear").steps) == 0
    Path("bear/promptkit.json").write_text('{"layout": 99}', encoding="utf-8")
    with pytest.raises(LineageError, match="layout 99"):
        Session("./bear")


def test_threads_of_two_sessions_ask_once_for_the_same(service: Loopback) -> None:
    """Of two sessions on one folder that ask for the same thing at once one asks, and the other has its step."""
    ready = threading.Barrier(2)
    sessions = [Session("./bear", endpoint=service.url) for _ in range(2)]
    made = []

    def work(session: Session) -> None:
        ready.wait()
        made.append(session.generate("a bear"))

    threads = [threading.Thread(target=work, args=(s,)) for s in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(service.received) == 1
    assert sorted(s.reused for s in made) == [False, True]


def test_a_picture_that_cannot_be_read_claims_nothing() -> None:
    """A step's picture whose file is gone is not added elsewhere, and no number stays claimed for it."""
    other, bear = Session("./other", endpoint="offline"), Session("./bear", endpoint="offline")
    bear.generate("a bear")
    lost = other.generate("a fox").picture
    assert lost.sha256
    Path("other", other[1].record.outputs[0].name).unlink()
    with pytest.raises(LineageError):
        bear.add(lost)
    assert not under_way(Path("bear"))
    assert bear.generate("a cat").number == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_forked_child_opens_an_engine_of_its_own() -> None:
    """What threads of the parent hold locked would stay locked in its child for ever."""
    ours = Engine.of(Path("bear").absolute())
    child = os.fork()
    if not child:
        os._exit(0 if Engine.of(Path("bear").absolute()) is not ours else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
