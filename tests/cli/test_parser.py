"""What a person mistypes, as one sentence that names what was meant."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kit.shell import run

from promptkit.cli.main import GROUPS, build_parser
from promptkit.cli.parser import FLAGS, PERHAPS, Parser, command_first


def leaves(parser: Parser) -> Iterator[Parser]:
    yield from (leaf for each in parser.commands.values() for leaf in leaves(each)) if parser.commands else [parser]


def test_the_options_without_a_value_are_known_before_the_command() -> None:
    """The table that finds the command behind options names all that have none, and no other; of one that has a value in some commands and
    none in others, the command is found all the same.
    """
    actions = [action for group in GROUPS for leaf in leaves(build_parser(group)) for action in leaf.actions if action.option_strings]
    without = {text for action in actions if action.nargs == 0 for text in action.option_strings}
    with_value = {text for action in actions if action.nargs != 0 for text in action.option_strings}
    assert (without | {"--version"}) - with_value == FLAGS
    assert without & with_value == PERHAPS
    assert command_first(["--embed", "save", "fox.png"], ["save", "page"]) == ["save", "--embed", "fox.png"]
    assert command_first(["--embed", "-s", "./fox", "save"], ["save", "page"]) == ["save", "--embed", "-s", "./fox"]
    assert command_first(["--embed", "screen", "page", "3"], ["save", "page"]) == ["page", "--embed", "screen", "3"]


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("generat fox", "no command 'generat' (did you mean 'generate'?)"),
        ("-s ./s lgo", "no command 'lgo' (did you mean 'log'?)"),
        ("--sesion ./s log", "`promptkit log` has no option --sesion (did you mean '--session'?)"),
        ("--nothing log -s ./s", "has no option --nothing"),
        ("log --flies", "has no option --flies (did you mean '--files'?)"),
        ("-s ./s", "'-s' stands without a command"),
        ("templates chek", "or is it `promptkit templates check`?"),
        ("generate a red fox -s ./s", '"a red fox"'),
        ("generate -s ./s a red fox -e offline", '"a red fox"'),
        ("generate -t sticker -i subject=happy red panda -s ./s", '"subject=happy red panda"'),
        ("generate fox --label my first -s ./s", '"my first"'),
        ("edit -s ./s make it night", '"make it night"'),
        ("tag for the client -s ./s", '"for the client"'),
        ("squash 1 2 make it red -s ./s", '"make it red"'),
        ("undo ./s", "a session is named with -s: promptkit undo -s ./s"),
        ("goto 1 2 -s ./s", "`promptkit goto` takes STEP, and '2' is too much."),
        ("goto -s ./s", "`promptkit goto` needs STEP;"),
        ("goto 1 -s", "-s needs a value"),
        ("export --all --step 1 -s ./s", "exclude each other"),
        ("log --files=x -s ./s", "--files takes no value, and 'x' was given"),
        ("generate x --re 1 -s ./s", "--re may be"),
    ],
)
def test_a_typing_error_names_what_was_meant(line: str, hint: str) -> None:
    """In one line, with status 2, or 1 where a template may have been meant."""
    said = run(*line.split(), code=1 if line == "templates chek" else 2)[1]
    assert hint in said
    assert (said.count("\n"), said[:11]) == (1, "promptkit: ")
