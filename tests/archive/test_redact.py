"""A lineage without words: what is in an export with `strip`, byte by byte."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kit.archives import read
from kit.loopback import Loopback, picture_reply, png, text_reply
from kit.places import TESTS

from promptkit import LineageError, NoPicture, Session, templates
from promptkit.archive.import_zip import import_session
from promptkit.archive.png_embed import read_embedded

ZEBRA = """
[endpoints.zebra]
base_url = "{url}"
auth = "none"
model = "m"
[models."m".price."zebra"]
picture = 0.04
"""


@pytest.mark.filterwarnings("ignore:step")  # the same picture comes again
@pytest.mark.filterwarnings("ignore:m was asked for")
def test_a_stripped_trail_holds_no_words(service: Loopback, tmp_path: Path) -> None:
    """No prompt, input, label, meta, tag, template, outside picture, endpoint's name or word of the model is there; pictures, costs and
    shape are.
    """
    (tmp_path / "home").mkdir()
    (tmp_path / "home/config.toml").write_text(ZEBRA.format(url=service.url))
    ids = {"responseId": "zebra-1", "modelVersion": "zebra-2", "promptFeedback": {"blockReasonMessage": "zebra"}}
    service.always = picture_reply(png("green", (8, 8)), text="zebra says the model", **ids)
    Session("./other", endpoint="offline").generate("a zebra").save("brought.png", embed=True)
    session = Session("./zebra", endpoint="zebra", model="m", chain="chat")
    first = session.generate(templates.sticker(subject="zebra"), label="zebra", meta={"zebra": "zebra"})
    second = first.edit("zebra crossing", references=[png("white")])
    session.edit("Make it a zebra", on=session.add(Path("brought.png")))
    service.always = text_reply("no zebra here")
    with pytest.raises(NoPicture):
        session.edit("zebra?", on=second)
    session.tag("zebra", second)
    path = session.export("z.zip", all=True, strip=True)
    assert b"zebra" in b"".join(p.read_bytes() for p in session.folder.glob("0001-*.json"))
    assert b"zebra" not in path.read_bytes()
    assert not any(part in n for n in read(path) for part in ("sources", "templates/", "extra", "tags", "sticker", "edit"))
    assert service.url.partition("//")[2].encode() not in path.read_bytes()
    again = Session(import_session(path, "bare"))
    assert [s.record.fields["stripped_from"] for s in again] == [s.id for s in session]
    assert [s.pictures for s in again if s.number != 3] == [s.pictures for s in session if s.number != 3]
    assert [[p.number for p in s.parents] for s in again] == [[], [1], [], [3], [2]]
    assert [(s.outcome, s.cost, len(s.attempts)) for s in again] == [(s.outcome, s.cost, len(s.attempts)) for s in session]
    assert (again[1].cost, again[1].attempts[0]["cost"]) == (0.04, {"usd": 0.04})
    assert (again.verify(), again.head.number, again[1].files[0].name[:13]) == ([], 4, "0001-picture-")
    assert set(again.steps).isdisjoint(session.steps)
    assert again[2].sources == (first.picture,)
    assert {s.record.recipe for s in again} == {None}  # a hash of the prompt, which can be guessed at


def test_a_picture_that_brought_its_lineage_is_stripped_of_it() -> None:
    """What promptkit itself put into a picture is words too: the picture is there without, and the steps after it name that one."""
    away = Session("./away", endpoint="offline").generate("the secret plan")
    away.save("x.png", embed=True)
    session = Session("./bear", endpoint="offline")
    session.edit("Make it night", on=Path("x.png"))
    again = Session(import_session(session.export("a.zip", strip=True), "bare"))
    assert read_embedded(session[1].files[0])
    assert read_embedded(again[1].files[0]) is None
    assert again[1].picture == away.picture
    assert (again[2].sources, again[2].picture, again.verify()) == ((away.picture,), session[2].picture, [])
    assert again[1].record.outputs[0]["bytes"] == len(away.picture.data)


def test_a_damaged_picture_cannot_be_stripped(bear: Session) -> None:
    """A stripped lineage is valid in itself, so a step whose picture is gone is refused by name."""
    bear[1].files[0].unlink()
    with pytest.raises(LineageError, match=bear[1].files[0].name):
        Session("./bear").export("a.zip", strip=True)


def rewritten(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Changes the only record in a folder as a later version might have written it, under the name that fits it."""
    (path,) = folder.glob("0001-*.json")
    fields = json.loads(path.read_bytes())
    change(fields)
    data = json.dumps(fields).encode()
    path.unlink()
    name = f"{path.stem[:-10]}{hashlib.sha256(data).hexdigest()[:10]}.json"
    path.with_name(name).write_bytes(data)
    (folder / "head").write_text(f"{hashlib.sha256(data).hexdigest()}\n")


LATER = [
    lambda fields: fields.update(zebra="zebra"),
    lambda fields: fields["prompt"].update(zebra="zebra"),
    lambda fields: fields["request"].update(zebra="zebra"),
    lambda fields: fields["request"]["config"].update(zebra="zebra"),
    lambda fields: fields["attempts"][0].update(zebra={"zebra": 1}),
    lambda fields: fields["attempts"][0]["cost"].update(zebra="zebra"),
    lambda fields: fields["outputs"][0].update(zebra=1),
]


@pytest.mark.parametrize("change", LATER, ids=range(len(LATER)))
def test_what_the_table_of_fields_does_not_know_is_taken_for_words(change: Callable[[dict[str, Any]], object]) -> None:
    """A field of a later version stays in an export as it is, and is not in a stripped one, wherever in a record it stands."""
    Session("./bear", endpoint="offline").generate("a bear")
    rewritten(Path("bear"), change)
    bear = Session("./bear")
    assert b"zebra" in bear.export("whole.zip").read_bytes()
    assert b"zebra" not in bear.export("bare.zip", strip=True).read_bytes()


def test_the_same_lineage_has_the_same_ids_without_words() -> None:
    """A lineage of an earlier release, stripped now, has the ids that it had when that release stripped it."""
    path = Session(shutil.copytree(TESTS / "earlier" / "0.1-six-steps", "./bear")).export("bare.zip", all=True, strip=True)
    records = sorted(n for n in read(path) if n.startswith("stripped/0") and n.endswith(".json"))
    assert [n[-15:-5] for n in records] == ["36e150e1f4", "9b0513f8e6", "9b6358ffab", "559ca35af2", "1c17b1e3fe", "8ba3c9dfa6"]
