"""What was edited in a picture, and what became of the rest: measures of pixels, with no step and no words.

How often judgements by them are right is what tests/drift_damage.py counts; judging is tested in tests/session/test_drift.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from drift_damage import grainy, jpeg, resampled, tinted
from kit.pictures import encoded, other_scene, scene, with_box
from kit.stills import stills
from PIL import Image, ImageDraw

from promptkit import Picture
from promptkit.errors import PictureError
from promptkit.images.measures import Decay, Edit, Edited, decay, edit, sampled
from promptkit.images.region import region_in

SIZE = (512, 512)


def drawing() -> Image.Image:
    """Flat colours with sharp edges."""
    image = Image.new("RGB", SIZE, "silver")
    draw = ImageDraw.Draw(image)
    for i in range(6):
        draw.ellipse((30 + 75 * i, 250 - 35 * i, 100 + 75 * i, 380), fill=("teal", "gold", "navy")[i % 3], outline="black", width=4)
    return image


KINDS: dict[str, Callable[[], Image.Image]] = {"scene": partial(scene, SIZE), "drawing": drawing}
BOX = (300, 20, 450, 150)


def edited(before: Image.Image, after: Image.Image, region: Any = None) -> Edit:
    found = edit(sampled(encoded(before)), sampled(encoded(after)), None if region is None else region_in(region, before.size))
    assert found is not None
    return found


def decayed(before: Image.Image, after: Image.Image, but: Edited | None = None) -> Decay:
    found = decay(sampled(encoded(before)), sampled(encoded(after)), but)
    assert found is not None
    return found


# What was edited


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_painted_over_is_edited_and_the_rest_is_as_it_was(kind: str) -> None:
    """To the last digit: then any difference is the service's doing."""
    before = KINDS[kind]()
    after = with_box(before, BOX)
    found = edited(before, after)
    assert found.share == pytest.approx(150 * 130 / 512**2, abs=0.03)
    assert (found.outside, 0.85 < found.kept < 0.95) == (0.0, True)
    assert found.box is not None
    assert found.box[0] <= 300 < 450 <= found.box[2] <= 470
    left = decayed(before, after, found.edited)
    assert (left.colour, left.sharpness, left.noise, left.pixels) == (0.0, 1.0, 0.0, 1.0)
    assert left.kept == pytest.approx(found.kept)


def test_what_lies_over_all_of_a_picture_edits_none_of_it() -> None:
    """A tint, some blur, JPEG and grain: each leaves its cells alone, so that it counts as decay."""
    before = scene(SIZE)
    for after in (tinted(before, (6, 2, -5)), resampled(before, 0.5), jpeg(before, 60), grainy(before, 6)):
        assert edited(before, after).kept > 0.95


def test_most_of_a_picture_may_be_repainted() -> None:
    """The part that stayed is what was not edited, though the other one is larger, and moved by one and the same colour."""
    before = with_box(drawing(), (0, 0, 512, 400), "teal")
    found = edited(before, with_box(before, (0, 0, 512, 400), "gold"))
    assert 0.1 < found.kept < 0.25
    left = decayed(before, with_box(before, (0, 0, 512, 400), "gold"), found.edited)
    assert (left.colour, left.noise) == (0.0, 0.0)


def test_changes_beside_the_largest_part_are_outside() -> None:
    """Words name things and not places: the largest part in one piece is what was asked for; where that is the picture, it is not."""
    before = drawing()
    both = with_box(with_box(before, BOX), (10, 450, 60, 500))
    found = edited(before, both)
    assert found.box is not None
    assert found.box[1] < 30
    assert found.outside == pytest.approx(50 * 50 / 512**2, abs=0.004)
    quite_another = edited(scene(SIZE), other_scene(SIZE))
    assert quite_another.outside == quite_another.share > 0.8


def test_with_a_region_what_changed_outside_of_it_is_outside() -> None:
    """Whatever is inside."""
    before = scene(SIZE)
    assert edited(before, with_box(before, BOX), BOX).outside == 0.0
    assert edited(before, with_box(before, BOX), (50, 250, 200, 400)).outside == pytest.approx(150 * 130 / 512**2, rel=0.2)


# What is left


