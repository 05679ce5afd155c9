"""Records on disk: which steps there are, what each asked and got, and where the head and the tags stand.

A session is one self-contained folder. A step is a record file and the pictures that it names; its id is the sha256 of its record file, and
a record names its parents by their ids, so that the history checks itself (`sha256sum` will do). Files are written once and never
rewritten, but for the head, the tags and the note of a step in flight. There are no locks: a step's number is claimed by making
`.open-NNNN.json`, and the presence of its record is the commit. Opening never writes.

What was paid and finds no room on the disk is kept in memory: the next write of the same process records it, and what finds no room until
the process ends is saved among the system's temporary files.
"""

from __future__ import annotations

import atexit
import errno
import hashlib
import json
import logging
import os
import re
import threading
from bisect import insort
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from promptkit import files
from promptkit.errors import LineageError, StepNotFound, did_you_mean, nearest
from promptkit.picture import Picture, suffix_of
from promptkit.record import (
    HAS_PICTURE,
    RECORD_NAME,
    SCHEMA,
    Problem,
    Record,
    json_bytes,
    number_of,
    read_json,
    recorded_picture,
    sources_digest,
    whole_text,
    wrong_file,
)

__all__ = ["MARKER", "Draft", "Lineage", "Problem", "Record", "UnderWay", "now"]

LAYOUT = 1
MARKER = "promptkit.json"
MARKER_HOLDS = f'it should hold {{"layout": {LAYOUT}}}'
ROOM = 16_000_000  # bytes that must be free before anything is paid: the largest pictures of a service fit
BESIDE = ("sources", "templates", "extra", "tags")
CLAIM_NAME = re.compile(r"\.open-(\d{4,})(?:\.(\d+))?\.json")
ASIDE_NAME = re.compile(r"\.open-usd-[0-9a-f]+\.json")
PICTURE_NAME = re.compile(r"(\d{4,})-[\w.]+-[0-9a-f]{10}\.(?!json$)\w+")
SHA256 = re.compile(r"[0-9a-f]{64}")
NUMBER = re.compile(r"[0-9]{1,6}")
ID_BEGINNING = re.compile(r"[0-9a-f]{4,64}")
FIELDS = (  # the order in which a record is written, for those who read it with their eyes
    "schema",
    "number",
    "outcome",
    "label",
    "meta",
    "parents",
    "prompt",
    "sources",
    "request",
    "attempts",
    "outputs",
    "warnings",
)
log = logging.getLogger("promptkit")


