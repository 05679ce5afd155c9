"""What bounds a folder's requests, in money of any currency and in number: threads, processes, repeats, and what others left.

Budgets in USD are tested in tests/session/test_session.py, four processes that share one in tests/lineage/test_attacks.py.
"""

from __future__ import annotations

import json
import multiprocessing
import shutil
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from kit.config_file import write_config
from kit.loopback import Cut, Loopback, Received, error_reply, picture_reply, png, text_reply
from kit.steps import under_way

from promptkit import BudgetExceeded, Cost, Endpoint, PromptkitError, Session, SettingsError, import_session
from promptkit.cost import Money
from promptkit.engine.spending import spending
from promptkit.lineage.tree import Lineage

IN_CNY = '[models."gemini-2.5-flash-image".price.yuan]\npicture = 0.3\ncurrency = "CNY"\n'


def yuan(service: Loopback, name: str = "yuan", **options: Any) -> Session:
    """A session at a server on loopback that is paid in yuan; at one of another name there is no price."""
    return Session("./bear", endpoint=Endpoint(name, service.url, auth="none", key_env=(), key_required=False), **options)


def painting(received: Received) -> Any:
    return picture_reply(png((len(received.body) % 256, len(received.text) % 256, 7)))


def asked_for(session: Session, count: int) -> list[str]:
    """What each of so many requests at the same time brings: `picture`, or the name of its error."""

    def one(i: int) -> str:
        try:
            return session.generate(f"a bear {i}").outcome
        except BudgetExceeded as error:
            return type(error).__name__

    with ThreadPoolExecutor(count) as threads:
        return sorted(threads.map(one, range(count)))


def fill(session: Session, outcomes: list[str], allowed: int) -> None:
    """Checks that no more came than was allowed, and that what was refused for what others had under way comes now, and no more."""
    came = outcomes.count("picture")
    assert 0 < came <= allowed
    for i in range(allowed - came):
        assert session.generate(f"a late bear {i}").ok
    with pytest.raises(BudgetExceeded):
        session.generate("one too many")


def aside(folder: Path) -> list[str]:
    return [p.name for p in under_way(folder)]


# Currencies


def test_threads_share_a_budget_in_yuan(service: Loopback) -> None:
    """Eight threads pay for no more pictures than the budget allows, and for all of these once none is under way; nothing stays aside."""
    write_config(IN_CNY)
    service.always = painting
    bear = yuan(service, budget="1 CNY")
    fill(bear, asked_for(bear, 8), 3)
    assert (bear.cost, len(service.received)) == (Cost.of(0.9, "CNY"), 3)
    with pytest.raises(BudgetExceeded, match=r"may cost 0\.3000 CNY, and 0\.9000 of the budget of 1\.0000 CNY are used: open"):
        bear.generate("another")
    assert aside(bear.folder) == []
    assert yuan(service, budget="1.2 CNY").generate("another").ok


def test_currencies_stand_side_by_side(service: Loopback) -> None:
    """A folder that is paid in two currencies has a sum in each; a budget counts its own only, and nothing is converted."""
    write_config(IN_CNY)
    service.always = painting
    first = yuan(service).generate("a bear")
    for name in ("google", "elsewhere"):
        yuan(service, name).edit("add a hat", on=first)
    bear = Session("./bear")
    assert bear.cost == first.cost + Cost.of(0.038703, unpriced=1)
    assert str(bear.steps.cost) == "0.30 CNY, 0.038703 USD and 1 attempt without a known price"
    assert (bear.spending.cost, bear.spending.usd, bear.spending.unpriced) == (bear.cost, 0.038703, 1)
    assert "3 attempts: 0.3000 CNY, 0.0387 USD; 1 attempt without a known price" in bear.spending.summary
    lines = [line.split() for line in str(bear.spending).splitlines()]
    assert lines[2] == ["by", "model", "attempts", "CNY", "USD", "no", "price"]
    assert [line[-3:] for line in lines[3:6]] == [["1", "0.0000", "0.0387"], ["1", "0.3000", "0.0000"], ["not", "known", "1"]]
    yuan(service, budget="0.6 CNY").edit("add a scarf", on=first)
    with pytest.raises(BudgetExceeded, match=r"0\.6000 of the budget of 0\.6000 CNY"):
        yuan(service, budget="0.6 CNY").edit("add a tie", on=first)


