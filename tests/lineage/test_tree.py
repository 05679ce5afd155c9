"""Records on disk: the folder, looking steps up, tags, the head, and what is refused."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kit.loopback import png
from kit.steps import answered, edit_json, failed, fields, made, names, red, snapshot

from promptkit.errors import LineageError, StepNotFound
from promptkit.images.picture import Picture
from promptkit.lineage.files import json_bytes
from promptkit.lineage.layout import frame
from promptkit.lineage.record import Problem, Record
from promptkit.lineage.schema import empty_fields
from promptkit.lineage.tree import Lineage

SURROGATES = st.lists(st.sampled_from([*'ab"\\\n', "\ud800", "\udc00", "\ud83d", "\ude00", "\udfff", "🐻"])).map("".join)


@pytest.fixture
def lineage(tmp_path: Path) -> Lineage:
    return Lineage(tmp_path / "bear")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# The folder


def test_a_folder_is_made_by_the_first_step(lineage: Lineage) -> None:
    """Opening, looking and asking for what is not there make nothing on disk; the first step makes the folder."""
    assert (lineage.records(), lineage.count(), lineage.tags(), lineage.head(), lineage.verify()) == ((), 0, {}, (None, ()), [])
    with pytest.raises(StepNotFound):
        lineage.find(1)
    assert not lineage.folder.exists()
    lineage.begin("edit", fields())
    assert (lineage.folder / "promptkit.json").is_file()


def test_a_folder_looks_as_the_design_says(lineage: Lineage) -> None:
    """Records and pictures are named by number, slug and their own sha256; a failed step has a record and no picture."""
    lineage.create()
    source = Picture(png("blue"))
    lineage.keep_source(source)
    extra = lineage.keep_extra(b"a turn")
    entry = {"role": "reference", "sha256": source.sha256, "mime_type": "image/png", "file": lineage.source_name(source)}
    first = made(lineage, slug="sticker", sources=[entry])
    second = failed(lineage, parents=[first.id])
    lineage.set_tag("For the client!", first.id)
    lineage.set_head(first.id, [second.id])
    tag = hashlib.sha256(b"For the client!").hexdigest()[:8]
    assert [n for n in names(lineage.folder) if "/" in n or not n.startswith(".")] == sorted(
        [
            f"0001-sticker-{first.id[:10]}.json",
            f"0001-sticker-{red().sha256[:10]}.png",
            f"0002-edit-{second.id[:10]}.json",
            "extra",
            f"extra/{extra}",
            "head",
            "promptkit.json",
            "sources",
            f"sources/{source.sha256}.png",
            "tags",
            f"tags/for-the-client-{tag}.json",
        ]
    )
    assert (sha256(first.path), sha256(second.path)) == (first.id, second.id)
    assert first.pictures[0].data == red().data
    assert (lineage.folder / "head").read_text() == f"{first.id}\n{second.id}\n"
    assert json.loads((lineage.folder / "promptkit.json").read_text()) == {"layout": 1}


def test_a_new_folder_holds_its_frame_and_nothing_else(lineage: Lineage) -> None:
    """What every session's folder has is what a new one is made of, byte for byte."""
    lineage.create()
    assert {p.name: p.read_bytes() for p in lineage.folder.iterdir()} == frame()


def test_git_is_told_to_keep_the_bytes(lineage: Lineage) -> None:
    """A session keeps git from touching line ends, and from taking in what is in flight."""
    made(lineage)
    assert (lineage.folder / ".gitattributes").read_text() == "* -text\n"
    assert (lineage.folder / ".gitignore").read_text() == ".open-*\n.tmp-*\n"


def test_files_for_git_that_were_there_are_kept(lineage: Lineage) -> None:
    """A session in a new git repository adds to its .gitignore and .gitattributes, and takes nothing out."""
    lineage.folder.mkdir()
    (lineage.folder / ".gitignore").write_text("*.pyc")
    (lineage.folder / ".gitattributes").write_text("* text=auto\n")
    made(lineage)
    assert (lineage.folder / ".gitignore").read_text() == "*.pyc\n.open-*\n.tmp-*\n"
    assert (lineage.folder / ".gitattributes").read_text() == "* text=auto\n* -text\n"


