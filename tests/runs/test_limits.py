"""What all rows together may spend and ask, how fast, and what ends a run."""

from __future__ import annotations

import csv
import threading
from pathlib import Path
from typing import Any

import pytest
from kit.loopback import Loopback, Received, error_reply, picture_reply, png, text_reply
from kit.tables import ANIMALS, done, endpoint, painting

from promptkit import FunctionTransport, PromptkitWarning, Response, Run, SettingsError, run, templates
from promptkit.cost import Cost, Money
from promptkit.runs.allowance import RunBudget
from promptkit.runs.order import Allowance

MANY = [{"label": f"animal {number}", "subject": f"fox number {number}"} for number in range(12)]


@pytest.fixture(autouse=True)
def painted(service: Loopback) -> None:
    painting(service)


def test_max_requests_bounds_all_rows_together(service: Loopback, tmp_path: Path) -> None:
    """What was asked before counts; a larger number goes on."""
    with pytest.warns(PromptkitWarning, match="with 7 rows waiting: 5 of the 5 requests that max_requests allows"):
        first = done(service, MANY, tmp_path / "r", max_requests=5)
    assert first.counts == {"picture": 5, "waiting": 7}
    with pytest.warns(PromptkitWarning, match="with 3 rows waiting"):
        second = done(service, MANY, tmp_path / "r", max_requests=9)
    assert second.counts["picture"] == len(service.received) == 9
    assert done(service, MANY, tmp_path / "r", max_requests=12).counts == {"picture": 12}


def test_a_budget_bounds_all_rows_together(tmp_path: Path) -> None:
    """In money: never more than it, whatever stands in how many rows."""
    transport = FunctionTransport(lambda path, body: picture_reply(png()))
    sent: list[str] = []

    def handler(path: str, body: bytes) -> Any:
        sent.append(path)
        return transport.handler(path, body)

    from promptkit import Endpoint
    from promptkit.config import config_file

    config_file().parent.mkdir(parents=True, exist_ok=True)
    config_file().write_text('[models."gemini-2.5-flash-image".price.shop]\npicture = 0.5\ncurrency = "CNY"\n')
    shop = Endpoint("shop", "http://127.0.0.1:9", auth="none", key_env=(), key_required=False)
    with pytest.warns(PromptkitWarning, match=r"may cost 0.5000 CNY, and 2.0000 of the budget of 2.2000 CNY are used"):
        made = run(templates.sticker, MANY, tmp_path / "r", endpoint=shop, transport=FunctionTransport(handler), budget="2.2 CNY")
    assert isinstance(made, Run)
    assert len(sent) == 4
    assert made.cost == Cost.of(2.0, "CNY")


def test_a_budget_without_a_price_is_refused_before_anything_is_sent(service: Loopback, tmp_path: Path) -> None:
    """Once for all rows, with the command that sets one."""
    with pytest.raises(SettingsError, match="promptkit price") as raised:
        done(service, MANY, tmp_path / "r", budget=2)
    assert str(raised.value).count("promptkit price") == 1
    assert service.received == []


def test_repeats_within_a_row_count(service: Loopback, tmp_path: Path) -> None:
    """A row that is asked again takes its requests from all."""
    service.say(text_reply(), text_reply())
    with pytest.warns(PromptkitWarning, match="waiting"):
        made = done(service, MANY, tmp_path / "r", max_requests=5, workers=1)
    assert len(service.received) == 5
    assert made.counts["picture"] == 3


def test_what_is_the_same_for_all_rows_ends_the_run(service: Loopback, tmp_path: Path) -> None:
    """A rejected key is asked with once for each row that was under way, and the sentence is told once."""
    service.always = error_reply(401, "API key not valid")
    with pytest.warns(PromptkitWarning, match="The run stopped, with 11 rows waiting"):
        made = done(service, MANY, tmp_path / "r", workers=1)
    assert len(service.received) == 1
    assert made.counts == {"access": 1, "waiting": 11}
    painting(service)
    assert done(service, MANY, tmp_path / "r").counts == {"picture": 12}


def test_so_many_rows_are_at_work_at_once(service: Loopback, tmp_path: Path) -> None:
    """Never more than workers, and as many as there are."""
    together, most, now = threading.Barrier(3), [0], [0]
    lock = threading.Lock()

    def answer(received: Received) -> Any:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        together.wait(30)
        with lock:
            now[0] -= 1
        return picture_reply(png())

    service.always = answer
    assert done(service, MANY, tmp_path / "r", workers=3).counts == {"picture": 12}
    assert most[0] == 3


def test_a_pace_holds_the_next_row(service: Loopback, tmp_path: Path) -> None:
    """At per_minute=1200 the last of four rows begins no earlier than 150 ms after the first."""
    begun: list[float] = []
    import time

    service.always = lambda received: (begun.append(time.monotonic()), picture_reply(png()))[1]
    done(service, ANIMALS, tmp_path / "r", per_minute=1200)
    assert begun[-1] - begun[0] > 0.1


