"""What promptkit adds: `python tests/bench.py` measures it beside the same work written by hand, in one run, and prints ratios.

Two programs edit one picture of 2 MB forty times against a server on loopback: promptkit, and a script of http.client, json, base64 and
one fsynced file for each edit. They run in turn, each in a process of its own; the medians are compared. What the commands take to start
is compared with the bare interpreter, and what a notebook imports with google.genai, where that is installed; what measuring a trail takes,
with the decoding of its pictures. Last, one edit after ten thousand steps is compared with one after ten, in an open process and in the
shell; `python tests/bench.py growth` measures that alone. Looking at a hundred pictures, in cards and on a sheet, is compared with decoding
them one after another (`python tests/bench.py looking`). `python tests/bench.py runs` measures runs over tables: planning, a second run,
memory, and chains at a server that takes its time.
"""

from __future__ import annotations

import base64
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
import warnings
import zlib
from collections.abc import Callable, Sequence
from http.client import HTTPConnection
from importlib.util import find_spec
from pathlib import Path

EDITS, PAIRS, STARTS = 40, 5, 15
SHORT, LONG = 10, 10_000  # steps
FEW, MANY = 100, 10_000  # rows
CHAINS, STEPS, WORKERS, ANSWER = 64, 10, 16, 0.2  # chains of so many steps, and seconds that the server takes for each answer
SMALL = 100  # pixels of a side: a picture of 30 kB
LOOKED_AT = 100  # pictures


