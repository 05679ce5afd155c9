"""Contact sheets as they are drawn: pictures over their captions, in any script, with labels where they stand in a grid."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from promptkit.errors import PromptkitError
from promptkit.images.picture import Picture
from promptkit.images.still import on_white
from promptkit.progress import Listener, Progress
from promptkit.views.lettering import Lettering, Lines
from promptkit.views.sheet_layout import Cell, Layout

__all__ = ["FONT_PIXELS", "MOST_PICTURES", "Sheet", "drawn", "is_sheet", "sheet_bytes", "sheet_of"]

GAP = 12  # pixels around each picture
MARGIN = 4  # pixels between a picture and its caption
FONT_PIXELS = 14
CELL_PIXELS = 256  # of a picture's longer side
LEAST_PIXELS = 64
LARGEST = 60_000_000  # pixels of a sheet: its pictures become smaller before it becomes larger
MOST_PICTURES = 2000
LABEL_PIXELS = 140  # of a row's label
LINES, LABEL_LINES = 3, 6  # of a caption, of a label, at most
PAPER, EDGE, FRAME, INK, LIGHT = "#ffffff", "#d4d4d4", "#9a9a9a", "#1a1a1a", "#5f5f5f"
COMPRESSION = 3  # of zlib's 1 to 9
WORKERS = 2
UNREADABLE = "cannot be read"
OURS = "promptkit contact sheet"  # what its file says of itself
HEAD = 4096  # bytes, in which that stands
STOPPED = "stopped; no sheet was made."


class Sheet(Picture):
    """A contact sheet: a Picture that is shown as large as a page, for it is looked at as a whole."""

    card_pixels = 960
    card_bytes = 400_000


def sheet_of(layout: Layout, lettering: Lettering, listener: Listener | None = None) -> Sheet:
    """The sheet as a PNG, of which the pictures are read two at a time; says how far it is."""
    return Sheet(sheet_bytes(drawn(layout, lettering, listener), ".png"))


def drawn(layout: Layout, lettering: Lettering, listener: Listener | None = None, *, pixels: int | None = None) -> Image.Image:
    """The sheet as a PIL image, its pictures at most `pixels` wide and high."""
    return _Drawing(layout, lettering, pixels or _fitting(layout)).sheet(listener)


def _fitting(layout: Layout) -> int:
    """How large pictures may be on a sheet of so many."""
    return max(LEAST_PIXELS, min(CELL_PIXELS, int((LARGEST / (len(layout.rows) * layout.columns)) ** 0.5) - 4 * GAP))


def sheet_bytes(sheet: Image.Image, suffix: str) -> bytes:
    """The file of a sheet, of the type that the suffix names; a PNG or a JPEG says what it is. Pillow's own errors, KeyError."""
    kind, buffer = Image.registered_extensions()[suffix.lower()], BytesIO()
    notes = PngInfo()
    notes.add_text("Software", OURS)
    own = {"PNG": {"pnginfo": notes, "compress_level": COMPRESSION}, "JPEG": {"comment": OURS, "quality": 90}}
    sheet.save(buffer, kind, **own.get(kind, {}))
    return buffer.getvalue()


def is_sheet(data: bytes) -> bool:
    """Whether a file says that it is a contact sheet."""
    return OURS.encode() in data[:HEAD]


