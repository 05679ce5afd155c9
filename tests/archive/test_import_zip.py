"""A session brought back from a zip: merging, mending, kills on the way; and what strangers may put into such a zip."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from kit.archives import Archive, left_by_a_dead_process, read, write
from kit.loopback import png
from kit.steps import names, snapshot

from promptkit import LineageError, PromptkitWarning, Session
from promptkit.archive.import_zip import import_session, session_name
from promptkit.lineage.files import json_bytes

# Bringing back


def test_copies_that_went_apart_come_together(bear: Session) -> None:
    """Merging adds what is new under the same ids; head and tags that are there stay; doing it again changes nothing."""
    away = Session(import_session(bear.export("a.zip", all=True), "away"), endpoint="offline")
    theirs = away.edit("Add a boat", on=1)
    away.tag("for the client", theirs)
    away.tag("boat", theirs)
    ours = bear.edit("Add a cat", on=1)
    assert ours.number == theirs.number
    with pytest.warns(PromptkitWarning, match="'for the client' stays"):
        import_session(away.export("b.zip", all=True), bear.folder)
    both = Session("./bear")
    assert {ours.id, theirs.id} <= {s.id for s in both}
    assert (len(both), both.verify(), both.head) == (6, [], ours)
    assert (both.tags["for the client"].number, both.tags["boat"]) == (3, theirs)
    before = snapshot(bear.folder)
    with pytest.warns(PromptkitWarning, match="stays"):
        import_session("b.zip", bear.folder)
    assert [n for n, (_, t) in snapshot(bear.folder).items() if before[n][1] != t] == [str(bear.folder.absolute())]


def test_names_that_went_apart_come_together(bear: Session) -> None:
    """Names of the archive come along with their pictures; one that means something else here stays, as a reference or as a tag."""
    away = Session(import_session(bear.export("a.zip", all=True), "away"), endpoint="offline")
    for name in ("cat", "dog", "star", "moon"):
        away.reference(name, png("green"))
    away.tag("sun", 1)
    bear.reference("dog", png("red"))
    bear.tag("star", 1)
    bear.reference("sun", png("red"))
    with pytest.warns(PromptkitWarning) as said:
        import_session(away.export("b.zip", all=True), bear.folder)
    told = [str(warning.message) for warning in said]
    assert [next(t for t in told if f"'{name}'" in t) for name in ("dog", "star", "sun")]
    both = Session("./bear")
    assert {name: each.pictures[0].data for name, each in both.references.items()} == {
        **{name: png("green") for name in ("cat", "moon")},
        **{name: png("red") for name in ("dog", "sun")},
    }
    assert {"star"} == set(both.tags) - {"für später", "for the client"}
    assert both.verify() == []
    before = snapshot(bear.folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import_session("b.zip", bear.folder)
    assert snapshot(bear.folder).keys() == before.keys()


def test_a_name_does_not_bring_back_what_was_forgotten(bear: Session) -> None:
    """A picture from outside that went with a step which was forgotten here stays away, and so does a name that came for it."""
    bear.reference("blue", png("blue"))
    bear.export("a.zip", all=True)
    away = Session(import_session(bear.export("b.zip"), "away"), endpoint="offline")
    for path in away.folder.glob("references/*"):
        path.unlink()
    away.forget(next(s for s in away if any(source.file for source in s.record.sources)))
    with pytest.warns(PromptkitWarning, match="was forgotten here"):
        import_session("a.zip", "away")
    there = Session("./away")
    assert (there.references, [p for p in there.verify() if p.is_damage]) == ({}, [])
    assert not list(there.folder.glob("sources/*"))


def test_importing_mends_what_is_damaged(bear: Session) -> None:
    """A file that is damaged or missing in the session and whole in the archive is as it was recorded again, and said so."""
    bear.export("a.zip")
    for path in (bear[1].files[0], bear[2].record.path, *bear.folder.glob("sources/*"), *bear.folder.glob("templates/*")):
        path.write_bytes(path.read_bytes()[:-9])
    bear[3].files[0].unlink()
    assert len(Session("./bear").verify()) >= 5
    with pytest.warns(PromptkitWarning, match="4 files of bear were damaged"):
        import_session("a.zip", bear.folder)
    assert Session("./bear").verify() == []


def test_a_merge_that_fails_is_taken_back(bear: Session) -> None:
    """Where a file cannot be placed midway, those placed before it are gone again."""
    bear.export("a.zip")
    other = Session("./other", endpoint="offline")
    other.generate("an owl")
    (other.folder / "tags").write_bytes(b"a file where a folder should be")
    before = names(other.folder)
    with pytest.raises(LineageError, match="cannot be read, or unpacked"):
        import_session("a.zip", other.folder)
    assert names(other.folder) == before
    assert (len(Session("./other")), len(other)) == (1, 1)


def test_nothing_is_placed_where_damage_cannot_be_mended(bear: Session) -> None:
    """Mending comes first: where a folder stands in a damaged picture's place, the import is refused, and no step came."""
    bear.export("a.zip", all=True)
    picture = bear[1].files[0]
    for path in (picture, bear[4].record.path, *bear[4].files):
        path.unlink(missing_ok=True)
    picture.mkdir()
    before = names(bear.folder)
    with pytest.raises(LineageError, match="Is a directory; nothing was imported"):
        import_session("a.zip", bear.folder)
    assert names(bear.folder) == before


