"""Damaged files, which are named and harm no other step, and folders from strangers, which lead nowhere outside."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from kit.loopback import png
from kit.steps import answered, edit_json, failed, fields, made, red

from promptkit.errors import LineageError
from promptkit.images.picture import Picture
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage


@pytest.fixture
def lineage(tmp_path: Path) -> Lineage:
    return Lineage(tmp_path / "bear")


SOURCES = {"edit/add": "Add {{ what }}", "_base": "…"}
DIGEST = hashlib.sha256(json.dumps(SOURCES, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def full(lineage: Lineage) -> Record:
    """A step that has all that a step can have."""
    lineage.create()
    source = Picture(png("blue"))
    lineage.keep_source(source)
    lineage.keep_template(DIGEST, SOURCES)
    turn = lineage.keep_extra(b"a turn")
    entry = {"role": "base", "sha256": source.sha256, "mime_type": "image/png", "file": lineage.source_name(source)}
    step = lineage.begin("edit", fields(sources=[entry], prompt={"text": "a", "digest": DIGEST}, parents=[failed(lineage).id]))
    step.attempt({"sent_text": "a"})
    step.answer({"outcome": "picture", "turn": turn}, [red()])
    record = step.commit("picture")
    lineage.set_tag("it", record.id)
    lineage.set_head(record.id)
    return record


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


HARM: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-3]),
    "changed": flipped,
    "emptied": lambda path: path.write_bytes(b""),
    "deleted": Path.unlink,
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "deep": lambda path: path.write_bytes(b"[" * 100_000),
}
PARTS = {
    "0001-*.json": 1,
    "0002-*.json": 2,
    "0002-*.png": 2,
    "sources/*": 2,
    "extra/*": 2,
    "templates/*": 2,
    "head": None,
    "tags/*": None,
}


@pytest.mark.parametrize("harm", HARM)
@pytest.mark.parametrize("part", PARTS)
def test_damage_is_named_and_the_rest_stays_readable(lineage: Lineage, part: str, harm: str) -> None:
    """verify names each damaged or missing file with its step; opening, reading the rest and writing on work."""
    full(lineage)
    assert Lineage(lineage.folder).verify() == []
    (path,) = lineage.folder.glob(part)
    HARM[harm](path)
    opened = Lineage(lineage.folder)
    problems = opened.verify()
    silent = harm == "deleted" and part in ("head", "tags/*")  # a tag or a head that is not there names nothing wrong
    if harm == "deleted" and part.endswith(".json"):
        assert problems  # by what names it: its child, the head, the tag
    elif not silent:
        assert (PARTS[part], path) in [(p.step, p.path) for p in problems]
        assert all(str(p.path.name) in str(p) for p in problems)
    else:
        assert problems == []
    assert len(opened.records()) == (1 if part.endswith(".json") else 2)
    opened.tags(), opened.head(), opened.template_files(DIGEST)
    assert opened.find(made(opened).id).ok


def test_a_step_that_another_came_from_is_missed(lineage: Lineage) -> None:
    """verify names the step whose parent, or whose reference, was deleted with its picture, once each."""
    lamp, cup = made(lineage), made(lineage, Picture(png("green")))
    went_along = {"role": "reference", "sha256": red().sha256, "mime_type": "image/png", "step": lamp.id}
    root = made(lineage, Picture(png("white")), sources=[went_along])
    edit = made(lineage, Picture(png("black")), parents=[cup.id], sources=[{**went_along, "role": "base", "step": cup.id}])
    assert lineage.verify() == []
    for path in lineage.folder.glob("000[12]-*"):
        path.unlink()
    for opened in (lineage, Lineage(lineage.folder)):
        assert [(p.path, p.message) for p in opened.verify()] == [
            (root.path, f"the step {lamp.id[:10]} that it came from is not here"),
            (edit.path, f"its parent {cup.id[:10]} is not here"),
        ]


def test_a_record_of_two_with_one_number_is_missed(lineage: Lineage, tmp_path: Path) -> None:
    """Where merged copies share a number and one of the two records is deleted, its picture is named; not while it may be a step's."""
    one, other = made(lineage), made(Lineage(tmp_path / "other"), Picture(png("green")))
    for path in (tmp_path / "other").glob("0001*"):
        path.rename(lineage.folder / path.name)
    assert lineage.verify() == []
    (lineage.folder / other.path.name).unlink()
    orphan = lineage.folder / other.outputs[0]["file"]
    assert [(p.step, p.path) for p in lineage.verify()] == [(1, orphan)]
    claim = lineage.folder / ".open/0001.json"
    claim.touch()
    assert lineage.verify() == []
    claim.unlink()
    one.path.write_bytes(b"{")
    assert [p.path for p in lineage.verify()] == [one.path]


