"""What a session outlives for real: kills, full and read-only disks, crowds, copies and merges, hands, clocks, and names of all kinds.

`python test_attacks.py WHAT FOLDER …` is what the tests run in processes of their own.
"""

from __future__ import annotations

import ctypes
import io
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from kit.loopback import Loopback, Received, picture_reply, png
from kit.steps import answered, edit_json, fields, made, names, snapshot, under_way
from PIL import Image

from promptkit import BudgetExceeded, FunctionTransport, LineageError, Session, StepNotFound, templates
from promptkit.images.picture import Picture
from promptkit.lineage.tree import Lineage

pytestmark = pytest.mark.filterwarnings("ignore::promptkit.PromptkitWarning")  # of what the pictures look like
DAY = 86_400
NOBODY = 2**22 + 1  # the number of no process: they end at 2**22


@pytest.fixture
def lineage(tmp_path: Path) -> Lineage:
    return Lineage(tmp_path / "bear")


def run(what: str, *arguments: object, **more: Any) -> subprocess.Popen[str]:
    """One of the functions below, in a process of its own."""
    command = [sys.executable, __file__, what, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **more)


def told_together(processes: list[subprocess.Popen[str]]) -> list[str]:
    """The lines that processes print which begin in the same moment: when all of them are ready."""
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        print(file=process.stdin, flush=True)
    return [line for process in processes for line in process.communicate()[0].splitlines()]


def done(what: str, *arguments: object, **more: Any) -> tuple[str, str]:
    """What such a process printed, once it has ended well."""
    process = run(what, *arguments, stderr=subprocess.PIPE, **more)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out, err


def colour(text: str = "") -> bytes:
    """A picture of a colour that follows from the text; without one, of any."""
    return png(tuple(random.Random(text or time.time_ns()).randbytes(3)), (8, 8))


def noise() -> bytes:
    """A picture of some 360 kB."""
    buffer = io.BytesIO()
    Image.effect_noise((600, 600), 90).save(buffer, "PNG")
    return buffer.getvalue()


def painted(text: str = "") -> Any:
    """A reply with a picture of a colour of its own."""
    return picture_reply(colour(text))


def said(body: bytes) -> str:
    return Received("", {}, body).text


def wait_for(what: list[Any]) -> None:
    """Until something is in it, and not forever."""
    for _ in range(4000):
        if what:
            return
        time.sleep(0.005)
    raise TimeoutError


# Killed processes


def write_everything(folder: Path, out: int) -> None:
    """Steps, sources, templates, turns, tags and moves without end, saying on `out` what was sent, and what each call gave back."""

    def answer(path: str, body: bytes) -> Any:
        os.write(out, f"sent {said(body)}\n".encode())
        return painted(said(body))

    def tell(step: Any) -> Any:
        os.write(out, f"step {step.id} {step.picture.sha256}\n".encode())
        return step

    bear = Session(folder, endpoint="google", transport=FunctionTransport(answer), chain="chat", budget=1e9)
    me = f"{os.getpid()}-{time.time_ns()}"
    for i in range(10_000):
        tell(bear.add(png((i % 256, os.getpid() % 256, 1))))
        tell(bear.edit(templates.edit.add(subject=f"{me} {i} a hat"), references=[png((i % 256, os.getpid() % 256, 2))]))
        tagged = tell(bear.edit(f"{me} {i} 再来一顶"))
        bear.tag(f"{me} {i} お気に入り", tagged)
        os.write(out, f"tag {me}_{i} {tagged.id}\n".encode())
        bear.undo()
        for step in bear.vary(f"{me} {i} vary", n=2, fresh=True):
            tell(step)


def killed(folder: Path) -> None:
    """For each line of input: a new process writes everything, is killed at some moment, and what it said is printed."""
    draw = random.Random(11)
    warnings.simplefilter("ignore")
    write_ahead = Session(folder.with_name("warm"), endpoint="google", transport=FunctionTransport(lambda path, body: painted()))
    write_ahead.generate(templates.sticker(subject="all that is imported late", characteristics="x"))
    for line in sys.stdin:
        reader, out = os.pipe()
        if (process := os.fork()) == 0:
            write_everything(folder / line.strip(), out)
        os.close(out)
        time.sleep(draw.uniform(0.002, 0.06))
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        with os.fdopen(reader) as told:
            print(json.dumps(told.read().splitlines()), flush=True)


@pytest.mark.slow
def test_whatever_a_session_writes_may_be_cut_off_by_a_kill(tmp_path: Path) -> None:
    """After each of 240 kills all that a call gave back is there, and verify finds nothing; in the end each request that was sent stands in
    one record, once, and nothing half-written is left.
    """
    with run("killed", tmp_path) as process:
        assert process.stdin
        assert process.stdout
        for name in range(8):
            told: list[list[str]] = []
            for _ in range(30):
                print(name, file=process.stdin, flush=True)
                told += [line.split(" ", 1) for line in json.loads(process.stdout.readline())]
                opened = Lineage(tmp_path / str(name))
                assert opened.verify() == []
            steps = dict(line.split() for what, line in told if what == "step")
            assert {i: opened.get(i).pictures[0].sha256 for i in steps} == steps
            tags = {line.split()[0]: line.split()[1] for what, line in told if what == "tag"}
            found = opened.tags()
            assert {k: found[f"{k.replace('_', ' ')} お気に入り"] for k in tags} == tags
            made(opened)
            assert Counter(line for what, line in told if what == "sent").items() <= attempts(opened).items()
            assert set(attempts(opened).values()) <= {1, 2}, "vary asks twice with the same words"
            assert [n for n in names(opened.folder) if ".tmp-" in n or "usd-" in n] == []
            assert opened.verify() == []
        process.stdin.close()


