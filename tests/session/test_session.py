"""Sessions: what is sent, what is kept, where the head goes, what is reused.

What a caller of Session sees; the loop that asks is tested in tests/engine, the files in tests/lineage.
"""

from __future__ import annotations

import io
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kit.loopback import Hang, Loopback, Received, error_reply, json_reply, picture_reply, png, text_reply
from kit.shell import run
from kit.steps import under_way
from PIL import Image

from promptkit import (
    BudgetExceeded,
    Cost,
    Endpoint,
    FunctionTransport,
    InputError,
    KeyRejected,
    Library,
    LineageError,
    ModelNotFound,
    NoPicture,
    Picture,
    PictureError,
    PromptkitWarning,
    ProviderError,
    Refused,
    Response,
    Session,
    SettingsError,
    Step,
    StepNotFound,
    TransportError,
    templates,
)


def offline(name: str = "./bear", **options: object) -> Session:
    return Session(name, endpoint="offline", **options)


# What is sent


def test_an_edit_sends_one_turn_with_the_instruction_and_then_the_very_bytes_that_came(service: Loopback) -> None:
    """An edit is one user turn: the text, then the picture of the step it continues, byte for byte, under its true type."""
    jpeg = io.BytesIO()
    Image.new("RGB", (8, 6), "blue").save(jpeg, "JPEG")
    service.say(picture_reply(jpeg.getvalue(), mime_type="image/png"))  # labelled wrongly, as services do
    bear = Session("./bear", endpoint=service.url)
    bear.generate("a bear").edit("add a hat")
    sent = service.received[1].json
    assert [turn["role"] for turn in sent["contents"]] == ["user"]
    assert [list(part) for part in sent["contents"][0]["parts"]] == [["text"], ["inlineData"]]
    assert sent["contents"][0]["parts"][1]["inlineData"]["mimeType"] == "image/jpeg"
    assert service.received[1].text == "add a hat"
    assert service.received[1].pictures == [jpeg.getvalue()]
    assert sent["generationConfig"]["responseModalities"] == ["TEXT", "IMAGE"]


@pytest.mark.filterwarnings("ignore:step")  # pictures of other sizes than those they continue
def test_references_follow_the_picture_that_is_edited(service: Loopback, tmp_path: Path) -> None:
    """References go after the base, in order, whether they are steps, files, bytes or pictures."""
    bear = Session("./bear", endpoint=service.url, model="some-model")
    service.always = picture_reply(png("red"))
    one = bear.generate("one")
    (tmp_path / "own.png").write_bytes(png("green"))
    two = bear.add(png("white"))
    step = bear.edit("put them together", on=one, references=[two, tmp_path / "own.png", png("blue"), Picture.open(png("black"))])
    wanted = [png("red"), png("white"), png("green"), png("blue"), png("black")]
    assert service.received[-1].pictures == wanted
    assert [p.data for p in step.sources] == wanted
    assert [p.id for p in step.parents] == [one.id, two.id]


def test_options_come_from_the_call_then_the_session_then_the_template(service: Loopback) -> None:
    """The call wins over the session, the session over the template's hint, and None takes an option away."""
    service.always = picture_reply(png())
    prompt = templates.sticker(subject="fox")
    plain = Session("./a", endpoint=service.url, model="m")
    wide = Session("./b", endpoint=service.url, model="m", aspect_ratio="16:9", seed=3)
    for session, options in ((plain, {}), (wide, {}), (wide, {"aspect_ratio": "4:5"})):
        with pytest.warns(PromptkitWarning, match="aspect_ratio"):
            session.generate(prompt, **options)
    wide.generate(prompt, aspect_ratio=None, seed=None)
    sent = [r.json["generationConfig"] for r in service.received]
    assert [s.get("imageConfig", {}).get("aspectRatio") for s in sent] == ["1:1", "16:9", "4:5", None]
    assert [s.get("seed") for s in sent] == [None, 3, 3, None]


def test_a_known_model_refuses_what_it_cannot_do_before_anything_is_sent(service: Loopback) -> None:
    """A ratio, a size or a number of pictures that the model is known not to take is refused with what it takes, and leaves no trace."""
    bear = Session("./bear", endpoint=service.url)
    for options, said in (({"aspect_ratio": "1:8"}, "it has 1:1"), ({"image_size": "2K"}, "leave image_size out")):
        with pytest.raises(SettingsError, match=said):
            bear.generate("a bear", **options)
    with pytest.raises(SettingsError, match="takes 3 pictures"):
        bear.generate("a bear", references=[png(c) for c in ("red", "green", "blue", "black")])
    assert service.received == []
    assert not bear.folder.exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seed": "7"}, "seed is a whole number"),
        ({"seed": 2**31}, "seed is a whole number of 32 bits"),
        ({"aspect_ratio": "wide"}, "aspect_ratio is a text"),
        ({"temperature": True}, "temperature is a number"),
        ({"temperature": float("nan")}, "temperature is a number"),
        ({"safety": "none"}, "safety is a mapping"),
        ({"meta": {"a": object()}}, "JSON cannot"),
        ({"images": []}, "references="),
        ({"ratio": "1:1"}, "aspect_ratio="),
        ({"size": "2K"}, "image_size="),
        ({"n": 3}, "vary"),
        ({"variables": {}}, "templates.sticker"),
        ({"model": "m"}, "Session"),
        ({"temprature": 1}, "did you mean 'temperature'"),
    ],
)
def test_wrong_options_are_named_with_what_to_do(options: dict[str, object], said: str) -> None:
    """A wrong value or an unknown keyword is refused by name, with a hint, before anything happens."""
    bear = offline()
    with pytest.raises(SettingsError, match=said):
        bear.generate("a bear", **options)
    assert not bear.folder.exists()


