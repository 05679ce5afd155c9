"""Sessions that earlier code wrote (kept in tests/earlier, a folder each) open, are whole, go on, and are what today's code writes.

What today's records hold, and what damage does to them, is tested in tests/lineage.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import pytest
from kit import earlier, every_template, marked, named_references, other_hands
from kit.places import TESTS

from promptkit import FunctionTransport, Session, Step, import_session
from promptkit.providers.offline import service as offline

EARLIER = TESTS / "earlier"
FORGOTTEN = EARLIER / "0.1-forgotten"
FOLDERS = sorted(path.name for path in EARLIER.iterdir() if path.is_dir() and path != FORGOTTEN)
NEWEST = EARLIER / "0.1-told-errors"  # beside 0.1-kept-answers: an attempt that failed tells its error, too

pytestmark = pytest.mark.filterwarnings("ignore::promptkit.PromptkitWarning")  # pictures of other sizes than were asked for


# Any of them


@pytest.mark.parametrize("name", FOLDERS)
def test_it_can_be_checked_without_promptkit(name: str) -> None:
    """Ids are the sha256 of the record files, pictures have the sha256 that the record names: sha256sum and a JSON reader are enough."""
    for path in (EARLIER / name).glob("[0-9]*.json"):
        data = path.read_bytes()
        assert path.stem.endswith(hashlib.sha256(data).hexdigest()[:10])
        for output in json.loads(data)["outputs"]:
            assert hashlib.sha256((EARLIER / name / output["file"]).read_bytes()).hexdigest() == output["sha256"]


@pytest.mark.parametrize("name", FOLDERS)
def test_every_step_is_there_and_whole(name: str) -> None:
    """Each record is read, with the sha256 of its file as its id and all its fields as they stand in the file; nothing is damaged."""
    shutil.copytree(EARLIER / name, "bear")
    bear = Session("./bear", endpoint="offline")
    files = {hashlib.sha256(p.read_bytes()).hexdigest(): json.loads(p.read_bytes()) for p in Path("bear").glob("[0-9]*.json")}
    assert {step.id: dict(step.record.fields) for step in bear} == files
    assert bear.verify() == []


@pytest.mark.parametrize("name", FOLDERS)
def test_reading_it_changes_no_byte(name: str) -> None:
    """To open it, to tell it and to show it leaves its folder as it was."""
    shutil.copytree(EARLIER / name, "bear")
    bear = Session("./bear", endpoint="offline")
    assert [bear.explain(step).text() for step in bear]
    assert bear._repr_mimebundle_()["text/html"]
    assert str(bear.spending)
    assert content_of(Path("bear")) == content_of(EARLIER / name)


@pytest.mark.parametrize("name", FOLDERS)
def test_it_travels_byte_for_byte(name: str) -> None:
    """Exported whole and imported elsewhere, each record and picture is the same file, fields of a newer minor included."""
    shutil.copytree(EARLIER / name, "bear")
    Session("./bear", endpoint="offline").export("bear.zip", all=True)
    import_session("bear.zip", "copy")
    there, here = content_of(Path("copy")), content_of(EARLIER / name)
    assert {n: d for n, d in there.items() if n != "head"} == {n: d for n, d in here.items() if n != "head"}
    assert Session("./copy", endpoint="offline").verify() == []


def content_of(folder: Path) -> dict[str, bytes]:
    """All files that are no leftovers, by name."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# 0.1-six-steps


@pytest.fixture
def six() -> Session:
    """A copy of the first one, opened."""
    shutil.copytree(EARLIER / "0.1-six-steps", "bear")
    return Session("./bear", endpoint="google", transport=FunctionTransport(offline.answer))


