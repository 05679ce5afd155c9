"""Runs whose rows are carried out by an executor of the caller's: what travels, what is refused before anything is, and what ends a run.

How many rows are at work at once and what they may spend, by threads, is in test_limits.
"""

from __future__ import annotations

import base64
import json
import multiprocessing
import os
import pickle
import pickletools
import signal
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kit.executors import Traveling, set_variables, worker_of
from kit.loopback import Loopback, Received, picture_reply, png, text_reply
from kit.rivals import CONTEXT
from kit.tables import ANIMALS, asked, done, endpoint, painting

from promptkit import Endpoint, Picture, PromptkitWarning, Run, Session, SettingsError, run, templates
from promptkit.config import config_file
from promptkit.runs.order import Allowance, Hands, Order
from promptkit.runs.probe import Probe
from promptkit.runs.row_state import RowState
from promptkit.runs.run import checked_executor
from promptkit.runs.under_way import at_work
from promptkit.runs.worker import answer_probe, carry_out_elsewhere

KEY = "sk-planted+0123456789/abcdef"
MANY = [{"label": f"animal {number}", "subject": f"fox number {number}"} for number in range(8)]


@pytest.fixture(autouse=True)
def painted(service: Loopback) -> None:
    painting(service)


def keyed(service: Loopback) -> Endpoint:
    """The server, with a key in a variable."""
    return Endpoint("work", service.url, auth="bearer", key_env=("WORK_KEY", "OTHER_KEY"))


def processes(count: int = 2, **variables: str) -> ProcessPoolExecutor:
    """Real ones, with these environment variables as they are given ("": not set), begun where no thread runs."""
    return ProcessPoolExecutor(count, mp_context=CONTEXT, initializer=set_variables, initargs=({**os.environ, **variables},))


# What comes of it


def test_processes_make_the_same_rows_as_threads(service: Loopback, tmp_path: Path) -> None:
    """Two processes ask for each row once, record it in its folder, and what is there is found by threads, and asked for by nobody."""
    with processes() as executor:
        made = done(service, ANIMALS, tmp_path / "r", executor=executor)
        assert executor.submit(os.getpid).result()  # it is still open
    assert made.counts == {"picture": 4}
    assert set(asked(service).values()) == {1}
    assert all(row.session.verify() == [] for row in made.rows)
    assert list((tmp_path / "r/.open").iterdir()) == []
    again = done(service, ANIMALS, tmp_path / "r")
    assert len(service.received) == 4
    assert [row.pictures[0] for row in again.rows] == [row.pictures[0] for row in made.rows]


def test_a_chain_with_pictures_of_its_own_travels_by_the_run_s_folder(service: Loopback, tmp_path: Path) -> None:
    """What goes along with a recipe is in the run's folder, and a row's picture by its path or as bytes: the same bytes are sent."""
    fox = Session(tmp_path / "fox", endpoint="offline")
    hat = Picture.open(png("blue"))
    fox.generate(templates.sticker(subject="fox")).edit("Give it this hat.", references=[hat])
    rows = [{"subject": "bear", "references": str(tmp_path / "sun.png")}, {"subject": "owl", "references": [png("green")]}]
    (tmp_path / "sun.png").write_bytes(png("yellow"))
    by_threads = done(service, rows, tmp_path / "t", fox)
    sent = sorted((r.text, *map(len, r.pictures)) for r in service.received)
    service.received.clear()
    executor = Traveling()
    by_processes = done(service, rows, tmp_path / "p", fox, executor=executor)
    assert sorted((r.text, *map(len, r.pictures)) for r in service.received) == sent
    assert by_processes.counts == by_threads.counts == {"picture": 2}
    assert hat.data in service.received[-1].pictures
    assert not any(base64.b64encode(hat.data) in data for data in executor.traveled)