def test_an_unknown_keyword_never_shows_its_value() -> None:
    """An unknown keyword's value could be a key, so it is not shown."""
    with pytest.raises(SettingsError, match="api_key=") as caught:
        Session("./bear", key="sk-very-secret")
    assert "sk-very-secret" not in str(caught.value)


@pytest.mark.parametrize("prompt", ["", "  \n", 7, None, templates.sticker])
def test_what_is_no_prompt_is_refused(prompt: object) -> None:
    """A prompt is a text that says something, or a rendered template."""
    with pytest.raises(SettingsError, match="prompt"):
        offline().generate(prompt)


# Text only, refusals, errors


def test_text_only_is_asked_again_in_the_prompts_language_and_the_picture_stays(service: Loopback) -> None:
    """A reply without a picture is asked for again, naming the picture, twice; the base is the same in each; then NoPicture, on record."""
    bear = Session("./bear", endpoint=service.url)
    base = bear.add(png("green"))
    service.always = text_reply("好主意！")
    with pytest.raises(NoPicture, match="asked 3 times") as caught:
        base.edit("添加羊驼")
    assert [r.text for r in service.received[:2]] == ["添加羊驼", "生成添加羊驼后的图片"]
    assert len({r.text for r in service.received}) == 3
    assert [r.pictures for r in service.received] == [[png("green")]] * 3
    step = caught.value.step
    assert (step.outcome, step.text, len(step.attempts)) == ("text", "好主意！", 3)
    assert [a["sent_text"] for a in step.attempts] == [r.text for r in service.received]
    assert step.usage["totalTokenCount"] == 90
    assert bear.head == base
    assert bear.verify() == []


def test_a_picture_after_text_is_the_steps_picture(service: Loopback) -> None:
    """When the second asking brings the picture, the step has it, its own prompt, and both attempts."""
    service.say(text_reply("Sure!"), picture_reply(png("blue")))
    step = Session("./bear", endpoint=service.url).generate("a fox")
    assert step.picture.data == png("blue")
    assert str(step.prompt) == "a fox"
    assert [a["outcome"] for a in step.attempts] == ["text", "picture"]


def test_a_refusal_is_not_asked_again(service: Loopback) -> None:
    """A refusal for safety or policy is final, and carries the service's own words."""
    service.say(json_reply({"candidates": [{"content": {}, "finishReason": "IMAGE_SAFETY", "finishMessage": "Not this."}]}))
    with pytest.raises(Refused, match="Not this") as caught:
        Session("./bear", endpoint=service.url).generate("a fox")
    assert (caught.value.reason, caught.value.message, len(service.received)) == ("IMAGE_SAFETY", "Not this.", 1)
    assert caught.value.step.outcome == "refused"


def test_a_busy_service_is_waited_for(service: Loopback) -> None:
    """A 429 with a delay is asked again after that delay, with the same words."""
    delay = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.2s"}
    service.say(error_reply(429, "slow down", details=[delay]), picture_reply(png()))
    start = time.monotonic()
    step = Session("./bear", endpoint=service.url).generate("a fox")
    assert time.monotonic() - start >= 0.2
    assert [a["outcome"] for a in step.attempts] == ["error", "picture"]
    assert service.received[0].body == service.received[1].body


def test_the_deadline_bounds_a_step_with_its_waits(service: Loopback) -> None:
    """A wait that would pass the deadline is not begun, and a hanging service is left when it is over."""
    service.say(error_reply(503, "later", headers={"Retry-After": "100"}))
    bear = Session("./bear", endpoint=service.url, deadline=1)
    start = time.monotonic()
    with pytest.raises(ProviderError, match="later"):
        bear.generate("a fox")
    service.say(Hang())
    with pytest.raises(TransportError, match=r"broke off|did not answer"):
        bear.generate("a hen")
    assert time.monotonic() - start < 5
    assert bear[2].outcome == "interrupted"


def test_a_service_that_does_not_know_seeds_is_asked_without_one(service: Loopback) -> None:
    """A 400 that names the seed is asked again without it, and the record says so."""
    service.say(error_reply(400, "Unknown name \"seed\" at 'generation_config'"), picture_reply(png()))
    step = Session("./bear", endpoint=service.url).generate("a fox", seed=5)
    assert ["seed" in r.json["generationConfig"] for r in service.received] == [True, False]
    assert step.attempts[1]["without"] == ["seed"]


def test_a_failure_is_recorded_and_moves_nothing(service: Loopback) -> None:
    """A failed step is on record with the service's words, and the head stays."""
    bear = Session("./bear", endpoint=service.url, api_key="AIzaSomething")
    fox = bear.generate("a fox")
    service.say(error_reply(400, "API key not valid.", details=[{"reason": "API_KEY_INVALID"}]))
    with pytest.raises(KeyRejected, match="API key not valid") as caught:
        fox.edit("add a hat")
    assert bear.head == fox
    assert caught.value.step == bear[2]
    assert (bear[2].ok, bear[2].outcome, bear[2].attempts[0]["message"]) == (False, "error", "API key not valid.")
    with pytest.raises(LineageError, match="no picture"):
        _ = bear[2].picture
    with pytest.raises(LineageError, match="has no picture"):
        bear.edit("go on", on=2)