def now() -> str:
    """The time as records hold it: UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class UnderWay:
    """What one process has begun in a folder and not recorded yet: the USD that it keeps aside, and its steps as they stand."""

    usd: float
    steps: tuple[Record, ...]


class Lineage:
    """The records of one session folder. Names are read first, and records when they are asked for, each once.

    LineageError where the folder is a file, is neither empty nor a session, or has a newer layout.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._records: dict[str, Record] = {}  # by file name, those that could be read
        self._seen: set[str] = set()  # all names in the folder at the last look; what follows is kept up with its changes
        self._listing: list[str] = []  # the records' names
        self._names: dict[str, str] = {}  # the same by the beginning of the id, as file names have it
        self._numbers: dict[int, list[str]] = {}  # and by number
        self._open: dict[str, re.Match[str]] = {}  # the claims
        self._aside: set[str] = set()  # the notes of what is kept aside
        self._temporary: set[str] = set()
        self._unread: set[str] = set()
        self._read: list[Record] = []  # by number
        self._recipes: dict[str, list[Record]] = {}
        self._children: dict[str, list[Record]] = {}
        self._lock = threading.RLock()
        self._looked_beside = False  # for what killed writers left in the folders within
        self._made = False  # the marker was seen to be whole, or written
        self.exists = _is_session(folder)

    # Reading

    def records(self) -> tuple[Record, ...]:
        """All records that can be read, by number."""
        with self._lock:
            self._listed()
            for name in sorted(self._unread):
                if record := self._load(name):
                    self._unread.discard(name)
                    insort(self._read, record, key=lambda r: (r.number, r.id))
            return tuple(self._read)

    def count(self) -> int:
        """How many steps there are, without reading them."""
        return len(self._listed())

    def get(self, full_id: str) -> Record:
        """The record with that id. StepNotFound where it is not here."""
        with self._lock:
            if full_id[:10] not in self._names:
                self._listed()
            name = self._names.get(full_id[:10])
            record = self._load(name) if name else None
        if record and record.id == full_id:
            return record
        raise StepNotFound(f"The step {full_id[:10]} is not in {self.folder}; `promptkit verify` lists what is damaged.", path=self.folder)

    def has(self, full_id: str) -> bool:
        """Whether the record with that id is here."""
        try:
            self.get(full_id)
        except StepNotFound:
            return False
        return True

    def find(self, key: int | str) -> Record:
        """One look-up for all: an int or up to six digits is a number, then a tag, then the beginning of an id."""
        if not isinstance(key, int | str):
            said = f"A {type(key).__name__} names no step; give a number, a tag, or the beginning of an id."
            raise StepNotFound(said, path=self.folder)
        if isinstance(key, int) or NUMBER.fullmatch(key):
            return self._numbered(int(key))
        if key in (tags := self.tags()):
            return self.get(tags[key])
        if ID_BEGINNING.fullmatch(key) and (matches := self._beginning(key)):
            return self._only(matches, f"The id {key!r}")
        near = nearest(key, tags)
        raise StepNotFound(
            f"There is no step {key!r}{did_you_mean(key, tags)}; give its number (1 to {self._last()}), a tag "
            f"({', '.join(map(repr, tags)) or 'none yet'}), or the beginning of its id (four or more of its hex digits).",
            near=near,
            path=self.folder,
        )

    def children(self, record: Record) -> tuple[Record, ...]:
        """The steps that continue it, by number."""
        self.records()
        return tuple(sorted(self._children.get(record.id, ()), key=lambda r: r.number))

    def with_recipe(self, *recipes: str) -> tuple[Record, ...]:
        """The steps that asked for the same thing, by number; for several recipes, those of the first first."""
        self.records()
        return tuple(r for recipe in recipes for r in sorted(self._recipes.get(recipe, ()), key=lambda r: r.number))

    def tags(self) -> dict[str, str]:
        """Name to id, by name."""
        found = [read_json(p) for p in sorted(self.folder.glob("tags/*.json"))]
        return {t["name"]: t["id"] for t in found if isinstance(t.get("name"), str) and isinstance(t.get("id"), str)}

    def head(self) -> tuple[str | None, tuple[str, ...]]:
        """The id where the next opening starts (None before the first step), and what undo left for redo, next first."""
        try:
            lines = (self.folder / "head").read_text("ascii").split()
        except (OSError, ValueError):
            return None, ()
        return (lines[0], tuple(lines[1:])) if lines else (None, ())

    def source(self, entry: Mapping[str, Any]) -> Picture:
        """The picture that a record's source entry describes, whether it is a step's or from outside."""
        if step := entry.get("step"):
            for picture in self.get(step).pictures:
                if picture.sha256 == entry["sha256"]:
                    return picture
        path = self.folder / "sources" / Path(entry.get("file") or "").name
        return recorded_picture(path, sha256=entry["sha256"], mime_type=entry["mime_type"], size=None)

    def template_files(self, digest: str) -> dict[str, str]:
        """The sources of a template as it was then, by name; empty where they are not here."""
        return {k: v for k, v in read_json(self._template_path(digest)).items() if isinstance(v, str)}

    def _template_path(self, digest: str) -> Path:
        return self.folder / "templates" / Path(f"{digest}.json").name

    def kept(self, digest: str) -> bytes:
        """What was too large for a record, by its sha256. LineageError where it is missing or damaged."""
        path = self.folder / "extra" / Path(digest).name
        try:
            data = path.read_bytes()
        except (OSError, ValueError):
            data = b""
        if hashlib.sha256(data).hexdigest() != digest:
            raise LineageError(f"{path} is missing or damaged.", path=path)
        return data

    def is_whole(self, record: Record) -> bool:
        """Whether all its pictures are on disk as they were recorded."""
        return not any(True for _ in self._wrong_outputs(record))

    def verify(self) -> list[Problem]:
        """Everything on disk that disagrees with its hash: records, pictures, sources, templates, extra, parents, tags, head and marker."""
        problems: list[Problem] = []
        known = set()
        for name in self._listed():
            try:
                record = Record.read(self.folder / name)
            except LineageError as error:
                problems.append(Problem(number_of(name), self.folder / name, str(error)))
                continue
            known.add(record.id)
            problems += [Problem(record.number, *wrong) for wrong in self._wrong(record)]
        named = {p.path for p in problems}
        problems += [Problem(None, path, said) for path, said in self._wrong_beside() if path not in named]
        problems += self._without_record()
        for path, i in self._pointers():
            if i not in known:
                problems.append(Problem(None, path, f"names the step {i[:10]}, which is not here" if i else "cannot be read"))
        return sorted(problems, key=lambda p: (p.step is None, p.step or 0))

    def _wrong(self, record: Record) -> Iterator[tuple[Path, str]]:
        if not record.is_itself:
            yield record.path, "was changed or renamed after it was written (its number and sha256 are not its name)"
        yield from self._wrong_outputs(record)
        for source in record.sources:
            if source.get("file"):
                yield from wrong_file(self.folder / "sources" / Path(source["file"]).name, source["sha256"])
        if digest := record.prompt.get("digest"):
            yield from _wrong_template(self._template_path(digest))
        for turn in filter(None, (a.get("turn") for a in record.attempts)):
            yield from wrong_file(self.folder / "extra" / Path(turn).name, turn)
        for parent in record.parents:
            if parent[:10] not in self._names:
                yield record.path, f"its parent {parent[:10]} is not here"

    def _wrong_outputs(self, record: Record) -> Iterator[tuple[Path, str]]:
        for output in record.outputs:
            yield from wrong_file(self.folder / Path(output["file"]).name, output["sha256"])

    def _wrong_beside(self) -> Iterator[tuple[Path, str]]:
        """What lies beside the records and is not what its own name says, whether a record names it or not."""
        if self.exists and not _is_marked(self.folder):
            yield self.folder / MARKER, f"is missing or cannot be read; {MARKER_HOLDS}, and the next step mends it"
        for path in (*self._beside("sources"), *self._beside("extra")):
            if SHA256.fullmatch(path.name.partition(".")[0]):  # else it is none of ours, such as a file manager's notes
                yield from wrong_file(path, path.name.partition(".")[0])
        for path in self._beside("templates", ".json"):
            yield from _wrong_template(path)
        for path in self._beside("tags", ".json"):
            name = read_json(path).get("name")
            if isinstance(name, str) and not path.stem.endswith(_tag_mark(name)):
                yield path, f"was changed or renamed after it was written (the tag {name!r:.60} has another file name)"

    def _beside(self, name: str, suffix: str = "") -> list[Path]:
        """The files in a folder within, without hidden ones: half-written, or another system's own."""
        return sorted(p for p in self.folder.glob(f"{name}/*{suffix}") if not p.name.startswith("."))

    def _without_record(self) -> list[Problem]:
        """The pictures of steps whose record is gone; not those that another process is just writing."""
        lost = sorted(self._lost_pictures() & self._lost_pictures())
        return [Problem(number, self.folder / name, "has no record: that was deleted, or left behind") for name, number in lost]

    def _lost_pictures(self) -> set[tuple[str, int]]:
        with self._lock:
            self._listed()
            known = {*self._numbers, *(int(m[1]) for m in self._open.values())}
            found = {(m[0], int(m[1])) for m in map(PICTURE_NAME.fullmatch, self._seen) if m}
        return {(name, number) for name, number in found if number not in known}

    def _pointers(self) -> Iterator[tuple[Path, str]]:
        path = self.folder / "head"
        if path.exists():
            head, redo = self.head()
            yield from ((path, i) for i in (head or "", *redo))
        for path in self._beside("tags", ".json"):
            tag = read_json(path)
            yield path, str(tag.get("id") or "") if isinstance(tag.get("name"), str) else ""

    def _listed(self) -> list[str]:
        """The names of all records, looked up anew: other processes may have added some."""
        with self._lock:
            names = _list(self.folder)
            new = [n for n in names if n not in self._seen]
            if len(names) - len(new) < len(self._seen):
                gone = self._seen.difference(names)
                self._seen -= gone
                for name in gone:
                    self._forget(name)
            for name in dict.fromkeys(new):
                self._notice(name)
            self._seen.update(new)
            return list(self._listing)  # a step that lands meanwhile must not move what a caller walks through

    def _notice(self, name: str) -> None:
        if name.startswith("."):
            self._notice_hidden(name)
        elif RECORD_NAME.fullmatch(name):
            insort(self._listing, name)
            self._names[name[-15:-5]] = name
            self._numbers.setdefault(number_of(name), []).append(name)
            self._unread.add(name)

    def _notice_hidden(self, name: str) -> None:
        if match := CLAIM_NAME.fullmatch(name):
            self._open[name] = match
        elif ASIDE_NAME.fullmatch(name):
            self._aside.add(name)
        elif name.startswith(files.TEMPORARY):
            self._temporary.add(name)

    def _forget(self, name: str) -> None:
        self._open.pop(name, None)
        self._aside.discard(name)
        self._temporary.discard(name)
        if RECORD_NAME.fullmatch(name):
            self._listing.remove(name)
            self._names.pop(name[-15:-5], None)
            self._numbers[number_of(name)].remove(name)
            if not self._numbers[number_of(name)]:
                del self._numbers[number_of(name)]
            self._unread.discard(name)
            self._read = [r for r in self._read if r.path.name != name]
            if record := self._records.pop(name, None):
                self._children[_first_parent(record)].remove(record)
                if record.recipe:
                    self._recipes[record.recipe].remove(record)

    def _load(self, name: str) -> Record | None:
        """The record, or None for one that is damaged: the others stay readable, and `verify` names it."""
        with self._lock:
            if name not in self._records:
                try:
                    record = Record.read(self.folder / name)
                except LineageError as error:
                    if error.newer:  # unlike a damaged one it must not be passed over
                        raise
                    return None
                if record.is_itself:
                    self._keep(record)
            return self._records.get(name)

    def _keep(self, record: Record) -> None:
        name = record.path.name
        with self._lock:
            if name in self._records:  # another thread has read it from disk meanwhile
                return
            self._records[name] = record
            if name not in self._seen:  # written here, since the last look
                self._seen.add(name)
                self._notice(name)
            self._children.setdefault(_first_parent(record), []).append(record)
            if record.recipe:
                self._recipes.setdefault(record.recipe, []).append(record)

    def _last(self) -> int:
        self._listed()
        return max(self._numbers, default=0)

    def _with_number(self, number: int) -> list[str]:
        self._listed()
        return sorted(self._numbers.get(number, ()))

    def _numbered(self, number: int) -> Record:
        names = self._with_number(number)
        if not names:
            there = f"its steps are numbered 1 to {self._last()}" if self.count() else "the session has no steps yet"
            raise StepNotFound(f"There is no step {number}; {there}.", path=self.folder)
        found = [r for n in names if (r := self._load(n))]
        if not found:
            path = self.folder / names[0]
            raise LineageError(f"The record of step {number}, {path}, is damaged; `promptkit verify` says how.", path=path)
        return self._only(found, f"The number {number}")

    def _only(self, found: Sequence[Record], what: str) -> Record:
        if len(found) > 1:
            ids = " and ".join(r.id[:16] for r in found)
            raise StepNotFound(f"{what} is shared by {ids}; give the beginning of the id.", near=[r.id for r in found], path=self.folder)
        return found[0]

    def _beginning(self, key: str) -> list[Record]:
        names = (n for n in self._listed() if n[-15:-5].startswith(key[:10]))
        return [r for n in names if (r := self._load(n)) and r.id.startswith(key)]

    # Writing

    def set_head(self, head: str | None, redo: Sequence[str] = ()) -> None:
        """Says where the next opening starts."""
        with _writing(self.folder):
            files.write_whole(self.folder / "head", "".join(f"{i}\n" for i in ([head] if head else []) + list(redo)).encode())

    def set_tag(self, name: str, full_id: str) -> None:
        """Names a step; a tag that is in use moves. LineageError for a name that could be a number."""
        if not isinstance(name, str) or not name.strip() or name.strip().isdigit() or name.splitlines() != [name]:
            raise LineageError(f"A tag is a text on one line that is not all digits; {name!r:.60} is not.", path=self.folder)
        name = whole_text(name)
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "tag"
        path = self.folder / "tags" / f"{slug}-{_tag_mark(name)}.json"
        with _writing(self.folder):
            files.write_whole(path, json_bytes({"name": name, "id": full_id}))

    @staticmethod
    def source_name(picture: Picture) -> str:
        """Where a picture from outside stands within the folder."""
        return f"sources/{picture.sha256}{suffix_of(picture.mime_type)}"

    def keep_source(self, picture: Picture) -> None:
        """Puts a picture from outside into sources/, once."""
        self._write_once(self.source_name(picture), picture.data)

    def keep_template(self, digest: str, sources: Mapping[str, str]) -> None:
        """Puts the sources of a template into templates/, once."""
        self._write_once(f"templates/{self._template_path(digest).name}", json_bytes(dict(sources)))

    def keep_extra(self, data: bytes) -> str:
        """Puts what is too large for a record into extra/; returns its sha256."""
        digest = hashlib.sha256(data).hexdigest()
        self._write_once(f"extra/{digest}", data)
        return digest

    def _write_once(self, name: str, data: bytes) -> None:
        path = self.folder / name
        with _writing(self.folder):
            if not (path.is_file() and path.read_bytes() == data):  # a damaged one is mended
                files.write_whole(path, data, durable=True)
                files.sync_folder(path.parent)

    def begin(self, slug: str, fields: Mapping[str, Any]) -> Draft:
        """Claims the next number for a step, and puts in order what killed processes left. Makes the folder where there is none."""
        fields = {"schema": SCHEMA, "number": 0, **fields}
        Record.of(self.folder, "", {**Draft.EMPTY, "outcome": "interrupted", **fields})  # said now, and not when it has been paid
        self.settle()
        with self._lock:
            self.create()
            with _writing(self.folder):
                number = self._next_number()
                try:
                    self._put_in_order(self._claim_path(number))
                except BaseException:
                    self._drop(self._claim_path(number))
                    raise
        return Draft(self, number, slug, {**fields, "number": number})

    def settle(self) -> None:
        """Records what this process was answered and had no room for. LineageError where there is none still."""
        for draft in [d for d in KEPT_BACK if d.is_in(self.folder)]:
            draft.commit("interrupted")

    def adopt(self) -> bool:
        """Records now what killed processes were answered; whether there was any. What cannot be written is left to the next `begin`."""
        with self._lock, suppress(OSError, LineageError):
            if not self._seen:
                self._listed()
            return self._adopt_dead(None)
        return False

    def create(self) -> None:
        """Makes the session folder where there is none yet, and its marker where that was lost."""
        self.exists = self.exists or _is_session(self.folder)  # another process may have made it meanwhile
        self._made = self._made or (self.exists and _is_marked(self.folder))
        if self._made:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for name, lines in ((".gitattributes", ["* -text"]), (".gitignore", [".open-*", f"{files.TEMPORARY}*"])):
                _add_lines(self.folder / name, lines)
            files.write_whole(self.folder / MARKER, json_bytes({"layout": LAYOUT}), durable=True)
            files.sync_folder(self.folder.parent)
        except OSError as error:
            raise LineageError(f"The session folder {self.folder} cannot be made: {error.strerror or error}.", path=self.folder) from None
        self.exists = self._made = True

    def _next_number(self) -> int:
        """A claimed number, looked for from the last look at the folder on: the claim looks again, for what rivals did since."""
        if not self._seen:
            self._listed()
        number = 1
        while not self._claim(number := max(number, self._highest() + 1)):
            number += 1
        return number

    def _highest(self) -> int:
        return max(max(self._numbers, default=0), max((int(m[1]) for m in self._open.values()), default=0))

    def _claim_path(self, number: int) -> Path:
        return self.folder / f".open-{number:04}.json"

    def _claim(self, number: int) -> bool:
        path = self._claim_path(number)
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        except FileExistsError:
            return False
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(json_bytes(files.whose()))
            if not self._with_number(number):
                return True
        except BaseException:
            self._drop(path)
            raise
        self._drop(path)  # a rival was faster, and has finished already
        return False

    def _drop(self, claim: Path) -> None:
        """Gives a number back, or up once it has its record."""
        claim.unlink(missing_ok=True)
        with self._lock:
            self._seen.discard(claim.name)
            self._forget(claim.name)

    # What others have under way

    def set_aside(self, holder: str, usd: float) -> None:
        """Notes what `holder` (hex digits) keeps aside for its requests, in USD, so that all who use the folder count it."""
        path = self.folder / f".open-usd-{holder}.json"
        self.create()
        with _writing(self.folder):
            if usd > 0:
                files.write_whole(path, json_bytes({**files.whose(), "usd": usd}))
            else:
                path.unlink(missing_ok=True)

    def under_way(self) -> list[UnderWay]:
        """What each process has under way in the folder, this one included; what a dead one kept aside counts no longer, its steps do."""
        with self._lock:
            self._listed()
            aside, claims = list(self._aside), list(self._open.values())
        usd: dict[tuple[str, ...], float] = {}
        steps: dict[tuple[str, ...], list[Record]] = {}
        for path, note in ((p, read_json(p)) for p in map(self.folder.joinpath, aside)):
            if isinstance(note.get("usd"), float) and not files.is_abandoned(path, note):
                usd[_who(note)] = usd.get(_who(note), 0.0) + note["usd"]
        for match in claims:
            path = self.folder / match[0]
            note = read_json(path)
            if record := _noted(note, int(match[1]), path):
                steps.setdefault(_who(note), []).append(record)
        return [UnderWay(usd.get(who, 0.0), tuple(steps.get(who, ()))) for who in {**usd, **steps}]

    # What killed processes left

    def _put_in_order(self, own: Path) -> None:
        self._adopt_dead(own)
        for path in map(self.folder.joinpath, list(self._aside)):
            if files.is_abandoned(path, read_json(path)):
                path.unlink(missing_ok=True)
        files.clear_temporary(map(self.folder.joinpath, list(self._temporary)))
        if not self._looked_beside:
            files.clear_temporary(p for name in BESIDE for p in self.folder.glob(f"{name}/{files.TEMPORARY}*"))
            self._looked_beside = True

    def _adopt_dead(self, own: Path | None) -> bool:
        """Turns the claims of dead processes into records; whether there were any."""
        found = False
        for match in list(self._open.values()):
            path = self.folder / match[0]
            if path != own and _is_dead(read_json(path), path, match[2]) and (mine := self._taken(path, match[1])):
                found = True
                self._adopt(mine, match[1])
        return found

    def _adopt(self, claim: Path, number: str) -> None:
        try:
            draft = self._left(claim, int(number))
            if draft is not None and not self._has_recorded(draft):
                draft.adopt()
        except BaseException:
            self._give_back(claim, number)
            raise
        self._drop(claim)

    def _give_back(self, claim: Path, number: str) -> None:
        """Lets anybody try at once what could not be adopted: under nobody's name, and as old as can be."""
        with suppress(OSError):
            os.utime(claim, (0, 0))
            claim.rename(self.folder / f".open-{number}.0.json")

    def _taken(self, path: Path, number: str) -> Path | None:
        """The claim under this process's own name; None where another process was faster."""
        mine = self.folder / f".open-{number}.{os.getpid()}.json"
        with suppress(OSError):  # not to look abandoned to a third process
            os.utime(path)
        try:
            path.rename(mine)
        except OSError:
            return None
        return mine

    def _left(self, claim: Path, number: int) -> Draft | None:
        """The step that a claim tells of; None where it tells nothing that could be recorded."""
        note = read_json(claim)
        if not _noted(note, number, claim):
            return None
        return Draft(self, number, str(note.get("slug")), {**note["record"], "number": number}, claim=claim)

    def _has_recorded(self, draft: Draft) -> bool:
        """Whether its process ended between its record and the end of its claim."""
        rivals = [r for n in self._with_number(draft.number) if (r := self._load(n))]
        return any(list(r.attempts) == draft.fields["attempts"] for r in rivals)


