"""A trail judged: where it begins to go wrong, which step did most of it, and what helps.

A service that damages what it returns stands in for models that do; what is measured is tested in tests/images/test_measures.py,
which words ask for what in test_keep_rules.py, and how often a judgement is right is what tests/drift_damage.py counts.
"""

from __future__ import annotations

import cProfile
import json
import pstats
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from drift_damage import EDITS, DamagingPainter, grainy, jpeg, only_at, resampled, shifted_jpeg, smaller, tinted
from kit.pictures import encoded, other_scene, scene, with_box
from PIL import Image

from promptkit import FunctionTransport, LineageError, Picture, Session, SettingsError, Step
from promptkit.session.drift import Drift
from promptkit.session.measure_cache import cache_path

SIZE = (512, 512)
REST = "Make the hat red and keep everything else exactly the same"
Change = Callable[[Image.Image, int], Image.Image]


def untouched(image: Image.Image, i: int) -> Image.Image:
    return image


def opened(folder: Path, change: Change = untouched) -> Session:
    """A session whose service paints what it is asked for, and then changes the picture."""
    return Session(folder / "bear", endpoint="offline", transport=FunctionTransport(DamagingPainter(change).answer))


def chain(folder: Path, change: Change = untouched, *, edits: int = 5) -> Session:
    session = opened(folder, change)
    step = session.add(encoded(scene(SIZE)))
    for text in EDITS[:edits]:
        step = step.edit(text)
    return session


