"""What an edit changed: its picture measured against the one that it started from."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from promptkit import markup
from promptkit.errors import LineageError
from promptkit.images.picture import Picture, as_seen
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["SQUASHES", "Changes", "changes", "cheap_warnings", "compared"]

Size = tuple[int, int]
Box = tuple[int, int, int, int]
Measures = tuple[bool, float | None, float | None, Box | None]  # same pixels, share, mean difference, box
UNMEASURED: Measures = (False, None, None, None)

# Measured on 11 photographs of 256 to 1024 pixels, the same at 1024 pixels, and two mosaics of them: made smaller to SIDE, and with
# differences up to TOLERANCE let pass, saving one again as JPEG 75 or WebP 80 "changed" at most 0.5 % of its pixels, three JPEGs in a row
# 1.9 %; of thumbnails of 100 to 128 pixels 3 % in the mean.
SIDE = 512  # pixels of the longer side at which pictures are compared; 2×2 averages take most of an encoder's noise away
TOLERANCE = 24  # of 255, in the channel that differs most
# Another background behind a subject of a quarter of the picture came to 75 % at most (72 pairs of photographs), quite another picture to
# 93 % in the median.
MOST_KEPT = 0.8  # an edit that asked to keep the rest and changed more than this share kept nothing to speak of
SAME_RATIO = 0.05  # services round: 1184×864 is their 4:3
LOCAL = 0.5  # of the picture's area, around all that changed
CELLS = 64  # along the longer side: what changed is boxed in cells, so that one stray pixel moves no edge
CELL_SHARE = 0.25  # of a cell's pixels
CARD_PIXELS = 240
REMEMBERED = 8  # pictures made smaller: along a trail each is looked at twice, as what came, then as what was edited
# Templates by the last part of their names, for packs have them too. They say what stays, and draw every pixel anew all the same: of them
# a large share says nothing.
REDRAWN = ("style_transfer", "finish_sketch", "turn_around", "combine")
SQUASHES = "squashes"  # in the meta of a step that stands for several: their ids


class Edited(Protocol):
    """What is asked of a step, which stands above this."""

    record: Record
    lineage: Lineage


@dataclass(frozen=True)
class Changes:
    """An edit measured: `before` is the picture that it started from, `after` the first that came out.

    `share` (0 to 1) is the part of the pixels that changed by more than what saving a picture again changes, `mean` the mean difference of
    all (0 to 255); both None where the ratios differ, so that the pictures cannot be laid over each other. `box` is (left, top, right,
    bottom) around what changed, in pixels of the picture after, None where nothing to speak of did. Sizes are (width, height) in pixels as
    the pictures stand.
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
        """Whether both have as many pixels in width and height."""
        return self.size_before == self.size_after

    @property
    def same_ratio(self) -> bool:
        """Whether both have the same shape, to the few percent by which services round."""
        return _same_ratio(self.size_before, self.size_after)

    @property
    def local(self) -> bool:
        """Whether what changed lies within half of the picture; False where nothing did, or it cannot be told."""
        if self.box is None:
            return False
        left, top, right, bottom = self.box
        return (right - left) * (bottom - top) <= LOCAL * self.size_after[0] * self.size_after[1]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know of it, in short; empty for an edit that did what edits do."""
        if self.same_bytes:
            return ("same bytes as before",)
        said = [] if self.same_pixels else _size_warnings(self.size_before, self.size_after, self.config)
        if self.same_pixels:
            said.append("same pixels as before")
        elif self.asked_to_keep and self.share is not None and self.share > MOST_KEPT:
            said.append(f"{_percent(self.share)} of the pixels changed though the edit asked to keep the rest")
        return tuple(said)

    def __str__(self) -> str:
        return "; ".join((self.summary, *self.warnings))

    @property
    def summary(self) -> str:
        """What was measured, in one line without the warnings."""
        if self.same_bytes or self.same_pixels:
            return "nothing changed"
        if self.share is None or self.mean is None:
            return f"{_spelled(self.size_before)} became {_spelled(self.size_after)}, which cannot be laid over each other"
        if self.box is None:
            return f"nothing to speak of changed; mean difference {self.mean:.1f} of 255"
        return f"{_percent(self.share)} of the pixels changed, {self._where(self.box)}; mean difference {self.mean:.1f} of 255"

    def _where(self, box: Box) -> str:
        if not self.local:
            return "all over"
        left, top, right, bottom = box
        return f"within {right - left}×{bottom - top} at ({left}, {top}) of {_spelled(self.size_after)}"

    def __repr__(self) -> str:
        return f"<Changes: {self}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002
        pictures = (("before", self.before, self.size_before), ("after", self.after, self.size_after))
        figures = [markup.figure(p.thumbnail(CARD_PIXELS), f"{name}: {_spelled(size)}", alt=name) for name, p, size in pictures]
        notes = [markup.Html(f"<div>{markup.escape(w)}</div>") for w in self.warnings]
        return {"text/plain": repr(self), "text/html": markup.card(self.summary, markup.strip(figures), *notes)}


def changes(step: Edited) -> Changes | None:
    """Measures an edit against the picture that it started from; None for a step that edits none or brought none.

    Takes two decodings, on two cores at once, and some 10 ms for 1024×1024 pixels. LineageError or PictureError where a picture is
    missing or damaged.
    """
    record = step.record
    base = next((s for s in record.sources if s.get("role") == "base"), None)
    if base is None or not record.pictures:
        return None
    config = record.request.get("config") or {}
    return compared(step.lineage.source(base), record.pictures[0], config=config, asked_to_keep=_asked_to_keep(step.lineage, record))


def compared(before: Picture, after: Picture, *, config: Mapping[str, Any] | None = None, asked_to_keep: bool = False) -> Changes:
    """Two pictures measured against each other; `config` is what was asked for, and so surprises nobody. PictureError, LineageError."""
    from concurrent.futures import ThreadPoolExecutor

    asked = config or {}
    if before == after:
        size = _looked_at(before).size
        return Changes(before, after, size, size, True, True, 0.0, 0.0, None, asked, asked_to_keep)
    with ThreadPoolExecutor(2) as pool:  # Pillow lets other threads run while it decodes
        old, new = pool.map(_looked_at, (before, after))
    pixels, share, mean, box = _measured(old, new) if _same_ratio(old.size, new.size) else UNMEASURED
    return Changes(before, after, old.size, new.size, False, pixels, share, mean, box, asked, asked_to_keep)


def cheap_warnings(before: Picture, pictures: Sequence[Picture], config: Mapping[str, Any] | None = None) -> list[str]:
    """What can be said of an edit at once, without decoding: same bytes as before, another size or ratio than before.

    `config` is what was asked for: a ratio or a size that was asked for is none to warn of.
    """
    if not pictures:
        return []
    if pictures[0] == before:
        return ["same bytes as before"]
    old, new = before.size, pictures[0].size
    # as stored: a photograph may stand upright by its EXIF orientation, which only decoding would tell
    if old is None or new is None or (old != new and _same_ratio(old[::-1], new) and not _same_ratio(old, new)):
        return []
    return _size_warnings(old, new, config or {})


def _size_warnings(before: Size, after: Size, config: Mapping[str, Any]) -> list[str]:
    was = f"{_spelled(after)}, was {_spelled(before)}"
    if not _same_ratio(before, after):
        return [] if config.get("aspect_ratio") else [f"another ratio than before ({was})"]
    return [] if before == after or config.get("image_size") else [f"another size than before ({was})"]


def _same_ratio(one: Size, other: Size) -> bool:
    return abs(one[0] * other[1] - one[1] * other[0]) <= SAME_RATIO * one[1] * other[0]


def _spelled(size: Size) -> str:
    return f"{size[0]}×{size[1]}"


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %" if share >= 0.01 else "less than 1 %"


# What was asked


def _asked_to_keep(lineage: Lineage, record: Record) -> bool:
    """Whether the edit asked to keep the rest; one that stands for several, whether each of them did: its own words say so of all."""
    squashed = _squashed(record)
    return all(_is_here_and_asks(lineage, i) for i in squashed) if squashed else _asks_to_keep(record)


def _squashed(record: Record) -> list[Any]:
    ids = (record.fields.get("meta") or {}).get(SQUASHES)
    return ids if isinstance(ids, list) else []


def _is_here_and_asks(lineage: Lineage, full_id: object) -> bool:
    try:
        record = lineage.get(str(full_id))
    except LineageError:
        return False
    return not _squashed(record) and _asks_to_keep(record)


def _asks_to_keep(record: Record) -> bool:
    from promptkit.authoring import prompt_rules as wording  # its patterns are needed when someone looks, and not to ask

    prompt = record.prompt
    is_redrawn = str(prompt.get("template")).rpartition(".")[2] in REDRAWN
    is_known = not prompt.get("lang") or wording.has_rules(str(prompt["lang"]))
    return is_known and not is_redrawn and wording.asks_to_keep_the_rest(str(prompt.get("text") or ""))


# Measuring


class _Look(NamedTuple):
    """A picture as it stands: its size in pixels, made smaller, and whole where it was decoded just now."""

    picture: Picture
    size: Size
    small: Image.Image
    whole: Image.Image | None = None

    @property
    def full(self) -> Image.Image:
        """All of it, decoded again where only the smaller one was remembered."""
        return as_seen(self.picture.image) if self.whole is None else self.whole


class _Memory:
    """The last pictures made smaller, with their sizes, by sha256. Threads share it."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Size, Image.Image]] = {}
        self._lock = threading.Lock()

    def get(self, sha256: str) -> tuple[Size, Image.Image] | None:
        return self._known.get(sha256)

    def keep(self, sha256: str, size: Size, small: Image.Image) -> None:
        with self._lock:
            self._known[sha256] = (size, small)
            for oldest in list(self._known)[:-REMEMBERED]:
                del self._known[oldest]


