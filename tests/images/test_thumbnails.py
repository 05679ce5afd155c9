"""Thumbnails: how large, how sharp, and what is kept of them on disk."""

from __future__ import annotations

import base64
import io
import os
import random
import stat
import threading
from pathlib import Path

import pytest
from kit.loopback import png
from kit.pictures import encoded, scene
from PIL import Image, ImageCms

from promptkit import Picture, Session
from promptkit.images.thumbnails import forget_thumbnails, make_thumbnails


def noise(size: tuple[int, int]) -> Picture:
    """The worst case for any codec."""
    return encoded(Image.frombytes("RGB", size, random.Random(1).randbytes(3 * size[0] * size[1])))


def shown(picture: Picture, pixels: int) -> Image.Image:
    data = base64.b64decode(picture.thumbnail(pixels).partition(",")[2])
    return Image.open(io.BytesIO(data))


def cached() -> list[Path]:
    return sorted(Path(os.environ["PROMPTKIT_HOME"]).glob("thumbnails-*/*/*.webp"))


@pytest.mark.parametrize("pixels", [96, 160, 320])
@pytest.mark.parametrize("is_noise", [False, True])
def test_a_thumbnail_keeps_to_its_bytes(pixels: int, is_noise: bool) -> None:
    """Whatever the picture, a thumbnail has at most 64 bytes for each pixel of its side; grain costs a photograph few of its pixels."""
    picture = noise((900, 700)) if is_noise else encoded(scene((1000, 800)))
    made = picture.thumbnail(pixels)
    assert len(base64.b64decode(made.partition(",")[2])) <= 64 * pixels
    assert (made.width, made.height) == (pixels, pytest.approx(pixels * (7 / 9 if is_noise else 0.8), abs=1))
    assert is_noise or shown(picture, pixels).width > 1.6 * pixels


@pytest.mark.parametrize(("size", "as_shown"), [((30, 20), (30, 20)), ((200, 100), (160, 80)), ((9000, 3), (160, 1))])
def test_a_thumbnail_knows_how_large_it_is_shown(size: tuple[int, int], as_shown: tuple[int, int]) -> None:
    """A small picture is shown as it is, a larger one in so many CSS pixels, with its proportions."""
    made = Picture(png(size=size)).thumbnail(160)
    assert (made.width, made.height) == as_shown


def test_a_thumbnail_is_made_once_for_all_processes() -> None:
    """Another Picture of the same bytes takes the thumbnail from disk, and its own are not decoded; half a file is made anew."""
    first = Picture(png(size=(300, 200)))
    made = first.thumbnail(96)
    (kept,) = cached()
    unread = Picture.recorded(lambda: b"no picture", sha256=first.sha256, mime_type="image/png", size=(300, 200))
    assert unread.thumbnail(96) == made
    kept.write_bytes(kept.read_bytes()[:-9])
    assert Picture(png(size=(300, 200))).thumbnail(96) == made
    assert kept.stat().st_size == len(base64.b64decode(made.partition(",")[2]))


def test_a_picture_whose_file_is_gone_is_not_shown_from_the_cache(tmp_path: Path) -> None:
    """What was kept of a picture stands for one that is there; a missing file, or one of another length, has no thumbnail."""
    step = Session("./bear", endpoint="offline").generate("a bear")
    assert step.picture.thumbnail(96).width == 96
    step.files[0].write_bytes(b"another")
    assert Session("./bear")[1].picture.thumbnail(96) == "data:,"
    step.files[0].unlink()
    assert Session("./bear")[1].picture.thumbnail(96) == "data:,"


def test_a_forgotten_picture_leaves_no_thumbnail() -> None:
    """Forgetting a step deletes what the cache holds of its pictures, in every size, and nothing of others."""
    bear = Session("./bear", endpoint="offline")
    one, other = bear.generate("a bear"), bear.generate("a fox")
    make_thumbnails([one.picture, other.picture], 96)
    make_thumbnails([one.picture, other.picture], 160)
    assert len(cached()) == 4
    bear.forget(one)
    assert {path.name[:64] for path in cached()} == {other.picture.sha256}
    forget_thumbnails([other.picture.sha256, "../..", "*"])
    assert cached() == []


def test_the_cache_is_its_users_alone() -> None:
    """The pictures of a folder that others may not read are not readable in the cache either."""
    Picture(png()).thumbnail(96)
    assert stat.S_IMODE(cached()[0].parents[1].stat().st_mode) == 0o700


def test_a_cache_that_cannot_be_written_hinders_nothing(tmp_path: Path) -> None:
    """Where a file stands in the cache's place, pictures are shown all the same."""
    Path(os.environ["PROMPTKIT_HOME"]).write_text("no folder")
    assert Picture(png()).thumbnail(96).width == 8


def test_what_others_delete_meanwhile_keeps_no_thumbnail_from_being_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """While another process makes and deletes files of the cache, each new one is kept."""
    places = [tmp_path / str(i) / "thumbnails-1/ab" for i in range(100)]
    for place in places:
        place.mkdir(parents=True)
    at, over = [places[0]], threading.Event()

    def others(name: str) -> None:
        while not over.is_set():
            file = at[0] / name
            file.write_bytes(b"x")
            file.rename(at[0] / f"{name}.part").unlink()

    deleting = [threading.Thread(target=others, args=(name,)) for name in "xyz"]
    for thread in deleting:
        thread.start()
    try:
        for i, place in enumerate(places):
            at[0] = place
            monkeypatch.setenv("PROMPTKIT_HOME", str(place.parents[1]))
            Picture(png((i, 7, 7), (300, 300))).thumbnail(96)
            assert [path for path in cached() if len(path.stem) > 60]
    finally:
        over.set()
        for thread in deleting:
            thread.join()


def test_several_are_made_with_progress() -> None:
    """A listener hears how many of the thumbnails are done."""
    told: list[str] = []
    make_thumbnails([Picture(png(size=(10 + i, 10))) for i in range(3)], 96, told.append)
    assert [line.partition(": ")[2] for line in told] == [
        "1 of 3 done, making thumbnails",
        "2 of 3 done, making thumbnails",
        "3 of 3 done",
    ]


def test_a_large_colour_profile_becomes_srgb() -> None:
    """A thumbnail has the colours of its picture without the half megabyte of a printer's profile; a small profile goes along."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    small = encoded(Image.new("RGB", (50, 50), "red"), icc_profile=profile)
    large = encoded(Image.new("RGB", (50, 50), "red"), icc_profile=profile + bytes(100_000))
    assert shown(small, 96).info["icc_profile"] == profile
    found = shown(large, 96)
    assert "icc_profile" not in found.info
    assert max(abs(a - b) for a, b in zip(found.convert("RGB").getpixel((25, 25)), (255, 0, 0), strict=True)) < 8


def test_a_colour_that_is_transparent_is_not_mixed_with_others() -> None:
    """A PNG that names one colour as transparent keeps its edge: what is beside it does not turn into that colour's mixture."""
    image = Image.new("RGB", (400, 400), (255, 0, 255))
    image.paste((0, 128, 0), (200, 0, 400, 400))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=(255, 0, 255))
    found = shown(Picture(buffer.getvalue()), 96).convert("RGBA")
    assert found.getpixel((10, 90))[3] == 0
    assert found.getpixel((180, 90))[3] == 255
