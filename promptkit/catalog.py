"""Over all sessions: which there are, whose prompts hold these words, which step made this picture. Writes into no session.

Each answer reads what it needs: `sessions` and `find` the records, `which` the names in the folders and only then the records of those
that have it. What pictures look like is kept, by their sha256, in a file of the user's own, so that each is decoded once.
"""

from __future__ import annotations

import json
import os
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from promptkit import display, markup, settings
from promptkit.errors import PictureError, PromptkitError, SettingsError, brief_path, warn
from promptkit.folding import even, folded, snippet
from promptkit.likeness import alike, look_of
from promptkit.lineage import MARKER, Problem
from promptkit.looks import Looks
from promptkit.picture import SUFFIXES, Picture
from promptkit.progress import Progress
from promptkit.record import RECORD_NAME, number_of
from promptkit.session import Session
from promptkit.step import Step, Steps

__all__ = ["Found", "FoundSteps", "Looked", "Match", "Matches", "SessionInfo", "Sessions", "find", "sessions", "which"]

PICTURES_SHOWN = 24  # in a notebook; each is decoded for it
THUMBNAIL = 160  # pixels
WIDEST = 60  # columns that a prompt takes in a table of text
AT_ONCE = 32  # pictures that are looked at before what was seen is written down
PICTURE_SUFFIXES = (*SUFFIXES.values(), ".img")
OLDEST = datetime(1970, 1, 1, tzinfo=UTC)
T = TypeVar("T")
R = TypeVar("R", bound="Results[Any]")
Where = str | os.PathLike[str]


# What is returned


class Looked(NamedTuple):
    """How much a search looked at: sessions, steps (their records read), pictures, and how many of these it had to decode."""

    sessions: int = 0
    steps: int = 0
    pictures: int = 0
    decoded: int = 0

    def __str__(self) -> str:
        counts = [f"{n:,} {name if n != 1 else name[:-1]}" for name, n in zip(self._fields[:3], self, strict=False) if n]
        decoded = f" ({self.decoded:,} of them decoded)" if self.decoded else ""
        return (", ".join(counts) or "no sessions") + decoded


class Results(tuple[T, ...]):
    """What a search found; `seconds` is how long it took, `looked` at how much, `problems` is what it could not read."""

    seconds: float = 0.0
    looked: Looked = Looked()
    problems: tuple[Problem, ...] = ()

    @property
    def summary(self) -> str:
        """One line: how many were found, in how much, in what time."""
        took = f"{self.seconds * 1000:.0f} ms" if self.seconds < 1 else f"{self.seconds:.1f} s"
        return f"{len(self)} found; looked at {self.looked} in {took}"

    def __repr__(self) -> str:
        return "\n".join([*self._lines(), *map(str, self.problems), self.summary])

    def _lines(self) -> list[str]:
        return list(map(repr, self))

    def _html(self) -> Iterable[markup.Html]:
        raise NotImplementedError

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002
        notes = [markup.Html(f"<div>{markup.escape(p)}</div>") for p in self.problems]
        return {"text/plain": repr(self), "text/html": markup.card(self.summary, *self._html(), *notes)}


@dataclass(frozen=True)
class SessionInfo:
    """One session at a glance: its steps, what it cost in USD (`unpriced` attempts are not in it), when its last step ended, its tags by
    name, and its head in one line. `problem` says what of it cannot be read; None where all can.
    """

    name: str
    folder: Path
    steps: int = 0
    cost: float = 0.0
    unpriced: int = 0
    changed: datetime | None = None
    tags: tuple[str, ...] = ()
    head: str | None = None
    problem: str | None = None

    @property
    def session(self) -> Session:
        """The session itself. LineageError where it cannot be opened."""
        return Session(self.folder)

    @property
    def cells(self) -> tuple[str, ...]:
        """What stands in its line of a table: name, steps, cost, last change, tags, and its problem or its head."""
        cost = f"{self.cost:.4f} USD" + (f" + {self.unpriced} unpriced" if self.unpriced else "")
        changed = f"{self.changed.astimezone():%Y-%m-%d %H:%M}" if self.changed else ""
        tags = " ".join(f"[{tag}]" for tag in self.tags)
        return tuple(map(_shown, (self.name, str(self.steps), cost, changed, tags, self.problem or self.head or "")))