@pytest.mark.parametrize("name", ["sources", "extra", "templates"])
def test_damage_that_no_step_names_is_found_too(lineage: Lineage, name: str) -> None:
    """A file in sources/, extra/ or templates/ that is not what its name says is a problem without a step."""
    made(lineage)
    path = lineage.folder / name / ("ab" * 32 + (".json" if name == "templates" else ""))
    path.parent.mkdir()
    path.write_text("{}")
    assert [(p.step, p.path) for p in lineage.verify()] == [(None, path)]


def test_a_damaged_picture_is_not_shown(lineage: Lineage) -> None:
    """A recorded picture whose file is missing or changed raises LineageError, which names it, and is not whole."""
    record = made(lineage)
    (path,) = lineage.folder.glob("*.png")
    flipped(path)
    again = Lineage(lineage.folder).find(1)
    with pytest.raises(LineageError, match="not the one that was recorded"):
        _ = again.pictures[0].data
    assert not lineage.is_whole(record)
    path.unlink()
    with pytest.raises(LineageError, match="No such file") as caught:
        _ = again.pictures[0].image
    assert caught.value.path == path
    assert again.pictures[0].thumbnail(64) == "data:,"


def test_a_damaged_source_is_mended_when_it_is_kept_again(lineage: Lineage) -> None:
    """Keeping a picture whose file has other bytes of the same length writes it anew; an intact one is left as it is."""
    lineage.create()
    lineage.keep_source(red())
    (path,) = lineage.folder.glob("sources/*")
    before = path.stat().st_mtime_ns
    lineage.keep_source(red())
    assert path.stat().st_mtime_ns == before
    flipped(path)
    lineage.keep_source(red())
    assert path.read_bytes() == red().data


@pytest.mark.parametrize("kind", ["extra", "template", "source"])
def test_what_is_gone_from_beside_the_records_is_said(lineage: Lineage, kind: str) -> None:
    """What a record names and is not there is a LineageError, or no template sources; never another error."""
    record = full(lineage)
    for path in (p for p in lineage.folder.glob("*/*") if p.is_file()):
        path.unlink()
    if kind == "template":
        assert lineage.template_files(DIGEST) == {}
        return
    with pytest.raises(LineageError):
        lineage.kept(record.attempts[0]["turn"]) if kind == "extra" else lineage.source(record.sources[0]).data


# Strangers


OUTSIDE = ["../secret.json", "/secret.json", "../../secret", "..", ".", "", "a\0b", "a/../../secret.json", "x" * 5000]


@pytest.mark.parametrize("name", OUTSIDE, ids=range(len(OUTSIDE)))
def test_names_in_a_record_do_not_lead_outside(lineage: Lineage, name: str) -> None:
    """File names in a record are looked for in the session's folder only, wherever they point."""
    secret = lineage.folder.parent / "secret.json"
    secret.write_text('{"mine": "secret"}')
    sha256 = hashlib.sha256(secret.read_bytes()).hexdigest()
    entry = {"file": name, "sha256": sha256, "mime_type": "image/png"}
    record = made(lineage)
    given = {**record.fields, "outputs": [{**entry, "bytes": 1}], "sources": [{**entry, "role": "base"}], "attempts": [{"turn": name}]}
    data = json.dumps({**given, "prompt": {"digest": name.removesuffix(".json")}}).encode()
    record.path.with_name(f"0001-x-{hashlib.sha256(data).hexdigest()[:10]}.json").write_bytes(data)
    record.path.unlink()
    stranger = Lineage(lineage.folder).find(1)
    assert not lineage.is_whole(stranger)
    assert {"0001-x" in p.path.name or p.path.is_relative_to(lineage.folder) for p in lineage.verify()} == {True}
    assert lineage.template_files(stranger.prompt["digest"]) == {}
    for read in (lambda: stranger.pictures[0].data, lambda: lineage.source(stranger.sources[0]).data, lambda: lineage.kept(name)):
        with pytest.raises(LineageError):
            read()


@pytest.mark.parametrize("slug", ["../../evil", "/evil", "a b-c", "", "..", "ü/\0", "x" * 500, "家"])
def test_a_slug_stays_in_the_folder(lineage: Lineage, slug: str) -> None:
    """Whatever a template or a stranger's claim is called, the step's files lie in the folder, and the step is found."""
    record = made(lineage, slug=slug)
    claim = answered(lineage, red()).claim
    edit_json(claim, slug=slug, process=2**70)
    note = json.loads(claim.read_text())
    edit_json(claim, record={**note["record"], "outputs": [{**note["record"]["outputs"][0], "file": "../../../etc/hostname"}]})
    made(lineage)
    assert Lineage(lineage.folder).find(1).id == record.id
    assert [r.outcome for r in Lineage(lineage.folder).records()] == ["picture", "interrupted", "picture"]
    assert [p.name for p in sorted(lineage.folder.parent.iterdir())] == ["bear", "work"]
