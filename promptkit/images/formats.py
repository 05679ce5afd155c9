"""Formats of picture files, told by their bytes without decoding: which one a file has, whether it is whole, its suffix, and whether it
carries EXIF or content credentials."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

__all__ = [
    "PICTURE_SUFFIXES",
    "PNG_PARTS",
    "SUFFIXES",
    "WEBP_PARTS",
    "color_chunks",
    "complete",
    "has_credentials",
    "has_exif",
    "is_lossless_webp",
    "jpeg_segments",
    "media_type",
    "names_credentials",
    "parts",
    "suffix_of",
]

SUFFIXES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/bmp": ".bmp",
    "image/tiff": ".tif",
    "image/heic": ".heic",
    "image/heif": ".heif",
    "image/avif": ".avif",
    "image/jp2": ".jp2",
    "image/x-icon": ".ico",
    "image/x-portable-pixmap": ".ppm",
    "image/vnd.adobe.photoshop": ".psd",
}
PICTURE_SUFFIXES = (*SUFFIXES.values(), ".jpeg", ".jpe", ".jfif", ".tiff", ".dib", ".pnm", ".pgm", ".pbm")  # of files of pictures
AVIF_BRANDS = (b"avif", b"avis")
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx")
HEIF_BRANDS = (b"mif1", b"msf1")  # what the pictures inside are, the other brands say
# C2PA 2.2, section 11 and appendix A: a manifest store is a JUMBF box of this type in whatever container; XMP may name one elsewhere
MANIFEST_STORE = b"jumdc2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71"
PROVENANCE = b"dcterms:provenance"
COLOR_CHUNKS = (b"cICP", b"gAMA", b"cHRM", b"sRGB")  # what the colours of a PNG without a profile mean
IN_BLOCKS = re.compile(b"|".join(PROVENANCE[:i] + b"." + PROVENANCE[i:] for i in range(1, len(PROVENANCE))), re.DOTALL)
JUMBF_SEGMENT = re.compile(rb"\xff\xeb..JP.{10}jumb", re.DOTALL)  # APP11; other boxes in it are JPEG XT's
BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)  # bytes; a text may well begin with BM


def media_type(data: bytes) -> str | None:
    """The type that the first bytes show, such as image/png; None where they show no picture that is known here."""
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "image/png"
    if data[:3] == b"\xff\xd8\xff":
        return "image/jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:8] == b"ftyp":
        return _ftyp_type(data)
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif"
    if data[:4] in (b"II*\0", b"MM\0*"):
        return "image/tiff"
    return "image/bmp" if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in BMP_HEADERS else None


def _ftyp_type(data: bytes) -> str | None:
    size = min(int.from_bytes(data[:4]), 256)
    brands = [data[8:12], *(data[i : i + 4] for i in range(16, size - 3, 4))]
    if brands[0] not in (*AVIF_BRANDS, *HEIC_BRANDS, *HEIF_BRANDS):
        return None
    if any(b in AVIF_BRANDS for b in brands):
        return "image/avif"
    return "image/heic" if any(b in HEIC_BRANDS for b in brands) else "image/heif"


def complete(data: bytes) -> bool:
    """Whether the container has its end: PNG's IEND, JPEG's EOI, RIFF's length, the last box of AVIF and HEIF. A cheap look, without
    decoding; other types pass.
    """
    kind = media_type(data)
    if kind == "image/png":
        return _has_png_end(data)
    if kind == "image/jpeg":
        return _has_jpeg_end(data)
    if kind == "image/webp":
        return len(data) >= int.from_bytes(data[4:8], "little") + 8
    if kind in ("image/avif", "image/heic", "image/heif"):
        return _has_all_boxes(data)
    return kind is not None


def has_exif(data: bytes) -> bool:
    """Whether the file may hold EXIF: of PNG and WebP whether it has such a part, of JPEG whether the name stands before its pixels, of
    other types whether it stands anywhere. Of the first three only the heads of their parts are looked at, not the pixels.
    """
    kind = media_type(data)
    if kind == "image/png":
        return _has_part(data, b"eXIf", PNG_PARTS)
    if kind == "image/webp":
        return _has_part(data, b"EXIF", WEBP_PARTS)
    if kind == "image/jpeg":
        return data.find(b"Exif", 0, _jpeg_pixels(data)) > 0
    return any(mark in data for mark in (b"Exif", b"eXIf", b"EXIF"))


def _has_png_end(data: bytes) -> bool:
    start = 8
    while data[start + 4 : start + 8] not in (b"IEND", b""):
        start += 12 + int.from_bytes(data[start : start + 4])
    return 8 < start <= len(data) - 12


def _has_jpeg_end(data: bytes) -> bool:
    # a thumbnail, with an end of its own, lies in the segments before the pixels
    start = _jpeg_pixels(data)
    return start < len(data) and data.find(b"\xff\xd9", start) > 0


def _jpeg_pixels(data: bytes) -> int:
    """Where the segment of the picture itself begins, behind all others; the length of the data where there is none."""
    return next((begin - 4 for marker, begin, _ in jpeg_segments(data) if marker == 0xDA), len(data))


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """The segments of a JPEG, up to that of the picture itself: the marker of each, and where its content begins and ends."""
    start = 2
    while 0 <= (start := data.find(b"\xff", start)) < len(data) - 3:
        marker = data[start + 1]
        if marker == 0xFF:
            start += 1
        elif marker in (0x00, 0x01, *range(0xD0, 0xDA)):  # those without a length
            start += 2
        else:
            end = start + 2 + int.from_bytes(data[start + 2 : start + 4])
            yield marker, start + 4, end
            if marker == 0xDA:
                return
            start = end


def _has_all_boxes(data: bytes) -> bool:
    start, kinds = 0, set()
    while start <= len(data) - 8:
        size = int.from_bytes(data[start : start + 4])
        kinds.add(data[start + 4 : start + 8])
        if size == 0:  # up to the end of the file
            size = len(data) - start
        elif size == 1:
            size = int.from_bytes(data[start + 8 : start + 16])
        start += max(size, 8)
    return start <= len(data) and b"mdat" in kinds and not kinds.isdisjoint((b"meta", b"moov"))


def suffix_of(mime_type: str) -> str:
    """The file suffix for a type, with its dot."""
    return SUFFIXES.get(mime_type, ".img")


# The parts that a file is made of


class Parts(NamedTuple):
    """How a format lays out its parts (chunks): `around` is how many bytes one has besides its content."""

    start: int
    order: Literal["big", "little"]
    kind_at: int
    around: int
    padded: bool


PNG_PARTS = Parts(start=8, order="big", kind_at=4, around=12, padded=False)
WEBP_PARTS = Parts(start=12, order="little", kind_at=0, around=8, padded=True)


def _has_part(data: bytes, wanted: bytes, layout: Parts) -> bool:
    """Whether there is a part of that kind."""
    return any(kind == wanted for kind, _, _ in parts(data, layout))


def parts(data: bytes, layout: Parts) -> Iterator[tuple[bytes, int, int]]:
    """The kind of each part of a PNG or WebP, and where its content begins and ends; the last may be cut."""
    start = layout.start
    while start <= len(data) - 8:
        size = int.from_bytes(data[start + 4 - layout.kind_at : start + 8 - layout.kind_at], layout.order)
        yield data[start + layout.kind_at : start + layout.kind_at + 4], start + 8, start + 8 + size
        start += layout.around + size + (size % 2 if layout.padded else 0)


def is_lossless_webp(data: bytes) -> bool:
    """Whether it is a WebP that keeps each pixel."""
    return media_type(data) == "image/webp" and _has_part(data, b"VP8L", WEBP_PARTS)


def color_chunks(data: bytes) -> dict[bytes, bytes]:
    """The chunks of a PNG that say what its colours mean, whole, by their kind; none where it has a profile, which says more."""
    found: dict[bytes, bytes] = {}
    for kind, begin, end in parts(data, PNG_PARTS) if media_type(data) == "image/png" else ():
        if kind == b"iCCP":
            return {}
        if kind == b"IDAT":
            break
        if kind in COLOR_CHUNKS:
            found[kind] = data[begin - 8 : end + 4]
    return found


# Content credentials (C2PA)


def has_credentials(data: bytes) -> bool:
    """Whether the file carries content credentials, or names some elsewhere; whether they are valid is not looked at.

    Such a file stays byte for byte as it is, for a signature covers nearly all of it: one that is changed reads as tampered with.
    """
    return MANIFEST_STORE in data or names_credentials(data) or _has_place_for_credentials(data)


def names_credentials(data: bytes) -> bool:
    """Whether it holds XMP that says where its credentials are."""
    is_split = media_type(data) == "image/gif" and IN_BLOCKS.search(data)  # a block's length may stand in the middle of a GIF's text
    return PROVENANCE in data or bool(is_split)


def _has_place_for_credentials(data: bytes) -> bool:
    """Whether there is the part that holds them, whatever is in it."""
    kind = media_type(data)
    if kind == "image/png" and b"caBX" in data:  # four bytes come about by chance, too
        return _has_part(data, b"caBX", PNG_PARTS)
    if kind == "image/webp" and b"C2PA" in data:
        return _has_part(data, b"C2PA", WEBP_PARTS)
    return kind == "image/jpeg" and JUMBF_SEGMENT.search(data) is not None
