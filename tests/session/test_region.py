"""Edits of a region: what is sent, what is recorded, and that they are reused, repeated, squashed and taken along as any other step.

How a cut lies around a region, and how an answer is laid in, is tested in tests/images.
"""

from __future__ import annotations

import hashlib
import io
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kit.loopback import Loopback, Received, picture_reply, png, text_reply
from kit.pictures import encoded, scene
from kit.steps import snapshot
from kit.stills import refused
from PIL import Image, ImageChops, ImageDraw

from promptkit import LineageError, NotRecorded, Picture, PictureError, ProviderError, Session, SettingsError, import_session, templates
from promptkit.engine.region_plan import PHRASES
from promptkit.images.region import Cut, Region
from promptkit.images.region_fit import Fit, laid_in
from promptkit.images.still import still_of

BOX = (120, 90, 280, 210)
SIZE = (400, 300)


def retouched(received: Received) -> Any:
    """A service that paints into the middle of the first picture."""
    image = Image.open(io.BytesIO(received.pictures[0])).convert("RGB")
    wide, high = image.size
    ImageDraw.Draw(image).ellipse((wide * 0.4, high * 0.4, wide * 0.6, high * 0.6), fill="lime")
    return picture_reply(encoded(image, "JPEG", quality=92).data, mime_type="image/jpeg")


@pytest.fixture
def bear(service: Loopback) -> Session:
    """A session with one picture of one's own, at a service that retouches."""
    service.always = retouched
    session = Session("./bear", endpoint=service.url, model="gemini-2.5-flash-image")
    session.add(encoded(scene(SIZE)))
    return session


def outside(before: Picture, after: Picture, box: tuple[int, int, int, int]) -> tuple[int, int, int, int] | None:
    """Where two pictures differ outside of a box; None where nowhere."""
    difference = ImageChops.difference(before.image.convert("RGB"), after.image.convert("RGB"))
    difference.paste((0, 0, 0), box)
    return difference.getbbox()


def mask() -> Image.Image:
    """White in the box."""
    image = Image.new("L", SIZE)
    image.paste(255, BOX)
    return image


# Asking


def test_a_detail_is_sent_and_its_answer_laid_in(bear: Session, service: Loopback) -> None:
    """The request shows the cut, says that it is a detail, and asks for its ratio; what comes out is the base but for the box."""
    step = bear.edit("Give him a blue tie", region=BOX)
    [received] = service.received
    assert step.region is not None
    assert received.pictures == [step.region.cut and step.region.cut.data]
    assert received.text.startswith(PHRASES["en"].before + "\n\nGive him a blue tie\n\nChange only what lies between ")
    assert received.json["generationConfig"]["imageConfig"] == {"aspectRatio": step.record.region["cut"]["ratio"]}
    assert step.picture.size == SIZE
    assert step.picture.mime_type == "image/png"
    assert outside(bear[1].picture, step.picture, BOX) is None
    assert step.picture.image.getpixel((200, 150))[1] > 200
    assert step.changes is not None
    assert (step.changes.local, step.warnings, bear.verify()) == (True, (), [])


def test_all_that_repeats_it_is_kept(bear: Session) -> None:
    """The cut, the service's own bytes, and the numbers with which the same answer makes the same picture again."""
    step = bear.edit("Give him a blue tie", region=BOX)
    region = step.region
    assert region is not None
    assert (region.box, region.size, region.mask, str(region)) == (BOX, SIZE, None, "160x120+120+90")
    [answer] = region.answers
    assert answer.mime_type == "image/jpeg"
    fields = json.loads(step.record.path.read_bytes())["region"]
    fit, cut = Fit.of(fields["answers"][0]), Cut(tuple(fields["cut"]["box"]), fields["cut"]["ratio"], tuple(fields["cut"]["size"]))
    again = laid_in(still_of(bear[1].picture), Region(SIZE, BOX), cut, answer, fit)
    assert again.image.tobytes() == step.picture.image.tobytes()


def test_words_are_in_the_prompts_language(bear: Session, service: Loopback) -> None:
    """What stands around the prompt is in its language, and its own words stand alone in the record."""
    prompts = {"es": "Ponle una corbata azul al oso", "ja": "青いネクタイをつけて", "zh": "给他系一条蓝领带", "hi": "नीली टाई पहनाओ"}
    for lang, prompt in prompts.items():
        step = bear.edit(prompt, on=1, region=BOX)
        assert service.received[-1].text.startswith(PHRASES[lang].before)
        assert (str(step.prompt), step.attempts[0].sent_text) == (prompt, service.received[-1].text)


