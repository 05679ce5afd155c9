"""The draft painter: what the words of a prompt become, and what a change does to the picture that it is given."""

import hashlib
import io
import random

import pytest
from PIL import Image, ImageChops, ImageStat
from PIL.PngImagePlugin import PngInfo

from promptkit.providers.offline import painter, scene

SIDE = (320, 320)


def draw(prompt: str, *pictures: bytes, size: tuple[int, int] | None = SIDE, seed: bytes = b"1") -> bytes:
    return painter.paint(prompt, pictures, None if pictures else size, hashlib.sha256(seed).digest())


def look(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
        image.load()
        return image


def distance(one: bytes, other: bytes) -> float:
    """The mean absolute difference of two pictures, over all channels, from 0 to 255."""
    return sum(ImageStat.Stat(ImageChops.difference(look(one), look(other))).mean) / 3


def share(data: bytes, colour: tuple[int, int, int]) -> float:
    """The part of a picture that has exactly this colour."""
    image = look(data)
    counts = {found: n for n, found in image.getcolors(image.width * image.height) or ()}
    return counts.get(colour, 0) / (image.width * image.height)


def corners(data: bytes) -> set[object]:
    image = look(data)
    return {image.getpixel((x, y)) for x in (0, image.width - 1) for y in (0, image.height - 1)}


@pytest.fixture(scope="module")
def fox() -> bytes:
    return draw("a sticker of a fox, white background")


WHITE_GROUNDS = [
    "A sticker of a bear. The background must be white.",
    "a logo on a plain white background",
    "Un oso, fondo blanco",
    "Un oso; el fondo debe ser blanco",
    "熊の絵、背景は白",
    "白い背景の猫",
    "一只熊，白色背景",
    "猫，背景为白色",
    "भालू, सफ़ेद पृष्ठभूमि",
    "भालू, पृष्ठभूमि सफ़ेद हो",
]


@pytest.mark.parametrize("prompt", WHITE_GROUNDS)
def test_a_white_background_is_white_up_to_the_corners(prompt: str) -> None:
    """Asked for in any of five languages, it is pure white, and the subject is not."""
    data = draw(prompt)
    assert corners(data) == {(255, 255, 255)}
    assert share(data, (255, 255, 255)) < 0.95


def test_without_asking_the_background_is_not_white() -> None:
    """White is a wish, not a default."""
    assert corners(draw("a bear")) != {(255, 255, 255)}


COLOURS = [
    ("a blue bear", (63, 127, 217)),
    ("un oso azul", (63, 127, 217)),
    ("青い熊", (63, 127, 217)),
    ("蓝色的熊", (63, 127, 217)),
    ("नीला भालू", (63, 127, 217)),
    ("a bear in a forest of purple", (142, 91, 208)),
    ("A red heart", (229, 72, 77)),
]


@pytest.mark.parametrize(("prompt", "colour"), COLOURS)
def test_the_prompts_colours_are_in_the_picture(prompt: str, colour: tuple[int, int, int]) -> None:
    """A colour word in any of five languages gives a visible part of the picture that colour."""
    assert share(draw(prompt), colour) > 0.005
    assert share(draw("a bear"), colour) < 0.005


@pytest.mark.parametrize("words", ["“OPEN”", '"OPEN"', "'OPEN'", "「OPEN」", "『OPEN』", "«OPEN»", "‘OPEN’"])
def test_quoted_lettering_is_drawn(words: str) -> None:
    """Lettering in any language's quotation marks changes the picture, and the letters decide how."""
    plain, lettered = draw("dots on blue"), draw(f"dots on blue {words}")
    assert distance(plain, lettered) > 1
    assert distance(lettered, draw("dots on blue " + words.replace("OPEN", "SHUT"))) > 0.3


@pytest.mark.parametrize("medium", ["watercolor", "gouache", "storybook illustration", "woodblock print"])
def test_what_a_picture_is_made_in_is_no_thing_in_it(medium: str) -> None:
    """The medium is named before its subject, and not drawn as a labelled shape beside it."""
    drawn = scene.first(f"A {medium} of a little fox", random.Random(1))
    assert ([item.figure for item in drawn.items], drawn.notes) == (["fox"], ())


def test_characters_that_no_font_has_are_spelled_and_not_boxed() -> None:
    """Different characters give different pictures, whatever fonts the machine has; boxes would not."""
    assert distance(draw("dots “你好”"), draw("dots “再见”")) > 0.1
    assert distance(draw("dots “nino”"), draw("dots “niño”")) > 0.005
    assert distance(draw("dots “\U0001faf1”"), draw("dots “\U0001faf2”")) > 0.01


CHANGES = [
    "Make it night",
    "Hazlo de noche",
    "夜にして",
    "改成晚上",
    "इसे रात बना दो",
    "Put a small white alpaca beside it, facing it",
    "添加一只黑猫",
    "Add a red hat",
    "टोपी जोड़ें",
    "Transform it into a ukiyo-e woodblock print",
    "in a watercolor style",
    "as a pencil sketch",
    "in pixel style",
    "Remove the hat",
    "去掉帽子",
    "Change the background to blue",
    "Make it happier",
    "write “Hello?”",
]


@pytest.mark.parametrize("prompt", CHANGES)
def test_a_change_can_be_seen_and_keeps_the_size(prompt: str, fox: bytes) -> None:
    """Whatever is asked for, the picture differs from what came in, at the same size."""
    after = draw(prompt, fox)
    assert look(after).size == SIDE
    assert distance(fox, after) > 1


def test_night_is_darker_and_bluer(fox: bytes) -> None:
    """Night takes light away, and less of the blue."""
    red, _, blue = ImageStat.Stat(look(draw("make it night", fox))).mean
    assert sum(ImageStat.Stat(look(fox)).mean) > 1.5 * (red + blue)
    assert blue > 1.3 * red


def test_an_added_creature_leaves_the_rest_alone(fox: bytes) -> None:
    """What is put beside it covers a small part; elsewhere no pixel moves."""
    moved = ImageChops.difference(look(fox), look(draw("put a small black cat beside it", fox))).convert("L").point([0] + [255] * 255)
    assert 0.02 < ImageStat.Stat(moved).mean[0] / 255 < 0.3


# Edits of the painter's own pictures


REMOVED = [
    ("Put a small white alpaca beside it", "Remove the alpaca"),
    ("Add a skateboard", "Take away the skateboard"),
    ("Agrega una patineta", "Quita la patineta"),
    ("添加一只羊驼", "去掉羊驼"),
    ("添加一个机器人", "删除机器人"),
    ("ロボットを追加して", "ロボットを消して"),
    ("एक रोबोट जोड़ें", "रोबोट हटाएँ"),
    ("Add a hat", "Remove the hat"),
    ("Make it night", "Make it day"),
    ("Füge einen Roboter hinzu", "Entferne den Roboter"),
    ("Add a mountain", "Remove the mountain"),
    ("write “Hello”", "remove the text"),
    ("write “Hello”", "remove the word “hello”"),
    ("Add a hat, a scarf and a robot", "Remove the hat and the scarf, and delete the robot"),
]


@pytest.mark.parametrize(("before", "after"), REMOVED)
def test_what_is_taken_away_leaves_no_trace(before: str, after: str, fox: bytes) -> None:
    """Added and removed again, in any of five languages: every pixel is as it was."""
    with_it = draw(before, fox)
    assert distance(fox, with_it) > 0.5
    assert ImageChops.difference(look(fox), look(draw(after, with_it))).getbbox() is None


@pytest.mark.parametrize(
    ("there", "back"),
    [
        ("Replace the text “SHUT” by “OPEN”", "Change “OPEN” to “SHUT”"),
        ("把文字换成“OPEN”", "把文字改成“SHUT”"),
        ("Cambia el texto por “OPEN”", "Cambia el texto a “SHUT”"),
        ("文字を「OPEN」に変えて", "文字を「SHUT」に変えて"),
        ("टेक्स्ट को “OPEN” में बदलें", "टेक्स्ट को “SHUT” में बदलें"),
        ("Change the text to OPEN", "Change the text to SHUT"),
    ],
)
def test_replaced_lettering_stands_where_the_old_one_stood(there: str, back: str) -> None:
    """Nothing of the old lettering is under the new: replaced forth and back, every pixel is as it was."""
    sign = draw("a fox “SHUT”")
    opened = draw(there, sign)
    assert distance(sign, opened) > 0.3
    assert ImageChops.difference(look(sign), look(draw(back, opened))).getbbox() is None


def test_several_edits_in_a_row_all_count(fox: bytes) -> None:
    """Each edit changes the scene that the others left; a change of style keeps the light, and light the style."""
    data = fox
    for prompt in ("Add a black cat", "Make it night", "in a watercolor style", "Remove the fox"):
        data, before = draw(prompt, data), data
        assert distance(data, before) > 1
    alone = draw("Remove the cat", data)
    assert ImageStat.Stat(look(alone)).mean[2] > 1.3 * ImageStat.Stat(look(alone)).mean[0]


def test_what_was_replaced_or_recoloured_is_gone(fox: bytes) -> None:
    """Another thing stands in the old one's place, in its own colour; a colour alone changes only the colour."""
    hat = draw("Add a red hat", fox)
    assert share(hat, (229, 72, 77)) > 0.005
    assert share(draw("Make the hat blue", hat), (229, 72, 77)) == 0
    bear = draw("Replace the fox with a purple bear", fox)
    assert share(bear, (142, 91, 208)) > 0.05
    assert share(bear, (234, 122, 60)) == 0


def test_who_goes_takes_along_what_they_wear() -> None:
    """A hat does not stay in the air, and one that nobody wears can be removed by itself."""
    nobody = draw("Remove the fox", draw("Add a hat", draw("a fox")))
    assert "hat" not in scene_of(nobody)
    assert "=hat" not in scene_of(draw("Remove the hat", draw("a hat and a star")))


def test_hills_stay_behind_and_take_nobodys_place(fox: bytes) -> None:
    """What lies behind is drawn first, whenever it was asked for, and a new ground takes it away."""
    late, early = draw("Add a mountain", draw("a fox on a white background")), draw("a mountain, a fox on a white background")
    assert {line.split()[0] for line in scene_of(late).split("\n")[1:]} == {"=fox", "=hills"}
    assert {line.split()[-3] for line in scene_of(early).split("\n")[1:]} == {"0"}
    assert "=hills" not in scene_of(draw("Make the background blue", late))


def test_an_edit_may_change_the_format(fox: bytes) -> None:
    """The scene is drawn again in the new ratio, not cropped."""
    wide = painter.paint("Make it night", [fox], (640, 320), hashlib.sha256(b"1").digest())
    assert look(wide).size == (640, 320)


def test_what_nothing_here_can_draw_is_said_on_the_picture(fox: bytes) -> None:
    """A wish that cannot be drawn changes the picture by its words alone, and other words look otherwise."""
    assert 0.5 < distance(draw("Make it happier", fox), draw("Make it look like a dream", fox)) < 10


# Pictures that are not the painter's own


@pytest.fixture(scope="module")
def foreign() -> bytes:
    image, out = Image.new("RGB", SIDE, (90, 160, 220)), io.BytesIO()
    image.paste((200, 90, 60), (110, 60, 210, 260))
    image.save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("prompt", CHANGES)
def test_a_change_of_another_picture_can_be_seen(prompt: str, foreign: bytes) -> None:
    """What cannot be done to pixels is said on the picture, at the same size."""
    after = draw(prompt, foreign)
    assert look(after).size == SIDE
    assert distance(foreign, after) > 1


def test_what_is_added_to_another_picture_stands_beside_its_middle(foreign: bytes) -> None:
    """What the picture shows is not covered by what was added."""
    after = look(draw("put a small black cat beside it", foreign))
    assert after.getpixel((160, 160)) == (200, 90, 60)


def test_removing_from_another_picture_leaves_no_ghost(foreign: bytes) -> None:
    """The middle is filled from what is around it, and nothing of it shines through."""
    after = look(draw("remove the box", foreign))
    assert after.getpixel((160, 160)) == (90, 160, 220)
    assert after.getpixel((0, 160)) == (90, 160, 220)


def with_text(data: bytes, text: str) -> bytes:
    """The picture with a text in the place of its scene."""
    info, out = PngInfo(), io.BytesIO()
    info.add_itxt(painter.SCENE, text)
    look(data).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def scene_of(data: bytes) -> str:
    with Image.open(io.BytesIO(data)) as image:
        return str(image.info[painter.SCENE])


def test_a_scene_counts_only_for_the_pixels_that_it_was_written_for(fox: bytes) -> None:
    """Drawn over in another program that kept the text, a picture is not drawn again from what it no longer shows."""
    image, out, info = look(fox), io.BytesIO(), PngInfo()
    image.paste((0, 0, 255), (0, 0, 60, 60))
    info.add_itxt(painter.SCENE, scene_of(fox))
    image.save(out, "PNG", pnginfo=info)
    assert look(draw("put a small black cat beside it", out.getvalue())).getpixel((10, 10)) == (0, 0, 255)


BROKEN = [
    ("#ffffff", "url(#"),
    ("#ffffff", "#fffff"),
    ("#ffffff", "#FFFFFG"),
    (" sticker", " sticker ../sticker"),
    (" sticker", " sticker" * 50),
    ("=fox", "=../fox"),
    ("=fox", "=fox red"),
    ("  0 ", "  9 "),
    ("  0 ", "  -1 "),
    ("  0 ", "  0 99"),
    (" fox", " " + "fox" * 5000),
    (" fox", " fox\n?fox"),
    ("\n=fox", "\n=fox  0 1 fox" * 50 + "\n=fox"),
    ("\n", "\n\n"),
]


@pytest.mark.parametrize(("old", "new"), BROKEN, ids=range(len(BROKEN)))
def test_a_scene_that_is_not_sound_is_passed_over(old: str, new: str, fox: bytes) -> None:
    """Wrong types, colours, figures and places, whatever a stranger wrote: the picture is changed as another's."""
    text = scene_of(fox)
    assert old in text
    plain = draw("make it night", with_text(fox, "no scene"))
    assert draw("make it night", with_text(fox, text.replace(old, new))) == plain
    assert draw("make it night", with_text(fox, text)) != plain


@pytest.mark.parametrize("text", ["", "[]", "1", "1 2", "[" * 9000, "1 " * 9000, "\n" * 9000, "\n=" * 9000])
def test_a_text_that_is_no_scene_is_passed_over(text: str, fox: bytes) -> None:
    """Something of another shape, or without end, is no scene."""
    assert look(draw("make it night", with_text(fox, text))).size == SIDE


# Drafts are honest


@pytest.mark.parametrize("prompt", ["a bear", "a red heart", "Make a logo of a cat", "写真：猫", "un gato", "एक बिल्ली"])
def test_nothing_is_drawn_that_nobody_asked_for(prompt: str) -> None:
    """Around what the prompt names, the picture has one colour, but for the words that say it is a draft."""
    image = look(draw(prompt))
    band = {image.getpixel((x, y)) for x in range(0, 320, 3) for y in (2, 10, 20)} | {
        image.getpixel((x, y)) for x in (3, 15, 305) for y in range(0, 290, 3)
    }
    assert len(band) == 1


UNKNOWN = [
    ("a bicycle", "a scooter"),
    ("una bicicleta", "una patineta"),
    ("自転車を描いて", "飛行機を描いて"),
    ("画一辆自行车", "画一架飞机"),
    ("एक साइकिल बनाएँ", "एक हवाई जहाज़ बनाएँ"),
]


@pytest.mark.parametrize(("one", "other"), UNKNOWN)
def test_what_cannot_be_drawn_is_a_card_with_its_word(one: str, other: str) -> None:
    """Two things without a figure look alike but for the word on them, in any of five languages."""
    assert 0.05 < distance(draw(one), draw(other)) < 6


def test_a_robot_is_no_bear_and_a_crown_no_hat() -> None:
    """No figure stands for another thing."""
    for word in ("robot", "dragon", "elephant", "horse", "crown"):
        assert 0.05 < distance(draw(f"a {word}"), draw("a bicycle")) < 6


def test_a_scene_says_only_what_the_picture_shows(fox: bytes) -> None:
    """What was removed, and the prompt's other words, are not in the file."""
    data = draw("Remove the skateboard that my friend Alice likes", draw("Add a skateboard", fox))
    assert "skateboard" not in scene_of(data)
    assert "sticker of" not in scene_of(fox)


def test_the_word_that_comes_first_decides_and_what_is_kept_does_not(fox: bytes) -> None:
    """A clause about keeping the style or the background is not taken for a wish to change it."""
    kept = "Keep the background and the style. Make it night"
    red, _, blue = ImageStat.Stat(look(draw(kept, fox))).mean
    assert blue > 1.3 * red


def test_the_choices_left_open_are_the_digests() -> None:
    """The same digest gives the same bytes, another one another picture."""
    assert draw("a fox") == draw("a fox")
    assert distance(draw("a fox"), draw("a fox", seed=b"2")) > 1


def plate(data: bytes) -> Image.Image:
    """The inside of the draft mark of a picture of 320 pixels."""
    image = look(data)
    return image.crop((image.width - 66, image.height - 20, image.width - 8, image.height - 7))


@pytest.mark.parametrize("prompt", ["a fox", "logo", "photo of a hill", "a man", "dots, white background", "“HELLO” at night"])
def test_every_picture_says_that_it_is_a_draft(prompt: str) -> None:
    """The same opaque plate with dark letters on light stands in the lower right corner of each, above all else."""
    mark = plate(draw(prompt))
    assert ImageChops.difference(mark, plate(draw("tree"))).getbbox() is None
    darkest, lightest = mark.convert("L").getextrema()
    assert darkest < 120
    assert lightest > 240


def test_the_mark_does_not_smear_over_many_changes(fox: bytes) -> None:
    """An edit of an edit covers the old plate exactly with the new one."""
    data = fox
    for prompt in ("in pixel style", "make it night", "make it happier"):
        data = draw(prompt, data)
    assert ImageChops.difference(plate(data), plate(fox)).getbbox() is None


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
def test_pictures_of_all_modes_are_taken(mode: str) -> None:
    """Grey, palettes, alpha, print colours: each is read, and see-through parts are white."""
    out = io.BytesIO()
    Image.new(mode, (40, 30)).save(out, "JPEG" if mode == "CMYK" else "PNG")
    assert look(draw("make it night", out.getvalue())).size == (40, 30)


def test_what_is_see_through_is_white() -> None:
    """A picture without a background comes out on white, not on black."""
    out = io.BytesIO()
    Image.new("RGBA", (40, 30), (0, 0, 0, 0)).save(out, "PNG")
    assert look(draw("in pixel style", out.getvalue())).getpixel((0, 0)) == (255, 255, 255)


def test_damaged_exif_is_passed_over_in_silence() -> None:
    """Pillow would warn of it, and a warning fails these tests."""
    out = io.BytesIO()
    Image.new("RGB", (40, 30)).save(out, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x05\0\x01")
    assert look(draw("make it night", out.getvalue())).size == (40, 30)


def test_a_picture_is_held_upright() -> None:
    """EXIF's orientation is applied, since a PNG without it would lie on its side."""
    image, out = Image.new("RGB", (40, 30)), io.BytesIO()
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(out, "JPEG", exif=exif)
    assert painter.size_of(out.getvalue()) == (30, 40)


@pytest.mark.parametrize("data", [b"", b"x" * 100, b"\x89PNG\r\n\x1a\n" + b"\0" * 50])
def test_what_is_no_picture_is_unreadable(data: bytes) -> None:
    """Nothing of Pillow's own errors gets out."""
    with pytest.raises(painter.Unreadable):
        draw("make it night", data)


def test_half_a_picture_is_unreadable(fox: bytes) -> None:
    """A picture that breaks off is refused, not guessed at."""
    with pytest.raises(painter.Unreadable):
        draw("make it night", fox[: len(fox) // 2])


def test_a_picture_is_of_reasonable_weight() -> None:
    """A megapixel of draft takes less than half a megabyte."""
    assert len(draw("a photo of a bear in the mountains", size=(1024, 1024))) < 500_000


ODD = ["", " ", "{", "“", "\ud800", "\0", "“\u202e”", "🦊" * 50, '{"a": {"b": ["c"]}}', "'" * 1000, "猫" * 5000, "a\n\n?" * 500]


@pytest.mark.parametrize("prompt", ODD, ids=range(len(ODD)))
def test_whatever_people_write_something_is_drawn(prompt: str, fox: bytes) -> None:
    """Empty, broken, endless: a new picture and a change come out."""
    assert look(draw(prompt, size=(64, 64))).size == (64, 64)
    assert look(draw(prompt, fox)).size == SIDE


TINY = [(1, 1), (3, 2), (8, 8), (1, 200), (300, 2)]


@pytest.mark.parametrize("size", TINY, ids=str)
@pytest.mark.parametrize("prompt", ["add a robot", "write “Hello?”", "make it happier", "remove the box", "in pixel style", "add a fox"])
def test_a_tiny_picture_is_changed_as_any_other(prompt: str, size: tuple[int, int]) -> None:
    """What has no room for a letter keeps its size, and nothing of Pillow's own errors gets out."""
    out = io.BytesIO()
    Image.new("RGB", size, "#c8b45a").save(out, "PNG")
    assert look(draw(prompt, out.getvalue())).size == size
