"""An order: all that is needed to carry out one row, as JSON that could travel. It holds no key, no open file, no lock and no object.

What cannot travel is in Hands: it stays in the process that has it, and only its own threads use it.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from promptkit.cost import Money
from promptkit.engine.labels import Words
from promptkit.errors import SettingsError
from promptkit.images.operations import Operation, operation_of
from promptkit.images.picture import Picture
from promptkit.prompts.inputs import Pictures
from promptkit.prompts.library_look import LibraryPicture
from promptkit.prompts.template import Prompt
from promptkit.providers.endpoints import Endpoint
from promptkit.providers.keys import Key
from promptkit.providers.transport import Transport

__all__ = ["Allowance", "AlongPicture", "Hands", "Order", "OrderStep", "PictureOf"]


@dataclass(frozen=True)
class PictureOf:
    """A picture that an order names: by the path of its file, by its bytes in base64, or by the sha256 of one in Hands."""

    path: str | None = None
    data: str | None = None
    sha256: str | None = None

    @classmethod
    def of(cls, given: Any) -> PictureOf:
        """One that is given: a path, or anything else that a picture can be opened from, whose bytes go along."""
        return cls(path=str(given)) if isinstance(given, Path) else cls(data=base64.b64encode(Picture.open(given).data).decode())

    def below(self, folder: Path) -> PictureOf:
        """The same, where its path starts from that folder."""
        return self if self.path is None else replace(self, path=str(folder / self.path))

    def open(self, hands: Hands) -> Picture:
        """The picture. PictureError where it cannot be read."""
        if self.sha256 is not None:
            return hands.pictures[self.sha256]
        return Picture.open(Path(self.path)) if self.path is not None else Picture.open(base64.b64decode(self.data or ""))


@dataclass(frozen=True)
class AlongPicture:
    """What goes along with a step: the picture of an earlier step, by its place, or one from outside."""

    role: str
    step: int | None = None
    picture: PictureOf | None = None
    words: Words = field(default_factory=Words)

    def below(self, folder: Path) -> AlongPicture:
        """The same, where the path of its picture starts from that folder."""
        return replace(self, picture=self.picture and self.picture.below(folder))


@dataclass(frozen=True)
class OrderStep:
    """One step: rendered words with the options of the request, or an operation that is carried out here."""

    kind: str
    prompt: Prompt | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    lang: str | None = None
    along: tuple[AlongPicture, ...] = ()
    operation: Operation | None = None


@dataclass(frozen=True)
class Allowance:
    """What this order may spend and ask; None: no such limit."""

    money: Money | None = None
    requests: int | None = None


@dataclass(frozen=True)
class Order:
    """One row to be carried out in `folder`: its steps one after the other, `takes` times. `id` is new for each hand-out.

    `again` are the causes for which a step that failed before is asked again. `used` is what was used in the folder when it was handed
    out, so that an order that is begun again counts what was spent for it before; `facts` what the config file of who handed it out says
    of its model, prices among it; `sends` whether anything may be sent. None: as it is found where the order is carried out.
    """

    folder: str
    row: int
    endpoint: Endpoint
    model: str
    steps: tuple[OrderStep, ...]
    takes: int = 1
    label: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    picture: PictureOf | None = None
    recover: int = 2
    deadline: float = 600
    again: tuple[str, ...] = ()
    allowance: Allowance = field(default_factory=Allowance)
    id: str = ""
    used: Mapping[str, float] | None = None
    facts: Mapping[str, Any] | None = None
    sends: bool = True

    def handed_out(self, allowance: Allowance) -> Order:
        """The same with an id of its own, and what it may spend."""
        return replace(self, id=secrets.token_hex(8), allowance=allowance)

    def placed(self, folder: Path) -> Order:
        """The same for a row's folder that stands there, with the pictures that are named from it on."""
        steps = tuple(replace(step, along=tuple(along.below(folder) for along in step.along)) for step in self.steps)
        return replace(self, folder=str(folder), picture=self.picture and self.picture.below(folder), steps=steps)

    def to_text(self) -> str:
        """As a line of JSON."""
        said = {**vars(self), "endpoint": endpoint_json(self.endpoint), "steps": [_step_json(step) for step in self.steps]}
        said["picture"] = self.picture and vars(self.picture)
        said["allowance"] = asdict(self.allowance)
        return json.dumps(said, ensure_ascii=False)

    @classmethod
    def of_text(cls, text: str, hands: Hands) -> Order:
        """The order that a line of JSON holds."""
        said = json.loads(text)
        money = said["allowance"]["money"]
        return cls(
            **said
            | {
                "endpoint": hands.endpoints.get(said["endpoint"]["name"]) or endpoint_of(said["endpoint"]),
                "steps": tuple(_step_of(step, hands) for step in said["steps"]),
                "again": tuple(said["again"]),
                "picture": PictureOf(**said["picture"]) if said["picture"] else None,
                "allowance": Allowance(Money(*money) if money else None, said["allowance"]["requests"]),
            }
        )


