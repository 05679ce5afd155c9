"""Operations on a picture: which numbers they take, what they come to, and that orientation, profile, gamma and alpha mean what they meant.
In memory; no step is recorded.
"""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from kit.pictures import encoded, file_of, scene
from PIL import Image, ImageChops, ImageCms, ImageStat

from promptkit import Picture, PictureError, SettingsError
from promptkit.images.operations import Operation, channel, convert, crop, operation_in_words, operation_of, pad, resize


def png(mode: str = "RGB", size: tuple[int, int] = (120, 80), color: Any = "red", **options: Any) -> Picture:
    return Picture(file_of("PNG", mode, size, color, **options))


def same(one: Image.Image, other: Image.Image) -> bool:
    return one.mode == other.mode and one.size == other.size and ImageChops.difference(one, other).getbbox(alpha_only=False) is None


def with_chunk(data: bytes, kind: bytes, content: bytes) -> Picture:
    """A PNG with a chunk more behind its header."""
    chunk = len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)
    return Picture(data[:33] + chunk + data[33:])


def gamma(picture: Picture, value: int) -> Picture:
    return with_chunk(picture.data, b"gAMA", value.to_bytes(4))


def turned(orientation: int, size: tuple[int, int] = (120, 80)) -> Picture:
    """A JPEG with a white top and a red rest, as stored; its EXIF says how it is meant."""
    image = Image.new("RGB", size, "red")
    image.paste("white", (0, 0, size[0], size[1] // 2))
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(image, "JPEG", exif=exif, quality=95)


# Numbers


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (crop(ratio="4:5"), crop(ratio=(8, 10), focus="center")),
        (crop(ratio="1.91:1"), crop(ratio=(1.91, 1))),
        (crop(ratio="3/2", focus="top left"), crop(ratio=1.5, focus=(0.0, 0.0))),
        (crop("20x30+10+5"), crop((10, 5, 30, 35))),
        (crop("50%x50%+0%+25%"), crop((0.0, 0.25, 0.5, 0.75))),
        (crop(ratio="1:1", focus="30%,40%"), crop(ratio="1:1", focus=(0.3, 0.4))),
        (resize("60x40"), resize(width=60, height=40)),
        (resize(scale="50%"), resize(scale=0.5)),
        (pad(ratio="16:9", fill="white"), pad(ratio=(16, 9), fill=(255, 255, 255))),
        (pad(size=(200, 200), fill="#FFF"), pad(size="200x200")),
        (convert("jpg"), convert("image/jpeg")),
        (channel((1080, 1080)), channel("1080x1080")),
    ],
)
def test_one_thing_said_in_two_ways_is_one(one: Operation, other: Operation) -> None:
    """Numbers are kept in one spelling, so that a call in other words is the same step."""
    assert one == other
    assert one.numbers == other.numbers


