"""Whether two pictures look alike, whatever their bytes: after saving again, shrinking, converting, slight cropping or brightening.

A fingerprint holds two things, each of the whole picture and of some crops of it. A perceptual hash of 64 bits, the signs of the lowest
frequencies, changes little while the picture's composition stays. A sketch of 8 × 8 colours tells apart the steps of one chain of edits,
whose composition is the same. The picture that is searched for is compared as a whole with the whole and the crops of each other one:
the hashes tell quickly which may look like it, the sketches then whether they are the same picture.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import mul
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from promptkit.errors import PictureError
from promptkit.images.picture import Picture, to_rgb

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Fingerprint", "Likeness", "agreement", "alike", "fingerprint", "nearest"]

# Measured in tests/images/test_fingerprint.py, where the rates of misses and of false hits stand.
# (bits of 64, difference of the sketches: 0 the same, 2 unrelated, 4 opposites): pictures that are within one of the pairs are alike. The
# second is for plain shapes: most of their coefficients are near nothing, and any change tips them over, while the colours stay where they
# were.
LIMITS = ((10, 0.4), (22, 0.02))

# Differences of the sketches up to which it is the same picture: one that was saved anew or made smaller, and one that was cropped. A small
# edit is hardly ever nearer than 0.0033, so a copy is not taken for the edit of its original; of cropped copies, which are farther, only
# those count that are about as near as the nearest.
SAME, CROPPED, AS_NEAR = 0.003, 0.02, 1.5

# Of 255, by which the colours of two parts may differ to be the same; of 255, what is taken together to find the ground; and how many parts
# besides the ground a picture must have to be told by them.
NEAR, STEP, LEAST_PARTS = 8, 16, 8

# Pixels wide and high that a picture is made first, a small one too: its few would fall into parts of uneven size.
WORKING = 256
SAMPLES = 16  # the hashes are made from so many rows and columns; twice as many take twice as long and find no more
SKETCH = 8  # rows and columns of colours
GROUNDS = ("white", "#808080")  # behind transparent pixels; the second is tried where the first shows nothing
FLAT = 0.008  # standard deviation as a share of the brightest point; a picture that varies less has nothing to be recognized by
FULL, HALF = 0.05, 0.025  # what is cut off, as a share of width or height
CROPS = (  # left, top, right, bottom; the first is the whole
    (0.0, 0.0, 0.0, 0.0),
    (HALF, HALF, HALF, HALF),
    (FULL, FULL, FULL, FULL),
    (FULL, 0.0, 0.0, 0.0),
    (0.0, FULL, 0.0, 0.0),
    (0.0, 0.0, FULL, 0.0),
    (0.0, 0.0, 0.0, FULL),
    (FULL, 0.0, FULL, 0.0),
    (0.0, FULL, 0.0, FULL),
)
# Those that have a sketch: colours are nearer to what a corner was cut off from than any of the crops above.
SKETCHED = (*CROPS, (HALF, HALF, 0.0, 0.0), (0.0, HALF, HALF, 0.0), (0.0, 0.0, HALF, HALF), (HALF, 0.0, 0.0, HALF))
COSINES = [[math.cos(math.pi * (2 * x + 1) * u / (2 * SAMPLES)) for x in range(SAMPLES)] for u in range(8)]
LUMA = (0.299, 0.587, 0.114)
Crop = tuple[float, float, float, float]
T = TypeVar("T")
BOX = 4  # PIL's Resampling.BOX, the mean of the pixels, without importing PIL


class Fingerprint(NamedTuple):
    """How a picture looks: the hashes and the sketches (8 × 8 RGB) of the whole and of its crops."""

    hashes: tuple[int, ...]
    sketches: tuple[bytes, ...]

    def packed(self) -> bytes:
        """The fingerprint as bytes, always of the same length."""
        return b"".join(h.to_bytes(8, "big") for h in self.hashes) + b"".join(self.sketches)

    @classmethod
    def unpacked(cls, data: bytes) -> Fingerprint | None:
        """The fingerprint that was packed; None where the bytes have another length than a packed one."""
        edge, sketch = 8 * len(CROPS), 3 * SKETCH * SKETCH
        if len(data) != edge + sketch * len(SKETCHED):
            return None
        hashes = (int.from_bytes(data[i : i + 8], "big") for i in range(0, edge, 8))
        return cls(tuple(hashes), tuple(data[i : i + sketch] for i in range(edge, len(data), sketch)))


class Likeness(NamedTuple):
    """How alike two pictures are: `bits` of 64 in which the hashes differ, the `difference` of the sketches (0 the same, 2 unrelated,
    4 opposites), and whether they are the `same` picture."""

    bits: int
    difference: float
    same: bool


def fingerprint(picture: Picture) -> Fingerprint | None:
    """A picture's fingerprint; None where the picture hardly varies. PictureError where Pillow cannot read it.

    Transparent pixels are put on white, and where that leaves nothing to be seen, as of white lines, on grey.
    """
    small = _reduced(picture)
    shown = next((s for s in (_on(small, ground) for ground in GROUNDS) if not _is_flat(s)), None)
    if shown is None:
        return None
    grey = shown.convert("L")
    return Fingerprint(tuple(_hash(grey, crop) for crop in CROPS), tuple(_sketch(shown, crop) for crop in SKETCHED))


def alike(asked: Fingerprint, other: Fingerprint) -> Likeness | None:
    """How alike the picture that is searched for (`asked`) and another one are; None where they do not look alike."""
    bits = min((asked.hashes[0] ^ h).bit_count() for h in other.hashes)
    if bits > max(most for most, _ in LIMITS):
        return None
    whole = _difference(asked.sketches[0], other.sketches[0])
    if not any(bits <= most and whole <= limit for most, limit in LIMITS):
        return None
    if whole <= SAME:
        return Likeness(bits, whole, same=True)
    cropped = min(_difference(asked.sketches[0], sketch) for sketch in other.sketches[1:])
    return Likeness(bits, min(whole, cropped), same=cropped < whole and cropped <= CROPPED)


def nearest(found: Mapping[T, Likeness]) -> dict[T, Likeness]:
    """The likenesses by name; of those that are the same picture only the ones about as near as the nearest stay so marked."""
    near = min((how.difference for how in found.values() if how.same), default=0.0)
    limit = max(SAME, AS_NEAR * near)
    return {name: how._replace(same=how.same and how.difference <= limit) for name, how in found.items()}


def agreement(asked: Fingerprint, other: Fingerprint) -> float:
    """The share of a picture in which it has the same colours as another one, from 0 to 1: much of one that was painted over in places.

    Compared are the 8 × 8 parts of the sketches; those that are ground in both, of the colour that most parts have, do not count.
    """
    one, two = _parts(asked.sketches[0]), _parts(other.sketches[0])
    told = [(p, q) for p, q in zip(one[0], two[0], strict=True) if not (_is_near(p, one[1]) and _is_near(q, two[1]))]
    return sum(_is_near(p, q) for p, q in told) / len(told) if len(told) >= LEAST_PARTS else 0.0


def _parts(sketch: bytes) -> tuple[list[bytes], bytes]:
    """The colours of a sketch's parts, and the one that most of them have."""
    parts = [sketch[i : i + 3] for i in range(0, len(sketch), 3)]
    most = Counter(tuple(value // STEP for value in part) for part in parts).most_common(1)[0][0]
    return parts, next(part for part in parts if tuple(value // STEP for value in part) == most)


def _is_near(one: bytes, other: bytes) -> bool:
    return all(abs(a - b) <= NEAR for a, b in zip(one, other, strict=True))


def _reduced(picture: Picture) -> Image.Image:
    """The picture at WORKING × WORKING pixels, as RGB or RGBA."""
    image = picture.image
    try:
        image = to_rgb(image)
        return image.resize((WORKING, WORKING), BOX)
    except Exception as error:  # Pillow's conversions raise whatever their kind of pixels raises
        raise PictureError(f"The looks of picture {picture.sha256[:10]} cannot be compared: {error}.") from None


def _on(image: Image.Image, ground: str) -> Image.Image:
    """The picture as RGB, its transparent pixels on a background of one colour."""
    flat = image.convert("RGB")
    if image.mode == "RGBA":
        flat.paste(ground, (0, 0, *flat.size))
        flat.paste(image, mask=image.getchannel("A"))
    return flat


def _is_flat(image: Image.Image) -> bool:
    greys = image.convert("L").resize((SAMPLES, SAMPLES), BOX).tobytes()
    mean = sum(greys) / len(greys)
    deviation = math.sqrt(sum((g - mean) ** 2 for g in greys) / len(greys))
    return deviation <= FLAT * max(greys)


def _box(image: Image.Image, crop: Crop) -> tuple[float, float, float, float]:
    left, top, right, bottom = crop
    return (left * image.width, top * image.height, image.width * (1 - right), image.height * (1 - bottom))


def _sketch(image: Image.Image, crop: Crop) -> bytes:
    return image.resize((SKETCH, SKETCH), BOX, box=_box(image, crop)).tobytes()


def _hash(grey: Image.Image, crop: Crop) -> int:
    """One bit for each of the 64 lowest frequencies: whether there is more of it than of most."""
    greys = grey.resize((SAMPLES, SAMPLES), BOX, box=_box(grey, crop)).tobytes()
    rows = (greys[i : i + SAMPLES] for i in range(0, len(greys), SAMPLES))
    columns = list(zip(*([sum(map(mul, cosines, row)) for cosines in COSINES] for row in rows), strict=True))
    coefficients = [sum(map(mul, cosines, column)) for cosines in COSINES for column in columns]
    middle = sorted(coefficients[1:])[31]  # the first is the mean, larger than all
    return sum((coefficient > middle) << i for i, coefficient in enumerate(coefficients))


def _difference(one: bytes, other: bytes) -> float:
    """Of the colours, or of the greys where those are nearer: a copy in grey is a copy. Brightness and contrast do not count."""
    return min(_apart(a, b) for a, b in zip(_normalized(one), _normalized(other), strict=True))


def _apart(one: Sequence[float], other: Sequence[float]) -> float:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) / len(one)


@lru_cache(maxsize=1024)
def _normalized(sketch: bytes) -> tuple[list[float], list[float]]:
    """The colours and the greys of a sketch, each channel with mean 0, together with deviation 1."""
    channels = [sketch[i::3] for i in range(3)]
    greys = [sum(map(mul, LUMA, pixel)) for pixel in zip(*channels, strict=True)]
    return _standard(channels), _standard([greys])


def _standard(channels: Sequence[Sequence[float]]) -> list[float]:
    centred = [value - sum(channel) / len(channel) for channel in channels for value in channel]
    deviation = math.sqrt(sum(value * value for value in centred) / len(centred)) or 1.0
    return [value / deviation for value in centred]
