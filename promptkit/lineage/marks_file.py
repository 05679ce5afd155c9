"""What a reader sends back, as a file or as a text: marks by the ids or the numbers of steps, which are not yet known to be here.

The file is JSON, as a page for readers saves it (schemas/marks.json describes it):

    {"schema": "promptkit-marks/1", "root": "5c1f…", "by": "Ann",
     "marks": [{"step": "ca52…", "verdict": "keep", "stars": 4, "note": "bluer", "region": [10, 20, 110, 140],
                "at": "2026-11-28T10:15:00.000Z"}]}

`root` is the id of a root of the session, by which a file of another session is told; `step` is an id. The rest may be missing: `verdict`
is "keep", "reject" or null, `at` the time of the mark, `region` whole pixels of the step's own picture. A mark that says nothing takes an
earlier one back.

The text is what people write into a mail: a line for each step, such as `3 keep ★★★★ bluer`, `> 5: reject` or `keep 3, 5 and 7`, with words
of the five languages; a line of numbers alone keeps these, and a box behind what is said (`3 keep bluer 200x260+300+420`) is the region
that is meant. A line `promptkit marks 5c1f09ab37 2026-11-28T10:15:00.000Z by Ann` before them
says what the file says of root, time and reader; `by: Ann` and a mail's `From:` name the reader. What a quoted line (`> 5: keep`) says of a
step counts where no other line does, and not at all below "Sam wrote:". Other lines are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from promptkit.errors import LineageError
from promptkit.images.box import is_box_text
from promptkit.lineage.files import parsed
from promptkit.lineage.marks import LONGEST_NAME, MOST_STARS, VERDICTS, as_time
from promptkit.lineage.record import FULL_SHA256

__all__ = ["LARGEST", "MOST_MARKS", "SCHEMA", "GivenMark", "GivenMarks", "given_marks", "is_marks_text"]

SCHEMA = "promptkit-marks/1"
LARGEST = 4 * 2**20  # bytes of a file
MOST_MARKS = 10_000  # marks of a file
MOST_BETWEEN = 1_000  # steps of 3-8


class GivenMark(NamedTuple):
    """A mark as somebody gives it: `step` is an id, its beginning, or a number; `where` says where it stands, such as `line 3`."""

    where: str
    step: str
    verdict: str | None = None
    stars: int | None = None
    note: str | None = None
    region: Any = None
    by: str | None = None
    at: str | None = None


class GivenMarks(NamedTuple):
    """What somebody sends: `root` is the id of a root of the session that is meant, or its beginning; None where none is named."""

    marks: tuple[GivenMark, ...]
    root: str | None = None
    by: str | None = None


def given_marks(text: str, name: str) -> GivenMarks:
    """The marks in a file's text, or in a pasted one; `name` is what it is called in an error. LineageError where it holds none, or what it
    holds is none.
    """
    if text.lstrip()[:1] in ("{", "["):
        return _of_json(text, name)
    found = _of_text(text)
    if not found.marks:
        said = f"{name} holds no mark: a line with the number of a step and what is said of it, such as `3 keep ★★★★ bluer`"
        raise LineageError(f"{said}, or a file that a page for readers has saved.")
    return found


def is_marks_text(text: str) -> bool:
    """Whether a text holds marks itself, and is no file's name."""
    return "\n" in text.strip() or text.lstrip()[:1] in ("{", "[") or bool(_of_text(text).marks)


# The file


def _of_json(text: str, name: str) -> GivenMarks:
    try:
        said = parsed(text.encode(errors="replace"))
    except ValueError as error:
        raise LineageError(f"{name} cannot be read as a file of marks ({error}): ask for it again.") from None
    schema = said.get("schema") if isinstance(said, dict) else None
    if not isinstance(schema, str) or not schema.startswith("promptkit-marks/"):
        raise LineageError(f"{name} is no file of marks: its schema should be {SCHEMA!r}, and is {schema!r:.60}.")
    if schema != SCHEMA:
        raise LineageError(
            f"{name} has schema {schema!r:.60}, and this promptkit knows {SCHEMA}: upgrade promptkit to read it.", newer=True
        )
    marks, root = said.get("marks"), said.get("root")
    if not isinstance(marks, list) or len(marks) > MOST_MARKS:
        raise LineageError(f"{name} is no file of marks: `marks` should be a list of {MOST_MARKS:,} at most.")
    if root is not None and not _is_id(root):
        raise LineageError(f"{name} is no file of marks: `root` should be the id of a root, and is {root!r:.60}.")
    return GivenMarks(tuple(_entry(each, i, name) for i, each in enumerate(marks)), root, _text(said, "by", name, "by"))


