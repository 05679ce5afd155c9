"""Pictures drawn for a test: two scenes with soft and hard parts, a box painted over one, small files of each format."""

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


def file_of(kind: str, mode: str = "RGB", size: tuple[int, int] = (12, 8), color: Any = None, **options: Any) -> bytes:
    """A picture file in one of Pillow's formats, of one colour, red by default."""
    buffer = io.BytesIO()
    Image.new(mode, size, color if color is not None else "red").save(buffer, kind, **options)
    return buffer.getvalue()


def box(kind: bytes, content: bytes) -> bytes:
    """A box of an ISO media file, as AVIF and HEIC are made of."""
    return (8 + len(content)).to_bytes(4) + kind + content


HEIC = box(b"ftyp", b"heic\0\0\0\0mif1heic") + box(b"meta", bytes(40)) + box(b"mdat", bytes(100))
