"""What is known of each model, what that refuses, and what an answer costs."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.config_file import write_config

from promptkit import config as settings
from promptkit.cost import Cost
from promptkit.errors import SettingsError
from promptkit.providers import models
from promptkit.providers.message import Tokens

TEN = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
FOURTEEN = (*TEN, "1:4", "4:1", "1:8", "8:1")
PRO = {"": 0.134, "1K": 0.134, "2K": 0.134, "4K": 0.24}
FLASH = {"": 0.067, "512": 0.045, "1K": 0.067, "2K": 0.101, "4K": 0.151}
NANO = {"": 0.0336, "1K": 0.0336, "2K": 0.0504, "4K": 0.0756}
KNOWN: dict[str, tuple[Any, ...]] = {  # ratios, sizes, pictures, USD by size, USD per million tokens, shut down
    "gemini-2.5-flash-image": (TEN, (), 3, {"": 0.039}, (0.30, 2.50, 30.0), date(2027, 3, 15)),
    "gemini-nano-banana-2.1": (FOURTEEN, ("1K", "2K", "4K"), 14, NANO, (1.5, 7.5, 30.0), None),
    "gemini-3-pro-image": (TEN, ("1K", "2K", "4K"), 14, PRO, (2.0, 12.0, 120.0), None),
    "gemini-3.1-flash-lite-image": (FOURTEEN, ("1K",), 14, {"": 0.0336, "1K": 0.0336}, (0.25, 1.5, 30.0), None),
    "gemini-3.1-flash-image": (FOURTEEN, ("512", "1K", "2K", "4K"), 14, FLASH, None, date(2026, 10, 29)),
    "gemini-2.5-flash-image-preview": (TEN, (), 3, {"": 0.039}, (0.30, 2.50, 30.0), date(2026, 1, 15)),
    "gemini-3-pro-image-preview": (TEN, ("1K", "2K", "4K"), 14, {}, None, date(2026, 6, 25)),
    "gemini-3.1-flash-image-preview": (FOURTEEN, ("512", "1K", "2K", "4K"), 14, {}, None, date(2026, 6, 25)),
}
FLASH_25 = "gemini-2.5-flash-image"
ENDED = "gemini-2.5-flash-image was to shut down on 2027-03-15; gemini-nano-banana-2.1 replaces it (as of 2026-11-22)."


@pytest.mark.parametrize("name", KNOWN)
def test_each_model_is_known_as_the_service_describes_it(name: str) -> None:
    """Ratios, sizes, pictures, prices and the published end of each model are those that Google published by 2026-11-22."""
    model = models.known_model(name)
    assert model
    price = model.prices.get("google", models.Price({}, None, None))
    facts = (model.ratios, model.sizes, model.pictures, price.picture, price.tokens, model.shut_down)
    assert facts == KNOWN[name]
    assert (model.successor is None) == (model.shut_down is None)
    assert model.successor is None or models.known_model(model.successor)


def test_the_default_is_known_and_alive() -> None:
    """The model that is used where none is named is the seeds' one under its lasting name."""
    assert models.default_model() == FLASH_25


REFUSED = [
    (FLASH_25, {"aspect_ratio": "1:4"}, r"has no aspect_ratio '1:4'; it has 1:1, 2:3, .*21:9\."),
    (FLASH_25, {"aspect_ratio": "16:10"}, "has no aspect_ratio '16:10'"),
    (FLASH_25, {"image_size": "1K"}, "has no image_size '1K'; it has one size, so leave image_size out"),
    (FLASH_25, {"pictures": 4}, "takes 3 pictures in a request, and this one has 4"),
    ("gemini-3-pro-image", {"image_size": "512"}, "has no image_size '512'; it has 1K, 2K, 4K"),
    ("gemini-3-pro-image", {"aspect_ratio": "8:1"}, "has no aspect_ratio '8:1'"),
    ("gemini-3.1-flash-lite-image", {"image_size": "2k"}, "has no image_size '2k'; it has 1K"),
    ("gemini-nano-banana-2.1", {"pictures": 15}, "takes 14 pictures"),
]
NOTHING: dict[str, Any] = {"aspect_ratio": None, "image_size": None, "pictures": 0}


@pytest.mark.parametrize(("name", "asked", "said"), REFUSED)
def test_what_a_model_does_not_take_is_refused(name: str, asked: dict[str, Any], said: str) -> None:
    """A ratio, a size or a number of pictures that a known model has not is refused with what it has."""
    with pytest.raises(SettingsError, match=f"^{name} {said}"):
        models.check(name, **{**NOTHING, **asked})