@pytest.mark.parametrize("kind", KINDS)
def test_each_damage_shows_in_its_own_measure(kind: str) -> None:
    """Colours that move, detail that goes, noise that comes, pixels that are fewer; what was edited does not count."""
    before = with_box(KINDS[kind](), BOX)
    after = with_box(before, BOX, "blue")
    cells = edited(before, after).edited
    assert 3 < decayed(before, tinted(after, (6, 2, -5)), cells).colour < 5
    assert decayed(before, resampled(after, 0.5), cells).sharpness < 0.8
    noisy = decayed(before, grainy(after, 6), cells)
    assert (noisy.noise > 1.5, noisy.sharpness > 0.9) == (True, True)
    assert decayed(before, after.resize((256, 256)), cells).pixels == 0.25


def test_a_picture_without_detail_is_as_sharp_as_it_was() -> None:
    """A gradient has none to lose."""
    before = Image.merge("RGB", [Image.linear_gradient("L").resize((512, 512))] * 3)
    assert decayed(before, resampled(before, 0.3)).sharpness == 1.0


def test_one_small_thing_that_was_drawn_anew_is_no_noise() -> None:
    """As a service's own mark in a corner is each time; the same all over is."""
    before = scene(SIZE)
    anew = before.copy()
    anew.paste(Image.effect_noise((40, 24), 60).convert("RGB").resize((40, 24)), (460, 480))
    assert decayed(before, anew).noise < 0.2 < 1 < decayed(before, grainy(before, 3)).noise


def test_where_hardly_anything_is_left_all_of_it_is_compared() -> None:
    """And that is said."""
    cells = edited(scene(SIZE), other_scene(SIZE)).edited
    found = decayed(scene(SIZE), other_scene(SIZE), cells)
    assert found.kept == 0.0
    assert found.colour > 50


def test_other_ratios_are_not_compared() -> None:
    """A crop cannot be laid over what it was cut from; another size can, and one that a service rounded."""
    before, wide = sampled(encoded(scene(SIZE))), sampled(encoded(scene((512, 300))))
    assert (edit(before, wide), decay(before, wide, None)) == (None, None)
    rounded = sampled(encoded(scene(SIZE).resize((520, 512))))
    assert edit(before, rounded) is not None


# Pictures of all kinds


@pytest.mark.parametrize("kind", stills())
def test_every_kind_of_picture_is_measured_and_equals_itself(kind: str) -> None:
    """Small ones, transparent ones, greys of 16 bits, turned ones."""
    picture = stills()[kind]
    one, two = sampled(picture), sampled(picture)
    assert one.size == picture.seen_size
    same, left = edit(one, two), decay(one, two, None)
    assert same is not None
    assert left is not None
    assert (same.share, same.box, same.kept, left.colour, left.noise, left.kept) == (0.0, None, 1.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize("size", [(1, 1), (1, 700), (700, 3), (513, 512), (1536, 1024)])
def test_every_size_is_measured(size: tuple[int, int]) -> None:
    """Down to one pixel."""
    before, after = (encoded(Image.new("RGB", size, color)) for color in ("white", "black"))
    found = edit(sampled(before), sampled(after))
    assert found is not None
    assert found.share == 1.0
    left = decay(sampled(before), sampled(after), found.edited)
    assert left is not None
    assert left.colour == 255


def test_what_cannot_be_decoded_is_an_error_of_ours() -> None:
    """PictureError names the picture."""
    with pytest.raises(PictureError):
        sampled(Picture(b"\x89PNG\r\n\x1a\nnothing"))


# What was edited, kept


def test_edited_cells_are_kept_as_json_and_joined() -> None:
    """What was edited since an earlier picture is what any of the edits since edited."""
    before = drawing()
    first, second = (edited(before, with_box(before, box)).edited for box in (BOX, (10, 450, 60, 500)))
    assert Edited.from_json(json.loads(json.dumps(first.to_json()))) == first
    both = first.joined(second)
    assert both == second.joined(first)
    assert both.image.histogram()[255] == first.image.histogram()[255] + second.image.histogram()[255]


@pytest.mark.parametrize("said", [None, 3, [64, 64], [64, 64, "?"], [64, 64, "AAAA"], [9, 9, "eJwDAAAAAAE="], ["64", 64, "eJwDAAAAAAE="]])
def test_what_is_no_json_of_cells_is_refused(said: Any) -> None:
    """A cache may hold anything."""
    with pytest.raises((ValueError, TypeError)):
        Edited.from_json(said)