def attempts(lineage: Lineage) -> Counter[str]:
    return Counter(a["sent_text"] for r in lineage.records() for a in r.attempts)


def half_written(folder: Path, name: str) -> None:
    """Is stopped in the middle of writing a file, and waits there."""
    from promptkit import atomic

    path = atomic.temporary_beside(folder / name)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"half")
    print(path, flush=True)
    time.sleep(60)


@pytest.mark.parametrize("name", ["0001-edit-0123456789.png", "tags/a.json", "extra/ab", "sources/ab.png", "templates/ab.json"])
def test_what_a_killed_writer_left_half_written_is_cleared_away(lineage: Lineage, name: str) -> None:
    """A temporary file stays as long as its process lives, and goes with the first step that is begun after that."""
    made(lineage)
    with run("half_written", lineage.folder, name) as process:
        assert process.stdout
        path = Path(process.stdout.readline().strip())
        made(Lineage(lineage.folder))
        assert path.exists()
        process.kill()
    assert path.exists()
    assert Lineage(lineage.folder).verify() == []
    assert path.exists(), "reading removes nothing"
    made(Lineage(lineage.folder))
    assert not path.exists()


@pytest.mark.parametrize("name", [f".tmp-01234567-{NOBODY}-0123456789abcdef-ab", f".tmp-{NOBODY}-ab"], ids=["another host", "unknown"])
def test_a_half_written_file_of_nobody_known_stays_a_day(lineage: Lineage, name: str) -> None:
    """What another host may still be writing is left alone until it is a day old; one from the future too, where a clock was set back."""
    made(lineage)
    path = lineage.folder / name
    path.write_bytes(b"half")
    for age, there in ((-3 * DAY, True), (DAY - 60, True), (DAY + 60, False)):
        os.utime(path, (time.time() - age,) * 2)
        made(lineage)
        assert path.exists() == there


# A disk that is full


class Disk:
    """A small one of its own where one can be mounted; else files may not grow, which is what a full disk is to a process."""

    ROOM, FULL = resource.getrlimit(resource.RLIMIT_FSIZE), (8, resource.getrlimit(resource.RLIMIT_FSIZE)[1])

    def __init__(self, folder: Path, size: str) -> None:
        self.folder = folder
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
        self.mounted = bool(shutil.which("mount")) and subprocess.run(command, capture_output=True, check=False).returncode == 0

    def fill(self) -> None:
        if not self.mounted:
            resource.setrlimit(resource.RLIMIT_FSIZE, self.FULL)
            return
        with suppress(OSError), (self.folder / "filler").open("ab", buffering=0) as file:
            while file.write(bytes(65_536)):
                pass

    def free(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self.ROOM)
        (self.folder / "filler").unlink(missing_ok=True)

    def close(self) -> None:
        self.free()
        if self.mounted:
            subprocess.run(["umount", "-l", self.folder], check=True)


@contextmanager
def disk_of(folder: Path, size: str) -> Iterator[Disk]:
    disk = Disk(folder, size)
    try:
        yield disk
    finally:
        disk.close()


NO_ROOM = r"Nothing can be written in .*(No space left on device|File too large)"


def on_disk(disk: Disk, answer: Callable[[str], Any]) -> Session:
    """A session on it at a priced service, which asks `answer` for a reply to each prompt."""
    transport = FunctionTransport(lambda path, body: answer(said(body)))
    return Session(disk.folder / "bear", endpoint="google", transport=transport, budget=5.0)


def test_a_picture_that_finds_no_room_is_kept_until_there_is_some(tmp_path: Path) -> None:
    """A picture that comes when the disk is full stays in memory; no other is paid for meanwhile; the next step with room records it."""
    with disk_of(tmp_path / "disk", "24m") as disk:
        sent = []

        def answer(text: str) -> Any:
            sent.append(text)
            disk.fill()
            return painted(text)

        bear = on_disk(disk, answer)
        fox = bear.add(png())
        with pytest.raises(LineageError, match=f"{NO_ROOM}.*Step 2 is not on record yet: its picture stays in memory") as caught:
            bear.edit("a fox")
        assert caught.value.path == bear.folder
        for _ in range(2):
            with pytest.raises(LineageError, match=NO_ROOM):
                on_disk(disk, answer).edit("a hen", on=fox)
        assert sent == ["a fox"]
        assert [p for p in names(bear.folder) if ".tmp-" in p] == []
        assert Session(bear.folder).verify() == []
        disk.free()
        hen = on_disk(disk, painted).edit("a hen", on=fox)
        steps = Session(bear.folder).steps
        assert [(s.outcome, s.prompt and s.prompt.text) for s in steps][1:] == [("picture", "a fox"), ("picture", "a hen")]
        assert steps[1].picture.sha256 == Picture(colour("a fox")).sha256
        assert (hen.number, bear.verify(), under_way(bear.folder)) == (3, [], [])


