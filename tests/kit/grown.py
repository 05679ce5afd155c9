"""Sessions of many steps, as long use leaves them, and what one more edit costs there: python -m kit.grown WHAT FOLDER …"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

from kit.loopback import picture_reply, png
from promptkit import FunctionTransport, Session

REPLY = picture_reply(png())


def opened(folder: Path, budget: str = "") -> Session:
    """A session that is answered at once; the service has a price."""
    transport = FunctionTransport(lambda path, body: REPLY)
    return Session(folder, endpoint="google", api_key="a-key-of-nobody", transport=transport, budget=1e6 if budget else None)


def grow(folder: Path, steps: int) -> None:
    """Makes a session that is one chain of so many steps, each with records of its own that differ as those of edits do."""
    session = opened(folder)
    last = session.add(png("blue")).edit("edit 0").record
    fields, picture = json.loads(last.path.read_bytes()), last.picture.data
    parent = last.id
    for number in range(3, steps + 1):
        fields |= {"number": number, "parents": [parent], "recipe": f"r1:{hashlib.sha256(str(number).encode()).hexdigest()}"}
        fields["sources"][0]["step"] = parent
        fields["outputs"][0]["file"] = f"{number:04}-edit-{fields['outputs'][0]['sha256'][:10]}.png"
        data = json.dumps(fields, ensure_ascii=False, indent=1).encode()
        parent = hashlib.sha256(data).hexdigest()
        (folder / fields["outputs"][0]["file"]).write_bytes(picture)
        (folder / f"{number:04}-edit-{parent[:10]}.json").write_bytes(data)
    (folder / "head").write_text(f"{parent}\n")
    Session(folder)  # sees what was written past the one above
    opened(folder).edit("the last")  # and this writes the journal


def edits(folder: Path, count: str, budget: str = "") -> None:
    """Prints the processor seconds of one of so many edits in this process, and its megabytes at the end."""
    session = opened(folder, budget)
    session.edit(f"the first of {os.getpid()}")
    before = time.process_time()
    for i in range(int(count)):
        session.edit(f"edit {i} of {os.getpid()}")
    print((time.process_time() - before) / int(count), megabytes())


def megabytes() -> float:
    """This process's at most; what the system counts at its end may be those of who started it."""
    try:
        said = Path("/proc/self/status").read_text().partition("VmHWM:")[2]
        return int(said.split()[0]) / 1024
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def works(folder: Path, count: str, budget: str = "") -> None:
    """Prints how much the first edit in this process does in the folder, and so many later ones: files opened, names changed, listings (of
    the session's folder, and others), and of the later ones the bytes that were read, where the system tells.
    """
    done: Counter[str] = Counter()

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event in ("open", "os.listdir", "os.scandir", "os.rename") and str(arguments[0]).startswith(str(folder)):
            done["the folder listed" if event == "os.listdir" and str(arguments[0]) == str(folder) else event] += 1

    sys.addaudithook(watch)
    session = opened(folder, budget)
    session.edit(f"the first of {os.getpid()}")
    first = dict(done)
    done.clear()
    before = bytes_read()
    for i in range(int(count)):
        session.edit(f"edit {i} of {os.getpid()}")
    print(json.dumps([first, dict(done), bytes_read() - before], sort_keys=True))


def bytes_read() -> int:
    """By this process, so far; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/io").read_text().split()[1])
    except OSError:
        return 0


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # that a picture is the same as before
    {role.__name__: role for role in (edits, works)}[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
