"""Runs by batch jobs, at the painter's server: what is asked for, what is kept, and each of the service's faults. The wire itself is in
tests/providers/test_gemini_batch.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.batch_service import BatchService, batch_service
from kit.loopback import png
from kit.tables import ANIMALS

from promptkit import FunctionTransport, InputError, LineageError, PromptkitWarning, Run, Session, SettingsError, run, templates
from promptkit.cost import Cost

LISTED = 0.039  # USD for a picture, live
HALF = LISTED / 2
ASKED_FOR = [{"label": f"animal {number}", "subject": f"fox number {number}"} for number in range(205)]


@pytest.fixture
def service() -> Iterator[BatchService]:
    """One without faults."""
    with batch_service() as made:
        yield made


def batch(service: BatchService, rows: Any, into: Path, what: Any = None, **how: Any) -> Run:
    """A run by batch jobs, to its end unless it is not waited for."""
    made = run(what or templates.sticker, rows, into, **{"endpoint": service.endpoint, "mode": "batch", **how})
    assert isinstance(made, Run)
    return made


def jobs(into: Path) -> list[Path]:
    """The files of the jobs that are not over."""
    return sorted((into / "jobs").glob("*.json"))


# Asking


def test_rows_are_asked_for_by_one_job_and_found_again(service: BatchService, tmp_path: Path) -> None:
    """Each row has its picture, in a session that is as it would be live; running again, in either mode, asks for nothing."""
    made = batch(service, ANIMALS, tmp_path / "r")
    assert made.counts == {"picture": 4}
    assert len(service.batch.jobs) == 1
    calls = len(service.batch.calls)
    again = batch(service, ANIMALS, tmp_path / "r")
    live = batch(service, ANIMALS, tmp_path / "r", mode="live")
    assert again.counts == live.counts == {"picture": 4}
    assert len(service.batch.calls) == calls
    assert all(Session(row.folder).verify() == [] for row in made.rows)
    assert jobs(tmp_path / "r") == list((tmp_path / "r/jobs").iterdir()) == []
    assert [record.fields["attempts"][0]["batch"] for record in (made["fox"].steps[0].record,)] == service.batch.jobs


def test_what_was_asked_live_is_not_asked_by_a_job(service: BatchService, tmp_path: Path) -> None:
    """Only rows that are missing are in the job."""
    batch(service, ANIMALS[:2], tmp_path / "r", mode="live")
    made = batch(service, ANIMALS, tmp_path / "r")
    assert made.counts == {"picture": 4}
    assert [row.cost.amounts["USD"] < 0.025 for row in made.rows] == [False, False, True, True]


def test_it_comes_back_at_once_and_goes_on_when_run_again(tmp_path: Path) -> None:
    """Without waiting the rows are in a job, which is on disk; the same run polls it, and asks for nothing else."""
    with batch_service(pending=2) as service:
        made = batch(service, ANIMALS, tmp_path / "r", wait=False)
        assert made.counts == {"batch": 4}
        assert made.failed == ()
        assert [json.loads(path.read_text())["name"] for path in jobs(tmp_path / "r")] == service.batch.jobs
        assert service.count("GET", service.batch.jobs[0]) == 0
        for _ in range(2):
            assert batch(service, ANIMALS, tmp_path / "r", wait=False).counts == {"batch": 4}
        assert batch(service, ANIMALS, tmp_path / "r", wait=False).counts == {"picture": 4}
        assert len(service.batch.jobs) == 1


def test_a_run_that_is_waited_for_polls_until_it_is_over(tmp_path: Path) -> None:
    """`wait` on a run that came back, too; the job's name and state are the progress."""
    lines: list[str] = []
    with batch_service(pending=2) as service:
        made = batch(service, ANIMALS[:2], tmp_path / "r", wait=False, on_progress=lines.append)
        assert made.wait().counts == {"picture": 2}
        assert service.count("GET", service.batch.jobs[0]) == 3
        assert any(f"{service.batch.jobs[0]}: pending, 2 requests" in line for line in lines)


