"""Contact sheets."""

from __future__ import annotations

import pytest
from kit.loopback import Loopback
from kit.views import branched

from promptkit.views.sheets import contact_sheet

pytestmark = pytest.mark.filterwarnings("ignore:step")  # the pictures here are often the same ones


def test_a_contact_sheet_holds_all_pictures(service: Loopback) -> None:
    """A sheet has its pictures in rows of four, each with its caption, long ones shortened."""
    pictures = [s.picture for s in branched(service) if s.ok]
    sheet = contact_sheet([*pictures, *pictures], ["a long caption " * 20] * 8, pixels=100)
    assert sheet.width == 4 * 112 + 12
    assert sheet.getpixel((60, 60)) == (255, 0, 0)
    assert contact_sheet(pictures[:1], pixels=50).width == 74
