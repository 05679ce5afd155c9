"""A batch job as a run keeps it on disk, in jobs/ of the run's folder: before the service is asked to make it, and until it is over.

ID.json says how far it is and names it; as long as that file is there, the requests in it are claimed. ID.orders.jsonl has what each of its
requests was made of, so that answers are recorded whatever the table says by then. ID.requests.jsonl is what goes to the service, and
ID.answers.jsonl what came, each only as long as it is needed.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from promptkit import atomic
from promptkit.engine.sums import Sums, plus
from promptkit.errors import LineageError
from promptkit.lineage.files import json_bytes, parsed, read_file, reason
from promptkit.lineage.holding import hold, is_held, let_go
from promptkit.lineage.layout import writing
from promptkit.lineage.record import now

__all__ = ["BatchJob", "JobRequest", "jobs_in"]

VERSION = 1
FOLDER, SCHEMA = "jobs", f"promptkit.job/{VERSION}"
ORDERS, REQUESTS, ANSWERS = ".orders.jsonl", ".requests.jsonl", ".answers.jsonl"
BEGUN, CREATING, MADE = "begun", "creating", "made"
LARGEST = 1_000_000  # bytes of a job's file


@dataclass(frozen=True)
class JobRequest:
    """One request of a job: its key in the job's files, the name of its row's folder, its take, its recipe, and its order as JSON."""

    key: str
    folder: str
    take: int
    recipe: str
    order: Mapping[str, Any]


class BatchJob:
    """One job. `stage` is begun, creating (the service was asked to make it, and may have) or made (then it has a name)."""

    def __init__(self, path: Path, note: Mapping[str, Any]) -> None:
        self.path, self._note = path, dict(note)

    @classmethod
    def begin(cls, into: Path, endpoint: str, model: str) -> BatchJob:
        """A new one, of which nothing was sent, held by this process until it is made."""
        mark = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
        note = {"schema": SCHEMA, "name": None, "stage": BEGUN, "endpoint": endpoint, "model": model, "begun": now()}
        made = cls(into / FOLDER / f"{mark}.json", {**note, "requests": 0, "reserved": {}, **atomic.whose()})
        with writing(into):
            made._write()
        hold(made.path)
        return made

    @property
    def name(self) -> str | None:
        """What the service calls it; None as long as nobody knows that."""
        return self._note.get("name")

    @property
    def display_name(self) -> str:
        """What it is called in the service's list."""
        return f"promptkit-{self.path.stem}"

    @property
    def endpoint(self) -> str:
        """The name of its endpoint."""
        return str(self._note.get("endpoint"))

    @property
    def model(self) -> str:
        """The model that it asks."""
        return str(self._note.get("model"))

    @property
    def may_be_made(self) -> bool:
        """Whether the service was asked to make it."""
        return self._note.get("stage") != BEGUN

    @property
    def requests(self) -> int:
        """How many requests it has."""
        return int(self._note.get("requests") or 0)

    @property
    def reserved(self) -> Sums:
        """What it may cost, in the units of a budget."""
        return dict(self._note.get("reserved") or {})

    @property
    def is_being_made(self) -> bool:
        """Whether a process is just making it, this one in another thread included."""
        if self.name:
            return False
        if self._note.get("process") == os.getpid() and self._note.get("run") == atomic.RUN:
            return is_held(self.path)
        return not atomic.is_abandoned(self.path, self._note, clock=partial(atomic.now_there, self.path.parent))

    def __str__(self) -> str:
        return f"the batch job {self.name or self.path.stem}"

    # Its requests

    @property
    def requests_file(self) -> Path:
        """What goes to the service."""
        return self.path.with_name(self.path.stem + REQUESTS)

    @property
    def answers_file(self) -> Path:
        """What came from it."""
        return self.path.with_name(self.path.stem + ANSWERS)

    @property
    def _orders_file(self) -> Path:
        return self.path.with_name(self.path.stem + ORDERS)

    def add(self, request: JobRequest, line: Iterator[bytes], reserved: Sums) -> int:
        """Adds a request to its files; returns how many bytes go to the service by now."""
        with writing(self.path.parent), self._orders_file.open("ab") as orders, self.requests_file.open("ab") as requests:
            orders.write(json.dumps(vars(request), ensure_ascii=False).encode("utf-8", "replace") + b"\n")
            requests.writelines(line)
            self._note |= {"requests": self.requests + 1, "reserved": plus(self.reserved, reserved)}
            return requests.tell()

    def all_requests(self) -> Iterator[JobRequest]:
        """All of them. LineageError where their file cannot be read."""
        try:
            with self._orders_file.open("rb") as lines:
                for line in lines:
                    yield _request_of(json.loads(line))
        except (OSError, ValueError, TypeError) as error:
            why = str(error) if isinstance(error, TypeError) else reason(error)
            said = f"{self._orders_file} says what {self} asks for, and cannot be read: {why}"
            raise LineageError(f"{said}; bring it back from a copy.", path=self._orders_file) from None

    # Its life

    def creating(self) -> None:
        """Notes, before the service is asked to make it, that it may be made."""
        with self._orders_file.open("rb") as orders, writing(self.path.parent):
            os.fsync(orders.fileno())
        self._note["stage"] = CREATING
        self._write()

    def made(self, name: str) -> None:
        """Notes its name; from now on any process may poll it."""
        self._note |= {"stage": MADE, "name": name}
        self._write()
        let_go(self.path)
        with suppress(OSError):
            self.requests_file.unlink(missing_ok=True)

    def unsure(self) -> None:
        """Lets any process find out whether it was made."""
        let_go(self.path)

    def end(self) -> None:
        """Removes it: its requests are claimed no longer."""
        let_go(self.path)
        with writing(self.path.parent):
            self.path.unlink(missing_ok=True)
        _remove_beside(self.path)

    def _write(self) -> None:
        with writing(self.path.parent):
            atomic.write_whole(self.path, json_bytes(self._note), durable=True)
            atomic.sync_folder(self.path.parent)


def _request_of(said: Mapping[str, Any]) -> JobRequest:
    """A request as its file has it. ValueError for a folder that is not in the run's own: the file may be a stranger's."""
    request = JobRequest(**said)
    if request.folder in ("", ".", "..") or Path(request.folder).name != request.folder:
        raise ValueError(f"{request.folder!r:.60} is no row's folder")
    return request


def jobs_in(into: Path) -> list[BatchJob]:
    """The jobs of a run that are not over, oldest first. LineageError for a file that cannot be read."""
    found: list[BatchJob] = []
    for path in sorted((into / FOLDER).glob("*.json")):
        try:
            note = parsed(read_file(path, LARGEST))
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise LineageError(f"{path} would name a batch job, and cannot be read: {reason(error)}.", path=path) from None
        if not isinstance(note, dict) or note.get("schema") != SCHEMA:
            version = note.get("schema") if isinstance(note, dict) else None
            raise LineageError(f"{path} says {version!r:.40}, and this promptkit knows {SCHEMA}.", path=path)
        found.append(BatchJob(path, note))
    return found


def _remove_beside(path: Path) -> None:
    for ends in (ORDERS, REQUESTS, ANSWERS):
        with suppress(OSError):
            path.with_name(path.stem + ends).unlink(missing_ok=True)
