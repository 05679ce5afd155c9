"""run.json, in a run's folder: how the run was asked for, so that it can be looked at, and run again without its table.

It names the endpoint, and no key and no address: who runs it elsewhere has settings of his own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptkit import __version__, atomic
from promptkit.cost import Money
from promptkit.errors import LineageError, SettingsError
from promptkit.lineage.files import parsed, read_file, reason
from promptkit.lineage.layout import writing
from promptkit.lineage.record import now
from promptkit.runs.planning import LIVE, Asked, Planner, Words
from promptkit.runs.rows import Table, TableRow
from promptkit.session.recipe import Recipe
from promptkit.values import for_json

__all__ = ["RUN_FILE", "RunFile", "is_run", "refuse_another_recipe", "write_run_file"]

VERSION = 1
RUN_FILE, SCHEMA = "run.json", f"promptkit.run/{VERSION}"
LARGEST = 256_000_000  # bytes: a recipe holds the pictures that go along
PLAIN = ("columns", "takes", "label", "lang", "model", "recover", "deadline", "max_requests", "workers", "per_minute", "extra")


@dataclass(frozen=True)
class RunFile:
    """What run.json says: the recipe (None where a function made the prompts, whose name is `function`), and how it was asked for.
    `folder` is what relative paths in its table start from.
    """

    recipe: Recipe | None
    function: str | None
    asked: Asked
    table: str
    folder: Path | None

    def table_of(self, rows: Sequence[TableRow]) -> Table:
        """Its rows, as the results hold them, as the table that it was run over."""
        headings = tuple(dict.fromkeys(name for row in rows for name in row.values))
        return Table(self.table, headings, lambda: iter(rows), folder=self.folder)

    @classmethod
    def read(cls, into: Path) -> RunFile:
        """That of a folder. LineageError where the folder is no run, SettingsError for a damaged or a later one."""
        path = into / RUN_FILE
        try:
            said = parsed(read_file(path, LARGEST))
        except (FileNotFoundError, NotADirectoryError):
            raise LineageError(f"{into} is no run: it holds no {RUN_FILE}; `run` with into= makes one.", path=into) from None
        except (OSError, ValueError) as error:
            raise LineageError(f"{path} cannot be read: {reason(error)}; run it again with its table.", path=path) from None
        if not isinstance(said, dict) or said.get("schema") != SCHEMA:
            version = said.get("schema") if isinstance(said, dict) else None
            raise SettingsError(f"{path} says {version!r:.40}, and this promptkit knows {SCHEMA}.")
        try:
            return cls._of(said, into)
        except (KeyError, TypeError, ValueError) as error:
            raise SettingsError(f"{path} is damaged ({type(error).__name__}: {error!s:.80}); run it again with its table.") from None

    @classmethod
    def _of(cls, said: Mapping[str, Any], into: Path) -> RunFile:
        recipe = Recipe.of_json(said["recipe"], str(into / RUN_FILE)) if said.get("recipe") else None
        budget = Money(*said["budget"]) if said.get("budget") else None
        plain = {name: said[name] for name in PLAIN}
        plain |= {"mode": said.get("mode", LIVE)}
        asked = Asked(inputs=said["inputs"], options=said["options"], endpoint=said["endpoint"], budget=budget, **plain)
        folder = said.get("pictures_from")
        return cls(recipe, said.get("function"), asked, str(said.get("table")), None if folder is None else (into / folder).resolve())


def is_run(into: Path) -> bool:
    """Whether it is a run's folder."""
    return (into / RUN_FILE).is_file()


def write_run_file(planner: Planner) -> None:
    """Says in the run's folder how it is asked for."""
    asked, what = planner.asked, planner.what
    said = {
        "schema": SCHEMA,
        "promptkit": __version__,
        "written": now(),
        "table": planner.table.name,
        "pictures_from": _beside(planner),
        "recipe": what.to_json() if isinstance(what, Recipe) else None,
        "function": None if isinstance(what, Recipe) else getattr(what, "__qualname__", type(what).__name__),
        "inputs": dict(asked.inputs),
        "options": dict(asked.options),
        "endpoint": planner.endpoint.name,
        "budget": list(asked.budget) if asked.budget else None,
        "mode": asked.mode,
        **{name: getattr(asked, name) for name in PLAIN},
    }
    data = json.dumps(said, ensure_ascii=False, indent=1, default=for_json).encode("utf-8", "replace") + b"\n"
    with writing(planner.into):
        atomic.write_whole(planner.into / RUN_FILE, data)


def _beside(planner: Planner) -> str | None:
    """The table's folder from the run's own on, so that both can be moved together."""
    if planner.table.folder is None:
        return None
    try:
        return os.path.relpath(planner.table.folder.absolute(), planner.into.absolute())
    except ValueError:  # on another drive
        return str(planner.table.folder.absolute())


def refuse_another_recipe(what: Words, into: Path) -> None:
    """LineageError where the folder holds a run that begins otherwise: with another template, or by a function."""
    if not is_run(into):
        _refuse_other_folder(into)
        return
    then, asked = _begins(RunFile.read(into).recipe), _begins(what if isinstance(what, Recipe) else None)
    if then != asked:
        said = f"{into} holds a run that begins with {then}, and this one begins with {asked}"
        raise LineageError(f"{said}: give it a folder of its own.", path=into)


def _refuse_other_folder(into: Path) -> None:
    """LineageError where the folder cannot become a run's: it holds something else."""
    if into.is_dir():
        others = sorted(p.name for p in into.iterdir() if not p.name.startswith("."))
        if others:
            said = f"{into} is no run's folder and not empty (it holds {others[0]!r:.80})"
            raise LineageError(f"{said}: give a run's folder, an empty one, or a new name.", path=into)
    elif into.exists():
        raise LineageError(f"{into} is a file; a run needs a folder.", path=into)


def _begins(recipe: Recipe | None) -> str:
    """With what a recipe begins, in words."""
    if recipe is None:
        return "a function"
    first = recipe.steps[0]
    return first.name if first.template or first.operation else f"the words {first.text:.40}"
