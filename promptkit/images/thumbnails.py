"""Thumbnails: small WebP files of pictures, sharp on a screen of two pixels for each of CSS's as far as their bytes allow, kept on disk.

The cache lies beside the folder of sessions, is its user's alone, and may be deleted at any time. A file's name holds the sha256 of the
picture and how large it is shown; half a file is made anew. Where the cache cannot be written, nothing is kept and nothing is raised.
"""

from __future__ import annotations

import base64
import io
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from promptkit import atomic, config
from promptkit.errors import PromptkitError
from promptkit.progress import Listener, Progress

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Thumbnail", "encoded", "forget_thumbnails", "kept_thumbnail", "make_thumbnails", "thumbnail"]

CACHE = "thumbnails-1"  # the number grows with each change of how they are made
BYTES_A_PIXEL = 64  # of its longest side as it is shown: 10 kB at 160 pixels, 20 at 320
SHARP = 2  # pixels of a screen for each of CSS's
QUALITY = 75
QUALITIES = ((1.0, QUALITY), (1.3, 60), (1.7, 45))  # what is so many times too large, and the quality at which it likely fits
LEAST, OF_LEAST = 35, 0.55  # the lowest quality, and how large a file is at it
QUICK, THOROUGH = 0, 4  # methods of WebP encoders
PROFILE = 1024  # bytes of a colour profile that may go along; larger ones become sRGB
MOST_FILES = 20_000  # kept, of which the oldest quarter goes when there are more
WORKERS = 2
STOPPED = "stopped; the thumbnails that were made are kept."
SHA256 = re.compile(r"[0-9a-f]{64}")


class Source(Protocol):
    """What a thumbnail needs of a picture."""

    @property
    def sha256(self) -> str: ...

    @property
    def size(self) -> tuple[int, int] | None: ...

    @property
    def is_there(self) -> bool: ...

    def reduced(self, pixels: int) -> Image.Image: ...

    def thumbnail(self, pixels: int, most: int | None = None) -> Thumbnail: ...


class Thumbnail(str):
    """A data URI, and the width and height in CSS pixels at which it is shown; empty, and of no size, where nothing can be shown."""

    __slots__ = ("height", "width")
    width: int
    height: int

    @classmethod
    def of(cls, data: bytes, longest: int) -> Self:
        """That of a WebP file whose longer side is shown in so many pixels."""
        made = cls("data:image/webp;base64," + base64.b64encode(data).decode())
        wide, high = _webp_size(data)
        made.width, made.height = (max(1, round(side * longest / max(wide, high))) for side in (wide, high))
        return made

    @classmethod
    def none(cls) -> Self:
        """That of a picture which cannot be decoded or is not there."""
        made = cls("data:,")
        made.width = made.height = 0
        return made


def thumbnail(picture: Source, pixels: int, most: int | None = None) -> Thumbnail:
    """The thumbnail of a picture that is shown in at most `pixels` CSS pixels a side, in at most `most` bytes; from the cache where it is
    there. An empty one where the picture cannot be decoded, is missing or damaged.
    """
    largest = most or BYTES_A_PIXEL * pixels
    try:
        path = _path(picture.sha256, pixels, largest) if picture.is_there else None
        data = path and _kept(path)
        if not data:
            data = encoded(picture.reduced(SHARP * pixels), largest)
            if path:
                _keep(path, data)
    except PromptkitError:
        return Thumbnail.none()
    return Thumbnail.of(data, min(pixels, max(picture.size or (pixels,))))


def kept_thumbnail(sha256: str, pixels: int, most: int | None = None) -> Thumbnail | None:
    """The thumbnail of a picture where it is in the cache already; its longer side is `pixels`. None where it would have to be made."""
    path = _path(sha256, pixels, most or BYTES_A_PIXEL * pixels)
    data = path and _kept(path)
    return Thumbnail.of(data, pixels) if data else None


def make_thumbnails(pictures: Iterable[Source], pixels: int, listener: Listener | None = None, *, most: int | None = None) -> None:
    """Has the thumbnails of several pictures at hand, of which two are made at a time; says how far it is, in one line that goes away."""
    ahead = list({id(picture): picture for picture in pictures}.values())
    if len(ahead) < 2:
        return
    from concurrent.futures import ThreadPoolExecutor

    with Progress(len(ahead), listener, doing="making thumbnails", stopped=STOPPED) as progress, ThreadPoolExecutor(WORKERS) as pool:
        try:
            for _ in pool.map(lambda picture: picture.thumbnail(pixels, most), ahead):
                progress.advance()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


