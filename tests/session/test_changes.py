"""What an edit changed: which picture it is measured against, and whether it was asked to keep the rest.

Judging an edit; measuring pictures is tested in tests/images, how changes are shown in test_explanation.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kit.loopback import png
from kit.pictures import encoded, other_scene, scene, with_box
from kit.steps import failed, made
from PIL import Image

from promptkit import Picture, Session, Step, templates
from promptkit.errors import LineageError
from promptkit.images.changes import MOST_CHANGED, Changes
from promptkit.lineage.tree import Lineage
from promptkit.session.changes import changes
from promptkit.session.keep_rules import SQUASHES


@pytest.fixture
def lineage(tmp_path: Path) -> Lineage:
    return Lineage(tmp_path / "bear")


def edited(lineage: Lineage, before: Picture, *after: Picture, text: str = "Add a hat", **more: Any) -> Step:
    """An edit of a step, as it stands in a session."""
    root = made(lineage, before)
    source = {"role": "base", "sha256": before.sha256, "mime_type": before.mime_type, "step": root.id}
    prompt = {"text": text, **more.pop("prompt", {})}
    record = made(lineage, *after, parents=[root.id], sources=[source], prompt=prompt, **more)
    return Step(None, lineage, record)  # type: ignore[arg-type]


def changes_of(step: Step) -> Changes | None:
    return changes(step.lineage, step.record)


# What is measured


def test_a_step_that_edits_nothing_has_no_changes(lineage: Lineage) -> None:
    """A root, a picture of one's own and an edit without a picture have nothing to compare."""
    root = made(lineage)
    source = {"role": "base", "sha256": root.outputs[0]["sha256"], "mime_type": "image/png", "step": root.id}
    for record in (root, failed(lineage, parents=[root.id], sources=[source])):
        assert changes(lineage, record) is None


def test_the_same_bytes_are_said(lineage: Lineage) -> None:
    """A service that hands back the very file it was sent changed nothing, and the step says so."""
    found = changes_of(edited(lineage, Picture(png()), Picture(png())))
    assert found is not None
    assert (found.same_bytes, found.same_pixels, found.share, found.box) == (True, True, 0.0, None)
    assert found.warnings == ("same bytes as before",)


def test_a_picture_that_is_gone_or_damaged_is_an_error_of_ours(lineage: Lineage) -> None:
    """A missing file and one that was changed raise LineageError, which names the file."""
    step = edited(lineage, encoded(scene(size=(64, 64))), Picture(png("blue")))
    path = step.parents[0].files[0]
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(LineageError, match=path.name):
        changes_of(step)
    path.unlink()
    with pytest.raises(LineageError, match=path.name):
        changes_of(step)


# What was asked for


KEEPING = {
    "en": "Make the hat red and keep everything else exactly the same",
    "es-MX": "Haz rojo el sombrero y mantén todo lo demás igual",
    "zh-CN": "把帽子改成红色，其余部分保持不变",
    "ja": "帽子を赤くして、他の部分はそのまま残してください",
    "hi": "टोपी को लाल करें और बाकी सब वैसा ही रखें",
}


@pytest.mark.parametrize("lang", KEEPING)
def test_an_edit_that_asked_to_keep_the_rest_and_changed_it_says_so(lineage: Lineage, lang: str) -> None:
    """In five languages, guessed where free text names none: quite another picture is warned of, and a small change is not."""
    image, other = scene(size=(512, 512)), other_scene((512, 512))
    found = changes_of(edited(lineage, encoded(image), encoded(other), text=KEEPING[lang]))
    assert found is not None
    assert found.share is not None
    assert found.share > MOST_CHANGED
    assert found.warnings == (f"{found.share * 100:.0f} % of the pixels changed though the edit asked to keep the rest",)
    slight = changes_of(edited(lineage, encoded(image), encoded(with_box(image, (0, 0, 200, 200))), text=KEEPING[lang]))
    assert slight is not None
    assert slight.warnings == ()


KEEP_THE_REST = "Make the hat red and keep everything else exactly the same"


def asked_to_keep(step: Step) -> bool:
    found = changes_of(step)
    assert found is not None
    return found.asked_to_keep


def asking(lineage: Lineage, text: str, **more: Any) -> Step:
    """An edit with that prompt."""
    return edited(lineage, Picture(png("red")), Picture(png("blue")), text=text, **more)