def test_text_only_is_asked_again_for_the_detail(bear: Session, service: Loopback) -> None:
    """Asking again keeps to the cut and to the words that say so."""
    service.say(text_reply("Which blue?"))
    step = bear.edit("Give him a blue tie", region=BOX)
    first, second = service.received
    assert (step.outcome, first.pictures == second.pictures, first.text in second.text) == ("picture", True, True)


def test_references_go_along_and_the_chain_does_not(bear: Session, service: Loopback) -> None:
    """The cut stands first, then the references; earlier turns, which show the whole picture, are not sent, and the next edit goes on."""
    talking = Session("./bear", endpoint=service.url, model="gemini-2.5-flash-image", chain="chat")
    talking.edit("Make it warmer")
    step = talking.edit("Give him a tie as in the second picture", region=BOX, references=[Picture.open(png("blue"))])
    turn = service.received[-1].json["contents"]
    assert (len(turn), len(service.received[-1].pictures), service.received[-1].pictures[1]) == (1, 2, png("blue"))
    talking.edit("Make it night")
    assert service.received[-1].pictures == [step.picture.data]
    assert len(service.received[-1].json["contents"]) == 1


# Reuse


def test_the_same_region_is_the_same_step(bear: Session, service: Loopback) -> None:
    """A box in pixels, in fractions, in % and as text is one request, and a mask by its bytes; other boxes and the whole are others."""
    step = bear.edit("Give him a blue tie", region=BOX)
    for same in ("160x120+120+90", (0.3, 0.3, 0.7, 0.7), "40%x40%+30%+30%", list(BOX)):
        assert bear.edit("Give him a blue tie", on=1, region=same) == step
    assert len(service.received) == 1
    marked = bear.edit("Give him a blue tie", on=1, region=mask())
    Path("mask.png").write_bytes(encoded(mask()).data)
    other = bear.edit("Give him a blue tie", on=1, region="mask.png")
    again = bear.edit("Give him a blue tie", on=1, region=encoded(mask()))
    assert (marked.reused, other, len({step.id, marked.id, other.id})) == (False, again, 3)
    bear.edit("Give him a blue tie", on=1)
    bear.edit("Give him a blue tie", on=1, region=(0, 0, 100, 100))
    assert len(service.received) == 5


def test_the_recipe_does_not_depend_on_the_cuts_bytes(bear: Session, service: Loopback) -> None:
    """It holds the base, the box or the mask and the rule: the ratio that was asked for follows from these, a session's own is left out."""
    step = bear.edit("Give him a blue tie", region=BOX)
    wide = Session("./bear", endpoint=service.url, model=step.model, aspect_ratio="16:9")
    assert wide.edit("Give him a blue tie", on=1, region=BOX) == step
    assert step.record.request.config == wide.edit("Give him a red tie", on=1, region=BOX).record.request.config == {}
    asked = {
        "text": "Give him a blue tie",
        "pictures": [bear[1].picture.sha256],
        "endpoint": step.endpoint,
        "model": step.model,
        "config": {},
        "chain": "picture",
        "parents": [bear[1].id],
        "take": 0,
        "region": {"rule": "m1", "box": [120, 90, 280, 210]},
    }
    assert step.record.recipe == "r1:" + hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def test_nothing_is_sent_for_what_is_on_record(bear: Session, service: Loopback) -> None:
    """With send=False a region that was edited comes back, and of another one the nearest step is named."""
    step = bear.edit("Give him a blue tie", region=BOX)
    reading = Session("./bear", endpoint=service.url, model="gemini-2.5-flash-image", send=False)
    assert reading.edit("Give him a blue tie", on=1, region=BOX) == step
    with pytest.raises(NotRecorded, match="step 2, which has the same words for another region"):
        reading.edit("Give him a blue tie", on=1, region=(0, 0, 100, 100))


def test_again_and_vary_keep_the_region(bear: Session, service: Loopback) -> None:
    """A step's request once more, in its own words or others, is for its region, unless another one is given."""
    step = bear.edit("Give him a blue tie", region=mask())
    once = step.again()
    other = step.again("Give him a red tie")
    moved = step.again(region=(0, 0, 100, 100))
    more = bear.vary("Give him a hat", n=2, on=1, region=BOX)
    assert [s.region and s.region.box for s in (once, other, moved, *more)] == [BOX, BOX, (0, 0, 100, 100), BOX, BOX]
    assert once.region is not None
    assert once.region.mask == Picture.open(mask())
    assert len({*service.received[0].pictures, *service.received[1].pictures}) == 1
    assert all(outside(bear[1].picture, s.picture, s.region.box) is None for s in (once, other, moved, *more) if s.region)


# Refusals


