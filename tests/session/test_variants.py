"""vary(each=…): the product of what varies, what each step says of it, what is paid for once, and how it ends where some fail."""

from __future__ import annotations

import copy
import json
import pickle
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from kit.loopback import Hang, Loopback, picture_reply, png, text_reply
from kit.template_files import one

from promptkit import InputError, PromptkitWarning, Refused, Session, SettingsError, TransportError, config, templates
from promptkit.lineage.tree import Lineage
from promptkit.session.variants import Variants
from promptkit.views.page import page_html

STYLES, PALETTES = ["ink", "kawaii"], ["pastel", "neon", "muted"]
OTHER = "gemini-3-pro-image"

said_before = pytest.mark.filterwarnings("ignore:.*picture.*request:promptkit.PromptkitWarning")


def drafts() -> Session:
    return Session("./bear", endpoint="offline")


def texts(steps: Any) -> list[str]:
    return [step.prompt.text for step in steps]


# What varies


def test_texts_are_sentences_of_their_own(service: Loopback) -> None:
    """Each makes one step, in order, with its own words behind the prompt's; the head stays."""
    bear = Session("./bear", endpoint=service.url)
    fox = bear.generate("a fox")
    steps = bear.vary("Draw it anew", each=["line art", "block print", "1950s poster"])
    assert texts(steps) == ["Draw it anew. Line art.", "Draw it anew. Block print.", "Draw it anew. 1950s poster."]
    assert [step.number for step in steps] == [2, 3, 4]
    assert {step.parents[0] for step in steps} == {fox}
    assert bear.head == fox
    assert len(service.received) == 4


def test_texts_stand_where_the_prompt_has_a_place() -> None:
    """`{each}`, or any name; all are filled at once, so that what a value says is no place."""
    bear = drafts()
    assert texts(bear.vary("A {each} fox, {each}!", each=["red", 7], root=True)) == ["A red fox, red!", "A 7 fox, 7!"]
    product = bear.vary("A sign that says {a} in {b}", root=True, each={"a": ["“{b}”"], "b": ["snow"]})
    assert texts(product) == ["A sign that says “{b}” in snow"]


@said_before
def test_inputs_of_a_template_make_the_product() -> None:
    """The first is the outermost; the template is rendered anew with the inputs that the prompt was given, and the record has them all."""
    steps = drafts().vary(templates.sticker(subject="fox"), root=True, each={"style": STYLES, "palette": PALETTES})
    expected = [templates.sticker(subject="fox", style=s, palette=p) for s in STYLES for p in PALETTES]
    assert texts(steps) == [prompt.text for prompt in expected]
    assert [(s.prompt.template, dict(s.prompt.inputs), s.prompt.digest) for s in steps if s.prompt] == [
        (p.template, dict(p.inputs), p.digest) for p in expected
    ]


@said_before
def test_values_of_other_libraries_are_taken_as_pythons() -> None:
    """Arrays, series and generators of texts and numbers."""
    bear = drafts()
    assert texts(bear.vary("a {each} fox", each=np.array(["red", "grey"]), root=True)) == ["a red fox", "a grey fox"]
    each = {"kind": pandas.Series(["red"]), "age": (age for age in np.arange(2, 4))}
    assert texts(bear.vary("a {kind} fox of {age}", each=each, root=True)) == ["a red fox of 2", "a red fox of 3"]


def test_a_template_that_was_not_called_takes_all_from_what_varies() -> None:
    """Its required inputs stand in each=, in the language of the call."""
    steps = drafts().vary(templates.edit.style_transfer, on=png(), each={"style": ["ink", "oil"]}, lang="ja")
    assert texts(steps) == [templates.edit.style_transfer(style=style, lang="ja").text for style in ("ink", "oil")]


