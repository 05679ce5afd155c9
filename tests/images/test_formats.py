"""Formats of picture files: the type that bytes show, whether a file is whole, and the suffix of each type."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.loopback import png
from kit.pictures import HEIC, box, file_of
from PIL import Image

from promptkit.errors import PictureError
from promptkit.images.formats import complete, has_exif, media_type, suffix_of
from promptkit.images.picture import Picture

TYPES: dict[str, tuple[bytes, str | None]] = {
    "png": (png(), "image/png"),
    "jpeg": (file_of("JPEG"), "image/jpeg"),
    "webp": (file_of("WEBP"), "image/webp"),
    "gif": (file_of("GIF"), "image/gif"),
    "gif87": (b"GIF87a" + bytes(20), "image/gif"),
    "bmp": (file_of("BMP"), "image/bmp"),
    "tiff": (file_of("TIFF"), "image/tiff"),
    "tiff, big end": (b"MM\0*" + bytes(20), "image/tiff"),
    "avif": (file_of("AVIF"), "image/avif"),
    "avif under another brand": (box(b"ftyp", b"mif1\0\0\0\0miafavif"), "image/avif"),
    "heic": (HEIC, "image/heic"),
    "heic under another brand": (box(b"ftyp", b"mif1\0\0\0\0mif1heic"), "image/heic"),
    "heif": (box(b"ftyp", b"mif1\0\0\0\0mif1"), "image/heif"),
    "video": (box(b"ftyp", b"isom\0\0\0\0mp42"), None),
    "riff of sound": (b"RIFF\0\0\0\0WAVE", None),
    "text": (b"BMW is what this text of some length begins with.", None),
    "html": (b"<!doctype html>", None),
    "nothing": (b"", None),
    "half a signature": (b"\x89PNG\r\n", None),
}


@pytest.mark.parametrize("name", TYPES)
def test_the_type_is_what_the_bytes_say(name: str) -> None:
    """Each type is known by its first bytes, and what is no picture has none."""
    data, kind = TYPES[name]
    assert media_type(data) == kind


WHOLE = {
    "png": png(size=(3, 2)),
    "apng": file_of("PNG", save_all=True, append_images=[Image.new("RGB", (12, 8), "blue")]),
    "jpeg": file_of("JPEG"),
    "progressive jpeg": file_of("JPEG", progressive=True),
    "jpeg with a thumbnail": file_of("JPEG", exif=b"Exif\0\0" + file_of("JPEG", size=(4, 4))),
    "webp": file_of("WEBP"),
    "avif": file_of("AVIF"),
    "heic": HEIC,
}


@pytest.mark.parametrize("name", WHOLE)
def test_half_a_picture_is_told_from_a_whole_one(name: str) -> None:
    """A whole picture is complete, with bytes behind it too; cut anywhere it is not, thumbnails and chunks inside notwithstanding."""
    data = WHOLE[name]
    assert complete(data)
    assert complete(data + bytes(3))
    assert [i for i in range(len(data)) if complete(data[:i])] == []


@given(data=st.binary(max_size=60), start=st.sampled_from([png()[:8], file_of("JPEG")[:2], file_of("JPEG")[:30], HEIC[:24], b"RIFF", b""]))
def test_no_bytes_are_too_odd_to_look_at(data: bytes, start: bytes) -> None:
    """Looking at bytes ends, and raises nothing, whatever they are; opening them raises PictureError at most."""
    media_type(start + data), complete(start + data), has_exif(start + data)
    with contextlib.suppress(PictureError):
        Picture.open(start + data)


LYING = Image.Exif()
LYING[0x112] = 6
PNG_LYING = file_of("PNG", exif=LYING)
PLACE = PNG_LYING.index(b"eXIf") - 4
CHUNK = PNG_LYING[PLACE : PNG_LYING.index(b"IDAT") - 4]
EXIF = {
    "png": (PNG_LYING, True),
    "png, behind the pixels": (PNG_LYING.replace(CHUNK, b"")[:-12] + CHUNK + PNG_LYING[-12:], True),
    "jpeg": (file_of("JPEG", exif=LYING), True),
    "webp": (file_of("WEBP", exif=LYING), True),
    "tiff that names it": (file_of("TIFF") + b"Exif", True),
    "png without": (file_of("PNG"), False),
    "png, the name among the pixels": (png()[:-12].replace(b"IDAT", b"IDAT\0eXIf") + png()[-12:], False),
    "jpeg without": (file_of("JPEG"), False),
    "jpeg, the name among the pixels": (file_of("JPEG")[:-2] + b"Exif\0\0" + b"\xff\xd9", False),
    "webp, the name among the pixels": (file_of("WEBP", lossless=True)[:-2] + b"EXIF", False),
    "tiff without": (file_of("TIFF"), False),
    "half a signature": (b"\x89PNG\r\n", False),
}


@pytest.mark.parametrize("name", EXIF)
def test_exif_is_found_in_the_parts_that_hold_it(name: str) -> None:
    """EXIF is found wherever its format lets it stand, before the pixels or behind them; pixels that spell its name are none."""
    data, expected = EXIF[name]
    assert has_exif(data) is expected


def test_a_suffix_for_each_type() -> None:
    """The suffix added is one that says the type; a type that is not known gets one that promises nothing."""
    assert [suffix_of(k) for k in ("image/png", "image/jpeg", "image/jp2", "image/strange")] == [".png", ".jpg", ".jp2", ".img"]
