"""The probe that each worker process answers before its first order: whether it can do what orders of this run ask of it.

It looks for the run's file in the run's own folder, so that a folder of the same name on another machine is not taken for it.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from promptkit import __version__, atomic
from promptkit import config as settings
from promptkit.errors import PromptkitError, listed
from promptkit.providers.endpoints import Endpoint
from promptkit.providers.keys import key_source
from promptkit.runs.order import endpoint_json, endpoint_of

__all__ = ["Probe", "ProbeAnswer", "worker_name"]


@dataclass(frozen=True)
class ProbeAnswer:
    """What a worker process says of itself: its name, the variables in which it found the endpoints' keys, and what it lacks."""

    worker: str
    keys: Mapping[str, str]
    lacks: tuple[str, ...]

    @property
    def refusal(self) -> str:
        """Why it carries out no order of this run, in a sentence; empty where it does."""
        return f"The worker {self.worker} {listed(self.lacks)}." if self.lacks else ""

    def to_text(self) -> str:
        """As a line of JSON."""
        return json.dumps(vars(self))

    @classmethod
    def of_text(cls, text: str) -> ProbeAnswer:
        """The answer that a line of JSON holds."""
        said = json.loads(text)
        return cls(said["worker"], said["keys"], tuple(said["lacks"]))


@dataclass(frozen=True)
class Probe:
    """What orders of a run need: the file in its folder that says that its coordinator is at work, this version, these endpoints, as JSON.

    `sends` is whether requests may be sent. `id` is new for each hand-out: some executors answer equal calls from memory.
    """

    at_work: str
    version: str
    endpoints: tuple[Mapping[str, Any], ...]
    sends: bool = True
    id: str = ""

    @classmethod
    def of(cls, at_work: Path, endpoints: Iterable[Endpoint]) -> Probe:
        """That of a run in this process."""
        return cls(str(at_work), __version__, tuple(endpoint_json(each) for each in endpoints), settings.sends())

    def handed_out(self) -> Probe:
        """The same with an id of its own."""
        return replace(self, id=secrets.token_hex(8))

    def to_text(self) -> str:
        """As a line of JSON."""
        return json.dumps(vars(self), ensure_ascii=False)

    @classmethod
    def of_text(cls, text: str) -> Probe:
        """The probe that a line of JSON holds."""
        said = json.loads(text)
        return cls(**{**said, "endpoints": tuple(said["endpoints"])})

    def answered(self) -> ProbeAnswer:
        """What this process says to it. Nothing is sent."""
        keys: dict[str, str] = {}
        lacks = [*self._lacks_here(), *(said for each in self.endpoints if (said := _connects(each, keys)))]
        return ProbeAnswer(worker_name(), keys, tuple(dict.fromkeys(lacks)))

    def _lacks_here(self) -> Iterator[str]:
        if self.version != __version__:
            yield f"has promptkit {__version__}, and this run is {self.version}'s: install the same there"
        if said := self._lacks_folder():
            yield said
        with suppress(PromptkitError):  # another word in the variable is told for each endpoint
            if self.sends and not settings.sends():
                yield "has PROMPTKIT_SEND=never, which forbids it to send: unset that there"

    def _lacks_folder(self) -> str:
        """What is wrong with the run's folder, as it is seen from here."""
        at_work = Path(self.at_work)
        into = at_work.parent.parent
        if not at_work.exists():
            return f"does not see this run's folder {into}: give a folder that all workers share"
        written = atomic.temporary_beside(at_work)
        try:
            written.write_bytes(b"")
            written.unlink()
        except OSError as error:
            return f"cannot write into {into} ({error.strerror or error}): give a folder that all workers may write into"
        return ""


def _connects(said: Mapping[str, Any], keys: dict[str, str]) -> str:
    """What keeps this process from asking an endpoint; empty where nothing does. Where the key was found goes into `keys`."""
    try:
        endpoint = endpoint_of(said)
        settings.sends()
        variable = key_source(endpoint)
    except PromptkitError as error:
        return f"cannot ask {said['name']!r} ({str(error).rstrip('.')})"
    if variable:
        keys[endpoint.name] = variable
    elif endpoint.key_required and endpoint.auth != "none":
        return f"has no key for {endpoint.name!r}: set {' or '.join(endpoint.key_env) or 'its variable'} there"
    unset = [name for name in endpoint.headers.values() if not settings.variable(name).strip()]
    return f"has no {listed(unset)}, which {endpoint.name!r} needs: set it there" if unset else ""


def worker_name() -> str:
    """What this process is called, for people: its name among the executor's, its number, its machine."""
    name, number, machine = multiprocessing.current_process().name, os.getpid(), atomic.whose()["host"]
    return f"{name} (process {number} on {machine})"
