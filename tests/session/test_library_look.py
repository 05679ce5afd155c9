"""A library's own look in sessions: which of its pictures are sent, what records hold, and that steps can be asked for again without it.

What a template takes of library.yaml is tested in tests/prompts/test_library_look.py.
"""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

import pytest
from kit.loopback import Loopback, Received, png
from kit.template_files import write

from promptkit import Library, LineageError, PromptkitWarning, Session, SettingsError, Step, TemplateError, import_session
from promptkit.archive.export import export
from promptkit.cli.main import main

FOX, OTHER = png("orange"), png("green")
LABEL = "mascot: the fox"
FILES = {
    "library.yaml": "inputs: {brand: warm orange}\nreferences: {mascot: {file: fox.png, description: the fox}}\nconfig: {image_size: 2K}\n",
    "poster.j2": "---\ninputs: {subject: {example: tea}}\n---\nA poster of {{ subject }} in {{ brand }}.",
    "night.j2": "---\nkind: edit\npictures: {min: 1, max: 1, roles: [the picture to darken]}\n---\nNight in {{ brand }}. Keep all else.",
    "dusk.j2": "---\nkind: edit\n---\nDusk. Keep all else.",
    "bare.j2": "---\nkind: edit\nlibrary: false\n---\nAdd rain. Keep all else.",
}


@pytest.fixture
def team() -> Library:
    """A library with a picture that goes along."""
    library = write(Path("team"), FILES)
    Path("team/fox.png").write_bytes(FOX)
    return library


@pytest.fixture
def bear(service: Loopback) -> Session:
    return Session("./bear", endpoint=service.url, model="m")


def parts(received: Received) -> list[str | bytes]:
    """What was sent, in order: texts, and pictures as bytes."""
    found = received.json["contents"][-1]["parts"]
    return [p["text"] if "text" in p else base64.b64decode(p["inlineData"]["data"]) for p in found]


def roles(step: Step) -> list[tuple[str, str | None]]:
    return [(s["role"], s.get("name")) for s in step.record.sources]


def test_the_library_s_pictures_go_along_behind_their_names(team: Library, bear: Session, service: Loopback) -> None:
    """With a new picture and with an edit, last; the hints go along, and the record holds all of it."""
    step = bear.generate(team.poster(subject="tea"))
    assert parts(service.received[-1]) == ["A poster of tea in warm orange.", LABEL, FOX]
    assert service.received[-1].json["generationConfig"]["imageConfig"] == {"imageSize": "2K"}
    night = step.edit(team.dusk(), references=[OTHER])
    assert [p for p in parts(service.received[-1]) if isinstance(p, bytes)] == [step.picture.data, OTHER, FOX]
    assert parts(service.received[-1])[-2] == LABEL
    assert roles(step) == [("library", "mascot")]
    assert roles(night) == [("base", None), ("reference", None), ("library", "mascot")]
    assert [picture.data for picture in step.sources] == [FOX]
    kept = json.loads(Path(bear.folder, f"templates/{step.record.prompt.digest}.json").read_text(encoding="utf-8"))
    assert json.loads(kept["library.yaml"])["inputs"] == {"brand": "warm orange"}
    assert bear.verify() == []


def test_what_takes_nothing_is_sent_as_ever(team: Library, bear: Session, service: Loopback) -> None:
    """A template that opts out, and free text: no name, no picture, and the recipe of a request without a library."""
    base = bear.add(OTHER)
    rain = base.edit(team.bare())
    assert parts(service.received[-1]) == ["Add rain. Keep all else.", OTHER]
    write(Path("plain"), {"bare.j2": "---\nkind: edit\n---\nAdd rain. Keep all else."})
    assert base.edit("Add rain. Keep all else.").id == rain.id
    assert base.edit(Library("plain", builtin=False).bare()).id == rain.id


def test_the_same_call_is_paid_once(team: Library, bear: Session, service: Loopback) -> None:
    """As long as the library's picture is the same; another picture is another request."""
    step = bear.generate(team.poster(subject="tea"))
    assert bear.generate(team.poster(subject="tea")).id == step.id
    assert len(service.received) == 1
    Path("team/fox.png").write_bytes(png("red"))
    assert bear.generate(team.poster(subject="tea")).id != step.id


def test_the_caller_s_picture_of_a_name_goes_first(team: Library, bear: Session, service: Loopback) -> None:
    """It stands for the library's; one that is there already is not sent twice, and has its name."""
    step = bear.generate(team.poster(subject="tea"), references={"mascot": OTHER})
    assert parts(service.received[-1]) == ["A poster of tea in warm orange.", "mascot:", OTHER]
    assert roles(step) == [("reference", "mascot")]
    twice = bear.generate(team.poster(subject="tea"), references=[FOX])
    assert parts(service.received[-1]) == ["A poster of tea in warm orange.", LABEL, FOX]
    base = bear.add(FOX)
    night = base.edit(team.night())
    assert roles(night) == [("base", "mascot")]
    for made in (step, twice, night):
        again = made.again()
        assert (roles(again), again.record.prompt.text) == (roles(made), made.record.prompt.text)
        [*_, replayed] = bear.at(made).replay(f"./again-{made.number}")
        assert roles(replayed) == roles(made)


