"""The answer to a cut, fitted back into its picture: how it lies there is measured on the margin, then it is laid in.

Outside of the region every pixel stays what it is. What is measured are plain numbers; with them the same answer is laid in again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from promptkit.images.picture import Picture, to_rgb
from promptkit.images.region import Cut, Region
from promptkit.images.still import Still, on_white

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Fit", "laid_in", "measured"]

Size = tuple[int, int]
SOFT = 16  # pixels of the widest soft edge
SOFT_SHARE = 12  # of the region's shorter side, one part in so many is its soft edge
LEFT = 0.5  # of the region, at least so much keeps its weight beside a soft edge
NEAR = 24  # pixels around the region on which colour and seam are measured
OFF_RATIO = 0.05  # services round: 1184×864 is their 4:3
SAME_RATIO = 0.002  # up to which it does not matter how an answer is brought to the ratio
COARSE, FINE = 128, 512  # pixels of the longer side at which the answer's place is looked for
REACH = 3  # pixels of the coarse size, to each side
BETTER = 0.9  # of the difference where it lies, what another place must have at most
LEAST_GAIN = 0.5  # of 255, what it must be better by: on a plain ground every place is as good
MOST_OFFSET = 40  # of 255; colours that are farther off are another scene's, and are left as they came
# Measured on 60 regions of 10 photographs of 326 to 1024 pixels, answers saved as JPEG 80: of those that show the same scene (as it was,
# tinted, brighter, softer, moved by half a hundredth) 4 of 300 left more than this, of those that show another one (mirrored, drawn nearer,
# moved by a twelfth, at night, another photograph) 80 to 100 % of each kind.
MOST_SEAM = 16.0  # of 255, the mean difference around the region
MOST_ENLARGED = 1.6  # times that an answer may be enlarged before it is seen to be soft
MOST_CHROMA = 12  # of 255, between the channels of what counts as grey
SEEN = 10  # of 255, from which a difference to a transparent ground counts as painted


class Fit(NamedTuple):
    """How an answer lies in its cut, in pixels of the picture.

    `method`: "stretch" (the whole answer), "crop" (its middle, in the cut's ratio) or "contain" (the answer shows the cut's middle, in its
    own ratio). `shift` to the right and down; `offset` is added to
    red, green and blue; `soft` is the width of the soft edge inside the region; `seam` the mean difference, of 255, that is left around
    the region, None where there is nothing around it.
    """

    method: str
    shift: tuple[int, int]
    offset: tuple[int, int, int]
    soft: int
    seam: float | None

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Fit:
        """The fit as `to_fields` gave it."""
        dx, dy = fields["shift"]
        red, green, blue = fields["offset"]
        return cls(str(fields["method"]), (dx, dy), (red, green, blue), fields["soft"], fields["seam"])

    def to_fields(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {**self._asdict(), "shift": list(self.shift), "offset": list(self.offset)}


@dataclass(frozen=True)
class _Place:
    """What a cut shows of a picture: its part of the pixels, as they are and as RGB, and its part of the stencil."""

    still: Still
    region: Region
    cut: Cut

    @property
    def box(self) -> tuple[int, int, int, int]:
        return self.cut.inside(self.region.size)

    def of(self, image: Image.Image) -> Image.Image:
        """The part of an image of the picture's size."""
        return image.crop(self.box)

    def of_answer(self, image: Image.Image) -> Image.Image:
        """The part of an image of the cut's size that the picture has."""
        left, top, right, bottom = self.box
        x, y = self.cut.box[:2]
        return image.crop((left - x, top - y, right - x, bottom - y))


# Measuring


