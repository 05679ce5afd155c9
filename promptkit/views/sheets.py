"""Contact sheets: several pictures on one, each over a line of text."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from promptkit.images.picture import Picture

__all__ = ["contact_sheet", "is_sheet", "sheet_bytes"]

GAP = 12  # pixels around each picture
LINE = 22  # pixels for a caption
FONT_PIXELS = 14
FORGOTTEN = "forgotten"
OURS = "promptkit contact sheet"  # what its file says of itself
HEAD = 4096  # bytes, in which that stands
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def contact_sheet(pictures: Sequence[Picture | None], captions: Sequence[str] = (), *, columns: int = 4, pixels: int = 256) -> Image.Image:
    """Pictures in rows on one sheet, each at most `pixels` wide and high, with a line of text below it; None is the empty frame of one
    that was forgotten. PictureError, LineageError.
    """
    line = LINE if captions else 0
    columns = min(columns, max(1, len(pictures)))
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * (pixels + GAP) + GAP, rows * (pixels + GAP + line) + GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(FONT_PIXELS)
    for i, picture in enumerate(pictures):
        x, y = GAP + i % columns * (pixels + GAP), GAP + i // columns * (pixels + GAP + line)
        if picture is None:
            draw.rectangle((x, y, x + pixels - 1, y + pixels - 1), outline="grey", width=2)
            draw.text((x + GAP, y + GAP), FORGOTTEN, fill="grey", font=font)
        else:
            small = picture.image.convert("RGB")
            small.thumbnail((pixels, pixels))
            sheet.paste(small, (x + (pixels - small.width) // 2, y + (pixels - small.height) // 2))
        if i < len(captions):
            draw.text((x, y + pixels + 4), _fitting(captions[i], font, pixels), fill="black", font=font)
    return sheet


def sheet_bytes(sheet: Image.Image, suffix: str) -> bytes:
    """The file of a sheet, of the type that the suffix names; a PNG or a JPEG says what it is. Pillow's own errors, KeyError."""
    kind, buffer = Image.registered_extensions()[suffix.lower()], BytesIO()
    notes = PngInfo()
    notes.add_text("Software", OURS)
    sheet.save(buffer, kind, **({"pnginfo": notes} if kind == "PNG" else {"comment": OURS} if kind == "JPEG" else {}))
    return buffer.getvalue()


def is_sheet(data: bytes) -> bool:
    """Whether a file says that it is a contact sheet."""
    return OURS.encode() in data[:HEAD]


def _fitting(text: str, font: Font, pixels: int) -> str:
    """The text, cut where it would be wider than so many pixels."""
    if font.getlength(text) <= pixels:
        return text
    while text and font.getlength(text + "…") > pixels:
        text = text[:-1]
    return text + "…"