def test_all_that_it_says_is_read(six: Session) -> None:
    """Steps, outcomes, prompts with their templates, references, tags, head, what undo left, and costs are as they were written."""
    assert [(s.number, s.outcome) for s in six] == [
        (1, "picture"),
        (2, "picture"),
        (3, "picture"),
        (4, "added"),
        (5, "picture"),
        (6, "refused"),
    ]
    fox, hat, scarf, _, both, refused = six
    assert (fox.label, fox.meta) == ("the first", {"for": "a client"})
    assert (fox.prompt.template, fox.prompt.inputs) == ("sticker", {"subject": "red fox"})
    assert "A kawaii sticker of a red fox" in fox.prompt.text
    assert list(fox.prompt.files) == ["sticker.j2"]
    assert [a["outcome"] for a in scarf.attempts] == ["text", "picture"]
    assert (len(both.sources), both.parents) == (2, (fox,))
    assert refused.attempts[0]["message"] == "No."
    assert six.tags == {"für die Kundin 熊": hat}
    assert (six.head, six.redo()) == (fox, both)
    assert (six.cost.amount, six.cost.unpriced) == (pytest.approx(5 * 0.038703, abs=0.001), 1)


def test_it_goes_on(six: Session) -> None:
    """What is asked again is reused; a new edit continues it, and both are explained and checked together."""
    talking = Session("./bear", endpoint="google", transport=FunctionTransport(offline.answer), chain="chat")
    assert talking.edit("What would suit it", on=2).reused
    night = six.edit("Make it night", on=2)
    assert (night.number, night.parents[0].number) == (7, 2)
    assert six.explain(night).text()
    assert six.verify() == []


# The newest of them


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> earlier.Service:
    """The folder that the calls read from, and the service that answers them."""
    earlier.prepare()
    monkeypatch.syspath_prepend(str(Path("site").absolute()))
    return earlier.Service()


@pytest.fixture
def every(prepared: earlier.Service) -> Session:
    """A copy of the one in which each field is, opened."""
    shutil.copytree(NEWEST, "bear")
    return earlier.session("bear", prepared)


OUTCOMES = ["picture"] * 4 + ["added"] + ["picture"] * 8 + ["refused", "error", "text", "interrupted", "picture", "picture"]


def test_each_field_is_read(every: Session) -> None:
    """What a caller sees of each step is what was asked and answered."""
    assert [s.outcome for s in every] == OUTCOMES
    poster, lamp, scarf, blue, own, both, night, dawn, drawn, _, squashed, gloss, printed = every.steps[:13]
    assert (poster.label, poster.meta, own.label) == ("the first", earlier.META, "by hand")
    assert (poster.prompt.template, dict(poster.prompt.inputs)) == ("poster", {"subject": "bear"})
    assert poster.prompt.text == "A poster of a bear, calm."
    assert set(poster.prompt.files) == {"poster.j2", "_paper.j2"}
    assert (gloss.prompt.template, gloss.prompt.pack) == ("acme.varnish", ("acme-prompts", "1.2.0"))
    assert (drawn.prompt.text, drawn.prompt.lang) == ("画一只猫", None)
    config = {"seed": 7, "temperature": 0.35, "safety": earlier.SAFETY, "aspect_ratio": "16:9"}
    assert lamp.record.fields["request"] == {"endpoint": "work", "model": "gemini-2.5-flash-image", "config": config}
    assert [p.mime_type for p in lamp.sources] == ["image/png", "image/png", "image/bmp"]
    assert [s["role"] for s in both.record.fields["sources"]] == ["base", "anchor", "reference"]
    assert (both.parents, both.model) == ((own, poster, lamp), "gemini-3-pro-image")
    assert [a["text"] for a in scarf.attempts] == ["A scarf? 🧣", "Here it is."]
    assert (blue.record.fields["chain"], blue.record.fields["continued"]) == ("chat", True)
    assert [s.record.fields["request"]["config"]["seed"] > 2**16 for s in (night, dawn)] == [True, True]
    assert [s.record.fields["take"] for s in (night, dawn)] == [0, 1]
    assert squashed.meta == {"squashes": [lamp.id, scarf.id, blue.id]}
    assert [(p.mime_type, p.size) for p in printed.pictures] == [("image/png", (8, 6)), ("image/jpeg", (8, 6))]
    assert [(a["outcome"], a["status"]) for a in printed.attempts] == [("error", 429), ("picture", 200)]


