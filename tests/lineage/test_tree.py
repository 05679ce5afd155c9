"""Looking steps up in one folder, by number, tag, id, recipe, picture and descent."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Any

import pytest
from kit.loopback import png
from kit.steps import failed, fields, made, red

from promptkit.errors import StepNotFound
from promptkit.images.picture import Picture
from promptkit.lineage.files import json_bytes
from promptkit.lineage.record import Record
from promptkit.lineage.schema import empty_fields
from promptkit.lineage.tree import Lineage


@pytest.fixture
def lineage(tmp_path: Path) -> Lineage:
    return Lineage(tmp_path / "bear")


def test_one_look_up_everywhere(lineage: Lineage) -> None:
    """An int or up to six digits is a number, then a tag, then the beginning of an id."""
    first = made(lineage)
    second = next(r for r in iter(lambda: made(lineage), None) if not r.id[:8].isdigit())
    lineage.set_tag(second.id[:8], first.id)
    keys = [1, "1", "000001", first.id, first.id[:7], first.id[:40], second.id[:8]]
    assert [lineage.find(k).number for k in keys] == [1] * len(keys)
    assert lineage.find(second.id[:9]) == second


NO_STEPS = [0, -1, 3, "3", "000003", "no", "", "abcd", "f" * 64, "1234567", "../x", 1.5, None, b"1", slice(1)]


@pytest.mark.parametrize("key", NO_STEPS, ids=repr)
def test_a_step_that_is_not_there_is_said(lineage: Lineage, key: Any) -> None:
    """What names no step raises StepNotFound, a KeyError too, in one sentence that says where it looked."""
    made(lineage)
    with pytest.raises(StepNotFound) as caught:
        lineage.find(key)
    assert isinstance(caught.value, KeyError)
    assert caught.value.path == lineage.folder
    assert str(caught.value).endswith(".")


def test_the_nearest_tags_are_named(lineage: Lineage) -> None:
    """A tag that is misspelt brings those that look like it, in the sentence and in `near`."""
    record = made(lineage)
    lineage.set_tag("for the client", record.id)
    with pytest.raises(StepNotFound, match="did you mean 'for the client'") as caught:
        lineage.find("for the clinet")
    assert caught.value.near == ("for the client",)


def test_a_number_of_two_steps_is_refused(lineage: Lineage, tmp_path: Path) -> None:
    """A number that two merged copies share is refused with both ids, which both still find their step."""
    one, other = made(lineage), made(Lineage(tmp_path / "other"), Picture(png("green")))
    for path in (tmp_path / "other").glob("0001*"):
        path.rename(lineage.folder / path.name)
    with pytest.raises(StepNotFound, match="shared by") as caught:
        lineage.find(1)
    assert set(caught.value.near) == {one.id, other.id}
    assert all(i[:16] in str(caught.value) for i in (one.id, other.id))
    assert lineage.find(other.id[:10]).pictures[0].data == png("green")
    assert made(lineage).number == 2
    assert lineage.verify() == []


def test_children_and_recipes_are_found(lineage: Lineage) -> None:
    """Children follow the first parent, recipes the field; both by number, for steps that others wrote too."""
    first = made(lineage)
    other = Lineage(lineage.folder)
    second = made(other, parents=[first.id], recipe="r1:x")
    third = failed(other, parents=[first.id, second.id], recipe="r1:x")
    for seen in (lineage, other, Lineage(lineage.folder)):
        assert [r.id for r in seen.children(first)] == [r.id for r in seen.with_recipe("r1:x")] == [second.id, third.id]
        assert seen.children(second) == ()


def test_a_picture_of_ones_own_is_found_by_its_bytes(lineage: Lineage) -> None:
    """The first step that added these bytes and is whole; not one that was asked for, that has no picture, or whose picture is damaged."""
    lineage.begin("add", fields()).commit("added")
    added = [lineage.begin("add", fields()).commit("added", [red()]) for _ in range(2)]
    made(lineage, Picture(png("green")))
    assert lineage.added_with(red().sha256) == added[0]
    assert lineage.added_with(Picture(png("green")).sha256) is None
    for path in lineage.folder.glob("*.png"):
        path.write_bytes(b"x")
    assert Lineage(lineage.folder).added_with(red().sha256) is None


def test_ancestors_come_after_what_they_came_from(lineage: Lineage) -> None:
    """Parents and steps that went along as references come before each step, once each; what is missing is passed over."""
    lamp, cup, lost = made(lineage), made(lineage), made(lineage)
    entry = {"role": "reference", "sha256": red().sha256, "mime_type": "image/png", "step": lamp.id}
    both = made(lineage, parents=[cup.id, lost.id], sources=[entry])
    last = made(lineage, parents=[both.id, lamp.id])
    assert both.origins == (cup.id, lost.id, lamp.id)
    lost.path.unlink()
    again = Lineage(lineage.folder)
    assert [r.number for r in again.ancestors(last)] == [2, 1, 4, 5]
    assert [r.number for r in again.ancestors(lamp, last)] == [1, 2, 4, 5]


def test_ancestors_of_a_deep_history_stand_once_each(lineage: Lineage) -> None:
    """In a history thousands of steps deep, with parents shared by many, each stands once, behind all that it came from."""
    lineage.create()
    ids: list[str] = []
    for i in range(3000):
        parents = list(dict.fromkeys([ids[-1], ids[i // 2]])) if ids else []
        data = json_bytes({"schema": "1.0", **empty_fields(), "number": i + 1, "outcome": "text", "parents": parents})
        ids.append(hashlib.sha256(data).hexdigest())
        (lineage.folder / f"{i + 1:04}-edit-{ids[-1][:10]}.json").write_bytes(data)
    found = lineage.ancestors(lineage.get(ids[-1]))
    place = {r.id: i for i, r in enumerate(found)}
    assert set(place) == set(ids)
    assert len(found) == len(place)
    assert all(place[p] < place[r.id] for r in found for p in r.parents)


def test_a_trail_leads_from_the_root_to_the_step(lineage: Lineage) -> None:
    """Parents alone, not what went along as a reference; where a parent is missing it begins behind that one."""
    root = made(lineage)
    beside = made(lineage)
    entry = {"role": "reference", "sha256": beside.outputs[0].sha256, "mime_type": "image/png", "step": beside.id}
    middle = made(lineage, parents=[root.id, beside.id], sources=[entry])
    last = made(lineage, parents=[middle.id])
    assert lineage.trail(last) == [root, middle, last]
    assert lineage.trail(root) == [root]
    root.path.unlink()
    assert Lineage(lineage.folder).trail(last) == [middle, last]


class OpenedMeanwhile(Lineage):
    """A lineage that another thread opens anew whenever its records were read."""

    def records(self) -> tuple[Record, ...]:
        found = super().records()
        opening = threading.Thread(target=self.reopen)
        opening.start()
        opening.join(0.2)  # seconds; it waits for whoever looks something up
        return found


def test_what_is_looked_up_is_found_while_others_open_the_folder(tmp_path: Path) -> None:
    """Another opening in this process looks at the folder anew, and takes nothing from under a look-up: else it would be paid for again."""
    first = made(Lineage(tmp_path / "bear"), recipe="r1:one")
    second = made(Lineage(tmp_path / "bear"), recipe="r1:two", parents=[first.id])
    assert [r.id for r in OpenedMeanwhile(tmp_path / "bear").with_recipe("r1:one")] == [first.id]
    assert [r.id for r in OpenedMeanwhile(tmp_path / "bear").children(first)] == [second.id]


def test_steps_are_found_by_the_template_and_the_inputs_of_their_prompts(tmp_path: Path) -> None:
    """Whatever its words: by the template's name, the inputs as given in any order, the language and the step that it continues."""
    lineage = Lineage(tmp_path / "bear")
    prompt = {"template": "poster", "digest": "d", "inputs": {"subject": "fox", "items": ["a", 1]}, "lang": "en", "text": "A fox"}
    root = made(lineage, prompt=prompt)
    child = made(lineage, prompt={**prompt, "text": "Another fox"}, parents=[root.id])
    made(lineage, prompt={"text": "A fox"})
    given = {"items": ("a", 1), "subject": "fox"}
    for reader in (lineage, Lineage(tmp_path / "bear")):
        reader.records()
        assert reader.rendered_from("poster", given, "en", []) == [root]
        assert reader.rendered_from("poster", given, "en", [root.id, child.id]) == [child]
        assert reader.rendered_from("poster", {**given, "subject": "bear"}, "en", []) == []
        assert reader.rendered_from("poster", given, "ja", []) == []
        assert reader.rendered_from(None, {}, None, []) == []
        assert [r.number for r in reader.newest_of([], 1)] == [3]
        assert reader.newest_of([root.id], 5) == (child,)
    root.path.unlink()
    lineage.records()
    assert lineage.rendered_from("poster", given, "en", []) == []
