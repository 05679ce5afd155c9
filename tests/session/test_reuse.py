"""What is asked for is paid for once: over notebooks, the command line, templates, pictures, endpoints and the takes of vary.

What is found again; what is asked for anew in other words is tested in test_replay.py.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import pytest
from kit.loopback import Loopback, Received, error_reply, picture_reply, png, serving, text_reply

from promptkit import Library, Session, Step
from promptkit import config as settings
from promptkit.errors import LineageError, PromptkitError, PromptkitWarning

pytestmark = pytest.mark.filterwarnings("ignore:step", "ignore:same bytes")  # pictures of other sizes than those they continue


def command(*arguments: object) -> str:
    """What a command says on stderr."""
    run = [sys.executable, "-m", "promptkit", *map(str, arguments)]
    return subprocess.run(run, capture_output=True, check=True, text=True, env={**os.environ, "PYTHONUTF8": "1"}).stderr


# A notebook, a command line


CELLS = """
from promptkit import Library, Session
bear = Session("./bear", endpoint={url!r})
fox = bear.generate(Library("mine").poster(subject="a fox"))
more = fox.vary("make it night", n=2)
hat = more[0].edit("add a hat", references=["lamp.png"], anchor=fox)
rain = bear.edit("make it rain")
scarf = Session("./bear", endpoint={url!r}, model="gemini-3-pro-image").edit("add a scarf", on=rain.number)
"""
TEMPLATE = "---\ndescription: A poster\nkind: generate\ninputs: {subject: {}}\nconfig: {image_size: 2K}\n---\nA poster of {{ subject }}"


@pytest.mark.slow
@pytest.mark.parametrize("named", [True, False], ids=["endpoint named", "endpoint of the head"])
def test_a_notebook_that_is_run_again_sends_nothing(service: Loopback, monkeypatch: pytest.MonkeyPatch, named: bool) -> None:
    """Whatever a notebook does, with variants, hints and a second model, its second run from the top asks for nothing."""
    Path("mine").mkdir()
    Path("mine/poster.j2").write_text(TEMPLATE)
    Path("lamp.png").write_bytes(png("blue"))
    cells = CELLS.format(url=service.url).strip().splitlines()
    if not named:  # the endpoint and the model are then the head's, and that is another one when the notebook begins again
        settings.config_file().parent.mkdir(parents=True)
        settings.config_file().write_text(f'[endpoints.work]\nbase_url = "{service.url}"\nauth = "none"\n')
        monkeypatch.setenv("PROMPTKIT_ENDPOINT", "work")
        cells = [c.replace(f", endpoint={service.url!r}", "") for c in cells]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    sent = []
    for _ in range(2):
        nbformat.write(notebook, "n.ipynb")
        subprocess.run([sys.executable, "-m", "kit.notebook", "n.ipynb", "."], check=True, capture_output=True)
        sent.append(len(service.received))
    assert sent == [6, 6]


@pytest.mark.slow
def test_the_same_commands_again_send_nothing(service: Loopback) -> None:
    """Each command is a process of its own; the second time it says that the step is reused, and --fresh asks anew."""
    on = ("-s", "./bear", "-e", service.url)
    commands = [
        ("generate", "a fox", "--temperature", "1", *on),
        ("edit", "add a hat", *on, "--on", 1),
        ("vary", "make it night", "-n", 2, *on, "--on", 2),
    ]
    first, second = ([command(*c) for c in commands] for _ in range(2))
    assert len(service.received) == 4
    assert "reused" not in "".join(first)
    assert [said.count("(reused, nothing was sent)") for said in second] == [1, 1, 2]
    assert "reused" not in "".join(command(*c, "--fresh") for c in commands)
    assert len(service.received) == 8


def test_the_command_line_and_a_notebook_share_what_was_asked_for(service: Loopback) -> None:
    """A whole number and the same with a point ask for the same thing."""
    command("generate", "a fox", "--temperature", "1", "-s", "./bear", "-e", service.url)
    bear = Session("./bear", endpoint=service.url)
    assert bear.generate("a fox", temperature=1).reused
    assert bear.generate("a fox", temperature=1.0).reused
    assert not bear.generate("a fox", temperature=1.5).reused


# Templates


def poster(words: str = "A poster of {{ subject }}.", about: str = "A poster", **config: Any) -> Any:
    """The prompt of a template in a file, as it stands there now."""
    Path("mine").mkdir(exist_ok=True)
    hints = ", ".join(f'{k}: "{v}"' for k, v in config.items())
    front = f"description: {about}\nkind: generate\ninputs: {{subject: {{default: a fox}}}}\nconfig: {{{hints}}}"
    Path("mine/poster.j2").write_text(f"---\n{front}\n---\n{words}\n")
    return Library("mine").poster()


def test_a_template_whose_words_change_is_asked_for_and_one_that_says_the_same_is_not(service: Loopback) -> None:
    """What counts is what is sent: other words and other hints; not a comment, a description, or the template's name."""
    bear = Session("./bear", endpoint=service.url)
    fox = bear.generate(poster())
    assert bear.generate(poster("{# as the team wants it #}A poster of {{ subject }}.", about="A poster, on paper")) == fox
    assert bear.generate("A poster of a fox.") == fox
    assert bear.generate(poster("A big poster of {{ subject }}.")) != fox
    assert bear.generate(poster(aspect_ratio="16:9")) != fox
    assert len(service.received) == 3
    assert bear.generate(poster()) == fox
    assert len(service.received) == 3