def test_a_job_has_at_most_a_hundred_requests(service: BatchService, tmp_path: Path) -> None:
    """205 rows are three jobs, each of which ends by itself."""
    made = batch(service, ASKED_FOR, tmp_path / "r", wait=False)
    assert made.counts == {"batch": 205}
    assert sorted(json.loads(path.read_text())["requests"] for path in jobs(tmp_path / "r")) == [5, 100, 100]
    assert len(service.batch.jobs) == 3


def test_takes_and_own_pictures_go_into_a_job(service: BatchService, tmp_path: Path) -> None:
    """Each take is a request, with the row's picture; a picture that goes away meanwhile is kept in the row's folder."""
    pictures = tmp_path / "own"
    pictures.mkdir()
    for name in ("a", "b"):
        (pictures / f"{name}.png").write_bytes(png("red" if name == "a" else "blue", (64, 48)))
    what = templates.edit.style_transfer
    made = batch(service, pictures, tmp_path / "r", what, inputs={"style": "ink"}, n=2, wait=False)
    assert made.counts == {"batch": 2}
    shutil.rmtree(pictures)
    for name in ("a", "b"):  # other pictures by the same names
        pictures.mkdir(exist_ok=True)
        (pictures / f"{name}.png").write_bytes(png("green", (32, 32)))
    after = batch(service, pictures, tmp_path / "r", what, inputs={"style": "ink"}, n=2, wait=False)
    assert len(service.batch.jobs) == 2  # the changed rows are asked for as what they are now
    assert after.counts == {"batch": 2}
    for row in after.rows:
        records = [step.record for step in Session(row.folder).steps]
        assert [r.outcome for r in records].count("picture") == 2
        assert Session(row.folder).verify() == []


def test_answers_are_recorded_whatever_the_table_says_by_then(service: BatchService, tmp_path: Path) -> None:
    """A corrected row is asked for anew, a row that went is older; what the job answered to both is on record, since it is paid."""
    batch(service, ANIMALS, tmp_path / "r", wait=False)
    made = batch(service, [{"label": "fox", "subject": "red fox"}, *ANIMALS[1:3]], tmp_path / "r", wait=False)
    assert made.counts == {"batch": 1, "picture": 2}
    assert len(Session(made["fox"].folder)) == 1
    assert [len(Session(folder)) for folder in made.older] == [1]
    assert batch(service, [{"label": "fox", "subject": "red fox"}], tmp_path / "r").counts == {"picture": 1}


def test_each_answer_is_recorded_once(tmp_path: Path) -> None:
    """Fetching that breaks off keeps what came, and the next fetch adds the rest."""
    with batch_service(broken_fetches=1) as service:
        batch(service, ANIMALS, tmp_path / "r", wait=False)
        with pytest.warns(PromptkitWarning, match=r"The batch job batches/\w+ was not fetched: .* Run the same again"):
            first = batch(service, ANIMALS, tmp_path / "r", wait=False)
        assert 0 < first.counts["picture"] < 4
        made = batch(service, ANIMALS, tmp_path / "r", wait=False)
    assert made.counts == {"picture": 4}
    assert [len(Session(row.folder)) for row in made.rows] == [1, 1, 1, 1]


# Faults


def test_a_service_that_is_busy_when_answers_are_fetched_is_asked_again(tmp_path: Path) -> None:
    """While it waits, by itself; the job stays until its answers are on record."""
    with batch_service(busy_fetches=2) as service:
        assert batch(service, ANIMALS, tmp_path / "r").counts == {"picture": 4}
        assert service.count("GET", ":download") == 3
        assert len(service.batch.jobs) == 1


def test_answers_in_another_order_find_their_rows(tmp_path: Path) -> None:
    """They are matched by their keys."""
    with batch_service() as service:
        straight = batch(service, ANIMALS, tmp_path / "a")
    with batch_service(shuffled=True) as service:
        made = batch(service, ANIMALS, tmp_path / "b")
    assert [row.pictures[0].sha256 for row in made.rows] == [row.pictures[0].sha256 for row in straight.rows]