class _Drawing:
    """One sheet while it is drawn: how wide and high everything is, then what is drawn there."""

    def __init__(self, layout: Layout, lettering: Lettering, pixels: int) -> None:
        self._layout, self._text, self._pixels = layout, lettering, pixels
        self._left = LABEL_PIXELS + GAP if layout.row_labels and layout.down.name else 0
        self._captions = [[lettering.lines(cell.caption, pixels, LINES) if cell else None for cell in row] for row in layout.rows]
        self._row_labels = [lettering.lines(label, LABEL_PIXELS, LABEL_LINES) for label in layout.row_labels if self._left]
        self._column_labels = [lettering.lines(a, self._width(s), LINES) for a, s in zip(layout.across.labels, layout.spans, strict=False)]
        self._names = [lettering.lines(axis.name, LABEL_PIXELS if i else 10_000, 1) for i, axis in enumerate((layout.across, layout.down))]

    def sheet(self, listener: Listener | None) -> Image.Image:
        columns, heights = self._layout.columns, list(map(self._row_height, range(len(self._layout.rows))))
        size = (self._left + columns * (self._pixels + GAP) + GAP, self._head + sum(heights) + GAP)
        self._image = Image.new("RGB", size, PAPER)
        self._draw = ImageDraw.Draw(self._image)
        self._draw_head()
        pictures = self._pictures(listener)
        top = self._head + GAP
        for i, row in enumerate(self._layout.rows):
            self._draw_row_label(i, top)
            for k, cell in enumerate(row):
                if cell:
                    self._draw_cell(cell, next(pictures), self._captions[i][k], self._x(k), top)
            top += heights[i]
        return self._image

    # How large

    def _width(self, span: int) -> int:
        return span * (self._pixels + GAP) - GAP

    def _x(self, column: int) -> int:
        return self._left + GAP + column * (self._pixels + GAP)

    def _row_height(self, i: int) -> int:
        """Of its pictures, of the longest of its captions, and of a label that is longer still."""
        lines = max((len(caption.lines) for caption in self._captions[i] if caption), default=0)
        cells = self._pixels + (MARGIN + lines * self._text.height if lines else 0)
        return max(cells, len(self._row_labels[i].lines) * self._text.height if self._row_labels else 0) + GAP

    @property
    def _head(self) -> int:
        """The height of what stands above the rows: the name of the axis across, and its labels."""
        if not self._layout.across.labels:
            return 0
        return GAP + (1 + max(len(label.lines) for label in self._column_labels)) * self._text.height

    # What is drawn

    def _draw_head(self) -> None:
        labels, across = self._column_labels, self._layout.across
        if across.labels:
            self._text.draw(self._draw, (self._x(0), GAP), self._names[0], self._width(self._layout.columns), fill=LIGHT)
        column = 0
        for label, span in zip(labels, self._layout.spans, strict=False):
            self._text.draw(self._draw, (self._x(column), GAP + self._text.height), label, self._width(span), fill=INK)
            column += span
        if self._left:
            top = self._head - self._text.height if across.labels else GAP
            self._text.draw(self._draw, (GAP, top), self._names[1], LABEL_PIXELS, fill=LIGHT)

    def _draw_row_label(self, i: int, top: int) -> None:
        if self._left:
            below = self._text.height if i == 0 and not self._layout.across.labels else 0  # the axis's name stands there
            self._text.draw(self._draw, (GAP, top + below), self._row_labels[i], LABEL_PIXELS, fill=INK)

    def _draw_cell(self, cell: Cell, picture: Image.Image | None, caption: Lines | None, x: int, y: int) -> None:
        if picture is not None:
            box = self._paste(picture, x, y)
            self._draw.rectangle(box, outline=EDGE)  # a white picture has an end, too
        else:
            self._draw_frame(cell.frame or UNREADABLE, x, y)
        if cell.continues:
            self._draw_arrow(x, y + self._pixels // 2)
        if caption:
            self._text.draw(self._draw, (x, y + self._pixels + MARGIN), caption, self._pixels, fill=INK)

    def _paste(self, picture: Image.Image, x: int, y: int) -> tuple[int, int, int, int]:
        left, top = x + (self._pixels - picture.width) // 2, y + (self._pixels - picture.height) // 2
        self._image.paste(picture, (left, top))
        return left - 1, top - 1, left + picture.width, top + picture.height

    def _draw_frame(self, words: str, x: int, y: int) -> None:
        self._draw.rectangle((x, y, x + self._pixels - 1, y + self._pixels - 1), outline=FRAME, width=2)
        self._text.draw(self._draw, (x + GAP, y + GAP), self._text.lines(words, self._pixels - 2 * GAP, LINES), self._pixels, fill=LIGHT)

    def _draw_arrow(self, x: int, y: int) -> None:
        """From the picture before to this one, in the gap between them."""
        self._draw.line((x - GAP + 2, y, x - 4, y), fill=LIGHT, width=2)
        self._draw.polygon([(x - 7, y - 4), (x - 2, y), (x - 7, y + 4)], fill=LIGHT)

    def _pictures(self, listener: Listener | None) -> Iterator[Image.Image | None]:
        """The pictures in the order of their cells, as small as they are drawn; None for one that cannot be shown."""
        cells = [cell for row in self._layout.rows for cell in row if cell]
        with Progress(len(cells), listener, doing="drawing the sheet", stopped=STOPPED) as progress, ThreadPoolExecutor(WORKERS) as pool:
            try:
                for small in pool.map(self._small, cells):
                    progress.advance()
                    yield small
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _small(self, cell: Cell) -> Image.Image | None:
        if cell.picture is None:
            return None
        try:
            return on_white(cell.picture.reduced(self._pixels))
        except PromptkitError:
            return None
