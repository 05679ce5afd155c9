"""Errors say what happened, and show themselves as one sentence.

How an error looks; which one is raised when is tested where it is raised.
"""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from promptkit import errors
from promptkit.errors import (
    InputError,
    KeyRejected,
    NoPicture,
    PromptkitError,
    RateLimited,
    Refused,
    StepNotFound,
    TemplateError,
    TemplateNotFound,
)


def drawn_tree() -> dict[str, str]:
    """Each class in the module's docstring with the one above it."""
    above: dict[int, str] = {}
    tree: dict[str, str] = {}
    for indent, name in re.findall(r"^( {4,})([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE):
        above[len(indent)] = name
        tree[name] = above.get(len(indent) - 2, "")
    return tree


def test_the_tree_is_as_it_is_drawn() -> None:
    """The docstring draws every error, each below the one that it is a kind of."""
    classes = {n: c for n in errors.__all__ if issubclass(c := getattr(errors, n), PromptkitError)}
    assert set(drawn_tree()) == set(classes)
    for name, parent in drawn_tree().items():
        assert not parent or issubclass(classes[name], classes[parent])


def test_lookups_fail_as_python_expects() -> None:
    """A missing step is a KeyError, a missing template an AttributeError, and both print their sentence unquoted."""
    assert isinstance(StepNotFound("There is no step 9."), KeyError)
    assert str(StepNotFound("There is no step 9.")) == "There is no step 9."
    assert isinstance(TemplateNotFound("no", name="stikcer", near=["sticker"]), AttributeError)
    assert TemplateNotFound("no", name="stikcer", near=["sticker"]).near == ("sticker",)


@pytest.mark.parametrize(
    "error",
    [
        InputError("x", problems=["a", "b"], file="f.j2"),
        RateLimited("slow", status=429, code="X", message="m", details=[{"a": 1}], retry_after=2.5),
        Refused("no", text="t", reason="SAFETY", message="m"),
        StepNotFound("none", near=["a"], path=Path("x")),
    ],
)
def test_errors_travel_between_processes(error: PromptkitError) -> None:
    """An error that is pickled, as process pools do, keeps its sentence and its fields."""
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))


def test_a_notebook_shows_the_users_line_and_the_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """What IPython shows is the line of the caller and the message, unless PROMPTKIT_TRACEBACK asks for the rest."""
    from promptkit import templates

    with pytest.raises(InputError) as caught:
        templates.sticker(subjet="bear")
    lines = caught.value._render_traceback_()
    assert len(lines) == 2
    assert 'templates.sticker(subjet="bear")' in lines[0]
    assert lines[1] == f"InputError: {caught.value}"
    for value, whole in (("1", True), ("0", False), ("", False)):
        monkeypatch.setenv("PROMPTKIT_TRACEBACK", value)
        assert ("Traceback (most recent call last):" in caught.value._render_traceback_()) is whole


def test_whole_tracebacks_need_no_settings() -> None:
    """PROMPTKIT_TRACEBACK counts before anything has read the user's settings."""
    script = """
import sys
from promptkit import Picture, PictureError
try:
    Picture.open("none.png")
except PictureError as error:
    print(error._render_traceback_()[0], "promptkit.config" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ, "PROMPTKIT_TRACEBACK": "1"})
    assert done.stdout == "Traceback (most recent call last): False\n"


def test_templates_are_named_by_file_and_line() -> None:
    """A template error begins with file and line, as editors like them, from here where the file is here."""
    assert str(TemplateError("wrong", file=str(Path.cwd() / "mine" / "a.j2"), line=3)) == "./mine/a.j2:3: wrong"
    assert str(TemplateError("wrong", file="/elsewhere/a.j2")) == "/elsewhere/a.j2: wrong"


def test_fields_have_defaults() -> None:
    """Every error can be made from its sentence alone, as tests of callers do."""
    for name in drawn_tree():
        assert str(getattr(errors, name)("a sentence")) == "a sentence"
    assert (KeyRejected("x").status, NoPicture("x").attempts) == (0, ())


STRANGE = "a\x1b[31mred\x07\u202e\u2066\x9b thing"


@pytest.mark.parametrize("name", [n for n in errors.__all__ if n != "PromptkitWarning"])
def test_a_sentence_drives_no_terminal(name: str) -> None:
    """Whatever a stranger's words hold, an error's sentence has no control character and turns no writing around; nor has a traceback."""
    error = getattr(errors, name)(f"There is {STRANGE}\r\x00.")
    assert str(error).isprintable()
    assert "red" in str(error)
    assert "".join(traceback.format_exception(error)).replace("\n", "").isprintable()
    assert "\n".join(error._render_traceback_()).replace("\n", "").isprintable()
    error.args = (STRANGE,)
    assert str(error).isprintable()


def test_problems_and_warnings_drive_no_terminal() -> None:
    """What stands in a list beside the sentence, the path before it, and a warning are as clean as it is; joiners and marks stay."""
    error = InputError("wrong", problems=[STRANGE], file=f"/tmp/{STRANGE}.j2")
    assert str(error).isprintable()
    assert all(map(str.isprintable, error.problems))
    with pytest.warns(errors.PromptkitWarning) as told:
        errors.warn(STRANGE)
    assert str(told[0].message).isprintable()
    assert str(TemplateError("क्‍ष, 👩‍🚀, é")) == "क्‍ष, 👩‍🚀, é"
