"""Two pictures measured against each other: real ones, and in every way in which two can differ."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from kit.loopback import png
from kit.pictures import encoded, other_scene, scene, with_box
from kit.places import shared
from PIL import Image, ImageDraw

from promptkit import Picture, PromptkitError
from promptkit.errors import PictureError
from promptkit.images.changes import cheap_warnings, compared

# photographs that are no dithered thumbnails; what the constants in changes.py were chosen by
PHOTOGRAPHS = ("avif__exif.avif", "exif_typeerror.jpg", "flower.webp", "frozenpond.mpo", "hopper_bad_exif.jpg", "junk_jpeg_header.jpg")


# What is the same


def test_the_same_pixels_in_other_bytes_are_said() -> None:
    """A picture that was only packed anew has the same pixels; one pixel that differs by one is another picture."""
    image = scene()
    for again in (encoded(image, "TIFF"), encoded(image, "WEBP", lossless=True, quality=0), encoded(image.convert("RGBA"))):
        found = compared(encoded(image), again)
        assert (found.same_bytes, found.same_pixels, found.warnings) == (False, True, ("same pixels as before",))
    image.putpixel((5, 5), (image.getpixel((5, 5))[0] ^ 1, *image.getpixel((5, 5))[1:]))
    found = compared(encoded(scene()), encoded(image))
    assert (found.same_pixels, found.box, found.warnings) == (False, None, ())


def test_what_is_seen_counts() -> None:
    """Colours that nobody sees below full transparency are no change; a picture is compared as it stands, not as it is stored."""
    unseen = [encoded(Image.new("RGBA", (600, 600), color)) for color in ((255, 0, 0, 0), (0, 0, 255, 0))]
    assert compared(*unseen).same_pixels
    image = scene(size=(640, 480))
    exif = Image.Exif()
    exif[0x112] = 6
    lying = encoded(image.rotate(90, expand=True), "PNG", exif=exif)
    assert compared(encoded(image), lying).same_pixels


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize(("kind", "quality"), [("JPEG", 95), ("JPEG", 85), ("JPEG", 75), ("WEBP", 80)])
def test_saving_a_picture_again_changes_nothing_to_speak_of(name: str, kind: str, quality: int) -> None:
    """What an encoder does to a photograph is below the tolerance for all but two pixels of a thousand, and nothing is boxed."""
    image = Picture.open(shared("pictures") / name).image.convert("RGB").resize((1024, 1024), Image.Resampling.LANCZOS)
    found = compared(encoded(image), encoded(image, kind, quality=quality), asked_to_keep=True)
    assert found.share is not None
    assert found.share < 0.002
    assert (found.box, found.warnings) == (None, ())
    assert "nothing to speak of" in str(found)


def test_a_picture_that_was_seen_before_is_compared_in_full_too() -> None:
    """Along a trail each picture is looked at twice; of the second time too each pixel counts, though only the small picture is kept."""
    image = scene()
    first, second = encoded(image), encoded(image, "TIFF")
    assert compared(encoded(other_scene()), first).share != 0.0
    assert compared(first, second).same_pixels
    image.putpixel((5, 5), (image.getpixel((5, 5))[0] ^ 1, *image.getpixel((5, 5))[1:]))
    assert not compared(second, encoded(image)).same_pixels


# What differs


@pytest.mark.parametrize("color", ["blue", "lime", "red"])
def test_each_channel_counts(color: str) -> None:
    """What changed in one channel alone changed."""
    black = Image.new("RGB", (100, 100))
    found = compared(encoded(black), encoded(with_box(black, (0, 0, 50, 50), color)))
    assert (found.share, found.box) == (0.25, (0, 0, 50, 50))


@pytest.mark.parametrize(("step", "share"), [(20, 0.0), (30, 0.25)])
def test_a_faint_change_is_one_above_the_tolerance(step: int, share: float) -> None:
    """A tenth of the range is seen and counts; what encoders do stays below it."""
    grey = Image.new("RGB", (100, 100), (100, 100, 100))
    found = compared(encoded(grey), encoded(with_box(grey, (0, 0, 50, 50), f"rgb(100, 100, {100 + step})")))
    assert found.share == share


@pytest.mark.parametrize(("box", "local"), [((0, 0, 100, 30), True), ((10, 10, 70, 80), True), ((0, 0, 100, 60), False)])
def test_what_lies_within_half_of_the_picture_is_local(box: tuple[int, int, int, int], local: bool) -> None:
    """A third of the picture is a part of it, and is said where; three fifths are all over, and nothing more is said of where."""
    black = Image.new("RGB", (100, 100))
    found = compared(encoded(black), encoded(with_box(black, box)))
    assert found.local == local
    assert (" pixels changed, within " in str(found), " pixels changed, all over;" in str(found)) == (local, not local)
    assert "within" not in str(found) or local


def test_pictures_are_laid_over_each_other_in_the_smaller_size() -> None:
    """A picture made smaller lost its grain: compared in its own size, it is the same one."""
    grain = Image.effect_noise((400, 300), 120).convert("RGB")
    small = grain.resize((200, 150))
    for pair in ((grain, small), (small, grain)):
        assert compared(*map(encoded, pair)).share == 0.0


def test_what_changed_is_measured_and_boxed() -> None:
    """A part that was painted over has its share, its box in the picture's own pixels to a cell's width, and is local."""
    image = scene()
    box = (192, 288, 400, 512)
    found = compared(encoded(image), encoded(with_box(image, box), "JPEG", quality=85))
    area = (box[2] - box[0]) * (box[3] - box[1]) / 1024**2
    assert found.share is not None
    assert found.box is not None
    assert abs(found.share - area) < 0.01
    assert max(abs(a - b) for a, b in zip(found.box, box, strict=True)) <= 16
    assert (found.local, found.same_size, found.warnings) == (True, True, ())
    assert found.mean is not None
    assert 2 < found.mean < 20


def test_the_box_is_in_the_pixels_of_the_picture_after() -> None:
    """A large picture is measured on a smaller one, and its box said in its own pixels; a tiny one is measured to the pixel."""
    image = scene(size=(2048, 1536))
    box = (1024, 512, 1536, 1024)
    found = compared(encoded(image.resize((1024, 768))), encoded(with_box(image, box, "lime")))
    assert found.box is not None
    assert max(abs(a - b) for a, b in zip(found.box, box, strict=True)) <= 64
    tiny = Image.new("RGB", (8, 6), "red")
    assert compared(encoded(tiny), encoded(with_box(tiny, (2, 1, 5, 3), "blue"))).box == (2, 1, 5, 3)


def test_another_size_or_ratio_is_said_unless_it_was_asked_for() -> None:
    """The sizes stand in the warning; pictures of two ratios are not laid over each other; services' own rounding is the same ratio."""
    image = scene()
    small, wide = (encoded(image.resize(size)) for size in ((864, 864), (1248, 832)))
    found = compared(encoded(image), small)
    assert found.warnings == ("another size than before (864×864, was 1024×1024)",)
    assert (found.same_ratio, found.same_size, found.share is not None) == (True, False, True)
    found = compared(encoded(image), wide)
    assert found.warnings == ("another ratio than before (1248×832, was 1024×1024)",)
    assert (found.same_ratio, found.share, found.mean, found.box, found.local) == (False, None, None, None, False)
    assert compared(encoded(image), small, config={"image_size": "1K"}).warnings == ()
    assert compared(encoded(image), wide, config={"aspect_ratio": "3:2"}).warnings == ()
    assert compared(encoded(image.resize((1200, 900))), encoded(image.resize((1184, 864)))).same_ratio
    assert not compared(encoded(image.resize((1200, 900))), encoded(image.resize((1200, 1000)))).same_ratio