def test_what_was_added_to_a_rendered_prompt_stays() -> None:
    """Before and behind it; a place in an input is filled there, and recorded as it was filled."""
    asked = "Please: " + templates.sticker(subject="happy {each}") + " Bold."
    steps = drafts().vary(asked, each=["bear", "fox"], root=True)
    assert texts(steps) == [f"Please: {templates.sticker(subject=f'happy {animal}')} Bold." for animal in ("bear", "fox")]
    assert [step.prompt.inputs["subject"] for step in steps if step.prompt] == ["happy bear", "happy fox"]
    styled = drafts().vary(templates.sticker(subject="fox") + " Bold.", each={"style": ["ink"]}, root=True)
    assert texts(styled) == [f"{templates.sticker(subject='fox', style='ink')} Bold."]


@said_before
def test_without_a_prompt_the_steps_own_request_varies(service: Loopback) -> None:
    """Siblings of the step: its template with other inputs, its words with another sentence, its picture and references."""
    bear = Session("./bear", endpoint=service.url)
    fox = bear.generate("a fox")
    inked = fox.edit(templates.edit.style_transfer(style="ink"), references=[png("blue")])
    steps = inked.vary(each={"style": ["oil", "chalk"]})
    assert texts(steps) == [templates.edit.style_transfer(style=style).text for style in ("oil", "chalk")]
    assert {step.parents for step in steps} == {(fox,)}
    assert {len(step.sources) for step in steps} == {2}
    assert texts(fox.vary(each=["line art"])) == ["a fox. Line art."]


@said_before
def test_references_models_and_options_vary(service: Loopback) -> None:
    """Those of the call go along with each; None is without; each model is asked at the same endpoint and recorded."""
    bear = Session("./bear", endpoint=service.url)
    fox = bear.generate("a fox")
    Path("mine.png").write_bytes(png("green"))
    steps = bear.vary("Beside it", each={"references": [Path("mine.png"), "1", None]}, references=[png("blue")])
    assert [len(step.sources) for step in steps] == [3, 3, 2]
    assert [step.meta["varied"]["references"] for step in steps] == ["mine.png", "step 1", "none"]
    [both] = bear.vary("Beside it", each={"references": [[fox, "mine.png"]]})
    assert (len(both.sources), both.label) == (3, "step 1 + mine.png")
    asked = bear.vary("Anew", each={"model": ["gemini-2.5-flash-image", OTHER], "aspect_ratio": ["1:1", "16:9"]})
    assert [step.model for step in asked] == ["gemini-2.5-flash-image"] * 2 + [OTHER] * 2
    assert [r.path.split("/")[-1].split(":")[0] for r in service.received[-4:]].count(OTHER) == 2
    assert [step.record.request["config"]["aspect_ratio"] for step in asked] == ["1:1", "16:9"] * 2


def test_one_models_picture_does_not_stand_for_anothers(service: Loopback) -> None:
    """In a session that names neither endpoint nor model, where a request at another model is found otherwise."""
    bear = Session("./bear", endpoint="offline")
    bear.vary("a fox", root=True, each={"model": [OTHER]})
    bear.generate("a bear")
    follows = Session("./bear")
    steps = follows.vary("a fox", root=True, each={"model": ["gemini-2.5-flash-image", OTHER]})
    assert [(step.model, step.reused) for step in steps] == [("gemini-2.5-flash-image", False), (OTHER, True)]


@said_before
def test_each_model_is_judged_by_what_it_takes(service: Loopback) -> None:
    """An option that one of the models does not have is refused with its name, before anything is sent; those that were asked are known."""
    bear = Session("./bear", endpoint=service.url, model=OTHER)
    with pytest.raises(SettingsError, match=r"gemini-2\.5-flash-image has no image_size '4K'"):
        bear.vary("a fox", root=True, image_size="4K", each={"model": [OTHER, "gemini-2.5-flash-image"]})
    assert not service.received
    Session("./bear", endpoint=service.url).vary("a fox", root=True, each={"model": [OTHER]})
    asked = (config.data_folder().parent / "models-asked.jsonl").read_text()
    assert [json.loads(line)[1] for line in asked.splitlines()] == [OTHER]