# Pictures


@pytest.mark.parametrize("role", ["on", "references", "anchor"])
def test_a_picture_counts_by_its_bytes_and_not_by_its_name(service: Loopback, role: str) -> None:
    """A file that holds another picture now is another request; the same picture under another name is not."""
    bear = Session("./bear", endpoint=service.url)
    fox = bear.generate("a fox")

    def edit(name: str) -> Step:
        return bear.edit("add a hat", **{"on": fox, role: name})

    Path("lamp.png").write_bytes(png("blue"))
    Path("same.png").write_bytes(png("blue"))
    first = edit("lamp.png")
    assert edit("same.png") == first
    assert first.sources[-1].data == png("blue")
    Path("lamp.png").write_bytes(png("green"))
    second = edit("lamp.png")
    assert second != first
    assert second.sources[-1].data == png("green")
    assert len(service.received) == 3


def test_an_anchor_that_is_the_very_picture_is_not_sent_twice(service: Loopback) -> None:
    """A loop that anchors each edit in the root has the root as its base the first time."""
    step = root = Session("./bear", endpoint=service.url).generate("a fox")
    for words in ("add a hat", "make it night"):
        step = step.edit(words, anchor=root)
    assert [len(r.pictures) for r in service.received] == [0, 1, 2]


# Endpoints, models, chains


def test_each_service_is_asked_for_itself(service: Loopback) -> None:
    """The same words at another endpoint are another request, and back at the first one they are not."""
    with serving() as other:
        steps = [Session("./bear", endpoint=url).generate("a fox") for url in (service.url, other.url, service.url)]
        assert (len(service.received), len(other.received)) == (1, 1)
    assert steps[0] == steps[2] != steps[1]


def test_a_draft_stands_for_no_picture_of_a_service(service: Loopback) -> None:
    """What was drafted offline is asked for when a service is named."""
    Session("./bear", endpoint="offline").generate("a fox")
    assert not Session("./bear", endpoint=service.url).generate("a fox").reused
    assert Session("./bear", endpoint="offline").generate("a fox").reused


def test_a_chain_that_talks_asks_for_itself(service: Loopback) -> None:
    """The picture alone and the whole conversation are two requests."""
    sessions = (Session("./bear", endpoint=service.url, chain=chain) for chain in ("picture", "chat", "picture"))
    edits = [session.edit("add a hat", on=png("red")) for session in sessions]
    assert len(service.received) == 2
    assert edits[0] == edits[2] != edits[1]


def test_a_damaged_picture_in_the_middle_stops_before_all_its_edits_are_paid_for(service: Loopback) -> None:
    """What follows a picture that is gone would be other requests then; with the file put back they are there again."""

    def chain() -> list[Step]:
        steps = [Session("./bear", endpoint=service.url).generate("a fox")]
        for words in ("add a hat", "make it night"):
            steps.append(steps[-1].edit(words))
        return steps

    steps = chain()
    picture = steps[1].files[0]
    whole = picture.read_bytes()
    picture.write_bytes(whole[:100])
    with pytest.raises(LineageError, match=rf"its picture \({picture.name}\) is missing or damaged: put the file back.*fresh=True"):
        chain()
    assert len(service.received) == 3
    picture.write_bytes(whole)
    assert chain() == steps


def test_a_picture_that_is_lost_is_asked_for_anew_only_with_fresh(service: Loopback) -> None:
    """Damaged or gone, of one request or of several; what fresh brings is found by the same call without it from then on."""
    bear = Session("./bear", endpoint=service.url)
    fox = bear.generate("a fox")
    pair = bear.vary("an owl", n=2, root=True)
    fox.files[0].unlink()
    pair[1].files[0].write_bytes(b"?")
    for asks in (lambda: bear.generate("a fox"), lambda: bear.vary("an owl", n=2, root=True)):
        with pytest.raises(LineageError, match="pays again"):
            asks()
    assert (len(service.received), len(bear)) == (3, 3)
    again = bear.generate("a fox", fresh=True)
    assert (again.reused, bear.generate("a fox")) == (False, again)
    assert not bear.vary("an owl", n=1, root=True, fresh=True)[0].reused
    assert len(service.received) == 5


# Takes