# two pictures whose hashes begin with the same ten digits, found by trying a million
SAME_NAME = (b"GIF89a\1\0\1\0\0\0\0;673724", b"GIF89a\1\0\1\0\0\0\0;700887")


def test_another_file_of_the_same_name_stays(bear: Session, tmp_path: Path) -> None:
    """Of two files whose hashes begin alike neither is damage: the one that is there stays, and the import is refused."""
    ours, theirs = SAME_NAME
    path = write(tmp_path / "a.zip", showing(theirs, ".gif")(read(bear.export("a.zip"))))
    (name,) = (n for n in read(path) if n.endswith(".gif"))
    there = bear.folder / Path(name).name
    there.write_bytes(ours)
    with pytest.raises(LineageError, match="another file of the same name"):
        import_session(path, bear.folder)
    assert (there.read_bytes(), len(Session("./bear"))) == (ours, 4)


def test_what_a_killed_import_left_is_cleared_away(bear: Session) -> None:
    """The next import to the same place removes the folder in which files were checked, beside a new session and within one."""
    bear.export("a.zip")
    left = [left_by_a_dead_process(p.absolute(), folder=True) for p in (Path("new"), bear.folder / "head")]
    import_session("a.zip", "new")
    import_session("a.zip", bear.folder)
    assert [p.exists() for p in left] == [False, False]


def test_the_same_new_session_may_be_made_twice_at_once(bear: Session) -> None:
    """Of several imports into one new folder each ends well: the first makes it, and the others find all there."""
    bear.export("a.zip", all=True)
    for i in range(4):
        together = threading.Barrier(4)

        def attempt(folder: str, together: threading.Barrier = together) -> Path:
            together.wait()
            return import_session("a.zip", folder)

        with ThreadPoolExecutor(4) as pool:
            assert len(set(pool.map(attempt, [f"new{i}"] * 4))) == 1
        assert (len(Session(f"./new{i}")), Session(f"./new{i}").verify()) == (4, [])
    assert [n for n in names(Path.cwd()) if ".tmp-" in n] == []