def test_each_hand_out_has_an_id_of_its_own(service: Loopback, tmp_path: Path) -> None:
    """Executors that answer equal calls from memory are never given two: orders and probes differ at each hand-out."""
    executor = Traveling()
    service.say(text_reply("no", "IMAGE_SAFETY"))
    made = done(service, ANIMALS[:2], tmp_path / "r", executor=executor, max_requests=9)
    assert made.counts == {"refused": 1, "picture": 1}
    made.retry("refused", executor=executor)
    assert made.counts == {"picture": 2}
    assert len(executor.calls) == len(set(executor.calls)) == 6
    assert [json.loads(order[0])["used"] for order in executor.calls if order[1:]] == [{}, {}, {"requests": 1.0}]  # in their folders before
    assert not executor.was_shut_down


def test_a_retry_goes_to_the_same_executor(service: Loopback, tmp_path: Path) -> None:
    """Unless it is given another one."""
    executor = Traveling()
    service.say(text_reply("no", "IMAGE_SAFETY"))
    made = done(service, ANIMALS[:1], tmp_path / "r", executor=executor)
    made.retry("refused").retry()
    assert made.counts == {"picture": 1}
    assert len(executor.calls) == 4


# What travels


@pytest.mark.parametrize("pickler", ["pickle", pytest.param("cloudpickle", marks=pytest.mark.slow)])
def test_no_key_and_no_object_travels(service: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pickler: str) -> None:
    """All that is pickled, on the way there and back, is the name of one of two functions, and texts; none holds a key in any form."""
    from promptkit.providers.keys import Key

    dumps = pytest.importorskip(pickler).dumps
    monkeypatch.setenv("WORK_KEY", KEY)
    monkeypatch.setenv("TEAM_TOKEN", "team-token-0123456789")
    there = replace(keyed(service), headers={"x-team": "TEAM_TOKEN"})
    executor = Traveling(dumps)
    made = run(templates.sticker, ANIMALS, tmp_path / "r", endpoint=there, executor=executor)
    assert isinstance(made, Run)
    assert made.counts == {"picture": 4}
    assert {r.headers["Authorization"] for r in service.received} == {f"Bearer {KEY}"}
    for data in executor.traveled:
        assert not Key(KEY).within(data.decode("latin-1"))
        assert b"team-token" not in data
        named = [str(value) for op, value, _ in pickletools.genops(data) if isinstance(value, str)]
        is_call = "promptkit.runs.worker" in named
        assert not is_call or {"carry_out_elsewhere", "answer_probe"} & set(named)
        assert {op.name for op, _, _ in pickletools.genops(data)} & {"REDUCE", "BUILD", "NEWOBJ", "INST", "OBJ"} == set()
    assert all(isinstance(each, str) and isinstance(json.loads(each), dict) for call in executor.calls for each in call)


def test_what_threads_have_does_not_pickle() -> None:
    """A key, a transport and pictures in memory stay."""
    with pytest.raises(SettingsError, match="does not travel"):
        pickle.dumps(Hands())


def test_prices_of_the_caller_s_config_file_hold_wherever_it_is_carried_out(service: Loopback, tmp_path: Path) -> None:
    """An order brings what the config file says of its model: a worker with another file charges and counts the same."""
    there = config_file()
    there.parent.mkdir(parents=True, exist_ok=True)
    there.write_text('[models."gemini-2.5-flash-image".price.shop]\npicture = 0.5\ncurrency = "CNY"\nas_of = 2026-01-02\n')
    shop = Endpoint("shop", service.url, auth="none", key_env=(), key_required=False)
    with (
        processes(PROMPTKIT_HOME=str(tmp_path / "elsewhere")) as executor,
        pytest.warns(PromptkitWarning, match="1.5000 of the budget of 1.7000 CNY are used"),
    ):
        made = run(templates.sticker, MANY, tmp_path / "r", endpoint=shop, executor=executor, budget="1.7 CNY", workers=2)
    assert isinstance(made, Run)
    assert made.cost.amounts == {"CNY": 1.5}
    assert made.rows[0].steps[0].attempts[0].fields["cost"]["basis"] == "shop pictures 2026-01-02"
    assert len(service.received) == 3


