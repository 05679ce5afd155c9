"""Pictures: their bytes as they came, their type by content, and what becomes of them when they are sent, shown and saved."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kit.loopback import png
from kit.pictures import HEIC, file_of
from kit.places import shared
from PIL import Image

from promptkit.errors import LineageError, PictureError, PromptkitWarning
from promptkit.images.formats import complete
from promptkit.images.picture import SENDABLE, Picture
from promptkit.terminal import printable


def turned(kind: str) -> bytes:
    """A picture stored lying, with blue on its left, that is meant to be seen standing, with blue on top."""
    image, exif, buffer = Image.new("RGB", (40, 20), "red"), Image.Exif(), io.BytesIO()
    image.paste("blue", (0, 0, 20, 20))
    exif[274] = 6
    image.save(buffer, kind, exif=exif)
    return buffer.getvalue()


def is_upright(image: Image.Image) -> bool:
    red, _, blue = image.convert("RGB").getpixel((image.width // 2, 2))  # type: ignore[misc]
    return image.width < image.height and blue > 150 > red


# Opening


def test_a_picture_opens_from_whatever_holds_one(tmp_path: Path) -> None:
    """A path, text, bytes, a PIL image and a Picture open; bytes are kept exactly, and what is a Picture is itself."""
    data = file_of("JPEG")
    path = tmp_path / "a picture.txt"
    path.write_bytes(data)
    opened = [Picture.open(given) for given in (path, str(path), data, bytearray(data), memoryview(data))]
    assert {p.data for p in opened} == {data}
    assert opened[0].mime_type == "image/jpeg"
    assert Picture.open(opened[0]) is opened[0]
    with Image.open(path) as image:
        of_pillow = Picture.open(image)
    assert (of_pillow.mime_type, of_pillow.size) == ("image/png", (12, 8))


def _bomb() -> bytes:
    data = bytearray(file_of("BMP"))
    data[18:26] = (60_000).to_bytes(4, "little") * 2
    return bytes(data)


NO_PICTURES: dict[str, tuple[bytes, str]] = {
    "text": (b"hello", "is not a picture that Pillow can read"),
    "empty": (b"", "is an empty file"),
    "half a png": (png(size=(300, 300))[:150], "is truncated or damaged"),
    "half a jpeg": (file_of("JPEG", size=(300, 300))[:-200], "is truncated or damaged"),
    "half a heic": (HEIC[:-1], "is truncated"),
    "a bomb": (_bomb(), "megapixels, and a picture may have 179"),
}


@pytest.mark.parametrize("name", NO_PICTURES)
def test_what_is_no_picture_is_refused_by_name(tmp_path: Path, name: str) -> None:
    """What is no picture, half of one or a bomb is refused in one sentence that names the file."""
    data, said = NO_PICTURES[name]
    path = tmp_path / "mine.png"
    path.write_bytes(data)
    with pytest.raises(PictureError, match=f"{re.escape(str(path))} .*{said}") as caught:
        Picture.open(path)
    assert re.search(r"[^.]\.$", str(caught.value))
    if data:
        with pytest.raises(PictureError, match="What was given"):
            Picture.open(data)


NO_FILES = ["missing.png", ".", "", "a\0b", "x" * 400, "~nobody-of-this-name/a.png", "missing.png/a.png", "\ud800.png"]


@pytest.mark.parametrize("name", NO_FILES, ids=range(len(NO_FILES)))
def test_what_is_no_file_is_refused_by_name(name: str) -> None:
    """A path to nothing, to a folder, or that no file can have raises PictureError, which names it."""
    with pytest.raises(PictureError, match="cannot be read") as caught:
        Picture.open(name)
    assert printable(name) in str(caught.value)


@pytest.mark.parametrize("given", [7, None, object(), [b"x"], {}], ids=lambda v: type(v).__name__)
def test_what_holds_no_picture_is_refused(given: Any) -> None:
    """Another type is refused with what would do."""
    with pytest.raises(PictureError, match="is no picture; give a path, bytes, an open file, a PIL image, an array or a Picture"):
        Picture.open(given)


def test_a_pil_image_that_cannot_be_read_is_refused() -> None:
    """A PIL image of a damaged file, closed, or without a pixel is refused as a picture, not with Pillow's own error."""
    cut, closed = (Image.open(io.BytesIO(d)) for d in (png(size=(300, 300))[:150], png()))
    closed.close()
    for image in (cut, closed, Image.new("RGB", (0, 0))):
        with pytest.raises(PictureError, match="PIL image cannot be read"):
            Picture.open(image)