def test_words_that_find_no_room_are_kept_as_they_were(tmp_path: Path) -> None:
    """A paid answer without a picture is recorded with its words and its outcome once there is room."""
    with disk_of(tmp_path / "disk", "24m") as disk:
        lineage = Lineage(disk.folder / "bear")
        step = lineage.begin("edit", fields())
        step.attempt({"sent_text": "a"})
        disk.fill()
        with pytest.raises(LineageError, match=NO_ROOM):
            step.answer({"outcome": "text", "text": "Sure!"})
        with pytest.raises(LineageError, match="its answer stays in memory"):
            step.commit("text")
        with pytest.raises(LineageError, match="its answer stays in memory"):
            step.commit("interrupted")
        disk.free()
        lineage.settle()
        assert [(r.outcome, r.attempts[0]["text"]) for r in Lineage(lineage.folder).records()] == [("text", "Sure!")]


def test_a_disk_that_is_nearly_full_is_said_before_anything_is_paid(tmp_path: Path) -> None:
    """Where a picture might find no room nothing is sent, and the session stays as it was."""
    with disk_of(tmp_path / "disk", "8m") as disk:
        if not disk.mounted:
            disk.fill()
        sent: list[str] = []
        bear = on_disk(disk, lambda text: sent.append(text) or painted(text))
        with pytest.raises(LineageError, match=r"only [\d.]+ MB are free.*nothing was sent|File too large"):
            bear.generate("a fox")
        disk.free()
        assert (sent, len(bear), under_way(bear.folder)) == ([], 0, [])


def test_a_request_that_finds_no_room_for_its_note_was_not_sent(lineage: Lineage) -> None:
    """An attempt that could not be noted must not be sent, and counts for nothing: its step leaves no trace."""
    step = lineage.begin("edit", fields())
    resource.setrlimit(resource.RLIMIT_FSIZE, Disk.FULL)
    try:
        with pytest.raises(LineageError, match=NO_ROOM):
            step.attempt({"sent_text": "a"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, Disk.ROOM)
    step.drop()
    assert made(lineage).number == 1
    assert not under_way(lineage.folder)


def test_steps_on_a_disk_that_fills_up_are_there_or_said(tmp_path: Path) -> None:
    """Where a disk fills up under four threads, each step is there or its error was raised, and what was paid is there in the end."""
    with disk_of(tmp_path / "disk", "24m") as disk:
        sent: list[str] = []

        def answer(text: str) -> Any:
            sent.append(text)
            if text != "40":
                return painted(text)
            disk.fill()
            return picture_reply(noise())  # larger than what the other steps, which end just now, give back to the disk

        bear = on_disk(disk, answer)

        def ask(i: int) -> str:
            try:
                return bear.generate(str(i)).id
            except LineageError as error:
                return str(error)

        with ThreadPoolExecutor(4) as pool, warnings.catch_warnings(action="ignore"):  # that the head could not be noted
            told = list(pool.map(ask, range(80)))
        there = {line for line in told if " " not in line}
        assert 36 < len(there) < len(sent) < 80
        assert all("Nothing can be written" in line for line in told if " " in line)
        opened = Lineage(bear.folder)
        assert opened.verify() == []
        assert there <= {r.id for r in opened.records()}  # and those that a later step found room for
        disk.free()
        bear.add(png())
        assert sorted(s.prompt.text for s in bear if s.prompt) == sorted(sent)
        assert opened.verify() == []
        assert not [n for n in names(bear.folder) if ".tmp-" in n] + under_way(bear.folder)


def test_a_picture_that_found_no_room_is_not_paid_for_twice(tmp_path: Path) -> None:
    """The same request, made again once there is room, gives the picture that was kept in memory, from another Session too."""
    with disk_of(tmp_path / "disk", "24m") as disk:
        sent: list[str] = []

        def answer(text: str) -> Any:
            sent.append(text)
            disk.fill()
            return painted(text)

        bear = on_disk(disk, answer)
        bear.add(png())
        for _ in range(2):
            with pytest.raises(LineageError, match="stays in memory"):
                bear.edit("a fox", on=1)
            disk.fill()  # its claim on the request has given some room back
        disk.free()
        fox = on_disk(disk, answer).edit("a fox", on=1)
        assert (fox.reused, fox.picture.data, sent) == (True, colour("a fox"), ["a fox"])


def test_a_picture_is_not_lost_with_its_turn(tmp_path: Path) -> None:
    """In a chain that talks, a turn that finds no room takes no picture with it: the next edit starts from the picture alone."""
    with disk_of(tmp_path / "disk", "24m") as disk:

        def answer(path: str, body: bytes) -> Any:
            disk.fill()
            return painted(said(body))

        bear = Session(disk.folder / "bear", endpoint="google", transport=FunctionTransport(answer), chain="chat")
        with pytest.raises(LineageError, match="stays in memory"):
            bear.generate("a fox")
        disk.free()
        bear.add(png())
        assert [s.prompt.text for s in bear if s.outcome == "picture" and s.prompt] == ["a fox"]


ENDS = """
import os, re, sys
from promptkit import Session

def end_before_a_record(event, arguments):  # the picture lies there whole, and its record has no name yet
    if event == "os.rename" and re.search(r"0001-[^/]*\\.json$", str(arguments[1])):
        os._exit(9)

sys.addaudithook(end_before_a_record)
Session("./bear", endpoint=sys.argv[1]).generate("a fox")
"""


def test_a_picture_that_a_killed_process_left_is_not_paid_for_twice(service: Loopback) -> None:
    """The same call, run again after its process ended between picture and record, finds the picture on record and sends nothing."""
    service.always = picture_reply(png("red"))
    assert subprocess.run([sys.executable, "-c", ENDS, service.url], check=False).returncode == 9
    fox = Session("./bear", endpoint=service.url).generate("a fox")
    assert (fox.number, fox.reused, fox.picture.data, len(service.received)) == (1, True, png("red"), 1)


# A folder that is read-only


def without_privilege() -> None:
    """Root, too, then is refused what a file's mode refuses: the next program has no CAP_DAC_OVERRIDE and no CAP_DAC_READ_SEARCH."""
    for capability in (1, 2):
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)


