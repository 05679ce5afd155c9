"""Records on disk: which steps there are, what each asked and got, and where the head and the tags stand.

A session is one self-contained folder. A step is a record file and the pictures that it names; its id is the sha256 of its record file, and
a record names its parents by their ids, so that the history checks itself (`sha256sum` will do). Files are written once and never
rewritten, but for the head, the tags and the note of a step in flight. The presence of its record is what makes a step exist.
Opening never writes.
"""

from __future__ import annotations

import hashlib
import re
import threading
from bisect import insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from promptkit import atomic
from promptkit.errors import LineageError, StepNotFound, did_you_mean, nearest
from promptkit.images.picture import Picture, suffix_of
from promptkit.lineage import claims
from promptkit.lineage import verify as verifying
from promptkit.lineage.claims import UnderWay
from promptkit.lineage.files import json_bytes, read_json, recorded_picture, whole_text, wrong_file
from promptkit.lineage.layout import extra_name, is_marked, is_session, list_names, make, source_name, tag_mark, template_name, writing
from promptkit.lineage.pending import Draft, settle
from promptkit.lineage.record import RECORD_NAME, Problem, Record, number_of
from promptkit.lineage.schema import SCHEMA, empty_fields

__all__ = ["Lineage"]

NUMBER = re.compile(r"[0-9]{1,6}")
ID_BEGINNING = re.compile(r"[0-9a-f]{4,64}")


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
        self._hidden: set[str] = set()  # claims and what else processes have under way
        self._unread: set[str] = set()
        self._read: list[Record] = []  # by number
        self._recipes: dict[str, list[Record]] = {}
        self._children: dict[str, list[Record]] = {}
        self._lock = threading.RLock()
        self._looked_beside = False  # for what killed writers left in the folders within
        self._made = False  # the marker was seen to be whole, or written
        self.exists = is_session(folder)

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

    def read(self) -> tuple[tuple[Record, ...], int]:
        """All records that can be read, by number, and how many cannot: both of one look at the folder."""
        with self._lock:
            return self.records(), len(self._unread)

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
            return self._by_number(int(key))
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

    def added_with(self, sha256: str) -> Record | None:
        """The picture of one's own with these bytes, where it was added already and is whole."""
        added = (r for r in self.records() if r.outcome == "added" and r.outputs and r.outputs[0].sha256 == sha256)
        return next(filter(self.is_whole, added), None)

    def ancestors(self, *records: Record) -> tuple[Record, ...]:
        """These records and all that they came from, parents and steps that went along as references, each after what it came from.

        What is missing or damaged is passed over.
        """
        done: dict[str, Record] = {}
        ahead = list(reversed(records))
        while ahead:  # a stack of its own, for histories go deeper than Python calls
            record = ahead[-1]
            before = [] if record.id in done else [*self._there(i for i in record.origins if i not in done)]
            ahead += reversed(before)
            if not before:
                done.setdefault(ahead.pop().id, record)
        return tuple(done.values())

    def _there(self, ids: Iterable[str]) -> Iterator[Record]:
        for full_id in ids:
            with suppress(StepNotFound):
                yield self.get(full_id)

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
        path = self.folder / source_name(entry.get("file") or "")
        return recorded_picture(path, sha256=entry["sha256"], mime_type=entry["mime_type"], size=None)

    def template_files(self, digest: str) -> dict[str, str]:
        """The sources of a template as it was then, by name; empty where they are not here."""
        return {k: v for k, v in read_json(self.folder / template_name(digest)).items() if isinstance(v, str)}

    def kept(self, digest: str) -> bytes:
        """What was too large for a record, by its sha256. LineageError where it is missing or damaged."""
        path = self.folder / extra_name(digest)
        try:
            data = path.read_bytes()
        except (OSError, ValueError):
            data = b""
        if hashlib.sha256(data).hexdigest() != digest:
            raise LineageError(f"{path} is missing or damaged.", path=path)
        return data

    def is_whole(self, record: Record) -> bool:
        """Whether all its pictures are on disk as they were recorded."""
        return not any(wrong_file(self.folder, output.name, output.sha256) for output in record.outputs)

    def verify(self) -> list[Problem]:
        """Everything on disk that disagrees with its hash: records, pictures, sources, templates, extra, parents, tags, head and marker."""
        return verifying.verify(self)

    def _listed(self) -> list[str]:
        """The names of all records, looked up anew: other processes may have added some."""
        with self._lock:
            names = list_names(self.folder)
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
            self._hidden.add(name)
        elif RECORD_NAME.fullmatch(name):
            insort(self._listing, name)
            self._names[name[-15:-5]] = name
            self._numbers.setdefault(number_of(name), []).append(name)
            self._unread.add(name)

    def _forget(self, name: str) -> None:
        self._hidden.discard(name)
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
                    self.keep(record)
            return self._records.get(name)

    def _loaded(self, names: Iterable[str]) -> list[Record]:
        return [r for n in names if (r := self._load(n))]

    def keep(self, record: Record) -> None:
        """Takes in a record that was read, or written here."""
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

    def numbered(self, number: int) -> list[Record]:
        """The readable records with that number: one, or those that merged copies have."""
        return self._loaded(self._with_number(number))

    def _with_number(self, number: int) -> list[str]:
        self._listed()
        return sorted(self._numbers.get(number, ()))

    def _by_number(self, number: int) -> Record:
        names = self._with_number(number)
        if not names:
            there = f"its steps are numbered 1 to {self._last()}" if self.count() else "the session has no steps yet"
            raise StepNotFound(f"There is no step {number}; {there}.", path=self.folder)
        if not (found := self._loaded(names)):
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
        return [r for r in self._loaded(names) if r.id.startswith(key)]

    # Writing

    def set_head(self, head: str | None, redo: Sequence[str] = ()) -> None:
        """Says where the next opening starts."""
        with writing(self.folder):
            atomic.write_whole(self.folder / "head", "".join(f"{i}\n" for i in ([head] if head else []) + list(redo)).encode())

    def set_tag(self, name: str, full_id: str) -> None:
        """Names a step; a tag that is in use moves. LineageError for a name that could be a number."""
        if not isinstance(name, str) or not name.strip() or name.strip().isdigit() or name.splitlines() != [name]:
            raise LineageError(f"A tag is a text on one line that is not all digits; {name!r:.60} is not.", path=self.folder)
        name = whole_text(name)
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "tag"
        path = self.folder / "tags" / f"{slug}-{tag_mark(name)}.json"
        with writing(self.folder):
            atomic.write_whole(path, json_bytes({"name": name, "id": full_id}))

    @staticmethod
    def source_name(picture: Picture) -> str:
        """Where a picture from outside stands within the folder."""
        return f"sources/{picture.sha256}{suffix_of(picture.mime_type)}"

    def keep_source(self, picture: Picture) -> None:
        """Puts a picture from outside into sources/, once."""
        self._write_once(self.source_name(picture), picture.data)

    def keep_template(self, digest: str, sources: Mapping[str, str]) -> None:
        """Puts the sources of a template into templates/, once."""
        self._write_once(template_name(digest), json_bytes(dict(sources)))

    def keep_extra(self, data: bytes) -> str:
        """Puts what is too large for a record into extra/; returns its sha256."""
        digest = hashlib.sha256(data).hexdigest()
        self._write_once(extra_name(digest), data)
        return digest

    def _write_once(self, name: str, data: bytes) -> None:
        path = self.folder / name
        with writing(self.folder):
            if not (path.is_file() and path.read_bytes() == data):  # a damaged one is mended
                atomic.write_whole(path, data, durable=True)
                atomic.sync_folder(path.parent)

    def begin(self, slug: str, fields: Mapping[str, Any]) -> Draft:
        """Claims the next number for a step, and puts in order what killed processes left. Makes the folder where there is none."""
        fields = {"schema": SCHEMA, "number": 0, **fields}
        Record.of(self.folder, "", {**empty_fields(), "outcome": "interrupted", **fields})  # said now, and not when it has been paid
        self.settle()
        with self._lock:
            self.create()
            with writing(self.folder):
                number = self._next_number()
                claim = claims.claim_path(self.folder, number)
                try:
                    self._put_in_order(claim)
                except BaseException:
                    self.drop(claim)
                    raise
        return Draft(self, number, slug, {**fields, "number": number}, claim)

    def settle(self) -> None:
        """Records what this process was answered and had no room for. LineageError where there is none still."""
        settle(self.folder)

    def adopt(self) -> bool:
        """Records now what killed processes were answered; whether there was any. What cannot be written is left to the next `begin`."""
        with self._lock, suppress(OSError, LineageError):
            if not self._seen:
                self._listed()
            return claims.adopt(self, [*self._hidden])
        return False

    def create(self) -> None:
        """Makes the session folder where there is none yet, and its marker where that was lost."""
        if self._made and self.folder.is_dir():  # else it was deleted under an open session
            return
        self.exists = is_session(self.folder)
        if not (self.exists and is_marked(self.folder)):
            make(self.folder)
            self._listed()
        self.exists = self._made = True

    def set_aside(self, holder: str, usd: float) -> None:
        """Notes what `holder` (hex digits) keeps aside for its requests, in USD, so that all who use the folder count it."""
        self.create()
        claims.set_aside(self.folder, holder, usd)

    def under_way(self) -> list[UnderWay]:
        """What each process has under way in the folder, this one included; what a dead one kept aside counts no longer, its steps do."""
        with self._lock:
            self._listed()
            names = [*self._hidden]
        return claims.under_way(self.folder, names)

    def _next_number(self) -> int:
        """A claimed number, looked for from the last look at the folder on: the claim looks again, for what rivals did since."""
        if not self._seen:
            self._listed()
        number = 1
        while not self._claim(number := max(number, self._highest() + 1)):
            number += 1
        return number

    def _highest(self) -> int:
        return max(max(self._numbers, default=0), max(claims.claimed(self._hidden), default=0))

    def _claim(self, number: int) -> bool:
        """Claims a number that nobody has; looks again then, for a rival may have been faster, and have finished already."""
        if not claims.claim(self.folder, number):
            return False
        is_free = False
        try:
            is_free = not self._with_number(number)
        finally:
            if not is_free:
                self.drop(claims.claim_path(self.folder, number))
        return is_free

    def _put_in_order(self, own: Path) -> None:
        """What killed processes left."""
        claims.adopt(self, [*self._hidden], own)
        claims.clear(self.folder, [*self._hidden])
        if not self._looked_beside:
            claims.clear_beside(self.folder)
            self._looked_beside = True

    def drop(self, claim: Path) -> None:
        """Gives a number back, or its claim up once it has its record."""
        claim.unlink(missing_ok=True)
        with self._lock:
            self._seen.discard(claim.name)
            self._forget(claim.name)


def _first_parent(record: Record) -> str:
    return record.parents[0] if record.parents else ""
