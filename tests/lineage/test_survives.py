"""What a session outlives: killed processes, rivals, and a full disk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from kit.loopback import png
from kit.steps import answered, edit_json, fields, made, names, red, room, snapshot, under_way

from promptkit.errors import LineageError
from promptkit.images.picture import Picture
from promptkit.lineage import claims
from promptkit.lineage.record import now
from promptkit.lineage.tree import Lineage

DAY = 86_400


@pytest.fixture
def lineage(tmp_path: Path) -> Lineage:
    return Lineage(tmp_path / "bear")


def writer(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "kit.writer", *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def stopped(lineage: Lineage, moment: str) -> None:
    """One step up to that moment, at which its process ends."""
    with writer("stop", lineage.folder, moment) as process:
        assert process.wait() == 9


def lasting(folder: Path) -> list[str]:
    """The files in a folder, but for those that only git looks at."""
    return [n for n in names(folder) if (folder / n).is_file() and not n.startswith(".git")]


# Killed processes


@pytest.mark.slow
def test_a_process_may_be_killed_at_any_moment(lineage: Lineage) -> None:
    """After each of 80 kills all that was committed is there and whole; in the end each paid attempt stands in one record, once."""
    sent: list[str] = []
    with writer("killed", lineage.folder) as process:
        assert process.stdin
        assert process.stdout
        for _ in range(80):
            print(file=process.stdin, flush=True)
            said = json.loads(process.stdout.readline())
            sent += [line[1] for line in said if line[0] == "sent"]
            opened = Lineage(lineage.folder)
            assert opened.verify() == []
            for _, full_id, sha256 in (line for line in said if line[0] == "step"):
                assert [p.sha256 for p in opened.get(full_id).pictures] == [sha256]
        process.stdin.close()
    made(lineage)
    records = Lineage(lineage.folder).records()
    counted = Counter(a["sent_text"] for r in records for a in r.attempts)
    assert {counted[token] for token in sent} == {1}
    assert sent
    assert set(counted.values()) == {1}
    assert len({r.number for r in records}) == len(records)
    assert lineage.verify() == []
    assert not any(p.stat().st_size for p in under_way(lineage.folder))  # one may be left of a process killed while it was claiming


@pytest.mark.parametrize(
    ("moment", "outcome", "pictures"),
    [
        ("claimed", None, 0),
        ("attempted", "interrupted", 0),
        ("answered in words", "interrupted", 0),
        ("answered", "interrupted", 0),
        ("half a picture", "interrupted", 0),
        ("a picture without its name", "picture", 1),
        ("one picture", "picture", 1),
        ("all pictures", "picture", 2),
        ("recorded", "picture", 2),
    ],
)
def test_the_next_write_adopts_what_was_left(lineage: Lineage, moment: str, outcome: str | None, pictures: int) -> None:
    """A dead process's paid attempts become a record at the next write and not before, once, with the pictures that lie there whole."""
    stopped(lineage, moment)
    before = snapshot(lineage.folder)
    assert Lineage(lineage.folder).count() == (moment == "recorded")
    assert snapshot(lineage.folder) == before
    new = made(lineage)
    made(Lineage(lineage.folder))
    left = [r for r in lineage.records() if r.number < new.number]
    assert [(r.outcome, len(r.pictures)) for r in left] == ([(outcome, pictures)] if outcome else [])
    assert all(lineage.is_whole(r) for r in left)
    assert [bool(r.fields["warnings"]) for r in left] == ([moment != "recorded"] if outcome else [])
    assert [(p.step, p.path.suffix) for p in lineage.verify()] == ([(1, ".png")] if moment == "half a picture" else [])
    assert not under_way(lineage.folder)


def test_an_adopter_may_be_killed_too(lineage: Lineage) -> None:
    """A claim that a dead process had taken over is taken over again."""
    stopped(lineage, "attempted")
    (claim,) = under_way(lineage.folder)
    claim.rename(claim.with_name(f"0001.{2**22 + 1}.json"))
    made(lineage)
    assert [r.outcome for r in lineage.records()] == ["interrupted", "picture"]