@pytest.mark.parametrize("name", KNOWN)
def test_what_a_model_takes_passes(name: str) -> None:
    """Each ratio and size that a model has, and as many pictures as it takes, pass."""
    ratios, sizes, pictures = KNOWN[name][:3]
    for ratio in (None, *ratios):
        for size in (None, *sizes):
            models.check(name, aspect_ratio=ratio, image_size=size, pictures=pictures)


def test_an_unknown_model_passes_without_checks_and_price() -> None:
    """A model that is not known is sent whatever is asked, and nobody says what it costs."""
    models.check("tomorrow", aspect_ratio="99:1", image_size="64K", pictures=1000)
    assert models.known_model("tomorrow") is None
    assert models.estimate("tomorrow", "google", image_size=None) is None
    assert models.cost("tomorrow", "google", tokens=Tokens(1, 0, 0), pictures=1, image_size=None) is None
    assert models.shutdown_notice("tomorrow", date(2100, 1, 1)) is None


COSTS = [
    (FLASH_25, Tokens(10, 0, 1290), 1, None, 0.038703, "tokens"),
    (FLASH_25, Tokens(1_000_000, 0, 1290), 1, None, 0.3387, "tokens"),
    (FLASH_25, Tokens(10, 20, 1290), 1, None, 0.038753, "tokens"),
    (FLASH_25, Tokens(10, 20, 0), 0, None, 0.000053, "tokens"),
    (FLASH_25, Tokens(0, 0, 0), 0, None, 0.0, "tokens"),
    ("gemini-3-pro-image", Tokens(0, 1000, 0), 0, None, 0.012, "tokens"),
    (FLASH_25, Tokens(10, 1290, 0), 1, None, 0.039, "pictures"),
    (FLASH_25, None, 1, None, 0.039, "pictures"),
    (FLASH_25, None, 2, None, 0.078, "pictures"),
    ("gemini-3-pro-image", None, 1, "4K", 0.24, "pictures"),
    ("gemini-3.1-flash-image", Tokens(10, 0, 0), 1, "512", 0.045, "pictures"),
]


@pytest.mark.parametrize(("name", "tokens", "pictures", "size", "usd", "basis"), COSTS)
def test_what_an_answer_costs(name: str, tokens: Tokens | None, pictures: int, size: str | None, usd: float, basis: str) -> None:
    """Token counts make the price where they count the picture, else the pictures do; the basis says which, and of which day."""
    cost = models.cost(name, "google", tokens=tokens, pictures=pictures, image_size=size)
    assert cost == {"usd": usd, "basis": f"google {basis} 2026-11-22"}


def test_nothing_known_costs_none() -> None:
    """An answer with neither counts nor a picture, or a size without a price, has no known cost."""
    assert models.cost(FLASH_25, "google", tokens=None, pictures=0, image_size=None) is None
    assert models.cost("gemini-3-pro-image-preview", "google", tokens=None, pictures=1, image_size="1K") is None


def test_offline_is_free_and_gateways_have_no_price() -> None:
    """The painter costs 0, whatever its model is called; a gateway's price is its own."""
    tokens = Tokens(10, 0, 1290)
    for name in (FLASH_25, "tomorrow"):
        assert models.cost(name, "offline", tokens=tokens, pictures=1, image_size=None) == {"usd": 0.0, "basis": "offline"}
        assert models.estimate(name, "offline", image_size=None) == 0
    for endpoint in ("deerapi", "custom"):
        assert models.cost(FLASH_25, endpoint, tokens=tokens, pictures=1, image_size=None) is None
        assert models.estimate(FLASH_25, endpoint, image_size=None) is None


@pytest.mark.parametrize("name", [n for n, facts in KNOWN.items() if facts[3]])
def test_an_estimate_is_the_price_of_a_picture(name: str) -> None:
    """What a request may cost is known before it is sent, for each size that has a price."""
    assert {size: models.estimate(name, "google", image_size=size or None) for size in KNOWN[name][3]} == KNOWN[name][3]


@given(tokens=st.builds(Tokens, *[st.integers(-(10**40), 10**400)] * 3), pictures=st.integers(0, 2))
def test_odd_counts_never_raise(tokens: Tokens, pictures: int) -> None:
    """Whatever a service counts, its answer has a cost or none: an error here would lose a picture that is paid."""
    cost = models.cost(FLASH_25, "google", tokens=tokens, pictures=pictures, image_size=None)
    assert cost is None or cost["usd"] >= 0
    assert cost is not None or not pictures


@pytest.mark.parametrize(
    ("name", "day", "said"),
    [
        (FLASH_25, date(2027, 3, 14), None),
        (FLASH_25, date(2027, 3, 15), ENDED),
        ("gemini-3-pro-image", date(2100, 1, 1), None),
        ("gemini-2.5-flash-image-preview", date(2026, 1, 14), None),
    ],
)
def test_a_published_end_is_told_from_its_day_on(name: str, day: date, said: str | None) -> None:
    """A model whose day has come brings a sentence with what replaces it, and how old that news is."""
    assert models.shutdown_notice(name, day) == said


