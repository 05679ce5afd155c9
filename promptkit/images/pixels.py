"""A picture's pixels as they are meant, and back into a file: upright, with the profile or the gamma that says what their colours are.

A profile goes along into what is written. A PNG's gamma goes along into a PNG; other types cannot hold it, so there it is applied.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from promptkit.errors import PictureError
from promptkit.images.formats import color_chunks, has_credentials, is_lossless_webp
from promptkit.images.picture import Picture, to_rgb

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["KINDS", "LOSSLESS", "Pixels", "Written", "bands_text", "color_text", "kind_of", "pixels_of"]

KINDS = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP", "avif": "AVIF"}  # what can be written, by promptkit's names and by Pillow's
LOSSLESS = ("png",)
NEARLY_LOSSLESS = 95  # the quality at which no step should be seen
FULL_COLOR = 90  # the quality from which on a JPEG keeps the colour of each pixel
LEAST_QUALITY = 30  # below it a picture is not worth having
KEPT = ("L", "LA", "RGB", "RGBA", "I;16")  # modes that are worked in as they are
GREY_PROFILE, INK_PROFILE = b"GRAY", b"CMYK"
PNG_DEPTH = 24  # where a PNG says how many bits a colour has
HEADER_END = 33  # of a PNG: where its header chunk has ended
SCREEN = 2.2  # the exponent of the screens that sRGB is for
SAME_GAMMA = 0.02  # two exponents that differ by less show the same


@dataclass(frozen=True)
class Written:
    """A file that was written: the quality that it has, None for a lossless one, and what a person should know."""

    data: bytes
    quality: int | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pixels:
    """Upright pixels (mode L, LA, RGB, RGBA or I;16) and what their colours mean: an ICC profile, a PNG's colour chunks, or else sRGB.

    `kind` is the type that a picture made of them has by itself, `is_lossless` whether a WebP was that, `notes` what a person should know.
    """

    image: Image.Image
    kind: str
    profile: bytes | None = None
    chunks: Mapping[bytes, bytes] = field(default_factory=dict)
    is_lossless: bool = False
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as people see them."""
        return self.image.size

    @property
    def has_alpha(self) -> bool:
        """Whether pixels can be transparent."""
        return self.image.mode.endswith("A")

    def with_image(self, image: Image.Image) -> Pixels:
        """Other pixels with the same meaning of their colours."""
        return replace(self, image=image)

    def resized(self, size: tuple[int, int], box: tuple[float, float, float, float] | None = None) -> Pixels:
        """The part in that box (by default all) at another size in pixels; what is transparent has no colour that could bleed."""
        from PIL import Image

        filters = Image.Resampling
        sharp = filters.BILINEAR if self.image.mode == "I;16" else filters.LANCZOS  # LANCZOS overshoots, and 16 bits would wrap round
        return self.with_image(self.image.resize(size, sharp, box=box))

    def on(self, size: tuple[int, int], at: tuple[int, int], fill: str) -> Pixels:
        """The picture laid on a canvas of that size, filled with a colour (#rrggbb or #rrggbbaa, in sRGB)."""
        from PIL import Image, ImageColor

        color = ImageColor.getcolor(fill, "RGBA")
        assert isinstance(color, tuple)
        work = self._for_color(color)
        canvas = Image.new(work.image.mode, size, work._own(color))
        if work.has_alpha:
            layer = Image.new(work.image.mode, size)
            layer.paste(work.image, at)
            canvas.alpha_composite(layer)
        else:
            canvas.paste(work.image, at)
        return work.with_image(canvas)

    def written(self, kind: str, quality: int | None = None, max_bytes: int | None = None, ground: str = "#ffffff") -> Written:
        """As a file of that type (of KINDS). `quality` is from 1 to 100 (by default 95, and of a lossless WebP none is lost), and lowered
        until the file has at most `max_bytes`. What is transparent lies on `ground` where the type knows no transparency. PictureError
        where it does not fit, or is too large.
        """
        work = self._for_kind(kind, ground)
        encode = work._encoder(kind)
        keeps_all = kind in LOSSLESS or (kind == "webp" and self.is_lossless and quality is None)
        wanted = None if keeps_all else quality or NEARLY_LOSSLESS
        file = Written(encode(wanted), wanted)
        if max_bytes is not None and len(file.data) > max_bytes:
            file = _within(encode, wanted, max_bytes) or file
        if max_bytes is not None and len(file.data) > max_bytes:
            raise PictureError(_too_many_bytes(encode, wanted, max_bytes, kind, work.size))
        return replace(file, notes=work.notes)

    # Colours

    def _for_color(self, color: tuple[int, ...]) -> Pixels:
        """The same in a mode that has that colour; without transparency where that covers all."""
        if color[3] < 255:
            return self._as_rgb()._with_alpha()
        if self.has_alpha:
            return self._without_alpha(color)
        return self if color[0] == color[1] == color[2] else self._as_rgb()

    def _own(self, color: tuple[int, ...]) -> Any:
        """An sRGB colour as these pixels say it."""
        from PIL import Image

        if self.image.mode == "I;16":
            return color[0] * 257
        one = Image.new("RGB", (1, 1), color[:3])
        if self.profile is not None:
            one = _between(one, None, self.profile, self.image.mode.removesuffix("A"))
        elif exponent := _exponent(self.chunks):
            one = _curved(one, 1 / exponent)
        own = one.convert(self.image.mode.removesuffix("A")).getpixel((0, 0))
        bands = own if isinstance(own, tuple) else (own,)
        bands = (*bands, color[3]) if self.has_alpha else bands
        return bands if len(bands) > 1 else bands[0]

    def _as_rgb(self) -> Pixels:
        """The same as RGB or RGBA: greys with a profile of their own become sRGB, 16 bits become 8."""
        image, mode = self.image, self.image.mode
        if mode in ("RGB", "RGBA"):
            return self
        if mode == "I;16":
            note = "its 16 bits of grey became 8"
            return replace(self, image=to_rgb(image.copy()), profile=None, notes=(*self.notes, note))
        if self.profile is None:
            return replace(self, image=image.convert("RGBA" if self.has_alpha else "RGB"))
        shown = _between(image.convert("L"), self.profile, None, "RGB")
        if self.has_alpha:
            shown.putalpha(image.getchannel("A"))
        return replace(self, image=shown, profile=None)

    def _with_alpha(self) -> Pixels:
        return self if self.has_alpha else self.with_image(self.image.convert("RGBA"))

    def _without_alpha(self, color: tuple[int, ...]) -> Pixels:
        """Laid on that colour."""
        from PIL import Image

        work = self._as_rgb()
        ground = Image.new("RGBA", work.size, work._own((*color[:3], 255)))
        ground.alpha_composite(work.image)
        return work.with_image(ground.convert("RGB"))

    def _for_kind(self, kind: str, ground: str) -> Pixels:
        """The same as that type can hold it."""
        from PIL import ImageColor

        work = self
        if work.image.mode == "I;16" and kind != "png":
            work = work._as_rgb()
        if kind != "png" and (exponent := _exponent(work.chunks)):
            work = replace(work, image=_curved(work.image, exponent), chunks={})
        if kind == "jpeg" and work.has_alpha:
            color = ImageColor.getcolor(ground, "RGBA")
            assert isinstance(color, tuple)
            work = work._without_alpha(color)
        return work._as_rgb() if kind in ("webp", "avif") else work

    # Files

    def _encoder(self, kind: str) -> Callable[[int | None], bytes]:
        def encoded(quality: int | None) -> bytes:
            buffer = io.BytesIO()
            options = {"icc_profile": self.profile} if self.profile else {}
            try:
                self._bare().save(buffer, KINDS[kind], **options, **self._options(kind, quality))
            except Exception as error:  # Pillow's encoders raise whatever their format's code raises
                raise PictureError(_unwritten(kind, self.size, error)) from None
            return _with_chunks(buffer.getvalue(), self.chunks) if kind == "png" else buffer.getvalue()

        return encoded

    def _bare(self) -> Image.Image:
        """Without the file's other metadata, which Pillow would write again."""
        image = self.image.copy()
        image.info = {}
        return image

    def _options(self, kind: str, quality: int | None) -> dict[str, Any]:
        if quality is None:
            return {"lossless": True, "exact": True} if kind == "webp" else {}
        if kind == "jpeg":
            return {"quality": quality, "subsampling": 0 if quality >= FULL_COLOR else 2, "optimize": True}
        return {"quality": quality}


