"""The command line, run as a person runs it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from kit.loopback import Loopback, error_reply, png, text_reply
from kit.shell import run, run_bytes, run_process

from promptkit import Session
from promptkit.cli.main import GROUPS, build_parser

QUOTED_BEAR = (
    "A kawaii sticker of a happy bear, featuring big round eyes and a bright, bold color palette. "
    "The design should have clear outlines and simple cel shading. The background must be white."
)


@pytest.mark.slow
def test_the_demo_shows_the_whole_thing_and_commands_that_work() -> None:
    """demo needs no key and no network; its tree, its page and the commands that it prints are real; a second run has its own folder."""
    out, _ = run_process("demo")
    bear = Session("./promptkit-demo")
    assert [s.outcome for s in bear] == ["picture"] * 4
    assert [len(s.attempts) for s in bear] == [1, 1, 1, 2]
    assert len(bear.children(1)) == 2
    assert bear.tags["for the client"] == bear.head == bear[3]
    for step in bear:
        assert f"{step.number} " in out
        assert str(step.files[0]) in out
    assert "Put a small white alpaca beside it" in out
    assert Path("promptkit-demo/page.html").is_file()
    commands = [line.strip() for line in out.splitlines() if " -s ./promptkit-demo" in line]
    assert len(commands) >= 3
    for command in commands:
        subprocess.run(command, shell=True, check=True, capture_output=True)
    assert len(Session("./promptkit-demo")) == 4 + sum(" edit " in c for c in commands)
    assert "promptkit-demo-2" in run_process("demo")[0]


def test_the_demo_ends_with_its_page_and_opens_it(tmp_path: Path) -> None:
    """The last line is where the page is; --open has the user's browser open it, and where there is none says so."""
    opened, browser = tmp_path / "opened", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o755)
    out, said = run_bytes("demo", "--open", BROWSER=str(browser))
    assert out.decode().splitlines()[-1] == f"The page with all pictures: {Path('promptkit-demo/page.html')}"
    assert opened.read_text().strip() == Path("promptkit-demo/page.html").absolute().as_uri()
    _, said = run_bytes("demo", "--open", BROWSER="", DISPLAY="", WAYLAND_DISPLAY="")
    assert "promptkit-demo-2" in said or sys.platform in ("darwin", "win32")



def test_templates_and_render() -> None:
    """templates lists them and shows one; render prints the prompt, with inputs from the line and from files."""
    assert "edit.style_transfer" in run("templates")[0]
    assert "subject" in run("templates", "sticker")[0]
    Path("eyes.txt").write_text("big round eyes\n", encoding="utf-8")
    inputs = ["style=kawaii", "subject=happy bear", "characteristics=@eyes.txt", "palette=bright, bold color palette"]
    inputs += ["line_style=clear outlines", "shading_style=simple cel shading"]
    assert run("render", "-t", "sticker", *(x for i in inputs for x in ("-i", i)))[0] == QUOTED_BEAR + "\n"
    Path("mine").mkdir()
    front = "description: A moon\nkind: generate\ninputs:\n  size: {type: integer}"
    Path("mine/moon.j2").write_text(f"---\n{front}\n---\nA moon of {{{{ size }}}}.\n")
    assert run_process("render", "-L", "mine", "-t", "moon", "-i", "size=3")[0] == "A moon of 3.\n"


def test_a_broken_template_does_not_hide_the_others() -> None:
    """The list shows all templates, and what is wrong with one of them in its line."""
    Path("mine").mkdir()
    Path("mine/bad.j2").write_text("---\nkind: [\n---\n")
    out, _ = run_process("templates", "-L", "mine")
    assert re.search(r"^bad +broken .*bad\.j2", out, re.MULTILINE)
    assert "sticker " in out


