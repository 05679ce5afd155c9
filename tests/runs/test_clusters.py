"""Runs on real workers of loky and of Dask, here with a scheduler and two processes, some of which are killed or interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.executors import Traveling, worker_of
from kit.loopback import Loopback, Received, picture_reply, png, text_reply
from kit.tables import asked, done, painting

from promptkit import PromptkitWarning, Run, Session

pytestmark = pytest.mark.slow
MANY = [{"label": f"animal {number}", "subject": f"fox number {number}."} for number in range(12)]


@pytest.fixture
def dask() -> Iterator[Any]:
    """A client of a scheduler with two worker processes, each of which carries out one order at a time."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def killing(service: Loopback, into: Path, times: dict[str, int]) -> Counter[str]:
    """Has the server kill the worker that asks for a row, so often, before it answers. Returns the kills, row by row."""
    killed: Counter[str] = Counter()
    lock = threading.Lock()

    def answer(received: Received) -> Any:
        label = next((label for label in times if f"{label.removeprefix('animal_')}." in received.text), "")
        with lock:
            if label and killed[label] < times[label]:
                killed[label] += 1
                os.kill(worker_of(into, label), signal.SIGKILL)
        return picture_reply(png((len(service.received) % 256, 1, 7)))

    service.always = answer
    return killed


def test_dask_carries_out_each_row_once(service: Loopback, tmp_path: Path, dask: Any) -> None:
    """By its executor as it is; one that answers equal calls from memory is asked anew; the client is still open afterwards."""
    painting(service)
    service.say(text_reply("no", "IMAGE_SAFETY"))
    executor = dask.get_executor(pure=True)
    made = done(service, MANY, tmp_path / "r", executor=executor)
    assert made.counts == {"refused": 1, "picture": 11}
    made.retry("refused")
    assert made.counts == {"picture": 12}
    assert len(service.received) == 13
    assert all(row.session.verify() == [] for row in made.rows)
    assert dask.submit(os.getpid).result() != os.getpid()


def test_killed_dask_workers_lose_the_picture_under_way_and_nothing_else(service: Loopback, tmp_path: Path, dask: Any) -> None:
    """Dask begins a killed worker's order again on another one, which finds what is on record: the run ends with all pictures, each kill
    has cost the one request that it cut off, and that is on record.
    """
    killed = killing(service, tmp_path / "r", {"animal_2": 1, "animal_5": 1, "animal_9": 2})
    made = done(service, MANY, tmp_path / "r", executor=dask.get_executor())
    assert killed.total() == 4
    assert made.counts == {"picture": 12}
    assert len(service.received) == 12 + 4
    for row in made.rows:
        outcomes = [step.outcome for step in row.session.steps]
        assert outcomes.count("picture") == 1
        assert row.session.verify() == []
    assert sorted(Counter(asked(service)).values()) == [1] * 9 + [2, 2, 3]


def test_a_row_that_ends_every_worker_ends_no_run(service: Loopback, tmp_path: Path, dask: Any) -> None:
    """Dask gives its order up after four: that row is interrupted, with the sentence, the others have their pictures, and running again
    asks for it alone. What the order may spend bounds all four.
    """
    killed = killing(service, tmp_path / "r", {"animal_3": 9})
    made = done(service, MANY[:6], tmp_path / "r", executor=dask.get_executor())
    assert killed.total() == 4
    assert made.counts == {"picture": 5, "interrupted": 1}
    assert "KilledWorker" in (made.failed[0].error or "")
    assert len(service.received) == 5 + 4
    painting(service)
    assert done(service, MANY[:6], tmp_path / "r").counts == {"picture": 6}
    assert len(service.received) == 5 + 4 + 1


def test_an_order_s_allowance_holds_over_all_workers_that_begin_it(service: Loopback, tmp_path: Path, dask: Any) -> None:
    """max_requests is never passed, however often Dask begins an order again."""
    killing(service, tmp_path / "r", {"animal_3": 9})
    with pytest.warns(PromptkitWarning, match="requests that max_requests allows in this run are used"):
        made = done(service, MANY[3:6], tmp_path / "r", executor=dask.get_executor(), max_requests=4, recover=0, workers=1)
    assert len(service.received) <= 4
    assert made.counts["picture"] <= 2


