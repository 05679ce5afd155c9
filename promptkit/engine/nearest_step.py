"""The recorded step that is nearest to a request which is not on record, and what differs between them, in a few words.

Two things are never meant as another request: a template's file that was changed under the same call, and words that differ in spaces,
punctuation, capitals or the Unicode form of their characters alone. Where a few words differ, a person may mean both: that is told of steps
only that the session has not brought itself, for those are on the person's mind.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from promptkit.engine.plan import Plan
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.words import ONE, WORD, between

__all__ = ["Near", "difference", "nearest", "unmeant"]

FEW = 5  # one word of so many may differ between texts that are nearly the same
HALF = 2  # and one of so many where there is nothing nearer to name
MOST_STEPS = 30  # that continue the same picture and are compared, the newest ones
MOST_READ = 20_000  # characters of a text: a record from elsewhere may hold any
MOST_SHOWN = 40  # characters of what differs, before and after
COUNTED = re.compile(rf"{ONE}|(?:(?!{ONE})[\w\u0300-\u036f\u0900-\u0963\u200c\u200d])+")  # a word without its punctuation


@dataclass(frozen=True)
class Near:
    """A recorded step, and in what it differs from a request: a part of a sentence."""

    record: Record
    how: str


# Which step


def unmeant(lineage: Lineage, readings: Sequence[Plan], is_new: Callable[[Record], bool]) -> Near | None:
    """A step that the caller of a plan (the first of its readings) may take it for, to be named before it is sent; None where there is
    none. `is_new` says whether the session has not brought a step yet.
    """
    plan = readings[0]
    if before := _of_another_file(lineage, plan):
        return Near(before, f"with {plan.prompt.template} as its file was then ({_words(before, plan)})")
    others = [r for r in _others(lineage, plan) if is_new(r) or _has_same_words(r, plan)]
    known = {reading.recipe for reading in readings} if others else set()  # one of these is the step, and only its picture is lost
    found = _closest((r for r in others if r.recipe not in known and _same_settings(r, readings)), plan, FEW)
    return Near(found, f"in nearly the same words ({_words(found, plan)})") if found else None


def nearest(lineage: Lineage, plan: Plan) -> Near | None:
    """The step that is nearest to a plan among those that continue the same picture, whatever its settings; None where none is near."""
    if before := _of_another_file(lineage, plan):
        return Near(before, f"which has other words, as the file of {plan.prompt.template} was then ({_words(before, plan)})")
    there = lineage.newest_of(plan.parents, MOST_STEPS)
    same = next((r for r in reversed(there) if r.ok and r.prompt.text == plan.prompt.text), None)
    if same:
        return Near(same, f"which has the same words{_other_settings(same, plan)}")
    found = _closest(_others(lineage, plan), plan, HALF)
    return Near(found, f"which has other words ({_words(found, plan)})") if found else None


def _others(lineage: Lineage, plan: Plan) -> list[Record]:
    """The steps with a picture that continue the same one in other words."""
    return [r for r in lineage.newest_of(plan.parents, MOST_STEPS) if r.ok and _text(r) not in ("", plan.prompt.text)]


def _of_another_file(lineage: Lineage, plan: Plan) -> Record | None:
    """The newest step of the same template and inputs, for the same pictures, from a file that was another one."""
    prompt, pictures = plan.prompt, [s.picture.sha256 for s in plan.sources]
    there = lineage.rendered_from(prompt.template, prompt.inputs, prompt.lang, plan.parents) if prompt.digest else ()
    asked = (r for r in reversed(there) if r.ok and r.prompt.digest != prompt.digest and _text(r) != prompt.text)
    return next((r for r in asked if _place(r) == (plan.endpoint, plan.model) and [s.sha256 for s in r.sources] == pictures), None)


def _closest(records: Iterable[Record], plan: Plan, one_of: int) -> Record | None:
    """The step in whose words the fewest differ, at most one of so many; of equals the newest."""
    shares = [(_share(*_compared(record, plan)), -record.number, record) for record in records]
    share, _, record = min(shares, key=lambda entry: entry[:2], default=(1.0, 0, None))
    return record if share * one_of <= 1 else None


def _has_same_words(record: Record, plan: Plan) -> bool:
    before, after = _compared(record, plan)
    return _counted(before) == _counted(after)


def _same_settings(record: Record, readings: Sequence[Plan]) -> bool:
    """Whether the words are all in which a step differs from one of the readings of a plan."""
    return any(reading.worded(_text(record)).recipe == record.recipe for reading in readings)


def _place(record: Record) -> tuple[str | None, str | None]:
    return record.request.endpoint, record.request.model


def _other_settings(record: Record, plan: Plan) -> str:
    config = dict(record.request.config or {})
    names = sorted(k for k in {*config, *plan.config} if k != "seed" and config.get(k) != plan.config.get(k))
    region = record.region
    mine = plan.region.region if plan.region else None
    facts = [
        " for another region" if (region and (region.box, region.mask)) != (mine and (mine.box, mine.mask and mine.mask.sha256)) else "",
        f" for {record.request.model} at {record.request.endpoint}" if _place(record) != (plan.endpoint, plan.model) else "",
        f" with other options ({', '.join(names)})" if names else "",
        " and other names for them" if [s.label or "" for s in record.sources] != list(plan.labels) else "",
        " and other pictures" if [s.sha256 for s in record.sources] != [s.picture.sha256 for s in plan.sources] else "",
    ]
    return "".join(facts)


# What differs


def _text(record: Record) -> str:
    return record.prompt.text or ""


def _words(record: Record, plan: Plan) -> str:
    return difference(_text(record), plan.prompt.text)


def _compared(record: Record, plan: Plan) -> tuple[str, str]:
    """The texts of both to compare; of one template what its caller gave, for the words around that are the template's."""
    then, now = record.prompt, plan.prompt
    if now.digest and (then.template, then.lang) == (now.template, now.lang):
        before, after = _given(then.inputs or {}), _given(now.inputs)
        if before != after:
            return before, after
    return _text(record), now.text


