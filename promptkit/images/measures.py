"""How far a picture has moved from another one: what of it was edited, and how colour, sharpness and noise are where it was not.

Both are brought to SIDE pixels on the longer side, and compared in cells of CELL pixels. A cell counts as edited where its colour moved
otherwise than most cells' did, or where it got much detail: a tint, blur or grain that lies over all of a picture edits none of it. What
is left shows what a chain of edits does to that which nobody asked to change.
"""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from promptkit.errors import PictureError
from promptkit.images.box import Box
from promptkit.images.changes import MOST_CHANGED, SIDE, changed_pixels, same_ratio
from promptkit.images.picture import Picture, to_rgb

if TYPE_CHECKING:
    from PIL import Image

    from promptkit.images.region import Region

__all__ = ["LEAST_KEPT", "Decay", "Edit", "Edited", "Sample", "decay", "edit", "sampled"]

Size = tuple[int, int]
CELL = 8  # pixels at SIDE
MOVED = 10  # of 255, in the mean of a cell's channel, beyond what most cells moved by
FEW = 0.15  # of the cells
GAINED = 14  # of 255, in a cell's mean detail, beyond what most cells gained
TIMES = 4  # details are kept so many times as large: the means of eight bits would round them away
DETAILED = 0.9  # of 255: a cell of more detail can lose some
LEAST_DETAILED = 0.01  # of the cells: a picture that has fewer is as sharp as it was, whatever is done to it
LEAST_KEPT = 0.1  # of the cells: where fewer are left unedited, all of the picture is compared
MUCH = 0.5  # noise, of 255
LEFT_OUT = 0.1  # of the cells
MORE = [min(255, TIMES * value) for value in range(256)]
DETAIL = [min(255, TIMES * abs(value - 128)) for value in range(256)]
MOST_BYTES = SIDE  # of one bit for each cell
SPECK = 0.02  # of a cell's pixels: fewer that changed do not join two parts that changed


@dataclass(frozen=True)
class Sample:
    """A picture made ready for measuring: its size in pixels as people see it, itself at SIDE pixels, its cells' colours, its fine detail
    (128 is none), and how much of that each cell has.
    """

    size: Size
    small: Image.Image
    cells: Image.Image
    fine: Image.Image
    detail: Image.Image


