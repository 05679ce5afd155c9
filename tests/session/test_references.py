"""Named references: pictures that go along by a name, each sent behind the words that bind the name to it.

What is sent of a picture without a name is tested in tests/providers and test_session, the names' files in tests/lineage.
"""

from __future__ import annotations

import base64
import json
import pickle
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from kit.loopback import Loopback, Received, error_reply, png, text_reply
from kit.named_references import DRESS
from kit.studio import Studio
from PIL import Image

from promptkit import (
    Endpoint,
    FunctionTransport,
    InputError,
    Library,
    LineageError,
    Picture,
    PictureError,
    PromptkitWarning,
    Session,
    SettingsError,
    Step,
    StepNotFound,
    find,
    import_session,
)

FRONT, SIDE, OWN = png("red"), png("blue"), png("green")
SCARF = "the girl with the red scarf"


@pytest.fixture(autouse=True)
def files() -> None:
    """Pictures of one's own in the working folder."""
    for name, data in {"front.png": FRONT, "side.png": SIDE, "own.png": OWN}.items():
        Path(name).write_bytes(data)


@pytest.fixture
def bear(service: Loopback) -> Session:
    """A session with a window, and a heroine of two pictures."""
    session = Session("./bear", endpoint=service.url, model="m")
    session.generate("A window in the Alps")
    session.reference("heroine", "front.png", "side.png", description=SCARF)
    return session


def parts(received: Received, turn: int = -1) -> list[str | bytes]:
    """A turn's parts in order: texts, and pictures as bytes."""
    found = received.json["contents"][turn]["parts"]
    return [p["text"] if "text" in p else base64.b64decode(p["inlineData"]["data"]) for p in found]


def words_of(step: Step) -> list[tuple[str | None, str | None]]:
    return [(s.name, s.label) for s in step.record.sources]


# What is sent


def test_each_picture_of_a_name_is_sent_behind_it(bear: Session, service: Loopback) -> None:
    """Before each picture stands the name with what it shows; the one that is edited comes first, without words."""
    window = bear[1].picture.data
    step = bear.edit("She waves from the window", references=["heroine"])
    label = f"heroine: {SCARF}"
    assert parts(service.received[-1]) == ["She waves from the window", window, label, FRONT, label, SIDE]
    assert words_of(step) == [(None, None), ("heroine", label), ("heroine", label)]
    assert bear.verify() == []


def test_a_name_of_a_step_goes_along(bear: Session, service: Loopback) -> None:
    """A step can be named too, without a description; it is a further parent of the edit."""
    bear.reference("window", bear[1])
    room = bear.generate("A room")
    step = room.edit("Look out", references=["heroine", "window"])
    assert parts(service.received[-1])[-2:] == ["window:", bear[1].picture.data]
    assert [s.number for s in step.parents] == [2, 1]
    assert (bear.references["window"].steps, bear["window"]) == ((1,), bear[1])


@pytest.mark.parametrize(
    ("prompt", "label", "other"),
    [
        ("She waves", "heroine: red", "another picture:"),
        ("La niña saluda desde la ventana", "heroine: red", "otra imagen:"),
        ("彼女が窓から手を振る", "heroine：red", "別の画像："),
        ("她从窗口挥手", "heroine：red", "另一张图片："),
        ("वह खिड़की से हाथ हिलाती है", "heroine: red", "एक और तस्वीर:"),
    ],
)
def test_the_words_are_in_the_language_of_the_prompt(bear: Session, service: Loopback, prompt: str, label: str, other: str) -> None:
    """The name is bound as the prompt's language does it; a picture without a name behind one with a name is told apart."""
    bear.reference("heroine", FRONT, description="red")
    bear.edit(prompt, references=["heroine", "own.png"])
    assert parts(service.received[-1])[2:] == [label, FRONT, other, OWN]


def test_pictures_before_the_first_name_stay_as_they_are(bear: Session, service: Loopback) -> None:
    """Only what would stand below another picture's name gets words of its own: the base, anchors and earlier references do not."""
    bear.edit("Add her", references=["own.png", {"girl": "side.png"}], anchor="front.png")
    assert parts(service.received[-1])[2:] == [FRONT, OWN, "girl:", SIDE]


