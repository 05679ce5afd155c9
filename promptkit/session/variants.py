"""Variants: what varies in one call of `vary`, by name, as the product of all values; and the steps that came, as a grid."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, Self

from promptkit.cost import FREE, Cost
from promptkit.engine.ask import Answer
from promptkit.engine.client import Client
from promptkit.engine.options import checked_config, checked_label, checked_meta, checked_opening
from promptkit.engine.plan import Plan
from promptkit.errors import PromptkitError, SettingsError, did_you_mean, shown, warn
from promptkit.images.picture import Picture, is_picture
from promptkit.lineage.record import VARIED, Record
from promptkit.markup import mime_bundle
from promptkit.prompts.template import Prompt, Template
from promptkit.providers import models
from promptkit.providers.options import OPTIONS
from promptkit.session.references import Reference
from promptkit.session.step import Step, Steps
from promptkit.session.variant_prompts import EACH, PromptPattern
from promptkit.terminal import cut, how_many
from promptkit.values import built_in, texts

__all__ = ["Axis", "Variants", "Variation"]

NAMED = 40  # columns of a value in a step's label
ALONG = ("references", "model", *OPTIONS)
HINTS = {"models": "model", "reference": "references", "images": "references", "image": "references"}
HINTS |= {name: option.name for option in OPTIONS.values() for name in option.also_called}
Place = tuple[int, ...]  # an index on each axis
Planned = tuple[Place, Plan]


@dataclass(frozen=True)
class Axis:
    """What varies: its name, its values as they were given, and what each is called."""

    name: str
    values: tuple[Any, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Variant:
    """One of the product: where it stands on each axis, what is asked, and what it is called."""

    place: Place
    prompt: Prompt
    options: Mapping[str, Any]
    model: str | None
    varied: Mapping[str, Any]
    label: str


class Variation:
    """What varies in a prompt and in what goes with it, as the product of all values. SettingsError, InputError; nothing is read from disk
    or sent. `options` are the call's own, for all.
    """

    def __init__(self, prompt: str | Prompt | Template, each: object, options: Mapping[str, Any]) -> None:
        self._pattern = PromptPattern(prompt, options.get("lang"))
        self._options = options
        self.axes = tuple(self._axis(name, values) for name, values in _named(each).items())
        self._variants = self._product()

    # Before it is asked

    def planned(self, plan: Callable[..., Plan], client: Client, n: int, *, but: str | None, fresh: bool) -> list[Planned]:
        """n takes of each variant, where each stands; `plan` makes one of a prompt and its options, `but` is a recipe that is left out."""
        label, meta = checked_label(self._options.get("label")), checked_meta(self._options.get("meta"))
        if VARIED in meta:
            raise SettingsError(f"The meta has {VARIED!r}, where each= notes what varied; call it otherwise.")
        found: list[Planned] = []
        for variant in self._variants:
            along = _along(self._options.get("references"), variant.options.get("references"))
            one = plan(variant.prompt, **{**self._options, **variant.options, "references": along})
            one = client.for_model(one, variant.model) if variant.model else one
            called = f"{label}: {variant.label}" if label else variant.label
            one = replace(one, label=called, meta=checked_meta({**meta, VARIED: variant.varied}))
            found += [(variant.place, take) for take in client.takes(one, n, but=but, fresh=fresh)]
        return found

    def asked(self, planned: Sequence[Planned], client: Client, workers: int) -> tuple[list[Answer | PromptkitError], tuple[Place, ...]]:
        """The answers in the order of the plans, of which those that ask for the same are asked for once; and where each step stands.
        How many a product comes to, and what it may cost, is said before.
        """
        different = {plan.recipe: plan for _, plan in planned}
        self._announce(different, client, n=len(planned) // len(self._variants))
        answers = dict(zip(different, client.ask_all(list(different.values()), workers), strict=True))
        every = [answers[plan.recipe] for _, plan in planned]
        places = (place for (place, _), answer in zip(planned, every, strict=True) if isinstance(answer, Answer))
        return every, tuple(places)

    def _announce(self, plans: Mapping[str, Plan], client: Client, n: int) -> None:
        there = {recipe: found for recipe, plan in plans.items() if (found := client.find(plan))}
        client.terms.brought.update(record.id for record in there.values())  # the caller names them: nothing is taken for them
        ahead = [plan for recipe, plan in plans.items() if recipe not in there]
        factors = [f"{len(axis.values)} {axis.name}" for axis in self.axes] + ([f"{n} of each"] if n > 1 else [])
        if ahead and len(factors) > 1 < len(plans) and client.terms.sends:
            warn(f"{' × '.join(factors)}: {in_words(len(plans), ahead, client)}.")

    def _product(self) -> list[Variant]:
        """The first axis is the outermost."""
        places = list(product(*(range(len(axis.values)) for axis in self.axes)))
        given = [{axis.name: axis.values[i] for axis, i in zip(self.axes, place, strict=True)} for place in places]
        prompts = self._pattern.prompts([{k: v for k, v in values.items() if self._is_of_prompt(k)} for values in given])
        return [self._variant(*each) for each in zip(places, prompts, given, strict=True)]

    def _variant(self, place: Place, prompt: Prompt, given: Mapping[str, Any]) -> Variant:
        labels = {axis.name: axis.labels[i] for axis, i in zip(self.axes, place, strict=True)}
        along = {name: value for name, value in given.items() if not self._is_of_prompt(name)}
        pictures = {"references": labels["references"]} if "references" in along else {}
        varied = {name: prompt.inputs.get(name, value) for name, value in given.items()} | pictures
        called = " · ".join(cut(label, NAMED) for label in labels.values())
        return Variant(place, prompt, along, along.pop("model", None), varied, called)

    # What varies

    def _axis(self, name: str, given: object) -> Axis:
        self._check_name(name)
        values = _several(name, given)
        if (twice := _twice(values)) is not None:
            error = SettingsError(f"each= has {shown(twice)} twice for {name!r}; n=2 makes two of each.")
            raise error.also(in_shell=f"--each has {shown(twice)} twice for {name!r}; -n 2 makes two of each.")
        if self._is_of_prompt(name):
            return Axis(name, values, tuple(map(_label, values)))
        label = _label_along if name == "references" else _label
        return Axis(name, tuple(_checked_value(name, value) for value in values), tuple(map(label, values)))

    def _is_of_prompt(self, name: str) -> bool:
        return name in self._pattern.inputs or self._pattern.has_place(name) or name not in ALONG

    def _check_name(self, name: str) -> None:
        known = [*self._pattern.inputs, EACH, *ALONG]
        if name in known or self._pattern.has_place(name):
            return
        hint = f" (that is {HINTS[name]!r})" if name in HINTS else did_you_mean(name, known)
        inputs = f"inputs of the template: {', '.join(self._pattern.inputs)}; " if self._pattern.inputs else ""
        said = f"There is no {shown(name)} to vary{hint}: write {{{name:.40}}} into the prompt, or vary one of {inputs}{', '.join(ALONG)}"
        error = SettingsError(f"{said}; {EACH!r} is a sentence of its own.")
        raise error.also(in_shell=f"{said}; --each {EACH}=… is a sentence of its own, which may hold a =.")


def _named(each: object) -> dict[str, Any]:
    """The values by name; those of a list without one stand for words."""
    named = {str(built_in(name)): values for name, values in each.items()} if isinstance(each, Mapping) else {EACH: each}
    if not named:
        raise SettingsError('each= says what varies: a list of texts, or lists by name, each={"style": ["line art", "block print"]}.')
    return named


def _several(name: str, values: object) -> tuple[Any, ...]:
    """The values of one axis. SettingsError where they are not several things in an order."""
    if isinstance(values, Step | Mapping | AbstractSet) or is_picture(values) or not isinstance(values, Iterable):
        raise SettingsError(f"each= takes a list of values for {name!r}, such as [one, other], not {shown(values)}.")
    plain = texts(values)  # of an array or a series, its texts
    several = tuple(built_in(value) for value in values) if plain is None else plain
    if not several:
        raise SettingsError(f"each= has no value for {name!r}; give one or more.")
    return several


def _checked_value(name: str, value: Any) -> Any:
    """A value of what goes with a prompt."""
    if name == "references":
        return value
    if name == "model" and value is None:
        raise SettingsError('each= names models by their ids, such as "gemini-2.5-flash-image", not None.')
    return checked_opening(model=value)["model"] if name == "model" else checked_config({name: value}).get(name)


def _twice(values: Sequence[Any]) -> Any:
    """The first of the texts and numbers among the values that stands there twice; None where none does."""
    plain = [value for value in values if isinstance(value, str | int | float)]
    return next((value for i, value in enumerate(plain) if value in plain[:i]), None)


def _label(value: Any) -> str:
    """What a value is called."""
    if value is None:
        return "none"
    several = isinstance(value, Iterable) and not isinstance(value, str | Mapping)
    return " + ".join(map(_label, value)) if several else " ".join(str(value).split())


def _label_along(value: Any) -> str:
    """What pictures that go along are called: steps by number, files by their names without their folders, others by what they hold."""
    if value is None or isinstance(value, Mapping):
        return "none" if value is None else " + ".join(map(str, value))
    if isinstance(value, Step | int) or (isinstance(value, str) and value.isdecimal()):
        return f"step {value.number if isinstance(value, Step) else value}"
    if isinstance(value, Reference):
        return value.name
    if isinstance(value, str | os.PathLike):
        return Path(os.fspath(value)).name
    if is_picture(value):
        return f"picture {Picture.open(value).sha256[:10]}"
    return " + ".join(map(_label_along, value)) or "none"


def _along(common: Any, own: Any) -> Any:
    """The pictures that go with all variants, then a variant's own."""
    both = [given for given in (common, own) if given is not None and not (isinstance(given, list | tuple | Mapping) and not given)]
    if len(both) < 2:
        return both[0] if both else ()
    if any(isinstance(given, Mapping) for given in both):
        raise SettingsError("references= and those in each= are joined as lists; where names are bound, give all in each=.")
    return [picture for given in both for picture in (given if _is_several(given) else (given,))]