def test_never_sending_holds_for_workers_too(
    service: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PROMPTKIT_SEND=never where the run is started forbids its workers to send."""
    monkeypatch.setenv("PROMPTKIT_SEND", "never")
    with processes(PROMPTKIT_SEND="") as executor:
        made = done(service, ANIMALS[:1], tmp_path / "r", executor=executor)
    assert service.received == []
    assert made.counts == {"invalid": 1}
    assert "PROMPTKIT_SEND=never" in (made.failed[0].error or "")


# What is refused before anything is handed out


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"api_key": KEY}, "api_key= goes with threads only, and the workers of a Traveling may be other processes: set the key's"),
        ({"transport": "own"}, "transport= goes with threads only"),
        ({"what": "function"}, "A function that makes the prompts goes with threads only"),
        ({"endpoint": "own dialect"}, "An endpoint with a dialect of its own goes with threads only"),
    ],
)
def test_what_is_bound_to_this_process_goes_with_threads_only(service: Loopback, tmp_path: Path, how: dict[str, Any], said: str) -> None:
    """One sentence, before anything is handed out, sent or made, in a dry run too; an executor of threads takes them all."""
    from promptkit import FunctionTransport
    from promptkit.providers.dialect import dialect_named

    given = {
        "own": FunctionTransport(lambda path, body: picture_reply(png())),
        "function": lambda row: f"A {row['subject']}.",
        "own dialect": Endpoint("mine", service.url, auth="none", key_env=(), key_required=False, dialect=dialect_named("gemini")),
    }
    how = {name: given.get(value, value) for name, value in how.items()}
    if "transport" not in how:
        how = {"endpoint": keyed(service) if "api_key" in how else endpoint(service), **how}
    what = how.pop("what", templates.sticker)
    executor = Traveling()
    for more in ({}, {"dry_run": True}):
        with pytest.raises(SettingsError, match=said) as raised:
            run(what, ANIMALS, tmp_path / "r", executor=executor, **how, **more)
        assert KEY not in str(raised.value)
    assert executor.calls == []
    assert not (tmp_path / "r").exists()
    with ThreadPoolExecutor(2) as threads:
        made = run(what, ANIMALS, tmp_path / "r", executor=threads, **how)
    assert isinstance(made, Run)
    assert made.counts == {"picture": 4}


def test_what_is_no_executor_is_refused() -> None:
    """A Dask client is told its method; other things are told what there is."""

    class Client:
        def get_executor(self) -> None: ...

    with pytest.raises(SettingsError, match=r"give its \.get_executor\(\)"):
        checked_executor(Client(), 2)
    for wrong in (object(), 4, "threads", multiprocessing, ThreadPoolExecutor):
        with pytest.raises(SettingsError, match="executor= is an executor such as"):
            checked_executor(wrong, 2)


# The probe


@pytest.fixture
def probe(service: Loopback, tmp_path: Path) -> Any:
    """That of a run in `r`, whose coordinator is at work."""
    (tmp_path / "r").mkdir()
    with at_work(tmp_path / "r") as own:
        yield Probe.of(own.path, [keyed(service)])


def test_a_worker_says_where_it_found_the_key(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable's name, never what it holds."""
    monkeypatch.setenv("OTHER_KEY", KEY)
    answer = probe.answered()
    assert answer.keys == {"work": "OTHER_KEY"}
    assert answer.refusal == ""
    assert KEY not in answer.to_text()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "has no key for 'work': set WORK_KEY or OTHER_KEY there"),
        ({"version": "0.1"}, "and this run is 0.1's: install the same there"),
        ({"at_work": "/nowhere/r/.open/run-1.json"}, "does not see this run's folder /nowhere/r: give a folder that all workers share"),
    ],
)
def test_what_a_worker_lacks_is_one_sentence_with_its_name(probe: Probe, changed: dict[str, Any], said: str) -> None:
    """Each thing that is missing is told with what to do about it."""
    refusal = replace(probe, **changed).answered().refusal
    assert refusal.startswith(f"The worker {multiprocessing.current_process().name} (process {os.getpid()} on ")
    assert said in refusal
    assert "\n" not in refusal


