"""An answer laid back into its picture: what stays, how it is fitted, and what is said where it does not fit."""

from __future__ import annotations

import pytest
from kit.pictures import encoded, scene, with_box
from kit.stills import SIZE, stills
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageOps

from promptkit import Picture
from promptkit.images.picture import to_rgb
from promptkit.images.region import Cut, Region, cut_around, cut_out, region_in
from promptkit.images.region_fit import Fit, laid_in, measured
from promptkit.images.still import Still, still_of

RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
STILLS = stills()
BOX = (200, 150, 420, 330)


def asked(picture: Picture, given: object) -> tuple[Still, Region, Cut, Image.Image]:
    """What is worked on, the region, its cut, and the pixels that are sent."""
    still = still_of(picture)
    region = region_in(given, still.image.size)
    cut = cut_around(region, RATIOS)
    return still, region, cut, cut_out(still, cut).image


def painted(image: Image.Image, color: str = "red") -> Image.Image:
    """What a model makes of a cut: something new in its middle."""
    drawn, (wide, high) = image.copy(), image.size
    ImageDraw.Draw(drawn).ellipse((wide * 0.3, high * 0.3, wide * 0.7, high * 0.7), fill=color)
    return drawn


def answered(image: Image.Image) -> Picture:
    """It as a service returns it."""
    return encoded(image, "JPEG", quality=85)


def seen(picture: Picture) -> Image.Image:
    """As people see it: what is transparent has no colour."""
    return to_rgb(picture.image).convert("RGBA").convert("RGBa")


def changed(before: Picture, after: Picture) -> Image.Image:
    """255 where any channel of what people see differs, else 0."""
    bands = ImageChops.difference(seen(before), seen(after)).split()
    marks = [band.point([0] + [255] * 255) for band in bands]
    most = marks[0]
    for mark in marks[1:]:
        most = ImageChops.lighter(most, mark)
    return most