def measured(still: Still, region: Region, cut: Cut, answer: Picture) -> tuple[Fit, list[str]]:
    """How the answer to the cut fits best, and what a person should know of it, a phrase each. PictureError where it cannot be decoded."""
    place, image = _Place(still, region, cut), to_rgb(answer.image)
    stencil = place.of(region.stencil)
    base, flat = place.of(still.seen), on_white(image)
    band = _around(stencil, max(stencil.size))
    method = _method(place, flat, base, band)
    came = place.of_answer(_brought(flat, cut.size, method))
    shift = _shift(came, base, band)
    shifted, near = _shifted(came, shift), _around(stencil, NEAR)
    offset = _offset(shifted, base, near)
    seam = _difference(_coloured(shifted, offset), base, near) if near.getbbox() else None
    fit = Fit(method, shift, offset, _soft(stencil, region), None if seam is None else round(seam, 2))
    return fit, [*_warnings(place, image.size, fit), *_of_grey(still, came, stencil)]


def _method(place: _Place, answer: Image.Image, base: Image.Image, band: Image.Image) -> str:
    """Which way to the cut's ratio leaves the smaller difference around the region."""
    across, down = place.cut.size
    if abs(answer.width * down / (answer.height * across) - 1) <= SAME_RATIO:
        return "stretch"
    small = _reduced_to(FINE, base.size)
    differences = {
        method: _difference(place.of_answer(_brought(answer, place.cut.size, method)).resize(small), base.resize(small), band.resize(small))
        for method in ("stretch", "crop", "contain")
    }
    return min(differences, key=lambda method: differences[method])


def _brought(image: Image.Image, size: Size, method: str) -> Image.Image:
    """The answer in the cut's size."""
    from PIL import Image

    if method == "crop":
        scale = min(image.width / size[0], image.height / size[1])
        left, top = (max(0.0, (most - side * scale) / 2) for most, side in zip(image.size, size, strict=True))
        return image.resize(size, Image.Resampling.LANCZOS, box=(left, top, image.width - left, image.height - top))
    whole = image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)
    return _contained(image, whole) if method == "contain" else whole


