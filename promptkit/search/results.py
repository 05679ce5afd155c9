"""What searches over all sessions find: sessions, steps and pictures, which show themselves as lines of text and as HTML.

Their notes say how to search further: in Python's words, or, given the SHELL hints, in the command line's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from promptkit import markup
from promptkit.cost import FREE, Cost
from promptkit.errors import PromptkitError, brief_path
from promptkit.json_objects import ToDict, dicts, flat_object
from promptkit.lineage.record import Problem
from promptkit.session.session import Session
from promptkit.session.step import Step, Steps
from promptkit.terminal import aligned, cut, printable
from promptkit.views.facts import BY_HAND, MADE_HERE, headline

__all__ = ["SHELL", "Found", "FoundSteps", "Match", "Matches", "Results", "Searched", "SessionInfo", "Sessions"]

PICTURES_SHOWN = 24  # in a notebook; each is decoded for it
THUMBNAIL = 160  # pixels
ANEW = "the same picture, saved anew or made smaller"
OWN = "a picture of one's own"  # a headline says the same
WIDEST = 60  # columns that a cell takes in a table of text
T = TypeVar("T", bound=ToDict)


class Hints(NamedTuple):
    """How to search further, as one types it: for what only looks similar, in the current folder, and in the user's data folder."""

    similar: str
    here: str
    home: str


SHELL = Hints("--similar", "--in .", "without a FOLDER:")


class Searched(NamedTuple):
    """How much was searched: how many sessions, steps (whose records were read), pictures, and how many of these had to be decoded."""

    sessions: int = 0
    steps: int = 0
    pictures: int = 0
    decoded: int = 0

    def __str__(self) -> str:
        counts = [f"{n:,} {name if n != 1 else name[:-1]}" for name, n in zip(self._fields[:3], self, strict=False) if n]
        decoded = f" ({self.decoded:,} of them decoded)" if self.decoded else ""
        return (", ".join(counts) or "no sessions") + decoded


class Results(tuple[T, ...]):
    """What a search found: `seconds` is how long it took, `looked` how much was searched, `problems` what could not be read, `where` the
    folder that was searched, and `home` whether that is the user's data folder.
    """

    HINTS = Hints("similar=True", "", "")
    seconds: float = 0.0
    looked: Searched = Searched()
    problems: tuple[Problem, ...] = ()
    where: Path | None = None
    home: bool = True

    @property
    def summary(self) -> str:
        """One line: how many were found, in how much, in what time."""
        took = f"{self.seconds * 1000:.0f} ms" if self.seconds < 1 else f"{self.seconds:.1f} s"
        return f"{self._counted()}; looked at {self.looked} in {took}"

    def _counted(self) -> str:
        return f"{len(self)} found"

    def to_dicts(self) -> list[dict[str, Any]]:
        """Each as one flat object: `pandas.DataFrame(find("fox").to_dicts())` is a table."""
        return dicts(self)

    @property
    def notes(self) -> list[str]:
        """A line for each problem, then how to search further, in Python's words."""
        return self.notes_with(self.HINTS)

    def notes_with(self, hints: Hints) -> list[str]:
        """The notes, with these hints on how to search further."""
        return [_line(text) for text in (*map(str, self.problems), *self._advice(hints))]

    def _advice(self, hints: Hints) -> Iterable[str]:
        """Where nothing was found, which folder was searched."""
        if not self and self.where:
            yield self._folder_note(hints)

    def _folder_note(self, hints: Hints) -> str:
        elsewhere = f"{hints.here} looks in the folder you are in" if self.home else f"{hints.home} your data folder"
        return f"looked in {self.where}; {elsewhere}"

    def __repr__(self) -> str:
        return "\n".join([*self._lines(), *self.notes, self.summary])

    def _lines(self) -> list[str]:
        return list(map(repr, self))

    def _html(self) -> Iterable[markup.Html]:
        raise NotImplementedError

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, Any]:
        notes = [markup.Html(f"<div>{markup.escape(note)}</div>") for note in self.notes]
        return markup.mime_bundle(repr(self), markup.card(self.summary, *self._html(), *notes), include, exclude)