def test_a_git_clone_with_other_line_ends_is_whole(lineage: Lineage, tmp_path: Path) -> None:
    """A clone made with core.autocrlf=true verifies, and has nothing of a step in flight."""
    made(lineage, prompt={"text": "one\r\ntwo\n"})
    lineage.set_tag("first", lineage.find(1).id)
    answered(lineage)
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "core.autocrlf=true", "-c", "init.defaultBranch=main"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "a bear"]):
        subprocess.run([*git, *command], cwd=lineage.folder, check=True, capture_output=True)
    subprocess.run([*git, "clone", "-q", lineage.folder, tmp_path / "clone"], check=True, capture_output=True)
    clone = Lineage(tmp_path / "clone")
    assert clone.verify() == []
    assert clone.find("first").id == lineage.find(1).id
    assert not list(clone.folder.glob(".open-*"))


def test_reading_writes_nothing(lineage: Lineage) -> None:
    """Opening and reading change no file and no time, also where a process left a step behind."""
    first = made(lineage)
    made(lineage, parents=[first.id])
    lineage.set_tag("one", first.id)
    claim = answered(lineage).claim
    edit_json(claim, process=2**22 + 1)
    before = snapshot(lineage.folder)
    again = Lineage(lineage.folder)
    assert again.count() == len(again.records()) == 2
    assert again.verify() == []
    assert again.find("one").pictures[0].data == red().data
    assert again.get(again.find(2).id) == again.children(first)[0]
    assert (again.head(), again.is_whole(first)) == ((None, ()), True)
    assert snapshot(lineage.folder) == before


