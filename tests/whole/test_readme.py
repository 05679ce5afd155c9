"""The README is true, and short: its Python runs, its shell lines work, each block when it is pasted alone.

Only what the README says; the commands and names that it uses are tested in the folders of their packages.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from kit.config_file import write_config
from kit.loopback import Loopback, png, text_reply
from kit.places import ROOT
from kit.shell import run

from promptkit import Session
from promptkit.providers.endpoints import AAIGC, DEERAPI

README = (ROOT / "README.md").read_text(encoding="utf-8")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_it_is_read_in_two_minutes() -> None:
    """The README has under 1,200 words, where two Chinese characters count as one."""
    words = len(CHINESE.sub(" ", README).split()) + len(CHINESE.findall(README)) / 2
    assert words < 1_200


def test_there_is_no_block_that_is_not_tested() -> None:
    """Each kind of block has a test here."""
    assert re.findall(r"^```(.+)$", README, re.MULTILINE) == ["sh environment", "sh install", "python", "text", "sh", "sh", "python"]


# The first pictures


def test_the_example_runs_as_it_stands() -> None:
    """It makes four steps, a tag and a copy; run again, it makes none."""
    for _ in range(2):
        names: dict[str, object] = {}
        exec(blocks("python")[0], names)
        bear = names["bear"]
        assert isinstance(bear, Session)
        assert len(bear) == 4
        assert bear.tags["for the client"] == names["ukiyo"]
        assert Path("for-the-client.png").read_bytes() == bear["for the client"].picture.data


def test_the_example_shows_what_the_readme_shows() -> None:
    """The tree is the one that `promptkit log` prints, and `promptkit page` writes the page to open."""
    exec(blocks("python")[0], {})
    assert run("log", "-s", "./bear")[0] == blocks("text")[0]
    run("page", "-s", "./bear")
    assert Path("bear/page.html").is_file()


@pytest.mark.slow
def test_the_shell_lines_work() -> None:
    """Pasted together, each does what it says, and the last one prints the path of a page."""
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-e"], input=blocks("sh")[0], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(Path("cup/page.html").resolve())
    assert Path("hat.png").is_file()


@pytest.mark.slow
def test_the_lines_for_many_at_once_work() -> None:
    """Pasted together, they make a picture of each row, and save it under its name."""
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-e"], input=blocks("sh")[1], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["out/fox.png", "out/owl.png"]
    assert Path("stickers/report.html").is_file()


def test_what_is_named_to_read_on_is_there() -> None:
    """Every notebook is named, and all that is named exists."""
    named = set(re.findall(r"`(notebooks/\w+\.ipynb)`", README))
    assert named == {p.relative_to(ROOT).as_posix() for p in ROOT.glob("notebooks/*.ipynb")}


# Installing


def test_the_install_lines_are_two() -> None:
    """Two command lines do everything: the one ends in the demo, the other in the quick tests, on all cores."""
    install, tests = blocks("sh install")[0].splitlines()
    assert shlex.split(install)[-2:] == [".venv/bin/promptkit", "demo"]
    assert shlex.split(tests)[-6:] == [".venv/bin/pytest", "-q", "-m", "not slow", "-n", "auto"]


@pytest.mark.slow
def test_it_installs_into_an_environment_of_ones_own() -> None:
    """The first line, in a clone and with that environment's Python, brings the package and its command."""
    left_out = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "promptkit-demo*")
    shutil.copytree(ROOT, "clone", ignore=left_out)
    venv.create("own", with_pip=True)
    path = f"{Path('own/bin').resolve()}:{os.environ['PATH']}"
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"PATH": path, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    subprocess.run(blocks("sh environment")[0], shell=True, cwd="clone", check=True, capture_output=True, env=env)
    done = subprocess.run(["promptkit", "templates"], capture_output=True, text=True, check=True, env=env)
    assert "sticker" in done.stdout


# Keys


def keys() -> dict[str, tuple[str, str]]:
    """The two lines for each service."""
    rows = re.findall(r"^\| (Google|DeerAPI|aaigc\.top) \| `(export .*?)` \| `(promptkit .*?)` \|$", README, re.MULTILINE)
    return {service: (once, then) for service, once, then in rows}


def served_by(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the three known services answered by the one on loopback, each with its own way to carry a key."""
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", service.url)
    lines = [
        f'[endpoints.{e.name}]\nbase_url = "{service.url}"\nauth = "{e.auth}"\nkey_env = "{e.key_env[0]}"\n' for e in (DEERAPI, AAIGC)
    ]
    write_config("".join(lines))


@pytest.mark.parametrize(
    ("name", "header", "value"),
    [
        ("Google", "x-goog-api-key", "your-key"),
        ("DeerAPI", "Authorization", "your-key"),
        ("aaigc.top", "Authorization", "Bearer your-key"),
    ],
)
def test_a_key_is_two_lines(service: Loopback, monkeypatch: pytest.MonkeyPatch, name: str, header: str, value: str) -> None:
    """The one sets the key, the other makes a picture with it."""
    served_by(service, monkeypatch)
    once, then = keys()[name]
    monkeypatch.setenv(*shlex.split(once)[1].split("="))
    assert run(*shlex.split(then)[1:])[0].endswith(".png\n")
    assert [received.headers[header] for received in service.received] == [value]


# 中文快速上手


def test_the_chinese_quick_start_runs_as_it_stands() -> None:
    """Offline, without a key and without a file of one's own, in at most fifteen lines."""
    block = blocks("python")[1]
    assert len([line for line in block.splitlines() if line.strip()]) <= 15
    for _ in range(2):
        exec(block, {})
        assert [len(Session(name)) for name in ("./小猪", "./人物")] == [1, 3]


def test_the_chinese_quick_start_does_the_seeds_two_examples(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the gateway, with an own picture, it makes the pig, adds the alpaca to the picture, and asks again in Chinese."""
    served_by(service, monkeypatch)
    monkeypatch.setenv("AAIGC_API_KEY", "sk-of-a-test")
    Path("original-image.png").write_bytes(png("green"))
    service.say(None, text_reply("好的！"), None)
    exec(blocks("python")[1].replace('"offline"', '"aaigc"').replace('on="gemini-text-to-image.png"', 'on="original-image.png"'), {})
    assert service.received[0].text.startswith("3D渲染风格：戴礼帽、长翅膀的小猪")
    assert service.received[1].pictures == service.received[2].pictures == [png("green")]
    assert "图片" in service.received[2].text
    assert {r.headers["Authorization"] for r in service.received} == {"Bearer sk-of-a-test"}
    assert Path("gemini-edited-image.png").is_file()