@pytest.mark.parametrize(
    "made",
    [
        crop((10, 5, 30, 35)),
        crop("50%x50%+0%+25%"),
        crop(ratio="4:5", focus="bottom"),
        crop(ratio="4:5", focus=(10, 20)),
        crop(ratio="4:5", focus=(10, 20, 30, 40)),
        resize(longest=60),
        resize(width=60),
        resize("60x60", stretch=True),
        resize(scale=0.25),
        pad(ratio="16:9", fill="transparent"),
        convert("webp", quality=80, max_bytes=9000, fill="blue"),
        channel("9:16", fit="pad", fill="#123", type="jpeg", quality=70, max_bytes=9000),
        channel((60, 60), focus="left"),
    ],
)
def test_numbers_go_through_a_record_and_back(made: Operation) -> None:
    """What a record keeps as JSON is the same operation again, with a few words for people."""
    again = operation_of(made.name, json.loads(json.dumps(made.numbers)))
    assert again == made
    assert operation_in_words(made.name, made.numbers) == made.in_words


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: crop(), "takes a box or a ratio"),
        (lambda: crop((0, 0, 5, 5), ratio="1:1"), "takes a box or a ratio"),
        (lambda: crop((0, 0, 5, 5), focus="top"), "focus= goes with ratio="),
        (lambda: crop(ratio="wide"), "ratio is a text such as"),
        (lambda: crop(ratio="0:5"), "ratio is a text such as"),
        (lambda: crop(ratio="500:1"), "ratio is a text such as"),
        (lambda: crop(ratio=True), "ratio is a text such as"),
        (lambda: crop(ratio="1:1", focus="up"), "focus is a place such as"),
        (lambda: crop(ratio="1:1", focus=(0.5, 2.0)), "focus is a place such as"),
        (lambda: crop(ratio="1:1", focus=(1, 0.5)), "focus is a place such as"),
        (lambda: crop(ratio="1:1", focus="10%,20"), "focus is a place such as"),
        (lambda: resize(), "takes one of these"),
        (lambda: resize("60x40", scale=2), "takes one of these"),
        (lambda: resize("60x40", width=60), "and not both"),
        (lambda: resize(width=0), "width is a whole number of pixels"),
        (lambda: resize(width=1.5), "width is a whole number of pixels"),
        (lambda: resize(scale=0), "scale is a number above 0"),
        (lambda: resize(scale="big"), "scale is a number above 0"),
        (lambda: resize("99999x99999"), "million, and a picture may have 179"),
        (lambda: pad(), "takes a ratio or a size"),
        (lambda: pad(ratio="1:1", fill="wite"), "fill is a colour"),
        (lambda: pad(ratio="1:1", fill=(1, 2)), "fill is a colour"),
        (lambda: pad(ratio="1:1", fill=(1, 2, 300)), "fill is a colour"),
        (lambda: convert("gif"), "type is one of png, jpeg, webp, avif"),
        (lambda: convert("png", quality=90), "has no quality"),
        (lambda: convert("webp", quality=0), "quality is a whole number from 1 to 100"),
        (lambda: convert("webp", max_bytes=0), "max_bytes is a whole number"),
        (lambda: channel("wide"), "A channel has a ratio"),
        (lambda: channel(None), "A size is a pair"),
        (lambda: channel("1:1", fit="fill"), 'fit is "crop" or "pad"'),
        (lambda: channel("1:1", fit="pad", focus="top"), "keeps all of the picture"),
        (lambda: operation_of("blur", {}), "There is no operation 'blur'"),
        (lambda: operation_of("crop", {"tilt": 3}), "numbers that this promptkit does not know (tilt)"),
    ],
)
def test_other_values_are_refused_with_what_is_expected(call: Callable[[], object], said: str) -> None:
    """Each value that an operation cannot have is refused before any picture is looked at."""
    with pytest.raises((PictureError, SettingsError)) as caught:
        call()
    assert said in str(caught.value)


# Geometry


@pytest.mark.parametrize(
    ("made", "size", "box"),
    [
        (crop(ratio="4:5"), (1024, 1024), (102, 0, 921, 1024)),
        (crop(ratio="1:1"), (120, 80), (20, 0, 100, 80)),
        (crop(ratio="1:1", focus="left"), (120, 80), (0, 0, 80, 80)),
        (crop(ratio="1:1", focus="bottom right"), (120, 80), (40, 0, 120, 80)),
        (crop(ratio="1:1", focus=(50, 40)), (120, 80), (10, 0, 90, 80)),
        (crop(ratio="1:1", focus=(60, 0, 120, 80)), (120, 80), (40, 0, 120, 80)),
        (crop(ratio="16:9", focus="top"), (120, 80), (0, 0, 120, 68)),
        (crop(ratio="1:100"), (3, 2), (1, 0, 2, 2)),
        (crop((0.1, 0.0, 0.5, 0.5)), (100, 50), (10, 0, 50, 25)),
    ],
)
def test_a_crop_is_the_largest_part_near_its_focus(made: Operation, size: tuple[int, int], box: tuple[int, ...]) -> None:
    """One side stays whole, the part never leaves the picture, and its pixels are the picture's own."""
    picture = encoded(scene(size))
    cut = made.apply(picture)
    assert cut.result == {"box": list(box)}
    assert same(cut.picture.image, picture.image.crop(box))


def test_what_lies_outside_of_the_picture_is_refused_with_its_size() -> None:
    """A box or a focus in pixels that this picture does not have."""
    for made in (crop((0, 0, 121, 80)), crop(ratio="1:1", focus=(200, 0)), crop(ratio="1:1", focus=(0, 0, 200, 10))):
        with pytest.raises(PictureError, match="120×80 pixels"):
            made.apply(png())


