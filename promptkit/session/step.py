"""A step: a record seen through its session, from which one goes on."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from promptkit.cost import FREE, Cost
from promptkit.engine.plan import recorded_prompt
from promptkit.errors import LineageError, PictureError, SettingsError, StepNotFound
from promptkit.images.formats import suffix_of
from promptkit.images.picture import Picture
from promptkit.json_objects import flat_object
from promptkit.kernel import show_inline
from promptkit.lineage.marked import marks_columns
from promptkit.lineage.record import Record
from promptkit.lineage.record_row import record_columns
from promptkit.lineage.tree import Lineage
from promptkit.markup import mime_bundle
from promptkit.prompts.template import Prompt, Template
from promptkit.session.listings import Attempts, Pictures
from promptkit.session.made_here import MadeHere

if TYPE_CHECKING:  # what measures and shows is loaded when someone looks
    from promptkit.images.changes import Changes
    from promptkit.images.operations import Operation
    from promptkit.lineage.marks import Mark
    from promptkit.session.marks import Marks
    from promptkit.session.region import EditedRegion

__all__ = ["Continuing", "Step", "Steps"]

FEW = 16  # steps


class Continuing(Protocol):
    """What a step asks of its session, which stands above it."""

    def edit(self, prompt: str | Prompt, *, on: object = None, **options: Any) -> Step: ...

    def vary(self, prompt: str | Prompt | Template | None = None, n: int | None = None, *, on: object = None, **options: Any) -> Steps: ...

    def repeat(self, step: Step, prompt: str | Prompt | None = None, **options: Any) -> Step: ...

    def make(self, operation: Operation, *, on: object, **said: Any) -> Step: ...

    def make_each(self, channels: Mapping[str, Operation], *, on: object) -> Steps: ...

    def mark(
        self, step: object, verdict: str | None = "", *, stars: int | None, note: str | None, region: object, by: str | None
    ) -> Mark: ...

    def __getitem__(self, key: str) -> Step: ...

    @property
    def folder(self) -> Path: ...


class Step(MadeHere):
    """One step of a session: what was asked, what came, and how to go on from there. Read-only; equal where the ids are."""

    def __init__(self, session: Continuing, lineage: Lineage, record: Record, *, reused: bool = False) -> None:
        self._session, self.lineage, self.record, self.reused = session, lineage, record, reused

    @property
    def id(self) -> str:
        """The sha256 of its record file, 64 hex digits."""
        return self.record.id

    @property
    def number(self) -> int:
        """Its number in the session, from 1 on."""
        return self.record.number

    @property
    def parents(self) -> Steps:
        """The step that it continues, then the steps that went along as references."""
        return Steps(Step(self._session, self.lineage, self.lineage.get(i)) for i in self.record.parents)

    @property
    def prompt(self) -> Prompt | None:
        """What was asked, with the template and the inputs it came from; None for a picture that was added, or made here."""
        return recorded_prompt(self.lineage, self.record) if self.record.prompt else None

    @property
    def sources(self) -> Pictures:
        """The pictures that went in, the one being edited first."""
        return Pictures(self.lineage.source(s) for s in self.record.sources)

    @property
    def region(self) -> EditedRegion | None:
        """What of its picture alone it edited, with the cut that was sent and what came back; None where it was the whole picture."""
        from promptkit.session.region import EditedRegion

        return EditedRegion.of(self.lineage, self.record)

    @property
    def pictures(self) -> Pictures:
        """The pictures that came out."""
        return Pictures(self.record.pictures)

    @property
    def picture(self) -> Picture:
        """The first of them. LineageError for a failed step."""
        return self.record.picture

    @property
    def text(self) -> str:
        """What the model said last."""
        return str(self.attempts[-1].get("text") or "") if self.attempts else ""

    @property
    def attempts(self) -> Attempts:
        """Each request and what came of it; printed, and in a notebook, told in words."""
        return Attempts.of(self.record)

    @property
    def ok(self) -> bool:
        """Whether it has a picture."""
        return self.record.ok

    @property
    def outcome(self) -> str:
        """picture, added, made, text, refused, error or interrupted: see promptkit.lineage.outcomes."""
        return self.record.outcome

    @property
    def model(self) -> str | None:
        """The model that was asked."""
        return self.record.request.model

    @property
    def endpoint(self) -> str | None:
        """The endpoint that was asked."""
        return self.record.request.endpoint

    @property
    def usage(self) -> dict[str, int]:
        """The token counts of its attempts, added up."""
        return self.record.usage

    @property
    def cost(self) -> Cost:
        """What it cost, failed attempts included; those without a known price are counted in it."""
        return self.record.cost

    @property
    def label(self) -> str | None:
        """The caller's own short name for it."""
        return self.record.fields.get("label")

    @property
    def meta(self) -> dict[str, Any]:
        """The caller's own notes."""
        return dict(self.record.fields.get("meta") or {})

    @property
    def started(self) -> str:
        """ISO 8601, UTC."""
        return str(self.record.fields.get("started"))

    @property
    def ended(self) -> str:
        """ISO 8601, UTC."""
        return str(self.record.fields.get("ended"))

    @property
    def files(self) -> tuple[Path, ...]:
        """Its paths on disk, pictures first."""
        folder = self.lineage.folder
        return (*(folder / o.name for o in self.record.outputs), self.record.path)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know of it; what `changes` found is among it once they were measured."""
        measured: Changes | None = vars(self).get("changes")
        return tuple(dict.fromkeys((*(self.record.fields.get("warnings") or ()), *(measured.warnings if measured else ()))))

    def edit(self, prompt: str | Prompt, **options: Any) -> Step:
        """Continues this step; see Session.edit."""
        _refuse_on(options)
        return self._session.edit(prompt, on=self, **options)

    def again(self, prompt: str | Prompt | None = None, **options: Any) -> Step:
        """This step's request once more, from its parent; with a prompt: reworded."""
        return self._session.repeat(self, prompt, **options)

    def vary(self, prompt: str | Prompt | Template | None = None, n: int | None = None, **options: Any) -> Steps:
        """n children of this step (of `each` where that is given), or n more of its own request; see Session.vary."""
        _refuse_on(options)
        return self._session.vary(prompt, n, on=self, **options)

    def mark(
        self,
        verdict: str | None = "",
        *,
        stars: int | None = None,
        note: str | None = None,
        region: object = None,
        by: str | None = None,
    ) -> Mark:
        """Says what somebody makes of it: "keep", "reject", 1 to 5 stars, a note, a region; None takes the mark back. See Session.mark."""
        return self._session.mark(self, verdict, stars=stars, note=note, region=region, by=by)

    @property
    def marks(self) -> Marks:
        """What each reader says of it: the newest marks, without those that were taken back."""
        from promptkit.session.marks import Marks

        return Marks(self.lineage.marks_of(self.record))

    def for_channels(
        self,
        channels: str | Mapping[str, object],
        *,
        fit: str = "crop",
        focus: object = None,
        fill: object = "white",
        type: str | None = None,  # noqa: A002  (what it is called everywhere)
        quality: int = 90,
        max_bytes: int | None = None,
    ) -> Steps:
        """Several pictures, each a step labelled by its channel: {"story": "9:16", "post": (1080, 1080)}. The head stays.

        A ratio keeps the longest side, a pair is pixels; enlarging is said in a warning. `fit` is "crop", around the `focus`, or "pad",
        with `fill`. `type` is a file's, by default the picture's own; `quality` and `max_bytes` are as for `convert`. A channel may have
        options of its own: {"story": {"size": "9:16", "fit": "pad"}}. A text is the name of a set of channels, in `library.yaml` beside
        templates or in the config file. Wrong values are found before the first is made. SettingsError for a set that is not there.
        """
        from promptkit.session.channels import channels_of

        options = {"fit": fit, "focus": focus, "fill": fill, "type": type, "quality": quality, "max_bytes": max_bytes}
        return self._session.make_each(channels_of(channels, options), on=self)

    def _made(self, operation: Operation, label: str | None, meta: Mapping[str, Any] | None) -> Step:
        return self._session.make(operation, on=self, label=label, meta=meta)

    def save(self, path: str | os.PathLike[str], *, embed: bool = False, drop_credentials: bool = False, overwrite: bool = False) -> Path:
        """Writes its picture to a file; see Picture.save. `embed`: a PNG copy with its lineage inside, prompts included.

        The path may be a pattern such as "{session}-{number}-{label}.png", with session, number, id, label, template, model, endpoint, take
        and date; what stands for a field is safe in a file's name on every system. PictureError for an unknown field.
        PictureError where the picture carries content credentials, which would then be false; `drop_credentials` embeds without them.
        """
        path = self.saved_as(path)
        if embed:
            from promptkit.archive.png_embed import save_embedded

            return save_embedded(self.record, self.picture, path, drop_credentials=drop_credentials, overwrite=overwrite)
        if drop_credentials:
            raise PictureError("Content credentials are dropped only where a lineage is put inside: embed=True.")
        return self.picture.save(path, overwrite=overwrite)

    def saved_as(self, path: str | os.PathLike[str]) -> str | os.PathLike[str]:
        """The path with this step's values in the places of its fields; see `save`."""
        if not isinstance(path, str | os.PathLike):
            return path
        from promptkit.session.file_names import fields_of, filled, has_fields

        if not has_fields(path):
            return path
        return filled(path, fields_of(self.record, self.lineage.folder.name), suffix_of(self.picture.mime_type))

    @cached_property
    def changes(self) -> Changes | None:
        """What this edit changed in its picture, measured when first asked; None for a step that edits none or brought none."""
        from promptkit.session.changes import changes

        return changes(self.lineage, self.record)

    def to_dict(self) -> dict[str, Any]:
        """As one flat object, as --json prints it (promptkit.step/1): of its record, and `session`, `folder`, `tags` and `reused`; of a
        variant what varied, `varied.…`. `marks` says in words what each reader makes of it, `verdict` what they agree on (or `conflict`),
        `stars` is the fewest that one gave.

        Sizes are in pixels and bytes, `seconds` include waits; `cost` and `currency` are None where nothing is known, and `unpriced` counts
        attempts without a known price.
        """
        return Steps((self,)).to_dicts()[0]

    def show(self) -> None:
        """Shows its picture: below the cell in a notebook, else in the system's viewer; where there is none, prints its path."""
        if not show_inline(self) and not self.picture.view(title=repr(self)):
            print(self.files[0])

    def __copy__(self) -> Step:
        return self

    def __deepcopy__(self, memo: object) -> Step:
        return self

    def __reduce__(self) -> tuple[Callable[..., Step], tuple[Continuing, str, bool]]:
        return _found_again, (self._session, self.id, self.reused)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Step) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        said = f"reused, {self.outcome}" if self.reused else self.outcome
        from promptkit.views.facts import headline

        return f"<Step {self.number} {self.id[:10]} {said}: {headline(self.record)}>"

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, Any]:
        from promptkit.views.cards import step_card

        tags = [name for name, full_id in self.lineage.tags().items() if full_id == self.id]
        shown = step_card(self.record, self.lineage, reused=self.reused, tags=tags, marks=self.marks)
        return mime_bundle(repr(self), shown, include, exclude, jpeg=self._jpeg)

    def _jpeg(self) -> str:
        return self.picture.small_jpeg() if self.record.pictures else ""

    def _mime_(self) -> tuple[str, str]:
        """For marimo, which shows a bundle of several forms as tabs."""
        return "text/html", self._repr_mimebundle_()["text/html"]


