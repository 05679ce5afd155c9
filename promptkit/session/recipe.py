"""A recipe: the steps of a trail, or templates one after the other, to be carried out again with other inputs and other pictures.

It is a value that can be written as one JSON file, which holds all that it needs: the sources of its templates, and the pictures that go
along with its steps. So it can be mailed, and run by others over a table of their own. It names no endpoint, no key and no folder.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from promptkit import __version__, atomic
from promptkit.engine.labels import LIBRARY, Words, recorded_words
from promptkit.engine.options import CONFIG
from promptkit.engine.plan import prompt_to_ask
from promptkit.engine.recorded_templates import recorded_template
from promptkit.errors import LineageError, PictureError, PromptkitError, SettingsError, TemplateError
from promptkit.images.operations import Operation, operation_of
from promptkit.images.picture import Picture
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.prompts.inputs import Input
from promptkit.prompts.template import Prompt, Template, sources_of

__all__ = ["SCHEMA", "Along", "Recipe", "RecipeStep", "read_recipe", "write_recipe"]

VERSION = 1
SCHEMA = f"promptkit.recipe/{VERSION}"
GENERATE, EDIT, MAKE = "generate", "edit", "make"
LARGEST = 256_000_000  # bytes of a recipe's file, which holds pictures


@dataclass(frozen=True)
class Along:
    """A picture that goes along with a step: of an earlier step of the recipe, by its place from 0 on, or a picture that is always the
    same. `words` say how it is spoken of.
    """

    role: str
    step: int | None = None
    picture: Picture | None = None
    words: Words = field(default_factory=Words)


@dataclass(frozen=True)
class RecipeStep:
    """One step: `kind` is "generate" (a new root), "edit" (of the step before, or of the row's picture) or "make" (done here, no request).

    Words come from a `template` with its `inputs`, to which `added` is added, or are `text`. `config` holds the options of the request.
    """

    kind: str
    template: Template | None = None
    text: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    lang: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    along: tuple[Along, ...] = ()
    operation: Operation | None = None

    @property
    def declared(self) -> Mapping[str, Input]:
        """The inputs of its template; none for a free text."""
        return self.template.inputs if self.template else {}

    def prompt(self, inputs: Mapping[str, Any], lang: str | None) -> Prompt:
        """Its words with these inputs over its own. InputError, TemplateError."""
        if self.template is None:
            return Prompt(text=self.text)
        own = {name: value for name, value in self.inputs.items() if name not in inputs}
        return self.template(lang=lang or self.lang, **own, **inputs) + self.text

    @property
    def name(self) -> str:
        """What it is called in a sentence."""
        return self.template.name if self.template else self.operation.name if self.operation else self.kind


@dataclass(frozen=True)
class Recipe:
    """Steps one after the other, each of which goes on from the one before. Frozen; `to_json` and `of_json` are inverse."""

    steps: tuple[RecipeStep, ...]

    @property
    def needs_picture(self) -> bool:
        """Whether its first step starts from a picture of one's own."""
        return self.steps[0].kind != GENERATE

    @cached_property
    def asking(self) -> tuple[int, ...]:
        """The places of the steps that send a request."""
        return tuple(place for place, step in enumerate(self.steps) if step.kind != MAKE)

    @property
    def pictures(self) -> dict[str, Picture]:
        """The pictures from outside that go along with its steps, by sha256: their own, and those of their templates' libraries."""
        along = [a.picture for step in self.steps for a in step.along if a.picture]
        of_libraries = [picture for step in self.steps if step.template for picture in sources_of(step.template)[2]]
        return {picture.sha256: picture for picture in (*along, *of_libraries)}

    @classmethod
    def of_templates(cls, templates: Sequence[Template]) -> Recipe:
        """The first generates, or edits the row's own picture; the others edit. SettingsError for one that cannot stand in its place."""
        if not templates:
            raise SettingsError("A run needs a template, or several: the first makes a picture, the others edit it.")
        if wrong := next((t for t in templates[1:] if t.kind != EDIT), None):
            said = f"{wrong.name} makes a new picture, and stands behind another template: only the first may"
            raise SettingsError(f"{said}; the others edit what came before.")
        return cls(tuple(RecipeStep(template.kind, template) for template in templates))

    @classmethod
    def of_trail(cls, lineage: Lineage, trail: Sequence[Record]) -> Recipe:
        """The steps of a trail, root first; an added root is the picture that is given anew. LineageError for what no recipe can hold."""
        if not trail:
            raise LineageError("There is no trail to make a recipe of yet: make a picture with generate(…).", path=lineage.folder)
        asked = trail[1:] if trail[0].outcome == "added" else trail
        if not asked:
            said = f"Step {trail[0].number} was added, and nothing was asked for yet: edit it, and the edits are the recipe."
            raise LineageError(said, path=trail[0].path)
        places = {record.id: place for place, record in enumerate(asked)}
        return cls(tuple(_step_of(lineage, record, places) for record in asked))

    def to_json(self) -> dict[str, Any]:
        """As JSON: promptkit.recipe/1."""
        steps = [_step_json(step) for step in self.steps]
        given = self.pictures
        pictures = {sha256: {"mime_type": p.mime_type, "data": base64.b64encode(p.data).decode()} for sha256, p in given.items()}
        return {"schema": SCHEMA, "promptkit": __version__, "steps": steps, "pictures": pictures}

    @classmethod
    def of_json(cls, said: object, where: str) -> Recipe:
        """The recipe that a JSON value holds; `where` names it in an error. SettingsError where it is none."""
        if not isinstance(said, Mapping) or not str(said.get("schema", "")).startswith("promptkit.recipe/"):
            raise SettingsError(f"{where} is no recipe: it does not say {SCHEMA}; session.recipe(FILE) writes one.")
        if said["schema"] != SCHEMA:
            raise SettingsError(f"{where} says {said['schema']!r:.40}, and this promptkit knows {SCHEMA}: upgrade promptkit to use it.")
        try:
            pictures = {sha256: _picture_of(sha256, p) for sha256, p in dict(said.get("pictures") or {}).items()}
            steps = tuple(_step_of_json(step, pictures) for step in said["steps"])
            _check_order(steps)
        except PromptkitError as error:
            raise SettingsError(f"{where} cannot be used: {error}") from None
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SettingsError(f"{where} is damaged ({type(error).__name__}: {error!s:.80}): write it anew.") from None
        return cls(steps)


def write_recipe(recipe: Recipe, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Writes it as one JSON file, and returns its path, with .json where it had no suffix. SettingsError where another file is there."""
    target = Path(path).expanduser()
    target = target if target.suffix else target.with_name(f"{target.name}.json")
    data = json.dumps(recipe.to_json(), ensure_ascii=False, indent=1).encode() + b"\n"
    if not overwrite and not atomic.may_replace(target, data, lambda there: SCHEMA.encode() in there[:200]):
        raise SettingsError(f"{target} is there already, and is no recipe: give another name, or overwrite=True to replace it.")
    try:
        atomic.write_whole(target, data)
    except OSError as error:
        raise SettingsError(f"{target} cannot be written: {error.strerror or error}; give another path.") from None
    return target


def read_recipe(path: str | os.PathLike[str]) -> Recipe:
    """The recipe in a file. SettingsError where there is none."""
    target = Path(path).expanduser()
    try:
        if target.stat().st_size > LARGEST:
            raise SettingsError(f"{target} is larger than a recipe can be ({LARGEST // 10**6} MB).")
        said = json.loads(target.read_bytes())
    except OSError as error:
        raise SettingsError(f"The recipe {target} cannot be read: {error.strerror or error}; check the path.") from None
    except (ValueError, RecursionError):
        raise SettingsError(f"{target} is no recipe: it holds no JSON; session.recipe(FILE) writes one.") from None
    return Recipe.of_json(said, str(target))


# From a trail


def _step_of(lineage: Lineage, record: Record, places: Mapping[str, int]) -> RecipeStep:
    if record.by_hand:
        _refuse(record, "was made by hand, and no request brings that again")
    if record.region:
        _refuse(record, "edits a region of its picture, which a recipe does not hold yet")
    if record.is_made and record.made:
        try:
            return RecipeStep(MAKE, operation=operation_of(record.made.operation, record.made.numbers))
        except PromptkitError as error:
            _refuse(record, f"cannot be made again here ({error})")
    prompt = prompt_to_ask(lineage, record)
    template, added = _template_of(prompt)
    kind = EDIT if any(s["role"] == "base" for s in record.sources) else GENERATE
    config = {k: v for k, v in (record.request.config or {}).items() if k in CONFIG and k != "seed"}
    beside = (source for source in record.sources if source["role"] not in ("base", LIBRARY))  # a template brings its library's itself
    along = tuple(_along(lineage, source, places) for source in beside)
    text, inputs = (added, dict(prompt.inputs)) if template else (prompt.text, {})
    return RecipeStep(kind, template, text, inputs, prompt.lang, config, along)


def _refuse(record: Record, why: str) -> None:
    said = f"Step {record.number} {why}, so there is no recipe of it; goto(…) names a step whose trail does without."
    raise LineageError(said, path=record.path)


def _template_of(prompt: Prompt) -> tuple[Template | None, str]:
    """The template that made a recorded prompt, and what its caller added; None where it does not make these words any more."""
    try:
        template = recorded_template(prompt)
        made = template(lang=prompt.lang, **prompt.inputs).text if template else ""
    except TemplateError:
        return None, ""
    return (template, prompt.text.removeprefix(made)) if template and prompt.text.startswith(made) else (None, "")


def _along(lineage: Lineage, source: Mapping[str, Any], places: Mapping[str, int]) -> Along:
    words = recorded_words(source)
    place = places.get(source.get("step") or "")
    if place is not None:
        return Along(source["role"], step=place, words=words)
    picture = lineage.source(source)
    _ = picture.data  # one that is missing says so now
    return Along(source["role"], picture=picture, words=words)


# As JSON


def _step_json(step: RecipeStep) -> dict[str, Any]:
    if step.operation:
        return {"kind": MAKE, "operation": step.operation.name, "numbers": dict(step.operation.numbers)}
    template = _template_json(step.template) if step.template else None
    words = {"template": template, "text": step.text, "inputs": dict(step.inputs), "lang": step.lang}
    return {"kind": step.kind, **words, "config": dict(step.config), "along": [_along_json(a) for a in step.along]}


def _template_json(template: Template) -> dict[str, Any]:
    base, files, pictures = sources_of(template)
    pack = list(template.pack) if template.pack else None
    return {"name": template.name, "file": base, "pack": pack, "files": files, "pictures": [p.sha256 for p in pictures]}


def _along_json(along: Along) -> dict[str, Any]:
    which: dict[str, Any] = {"step": along.step} if along.picture is None else {"picture": along.picture.sha256}
    words = {k: v for k, v in vars(along.words).items() if v}
    return {"role": along.role, **which, **words}


def _step_of_json(said: Mapping[str, Any], pictures: Mapping[str, Picture]) -> RecipeStep:
    if said["kind"] == MAKE:
        return RecipeStep(MAKE, operation=operation_of(said["operation"], said["numbers"]))
    if said["kind"] not in (GENERATE, EDIT):
        raise SettingsError(f"a step is {said['kind']!r:.40}; expected generate, edit or make.")
    template = _template_of_json(said["template"], pictures) if said.get("template") else None
    text = str(said.get("text") or "")
    if template is None and not text.strip():
        raise SettingsError("a step has neither a template nor a text.")
    along = tuple(_along_of_json(a, pictures) for a in said.get("along") or ())
    config = {k: v for k, v in dict(said.get("config") or {}).items() if k in CONFIG}
    return RecipeStep(said["kind"], template, text, dict(said.get("inputs") or {}), said.get("lang"), config, along)


def _template_of_json(said: Mapping[str, Any], pictures: Mapping[str, Picture]) -> Template:
    pack, along = said.get("pack"), [pictures[sha256] for sha256 in said.get("pictures") or ()]
    files = dict(said["files"])
    return Template.of_files(str(said["name"]), files, base=str(said["file"]), pack=tuple(pack) if pack else None, pictures=along)


def _along_of_json(said: Mapping[str, Any], pictures: Mapping[str, Picture]) -> Along:
    words = Words(*(str(said.get(name) or "") for name in ("name", "description", "label")))
    if "picture" in said:
        return Along(str(said["role"]), picture=pictures[said["picture"]], words=words)
    return Along(str(said["role"]), step=int(said["step"]), words=words)


def _picture_of(sha256: str, said: Mapping[str, Any]) -> Picture:
    picture = Picture.open(base64.b64decode(said["data"], validate=True))
    if picture.sha256 != sha256:
        raise PictureError(f"a picture that goes along is not the one that it names ({sha256:.10}).")
    return picture


def _check_order(steps: Iterable[RecipeStep]) -> None:
    """SettingsError where a step goes on from what is not there."""
    for place, step in enumerate(steps):
        if place and step.kind == GENERATE:
            raise SettingsError(f"step {place + 1} makes a new picture, and only the first may.")
        if wrong := next((a for a in step.along if a.step is not None and not 0 <= a.step < place), None):
            raise SettingsError(f"step {place + 1} takes along the picture of step {(wrong.step or 0) + 1}, which is not before it.")
    if not steps:
        raise SettingsError("it has no steps.")
