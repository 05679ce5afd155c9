"""A region of a picture, and the cut around it: what callers give, and what is sent. Up to one picture in memory."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.pictures import encoded, scene
from PIL import Image, ImageDraw

from promptkit import Picture, PictureError
from promptkit.images.region import SHORT, Cut, cut_around, cut_out, is_too_small, region_in, scaled
from promptkit.images.still import still_of

RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")


def mask(size: tuple[int, int] = (100, 80), box: tuple[int, int, int, int] = (20, 10, 60, 50)) -> Image.Image:
    """White where the box is, black elsewhere."""
    image = Image.new("L", size)
    ImageDraw.Draw(image).rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill=255)
    return image


@st.composite
def regions(draw: st.DrawFn) -> tuple[tuple[int, int], tuple[int, int, int, int]]:
    """A picture's size, and a box in it."""
    width, height = draw(st.integers(10, 3000)), draw(st.integers(10, 3000))
    left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    return (width, height), (left, top, draw(st.integers(left + 1, width)), draw(st.integers(top + 1, height)))


@given(regions())
def test_a_cut_holds_the_region_in_a_ratio_of_the_model(drawn: tuple[tuple[int, int], tuple[int, int, int, int]]) -> None:
    """The cut has the ratio to the pixel, holds the whole region, and is at least 512 pixels on its short side as it is sent."""
    size, box = drawn
    cut = cut_around(region_in(box, size), RATIOS)
    across, down = map(int, cut.ratio.split(":"))
    assert cut.size[0] * down == cut.size[1] * across
    assert cut.sent[0] * down == cut.sent[1] * across
    assert cut.box[0] <= box[0] < box[2] <= cut.box[2]
    assert cut.box[1] <= box[1] < box[3] <= cut.box[3]
    assert min(cut.sent) >= SHORT


@given(regions())
def test_a_cut_lies_in_the_picture_where_one_fits_in(drawn: tuple[tuple[int, int], tuple[int, int, int, int]]) -> None:
    """A side reaches outside only where the cut is longer than the picture, and then to both sides alike."""
    size, box = drawn
    cut = cut_around(region_in(box, size), RATIOS)
    for axis in (0, 1):
        before, behind = -cut.box[axis], cut.box[axis + 2] - size[axis]
        assert (before <= 0 and behind <= 0) or (cut.size[axis] > size[axis] and abs(before - behind) <= 1)


def test_a_cut_has_a_margin() -> None:
    """A quarter of the region's longer side lies around it, at least 16 pixels, as far as the picture reaches."""
    cut = cut_around(region_in((400, 400, 600, 500), (1000, 1000)), RATIOS)
    assert cut == Cut((350, 350, 650, 550), "3:2", (768, 512))
    assert cut_around(region_in((400, 400, 404, 404), (1000, 1000)), RATIOS).size == (36, 36)
    assert cut_around(region_in((0, 0, 200, 100), (1000, 1000)), RATIOS).box[:2] == (0, 0)


def test_a_whole_picture_is_a_region_too() -> None:
    """A region may be all of it; what the cut has more shows the picture's own edges drawn out."""
    picture = encoded(scene((100, 90)))
    cut = cut_around(region_in((0, 0, 100, 90), (100, 90)), ["1:1"])
    assert cut.box == (0, -5, 100, 95)
    sent = cut_out(still_of(picture), Cut(cut.box, cut.ratio, cut.size)).image
    assert sent.crop((0, 5, 100, 95)).tobytes() == picture.image.tobytes()
    assert sent.crop((0, 0, 100, 1)).tobytes() == sent.crop((0, 4, 100, 5)).tobytes() == picture.image.crop((0, 0, 100, 1)).tobytes()


def test_a_large_cut_is_made_smaller() -> None:
    """No more than 4,096 pixels are sent on the long side."""
    assert cut_around(region_in((0, 0, 9000, 6000), (9000, 6000)), RATIOS).sent == (4095, 2730)


def test_a_cut_shows_white_where_it_is_transparent() -> None:
    """A model is sent what people see; it has no use for the colours that lie under transparent pixels."""
    clear = encoded(Image.new("RGBA", (100, 100), (255, 0, 0, 0)))
    sent = cut_out(still_of(clear), cut_around(region_in((40, 40, 60, 60), (100, 100)), RATIOS))
    assert sent.image.getextrema() == ((255, 255),) * 3


# What callers give


def test_a_mask_is_given_as_any_picture(tmp_path: Path) -> None:
    """A path, bytes, an open file, a PIL image, an array and a Picture mark the same; so does the text of a path."""
    drawn = encoded(mask())
    file = tmp_path / "mask.png"
    file.write_bytes(drawn.data)
    for given_mask in (file, str(file), drawn.data, io.BytesIO(drawn.data), mask(), np.asarray(mask()), drawn):
        region = region_in(given_mask, (100, 80))
        assert (region.box, region.mask is not None) == ((20, 10, 60, 50), True)
        assert region.stencil.tobytes() == mask().tobytes()


def test_white_is_edited_and_what_is_transparent() -> None:
    """Where a mask has transparency, that marks; one that is opaque all over, with an alpha channel or without, marks by white."""
    clear = Image.new("RGBA", (100, 80), "white")
    clear.paste((0, 0, 0, 0), (20, 10, 60, 50))
    opaque = mask().convert("RGBA")
    soft = mask().point([40 + value * 4 // 5 for value in range(256)])
    for each in (clear, opaque, soft, mask().convert("1"), mask().convert("P")):
        assert region_in(each, (100, 80)).box == (20, 10, 60, 50)


def test_a_turned_mask_is_taken_as_people_see_it() -> None:
    """Its EXIF orientation turns it, as a picture's does."""
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    mask((80, 100), (10, 40, 50, 80)).save(buffer, "JPEG", quality=95, exif=exif)
    assert region_in(buffer.getvalue(), (100, 80)).box == (20, 10, 60, 50)


@pytest.mark.parametrize(
    ("given_region", "said"),
    [
        (mask((90, 80)), "has 90×80 pixels, and the picture 100×80"),
        (Image.new("L", (100, 80)), "marks nothing"),
        ("mask-that-is-not-there.png", "is no box, and no picture file"),
        ("200x260", "is no box, and no picture file"),
        ("", "is no box, and no picture file"),
        ("\0", "is no box, and no picture file"),
        ("50x50+80+0", "100×80"),
        ((0, 0, 101, 80), "100×80"),
        ((5, 5, 5, 9), "is empty"),
        (7, "is no box"),
        (b"", "What was given"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_what_is_no_region_is_refused(given_region: object, said: str) -> None:
    """A mask of another size or one that marks nothing, a box outside, and what is neither: each with what was expected."""
    with pytest.raises(PictureError, match=said):
        region_in(given_region, (100, 80))


def test_a_picture_of_ten_pixels_has_room() -> None:
    """Eight pixels and a margin are the least that a picture needs."""
    assert [is_too_small(size) for size in ((9, 100), (100, 9), (10, 10))] == [True, True, False]


def test_a_region_is_the_same_part_of_another_picture() -> None:
    """A box and a mask grow and shrink with the picture, to whole pixels."""
    assert scaled(region_in((20, 10, 60, 50), (100, 80)), (200, 160)).box == (40, 20, 120, 100)
    moved = scaled(region_in(mask(), (100, 80)), (50, 40))
    assert (moved.box, moved.mask and moved.mask.size) == ((10, 5, 30, 25), (50, 40))
    assert isinstance(moved.mask, Picture)