class Draft:
    """A step in flight: its fields grow attempt by attempt, each noted on disk, until it is committed. Safe to use from two threads.

    The first commit counts; after it nothing is noted: an answer that comes after Ctrl-C finds its step recorded as interrupted.
    """

    EMPTY: Mapping[str, Any] = {"parents": [], "prompt": {}, "sources": [], "request": {}, "attempts": [], "outputs": [], "warnings": []}

    def __init__(self, lineage: Lineage, number: int, slug: str, fields: Mapping[str, Any], *, claim: Path | None = None) -> None:
        self.number = number
        self.slug = re.sub(r"[^\w.]+", "_", slug).strip(".")[:40] or "step"  # a part of a file name, wherever it came from
        self.fields: dict[str, Any] = {**self.EMPTY, "attempts": [], **fields}
        self.record: Record | None = None
        self._lineage, self._claim = lineage, claim or lineage.folder / f".open-{number:04}.json"
        self._pictures: tuple[Picture, ...] = ()
        self._sealed: bytes | None = None
        self._lock = threading.Lock()

    def attempt(self, fields: Mapping[str, Any]) -> None:
        """Notes an attempt before it is sent; until it is answered it counts as interrupted. LineageError where it must not be sent:
        the step is recorded already, or there is hardly room for a picture.
        """
        with self._lock, _writing(self._lineage.folder):
            if self.record is not None:
                raise LineageError(f"Step {self.number} was recorded already; nothing more is asked for it.", path=self.record.path)
            _check_room(self._lineage.folder)
            self.fields["attempts"].append({**fields, "outcome": "interrupted"})
            try:
                self._note()
            except OSError:
                self.fields["attempts"].pop()  # it is not sent
                raise

    def drop(self) -> None:
        """Gives the number back, where nothing was asked for it."""
        with self._lock:
            if not self.fields["attempts"]:
                self._lineage._drop(self._claim)

    def answer(self, fields: Mapping[str, Any], pictures: Sequence[Picture] = (), warnings: Sequence[str] = ()) -> None:
        """Notes the answer to the last attempt, and the pictures that are about to be written. Durable where a paid one brought none."""
        with self._lock, _writing(self._lineage.folder):
            if self.record is None:
                self.fields["attempts"][-1].update(fields)
                self.fields["warnings"] = [*self.fields["warnings"], *warnings]
                self._hold(pictures)
                with suppress(OSError) if pictures else nullcontext():  # whether there is room for pictures, their commit says
                    self._note(durable=not pictures)

    def hold(self, pictures: Sequence[Picture]) -> None:
        """Keeps what an answer brought, so that it is recorded whatever fails before the answer is noted."""
        with self._lock:
            if self.record is None:
                self._hold(pictures)

    def commit(self, outcome: str, pictures: Sequence[Picture] = ()) -> Record:
        """Writes pictures, then the record, then drops the claim; only then does the step exist. Pictures that an answer brought are kept
        whatever the outcome would have been; `pictures` are those of a step that asks nobody.

        LineageError where there is no room. What was paid is then kept in memory, and `settle` or a second commit records it.
        """
        with self._lock:
            if self.record is None:
                try:
                    with _writing(self._lineage.folder):
                        self.record = self._committed(outcome, pictures)
                except LineageError as error:
                    self._keep_back(error)
                    raise
                self._pictures = ()
                with suppress(ValueError):
                    KEPT_BACK.remove(self)
        return self.record

    def _committed(self, outcome: str, pictures: Sequence[Picture]) -> Record:
        if pictures:
            self._hold(pictures)
            self._note()  # so that a picture whose process is killed now is no riddle
        for picture, output in zip(self._pictures, self.fields["outputs"], strict=True):
            files.write_whole(self._lineage.folder / output["file"], picture.data, durable=True)
        return self._write("picture" if self._pictures and outcome not in HAS_PICTURE else outcome)

    def _keep_back(self, error: LineageError) -> None:
        if self.fields["attempts"]:
            if self not in KEPT_BACK:
                KEPT_BACK.append(self)
            what = "its picture" if self._pictures else "its answer"
            kept = f"Step {self.number} is not on record yet: {what} stays in memory, and the next step here records it first."
            error.args = (f"{error} {kept}",)

    def is_in(self, folder: Path) -> bool:
        """Whether it is a step of the session in that folder."""
        own = self._lineage.folder
        return own == folder or own.resolve() == folder.resolve()

    def rescue(self) -> None:
        """The process ends: a picture that finds no room in its folder to the last is saved where there is some, and logged."""
        import tempfile

        with suppress(LineageError):
            self.commit("interrupted")
        if self.record is not None or not self._pictures:  # of paid words the note in the folder tells
            return
        where = f"Step {self.number} of {self._lineage.folder} could not be recorded for want of room"
        try:
            folder = Path(tempfile.mkdtemp(prefix="promptkit-"))
            for picture, output in zip(self._pictures, self.fields["outputs"], strict=True):
                files.write_whole(folder / output["file"], picture.data, durable=True)
        except OSError as error:
            log.error("%s, and is lost: %s.", where, error)
        else:
            log.error("%s; what it brought is in %s: `promptkit add` takes a picture of your own.", where, folder)

    def _hold(self, pictures: Sequence[Picture]) -> None:
        self.fields["outputs"] = [self._output(p) for p in pictures]
        self._pictures = tuple(pictures)

    def _note(self, *, durable: bool = False) -> None:
        note = {**files.whose(), "slug": self.slug, "record": self.fields}
        files.write_whole(self._claim, json_bytes(note, indent=None), durable=durable)

    def adopt(self) -> None:
        """Turns what a killed process left into a record: its pictures that lie there whole, else an interrupted step, if it was asked."""
        folder, asked = self._lineage.folder, bool(self.fields["attempts"])
        whole = [o for o in self.fields["outputs"] if not any(wrong_file(folder / Path(o["file"]).name, o["sha256"]))]
        said = "its process ended before it was recorded; recorded by the next one"
        self.fields |= {"outputs": whole, "warnings": [*self.fields["warnings"], said]}
        if whole:
            self._write("picture" if asked else "added")
        elif asked:
            self._write("interrupted")

    def _write(self, outcome: str) -> Record:
        if self._sealed is None:  # a second commit, after Ctrl-C in the first, must not make a second record
            self.fields |= {"outcome": outcome, "ended": now()}
            self._sealed = json_bytes({k: self.fields[k] for k in sorted(self.fields, key=_place)})
        digest = hashlib.sha256(self._sealed).hexdigest()
        path = self._lineage.folder / f"{self.number:04}-{self.slug}-{digest[:10]}.json"
        files.write_whole(path, self._sealed, durable=True)
        files.sync_folder(self._lineage.folder)
        self._lineage._drop(self._claim)
        record = Record.of(path, digest, json.loads(self._sealed))
        self._lineage._keep(record)
        return record

    def _output(self, picture: Picture) -> dict[str, Any]:
        return {
            "file": f"{self.number:04}-{self.slug}-{picture.sha256[:10]}{suffix_of(picture.mime_type)}",
            "sha256": picture.sha256,
            "bytes": len(picture.data),
            "mime_type": picture.mime_type,
            "size": list(picture.size) if picture.size else None,
        }