@pytest.mark.slow
def test_an_import_may_be_killed_at_any_moment(bear: Session) -> None:
    """A new folder is there whole or not at all; a session that was merged into is one at any moment, and the next import completes it."""
    bear.export("a.zip", all=True)
    script = "import sys; from promptkit.archive.import_zip import import_session as f; print(1, flush=True); f('a.zip', sys.argv[1])"
    draw, cut = random.Random(3), 0
    for i in range(24):
        target = Path(f"new{i}" if i % 2 else "merged")
        if target.name == "merged":
            shutil.rmtree(target, ignore_errors=True)
            Session("./merged", endpoint="offline").generate("an owl")
        with subprocess.Popen([sys.executable, "-c", script, target], stdout=subprocess.PIPE) as process:
            assert process.stdout
            process.stdout.readline()
            time.sleep(draw.uniform(0, 0.05))
            process.kill()
        found = Session(f"./{target}")
        assert [p for p in found.verify() if p.step is not None and "has no record" not in p.message] == []  # pictures come first
        cut += len(found) not in (4, 5)
        assert target.name == "merged" or len(found) in (0, 4)
        import_session("a.zip", target)
        assert Session(f"./{target}").verify() == []
    assert cut > 3
    assert [n for n in names(Path.cwd()) if ".tmp-" in n] == []


def test_a_session_goes_into_an_empty_folder_and_beside_hidden_files(bear: Session) -> None:
    """An empty folder, and one that holds only what is hidden (a new git repository), become the session; another one is refused."""
    bear.export("a.zip")
    for name in ("empty", "repository", "full"):
        Path(name).mkdir()
    Path("repository/.git").mkdir()
    Path("full/notes.txt").write_text("mine")
    for name in ("empty", "repository"):
        assert (len(Session(import_session("a.zip", name))), Session(f"./{name}").verify()) == (3, [])
    with pytest.raises(LineageError, match="not empty"):
        import_session("a.zip", "full")
    assert names(Path("full")) == ["notes.txt"]