@pytest.mark.parametrize(
    ("made", "size", "notes"),
    [
        (resize("60x40"), (60, 40), 0),
        (resize(width=61), (61, 41), 0),
        (resize(height=40), (60, 40), 0),
        (resize(longest=240), (240, 160), 1),
        (resize(scale="50%"), (60, 40), 0),
        (resize("50x50", stretch=True), (50, 50), 0),
        (pad(ratio="1:1"), (120, 120), 0),
        (pad(ratio="16:9"), (142, 80), 0),
        (pad(size=(200, 100)), (200, 100), 0),
        (channel("9:16"), (68, 120), 1),
        (channel("16:9"), (120, 68), 0),
        (channel("1:1", fit="pad"), (120, 120), 0),
        (channel("9:16", fit="pad"), (68, 120), 0),
        (channel((240, 240)), (240, 240), 1),
        (channel((30, 30)), (30, 30), 0),
        (channel((240, 60), fit="pad"), (240, 60), 0),
        (channel((480, 240), fit="pad"), (480, 240), 1),
    ],
)
def test_a_size_is_what_was_asked_for_and_enlarging_is_said(made: Operation, size: tuple[int, int], notes: int) -> None:
    """A ratio keeps a channel's longest side, a pair is pixels; what shows no more than before says so."""
    done = made.apply(png())
    assert done.picture.size == size
    assert sum("enlarged" in note for note in done.notes) == notes


def test_nothing_is_stretched_or_cut_without_being_asked() -> None:
    """A size of another ratio, and a canvas that is too small, are refused with what to do."""
    with pytest.raises(PictureError, match="crop or pad it first"):
        resize("50x50").apply(png())
    with pytest.raises(PictureError, match="larger than a canvas of 100×100"):
        pad(size=(100, 100)).apply(png())


def test_padding_shows_the_picture_in_its_middle_on_the_fill() -> None:
    """The pixels are the picture's own, around them is the colour."""
    picture = encoded(scene((120, 80)))
    done = pad(ratio="1:1", fill="#336699").apply(picture)
    image = done.picture.image
    assert done.result == {"size": [120, 120], "at": [0, 20]}
    assert same(image.crop((0, 20, 120, 100)), picture.image)
    assert {image.getpixel((x, y)) for x in (0, 119) for y in (0, 19, 100, 119)} == {(0x33, 0x66, 0x99)}


# Types and bytes


@pytest.mark.parametrize(
    "made",
    [crop((0, 0, 120, 80)), crop(ratio="3:2"), resize("120x80"), resize(scale=1), pad(ratio="3:2"), convert("jpeg"), channel("3:2")],
)
def test_what_changes_nothing_keeps_the_very_bytes(made: Operation) -> None:
    """A picture that is like that already is not written again, and that is said."""
    picture = encoded(scene((120, 80)), "JPEG", quality=40)
    done = made.apply(picture)
    assert done.picture.data == picture.data
    assert done.notes == (() if made.name == "channel" else ("the picture was like that already, and its bytes are the same",))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_keeps_its_type(kind: str) -> None:
    """A JPEG stays one, so that it does not grow tenfold on its way to a service, and is written so that no step is seen."""
    picture = encoded(scene((120, 80)), kind, **({} if kind == "PNG" else {"quality": 90}))
    cut = crop((0, 0, 64, 64)).apply(picture)
    assert cut.picture.mime_type == picture.mime_type
    apart = ImageStat.Stat(ImageChops.difference(cut.picture.image.convert("RGB"), picture.image.crop((0, 0, 64, 64)).convert("RGB")))
    assert max(apart.mean) < 5  # a WebP has half of the colour


def test_a_lossless_webp_stays_lossless() -> None:
    """Its pixels are the same after ten crops, the colours of what is transparent included."""
    image = scene((64, 64)).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize((64, 64)))
    picture = encoded(image, "WEBP", lossless=True, exact=True)
    for side in range(63, 53, -1):
        picture = crop((0, 0, side, side)).apply(picture).picture
    assert same(picture.image, image.crop((0, 0, 54, 54)))


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
def test_a_type_that_is_not_written_becomes_a_png(kind: str) -> None:
    """What services do not take becomes what they do."""
    assert crop((0, 0, 6, 4)).apply(Picture(file_of(kind))).picture.mime_type == "image/png"


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_becomes_every_type(mode: str, kind: str) -> None:
    """Grey, palette, transparent, 16 bits: each can be converted, cropped, resized, padded and fitted."""
    picture = png(mode, (64, 64), 1 if mode in ("1", "P") else (40_000 if mode == "I;16" else None))
    for made in (
        convert(kind, max_bytes=50_000),
        crop((3, 5, 40, 50)),
        resize(longest=30),
        pad(ratio="2:1", fill="red"),
        pad(ratio="2:1", fill="#00ff0080"),
        channel("1:2", type=kind, fit="pad", fill="gray"),
        channel((20, 30), type=kind),
    ):
        assert made.apply(picture).picture.image.size


def test_16_bits_of_grey_stay_in_a_png() -> None:
    """They are cropped, resized and padded as they are; another type has 8, and that is said."""
    image = Image.new("I;16", (64, 64), 300)
    image.paste(65_535, (0, 0, 32, 64))
    picture = encoded(image)
    for made in (crop((16, 0, 48, 64)), resize(longest=32), pad(ratio="2:1", fill="white")):
        done = made.apply(picture).picture.image
        assert done.mode == "I;16"
        assert (done.getextrema()[0], done.getextrema()[1]) == (300, 65_535)
    assert "16 bits" in " ".join(channel((20, 20), type="webp").apply(picture).notes)


