"""A record in words: its headline, what its step is called, and all that is told of it.

`facts` is written once, for page, notebook and terminal: a further field of a record to show is a line there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple

from promptkit.cost import FREE, Cost
from promptkit.errors import LineageError, StepNotFound
from promptkit.images.box import box_text
from promptkit.images.formats import has_credentials
from promptkit.lineage.marks import Mark
from promptkit.lineage.record import FULL_SHA256, VARIED, Record
from promptkit.lineage.schema import Attempt, PromptFields, RecordFields, RegionFields
from promptkit.lineage.tree import Lineage
from promptkit.terminal import cut, printable, width

__all__ = [
    "BY_HAND",
    "MADE_HERE",
    "NAME_COLUMNS",
    "NOT_KNOWN",
    "Fact",
    "References",
    "attempts_in_words",
    "caption",
    "cost_in_words",
    "credentials_in_words",
    "done_here",
    "facts",
    "headline",
    "is_draft",
    "local_time",
    "mark_in_words",
    "outcome_in_words",
    "plain_text",
    "price_in_words",
    "role_in_words",
    "seconds_between",
    "sent_along",
    "short_hashes",
    "step_in_words",
    "step_name",
    "times_asked",
]

HEADLINE = 96  # characters
INPUT = 60  # columns of one input's value in a caption
NOT_KNOWN = "no known price"
BY_HAND = "made by hand"
MADE_HERE = "made here"
NAME_COLUMNS = 11  # of a terminal, for the names of facts
HASH = re.compile(r"([0-9a-f]{10})[0-9a-f]{54}(?=(\.)?)")
HASHED = ("template", "region", "with", "original", "id")  # facts that hold ids, digests and names of files


class Fact(NamedTuple):
    """One thing that is told of a record: its name, such as `template`, and a text, which may have several lines."""

    name: str
    text: str

    @property
    def short(self) -> str:
        """The text with ten digits of each id and digest."""
        return short_hashes(self.text) if self.name in HASHED else self.text


def facts(
    record: Record,
    lineage: Lineage | None = None,
    *,
    references: Iterable[str] = (),
    marks: Iterable[Mark] = (),
    against: str = "",
    changes: str = "",
    cost: str = "",
    notes: Iterable[str] = (),
) -> Iterator[Fact]:
    """All that is told of a record, in the order in which it is shown; what is empty is left out.

    Ids in the caller's notes are named as steps of `lineage`, where it is given. What the record alone does not tell is given in words:
    `references` which pictures were sent along, `marks` what readers make of it, `against` how its prompt differs from its parent's,
    `changes` how its picture does, `cost` what several attempts cost together (by default what the record says), `notes` what a person
    should know beside the recorded warnings.
    """
    said: list[tuple[str, str]] = [
        *_prompt(record),
        ("against", against),
        (RecordFields.sources.label, "\n".join(references)),
        (RecordFields.region.label, _region(record.region)),
        (RecordFields.request.label, _asked(record.request)),
        (RecordFields.made.label, _made_here(record)),
        *attempts_in_words(record),
        *([("cost", cost or cost_in_words(record.cost, attempts=len(record.attempts)))] if len(record.attempts) > 1 else []),
        *((RecordFields.outputs.label, _output(output)) for output in record.outputs),
        ("forgotten", _forgotten(record)),
        ("changes", changes),
        ("marks", "\n".join(map(mark_in_words, marks))),
        (VARIED, ", ".join(f"{name}: {value}" for name, value in record.varied.items())),
        *((RecordFields.meta.label, f"{name}: {_note(value, lineage)}") for name, value in record.notes.items()),
        *((RecordFields.warnings.label, note) for note in dict.fromkeys((*(record.fields.get("warnings") or ()), *notes))),
        (RecordFields.stripped_from.label, str(record.fields.get("stripped_from") or "")),
        ("id", record.id),
    ]
    return (Fact(name, text) for name, text in said if text or name == "prompt")


def _prompt(record: Record) -> Iterator[tuple[str, str]]:
    prompt = record.prompt
    if prompt:
        yield PromptFields.text.label, str(prompt.get("text") or "")
    if prompt.get("template"):
        pack = prompt.get("pack")
        source = f", from {' '.join(map(str, pack))}" if isinstance(pack, list | tuple) and pack else ""
        where = f"{prompt.get('lang') or 'no language'}{source}"
        yield PromptFields.template.label, f"{prompt['template']} ({where}), digest {prompt.get('digest')}"
        yield PromptFields.inputs.label, ", ".join(f"{k}={v!r}" for k, v in (prompt.get("inputs") or {}).items()) or "none"


def _asked(request: Mapping[str, Any]) -> str:
    config = "".join(f", {k} {v}" for k, v in (request.get("config") or {}).items())
    return f"{request.get('model')} at {request.get('endpoint')}{config}" if request else ""


def _region(region: RegionFields | None) -> str:
    """Where it was, what of the picture was sent, and a line for each answer that was laid in."""
    if region is None:
        return ""
    mask = f" by the mask {region.mask}" if region.mask else ""
    cut = region.cut
    sent = f"; sent: {box_text(cut.box)} ({cut.ratio}) as {_size(cut.size)}" if cut else ""
    return "\n".join([f"{box_text(region.box)} of {_size(region.size)}{mask}{sent}", *map(_answer, region.answers)])


def _answer(answer: Mapping[str, Any]) -> str:
    """How an answer was laid in, from what its record says, which may come from elsewhere."""
    left = answer.get("seam")
    seam = f", which leaves a difference of {left} of 255 around it" if left is not None else ""
    how = f"{answer.get('method')}, shift {answer.get('shift')}, colour {answer.get('offset')}, soft edge {answer.get('soft')}"
    return f"answer: {answer.get('mime_type')} {_size(answer.get('size'))}, laid in ({how}){seam}"


def _size(size: Any) -> str:
    return "×".join(map(str, size or ("unknown",)))


def _made_here(record: Record) -> str:
    """What promptkit did itself, what the numbers came to, and with which Pillow."""
    if (made := record.made) is None:
        return ""
    came = "".join(f", {name} {_plain(value)}" for name, value in (made.result or {}).items() if value != made.numbers.get(name))
    versions = record.versions if isinstance(record.versions, Mapping) else {}
    channel = f"for the channel {made.channel}: " if made.channel else ""
    pillow = f" (Pillow {versions['pillow']})" if versions.get("pillow") else ""
    return f"{channel}{done_here(record)}{came}{pillow}"


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def attempts_in_words(record: Record) -> Iterator[tuple[str, str]]:
    """Each attempt by its name, `asked 2`, and what came of it in lines."""
    for i, attempt in enumerate(record.attempts):
        waited = seconds_between(record.attempts[i - 1].get("ended"), attempt.get("started")) if i else None
        name = RecordFields.attempts.label + (f" {i + 1}" if len(record.attempts) > 1 else "")
        yield name, _attempt(attempt, record.prompt.get("text"), waited, price_in_words(record, attempt))


def _attempt(attempt: Mapping[str, Any], asked: object, waited: float | None, price: str) -> str:
    """One line of what came of it, one of how it was asked where that differs, then what the service said."""
    took = seconds_between(attempt.get("started"), attempt.get("ended"))
    reason = attempt.get("finish_reason")
    came = f"{attempt.get('outcome') or 'interrupted'}{f' ({reason})' if reason else ''}"
    details = [
        f"after {waited:.1f} s of waiting" if waited is not None and waited >= 0.1 else "",
        f"in {took:.1f} s" if took is not None else "",
        price,
        "without " + ", ".join(map(str, attempt["without"])) if isinstance(attempt.get("without"), list) else "",
        f"by the batch job {attempt['batch']}" if attempt.get("batch") else "",
        f"status {attempt['status']}" if attempt.get("status") not in (None, 200) else "",
    ]
    sent = attempt.get("sent_text")
    lines = [", ".join(filter(None, [came, *details]))]
    lines += [f"{Attempt.sent_text.label}: {sent}"] if sent is not None and sent != asked else []
    said = dict.fromkeys(map(str, filter(None, (attempt.get("message"), attempt.get("text")))))
    lines += [f"{Attempt.text.label}: {words}" for words in said]
    return "\n".join(lines)


def price_in_words(record: Record, attempt: Attempt) -> str:
    """What an attempt cost, with the price list that says so; nothing of one that was free and of which nothing was noted."""
    cost = record.cost_of(attempt)
    if cost.unpriced:
        return NOT_KNOWN
    basis = attempt.cost.get("basis") if attempt.cost else None
    return "" if not attempt.cost else f"{cost.in_words('.4f')} ({basis})" if basis else cost.in_words(".4f")


def cost_in_words(cost: Cost, *, attempts: int, possible: Cost = FREE) -> str:
    """What so many attempts cost; `possible` is what those that broke off may have cost besides."""
    if cost.unpriced and not cost.sums and not possible:
        return NOT_KNOWN if cost.unpriced == attempts else f"{cost.unpriced} of {attempts} attempts without a known price"
    more = f", up to {possible.in_words('.4f')} more for what broke off" if possible else ""
    said = f"{cost.known.in_words('.4f')}{more}"
    return f"{said}; {cost.unpriced} of {attempts} attempts without a known price" if cost.unpriced else said


def seconds_between(start: object, end: object) -> float | None:
    """Between two times as recorded; None where they are none, or a clock went backwards."""
    try:
        seconds = (datetime.fromisoformat(str(end)) - datetime.fromisoformat(str(start))).total_seconds()
    except (ValueError, TypeError):
        return None
    return seconds if seconds >= 0 else None


def _output(output: Mapping[str, Any]) -> str:
    size = "×".join(map(str, output.get("size") or ()))
    return f"{output['file']} ({output['mime_type']} {size}, {output['bytes']:,} bytes)"


def _forgotten(record: Record) -> str:
    """When and by whom, where it was forgotten."""
    note = record.forgotten
    return f"{note.said.strip() or 'yes'}{', with prompt and reply' if note.words else ''}" if note else ""


def mark_in_words(mark: Mark) -> str:
    """What a reader makes of a step, and when: `keep ★★★★ bluer (client), 2026-11-28 11:23`."""
    return f"{mark.text_by}, {local_time(mark.at)}"


def _note(value: object, lineage: Lineage | None) -> str:
    """A value of the caller's notes; a list of ids as the steps that they are of, as `squash` and `replay` write them."""
    values = value if isinstance(value, list) else [value]
    ids = [i for i in values if isinstance(i, str) and FULL_SHA256.fullmatch(i)]
    return ", ".join(step_in_words(lineage, i) for i in ids) if lineage and ids and ids == values else str(value)


