"""What changed from one picture to another: measured on the pixels of both (how many, by how much, where), or told without decoding (bytes,
size, ratio)."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from promptkit import markup
from promptkit.images.box import Box, box_text
from promptkit.images.picture import Picture, to_rgb
from promptkit.json_objects import flat_object

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["LOCAL", "MOST_CHANGED", "SIDE", "Changes", "changed_pixels", "cheap_warnings", "compared", "percent", "same_ratio", "size_text"]

Size = tuple[int, int]
Measures = tuple[bool, float | None, float | None, Box | None]  # same pixels, share, mean difference, box
UNMEASURED: Measures = (False, None, None, None)

# Measured on 11 photographs of 256 to 1024 pixels, the same at 1024 pixels, and two mosaics of them: made smaller to SIDE, and with
# differences up to TOLERANCE let pass, saving one again as JPEG 75 or WebP 80 "changed" at most 0.5 % of its pixels, three JPEGs in a row
# 1.9 %; of thumbnails of 100 to 128 pixels 3 % in the mean.
SIDE = 512  # pixels of the longer side at which pictures are compared; 2×2 averages take most of an encoder's noise away
TOLERANCE = 24  # of 255, in the channel that differs most
# Another background behind a subject of a quarter of the picture came to 75 % at most (72 pairs of photographs), quite another picture to
# 93 % in the median.
MOST_CHANGED = 0.8  # an edit that asked to keep the rest and changed more than this share kept nothing to speak of
SAME_RATIO = 0.05  # services round: 1184×864 is their 4:3
LOCAL = 0.5  # of the picture's area, around all that changed
CELLS = 64  # along the longer side: what changed is boxed in cells, so that one stray pixel moves no edge
CELL_SHARE = 0.25  # of a cell's pixels
CARD_PIXELS = 240
CACHED = 8  # pictures made smaller: along a trail each is compared twice, as what came out, then as what was edited


@dataclass(frozen=True)
class Changes:
    """Two pictures measured: `before` is the one that an edit started from, `after` the first that came out of it.

    `share` (0 to 1) is the part of the pixels that changed by more than what saving a picture again changes, `mean` the mean difference of
    all (0 to 255); both None where the ratios differ, so that the pictures cannot be laid over each other. `box` is (left, top, right,
    bottom) around what changed, in pixels of the picture after; None where hardly anything did. Sizes are (width, height) in pixels, after
    turning as the EXIF orientation says. `config` holds the options that were asked for, `asked_to_keep` whether the prompt asked to change
    one thing and keep the rest.
    """

    before: Picture
    after: Picture
    size_before: Size
    size_after: Size
    same_bytes: bool
    same_pixels: bool
    share: float | None
    mean: float | None
    box: Box | None
    config: Mapping[str, Any]
    asked_to_keep: bool

    @property
    def same_size(self) -> bool:
        """Whether width and height in pixels are the same."""
        return self.size_before == self.size_after

    @property
    def same_ratio(self) -> bool:
        """Whether both have the same ratio of width to height, to the few percent by which services round."""
        return same_ratio(self.size_before, self.size_after)

    @property
    def local(self) -> bool:
        """Whether the box around what changed covers at most half of the picture; False where there is no box."""
        if self.box is None:
            return False
        left, top, right, bottom = self.box
        return (right - left) * (bottom - top) <= LOCAL * self.size_after[0] * self.size_after[1]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know of this edit, a short phrase each; empty where nothing is remarkable."""
        if self.same_bytes:
            return ("same bytes as before",)
        said = [] if self.same_pixels else _size_warnings(self.size_before, self.size_after, self.config)
        if self.same_pixels:
            said.append("same pixels as before")
        elif self.asked_to_keep and self.share is not None and self.share > MOST_CHANGED:
            said.append(f"{percent(self.share)} of the pixels changed though the edit asked to keep the rest")
        return tuple(said)

    def __str__(self) -> str:
        return "; ".join((self.summary, *self.warnings))

    def to_dict(self) -> dict[str, Any]:
        """As one flat object (promptkit.changes/1): sizes in pixels, `share` from 0 to 1, `mean` from 0 to 255, `box` as text."""
        same = {name: getattr(self, name) for name in ("same_bytes", "same_pixels", "same_size", "same_ratio", "local")}
        (width_before, height_before), (width, height) = self.size_before, self.size_after
        sizes = {"width_before": width_before, "height_before": height_before, "width": width, "height": height}
        box = None if self.box is None else box_text(self.box)
        return flat_object("changes", share=self.share, mean=self.mean, box=box, **same, **sizes, warnings=self.warnings)

    @property
    def summary(self) -> str:
        """What was measured, in one line without the warnings."""
        if self.same_bytes or self.same_pixels:
            return "nothing changed"
        if self.share is None or self.mean is None:
            return f"{size_text(self.size_before)} became {size_text(self.size_after)}, which cannot be laid over each other"
        if self.box is None:
            return f"nothing to speak of changed; mean difference {self.mean:.1f} of 255"
        return f"{percent(self.share)} of the pixels changed, {self._where(self.box)}; mean difference {self.mean:.1f} of 255"

    def _where(self, box: Box) -> str:
        if not self.local:
            return "all over"
        return f"within {box_text(box)} of {size_text(self.size_after)}"

    def __repr__(self) -> str:
        return f"<Changes: {self}>"

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, Any]:
        pictures = (("before", self.before, self.size_before), ("after", self.after, self.size_after))
        figures = [markup.figure(p.thumbnail(CARD_PIXELS), f"{name}: {size_text(size)}", alt=name) for name, p, size in pictures]
        notes = [markup.Html(f"<div>{markup.escape(w)}</div>") for w in self.warnings]
        return markup.mime_bundle(repr(self), markup.card(self.summary, markup.strip(figures), *notes), include, exclude)