@contextmanager
def read_only(folder: Path, how: str) -> Iterator[None]:
    """A mount that is read-only where one can be made; else, and for `mode`, folders and files that nobody may write."""
    mounted = how == "mount" and subprocess.run(["mount", "--bind", folder, folder], capture_output=True, check=False).returncode == 0
    if mounted:
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
    modes = {} if mounted else {p: p.stat().st_mode for p in [folder, *folder.rglob("*")]}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
        if mounted:
            subprocess.run(["umount", "-l", folder], check=True)


def only_reads(folder: Path) -> None:
    """Reads all that a session holds, and prints what each way to write into it says."""
    sent: list[str] = []
    transport = FunctionTransport(lambda path, body: sent.append("x") or painted())
    bear = Session(folder, endpoint="google", transport=transport, budget=1.0)
    assert (len(bear), bear.verify(), bear.head, set(bear.tags)) == (2, [], bear[2], {"好"})
    assert [s.picture.size for s in bear.trail()] == [(8, 8)] * 2
    assert bear.edit("a hat", on=1).reused
    writes: list[Callable[[], object]] = [
        lambda: bear.generate("a fox"),
        lambda: bear.edit("a fox"),
        lambda: bear.vary("a fox", n=3),
        lambda: bear.generate("a fox", references=[png("blue")]),
        lambda: bear.add(png("blue")),
        lambda: bear.tag("x"),
        bear.undo,
        lambda: bear.goto(1),
        lambda: Session(folder / "within").add(png()),
    ]
    for write in writes:
        try:
            write()
        except LineageError as error:
            print(error)
        else:
            sys.exit(f"{writes.index(write)} wrote")
    assert sent == []


@pytest.mark.parametrize("how", ["mode", "mount"])
def test_a_read_only_session_reads_and_says_what_it_cannot(tmp_path: Path, how: str) -> None:
    """In a folder that cannot be written all can be read, each way to write is a LineageError, and nothing is sent or changed."""
    bear = Session(tmp_path / "bear", endpoint="google", transport=FunctionTransport(lambda path, body: painted("a")))
    bear.generate("a bear").edit("a hat")
    bear.tag("好")
    before = snapshot(bear.folder)
    with read_only(bear.folder, how):
        out, _ = done("only_reads", bear.folder, preexec_fn=without_privilege)
        assert snapshot(bear.folder) == before
    assert len(out.splitlines()) == 9
    assert all("ermission denied" in line or "Read-only file system" in line for line in out.splitlines())


def loses_its_folder(folder: Path, how: str) -> None:
    """Pays for a picture, and may not write into the folder any more when it comes; `mended`: until the process ends."""
    warnings.simplefilter("ignore")

    def answer(path: str, body: bytes) -> Any:
        folder.chmod(0o555)
        return painted("a fox")

    bear = Session(folder, endpoint="google", transport=FunctionTransport(answer))
    try:
        bear.generate("a fox")
    except LineageError as error:
        print(error)
    if how == "mended":
        folder.chmod(0o755)


def elsewhere(folder: Path) -> dict[str, str]:
    """The environment of a process whose temporary files stand in that folder."""
    folder.mkdir()
    return {**os.environ, "TMPDIR": str(folder)}


def test_a_picture_that_finds_no_place_until_the_process_ends_is_saved_elsewhere(tmp_path: Path) -> None:
    """When the process ends, what it paid for and could not record is put among the system's temporary files, and stderr says where."""
    bear = Session(tmp_path / "bear", endpoint="offline")
    bear.add(png())
    told, err = done("loses_its_folder", bear.folder, "lost", preexec_fn=without_privilege, env=elsewhere(tmp_path / "tmp"))
    bear.folder.chmod(0o755)
    (saved,) = (tmp_path / "tmp").glob("promptkit-*/*.png")
    assert "its picture stays in memory" in told
    assert str(saved.parent) in err
    picture = Picture.open(saved)
    assert picture.data == colour("a fox")
    bear.add(png("green"))
    assert [s.outcome for s in bear] == ["added", "interrupted", "added"], "what was paid counts all the same"