# What the config file says


OWN = """
[models."gemini-2.5-flash-image"]
pictures = 5
[models."gemini-2.5-flash-image".price.deerapi]
picture = 0.02
as_of = 2026-11-01
[models.tomorrow]
ratios = ["1:1"]
sizes = ["8K"]
shut_down = 2026-01-01
[models.tomorrow.price."gw.example"]
picture = {"" = 0.5, 8K = 1.5}
tokens = [1, 2, 3]
"""


def test_the_config_file_says_otherwise_and_more() -> None:
    """Its facts replace and add to those that are known, one by one; prices are by endpoint, and the basis names the day or the file."""
    write_config(OWN)
    flash = models.known_model(FLASH_25)
    assert flash
    assert (flash.pictures, flash.ratios, set(flash.prices)) == (5, TEN, {"google", "deerapi"})
    assert models.estimate(FLASH_25, "deerapi", image_size="2K") == 0.02
    cost = models.cost(FLASH_25, "deerapi", tokens=None, pictures=2, image_size=None)
    assert cost == {"usd": 0.04, "basis": "deerapi pictures 2026-11-01"}
    assert models.estimate(FLASH_25, "google", image_size=None) == 0.039
    assert models.estimate("tomorrow", "gw.example", image_size="8K") == 1.5
    counted = models.cost("tomorrow", "gw.example", tokens=Tokens(1_000_000, 0, 0), pictures=0, image_size=None)
    assert counted == {"usd": 1.0, "basis": "gw.example tokens of the config file"}
    with pytest.raises(SettingsError, match="tomorrow has no aspect_ratio '3:2'; it has 1:1"):
        models.check("tomorrow", aspect_ratio="3:2", image_size=None, pictures=1)
    models.check("tomorrow", aspect_ratio=None, image_size="8K", pictures=1000)
    assert models.shutdown_notice("tomorrow", date(2026, 2, 1)) == "tomorrow was to shut down on 2026-01-01 (by your config file)."
    write_config("")
    assert models.known_model("tomorrow") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models = 3", "has models = 3; write tables"),
        ("[models]\nm = 3", r'\[models."m"\] in .* is 3; write it as a table'),
        ("[models.m]\npicturs = 3", "unknown key 'picturs' .did you mean 'pictures'"),
        ("[models.m]\npictures = 0", "pictures = 0; expected a whole number"),
        ('[models.m]\nratios = "1:1"', "ratios = '1:1'; expected a list"),
        ("[models.m]\nshut_down = 2026", "shut_down = 2026; expected a date"),
        ("[models.m]\nprice = 0.1", "price = 0.1; expected tables by the endpoint's name"),
        ("[models.m.price.google]\npicture = -1", r"price.google\] in .* picture = -1; expected USD"),
        ("[models.m.price.google]\ntokens = [1]", "tokens = .1.; expected three prices"),
        ("[models.m.price.google]\ncurrency = 3", "currency = 3; expected a currency's code"),
        ('[models.m.price.google]\ncurrency = "¥"', "expected a currency's code"),
        ("[models.m.price.google]\nper_picture = 1", "unknown key 'per_picture'"),
    ],
)
def test_what_the_config_file_cannot_say(text: str, said: str) -> None:
    """A wrong fact is named with the table, the file and what was expected."""
    write_config(text)
    with pytest.raises(SettingsError, match=said) as failed:
        models.known_model("m")
    assert str(settings.config_file()) in str(failed.value)


@pytest.mark.parametrize(("written", "currency"), [('"CNY"', "CNY"), ('"cny"', "CNY"), ('"RMB"', "CNY"), ('"USD"', "USD")])
def test_a_price_may_be_in_another_currency(written: str, currency: str) -> None:
    """A request, and what an answer cost, are in the currency of their price list; USD stands on record as it always did."""
    prices = {"deerapi": "picture = 0.3", "counts": "tokens = [1, 1, 1]"}
    tables = (f"[models.m.price.{name}]\n{price}\ncurrency = {written}\n" for name, price in prices.items())
    write_config("".join(tables))
    assert models.estimate("m", "deerapi", image_size=None) == Cost.of(0.3, currency)
    paid = models.cost("m", "deerapi", tokens=None, pictures=2, image_size=None)
    counted = models.cost("m", "counts", tokens=Tokens(1_000_000, 0, 0), pictures=0, image_size=None)
    for cost, amount, kind in ((paid, 0.6, "deerapi pictures"), (counted, 1.0, "counts tokens")):
        said = {"usd": amount} if currency == "USD" else {"amount": amount, "currency": currency}
        assert cost == {**said, "basis": f"{kind} of the config file"}
