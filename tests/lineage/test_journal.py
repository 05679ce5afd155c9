"""The journal of a session's folder: what it tells is only ever a short cut, whatever stands in it, or in its place."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import pytest
from kit.steps import answered, failed, made, names, red, room, snapshot, under_way

from promptkit.errors import LineageError
from promptkit.lineage.index import EVERY
from promptkit.lineage.journal import JOURNAL, Journal
from promptkit.lineage.rows import Row
from promptkit.lineage.tree import Lineage


@pytest.fixture
def lineage(tmp_path: Path) -> Lineage:
    """A session of three steps, of which the second failed."""
    lineage = Lineage(tmp_path / "bear")
    made(lineage, recipe="r1:one")
    failed(lineage, recipe="r1:two")
    made(lineage, recipe="r1:three")
    return lineage


def journal(lineage: Lineage) -> Path:
    return lineage.folder / JOURNAL


def known(lineage: Lineage) -> list[int]:
    """The numbers of the steps as their requests find them."""
    return [record.number for recipe in ("r1:one", "r1:two", "r1:three") for record in lineage.with_recipe(recipe)]


def test_a_line_is_there_for_each_record(lineage: Lineage) -> None:
    """Each step, one that failed too, has a line that says what its record says; who reads on gets the new ones."""
    reader = Journal(lineage.folder)
    assert reader.read() == ([Row.of(record) for record in lineage.records()], False)
    assert reader.read() == ([], True)
    fourth = made(lineage)
    assert reader.read() == ([Row.of(fourth)], True)


def test_what_is_told_needs_no_reading(lineage: Lineage) -> None:
    """What is added up is known of a session with its journal although no record can be read, and a new step has its number."""
    for record in lineage.records():
        record.path.write_bytes(b"damaged")
    opened = Lineage(lineage.folder)
    sums, damaged = opened.sums()
    assert (sums.attempts, round(sums.spent["USD"], 6), damaged) == ({"offline": 3}, 0.12, 0)
    assert sums.asked == {("offline", "gemini-2.5-flash-image"): 3}
    assert (known(opened), made(opened).number) == ([], 4)


def _broken_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _one_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[30] ^= 1
    path.write_bytes(data)


def _glued(path: Path) -> None:
    first, second, third = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second[:50] + third)


def _special(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def replace(path: Path) -> None:
        path.unlink()
        make(path)

    return replace


def _giant(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "it is deleted": Path.unlink,
    "it is empty": lambda path: path.write_bytes(b""),
    "its last line broke off": _broken_off,
    "one bit is another": _one_bit,
    "a line broke off in the middle": _glued,
    "zeros, as after a loss of power": lambda path: path.write_bytes(bytes(4096)),
    "junk": lambda path: path.write_bytes(b"\xff\n[[[[[\n\t\t\t\n" * 9),
    "nested without end": lambda path: path.write_bytes(b"[" * 100_000 + b"\n"),
    "lines of a later format": lambda path: path.write_bytes(b"".join(b"2" + line[1:] for line in path.read_bytes().splitlines(True))),
    "a pipe": _special(os.mkfifo),
    "a link": _special(lambda path: path.symlink_to(path.with_name("promptkit.json"))),
    "a link to nothing": _special(lambda path: path.symlink_to("/nowhere/at/all")),
    "a folder": _special(Path.mkdir),
    "a giant": _giant,
}
REPLACED = {"a pipe", "a link", "a link to nothing", "a folder", "a giant"}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_journal_misleads_nobody(lineage: Lineage, damage: str) -> None:
    """Whatever becomes of it, an open session and one opened then find each step, add up all of them, write the next number, and write
    nothing while they only read; verify names what is no file.
    """
    opened = Lineage(lineage.folder)
    assert known(opened) == [1, 2, 3]
    DAMAGE[damage](journal(lineage))
    before, fresh = snapshot(lineage.folder), Lineage(lineage.folder)
    for each in (opened, fresh):
        assert (known(each), each.count(), round(each.sums()[0].spent["USD"], 6)) == ([1, 2, 3], 3, 0.12)
    assert snapshot(lineage.folder) == before
    assert [p.path.name for p in opened.verify()] == ([JOURNAL] if damage in REPLACED else [])
    assert [made(each).number for each in (fresh, opened, fresh)] == [4, 5, 6]
    assert [record.number for record in Lineage(lineage.folder).records()] == [1, 2, 3, 4, 5, 6]
    if damage != "a folder":
        assert {row.name for row in Journal(lineage.folder).read()[0]} == {r.path.name for r in lineage.records()}
        assert lineage.verify() == []


def signed(folder: Path, row: Row) -> bytes:
    """A line as somebody writes it who knows how they are begun in that folder."""
    said = "\t".join((*row[:-1], json.dumps(row.facts))).encode()
    return b"%b\t%08x\n" % (said, crc32(said, Journal(folder)._begun()))


def test_a_line_that_lies_is_found_out(lineage: Lineage) -> None:
    """A step is no hit before its record was read: one that asked for something else, or is not there, is passed over; verify names it."""
    first, _, third = (Row.of(record) for record in lineage.records())
    lies = [first._replace(asked="r1:three"), third._replace(name="9999-edit-0123456789.json", asked="r1:three")]
    journal(lineage).write_bytes(b"".join(signed(lineage.folder, row) for row in lies))
    opened = Lineage(lineage.folder)
    assert [p.message for p in opened.verify()] == [
        f"says other things of {first.name} than the records do; remove it, and it is made again from the records"
    ]
    assert [record.number for record in opened.with_recipe("r1:three")] == [3]
    assert known(opened) == [1, 2, 3]  # the lie was found out
    assert made(opened).number == 4
    assert (known(Lineage(lineage.folder)), opened.verify()) == ([1, 2, 3], [])


def test_a_line_of_a_record_that_is_not_there_moves_no_number(lineage: Lineage) -> None:
    """A line that comes while a session is open counts only when its record was seen, so that nobody makes numbers jump."""
    (third,) = lineage.with_recipe("r1:three")
    opened = Lineage(lineage.folder)
    assert opened.count() == 3
    with journal(lineage).open("ab") as file:
        for name in ("9999-edit-0123456789.json", "../9999-edit-0123456789.json", "head", ".", "promptkit.json"):
            file.write(signed(lineage.folder, Row.of(third)._replace(name=name)))
    assert made(opened).number == 4
    assert opened.count() == 4


def test_a_copy_believes_no_line_that_came_with_it(lineage: Lineage, tmp_path: Path) -> None:
    """A folder that was copied with its journal, or comes from a stranger, is known by its records alone, and gets lines of its own."""
    copy = tmp_path / "copy"
    lies = [Row.of(record)._replace(asked="r1:else") for record in lineage.records()]
    journal(lineage).write_bytes(b"".join(signed(lineage.folder, row) for row in lies))
    shutil.copytree(lineage.folder, copy)
    opened = Lineage(copy)
    assert (Journal(copy).read(), known(opened), opened.verify()) == (([], False), [1, 2, 3], [])
    fourth = made(opened)
    assert {row.name for row in Journal(copy).read()[0]} == {record.path.name for record in opened.records()}
    assert (fourth.number, known(Lineage(copy))) == (4, [1, 2, 3])


def test_a_copy_of_a_copy_does_not_grow(lineage: Lineage, tmp_path: Path) -> None:
    """A journal that is full of lines that say nothing is made anew."""
    for _ in range(60):
        made(lineage)
    folder = lineage.folder
    for i in range(6):
        folder = Path(shutil.copytree(folder, tmp_path / str(i)))
        opened = Lineage(folder)
        opened.sums()
        made(opened)
        made(opened)
    assert len((folder / JOURNAL).read_bytes().splitlines()) <= 100 + 2 * opened.count()
    assert len(Journal(folder).read()[0]) == opened.count() == 63 + 12


def test_records_that_go_and_come_are_seen(lineage: Lineage, tmp_path: Path) -> None:
    """What git takes out of a folder, and brings back or merges into it, is gone and there for an open session and for a new one."""
    other = Lineage(tmp_path / "other")
    copied = made(other, recipe="r1:copied")
    (third,) = lineage.with_recipe("r1:three")
    opened, aside = Lineage(lineage.folder), tmp_path / third.path.name
    assert opened.count() == 3
    third.path.rename(aside)
    shutil.copy(copied.path, lineage.folder)
    for each in (opened, Lineage(lineage.folder)):
        assert each.count() == 3
        assert ([r.number for r in each.with_recipe("r1:three")], [r.id for r in each.with_recipe("r1:copied")]) == ([], [copied.id])
        assert each.sums()[0].attempts == {"offline": 3}
    aside.rename(third.path)
    for each in (opened, Lineage(lineage.folder)):
        assert each.count() == 4
        assert ([r.number for r in each.with_recipe("r1:three")], each.sums()[0].attempts) == ([3], {"offline": 4})


@pytest.mark.slow
def test_what_was_copied_in_is_seen_some_seconds_later(lineage: Lineage, tmp_path: Path) -> None:
    """A record that was copied into a folder under a session that only asks is found by its request after the time that is said."""
    copied = made(Lineage(tmp_path / "other"), recipe="r1:copied")
    known(lineage)
    shutil.copy(copied.path, lineage.folder)
    time.sleep(EVERY)
    assert [r.id for r in lineage.with_recipe("r1:copied")] == [copied.id]


def test_a_record_that_its_process_could_not_tell_has_its_number(lineage: Lineage) -> None:
    """Where a process was killed between a record and its line, or had no room for it, nobody else takes the number."""
    others = [Lineage(lineage.folder) for _ in range(2)]
    assert [each.count() for each in others] == [3, 3]
    step = answered(lineage)
    note, told = step.claim.read_bytes(), journal(lineage).read_bytes()
    fourth = step.commit("text")
    journal(lineage).write_bytes(told)  # as it was before
    step.claim.write_bytes(note.replace(b'"process": %d' % os.getpid(), b'"process": 0'))
    assert (others[0].adopt(), made(others[1]).number, others[0].has(fourth.id)) == (True, 5, True)
    assert not under_way(lineage.folder)
    sixth = answered(lineage)
    with room(journal(lineage).stat().st_size + 20):
        sixth.commit("text")
    assert [made(others[0]).number, made(others[1]).number] == [7, 8]
    assert [r.number for r in Lineage(lineage.folder).records()] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert lineage.verify() == []


def test_a_line_that_was_glued_to_half_a_line_is_missed_by_nobody(lineage: Lineage) -> None:
    """Where the line before broke off, a step that an open session cannot be told of is found in the folder: its number is taken."""
    opened, other = Lineage(lineage.folder), Lineage(lineage.folder)
    assert [each.count() for each in (opened, other)] == [3, 3]
    with journal(lineage).open("ab") as file:
        file.write(b"0004-edit-0123456789.json\tr1:")
    fourth = made(other, recipe="r1:four")
    assert (made(opened).number, [r.id for r in opened.with_recipe("r1:four")]) == (5, [fourth.id])


def test_processes_that_write_at_once_tell_of_each_step(lineage: Lineage) -> None:
    """Of four processes with two threads each, that meet another one which deletes the journal all the time, no two take a number."""
    command = [sys.executable, "-m", "kit.writer", "rival", lineage.folder, "2", "4"]
    rivals = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for rival in rivals:
        assert rival.stdout
        assert rival.stdout.readline() == "ready\n"
    for rival in rivals:
        print(file=rival.stdin, flush=True)
    while any(rival.poll() is None for rival in rivals):
        journal(lineage).unlink(missing_ok=True)
        lineage.count()
    assert [rival.wait() for rival in rivals] == [0] * 4
    for rival in rivals:
        rival.communicate()
    numbers = [record.number for record in Lineage(lineage.folder).records()]
    assert (len(numbers), len(set(numbers))) == (35, 35)
    assert lineage.verify() == []


def test_what_a_record_says_cannot_break_a_line(lineage: Lineage) -> None:
    """Names with tabs, line ends, quotes and halves of characters stand in a line, or nothing does; the step is there either way."""
    request = {"endpoint": 'a\tb\n"c"\\', "model": "模型\u202e", "config": {"image_size": ["no text"]}}
    odd = made(lineage, recipe="r1:\t\n", request=request)
    opened = Lineage(lineage.folder)
    rows, _ = Journal(lineage.folder).read()
    assert (len(rows), rows[-1]) == (4, Row.of(odd))
    assert opened.models_asked()[-1] == (request["endpoint"], request["model"])
    assert opened.verify() == []


def test_git_takes_nothing_in_of_it(lineage: Lineage, tmp_path: Path) -> None:
    """Neither the journal nor what is under way is git's, in a new session and in one that an earlier version made, once it is written."""
    (old := tmp_path / "old").mkdir()
    earlier = Lineage(old / "bear")
    made(earlier)
    shutil.rmtree(earlier.folder / ".open")
    before = (earlier.folder / ".gitignore").read_bytes()
    for session in (lineage, Lineage(earlier.folder)):
        step = answered(session, red())
        subprocess.run(["git", "init", "-q", session.folder], check=True)
        said = subprocess.run(["git", "status", "--porcelain", "-uall"], cwd=session.folder, check=True, capture_output=True, text=True)
        assert ".open" not in said.stdout
        assert step.claim.exists()
        step.commit("picture")
    assert (earlier.folder / ".gitignore").read_bytes() == before


def test_what_is_no_folder_holds_no_claims(lineage: Lineage, tmp_path: Path) -> None:
    """Where a link or a file stands in place of `.open/` nothing is written, there or where it leads; verify names it."""
    shutil.rmtree(lineage.folder / ".open")
    (elsewhere := tmp_path / "elsewhere").mkdir()
    for make in (lambda path: path.symlink_to(elsewhere), lambda path: path.symlink_to("/nowhere"), Path.touch, os.mkfifo):
        make(lineage.folder / ".open")
        opened = Lineage(lineage.folder)
        with pytest.raises(LineageError, match=r"\.open is no folder, so no step can be begun .* remove it, then try again"):
            opened.begin("edit", {"parents": [], "prompt": {}, "sources": [], "request": {}})
        assert (known(opened), [p.path.name for p in opened.verify()]) == ([1, 2, 3], [".open"])
        (lineage.folder / ".open").unlink()
    assert names(elsewhere) == []
    assert made(Lineage(lineage.folder)).number == 4