def test_what_is_recorded_says_its_currency(service: Loopback) -> None:
    """A cost in another currency stands on record with amount, currency and basis, one in USD as it always did; both are read again."""
    write_config(IN_CNY)
    service.always = painting
    one = yuan(service).generate("a bear")
    two = yuan(service, "google").generate("a bear")
    costs = [json.loads(step.record.path.read_bytes())["attempts"][0]["cost"] for step in (one, two)]
    assert costs[0] == {"amount": 0.3, "currency": "CNY", "basis": "yuan pictures of the config file"}
    assert (set(costs[1]), costs[1]["usd"]) == ({"usd", "basis"}, 0.038703)
    write_config("")
    assert [step.cost for step in Session("./bear")] == [Cost.of(0.3, "CNY"), 0.038703], "what was paid does not follow today's prices"
    assert Session("./bear").verify() == []
    assert "0.3000 CNY (yuan pictures of the config file)" in str(Session("./bear").explain(1))
    one._session.export(Path("bear.zip"), all=True, strip=True)  # type: ignore[attr-defined]
    import_session("bear.zip", "./bare")
    assert Session("./bare").cost == Session("./bear").cost


def test_what_broke_off_counts_in_its_currency(service: Loopback) -> None:
    """What may have been charged counts at the price of its request in a budget, and is not known in a cost; an error is free."""
    write_config(IN_CNY)
    for reply in (Cut(picture_reply(png())), error_reply(400, "no")):
        service.say(reply)
        with pytest.raises(PromptkitError):
            yuan(service, recover=0, budget="0.5 CNY").generate(f"a bear {reply}"[:20])
    bear = Session("./bear")
    assert (bear.cost, bear.spending.possible) == (Cost(unpriced=1), Cost.of(0.3, "CNY"))
    assert "0.0000 USD" not in str(bear.cost)
    with pytest.raises(BudgetExceeded, match=r"0\.3000 of the budget of 0\.5000 CNY"):
        yuan(service, budget="0.5 CNY").generate("a fox")


def test_drafts_cost_nothing_in_any_currency() -> None:
    """Offline drafts go with a budget in any currency; one that was broken off is no attempt without a known price."""
    bear = Session("./bear", endpoint="offline", budget="0 CNY")
    step = bear.generate("a bear")
    assert (step.cost, bear.cost, f"{bear.cost:.2f}") == (0, 0, "0.00")
    draft = Lineage(bear.folder).begin("edit", {**step.record.fields, "attempts": [], "outputs": []})
    draft.attempt({"sent_text": "a hat"})
    draft.commit("interrupted")
    assert Session("./bear").cost == 0


@pytest.mark.parametrize("budget", ["2", "two USD", "-2 USD", "", True, float("inf"), -1, Cost(unpriced=1), b"2 USD", [2]])
def test_what_is_no_budget_is_refused(budget: Any) -> None:
    """A budget is a number of USD or a text with its currency, and anything else is named with both."""
    with pytest.raises(SettingsError, match='budget is a number of USD from 0 on, or a text such as "20 CNY", not'):
        Session("./bear", endpoint="offline", budget=budget)


def test_a_budget_may_be_what_another_session_cost(service: Loopback) -> None:
    """A cost in one currency is a budget in it."""
    write_config(IN_CNY)
    service.always = painting
    bear = yuan(service, budget=Cost.of(0.3, "CNY"))
    assert bear.generate("a bear").ok
    with pytest.raises(BudgetExceeded):
        bear.generate("a fox")


# A number of requests


