"""What callers of `run` give, checked before anything is read: what is carried out, where, how many at once. All raise SettingsError."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from promptkit import config as settings
from promptkit.errors import LineageError, SettingsError
from promptkit.lineage.location import Where
from promptkit.prompts.template import Template
from promptkit.runs.column_meaning import EXTRA
from promptkit.runs.planning import MODES, Words
from promptkit.session.recipe import Recipe, read_recipe
from promptkit.session.session import Session
from promptkit.session.step import Step
from promptkit.values import is_url, number, whole_number

__all__ = ["checked_mode", "column_names", "count", "extra_columns", "mapping", "pace", "run_folder", "words_of"]


def run_folder(into: Where) -> Path:
    """The folder of a run: a path as it is written; a bare name stands in the folder where one is."""
    if not isinstance(into, str | PathLike) or not str(into).strip():
        raise SettingsError(f'into= is a folder, such as "./stickers", not {into!r:.60}.')
    if is_url(str(into)):
        raise SettingsError(f"into= is a folder on this machine, and {str(into)!r:.80} is an address.")
    return settings.as_spelled(Path(into).expanduser().absolute())


def words_of(what: object) -> Words:
    """The recipe, or the function, that a caller gives."""
    if isinstance(what, Recipe):
        return what
    if isinstance(what, Template):
        return Recipe.of_templates([what])
    if isinstance(what, Session):
        return _recipe_of(what)
    if isinstance(what, Step):
        return Recipe.of_trail(what.lineage, what.lineage.trail(what.record))
    if isinstance(what, str | PathLike):
        return _recipe_at(what)
    if callable(what):
        return what
    several = list(what) if isinstance(what, Iterable) else []
    if several and all(isinstance(each, Template) for each in several):
        return Recipe.of_templates(several)
    said = "a Template, a list of them, a Session or Step whose trail is the recipe, a recipe's file, or a function"
    raise SettingsError(f"A run carries out {said}, not {what!r:.60}.")


def _recipe_of(session: Session) -> Recipe:
    """The trail of a session's head."""
    if (head := session.head) is None:
        raise LineageError(f"There is no trail in {session.folder} to make a recipe of: make a picture first.", path=session.folder)
    return Recipe.of_trail(head.lineage, head.lineage.trail(head.record))


def _recipe_at(where: str | PathLike[str]) -> Recipe:
    """The recipe of a file; what is a session's folder says so."""
    path = Path(where).expanduser()
    if not path.is_file():
        hint = "; a session is given as Session(…), a template as templates.NAME" if not path.suffix else ""
        raise SettingsError(f"There is no recipe {str(where)!r:.120}{hint}.")
    return read_recipe(path)


def mapping(name: str, given: object) -> dict[str, Any]:
    """What is given by name; nothing where it is not."""
    if given is not None and not isinstance(given, Mapping):
        raise SettingsError(f'{name}= is a mapping such as {{"style": "retro"}}, not {given!r:.60}.')
    return dict(given or {})


def column_names(given: object) -> dict[str, str]:
    """Which heading is read for a name."""
    named = mapping("columns", given)
    if wrong := next((name for name, heading in named.items() if not isinstance(name, str) or not isinstance(heading, str)), None):
        raise SettingsError(f"columns= says which heading is read for a name, both texts; {wrong!r:.60} is read from {named[wrong]!r:.60}.")
    return named


def count(name: str, given: object) -> int:
    """A whole number from 1 on."""
    found = whole_number(given)
    if found is None or found < 1:
        raise SettingsError(f"{name} is a whole number from 1 on, not {given!r:.60}.")
    return found


def pace(given: object) -> float | None:
    """How many requests a minute."""
    found = None if given is None else number(given)
    if given is not None and (found is None or found <= 0):
        raise SettingsError(f"per_minute is a number of requests above 0, not {given!r:.60}.")
    return None if found is None else float(found)


def extra_columns(given: object) -> str:
    """What becomes of a column that means nothing."""
    if given not in EXTRA:
        raise SettingsError(f'extra is "refuse" (an unknown column is an error) or "keep" (it becomes a note), not {given!r:.60}.')
    return str(given)


def checked_mode(given: object) -> str:
    """How rows are asked for."""
    if given not in MODES:
        raise SettingsError(f'mode is "live" (each row by itself) or "batch" (by jobs, at Google for half the price), not {given!r:.60}.')
    return str(given)

