"""What callers give for an operation on a picture (ratios, sizes, focus, colours, types), each read into one spelling that a record keeps.

What is none of these is a SettingsError that says what is taken; what is too large, or outside of a picture, is a PictureError.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from promptkit.errors import PictureError, SettingsError, shown
from promptkit.images.box import box_in_pixels, read_box
from promptkit.images.pixels import KINDS, bands_text, color_text
from promptkit.values import built_in, number, whole_number

__all__ = [
    "CENTER",
    "TRANSPARENT",
    "Focus",
    "Size",
    "checked_area",
    "point_in_pixels",
    "read_color",
    "read_focus",
    "read_most_bytes",
    "read_quality",
    "read_ratio",
    "read_ratio_or_size",
    "read_scale",
    "read_side",
    "read_size",
    "read_type",
    "sides_of",
]

Size = tuple[int, int]
Focus = tuple[float, ...]  # a point or a box: of whole numbers in pixels, of floats in fractions
MOST_PIXELS = 178_956_970  # of a picture: as many as Pillow decodes
MOST_RATIO = 100
CENTER = (0.5, 0.5)
PLACES = {"left": (0.0, None), "right": (1.0, None), "top": (None, 0.0), "bottom": (None, 1.0)}
MIDDLE = ("center", "centre", "middle")
TWO = re.compile(r"\s*([0-9]{1,6})\s*[x×]\s*([0-9]{1,6})\s*", re.IGNORECASE)
RATIO = re.compile(r"\s*([0-9]{1,6}(?:\.[0-9]{1,6})?)\s*[:/]\s*([0-9]{1,6}(?:\.[0-9]{1,6})?)\s*")
POINT = re.compile(r"\s*([0-9]{1,6}(?:\.[0-9]{1,6})?)(%?)\s*,\s*([0-9]{1,6}(?:\.[0-9]{1,6})?)(%?)\s*")
TRANSPARENT = "#00000000"
SIZES = 'a pair (width, height) in pixels, or a text such as "1080x1080"'
RATIOS = 'a text such as "4:5", a pair (4, 5), or a number from 0.01 to 100'
FOCUSES = 'a place such as "top left", a point ("50%,30%", fractions or pixels), or a box'


def sides_of(ratio: str | None) -> tuple[int, int]:
    """The two whole numbers of a ratio as `read_ratio` spells it; 1 and 1 of none."""
    wide, _, high = (ratio or "1:1").partition(":")
    return int(wide), int(high)


def read_ratio(given: object) -> str:
    """A ratio in whole numbers without a common divisor: 4:5."""
    found = _as_fraction(given)
    if found is None or not Fraction(1, MOST_RATIO) <= found <= MOST_RATIO:
        raise SettingsError(f"ratio is {RATIOS}, not {shown(given)}.")
    return f"{found.numerator}:{found.denominator}"


def _as_fraction(given: Any) -> Fraction | None:
    if isinstance(given, str):
        match = RATIO.fullmatch(given)
        sides = [Fraction(n) for n in match.groups()] if match else []
    elif (one := number(given)) is not None:
        return Fraction(one).limit_denominator(1000)
    else:
        sides = [Fraction(n).limit_denominator(1000) for n in _pair(given)]
    return sides[0] / sides[1] if len(sides) == 2 and all(sides) else None


def _pair(given: Any) -> list[Any]:
    """The two numbers of a sequence; none where it is none."""
    try:
        values = [number(value) for value in given]
    except TypeError:
        return []
    return values if len(values) == 2 and None not in values else []


def read_ratio_or_size(given: object) -> tuple[str | None, Size | None]:
    """A channel: its ratio and None, or None and its size in pixels."""
    if isinstance(given, str) and not TWO.fullmatch(given):
        if RATIO.fullmatch(given) is None:
            raise SettingsError(f'A channel has a ratio, such as "9:16", or {SIZES}, not {shown(given)}.')
        return read_ratio(given), None
    return None, read_size(given)


def read_size(given: Any) -> Size:
    """A width and a height in pixels, from 1 on."""
    match = TWO.fullmatch(given) if isinstance(given, str) else None
    pair = [*map(int, match.groups())] if match else [] if isinstance(given, str) else _pair(given)
    sides = [whole_number(side) for side in pair]
    if len(sides) != 2 or not all(side and side > 0 for side in sides):
        raise SettingsError(f"A size is {SIZES}, not {shown(given)}.")
    return checked_area((sides[0] or 1, sides[1] or 1))


def checked_area(size: Size) -> Size:
    """The size, where a picture may have so many pixels."""
    if size[0] * size[1] > MOST_PIXELS:
        said = f"{size[0]}×{size[1]} pixels are {size[0] * size[1] / 1e6:,.0f} million, and a picture may have {MOST_PIXELS / 1e6:,.0f}"
        raise PictureError(f"{said}; give a smaller size.")
    return size


def read_side(name: str, given: object) -> int:
    """A width or a height in pixels, from 1 on."""
    side = whole_number(int(given) if isinstance(given, str) and given.isdecimal() else given)
    if side is None or side < 1:
        raise SettingsError(f"{name} is a whole number of pixels from 1 on, not {shown(given)}.")
    return side


def read_scale(given: object) -> float:
    """A factor above 0: 0.5, or "50%"."""
    text = given.strip() if isinstance(given, str) else ""
    try:
        found = float(text[:-1]) / 100 if text.endswith("%") else float(text) if text else number(given)
    except ValueError:
        found = None
    if found is None or not 0 < found <= MOST_RATIO:
        raise SettingsError(f'scale is a number above 0, such as 0.5 or "50%", not {shown(given)}.')
    return float(found)


def read_focus(given: Any) -> Focus:
    """A point, or a box, in pixels or fractions."""
    if given is None:
        return CENTER
    if isinstance(given, str):
        return _focus_of_text(given)
    try:
        values = [built_in(value) for value in given]
    except TypeError:
        values = []
    if len(values) == 4:
        return read_box(values)
    is_point = len(values) == 2 and all(type(v) is type(values[0]) and v >= 0 for v in values if type(v) in (int, float))
    if not is_point or type(values[0]) not in (int, float) or (isinstance(values[0], float) and max(values) > 1):
        raise SettingsError(f"focus is {FOCUSES}, not {shown(given)}.")
    return tuple(values)


def _focus_of_text(text: str) -> Focus:
    if match := POINT.fullmatch(text):
        x, x_unit, y, y_unit = match.groups()
        if x_unit == y_unit == "%":
            return read_focus((float(x) / 100, float(y) / 100))
        if not x_unit and not y_unit:
            return read_focus((float(x), float(y)) if "." in x + y else (int(x), int(y)))
    words = text.lower().replace("-", " ").split()
    if words and all(word in PLACES or word in MIDDLE for word in words):
        x_, y_ = (next((PLACES[w][axis] for w in words if w in PLACES and PLACES[w][axis] is not None), 0.5) for axis in (0, 1))
        return float(x_ or 0.0), float(y_ or 0.0)
    if "+" in text:
        return read_box(text)
    raise SettingsError(f"focus is {FOCUSES}, not {shown(text)}.")


def point_in_pixels(focus: Focus | None, size: Size) -> tuple[float, float]:
    """The focus in pixels: the point, or the middle of the box. PictureError where it is outside of the picture."""
    found = focus or CENTER
    if len(found) == 4:
        left, top, right, bottom = box_in_pixels(found, size)
        return (left + right) / 2, (top + bottom) / 2
    if isinstance(found[0], float):
        return found[0] * size[0], found[1] * size[1]
    if found[0] > size[0] or found[1] > size[1]:
        raise PictureError(f"The focus {found[0]},{found[1]} is outside of the picture, which has {size[0]}×{size[1]} pixels.")
    return found[0], found[1]


def read_color(given: Any) -> str:
    """A colour as #rrggbb, or #rrggbbaa where it is not opaque."""
    if isinstance(given, str):
        found = TRANSPARENT if given.strip().lower() in ("transparent", "none") else color_text(given)
    else:
        bands = _bands(given)
        found = bands_text(bands) if bands else None
    if found is None:
        said = 'a colour: a name such as "white", "#rrggbb", "transparent", or three or four whole numbers from 0 to 255'
        raise SettingsError(f"fill is {said}, not {shown(given)}.")
    return found


