"""The rules that every dialect must pass: a subclass of DialectTests names one and says what its service answers; pytest does the rest."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from kit.loopback import png
from promptkit.images.picture import Picture
from promptkit.providers.dialect import Dialect, interleaves
from promptkit.providers.message import Exchange, InputPicture, Reply, Request, Response, Tokens, Turn
from promptkit.providers.options import OPTIONS

RED, BLUE = png("red"), png("blue")
CAPTION = "Here it is."
EXAMPLES = {option.name: option.example for option in OPTIONS.values()}
STRANGE = [b"", b" ", b"{", b"[]", b"null", b"7", b'"x"', b"{}", b"[{}]", b"<html>", b"\xff\xfe", b"\0" * 9, b'{"error":' + b"[" * 100_000]
CARRY_KEYS = {"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "x-goog-api-key"}


class DialectTests:
    """What holds for every dialect. A subclass names the dialect and how its service answers, in its own bytes."""

    dialect: ClassVar[Dialect]
    picture: ClassVar[Response]  # the PNG in RED, with the sentence CAPTION
    tokens: ClassVar[Tokens | None]  # as `picture` counts them
    words: ClassVar[Response]  # CAPTION alone
    refused: ClassVar[Response]  # a refusal
    errors: ClassVar[dict[type[Exception], Response]]  # a response for each kind of error that it tells from others
    talks: ClassVar[bool]  # whether it knows earlier turns

    def turn(self, text: str = "Paint a fox", **more: Any) -> Turn:
        return Turn(text, **{"model": "m", **more})

    def test_it_says_what_it_is(self) -> None:
        """It has a name, a limit, options that there are, and a path of its own, or none, with which its requests' paths begin."""
        assert isinstance(self.dialect, Dialect)
        assert self.dialect.name.isidentifier()
        assert self.dialect.largest_body > 0
        assert self.dialect.options <= set(OPTIONS)
        assert self.dialect.root_path == "" or (self.dialect.root_path[0] == "/" and self.dialect.root_path[-1] != "/")
        assert self.dialect.encode(self.turn()).path.startswith(f"{self.dialect.root_path}/")

    def test_equal_turns_are_equal_requests(self) -> None:
        """Encoding is pure: the same turn gives the same bytes, whose length is known before."""
        one, other = (self.dialect.encode(self.turn(pictures=inputs(RED, BLUE))) for _ in range(2))
        assert (one.method, one.path, one.content_type, one.headers, one.body) == (
            other.method,
            other.path,
            other.content_type,
            other.headers,
            other.body,
        )
        assert len(one) == len(one.body)

    def test_no_header_is_a_keys(self) -> None:
        """The key is the transport's to add, so no request has a header that could carry one."""
        assert not {name.lower() for name in self.dialect.encode(self.turn()).headers} & CARRY_KEYS

    def test_text_and_pictures_go_out(self) -> None:
        """The text goes out as it is, and the pictures with their bytes, in their order."""
        request = self.dialect.encode(self.turn("Paint a fox", pictures=inputs(RED, BLUE)))
        assert b"Paint a fox" in request.body
        assert [where(request, data) >= 0 for data in (RED, BLUE)] == [True, True]
        assert where(request, RED) < where(request, BLUE)

    def test_labels_go_out_before_their_pictures(self) -> None:
        """What interleaves sends a label between the pictures around it; where nothing can stand there, the request stays as it was."""
        one, two = inputs(RED, BLUE)
        request = self.dialect.encode(self.turn(pictures=(one, replace(two, label="heroine of the story"))))
        if interleaves(self.dialect):
            assert where(request, RED) < request.body.index(b"heroine of the story") < where(request, BLUE)
        else:
            assert request.body == self.dialect.encode(self.turn(pictures=(one, two))).body

    def test_the_model_goes_out(self) -> None:
        """Another model makes another request."""
        assert sent(self.dialect.encode(self.turn(model="one"))) != sent(self.dialect.encode(self.turn(model="other")))

    def test_each_option_goes_out(self) -> None:
        """Each option that it has changes the request, and one that is None counts as not set."""
        plain = sent(self.dialect.encode(self.turn()))
        for name in self.dialect.options:
            assert sent(self.dialect.encode(self.turn(config={name: EXAMPLES[name]}))) != plain, name
            assert sent(self.dialect.encode(self.turn(config={name: None}))) == plain, name

    def test_a_picture_comes_back(self) -> None:
        """A picture comes with its bytes as they are, the sentence beside it, and the counts in neutral terms."""
        reply = self.dialect.decode(self.picture)
        assert (reply.outcome, [p.data for p in reply.pictures], reply.text) == ("picture", [RED], CAPTION)
        assert (reply.error, reply.tokens) == (None, self.tokens)

    def test_words_alone_are_text(self) -> None:
        """A reply without a picture that refuses nothing is text, which is asked again."""
        reply = self.dialect.decode(self.words)
        assert (reply.outcome, reply.pictures, reply.text, reply.error) == ("text", (), CAPTION, None)

    def test_a_refusal_is_refused(self) -> None:
        """A refusal is final, and has the service's reason or message."""
        reply = self.dialect.decode(self.refused)
        assert (reply.outcome, reply.pictures, reply.error) == ("refused", (), None)
        assert reply.reason or reply.message

    def test_errors_are_of_their_kind(self) -> None:
        """An error is of the kind that says what to do about it, and it is returned, not raised."""
        for kind, response in self.errors.items():
            reply = self.dialect.decode(response)
            assert (reply.outcome, type(reply.error), reply.status) == ("error", kind, response.status)

    @pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
    def test_half_an_answer_is_interrupted(self, share: float) -> None:
        """An answer that breaks off is interrupted, never an error of the caller's, but where its picture had come whole."""
        half = self.picture.body[: int(len(self.picture.body) * share)]
        reply = self.dialect.decode(self.picture._replace(body=half))
        assert [p.data for p in reply.pictures] in ([], [RED][: base64.b64encode(RED) in half])
        assert reply.outcome == ("picture" if reply.pictures else "interrupted")

    @pytest.mark.parametrize("status", [200, 204, 302, 400, 404, 429, 500])
    @pytest.mark.parametrize("body", STRANGE)
    def test_whatever_comes_has_a_verdict(self, status: int, body: bytes) -> None:
        """Decoding never raises, and what went wrong is in the reply; only options that it has can be disliked."""
        reply = self.dialect.decode(Response(status, {}, body))
        assert reply.outcome in ("text", "refused", "error", "interrupted")
        assert reply.error is not None if reply.outcome == "error" else reply.error is None or reply.outcome == "interrupted"
        assert set(reply.dislikes) <= self.dialect.options

    def test_a_kept_turn_goes_out_again(self) -> None:
        """What is kept of an answer holds its picture by name only, and goes out again between the user's turns; not all dialects talk."""
        kept = self.dialect.keep(self.dialect.decode(self.picture))
        assert (kept is not None) == self.talks
        if kept is not None:
            assert base64.b64encode(RED) not in kept
            answer = self.dialect.recall(kept, {Picture(RED).sha256: Picture(RED)})
            request = self.dialect.encode(self.turn("more", pictures=inputs(BLUE), earlier=(Exchange("first", (), answer),)))
            places = [request.body.find(b"first"), where(request, RED), request.body.find(b"more"), where(request, BLUE)]
            assert places == sorted(places)
            assert places[0] >= 0

    @pytest.mark.parametrize("strange", [b"", b"\xff", b"[]", b"7"])
    def test_what_was_not_kept_is_not_recalled(self, strange: bytes) -> None:
        """Bytes that it did not keep raise ValueError, and a reply without a turn keeps none."""
        assert self.dialect.keep(Reply("text")) is None
        if self.talks:
            with pytest.raises(ValueError, match=r"."):
                self.dialect.recall(strange, {})


def inputs(*pictures: bytes) -> tuple[InputPicture, ...]:
    """Pictures that go in, the first as the base."""
    return tuple(InputPicture(Picture(data), "reference" if i else "base") for i, data in enumerate(pictures))


def where(request: Request, picture: bytes) -> int:
    """Where a picture stands in a request's body, as base64 or as it is; -1 where it does not."""
    return max(request.body.find(base64.b64encode(picture)), request.body.find(picture))


def sent(request: Request) -> tuple[str, bytes]:
    """What the service sees of a request."""
    return request.path, request.body
