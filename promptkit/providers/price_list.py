"""What pictures cost where: the prices that are known, and those that the user sets in the config file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from promptkit import config as settings
from promptkit.cost import Money
from promptkit.errors import SettingsError
from promptkit.json_objects import flat_object
from promptkit.providers import models
from promptkit.providers.models import Price

__all__ = ["KnownPrice", "known_prices", "set_price"]

SIZES = ("512", "1K", "2K", "4K")  # of a model whose sizes are not known


@dataclass(frozen=True)
class KnownPrice:
    """The price of a picture of a model at an endpoint, for an image_size: "" where none is sent, None for each. `source` says who set
    it, and when; `money` is None where only tokens have a price.
    """

    endpoint: str
    model: str
    size: str | None
    money: Money | None
    source: str

    def to_dict(self) -> dict[str, Any]:
        """As one flat object (promptkit.price/1): `price` in `currency` of one picture, both None where only tokens have a price."""
        price, currency = (self.money.amount, self.money.currency) if self.money else (None, None)
        names = {"endpoint": self.endpoint, "model": self.model, "image_size": self.size}
        return flat_object("price", **names, price=price, currency=currency, source=self.source)


def known_prices(endpoint: str | None = None, model: str | None = None) -> list[KnownPrice]:
    """All prices that are known, or those at an endpoint, or of a model there; by endpoint and model. SettingsError where the config file
    says what cannot be.
    """
    names = [model] if model is not None else models.known_names()
    found = [row for name in names for row in _of_model(name) if endpoint in (None, row.endpoint)]
    return sorted(found, key=lambda row: (row.endpoint, row.model))


def _of_model(name: str) -> Iterator[KnownPrice]:
    known = models.known_model(name)
    for endpoint, price in (known.prices if known else {}).items():
        own = endpoint in _own_prices(name)
        source = f"{'your config file' if own else 'promptkit'}{f', as of {price.as_of}' if price.as_of else ''}"
        for size, amount in _by_size(price).items():
            yield KnownPrice(endpoint, name, size, None if amount is None else Money(amount, price.currency), source)


def _by_size(price: Price) -> Mapping[str | None, float | None]:
    return {k: v for k, v in price.picture.items()} if isinstance(price.picture, Mapping) else {None: price.picture}  # noqa: C416


def _own_prices(model: str) -> Mapping[str, Any]:
    """What the config file itself says of a model's prices."""
    facts = settings.models().get(model, {})
    prices = facts.get("price", {}) if isinstance(facts, dict) else {}
    return prices if isinstance(prices, dict) else {}


# Setting one


def set_price(endpoint: str, model: str, money: Money, image_size: str | None = None) -> None:
    """Writes into the config file what a picture costs: of an image_size, or of every size. All else in the file stays as it is.

    SettingsError where the model's other prices there are in another currency, and where the file cannot be changed: then with the lines
    to write by hand.
    """
    models.check_name(model)
    name = models.bare_name(model)
    own = _own_prices(name).get(endpoint)
    before = models.price_at(name, endpoint) if own is not None else None
    others = before is not None and (image_size is not None or before.tokens is not None)
    if before is not None and others and before.currency != money.currency:
        raise SettingsError(
            f"The other prices of {name} at {endpoint} are in {before.currency}, and this one is in {money.currency}: give it in "
            f"{before.currency}, or take the others out of {settings.config_file()} first."
        )
    picture: float | dict[str, float] = money.amount
    if image_size is not None:
        picture = {**_each_size(name, before), image_size: money.amount}
    values = {"picture": picture, "currency": money.currency, "as_of": datetime.now(UTC).astimezone().date()}
    settings.write_table(("models", name, "price", endpoint), values)


def _each_size(name: str, before: Price | None) -> dict[str, float]:
    """The price for each size as it is so far."""
    if before is None or before.picture is None:
        return {}
    if isinstance(before.picture, Mapping):
        return dict(before.picture)
    known = models.known_model(name)
    return dict.fromkeys(("", *((known and known.sizes) or SIZES)), before.picture)
