"""What is known of each model: ratios, sizes, how many pictures it takes, prices, shut-down. The facts, dated, are in models.toml.

A model that is not known is sent as it is, with no checks and no price.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from promptkit.errors import SettingsError

__all__ = ["Model", "check", "cost", "default_model", "estimate", "known_model", "shutdown_notice"]

PRICED_ENDPOINTS = ("google",)  # the gateways print their own prices, which differ by the key's group


@dataclass(frozen=True)
class Model:
    """One model's facts; prices in USD, `token_price` for a million tokens of prompt, text out and picture out."""

    name: str
    ratios: tuple[str, ...]
    sizes: tuple[str, ...]
    pictures: int
    picture_price: Mapping[str, float]
    token_price: tuple[float, float, float] | None
    shut_down: date | None
    successor: str | None


@cache
def _facts() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "models.toml").read_text(encoding="utf-8"))


def default_model() -> str:
    """The model that is used where none is named."""
    return str(_facts()["default"])


@cache
def known_model(name: str) -> Model | None:
    """What is known of the model, or None."""
    facts = _facts()["models"].get(name)
    if facts is None:
        return None
    return Model(
        name=name,
        ratios=tuple(_facts()["ratios"][facts["ratios"]]),
        sizes=tuple(facts["sizes"]),
        pictures=facts["pictures"],
        picture_price=facts.get("picture_price", {}),
        token_price=tuple(facts["token_price"]) if "token_price" in facts else None,
        shut_down=facts.get("shut_down"),
        successor=facts.get("successor"),
    )


def check(name: str, *, aspect_ratio: str | None, image_size: str | None, pictures: int) -> None:
    """Refuses, before anything is sent, what a known model does not take. SettingsError names what it does."""
    model = known_model(name)
    if model is None:
        return
    if aspect_ratio is not None and aspect_ratio not in model.ratios:
        raise SettingsError(f"{name} has no aspect_ratio {aspect_ratio!r}; it has {', '.join(model.ratios)}.")
    if image_size is not None and image_size not in model.sizes:
        known = f"it has {', '.join(model.sizes)}" if model.sizes else "it has one size, so leave image_size out"
        raise SettingsError(f"{name} has no image_size {image_size!r}; {known}.")
    if pictures > model.pictures:
        raise SettingsError(f"{name} takes {model.pictures} pictures in a request, and this one has {pictures}; leave some references out.")


def shutdown_notice(name: str, today: date) -> str | None:
    """A sentence for a model whose published end has come, else None. Published ends have moved before, so it warns and stops nothing."""
    model = known_model(name)
    if model is None or model.shut_down is None or today < model.shut_down:
        return None
    return f"{name} was to shut down on {model.shut_down}; {model.successor} replaces it (as of {_facts()['as_of']})."


def estimate(name: str, endpoint: str, *, image_size: str | None) -> float | None:
    """What one request may cost, in USD, before it is sent; None where no price is known."""
    if endpoint == "offline":
        return 0.0
    model = known_model(name)
    if model is None or endpoint not in PRICED_ENDPOINTS:
        return None
    return model.picture_price.get(image_size or "")


def cost(name: str, endpoint: str, *, usage: Mapping[str, Any], pictures: int, image_size: str | None) -> dict[str, Any] | None:
    """What an answer cost: {usd, basis}, by its token counts where it has them, else by its pictures; None where no price is known."""
    if endpoint == "offline":
        return {"usd": 0.0, "basis": "offline"}
    model = known_model(name)
    if model is None or endpoint not in PRICED_ENDPOINTS:
        return None
    day = _facts()["as_of"]
    tokens = _tokens(usage)
    if model.token_price and tokens and (tokens[2] or not pictures):  # counts that forget the picture would make it look cheap
        usd = sum(n * price for n, price in zip(tokens, model.token_price, strict=True)) / 1e6
        return {"usd": round(usd, 6), "basis": f"google tokens {day}"}
    price = model.picture_price.get(image_size or "")
    if price is None or not pictures:
        return None
    return {"usd": round(price * pictures, 6), "basis": f"google pictures {day}"}


def _tokens(usage: Mapping[str, Any]) -> tuple[int, int, int] | None:
    """The tokens of prompt, text out and picture out; None where they were not counted. Whatever a service says here, it must not raise:
    the picture beside it is paid."""
    if not isinstance(usage.get("promptTokenCount"), int):
        return None
    details = usage.get("candidatesTokensDetails")
    entries = [d for d in details if isinstance(d, Mapping)] if isinstance(details, list | tuple) else []
    picture = sum(_count(d.get("tokenCount")) for d in entries if d.get("modality") == "IMAGE")
    text = max(0, _count(usage.get("candidatesTokenCount")) - picture) + _count(usage.get("thoughtsTokenCount"))
    return _count(usage["promptTokenCount"]), text, picture


def _count(value: object) -> int:
    return max(0, value) if isinstance(value, int) else 0
