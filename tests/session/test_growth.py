"""The cost of a step does not grow with the session: work is counted, not time, on chains of 10 and of 400 steps."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
import warnings
from pathlib import Path

import pytest
from kit.grown import grow, opened

from promptkit.lineage.tree import Lineage


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    short, long = tmp_path_factory.mktemp("short") / "bear", tmp_path_factory.mktemp("long") / "bear"
    with warnings.catch_warnings(action="ignore"):  # that a picture is the same as before
        grow(short, 10)
        grow(long, 400)
    return short, long


def work(folder: Path, budget: str) -> tuple[dict[str, int], dict[str, int], int]:
    command = [sys.executable, "-m", "kit.grown", "works", folder, "5", budget]
    said = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parent.parent).stdout
    first, later, read = json.loads(said)
    return first, later, read


@pytest.mark.parametrize("budget", ["", "with a budget"])
def test_an_edit_does_the_same_work_in_a_long_session(chains: tuple[Path, Path], budget: str) -> None:
    """After 400 steps an edit opens as many files and lists as many folders as after 10: the first one in a process, and each later one."""
    (first, later, read), (first_of_many, later_of_many, read_of_many) = (work(folder, budget) for folder in chains)
    assert (first_of_many, later_of_many) == (first, later)
    assert (first["the folder listed"], later.get("the folder listed", 0)) == (1, 0)
    assert read_of_many <= 1.1 * read


def test_a_long_session_takes_little_memory(chains: tuple[Path, Path]) -> None:
    """What is held of a step that nobody asked for is less than 3 kB, with the sums of a budget."""
    lineage = Lineage(chains[1])
    tracemalloc.start()
    try:
        sums, _ = lineage.sums()
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert sums.attempts["google"] >= 400
    assert held < 3000 * lineage.count()


def test_a_long_chain_is_gone_on_with_from_any_step(chains: tuple[Path, Path]) -> None:
    """A step is found by its number and reused by its request, wherever it stands; what was asked for is still everything."""
    session = opened(chains[1])
    assert [session[n].number for n in (1, 200, 400)] == [1, 200, 400]
    assert session.edit("edit 0", on=1) == session[2]
    assert len(session.steps) == len(session) >= 401
    assert session.verify() == []
