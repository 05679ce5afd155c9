"""The one table of a record's fields: for each its name, its type, whether it must be there, its order on disk, whether it survives
stripping, whether it stays when a step's words are forgotten, and its label for people. A new field is one row here, filled in where a
step is planned or answered, and shown in views.

`anything` is not checked, so that a value that an earlier or a later version wrote damages no record.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from promptkit.cost import USD, Cost, is_amount, is_currency
from promptkit.lineage.fields import Entry, Field, Survives, Values, anything, entries, entry, optional, optional_entry, required, texts

__all__ = [
    "SCHEMA",
    "AnswerFields",
    "Attempt",
    "CutFields",
    "MadeFields",
    "Output",
    "PromptFields",
    "Raised",
    "RecordFields",
    "RecordedCost",
    "RegionFields",
    "RequestFields",
    "Source",
    "empty_fields",
    "on_disk",
    "schema_of",
]

SCHEMA = "1.1"  # the newest that is known here; a record has the first one that knew all that is in it
BEFORE_MADE = "1.0"


def _numbers(count: int) -> Field[Any]:
    """A list of so many whole numbers, of pixels."""

    def is_right(value: object) -> bool:
        return isinstance(value, list) and len(value) == count and all(type(number) is int for number in value)

    return Field(list, tuple, is_right=is_right, wanted=f"{count} whole numbers")


def _is_size(value: object) -> bool:
    return value is None or (isinstance(value, list) and len(value) == 2 and all(type(side) is int and side > 0 for side in value))


class PromptFields(Entry):
    """What was asked in words, and the template that they were rendered from; empty for a picture that was added."""

    template = optional(str)
    pack: Field[tuple[Any, ...] | None] = Field(list | tuple | None, tuple)
    digest = optional(str)
    lang = optional(str)
    text = optional(str, label="prompt")
    inputs: Field[dict[str, Any] | None] = optional(dict)


class RequestFields(Entry):
    """Who was asked, and with which options (those of providers.options, by name); empty for a picture that was added."""

    endpoint = optional(str, survives=Survives.PUBLIC, stays=True)
    model = optional(str, survives=Survives.OR_NULL, stays=True)
    config: Field[dict[str, Any] | None] = optional(dict, survives=Survives.OPTIONS)


class RecordedCost(Entry):
    """What one attempt cost, and which price list says so: `usd`, or in another currency `amount` and `currency`. The basis names the
    endpoint.
    """

    usd: Field[float | None] = Field(
        object, is_right=is_amount, wanted="USD from 0 to below a billion", survives=Survives.AS_IT_IS, stays=True
    )
    amount: Field[float | None] = Field(
        object, is_right=is_amount, wanted="a sum from 0 to below a billion", survives=Survives.AS_IT_IS, stays=True
    )
    currency: Field[str | None] = Field(object, is_right=is_currency, wanted='a code such as "CNY"', survives=Survives.CODE, stays=True)
    basis = anything(stays=True)

    @classmethod
    def check(cls, fields: Mapping[str, Any], where: str = "") -> None:
        """WrongField where it is neither USD nor a sum in another currency that an attempt can cost."""
        in_usd = "usd" in fields or "amount" not in fields
        for row in (cls.usd,) if in_usd else (cls.amount, cls.currency):
            row.check(fields.get(row.name), where)

    @property
    def value(self) -> Cost:
        """The sum, for adding up."""
        return Cost.of(self["usd"], USD) if "usd" in self else Cost.of(self["amount"], self["currency"])


class Raised(Entry):
    """The error of an attempt, with which a process that waited for the step fails too: its class, its sentence, and what else it tells.

    `retry_after` is in seconds.
    """

    kind = optional(str, survives=Survives.AS_IT_IS)
    sentence = optional(str)
    status = anything(survives=Survives.AS_IT_IS)
    code = anything(survives=Survives.CODE)
    retry_after = anything(survives=Survives.AS_IT_IS)


class MadeFields(Entry):
    """What promptkit did itself to the picture of the step that this one continues: the operation, its numbers as they were given, and what
    they came to for that picture, such as the box in pixels. `channel` is the name of the channel that it was made for.
    """

    operation = required(str, survives=Survives.AS_IT_IS, stays=True)
    numbers: Field[dict[str, Any]] = required(dict, survives=Survives.AS_IT_IS, stays=True)
    result: Field[dict[str, Any] | None] = optional(dict, survives=Survives.AS_IT_IS, stays=True)
    channel = optional(str)


class Attempt(Entry):
    """One request and what came of it. `turn`, `body` and `kept` name files in extra/ by their sha256: the model's turn, which only a
    dialect reads; an answer without a picture as it came; pictures that broke off or are of no known kind. `link` came in their place.
    `batch` is the job by which it was asked for, in batch mode.
    """

    started = anything(survives=Survives.AS_IT_IS, stays=True)
    ended = anything(survives=Survives.AS_IT_IS, stays=True)
    sent_text = anything(label="asked as")
    without = anything()
    outcome = optional(str, survives=Survives.AS_IT_IS, stays=True)
    status = anything(survives=Survives.AS_IT_IS, stays=True)
    text = optional(str, label="it said")
    message = anything(label="it said")
    cost = optional_entry(RecordedCost, survives=Survives.ENTRY_OR_NULL, stays=True)
    usage: Field[dict[str, Any] | None] = optional(dict, survives=Survives.NUMBERS, stays=True)
    finish_reason = anything(survives=Survives.CODE, label="reason")
    response_id = anything()
    model_version = anything()
    turn = optional(str)
    body = optional(str)
    kept = texts(list | None)
    link = optional(str)
    batch = optional(str, label="batch job")
    error = optional_entry(Raised)


class Source(Entry):
    """A picture that went in: a step's, or one from outside, whose file is in sources/. `name` and `description` are those by which it went
    along, `label` the words that were sent before it.
    """

    role = required(str, survives=Survives.AS_IT_IS, stays=True)
    mime_type = required(str, survives=Survives.AS_IT_IS, stays=True)
    sha256 = required(str, stays=True)
    step = optional(str, stays=True)
    file = optional(str, stays=True)
    sent = anything()
    name = optional(str)
    description = optional(str)
    label = optional(str)


class Output(Entry):
    """A picture that came out. `bytes` is how many it has, `size` its width and height in pixels."""

    file = required(str, stays=True)
    sha256 = required(str, survives=Survives.AS_IT_IS, stays=True)
    bytes = required(int, survives=Survives.AS_IT_IS, stays=True)
    mime_type = required(str, survives=Survives.AS_IT_IS, stays=True)
    size: Field[tuple[int, int] | None] = Field(
        list | None, tuple, is_right=_is_size, wanted="width and height in pixels, or None", survives=Survives.AS_IT_IS, stays=True
    )

    @property
    def name(self) -> str:
        """Its file's name in the session's folder, wherever a record from elsewhere says that it stands."""
        return Path(self.file).name


class CutFields(Entry):
    """What of the base was sent for a region: `box` in its pixels, which may reach outside, in that ratio, sent as a picture of `size`."""

    box = _numbers(4)
    ratio = optional(str)
    sha256 = required(str)
    size = _numbers(2)


class AnswerFields(Entry):
    """One answer to a cut: the service's own picture, a file in extra/, and how it was laid in, which images.region_fit.Fit explains."""

    sha256 = required(str)
    mime_type = optional(str)
    size: Field[tuple[int, int] | None] = Field(list | None, tuple, is_right=_is_size, wanted="width and height in pixels, or None")
    method = anything()
    shift = anything()
    offset = anything()
    soft = anything()
    seam = anything()


