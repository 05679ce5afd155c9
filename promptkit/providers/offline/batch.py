"""Batch mode of the painter's server: files go up, jobs are made of them, and their answers come as a file. All of it in memory.

For tests it has the faults that people met: `Faults` says which. Requests are judged and painted as live ones are.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

__all__ = ["Batch", "Faults"]

Answered = tuple[int, dict[str, str], bytes]
Answer = Callable[[str, bytes], Answered]
CREATE = re.compile(r"/v1beta/(models/[A-Za-z0-9][A-Za-z0-9._-]*):batchGenerateContent")
JOB = re.compile(r"/v1beta/(batches/[a-z0-9-]+)(:cancel)?")
DOWNLOAD = re.compile(r"(?:/download)?/v1beta/(files/[a-z0-9-]+):download")
UPLOAD, JOBS = "/upload/v1beta/files", "/v1beta/batches"
RPC = {400: 3, 401: 16, 403: 7, 404: 5, 429: 8, 500: 13, 503: 14}


@dataclass
class Faults:
    """What goes wrong: for how many polls a job is pending; in which state it ends; which lines, from 0 on, fail, are missing; whether
    answers come in another order; at which share of its bytes the file of answers ends; how often fetching breaks off in the middle, and is
    answered by 503; how often making a job is answered by 503 although it is made; which host an upload is sent to.
    """

    pending: int = 0
    ends: str = "SUCCEEDED"
    failed: tuple[int, ...] = ()
    missing: tuple[int, ...] = ()
    shuffled: bool = False
    cut_at: float | None = None
    broken_fetches: int = 0
    busy_fetches: int = 0
    lost_creates: int = 0
    upload_host: str | None = None


@dataclass
class _Job:
    name: str
    model: str
    display_name: str
    requests: list[bytes]
    polls: int = 0
    state: str = "PENDING"
    answers: str | None = None

    def said(self) -> dict[str, Any]:
        """As an operation."""
        metadata: dict[str, Any] = {"name": self.name, "model": self.model, "displayName": self.display_name}
        metadata |= {"state": f"BATCH_STATE_{self.state}", "batchStats": {"requestCount": str(len(self.requests))}}
        output = {"responsesFile": self.answers} if self.answers else {}
        done = self.state not in ("PENDING", "RUNNING")
        metadata |= {"output": output} if output else {}
        return {"name": self.name, "metadata": metadata, **({"done": True, "response": output} if done else {})}


@dataclass
class Batch:
    """The files and the jobs of one server; `answer` answers a live request. Safe to use from several threads."""

    answer: Answer
    faults: Faults = field(default_factory=Faults)
    calls: list[tuple[str, str]] = field(default_factory=list)  # method and path of each
    _uploads: set[str] = field(default_factory=set)
    _files: dict[str, bytes] = field(default_factory=dict)
    _jobs: dict[str, _Job] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @staticmethod
    def is_asked(path: str) -> bool:
        """Whether a path is one of batch mode's."""
        bare = urlsplit(path).path
        return bare in (UPLOAD, JOBS) or any(route.fullmatch(bare) for route in (CREATE, JOB, DOWNLOAD))

    @property
    def jobs(self) -> list[str]:
        """The names of all jobs that were made."""
        return [*self._jobs]

    def answered(self, method: str, url: str, headers: Mapping[str, str], body: bytes, host: str) -> Answered:
        """Answers one request of batch mode; a body that is shorter than its Content-Length says breaks off there."""
        path, query = urlsplit(url).path, parse_qs(urlsplit(url).query)
        with self._lock:
            self.calls.append((method, path))
            if method == "POST" and path == UPLOAD:
                return self._uploaded(query, headers, body, host)
            if method == "POST" and (found := CREATE.fullmatch(path)):
                return self._created(found[1], body)
            if method == "GET" and path == JOBS:
                return _json({"operations": [job.said() for job in reversed(self._jobs.values())]})
            if method == "GET" and (found := DOWNLOAD.fullmatch(path)):
                return self._fetched(found[1])
            if (found := JOB.fullmatch(path)) and (job := self._jobs.get(found[1])):
                return self._asked(method, job, cancels=bool(found[2]))
            return _refused(404, "NOT_FOUND", "Requested entity was not found.")

    def _uploaded(self, query: Mapping[str, list[str]], headers: Mapping[str, str], body: bytes, host: str) -> Answered:
        sent = {name.lower(): value for name, value in headers.items()}
        command = sent.get("x-goog-upload-command", "")
        if command == "start" and sent.get("x-goog-upload-protocol") == "resumable":
            upload = secrets.token_hex(8)
            self._uploads.add(upload)
            address = f"http://{self.faults.upload_host or host}{UPLOAD}?upload_id={upload}&upload_protocol=resumable"
            return _json({}, {"X-Goog-Upload-Status": "active", "X-Goog-Upload-URL": address})
        upload = (query.get("upload_id") or [""])[0]
        if command != "upload, finalize" or sent.get("x-goog-upload-offset") != "0" or upload not in self._uploads:
            return _refused(400, "INVALID_ARGUMENT", "Upload has no such command, offset or id.")
        self._uploads.remove(upload)
        name = f"files/{secrets.token_hex(6)}"
        self._files[name] = body
        return _json({"file": {"name": name, "sizeBytes": str(len(body)), "state": "ACTIVE"}}, {"X-Goog-Upload-Status": "final"})

    def _created(self, model: str, body: bytes) -> Answered:
        try:
            asked = json.loads(body)["batch"]
            display_name, file = str(asked["displayName"]), asked["inputConfig"]["fileName"]
        except (ValueError, KeyError, TypeError):
            return _refused(400, "INVALID_ARGUMENT", "A batch needs a displayName and an inputConfig with a fileName.")
        if file not in self._files:
            return _refused(400, "INVALID_ARGUMENT", f"There is no file {file}.")
        lines = self._files[file].splitlines()
        if not lines or not all(map(_is_request, lines)):
            return _refused(400, "INVALID_ARGUMENT", "Each line of the file is an object with a key and a request.")
        job = _Job(f"batches/{secrets.token_hex(6)}", model, display_name, lines)
        self._jobs[job.name] = job
        if self.faults.lost_creates > 0:
            self.faults.lost_creates -= 1
            return _refused(503, "UNAVAILABLE", "The service is currently unavailable.")
        return _json(job.said())

    def _asked(self, method: str, job: _Job, *, cancels: bool) -> Answered:
        if method == "DELETE":
            del self._jobs[job.name]
            return _json({})
        if method == "POST" and cancels:
            job.state = "CANCELLED" if job.state in ("PENDING", "RUNNING") else job.state
            return _json({})
        job.polls += 1
        if job.state in ("PENDING", "RUNNING") and job.polls > self.faults.pending:
            job.state = self.faults.ends
            if job.state == "SUCCEEDED":
                job.answers = f"files/{secrets.token_hex(6)}"
                self._files[job.answers] = self._answers(job)
        return _json(job.said())

    def _answers(self, job: _Job) -> bytes:
        faults = self.faults
        lines = [self._line(job, n, json.loads(line)) for n, line in enumerate(job.requests) if n not in faults.missing]
        data = b"".join(reversed(lines) if faults.shuffled else lines)
        return data if faults.cut_at is None else data[: int(len(data) * faults.cut_at)]

    def _line(self, job: _Job, number: int, asked: Mapping[str, Any]) -> bytes:
        status, _, body = self.answer(f"/v1beta/{job.model}:generateContent", json.dumps(asked["request"]).encode())
        said = json.loads(body)
        if number in self.faults.failed:
            status, said = 500, {"error": {"message": "Internal error encountered."}}
        if status == 200:
            return json.dumps({"key": asked["key"], "response": said}).encode() + b"\n"
        return json.dumps({"key": asked["key"], "error": {**said["error"], "code": RPC.get(status, 13)}}).encode() + b"\n"

    def _fetched(self, file: str) -> Answered:
        if file not in self._files:
            return _refused(404, "NOT_FOUND", "Requested entity was not found.")
        if self.faults.busy_fetches > 0:
            self.faults.busy_fetches -= 1
            return _refused(503, "UNAVAILABLE", "The service is currently unavailable.")
        data = self._files[file]
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(len(data))}
        if self.faults.broken_fetches > 0:
            self.faults.broken_fetches -= 1
            return 200, headers, data[: len(data) // 2]
        return 200, headers, data


def _is_request(line: bytes) -> bool:
    try:
        said = json.loads(line)
    except ValueError:
        return False
    return isinstance(said, dict) and isinstance(said.get("key"), str) and isinstance(said.get("request"), dict)


def _json(content: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answered:
    return 200, {"Content-Type": "application/json; charset=UTF-8", **(headers or {})}, json.dumps(content).encode()


def _refused(status: int, word: str, message: str) -> Answered:
    said = {"error": {"code": status, "message": message, "status": word}}
    return status, {"Content-Type": "application/json; charset=UTF-8"}, json.dumps(said).encode()
