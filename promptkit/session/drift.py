"""Drift: what a trail of edits did to what nobody asked to change, the step at which it begins to go wrong, and what helps there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from promptkit import markup
from promptkit.errors import LineageError
from promptkit.images.box import box_text
from promptkit.images.changes import percent
from promptkit.images.measures import Decay
from promptkit.json_objects import columns, flat_object
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.session.drift_advice import Advice, advice, alike_judged, name_in_main, stands_alone
from promptkit.session.drift_rules import parts_of_limits
from promptkit.session.explanation import PICTURES_SHOWN
from promptkit.session.step import Step
from promptkit.session.trail_measures import MeasuredStep, measured_trail
from promptkit.terminal import aligned, printable
from promptkit.views.cards import strip_html
from promptkit.views.charts import Line, line_chart
from promptkit.views.facts import step_name

__all__ = ["Drift", "drift"]

HEADER = ("step", "changed", "outside", "colour", "sharpness", "noise", "size", "")
LEGEND = "two values: against the step before / against the root; colour and noise of 255, where the picture was not edited"
NOT_MEASURED = "–"
UNJUDGED = "not judged: "
REASONS = {"made": "made here", "added": "made by hand"}
ABOUT_AS_MUCH = 0.8  # of what the step did that did most: where the one at which it begins did so much, that one is named
MEASURES = ("outside", "sharpness", "colour", "noise", "size")


@dataclass(frozen=True, repr=False)
class Drift:
    """The steps of a trail measured and judged; iterate it for its steps. Printed it is a table, in a notebook a strip with a chart.

    A step is judged by what of its picture was not edited, against the root, or against the last step whose words ask for the whole picture
    (night, a style, a crop); such steps are measured and not judged.
    """

    steps: tuple[MeasuredStep, ...]
    _lineage: Lineage
    _session: object

    @property
    def begins(self) -> Step | None:
        """The step at which it begins to go wrong; None where nothing does."""
        return self._begins.step if self._begins else None

    @property
    def worst(self) -> Step | None:
        """The step that did most of it; None where nothing goes wrong."""
        return self._worst.step if self._worst else None

    @property
    def advice(self) -> str:
        """What helps, as a line of Python that can be pasted: a squash, an anchor, a region; empty where nothing goes wrong.

        The session is called what the notebook or the script calls it, else `session`.
        """
        return self._advice.in_python(name_in_main(self._session)) if self._advice else ""

    def advice_in_shell(self, session: str | None = None) -> str:
        """The same as a command line; `session` is what follows -s there, by default the session's folder; "" leaves -s out."""
        return self._advice.in_shell(str(self._lineage.folder) if session is None else session) if self._advice else ""

    @cached_property
    def summary(self) -> str:
        """One sentence: whether it goes wrong, from which step on, and by what."""
        row, worst = self._begins, self._worst
        if row is None or worst is None:
            judged = sum(each.judged for each in self.steps)
            return f"nothing goes wrong: {judged} of {len(self.steps)} steps judged"
        against = f" against step {self._name(row.reference)}" if row.reference else ""
        said = "; ".join(finding.said for finding in row.findings)
        most = f"; step {self._name(worst.step)} did most of it" if worst is not row and stands_alone(self.steps, worst) else ""
        return f"from step {self._name(row.step)} on it goes wrong{against}: {said}{most}"

    def text(self, line: str | None = None) -> str:
        """All of it as a table; `line` is what helps, by default the line of Python."""
        rows = [HEADER, *(self._cells(row) for row in self.steps)]
        helps = [f"what helps: {self._advice.why}:\n  {line or self.advice}"] if self._advice else []
        return printable("\n".join([*aligned(rows), f"({LEGEND})", self.summary, *helps]), keep="\n")

    def to_dicts(self) -> list[dict[str, Any]]:
        """Each step as one flat object (promptkit.drift/1), the root first.

        `changed_share` and `outside_share` (0 to 1) are of pixels that the step changed; `before.…`, `root.…` and `since.…` are what became
        of its picture since the step before, since the root, and since step `since`, by which it is judged: `share` of pixels that changed,
        `colour` and `noise` of 255, `sharpness` and `pixels` as ratios, `kept` the share of the picture that these hold for. `wrong` names
        what is beyond its limit, `begins` and `worst` tell the two steps; `advice` and
        `advice_in_shell` stand in the first of them. Null where not measured.
        """
        return [self._as_dict(row) for row in self.steps]

    def __iter__(self) -> Iterator[MeasuredStep]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<Drift: {self.summary}>"

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, Any]:
        return markup.mime_bundle(str(self), self._html(), include, exclude)

    # What it comes to

    @cached_property
    def _begins(self) -> MeasuredStep | None:
        return next((row for row in self.steps if row.findings), None)

    @cached_property
    def _worst(self) -> MeasuredStep | None:
        begins = self._begins
        if begins is None:
            return None
        most = max(alike_judged(self.steps, begins), key=lambda row: row.loss)
        return begins if begins.loss >= ABOUT_AS_MUCH * most.loss else most

    @cached_property
    def _advice(self) -> Advice | None:
        begins, worst = self._begins, self._worst
        return advice(self._lineage, self.steps, begins, worst) if begins and worst else None

    def _name(self, step: Step | None) -> str:
        return step_name(self._lineage, step.record) if step else ""

    # As text

    def _cells(self, row: MeasuredStep) -> tuple[str, ...]:
        edit, pair = row.edit, (row.before, row.root)
        measured = (
            percent(edit.share) if edit else NOT_MEASURED,
            percent(edit.outside) if edit and row.scope in ("region", "rest") else NOT_MEASURED,
            _both(pair, lambda d: f"{d.colour:.1f}"),
            _both(pair, lambda d: f"{d.sharpness:.0%}".replace("%", " %")),
            _both(pair, lambda d: f"{d.noise:.1f}"),
            _both(pair, lambda d: f"{d.pixels:.0%}".replace("%", " %")),
        )
        return (self._name(row.step), *measured, self._note(row))

    def _note(self, row: MeasuredStep) -> str:
        if row.problem:
            return f"not measured: {row.problem}"
        if row.findings:
            since = f"since step {self._name(row.reference)}: " if row.reference != self.steps[0].step else ""
            return since + "; ".join(finding.said for finding in row.findings)
        return "" if row.judged or row is self.steps[0] else UNJUDGED + _why(row)

    # As objects

    def _as_dict(self, row: MeasuredStep) -> dict[str, Any]:
        edit, step = row.edit, row.step
        begins, worst = row is self._begins, row is self._worst
        return {
            **flat_object(
                "drift",
                step=step.number,
                id=step.id,
                scope=row.scope,
                judged=row.judged,
                changed_share=edit.share if edit else None,
                outside_share=edit.outside if edit else None,
                box=box_text(edit.box) if edit and edit.box else None,
                since=row.reference.number if row.reference else None,
                wrong=[finding.name for finding in row.findings],
                begins=begins,
                worst=worst,
                advice=self.advice if begins else None,
                advice_in_shell=self.advice_in_shell() if begins else None,
                problem=row.problem or None,
            ),
            **{k: v for name in ("before", "root", "since") for k, v in columns(name, _numbers(getattr(row, name))).items()},
        }

    # As HTML

    def _html(self) -> markup.Html:
        records = [row.step.record for row in self.steps]
        table = markup.table([self._cells(row) for row in self.steps], HEADER)
        notes = [markup.Html(f'<div style="font-size:85%">{markup.escape(LEGEND)}</div>')]
        if self._advice:
            line = markup.Html(f"<code>{markup.escape(self.advice)}</code>")
            notes.append(markup.Html(f"<div>what helps: {markup.escape(self._advice.why)}: {line}</div>"))
        wide = markup.Html(f'<div style="overflow-x:auto">{table}</div>')
        return markup.card(self.summary, strip_html(records[-PICTURES_SHOWN:]), self._chart(), wide, *notes)

    def _chart(self) -> markup.Html:
        if len(self.steps) < 2:
            return markup.Html("")
        parts = [parts_of_limits(row.scope, row.edit, row.since) for row in self.steps]
        lines = [Line(name, values) for name in MEASURES if any(values := [each.get(name) for each in parts])]
        mark = self.steps.index(self._begins) if self._begins else None
        hollow = [not row.judged for row in self.steps]
        names = [self._name(row.step) for row in self.steps]
        alt = f"how far each step is from its limits: {self.summary}"
        return line_chart(lines, names, limit="limit", hollow=hollow, mark=mark, alt=alt)


def _both(pair: Sequence[Decay | None], said: Callable[[Decay], str]) -> str:
    """A value against the step before and against the root, once where both are the same."""
    texts = [NOT_MEASURED if decay is None else said(decay) for decay in pair]
    return " / ".join(dict.fromkeys(texts))


def _why(row: MeasuredStep) -> str:
    if row.step.outcome in REASONS and row.scope == "whole":
        return REASONS[row.step.outcome]
    if row.edit is None:
        return "another ratio of width to height"
    return "asks for the whole picture" if row.scope == "whole" else "most of it changed, and nothing is said to stay"


def _numbers(decay: Decay | None) -> dict[str, float | None]:
    return asdict(decay) if decay else dict.fromkeys(Decay.__dataclass_fields__)


def drift(lineage: Lineage, trail: Sequence[Record], step_of: Callable[[Record], Step], session: object) -> Drift:
    """A trail measured and judged. Decodes each picture once, some 25 ms for 1024×1024 pixels, and none that the user's cache knows of.

    LineageError where there is no step.
    """
    if not trail:
        said = "There is nothing to measure yet: make a picture with generate(…), or bring one with add(…)."
        raise LineageError(said, path=lineage.folder)
    return Drift(measured_trail(lineage, trail, step_of), lineage, session)
