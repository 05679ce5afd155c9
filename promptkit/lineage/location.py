"""Where a session is: the folder that its name or its path stands for."""

from __future__ import annotations

import os
from pathlib import Path

from promptkit import config as settings
from promptkit.errors import LineageError, SettingsError
from promptkit.lineage.layout import has_marker
from promptkit.values import built_in

__all__ = ["Where", "session_folder"]

Where = str | os.PathLike[str]


def session_folder(where: Where) -> Path:
    """The folder that a name or a path stands for, whether it is there or not: a name is ./NAME where a session is there, else NAME in the
    user's data folder. SettingsError for what is no name; LineageError where there are two.
    """
    try:
        return _named_folder(where)
    except (OSError, ValueError, RuntimeError) as error:
        raise SettingsError(f"{os.fsdecode(where)[:60]!r} is no name for a session: {error}; give a shorter one, or a path.") from None


def _named_folder(where: Where) -> Path:
    if not isinstance(where, str | os.PathLike):
        raise SettingsError(f"A session is opened by a name or a folder, not by a {type(where).__name__}.")
    where = built_in(where)
    if not isinstance(where, str) or os.sep in where or "/" in where:
        return settings.as_spelled(Path(where).expanduser().absolute())
    if not where.strip() or where in (".", ".."):
        raise SettingsError(f"{where!r} is no name for a session; give a name such as \"bear\", or a path such as \"./bear\".")
    here, there = map(settings.as_spelled, (Path(where), settings.data_folder() / where))
    local, common = map(has_marker, (here, there))
    if local and common:
        raise LineageError(f"There are two sessions {where!r}: give ./{where} or {there}, whichever you mean.", path=here)
    return here.absolute() if local else there
