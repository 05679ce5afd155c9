"""Squashing: several edits of one trail asked for at once from the picture before them, which is then redrawn once and not each time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from promptkit.engine import recovery
from promptkit.engine.options import CONFIG, checked_prompt, refuse_unknown
from promptkit.engine.plan import prompt_to_ask, recorded_config
from promptkit.errors import LineageError, SettingsError
from promptkit.images.picture import Picture
from promptkit.prompts.template import Prompt
from promptkit.providers import models
from promptkit.session.changes import SQUASHES
from promptkit.session.step import Step

__all__ = ["squash"]

OF_SESSION = ("budget", "deadline", "endpoint", "model", *CONFIG, "lang")
HINTS = {
    **{name: f"Session(…, {name}=…)" for name in OF_SESSION},
    **dict.fromkeys(("references", "images", "anchor"), "edit(prompt, on=…, references=…), which takes pictures of your choice"),
    "on": "the first of the steps: the picture before it is edited",
}


@dataclass(frozen=True)
class _Wording:
    """How a language asks for several edits at once; `moved` says which picture an edit means by its own count."""

    before: str
    after: str
    moved: str


WORDINGS = {
    "en": _Wording(
        "Make all of these edits to the picture at once, and return one new picture:",
        "Where two edits disagree, the later one counts; what one of them asks to keep, another may still change. "
        "Keep everything that none of them changes exactly as it is.",
        "(What this edit calls image {then} is image {now} here.)",
    ),
    "es": _Wording(
        "Haz todos estos cambios en la imagen de una sola vez y devuelve una sola imagen nueva:",
        "Si dos cambios se contradicen, vale el último; lo que uno pide conservar, otro lo puede cambiar. "
        "Deja exactamente igual todo lo que ninguno de ellos modifica.",
        "(Lo que este cambio llama imagen {then} es aquí la imagen {now}.)",
    ),
    "ja": _Wording(
        "次の編集をすべて一度にこの画像に加え、新しい画像を一枚だけ生成してください：",
        "編集どうしが食い違うときは、後のものを優先してください。ある編集がそのまま残すとした部分も、ほかの編集で変えてかまいません。"
        "どの編集でも変えない部分は、元の画像のまま残してください。",
        "（この編集でいう画像{then}は、ここでは画像{now}です。）",
    ),
    "zh": _Wording(
        "请把以下修改一次性全部应用到这张图片上，只生成一张新图片：",
        "如果两项修改相互矛盾，以后一项为准；某一项要求保留的内容，其他修改仍可以改动。所有修改都没有涉及的部分，请与原图保持完全一致。",
        "（此项修改所说的第{then}张图片，在这里是第{now}张图片。）",
    ),
    "hi": _Wording(
        "इस तस्वीर में नीचे लिखे सभी बदलाव एक साथ करें और एक ही नई तस्वीर बनाएँ:",
        "अगर दो बदलाव आपस में टकराएँ, तो बाद वाला मानें; एक बदलाव जिसे वैसा ही रखने को कहता है, उसे दूसरा बदलाव बदल सकता है। "
        "जिसे कोई बदलाव नहीं छूता, उसे बिल्कुल वैसा ही रखें।",
        "(इस बदलाव में जिसे तस्वीर {then} कहा गया है, वह यहाँ तस्वीर {now} है।)",
    ),
}


def squash(
    session: Any, first: object, last: object, *, prompt: str | Prompt | None = None, fresh: bool = False, **unknown: object
) -> Step:
    """The edits from `first` to `last` asked for at once, from the picture before them: a new branch whose meta names what it squashes.

    The steps are given as everywhere (a Step, a number, a tag, the beginning of an id) and stand on one trail. `prompt` says it in other
    words than theirs, numbered; `fresh` asks anew for what the session holds already. The pictures that went with them go along, and
    their options but for seeds. Raises LineageError where there is no such line, and as `edit` does.
    """
    refuse_unknown(unknown, tuple(squash.__kwdefaults__ or ()), HINTS)
    steps = _line(session, session._step(first), session._step(last))
    base = steps[0].parents[0]
    session._refuse_draft(base.record)
    references = _references(session, steps, base)
    _check_count(session, steps, 1 + len(references))
    asked = checked_prompt(_joined(steps, [base.picture, *map(_picture, references)]) if prompt is None else prompt)
    options = {k: v for step in steps for k, v in recorded_config(step.record).items()}
    asked = replace(asked, config={**options, **asked.config})  # as hints, which the session's own options win over
    made: Step = session.edit(asked, on=base, references=references, meta={SQUASHES: [s.id for s in steps]}, fresh=fresh)
    return made


def _line(session: Any, first: Step, last: Step) -> list[Step]:
    """The steps from the first to the last, which continue one another. LineageError says what is wrong where they do not."""
    trail = list(session.trail(last))
    if first not in trail:
        if last in session.trail(first):
            said = f"Step {first.number} comes after step {last.number}; name the earlier one first."
        else:
            line = ", ".join(str(s.number) for s in trail)
            said = f"Steps {first.number} and {last.number} are not on one line: step {last.number} continues {line}; name two of these."
        raise LineageError(said, path=last.record.path)
    if not first.record.parents:
        said = f"Step {first.number} is a root, so there is no picture before it to edit; begin with the step after it."
        raise LineageError(said, path=first.record.path)
    if first == last:
        raise LineageError(f"Step {first.number} alone is nothing to squash; name an earlier and a later step.", path=first.record.path)
    steps = trail[trail.index(first) :]
    if failed := next((s for s in steps if not s.ok), None):
        said = f"Step {failed.number} has no picture ({failed.outcome}), so there is no edit of it to squash; name steps that have one."
        raise LineageError(said, path=failed.record.path)
    return steps


# Pictures


def _check_count(session: Any, steps: Sequence[Step], count: int) -> None:
    """SettingsError where the pictures of all edits together are more than the model takes."""
    model = models.known_model(session._model)
    if model is not None and model.pictures is not None and count > model.pictures:
        said = f"{model.name} takes {model.pictures} pictures in a request, and these edits bring {count} together"
        on = steps[0].parents[0].number
        raise SettingsError(f"{said}: squash fewer steps, or choose: edit(prompt, on={on}, references=[…]), in words of your own.")


def _references(session: Any, steps: Sequence[Step], base: Step) -> list[Step | Picture]:
    """The pictures that went with the steps, each once, as the steps that they are of where they are of any."""
    found: dict[str, Step | Picture] = {}
    for step in steps:
        for source in step.record.sources:
            if source["role"] != "base" and source["sha256"] != base.picture.sha256:
                found.setdefault(source["sha256"], _reference(session, step, source))
    return list(found.values())


def _reference(session: Any, step: Step, source: Mapping[str, Any]) -> Step | Picture:
    lineage = step.lineage
    return Step(session, lineage, lineage.get(source["step"])) if source.get("step") else lineage.source(source)


def _picture(reference: Step | Picture) -> Picture:
    return reference.picture if isinstance(reference, Step) else reference


# Words


def _joined(steps: Sequence[Step], pictures: Sequence[Picture]) -> Prompt:
    """One prompt for the edits of all steps, as a numbered list in the language of most of them; `pictures` are those that are sent."""
    prompts = [prompt_to_ask(step.lineage, step.record) for step in steps]
    lang = Counter(p.lang or recovery.language_of(p.text) for p in prompts).most_common(1)[0][0]
    wording = WORDINGS.get(lang.replace("_", "-").split("-")[0].lower(), WORDINGS["en"])
    items = (_item(i, step, wording, pictures) for i, step in enumerate(steps, 1))
    return Prompt(text="\n\n".join([wording.before, "\n".join(items), wording.after]), lang=lang)


def _item(number: int, step: Step, wording: _Wording, pictures: Sequence[Picture]) -> str:
    """One edit of the list. Where it speaks of images by number, and they have other numbers now, it says which they are."""
    lead = f"{number}. "
    sent = [p.sha256 for p in pictures]
    along = [s for s in step.record.sources if s["role"] != "base"]
    places = [(then, sent.index(s["sha256"]) + 1) for then, s in enumerate(along, 2) if s["role"] == "reference"]
    moved = [wording.moved.format(then=then, now=now) for then, now in places if then != now]
    lines = "\n".join([str(step.prompt).strip(), *moved]).splitlines()
    return lead + f"\n{' ' * len(lead)}".join(lines)
