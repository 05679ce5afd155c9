"""One picture as pixels that are worked on: as people see it, with what gives its pixels their colours, or refused by what it is.

What Pillow would change in silence is refused: several frames, four inks, more than 8 bits a colour.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from promptkit.errors import PictureError
from promptkit.images.formats import COLOR_CHUNKS, PNG_PARTS, media_type, parts
from promptkit.images.picture import Picture, to_rgb

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Still", "on_white", "pillow_version", "png", "refuse_unworkable", "still_of"]

AGREES = {"RGB ": ("RGB", "RGBA"), "GRAY": ("L", "LA", "I;16")}  # a profile's colour space, and the modes that it describes
PLAIN = {"1": "L", "P": "RGB", "PA": "RGBA", "RGBX": "RGB", "RGBa": "RGBA", "La": "LA"}
KEPT = ("L", "LA", "RGB", "RGBA", "I;16")
COMPRESSION = 3  # of zlib's 1 to 9; the default takes twice as long for a twentieth fewer bytes
PPM = re.compile(rb"P6\s+(?:#[^\n]*\s+)*\d+\s+(?:#[^\n]*\s+)*\d+\s+(?:#[^\n]*\s+)*(\d+)\s")
ADVICE = "convert it to a PNG of 8 bits a colour first"


@dataclass(frozen=True)
class Still:
    """A picture's pixels, upright: RGB or RGBA, 16-bit grey (I;16), or L and LA where a profile says what its greys are.

    `profile` is its ICC profile where that describes these pixels, `colour` the chunks of a PNG that say what its numbers mean.
    """

    image: Image.Image
    profile: bytes | None = field(default=None, repr=False)
    colour: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def seen(self) -> Image.Image:
        """As RGB, on white where it is transparent."""
        image = self.image.copy()
        image.info.pop("transparency", None)
        return on_white(to_rgb(image))

    def encoded(self, image: Image.Image) -> Picture:
        """Other pixels of the same kind as a PNG, which mean the same colours."""
        return png(image, profile=self.profile, chunks=self.colour, **_key(self.image))


def png(image: Image.Image, *, profile: bytes | None = None, chunks: tuple[tuple[bytes, bytes], ...] = (), **options: Any) -> Picture:
    """A PNG of these pixels, without what Pillow knows of the file that they came from."""
    from PIL.PngImagePlugin import PngInfo

    said, buffer = PngInfo(), io.BytesIO()
    for name, content in chunks:
        said.add(name, content)
    image.save(buffer, "PNG", icc_profile=profile, pnginfo=said, compress_level=COMPRESSION, **options)
    return Picture(buffer.getvalue())


def pillow_version() -> str:
    """The version of Pillow, on which the bytes of what it encodes depend."""
    from PIL import __version__

    return __version__


def on_white(image: Image.Image) -> Image.Image:
    """RGB of RGB or RGBA, with white where it is transparent."""
    from PIL import Image

    if image.mode == "RGB":
        return image
    ground = Image.new("RGBA", image.size, "white")
    ground.alpha_composite(image)
    return ground.convert("RGB")


def still_of(picture: Picture) -> Still:
    """The picture's pixels. PictureError by name for what cannot be worked on without loss: see `refuse_unworkable`."""
    data = picture.data
    refuse_unworkable(picture)
    image = Picture(data).image
    profile, key = image.info.get("icc_profile"), image.info.get("transparency")
    plain = _plain(image, _space(profile))
    plain.info = {"transparency": key} if plain.mode == "I;16" and isinstance(key, int) else {}
    return Still(plain, profile if plain.mode in AGREES.get(_space(profile), ()) else None, tuple(_colour_chunks(data)))


def _plain(image: Image.Image, space: str) -> Image.Image:
    """The same pixels in a mode of `KEPT`."""
    if image.mode.startswith("I"):
        return image if image.mode == "I;16" else image.convert("I").convert("I;16")
    has_key, mode = "transparency" in image.info, PLAIN.get(image.mode, image.mode)
    if mode in ("L", "LA") and space != "GRAY":
        mode = {"L": "RGB", "LA": "RGBA"}[mode]
    mode = {"RGB": "RGBA", "L": "LA"}.get(mode, mode) if has_key else mode
    return image if image.mode == mode else image.convert(mode)