REFUSED = {
    "broken.png",
    "unknown_compression_method.png",
    "zero_width.gif",
    "decompression_bomb.ico",
    "test-ole-file.doc",
    "broken_data_stream.png",
    "truncated_end_chunk.png",
    "truncated_jpeg.jpg",
    "crash-4fb027452e6988530aa5dabee76eecacb3b79f8a.j2k",
    "README.md",
    "manifest.json",
}


def test_pillows_own_pictures_get_a_persons_verdict(tmp_path: Path) -> None:
    """Of Pillow's test pictures the whole ones are opened, shown, sent and saved, the broken ones refused by name, without a warning."""
    folder = shared("pictures")
    sizes = {entry["file"]: tuple(entry.get("size", ())) for entry in json.loads((folder / "manifest.json").read_text())}
    for path in sorted(folder.iterdir()):
        if path.name in REFUSED:
            with pytest.raises(PictureError, match=re.escape(path.name)):
                Picture.open(path)
            continue
        picture = Picture.open(path)
        assert picture.size == sizes[path.name]
        assert picture.mime_type.startswith("image/")
        assert picture.thumbnail(64).startswith("data:image/webp;base64,")
        sent = picture.for_sending()
        assert sent.mime_type in SENDABLE
        assert complete(sent.data)
        assert picture.save(tmp_path / path.stem).read_bytes() == path.read_bytes()
        if picture.mime_type != "image/tiff":
            with pytest.warns(PromptkitWarning):
                converted = picture.save(tmp_path / "x.tif", overwrite=True)
            assert Picture.open(converted).mime_type == "image/tiff"


# Sending


FILES = {"png": png(), "jpeg": file_of("JPEG"), "webp": file_of("WEBP"), "tiff": file_of("TIFF"), "heic": HEIC}


@pytest.mark.parametrize("name", ["png", "jpeg", "webp", "heic"])
def test_what_models_take_is_sent_as_it_is(name: str) -> None:
    """PNG, JPEG, WebP and HEIC go out byte for byte."""
    picture = Picture.open(FILES[name])
    assert picture.for_sending() is picture
    assert picture.data == FILES[name]


CONVERTED: dict[str, tuple[bytes, str, tuple[int, ...]]] = {
    "gif": (file_of("GIF"), "RGB", (255, 0, 0)),
    "transparent gif": (file_of("GIF", "RGBA", color=(0, 0, 0, 0)), "RGBA", (0, 0, 0, 0)),
    "bmp": (file_of("BMP"), "RGB", (255, 0, 0)),
    "black and white": (file_of("BMP", "1", color=1), "RGB", (255, 255, 255)),
    "grey": (file_of("TIFF", "L", color=77), "RGB", (77, 77, 77)),
    "grey of 16 bits": (file_of("TIFF", "I;16", color=32768), "RGB", (127, 127, 127)),
    "grey of 32 bits": (file_of("TIFF", "I", color=32768), "RGB", (127, 127, 127)),
    "grey in fractions": (file_of("TIFF", "F", color=0.5), "RGB", (127, 127, 127)),
    "inks": (file_of("TIFF", "CMYK", color=(0, 255, 255, 0)), "RGB", (255, 0, 0)),
    "inks with a profile": (file_of("TIFF", "CMYK", color=(0, 255, 255, 0), icc_profile=b"of inks"), "RGB", (255, 0, 0)),
    "transparent tiff": (file_of("TIFF", "RGBA", color=(1, 2, 3, 4)), "RGBA", (1, 2, 3, 4)),
    "avif": (file_of("AVIF", color="white"), "RGB", (255, 255, 255)),
}


@pytest.mark.parametrize("name", CONVERTED)
def test_other_types_are_sent_as_png(name: str) -> None:
    """A type that models do not take goes out as one PNG that looks the same: greys of many bits and inks keep their tone."""
    data, mode, color = CONVERTED[name]
    sent = Picture.open(data).for_sending()
    image = sent.image
    assert (sent.mime_type, image.mode, image.size, image.getpixel((0, 0))) == ("image/png", mode, (12, 8), color)
    assert "icc_profile" not in image.info


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "AVIF", "WEBP", "PNG"])
def test_a_picture_stands_as_its_orientation_says(tmp_path: Path, kind: str) -> None:
    """A picture stored lying is shown, converted, sent and taken from PIL standing; as it is its bytes say so themselves."""
    picture = Picture.open(turned(kind))
    assert is_upright(picture.image)
    if picture.for_sending() is not picture:
        assert is_upright(picture.for_sending().image)
    assert is_upright(Image.open(io.BytesIO(base64.b64decode(picture.thumbnail(64).partition(",")[2]))))
    with pytest.warns(PromptkitWarning):
        assert is_upright(Image.open(picture.save(tmp_path / "x.bmp")))
    with Image.open(io.BytesIO(turned(kind))) as image:
        assert is_upright(Picture.open(image).image)


