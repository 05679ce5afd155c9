"""A box in a picture: read from a tuple or from text, written as text, laid into a picture."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptkit import PictureError
from promptkit.images.box import box_in_pixels, box_text, read_box


@pytest.mark.parametrize(
    ("given_box", "pixels"),
    [
        ("200x260+300+420", (300, 420, 500, 680)),
        (" 200X260+300+420 ", (300, 420, 500, 680)),
        ("200×260+0+0", (0, 0, 200, 260)),
        ("50%x25%+25%+10%", (250, 100, 750, 350)),
        ("100%x100%+0%+0%", (0, 0, 1000, 1000)),
        ("33.3%x10%+0%+0%", (0, 0, 333, 100)),
        ((300, 420, 500, 680), (300, 420, 500, 680)),
        ([0, 0, 1, 1], (0, 0, 1, 1)),
        ((0.0, 0.0, 1.0, 0.5), (0, 0, 1000, 500)),
        ((0.1, 0.1, 0.3, 0.3), (100, 100, 300, 300)),
    ],
)
def test_a_box_is_pixels_or_fractions(given_box: object, pixels: object) -> None:
    """Whole numbers are pixels, floats and % parts of the picture; a tuple has edges, text has width, height, left and top."""
    assert box_in_pixels(given_box, (1000, 1000)) == pixels


@pytest.mark.parametrize(
    "wrong",
    [
        *("", "x", "200x260", "200x260+300", "-1x5+0+0", "200x260+-3+0", "5x5+1+1+1", "1e9x1+0+0", "٣x٣+0+0", "0x5+1+1"),
        *("10x10%+0+0", "1.5x2+0+0", "9" * 100_000, "9" * 50 + "x" * 49),
        *((1, 2, 3), (0, 0, 0, 0), (5, 5, 1, 9), (-1, 0, 5, 5), (0, 0, 1, 0.5), (True, 0, 5, 5), ("0", "0", "1", "1"), 7, None),
        *((0.0, 0.0, 1.5, 1.0), (float("nan"),) * 4, (0.0, 0.0, float("inf"), 1.0)),
    ],
)
def test_what_is_no_box_is_refused(wrong: object) -> None:
    """A box that is empty, mixed or none says what was expected, and does not repeat a long text."""
    with pytest.raises(PictureError, match="expected") as caught:
        read_box(wrong)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("outside", ["200x260+300+420", (0, 0, 641, 10), (0, 0, 10, 481)])
def test_a_box_outside_of_the_picture_names_its_size(outside: object) -> None:
    """The sentence has the picture's size, so that the next box fits."""
    with pytest.raises(PictureError, match="640×480"):
        box_in_pixels(outside, (640, 480))


@given(st.tuples(*[st.integers(0, 10**8)] * 2, *[st.integers(1, 10**8)] * 2))
def test_a_box_that_was_printed_can_be_pasted(numbers: tuple[int, int, int, int]) -> None:
    """Text that box_text writes is read as the same box."""
    left, top, wide, high = numbers
    box = (left, top, left + wide, top + high)
    assert read_box(box_text(box)) == box
