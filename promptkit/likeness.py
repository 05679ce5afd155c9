"""Whether two pictures look alike, whatever their bytes: after saving anew, shrinking, converting, slight cropping or brightening.

A fingerprint is two small things. Nine 64-bit hashes, of the whole picture and of eight crops of it, each of the signs of the lowest
frequencies: they are hardly moved by what keeps the picture's composition. And a sketch of 8 × 8 colours, which tells the steps of one
chain of edits apart, where the composition stays. A picture that was asked for is compared by its whole with all nine of the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from operator import mul
from typing import Any, NamedTuple

from promptkit.errors import PictureError
from promptkit.picture import Picture, as_seen

__all__ = ["Fingerprint", "alike", "fingerprint"]

# Measured in tests/test_likeness.py, where the rates of misses and of false hits stand.
# (bits of 64, difference of the sketches: 0 the same, 2 unrelated, 4 opposites): pictures that are within one of the pairs are alike. The
# second is for plain shapes: most of their coefficients are near nothing, and any change tips them over, while the colours stay where they
# were.
LIMITS = ((10, 0.4), (22, 0.02))

WORKING = 256  # pixels wide and high at most, to which a picture is reduced first
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
COSINES = [[math.cos(math.pi * (2 * x + 1) * u / (2 * SAMPLES)) for x in range(SAMPLES)] for u in range(8)]
LUMA = (0.299, 0.587, 0.114)
BOX = 4  # PIL's Resampling.BOX, the mean of the pixels: PIL itself has other importers


class Fingerprint(NamedTuple):
    """What is kept of a picture's looks: the hashes of the whole and of its crops, and the sketch, 8 × 8 RGB."""

    hashes: tuple[int, ...]
    sketch: bytes

    def packed(self) -> bytes:
        """The fingerprint as bytes, always as many."""
        return b"".join(h.to_bytes(8, "big") for h in self.hashes) + self.sketch

    @classmethod
    def unpacked(cls, data: bytes) -> Fingerprint | None:
        """The fingerprint that was packed; None where the bytes are none."""
        edge = 8 * len(CROPS)
        if len(data) != edge + 3 * SKETCH * SKETCH:
            return None
        return cls(tuple(int.from_bytes(data[i : i + 8], "big") for i in range(0, edge, 8)), data[edge:])


def fingerprint(picture: Picture) -> Fingerprint | None:
    """The looks of a picture; None where it hardly varies. PictureError where Pillow cannot read it.

    What is transparent shows white, and where that leaves nothing to be seen, as of white lines, a grey.
    """
    small = _reduced(picture)
    shown = next((s for s in (_on(small, ground) for ground in GROUNDS) if not _is_flat(s)), None)
    if shown is None:
        return None
    grey = shown.convert("L")
    return Fingerprint(tuple(_hash(grey, crop) for crop in CROPS), shown.resize((SKETCH, SKETCH), BOX).tobytes())


def alike(asked: Fingerprint, kept: Fingerprint) -> tuple[int, float] | None:
    """How many bits of the hashes differ, and by how much the sketches; None where the two do not look alike."""
    bits = min((asked.hashes[0] ^ h).bit_count() for h in kept.hashes)
    if bits > max(most for most, _ in LIMITS):
        return None
    difference = _difference(asked.sketch, kept.sketch)
    return (bits, difference) if any(bits <= most and difference <= limit for most, limit in LIMITS) else None


def _reduced(picture: Picture) -> Any:
    """The picture as it looks, small enough for the rest to be quick."""
    image = picture.image
    try:
        image = as_seen(image)
        return image.resize((min(WORKING, image.width), min(WORKING, image.height)), BOX)
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


def _hash(grey: Any, crop: tuple[float, float, float, float]) -> int:
    """One bit for each of the 64 lowest frequencies: whether there is more of it than of most."""
    left, top, right, bottom = crop
    box = (left * grey.width, top * grey.height, grey.width * (1 - right), grey.height * (1 - bottom))
    greys = grey.resize((SAMPLES, SAMPLES), BOX, box=box).tobytes()
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
