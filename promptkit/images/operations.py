"""What promptkit does to a picture itself: crop, resize, pad, convert, and fit to a channel. Each is a value of plain numbers.

The numbers are what the caller said, spelled in one way: a record keeps them, and a replay does the same to another picture. What they come
to for one picture (its box in pixels, the quality that kept it small) is the result. Boxes and sizes are of the picture as people see it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any, ClassVar, Protocol

from promptkit.errors import PictureError, PromptkitError, SettingsError, did_you_mean, shown
from promptkit.images.box import Box, Fractions, box_in_pixels, box_text, read_box
from promptkit.images.operation_numbers import (
    CENTER,
    TRANSPARENT,
    Focus,
    Size,
    checked_area,
    point_in_pixels,
    read_color,
    read_focus,
    read_most_bytes,
    read_quality,
    read_ratio,
    read_ratio_or_size,
    read_scale,
    read_side,
    read_size,
    read_type,
    sides_of,
)
from promptkit.images.picture import Picture
from promptkit.images.pixels import LOSSLESS, Pixels, Written, kind_of, pixels_of

__all__ = ["OPERATIONS", "Made", "Operation", "channel", "convert", "crop", "operation_in_words", "operation_of", "pad", "resize"]


QUALITY = 90
FITS = ("crop", "pad")


@dataclass(frozen=True)
class Made:
    """What an operation made of a picture: `result` is what its numbers came to, `notes` what a person should know."""

    picture: Picture
    result: Mapping[str, Any]
    notes: tuple[str, ...] = ()


class Operation(Protocol):
    """One operation with its numbers."""

    name: ClassVar[str]

    @property
    def numbers(self) -> dict[str, Any]:
        """Its numbers as JSON holds them; `operation_of` is the inverse."""

    @property
    def in_words(self) -> str:
        """A few words for people, such as `crop to 4:5`."""

    def apply(self, picture: Picture) -> Made:
        """Does it. PictureError where the picture cannot be read, or does not go with the numbers."""


class _Numbers:
    """The numbers of an operation: its fields, but for those that were not given."""

    @property
    def numbers(self) -> dict[str, Any]:
        given = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items() if value not in (None, False)}


# Cropping


@dataclass(frozen=True)
class Crop(_Numbers):
    """A part of a picture: a box, or the largest part of a ratio."""

    box: Box | Fractions | None = None
    ratio: str | None = None
    focus: Focus | None = None
    name: ClassVar[str] = "crop"

    @property
    def in_words(self) -> str:
        return f"crop to {box_text(self.box) if self.box else self.ratio}{_around(self.focus)}"

    def apply(self, picture: Picture) -> Made:
        pixels = pixels_of(picture)
        box = box_in_pixels(self.box, pixels.size) if self.box else _part(pixels.size, Fraction(*sides_of(self.ratio)), self.focus)
        if box == (0, 0, *pixels.size) and picture.is_upright:
            return _unchanged(picture, {"box": list(box)})
        return _made(pixels.with_image(pixels.image.crop(box)), {"box": list(box)})


def crop(box: object = None, *, ratio: object = None, focus: object = None) -> Crop:
    """The part in a box, or the largest part of that ratio (4:5) around a focus, by default the middle. SettingsError for other values."""
    if (box is None) == (ratio is None):
        said = "crop takes a box or a ratio, one of the two:"
        raise SettingsError(f'{said} crop(box), or crop(ratio="4:5", focus=…).').also(in_shell=f"{said} a BOX, or --ratio 4:5.")
    if box is not None:
        if focus is not None:
            said = "A box says where it is;"
            raise SettingsError(f"{said} focus= goes with ratio=.").also(in_shell=f"{said} --focus goes with --ratio.")
        return Crop(box=read_box(box))  # type: ignore[arg-type]
    return Crop(ratio=read_ratio(ratio), focus=read_focus(focus))


def _part(size: Size, ratio: Fraction, focus: Focus | None) -> Box:
    """The largest box of that ratio whose middle is as near to the focus as it can be."""
    width, height = size
    wide = min(width, max(1, round(height * ratio)))
    high = min(height, max(1, round(width / ratio))) if wide == width else height
    x, y = point_in_pixels(focus, size)
    left, top = (_begin(at, part, side) for at, part, side in ((x, wide, width), (y, high, height)))
    return round(left), round(top), round(left) + wide, round(top) + high


def _begin(at: float, part: float, side: int) -> float:
    """Where a part of a side begins that has `at` in its middle and does not leave the side."""
    return min(max(at - part / 2, 0), side - part)


# Sizes


@dataclass(frozen=True)
class Resize(_Numbers):
    """Another size in pixels."""

    width: int | None = None
    height: int | None = None
    longest: int | None = None
    scale: float | None = None
    stretch: bool = False
    name: ClassVar[str] = "resize"

    @property
    def in_words(self) -> str:
        if self.scale is not None:
            return f"resize to {self.scale * 100:g} %"
        if self.longest:
            return f"resize to {self.longest} pixels on the longest side"
        sides = f"{self.width or '…'}×{self.height or '…'}"
        return f"{'stretch' if self.stretch else 'resize'} to {sides} pixels"

    def apply(self, picture: Picture) -> Made:
        pixels = pixels_of(picture)
        size = checked_area(self._size(pixels.size))
        result = {"size": list(size)}
        if size == pixels.size and picture.is_upright:
            return _unchanged(picture, result)
        return _made(pixels.resized(size), result, _enlarged(pixels.size, size))

    def _size(self, size: Size) -> Size:
        width, height = size
        if self.scale is not None:
            return max(1, round(width * self.scale)), max(1, round(height * self.scale))
        if self.longest:
            return _scaled(size, Fraction(self.longest, max(size)))
        if self.width and self.height:
            return self._both(size, self.width, self.height)
        return _scaled(size, Fraction(self.width, width) if self.width else Fraction(self.height or 1, height))

    def _both(self, size: Size, width: int, height: int) -> Size:
        """Both sides: they must be the picture's to a pixel, or it would be stretched."""
        fits = {_scaled(size, Fraction(width, size[0])), _scaled(size, Fraction(height, size[1]))}
        if (width, height) not in fits and not self.stretch:
            said = f"A picture of {size[0]}×{size[1]} pixels has another ratio than {width}×{height}"
            said += ": crop or pad it first, give width or height alone, or"
            raise PictureError(f"{said} stretch=True.").also(in_shell=f"{said} --stretch.")
        return width, height