class Sessions(Results[SessionInfo]):
    """Sessions, the last changed first: a table."""

    HEADER = ("name", "steps", "cost", "last change", "tags", "head")

    def rows(self) -> list[str]:
        """A line for each, in columns."""
        return _aligned([info.cells for info in self])

    def _lines(self) -> list[str]:
        return _aligned([self.HEADER, *(info.cells for info in self)]) if self else []

    def _html(self) -> Iterable[markup.Html]:
        if self:
            yield markup.table([(*info.cells, brief_path(info.folder)) for info in self], (*self.HEADER, "folder"))


@dataclass(frozen=True, repr=False)
class Found:
    """A step that holds the words: `where` most of them are (prompt, label, tag, template, input …, answer), and a `snippet` with one."""

    session: Session
    step: Step
    where: str
    snippet: str

    def __repr__(self) -> str:
        return f"<Found {self.session.folder.name} {self.step.number}, {_shown(self.where)}: {_shown(self.snippet)}>"


class FoundSteps(Results[Found]):
    """Steps that hold the words, newest first."""

    @property
    def steps(self) -> Steps:
        """The steps alone."""
        return Steps(found.step for found in self)

    def _html(self) -> Iterable[markup.Html]:
        yield markup.strip(_figure(f.session, f.step, 0, f.snippet, shown=i < PICTURES_SHOWN) for i, f in enumerate(self))


@dataclass(frozen=True, repr=False)
class Match:
    """A step that has the picture: `step.pictures[picture]`, or, where it is a `source` from outside, `step.sources[picture]`.

    `exact`: the very bytes. Else `distance` is how many of 64 bits of the looks differ, and `difference` how far the colours are apart.
    """

    session: Session
    step: Step
    picture: int
    exact: bool
    distance: int = 0
    difference: float = 0.0
    source: bool = False

    @property
    def path(self) -> Path:
        """Where the picture is, or was."""
        if not self.source:
            return self.step.files[self.picture]
        return self.session.folder / "sources" / Path(self.step.record.sources[self.picture]["file"]).name

    @property
    def how(self) -> str:
        """In words: the very bytes, or how alike; made, brought by the user, or sent along."""
        said = "the very bytes" if self.exact else f"looks alike, {self.distance} of 64 bits differ"
        whose = ", sent along as a reference" if self.source else ", a picture of one's own" if self.step.outcome == "added" else ""
        return said + whose + ("" if self.path.exists() else "; its file is missing")

    def __repr__(self) -> str:
        return f"<Match {self.session.folder.name} {self.step.number}, {self.how}: {display.headline(self.step.record)}>"


class Matches(Results[Match]):
    """The steps that a picture may be of, best first: those that made it, then those that were given it."""

    @property
    def steps(self) -> Steps:
        """The steps alone."""
        return Steps(match.step for match in self)

    def _html(self) -> Iterable[markup.Html]:
        yield markup.strip(
            _figure(m.session, m.step, m.picture, m.how, source=m.source, shown=i < PICTURES_SHOWN) for i, m in enumerate(self)
        )


# The three searches


def sessions(folder: Where | None = None) -> Sessions:
    """The sessions in the user's data folder, or directly in `folder` (which may be one itself), the last changed first.

    One that cannot be read is listed with its problem. SettingsError where the folder itself cannot be read.
    """
    search = _Search(folder)
    found = [search.info(f) for f in search.folders]
    found.sort(key=lambda info: info.changed or OLDEST, reverse=True)
    return search.ended(Sessions(found))