_memory = _Memory()


def _looked_at(picture: Picture) -> _Look:
    if known := _memory.get(picture.sha256):
        return _Look(picture, *known)
    image = as_seen(picture.image)
    factor = -(-max(image.size) // SIDE)
    small = image.reduce(factor) if factor > 1 else image
    _memory.keep(picture.sha256, image.size, small)
    return _Look(picture, image.size, small, image)


def _measured(before: _Look, after: _Look) -> Measures:
    from PIL import ImageChops

    difference = ImageChops.difference(*_laid_over(before.small, after.small))
    bands = difference.split()
    most = bands[0]
    for band in bands[1:]:
        most = ImageChops.lighter(most, band)
    if before.size == after.size and most.getbbox() is None and _same_pixels(before.full, after.full):
        return True, 0.0, 0.0, None
    changed = most.point([255 * (value > TOLERANCE) for value in range(256)])
    counts = difference.histogram()  # of all channels, one after the other
    mean = sum(i % 256 * count for i, count in enumerate(counts)) / sum(counts)
    return False, changed.histogram()[255] / (changed.width * changed.height), mean, _box(changed, after.size)


def _same_pixels(one: Image.Image, other: Image.Image) -> bool:
    first, second = _laid_over(one, other)
    return first.tobytes() == second.tobytes()


def _laid_over(one: Image.Image, other: Image.Image) -> tuple[Image.Image, Image.Image]:
    """Both in one size, the smaller one, and in one mode; what nobody sees of a transparent pixel is black."""
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
