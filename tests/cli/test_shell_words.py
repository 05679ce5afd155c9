"""Errors of the shell speak the shell's language, those of Python Python's."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.shell import run

import promptkit
from promptkit import Session, SettingsError
from promptkit.cli.shell_words import in_shell_words

PACKAGE = Path(promptkit.__file__).parent
IN_PYTHON = re.compile(r"\b[a-z_]+=(?:True|False|['\"\[…]|(?=[ ,.;:)]|$))|\b[a-z_]+\((?:…|\.\.\.|picture, |prompt, |[a-z]+=)[^`]*\)")
IN_SHELL = re.compile(r"(?<![\w-])-{1,2}[a-z][a-z-]+\b|`promptkit (?!templates|render|price|painter)[a-z]+")
# what cannot come up in the shell, or has a sentence of its own there
PYTHON_ONLY = {
    *("engine/options.py", "session/step.py", "authoring/scaffold.py", "session/squash.py", "session/opened.py"),
    *("session/own_picture.py", "search/results.py", "lineage/fields.py", "runs/executors.py", "session/showing.py"),
}
PYTHON_WORDS = (
    *("executor= takes threads", "executor= goes with", "forget takes away what is rejected"),
    *("say on=", "say step=", "say which steps", "start= is a", "inputs= is a", "templates= is a", "Session(into"),
    *("picture.data are", "There is no viewer", "The executor '7'", "'7'; without serve="),
)
SHELL_ONLY = {"engine/spending.py", "search/search.py", "lineage/pending_step.py", "lineage/forgetting.py"} | {
    *("search/results.py", "authoring/git_revision.py"),
}


def sentences(*spoken: str) -> Iterator[tuple[str, str]]:
    """The texts of the package outside of the command line that may be said, with an example in place of what is filled in: in both places,
    or in the one whose words these are (python, shell).
    """
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith(("cli/", "views/", "markup", "runs/report")):
            found = _texts(ast.parse(path.read_text(encoding="utf-8")))
            yield from ((name, text) for text, where in found if where in ("both", *spoken) and " " in text and "<" not in text)


def _texts(tree: ast.Module) -> Iterator[tuple[str, str]]:
    nodes = list(ast.walk(tree))
    passed_over = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    passed_over |= {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    where: dict[int, str] = {}
    for node in nodes:
        if isinstance(node, ast.Call) and (words := [k.value for k in node.keywords if k.arg == "in_shell"]):
            where |= {id(part): "python" for part in ast.walk(node)} | {id(part): "shell" for part in ast.walk(words[0])}
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).endswith(("in_shell", "shell")):
            where |= {id(part): "shell" for part in ast.walk(node)}
    for node in nodes:
        if id(node) in passed_over:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, where.get(id(node), "both")
        elif isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "'7'" for part in node.values)
            yield text, where.get(id(node), "both")


def test_the_shell_has_a_word_for_all_of_pythons() -> None:
    """No sentence of the library that can come up in the shell keeps an argument or a call of Python's there."""
    left = [
        (name, words[0], text)
        for name, text in sentences("shell")
        if name not in PYTHON_ONLY
        and not text.startswith(PYTHON_WORDS)
        and "same call goes on" not in text
        and (words := IN_PYTHON.search(in_shell_words(text)))
    ]
    assert left == []


def test_python_is_told_in_pythons_words() -> None:
    """No sentence of the library names an option or a command of the shell, but for what only the shell has."""
    left = [
        (name, words[0], text)
        for name, text in sentences("python")
        if name not in SHELL_ONLY
        and not text.lstrip().startswith(("---", "* -text", "`promptkit templates"))
        and (words := IN_SHELL.search(text))
    ]
    assert left == []


@pytest.mark.parametrize(
    ("python", "shell"),
    [
        ('draw drafts with endpoint="offline".', "draw drafts with -e offline."),
        ("endpoint='google' asks google.", "-e google asks google."),
        ("within deadline=600 seconds, allow more with deadline=.", "within --deadline 600 seconds, allow more with --deadline."),
        ("name it, edit(…, on=3), to send it", "name it, --on 3, to send it"),
        ("goto(…) moves the head anywhere.", "`promptkit goto STEP` moves the head anywhere."),
        ("`verify` lists what is.", "`promptkit verify` lists what is."),
        ("a larger max_requests= to go on", "a larger --max-requests to go on"),
        ("an input season=warm, on the model's budget", "an input season=warm, on the model's budget"),
    ],
)
def test_words_become_options_and_commands(python: str, shell: str) -> None:
    """And what only looks like them stays."""
    assert in_shell_words(python) == shell


def test_errors_and_warnings_are_said_in_the_shells_words() -> None:
    """In words and as objects; Python's stay Python's."""
    said = run("generate", "a fox", "-s", "./a", code=1)[1]
    assert "-e offline" in said
    assert "api_key" not in said
    error = json.loads(run("generate", "a fox", "-s", "./a", "--json", code=1)[1])
    assert "-e offline" in error["message"]
    with pytest.raises(SettingsError, match='endpoint="offline"'):
        Session("./a").generate("a fox")
    run("generate", "a fox", "-s", "./a", "-e", "offline", "--label", "one")
    said = run("generate", "a fox", "-s", "./a", "-e", "offline", "--label", "two")[1]
    assert "--fresh asks anew" in said
    assert "`promptkit goto STEP` moves the head" in run("undo", "-s", "./a", code=1)[1]
