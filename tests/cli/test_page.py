"""page in the shell: steps, language, size of pictures, and what opens it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from kit.json_objects import described
from kit.loopback import png
from kit.shell import run, run_process

from promptkit import Session


def three() -> Session:
    bear = Session("./bear", endpoint="offline")
    for color in ("red", "blue", "lime"):
        bear.add(png(color))
    return bear


def places(path: str) -> list[str]:
    return re.findall(r'<article id="([^"]+)"', Path(path).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("words", "shown"),
    [((), [1, 2, 3]), (("2",), [2]), (("1-2",), [1, 2]), (("3,1",), [1, 3]), (("for the client", "3"), [1, 3])],
)
def test_only_the_steps_that_are_named_are_shown(words: tuple[str, ...], shown: list[int]) -> None:
    """Steps are named as everywhere in the shell; without any all are shown. A contact sheet takes them, too."""
    bear = three()
    bear.tag("for the client", 1)
    assert places(run("page", *words, "-s", "./bear")[0].strip()) == [f"step-{n}" for n in shown]
    assert run("page", *words, "-s", "./bear", "-o", f"sheet{len(words)}.png")[0].strip().endswith(".png")


def test_options_reach_the_page() -> None:
    """Language, title and size of the pictures; --embed stands before the command, too, with its value and without."""
    three()
    html = Path(run("--embed", "originals", "page", "-s", "./bear", "--lang", "de", "--title", "Für <b>")[0].strip()).read_text("utf-8")
    assert '<html lang="de">' in html
    assert "<h1 dir=\"auto\">Für &lt;b&gt;</h1>" in html
    assert "data:image/png" in html
    assert Path(run("--embed", "save", "-s", "./bear", "-o", "a.png")[0].strip()).is_file()


def test_a_page_for_readers() -> None:
    """--review writes review.html, whose answer `marks` reads; it is no contact sheet, and holds no originals."""
    three()
    assert run("page", "--review", "-s", "./bear")[0].strip().endswith("review.html")
    html = run("--review", "page", "2-3", "-s", "./bear", "-o", "-", "--lang", "es")[0]
    assert re.findall("<b>(.)</b>", html) == ["2", "3"]
    assert "--review writes a page, and a.png would be a contact sheet" in run("page", "--review", "-s", "./bear", "-o", "a.png", code=2)[1]
    assert "leave --embed out" in run("page", "--review", "-s", "./bear", "--embed", "originals", code=1)[1]


def test_it_is_served_until_ctrl_c() -> None:
    """Its address is a line on stdout, at once; Ctrl-C ends it with one line."""
    three()
    command = [sys.executable, "-m", "promptkit", "page", "-s", "./bear", "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8") as served:
        assert served.stdout
        assert served.stderr
        url = served.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{20,}/", url)
        with urlopen(url) as answer:
            assert b'<article id="step-3"' in answer.read()
        assert "Ctrl-C ends it" in served.stderr.readline()
        served.send_signal(signal.SIGINT)
        out, said = served.communicate(timeout=60)
    assert (served.returncode, out, said) == (0, "", "the page is closed; what was marked is written\n")


def test_its_address_is_an_object_for_programs() -> None:
    """With --json, as the schema describes it."""
    three()
    command = [sys.executable, "-m", "promptkit", "page", "-s", "./bear", "--serve", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8") as served:
        assert served.stdout
        printed = json.loads(served.stdout.readline())
        served.send_signal(signal.SIGINT)
    described([printed])
    assert printed["url"].startswith("http://127.0.0.1:")


def test_a_served_page_is_no_file() -> None:
    """Steps, a file and --review do not go with it."""
    three()
    for words in (("2",), ("-o", "a.html"), ("--review",)):
        assert "--serve writes no file and shows all steps" in run("page", *words, "-s", "./bear", "--serve", code=2)[1]


def test_a_wrong_size_or_language_is_named() -> None:
    """A size of pictures that there is not is a wrong command line; a language without words is a sentence on stderr."""
    three()
    assert "'original' is none of thumbnails, screen, originals" in run("page", "-s", "./bear", "--embed", "original", code=2)[1]
    assert "no words of its own in 'fr', so they are English" in run_process("page", "-s", "./bear", "--lang", "fr")[1]


def test_what_is_not_replaced_is_said_in_the_shells_words() -> None:
    """The sentence names the options, and not Python's keywords."""
    three()
    Path("mine.html").write_text("mine")
    said = run("page", "-s", "./bear", "-o", "mine.html", code=1)[1]
    assert "mine.html is there already, and promptkit did not write it: -o names another file, --overwrite replaces it." in said


def test_open_opens_the_file_in_the_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """--open hands the file to what BROWSER names; the path is printed all the same, and --json prints it as an object."""
    three()
    opener = Path("opener")
    opener.write_text(f"#!{sys.executable}\nimport sys\nopen('opened', 'a').write(sys.argv[1] + '\\n')\n")
    opener.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{opener.resolve()} %s")
    written = run_process("page", "-s", "./bear", "--open")[0].strip()
    assert Path("opened").read_text() == f"{Path(written).resolve().as_uri()}\n"
    said = json.loads(run_process("page", "-s", "./bear", "--open", "--json")[0])
    assert said["file"] == written
    monkeypatch.setenv("BROWSER", os.devnull)
    assert "No browser could be started; the page is " in run_process("page", "-s", "./bear", "--open")[1]


def test_a_page_on_stdout_cannot_be_opened() -> None:
    """--open needs a file."""
    three()
    assert "--open opens a file, and -o - writes none" in run("page", "-s", "./bear", "-o", "-", "--open", code=2)[1]