def test_requests_are_counted_without_a_price(service: Loopback) -> None:
    """Where no price is known a number bounds what is sent: pictures, repeats after words, errors, what broke off, what is on record."""
    yuan(service, "elsewhere").generate("a bear")
    service.say(text_reply(), None, error_reply(400, "no"), Cut(picture_reply(png())))
    bear = yuan(service, "elsewhere", max_requests=5, recover=1)
    assert len(bear.generate("an owl").attempts) == 2
    with pytest.raises(PromptkitError, match="no"):
        bear.generate("a hen")
    with pytest.raises(BudgetExceeded, match=r"5 of the 5 that max_requests allows in this folder are used: open .* larger max_requests="):
        bear.generate("a fox")
    assert len(service.received) == 5
    assert bear[4].outcome == "interrupted"
    with pytest.raises(BudgetExceeded):
        bear.generate("a cat")
    assert len(service.received) == 5
    assert yuan(service, "elsewhere", max_requests=5).generate("a bear").reused, "what is there needs no request"
    assert yuan(service, "elsewhere", max_requests=6).generate("a cat").ok


def test_a_number_of_none_makes_nothing(service: Loopback) -> None:
    """Where not even one request is allowed no folder is made."""
    with pytest.raises(BudgetExceeded, match="0 of the 0 that max_requests allows"):
        yuan(service, max_requests=0).generate("a bear")
    assert not Path("bear").exists()
    assert service.received == []


@pytest.mark.parametrize("number", [-1, 1.5, "3", True])
def test_what_is_no_number_of_requests_is_refused(number: Any) -> None:
    """max_requests is a whole number."""
    with pytest.raises(SettingsError, match="max_requests is a whole number from 0 on, not"):
        Session("./bear", max_requests=number)


def test_threads_and_sessions_share_a_number(service: Loopback) -> None:
    """Eight threads send no more requests than are allowed, and all of these once none is under way; `vary` says what was not asked for."""
    service.always = painting
    bear = yuan(service, "elsewhere", max_requests=3)
    fill(bear, asked_for(bear, 8), 3)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        more = yuan(service, "elsewhere", max_requests=5)
        fill(more, [step.outcome for step in more.vary("a fox", n=4, root=True)], 2)
    assert "Not all were asked for: The next request was not sent: 5 of the 5" in str(said[0].message)
    assert len(service.received) == 5
    assert aside(bear.folder) == []


def asking(url: str, folder: str, told: Any) -> None:
    """One process that asks five times."""
    endpoint = Endpoint("elsewhere", url, auth="none", key_env=(), key_required=False)
    bear = Session(folder, endpoint=endpoint, max_requests=6, reuse=False)
    for i in range(5):
        try:
            told.put(bear.generate(f"{multiprocessing.current_process().pid} {i}").outcome)
        except BudgetExceeded:
            told.put("refused")


def test_two_processes_share_a_number(service: Loopback, tmp_path: Path) -> None:
    """Two processes that ask at once send no more requests than are allowed, and all of these at last; no note of either is left."""
    service.always = painting
    spawn = multiprocessing.get_context("spawn")
    told: Any = spawn.Queue()
    both = [spawn.Process(target=asking, args=(service.url, str(tmp_path / "bear"), told)) for _ in range(2)]
    for process in both:
        process.start()
    outcomes = sorted(told.get(timeout=60) for _ in range(10))
    for process in both:
        process.join(60)
    fill(Session(tmp_path / "bear", endpoint=yuan(service, "elsewhere")._terms.endpoint, max_requests=6), outcomes, 6)
    assert len(service.received) == 6
    assert aside(tmp_path / "bear") == []


def test_drafts_are_counted_apart(service: Loopback) -> None:
    """A number of requests bounds drafts among themselves; those drawn before take nothing from what a service may be asked."""
    drafts = Session("./bear", endpoint="offline", max_requests=2)
    for i in range(2):
        drafts.generate(f"a bear {i}")
    with pytest.raises(BudgetExceeded, match="2 of the 2"):
        drafts.generate("a fox")
    assert yuan(service, max_requests=1).generate("a fox").ok


