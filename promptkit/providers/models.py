"""What is known of each model: ratios, sizes, how many pictures it takes, prices, shut-down. The facts, dated, are in models.toml.

The config file can add to them, or say otherwise:

    [models."gemini-2.5-flash-image"]               # any of: ratios, sizes, pictures, shut_down, successor, as_of, dialect
    pictures = 5

    [models."gemini-2.5-flash-image".price.deerapi] # by the endpoint's name; tokens = [prompt, text out, picture out], for a million
    picture = 0.02                                  # USD for one; or by image_size: {1K = 0.02, 4K = 0.05}
    currency = "USD"                                # of all prices in this table; any other, such as CNY, is kept and never converted
    as_of = 2026-11-22

A model that is not known is sent as it is, with no checks and no price.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from promptkit import config as settings
from promptkit.cost import FREE, USD, Cost, currency_code, is_amount
from promptkit.errors import SettingsError, did_you_mean, shown
from promptkit.providers.dialect import DIALECTS, is_dialect
from promptkit.providers.message import Tokens

__all__ = [
    "Model",
    "Price",
    "all_ratios",
    "as_told",
    "bare_name",
    "check",
    "check_name",
    "cost",
    "cost_size",
    "default_model",
    "estimate",
    "has_price_by_size",
    "known_model",
    "known_names",
    "lacks",
    "own_facts",
    "price_at",
    "shutdown_notice",
    "size_of",
]


SIDES = (("512", 724), ("1K", 1448), ("2K", 2896))  # pixels of a square's side below which a picture is of that size
BATCH_SHARES = {"google": 0.5}  # of the price, in batch mode; elsewhere nobody says that it is less (ai.google.dev/pricing, 2026-11)
DAYS = ("as_of", "shut_down")
MOST_TOKENS = 10**12  # of each kind; whatever a service claims, the sum is a number that a record holds


@dataclass(frozen=True)
class Price:
    """What an endpoint asks, in its currency: for a picture, by image_size ("" where none is sent); for a million tokens: prompt, text,
    picture.
    """

    picture: Mapping[str, float] | float | None
    tokens: tuple[float, float, float] | None
    as_of: date | None
    currency: str = USD

    def of_picture(self, image_size: str | None) -> float | None:
        """The price of one picture of that size, or None."""
        return self.picture.get(image_size or "") if isinstance(self.picture, Mapping) else self.picture

    def charge(self, amount: float, basis: str) -> dict[str, Any]:
        """A sum as records hold it: {usd, basis}, or in another currency {amount, currency, basis}."""
        paid = {"usd": amount} if self.currency == USD else {"amount": amount, "currency": self.currency}
        return {**paid, "basis": f"{basis} {self.as_of or 'of the config file'}"}


@dataclass(frozen=True)
class Model:
    """One model's facts; None where one is not known. `prices` are by the endpoint's name, `as_of` is the day of all other facts.

    `dialect` is the name of the one in which this model is asked at any endpoint; None where it is asked in the endpoint's.
    """

    name: str
    ratios: tuple[str, ...] | None
    sizes: tuple[str, ...] | None
    pictures: int | None
    prices: Mapping[str, Price]
    shut_down: date | None
    successor: str | None
    as_of: date | None
    dialect: str | None = None


# The facts


_told: ContextVar[Mapping[str, Any] | None] = ContextVar("facts that another process told", default=None)


@cache
def _facts() -> dict[str, Any]:
    import tomllib

    facts = tomllib.loads((Path(__file__).parent / "models.toml").read_text(encoding="utf-8"))
    for model in facts["models"].values():
        model["ratios"] = facts["ratios"][model["ratios"]]
        model["as_of"] = facts["as_of"]
        for price in model.get("price", {}).values():
            price["as_of"] = facts["as_of"]
    return facts


def default_model() -> str:
    """The model that is used where none is named."""
    return str(_facts()["default"])


def all_ratios() -> frozenset[str]:
    """Every aspect ratio that a model has."""
    return frozenset(ratio for ratios in _facts()["ratios"].values() for ratio in ratios)


def known_model(name: str) -> Model | None:
    """What is known of the model, or None. SettingsError where the config file says what cannot be."""
    configured = _configured()
    name = name if name in configured else bare_name(name)
    own = configured.get(name)
    return _shipped(name) if own is None else _model(name, _merged(_facts()["models"].get(name, {}), _checked(name, own)))


def _configured() -> Mapping[str, Any]:
    told = _told.get()
    return settings.models() if told is None else told


def own_facts(name: str) -> dict[str, Any]:
    """What the config file says of a model, as JSON by the model's name; for `as_told` in another process."""
    configured = _configured()
    named = name if name in configured else bare_name(name)
    return {named: json.loads(json.dumps(configured[named], default=str))} if named in configured else {}