def test_failed_and_missing_rows_are_said_and_asked_again_only_on_demand(tmp_path: Path) -> None:
    """A row without an answer may have been charged: neither mode asks for it unless the caller names its cause."""
    with batch_service(missing=(1,)) as service:
        made = batch(service, ANIMALS, tmp_path / "r")
        assert made.counts == {"picture": 3, "missing": 1}
        assert "ended without an answer" in made["bear"].error
        assert made["bear"].cost.unpriced == 1
        assert batch(service, ANIMALS, tmp_path / "r").counts == {"picture": 3, "missing": 1}
        assert batch(service, ANIMALS, tmp_path / "r", mode="live").counts == {"picture": 3, "missing": 1}
        assert Run.open(tmp_path / "r").counts == {"picture": 3, "missing": 1}
        assert len(service.batch.jobs) == 1
        assert batch(service, ANIMALS, tmp_path / "r", mode="live", retry="missing").counts == {"picture": 4}
        assert len(service.batch.jobs) == 1


def test_a_failed_row_is_recorded_with_its_error(tmp_path: Path) -> None:
    """It cost nothing, and the service's sentence is the row's."""
    with batch_service(failed=(2,)) as service:
        made = batch(service, ANIMALS, tmp_path / "r")
        assert made.counts == {"picture": 3, "busy": 1}
        assert "Internal error" in made["owl"].error
        assert made["owl"].cost == Cost()
        service.batch.faults.failed = ()
        assert made.retry(mode="live").counts == {"picture": 4}


@pytest.mark.parametrize("state", ["EXPIRED", "FAILED", "CANCELLED"])
def test_a_job_that_was_not_carried_out_leaves_its_rows_waiting(state: str, tmp_path: Path) -> None:
    """It is said, and the same run makes another job."""
    with batch_service(ends=state) as service:
        batch(service, ANIMALS, tmp_path / "r", wait=False)
        service.batch.faults.pending = 0
        with pytest.warns(PromptkitWarning, match=rf"batches/\w+ ended as {state.lower()}, with 4 requests unanswered"):
            made = batch(service, ANIMALS, tmp_path / "r", wait=False)
        assert made.counts == {"waiting": 4}
        assert jobs(tmp_path / "r") == []
        service.batch.faults.ends = "SUCCEEDED"
        assert batch(service, ANIMALS, tmp_path / "r").counts == {"picture": 4}
        assert len(service.batch.jobs) == 2


def test_a_file_of_answers_that_ends_in_the_middle_leaves_rows_missing(tmp_path: Path) -> None:
    """What stands before is recorded."""
    with batch_service(cut_at=0.6) as service:
        made = batch(service, ANIMALS, tmp_path / "r")
    assert made.counts == {"picture": 2, "missing": 2}


def test_an_upload_address_on_another_host_is_not_followed(tmp_path: Path) -> None:
    """Neither key nor pictures go there; nothing is left claimed."""
    with batch_service(upload_host="127.0.0.2:9") as service:
        with pytest.warns(PromptkitWarning, match=r"google named 127.0.0.2:9 for an upload"):
            made = batch(service, ANIMALS, tmp_path / "r")
        assert made.counts == {"waiting": 4}
        assert service.batch.calls == [("POST", "/upload/v1beta/files")]
        assert jobs(tmp_path / "r") == []
        service.batch.faults.upload_host = None
        assert batch(service, ANIMALS, tmp_path / "r").counts == {"picture": 4}


def test_a_job_whose_making_was_not_answered_is_found_again(tmp_path: Path) -> None:
    """It is made once: the next run finds it in the service's list, by its name."""
    with batch_service(lost_creates=1) as service:
        with pytest.warns(PromptkitWarning, match="may have been made all the same"):
            made = batch(service, ANIMALS, tmp_path / "r", wait=False)
        assert made.counts == {"batch": 4}
        assert batch(service, ANIMALS, tmp_path / "r").counts == {"picture": 4}
        assert len(service.batch.jobs) == 1


# Kills

