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
import time
from bisect import insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

from promptkit import atomic
from promptkit.errors import LineageError, StepNotFound, did_you_mean, nearest
from promptkit.images.formats import suffix_of
from promptkit.images.picture import Picture
from promptkit.lineage import claims
from promptkit.lineage.claims import UnderWay
from promptkit.lineage.files import json_bytes, read_file, read_json, recorded_picture, refuse_stored_elsewhere, wrong_file
from promptkit.lineage.head_and_tags import read_head, read_tags, write_head, write_tag
from promptkit.lineage.holding import hold, let_go
from promptkit.lineage.layout import extra_name, is_marked, is_session, make, source_name, template_name, writing
from promptkit.lineage.names import Names
from promptkit.lineage.pending_step import PendingStep, settle
from promptkit.lineage.prompt_key import prompt_key
from promptkit.lineage.record import RECORD_NAME, Problem, Record
from promptkit.lineage.request_claims import Holder, holder_of, let_request_go, request_path, take_request
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
        self._lock = threading.RLock()
        self.reopen()

    def go_on_in_child(self) -> None:
        """Frees it of what the parent's threads hold after a fork. What one of them was just changing is read anew."""
        if not self._lock.acquire(blocking=False):
            self._lock = threading.RLock()
            with suppress(LineageError):  # then whoever uses it is told
                self.reopen()
        else:
            self._lock.release()

    def reopen(self) -> None:
        """Looks at the folder as if for the first time: what was changed there since is seen. LineageError as when it is opened."""
        exists = is_session(self.folder)
        with self._lock:
            self.exists = exists
            self._names = Names(self.folder)
            self._records: dict[str, Record] = {}  # by file name, those that could be read
            self._unread: set[str] = set()
            self._read: list[Record] = []  # by number
            self._recipes: dict[str, list[Record]] = {}
            self._children: dict[str, list[Record]] = {}
            self._rendered: dict[str, list[Record]] = {}  # by prompt_key
            self._looked_beside = False  # for what killed writers left in the folders within
            self._made = False  # the marker was seen to be whole, or written

    # Reading

    def records(self) -> tuple[Record, ...]:
        """All records that can be read, by number."""
        with self._lock:
            self._look()
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
        with self._lock:
            self._look()
            return len(self._names.records)

    def get(self, full_id: str) -> Record:
        """The record with that id. StepNotFound where it is not here."""
        with self._lock:
            if self._names.with_id(full_id) is None:
                self._look()
            name = self._names.with_id(full_id)
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
        with self._lock:  # another opening of the folder in this process begins anew in between
            self.records()
            return tuple(sorted(self._children.get(record.id, ()), key=lambda r: r.number))

    def with_recipe(self, *recipes: str) -> tuple[Record, ...]:
        """The steps that asked for the same thing, by number; for several recipes, those of the first first."""
        with self._lock:
            self.records()
            return tuple(r for recipe in recipes for r in sorted(self._recipes.get(recipe, ()), key=lambda r: r.number))

    def rendered_from(self, template: str | None, inputs: Mapping[str, Any], lang: str | None, parents: Sequence[str]) -> list[Record]:
        """The steps whose words a template of that name made of these inputs, for the same picture (the first parent's), by number, as of
        the last look at the folder.
        """
        with self._lock:
            found = self._rendered.get(prompt_key(template, inputs, lang, parents) or "", ())
            return sorted(found, key=lambda r: r.number)

    def newest_of(self, parents: Sequence[str], most: int) -> tuple[Record, ...]:
        """The last few steps that continue the first of these parents, or that are roots where there is none; `most` of them, as of the
        last look at the folder.
        """
        with self._lock:
            return tuple(self._children.get(parents[0] if parents else "", ())[-most:])

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

    def trail(self, record: Record) -> list[Record]:
        """The records from the root to this one. Where a parent is damaged or missing it begins behind it."""
        found = [record]
        while found[-1].parents:
            try:
                found.append(self.get(found[-1].parents[0]))
            except StepNotFound:
                break
        return found[::-1]

    def tags(self) -> dict[str, str]:
        """Name to id, by name."""
        return read_tags(self.folder)

    def head(self) -> tuple[str | None, tuple[str, ...]]:
        """The id where the next opening starts (None before the first step), and what undo left for redo, next first."""
        return read_head(self.folder)

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
            data = read_file(path)
        except (OSError, ValueError):
            data = b""
        if hashlib.sha256(data).hexdigest() != digest:
            raise LineageError(f"{path} is missing or damaged.", path=path)
        return data

    def is_whole(self, record: Record) -> bool:
        """Whether all its pictures are on disk as they were recorded. LineageError for one that a tool stores elsewhere: that is not lost,
        and must not be paid for again.
        """
        wrong = [output.name for output in record.outputs if wrong_file(self.folder, output.name, output.sha256, output.bytes)]
        for name in wrong:
            refuse_stored_elsewhere(self.folder / name)
        return not wrong

    def verify(self) -> list[Problem]:
        """Everything on disk that disagrees with its hash: records, pictures, sources, templates, extra, parents, tags, head and marker."""
        from promptkit.lineage.verify import verify

        return verify(self.folder, was_there=self.exists)

    # Looking

    def _look(self) -> None:
        """Lists the folder anew: other processes may have added some."""
        new, gone = self._names.look()
        for name in gone:
            self._leave_out(name)
        self._unread.update(filter(RECORD_NAME.fullmatch, new))

    def _leave_out(self, name: str) -> None:
        """A record is gone."""
        self._unread.discard(name)
        if record := self._records.pop(name, None):
            self._read = [r for r in self._read if r is not record]
            self._children[_first_parent(record)].remove(record)
            if record.recipe:
                self._recipes[record.recipe].remove(record)
            if key := _prompt_key(record):
                self._rendered[key].remove(record)

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
                    self._take_in(record)
            return self._records.get(name)

    def _loaded(self, names: Iterable[str]) -> list[Record]:
        return [r for n in names if (r := self._load(n))]

    def _take_in(self, record: Record) -> None:
        """Takes in a record that was read, or written here."""
        name = record.path.name
        with self._lock:
            if name in self._records:  # another thread has read it from disk meanwhile
                return
            self._records[name] = record
            if self._names.add(name):  # written here, since the last look
                self._unread.add(name)
            self._children.setdefault(_first_parent(record), []).append(record)
            if record.recipe:
                self._recipes.setdefault(record.recipe, []).append(record)
            if key := _prompt_key(record):
                self._rendered.setdefault(key, []).append(record)

    def _last(self) -> int:
        with self._lock:
            self._look()
            return self._names.last

    def numbered(self, number: int) -> list[Record]:
        """The readable records with that number: one, or those that merged copies have."""
        return self._loaded(self._with_number(number))

    def _with_number(self, number: int) -> Sequence[str]:
        with self._lock:
            self._look()
            return self._names.with_number(number)

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
        with self._lock:
            self._look()
            names = self._names.beginning(key)
        return [r for r in self._loaded(names) if r.id.startswith(key)]

    # Writing

    def set_head(self, head: str | None, redo: Sequence[str] = ()) -> None:
        """Says where the next opening starts."""
        write_head(self.folder, head, redo)

    def set_tag(self, name: str, full_id: str) -> None:
        """Names a step; a tag that is in use moves. LineageError for a name that could be a number."""
        write_tag(self.folder, name, full_id)

    @staticmethod
    def source_name(picture: Picture) -> str:
        """Where a picture from outside stands within the folder."""
        return source_name(f"{picture.sha256}{suffix_of(picture.mime_type)}")

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
            if not _holds(path, data):  # a damaged one is mended
                atomic.write_whole(path, data, durable=True)
                atomic.sync_folder(path.parent)

    # Requests in flight

    def take_request(self, asked: str) -> Holder | None:
        """Claims a request (a recipe, or what else tells it from others) for this process; else who has it. Makes the folder where there
        is none. LineageError where nothing can be written.
        """
        self.create()
        with writing(self.folder):
            return take_request(request_path(self.folder, asked))

    def holder_of(self, asked: str) -> Holder | None:
        """Who has a request claimed; None where nobody has. LineageError where that cannot be read."""
        with writing(self.folder):
            return holder_of(request_path(self.folder, asked))

    def let_request_go(self, asked: str) -> None:
        """Gives up a request that this process claimed; what it asked for is on record, or was not sent."""
        path = request_path(self.folder, asked)
        let_request_go(path)
        with self._lock:
            self._names.remove(path.name)

    def known_with(self, recipe: str) -> frozenset[str]:
        """The ids of the steps that asked for that, as of the last look at the folder."""
        with self._lock:
            return frozenset(r.id for r in self._recipes.get(recipe, ()))

    # Steps in flight

    def begin(self, slug: str, fields: Mapping[str, Any]) -> PendingStep:
        """Claims the next number for a step, and puts in order what killed processes left. Makes the folder where there is none."""
        fields = {"schema": SCHEMA, "number": 0, **fields}
        Record.of(self.folder, "", {**empty_fields(), "outcome": "interrupted", **fields})  # said now, and not when it has been paid
        self.settle()
        with self._lock:
            self.create()
            with writing(self.folder):
                number, claim = self._next_number()
                hold(claim)
                try:
                    self._put_in_order(claim)
                except BaseException:
                    self._ended(claim)
                    raise
        return PendingStep(number, slug, {**fields, "number": number}, claim, self._ended)

    def settle(self) -> None:
        """Records what this process was answered and had no room for. LineageError where there is none still."""
        settle(self.folder)

    def adopt(self) -> bool:
        """Records now what killed processes were answered; whether there may be steps that were not there at the last look. What another
        process is just recording is waited for. What cannot be written is left to the next `begin`.
        """
        with self._lock, suppress(OSError, LineageError):
            if self._names.is_new:
                self._look()
        left = self._claimed()
        found = self._adopted()
        if not left:
            return found
        return self._waited_for_adopters() or found or not left <= self._claimed()

    def _adopted(self) -> bool:
        with self._lock, suppress(OSError, LineageError):
            return claims.adopt(self.folder, [*self._names.hidden], self.numbered, self._ended)
        return False

    def _waited_for_adopters(self) -> bool:
        """Looks anew until no other process turns a claim into a record, and does it for one that died over it; whether it had to wait."""
        end, waited = time.monotonic() + claims.ADOPTING, False
        while self._are_others_adopting() and time.monotonic() < end:
            waited = True
            time.sleep(0.01)
        if waited:
            self._adopted()
        return waited

    def _are_others_adopting(self) -> bool:
        with self._lock:
            self._look()
            return claims.are_being_adopted(self.folder, [*self._names.hidden])

    def _claimed(self) -> set[int]:
        with self._lock:
            return set(claims.claimed(self._names.hidden))

    def create(self) -> None:
        """Makes the session folder where there is none yet, and its marker where that was lost."""
        if self._made and self.folder.is_dir():  # else it was deleted under an open session
            return
        self.exists = is_session(self.folder)
        if not (self.exists and is_marked(self.folder)):
            make(self.folder)
            with self._lock:
                self._look()
        self.exists = self._made = True

    def set_aside(self, holder: str, aside: Mapping[str, float]) -> None:
        """Notes what `holder` (hex digits) keeps aside for its requests, money by currency and numbers of requests, so that all who use
        the folder count it.
        """
        self.create()
        claims.set_aside(self.folder, holder, aside)

    def under_way(self) -> list[UnderWay]:
        """What each process has under way in the folder, this one included; what a dead one kept aside counts no longer, its steps do."""
        with self._lock:
            self._look()
            names = [*self._names.hidden]
        return claims.under_way(self.folder, names)

    def _next_number(self) -> tuple[int, Path]:
        """A claimed number, looked for from the last look at the folder on: the claim looks again, for what rivals did since."""
        if self._names.is_new:
            self._look()
        return claims.take(self.folder, self._highest, lambda number: bool(self._with_number(number)))

    def _highest(self) -> int:
        return max(self._names.last, max(claims.claimed(self._names.hidden), default=0))

    def _put_in_order(self, own: Path) -> None:
        """What killed processes left."""
        claims.adopt(self.folder, [*self._names.hidden], self.numbered, self._ended, own)
        claims.clear(self.folder, [*self._names.hidden])
        if not self._looked_beside:
            claims.clear_beside(self.folder)
            self._looked_beside = True

    def _ended(self, claim: Path, record: Record | None = None) -> None:
        """Gives a number back, or its claim up once it has its record."""
        let_go(claim)
        with nullcontext() if record is None else suppress(OSError):  # the step is on record, and the next writer sees that
            claim.unlink(missing_ok=True)
        with self._lock:
            self._names.remove(claim.name)
        if record is not None:
            self._take_in(record)


def _holds(path: Path, data: bytes) -> bool:
    try:
        return read_file(path, len(data)) == data
    except OSError:
        return False


def _first_parent(record: Record) -> str:
    return record.parents[0] if record.parents else ""


def _prompt_key(record: Record) -> str | None:
    return prompt_key(record.prompt.template, record.prompt.inputs, record.prompt.lang, record.parents)
