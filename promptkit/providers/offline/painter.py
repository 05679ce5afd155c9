"""Draws drafts: a scene's ground, figures, labelled shapes and lettering, or a change to a picture that is not the painter's own.

Equal requests give equal bytes on one machine; lettering that Pillow's own font lacks is drawn with the machine's fonts. Sizes are in
pixels, (width, height); figures are drawn in units of their own, from -1 to 1 around their middle, at twice the size and then reduced:
Pillow's edges are not smooth.
"""

from __future__ import annotations

import io
import math
import os
import random
import re
import textwrap
import threading
import unicodedata
import warnings
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from promptkit.providers.offline import scene as scenes
from promptkit.providers.offline import words
from promptkit.providers.offline.scene import Item, Scene

if TYPE_CHECKING:  # Pillow is imported where a picture is made, so that importing the service stays cheap
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

__all__ = ["Size", "Unreadable", "paint", "size_of"]

Size = tuple[int, int]
RGB = tuple[int, int, int]
Colours = Mapping[str, RGB]
WHITE: RGB = (255, 255, 255)
DARK: RGB = (52, 48, 60)
PLATE: RGB = (250, 246, 214)
LARGEST = 20_000_000  # pixels; the real services' 4K pictures stay below
WORK = 1_100_000  # pixels; a larger new picture is painted this large and scaled up: it is a draft
NIGHT = (0.30, 0.04, 0.02, 0, 0.04, 0.34, 0.06, 2, 0.08, 0.08, 0.52, 24)  # takes light away, and less of the blue
ONE_AT_A_TIME = threading.Lock()  # what catches warnings is not for several threads at once
if hasattr(os, "register_at_fork"):  # a fork waits for who paints just now, so that its child finds nobody painting
    os.register_at_fork(before=ONE_AT_A_TIME.acquire, after_in_parent=ONE_AT_A_TIME.release, after_in_child=ONE_AT_A_TIME.release)

SCENE = "promptkit draft"  # the keyword of the text in a PNG that holds its scene


# The strokes above an accented letter: x and y, in units of a sixth of its height.
ACCENTS = {
    "\u0300": ((-0.4, -0.3), (0.4, 0.3)),
    "\u0301": ((-0.4, 0.3), (0.4, -0.3)),
    "\u0302": ((-0.6, 0.3), (0.0, -0.3), (0.6, 0.3)),
    "\u0303": ((-0.8, 0.0), (0.8, 0.0)),
}


class Unreadable(ValueError):
    """Bytes that hold no picture, or only half of one."""


def _rgb(code: str) -> RGB:
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)


def _mix(one: RGB, other: RGB, part: float) -> RGB:
    r, g, b = (round(a + (z - a) * part) for a, z in zip(one, other, strict=True))
    return r, g, b


# Figures


