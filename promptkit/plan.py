"""What a step is going to be: the prompt, the pictures and the options of one request, and the record that it begins."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from promptkit import __version__, models, wire
from promptkit.errors import InputError, LineageError, SettingsError, StepNotFound
from promptkit.lineage import Lineage, Record, now
from promptkit.picture import Picture
from promptkit.template import Prompt, Template

__all__ = [
    "CONFIG",
    "Plan",
    "Source",
    "check_values",
    "checked_config",
    "checked_label",
    "checked_lang",
    "checked_meta",
    "checked_pictures",
    "checked_prompt",
    "checked_text",
    "history",
    "is_number",
    "known_hints",
    "prompt_to_ask",
    "record_fields",
    "recorded_config",
    "recorded_prompt",
    "recorded_sources",
    "trail",
]



def is_number(value: object) -> bool:
    """Whether it is a number that JSON has: true and false, infinities and NaN are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


SEEDS = 2**31  # the API's seed is an int32
OPTIONS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "aspect_ratio": (lambda v: isinstance(v, str) and bool(re.fullmatch(r"[1-9]\d*:[1-9]\d*", v)), 'a text such as "16:9"'),
    "image_size": (lambda v: isinstance(v, str), 'a text such as "2K"'),
    "seed": (lambda v: isinstance(v, int) and not isinstance(v, bool) and -SEEDS <= v < SEEDS, "a whole number of 32 bits, with its sign"),
    "temperature": (lambda v: is_number(v), "a number"),
    "safety": (
        lambda v: isinstance(v, Mapping) and all(isinstance(x, str) for pair in v.items() for x in pair),
        'a mapping such as {"HARASSMENT": "BLOCK_ONLY_HIGH"}',
    ),
}
CONFIG = tuple(OPTIONS)


@dataclass(frozen=True)
class Source:
    """A picture that goes in: the base that is edited, or a reference; `step` is the id of the step that it is of, if any."""

    role: str
    picture: Picture
    step: str | None = None


@dataclass(frozen=True)
class Plan:
    """A step before it is asked for."""

    prompt: Prompt
    slug: str
    parents: tuple[str, ...]
    sources: tuple[Source, ...]
    config: Mapping[str, Any]
    endpoint: str
    model: str
    chain: str
    lang: str
    label: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    history: tuple[Mapping[str, Any], ...] = ()
    take: int = 0
    unseeded: Plan | None = None  # what the seed of one of vary's takes was made of

    @property
    def recipe(self) -> str:
        """The hash of what is sent, with the parents and the take: equal recipes asked for the same thing."""
        asked = {
            "text": self.prompt.text,
            "pictures": [s.picture.sha256 for s in self.sources],
            "endpoint": self.endpoint,
            "model": self.model,
            "config": {k: int(v) if isinstance(v, float) and v.is_integer() else v for k, v in self.config.items()},  # 1.0 is 1
            "chain": self.chain,
            "parents": list(self.parents),
            "take": self.take,
        }
        return "r1:" + hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()

    def seeded(self, take: int) -> Plan:
        """One of vary's takes: its seed follows from the recipe, so that a second run asks for the same."""
        plan = replace(self, config={k: v for k, v in self.config.items() if k != "seed"}, take=take)
        first = self.config.get("seed")
        seed = int(plan.recipe[-8:], 16) >> 1 if first is None else (first + take + SEEDS) % (2 * SEEDS) - SEEDS
        return replace(plan, config={**plan.config, "seed": seed}, unseeded=self)

    def at(self, endpoint: str, model: str) -> Plan:
        """The same as it would be asked elsewhere: with the template's hints that the model there knows, and the seeds that follow."""
        if self.unseeded is not None:
            return self.unseeded.at(endpoint, model).seeded(self.take)
        here, there = known_hints(self.prompt, self.model), known_hints(self.prompt, model)
        own = {k: v for k, v in self.config.items() if k not in here or here[k] != v}
        hints = {k: v for k, v in there.items() if k in self.config or k not in here}
        return replace(self, endpoint=endpoint, model=model, config={**hints, **own})

    def pictures(self) -> list[Picture]:
        """The pictures of the user's turn, as they are sent; in a chain that talks the base came with the model's own turn."""
        return [s.picture.for_sending() for s in self.sources if not (self.history and s.role == "base")]


