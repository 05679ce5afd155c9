"""The calls that wrote tests/earlier/0.1-every-template: each built-in template in each of its languages, and each way to ask. To call
them again: `python -m kit.every_template FOLDER`, from tests/.

The inputs stand in every_template.json as the examples of the templates were then, so that a template or an example that is added later
asks for nothing. The folder is never written anew: what it holds was paid for by whoever has such a session, and must be found again.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import warnings
from collections.abc import Callable
from itertools import chain, groupby
from pathlib import Path
from typing import Any

from kit.loopback import Received, Reply, picture_reply, png, text_reply
from promptkit import FunctionTransport, Library, Prompt, PromptkitWarning, Session, Step, Template

ROWS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("every_template.json").read_text(encoding="utf-8"))
templates = Library()  # the built-in ones alone, whatever folders a person has
# as bytes, for another Pillow may write other ones
OWN, LAMP = map(
    base64.b64decode,
    (
        "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAGCAIAAABxZ0isAAAAFElEQVR4nGP8//8/AzbAhFWUThIAvm0DCRxYCEQAAAAASUVORK5CYII=",
        "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAGCAIAAABxZ0isAAAAE0lEQVR4nGP8/58BK2DCLkwfCQAsAAIK7g08iAAAAABJRU5ErkJggg==",
    ),
)
FREE = {
    "en": ("Add an alpaca", "Make it night, and hang a lantern over the door.", "What would suit it?"),
    "es-MX": ("Agrega una alpaca", "Haz que sea de noche y cuelga un farol sobre la puerta.", "¿Qué le quedaría bien?"),
    "ja": ("アルパカを追加して", "夜にして、ドアの上に提灯を吊るしてください。", "これには何が似合いますか？"),
    "zh-CN": ("添加羊驼", "改成夜晚，并在门上挂一盏灯笼。", "它适合什么？"),
    "hi": ("एक अल्पाका जोड़ें", "इसे रात का बना दें, और दरवाज़े के ऊपर एक लालटेन टाँग दें।", "इस पर क्या अच्छा लगेगा?"),
}
QUESTIONS = {question for *_, question in FREE.values()}


class Service:
    """Paints one colour for each request, and answers a question in words, so that it is asked again; `asked` counts the requests."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, path: str, body: bytes) -> Reply:
        self.asked += 1
        text = Received(path, {}, body).text
        return text_reply("A scarf.") if text in QUESTIONS else picture_reply(png(tuple(hashlib.sha256(body).digest()[:3])))


def session(folder: Path | str, service: Any, **more: Any) -> Session:
    """The session in that folder, as it was opened when it was written."""
    return Session(Path(folder), **{"endpoint": "google", "api_key": "of-a-test", "transport": FunctionTransport(service), **more})


def calls(folder: Path | str, service: Any, **more: Any) -> list[Step]:
    """Every call; made again they bring the same steps."""
    bear = session(folder, service, **more)
    own, lamp = bear.add(OWN, label="by hand"), bear.add(LAMP)
    roots = {(row["template"], row["lang"], i): bear.generate(_prompt(row)) for i, row in enumerate(ROWS) if not _edits(row)}
    firsts = {lang: next(step for (name, tongue, _), step in roots.items() if (name, tongue) == ("sticker", lang)) for lang in FREE}
    chains = [_chain(firsts[lang], list(rows), own, lamp) for lang, rows in groupby(filter(_edits, ROWS), lambda row: row["lang"])]
    free = [_free_text(bear, firsts[lang], *words) for lang, words in FREE.items()]
    other = _other_ways(session(folder, service, chain="chat", **more), bear, firsts["en"], own)
    strong = session(folder, service, model="gemini-3-pro-image", image_size="2K", **more)
    wide = strong.edit("Make it wide", on=firsts["ja"], aspect_ratio="16:9", seed=7, temperature=0.35)
    return [own, lamp, *roots.values(), *chain.from_iterable([*chains, *free]), *other, wide]


def chains(bear: Session, rows: list[dict[str, Any]], worded: Callable[[Prompt], Prompt] = lambda prompt: prompt) -> list[Step]:
    """The templates of some rows, each edit of the step before it (the first of a picture of one's own), in the words made of theirs."""
    made = [bear.add(LAMP)]
    for row in rows:
        along = [OWN] * max(_template(row).pictures.min - 1, 0)
        prompt = worded(_prompt(row))
        made.append(made[-1].edit(prompt, references=along) if _edits(row) else bear.generate(prompt))
    return made


def _prompt(row: dict[str, Any]) -> Prompt:
    return _template(row)(lang=row["lang"], **row["inputs"])


def _template(row: dict[str, Any]) -> Template:
    found = templates[row["template"]]
    assert isinstance(found, Template)
    return found


def _edits(row: dict[str, Any]) -> bool:
    return _template(row).kind == "edit"


def _chain(step: Step, rows: list[dict[str, Any]], *along: Step) -> list[Step]:
    """The edits of one language, each of the one before it, with as many pictures as its template needs."""
    made: list[Step] = []
    for row in rows:
        needed = max(_template(row).pictures.min - 1, 0)
        step = step.edit(_prompt(row), references=along[:needed])
        made.append(step)
    return made


def _free_text(bear: Session, step: Step, *words: str) -> list[Step]:
    first = bear.edit(words[0], on=step)
    second = bear.edit(words[1])
    return [first, second, bear.edit(words[2])]


def _other_ways(talking: Session, bear: Session, fox: Step, own: Step) -> list[Step]:
    """Variants, words added to a template's, pictures that go along, a chain that talks, a squash, a root of one's own words."""
    night = bear.vary("Make it night", 2, on=fox, workers=1)
    drawn = bear.vary(templates.edit.style_transfer(style="ukiyo-e woodblock print", lang="en"), 2, on=fox, workers=1, seed=3)
    more = fox.vary(n=2, workers=1)
    roots = bear.vary(templates.sticker(subject="blue heron", lang="en"), 2, root=True, workers=1)
    added = fox.edit(templates.edit.add(element="paper lantern", lang="en") + " It glows.", label="the lantern", meta={"for": "a client"})
    both = own.edit("Put both on a bench", references=[added], anchor=fox)
    scarf = talking.edit("Add a scarf", on=fox)
    blue = talking.edit("Make the scarf blue")
    squashed = bear.squash(scarf, blue)
    drawing = bear.generate("画一只猫", references=[LAMP], lang="zh-CN")
    return [*night, *drawn, *more, *roots, added, both, scarf, blue, squashed, drawing]


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PromptkitWarning)
        calls(Path(sys.argv[1]).absolute(), Service())