def test_the_model_s_limit_counts_them(team: Library, service: Loopback) -> None:
    """A request with more pictures than the model takes is refused before it is sent, with the number."""
    Path("team/library.yaml").write_text("references: {mascot: [fox.png, b.png, c.png]}")
    for name in "bc":
        Path(f"team/{name}.png").write_bytes(png({"b": "blue", "c": "red"}[name]))
    session = Session("./bear", endpoint=service.url, model="gemini-2.5-flash-image")
    base = session.add(OTHER)
    with pytest.raises(SettingsError, match="takes 3 pictures"):
        base.edit(team.dusk())
    assert service.received == []


def test_a_template_s_own_number_of_pictures_counts_the_caller_s(team: Library, bear: Session) -> None:
    """The library's are none of those that a template asks for, when a step is repeated either."""
    night = bear.add(OTHER).edit(team.night())
    assert roles(night.again()) == [("base", None), ("library", "mascot")]
    assert roles(night.again(team.night())) == [("base", None), ("library", "mascot")]
    assert roles(night.again("Make it night, keep all else")) == [("base", None), ("library", "mascot")]
    assert roles(night.again(team.bare())) == [("base", None)]


def test_a_replay_needs_no_library(team: Library, bear: Session, service: Loopback) -> None:
    """The session's copy renders and sends the same elsewhere, with other inputs too; replayed again nothing is asked."""
    bear.generate(team.poster(subject="tea")).edit(team.night())
    archive = export(bear.folder, None, "bear.zip", all=True)
    shutil.rmtree("team")
    shutil.rmtree(bear.folder)
    other = import_session(archive, "./other")
    head = Session("./other", endpoint=service.url, model="m").at(2)
    poster, night = head.replay("./new", inputs={"subject": "jam"})
    assert parts(service.received[-2]) == ["A poster of jam in warm orange.", LABEL, FOX]
    assert parts(service.received[-1])[-2:] == [LABEL, FOX]
    count = len(service.received)
    assert [step.id for step in head.replay("./new", inputs={"subject": "jam"})] == [poster.id, night.id]
    assert len(service.received) == count
    assert Session("./new").verify() == []
    assert other is not None


def test_a_replay_with_today_s_templates_takes_today_s_look(team: Library, bear: Session, service: Loopback) -> None:
    """The words, the pictures and the hints; the preview says that the template changed."""
    bear.generate(team.poster(subject="tea"))
    Path("team/library.yaml").write_text("inputs: {brand: ink blue}\nreferences: {house: fox.png}\n")
    Path("team/fox.png").write_bytes(OTHER)
    assert "its template changed" in str(bear.replay("./new", templates=team, dry_run=True))
    with pytest.warns(PromptkitWarning, match="the template poster changed"):
        [step] = bear.replay("./new", templates=team)
    assert parts(service.received[-1]) == ["A poster of tea in ink blue.", "house:", OTHER]
    assert "imageConfig" not in service.received[-1].json["generationConfig"]
    assert roles(step) == [("library", "house")]


def test_what_keeps_a_replay_from_sending_is_said_before_the_first_step(team: Library, bear: Session, service: Loopback) -> None:
    """A library's picture that the session lost, and more pictures than the model takes, also where the root could be asked."""
    bear.generate("A house").edit(team.dusk())
    Path("team/library.yaml").write_text("references: {mascot: [fox.png, b.png, c.png]}")
    Path("team/b.png").write_bytes(png("blue"))
    Path("team/c.png").write_bytes(png("red"))
    bear.edit(team.dusk(), on=1)
    count = len(service.received)
    with pytest.raises(SettingsError, match="takes 3 pictures"):
        bear.at(3).replay("./new", model="gemini-2.5-flash-image")
    Path(bear.folder, bear[2].record.sources[1]["file"]).unlink()
    with pytest.raises(LineageError, match="cannot be read: No such file"):
        bear.at(2).replay("./new")
    assert len(service.received) == count


def test_a_picture_that_was_the_base_goes_along_with_another(team: Library, bear: Session, service: Loopback) -> None:
    """Where a step edits the library's own picture, a replay that begins with another one sends it beside that."""
    bear.add(FOX).edit(team.night())
    shutil.rmtree("team")
    [_, night] = bear.replay("./new", start=OTHER)
    assert parts(service.received[-1])[1:] == ["the picture to darken", OTHER, LABEL, FOX]
    assert roles(night) == [("base", None), ("library", "mascot")]