def test_a_name_can_hold_for_one_call(bear: Session, service: Loopback) -> None:
    """A mapping binds names for that call alone: they are kept nowhere, and a name that is kept is not touched."""
    before = bear.references
    step = bear.edit("They dance", references={"heroine": 1, "bear": ["own.png", "side.png"]})
    window = bear[1].picture.data
    assert parts(service.received[-1])[2:] == ["heroine:", window, "bear:", OWN, "bear:", SIDE]
    assert [name for name, _ in words_of(step)] == [None, "heroine", "bear", "bear"]
    assert bear.references == before


def test_names_steps_and_files_can_be_mixed(bear: Session, service: Loopback) -> None:
    """A list takes names, tags, steps, numbers, paths, bytes, pictures, references and mappings, in their order; a tag is no label."""
    bear.tag("alps", 1)
    window, heroine = bear[1].picture.data, bear.references["heroine"]
    given = ["alps", 1, Path("own.png"), OWN, Picture(OWN), heroine, {"girl": "heroine"}, Image.open("own.png"), "./own.png"]
    bear.edit("All of them", references=given)
    sent = parts(service.received[-1])
    assert sent[2:7] == [window, window, OWN, OWN, OWN]
    assert sent[7:15] == [f"heroine: {SCARF}", FRONT, f"heroine: {SCARF}", SIDE, f"girl: {SCARF}", FRONT, f"girl: {SCARF}", SIDE]
    assert sent[15::2] == ["another picture:"] * 2
    assert bear.tags == {"alps": bear[1]}


@pytest.mark.parametrize("call", ["generate", "vary", "again", "step", "anchor"])
def test_every_call_that_takes_pictures_takes_names(bear: Session, service: Loopback, call: str) -> None:
    """generate, vary, again, a step's own edit, and an anchor."""
    made: Any = {
        "generate": lambda: bear.generate("A girl", references="heroine"),
        "vary": lambda: bear.vary("A girl", 2, references=["heroine"]),
        "again": lambda: bear.again(references=["heroine"]),
        "step": lambda: bear[1].edit("A girl", references=["heroine"]),
        "anchor": lambda: bear.edit("A girl", anchor="heroine"),
    }[call]
    made()
    assert parts(service.received[-1])[-4:] == [f"heroine: {SCARF}", FRONT, f"heroine: {SCARF}", SIDE]


def test_a_chain_that_talks_repeats_its_words(service: Loopback) -> None:
    """Earlier turns are sent as they were, labels included."""
    bear = Session("./bear", endpoint=service.url, model="m", chain="chat")
    first = bear.generate("A girl", references={"heroine": "front.png"})
    first.edit("Add a hat")
    assert parts(service.received[-1], 0) == parts(service.received[0]) == ["A girl", "heroine:", FRONT]


def test_it_is_asked_again_with_the_same_words(bear: Session, service: Loopback) -> None:
    """A reply without a picture is asked again in other words, and the pictures keep their labels."""
    service.say(text_reply("Nice!"))
    bear.edit("She waves", references=["heroine"])
    first, again = service.received[-2:]
    assert parts(first)[1:] == parts(again)[1:]
    assert parts(first)[0] != parts(again)[0]


def test_words_of_a_label_pass_the_gate(bear: Session, service: Loopback) -> None:
    """What some tool should have filled in is refused in a description as it is in a prompt, before anything is sent."""
    bear.reference("heroine", "front.png", description="the girl with {{ colour }} hair")
    with pytest.raises(SettingsError, match="not finished"):
        bear.edit("She waves", references=["heroine"])
    assert len(service.received) == 1


