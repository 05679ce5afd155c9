"""Sums of several units at once: money by its currency, and numbers of requests. What was used of each is added up unit by unit."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["DRAFTS", "REQUESTS", "Sums", "largest", "negative", "plus"]

REQUESTS, DRAFTS = "requests", "drafts"  # to services, and for offline drafts; currencies have codes in capital letters

Sums = Mapping[str, float]


def plus(*sums: Sums) -> dict[str, float]:
    """The sums added up, unit by unit."""
    total: dict[str, float] = {}
    for unit, amount in (item for each in sums for item in each.items()):
        total[unit] = total.get(unit, 0.0) + amount
    return total


def negative(sums: Sums) -> Sums:
    """What takes these sums away, where it is added."""
    return {unit: -amount for unit, amount in sums.items()}


def largest(one: Sums, other: Sums) -> Sums:
    """The larger of two sums, unit by unit."""
    return {unit: max(one.get(unit, 0.0), other.get(unit, 0.0)) for unit in {**one, **other}}
