"""The notebooks run from top to bottom, hold their outputs, and cost nothing the second time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from kit.places import ROOT

from promptkit import Session

FOLDER = ROOT / "notebooks"


def run(path: Path) -> list[nbformat.NotebookNode]:
    subprocess.run([sys.executable, "-m", "kit.notebook", path, "."], check=True, capture_output=True, timeout=120)
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def pictures(cells: list[nbformat.NotebookNode]) -> list[str]:
    shown = (o.get("data", {}).get("text/html", "") for c in cells for o in c.outputs)
    return [part for html in shown for part in html.split('"') if part.startswith("data:image/")]


@pytest.mark.parametrize("name", sorted(p.name for p in FOLDER.glob("*.ipynb")))
def test_a_notebook_runs_twice_and_the_second_run_sends_nothing(name: str) -> None:
    """Run from top to bottom a second time, a notebook makes no step and shows the same pictures."""
    shutil.copy(FOLDER / name, name)
    stored = pictures([c for c in nbformat.read(name, as_version=4).cells if c.cell_type == "code"])
    first = pictures(run(Path(name)))
    steps = {p.parent: len(Session(p.parent)) for p in Path.cwd().glob("*/promptkit.json")}
    second = pictures(run(Path(name)))
    assert len(stored) == len(first) > 0
    assert set(first) <= set(second), "a tree shows what was there before"
    assert {folder: len(Session(folder)) for folder in steps} == steps


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda p: p.name)
def test_a_notebook_holds_its_outputs_and_nothing_of_the_machine(path: Path) -> None:
    """Every code cell was run, in order; pictures are small, and no path of a machine is in it."""
    text = path.read_text(encoding="utf-8")
    cells = [c for c in nbformat.reads(text, as_version=4).cells if c.cell_type == "code"]
    assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1))
    assert len(text) < 400_000
    assert not any(p in text for p in (str(Path.home()), os.sep + "tmp" + os.sep, str(FOLDER.parent)))
