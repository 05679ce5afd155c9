"""The region that a step edited, as its user looks at it: what was to be edited, the cut that was sent, and the service's own answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promptkit.errors import SettingsError
from promptkit.images.box import Box, box_text
from promptkit.images.picture import Picture, is_picture
from promptkit.lineage.record import Record
from promptkit.lineage.schema import RegionFields
from promptkit.lineage.tree import Lineage

if TYPE_CHECKING:  # cuts pictures, and is loaded where a region is given
    from promptkit.engine.region_plan import RegionEdit

__all__ = ["ROOTLESS", "EditedRegion", "check_region", "given_region", "read_region", "refuse_region"]

ROOTLESS = "A new root has no picture of which a region could be edited: edit a step, or leave the region out."


def read_region(given: object) -> object:
    """A region as it can be read more than once: a mask as its Picture, also a step's; a box as it came. PictureError for no picture."""
    picture: Any = getattr(given, "picture", given)
    return Picture.open(picture) if is_picture(picture) and not isinstance(picture, str) else picture


def check_region(given: object, picture: Picture) -> None:
    """PictureError where it is no region of a picture of one's own, which is not in the session yet; says nothing."""
    if given is not None:
        from promptkit.images.region import is_too_small, region_in
        from promptkit.images.still import refuse_unworkable

        refuse_unworkable(picture)
        size = picture.seen_size
        if size and not is_too_small(size):
            region_in(given, size)


def given_region(given: object, base: Record | None) -> RegionEdit | None:
    """The region of a step's picture that a caller gives; None for none. PictureError, SettingsError where there is no step."""
    if given is None:
        return None
    if base is None:
        raise SettingsError(ROOTLESS)
    from promptkit.engine.region_plan import planned_region

    return planned_region(read_region(given), base.picture)


def refuse_region(options: dict[str, Any]) -> None:
    """SettingsError where a new root is to edit a region; takes a region of None away."""
    if options.pop("region", None) is not None:
        raise SettingsError(ROOTLESS)


class EditedRegion:
    """The region of one step. Its pictures are read from the session's folder when someone looks at them."""

    def __init__(self, lineage: Lineage, fields: RegionFields) -> None:
        self._lineage, self.fields = lineage, fields

    @classmethod
    def of(cls, lineage: Lineage, record: Record) -> EditedRegion | None:
        """The region of a step; None where it edited none."""
        return cls(lineage, record.region) if record.region else None

    @property
    def box(self) -> Box:
        """In pixels of the picture that was edited, as people see it."""
        left, top, right, bottom = self.fields.box
        return left, top, right, bottom

    @property
    def size(self) -> tuple[int, int]:
        """The width and height of that picture in pixels."""
        width, height = self.fields.size
        return width, height

    @property
    def mask(self) -> Picture | None:
        """The picture that marks it; None where the box is the region."""
        return Picture(self._lineage.kept(self.fields.mask)) if self.fields.mask else None

    @property
    def cut(self) -> Picture | None:
        """What was sent of the picture."""
        cut = self.fields.cut
        return self._lineage.kept_picture(cut.sha256, "image/png", cut.size) if cut else None

    @property
    def answers(self) -> tuple[Picture, ...]:
        """What the service returned, byte for byte; the step's own pictures have it laid in."""
        return tuple(self._lineage.kept_picture(a.sha256, a.mime_type, a.size) for a in self.fields.answers)

    def __str__(self) -> str:
        return box_text(self.box) + (" by a mask" if self.fields.mask else "")

    def __repr__(self) -> str:
        return f"<EditedRegion {self} of {self.size[0]}×{self.size[1]}>"
