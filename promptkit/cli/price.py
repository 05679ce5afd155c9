"""The command about money: price, which shows what a picture costs where, and sets it."""

from __future__ import annotations

from argparse import Namespace

from promptkit.cli.flags import Commands, add_command
from promptkit.cli.output import as_json, print_objects, say, show, usage
from promptkit.cost import USD, Cost, Money, is_amount, parsed_money
from promptkit.errors import SettingsError, did_you_mean
from promptkit.terminal import aligned, printable

__all__ = ["add"]

HEADER = ("endpoint", "model", "size", "price of a picture", "set by")


def add(commands: Commands) -> None:
    """Adds price."""
    made = add_command(commands, "price", _price, "show what a picture costs at each endpoint, or set it in your config file")
    made.add_argument("endpoint", nargs="?", metavar="ENDPOINT", help="its name, or its base URL; without MODEL: show its prices")
    made.add_argument("model", nargs="?", metavar="MODEL", help="a model's id; without PRICE: show its prices")
    made.add_argument("price", nargs="*", metavar="PRICE", help="as the endpoint prints it for one picture: 0.30 CNY, or 0.04 for USD")
    made.add_argument("--size", metavar="SIZE", help="the image_size that it is the price of (1K, 2K, 4K); without it of every size")


def _price(options: Namespace) -> int:
    from promptkit.providers.price_list import set_price

    endpoint = None if options.endpoint is None else _endpoint(options.endpoint, options.model)
    if not options.price:
        return _show(endpoint, options.model)
    money = parsed_money(" ".join(options.price), USD)
    if money is None or not is_amount(money.amount):
        said = f"{' '.join(options.price)!r:.60} is no price: write an amount and a currency, such as 0.30 CNY; without one it is USD"
        raise usage(said)
    if endpoint == "offline":
        raise SettingsError("Offline drafts cost nothing, and have no price to set.")
    size = options.size and _size(options.size)
    set_price(str(endpoint), options.model, money, size)
    _print(endpoint, options.model)
    return 0


def _size(text: str) -> str:
    from promptkit.providers.options import OPTIONS

    return OPTIONS["image_size"].as_meant(text)


def _endpoint(named: str, model: str | None) -> str:
    """The name that records have of an endpoint. One that is not defined may be a program's own, so it is taken, and said."""
    from promptkit.providers import models
    from promptkit.providers.endpoint_choice import choose_endpoint
    from promptkit.providers.endpoints import known_endpoints

    if "://" in named:
        return choose_endpoint(named).name
    known = known_endpoints()
    if named not in known and models.known_model(named) and (model is None or model in known):
        raise usage(f"the endpoint stands before the model: promptkit price {model or 'ENDPOINT'} {named}")
    if named not in known and "." not in named and ":" not in named:  # a host is an endpoint's name too
        say(f"no endpoint is called {named!r:.60}{did_you_mean(named, known)}; known are {', '.join(known)}")
    return named


def _show(endpoint: str | None, model: str | None) -> int:
    lines = _print(endpoint, model)
    if endpoint == "offline":
        say("offline drafts cost nothing")
    elif not lines:
        say(f"no known price for {model or 'any model'} at {endpoint}; `promptkit price {endpoint} {model or 'MODEL'} 0.30 CNY` sets one")
    else:
        say("`promptkit price ENDPOINT MODEL 0.30 CNY` sets one; what is not listed has no known price")
    return 0


def _print(endpoint: str | None, model: str | None) -> list[str]:
    """Prints the prices that are known; returns their table."""
    lines = _lines(endpoint, model)
    if as_json():
        from promptkit.providers.models import bare_name
        from promptkit.providers.price_list import known_prices

        print_objects(row.to_dict() for row in known_prices(endpoint, None if model is None else bare_name(model)))
    for line in () if as_json() else lines:
        show(line)
    return lines


def _lines(endpoint: str | None, model: str | None) -> list[str]:
    """The table of the prices that are known."""
    from promptkit.providers.models import bare_name
    from promptkit.providers.price_list import known_prices

    found = known_prices(endpoint, None if model is None else bare_name(model))
    rows = [(row.endpoint, row.model, _size_in_words(row.size), _amount(row.money), row.source) for row in found]
    return aligned([HEADER, *(tuple(map(printable, row)) for row in rows)]) if rows else []


def _size_in_words(size: str | None) -> str:
    return "any" if size is None else size or "none sent"


def _amount(money: Money | None) -> str:
    return "no known price" if money is None else str(Cost.of(*money)) if money.amount else f"0.00 {money.currency}"
