"""What a shell's Tab brings: by argcomplete's protocol for each shell, and in a real bash."""

from __future__ import annotations

import os
import pty
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from kit.shell import run

from promptkit import Session

BIN = Path(sys.executable).parent


@pytest.fixture
def cup() -> Session:
    session = Session("./cup", endpoint="offline")
    session.generate("a cup").edit("make it blue")
    session.tag("kept", 1)
    Session("mug", endpoint="offline").generate("a mug")  # in the data folder
    return session


def offered(line: str, shell: str = "bash") -> list[str]:
    """What may be typed next, asked as a shell asks."""
    variables = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_SHELL": shell, "_ARGCOMPLETE_IFS": "\n", "_ARGCOMPLETE_STDOUT_FILENAME": "offered"}
    variables |= {"COMP_LINE": line, "COMP_POINT": str(len(line.encode())), "_ARGCOMPLETE_COMP_WORDBREAKS": " \t\n\"'><=;|&(:"}
    variables |= {"_ARGCOMPLETE_DFS": "\t"} if shell == "fish" else {}  # between a value and what it is
    command = [sys.executable, "-m", "promptkit"]
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, stdin=subprocess.DEVNULL)
    assert b"Traceback" not in done.stderr
    text = Path("offered").read_text(encoding="utf-8") if Path("offered").exists() else ""
    Path("offered").unlink(missing_ok=True)
    return [each.strip() for each in text.split("\n") if each.strip()]


@pytest.mark.parametrize(
    ("line", "some"),
    [
        ("promptkit gen", {"generate"}),
        ("promptkit templates re", {"render"}),
        ("promptkit log --f", {"--files"}),
        ("promptkit log -s ./c", {"./cup"}),
        ("promptkit log -s ", {"./cup", "mug"}),
        ("promptkit -s ./cup goto ", {"1", "2", "kept"}),
        ("promptkit goto -s ./cup ", {"1", "2", "kept"}),
        ("promptkit edit x -s ./cup --on ", {"1", "2", "kept"}),
        ("promptkit render -t st", {"sticker"}),
        ("promptkit templates show ed", {"edit.add", "edit.remove"}),
        ("promptkit render -t sticker -i s", {"subject=", "style=", "shading_style="} - {"shading_style="}),
        ("promptkit generate x -e off", {"offline"}),
        ("promptkit render -t sticker --lang z", {"zh-CN"}),
        ("promptkit generate - -s ./c", {"./cup"}),
        ("promptkit edit x --chain ", {"picture", "chat"}),
    ],
)
def test_tab_knows_what_is_there(cup: Session, line: str, some: set[str]) -> None:
    """Commands, options, sessions, steps, tags, templates, inputs, endpoints, languages, choices."""
    assert some <= set(offered(line))


def test_the_session_around_is_meant_where_none_is_named(cup: Session) -> None:
    """And nothing is written or read from stdin."""
    os.chdir("cup")
    before = sorted(path.name for path in Path.cwd().iterdir())
    assert {"1", "2", "kept"} <= set(offered("promptkit show "))
    assert sorted(path.name for path in Path.cwd().iterdir()) == before


def test_what_cannot_be_known_offers_nothing(cup: Session) -> None:
    """A session, a template or a config that is none is no error at a Tab."""
    for line in ("promptkit goto -s ./none ", "promptkit render -t none -i ", "promptkit generate "):
        assert offered(line) == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_zsh_and_fish_show_what_a_step_is(cup: Session, shell: str) -> None:
    """These two have descriptions."""
    found = offered("promptkit goto -s ./cup ", shell)
    assert any(each.startswith("2") and "make it blue" in each for each in found)


def test_a_real_bash_completes(cup: Session) -> None:
    """The lines that `promptkit completion bash` prints, as ~/.bashrc runs them."""
    words = ["promptkit", "goto", "-s", "./cup", "ke"]
    line = " ".join(words)
    script = f"""
      eval "$(promptkit completion bash 2>/dev/null)"
      complete -p promptkit
      COMP_WORDS=({shlex.join(words)}); COMP_CWORD=4; COMP_LINE={shlex.quote(line)}; COMP_POINT={len(line)}; COMP_TYPE=9; COMP_KEY=9
      _python_argcomplete promptkit ke ./cup
      printf '[%s]\\n' "${{COMPREPLY[@]}}"
    """
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env={**os.environ, "PATH": path})
    assert "[kept" in done.stdout, done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_lines_for_each_shell(shell: str) -> None:
    """On stdout alone and without a word on stderr, for a shell evaluates them at each of its starts."""
    out, said = run("completion", shell)
    assert "promptkit" in out
    assert said == ""
    assert "bash, zsh, fish" in run("completion", "tcsh", code=2)[1]


def test_where_the_lines_belong_is_said_to_who_looks_at_them() -> None:
    """On a terminal alone."""
    ours, theirs = pty.openpty()
    done = subprocess.run([sys.executable, "-m", "promptkit", "completion", "zsh"], stdout=theirs, stderr=subprocess.PIPE, text=True)
    os.close(theirs)
    os.close(ours)
    assert done.stderr == 'put into ~/.zshrc, after compinit: eval "$(promptkit completion zsh)"\n'


def test_argcomplete_is_an_extra() -> None:
    """Without it the sentence names how to get it."""
    script = "import sys; sys.modules['argcomplete'] = None; from promptkit.cli.main import main; sys.exit(main(['completion', 'bash']))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert 'pip install "promptkit-image[completion]"' in done.stderr
