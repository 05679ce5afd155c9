"""The calls that wrote tests/earlier/0.1-every-field, 0.1-kept-answers and 0.1-told-errors, and the service that answered them.
To call them again: `python -m kit.earlier FOLDER`, from tests/.

Each kind of step and each field of a record is in it. The calls are made again to see that nothing is asked twice, and in a new folder to
see that today's code writes the same records. What was written is never written anew: a later release gets a folder of its own.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from kit.loopback import Received, Reply, error_reply, json_reply, png
from promptkit import FunctionTransport, Library, PromptkitError, PromptkitWarning, Session, Step, TransportError, templates

CONFIG = """\
[endpoints.work]
base_url = "https://gateway.example.com"
auth = "bearer"
key_env = "WORK_API_KEY"

[models."gemini-2.5-flash-image".price.work]
picture = 0.02
"""
POSTER = """\
---
description: A poster
kind: generate
inputs: {subject: {}, mood: {default: calm}, copies: {type: integer, default: 1}}
config: {aspect_ratio: "3:2"}
---
{% include "_paper.j2" %} of {{ subject|article }}, {{ mood }}.
"""
VARNISH = """\
---
description: Varnish over a picture
kind: edit
inputs: {shine: {choices: {matt: matt, gloss: high gloss}}}
---
Add {{ shine }}.
"""
SAFETY = {"HARASSMENT": "BLOCK_ONLY_HIGH", "HATE_SPEECH": "OFF"}
META: dict[str, Any] = {
    "for": "a client",
    "round": 2,
    "share": 0.5,
    "final": False,
    "by": None,
    "names": ["熊", "Zoë"],
    "size": {"cm": [30, 20]},
}


def prepare() -> None:
    """Puts into the working folder what the calls read: a config file, a library, a pack that is installed, pictures of one's own."""
    home = Path(os.environ["PROMPTKIT_HOME"])
    for path, text in {
        home / "config.toml": CONFIG,
        Path("mine/poster.j2"): POSTER,
        Path("mine/_paper.j2"): "A poster",
        Path("site/acme_prompts/__init__.py"): "",
        Path("site/acme_prompts/templates/varnish.j2"): VARNISH,
        Path("site/acme_prompts-1.2.0.dist-info/METADATA"): "Metadata-Version: 2.1\nName: acme-prompts\nVersion: 1.2.0\n",
        Path("site/acme_prompts-1.2.0.dist-info/entry_points.txt"): "[promptkit.templates]\nacme = acme_prompts.templates\n",
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    Path("lamp.png").write_bytes(png("yellow"))
    Path("hat.bmp").write_bytes(_saved("BMP", "green"))
    Path("own.png").write_bytes(png("white"))


def _saved(kind: str, color: object, size: tuple[int, int] = (8, 6)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, kind)  # type: ignore[arg-type]
    return buffer.getvalue()


# The service


class Service:
    """Answers each request by its words, so that the order of requests does not matter; `asked` is how many there were."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, path: str, body: bytes) -> Reply:
        self.asked += 1
        text = Received(path, {}, body).text
        color = tuple(hashlib.sha256(body).digest()[:3])
        if text == "Print it" and self.asked % 2:
            return error_reply(429, "Slow down.", headers={"Retry-After": "0"})
        return _reply(text, color)


def _reply(text: str, color: tuple[int, ...]) -> Reply:
    if text == "Break the line":
        raise TransportError("The line broke.", sent=True)
    if text == "Undress it":
        return json_reply({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": "No."}})
    if text == "Make it impossible":
        return json_reply({"error": {"code": 400, "message": "Invalid value.", "status": "INVALID_ARGUMENT"}}, 400)
    if text in ("What would suit it", "What is it"):
        return _answer([{"text": "A scarf? 🧣", "thoughtSignature": "c2ln"}])
    pictures = [png(color), _saved("JPEG", color)] if text == "Print it" else [png(color, (9, 6) if "wide" in text else (8, 6))]
    return _answer([{"text": "Here.", "thought": True}, {"text": "Here it is."}, *map(_part, pictures)])


def _part(data: bytes) -> dict[str, Any]:
    kind = "image/png" if data[:4] == b"\x89PNG" else "image/jpeg"
    return {"inlineData": {"mimeType": kind, "data": base64.b64encode(data).decode()}, "thoughtSignature": "c2lnbmVk"}


def _answer(parts: list[dict[str, Any]]) -> Reply:
    usage = {
        "promptTokenCount": 10,
        "candidatesTokenCount": 1290,
        "totalTokenCount": 1304,
        "thoughtsTokenCount": 4,
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}],
    }
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
    return json_reply({"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-2.5-flash-image", "responseId": "r-1"})


# The calls


def session(folder: Path | str, service: Service, **more: Any) -> Session:
    return Session(Path(folder), **{"endpoint": "work", "api_key": "of-a-test", "transport": FunctionTransport(service), **more})


def answered_calls(folder: Path | str, service: Service) -> list[Step]:
    """The calls that bring pictures; made again they bring the same steps."""
    bear = session(folder, service)
    poster = bear.generate(Library("mine", builtin=False).poster(subject="bear"), label="the first", meta=META)
    lamp = bear.edit(
        "Add this lamp", on=poster, references=["lamp.png", "hat.bmp"], seed=7, temperature=0.35, safety=SAFETY, aspect_ratio="16:9"
    )
    talking = session(folder, service, chain="chat")
    scarf = talking.edit("What would suit it", on=lamp)
    blue = talking.edit("Make it blue", on=scarf, references=[poster])
    own = bear.add("own.png", label="by hand")
    other = session(folder, service, model="gemini-3-pro-image")
    both = other.edit("Put both on a bench", on=own, anchor=poster, references=[lamp], image_size="2K")
    night, dawn = bear.vary("Make it night", 2, on=lamp, workers=1)
    drawn = bear.generate("画一只猫", lang="zh-CN")
    wide = bear.edit("Make it wide", on=drawn)
    squashed = bear.squash(lamp, blue)
    gloss = bear.edit(templates.acme.varnish(shine="gloss") + " Nothing else changes.", on=poster, meta={"client": "Ümit"})
    printed = bear.edit("Print it", on=gloss)
    return [poster, lamp, scarf, blue, own, both, night, dawn, drawn, wide, squashed, gloss, printed]


def failing_calls(folder: Path | str, service: Service) -> None:
    """The calls whose steps have no picture: refused, an error, words, an interruption."""
    bear = session(folder, service, recover=0)
    for prompt in ("Undress it", "Make it impossible", "What is it", "Break the line"):
        try:
            bear.edit(prompt, on=1)
        except PromptkitError:
            continue
        raise AssertionError(prompt)


def moves(folder: Path | str, service: Service) -> None:
    """Two tags, and a head that was moved back and can go forth."""
    bear = session(folder, service)
    bear.tag("für die Kundin 熊", 2)
    bear.tag("night", 7)
    bear.goto(13)
    bear.undo()


# What a newer minor may write


def write_newer_minor(folder: Path | str) -> None:
    """One more step as a later 1.x could write it: a copy of step 2 with a further field at each level."""
    folder = Path(folder)
    (path,) = folder.glob("0002-*.json")
    fields = json.loads(path.read_bytes())
    number = 1 + max(int(p.name[:4]) for p in folder.glob("[0-9]*-*.json"))
    for one in (fields, fields["prompt"], fields["request"], fields["request"]["config"]):
        one["newer"] = {"of": ["1.9", None, 2.5]}
    for one in (*fields["attempts"], *fields["sources"], *fields["outputs"]):
        one["newer"] = "1.9"
    fields |= {"schema": "1.9", "number": number, "recipe": "r9:unknown", "versions": {"promptkit": "1.9.0"}}
    (output,) = fields["outputs"]
    data = (folder / output["file"]).read_bytes()
    output["file"] = f"{number:04}-edit-{output['sha256'][:10]}.png"
    (folder / output["file"]).write_bytes(data)
    text = json.dumps(fields, ensure_ascii=False, indent=1).encode() + b"\n"
    (folder / f"{number:04}-edit-{hashlib.sha256(text).hexdigest()[:10]}.json").write_bytes(text)


def continue_newer(folder: Path | str, service: Service) -> Step:
    return session(folder, service).edit("Go on from there", on=18)


def write(folder: Path | str) -> None:
    """Writes the whole session into a folder."""
    service = Service()
    answered_calls(folder, service)
    failing_calls(folder, service)
    write_newer_minor(folder)
    continue_newer(folder, service)
    moves(folder, service)


# Comparing


def normalized(folder: Path | str) -> list[str]:
    """The records' bytes as text, by number, without times, what follows from them, and words that may be reworded."""
    paths = sorted(Path(folder).glob("[0-9]*-*.json"))
    names = {hashlib.sha256(p.read_bytes()).hexdigest(): f"id of {p.name[:4]}" for p in paths}
    for path in paths:
        for i, output in enumerate(json.loads(path.read_bytes())["outputs"]):  # the seed of a take follows from its parents' ids
            names.setdefault(output["sha256"], f"picture {i} of {path.name[:4]}")
    return [_normalized(p.read_text(encoding="utf-8"), names) for p in paths]


def _normalized(text: str, names: Mapping[str, str]) -> str:
    for digest, name in names.items():
        text = text.replace(digest, name).replace(digest[:10], name)
    for name, pattern in {
        r"\1 a time": r'("(?:started|ended)":) "\d{4}-\d\d-\d\dT[\d:.]+Z"',
        r"\1 a hash": r'("recipe":) "r1:[0-9a-f]{64}"',
        r"\1 of its recipe": r'("seed":) \d{4,}',
        r"\1 words": r'("(?:(?:sent_)?text|sentence)":) "(?:[^"\\]|\\.)*"',
        r"\1 a version": r'("promptkit":) "[^"]*"',
    }.items():
        text = re.sub(pattern, name, text)
    if '"seed": of its recipe' in text:  # the service paints by the request, and a PNG of another colour may be a byte longer
        text = re.sub(r'("bytes":) \d+', r"\1 of its seed", text)
    return text


@contextmanager
def at_work() -> Iterator[None]:
    """A working folder and a home of its own, in which sessions that are kept are written."""
    with tempfile.TemporaryDirectory() as work, warnings.catch_warnings():
        warnings.simplefilter("ignore", PromptkitWarning)
        os.environ["PROMPTKIT_HOME"] = f"{work}/home"
        os.chdir(work)
        yield


def main(folder: str) -> None:
    target = Path(folder).absolute()
    with at_work():
        prepare()
        sys.path.insert(0, "site")
        write(target)


if __name__ == "__main__":
    main(sys.argv[1])