def test_an_empty_folder_stays_the_one_that_it_is(bear: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session may come into the current folder, which is not exchanged for another, and through a link."""
    path = bear.export("a.zip").absolute()
    for name in ("here", "real"):
        Path(name).mkdir()
    Path("link").symlink_to("real")
    assert Session(import_session(path, "link")).verify() == []
    monkeypatch.chdir("here")
    import_session(path, ".")
    assert os.getcwd() == str(path.parent / "here")  # noqa: PTH109
    assert [len(Session(p)) for p in (Path.cwd(), path.parent / "real")] == [3, 3]


def test_an_empty_folder_stays_empty_where_nothing_can_be_imported(bear: Session) -> None:
    """Where the folder cannot be made a session, what was made of it so far is gone again."""
    bear.export("a.zip")
    Path("there/.gitignore").mkdir(parents=True)
    with pytest.raises(LineageError, match="cannot be made"):
        import_session("a.zip", "there")
    assert names(Path("there")) == [".gitignore"]


@pytest.mark.parametrize("name", ["小猪", "हिंदी भालू", "a name with spaces", "v1.2", "a:b"])
def test_a_session_keeps_its_name(name: str) -> None:
    """The archive knows the session's name, in any script; what some systems do not take in a name becomes _."""
    session = Session(f"./{name}", endpoint="offline")
    session.generate("a bear")
    path = session.export("a.zip")
    assert session_name(path) == name.replace(":", "_")
    assert session_name(session.export("b.zip", strip=True)) == "stripped"
    assert Session(import_session(path, session_name(path))).verify() == []


NO_NAMES_ON_WINDOWS = {
    "CON": "CON_",
    "aux.v2": "aux_.v2",
    "nul.tar.gz": "nul_.tar.gz",
    "Lpt9": "Lpt9_",
    "com¹.x": "com¹_.x",
    "prn .a": "prn _.a",
    "conin$": "conin$_",
    "bear. ": "bear",
    'a"b<c>d|e?f*g': "a_b_c_d_e_f_g",
    "console": "console",
    "com10": "com10",
    "my.con": "my.con",
    "cafe\u0301": "caf\xe9",
}


@pytest.mark.parametrize("name", NO_NAMES_ON_WINDOWS)
def test_a_name_that_windows_cannot_have_is_mended(name: str) -> None:
    """Devices, a dot or blank at the end, and signs that Windows does not take become a name that any system has, in the archive too."""
    session = Session(f"./{name}", endpoint="offline")
    session.generate("a bear")
    path = session.export("archive.zip")
    assert session_name(path) == NO_NAMES_ON_WINDOWS[name]
    with zipfile.ZipFile(path) as zipped:
        assert {inner.partition("/")[0] for inner in zipped.namelist()} == {NO_NAMES_ON_WINDOWS[name]}
    assert Session(import_session(path, f"./again/{session_name(path)}")).verify() == []


def test_an_archive_of_earlier_with_such_a_name_comes_in() -> None:
    """An archive whose folder is a device's name, as earlier releases wrote them, is imported by the mended one."""
    session = Session("./bear", endpoint="offline")
    session.generate("a bear")
    with zipfile.ZipFile(session.export("a.zip")) as old, zipfile.ZipFile("b.zip", "w") as new:
        for inner in old.namelist():
            new.writestr(inner.replace("bear/", "aux/", 1), old.read(inner))
    assert session_name("b.zip") == "aux_"
    assert Session(import_session("b.zip", "./aux_")).verify() == []


# From strangers


def forged(contents: Archive, **changes: Any) -> Archive:
    """The archive with step 2's record changed and named by its new hash, as somebody who knows the format would."""
    (name,) = (n for n in contents if n.startswith("bear/0002-") and n.endswith(".json"))
    fields = json.loads(contents[name])
    data = json_bytes({**fields, **{k: v(fields) if callable(v) else v for k, v in changes.items()}})
    number = changes.get("number", 2)
    new = f"bear/{number:04}-generate-{hashlib.sha256(data).hexdigest()[:10]}.json"
    return {**{n: d for n, d in contents.items() if n != name}, new: data}


def showing(data: bytes, suffix: str) -> Callable[[Archive], Archive]:
    """Step 2 with that file in the place of its picture, under the right hashes."""
    sha256 = hashlib.sha256(data).hexdigest()
    name = f"0002-generate-{sha256[:10]}{suffix}"

    def forge(contents: Archive) -> Archive:
        picture = next(n for n in contents if n.startswith("bear/0002-") and n.endswith(".png"))
        output = {"file": name, "sha256": sha256, "mime_type": "image/png", "bytes": len(data), "size": None}
        made = forged({n: d for n, d in contents.items() if n != picture}, outputs=[output])
        return {**made, f"bear/{name}": data}

    return forge


def adding(name: str, data: bytes = b"<script>alert(1)</script>") -> Callable[[Archive], Archive]:
    return lambda contents: {**contents, name: data}


def leading(where: str) -> Callable[[Archive], Archive]:
    return lambda contents: forged(contents, outputs=lambda fields: [{**fields["outputs"][0], "file": where}])


def costing(usd: float) -> Callable[[Archive], Archive]:
    return lambda contents: forged(contents, attempts=lambda fields: [{**fields["attempts"][0], "cost": {"usd": usd}}])


def typed(mime_type: str) -> Callable[[Archive], Archive]:
    return lambda contents: forged(contents, outputs=lambda fields: [{**fields["outputs"][0], "mime_type": mime_type}])


ID = "ab" * 32


def named(leads: dict[str, str], name: str = "a") -> Callable[[Archive], Archive]:
    """A reference in the file of the name `a`, to one picture."""
    fields = {"name": name, "pictures": [{"sha256": ID, "mime_type": "image/png", **leads}]}
    return adding("bear/references/a-ca978112.json", json.dumps(fields).encode())


HOSTILE: dict[str, tuple[Callable[[Archive], Archive], str]] = {
    "up": (adding("../evil.png"), "'../evil.png'"),
    "up from inside": (adding("bear/../../evil.png"), "evil.png"),
    "up with backslashes": (adding("bear\\..\\evil.png"), "evil.png"),
    "absolute": (adding("/tmp/evil.png"), "'/tmp/evil.png'"),
    "beside": (adding("evil/0001-a-0123456789.png"), "'evil/0001"),
    "a page": (adding("bear/page.html"), "'bear/page.html'"),
    "a program": (adding("bear/0001-edit-0123456789.exe"), r"0123456789.exe'"),
    "a hidden file beside": (adding(".bashrc"), ".bashrc"),
    "a hidden file outside": (adding("bear/../.bashrc"), ".bashrc"),
    "a folder of its own": (adding("bear/hooks/post-checkout"), "hooks"),
    "a picture of nobody's": (adding("bear/0009-edit-0123456789.png", png()), "belongs to no step"),
    "a source of nobody's": (adding(f"bear/sources/{hashlib.sha256(png('pink')).hexdigest()}.png", png("pink")), "belongs to no step"),
    "a turn of nobody's": (adding(f"bear/extra/{ID}"), "belongs to no step"),
    "a tag of nobody's": (adding("bear/tags/a-ca978112.json", json.dumps({"name": "a", "id": ID}).encode()), "is no tag"),
    "a tag by another name": (adding("bear/tags/a-01234567.json", json.dumps({"name": "b", "id": ID}).encode()), "is no tag"),
    "a reference to nobody": (named({"step": ID}), "is no reference to pictures"),
    "a reference to a file of nobody's": (named({"file": f"sources/{ID}.png"}), "is no reference to pictures"),
    "a reference that leads outside": (named({"file": "../../.bashrc"}), "is no reference to pictures"),
    "a reference to nothing": (adding("bear/references/a-ca978112.json", b'{"name": "a", "pictures": []}'), "is no reference to pictures"),
    "a reference by another name": (named({"file": f"sources/{ID}.png"}, "b"), "is no reference to pictures"),
    "a head of nobody's": (adding("bear/head", f"{ID}\n".encode()), "names a step"),
    "twice": (adding("bear/HEAD", b""), "no file that a session has"),
    "twice in another case": (lambda c: {**c, **{n.replace("-generate-", "-Generate-"): d for n, d in c.items()}}, "is in it twice"),
    "a page as a picture": (showing(b"<html><script>alert(1)</script></html>", ".png"), "is no picture"),
    "a program as a picture": (showing(b"\x7fELF" + bytes(60), ".img"), "is no picture"),
    "a picture as another": (showing(png(), ".jpg"), "is no picture of the type"),
    "leading outside": (leading("../../.bashrc"), "names what no record does"),
    "leading to the marker": (leading("promptkit.json"), "names what no record does"),
    "room in the budget": (costing(-100.0), "evil.zip holds 'bear/0002-generate"),
    "no number": (costing(float("nan")), "evil.zip holds 'bear/0002-generate"),
    "endless": (costing(float("inf")), "evil.zip holds 'bear/0002-generate"),
    "more than there is": (costing(10**400), "evil.zip holds 'bear/0002-generate"),
    "the last number": (lambda c: forged(c, number=10**9), "names what no record does"),
    "a number before the first": (lambda c: forged(c, number=0), "names what no record does"),
    "a page by its type": (typed("text/html"), "names what no record does"),
    "a parent that is a path": (lambda c: forged(c, parents=["../../etc"]), "names what no record does"),
    "a deep record": (adding("bear/0009-edit-0123456789.json", b"[" * 200_000), "cannot be read as a record"),
    "a changed record": (
        lambda c: {n: d.replace(b"lamp", b"LAMP") if n.startswith("bear/0002") else d for n, d in c.items()},
        "was changed",
    ),
    "a changed picture": (
        lambda c: {n: d[:-1] + b"x" if n.startswith("bear/0003") and n.endswith("png") else d for n, d in c.items()},
        "is not what its step recorded",
    ),
    "no marker": (lambda c: {n: d for n, d in c.items() if "promptkit" not in n}, "no promptkit.json"),
    "no layout": (adding("bear/promptkit.json", b'{"layout": "one"}'), "is none of a session"),
    "nothing": (lambda _: {}, "no promptkit.json"),
    "a deep folder": (lambda c: {f"x/{n}": d for n, d in c.items()}, "no promptkit.json"),
    "a folder named ..": (lambda c: {f"../{n.partition('/')[2]}": d for n, d in c.items()}, "no file of a session's folder"),
}


@pytest.mark.parametrize("attack", HOSTILE)
def test_what_does_not_belong_is_refused_by_name(bear: Session, tmp_path: Path, attack: str) -> None:
    """Whatever is smuggled into an archive is named, and nothing is placed, neither in a new folder nor in a session that is there."""
    forge, said = HOSTILE[attack]
    path = write(tmp_path / "evil.zip", forge(read(bear.export("a.zip"))))
    mine = Session("./mine", endpoint="offline")
    mine.generate("an owl")
    before, around = snapshot(mine.folder), names(tmp_path)
    for folder in ("new/deep", mine.folder):
        with pytest.raises(LineageError, match=said) as caught:
            import_session(path, folder)
        assert caught.value.path == path
    assert names(tmp_path) == around
    assert {k: v for k, v in snapshot(mine.folder).items() if Path(k).is_file()}.items() <= before.items()


def test_links_and_doubled_names_are_refused(bear: Session, tmp_path: Path) -> None:
    """A link is no file, and a name can be in an archive only once, in whatever case."""
    contents = read(bear.export("a.zip"))
    tag = next(n for n in contents if "/tags/" in n)
    link = zipfile.ZipInfo("bear/0009-edit-0123456789.png")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    for entry, said in ((link, "is a link"), (tag, "twice"), ("bear/SOURCES/", "no file")):
        path = write(tmp_path / "evil.zip", contents)
        with zipfile.ZipFile(path, "a") as zipped, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            zipped.writestr(entry, "" if isinstance(entry, str) and entry.endswith("/") else "/etc/passwd")
        with pytest.raises(LineageError, match=said):
            import_session(path, "other")
    assert not Path("other").exists()


def test_bombs_do_not_go_off(bear: Session, tmp_path: Path) -> None:
    """What would unpack to more than is allowed, or than pictures do, is refused before it is unpacked; one may allow more."""
    contents = read(bear.export("a.zip"))
    zeros = write(tmp_path / "zeros.zip", {**contents, "bear/0009-edit-0123456789.bmp": bytes(70 << 20)}, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(LineageError, match="100 times its size"):
        import_session(zeros, "other")
    turn = write(tmp_path / "turn.zip", {**contents, f"bear/extra/{ID}": bytes(65 << 20)}, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(LineageError, match="more than the 67,108,864"):
        import_session(turn, "other")
    size = sum(map(len, contents.values()))
    with pytest.raises(LineageError, match="more than the 1,000 that are allowed"):
        import_session("a.zip", "other", limit=1000)
    assert not Path("other").exists()
    assert [n for n in names(Path.cwd()) if ".tmp-" in n] == []
    assert len(Session(import_session("a.zip", "other", limit=size))) == 3


@pytest.mark.parametrize("packed", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_bomb_in_the_marker_does_not_go_off(bear: Session, tmp_path: Path, packed: int) -> None:
    """The marker is read before all else, and no further than a marker goes, whatever size was declared and however it was packed."""
    marker = b'{"layout": 1}' + b" " * (64 << 20)
    path = write(tmp_path / "bomb.zip", {"bear/promptkit.json": marker}, compression=packed)
    data, size = path.read_bytes(), len(marker).to_bytes(4, "little")
    assert data.count(size) == 2
    path.write_bytes(data.replace(size, (13).to_bytes(4, "little")))
    tracemalloc.start()
    for read_it in (session_name, lambda p: import_session(p, "other")):
        with pytest.raises(LineageError, match=r"packed in a way|damaged one|is none of a session"):
            read_it(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


def test_a_size_that_is_a_lie_is_found_out(bear: Session, tmp_path: Path) -> None:
    """An archive that declares less than it holds is refused, and no more than it declared is written."""
    contents = read(bear.export("a.zip"))
    contents["bear/head"] += b"\n" * 5_000_000
    packed = write(tmp_path / "lie.zip", contents, compression=zipfile.ZIP_DEFLATED)
    data = packed.read_bytes()
    true = len(contents["bear/head"]).to_bytes(4, "little")
    assert data.count(true) == 2
    packed.write_bytes(data.replace(true, (100).to_bytes(4, "little")))
    with pytest.raises(LineageError, match="nothing was imported"):
        import_session(packed, "other")
    assert not Path("other").exists()


def test_a_damaged_archive_is_an_error_wherever_it_is_damaged(bear: Session) -> None:
    """Cut anywhere, or with any byte changed, an archive brings the same session or an error, and nothing of zipfile's escapes."""
    data = bear.export("a.zip").read_bytes()
    ids = {s.id for s in bear if s.number != 4}
    draw = random.Random(5)
    ends = [len(data) - draw.randrange(3000) for _ in range(60)]
    for i in range(120):
        broken = bytearray(data)
        if i % 2:
            broken[ends[i // 2] - 1] ^= 1 << draw.randrange(8)
        else:
            del broken[ends[i // 2] - 1 :]
        Path("broken.zip").write_bytes(broken)
        try:
            found = Session(import_session("broken.zip", "other"))
        except LineageError:
            assert not Path("other").exists()
        else:
            assert ({s.id for s in found}, found.verify()) == (ids, [])
            shutil.rmtree("other")


@pytest.mark.parametrize("what", ["missing", "a folder", "a text", "bzip2", "lzma", "a name that no file has"])
def test_what_is_no_archive_says_so(bear: Session, what: str) -> None:
    """A file that is not there or no zip, or is packed otherwise, is a LineageError that names it."""
    contents = read(bear.export("a.zip"))
    Path("a folder").mkdir()
    Path("a text").write_text("PK, hello")
    write(Path("bzip2"), contents, compression=zipfile.ZIP_BZIP2)
    lzma = bytearray(write(Path("lzma"), contents, compression=zipfile.ZIP_LZMA).read_bytes())
    lzma[lzma.index(b"bear/promptkit.json") + 23] = 0xFF  # where the marker says how it was packed
    Path("lzma").write_bytes(lzma)
    path = "a\0b" if "name" in what else what
    with pytest.raises(LineageError):
        import_session(path, "other")
    with pytest.raises(LineageError):
        session_name(path)
    assert not Path("other").exists()


def test_a_newer_one_is_refused_with_both_versions(bear: Session) -> None:
    """A later layout, whatever files it may have, and a later record name their version and the one that is known here."""
    contents = read(bear.export("a.zip"))
    layout = write(Path("layout.zip"), {**contents, "bear/promptkit.json": b'{"layout": 2}', "bear/new/thing": b""})
    record = write(Path("record.zip"), forged(contents, schema="2.0"))
    for path, said in ((layout, "has layout 2, and this promptkit knows 1"), (record, "has schema 2.0, and this promptkit knows 1.1")):
        with pytest.raises(LineageError, match=said) as caught:
            import_session(path, "other")
        assert caught.value.newer
    assert not Path("other").exists()


def test_a_session_zipped_by_hand_comes_in(bear: Session) -> None:
    """Any zip program's archive of the folder will do, compressed and with its folders in it."""
    shutil.make_archive("by-hand", "zip", ".", "bear")
    assert "bear/tags/" in zipfile.ZipFile("by-hand.zip").namelist()
    again = Session(import_session("by-hand.zip", "other"))
    assert (list(again), again.verify(), again.head) == (list(bear), [], bear.head)


def test_what_zip_programs_and_systems_add_is_passed_over(bear: Session, tmp_path: Path) -> None:
    """A Mac's second folder, and what is hidden in the session's own, are no harm: they are neither refused nor unpacked."""
    hidden = (".DS_Store", ".open-0004.json", ".tmp-x", ".git/hooks/post-checkout", "sources/.DS_Store")
    added = {"__MACOSX/._bear": b"x", "__MACOSX/bear/._head": b"x", **{f"bear/{n}": b"#!/bin/sh" for n in hidden}}
    path = write(tmp_path / "mac.zip", {**added, **read(bear.export("a.zip", all=True))})
    again = Session(import_session(path, "other"))
    assert names(again.folder) == [n for n in names(bear.folder) if not n.startswith(".open")]
    assert (session_name(path), again.verify()) == ("bear", [])