@pytest.mark.parametrize(
    ("changes", "age", "adopted"),
    [
        ({}, 0, False),
        ({"machine": "elsewhere", "process": 2**22 + 1}, 60, False),
        ({"machine": "elsewhere"}, 180, True),
        ({"machine": None, "host": "elsewhere", "process": 2**22 + 1}, DAY - 60, False),
        ({"machine": None, "host": "elsewhere"}, DAY + 60, True),
        ({}, DAY + 60, False),
        ({"process": None}, 0, False),
        ({"process": 2**70}, 0, True),
        ({"run": "another"}, 0, True),
    ],
    ids=[
        "alive",
        "another machine",
        "another machine, untouched",
        "an older promptkit's of another host",
        "that, old",
        "alive, old",
        "unknown",
        "no process",
        "the same number in a restarted container",
    ],
)
def test_only_what_is_dead_is_adopted(lineage: Lineage, changes: dict[str, Any], age: int, adopted: bool) -> None:
    """A living process's step is left alone, and another machine's as long as that touches it; numbers in flight are not given twice."""
    claim = answered(lineage).claim
    edit_json(claim, **changes)
    os.utime(claim, (time.time() - age,) * 2)
    assert made(Lineage(lineage.folder)).number == 2
    assert [r.number for r in Lineage(lineage.folder).records()] == ([1, 2] if adopted else [2])
    assert claim.exists() != adopted


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="when a process began is told where Linux shows it")
@pytest.mark.parametrize(
    ("changes", "age", "adopted"),
    [
        ({}, 2 * DAY, False),
        ({"since": "1"}, 0, True),
        ({"space": "pid:[1]"}, 0, False),
        ({"space": "pid:[1]"}, 2 * DAY, True),
        ({"since": None}, 0, False),
        ({"since": None}, 2 * DAY, True),
    ],
    ids=["after a suspension", "its number is another's now", "another container's", "that, old", "an older promptkit's", "this, old"],
)
def test_a_process_is_told_from_another_with_its_number(lineage: Lineage, changes: dict[str, Any], age: int, adopted: bool) -> None:
    """A number alone says little: containers give the same ones again, and two of them at once; what began when it says it did lives."""
    with writer("hold", lineage.folder) as process:
        assert process.stdout
        process.stdout.readline()
        (claim,) = under_way(lineage.folder)
        edit_json(claim, **changes)
        os.utime(claim, (time.time() - age,) * 2)
        assert made(Lineage(lineage.folder)).number == 2
        assert [r.number for r in Lineage(lineage.folder).records()] == ([1, 2] if adopted else [2])
        process.kill()


def test_who_looks_for_what_was_left_waits_for_who_is_recording_it(lineage: Lineage) -> None:
    """While another process turns a dead one's claim into a record, nobody takes the step for one that was never asked; a claim that it
    gives back is adopted by who waited, and one that is older than that takes is not waited for.
    """
    stopped(lineage, "all pictures")
    (claim,) = under_way(lineage.folder)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as adopter:
        taken = claim.rename(claim.with_name(f"0001.{adopter.pid}.json"))
        os.utime(taken, (time.time() - 60,) * 2)
        assert not lineage.adopt()
        os.utime(taken)
        threading.Timer(0.1, lambda: taken.rename(claim.with_name("0001.0.json"))).start()
        assert lineage.adopt()
        adopter.communicate(b"\n")
    assert [record.outcome for record in lineage.records()] == ["picture"]
    assert not under_way(lineage.folder)


def test_who_comes_too_late_to_adopt_looks_again(lineage: Lineage) -> None:
    """What another process recorded between this one's look at the folder and its own try counts as found."""
    stopped(lineage, "all pictures")
    assert lineage.records() == ()
    assert Lineage(lineage.folder).adopt()
    assert lineage.adopt()
    assert [record.outcome for record in lineage.records()] == ["picture"]


def test_a_copied_claim_of_a_step_that_is_there_makes_no_second_one(lineage: Lineage) -> None:
    """A folder that was copied in the middle of a request, and brought up to date afterwards, has the step once."""
    step = lineage.begin("edit", fields())
    step.attempt({"started": now(), "sent_text": "a bear"})
    copy = shutil.copytree(lineage.folder, lineage.folder.with_name("copy"))
    step.answer({"outcome": "picture", "text": "Here.", "cost": None}, [red()])
    step.commit("picture")
    for path in lineage.folder.glob("0001-*"):
        shutil.copy(path, copy)
    (claim,) = under_way(copy)
    edit_json(claim, process=2**22 + 1, since=None)
    made(Lineage(copy))
    assert [(r.number, r.outcome) for r in Lineage(copy).records()] == [(1, "picture"), (2, "picture")]
    assert not under_way(copy)