def compared(before: Picture, after: Picture, *, config: Mapping[str, Any] | None = None, asked_to_keep: bool = False) -> Changes:
    """Two pictures measured against each other. A size or ratio that `config` asked for is no warning.

    PictureError where one cannot be decoded, LineageError where a recorded one is missing or damaged.
    """
    from concurrent.futures import ThreadPoolExecutor

    asked = config or {}
    if before == after:
        size = _reduced(before).size
        return Changes(before, after, size, size, True, True, 0.0, 0.0, None, asked, asked_to_keep)
    with ThreadPoolExecutor(2) as pool:  # Pillow lets other threads run while it decodes
        old, new = pool.map(_reduced, (before, after))
    pixels, share, mean, box = _measured(old, new) if same_ratio(old.size, new.size) else UNMEASURED
    return Changes(before, after, old.size, new.size, False, pixels, share, mean, box, asked, asked_to_keep)


def cheap_warnings(before: Picture, pictures: Sequence[Picture], config: Mapping[str, Any] | None = None) -> list[str]:
    """What can be said of an edit without decoding a picture: same bytes as before, another size or ratio than before.

    A ratio or a size that `config` asked for is no warning.
    """
    if not pictures:
        return []
    if pictures[0] == before:
        return ["same bytes as before"]
    old, new = before.seen_size, pictures[0].seen_size
    if old is None or new is None:
        return []
    return _size_warnings(old, new, config or {})


def _size_warnings(before: Size, after: Size, config: Mapping[str, Any]) -> list[str]:
    was = f"{size_text(after)}, was {size_text(before)}"
    if not same_ratio(before, after):
        return [] if config.get("aspect_ratio") else [f"another ratio than before ({was})"]
    return [] if before == after or config.get("image_size") else [f"another size than before ({was})"]


def same_ratio(one: Size, other: Size) -> bool:
    """Whether two sizes have the same ratio of width to height, to the few percent by which services round."""
    return abs(one[0] * other[1] - one[1] * other[0]) <= SAME_RATIO * one[1] * other[0]


def size_text(size: Size) -> str:
    """Width and height in pixels, for people."""
    return f"{size[0]}×{size[1]}"


