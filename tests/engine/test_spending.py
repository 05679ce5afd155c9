"""What was spent, added up by model and by outcome, from sessions that asked a real server.

Sums; the price of one answer is tested in tests/providers/test_models.py, a budget that stops in test_ask.py and tests/session.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from kit.loopback import Cut, Loopback, Received, error_reply, picture_reply, png, text_reply
from kit.steps import failed, fields, made

from promptkit import Endpoint, PromptkitError, Session
from promptkit.engine.spending import spending
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.terminal import width

FULL, WORDS = 0.038703, 0.000053  # USD at Google's list prices: 10 tokens in and 1290 of a picture out, 10 in and 20 of text out
LIST_PRICE = 0.039  # of a request


def google(service: Loopback, name: str = "google", **options: Any) -> Session:
    """A session at a server on loopback that has Google's prices."""
    return Session("./bear", endpoint=Endpoint(name, service.url, auth="none", key_env=(), key_required=False), **options)


def painting(received: Received) -> Any:
    return picture_reply(png((len(received.body) % 256, len(received.text) % 256, 7)))


def records(session: Session) -> tuple[Record, ...]:
    return Lineage(session.folder).records()


def test_costs_are_added_up_by_model_and_by_outcome(service: Loopback) -> None:
    """Each attempt counts at what it cost, the one in words too; both tables add up to the whole."""
    service.always = painting
    bear = google(service)
    first = bear.generate("a bear")
    service.say(text_reply())
    first.edit("add a hat")
    google(service, "elsewhere").edit("add a scarf", on=first)
    found = spending(records(bear))
    assert (found.steps, found.attempts, found.unpriced, found.possible) == (3, 4, 1, 0.0)
    assert found.usd == pytest.approx(2 * FULL + WORDS)
    assert list(found.by_model) == ["gemini-2.5-flash-image at google", "gemini-2.5-flash-image at elsewhere"]
    assert found.by_model["gemini-2.5-flash-image at google"].usd == pytest.approx(2 * FULL + WORDS)
    assert {name: (t.attempts, t.unpriced) for name, t in found.by_outcome.items()} == {"picture": (3, 1), "text": (1, 0)}
    for totals in (found.by_model, found.by_outcome):
        assert sum(t.usd for t in totals.values()) == pytest.approx(found.usd)
        assert sum(t.attempts for t in totals.values()) == found.attempts
    assert (bear.cost.amount, bear.cost.unpriced) == (pytest.approx(found.usd), 1)


def test_errors_are_free_and_what_broke_off_may_not_be(service: Loopback) -> None:
    """A service charges for no error, priced model or not; an attempt that broke off stands apart, at the price of its request."""
    for name in ("google", "elsewhere"):
        service.say(error_reply(400, "no"))
        with pytest.raises(PromptkitError):
            google(service, name).generate(f"a bear at {name}")
        service.say(Cut(picture_reply(png())))
        with pytest.raises(PromptkitError):
            google(service, name, recover=0).generate(f"a hat at {name}")
    found = spending(records(Session("./bear")))
    assert (found.usd, found.possible, found.unpriced, found.attempts) == (0.0, LIST_PRICE, 1, 4)
    assert (found.by_outcome["error"].usd, found.by_outcome["error"].unpriced) == (0.0, 0)
    assert (found.by_outcome["interrupted"].possible, found.by_outcome["interrupted"].unpriced) == (LIST_PRICE, 1)
    assert ", and perhaps up to 0.0390 USD more for those that broke off or were not counted; 1 attempt without a known" in found.summary


def test_an_attempt_that_nobody_noted_an_answer_to_broke_off(tmp_path: Path) -> None:
    """What a killed process left counts as interrupted, though its attempt says nothing of how it ended."""
    lineage = Lineage(tmp_path / "bear")
    draft = lineage.begin("generate", fields(request={"endpoint": "google", "model": "gemini-2.5-flash-image", "config": {}}))
    draft.attempt({"sent_text": "a bear"})
    record = draft.commit("interrupted")
    bare = Record.of(record.path, record.id, {**record.fields, "attempts": [{"sent_text": "a bear"}]})
    for one in (record, bare):
        assert spending([one]).by_outcome["interrupted"].possible == LIST_PRICE