def resize(
    size: object = None,
    *,
    width: object = None,
    height: object = None,
    longest: object = None,
    scale: object = None,
    stretch: bool = False,
) -> Resize:
    """Another size: a pair, a width or a height (the other follows), the longest side, or a scale (0.5, "50%"). SettingsError otherwise."""
    if size is not None:
        if (width, height) != (None, None):
            raise SettingsError("resize takes a size, or a width and a height, and not both.")
        width, height = read_size(size)
    ways = [width is not None or height is not None, longest is not None, scale is not None]
    if sum(ways) != 1:
        said = 'resize takes one of these: a size, such as "800x600",'
        words = [f"{said} {a}width{b} and {a}height{b} (or one of them), {a}longest{b}, {a}scale{b}." for a, b in (("", "="), ("--", ""))]
        raise SettingsError(words[0]).also(in_shell=words[1])
    sides = {n: read_side(n, v) for n, v in {"width": width, "height": height, "longest": longest}.items() if v is not None}
    return Resize(**sides, scale=None if scale is None else read_scale(scale), stretch=bool(stretch))


def _scaled(size: Size, scale: Fraction) -> Size:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


# Padding


@dataclass(frozen=True)
class Pad(_Numbers):
    """A larger canvas with the picture in its middle."""

    ratio: str | None = None
    size: Size | None = None
    fill: str = "#ffffff"
    name: ClassVar[str] = "pad"

    @property
    def in_words(self) -> str:
        return f"pad to {'×'.join(map(str, self.size)) if self.size else self.ratio}, fill {_color_in_words(self.fill)}"

    def apply(self, picture: Picture) -> Made:
        pixels = pixels_of(picture)
        canvas = checked_area(self.size or _canvas(pixels.size, Fraction(*sides_of(self.ratio))))
        width, height = pixels.size
        if canvas[0] < width or canvas[1] < height:
            said = f"A picture of {width}×{height} pixels is larger than a canvas of {canvas[0]}×{canvas[1]}"
            said += ": resize it first, or"
            error = PictureError(f"{said} for_channels makes it fit.")
            raise error.also(in_shell=f"{said} `promptkit make channels` makes it fit.")
        at = (canvas[0] - width) // 2, (canvas[1] - height) // 2
        result = {"size": list(canvas), "at": list(at)}
        if canvas == pixels.size and picture.is_upright:
            return _unchanged(picture, result)
        return _made(pixels.on(canvas, at, self.fill), result)


def pad(*, ratio: object = None, size: object = None, fill: object = "white") -> Pad:
    """A canvas of a ratio (16:9) or a size around the picture, filled with a colour. SettingsError for other values."""
    if (ratio is None) == (size is None):
        said = "pad takes a ratio or a size, one of the two:"
        raise SettingsError(f'{said} pad(ratio="16:9", fill="white").').also(in_shell=f"{said} --ratio 16:9, or --size 1920x1080.")
    return Pad(ratio=None if ratio is None else read_ratio(ratio), size=None if size is None else read_size(size), fill=read_color(fill))


