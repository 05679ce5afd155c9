"""The calls that wrote tests/earlier/0.1-other-hands and 0.1-forgotten.
To call them again: `python -m kit.other_hands FOLDER`, from tests/.

In the first are a hand's work on a step, what goes on from it, and costs in another currency and in none; the second is a copy of it in
which one step's picture was forgotten, and another one's words too. What was written is never written anew.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from kit.earlier import at_work
from kit.loopback import Reply, picture_reply, png
from promptkit import Endpoint, FunctionTransport, Session, Step

CONFIG = """\
name = "Ann"

[models."gemini-2.5-flash-image".price.shop]
picture = 0.30
currency = "CNY"
"""
COLORS = ("red", "green", "blue", "yellow", "white", "black")


class Service:
    """Answers each request with a picture that follows from its bytes; `asked` is how many there were."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, path: str, body: bytes) -> Reply:
        self.asked += 1
        return picture_reply(png(COLORS[sum(body) % len(COLORS)]))


def prepare() -> None:
    """Puts a config file where it is looked for."""
    config = Path(os.environ["PROMPTKIT_HOME"]) / "config.toml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(CONFIG, encoding="utf-8")


def session(folder: Path | str, service: Callable[[str, bytes], Reply], shop: str = "shop") -> Session:
    at = Endpoint(shop, f"https://{shop}.example.com")
    return Session(Path(folder), endpoint=at, api_key="of-a-test", transport=FunctionTransport(service))


def calls(folder: Path | str, service: Callable[[str, bytes], Reply]) -> list[Step]:
    """Steps 1 to 6; made again they bring the same steps."""
    bear = session(folder, service)
    fox = bear.generate("a fox", label="the first")
    cleaned = bear.add(retouched(), on=fox, label="cleaned by hand")
    night = bear.edit("Make it night", on=cleaned)
    other = session(folder, service, shop="elsewhere").edit("Add a hat", on=night)
    root = bear.add(retouched((9, 6)), label="a photograph")
    return [fox, cleaned, night, other, root, bear.edit("Put them side by side", on=root, references=[cleaned])]


def retouched(size: tuple[int, int] = (8, 6)) -> bytes:
    """A picture of one's own."""
    image = Image.new("RGB", size, "orange")
    image.putpixel((3, 3), (10, 20, 30))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def write(folder: Path) -> None:
    """Writes both sessions into a folder."""
    for step in calls(folder / "0.1-other-hands", Service()):
        assert step.ok
    shutil.copytree(folder / "0.1-other-hands", folder / "0.1-forgotten")
    there = Session(folder / "0.1-forgotten", endpoint="offline")
    there.forget(3)
    there.forget(4, words=True)
    for name in ("0.1-other-hands", "0.1-forgotten"):  # as a copy has them: without what processes have under way, and what is derived
        shutil.rmtree(folder / name / ".open")
        (folder / name / ".open-journal").unlink(missing_ok=True)


def main(folder: str) -> None:
    target = Path(folder).absolute()
    with at_work():
        prepare()
        write(target)


if __name__ == "__main__":
    main(sys.argv[1])