def _given(inputs: Mapping[str, Any]) -> str:
    return "\n".join(str(inputs[name]) for name in sorted(inputs))


def _share(before: str, after: str) -> float:
    """How many of the words of the shorter text differ, as a share: 0 where the words are the same."""
    one, other = _counted(before), _counted(after)
    least = min(one.total(), other.total())
    if abs(one.total() - other.total()) > least:
        return 1.0
    different = max((one - other).total(), (other - one).total())
    return different / least if least else 0.0


@lru_cache(maxsize=256)
def _counted(text: str) -> Counter[str]:
    return Counter(COUNTED.findall(unicodedata.normalize("NFKC", text[:MOST_READ]).casefold()))


def difference(before: str, after: str) -> str:
    """What differs between two texts, from the first difference on, in a few words."""
    if before != after and before[:MOST_READ] == after[:MOST_READ]:
        return f"words behind the first {MOST_READ:,} characters differ"
    before, after = before[:MOST_READ], after[:MOST_READ]
    one, other = list(WORD.finditer(before)), list(WORD.finditer(after))
    pairs = zip(one, other, strict=False)
    start = next((i for i, (a, b) in enumerate(pairs) if a[0] != b[0]), min(len(one), len(other)))
    least = min(len(one), len(other)) - start
    end = next((i for i in range(least) if one[-1 - i][0] != other[-1 - i][0]), least)
    old, new = between(before, one[start : len(one) - end]), between(after, other[start : len(other) - end])
    if not old and not new:
        return "only spaces or line breaks differ"
    if unicodedata.normalize("NFKC", before) == unicodedata.normalize("NFKC", after):
        return "only the Unicode form of characters differs"
    if not old or not new:
        return f"now with {_quoted(new)}" if new else f"now without {_quoted(old)}"
    return f"{_quoted(old)} then, {_quoted(new)} now"


def _quoted(words: str) -> str:
    return f"“{words}”" if len(words) <= MOST_SHOWN else f"“{words[:MOST_SHOWN].rstrip()}…”"
