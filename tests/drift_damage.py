"""How often drift is judged right: `python tests/drift_damage.py [FOLDER]` edits pictures in chains at a service that damages what it
returns in a known way, or does not, and prints how many of the chains are said to go wrong, and from which step on.

The pictures are the offline painter's, a scene with soft and hard parts, noise and gradients, at 1,024 pixels, and those of the folder that
have at least 800 on their longer side. The painter edits them ten times: it adds, removes and recolours things, and leaves the rest as it
is to the pixel. `--steps 5` makes shorter chains, `--only jpeg` those whose damage has that word.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import statistics
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.pictures import encoded, scene
from PIL import Image, ImageChops, ImageEnhance

from promptkit import FunctionTransport, Picture, PromptkitError, Session, templates
from promptkit.images.picture import to_rgb
from promptkit.providers.offline import service
from promptkit.session.drift import Drift

STEPS = 10
LEAST = 800  # pixels of the longer side of what is taken from a folder
SIZE = (1024, 1024)
EDITS = (
    "Put a small white alpaca beside it",
    "Add a red hat and keep everything else exactly the same",
    "Give it a blue scarf",
    "Add a tree on the left, and change nothing else",
    "Put a yellow ball in front",
    "Add a small green boat",
    "Make the hat purple and leave the rest as it is",
    "Add three birds at the top",
    "Remove the ball",
    "Put a lantern on the right and keep everything else exactly the same",
)
Damage = Callable[[Image.Image, int], Image.Image]  # a picture of the service's, and which of the chain it is, from 1 on


def jpeg(image: Image.Image, quality: int, **options: Any) -> Image.Image:
    """As it comes out of a JPEG file."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, **options)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


def shifted_jpeg(image: Image.Image, i: int) -> Image.Image:
    """JPEG whose blocks lie elsewhere each time, as after a crop or another size."""
    x, y = 3 * i % 8, 5 * i % 8
    return ImageChops.offset(jpeg(ImageChops.offset(image, x, y), 75), -x, -y)


def resampled(image: Image.Image, share: float) -> Image.Image:
    """Made smaller, and as large as before."""
    small = image.resize((round(image.width * share), round(image.height * share)), Image.Resampling.BICUBIC)
    return small.resize(image.size, Image.Resampling.BICUBIC)


def tinted(image: Image.Image, by: tuple[int, int, int]) -> Image.Image:
    """So many of 255 more of red, green and blue."""
    bands = zip(image.split(), by, strict=True)
    return Image.merge("RGB", [band.point([min(255, max(0, v + more)) for v in range(256)]) for band, more in bands])


def richer(image: Image.Image) -> Image.Image:
    """A little more colour and contrast."""
    return ImageEnhance.Contrast(ImageEnhance.Color(image).enhance(1.06)).enhance(1.03)


def grainy(image: Image.Image, deviation: float) -> Image.Image:
    """With noise in each colour."""
    return Image.merge("RGB", [ImageChops.add(band, Image.effect_noise(image.size, deviation), 1, -128) for band in image.split()])


def smaller(image: Image.Image, share: float) -> Image.Image:
    """Fewer pixels."""
    return image.resize((round(image.width * share), round(image.height * share)), Image.Resampling.LANCZOS)


NONE: Mapping[str, Damage] = {
    "none": lambda image, i: image,
    "JPEG 95, as a service may answer": lambda image, i: jpeg(image, 95, subsampling=0),
}
DAMAGES: Mapping[str, Damage] = {
    "JPEG 75": lambda image, i: jpeg(image, 75),
    "JPEG 75, shifted blocks": shifted_jpeg,
    "JPEG 60": lambda image, i: jpeg(image, 60),
    "resampled at 90 %": lambda image, i: resampled(image, 0.9),
    "resampled at 50 %": lambda image, i: resampled(image, 0.5),
    "tint": lambda image, i: tinted(image, (3, 1, -2)),
    "more colour and contrast": lambda image, i: richer(image),
    "noise": lambda image, i: grainy(image, 4),
    "smaller": lambda image, i: smaller(image, 0.92),
}
AT = 4  # the edit of a chain that alone is damaged
AT_ONCE: Mapping[str, Damage] = {
    "JPEG 30": lambda image, i: jpeg(image, 30),
    "resampled at 33 %": lambda image, i: resampled(image, 0.33),
    "tint": lambda image, i: tinted(image, (10, 2, -8)),
    "noise": lambda image, i: grainy(image, 12),
    "half the size": lambda image, i: smaller(image, 0.5),
}


