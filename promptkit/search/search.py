"""The three searches over all sessions: which sessions there are, which steps hold these words, which step made this picture.

None writes into a session. `sessions` and `find` read the records; `which` reads the names of files, and only then the records of the
sessions that have the picture. Fingerprints are cached in a file of the user's own, so that each picture is decoded once.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from promptkit.archive.png_embed import has_embedded, without_embedded
from promptkit.errors import PictureError, PromptkitError, SettingsError, brief_path, warn
from promptkit.images.fingerprint import Fingerprint, Likeness, alike, fingerprint, nearest
from promptkit.images.picture import Picture, PictureSource
from promptkit.lineage.files import LARGEST_PICTURE, read_file, reason
from promptkit.lineage.location import Where
from promptkit.lineage.record import Problem
from promptkit.progress import Progress
from promptkit.search.locations import PictureFile, mentions, picture_files, searched_folder, session_folders
from promptkit.search.results import Found, FoundSteps, Match, Matches, Results, Searched, SessionInfo, Sessions
from promptkit.search.text_match import folded, normalized, snippet
from promptkit.session.fingerprint_cache import FingerprintCache, cache_path
from promptkit.session.mark_values import wanted_marks
from promptkit.session.session import Session
from promptkit.session.step import Step, Steps
from promptkit.views.facts import headline

__all__ = ["find", "sessions", "which"]

SAVED_EVERY = 32  # pictures that are decoded between two writes of the cache
IDENTICAL = Likeness(0, 0.0, same=True)
OLDEST = datetime(1970, 1, 1, tzinfo=UTC)
R = TypeVar("R", bound=Results[Any])


# The three searches


def sessions(folder: Where | None = None) -> Sessions:
    """The sessions in the user's data folder, or directly in `folder` (which may be one itself), the last changed first.

    One that cannot be read is listed with its problem. SettingsError where the folder itself cannot be read.
    """
    search = _Search(folder)
    found = [search.info(f) for f in search.folders]
    found.sort(key=lambda info: info.changed or OLDEST, reverse=True)
    return search.ended(Sessions(found))


def find(words: str | Iterable[str] = (), folder: Where | None = None, *, marked: str | None = None, by: str | None = None) -> FoundSteps:
    """The steps that hold all the words, newest first, in prompt, template, inputs, label, tags, notes of marks, names of pictures that
    went along or what the model said; with `marked` those that are marked so ("keep", "reject", "4stars"), `by` one reader or by all.

    Case, accents and the way in which a sign is written do not matter, and parts of words count. A text is taken apart at its spaces; a
    list holds phrases. `folder`: as in `sessions`. SettingsError where there is no word.
    """
    wanted = [] if marked is not None and not words else _wanted(words)
    if marked is not None:
        wanted_marks(marked, None, by)  # said now, and not when a session is searched
    search = _Search(folder)
    found = [f for session, steps in search.opened() for f in _found(session, _that_are(session, steps, marked, by), wanted)]
    found.sort(key=lambda f: (_moment(f.step) or OLDEST, f.step.number), reverse=True)
    return search.ended(FoundSteps(found))


def which(picture: PictureSource, folder: Where | None = None, *, similar: bool = False) -> Matches:
    """The steps that made a picture (path, bytes, PIL image, Picture): by its very bytes; where none made these, by its looks, best first.

    By looks the same picture is found though it was saved anew, made smaller or cropped a little; pictures that only look similar are
    counted, and listed with similar=True. Steps that added the picture or sent it along are found too. The first search by looks decodes
    every picture; their fingerprints are cached. `folder`: as in `sessions`. PictureError where the picture cannot be read.
    """
    search = _Search(folder)
    asked = _without_lineage(_unchecked(picture))
    matches = search.exact(asked.sha256)
    if not any(match.made for match in matches):
        matches += search.alike(picture, asked.sha256, known=bool(matches))
    matches.sort(key=lambda match: match.order)
    found = Matches(match for match in matches if match.same or similar)
    found.similar = tuple(match for match in matches if not match.same)
    return search.ended(found)


def _without_lineage(picture: Picture) -> Picture:
    """The picture; of a copy that was saved with its lineage inside, the picture that it is a copy of."""
    data = picture.data
    return Picture(without_embedded(data)) if has_embedded(data) else picture


class _Search:
    """One search: the folders to search, how much was searched, and what could not be read."""

    def __init__(self, folder: Where | None) -> None:
        self._start = time.perf_counter()
        self._counts = dict.fromkeys(Searched._fields, 0)
        self.problems: list[Problem] = []
        self.where, self.home = folder, folder is None
        self.folders = session_folders(folder)
        self._counts["sessions"] = len(self.folders)

    def ended(self, results: R) -> R:
        """The results, with how long the search took and what was searched."""
        results.seconds = time.perf_counter() - self._start
        results.looked = Searched(**self._counts)
        results.where, results.home = searched_folder(self.where), self.home
        results.problems = tuple(dict.fromkeys(self.problems))
        return results

    def opened(self, only: Iterable[Path] | None = None) -> Iterator[tuple[Session, Steps]]:
        """The sessions with their steps; those that cannot be read become problems."""
        for folder in self.folders if only is None else only:
            try:
                session = Session(folder)
                steps = session.steps
            except PromptkitError as error:
                self.problems.append(Problem(None, folder, str(error)))
                continue
            self._counts["steps"] += len(steps)
            if said := _unreadable(session, steps):
                self.problems.append(Problem(None, folder, said))
            yield session, steps

    def info(self, folder: Path) -> SessionInfo:
        """One session at a glance; its problem where it cannot be read."""
        try:
            session = Session(folder)
            steps, tags, head = session.steps, session.tags, session.head
        except PromptkitError as error:
            return SessionInfo(folder.name, folder, problem=str(error))
        self._counts["steps"] += len(steps)
        return SessionInfo(
            name=folder.name,
            folder=folder,
            steps=len(session),
            cost=session.cost,
            changed=max(filter(None, map(_moment, steps)), default=None),
            tags=tuple(sorted(tags)),
            head=headline(head.record) if head else None,
            problem=_unreadable(session, steps),
        )

    # Pictures

    def exact(self, sha256: str) -> list[Match]:
        """The steps with those very bytes: found by the names of files; where none of these made the picture, by the records too, for a
        file may be gone while its record still names it.
        """
        holders: tuple[Callable[[Path], bool], ...] = (lambda f: self._names(f, sha256), lambda f: mentions(f, sha256))
        found: list[Match] = []
        left = list(self.folders)
        for holds in holders:
            if not any(match.made for match in found):
                holding = list(filter(holds, left))
                left = [folder for folder in left if folder not in holding]
                found += [m for s, steps in self.opened(holding) for m in _with({sha256: IDENTICAL}, s, steps, exact=True)]
        return found

    def _names(self, folder: Path, sha256: str) -> bool:
        pictures = list(picture_files(folder))
        self._counts["pictures"] += len(pictures)
        return any(sha256.startswith(file.beginning) for file in pictures)

    def alike(self, picture: PictureSource, sha256: str, *, known: bool) -> list[Match]:
        """The steps with other pictures that look like it. PictureError where it cannot be decoded, unless its bytes are `known`."""
        try:
            asked = fingerprint(Picture.open(picture))
        except PictureError:
            if known:
                return []
            raise
        if asked is None:
            if not known:
                warn("The picture hardly varies, so it has no looks to be found by: only its very bytes were looked for.")
            return []
        return self._with_likeness(asked, sha256)

    def _with_likeness(self, asked: Fingerprint, besides: str) -> list[Match]:
        files = [(folder, file) for folder in self.folders for file in picture_files(folder)]
        cache = self._filled_cache({file.beginning: file for _, file in files})
        others = {sha256: other for _, file in files for sha256, other in cache.of(file.beginning) if other and sha256 != besides}
        found = nearest({sha256: how for sha256, other in others.items() if (how := alike(asked, other))})
        having = dict.fromkeys(folder for folder, file in files if any(sha256 in found for sha256, _ in cache.of(file.beginning)))
        return [m for s, steps in self.opened(having) for m in _with(found, s, steps)]

    def _filled_cache(self, files: Mapping[str, PictureFile]) -> FingerprintCache:
        """The fingerprints of these pictures. Those that are not cached yet are made, and saved, also when Ctrl-C ends it."""
        cache = FingerprintCache(cache_path())
        new = [file for beginning, file in files.items() if not cache.of(beginning)]
        with Progress(len(new)) as progress:
            progress.say("looking at pictures")
            try:
                for i, file in enumerate(new, 1):
                    self._add_fingerprint(cache, file)
                    progress.advance()
                    if i % SAVED_EVERY == 0:
                        cache.save()
            finally:
                cache.save()
        return cache

    def _add_fingerprint(self, cache: FingerprintCache, file: PictureFile) -> None:
        try:
            picture = Picture(read_file(file.path, LARGEST_PICTURE))
        except OSError as error:
            self.problems.append(Problem(file.step, file.path, f"cannot be read ({reason(error)})"))
            return
        if not picture.sha256.startswith(file.beginning):
            self.problems.append(Problem(file.step, file.path, "is not what was recorded (its sha256 differs)"))
            return
        self._counts["decoded"] += 1
        try:
            cache.add(picture.sha256, fingerprint(picture))
        except PictureError:  # what Pillow cannot read is found by its bytes alone
            cache.add(picture.sha256, None)


def _unreadable(session: Session, steps: Sequence[Step]) -> str | None:
    lost = len(session) - len(steps)
    if lost <= 0:
        return None
    return f"{lost} of its {len(session)} records cannot be read; `promptkit verify -s {brief_path(session.folder)}` names them"


def _moment(step: Step) -> datetime | None:
    try:
        moment = datetime.fromisoformat(step.ended)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment if 1970 < moment.year < 9000 else None  # others come from a wrong clock, or were made up


def _remembered(steps: Iterable[Step]) -> Iterator[Step]:
    """Those that were not forgotten: who takes a picture away wants it found no more."""
    return (step for step in steps if not step.record.forgotten)


# Words


def _wanted(words: str | Iterable[str]) -> list[str]:
    given = words.split() if isinstance(words, str) else words if isinstance(words, Iterable) else ()
    wanted = [plain for word in given if isinstance(word, str) and (plain := folded(normalized(word)))]
    if not wanted:
        raise SettingsError(f'There is no word to look for in {words!r:.60}; give some, such as find("red panda").')
    return wanted


def _that_are(session: Session, steps: Sequence[Step], marked: str | None, by: str | None) -> Sequence[Step]:
    """Those that are marked so; all where nothing is said of that."""
    if marked is None:
        return steps
    ids = {step.id for step in session.marked(marked, by=by)}
    return [step for step in steps if step.id in ids]


def _found(session: Session, steps: Sequence[Step], wanted: Sequence[str]) -> Iterator[Found]:
    names: dict[str, list[str]] = {}
    for name, step in session.tags.items():
        names.setdefault(step.id, []).append(name)
    marks = steps[0].lineage.marks() if steps else {}
    for step in _remembered(steps):
        notes = [mark.text_by for mark in marks.get(step.id, ())]
        texts = [(where, normalized(text)) for where, text in _texts(step, names.get(step.id, ()), notes)]
        plain = [folded(text) for _, text in texts]
        if all(any(word in text for text in plain) for word in wanted):
            best = max(range(len(texts)), key=lambda i: (sum(word in plain[i] for word in wanted), not wanted and texts[i][0] == "mark"))
            where, text = texts[best]
            yield Found(session, step, where, snippet(text, next((word for word in wanted if word in plain[best]), "")))


def _texts(step: Step, tags: Iterable[str], marks: Iterable[str]) -> Iterator[tuple[str, str]]:
    """All texts of a step that are searched, with where they stand; of several with equally many of the words the first is shown."""
    prompt = step.record.prompt
    yield from (("prompt", prompt.get("text") or ""), ("label", step.label or ""))
    yield from (("tag", tag) for tag in tags)
    yield from (("mark", mark) for mark in marks)
    yield "template", prompt.get("template") or ""
    for name, value in (prompt.get("inputs") or {}).items():
        yield f"input {name}", value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    for said in dict.fromkeys(source.label or source.name for source in step.record.sources):
        yield "reference", said or ""
    for attempt in step.attempts:
        yield "answer", attempt.get("text") or ""


# Pictures


def _unchecked(picture: PictureSource) -> Picture:
    """The picture without decoding it: its bytes may be known though nothing here can decode them."""
    if isinstance(picture, bytes | bytearray | memoryview):
        return Picture(bytes(picture))
    if isinstance(picture, str | os.PathLike):
        with suppress(OSError, ValueError, RuntimeError):
            return Picture(Path(picture).expanduser().read_bytes())
    return Picture.open(picture)


def _with(wanted: Mapping[str, Likeness], session: Session, steps: Sequence[Step], *, exact: bool = False) -> Iterator[Match]:
    """The steps that have pictures of these sha256, made or sent along from outside, each with how alike it is."""
    for step in _remembered(steps):
        found = [(i, o.sha256, False) for i, o in enumerate(step.record.outputs)]
        found += [(i, s.sha256, True) for i, s in enumerate(step.record.sources) if s.file]
        for i, sha256, is_source in found:
            if how := wanted.get(sha256):
                yield Match(session, step, i, exact, how.same, how.bits, how.difference, source=is_source)
