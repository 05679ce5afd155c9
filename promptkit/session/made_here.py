"""What a step makes of its picture itself, without a request: crop, resize, pad, convert.

Each is a step of its own that continues this one: recorded, found again by the same call, and repeated by a replay.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from promptkit.images.operations import Operation

__all__ = ["MadeHere"]


class MadeHere(ABC):
    """The methods of a step that make another one of its picture. Each moves the head to what it made; costs nothing; takes the
    caller's `label` and `meta`; raises SettingsError for wrong values, PictureError for what does not go with the
    picture, LineageError where that is missing.

    Boxes and sizes are of the picture as people see it. Its profile goes along, and a PNG's gamma; its other metadata stays with it. A
    picture keeps its type: a JPEG is written at quality 95 with full colour, and what was made of a picture of another type is a PNG.
    """

    @abstractmethod
    def _made(self, operation: Operation, label: str | None, meta: Mapping[str, Any] | None) -> Self: ...

    def crop(
        self,
        box: str | Sequence[float] | None = None,
        *,
        ratio: object = None,
        focus: object = None,
        label: str | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> Self:
        """The part in a box, a tuple (left, top, right, bottom) in pixels or fractions or a text such as "200x260+300+420"; or the largest
        part of a `ratio` ("4:5"), as near to the `focus` as it can be: "top", "left bottom", a point ("50%,30%", fractions or pixels), a
        box; by default the middle.
        """
        from promptkit.images.operations import crop

        return self._made(crop(box, ratio=ratio, focus=focus), label, meta)

    def resize(
        self,
        size: object = None,
        *,
        width: int | None = None,
        height: int | None = None,
        longest: int | None = None,
        scale: object = None,
        stretch: bool = False,
        label: str | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> Self:
        """Another size in pixels: a pair or a text ("800x600"), a `width` or a `height` (the other follows), the `longest` side, or a
        `scale` (0.5, "50%"). Enlarging is said in a warning. A size of another ratio is refused unless `stretch`.
        """
        from promptkit.images.operations import resize

        sides = {"width": width, "height": height, "longest": longest, "scale": scale}
        return self._made(resize(size, **sides, stretch=stretch), label, meta)

    def pad(
        self,
        *,
        ratio: object = None,
        size: object = None,
        fill: object = "white",
        label: str | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> Self:
        """A larger canvas of a `ratio` ("16:9") or a `size` in pixels, with the picture in its middle. `fill` is a colour: a name,
        "#rrggbb", whole numbers from 0 to 255, "transparent"; it shows through what is transparent, too.
        """
        from promptkit.images.operations import pad

        return self._made(pad(ratio=ratio, size=size, fill=fill), label, meta)

    def convert(
        self,
        type: str,  # noqa: A002  (what it is called everywhere)
        *,
        quality: int | None = None,
        max_bytes: int | None = None,
        fill: object = None,
        label: str | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> Self:
        """Another type of file: "png", "jpeg", "webp", "avif". `quality` is from 1 to 100, by default 90, and is lowered until the file has
        at most `max_bytes`. `fill` lies below what is transparent in a JPEG, by default white.
        """
        from promptkit.images.operations import convert

        return self._made(convert(type, quality=quality, max_bytes=max_bytes, fill=fill), label, meta)
