"""What each to_dict gives a program: one flat object, with its kind, of what JSON has."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from promptkit import BudgetExceeded, PromptkitError, Session, SettingsError, TransportError, errors, find, sessions, templates, which
from promptkit.authoring.check import Finding
from promptkit.lineage.record import Problem
from promptkit.prompts.template import Prompt


@pytest.fixture
def bear() -> Session:
    session = Session("./bear", endpoint="offline")
    panda = session.generate(templates.sticker(subject="red panda"), label="first", meta={"for": "a client", "size": {"cm": [30, 20]}})
    session.tag("kept", panda)
    panda.edit("Make it night", seed=7)
    return session


def is_flat(row: Mapping[str, Any], kind: str) -> None:
    """Checks that it is one row of a table, as JSON has it."""
    assert row["schema"] == f"promptkit.{kind}/1"
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    items = [item for value in row.values() for item in (value if isinstance(value, list) else [value])]
    assert all(type(item) in (str, int, float, bool, type(None)) for item in items)


def all_flat(rows: Iterable[Mapping[str, Any]], kind: str) -> None:
    """Checks all of them, and that there are some."""
    listed = list(rows)
    assert listed
    for row in listed:
        is_flat(row, kind)


def test_each_result_is_rows_of_a_table(bear: Session) -> None:
    """A session, some steps, what a search finds, what was spent, what a replay would ask, and how a picture came to be."""
    bear.save("copy.png")
    all_flat(bear.to_dicts(), "step")
    assert bear.steps.to_dicts() == bear.to_dicts() == [step.to_dict() for step in bear]
    all_flat(sessions(".").to_dicts(), "session")
    all_flat(find("panda", ".").to_dicts(), "found")
    all_flat(which("copy.png", ".").to_dicts(), "match")
    all_flat(bear.spending.to_dicts(), "spending")
    all_flat(bear.explain(measured=True).to_dicts(), "explained")
    all_flat(bear.replay(Session("./again", endpoint="offline"), dry_run=True).to_dicts(), "previewed")
    assert bear[2].changes is not None
    is_flat(bear[2].changes.to_dict(), "changes")
    is_flat(templates.sticker.to_dict(), "template")
    is_flat(templates.sticker(subject="fox").to_dict(), "prompt")
    is_flat(Problem(3, Path("0003.png"), "it is missing").to_dict(), "problem")
    is_flat(Finding(Path("a.j2"), 3, "broken", "no body").to_dict(), "finding")


def test_a_step_says_what_it_is(bear: Session) -> None:
    """Inputs and notes are columns of their own, what is nested in them is JSON text, and a size says its width and height."""
    row = bear[1].to_dict()
    assert row["input.subject"] == "red panda"
    assert (row["meta.for"], json.loads(row["meta.size"])) == ("a client", {"cm": [30, 20]})
    assert (row["step"], row["label"], row["tags"], row["cost"], row["currency"], row["unpriced"]) == (1, "first", ["kept"], 0.0, "USD", 0)
    assert (row["width"], row["height"]) == bear[1].picture.size
    assert Path(row["picture"]).read_bytes() == bear[1].picture.data
    assert bear[2].to_dict()["seed"] == 7


def test_what_has_no_known_price_is_null() -> None:
    """A cost that nobody knows is no 0, and its attempts are counted."""
    from promptkit.cost import Cost

    assert Cost(unpriced=2).columns() == {"cost": None, "currency": None, "amounts": [], "currencies": [], "unpriced": 2}
    both = (Cost.of(1.0, "USD") + Cost.of(3.0, "CNY")).columns()
    assert (both["cost"], both["currency"]) == (None, None)
    assert dict(zip(both["currencies"], both["amounts"], strict=True)) == {"USD": 1, "CNY": 3}


def test_every_error_is_one_object() -> None:
    """All errors have the same keys, and advice of their own."""
    kinds = [kind for name in errors.__all__ if issubclass(kind := getattr(errors, name), PromptkitError)]
    rows = [kind("It is broken.").to_dict() for kind in kinds]
    for row in rows:
        is_flat(row, "error")
    assert len({frozenset(row) for row in rows}) == 1
    assert all(kind.advice != PromptkitError.advice for kind in kinds if kind is not PromptkitError)


def test_an_error_says_whether_money_may_be_gone(bear: Session) -> None:
    """False where nothing was sent, None where nobody knows, and of a failed step what its record says."""
    assert [SettingsError("x").charged, BudgetExceeded("x").charged, TransportError("x", sent=False).charged] == [False] * 3
    assert TransportError("x", sent=True).charged is None
    with pytest.raises(PromptkitError) as caught:
        Session("./none", endpoint="offline", recover=0).generate("Why?")
    assert caught.value.step is not None
    assert (caught.value.charged, caught.value.to_dict()["step"]) == (False, 1)


def test_free_text_is_a_prompt_too() -> None:
    """A prompt without a template has null where a template would stand."""
    row = Prompt("a fox").to_dict()
    is_flat(row, "prompt")
    assert (row["text"], row["template"]) == ("a fox", None)
