"""Numbers over steps as an SVG: what is drawn, and that it is whole and says itself in words."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from promptkit.views.charts import Line, line_chart

SVG = "{http://www.w3.org/2000/svg}"


def chart(*lines: Line, steps: int = 4, mark: int | None = None, hollow: tuple[bool, ...] = ()) -> ET.Element:
    names = [str(i) for i in range(1, steps + 1)]
    drawn = line_chart(lines, names, limit="limit", hollow=hollow or [False] * steps, mark=mark, alt='it "goes" <wrong>')
    return ET.fromstring(drawn)


def test_each_line_has_its_name_its_points_and_a_dash_of_its_own() -> None:
    """None is told by its colour alone, and a step without a value leaves a gap."""
    drawn = chart(Line("colour", [None, 0.5, None, 2.0]), Line("noise", [None, 0.2, 0.3, 0.4]))
    assert len(drawn.findall(f"{SVG}circle")) == 5
    paths = drawn.findall(f"{SVG}path")
    assert [path.get("d", "").count("M") for path in paths] == [2, 1]
    assert len({path.get("stroke-dasharray") for path in paths}) == 2
    assert {"colour", "noise", "limit", "1", "4"} <= {text.text for text in drawn.findall(f"{SVG}text")}


def test_it_says_itself_in_words() -> None:
    """To who cannot see it; what is in the words is text."""
    drawn = chart(Line("colour", [0.1, 0.2, 0.3, 0.4]))
    assert (drawn.get("role"), drawn.get("aria-label")) == ("img", 'it "goes" <wrong>')


def test_what_is_not_judged_is_hollow_and_where_it_begins_is_marked() -> None:
    """And values beyond the chart stand at its edge."""
    drawn = chart(Line("size", [9.0, 0.2, 0.3, 0.4]), mark=2, hollow=(True, False, False, False))
    circles = drawn.findall(f"{SVG}circle")
    assert [circle.get("fill") == "none" for circle in circles] == [True, False, False, False]
    assert all(0 < float(circle.get("cy", "")) < 160 for circle in circles)
    assert [line for line in drawn.findall(f"{SVG}line") if line.get("x1") == line.get("x2") == circles[2].get("cx")]


@pytest.mark.parametrize("steps", [1, 2, 300])
def test_it_is_as_wide_as_a_page_at_most(steps: int) -> None:
    """However many steps there are, as far as they can be told apart."""
    drawn = chart(*(Line(name, [0.1] * steps) for name in ("outside", "sharpness", "colour", "noise", "size")), steps=steps)
    assert int(drawn.get("width", "0")) <= max(960, 24 * steps + 170)
    names = [float(text.get("y", "")) for text in drawn.findall(f"{SVG}text") if text.get("fill") != "currentColor"]
    assert min(abs(a - b) for i, a in enumerate(names) for b in names[:i]) >= 12


def test_nothing_to_draw_is_an_empty_chart() -> None:
    """Without a value there is no line."""
    assert chart(Line("colour", [None] * 4)).findall(f"{SVG}circle") == []