@dataclass(frozen=True)
class Hands:
    """What the threads of this process have beside an order: a key, a transport, endpoints with a dialect of the caller's own, pictures of
    the recipe; and `warned`, what was said already.
    """

    key: Key | None = None
    transport: Transport | None = None
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    warned: set[str] = field(default_factory=set)

    def __reduce__(self) -> Any:
        raise SettingsError("A key, a transport or a picture in memory does not travel to another process; run with threads.")


# As JSON


def endpoint_json(endpoint: Endpoint) -> dict[str, Any]:
    named = endpoint.dialect if isinstance(endpoint.dialect, str) else None
    said = {name: value for name, value in vars(endpoint).items() if name not in ("dialect", "headers")}
    return {**said, "headers": dict(endpoint.headers), "dialect": named}


def endpoint_of(said: Mapping[str, Any]) -> Endpoint:
    return Endpoint(**{**said, "key_env": tuple(said["key_env"])})


def _step_json(step: OrderStep) -> dict[str, Any]:
    if step.operation:
        return {"kind": step.kind, "operation": step.operation.name, "numbers": dict(step.operation.numbers)}
    assert step.prompt is not None
    along = [{"role": a.role, "step": a.step, "picture": a.picture and vars(a.picture), "words": vars(a.words)} for a in step.along]
    return {"kind": step.kind, "prompt": _prompt_json(step.prompt), "config": dict(step.config), "lang": step.lang, "along": along}


def _step_of(said: Mapping[str, Any], hands: Hands) -> OrderStep:
    if "operation" in said:
        return OrderStep(said["kind"], operation=operation_of(said["operation"], said["numbers"]))
    along = (
        AlongPicture(a["role"], a["step"], PictureOf(**a["picture"]) if a["picture"] else None, Words(**a["words"])) for a in said["along"]
    )
    return OrderStep(said["kind"], _prompt_of(said["prompt"], hands), said["config"], said["lang"], tuple(along))


def _prompt_json(prompt: Prompt) -> dict[str, Any]:
    inputs = {name: _plain(value) for name, value in prompt.inputs.items()}
    along = [[each.name, each.description, each.picture.sha256] for each in prompt.references]
    pictures = prompt.pictures and asdict(prompt.pictures)
    rest = {"config": dict(prompt.config), "files": dict(prompt.files), "pictures": pictures, "references": along}
    return {**vars(prompt), "inputs": inputs, **rest}


def _plain(value: Any) -> Any:
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else dict(value) if isinstance(value, Mapping) else value


def _prompt_of(said: Mapping[str, Any], hands: Hands) -> Prompt:
    pictures = said["pictures"]
    tuples = {name: tuple(pictures[name]) for name in ("roles", "names")} if pictures else {}
    inputs = {name: tuple(value) if isinstance(value, list) else value for name, value in said["inputs"].items()}
    more = {"pictures": Pictures(**{**pictures, **tuples}) if pictures else None, "pack": tuple(said["pack"]) if said["pack"] else None}
    along = tuple(LibraryPicture(name, description, hands.pictures[sha256]) for name, description, sha256 in said["references"])
    return Prompt(**{**said, **more, "inputs": inputs, "references": along})
