"""What a step is going to be: the prompt, the pictures and the options of one request, and the record that it begins."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from promptkit import __version__
from promptkit.engine.labels import LIBRARY, Words, labels, recorded_words
from promptkit.engine.options import CONFIG
from promptkit.errors import LineageError
from promptkit.images.picture import Picture
from promptkit.lineage.record import Record, now
from promptkit.lineage.tree import Lineage
from promptkit.prompts.library_look import NAME, LibraryPicture
from promptkit.prompts.template import Prompt
from promptkit.providers import models
from promptkit.providers.dialect import Dialect, interleaves
from promptkit.providers.endpoints import dialect_at
from promptkit.providers.message import Exchange, InputPicture
from promptkit.providers.options import OPTIONS, SEEDS

if TYPE_CHECKING:  # is loaded where a region is edited
    from promptkit.engine.region_plan import RegionEdit

__all__ = [
    "Plan",
    "Source",
    "added_fields",
    "base_source",
    "common_fields",
    "drawn_step",
    "history",
    "known_hints",
    "library_along",
    "prompt_to_ask",
    "record_fields",
    "recorded_config",
    "recorded_prompt",
    "recorded_sources",
    "with_library_pictures",
]


WITHOUT_NAME = Words()


@dataclass(frozen=True)
class Source:
    """A picture that goes in: the base that is edited, an anchor, a reference, or one of the template's library; `step` is the id of the
    step that it is of, if any, `words` are how it is spoken of.
    """

    role: str
    picture: Picture
    step: str | None = None
    words: Words = WITHOUT_NAME


def with_library_pictures(sources: Iterable[Source], library: Sequence[LibraryPicture]) -> tuple[Source, ...]:
    """The pictures that go in, then those that the template's library sends along; all of these are looked for anew.

    One that is among the others is not sent twice, and has its name there, unless it has one; and the caller's pictures of a name stand for
    the library's of that name.
    """
    own = [source for source in sources if source.role != LIBRARY]
    if not library:
        return tuple(own)
    names = {source.words.name for source in own}
    words = {each.picture.sha256: Words(each.name, each.description) for each in library if each.name not in names}
    named = (s if s.words.name else replace(s, words=words.get(s.picture.sha256, s.words)) for s in own)
    more = library_along(library, names, {source.picture.sha256 for source in own})
    return (*named, *(Source(LIBRARY, each.picture, words=Words(each.name, each.description)) for each in more))


def library_along(library: Iterable[LibraryPicture], names: Container[str], there: Collection[str]) -> list[LibraryPicture]:
    """The library's pictures that are sent beside others, of which these are the names and the hashes; each once."""
    different = {each.picture.sha256: each for each in library if each.name not in names}
    return [each for sha256, each in different.items() if sha256 not in there]


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
    history: tuple[Exchange, ...] = ()
    take: int = 0
    unseeded: Plan | None = None  # what the seed of one of vary's takes was made of
    interleaves: bool = True  # whether words can stand between pictures there
    wordings: tuple[str, ...] = ()  # other words on record for the same, where no template tells
    region: RegionEdit | None = None  # what of the base is edited, where that is not all of it
    model_named: bool = False  # whether its caller named its model, so that what another one made does not stand for it

    @property
    def recipe(self) -> str:
        """The hash of what is sent, with the parents and the take: equal recipes asked for the same thing."""
        asked = {
            "text": self.prompt.text,
            "pictures": [s.picture.sha256 for s in self.sources],
            "endpoint": self.endpoint,
            "model": self.model,
            "config": {k: int(v) if isinstance(v, float) and v.is_integer() else v for k, v in self._own_config.items()},  # 1.0 is 1
            "chain": self.chain,
            "parents": list(self.parents),
            "take": self.take,
            **({"region": self.region.recipe} if self.region else {}),
        }
        if any(said := self.labels):
            asked["labels"] = list(said)
        return "r1:" + hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()

    @property
    def _own_config(self) -> Mapping[str, Any]:
        """The options without the ratio of a region, which follows from its cut."""
        return {k: v for k, v in self.config.items() if k != "aspect_ratio"} if self.region else self.config

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
        here = known_hints(self.prompt, self.model, dialect_at(self.endpoint, self.model))
        dialect = dialect_at(endpoint, model)
        there = known_hints(self.prompt, model, dialect)
        own = {k: v for k, v in self.config.items() if k not in here or here[k] != v}
        hints = {k: v for k, v in there.items() if k in self.config or k not in here}
        return replace(self, endpoint=endpoint, model=model, config={**hints, **own}, interleaves=interleaves(dialect))

    def worded(self, text: str) -> Plan:
        """The same in other words: with the seeds that followed from those."""
        if self.unseeded is not None:
            return self.unseeded.worded(text).seeded(self.take)
        return replace(self, prompt=replace(self.prompt, text=text))

    def pictures(self) -> tuple[InputPicture, ...]:
        """The pictures of the user's turn, as they are sent; in a chain that talks the base came with the model's own turn."""
        return _sent(self.sources, self.labels, continued=bool(self.history))

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which pictures go along, once for each of these."""
        return tuple(s.words.name for s in self.sources if s.words.name)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """What is sent before each of the pictures, so that the prompt can name them; empty where nothing is, or the dialect cannot."""
        sources = [(s.role, s.words) for s in self.sources]
        return labels(sources, self.prompt.pictures, self.lang) if self.interleaves else ("",) * len(sources)


def known_hints(prompt: Prompt, model: str, dialect: Dialect) -> dict[str, Any]:
    """The template's hints that the model and the dialect know: a hint must never make a request fail."""
    known = models.known_model(model)
    hints = {k: v for k, v in prompt.config.items() if k in dialect.options and k in OPTIONS and OPTIONS[k].fits(v)}
    if known and models.lacks(known.ratios, hints.get("aspect_ratio")):
        hints.pop("aspect_ratio", None)
    if known and models.lacks(known.sizes, hints.get("image_size")):
        hints.pop("image_size", None)
    return hints


