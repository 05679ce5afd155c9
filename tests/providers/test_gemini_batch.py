"""Batch mode on the wire: the lines of its files, the names and addresses that a service gives, and what is refused of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kit.batch_service import batch_service

from promptkit import Endpoint, ProviderError, Response, SettingsError, TransportError
from promptkit.providers.endpoints import DEERAPI, GOOGLE, OFFLINE
from promptkit.providers.gemini import Gemini
from promptkit.providers.gemini_batch import BatchJobs, answers_in, check_batch, request_line
from promptkit.providers.message import InFile, Request, Turn
from promptkit.providers.transport import RequestsTransport

HOST = Endpoint("google", "https://host.example", auth="none", key_env=(), key_required=False)


class Answering:
    """A transport that notes what it is sent, and answers with these responses one after the other."""

    def __init__(self, *responses: Response) -> None:
        self.sent: list[Request] = []
        self._responses = list(responses)

    def send(self, request: Request) -> Response:
        self.sent.append(request)
        return self._responses.pop(0)


def polled(said: dict[str, Any]) -> Any:
    return BatchJobs(HOST, Answering(Response.json(said))).poll("batches/1")


def test_a_line_holds_the_request_as_it_goes_out_live(tmp_path: Path) -> None:
    """Under its key, on one line, whatever the words."""
    request = Gemini().encode(Turn("a fox\n\u2028at \"night\"", model="m", config={"aspect_ratio": "1:1"}))
    line = b"".join(request_line("k.0", request))
    assert line.count(b"\n") == 1
    assert json.loads(line) == {"key": "k.0", "request": json.loads(request.body)}


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ({"key": "a", "response": {"candidates": []}}, 200, {"candidates": []}),
        ({"key": "a", "error": {"code": 3, "message": "no"}}, 400, {"error": {"code": 3, "message": "no"}}),
        ({"key": "a", "error": {"code": 429, "message": "no"}}, 429, {"error": {"code": 429, "message": "no"}}),
        ({"key": "a", "status": {"code": 14, "message": "no"}}, 503, {"error": {"code": 14, "message": "no"}}),
        ({"key": "a", "error": {"message": "no"}}, 500, {"error": {"message": "no"}}),
        ({"metadata": {"key": "a"}, "response": {"x": 1}}, 200, {"x": 1}),
        ({"key": "a"}, 200, {}),
    ],
)
def test_an_answer_is_what_would_have_come_live(line: dict[str, Any], status: int, said: dict[str, Any], tmp_path: Path) -> None:
    """An error has the HTTP status that its number stands for."""
    file = tmp_path / "answers.jsonl"
    file.write_text(json.dumps(line) + "\n")
    [answer] = answers_in(file)
    assert answer is not None
    assert (answer.key, answer.response.status, json.loads(answer.response.body)) == ("a", status, said)


@pytest.mark.parametrize("line", ['{"key": "a", "respon', "[1]", '"a"', '{"response": {}}', '{"key": 7, "response": {}}', "[" * 100_000])
def test_a_line_that_is_no_answer_ends_nothing(line: str, tmp_path: Path) -> None:
    """It is none; those around it are read, and blank lines are passed over."""
    file = tmp_path / "answers.jsonl"
    file.write_text(f'{{"key": "a", "response": {{}}}}\n\n{line}\n{{"key": "b", "response": {{}}}}\n')
    assert [answer and answer.key for answer in answers_in(file)] == ["a", None, "b"]


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ({"metadata": {"state": "BATCH_STATE_PENDING"}}, ("PENDING", None, "")),
        ({"metadata": {"state": "JOB_STATE_RUNNING"}}, ("RUNNING", None, "")),
        ({"metadata": {}}, ("PENDING", None, "")),
        ({"metadata": {"state": "BATCH_STATE_SUCCEEDED", "output": {"responsesFile": "files/x"}}}, ("SUCCEEDED", "files/x", "")),
        ({"metadata": {"state": "BATCH_STATE_SUCCEEDED"}, "response": {"responsesFile": "files/x"}}, ("SUCCEEDED", "files/x", "")),
        ({"state": "BATCH_STATE_EXPIRED"}, ("EXPIRED", None, "")),
        ({"metadata": {"state": "BATCH_STATE_FAILED"}, "error": {"message": "bad file"}}, ("FAILED", None, "bad file")),
    ],
)
def test_a_state_is_read_from_an_operation_and_from_a_batch(said: dict[str, Any], state: tuple[Any, ...]) -> None:
    """In either spelling, wherever the file's name stands."""
    assert tuple(polled({"name": "batches/1", **said})) == state