def test_a_picture_whose_place_comes_back_is_recorded_when_the_process_ends(tmp_path: Path) -> None:
    """The end of the process tries once more before anything goes elsewhere."""
    bear = Session(tmp_path / "bear", endpoint="offline")
    bear.add(png())
    done("loses_its_folder", bear.folder, "mended", preexec_fn=without_privilege, env=elsewhere(tmp_path / "tmp"))
    assert [s.outcome for s in bear] == ["added", "picture"]
    assert (list((tmp_path / "tmp").iterdir()), bear.verify()) == ([], [])


# Crowds


def crowd(folder: Path) -> None:
    """Eight threads' worth of variants, and steps, tags and moves, in a session that others use too; prints what it was given."""
    warnings.simplefilter("ignore")
    bear = Session(folder, endpoint="google", transport=FunctionTransport(lambda path, body: painted()))
    print("ready", flush=True)
    sys.stdin.readline()
    for i in range(4):
        steps = [*bear.vary(f"{os.getpid()} {i}", n=8, workers=8, on=1)]
        steps.append(bear.edit(f"{os.getpid()} {i} more", on=steps[0]))
        bear.tag(f"{os.getpid()} {i}", steps[-1])
        bear.undo()
        os.write(1, "".join(f"{s.id}\n" for s in steps).encode())


@pytest.mark.slow
def test_four_processes_of_eight_threads_share_a_session(tmp_path: Path) -> None:
    """No step, number or tag is lost or shared among four processes of eight threads each, and the head is one of their steps."""
    bear = Session(tmp_path / "bear", endpoint="offline")
    bear.add(png())
    crowds = [run("crowd", bear.folder) for _ in range(4)]
    given = [word for line in told_together(crowds) for word in line.split()]
    assert [process.returncode for process in crowds] == [0] * 4
    assert len(given) == 4 * 4 * 9
    again = Session(bear.folder)
    assert sorted(s.id for s in again) == sorted([bear[1].id, *given])
    assert [s.number for s in again] == list(range(1, 146))
    assert {s.id for s in again.tags.values()} <= set(given)
    assert len(again.tags) == 16
    assert again.head in again
    assert again.verify() == []
    assert not [n for n in names(bear.folder) if ".tmp-" in n] + under_way(bear.folder)


# Copies


def writes_on(folder: Path) -> None:
    """Writes steps until its input ends."""
    warnings.simplefilter("ignore")
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    bear = Session(folder, endpoint="google", transport=FunctionTransport(lambda path, body: painted()), chain="chat")
    bear.add(png())
    print("ready", flush=True)
    while not over.is_set():
        bear.edit(f"{len(bear)}", references=[png((len(bear) % 256, 1, 1))])
        bear.tag(f"{len(bear) % 7} x")


def test_a_folder_may_be_copied_while_it_is_written(tmp_path: Path) -> None:
    """Each of 25 copies opens and can be written on, verify names only what is missing or half, and all else is readable."""
    source = tmp_path / "bear"
    with run("writes_on", source) as process:
        assert process.stdin
        assert process.stdout
        process.stdout.readline()
        copies = [tmp_path / f"copy {i}" for i in range(25)]
        for copy in copies:
            subprocess.run(["cp", "-r", source, copy], capture_output=True, check=False)
        process.stdin.close()
    assert process.returncode == 0
    assert Lineage(source).verify() == []
    sizes = [check_copy(source, copy) for copy in copies]
    assert sizes[-1] > sizes[0]


def check_copy(source: Path, copy: Path) -> int:
    opened = Lineage(copy)
    problems = opened.verify()
    for problem in problems:
        missing = "is not here" in problem.message or "has no record" in problem.message or "is missing" in problem.message
        original = source / problem.path.relative_to(copy)
        assert missing or problem.path.read_bytes() != original.read_bytes(), problem
    damaged = {p.path for p in problems}
    for record in opened.records():
        assert record.path in damaged or opened.is_whole(record) or any(copy / o["file"] in damaged for o in record.outputs)
    assert made(opened).number > len(opened.records()) - 1
    return len(opened.records())


def test_a_backup_tool_may_take_each_file_at_another_moment(tmp_path: Path) -> None:
    """A copy in which any one file is missing opens, and verify names that file or what points at it, unless nothing pointed at it."""
    bear = everything(tmp_path / "bear")
    for name in names(bear.folder):
        if not (bear.folder / name).is_file() or name.startswith((".git", ".open")):
            continue
        copy = tmp_path / "copy"
        shutil.copytree(bear.folder, copy)
        (copy / name).unlink()
        opened = Session(copy)
        problems = opened.verify()
        assert bool(problems) == (name != "head" and not name.startswith("tags/")), name
        assert sum(opened._lineage.is_whole(s.record) for s in opened) >= 2, name
        shutil.rmtree(copy)


def everything(folder: Path) -> Session:
    """A session of three steps and a failure, that has all that a session can have."""
    replies = iter([painted("1"), painted("2"), painted("3")])
    bear = Session(folder, endpoint="google", transport=FunctionTransport(lambda path, body: next(replies)), chain="chat")
    first = bear.generate(templates.sticker(subject="red panda", characteristics="a hat"), references=[png("blue")])
    bear.edit("a scarf")
    bear.edit("a hat", on=first)
    bear.tag("好 one", first)
    return bear


# Merges


