"""A record read back from its file: what is kept, what is refused and named, and what a text or a sum may hold."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kit.steps import fields, made, red

from promptkit.cost import Cost
from promptkit.errors import LineageError
from promptkit.images.picture import Picture
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage

AT_A_SERVICE = {"endpoint": "elsewhere", "model": "m", "config": {}}

SURROGATES = st.lists(st.sampled_from([*'ab"\\\n', "\ud800", "\udc00", "\ud83d", "\ude00", "\udfff", "🐻"])).map("".join)


@pytest.fixture
def lineage(tmp_path: Path) -> Lineage:
    return Lineage(tmp_path / "bear")


def rewritten(record: Record, **changes: Any) -> Path:
    """The record with other values under the name that fits them, as another program would write it."""
    data = json.dumps({**record.fields, **changes}).encode()
    number = changes.get("number", record.number)
    path = record.path.with_name(f"{number if isinstance(number, int) else 1:04}-edit-{hashlib.sha256(data).hexdigest()[:10]}.json")
    record.path.unlink()
    path.write_bytes(data)
    return path


def test_a_newer_schema_is_refused(lineage: Lineage) -> None:
    """A record with a newer major version is refused with its file and both versions; a newer minor one is read."""
    path = rewritten(made(lineage), schema="2.3")
    with pytest.raises(LineageError, match=rf"{path.name} has schema 2\.3, and this promptkit knows 1\.1"):
        Lineage(lineage.folder).records()
    assert [p.path for p in lineage.verify()] == [path]
    path = rewritten(Record.of(path, "", {**json.loads(path.read_bytes()), "schema": "1.7"}), schema="1.7")
    assert Lineage(lineage.folder).find(1).path == path


def test_unknown_fields_are_kept(lineage: Lineage) -> None:
    """A field that this version does not know is read back with the record."""
    rewritten(made(lineage), mood={"later": [1, None]})
    assert Lineage(lineage.folder).find(1).fields["mood"] == {"later": [1, None]}


WRONG = [
    {"schema": None},
    {"schema": "new"},
    {"number": "1"},
    {"number": True},
    {"parents": None},
    {"parents": [3]},
    {"outcome": None},
    {"prompt": "a bear"},
    {"prompt": {"digest": 3}},
    {"prompt": {"inputs": []}},
    {"prompt": {"pack": 5}},
    {"prompt": {"pack": "acme"}},
    {"request": []},
    {"request": {"config": 1}},
    {"recipe": ["r1:"]},
    {"label": {}},
    {"warnings": [1]},
    {"attempts": {}},
    {"attempts": ["x"]},
    {"attempts": [{"cost": {"usd": "much"}}]},
    {"attempts": [{"cost": {"usd": True}}]},
    {"attempts": [{"cost": {"usd": -100}}]},
    {"attempts": [{"cost": {"usd": float("nan")}}]},
    {"attempts": [{"cost": {"usd": float("inf")}}]},
    {"attempts": [{"cost": {"usd": 10**9}}]},
    {"attempts": [{"cost": {"usd": 10**400}}]},
    {"attempts": [{"cost": {"usd": "much", "amount": 1, "currency": "CNY"}}]},
    {"attempts": [{"cost": {"amount": "0.3", "currency": "CNY"}}]},
    {"attempts": [{"cost": {"amount": float("nan"), "currency": "CNY"}}]},
    {"attempts": [{"cost": {"amount": -0.3, "currency": "CNY"}}]},
    {"attempts": [{"cost": {"amount": 10**400, "currency": "CNY"}}]},
    {"attempts": [{"cost": {"amount": 1}}]},
    {"attempts": [{"cost": {"amount": 1, "currency": "cny"}}]},
    {"attempts": [{"cost": {"amount": 1, "currency": "CNY\x1b[2J"}}]},
    {"attempts": [{"cost": {"amount": 1, "currency": "CNY\n"}}]},
    {"attempts": [{"cost": {"amount": 1, "currency": "C" * 10_000}}]},
    {"attempts": [{"cost": {"amount": 1, "currency": ["CNY"]}}]},
    {"attempts": [{"cost": {"currency": "CNY"}}]},
    {"attempts": [{"cost": {}}]},
    {"attempts": [{"cost": 3}]},
    {"attempts": [{"usage": []}]},
    {"attempts": [{"turn": 3}]},
    {"sources": [{}]},
    {"sources": [{"role": "base", "sha256": "ab", "mime_type": "image/png", "step": 3}]},
    {"outputs": [{"file": "a.png"}]},
    {"outputs": [{"file": 3, "sha256": "ab", "mime_type": "image/png", "bytes": 3}]},
    {"outputs": [{"file": "a", "sha256": "ab", "mime_type": "image/png", "bytes": 3, "size": ["a", 1]}]},
    {"outputs": [{"file": "a", "sha256": "ab", "mime_type": "image/png", "bytes": 3, "size": [1]}]},
    *(
        {"outputs": [{"file": "a", "sha256": "ab", "mime_type": "image/png", "bytes": 3, "size": size}]}
        for size in ([], [0, 0], [0, 7], [-5, 7], [1, 2, 3], [1.5, 2], [True, 1])
    ),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"{wrong!s:.60}")
def test_a_record_of_wrong_types_is_passed_over_and_named(lineage: Lineage, wrong: dict[str, Any]) -> None:
    """A record whose fields have other types than they should harms no other step, and verify names its file."""
    path = rewritten(made(lineage), **wrong)
    second = made(lineage)
    opened = Lineage(lineage.folder)
    assert [r.id for r in opened.records()] == [second.id]
    assert [p.path for p in opened.verify()] == [path]
    with pytest.raises(LineageError, match=path.name):
        opened.find(1)
    assert made(opened).number == 3


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"attempts": [{}, {"cost": {"usd": -100}}]}, "attempts[1].cost.usd = -100, which should be USD from 0 to below a billion"),
        ({"prompt": {"pack": 5}}, "prompt.pack = 5, which should be"),
        (
            {"outputs": [{"file": "a", "sha256": "ab", "mime_type": "image/png", "bytes": 3, "size": [0, 0]}]},
            "outputs[0].size = [0, 0], which should be width and height in pixels, or None",
        ),
    ],
    ids=["cost", "pack", "size"],
)
def test_what_no_step_can_have_is_named(lineage: Lineage, wrong: dict[str, Any], said: str) -> None:
    """A sum, a size or a pack that cannot be is named by verify with the file, the field and the value."""
    path = rewritten(made(lineage), **wrong)
    (problem,) = (p for p in lineage.verify() if p.path == path)
    assert said in problem.message
    assert str(path) in problem.message


def test_what_is_not_known_of_a_step_is_no_damage(lineage: Lineage) -> None:
    """A picture whose size nobody can read, an attempt without a price, one that cost nothing and an installed pack are read again."""
    lineage.create()
    step = lineage.begin("edit", fields(prompt={"text": "a", "pack": ("acme", "1.0")}))
    for usd in (None, 0, 2, 0.5):
        step.attempt({})
        step.answer({"outcome": "text", "cost": None if usd is None else {"usd": usd}}, [Picture(b"no picture")])
    step.commit("picture")
    record = Lineage(lineage.folder).find(1)
    assert (record.pictures[0].size, record.prompt["pack"]) == (None, ["acme", "1.0"])
    assert [a["cost"] for a in record.attempts] == [None, {"usd": 0}, {"usd": 2}, {"usd": 0.5}]
    assert lineage.verify() == []


@pytest.mark.parametrize("usd", [1e300, -1, float("nan")])
def test_a_sum_that_cannot_be_does_not_spoil_what_was_paid(lineage: Lineage, usd: float) -> None:
    """Where a service's counts make a cost that no record can hold, the answer is recorded as one whose cost is not known."""
    step = lineage.begin("edit", fields(request=AT_A_SERVICE))
    step.attempt({})
    step.answer({"outcome": "picture", "text": "Here.", "cost": {"usd": usd, "basis": "tokens"}}, [red()])
    step.commit("picture")
    record = Lineage(lineage.folder).find(1)
    assert (record.ok, record.cost.unpriced, record.attempts[0]["text"]) == (True, 1, "Here.")