def _is_several(given: object) -> bool:
    return isinstance(given, Iterable) and not isinstance(given, Step) and not is_picture(given)


# In words


def in_words(pictures: int, ahead: Sequence[Plan], client: Client) -> str:
    """How many pictures, how many requests are ahead for them and what these may cost; what the limits leave, where that is less."""
    there = pictures - len(ahead)
    said = f"{how_many(pictures, 'picture')}, {how_many(len(ahead), 'request')}{_price(ahead)}"
    return f"{said}{f'; {there} there already' if there else ''}{_beyond(ahead, client)}"


def _cost(plans: Sequence[Plan]) -> Cost:
    """What requests may cost, those without a known price counted."""
    prices = (models.estimate(plan.model, plan.endpoint, image_size=plan.config.get("image_size")) for plan in plans)
    return sum((Cost(unpriced=1) if price is None else price for price in prices), FREE)


def _price(plans: Sequence[Plan]) -> str:
    if all(plan.endpoint == "offline" for plan in plans):
        return " for offline drafts, which cost nothing"
    cost = _cost(plans)
    known = f", about {cost.known_in_words('.4f')}" if cost.known_in_words() else ""
    return f"{known}{f', {cost.unpriced} without a known price' if cost.unpriced else ''}"


def _beyond(plans: Sequence[Plan], client: Client) -> str:
    money, count = client.budget.left(), client.budget.requests_left()
    is_dear = money is not None and _cost(plans).amounts.get(money.currency, 0.0) > money.amount
    few = f"; max_requests leaves {count}" if count is not None and count < len(plans) else ""
    return (f"; the budget has {money} left" if is_dear else "") + few


# What came


class Variants(Steps):
    """Steps in the order of a product; shows itself as a grid with labelled axes, in a notebook in pictures, printed in words."""

    axes: tuple[Axis, ...] = ()
    places: tuple[Place, ...] = ()

    def __new__(cls, steps: Iterable[Step] = (), axes: tuple[Axis, ...] = (), places: tuple[Place, ...] = ()) -> Self:
        made = super().__new__(cls, steps)
        made.axes, made.places = axes, places
        return made

    def __str__(self) -> str:
        from promptkit.views.grid import grid_text

        return grid_text(self._named_axes, self._records)

    @property
    def _named_axes(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(axis.name, axis.labels) for axis in self.axes]

    @property
    def _records(self) -> dict[Place, list[Record]]:
        found: dict[Place, list[Record]] = {}
        for place, step in zip(self.places, self, strict=True):
            found.setdefault(place, []).append(step.record)
        return found

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, Any]:
        from promptkit.views.grid import grid_html

        shown = grid_html(self._named_axes, self._records, reused=[step.id for step in self if step.reused], marks=self._marks)
        return mime_bundle(str(self), shown, include, exclude)
