"""The reference notebook is true: what it lists is what there is, and what it shows to type works.

That its cells run is tested in test_notebooks.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from kit.json_objects import DEFINED
from kit.places import ROOT

import promptkit
from promptkit import Cost, Endpoint, Library, PromptkitError
from promptkit import config as settings
from promptkit.prompts import sandbox
from promptkit.providers import models

NOTEBOOK = nbformat.read(ROOT / "notebooks/05_reference.ipynb", as_version=4)
WORDS = "\n\n".join(cell.source for cell in NOTEBOOK.cells if cell.cell_type == "markdown")


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", WORDS, re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_config_file_is_read_as_it_stands() -> None:
    """It defines an endpoint and a price at it."""
    path = settings.config_file()
    path.parent.mkdir(parents=True)
    path.write_text(block("toml"), encoding="utf-8")
    assert Endpoint.named("work").host == "gateway.example.com"
    assert models.estimate(models.default_model(), "work", image_size=None) == Cost.of(0.30, "CNY")


def test_the_template_renders() -> None:
    """The template that shows what a template is, is a good one."""
    Path("folder").mkdir()
    Path("folder/postcard.j2").write_text(block("jinja"), encoding="utf-8")
    prompt = Library("folder").postcard(place="harbour in Lisbon", mood="lively")
    assert str(prompt) == "A postcard of a harbour in Lisbon on a lively evening."


def test_the_templates_that_come_along_are_listed() -> None:
    """Every built-in template is named, and how many there are is said."""
    names = [t.name for t in Library() if not t.name.startswith("recover.")]
    assert "Sixteen come along" in WORDS
    assert len(names) == 16
    assert all(f"`{name}`" in WORDS for name in names)


def test_the_filters_and_tests_that_templates_may_use_are_listed() -> None:
    """Every filter and test that a template may use is named, for packs depend on it."""
    listed = set(re.findall(r"`(\w+)`", WORDS))
    assert {n for n in sandbox.FILTERS if len(n) > 1} <= listed
    assert set(sandbox.TESTS) <= listed


def test_every_error_is_listed() -> None:
    """The table of errors has each public class."""
    errors = {n for n in promptkit.__all__ if isinstance(kind := getattr(promptkit, n), type) and issubclass(kind, PromptkitError)}
    assert errors - {"PromptkitError"} <= set(re.findall(r"`(\w+)`", WORDS.partition("## Errors")[2]))


def test_the_table_of_objects_is_the_schema_that_ships() -> None:
    """What the notebook shows was made of today's schema: each kind and key stands there with its description."""
    shown = "\n".join(o.data["text/markdown"] for c in NOTEBOOK.cells for o in c.get("outputs", []) if "text/markdown" in o.get("data", {}))
    for kind, defined in DEFINED.items():
        assert f"| **{kind}** | | {defined['description']}" in shown
        for key, said in defined["properties"].items():
            row = rf"^\| `{re.escape(key)}` \| [a-z ]+ \| {re.escape(said['description'])} \|$"
            assert re.search(row, shown, re.MULTILINE), (kind, key)


def test_what_comes_from_somebody_else_is_told() -> None:
    """What a folder, a template, a picture and a page from a stranger may do and may not, and how a hole is reported."""
    told = WORDS.partition("## What comes from somebody else")[2].partition("## Measurements")[0]
    rows = [row.strip("| ").split(" | ") for row in told.splitlines() if row.startswith("| ")][2:]
    assert all(len(row) == 3 for row in rows)
    for word in ("folder", "template", "picture", "page", "answer", "dialect"):
        assert any(word in what for what, _, _ in rows)
    assert "**A hole in this** is reported" in told


def test_every_link_within_it_leads_somewhere() -> None:
    """Each section that the beginning names is there."""
    headings = {line.lstrip("# ").replace(" ", "-") for line in WORDS.splitlines() if line.startswith("#")}
    assert set(re.findall(r"\]\(#([^)]+)\)", WORDS)) <= headings


@pytest.mark.slow
def test_the_shell_lines_work() -> None:
    """Each does what it says, in order."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for line in block("sh").splitlines():
        done = subprocess.run(line, shell=True, capture_output=True, text=True, env={**os.environ, "PATH": path})
        assert done.returncode == 0, (line, done.stderr)