def test_costs_failures_tags_and_head_are_read(every: Session) -> None:
    """Sums, what went wrong, the names of steps, and where the head can go are as they were."""
    refused, error, words, interrupted = every.steps[13:17]
    assert [s.attempts[0]["message"] for s in (refused, error)] == ["No.", "Invalid value."]
    assert (words.text, words.ok, interrupted.attempts[0]["outcome"]) == ("A scarf? 🧣", False, "interrupted")
    assert (every[13].cost, every[6].cost.unpriced, every[13].usage["totalTokenCount"]) == (pytest.approx(0.04), 1, 1304)
    assert every[6].warnings == ("gemini-3-pro-image was asked for, and gemini-2.5-flash-image answered",)
    assert every[10].warnings == ("another ratio than before (9×6, was 8×6)",)
    assert every.tags == {"für die Kundin 熊": every[2], "night": every[7]}
    assert (every.head, every.redo()) == (every[12], every[13])


def test_a_newer_minor_is_read_and_its_fields_stay(every: Session) -> None:
    """A record of schema 1.9 is a step like any other, at every level with the field that this version does not know."""
    newer = every[18]
    fields = newer.record.fields
    assert (fields["schema"], newer.outcome, newer.parents) == ("1.9", "picture", (every[1],))
    for one in (fields, fields["prompt"], fields["request"], fields["request"]["config"]):
        assert one["newer"] == {"of": ["1.9", None, 2.5]}
    for one in (*fields["attempts"], *fields["sources"], *fields["outputs"]):
        assert one["newer"] == "1.9"
    assert every[19].parents == (newer,)
    assert newer.picture.data == every[2].picture.data


def test_the_same_calls_send_nothing(every: Session, prepared: earlier.Service) -> None:
    """Each call that brought a picture brings the same step, and the service is not asked."""
    again = [*earlier.answered_calls("bear", prepared), earlier.continue_newer("bear", prepared)]
    assert [s.id for s in again] == [every[number].id for number in (*range(1, 14), 19)]
    assert prepared.asked == 0
    assert len(every) == len(OUTCOMES)


def test_each_step_can_be_continued_and_repeated(every: Session, prepared: earlier.Service) -> None:
    """Each step with a picture is the base of a new edit, and each that was asked for can be asked for again."""
    before = len(every)
    for step in every.steps[:before]:
        if step.ok:
            assert every.edit("Add a frame", on=step).parents == (step,)
        if step.outcome == "picture" and step.model == every[1].model:
            assert step.again().prompt.text == step.prompt.text
    assert len(every) == before + OUTCOMES.count("picture") + OUTCOMES.count("added") + OUTCOMES.count("picture") - 1
    assert every.verify() == []


def test_a_replay_asks_for_the_same_words(every: Session, prepared: earlier.Service) -> None:
    """The trail of a step from a template, with its sources kept in the session, is asked for again in another one."""
    replayed = every.at(13).replay(earlier.session("other", prepared))
    assert isinstance(replayed, tuple)
    assert [s.prompt.text for s in replayed] == [s.prompt.text for s in every.trail(13)]


def test_stripped_it_holds_no_words(every: Session) -> None:
    """Without words it is a session that verifies, with each step's outcome, options and cost, and nothing that a newer minor added."""
    every.export("bare.zip", all=True, strip=True)
    import_session("bare.zip", "bare")
    bare = Session("./bare", endpoint="offline")
    assert bare.verify() == []
    assert [s.outcome for s in bare] == OUTCOMES
    assert [s.record.fields["stripped_from"] for s in bare] == [s.id for s in every]
    assert [s.cost for s in bare] == [s.cost for s in every]
    assert bare[2].record.fields["request"] == {**every[2].record.fields["request"], "endpoint": None}
    said = b"".join(data for name, data in content_of(Path("bare")).items() if name.endswith(".json"))
    for word in ("lamp", "bear", "scarf", "acme", "Ümit", "newer", "Kundin"):
        assert word.encode() not in said


