"""The pictures inside a page: as thumbnails whose bytes are bounded, as large as a screen, or as the very files."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args

from promptkit.errors import LineageError, PromptkitError
from promptkit.images.picture import Picture
from promptkit.images.thumbnails import make_thumbnails
from promptkit.progress import Listener

__all__ = ["EMBEDDINGS", "Embedding", "PagePictures", "Shown"]

Embedding = Literal["thumbnails", "screen", "originals"]
EMBEDDINGS: tuple[Embedding, ...] = get_args(Embedding)

# Bytes of all thumbnails of a page, and of all that were sent along, in base64 a third more: with its words 1,000 steps stay below 15 MB.
BUDGET, BUDGET_ALONG = 7_500_000, 1_500_000
SIZES = ((24, 480), (100, 320), (300, 200))  # up to so many pictures on a page, CSS pixels of a thumbnail
LEAST_SIZE = 140  # CSS pixels, of more pictures than these
BYTES_A_PIXEL = 200  # of a thumbnail's longest side, at most
SCREEN = 800  # CSS pixels: 1,600 of a sharp screen's
SCREEN_BYTES = 400_000
ROW = 72  # CSS pixels of a thumbnail in the tree, where the picture beside it is a large one
ALONG, ALONG_BYTES = 96, 6_000  # CSS pixels, and bytes at most, of a picture that was sent along
NOTHING = "data:,"
# What browsers show; of another file its picture is converted.
SHOWN_BY_BROWSERS = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/avif", "image/bmp")


class Shown(NamedTuple):
    """A picture as a page shows it: a data URI, empty where it cannot be shown, and a smaller one for the tree where that one is large."""

    source: str
    small: str


class PagePictures:
    """How the pictures of one page are embedded; `count` is how many there are, `along` how many were sent along: they share the page's
    bytes.
    """

    def __init__(self, count: int, embed: Embedding = "thumbnails", *, along: int = 0) -> None:
        self._embed, self._most_along = embed, min(ALONG_BYTES, BUDGET_ALONG // max(1, along))
        pixels = next((pixels for most, pixels in SIZES if count <= most), LEAST_SIZE)
        self._size, self._most = (pixels, min(BYTES_A_PIXEL * pixels, BUDGET // max(1, count)))
        if embed != "thumbnails":
            self._size, self._most = SCREEN, SCREEN_BYTES

    def prepare(self, pictures: Iterable[Picture], listener: Listener | None = None) -> None:
        """Makes all thumbnails that are needed, two at a time, and says how far it is."""
        if self._embed != "originals":
            make_thumbnails(pictures, self._size, listener, most=self._most)

    def shown(self, picture: Picture) -> Shown:
        """A step's picture."""
        if self._embed == "thumbnails":
            return Shown(_made(picture, self._size, self._most), "")
        source = self._original(picture) if self._embed == "originals" else self._on_screen(picture)
        return Shown(source, _made(picture, ROW) if source else "")

    def along(self, picture: Picture) -> str:
        """A picture that was sent along, small."""
        return _made(picture, ALONG, self._most_along)

    def _on_screen(self, picture: Picture) -> str:
        """At most as large as a screen: the file itself where that takes fewer bytes."""
        converted = _made(picture, self._size, self._most)
        original = self._original(picture) if picture.size and max(picture.size) <= 2 * SCREEN else ""
        return original if original and len(original) <= len(converted) else converted

    def _original(self, picture: Picture) -> str:
        if picture.mime_type not in SHOWN_BY_BROWSERS:
            return _made(picture, self._size, self._most)
        try:
            return f"data:{picture.mime_type};base64,{base64.b64encode(picture.data).decode()}"
        except LineageError:  # it is missing, damaged, or was forgotten
            return ""


def _made(picture: Picture, pixels: int, most: int | None = None) -> str:
    """A data URI; an empty text where the picture is missing or cannot be decoded."""
    try:
        source = picture.thumbnail(pixels, most)
    except PromptkitError:
        return ""
    return "" if source == NOTHING else str(source)