@dataclass(frozen=True)
class SessionInfo:
    """One session at a glance: its steps, what it cost, when its last step ended, its tags by
    name, and its head in one line. `problem` says what of it cannot be read; None where all can.
    """

    name: str
    folder: Path
    steps: int = 0
    cost: Cost = FREE
    changed: datetime | None = None
    tags: tuple[str, ...] = ()
    head: str | None = None
    problem: str | None = None

    @property
    def unpriced(self) -> int:
        """How many of its attempts have no known price."""
        return self.cost.unpriced

    def to_dict(self) -> dict[str, Any]:
        """As one flat object (promptkit.session/1); `steps` is how many there are, `changed` ISO 8601."""
        names = {"session": self.name, "folder": self.folder, "steps": self.steps, **self.cost.columns()}
        changed = self.changed.isoformat() if self.changed else None
        return flat_object("session", **names, changed=changed, tags=self.tags, head=self.head, problem=self.problem)

    @property
    def session(self) -> Session:
        """The session itself. LineageError where it cannot be opened."""
        return Session(self.folder)

    @property
    def cells(self) -> tuple[str, ...]:
        """Its row in a table: name, steps, cost, last change in local time, tags, and its problem or its head."""
        unpriced = f"{self.unpriced} unpriced" if self.unpriced else ""
        cost = " + ".join(filter(None, (self.cost.known_in_words(".4f"), unpriced)))
        changed = f"{self.changed.astimezone():%Y-%m-%d %H:%M}" if self.changed else ""
        tags = " ".join(f"[{tag}]" for tag in self.tags)
        return tuple(map(_line, (self.name, str(self.steps), cost, changed, tags, self.problem or self.head or "")))


class Sessions(Results[SessionInfo]):
    """Sessions, the last changed first: a table."""

    HINTS = Hints("", 'sessions(".")', "sessions() looks in")
    HEADER = ("name", "steps", "cost", "last change", "tags", "head")

    def rows(self) -> list[str]:
        """A line for each, in columns."""
        return _table(info.cells for info in self)

    def _advice(self, hints: Hints) -> Iterable[str]:
        if self.where:
            yield self._folder_note(hints)

    def _lines(self) -> list[str]:
        return _table([self.HEADER, *(info.cells for info in self)]) if self else []

    def _html(self) -> Iterable[markup.Html]:
        if self:
            yield markup.table([(*info.cells, _line(brief_path(info.folder))) for info in self], (*self.HEADER, "folder"))


def _table(rows: Iterable[Iterable[str]]) -> list[str]:
    return aligned([cut(cell, WIDEST) for cell in row] for row in rows)


@dataclass(frozen=True, repr=False)
class Found:
    """A step that holds the words: `where` most of them stand (prompt, label, tag, template, input …, reference, answer), with a
    `snippet`.
    """

    session: Session
    step: Step
    where: str
    snippet: str

    @property
    def line(self) -> str:
        """Which step it is, where the words are, and the snippet."""
        return _line(f"{_session_and_number(self.session, self.step)}, {self.where}: {self.snippet}")

    def to_dict(self) -> dict[str, Any]:
        """As one flat object (promptkit.found/1): the step's, and `where` and `snippet`."""
        return {**self.step.to_dict(), **flat_object("found", where=self.where, snippet=self.snippet)}

    def __repr__(self) -> str:
        return f"<Found {self.line}>"


class FoundSteps(Results[Found]):
    """Steps that hold the words, newest first."""

    HINTS = Hints("", 'find("fox", ".")', 'find("fox") looks in')

    @property
    def steps(self) -> Steps:
        """The steps alone."""
        return Steps(found.step for found in self)

    def _html(self) -> Iterable[markup.Html]:
        yield markup.strip(_figure(f.session, f.step, 0, f.snippet, shown=i < PICTURES_SHOWN) for i, f in enumerate(self))