def test_an_adoption_that_fails_is_made_up_for(lineage: Lineage) -> None:
    """A step that could not be adopted for want of room stays, and whoever begins the next step adopts it."""
    stopped(lineage, "attempted")
    with room(300):
        assert not lineage.adopt()
        with pytest.raises(LineageError, match="File too large"):
            lineage.begin("edit", fields())
    (left,) = under_way(lineage.folder)
    assert len(json.loads(left.read_bytes())["record"]["attempts"]) == 1
    made(Lineage(lineage.folder))
    assert [r.outcome for r in lineage.records()] == ["interrupted", "picture"]


def test_an_adopter_that_is_killed_is_made_up_for(lineage: Lineage) -> None:
    """What another one had taken over to adopt it is adopted once that has gone too, and not while it runs."""
    stopped(lineage, "attempted")
    (claim,) = under_way(lineage.folder)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as adopter:
        taken = claim.rename(lineage.folder / f".open/0001.{adopter.pid}.json")
        os.utime(taken, (time.time() - 60,) * 2)  # longer than it is waited for
        assert not Lineage(lineage.folder).adopt()
        assert made(Lineage(lineage.folder)).number == 2
    made(Lineage(lineage.folder))
    assert [r.outcome for r in lineage.records()] == ["interrupted", "picture", "picture"]


NOTES = [
    "",
    "{",
    "[]",
    "\xff",
    '{"record": 3}',
    '{"record": {"attempts": 1}}',
    '{"record": {"attempts": ["x"]}}',
    '{"record": {"schema": "1.0", "attempts": [{"cost": {"usd": -1}}]}}',
    '{"record": {"schema": "1.0", "warnings": null}}',
    '{"slug": null, "record": {"schema": "1.0", "recipe": null, "label": null, "meta": null}}',
]


@pytest.mark.parametrize("note", NOTES)
def test_a_damaged_claim_stops_nothing(lineage: Lineage, note: str) -> None:
    """A note that tells nothing hinders no later step."""
    lineage.create()
    claim = lineage.folder / ".open/0001.json"
    claim.write_text(note, "latin-1")
    os.utime(claim, (0, 0))
    assert made(lineage).number in (1, 2)
    assert [r.outcome for r in lineage.records()] == ["picture"]


@pytest.mark.parametrize("note", ["", "{", "[]"])
def test_a_claim_that_says_nothing_is_named(lineage: Lineage, note: str) -> None:
    """verify names a claim that tells nothing, and a picture of its number that no record names; not one that may be just being written."""
    made(lineage)
    claim, picture = lineage.folder / ".open/0002.json", lineage.folder / f"0002-edit-{red().sha256[:10]}.png"
    claim.write_text(note)
    picture.write_bytes(red().data)
    assert lineage.verify() == []
    os.utime(claim, (time.time() - 60,) * 2)
    assert [p.path for p in lineage.verify()] == [picture, claim]
    os.utime(claim, (time.time() - 180,) * 2)
    made(lineage)
    assert [p.path for p in lineage.verify()] == [picture]


def test_a_note_that_names_pictures_is_durable_before_they_are(lineage: Lineage) -> None:
    """What tells whose a picture is reaches the disk, and the folder does, before the first picture is written."""
    lineage.create()
    with writer("answers", lineage.folder) as process:
        assert process.stdout
        events = process.stdout.read().split()
    assert process.returncode == 0
    assert events == ["claim", "folder", "picture", "record", "folder"]


def test_a_claim_with_less_than_it_should_have_is_adopted(lineage: Lineage) -> None:
    """What was paid is recorded from a note that lacks what a record may lack."""
    claim = answered(lineage).claim
    note = json.loads(claim.read_bytes())
    less = {**note["record"], "warnings": None, "label": None, "meta": None}
    edit_json(claim, process=2**22 + 1, record={k: v for k, v in less.items() if k not in ("parents", "sources", "outputs")})
    made(lineage)
    assert [(r.outcome, r.cost) for r in Lineage(lineage.folder).records()] == [("interrupted", 0.04), ("picture", 0.04)]
    assert lineage.verify() == []


