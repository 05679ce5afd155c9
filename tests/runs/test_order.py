"""Orders: what is handed out is JSON that says all of a row, and comes back as it was; the executor is the caller's."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from kit.loopback import Loopback, error_reply, png
from kit.tables import ANIMALS, done, endpoint, painting

from promptkit import PromptkitWarning, Session, Template, run, templates
from promptkit.runs.order import Allowance, Hands, Order
from promptkit.runs.planning import Asked, Planner
from promptkit.runs.row_state import RowState
from promptkit.runs.rows import open_table
from promptkit.runs.threads import Threads
from promptkit.runs.work import carry_out
from promptkit.session.recipe import Recipe

SOURCE = """---
inputs:
  words: {type: list}
  panels: {type: list, of: {scene: {}}, default: []}
---
{{ words|join(", ") }}
"""


def order_of(recipe: Recipe, row: dict[str, object], into: Path, **asked: object) -> tuple[Order, Hands]:
    planner = Planner(recipe, open_table([row]), into, Asked(endpoint="offline", **asked))  # type: ignore[arg-type]
    return planner.order(planner.rows()[0]), planner.hands


def test_an_order_comes_back_as_it_was(tmp_path: Path) -> None:
    """With lists, lists of mappings, pictures by path and by their bytes, options, notes, and what it may spend."""
    comic = Template.of_files("comic", {"comic.j2": SOURCE}, base="comic.j2")
    row: dict[str, object] = {"words": "a;b", "panels": '[{"scene": "night"}]', "references": [png()], "seed": "7", "note": "mine"}
    order, hands = order_of(Recipe.of_templates([comic]), row, tmp_path / "r", extra="keep", takes=2, retry=("text",))
    handed = order.handed_out(Allowance(None, 3))
    text = handed.to_text()
    assert Order.of_text(text, hands) == handed
    assert json.loads(text)["allowance"] == {"money": None, "requests": 3}
    assert handed.id != order.handed_out(Allowance()).id
    assert (handed.meta, handed.again, handed.takes) == ({"note": "mine"}, ("text",), 2)


def test_an_order_is_carried_out_by_what_it_says_alone(tmp_path: Path) -> None:
    """A function of a text; twice is once."""
    session = Session("./fox", endpoint="offline")
    session.generate("A fox").crop(ratio="1:2").edit("Make it night")
    trail = session.trail()
    order, _ = order_of(Recipe.of_trail(trail[0].lineage, [s.record for s in trail]), {"label": "x"}, tmp_path / "r")
    first, second = (RowState.of_text(carry_out(order.to_text())) for _ in range(2))
    assert [step.outcome for step in first.takes[0].steps] == ["picture", "made", "picture"]
    assert first.takes == second.takes
    assert (first.is_there, second.is_there) == (False, True)
    assert RowState.of_text(first.to_text()) == first


def test_an_executor_of_the_callers_is_used_and_left_open(service: Loopback, tmp_path: Path) -> None:
    """It is never shut down."""
    painting(service)
    with ThreadPoolExecutor(2) as executor:
        assert done(service, ANIMALS, tmp_path / "r", executor=executor).counts == {"picture": 4}
        assert executor.submit(int, "7").result() == 7


def test_an_executor_that_takes_nothing_more_ends_the_run(service: Loopback, tmp_path: Path) -> None:
    """With what is recorded, and why."""
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.warns(PromptkitWarning, match="takes nothing more"):
        made = done(service, ANIMALS, tmp_path / "r", executor=executor)
    assert made.counts == {"waiting": 4}


def test_threads_do_what_executors_do() -> None:
    """Results, errors, cancelling what was not begun; nothing after shutdown."""
    threads = Threads(1)
    assert list(threads.map(int, "123")) == [1, 2, 3]
    with pytest.raises(ValueError, match="invalid literal"):
        threads.submit(int, "x").result()
    threads.shutdown(cancel_futures=True)
    with pytest.raises(RuntimeError):
        threads.submit(int, "7")


def test_a_closed_endpoint_ends_only_its_own_rows(service: Loopback, tmp_path: Path) -> None:
    """Rows that name another one go on."""
    service.always = error_reply(401, "no")
    endpoint(service)
    rows = [{**row, "endpoint": "offline" if row["label"] in ("owl", "hare") else ""} for row in ANIMALS]
    with pytest.warns(PromptkitWarning, match="with 1 row waiting"):
        made = done(service, rows, tmp_path / "r", workers=1)
    assert made.counts == {"access": 1, "waiting": 1, "picture": 2}
    assert run(templates.sticker, rows, tmp_path / "r", endpoint=endpoint(service), dry_run=True)