def _is_id(value: object) -> bool:
    return isinstance(value, str) and bool(FULL_SHA256.fullmatch(value))


def _entry(fields: Any, index: int, name: str) -> GivenMark:
    where = f"marks[{index}]"
    if not isinstance(fields, Mapping) or not _is_id(fields.get("step")):
        raise _wrong(name, f"{where}.step", fields.get("step") if isinstance(fields, Mapping) else fields, "the id of a step")
    verdict, stars, region, at = (fields.get(key) for key in ("verdict", "stars", "region", "at"))
    if verdict is not None and verdict not in VERDICTS:
        raise _wrong(name, f"{where}.verdict", verdict, f"one of {', '.join(VERDICTS)} or null")
    if stars is not None and (not isinstance(stars, int) or isinstance(stars, bool) or not 0 <= stars <= MOST_STARS):
        raise _wrong(name, f"{where}.stars", stars, f"a whole number up to {MOST_STARS}, or null")
    if region is not None and not isinstance(region, list | str):
        raise _wrong(name, f"{where}.region", region, "left, top, right and bottom in pixels, or null")
    if at is not None and (not isinstance(at, str) or as_time(at) is None):
        raise _wrong(name, f"{where}.at", at, "a time (ISO 8601)")
    note, by = (_text(fields, key, name, f"{where}.{key}") for key in ("note", "by"))
    return GivenMark(where, fields["step"], verdict, stars or None, note or None, region, by, at and as_time(at))


def _text(fields: Mapping[str, Any], key: str, name: str, where: str) -> str | None:
    value = fields.get(key)
    if value is not None and not isinstance(value, str):
        raise _wrong(name, where, value, "a text")
    return value


def _wrong(name: str, where: str, value: object, wanted: str) -> LineageError:
    return LineageError(f"{name} is no file of marks: {where} = {value!r:.60}, which should be {wanted}.")


# The text

SAID = {  # in the five languages, by what is meant; of two that begin alike the longer one goes first
    "keep": "keep kept|conservar conserva quedar guardar|रखें रखो रखना|採用 残す キープ|保留 留下 选用",
    "reject": "reject rejected|rechazar rechaza descartar descarta|अस्वीकार हटाएँ|不採用 却下 ボツ|拒绝 淘汰 不要 弃用",
    None: "none",
}
MEANS = {word: verdict for verdict, words in SAID.items() for word in words.replace("|", " ").split()}
VERDICT = "|".join(sorted(map(re.escape, MEANS), key=len, reverse=True))
STAR_WORDS = "stars?|estrellas?|सितारे|सितारा|つ星|星|颗星"
STARS = rf"(?:[★⭐🌟]\ufe0f?){{1,{MOST_STARS}}}[☆✩]*|[0-{MOST_STARS}][ -]?(?:{STAR_WORDS})|[0-{MOST_STARS}]\s?/\s?{MOST_STARS}"
STEP = r"[0-9]{1,6}|[0-9a-f]{10,64}"
STEPS = rf"(?:{STEP})(?:\s*(?:[-–,，、;&+]|and|y|e|und|और|と|和)\s*(?:{STEP})|\s+(?:{STEP})(?![\w/★⭐]))*"
QUOTED = re.compile(r"(?:\s*[>|*•·]|\s*[-–—](?=\s))*\s*")  # a mail's, and a list's
NAMED = r"(?:(?:step|steps|paso|pasos|चरण|#|no\.?|nr\.?|№)\s*)?"
GAP = r"[\s:：.)\]=,，、;–—-]*"
BEFORE = re.compile(rf"{NAMED}(?P<steps>{STEPS}){GAP}(?P<rest>.*)", re.IGNORECASE)
AFTER = re.compile(rf"(?P<verdict>{VERDICT})(?!\w){GAP}{NAMED}(?P<steps>{STEPS}){GAP}(?P<rest>.*)", re.IGNORECASE)
OF_STEP = re.compile(rf"(?:(?P<verdict>{VERDICT})(?![a-z\u0900-\u097f])|(?P<stars>{STARS})(?!\w)){GAP}", re.IGNORECASE)
HEADER = re.compile(
    r"promptkit marks(?:\s+(?P<root>[0-9a-f]{10,64}))?(?:\s+(?P<at>\d{4}-\d\d-\d\dT\S+))?(?:\s+by\s+(?P<by>.+))?", re.IGNORECASE
)
READER = re.compile(r'(?:by|name|from|de|von|差出人|发件人|प्रेषक)\s*[:：]\s*"?(?P<by>[^<"]+?)"?\s*(?:<[^>]*>)?', re.IGNORECASE)
WROTE = re.compile(r".*(?:wrote|schrieb|escribió|写道|寫道|書きました|लिखा|ने लिखा है)\s*[:：]", re.IGNORECASE)  # who is quoted below
DIGITS = {code: str(i) for first in (0x0966, 0xFF10) for i, code in enumerate(range(first, first + 10))}  # Devanagari, full width