def test_max_bytes_lowers_the_quality_as_little_as_is_needed() -> None:
    """The file has at most so many bytes, and the next better quality would have had more."""
    picture = encoded(scene((256, 256)))
    full = convert("jpeg", quality=90).apply(picture)
    most = len(full.picture.data) * 2 // 3
    small = convert("jpeg", quality=90, max_bytes=most).apply(picture)
    assert len(small.picture.data) <= most
    better = convert("jpeg", quality=small.result["quality"] + 1).apply(picture)
    assert len(better.picture.data) > most
    assert convert("jpeg", quality=90, max_bytes=10**7).apply(picture).picture == full.picture


def test_max_bytes_that_cannot_be_kept_is_refused_with_the_bytes_it_takes() -> None:
    """Of a type without quality, and of one whose lowest is too large still."""
    picture = encoded(scene((256, 256)))
    with pytest.raises(PictureError, match='without loss, and max_bytes is 100; give a type with a quality, such as "webp"'):
        convert("png", max_bytes=100).apply(picture)
    with pytest.raises(PictureError, match="at quality 30, the lowest that is tried, and max_bytes is 100; give a smaller size"):
        convert("webp", max_bytes=100).apply(picture)


def test_a_type_that_cannot_hold_the_size_is_refused() -> None:
    """A WebP has at most 16,383 pixels on a side."""
    with pytest.raises(PictureError, match="17000×2 pixels cannot be written as webp"):
        convert("webp").apply(png(size=(17_000, 2)))


