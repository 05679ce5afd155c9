"""vary --each: from the line to what varies, and what is printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kit.loopback import png
from kit.shell import run

from promptkit import Session, templates

HERE = ("-e", "offline", "-s", "./bear", "--root")


def test_one_each_for_each_value_of_a_template() -> None:
    """No commas part them; what is not varied is given with -i, the product is said first, and a table of the steps last."""
    line = ("vary", "-t", "sticker", "-i", "subject=fox", "--each", "style=ink, soft", "--each", "style=kawaii", "--each", "palette=neon")
    paths, said = run(*line, *HERE)
    bear = Session("./bear")
    expected = [templates.sticker(subject="fox", style=style, palette="neon") for style in ("ink, soft", "kawaii")]
    assert [step.prompt for step in bear] == expected
    assert len(paths.splitlines()) == 2
    assert said.splitlines()[0] == "promptkit: 2 style × 1 palette: 2 pictures, 2 requests for offline drafts, which cost nothing."
    assert said.splitlines()[-3:] == ["style \\ palette  neon", "ink, soft        1", "kawaii           2"]
    assert "ink, soft · neon" in run("log", "-s", "./bear")[0]
    assert "reused" in run(*line, *HERE)[1]


def test_a_required_input_may_be_what_varies() -> None:
    """It needs no -i then; values are of the declared type, and @FILE is a file's text."""
    Path("panda.txt").write_text("red panda\n")
    run("vary", "-t", "sticker", "--each", "subject=fox", "--each", "subject=@panda.txt", *HERE)
    assert [s.prompt.inputs["subject"] for s in Session("./bear") if s.prompt] == ["fox", "red panda"]


def test_words_places_pictures_models_and_options() -> None:
    """Words without a name are a sentence; a name is a place in the prompt, or what goes along; -n is n of each."""
    Path("mine.png").write_bytes(png())
    run("vary", "a fox", "--each", "line art", "--each", "a poster that says E=mc2", *HERE)
    run("vary", "a {kind} fox", "--each", "kind=red", "-n", "2", *HERE)
    run("vary", "a fox", "--each", "references=@mine.png", *HERE)
    run("vary", "a fox", "--each", "model=gemini-3-pro-image", "--each", "aspect-ratio=16:9", "--each", "temperature=0.5", *HERE)
    bear = Session("./bear")
    expected = ["a fox. Line art.", "a fox. A poster that says E=mc2.", "a red fox", "a red fox"]
    assert [step.prompt for step in bear][:4] == expected
    assert (len(bear[5].sources), bear[5].label) == (1, "mine.png")
    config = bear[6].record.request["config"]
    assert (bear[6].model, config["aspect_ratio"], config["temperature"]) == ("gemini-3-pro-image", "16:9", 0.5)


def test_json_says_what_varied_on_each_line() -> None:
    """The flat objects alone; no table stands among them."""
    out, said = run("vary", "a {kind} fox", "--each", "kind=red", "--each", "kind=grey", *HERE, "--json")
    assert [json.loads(line)["varied.kind"] for line in out.splitlines()] == ["red", "grey"]
    assert said == ""


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (("a fox", "--each", "E=mc2"), 1, "--each each=… is a sentence"),
        (("a fox", "--each", "kind="), 1, "no 'kind' to vary"),
        (("-t", "sticker", "-i", "subject=a", "--each", "subject=b"), 2, "given with -i and varies"),
        (("a fox", "-t", "sticker", "--each", "subject=b"), 2, "not both"),
        (("-t", "sticker", "--each", "stile=b", "-i", "subject=a"), 1, "did you mean 'style'"),
        (("a fox", "--each", "temperature=hot"), 1, "temperature is a number"),
        (("a fox", "--each", "red", "--each", "red"), 1, "--each has 'red' twice for 'each'; -n 2"),
    ],
)
def test_what_cannot_vary_is_told_in_the_shells_words(line: tuple[str, ...], code: int, said: str) -> None:
    """With the exit status of its kind, before anything is sent."""
    assert said in run("vary", *line, *HERE, code=code)[1]
    assert not Path("bear").exists()