def find(words: str | Iterable[str], folder: Where | None = None) -> FoundSteps:
    """The steps that hold all the words, newest first, in prompt, template, inputs, label, tags or what the model said.

    Case and accents do not matter, and parts of words count. A text is taken apart at its spaces; a list holds phrases. Which sessions:
    as `sessions` says. SettingsError where there is no word.
    """
    wanted = _wanted(words)
    search = _Search(folder)
    found = [f for session, steps in search.opened() for f in _found(session, steps, wanted)]
    found.sort(key=lambda f: (_moment(f.step) or OLDEST, f.step.number), reverse=True)
    return search.ended(FoundSteps(found))


def which(picture: Any, folder: Where | None = None) -> Matches:
    """The steps that made a picture (path, bytes, PIL image, Picture): by its very bytes; where none has these, by its looks, best first.

    A picture that was sent along from outside is found too. The first search by looks decodes every picture, once: what they look like is
    kept. Which sessions: as `sessions` says. PictureError where the picture cannot be read.
    """
    search = _Search(folder)
    asked = _unchecked(picture)
    matches = search.exact(asked.sha256)
    if not matches:
        matches = search.alike(Picture.open(picture))
    matches.sort(key=lambda m: (m.difference, m.distance, m.source, m.step.outcome == "added", m.step.started, m.step.number))
    return search.ended(Matches(matches))


class _Search:
    """One search: where it looks, how much it looked at, and what it could not read."""

    def __init__(self, folder: Where | None) -> None:
        self._start = time.perf_counter()
        self._counts = dict.fromkeys(Looked._fields, 0)
        self.problems: list[Problem] = []
        self.folders = _session_folders(folder)
        self._counts["sessions"] = len(self.folders)

    def ended(self, results: R) -> R:
        """The results, with what the search took."""
        results.seconds = time.perf_counter() - self._start
        results.looked = Looked(**self._counts)
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
            unpriced=sum(a.get("cost") is None for s in steps for a in s.attempts),
            changed=max(filter(None, map(_moment, steps)), default=None),
            tags=tuple(sorted(tags)),
            head=display.headline(head.record) if head else None,
            problem=_unreadable(session, steps),
        )

    # Pictures

    def exact(self, sha256: str) -> list[Match]:
        """Where those very bytes are: by the names of files, else (a file may be gone that its record still tells of) by the records."""
        holders: tuple[Callable[[Path], bool], ...] = (lambda f: self._names(f, sha256), lambda f: _mentions(f, sha256))
        for holds in holders:
            found = [m for s, steps in self.opened(filter(holds, self.folders)) for m in _with({sha256: (0, 0.0)}, s, steps, exact=True)]
            if found:
                return found
        return []

    def _names(self, folder: Path, sha256: str) -> bool:
        pictures = list(_picture_files(folder))
        self._counts["pictures"] += len(pictures)
        return any(sha256.startswith(beginning) for _, beginning in pictures)

    def alike(self, picture: Picture) -> list[Match]:
        """Where pictures are that look like it."""
        asked = look_of(picture)
        if asked is None:
            warn("The picture is one flat colour, so it has no looks to be found by: only its very bytes were looked for.")
            return []
        files = [(folder, *file) for folder in self.folders for file in _picture_files(folder)]
        looks = self._looks({beginning: path for _, path, beginning in files})
        by_folder: dict[Path, dict[str, tuple[int, float]]] = {}
        for folder, _, beginning in files:
            for sha256, look in looks.of(beginning):
                if look and (how := alike(asked, look)):
                    by_folder.setdefault(folder, {})[sha256] = how
        return [m for s, steps in self.opened(by_folder) for m in _with(by_folder[s.folder], s, steps)]

    def _looks(self, files: Mapping[str, Path]) -> Looks:
        """What they look like; those that nobody has looked at yet are, and what was seen is kept, also when Ctrl-C ends it."""
        looks = Looks(settings.data_folder().parent / "looks-1.jsonl")
        unseen = [(path, beginning) for beginning, path in files.items() if not looks.of(beginning)]
        with Progress(len(unseen)) as progress:
            progress.say("looking at pictures")
            try:
                for i, (path, beginning) in enumerate(unseen, 1):
                    self._look(looks, path, beginning)
                    progress.advance()
                    if i % AT_ONCE == 0:
                        looks.keep()
            finally:
                looks.keep()
        return looks

    def _look(self, looks: Looks, path: Path, beginning: str) -> None:
        try:
            picture = Picture(path.read_bytes())
        except OSError as error:
            self.problems.append(Problem(_number(path), path, f"cannot be read ({error.strerror or error})"))
            return
        if not picture.sha256.startswith(beginning):
            self.problems.append(Problem(_number(path), path, "is not what was recorded (its sha256 differs)"))
            return
        self._counts["decoded"] += 1
        try:
            looks.add(picture.sha256, look_of(picture))
        except PictureError:  # what Pillow cannot read is found by its bytes alone
            looks.add(picture.sha256, None)


