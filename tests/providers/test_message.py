"""The values that pass between a turn and its reply: how long a body is, and what a value shows of itself."""

from __future__ import annotations

import base64

import pytest
from kit.loopback import png

from promptkit.errors import SettingsError
from promptkit.providers.message import CHUNK, InBase64, Request, Response, check_length

RED = png("red")


def test_request_shows_no_picture() -> None:
    """A request's repr does not print its body, and a body over the limit is refused with both sizes."""
    request = Request("/a", (b"secret wish", InBase64(RED)))
    assert "secret" not in repr(request)
    assert repr(RED[:8])[2:-1] not in repr(request)
    check_length(request, len(request))
    with pytest.raises(SettingsError, match=r"would be 0\.0 MB, and the limit is 0 MB"):
        check_length(request, len(request) - 1)


@pytest.mark.parametrize("size", [0, 1, 2, 3, CHUNK - 1, CHUNK, CHUNK + 1])
def test_a_body_is_its_pieces(size: int) -> None:
    """A body is its pieces one after the other, bytes as they are and pictures as one stretch of base64, and its length is known before."""
    data = (bytes(range(251)) * (size // 251 + 1))[:size]
    request = Request("/a", (b"--\r\n", InBase64(data), b"\xff"))
    assert request.body == b"--\r\n" + base64.b64encode(data) + b"\xff"
    assert len(request) == len(request.body)


def test_headers_are_found_in_any_case() -> None:
    """A response's header is found whatever the case of its name, and is None where it is not there."""
    response = Response(200, {"rEtry-After": "5"}, b"")
    assert (response.header("Retry-After"), response.header("Date")) == ("5", None)
