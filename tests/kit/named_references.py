"""The calls that wrote tests/earlier/0.1-named-references: pictures that go along by names, of every kind that a record can hold.
To call them again: `python -m kit.named_references FOLDER`, from tests/.

The service is that of kit.earlier. The calls are made again to see that nothing is asked twice, and in a new folder to see that today's
code writes the same records and names.
"""

from __future__ import annotations

import sys
from pathlib import Path

from kit import earlier
from promptkit import Library, Session, Step

DRESS = """\
---
description: A person in a dress
kind: edit
inputs: {}
pictures: {min: 2, max: 2, roles: {person: the person to dress, dress: the dress to put on}}
---
Put the dress on the person.
"""
DRESS_JA = """\
---
pictures: {roles: {person: 着せる人物, dress: 着せる服}}
---
その人物に服を着せてください。
"""


def prepare() -> None:
    """Puts into the working folder what the calls read."""
    earlier.prepare()
    for name, text in {"dress.j2": DRESS, "dress.ja.j2": DRESS_JA}.items():
        Path("mine", name).write_text(text, encoding="utf-8")


def session(folder: Path | str, service: earlier.Service, **more: object) -> Session:
    return earlier.session(folder, service, model="gemini-nano-banana-2.1", **more)


def calls(folder: Path | str, service: earlier.Service) -> list[Step]:
    """The calls that bring pictures; made again they bring the same steps."""
    story = session(folder, service)
    story.reference("heroine", "own.png", "lamp.png", description="the girl with the red scarf")
    window = story.generate("A window")
    story.reference("window", window)
    waves = window.edit("She waves from the window", references=["heroine", "window", "hat.bmp"])
    hat = waves.edit("戴上帽子", references={"帽子": "hat.bmp"}, anchor="window")
    library = Library("mine", builtin=False)
    dressed = hat.edit(library.dress(), references=["own.png"])
    japanese = hat.edit(library.dress(lang="ja"), references={"gown": "own.png"})
    talking = session(folder, service, chain="chat")
    lit = talking.edit("Light it", on=talking.generate("A girl", references={"girl": "own.png"}), references=["window"])
    squashed = story.squash(waves, hat)
    story.reference("heroine", "hat.bmp", description="熊")
    newer = window.edit("She waves from the window", references=["heroine"])
    story.tag("for the client", newer)
    return [window, waves, hat, dressed, japanese, lit, squashed, newer]


def main(folder: str) -> None:
    target = Path(folder).absolute()
    with earlier.at_work():
        prepare()
        calls(target, earlier.Service())


if __name__ == "__main__":
    main(sys.argv[1])
