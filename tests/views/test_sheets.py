"""Contact sheets as they are drawn."""

from __future__ import annotations

import pytest
from kit.loopback import Loopback
from kit.views import branched
from PIL import Image

from promptkit.images.picture import Picture
from promptkit.views.lettering import Lettering
from promptkit.views.sheet_layout import Cell, in_rows
from promptkit.views.sheets import drawn, is_sheet, sheet_bytes

pytestmark = pytest.mark.filterwarnings("ignore:step")  # the pictures here are often the same ones


def sheet(pictures: list[Picture], caption: str = "", *, pixels: int) -> Image.Image:
    return drawn(in_rows([Cell(picture, caption) for picture in pictures]), Lettering(14), pixels=pixels)


def test_a_contact_sheet_holds_all_pictures(service: Loopback) -> None:
    """A sheet has its pictures in rows of four, each with its caption, long ones shortened."""
    pictures = [s.picture for s in branched(service) if s.ok]
    made = sheet([*pictures, *pictures], "a long caption " * 20, pixels=100)
    assert made.width == 4 * 112 + 12
    assert made.getpixel((60, 60)) == (255, 0, 0)
    assert sheet(pictures[:1], pixels=50).width == 74


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_sheets_file_says_what_it_is(suffix: str) -> None:
    """So that an older one may be replaced, and nothing else."""
    image = Image.new("RGB", (20, 20))
    assert is_sheet(sheet_bytes(image, suffix))
    assert not is_sheet(b"\x89PNG" + bytes(100))
