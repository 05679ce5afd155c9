"""Recipes: a trail as a value and as a file, which holds all that it needs; and what no recipe can hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from kit.loopback import png

import promptkit
from promptkit import LineageError, Run, Session, SettingsError, run, templates
from promptkit.session.recipe import Recipe, read_recipe, write_recipe

SCHEMA = json.loads((Path(promptkit.__file__).parent / "session/recipe.schema.json").read_text())


@pytest.fixture
def fox() -> Session:
    """A sticker, made smaller, edited with a picture from outside and the first one along."""
    session = Session("./fox", endpoint="offline")
    sticker = session.generate(templates.sticker(subject="fox", palette="red") + " No shadows.", aspect_ratio="1:1", seed=7)
    small = sticker.resize(longest=64)
    small.edit("Put the hat on it", references={"hat": png("green")}, anchor=sticker)
    return session


def recipe_of(session: Session, step: Any = None) -> Recipe:
    trail = session.trail(step)
    return Recipe.of_trail(trail[0].lineage, [each.record for each in trail])


def test_a_trail_becomes_steps(fox: Session) -> None:
    """Words that were added stay, a seed does not; pictures from outside come along, those of the trail are named by their place."""
    first, second, third = recipe_of(fox).steps
    assert (first.kind, first.template and first.template.name, first.text) == ("generate", "sticker", " No shadows.")
    assert (dict(first.inputs), dict(first.config)) == ({"subject": "fox", "palette": "red"}, {"aspect_ratio": "1:1"})
    assert str(first.prompt({"subject": "owl"}, None)).endswith("The background must be white. No shadows.")
    assert (second.kind, second.operation and second.operation.name) == ("make", "resize")
    assert [(a.role, a.step, a.words.name) for a in third.along] == [("anchor", 0, ""), ("reference", None, "hat")]


def test_a_file_holds_all_of_it(fox: Session, tmp_path: Path) -> None:
    """It is what the schema says, comes back as it was, and is carried out where the session is not."""
    path = fox.recipe(tmp_path / "hats.json")
    said = json.loads(path.read_text())
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(said, SCHEMA)
    assert read_recipe(path).to_json() == said == recipe_of(fox).to_json()
    assert str(fox.folder) not in path.read_text()
    assert fox.recipe(tmp_path / "hats.json") == path  # an older recipe is replaced
    made = run(path, [{"subject": "owl"}], tmp_path / "r", endpoint="offline")
    assert isinstance(made, Run)
    steps = made.rows[0].session.steps
    assert [step.outcome for step in steps] == ["picture", "made", "picture"]
    assert steps[2].sources[2].data == png("green")
    assert steps[2].sources[1] == steps[0].picture
    again = run(path, [{"subject": "owl"}], tmp_path / "r", endpoint="offline")
    assert isinstance(again, Run)
    assert len(again.rows[0].session) == 3


def test_an_added_root_is_given_anew(tmp_path: Path) -> None:
    """A trail that begins with a picture of one's own begins with each row's."""
    session = Session("./own", endpoint="offline")
    session.add(png("red")).edit("Make it night")
    recipe = recipe_of(session)
    assert recipe.needs_picture
    (tmp_path / "blue.png").write_bytes(png("blue"))
    made = run(recipe, [{"picture": str(tmp_path / "blue.png")}, {"picture": png("green")}], tmp_path / "r", endpoint="offline")
    assert isinstance(made, Run)
    assert [row.session[1].picture.data for row in made.rows] == [png("blue"), png("green")]


def test_a_librarys_look_goes_along(tmp_path: Path) -> None:
    """A template's library gives values and pictures: in a recipe's file they are those of its template, and each row is sent them once."""
    look = tmp_path / "house"
    look.mkdir()
    (look / "hat.png").write_bytes(png("green"))
    (look / "library.yaml").write_text("references:\n  hat: hat.png\n")
    (look / "poster.j2").write_text("---\ninputs:\n  subject: {}\n---\nA poster of a {{ subject }} with the hat.\n")
    poster = promptkit.Library(look)["poster"]
    assert isinstance(poster, promptkit.Template)
    session = Session("./poster", endpoint="offline")
    sent = session.generate(poster(subject="fox")).sources
    assert [picture.data for picture in sent] == [png("green")]
    path = session.recipe(tmp_path / "poster.json")
    (look / "hat.png").unlink()
    for what in (path, session):
        made = run(what, [{"subject": "owl"}], tmp_path / "r", endpoint="offline")
        assert isinstance(made, Run)
        assert [[p.data for p in step.sources] for step in made.rows[0].session] == [[png("green")]]
    by_function = run(lambda row: session[1].prompt, [{"subject": "owl"}], tmp_path / "f", endpoint="offline")
    assert isinstance(by_function, Run)
    assert [picture.data for picture in by_function.rows[0].steps[0].sources] == [png("green")]


def test_what_no_recipe_holds_is_named(fox: Session) -> None:
    """A hand's work, a region, nothing at all."""
    assert fox.head is not None
    fox.add(png("blue", size=(64, 64)), on=fox.head)
    with pytest.raises(LineageError, match="Step 4 was made by hand"):
        fox.recipe("a.json")
    fox[1].edit("A red nose", region=(0, 0, 512, 512))
    with pytest.raises(LineageError, match="Step 5 edits a region"):
        fox.recipe("a.json")
    fox.add(png("yellow"))
    with pytest.raises(LineageError, match="nothing was asked for yet"):
        fox.recipe("a.json")
    with pytest.raises(LineageError, match="no trail"):
        Session("./new", endpoint="offline").recipe("a.json")
    assert not Path("a.json").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda said: said.update(schema="promptkit.recipe/9"), "upgrade promptkit"),
        (lambda said: said.update(schema="other"), "is no recipe"),
        (lambda said: said.update(steps=[]), "has no steps"),
        (lambda said: said["steps"][2].update(kind="generate"), "step 3 makes a new picture, and only the first may"),
        (lambda said: said["steps"][2]["along"][0].update(step=2), "takes along the picture of step 3, which is not before it"),
        (lambda said: said["steps"][1].update(operation="melt"), "no operation 'melt'"),
        (lambda said: said["steps"][0]["template"]["files"].clear(), "is damaged"),
        (lambda said: said["pictures"].clear(), "is damaged"),
        (lambda said: said["steps"][0].pop("kind"), "is damaged"),
        (lambda said: said["steps"][0].update(template=None, text=" "), "neither a template nor a text"),
        (lambda said: [p.update(data="AAAA") for p in said["pictures"].values()], "cannot be used"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(fox: Session, change: Any, said: str) -> None:
    """In one sentence, with its name."""
    path = fox.recipe("hats.json")
    holds = json.loads(path.read_text())
    change(holds)
    path.write_text(json.dumps(holds))
    with pytest.raises(SettingsError, match=said) as raised:
        read_recipe(path)
    assert "hats.json" in str(raised.value)


def test_a_users_file_is_not_replaced(fox: Session) -> None:
    """Unless they say so."""
    Path("mine.json").write_text('{"mine": 1}')
    with pytest.raises(SettingsError, match="is no recipe"):
        fox.recipe("mine.json")
    assert write_recipe(recipe_of(fox), "mine.json", overwrite=True) == Path("mine.json")


def test_only_the_first_template_may_generate() -> None:
    """The others edit what came before."""
    with pytest.raises(SettingsError, match="logo makes a new picture, and stands behind another template"):
        Recipe.of_templates([templates.sticker, templates.logo])
    assert Recipe.of_templates([templates.edit.add]).needs_picture
