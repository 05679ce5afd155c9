"""Forgetting steps: what goes, what stays, and what a killed process or a stranger's folder makes of it."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from kit.config_file import write_config
from kit.loopback import Loopback, picture_reply, png, text_reply
from kit.steps import answered, failed, made, names, red, snapshot

from promptkit import LineageError, Picture, PromptkitWarning, Session, StepNotFound, which
from promptkit.atomic import temporary_beside
from promptkit.lineage.forgetting import forget
from promptkit.lineage.forgotten import note_path, wordless
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage

SECRET = "a bear whose name is Wenceslas"
CUT_SHORT = """
import os, signal, sys
from pathlib import Path
from promptkit import Session
from promptkit.lineage import forgetting

left = int(sys.argv[1])

def count(event, args):
    global left
    if event in ("os.rename", "os.remove") and "bear" in str(args[0]):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

bear = Session("./bear")
steps = bear.steps
sys.addaudithook(count)
bear.forget(*steps, words=True)
print("done")
"""


def blue() -> Picture:
    return Picture(png("blue"))


def holds(folder: Path, what: bytes) -> bool:
    """Whether any file in the folder holds these bytes."""
    return any(what in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def messages(session: Session) -> list[tuple[int | None, str]]:
    return [(p.step, p.message) for p in session.verify() if p.is_damage]


def test_the_bytes_go_and_the_record_stays() -> None:
    """The picture is in no file any more; the record keeps its bytes, its id and its children, and a note says when and by whom."""
    write_config('name = "Ann"\n')
    bear = Session("./bear", endpoint="offline")
    panda = bear.generate("a bear")
    hat = panda.edit("Put a hat on it")
    data, record = panda.picture.data, panda.record.path.read_bytes()
    done = bear.forget(panda)
    assert (done.steps, done.files, done.bytes, done.words) == ((1,), (panda.files[0].name,), len(data), False)
    assert not holds(bear.folder, data)
    assert panda.record.path.read_bytes() == record
    note = json.loads(note_path(panda.record.path).read_bytes())
    assert (note["step"], note["by"], note["record"]) == (panda.id, "Ann", None)
    assert note["forgotten"].startswith("20")
    again = Session("./bear")
    assert [s.id for s in again.trail(hat.id)] == [panda.id, hat.id]
    assert again[1].prompt is not None
    with pytest.raises(LineageError, match=r"Step 1 was forgotten on 20\S+ by Ann: its picture is gone"):
        _ = again[1].picture.data


def test_words_go_where_that_is_asked_for() -> None:
    """Prompt, reply, label, notes and the template's sources are in no file any more; tree, ids, costs, times and pictures' hashes stay."""
    bear = Lineage(Path("bear"))
    root = made(bear, prompt={"text": SECRET}, label=SECRET, meta={"why": SECRET}, recipe="r1:0")
    child = made(bear, blue(), parents=[root.id])
    before = Session("./bear").spending
    Session("./bear").forget(1, words=True)
    after = Session("./bear")
    assert not holds(after.folder, SECRET.encode())
    found = after[1]
    assert (found.id, found.cost, found.label, found.prompt, found.text) == (root.id, 0.04, None, None, "")
    assert found.record.outputs == root.outputs
    assert found.record.recipe == "r1:0"
    assert [s.id for s in after.trail(child.id)] == [root.id, child.id]
    assert after.spending.usd == before.usd == 0.08
    assert messages(after) == []
    assert len(after) == len(after.steps) == 2


def test_an_open_session_sees_it_at_once() -> None:
    """What was read before holds the words no more, and a second session in this process neither."""
    made(Lineage(Path("bear")), prompt={"text": SECRET})
    one, other = Session("./bear"), Session("./bear")
    assert str(one[1].prompt) == str(other[1].prompt) == SECRET
    one.forget(1, words=True)
    assert one[1].prompt is None
    assert other[1].prompt is None


def test_nothing_is_forgotten_without_being_named() -> None:
    """No step, no steps of a search, None: an error, and nothing is touched; the same for a step that is not there."""
    made(Lineage(Path("bear")))
    bear = Session("./bear")
    before = snapshot(bear.folder)
    for given in ((), (bear.steps[:0],), (None,), (2,)):
        with pytest.raises(LineageError):
            bear.forget(*given)
    with pytest.raises(StepNotFound):
        bear.forget(1, 2)
    assert snapshot(bear.folder) == before


def test_a_dry_run_says_what_would_go_and_touches_nothing() -> None:
    """The same files and bytes as it then takes."""
    made(Lineage(Path("bear")))
    bear = Session("./bear")
    before = snapshot(bear.folder)
    would = bear.forget(1, dry_run=True)
    assert snapshot(bear.folder) == before
    did = bear.forget(1)
    assert (would.files, would.bytes, would.dry_run) == (did.files, did.bytes, True)
    assert "would be forgotten" in str(would)
    assert "Exports, saved copies and pages that were made before are not reached." in str(did)


def test_what_another_step_needs_stays() -> None:
    """A picture that another step has too stays that one's, and one that was sent along with another one; both are said."""
    bear = Lineage(Path("bear"))
    bear.create()
    bear.keep_source(blue())
    source = {"role": "reference", "sha256": blue().sha256, "mime_type": "image/png", "file": bear.source_name(blue())}
    made(bear, sources=[source])
    made(bear, red(), sources=[source])
    session = Session("./bear")
    first = str(session.forget(1))
    assert "Step 2 has the picture of step 1 too, and keeps it." in first
    assert f"{source['file']} stays, for step 2 needs it." in first
    assert session[2].picture == red()
    assert session[2].sources == (blue(),)
    session.forget(2)
    assert not holds(session.folder, blue().data)
    assert not holds(session.folder, red().data)
    assert messages(session) == []