# What a record holds of it


def record_fields(plan: Plan, *, label: str | None, meta: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a record that are known before it is asked for; this list is all that may reach the disk."""
    return {
        **common_fields(label, meta),
        "parents": list(plan.parents),
        "prompt": _prompt_fields(plan.prompt),
        "sources": [_source_fields(s) | _words(s, label) for s, label in zip(plan.sources, plan.labels, strict=True)],
        "request": {"endpoint": plan.endpoint, "model": plan.model, "config": dict(plan.config)},
        "recipe": plan.recipe,
        "take": plan.take,
        "chain": plan.chain,
        "continued": bool(plan.history),
    }


def added_fields(picture: Picture, *, label: str | None, on: Record | None = None) -> dict[str, Any]:
    """The fields of a record of a picture of one's own: a root, or what a hand made `on` a step, whose picture is its base."""
    origin = {"parents": [], "sources": [], "recipe": None} if on is None else _by_hand(picture, on)
    return {**common_fields(label, {}), **origin, "prompt": {}, "request": {}, "take": 0, "chain": "picture"}


def _by_hand(picture: Picture, on: Record) -> dict[str, Any]:
    made = json.dumps({"added": picture.sha256, "parents": [on.id]}, sort_keys=True)
    return {"parents": [on.id], "sources": [base_source(on)], "recipe": f"r1:{hashlib.sha256(made.encode()).hexdigest()}"}


def base_source(on: Record) -> dict[str, Any]:
    """The source of a step that somebody or promptkit itself made of another one's picture."""
    base = on.outputs[0]
    return {"role": "base", "sha256": base.sha256, "mime_type": base.mime_type, "step": on.id}


def common_fields(label: str | None, meta: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that all records have: the caller's own, when it began, and by which promptkit."""
    return {"label": label, "meta": dict(meta), "started": now(), "versions": {"promptkit": __version__}}


def _prompt_fields(prompt: Prompt) -> dict[str, Any]:
    names = ("template", "pack", "digest", "lang", "text")
    return {**{n: getattr(prompt, n) for n in names}, "inputs": dict(prompt.inputs)}


def _source_fields(source: Source) -> dict[str, Any]:
    picture, sent = source.picture, source.picture.for_sending()
    place = {"step": source.step} if source.step else {"file": Lineage.source_name(picture)}
    converted = {} if sent is picture else {"sent": {"sha256": sent.sha256, "mime_type": sent.mime_type}}
    return {"role": source.role, "sha256": picture.sha256, "mime_type": picture.mime_type, **place, **converted}


def _words(source: Source, label: str) -> dict[str, str]:
    said = {"name": source.words.name, "description": source.words.description, "label": label}
    return {name: words for name, words in said.items() if words}


def recorded_prompt(lineage: Lineage, record: Record) -> Prompt:
    """The prompt again, with the template's sources as they were then."""
    fields = record.prompt
    digest, pack = fields.get("digest"), fields.get("pack")
    files = lineage.template_files(digest) if digest else {}
    return Prompt(
        text=str(fields.get("text", "")),
        template=fields.get("template"),
        digest=digest,
        inputs=fields.get("inputs") or {},
        lang=fields.get("lang"),
        pack=tuple(pack) if pack else None,
        files=files,
        references=_recorded_along(lineage, record, files.get(NAME, "")),
    )


def _recorded_along(lineage: Lineage, record: Record, kept: str) -> tuple[LibraryPicture, ...]:
    """The pictures of the template's library that went along, those among them that went along otherwise too; `kept` is its file."""
    along: list[LibraryPicture] = []
    for source in (s for s in record.sources if s["role"] == LIBRARY or s["sha256"] in kept):
        with suppress(LineageError):  # a step that is lost says so where it is needed
            along.append(LibraryPicture(source.get("name") or "", source.get("description") or "", lineage.source(source)))
    return tuple(along)


def prompt_to_ask(lineage: Lineage, record: Record) -> Prompt:
    """The prompt again, to be sent again. LineageError where the record has none: it was added, stripped of its words, or these were
    forgotten.
    """
    if str(record.prompt.get("text") or "").strip():
        return recorded_prompt(lineage, record)
    said = f"Step {record.number} {_why_wordless(record)}, so it cannot be asked for again; continue it with edit(…), or give a prompt."
    raise LineageError(said, path=record.path)


def _why_wordless(record: Record) -> str:
    if record.is_made:
        return "was made here, not asked for"
    if record.outcome == "added":
        return "was made by hand, not asked for" if record.by_hand else "was added, not asked for"
    note = record.forgotten
    return f"holds no prompt, as that was forgotten{note.said}" if note else "holds no prompt, as it was stripped"


def recorded_sources(lineage: Lineage, record: Record) -> tuple[Source, ...]:
    """The pictures that went in, again."""
    return tuple(Source(s["role"], lineage.source(s), s.get("step"), recorded_words(s)) for s in record.sources)


def drawn_step(lineage: Lineage, record: Record) -> Record | None:
    """The step whose picture this one's was made of here, through all such steps; itself where it was not made here. None where that is
    missing or damaged.
    """
    return next((r for r in lineage.back_from(record) if not r.is_made), None)


def recorded_config(record: Record) -> dict[str, Any]:
    """The options again, but for the seed, which would bring the same picture."""
    return {k: v for k, v in (record.request.get("config") or {}).items() if k in CONFIG and k != "seed"}


# Chains that talk


def history(lineage: Lineage, plan: Plan, base: Record, dialect: Dialect) -> tuple[Exchange, ...]:
    """The exchanges up to `base`, or nothing where the service would not take them: another model or endpoint, a picture from outside."""
    exchanges: list[Exchange] = []
    for record in lineage.back_from(base):
        kept = record.attempts[-1].get("turn") if record.attempts else None
        if kept is None or (record.request.get("endpoint"), record.request.get("model")) != (plan.endpoint, plan.model):
            return ()
        try:
            answer = dialect.recall(lineage.kept(kept), {p.sha256: p for p in record.pictures})
        except (LineageError, ValueError):  # the turn is lost, or another dialect's; the picture is not
            return ()
        exchanges.append(_exchange(lineage, record, answer))
        if not record.fields.get("continued"):
            break
    return tuple(reversed(exchanges))


def _exchange(lineage: Lineage, record: Record, answer: Any) -> Exchange:
    sources = recorded_sources(lineage, record)
    said = [s.get("label") or "" for s in record.sources]
    pictures = _sent(sources, said, continued=bool(record.fields.get("continued")))
    return Exchange(record.attempts[-1]["sent_text"], pictures, answer)


def _sent(sources: Iterable[Source], said: Iterable[str], *, continued: bool) -> tuple[InputPicture, ...]:
    along = ((s, label) for s, label in zip(sources, said, strict=True) if not (continued and s.role == "base"))
    return tuple(InputPicture(s.picture.for_sending(), s.role, label) for s, label in along)