class Steps(tuple[Step, ...]):
    """Steps in a row; in a notebook, a strip of pictures."""

    __slots__ = ()

    def __new__(cls, steps: Any = ()) -> Self:
        return super().__new__(cls, steps)

    @property
    def cost(self) -> Cost:
        """What they cost together, as they were asked for; also those that were reused."""
        return sum((step.cost for step in self), FREE)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Each as one flat object; see Step.to_dict."""
        from promptkit.views.tree import tags_by_id

        tags = {lineage: tags_by_id(lineage) for lineage in dict.fromkeys(step.lineage for step in self)}  # each read once
        marks = self._marks
        return [_as_dict(s, tags[s.lineage].get(s.id, []), marks.get(s.id, ())) for s in self]

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, Any]:
        from promptkit.views.cards import strip_html

        text = "\n".join(map(repr, self)) or "no steps"
        shown = strip_html([s.record for s in self], reused=[s.id for s in self if s.reused], marks=self._marks)
        return mime_bundle(text, shown, include, exclude)

    @property
    def _marks(self) -> dict[str, tuple[Mark, ...]]:
        """What readers make of them, by their ids: of a few steps only theirs are read, else each session's once."""
        if len(self) <= FEW:
            return {step.id: step.lineage.marks_of(step.record) for step in self}
        lineages = dict.fromkeys(step.lineage for step in self)
        return {full_id: marks for lineage in lineages for full_id, marks in lineage.marks().items()}


def _found_again(session: Continuing, full_id: str, reused: bool) -> Step:
    """The step of that id, where it came by pickle."""
    try:
        step = session[full_id]
    except StepNotFound:
        said = f"A step came by pickle, and is not in {session.folder} here: bring its session's folder, and look it up there."
        raise LineageError(said, path=session.folder) from None
    return Step(session, step.lineage, step.record, reused=reused)


def _as_dict(step: Step, tags: list[str], marks: Sequence[Mark]) -> dict[str, Any]:
    folder = step.lineage.folder
    where, said = {"session": folder.name, "folder": folder}, {"tags": tags, **marks_columns(marks), "reused": step.reused}
    return flat_object("step", **where, **record_columns(step.record), **said)


def _refuse_on(options: Mapping[str, object]) -> None:
    if "on" in options:
        raise SettingsError("A step's own edit and vary continue that step; session.edit(…, on=…) continues another.")
