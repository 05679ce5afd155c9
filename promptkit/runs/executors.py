"""How orders reach those who carry them out: threads of this process, or whatever processes stand behind an executor of the caller's.

Threads share what the caller gave: a key, a transport, pictures. To processes nothing travels but JSON: orders, and a probe that each of
them answers before its first order. Of an executor only `submit` is called; it is the caller's, and is never shut down.
"""

from __future__ import annotations

import concurrent.futures
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from promptkit import __version__
from promptkit import config as settings
from promptkit.errors import SettingsError
from promptkit.providers import models
from promptkit.providers.endpoints import Endpoint
from promptkit.runs.order import Order
from promptkit.runs.planning import Planner, Words
from promptkit.runs.probe import Probe, ProbeAnswer
from promptkit.runs.threads import Threads
from promptkit.runs.work import carry_out
from promptkit.runs.worker import answer_probe, carry_out_elsewhere
from promptkit.session.recipe import Recipe

__all__ = ["InThreads", "Processes", "Workers", "checked_executor", "is_of_threads", "refuse_what_stays", "workers_of"]

log = logging.getLogger("promptkit")
TICK = 0.5  # seconds between two chances for Ctrl-C
KINDS = "concurrent.futures.ThreadPoolExecutor(8), loky's get_reusable_executor() or Dask's client.get_executor()"
MAIN = 'in a script what starts processes stands below `if __name__ == "__main__":`'


def checked_executor(given: object, workers: int) -> Executor:
    """The executor of a caller, or threads. SettingsError for anything else."""
    if given is None:
        return Threads(workers)
    if isinstance(given, Executor):
        return given
    has_one = callable(getattr(given, "get_executor", None)) and not isinstance(given, type)
    hint = "; give its .get_executor()" if has_one else ""
    raise SettingsError(f"executor= is an executor such as {KINDS}, not {given!r:.60}{hint}.")


def is_of_threads(executor: Executor) -> bool:
    """Whether it calls functions in this process, with the very objects that they are given."""
    of_interpreters = getattr(concurrent.futures, "InterpreterPoolExecutor", ())  # are threads, and share no objects
    return isinstance(executor, ThreadPoolExecutor | Threads) and not isinstance(executor, of_interpreters)


def refuse_what_stays(executor: Executor, what: Words, endpoint: object, *, api_key: object, transport: object) -> None:
    """SettingsError for what is bound to this process, where the executor may carry orders out in others."""
    if is_of_threads(executor):
        return
    own_dialect = isinstance(endpoint, Endpoint) and not isinstance(endpoint.dialect, str)
    stays = {
        "api_key=": (api_key is not None, "set the key's variable where the workers run"),
        "transport=": (transport is not None, "name an endpoint"),
        "A function that makes the prompts": (not isinstance(what, Recipe), "give templates"),
        "An endpoint with a dialect of its own": (own_dialect, "name a dialect that is installed"),
    }
    for name, (is_given, instead) in stays.items():
        if is_given:
            said = f"{name} goes with threads only, and the workers of a {type(executor).__name__} may be other processes"
            raise SettingsError(f"{said}: {instead}, or leave executor= out.")


class Workers(Protocol):
    """Those who carry out the orders of one run."""

    def begin(self, at_work: Path, count: int, say: Callable[[str], object]) -> None:
        """Sees to it that they can, before the first order. `at_work` is the coordinator's file, `count` how many work at once at most."""

    def submit(self, order: Order, used: Mapping[str, float]) -> Future[str]:
        """Hands out an order; `used` is what was spent in its folder before. The future has a RowState as text."""


def workers_of(executor: Executor, planner: Planner) -> Workers:
    """Those of an executor."""
    return InThreads(executor, planner) if is_of_threads(executor) else Processes(executor, planner)


@dataclass
class InThreads:
    """Threads of this process."""

    executor: Executor
    planner: Planner

    def begin(self, at_work: Path, count: int, say: Callable[[str], object]) -> None:
        """Nothing is to be seen to: keys were found when the run began."""

    def submit(self, order: Order, used: Mapping[str, float]) -> Future[str]:  # noqa: ARG002  (which they read themselves)
        """Hands out an order with what this process has."""
        return self.executor.submit(carry_out, order.to_text(), self.planner.hands)


@dataclass
class Processes:
    """Processes, here or on other machines, which share the run's folder."""

    executor: Executor
    planner: Planner
    probe: Probe | None = field(default=None, init=False)

    def begin(self, at_work: Path, count: int, say: Callable[[str], object]) -> None:
        """Has as many calls as work at once answer the probe. SettingsError, with the workers' names, for all that is missing.

        Which worker takes a call is the executor's to say: one that had none answers before its first order.
        """
        self.probe = Probe.of(at_work, self.planner.endpoints)
        say(f"waiting for the workers of the {type(self.executor).__name__}")
        answers = {answer.worker: answer for answer in self._answers(count)}
        if refusals := [answer.refusal for answer in answers.values() if answer.refusal]:
            raise SettingsError(" ".join([*refusals, "Nothing was sent."]))
        for answer in answers.values():
            log.info("%s works at the run; keys found in %s", answer.worker, dict(answer.keys))

    def _answers(self, count: int) -> list[ProbeAnswer]:
        assert self.probe is not None
        try:
            asked = [self.executor.submit(answer_probe, self.probe.handed_out().to_text()) for _ in range(count)]
            while wait(asked, timeout=TICK).not_done:
                pass
            return [ProbeAnswer.of_text(future.result()) for future in asked]
        except Exception as error:  # whatever an executor raises: it lacks promptkit, or its workers end, or it is shut down
            hint = MAIN if isinstance(error, BrokenExecutor) else f"its workers need promptkit {__version__}, and it has to be open"
            said = f"The {type(self.executor).__name__} carries nothing out ({type(error).__name__}: {error!s:.200})"
            raise SettingsError(f"{said}: {hint}. Nothing was sent.") from error

    def submit(self, order: Order, used: Mapping[str, float]) -> Future[str]:
        """Hands out an order with all that the settings of this process say of its model, and with what was used before."""
        assert self.probe is not None
        whole = replace(order, facts=models.own_facts(order.model), used=used, sends=settings.sends())
        return self.executor.submit(carry_out_elsewhere, whole.to_text(), self.probe.to_text())