def test_kept_answers_go_along() -> None:
    """Turns, bodies and halves in extra/ that no other step has are gone, of a step without a picture too."""
    bear = Lineage(Path("bear"))
    bear.create()
    turn, body = bear.keep_extra(b"a turn"), bear.keep_extra(b"a body")
    step = answered(bear, red())
    step.fields["attempts"][-1].update(turn=turn, kept=[turn])
    step.commit("picture")
    lost = answered(bear)
    lost.fields["attempts"][-1].update(body=body)
    lost.commit("text")
    Session("./bear").forget(1, 2)
    assert names(bear.folder / "extra") == []
    assert messages(Session("./bear")) == []


def test_half_written_copies_and_fingerprints_go_along() -> None:
    """What a killed writer left of the same picture is gone, and what the cache of looks knew of it."""
    bear = Session("bear", endpoint="offline")
    step = bear.generate("a bear")
    data = step.picture.data
    assert which(step.picture.image.resize((300, 300)))
    caches = bear.folder.parent.parent
    assert holds(caches, step.picture.sha256.encode() + b'", "fingerprint"')
    left = temporary_beside(bear.folder / "extra" / "x")
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(data)
    bear.forget(step)
    assert not left.exists()
    assert not holds(caches, step.picture.sha256.encode() + b'", "fingerprint"')
    assert len(which(data)) == 0


@pytest.mark.parametrize("after", range(7))
def test_a_killed_process_has_begun_what_the_next_finishes(after: int) -> None:
    """Killed before any file is renamed or removed, the folder opens, its steps keep their ids, and forgetting them again ends it."""
    lineage = Lineage(Path("bear"))
    records = [made(lineage, prompt={"text": SECRET}), made(lineage, blue(), prompt={"text": SECRET})]
    done = subprocess.run([sys.executable, "-c", CUT_SHORT, str(after)], capture_output=True, text=True)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    bear = Session("./bear")
    assert [s.id for s in bear.steps] == [r.id for r in records]
    bear.forget(1, 2, words=True)
    assert not holds(bear.folder, SECRET.encode())
    assert not holds(bear.folder, red().data)
    assert messages(bear) == []
    assert len([p for p in bear.verify() if not p.is_damage]) == 2