def test_todays_code_writes_the_same_records(every: Session, prepared: earlier.Service) -> None:
    """The same calls in a new folder write the same bytes, but for times, what follows from them, and words that may be reworded.

    A format that changes on purpose gets a folder of its own, written by kit.earlier, and becomes the newest.
    """
    earlier.write("new")
    assert earlier.normalized("new") == earlier.normalized(NEWEST)
    within = (p.name for p in Path("new").iterdir() if p.is_dir() and p.name != ".open")
    assert sorted(within) == sorted(p.name for p in NEWEST.iterdir() if p.is_dir())


def test_each_step_is_one_of_its_session(every: Session) -> None:
    """A step is found by its number, its tag and the beginning of its id."""
    for step in every:
        found: list[Step] = [every[step.number], every[step.id[:12]]]
        assert found == [step, step]


# 0.1-every-template


def test_every_template_in_every_language_is_found_again() -> None:
    """What a user of the first release asked, with all templates, languages and ways to edit, costs nothing when it is run again."""
    shutil.copytree(EARLIER / "0.1-every-template", "bear")
    service = every_template.Service()
    steps = every_template.calls("bear", service)
    assert service.asked == 0
    assert {step.number for step in steps} == set(range(1, 1 + len(steps)))
    assert len(every_template.session("bear", service)) == len(steps)


def test_every_template_in_every_language_comes_back_where_nothing_may_be_sent() -> None:
    """With send=False the same calls bring the same steps, and write nothing but where the head stands."""
    shutil.copytree(EARLIER / "0.1-every-template", "bear")
    service = every_template.Service()
    steps = every_template.calls("bear", service, send=False)
    assert (service.asked, {step.reused for step in steps[2:]}) == (0, {True})
    assert content_of(Path("bear")) | {"head": b""} == content_of(EARLIER / "0.1-every-template") | {"head": b""}


def test_every_template_in_other_words_is_found_again() -> None:
    """Records whose words a template makes no longer, as after a mended rendering, stand for what it makes today: with their own chains."""
    service = every_template.Service()
    bear = every_template.session("bear", service)
    rows = [row for row in every_template.ROWS if row["lang"] == "ja"]
    old = every_template.chains(bear, rows, lambda prompt: dataclasses.replace(prompt, text="\n" + prompt.text.replace(" ", "\n ")))
    asked = service.asked
    again = every_template.chains(every_template.session("bear", service), rows)
    assert [step.id for step in again] == [step.id for step in old]
    assert service.asked == asked


# 0.1-named-references


@pytest.fixture
def story() -> earlier.Service:
    """A copy of the one whose pictures went along by names, as ./story; the service that answers its calls."""
    named_references.prepare()
    shutil.copytree(EARLIER / "0.1-named-references", "story")
    return earlier.Service()


def test_pictures_that_went_along_by_names_are_found_again(story: earlier.Service) -> None:
    """The same calls bring the same steps, and send nothing; each name stands for what it stood for last."""
    steps = named_references.calls("story", story)
    assert (story.asked, {step.reused for step in steps}) == (0, {True})
    named = named_references.session("story", story)
    assert {name: each.description for name, each in named.references.items()} == {"heroine": "熊", "window": None}
    said = {source.label for step in steps for source in step.record.sources}
    assert {"heroine: the girl with the red scarf", "window:", "帽子：", "person: the person to dress", "gown、dress：着せる服"} <= said
    assert (len(named), named.verify()) == (len(steps) + 1, [])


