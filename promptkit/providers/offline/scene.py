"""What a draft shows, as values: made from a prompt, changed by an edit, and written into the draft itself.

A draft carries its scene, so that an edit draws the changed scene again: what was removed leaves no trace, and new lettering stands where
the old one stood. A scene holds nothing that its picture does not show. One that comes with a picture is foreign input: it is read within
bounds, and counts only for the very pixels that it was written for.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace

from promptkit.providers.offline import words
from promptkit.providers.offline.words import Change, Named, fold

__all__ = ["LONGEST_NOTE", "Item", "Scene", "changed", "first", "read", "write"]

SLOTS = ((0.2, 0.72), (0.8, 0.72), (0.2, 0.28), (0.8, 0.28), (0.5, 0.86), (0.5, 0.14))  # parts of the width and height, beside the middle
WORN = ("hat", "scarf")
BEINGS = (*words.table("creatures"), "person")
FIGURES = (*BEINGS, *words.table("things"), "")
LONGEST = 20_000  # characters of a scene as JSON
MOST = 12  # items, and notes
LONGEST_NOTE = 60
HEX = re.compile("#[0-9a-f]{6}")


@dataclass(frozen=True)
class Item:
    """A figure, or a shape that says its word. Its middle is in parts of the picture, its size in parts of the shorter side."""

    figure: str
    word: str
    colour: str
    x: float
    y: float
    size: float
    worn: bool
    seed: int


@dataclass(frozen=True)
class Scene:
    """All that a draft shows: the ground, the things on it, lettering, a way of drawing, and in words what could not be drawn."""

    paper: str
    first: str
    second: str
    ink: str
    hills: bool
    night: bool
    sticker: bool
    emblem: bool
    look: str
    seed: int
    items: tuple[Item, ...] = ()
    lettering: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def wearer(self) -> Item | None:
        """Who wears the hat and the scarf."""
        return next((item for item in self.items if item.figure in BEINGS), None)

    def with_item(self, name: Named, size: float, dice: random.Random) -> Scene:
        """The scene with one more thing: worn, where it can be; else in the middle if nothing is there, and beside what is."""
        high = 0.84 if self.lettering else 1.0  # the lettering stands below
        slots = [(x, round(y * high, 3)) for x, y in (*dice.sample(SLOTS[:2], 2), *SLOTS[2:])]
        taken = {(item.x, item.y) for item in self.items}
        x, y = next((slot for slot in slots if slot not in taken), slots[0]) if self.items or size < 0.3 else (0.5, round(0.5 * high, 3))
        worn = bool(self.wearer) and name.figure in WORN
        item = Item(name.figure, name.word, name.colour, x, y, size * high, worn, dice.randrange(1 << 30))
        return replace(self, items=(*self.items, item)[:MOST])


# A new scene


def first(prompt: str, dice: random.Random) -> Scene:
    """The scene that a prompt asks for; what it leaves open, the dice decide."""
    asked = words.new(prompt)
    *accents, paper, ink = dice.choice(words.table("choices")["palettes"]).split()
    one, two = [*asked.spare, *accents][:2]
    hills, night, sticker, emblem = (words.says(name, asked.text) for name in ("hills", "night", "sticker", "emblem"))
    look, seed = words.looks(asked.text), dice.randrange(1 << 30)
    scene = Scene(asked.ground or paper, one, two, ink, hills, night, sticker, emblem, look, seed, lettering=asked.lettering)
    in_order = sorted(asked.names, key=lambda name: (not name.figure, name.figure not in BEINGS, name.figure in WORN))
    if not (in_order or hills or asked.lettering) and asked.text.strip():
        in_order = [Named("", " ".join(asked.text.split())[:LONGEST_NOTE])]
    for n, name in enumerate(in_order):
        scene = scene.with_item(name, 0.17 if n else 0.4 if name.figure and len(in_order) < 2 else 0.34, dice)
    return scene


# A changed scene


def changed(scene: Scene, prompt: str, dice: random.Random) -> Scene:
    """The scene after an edit; of what the edit asks for and nothing here can draw, a note is in it."""
    for change in words.changes(prompt):
        after = _add(scene, change, dice) if change.kind == "add" else CHANGES.get(change.kind, _unchanged)(scene, change)
        if after == scene and (change.kind != "style" or change.names):  # "Change only the style" asks for nothing more
            after = replace(scene, notes=(*scene.notes, change.text[:LONGEST_NOTE])[-MOST:])
        scene = after
    return scene


def _add(scene: Scene, change: Change, dice: random.Random) -> Scene:
    for n, name in enumerate(change.names):
        if not n or not any(_is(item, name) for item in scene.items):  # "beside the fox" adds no fox
            scene = scene.with_item(name, 0.2, dice)
    return scene


def _remove(scene: Scene, change: Change) -> Scene:
    quoted = {fold(said) for said in change.quoted}
    if quoted:
        return replace(scene, lettering=tuple(line for line in scene.lettering if fold(line) not in quoted))
    if words.says("ground", change.text):
        return replace(scene, paper="#ffffff", hills=False)
    everything = words.says("all", change.bare) and not change.names
    items = () if everything else tuple(item for item in scene.items if not _is_in(item, change))
    lettering = () if everything or words.says("text", change.bare) else scene.lettering
    return _dressed(replace(scene, items=items, lettering=lettering))


def _dressed(scene: Scene) -> Scene:
    """Without what nobody is left to wear."""
    return scene if scene.wearer else replace(scene, items=tuple(item for item in scene.items if not item.worn))


def _replace(scene: Scene, change: Change) -> Scene:
    for left, right in [*change.sides(), (change.bare, "")]:
        there = [n for n, item in enumerate(scene.items) if _is_in(item, Change("replace", left))]
        names, colours = words.named(right), words.colours(right) or words.colours(left)
        if there and (colours or names):
            items = list(scene.items)
            old = items[there[0]]
            items[there[0]] = _instead(old, names[0]) if names else replace(old, colour=colours[-1])
            return _dressed(replace(scene, items=tuple(items)))
    return scene


def _instead(old: Item, name: Named) -> Item:
    """Another thing where the old one was; what cannot be worn stands beside who wore the old one."""
    x, y = SLOTS[2] if old.worn and name.figure not in WORN else (old.x, old.y)
    return replace(old, figure=name.figure, word=name.word, colour=name.colour, worn=old.worn and name.figure in WORN, x=x, y=y)


def _write(scene: Scene, change: Change) -> Scene:
    said = change.quoted or tuple(right.strip(" :'’")[:40] for _, right in list(change.sides())[:1] if right.strip())
    if not said:
        return scene
    there = [n for n, line in enumerate(scene.lettering) if fold(line) == fold(said[0])]
    if len(said) > 1 and there:
        return replace(scene, lettering=tuple(said[1] if n == there[0] else line for n, line in enumerate(scene.lettering)))
    if words.says("replace", change.text, "edits") or len(said) > 1:
        return replace(scene, lettering=said[-1:])
    return replace(scene, lettering=(*scene.lettering, *said)[-3:])


def _reground(scene: Scene, change: Change) -> Scene:
    colours, hills = words.colours(change.text), words.says("hills", change.text)
    return replace(scene, hills=hills, paper=(colours or [scene.paper])[-1]) if colours or hills else scene


def _restyle(scene: Scene, change: Change) -> Scene:
    return replace(scene, look=words.looks(change.text) or scene.look)


def _is(item: Item, name: Named) -> bool:
    """Whether an item is what a name says."""
    one, other = fold(item.word), fold(name.word)
    if item.figure:
        return item.figure == name.figure
    return min(len(one), len(other)) > 1 and (one in other or other in one)


def _is_in(item: Item, change: Change) -> bool:
    """Whether a change speaks of an item."""
    return any(_is(item, name) for name in change.names) or bool(item.word and not item.figure and fold(item.word) in fold(change.text))


def _unchanged(scene: Scene, change: Change) -> Scene:  # noqa: ARG001, as all of CHANGES
    return scene


CHANGES: dict[str, Callable[[Scene, Change], Scene]] = {
    "remove": _remove,
    "replace": _replace,
    "write": _write,
    "ground": _reground,
    "style": _restyle,
    "night": lambda scene, _: replace(scene, night=True),
    "day": lambda scene, _: replace(scene, night=False),
}


# In the picture's file


def write(scene: Scene, pixels: int) -> str:
    """The scene as JSON, with the checksum of the pixels that show it."""
    return json.dumps([pixels, *astuple(scene)], ensure_ascii=False, separators=(",", ":"))


def read(text: object, pixels: int) -> Scene | None:
    """The scene that was written for these pixels; None where it is none, or none of ours."""
    try:
        if not isinstance(text, str) or len(text) > LONGEST:
            return None
        checksum, *values, items, lettering, notes = json.loads(text)
        scene = Scene(*values, *(tuple(Item(*item) for item in items), *map(tuple, (lettering, notes))))
        return scene if checksum == pixels and _is_sound(scene) and all(map(_is_sound_item, scene.items)) else None
    except (ValueError, TypeError, RecursionError):
        return None


def _is_sound(scene: Scene) -> bool:
    """Whether every value of a scene is of its type and within its bounds."""
    plain, texts = astuple(scene)[:10], [*scene.lettering, *scene.notes]
    return (
        [type(value) for value in plain] == [str] * 4 + [bool] * 4 + [str, int]
        and all(HEX.fullmatch(colour) for colour in plain[:4])
        and scene.look in ("", *words.table("looks"))
        and max(len(scene.items), len(scene.lettering), len(scene.notes)) <= MOST
        and all(isinstance(text, str) and len(text) <= LONGEST_NOTE for text in texts)
    )


def _is_sound_item(item: Item) -> bool:
    return (
        [type(value) for value in astuple(item)] == [str] * 3 + [float] * 3 + [bool, int]
        and item.figure in FIGURES
        and len(item.word) <= LONGEST_NOTE
        and (not item.colour or bool(HEX.fullmatch(item.colour)))
        and all(0 <= place <= 1 for place in (item.x, item.y, item.size))
    )