@dataclass
class DamagingPainter:
    """The offline painter, each of whose pictures is damaged before it is returned, the root's aside; `count` is how many there were."""

    damage: Damage
    count: int = 0

    def answer(self, path: str, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        status, headers, answered = service.answer(path, body)
        reply = json.loads(answered)
        for part in reply["candidates"][0]["content"]["parts"] if status == 200 else ():
            if inline := part.get("inlineData"):
                self.count += 1
                inline["data"], inline["mimeType"] = self._damaged(inline["data"]), "image/png"
        return status, headers, json.dumps(reply).encode()

    def _damaged(self, data: str) -> str:
        image = self.damage(to_rgb(Picture(base64.b64decode(data)).image).convert("RGB"), self.count)
        image.info.clear()  # the painter would draw its picture again of what it wrote there
        return base64.b64encode(encoded(image).data).decode()


def only_at(at: int, damage: Damage) -> Damage:
    """A damage of one picture of the chain alone."""
    return lambda image, i: damage(image, i) if i == at else image


def pictures(folder: Path | None, drafts: Path) -> Iterator[tuple[str, Picture]]:
    """Each by its name."""
    painter = Session(drafts, endpoint="offline")
    prompts = {
        "draft of a sticker": templates.sticker(subject="happy red panda"),
        "draft of a portrait": templates.photorealistic_portrait(subject="an old fisherman", environment="a harbour"),
        "draft of a landscape": "A village in the mountains in autumn",
        "draft of a logo": 'A logo that says "ACME" on white',
    }
    for name, prompt in prompts.items():
        image = to_rgb(painter.generate(prompt).picture.image)
        image.info.clear()
        yield name, encoded(image)
    yield "scene", encoded(scene(SIZE))
    yield "noise", encoded(Image.merge("RGB", [Image.effect_noise(SIZE, 40) for _ in range(3)]))
    linear, radial = Image.linear_gradient("L").resize(SIZE), Image.radial_gradient("L").resize(SIZE)
    yield "gradients", encoded(Image.merge("RGB", (linear, radial, linear.rotate(90))))
    for path in sorted(folder.iterdir()) if folder else ():
        try:
            picture = Picture.open(path)
        except PromptkitError:
            continue
        if max(picture.size or (0,)) >= LEAST:
            image = to_rgb(picture.image).convert("RGB")
            yield path.name, encoded(image.resize((SIZE[0], round(image.height * SIZE[0] / image.width)), Image.Resampling.LANCZOS))


def chain(folder: Path, picture: Picture, damage: Damage, steps: int = STEPS) -> Drift:
    """The drift of a chain of so many edits of a picture, each damaged."""
    session = Session(folder, endpoint="offline", transport=FunctionTransport(DamagingPainter(damage).answer))
    step = session.add(picture)
    for text in EDITS[:steps]:
        step = step.edit(text)
    return session.drift(step)


def compare(title: str, damages: Mapping[str, Damage], found: Mapping[str, Picture], steps: int, at: int | None = None) -> tuple[int, int]:
    """Prints a line for each damage, and returns how many chains were said to go wrong, of how many; with `at` from that step on."""
    print(f"\n{title}")
    right = 0
    for name, damage in damages.items():
        begun: dict[str, int | None] = {}
        for i, (called, picture) in enumerate(found.items()):
            with tempfile.TemporaryDirectory() as folder:
                drift = chain(Path(folder) / f"{i}", picture, damage if at is None else only_at(at, damage), steps)
                begun[called] = drift.begins.number if drift.begins else None
                if at is not None and drift.begins and (drift.begins.number, drift.worst) != (at + 1, drift.begins):
                    begun[called] = -1
        wrong = [number for number in begun.values() if number]
        right += sum(number > 0 for number in wrong)
        missed = [called for called, number in begun.items() if number is None or number < 0]
        begins = f", from step {statistics.median_low(wrong)} on (median)" if wrong and at is None else ""
        others = f"; not: {', '.join(missed)}" if wrong and missed else ""
        print(f"  {name}: {len(found) - len(missed)} of {len(found)}{begins}{others}")
    return right, len(damages) * len(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="further pictures")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"edits of a chain, at most {STEPS}")
    parser.add_argument("--only", default="", help="a word of a damage")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    kinds = [{name: damage for name, damage in of.items() if options.only in name} for of in (NONE, DAMAGES, AT_ONCE)]
    with tempfile.TemporaryDirectory() as drafts:
        found = dict(pictures(options.folder, Path(drafts) / "drafts"))
    print(f"{len(found)} pictures, {options.steps} edits of each")
    alarms, clean = compare("no damage: said to go wrong", kinds[0], found, options.steps)
    seen, damaged = compare("damage in each edit: said to go wrong", kinds[1], found, options.steps)
    named, single = compare(f"damage in edit {AT} alone: that step named", kinds[2], found, max(AT, options.steps // 2), AT)
    print(f"\n{alarms} false alarms of {clean} chains; {seen} of {damaged} seen; {named} of {single} named")


if __name__ == "__main__":
    main()