@settings(max_examples=60)
@given(text=SURROGATES)
def test_half_a_surrogate_pair_loses_nothing(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Whatever a text holds, the record can be read back; what no file can hold is U+FFFD."""
    lineage = Lineage(tmp_path_factory.mktemp("bear"))
    record = made(lineage, prompt={"text": text}, label=text)
    again = Lineage(lineage.folder).find(1)
    assert again.id == record.id
    assert again.prompt["text"] == record.prompt["text"] == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def test_what_a_record_cannot_hold_is_said_before_anything_is_paid(lineage: Lineage) -> None:
    """A field of the wrong type is refused when the step begins, and nothing is made."""
    with pytest.raises(LineageError, match="label = 5"):
        lineage.begin("edit", fields(label=5))
    assert not lineage.folder.exists()


def test_all_prices_known_make_a_cost() -> None:
    """A record's cost is the sum of its attempts', currency by currency, and counts those that have no price."""

    def cost(*costs: Any) -> Cost:
        attempts = [{"cost": c} for c in costs]
        given = {**fields(request=AT_A_SERVICE), "schema": "1.0", "number": 1, "outcome": "text", "outputs": [], "attempts": attempts}
        return Record.of(Path("x"), "", given).cost

    assert (cost({"usd": 0.5}, {"usd": 1}), cost(), cost({"usd": 1}, None)) == (1.5, 0.0, Cost.of(1, unpriced=1))
    assert cost({"amount": 3, "currency": "CNY"}, {"usd": 1}, {"amount": 4, "currency": "CNY"}).amounts == {"CNY": 7.0, "USD": 1.0}
