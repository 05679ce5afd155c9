"""The notebooks run from top to bottom, hold their outputs, and cost nothing the second time.

That a second run in a new kernel sends nothing either is tested in tests/session/test_reuse.py.
"""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path

import nbformat
import pytest
from kit.notebook import runs
from kit.places import ROOT

from promptkit import Session

FOLDER = ROOT / "notebooks"


def pictures(notebook: nbformat.NotebookNode) -> list[str]:
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    shown = (o.get("data", {}).get("text/html", "") for c in cells for o in c.outputs)
    return [part for html in shown for part in html.split('"') if part.startswith("data:image/")]


NAMES = sorted(p.name for p in FOLDER.glob("*.ipynb"))


@pytest.mark.parametrize("name", [NAMES[0], *(pytest.param(name, marks=pytest.mark.slow) for name in NAMES[1:])])
def test_a_notebook_runs_twice_and_the_second_run_sends_nothing(name: str) -> None:
    """Run from top to bottom a second time, a notebook makes no step and shows the same pictures."""
    shutil.copy(FOLDER / name, name)
    stored = pictures(nbformat.read(name, as_version=4))
    with closing(runs(Path(name), Path.cwd())) as run:
        first = pictures(next(run))
        steps = {p.parent: len(Session(p.parent)) for p in Path.cwd().glob("*/promptkit.json")}
        second = pictures(next(run))
    assert len(stored) == len(first) > 0
    assert set(first) <= set(second), "a tree shows what was there before"
    assert {folder: len(Session(folder)) for folder in steps} == steps


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda p: p.name)
def test_a_notebook_holds_its_outputs_and_nothing_of_the_machine(path: Path) -> None:
    """Every code cell was run, in order; pictures are small, and no path of a machine is in it."""
    text = path.read_text(encoding="utf-8")
    cells = [c for c in nbformat.reads(text, as_version=4).cells if c.cell_type == "code"]
    assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1))
    assert len(text) < 1_000_000
    assert not any(p in text for p in (str(Path.home()), os.sep + "tmp" + os.sep, str(FOLDER.parent)))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda p: p.name)
def test_a_notebook_calls_its_own_promptkit(path: Path) -> None:
    """A command in a cell is run by the Python of the kernel: the shell's `promptkit` may be another environment's."""
    cells = [c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    commands = [line for source in cells for line in source.splitlines() if line.lstrip().startswith(("!", "%pip", "%%bash", "%%sh"))]
    assert all(line.startswith("!{sys.executable} -m promptkit ") for line in commands)