def _canvas(size: Size, ratio: Fraction) -> Size:
    """The smallest canvas of that ratio that holds the picture."""
    width, height = size
    wide = max(width, round(height * ratio))
    return wide, height if wide > width else max(height, round(width / ratio))


# Types


@dataclass(frozen=True)
class Convert(_Numbers):
    """Another type of file."""

    type: str = "png"
    quality: int | None = None
    max_bytes: int | None = None
    fill: str | None = None
    name: ClassVar[str] = "convert"

    @property
    def in_words(self) -> str:
        return f"convert to {self.type}{_file_in_words(self.quality, self.max_bytes)}"

    def apply(self, picture: Picture) -> Made:
        is_small = self.max_bytes is None or len(picture.data) <= self.max_bytes
        if kind_of(picture.mime_type) == self.type and self.quality is None and is_small and picture.is_upright:
            return _unchanged(picture, {})
        return _made(pixels_of(picture), {}, kind=self.type, quality=self.quality or QUALITY, most=self.max_bytes, ground=self.fill)


def convert(type: object, *, quality: object = None, max_bytes: object = None, fill: object = None) -> Convert:  # noqa: A002  (its name)
    """Another type (png, jpeg, webp, avif), with a quality from 1 to 100 (by default 90) that is lowered until the file has at most
    `max_bytes`; `fill` is the colour below what is transparent where the type knows no transparency, by default white. SettingsError.
    """
    kind = read_type(type)
    if kind in LOSSLESS and quality is not None:
        said = f"{kind} keeps each pixel and has no quality; leave {{}} out, or convert to jpeg or webp."
        raise SettingsError(said.format("quality=")).also(in_shell=said.format("--quality"))
    color = None if fill is None else read_color(fill)
    return Convert(kind, read_quality(quality), read_most_bytes(max_bytes), color)


# Channels


@dataclass(frozen=True)
class Channel(_Numbers):
    """A picture for a channel: of a ratio that keeps the longest side, or of a size, by cropping or padding."""

    ratio: str | None = None
    size: Size | None = None
    fit: str = "crop"
    focus: Focus | None = None
    fill: str = "#ffffff"
    type: str | None = None
    quality: int = QUALITY
    max_bytes: int | None = None
    name: ClassVar[str] = "channel"

    @property
    def in_words(self) -> str:
        how = _around(self.focus) if self.fit == "crop" else f", fill {_color_in_words(self.fill)}"
        wanted = "×".join(map(str, self.size)) if self.size else self.ratio
        kind = f", as {self.type}{_file_in_words(self.quality, self.max_bytes)}" if self.type else _file_in_words(None, self.max_bytes)
        return f"{self.fit} to {wanted}{how}{kind}"

    def apply(self, picture: Picture) -> Made:
        pixels = pixels_of(picture)
        size = checked_area(self.size or _with_longest(max(pixels.size), Fraction(*sides_of(self.ratio))))
        fitted, result = self._cropped(pixels, size) if self.fit == "crop" else self._padded(pixels, size)
        scale = result.pop("scale")
        is_small = self.max_bytes is None or len(picture.data) <= self.max_bytes
        if fitted is pixels and is_small and picture.is_upright and self.type in (None, kind_of(picture.mime_type)):
            return Made(picture, {"size": list(size), **result})
        notes = _enlarged(*scale) if scale else ()
        came = {"size": list(size), **result}
        return _made(fitted, came, notes, kind=self.type, quality=self.quality, most=self.max_bytes, ground=self.fill)

    def _cropped(self, pixels: Pixels, size: Size) -> tuple[Pixels, dict[str, Any]]:
        """The part that fills the size, at that size."""
        width, height = pixels.size
        scale = max(Fraction(size[0], width), Fraction(size[1], height))
        wide, high = (float(round(side / scale, 3)) for side in size)
        x, y = point_in_pixels(self.focus, pixels.size)
        left, top = round(_begin(x, wide, width), 3), round(_begin(y, high, height), 3)
        if scale == 1:
            left, top = round(left), round(top)
            part = (left, top, left + size[0], top + size[1])
            cut = pixels if size == pixels.size else pixels.with_image(pixels.image.crop(part))
            return cut, {"box": list(part), "scale": None}
        exact = (left, top, round(min(left + wide, width), 3), round(min(top + high, height), 3))
        box = [int(n) if n == int(n) else n for n in exact]
        return pixels.resized(size, exact), {"box": box, "scale": ((round(wide), round(high)), size)}

    def _padded(self, pixels: Pixels, size: Size) -> tuple[Pixels, dict[str, Any]]:
        """All of it, as large as the size allows, in the middle."""
        scale = min(Fraction(side, own) for side, own in zip(size, pixels.size, strict=True))
        inner = min(size[0], max(1, round(pixels.size[0] * scale))), min(size[1], max(1, round(pixels.size[1] * scale)))
        at = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
        scaled = pixels if inner == pixels.size else pixels.resized(inner)
        fitted = scaled if inner == size else scaled.on(size, at, self.fill)
        return fitted, {"at": list(at), "scale": (pixels.size, inner)}