def test_an_error_of_the_transport_itself_is_recorded_as_interrupted() -> None:
    """Whatever a transport raises, the step is on record before the error goes on."""

    def handler(path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        raise ZeroDivisionError

    bear = Session("./bear", transport=FunctionTransport(handler))
    with pytest.raises(ZeroDivisionError):
        bear.generate("a fox")
    assert [s.outcome for s in bear] == ["interrupted"]


# Reuse


def test_a_second_run_sends_nothing_and_shows_the_same_pictures(service: Loopback) -> None:
    """Run again from the top, the same calls bring the same steps, pay nothing, and leave the head where the first run left it."""

    def notebook() -> list[Step]:
        bear = Session("./bear", endpoint=service.url)
        own = bear.add(png("white"), label="mine")
        fox = bear.generate(templates.sticker(subject="fox"))
        hat = fox.edit("add a hat", references=[own])
        more = fox.vary("make it night", n=2)
        return [own, fox, hat, *more, *fox.vary(n=2), bear.edit("go on"), bear.head]

    first = notebook()
    sent = len(service.received)
    second = notebook()
    assert len(service.received) == sent == 7
    assert first == second
    assert [s.picture.data for s in first] == [s.picture.data for s in second]
    assert all(s.reused for s in second[:-1])
    assert "reused" in repr(second[0])
    assert not any(s.reused for s in first)


@pytest.mark.filterwarnings("ignore:step")  # pictures of other sizes than those they continue
def test_other_words_pictures_models_and_options_are_other_requests(service: Loopback) -> None:
    """Whatever changes what is sent makes a step of its own."""
    service.always = picture_reply(png())
    bear = Session("./bear", endpoint=service.url)
    fox, owl = bear.generate("a fox"), bear.generate("an owl")
    ids = {fox, owl, fox.edit("hat"), owl.edit("hat"), fox.edit("hat", references=[png("blue")]), fox.edit("hat", seed=1)}
    ids.add(Session("./bear", endpoint=service.url, model="m").edit("hat", on=fox.number))
    assert len(ids) == len(service.received) == 7


def test_fresh_and_again_ask_anew(service: Loopback) -> None:
    """`fresh` and `again` take the next take; `again` keeps pictures and parent, and a wording replaces only the words."""
    bear = Session("./bear", endpoint=service.url)
    fox = bear.generate("a fox")
    hat = fox.edit("add a hat", references=[png("blue")])
    assert bear.edit("add a hat", on=fox, references=[png("blue")]) == hat
    other = bear.edit("add a hat", on=fox, references=[png("blue")], fresh=True)
    once_more, cap = hat.again(), hat.again("add a cap")
    assert len({hat, other, once_more, cap}) == 4
    assert [s.record.fields["take"] for s in (hat, other, once_more, cap)] == [0, 1, 2, 0]
    assert {s.parents[0] for s in (other, once_more, cap)} == {fox}
    assert service.received[-1].pictures == [fox.picture.data, png("blue")]
    assert service.received[-1].text == "add a cap"
    assert bear.head == cap


def test_a_damaged_picture_is_not_reused(service: Loopback) -> None:
    """A step whose picture is missing or changed is asked for again, but only where that is asked for."""
    bear = Session("./bear", endpoint=service.url)
    fox = bear.generate("a fox")
    fox.files[0].write_bytes(b"damaged")
    with pytest.raises(LineageError, match="Step 1 asked for this already, and its picture"):
        bear.generate("a fox")
    assert bear.generate("a fox", fresh=True) != fox
    assert len(service.received) == 2


def test_without_reuse_everything_is_asked(service: Loopback) -> None:
    """reuse=False asks again for what the session holds."""
    bear = Session("./bear", endpoint=service.url, reuse=False)
    assert bear.generate("a fox") != bear.generate("a fox")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda bear: bear.replay("./cat", dryrun=True), "did you mean 'dry_run'"),
        (lambda bear: bear.replay("./cat", budget=1), r"Session\(into, budget=…\)"),
        (lambda bear: bear.squash(2, 3, references=[1]), "'references'"),
        (lambda bear: bear.export("bear.zip", striped=True), "did you mean 'strip'"),
        (lambda bear: bear.generate("a fox", anchor=1), "nothing that could drift"),
        (lambda bear: bear.vary("a fox", root=True, anchor=1), "nothing that could drift"),
        (lambda bear: bear.again(fresh=True), "always asks anew"),
        (lambda bear: bear.generate("a fox", lang=" "), "lang is a language tag"),
    ],
)
def test_keywords_that_a_call_does_not_take_are_refused_with_a_hint(call: Callable[[Session], object], said: str) -> None:
    """Each call names what it takes instead; nothing is sent for it."""
    bear = offline()
    fox = bear.generate("a fox")
    fox.edit("add a hat").edit("make it night")
    with pytest.raises(SettingsError, match=said):
        call(bear)
    assert len(bear) == 3


# Several at once


def test_vary_makes_children_with_seeds_of_their_own_and_leaves_the_head(service: Loopback) -> None:
    """vary's takes are children of the step with recorded seeds; the head stays; failed ones are among them."""
    bear = Session("./bear", endpoint=service.url)
    fox = bear.generate("a fox")
    service.always = lambda r: text_reply("no", "IMAGE_SAFETY") if r.json["generationConfig"]["seed"] == seeds[1] else picture_reply(png())
    seeds: list[int] = [0, 0]
    first = bear.vary("make it night", n=1)
    seeds[:] = [first[0].record.request["config"]["seed"], 77]
    service.always = lambda r: text_reply("no", "IMAGE_SAFETY") if r.json["generationConfig"]["seed"] not in seeds else picture_reply(png())
    steps = bear.vary("make it night", n=4, workers=2)
    assert steps[0] == first[0]
    assert [s.outcome for s in steps] == ["picture", "refused", "refused", "refused"]
    assert len({s.record.request["config"]["seed"] for s in steps}) == 4
    assert {s.parents[0] for s in steps} == {fox}
    assert bear.head == fox
    assert "<figure" in steps._repr_mimebundle_()["text/html"]