# Meaning


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_and_sizes_are_of_the_picture_as_people_see_it(orientation: int) -> None:
    """What EXIF turns is turned first, and what comes says nothing of turning any more."""
    picture = turned(orientation)
    seen = picture.image
    box = (0, 0, seen.size[0] // 2, seen.size[1] // 4)
    cut = crop(box).apply(picture).picture
    assert cut.size == cut.seen_size == box[2:]
    assert max(ImageStat.Stat(ImageChops.difference(cut.image, seen.crop(box))).mean) < 3
    padded = pad(ratio="1:1").apply(picture).picture
    assert padded.size == (120, 120)
    assert padded.image.getexif().get(0x0112) is None


def test_what_is_only_turned_is_written_upright() -> None:
    """A size and a ratio that people see are those of the file, whoever reads it; nothing else is changed."""
    picture = turned(6)
    for made in (crop((0, 0, 80, 120)), resize("80x120"), pad(ratio="2:3"), convert("jpeg"), channel((80, 120))):
        done = made.apply(picture)
        assert done.picture.size == (80, 120)
        assert done.picture.image.getexif().get(0x0112) is None
        assert not done.notes


def icc(name: str) -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes()


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_a_profile_goes_along(kind: str) -> None:
    """Into each type, with the pixels as they are."""
    profile = icc("sRGB")
    picture = png("RGB", color=(200, 100, 50), icc_profile=profile)
    for made in (convert(kind, max_bytes=10**6), channel((60, 60), type=kind)):
        assert made.apply(picture).picture.image.info["icc_profile"] == profile


def test_a_fill_is_what_people_see_whatever_the_profile() -> None:
    """A colour is sRGB; in a picture whose profile means otherwise it has other numbers."""
    profile = icc("sRGB").replace(b"rXYZ", b"----").replace(b"gXYZ", b"rXYZ").replace(b"----", b"gXYZ")  # red and green change places
    picture = png("RGB", color=(200, 100, 50), icc_profile=profile)
    done = pad(ratio="1:1", fill="#ff8000").apply(picture).picture.image
    assert done.info["icc_profile"] == profile
    assert done.getpixel((60, 60)) == (200, 100, 50)
    assert done.getpixel((0, 0)) == (128, 255, 0)


def test_inks_become_the_colours_of_a_screen() -> None:
    """A CMYK picture can be worked on; that it is none any more is said."""
    done = crop((0, 0, 6, 4)).apply(Picture(file_of("JPEG", "CMYK", color=(0, 255, 255, 0))))
    red, green, blue = done.picture.image.getpixel((1, 1))
    assert red > 200 > 60 > max(green, blue)
    assert any("CMYK" in note for note in done.notes)


def test_a_pngs_gamma_goes_along_into_a_png_and_is_applied_elsewhere() -> None:
    """A picture of linear light is shown as bright after it was cropped, padded or converted."""
    linear = gamma(png("RGB", color=(55, 55, 55)), 100_000)
    cut = crop((0, 0, 60, 40)).apply(linear).picture
    assert cut.image.info["gamma"] == 1.0
    assert cut.image.getpixel((5, 5)) == (55, 55, 55)
    shown = convert("webp", quality=100).apply(linear).picture.image.getpixel((5, 5))
    assert max(abs(band - 127) for band in shown) <= 2
    padded = pad(ratio="1:1", fill=(127, 127, 127)).apply(linear).picture.image
    assert max(abs(band - 55) for band in padded.getpixel((0, 0))) <= 1
    usual = gamma(png("RGB", color=(55, 55, 55)), 45_455)
    assert max(abs(band - 55) for band in convert("webp", quality=100).apply(usual).picture.image.getpixel((5, 5))) <= 2


def test_what_is_transparent_stays_so_and_does_not_bleed() -> None:
    """A red disc on transparent green has no green edge when it is made smaller."""
    image = Image.new("RGBA", (64, 64), (0, 255, 0, 0))
    image.paste((255, 0, 0, 255), (16, 16, 48, 48))
    small = resize(longest=21).apply(encoded(image)).picture.image
    assert small.mode == "RGBA"
    colored = [pixel for x in range(21) for y in range(21) if (pixel := small.getpixel((x, y)))[3] > 8]
    assert colored
    assert max(green for _, green, _, _ in colored) < 8


def test_a_fill_shows_through_what_is_transparent() -> None:
    """A canvas is filled and the picture laid on it; a transparent one keeps what it has; in a JPEG it lies on the fill."""
    sticker = png("RGBA", color=(255, 0, 0, 0))
    on_white = pad(ratio="1:1").apply(sticker).picture.image
    assert (on_white.mode, on_white.getpixel((60, 60)), on_white.getpixel((0, 0))) == ("RGB", (255, 255, 255), (255, 255, 255))
    clear = pad(ratio="1:1", fill="transparent").apply(png()).picture.image
    assert (clear.getpixel((60, 60)), clear.getpixel((0, 0))[3]) == ((255, 0, 0, 255), 0)
    blue = convert("jpeg", fill="blue").apply(sticker).picture.image.getpixel((5, 5))
    assert blue[2] > 240 > 20 > max(blue[:2])


def test_a_colour_that_is_transparent_stays_so() -> None:
    """A PNG may name one colour of its own in place of an alpha channel."""
    image = Image.new("RGB", (60, 40), "blue")
    image.paste("red", (0, 0, 30, 40))
    done = crop((20, 0, 40, 40)).apply(encoded(image, transparency=(255, 0, 0))).picture.image
    assert (done.getpixel((0, 0))[3], done.getpixel((19, 0))) == (0, (0, 0, 255, 255))


def test_colours_of_16_bits_are_read_as_8_and_that_is_said() -> None:
    """As far as Pillow reads them."""
    rows = b"".join(b"\0" + bytes([200, 17, 100, 17, 50, 17]) * 4 for _ in range(4))

    def chunk(kind: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)

    header = (4).to_bytes(4) + (4).to_bytes(4) + bytes([16, 2, 0, 0, 0])
    deep = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    done = crop((0, 0, 2, 2)).apply(Picture(deep))
    assert done.picture.image.getpixel((0, 0)) == (200, 100, 50)
    assert done.notes == ("its 16 bits a colour became 8",)


def test_a_jpeg_that_is_given_transparency_becomes_a_png() -> None:
    """Its type cannot hold what was asked for."""
    assert pad(ratio="1:1", fill="transparent").apply(turned(1)).picture.mime_type == "image/png"


def test_of_an_animation_the_first_frame_is_taken_and_that_is_said() -> None:
    """What would be lost in silence is told."""
    buffer = io.BytesIO()
    frames = [Image.new("RGB", (12, 8), color) for color in ("red", "blue", "green")]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    done = crop((0, 0, 6, 4)).apply(Picture(buffer.getvalue()))
    assert done.picture.image.convert("RGB").getpixel((1, 1)) == (255, 0, 0)
    assert done.notes == ("of its 3 frames the first was taken",)


def test_other_metadata_stays_behind() -> None:
    """Where and with which camera a picture was taken is not in what is made of it."""
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    picture = encoded(Image.new("RGB", (12, 8)), "JPEG", exif=exif, comment=b"secret")
    for made in (crop((0, 0, 6, 4)), convert("png"), convert("webp")):
        data = made.apply(picture).picture.data
        assert b"Camera" not in data
        assert b"secret" not in data
