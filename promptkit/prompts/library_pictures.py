"""The pictures of a library's folder that go along with requests, as they are on disk now: bounded, whole, and never from outside of it."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from promptkit.errors import PictureError, TemplateError, did_you_mean
from promptkit.prompts.library_look import DeclaredPictures
from promptkit.prompts.source_file import CurrentFiles, file_names, read_whole

if TYPE_CHECKING:  # is loaded where a picture is read
    from promptkit.images.picture import Picture

__all__ = ["missing_picture", "picture_in"]

LARGEST_PICTURE = 20_000_000  # bytes; services take about as many in a whole request


class _Named(io.BytesIO):
    """The bytes of a file that has a name in errors."""

    name = ""


def _read_picture(path: str, name: str, before: Picture | None) -> Picture | None:
    data = read_whole(path, name, LARGEST_PICTURE, "a picture that goes along", "a picture file")
    if data is None:
        return None
    if before is not None and before.data == data:
        return before
    from promptkit.images.picture import Picture  # brings OpenSSL, which a list of templates does not need

    file = _Named(data)
    file.name = name
    return Picture.open(file)


_pictures = CurrentFiles(_read_picture)


def picture_in(folder: str, file: str, by: DeclaredPictures, library: Path) -> Picture:
    """The picture of that path in the folder, as it is now. TemplateError, with the line that names it, where there is none."""
    try:
        found = _pictures.open(f"{folder}/{file}", file)
    except PictureError as error:
        said = f"The reference {by.name!r} names {file!r}, which cannot go along: {error}"
        raise TemplateError(said, file=str(library), line=by.line) from None
    if found is None:
        there = os.path.dirname(file)  # noqa: PTH120  (a text with /)
        near = did_you_mean(file, [f"{there}/{name}" if there else name for name in file_names(f"{folder}/{there}")])
        said = f"The reference {by.name!r} names the picture {file!r}, which is not there{near}"
        raise TemplateError(f"{said}; put it into the folder, or correct the path.", file=str(library), line=by.line)
    return found


def missing_picture(sha256: str) -> Picture:
    """One that a session should keep and does not: the words that go with it can be rendered, and sending it is a PictureError."""
    from promptkit.images.picture import Picture

    return Picture.recorded(_refuse, sha256=sha256, mime_type="", size=None)


def _refuse() -> bytes:
    raise PictureError("A picture of the template's library that goes along is not kept here; render the prompt anew from its library.")
