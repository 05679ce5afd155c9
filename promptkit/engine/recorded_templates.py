"""Makes the template of a recorded step again of the sources that the session stores, whatever lies in the library's folders today.

It stands here because it needs both sides: lineage checks the sources by their digest, prompts makes a template of them.
"""

from __future__ import annotations

from promptkit.lineage.files import sources_digest
from promptkit.prompts.template import Prompt, Template

__all__ = ["has_damaged_sources", "recorded_template"]


def has_damaged_sources(recorded: Prompt) -> bool:
    """Whether the stored sources of a recorded prompt's template are missing, or not what was recorded."""
    return recorded.digest is not None and sources_digest(recorded.files) != recorded.digest


def recorded_template(recorded: Prompt) -> Template | None:
    """The template of a recorded prompt as it was then; None for free text, and where its sources are missing or damaged.

    TemplateError where the sources are whole and this version of promptkit refuses them.
    """
    base = _base_file(recorded)
    if base is None or has_damaged_sources(recorded):
        return None
    return Template.of_files(str(recorded.template), recorded.files, base=base, pack=recorded.pack)


def _base_file(recorded: Prompt) -> str | None:
    """Which of the sources is the template's own file: a pack's name stands before the dot, and is no folder."""
    words = str(recorded.template).split(".")
    names = ("/".join(words), "/".join(words[1:]), ".".join(words))
    return next((f"{n}.j2" for n in names if f"{n}.j2" in recorded.files), None)
