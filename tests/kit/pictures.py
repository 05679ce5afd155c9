"""Pictures drawn for a test: a scene with soft and hard parts, another one, and either with a box painted over."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

from PIL import Image, ImageDraw, ImageOps

from promptkit import Picture


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> Picture:
    buffer = io.BytesIO()
    image.save(buffer, kind, **({"compress_level": 1, **options} if kind == "PNG" else options))
    return Picture(buffer.getvalue())


@cache
def _scene(size: tuple[int, int]) -> Image.Image:
    clouds = Image.effect_noise((size[0] // 8, size[1] // 8), 120).resize(size, Image.Resampling.BICUBIC)
    sky, sun = (i.resize(size) for i in (Image.linear_gradient("L"), Image.radial_gradient("L")))
    return Image.blend(Image.merge("RGB", (sun, sky, clouds)), Image.effect_noise(size, 40).convert("RGB"), 0.1)


def scene(size: tuple[int, int] = (1024, 1024)) -> Image.Image:
    """A picture with soft and hard parts, light and dark, and some grain."""
    return _scene(size).copy()


def other_scene(size: tuple[int, int] = (1024, 1024)) -> Image.Image:
    """Quite another one."""
    return ImageOps.invert(scene(size))


def with_box(image: Image.Image, box: tuple[int, int, int, int], color: str = "red") -> Image.Image:
    drawn = image.copy()
    ImageDraw.Draw(drawn).rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill=color)
    return drawn