def test_headers_and_never_sending_are_looked_for(service: Loopback, probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables of an endpoint's headers, and PROMPTKIT_SEND where the worker runs."""
    monkeypatch.setenv("WORK_KEY", KEY)
    with_header = Probe.of(Path(probe.at_work), [replace(keyed(service), headers={"x-team": "TEAM_TOKEN"})])
    assert "has no TEAM_TOKEN, which 'work' needs" in with_header.answered().refusal
    monkeypatch.setenv("PROMPTKIT_SEND", "never")
    assert "has PROMPTKIT_SEND=never" in probe.answered().refusal


def test_a_missing_key_is_told_before_anything_is_sent(service: Loopback, tmp_path: Path) -> None:
    """Every worker that answers is asked first: nothing is sent, and the same run goes on once the key is there."""
    with processes() as executor, pytest.raises(SettingsError, match=r"has no key for 'work': set WORK_KEY .* Nothing was sent\."):
        run(templates.sticker, ANIMALS, tmp_path / "r", endpoint=keyed(service), executor=executor)
    assert service.received == []
    assert done(service, ANIMALS, tmp_path / "r").counts == {"picture": 4}


def test_a_worker_that_joins_later_answers_before_its_first_order(service: Loopback, tmp_path: Path) -> None:
    """One that does not pass carries nothing out: its row is waiting, and the run ends with its sentence."""

    class Joining(Traveling):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            if fn is carry_out_elsewhere and len(service.received) >= 2:
                probe = json.loads(args[1])
                args = (args[0], json.dumps({**probe, "version": "0.1"}))  # as one sees it that has another version
            return super().submit(fn, *args, **kwargs)

    with pytest.warns(PromptkitWarning, match=r"with 2 rows waiting: The worker .* this run is 0\.1's"):
        made = done(service, ANIMALS, tmp_path / "r", executor=Joining(), workers=1)
    assert made.counts == {"picture": 2, "waiting": 2}
    assert len(service.received) == 2


def test_workers_without_promptkit_are_told_so(service: Loopback, tmp_path: Path) -> None:
    """Whatever an executor raises at the probe is one sentence."""

    class Bare(Traveling):
        def _call(self, future: Any, data: bytes) -> None:
            future.set_exception(ModuleNotFoundError("No module named 'promptkit'"))

    said = r"The Bare carries nothing out \(ModuleNotFoundError: No module named 'promptkit'\): its workers need promptkit"
    with pytest.raises(SettingsError, match=said):
        done(service, ANIMALS, tmp_path / "r", executor=Bare())
    pool = processes()
    pool.shutdown()
    with pytest.raises(SettingsError, match="has to be open"):
        done(service, ANIMALS, tmp_path / "r", executor=pool)
    assert service.received == []


# What ends it


def test_a_row_is_looked_up_before_it_is_asked_for(service: Loopback, tmp_path: Path) -> None:
    """An order that is carried out twice, as when a killed worker's call is begun again, is paid for once."""

    class Twice(Traveling):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            if fn is carry_out_elsewhere:
                super().submit(fn, *args, **kwargs)
            return super().submit(fn, *args, **kwargs)

    made = done(service, ANIMALS, tmp_path / "r", executor=Twice())
    assert made.counts == {"picture": 4}
    assert len(service.received) == 4


def test_an_order_that_is_begun_again_keeps_to_its_allowance(service: Loopback, tmp_path: Path) -> None:
    """What was spent since it was handed out counts: it may not spend the same twice."""
    service.always = text_reply()
    (tmp_path / "r").mkdir()
    from promptkit.runs.planning import Asked, Planner
    from promptkit.runs.rows import open_table
    from promptkit.session.recipe import Recipe

    asked_for = Asked(endpoint=endpoint(service), max_requests=2, retry=("text",))
    planner = Planner(Recipe.of_templates([templates.sticker]), open_table(ANIMALS[:1]), tmp_path / "r", asked_for)
    [row] = planner.rows()
    order = replace(planner.order(row).handed_out(Allowance(None, 2)), used={})
    assert Order.of_text(order.to_text(), Hands()).allowance == Allowance(None, 2)
    with at_work(tmp_path / "r") as own:
        probe = Probe.of(own.path, planner.endpoints).to_text()
        first = RowState.of_text(carry_out_elsewhere(order.to_text(), probe))
        second = RowState.of_text(carry_out_elsewhere(order.to_text(), probe))
    assert len(service.received) == 2
    assert first.spent == second.spent == {"requests": 2}


def test_nothing_is_begun_once_the_run_is_stopped(service: Loopback, tmp_path: Path) -> None:
    """Orders that wait in an executor's queue when the run is stopped come back unbegun, and their rows are waiting."""
    into = tmp_path / "r"
    with processes(1) as executor:
        def answer(received: Received) -> Any:
            Run.open(into).stop()
            return picture_reply(png())

        service.always = answer
        made = done(service, MANY, into, executor=executor, workers=4)
    assert made.counts == {"picture": 1, "waiting": 7}
    assert len(service.received) == 1
    painting(service)
    assert done(service, MANY, into).counts == {"picture": 8}


def test_a_broken_executor_ends_the_run_with_what_is_recorded(service: Loopback, tmp_path: Path) -> None:
    """A killed process breaks its pool: the rows that it had are waiting, the run says so, and goes on elsewhere: at most the pictures that
    were under way are asked for again.
    """
    killed: list[int] = []

    def answer(received: Received) -> Any:
        if "number 3" in received.text and not killed:
            killed.append(worker_of(tmp_path / "r", "animal_3"))
            os.kill(killed[0], signal.SIGKILL)
        return picture_reply(png((len(service.received), 1, 7)))

    service.always = answer
    with processes() as executor, pytest.warns(PromptkitWarning, match=r"The executor broke \(BrokenProcessPool: .* run it again"):
        made = done(service, MANY, tmp_path / "r", executor=executor)
    assert made.counts["waiting"] >= 1
    assert made.counts["picture"] >= 1
    again = done(service, MANY, tmp_path / "r")
    assert again.counts == {"picture": 8}
    assert sum(asked(service).values()) <= 8 + 2
    assert all(row.session.verify() == [] for row in again.rows)


def test_a_worker_that_ends_fails_its_row_alone(service: Loopback, tmp_path: Path) -> None:
    """What an executor raises for one order ends one row, for a cause that is asked again; a picture that is on record counts."""

    class Losing(Traveling):
        def _call(self, future: Any, data: bytes) -> None:
            fn, args, _ = pickle.loads(data)
            is_order = fn is carry_out_elsewhere
            if is_order and b"fox" in data:
                future.set_exception(MemoryError("killed"))
            elif is_order and b"owl" in data:
                fn(*args)
                future.set_exception(MemoryError("killed"))
            else:
                super()._call(future, data)

    made = done(service, ANIMALS, tmp_path / "r", executor=Losing(), workers=2)
    assert made.counts == {"interrupted": 1, "picture": 3}
    assert made["fox"].error == "The worker that carried it out ended (MemoryError: killed): run it again."
    assert done(service, ANIMALS, tmp_path / "r").counts == {"picture": 4}
    assert len(service.received) == 4


def test_a_probe_s_answer_names_what_it_is_asked() -> None:
    """What a probe and its answer say comes back from JSON as it went."""
    probe = Probe("/r/.open/run-1.json", "1", (), id="x")
    assert Probe.of_text(probe.to_text()) == probe
    assert json.loads(answer_probe(probe.to_text()))["lacks"]
