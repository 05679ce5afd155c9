"""What the tests of lineage run in processes of their own, to be killed or to be rivals: python -m kit.writer WHAT FOLDER …"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from kit.loopback import png
from kit.steps import answered, fields, made
from promptkit import atomic
from promptkit.errors import LineageError
from promptkit.images.picture import Picture
from promptkit.lineage.tree import Lineage


def write_on(folder: Path, out: int) -> None:
    """Steps without end, saying on `out` what was sent (paid from then on) and what was committed."""
    lineage, parent = Lineage(folder), None
    for i in range(10_000):
        pending = lineage.begin("edit", fields(parents=[parent] if parent else []))
        for attempt in range(1 + i % 2):
            token = f"{os.getpid()}-{i}-{attempt}"
            pending.attempt({"sent_text": token})
            os.write(out, f"sent {token}\n".encode())
        picture = Picture(png((os.getpid() % 256, i % 256, i // 256)))
        pending.answer({"outcome": "picture"}, [picture])
        parent = pending.commit("picture").id
        os.write(out, f"step {parent} {picture.sha256}\n".encode())


def killed(folder: Path) -> None:
    """For each line of input: a new process writes on, is killed at some moment, and what it said is printed."""
    draw = random.Random(7)
    for _ in sys.stdin:
        reader, out = os.pipe()
        if (process := os.fork()) == 0:
            write_on(folder, out)
        os.close(out)
        time.sleep(draw.uniform(0.001, 0.05))
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        with os.fdopen(reader) as said:
            print(json.dumps([line.split() for line in said]), flush=True)


def rival(folder: Path, threads: str, steps: str) -> None:
    """Several threads that write as many steps each, from the moment on at which a line of input comes; all are children of step 1."""
    lineage = Lineage(folder)
    first = lineage.find(1)
    print("ready", flush=True)
    sys.stdin.readline()

    def write() -> None:
        for _ in range(int(steps)):
            record = made(lineage, parents=[first.id])
            lineage.children(first)
            os.write(1, f"{record.id}\n".encode())  # at once: print writes the line's end by itself

    running = [threading.Thread(target=write) for _ in range(int(threads))]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    children = lineage.children(first)
    assert len(children) == len({c.id for c in children})


def hold(folder: Path) -> None:
    """One step whose answer came, and which is not recorded while the process lives."""
    answered(Lineage(folder), Picture(png("red")))
    print("ready", flush=True)
    time.sleep(60)


def stop(folder: Path, moment: str) -> None:
    """One step, up to a moment at which the process ends without any clearing up."""
    lineage, pictures = Lineage(folder), [Picture(png("red")), Picture(png("green"))]
    if moment == "claimed":
        lineage.begin("edit", fields())
    elif moment == "attempted":
        lineage.begin("edit", fields()).attempt({"sent_text": "a"})
    else:
        pending = answered(lineage, *([] if moment == "answered in words" else pictures))
        written = {"one picture": 1, "half a picture": 1}.get(moment, 2 if moment in ("all pictures", "recorded") else 0)
        for picture, output in list(zip(pictures, pending.fields["outputs"], strict=False))[:written]:
            data = picture.data[:-9] if moment == "half a picture" else picture.data
            (folder / output["file"]).write_bytes(data)
        if moment == "a picture without its name":
            atomic.temporary_beside(folder / "x").write_bytes(pictures[0].data)
        if moment == "recorded":
            note = pending.claim.read_bytes()
            pending.commit("picture")
            pending.claim.write_bytes(note)
    os._exit(9)


def commits(folder: Path) -> None:
    """One step, told by what the interpreter audits of its commit: files that get their names, the folder opened, a claim removed."""
    pending = answered(Lineage(folder), Picture(png()))

    def tell(event: str, arguments: tuple[object, ...]) -> None:
        if event == "os.rename":
            print("record" if str(arguments[1]).endswith(".json") else "picture")
        elif event == "open" and str(arguments[0]) == str(folder):
            print("folder")
        elif event == "os.remove" and "/.open/" in str(arguments[0]):
            print("claim")

    sys.addaudithook(tell)
    pending.commit("picture")


def answers(folder: Path) -> None:
    """One step, told by what the interpreter audits from its answer to its record: files that get their names, and the folder opened."""
    pending = answered(Lineage(folder))

    def tell(event: str, arguments: tuple[object, ...]) -> None:
        if event == "os.rename":
            name = str(arguments[1])
            print("claim" if "/.open/" in name else "record" if name.endswith(".json") else "picture")
        elif event == "open" and str(arguments[0]) in (str(folder), str(folder / ".open")):
            print("folder")

    sys.addaudithook(tell)
    pending.answer({"outcome": "picture", "cost": None}, [Picture(png())])
    pending.commit("picture")


def forks(folder: Path) -> None:
    """Keeps an answer in memory for want of room and forks; child and parent record what is theirs, and say how many steps there are."""
    pending, before = answered(Lineage(folder)), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, before[1]))
    try:
        pending.commit("text")
    except LineageError:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    child = os.fork()
    if child:
        os.waitpid(child, 0)
    lineage = Lineage(folder)
    lineage.settle()
    print("parent" if child else "child", lineage.count(), flush=True)  # and its end would record what is left, too


def verifies(folder: Path) -> None:
    """Verifies twice: while others add steps whenever it looks, and with a record missing from its first look, as a listing may miss it."""
    lineage, others = Lineage(folder), Lineage(folder)
    before_looks: list[Callable[[], object]] = []

    def look(event: str, arguments: tuple[object, ...]) -> None:
        if before_looks and event == "os.listdir" and str(arguments[0]) == str(folder):
            (do, *rest), before_looks[:] = before_looks, []  # what is done looks itself
            do()
            before_looks[:] = rest

    def go_on() -> None:
        record = made(others)
        others.set_head(record.id)
        others.set_tag(f"step {record.number}", record.id)

    sys.addaudithook(look)
    before_looks += [go_on, go_on]
    print(lineage.verify(), len(before_looks), end=" ")
    record = made(others).path
    aside = record.rename(folder.with_name("aside"))
    before_looks += [lambda: None, lambda: aside.rename(record)]
    print(lineage.verify(), len(before_looks), flush=True)


if __name__ == "__main__":
    roles = (answers, commits, forks, hold, killed, rival, stop, verifies)
    {role.__name__: role for role in roles}[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