def test_two_machines_copies_can_be_merged_by_copying_files(tmp_path: Path) -> None:
    """Copies that went on apart hold all steps of both when their files are put together; a number of both is refused with both ids."""
    here = everything(tmp_path / "here")
    shutil.copytree(here.folder, tmp_path / "there")
    transport = FunctionTransport(lambda path, body: painted())
    sessions = [Session(tmp_path / n, endpoint="google", transport=transport) for n in ("here", "there")]
    for session in sessions:
        session.tag("both", session.edit(f"in {session.folder.name}", on=2).edit("and on"))
        session.tag(f"only {session.folder.name}", 5)
    own = [{s.id for s in session} for session in sessions]
    subprocess.run(["cp", "-r", f"{tmp_path}/there/.", tmp_path / "here"], check=True)
    merged = Session(tmp_path / "here", endpoint="offline")
    assert {s.id for s in merged} == own[0] | own[1]
    assert merged.verify() == []
    assert [s.number for s in merged] == [1, 2, 3, 4, 4, 5, 5]
    with pytest.raises(StepNotFound, match="The number 4 is shared by") as caught:
        merged[4]
    assert {merged[i].prompt.text for i in caught.value.near} == {"in here", "in there"}
    assert all(i[:16] in str(caught.value) for i in caught.value.near)
    assert merged.tags["both"] == merged.head, "the copy that came last"
    assert merged.tags["only here"] != merged.tags["only there"]
    assert [s.prompt.text for s in merged.trail(merged.tags["only here"])][1:] == ["a scarf", "in here", "and on"]
    assert merged.add(png("white")).number == 6


def test_a_clone_keeps_the_bytes_whatever_git_is_told(tmp_path: Path) -> None:
    """A session in a repository that converts line ends comes out of a clone byte for byte."""
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "core.autocrlf=true", "-c", "init.defaultBranch=main"]
    repository = tmp_path / "a repository"
    bear = everything(repository / "bear")
    made(Lineage(bear.folder), prompt={"text": "one\r\ntwo\nthree\r"})
    (repository / ".gitattributes").write_text("* text=auto eol=crlf\n")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *command], cwd=repository, check=True, capture_output=True)
    subprocess.run([*git, "clone", "-q", repository, tmp_path / "clone"], check=True, capture_output=True)
    clone = Lineage(tmp_path / "clone" / "bear")
    assert clone.verify() == []
    whole = {n: (bear.folder / n).read_bytes() for n in names(bear.folder) if (bear.folder / n).is_file() and not n.startswith(".open")}
    assert {n: (clone.folder / n).read_bytes() for n in names(clone.folder) if (clone.folder / n).is_file()} == whole


# Hands


def owners(bear: Session) -> dict[str, int | None]:
    """Each file of a session that can be damaged, and the step whose it is."""
    found: dict[str, int | None] = {"head": None, **{str(p.relative_to(bear.folder)): None for p in bear.folder.glob("tags/*")}}
    for step in reversed(bear.steps):
        turns = [f"extra/{a['turn']}" for a in step.attempts if a.get("turn")]
        digest = step.record.prompt.get("digest")
        sources = [e["file"] for e in step.record.sources if e.get("file")]
        own = [*(p.name for p in step.files), *turns, *sources, *([f"templates/{digest}.json"] if digest else [])]
        found |= dict.fromkeys(own, step.number)
    return found


def test_each_byte_of_each_file_counts(tmp_path: Path) -> None:
    """One changed bit anywhere in a session is named by verify, with the file and the step that it belongs to; the others stay readable."""
    bear = everything(tmp_path / "bear")
    whose = owners(bear)
    on_disk = [n for n in names(bear.folder) if (bear.folder / n).is_file() and not n.startswith((".git", ".open", "promptkit"))]
    assert sorted(on_disk) == sorted(whose)
    draw = random.Random(3)
    for name, number in whose.items():
        path = bear.folder / name
        data = path.read_bytes()
        for at in [0, len(data) - 1, *(draw.randrange(len(data)) for _ in range(6))]:
            path.write_bytes(data[:at] + bytes([data[at] ^ 1 << draw.randrange(8)]) + data[at + 1 :])
            opened = Lineage(bear.folder)
            problems = opened.verify()
            if read(path) != read_bytes(data, name):  # else it says the same in other blanks
                assert (number, path) in [(p.step, p.path) for p in problems], (name, at)
            assert len(opened.records()) >= 2
            assert all(opened.is_whole(r) for r in opened.records() if r.number not in {p.step for p in problems})
        path.write_bytes(data)
    assert bear.verify() == []


def read(path: Path) -> Any:
    return read_bytes(path.read_bytes(), str(path.relative_to(path.parents[1])))


def read_bytes(data: bytes, name: str) -> Any:
    """What a file says to those who read it: of tags and templates their JSON, of the head its words, of all others their bytes."""
    if name.endswith("head"):
        return data.split()
    if "tags/" in name or "templates/" in name:
        with suppress(ValueError):
            return json.loads(data)
    return data


