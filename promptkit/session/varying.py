"""Several steps from one call: takes of one request, and variants of it that differ; asked for by so many workers at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from promptkit.engine.ask import Answer
from promptkit.engine.options import checked_many
from promptkit.engine.plan import Plan, prompt_to_ask
from promptkit.errors import PromptkitError, warn
from promptkit.lineage.record import Record
from promptkit.prompts.template import Prompt, Template
from promptkit.session.opened import Opened
from promptkit.session.step import Steps

__all__ = ["Varying"]


class Varying(Opened):
    """A cursor that asks for several steps at once; how one of them is planned, Session says."""

    def vary(
        self,
        prompt: str | Prompt | Template | None = None,
        n: int | None = None,
        *,
        each: Iterable[object] | Mapping[str, Iterable[object]] | None = None,
        on: object = None,
        root: bool = False,
        workers: int = 4,
        fresh: bool = False,
        **options: Any,
    ) -> Steps:
        """n children (4) of `on` (by default the head), several requests at once; without a prompt n more of the head's own request.

        `each` makes n (1) of each of several: a list of texts, each a sentence of its own, or in the place that the prompt has as `{each}`;
        or lists by name, each={"style": […], "palette": […]}, of which it makes the product: inputs of the prompt's template, places such
        as `{style}` in its words, `references`, `model`, options. How many these are, and what they may cost, is said before. They show
        themselves as a grid, and each step's meta has what varied.

        `root=True` makes roots, `fresh=True` more than there are. Each has a seed of its own, which is recorded. The head stays. Failed
        ones are among them as failed Steps; raises only when all fail. Ctrl-C stops at once; those in flight are recorded as interrupted.
        """
        n, workers = checked_many(n=(4 if each is None else 1) if n is None else n, workers=workers)
        if each is not None:
            from promptkit.session.variants import Variants, Variation

            variation = Variation(prompt if prompt is not None else self._to_vary(None, on, root)[0], each, options)
            on = on if prompt is None or root else self._step_of(self._base(on))  # one of one's own is added once
            _, plan, own = self._to_vary(prompt, on, root)
            answers, places = variation.asked(variation.planned(plan, self._client, n, but=own, fresh=fresh), self._client, workers)
            return Variants(self._all_asked(answers), variation.axes, places)
        asked, plan, own = self._to_vary(prompt, on, root)
        return self._all_asked(self._client.ask_all(self._client.takes(plan(asked, **options), n, but=own, fresh=fresh), workers))

    def _to_vary(self, prompt: object, on: object, root: bool) -> tuple[Any, Callable[..., Plan], str | None]:
        """The prompt to vary, what plans a variant of it, and the recipe that is none: of a step's own request that step's."""
        if prompt is not None:
            return prompt, partial(self._planned_variant, on=on, root=root), None
        record = (self._head_step("vary") if on is None else self._step(on)).record
        return prompt_to_ask(self._lineage, record), partial(self._repeated, record), record.recipe

    def _all_asked(self, answers: Sequence[Answer | PromptkitError]) -> Steps:
        """The steps of several answers; raises only where all failed."""
        steps = Steps(self._step_of(a.record, reused=a.reused) for a in answers if isinstance(a, Answer))
        errors = [a.error if isinstance(a, Answer) else a for a in answers]
        if not any(s.ok for s in steps) and (error := errors[0]) is not None:
            error.step = steps[0] if steps else None
            raise error
        for said in {str(a) for a in answers if isinstance(a, PromptkitError)}:
            warn(f"Not all were asked for: {said}")
        return steps

    @abstractmethod
    def _planned_variant(self, prompt: str | Prompt, on: object, root: bool, **options: Any) -> Plan:
        """The plan of a child of `on`, by default the head, or of a root."""

    @abstractmethod
    def _repeated(self, record: Record, prompt: str | Prompt | None, **options: Any) -> Plan:
        """The plan of a step's own request once more."""

    @abstractmethod
    def _base(self, on: object) -> Record:
        """The step to continue."""
