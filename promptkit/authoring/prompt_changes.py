"""Which prompts differ between a folder of templates as it was in a git revision and as it is now: example by example, in each language."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from promptkit.authoring.git_revision import templates_at, write_templates
from promptkit.authoring.snapshots import template_snapshots
from promptkit.errors import TemplateError, brief_path
from promptkit.json_objects import flat_object
from promptkit.prompts.library import Library, folder_library, folders_of, no_templates, template_names
from promptkit.prompts.template import Prompt

__all__ = ["Changes", "PromptChange", "compare_with_revision"]


@dataclass(frozen=True)
class PromptChange:
    """A prompt that differs: of which template, example (from 1) and language, as it was (None: new) and is (None: gone)."""

    template: str
    example: int
    lang: str
    before: Prompt | None
    now: Prompt | None

    @property
    def kind(self) -> Literal["changed", "new", "gone"]:
        return "new" if self.before is None else "gone" if self.now is None else "changed"

    def to_dict(self) -> dict[str, Any]:
        """As one flat object (promptkit.prompt_change/1): `template`, `example`, `lang`, `kind`, and the words `before` and `now`."""
        before, now = (None if prompt is None else prompt.text for prompt in (self.before, self.now))
        about = {"template": self.template, "example": self.example, "lang": self.lang}
        return flat_object("prompt_change", **about, kind=self.kind, before=before, now=now)


@dataclass(frozen=True)
class Changes:
    """The prompts that differ, by template, language and example; how many are the same; sentences on what could not be rendered."""

    changed: tuple[PromptChange, ...]
    same: int
    broken: tuple[str, ...]


@dataclass(frozen=True)
class _Rendered:
    """All prompts of a library, by template and language, each with its example's number; and why others are none."""

    prompts: Mapping[tuple[str, str], Mapping[int, Prompt]]
    broken: Mapping[str, str]


def compare_with_revision(revision: str, folder: Path) -> Changes:
    """What changed between a git revision and the folder as it stands. TemplateError where there is no such revision, or no template.

    Examples are compared by their numbers; one that only moved is the same. A template that does not render, then or now, is told, and
    compared no further.
    """
    files = templates_at(revision, folder)
    now = _rendered(folder_library(folder))
    with tempfile.TemporaryDirectory(prefix="promptkit-") as place:
        write_templates(files, Path(place))
        before = _rendered(folder_library(place))
    if not (before.prompts or before.broken or now.prompts or now.broken):
        raise TemplateError(_nothing_compared(folder))
    broken = [f"{name} in {revision}: {said}" for name, said in before.broken.items()]
    broken += [f"{name} now: {said}" for name, said in now.broken.items()]
    left_out = before.broken.keys() | now.broken.keys()
    keys = sorted(key for key in before.prompts.keys() | now.prompts.keys() if key[0] not in left_out)
    pairs = [(key, before.prompts.get(key, {}), now.prompts.get(key, {})) for key in keys]
    changed = tuple(change for key, old, new in pairs for change in _changes(key, old, new))
    total = sum(len(new) for _, _, new in pairs)
    return Changes(changed, total - sum(change.now is not None for change in changed), tuple(broken))


def _nothing_compared(folder: Path) -> str:
    library = folder_library(folder)
    if not template_names(library):
        return no_templates(library)
    return f"No template in {brief_path(folder)} has an example, then or now: there is nothing to compare; write some under examples."


def _rendered(library: Library) -> _Rendered:
    prompts: dict[tuple[str, str], dict[int, Prompt]] = {}
    broken: dict[str, str] = {}
    for name in template_names(library):
        try:
            for lang, number, prompt in template_snapshots(library[name]):
                prompts.setdefault((name, lang), {})[number] = prompt
        except TemplateError as error:
            broken[name] = _from_folder(error, folders_of(library)[0].path)
    return _Rendered(prompts, broken)


def _from_folder(error: TemplateError, folder: str) -> str:
    """What an error says, with the path of its file from the folder, which is a temporary one for a revision."""
    file = Path(error.file or "")
    said = str(error).removeprefix(f"{brief_path(file)}:") if error.file else str(error)
    name = f"{file.relative_to(folder).as_posix()}:" if file.is_relative_to(folder) else ""
    return f"{name}{said}".replace(folder, ".")


def _changes(key: tuple[str, str], before: Mapping[int, Prompt], now: Mapping[int, Prompt]) -> Iterator[PromptChange]:
    old, new = _without(before, now), _without(now, before)
    for number in sorted(old.keys() | new.keys()):
        yield PromptChange(key[0], number, key[1], old.get(number), new.get(number))


def _without(prompts: Mapping[int, Prompt], others: Mapping[int, Prompt]) -> dict[int, Prompt]:
    """The prompts that the others lack, each of which stands for one."""
    there = Counter(map(_asked, others.values()))
    left: dict[int, Prompt] = {}
    # the same number first, so that of two equal prompts the one that moved is told
    for number, prompt in sorted(prompts.items(), key=lambda item: _asked(item[1]) != _asked(others.get(item[0]))):
        if there[_asked(prompt)] > 0:
            there[_asked(prompt)] -= 1
        else:
            left[number] = prompt
    return left


def _asked(prompt: Prompt | None) -> object:
    """What a session would ask for."""
    hints = tuple(sorted((key, str(value)) for key, value in prompt.config.items())) if prompt else ()
    return prompt and (prompt.text, prompt.kind, hints, prompt.references)