@pytest.mark.parametrize("harm", ["", "{", "[]", '{"layout": "1"}', '{"layout": 0}', "\0" * 12, None], ids=repr)
def test_a_lost_marker_loses_no_session(tmp_path: Path, harm: str | None) -> None:
    """A session whose marker was deleted or damaged opens by its records; verify names the marker, and the next step mends it."""
    bear = everything(tmp_path / "bear")
    marker = bear.folder / "promptkit.json"
    marker.unlink() if harm is None else marker.write_text(harm)
    before = snapshot(bear.folder)
    opened = Session(bear.folder, endpoint="offline")
    assert ([s.outcome for s in opened], opened.head) == (["picture"] * 3, bear.head)
    assert [(p.step, p.path) for p in opened.verify()] == [(None, marker)]
    assert snapshot(bear.folder) == before
    opened.add(png("white"))
    assert opened.verify() == []
    assert json.loads(marker.read_bytes()) == {"layout": 1}


def test_a_marker_of_a_later_layout_is_respected(tmp_path: Path) -> None:
    """That a folder has records does not make a later promptkit's layout readable."""
    bear = everything(tmp_path / "bear")
    edit_json(bear.folder / "promptkit.json", layout=2)
    with pytest.raises(LineageError, match="upgrade promptkit"):
        Session(bear.folder)


def test_a_deleted_record_is_told_by_its_picture(lineage: Lineage) -> None:
    """verify names the picture of a step whose record is gone, with its number; not that of a step in flight."""
    made(lineage)
    record = made(lineage, Picture(png("green")))
    picture = record.pictures[0].sha256[:10]
    record.path.unlink()
    path = lineage.folder / f"0002-edit-{picture}.png"
    for opened in (lineage, Lineage(lineage.folder)):
        assert [(p.step, p.path) for p in opened.verify()] == [(2, path)]
    assert "has no record" in str(lineage.verify()[0])
    path.rename(lineage.folder / "0003-edit-0123456789.png")
    answered(lineage).claim.rename(lineage.folder / ".open/0003.json")
    assert Lineage(lineage.folder).verify() == []


def test_a_record_deleted_under_an_open_session_is_gone_for_it_too(tmp_path: Path) -> None:
    """A session that is open sees what a hand deletes: the step is not reused, nor found, nor anybody's child; it is asked for anew."""
    bear = Session(tmp_path / "bear", endpoint="google", transport=FunctionTransport(lambda path, body: painted()))
    first = bear.generate("a bear")
    second = first.edit("a hat")
    second.record.path.unlink()
    assert bear.children(first) == ()
    with pytest.raises(StepNotFound):
        bear[second.id]
    again = bear.edit("a hat", on=first)
    assert (again.reused, again.id != second.id, [*bear]) == (False, True, [first, again])


def test_a_tag_that_a_hand_changed_is_named(lineage: Lineage) -> None:
    """A tag's file that holds another name, or none, is named by verify; what file managers and other systems leave is not."""
    record = made(lineage)
    lineage.set_tag("one", record.id)
    (path,) = lineage.folder.glob("tags/*")
    for junk in ("tags/._one.json", "sources/Thumbs.db", "sources/.DS_Store", "templates/._x.json", "extra/desktop.ini"):
        (lineage.folder / junk).parent.mkdir(exist_ok=True)
        (lineage.folder / junk).write_bytes(b"\0junk")
    assert lineage.verify() == []
    for changes in ({"name": "two"}, {"name": None}, {"id": "ab" * 32}, {"id": None}):
        whole = path.read_bytes()
        edit_json(path, **changes)
        assert [(p.step, p.path) for p in lineage.verify()] == [(None, path)], changes
        path.write_bytes(whole)


# Clocks


def test_a_clock_that_goes_backwards_changes_no_order(lineage: Lineage) -> None:
    """Steps of years to come and files from the future are read, continued and told apart as any others: numbers order them, not times."""
    future = [made(lineage, started=f"21{i:02}-01-01T00:00:00.000Z", prompt={"text": str(i)}) for i in (9, 5, 1)]
    for path in lineage.folder.rglob("*"):
        os.utime(path, (time.time() + 400 * DAY,) * 2)
    claim = answered(lineage).claim
    os.utime(claim, (time.time() + 400 * DAY,) * 2)
    bear = Session(lineage.folder, endpoint="offline")
    assert [s.number for s in bear] == [1, 2, 3]
    step = bear.edit("a hat", on=future[0].number)
    assert (step.number, step.parents[0].id, bear.head, bear.verify()) == (5, future[0].id, step, [])
    assert step.started < future[2].fields["started"]
    assert claim.exists(), "its process lives, whatever the clock says"
    edit_json(claim, process=NOBODY)
    os.utime(claim, (time.time() + 400 * DAY,) * 2)
    bear.edit("a scarf")
    assert [s.outcome for s in bear] == ["picture"] * 3 + ["interrupted", "picture", "picture"]


# Names


FOLDERS = [
    "a path with spaces",
    "it's \"quoted\" & $HOME `x` {y}",
    "熊の絵/最初の",
    "भालू और पांडा",
    "دب",
    "é as two: e\u0301",
    "new\nline\ttab",
    "-rf",
    "%s %d 100%",
    "[a-z]*?",
    "x" * 200,
    os.fsdecode(b"no \xff utf-8"),
    ".hidden",
    "a.json",
]