def _bands(given: Any) -> tuple[int, ...]:
    try:
        bands = [whole_number(band) for band in given]
    except TypeError:
        return ()
    if len(bands) not in (3, 4) or not all(band is not None and 0 <= band <= 255 for band in bands):
        return ()
    return (*(band or 0 for band in bands), *([255] if len(bands) == 3 else []))


def read_type(given: object) -> str:
    """The name of a type that can be written: jpeg of "JPG" or "image/jpeg"."""
    name = str(given).lower().removeprefix("image/").removeprefix(".") if isinstance(given, str) else ""
    name = {"jpg": "jpeg", "jpe": "jpeg"}.get(name, name)
    if name not in KINDS:
        raise SettingsError(f"type is one of {', '.join(KINDS)}, not {shown(given)}.")
    return name


def read_quality(given: object) -> int | None:
    """A quality from 1 to 100; None where none was given."""
    if given is None:
        return None
    quality = whole_number(given)
    if quality is None or not 1 <= quality <= 100:
        raise SettingsError(f"quality is a whole number from 1 to 100, not {shown(given)}.")
    return quality


def read_most_bytes(given: object) -> int | None:
    """How many bytes a file may have; None where that was not given."""
    if given is None:
        return None
    most = whole_number(given)
    if most is None or most < 1:
        raise SettingsError(f"max_bytes is a whole number of bytes from 1 on, not {shown(given)}.")
    return most