@dataclass(frozen=True, repr=False)
class Match:
    """A step that has the picture: `step.pictures[picture]`, or, where it is a `source` from outside, `step.sources[picture]`.

    `exact`: it has the very bytes. `same`: it has these, or is the same picture saved anew, made smaller or cropped a little; else it looks
    similar. `distance` is how many of 64 bits of the fingerprints differ, `difference` how far the colours are apart.
    """

    session: Session
    step: Step
    picture: int
    exact: bool
    same: bool = True
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
        """In words: whether it has the very bytes or how alike it is; and whether it was added or sent along."""
        return self._how(f", {self._whose}" if self._whose else "")

    @property
    def _whose(self) -> str:
        """Who made it, where no service did."""
        record = self.step.record
        return BY_HAND if record.by_hand else MADE_HERE if record.is_made else OWN if record.outcome == "added" else ""

    def _how(self, added: str) -> str:
        said = "the very bytes" if self.exact else ANEW if self.same else f"looks similar ({self.percent:.1f} % alike)"
        whose = ", sent along as a reference" if self.source else added
        return said + whose + ("" if self.path.exists() else "; its file is missing")

    @property
    def percent(self) -> float:
        """How alike the colours are, in percent: 100 the same, 0 as alike as those of any two pictures."""
        return max(0.0, 100 - 50 * self.difference)

    @property
    def made(self) -> bool:
        """Whether the step made it: it was neither added nor sent along."""
        return not self.source and self.step.outcome != "added"

    @property
    def order(self) -> tuple[object, ...]:
        """The sort key: the same picture first (made, added, sent along; steps with words before stripped ones), then by likeness."""
        wordless = bool(self.step.record.fields.get("stripped_from"))
        whose = (self.source, not self.made, wordless, not self.exact)
        alike = (self.difference, self.distance)
        return (not self.same, *(whose + alike if self.same else alike + whose), self.step.started, self.step.number)

    @property
    def line(self) -> str:
        """Which step it is, how it matches, and what was asked there."""
        asked = headline(self.step.record)
        how = self._how("") if asked == OWN or BY_HAND in asked else self.how  # once is enough
        return _line(f"{_session_and_number(self.session, self.step)}, {how}: {asked}")

    def to_dict(self) -> dict[str, Any]:
        """As one flat object (promptkit.match/1): the step's, and how it matches; `match` is the path of the picture that does."""
        how = {"exact": self.exact, "same": self.same, "distance_bits": self.distance, "difference": self.difference, "source": self.source}
        return {**self.step.to_dict(), **flat_object("match", match=self.path, **how)}

    def __repr__(self) -> str:
        return f"<Match {self.line}>"


class Matches(Results[Match]):
    """The steps that have a picture, best first: those that made it, then those that were given it.

    `similar` are those that only look like it: they are among the steps only where that was asked for.
    """

    HINTS = Hints("similar=True", 'which("fox.png", ".")', 'which("fox.png") looks in')
    similar: tuple[Match, ...] = ()

    def _counted(self) -> str:
        listed = sum(not match.same for match in self)
        return f"{len(self) - listed} found" + (f", {listed} similar" if listed else "")

    def _advice(self, hints: Hints) -> Iterable[str]:
        if self.similar and not self:
            best = self.similar[0]
            n = len(self.similar)
            listed = f"{hints.similar} lists {_it_or_them(n)}, the best is {best.line}"
            yield f"none is the same picture; {n} look{'s' * (n == 1)} similar: {listed}"
        elif self.similar and all(match.same for match in self):
            n = len(self.similar)
            yield f"{n} other{'s' * (n > 1)} look{'s' * (n == 1)} similar; {hints.similar} lists {_it_or_them(n)}"
        yield from super()._advice(hints)

    @property
    def steps(self) -> Steps:
        """The steps alone."""
        return Steps(match.step for match in self)

    def _html(self) -> Iterable[markup.Html]:
        yield markup.strip(
            _figure(m.session, m.step, m.picture, m.how, source=m.source, shown=i < PICTURES_SHOWN) for i, m in enumerate(self)
        )


def _it_or_them(n: int) -> str:
    return "it" if n == 1 else "them"


def _figure(session: Session, step: Step, picture: int, caption: str, *, source: bool = False, shown: bool = True) -> markup.Html:
    """A step that was found, with its picture where it has one that can be shown."""
    caption = _line(f"{_session_and_number(session, step)}: {caption}")
    with suppress(PromptkitError):  # a step whose sources are damaged was found all the same
        if shown and (pictures := step.sources if source else step.pictures):
            image = markup.figure(pictures[picture].thumbnail(THUMBNAIL), caption, alt=headline(step.record))
            return markup.Html(f'<div style="width:{THUMBNAIL}px">{image}</div>')
    words = f"width:{THUMBNAIL}px;margin:4px;font-size:85%;overflow-wrap:anywhere"
    return markup.Html(f'<div style="{words}">{markup.escape(caption)}</div>')


def _session_and_number(session: Session, step: Step) -> str:
    return f"{session.folder.name} {step.number}"


def _line(text: str) -> str:
    """The text as one line that can be shown anywhere: names of folders may be no text at all."""
    return printable(" ".join(text.split()))