def test_a_dialect_that_cannot_say_it_is_told() -> None:
    """Where nothing can stand between pictures they go out alone, which is said once; the record still has the name."""
    endpoint = Endpoint("there", "https://x.example.com", auth="none", dialect=Studio())
    sent: list[dict[str, Any]] = []

    def answer(_: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        sent.append(json.loads(body))
        return 200, {}, json.dumps({"words": "ok", "look": [sent[-1]["talk"][-1]["look"][0]]}).encode()

    bear = Session("./bear", endpoint=endpoint, transport=FunctionTransport(answer))
    with pytest.warns(PromptkitWarning, match="no words between pictures"):
        step = bear.generate("A girl", references={"heroine": "front.png"})
    assert "heroine" not in json.dumps(sent)
    assert words_of(step) == [("heroine", None)]


# What is the same request


def test_the_same_names_are_the_same_request(bear: Session, service: Loopback) -> None:
    """Asked again with the same names nothing is sent; with another description, another name or none it is another request."""
    step = bear.edit("She waves", on=1, references=["heroine"])
    assert bear.edit("She waves", on=1, references=["heroine"]).reused
    assert bear.edit("She waves", on=1, references={"heroine": "heroine"}) == step
    asked = len(service.received)
    plain = bear.edit("She waves", on=1, references=["front.png", "side.png"])
    hero = bear.edit("She waves", on=1, references={"hero": "heroine"})
    bear.reference("heroine", description="the girl")
    other = bear.edit("She waves", on=1, references=["heroine"])
    assert len({step, plain, hero, other}) == 4
    assert len(service.received) == asked + 3


def test_requests_without_names_have_the_recipes_that_they_had(bear: Session) -> None:
    """A picture without a name adds no key to a record, and nothing to what its recipe is made of."""
    step = bear.edit("Add it", references=["own.png", bear[1]])
    assert {key for source in step.record.sources for key in source} == {"role", "sha256", "mime_type", "step", "file"}


def test_named_again_is_newer(bear: Session, service: Loopback) -> None:
    """A name that is given to other pictures stands for these; steps that were asked for keep theirs, and are explained with them."""
    old = bear.edit("She waves", on=1, references=["heroine"])
    bear.reference("heroine", OWN, description="the girl in green")
    new = bear.edit("She waves", on=1, references=["heroine"])
    assert [p.data for p in old.sources[1:]] == [FRONT, SIDE]
    assert [p.data for p in new.sources[1:]] == [OWN]
    assert SCARF in str(bear.explain(old))
    assert "the girl in green" in str(bear.explain(new))
    assert bear.references["heroine"].description == "the girl in green"


# Names


def test_names_are_kept_in_the_session(bear: Session, service: Loopback) -> None:
    """Opened again, the session knows its names; naming sends nothing, and makes the folder of a new session."""
    again = Session("./bear", endpoint=service.url)
    heroine = again.references["heroine"]
    assert (heroine.name, heroine.description, [p.data for p in heroine.pictures]) == ("heroine", SCARF, [FRONT, SIDE])
    new = Session("./new", endpoint="offline")
    assert new.reference("cat", "own.png").pictures[0].data == OWN
    assert Session("./new", endpoint="offline").references["cat"].shown == "1 picture from outside"
    assert (len(new), new.verify(), len(service.received)) == (0, [], 1)


def test_a_name_without_pictures_is_read_or_described_anew(bear: Session) -> None:
    """reference(name) brings what it stands for; with a description alone the pictures stay."""
    assert bear.reference("heroine") == bear.references["heroine"]
    assert [p.data for p in bear.reference("heroine", description="a girl").pictures] == [FRONT, SIDE]
    assert [p.data for p in bear.reference("heroine", "heroine", OWN).pictures] == [FRONT, SIDE, OWN]
    with pytest.raises(SettingsError, match="has no pictures yet"):
        bear.reference("nobody")


def test_a_name_is_a_tags_or_a_references(bear: Session) -> None:
    """They share one name space: the newer meaning counts, which is said, and no name means both."""
    bear.tag("star", 1)
    with pytest.warns(PromptkitWarning, match="was a tag"):
        bear.reference("star", "star")
    assert (bear.tags, bear.references["star"].steps) == ({}, (1,))
    with pytest.warns(PromptkitWarning, match=r"was a reference, step 1"):
        bear.tag("star")
    assert (list(bear.references), bear.tags) == (["heroine"], {"star": bear[1]})


@pytest.mark.parametrize("name", ["", "7", " 12 ", "two\nlines", "front.png", "a/b", "HERO.JPEG", "x" * 101, None, 7, "a\x00b", "a\u202eb"])
def test_what_is_no_name_is_refused(bear: Session, name: Any) -> None:
    """What could be a number or a file, or is no line of text, names nothing: in reference(…) and in a mapping."""
    with pytest.raises(SettingsError, match="name of a reference"):
        bear.reference(name, "own.png")
    with pytest.raises(SettingsError, match="name of a reference"):
        bear.edit("x", references={name: "own.png"})


@pytest.mark.parametrize("name", ["赤い　マフラー", "👩‍🚀", "क्‍ष", "the girl", "v1.2", "Dr. Smith", "a=b", "face"])
def test_names_in_any_script(bear: Session, name: str) -> None:
    """Spaces, joiners and dots of any script belong to a name; one that could be the beginning of an id goes before that."""
    bear.reference(name, "own.png")
    assert words_of(bear.edit("Add it", references=[name]))[1] == (name, f"{name}:")


def test_names_are_compared_in_nfc(bear: Session) -> None:
    """A name is found however its accents are written."""
    bear.reference(unicodedata.normalize("NFD", "Zoë"), "own.png")
    for form in ("NFC", "NFD"):
        assert words_of(bear.edit("Add her", on=1, references=[unicodedata.normalize(form, "Zoë")]))[1][0] == "Zoë"


def test_a_file_has_a_separator_or_a_pictures_suffix(bear: Session) -> None:
    """A text that could be a name is never a file, and the error says how to write the file that is there."""
    Path("stray").write_bytes(OWN)
    with pytest.raises(StepNotFound, match=r"write './stray'"):
        bear.edit("x", references=["stray"])
    assert bear.edit("x", references=["./stray"]).sources[1].data == OWN
    with pytest.raises(PictureError, match="check the path"):
        bear.edit("x", references=["missing.png"])
    with pytest.raises(StepNotFound, match="did you mean the reference 'heroine'"):
        bear.edit("x", references=["heroin"])


@pytest.mark.parametrize("given", [{"girl": []}, {"girl": None}])
def test_a_name_needs_a_picture(bear: Session, given: Any) -> None:
    """A name that binds nothing is refused."""
    with pytest.raises(SettingsError, match="'girl' has no picture"):
        bear.edit("x", references=given)


def test_one_picture_by_its_name_can_be_continued(bear: Session) -> None:
    """on= takes the name of one picture, a step's or one's own; of several none is meant."""
    bear.reference("window", 1)
    bear.reference("own", "own.png")
    assert bear.edit("x", on="window").parents == (bear[1],)
    assert bear.edit("x", on="own").sources[0].data == OWN
    with pytest.raises(LineageError, match="is 2 pictures"):
        bear.edit("x", on="heroine")
    with pytest.raises(StepNotFound, match="is a reference to 2 pictures"):
        bear["heroine"]


def test_a_step_without_a_picture_names_nothing(bear: Session, service: Loopback) -> None:
    """A failed step is refused, and one that was forgotten later is said by name."""
    service.say(error_reply(400))
    with pytest.raises(Exception, match="no"):
        bear.edit("Fail")
    with pytest.raises(LineageError, match="has no picture"):
        bear.reference("gone", 2)
    step = bear.edit("Add snow", on=1)
    bear.reference("snow", step)
    bear.forget(step)
    with pytest.raises(LineageError, match=r"'snow' names a picture .* forgotten"):
        bear.edit("x", on=1, references=["snow"])


def test_a_key_is_no_name_and_no_description(service: Loopback) -> None:
    """What holds the session's key is not written."""
    bear = Session("./bear", endpoint=service.url, api_key="sk-of-a-test-1234567890")
    with pytest.raises(SettingsError):
        bear.reference("heroine", "own.png", description="sk-of-a-test-1234567890")
    assert not Path("bear").exists()


# Too many


def test_more_pictures_than_the_model_takes_are_refused(service: Loopback) -> None:
    """Before anything is sent, with the number: 3 for gemini-2.5-flash-image, 14 for the newer ones; the names are counted."""
    bear = Session("./bear", endpoint=service.url, model="gemini-2.5-flash-image")
    bear.reference("heroine", "front.png", "side.png")
    first = bear.generate("A girl", references=["heroine"])
    bear.edit("Add her", on=first, references=["heroine"])
    with pytest.raises(SettingsError, match=r"takes 3 pictures in a request, and this one has 4 \(2 as 'heroine', 1 as 'x'\)"):
        bear.edit("Add all", on=first, references=["heroine", {"x": "own.png"}])
    newer = Session("./bear", endpoint=service.url, model="gemini-nano-banana-2.1")
    newer.edit("Add all", on=first, references=["heroine", {"x": [png((n, 0, 0)) for n in range(11)]}])
    with pytest.raises(SettingsError, match=r"takes 14 pictures in a request, and this one has 15"):
        newer.edit("Add all", on=first, references=["heroine", {"x": [png((n, 0, 0)) for n in range(12)]}])
    assert len(service.received) == 3


# From another session


def test_names_of_another_session_come_along(bear: Session, service: Loopback) -> None:
    """Session(references=other) knows its names too: the pictures are from outside there, and the record is whole without it."""
    bear.reference("window", 1)
    story = Session("./story", endpoint=service.url, model="m", references=bear)
    step = story.generate("She waves from the window", references=["heroine", "window"])
    assert parts(service.received[-1])[1::2] == [f"heroine: {SCARF}", f"heroine: {SCARF}", "window:"]
    assert [s.step for s in step.record.sources] == [None] * 3
    assert (list(story.references), story.verify()) == (["heroine", "window"], [])
    assert Session("./story", endpoint=service.url, references="./bear").references == story.references
    third = Session("./third", endpoint=service.url, references=[story])
    assert list(third.references) == ["heroine", "window"]
    assert list(Session("./story", endpoint=service.url).references) == []


def test_ones_own_name_goes_before_one_that_was_brought(bear: Session, service: Loopback) -> None:
    """A name or a tag of the session itself hides one of the other."""
    bear.reference("cat", "front.png")
    story = Session("./story", endpoint=service.url, model="m", references=bear)
    story.reference("heroine", "own.png")
    first = story.generate("x", references=["heroine"])
    story.tag("cat", first)
    assert [p.data for p in first.sources] == [OWN]
    assert [s.step for s in story.edit("y", references=["cat"]).record.sources] == [first.id] * 2


def test_a_session_that_is_not_there_brings_nothing() -> None:
    """A wrong name is an error when the session is opened, and so is what is no session."""
    with pytest.raises(LineageError, match="no session 'nowhere'"):
        Session("./bear", endpoint="offline", references="nowhere")
    with pytest.raises(SettingsError, match="another session, or its name or folder"):
        Session("./bear", endpoint="offline", references={"heroine": "own.png"})


def test_names_go_through_pickle(bear: Session) -> None:
    """A reference, and a session with names of another one, arrive whole."""
    heroine = pickle.loads(pickle.dumps(bear.references["heroine"]))
    assert (heroine, heroine.pictures[0].data) == (bear.references["heroine"], FRONT)
    story = pickle.loads(pickle.dumps(Session("./story", endpoint="offline", references=bear)))
    assert list(story.references) == ["heroine"]


# Templates


SPANISH = """\
---
pictures: {roles: {person: la persona que se viste, dress: el vestido que se pone}}
---
Pon el vestido a la persona.
"""
ROLES = "{person: the person to dress, dress: the dress to put on}"
LISTED = DRESS.replace(ROLES, "[the person to dress, the dress to put on]")


@pytest.fixture
def library() -> Library:
    """Templates whose pictures have names, and whose pictures are only described."""
    folder = Path("mine")
    folder.mkdir()
    for name, text in {"dress.j2": DRESS, "dress.es-MX.j2": SPANISH, "listed.j2": LISTED}.items():
        (folder / name).write_text(text, encoding="utf-8")
    return Library(folder, builtin=False)


def test_the_names_that_a_template_gives_its_pictures_are_sent(bear: Session, service: Loopback, library: Library) -> None:
    """Roles with names bind them, the one that is edited included, in the language that the template is called in."""
    window = bear[1].picture.data
    step = bear.edit(library.dress(), references=["own.png"])
    assert parts(service.received[-1])[1:] == ["person: the person to dress", window, "dress: the dress to put on", OWN]
    assert words_of(step) == [(None, "person: the person to dress"), (None, "dress: the dress to put on")]
    bear.edit(library.dress(lang="es-MX"), on=1, references=["own.png"])
    assert parts(service.received[-1])[1::2] == ["person: la persona que se viste", "dress: el vestido que se pone"]
    assert "person: the person to dress; dress: the dress to put on" in library.dress.__doc__
    with pytest.raises(InputError, match="takes 2 pictures"):
        bear.edit(library.dress(), on=1)


def test_roles_without_names_are_sent_with_names_alone(bear: Session, service: Loopback, library: Library) -> None:
    """A template that only describes its pictures sends what it always did, until a picture has a name."""
    window = bear[1].picture.data
    bear.edit(library.listed(), references=["own.png"])
    assert parts(service.received[-1])[1:] == [window, OWN]
    bear.edit(library.listed(), on=1, references={"gown": "own.png"})
    assert parts(service.received[-1])[1:] == ["the person to dress", window, "gown: the dress to put on", OWN]


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        ("{Person: x, dress: y}", "'Person'"),
        ("{person: x, dress: 7}", "a list that says what each picture is, or a mapping"),
        ("{person: x}", "what 1 pictures are"),
    ],
)
def test_a_wrong_mapping_of_roles_is_told(roles: str, said: str) -> None:
    """Names of pictures are words as those of inputs, their roles are texts, and there are as many as pictures."""
    Path("wrong").mkdir()
    Path("wrong/dress.j2").write_text(DRESS.replace(ROLES, roles))
    with pytest.raises(InputError, match=said):
        Library("wrong", builtin=False).dress()


