"""Squashing: several edits asked for at once, from the picture before them.

One step in the place of several; a trail that is asked for step by step is tested in test_replay.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kit.loopback import Loopback, error_reply, picture_reply, png
from kit.steps import snapshot

from promptkit import Library, LineageError, ProviderError, Session, SettingsError, StepNotFound, templates
from promptkit.cli.main import build_parser
from promptkit.session.squash import PHRASES


def bear(url: str = "offline", **options: Any) -> Session:
    """A root and four edits, one after the other."""
    session = Session("./bear", endpoint=url, **options)
    session.generate("a bear")
    for edit in ("Add a hat", "Make it night", "Add a lantern", "Add snow"):
        session.edit(edit)
    return session


def test_the_edits_are_asked_for_at_once_from_the_picture_before_them(service: Loopback) -> None:
    """One request with the picture before the first edit and all prompts, numbered, in order; a branch that names what it squashes."""
    session = bear(service.url, model="m")
    before = {p: p.read_bytes() for p in session.folder.iterdir() if p.is_file() and p.name not in ("head", ".open-journal")}
    step = session.squash(2, 4)
    received = service.received[-1]
    assert len(service.received) == 6
    assert received.pictures == [session[1].picture.data]
    assert "\n\n1. Add a hat\n2. Make it night\n3. Add a lantern\n\n" in received.text
    assert "Add snow" not in received.text
    assert [s.id for s in step.parents] == [session[1].id]
    assert step.meta == {"squashes": [session[n].id for n in (2, 3, 4)]}
    assert session.head == step
    assert all(path.read_bytes() == data for path, data in before.items())
    assert session.verify() == []


def test_a_second_time_it_is_found(service: Loopback) -> None:
    """The same edits squashed again are the same request, which is not paid for twice."""
    session = bear(service.url, model="m")
    step = session.squash(2, 4)
    again = session.squash(session[2], session[4].id[:10])
    assert (again, again.reused, len(service.received)) == (step, True, 6)


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (1, 3, "Step 1 is a root"),
        (4, 2, "Step 4 comes after step 2"),
        (3, 3, "Step 3 alone"),
        (3, 6, "Steps 3 and 6 are not on one line: step 6 continues 1, 2, 6"),
    ],
)
def test_steps_that_are_not_on_one_line_are_named(first: int, last: int, said: str, tmp_path: Path) -> None:
    """A root, a wrong order, a single step and two branches are errors that say which steps; nothing is asked or written."""
    session = bear()
    session[2].edit("Make it day")
    before = snapshot(tmp_path)
    with pytest.raises(LineageError, match=said):
        session.squash(first, last)
    with pytest.raises(StepNotFound):
        session.squash(2, "nowhere")
    assert snapshot(tmp_path) == before


def test_a_step_without_a_picture_is_no_edit_to_squash(service: Loopback) -> None:
    """A step that failed is refused by its number and outcome, and its prompt is not asked again."""
    session = bear(service.url, model="m", recover=0)
    service.say(error_reply(400, "no"))
    with pytest.raises(ProviderError) as caught:
        session.edit("Break it", on=5)
    sent = len(service.received)
    with pytest.raises(LineageError, match=r"Step 6 has no picture \(error\), so there is no edit of it to squash"):
        session.squash(2, caught.value.step)
    assert len(service.received) == sent


def test_too_many_pictures_together_are_said_with_what_can_be_done(service: Loopback) -> None:
    """Where the pictures of all edits are more than the model takes, the error names how to choose among them."""
    session = Session("./bear", endpoint=service.url, model="m")
    first = session.generate("a bear").edit("Add both", references=[png("blue"), png("green")])
    first.edit("Add both", references=[png("black"), png("white")])
    few = Session("./bear", endpoint=service.url, model="gemini-2.5-flash-image")
    with pytest.raises(SettingsError, match=r"takes 3 pictures .* bring 5 together: .*edit\(prompt, on=1, references=\[…\]\)"):
        few.squash(2, 3)
    assert len(service.received) == 3


@pytest.mark.parametrize(
    ("keyword", "said"),
    [
        ("references", r"'references'; use edit\(prompt, on=…, references=…\)"),
        ("budget", r"'budget'; use Session\(…, budget=…\)"),
        ("promt", r"'promt' \(did you mean 'prompt'\?\)"),
    ],
)
def test_a_keyword_that_there_is_not_is_named_with_what_to_write(keyword: str, said: str) -> None:
    """What squash does not take is an error that says what does."""
    with pytest.raises(SettingsError, match=said):
        bear().squash(2, 3, **{keyword: 1})


def test_fresh_asks_anew(service: Loopback) -> None:
    """fresh=True pays for the same edits again, and makes another step."""
    session = bear(service.url, model="m")
    step = session.squash(2, 4)
    again = session.squash(2, 4, fresh=True)
    assert (again == step, again.meta, len(service.received)) == (False, step.meta, 7)


def test_references_go_along_once_and_keep_being_what_they_are(service: Loopback) -> None:
    """The squashed edits' own pictures follow the base in order, each once; an edit that counted them otherwise says how they count now."""
    service.say(*(picture_reply(png(c)) for c in ("red", "pink", "brown", "purple")))
    session = Session("./bear", endpoint=service.url, model="m")
    hat, first = session.add(png("white")), session.generate("a bear")
    second = first.edit("Use the hat of image 2", references=[hat])
    third = second.edit("Use the scarf of image 2\nand the bow of image 3", references=[png("green"), hat])
    step = session.squash(second, third)
    assert service.received[-1].pictures == [png("red"), png("white"), png("green")]
    assert [s.id for s in step.parents] == [first.id, hat.id]
    assert service.received[-1].text.split("\n\n")[1].splitlines() == [
        "1. Use the hat of image 2",
        "2. Use the scarf of image 2",
        "   and the bow of image 3",
        "   (What this edit calls image 2 is image 3 here.)",
        "   (What this edit calls image 3 is image 2 here.)",
    ]