# What a caller gives


def checked_prompt(prompt: object) -> Prompt:
    """The Prompt of a text or a rendered template. SettingsError for anything else."""
    if isinstance(prompt, Template):
        raise SettingsError(f"{prompt.name} is a template: call it with its inputs ({', '.join(prompt.inputs)}) to get a prompt.")
    if isinstance(prompt, Prompt):
        return prompt
    if not isinstance(prompt, str) or not prompt.strip():
        raise SettingsError(f"A prompt is a text or a rendered template; this is {prompt!r:.60}.")
    # half a surrogate pair is no text that JSON could carry
    return Prompt(text=prompt.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def checked_pictures(prompt: Prompt, count: int) -> None:
    """InputError where the prompt's template does not go with so many pictures, the one being edited included."""
    problem = prompt.pictures._problem(count) if prompt.pictures else None
    if problem:
        edits = "edits a picture, and " if prompt.kind == "edit" else ""
        said = f"{prompt.template} {edits}{problem}: call edit(…) on the one to change, and bring the others as references=[…], in order."
        raise InputError(said, problems=[problem])


def checked_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The options with their types checked, those that are None left out. SettingsError names the first that is wrong."""
    checked = {k: v for k, v in config.items() if v is not None}
    check_values(OPTIONS, **checked)
    return checked


def check_values(rules: Mapping[str, tuple[Callable[[Any], bool], str]], /, **given: Any) -> None:
    """SettingsError names the first of the values that does not fit its rule, with what was expected."""
    for name, value in given.items():
        fits, expected = rules[name]
        if not fits(value):
            raise SettingsError(f"{name} is {expected}, not {value!r:.60}.")


def checked_text(name: str, value: object) -> str | None:
    """A text, or None for none. SettingsError for anything else."""
    if value is not None and not isinstance(value, str):
        raise SettingsError(f"{name} is a text, not {value!r:.60}.")
    return value


def checked_lang(lang: object) -> str | None:
    """A language tag, or None for none."""
    if isinstance(lang, str) and not lang.strip():
        raise SettingsError('lang is a language tag, such as "zh-CN", not an empty text.')
    return checked_text("lang", lang)


def checked_label(label: object) -> str | None:
    """The caller's short name for a step."""
    return checked_text("label", label)


def checked_meta(meta: Mapping[str, Any] | None) -> dict[str, Any]:
    """The caller's notes as JSON will bring them back. SettingsError for what JSON cannot hold."""
    try:
        checked: dict[str, Any] = json.loads(json.dumps(dict(meta or {}), allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise SettingsError(f"meta holds what JSON cannot: {error}; use texts, numbers, lists and mappings.") from None
    return checked


def known_hints(prompt: Prompt, model: str) -> dict[str, Any]:
    """The template's hints that the model knows: a hint must never make a request fail."""
    known = models.known_model(model)
    hints = {k: v for k, v in prompt.config.items() if k in CONFIG}
    if known and models.lacks(known.ratios, hints.get("aspect_ratio")):
        hints.pop("aspect_ratio", None)
    if known and models.lacks(known.sizes, hints.get("image_size")):
        hints.pop("image_size", None)
    return hints


# What a record holds of it


def record_fields(plan: Plan | None, *, label: str | None, meta: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a record that are known before it is asked for; this list is all that may reach the disk. No plan: a picture added."""
    common = {"label": label, "meta": dict(meta), "started": now(), "versions": {"promptkit": __version__}}
    if plan is None:
        return {**common, "parents": [], "prompt": {}, "sources": [], "request": {}, "recipe": None, "take": 0, "chain": "picture"}
    return {
        **common,
        "parents": list(plan.parents),
        "prompt": _prompt_fields(plan.prompt),
        "sources": [_source_fields(s) for s in plan.sources],
        "request": {"endpoint": plan.endpoint, "model": plan.model, "config": dict(plan.config)},
        "recipe": plan.recipe,
        "take": plan.take,
        "chain": plan.chain,
        "continued": bool(plan.history),
    }


def _prompt_fields(prompt: Prompt) -> dict[str, Any]:
    names = ("template", "pack", "digest", "lang", "text")
    return {**{n: getattr(prompt, n) for n in names}, "inputs": dict(prompt.inputs)}


def _source_fields(source: Source) -> dict[str, Any]:
    picture, sent = source.picture, source.picture.for_sending()
    place = {"step": source.step} if source.step else {"file": Lineage.source_name(picture)}
    converted = {} if sent is picture else {"sent": {"sha256": sent.sha256, "mime_type": sent.mime_type}}
    return {"role": source.role, "sha256": picture.sha256, "mime_type": picture.mime_type, **place, **converted}


def recorded_prompt(lineage: Lineage, record: Record) -> Prompt:
    """The prompt again, with the template's sources as they were then."""
    fields = record.prompt
    digest, pack = fields.get("digest"), fields.get("pack")
    return Prompt(
        text=str(fields.get("text", "")),
        template=fields.get("template"),
        digest=digest,
        inputs=fields.get("inputs") or {},
        lang=fields.get("lang"),
        pack=tuple(pack) if pack else None,
        files=lineage.template_files(digest) if digest else {},
    )


def prompt_to_ask(lineage: Lineage, record: Record) -> Prompt:
    """The prompt again, to be sent again. LineageError where the record has none: it was added, or stripped of its words."""
    if str(record.prompt.get("text") or "").strip():
        return recorded_prompt(lineage, record)
    why = "was added, not asked for" if record.outcome == "added" else "holds no prompt, as it was stripped"
    said = f"Step {record.number} {why}, so it cannot be asked for again; continue it with edit(…), or give a prompt."
    raise LineageError(said, path=record.path)


def recorded_sources(lineage: Lineage, record: Record) -> tuple[Source, ...]:
    """The pictures that went in, again."""
    return tuple(Source(s["role"], lineage.source(s), s.get("step")) for s in record.sources)


def recorded_config(record: Record) -> dict[str, Any]:
    """The options again, but for the seed, which would bring the same picture."""
    return {k: v for k, v in (record.request.get("config") or {}).items() if k in CONFIG and k != "seed"}


# Chains that talk


def trail(lineage: Lineage, record: Record) -> list[Record]:
    """The records from the root to this one. Where a parent is damaged or missing it begins behind it."""
    found = [record]
    while found[-1].parents:
        try:
            found.append(lineage.get(found[-1].parents[0]))
        except StepNotFound:
            break
    return found[::-1]


def history(lineage: Lineage, plan: Plan, base: Record) -> tuple[Mapping[str, Any], ...]:
    """The turns up to `base`, or nothing where the service would not take them: another model or endpoint, a picture from outside."""
    turns: list[Mapping[str, Any]] = []
    for record in reversed(trail(lineage, base)):
        packed = record.attempts[-1].get("turn") if record.attempts else None
        if packed is None or (record.request.get("endpoint"), record.request.get("model")) != (plan.endpoint, plan.model):
            return ()
        try:
            model_turn = wire.unpack_turn(lineage.kept(packed), {p.sha256: p for p in record.pictures})
        except LineageError:  # the turn is lost; the picture is not
            return ()
        turns = [_user_turn(lineage, record), model_turn, *turns]
        if not record.fields.get("continued"):
            break
    return tuple(turns)


def _user_turn(lineage: Lineage, record: Record) -> Mapping[str, Any]:
    sources = recorded_sources(lineage, record)
    sent = [s.picture.for_sending() for s in sources if not (record.fields.get("continued") and s.role == "base")]
    return wire.user_turn(record.attempts[-1]["sent_text"], sent)