def pixels_of(picture: Picture) -> Pixels:
    """A picture's pixels, decoded. PictureError where Pillow cannot read it, with the reason."""
    data, image = picture.data, picture.image
    kind, said = kind_of(picture.mime_type), [*_frames(image, picture.mime_type)]
    image, profile, notes = _worked_in(image, image.info.get("icc_profile") or None)
    said += notes
    if picture.mime_type == "image/png" and data[PNG_DEPTH] == 16 and image.mode != "I;16":
        said.append("its 16 bits a colour became 8")
    if has_credentials(data):
        said.append("its content credentials stay with the picture that it was made from")
    chunks = {} if profile else color_chunks(data)
    return Pixels(image, kind if kind and _can_write(kind) else "png", profile, chunks, is_lossless_webp(data), tuple(said))


def kind_of(mime_type: str) -> str | None:
    """The name in KINDS of a type such as image/webp; None for one that is not written."""
    kind = mime_type.removeprefix("image/")
    return kind if kind in KINDS else None


def _can_write(kind: str) -> bool:
    from PIL import Image

    Image.init()
    return KINDS[kind] in Image.SAVE


# Reading


def _frames(image: Image.Image, mime_type: str) -> Iterator[str]:
    """What is said of a picture of several frames or pages; phones' JPEGs hold further pictures, and are one all the same."""
    count = 1
    with suppress(Exception):  # of a file that Pillow reads in part
        count = int(getattr(image, "n_frames", 1))
    if count > 1 and mime_type != "image/jpeg":
        yield f"of its {count} frames the first was taken"