def test_a_folder_that_was_deleted_is_made_again(lineage: Lineage) -> None:
    """An open session whose folder is gone begins anew with its next step, as a new one would."""
    made(lineage)
    shutil.rmtree(lineage.folder)
    assert made(lineage).number == 1
    assert (lineage.verify(), Lineage(lineage.folder).count()) == ([], 1)


# Rivals


def test_rivals_share_no_number(lineage: Lineage) -> None:
    """Two processes of four threads each lose no step and share no number, and what one writes and reads at once is one child."""
    first = made(lineage)
    rivals = [writer("rival", lineage.folder, 4, 12) for _ in range(2)]
    assert {rival.stdout.readline() for rival in rivals if rival.stdout} == {"ready\n"}
    for rival in rivals:
        print(file=rival.stdin, flush=True)
    said = [line for rival in rivals for line in rival.communicate()[0].split()]
    assert [rival.returncode for rival in rivals] == [0, 0]
    records = lineage.records()
    assert sorted([first.id, *said]) == sorted(r.id for r in records)
    assert len({r.number for r in records}) == len(records) == 97
    assert lineage.verify() == []


def test_a_folder_may_be_made_by_several_at_once(tmp_path: Path) -> None:
    """Whoever opens or begins a session that others are just making finds it, each time."""
    folders = [tmp_path / str(i) for i in range(100)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda folder: Lineage(folder).create(), [f for f in folders for _ in range(6)]))
    made_of = [".gitattributes", ".gitignore", ".open", ".open/.gitignore", "promptkit.json"]
    assert all(Lineage(f).exists and names(f) == made_of for f in folders)


def test_a_number_is_not_given_twice(lineage: Lineage) -> None:
    """A number that a rival took and finished with since it was looked for cannot be claimed, nor one in flight."""
    made(lineage)
    answered(lineage)
    before = names(lineage.folder)
    recorded = Lineage(lineage.folder).numbered
    taken = [claims.claim(lineage.folder, number, lambda number: bool(recorded(number))) for number in (1, 2, 3)]
    assert taken == [None, None, lineage.folder / ".open/0003.json"]
    assert names(lineage.folder) == sorted([*before, ".open/0003.json"])


def test_a_step_is_committed_once(lineage: Lineage) -> None:
    """A second commit gives the first one's record; what is answered later changes nothing, and nothing more is sent for it."""
    step = answered(lineage, red())
    record = step.commit("picture")
    before = snapshot(lineage.folder)
    step.answer({"outcome": "text"})
    assert step.commit("interrupted") is record
    with pytest.raises(LineageError, match="recorded already"):
        step.attempt({"sent_text": "again"})
    assert snapshot(lineage.folder) == before


def test_a_claim_that_cannot_be_removed_hides_nothing(lineage: Lineage) -> None:
    """A step whose record is written is there, whatever keeps its claim from being removed; a second commit gives the same record."""
    step = answered(lineage, red())
    step.claim.unlink()
    step.claim.mkdir()
    record = step.commit("picture")
    step.claim.rmdir()
    assert step.commit("interrupted") is record
    assert [r.id for r in Lineage(lineage.folder).records()] == [record.id]


def test_a_picture_that_came_is_kept_whatever_the_outcome(lineage: Lineage) -> None:
    """A step that is interrupted after its picture was answered is a step with a picture."""
    assert answered(lineage, red()).commit("interrupted").ok
    assert not answered(lineage).commit("interrupted").ok


def test_a_record_is_durable_before_its_claim_goes(lineage: Lineage) -> None:
    """The folder is opened, to be synced, after the record has its name and before its claim is removed; nothing else opens it."""
    lineage.create()
    with writer("commits", lineage.folder) as process:
        assert process.stdout
        events = process.stdout.read().split()
    assert process.returncode == 0
    assert events == ["picture", "record", "folder", "claim"]


def test_what_is_kept_in_memory_is_not_a_forked_childs(lineage: Lineage) -> None:
    """A child that is forked while an answer waits for room records nothing, neither with its next step nor when it ends."""
    with writer("forks", lineage.folder) as process:
        assert process.stdout
        told = process.stdout.read().split()
    assert (process.returncode, told) == (0, ["child", "0", "parent", "1"])
    assert [r.outcome for r in lineage.records()] == ["text"]