# Making


def encoded(image: Image.Image, most: int, kind: str = "WEBP") -> bytes:
    """A picture as WebP or JPEG of at most so many bytes: quality gives way first, then the number of pixels."""
    image = _in_srgb(image)
    excess = len(_file(image, kind, QUALITY, QUICK)) / most  # a first look, a third as costly as the file itself
    quality = next((less for times, less in QUALITIES if excess <= times), LEAST)
    image = _smaller(image, excess * OF_LEAST if quality == LEAST else 1)
    method = THOROUGH if excess <= 1 else QUICK + 1  # drawings become a third smaller, grain does not
    while len(data := _file(image, kind, quality, method)) > most and max(image.size) > 1:
        image, quality = _smaller(image, 1 if quality > LEAST else len(data) / most), LEAST
    return data


def _smaller(image: Image.Image, excess: float) -> Image.Image:
    """With so many times fewer pixels, and some fewer still; as it is where there is no excess."""
    if excess <= 1:
        return image
    wide, high = (max(1, int(side * 0.95 * excess**-0.5)) for side in image.size)
    return image.resize((wide, high))


def _file(image: Image.Image, kind: str, quality: int, method: int) -> bytes:
    buffer = io.BytesIO()
    own = {"method": method} if kind == "WEBP" else {"optimize": method > QUICK}
    image.save(buffer, kind, quality=quality, icc_profile=image.info.get("icc_profile"), **own)
    return buffer.getvalue()


def _in_srgb(image: Image.Image) -> Image.Image:
    """The picture with a small colour profile, or in sRGB without one: a printer's has half a megabyte."""
    profile = image.info.get("icc_profile")
    if not isinstance(profile, bytes) or len(profile) <= PROFILE:
        return image
    from PIL import ImageCms

    with suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):  # a profile that cannot be read changes no colours
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        image = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB")) or image
    image.info.pop("icc_profile", None)
    return image


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height of a WebP file in pixels, as its first part has them."""
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF


# Keeping


def _path(sha256: str, pixels: int, most: int) -> Path | None:
    """Where a picture's thumbnail is kept; None for one whose sha256 is not known as such."""
    return _folder() / sha256[:2] / f"{sha256}-{pixels}-{most}.webp" if SHA256.fullmatch(sha256) else None


def _folder() -> Path:
    return config.data_folder().parent / CACHE


def _kept(path: Path) -> bytes | None:
    """The bytes of a whole WebP file; None where there is none."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    is_whole = data[:4] == b"RIFF" and data[8:12] == b"WEBP" and int.from_bytes(data[4:8], "little") == len(data) - 8 > 18
    return data if is_whole else None


def _keep(path: Path, data: bytes) -> None:
    with suppress(OSError):
        _make_room(path.parent.parent)
        atomic.write_whole(path, data)


@lru_cache(8)
def _make_room(folder: Path) -> None:
    """Makes the cache's folder, or deletes the oldest of too many files; once in a process."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # a session's folder may be, and these are its pictures
    files = sorted(_files(folder))
    for _, path in files[: len(files) // 4 if len(files) > MOST_FILES else 0]:
        Path(path).unlink(missing_ok=True)


def _files(folder: Path) -> Iterator[tuple[float, str]]:
    """When each file was made, and its path; without those that another process has just deleted or renamed."""
    with os.scandir(folder) as folders:
        for below in folders:
            if below.is_dir(follow_symlinks=False):
                with os.scandir(below) as entries:
                    for entry in entries:
                        with suppress(OSError):
                            yield entry.stat(follow_symlinks=False).st_mtime, entry.path


def forget_thumbnails(sha256s: Iterable[str]) -> None:
    """Deletes the thumbnails of these pictures from the user's cache."""
    for sha256 in sha256s:
        for path in (_folder() / sha256[:2]).glob(f"{sha256}-*.webp") if SHA256.fullmatch(sha256) else ():
            with suppress(OSError):
                path.unlink(missing_ok=True)
