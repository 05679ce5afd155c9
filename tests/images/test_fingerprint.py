"""Whether two pictures look alike: measured, in misses and in false hits, on drafts of the painter and on real pictures."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from functools import cache

import pytest
from kit.effort import effort
from kit.loopback import png
from kit.places import shared
from PIL import Image, ImageEnhance

from promptkit import Picture, PictureError, PromptkitError, Session
from promptkit.images.fingerprint import Fingerprint, Likeness, alike, fingerprint, nearest
from promptkit.images.picture import to_rgb

Change = Callable[[Image.Image], Image.Image]
SUBJECTS = (
    "a happy red panda in a bamboo forest",
    "a portrait of an old man with a blue coat",
    'an owl, a tree, a flower and the text "MOON"',
    "a green tree by the sea",
    "a fox sticker on a white background",
    "abstract shapes in orange and black",
)
EDITS = ("Put a small black cat beside it", 'Add the text "HELLO"')


def encoded(image: Image.Image, kind: str, quality: int = 75) -> Image.Image:
    """The image as it comes back from a file of that format."""
    buffer = io.BytesIO()
    image.save(buffer, kind, quality=quality)
    return Image.open(io.BytesIO(buffer.getvalue()))


def shrunk(image: Image.Image, pixels: int) -> Image.Image:
    small = image.copy()
    small.thumbnail((pixels, pixels))
    return small


def cropped(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    wide, high = image.size
    return image.crop((int(left * wide), int(top * high), int(wide * (1 - right)), int(high * (1 - bottom))))


CHANGES: dict[str, Change] = {
    "saved as JPEG 30": lambda i: encoded(i, "JPEG", 30),
    "saved as WebP 50": lambda i: encoded(i, "WEBP", 50),
    "64 colours": lambda i: i.quantize(64),
    "half as large": lambda i: i.resize((i.width // 2, i.height // 2)),
    "a thumbnail of 128": lambda i: shrunk(i, 128),
    "a thumbnail of 64 as JPEG": lambda i: encoded(shrunk(i, 64), "JPEG", 70),
    "in grey": lambda i: i.convert("L"),
    "a tenth lower": lambda i: i.resize((i.width, int(i.height * 0.9))),
    "darker by a fifth": lambda i: ImageEnhance.Brightness(i).enhance(0.8),
    "more contrast by a fifth": lambda i: ImageEnhance.Contrast(i).enhance(1.2),
    "4 % cropped all around": lambda i: cropped(i, 0.04, 0.04, 0.04, 0.04),
    "5 % cropped above": lambda i: cropped(i, 0, 0.05, 0, 0),
    "3 % cropped at a corner, as JPEG": lambda i: encoded(cropped(i, 0.03, 0.03, 0, 0), "JPEG", 60),
}


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> list[list[Image.Image]]:
    """Drafts of six subjects, each with an edit, and an edit of that."""
    session = Session(tmp_path_factory.mktemp("painted") / "drafts", endpoint="offline")
    roots = [session.generate(subject) for subject in SUBJECTS]
    found = []
    for step in roots:
        chain = [step, *itertools.accumulate(EDITS, lambda before, edit: before.edit(edit), initial=step)][1:]
        found.append([s.picture.image.convert("RGB").resize((512, 512)) for s in chain])
    return found


@cache
def photographs() -> list[Image.Image]:
    """The real pictures that can be decoded, are large enough to show anything, and are no copies of one another."""
    found: dict[bytes, Image.Image] = {}
    for path in sorted(shared("pictures").iterdir()):
        try:
            image = Picture.open(path).image
        except PromptkitError:
            continue
        if min(image.size) >= 64 and ("hopper" not in path.name or path.name == "hopper.png") and "avif" not in path.name:
            plain = image.convert("RGB")
            plain.info.clear()  # a palette's transparency, which fits no RGB
            plain.thumbnail((512, 512))
            found.setdefault(plain.resize((8, 8)).tobytes(), plain)
    return [image for image in found.values() if looks(image)]


def looks(image: Image.Image) -> Fingerprint | None:
    return fingerprint(Picture.open(image))


KEPT: dict[int, tuple[Image.Image, Fingerprint | None]] = {}


def kept_looks(image: Image.Image) -> Fingerprint | None:
    """The looks of an original, worked out once for all tests."""
    if id(image) not in KEPT:
        KEPT[id(image)] = image, looks(image)
    return KEPT[id(image)][1]


@pytest.mark.parametrize("change", CHANGES)
def test_a_copy_looks_like_its_original(chains: list[list[Image.Image]], change: str) -> None:
    """Saved anew, shrunk, converted, slightly cropped, darkened: no draft is missed, and a chain's own step is the nearest of its chain.

    Measured once on 222 drafts of 110 prompts: of these 13 changes none was missed, and the very step came first in 100 % of those
    without cropping (64 colours: 98 %) and 98 % of those with. Brightened by a tenth 0.5 % are missed, by a fifth 5 %: white stays white.
    """
    first = 0
    for chain in chains:
        kept = [kept_looks(image) for image in chain]
        for i, image in enumerate(chain):
            asked = looks(CHANGES[change](image))
            found = {j: how for j, look in enumerate(kept) if asked and look and (how := alike(asked, look))}
            assert i in found
            first += min(found, key=lambda j: found[j][1]) == i
    assert first >= sum(map(len, chains)) - (2 if "cropped" in change else 0)


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_a_copy_of_a_real_picture_looks_like_it(change: str) -> None:
    """Of 14 real pictures one at most is missed without cropping, and of those that are cropped two, all of them plain shapes.

    Measured once on 80 photographs, diagrams, logos and screenshots: missed are 0 or 1 % without cropping (plain shapes), 5 % when cropped
    by 4 or 5 %, 9 % when cropped at a corner by 3 %; brightened by a tenth 6 %, by a fifth 8 %.
    """
    pictures = photographs()
    assert len(pictures) >= 12
    missed = 0
    for image in pictures:
        asked, kept = looks(CHANGES[change](image)), kept_looks(image)
        missed += not (asked and kept and alike(asked, kept))
    assert missed <= (2 if "cropped" in change else 1)


ANEW = ("saved as JPEG 30", "saved as WebP 50", "half as large", "a thumbnail of 128", "a thumbnail of 64 as JPEG")
CROPPED = tuple(name for name in CHANGES if "cropped" in name)


@pytest.mark.parametrize("change", [*ANEW, *CROPPED])
def test_a_copy_is_the_same_picture(chains: list[list[Image.Image]], change: str) -> None:
    """Saved anew, made smaller or cropped a little, a draft is the same picture as its original, and as no other step of its chain.

    Measured once on 75 drafts of 15 prompts, nine of them stickers of one template's making, each with four edits: none was missed, and
    in 74 or 75 of 75 no other was called the same. Sketches differ by 0.0009 at most when saved anew or made smaller; those of an edit
    and its original by 0.0033 or more, but for one pair. Of 64 colours 7 were missed: they only look similar.
    """
    others = 0
    for chain in chains:
        kept = {i: look for i, image in enumerate(chain) if (look := kept_looks(image))}
        for i, image in enumerate(chain):
            asked = looks(CHANGES[change](image))
            assert asked
            found = nearest({j: how for j, look in kept.items() if (how := alike(asked, look))})
            same = [j for j, how in found.items() if how.same]
            assert i in same
            others += len(same) - 1
    assert others <= (1 if change in CROPPED else 0)


@pytest.mark.slow
@pytest.mark.parametrize("change", ANEW)
def test_a_copy_of_a_real_picture_is_the_same(change: str) -> None:
    """Of 14 real pictures two at most, plain shapes, are not known as the same when saved anew or made smaller."""
    pairs = [(looks(CHANGES[change](image)), kept_looks(image)) for image in photographs()]
    known = [how for asked, kept in pairs if asked and kept and (how := alike(asked, kept)) and how.same]
    assert len(known) >= len(pairs) - 2


@pytest.mark.parametrize("change", ANEW)
def test_a_copy_is_never_the_same_as_another_picture(chains: list[list[Image.Image]], change: str) -> None:
    """Where the original is not there, no picture of another subject and no edit of it is called the same: they look similar at most."""
    kept = {(i, j): look for i, chain in enumerate(chains) for j, image in enumerate(chain) if (look := kept_looks(image))}
    for i, j in kept:
        asked = looks(CHANGES[change](chains[i][j]))
        assert asked
        assert not [k for k, look in kept.items() if k != (i, j) and (how := alike(asked, look)) and how.same]


@pytest.mark.parametrize("pixels", [24, 50, 60, 100])
def test_a_small_copy_is_the_same_whatever_its_size(chains: list[list[Image.Image]], pixels: int) -> None:
    """A copy whose pixels cannot be shared out evenly among the parts of a sketch is the same picture too."""
    image = chains[0][0]
    asked, kept = looks(image.resize((pixels, pixels))), kept_looks(image)
    assert asked
    assert kept
    how = alike(asked, kept)
    assert how
    assert how.same


def test_of_cropped_copies_the_nearest_count() -> None:
    """What is farther than one and a half times the nearest is no longer the same; within what saving anew does, all are."""
    found = nearest({"best": Likeness(2, 0.01, True), "near": Likeness(0, 0.014, True), "far": Likeness(0, 0.016, True)})
    assert [name for name, how in found.items() if how.same] == ["best", "near"]
    found = nearest({"best": Likeness(0, 0.0001, True), "anew": Likeness(0, 0.003, True), "similar": Likeness(0, 0.0001, False)})
    assert [name for name, how in found.items() if how.same] == ["best", "anew"]


def test_other_pictures_do_not(chains: list[list[Image.Image]]) -> None:
    """Pictures of other subjects hardly ever look alike: at most 1 % of the pairs, and none of a draft and a photograph.

    Measured once: 62 of 48,502 pairs of drafts (0.13 %; most of them drafts of the same shape in the same place), and 10 of 6,320 pairs of
    real pictures (0.16 %; all of them variants of one another).
    """
    drafts = [(i, look) for i, chain in enumerate(chains) for image in chain if (look := kept_looks(image))]
    real = [(-i, look) for i, image in enumerate(photographs(), 1) if (look := kept_looks(image))]
    pairs = [(a, b) for a, b in itertools.permutations(drafts + real, 2) if a[0] != b[0]]
    false = [(a[0], b[0]) for a, b in pairs if alike(a[1], b[1])]
    assert len(false) <= 0.01 * len(pairs)
    assert not [f for f in false if min(f) < 0 <= max(f)]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I", "I;16", "F"])
def test_every_kind_of_pixels_has_looks(mode: str) -> None:
    """A picture looks the same in whatever way its pixels are stored: 16-bit greys, inks, palettes, with transparency on white."""
    gradient = Image.linear_gradient("L").resize((96, 64))
    gradient.paste(255, (10, 10, 40, 30))
    wide = gradient.convert("I").point(lambda v: v * 257 + 0)
    image = wide.convert("I;16") if mode == "I;16" else gradient.convert(mode)

    class Stored:
        pass

    stored = Stored()
    stored.image = image  # type: ignore[attr-defined]  # not every mode has a file format
    one, other = looks(gradient), fingerprint(stored)  # type: ignore[arg-type]
    assert one
    assert other
    assert alike(one, other)


def test_odd_files_have_looks_or_are_a_picture_error() -> None:
    """Of truncated files, bombs, animations, 16-bit and CMYK pictures each has looks, has none, or is a PictureError."""
    seen: dict[str, int] = {"looks": 0, "none": 0, "error": 0}
    for path in sorted(shared("pictures").iterdir()):
        try:
            seen["looks" if fingerprint(Picture(path.read_bytes())) else "none"] += 1
        except PictureError:
            seen["error"] += 1
    assert seen["looks"] > 20
    assert seen["error"] > 5


def test_what_is_under_transparency_does_not_count() -> None:
    """Two pictures that show the same on white look the same, whatever colours their transparent pixels hide."""
    shape = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    shape.paste((0, 0, 0, 255), (8, 8, 40, 50))
    other = Image.new("RGBA", (64, 64), (0, 0, 255, 0))
    other.paste((0, 0, 0, 255), (8, 8, 40, 50))
    flat = Image.new("RGB", (64, 64), "white")
    flat.paste("black", (8, 8, 40, 50))
    assert looks(shape) == looks(other) == looks(flat)


@pytest.mark.parametrize("colour", ["white", "#fdfdfd"])
def test_what_white_would_hide_is_seen_on_grey(colour: str) -> None:
    """White shapes on a transparent ground look like white shapes on grey."""
    lines = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    lines.paste(colour, (8, 8, 40, 50))
    grey = Image.new("RGB", (64, 64), "#808080")
    grey.paste(colour, (8, 8, 40, 50))
    assert looks(lines) == looks(grey)
    assert looks(lines)


def test_dark_greys_of_16_bits_look_as_they_are_shown() -> None:
    """A picture with 16 bits for each grey looks like the one that promptkit makes of it for eyes, however dark."""
    gradient = Image.linear_gradient("L").rotate(45).convert("I").point(lambda v: v * 16 + 0).convert("I;16")
    shown = to_rgb(gradient)
    assert looks(gradient) == looks(shown)


@pytest.mark.parametrize("colour", ["black", "white", "#808080", "red"])
def test_a_flat_colour_has_no_looks(colour: str) -> None:
    """What hardly varies has nothing to be recognized by, or every other such picture would look like it."""
    assert fingerprint(Picture(png(colour, (40, 40)))) is None
    assert fingerprint(Picture(png(colour, (1, 1)))) is None


def test_what_cannot_be_decoded_is_a_picture_error() -> None:
    """Nothing of Pillow escapes."""
    with pytest.raises(PictureError, match="give a PNG"):
        fingerprint(Picture(b"no picture"))
    with pytest.raises(PictureError, match="truncated"):
        fingerprint(Picture(png("red", (64, 64))[:-30]))


def test_a_fingerprint_packs_and_unpacks() -> None:
    """Packed, a fingerprint is always as many bytes, and comes back as it was; other bytes are none."""
    look = looks(Image.radial_gradient("L"))
    assert look
    assert len(look.packed()) == 2568
    assert Fingerprint.unpacked(look.packed()) == look
    assert Fingerprint.unpacked(look.packed()[:-1]) is None
    assert alike(look, look) == (0, 0.0, True)


def test_comparing_is_quick() -> None:
    """A fingerprint is compared with 5,000 others in less than 400 ms of processor time: a search is as long as its reading."""
    one, other = looks(Image.radial_gradient("L")), looks(Image.linear_gradient("L").rotate(90))
    assert one
    assert other
    assert effort(lambda: [alike(one, other) for _ in range(5000)]) < 0.4
