"""Batch mode as Google offers it beside generateContent: a file of requests goes up, a job is made of it, and its answers come as a file.

Each call is one request over a transport and waits for nothing; who calls keeps the job's name and polls. An address that the service names
for an upload is followed only on the endpoint's own host, since the key goes along. Source: google-genai 3.6.1 and Google's guide, 2026-11.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from promptkit.errors import PromptkitError, ProviderError, SettingsError, TransportError
from promptkit.providers.body import get, read_body
from promptkit.providers.endpoints import AAIGC, DEERAPI, Endpoint
from promptkit.providers.gemini import Gemini
from promptkit.providers.message import InFile, Request, Response, is_ok
from promptkit.providers.transport import Transport

__all__ = ["LARGEST_FILE", "BatchAnswer", "BatchJobs", "JobState", "answers_in", "check_batch", "request_line"]

LARGEST_FILE = 2_000_000_000  # bytes of a file of requests
LARGEST_LINE = 1_000_000_000  # bytes of one answer; what is longer is none
CALL, TRANSFER = 60.0, 3600.0  # seconds for a question, and for a file of either direction
FILE_TYPE = "application/jsonl"
GATEWAYS = (AAIGC.base_url, DEERAPI.base_url)  # that speak generateContent, and have no batch mode
PAGES, ON_A_PAGE = 10, 100  # of the list of jobs, newest first
# what a status in a file of answers means: its numbers are gRPC's, and some are HTTP's already
HTTP_OF_STATUS = {1: 499, 3: 400, 4: 504, 5: 404, 7: 403, 8: 429, 9: 400, 10: 409, 13: 500, 14: 503, 16: 401}


class JobState(NamedTuple):
    """How far a job is: the service's own word without its prefix (PENDING, RUNNING, SUCCEEDED, FAILED, CANCELLED, EXPIRED), the name of
    the file with its answers where there is one, and its own sentence of what went wrong.
    """

    word: str
    answers: str | None = None
    message: str = ""

    @property
    def is_over(self) -> bool:
        """Whether it will not change any more."""
        return self.has_succeeded or self.word in ("FAILED", "CANCELLED", "EXPIRED")

    @property
    def has_succeeded(self) -> bool:
        """Whether it was carried out, so that its requests are answered and charged."""
        return self.word in ("SUCCEEDED", "PARTIALLY_SUCCEEDED")


@dataclass(frozen=True)
class BatchAnswer:
    """One line of a file of answers: the key of its request, and the response as it would have come to that alone."""

    key: str
    response: Response


def check_batch(endpoint: Endpoint, model: str) -> None:
    """SettingsError where an endpoint has no batch mode for a model."""
    if endpoint.is_offline:
        raise SettingsError("Offline drafts cost nothing and have no batch mode; run it without, or name google.")
    if endpoint.base_url in GATEWAYS or not isinstance(endpoint.dialect_of(model), Gemini):
        raise SettingsError(f"{model} at {endpoint.name} has no batch mode: Google's models at google do; run it without.")


@dataclass(frozen=True)
class BatchJobs:
    """Uploads files, makes jobs of them, says how far these are, and fetches their answers. Raises ProviderError and TransportError."""

    endpoint: Endpoint
    transport: Transport

    def upload(self, file: Path, name: str) -> str:
        """Brings a file of requests to the service, to be called `name`; returns the name that it has there."""
        size = file.stat().st_size
        headers = {
            "X-Goog-Upload-Protocol": "resumable",
            "X-Goog-Upload-Command": "start",
            "X-Goog-Upload-Header-Content-Length": str(size),
            "X-Goog-Upload-Header-Content-Type": FILE_TYPE,
        }
        begun = self._answered(_posted("/upload/v1beta/files", {"file": {"displayName": name, "mimeType": FILE_TYPE}}, headers))
        path = self._own_path(begun.header("X-Goog-Upload-URL") or "")
        headers = {"X-Goog-Upload-Offset": "0", "X-Goog-Upload-Command": "upload, finalize"}
        request = Request(path, (InFile(file, size),), TRANSFER, content_type=FILE_TYPE, headers=headers)
        return self._name(self._json(self._answered(request)).get("file"), "files/", "an uploaded file")

    def create(self, model: str, file: str, name: str) -> str:
        """Makes a job, to be called `name`, of an uploaded file; returns the name that it has there."""
        path = f"/v1beta/models/{quote(model.removeprefix('models/'), safe='@')}:batchGenerateContent"
        return self._job(self._json(self._answered(_posted(path, {"batch": {"displayName": name, "inputConfig": {"fileName": file}}}))))

    def find(self, name: str) -> str | None:
        """The job that is called `name`, among the newest thousand; None where there is none."""
        token = ""
        for _ in range(PAGES):
            query = urlencode({"pageSize": ON_A_PAGE, **({"pageToken": token} if token else {})})
            page = self._json(self._answered(_got(f"/v1beta/batches?{query}")))
            for job in _mappings(page.get("operations") or page.get("batches")):
                if get(_mapping(job.get("metadata")) or job, "displayName") == name:
                    return self._job(job)
            token = str(page.get("nextPageToken") or "")
            if not token:
                break
        return None

    def poll(self, job: str) -> JobState:
        """How far a job is."""
        said = self._json(self._answered(_got(f"/v1beta/{quote(job, safe='/')}")))
        about = _mapping(said.get("metadata")) or said
        word = str(about.get("state") or "").removeprefix("BATCH_STATE_").removeprefix("JOB_STATE_") or "PENDING"
        output = _mapping(about.get("output")) or _mapping(said.get("response"))
        file = output.get("responsesFile") or _mapping(said.get("response")).get("responsesFile")
        message = str(_mapping(said.get("error")).get("message") or "")
        return JobState(word, self._name({"name": file}, "files/", "a file of answers") if file else None, message)

    def fetch(self, file: str, into: Path) -> None:
        """Writes a file of answers to `into`, of whatever length. Where it breaks off, what came is there and TransportError is raised."""
        request = replace(_got(f"/download/v1beta/{quote(file, safe='/')}:download?alt=media"), timeout=TRANSFER, into=into)
        response = self._answered(request)
        if response.body or not into.exists():  # of a transport that brings all bodies
            into.write_bytes(response.body)

    # One request

    def _answered(self, request: Request) -> Response:
        response = self.transport.send(request)
        if not is_ok(response.status):
            raise self._error(response)
        return response

    def _error(self, response: Response) -> PromptkitError:
        reply = Gemini().decode(response)
        return reply.error or ProviderError(f"{self.endpoint.name} answered {response.status}.", status=response.status)

    def _json(self, response: Response) -> Mapping[str, Any]:
        said = next((v for v in read_body(response.body).values if isinstance(v, dict)), None)
        if said is None:
            raise self._strange(f"an answer that is no JSON ({len(response.body)} bytes)")
        return said

    def _job(self, said: Mapping[str, Any]) -> str:
        return self._name(said, "batches/", "a job")

    def _name(self, said: object, begins: str, what: str) -> str:
        """The name of what the service made. ProviderError for none, and for one that would lead elsewhere."""
        name = str(_mapping(said).get("name") or "")
        if not name.startswith(begins) or not name.isprintable() or set(name) & set("?#\\ ") or ".." in name or len(name) > 300:
            raise self._strange(f"{name!r:.60} as the name of {what}")
        return name

    def _strange(self, what: str) -> ProviderError:
        said = f"{self.endpoint.name} gave {what}, so it may have no batch mode; run it without, or try again later."
        return ProviderError(said, message=said)

    def _own_path(self, address: str) -> str:
        """The path of an address below the endpoint's. TransportError for one anywhere else: the key would go along, and the pictures."""
        base, there = urlsplit(self.endpoint.base_url), urlsplit(address)
        begins = f"{base.path.rstrip('/')}/"
        if not address:
            raise self._strange("no address for an upload")
        if (there.scheme, there.netloc.lower()) != (base.scheme, base.netloc) or not there.path.startswith(begins):
            said = f"{self.endpoint.name} named {there.netloc or 'no host'!s:.100} for an upload, which is not {base.netloc}"
            raise TransportError(f"{said}: nothing was sent there, since the key would go along; try again later.")
        return there.path.removeprefix(base.path.rstrip("/")) + (f"?{there.query}" if there.query else "")


