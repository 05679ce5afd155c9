"""The direction of imports, what an import costs, and what the wheel holds."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from kit.places import FreshEnvironment

import promptkit

PACKAGE = Path(promptkit.__file__).parent
ROOT = PACKAGE.parent

# A row imports only from rows below it; modules of one row not each other.
ROWS = [
    ["__main__"],
    ["cli.main"],
    ["cli.templates", "cli.search", "cli.replay", "cli.archive", "cli.explain"],
    ["search.search"],
    ["search.results"],
    ["session.session"],
    ["session.replay", "session.squash", "archive.export", "archive.import_zip", "session.explain", "session.cursor"],
    ["session.reprompt", "session.replay_preview", "session.explanation"],
    ["session.step"],
    ["engine.ask"],
    ["engine.plan", "archive.redact", "engine.budget"],
    ["session.changes", "engine.spending", "archive.png_embed"],
    ["engine.recovery", "views.cards", "providers.transport", "providers.offline.service", "progress", "engine.rate_limit", "search.locations", "engine.recorded_templates"],
    ["providers.offline.painter", "providers.gemini", "lineage.tree", "search.fingerprint_cache", "archive.manifest"],
    ["lineage.claims", "lineage.location"],
    ["lineage.pending", "lineage.verify"],
    ["lineage.layout"],
    ["lineage.record", "images.fingerprint"],
    ["authoring.check", "authoring.snapshots", "authoring.scaffold", "engine.options"],
    ["prompts.library"],
    ["prompts.template", "images.picture", "providers.models", "authoring.prompt_rules"],
    ["prompts.packs", "prompts.brackets"],
    ["prompts.declarations"],
    ["prompts.source_file"],
    ["prompts.sandbox", "prompts.strict_yaml"],
    ["config"],
    ["markup", "cli.output", "views.word_diff"],
    ["errors", "atomic", "terminal", "search.text_match"],
]
ROW_OF = {name: i for i, row in enumerate(ROWS) for name in row}
ONE_IMPORTER = {
    "jinja2": {"prompts.sandbox"},
    "yaml": {"prompts.strict_yaml"},
    "PIL": {"images.picture", "providers.offline.painter", "providers.offline.service", "views.cards", "session.changes"},
    "requests": {"providers.transport"},
    "urllib3": {"providers.transport"},
    "platformdirs": {"config"},
    "tqdm": {"progress"},
}


def modules() -> dict[str, ast.Module]:
    return {dotted(p): ast.parse(p.read_text(encoding="utf-8")) for p in PACKAGE.rglob("*.py") if p.stem != "__init__"}


def dotted(path: Path) -> str:
    """A module's name within promptkit."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def imported(tree: ast.Module) -> set[str]:
    """All that is imported anywhere in a module, inside functions and for type checkers too; our own modules by their bare names."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "promptkit":
            found |= {node.module, *(f"{node.module}.{a.name}" for a in node.names)}  # a module, or what it holds
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return {n.removeprefix("promptkit.") if n.startswith("promptkit.") else n.partition(".")[0] for n in found}


def test_every_module_has_a_row() -> None:
    """A new module says where it stands."""
    assert set(modules()) == set(ROW_OF)


@pytest.mark.parametrize("name", sorted(ROW_OF))
def test_imports_point_downwards(name: str) -> None:
    """A module imports only from rows below its own, lazy imports included."""
    wrong = [m for m in imported(modules()[name]) if m in ROW_OF and ROW_OF[m] <= ROW_OF[name]]
    assert wrong == []


@pytest.mark.parametrize("package", sorted(ONE_IMPORTER))
def test_each_heavy_dependency_has_its_importer(package: str) -> None:
    """jinja2, yaml, PIL, requests, platformdirs and tqdm are imported where the design says, and nowhere else."""
    assert {name for name, tree in modules().items() if package in imported(tree)} <= ONE_IMPORTER[package]


def test_the_environment_is_read_in_one_place() -> None:
    """Only settings reads os.environ."""
    assert {dotted(p) for p in PACKAGE.rglob("*.py") if re.search(r"os\.(environ|getenv)", p.read_text(encoding="utf-8"))} == {"settings"}


def test_importing_stays_light() -> None:
    """`import promptkit` and its public names load no requests, PIL, jinja2, yaml, platformdirs or tqdm."""
    script = "import sys, promptkit; [getattr(promptkit, n) for n in promptkit.__all__]; print(*{m.partition('.')[0] for m in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert set(ONE_IMPORTER).isdisjoint(loaded)


def test_the_public_names_are_sorted_and_there() -> None:
    """__all__ is sorted, and each name in it can be had; others cannot."""
    assert promptkit.__all__ == sorted(promptkit.__all__)
    assert all(getattr(promptkit, name) is not None for name in promptkit.__all__)
    assert set(promptkit.__all__) <= set(dir(promptkit))
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = promptkit.nothing_like_it


def test_nothing_else_stands_at_the_top_level() -> None:
    """The repository's top level holds what the layout names."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    allowed = {".ci", ".gitignore", "CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml"}
    allowed |= {"notebooks", "promptkit", "templates", "tests"}
    assert {name.partition("/")[0] for name in listed} <= allowed


def test_the_wheel_works_in_an_empty_environment(fresh_environment: FreshEnvironment, tmp_path: Path) -> None:
    """The built wheel holds the templates, and renders one where nothing but it and its dependencies are."""
    names = zipfile.ZipFile(fresh_environment.wheel).namelist()
    assert "promptkit/_templates/sticker.j2" in names
    assert "promptkit/py.typed" in names
    assert "promptkit/providers/models.toml" in names
    assert not any(n.startswith(("tests/", "notebooks/", "templates/")) for n in names)
    script = "from promptkit import templates; print(templates.sticker(subject='fox'))"
    assert "sticker of a fox" in fresh_environment.run("-c", script, cwd=tmp_path)