def test_a_damaged_record_counts_as_a_request(service: Loopback) -> None:
    """What cannot be read may have been asked: it counts as one, and the sentence says so, where no journal tells what it was."""
    step = yuan(service).generate("a bear")
    step.record.path.write_bytes(b"damaged")
    with pytest.raises(BudgetExceeded, match="1 of the 1 that max_requests allows in this folder are used: open"):
        yuan(service, max_requests=1).generate("a fox")
    (step.record.path.parent / ".open-journal").unlink()
    with pytest.raises(BudgetExceeded, match=r"1 damaged records count as such a request each"):
        yuan(service, max_requests=1).generate("a fox")


def test_a_preview_says_what_the_limits_leave(service: Loopback) -> None:
    """It carries money and requests left, and names the first step that would pass either; the replay stops there."""
    write_config(IN_CNY)
    service.always = painting
    yuan(service).generate("a bear").edit("a hat").edit("a scarf")
    for limits, said, beyond in (
        ({"budget": "0.6 CNY"}, "3 requests, about 0.9000 CNY; the budget has 0.6000 CNY left, which step 3 would pass", 3),
        ({"max_requests": 1}, "3 requests, about 0.9000 CNY; max_requests leaves 1, which step 2 would pass", 2),
        (
            {"budget": "9 CNY", "max_requests": 9},
            "3 requests, about 0.9000 CNY; the budget has 9.0000 CNY left; max_requests leaves 9",
            None,
        ),
    ):
        into = yuan(service)
        cup = Session("./cup", endpoint=into._terms.endpoint, **limits)
        plan: Any = into.replay(cup, dry_run=True)
        assert plan.total == said
        assert (plan.beyond and plan.beyond.step) == beyond
    assert plan.left == Money(9.0, "CNY")
    with pytest.raises(BudgetExceeded):
        yuan(service).replay(Session("./cup", endpoint=into._terms.endpoint, max_requests=1))
    assert len(Session("./cup")) == 1
    shutil.rmtree("cup")


# What a folder from elsewhere says


@pytest.mark.parametrize(
    "note",
    [
        {"usd": -5.0},
        {"usd": float("nan")},
        {"usd": 1e300},
        {"usd": "5"},
        {"usd": 0.0, "more": {"requests": -9, "CNY": "much", "\x1b[2J": 1.0}},
        {"usd": 0.0, "more": [1]},
    ],
    ids=str,
)
def test_a_note_that_cannot_be_changes_no_limit(service: Loopback, note: dict[str, Any]) -> None:
    """What a mailed folder says that others set aside neither makes room in a limit nor takes it, where it is no sum."""
    service.always = painting
    bear = yuan(service, "google", budget=0.08, max_requests=2)
    bear.generate("a bear")
    holder = {"host": "elsewhere", "machine": "m", "space": "s", "process": 1, "run": "r", "since": None}
    (bear.folder / ".open-usd-00ff.json").write_text(json.dumps({**holder, **note}))
    assert bear.generate("a fox").ok
    with pytest.raises(BudgetExceeded):
        bear.generate("a hen")


def test_a_hostile_cost_is_a_damaged_record(service: Loopback) -> None:
    """A mailed record whose cost is no sum is named by verify, counts as one request, and no text of it reaches a terminal."""
    step = yuan(service).generate("a bear")
    fields = json.loads(step.record.path.read_bytes())
    for cost in (
        {"amount": 1, "currency": "C\x1b[2JY"},
        {"amount": -1, "currency": "CNY"},
        {"usd": "0"},
        {"amount": 1, "currency": "ABCDEFGHI"},
    ):
        fields["attempts"][0]["cost"] = cost
        data = json.dumps(fields).encode()
        step.record.path.write_bytes(data)
        bear = Session("./bear")
        assert (len(bear), len(bear.steps), bear.cost, spending(bear._lineage.records()).attempts) == (1, 0, 0, 0)
        assert "\x1b" not in " ".join(map(str, bear.verify()))