KEPT_BACK: list[Draft] = []  # paid and not on disk, for want of room


@atexit.register
def _rescue() -> None:
    for draft in [*KEPT_BACK]:
        draft.rescue()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=KEPT_BACK.clear)  # they are the parent's


def _place(name: str) -> int:
    return FIELDS.index(name) if name in FIELDS else len(FIELDS)


def _first_parent(record: Record) -> str:
    return record.parents[0] if record.parents else ""


def _tag_mark(name: str) -> str:
    """What keeps the file names of tags apart, whatever their script."""
    return hashlib.sha256(whole_text(name).encode()).hexdigest()[:8]


def _is_session(folder: Path) -> bool:
    """Whether it is; one that has lost its marker is known by its records."""
    try:
        _check_marker(folder / MARKER)
    except (FileNotFoundError, NotADirectoryError):
        if _has_records(folder):
            return True
        _check_free(folder)
        return False
    except LineageError as error:
        if error.newer or not _has_records(folder):
            raise
    return True


def _is_marked(folder: Path) -> bool:
    try:
        _check_marker(folder / MARKER)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except LineageError as error:
        if error.newer:
            raise
        return False
    return True


def _check_marker(marker: Path) -> None:
    try:
        layout = json.loads(marker.read_bytes())["layout"]
    except (FileNotFoundError, NotADirectoryError):
        raise
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise LineageError(f"{marker} cannot be read ({error}); {MARKER_HOLDS}.", path=marker) from None
    if not isinstance(layout, int) or layout < LAYOUT:
        raise LineageError(f"{marker} cannot be read (layout {layout!r:.60}); {MARKER_HOLDS}.", path=marker)
    if layout != LAYOUT:
        said = f"{marker.parent} has layout {layout}, and this promptkit knows {LAYOUT}: upgrade promptkit to open it."
        raise LineageError(said, path=marker.parent, newer=True)


