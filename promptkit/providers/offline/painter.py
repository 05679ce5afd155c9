"""Draws drafts: a scene's ground, figures, labelled shapes and lettering, or a change to a picture that is not the painter's own.

Equal requests give equal bytes on one machine; lettering that Pillow's own font lacks is drawn with the machine's fonts. Sizes are in
pixels, (width, height); figures are drawn in units of their own, from -1 to 1 around their middle, at twice the size and then reduced:
Pillow's edges are not smooth.
"""

from __future__ import annotations

import contextlib
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
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal

from PIL import Image as Images
from PIL import ImageChops, ImageDraw, ImageFilter, ImageFont, ImageOps
from PIL.Image import Dither, Image, Quantize, Resampling
from PIL.PngImagePlugin import PngInfo

from promptkit.providers.offline import scene as scenes
from promptkit.providers.offline import words
from promptkit.providers.offline.detail import Detail, detail_in
from promptkit.providers.offline.scene import GROUND, PLACES, Item, Scene
from promptkit.words import ONE

__all__ = ["Size", "Unreadable", "paint", "size_of"]

Size = tuple[int, int]
RGB = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Path = list[tuple[float, float]]
Shape = tuple[bool, Path, str]  # whether it is a line, its points, its colour
WHITE: RGB = (255, 255, 255)
DARK: RGB = (52, 48, 60)
PLATE: RGB = (250, 246, 214)
LARGEST = 20_000_000  # pixels; the real services' 4K pictures stay below
WORK = 1_100_000  # pixels; a larger new picture is painted this large and scaled up: it is a draft
MIDDLE, ASIDE = 0.39, 0.19  # the sizes of what stands in the middle and elsewhere, in parts of the shorter side
SCENE = "promptkit draft"  # the keyword of the text in a PNG that holds its scene
ONE_AT_A_TIME = threading.Lock()  # what catches warnings is not for several threads at once
if hasattr(os, "register_at_fork"):  # a fork waits for who paints just now, so that its child finds nobody painting
    os.register_at_fork(before=ONE_AT_A_TIME.acquire, after_in_parent=ONE_AT_A_TIME.release, after_in_child=ONE_AT_A_TIME.release)


class Unreadable(ValueError):
    """Bytes that hold no picture, or only half of one."""


# Figures


def _rgb(code: str) -> RGB:
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)


def _mix(one: RGB, other: RGB, part: float) -> RGB:
    r, g, b = (round(a + (z - a) * part) for a, z in zip(one, other, strict=True))
    return r, g, b


def _one(value: Any, dice: random.Random) -> Any:
    """A value of the tables; of a list, the dice take one."""
    return dice.choice(value) if isinstance(value, list) else value


class Figure:
    """The shapes of an item, and what the names of their colours stand for."""

    def __init__(self, scene: Scene, item: Item) -> None:
        row, dice = words.table("figures").get(item.figure, {"drawn": item.figure or "card"}), random.Random(item.seed)  # noqa: S311, for drawing
        self.shapes = [shape for name in row["drawn"].split() for shape in _shapes(_one(words.table("parts")[name], dice))]
        own = {name: _one(value, dice) for name, value in row.items()}
        asked = {"first": item.colour} if item.colour else {}
        self.names = {**words.table("shades"), "first": scene.first, "second": scene.second, "line": scene.line, **own, **asked}

    def colour(self, name: str) -> RGB:
        """The colour of a name, of a code, or of a mixture."""
        one, *mixed = name.split()
        base = self.colour(self.names[one]) if one in self.names else _rgb(one)
        return _mix(base, self.colour(mixed[0]), float(mixed[1])) if mixed else base

    def draw(self, draw: ImageDraw.ImageDraw, x: float, y: float, unit: float, rim: RGB | None = None) -> None:
        """Draws it around (x, y), in pixels; with `rim` its silhouette in that colour, a little larger."""
        width = max(1, round((0.1 if rim else 0.035) * unit))
        for is_open, points, name in self.shapes:
            path = [(x + unit * px, y + unit * py) for px, py in points]
            colour = rim or self.colour(name.rstrip("+"))
            if is_open:
                draw.line(path, colour, width, joint="curve")
                continue
            draw.polygon(path, colour)
            if rim or name.endswith("+"):
                draw.line([*path, *path[:2]], rim or self.colour("ink"), width, joint="curve")


