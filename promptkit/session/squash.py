"""Squashing: several edits of one trail asked for at once from the picture before them, which is then redrawn once and not each time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from promptkit.engine import recovery
from promptkit.engine.labels import Named, Words, picture_of, recorded_words
from promptkit.engine.options import CONFIG, checked_prompt
from promptkit.engine.plan import Plan, prompt_to_ask, recorded_config, recorded_prompt
from promptkit.engine.region_plan import RegionEdit, recorded_region
from promptkit.errors import LineageError, SettingsError
from promptkit.images.picture import Picture
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.prompts.template import Prompt
from promptkit.providers import models
from promptkit.session.keep_rules import SQUASHES
from promptkit.views.facts import headline

__all__ = ["HINTS", "Squashed", "squashed"]

OF_SESSION = ("budget", "max_requests", "deadline", "send", "endpoint", "model", *CONFIG, "lang")
HINTS = {
    **{name: f"Session(…, {name}=…)" for name in OF_SESSION},
    **dict.fromkeys(("references", "images", "anchor"), "edit(prompt, on=…, references=…), which takes pictures of your choice"),
    "on": "the first of the steps: the picture before it is edited",
}


@dataclass(frozen=True)
class _Phrases:
    """How a language asks for several edits at once; `moved` says which picture an edit means by its own count, `where` which edits mean a
    picture by a name that another one goes by too.
    """

    before: str
    after: str
    moved: str
    where: str


PHRASES = {
    "en": _Phrases(
        "Make all of these edits to the picture at once, and return one new picture:",
        "Where two edits disagree, the later one counts; what one of them asks to keep, another may still change. "
        "Keep everything that none of them changes exactly as it is.",
        "(What this edit calls image {then} is image {now} here.)",
        "{label} (in edit {edits})",
    ),
    "es": _Phrases(
        "Haz todos estos cambios en la imagen de una sola vez y devuelve una sola imagen nueva:",
        "Si dos cambios se contradicen, vale el último; lo que uno pide conservar, otro lo puede cambiar. "
        "Deja exactamente igual todo lo que ninguno de ellos modifica.",
        "(Lo que este cambio llama imagen {then} es aquí la imagen {now}.)",
        "{label} (en el cambio {edits})",
    ),
    "ja": _Phrases(
        "次の編集をすべて一度にこの画像に加え、新しい画像を一枚だけ生成してください：",
        "編集どうしが食い違うときは、後のものを優先してください。ある編集がそのまま残すとした部分も、ほかの編集で変えてかまいません。"
        "どの編集でも変えない部分は、元の画像のまま残してください。",
        "（この編集でいう画像{then}は、ここでは画像{now}です。）",
        "{label}（編集{edits}）",
    ),
    "zh": _Phrases(
        "请把以下修改一次性全部应用到这张图片上，只生成一张新图片：",
        "如果两项修改相互矛盾，以后一项为准；某一项要求保留的内容，其他修改仍可以改动。所有修改都没有涉及的部分，请与原图保持完全一致。",
        "（此项修改所说的第{then}张图片，在这里是第{now}张图片。）",
        "{label}（修改{edits}中）",
    ),
    "hi": _Phrases(
        "इस तस्वीर में नीचे लिखे सभी बदलाव एक साथ करें और एक ही नई तस्वीर बनाएँ:",
        "अगर दो बदलाव आपस में टकराएँ, तो बाद वाला मानें; एक बदलाव जिसे वैसा ही रखने को कहता है, उसे दूसरा बदलाव बदल सकता है। "
        "जिसे कोई बदलाव नहीं छूता, उसे बिल्कुल वैसा ही रखें।",
        "(इस बदलाव में जिसे तस्वीर {then} कहा गया है, वह यहाँ तस्वीर {now} है।)",
        "{label} (बदलाव {edits} में)",
    ),
}


@dataclass(frozen=True)
class Squashed:
    """One edit that stands for several: what it asks, of which step, with which pictures."""

    prompt: str | Prompt
    base: Record
    references: tuple[Record | Picture | Named, ...]
    meta: Mapping[str, Any]
    region: RegionEdit | None = None  # which all of the edits have
    wordings: tuple[str, ...] = ()  # other words around the same list of edits, in which it was asked for by another promptkit

    def also_worded(self, plan: Plan) -> Plan:
        """Its plan, that finds the steps in other words too."""
        return replace(plan, wordings=self.wordings)


def squashed(lineage: Lineage, first: Record, last: Record, *, prompt: str | Prompt | None, model: str) -> Squashed:
    """The edits from `first` to `last` as one edit of the picture before them. `prompt` says it in other words than theirs, numbered.

    The pictures that went with them go along, and their options but for seeds. LineageError where there is no such line of steps,
    SettingsError where the model does not take as many pictures.
    """
    records = _line(lineage, first, last)
    base = lineage.get(records[0].parents[0])
    phrases = _phrases(lineage, records)
    references = _references(lineage, records, base, phrases)
    _check_count(model, base, 1 + len(references))
    meta = {SQUASHES: [r.id for r in records]}
    region = _shared_region(lineage, records)
    if prompt is None:
        _refuse_unsaid(records, region)
    asked = checked_prompt(_joined(lineage, records, [base.picture, *map(picture_of, references)]) if prompt is None else prompt)
    options = {k: v for record in records for k, v in recorded_config(record).items()}
    asked = replace(asked, config={**options, **asked.config})  # as hints, which the session's own options win over
    return Squashed(asked, base, references, meta, region, () if prompt is not None else _wordings(lineage, records, base, meta))


def _line(lineage: Lineage, first: Record, last: Record) -> list[Record]:
    """The steps from the first to the last, which continue one another. LineageError says what is wrong where they do not."""
    walk = lineage.trail(last)
    if first not in walk:
        if last in lineage.trail(first):
            said = f"Step {first.number} comes after step {last.number}; name the earlier one first."
        else:
            line = ", ".join(str(r.number) for r in walk)
            said = f"Steps {first.number} and {last.number} are not on one line: step {last.number} continues {line}; name two of these."
        raise LineageError(said, path=last.path)
    if not first.parents:
        said = f"Step {first.number} is a root, so there is no picture before it to edit; begin with the step after it."
        raise LineageError(said, path=first.path)
    if first == last:
        raise LineageError(f"Step {first.number} alone is nothing to squash; name an earlier and a later step.", path=first.path)
    records = walk[walk.index(first) :]
    if failed := next((r for r in records if not r.ok), None):
        said = f"Step {failed.number} has no picture ({failed.outcome}), so there is no edit of it to squash; name steps that have one."
        raise LineageError(said, path=failed.path)
    return records


def _shared_region(lineage: Lineage, records: Sequence[Record]) -> RegionEdit | None:
    """The region that all of the steps edited, where it is the same."""
    of = [(r.region.box, r.region.size, r.region.mask) if r.region else None for r in records]
    return recorded_region(lineage, records[0]) if of[0] and len(set(of)) == 1 else None


def _refuse_unsaid(records: Sequence[Record], region: RegionEdit | None) -> None:
    """LineageError where their words do not say what one of them did: made by hand or made here, or of a region that is not that of all."""
    if hand := next((r for r in records if r.by_hand), None):
        raise _unsaid(hand, "was made by hand, and no words say what was done there")
    if region is None and (edited := next((r for r in records if r.region), None)):
        raise _unsaid(edited, "edited a region of its picture, and the others not the same one, to which one edit would not keep")
    if made := next((r for r in records if r.is_made), None):
        raise _unsaid(made, f"was made here ({headline(made)}), and no request does that", ", and make it again of what comes;")


def _unsaid(record: Record, why: str, then: str = ",") -> LineageError:
    said = f"Step {record.number} {why}: squash the steps before or after it{then} or say all of it in your own words"
    return LineageError(f"{said} with prompt=.", path=record.path).also(in_shell=f"{said} after FIRST and LAST.")


# Pictures


def _check_count(model: str, base: Record, count: int) -> None:
    """SettingsError where the pictures of all edits together are more than the model takes."""
    known = models.known_model(model)
    if known is not None and known.pictures is not None and count > known.pictures:
        said = f"{known.name} takes {known.pictures} pictures in a request, and these edits bring {count} together"
        raise SettingsError(f"{said}: squash fewer steps, or choose: edit(prompt, on={base.number}, references=[…]), in words of your own.")


def _references(
    lineage: Lineage, records: Sequence[Record], base: Record, phrases: _Phrases
) -> tuple[Record | Picture | Named, ...]:
    """The pictures that went with the steps, each once, as the steps that they are of where they are of any, by the names that they had."""
    found: dict[str, Record | Picture] = {}
    named: dict[str, dict[Words, list[int]]] = {}  # by the picture: what it was called, and in which edits
    for edit, source in ((i, s) for i, record in enumerate(records, 1) for s in record.sources):
        sha256, words = source["sha256"], recorded_words(source)
        if source["role"] == "base" or (sha256 == base.picture.sha256 and not words.name):
            continue
        if sha256 not in found:
            found[sha256] = lineage.get(source["step"]) if source.get("step") else lineage.source(source)
        if words.name or words.label:
            named.setdefault(sha256, {}).setdefault(words, []).append(edit)
    return tuple(Named(each, _words(sha256, named, phrases)) if sha256 in named else each for sha256, each in found.items())


def _words(sha256: str, named: Mapping[str, Mapping[Words, Sequence[int]]], phrases: _Phrases) -> Words:
    """How a picture is spoken of by all edits that it went with; where an edit means another one by the same name, it says which do not."""
    others = {words.name for other, said in named.items() if other != sha256 for words in said}
    labels = [
        phrases.where.format(label=words.label, edits=", ".join(map(str, edits))) if words.name in others - {""} else words.label
        for words, edits in named[sha256].items()
    ]
    first = next(iter(named[sha256]))
    return replace(first, label="; ".join(dict.fromkeys(labels)))


# Words


def _wordings(lineage: Lineage, records: Sequence[Record], base: Record, meta: Mapping[str, Any]) -> tuple[str, ...]:
    """The words of the steps that squash the same ones and hold the words of each of them."""
    lines = [line for record in records for line in prompt_to_ask(lineage, record).text.strip().splitlines()]
    there = (r for r in lineage.children(base) if (r.meta or {}).get(SQUASHES) == meta[SQUASHES] and r.ok and not r.prompt.template)
    return tuple(dict.fromkeys(r.prompt.text for r in there if r.prompt.text and _holds_in_order(r.prompt.text, lines)))


def _holds_in_order(text: str, lines: Sequence[str]) -> bool:
    """Whether a text is a numbered list of all these lines, with other words around it."""
    at = 0
    for line in lines:
        found = text.find(line, at)
        if found < 0:
            return False
        at = found + len(line)
    return re.search(r"^1\. ", text, re.MULTILINE) is not None


def _joined(lineage: Lineage, records: Sequence[Record], pictures: Sequence[Picture]) -> Prompt:
    """One prompt for the edits of all steps, as a numbered list in the language of most of them; `pictures` are those that are sent."""
    prompts, lang, phrases = [prompt_to_ask(lineage, record) for record in records], _language(lineage, records), _phrases(lineage, records)
    items = (_item(i, str(p), record, phrases, pictures) for i, (p, record) in enumerate(zip(prompts, records, strict=True), 1))
    return Prompt(text="\n\n".join([phrases.before, "\n".join(items), phrases.after]), lang=lang)


def _language(lineage: Lineage, records: Sequence[Record]) -> str:
    """The language of most of the steps' prompts, of those that have one."""
    prompts = [recorded_prompt(lineage, record) for record in records if record.prompt.text]
    return Counter(p.lang or recovery.language_of(p.text) for p in prompts).most_common(1)[0][0] if prompts else "en"


def _phrases(lineage: Lineage, records: Sequence[Record]) -> _Phrases:
    return PHRASES.get(_language(lineage, records).replace("_", "-").split("-")[0].lower(), PHRASES["en"])


def _item(number: int, prompt: str, record: Record, phrases: _Phrases, pictures: Sequence[Picture]) -> str:
    """One edit of the list. Where it speaks of images by number, and they have other numbers now, it says which they are."""
    lead = f"{number}. "
    sent = [p.sha256 for p in pictures]
    along = [s for s in record.sources if s["role"] != "base"]
    places = [(then, sent.index(s["sha256"]) + 1) for then, s in enumerate(along, 2) if s["role"] == "reference"]
    moved = [phrases.moved.format(then=then, now=now) for then, now in places if then != now]
    lines = "\n".join([prompt.strip(), *moved]).splitlines()
    return lead + f"\n{' ' * len(lead)}".join(lines)