def _posted(path: str, payload: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Request:
    return Request(path, (json.dumps(payload).encode(),), CALL, headers=headers or {})


def _got(path: str) -> Request:
    return Request(path, (), CALL, method="GET")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: object) -> Iterator[Mapping[str, Any]]:
    return filter(None, map(_mapping, value if isinstance(value, list) else ()))


# The lines of both files


def request_line(key: str, request: Request) -> Iterator[bytes]:
    """The line of a request in a file of requests, in pieces."""
    yield b'{"key": ' + json.dumps(key).encode() + b', "request": '
    yield from request
    yield b"}\n"


def answers_in(file: Path) -> Iterator[BatchAnswer | None]:
    """The lines of a file of answers, read one by one; None for one that cannot be understood, such as the last of a file that was cut."""
    with file.open("rb") as lines:
        while line := lines.readline(LARGEST_LINE):
            if line.strip():
                yield _answer(line)


def _answer(line: bytes) -> BatchAnswer | None:
    try:
        said = _mapping(json.loads(line))
    except (ValueError, RecursionError):
        return None
    key = said.get("key") or _mapping(said.get("metadata")).get("key")
    if not isinstance(key, str):
        return None
    if isinstance(said.get("response"), dict):
        return BatchAnswer(key, Response.json(said["response"]))
    failed = _mapping(said.get("error")) or _mapping(said.get("status"))
    if not failed:
        return BatchAnswer(key, Response.json({}))
    code = failed.get("code")
    status = code if isinstance(code, int) and 400 <= code < 600 else HTTP_OF_STATUS.get(code, 500) if isinstance(code, int) else 500
    return BatchAnswer(key, Response.json({"error": failed}, status))
