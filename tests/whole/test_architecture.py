"""The direction of imports, what an import costs, and what the wheel holds."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import pytest
from kit.places import FreshEnvironment

import promptkit

PACKAGE = Path(promptkit.__file__).parent
ROOT = PACKAGE.parent

# A package imports only from lines below its own; those of one line not each other. Inside a package modules are friends.
LAYERS = [
    ["__main__"],
    ["cli"],
    ["search"],
    ["session"],
    ["engine", "authoring", "views", "archive"],
    ["providers", "prompts", "lineage"],
    ["images"],
    ["config"],
    ["atomic", "markup", "terminal", "progress"],
    ["errors"],
]
LAYER_OF = {name: i for i, names in enumerate(LAYERS) for name in names}
ONE_IMPORTER = {
    "jinja2": {"prompts.sandbox"},
    "yaml": {"prompts.strict_yaml"},
    "PIL": {
        *("images.changes", "images.fingerprint", "images.picture"),
        *("providers.offline.painter", "providers.offline.service", "views.sheets"),  # for drawing
    },
    "requests": {"providers.transport"},
    "urllib3": {"providers.transport"},
    "platformdirs": {"config"},
    "tqdm": {"progress"},
}


def dotted(path: Path) -> str:
    """A module's name within promptkit; a package's is its folder's."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


TREES = {dotted(p): ast.parse(p.read_text(encoding="utf-8")) for p in sorted(PACKAGE.rglob("*.py")) if p != PACKAGE / "__init__.py"}


@cache
def imported(name: str) -> frozenset[str]:
    """All that is imported anywhere in a module, inside functions and for type checkers too; our own by their names within promptkit."""
    found: set[str] = set()
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "promptkit":
            found |= {module for a in node.names if (module := _module(f"{node.module}.{a.name}"))}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return frozenset(n.removeprefix("promptkit.") if n.startswith("promptkit.") else n.partition(".")[0] for n in found)


def _module(name: str) -> str:
    """The module that a name is, or stands in."""
    return name if name.removeprefix("promptkit.") in TREES else name.rpartition(".")[0]


def package_of(name: str) -> str:
    return name.partition(".")[0]


def test_every_module_has_its_place() -> None:
    """A new module stands in a package, or beside the packages, as the layers say."""
    assert {package_of(name) for name in TREES} == set(LAYER_OF)


def test_imports_point_one_way() -> None:
    """A package imports only packages below its own, lazy imports included."""
    arrows = {(name, m) for name in TREES for m in imported(name) if package_of(m) in LAYER_OF and package_of(m) != package_of(name)}
    wrong = {(name, m) for name, m in arrows if LAYER_OF[package_of(m)] <= LAYER_OF[package_of(name)]}
    assert wrong == set()


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Inside a package modules are friends, and still none needs itself."""
    ahead = {name: {m for m in imported(name) if m in TREES} for name in TREES}
    while free := {name for name, needs in ahead.items() if not needs}:
        ahead = {name: needs - free for name, needs in ahead.items() if name not in free}
    assert ahead == {}


def test_each_package_says_what_it_is() -> None:
    """A package's own file holds the paragraph that says what it is for, names each of its files, and defines nothing."""
    for init in PACKAGE.rglob("*/__init__.py"):
        tree = TREES[dotted(init)]
        said = ast.get_docstring(tree) or ""
        assert len(tree.body) == 1, init
        modules = {p.stem for p in init.parent.glob("*.py")} - {"__init__"} | {p.parent.name for p in init.parent.glob("*/__init__.py")}
        assert not [m for m in modules if not re.search(rf"\b{m}\b", said)], init
        assert len(said.split()) > 30, init


@pytest.mark.parametrize("package", sorted(ONE_IMPORTER))
def test_each_heavy_dependency_has_its_importer(package: str) -> None:
    """jinja2, yaml, PIL, requests, platformdirs and tqdm are imported where the design says, and nowhere else."""
    assert {name for name in TREES if package in imported(name)} <= ONE_IMPORTER[package]


def test_the_environment_is_read_in_one_place() -> None:
    """Only config reads os.environ."""
    assert {dotted(p) for p in PACKAGE.rglob("*.py") if re.search(r"os\.(environ|getenv)", p.read_text(encoding="utf-8"))} == {"config"}


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
