"""Tags of languages, such as `zh-CN`, and which of a template's languages one means."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["LANGUAGE", "find_language"]

LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")


@lru_cache(maxsize=256)
def find_language(wanted: str, tags: tuple[str, ...]) -> str | None:
    """The tag that means what is wanted: the same, or else the first of the same language in the same script."""
    plain = wanted.partition(".")[0].replace("_", "-").lower()
    exact = [tag for tag in tags if tag.lower() == plain]
    near = [tag for tag in tags if tag.lower().split("-")[0] == plain.split("-")[0] and _script(tag) == _script(plain)]
    return next(iter(exact + near), None)


def _script(tag: str) -> str:
    language, *subtags = tag.lower().split("-")
    named = next((s for s in subtags if len(s) == 4 and s.isalpha()), None)
    if language == "zh":  # written in either script, and the region tells which
        return named or ("hant" if {"tw", "hk", "mo"} & set(subtags) else "hans")
    return named or ""
