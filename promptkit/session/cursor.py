"""A cursor on a lineage: the steps of one session's tree, and a head among them that moves."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from promptkit import markup
from promptkit.cost import FREE, Cost
from promptkit.engine.options import refuse_unknown
from promptkit.errors import LineageError, PictureError, SettingsError, StepNotFound, brief_path, warn
from promptkit.images.formats import PICTURE_SUFFIXES
from promptkit.images.picture import Picture, is_picture
from promptkit.lineage.location import Where
from promptkit.lineage.record import Problem, Record, added_up
from promptkit.lineage.tree import Lineage
from promptkit.progress import Listener
from promptkit.session.listings import Tags
from promptkit.session.step import Continuing, Step, Steps
from promptkit.terminal import how_many
from promptkit.values import built_in, is_url

if TYPE_CHECKING:  # what adds up and shows is loaded when someone looks
    from promptkit.engine.spending import Spending
    from promptkit.lineage.forgetting import Forgetting
    from promptkit.session.drift import Drift
    from promptkit.session.explanation import Explanation

__all__ = ["Cursor", "is_file_name"]

# What another thread than the head's says in place of a call that means the head.
INSTEAD = {
    "edit": "say on=, or call edit on a Step",
    "vary": "say on=, or call vary on a Step",
    "repeat": "call again on a Step",
    "tag": "say which step, tag(name, step)",
    "save": "call save on a Step",
    "follow": "say which step, as in trail(step)",
    "explain": "say which step, explain(step)",
    "measure": "say which step, drift(step)",
    "export": "say step=, or all=True",
    "replay": "say which steps, session.at(step).replay(…)",
}


class Cursor(Continuing):
    """The steps in one folder, and the head: the step from which the next edit starts. It asks for nothing; Session does.

    The head belongs to the thread that made the cursor. Others may read it; what they make leaves it where it is, and what would start from
    it or move it raises SettingsError there. `at(step)` makes a cursor for the thread that calls it.
    """

    def __init__(self, lineage: Lineage) -> None:
        self._lineage = lineage
        self._cursor: tuple[str | None, tuple[str, ...]] | None = None  # the head, and what undo left; None until someone asks
        self._listener: Listener | None = None  # who gets the lines of progress
        self._owner = threading.current_thread()  # the thread itself: its number is given to another one when it has ended

    # Moving

    def undo(self) -> Step:
        """Moves the head to its parent; nothing is deleted, and `redo` comes back. LineageError at a root."""
        step = self._head_step("undo")
        if not step.record.parents:
            said = f"Step {step.number} is a root: there is nothing before it; goto(…) moves the head anywhere."
            raise LineageError(said, path=self.folder)
        parent = self._step_of(self._lineage.get(step.record.parents[0]))
        self._move(parent.id, (step.id, *self._position[1]))
        return parent

    def redo(self) -> Step:
        """Takes back the last undo. LineageError where there is none to take back."""
        self._check_thread("redo")
        redo = self._position[1]
        if not redo:
            raise LineageError("There is no undo to take back; goto(…) moves the head anywhere.", path=self.folder)
        step = self._step_of(self._lineage.get(redo[0]))
        self._move(step.id, redo[1:])
        return step

    def goto(self, step: object) -> Step:
        """Moves the head to a step (a Step, a number, a tag, the beginning of an id)."""
        self._check_thread("goto")
        found = self._step(step)
        self._move(found.id)
        return found

    def at(self, step: object) -> Self:
        """A second cursor on the same folder, with its head at that step: a head of its own for the thread that calls it."""
        other = copy(self)
        other._cursor, other._owner = (self._step(step).id, ()), threading.current_thread()
        return other

    # Reading

    @property
    def tags(self) -> Tags[Step]:
        """The tagged steps by name."""
        return Tags({name: self._step_of(self._lineage.get(i)) for name, i in self._lineage.tags().items() if self._lineage.has(i)})

    @property
    def head(self) -> Step | None:
        """Where the next edit starts; None before the first step. Any thread may read it."""
        return self._step_of(self._lineage.get(self._position[0])) if self._position[0] else None

    @property
    def steps(self) -> Steps:
        """All steps by number, failed ones included."""
        return Steps(self._step_of(r) for r in self._lineage.records())

    @property
    def roots(self) -> Steps:
        """The steps that continue no other."""
        return Steps(s for s in self.steps if not s.record.parents)

    def children(self, step: object) -> Steps:
        """The steps that continue a step."""
        return Steps(self._step_of(r) for r in self._lineage.children(self._step(step).record))

    def trail(self, step: object = None) -> Steps:
        """The steps from the root to a step, by default the head."""
        return self._trail(step, "follow")

    def __getitem__(self, key: int | str) -> Step:
        return self._step_of(self._lineage.find(key))

    def __len__(self) -> int:
        return self._lineage.count()

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __contains__(self, step: object) -> bool:
        return isinstance(step, Step) and self._lineage.has(step.id)

    @property
    def folder(self) -> Path:
        """Where the session is, or will be with the first step."""
        return self._lineage.folder

    @property
    def cost(self) -> Cost:
        """What was spent, failures included; attempts without a known price are counted in it."""
        return sum((r.cost for r in self._lineage.records()), FREE)

    @property
    def usage(self) -> dict[str, int]:
        """The token counts of all attempts, added up."""
        return added_up(r.usage for r in self._lineage.records())

    def to_dicts(self) -> list[dict[str, Any]]:
        """All steps by number, each as one flat object: `pandas.DataFrame(session.to_dicts())` is a table. See Step.to_dict."""
        return self.steps.to_dicts()

    def save(self, path: Where, *, overwrite: bool = False) -> Path:
        """Writes the head's picture to a file, or by a pattern; see Step.save."""
        return self._head_step("save").save(path, overwrite=overwrite)

    @property
    def spending(self) -> Spending:
        """What was spent, by model and by outcome; shows itself as tables."""
        from promptkit.engine.spending import spending

        return spending(*self._lineage.read())

    def explain(self, step: object = None, *, measured: bool = False) -> Explanation:
        """How a step, by default the head, came to be, from its root on; `measured` compares each edit with what it started from."""
        from promptkit.session.explanation import explain

        walk = self._trail(step, "explain")
        return explain(self._lineage, walk[-1].record if walk else None, self._step_of, measured=measured)

    def drift(self, step: object = None) -> Drift:
        """What the trail of a step, by default the head, did to what nobody asked to change, and what helps; see session.drift.Drift."""
        from promptkit.session.drift import drift

        return drift(self._lineage, [s.record for s in self._trail(step, "measure")], self._step_of, self)

    def export(
        self,
        path: Where,
        *,
        step: Step | int | str | None = None,
        all: bool = False,  # noqa: A002  (the word that the command line has)
        strip: bool = False,
        overwrite: bool = False,
        **unknown: object,
    ) -> Path:
        """Writes a zip of the trail of a step, by default the head, or of all steps; `import_session` brings it back.

        `strip` leaves out prompts, inputs and all that the model said. More of it: promptkit.archive.export.
        """
        from promptkit.archive import export

        refuse_unknown(unknown, ("step", "all", "strip", "overwrite"))
        found = self._step(step) if step is not None else self.head if all else self._own_head("export")
        return export.export(self.folder, found.id if found else None, path, all=all, strip=strip, overwrite=overwrite)

    def recipe(self, path: Where, *, step: object = None, overwrite: bool = False) -> Path:
        """Writes the trail of a step, by default the head, as a recipe: a JSON file that `run` carries out over a table, here or elsewhere.

        It holds the templates' sources and the pictures that go along, and no endpoint. LineageError for a step that was made by hand, or
        edits a region.
        """
        from promptkit.session.recipe import Recipe, write_recipe

        trail = [each.record for each in self._trail(step, "follow")]
        return write_recipe(Recipe.of_trail(self._lineage, trail), path, overwrite=overwrite)

    def sheet(self, steps: object = None, *, columns: int | str | None = None, rows: int | str | None = None) -> Picture:
        """A contact sheet of these steps, by default of all that have a picture: a PNG, each picture at most 256 pixels wide and high over
        its number and caption, in rows of four or more. A step that continues the one before it has an arrow from there.

        `steps` are what `trail`, `children` and `vary` return, or any list of Steps, numbers, tags and beginnings of ids. `columns` and
        `rows` are numbers, or names of what varies along them, such as an input of the template; variants of two things are a grid of
        themselves. Captions are in any script that a font here has; what cannot be drawn or is not shaped is said in a warning.
        LineageError where there is no picture, SettingsError for more than 2,000, or a name that no step has.
        """
        from promptkit.session.sheet import sheet

        named = None if steps is None else [step.record for step in self._several(steps)]
        varied = [axis.name for axis in getattr(steps, "axes", ())]
        return sheet(self._lineage, named, varied, columns, rows, self._listener)

    def verify(self) -> list[Problem]:
        """What on disk disagrees with its hash."""
        return self._lineage.verify()

    def __repr__(self) -> str:
        if not self._lineage.exists:
            return f"<Session {self.folder.name!r}, new: {brief_path(self.folder)} is made with the first step>"
        return f"<Session {self.folder.name!r} in {brief_path(self.folder)}, {how_many(len(self), 'step')}>"

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, Any]:
        if not len(self):
            return markup.mime_bundle(repr(self), "", include, exclude)
        from promptkit.views.picture_tree import tree_html
        from promptkit.views.tree import tree_text

        text = f"{self!r}\n{tree_text(self._lineage, head=self._position[0])}"
        return markup.mime_bundle(text, markup.card(repr(self), tree_html(self._lineage, head=self._position[0])), include, exclude)

    def forget(self, *steps: object, words: bool = False, dry_run: bool = False) -> Forgetting:
        """Takes the bytes of steps' pictures out of the folder for good, and with `words` their prompts and replies; returns what went.

        Each is a Step, a number, a tag, the beginning of an id, or several steps (`Steps`). What other steps need stays. Records keep their
        ids, and children their parents; a note says when and by whom: the `name` of the config file. Exports and copies are not reached.
        `dry_run` shows what would go. LineageError where no step is named, StepNotFound, and where something cannot be deleted.
        """
        from promptkit.session.forgetting import forget

        return forget(self._lineage, [step.record for step in self._several(steps)], words=words, dry_run=dry_run)

    # The head

    @property
    def _position(self) -> tuple[str | None, tuple[str, ...]]:
        if self._cursor is not None:
            return self._cursor
        head, redo = self._lineage.head()
        found = (head, redo) if head and self._lineage.has(head) else (None, ())
        if self._is_mine:  # what another thread read could be older than what the owner has moved to since
            self._cursor = found
        return found

    def _move(self, head: str, redo: tuple[str, ...] = ()) -> None:
        self._lineage.set_head(head, redo)
        self._cursor = (head, redo)

    def _moved(self, step: Step) -> Step:
        """The step, with the head on it where this thread owns that. It is on disk, and perhaps paid: that the head cannot be written down
        must not lose it.
        """
        if self._is_mine and self._position != (step.id, ()):
            try:
                self._move(step.id)
            except LineageError as error:
                self._cursor = (step.id, ())
                warn(str(error))
        return step

    @property
    def _is_mine(self) -> bool:
        return self._owner is threading.current_thread()

    def _check_thread(self, what: str) -> None:
        """SettingsError where this thread does not own the head, with what to say instead."""
        if self._is_mine:
            return
        own = "session.at(step) has a head of this thread's own, and so has a session that is opened in it"
        said = f"{INSTEAD[what]}; {own}" if what in INSTEAD else own
        opener, here = (f"{thread.name!r:.60}" for thread in (self._owner, threading.current_thread()))
        raise SettingsError(f"The head belongs to the thread that opened this session, {opener}, and this is {here}: {said}.")

    def _own_head(self, what: str) -> Step | None:
        """The head, for a call that means it without naming it."""
        self._check_thread(what)
        return self.head

    def _trail(self, step: object, what: str) -> Steps:
        found = self._own_head(what) if step is None else self._step(step)
        return Steps(self._step_of(r) for r in self._lineage.trail(found.record)) if found else Steps()

    def _head_step(self, what: str) -> Step:
        if (head := self._own_head(what)) is not None:
            return head
        said = f"There is nothing to {what} yet: make a picture with generate(…), or bring one with add(…)."
        if len(self):
            said = f"The head of this session is not known, so there is nothing to {what}: goto(…) names the step to go on from."
        raise LineageError(said, path=self.folder)

    def _asked_last(self) -> tuple[str | None, str | None]:
        """The endpoint and the model of the head, or of the step before it where the head was added."""
        if not self._position[0]:
            return None, None
        steps = self._lineage.back_from(self._lineage.get(self._position[0]))
        asked: Mapping[str, Any] = next((r.request for r in steps if r.request.get("endpoint")), {})
        return asked.get("endpoint"), asked.get("model")

    # Looking up

    def _step_of(self, record: Record, *, reused: bool = False) -> Step:
        return Step(self, self._lineage, record, reused=reused)

    def _step(self, key: object) -> Step:
        if isinstance(key, Step):
            return self._step_of(self._lineage.get(key.id))
        if isinstance(key := built_in(key), int | str) and not isinstance(key, bool):
            return self[key]
        said = f"A {type(key).__name__} names no step; give a Step, a number, a tag, or the beginning of an id."
        raise StepNotFound(said, path=self.folder)

    def _several(self, keys: object) -> list[Step]:
        """The steps that are named, each once: one of them, or any number of them, of `Steps`, and of lists of them."""
        ahead, found = deque([keys]), dict[str, Step]()
        while ahead:
            key = ahead.popleft()
            if isinstance(key, Iterable) and not isinstance(key, str):
                ahead.extendleft(reversed(list(key)))
            else:
                step = self._step(key)
                found[step.id] = step
        return list(found.values())

    def _step_or_picture(self, key: object) -> Record | Picture:
        if isinstance(key, Step) and key not in self:  # another session's step is a picture from outside
            return key.picture
        key = built_in(key)
        if isinstance(key, Step) or (isinstance(key, int) and not isinstance(key, bool)):
            return self._step(key).record
        if not isinstance(key, str):
            return Picture.open(key)  # type: ignore[arg-type]
        try:
            return self[key].record
        except StepNotFound as error:
            if is_url(key) or (is_file_name(key) and _is_file(key)):
                return Picture.open(key)
            if not is_file_name(key) and _is_file(key):
                said = f"There is no step {key!r:.80}; for the file of that name write {f'.{os.sep}{key}'!r:.80}."
                raise StepNotFound(said, path=self.folder) from None
            if os.sep in key or "." in key:
                raise PictureError(f"There is no step and no picture file {key!r:.80}; check the path.") from None
            raise error from None

    def _start(self, start: object) -> Record | Picture | None:
        """What a replay into this session begins with, where its caller says so."""
        if isinstance(start, Step):
            return start.record if start in self and start.ok else start.picture
        if start is None or is_picture(start):
            return None if start is None else Picture.open(start)  # type: ignore[arg-type]
        said = "a path, bytes, an open file, a PIL image, an array, a Picture or a Step"
        raise PictureError(f"start= is {said}, not a {type(start).__name__}.")


def is_file_name(text: str) -> bool:
    """Whether a text is a file and no name: it has a separator, or a picture's suffix."""
    return os.sep in text or "/" in text or text.lower().endswith(PICTURE_SUFFIXES)


def _is_file(name: str) -> bool:
    try:
        return Path(name).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):  # a name that no file can have, a home that is not known
        return False