def test_fresh_variants_are_more_of_them(service: Loopback) -> None:
    """vary(fresh=True) asks for takes that are not there yet, with seeds of their own."""
    bear = Session("./bear", endpoint=service.url)
    fox = bear.generate("a fox")
    first, more = fox.vary("hat", n=2), fox.vary("hat", n=2, fresh=True)
    assert [s.record.fields["take"] for s in (*first, *more)] == [0, 1, 2, 3]
    assert len({s.record.request["config"]["seed"] for s in (*first, *more)}) == 4
    assert fox.vary("hat", n=4) == (*first, *more)


def test_a_seed_of_ones_own_is_counted_on_and_stays_one(service: Loopback) -> None:
    """Variants of a request with a seed have the next ones, and after the largest 32 bits hold comes the smallest."""
    steps = Session("./bear", endpoint=service.url).vary("a fox", n=3, root=True, seed=2**31 - 2)
    assert [s.record.request["config"]["seed"] for s in steps] == [2**31 - 2, 2**31 - 1, -(2**31)]


def test_a_steps_own_edit_continues_that_step_only(service: Loopback) -> None:
    """A step's edit and vary take no on=, and say where it goes."""
    fox = Session("./bear", endpoint=service.url).generate("a fox")
    for call in (fox.edit, fox.vary):
        with pytest.raises(SettingsError, match=r"session\.edit"):
            call("hat", on=1)


def test_vary_raises_only_when_all_fail(service: Loopback) -> None:
    """When no variant has a picture, the first error is raised, with its step."""
    service.always = text_reply("no", "IMAGE_SAFETY")
    bear = Session("./bear", endpoint=service.url)
    with pytest.raises(Refused) as caught:
        bear.vary("a fox", n=3, root=True)
    assert caught.value.step in bear
    assert [s.outcome for s in bear] == ["refused"] * 3


def test_vary_asks_at_once(service: Loopback) -> None:
    """Four workers wait together, not one after the other."""
    together = threading.Barrier(4)

    def wait_for_all(received: Received) -> object:
        together.wait(30)
        return picture_reply(png())

    service.always = wait_for_all
    steps = Session("./bear", endpoint=service.url).vary("a fox", n=4, root=True)
    assert [s.number for s in steps] == [1, 2, 3, 4], "numbers follow the takes"
    assert not together.broken


@pytest.mark.parametrize("call", ["bear.generate('a fox')", "bear.vary('a fox', n=3, root=True)"])
def test_ctrl_c_stops_at_once_and_leaves_a_whole_lineage(service: Loopback, call: str) -> None:
    """Ctrl-C ends the call and the program within seconds; what was in flight is on record as interrupted."""
    service.always = Hang(30)
    script = f"from promptkit import Session; bear = Session('./bear', endpoint={service.url!r}); {call}"
    running = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE)
    while len(service.received) < (3 if "vary" in call else 1):
        assert running.poll() is None
        time.sleep(0.02)
    start = time.monotonic()
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=29)
    assert time.monotonic() - start < 15, "half of what the service would take"
    assert b"KeyboardInterrupt" in said
    bear = Session("./bear")
    assert {s.outcome for s in bear} == {"interrupted"}
    assert bear.verify() == []
    assert not under_way(bear.folder)


# The head, and reading


def test_the_head_moves_with_what_is_made_and_undo_redo_goto(tmp_path: Path) -> None:
    """generate, edit, add, again and reuse move the head; undo goes to the parent, redo comes back, any other move clears redo."""
    bear = offline()
    one = bear.generate("a fox", aspect_ratio="1:1")
    two = bear.edit("add a hat")
    three = bear.edit("make it night")
    assert [bear.undo(), bear.undo()] == [two, one]
    assert [bear.redo(), bear.redo()] == [two, three]
    with pytest.raises(LineageError, match="no undo"):
        bear.redo()
    bear.undo()
    reopened = offline()
    assert (reopened.head, reopened.redo()) == (two, three)
    bear.undo()
    bear.goto(1)
    with pytest.raises(LineageError, match="no undo"):
        bear.redo()
    bear.goto(2)
    reopened = offline()
    assert reopened.goto(1) == one
    with pytest.raises(LineageError, match="root"):
        reopened.undo()
    assert bear.head == two, "an open session's head is its own"
    side = bear.at(one)
    assert side.edit("make it snow").parents[0] == one
    assert bear.head == two


def test_one_look_up_serves_everywhere() -> None:
    """A step is found by number, tag, or the beginning of its id; what is not found is named with what is there."""
    bear = offline()
    fox = bear.generate("a fox")
    bear.tag("für den Kunden")
    hat = bear.edit("add a hat")
    assert bear[1] == bear["1"] == bear["für den Kunden"] == bear[fox.id[:7]] == bear.goto("für den Kunden") == fox
    assert bear.tags == {"für den Kunden": fox}
    assert [bear.head, bear.roots, bear.children(1), bear.trail(2)] == [fox, (fox,), (hat,), (fox, hat)]
    assert [len(bear), list(bear), fox in bear, bool(bear)] == [2, [fox, hat], True, True]
    for wrong in (9, "für die Kunden", "ffff", None, 1.5):
        with pytest.raises(StepNotFound):
            bear.goto(wrong)
    with pytest.raises(StepNotFound, match="did you mean 'für den Kunden'"):
        _ = bear["für den Kundn"]