def test_a_language_file_knows_the_names_of_its_template() -> None:
    """A role that the base file does not have is an error."""
    Path("mine").mkdir()
    Path("mine/dress.j2").write_text(DRESS)
    Path("mine/dress.es-MX.j2").write_text(SPANISH.replace("person:", "persona:"))
    with pytest.raises(InputError, match="'persona'"):
        Library("mine", builtin=False).dress(lang="es-MX")


def test_a_picture_has_the_callers_name_and_the_templates(bear: Session, service: Loopback, library: Library) -> None:
    """Both names bind it, and both say what it shows; a name that is the same is said once."""
    bear.edit(library.dress(), references={"gown": "own.png"})
    assert parts(service.received[-1])[3] == "gown, dress: the dress to put on"
    bear.reference("dress", "own.png", description="the blue one")
    bear.edit(library.dress(), on=1, references=["dress"])
    assert parts(service.received[-1])[3] == "dress: the blue one; the dress to put on"


# What the record is good for


def test_a_replay_keeps_names_and_pictures(bear: Session, service: Loopback, library: Library) -> None:
    """Asked for again elsewhere each step sends the words that it sent, whatever the name stands for today; in place nothing is sent."""
    first = bear.generate("A girl", references=["heroine"])
    hat = first.edit("Give the heroine a hat", references=["heroine", {"hat": "own.png"}])
    dressed = hat.edit(library.dress(), references={"gown": "side.png"})
    bear.reference("heroine", OWN)
    labels = [words_of(s) for s in (first, hat, dressed)]
    asked = len(service.received)
    assert [s.id for s in bear.replay(bear)] == [first.id, hat.id, dressed.id]
    assert len(service.received) == asked
    there = bear.replay(Session("./there", endpoint=service.url, model="m"))
    assert [words_of(s) for s in there] == labels
    assert len(service.received) == asked + 3


