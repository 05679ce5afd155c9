"""A box in a picture: as a tuple, as Pillow has it, and as text, `200x260+300+420`; whole numbers are pixels, floats are fractions.

A box comes from callers and from people at a keyboard; `read_box` checks it, `box_in_pixels` lays it into a picture.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from operator import index

from promptkit.errors import PictureError, shown

__all__ = ["EXPECTED", "Box", "Fractions", "box_in_pixels", "box_text", "is_box_text", "read_box"]

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels
Fractions = tuple[float, float, float, float]  # the same, of the picture's width and height, from 0 to 1

LONGEST = 100  # characters of a box's text
NUMBER = r"([0-9]{1,9}(?:\.[0-9]{1,9})?%?)"
TEXT = re.compile(rf"{NUMBER}[x×]{NUMBER}\+{NUMBER}\+{NUMBER}", re.IGNORECASE)
EXPECTED = "expected (left, top, right, bottom) in pixels or fractions, or text such as 200x260+300+420 (width x height + left + top)"


def read_box(given: str | Sequence[float]) -> Box | Fractions:
    """A box as a caller gives it: a tuple (left, top, right, bottom), whole numbers for pixels and floats for fractions, or its text, in
    which `%` is a hundredth. PictureError for what is no box: also where both kinds are mixed, or it is empty.
    """
    values = _of_text(given) if isinstance(given, str) else _of_numbers(given)
    left, top, right, bottom = values
    if not (0 <= left < right and 0 <= top < bottom):
        raise PictureError(f"The box {shown(given)} is empty or begins outside of the picture; {EXPECTED}.")
    return values


def box_in_pixels(box: str | Sequence[float], size: tuple[int, int]) -> Box:
    """The box in pixels of a picture of that size (width, height). PictureError, with the size, where it reaches outside."""
    left, top, right, bottom = values = read_box(box)
    width, height = size
    if isinstance(left, float):
        right, bottom = _up(right * width), _up(bottom * height)
        left, top = _down(left * width), _down(top * height)
    if right > width or bottom > height:
        said = f"The box {box_text(values)} reaches outside of the picture, which has {width}×{height} pixels; give one inside."
        raise PictureError(said)
    return int(left), int(top), int(right), int(bottom)


def is_box_text(text: str) -> bool:
    """Whether a text has the form of a box, such as `200x260+300+420`."""
    return len(text) <= LONGEST and TEXT.fullmatch(text.strip()) is not None


def box_text(box: Sequence[float]) -> str:
    """The box as text that `read_box` takes: `200x260+300+420`, or in `%` where it has fractions."""
    left, top, right, bottom = box
    numbers = (right - left, bottom - top, left, top)
    wide, high, x, y = (f"{round(n * 100, 6):g}%" if isinstance(n, float) else str(n) for n in numbers)
    return f"{wide}x{high}+{x}+{y}"


def _of_text(text: str) -> Box | Fractions:
    match = TEXT.fullmatch(text.strip()) if len(text) <= LONGEST else None
    if match is None:
        raise PictureError(f"{shown(text)} is no box; {EXPECTED}.")
    numbers = match.groups()
    if all(n.endswith("%") for n in numbers):
        wide, high, left, top = (float(n[:-1]) / 100 for n in numbers)
        return left, top, round(left + wide, 12), round(top + high, 12)
    if not all(n.isdecimal() for n in numbers):
        raise PictureError(f"The box {text!r} mixes pixels and %, or has parts of pixels; {EXPECTED}.")
    wide_, high_, x, y = map(int, numbers)
    return x, y, x + wide_, y + high_


def _of_numbers(given: Sequence[float]) -> Box | Fractions:
    try:
        four = tuple(given)
    except TypeError:
        raise PictureError(f"{shown(given)} is no box; {EXPECTED}.") from None
    if len(four) != 4 or any(isinstance(n, bool | str) for n in four):
        raise PictureError(f"{shown(four)} is no box; {EXPECTED}.")
    if all(isinstance(n, float) for n in four):
        return _fractions(four)
    try:
        left, top, right, bottom = (index(n) for n in four)  # type: ignore[arg-type]
    except TypeError:
        raise PictureError(f"The box {shown(four)} mixes pixels and fractions; {EXPECTED}.") from None
    return left, top, right, bottom


def _fractions(four: Sequence[float]) -> Fractions:
    if not all(math.isfinite(n) and 0 <= n <= 1 for n in four):
        raise PictureError(f"The box {shown(tuple(four))} has fractions outside of 0 to 1; whole numbers are pixels; {EXPECTED}.")
    left, top, right, bottom = map(float, four)
    return left, top, right, bottom


def _down(value: float) -> int:
    return math.floor(round(value, 6))  # 0.1 × 300 is 30.000000000000004


def _up(value: float) -> int:
    return math.ceil(round(value, 6))