def test_a_session_from_the_shell() -> None:
    """generate, edit, vary, undo, redo, goto, tag, log, verify and page do their part; picture paths alone go to stdout."""
    on = ("-s", "./bear", "-e", "offline")
    out, said = run("generate", "-t", "sticker", "-i", "subject=red panda", *on, "-o", "panda.png")
    assert out == "panda.png\n"
    assert said.startswith("1 A kawaii sticker")
    hat = run("edit", "add a hat", *on)[0].strip()
    assert Path(hat).is_file()
    run("edit", "-t", "edit.style_transfer", "-i", "style=watercolour", "-s", "./bear", "--on", 1, "--label", "wet")
    assert "reused" in run("edit", "add a hat", *on, "--on", 1)[1]
    assert len(run("vary", "make it night", "-n", 3, *on)[0].splitlines()) == 3
    assert run("undo", "-s", "./bear")[1].startswith("1 ")
    assert run("redo", "-s", "./bear")[1].startswith("2 ")
    assert run("goto", 3, "-s", "./bear")[1] .startswith("3 wet")
    run("tag", "for the client", "-s", "./bear")
    log = run("log", "-s", "./bear")[0]
    assert "3 wet [for the client] <- head" in log
    assert "no longer step 3" in run("tag", "for the client", 2, "-s", "./bear")[1]
    assert hat in run("log", "--files", "-s", "./bear")[0]
    assert run("verify", "-s", "./bear") == ("", "all files are as they were recorded\n")
    page = Path(run("page", "-s", "./bear")[0].strip())
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert Path(run("page", "-s", "./bear", "-o", "sheet.png")[0].strip()).read_bytes()[:4] == b"\x89PNG"
    Path(hat).write_bytes(b"?")
    assert "step 2" in run("verify", "-s", "./bear", code=1)[0]


def test_a_picture_of_ones_own_and_references(service: Loopback) -> None:
    """--on takes a file, -r takes steps and files, and add makes a root."""
    Path("own.png").write_bytes(png("green"))
    run("add", "own.png", "-s", "./bear")
    run("edit", "together", "-s", "./bear", "-e", service.url, "-m", "m", "--on", "own.png", "-r", "1", "-r", "./own.png")
    assert service.received[0].pictures == [png("green")] * 3


def test_without_a_key_each_key_has_a_line() -> None:
    """The one error that is a list: a line for each of the three keys between what is missing and what else there is; nothing is made."""
    out, said = run("generate", "a fox", "-s", "./new", code=1)
    first, *keys, last = said.splitlines()
    assert (out, first) == ("", "promptkit: No endpoint is named, and no key decides which one is meant:")
    assert [line.split(":")[0] for line in keys] == ["  google", "  deerapi", "  aaigc"]
    assert last.endswith("with -e offline.")
    assert not Path("new").exists()


def test_the_exit_status_says_what_kind_of_failure(service: Loopback) -> None:
    """1 an error, 2 a wrong command line, 3 no picture, 4 no credit; one sentence on stderr each."""
    here = ("-s", "./bear", "-e", service.url)
    service.say(text_reply(), text_reply(), text_reply(), error_reply(403, "", code="insufficient_user_quota"))
    assert "without a picture" in run("generate", "a fox", *here, code=3)[1]
    assert "balance" in run("generate", "a fox", *here, code=4)[1]
    for arguments, status, hint in [
        (("generate", "sticker", *here), 2, "-t sticker"),
        (("generate", "a fox", "-i", "a=b", *here), 2, "-t"),
        (("generate", *here), 2, "prompt"),
        (("generate", "a fox", "-t", "sticker", *here), 2, "not both"),
        (("render", "-t", "stikcer"), 1, "'sticker'"),
        (("render", "-t", "sticker", "-i", "subjet=bear"), 1, "'subject'"),
        (("render", "-t", "sticker", "-i", "subject"), 2, "NAME=VALUE"),
        (("render", "-t", "sticker", "-i", "subject=@nothing"), 1, "nothing"),
        (("log", "-s", "./none"), 1, "no session"),
        (("undo", "-s", "./none"), 1, "no session"),
        (("undo", "-s", "./bera"), 1, "'bear'"),
        (("edit", "hat", "-s", "./bera", "-e", "offline"), 1, "'bear'"),
        (("generate", "-t", "edit.style_transfer", "-i", "style=ink", *here), 1, "edits a picture"),
        (("generate", "a fox", *here, "-o", "fox.xyz"), 1, ".png"),
        (("generate", "a fox", *here, "-o", "."), 1, ".png"),
        (("render", "-t", "sticker", "-i", "lang=ja", "-i", "subject=x"), 2, "--lang"),
        (("render", "-t", "edit"), 1, "edit.style_transfer"),
        (("templates", "edit"), 1, "edit.style_transfer"),
        (("vary", "-i", "a=b", *here), 2, "-t"),
        (("page", "-s", "./bear", "-o", "."), 1, "is a folder"),
        (("page", "-s", "./bear", "-o", "/proc/x.html"), 1, "/proc/x.html"),
        (("edit", "x", *here, "--on", "x" * 300), 1, "no step"),
        (("generate", "a fox", "-s", "x" * 300, "-e", "offline"), 1, "shorter"),
        (("generate", "a fox", "-s", "./bear", "-e", "localhost:1"), 1, "http://localhost:1"),
        (("goto", "77", "-s", "./bear"), 1, "no step 77"),
        (("edit", "x", *here, "--on", "./none.png"), 1, "none.png"),
        (("generate", "a fox", "-s", "./bear", "-e", "gogle"), 1, "'google'"),
    ]:
        said = run(*arguments, code=status)[1]
        assert hint in said, said
        assert len(said.strip().splitlines()) == (5 if hint == "GEMINI_API_KEY" else 1)  # where a key is missing, a line for each
    assert not Path("none").exists()
    assert not Path("new").exists()