def percent(share: float) -> str:
    """A share from 0 to 1, for people."""
    return f"{share * 100:.0f} %" if share >= 0.01 else "less than 1 %"


# Measuring


class _Reduced(NamedTuple):
    """A picture made smaller for comparing, with its own size in pixels, and the whole image where it was decoded just now."""

    picture: Picture
    size: Size
    small: Image.Image
    whole: Image.Image | None = None

    @property
    def full(self) -> Image.Image:
        """The whole image, decoded again where the smaller one came from the cache."""
        return to_rgb(self.picture.image) if self.whole is None else self.whole


class _ReducedCache:
    """The last pictures made smaller, with their own sizes, by sha256. Threads share it."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Empty, as a forked child begins too."""
        self._known: dict[str, tuple[Size, Image.Image]] = {}
        self._lock = threading.Lock()

    def get(self, sha256: str) -> tuple[Size, Image.Image] | None:
        return self._known.get(sha256)

    def keep(self, sha256: str, size: Size, small: Image.Image) -> None:
        with self._lock:
            self._known[sha256] = (size, small)
            for oldest in list(self._known)[:-CACHED]:
                del self._known[oldest]


_cache = _ReducedCache()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_cache.begin)


def _reduced(picture: Picture) -> _Reduced:
    if known := _cache.get(picture.sha256):
        return _Reduced(picture, *known)
    image = to_rgb(picture.image)
    factor = -(-max(image.size) // SIDE)
    small = image.reduce(factor) if factor > 1 else image
    _cache.keep(picture.sha256, image.size, small)
    return _Reduced(picture, image.size, small, image)


def _measured(before: _Reduced, after: _Reduced) -> Measures:
    from PIL import ImageChops

    difference = ImageChops.difference(*_laid_over(before.small, after.small))
    most = _most_of(difference)
    if before.size == after.size and most.getbbox() is None and _same_pixels(before.full, after.full):
        return True, 0.0, 0.0, None
    changed = _beyond_tolerance(most)
    counts = difference.histogram()  # of all channels, one after the other
    mean = sum(i % 256 * count for i, count in enumerate(counts)) / sum(counts)
    return False, changed.histogram()[255] / (changed.width * changed.height), mean, _box(changed, after.size)


def changed_pixels(difference: Image.Image) -> Image.Image:
    """255 where a difference of two pictures is more than what saving one again changes, else 0 (mode L)."""
    return _beyond_tolerance(_most_of(difference))


def _most_of(difference: Image.Image) -> Image.Image:
    """Of each pixel the channel that differs most."""
    from PIL import ImageChops

    most, *others = difference.split()
    for band in others:
        most = ImageChops.lighter(most, band)
    return most


def _beyond_tolerance(most: Image.Image) -> Image.Image:
    return most.point([255 * (value > TOLERANCE) for value in range(256)])


def _same_pixels(one: Image.Image, other: Image.Image) -> bool:
    first, second = _laid_over(one, other)
    return first.tobytes() == second.tobytes()


def _laid_over(one: Image.Image, other: Image.Image) -> tuple[Image.Image, Image.Image]:
    """Both in the smaller of their sizes and in one mode; the colour of a fully transparent pixel, which nobody sees, becomes black."""
    size = min(one.size, other.size)
    mode = "RGBa" if "RGBA" in (one.mode, other.mode) else "RGB"
    fitted = (i if i.size == size else i.resize(size) for i in (one, other))
    first, second = ((i if i.mode == mode else i.convert("RGBA").convert(mode)) for i in fitted)
    return first, second


def _box(changed: Image.Image, size: Size) -> Box | None:
    cell = max(1, max(changed.size) // CELLS)
    coarse = changed.reduce(cell).point([255 * (value >= CELL_SHARE * 255) for value in range(256)])
    if (box := coarse.getbbox()) is None:
        return None
    wide, high = size[0] / changed.width * cell, size[1] / changed.height * cell
    left, top, right, bottom = box
    return int(left * wide), int(top * high), min(size[0], round(right * wide)), min(size[1], round(bottom * high))