def test_todays_code_writes_the_same_names(story: earlier.Service) -> None:
    """The same calls in a new folder write the same records and the same files of names, but for times."""
    named_references.calls("new", earlier.Service())
    assert earlier.normalized("new") == earlier.normalized("story")
    new, there = ({path.name: json.loads(path.read_bytes()) for path in Path(f, "references").iterdir()} for f in ("new", "story"))
    assert {name: named["description"] for name, named in new.items()} == {name: named["description"] for name, named in there.items()}


def test_a_replay_sends_the_words_that_were_sent(story: earlier.Service) -> None:
    """Asked for again elsewhere, each picture goes along behind the same words, also those that a template has in another language."""
    named = named_references.session("story", story)
    for number in (4, 5):
        there = named.at(number).replay(named_references.session(f"there-{number}", story))
        sent, said = ([[s.label for s in step.record.sources] for step in steps] for steps in (there, named.trail(number)))
        assert sent == said


# 0.1-marks


MARKS = [
    "step 1: keep ★★★★★",
    "step 1: keep ★★★★ bluer (Bo)",
    "step 2: reject (Bo)",
    "step 2: reject zu dunkel 32x24+0+0 (Zoë)",
    "step 2: keep 2x2+1+2 (客户)",
    "step 3: ★★ もっと青く (Bo)",
    "step 3: ★★★ (客户)",
]


def test_marks_count_as_they_did() -> None:
    """The newest of each reader, without those that were taken back; said again the same count, and what was sent again is known."""
    shutil.copytree(EARLIER / "0.1-marks", "bear")
    bear = Session("./bear", endpoint="offline")
    assert [str(mark) for mark in bear.marks] == MARKS
    assert [s.number for s in bear.marked("keep")] == [1]
    assert bear.marked("keep").conflicts == (bear[2],)
    assert bear.import_marks(marked.MAIL).known == 3
    assert [str(mark) for mark in marked.calls("bear").marks] == [str(mark) for mark in marked.calls("new").marks] == MARKS
    assert bear.verify() == []


# 0.1-other-hands, and 0.1-forgotten


@pytest.fixture
def shop() -> other_hands.Service:
    """The service that answers the calls, with its prices in yuan in the config file."""
    other_hands.prepare()
    return other_hands.Service()


def test_a_hands_work_and_costs_in_other_currencies_are_read(shop: other_hands.Service) -> None:
    """What was made by hand is a child of its step, costs are in their currency or not known, and the same calls send nothing."""
    shutil.copytree(EARLIER / "0.1-other-hands", "bear")
    fox, cleaned, night, other, root, both = other_hands.calls("bear", shop)
    assert [cleaned.parents, night.parents, other.parents, root.parents] == [(fox,), (cleaned,), (night,), ()]
    assert [cleaned.record.by_hand, root.record.by_hand] == [True, False]
    assert (cleaned.label, both.parents) == ("cleaned by hand", (root, cleaned))
    bear = other_hands.session("bear", shop)
    assert (bear.cost.amounts, bear.cost.unpriced) == ({"CNY": 0.9}, 1)
    assert shop.asked == 0


def test_what_was_forgotten_stays_so(shop: other_hands.Service) -> None:
    """Steps, ids, tree and costs are there, and nothing is damaged; what was forgotten is asked for anew, as new steps."""
    shutil.copytree(FORGOTTEN, "bear")
    bear = other_hands.session("bear", shop)
    assert [s.record.forgotten is not None for s in bear] == [False, False, True, True, False, False]
    assert [p.step for p in bear.verify()] == [3, 4]
    assert not any(p.is_damage for p in bear.verify())
    assert (str(bear[3].prompt), bear[4].prompt) == ("Make it night", None)
    assert [s.id[:10] for s in bear] == [p.name[-15:-5] for p in sorted(FORGOTTEN.glob("[0-9]*-*-??????????.json"))]
    assert bear.cost.amounts == {"CNY": 0.9}
    assert bear.edit("Make it blue", on=2).parents == (bear[2],)
    again = other_hands.calls("bear", shop)
    assert [s.number for s in again] == [1, 2, 8, 9, 5, 6]
    assert shop.asked == 3