def test_a_picture_behind_whose_pixels_its_orientation_stands_is_sent_standing() -> None:
    """PNG lets EXIF stand behind the pixels; such a picture is sent as people see it, too."""
    data = turned("PNG")
    place = data.index(b"eXIf") - 4
    chunk = data[place : data.index(b"IDAT") - 4]
    picture = Picture.open(data.replace(chunk, b"")[:-12] + chunk + data[-12:])
    assert picture.seen_size == (20, 40)


def test_a_picture_that_was_looked_at_is_read_only_to_be_sent() -> None:
    """How a picture is turned follows from its bytes: once it is known, a recorded picture of the same bytes is read once, for the body."""
    read: list[str] = []

    def reading() -> bytes:
        read.append("once")
        return data

    data = turned("PNG")
    seen = Picture(data)
    assert seen.seen_size == (20, 40)
    recorded = Picture.recorded(reading, sha256=seen.sha256, mime_type="image/png", size=(40, 20))
    assert recorded.seen_size == (20, 40)
    assert read == []
    plain = Picture(png("green", (7, 5)))
    assert plain.for_sending() is plain
    data = plain.data
    again = Picture.recorded(reading, sha256=plain.sha256, mime_type="image/png", size=(7, 5))
    assert again.for_sending().data == data
    assert read == ["once"]


# Saving


@pytest.mark.parametrize(
    ("kind", "name", "saved"),
    [
        ("png", "bear", "bear.png"),
        ("png", "bear.png", "bear.png"),
        ("png", "bear.PNG", "bear.PNG"),
        ("jpeg", "bear", "bear.jpg"),
        ("jpeg", "bear.jpg", "bear.jpg"),
        ("jpeg", "bear.jpeg", "bear.jpeg"),
        ("jpeg", "a/b/bear.JPG", "a/b/bear.JPG"),
        ("webp", "bear", "bear.webp"),
        ("tiff", "bear.tiff", "bear.tiff"),
        ("heic", "bear", "bear.heic"),
    ],
)
def test_exact_bytes_are_saved_where_the_suffix_fits(tmp_path: Path, kind: str, name: str, saved: str) -> None:
    """A suffix that fits takes the bytes as they are, one that is missing is added, folders are made; the path written is returned."""
    picture = Picture(FILES[kind])
    path = picture.save(tmp_path / name)
    assert (path, path.read_bytes()) == (tmp_path / saved, picture.data)
    assert picture.save(str(tmp_path / name)) == path
    assert [p for p in tmp_path.rglob("*.*") if p.is_file()] == [path]


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".gif", ".bmp", ".tiff", ".avif", ".ppm", ".pdf"])
def test_another_suffix_converts_and_says_so(tmp_path: Path, suffix: str) -> None:
    """A suffix of another type brings a conversion and one warning; what was transparent is white where the type knows no such thing."""
    picture = Picture(file_of("PNG", "RGBA", color=(0, 0, 0, 0)))
    path = tmp_path / f"bear{suffix}"
    path.write_bytes(b"before")
    with pytest.warns(PromptkitWarning, match=f"bear{suffix} is a conversion of image/png; save with .png") as said:
        assert picture.save(path, overwrite=True) == path
    assert len(said) == 1
    assert said[0].filename == __file__
    if suffix != ".pdf":
        image = Picture.open(path).image
        assert image.size == (12, 8)
        if suffix in (".jpg", ".ppm"):
            assert image.getpixel((3, 3)) == (255, 255, 255)


def _blocked(folder: Path) -> Path:
    (folder / "file").touch()
    return folder / "file" / "x.png"


NO_TARGETS: list[tuple[Callable[[Path], Any], str]] = [
    (lambda folder: folder / "bear.xyz", "has the suffix .xyz, which is no picture's; use .png"),
    (lambda folder: folder / "bear.txt", "no picture's"),
    (lambda folder: folder, "is a folder"),
    (_blocked, "cannot be saved as .*(File exists|Not a directory)"),
    (lambda folder: folder / ("x" * 300), "too long"),
    (lambda folder: "a\0b.png", "null"),
    (lambda folder: "", "is a folder"),
    (lambda folder: "~nobody-of-this-name/x.png", "home"),
]