def test_the_painter_answers_other_clients() -> None:
    """painter serves generateContent on loopback until it is stopped."""
    command = [sys.executable, "-m", "promptkit", "painter", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as painter:
        assert painter.stderr is not None
        url = next(word for word in painter.stderr.readline().split() if word.startswith("http://127.0.0.1:"))
        out, _ = run("generate", "a fox", "-s", "./bear", "-e", url)
        assert "--port 0" in run("painter", "--port", url.rpartition(":")[2], code=1)[1]
        painter.terminate()
    assert Path(out.strip()).is_file()


def test_paths_with_spaces_can_be_pasted() -> None:
    """The lines that demo prints keep working from a folder with spaces in its name."""
    Path("my work").mkdir()
    os.chdir("my work")
    line = next(line for line in run_process("demo")[0].splitlines() if " log -s" in line)
    assert "sticker" in subprocess.run(line, shell=True, check=True, capture_output=True, text=True).stdout
    assert shlex.split(line)[-1] == "./promptkit-demo"


def test_the_log_of_a_record_is_what_was_sent(service: Loopback) -> None:
    """What the command line asks for is recorded as it was given, the template with its inputs."""
    run("generate", "-t", "logo", "-i", "concept=a café", "-i", "text=“Fin”", "-s", "./bär", "-e", service.url)
    record = json.loads(next(Path("bär").glob("0001-*.json")).read_text(encoding="utf-8"))
    assert record["prompt"]["inputs"] == {"concept": "a café", "text": "“Fin”"}
    assert record["prompt"]["text"] == service.received[0].text


def test_a_copy_that_cannot_be_written_does_not_hide_the_picture() -> None:
    """Where -o fails after the picture is there, its path in the session is printed all the same."""
    out, said = run("generate", "a fox", "-s", "./bear", "-e", "offline", "-o", "/proc/x.png", code=1)
    assert Path(out.strip()).is_file()
    assert "/proc/x.png" in said


def test_what_is_recorded_cannot_drive_the_terminal(service: Loopback) -> None:
    """Control characters in prompts, tags and replies are shown as such and never sent to the terminal."""
    service.say(error_reply(400, "no\x1b[2J"))
    assert "\x1b" not in run("generate", "a \x1b]0;owned\x07 fox", "-s", "./bear", "-e", service.url, code=1)[1]
    run("generate", "a \x1b]0;owned\x07 fox", "-s", "./bear", "-e", service.url)
    run("tag", "\x1b[31mred", "-s", "./bear")
    log = run("log", "-s", "./bear")[0]
    assert "\x1b" not in log
    assert "owned" in log


def test_a_full_disk_behind_stdout_is_said() -> None:
    """When the output cannot be written, one line says so."""
    run("generate", "a fox", "-s", "./bear", "-e", "offline")
    done = subprocess.run(f"{sys.executable} -m promptkit log -s ./bear > /dev/full", shell=True, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "cannot be written" in done.stderr


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("edit", "--help")])
def test_help_says_how(arguments: tuple[str, ...]) -> None:
    """--help and --version print and end well."""
    assert "promptkit" in run(*arguments)[0]


def test_a_path_that_is_no_text_is_printed_as_its_bytes() -> None:
    """What stdout names can be opened, whatever bytes its name has; a page of such a session is whole."""
    folder = os.fsdecode(b"caf\xe9")
    Session(f"./{folder}", endpoint="offline").generate("a cup of coffee")
    done = subprocess.run([sys.executable, "-m", "promptkit", "sessions", "."], capture_output=True, check=True)
    assert done.stdout.endswith(b"/caf\xe9" + os.linesep.encode())
    assert Path(os.fsdecode(done.stdout.rstrip())).is_dir()
    page = subprocess.run([sys.executable, "-m", "promptkit", "page", "-s", f"./{folder}"], capture_output=True, check=True).stdout
    assert "caf⟨U+DCE9⟩</h1>" in Path(os.fsdecode(page.rstrip())).read_text("utf-8")


