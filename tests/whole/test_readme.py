"""The README is true: its Python runs, its templates render, its shell lines work.

Only what the README says; the commands and names that it uses are tested in the folders of their packages.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from kit.loopback import Loopback, png, text_reply
from kit.places import ROOT

from promptkit import Cost, Endpoint, Library, Session, Template
from promptkit import config as settings
from promptkit.providers import models

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_the_english_examples_run_as_they_stand() -> None:
    """The Python of the first and the sessions' section runs from top to bottom, offline."""
    first, _, brackets, *sessions = blocks("python")
    names: dict[str, object] = {}
    exec(first, names)
    exec(brackets, names)
    for block in sessions:
        exec(block, names)
    bear, fox, mug = names["bear"], names["fox"], names["mug"]
    assert isinstance(mug, Template)
    assert str(mug(style="ink", subject="owl", text="Hoo")) == "An ink picture of an owl on a mug, with the text “Hoo”."
    assert isinstance(bear, Session)
    assert isinstance(fox, Session)
    assert [len(bear), len(fox)] == [4, 13]
    assert bear.tags["for the client"] == names["ukiyo"]
    assert Path("fox.png").read_bytes() == fox["keep"].picture.data


def test_the_chinese_quick_start_does_the_seeds_two_examples(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """中文快速上手 makes the pig, adds the alpaca to one's own picture, and asks again in Chinese, in fifteen lines."""
    block = blocks("python")[1]
    assert len([line for line in block.splitlines() if line.strip()]) <= 15
    config = Path(os.environ["PROMPTKIT_HOME"]) / "config.toml"
    config.parent.mkdir()
    config.write_text(f'[endpoints.aaigc]\nbase_url = "{service.url}"\nauth = "bearer"\nkey_env = "AAIGC_API_KEY"\n')
    monkeypatch.setenv("AAIGC_API_KEY", "sk-of-a-test")
    Path("original-image.png").write_bytes(png("green"))
    service.say(None, text_reply("好的！"), None)
    exec(block, {})
    assert service.received[0].text.startswith("3D渲染风格：戴礼帽、长翅膀的小猪")
    assert service.received[1].pictures == service.received[2].pictures == [png("green")]
    assert "图片" in service.received[2].text
    assert {r.headers["Authorization"] for r in service.received} == {"Bearer sk-of-a-test"}
    assert Path("gemini-edited-image.png").is_file()


def test_the_config_file_is_read_as_it_stands() -> None:
    """The README's config file defines an endpoint and a price at it."""
    path = settings.config_file()
    path.parent.mkdir(parents=True)
    path.write_text(blocks("toml")[0], encoding="utf-8")
    assert Endpoint.named("work").host == "gateway.example.com"
    assert models.estimate(models.default_model(), "work", image_size=None) == Cost.of(0.30, "CNY")


def test_the_template_renders() -> None:
    """The README's own template is a good one."""
    Path("folder").mkdir()
    Path("folder/postcard.j2").write_text(blocks("jinja")[0], encoding="utf-8")
    prompt = Library("folder").postcard(place="harbour in Lisbon", mood="lively")
    assert str(prompt) == "A postcard of a harbour in Lisbon on a lively evening."


def test_the_templates_that_come_along_are_listed() -> None:
    """The README names every built-in template, and says how many there are."""
    names = [t.name for t in Library() if not t.name.startswith("recover.")]
    assert "Sixteen come along" in README
    assert len(names) == 16
    assert all(f"`{name}`" in README for name in names)


@pytest.mark.slow
def test_the_shell_lines_work() -> None:
    """Each shell line of the README does what it says, in order."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for line in blocks("sh")[0].splitlines() + blocks("sh templates")[0].splitlines():
        done = subprocess.run(line, shell=True, capture_output=True, text=True, env={**os.environ, "PATH": path})
        assert done.returncode == 0, (line, done.stderr)


def test_the_install_lines_are_two() -> None:
    """Two command lines do everything: the one ends in the demo, the other in the quick tests, on all cores."""
    install, tests = blocks("sh install")[0].splitlines()
    assert shlex.split(install)[-2:] == [".venv/bin/promptkit", "demo"]
    assert shlex.split(tests)[-6:] == [".venv/bin/pytest", "-q", "-m", "not slow", "-n", "auto"]


def test_the_filters_and_tests_that_templates_may_use_are_listed() -> None:
    """The README lists every filter and test that a template may use, for packs depend on it."""
    from promptkit.prompts import sandbox

    listed = set(re.findall(r"`(\w+)`", README))
    assert {n for n in sandbox.FILTERS if len(n) > 1} <= listed
    assert set(sandbox.TESTS) <= listed
