"""What an edit changed, measured on real pictures and in every way in which two can differ.

Measuring; how changes are shown is tested in test_explanation.py, whether two pictures are one in tests/images.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from kit.loopback import png
from kit.places import shared
from kit.steps import failed, made
from PIL import Image, ImageDraw, ImageOps

from promptkit import Picture, PromptkitError, Session, Step, templates
from promptkit.errors import LineageError, PictureError
from promptkit.lineage.tree import Lineage
from promptkit.session.changes import MOST_KEPT, SQUASHES, changes, cheap_warnings, compared

# photographs that are no dithered thumbnails; what the constants in changes.py were chosen by
PHOTOGRAPHS = ("avif__exif.avif", "exif_typeerror.jpg", "flower.webp", "frozenpond.mpo", "hopper_bad_exif.jpg", "junk_jpeg_header.jpg")


@pytest.fixture
def lineage(tmp_path: Path) -> Lineage:
    return Lineage(tmp_path / "bear")


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> Picture:
    buffer = io.BytesIO()
    image.save(buffer, kind, **({"compress_level": 1, **options} if kind == "PNG" else options))
    return Picture(buffer.getvalue())


@cache
def _scene(size: tuple[int, int]) -> Image.Image:
    clouds = Image.effect_noise((size[0] // 8, size[1] // 8), 120).resize(size, Image.Resampling.BICUBIC)
    sky, sun = (i.resize(size) for i in (Image.linear_gradient("L"), Image.radial_gradient("L")))
    return Image.blend(Image.merge("RGB", (sun, sky, clouds)), Image.effect_noise(size, 40).convert("RGB"), 0.1)


def scene(size: tuple[int, int] = (1024, 1024)) -> Image.Image:
    """A picture with soft and hard parts, light and dark, and some grain."""
    return _scene(size).copy()


def other_scene(size: tuple[int, int] = (1024, 1024)) -> Image.Image:
    """Quite another one."""
    return ImageOps.invert(scene(size))


def with_box(image: Image.Image, box: tuple[int, int, int, int], color: str = "red") -> Image.Image:
    drawn = image.copy()
    ImageDraw.Draw(drawn).rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill=color)
    return drawn


def edited(lineage: Lineage, before: Picture, *after: Picture, text: str = "Add a hat", **more: Any) -> Step:
    """An edit of a step, as it stands in a session."""
    root = made(lineage, before)
    source = {"role": "base", "sha256": before.sha256, "mime_type": before.mime_type, "step": root.id}
    prompt = {"text": text, **more.pop("prompt", {})}
    record = made(lineage, *after, parents=[root.id], sources=[source], prompt=prompt, **more)
    return Step(None, lineage, record)  # type: ignore[arg-type]


# What is the same


def test_a_step_that_edits_nothing_has_no_changes(lineage: Lineage) -> None:
    """A root, a picture of one's own and an edit without a picture have nothing to compare."""
    root = made(lineage)
    source = {"role": "base", "sha256": root.outputs[0]["sha256"], "mime_type": "image/png", "step": root.id}
    for record in (root, failed(lineage, parents=[root.id], sources=[source])):
        assert changes(Step(None, lineage, record)) is None  # type: ignore[arg-type]


def test_the_same_bytes_are_said(lineage: Lineage) -> None:
    """A service that hands back the very file it was sent changed nothing, and the step says so."""
    found = changes(edited(lineage, Picture(png()), Picture(png())))
    assert found is not None
    assert (found.same_bytes, found.same_pixels, found.share, found.box) == (True, True, 0.0, None)
    assert found.warnings == ("same bytes as before",)


def test_the_same_pixels_in_other_bytes_are_said() -> None:
    """A picture that was only packed anew has the same pixels; one pixel that differs by one is another picture."""
    image = scene()
    for again in (encoded(image, "TIFF"), encoded(image, "WEBP", lossless=True, quality=0), encoded(image.convert("RGBA"))):
        found = compared(encoded(image), again)
        assert (found.same_bytes, found.same_pixels, found.warnings) == (False, True, ("same pixels as before",))
    image.putpixel((5, 5), (image.getpixel((5, 5))[0] ^ 1, *image.getpixel((5, 5))[1:]))
    found = compared(encoded(scene()), encoded(image))
    assert (found.same_pixels, found.box, found.warnings) == (False, None, ())


def test_what_is_seen_counts(tmp_path: Path) -> None:
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
    found = changes(edited(lineage, encoded(image), encoded(other), text=KEEPING[lang]))
    assert found is not None
    assert found.share is not None
    assert found.share > MOST_KEPT
    assert found.warnings == (f"{found.share * 100:.0f} % of the pixels changed though the edit asked to keep the rest",)
    slight = changes(edited(lineage, encoded(image), encoded(with_box(image, (0, 0, 200, 200))), text=KEEPING[lang]))
    assert slight is not None
    assert slight.warnings == ()


def test_nine_tenths_are_more_than_an_edit_of_a_part_changes() -> None:
    """Where the rest was to stay, 90 % of the pixels are warned of and 70 % are not."""
    black = Image.new("RGB", (100, 100))
    for high, warned in ((90, True), (70, False)):
        found = compared(encoded(black), encoded(with_box(black, (0, 0, 100, high))), asked_to_keep=True)
        assert bool(found.warnings) == warned


KEEP_THE_REST = "Make the hat red and keep everything else exactly the same"


def asked_to_keep(step: Step) -> bool:
    found = changes(step)
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
    found = changes(edited(lineage, *pictures, text=text, prompt=prompt))
    assert found is not None
    assert found.share is not None
    assert found.share > MOST_KEPT
    assert found.warnings == ()


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


def test_a_picture_that_is_gone_or_damaged_is_an_error_of_ours(lineage: Lineage) -> None:
    """A missing file, one that was changed, and bytes that are no picture raise LineageError and PictureError, and say which."""
    step = edited(lineage, encoded(scene(size=(64, 64))), Picture(png("blue")))
    path = step.parents[0].files[0]
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(LineageError, match=path.name):
        changes(step)
    path.unlink()
    with pytest.raises(LineageError, match=path.name):
        changes(step)
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
    """Nothing is said of no picture, of one whose size cannot be read, of one that may lie on its side, and of what was asked for."""
    tall, wide, square = (Picture(png("red", size)) for size in ((60, 90), (90, 60), (60, 60)))
    assert cheap_warnings(tall, []) == []
    assert cheap_warnings(tall, [Picture(b"\0" * 40)]) == []
    assert cheap_warnings(tall, [wide]) == []
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


@pytest.mark.slow
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