def color_text(given: str) -> str | None:
    """A colour as #rrggbb, or #rrggbbaa where it is not opaque; None for what names none."""
    from PIL import ImageColor

    try:
        bands = ImageColor.getcolor(given.strip(), "RGBA")
    except ValueError:
        return None
    assert isinstance(bands, tuple)
    return bands_text(bands)


def bands_text(bands: Sequence[int]) -> str:
    """Red, green, blue and alpha, from 0 to 255, as #rrggbb, or #rrggbbaa where it is not opaque."""
    return "#" + "".join(f"{band:02x}" for band in (bands[:3] if bands[3] == 255 else bands))


def _worked_in(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, bytes | None, list[str]]:
    """The image in a mode that is worked in, the profile that still describes it, and what is lost."""
    if "transparency" not in image.info:
        if image.mode in KEPT:
            return image, profile, []
        if image.mode == "1":
            return image.convert("L"), profile, []
        if image.mode.startswith("I;16"):
            return image.convert("I").convert("I;16"), None, []
    if image.mode == "RGB":  # with one colour that is transparent
        return image.convert("RGBA"), profile, []
    if image.mode in ("P", "PA", "RGBX"):
        return to_rgb(image), profile, []
    is_ink = image.mode == "CMYK"
    notes = ["its inks (CMYK) became the colours of a screen (sRGB)"] if is_ink else []
    if is_ink and profile is not None and profile[16:20] == INK_PROFILE:
        return _between(image, profile, None, "RGB"), None, notes
    return to_rgb(image), None, notes


def _between(image: Image.Image, source: bytes | None, target: bytes | None, mode: str) -> Image.Image:
    """The colours of one profile as those of another (None: sRGB); a profile that cannot be used counts as none."""
    from PIL import ImageCms

    def opened(profile: bytes | None) -> Any:
        return ImageCms.createProfile("sRGB") if profile is None else ImageCms.ImageCmsProfile(io.BytesIO(profile))

    image = image.copy()
    image.info.pop("icc_profile", None)
    try:
        done = ImageCms.profileToProfile(image, opened(source), opened(target), outputMode=mode)
    except (ImageCms.PyCMSError, ImportError, OSError, TypeError, ValueError):  # ImportError: a Pillow without littlecms
        return to_rgb(image).convert(mode)
    assert done is not None
    done.info.pop("icc_profile", None)
    return done


def _exponent(chunks: Mapping[bytes, bytes]) -> float:
    """To which power a PNG's values are shown, where its gamma says so; 0.0 where they are shown as they are."""
    if b"gAMA" not in chunks or b"sRGB" in chunks or b"cICP" in chunks:
        return 0.0
    gamma = int.from_bytes(chunks[b"gAMA"][8:12]) / 100_000
    exponent = 1 / (gamma * SCREEN) if gamma else 0.0
    return 0.0 if abs(exponent - 1) < SAME_GAMMA else exponent


def _curved(image: Image.Image, exponent: float) -> Image.Image:
    """The values, from 0 to 1, raised to a power; those of alpha stay."""
    from PIL import Image

    curve = [round(255 * (value / 255) ** exponent) for value in range(256)]
    bands = [band if name == "A" else band.point(curve) for name, band in zip(image.getbands(), image.split(), strict=True)]
    return Image.merge(image.mode, bands) if len(bands) > 1 else bands[0]


# Writing


def _with_chunks(data: bytes, chunks: Mapping[bytes, bytes]) -> bytes:
    return data[:HEADER_END] + b"".join(chunks.values()) + data[HEADER_END:]


def _within(encode: Callable[[int | None], bytes], wanted: int | None, max_bytes: int) -> Written | None:
    """The file of the best quality below that one that is not too large; None where even the lowest is."""
    best, low, high = None, LEAST_QUALITY, (wanted or 0) - 1
    while low <= high:
        middle = (low + high) // 2
        data = encode(middle)
        if len(data) <= max_bytes:
            best, low = Written(data, middle), middle + 1
        else:
            high = middle - 1
    return best


def _too_many_bytes(encode: Callable[[int | None], bytes], wanted: int | None, max_bytes: int, kind: str, size: tuple[int, int]) -> str:
    least = wanted and min(wanted, LEAST_QUALITY)
    how = f"at quality {least}, the lowest that is tried" if least else "without loss"
    advice = "give a smaller size" if least else 'give a type with a quality, such as "webp", or a smaller size'
    said = f"{size[0]}×{size[1]} pixels as {kind} take {len(encode(least)):,} bytes {how}, and max_bytes is {max_bytes:,}"
    return f"{said}; {advice}."


def _unwritten(kind: str, size: tuple[int, int], error: Exception) -> str:
    why = str(error).rstrip(".") or type(error).__name__
    return f"{size[0]}×{size[1]} pixels cannot be written as {kind}: {why}; give another type (png, jpeg, webp), or a smaller size."