def test_a_new_session_reads_as_empty_and_says_what_to_do() -> None:
    """An empty session has no head, no steps and no folder, its repr says that it is new, and what needs a step says so."""
    bear = offline()
    assert (bear.head, len(bear), bear.trail(), bear.cost, bear.usage, bear.tags, bear.verify()) == (None, 0, (), 0, {}, {}, [])
    assert "new" in repr(bear)
    assert bool(bear)
    for call in (bear.undo, bear.redo, lambda: bear.edit("x"), lambda: bear.save("x.png"), lambda: bear.tag("x"), bear.again):
        with pytest.raises(LineageError, match=r"generate|no undo"):
            call()
    assert not bear.folder.exists()


def test_steps_say_what_they_are(service: Loopback) -> None:
    """A step gives back its prompt with template and inputs, its times, its files, its model and its label."""
    bear = Session("./bear", endpoint=service.url)
    step = bear.generate(templates.sticker(subject="fox"), label="the fox", meta={"for": "client"})
    prompt = step.prompt
    assert (prompt.template, dict(prompt.inputs), str(prompt)) == ("sticker", {"subject": "fox"}, str(templates.sticker(subject="fox")))
    assert "sticker.j2" in prompt.files
    assert (step.label, step.meta, step.model, step.outcome) == ("the fox", {"for": "client"}, "gemini-2.5-flash-image", "picture")
    assert step.endpoint == service.url.removeprefix("http://")
    assert step.started <= step.ended
    assert [p.suffix for p in step.files] == [".png", ".json"]
    assert all(p.is_file() for p in step.files)
    assert (step.cost.amounts, step.cost.unpriced) == ({}, 1), "no price is known for this endpoint"
    assert bear[1] == step


def test_a_picture_of_ones_own_becomes_a_root_once(tmp_path: Path) -> None:
    """on= takes a path, bytes, a PIL image or a Picture, which becomes a root first; the same bytes are the same root."""
    path = tmp_path / "own.png"
    path.write_bytes(png("green"))
    bear = offline()
    for own in (path, str(path), png("green"), Picture.open(path)):
        edited = bear.edit("make it night", on=own)
        assert edited.parents[0].outcome == "added"
    assert [s.outcome for s in bear] == ["added", "picture"]
    assert bear.edit("make it night", on=Image.new("RGB", (9, 9), "red")).parents[0].picture.size == (9, 9)
    with pytest.raises(PictureError, match=r"nothing\.png"):
        bear.edit("x", on="./nothing.png")
    text = tmp_path / "text.png"
    text.write_text("no picture")
    with pytest.raises(PictureError, match="not a picture"):
        bear.add(text)
    assert len(bear) == 4


@pytest.mark.filterwarnings("ignore:step")  # pictures of other sizes than those they continue
def test_another_sessions_step_goes_along_as_its_picture(service: Loopback) -> None:
    """A step of another session serves as base (a root first) and as reference, as a picture from outside."""
    service.always = lambda r: picture_reply(png("red" if "fox" in r.text else "blue"))
    fox = Session("./foxes", endpoint=service.url).generate("a fox")
    bear = Session("./bear", endpoint=service.url)
    own = bear.generate("a bear")
    both = own.edit("together", references=[fox])
    assert (service.received[-1].pictures, both.parents) == ([png("blue"), png("red")], (own,))
    assert bear.edit("alone", on=fox).parents[0].outcome == "added"
    assert bear.verify() == []


# Where sessions are


def test_a_name_is_here_or_in_the_data_folder(tmp_path: Path) -> None:
    """A name is ./NAME where that is a session, else in the user's data folder; both is an error; a path is a path."""
    home = tmp_path / "home" / "sessions" / "bear"
    assert offline("bear").folder == home
    Path("bear").mkdir()
    (Path("bear") / "notes.txt").write_text("mine")
    offline("bear").generate("a fox")
    assert home.is_dir()
    with pytest.raises(LineageError, match="not a session and not empty"):
        offline("./bear")
    (Path("bear") / "notes.txt").unlink()
    offline("./bear").generate("a fox")
    with pytest.raises(LineageError, match="two sessions"):
        offline("bear")
    for wrong in ("", " ", ".", "..", 7):
        with pytest.raises(SettingsError):
            offline(wrong)


def test_an_opened_session_goes_on_at_the_heads_endpoint_with_its_model(service: Loopback) -> None:
    """Named nowhere, the endpoint is the head's, as the user's own settings define it, and its model follows; a stranger's does not."""
    config = Path(os.environ["PROMPTKIT_HOME"]) / "config.toml"
    config.parent.mkdir()
    config.write_text(f'[endpoints.of-this-test]\nbase_url = "{service.url}"\nauth = "none"\n')
    Session("./bear", endpoint="of-this-test", model="some-model").generate("a fox")
    assert Session("./bear").edit("hat").model == "some-model"
    assert Session("./bear", endpoint="of-this-test").edit("cap").model == "gemini-2.5-flash-image"
    config.write_text("")  # and no other test gives this process an endpoint of that name
    with pytest.raises(SettingsError, match="'of-this-test'"):
        Session("./bear").edit("scarf")


