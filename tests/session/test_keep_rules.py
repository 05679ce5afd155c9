"""How much of its picture an edit is about: all of it, one thing of it, or a region.

By words, in five languages, and by what a step is; what follows from it for a measured edit is tested in test_changes.py and test_drift.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kit.loopback import png
from kit.pictures import encoded, scene
from kit.steps import made

from promptkit import Picture, Session, templates
from promptkit.lineage.tree import Lineage
from promptkit.session.keep_rules import SQUASHES, scope

WHOLE = {
    "en": ("Make it night", "In the style of Van Gogh", "Crop it to a square", "Crop tighter", "Apply a sepia filter", "It is night now"),
    "es": ("Haz que sea de noche", "Conviértelo en una acuarela", "Recórtalo en cuadrado", "Recorta la imagen"),
    "ja": ("夜にして", "夜の場面に変えて", "水彩画にして", "ゴッホ風に", "正方形に切り抜いて", "トリミングして"),
    "zh": ("改成夜晚", "用浮世绘风格重画", "裁剪成正方形", "把图片裁成方形"),
    "hi": ("रात कर दो", "इसे जलरंग शैली में बनाएँ", "इसे चौकोर काटें", "तस्वीर को क्रॉप करें", "इसे ब्लैक एंड व्हाइट कर दें"),
}
PLAIN = {
    "en": ("Add a hat", "Crop the dog's ears shorter", "Add a night lamp", "Add a crop top", "Change the knight's shield to blue"),
    "es": ("Añade un sombrero", "Pon la lámpara de noche sobre la mesa", "Recórtale las orejas al perro"),
    "ja": ("帽子を加えて", "夜行バスを追加して", "ナイトランプを置いて"),
    "zh": ("添加一顶帽子", "加一盏夜灯"),
    "hi": ("एक टोपी जोड़ें", "कप हटा दें"),
}


@pytest.fixture
def lineage(tmp_path: Path) -> Lineage:
    return Lineage(tmp_path / "bear")


def scope_of(lineage: Lineage, text: str = "Add a hat", **more: Any) -> str:
    root = made(lineage)
    return scope(lineage, made(lineage, Picture(png("blue")), parents=[root.id], prompt={"text": text}, **more))


@pytest.mark.parametrize("text", [text for texts in WHOLE.values() for text in texts])
def test_night_a_style_and_a_crop_are_about_the_whole_picture(lineage: Lineage, text: str) -> None:
    """In each language that has rules, in the words that people use for them."""
    assert scope_of(lineage, text) == "whole"


@pytest.mark.parametrize("text", [text for texts in PLAIN.values() for text in texts])
def test_words_that_only_look_so_are_not(lineage: Lineage, text: str) -> None:
    """A night lamp is a lamp, and a crop top a garment."""
    assert scope_of(lineage, text) == "plain"


def test_what_stays_narrows_an_edit(lineage: Lineage) -> None:
    """Everything else, or one thing that is said to stay; where all of the picture changes, that says nothing."""
    assert scope_of(lineage, "Make the hat red and keep everything else exactly the same") == "rest"
    assert scope_of(lineage, "Make the hat red and keep the face as it is") == "some"
    assert scope_of(lineage, "Make it night, but keep the panda as it is") == "whole"
    assert scope_of(lineage, '添加一句话"make it night"') == "plain"


def test_a_squash_is_about_as_much_as_the_widest_of_its_steps(lineage: Lineage) -> None:
    """Its own words always say that the rest stays."""
    root = made(lineage)
    texts = ("Make the hat red and keep everything else exactly the same", "Add a scarf", "Make it night")
    rest, plain, night = (made(lineage, parents=[root.id], prompt={"text": text}).id for text in texts)

    def squash(*ids: str) -> str:
        return scope_of(lineage, texts[0], meta={SQUASHES: list(ids)})

    assert (squash(rest), squash(rest, plain), squash(plain, night), squash("0" * 64)) == ("rest", "plain", "whole", "plain")


def test_what_a_step_is_goes_before_its_words(tmp_path: Path) -> None:
    """A root, a picture made here and one made by hand are about all of it, an edit of a region about that alone."""
    bear = Session(tmp_path / "bear", endpoint="offline")
    root = bear.add(encoded(scene((256, 256))))
    steps = [root, root.resize(scale=0.5), bear.add(encoded(scene((300, 256))), on=root), root.edit("Make it night", region=(9, 9, 90, 90))]
    styled = root.edit(templates.edit.style_transfer(style="ukiyo-e woodblock print"))
    assert [scope(step.lineage, step.record) for step in (*steps, styled)] == ["whole"] * 3 + ["region", "whole"]
