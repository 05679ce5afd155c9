"""Records on disk: which steps there are, what each asked and got, and where the head and the tags stand.

A session is one self-contained folder. A step is a record file and the pictures that it names; its id is the sha256 of its record file, and
a record names its parents by their ids, so that the history checks itself (`sha256sum` will do). Files are written once and never
rewritten, but for the head, the tags and the note of a step in flight. The presence of its record is what makes a step exist.
Opening never writes.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import threading
import time
from bisect import insort
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from promptkit import atomic
from promptkit.errors import LineageError, StepNotFound, did_you_mean, nearest
from promptkit.images.formats import suffix_of
from promptkit.images.picture import Picture
from promptkit.lineage import claims
from promptkit.lineage.claims import UnderWay
from promptkit.lineage.files import json_bytes, read_file, read_json, recorded_picture, refuse_stored_elsewhere, wrong_file
from promptkit.lineage.head_and_tags import as_tagged, read_head, read_tags, remove_tag, write_head, write_tag
from promptkit.lineage.holding import hold, let_go
from promptkit.lineage.index import Index
from promptkit.lineage.layout import (
    UNDER_WAY,
    extra_name,
    is_marked,
    is_session,
    make,
    make_under_way,
    source_name,
    template_name,
    under_way_in,
    writing,
)
from promptkit.lineage.marked import Wanted, is_marked_word
from promptkit.lineage.marks import Mark, marks_by_step, marks_of, write_marks
from promptkit.lineage.pending_step import PendingStep, settle
from promptkit.lineage.prompt_key import prompt_key
from promptkit.lineage.record import Problem, Record, number_of
from promptkit.lineage.references import NamedPictures, normal, read_references, remove_reference, write_reference
from promptkit.lineage.request_claims import (
    Holder,
    holder_of,
    let_job_request_go,
    let_request_go,
    request_path,
    take_request,
    take_request_for_job,
)
from promptkit.lineage.rows import Row, Sums, added, asked_by, prompt_key_of
from promptkit.lineage.schema import empty_fields, schema_of
from promptkit.values import built_in

__all__ = ["Lineage"]

NUMBER = re.compile(r"[0-9]{1,6}")
ID_BEGINNING = re.compile(r"[0-9a-f]{4,64}")
RECENT = 64  # records that are held after they were used, for those who come back to them


class Lineage:
    """The records of one session folder. Names are read first, and records when they are asked for; those that nobody holds are read again,
    unless all were asked for.

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
            self._index = Index(self.folder, self._load)
            self._records: WeakValueDictionary[str, Record] = WeakValueDictionary()  # by file name, those that somebody holds
            self._recent: deque[Record] = deque(maxlen=RECENT)
            self._unread: set[str] = set()  # those that are not in the next one: all, until all are asked for
            self._read: list[Record] = []  # by number
            self._children: dict[str, list[Record]] = {}  # of those
            self._looked_beside = False  # for what killed writers left in the folders within
            self._made = False  # the marker was seen to be whole, or written

    # Reading

    def records(self) -> tuple[Record, ...]:
        """All records that can be read, by number."""
        with self._lock:
            self._look()
            return tuple(self._all())

    def read(self) -> tuple[tuple[Record, ...], int]:
        """All records that can be read, by number, and how many cannot: both of one look at the folder."""
        with self._lock:
            return self.records(), len(self._unread)

    def count(self) -> int:
        """How many steps there are, without reading them."""
        with self._lock:
            self._look()
            return len(self._index.names)

    def get(self, full_id: str) -> Record:
        """The record with that id. StepNotFound where it is not here."""
        with self._lock:
            if self._index.names.with_id(full_id) is None:
                self._look()
            name = self._index.names.with_id(full_id)
            record = self._load(name) if name else None
        if record and record.id == full_id:
            return record
        raise StepNotFound(f"The step {full_id[:10]} is not in {self.folder}; `verify` lists what is damaged.", path=self.folder)

    def has(self, full_id: str) -> bool:
        """Whether the record with that id is here."""
        try:
            self.get(full_id)
        except StepNotFound:
            return False
        return True

    def find(self, key: int | str) -> Record:
        """One look-up for all: an int or up to six digits is a number, then a tag, then the beginning of an id, then the only step that is
        marked so, @keep.
        """
        key = built_in(key)
        if not isinstance(key, int | str):
            said = f"A {type(key).__name__} names no step; give a number, a tag, or the beginning of an id."
            raise StepNotFound(said, path=self.folder)
        if isinstance(key, int) or NUMBER.fullmatch(key):
            return self._by_number(int(key))
        if (tag := as_tagged(key, tags := self.tags())) in tags:
            return self.get(tags[tag])
        if (name := normal(key)) in (references := self.references()):
            return self._step_of(references[name])
        if ID_BEGINNING.fullmatch(key) and (matches := self._beginning(key)):
            return self._only(matches, f"The id {key!r}")
        if is_marked_word(key):
            return self._marked_alone(key)
        named = {**tags, **references}
        near = nearest(key, named)
        raise StepNotFound(
            f"There is no step {key!r}{did_you_mean(key, named)}; give its number (1 to {self._last()}), a tag "
            f"({', '.join(map(repr, tags)) or 'none yet'}){_or_a(references)}, or the beginning of its id "
            "(four or more of its hex digits).",
            near=near,
            path=self.folder,
        )

    def _step_of(self, named: NamedPictures) -> Record:
        """The step whose picture alone a reference stands for."""
        if len(named.pictures) == 1 and (step := named.pictures[0].step):
            return self.get(step)
        several = f"{len(named.pictures)} pictures" if len(named.pictures) > 1 else "a picture from outside"
        said = f"{named.name!r} is a reference to {several}, and no step"
        error = StepNotFound(f"{said}: it goes along by its name, among the references.", path=self.folder)
        raise error.also(in_shell=f"{said}: -r {shlex.quote(named.name)} sends it along.")

    def _marked_alone(self, word: str) -> Record:
        """The only step that is marked as the word says. StepNotFound where none is, or several are."""
        wanted = Wanted.read(word) or Wanted()
        found = [*self._there(full_id for full_id, marks in self.marks().items() if wanted.fits(marks))]
        if len(found) == 1:
            return found[0]
        numbers = ", ".join(str(record.number) for record in found)
        said = f"{word!r} means {len(found)} steps here ({numbers})" if found else f"No step is marked so that {word!r:.60} means it"
        advice = "name one of them" if found else "`marks` lists what is said of which step"
        raise StepNotFound(f"{said}; {advice}.", near=[r.id for r in found], path=self.folder)

    def children(self, record: Record) -> tuple[Record, ...]:
        """The steps that continue it, by number."""
        with self._lock:  # another opening of the folder in this process begins anew in between
            self._look()
            self._all()
            return tuple(sorted(self._children.get(record.id, ()), key=lambda r: r.number))

    def with_recipe(self, *recipes: str, but: Container[str] = ()) -> tuple[Record, ...]:
        """The steps that asked for the same thing, by number, without those whose files' names are in `but`; for several recipes, those of
        the first first.
        """
        return tuple(r for recipe in recipes for r in self._that_asked(recipe, lambda row: row.name not in but))

    def answered(self, *recipes: str) -> tuple[Record, ...]:
        """Those of the steps that asked for the same thing that brought a picture, in the same order."""
        return tuple(r for recipe in recipes for r in self._that_asked(recipe, lambda row: row.ok))

    def rendered_from(self, template: str | None, inputs: Mapping[str, Any], lang: str | None, parents: Sequence[str]) -> list[Record]:
        """The steps whose words a template of that name made of these inputs, for the same picture (the first parent's), by number."""
        key = prompt_key(template, inputs, lang, parents)
        return self._where("rendered", key, lambda record: prompt_key_of(record) == key) if key else []

    def newest_of(self, parents: Sequence[str], most: int) -> tuple[Record, ...]:
        """The last few steps that continue the first of these parents, or that are roots where there is none; `most` of them."""
        parent = parents[0] if parents else ""
        return tuple(self._where("parent", parent[:10], lambda record: _first_parent(record) == parent, newest=most))

    def added_with(self, sha256: str, on: Record | None = None) -> Record | None:
        """The picture of one's own with these bytes, where it was added already and is whole: as a root, or `on` a step."""
        return next(filter(self.is_whole, self._that_asked(added(sha256, on.id if on else ""), lambda row: row.ok)), None)

    def with_picture(self, sha256: str) -> tuple[Record, ...]:
        """The steps whose first picture has these bytes, by number, whether it is there still or not."""
        return tuple(self._where("picture", sha256[:10], lambda record: bool(record.outputs) and record.outputs[0].sha256 == sha256))

    def newest_first(self) -> Iterator[Record]:
        """The records that can be read, from the newest on, each read when it is its turn."""
        with self._lock:
            self._look()
            names = self._index.names.newest_first()
        return (record for name in names if (record := self._load(name)))

    def _that_asked(self, asked: str, wanted: Callable[[Row], bool]) -> list[Record]:
        return self._where("asked", asked, lambda record: asked_by(record) == asked, wanted) if asked else []

    def _where(
        self, name: str, value: str, is_right: Callable[[Record], bool], wanted: Callable[[Row], bool] = lambda _: True, newest: int = 0
    ) -> list[Record]:
        """The records in whose rows that stands, by number; what a row says is believed when its record was read, and `is_right`."""
        with self._lock:
            self._know_all()
            rows = [row for row in self._index.rows.having(name, value) if wanted(row)]
            found = self._loaded(row.name for row in rows[-newest:])
            if not all(os.path.lexists(r.path) for r in found):  # one that is held may have been deleted
                self._look()
                found = [r for r in found if r.path.name in self._index.names]
            for wrong in (r for r in found if not is_right(r)):
                self._index.correct(wrong)
        return sorted(filter(is_right, found), key=lambda r: r.number)

    def sums(self) -> tuple[Sums, int]:
        """What all records that can be read come to, and how many cannot: both as of one moment."""
        with self._lock:
            self._know_all()
            return self._index.rows.sums.copy(), len(self._index.damaged)

    def models_asked(self) -> list[tuple[str, str]]:
        """The endpoints that were asked here, each with the model."""
        with self._lock:
            self._know_all()
            return [pair for pair, steps in self._index.rows.sums.asked.items() if steps]

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
        return [*self.back_from(record)][::-1]

    def back_from(self, record: Record) -> Iterator[Record]:
        """This record, its parent and so on to the root, each read when it is its turn. Ends before one that is damaged or missing."""
        yield record
        with suppress(StepNotFound):
            while record.parents:
                record = self.get(record.parents[0])
                yield record

    def tags(self) -> dict[str, str]:
        """Name to id, by name. A name is a step's or a reference's: one that is both, in copies that were merged, is a reference's."""
        named = read_references(self.folder)
        return {name: full_id for name, full_id in read_tags(self.folder).items() if normal(name) not in named}

    def references(self) -> dict[str, NamedPictures]:
        """What each named reference stands for, by name."""
        return read_references(self.folder)

    def marks(self) -> dict[str, tuple[Mark, ...]]:
        """The marks that count, the newest of each reader, by the ids of their steps, in the order of the steps; of those that are here."""
        found = {}
        with self._lock:
            self._catch_up()
        for full_id, marks in marks_by_step(self.folder).items():
            if (number := self._number_of(full_id)) is not None:
                found[full_id] = tuple(mark.in_session(self.folder, number) for mark in marks)
        return dict(sorted(found.items(), key=lambda item: (item[1][0].number or 0, item[0])))

    def marks_of(self, record: Record) -> tuple[Mark, ...]:
        """The marks of a step that count, by the readers' names."""
        return tuple(mark.in_session(self.folder, record.number) for mark in marks_of(self.folder, record.id))

    def add_marks(self, marks: Iterable[Mark]) -> list[Mark]:
        """Adds marks of steps that are here; returns those that were not there. LineageError where nothing can be written."""
        return write_marks(self.folder, marks)

    def _number_of(self, full_id: str) -> int | None:
        """The number of a step, by its id, without reading it; None where it is not here."""
        with self._lock:
            name = self._index.names.with_id(full_id)
        return number_of(name) if name else None

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

    def kept_picture(self, sha256: str, mime_type: str | None = None, size: tuple[int, int] | None = None) -> Picture:
        """A picture that is kept beside the records, by its sha256. Reading it raises LineageError where it is missing or damaged."""
        path = self.folder / extra_name(sha256)
        return recorded_picture(path, sha256=sha256, mime_type=mime_type or "application/octet-stream", size=size)

    def is_whole(self, record: Record) -> bool:
        """Whether all its pictures are on disk as they were recorded, and none was forgotten. LineageError for one that a tool stores
        elsewhere: that is not lost, and must not be paid for again.
        """
        if record.forgotten:
            return False
        wrong = [output.name for output in record.outputs if wrong_file(self.folder, output.name, output.sha256, output.bytes)]
        for name in wrong:
            refuse_stored_elsewhere(self.folder / name)
        return not wrong

    def verify(self) -> list[Problem]:
        """Everything on disk that disagrees with its hash: records, pictures, sources, templates, extra, parents, tags, references, head
        and marker.
        """
        from promptkit.lineage.verify import verify

        return verify(self.folder, was_there=self.exists)

    # Looking

    def _look(self) -> None:
        """Lists the folder anew: what is there now."""
        self._follow(*self._index.look())

    def _catch_up(self) -> bool:
        """Takes in what others have recorded, and says whether it was anything; what was copied or taken away besides is seen some seconds
        later.
        """
        new, gone = self._index.catch_up()
        self._follow(new, gone)
        return bool(new)

    def _know_all(self) -> None:
        """Catches up, and has a row for each record that can be read."""
        self._catch_up()
        self._index.complete()

    def _follow(self, new: Sequence[str], gone: Sequence[str]) -> None:
        self._unread.update(new)
        for name in gone:
            self._unread.discard(name)
            self._records.pop(name, None)
        if gone and self._read:
            self._read = [r for r in self._read if r.path.name in self._index.names]
            self._children = {}
            for record in self._read:
                self._children.setdefault(_first_parent(record), []).append(record)

    def _all(self) -> list[Record]:
        """All records that can be read, by number, as of the last look; from now on they are held."""
        for name in sorted(self._unread):
            if record := self._load(name):
                self._unread.discard(name)
                insort(self._read, record, key=lambda r: (r.number, r.id))
                self._children.setdefault(_first_parent(record), []).append(record)
        return self._read

    def _load(self, name: str) -> Record | None:
        """The record, or None for one that is damaged: the others stay readable, and `verify` names it."""
        with self._lock:
            if (record := self._records.get(name)) is None:
                try:
                    record = Record.read(self.folder / name)
                except LineageError as error:
                    if error.newer:  # unlike a damaged one it must not be passed over
                        raise
                    return None
                if not record.is_itself:
                    return None
                self._hold(record)
            return record

    def _hold(self, record: Record) -> None:
        self._records[record.path.name] = record
        self._recent.append(record)

    def _loaded(self, names: Iterable[str]) -> list[Record]:
        return [r for n in names if (r := self._load(n))]

    def _take_in(self, record: Record) -> None:
        """Takes in a record that was written here, and tells other processes of it."""
        name = record.path.name
        with self._lock:
            if name not in self._index.names:  # else another thread has looked meanwhile
                self._unread.add(name)
            self._index.note(record)
            if name not in self._records:
                self._hold(record)

    def _last(self) -> int:
        with self._lock:
            self._catch_up()
            return self._index.names.last

    def numbered(self, number: int) -> list[Record]:
        """The readable records with that number: one, or those that merged copies have."""
        with self._lock:
            self._look()
            return self._loaded(self._index.names.with_number(number))

    def _with_number(self, number: int) -> Sequence[str]:
        with self._lock:
            self._catch_up()
            return self._index.names.with_number(number)

    def _by_number(self, number: int) -> Record:
        names = self._with_number(number)
        if not names:
            with self._lock:
                self._look()
                names = self._index.names.with_number(number)
        if not names:
            there = f"its steps are numbered 1 to {self._last()}" if self.count() else "the session has no steps yet"
            raise StepNotFound(f"There is no step {number}; {there}.", path=self.folder)
        if not (found := self._loaded(names)):
            path = self.folder / names[0]
            raise LineageError(f"The record of step {number}, {path}, is damaged; `verify` says how.", path=path)
        return self._only(found, f"The number {number}")

    def _only(self, found: Sequence[Record], what: str) -> Record:
        if len(found) > 1:
            ids = " and ".join(r.id[:16] for r in found)
            raise StepNotFound(f"{what} is shared by {ids}; give the beginning of the id.", near=[r.id for r in found], path=self.folder)
        return found[0]

    def _beginning(self, key: str) -> list[Record]:
        with self._lock:
            self._look()
            names = self._index.names.beginning(key)
        return [r for r in self._loaded(names) if r.id.startswith(key)]

    # Writing

    def set_head(self, head: str | None, redo: Sequence[str] = ()) -> None:
        """Says where the next opening starts."""
        write_head(self.folder, head, redo)

    def set_tag(self, name: str, full_id: str) -> None:
        """Names a step; a tag that is in use moves, and a reference of that name is one no longer. LineageError for a name that could be a
        number.
        """
        write_tag(self.folder, name, full_id)
        remove_reference(self.folder, name)

    def set_reference(self, named: NamedPictures, from_outside: Iterable[Picture]) -> None:
        """Says what a name stands for from now on, with the pictures of it that are no step's; a tag's name is one no longer."""
        self.create()
        for picture in from_outside:
            self.keep_source(picture)
        write_reference(self.folder, named)
        for tag in read_tags(self.folder):
            if normal(tag) == named.name:
                remove_tag(self.folder, tag)

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

    def take_request_for_job(self, asked: str, job: Path) -> Holder | None:
        """Claims a request for the batch job whose file that is, as long as it is there; else who has it."""
        self.create()
        with writing(self.folder):
            return take_request_for_job(request_path(self.folder, asked), job)

    def let_job_request_go(self, asked: str, job: Path) -> None:
        """Gives up a request that was claimed for that job."""
        let_job_request_go(request_path(self.folder, asked), job)

    def known_with(self, recipe: str) -> frozenset[str]:
        """The names of the files of the steps that asked for that, as far as they are known already."""
        with self._lock:
            return frozenset(row.name for row in self._index.rows.having("asked", recipe))

    # Steps in flight

    def begin(self, slug: str, fields: Mapping[str, Any]) -> PendingStep:
        """Claims the next number for a step, and puts in order what killed processes left. Makes the folder where there is none."""
        fields = {"schema": schema_of(fields), "number": 0, **fields}
        Record.of(self.folder, "", {**empty_fields(), "outcome": "interrupted", **fields})  # said now, and not when it has been paid
        self.settle()
        with self._lock:
            self.create()
            with writing(self.folder):
                number, claim = self._next_number()
                hold(claim)
                try:
                    self._put_in_order(claim)
                    self._index.tell()
                except BaseException:
                    self._ended(claim)
                    raise
        return PendingStep(self.folder, number, slug, {**fields, "number": number}, claim, self._ended)

    def settle(self) -> None:
        """Records what this process was answered and had no room for. LineageError where there is none still."""
        settle(self.folder)

    def adopt(self) -> bool:
        """Records now what killed processes were answered; whether there may be steps that were not there at the last look. What another
        process is just recording is waited for. What cannot be written is left to the next `begin`.
        """
        found, has_waited = self._adopted(), False
        end = time.monotonic() + claims.ADOPTING
        while self._are_others_adopting() and time.monotonic() < end:
            has_waited = True
            time.sleep(0.01)
        if has_waited:
            self._adopted()  # for one that died over it
        return found or has_waited

    def _adopted(self) -> bool:
        with self._lock, suppress(OSError, LineageError):
            new = self._catch_up()
            return claims.adopt(self.folder, self._under_way(), self.numbered, self._ended) or new
        return False

    def _are_others_adopting(self) -> bool:
        with self._lock:
            return claims.are_being_adopted(self._under_way())

    def create(self) -> None:
        """Makes the session folder where there is none yet, and its marker where that was lost."""
        if self._made and (self.folder / UNDER_WAY).is_dir():  # else it was deleted under an open session
            return
        self.exists = is_session(self.folder)
        if not (self.exists and is_marked(self.folder)):
            make(self.folder)
            with self._lock:
                self._look()
        with writing(self.folder):
            make_under_way(self.folder)
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
            self._catch_up()
            return claims.under_way(self._under_way())

    def _under_way(self) -> list[Path]:
        """What processes have under way, those of earlier versions as of the last listing."""
        return [*under_way_in(self.folder), *map(self.folder.joinpath, self._index.names.hidden)]

    def _next_number(self) -> tuple[int, Path]:
        """A claimed number, looked for from what is known on: the claim looks again, for what rivals did since."""
        self._catch_up()
        return claims.take(self.folder, self._highest, lambda number: bool(self._with_number(number)))

    def _highest(self) -> int:
        return max(self._index.names.last, max(claims.claimed(self._under_way()), default=0))

    def _put_in_order(self, own: Path) -> None:
        """What killed processes left."""
        claims.adopt(self.folder, self._under_way(), self.numbered, self._ended, own)
        claims.clear(self._under_way())
        if not self._looked_beside:
            claims.clear_beside(self.folder)
            self._looked_beside = True

    def _ended(self, claim: Path, record: Record | None = None) -> None:
        """Gives a number back, or its claim up once it has its record."""
        let_go(claim)
        if record is None:
            claim.unlink(missing_ok=True)
            return
        self._take_in(record)  # first: who has the number next looks whether it is told
        with suppress(OSError):  # the step is on record, and the next writer sees that
            claim.unlink(missing_ok=True)


def _or_a(references: Iterable[str]) -> str:
    named = ", ".join(map(repr, references))
    return f", a reference ({named})" if named else ""


def _holds(path: Path, data: bytes) -> bool:
    try:
        return read_file(path, len(data)) == data
    except OSError:
        return False


def _first_parent(record: Record) -> str:
    return record.parents[0] if record.parents else ""