@pytest.mark.parametrize("name", ["CMYK", "16 bits a colour", "an animated GIF", "pages"])
def test_a_base_that_would_lose_pixels_is_refused(bear: Session, service: Loopback, name: str) -> None:
    """It is named for what it is, before anything is sent."""
    picture, what = refused()[name]
    with pytest.raises(PictureError, match=what):
        bear.edit("Give him a blue tie", on=picture, region=(0, 0, 20, 20))
    assert (service.received, len(bear)) == ([], 1)


def test_what_cannot_be_meant_is_refused(bear: Session, service: Loopback) -> None:
    """A region of a root, a ratio with a region, a box outside, and misspelt keywords: each is told, and nothing is sent or written."""
    before = snapshot(bear.folder)
    for call, said in (
        (lambda: bear.generate("a bear", region=BOX), "A new root has no picture"),
        (lambda: bear.vary("a bear", root=True, region=BOX), "A new root has no picture"),
        (lambda: bear.edit("a tie", region=BOX, aspect_ratio="1:1"), "keeps its picture's ratio"),
        (lambda: bear.edit("a tie", mask="mask.png"), "use region="),
        (lambda: bear.edit("a tie", box=BOX), "use region="),
    ):
        with pytest.raises(SettingsError, match=said):
            call()
    with pytest.raises(PictureError, match="400×300"):
        bear.edit("a tie", region=(0, 0, 401, 10))
    assert (snapshot(bear.folder), service.received) == (before, [])


def test_a_picture_without_room_is_edited_whole_and_said(bear: Session, service: Loopback) -> None:
    """Below ten pixels there is no room for a region: the picture is edited as it is."""
    with pytest.warns(UserWarning, match="8×6 pixels, too few for a region with a margin: it is edited whole"):
        step = bear.edit("Make it blue", on=png(), region=(0.2, 0.2, 0.8, 0.8))
    assert (step.region, service.received[0].pictures) == (None, [png()])


def test_an_answer_that_cannot_be_laid_in_is_kept(bear: Session, service: Loopback) -> None:
    """It is an error that says so; the service's bytes and what they cost are on record, and the head stays."""
    huge = encoded(Image.new("1", (16_000, 16_000)))
    service.say(picture_reply(huge.data))
    with pytest.raises(ProviderError, match="could not be laid into the picture") as caught:
        bear.edit("Give him a blue tie", region=BOX)
    step = caught.value.step
    assert step is not None
    assert (step.outcome, len(step.attempts), step.pictures) == ("error", 1, ())
    assert (bear.folder / "extra" / huge.sha256).read_bytes() == huge.data
    assert huge.sha256 in step.attempts[0].kept
    assert (bear.verify(), bear.head) == ([], bear[1])


def test_an_answer_is_kept_before_it_is_laid_in(service: Loopback) -> None:
    """A process that is killed while it lays an answer in leaves the service's bytes, and a record that names them."""
    Session("./bear", endpoint="offline").add(encoded(scene(SIZE)))
    killed = (
        "import os, signal, sys\nfrom promptkit import Session\nimport promptkit.images.still\n"
        "sys.addaudithook(lambda event, args: event == 'import' and args[0] == 'promptkit.images.region_fit'"
        " and os.kill(os.getpid(), signal.SIGKILL))\n"
        f"Session('./bear', endpoint={service.url!r}, model='m').edit('Give him a blue tie', on=1, region={BOX})\n"
    )
    assert subprocess.run([sys.executable, "-c", killed]).returncode == -signal.SIGKILL
    step = Session("./bear", endpoint=service.url, model="m").edit("Give him a red tie", on=1, region=BOX)
    left = Session("./bear")[2]
    assert (left.outcome, len(left.attempts[0].kept), step.number) == ("interrupted", 2, 3)
    assert all((Path("bear/extra") / name).is_file() for name in left.attempts[0].kept)
    assert Session("./bear").verify() == []


def test_what_does_not_fit_is_a_warning_of_the_step(bear: Session, service: Loopback) -> None:
    """Another scene is laid in all the same, and the step says that a seam may be seen."""
    service.say(picture_reply(encoded(Image.new("RGB", (1152, 896), "black")).data))
    with pytest.warns(UserWarning, match="does not join what is around the region"):
        step = bear.edit("Give him a blue tie", region=BOX)
    assert any("a seam may be seen" in said for said in step.warnings)
    assert outside(bear[1].picture, step.picture, BOX) is None


# What the record is good for


