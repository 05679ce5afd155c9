"""Small stills of every kind that a region is cut from, and pictures that are refused, drawn for a test."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image, ImageCms, ImageDraw
from PIL.PngImagePlugin import PngInfo

from kit.pictures import encoded, scene
from promptkit import Picture

SIZE = (96, 72)
GREY_PROFILE = bytes(16) + b"GRAY" + bytes(112)  # only its colour space is read


def _colours() -> Image.Image:
    return scene(SIZE)


def _clear() -> Image.Image:
    """Clear to the left, half clear in the middle; colours that nobody sees lie under it."""
    image = _colours().convert("RGBA")
    alpha = Image.new("L", SIZE, 255)
    alpha.paste(0, (0, 0, 30, 72))
    alpha.paste(90, (30, 0, 50, 72))
    image.putalpha(alpha)
    return image


def _deep() -> Image.Image:
    return _colours().convert("L").convert("I").point(lambda value: value * 250 + 17).convert("I;16")


def _saved(image: Image.Image, kind: str, **options: Any) -> Picture:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return Picture(buffer.getvalue())


def _turned(turn: int) -> Picture:
    exif = Image.Exif()
    exif[0x0112] = turn
    return _saved(_colours(), "JPEG", quality=95, exif=exif)


def _gamma() -> Picture:
    said = PngInfo()
    said.add(b"gAMA", struct.pack(">I", 100_000))
    return encoded(_colours(), pnginfo=said)


def stills() -> dict[str, Picture]:
    """By their kind: colours, grey, palette, 16-bit grey, with and without transparency, turned, with a profile, of several formats."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    palette = _colours().quantize(40)
    return {
        "rgb": encoded(_colours()),
        "rgba": encoded(_clear()),
        "rgb with a clear colour": encoded(_colours(), transparency=_colours().getpixel((3, 3))),
        "grey": encoded(_colours().convert("L")),
        "grey with alpha": encoded(_clear().convert("LA")),
        "grey with a clear grey": encoded(_colours().convert("L"), transparency=90),
        "grey by a profile": encoded(_colours().convert("L"), icc_profile=GREY_PROFILE),
        "grey with alpha by a profile": encoded(_clear().convert("LA"), icc_profile=GREY_PROFILE),
        "black and white": encoded(_colours().convert("1")),
        "palette": encoded(palette),
        "palette with a clear colour": encoded(palette, transparency=palette.getpixel((40, 40))),
        "palette with alpha": encoded(palette, transparency=bytes(range(60, 100))),
        "16-bit grey": encoded(_deep()),
        "16-bit grey with a clear grey": encoded(_deep(), transparency=_deep().getpixel((40, 30))),
        "16-bit grey TIFF": _saved(_deep(), "TIFF"),
        "a profile": encoded(_colours(), icc_profile=srgb),
        "gamma": _gamma(),
        "JPEG": _turned(1),
        "JPEG, turned": _turned(6),
        "JPEG, mirrored": _turned(5),
        "grey JPEG": _saved(_colours().convert("L"), "JPEG", quality=95),
        "WebP": _saved(_clear(), "WEBP", lossless=True),
        "GIF": _saved(palette, "GIF"),
        "BMP": _saved(_colours(), "BMP"),
        "TIFF": _saved(_colours(), "TIFF"),
        "two pictures of a stereo camera": _saved(_colours(), "MPO", save_all=True, append_images=[_colours()]),
    }


def _frames(kind: str) -> Picture:
    second = _colours()
    ImageDraw.Draw(second).rectangle((5, 5, 40, 40), fill="red")
    return _saved(_colours(), kind, save_all=True, append_images=[second], **({} if kind == "TIFF" else {"duration": 100}))


def deep_png(colour: int) -> Picture:
    """A PNG of 16 bits a colour: of red, green and blue, or with `colour` 6 with alpha, 4 grey with alpha."""
    bands = {2: 3, 6: 4, 4: 2}[colour]
    rows = b"".join(b"\0" + bytes(range(2 * bands)) * SIZE[0] for _ in range(SIZE[1]))
    parts = ((b"IHDR", struct.pack(">IIBBBBB", *SIZE, 16, colour, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return Picture(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in parts))


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def refused() -> dict[str, tuple[Picture, str]]:
    """Pictures whose pixels cannot be worked on without loss, and what the error calls them."""
    ppm = b"P6 96 72 65535\n" + bytes(96 * 72 * 6)
    return {
        "CMYK": (_saved(_colours().convert("CMYK"), "JPEG"), "CMYK, four inks"),
        "LAB": (_saved(Image.new("LAB", SIZE), "TIFF"), "pixels of the kind LAB"),
        "floats": (_saved(Image.new("F", SIZE), "TIFF"), "pixels of the kind F"),
        "16 bits a colour": (deep_png(2), "16 bits a colour"),
        "16 bits a colour with alpha": (deep_png(6), "16 bits a colour"),
        "16 bits of grey with alpha": (deep_png(4), "16 bits a colour"),
        "16 bits a colour, PPM": (Picture(ppm), "16 bits a colour"),
        "an animated PNG": (_frames("PNG"), "an animation of 2 frames"),
        "an animated GIF": (_frames("GIF"), "an animation of 2 frames"),
        "an animated WebP": (_frames("WEBP"), "an animation of 2 frames"),
        "pages": (_frames("TIFF"), "2 pages"),
    }