@dataclass(frozen=True)
class Brush:
    """Draws on a sheet where (0, 0) is at (x, y) and one is `unit` long, both in pixels; `side` -1 looks the other way."""

    draw: ImageDraw
    x: float
    y: float
    unit: float
    side: int = 1

    def at(self, x: float, y: float, size: float) -> Brush:
        """A brush for a figure within the figure."""
        return Brush(self.draw, self.x + x * self.unit * self.side, self.y + y * self.unit, self.unit * size, self.side)

    def oval(self, x: float, y: float, rx: float, ry: float, fill: RGB | int, ink: RGB | None = None) -> None:
        """An ellipse around (x, y)."""
        mx, my, u = self.x + x * self.unit * self.side, self.y + y * self.unit, self.unit
        self.draw.ellipse((mx - rx * u, my - ry * u, mx + rx * u, my + ry * u), fill, ink, round(0.035 * u) if ink else 0)

    def poly(self, numbers: Sequence[float], fill: RGB, ink: RGB | None = None) -> None:
        """A polygon of x, y, x, y …"""
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        self.draw.polygon([(self.x + x * self.unit * self.side, self.y + y * self.unit) for x, y in points], fill)
        if ink:
            self.line([*points, points[0]], ink)

    def line(self, points: Sequence[tuple[float, float]], ink: RGB | int, width: float = 0.035) -> None:
        """A line of `width` with round joints and ends."""
        path = [(self.x + x * self.unit * self.side, self.y + y * self.unit) for x, y in points]
        self.draw.line(path, ink, max(1, round(width * self.unit)), joint="curve")
        for x, y in (points[0], points[-1]):
            self.oval(x, y, width / 2, width / 2, ink)

    def arc(self, x: float, y: float, rx: float, ry: float, start: float, end: float, ink: RGB, width: float = 0.035) -> None:
        """A part of an ellipse's edge, from `start` to `end` in degrees."""
        turns = [math.radians(start + (end - start) * n / 12) for n in range(13)]
        self.line([(x + rx * math.cos(a), y + ry * math.sin(a)) for a in turns], ink, width)

    def parts(self, rows: str, colours: Colours) -> None:
        """A figure of the table."""
        for row in filter(None, map(str.split, rows.split(";"))):
            kind, numbers, name = row[0], [float(n) for n in row[1:-1]], row[-1].rstrip("+")
            fill = _rgb(name) if name.startswith("#") else colours[name]
            ink = colours["ink"] if row[-1].endswith("+") else None
            self._part(kind.lstrip("2"), numbers, fill, ink)
            if kind.startswith("2"):
                Brush(self.draw, self.x, self.y, self.unit, -self.side)._part(kind[1:], numbers, fill, ink)

    def _part(self, kind: str, numbers: list[float], fill: RGB, ink: RGB | None) -> None:
        if kind == "oval":
            x, y, rx, ry = numbers
            self.oval(x, y, rx, ry, fill, ink)
        elif kind == "arc":
            x, y, rx, ry, start, end = numbers
            self.arc(x, y, rx, ry, start, end, fill)
        else:
            self.poly(numbers, fill, ink)


Drawing = Callable[[Brush], None]