@said_before
def test_n_is_n_of_each() -> None:
    """One of each without it; takes of one variant have seeds of their own."""
    steps = drafts().vary("a fox", n=2, root=True, each=["line art", "block print"])
    assert [step.label for step in steps] == ["line art", "line art", "block print", "block print"]
    assert len({step.record.request["config"]["seed"] for step in steps}) == 4


# What each step says of it


@said_before
def test_each_step_says_what_varied() -> None:
    """In its label, its meta, its flat object and in words; the caller's own notes stay beside it."""
    note = {"for": "a client"}
    steps = drafts().vary(templates.sticker(subject="fox"), root=True, each={"style": STYLES, "palette": PALETTES}, label="fox", meta=note)
    last = steps[-1]
    assert last.label == "fox: kawaii · muted"
    assert last.meta == {"for": "a client", "varied": {"style": "kawaii", "palette": "muted"}}
    row = last.to_dict()
    assert {k: v for k, v in row.items() if k.startswith(("varied.", "meta."))} == {
        "varied.style": "kawaii",
        "varied.palette": "muted",
        "meta.for": "a client",
    }
    session = drafts()
    assert "style: kawaii, palette: muted" in str(session.explain(last))
    assert "6 fox: kawaii · muted" in session._repr_mimebundle_()["text/plain"]
    assert "style: kawaii, palette: muted" in page_html(Lineage(session.folder))
    assert json.loads(json.dumps(row)) == row


def test_a_replay_of_a_variant_is_none() -> None:
    """What varied is of the call that made it: its replay elsewhere keeps the caller's notes alone."""
    [ink] = drafts().vary("a {style} fox", root=True, each={"style": ["ink"]}, meta={"for": "a client"})
    [again] = drafts().at(ink).replay("./other")
    assert {**again.meta, "replays": ""} == {"for": "a client", "replays": ""}
    assert not [name for name in again.to_dict() if name.startswith("varied")]


def test_a_note_of_the_same_name_is_not_overwritten() -> None:
    """meta= with a name that each= needs is refused before anything is sent."""
    with pytest.raises(SettingsError, match="varied"):
        drafts().vary("a fox", root=True, each=["ink"], meta={"varied": 1})


@said_before
def test_what_comes_back_is_a_grid(service: Loopback) -> None:
    """In words with labelled axes, in a notebook in pictures; it is Steps, and goes through pickle and copy."""
    steps = Session("./bear", endpoint=service.url).vary("A {style} fox, {palette}", root=True, each={"style": STYLES, "palette": PALETTES})
    lines = ["style \\ palette  pastel  neon  muted", "ink              1       2     3", "kawaii           4       5     6"]
    assert str(steps).splitlines() == lines
    shown = steps._repr_mimebundle_()
    assert shown["text/plain"] == str(steps)
    assert shown["text/html"].count("<img") == 6
    assert all(f">{name}</th>" in shown["text/html"] for name in (*STYLES, *PALETTES))
    for other in (pickle.loads(pickle.dumps(steps)), copy.copy(steps), copy.deepcopy(steps)):
        assert isinstance(other, Variants)
        assert other == steps
        assert str(other) == str(steps)


# What is paid for


@said_before
def test_called_again_it_sends_nothing(service: Loopback) -> None:
    """Also by another session, and for what only the second call adds just that is asked; `fresh` asks for more of each."""
    each = {"style": ["ink", "oil"], "model": ["gemini-2.5-flash-image", OTHER]}

    def vary(styles: list[str], **how: Any) -> Any:
        return Session("./bear", endpoint=service.url).vary("A {style} fox", root=True, each={**each, "style": styles}, **how)

    first = vary(["ink", "oil"])
    assert len(service.received) == 4
    again = vary(["ink", "oil"])
    assert again == first
    assert all(step.reused for step in again)
    assert len(service.received) == 4
    more = vary(["ink", "chalk", "oil"])
    assert [step.reused for step in more] == [True] * 2 + [False] * 2 + [True] * 2
    assert len(service.received) == 6
    assert not {*vary(["ink"], fresh=True)} & {*more}
    assert len(service.received) == 8


