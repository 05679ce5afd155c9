"""--json: flat objects on stdout, the same as Python's; errors, warnings and notes as objects on stderr."""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.json_objects import KINDS, described
from kit.shell import run
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from promptkit import Session, find, sessions, templates
from promptkit.cli.main import GROUPS, build_parser


@pytest.fixture
def bear() -> Session:
    session = Session("./bear", endpoint="offline")
    session.generate("a red panda").edit("Make it night")
    return session


def objects(*arguments: object, code: int = 0) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What the command prints on stdout and on stderr, each line read as JSON, and found to be what the schema says."""
    out, said = run(*arguments, "--json", code=code)
    printed, told = ([json.loads(line) for line in text.splitlines()] for text in (out, said))
    values = [item for each in printed + told for value in each.values() for item in (value if isinstance(value, list) else [value])]
    assert all(type(item) in (str, int, float, bool, type(None)) for item in values)
    described(printed + told)
    return printed, told


def leaves(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield parser
    for action in below:
        for each in action.choices.values():
            yield from leaves(each)


def test_every_command_has_json() -> None:
    """Also those below `promptkit templates`."""
    for group, commands in GROUPS.items():
        found = {parser.prog: parser for parser in leaves(build_parser(group)) if parser.prog.split()[1] in commands}
        assert found
        assert [name for name, parser in found.items() if "--json" not in parser._option_string_actions] == []


def test_commands_print_what_python_gives(bear: Session) -> None:
    """The keys and values are the same."""
    assert objects("log", "-s", "./bear")[0] == bear.to_dicts()
    assert objects("log", "-s", "./bear", "--cost")[0] == bear.spending.to_dicts()
    assert objects("show", "-s", "./bear", "--changes")[0] == bear.explain(measured=True).to_dicts()
    assert objects("sessions", ".")[0] == sessions(".").to_dicts()
    assert objects("find", "panda", "--in", ".")[0] == find("panda", ".").to_dicts()
    assert objects("undo", "-s", "./bear")[0] == [bear[1].to_dict()]
    assert objects("render", "-t", "sticker", "-i", "subject=fox")[0] == [templates.sticker(subject="fox").to_dict()]
    assert objects("templates")[0][0] == next(iter(templates)).to_dict()
    assert objects("tag", "kept", "2", "-s", "./bear")[0][0]["tags"] == ["kept"]
    again = bear.replay(Session("./again", endpoint="offline"), dry_run=True)
    assert objects("replay", "-s", "./bear", "--step", "2", "--into", "./again", "--dry-run")[0] == again.to_dicts()


@pytest.mark.parametrize(
    "command",
    [
        *("verify -s ./bear", "page -s ./bear", "export -s ./bear", "save -s ./bear -o a.png --embed", "price google"),
        *("templates show sticker", "forget 2 -s ./bear --words"),
        *("templates check", "templates check --codes", "templates render -t sticker", "templates new fox .", "demo", "goto 1 -s ./bear"),
        *("add one.png -s ./bear", "which one.png --in .", "vary a -n 2 -e offline -s ./bear", "squash 2 2 -s ./bear -e offline --fresh"),
    ],
)
def test_each_line_is_an_object(bear: Session, command: str) -> None:
    """On both streams, and each says its kind."""
    bear[1].save("one.png")
    printed, told = objects(*command.split(), code=1 if command.startswith("squash") else 0)
    assert all(each["schema"].startswith("promptkit.") for each in printed + told)
    assert printed or command.startswith(("verify", "templates check", "squash"))


def test_a_copy_is_one_object_more(bear: Session) -> None:
    """The step first, then the file that -o names; a picture's own lineage is printed in objects too."""
    step, copy = objects("generate", "a fox", "-e", "offline", "-s", "./fox", "-o", "fox.png")[0]
    assert (step["schema"], copy) == ("promptkit.step/1", {"schema": "promptkit.file/1", "file": "fox.png", "step": 1})
    run("save", "-s", "./bear", "-o", "in.png", "--embed")
    assert [each["step"] for each in objects("embedded", "in.png")[0]] == [1, 2]