def test_outcomes_stand_in_their_order(tmp_path: Path) -> None:
    """Pictures first, what broke off last, whatever each came to; what a later version calls something else stands behind them."""
    lineage = Lineage(tmp_path / "bear")
    record = made(lineage)
    attempts = [
        {"outcome": o, "cost": {"usd": i}} for i, o in enumerate(("later", "interrupted", "error", "refused", "text", "text", "picture"))
    ]
    found = spending([Record.of(record.path, record.id, {**record.fields, "attempts": attempts[::-1]})])
    assert list(found.by_outcome) == ["picture", "text", "refused", "error", "interrupted", "later"]
    lines = str(found).splitlines()
    assert [line.split()[0] for line in lines[-6:]] == list(found.by_outcome)


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    """Records that cannot be read are in no sum, and every way in which the sums are shown says how many they are."""
    lineage = Lineage(tmp_path / "bear")
    made(lineage)
    one, none = spending(lineage.records(), 1), spending((), unread=2)
    assert (one.usd, one.unread, spending(lineage.records()).unread) == (0.04, 1, 0)
    for shown in (one.summary, str(one), repr(one), one._repr_mimebundle_()["text/html"]):
        assert "1 record cannot be read and is not in these sums: `promptkit verify` names it" in shown
    assert "2 records cannot be read and are not in these sums: `promptkit verify` names them" in str(none)
    assert "cannot be read" not in str(spending(lineage.records()))


def test_prices_of_the_config_file_count(service: Loopback, tmp_path: Path) -> None:
    """What broke off at an endpoint with a price of the user's own counts at that price, by the size that was asked for."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "config.toml").write_text('[models.mine.price.own]\npicture = {1K = 0.5, "" = 0.25}\n')
    for options in ({}, {"image_size": "1K"}):
        service.say(Cut(picture_reply(png())))
        with pytest.raises(PromptkitError):
            google(service, "own", model="mine", recover=0).generate("a bear", **options)
    assert spending(records(Session("./bear"))).possible == 0.75


def test_days_and_steps_are_counted(tmp_path: Path, tokyo: None) -> None:
    """The first and the last day are those of the attempts, here; a picture of one's own asks nobody; odd times are passed over."""
    lineage = Lineage(tmp_path / "bear")
    assert spending(lineage.records()).summary == "0 steps, 0 attempts: 0.0000 USD"
    lineage.begin("add", fields(request={}, prompt={})).commit("added")
    record = made(lineage)
    found = []
    for moment in ("2026-11-20T13:30:00-02:00", "2026-11-17T20:00:00.000Z", "yesterday", 7, None, "9999-12-31T23:59:59Z"):
        changed = {**record.fields, "started": "never", "attempts": [{**record.attempts[0], "started": moment}]}
        found.append(Record.of(record.path, record.id, changed))
    whole = spending([*lineage.records()[:1], *found])
    assert (whole.first, whole.last, whole.steps, whole.attempts) == (date(2026, 11, 18), date(2026, 11, 21), 6, 6)
    assert whole.summary.endswith("(2026-11-18 to 2026-11-21)")


def test_the_table_stands_in_columns(tmp_path: Path) -> None:
    """In a terminal numbers stand below one another, and a model's name from a stranger's folder moves no cursor."""
    lineage = Lineage(tmp_path / "bear")
    made(lineage)
    failed(lineage, request={"endpoint": "x", "model": "a much longer name\x1b[2J", "config": {}})
    failed(lineage, request={"endpoint": "熊猫", "model": "画", "config": {}})
    lines = str(spending(lineage.records())).splitlines()
    assert "\x1b" not in "".join(lines)
    assert len({width(line.partition("0.04")[0]) for line in lines[1:] if "0.04" in line}) == 1
    assert lines[2].split() == ["by", "model", "attempts", "USD"]
    assert lines[0].startswith("3 steps, 3 attempts: 0.1200 USD")


def test_a_column_without_a_value_is_left_out(service: Loopback) -> None:
    """What may be owed and what has no price have a column where there is such an attempt, in the terminal and in a notebook."""
    service.always = painting
    bear = google(service, recover=0)
    bear.generate("a bear")
    headings: list[tuple[bool, bool]] = []
    for name in (None, "google", "elsewhere"):
        if name:
            service.say(Cut(picture_reply(png())))
            with pytest.raises(PromptkitError):
                google(service, name, recover=0).generate(f"a hat at {name}")
        found = spending(records(bear))
        tables = str(found).partition("\n")[2], found._repr_mimebundle_()["text/html"].partition("<table>")[2]
        headings += [("perhaps" in shown, "no price" in shown) for shown in tables]
    assert headings == [(False, False)] * 2 + [(True, False)] * 2 + [(True, True)] * 2


def test_the_card_escapes_what_it_shows(tmp_path: Path) -> None:
    """In a notebook the tables are HTML, in which names are text."""
    lineage = Lineage(tmp_path / "bear")
    made(lineage, request={"endpoint": "<script>", "model": "m", "config": {}})
    bundle = spending(lineage.records())._repr_mimebundle_()
    assert "<script>" not in bundle["text/html"]
    assert bundle["text/html"].count("<table>") == 2
    assert "m at &lt;script&gt;" in bundle["text/html"]