def test_an_offline_draft_goes_to_a_service_only_where_it_is_named(service: Loopback) -> None:
    """The head's draft is not sent to a service by accident; on= or the step's own edit names it."""
    offline().generate("a fox")
    paid = Session("./bear", endpoint=service.url)
    with pytest.raises(SettingsError, match="on=1"):
        paid.edit("hat")
    assert service.received == []
    assert paid.edit("hat", on=1).number == 2


def test_a_session_that_goes_on_with_drafts_says_so_where_a_key_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody takes drafts for a service's pictures: with a key set, a session that follows its offline head says which endpoint asks."""
    fox = offline().generate("a fox")
    assert "offline draft" in fox._repr_mimebundle_()["text/html"]
    Session("./bear").edit("hat")
    monkeypatch.setenv("GEMINI_API_KEY", "AIza-of-a-test")
    with pytest.warns(PromptkitWarning, match="endpoint='google'"):
        Session("./bear").edit("cap")


def test_a_template_that_edits_is_not_sent_without_a_picture(service: Loopback) -> None:
    """generate refuses an edit template before sending, unless a picture goes along as reference."""
    bear = Session("./bear", endpoint=service.url)
    ink = templates.edit.style_transfer(style="ink")
    with pytest.raises(InputError, match="edits a picture"):
        bear.generate(ink)
    assert service.received == []
    assert bear.generate(ink, references=[png()]).ok


def test_the_wrong_number_of_pictures_is_refused_before_anything_is_sent(service: Loopback, tmp_path: Path) -> None:
    """A template that combines two pictures takes two, by every way to ask; nothing is sent, and nothing is on disk."""
    front = "---\nkind: edit\npictures: {min: 2, max: 2, roles: [the room, the chair]}\n---\nPut the chair into the room."
    (tmp_path / "place.j2").write_text(front)
    place = Library(tmp_path).place()
    bear = Session("./bear", endpoint=service.url)
    wanted = r"place edits a picture, and takes 2 pictures \(the room; the chair\), not {}: call edit"
    for count, ask in {
        "none": lambda: bear.generate(place),
        "1": lambda: bear.edit(place, on=png()),
        "3": lambda: bear.edit(place, on=png(), references=[png("red"), png("blue")]),
    }.items():
        with pytest.raises(InputError, match=wanted.format(count)) as caught:
            ask()
        assert len(caught.value.problems) == 1
    assert (service.received, len(bear)) == ([], 0)
    room = bear.edit(place, on=png(), references=(png(c) for c in ("red",)))
    assert service.received[-1].pictures == [png(), png("red")]
    with pytest.raises(InputError, match="not 1"):
        room.vary(place, 2)
    with pytest.raises(InputError, match="not 1"):
        bear.generate("A room").edit("Paint it").again(place)


def test_an_anchor_goes_along(service: Loopback) -> None:
    """anchor= sends an earlier step's picture with the edit, before the references; the record says what it was there for."""
    service.say(*(picture_reply(png(c)) for c in ("red", "green", "blue", "white")))
    bear = Session("./bear", endpoint=service.url)
    fox = bear.generate("A fox")
    hat = fox.edit("A hat")
    step = hat.edit("A scarf", anchor=fox, references=[png("black")])
    assert service.received[2].pictures == [png("green"), png("red"), png("black")]
    assert [s["role"] for s in step.record.sources] == ["base", "anchor", "reference"]
    assert [p.number for p in step.parents] == [2, 1]
    assert bear.edit("A scarf", on=hat, anchor="1", references=png("black")) == step
    assert bear.again().record.sources == step.record.sources


def test_a_retired_model_is_asked_with_a_warning(service: Loopback) -> None:
    """A name whose published end has come brings one warning that says since when and what replaces it; a 404 says it too."""
    bear = Session("./bear", endpoint=service.url, model="gemini-2.5-flash-image-preview")
    with pytest.warns(PromptkitWarning, match=r"was to shut down on 2026-01-15; gemini-2.5-flash-image replaces it") as caught:
        bear.generate("A fox").edit("A hat")
    assert len(caught) == 1
    service.say(error_reply(404, "models/gemini-2.5-flash-image-preview is not found"))
    with pytest.raises(ModelNotFound, match=r"gemini-2.5-flash-image replaces it"):
        bear.edit("A scarf")


@pytest.mark.parametrize(
    ("answered", "said"),
    [
        ("gemini-2.5-flash-image", []),
        ("gemini-2.5-flash-image-001", []),
        ("models/gemini-2.5-flash-image", []),
        ("gemini-3-pro-image", ["gemini-2.5-flash-image was asked for, and gemini-3-pro-image answered"]),
    ],
)
def test_a_reply_from_another_model_is_a_warning_on_the_step(service: Loopback, answered: str, said: list[str]) -> None:
    """A gateway that routes to another model is found out by what the reply says; a version of the same model is the same."""
    service.say(picture_reply(png(), modelVersion=answered))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        step = Session("./bear", endpoint=service.url).generate("A fox")
    assert list(step.warnings) == said
    assert [str(w.message) for w in caught] == [f"step 1: {sentence}" for sentence in said]


BUDGETS = [(1.0, Cost.of(0.04)), ("20 CNY", Cost.of(0.3, "CNY")), ("9 credits", Cost.of(0.3, "CREDITS"))]