def test_a_step_repeated_keeps_its_words(bear: Session, service: Loopback, library: Library) -> None:
    """again sends what was sent, also in other words; a template's own names stay with its pictures."""
    step = bear.edit(library.dress(), references={"gown": "side.png"})
    step.again()
    assert parts(service.received[-1]) == parts(service.received[-2])
    step.again("Put it on")
    assert parts(service.received[-1])[1:] == parts(service.received[-2])[1:]


def test_a_squash_keeps_names_apart(bear: Session, service: Loopback) -> None:
    """Each picture goes along once behind all that it was called; where a name meant two pictures, it says in which edits."""
    a = bear.edit("Add the heroine", references={"heroine": "front.png", "hat": "own.png"})
    b = a.edit("Turn the girl around", references={"girl": "front.png"})
    c = b.edit("Add the other heroine", references={"heroine": "side.png"})
    bear.squash(a, c)
    assert parts(service.received[-1])[2:] == ["heroine: (in edit 1); girl:", FRONT, "hat:", OWN, "heroine: (in edit 3)", SIDE]
    asked = len(service.received)
    assert bear.squash(a, c).reused
    assert len(service.received) == asked


def test_a_picture_that_was_another_one_is_told_by_what_stands_before_it(bear: Session, service: Loopback) -> None:
    """Repeated in other company a picture without a name gets words only where it needs them."""
    a = bear.edit("Add them", references=["heroine", "own.png"])
    b = a.edit("Add more")
    a.again()
    assert parts(service.received[-1])[-2:] == ["another picture:", OWN]
    c = b.edit("And the lamp", references=["own.png"])
    bear.squash(b, c)
    assert parts(service.received[-1])[2:] == [OWN]