def test_sizes_of_nothing_have_a_ratio_of_their_own() -> None:
    """A header may claim no pixels at all, and what is said at once divides by none of them."""
    data = bytearray(png("red", (60, 60)))
    data[16:24] = (0).to_bytes(4) + (50).to_bytes(4)
    assert len(cheap_warnings(Picture(png("red", (60, 60))), [Picture(bytes(data))])) <= 1


# What an edit may change


def test_nine_tenths_are_more_than_an_edit_of_a_part_changes() -> None:
    """Where the rest was to stay, 90 % of the pixels are warned of and 70 % are not."""
    black = Image.new("RGB", (100, 100))
    for high, warned in ((90, True), (70, False)):
        found = compared(encoded(black), encoded(with_box(black, (0, 0, 100, high))), asked_to_keep=True)
        assert bool(found.warnings) == warned


def test_another_background_behind_a_subject_is_no_reason_to_warn() -> None:
    """An edit that replaced all but a quarter of the picture may have kept what it was to keep."""
    mask = Image.new("L", (1024, 1024), 255)
    ImageDraw.Draw(mask).ellipse((222, 222, 802, 802), fill=0)
    image = scene()
    composed = Image.composite(other_scene(), image, mask)
    assert compared(encoded(image), encoded(composed), asked_to_keep=True).warnings == ()


