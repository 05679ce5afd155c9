"""What stands in place of a file in a session's folder and is none: pipes, devices, links, giants, and JSON that nobody can walk.

Each of them is named, holds nobody up, and is not read. What a file says that is one is in test_damage.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from kit.loopback import png
from kit.steps import fields, made, red

from promptkit import LineageError, Session, find, import_session, sessions, which
from promptkit.images.picture import Picture
from promptkit.lineage.files import DEEPEST, append_to, parsed, read_file, wrong_file
from promptkit.lineage.record import Record
from promptkit.lineage.request_claims import request_path
from promptkit.lineage.tree import Lineage

SOURCES = {"edit/add": "Add {{ what }}"}
DIGEST = hashlib.sha256(json.dumps(SOURCES, separators=(",", ":")).encode()).hexdigest()
GIANT = 2**40  # bytes, none of which is on the disk


@pytest.fixture(autouse=True)
def _held_up() -> Iterator[None]:
    """Who waits for a pipe would wait forever; the test ends it, long after a busy machine has done its work."""
    before = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("held up by what is no file"))
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def lineage(tmp_path: Path) -> Lineage:
    return Lineage(tmp_path / "all" / "bear")


def device(path: Path) -> None:
    path.unlink()
    try:
        os.mknod(path, 0o20666, os.makedev(1, 5))  # /dev/zero
    except PermissionError:
        pytest.skip("only root makes devices")


def linked(path: Path, leads: Path | str) -> None:
    path.unlink()
    path.symlink_to(leads)


def beside(path: Path) -> None:
    """The file itself stands elsewhere, and a link leads there."""
    there = path.parents[1] / f"kept-{path.name}"
    path.rename(there)
    path.symlink_to(there)


NO_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a pipe": (lambda path: (path.unlink(), os.mkfifo(path)), "pipe"),
    "a device": (device, "device"),
    "a link to a device": (lambda path: linked(path, "/dev/zero"), "link"),
    "a link to the file": (beside, "link"),
    "a link to nothing": (lambda path: linked(path, "nowhere"), "link"),
    "a giant": (lambda path: os.truncate(path, GIANT), f"{GIANT:,} bytes"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "folder"),
}
FILES = {
    "record": lambda record: record.path,
    "picture": lambda record: record.path.parent / record.outputs[0].name,
    "source": lambda record: next(record.path.parent.glob("sources/*")),
    "template": lambda record: next(record.path.parent.glob("templates/*")),
    "turn": lambda record: next(record.path.parent.glob("extra/*")),
    "tag": lambda record: next(record.path.parent.glob("tags/*")),
    "head": lambda record: record.path.with_name("head"),
    "marker": lambda record: record.path.with_name("promptkit.json"),
}


def full(lineage: Lineage) -> Record:
    """A step that has all that a step can have, and another one, which harm to its files should not touch."""
    lineage.create()
    source = Picture(png("blue"))
    lineage.keep_source(source)
    lineage.keep_template(DIGEST, SOURCES)
    entry = {"role": "base", "sha256": source.sha256, "mime_type": "image/png", "file": lineage.source_name(source)}
    step = lineage.begin("edit", fields(sources=[entry], prompt={"text": "a fox", "digest": DIGEST}))
    step.attempt({"sent_text": "a fox"})
    step.answer({"outcome": "picture", "turn": lineage.keep_extra(b'{"a": "turn"}')}, [red()])
    record = step.commit("picture")
    made(lineage, Picture(png("green")))
    lineage.set_tag("it", record.id)
    lineage.set_head(record.id)
    return record


@pytest.mark.parametrize("what", NO_FILES)
@pytest.mark.parametrize("part", FILES)
def test_what_is_no_file_is_a_problem_with_its_name(lineage: Lineage, part: str, what: str) -> None:
    """Whatever stands in place of a file, verify names it and says what it is, and all other steps can be read."""
    path = FILES[part](full(lineage))
    harm, said = NO_FILES[what]
    harm(path)
    opened = Lineage(lineage.folder)
    assert [p.message for p in opened.verify() if p.path == path and said in p.message]
    assert len(opened.records()) == (1 if part == "record" else 2)
    assert opened.find(2).picture.data == png("green")
    assert opened.tags().keys() == ({"it"} if part != "tag" else set())


@pytest.mark.parametrize("what", NO_FILES)
@pytest.mark.filterwarnings("ignore::promptkit.PromptkitWarning")  # of what has no looks
def test_what_is_no_file_holds_no_search_up(tmp_path: Path, what: str) -> None:
    """The searches over all sessions list those that have it in place of a file, and find what the others hold."""
    top = tmp_path / "all"
    fox = Session(top / "good", endpoint="offline").generate("a fox")
    for part, path in FILES.items():
        NO_FILES[what][0](path(full(Lineage(top / part))))
    assert {info.name for info in sessions(top)} == {"good", *FILES}
    assert {found.session.folder.name for found in find("fox", top)} == {"good", *FILES} - {"record"}
    assert which(fox.picture, top)[0].step == fox
    assert which(fox.picture.image.resize((300, 300)), top)[0].step == fox
    assert len(which(png("green"), top)) == len(FILES)


@pytest.mark.parametrize("what", [w for w in NO_FILES if w != "a folder"])
@pytest.mark.parametrize("part", FILES)
@pytest.mark.filterwarnings("ignore::promptkit.PromptkitWarning")  # of what is left out
def test_what_is_no_file_is_left_out_of_an_archive_and_mended_from_one(lineage: Lineage, tmp_path: Path, part: str, what: str) -> None:
    """A session exports what it has, but not without a picture; its archive from before puts back what is no file now; the head and the
    marker are made anew.
    """
    record = full(lineage)
    Session(lineage.folder).export(tmp_path / "before.zip", all=True)
    path = FILES[part](record)
    NO_FILES[what][0](path)
    with pytest.raises(LineageError) if part == "picture" else nullcontext():
        Session(lineage.folder).export(tmp_path / "after.zip", all=True)
    import_session(tmp_path / "before.zip", lineage.folder)
    if part not in ("head", "marker"):
        assert path.is_file()
        assert not path.is_symlink()


@pytest.mark.parametrize("what", NO_FILES)
def test_what_is_no_file_is_no_claim(lineage: Lineage, what: str) -> None:
    """A step is begun beside a claim that cannot be read."""
    made(lineage)
    claim = lineage.folder / ".open/0002.json"
    claim.write_text("{}")
    NO_FILES[what][0](claim)
    opened = Lineage(lineage.folder)
    assert opened.under_way() == []
    assert made(opened).number == 3


@pytest.mark.parametrize("what", NO_FILES)
def test_what_is_no_file_claims_no_request(lineage: Lineage, what: str) -> None:
    """What stands where a process would say what it asks for is nobody's claim: it is removed by who asks, and holds no other step up."""
    made(lineage)
    claim = request_path(lineage.folder, "r1:a")
    claim.write_text("{}")
    NO_FILES[what][0](claim)
    opened = Lineage(lineage.folder)
    assert made(opened).number == 2
    assert (opened.holder_of("r1:a"), opened.take_request("r1:a")) == (None, None)
    assert claim.is_file()
    assert not claim.is_symlink()
    opened.let_request_go("r1:a")
    assert not claim.exists()


