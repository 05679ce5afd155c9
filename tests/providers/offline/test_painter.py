"""The draft painter: what the words of a prompt become, and what a change does to the picture that it is given."""

import hashlib
import io

import pytest
from PIL import Image, ImageChops, ImageStat

from promptkit.providers.offline import painter

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


def test_a_colour_belongs_to_the_creature_beside_it() -> None:
    """In "a white alpaca on blue", the alpaca is white; a red panda is not red."""
    assert painter.Plan("a small white alpaca, facing a blue wall", b"").coat == (255, 255, 255)
    assert painter.Plan("happy red panda", b"").named == []


@pytest.mark.parametrize("words", ["“OPEN”", '"OPEN"', "'OPEN'", "「OPEN」", "『OPEN』", "«OPEN»", "‘OPEN’"])
def test_quoted_lettering_is_drawn(words: str) -> None:
    """Lettering in any language's quotation marks changes the picture, and the letters decide how."""
    plain, lettered = draw("dots on blue"), draw(f"dots on blue {words}")
    assert distance(plain, lettered) > 1
    assert distance(lettered, draw("dots on blue " + words.replace("OPEN", "SHUT"))) > 0.3


@pytest.mark.parametrize("words", ["don't stop, it's fine", "the bears' hats and cats' bowls", 'name="x"', '{"subject": 1}', '"{subject}"'])
def test_what_only_looks_like_lettering_is_not_drawn(words: str) -> None:
    """Apostrophes, attributes, keys and placeholders are no lettering."""
    assert painter.Plan(words, b"").lettering == ""


def test_characters_that_the_font_lacks_are_brushed_and_not_boxed() -> None:
    """Two different characters outside the font differ from each other; boxes would not."""
    assert distance(draw("dots “你好”"), draw("dots “再见”")) > 0.1
    assert distance(draw("dots “nino”"), draw("dots “niño”")) > 0.005


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
    assert distance(fox, after) > 1.5


def test_night_is_darker_and_bluer(fox: bytes) -> None:
    """Night takes light away, and less of the blue."""
    red, _, blue = ImageStat.Stat(look(draw("make it night", fox))).mean
    assert sum(ImageStat.Stat(look(fox)).mean) > 1.5 * (red + blue)
    assert blue > 1.3 * red


def test_an_added_creature_leaves_the_rest_alone(fox: bytes) -> None:
    """What is put beside it covers a small part; elsewhere no pixel moves."""
    moved = ImageChops.difference(look(fox), look(draw("put a small black cat beside it", fox))).convert("L").point([0] + [255] * 255)
    assert 0.02 < ImageStat.Stat(moved).mean[0] / 255 < 0.3


def test_removing_blurs_the_middle_and_leaves_the_rest_alone(fox: bytes) -> None:
    """What stood in the middle goes soft; the corners stay as they were."""
    after = draw("remove the fox", fox)
    assert corners(after) == corners(fox)
    assert distance(fox, after) > 10


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


@pytest.mark.parametrize(
    ("table", "text", "found"),
    [
        ("cat", "a CAT and cats", ["cat", "cats"]),
        ("cat", "catalogue, bobcat, cat-like", ["cat"]),
        ("cafe", "un Café", ["cafe"]),
        ("take_away", "take away, takeaway", ["take away"]),
        ("猫 熊猫", "小熊猫と猫", ["熊猫", "猫"]),
        ("रात", "रात, बारात, रातों", ["रात"]),
        ("सफ़ेद", "सफ\u093cेद", [painter.fold("सफ़ेद")]),
    ],
)
def test_words_are_whole_where_spaces_part_them(table: str, text: str, found: list[str]) -> None:
    """Whole words and plurals in Latin and Devanagari, whatever case or accents; any part of a text in Han and kana."""
    assert painter.Words(table).within(text) == found


ODD = ["", " ", "{", "“", "\ud800", "\0", "“\u202e”", "🦊" * 50, '{"a": {"b": ["c"]}}', "'" * 1000, "猫" * 5000, "a\n\n?" * 500]


@pytest.mark.parametrize("prompt", ODD, ids=range(len(ODD)))
def test_whatever_people_write_something_is_drawn(prompt: str, fox: bytes) -> None:
    """Empty, broken, endless: a new picture and a change come out."""
    assert look(draw(prompt, size=(64, 64))).size == (64, 64)
    assert look(draw(prompt, fox)).size == SIDE