def test_what_was_begun_and_not_ended_is_named() -> None:
    """A note beside a picture that is still here, or beside words, is a problem, and the sentence says what to do."""
    record = made(Lineage(Path("bear")), prompt={"text": SECRET})
    data, written = record.picture.data, record.path.read_bytes()
    bear = Session("./bear")
    bear.forget(1, words=True)
    (bear.folder / record.outputs[0].name).write_bytes(data)
    record.path.write_bytes(written)
    assert {message for _, message in messages(bear)} == {
        "is still here, and was forgotten: forget the step again",
        "still has its words, which were forgotten: forget the step again, with words",
    }
    bear.forget(1)
    assert messages(bear) == []


# Going on


def test_the_same_request_is_asked_anew_and_said(service: Loopback) -> None:
    """A forgotten picture is no answer to the same request: a new step is made, and the sentence says why."""
    bear = Session("./bear", endpoint=service.url)
    bear.generate("a bear")
    bear.forget(1)
    with pytest.warns(PromptkitWarning, match=r"Step 1 asked for this already, and was forgotten on 20\S+: it is asked for anew"):
        assert bear.generate("a bear").number == 2
    assert bear.generate("a bear").reused
    assert len(service.received) == 2


def test_nothing_goes_on_from_it(service: Loopback) -> None:
    """Edits, takes, references and anchors of a forgotten step are refused with a sentence; nothing is sent."""
    bear = Session("./bear", endpoint=service.url)
    bear.generate("a bear")
    fox = bear.generate("a fox")
    bear.forget(1)
    sent = len(service.received)
    for ask in (
        lambda: bear.edit("x", on=1),
        lambda: bear[1].edit("x"),
        lambda: bear[1].vary("x", 2),
        lambda: fox.edit("x", references=1),
        lambda: fox.edit("x", anchor=1),
        lambda: bear[1].save("x.png"),
    ):
        with pytest.raises(LineageError, match="Step 1 was forgotten"):
            ask()
    assert len(service.received) == sent


def test_words_that_were_forgotten_are_not_asked_again(service: Loopback) -> None:
    """again() and a replay say that the prompt was forgotten, and not that it was stripped."""
    bear = Session("./bear", endpoint=service.url)
    step = bear.generate("a bear")
    bear.forget(step, words=True)
    with pytest.raises(LineageError, match="holds no prompt, as that was forgotten"):
        bear.again()
    with pytest.raises(LineageError, match="holds no prompt, as that was forgotten"):
        bear.replay("./again")


def test_a_failed_step_can_lose_its_words(service: Loopback) -> None:
    """The words that a refused or answered step asked and got go, too."""
    service.always = text_reply(SECRET)
    bear = Session("./bear", endpoint=service.url, recover=0)
    with pytest.raises(Exception, match="picture"):
        bear.generate(SECRET)
    bear.forget(1, words=True)
    assert not holds(bear.folder, SECRET.encode())
    assert repr(bear[1]).endswith("text: text, forgotten>")
    service.always = picture_reply(png())


def test_a_session_in_git_is_said() -> None:
    """What git has committed stays in its history, and the sentence names the repository."""
    made(Lineage(Path("work/bear")))
    (Path("work") / ".git").mkdir()
    assert f"{Path('work').resolve()} is a repository" in str(Session("./work/bear").forget(1))


# Folders from strangers


def noted(record: Record, /, **fields: object) -> Path:
    path = note_path(record.path)
    path.write_text(json.dumps({"step": record.id, "forgotten": "2026-01-01", "by": "Eve", "record": None, **fields}), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["promptkit.json", "head", "../../other.png", "0002-edit-{}.json", "0002-edit-{}.png", "tags/x.json"])
