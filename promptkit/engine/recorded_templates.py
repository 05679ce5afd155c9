"""The templates that a session keeps: made again of the sources that a step was recorded with, whatever lies on disk today."""

from __future__ import annotations

from promptkit.lineage.files import sources_digest
from promptkit.prompts.template import Prompt, Template

__all__ = ["is_lost", "kept_template"]


def is_lost(recorded: Prompt) -> bool:
    """Whether the sources of a recorded prompt's template are missing, or not what was recorded."""
    return recorded.digest is not None and sources_digest(recorded.files) != recorded.digest


def kept_template(recorded: Prompt) -> Template | None:
    """The template of a prompt as it was then; None where its sources are missing or not what was recorded."""
    base = _base_name(recorded)
    if base is None or is_lost(recorded):
        return None
    return Template.of_files(str(recorded.template), recorded.files, base=base, pack=recorded.pack)


def _base_name(recorded: Prompt) -> str | None:
    """Which of its files is the base: a pack's own name stands before the dot and is no folder."""
    words = str(recorded.template).split(".")
    names = ("/".join(words), "/".join(words[1:]), ".".join(words))
    return next((f"{n}.j2" for n in names if f"{n}.j2" in recorded.files), None)