@lru_cache(256)
def _shapes(rows: str) -> Sequence[Shape]:
    """The shapes of a part of the table; a mirror image stands behind its original."""
    every: list[Shape] = []
    for kind, *numbers, colour in map(str.split, rows.split(";")):
        path = _path(kind, [float(number) for number in numbers])
        every.append((kind.endswith("arc"), path, colour))
        if kind.startswith("2"):
            every.append((kind.endswith("arc"), [(-x, y) for x, y in path], colour))
    return every


def _path(kind: str, numbers: Sequence[float]) -> Path:
    if kind.endswith("poly"):
        return list(zip(numbers[::2], numbers[1::2], strict=True))
    x, y, rx, ry, start, end = [*numbers, 0, 360][:6]
    turns = [math.radians(start + (end - start) * n / 48) for n in range(49)]
    return [(x + rx * math.cos(turn), y + ry * math.sin(turn)) for turn in turns]


def _stand(image: Image, scene: Scene, item: Item) -> None:
    """Draws an item at its place, with what it wears; as a die-cut sticker, white-edged and with a shadow, where that is asked for."""
    draw, (x, y, unit) = ImageDraw.Draw(image), _where(scene, item, image.size)
    layers, worn = [(Figure(scene, item), 0.0, 1.0)], scene.worn if item is scene.wearer else ()
    layers += [(Figure(scene, other), *words.table("figures")[other.figure]["worn"]) for other in worn]
    if "emblem" in scene.said and not item.place:
        layers = [(Figure(scene, replace(item, figure="emblem")), 0, 1), *((figure, 0.55 * at, 0.55 * size) for figure, at, size in layers)]
    shadow = _mix(_rgb(scene.paper), (40, 34, 60), 0.3)
    for low, rim in [(0.03, shadow), (0, WHITE), (0, None)] if "sticker" in scene.said else [(0, None)]:
        for figure, at, size in layers:
            figure.draw(draw, x, y + (at + low) * unit, size * unit, rim)


def _where(scene: Scene, item: Item, size: Size) -> tuple[float, float, float]:
    """The middle of an item and its unit, in pixels; lettering stands below."""
    x, y = PLACES[item.place]
    high, large = (y, ASIDE) if item.place else words.table("figures").get(item.figure, {}).get("middle", (y, MIDDLE))
    room = 0.84 if "text" in scene.said else 1.0
    return size[0] * x, size[1] * high * room, min(size) * large * room


# A scene


def _painted(scene: Scene, size: Size) -> Image:
    """The scene's picture."""
    shrink = min(1.0, math.sqrt(WORK / (size[0] * size[1])))
    image = _over(Images.new("RGB", (max(64, round(size[0] * shrink)), max(64, round(size[1] * shrink))), _rgb(scene.paper)), scene)
    return image if image.size == size else image.resize(size)


def _over(image: Image, scene: Scene, plate: bool = False) -> Image:
    """The scene on its ground, or on a picture: figures in their way of drawing, words, the light, and the notes."""
    times = 2 if image.width * image.height < 4 * WORK else 1  # a 4K picture is smooth enough, and large enough
    large = image.resize((times * image.width, times * image.height), Resampling.NEAREST)
    for item in sorted((item for item in scene.items if item.figure and item not in scene.worn), key=lambda item: item.figure != GROUND):
        _stand(large, scene, item)
    image = large.reduce(times)
    for look in (name for name in scene.said if name in words.table("looks")):
        image = _restyled(image, words.table("looks")[look], scene.seed)
    for item in (item for item in scene.items if not item.figure):
        _label(image, scene, item)
    _letter(image, scene, plate)
    image = image.convert("RGB", words.table("night")["light"]) if "night" in scene.said else image
    _note(image, scene.notes)
    return image


