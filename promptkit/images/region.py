"""A region of a picture: what of it is to be edited, and which cut around it is sent.

The cut holds the region and a margin, has a ratio that the model knows, and at least `SHORT` pixels on its short side. Sizes are (width,
height) in pixels of the picture as people see it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import ceil, gcd
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptkit.errors import PictureError, shown
from promptkit.images.box import EXPECTED, Box, box_in_pixels, box_text, is_box_text
from promptkit.images.picture import Picture, is_picture, to_rgb
from promptkit.images.still import Still, png

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["RULE", "Cut", "Region", "cut_around", "cut_out", "is_too_small", "region_in", "scaled"]

Size = tuple[int, int]
EXPECTED_IN_SHELL = "expected WIDTHxHEIGHT+LEFT+TOP in pixels, such as 200x260+300+420, or all in %, or the file of a mask"
RULE = "m1"  # how the cut follows from the region: raised when anything below does so otherwise
MARGIN = 0.25  # of the region's longer side, on each side of it
LEAST_MARGIN = 16  # pixels, where the picture has them
SHORT = 512  # pixels of the short side of what is sent; a smaller cut is enlarged
LONG = 4096  # of the long side; no model takes more in, and a larger cut is made smaller
LEAST = 10  # pixels of a picture's short side: 8 and a margin
WHITE = 128  # of 255, from which a mask's pixel is edited


@dataclass(frozen=True)
class Region:
    """What of a picture of that size is to be edited: a box, or what a mask marks, with the box around that."""

    size: Size
    box: Box
    mask: Picture | None = None

    @cached_property
    def stencil(self) -> Image.Image:
        """A picture of that size (mode L): 255 where it is edited, else 0."""
        from PIL import Image

        if self.mask is not None:
            return _marked(self.mask)
        drawn = Image.new("L", self.size)
        drawn.paste(255, self.box)
        return drawn

    def __str__(self) -> str:
        return box_text(self.box) + (" by a mask" if self.mask else "")


@dataclass(frozen=True)
class Cut:
    """What is sent of a picture: the box, which reaches outside where none in that ratio fits in, the ratio, and the size as sent."""

    box: Box
    ratio: str
    sent: Size

    @property
    def size(self) -> Size:
        """In pixels of the picture."""
        left, top, right, bottom = self.box
        return right - left, bottom - top

    def inside(self, size: Size) -> Box:
        """The part of the box that a picture of that size has."""
        left, top, right, bottom = self.box
        return max(0, left), max(0, top), min(size[0], right), min(size[1], bottom)


# What is to be edited


def is_too_small(size: Size) -> bool:
    """Whether a picture of that size has no room for a region of 8 pixels and a margin."""
    return min(size) < LEAST


def region_in(given: Any, size: Size) -> Region:
    """The region that a caller gives, in a picture of that size: a box as `read_box` takes it, or a mask, which is a picture of the same
    size: white, or transparent where it has transparency, is edited. PictureError for what is neither, is empty, or reaches outside.
    """
    try:
        return _region_in(given, size)
    except PictureError as error:
        error.in_shell = str(error).replace(EXPECTED, EXPECTED_IN_SHELL)
        raise


def _region_in(given: Any, size: Size) -> Region:
    if isinstance(given, str) and is_box_text(given):
        return Region(size, box_in_pixels(given, size))
    if isinstance(given, str) and not _is_file(given):
        raise PictureError(f"The region {shown(given)} is no box, and no picture file to be a mask; {EXPECTED}.")
    if is_picture(given):
        return _of_mask(Picture.open(given), size)
    return Region(size, box_in_pixels(given, size))


def _is_file(name: str) -> bool:
    try:
        return Path(name).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):  # a name that no file can have, a home that is not known
        return False


def scaled(region: Region, size: Size) -> Region:
    """The same part of a picture of another size; a mask is made larger or smaller with it."""
    if region.mask is not None:
        mask = png(region.stencil.resize(size))
        return _of_mask(mask, size)
    shares = tuple(edge / side for edge, side in zip(region.box, region.size * 2, strict=True))
    return Region(size, box_in_pixels(shares, size))


def _of_mask(mask: Picture, size: Size) -> Region:
    if mask.seen_size != size:
        has = "×".join(map(str, mask.seen_size or ("unknown",)))
        raise PictureError(f"The mask has {has} pixels, and the picture {size[0]}×{size[1]}: a mask has the picture's size.")
    box = _marked(mask).getbbox()
    if box is None:
        said = "marks nothing: white is edited, or what is transparent where it has transparency"
        raise PictureError(f"The mask {mask.sha256[:10]} {said}.")
    return Region(size, box, mask)


def _marked(mask: Picture) -> Image.Image:
    """255 where a mask is white, or transparent where any of it is, else 0."""
    from PIL import ImageChops

    image = to_rgb(mask.image)
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    has_clear = alpha is not None and _minimum(alpha) < WHITE
    marks = ImageChops.invert(alpha) if alpha is not None and has_clear else image.convert("RGB").convert("L")
    return marks.point([255 * (value >= WHITE) for value in range(256)])


def _minimum(band: Image.Image) -> float:
    low: Any = band.getextrema()[0]
    return float(low)


# What is sent


def cut_around(region: Region, ratios: Iterable[str]) -> Cut:
    """The smallest cut around a region with its margin in one of these ratios; inside the picture where one fits in."""
    cuts = [_cut(region, ratio) for ratio in ratios]
    return min(cuts, key=lambda cut: (_outside(cut, region.size), cut.size[0] * cut.size[1]))


def _cut(region: Region, ratio: str) -> Cut:
    across, down = _lowest(*map(int, ratio.split(":")))
    times = _times(region, across, down)
    wide, high = times * across, times * down
    left, top = (_start(region, axis, length) for axis, length in enumerate((wide, high)))
    return Cut((left, top, left + wide, top + high), ratio, _sent(across, down, times))


def _lowest(across: int, down: int) -> tuple[int, int]:
    shared = gcd(across, down)
    return across // shared, down // shared


def _times(region: Region, across: int, down: int) -> int:
    """How many times the ratio's own pixels a cut has: enough for region and margin; for half the margin where only that fits in."""
    width, height = region.size
    wanted = _needed(region, across, down, 1.0)
    most = min(width // across, height // down)
    return most if wanted > most >= _needed(region, across, down, 0.5) else wanted


def _needed(region: Region, across: int, down: int, share: float) -> int:
    left, top, right, bottom = region.box
    margin = share * max(LEAST_MARGIN, ceil(MARGIN * max(right - left, bottom - top)))
    wide, high = (min(most, ceil(side + 2 * margin)) for most, side in zip(region.size, (right - left, bottom - top), strict=True))
    return max(ceil(wide / across), ceil(high / down))


def _start(region: Region, axis: int, length: int) -> int:
    """Where a cut of that length begins: around the region's middle, inside the picture where it is not longer than that."""
    spare = region.size[axis] - length
    middle = (region.box[axis] + region.box[axis + 2]) // 2
    return spare // 2 if spare < 0 else min(max(0, middle - length // 2), spare)


def _sent(across: int, down: int, times: int) -> Size:
    times = min(max(times, ceil(SHORT / min(across, down))), max(1, LONG // max(across, down)))
    return times * across, times * down


def _outside(cut: Cut, size: Size) -> int:
    """How many pixels of a cut a picture of that size has not."""
    left, top, right, bottom = cut.inside(size)
    return cut.size[0] * cut.size[1] - (right - left) * (bottom - top)


def cut_out(still: Still, cut: Cut) -> Picture:
    """The cut as it is sent, a PNG: on white where it is transparent, its edges drawn out where it reaches outside of the picture."""
    from PIL import Image

    seen = still.seen
    inside = cut.inside(seen.size)
    part = _drawn_out(seen.crop(inside), cut.size, (inside[0] - cut.box[0], inside[1] - cut.box[1]))
    is_rgb = still.image.mode.startswith("RGB")
    sent = part if part.size == cut.sent else part.resize(cut.sent, Image.Resampling.LANCZOS)
    return png(sent, profile=still.profile if is_rgb else None, chunks=still.colour if is_rgb else ())


def _drawn_out(part: Image.Image, size: Size, at: tuple[int, int]) -> Image.Image:
    """The part at its place on a sheet of that size, with its outermost pixels repeated up to the sheet's edges."""
    from PIL import Image

    if part.size == size:
        return part
    (left, top), (wide, high) = at, part.size
    rows = Image.new("RGB", (size[0], high))
    rows.paste(part.crop((0, 0, 1, high)).resize((size[0], high)), (0, 0))
    rows.paste(part.crop((wide - 1, 0, wide, high)).resize((size[0] - left, high)), (left, 0))
    rows.paste(part, (left, 0))
    sheet = rows.crop((0, 0, size[0], 1)).resize(size)
    sheet.paste(rows.crop((0, high - 1, size[0], high)).resize((size[0], size[1] - top)), (0, top))
    sheet.paste(rows, (0, top))
    return sheet