def triangle(size: tuple[int, int]) -> Image.Image:
    """A mask that is no box."""
    drawn = Image.new("L", size)
    ImageDraw.Draw(drawn).polygon(((size[0] // 2, 4), (8, size[1] - 8), (size[0] - 8, size[1] - 8)), fill=255)
    return drawn


@pytest.mark.parametrize("shape", ["box", "mask", "corner"])
@pytest.mark.parametrize("name", STILLS)
def test_outside_of_the_region_nothing_changes(name: str, shape: str) -> None:
    """As people see them, all pixels outside are what they were, whatever the picture's kind; some inside are not."""
    before = STILLS[name]
    size = before.seen_size or SIZE
    given = {"box": (0.2, 0.2, 0.8, 0.9), "mask": triangle(size), "corner": (0.6, 0.5, 1.0, 1.0)}[shape]
    still, region, cut, sent = asked(before, given)
    answer = answered(painted(sent, "#10f0a0"))
    fit = measured(still, region, cut, answer)[0] if shape == "box" else Fit("stretch", (1, -1), (5, 0, -5), 3, 1.0)
    after = laid_in(still, region, cut, answer, fit)
    assert (after.mime_type, after.size) == ("image/png", size)
    where = changed(before, after)
    assert ImageChops.darker(where, ImageChops.invert(region.stencil)).getbbox() is None
    assert where.getbbox() is not None


def test_hidden_colours_and_profiles_survive() -> None:
    """Outside of the region even the colours under transparent pixels stay; profile, transparency and 16 bits do too."""
    before = STILLS["rgba"]
    still, region, cut, sent = asked(before, (0.5, 0.5, 0.9, 0.9))
    after = laid_in(still, region, cut, answered(painted(sent)), Fit("stretch", (0, 0), (0, 0, 0), 2, 0.0)).image
    assert after.crop((0, 0, *SIZE[:1], 36)).tobytes() == before.image.crop((0, 0, SIZE[0], 36)).tobytes()
    for name, mode in (("16-bit grey", "I;16"), ("grey by a profile", "L"), ("grey with alpha by a profile", "LA"), ("a profile", "RGB")):
        still, region, cut, sent = asked(STILLS[name], (0.2, 0.2, 0.8, 0.8))
        image = laid_in(still, region, cut, answered(sent), Fit("stretch", (0, 0), (0, 0, 0), 2, 0.0)).image
        assert (image.mode, image.info.get("icc_profile")) == (mode, STILLS[name].image.info.get("icc_profile"))


def test_what_stays_white_on_a_transparent_ground_stays_transparent() -> None:
    """A cut shows white where its picture is clear: of the answer only what was painted there becomes opaque."""
    before = encoded(Image.new("RGBA", (600, 600)))
    still, region, cut, sent = asked(before, (200, 200, 400, 400))
    after = laid_in(still, region, cut, answered(painted(sent)), Fit("stretch", (0, 0), (0, 0, 0), 8, 0.0)).image
    assert after.getpixel((300, 300))[3] == 255
    assert after.getpixel((205, 205))[3] == 0


def test_the_middle_is_the_answers_and_the_edge_is_soft() -> None:
    """Inside, behind an edge of at most 16 pixels, the answer stands as it came; at the edge it fades in, but not at the picture's own."""
    flat = encoded(Image.new("RGB", (800, 600), "white"))
    still, region, cut, sent = asked(flat, (300, 200, 500, 400))
    black = encoded(Image.new("RGB", sent.size))
    image = laid_in(still, region, cut, black, Fit("stretch", (0, 0), (0, 0, 0), 16, 0.0)).image.convert("L")
    row = [image.getpixel((x, 300)) for x in range(299, 320)]
    assert row[0] == 255
    assert row[-1] == 0
    assert row == sorted(row, reverse=True)
    assert len(set(row)) > 10
    still, region, cut, sent = asked(flat, (0, 0, 200, 600))
    image = laid_in(still, region, cut, encoded(Image.new("RGB", sent.size)), Fit("stretch", (0, 0), (0, 0, 0), 16, 0.0)).image
    assert image.getpixel((0, 300)) == (0, 0, 0)


def test_a_thin_region_keeps_its_weight() -> None:
    """The soft edge never takes more than half of a region's weight, and a region of a few pixels has none."""
    picture = encoded(scene((400, 400)))
    for given in ((100, 100, 101, 101), (100, 100, 104, 300), (100, 100, 300, 300)):
        still, region, cut, sent = asked(picture, given)
        fit, _ = measured(still, region, cut, encoded(sent))
        assert fit.soft <= 16
        after = laid_in(still, region, cut, encoded(ImageOps.invert(sent)), fit)
        assert changed(picture, after).getbbox() == given


def test_a_moved_answer_is_laid_where_it_belongs() -> None:
    """An answer that came some pixels off is moved back."""
    still, region, cut, sent = asked(encoded(scene((800, 600))), BOX)
    off = encoded(ImageChops.offset(sent, 6, -4))
    fit, said = measured(still, region, cut, off)
    scale = cut.size[0] / sent.width
    assert (abs(fit.shift[0] + 6 * scale) <= 1, abs(fit.shift[1] - 4 * scale) <= 1, said) == (True, True, [])


@pytest.mark.parametrize("method", ["stretch", "crop", "contain"])
def test_an_answer_in_a_rounded_ratio_is_fitted(method: str) -> None:
    """Services round 4:3 to 1184×864: stretched, with more of the scene than the cut has, or with less: the margin tells which."""
    still, region, _, _ = asked(encoded(scene((800, 600))), BOX)
    cut = cut_around(region, ["4:3"])
    sent = cut_out(still, cut).image
    wide = Image.new("RGB", (round(sent.width * 1.0278), sent.height), "gray")
    wide.paste(sent, ((wide.width - sent.width) // 2, 0))
    came = {"stretch": sent.resize((1184, 864)), "crop": wide.resize((1184, 864)), "contain": ImageOps.fit(sent, (1184, 864))}[method]
    fit, said = measured(still, region, cut, encoded(came))
    assert (fit.method, said) == (method, [])
    assert fit.seam is not None
    assert fit.seam < 8


def test_colours_are_matched_around_the_region() -> None:
    """A tint that the model laid over all is taken away again; what it painted itself keeps its difference."""
    still, region, cut, sent = asked(encoded(ImageEnhance.Contrast(scene((800, 600))).enhance(0.6)), BOX)
    tinted = ImageChops.add(painted(sent), Image.new("RGB", sent.size, (20, 8, 0)))
    fit, said = measured(still, region, cut, encoded(tinted))
    assert said == []
    assert [abs(a - b) <= 1 for a, b in zip(fit.offset, (-20, -8, 0), strict=True)] == [True] * 3


@pytest.mark.parametrize(
    ("came", "said"),
    [
        (ImageOps.invert, "does not join what is around the region"),
        (ImageOps.mirror, "does not join what is around the region"),
        (lambda sent: sent.resize((900, 400)), "another ratio than the detail that was sent"),
        (lambda sent: sent.resize((64, 64 * sent.height // sent.width)), "the region looks softer than what is around it"),
    ],
    ids=["another scene", "mirrored", "another ratio", "small"],
)
def test_what_does_not_fit_is_said(came: object, said: str) -> None:
    """Seams over the bound, another ratio, and an answer of few pixels are told in a phrase each."""
    still, region, cut, sent = asked(encoded(scene((800, 600))), BOX)
    _, warnings = measured(still, region, cut, encoded(came(sent)))  # type: ignore[operator]
    assert any(said in warning for warning in warnings)


def test_lost_colours_are_said() -> None:
    """Where a picture stays grey, in 16 bits or by its profile, a coloured answer is told to have become grey."""
    for name in ("16-bit grey", "grey by a profile"):
        still, region, cut, sent = asked(STILLS[name], (0.2, 0.2, 0.8, 0.8))
        assert measured(still, region, cut, encoded(sent))[1] == []
        assert any("colours became greys" in said for said in measured(still, region, cut, encoded(painted(sent)))[1])


def test_a_region_that_is_all_of_the_picture_has_nothing_around_it() -> None:
    """Then nothing is matched or moved, and there is no seam to speak of."""
    still, region, cut, sent = asked(encoded(scene((600, 600))), (0, 0, 600, 600))
    assert measured(still, region, cut, encoded(ImageOps.invert(sent)))[0] == Fit("stretch", (0, 0), (0, 0, 0), 16, None)


def test_the_numbers_repeat_it() -> None:
    """With the numbers as JSON holds them, the same answer makes the same picture."""
    still, region, cut, sent = asked(encoded(with_box(scene((800, 600)), (10, 10, 90, 90))), BOX)
    answer = answered(painted(ImageChops.offset(sent, 5, 3)))
    fit, _ = measured(still, region, cut, answer)
    assert Fit.of(fit.to_fields()) == fit
    assert laid_in(still, region, cut, answer, Fit.of(fit.to_fields())) == laid_in(still, region, cut, answer, fit)
