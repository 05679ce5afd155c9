"""Runs whose processes are killed at drawn moments, and two that work on one folder at once, at a server that counts."""

from __future__ import annotations

import random
import warnings
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kit.loopback import Loopback
from kit.rivals import Say, at_once, die_at
from kit.tables import painting

from promptkit import Endpoint, Run, Session, run, templates

KILLS, ROWS = 100, 200
FEW_KILLS, FEW_ROWS = 2, 6


def rows(count: int) -> list[dict[str, str]]:
    return [{"label": f"animal {number}", "subject": f"fox number {number}"} for number in range(count)]


def work(url: str, into: Path, count: int, moment: int, begin: str, say: Say, ready: Callable[[], None]) -> None:
    """One process's run, which is killed at that moment, 0 for never."""
    ready()
    if moment:
        die_at(moment, into, lambda: say("killed"), begin=begin)
    warnings.simplefilter("ignore")
    there = Endpoint("there", url, auth="none", key_env=(), key_required=False)
    made = run(templates.sticker, rows(count), into, endpoint=there, workers=8)
    assert isinstance(made, Run)
    say(made.counts)


def judged(service: Loopback, into: Path, count: int) -> tuple[int, int]:
    """How many requests there were, and how many of them are more than one for each row; after everything on disk was checked."""
    made = {row["label"]: row for row in rows(count)}
    folders = [folder for folder in into.iterdir() if (folder / "promptkit.json").exists()]
    whole = (r for r in service.received if len(r.body) == int(r.headers["Content-Length"]))  # a killed client leaves half of one
    requests = Counter(received.text for received in whole)
    assert len(folders) == len(made) == len(requests) == count
    for folder in folders:
        session = Session(folder)
        steps = session.steps
        assert session.verify() == []
        assert [step.ok for step in steps].count(True) == 1, folder
        attempts = [attempt for step in steps for attempt in step.attempts]
        assert requests[str(steps[0].prompt)] <= len(attempts), folder  # each request was noted before it went out
    return requests.total(), requests.total() - count


@pytest.mark.parametrize(
    ("kills", "count"), [(FEW_KILLS, FEW_ROWS), pytest.param(KILLS, ROWS, marks=pytest.mark.slow)]
)
def test_kills_lose_nothing_and_pay_twice_only_for_what_was_under_way(service: Loopback, tmp_path: Path, kills: int, count: int) -> None:
    """A run is killed so often, then run again: each row has one picture, each request is on record, and no row with a picture was asked
    for again. What was paid more than once is at most what each kill found under way.
    """
    painting(service)
    draw, into, died = random.Random(7), tmp_path / "r", 0
    for _ in range(kills):
        begin = draw.choice(("promptkit.send", ""))
        [said] = at_once([partial(work, service.url, into, count, draw.randint(1, 200 if begin else 400), begin)])
        died += said[-1:] == ["killed"]
    [said] = at_once([partial(work, service.url, into, count, 0, "")])
    assert said[-1] == {"picture": count}
    _, again = judged(service, into, count)
    assert again <= 8 * died
    assert died > kills / 2


def test_two_coordinators_pay_for_each_row_once(service: Loopback, tmp_path: Path) -> None:
    """Two processes that run the same table into one folder at once ask for each row once, and both have all pictures."""
    painting(service)
    both: list[Any] = at_once([partial(work, service.url, tmp_path / "r", FEW_ROWS, 0, "") for _ in range(2)])
    assert [said[-1] for said in both] == [{"picture": FEW_ROWS}] * 2
    assert judged(service, tmp_path / "r", FEW_ROWS) == (FEW_ROWS, 0)