class RegionFields(Entry):
    """The region of the base that was edited: `box` in pixels of the base as people see it, which has that `size`; `mask` is the sha256 of
    the picture that marks it, a file in extra/. `rule` says how the cut follows from it.
    """

    box = _numbers(4)
    size = _numbers(2)
    mask = optional(str)
    rule = required(str)
    cut = optional_entry(CutFields)
    answers = entries(AnswerFields)
    pillow = anything()


class RecordFields(Values):
    """The fields of a step's record."""

    schema = anything(first=True, stays=True)
    number = required(int, first=True, label="step", stays=True)
    outcome = required(str, first=True, survives=Survives.OR_NULL, stays=True)
    stripped_from = anything(survives=Survives.EMPTY, label="original", stays=True)
    label = optional(str, first=True, survives=Survives.EMPTY)
    meta: Field[dict[str, Any] | None] = optional(dict, first=True, survives=Survives.EMPTY)
    parents = texts(first=True, survives=Survives.EMPTY, label="from", stays=True)
    prompt = entry(PromptFields, first=True, survives=Survives.EMPTY)
    sources = entries(Source, first=True, survives=Survives.EMPTY, label="with", stays=True)
    request = entry(RequestFields, first=True, survives=Survives.ENTRY, label="asked", stays=True)
    attempts = entries(Attempt, first=True, survives=Survives.ENTRY, label="attempt", stays=True)
    outputs = entries(Output, first=True, label="picture", stays=True)
    made = optional_entry(MadeFields, survives=Survives.ENTRY_IF_ANY, label="made here", stays=True)
    warnings = texts(list | None, first=True, survives=Survives.EMPTY, label="note")
    recipe = optional(str, survives=Survives.EMPTY, stays=True)
    take = anything(survives=Survives.OR_NULL, stays=True)
    chain = anything(survives=Survives.EMPTY, stays=True)
    started = anything(survives=Survives.OR_NULL, label="when", stays=True)
    ended = anything(survives=Survives.OR_NULL, stays=True)
    continued = anything(stays=True)
    region = optional_entry(RegionFields)
    versions = anything()


def schema_of(fields: Mapping[str, Any]) -> str:
    """The version that a new record of these fields has: none later than it needs, so that the same fields are the same record still."""
    return SCHEMA if fields.get("made") else BEFORE_MADE


FIRST = {name: i for i, name in enumerate(n for n, row in RecordFields.rows.items() if row.first)}


def on_disk(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields in the order in which a record's file has them, for those who read it with their eyes."""
    return {name: fields[name] for name in sorted(fields, key=lambda name: FIRST.get(name, len(FIRST)))}


def empty_fields() -> dict[str, Any]:
    """The lists and objects that a record must have, empty ones."""
    containers = (row for row in RecordFields.rows.values() if row.must_be_there and row.kinds[0] in (list, dict))
    return {row.name: row.kinds[0]() for row in containers}
