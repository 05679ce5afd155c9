"""The JSON Schemas that ship: they are what the table of fields says, they hold for every record that was ever written, and they refuse
what promptkit refuses.
"""

from __future__ import annotations

import copy
import json
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.loopback import png
from kit.places import TESTS, FreshEnvironment

from promptkit import PromptkitError, Session, templates
from promptkit.lineage.fields import Field, Values, WrongField
from promptkit.lineage.json_schema import FOLDER, RULES, schemas, write
from promptkit.lineage.schema import RecordedCost, RecordFields

EARLIER = TESTS / "earlier"
RECORDS = sorted(path for path in EARLIER.glob("*/[0-9]*-*.json") if not path.name.endswith(".forgotten.json"))


def validator(name: str) -> jsonschema.Draft202012Validator:
    """What judges by the file that ships."""
    said = json.loads((FOLDER / f"{name}.json").read_bytes())
    jsonschema.Draft202012Validator.check_schema(said)
    return jsonschema.Draft202012Validator(said)


RECORD = validator("record")


def test_the_files_are_what_the_table_says() -> None:
    """Each file that ships is what the table of fields makes today: `python -m promptkit.lineage.json_schema` writes them anew."""
    write(Path.cwd())
    assert {p.name: p.read_bytes() for p in FOLDER.iterdir()} == {p.name: p.read_bytes() for p in Path.cwd().iterdir()}
    assert set(schemas()) == {"forgotten", "mark", "marks", "record", "tag", "reference", "session"}


@pytest.mark.parametrize("path", RECORDS, ids=lambda p: f"{p.parent.name}/{p.name[:4]}")
def test_every_record_of_an_earlier_release_fits(path: Path) -> None:
    """A record that any release wrote, or a later 1.x may write, is what the schema describes."""
    RECORD.validate(json.loads(path.read_bytes()))


@pytest.mark.parametrize("folder", sorted(EARLIER.iterdir()), ids=lambda p: p.name)
def test_tags_markers_and_notes_of_earlier_releases_fit(folder: Path) -> None:
    """So are the files beside the records."""
    validator("session").validate(json.loads((folder / "promptkit.json").read_bytes()))
    for path in folder.glob("tags/*.json"):
        validator("tag").validate(json.loads(path.read_bytes()))
    for path in folder.glob("marks/*.json"):
        validator("mark").validate(json.loads(path.read_bytes()))
    for path in folder.glob("*.forgotten.json"):
        validator("forgotten").validate(json.loads(path.read_bytes()))


def test_what_is_written_today_fits() -> None:
    """Records of every kind that the painter and a caller make, with and without words, fit, and so do tag and marker."""
    bear = Session("./bear", endpoint="offline", chain="chat", aspect_ratio="1:1", seed=7, recover=0)
    fox = bear.generate(templates.sticker(subject="fox"), label="first", meta={"for": "a client"})
    fox.edit("Add a hat", references=[fox.picture.data]).vary(n=2)
    bear.add(png("green"))
    with pytest.raises(PromptkitError):
        fox.edit("What would suit it at night?")
    bear.tag("for the client", fox)
    fox.mark("keep", stars=4, note="bluer", region=(0, 0, 9, 9), by="client")
    fox.mark(None)
    bear.export("bare.zip", all=True, strip=True)
    zipfile.ZipFile("bare.zip").extractall("bare")
    found = [path for folder in ("bear", "bare/stripped") for path in Path(folder).glob("[0-9]*-*.json")]
    assert {json.loads(path.read_bytes())["outcome"] for path in found} == {"picture", "text", "added"}
    for path in found:
        RECORD.validate(json.loads(path.read_bytes()))
    for path in Path("bear/tags").iterdir():
        validator("tag").validate(json.loads(path.read_bytes()))
    for path in (*Path("bear/marks").iterdir(), *Path("bare/stripped/marks").iterdir()):
        validator("mark").validate(json.loads(path.read_bytes()))
    validator("session").validate(json.loads(Path("bear/promptkit.json").read_bytes()))