def _has_records(folder: Path) -> bool:
    with suppress(ValueError):  # a name that no folder can have
        return any(map(RECORD_NAME.fullmatch, _list(folder)))
    return False


def _check_free(folder: Path) -> None:
    visible = sorted(n for n in _list(folder) if not n.startswith("."))
    if visible and not (folder / MARKER).exists():  # a rival may have made the session between the first look and this one
        raise LineageError(
            f"{folder} is not a session and not empty (it holds {visible[0]!r}): give a session's folder, an empty one, or a new name.",
            path=folder,
        )


def _list(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208  (asked often, and much faster than making a Path of each)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise LineageError(f"{folder} cannot be a session folder: {error.strerror or error}.", path=folder) from None


def _add_lines(path: Path, lines: Sequence[str]) -> None:
    """Adds those that are missing: a new git repository may have such a file of its own already."""
    have = path.read_bytes() if path.is_file() else b""
    missing = [line for line in lines if line.encode() not in have.splitlines()]
    if missing:
        start = have if not have or have.endswith(b"\n") else have + b"\n"
        files.write_whole(path, start + "".join(f"{line}\n" for line in missing).encode())


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """What the system refuses becomes a LineageError."""
    try:
        yield
    except OSError as error:
        said = f"Nothing can be written in {folder}: {error.strerror or error}; make room or make it writable, then try again."
        raise LineageError(said, path=folder) from None


def _wrong_template(path: Path) -> Iterator[tuple[Path, str]]:
    if sources_digest(read_json(path)) != path.stem:
        yield path, "is missing or not what was recorded (its sources do not have that digest)"


def _check_room(folder: Path) -> None:
    free = files.free_bytes(folder)
    if free is not None and free < ROOM:
        said = f"only {free / 1e6:.1f} MB are free, and a picture may need {ROOM / 1e6:.0f}, so nothing was sent"
        raise OSError(errno.ENOSPC, said)


def _who(note: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(note.get(k)) for k in ("host", "process", "run"))


def _noted(note: Mapping[str, Any], number: int, path: Path) -> Record | None:
    """The step of a claim as it stands; None where the claim tells of nothing that could be recorded."""
    fields = note.get("record")
    if not isinstance(fields, dict):
        return None
    try:
        return Record.of(path, "", {**Draft.EMPTY, **fields, "number": number, "outcome": "interrupted"})
    except LineageError:
        return None


def _is_dead(note: Mapping[str, Any], path: Path, adopter: str | None) -> bool:
    """Whether nobody works on a claim any more: neither who made it nor, where it was taken over, who did that."""
    return files.is_abandoned(path, {**note, "process": int(adopter), "run": files.RUN} if adopter else note)