def test_a_folder_in_place_of_a_claim_is_named(lineage: Lineage) -> None:
    """A folder with something in it is not removed: who asks for that is told its name, and all others go on."""
    made(lineage)
    claim = request_path(lineage.folder, "r1:a")
    (claim / "within").mkdir(parents=True)
    with pytest.raises(LineageError, match=rf"{claim.name} .* it is a folder, and no file"):
        lineage.take_request("r1:a")
    assert made(lineage).number == 2


def test_what_is_no_file_is_no_cache(tmp_path: Path) -> None:
    """Where the user's cache of fingerprints is a pipe, pictures are looked at, and found."""
    home = tmp_path / "home"
    home.mkdir()
    os.mkfifo(home / "looks-3.jsonl")
    drawn = Session(tmp_path / "all" / "bear", endpoint="offline").generate("a fox in the snow")
    smaller = drawn.picture.image.resize((400, 400))
    assert which(smaller, tmp_path / "all")[0].step == drawn
    with pytest.raises(OSError, match=r"pipe|No such device"):
        append_to(home / "looks-3.jsonl", b"x")


@pytest.mark.parametrize("what", ["a pipe", "a folder"])
def test_what_is_no_file_is_no_archive(tmp_path: Path, what: str) -> None:
    """An archive is a file; what is none says so at once."""
    path = tmp_path / "bear.zip"
    path.touch()
    NO_FILES[what][0](path)
    with pytest.raises(LineageError, match="nothing was imported"):
        import_session(path, tmp_path / "there")


@pytest.mark.parametrize("text", ["[" * 2_000_000, '{"a":' * (DEEPEST + 1) + "1" + "}" * (DEEPEST + 1), '{"number": ' + "9" * 5000 + "}"])
def test_json_that_nobody_can_walk_is_damage(lineage: Lineage, text: str) -> None:
    """Nesting and numbers beyond what Python follows are told like any other damage, in a record, a tag and a marker."""
    record = full(lineage)
    for part in ("record", "tag", "marker"):
        FILES[part](record).write_text(text)
    opened = Lineage(lineage.folder)
    assert {FILES[part](record) for part in ("record", "marker")} <= {p.path for p in opened.verify()}
    assert [r.number for r in opened.records()] == [2]
    assert opened.tags() == {}


