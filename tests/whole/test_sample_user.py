"""A user's own module, as kit.sample_user shows one: it uses each public name, it runs, and mypy --strict accepts it beside the wheel."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from kit import sample_user
from kit.places import FreshEnvironment

import promptkit

SAMPLE = Path(sample_user.__file__)


def test_it_uses_each_public_name() -> None:
    """No public name is left out of it: a new one is used there, too."""
    tree = ast.parse(SAMPLE.read_text(encoding="utf-8"))
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module == "promptkit" for a in n.names}
    used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    assert imported == set(promptkit.__all__)
    assert imported <= used


def test_it_runs() -> None:
    """What it does works as it stands, offline."""
    done = subprocess.run([sys.executable, SAMPLE], capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"})
    assert done.returncode == 0, done.stderr
    assert "A mug with an owl." in done.stdout
    assert "[] 1" in done.stdout


def checked(source: str, fresh: FreshEnvironment) -> str:
    """What mypy --strict says of a module where only the wheel is installed."""
    Path("sample.py").write_text(source, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--python-executable", fresh.python, "sample.py"]
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MYPYPATH")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    return done.stdout + done.stderr


@pytest.mark.slow
def test_a_strict_type_checker_accepts_it(fresh_environment: FreshEnvironment) -> None:
    """The installed package tells its types (py.typed): nothing in the module is untyped, and a wrong use is an error at its line."""
    pytest.importorskip("mypy", reason="mypy is in the extra `lint`")
    source = SAMPLE.read_text(encoding="utf-8")
    assert checked(source, fresh_environment) == ""
    wrong = "\n\ndef wrong(step: Step) -> int:\n    step.edit(7, colour='red')\n    return step.id\n"
    said = checked(source + wrong, fresh_environment)
    last = source.count("\n") + 4
    assert re.search(rf"sample.py:{last}: error: ", said)
    assert f"sample.py:{last + 1}: error: Incompatible return value type" in said
    shutil.rmtree(".mypy_cache")