@pytest.mark.parametrize("name", ["style_transfer", "finish_sketch", "turn_around", "combine"])
@pytest.mark.parametrize("where", ["edit", "acme", "acme.edit"])
def test_templates_that_redraw_ask_for_every_pixel(lineage: Lineage, name: str, where: str) -> None:
    """They say what stays and draw all of it anew, whoever's they are; another template means what it says."""
    assert not asked_to_keep(asking(lineage, KEEP_THE_REST, prompt={"template": f"{where}.{name}", "lang": "en"}))
    assert asked_to_keep(asking(lineage, KEEP_THE_REST, prompt={"template": f"{where}.add", "lang": "en"}))


@pytest.mark.parametrize(
    ("texts", "template", "keeps"),
    [
        ((KEEP_THE_REST, "Only make the scarf blue"), None, True),
        ((KEEP_THE_REST, "Give it some atmosphere"), None, False),
        ((KEEP_THE_REST, KEEP_THE_REST), "acme.style_transfer", False),
    ],
)
def test_a_squash_asks_to_keep_the_rest_where_each_of_its_edits_did(
    lineage: Lineage, texts: tuple[str, str], template: str | None, keeps: bool
) -> None:
    """Its own words ask for it whatever stands among them, so that the edits that it stands for are looked at."""
    first, second = (asking(lineage, text, prompt={"template": t} if t else {}) for text, t in zip(texts, (None, template), strict=True))
    words = f"1. {texts[0]}\n2. {texts[1]}\nKeep everything else exactly as it is."
    assert asked_to_keep(asking(lineage, words, meta={SQUASHES: [first.id, second.id]})) == keeps


def test_a_squash_whose_edits_are_not_here_is_not_judged(lineage: Lineage) -> None:
    """Of a step that is not here, of a squash among the squashed and of what is no id nobody knows what was asked; no list says nothing."""
    keeping = asking(lineage, KEEP_THE_REST)
    nested = asking(lineage, KEEP_THE_REST, meta={SQUASHES: [keeping.id]})
    for other in ("0" * 64, nested.id, 7, {"a": 1}):
        assert not asked_to_keep(asking(lineage, KEEP_THE_REST, meta={SQUASHES: [keeping.id, other]}))
    assert asked_to_keep(asking(lineage, KEEP_THE_REST, meta={SQUASHES: "all of them"}))


def test_a_squash_of_a_session_is_not_warned_of_for_its_own_words() -> None:
    """Two edits that a session squashes, of which one changes all of the picture, may change all of it."""
    bear = Session("./bear", endpoint="offline")
    root = bear.add(png("red", (64, 64)))
    first = root.edit("Only make the hat red")
    second = first.edit(templates.edit.style_transfer(style="ukiyo-e"))
    assert asked_to_keep(first)
    assert not asked_to_keep(bear.squash(first, second))


# On the step


def test_what_was_measured_is_on_the_step(lineage: Lineage) -> None:
    """A step has what was noted as it came; once its changes were measured, what they found too, and each thing once."""
    image = Image.new("RGB", (64, 64))
    noted = ["another size than before (32×32, was 64×64)", "its seed was left out"]
    step = asking(lineage, KEEP_THE_REST)
    assert step.warnings == ()
    assert step.changes is not None
    assert step.warnings == step.changes.warnings == ("100 % of the pixels changed though the edit asked to keep the rest",)
    smaller = edited(lineage, encoded(image), encoded(with_box(image, (0, 0, 64, 64)).resize((32, 32))), text=KEEP_THE_REST, warnings=noted)
    assert smaller.warnings == tuple(noted)
    assert smaller.changes is not None
    assert smaller.warnings == (*noted, "100 % of the pixels changed though the edit asked to keep the rest")
    root = smaller.parents[0]
    assert root.changes is None
    assert root.warnings == ()


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("Paint a quite different scene", {}),
        ("Change only the style; keep everything else", {"template": "edit.style_transfer", "lang": "en"}),
        ("Alles andere bleibt, keep the rest", {"lang": "de"}),
    ],
)
def test_an_edit_that_did_not_ask_to_keep_the_rest_may_change_it(lineage: Lineage, text: str, prompt: dict[str, str]) -> None:
    """No share is too large where nothing was to stay, where every pixel is to be redrawn, or in a language without rules."""
    pictures = encoded(scene(size=(512, 512))), encoded(other_scene((512, 512)))
    found = changes_of(edited(lineage, *pictures, text=text, prompt=prompt))
    assert found is not None
    assert found.share is not None
    assert found.share > MOST_CHANGED
    assert found.warnings == ()