def test_no_step_of_the_same_call_is_taken_for_a_slip(service: Loopback) -> None:
    """What is added to a call is not warned of as nearly the same words as its other variants."""
    asked = "A very large picture of a red fox that sleeps in the deep snow, {style}"
    Session("./bear", endpoint=service.url).vary(asked, root=True, each={"style": ["ink", "oil"]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Session("./bear", endpoint=service.url).vary(asked, root=True, each={"style": ["ink", "oil", "chalk"]})


def test_the_product_is_said_with_number_and_cost_before_it_is_asked(service: Loopback) -> None:
    """Where several are multiplied and something is to be asked; not again where all is there."""
    heard: list[tuple[str, int]] = []

    def hear(message: Warning | str, *_: object) -> None:
        heard.append((str(message), len(service.received)))

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = hear  # type: ignore[assignment]
        bear = Session("./bear", endpoint=service.url, model="gemini-2.5-flash-image")
        bear.vary("a fox", root=True, each=["one factor", "is a list that the caller wrote"])
        bear.vary("{a} {b}", root=True, each={"a": ["x", "y"], "b": ["p"]})
        for _ in range(2):
            bear.vary("{a} {b}", root=True, each={"a": ["x", "y"], "b": ["p", "q", "r"]}, n=2)
    assert heard == [
        ("2 a × 1 b: 2 pictures, 2 requests, 2 without a known price.", 2),
        ("2 a × 3 b × 2 of each: 12 pictures, 10 requests, 10 without a known price; 2 there already.", 4),
    ]


def test_the_cost_is_the_list_price_of_what_is_ahead() -> None:
    """Of each model its own; what the limits leave is said where that is less."""
    bear = Session("./bear", endpoint="google", api_key="a-key-of-a-test", max_requests=1, transport=Silent())
    each = {"model": ["gemini-2.5-flash-image", OTHER], "aspect_ratio": ["1:1", "16:9"]}
    said = r"2 model × 2 aspect_ratio: 4 pictures, 4 requests, about 0\.\d{4} USD; max_requests leaves 1\."
    with pytest.warns(PromptkitWarning, match=said), pytest.raises(TransportError):
        bear.vary("a fox", root=True, each=each)


class Silent:
    """A transport to nobody."""

    def send(self, request: object) -> Any:
        raise TransportError("It is not here.", sent=False)


@said_before
def test_max_requests_holds(service: Loopback) -> None:
    """No more are sent than are allowed; what was not asked for is said, and has its place in the grid."""
    bear = Session("./bear", endpoint=service.url, max_requests=3)
    with pytest.warns(PromptkitWarning, match="Not all were asked for"):
        steps = bear.vary("A {style} fox, {palette}", root=True, each={"style": STYLES, "palette": PALETTES}, workers=1)
    assert len(service.received) == len(steps) == 3
    assert "not asked for" in str(steps)
    assert "not asked for" in steps._repr_mimebundle_()["text/html"]


# Where some fail


@said_before
def test_one_that_fails_is_a_failed_step_in_its_place(service: Loopback) -> None:
    """The others come; only where all fail it raises, with the step."""
    service.always = lambda r: text_reply("no", "IMAGE_SAFETY") if "oil" in r.text else picture_reply(png())
    bear = Session("./bear", endpoint=service.url)
    steps = bear.vary("A {style} fox, {size}", root=True, each={"style": ["ink", "oil"], "size": ["big", "small"]})
    assert [step.outcome for step in steps] == ["picture", "picture", "refused", "refused"]
    assert str(steps).splitlines()[-1].split() == ["oil", "3", "(refused)", "4", "(refused)"]
    with pytest.raises(Refused) as caught:
        bear.vary("A {style} bear", root=True, each={"style": ["oil", "oils"]})
    assert caught.value.step in bear


def test_values_that_come_to_the_same_are_asked_once(service: Loopback) -> None:
    """A choice by its key and by its words is one request, and the step stands in both places."""
    mug = one(Path("folder"), "inputs:\n  edge: {choices: {bold: bold outlines}}", "A mug with {{ edge }}.")
    steps = Session("./bear", endpoint=service.url).vary(mug, root=True, each={"edge": ["bold", "bold outlines"]})
    assert len(service.received) == 1
    assert steps[0] == steps[1]


def test_ctrl_c_stops_at_once(service: Loopback) -> None:
    """What was in flight is on record as interrupted, nothing is left under way."""
    service.always = Hang(30)
    call = "bear.vary('a {each} fox', root=True, each=['red', 'blue', 'grey'])"
    script = f"from promptkit import Session; bear = Session('./bear', endpoint={service.url!r}); {call}"
    running = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE)
    while len(service.received) < 3:
        assert running.poll() is None
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=29)
    assert b"KeyboardInterrupt" in said
    bear = Session("./bear")
    assert [step.outcome for step in bear] == ["interrupted"] * 3
    assert [step.label for step in bear] == ["red", "blue", "grey"]