def test_a_session_that_is_copied_while_it_is_written_opens(lineage: Lineage, tmp_path: Path) -> None:
    """A copy with half a record, half a picture and a temporary file opens, and has the rest."""
    first, second = made(lineage), made(lineage, Picture(png("green")))
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in lineage.folder.iterdir():
        whole = path.read_bytes()
        (copy / path.name).write_bytes(whole[: len(whole) // 2] if path.name.startswith("0002") else whole)
    (copy / ".tmp-1-ab").write_bytes(b"half")
    opened = Lineage(copy)
    assert [r.id for r in opened.records()] == [first.id]
    assert [(p.step, p.path.name) for p in opened.verify()] == [(2, second.path.name)]


# What is no session


@pytest.mark.parametrize("hidden", [[], [".git", ".DS_Store"]], ids=["empty", "hidden entries only"])
def test_an_empty_folder_becomes_a_session(tmp_path: Path, hidden: list[str]) -> None:
    """An empty folder, or one with hidden entries only, is taken."""
    for name in hidden:
        (tmp_path / "bear" / name).mkdir(parents=True)
    assert made(Lineage(tmp_path / "bear")).number == 1


def _file(folder: Path) -> Path:
    folder.write_text("no folder")
    return folder


def _below_a_file(folder: Path) -> Path:
    return _file(folder) / "bear"


def _somebodys(folder: Path) -> Path:
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    return folder


def _newer(folder: Path) -> Path:
    made(Lineage(folder))
    edit_json(folder / "promptkit.json", layout=2)
    return folder


def _marker(text: str) -> Any:
    def make(folder: Path) -> Path:
        folder.mkdir()
        (folder / "promptkit.json").write_text(text)
        return folder

    return make


REFUSED_FOLDERS = [
    (_file, "Not a directory"),
    (_below_a_file, "Not a directory"),
    (_somebodys, "not a session and not empty (it holds 'notes.txt')"),
    (_newer, "has layout 2, and this promptkit knows 1"),
    (_marker("{"), "promptkit.json cannot be read"),
    (_marker("[]"), "promptkit.json cannot be read"),
    (_marker("[" * 100_000), "promptkit.json cannot be read"),
    (lambda folder: folder / "a\0b", "null"),
]


@pytest.mark.parametrize(("make", "said"), REFUSED_FOLDERS)
def test_what_is_no_session_is_refused(tmp_path: Path, make: Any, said: str) -> None:
    """A file, somebody's folder, a newer layout and a damaged marker are refused, with the path and the reason; nothing is changed."""
    folder = make(tmp_path / "bear")
    before = snapshot(tmp_path)
    with pytest.raises(LineageError, match=re.escape(said)) as caught:
        Lineage(folder)
    assert caught.value.path is not None
    assert "bear" in str(caught.value)
    assert snapshot(tmp_path) == before


# Records


def rewritten(record: Record, **changes: Any) -> Path:
    """The record with other values under the name that fits them, as another program would write it."""
    data = json.dumps({**record.fields, **changes}).encode()
    number = changes.get("number", record.number)
    path = record.path.with_name(f"{number if isinstance(number, int) else 1:04}-edit-{hashlib.sha256(data).hexdigest()[:10]}.json")
    record.path.unlink()
    path.write_bytes(data)
    return path


def test_a_newer_schema_is_refused(lineage: Lineage) -> None:
    """A record with a newer major version is refused with its file and both versions; a newer minor one is read."""
    path = rewritten(made(lineage), schema="2.3")
    with pytest.raises(LineageError, match=rf"{path.name} has schema 2\.3, and this promptkit knows 1\.0"):
        Lineage(lineage.folder).records()
    assert [p.path for p in lineage.verify()] == [path]
    path = rewritten(Record.of(path, "", {**json.loads(path.read_bytes()), "schema": "1.7"}), schema="1.7")
    assert Lineage(lineage.folder).find(1).path == path


def test_unknown_fields_are_kept(lineage: Lineage) -> None:
    """A field that this version does not know is read back with the record."""
    rewritten(made(lineage), mood={"later": [1, None]})
    assert Lineage(lineage.folder).find(1).fields["mood"] == {"later": [1, None]}


WRONG = [
    {"schema": None},
    {"schema": "new"},
    {"number": "1"},
    {"number": True},
    {"parents": None},
    {"parents": [3]},
    {"outcome": None},
    {"prompt": "a bear"},
    {"prompt": {"digest": 3}},
    {"prompt": {"inputs": []}},
    {"prompt": {"pack": 5}},
    {"prompt": {"pack": "acme"}},
    {"request": []},
    {"request": {"config": 1}},
    {"recipe": ["r1:"]},
    {"label": {}},
    {"warnings": [1]},
    {"attempts": {}},
    {"attempts": ["x"]},
    {"attempts": [{"cost": {"usd": "much"}}]},
    {"attempts": [{"cost": {"usd": True}}]},
    {"attempts": [{"cost": {"usd": -100}}]},
    {"attempts": [{"cost": {"usd": float("nan")}}]},
    {"attempts": [{"cost": {"usd": float("inf")}}]},
    {"attempts": [{"cost": {"usd": 10**9}}]},
    {"attempts": [{"cost": {"usd": 10**400}}]},
    {"attempts": [{"cost": {}}]},
    {"attempts": [{"cost": 3}]},
    {"attempts": [{"usage": []}]},
    {"attempts": [{"turn": 3}]},
    {"sources": [{}]},
    {"sources": [{"role": "base", "sha256": "ab", "mime_type": "image/png", "step": 3}]},
    {"outputs": [{"file": "a.png"}]},
    {"outputs": [{"file": 3, "sha256": "ab", "mime_type": "image/png", "bytes": 3}]},
    {"outputs": [{"file": "a", "sha256": "ab", "mime_type": "image/png", "bytes": 3, "size": ["a", 1]}]},
    {"outputs": [{"file": "a", "sha256": "ab", "mime_type": "image/png", "bytes": 3, "size": [1]}]},
    *(
        {"outputs": [{"file": "a", "sha256": "ab", "mime_type": "image/png", "bytes": 3, "size": size}]}
        for size in ([], [0, 0], [0, 7], [-5, 7], [1, 2, 3], [1.5, 2], [True, 1])
    ),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"{wrong!s:.60}")
def test_a_record_of_wrong_types_is_passed_over_and_named(lineage: Lineage, wrong: dict[str, Any]) -> None:
    """A record whose fields have other types than they should harms no other step, and verify names its file."""
    path = rewritten(made(lineage), **wrong)
    second = made(lineage)
    opened = Lineage(lineage.folder)
    assert [r.id for r in opened.records()] == [second.id]
    assert [p.path for p in opened.verify()] == [path]
    with pytest.raises(LineageError, match=path.name):
        opened.find(1)
    assert made(opened).number == 3


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"attempts": [{}, {"cost": {"usd": -100}}]}, "attempts[1].cost.usd = -100, which should be USD from 0 to below a billion"),
        ({"prompt": {"pack": 5}}, "prompt.pack = 5, which should be"),
        (
            {"outputs": [{"file": "a", "sha256": "ab", "mime_type": "image/png", "bytes": 3, "size": [0, 0]}]},
            "outputs[0].size = [0, 0], which should be width and height in pixels, or None",
        ),
    ],
    ids=["cost", "pack", "size"],
)
def test_what_no_step_can_have_is_named(lineage: Lineage, wrong: dict[str, Any], said: str) -> None:
    """A sum, a size or a pack that cannot be is named by verify with the file, the field and the value."""
    path = rewritten(made(lineage), **wrong)
    (problem,) = (p for p in lineage.verify() if p.path == path)
    assert said in problem.message
    assert str(path) in problem.message