def channel(
    wanted: object,
    *,
    fit: object = "crop",
    focus: object = None,
    fill: object = "white",
    type: object = None,  # noqa: A002  (what it is called everywhere)
    quality: object = QUALITY,
    max_bytes: object = None,
) -> Channel:
    """A channel's picture: `wanted` is a ratio, which keeps the longest side, or a pair in pixels. SettingsError for other values."""
    ratio, size = read_ratio_or_size(wanted)
    if fit not in FITS:
        raise SettingsError(f'fit is "crop" or "pad", not {shown(fit)}.')
    kind = None if type is None else read_type(type)
    seen = read_focus(focus) if fit == "crop" else None
    if fit == "pad" and focus is not None:
        said = "The focus says what a crop keeps, and"
        raise SettingsError(f'{said} fit="pad" keeps all of the picture.').also(in_shell=f"{said} --fit pad keeps all of the picture.")
    return Channel(ratio, size, str(fit), seen, read_color(fill), kind, read_quality(quality) or QUALITY, read_most_bytes(max_bytes))


def _with_longest(longest: int, ratio: Fraction) -> Size:
    """The size of that ratio with that longest side."""
    return (longest, max(1, round(longest / ratio))) if ratio >= 1 else (max(1, round(longest * ratio)), longest)


# From a record


def _recorded_channel(**numbers: Any) -> Channel:
    wanted = numbers.pop("size", None) or numbers.pop("ratio", None)
    return channel(wanted, **numbers)


OPERATIONS: Mapping[str, Any] = {"crop": crop, "resize": resize, "pad": pad, "convert": convert, "channel": _recorded_channel}


def operation_of(name: str | None, numbers: Mapping[str, Any]) -> Operation:
    """The operation that a record names. SettingsError for one that this promptkit does not know, or with numbers that it cannot have."""
    maker = OPERATIONS.get(name or "")
    if maker is None:
        known = ", ".join(OPERATIONS)
        raise SettingsError(f"There is no operation {shown(name)}{did_you_mean(str(name), OPERATIONS)}; this promptkit knows {known}.")
    try:
        made: Operation = maker(**numbers)
    except TypeError:
        said = f"The operation {name} has numbers that this promptkit does not know ({', '.join(map(str, numbers))})"
        raise SettingsError(f"{said}; a later one may.") from None
    return made


def operation_in_words(name: str | None, numbers: Mapping[str, Any]) -> str:
    """A recorded operation in a few words; of a later version's the words that it has."""
    try:
        return operation_of(name, numbers).in_words
    except PromptkitError:
        return ", ".join([str(name), *(f"{k} {v}" for k, v in numbers.items())])


# Making


def _made(
    pixels: Pixels,
    result: Mapping[str, Any],
    notes: Sequence[str] = (),
    *,
    kind: str | None = None,
    quality: int | None = None,
    most: int | None = None,
    ground: str | None = None,
) -> Made:
    """The pixels as a file, of their own type unless one is named; what can be transparent is no JPEG unless that is named."""
    own = "png" if pixels.kind == "jpeg" and pixels.has_alpha else pixels.kind
    file: Written = pixels.written(kind or own, quality, most, ground or "#ffffff")
    used = {} if file.quality is None else {"quality": file.quality}
    return Made(Picture(file.data), {**result, **used}, (*notes, *file.notes))


def _unchanged(picture: Picture, result: Mapping[str, Any]) -> Made:
    """The very bytes: what is written again for nothing only decays."""
    return Made(picture, result, ("the picture was like that already, and its bytes are the same",))


def _enlarged(before: Size, after: Size) -> tuple[str, ...]:
    scale = max(after[0] / before[0], after[1] / before[1])
    if after[0] <= before[0] and after[1] <= before[1]:
        return ()
    sizes = f"from {before[0]}×{before[1]} to {after[0]}×{after[1]} pixels"
    return (f"enlarged {scale:.3g} times, {sizes}: it shows no more than before",)


# In words


def _around(focus: Focus | None) -> str:
    if focus in (None, CENTER):
        return ""
    assert focus is not None
    if len(focus) == 4:
        return f" around {box_text(focus)}"
    return " around " + ", ".join(f"{n * 100:g} %" if isinstance(n, float) else str(n) for n in focus)


def _color_in_words(color: str) -> str:
    return {TRANSPARENT: "transparent", "#ffffff": "white", "#000000": "black"}.get(color, color)


def _file_in_words(quality: int | None, most: int | None) -> str:
    return (f", quality {quality}" if quality else "") + (f", at most {most:,} bytes" if most else "")