# Folders and files


def _session_folders(folder: Where | None) -> list[Path]:
    try:
        top = (settings.data_folder() if folder is None else Path(folder).expanduser()).absolute()
        inside = sorted(top.iterdir())
    except (OSError, ValueError, RuntimeError, TypeError) as error:  # the last three: no path, a name no folder can have, an unknown home
        if folder is None and isinstance(error, FileNotFoundError):  # before the first session
            return []
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        where = str(settings.data_folder() if folder is None else folder)
        raise SettingsError(f"The folder {where[:300]!r} cannot be searched: {reason}; give one that holds sessions.") from None
    return [path for path in (top, *inside) if _is_session(path)]


def _is_session(path: Path) -> bool:
    """Whether sessions or what is left of one are there, or might be: then it is opened, and that says what is wrong."""
    try:
        if (path / MARKER).is_file():
            return True
        return path.is_dir() and any(RECORD_NAME.fullmatch(name) for name in _listed(path))
    except OSError:
        return True


def _listed(folder: Path) -> list[str]:
    return os.listdir(folder)  # noqa: PTH208  (much faster than making a Path of each)


def _picture_files(folder: Path) -> Iterator[tuple[Path, str]]:
    """The pictures of a session, each with as much of its sha256 as its name has."""
    for place in (folder, folder / "sources"):
        try:
            names = sorted(_listed(place))
        except OSError:  # there is no sources/, or the session is being moved
            continue
        for name in names:
            stem, dot, suffix = name.rpartition(".")
            if dot + suffix in PICTURE_SUFFIXES and not name.startswith("."):
                yield place / name, stem.rpartition("-")[2]


def _number(path: Path) -> int | None:
    return number_of(path.name) if path.name.partition("-")[0].isdecimal() and "-" in path.name else None


def _mentions(folder: Path, sha256: str) -> bool:
    """Whether a record of the session holds that hash."""
    wanted = sha256.encode()
    try:
        return any(wanted in (folder / name).read_bytes() for name in _listed(folder) if RECORD_NAME.fullmatch(name))
    except OSError:  # opening it will say what is wrong
        return True


def _unreadable(session: Session, steps: Sequence[Step]) -> str | None:
    lost = len(session) - len(steps)
    if lost <= 0:
        return None
    return f"{lost} of its {len(session)} records cannot be read; `promptkit verify -s {brief_path(session.folder)}` names them"


# Words


def _wanted(words: str | Iterable[str]) -> list[str]:
    given = words.split() if isinstance(words, str) else words if isinstance(words, Iterable) else ()
    wanted = [plain for word in given if isinstance(word, str) and (plain := folded(even(word)))]
    if not wanted:
        raise SettingsError(f'There is no word to look for in {words!r:.60}; give some, such as find("red panda").')
    return wanted


