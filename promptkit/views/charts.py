"""Numbers over steps as a small chart, an SVG that stands in a notebook or a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from promptkit.markup import Html, escape

__all__ = ["Line", "line_chart"]

EACH = 96  # pixels from one step to the next
LEAST_EACH, WIDEST = 24, 960
HIGH, TOP, LEFT, RIGHT, BELOW = 120, 10, 40, 130, 22
NAME = 13  # pixels from one name to the next at least
HIGHEST = 3.0  # parts of the limit; what is beyond is drawn at the edge
# Colours that a light and a dark page both show, and dashes, so that none is told by its colour alone.
STYLES = (("#c0392b", ""), ("#2471a3", "6 3"), ("#1e8449", "2 3"), ("#af7ac5", "8 3 2 3"), ("#b9770e", "1 4"))


@dataclass(frozen=True)
class Line:
    """One measure over all steps, in parts of its limit; None where there is no value."""

    name: str
    values: Sequence[float | None]


def line_chart(lines: Sequence[Line], steps: Sequence[str], *, limit: str, hollow: Sequence[bool], mark: int | None, alt: str) -> Html:
    """Lines over steps with a level at 1, which `limit` names. `hollow` are the steps whose points are not filled, `mark` is the index of
    the step at which a vertical line stands; `alt` says it all in words.
    """
    each = max(LEAST_EACH, min(EACH, (WIDEST - LEFT - RIGHT) // max(1, len(steps) - 1)))
    end = LEFT + each * (len(steps) - 1)
    top = min(HIGHEST, max([1.5, *(value for line in lines for value in line.values if value is not None)]))
    places = [LEFT + each * i for i in range(len(steps))]
    drawn = [_level(1 / top, end, limit), *([_mark(places[mark])] if mark is not None else [])]
    names = _apart([_y(_last(line), top) for line in lines])
    for line, style, at in zip(lines, STYLES, names, strict=False):
        drawn += [_path(line.values, places, top, style), *_points(line.values, places, top, style, hollow)]
        drawn.append(_text(end + 10, at, line.name, fill=style[0]))
    drawn += [_text(x, TOP + HIGH + 16, step, anchor="middle") for x, step in zip(places, steps, strict=True)]
    return _svg(end + RIGHT, "".join(drawn), alt)


def _svg(wide: int, drawn: str, alt: str) -> Html:
    high = TOP + HIGH + BELOW
    said = f'role="img" aria-label="{escape(alt)}" width="{wide}" height="{high}" viewBox="0 0 {wide} {high}"'
    style = "max-width:100%;height:auto;font:11px sans-serif;display:block"
    return Html(f'<svg xmlns="http://www.w3.org/2000/svg" {said} style="{style}">{drawn}</svg>')


def _y(value: float, top: float) -> float:
    return TOP + HIGH * (1 - min(value, top) / top)


def _last(line: Line) -> float:
    return next((value for value in reversed(line.values) if value is not None), 0.0)


def _apart(wanted: Sequence[float]) -> list[float]:
    """Where the names of lines stand: each at the end of its line, or above another one's that would cover it."""
    found, above = [0.0] * len(wanted), float(TOP + HIGH + NAME)
    for i in sorted(range(len(wanted)), key=lambda i: -wanted[i]):
        found[i] = above = min(wanted[i] + 4, above - NAME)
    return found


def _level(share: float, end: float, limit: str) -> str:
    y = TOP + HIGH * (1 - share)
    line = f'<line x1="{LEFT}" x2="{end}" y1="{y:.1f}" y2="{y:.1f}" stroke="currentColor" stroke-opacity=".6" stroke-dasharray="4 4"/>'
    base = f'<line x1="{LEFT}" x2="{end}" y1="{TOP + HIGH}" y2="{TOP + HIGH}" stroke="currentColor" stroke-opacity=".4"/>'
    return line + base + _text(LEFT - 6, y + 4, limit, anchor="end")


def _mark(x: float) -> str:
    return f'<line x1="{x}" x2="{x}" y1="{TOP}" y2="{TOP + HIGH}" stroke="currentColor" stroke-opacity=".6"/>'


def _path(values: Sequence[float | None], places: Sequence[float], top: float, style: tuple[str, str]) -> str:
    moves, is_begun = [], False
    for value, x in zip(values, places, strict=True):
        if value is not None:
            moves.append(f"{'L' if is_begun else 'M'}{x} {_y(value, top):.1f}")
        is_begun = value is not None
    dashes = f' stroke-dasharray="{style[1]}"' if style[1] else ""
    return f'<path d="{" ".join(moves)}" fill="none" stroke="{style[0]}" stroke-width="1.5"{dashes}/>' if moves else ""


def _points(
    values: Sequence[float | None], places: Sequence[float], top: float, style: tuple[str, str], hollow: Sequence[bool]
) -> list[str]:
    there = [(value, x, is_hollow) for value, x, is_hollow in zip(values, places, hollow, strict=True) if value is not None]
    return [
        f'<circle cx="{x}" cy="{_y(value, top):.1f}" r="3" fill="{"none" if is_hollow else style[0]}" stroke="{style[0]}"/>'
        for value, x, is_hollow in there
    ]


def _text(x: float, y: float, text: str, *, anchor: str = "start", fill: str = "currentColor") -> str:
    return f'<text x="{x}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}">{escape(text)}</text>'