# What promptkit refuses, it refuses


def rows_in(kind: type[Values]) -> Iterator[Field[Any]]:
    for row in kind.rows.values():
        yield row
        if row.holds is not None:
            yield from rows_in(row.holds)


def test_every_rule_of_the_table_is_in_them() -> None:
    """A row that checks more than a type says so in the schemas too."""
    with_rules = {row for row in rows_in(RecordFields) if row.is_checked and object in row.kinds}
    assert with_rules <= set(RULES)
    assert {RecordedCost.usd, RecordedCost.amount, RecordedCost.currency} <= with_rules


def whole_record() -> dict[str, Any]:
    """A record in which each part is."""
    (path,) = (EARLIER / "0.1-every-field").glob("0002-*.json")
    found: dict[str, Any] = json.loads(path.read_bytes())
    found["warnings"] = ["a note"]
    return found


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all that stands in a record, at any depth."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key)
        yield from places(inner, (*path, key))


# Of floats those that are no whole numbers: to a JSON Schema 7.0 is an integer.
STRANGE = st.sampled_from([None, True, 0, 7, -1, 0.5, 1e9 + 0.5, "x", "", "USD", [], ["x"], [7], [[]], [1, 2], [0, 1], {}, {"usd": 1}])
PLACES = sorted((p for p in places(whole_record()) if p != ("schema",)), key=str)


@given(st.lists(st.tuples(st.sampled_from(PLACES), st.one_of(STRANGE, st.just("left out"))), min_size=1, max_size=3))
def test_they_refuse_what_promptkit_refuses(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    """Whatever stands at whatever place of a record, or is missing there, schema and promptkit have one verdict."""
    record = whole_record()
    for path, value in changes:
        put(record, path, value)
    try:
        RecordFields.check(record)
    except WrongField:
        assert not RECORD.is_valid(record)
    else:
        RECORD.validate(record)


def put(record: Any, path: tuple[Any, ...], value: Any) -> None:
    """Puts a value there, or takes out what is there; nothing where another change took the place away."""
    *way, last = path
    with suppress(KeyError, IndexError, TypeError):
        for key in way:
            record = record[key]
        if value == "left out":
            del record[last]
        else:
            record[last] = copy.deepcopy(value)


@pytest.mark.parametrize("schema", ["2.0", "", "1.", "one", 1, None, "12.0"])
def test_another_major_is_refused(schema: object) -> None:
    """A record of a later major, or without a version, is none that this release can promise anything of."""
    assert not RECORD.is_valid({**whole_record(), "schema": schema})


@pytest.mark.parametrize("cost", [{"usd": 0.1}, {"usd": 0.1, "amount": "x"}, {"amount": 2, "currency": "CNY", "basis": "list"}, None])
def test_costs_fit(cost: object) -> None:
    """A cost is in USD, or a sum in another currency, or not known."""
    RECORD.validate({**whole_record(), "attempts": [{"outcome": "picture", "cost": cost}]})


@pytest.mark.parametrize("cost", [{}, {"usd": -1}, {"usd": None}, {"amount": 2}, {"amount": 2, "currency": "yuan"}, {"usd": "1"}, 1])
def test_what_costs_nothing_known_does_not_fit(cost: object) -> None:
    """What promptkit takes for damaged is refused here too."""
    record = {**whole_record(), "attempts": [{"outcome": "picture", "cost": cost}]}
    assert not RECORD.is_valid(record)
    with pytest.raises(WrongField):
        RecordFields.check(record)


@pytest.mark.slow
def test_the_wheel_holds_them(fresh_environment: FreshEnvironment) -> None:
    """Who installs promptkit has the schemas as files."""
    names = zipfile.ZipFile(fresh_environment.wheel).namelist()
    assert {f"promptkit/lineage/schemas/{name}.json" for name in schemas()} <= set(names)