def test_a_cluster_that_goes_ends_the_run_with_what_is_recorded(service: Loopback, tmp_path: Path, dask: Any) -> None:
    """The run says so, and goes on elsewhere."""
    painting(service)
    executor = dask.get_executor()
    with pytest.warns(PromptkitWarning, match="The executor (gave an order up|takes nothing more)"):
        made = done(service, MANY, tmp_path / "r", executor=executor, workers=2, on_row=lambda row: dask.close())
    assert made.counts["waiting"] >= 1
    assert done(service, MANY, tmp_path / "r").counts == {"picture": 12}
    assert len(service.received) <= 12 + 2


def test_a_killed_loky_worker_ends_the_run_with_what_is_recorded(service: Loopback, tmp_path: Path) -> None:
    """loky ends all its workers with one: the run says so, and with a new executor it goes on; each worker lost one picture at most."""
    loky = pytest.importorskip("loky")
    killed = killing(service, tmp_path / "r", {"animal_4": 1})
    with pytest.warns(PromptkitWarning, match=r"The executor broke \(TerminatedWorkerError"):
        made = done(service, MANY, tmp_path / "r", executor=loky.get_reusable_executor(max_workers=2))
    assert killed.total() == 1
    assert made.counts["waiting"] >= 1
    made.retry(executor=loky.get_reusable_executor(max_workers=2))
    assert made.counts == {"picture": 12}
    assert 12 + 1 <= len(service.received) <= 12 + 2
    loky.get_reusable_executor().shutdown(wait=True, kill_workers=True)


SCRIPT = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
from promptkit import Endpoint, run, templates

def go(executor):
    there = Endpoint("there", {url!r}, auth="none", key_env=(), key_required=False)
    rows = [dict(label=f"animal {{n}}", subject=f"fox {{n}}.") for n in range(12)]
    run(templates.sticker, rows, {into!r}, endpoint=there, executor=executor)

if __name__ == "__main__":
    {begin}
"""
BEGINNINGS = {
    "fork": 'with ProcessPoolExecutor(3, multiprocessing.get_context("fork")) as executor: go(executor)',
    "spawn": 'with ProcessPoolExecutor(3, multiprocessing.get_context("spawn")) as executor: go(executor)',
    "loky": "from loky import get_reusable_executor; go(get_reusable_executor(max_workers=3))",
    "dask": """from distributed import Client, LocalCluster
    with LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=":0") as cluster, Client(cluster) as client:
        go(client.get_executor())""",
}


@pytest.mark.parametrize("begin", BEGINNINGS)
def test_ctrl_c_lets_every_worker_finish(service: Loopback, tmp_path: Path, begin: str) -> None:
    """In a terminal it reaches the workers too: they finish what is under way, nothing more is asked for, and each request is a picture."""
    go, ready = threading.Event(), threading.Semaphore(0)

    def answer(received: Received) -> Any:
        ready.release()
        go.wait(60)
        return picture_reply(png((len(service.received), 1, 7)))

    service.always = answer
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(url=service.url, into=str(tmp_path / "r"), begin=BEGINNINGS[begin]))
    process = subprocess.Popen([sys.executable, script], start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for _ in range(3):
        assert ready.acquire(timeout=60)
    os.killpg(process.pid, signal.SIGINT)
    [own] = (tmp_path / "r/.open").glob("run-*.json")
    waits(lambda: own.with_suffix(".stop").exists())
    go.set()
    out, _ = process.communicate(timeout=60)
    assert b"stopped; what was under way is finished and recorded" in out or b"KeyboardInterrupt" in out
    assert len(service.received) == 3
    made = Run.open(tmp_path / "r")
    assert made.counts == {"picture": 3, "waiting": 9}
    assert all(Session(row.folder).verify() == [] for row in made.rows if row.ok)


def test_orders_that_nobody_carries_out_are_given_up_once_the_run_is_stopped(service: Loopback, tmp_path: Path) -> None:
    """Workers that a Ctrl-C ended say nothing more: the run ends all the same, with what is recorded."""
    painting(service)

    class Vanishing(Traveling):
        def _call(self, future: Any, data: bytes) -> None:
            if len(service.received) >= 3 and b"carry_out_elsewhere" in data:
                Run.open(tmp_path / "r").stop()
            else:
                super()._call(future, data)

    made = done(service, MANY, tmp_path / "r", executor=Vanishing(), workers=1)
    assert made.counts == {"picture": 3, "waiting": 9}


def waits(is_so: Callable[[], bool]) -> None:
    """Waits until it is so."""
    pause = threading.Event()
    for _ in range(600):
        if is_so():
            return
        pause.wait(0.1)
    raise TimeoutError
