"""--help: examples that work, a word on every option, at the terminal's width, with colour where it is one."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from kit.effort import slowness
from kit.shell import on_a_terminal, on_stdin, run

from promptkit.cli.examples import EXAMPLES
from promptkit.cli.main import GROUPS, TITLES, build_parser
from promptkit.cli.parser import SECTIONS, Parser, command_first, parsed

COMMANDS = {command: group for group, commands in GROUPS.items() for command in commands}


def every_parser() -> dict[str, Parser]:
    """All parsers, by what stands behind promptkit."""
    found = {}
    for command, group in COMMANDS.items():
        parser = build_parser(group).commands[command]
        found |= {command: parser} | {f"{command} {name}": below for name, below in parser.commands.items()}
    return found


def test_every_option_and_word_has_its_word() -> None:
    """What is hidden is an older spelling."""
    for name, parser in every_parser().items():
        assert [action.dest for action in parser.actions if not action.help] == [], name


def test_what_the_titles_list_is_there() -> None:
    """No title lists an option that no command has; and each command stands under one title of the whole."""
    options = {text for parser in every_parser().values() for action in parser.actions for text in action.option_strings}
    assert {text for listed in SECTIONS.values() for text in listed} <= options
    assert sorted(" ".join(TITLES.values()).split()) == sorted(COMMANDS)


@pytest.mark.parametrize("command", EXAMPLES)
def test_every_command_has_examples_that_parse(command: str) -> None:
    """Each line is a command line of it; nothing on it is unknown."""
    Path("prompt.txt").write_text("a fox")
    Path("subject.txt").write_text("a fox")
    for line in EXAMPLES[command]:
        assert line in run(*command.split(), "--help")[0]
        program, *words = shlex.split(line.partition(" < ")[0].partition(" >")[0])
        name, *rest = command_first(words, COMMANDS)
        assert (program, name) == ("promptkit", command.split()[0])
        parser = build_parser(COMMANDS[name]).commands[name]
        if parser.commands:
            below, *rest = command_first(rest, parser.commands) if rest else ["list"]
            parser = parser.commands.get(below) or parser.commands["show"]
        with on_stdin(b"a fox"):
            assert parsed(parser, rest)


def test_every_command_has_examples() -> None:
    """Also those below `promptkit templates`."""
    assert EXAMPLES.keys() == every_parser().keys()


@pytest.mark.parametrize("arguments", [("--help",), ("generate", "--help")])
def test_it_is_as_wide_as_the_terminal_and_coloured(arguments: tuple[str, ...]) -> None:
    """NO_COLOR and a pipe get none; an example stays in one line, so that it can be pasted."""
    shown = on_a_terminal(*arguments)
    assert "\x1b[1m" in shown
    plain = on_a_terminal(*arguments, NO_COLOR="1")
    assert "\x1b" not in plain
    assert max(len(line) for line in plain.splitlines() if not line.startswith("  promptkit ")) <= 60
    assert "\x1b" not in on_a_terminal(*arguments, TERM="dumb")
    assert "\x1b" not in run(*arguments)[0]
    assert max(map(len, on_a_terminal(*arguments, columns=100, NO_COLOR="1").splitlines())) > 60


def test_help_takes_at_most_60_ms_more_than_the_interpreter() -> None:
    """In processor time, the best of several, and more on a machine that is slow just now."""

    def best(*command: str) -> float:
        spent = []
        for _ in range(5):
            before = os.times()
            subprocess.run([sys.executable, *command], capture_output=True, check=True)
            after = os.times()
            spent.append(sum(after[2:4]) - sum(before[2:4]))
        return min(spent)

    slow = slowness()
    assert best("-m", "promptkit", "--help") - best("-c", "pass") <= 0.06 * max(slow, slowness())