@pytest.mark.parametrize("name", FOLDERS, ids=ascii)
def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    """Whatever a folder is called, steps, sources, tags, look-ups, adoption, verify and errors work in it."""
    folder = tmp_path / name
    bear = everything(folder)
    answered(Lineage(folder)).claim.write_text(json.dumps({"host": "gone"}))
    os.utime(folder / ".open/0004.json", (0, 0))
    again = Session(folder, endpoint="offline")
    assert [s.id for s in again] == [s.id for s in bear]
    assert again["好 one"] == again[1]
    assert again.edit("a hat", on="好 one").number == 4  # the dead claim was put in order first
    assert (again.verify(), under_way(folder)) == ([], [])
    (picture,) = folder.glob("0002-*.png")
    picture.write_bytes(b"x")
    assert [(p.step, p.path) for p in again.verify()] == [(2, picture)]
    with pytest.raises(LineageError) as caught:
        _ = Session(folder)[2].picture.data
    assert caught.value.path == picture
    repr(again), again._repr_mimebundle_()


# A budget that is shared


def spends(folder: Path, limit: str, times: str) -> None:
    """Asks several times within a budget, and prints what each time brought."""
    bear = Session(folder, endpoint="google", budget=None if limit == "none" else float(limit), reuse=False)
    print("ready", flush=True)
    sys.stdin.readline()
    for i in range(int(times)):
        try:
            print("paid", bear.generate(f"{os.getpid()} {i}").cost, flush=True)
        except BudgetExceeded as error:
            print("over", error, flush=True)


@pytest.fixture
def priced(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> Loopback:
    """A service at Google's prices: 0.039 USD for a picture, which takes it a moment."""
    monkeypatch.setenv("GEMINI_API_KEY", "AIza-of-a-test")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", service.url)

    def slowly(request: Any) -> Any:
        time.sleep(0.15)
        return painted()

    service.always = slowly
    return service


def test_four_processes_share_a_budget(priced: Loopback, tmp_path: Path) -> None:
    """Four processes that ask at once with one budget pay for as many pictures as it allows and not for one more; no note is left."""
    Session(tmp_path / "bear", endpoint="offline").add(png())
    all_ = [run("spends", tmp_path / "bear", 0.2, 6) for _ in range(4)]
    lines = told_together(all_)
    bear = Session(tmp_path / "bear", endpoint="google", budget=0.2)
    assert len(lines) == 24
    assert sum(line.startswith("paid") for line in lines) == len(priced.received) == 5
    assert bear.cost <= 0.2
    assert not under_way(bear.folder)


def test_two_sessions_of_one_process_share_a_budget(priced: Loopback, tmp_path: Path) -> None:
    """Two Sessions on one folder count what the other has under way; the error says how much that is."""
    sessions = [Session(tmp_path / "bear", endpoint="google", budget=0.05, reuse=False) for _ in range(2)]
    refused: list[str] = []
    over = threading.Event()
    priced.always = lambda request: over.wait(30) and painted()  # the first one is under way until the second was refused

    def ask(session: Session, text: str) -> None:
        try:
            session.generate(text)  # equal ones would wait for each other
        except BudgetExceeded as error:
            refused.append(str(error))

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask, sessions[0], "a fox")
        wait_for(priced.received)
        ask(sessions[1], "a hen")
        over.set()
        first.result()
    assert len(priced.received) == 1
    assert len(refused) == 1
    assert "may cost 0.0390 USD, and 0.0390 of the budget of 0.0500 USD are used (0.0390 of them set aside for what others" in refused[0]
    assert sessions[1].cost == pytest.approx(0.0387, abs=1e-3)


@pytest.mark.parametrize("limited", [True, False], ids=["with a budget", "without"])
def test_what_a_killed_process_may_have_paid_counts_at_once(priced: Loopback, tmp_path: Path, limited: bool) -> None:
    """A request under way counts for other sessions, with a budget of its own or not, and goes on counting when its process is killed."""
    folder = tmp_path / "bear"
    Session(folder, endpoint="offline").add(png())
    priced.always = lambda request: time.sleep(20) or painted()
    with run("spends", folder, 9 if limited else "none", 1) as process:
        print(file=process.stdin, flush=True)
        wait_for(priced.received)
        for _ in range(2):
            with pytest.raises(BudgetExceeded, match=r"0\.0390 of the budget"):
                Session(folder, endpoint="google", budget=0.07).generate("a fox")
            process.kill()
            process.wait()
    assert len(priced.received) == 1
    priced.over.set()
    priced.always = painted()
    assert Session(folder, endpoint="google", budget=0.08).generate("a fox").ok
    with pytest.raises(BudgetExceeded):
        Session(folder, endpoint="google", budget=0.08).generate("a hen")
    assert [s.outcome for s in Session(folder)] == ["added", "interrupted", "picture"]
    assert not under_way(folder)


def test_a_budget_that_one_request_passes_makes_nothing(priced: Loopback, tmp_path: Path) -> None:
    """Where the budget does not allow the first request, no folder is made."""
    with pytest.raises(BudgetExceeded):
        Session(tmp_path / "bear", endpoint="google", budget=0.01).generate("a fox")
    assert not (tmp_path / "bear").exists()


if __name__ == "__main__":
    roles = (crowd, half_written, killed, loses_its_folder, only_reads, spends, writes_on)
    {role.__name__: role for role in roles}[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