KILLED = """
import os, signal, sys
from promptkit import Endpoint, run, templates
from promptkit.providers.transport import RequestsTransport

url, into, at, what = sys.argv[1:]
google = Endpoint("google", url, auth="none", key_env=(), key_required=False)
seen = 0

def kill(counts):
    global seen
    seen += counts
    if counts and seen == int(at):
        os.kill(os.getpid(), signal.SIGKILL)

class Transport(RequestsTransport):
    def send(self, request):
        kill(what == "before")
        response = super().send(request)
        kill(what == "after")
        return response

def heard(event, args):
    kill(what == "renaming" and event == "os.rename" and "jobs" + os.sep not in str(args[1]) and "results" not in str(args[1]))

sys.addaudithook(heard)
rows = [{"label": name, "subject": name} for name in ("fox", "bear", "owl", "hare")]
run(templates.sticker, rows, into, endpoint=google, transport=Transport(google), mode="batch")
"""


@pytest.mark.slow
@pytest.mark.parametrize(("what", "at"), [("before", n) for n in range(1, 6)] + [("after", n) for n in range(1, 6)])
def test_a_run_that_is_killed_goes_on_and_asks_for_nothing_twice(what: str, at: int, tmp_path: Path) -> None:
    """Before and after each request to the service: the upload's two, the job's making, the poll and the fetch."""
    with batch_service() as service:
        command = [sys.executable, "-c", KILLED, service.url, str(tmp_path / "r"), str(at), what]
        assert subprocess.run(command, capture_output=True).returncode == -signal.SIGKILL
        made = batch(service, ANIMALS, tmp_path / "r")
        assert made.counts == {"picture": 4}
        assert len(service.batch.jobs) == 1
    assert [len(Session(row.folder)) for row in made.rows] == [1, 1, 1, 1]
    assert list((tmp_path / "r/jobs").iterdir()) == []


@pytest.mark.slow
def test_a_run_that_is_killed_while_it_records_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Wherever in a row's folder it is killed, again and again, each answer becomes one picture, and each picture is a step's."""
    with batch_service() as service:
        for at in (2, 5, 9, 14, 20):
            command = [sys.executable, "-c", KILLED, service.url, str(tmp_path / "r"), str(at), "renaming"]
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode in (0, -signal.SIGKILL), done.stderr
        made = batch(service, ANIMALS, tmp_path / "r")
        assert made.counts == {"picture": 4}
        assert len(service.batch.jobs) == 1
    assert [sum(step.ok for step in Session(row.folder)) for row in made.rows] == [1, 1, 1, 1]
    assert all(Session(row.folder).verify() == [] for row in made.rows)


def test_two_runs_at_once_make_one_job_of_each_row(tmp_path: Path) -> None:
    """Rows that one has claimed are in no job of the other."""
    with batch_service(pending=1) as service:
        command = [sys.executable, "-c", KILLED, service.url, str(tmp_path / "r"), "0", "never"]
        both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
        said = [each.communicate()[1] for each in both]
        assert [each.returncode for each in both] == [0, 0], said
        made = batch(service, ANIMALS, tmp_path / "r")
    assert made.counts == {"picture": 4}
    assert [len(Session(row.folder)) for row in made.rows] == [1, 1, 1, 1]


# What is on disk


def test_a_job_of_a_strangers_writes_in_no_other_folder(service: BatchService, tmp_path: Path) -> None:
    """A request whose row is elsewhere is refused, by its file; nothing is made there."""
    batch(service, ANIMALS[:1], tmp_path / "r", wait=False)
    [orders] = (tmp_path / "r/jobs").glob("*.orders.jsonl")
    orders.write_text(json.dumps({**json.loads(orders.read_text()), "folder": "../elsewhere"}) + "\n")
    with pytest.warns(PromptkitWarning, match="'../elsewhere' is no row's folder"):
        batch(service, ANIMALS[:1], tmp_path / "r", wait=False)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": "promptkit.job/9"}', ""])
def test_a_damaged_job_is_named(text: str, service: BatchService, tmp_path: Path) -> None:
    """And nothing is asked for, since its rows may be paid."""
    batch(service, ANIMALS[:1], tmp_path / "r", wait=False)
    [path] = jobs(tmp_path / "r")
    path.write_text(text)
    with pytest.raises(LineageError, match=path.name):
        batch(service, ANIMALS[:1], tmp_path / "r", wait=False)
    assert len(service.batch.jobs) == 1


# Who else asks


def test_a_live_request_for_what_a_job_asks_for_is_refused_with_its_name(tmp_path: Path) -> None:
    """By a session in the row's folder at once, without waiting; by a live run too, which does the other rows; until the file goes."""
    with batch_service(pending=9) as service:
        made = batch(service, ANIMALS[:1], tmp_path / "r", wait=False)
        prompt = templates.sticker(subject="fox")
        session = Session(made["fox"].folder, endpoint=service.endpoint)
        with pytest.raises(LineageError, match=service.batch.jobs[0]):
            session.generate(prompt)
        with pytest.warns(PromptkitWarning, match=f"1 row is in batch jobs, and not asked for live.*{service.batch.jobs[0]}"):
            assert batch(service, ANIMALS, tmp_path / "r", mode="live").counts == {"batch": 1, "picture": 3}
        assert session.generate(prompt, fresh=True).ok
        for path in jobs(tmp_path / "r"):
            path.unlink()
        assert batch(service, ANIMALS, tmp_path / "r", mode="live").counts == {"picture": 4}