def test_names_are_words_that_can_be_forgotten(bear: Session) -> None:
    """With its words a step forgets by which names pictures went along, and what was said of them; find finds them until then."""
    step = bear.edit("She waves", references=["heroine"])
    assert [(found.step, found.where) for found in find("red scarf", ".")] == [(step, "reference")]
    bear.forget(step, words=True)
    assert {key for source in bear[2].record.sources for key in source} == {"role", "sha256", "mime_type", "step", "file"}
    assert list(find("red scarf", ".")) == []


def test_names_are_explained_and_shown(bear: Session) -> None:
    """explain, its HTML and the object for programs say by which names pictures went along; a reference shows itself."""
    step = bear.edit("She waves", references=["heroine", "own.png"])
    shown = str(bear.explain(step))
    assert f"reference “heroine: {SCARF}”" in " ".join(shown.split())
    assert SCARF in bear.explain(step)._repr_mimebundle_()["text/html"]
    assert step.to_dict()["names"] == ["heroine", "heroine"]
    heroine = bear.references["heroine"]
    assert repr(heroine) == f"<Reference heroine: {SCARF} (2 pictures from outside)>"
    assert heroine._repr_mimebundle_()["text/html"].count("<img") == 2
    said = heroine.to_dict()
    assert (said["schema"], said["name"], said["description"], said["steps"]) == ("promptkit.reference/1", "heroine", SCARF, [None, None])


def test_names_travel(bear: Session, service: Loopback) -> None:
    """A trail brings the names whose pictures go along with it, all steps bring all of them, and without words there are none."""
    bear.reference("window", 1)
    bear.reference("cat", "own.png")
    bear.edit("She waves", references=["heroine"])
    bear.export("trail.zip")
    bear.export("all.zip", all=True)
    bear.export("bare.zip", all=True, strip=True)
    found = {}
    for name in ("trail", "all", "bare"):
        import_session(f"{name}.zip", name)
        there = Session(f"./{name}", endpoint="offline")
        assert there.verify() == []
        found[name] = {key: [p.data for p in each.pictures] for key, each in there.references.items()}
    whole = {"cat": [OWN], "heroine": [FRONT, SIDE], "window": [bear[1].picture.data]}
    assert found == {"trail": {k: whole[k] for k in ("heroine", "window")}, "all": whole, "bare": {}}
    said = b"".join(p.read_bytes() for p in Path("bare").rglob("*.json"))
    assert b"scarf" not in said
    assert b"heroine" not in said