class Returning:
    """A service that returns what a function makes of the picture that it was sent."""

    def __init__(self, *changes: Callable[[Image.Image], Image.Image]) -> None:
        self.changes = list(changes)

    def answer(self, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        import base64

        from kit.loopback import picture_reply

        parts = json.loads(body)["contents"][0]["parts"]
        sent = next(part["inlineData"]["data"] for part in parts if "inlineData" in part)
        image = Picture(base64.b64decode(sent)).image.convert("RGB")
        return picture_reply(encoded(self.changes.pop(0)(image)).data)


def returned(folder: Path, *changes: Callable[[Image.Image], Image.Image]) -> Session:
    session = Session(folder / "bear", endpoint="offline", transport=FunctionTransport(Returning(*changes).answer))
    session.add(encoded(scene(SIZE)))
    return session


def numbers(drift: Drift, name: str = "wrong") -> list[Any]:
    return [each[name] for each in drift.to_dicts()]


# Right or wrong


def test_edits_that_leave_the_rest_alone_are_not_judged_as_decay(tmp_path: Path) -> None:
    """However many there are: what each edits counts as edited from then on."""
    drift = chain(tmp_path, edits=8).drift()
    assert (drift.begins, drift.worst, drift.advice, drift.advice_in_shell()) == (None, None, "", "")
    assert drift.summary == "nothing goes wrong: 8 of 9 steps judged"
    assert numbers(drift, "judged") == [False, *[True] * 8]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda image, i: tinted(image, (5, 1, -4)), "colour"),
        (lambda image, i: resampled(image, 0.9), "sharpness"),
        (lambda image, i: grainy(image, 3), "noise"),
        (shifted_jpeg, "noise"),
        (lambda image, i: smaller(image, 0.8), "size"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*another size")
def test_damage_in_each_edit_adds_up_until_it_goes_wrong(tmp_path: Path, change: Change, name: str) -> None:
    """It is judged against the root. All edits since then asked for at once are what helps, but where the first one did most of it: of what
    is blurred already, little is lost.
    """
    session = chain(tmp_path, change)
    drift = session.drift()
    assert drift.begins is not None
    assert name in numbers(drift)[drift.begins.number - 1]
    assert all(numbers(drift)[drift.begins.number - 1 :])
    assert drift.advice == "session.squash(2, 6)" or name == "sharpness"


@pytest.mark.parametrize(
    "change", [lambda image, i: jpeg(image, 40), lambda image, i: tinted(image, (12, 3, -9)), lambda image, i: grainy(image, 12)]
)
def test_damage_by_one_edit_names_that_step(tmp_path: Path, change: Change) -> None:
    """It begins there, and that step did most of it; the later ones are no better, and not to blame."""
    drift = chain(tmp_path, only_at(3, change)).drift()
    assert drift.begins is not None
    assert (drift.begins.number, drift.worst) == (4, drift.begins)
    assert [bool(wrong) for wrong in numbers(drift)] == [False, False, False, True, True, True]
    assert (numbers(drift, "begins"), numbers(drift, "worst")) == ([False] * 3 + [True] + [False] * 2,) * 2


def test_an_edit_of_the_whole_picture_is_measured_and_not_judged(tmp_path: Path) -> None:
    """Later steps are judged by what it made of the picture."""
    session = returned(tmp_path, lambda i: tinted(i, (-90, -90, -60)), lambda i: with_box(i, (9, 9, 99, 99)), lambda i: resampled(i, 0.3))
    session.edit("Make it night")
    session.edit("Add a box")
    assert numbers(session.drift(), "wrong") == [[], [], []]
    night = session.drift().to_dicts()[1]
    assert (night["judged"], night["scope"], night["root.colour"] > 50) == (False, "whole", True)
    assert "not judged: asks for the whole picture" in str(session.drift())
    session.edit("Add a lamp")
    drift = session.drift()
    assert drift.begins is not None
    assert (drift.begins.number, numbers(drift, "since")) == (4, [None, 1, 2, 2])
    assert "since step 2: sharpness" in str(drift)


def test_an_edit_in_unknown_words_that_changed_most_of_it_is_not_judged(tmp_path: Path) -> None:
    """It may well have asked for that; one that says what stays is judged all the same."""
    session = returned(tmp_path, lambda image: other_scene(SIZE), lambda image: scene(SIZE))
    session.edit("Nachts, bitte")
    assert numbers(session.drift(), "judged") == [False, False]
    session.edit(REST)
    drift = session.drift()
    assert numbers(drift) == [[], [], ["outside"]]
    assert "of the pixels changed outside of what was asked for" in drift.summary


def test_what_an_edit_of_one_thing_changed_elsewhere_is_wrong(tmp_path: Path) -> None:
    """A third of the picture beside what was asked for; a speck is not."""
    session = returned(
        tmp_path,
        lambda image: with_box(with_box(image, (10, 10, 300, 500)), (340, 10, 500, 500), "blue"),
        lambda image: with_box(with_box(image, (10, 10, 300, 500), "green"), (500, 500, 509, 509), "blue"),
    )
    step = session.edit(REST)
    assert numbers(session.drift()) == [[], ["outside"]]
    step.edit(REST)
    assert [row.findings for row in session.drift()][2] == ()


def test_a_region_step_is_judged_by_what_lies_outside_of_its_region(tmp_path: Path) -> None:
    """Which is laid in from the base, so that it stays; its words may say what they like."""
    session = opened(tmp_path)
    session.add(encoded(scene(SIZE)))
    session.edit("Make it night", region=(100, 100, 260, 300))
    drift = session.drift()
    assert (numbers(drift, "scope")[1], numbers(drift, "judged")[1], numbers(drift, "outside_share")[1]) == ("region", True, 0.0)
    assert drift.begins is None


@pytest.mark.filterwarnings("ignore:.*another size")
def test_a_size_that_was_asked_for_is_not_wrong(tmp_path: Path) -> None:
    """Another one is."""
    for options, wrong in (({}, ["size"]), ({"aspect_ratio": "1:1"}, [])):
        session = returned(tmp_path / str(len(options)), lambda image: image.resize((300, 300)))
        session.edit(REST, **options)  # type: ignore[arg-type]
        assert ("size" in numbers(session.drift())[1]) == bool(wrong)


def test_where_hardly_anything_of_the_root_is_left_the_step_before_is_judged_by(tmp_path: Path) -> None:
    """Edits that together painted over all of it are no decay."""
    boxes = [(0, 0, 256, 256), (256, 0, 512, 256), (0, 256, 256, 512), (256, 256, 512, 512), (100, 100, 300, 300)]
    colors = ("red", "blue", "teal", "gold", "navy")
    session = returned(tmp_path, *(partial(with_box, box=box, color=color) for box, color in zip(boxes, colors, strict=True)))
    for _ in boxes:
        session.edit("Paint a box")
    drift = session.drift()
    assert drift.begins is None
    assert numbers(drift, "since") == [None, 1, 1, 1, 4, 4]


# What helps


def followed(session: Session, line: str) -> Step:
    """The step that an advice makes, run as it was pasted."""
    made = eval(line, {"session": session})
    assert isinstance(made, Step)
    return made


def test_the_advice_can_be_pasted_and_makes_a_step(tmp_path: Path) -> None:
    """All edits at once; with its own region; with an anchor; once more."""
    gradual = chain(tmp_path / "squash", lambda image, i: tinted(image, (5, 1, -4)))
    assert followed(gradual, gradual.drift().advice).parents == gradual.trail(1)

    local = chain(tmp_path / "region", only_at(3, lambda image, i: grainy(image, 5)))
    assert local.drift().advice.startswith("session[4].again(region=(")
    cut = followed(local, local.drift().advice)
    assert cut.region is not None
    assert cut.parents[0].number == 3

    untouched_but = partial(with_box, box=(0, 0, 30, 30), color="blue")

    def worse(image: Image.Image) -> Image.Image:
        return grainy(with_box(image, (0, 0, 420, 420)), 12)

    wide = returned(tmp_path / "anchor", lambda image: with_box(image, (0, 0, 40, 40)), worse, untouched_but)
    for _ in range(2):
        wide.edit(REST)
    assert wide.drift().advice == "session[3].again(anchor=1)"
    assert followed(wide, wide.drift().advice).parents[1].number == 1

    first = returned(tmp_path / "again", worse, untouched_but)
    first.edit(REST)
    assert first.drift().advice == "session[2].again()"
    assert followed(first, first.drift().advice).parents[0].number == 1


def test_the_session_is_called_what_its_user_calls_it(tmp_path: Path) -> None:
    """The line holds the name that the script gave it."""
    script = f"""
import sys, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from session.test_drift import *
cup = chain(Path({str(tmp_path)!r}), lambda image, i: tinted(image, (9, 2, -8)), edits=3)
print(cup.drift().advice)
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "cup.squash(2, 4)\n"


def test_edits_that_no_squash_takes_are_not_to_be_squashed(tmp_path: Path) -> None:
    """One step is asked for again then."""
    session = opened(tmp_path, lambda image, i: tinted(image, (5, 1, -4)))
    session.add(encoded(scene(SIZE)))
    session.edit("Put a small white alpaca beside it")
    session.edit("Give it a tie", region=(20, 20, 200, 200))
    session.edit("Put a yellow ball in front")
    session.edit("Add a small green boat")
    advice = session.drift().advice
    assert "squash" not in advice
    assert ".again(" in advice


# Trails of all kinds


def test_what_was_made_here_by_hand_or_failed_is_said_and_goes_on(tmp_path: Path) -> None:
    """A crop has another ratio, a hand does what it wants; each later step is judged by what it continues."""
    session = opened(tmp_path)
    root = session.add(encoded(scene(SIZE)))
    half = root.crop((0, 0, 512, 256))
    hand = session.add(encoded(other_scene((512, 256))), on=half)
    hand.edit("Give it a blue scarf")
    text = str(session.drift())
    assert numbers(session.drift(), "judged") == [False, False, False, True]
    assert numbers(session.drift(), "since") == [None, 1, 2, 3]
    assert ("not judged: made here" in text, "not judged: made by hand" in text) == (True, True)


def test_a_missing_picture_is_said_and_the_rest_is_measured(tmp_path: Path) -> None:
    """And so is one that was forgotten."""
    session = chain(tmp_path, lambda image, i: tinted(image, (9, 2, -8)), edits=4)
    session[2].files[0].unlink()
    drift = Session(session.folder).drift()
    assert [bool(problem) for problem in numbers(drift, "problem")] == [False, True, True, False, False]
    assert session[2].files[0].name in str(numbers(drift, "problem")[1])
    assert numbers(drift, "since") == [None, None, None, 3, 3]
    session.forget(4)
    problems = numbers(session.drift(), "problem")
    assert "forgotten" in problems[3]
    assert "forgotten" in drift.text() or "not measured" in session.drift()._repr_mimebundle_()["text/html"]


def test_a_root_alone_is_a_trail(tmp_path: Path) -> None:
    """There is nothing to judge; in a session without steps that is an error."""
    session = opened(tmp_path)
    with pytest.raises(LineageError, match="nothing to measure yet"):
        session.drift()
    session.add(encoded(scene(SIZE)))
    assert session.drift().summary == "nothing goes wrong: 0 of 1 steps judged"
    assert "<svg" not in session.drift()._repr_mimebundle_()["text/html"]


def test_a_step_is_named_as_everywhere_and_another_thread_names_one(tmp_path: Path) -> None:
    """By number, tag, id or itself; the head belongs to its thread."""
    session = chain(tmp_path, edits=2)
    session.tag("hat", session[2])
    assert [len(session.drift(key)) for key in (2, "hat", session[2].id[:8], session[2], None)] == [2, 2, 2, 2, 3]
    said: list[str] = []

    def ask() -> None:
        with pytest.raises(SettingsError) as caught:
            session.drift()
        said.append(str(caught.value))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert "drift(step)" in said[0]


# Work


def decodings(session: Session) -> int:
    """How often a picture was decoded while the trail of the head was measured."""
    profile = cProfile.Profile()
    profile.runcall(session.drift)
    found = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    return sum(calls for (file, _, name), (_, calls, *_) in found.items() if name == "_decoded" and file.endswith("picture.py"))


def test_each_picture_is_decoded_once_and_not_again(tmp_path: Path) -> None:
    """A further step costs two: itself and the root; the one before it is the third at most."""
    session = chain(tmp_path, edits=5)
    assert [decodings(session), decodings(session)] == [6, 0]
    session.edit("Add a lamp")
    assert decodings(session) <= 3


def test_what_was_measured_is_known_without_the_pictures(tmp_path: Path) -> None:
    """By their sha256, in another process and another folder too; the objects are the same to the last digit."""
    session = chain(tmp_path, only_at(2, lambda image, i: grainy(image, 9)), edits=4)
    before = session.drift()
    for step in session.steps:
        step.files[0].unlink()
    again = Session(session.folder).drift()
    drop = ("advice", "advice_in_shell")
    assert [{k: v for k, v in each.items() if k not in drop} for each in again.to_dicts()] == [
        {k: v for k, v in each.items() if k not in drop} for each in before.to_dicts()
    ]


def test_a_broken_cache_is_measured_anew(tmp_path: Path) -> None:
    """Whatever stands in its lines."""
    session = chain(tmp_path, edits=2)
    whole = session.drift().to_dicts()
    lines = cache_path().read_bytes().splitlines()
    broken = [line[: len(line) // 2] for line in lines] + [line.replace(b"0.", b'"x') for line in lines]
    broken += [json.dumps({"of": json.loads(line)["of"], "measured": said}).encode() for line in lines if line for said in (7, [], {}, "x")]
    cache_path().write_bytes(b"\n".join([b"\xff\xfe", b"{}", *broken]))
    assert session.drift().to_dicts() == whole


def test_forgetting_a_step_forgets_how_it_was_measured(tmp_path: Path) -> None:
    """No line with its picture's sha256 is left."""
    session = chain(tmp_path, edits=2)
    session.drift()
    sha256 = session[3].picture.sha256.encode()
    assert sha256 in cache_path().read_bytes()
    session.forget(3)
    assert sha256 not in cache_path().read_bytes()
    assert session[2].picture.sha256.encode() in cache_path().read_bytes()


def test_nothing_of_it_is_loaded_by_an_edit(tmp_path: Path) -> None:
    """Neither what measures nor what draws."""
    script = f"""
import sys
from promptkit import Session
Session({str(tmp_path / "bear")!r}, endpoint="offline").generate("a bear").edit("add a hat")
print([name for name in sys.modules if name.startswith("promptkit.") and any(word in name for word in ("drift", "measure", "chart"))])
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


# Shown


def test_it_shows_itself_as_a_strip_with_a_chart_and_a_table(tmp_path: Path) -> None:
    """In a notebook; printed it is a table. What users wrote is text."""
    session = returned(tmp_path, lambda image: grainy(image, 12))
    session.edit("Add <b>a hat</b> and keep everything else exactly the same")
    drift = session.drift()
    html = drift._repr_mimebundle_()["text/html"]
    assert (html.count("<img"), html.count("<svg"), html.count("<table"), "<b>a hat" in html) == (2, 1, 1, False)
    assert "<code>session[2].again()</code>" in html
    lines = str(drift).splitlines()
    assert lines[0].split() == ["step", "changed", "outside", "colour", "sharpness", "noise", "size"]
    assert lines[-1].strip() == drift.advice
    assert repr(drift) == f"<Drift: {drift.summary}>"
    assert drift.summary in html


def test_a_line_of_the_shell_says_the_same(tmp_path: Path) -> None:
    """With the prompt, what went along and the options of the step that is asked again; -s is left out where it is not wanted."""
    session = returned(tmp_path, lambda image: with_box(image, (0, 0, 40, 40)), lambda image: grainy(with_box(image, (0, 0, 420, 420)), 12))
    session.edit(REST)
    session.edit(REST, references=[encoded(other_scene((64, 64)))], aspect_ratio="1:1", seed=3)
    drift = session.drift()
    file = next((session.folder / "sources").iterdir())
    assert drift.advice_in_shell("") == f"promptkit edit '{REST}' --on 2 --anchor 1 -r {file} --aspect-ratio 1:1"
    assert drift.advice_in_shell("./my cup").endswith(" -s './my cup'")
    assert drift.advice_in_shell().endswith(f" -s {session.folder}")
