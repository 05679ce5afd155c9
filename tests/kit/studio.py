"""A second dialect, which no service speaks: tests bring it as an object, and as a distribution whose module is this file."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from promptkit import Picture, ProviderError
from promptkit.errors import KeyRejected, ModelNotFound, RateLimited, ServiceUnavailable
from promptkit.providers.message import InputPicture, Reply, Request, Response, Tokens, Turn

PATH = "/another-dialect/draw"
KINDS = {401: KeyRejected, 404: ModelNotFound, 429: RateLimited, 503: ServiceUnavailable}


class Studio:
    """What a second dialect takes: another path, other field names, another shape, other counts."""

    name, root_path, largest_body, options = "studio", "/another-dialect", 20_000, frozenset({"image_size", "quality", "seed"})

    def encode(self, turn: Turn) -> Request:
        talk = [line for e in turn.earlier for line in (self.line(e.text, e.pictures), e.answer)]
        asked = {"engine": turn.model, "talk": [*talk, self.line(turn.text, turn.pictures)]}
        asked |= {f"with_{k}": v for k, v in sorted(turn.config.items()) if v is not None}
        return Request(PATH, (json.dumps(asked).encode(),), content_type="application/studio+json", headers={"X-Studio": "2"})

    def line(self, words: str, pictures: tuple[InputPicture, ...]) -> dict[str, Any]:
        return {"words": words, "look": [base64.b64encode(p.picture.data).decode() for p in pictures]}

    def decode(self, response: Response) -> Reply:
        status = response.status
        try:
            said = dict(json.loads(response.body))
            drawn = tuple(Picture(base64.b64decode(data, validate=True)) for data in said.get("look", ()))
        except (ValueError, TypeError, RecursionError):
            said, drawn = {"problem": "half an answer"}, ()
        problem = said.get("problem", "")
        if status != 200:
            error = KINDS.get(status, ProviderError)(f"Studio: {problem}", status=status, message=problem)
            disliked = tuple(name for name in self.options if problem == f"no {name}")
            return Reply("error", message=problem, error=error, status=status, dislikes=disliked)
        outcome = "picture" if drawn else "interrupted" if problem else "refused" if said.get("no") else "text"
        tokens = Tokens(*said["units"]) if "units" in said else None
        counted = {"usage": {"units": sum(tokens)} if tokens else {}, "tokens": tokens}
        return Reply(outcome, drawn, said.get("words", ""), said.get("no"), problem, status=status, content=said, **counted)

    def keep(self, reply: Reply) -> bytes | None:
        if reply.content is None:
            return None
        return json.dumps({"words": reply.content["words"], "look": [p.sha256 for p in reply.pictures]}).encode()

    def recall(self, kept: bytes, pictures: Mapping[str, Picture]) -> dict[str, Any]:
        said = dict(json.loads(kept)) if kept[:1] == b"{" else {}
        if not said:
            raise ValueError("this is nothing that Studio said")
        return self.line(said["words"], tuple(InputPicture(pictures[sha256]) for sha256 in said["look"]))
