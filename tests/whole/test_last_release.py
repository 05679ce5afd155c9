"""What this release writes is read by the last one: opened, checked, reused and continued, and its newer fields stay.

The last release is taken from the repository's history and runs in a process of its own. That this release reads what earlier ones wrote is
tested in test_earlier_formats.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from kit import earlier, marked, named_references, other_hands
from kit.loopback import json_reply, picture_reply, png
from kit.places import ROOT

from promptkit import Endpoint, FunctionTransport, Session

LAST = "cd4074b01526de83dd7ffb57cbd8ef997191ca47"  # a release takes the place of this commit with the tag of the one before it
TAKEN = ("promptkit", "templates", "tests/kit")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::promptkit.PromptkitWarning")]  # pictures of other sizes


@pytest.fixture(scope="session")
def last(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the last release's code."""
    found = subprocess.run(["git", "archive", LAST, *TAKEN], cwd=ROOT, capture_output=True)
    if found.returncode:
        pytest.skip(f"the history of this folder does not hold {LAST[:7]}, which is the last release: a full clone does")
    folder = tmp_path_factory.mktemp("last")
    with tarfile.open(fileobj=io.BytesIO(found.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def told_by(last: Path, script: str) -> Any:
    """What the last release's code finds: `script` runs in it, in this folder, and leaves its answer in `said`."""
    begin = "import json, promptkit, sys, warnings; sys.path.insert(0, 'site'); warnings.simplefilter('ignore')\n"
    paths = os.pathsep.join([str(last), str(last / "tests")])
    done = subprocess.run(
        [sys.executable, "-c", f"{begin}{script}\nprint(json.dumps([promptkit.__file__, said]))"],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    file, said = json.loads(done.stdout.splitlines()[-1])
    assert Path(file).is_relative_to(last)
    return said


@pytest.fixture
def bear(monkeypatch: pytest.MonkeyPatch) -> Session:
    """A session in which each kind of step and each field is, with a record of a later 1.x, as this release writes it."""
    earlier.prepare()
    monkeypatch.syspath_prepend(str(Path("site").absolute()))
    earlier.write("bear")
    return earlier.session("bear", earlier.Service())


OPENED = "from kit import earlier\nservice = earlier.Service()\nbear = earlier.session('bear', service)\n"


def test_it_is_opened_and_checked(last: Path, bear: Session) -> None:
    """Each step is there with its id, all of its fields, its picture and its words; nothing is damaged; head and tags are the same."""
    script = OPENED + (
        "said = {'steps': [[s.id, s.outcome, str(s.prompt), s.ok and s.picture.sha256, dict(s.record.fields)] for s in bear], 'head':"
        " bear.head.id, 'tags': {name: s.id for name, s in bear.tags.items()}, 'problems': list(map(str, bear.verify()))}"
    )
    said = told_by(last, script)
    fields = {hashlib.sha256(p.read_bytes()).hexdigest(): json.loads(p.read_bytes()) for p in bear.folder.glob("[0-9]*-*.json")}
    assert said["steps"] == [[s.id, s.outcome, str(s.prompt), s.ok and s.picture.sha256, fields[s.id]] for s in bear]
    assert (said["head"], said["tags"]) == (bear.head.id if bear.head else None, {name: s.id for name, s in bear.tags.items()})
    assert said["problems"] == []


def test_nothing_is_asked_again(last: Path, bear: Session) -> None:
    """The same calls bring the same steps there, and send nothing."""
    script = OPENED + "said = [[s.id for s in earlier.answered_calls('bear', service)], service.asked]"
    assert told_by(last, script) == [[bear[number].id for number in range(1, 14)], 0]


def test_it_is_continued_there_and_here(last: Path, bear: Session) -> None:
    """What the last release adds is found here, with all before it as it was; what this one adds then is found there."""
    before = {path.name: path.read_bytes() for path in bear.folder.glob("[0-9]*-*")}
    added = told_by(last, OPENED + "said = [bear.edit('Add a bell', on=n).id for n in (1, 13, 19)]")
    assert {name: (bear.folder / name).read_bytes() for name in before} == before
    service = earlier.Service()
    here = earlier.session("bear", service)
    assert [here.edit("Add a bell", on=number).id for number in (1, 13, 19)] == added
    assert (service.asked, here.verify()) == (0, [])
    more = here.edit("Add a ribbon", on=added[0][:12])
    script = OPENED + "said = [bear.edit('Add a ribbon', on=20).id, service.asked, list(map(str, bear.verify()))]"
    assert told_by(last, script) == [more.id, 0, []]


def test_newer_fields_stay_when_it_is_taken_along_there(last: Path, bear: Session) -> None:
    """Exported and imported by the last release, each record is the same file."""
    told_by(last, OPENED + "bear.export('bear.zip', all=True)\nsaid = str(promptkit.import_session('bear.zip', 'copy'))")
    for path in bear.folder.glob("[0-9]*-*"):
        assert (Path("copy") / path.name).read_bytes() == path.read_bytes()


def test_what_the_last_one_cannot_read_it_refuses_by_name(last: Path) -> None:
    """A cost in another currency is new: the last release does not misread it, it names the record and the field, and shows the rest."""
    config = Path(os.environ["PROMPTKIT_HOME"]) / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[models."gemini-2.5-flash-image".price.shop]\npicture = 0.30\ncurrency = "CNY"\n')
    replies = iter([picture_reply(png("red")), json_reply({"promptFeedback": {"blockReason": "SAFETY"}})])
    shop = Endpoint("shop", "https://shop.example.com")
    bear = Session("./bear", endpoint=shop, api_key="of-a-test", transport=FunctionTransport(lambda *_: next(replies)))
    fox = bear.generate("a fox")
    own = bear.add(png("green"))
    assert fox.cost.amounts == {"CNY": 0.30}
    config.unlink()  # the last release knows no currencies there either
    script = (
        "bear = promptkit.Session('./bear', endpoint='offline')\n"
        "said = [[str(p) for p in bear.verify()], bear[2].id, bear.edit('Add a hat', on=2).ok]"
    )
    problems, second, went_on = told_by(last, script)
    assert (second, went_on) == (own.id, True)
    assert len(problems) == 1
    assert "cost.usd" in problems[0]
    assert Session("./bear", endpoint="offline")[1].cost.amounts == {"CNY": 0.30}


def test_names_of_pictures_stay_there(last: Path) -> None:
    """The last release reads, checks and continues a session with named references, and leaves the names and what records say of them."""
    named_references.prepare()
    steps = named_references.calls("story", earlier.Service())
    story = named_references.session("story", earlier.Service())
    before = {path.name: path.read_bytes() for path in story.folder.rglob("*.json")}
    script = (
        "story = promptkit.Session('./story', endpoint='offline')\n"
        "said = [[s.id for s in story], story.tags['for the client'].id,"
        " story.edit('Add a bell', on=9, references=[story[1]]).ok, list(map(str, story.verify()))]"
    )
    ids, tagged, went_on, problems = told_by(last, script)
    assert {step.id for step in steps} <= set(ids)
    assert (tagged, went_on, problems) == (steps[-1].id, True, [])
    assert {name: data for name, data in before.items() if data != next(story.folder.rglob(name)).read_bytes()} == {}
    assert Session("./story", endpoint="offline").verify() == []


def test_marks_stay_there(last: Path) -> None:
    """The last release reads, checks and continues a session with marks, and leaves them as they are."""
    bear = marked.calls("bear")
    before = {path.name: path.read_bytes() for path in bear.folder.glob("marks/*")}
    script = (
        "bear = promptkit.Session('./bear', endpoint='offline')\n"
        "said = [[s.id for s in bear], bear.edit('Add a bell', on=1).ok, list(map(str, bear.verify()))]"
    )
    ids, went_on, problems = told_by(last, script)
    assert (ids, went_on, problems) == ([step.id for step in bear][:3], True, [])
    assert {path.name: path.read_bytes() for path in bear.folder.glob("marks/*")} == before
    assert Session("./bear", endpoint="offline").verify() == []


def test_a_hands_work_and_what_was_forgotten_are_steps_there(last: Path) -> None:
    """What was made by hand from a step is its child there too; a forgotten picture is missed, a step that lost its words is named, and
    neither is paid for unasked: all else is there, and goes on.
    """
    steps = other_hands.calls("bear", other_hands.Service())  # without prices: those in yuan are told of above
    bear = other_hands.session("bear", other_hands.Service())
    bear.forget(3)
    bear.forget(4, words=True)
    script = (
        "bear = promptkit.Session('./bear', endpoint='offline')\n"
        "said = [[[s.number, s.id, s.outcome, [p.number for p in s.parents]] for s in bear], list(map(str, bear.verify())),"
        " bear.edit('Add a bell', on=2).ok]"
    )
    there, problems, went_on = told_by(last, script)
    assert there == [[s.number, s.id, s.outcome, [p.number for p in s.parents]] for s in steps if s.number != 4]
    assert went_on
    assert {problem.partition(":")[0] for problem in problems} == {"step 3", "step 4"}


def test_a_step_made_here_is_one_without_a_picture_there(last: Path) -> None:
    """The outcome is new: the last release shows, verifies and exports the step, refuses to go on from it or to replay it, and goes
    on from what continues it.
    """
    bear = Session("./bear", endpoint="offline")
    cut = bear.generate("a fox").crop(ratio="4:5")
    night = cut.edit("Make it night")
    script = (
        "bear = promptkit.Session('./bear', endpoint='offline')\n"
        "def refused(call):\n"
        "    try:\n        call()\n    except promptkit.PromptkitError as error:\n        return str(error)\n"
        "said = [[[s.id, s.outcome, s.ok, float(s.cost)] for s in bear], list(map(str, bear.verify())),"
        " refused(lambda: bear.edit('Add a hat', on=2)), refused(lambda: bear.replay('./again')), refused(lambda: bear.squash(2, 3)),"
        " bear.edit('Add a hat', on=3).id, str(promptkit.import_session(bear.export('bear.zip', all=True), 'copy'))]"
    )
    steps, problems, *refused, hat, _ = told_by(last, script)
    assert [step[:3] for step in steps] == [[bear[1].id, "picture", True], [cut.id, "made", False], [night.id, "picture", True]]
    assert (problems, [step[3] for step in steps]) == ([], [0.0] * 3)
    assert [bool(said) for said in refused] == [True] * 3
    here = Session("./copy", endpoint="offline")
    assert [s.id for s in here] == [bear[1].id, cut.id, night.id, hat]
    assert (here.verify(), here[1].crop(ratio="4:5").reused) == ([], True)