def _stamp(image: Image, x: float, y: float, unit: float, drawing: Drawing, rim: bool = False) -> None:
    """Draws around (x, y); with `rim` it lies there as a die-cut sticker, white-edged, with a shadow."""
    from PIL import Image, ImageDraw

    half = max(2, math.ceil(unit * 1.35))
    sheet = Image.new("RGBA", (4 * half, 4 * half))
    drawing(Brush(ImageDraw.Draw(sheet), 2 * half, 2 * half, 2 * unit))
    sheet = sheet.reduce(2)
    left, top = round(x) - half, round(y) - half
    if rim:
        edge = _grown(sheet.getchannel("A"), 0.05 * unit)
        image.paste((40, 34, 60), (left, top + max(1, round(0.03 * unit))), edge.point([v * 2 // 7 for v in range(256)]))
        image.paste(WHITE, (left, top), edge)
    image.paste(sheet, (left, top), sheet)


def _overlay(image: Image, drawing: Drawing) -> None:
    """Draws over the whole picture; one is half of its shorter side."""
    from PIL import Image, ImageDraw

    times = 2 if image.width * image.height < 4 * WORK else 1  # a 4K picture is smooth enough, and large enough
    sheet = Image.new("RGBA", (times * image.width, times * image.height))
    drawing(Brush(ImageDraw.Draw(sheet), sheet.width / 2, sheet.height / 2, min(sheet.size) / 2))
    sheet = sheet.reduce(times)
    image.paste(sheet, (0, 0), sheet)


def _grown(mask: Image, radius: float) -> Image:
    """The mask, larger by about `radius` pixels on each side, with smooth edges."""
    from PIL import ImageFilter

    small = mask.reduce(2).filter(ImageFilter.GaussianBlur(max(0.5, radius * 0.375)))
    return small.resize(mask.size).point([min(255, max(0, (v - 30) * 10)) for v in range(256)])


def _figure(name: str, colours: Colours, brush: Brush) -> None:
    brush.parts(words.table("figures")[name], colours)


def _colours(scene: Scene, colour: str) -> Colours:
    """What the colour names in a figure stand for."""
    fill = _rgb(colour or scene.first)
    return {
        "first": fill,
        "second": _mix(_rgb(scene.second), WHITE, 0.2),
        "ink": _mix(_rgb(scene.ink), (40, 28, 44), 0.3),
        "tint": _mix(fill, WHITE, 0.82),
        "white": WHITE,
    }


def _drawing(scene: Scene, item: Item) -> Drawing:
    """What draws an item, with what it wears."""
    if not item.figure:
        return lambda brush: _labelled(brush, item.word, _colours(scene, item.colour))
    somebody = item is scene.wearer
    beast = item.figure in words.table("creatures")
    rows, colours = _creature(scene, item) if beast else (words.table("figures")[item.figure], _colours(scene, item.colour))
    if item.figure == "person":
        colours = _skin(scene, item, colours)

    def drawing(brush: Brush) -> None:
        brush.parts(rows, colours)
        for worn in (other for other in scene.items if other.worn and somebody):
            hat = worn.figure == "hat"
            y, size = (-0.84, 0.76) if hat and beast else (-0.68, 0.6) if hat else (0.38, 0.48)
            straw = {"first": (222, 190, 120)} if hat and not worn.colour else {}
            _figure(worn.figure, {**_colours(scene, worn.colour), **straw}, brush.at(0, y, size))

    return drawing


def _creature(scene: Scene, item: Item) -> tuple[str, Colours]:
    """A creature's rows, sitting, and its colours."""
    ears, mouth, mark, coat, second = words.table("creatures")[item.figure]["drawn"].split()
    happy = random.Random(item.seed).random() < 0.4  # noqa: S311, for drawing and not for secrets
    order = ("body", f"{mark} behind", ears, "head", mark, f"{ears} over", "cheeks", "glad" if happy else "awake", mouth)
    rows = ";".join(words.table("figures").get(name, "") for name in order)
    return rows, {**_colours(scene, item.colour), **_fur(_rgb(item.colour or coat), _rgb(second), _rgb(scene.ink), mark, happy)}


def _fur(coat: RGB, second: RGB, ink: RGB, mark: str, happy: bool) -> Colours:
    """What the colour names in a creature's rows stand for."""
    blush, patched, ink = (246, 100, 125), mark == "patches", _mix(_mix(coat, ink, 0.55), (30, 20, 36), 0.6)
    return {
        "coat": coat,
        "second": second,
        "ink": ink,
        "belly": coat if patched or mark == "wool" else second,
        "limb": second if patched else coat,
        "ear": second if patched else coat,
        "inner": second if patched or mark == "brows" else _mix(coat, blush, 0.4),
        "pale": _mix(coat, WHITE, 0.7),
        "dark": _mix(coat, ink, 0.4),
        "cheek": _mix(coat, blush, 0.55),
        "eye": WHITE if patched and happy else (38, 28, 40),
    }


def _skin(scene: Scene, item: Item, colours: Colours) -> Colours:
    dice, table = random.Random(item.seed), words.table("choices")  # noqa: S311
    skin, hair = _rgb(dice.choice(table["skin"])), _rgb(dice.choice(table["hair"]))
    return {**colours, "skin": skin, "hair": hair, "shade": _mix(skin, _rgb(scene.ink), 0.2), "cheek": _mix(skin, (240, 90, 100), 0.4)}


def _labelled(brush: Brush, word: str, colours: Colours) -> None:
    """A card for what there is no figure of, with the word for it."""
    fill, mask = colours["first"], _text(word, round(brush.unit * 0.32), round(brush.unit * 1.4))
    brush.parts(words.table("figures")["card"], colours)
    mask.thumbnail((round(brush.unit * 1.4), round(brush.unit * 0.95)))
    corner = round(brush.x + 0.12 * brush.unit) - mask.width // 2, round(brush.y) - mask.height // 2
    brush.draw.bitmap(corner, mask, DARK if sum(fill) > 360 else WHITE)


# A scene


def _painted(scene: Scene, size: Size) -> Image:
    """The scene's picture."""
    from PIL import Image

    shrink = min(1.0, math.sqrt(WORK / (size[0] * size[1])))
    image = Image.new("RGB", (max(64, round(size[0] * shrink)), max(64, round(size[1] * shrink))), _rgb(scene.paper))
    if scene.hills:
        _overlay(image, lambda brush: _figure("hills", _colours(scene, ""), brush))
    image = _over(image, scene)
    return image if image.size == size else image.resize(size)


def _over(image: Image, scene: Scene, plate: bool = False) -> Image:
    """The scene on its ground, or on a picture: figures in their way of drawing, words, the light, and the notes."""
    for item in (item for item in scene.items if item.figure and not item.worn):
        _place(image, scene, item)
    image = _restyled(image, scene) if scene.look else image
    for item in (item for item in scene.items if not item.figure):
        _place(image, scene, item)
    _letter(image, scene, plate)
    image = image.convert("RGB", NIGHT) if scene.night else image
    _note(image, scene.notes)
    return image


def _place(image: Image, scene: Scene, item: Item) -> None:
    drawing, x, y, size = _drawing(scene, item), image.width * item.x, image.height * item.y, min(image.size) * item.size
    if item.figure == "person" and item.size > 0.3:  # a portrait, which the lower edge cuts
        y, size = image.height - min(image.size) * 0.42, min(image.size) * 0.5
    if scene.emblem and item is scene.items[0]:
        _stamp(image, x, y, size * 0.95, lambda brush: _figure("emblem", _colours(scene, item.colour), brush))
        size *= 0.55
    _stamp(image, x, y, size, drawing, scene.sticker)


# Lettering


def _letter(image: Image, scene: Scene, plate: bool) -> None:
    """Lettering along the bottom, one below the other, as large as fits; on a plate where it must hide what is there."""
    first, ink, bottom = _rgb(scene.first), _rgb(scene.ink), round(image.height * 0.96)
    for text in reversed(scene.lettering):
        tall = max(8, round(min(image.size) * (0.16 if len(scene.lettering) < 2 and len(text) < 17 else 0.08)))
        mask = _text(text, tall, image.width)
        mask.thumbnail((round(image.width * 0.84), round(image.height * 0.3)))
        corner = ((image.width - mask.width) // 2, bottom - mask.height)
        image.paste(WHITE, (*corner, corner[0] + mask.width, bottom), None if plate else _grown(mask, tall * 0.09))
        image.paste(ink if first == WHITE else _mix(first, ink, 0.35), corner, mask)
        bottom = corner[1]


def _note(image: Image, notes: Sequence[str]) -> None:
    """What could not be drawn, in words on plates from the upper left corner down."""
    gap = y = max(1, min(image.size) // 40)
    for text in notes:
        mask = _text(text, max(8, 2 * gap), round(image.width * 0.7))
        mask.thumbnail((round(image.width * 0.9), max(8, round(image.height * 0.2))))
        image.paste(DARK, (gap, y, gap + mask.width + 2, y + mask.height + 2))
        image.paste(PLATE, (gap + 1, y + 1, gap + 1 + mask.width, y + 1 + mask.height))
        image.paste(DARK, (gap + 1, y + 1), mask)
        y += mask.height + 2 + gap


def _text(text: str, tall: int, wide: int) -> Image:
    """The text as a mask, in lines of about `wide` pixels that are `tall` pixels high; spelled where no font has its characters."""
    from PIL import Image, ImageFont

    shown = "".join(ch for ch in unicodedata.normalize("NFC", text) if unicodedata.category(ch)[0] != "C")
    name = "" if all(map(_is_plain, shown)) else _font_of(shown)
    shown = shown if name or all(map(_is_plain, shown)) else words.spelled(shown)
    font = ImageFont.truetype(name, tall) if name else ImageFont.load_default(tall)
    spaced = not re.search("[\u3040-\u30ff\u3400-\u9fff]", shown)  # Han and kana have no spaces to break lines at
    width = max(4, round(wide / max(1, tall) * (1.9 if spaced else 1.0)))
    rows = textwrap.wrap(shown, width, break_long_words=not spaced, max_lines=5, placeholder=" …")
    lines = [_line(row, font, not name, tall) for row in rows] or [Image.new("L", (tall, tall))]
    sheet = Image.new("L", (max(line.width for line in lines), round(tall * (1.25 * len(lines) + 0.4))))
    for n, line in enumerate(lines):
        sheet.paste(line, ((sheet.width - line.width) // 2, round(tall * (1.25 * n + 0.2))))
    return sheet


def _line(text: str, font: FreeTypeFont | ImageFont, plain: bool, tall: int) -> Image:
    """One line as a mask, with a margin for its outline; accents that Pillow's own font lacks are brushed."""
    from PIL import Image, ImageDraw

    letters = [unicodedata.normalize("NFD", ch) for ch in text] if plain else [text]
    shown, pad = "".join(letter[0] for letter in letters) if plain else text, max(1, tall // 5)
    line = Image.new("L", (math.ceil(font.getlength(shown)) + 2 * pad, round(tall * 1.25)))
    draw = ImageDraw.Draw(line)
    draw.text((pad, 0), shown, 255, font)
    for n, letter in enumerate(letters if plain else ()):
        x = pad + font.getlength(shown[:n]) + font.getlength(letter[0]) / 2
        for accent in letter[1:]:
            Brush(draw, x, tall * (0.22 if letter.islower() else 0.08), tall * 0.14).line(ACCENTS[accent], 255, 0.5)
    return line


def _is_plain(ch: str) -> bool:
    """Whether Pillow's own font has a character; of accented Latin letters it has the letter, and a brush adds the accent."""
    apart = unicodedata.normalize("NFD", ch)
    return (apart[0].isascii() or apart[0] in "“”‘’…·") and set(apart[1:]) <= ACCENTS.keys()


@lru_cache(256)
def _font_of(text: str) -> str:
    """The first of the machine's fonts that has every character, or ""."""
    return next((name for name in words.table("fonts")["files"] if _has(name, text)), "")


def _has(name: str, text: str) -> bool:
    from PIL import ImageFont

    try:
        masks = [ImageFont.truetype(name, 20).getmask(ch) for ch in ("\U0010fffe", *text)]
    except OSError:
        return False
    missing, *shapes = [(mask.size, bytes(mask)) for mask in masks]
    return missing not in shapes


# Changes to pixels


def _restyled(image: Image, scene: Scene) -> Image:
    """The picture in one of the ways of drawing that can be imitated."""
    from PIL import Image, ImageChops, ImageFilter, ImageOps

    if scene.look == "pixels":
        small = image.resize([max(1, n // 14) for n in image.size], Image.Resampling.BOX).quantize(24, dither=Image.Dither.NONE)
        return small.convert("RGB").resize(image.size, Image.Resampling.NEAREST)
    grey = ImageOps.grayscale(image).filter(ImageFilter.GaussianBlur(1.5))
    edges = ImageOps.invert(grey.filter(ImageFilter.FIND_EDGES)).point([max(0, 255 - (255 - v) * 5) for v in range(256)])
    threads = (10, 16) if scene.look == "wash" else (5, 64)  # blots, or the lines of a wood block
    dots = random.Random(scene.seed).randbytes(threads[0] * threads[1])  # noqa: S311
    grain = Image.frombytes("L", threads, dots).resize(image.size)
    if scene.look == "pencil":
        shade = ImageChops.multiply(edges, grey.point([170 + v // 3 for v in range(256)]))
        return ImageOps.colorize(shade, (52, 48, 60), (252, 249, 240))
    if scene.look == "wash":
        wet = image.filter(ImageFilter.GaussianBlur(min(image.size) / 130))
        flat, line = wet.convert("RGB", (0.8, 0.05, 0, 44, 0.03, 0.8, 0.03, 44, 0, 0.05, 0.8, 46)), (165, 155, 175)
    else:
        flat, line = image.quantize(9, dither=Image.Dither.NONE).convert("RGB"), (44, 56, 96)
        flat = flat.convert("RGB", (0.82, 0.1, 0, 22, 0.04, 0.8, 0.02, 18, 0, 0.1, 0.72, 8))
    paper = ImageOps.colorize(grain, (222, 222, 222), WHITE)
    return ImageChops.multiply(ImageChops.multiply(flat, paper), ImageOps.colorize(edges, line, (255, 249, 234)))


def _repainted(image: Image, prompt: str, dice: random.Random) -> Image:
    """A picture that is not the painter's own, with what can be drawn over it; the rest is said on it."""
    before = scenes.first("", dice)
    after = scenes.changed(before, prompt, dice)
    if any(change.kind == "remove" for change in words.changes(prompt)):
        image = _filled(image)
    if (after.paper, after.hills) != (before.paper, before.hills):
        after = replace(after, notes=(*after.notes, " ".join(prompt.split())[: scenes.LONGEST_NOTE]))
    return _over(image, after, plate=True)


def _filled(image: Image) -> Image:
    """The middle, where the subject tends to be, filled from what is around it: nothing of it shines through."""
    from PIL import Image, ImageDraw, ImageFilter

    left, right = (image.resize((1, 9), Image.Resampling.BOX, (x, 0, x + image.width / 10, image.height)) for x in (0, image.width * 0.9))
    around = Image.new("RGB", (2, 9))
    around.paste(left, (0, 0))
    around.paste(right, (1, 0))
    mask = Image.new("L", (64, 64))
    Brush(ImageDraw.Draw(mask), 32, 32, 32).oval(0, 0, 0.66, 0.86, 255)
    mask = mask.filter(ImageFilter.GaussianBlur(2)).resize(image.size)
    return Image.composite(around.resize(image.size, Image.Resampling.BILINEAR), image, mask)


def _beside(image: Image, others: Sequence[Image], dice: random.Random) -> None:
    """The other pictures, as small prints along the top."""
    from PIL import Image, ImageOps

    side = max(8, round(min(image.size) * min(0.26, 0.85 / max(1, len(others)))))
    for n, other in enumerate(others):
        framed = ImageOps.expand(ImageOps.fit(other, (side, side)), max(1, side // 14), WHITE).convert("RGBA")
        small = framed.rotate(dice.uniform(-7, 7), Image.Resampling.BICUBIC, expand=True)
        image.paste(small, (round(image.width * 0.03 + n * side * 1.1), round(image.height * 0.03)), small)


# The whole


def paint(prompt: str, pictures: Sequence[bytes], size: Size | None, digest: bytes) -> bytes:
    """A draft as PNG: a new picture, or the first one changed and the others shown in it; `size` is in pixels, None keeps the first's."""
    from PIL.PngImagePlugin import PngInfo

    prompt = prompt.encode("utf-8", "replace").decode()  # half a surrogate pair is no character, and no text of a PNG
    dice, opened, info = random.Random(digest), [_opened(picture) for picture in pictures], PngInfo()  # noqa: S311
    scene: Scene | None
    image, scene = opened[0] if opened else (None, None)
    if image and not scene:
        image = _repainted(_fitted(image, size), prompt, dice)
    else:
        scene = scenes.changed(scene, prompt, dice) if scene else scenes.first(prompt, dice)
        image = _painted(scene, size or (_fitted(image, None).size if image else (1024, 1024)))
    _beside(image, [other for other, _ in opened[1:]], dice)
    _sign(image)
    if scene and len(opened) < 2:
        info.add_itxt(SCENE, scenes.write(scene, zlib.crc32(image.tobytes())), zip=True)
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=2, pnginfo=info)
    return out.getvalue()


def size_of(data: bytes) -> Size:
    """The size in pixels of a picture held upright."""
    return _opened(data)[0].size


def _opened(data: bytes) -> tuple[Image, Scene | None]:
    """A picture, upright and on white, and the scene that it was drawn from."""
    from PIL import Image, ImageOps

    try:
        with ONE_AT_A_TIME, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on odd files are no business of who asked for a change
            with Image.open(io.BytesIO(data)) as found:
                if found.width * found.height > 5 * LARGEST:
                    raise Unreadable(f"{found.width} × {found.height} pixels")
                upright, told = ImageOps.exif_transpose(found).convert("RGBA"), found.info.get(SCENE)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise Unreadable(str(error)) from error
    sheet = Image.new("RGB", upright.size, WHITE)
    sheet.paste(upright, (0, 0), upright)
    return sheet, scenes.read(told, zlib.crc32(sheet.tobytes())) if told else None


def _fitted(image: Image, size: Size | None) -> Image:
    from PIL import ImageOps

    shrink = min(1.0, math.sqrt(LARGEST / (image.width * image.height)))
    size = size or (round(image.width * shrink), round(image.height * shrink))
    return image if size == image.size else ImageOps.fit(image, size)


def _sign(image: Image) -> None:
    """Says that this is a draft, on an opaque plate that hides the plate of the picture before."""
    from PIL import Image, ImageDraw, ImageFont

    short = min(image.size)
    tall, gap = max(10, round(short * 0.021)), short // 64
    font = ImageFont.load_default(tall)
    plate = Image.new("RGB", (math.ceil(font.getlength("offline draft")) + tall, round(tall * 1.7)), (250, 249, 246))
    draw = ImageDraw.Draw(plate)
    draw.rectangle((0, 0, plate.width - 1, plate.height - 1), outline=(120, 116, 128))
    draw.text((tall / 2, plate.height / 2), "offline draft", (70, 66, 80), font, anchor="lm")
    plate.thumbnail((max(1, image.width * 3 // 5), max(1, image.height // 3)))
    image.paste(plate, (image.width - plate.width - gap, image.height - plate.height - gap))