def _contained(image: Image.Image, sheet: Image.Image) -> Image.Image:
    """The answer in the middle of a sheet of the cut's size, as large as fits in."""
    from PIL import Image

    scale = min(sheet.width / image.width, sheet.height / image.height)
    wide, high = round(image.width * scale), round(image.height * scale)
    sheet = sheet.copy()
    sheet.paste(image.resize((wide, high), Image.Resampling.LANCZOS), ((sheet.width - wide) // 2, (sheet.height - high) // 2))
    return sheet


def _around(stencil: Image.Image, reach: int) -> Image.Image:
    """255 within about so many pixels of the region and outside of it, else 0."""
    from PIL import ImageChops, ImageFilter

    outside = ImageChops.invert(stencil)
    if reach >= max(stencil.size):
        return outside
    spread = stencil.filter(ImageFilter.BoxBlur(reach)).point([255 * (value > 0) for value in range(256)])
    return ImageChops.darker(spread, outside)


def _difference(one: Image.Image, other: Image.Image, where: Image.Image) -> float:
    """The mean difference of two images there, of 255, whatever the difference of their colours in all; 0 where there is no such place."""
    from PIL import ImageChops, ImageStat

    if where.getbbox() is None:
        return 0.0
    return sum(ImageStat.Stat(ImageChops.difference(one, other), where).mean) / 3


def _reduced_to(side: int, size: Size) -> Size:
    scale = min(1.0, side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _shift(answer: Image.Image, base: Image.Image, band: Image.Image) -> tuple[int, int]:
    """By how much the answer is to be moved so that it lies on the base around the region; nothing unless that is clearly better."""
    best = (0, 0)
    for side, reach in ((COARSE, REACH), (FINE, 1)):
        small = _reduced_to(side, base.size)
        scale = base.width / small[0]
        images = (answer.resize(small), base.resize(small), band.resize(small))
        best = _nearest(*images, (round(best[0] / scale), round(best[1] / scale)), reach, scale)
    return best


def _nearest(
    answer: Image.Image, base: Image.Image, band: Image.Image, start: tuple[int, int], reach: int, scale: float
) -> tuple[int, int]:
    tint = _offset(answer, base, band)
    moved = _coloured(answer, tint)
    places = [(start[0] + x, start[1] + y) for x in range(-reach, reach + 1) for y in range(-reach, reach + 1)]
    found = {at: _difference(_shifted(moved, at), base, band) for at in places}
    unmoved = _difference(moved, base, band)
    best = min(found, key=lambda at: (found[at], abs(at[0]) + abs(at[1])))
    is_better = found[best] < min(BETTER * unmoved, unmoved - LEAST_GAIN)
    return (round(best[0] * scale), round(best[1] * scale)) if is_better else (0, 0)


def _shifted(image: Image.Image, by: tuple[int, int]) -> Image.Image:
    """The image moved; what nothing is moved to keeps what it shows."""
    if by == (0, 0):
        return image
    moved = image.copy()
    moved.paste(image, by)
    return moved


def _offset(answer: Image.Image, base: Image.Image, near: Image.Image) -> tuple[int, int, int]:
    """What to add to the answer's channels so that its colours are the base's around the region."""
    from PIL import ImageChops

    if near.getbbox() is None:
        return 0, 0, 0
    counts = ImageChops.subtract(base, answer, offset=128).histogram(near.convert("1"))
    red, green, blue = (_median(counts[i : i + 256]) - 128 for i in (0, 256, 512))
    return (0, 0, 0) if max(map(abs, (red, green, blue))) > MOST_OFFSET else (red, green, blue)


def _median(counts: Sequence[int]) -> int:
    half, seen = sum(counts) / 2, 0
    for value, count in enumerate(counts):
        seen += count
        if seen >= half:
            return value
    return 128


def _coloured(image: Image.Image, offset: Sequence[int]) -> Image.Image:
    """RGB or RGBA with the offset added to its colours."""
    tables = [min(255, max(0, value + by)) for by in offset for value in range(256)]
    return image.point(tables + (list(range(256)) if image.mode == "RGBA" else [])) if any(offset) else image


def _soft(stencil: Image.Image, region: Region) -> int:
    """The width of the soft edge: at most so wide that half of the region keeps its weight."""
    left, top, right, bottom = region.box
    wanted = min(SOFT, max(1, min(right - left, bottom - top) // SOFT_SHARE))
    whole = sum(stencil.histogram()[1:])
    widths = (w for w in (wanted, wanted // 2, wanted // 4, 1) if w and _weight(_softened(stencil, w)) >= LEFT * whole)
    return next(widths, 0)


def _weight(image: Image.Image) -> float:
    return sum(value * count for value, count in enumerate(image.histogram())) / 255


def _softened(stencil: Image.Image, width: int) -> Image.Image:
    """The stencil as weights that rise from its edge inwards, over so many pixels; nothing outside of it."""
    from PIL import ImageChops, ImageFilter

    if not width:
        return stencil
    spread = stencil.filter(ImageFilter.BoxBlur(width))
    return ImageChops.darker(spread.point([max(0, 2 * value - 255) for value in range(256)]), stencil)


def _warnings(place: _Place, came: Size, fit: Fit) -> Iterator[str]:
    across, down = place.cut.size
    has = f"the answer has {came[0]}×{came[1]} pixels"
    if abs(came[0] * down / (came[1] * across) - 1) > OFF_RATIO:
        yield f"{has}, another ratio than the detail that was sent ({place.cut.ratio})"
    enlarged = min(across / came[0], down / came[1])
    if enlarged > MOST_ENLARGED:
        yield f"{has} for a detail of {across}×{down}, so the region looks softer than what is around it"
    if fit.seam is not None and fit.seam > MOST_SEAM:
        yield f"the answer does not join what is around the region: it differs there by {fit.seam:.0f} of 255, and a seam may be seen"


def _of_grey(still: Still, answer: Image.Image, stencil: Image.Image) -> Iterator[str]:
    if not still.image.mode.startswith("RGB") and _chroma(answer, stencil) > MOST_CHROMA:
        kind = "16-bit grey" if still.image.mode == "I;16" else "grey by its profile"
        yield f"the picture is {kind}, and the answer's colours became greys"


def _chroma(image: Image.Image, where: Image.Image) -> float:
    """How far the channels are apart there, of 255, in the mean."""
    from PIL import ImageChops, ImageStat

    red, green, blue = image.split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    least = ImageChops.darker(ImageChops.darker(red, green), blue)
    return float(ImageStat.Stat(ImageChops.subtract(most, least), where).mean[0])


# Laying in


def laid_in(still: Still, region: Region, cut: Cut, answer: Picture, fit: Fit) -> Picture:
    """The picture with the answer in its region, a PNG; outside of the region its pixels are what they were."""
    place = _Place(still, region, cut)
    image = to_rgb(answer.image)
    came = place.of_answer(_brought(image, cut.size, fit.method))
    painted = _coloured(_shifted(came, fit.shift), fit.offset)
    stencil, base = place.of(region.stencil), place.of(still.image)
    weights = _softened(stencil, fit.soft)
    blended = _BLENDED[still.image.mode](painted, base, weights)
    whole = still.image.copy()
    if whole.mode == "I;16":  # Pillow pastes it by a mask byte by byte; outside of the region it is the base to the bit
        whole.paste(blended, place.box[:2])
    else:
        whole.paste(blended, place.box[:2], stencil)
    return still.encoded(whole)


def _blended_rgb(painted: Image.Image, base: Image.Image, weights: Image.Image) -> Image.Image:
    from PIL import Image

    return Image.composite(on_white(painted), base, weights)


def _blended_grey(painted: Image.Image, base: Image.Image, weights: Image.Image) -> Image.Image:
    from PIL import Image

    return Image.composite(on_white(painted).convert("L"), base, weights)


def _blended_alpha(painted: Image.Image, base: Image.Image, weights: Image.Image) -> Image.Image:
    """Where the base is transparent and the answer shows the white that stood for that, it stays transparent."""
    from PIL import Image, ImageChops

    grey = base.mode == "LA"
    seen, alpha = base.convert("RGBA"), base.getchannel("A")
    solid = alpha.point([255 * (value == 255) for value in range(256)])
    changes = _most(ImageChops.difference(on_white(painted), on_white(seen)))
    drawn = changes.point([min(255, max(0, (value - SEEN) * 8)) for value in range(256)])
    weights = ImageChops.multiply(weights, ImageChops.lighter(solid, drawn))
    over, under = (image.convert("RGBA").convert("RGBa") for image in (painted, seen))
    blended = Image.composite(over, under, weights).convert("RGBA")
    return blended.convert("LA") if grey else blended


def _most(image: Image.Image) -> Image.Image:
    from PIL import ImageChops

    red, green, blue = image.split()
    return ImageChops.lighter(ImageChops.lighter(red, green), blue)


def _blended_deep(painted: Image.Image, base: Image.Image, weights: Image.Image) -> Image.Image:
    """16-bit grey, blended as numbers; a pixel that would be of the grey that stands for transparent is one darker, or lighter."""
    from PIL import ImageMath

    grey = on_white(painted).convert("L").convert("I")
    key = base.info.get("transparency", -1)

    def blend(of: Mapping[str, Any]) -> Any:
        mixed = (of["base"] * (255 - of["weight"]) + of["grey"] * 257 * of["weight"]) / 255
        return mixed + (mixed == key) * (of["weight"] > 0) * (-1 if key > 0 else 1)

    deep: Image.Image = ImageMath.lambda_eval(blend, base=base.convert("I"), grey=grey, weight=weights.convert("I"))
    return deep.convert("I;16")


_BLENDED = {"RGB": _blended_rgb, "L": _blended_grey, "RGBA": _blended_alpha, "LA": _blended_alpha, "I;16": _blended_deep}