@contextmanager
def as_told(facts: Mapping[str, Any] | None) -> Iterator[None]:
    """Within it `own_facts` of another process stand for the config file of this one; None: the config file's own."""
    token = _told.set(None if facts is None else _with_dates(facts))
    try:
        yield
    finally:
        _told.reset(token)


def _with_dates(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts that came as JSON, with days as TOML has them."""
    return {
        key: date.fromisoformat(value)
        if key in DAYS and isinstance(value, str)
        else _with_dates(value)
        if isinstance(value, Mapping)
        else value
        for key, value in facts.items()
    }


def known_names() -> list[str]:
    """The models of which anything is known, by name."""
    return sorted({**_facts()["models"], **_configured()})


def bare_name(name: str) -> str:
    """The name without the path that services' own lists print before it."""
    return name.removeprefix("publishers/google/").removeprefix("models/")


@cache
def _shipped(name: str) -> Model | None:
    facts = _facts()["models"].get(name)
    return None if facts is None else _model(name, facts)


def _merged(shipped: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    return {**shipped, **own, "price": {**shipped.get("price", {}), **own.get("price", {})}}


def _model(name: str, facts: Mapping[str, Any]) -> Model:
    ratios, sizes = (tuple(facts[key]) if key in facts else None for key in ("ratios", "sizes"))
    prices = {endpoint: _price(price) for endpoint, price in facts.get("price", {}).items()}
    ends = (facts.get("shut_down"), facts.get("successor"), facts.get("as_of"))
    return Model(name, ratios, sizes, facts.get("pictures"), prices, *ends, facts.get("dialect"))


def _price(facts: Mapping[str, Any]) -> Price:
    tokens = tuple(facts["tokens"]) if "tokens" in facts else None
    return Price(facts.get("picture"), tokens, facts.get("as_of"), currency_code(facts.get("currency", USD)) or USD)


# The config file's own


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


Rules = Mapping[str, tuple[Callable[[Any], bool], str]]
MODEL_RULES: Rules = {
    "ratios": (_are_texts, 'a list such as ["1:1", "16:9"]'),
    "sizes": (_are_texts, 'a list such as ["1K", "2K"]'),
    "pictures": (lambda v: type(v) is int and v > 0, "a whole number"),
    "shut_down": (lambda v: type(v) is date, "a date such as 2027-03-15"),
    "successor": (lambda v: isinstance(v, str), "a model's name"),
    "as_of": (lambda v: type(v) is date, "a date such as 2026-11-22"),
    "dialect": (lambda v: isinstance(v, str) and is_dialect(v), f"one of {', '.join(DIALECTS)}, or a dialect that is installed"),
    "price": (lambda v: isinstance(v, dict) and all(isinstance(p, dict) for p in v.values()), "tables by the endpoint's name"),
}
PRICE_RULES: Rules = {
    "picture": (
        lambda v: is_amount(v) or (isinstance(v, dict) and all(map(is_amount, v.values()))),
        "USD, or a table of USD by image_size",
    ),
    "tokens": (lambda v: isinstance(v, list) and len(v) == 3 and all(map(is_amount, v)), "three prices: prompt, text out, picture out"),
    "currency": (lambda v: isinstance(v, str) and currency_code(v) is not None, 'a currency\'s code, such as "CNY"'),
    "as_of": MODEL_RULES["as_of"],
}


def _checked(name: str, facts: object) -> Mapping[str, Any]:
    checked = _fitting(f'[models."{name}"]', facts, MODEL_RULES)
    for endpoint, price in checked.get("price", {}).items():
        _fitting(f'[models."{name}".price.{endpoint}]', price, PRICE_RULES)
    return checked


def _fitting(table: str, facts: object, rules: Rules) -> Mapping[str, Any]:
    where = f"{table} in {settings.config_file()}"
    if not isinstance(facts, dict):
        raise SettingsError(f"{where} is {facts!r:.60}; write it as a table.")
    for key, value in facts.items():
        if key not in rules:
            raise SettingsError(f"{where} has an unknown key {key!r}{did_you_mean(key, rules)}; known are {', '.join(rules)}.")
        fits, expected = rules[key]
        if not fits(value):
            raise SettingsError(f"{where} has {key} = {value!r:.60}; expected {expected}.")
    return facts


# What follows from them


def check_name(name: str) -> None:
    """SettingsError for a name that would lead away from the path of its endpoint: a record may come from a stranger."""
    if not name.isprintable() or set(name) & set("?#\\ ") or "://" in name or not {"", ".", ".."}.isdisjoint(name.split("/")):
        raise SettingsError(f"{name!r:.60} is no model's name: it would lead away from the endpoint; model= names one that is there.")


def lacks(known: tuple[str, ...] | None, asked: object) -> bool:
    """Whether a model has not what is asked for; where nothing is known it may."""
    return known is not None and asked not in known


def check(name: str, *, aspect_ratio: str | None, image_size: str | None, pictures: int, names: Sequence[str] = ()) -> None:
    """Refuses, before anything is sent, what a known model does not take: SettingsError, with what it does. `names` are pictures' own."""
    model = known_model(name)
    if model is None:
        return
    if aspect_ratio is not None and lacks(model.ratios, aspect_ratio):
        raise SettingsError(f"{name} has no aspect_ratio {shown(aspect_ratio)}; it has {', '.join(model.ratios or ())}.")
    if image_size is not None and lacks(model.sizes, image_size):
        known = f"it has {', '.join(model.sizes)}" if model.sizes else "it has one size, so leave image_size out"
        raise SettingsError(f"{name} has no image_size {shown(image_size)}; {known}.")
    if model.pictures is not None and pictures > model.pictures:
        by_name = ", ".join(f"{count} as {named!r}" for named, count in Counter(names).items())
        has = f"{pictures} ({by_name})" if by_name else str(pictures)
        raise SettingsError(f"{name} takes {model.pictures} pictures in a request, and this one has {has}; leave some references out.")


def shutdown_notice(name: str, today: date) -> str | None:
    """A sentence for a model whose published end has come, else None. Published ends have moved before, so it warns and stops nothing."""
    model = known_model(name)
    if model is None or model.shut_down is None or today < model.shut_down:
        return None
    replaced = f"; {model.successor} replaces it" if model.successor else ""
    return f"{name} was to shut down on {model.shut_down}{replaced} ({_dated(model.as_of)})."


def estimate(name: str, endpoint: str, *, image_size: str | None, in_batch: bool = False) -> Cost | None:
    """What one request may cost before it is sent, alone or in a batch job; None where no price is known."""
    if endpoint == "offline":
        return FREE
    price = price_at(name, endpoint)
    each = price.of_picture(image_size) if price else None
    return Cost.of(each * _share(endpoint, in_batch), price.currency) if price and each is not None else None


def _share(endpoint: str, in_batch: bool) -> float:
    return BATCH_SHARES.get(endpoint, 1.0) if in_batch else 1.0


def cost(
    name: str, endpoint: str, *, tokens: Tokens | None, pictures: int, image_size: str | None, in_batch: bool = False
) -> dict[str, Any] | None:
    """What an answer cost, as records hold it: by its token counts where it has them, else by its pictures; None where no price is known.

    Never raises for what a service may count: the picture beside it is paid.
    """
    if endpoint == "offline":
        return {"usd": 0.0, "basis": "offline"}
    price = price_at(name, endpoint)
    if price is None:
        return None
    share, batch = _share(endpoint, in_batch), "batch " if in_batch else ""
    if price.tokens and tokens and (tokens.picture or not pictures):  # counts that forget the picture would make it look cheap
        amount = sum(min(max(0, n), MOST_TOKENS) * each for n, each in zip(tokens, price.tokens, strict=True)) / 1e6
        return price.charge(round(amount * share, 6), f"{endpoint} {batch}tokens")
    each = price.of_picture(image_size)
    if each is None or not pictures:
        return None
    return price.charge(round(each * pictures * share, 6), f"{endpoint} {batch}pictures")


def size_of(size: tuple[int, int] | None) -> str | None:
    """The image_size that a picture's pixels belong to: 512, 1K, 2K or 4K, the nearest; None where nothing is known."""
    side = (size[0] * size[1]) ** 0.5 if size else 0.0
    return next((name for name, most in SIDES if side < most), "4K") if side else None


def cost_size(name: str, endpoint: str, asked: str | None, came: tuple[int, int] | None) -> str | None:
    """The image_size whose price a picture has: that of the pixels that came, where it has a price, else the one asked for."""
    price, size = price_at(name, endpoint), size_of(came)
    by_size = price.picture if price and isinstance(price.picture, Mapping) else {}
    return size if size in by_size else asked


def has_price_by_size(name: str, endpoint: str) -> bool:
    """Whether the endpoint's price of a picture depends on its size."""
    price = price_at(name, endpoint)
    return price is not None and isinstance(price.picture, Mapping)


def price_at(name: str, endpoint: str) -> Price | None:
    """What an endpoint asks for a model, or None."""
    model = known_model(name)
    return model.prices.get(endpoint) if model else None


def _dated(day: date | None) -> str:
    return f"as of {day}" if day else "by your config file"