def test_a_template_s_names_and_the_library_s_stand_side_by_side(team: Library, bear: Session, service: Loopback) -> None:
    """A role that the caller brings no picture for is not the library's, and a name that the caller gives away is on no other picture."""
    front = "---\nkind: edit\npictures: {min: 1, max: 2, roles: {room: the room, chair: a chair}}\n---\n"
    write(Path("team"), {"room.j2": front + "Furnish it. Keep all else."})
    bear.add(OTHER).edit(team.room())
    assert parts(service.received[-1])[1:] == ["room: the room", OTHER, LABEL, FOX]
    bear.add(FOX).edit(team.dusk(), references={"mascot": OTHER})
    assert parts(service.received[-1])[1:] == [FOX, "mascot:", OTHER]


def test_a_replay_with_today_s_templates_counts_the_caller_s_pictures(team: Library, bear: Session) -> None:
    """Of a template that takes one picture, as its library's are none of those."""
    bear.add(OTHER).edit(team.night())
    [_, night] = bear.replay("./new", templates=team)
    assert roles(night) == [("base", None), ("library", "mascot")]


def test_a_squash_sends_them_once(team: Library, bear: Session, service: Loopback) -> None:
    """By their names, also where the squashed words are a template's of the same library."""
    first = bear.add(OTHER)
    last = first.edit(team.night()).edit(team.night() + " Darker.")
    squashed = bear.squash(2, last)
    assert parts(service.received[-1])[1:] == [OTHER, LABEL, FOX]
    assert roles(squashed) == [("base", None), ("reference", "mascot")]
    own = bear.squash(2, last, prompt=team.bare())
    assert roles(own) == [("base", None), ("reference", "mascot")]


def test_variants_and_regions_have_the_look(team: Library, bear: Session) -> None:
    """Whatever asks with a template's prompt sends its library's pictures."""
    made = bear.vary(team.poster, each={"subject": ["tea", "jam"]}, root=True)
    assert [roles(step) for step in made] == [[("library", "mascot")]] * 2
    assert bear.vary(team.poster(subject="ham"), n=1, root=True)[0].record.prompt.digest == made[0].record.prompt.digest
    base = bear.add(png("blue", (1024, 1024)))
    part = base.edit(team.night(), region=(0, 0, 512, 512))
    assert roles(part) == [("base", None), ("library", "mascot")]


def test_a_stripped_export_has_nothing_of_the_look(team: Library, bear: Session) -> None:
    """The library's values are words, and its pictures go with the others from outside."""
    bear.generate(team.poster(subject="tea"))
    export(bear.folder, None, "bear.zip", all=True, strip=True)
    import_session("bear.zip", "./other")
    [step] = Session("./other").steps
    assert (step.ok, list(step.record.sources)) == (True, [])
    texts = "".join(p.read_text("utf-8", "replace") for p in Path("other").rglob("*") if p.is_file() and p.suffix != ".png")
    assert "warm orange" not in texts
    assert "mascot" not in texts


def test_a_key_in_a_value_is_not_sent(team: Library, service: Loopback) -> None:
    """Nor kept: the library's values are words as others."""
    key = "sk-" + "abc123XYZ" * 5
    Path("team/library.yaml").write_text(f"inputs: {{brand: {key}}}")
    with pytest.raises(SettingsError, match="key") as caught:
        Session("./bear", endpoint=service.url, model="m", api_key=key).generate(team.poster(subject="tea"))
    assert key not in str(caught.value)
    assert service.received == []


def test_the_command_line_sends_and_shows_the_look(team: Library, capsys: pytest.CaptureFixture[str]) -> None:
    """render says which pictures go along; generate sends them; templates shows and lists what there is."""
    assert main(["render", "-L", "team", "-t", "poster", "-i", "subject=tea"]) == 0
    out, err = capsys.readouterr()
    assert (out, err) == ("A poster of tea in warm orange.\n", "pictures of its library go along: mascot (the fox)\n")
    assert main(["generate", "-s", "./bear", "--endpoint", "offline", "-L", "team", "-t", "poster", "-i", "subject=tea"]) == 0
    assert roles(Session("./bear")[1]) == [("library", "mascot")]
    capsys.readouterr()
    assert main(["templates", "list", "-L", "team", "--json"]) == 0
    listed = {each["name"]: each for each in map(json.loads, capsys.readouterr().out.splitlines())}
    assert (listed["poster"]["library_inputs"], listed["poster"]["references"]) == (["brand"], ["mascot"])
    assert (listed["bare"]["library_inputs"], listed["sticker"]["references"]) == ([], [])
    assert main(["show", "-s", "./bear"]) == 0
    assert "library “mascot: the fox”" in capsys.readouterr().out


def test_a_broken_look_stops_the_request(team: Library, bear: Session, service: Loopback) -> None:
    """A missing picture is an error before anything is sent."""
    Path("team/fox.png").unlink()
    with pytest.raises(TemplateError, match=r"library\.yaml:2"):
        bear.generate(team.poster(subject="tea"))
    assert service.received == []