def test_json_of_some_depth_is_read() -> None:
    """What people nest is far from what is refused, and meta that would be refused when it is read is refused before it is sent."""
    deep = '{"a":' * DEEPEST + "1" + "}" * DEEPEST
    assert json.dumps(parsed(deep.encode()), separators=(",", ":")) == deep
    bear = Session("bear", endpoint="offline")
    with pytest.raises(Exception, match=f"nested more than {DEEPEST} deep"):
        bear.generate("a fox", meta={"a": json.loads(deep)})
    assert not len(bear)


def test_a_giant_fills_no_memory(lineage: Lineage) -> None:
    """What is larger than its kind can be is told by its size, and not read; a picture by the size that its record names."""
    path = FILES["picture"](full(lineage))
    os.truncate(path, 2**26)
    tracemalloc.start()
    assert "67,108,864 bytes" in str(wrong_file(lineage.folder, path.name, "00", 1000))
    with pytest.raises(LineageError, match="67,108,864 bytes"):
        _ = Lineage(lineage.folder).find(1).picture.data
    with pytest.raises(OSError, match="67,108,864 bytes"):
        read_file(path, 2**25)
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


def test_a_gitignore_that_is_no_file_of_ours_stays(tmp_path: Path) -> None:
    """A link in its place is the user's own, and is neither followed nor replaced."""
    bear = tmp_path / "bear"
    bear.mkdir()
    (tmp_path / "shared").write_text("*.pyc\n")
    (bear / ".gitignore").symlink_to(tmp_path / "shared")
    made(Lineage(bear))
    assert (bear / ".gitignore").is_symlink()
    assert (tmp_path / "shared").read_text() == "*.pyc\n"


# Files that a tool stores elsewhere


def annexed(path: Path) -> None:
    """What git-annex makes of a file that it keeps."""
    store = path.parent / ".git/annex/objects/Xq/0w/KEY"
    store.parent.mkdir(parents=True)
    path.rename(store / path.name if store.is_dir() else store)
    path.symlink_to(Path(".git/annex/objects/Xq/0w/KEY"))


def pointed(path: Path) -> None:
    """What git-lfs leaves where a clone did not bring the files."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {path.stat().st_size}\n")


def unlocked(path: Path) -> None:
    """What git-annex leaves in a clone in place of a file that is unlocked."""
    path.write_text("/annex/objects/SHA256E-s100--0000\n")


@pytest.mark.parametrize(
    ("stored", "command"),
    [(annexed, "git annex unlock 0001-"), (unlocked, "git annex get 0001-"), (pointed, "git lfs pull")],
)
def test_a_picture_that_a_tool_stores_elsewhere_is_not_paid_for_again(tmp_path: Path, stored: Callable[[Path], None], command: str) -> None:
    """The command that brings it is named by verify, by who reads it, and instead of the request that would make another."""
    bear = Session(tmp_path / "bear", endpoint="offline")
    step = bear.generate("a fox")
    stored(step.files[0])
    opened = Session(tmp_path / "bear", endpoint="offline")
    assert command in opened.verify()[0].message
    with pytest.raises(LineageError, match=command):
        opened.generate("a fox")
    with pytest.raises(LineageError, match=command):
        _ = opened[1].picture.data
    with pytest.raises(LineageError, match=command):
        opened.export(tmp_path / "bear.zip")
    assert not (tmp_path / "bear.zip").exists()
    assert len(opened) == 1
    assert opened.generate("a fox", fresh=True).number == 2


# Records from strangers


def test_a_record_of_very_many_parents_is_verified_in_one_walk(lineage: Lineage) -> None:
    """Each of 30,000 parents that are not here is looked at once."""
    record = made(lineage)
    looks = 0

    class Id(str):
        def __eq__(self, other: object) -> bool:
            nonlocal looks
            looks += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    from promptkit.lineage.verify import _look, _wrong

    parents = [Id(f"{i:064x}") for i in range(3000)]
    stranger = Record(record.id, record.path, {**record.fields, "parents": parents})
    said = [said for _, said in _wrong(lineage.folder, stranger, _look(lineage.folder, {}))]
    assert sum("its parent" in s for s in said) == len(parents)
    assert looks < 10 * len(parents)


def test_a_head_or_tag_that_names_no_step_says_so_in_words(lineage: Lineage) -> None:
    """What is no id is not repeated, for it may hold anything."""
    record = full(lineage)
    FILES["head"](record).write_bytes(b"\x1b[31mred\n" + b"\0" * 100)
    tag = FILES["tag"](record)
    tag.write_text(json.dumps({"name": "it", "id": "\x1b[2J"}))
    said = {p.path.name: str(p) for p in Lineage(lineage.folder).verify()}
    assert said.keys() == {"head", tag.name}
    assert all("cannot be read" in text and text.isprintable() for text in said.values())
