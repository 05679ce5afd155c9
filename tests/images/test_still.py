"""A picture's pixels to work on: which are refused, and what is kept of the meaning of the others. Up to one picture in memory."""

from __future__ import annotations

import io

import pytest
from kit.pictures import HEIC, encoded, scene
from kit.stills import GREY_PROFILE, refused, stills
from PIL import Image

from promptkit import Picture, PictureError
from promptkit.images.picture import to_rgb
from promptkit.images.still import refuse_unworkable, still_of

STILLS, REFUSED = stills(), refused()


@pytest.mark.parametrize("name", STILLS)
def test_the_same_pixels_mean_the_same_colours(name: str) -> None:
    """A picture written anew from its own pixels looks as it did, with its size as people see it, transparency and profile."""
    before = STILLS[name]
    still = still_of(before)
    after = still.encoded(still.image)
    assert after.mime_type == "image/png"
    assert after.seen_size == after.size == before.seen_size
    assert _seen(after) == _seen(before)
    assert after.image.info.get("icc_profile") == still.profile


def _seen(picture: Picture) -> bytes:
    """The pixels as people see them: what is transparent has no colour."""
    return to_rgb(picture.image).convert("RGBA").convert("RGBa").tobytes()


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_lose_pixels_is_refused_by_name(name: str) -> None:
    """Inks, several frames or pages, and more than 8 bits a colour are named, with what to do."""
    picture, what = REFUSED[name]
    with pytest.raises(PictureError, match=what) as caught:
        refuse_unworkable(picture)
    assert "convert it to a PNG of 8 bits a colour first." in str(caught.value)


def test_what_pillow_does_not_read_is_refused_by_its_type() -> None:
    """A phone's HEIC goes to a service as it is, and cannot be cut here."""
    with pytest.raises(PictureError, match=r"\(image/heic\) cannot be cut, for Pillow does not read it"):
        refuse_unworkable(Picture(HEIC))


def test_jpeg_2000_is_refused_by_its_bits() -> None:
    """Pillow reads 16 bits a colour of it as 8, and says nothing; 16 bits of grey it keeps. An AVIF of 8 bits passes too."""
    assert still_of(_of(Image.new("I;16", (20, 20), 40_000), "JPEG2000")).image.mode == "I;16"
    for kind in ("JPEG2000", "AVIF"):
        refuse_unworkable(_of(Image.new("RGB", (20, 20)), kind))
    data = bytearray(_of(Image.new("RGB", (20, 20)), "JPEG2000").data)
    at = data.index(b"\xff\x4f\xff\x51") + 42
    data[at : at + 9 : 3] = b"\x0f" * 3
    with pytest.raises(PictureError, match="16 bits a colour"):
        refuse_unworkable(Picture(bytes(data)))


def _of(image: Image.Image, kind: str) -> Picture:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return Picture(buffer.getvalue())


def test_a_profile_of_other_pixels_is_left_out() -> None:
    """A profile that does not describe the pixels is not written over them: a grey one says nothing of colours."""
    assert still_of(encoded(scene((20, 20)), icc_profile=GREY_PROFILE)).profile is None
    assert still_of(STILLS["grey by a profile"]).profile == GREY_PROFILE
    assert [name for name, _ in still_of(STILLS["gamma"]).colour] == [b"gAMA"]