def test_what_is_not_known_of_a_step_is_no_damage(lineage: Lineage) -> None:
    """A picture whose size nobody can read, an attempt without a price, one that cost nothing and an installed pack are read again."""
    lineage.create()
    step = lineage.begin("edit", fields(prompt={"text": "a", "pack": ("acme", "1.0")}))
    for usd in (None, 0, 2, 0.5):
        step.attempt({})
        step.answer({"outcome": "text", "cost": None if usd is None else {"usd": usd}}, [Picture(b"no picture")])
    step.commit("picture")
    record = Lineage(lineage.folder).find(1)
    assert (record.pictures[0].size, record.prompt["pack"]) == (None, ["acme", "1.0"])
    assert [a["cost"] for a in record.attempts] == [None, {"usd": 0}, {"usd": 2}, {"usd": 0.5}]
    assert lineage.verify() == []


@pytest.mark.parametrize("usd", [1e300, -1, float("nan")])
def test_a_sum_that_cannot_be_does_not_spoil_what_was_paid(lineage: Lineage, usd: float) -> None:
    """Where a service's counts make a cost that no record can hold, the answer is recorded as one whose cost is not known."""
    step = lineage.begin("edit", fields())
    step.attempt({})
    step.answer({"outcome": "picture", "text": "Here.", "cost": {"usd": usd, "basis": "tokens"}}, [red()])
    step.commit("picture")
    record = Lineage(lineage.folder).find(1)
    assert (record.ok, record.cost, record.attempts[0]["text"]) == (True, None, "Here.")