@pytest.mark.parametrize(("budget", "cost"), BUDGETS)
def test_a_budget_without_a_price_is_refused_with_the_command_that_sets_it(service: Loopback, budget: Any, cost: Cost) -> None:
    """Where no price is known nothing is sent; pasted into a shell, the line of the error makes the budget work."""
    bear = Session("./bear", endpoint=Endpoint("-my gateway's", service.url, key_required=False), budget=budget)
    with pytest.raises(SettingsError, match=r"A budget needs a price.*max_requests=\.") as failed:
        bear.generate("A fox")
    assert service.received == []
    assert not bear.folder.exists()
    command = str(failed.value).split("`")[1]
    run(*shlex.split(command)[1:])
    assert bear.generate("A fox").cost == cost


def test_a_budget_in_another_currency_than_the_price_is_refused(service: Loopback) -> None:
    """Nothing is converted: the sentence says which currency the price is in, and both ways out work."""
    run("price", service.url, "m", "0.30", "CNY")
    with pytest.raises(SettingsError, match=r"needs a price in its own currency \(USD\), and that is 0.3000 CNY for m at .* budget in CNY"):
        Session("./bear", endpoint=service.url, model="m", budget=1).generate("A fox")
    assert service.received == []
    assert Session("./bear", endpoint=service.url, model="m", budget="1 CNY").generate("A fox").cost == Cost.of(0.30, "CNY")


def test_no_key_is_needed_before_the_first_step_and_its_absence_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening and reading need no key; the first request without one says which variable, and makes nothing."""
    bear = Session("./bear", endpoint="deerapi")
    assert len(bear) == 0
    with pytest.raises(SettingsError, match="DEERAPI_API_KEY"):
        bear.generate("a fox")
    with pytest.raises(SettingsError, match="GEMINI_API_KEY"):
        Session("./bear").generate("a fox")
    assert not bear.folder.exists()


def test_the_key_is_refused_going_out_and_removed_coming_in(service: Loopback) -> None:
    """A prompt that holds the key is not sent, and a service that echoes the key does not get it onto the disk or into an error."""
    secret = "sk-planted-0123456789"
    bear = Session("./bear", endpoint=Endpoint("work", service.url), api_key=secret)
    for options in ({}, {"label": secret}, {"meta": {"k": [secret]}}):
        with pytest.raises(SettingsError, match="holds a key"):
            bear.generate(secret if not options else "a fox", **options)
    assert not bear.folder.exists()
    service.say(error_reply(400, f"bad {secret}", details=[{"reason": secret}]))
    service.say(picture_reply(png(), text=f"got {secret}", responseId=secret))
    with pytest.raises(ProviderError) as caught:
        bear.generate("a fox")
    step = bear.generate("a hen")
    assert step.text == "got [key removed]"
    on_disk = "".join(p.read_text("latin-1") for p in bear.folder.rglob("*") if p.is_file())
    assert secret not in repr(vars(caught.value)) + str(caught.value) + repr(bear) + on_disk
    assert service.received[0].headers["x-goog-api-key"] == secret


# Budget, chains that talk, odds


def test_a_budget_refuses_the_request_that_could_pass_it() -> None:
    """What a request may cost is set aside before it is sent, parallel ones too; the refusal names both sums."""
    asked: list[bytes] = []

    def handler(path: str, body: bytes) -> Response:
        asked.append(body)
        return Response(*picture_reply(png()))

    bear = Session("./bear", endpoint="google", transport=FunctionTransport(handler), budget=0.1)
    bear.generate("a fox")
    assert bear.cost == pytest.approx(0.038703)
    with pytest.warns(PromptkitWarning, match=r"0\.0390 USD.*of the budget of 0\.1000 USD"):
        assert len(bear.vary("a fox", n=3, root=True)) == 1
    assert len(asked) == 2
    with pytest.raises(BudgetExceeded):
        bear.generate("a hen")
    with pytest.raises(SettingsError, match="price"):
        Session("./hen", endpoint="google", model="unknown", transport=FunctionTransport(handler), budget=1).generate("a hen")


def test_a_budget_that_ends_between_two_askings_leaves_the_step_on_record() -> None:
    """Asking again is within the budget too; where it is not, the step keeps what was answered, and the error carries it."""
    bear = Session("./bear", endpoint="google", transport=FunctionTransport(lambda path, body: text_reply("Sure!")), budget=0.039)
    with pytest.raises(BudgetExceeded) as caught:
        bear.generate("a fox")
    assert (caught.value.step.outcome, len(caught.value.step.attempts)) == ("text", 1)


def test_answers_that_say_no_cost_count_in_a_budget() -> None:
    """A text without token counts may have been charged: it counts as its request, in the budget and beside the sum that is known."""
    words = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Sure!"}]}, "finishReason": "STOP"}]}
    bear = Session("./bear", endpoint="google", transport=FunctionTransport(lambda path, body: json_reply(words)), budget=0.1, recover=0)
    for prompt in ("a fox", "an owl"):
        with pytest.raises(NoPicture):
            bear.generate(prompt)
    with pytest.raises(BudgetExceeded, match=r"0\.0780 of the budget of 0\.1000 USD are used"):
        bear.generate("a hen")
    assert (bear.spending.usd, bear.spending.possible, bear.spending.unpriced) == (0, 0.078, 0)


def test_a_damaged_record_is_not_forgotten_in_a_sum() -> None:
    """What cannot be read counts in a budget as a request like the next one, and the sums say that something is missing."""
    transport = FunctionTransport(lambda path, body: picture_reply(png()))
    bear = Session("./bear", endpoint="google", transport=transport, budget=0.1)
    fox, _ = bear.generate("a fox"), bear.generate("an owl")
    fox.record.path.write_bytes(b"damaged")
    (bear.folder / ".open-journal").unlink()  # which remembers what it cost
    again = Session("./bear", endpoint="google", transport=transport, budget=0.1)
    with pytest.raises(BudgetExceeded, match=r"1 damaged records count as such a request each; `verify` names them"):
        again.generate("a hen")
    assert again.spending.unread == 1


def test_a_damaged_record_costs_what_the_journal_says() -> None:
    """What a damaged record cost stays in a budget's sum as long as the journal tells it; the other sums say that it is missing."""
    transport = FunctionTransport(lambda path, body: picture_reply(png()))
    bear = Session("./bear", endpoint="google", transport=transport, budget=0.1)
    fox, _ = bear.generate("a fox"), bear.generate("an owl")
    fox.record.path.write_bytes(b"damaged")
    again = Session("./bear", endpoint="google", transport=transport, budget=0.1)
    with pytest.raises(BudgetExceeded, match=r"and 0\.0774 of the budget of 0\.1000 USD are used"):
        again.generate("a hen")
    assert again.spending.unread == 1