def _label(image: Image, scene: Scene, item: Item) -> None:
    """A card for what there is no figure of, with the word for it."""
    _stand(image, scene, item)
    x, y, unit = _where(scene, item, image.size)
    mask = _text(item.word, max(1, round(unit * 0.32)), round(unit * 1.4))
    mask.thumbnail((max(1, round(unit * 1.4)), max(1, round(unit * 0.95))))
    fill = Figure(scene, item).colour("first")
    image.paste(DARK if sum(fill) > 360 else WHITE, (round(x + 0.12 * unit) - mask.width // 2, round(y) - mask.height // 2), mask)


def _restyled(image: Image, look: Mapping[str, Any], seed: int) -> Image:
    """The picture in a way of drawing, as its row says."""
    soft = image.filter(ImageFilter.GaussianBlur(min(image.size) * look["blur"]))
    small = soft.resize([max(1, n // look["block"]) for n in image.size], Resampling.BOX)
    few = small.quantize(look["colours"], Quantize.FASTOCTREE, dither=Dither.NONE).convert("RGB") if look["colours"] else small
    flat = few.resize(image.size, Resampling.NEAREST)
    edges = ImageOps.grayscale(image).filter(ImageFilter.GaussianBlur(1.5)).filter(ImageFilter.FIND_EDGES)
    ImageDraw.Draw(edges).rectangle((0, 0, edges.width - 1, edges.height - 1), outline=0)  # no line around the picture
    lines = edges.point([min(255, 5 * v) for v in range(256)])
    columns, rows = look["grain"]
    dots = random.Random(seed).randbytes(columns * rows)  # noqa: S311
    grain = ImageOps.colorize(Images.frombytes("L", (columns, rows), dots).resize(image.size), look["paper"], "white")
    drawn = ImageChops.multiply(flat.convert("RGB", look["light"]), ImageOps.colorize(lines, "white", look["line"]))
    return ImageChops.multiply(drawn, grain)


# Lettering


def _letter(image: Image, scene: Scene, plate: bool) -> None:
    """Lettering along the bottom, one below the other, as large as fits; on a plate where it must hide what is there."""
    first, line, bottom = _rgb(scene.first), _rgb(scene.line), round(image.height * 0.96)
    for text in reversed(scene.lettering):
        tall = max(8, round(min(image.size) * (0.16 if len(scene.lettering) < 2 and len(text) < 17 else 0.08)))
        masks = [_text(text, tall, image.width, rim) for rim in (tall // 12, 0)]
        for mask in masks:
            mask.thumbnail((max(1, round(image.width * 0.84)), max(1, round(image.height * 0.3))))
        corner = ((image.width - masks[0].width) // 2, bottom - masks[0].height)
        image.paste(WHITE, (*corner, corner[0] + masks[0].width, bottom), None if plate else masks[0])
        image.paste(line if first == WHITE else _mix(first, line, 0.35), corner, masks[1])
        bottom = corner[1]


def _note(image: Image, notes: Sequence[str]) -> None:
    """What could not be drawn, in words on plates from the upper left corner down."""
    gap = y = max(1, min(image.size) // 40)
    for text in notes:
        plate = _plate(text, max(8, 2 * gap), round(image.width * 0.7))
        plate.thumbnail((round(image.width * 0.9), max(8, round(image.height * 0.2))))
        image.paste(plate, (gap, y))
        y += plate.height + gap


def _sign(image: Image) -> None:
    """Says that this is a draft, on an opaque plate that hides the plate of the picture before."""
    short = min(image.size)
    plate = _plate("offline draft", max(10, round(short * 0.021)), image.width)
    plate.thumbnail((max(1, image.width * 3 // 5), max(1, image.height // 3)))
    image.paste(plate, (image.width - plate.width - short // 64, image.height - plate.height - short // 64))


def _plate(text: str, tall: int, wide: int) -> Image:
    """The text on an opaque plate."""
    mask = _text(text, tall, wide)
    plate = Images.new("RGB", mask.size, PLATE)
    plate.paste(DARK, (0, 0), mask)
    return ImageOps.expand(plate, 1, DARK)


def _text(text: str, tall: int, wide: int, rim: int = 0) -> Image:
    """The text as a mask, in lines of about `wide` pixels that are `tall` pixels high, each stroke wider by `rim` on all sides."""
    shown, font, form = _readable(text, tall)
    spaced = not re.search(ONE, shown)  # Han and kana have no spaces to break lines at
    width = max(4, round(wide / tall * (1.9 if spaced else 1.0)))
    wrapped = textwrap.wrap(shown, width, break_long_words=not spaced, max_lines=5, placeholder=" …")
    lines = [unicodedata.normalize(form, line) for line in wrapped]
    sheet = Images.new("L", (math.ceil(max(map(font.getlength, lines), default=0)) + tall, round(tall * (1.25 * len(lines) + 0.4))))
    for n, line in enumerate(lines):
        _line(ImageDraw.Draw(sheet), sheet.width / 2, tall * (1.25 * n + 1.15), line, font, tall, rim)
    return sheet


def _readable(text: str, tall: int) -> tuple[str, Font, Literal["NFC", "NFD"]]:
    """The text and a font that has all its characters, in one of Unicode's forms: Pillow's own has accents only apart from letters."""
    shown = "".join(ch for ch in unicodedata.normalize("NFC", text) if unicodedata.category(ch)[0] != "C")
    if re.fullmatch(words.table("fonts")["plain"], unicodedata.normalize("NFD", shown)):
        return shown, ImageFont.load_default(tall), "NFD"
    name = _font_of(shown)
    return (shown, ImageFont.truetype(name, tall), "NFC") if name else (words.spelled(shown), ImageFont.load_default(tall), "NFD")


@lru_cache(256)
def _font_of(text: str) -> str:
    """The first of the machine's fonts that has every character, or ""."""
    for name in words.table("fonts")["files"]:
        with contextlib.suppress(OSError):
            masks = [ImageFont.truetype(name, 20).getmask(ch) for ch in ("\U0010fffe", *text)]
            missing, *shapes = [(mask.size, bytes(mask)) for mask in masks]
            if missing not in shapes:
                return str(name)
    return ""


def _line(draw: ImageDraw.ImageDraw, x: float, y: float, text: str, font: Font, tall: int, rim: int) -> None:
    """Draws a line of text around x, standing on y, and each accent above the letter before it."""
    accents = words.table("accents")
    base = "".join(ch for ch in text if ch not in accents)
    draw.text((x, y), base, 255, font, "ms", stroke_width=rim)
    for n, ch in enumerate(text):
        if ch in accents:
            before = "".join(ch for ch in text[:n] if ch not in accents)
            sign, high = accents[ch]
            middle = x + font.getlength(before) - (font.getlength(base) + font.getlength(before[-1:])) / 2
            raised = tall * (high + 0.18 * before[-1:].isupper())
            draw.text((middle, y - raised), sign, 255, font, "ms", stroke_width=rim)


# Other pictures


def _repainted(image: Image, prompt: str, dice: random.Random, *, is_bare: bool = False) -> Image:
    """A picture that is not the painter's own, with what can be drawn over it; the rest is said on it."""
    there = () if is_bare else (Item("", "", 0, 0, ""),)  # something without a name is in its middle
    before = replace(scenes.first("", dice), items=there)
    after = scenes.changed(before, prompt, dice)
    if any(change.kind == "remove" for change in words.changes(prompt)):
        image = _filled(image)
    if after.paper != before.paper:
        after = scenes.noted(after, prompt)
    return _over(image, replace(after, items=after.items[len(there) :]), plate=True)


def _retouched(image: Image, detail: Detail, others: Sequence[Image], dice: random.Random) -> None:
    """Changes the part of a detail that may change, and signs that; a part has its middle free for what is asked for."""
    box = detail.box(image.size)
    part = _repainted(image.crop(box), detail.words, dice, is_bare=True)
    _beside(part, others)
    _sign(part)
    image.paste(part, box)


def _filled(image: Image) -> Image:
    """The middle, where the subject tends to be, filled from what is around it: nothing of it shines through."""
    left, right = (image.resize((1, 9), Resampling.BOX, (x, 0, x + image.width / 10, image.height)) for x in (0, image.width * 0.9))
    around = left.resize((2, 9))
    around.paste(right, (1, 0))
    mask = Images.radial_gradient("L").point([min(255, max(0, (210 - v) * 9)) for v in range(256)]).resize(image.size)
    return Images.composite(around.resize(image.size, Resampling.BILINEAR), image, mask)


def _beside(image: Image, others: Sequence[Image]) -> None:
    """The other pictures, as small prints along the top, from the right: what cannot be drawn is said at the left."""
    side = max(8, round(min(image.size) * min(0.26, 0.85 / max(1, len(others)))))
    for n, other in enumerate(others):
        framed = ImageOps.expand(ImageOps.fit(other, (side, side)), max(1, side // 14), WHITE)
        image.paste(framed, (round(image.width * 0.97 - framed.width - n * side * 1.2), round(image.height * 0.03)))


# The whole


def paint(prompt: str, pictures: Sequence[bytes], size: Size | None, digest: bytes) -> bytes:
    """A draft as PNG: a new picture, or the first one changed and the others shown in it; `size` is in pixels, None keeps the first's."""
    prompt = prompt.encode("utf-8", "replace").decode()  # half a surrogate pair is no character, and no text of a PNG
    dice, opened, info = random.Random(digest), [_opened(picture) for picture in pictures], PngInfo()  # noqa: S311
    scene: Scene | None
    image, scene = opened[0] if opened else (None, None)
    others = [other for other, _ in opened[1:]]
    if image and (detail := detail_in(prompt)):
        image, scene = _fitted(image, size), None
        _retouched(image, detail, others, dice)
        return _png(image, info)
    if image and not scene:
        image = _repainted(_fitted(image, size), prompt, dice)
    else:
        scene = scenes.changed(scene, prompt, dice) if scene else scenes.first(prompt, dice)
        image = _painted(scene, size or (_fitted(image, None).size if image else (1024, 1024)))
    _beside(image, others)
    _sign(image)
    if scene and len(opened) < 2:
        info.add_itxt(SCENE, scenes.write(scene, zlib.crc32(image.tobytes())), zip=True)
    return _png(image, info)


def _png(image: Image, info: PngInfo) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=2, pnginfo=info)
    return out.getvalue()


def size_of(data: bytes) -> Size:
    """The size in pixels of a picture held upright."""
    return _opened(data)[0].size


def _opened(data: bytes) -> tuple[Image, Scene | None]:
    """A picture, upright and on white, and the scene that it was drawn from."""
    try:
        with ONE_AT_A_TIME, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on odd files are no business of who asked for a change
            with Images.open(io.BytesIO(data)) as found:
                if found.width * found.height > 5 * LARGEST:
                    raise Unreadable(f"{found.width} × {found.height} pixels")
                upright, told = ImageOps.exif_transpose(found).convert("RGBA"), str(found.info.get(SCENE, ""))
    except (OSError, ValueError, SyntaxError, Images.DecompressionBombError) as error:
        raise Unreadable(str(error)) from error
    sheet = Images.new("RGB", upright.size, WHITE)
    sheet.paste(upright, (0, 0), upright)
    return sheet, scenes.read(told, zlib.crc32(sheet.tobytes())) if told else None


def _fitted(image: Image, size: Size | None) -> Image:
    shrink = min(1.0, math.sqrt(LARGEST / (image.width * image.height)))
    size = size or (round(image.width * shrink), round(image.height * shrink))
    return image if size == image.size else ImageOps.fit(image, size)