@settings(max_examples=60)
@given(text=SURROGATES)
def test_half_a_surrogate_pair_loses_nothing(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Whatever a text holds, the record can be read back; what no file can hold is U+FFFD."""
    lineage = Lineage(tmp_path_factory.mktemp("bear"))
    record = made(lineage, prompt={"text": text}, label=text)
    again = Lineage(lineage.folder).find(1)
    assert again.id == record.id
    assert again.prompt["text"] == record.prompt["text"] == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def test_what_a_record_cannot_hold_is_said_before_anything_is_paid(lineage: Lineage) -> None:
    """A field of the wrong type is refused when the step begins, and nothing is made."""
    with pytest.raises(LineageError, match="label = 5"):
        lineage.begin("edit", fields(label=5))
    assert not lineage.folder.exists()


def test_all_prices_known_make_a_cost() -> None:
    """A record's cost is the sum of its attempts', and None where one has no price."""

    def cost(*costs: Any) -> float | None:
        attempts = [{"cost": c} for c in costs]
        given = {**fields(), "schema": "1.0", "number": 1, "outcome": "text", "outputs": [], "attempts": attempts}
        return Record.of(Path("x"), "", given).cost

    assert (cost({"usd": 0.5}, {"usd": 1}), cost(), cost({"usd": 1}, None)) == (1.5, 0.0, None)


# Looking up


def test_one_look_up_everywhere(lineage: Lineage) -> None:
    """An int or up to six digits is a number, then a tag, then the beginning of an id."""
    first = made(lineage)
    second = next(r for r in iter(lambda: made(lineage), None) if not r.id[:8].isdigit())
    lineage.set_tag(second.id[:8], first.id)
    keys = [1, "1", "000001", first.id, first.id[:7], first.id[:40], second.id[:8]]
    assert [lineage.find(k).number for k in keys] == [1] * len(keys)
    assert lineage.find(second.id[:9]) == second


NO_STEPS = [0, -1, 3, "3", "000003", "no", "", "abcd", "f" * 64, "1234567", "../x", 1.5, None, b"1", slice(1)]


@pytest.mark.parametrize("key", NO_STEPS, ids=repr)
def test_a_step_that_is_not_there_is_said(lineage: Lineage, key: Any) -> None:
    """What names no step raises StepNotFound, a KeyError too, in one sentence that says where it looked."""
    made(lineage)
    with pytest.raises(StepNotFound) as caught:
        lineage.find(key)
    assert isinstance(caught.value, KeyError)
    assert caught.value.path == lineage.folder
    assert str(caught.value).endswith(".")


def test_the_nearest_tags_are_named(lineage: Lineage) -> None:
    """A tag that is misspelt brings those that look like it, in the sentence and in `near`."""
    record = made(lineage)
    lineage.set_tag("for the client", record.id)
    with pytest.raises(StepNotFound, match="did you mean 'for the client'") as caught:
        lineage.find("for the clinet")
    assert caught.value.near == ("for the client",)


def test_a_number_of_two_steps_is_refused(lineage: Lineage, tmp_path: Path) -> None:
    """A number that two merged copies share is refused with both ids, which both still find their step."""
    one, other = made(lineage), made(Lineage(tmp_path / "other"), Picture(png("green")))
    for path in (tmp_path / "other").glob("0001*"):
        path.rename(lineage.folder / path.name)
    with pytest.raises(StepNotFound, match="shared by") as caught:
        lineage.find(1)
    assert set(caught.value.near) == {one.id, other.id}
    assert all(i[:16] in str(caught.value) for i in (one.id, other.id))
    assert lineage.find(other.id[:10]).pictures[0].data == png("green")
    assert made(lineage).number == 2
    assert lineage.verify() == []


def test_children_and_recipes_are_found(lineage: Lineage) -> None:
    """Children follow the first parent, recipes the field; both by number, for steps that others wrote too."""
    first = made(lineage)
    other = Lineage(lineage.folder)
    second = made(other, parents=[first.id], recipe="r1:x")
    third = failed(other, parents=[first.id, second.id], recipe="r1:x")
    for seen in (lineage, other, Lineage(lineage.folder)):
        assert [r.id for r in seen.children(first)] == [r.id for r in seen.with_recipe("r1:x")] == [second.id, third.id]
        assert seen.children(second) == ()


def test_a_picture_of_ones_own_is_found_by_its_bytes(lineage: Lineage) -> None:
    """The first step that added these bytes and is whole; not one that was asked for, that has no picture, or whose picture is damaged."""
    lineage.begin("add", fields()).commit("added")
    added = [lineage.begin("add", fields()).commit("added", [red()]) for _ in range(2)]
    made(lineage, Picture(png("green")))
    assert lineage.added_with(red().sha256) == added[0]
    assert lineage.added_with(Picture(png("green")).sha256) is None
    for path in lineage.folder.glob("*.png"):
        path.write_bytes(b"x")
    assert Lineage(lineage.folder).added_with(red().sha256) is None


def test_ancestors_come_after_what_they_came_from(lineage: Lineage) -> None:
    """Parents and steps that went along as references come before each step, once each; what is missing is passed over."""
    lamp, cup, lost = made(lineage), made(lineage), made(lineage)
    entry = {"role": "reference", "sha256": red().sha256, "mime_type": "image/png", "step": lamp.id}
    both = made(lineage, parents=[cup.id, lost.id], sources=[entry])
    last = made(lineage, parents=[both.id, lamp.id])
    assert both.origins == (cup.id, lost.id, lamp.id)
    lost.path.unlink()
    again = Lineage(lineage.folder)
    assert [r.number for r in again.ancestors(last)] == [2, 1, 4, 5]
    assert [r.number for r in again.ancestors(lamp, last)] == [1, 2, 4, 5]


def test_ancestors_of_a_deep_history_stand_once_each(lineage: Lineage) -> None:
    """In a history thousands of steps deep, with parents shared by many, each stands once, behind all that it came from."""
    lineage.create()
    ids: list[str] = []
    for i in range(3000):
        parents = list(dict.fromkeys([ids[-1], ids[i // 2]])) if ids else []
        data = json_bytes({"schema": "1.0", **empty_fields(), "number": i + 1, "outcome": "text", "parents": parents})
        ids.append(hashlib.sha256(data).hexdigest())
        (lineage.folder / f"{i + 1:04}-edit-{ids[-1][:10]}.json").write_bytes(data)
    found = lineage.ancestors(lineage.get(ids[-1]))
    place = {r.id: i for i, r in enumerate(found)}
    assert set(place) == set(ids)
    assert len(found) == len(place)
    assert all(place[p] < place[r.id] for r in found for p in r.parents)


# Tags and the head


TAGS = ["for the client", "クライアント用", "客户", "ग्राहक", "für Ü", "a/b\\..\\c", ".", "*", "1234567a", "🐻" * 60, "x" * 500, " 1a "]


@pytest.mark.parametrize("name", TAGS)
def test_tags_in_any_script(lineage: Lineage, name: str) -> None:
    """A tag is found by its name, whatever its script, and its file stays in tags/."""
    record = made(lineage)
    lineage.set_tag(name, record.id)
    assert Lineage(lineage.folder).tags() == {name: record.id}
    assert lineage.find(name).id == record.id
    assert len(list((lineage.folder / "tags").iterdir())) == 1


def test_half_a_surrogate_pair_is_no_hindrance_to_a_tag(lineage: Lineage) -> None:
    """A tag with what no file can hold is kept with U+FFFD in its place."""
    record = made(lineage)
    lineage.set_tag("a\ud800b", record.id)
    assert lineage.tags() == {"a\ufffdb": record.id}


def test_a_tag_in_use_moves(lineage: Lineage) -> None:
    """A second step with a tag takes it over; names that differ in case only are two tags."""
    first, second = made(lineage), made(lineage)
    for name, record in (("A b", first), ("a b", first), ("a b", second)):
        lineage.set_tag(name, record.id)
    assert lineage.tags() == {"A b": first.id, "a b": second.id}


@pytest.mark.parametrize("name", ["", "  ", "1", "123456", "1234567", " 12 ", "١٢", "a\nb", "a\r", "a\u2028b", 7, None], ids=repr)
def test_what_is_no_tag_is_refused(lineage: Lineage, name: Any) -> None:
    """A tag that is all digits, empty, of several lines or no text is refused."""
    record = made(lineage)
    with pytest.raises(LineageError, match="A tag is"):
        lineage.set_tag(name, record.id)
    assert lineage.tags() == {}


def test_the_head_and_what_undo_left(lineage: Lineage) -> None:
    """The head and what redo would bring are read back; a damaged head is none, and verify says so."""
    ids = [made(lineage).id for _ in range(3)]
    lineage.set_head(ids[0], ids[1:])
    assert Lineage(lineage.folder).head() == (ids[0], tuple(ids[1:]))
    assert lineage.verify() == []
    lineage.set_head("ab" * 32)
    assert lineage.verify() == [Problem(None, lineage.folder / "head", "names the step ababababab, which is not here")]
    (lineage.folder / "head").write_bytes(b"\xff\xfe")
    assert lineage.head() == (None, ())
    assert [p.message for p in lineage.verify()] == ["cannot be read"]