def _found(session: Session, steps: Sequence[Step], wanted: Sequence[str]) -> Iterator[Found]:
    names: dict[str, list[str]] = {}
    for name, step in session.tags.items():
        names.setdefault(step.id, []).append(name)
    for step in steps:
        texts = [(where, even(text)) for where, text in _texts(step, names.get(step.id, ()))]
        plain = [folded(text) for _, text in texts]
        if all(any(word in text for text in plain) for word in wanted):
            best = max(range(len(texts)), key=lambda i: sum(word in plain[i] for word in wanted))
            where, text = texts[best]
            yield Found(session, step, where, snippet(text, next(word for word in wanted if word in plain[best])))


def _texts(step: Step, tags: Iterable[str]) -> Iterator[tuple[str, str]]:
    """All that is searched of a step, with its place; the first of several places that hold as many words is shown."""
    prompt = step.record.prompt
    yield from (("prompt", prompt.get("text") or ""), ("label", step.label or ""))
    yield from (("tag", tag) for tag in tags)
    yield "template", prompt.get("template") or ""
    for name, value in (prompt.get("inputs") or {}).items():
        yield f"input {name}", value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    for attempt in step.attempts:
        yield "answer", attempt.get("text") or ""


# Pictures


def _unchecked(picture: Any) -> Picture:
    """The picture as it lies there: its bytes may be known though nothing can decode them."""
    if isinstance(picture, bytes | bytearray | memoryview):
        return Picture(bytes(picture))
    if isinstance(picture, str | os.PathLike):
        with suppress(OSError, ValueError, RuntimeError):
            return Picture(Path(picture).expanduser().read_bytes())
    return Picture.open(picture)


def _with(wanted: Mapping[str, tuple[int, float]], session: Session, steps: Sequence[Step], *, exact: bool = False) -> Iterator[Match]:
    """The steps that have pictures of these sha256, which came out or went in from outside; how alike they are comes along."""
    for step in steps:
        entries = [(i, o, False) for i, o in enumerate(step.record.outputs)]
        entries += [(i, s, True) for i, s in enumerate(step.record.sources) if s.get("file")]
        for i, entry, is_source in entries:
            if how := wanted.get(entry["sha256"]):
                yield Match(session, step, i, exact, *how, source=is_source)


# Showing


def _moment(step: Step) -> datetime | None:
    try:
        moment = datetime.fromisoformat(step.ended)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment if 1970 < moment.year < 9000 else None  # those that a clock or a hand made up


def _shown(text: str) -> str:
    """The text on one line, without what would drive a terminal: a folder may come from a stranger."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(text.split()))


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows in columns; letters that are twice as wide count twice."""
    cut = [[_cut(cell) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*cut, strict=True)]
    return ["  ".join(cell + " " * (w - _width(cell)) for cell, w in zip(row, widths, strict=True)).rstrip() for row in cut]


def _cut(text: str) -> str:
    if _width(text) <= WIDEST:
        return text
    while _width(text) >= WIDEST:
        text = text[:-1]
    return text + "…"


def _width(text: str) -> int:
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.category(c) in ("Mn", "Me") for c in text)


def _figure(session: Session, step: Step, picture: int, caption: str, *, source: bool = False, shown: bool = True) -> markup.Html:
    """A step that was found, with its picture where it has one that can be shown."""
    caption = f"{session.folder.name} {step.number}: {caption}"
    with suppress(PromptkitError):  # a step whose sources are damaged was found all the same
        if shown and (pictures := step.sources if source else step.pictures):
            image = markup.figure(pictures[picture].thumbnail(THUMBNAIL), caption, alt=display.headline(step.record))
            return markup.Html(f'<div style="width:{THUMBNAIL}px">{image}</div>')
    words = f"width:{THUMBNAIL}px;margin:4px;font-size:85%;overflow-wrap:anywhere"
    return markup.Html(f'<div style="{words}">{markup.escape(caption)}</div>')
