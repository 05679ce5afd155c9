"""The direction of imports, what an import costs, and what the wheel holds.

What a package does is tested in the folder of its name; here only what holds for all of them, read from their source.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
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
    ["runs"],
    ["search"],
    ["session"],
    ["engine", "authoring", "views", "archive"],
    ["providers", "prompts", "lineage"],
    ["images"],
    ["config"],
    ["atomic", "cost", "markup", "progress", "renamed", "toml_edit", "words"],
    ["kernel", "values"],
    ["errors"],
    ["json_objects", "terminal"],
]
LAYER_OF = {name: i for i, names in enumerate(LAYERS) for name in names}
ONE_IMPORTER = {
    "jinja2": {"prompts.sandbox"},
    "yaml": {"prompts.strict_yaml"},
    "PIL": {
        *("images.changes", "images.fingerprint", "images.measures", "images.picture", "images.pixels"),
        *("images.region", "images.region_fit", "images.still", "images.thumbnails"),
        *("providers.offline.painter", "providers.offline.service", "views.sheets", "views.fonts", "views.lettering"),  # for drawing
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


# Names


BORROWED = frozenset({"_replace", "_asdict", "_fields", "_make", "_getframe"})  # named tuples' and Python's own
OWN = ("self", "cls", "other")
OF_A_SESSION = ("session", "into", "engine", "step", "lineage")
RIDDLES = {"looks", "places", "where", "kept", "gate", "folding", "columns", "contents", "rehearsal", "samples", "starter", "closed"}
RIDDLES |= {"wording", "rewording", "draft", "utils", "helpers", "core", "common"}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__") and name != "_"


def defined(tree: ast.Module) -> set[str]:
    """The underscored names that a module gives to its functions, classes, constants, fields and attributes."""
    nodes = list(ast.walk(tree))
    found = {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)}
    found |= {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    found |= {n.attr for n in nodes if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store) and ast.unparse(n.value) in OWN}
    return {name for name in found if is_private(name)}


def private_uses(name: str) -> set[str]:
    """The underscored names of other objects that a module uses, and those that it imports.

    A function or a class may use those of its own module's objects, where it has them by a name: an alternative constructor does.
    """
    own, nodes = defined(TREES[name]) | BORROWED, list(ast.walk(TREES[name]))
    used = [n for n in nodes if isinstance(n, ast.Attribute) and is_private(n.attr) and ast.unparse(n.value) not in (*OWN, "super()")]
    taken = {a.name for n in nodes if isinstance(n, ast.ImportFrom) for a in n.names if is_private(a.name)}
    return {n.attr for n in used if isinstance(n.value, ast.Attribute) or n.attr not in own} | taken


def test_no_module_uses_what_another_one_hides() -> None:
    """An underscored name belongs to its module; what others need has a name without."""
    found = sorted(f"{name}: {used}" for name in TREES for used in private_uses(name))
    assert found == []


def test_an_underscored_name_of_another_object_is_seen() -> None:
    """Attributes of names, of attributes and of calls are counted, and imports; one's own, a base class's and named tuples' are not."""
    source = """
from promptkit.elsewhere import _taken, free
class Own:
    _field: int = 0
    def meet(self, other, guest):
        self._set = other._set + guest._field + super()._base
        return self.engine._budget, self.engine._field, free()._made, guest._hidden, guest._replace(x=1), self.__dict__
"""
    TREES["a test's"] = ast.parse(source)
    try:
        assert private_uses("a test's") == {"_taken", "_budget", "_field", "_made", "_hidden"}
    finally:
        del TREES["a test's"]


def parameters(tree: ast.Module) -> Iterator[tuple[str, ast.arg]]:
    """All parameters of all functions, with the function's name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from ((node.name, a) for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs))


def test_sessions_and_engines_have_types() -> None:
    """No parameter that is a session, an engine, a step or a lineage is Any: who takes it says what it takes."""
    found = sorted(
        f"{name}: {function}({a.arg})"
        for name, tree in TREES.items()
        for function, a in parameters(tree)
        if a.arg in OF_A_SESSION and a.annotation is not None and re.search(r"\bAny\b", ast.unparse(a.annotation))
    )
    assert found == []


def test_no_object_is_made_past_its_class() -> None:
    """Nothing is made with object.__new__, and nothing's __dict__ is copied or set: a second cursor shares an engine."""
    found = [f"{name}: line {n.lineno}" for name, tree in TREES.items() for n in ast.walk(tree) if isinstance(n, ast.Attribute) and past(n)]
    assert found == []


def past(node: ast.Attribute) -> bool:
    """Whether it is `object.__new__`, or a `__dict__` that is set."""
    return ast.unparse(node) == "object.__new__" or (node.attr == "__dict__" and isinstance(node.ctx, ast.Store))


def test_no_file_is_named_by_a_riddle() -> None:
    """A file's name says what is in it, in the field's words."""
    assert not [name for name in TREES if RIDDLES & set(name.split("."))]


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
    """Only config reads os.environ, but for what the two that it imports need: the whole traceback, colour, a shell that completes."""
    texts = {dotted(p): p.read_text(encoding="utf-8") for p in PACKAGE.rglob("*.py")}
    assert {name for name, text in texts.items() if re.search(r"os\.(environ|getenv)", text)} == {"config", "errors", "terminal"}
    assert re.findall(r"os\.(?:environ|getenv).*", texts["errors"]) == ['os.environ.get("PROMPTKIT_TRACEBACK", "") not in ("", "0")']
    names = re.findall(r"os\.environ\.get\(\W(\w+)|\"(\w+)\" in os\.environ", texts["terminal"])
    assert [one or other for one, other in names] == ["NO_COLOR", "TERM", "WT_SESSION", "_ARGCOMPLETE"]


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


@pytest.mark.slow
def test_the_wheel_works_in_an_empty_environment(fresh_environment: FreshEnvironment, tmp_path: Path) -> None:
    """The built wheel holds the templates, and renders one where nothing but it and its dependencies are."""
    names = zipfile.ZipFile(fresh_environment.wheel).namelist()
    assert "promptkit/_templates/sticker.j2" in names
    assert "promptkit/py.typed" in names
    assert "promptkit/providers/models.toml" in names
    shown = {f"promptkit/views/{path.name}" for path in (PACKAGE / "views").iterdir() if path.suffix in (".js", ".css", ".toml")}
    assert "promptkit/views/page.js" in shown <= {*names}
    assert {f"promptkit/prompts/words/{lang}.toml" for lang in ("en", "es", "hi", "ja", "zh")} <= {*names}
    assert not any(n.startswith(("tests/", "notebooks/", "templates/")) for n in names)
    script = "from promptkit import templates; print(templates.sticker(subject='fox'))"
    assert "sticker of a fox" in fresh_environment.run("-c", script, cwd=tmp_path)