# Pictures as they come


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "I;16", "LA"])
def test_pictures_of_every_mode_are_compared(mode: str) -> None:
    """Greys, palettes, inks, 16 bits and transparency are compared by what they look like, with an RGB picture too."""
    image = scene(size=(300, 200))
    if mode == "I;16":
        deep = image.convert("L").convert("I").point(lambda v: v * 257)
        one = encoded(deep.convert("I;16"))
        assert compared(one, encoded(image.convert("L"))).share == 0.0
    else:
        one = encoded(image.convert(mode), "TIFF" if mode == "CMYK" else "PNG")
    found = compared(one, encoded(image))
    assert found.share is not None
    assert found.box is None or found.share > 0.01


def test_bytes_that_are_no_picture_are_an_error_of_ours() -> None:
    """What cannot be decoded raises PictureError."""
    with pytest.raises(PictureError):
        compared(Picture(b"no picture"), Picture(png()))


ODD = ("broken.png", "truncated_jpeg.jpg", "zero_width.gif", "decompression_bomb.ico", "tRNS_null_1x1.png", "7x13.png")


@pytest.mark.parametrize("name", ODD)
def test_odd_files_raise_nothing_of_pillows(name: str) -> None:
    """Whatever lies in a folder is compared, or refused with an error of promptkit's."""
    data = (shared("pictures") / name).read_bytes()
    with suppress(PromptkitError):
        assert str(compared(Picture(data), Picture(png())))


# What is said at once


def test_cheap_warnings_decode_nothing() -> None:
    """Size and bytes are compared without the pixels: half a file is enough."""
    whole = encoded(scene())
    half = Picture(encoded(scene(size=(864, 864))).data[:4000])
    with pytest.raises(PictureError):
        _ = half.image
    assert cheap_warnings(whole, [half]) == ["another size than before (864×864, was 1024×1024)"]
    assert cheap_warnings(whole, [Picture(whole.data)]) == ["same bytes as before"]


def test_cheap_warnings_keep_silent_where_they_cannot_know() -> None:
    """Nothing is said of no picture, of one whose size cannot be read, and of what was asked for; of one that lies on its side it is."""
    tall, wide, square = (Picture(png("red", size)) for size in ((60, 90), (90, 60), (60, 60)))
    assert cheap_warnings(tall, []) == []
    assert cheap_warnings(tall, [Picture(b"\0" * 40)]) == []
    assert cheap_warnings(tall, [wide]) == ["another ratio than before (90×60, was 60×90)"]
    assert cheap_warnings(tall, [square], {"aspect_ratio": "1:1"}) == []
    assert cheap_warnings(tall, [square]) == ["another ratio than before (60×60, was 60×90)"]


# How it shows itself, and how long it takes


def test_changes_show_both_pictures_and_escape_nothing_away() -> None:
    """In a notebook the pictures stand side by side with what was measured; the text says the same."""
    found = compared(Picture(png("red", (64, 64))), Picture(png("blue", (64, 48))))
    bundle = found._repr_mimebundle_()
    assert bundle["text/html"].count("<img") == 2
    assert "before: 64×64" in bundle["text/html"]
    assert "another ratio than before (64×48, was 64×64)" in bundle["text/html"]
    assert str(found) in bundle["text/plain"]


def least(data: list[bytes], *works: Callable[[Picture, Picture], object]) -> list[float]:
    """Seconds of processor time, of all threads, that each of them takes at best of eight, one after the other in turns."""
    times: list[list[float]] = [[] for _ in works]
    for i in range(8):
        for j, work in enumerate(works):
            # other bytes each time, so that nothing is remembered from the last
            pictures = [Picture(d + bytes([i, j])) for d in data]
            start = time.process_time()
            work(*pictures)
            times[j].append(time.process_time() - start)
    return [min(t) for t in times]


def decoded(one: Picture, other: Picture) -> None:
    for picture in (one, other):
        Image.open(io.BytesIO(picture.data)).load()


def altered(image: Image.Image) -> Image.Image:
    return with_box(image, (200, 300, 400, 500))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_measuring_adds_little_to_decoding(kind: str) -> None:
    """Beside Pillow's own two decodings, measuring a picture of 1024 pixels takes some milliseconds of processor time."""
    image = scene()
    decoding, whole = least([encoded(i, kind).data for i in (image, altered(image))], decoded, compared)
    assert whole - decoding < 0.025


@pytest.mark.parametrize("after", [altered, Image.Image.copy])
def test_each_picture_is_decoded_once(after: Callable[[Image.Image], Image.Image]) -> None:
    """All that measuring takes is little more than Pillow's own two decodings, where the pixels turn out to be the same too.

    It is 1.15 times as much; one picture decoded a second time would make it 1.6.
    """
    image = scene()
    data = [encoded(image, compress_level=9).data, encoded(after(image)).data]
    decoding, whole = least(data, decoded, compared)
    assert whole < 1.4 * decoding