def test_no_command_shows_all_of_them_and_where_to_begin() -> None:
    """Alone, promptkit lists its commands and names the first one to try; the exit status is that of a wrong command line."""
    out, said = run(code=2)
    assert out == ""
    assert "generate" in said
    assert said.endswith("promptkit: name a command; `promptkit demo` shows what this is, without a key.\n")


def test_log_and_page_say_that_something_is_missing() -> None:
    """A record that cannot be read is not shown, and is said on stderr."""
    bear = Session("./bear", endpoint="offline")
    fox = bear.generate("a fox").edit("add a hat")
    assert "damaged" not in run("log", "-s", "./bear")[1]
    fox.record.path.write_bytes(b"{")
    for command in ("log", "page"):
        assert "1 record is damaged and not shown; `promptkit verify` names what is wrong" in run(command, "-s", "./bear")[1]


@pytest.mark.parametrize("group", GROUPS)
def test_the_table_says_what_the_groups_say(group: str) -> None:
    """The commands of a group are those of its row in the table, in that order, each with the same sentence in both and in its own help."""
    assert build_parser(group).format_help() == build_parser().format_help()
    for command, sentence in GROUPS[group].items():
        assert sentence in " ".join(run(command, "--help")[0].split())


def loaded_by(*arguments: str) -> set[str]:
    """The modules that a command has loaded when it is done."""
    script = "import sys\nfrom promptkit.cli.main import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True)
    return set(next(line for line in done.stderr.splitlines() if line.startswith("sys ")).split())


@pytest.mark.parametrize("arguments", [(), ("--help",), ("--version",), ("generat",), ("-x",)])
def test_help_and_a_wrong_command_load_no_group(arguments: tuple[str, ...]) -> None:
    """What runs no command loads the table of them, their parser and what says words on stderr, and nothing else of promptkit, but for the
    errors, which find the nearest name of a wrong command.
    """
    loaded = loaded_by(*arguments)
    own = {name for name in loaded if name.partition(".")[0] == "promptkit"}
    light = {"promptkit", "promptkit.cli", *(f"promptkit.cli.{name}" for name in ("main", "output", "parser")), "promptkit.terminal"}
    if arguments == ("generat",):
        assert own == {*light, "promptkit.errors", "promptkit.json_objects"}
    else:
        assert own == light
    assert loaded.isdisjoint({"dataclasses", "inspect", "json", "hashlib", "socket", "yaml", "jinja2", "PIL", "requests"})
    assert ("pathlib" in loaded) == (arguments == ("generat",))


@pytest.mark.parametrize("group", GROUPS)
def test_a_command_loads_its_own_group_only(group: str) -> None:
    """`promptkit COMMAND --help` loads the group of the command, and none of the others."""
    loaded = loaded_by(next(iter(GROUPS[group])), "--help")
    assert {other for other in GROUPS if f"promptkit.cli.{other}" in loaded} == {group}


@pytest.mark.parametrize("arguments", [("templates",), ("templates", "sticker"), ("render", "-t", "sticker", "-i", "subject=owl")])
def test_templates_load_what_templates_need(arguments: tuple[str, ...]) -> None:
    """What reads templates loads no session, no lineage, no service and none of their dependencies; jinja2 only where one is rendered."""
    loaded = loaded_by(*arguments)
    packages = {name.split(".")[1] for name in loaded if name.startswith("promptkit.")}
    assert packages == {"cli", "config", "errors", "json_objects", "markup", "prompts", "terminal", "values"}
    assert loaded.isdisjoint({"requests", "urllib3", "PIL", "tqdm", "socket", "importlib.metadata", "tomllib"})
    assert ("jinja2" in loaded) == (arguments != ("templates",))


def test_a_page_links_files_of_its_session_only() -> None:
    """Whatever a record from elsewhere calls its picture's file, the page links a file in the session's folder, and log names one there."""
    record = Session("./bear", endpoint="offline").generate("a bear").record
    fields = json.loads(record.path.read_bytes())
    fields["outputs"][0]["file"] = "javascript:alert(1)//../../up.png"
    data = json.dumps(fields).encode()
    record.path.unlink()
    Path("bear", f"0001-generate-{hashlib.sha256(data).hexdigest()[:10]}.json").write_bytes(data)
    Path("bear/up.png").write_bytes(record.picture.data)
    run("page", "-s", "./bear")
    html = Path("bear/page.html").read_text(encoding="utf-8")
    assert re.findall(r'href="([^#"][^"]*)"', html) == ["./up.png"]
    assert str(Path("bear/up.png").absolute()) in run("log", "-s", "./bear", "--files")[0]