def _space(profile: object) -> str:
    """The colour space that an ICC profile describes, in its own four letters."""
    return profile[16:20].decode("latin-1") if isinstance(profile, bytes) and len(profile) >= 128 else ""


def _key(image: Image.Image) -> dict[str, Any]:
    """The grey that is transparent, of 16-bit grey."""
    return {"transparency": image.info["transparency"]} if "transparency" in image.info else {}


def _colour_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Those of a PNG that say what its numbers mean; none of another file."""
    if media_type(data) == "image/png":
        before_pixels = takewhile(lambda part: part[0] != b"IDAT", parts(data, PNG_PARTS))
        yield from ((kind, data[begin:end]) for kind, begin, end in before_pixels if kind in COLOR_CHUNKS)


# What is refused


def refuse_unworkable(picture: Picture) -> None:
    """PictureError, by what it is, for a picture whose pixels cannot be worked on without loss: one that Pillow does not read, an
    animation, several pages, inks, more than 8 bits a colour. Reads its header only.
    """
    try:
        image = picture.header
    except PictureError:
        said = f"The picture {picture.sha256[:10]} ({picture.mime_type}) cannot be cut, for Pillow does not read it"
        raise PictureError(f"{said}; {ADVICE}.") from None
    if what := _unworkable(image, picture):
        raise PictureError(f"The picture {picture.sha256[:10]} ({picture.mime_type}) cannot be cut: it {what}; {ADVICE}.")


def _unworkable(image: Image.Image, picture: Picture) -> str:
    kind, frames = str(getattr(image, "format", "")), picture.frames
    if frames > 1 and kind not in ("MPO", "PSD"):  # of these the others are previews and layers, which nobody is shown alone
        return f"has {frames} pages" if kind == "TIFF" else f"is an animation of {frames} frames"
    if image.mode == "CMYK":
        return "is in CMYK, four inks"
    if image.mode not in (*KEPT, *PLAIN) and not _is_grey_of_16_bits(image, kind):
        return f"has pixels of the kind {image.mode}"
    bits = _bits(kind, image, picture.data)
    return f"has {bits} bits a colour, of which 8 would be left" if bits > 8 else ""


def _is_grey_of_16_bits(image: Image.Image, kind: str) -> bool:
    return image.mode.startswith("I;16") or (image.mode == "I" and kind == "PNG")


def _bits(kind: str, image: Image.Image, data: bytes) -> int:
    """How many bits each colour has in the file, of those files that may have more than Pillow takes; 8 of all others, and of grey."""
    if image.mode.startswith("I"):
        return 8
    if kind == "PNG":
        return data[24] if data[25] else 8
    if kind == "TIFF":
        sizes = getattr(image, "tag_v2", {}).get(258) or (8,)
        return max(sizes) if isinstance(sizes, tuple) else int(sizes)
    if kind == "PPM":
        most = PPM.match(data)
        return int(most[1]).bit_length() if most else 8
    return {"JPEG2000": _bits_of_jpeg_2000, "AVIF": _bits_of_avif}.get(kind, lambda _: 8)(data)


def _bits_of_jpeg_2000(data: bytes) -> int:
    start = data.find(b"\xff\x4f\xff\x51")  # the code stream's beginning, and its SIZ segment
    if start < 0 or len(data) < start + 43:
        return 8
    count = struct.unpack_from(">H", data, start + 40)[0]
    return max(((b & 0x7F) + 1 for b in data[start + 42 : start + 42 + 3 * count : 3]), default=8)


def _bits_of_avif(data: bytes) -> int:
    start = data.find(b"av1C")
    flags = data[start + 6] if 0 <= start < len(data) - 6 else 0
    return 12 if flags & 0x60 == 0x60 else 10 if flags & 0x40 else 8