def test_stop_from_elsewhere_finishes_what_is_under_way(service: Loopback, tmp_path: Path) -> None:
    """A run that goes on by itself hands nothing more out once somebody stops it; running again goes on."""
    reached, go = threading.Event(), threading.Event()

    def answer(received: Received) -> Any:
        reached.set()
        go.wait(30)
        return picture_reply(png())

    service.always = answer
    made = run(templates.sticker, MANY, tmp_path / "r", endpoint=endpoint(service), workers=2, wait=False)
    assert isinstance(made, Run)
    assert reached.wait(30)
    assert made.is_under_way
    Run.open(tmp_path / "r").stop()
    go.set()
    made.wait()
    assert made.counts["waiting"] >= 8
    assert len(service.received) == made.counts["picture"] <= 4
    assert list((tmp_path / "r/.open").iterdir()) == []
    assert done(service, MANY, tmp_path / "r").counts == {"picture": 12}


def test_what_another_process_did_meanwhile_is_told(service: Loopback, tmp_path: Path) -> None:
    """The tables of a run that is stopped hold the rows that somebody else has carried out since it began."""
    reached, go = threading.Event(), threading.Event()

    def answer(received: Received) -> Any:
        if not reached.is_set():
            reached.set()
            go.wait(30)
        return picture_reply(png((len(service.received), 7, 7)))

    service.always = answer
    made = run(templates.sticker, MANY, tmp_path / "r", endpoint=endpoint(service), workers=1, wait=False)
    assert isinstance(made, Run)
    assert reached.wait(30)
    done(service, MANY[1:], tmp_path / "r")
    made.stop()
    go.set()
    made.wait()
    assert made.counts == {"picture": 12}
    with (tmp_path / "r/results.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["pk_outcome"] for row in csv.DictReader(file)] == ["picture"] * 12


def test_rows_are_told_as_they_come(service: Loopback, tmp_path: Path) -> None:
    """on_row gets each, on_progress the lines; what on_row raises ends nothing."""
    rows: list[str] = []
    lines: list[str] = []

    def on_row(row: Any) -> None:
        rows.append(row.label)
        raise ValueError("mine")

    done(service, ANIMALS, tmp_path / "r", on_row=on_row, workers=1)
    assert rows == ["fox"]
    made = done(service, MANY, tmp_path / "s", on_row=lambda row: rows.append(row.label), on_progress=lines.append)
    assert sorted(rows[1:]) == sorted(row["label"] for row in MANY)
    assert any("of 12 rows done" in line for line in lines)
    assert made.counts == {"picture": 12}


def test_a_transport_that_raises_ends_one_row(tmp_path: Path) -> None:
    """Whatever is in a caller's own transport."""

    def handler(path: str, body: bytes) -> Any:
        if b"owl" in body:
            raise ZeroDivisionError("mine")
        return picture_reply(png())

    made = run(templates.sticker, ANIMALS, tmp_path / "r", transport=FunctionTransport(handler))
    assert isinstance(made, Run)
    assert made.counts == {"picture": 3, "error": 1}
    assert made["owl"].error == "ZeroDivisionError: mine"
    assert Response


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"workers": 0}, "workers is a whole number from 1 on"),
        ({"n": 1.5}, "n is a whole number"),
        ({"per_minute": 0}, "per_minute is a number of requests above 0"),
        ({"retry": "refusd"}, "no cause 'refusd' \\(did you mean 'refused'\\?\\)"),
        ({"extra": "drop"}, 'extra is "refuse"'),
        ({"columns": {"subject": 3}}, "both texts"),
        ({"inputs": {"subjct": "x"}}, "inputs= has 'subjct', which no template here has \\(did you mean 'subject'\\?\\)"),
        ({"takes": 2}, "no keyword 'takes'; use n="),
        ({"executor": object()}, "executor= is an executor such as concurrent.futures.ThreadPoolExecutor"),
        ({"label": 7}, "label= is a pattern"),
        ({"label": "{subjct}"}, r"The label '\{subjct\}' has an unknown field \{subjct\} \(did you mean 'subject'\?\)"),
        ({"label": "subjct"}, "there is no 'subjct' \\(did you mean 'subject'\\?\\)"),
        ({"into": "s3://bucket/run"}, "is an address"),
    ],
)
def test_bad_values_are_refused_before_anything_is_sent(service: Loopback, tmp_path: Path, how: dict[str, Any], said: str) -> None:
    """One sentence each, with what was expected."""
    with pytest.raises((SettingsError, Exception), match=said):
        run(templates.sticker, ANIMALS, **{"into": tmp_path / "r", "endpoint": endpoint(service), **how})
    assert service.received == []
    assert not (tmp_path / "r").exists()


def test_the_budget_of_a_run_hands_out_and_takes_back() -> None:
    """An order is handed what is left, for a few attempts at most; what it did not spend is there for others."""
    budget = RunBudget(Money(1.0, "USD"), 10)
    first = budget.hand_out(1, Cost.of(0.3), 3)
    assert first == Allowance(Money(0.9, "USD"), 3)
    assert budget.hand_out(1, Cost.of(0.3), 3) is None
    budget.give_back(first, {"USD": 0.3, "requests": 1})
    assert budget.hand_out(1, Cost.of(0.3), 3) == Allowance(Money(0.7, "USD"), 3)
    assert "0.3000 of the budget of 1.0000 USD" in budget.refusal(1, Cost.of(0.3))
