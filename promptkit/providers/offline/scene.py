"""What a draft shows, as values: made from a prompt, changed by an edit, and written into the draft itself.

A draft carries its scene, so that an edit draws the changed scene again: what was removed leaves no trace, and new lettering stands where
the old one stood. A scene holds nothing that its picture does not show. One that comes with a picture is foreign input: it is read within
bounds, and counts only for the very pixels that it was written for.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace

from promptkit.providers.offline import words
from promptkit.providers.offline.words import Change, Named, fold

__all__ = ["GROUND", "PLACES", "Item", "Scene", "changed", "first", "noted", "read", "write"]

PLACES = ((0.5, 0.54), (0.2, 0.72), (0.8, 0.72), (0.2, 0.28), (0.8, 0.28), (0.5, 0.86), (0.5, 0.14))  # in parts of the width and height
GROUND = "hills"  # a figure that lies behind all others, and takes no place from them
MOST = 12  # items, and notes
LONGEST_NOTE = 60

# A scene as text: a line for the checksum of its pixels, its colours, seed and all that is said of it, then a line for each item, with =,
# for lettering, with “, and for each note, with *.
COLOUR, NUMBER = "#[0-9a-f]{6}", "[0-9]{1,10}"
SAID = ("sticker", "emblem", "night", "text", *words.table("looks"))
ITEM = re.compile(rf"\n=({'|'.join(words.table('figures'))}|) ({COLOUR}|) ([0-6]) ({NUMBER}) (.{{0,{LONGEST_NOTE}}})")
SCENE = re.compile(
    rf"(?P<head>{NUMBER}(?: {COLOUR}){{4}} {NUMBER}(?: (?:{'|'.join(SAID)})){{0,{MOST}}})"
    rf"(?P<items>(?:{ITEM.pattern}){{0,{MOST}}})(?P<lines>(?:\n[“*].{{0,{LONGEST_NOTE}}}){{0,{2 * MOST}}})"
)


@dataclass(frozen=True)
class Item:
    """A figure, or a shape that says its word, at one of PLACES; its colour may be ""."""

    figure: str
    colour: str
    place: int
    seed: int
    word: str


@dataclass(frozen=True)
class Scene:
    """All that a draft shows: colours, what is said of it as a whole (night, a way of drawing), things, lettering, what is not drawn."""

    paper: str
    first: str
    second: str
    line: str
    seed: int
    said: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()
    lettering: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def wearer(self) -> Item | None:
        """Who wears what can be worn."""
        return next((item for item in self.items if item.figure in words.table("beings")), None)

    @property
    def worn(self) -> tuple[Item, ...]:
        """What somebody in the scene wears."""
        return tuple(item for item in self.items if self.wearer and "worn" in words.table("figures").get(item.figure, ()))


def first(prompt: str, dice: random.Random) -> Scene:
    """The scene that a prompt asks for; what it leaves open, the dice decide."""
    asked = words.new(prompt)
    *accents, paper, line = dice.choice(words.table("choices")["palettes"]).split()
    one, two = [*asked.colours, *accents][:2]
    said = [name for name in (*words.found("said", asked.text), *words.found("looks", asked.text)[:1]) if name in SAID and name != "text"]
    said += ["text"] if asked.lettering else []
    scene = Scene(asked.ground or paper, one, two, line, dice.randrange(1 << 30), tuple(said), lettering=asked.lettering)
    if not (asked.names or asked.lettering) and asked.text.strip():
        return _with(scene, Named("", " ".join(asked.text.split())[:LONGEST_NOTE]), dice)
    for name in sorted(asked.names, key=_rank):
        scene = _with(scene, name, dice)
    return scene


def _rank(name: Named) -> tuple[bool, bool, bool]:
    """Who stands in the middle: a being before a thing, and what has a figure before what has none."""
    return not name.figure, name.figure not in words.table("beings"), "worn" in words.table("figures").get(name.figure, ())


def _with(scene: Scene, name: Named, dice: random.Random) -> Scene:
    """The scene with one more thing: in the middle if nothing is there, and else beside what is."""
    taken = {item.place for item in scene.items if item.figure != GROUND}
    places = [0] if name.figure == GROUND else [0, *dice.sample((1, 2), 2), *range(3, len(PLACES))]
    place = next((place for place in places if place not in taken), places[-1])
    return replace(scene, items=(*scene.items, Item(name.figure, name.colour, place, dice.randrange(1 << 30), name.word))[:MOST])


# A changed scene


def changed(scene: Scene, prompt: str, dice: random.Random) -> Scene:
    """The scene after an edit; of what the edit asks for and nothing here can draw, a note is in it."""
    for change in words.changes(prompt):
        after = CHANGES.get(change.kind, _unchanged)(scene, change, dice)
        is_more = change.kind != "style" or change.names  # "Change only the style" asks for nothing more
        scene = noted(scene, change.said) if after == scene and is_more else after
    return scene


def noted(scene: Scene, text: str) -> Scene:
    """The scene with a note of what cannot be drawn."""
    return replace(scene, notes=(*scene.notes, " ".join(text.split())[:LONGEST_NOTE])[-MOST:])


def _unchanged(scene: Scene, _change: Change, _dice: random.Random) -> Scene:
    return scene


def _add(scene: Scene, change: Change, dice: random.Random) -> Scene:
    for n, name in enumerate(change.names):
        if not n or not any(_is(item, name) for item in scene.items):  # "beside the fox" adds no fox
            scene = _with(scene, name, dice)
    return scene


def _remove(scene: Scene, change: Change, _dice: random.Random) -> Scene:
    gone = {item for item in scene.items if _is_in(item, change)}
    gone |= set(scene.worn) if scene.wearer in gone else set()
    if not gone and words.says("ground", change.text):
        gone, scene = {item for item in scene.items if item.figure == GROUND}, replace(scene, paper="#ffffff")
    said, every = set(map(fold, change.quoted)), words.says("text", change.text)
    lettering = tuple(line for line in scene.lettering if (fold(line) not in said if said else not every))
    return replace(scene, items=tuple(item for item in scene.items if item not in gone), lettering=lettering)


def _replace(scene: Scene, change: Change, _dice: random.Random) -> Scene:
    for left, right in [*change.sides(), (change.text, "")]:
        old = next((item for item in scene.items if _is_in(item, Change("replace", left))), None)
        names, colours = words.named(right), words.found("colours", right) or words.found("colours", left)
        if old and (names or colours):
            other = names[0] if names else Named(old.figure, old.word, colours[-1])
            new = replace(old, figure=other.figure, word=other.word, colour=other.colour)
            return replace(scene, items=tuple(new if item is old else item for item in scene.items))
    return scene


def _write(scene: Scene, change: Change, _dice: random.Random) -> Scene:
    *old, new = change.quoted or [right.strip(" :'’")[:40] for _, right in change.sides()][:1] or [""]
    lettering = tuple(new if fold(line) in map(fold, old) else line for line in scene.lettering)
    if new and lettering == scene.lettering:
        lettering = (new,) if old or "replace" in words.found("edits", change.text) else (*lettering, new)[-3:]
    return replace(scene, lettering=lettering)


def _reground(scene: Scene, change: Change, dice: random.Random) -> Scene:
    hills, colours = [name for name in change.names if name.figure == GROUND], words.found("colours", change.text)
    if not (hills or colours):
        return scene
    bare = replace(scene, paper=(colours or [scene.paper])[-1], items=tuple(item for item in scene.items if item.figure != GROUND))
    return _with(bare, hills[0], dice) if hills else bare


def _restyle(scene: Scene, change: Change, _dice: random.Random) -> Scene:
    """Another way of drawing, or another light: what is said of the whole takes the place of its like."""
    new, like = words.found("looks", change.text)[:1], words.table("looks")
    if change.kind != "style":
        new, like = ["night"] if change.kind == "night" else [], {"night"}
    return replace(scene, said=(*(name for name in scene.said if name not in like), *new)) if new or change.kind == "day" else scene


def _is(item: Item, name: Named) -> bool:
    """Whether an item is what a name says."""
    one, other = fold(item.word), fold(name.word)
    return item.figure == name.figure if item.figure else min(len(one), len(other)) > 1 and (one in other or other in one)


def _is_in(item: Item, change: Change) -> bool:
    """Whether a change speaks of an item."""
    return any(_is(item, name) for name in change.names) or bool(item.word and not item.figure and fold(item.word) in fold(change.text))


CHANGES = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "write": _write,
    "ground": _reground,
    "style": _restyle,
    "night": _restyle,
    "day": _restyle,
}


# In the picture's file


def write(scene: Scene, pixels: int) -> str:
    """The scene as text, with the checksum of the pixels that show it."""
    head = " ".join(map(str, (pixels, scene.paper, scene.first, scene.second, scene.line, scene.seed, *scene.said)))
    items = [f"={item.figure} {item.colour} {item.place} {item.seed} {item.word}" for item in scene.items]
    return "\n".join([head, *items, *(f"“{line}" for line in scene.lettering), *(f"*{note}" for note in scene.notes)])


def read(text: str, pixels: int) -> Scene | None:
    """The scene that was written for these pixels; None where it is none, or none of ours."""
    found = SCENE.fullmatch(text)
    checksum, *colours, seed = found["head"].split(" ")[:6] if found else ("", "")
    if not found or int(checksum) != pixels:
        return None
    items = tuple(Item(figure, colour, int(place), int(dice), word) for figure, colour, place, dice, word in ITEM.findall(found["items"]))
    lettering, notes = (tuple(line[1:] for line in found["lines"].split("\n") if line[:1] == sign) for sign in "“*")
    paper, one, two, line = colours
    return Scene(paper, one, two, line, int(seed), tuple(found["head"].split(" ")[6:]), items, lettering, notes)