def _of_text(text: str) -> GivenMarks:
    root = by = at = None
    found: list[tuple[GivenMark, bool]] = []  # and whether its line is quoted
    is_of_another = False
    for number, line in enumerate(text.splitlines(), 1):
        plain = line[QUOTED.match(line).end() :].strip()  # type: ignore[union-attr]  # it matches nothing, too
        if header := HEADER.fullmatch(plain):
            root, at, by = header["root"] or root, (as_time(header["at"]) if header["at"] else None) or at, header["by"] or by
        elif reader := READER.fullmatch(plain):
            by = by or reader["by"]
        elif WROTE.fullmatch(plain):
            is_of_another = True
        elif not (is_quoted := line.lstrip().startswith(">")) or not is_of_another:
            found += ((mark, is_quoted) for mark in _marks_in(plain, f"line {number}"))
    answered = {mark.step for mark, is_quoted in found if not is_quoted}
    marks = (mark._replace(at=at) for mark, is_quoted in found if not is_quoted or mark.step not in answered)
    return GivenMarks(tuple(marks), root, by and by[:LONGEST_NAME])


def _marks_in(line: str, where: str) -> Iterator[GivenMark]:
    """The marks that one line gives; none where it is none of them."""
    plain = line.translate(DIGITS)
    match = AFTER.fullmatch(plain)
    verdict = MEANS[match["verdict"].lower()] if match else None
    match = match or BEFORE.fullmatch(plain)
    if match is None:
        return
    rest, said = match["rest"], [verdict] if AFTER.fullmatch(plain) else []
    stars = None
    while (each := OF_STEP.match(rest)) and not (each["verdict"] and said) and not (each["stars"] and stars is not None):
        said += [MEANS[each["verdict"].lower()]] if each["verdict"] else []
        stars = _count(each["stars"]) if each["stars"] else stars
        rest = rest[each.end() :]
    is_numbers = not rest and not said and stars is None
    if is_numbers or said or stars is not None:
        verdict = "keep" if is_numbers else said[0] if said else None
        note, region = _note_and_region(line[len(line) - len(rest) :].strip() if rest else "")
        yield from (GivenMark(where, step, verdict, stars or None, note, region) for step in _steps(match["steps"]))


def _note_and_region(rest: str) -> tuple[str | None, str | None]:
    """What is said, and the box of what is meant, where one stands behind it."""
    note, _, last = rest.rpartition(" ")
    return (note.strip() or None, last) if is_box_text(last) else (rest or None, None)


def _count(stars: str) -> int:
    return int(stars[0]) if stars[0].isdecimal() else sum(c in "★⭐🌟" for c in stars)


def _steps(text: str) -> Sequence[str]:
    """The steps that a text names: 3, 5 and 7-9."""
    found: dict[str, None] = {}
    for first, last in re.findall(rf"({STEP})(?:\s*[-–]\s*({STEP}))?", text):
        between = range(int(first), int(last) + 1) if last.isdecimal() and first.isdecimal() else ()
        found |= dict.fromkeys(map(str, between) if 0 < len(between) <= MOST_BETWEEN else filter(None, (first, last)))
    return list(found)
