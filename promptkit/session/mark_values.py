"""What callers give for a mark: verdict, stars, note, region and reader, each in the form in which it is kept."""

from __future__ import annotations

from typing import Any

from promptkit import config
from promptkit.engine.options import checked_text
from promptkit.errors import PictureError, SettingsError, did_you_mean, shown
from promptkit.images.box import Box, box_in_pixels
from promptkit.lineage.files import whole_text
from promptkit.lineage.marked import WORDS, Wanted
from promptkit.lineage.marks import LONGEST_NAME, LONGEST_NOTE, MOST_STARS, VERDICTS
from promptkit.lineage.record import Record
from promptkit.lineage.references import normal
from promptkit.terminal import printable
from promptkit.values import built_in, whole_number

__all__ = ["checked_note", "checked_reader", "checked_stars", "checked_verdict", "region_in", "wanted_marks"]


def checked_verdict(verdict: object) -> str | None:
    """keep, reject, or None. SettingsError for another one."""
    said = built_in(verdict)
    plain = said.strip().lower() if isinstance(said, str) else said
    if plain is None or plain in VERDICTS:
        return plain
    near = did_you_mean(plain, VERDICTS) if isinstance(plain, str) else ""
    raise SettingsError(f'A mark is "keep", "reject" or None, which takes it back, not {shown(said)}{near}.')


def checked_stars(stars: object) -> int | None:
    """A number of stars, 0 where they are taken back; None where nothing is said of them. SettingsError for another one."""
    if stars is None:
        return None
    count = whole_number(stars)
    if count is None or not 0 <= count <= MOST_STARS:
        raise SettingsError(f"stars= is a whole number from 1 to {MOST_STARS}, or 0 to take them back, not {shown(stars)}.")
    return count


def checked_note(note: object) -> str | None:
    """A note as it is kept. SettingsError where it is no text, or too long."""
    text = checked_text("note", note)
    if text is not None and len(text := whole_text(text).strip()) > LONGEST_NOTE:
        said = f"A mark's note has {LONGEST_NOTE:,} characters at most, and this one has {len(text):,}; say the rest elsewhere."
        raise SettingsError(said)
    return text


def checked_reader(by: object) -> str:
    """A reader's name in its one form; by default the user's, as the config file gives it. SettingsError where it is none."""
    text = checked_text("by", config.user_name() if by is None else by) or ""
    name = normal(" ".join(text.split()))
    if len(name) > LONGEST_NAME or printable(name) != name:
        raise SettingsError(f"by= is a name on one line, of {LONGEST_NAME} characters at most, not {shown(text)}.")
    return name


def region_in(given: Any, record: Record) -> Box:
    """A box in the picture of a step, in pixels. PictureError where it is none, or reaches outside."""
    size = record.outputs[0].size if record.outputs else None
    if size is None:
        raise PictureError(f"Step {record.number} has no picture whose size is known, so no region of it can be marked; leave region= out.")
    return box_in_pixels(given, size)


def wanted_marks(verdict: object, stars: object, by: object) -> Wanted:
    """How steps should be marked. SettingsError for what is no verdict."""
    read = Wanted() if verdict is None else Wanted.read(verdict) if isinstance(verdict, str) else None
    if read is None:
        near = did_you_mean(verdict, VERDICTS) if isinstance(verdict, str) else ""
        raise SettingsError(f"Steps are marked in these ways: {WORDS}; {shown(verdict)} is none of them{near}.")
    count = checked_stars(stars)
    return Wanted(read.verdict, read.stars if count is None else count or None, read.by if by is None else checked_reader(by))