def test_only_the_takes_that_failed_are_asked_for_again(service: Loopback) -> None:
    """vary, called again, asks for what is missing, with the seeds that it had."""
    bear = Session("./bear", endpoint=service.url)
    service.say(picture_reply(png("red")), text_reply("no", "IMAGE_SAFETY"), picture_reply(png("blue")))
    first = bear.vary("a fox", n=3, root=True, workers=1)
    assert [s.ok for s in first] == [True, False, True]
    second = bear.vary("a fox", n=3, root=True, workers=1)
    assert [s.reused for s in second] == [True, False, True]
    assert len(service.received) == 4
    assert service.received[3].body == service.received[1].body


def test_seeds_of_ones_own_are_found_again_and_fresh_goes_past_them(service: Loopback) -> None:
    """A seed that was given counts as part of the request, in vary too."""
    bear = Session("./bear", endpoint=service.url)
    assert bear.vary("a fox", n=2, root=True, seed=7) == bear.vary("a fox", n=2, root=True, seed=7)
    assert [s.record.request["config"]["seed"] for s in bear.vary("a fox", n=2, root=True, seed=7, fresh=True)] == [9, 10]
    assert bear.generate("a fox", seed=7).reused, "the first of the variants"
    assert not bear.generate("a fox", seed=11).reused
    assert len(service.received) == 5


def test_fresh_after_a_failure_asks_once_and_is_found_afterwards(service: Loopback) -> None:
    """A take that failed is still to be had, so that the next call without `fresh` brings what `fresh` brought."""
    bear = Session("./bear", endpoint=service.url)
    service.say(error_reply(400, "no"))
    with pytest.raises(PromptkitError):
        bear.generate("a fox")
    fox = bear.generate("a fox", fresh=True)
    assert bear.generate("a fox") == fox
    assert bear.generate("a fox", fresh=True) != fox
    assert len(service.received) == 3


# At the same moment


def test_threads_with_the_same_request_share_its_picture(service: Loopback) -> None:
    """Of eight threads, in two Sessions on one folder, one asks, and all have its step."""
    service.always = lambda received: picture_reply(png())
    sessions = [Session("./bear", endpoint=service.url) for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        steps = list(pool.map(lambda i: sessions[i % 2].generate("a fox"), range(8)))
    assert len(set(steps)) == len(service.received) == 1
    assert sorted(s.reused for s in steps) == [False] + [True] * 7


@pytest.mark.parametrize("call", ["vary", "edit a file", "replay"])
def test_threads_with_the_same_work_do_it_once(service: Loopback, call: str) -> None:
    """The same variants, the same edit of a picture of one's own and the same replay are asked for once, whoever comes first."""
    Path("lamp.png").write_bytes(png("blue"))
    bear = Session("./bear", endpoint=service.url)
    Session("./cat", endpoint=service.url).edit("add a hat", on="lamp.png")
    calls = {
        "vary": lambda: list(bear.vary("a fox", n=2, root=True)),
        "edit a file": lambda: [bear.edit("add a hat", on="lamp.png")],
        "replay": lambda: list(Session("./cat").replay(bear)),
    }
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: calls[call](), range(4)))
    assert all(steps == done[0] for steps in done)
    assert len(bear) == 2
    assert len(service.received) - 1 == (2 if call == "vary" else 1)


def test_other_requests_do_not_wait(service: Loopback) -> None:
    """Threads with other words are on their way together."""
    meeting = []

    def paint(received: Received) -> object:
        meeting.append(received.text)
        while len(meeting) < 2:
            service.over.wait(0.01)
        return picture_reply(png())

    service.always = paint
    bear = Session("./bear", endpoint=service.url)
    with ThreadPoolExecutor(2) as pool:
        assert all(s.ok for s in pool.map(bear.generate, ["a fox", "an owl"]))


# Saying so


def test_a_reused_step_says_so(service: Loopback, caplog: pytest.LogCaptureFixture) -> None:
    """One line: in the log, in what Python shows of the step, and on its card and a strip in a notebook."""
    caplog.set_level(logging.INFO, "promptkit")
    bear = Session("./bear", endpoint=service.url)
    fox = bear.generate("a fox")
    assert not fox.reused
    assert "reused" not in repr(fox) + fox._repr_mimebundle_()["text/html"]
    again = bear.generate("a fox")
    assert again.reused
    assert [r.getMessage() for r in caplog.records if "step 1" in r.getMessage()] == ["step 1 is this very request; nothing was sent"]
    assert "reused" in repr(again)
    assert "reused" in again._repr_mimebundle_()["text/html"]
    first, second = (bear.vary("make it night", n=2) for _ in range(2))
    assert "reused" not in str(first._repr_mimebundle_())
    assert all("reused" in shown for shown in second._repr_mimebundle_().values())


def test_a_reused_step_keeps_its_label_and_says_so(service: Loopback) -> None:
    """A record is never rewritten: another label for the same request is a warning, and the same one or none is not."""
    bear = Session("./bear", endpoint=service.url)
    bear.generate("a fox", label="first")
    with pytest.warns(PromptkitWarning, match=r"Step 1 is reused, and keeps its label 'first'; fresh=True"):
        bear.generate("a fox", label="second")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert bear.generate("a fox", label="first").reused
        assert bear.generate("a fox").reused