# Names


def headline(record: Record) -> str:
    """One line for a step: its label, else the beginning of its prompt, or what was done here; whether its picture was made by hand from
    another step's, and why there is none where there is none.
    """
    return _headed(record, record.fields.get("label") or record.prompt.get("text") or done_here(record))


def caption(record: Record, columns: int | None = None) -> str:
    """One line for a step among others: its label, else its template by name with the inputs that were given, never its boilerplate; else
    as `headline`. In at most so many columns of a terminal, of which the text behind it in brackets takes what it needs.
    """
    text = record.fields.get("label") or _filled(record.prompt) or record.prompt.get("text") or done_here(record)
    return _headed(record, text, columns)


def _filled(prompt: Mapping[str, Any]) -> str:
    """`sticker: happy red panda · outline: bold`; nothing without a template."""
    if not prompt.get("template"):
        return ""
    given = [(name, text) for name, value in (prompt.get("inputs") or {}).items() if (text := _input(value))]
    rest = (f" · {name}: {text}" for name, text in given[1:])
    return f"{prompt['template']}{f': {given[0][1]}' if given else ''}{''.join(rest)}"


def _input(value: object) -> str:
    """An input's value in a few words."""
    return cut(" ".join(plain_text(value).split()), INPUT)


def plain_text(value: object) -> str:
    """An input's value as text: a list's items one after the other, nothing for None."""
    if isinstance(value, list | tuple):
        return ", ".join(map(plain_text, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {plain_text(each)}" for name, each in value.items())
    return "" if value is None else str(value)


def _headed(record: Record, text: object, columns: int | None = None) -> str:
    line = printable(" ".join(str(text).split()))
    state = ", ".join([BY_HAND] * record.by_hand + [record.outcome] * (not record.ok) + ["forgotten"] * bool(record.forgotten))
    if not line and (record.by_hand or record.forgotten):
        return state
    line = line or ("a stripped step" if record.fields.get("stripped_from") else "a picture of one's own")
    behind = f" ({state})" if state else ""
    if columns is not None:
        return f"{cut(line, max(1, columns - width(behind)))}{behind}"
    return f"{line if len(line) <= HEADLINE else line[: HEADLINE - 1] + '…'}{behind}"


def done_here(record: Record) -> str:
    """What promptkit did itself, in a few words; nothing of a step that was not made here."""
    if record.made is None:
        return ""
    from promptkit.images.operations import operation_in_words  # most histories need none of it

    return operation_in_words(record.made.operation, record.made.numbers)


def outcome_in_words(record: Record) -> str:
    """Its outcome, and of what was made from another step's picture whether by hand or here; whether it was forgotten."""
    return f"{BY_HAND if record.by_hand else MADE_HERE if record.is_made else record.outcome}{', forgotten' if record.forgotten else ''}"


def step_name(lineage: Lineage, record: Record) -> str:
    """A step's number, with the beginning of its id where two merged copies share the number: `6`, or `6 (b217e2ad0e)`."""
    return f"{record.number} ({record.id[:10]})" if _is_shared(lineage, record.number) else str(record.number)


def _is_shared(lineage: Lineage, number: int) -> bool:
    try:
        lineage.find(number)
    except StepNotFound as error:
        return len(error.near) > 1
    except LineageError:  # its record was damaged meanwhile
        return False
    return False


def step_in_words(lineage: Lineage, full_id: str) -> str:
    """`step 6`; of a step that cannot be read, the beginning of its id."""
    try:
        return f"step {step_name(lineage, lineage.get(full_id))}"
    except LineageError:
        return f"step {full_id[:10]}, which is not here or damaged"


def short_hashes(text: str) -> str:
    """The text with ten digits of each id and digest, which are enough to find a step by; a file's name shows that it was cut."""
    return HASH.sub(lambda match: f"{match[1]}{'…' if match[2] else ''}", text)


def local_time(moment: str) -> str:
    """The local date and time to the minute; nothing where none was recorded."""
    try:
        found = datetime.fromisoformat(moment)
        return f"{(found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone():%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):  # the latter two: what no clock showed
        return ""


def is_draft(record: Record) -> bool:
    """Whether the offline painter made its picture."""
    return record.ok and record.is_offline


def times_asked(record: Record) -> str:
    """` (asked 3 times)`; nothing for a step that was asked once, or not at all."""
    return f" (asked {len(record.attempts)} times)" if len(record.attempts) > 1 else ""


def credentials_in_words(record: Record) -> Iterator[str]:
    """A sentence where a picture of the record carries content credentials; its pictures are read for it, and a damaged one has none."""
    for picture in record.pictures:
        with suppress(LineageError):
            if has_credentials(picture.data):
                yield "carries content credentials, not checked"
                return


# Pictures that were sent along


def sent_along(record: Record) -> Iterator[Mapping[str, Any]]:
    """The record's sources without the step that was edited; an edited picture that is no step's is among them."""
    return (s for s in record.sources if s["role"] != "base" or not s.get("step"))


def role_in_words(source: Mapping[str, Any]) -> str:
    """What a picture went along as: its role, and what was said of it."""
    said = str(source.get("label") or source.get("name") or "").rstrip(":：")
    return f"{source['role']} “{said}”" if said else str(source["role"])


class References:
    """What was sent along with the steps of one lineage, in words."""

    def __init__(self, lineage: Lineage) -> None:
        self._lineage = lineage

    def in_words(self, record: Record) -> Iterator[str]:
        """Each by its role, by the words that were sent before it, if any, and by the step or the file that it is."""
        return (f"{role_in_words(source)}: {self._origin(source, record.number)}" for source in sent_along(record))

    def _origin(self, source: Mapping[str, Any], number: int) -> str:
        if source.get("step"):
            return step_in_words(self._lineage, source["step"])
        maker = self._makers.get(source["sha256"])
        if maker and maker.number < number:  # what came later, such as this very step's own picture, was not there to be given
            return f"step {step_name(self._lineage, maker)} of this session"
        return f"a picture from outside, {source.get('file')}"

    @cached_property
    def _makers(self) -> dict[str, Record]:
        """The step that each picture first came out of, by sha256; all records are read for it, so only where it is needed."""
        return {output["sha256"]: record for record in reversed(self._lineage.records()) for output in record.outputs}
