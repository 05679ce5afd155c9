"""A cursor as it was opened: with the engine of its folder and the terms on which it asks; and what of it goes through pickle and copy.

A pickled session is its folder, its terms and its head. Its key, its own transport and its listener stay: a key is looked for anew where it
arrives, and where a transport stayed behind nothing is sent.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from promptkit.engine.client import Client, Terms
from promptkit.engine.engine import Engine
from promptkit.errors import SettingsError, warn
from promptkit.providers import models
from promptkit.providers.endpoint_choice import choose_endpoint, service_with_key
from promptkit.providers.endpoints import Endpoint
from promptkit.providers.keys import refuse_key
from promptkit.session.cursor import Cursor

__all__ = ["Opened"]

Position = tuple[str | None, tuple[str, ...]]  # the head, and what undo left


class Opened(Cursor):
    """A cursor that knows its engine and its terms, and so where requests go."""

    def __init__(self, folder: Path, terms: Terms) -> None:
        self._engine = Engine.of(folder)
        super().__init__(self._engine.lineage)
        self._terms, self._listener = terms, terms.on_progress
        self._settled: Client | None = None

    # Where requests go

    @property
    def _client(self) -> Client:
        """What asks: at the endpoint and for the model that were named, else those of the head as it is when this is first needed."""
        if self._settled is None:
            self._settled = self._settle()
        return self._settled

    def _settle(self) -> Client:
        terms, endpoint, followed = self._terms, self._terms.endpoint, None
        if terms.lacks_transport:
            said = "its transport stayed there; open it here as well, Session(…, transport=…)"
            raise SettingsError(f"The session in {self.folder} came from another process, and {said}. Nothing was sent.")
        if endpoint is None:
            name, followed = self._asked_last()
            endpoint = choose_endpoint(None, head=name, sends=self._terms.sends)
            if endpoint.is_offline and (service := service_with_key()):
                warn(f"This session goes on with offline drafts, as its head did; endpoint={service!r} asks {service}.")
        model = terms.model or followed or endpoint.model or models.default_model()
        return Client(self._engine, terms, endpoint, model, key=terms.key, followed=terms.model is None and followed is not None)

    @property
    def _asks_at(self) -> Endpoint | None:
        """The endpoint that it was opened with, or has settled on."""
        return self._settled.endpoint if self._settled else self._terms.endpoint

    def _refuse_keys(self, said: object) -> None:
        refuse_key(self._settled.key if self._settled else self._terms.key, said)

    # Copies: a second cursor on the same folder, with the same head

    def __getstate__(self) -> _State:
        return _State(self._engine, self._terms, self._settled, self._position, self._owner)

    def __setstate__(self, state: _State) -> None:
        Cursor.__init__(self, state.engine.lineage)
        self._engine, self._terms, self._settled = state.engine, state.terms, state.settled
        self._listener = state.terms.on_progress
        self._cursor, self._owner = state.position if state.position[0] else None, state.owner


@dataclass(frozen=True)
class _State:
    """What a cursor is made of: a copy shares all of it, and by pickle goes what has a meaning elsewhere."""

    engine: Engine
    terms: Terms
    settled: Client | None
    position: Position
    owner: threading.Thread

    def __deepcopy__(self, memo: object) -> _State:
        return self

    def __reduce__(self) -> tuple[Callable[..., _State], tuple[Path, Terms, Position]]:
        return _arrived, (self.engine.lineage.folder, self.terms, self.position)


def _arrived(folder: Path, terms: Terms, position: Position) -> _State:
    """The state of a cursor that came by pickle: its head is the arriving thread's, and where that is not here what the folder says."""
    engine = Engine.of(folder)
    here = position if position[0] and engine.lineage.has(position[0]) else (None, ())
    return _State(engine, terms, None, here, threading.current_thread())
