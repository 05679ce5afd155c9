"""Contact sheets: several pictures on one, each over a line of text."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from promptkit.images.picture import Picture

__all__ = ["contact_sheet"]

GAP = 12  # pixels around each picture
LINE = 22  # pixels for a caption
FONT_PIXELS = 14
FORGOTTEN = "forgotten"
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


def _fitting(text: str, font: Font, pixels: int) -> str:
    """The text, cut where it would be wider than so many pixels."""
    if font.getlength(text) <= pixels:
        return text
    while text and font.getlength(text + "…") > pixels:
        text = text[:-1]
    return text + "…"