def test_nothing_is_sent_where_that_is_forbidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a job is made nor polled; the rows say that they are not on record."""
    with batch_service(pending=9) as service:
        batch(service, ANIMALS[:1], tmp_path / "r", wait=False)
        calls = len(service.batch.calls)
        monkeypatch.setenv("PROMPTKIT_SEND", "never")
        made = batch(service, ANIMALS[:2], tmp_path / "r")
        assert len(service.batch.calls) == calls
    assert made["fox"].outcome == "batch"
    assert "not on record" in made["bear"].error


# What it may cost


def test_the_budget_counts_half_and_what_jobs_have_in_hand(service: BatchService, tmp_path: Path) -> None:
    """For 0.06 USD three rows are asked for, whether their job is over or not."""
    for _ in range(3):
        with pytest.warns(PromptkitWarning, match="with 1 row waiting: The next row may cost 0.0195 USD"):
            made = batch(service, ANIMALS, tmp_path / "r", budget=0.06, wait=False)
    assert made.counts == {"picture": 3, "waiting": 1}
    assert 2.9 * HALF < made.cost.amounts["USD"] < 0.06
    with pytest.warns(PromptkitWarning, match="max_requests"):
        assert batch(service, ANIMALS, tmp_path / "s", max_requests=2).counts == {"picture": 2, "waiting": 2}


def test_a_dry_run_shows_half(service: BatchService, tmp_path: Path) -> None:
    """And that it may take a day."""
    shown = run(templates.sticker, ANIMALS, tmp_path / "r", endpoint=service.endpoint, mode="batch", dry_run=True)
    assert "4 requests, 0.0780 USD" in str(shown)
    assert "batch mode" in str(shown)
    assert not (tmp_path / "r").exists()
    assert service.batch.calls == []


# What is refused


@pytest.mark.parametrize(
    ("what", "how", "said"),
    [
        ([templates.sticker, templates.edit.style_transfer], {"inputs": {"2.style": "ink"}}, "takes one step .*, and this has 2"),
        (templates.sticker, {"endpoint": "offline"}, "Offline drafts cost nothing and have no batch mode"),
        (templates.sticker, {"mode": "bulk"}, "mode is"),
        (lambda row: ["a fox", "at night"], {}, "takes one step"),
    ],
)
def test_what_a_job_cannot_do_is_refused_before_anything_is_sent(
    what: Any, how: dict[str, Any], said: str, service: BatchService, tmp_path: Path
) -> None:
    """In a sentence: chains, drafts, other modes, functions that make chains."""
    with pytest.raises((SettingsError, InputError), match=said):
        batch(service, ANIMALS, tmp_path / "r", what, **how)
    assert service.batch.calls == []
    assert not (tmp_path / "r").exists()


def test_a_service_without_batch_mode_says_so(tmp_path: Path) -> None:
    """A transport that answers no upload with an address."""
    transport = FunctionTransport(lambda path, body: (200, {}, b"{}"))
    with batch_service() as service, pytest.warns(PromptkitWarning, match="no address for an upload"):
        made = batch(service, ANIMALS[:1], tmp_path / "r", transport=transport)
    assert made.counts == {"waiting": 1}