def test_it_is_explained_and_told(bear: Session) -> None:
    """The trail tells where the region was, what was sent and how the answer was laid in; so does the row of a table."""
    step = bear.edit("Give him a blue tie", region=mask())
    text = bear.explain().text(200)
    assert "region     160x120+120+90 of 400×300 by the mask " in text
    assert "answer: image/jpeg" in text
    row = step.to_dict()
    assert (row["region"], row["mask"]) == ("160x120+120+90", Picture.open(mask()).sha256)
    assert (bear[1].region, bear[1].to_dict()["region"]) == (None, None)


def test_it_is_replayed(bear: Session, service: Loopback) -> None:
    """In another session the same region of the same picture is asked for, by box and by mask; a second time nothing is."""
    bear.edit("Give him a blue tie", region=BOX)
    bear.edit(templates.edit.inpaint(element="the hat", replacement="a red one"), region=mask())
    there = bear.replay("./copy")
    assert [s.region and s.region.box for s in there] == [None, BOX, BOX]
    assert [s.picture for s in there] == [s.picture for s in bear]
    asked = len(service.received)
    bear.replay("./copy")
    assert (len(service.received), Session("./copy").verify()) == (asked, [])


def test_a_replay_finds_the_same_part_of_a_picture_of_another_size(bear: Session) -> None:
    """Where it begins with a larger picture, box and mask grow with it, which is said."""
    bear.edit("Give him a blue tie", region=BOX)
    bear.edit("And a hat", region=mask())
    with pytest.warns(UserWarning, match=r"edited 160x120\+120\+90 of 400×300 pixels; here that is 320x240\+240\+180 of 800×600") as said:
        there = bear.replay("./large", start=encoded(scene((800, 600))))
    assert [s.region and s.region.box for s in there] == [None, (240, 180, 560, 420), (240, 180, 560, 420)]
    assert (there[-1].picture.size, len(said)) == ((800, 600), 2)


def test_edits_of_one_region_are_squashed_and_others_refused(bear: Session, service: Loopback) -> None:
    """Edits of the same region are one edit of it; of several regions no one edit could keep to each, but in the user's own words."""
    bear.edit("Give him a blue tie", region=BOX)
    bear.edit("Make the tie striped", region=BOX)
    step = bear.squash(2, 3)
    assert step.region is not None
    assert (step.region.box, "1. Give him a blue tie\n2. Make the tie striped" in service.received[-1].text) == (BOX, True)
    bear.edit("Make it night", on=3)
    with pytest.raises(LineageError, match="Step 2 edited a region of its picture, and the others not the same one"):
        bear.squash(2, 5)
    assert bear.squash(2, 5, prompt="A striped blue tie, at night").region is None


def test_it_is_taken_along(bear: Session, tmp_path: Path) -> None:
    """A zip brings the cut, the mask and the service's bytes; one without words brings none of them, and is whole in itself."""
    step = bear.edit("Give him a blue tie", region=mask())
    there = Session(import_session(bear.export(tmp_path / "bear.zip"), tmp_path / "there"))
    found = there[2]
    assert found == step
    assert found.region is not None
    assert step.region is not None
    assert (found.region.cut, found.region.mask, found.region.answers) == (step.region.cut, step.region.mask, step.region.answers)
    assert there.verify() == []
    bare = Session(import_session(bear.export(tmp_path / "bare.zip", strip=True), tmp_path / "bare"))
    assert (bare[2].region, bare[2].picture, bare.verify(), list(bare.folder.glob("extra/*"))) == (None, step.picture, [], [])


def test_it_is_forgotten_with_all_that_is_kept(bear: Session) -> None:
    """Cut, mask and answer go with the picture; with its words the record still opens."""
    step = bear.edit("Give him a blue tie", region=mask())
    bear.forget(step, words=True)
    assert list(bear.folder.glob("extra/*")) == []
    assert [p for p in bear.verify() if p.is_damage] == []
    assert Session("./bear")[2].region is None


def test_a_missing_piece_is_found(bear: Session) -> None:
    """What is kept beside the records is checked as they are."""
    step = bear.edit("Give him a blue tie", region=BOX)
    assert step.region is not None
    (bear.folder / "extra" / step.region.answers[0].sha256).unlink()
    assert [p.step for p in bear.verify()] == [2]
    with pytest.raises(LineageError):
        _ = step.region.answers[0].data


def test_the_offline_painter_keeps_to_the_region() -> None:
    """A draft of an edit is drawn in the box, joins what is around it, and changes nothing else."""
    session = Session("./draft", endpoint="offline")
    root = session.add(encoded(scene((512, 384))))
    for prompt in ("Give him a blue star", "给他加一朵红色的花", "Make it nicer"):
        step = root.edit(prompt, region=(0.4, 0.6, 0.6, 0.8))
        assert step.region is not None
        assert outside(root.picture, step.picture, step.region.box) is None
        assert step.picture != root.picture
        assert step.warnings == ()