# What cannot be meant


@pytest.mark.parametrize(
    ("each", "said"),
    [
        ("ink", "takes a list of values for 'each'"),
        ({"style": "ink"}, "no 'style' to vary"),
        ({"each": {"a", "b"}}, "takes a list"),
        ([], "no value"),
        ({}, "says what varies"),
        (["ink", "ink"], "'ink' twice for 'each'; n=2"),
        ([" "], "texts and numbers"),
        ([b"x"], "texts and numbers"),
        ({"models": ["x"]}, "that is 'model'"),
        ({"model": [None]}, "by their ids"),
        ({"model": ["../x"]}, "no model's name"),
        ({"aspect_ratio": ["wide"]}, "aspect_ratio is a text such as"),
        ({"aspect_ratio": ["7:1"]}, "has no aspect_ratio '7:1'"),
        ({"ratio": ["1:1"]}, "that is 'aspect_ratio'"),
        ({"references": "a.png"}, "takes a list"),
        (pandas.DataFrame({"style": ["ink"]}), "takes a list"),
    ],
)
def test_what_cannot_vary_is_refused_before_anything_is_sent(each: Any, said: str) -> None:
    """By name, with what to write instead; nothing is on disk for it."""
    bear = drafts()
    with pytest.raises(SettingsError, match=said):
        bear.vary("a fox", root=True, each=each)
    assert not bear.folder.exists()


def test_all_that_is_wrong_with_inputs_is_told_at_once() -> None:
    """Over the whole product, and a template's unknown input with the nearest name; a picture of one's own is not added for it."""
    mug = one(Path("folder"), "inputs:\n  edge: {choices: [bold, thin]}\n  text: {max_length: 3}", "A mug, {{ edge }}, {{ text }}.")
    bear = drafts()
    with pytest.raises(InputError) as caught:
        bear.vary(mug, on=png(), each={"edge": ["bold", "thick"], "text": ["owl", "owls"]})
    assert len(caught.value.problems) == 2
    with pytest.raises(SettingsError, match="did you mean 'style'"):
        bear.vary(templates.sticker, root=True, each={"stile": ["ink"]})
    assert not bear.folder.exists()


def test_a_number_of_none_and_another_call_are_refused() -> None:
    """n counts from 1 with each= too, and a call that makes one step names the one that makes several."""
    with pytest.raises(SettingsError, match=r"use vary\(each=…\)"):
        drafts().generate("a fox", each=["ink"])
    with pytest.raises(SettingsError, match="n=0"):
        drafts().vary("a fox", n=0, each=["ink"], root=True)


def test_requests_without_each_are_what_they_were(service: Loopback) -> None:
    """A sentence that is written out is the same request, so that either finds the other's step."""
    bear = Session("./bear", endpoint=service.url)
    [plain] = bear.vary("a fox. Line art.", n=1, root=True)
    [varied] = bear.vary("a fox", each=["line art"], root=True)
    assert varied == plain
    assert "varied" not in varied.meta
    assert "1 line art" in varied_html(bear)


def varied_html(bear: Session) -> str:
    return str(bear.vary("a fox", each=["line art"], root=True)._repr_mimebundle_()["text/html"])
