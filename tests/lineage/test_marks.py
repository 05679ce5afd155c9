"""The files of marks: written once, read back, checked, and merged by copying; only the newest of each reader counts."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from kit.steps import made, snapshot

from promptkit.errors import LineageError
from promptkit.lineage.marks import Mark, counting, latest_of, mark_in, newer, read_marks
from promptkit.lineage.tree import Lineage

EARLY, LATE = "2026-11-28T08:00:00.000Z", "2026-11-28T09:00:00.000Z"


@pytest.fixture
def lineage(tmp_path: Path) -> Lineage:
    return Lineage(tmp_path / "bear")


def said(lineage: Lineage) -> list[str]:
    """What counts, as a new opening reads it."""
    return [str(mark) for marks in Lineage(lineage.folder).marks().values() for mark in marks]


def put(lineage: Lineage, fields: object, name: str = "") -> Path:
    """A file in marks/, by default under the name that it should have."""
    data = json.dumps(fields).encode()
    step = str(fields.get("step")) if isinstance(fields, dict) else "0" * 64
    path = lineage.folder / "marks" / (name or f"{step[:10]}-{hashlib.sha256(data).hexdigest()}.json")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def test_a_mark_is_read_back_as_it_was_written(lineage: Lineage) -> None:
    """Its file is named by the step and by its own sha256, and holds what was said, in any script."""
    step = made(lineage)
    mark = Mark(step.id, "keep", 4, "もっと青く\n<b>", (1, 2, 3, 4), "Zoë", EARLY)
    assert lineage.add_marks([mark]) == [mark]
    assert read_marks(lineage.folder) == [mark]
    (path,) = (lineage.folder / "marks").iterdir()
    assert path.name == f"{step.id[:10]}-{hashlib.sha256(path.read_bytes()).hexdigest()}.json"
    assert said(lineage) == ["step 1: keep ★★★★ もっと青く <b> 2x2+1+2 (Zoë)"]
    assert lineage.verify() == []


def test_the_newest_of_each_reader_counts(lineage: Lineage) -> None:
    """Whatever was written first; one that says nothing takes the reader's earlier one back, and other readers' stay."""
    step = made(lineage)
    marks = [
        Mark(step.id, "keep", by="Ann", at=EARLY),
        Mark(step.id, "reject", by="Ann", at=LATE),
        Mark(step.id, "keep", by="Bo", at=EARLY),
    ]
    for order in itertools.permutations(marks):
        assert [(m.by, m.verdict) for m in counting(order)] == [("Ann", "reject"), ("Bo", "keep")]
    lineage.add_marks([*marks, Mark(step.id, by="Bo", at=LATE)])
    assert said(lineage) == ["step 1: reject (Ann)"]
    assert len(read_marks(lineage.folder)) == 4


def test_of_one_moment_the_greater_hash_counts(lineage: Lineage) -> None:
    """So that merged copies agree, in whatever order their files are listed."""
    pair = [Mark("0" * 64, verdict, by="Ann", at=EARLY) for verdict in ("keep", "reject")]
    winner = max(pair, key=lambda mark: mark.sha256)
    assert counting(pair) == counting(pair[::-1]) == [winner]


def test_a_name_is_one_however_its_accents_are_written() -> None:
    """Zoë in one character and in two are one reader."""
    marks = [Mark("0" * 64, "keep", by="Zo\u00eb", at=EARLY), Mark("0" * 64, "reject", by="Zoe\u0308", at=LATE)]
    assert [mark.verdict for mark in counting(marks)] == ["reject"]


@pytest.mark.parametrize("ahead", [LATE, "2999-01-01T00:00:00.000Z", "9999-12-31T23:59:59.998Z"])
def test_a_later_mark_counts_though_the_clock_was_ahead(lineage: Lineage, ahead: str) -> None:
    """What a reader says after a mark from a machine whose clock is wrong has a later time than that."""
    step = made(lineage)
    before = Mark(step.id, "keep", by="Ann", at=ahead)
    after = newer(Mark(step.id, "reject", by="Ann"), before)
    assert after.at > ahead
    assert counting([before, after]) == [after]


def test_merging_is_copying(lineage: Lineage, tmp_path: Path) -> None:
    """A mark that came in two copies is one, and each side's own ones are there."""
    step = made(lineage)
    lineage.add_marks([Mark(step.id, "keep", by="Ann", at=EARLY)])
    shutil.copytree(lineage.folder, tmp_path / "copy")
    copy = Lineage(tmp_path / "copy")
    copy.add_marks([Mark(step.id, "reject", by="Bo", at=EARLY)])
    lineage.add_marks([Mark(step.id, "reject", by="Ann", at=LATE)])
    shutil.copytree(copy.folder / "marks", lineage.folder / "marks", dirs_exist_ok=True)
    assert sorted(said(lineage)) == ["step 1: reject (Ann)", "step 1: reject (Bo)"]
    assert len(read_marks(lineage.folder)) == 3
    assert lineage.verify() == []