def test_the_picture_before_them_does_not_go_twice(service: Loopback) -> None:
    """An edit whose reference is the very picture that all start from has it as image 1."""
    session = Session("./bear", endpoint=service.url, model="m")
    first = session.generate("a bear")
    first.edit("Add a hat").edit("Take the background of image 2", references=[first])
    session.squash(2, 3)
    assert service.received[-1].pictures == [first.picture.data]
    assert "(What this edit calls image 2 is image 1 here.)" in service.received[-1].text


def test_an_anchor_goes_along_and_is_not_counted(service: Loopback) -> None:
    """An edit's anchor is sent too; the list does not speak of it, for no prompt does."""
    session = Session("./bear", endpoint=service.url, model="m")
    first = session.add(png("white"))
    second = first.edit("Add a hat").edit("Add a scarf", references=[png("green")])
    second.edit("Add the bow of image 3", anchor=first, references=[png("blue")])
    session.squash(3, 4)
    assert service.received[-1].pictures[1:] == [png("green"), png("white"), png("blue")]
    said = [line for line in service.received[-1].text.splitlines() if "What this edit calls" in line]
    assert said == ["   (What this edit calls image 3 is image 4 here.)"]


def test_options_go_along_but_for_seeds(service: Loopback) -> None:
    """The last ratio and temperature that were asked for are asked again; a seed is not, and the session's own options win."""
    session = Session("./bear", endpoint=service.url, model="m")
    session.generate("a bear").edit("Add a hat", aspect_ratio="3:2", seed=4).edit("Make it night", aspect_ratio="16:9", temperature=0.5)
    assert session.squash(2, 3).record.request["config"] == {"aspect_ratio": "16:9", "temperature": 0.5}
    wide = Session("./bear", endpoint=service.url, model="m", aspect_ratio="1:1")
    assert wide.squash(2, 3).record.request["config"]["aspect_ratio"] == "1:1"


def test_other_words_can_be_given() -> None:
    """prompt= says it in words of one's own, or a template's; the rest is as it is without."""
    session = bear()
    assert str(session.squash(2, 3, prompt="Add a hat, at night").prompt) == "Add a hat, at night"
    step = session.squash(2, 3, prompt=templates.edit.add(**templates.edit.add.examples[0]["inputs"]))
    assert step.prompt is not None
    assert (step.prompt.template, step.meta["squashes"]) == ("edit.add", [session[2].id, session[3].id])
    with pytest.raises(SettingsError, match="prompt is a text"):
        session.squash(2, 3, prompt="")


@pytest.mark.parametrize(
    ("lang", "edits"),
    [
        ("en", ("Add a hat", "Make it night")),
        ("es", ("Agrega un sombrero", "Haz que sea de noche")),
        ("ja", ("帽子をかぶせてください", "夜にしてください")),
        ("zh", ("添加一顶帽子", "改成夜晚")),
        ("hi", ("एक टोपी जोड़ें", "इसे रात का दृश्य बनाएँ")),
    ],
)
def test_the_edits_are_joined_in_their_language(lang: str, edits: tuple[str, str]) -> None:
    """The words around the list are in the language of the edits, which recovery goes on in."""
    session = Session("./bear", endpoint="offline")
    session.add(png())
    for edit in edits:
        session.edit(edit)
    prompt = session.squash(2, 3).prompt
    assert prompt is not None
    assert str(prompt) == f"{PHRASES[lang].before}\n\n1. {edits[0]}\n2. {edits[1]}\n\n{PHRASES[lang].after}"
    assert (prompt.lang or "").startswith(lang)


def test_most_edits_decide_the_language_and_a_templates_own_counts() -> None:
    """A template's language is its prompt's, whatever its inputs are in; where edits differ, that of most of them is used."""
    session = Session("./bear", endpoint="offline")
    session.add(png())
    Path("prompts").mkdir()
    Path("prompts/brief.j2").write_text("---\nkind: edit\nlang: ja\n---\nNeon!\n", encoding="utf-8")
    session.edit(Library("prompts").brief(lang="ja")).edit("夜にしてください").edit("Add a hat").edit("Add a scarf")
    for first, last, lang in ((2, 4, "ja"), (3, 5, "en")):
        prompt = session.squash(first, last).prompt
        assert prompt is not None
        assert prompt.text.startswith(PHRASES[lang].before)


def test_a_draft_goes_to_no_service_unnamed(service: Loopback) -> None:
    """Offline drafts are not squashed at a service: the picture before them is a draft, too."""
    bear()
    with pytest.raises(SettingsError, match="Step 1 is an offline draft"):
        Session("./bear", endpoint=service.url).squash(2, 3)
    assert service.received == []


def test_the_command_squashes(capsys: pytest.CaptureFixture[str]) -> None:
    """`squash FIRST LAST` prints the new picture's path."""
    session = bear()
    parser = build_parser("replay")
    options = parser.parse_args(["squash", "3", "5", "-s", "./bear"])
    assert options.run(options) == 0
    out, said = capsys.readouterr()
    step = Session("./bear")[6]
    assert (Path(out.strip()), step.parents) == (step.files[0], (session[2],))
    assert "6 Make all of these edits" in said
    options = parser.parse_args(["squash", "3", "5", "-s", "./bear", "--fresh", "--budget", "0", "--deadline", "5"])
    assert options.run(options) == 0
    assert len(Session("./bear")) == 7