def test_verify_sees_through_what_others_are_writing(lineage: Lineage) -> None:
    """A record that a first look at the folder missed, and steps, heads and tags that come while verify runs, are no problems."""
    made(lineage)
    with writer("verifies", lineage.folder) as process:
        assert process.stdout
        told = process.stdout.read()
    assert (process.returncode, told) == (0, "[] 0 [] 0\n")


# A disk that is full, or says no


NOISE = Picture(png() + bytes(20_000))
FULL: list[Callable[[Lineage], object]] = [
    lambda lineage: lineage.begin("edit", fields()),
    lambda lineage: answered(lineage),
    lambda lineage: lineage.set_head("ab" * 32),
    lambda lineage: lineage.set_tag("a", "ab" * 32),
    lambda lineage: lineage.keep_source(NOISE),
    lambda lineage: lineage.keep_extra(b"a" * 2000),
    lambda lineage: lineage.keep_template("ab", {"a": "b"}),
]


@pytest.mark.parametrize("write", FULL)
@pytest.mark.parametrize("new", [True, False], ids=["new", "old"])
def test_a_full_disk_is_a_lineage_error(lineage: Lineage, write: Callable[[Lineage], object], new: bool) -> None:
    """Where nothing can be written each way to write raises LineageError, and leaves no file that was not there."""
    if not new:
        made(lineage)
    before = lasting(lineage.folder)
    with room(8), pytest.raises(LineageError, match="File too large"):
        write(lineage)
    assert lasting(lineage.folder) == before


@pytest.mark.parametrize(("picture", "size"), [(NOISE, 5000), (red(), 400)], ids=["the picture", "the record"])
def test_a_commit_on_a_full_disk_can_be_made_up_for(lineage: Lineage, picture: Picture, size: int) -> None:
    """A commit that finds no room leaves nothing half-written, and the same step can be committed once there is room."""
    step = answered(lineage, picture)
    for _ in range(2):
        with room(size), pytest.raises(LineageError, match="File too large"):
            step.commit("picture")
        assert not [n for n in names(lineage.folder) if "tmp" in n or (n.endswith(".json") and n.startswith("0"))]
    record = step.commit("interrupted")
    assert (record.outcome, lineage.verify()) == ("picture", [])
    assert not under_way(lineage.folder)


IN_THE_WAY: dict[str, tuple[str, Callable[[Lineage], object]]] = {
    "head": ("head/x", lambda lineage: lineage.set_head("ab" * 32)),
    "tags": ("tags", lambda lineage: lineage.set_tag("a", "ab" * 32)),
    "sources": ("sources", lambda lineage: lineage.keep_source(red())),
    "a picture": (f"0001-edit-{red().sha256[:10]}.png/x", lambda lineage: answered(lineage, red()).commit("picture")),
}


@pytest.mark.parametrize("what", IN_THE_WAY)
def test_what_stands_in_the_way_is_a_lineage_error(lineage: Lineage, what: str) -> None:
    """A file where a folder should be, or a folder where a file should be, raises LineageError and leaves no temporary file."""
    name, write = IN_THE_WAY[what]
    lineage.create()
    (lineage.folder / name).parent.mkdir(exist_ok=True)
    (lineage.folder / name).touch()
    with pytest.raises(LineageError, match="Nothing can be written in"):
        write(lineage)
    assert not [n for n in names(lineage.folder) if ".tmp-" in n]
    shutil.rmtree(lineage.folder / Path(name).parts[0]) if "/" in name else (lineage.folder / name).unlink()
    lineage.settle()
    assert [r.outcome for r in lineage.records()] == (["picture"] if what == "a picture" else [])


def test_a_folder_that_cannot_be_made_is_a_lineage_error(tmp_path: Path) -> None:
    """Where the folder's parent has become a file meanwhile, the first step says that there can be no session."""
    lineage = Lineage(tmp_path / "here" / "bear")
    (tmp_path / "here").touch()
    with pytest.raises(LineageError, match=r"cannot be (made|a session folder)"):
        lineage.begin("edit", fields())
