"""How a picture came to be: what an explanation says of each step, and how it says it.

Its text and HTML; cards and trees of whole sessions are tested in tests/views.
"""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from kit.effort import effort
from kit.loopback import Cut, Loopback, Received, error_reply, picture_reply, png, text_reply
from kit.steps import edit_json, failed, made, snapshot

from promptkit import Endpoint, Picture, Session, StepNotFound, TransportError, templates
from promptkit.archive.import_zip import import_session
from promptkit.errors import LineageError
from promptkit.lineage.tree import Lineage
from promptkit.session.explanation import Explained, Lost


def google(service: Loopback, **options: Any) -> Session:
    """A session at a server on loopback that has Google's prices, and paints each picture in another colour."""
    service.always = service.always or painting
    return Session("./bear", endpoint=Endpoint("google", service.url, auth="none", key_env=(), key_required=False), **options)


def painting(received: Received) -> Any:
    return picture_reply(png((len(received.body) % 256, sum(received.body) % 256, 7), (8, 8)))


def rows(explained: object, *, full: bool = False) -> list[tuple[str, str]]:
    assert isinstance(explained, Explained)
    return list(explained.rows(full=full))


def chain(folder: Path, length: int) -> Session:
    """A session of so many steps, each an edit of the one before."""
    lineage, parent = Lineage(folder), None
    for i in range(length):
        picture = Picture(png((i % 256, i // 256, 9)))
        source = [{"role": "base", "sha256": parent.outputs[0]["sha256"], "mime_type": "image/png", "step": parent.id}] if parent else []
        prompt = {"text": f"make it colour {i}"}
        parent = made(lineage, picture, parents=[parent.id] if parent else [], sources=source, prompt=prompt)
    assert parent
    lineage.set_head(parent.id)
    return Session(folder)


class Balanced(HTMLParser):
    """Reads HTML, and fails where a tag is not closed in its place."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


# What is said of a step


def test_a_step_tells_prompt_template_inputs_model_and_cost(service: Loopback) -> None:
    """The prompt, its template with digest and inputs, the model with endpoint and options, and what it cost stand there."""
    bear = google(service)
    step = bear.generate(templates.sticker(subject="happy red panda"), label="the panda", meta={"for": "a client"})
    bear.tag("keep", step)
    (only,) = bear.explain()
    said = dict(rows(only))
    assert isinstance(only, Explained)
    assert only.title.startswith("1 sticker: picture “the panda” [keep] 20")
    assert said["prompt"] == step.prompt.text
    assert said["template"] == f"sticker (en), digest {step.prompt.digest[:10]}"
    assert said["inputs"] == "subject='happy red panda'"
    assert said["asked"] == "gemini-2.5-flash-image at google, aspect_ratio 1:1"
    assert re.fullmatch(r"picture \(STOP\), in \d+\.\d s, 0\.0387 USD \(google tokens 2026-11-22\)\nit said: Here it is\.", said["attempt"])
    assert said["meta"] == "for: a client"
    assert said["id"] == step.id[:10]


def test_ids_and_digests_are_short_unless_all_is_asked_for(service: Loopback) -> None:
    """Ten digits, by which a step is found, stand in the text, in the card, and all 64 in the full text; a prompt is left as it is."""
    bear = google(service)
    code = "0123456789abcdef" * 4
    step = bear.generate(templates.sticker(subject=f"bear with {code}"), references=[png("green")])
    digests = [step.id, str(step.prompt.digest), Picture(png("green")).sha256]
    found = bear.explain()
    texts = {full: found.text(500, full=full) for full in (False, True)}
    for digest in digests:
        assert digest in texts[True]
        for short in (texts[False], found._repr_mimebundle_()["text/html"]):
            assert digest[:10] in short
            assert digest not in short
    assert code in texts[False]
    assert len(bear.explain(dict(rows(found.steps[0]))["id"])) == 1


def test_a_templates_pack_is_named(tmp_path: Path) -> None:
    """A template that came with a pack says which, and in which version."""
    lineage = Lineage(tmp_path / "bear")
    lineage.set_head(made(lineage, prompt={"text": "a", "template": "acme.sticker", "pack": ["acme-prompts", "1.2"], "lang": "ja"}).id)
    assert dict(rows(Session(lineage.folder).explain().steps[0]))["template"] == "acme.sticker (ja, from acme-prompts 1.2), digest None"


def test_what_changed_against_the_parents_prompt_is_said(service: Loopback) -> None:
    """A rewording by its words, the same template by its inputs; another prompt, a root and a picture of one's own by nothing."""
    bear = google(service)
    own = bear.add(png("white", (8, 8)))
    noon = own.edit("a bear beside the lake at noon")
    night = noon.edit("a bear beside the lake at night, snow")
    print_ = night.edit(templates.edit.style_transfer(style="woodblock print"))
    oil = print_.edit(templates.edit.style_transfer(style="oil painting"))
    again = oil.edit(templates.edit.style_transfer(style="oil painting"))
    said = [dict(rows(e)).get("against") for e in bear.explain(again)]
    assert said[:2] == [None, None]
    assert said[2] == "step 2: “noon” → “night, snow”"
    assert said[3] is None
    assert said[4] == "step 4, the same template: style: 'woodblock print' → 'oil painting'"
    assert said[5] == "step 5: the same words"
    assert bear.explain(oil).steps[-1].words.added == ("oil painting",)


def test_words_that_were_added_to_a_template_are_said_too(service: Loopback) -> None:
    """Beside an input that changed, what the prompt says that no input says: added words, but not the input's own nor its article."""
    bear = google(service)
    oil = bear.generate("a bear").edit(templates.edit.add(element="owl", place="on the roof"))
    snow = oil.edit(templates.edit.add(element="red fox", place="on the roof") + " Add falling snow.")
    plain = snow.edit(templates.edit.add(element="hat", place="on the roof") + " Add falling snow.")
    said = [dict(rows(e)).get("against") for e in bear.explain(plain)]
    assert said[2] == "step 2, the same template: element: 'owl' → 'red fox'; + “Add falling snow.”"
    assert said[3] == "step 3, the same template: element: 'red fox' → 'hat'"


def test_what_a_value_brings_into_a_prompt_is_no_word_of_its_own(service: Loopback) -> None:
    """The items of a list are told by the input; what a default became is said in words, for no input shows it."""
    bear = google(service)
    given = {"scene": "a room", "elements": ["a cat", "a chair"]}
    first = bear.generate("a room", references=[png("red")]).edit(templates.edit.combine(**given), references=[png("lime")])
    second = first.edit(templates.edit.combine(**given | {"elements": ["a dog", "a chair"]}), references=[png("lime")])
    third = second.edit(templates.edit.combine(**given | {"elements": ["a dog", "a chair"], "keep": "the fur"}), references=[png("lime")])
    said = [dict(rows(e)).get("against") for e in bear.explain(third)]
    assert said[2] == "step 2, the same template: elements: ['a cat', 'a chair'] → ['a dog', 'a chair']"
    assert said[3] == "step 3, the same template: keep: not given → 'the fur'; “faces, shapes, colors and textures” → “fur”"


def test_inputs_are_compared_where_the_template_is_as_it_was(tmp_path: Path) -> None:
    """Of two templates, of one that was changed meanwhile and of one without a digest the words tell what changed."""
    lineage = Lineage(tmp_path / "bear")
    one, other = "1" * 64, "2" * 64
    for before, after, told in ((one, one, ", the same template: a: 1 → 2; "), (one, other, ": "), (None, None, ": ")):
        first = made(lineage, prompt={"text": "a red bear", "template": "bear", "digest": before, "inputs": {"a": 1}})
        second = made(lineage, parents=[first.id], prompt={"text": "a blue bear", "template": "bear", "digest": after, "inputs": {"a": 2}})
        said = dict(rows(Session(lineage.folder).explain(second.number).steps[-1]))["against"]
        assert said == f"step {first.number}{told}“red” → “blue”"


def test_a_clock_that_went_backwards_takes_no_time(tmp_path: Path) -> None:
    """Of an attempt that ended before it started, and of one that started before the last ended, no seconds are told."""
    lineage = Lineage(tmp_path / "bear")
    record = made(lineage)
    times = [("2026-01-01T00:00:09+00:00", "2026-01-01T00:00:02+00:00"), ("2026-01-01T00:00:00+00:00", "2026-01-01T00:00:05+00:00")]
    attempts = [{**record.attempts[0], "started": start, "ended": end} for start, end in times]
    edit = lineage.begin("edit", {**record.fields, "parents": [record.id], "attempts": attempts, "outputs": []}).commit("text")
    said = dict(rows(Session(lineage.folder).explain(edit.number).steps[-1]))
    assert said["attempt 1"].splitlines()[0] == "picture, 0.0400 USD (test)"
    assert said["attempt 2"].splitlines()[0] == "picture, in 5.0 s, 0.0400 USD (test)"


def test_what_an_attempt_was_asked_without_is_told(service: Loopback) -> None:
    """A service that takes no seed is asked again without it, and the attempt says so."""
    bear = google(service)
    service.say(error_reply(400, "seed is not supported"))
    bear.generate("a bear", seed=7)
    said = dict(rows(bear.explain().steps[-1]))
    assert "without" not in said["attempt 1"]
    assert ", without seed" in said["attempt 2"].splitlines()[0]


def test_every_attempt_is_told(service: Loopback) -> None:
    """How often was asked, in which words where they differ, after which wait, what was said, and what all of it cost."""
    bear = google(service)
    first = bear.generate("a bear")
    service.say(text_reply("Shall I?"), error_reply(503, "overloaded", headers={"Retry-After": "1"}))
    first.edit("Add an alpaca")
    said = dict(rows(bear.explain().steps[-1]))
    assert re.fullmatch(r"text \(STOP\), in \S+ s, 0\.0001 USD \(.*\)\nit said: Shall I\?", said["attempt 1"])
    second, wording, *words = said["attempt 2"].splitlines()
    assert re.fullmatch(r"error(?:, after \S+ s of waiting)?, in \S+ s, 0\.0000 USD \(errors are not charged\), status 503", second)
    assert wording.startswith("asked as: ")
    assert words[-1] == "it said: overloaded"
    assert re.match(r"picture \(STOP\), after 1\.\d s of waiting, in ", said["attempt 3"])
    assert said["cost"] == "0.0388 USD"


def test_a_failed_step_is_explained_too(service: Loopback) -> None:
    """A step whose replies broke off tells what they may have cost; it is found by its number, though it never was the head."""
    bear = google(service, recover=1)
    bear.generate("a bear")
    service.say(Cut(picture_reply(png())), Cut(picture_reply(png())))
    with pytest.raises(TransportError):
        bear.edit("Make it night")
    found = bear.explain(2)
    assert dict(rows(found.steps[-1]))["cost"] == "0.0000 USD, up to 0.0780 USD more for what broke off"
    assert str(found).endswith(found.spending.summary)
    assert "up to 0.0780 USD more" in repr(found)


def test_references_are_named_and_shown(service: Loopback) -> None:
    """A step that went along is named by its number, a picture from outside by its file; in a notebook both are shown."""
    bear = google(service)
    one, two = bear.generate("one bear"), bear.generate("another bear, please")
    two.edit("put them together", references=[one, png("green")])
    found = bear.explain()
    name = Picture(png("green")).sha256
    for full, file in ((False, f"{name[:10]}…"), (True, name)):
        said = dict(rows(found.steps[-1], full=full))["with"]
        assert said == f"reference: step 1\nreference: a picture from outside, sources/{file}.png"
    html = found._repr_mimebundle_()["text/html"]
    assert html.count("<img") == len(found) + 2


def test_a_reference_that_is_a_steps_picture_is_that_step(service: Loopback) -> None:
    """A file with the very bytes of an earlier step's picture is named as the first such step, though it came from outside."""
    bear = google(service)
    one = bear.generate("one bear")
    bear.add(png("white", (8, 8)))
    service.say(picture_reply(one.picture.data))
    bear.generate("the same bear")
    bear.generate("another bear").edit("put them together", references=[one.files[0], png("white", (8, 8))])
    assert dict(rows(bear.explain().steps[-1]))["with"] == "reference: step 1 of this session\nreference: step 2 of this session"


def test_a_reference_is_no_picture_that_came_later(service: Loopback) -> None:
    """Where a step hands its reference back, or someone adds it afterwards, it was from outside all the same."""
    bear = google(service)
    service.say(picture_reply(png("green")))
    step = bear.generate("like this", references=[png("green"), png("lime")])
    bear.add(png("lime"))
    said = dict(rows(bear.explain(step).steps[-1]))["with"].splitlines()
    assert [line.partition(",")[0] for line in said] == ["reference: a picture from outside"] * 2


def test_changes_are_measured_when_asked(service: Loopback) -> None:
    """Only then are pictures read; one that cannot be measured says why, and the others are."""
    bear = google(service)
    two = bear.generate("a bear").edit("make it night")
    three = two.edit("make it day again")
    assert all(e.changes is None for e in bear.explain())
    three.files[0].write_bytes(b"something else")
    first, second, third = bear.explain(measured=True).steps
    assert second.changes is not None
    assert dict(rows(second))["changes"] == str(second.changes)
    assert (first.changes, third.changes) == (None, None)
    assert any(note.startswith("cannot be measured: The picture") for note in third.notes)


def test_steps_that_share_a_number_are_told_apart(tmp_path: Path) -> None:
    """Where two copies were merged, a step that is named has the beginning of its id beside a number that is not its alone."""
    lineage = Lineage(tmp_path / "bear")
    root = made(lineage)
    shutil.copytree(lineage.folder, tmp_path / "copy")
    prompts = {"bear": {"text": "a bear here"}, "copy": {"text": "a bear there"}}
    here, there = (made(Lineage(tmp_path / name), parents=[root.id], prompt=prompt) for name, prompt in prompts.items())
    for path in (tmp_path / "copy").glob(f"{there.path.stem[:4]}-*"):
        shutil.copy(path, lineage.folder)
    assert here.number == there.number == 2
    source = {"role": "reference", "sha256": here.outputs[0]["sha256"], "mime_type": "image/png", "step": here.id}
    merged = Lineage(lineage.folder)
    last = made(merged, parents=[there.id, here.id], sources=[source], meta={"squashes": [here.id, there.id], "replays": root.id})
    found = Session(lineage.folder).explain(last.number)
    both = [f"2 ({record.id[:10]})" for record in (here, there)]
    said = rows(found.steps[-1])
    assert [e.title.partition(":")[0] for e in found.steps] == ["1 edit", f"{both[1]} edit from 1", f"3 edit from {both[1]}"]
    assert dict(said)["against"].startswith(f"step {both[1]}: ")
    assert dict(said)["with"] == f"reference: step {both[0]}"
    assert ("meta", f"squashes: step {both[0]}, step {both[1]}") in said
    assert ("meta", "replays: step 1") in said


def test_ids_in_the_meta_are_named_where_they_are_here(tmp_path: Path) -> None:
    """A list of ids names steps, one that is not here by the beginning of its id; whatever is no id stands there as it is."""
    lineage = Lineage(tmp_path / "bear")
    root = made(lineage)
    for value, told in ((["0" * 64], "step 0000000000, which is not here or damaged"), ([root.id, 7], f"['{root.id}', 7]"), ([], "[]")):
        record = made(lineage, parents=[root.id], meta={"squashes": value})
        assert ("meta", f"squashes: {told}") in rows(Session(lineage.folder).explain(record.number).steps[-1])


def test_a_stripped_step_names_its_original(tmp_path: Path) -> None:
    """What was exported without its words says of which step it is, by that one's id."""
    bear = chain(tmp_path / "bear", 2)
    folder = import_session(bear.export(tmp_path / "bear.zip", strip=True), tmp_path / "stripped")
    found = Session(folder).explain()
    assert [dict(rows(e, full=True))["original"] for e in found.steps] == [step.id for step in bear.steps]
    assert [dict(rows(e))["original"] for e in found.steps] == [step.id[:10] for step in bear.steps]
    assert "original" not in dict(rows(bear.explain().steps[-1]))


# Damage


def test_a_head_that_is_not_known_is_said(tmp_path: Path) -> None:
    """Records without a head that can be read are no empty session; a step that is named is explained."""
    bear = chain(tmp_path / "bear", 3)
    bear[3].record.path.write_bytes(b"{")
    with pytest.raises(LineageError, match="head of this session is not known, so there is nothing to explain"):
        Session(bear.folder).explain()
    assert len(Session(bear.folder).explain(2)) == 2


def test_a_missing_or_cut_picture_is_noted(service: Loopback) -> None:
    """What of a step's pictures is not there is said, without reading any of them."""
    bear = google(service)
    two = bear.generate("a bear").edit("make it night")
    name = two.files[0].name
    two.files[0].write_bytes(b"cut")
    assert f"its picture {name} is damaged (3 bytes)" in bear.explain().steps[-1].notes
    two.files[0].unlink()
    assert f"its picture {name} is missing" in bear.explain().steps[-1].notes
    assert "data:," in bear.explain()._repr_mimebundle_()["text/html"]


def test_a_changed_ancestor_is_said_and_skipped(tmp_path: Path) -> None:
    """A record that was edited by hand is not believed, but for where it leads: what lies behind it vouches for itself."""
    bear = chain(tmp_path / "bear", 4)
    path = bear[2].record.path
    edit_json(path, prompt={"text": "what never was asked"})
    found = Session(tmp_path / "bear").explain()
    assert [e.step.number if isinstance(e, Explained) else "lost" for e in found] == [1, "lost", 3, 4]
    text = found.text(10_000)  # columns: however long the path is, no line is wrapped
    assert f"{path} was changed or renamed" in text
    assert "never was asked" not in text
    assert path.name in found._repr_mimebundle_()["text/html"]
    assert found.steps[1].words is None


@pytest.mark.parametrize("harm", ["deleted", "cut", "not JSON", "a folder"])
def test_an_ancestor_that_cannot_be_read_ends_the_trail(tmp_path: Path, harm: str) -> None:
    """What lies before it is not known; what lies after it is explained."""
    path = chain(tmp_path / "bear", 4)[2].record.path
    data = path.read_bytes()
    path.unlink()
    if harm == "a folder":
        path.mkdir()
    elif harm != "deleted":
        path.write_bytes(data[:-40] if harm == "cut" else b"[1, 2]")
    found = Session(tmp_path / "bear").explain()
    assert [type(e) for e in found] == [Lost, Explained, Explained]
    assert "skipped" in str(found).splitlines()[0]
    assert "`verify` " in " ".join(str(found).split())


def test_a_damaged_ancestor_that_names_its_own_child_ends_too(tmp_path: Path) -> None:
    """A record that was made its own descendant's child leads round no circle."""
    bear = chain(tmp_path / "bear", 4)
    edit_json(bear[2].record.path, parents=[bear[4].id])
    assert [type(e) for e in Session(tmp_path / "bear").explain()] == [Lost, Explained, Explained]


def test_what_is_not_there_is_an_error_that_says_so(tmp_path: Path) -> None:
    """A session without steps and a step that is none raise, and nothing is made on disk."""
    with pytest.raises(LineageError, match="nothing to explain yet"):
        Session(tmp_path / "new").explain()
    assert not (tmp_path / "new").exists()
    with pytest.raises(StepNotFound, match="no step 9"):
        chain(tmp_path / "bear", 2).explain(9)


def test_explaining_writes_nothing(tmp_path: Path) -> None:
    """The folder is as it was after all that an explanation can do."""
    bear = chain(tmp_path / "bear", 3)
    before = snapshot(bear.folder)
    str(bear.explain(measured=True)._repr_mimebundle_())
    assert snapshot(bear.folder) == before


# How it shows itself


HOSTILE = "<script>alert(1)</script> \x1b[2J\x07 \u202e“quotes” & more\r\n# x"


def test_a_strangers_folder_drives_neither_terminal_nor_notebook(tmp_path: Path) -> None:
    """Whatever prompts, inputs, labels, notes and answers hold is shown as text."""
    lineage = Lineage(tmp_path / "bear")
    prompt = {"text": HOSTILE, "template": HOSTILE, "inputs": {HOSTILE: [HOSTILE]}, "lang": HOSTILE, "pack": [HOSTILE], "digest": HOSTILE}
    request = {"endpoint": HOSTILE, "model": HOSTILE, "config": {HOSTILE: {"a": HOSTILE}}}
    record = failed(lineage, prompt=prompt, request=request, label=HOSTILE, meta={HOSTILE: HOSTILE}, warnings=[HOSTILE], slug="edit")
    strange = {
        "started": 5,
        "ended": [],
        "sent_text": {"a": HOSTILE},
        "message": [HOSTILE],
        "without": 7,
        "status": HOSTILE,
        "finish_reason": 3,
    }
    draft = lineage.begin("edit", {**record.fields, "parents": [record.id], "attempts": []})
    draft.attempt(strange)
    draft.answer({"outcome": "text", "cost": {"usd": 1, "basis": HOSTILE}})
    lineage.set_head(draft.commit("text").id)
    found = Session(lineage.folder).explain()
    assert not {c for c in str(found) if not c.isprintable()} - {"\n"}
    html = found._repr_mimebundle_()["text/html"]
    assert "<script" not in html
    parser = Balanced()
    parser.feed(html)
    assert parser.open == []


def test_lines_are_as_wide_as_the_terminal(tmp_path: Path) -> None:
    """Prompts are wrapped by columns: at spaces, between wide characters, never between a letter and its sign."""
    lineage = Lineage(tmp_path / "bear")
    text = "很长的提示词" * 40 + "\n" + "टोपी को लाल करें " * 20 + "\n" + "कि" * 60 + "\n" + "w" * 200 + "\n" + "a few words " * 20
    lineage.set_head(made(lineage, prompt={"text": text}).id)
    lines = Session(lineage.folder).explain().text(60, full=True).splitlines()
    said = [line[13:] for line in lines[1 : next(i for i, line in enumerate(lines) if line.startswith("  asked"))]]
    chinese = [line for line in said if "提" in line or "长" in line]
    assert [len(line) for line in chinese] == [23] * 10 + [10]
    assert all(len(line) <= 47 for line in said if line.isascii())
    assert [line for line in said if line.startswith("किकि")] == ["कि" * 47, "कि" * 13]
    assert not any(line.startswith(("ो", "ी", "े", "ं")) for line in said)
    assert "".join("".join(said).split()) == "".join(text.split())


def test_long_prompts_are_cut_unless_asked_for(tmp_path: Path) -> None:
    """A prompt of many lines shows its beginning and how much is left; in a notebook the rest is folded away; `full` shows it all."""
    lineage = Lineage(tmp_path / "bear")
    text = "\n".join(f"line {i} of the prompt, which goes on" for i in range(100))
    lineage.set_head(made(lineage, prompt={"text": text}).id)
    found = Session(lineage.folder).explain()
    assert "… (89 more lines)" in str(found)
    assert "line 10 of" in str(found)
    assert "line 11 of" not in str(found)
    assert "line 99 of" in found.text(full=True)
    assert "line 99 of" in found._repr_mimebundle_()["text/html"].partition("</summary>")[2]


def test_a_long_trail_is_read_fast_and_can_be_shown_in_part(tmp_path: Path) -> None:
    """150 steps take under a second and a half of processor time; the last three are shown with what was left out, and the whole's cost."""
    bear = chain(tmp_path / "bear", 150)
    found = bear.explain()
    text = str(found)
    assert effort(lambda: str(Session(bear.folder).explain())) < 1.5
    assert len(found) == len(found.steps) == 150
    assert text.count("\n  prompt ") == 150
    part = found.only(3).text()
    assert part.startswith("… 147 earlier steps left out\n\n148 edit from 147: picture")
    assert part.endswith("in all: " + found.spending.summary)
    assert found.spending.usd == pytest.approx(150 * 0.04)
    assert found._repr_mimebundle_()["text/html"].count("<img") == 60