def test_a_chain_that_talks_returns_the_turns_as_they_came(service: Loopback) -> None:
    """chain="chat" sends the earlier turns verbatim, signatures included, also after reopening; another model starts from the picture."""

    def signed(data: bytes) -> object:
        parts = [{"text": "Here.", "thoughtSignature": "c2ln"}, json.loads(picture_reply(data)[2])["candidates"][0]["content"]["parts"][1]]
        return json_reply({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]})

    service.say(signed(png("red")), signed(png("green")), signed(png("blue")))
    bear = Session("./bear", endpoint=service.url, chain="chat", model="m")
    bear.generate("a fox").edit("hat")
    step = Session("./bear", endpoint=service.url, chain="chat", model="m").edit("scarf")
    turns = service.received[2].json["contents"]
    assert [t["role"] for t in turns] == ["user", "model", "user", "model", "user"]
    assert [p["text"] for t in turns if t["role"] == "user" for p in t["parts"]] == ["a fox", "hat", "scarf"]
    assert [turns[1], turns[3]] == [json.loads(signed(png(c))[2])["candidates"][0]["content"] for c in ("red", "green")]
    assert step.sources[0].data == png("green")
    assert bear.verify() == []
    service.say(picture_reply(png("white")))
    Session("./bear", endpoint=service.url, chain="chat", model="other").edit("cap", on=2)
    assert [t["role"] for t in service.received[3].json["contents"]] == ["user"]
    assert service.received[3].pictures == [png("green")]


@pytest.mark.filterwarnings("ignore:step")  # pictures of other sizes than those they continue
def test_a_chain_that_talks_is_signed_as_the_service_wants_it(service: Loopback) -> None:
    """The painter, which checks signatures, takes each chain: reopened, branched, recovered, switched, and with a picture from outside."""

    def opened(**options: Any) -> Session:
        return Session("./bear", endpoint=service.url, chain="chat", **options)

    def roles() -> list[str]:
        return [turn["role"] for turn in service.received[-1].json["contents"]]

    fox = opened().generate("A red fox")
    hat = fox.edit("Add a hat")
    assert roles() == ["user", "model", "user"]
    opened().edit("Make it night")
    assert roles() == ["user", "model"] * 2 + ["user"]
    fox.edit("Make it day")  # another branch begins at the fox again
    assert roles() == ["user", "model", "user"]
    asked = hat.edit("What would suit it at night?")
    assert len(asked.attempts) == 2
    asked.edit("Add a moon")
    assert roles() == ["user", "model"] * 3 + ["user"]
    opened(model="gemini-3-pro-image").edit("Add stars", on=asked)
    assert roles() == ["user"]
    opened().edit("Frame it", on=png())
    assert roles() == ["user"]
    opened().edit("Add a bird", on=hat, references=[png("blue")])
    assert roles() == ["user", "model"] * 2 + ["user"]
    assert all(step.ok for step in opened())
    assert {r.json["contents"][0]["role"] for r in service.received} == {"user"}


def test_several_pictures_in_one_reply_are_all_kept(service: Loopback) -> None:
    """All pictures of a reply are kept in order; the first is the step's picture."""
    parts = [json.loads(picture_reply(png(c))[2])["candidates"][0]["content"]["parts"][1] for c in ("red", "green")]
    service.say(json_reply({"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}]}))
    step = Session("./bear", endpoint=service.url).generate("a fox")
    assert [p.data for p in step.pictures] == [png("red"), png("green")]
    assert step.picture == step.pictures[0]


def test_save_gives_the_exact_bytes(service: Loopback, tmp_path: Path) -> None:
    """Session.save and Step.save write the bytes that came, and return the path."""
    service.always = picture_reply(png("blue"))
    bear = Session("./bear", endpoint=service.url)
    step = bear.generate("a fox")
    assert step.save(tmp_path / "fox").read_bytes() == png("blue")
    assert bear.save(tmp_path / "head.png") == tmp_path / "head.png"


def test_what_people_write_is_shown_and_never_acts(service: Loopback) -> None:
    """Cards, trees and strips escape what people and models wrote, and never show the key."""
    service.always = picture_reply(png(), text="<script>alert(1)</script>")
    bear = Session("./bear", endpoint=service.url)
    step = bear.generate("<img src=x onerror=alert(1)>", label="<b>")
    for shown in (bear, step, step.picture, bear.steps, step.prompt):
        bundle = shown._repr_mimebundle_()
        assert "<script" not in bundle["text/html"]
        assert "<img src=x" not in bundle["text/html"]
        assert bundle["text/plain"]