@dataclass(frozen=True)
class Edited:
    """The cells of a picture that were edited, in `size` columns and rows; one bit for each, row by row, in `bits`."""

    size: Size
    bits: bytes

    @classmethod
    def of(cls, image: Image.Image) -> Edited:
        """Those that are not black."""
        return cls(image.size, image.convert("1").tobytes())

    @property
    def image(self) -> Image.Image:
        """255 where a cell was edited, else 0 (mode L)."""
        from PIL import Image

        return Image.frombytes("1", self.size, self.bits).convert("L")

    def joined(self, other: Edited) -> Edited:
        """Those that were edited in either; the other's alone where they do not have as many cells."""
        if self.size != other.size:
            return other
        both = int.from_bytes(self.bits) | int.from_bytes(other.bits)
        return Edited(self.size, both.to_bytes(len(self.bits)))

    def to_json(self) -> list[Any]:
        """As JSON has it."""
        return [*self.size, base64.b64encode(zlib.compress(self.bits)).decode()]

    @classmethod
    def from_json(cls, said: Any) -> Edited:
        """What `to_json` made. ValueError, TypeError for anything else."""
        wide, high, bits = said
        try:
            data = zlib.decompressobj().decompress(base64.b64decode(bits, validate=True), MOST_BYTES)
        except zlib.error as error:
            raise ValueError(f"no bits of cells: {error}") from None
        if len(data) != -(-wide // 8) * high:
            raise ValueError(f"{len(data)} bytes are no bits of {wide}×{high} cells")
        return cls((wide, high), data)


@dataclass(frozen=True)
class Edit:
    """One picture measured against the one that it was made from.

    `share` (0 to 1) is the part of the pixels that changed by more than what saving a picture again changes. `outside` is the same of the
    pixels outside of what was asked for: outside of the region, or of the largest part in one piece that changed; where that is most of
    the picture, all that changed counts. `box` is around that part, in pixels of the picture after; None where nothing changed. `kept` is
    the part of the cells that were not edited, `edited` are the others.
    """

    share: float
    outside: float
    box: Box | None
    kept: float
    edited: Edited


@dataclass(frozen=True)
class Decay:
    """How a picture is where it was not edited, measured against an earlier one.

    `share` (0 to 1) of all pixels changed. `colour` is the mean difference of its parts' colours, `noise` what its fine detail holds beside
    that of the earlier one, root mean square, both of 255; `sharpness` how much of that detail is left (1: all; above: sharpened). `pixels`
    is the ratio of the numbers of pixels, `kept` the part of the picture that this holds for.
    """

    share: float
    colour: float
    sharpness: float
    noise: float
    pixels: float
    kept: float


def sampled(picture: Picture) -> Sample:
    """The picture made ready, decoded once. PictureError where it cannot be decoded, LineageError where a recorded one is missing."""
    image = picture.image
    try:
        image = to_rgb(image)
        return _sample(image.size, _on_white(_at_side(image)))
    except Exception as error:  # Pillow's conversions raise whatever their kind of pixels raises
        raise PictureError(f"The picture {picture.sha256[:10]} cannot be measured: {error}.") from None


def _sample(size: Size, small: Image.Image) -> Sample:
    from PIL import ImageChops, ImageFilter

    greys = small.convert("L")
    fine = ImageChops.subtract(greys, greys.filter(ImageFilter.BoxBlur(1)), 1, 128)
    detail = fine.point(DETAIL).reduce(CELL)
    return Sample(size, small, small.reduce(CELL), fine, detail)


def _at_side(image: Image.Image) -> Image.Image:
    from PIL import Image

    longest = max(image.size)
    if longest == SIDE:
        return image
    if longest % SIDE == 0 and all(side % (longest // SIDE) == 0 for side in image.size):
        return image.reduce(longest // SIDE)
    wide, high = (max(1, round(side * SIDE / longest)) for side in image.size)
    return image.resize((wide, high), Image.Resampling.BOX if longest > SIDE else Image.Resampling.BICUBIC)


def _on_white(image: Image.Image) -> Image.Image:
    from PIL import Image

    if image.mode == "RGB":
        return image
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def _laid_over(before: Sample, after: Sample) -> Sample | None:
    """The later one at the earlier one's size; None where their ratios differ."""
    if before.small.size == after.small.size:
        return after
    return _sample(after.size, after.small.resize(before.small.size)) if same_ratio(before.size, after.size) else None


# An edit


def edit(before: Sample, after: Sample, region: Region | None = None) -> Edit | None:
    """What one edit changed; `region` is what of the earlier picture it was asked for. None where the ratios differ."""
    laid = _laid_over(before, after)
    if laid is None:
        return None
    changed = changed_pixels(_difference(before.small, laid.small))
    reached = None if region is None else _reached(region.stencil, changed.size)
    cells = _edited(before, laid, reached)
    share, asked = _share(changed), changed.reduce(CELL).point(_above(SPECK * 255))
    part = _largest_part(asked)
    outside = _share(changed, _but(reached)) if reached is not None else _outside_part(changed, part, share)
    return Edit(share, outside, _box(part, after.size), 1 - _share(cells), Edited.of(cells))


def _edited(before: Sample, after: Sample, region: Image.Image | None) -> Image.Image:
    """255 in the cells that were edited, and around these, else 0; with a region only in it, whatever else changed."""
    from PIL import ImageChops, ImageFilter

    if region is not None:
        return region.reduce(CELL).point(_above(0)).filter(ImageFilter.MaxFilter(3))
    found = _apart(_signed(before.detail, after.detail), TIMES * GAINED, upwards=True)
    for moved in _signed(before.cells, after.cells).split():
        found = ImageChops.lighter(found, _apart(moved, MOVED))
    return found.filter(ImageFilter.MaxFilter(3))


def _apart(moved: Image.Image, most: int, *, upwards: bool = False) -> Image.Image:
    """255 where a difference (128 is none) is farther from that of most cells than so much, else 0."""
    middle = _middle(moved)
    below, above = 0 if upwards else max(0, middle - most), min(256, middle + most + 1)
    return moved.point([255] * below + [0] * (above - below) + [255] * (256 - above))


def _middle(moved: Image.Image) -> int:
    """By how much most cells moved (128 is none): most of those that moved little, where they are not few. An edit may repaint most."""
    counts = moved.histogram()
    little = [count if abs(value - 128) <= MOVED else 0 for value, count in enumerate(counts)]
    of = little if sum(little) >= FEW * sum(counts) else counts
    return next(value for value, seen in enumerate(accumulate(of)) if 2 * seen >= sum(of))


def _reached(stencil: Image.Image, size: Size) -> Image.Image:
    """A region at SIDE pixels, with all pixels that hold some of it, and those beside them, which an enlarged picture's mean reaches."""
    from PIL import ImageFilter

    marked = stencil.resize(size).point(_above(0))
    return marked.filter(ImageFilter.MaxFilter(5))


def _but(mask: Image.Image) -> Image.Image:
    from PIL import ImageChops

    return ImageChops.invert(mask)


def _outside_part(changed: Image.Image, part: Image.Image, share: float) -> float:
    if _share(part) > MOST_CHANGED:
        return share
    return _share(changed, _but(_over(part, changed.size)))


def _largest_part(cells: Image.Image) -> Image.Image:
    """The largest of the parts that are not black, each in one piece, with the cells around it."""
    from PIL import Image, ImageFilter

    parts = list(_parts({i for i, value in enumerate(cells.tobytes()) if value}, *cells.size))
    drawn = bytearray(cells.width * cells.height)
    for i in max(parts, key=len, default=()):
        drawn[i] = 255
    return Image.frombytes("L", cells.size, bytes(drawn)).filter(ImageFilter.MaxFilter(3))


def _parts(left: set[int], wide: int, high: int) -> Iterator[list[int]]:
    """The cells in groups that touch, across corners too; a cell's number counts along rows."""
    while left:
        part = [left.pop()]
        for cell in part:
            near = left.intersection(_around(cell, wide, high))
            left -= near
            part += near
        yield part


def _around(cell: int, wide: int, high: int) -> list[int]:
    y, x = divmod(cell, wide)
    rows, columns = range(max(0, y - 1), min(high, y + 2)), range(max(0, x - 1), min(wide, x + 2))
    return [row * wide + column for row in rows for column in columns]


def _box(part: Image.Image, size: Size) -> Box | None:
    if (box := part.getbbox()) is None:
        return None
    each = CELL * max(size) / SIDE
    left, top, right, bottom = (round(side * each) for side in box)
    return left, top, min(size[0], right), min(size[1], bottom)


# What is left


def decay(before: Sample, after: Sample, edited: Edited | None, share: float | None = None) -> Decay | None:
    """How a picture differs from an earlier one but for the cells that were edited since. None where the ratios differ. `share` is that of
    the pixels that changed, where it was measured already.

    Where less than LEAST_KEPT of it was left, or the cells are of another size, all of it is compared.
    """
    laid = _laid_over(before, after)
    if laid is None:
        return None
    kept, part = _kept(before, edited)
    sharpness, noise = _detail(before, laid, kept)
    return Decay(
        share=_share(changed_pixels(_difference(before.small, laid.small))) if share is None else share,
        colour=_colour(before, laid, kept),
        sharpness=sharpness,
        noise=noise,
        pixels=math.prod(after.size) / math.prod(before.size),
        kept=part,
    )


def _kept(before: Sample, edited: Edited | None) -> tuple[Image.Image, float]:
    """255 in the cells that are compared, and how large a part they are."""
    from PIL import Image

    if edited is not None and edited.size == before.cells.size:
        kept = _but(edited.image)
        if (share := _share(kept)) >= LEAST_KEPT:
            return kept, share
    return Image.new("L", before.cells.size, 255), 1.0 if edited is None else 0.0


def _colour(before: Sample, after: Sample, kept: Image.Image) -> float:
    bands = [band.histogram(kept) for band in _difference(before.cells, after.cells).split()]
    return sum(v * count for counts in bands for v, count in enumerate(counts)) / sum(map(sum, bands))


def _detail(before: Sample, after: Sample, kept: Image.Image) -> tuple[float, float]:
    """How much of the fine detail is left, and what is there beside it. Where that is much, the cells that differ most are left out: one
    small thing that was drawn anew does not lie over all of a picture.
    """
    from PIL import ImageChops

    detailed = ImageChops.darker(kept, before.detail.point(_above(TIMES * DETAILED)))
    has_detail = _share(detailed) > LEAST_DETAILED
    cells = detailed if has_detail else kept
    slope, noise = _fitted(before, after, cells, has_detail)
    if noise <= MUCH:
        return slope, noise
    return _fitted(before, after, _but_the_most(_difference(before.fine, after.fine), cells), has_detail)


def _fitted(before: Sample, after: Sample, cells: Image.Image, has_detail: bool) -> tuple[float, float]:
    """The slope of a line through all pixels' detail before and after, and how far these are from it, root mean square."""
    pixels = _over(cells, before.fine.size)
    count, old = _squares(before.fine, pixels)
    new, between = (_squares(fine, pixels)[1] for fine in (after.fine, _signed(before.fine, after.fine)))
    both = (old + new - between) / 2
    slope = both / old if has_detail else 1.0
    return slope, math.sqrt(max(0.0, new - slope * both) / count)


def _but_the_most(difference: Image.Image, cells: Image.Image) -> Image.Image:
    """The cells but for the part of them that differs most."""
    from PIL import ImageChops

    means = difference.point(MORE).reduce(CELL)
    counts = means.histogram(cells)
    most = next(value for value, seen in enumerate(accumulate(counts)) if seen >= (1 - LEFT_OUT) * sum(counts))
    return ImageChops.subtract(cells, means.point(_above(most)))


def _squares(fine: Image.Image, pixels: Image.Image) -> tuple[int, float]:
    """How many pixels there are, and the sum of the squares of their differences from 128."""
    counts = fine.histogram(pixels)
    return sum(counts), float(sum((v - 128) ** 2 * count for v, count in enumerate(counts)))


# Pixels


@lru_cache(maxsize=8)
def _above(limit: float) -> tuple[int, ...]:
    """255 for values above a limit, else 0, for `Image.point`."""
    return tuple(255 * (value > limit) for value in range(256))


def _difference(before: Image.Image, after: Image.Image) -> Image.Image:
    from PIL import ImageChops

    return ImageChops.difference(before, after)


def _signed(before: Image.Image, after: Image.Image) -> Image.Image:
    """What was added, 128 for nothing."""
    from PIL import ImageChops

    return ImageChops.subtract(after, before, 1, 128)


def _over(cells: Image.Image, size: Size) -> Image.Image:
    """The cells as a mask of that many pixels."""
    from PIL import Image

    wide, high = cells.size
    return cells.resize((wide * CELL, high * CELL), Image.Resampling.NEAREST).crop((0, 0, *size))


def _share(mask: Image.Image, within: Image.Image | None = None) -> float:
    """The part of a mask, or of what of it lies within another one, that is not black; 0 where nothing lies within."""
    counts = mask.histogram(within)
    return 1 - counts[0] / sum(counts) if sum(counts) else 0.0
