"""Costs as values: what they add up to, how they print, and where they are numbers. Up to one value in memory."""

from __future__ import annotations

import copy
import json
import pickle
from decimal import Decimal
from typing import Any

import pytest

from promptkit import Cost, CostError, PromptkitError
from promptkit.cost import parsed_money

MIXED = Cost.of(0.12) + Cost.of(3, "CNY")
UNPRICED = Cost.of(0.12, unpriced=7)


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        (Cost(), "0.00 USD"),
        (Cost.of(0.12), "0.12 USD"),
        (Cost.of(0.038703), "0.038703 USD"),
        (Cost.of(3, "CNY"), "3.00 CNY"),
        (UNPRICED, "0.12 USD and 7 attempts without a known price"),
        (Cost(unpriced=1), "1 attempt without a known price"),
        (MIXED, "3.00 CNY, 0.12 USD"),
        (MIXED + Cost(unpriced=2), "3.00 CNY, 0.12 USD and 2 attempts without a known price"),
    ],
)
def test_a_cost_prints_all_that_it_is(cost: Cost, said: str) -> None:
    """Every currency is named, and what is not known is said and never printed as 0."""
    assert (str(cost), f"{cost}", repr(cost)) == (said, said, f"<Cost: {said}>")


def test_what_is_priced_in_usd_is_a_number() -> None:
    """Where all is priced in USD it calculates, compares, rounds and formats as the number that it was."""
    cost = Cost.of(0.039)
    assert cost == 0.039 == cost
    assert cost == pytest.approx(0.039)
    assert pytest.approx(cost) == 0.039
    assert (cost < 1, cost > 1, cost <= 0.039, cost < 1, cost >= 0, cost != 0.04) == (True, False, True, True, True, True)
    assert (float(cost), round(cost, 2), abs(cost), cost * 2, 2 * cost, cost / 2, 1 - cost, cost - 1) == pytest.approx(
        (0.039, 0.04, 0.039, 0.078, 0.078, 0.0195, 0.961, -0.961)
    )
    assert (f"{cost:.2f}", f"{cost:8.3f}", hash(cost), {0.039: "a"}[cost]) == ("0.04", "   0.039", hash(0.039), "a")
    assert sum([Cost.of(0.1), Cost.of(0.2)]) == 0.3
    assert (0.5 + cost, cost + Decimal("0.5")) == (0.539, 0.539)
    assert sorted([Cost.of(2), Cost(), Cost.of(1)]) == [0, 1, 2]
    assert (Cost() == 0, bool(Cost()), bool(cost), bool(Cost(unpriced=1))) == (True, False, True, True)


@pytest.mark.parametrize("cost", [UNPRICED, Cost(unpriced=1), MIXED, Cost.of(3, "CNY")], ids=str)
def test_what_is_no_number_of_usd_says_so(cost: Cost) -> None:
    """Nothing is guessed or converted: a number is refused with what it is and what to read, and equal to no number."""
    for use in (float, round, abs, lambda c: c * 2, lambda c: 1 - c, lambda c: c > 1, lambda c: c <= 1):
        with pytest.raises(CostError) as caught:
            use(cost)
        assert str(cost) in str(caught.value)
    assert isinstance(caught.value, PromptkitError)
    assert isinstance(caught.value, ValueError)
    assert cost not in (0, 0.12, 3, 3.12)
    assert cost


def test_a_format_keeps_what_is_not_known() -> None:
    """A format for numbers formats each amount, and drops neither a currency nor what has no price."""
    assert f"{UNPRICED:.4f}" == "0.1200 USD and 7 attempts without a known price"
    assert f"{MIXED:.1f}" == "3.0 CNY, 0.1 USD"


def test_costs_in_one_currency_compare() -> None:
    """Two costs in the same currency are larger and smaller, and nothing is less than something; two currencies are neither."""
    assert Cost.of(2, "CNY") < Cost.of(3, "CNY")
    assert Cost() < Cost.of(3, "CNY")
    assert Cost.of(3, "CNY") > 0
    assert Cost.of(3, "CNY") != Cost.of(3)
    with pytest.raises(CostError, match=r"3\.00 CNY is not to be compared with 1\.00 USD"):
        _ = Cost.of(3, "CNY") > Cost.of(1)
    for other in ("1", None, [1]):
        assert Cost.of(1) != other
        with pytest.raises(TypeError):
            _ = Cost.of(1) < other  # type: ignore[operator]
        with pytest.raises(TypeError):
            _ = Cost.of(1) + other  # type: ignore[operator]


def test_what_came_to_it_is_a_cost() -> None:
    """A later sum less an earlier one is what was spent in between, in each currency and without a price; never the other way round."""
    assert (UNPRICED + MIXED) - UNPRICED == MIXED
    assert UNPRICED - Cost.of(0.02, unpriced=2) == Cost.of(0.1, unpriced=5)
    with pytest.raises(CostError, match="less than"):
        _ = Cost.of(1) - UNPRICED


def test_its_parts_are_there() -> None:
    """Amount and currency of one currency; of several the amounts by currency; for JSON all of it under the same keys."""
    assert (UNPRICED.amount, UNPRICED.currency, UNPRICED.unpriced, UNPRICED.known) == (0.12, "USD", 7, 0.12)
    assert (Cost().amount, Cost().currency, MIXED.amounts) == (0.0, "USD", {"CNY": 3.0, "USD": 0.12})
    for part in ("amount", "currency"):
        with pytest.raises(CostError, match=r"not converted: \.amounts"):
            getattr(MIXED, part)
    assert json.loads(json.dumps(UNPRICED.to_dict())) == {"amount": 0.12, "currency": "USD", "amounts": {"USD": 0.12}, "unpriced": 7}
    assert MIXED.to_dict() == {"amount": None, "currency": None, "amounts": {"CNY": 3.0, "USD": 0.12}, "unpriced": 0}


@pytest.mark.parametrize("cost", [Cost(), UNPRICED, MIXED], ids=str)
def test_a_cost_is_frozen_and_travels(cost: Cost) -> None:
    """It cannot be changed, and is the same after pickling and copying."""
    assert pickle.loads(pickle.dumps(cost)) == copy.deepcopy(cost) == copy.copy(cost) == cost
    assert hash(copy.copy(cost)) == hash(cost)
    with pytest.raises(AttributeError):
        cost.unpriced = 0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "money"),
    [
        *[(text, (20.0, "CNY")) for text in ("20 CNY", "20CNY", " cny 20.00 ", "20 RMB", "20元", "CN¥20")],
        *[(text, (0.5, "USD")) for text in ("$0.50", ".5 USD", "US$ 0.5", "0.5 usd")],
        ("5 credits", (5.0, "CREDITS")),
        *[
            (text, None)
            for text in ("", "20", "CNY", "¥20", "-1 USD", "+1 USD", "1e3 USD", "1,5 EUR", "1 000 USD", "USD 1 USD", "1 U", "1 USD\x1b[2J")
        ],
        *[(text, None) for text in ("nan USD", "inf USD", "9" * 5000 + " USD", "1 " + "A" * 5000, "1.2.3 USD", "0x10 USD")],
    ],
)
def test_money_is_read_as_people_write_it(text: str, money: Any) -> None:
    """An amount with its currency before or behind it; what may mean two things, or no sum at all, is none."""
    assert parsed_money(text) == money