def test_the_same_mark_is_written_once(lineage: Lineage) -> None:
    """One that is there is left alone; one whose file was damaged is written again."""
    mark = Mark(made(lineage).id, "keep", at=EARLY)
    lineage.add_marks([mark])
    before = snapshot(lineage.folder)
    assert lineage.add_marks([mark, mark]) == []
    assert snapshot(lineage.folder) == before
    (lineage.folder / mark.name).write_bytes(b"{}")
    assert (said(lineage), len(lineage.verify())) == ([], 1)
    assert lineage.add_marks([mark]) == [mark]
    assert (said(lineage), lineage.verify()) == (["step 1: keep"], [])


def test_reading_writes_nothing(lineage: Lineage) -> None:
    """Nor does it make the folder of marks where there is none."""
    step = made(lineage)
    before = snapshot(lineage.folder)
    assert (lineage.marks(), lineage.marks_of(step), latest_of(lineage.folder, step.id, "")) == ({}, (), None)
    assert snapshot(lineage.folder) == before


WRONG = [
    ({"schema": "2.0"}, "is no mark (it has schema '2.0', and this promptkit knows 1.0)"),
    ({"schema": None}, "is no mark (it has schema None, and this promptkit knows 1.0)"),
    ({"verdict": "maybe"}, "is no mark (verdict = 'maybe' is none of a mark)"),
    ({"verdict": ["keep"]}, "is no mark (verdict = ['keep'] is none of a mark)"),
    ({"stars": 6}, "is no mark (stars = 6 is none of a mark)"),
    ({"stars": True}, "is no mark (stars = True is none of a mark)"),
    ({"note": ""}, "is no mark (note = '' is none of a mark)"),
    ({"note": "x" * 2001}, "is no mark (note = "),
    ({"note": "\ud800"}, "is no mark (note = "),
    ({"region": [5, 0, 5, 9]}, "is no mark (region = (5, 0, 5, 9) is none of a mark)"),
    ({"region": {"left": 1}}, "is no mark (region = "),
    ({"by": None}, "is no mark (by = None is none of a mark)"),
    ({"at": "yesterday"}, "is no mark (at = 'yesterday' is none of a mark)"),
    ({"at": "2026-13-28T08:00:00.000Z"}, "is no mark (at = "),
    ({"step": "abcdef0123"}, "is no mark (step = 'abcdef0123' is none of a mark)"),
    ({"step": "0" * 64}, "marks the step 0000000000, which is not here"),
]


@pytest.mark.parametrize(("wrong", "message"), WRONG, ids=lambda value: str(value)[:30])
def test_what_is_no_mark_does_not_count(lineage: Lineage, wrong: dict[str, object], message: str) -> None:
    """And verify names its file, with what is wrong with it; nobody else's mark is lost."""
    step = made(lineage)
    lineage.add_marks([Mark(step.id, "keep", by="Ann", at=EARLY)])
    right = {"schema": "1.0", "step": step.id, "verdict": "reject", "stars": None, "note": None, "region": None, "by": "Bo", "at": EARLY}
    path = put(lineage, right | wrong)
    assert said(lineage) == ["step 1: keep (Ann)"]
    (problem,) = lineage.verify()
    assert problem.path == path
    assert problem.message.startswith(message)
    assert problem.is_damage


