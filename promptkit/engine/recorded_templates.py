"""Makes the template of a recorded step again of the sources that the session stores, whatever lies in the library's folders today, and
finds the steps that a template was asked for in other words than it makes today.

It stands here because it needs both sides: lineage checks the sources by their digest, prompts makes a template of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from promptkit.errors import TemplateError
from promptkit.lineage.files import sources_digest
from promptkit.lineage.tree import Lineage
from promptkit.prompts.template import Prompt, Template

__all__ = ["has_damaged_sources", "recorded_template", "recorded_wordings"]

ENDING = 3  # words by which the end of a template's text is found in another wording of it
WORD = re.compile(r"\w+")


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
    pictures = [each.picture for each in recorded.references]
    return Template.of_files(str(recorded.template), recorded.files, base=base, pack=recorded.pack, pictures=pictures)


def _base_file(recorded: Prompt) -> str | None:
    """Which of the sources is the template's own file: a pack's name stands before the dot, and is no folder."""
    words = str(recorded.template).split(".")
    names = ("/".join(words), "/".join(words[1:]), ".".join(words))
    return next((f"{n}.j2" for n in names if f"{n}.j2" in recorded.files), None)


# Other words of the same template


def recorded_wordings(lineage: Lineage, prompt: Prompt, parents: Sequence[str]) -> list[str]:
    """The words in which the same template (by its digest) was asked for, with the same inputs, for the same picture, by a promptkit that
    rendered it otherwise. What the caller added to them (`prompt + "…"`) is the same, too.
    """
    if prompt.digest is None:
        return []
    there = lineage.rendered_from(prompt.template, prompt.inputs, prompt.lang, parents)
    texts = dict.fromkeys(str(r.prompt.text) for r in there if r.ok and r.prompt.digest == prompt.digest)
    texts.pop(prompt.text, None)
    made = _todays_words(prompt) if texts else None
    if made is None or not prompt.text.startswith(made):  # the caller has put it into words of his own
        return []
    added = prompt.text.removeprefix(made)
    return [text for text in texts if text.endswith(added) and not _says_more(text.removesuffix(added), made)]


def _todays_words(prompt: Prompt) -> str | None:
    """What the prompt's template makes today of its inputs alone."""
    try:
        template = recorded_template(prompt)
        return template(lang=prompt.lang, **prompt.inputs).text if template else None
    except TemplateError:
        return None


def _says_more(text: str, made: str) -> bool:
    """Whether a recorded text goes on where the template's ends: then its caller had added words."""
    if text.startswith(made):
        return bool(text.removeprefix(made).strip())
    words, ending = WORD.findall(text), WORD.findall(made)[-ENDING:]
    last = next((i for i in range(len(words) - len(ending), -1, -1) if words[i : i + len(ending)] == ending), None)
    return bool(ending) and last is not None and last + len(ending) < len(words)