def picture(side: int = 816) -> bytes:
    """A PNG of 2 MB that holds noise, as photographs do; of another size with another side, in pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    noise = random.Random(1)
    rows = b"".join(b"\0" + noise.randbytes(side * 3) for _ in range(side))
    head = side.to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def serve(seconds: float = 0.0, side: int = 816) -> None:
    from kit.loopback import picture_reply, serving

    reply = picture_reply(picture(side))
    with serving() as loopback:
        loopback.always = lambda received: (time.sleep(seconds), reply)[1]
        print(loopback.url, flush=True)
        sys.stdin.read()


def ours(url: str, folder: Path, edits: int) -> None:
    from promptkit import Session

    session = Session(folder / "chain", endpoint=url)
    step = session.add(picture())
    for i in range(edits):
        step = step.edit(f"edit {i}")


def by_hand(url: str, folder: Path, edits: int) -> None:
    connection = HTTPConnection(url.removeprefix("http://"))
    data = picture()
    for i in range(edits):
        part = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(data).decode()}}
        turn = {"role": "user", "parts": [{"text": f"edit {i}"}, part]}
        body = json.dumps({"contents": [turn], "generationConfig": {"responseModalities": ["TEXT", "IMAGE"]}})
        connection.request("POST", "/v1beta/models/m:generateContent", body, {"Content-Type": "application/json"})
        reply = json.loads(connection.getresponse().read())
        data = base64.b64decode(reply["candidates"][0]["content"]["parts"][1]["inlineData"]["data"])
        with (folder / f"{i}.png").open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())


def measured(who: str, url: str) -> tuple[float, float, float]:
    """Processor seconds for one edit (those of a run with one edit subtracted), for the whole program, and its peak megabytes."""

    def run(edits: int) -> tuple[float, float]:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, who, url, folder, str(edits)]
            seconds, megabytes = map(float, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
        return seconds, megabytes

    (short, _), (long, megabytes) = run(1), run(EDITS + 1)
    return (long - short) / EDITS, long, megabytes


def compare_edits() -> None:
    with subprocess.Popen([sys.executable, __file__, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        runs = [(measured("ours", url), measured("by_hand", url)) for _ in range(PAIRS)]
        server.terminate()
    for i, name in enumerate(("one edit of 2 MB, processor seconds", f"{EDITS} edits with start-up, processor seconds", "peak megabytes")):
        a, b = (statistics.median(run[who][i] for run in runs) for who in (0, 1))
        print(f"{name}: promptkit {a:.3f}, by hand {b:.3f}, ratio {a / b:.2f}")


def compare_start() -> None:
    """Processor time of whole processes, in turn with the bare interpreter, so that a busy machine slows both."""
    for what, command in (
        ("import promptkit", ["-c", "import promptkit"]),
        ("promptkit --help", ["-m", "promptkit", "--help"]),
        ("promptkit templates", ["-m", "promptkit", "templates"]),
    ):
        ours, bare = _paired(command, ["-c", "pass"])
        print(f"{what}: {1000 * (ours - bare):.0f} ms over the bare interpreter, {1000 * bare:.0f} ms")
    if find_spec("google") and find_spec("google.genai"):
        ours, theirs = _paired(["-c", "from promptkit import Session, templates"], ["-c", "import google.genai"])
        said = f"{1000 * ours:.0f} ms, import google.genai {1000 * theirs:.0f}, ratio {ours / theirs:.2f}"
        print(f"from promptkit import Session, templates: {said}")


def _paired(*commands: Sequence[str]) -> list[float]:
    """Processor seconds that the interpreter takes for each of the commands: the medians of runs that take turns."""

    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    def seconds(command: Sequence[str]) -> float:
        before = spent()
        subprocess.run([sys.executable, *command], check=True, capture_output=True)
        return spent() - before

    runs = [list(map(seconds, commands)) for _ in range(STARTS)]
    return list(map(statistics.median, zip(*runs, strict=True)))


def compare_rendering() -> None:
    """The same text: a template that is held, and one that is looked up for each rendering, so that a changed file is seen."""
    from jinja2 import FileSystemLoader
    from jinja2.sandbox import SandboxedEnvironment

    from promptkit import templates

    template = templates.sticker
    inputs = {"subject": "happy bear", "characteristics": "big round eyes"}
    body = (
        "A {{style}} sticker of a {{subject}}, featuring {{characteristics}} and a {{palette}}. "
        "The design should have {{line_style}} and {{shading_style}}. The background must be white."
    )
    values = {k: v.default for k, v in template.inputs.items()} | inputs
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "sticker.j2").write_text(body)
        environment = SandboxedEnvironment(loader=FileSystemLoader(folder))
        bare = environment.get_template("sticker.j2")
        assert bare.render(values) == str(template(**inputs))
        _compare("rendering a template that is held", lambda: template(**inputs), lambda: bare.render(values))
        fresh = environment.get_template
        _compare("looking it up, too", lambda: templates.sticker(**inputs), lambda: fresh("sticker.j2").render(values))


def _compare(what: str, own: Callable[[], object], theirs: Callable[[], object]) -> None:
    ours, others = (min(timeit.repeat(f, number=3000, repeat=7)) / 3000 for f in (own, theirs))
    print(f"{what}: {1 / ours:,.0f} a second, bare sandboxed jinja2 {1 / others:,.0f}, ratio {others / ours:.2f}")


def compare_drift() -> None:
    """A trail measured for the first time and again, beside the decoding of its pictures; drafts, which are decoded fast."""
    from promptkit import Session
    from promptkit.session.measure_cache import cache_path

    with tempfile.TemporaryDirectory() as folder:
        os.environ["PROMPTKIT_HOME"] = folder  # no cache of the user's own
        session = Session(Path(folder, "trail"), endpoint="offline")
        step = session.generate("a red fox in the snow")
        for what in ("a hat", "a scarf", "a tree", "a ball", "a boat"):
            step = step.edit(f"Add {what}")

        def anew() -> object:
            cache_path().unlink(missing_ok=True)
            return session.drift()

        session.drift()
        decoding = _seconds(lambda: [s.picture.image for s in session.trail()])
        first, again = _seconds(anew), _seconds(session.drift)
        said = f"{first / decoding:.2f} times the decoding of its pictures, again 1/{decoding / again:.0f} of it"
        print(f"drift of {len(session)} steps: {1000 * first:.0f} ms, {said}")


def _seconds(done: Callable[[], object]) -> float:
    """Processor seconds, the least of some runs."""
    return min(timeit.repeat(done, timer=time.process_time, number=1, repeat=PAIRS))


def compare_growth() -> None:
    """One edit of a small picture in a short session and in a long one, in turn, each in a process of its own."""
    from kit.grown import grow

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):  # that a picture is the same as before
        sessions = [Path(folder, str(steps)) for steps in (SHORT, LONG)]
        for session, steps in zip(sessions, (SHORT, LONG), strict=True):
            grow(session, steps)
        for budget in ("", "with a budget"):
            runs = [[_grown_edits(session, budget) for session in sessions] for _ in range(PAIRS)]
            (short, small), (long, large) = (map(statistics.median, zip(*(run[i] for run in runs), strict=True)) for i in (0, 1))
            said = f"{1000 * short:.1f} ms after {SHORT:,} steps, {1000 * long:.1f} after {LONG:,}, ratio {long / short:.2f}"
            print(f"one edit in an open process{budget and f', {budget}'}: {said}")
            print(f"memory for a step that is on disk{budget and f', {budget}'}: {1000 * (large - small) / (LONG - SHORT):.2f} kB")
        edit = ["-W", "ignore", "-m", "promptkit", "edit", "--fresh", "a hat", "--endpoint", "offline", "-s"]
        short, long = _paired(*([*edit, str(session)] for session in sessions))
        print(f"promptkit edit: {1000 * short:.0f} ms after {SHORT:,} steps, {1000 * (long - short):.0f} ms more after {LONG:,}")


def _grown_edits(session: Path, budget: str) -> tuple[float, float]:
    """Processor seconds for one edit in a process that makes some, and the process's megabytes."""
    command = [sys.executable, "-m", "kit.grown", "edits", str(session), str(EDITS), budget]
    said = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parent).stdout.split()
    return float(said[0]), float(said[1])


# Runs over tables


def table_of(count: int, folder: Path) -> Path:
    path = folder / f"{count}.csv"
    lines = (f"animal {number},fox number {number},retro,a hat\n" for number in range(count))
    path.write_text("label,subject,style,characteristics\n" + "".join(lines))
    return path


