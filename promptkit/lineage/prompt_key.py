"""What a rendered prompt is looked up by, whatever words its template makes today: template, inputs, language, the step it continues."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["prompt_key"]


def prompt_key(template: str | None, inputs: Mapping[str, Any] | None, lang: str | None, parents: Sequence[str]) -> str | None:
    """32 hex digits, equal where the template's name, the inputs as given, the language and the first parent are; None for free text."""
    if not template:
        return None
    try:
        said = json.dumps([template, dict(inputs or {}), lang, parents[0] if parents else ""], sort_keys=True)
    except (TypeError, ValueError, RecursionError):  # a record from elsewhere may hold what no template takes
        return None
    return hashlib.sha256(said.encode()).hexdigest()[:32]