def test_an_error_is_one_object_on_stderr(bear: Session) -> None:
    """With its class, advice, and whether it cost something; the exit status stays, and stdout is empty."""
    printed, (error,) = objects("goto", "99", "-s", "./bear", code=1)
    assert printed == []
    assert (error["schema"], error["error"], error["charged"]) == ("promptkit.error/1", "StepNotFound", False)
    assert error["advice"]
    printed, told = objects("generate", "Why?", "-e", "offline", "-s", "./why", "--recover", "0", code=3)
    assert (printed, told[-1]["error"], told[-1]["step"], told[-1]["charged"]) == ([], "NoPicture", 1, False)


def test_a_wrong_command_line_is_an_object_too() -> None:
    """Whether the parser or the command finds it."""
    for arguments in (["undo"], ["templates", "render"]):
        assert objects(*arguments, code=2)[1][0]["error"] == "UsageError"
    assert run("undo", code=2)[1].startswith("promptkit: "), "and what comes after is in words again"
    assert not Path("promptkit-demo").exists()


def test_a_forgotten_step_has_no_picture(bear: Session) -> None:
    """A program that reads the steps is not sent to a file that is gone; the step says when it was forgotten."""
    run("forget", "2", "-s", "./bear")
    step = objects("log", "-s", "./bear")[0][1]
    assert (step["ok"], step["picture"], step["pictures"], step["by_hand"]) == (True, None, [], False)
    assert step["forgotten"].endswith("Z")


def test_a_warning_speaks_the_shells_words(bear: Session) -> None:
    """What is to be typed next is a command line."""
    retouched = bear[2].picture.image.copy()
    retouched.paste((200, 30, 30), (40, 40, 90, 90))
    retouched.save("retouched.png")
    _, (warning, *_) = objects("add", "retouched.png", "-s", "./bear")
    assert warning["level"] == "warning"
    assert "`promptkit add FILE --on 2`" in warning["message"]


def test_commands_print_every_kind_that_is_described(bear: Session) -> None:
    """Each kind in the schema is one that a command prints, but for `changes`, which stands within a step that is explained."""
    bear[1].save("one.png")
    run("save", "-s", "./bear", "-o", "in.png", "--embed")
    Path("mine").mkdir()
    hat, snapshot = Path("mine/hat.j2"), Path("kept/hat.1.en.txt")
    hat.write_text("---\ndescription: A hat\nkind: generate\nexamples:\n  - inputs: {}\n---\nA hat.\n", encoding="utf-8")
    run("templates", "render", "mine", "-o", "kept")
    snapshot.write_text("A cap.\n", encoding="utf-8")
    found: set[str] = set()

    def see(command: str, *, code: int = 0) -> None:
        printed, told = objects(*command.split(), code=code)
        found.update(described(printed + told))

    for command in ("log", "log --cost", "show --changes", "page", "tag x 1", "forget 2 --dry-run", "replay --into ./again --dry-run"):
        see(f"{command} -s ./bear")
    for command in ("sessions .", "find panda --in .", "which one.png --in .", "embedded in.png", "price google", "templates"):
        see(command)
    Path("mail.txt").write_text("1 keep", encoding="utf-8")
    for command in ("reference panda 1", "mark 1 reject", "marks mail.txt", "drift"):
        see(f"{command} -s ./bear")
    for command in ("doctor", "completion bash"):
        see(command)
    for command in ("templates check --codes", "templates render mine", "render -t sticker -i subject=fox"):
        see(command)
    see("templates test mine -o kept", code=1)
    for words in ("init -q", "add mine", "-c user.name=A -c user.email=a@example.com commit -q -m first"):
        subprocess.run(["git", *words.split()], check=True)
    hat.write_text(hat.read_text(encoding="utf-8").replace("A hat.", "A cap."), encoding="utf-8")
    see("templates diff HEAD mine")
    hat.write_text("---\nkind: [\n---\n", encoding="utf-8")
    see("templates check mine", code=1)
    fields = PngInfo()
    fields.add_text("parameters", "a hat\nSteps: 20, Sampler: Euler a, Seed: 7")
    Image.new("RGB", (8, 6)).save("another-tools.png", pnginfo=fields)
    see("embedded another-tools.png")
    Path("animals.csv").write_text("label,subject\nfox,red fox\n")
    see("run animals.csv -t sticker --into r -e offline --dry-run")
    see("run animals.csv -t sticker --into r -e offline")
    see("goto 99 -s ./bear", code=1)
    bear[2].files[0].unlink()
    see("verify -s ./bear", code=1)
    assert found == set(KINDS) - {"changes", "address"}  # `page --serve` prints that, and ends with Ctrl-C: tests/cli/test_page.py