def rows_of(count: int) -> None:
    """Plans so many rows, carries them out in this process, and runs them again; prints seconds and megabytes."""
    from kit.loopback import picture_reply, png

    from promptkit import FunctionTransport, run, templates

    reply = picture_reply(png())
    with tempfile.TemporaryDirectory() as name:
        folder, transport = Path(name), FunctionTransport(lambda path, body: reply)
        what = (templates.sticker, table_of(count, folder), folder / "run")
        spent = []
        for dry in (True, False, False):
            begun = time.process_time()
            run(*what, transport=transport, dry_run=dry)
            spent.append(time.process_time() - begun)
    print(*spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def chains_of(url: str) -> None:
    """Carries chains out at a server that takes its time; prints seconds by the wall clock."""
    from promptkit import Endpoint, Template, run

    first, edit = Template.from_brackets("A [subject]"), Template.from_brackets("Add a [subject]", kind="edit", name="edit")
    there = Endpoint("there", url, auth="none", key_env=(), key_required=False)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
        rows = [{"subject": f"fox {number}"} for number in range(CHAINS)]
        begun = time.monotonic()
        run([first, *[edit] * (STEPS - 1)], rows, Path(folder, "run"), endpoint=there, workers=WORKERS)
        print(time.monotonic() - begun)


def compare_runs() -> None:
    few, many = ([float(word) for word in _output("rows", str(count)).split()] for count in (FEW, MANY))
    names = ("planning", "carrying out", "a second run that finds all there")
    for name, seconds in zip(names, many[:3], strict=True):
        print(f"{MANY:,} rows, {name}: {seconds:.1f} processor seconds")
    print(f"peak megabytes: {few[3]:.0f} for {FEW} rows, {many[3]:.0f} for {MANY:,}, ratio {many[3] / few[3]:.2f}")
    with subprocess.Popen([sys.executable, __file__, "serve-slowly"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        seconds = float(_output("chains", server.stdout.readline().strip()))
        server.terminate()
    ideal = CHAINS / WORKERS * STEPS * ANSWER
    said = f"{CHAINS} chains of {STEPS} at a server that takes {ANSWER} s, {WORKERS} at once"
    print(f"{said}: {seconds:.2f} s, ideal {ideal:.2f}, ratio {seconds / ideal:.2f}")


def _output(*words: str) -> str:
    return subprocess.run([sys.executable, __file__, *words], check=True, stdout=subprocess.PIPE, text=True).stdout


# Looking


def compare_looking() -> None:
    """Wall time: a hundred PNGs of 2 MB decoded one after another, shown as thumbnails, shown again, drawn on a sheet; and one JPEG."""
    from kit.pictures import encoded, scene

    from promptkit import Picture
    from promptkit.images.thumbnails import make_thumbnails
    from promptkit.views.lettering import Lettering
    from promptkit.views.sheet_layout import Cell, in_rows
    from promptkit.views.sheets import sheet_of

    made = [encoded(scene().rotate(90 * i), compress_level=6).data for i in range(4)]

    def pictures() -> list[Picture]:
        """As records describe them: nothing of them is in memory but their names."""
        described = {"mime_type": "image/png", "size": (1024, 1024)}
        return [Picture.recorded(lambda i=i: made[i % 4], sha256=f"{i:064x}", **described) for i in range(LOOKED_AT)]

    with tempfile.TemporaryDirectory() as home:
        os.environ["PROMPTKIT_HOME"] = home
        decoding = _seconds(lambda: [picture.image for picture in pictures()])
        layout = in_rows([Cell(picture, "12 a fox in the snow") for picture in pictures()])
        for what, look in (
            ("shown in a tree", lambda: make_thumbnails(pictures(), 160)),
            ("shown again", lambda: make_thumbnails(pictures(), 160)),
            ("on a contact sheet", lambda: sheet_of(layout, Lettering(14))),
        ):
            took = _seconds(look)
            said = f"{took:.2f} s, decoded one after another {decoding:.2f}, ratio {took / decoding:.3f}"
            print(f"{LOOKED_AT} PNGs of {len(made[0]) / 1e6:.1f} MB {what}: {said}")
        jpeg = encoded(scene((4000, 3000)), "JPEG", quality=85)
        print(f"a JPEG of 12 megapixels, {len(jpeg.data) / 1e6:.1f} MB, in a tree: {1000 * _seconds(lambda: jpeg.thumbnail(160)):.0f} ms")


def _seconds(work: Callable[[], object]) -> float:
    return timeit.timeit(work, number=1)


def main(who: str = "", url: str = "", folder: str = "", edits: str = "") -> None:
    if who.startswith("serve"):
        serve(*([ANSWER, SMALL] if who == "serve-slowly" else []))
    elif who == "runs":
        compare_runs()
    elif who == "rows":
        rows_of(int(url))
    elif who == "chains":
        chains_of(url)
    elif who == "growth":
        compare_growth()
    elif who == "looking":
        compare_looking()
    elif who:
        {"ours": ours, "by_hand": by_hand}[who](url, Path(folder), int(edits))
        usage = resource.getrusage(resource.RUSAGE_SELF)
        print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
    else:
        compare_start()
        compare_rendering()
        compare_drift()
        compare_edits()
        compare_growth()
        compare_runs()
        compare_looking()


if __name__ == "__main__":
    main(*sys.argv[1:])