@pytest.mark.parametrize("name", ["files/../x", "files/x?key=1", "batches/1", "", None, 7, "files/" + "x" * 400, "files/x\ny"])
def test_a_name_that_would_lead_elsewhere_is_refused(name: Any) -> None:
    """A service may not send a request, and the key in it, to any path."""
    jobs = BatchJobs(HOST, Answering(Response.json({"file": {"name": name}}, headers={"X-Goog-Upload-URL": "https://host.example/u"})))
    with pytest.raises(ProviderError, match="as the name of an uploaded file"):
        jobs._name({"name": name}, "files/", "an uploaded file")


@pytest.mark.parametrize(
    "address",
    [
        "https://other.example/upload?id=1",
        "http://host.example/upload?id=1",
        "https://host.example:8443/upload",
        "https://host.example@other.example/upload",
        "https://host.example.other.example/upload",
        "//other.example/upload",
        "/upload",
        "ftp://host.example/upload",
    ],
)
def test_an_upload_goes_to_the_endpoints_own_host_alone(address: str, tmp_path: Path) -> None:
    """Another host, scheme or port is refused before anything is sent there, and its query is not told."""
    file = tmp_path / "requests.jsonl"
    file.write_bytes(b"{}\n")
    transport = Answering(Response.json({}, headers={"X-Goog-Upload-URL": address}))
    with pytest.raises(TransportError, match="nothing was sent there") as raised:
        BatchJobs(HOST, transport).upload(file, "mine")
    assert len(transport.sent) == 1
    assert "id=1" not in str(raised.value)
    assert raised.value.sent is False


def test_an_upload_is_a_file_of_known_length_at_the_address_given(tmp_path: Path) -> None:
    """Resumable: begun with its size and type, then sent whole, with the address's query; a path before the endpoint's own is kept."""
    file = tmp_path / "requests.jsonl"
    file.write_bytes(b'{"key": "a"}\n' * 1000)
    named = Response.json({"file": {"name": "files/abc"}})
    transport = Answering(Response.json({}, headers={"x-goog-upload-url": "https://HOST.example/gate/up/load?upload_id=7"}), named)
    at_gate = Endpoint("google", "https://host.example/gate", auth="none", key_env=(), key_required=False)
    assert BatchJobs(at_gate, transport).upload(file, "mine") == "files/abc"
    begun, sent = transport.sent
    assert begun.headers["X-Goog-Upload-Header-Content-Length"] == str(len(sent)) == "13000"
    assert (sent.path, sent.body) == ("/up/load?upload_id=7", file.read_bytes())
    assert sent.pieces == (InFile(file, 13000),)


def test_a_file_of_answers_goes_to_disk_of_any_length(tmp_path: Path) -> None:
    """Beyond what a reply may have in memory."""
    with batch_service() as service:
        service.batch._files["files/big"] = b"x" * 3_000_000
        transport = RequestsTransport(service.endpoint, reply_limit=1_000_000)
        BatchJobs(service.endpoint, transport).fetch("files/big", tmp_path / "answers")
        with pytest.raises(ProviderError):
            BatchJobs(service.endpoint, transport).fetch("files/none", tmp_path / "none")
    assert (tmp_path / "answers").stat().st_size == 3_000_000
    assert not (tmp_path / "none").exists()


def test_a_service_without_batch_mode_is_named() -> None:
    """Before anything is sent where that is known."""
    check_batch(GOOGLE, "gemini-2.5-flash-image")
    with pytest.raises(SettingsError, match="Offline drafts"):
        check_batch(OFFLINE, "gemini-2.5-flash-image")
    with pytest.raises(SettingsError, match="deerapi has no batch mode"):
        check_batch(DEERAPI, "gemini-2.5-flash-image")