@pytest.mark.parametrize(("target", "said"), NO_TARGETS)
def test_where_nothing_can_be_saved_is_said(tmp_path: Path, target: Callable[[Path], Any], said: str) -> None:
    """An unknown suffix, a folder, and a path that cannot be written raise PictureError, and leave nothing behind."""
    path = target(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(PictureError, match=said):
        Picture(png()).save(path)
    assert sorted(tmp_path.rglob("*")) == before


def test_home_is_expanded(tmp_path: Path) -> None:
    """A path may begin with ~, both to save and to open."""
    script = "from promptkit import Picture; import sys; p = Picture.open('~/in.png').save('~/out'); print(p)"
    (tmp_path / "in.png").write_bytes(png())
    subprocess.run([sys.executable, "-c", script], env={**os.environ, "HOME": str(tmp_path)}, check=True, capture_output=True)
    assert (tmp_path / "out.png").read_bytes() == png()


# Being a value


def test_pictures_are_equal_by_content() -> None:
    """Equal bytes are equal pictures with one hash; others are not, nor are bytes a picture."""
    one, same, other = Picture(png()), Picture.open(png()), Picture(png("blue"))
    assert (one, hash(one)) == (same, hash(same))
    assert one != other
    assert one != png()
    assert len({one, same, other}) == 2


def test_a_picture_says_what_it_is() -> None:
    """The repr has the beginning of the hash, the type and the pixels; of bytes that nobody can read it says so."""
    assert repr(Picture(png())) == f"<Picture {Picture(png()).sha256[:10]} image/png 8×6>"
    assert repr(Picture(b"x")).endswith(" application/octet-stream unknown size>")
    assert Picture(b"x").size is None


def test_a_notebook_card_shows_text_as_text() -> None:
    """The card holds a thumbnail and an escaped caption, and the plain text is the repr."""
    picture = Picture.recorded(png, sha256="ab", mime_type="<script>", size=(1, 2))
    bundle = picture._repr_mimebundle_()
    assert "<script>" not in bundle["text/html"]
    assert "&lt;script&gt;" in bundle["text/html"]
    assert 'src="data:image/webp;base64,' in bundle["text/html"]
    assert bundle["text/plain"] == "<Picture ab <script> 1×2>"


THUMBNAILS = [((300, 100), 60, (120, 40)), ((100, 300), 60, (40, 120)), ((8, 6), 60, (8, 6)), ((900, 1), 60, (120, 1))]


@pytest.mark.parametrize(("size", "pixels", "shown"), THUMBNAILS)
def test_a_thumbnail_fits(size: tuple[int, int], pixels: int, shown: tuple[int, int]) -> None:
    """A thumbnail is a data URI of a WebP of at most twice so many pixels, with the same proportions, and never larger than the picture."""
    kind, _, data = Picture(png(size=size)).thumbnail(pixels).partition(",")
    assert kind == "data:image/webp;base64"
    with Image.open(io.BytesIO(base64.b64decode(data, validate=True))) as image:
        assert (image.format, image.size) == ("WEBP", shown)


def test_a_picture_that_cannot_be_decoded_has_an_empty_thumbnail() -> None:
    """What cannot be shown is an empty data URI, and no error in a notebook."""
    assert Picture(HEIC).thumbnail(64) == Picture(b"x").thumbnail(64) == "data:,"


def test_a_recorded_picture_is_read_when_asked() -> None:
    """What a record says is known without reading; bytes are read anew each time, and an error in reading is raised as it is."""
    reads = []

    def read() -> bytes:
        reads.append(1)
        if len(reads) > 2:
            raise LineageError("gone")
        return png()

    picture = Picture.recorded(read, sha256="ab", mime_type="image/png", size=(8, 6))
    assert (picture.sha256, picture.mime_type, picture.size) == ("ab", "image/png", (8, 6))
    assert (repr(picture), reads) == ("<Picture ab image/png 8×6>", [])
    assert picture.data == picture.data == png()
    with pytest.raises(LineageError, match="gone"):
        _ = picture.data
    assert Picture.recorded(read, sha256="ab", mime_type="image/png", size=None).size is None


def test_drawing_on_a_picture_changes_nothing() -> None:
    """Each look gives a PIL image of its own."""
    picture = Picture(png())
    picture.image.paste("blue", (0, 0, 8, 6))
    assert picture.image.getpixel((0, 0)) == (255, 0, 0)
    assert picture.image.format == "PNG"


def test_looking_from_many_threads_leaves_warnings_as_they_were() -> None:
    """Pictures looked at in several threads at once do not change what the process warns of."""
    before = list(warnings.filters)

    def look() -> None:
        for _ in range(60):
            Picture.open(png()).thumbnail(4)

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before
