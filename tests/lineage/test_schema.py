"""The table of fields: what its rows give and refuse, and in which order a record's file has them. Up to one record in memory."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from kit.places import TESTS
from kit.steps import fields
from PIL import Image

from promptkit import Session, templates
from promptkit.errors import LineageError
from promptkit.lineage.fields import Entry, Values
from promptkit.lineage.record import Record
from promptkit.lineage.schema import Attempt, RecordedCost, RecordFields, empty_fields, on_disk

EARLIER = sorted(path for path in (TESTS / "earlier").glob("*/[0-9]*.json") if path.parent.name != "0.1-forgotten")  # whose words are gone
ATTEMPT = {"outcome": "text", "text": "Sure!", "cost": {"usd": 0.5, "basis": "list"}, "later": [1]}


def record(**more: Any) -> Record:
    """A record of these fields, as if it had been read."""
    given = {"schema": "1.0", "number": 1, "outcome": "text", **empty_fields(), **fields(), **more}
    return Record.of(Path("0001-edit-0123456789.json"), "ab" * 32, given)


def test_values_have_types_and_are_mappings_too() -> None:
    """What a step asked and got is read by attribute, by key, and as a whole; what is not there is None by attribute."""
    attempt = record(attempts=[ATTEMPT]).attempts[0]
    assert (attempt.text, attempt["text"], attempt.get("text"), attempt.turn) == ("Sure!", "Sure!", "Sure!", None)
    assert isinstance(attempt.cost, RecordedCost)
    assert attempt.cost.usd == attempt["cost"]["usd"] == 0.5
    assert attempt == ATTEMPT
    assert dict(attempt) == ATTEMPT
    assert attempt != Attempt({})
    with pytest.raises(KeyError):
        attempt["turn"]


def test_a_value_is_read_only() -> None:
    """Nothing can be set on a record or on what is in it, known or not."""
    found = record(attempts=[ATTEMPT])
    for values in (found, found.attempts[0], found.prompt, found.request):
        for name in ("fields", "outcome", "text", "anything"):
            with pytest.raises(AttributeError, match="read-only"):
                setattr(values, name, 1)
    for change in (lambda e: e.update(a=1), lambda e: e.pop("text"), lambda e: e.__setitem__("a", 1), lambda e: e.clear()):
        with pytest.raises(TypeError, match="read-only"):
            change(found.attempts[0])
    assert found.attempts[0] == ATTEMPT


def test_a_value_goes_where_a_dict_goes() -> None:
    """It is shown, written as JSON, copied and pickled as the mapping that it is."""
    attempt = record(attempts=[ATTEMPT]).attempts[0]
    assert (repr(attempt), json.loads(json.dumps([attempt]))) == (repr(ATTEMPT), [ATTEMPT])
    again = pickle.loads(pickle.dumps(copy.deepcopy(attempt)))
    assert (type(again), again, again.text) == (Attempt, ATTEMPT, "Sure!")


def test_what_this_version_does_not_know_stays() -> None:
    """Fields of a later version are in the mappings, wherever they stand."""
    found = record(attempts=[ATTEMPT], prompt={"text": "a", "mood": 1}, extra=2)
    assert (found.attempts[0]["later"], found.prompt.fields["mood"], found.fields["extra"]) == ([1], 1, 2)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"number": "1"}, "number = '1', which should be int"),
        ({"number": True}, "number = True, which should be int"),
        ({"label": 5}, "label = 5, which should be str | None"),
        ({"parents": [3]}, "parents[0] = 3, which should be str"),
        ({"request": {"config": 1}}, "request.config = 1, which should be dict | None"),
        ({"attempts": ["x"]}, "attempts[0] = 'x', which should be dict"),
        ({"attempts": [{}, {}, {"cost": {"usd": -1}}]}, "attempts[2].cost.usd = -1, which should be USD from 0 to below a billion"),
        ({"sources": [{}]}, "sources[0].role = None, which should be str"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_error_names_the_path_to_the_key(wrong: dict[str, Any], said: str) -> None:
    """A value of another type is refused with the path to its key, what it is, and what it should be."""
    with pytest.raises(LineageError) as caught:
        record(**wrong)
    assert said in str(caught.value)


@pytest.mark.parametrize("path", EARLIER, ids=lambda path: path.name[:9])
def test_the_order_on_disk_is_the_tables(path: Path) -> None:
    """The table's order is the one that records have on disk since the first of them, whatever order they are filled in."""
    written = json.loads(path.read_bytes())
    first = [name for name, row in RecordFields.rows.items() if row.first]
    mixed = {name: written[name] for name in sorted(written, key=lambda name: (name in first, name))}
    assert list(on_disk(mixed))[: len(first)] == list(written)[: len(first)] == first
    assert list(on_disk(written)) == list(written)


@pytest.mark.parametrize("path", EARLIER, ids=lambda path: path.name[:9])
def test_the_table_has_every_field_that_was_ever_written(path: Path) -> None:
    """No record on disk holds a field that the table does not name, but for one that was put there as a later version's."""
    assert set(unknown(Record.read(path))) <= {"newer"}


def test_the_table_has_every_field_that_is_written_today() -> None:
    """What asking fills in stands in the table too: else it would be taken for words where a lineage is stripped."""
    Image.new("RGB", (8, 8)).save("brought.bmp")  # which is sent as another type
    bear = Session("./bear", endpoint="offline", chain="chat", aspect_ratio="1:1", seed=7)
    bear.generate(templates.sticker(subject="bear")).edit("Add a hat", references=[Path("brought.bmp")]).vary(n=2)
    bear.add(Path("brought.bmp"))
    records = [step.record for step in bear]
    assert any("sent" in source for record in records for source in record.sources)
    assert [unknown(record) for record in records] == [[]] * 5


def unknown(values: Values) -> list[str]:
    """The fields that the table does not name, wherever they stand."""
    inner = [v for name in values.rows for v in entries_in(getattr(values, name))]
    return [*(name for name in values.fields if name not in values.rows), *(name for v in inner for name in unknown(v))]


def entries_in(value: object) -> list[Entry]:
    return [v for v in (value if isinstance(value, tuple) else (value,)) if isinstance(v, Entry)]


def test_what_must_be_there_can_be_begun_empty() -> None:
    """The lists and objects that a record must have are made anew each time, so that nobody fills another's."""
    assert empty_fields() == {"parents": [], "prompt": {}, "sources": [], "request": {}, "attempts": [], "outputs": []}
    empty_fields()["attempts"].append({})
    assert empty_fields()["attempts"] == []
