"""The JSON Schema of the flat objects: it describes every kind and key that there is, and takes those that a later release adds.

What commands print is judged by it in tests/cli/test_json.py; what the values mean is tested where each kind is made.
"""

from __future__ import annotations

import math
import zipfile
from pathlib import Path

import jsonschema
import pytest
from kit.json_objects import DEFINED, KINDS, READER, SCHEMA, STRICT, described, kinds_in_source
from kit.places import FreshEnvironment

from promptkit import PromptkitError, Session, find, sessions, templates, which
from promptkit.json_objects import flat_object

NOTE = flat_object("note", level="note", message="Done.")


def test_it_has_each_kind_that_the_package_makes() -> None:
    """And no other; each is looked up by its name."""
    assert set(KINDS) == kinds_in_source()
    assert [rule["if"]["properties"]["schema"]["const"] for rule in SCHEMA["allOf"]] == [f"promptkit.{kind}/1" for kind in KINDS]
    assert [rule["then"]["$ref"] for rule in SCHEMA["allOf"]] == [f"#/$defs/{kind}" for kind in KINDS]


def test_each_key_is_described_and_always_there() -> None:
    """But for kinds of which half an object can be all that is known."""
    for kind, defined in DEFINED.items():
        assert all(said.get("description") for said in [defined, *defined["properties"].values()]), kind
        if kind not in ("explained", "template"):
            assert defined["required"] == list(defined["properties"]), kind


def test_what_python_gives_fits() -> None:
    """Steps of every outcome, searches, sums, previews, explanations, measured changes and drifts are what it says."""
    bear = Session("./bear", endpoint="offline", recover=0)
    fox = bear.generate(templates.sticker(subject="fox"), label="first", meta={"for": ["a client"]}, aspect_ratio="1:1", seed=7)
    night = fox.edit("Make it night", safety={"HARASSMENT": "BLOCK_ONLY_HIGH"})
    with pytest.raises(PromptkitError) as error:
        fox.edit("What would suit it at night?")
    bear.add(fox.picture.image.rotate(90))
    bear.save("copy.png")
    forgotten = bear.forget(night, words=True)
    mark = fox.mark("keep", stars=4, note="bluer", region="50%x50%+0%+0%", by="client")
    taken = bear.import_marks("1 keep\n99 keep")
    heroine = bear.reference("heroine", fox, "copy.png", description="a fox")
    rows = [
        *bear.to_dicts(),
        error.value.to_dict(),
        forgotten.to_dict(),
        heroine.to_dict(),
        mark.to_dict(),
        taken.to_dict(),
        *(p.to_dict() for p in bear.verify()),
    ]
    rows += [*find("fox", ".").to_dicts(), *which("copy.png", ".").to_dicts(), *sessions(".").to_dicts(), *bear.spending.to_dicts()]
    rows += bear.at(fox).replay(Session("./again", endpoint="offline"), dry_run=True).to_dicts()
    rows += bear.drift(2).to_dicts()
    rows += [*bear.explain(2, measured=True).to_dicts(), fox.edit("Add a hat").changes.to_dict(), fox.prompt.to_dict()]
    kinds = set(described(rows))
    wanted = {"step", "error", "forgetting", "problem", "found", "match", "session", "spending", "previewed", "explained", "changes"}
    assert wanted | {"reference", "mark", "marks_taken", "drift"} <= kinds


def test_a_lost_step_is_explained_by_little() -> None:
    """What is known of it alone fits."""
    bear = Session("./bear", endpoint="offline")
    fox = bear.generate("a fox")
    night = fox.edit("Make it night")
    night_id = night.id
    fox.record.path.unlink()
    lost, found = Session("./bear").explain(night_id).to_dicts()
    assert described([lost, found]) == ["explained", "explained"]
    assert set(lost) == {"schema", "id", "parents", "problem"}


def test_a_broken_template_is_listed_by_little() -> None:
    """Its name, and what is wrong with it."""
    assert described([flat_object("template", name="fox", problem="its front matter is no YAML")]) == ["template"]


@pytest.mark.parametrize("wrong", [{"level": "loud"}, {"message": None}, {"message": 3}])
def test_what_is_not_so_is_refused(wrong: dict[str, object]) -> None:
    """A value of another type, or beyond those that there are."""
    STRICT.validate(NOTE)
    for validator in (STRICT, READER):
        assert not validator.is_valid(NOTE | wrong)


def test_what_is_missing_is_refused() -> None:
    """A key that is always there, and the name of the kind."""
    for name in NOTE:
        assert not READER.is_valid({k: v for k, v in NOTE.items() if k != name})


def test_readers_take_what_a_later_release_adds() -> None:
    """Further keys and kinds; only the tests' own judge refuses them."""
    for later in ({**NOTE, "colour": "red"}, flat_object("weather", degrees=21.5, wind=math.inf)):
        READER.validate(later)
        with pytest.raises(jsonschema.ValidationError):
            described([later])


@pytest.mark.slow
def test_the_wheel_holds_it(fresh_environment: FreshEnvironment) -> None:
    """Who installs promptkit has it as a file."""
    assert "promptkit/json_objects.schema.json" in zipfile.ZipFile(Path(fresh_environment.wheel)).namelist()
