"""Whether two pictures look alike, whatever their bytes: after saving anew, shrinking, converting, slight cropping or brightening.

A fingerprint is two small things of the whole picture and of some crops of it each. A 64-bit hash of the signs of the lowest
frequencies: it is hardly moved by what keeps the picture's composition. And a sketch of 8 × 8 colours, which tells the steps of one
chain of edits apart, where the composition stays. A picture that was asked for is compared by its whole with all of the other:
the hashes say quickly what may look like it, the sketches then whether it is the same picture.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import mul
from typing import Any, NamedTuple, TypeVar

from promptkit.errors import PictureError
from promptkit.images.picture import Picture, as_seen

__all__ = ["Fingerprint", "Likeness", "alike", "fingerprint", "nearest"]

# Measured in tests/test_likeness.py, where the rates of misses and of false hits stand.
# (bits of 64, difference of the sketches: 0 the same, 2 unrelated, 4 opposites): pictures that are within one of the pairs are alike. The
# second is for plain shapes: most of their coefficients are near nothing, and any change tips them over, while the colours stay where they
# were.
LIMITS = ((10, 0.4), (22, 0.02))

# Differences of the sketches up to which it is the same picture: one that was saved anew or made smaller, and one that was cropped. A small
# edit is hardly ever nearer than 0.0033, so a copy is not taken for the edit of its original; of cropped copies, which are farther, only
# those count that are about as near as the nearest.
SAME, CROPPED, AS_NEAR = 0.003, 0.02, 1.5

# Pixels wide and high that a picture is made first, a small one too: its few would fall into parts of uneven size.
WORKING = 256
SAMPLES = 16  # the hashes are made from so many rows and columns; twice as many take twice as long and find no more
SKETCH = 8  # rows and columns of colours
GROUNDS = ("white", "#808080")  # that what is transparent shows, one after the other
FLAT = 0.008  # of its brightest point; a picture that varies less has nothing to be recognized by
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
BOX = 4  # PIL's Resampling.BOX, the mean of the pixels: PIL itself has other importers


class Fingerprint(NamedTuple):
    """What is kept of a picture's looks: the hashes and the sketches, 8 × 8 RGB, of the whole and of its crops."""

    hashes: tuple[int, ...]
    sketches: tuple[bytes, ...]

    def packed(self) -> bytes:
        """The fingerprint as bytes, always as many."""
        return b"".join(h.to_bytes(8, "big") for h in self.hashes) + b"".join(self.sketches)

    @classmethod
    def unpacked(cls, data: bytes) -> Fingerprint | None:
        """The fingerprint that was packed; None where the bytes are none."""
        edge, sketch = 8 * len(CROPS), 3 * SKETCH * SKETCH
        if len(data) != edge + sketch * len(SKETCHED):
            return None
        hashes = (int.from_bytes(data[i : i + 8], "big") for i in range(0, edge, 8))
        return cls(tuple(hashes), tuple(data[i : i + sketch] for i in range(edge, len(data), sketch)))


class Likeness(NamedTuple):
    """How alike two pictures are: how many bits of the hashes differ, by how much the sketches, and whether it is the same picture."""

    bits: int
    difference: float
    same: bool


def fingerprint(picture: Picture) -> Fingerprint | None:
    """The looks of a picture; None where it hardly varies. PictureError where Pillow cannot read it.

    What is transparent shows white, and where that leaves nothing to be seen, as of white lines, a grey.
    """
    small = _reduced(picture)
    shown = next((s for s in (_on(small, ground) for ground in GROUNDS) if not _is_flat(s)), None)
    if shown is None:
        return None
    grey = shown.convert("L")
    return Fingerprint(tuple(_hash(grey, crop) for crop in CROPS), tuple(_sketch(shown, crop) for crop in SKETCHED))


def alike(asked: Fingerprint, kept: Fingerprint) -> Likeness | None:
    """How alike the picture that was asked for and a kept one are; None where they do not look alike."""
    bits = min((asked.hashes[0] ^ h).bit_count() for h in kept.hashes)
    if bits > max(most for most, _ in LIMITS):
        return None
    whole = _difference(asked.sketches[0], kept.sketches[0])
    if not any(bits <= most and whole <= limit for most, limit in LIMITS):
        return None
    if whole <= SAME:
        return Likeness(bits, whole, same=True)
    cropped = min(_difference(asked.sketches[0], sketch) for sketch in kept.sketches[1:])
    return Likeness(bits, min(whole, cropped), same=cropped < whole and cropped <= CROPPED)


def nearest(found: Mapping[T, Likeness]) -> dict[T, Likeness]:
    """The same, where of those that are the same picture only the ones about as near as the nearest still are."""
    near = min((how.difference for how in found.values() if how.same), default=0.0)
    limit = max(SAME, AS_NEAR * near)
    return {name: how._replace(same=how.same and how.difference <= limit) for name, how in found.items()}


def _reduced(picture: Picture) -> Any:
    """The picture as it looks, small enough for the rest to be quick, and as large whatever it was."""
    image = picture.image
    try:
        image = as_seen(image)
        return image.resize((WORKING, WORKING), BOX)
    except Exception as error:  # Pillow's conversions raise whatever their kind of pixels raises
        raise PictureError(f"The looks of picture {picture.sha256[:10]} cannot be compared: {error}.") from None


def _on(image: Any, ground: str) -> Any:
    """The picture without its transparency, on a ground of one colour."""
    flat = image.convert("RGB")
    if image.mode == "RGBA":
        flat.paste(ground, (0, 0, *flat.size))
        flat.paste(image, mask=image.getchannel("A"))
    return flat


def _is_flat(image: Any) -> bool:
    greys = image.convert("L").resize((SAMPLES, SAMPLES), BOX).tobytes()
    mean = sum(greys) / len(greys)
    deviation = math.sqrt(sum((g - mean) ** 2 for g in greys) / len(greys))
    return bool(deviation <= FLAT * max(greys))


def _box(image: Any, crop: Crop) -> tuple[float, float, float, float]:
    left, top, right, bottom = crop
    return (left * image.width, top * image.height, image.width * (1 - right), image.height * (1 - bottom))


def _sketch(image: Any, crop: Crop) -> bytes:
    sketch: bytes = image.resize((SKETCH, SKETCH), BOX, box=_box(image, crop)).tobytes()
    return sketch


def _hash(grey: Any, crop: Crop) -> int:
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