def test_only_files_that_are_named_for_the_step_are_deleted(name: str) -> None:
    """A record that calls another step's file, the head, the marker or a file elsewhere its picture loses none of them."""
    lineage = Lineage(Path("a/bear"))
    other = made(lineage, blue())
    Path("other.png").write_bytes(red().data)
    (lineage.folder / "head").write_text(other.id, encoding="utf-8")
    step = answered(lineage, red())
    digest = other.id if name.endswith(".json") else other.outputs[0].sha256
    step.fields["outputs"][0]["file"] = name.format(digest[:10])
    record = step._write("picture")
    before = names(Path())
    done = Session("./a/bear").forget(record.id)
    assert done.files == ()
    assert "that is no name of a file of step 2" in str(done)
    assert set(before) <= set(names(Path()))
    assert Session("./a/bear")[1].picture == blue()


def test_links_are_not_followed() -> None:
    """A link in place of a picture goes, and what it leads to stays; nothing is reached through a link in place of a folder."""
    lineage = Lineage(Path("bear"))
    lineage.create()
    away = Path("away")
    away.mkdir()
    source = {"role": "reference", "sha256": blue().sha256, "mime_type": "image/png", "file": lineage.source_name(blue())}
    record = made(lineage, red(), sources=[source])
    kept = away / Path(source["file"]).name
    kept.write_bytes(blue().data)
    (lineage.folder / "sources").symlink_to(away.resolve())
    picture = lineage.folder / record.outputs[0].name
    picture.rename(away / "red.png")
    picture.symlink_to((away / "red.png").resolve())
    Session("./bear").forget(1)
    assert kept.exists()
    assert (away / "red.png").exists()
    assert not os.path.lexists(picture)


def test_a_note_on_nothing_is_named_and_does_no_harm() -> None:
    """A note for a step that is not here, one in a pipe, and one that is no JSON are named by verify; the steps are as they were."""
    lineage = Lineage(Path("bear"))
    record = made(lineage)
    (lineage.folder / "0009-edit-0123456789.forgotten.json").write_text("{}", encoding="utf-8")
    os.mkfifo(note_path(record.path))
    bear = Session("./bear")
    assert bear[1].picture == red()
    assert [(p.step, "of none that is here" in p.message) for p in bear.verify()] == [(1, True), (9, True)]
    bear.forget(1)
    assert note_path(record.path).is_file()


@pytest.mark.parametrize("fields", [{"step": "0" * 64}, {"step": 7}, {"record": "x"}, {"step": "../../etc/passwd"}])
def test_a_note_of_another_step_does_not_count(fields: dict[str, object]) -> None:
    """A note that names another id than its record's forgets nothing."""
    record = made(Lineage(Path("bear")))
    noted(record, **fields)
    assert record.forgotten is None
    assert Session("./bear")[1].picture == red()


def test_a_note_cannot_put_words_into_a_record() -> None:
    """Only a file without words is believed in place of a record: another one is damage, whatever the note says of it."""
    lineage = Lineage(Path("bear"))
    record = made(lineage)
    forged = json.dumps({**wordless(record.fields), "prompt": {"text": "something else"}}).encode()
    record.path.write_bytes(forged)
    noted(record, record=hashlib.sha256(forged).hexdigest())
    assert Session("./bear").steps == ()
    assert any("was changed or renamed" in p.message for p in Session("./bear").verify())


def test_what_stays_of_a_record_stays_again() -> None:
    """A record without words is its own: forgetting it again changes no byte of it."""
    record = made(Lineage(Path("bear")), prompt={"text": SECRET})
    lineage = Lineage(Path("bear"))
    forget(lineage, [record], by="", words=True)
    before = record.path.read_bytes()
    forget(lineage, [lineage.get(record.id)], by="", words=True)
    assert record.path.read_bytes() == before
    assert wordless(wordless(record.fields)) == wordless(record.fields)


def test_failed_steps_and_names_of_nobody() -> None:
    """Where the config has no name the note has none: the login is not taken."""
    failed(Lineage(Path("bear")))
    Session("./bear").forget(1)
    assert json.loads(note_path(Lineage(Path("bear")).records()[0].path).read_bytes())["by"] == ""