def test_fields_of_a_later_release_are_kept(lineage: Lineage) -> None:
    """A mark of 1.9 with a field that nobody knows counts, under the hash that its file has."""
    step = made(lineage)
    later = {"schema": "1.9", "step": step.id, "verdict": "keep", "stars": None, "note": None, "region": None, "by": "", "at": EARLY}
    path = put(lineage, later | {"mood": "blue"})
    (mark,) = read_marks(lineage.folder)
    assert (mark.text, mark.name, mark.data) == ("keep", f"marks/{path.name}", path.read_bytes())
    assert lineage.verify() == []


def test_a_renamed_file_is_told(lineage: Lineage) -> None:
    """A mark's file that has another name than its hash does not count: it may be another step's."""
    step, other = made(lineage), made(lineage)
    mark = Mark(step.id, "keep", at=EARLY)
    lineage.add_marks([mark])
    path = lineage.folder / mark.name
    path.rename(path.with_name(f"{other.id[:10]}-{mark.sha256}.json"))
    assert said(lineage) == []
    (problem,) = lineage.verify()
    assert "marks the step" in problem.message or "renamed" in problem.message
    assert mark_in(mark.data, f"marks/{'0' * 10}-{'0' * 64}.json") is None


@pytest.mark.parametrize("kind", ["link", "pipe", "giant", "nested"])
def test_what_is_no_file_is_told_at_once(lineage: Lineage, kind: str, tmp_path: Path) -> None:
    """A pipe, a link, a sparse giant or nested JSON in marks/ holds nobody up, and is a problem with its name."""
    step = made(lineage)
    path = put(lineage, {"step": step.id})
    path.unlink()
    if kind == "link":
        (tmp_path / "elsewhere").write_bytes(Mark(step.id, "keep", at=EARLY).data)
        path.symlink_to(tmp_path / "elsewhere")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "giant":
        with path.open("wb") as file:
            file.truncate(2**36)
    else:
        path.write_bytes(b"[" * 100_000)
    assert said(lineage) == []
    (problem,) = lineage.verify()
    assert problem.path == path


def test_a_folder_of_marks_that_is_none_is_told(lineage: Lineage, tmp_path: Path) -> None:
    """A link to a folder elsewhere is not followed."""
    step = made(lineage)
    elsewhere = tmp_path / "elsewhere" / "marks"
    mark = Mark(step.id, "keep", at=EARLY)
    elsewhere.mkdir(parents=True)
    (elsewhere / Path(mark.name).name).write_bytes(mark.data)
    (lineage.folder / "marks").symlink_to(elsewhere)
    assert said(lineage) == []
    assert [str(p) for p in lineage.verify()] == [
        "marks: is no folder, so no step can be marked: put the folder itself there, or remove it"
    ]


def test_where_nothing_can_be_written_it_is_said(lineage: Lineage) -> None:
    """LineageError, with what to do."""
    step = made(lineage)
    (lineage.folder / "marks").write_bytes(b"")
    with pytest.raises(LineageError, match=r"Nothing can be written in .* make it writable"):
        lineage.add_marks([Mark(step.id, "keep")])


def test_marks_of_what_is_not_here_are_left_out(lineage: Lineage) -> None:
    """A mark of a step whose record was deleted shows nowhere; it counts again when the record is back."""
    step = made(lineage)
    lineage.add_marks([Mark(step.id, "keep", at=EARLY)])
    away = step.path.rename(step.path.with_suffix(".away"))
    assert said(lineage) == []
    away.rename(step.path)
    assert said(lineage) == ["step 1: keep"]


def test_two_marks_differ_by_what_is_said_only(lineage: Lineage) -> None:
    """The folder and the number that a mark was read with are no part of it."""
    step = made(lineage)
    mark = Mark(step.id, "keep", at=EARLY)
    lineage.add_marks([mark])
    assert lineage.marks_of(step) == (mark,)
    assert replace(mark, verdict="reject") != mark


def test_a_changed_file_is_told(lineage: Lineage) -> None:
    """Who changes what a reader said changes the file's hash, which is not its name then: it does not count, and verify names it."""
    step = made(lineage)
    mark = Mark(step.id, "keep", by="Ann", at=EARLY)
    lineage.add_marks([mark])
    (lineage.folder / mark.name).write_bytes(mark.data.replace(b'"keep"', b'"reject"'))
    assert said(lineage) == []
    assert [p.message for p in lineage.verify()] == ["was changed or renamed after it was written (its sha256 is not its name)"]
