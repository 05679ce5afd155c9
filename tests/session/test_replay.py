"""Replays: a trail asked for again elsewhere, resumed, previewed, and put into other words.

Asking again; that the same request is not paid for twice is tested in test_reuse.py, squashing in test_squash.py.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kit.loopback import Hang, Loopback, Received, Reply, error_reply, picture_reply, png
from kit.steps import edit_json, snapshot

from promptkit import (
    BudgetExceeded,
    FunctionTransport,
    Input,
    InputError,
    Library,
    LineageError,
    Picture,
    PictureError,
    PromptkitWarning,
    ProviderError,
    Session,
    SettingsError,
    Step,
    TemplateError,
    templates,
)
from promptkit.archive.import_zip import import_session
from promptkit.cli.main import build_parser, main
from promptkit.lineage.tree import Lineage
from promptkit.providers.offline import service as offline
from promptkit.session.replay_preview import ReplayPreview
from promptkit.session.reprompt import declared_inputs

HAT = "---\nkind: {kind}\ninputs:\n  subject: {{default: bear}}\n  hats: {{type: integer, default: 1}}\n---\n{body}\n"
TWO = "Draw {{ subject }} with {{ hats }} hats."
ENDPOINT = '[endpoints.{name}]\nbase_url = "{url}"\nkey_env = "{key}"\n'
PRICE = '[models.m.price.{name}]\npicture = {usd}\n'

# What is done in a process of its own, which a test stops: replay.py FOLDER INTO URL
SCRIPT = """
import os, re, sys
from promptkit import Session

def end_before_a_record(event, arguments):  # the picture lies there whole, and its record has no name yet
    if event == "os.rename" and re.search(r"0003-[^/]*\\.json$", str(arguments[1])):
        os._exit(9)

if len(sys.argv) > 4:
    sys.addaudithook(end_before_a_record)
Session(sys.argv[1]).replay(Session(sys.argv[2], endpoint=sys.argv[3]))
"""


def small(path: str, body: bytes) -> Reply:
    """A painter that is quicker than the package's own: eight pixels of a colour that follows from the request."""
    return picture_reply(png(tuple(hashlib.sha256(body).digest()[:3]), (8, 8)))


def bear() -> Session:
    """Three steps: from a template, in free text with options of its own, and from a template with a reference to the first."""
    session = Session("./bear", endpoint="offline", transport=FunctionTransport(small))
    first = session.generate(templates.sticker(subject="red panda") + " Add a border.", label="panda")
    second = first.edit("Add a scarf", references=[png("green")], seed=5, temperature=0.5, meta={"why": "cold"})
    second.edit(templates.edit.style_transfer(style="woodblock print"), references=[first])
    return session


def hat(body: str, *, kind: str = "generate", name: str = "hat", folder: str = "prompts") -> Library:
    Path(folder).mkdir(exist_ok=True)
    (Path(folder) / f"{name}.j2").write_text(HAT.format(kind=kind, body=body), encoding="utf-8")
    return Library(folder)


def settings_file(*parts: str) -> None:
    """The user's own config file, with these tables."""
    home = Path(os.environ["PROMPTKIT_HOME"])
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text("\n".join(parts), encoding="utf-8")


def at_two_endpoints(url: str, monkeypatch: pytest.MonkeyPatch) -> Session:
    """Two steps, the first at an endpoint with a price, the second at one without; both want a key."""
    both = (ENDPOINT.format(name=name, url=url, key=f"{name.upper()}_KEY") for name in ("one", "two"))
    settings_file(*both, PRICE.format(name="one", usd=0.04))
    for name in ("ONE_KEY", "TWO_KEY"):
        monkeypatch.setenv(name, f"secret-of-{name}")
    first = Session("./bear", endpoint="one", model="m").generate("a bear")
    Session("./bear", endpoint="two", model="m").edit("Add a hat", on=first)
    return Session("./bear")


def texts(steps: Any) -> list[str]:
    return [s.prompt.text for s in steps if s.prompt]


def replayed(session: Session, into: Session, **changes: Any) -> tuple[Step, ...]:
    done = session.replay(into, **changes)
    assert isinstance(done, tuple)
    return done


def previewed(session: Session, into: Session, **changes: Any) -> ReplayPreview:
    done = session.replay(into, dry_run=True, **changes)
    assert isinstance(done, ReplayPreview)
    return done


def declared(session: Session) -> dict[str, Input]:
    return declared_inputs(Lineage(session.folder), [s.record for s in session.trail()])


# What is asked again


def test_the_steps_of_the_trail_are_asked_again_in_another_session(service: Loopback) -> None:
    """Prompts, options with the seed, references, labels and notes go again, each from the replayed picture; the original is as it was."""
    session = bear()
    before = snapshot(session.folder)
    session.goto(3)
    head = {str(session.folder), str(session.folder / "head")}
    steps = replayed(session, Session("./cup", endpoint=service.url, model="m"))
    assert [r.text for r in service.received] == texts(session) == texts(steps)
    config = service.received[1].json["generationConfig"]
    assert (config["seed"], config["temperature"]) == (5, 0.5)
    assert service.received[1].pictures == [steps[0].picture.data, png("green")]
    assert service.received[2].pictures == [steps[1].picture.data, steps[0].picture.data]
    assert [s.id for s in steps[2].parents] == [steps[1].id, steps[0].id]
    assert [s.meta for s in steps] == [{"replays": session[1].id}, {"why": "cold", "replays": session[2].id}, {"replays": session[3].id}]
    assert [s.label for s in steps] == ["panda", None, None]
    cup = Session("./cup")
    assert (cup.head, cup.verify(), len(cup)) == (steps[-1], [], 3)
    assert {k: v for k, v in snapshot(session.folder).items() if k not in head} == {k: v for k, v in before.items() if k not in head}


def test_endpoint_model_and_options_are_those_of_the_call_then_of_into_then_of_the_record(service: Loopback) -> None:
    """The call's endpoint and model win over those that `into` was opened with, these over the recorded; so does an option of `into`."""
    session = bear()
    assert {s.endpoint for s in replayed(session, Session("./a"))} == {"offline"}
    named = Session("./b", endpoint="offline", model="mine", aspect_ratio="16:9", seed=9)
    steps = replayed(session, named)
    assert {(s.endpoint, s.model) for s in steps} == {("offline", "mine")}
    assert {s.record.request["config"]["aspect_ratio"] for s in steps} == {"16:9"}
    assert {s.record.request["config"]["seed"] for s in steps} == {9}
    asked = replayed(session, named, endpoint=service.url, model="other")
    assert {s.model for s in asked} == {"other"}
    assert len(service.received) == 3


def test_a_key_stays_with_the_endpoint_that_it_was_given_for(service: Loopback) -> None:
    """The key of a session that names its endpoint never goes to another endpoint that a replay names."""
    into = Session("./cup", endpoint="google", api_key="AIza-very-secret-0123456789")
    replayed(bear(), into, endpoint=service.url, model="m")
    assert not any("very-secret" in str(r.headers) for r in service.received)
    own = Session("./own", api_key="AIza-very-secret-0123456789")
    replayed(Session("./bear"), own, endpoint=service.url, model="m")
    assert "AIza-very-secret-0123456789" in service.received[-1].headers.values()


def test_a_key_stays_with_the_endpoint_of_the_head(service: Loopback) -> None:
    """A key that was given to a session which follows its head is that endpoint's, and no replayed step takes it to another."""
    settings_file(ENDPOINT.format(name="mine", url=service.url, key="NONE"), ENDPOINT.format(name="theirs", url=service.url, key="NO_KEY"))
    Session("./mine", endpoint="mine", api_key="AIza-very-secret-0123456789").generate("a bear")
    Session("./mailed", endpoint="theirs", api_key="AIza-their-own-key-0123456789").generate("a fox")
    with pytest.raises(SettingsError, match="No key for 'theirs'"):
        Session("./mailed").replay(Session("./mine", api_key="AIza-very-secret-0123456789"))
    assert len(service.received) == 2


def test_options_that_the_model_does_not_have_are_left_out_and_named(service: Loopback) -> None:
    """A recorded size that another model lacks is left out with a warning that names step and option; the rest is asked as recorded."""
    session = Session("./bear", endpoint=service.url, model="gemini-3-pro-image")
    session.generate("a bear", image_size="4K", aspect_ratio="3:2")
    into = Session("./cup", endpoint=service.url)
    with pytest.warns(PromptkitWarning, match="Step 1: gemini-2.5-flash-image has no image_size '4K', which is left out"):
        (step,) = replayed(session, into, model="gemini-2.5-flash-image")
    assert step.record.request["config"] == {"aspect_ratio": "3:2"}


def test_too_many_pictures_for_the_model_are_refused_before_anything_is_sent(service: Loopback) -> None:
    """What a model is known not to take is said with the step's number before the first request, and nothing is written."""
    session = Session("./bear", endpoint=service.url, model="m")
    session.generate("a bear").edit("together", references=[png(c) for c in ("red", "green", "blue")])
    with pytest.raises(SettingsError, match=r"Step 2: gemini-2\.5-flash-image takes 3 pictures"):
        session.replay(Session("./cup", endpoint=service.url), model="gemini-2.5-flash-image")
    assert len(service.received) == 2
    assert not Path("cup").exists()


@pytest.mark.parametrize("changes", [{}, {"dry_run": True}, {"start": png()}, {"inputs": {"subject": "fox"}}])
def test_a_stripped_lineage_says_that_it_holds_no_prompt(changes: dict[str, Any]) -> None:
    """What was exported without its words cannot be replayed: the error names the first step that would be asked for."""
    bear().export("bear.zip", strip=True)
    stripped = Session(import_session("bear.zip", "stripped"))
    number = 2 if "start" in changes else 1
    with pytest.raises(LineageError, match=f"Step {number} holds no prompt, as it was stripped"):
        stripped.replay(Session("./cup"), **changes)
    assert not Path("cup").exists()
    assert declared(stripped) == {}


@pytest.mark.parametrize(
    ("keyword", "said"),
    [
        ("dryrun", r"There is no keyword 'dryrun' \(did you mean 'dry_run'\?\)"),
        ("budget", r"'budget'; use Session\(into, budget=…\)"),
        ("fresh", r"'fresh'; use Session\(into, reuse=False\)"),
        ("subjct", "'subjct'; known are start, model"),
    ],
)
def test_a_keyword_that_there_is_not_is_named_with_what_to_write(keyword: str, said: str) -> None:
    """A slip, and what belongs to the session that the steps go to, are errors that say so, and do not show the value."""
    with pytest.raises(SettingsError, match=said) as caught:
        bear().replay("./cup", **{keyword: "a value"})
    assert "a value" not in str(caught.value)
    assert not Path("cup").exists()


# What is known before anything is paid


def test_a_trail_over_two_endpoints_is_asked_at_both(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step goes to the endpoint that it was made at, with that endpoint's own key."""
    steps = replayed(at_two_endpoints(service.url, monkeypatch), Session("./cup"))
    assert [s.endpoint for s in steps] == ["one", "two"]
    keys = [r.headers["x-goog-api-key"] for r in service.received]
    assert keys == ["secret-of-ONE_KEY", "secret-of-TWO_KEY"] * 2


def test_a_missing_price_is_said_before_anything_is_paid(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where `into` has a budget and a later step no price, nothing is sent; a preview says it too."""
    session = at_two_endpoints(service.url, monkeypatch)
    for changes in ({}, {"dry_run": True}):
        with pytest.raises(SettingsError, match=r"Step 2: A budget needs a price.*m at two"):
            session.replay(Session("./cup", budget=1), **changes)
    assert len(service.received) == 2
    assert not Path("cup").exists()


def test_a_missing_key_is_said_before_anything_is_paid(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the key of a later step's endpoint is missing nothing is sent; a preview needs none."""
    session = at_two_endpoints(service.url, monkeypatch)
    monkeypatch.delenv("TWO_KEY")
    with pytest.raises(SettingsError, match="Step 2: No key for 'two': set TWO_KEY"):
        session.replay(Session("./cup"))
    assert len(previewed(session, Session("./cup")).requests) == 2
    assert len(service.received) == 2
    assert not Path("cup").exists()


def test_what_is_there_needs_neither_key_nor_price(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replay of which all is there already asks nobody, and so needs nothing to ask with."""
    session = at_two_endpoints(service.url, monkeypatch)
    replayed(session, Session("./cup"))
    for name in ("ONE_KEY", "TWO_KEY"):
        monkeypatch.delenv(name)
    assert all(s.reused for s in replayed(session, Session("./cup", budget=1)))
    assert previewed(session, Session("./cup", budget=1)).requests == ()


def test_a_key_among_the_words_is_said_before_anything_is_sent(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """An input that holds a key stops the replay at once, whichever step it is for; a preview does not show it."""
    session = bear()
    monkeypatch.setenv("GEMINI_API_KEY", "AIza-very-secret-0123456789")
    for dry_run in (False, True):
        with pytest.raises(SettingsError, match="Step 3: The prompt, an input or another value of the call holds a key"):
            session.replay("./cup", endpoint=service.url, inputs={"elements": "AIza-very-secret-0123456789"}, dry_run=dry_run)
    assert service.received == []


def test_a_preview_says_where_the_budget_ends(service: Loopback) -> None:
    """It carries what the budget of `into` has left, and names the step that would pass it, where the replay then stops."""
    settings_file(ENDPOINT.format(name="one", url=service.url, key="NONE") + 'auth = "none"', PRICE.format(name="one", usd=0.04))
    session = Session("./bear", endpoint="one", model="m")
    session.generate("a bear").edit("Add a hat").edit("Make it night")
    cup = Session("./cup", budget=0.1)
    plan = previewed(session, cup)
    assert (plan.left, plan.beyond) == ((0.1, "USD"), plan.rows[2])
    assert plan.total == "3 requests, about 0.1200 USD; the budget has 0.1000 USD left, which step 3 would pass"
    with pytest.raises(BudgetExceeded):
        session.replay(cup)
    assert len(cup) == 2
    left = previewed(session, cup)
    assert left.total == "1 request, about 0.0400 USD; 2 there already; the budget has 0.0200 USD left, which step 3 would pass"
    enough = previewed(session, Session("./cup", budget=1))
    assert (enough.left, enough.beyond) == ((0.92, "USD"), None)
    assert previewed(session, Session("./cup")).left is None


def test_an_endpoint_that_is_not_known_is_named_with_the_step() -> None:
    """A step that was made through a transport of one's own is named, with what to give instead."""
    session = Session("./bear", transport=FunctionTransport(small))
    session.generate("a bear").edit("Add a hat")
    for changes, number in (({}, 1), ({"start": png()}, 2)):
        with pytest.raises(SettingsError, match=rf"^Step {number} was made at 'custom', which your settings do not define: name it"):
            session.replay(Session("./cup"), **changes)


# Another starting picture


@pytest.mark.parametrize("given", [lambda p: p, lambda p: p.read_bytes(), Picture.open, lambda p: Picture.open(p).image])
def test_a_starting_picture_takes_the_place_of_the_root(given: Callable[[Path], object], service: Loopback, tmp_path: Path) -> None:
    """start= as a path, bytes, a Picture or a PIL image is added, and stands for the root wherever the trail names that."""
    (tmp_path / "own.png").write_bytes(png("blue"))
    session = bear()
    steps = replayed(session, Session("./cup", endpoint=service.url, model="m"), start=given(tmp_path / "own.png"))
    assert [s.outcome for s in steps] == ["added", "picture", "picture"]
    assert texts(steps) == texts(session)[1:]
    assert steps[0].picture.image.getpixel((0, 0)) == (0, 0, 255)
    assert service.received[0].pictures == [steps[0].picture.data, png("green")]
    assert service.received[1].pictures[1] == steps[0].picture.data


def test_a_step_can_be_the_start_and_makes_a_branch(service: Loopback) -> None:
    """A step of the same session as start= is continued itself; the trail is then a new branch beside the old one."""
    session = bear()
    other = session.generate("a cat")
    session.goto(3)
    steps = replayed(session, session, start=other)
    assert steps[0] == other
    assert [s.parents[0].id for s in steps[1:]] == [other.id, steps[1].id]
    assert session.head == steps[-1]
    assert len(session) == 6
    (root, *_) = replayed(session.at(3), Session("./cup"), start=other)
    assert (root.outcome, root.picture) == ("added", other.picture)


def test_an_added_root_goes_along() -> None:
    """A trail that begins with a picture of one's own begins with the same bytes and label; the same session has it already."""
    session = Session("./bear", endpoint="offline")
    root = session.add(png("blue"), label="mine")
    session.edit("Add a hat")
    steps = replayed(session, Session("./cup"))
    assert (steps[0].outcome, steps[0].label, steps[0].picture) == ("added", "mine", root.picture)
    assert [s.reused for s in replayed(session, session)] == [True, True]
    assert len(session) == 2


def test_a_start_that_is_none_is_refused() -> None:
    """No picture, an object that is none, and a trail of which nothing would be left are errors, and nothing is written."""
    session = bear()
    for start, error, said in (("no.png", PictureError, "no.png cannot be read"), (7, PictureError, "not a int")):
        with pytest.raises(error, match=said):
            session.replay(Session("./cup"), start=start)
    with pytest.raises(LineageError, match="Step 1 is the whole trail"):
        session.at(1).replay(Session("./cup"), start=png())
    with pytest.raises(LineageError, match="nothing to replay"):
        Session("./none").replay(Session("./cup"))
    assert not Path("cup").exists()


# Other words


def test_inputs_go_to_each_step_whose_template_has_them() -> None:
    """An input changes the steps whose template declares it, what was added to the words stays; None takes one away."""
    session = bear()
    steps = replayed(session, Session("./cup"), inputs={"subject": "fox"})
    first, second, third = texts(steps)
    assert "sticker of a fox" in first
    assert first.endswith(" Add a border.")
    assert second == "Add a scarf"
    assert "image of a fox" in third
    assert steps[0].prompt is not None
    assert steps[0].prompt.inputs == {"subject": "fox"}
    row = previewed(session.at(3), Session("./cup"), inputs={"subject": "fox", "style": "ink"}).rows[2]
    assert row.prompt is not None
    assert dict(row.prompt.inputs) == {"style": "ink", "subject": "fox"}
    assert "“woodblock print” → “ink”" in row.changed
    thick = replayed(session, Session("./thick"), inputs={"elements": "thick lines"})
    assert texts(thick)[2] != texts(session)[2]
    assert texts(replayed(Session("./thick"), Session("./thin"), inputs={"elements": None})) == texts(session)


def test_wrong_inputs_are_named_before_anything_is_sent(service: Loopback) -> None:
    """An input that no step has is an InputError with the nearest one; a value that does not fit names the step."""
    into = Session("./cup", endpoint=service.url, model="m")
    with pytest.raises(InputError, match=r"'subjct' \(did you mean 'subject'\?\)") as caught:
        bear().replay(into, inputs={"subjct": "fox", "subject": "fox"})
    assert len(caught.value.problems) == 1
    with pytest.raises(InputError, match=r"Step 3: .*'from_picture' is 'maybe'"):
        Session("./bear").replay(into, inputs={"from_picture": "maybe"})
    with pytest.raises(InputError, match="lang="):
        Session("./bear").replay(into, inputs={"lang": "ja"})
    with pytest.raises(InputError, match="none of them comes from a template"):
        Session("./bear").at(2).replay(into, inputs={"subject": "fox"}, start=png())
    with pytest.raises(SettingsError, match="inputs= is a mapping"):
        Session("./bear").replay(into, inputs=["subject"])  # type: ignore[arg-type]
    assert service.received == []
    assert not Path("cup").exists()


def test_the_sources_that_the_session_keeps_are_used() -> None:
    """A template that changed or is gone on disk is rendered from the sources that the session keeps, with its partials."""
    Path("prompts").mkdir()
    Path("prompts/_tail.j2").write_text("Keep it {{ subject }}.", encoding="utf-8")
    library = hat(TWO + "{% include '_tail.j2' %}")
    session = Session("./bear", endpoint="offline")
    session.generate(library.hat(subject="owl"))
    Path("prompts/_tail.j2").unlink()
    hat("Something else.")
    (step,) = replayed(session, Session("./cup"), inputs={"hats": 3})
    assert step.prompt is not None
    assert step.prompt.text == "Draw owl with 3 hats.Keep it owl."
    assert step.prompt.files["_tail.j2"] == "Keep it {{ subject }}."
    assert step.prompt.digest == session[1].record.prompt["digest"]
    assert Session("./cup").verify() == []


def test_todays_templates_are_taken_where_they_are_named() -> None:
    """templates= takes a library's sources, and says of each step whether its source changed, and which words."""
    session = Session("./bear", endpoint="offline")
    session.generate(hat(TWO).hat(subject="owl")).edit(hat(TWO, kind="edit", name="same").same()).edit("Add a scarf")
    session.edit(hat(TWO, kind="edit", name="gone", folder="lost").gone())
    today = hat("Paint {{ subject }} with {{ hats }} tall hats.")
    rows = previewed(session, Session("./cup"), templates=today).rows
    assert [r.source_changed for r in rows] == [True, False, None, None]
    assert rows[0].changed == ("“Draw” → “Paint”", "+ “tall”")
    assert rows[3].notes == ("gone is not in templates=; its stored source is used",)
    with pytest.warns(PromptkitWarning) as said:
        steps = replayed(session, Session("./cup"), templates=today)
    assert texts(steps)[0] == "Paint owl with 1 tall hats."
    assert str(said[0].message) == "Step 1: the template hat changed; its words: “Draw” → “Paint”, + “tall”."
    assert len(said) == 2
    with pytest.raises(SettingsError, match="templates= is a Library"):
        session.replay(Session("./cup"), templates="prompts")  # type: ignore[arg-type]
    hat("{% broken")
    with pytest.raises(TemplateError, match=r"hat\.j2"):
        session.replay(Session("./cup"), templates=today)


def test_a_changed_template_is_reported_in_whatever_language_it_is_asked() -> None:
    """templates= with lang= compares in the recorded language: changed, as it was, or not written in it any more."""
    Path("prompts").mkdir()
    translated = Path("prompts/hat.ja.j2")
    translated.write_text("---\n---\n{{ subject }}を描く。", encoding="utf-8")
    session = Session("./bear", endpoint="offline")
    session.generate(hat(TWO).hat(subject="owl"))
    japanese = session.generate(hat(TWO).hat(subject="owl", lang="ja"))
    translated.write_text("---\n---\n{{ subject }}を塗る。", encoding="utf-8")

    def changed(step: object, body: str, lang: str) -> bool | None:
        (row,) = previewed(session.at(step), Session("./cup"), templates=hat(body), lang=lang).rows
        return row.source_changed

    assert [changed(1, body, "ja") for body in (TWO, "Paint {{ subject }} with {{ hats }} hats.")] == [False, True]
    assert changed(japanese, TWO, "en") is True
    translated.unlink()
    assert changed(japanese, TWO, "en") is True
    with pytest.warns(PromptkitWarning, match="Step 2: the template hat changed; its words: in en instead of ja"):
        replayed(session.at(japanese), Session("./cup"), templates=hat(TWO), lang="en")


def test_hints_follow_the_template_and_own_options_stay() -> None:
    """What the template asked for, it asks for as it stands now; what the caller asked for, or took away, stays so."""
    front = '---\nconfig: {{aspect_ratio: "{}"}}\n---\nDraw.\n'
    Path("prompts").mkdir()
    Path("prompts/hat.j2").write_text(front.format("4:3"), encoding="utf-8")
    session = Session("./bear", endpoint="offline")
    first = session.generate(Library("prompts").hat())
    own = session.generate(Library("prompts").hat(), aspect_ratio="16:9")
    none = session.generate(Library("prompts").hat(), aspect_ratio=None)
    Path("prompts/hat.j2").write_text(front.format("1:1"), encoding="utf-8")
    with pytest.warns(PromptkitWarning, match=r"Step [123]: the template hat changed; its words: as they were"):
        today = [replayed(session.at(s), Session("./cup"), templates=Library("prompts"))[0] for s in (first, own, none)]
    assert [s.record.request["config"] for s in today] == [{"aspect_ratio": "1:1"}, {"aspect_ratio": "16:9"}, {}]
    same = [replayed(session.at(s), Session("./same"))[0].record.request["config"] for s in (first, own, none)]
    assert same == [{"aspect_ratio": "4:3"}, {"aspect_ratio": "16:9"}, {}]


def test_another_language_where_the_template_has_it() -> None:
    """lang= goes to the templates that are written in it; free text and other templates are sent as they are, and it is said which."""
    session = Session("./bear", endpoint="offline")
    first = session.generate(templates.sticker(subject="レッサーパンダ"))
    first.edit("Add a scarf").edit(hat(TWO, kind="edit").hat())
    rows = previewed(session, Session("./cup"), lang="ja").rows
    assert rows[0].prompt is not None
    assert (rows[0].prompt.lang, rows[0].changed) == ("ja", ("in ja instead of en", "subject='レッサーパンダ' as it was"))
    assert rows[0].prompt.text == templates.sticker(subject="レッサーパンダ", lang="ja").text
    assert rows[1].notes == ("its words are sent as they are, not in ja",)
    assert rows[2].notes == ("hat is not written in ja here, and stays in en",)
    with pytest.warns(PromptkitWarning, match=r"Step [23]: ") as said:
        steps = replayed(session, Session("./cup"), lang="ja")
    assert len(said) == 2
    assert [r.prompt for r in rows] == [s.prompt and rows[i].prompt for i, s in enumerate(steps)]
    back = previewed(Session("./cup"), Session("./back"), lang="en").rows
    assert back[0].prompt is not None
    assert back[0].prompt.text == texts(session)[0]
    assert all(r.notes == () for r in back)


def test_a_kept_language_needs_nothing_on_disk() -> None:
    """A template that was rendered in another language is rendered in that one again, from what the session keeps."""
    Path("prompts").mkdir()
    Path("prompts/hat.ja.j2").write_text("---\n---\n{{ subject }}を{{ hats }}つ描く。", encoding="utf-8")
    session = Session("./bear", endpoint="offline")
    session.generate(hat(TWO).hat(lang="ja", subject="熊"))
    for path in Path("prompts").iterdir():
        path.unlink()
    (step,) = replayed(session, Session("./cup"), inputs={"hats": 2})
    assert texts([step]) == ["熊を2つ描く。"]
    assert texts(replayed(session, Session("./en"), lang="en")) == ["Draw 熊 with 1 hats."]


def test_todays_translation_of_the_very_same_template_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """A language that the session does not keep is taken from the file on disk, but only where its base file is the one that is kept."""
    monkeypatch.setenv("PROMPTKIT_TEMPLATES", "prompts")
    session = Session("./bear", endpoint="offline")
    session.generate(hat(TWO).hat(subject="熊"))
    Path("prompts/hat.ja.j2").write_text("---\n---\n{{ subject }}を描く。", encoding="utf-8")
    assert [r.prompt and r.prompt.text for r in previewed(session, Session("./cup"), lang="ja").rows] == ["熊を描く。"]
    hat(TWO + " On a hill.")
    (row,) = previewed(session, Session("./cup"), lang="ja").rows
    assert (row.prompt and row.prompt.text, row.notes) == ("Draw 熊 with 1 hats.", ("hat is not written in ja here, and stays in en",))


def test_an_input_that_was_renamed_is_given_under_either_name() -> None:
    """Today's template that renamed an input takes the new value under its new and its old name, instead of the recorded one."""
    session = Session("./bear", endpoint="offline")
    session.generate(hat(TWO).hat(subject="owl"))
    Path("prompts/hat.j2").write_text("---\ninputs:\n  animal: {renamed_from: subject}\n---\nDraw {{ animal }}.\n", encoding="utf-8")
    with pytest.warns(PromptkitWarning, match="is now called|template hat changed"):
        assert texts(replayed(session, Session("./c"), inputs={"subject": "fox"}, templates=Library("prompts"))) == ["Draw fox."]
    with pytest.warns(PromptkitWarning, match="template hat changed"):
        assert texts(replayed(session, Session("./d"), inputs={"animal": "cat"}, templates=Library("prompts"))) == ["Draw cat."]
    with pytest.warns(PromptkitWarning, match="is now called"):
        assert texts(replayed(Session("./d"), Session("./e"), inputs={"subject": "dog"})) == ["Draw dog."]


def test_a_lost_template_leaves_its_words() -> None:
    """Where the kept sources are damaged, the recorded words are sent as they are; to change an input is an error that says so."""
    session = bear()
    for path in (session.folder / "templates").iterdir():
        edit_json(path, **{"sticker.j2": "---\ninputs:\n  subject: {}\n---\nA {{ subject }}, changed by hand."})
    with pytest.warns(PromptkitWarning, match=r"Step [13]: the sources of its template .* its words are sent as free text") as said:
        steps = replayed(session, Session("./cup"))
    assert len(said) == 2
    assert texts(steps) == texts(session)
    assert [s.prompt and s.prompt.template for s in steps] == [None, None, None]
    assert Session("./cup").verify() == []
    with pytest.raises(LineageError, match=r"template sticker of step 1 is missing or damaged"):
        session.replay(Session("./fox"), inputs={"subject": "fox"})
    with pytest.warns(PromptkitWarning, match=r"Step [13]: its words were not just what its template makes"):
        assert "fox" in texts(replayed(session, Session("./fox"), inputs={"subject": "fox"}, templates=templates))[0]


def test_words_that_no_template_makes_are_kept_unless_they_have_to_change() -> None:
    """Words other than the template's own are sent as recorded; where inputs change, they are rendered anew, and it is said."""
    from dataclasses import replace

    session = Session("./bear", endpoint="offline")
    session.generate(replace(hat(TWO).hat(), text="Only this."))
    assert texts(replayed(session, Session("./cup"))) == ["Only this."]
    with pytest.warns(PromptkitWarning, match="rendered anew"):
        assert texts(replayed(session, Session("./cup"), inputs={"hats": 4})) == ["Draw bear with 4 hats."]


# A preview


def test_a_preview_shows_all_and_sends_and_writes_nothing(service: Loopback, tmp_path: Path) -> None:
    """dry_run shows every prompt, place and price, with the total and how many have none; nothing is sent, made or moved."""
    session = bear()
    before = snapshot(tmp_path)
    plan = previewed(session, Session("./cup"), endpoint="google", model="gemini-3-pro-image", inputs={"subject": "<fox>"})
    assert [(r.step, r.model, r.endpoint, r.price) for r in plan.rows] == [(n, "gemini-3-pro-image", "google", 0.134) for n in (1, 2, 3)]
    assert (plan.cost, plan.unpriced) == (0.402, 0)
    for said in ("3 requests, about 0.4020 USD", "“red panda” → “<fox>”", "Add a scarf", "gemini-3-pro-image at google"):
        assert said in str(plan)
    html = plan._repr_mimebundle_()["text/html"]
    assert "&lt;fox&gt;" in html
    assert "<fox>" not in html
    assert "0.4020" in html
    strange = previewed(session, Session("./cup", endpoint=service.url, model="m"), start=png())
    assert (strange.cost.amounts, strange.unpriced, len(strange.requests)) == ({}, 2, 2)
    assert "2 requests; 2 without a known price" in str(strange)
    assert snapshot(tmp_path) == before
    assert service.received == []


def test_a_preview_knows_what_is_there() -> None:
    """Steps that `into` holds already are shown with their numbers and cost nothing, up to the first that is not there."""
    session, cup = bear(), Session("./cup")
    replayed(session.at(2), cup)
    plan = previewed(session, cup)
    assert [r.there for r in plan.rows] == [1, 2, None]
    assert "1 request, about 0.0000 USD; 2 there already" in str(plan)
    replayed(session, cup)
    assert [r.there for r in previewed(session, session).rows] == [1, 2, 3]


def test_a_preview_leaves_what_a_killed_process_left(service: Loopback, tmp_path: Path) -> None:
    """A picture on disk without its record is not there for a preview, which writes nothing; the replay then finds it."""
    session = bear()
    killed = subprocess.run([sys.executable, "-c", SCRIPT, "./bear", "./cup", service.url, "end"], check=False)
    assert killed.returncode == 9
    before = snapshot(tmp_path)
    assert [r.there for r in previewed(session, Session("./cup", endpoint=service.url)).rows] == [1, 2, None]
    assert snapshot(tmp_path) == before
    assert [s.number for s in replayed(session, Session("./cup", endpoint=service.url))] == [1, 2, 3]
    assert len(service.received) == 3


def test_a_preview_counts_what_is_then_sent(service: Loopback) -> None:
    """Over a trail of all kinds (a picture of one's own, references, a take of vary, an anchor, one asked again) both counts agree."""
    service.always = lambda received: small(received.path, received.body)
    session = Session("./bear", endpoint=service.url, model="m")
    cat, own = session.generate("a cat"), session.add(png("blue", (8, 8)))
    varied = own.edit("Add a hat", references=[cat]).vary("Make it night", n=2)[1]
    session.goto(varied.edit("Add snow", anchor=own).again())
    cup = Session("./cup", endpoint=service.url, model="m")
    for expected in (3, 0):
        sent = len(service.received)
        assert len(previewed(session, cup).requests) == expected
        replayed(session, cup)
        assert len(service.received) - sent == expected
    assert len(previewed(session, session, start=png("red", (8, 8))).requests) == 3


def test_a_terminal_is_not_driven_by_a_preview() -> None:
    """Control characters in recorded words are shown as such, for a folder may come from a stranger."""
    session = Session("./bear", endpoint="offline")
    session.generate("a bear\x1b[2J\nin snow")
    assert "\x1b" not in str(previewed(session, Session("./cup")))
    assert "\n    in snow" in str(previewed(session, Session("./cup")))


def test_another_trail_than_the_heads_is_chosen_by_its_step() -> None:
    """`at(step)` in Python and --step in the shell run the steps up to that one, wherever the head is."""
    session = bear()
    assert [r.step for r in previewed(session.at(2), Session("./cup")).rows] == [1, 2]
    run = [sys.executable, "-m", "promptkit", "replay", "-s", "./bear", "--into", "./cup", "--step", "2"]
    subprocess.run(run, check=True, capture_output=True)
    assert [len(Session("./cup")), session.head.number if session.head else 0] == [2, 3]


# The same session, takes, damage


def test_a_replay_of_itself_finds_each_step_of_the_trail() -> None:
    """With nothing changed the same session holds it all, the very takes of the trail: asked again, varied and fresh ones."""
    session = Session("./bear", endpoint="offline")
    second = session.generate("a bear").again()
    taken = second.vary("Add a hat", n=3)[2]
    third = taken.edit("Make it night").again()
    session.goto(third)
    steps = replayed(session, session)
    assert list(steps) == list(session.trail(third))
    assert all(s.reused for s in steps)


def test_a_changed_replay_of_itself_is_a_branch() -> None:
    """In the same session the unchanged beginning is found and the rest branches off; the old steps are as they were."""
    session = bear()
    old = {p: p.read_bytes() for p in session.folder.rglob("*") if p.is_file() and p.name not in ("head", ".open-journal")}
    steps = replayed(session, session, inputs={"elements": "ink"})
    assert [s.reused for s in steps] == [True, True, False]
    assert session.children(2) == (session[3], steps[2])
    assert [s.id for s in steps[2].parents] == [session[2].id, session[1].id]
    assert all(path.read_bytes() == data for path, data in old.items())


def test_a_replay_of_a_replay_names_the_step_it_replays() -> None:
    """meta's `replays` is the step that was replayed last; a note of the caller's under that name is kept beside it."""
    session = Session("./bear", endpoint="offline")
    session.generate("a bear", meta={"replays": "of the match"})
    (cup,) = replayed(session, Session("./cup"))
    assert cup.meta == {"replays": "of the match", "promptkit_replays": session[1].id}
    session.generate("a cat")
    replayed(session, Session("./b"))
    (again,) = replayed(Session("./b"), Session("./c"))
    assert again.meta == {"replays": Session("./b")[1].id}


def test_a_trail_whose_root_is_lost_needs_a_start() -> None:
    """Where an earlier step is damaged, start= takes its place and all steps behind it are asked; without one it is an error."""
    session = bear()
    session[1].files[-1].write_text("{", encoding="utf-8")
    session = Session("./bear")
    with pytest.raises(LineageError, match=r"step 2 continues is missing or damaged; start="):
        session.replay(Session("./cup"))
    steps = replayed(session, Session("./cup"), start=png("blue"))
    assert texts(steps)[0] == "Add a scarf"
    assert [s.id for s in steps[2].parents] == [steps[1].id, steps[0].id]


def test_a_missing_reference_is_said_before_anything_is_sent(service: Loopback) -> None:
    """A picture from outside that is gone from the session's folder stops the replay at once."""
    session = bear()
    for path in (session.folder / "sources").iterdir():
        path.unlink()
    with pytest.raises(LineageError, match="cannot be read"):
        session.replay(Session("./cup", endpoint=service.url, model="m"))
    assert service.received == []


def test_a_draft_from_beside_the_trail_is_not_sent_to_a_service_unsaid(service: Loopback) -> None:
    """A reference that the offline painter drew and that is not replayed itself goes to a service with a warning."""
    session = Session("./bear", endpoint="offline")
    other = session.generate("a cat")
    session.generate("a bear").edit("Put the cat beside it", references=[other])
    with pytest.warns(PromptkitWarning, match="Step 3: the picture of step 1, which goes along, is an offline draft"):
        steps = replayed(session, Session("./cup", endpoint=service.url, model="m"))
    assert service.received[-1].pictures[1] == other.picture.data
    assert len(steps[-1].parents) == 1


def test_a_reference_from_beside_the_trail_stays_the_step_that_it_is() -> None:
    """In the same session a reference that is no part of the trail is a parent of the new step, as it is of the old one."""
    session = Session("./bear", endpoint="offline")
    other = session.generate("a cat")
    session.generate("a bear").edit("Put the cat beside it", references=[other])
    *_, step = replayed(session, session, start=png("blue"))
    assert other in step.parents


def test_a_picture_of_the_old_branch_that_goes_along_is_said(service: Loopback) -> None:
    """A reference to a step that continues the trail and is not on it is sent as it was, and a warning and the preview say so."""
    session = Session("./bear", endpoint=service.url, model="m")
    first = session.generate("a bear")
    beside = first.edit("Add a hat")
    first.edit("Take the hat of image 2", references=[beside])
    note = "the picture of step 2, which goes along, is as it was: that step is not on the trail, and is not asked again"
    cup = Session("./cup", endpoint=service.url, model="m")
    assert previewed(session, cup, start=png("blue")).rows[1].notes == (note,)
    with pytest.warns(PromptkitWarning, match=f"Step 3: {note}"):
        replayed(session, cup, start=png("blue"))
    assert service.received[-1].pictures == [png("blue"), beside.picture.data]
    assert previewed(session, cup, start=png("blue")).rows[1].notes == ()
    assert all(s.reused for s in replayed(session, session))


def test_a_replayed_squash_does_not_name_what_it_stood_for(service: Loopback) -> None:
    """The ids of the squashed steps are those of another branch, and stay there; a caller's own note of that name goes along."""
    session = Session("./bear", endpoint=service.url, model="m")
    session.generate("a bear", meta={"squashes": "lemons"}).edit("Add a hat").edit("Make it night")
    session.squash(2, 3)
    root, squashed = replayed(session, Session("./cup", endpoint=service.url, model="m"))
    assert root.meta == {"squashes": "lemons", "replays": session[1].id}
    assert squashed.meta == {"replays": session[4].id}


def test_an_anchor_stays_an_anchor(service: Loopback) -> None:
    """An earlier step that went along as an anchor goes along as one again, as the step that was replayed for it."""
    session = Session("./bear", endpoint=service.url, model="m")
    first = session.generate("a bear")
    first.edit("Add a hat").edit("Make it night", anchor=first, references=[png("green")])
    steps = replayed(session, Session("./cup", endpoint=service.url, model="m"))
    entries = [(s["role"], s.get("step")) for s in steps[2].record.sources]
    assert entries == [("base", steps[1].id), ("anchor", steps[0].id), ("reference", None)]
    assert service.received[-1].pictures == [steps[1].picture.data, steps[0].picture.data, png("green")]
    assert all(s.reused for s in replayed(session, session))


def test_what_was_asked_with_more_pictures_than_its_template_names_is_asked_so_again() -> None:
    """A recorded step that took another picture along than its template provides for is replayed as it is; today's template refuses it."""
    session = bear()
    session.again(references=[png("blue")])
    assert len(replayed(session, Session("./cup"))[-1].sources) == 3
    with pytest.raises(InputError, match=r"Step 4: edit.style_transfer .* not 3"):
        session.replay(Session("./today"), templates=templates)


def test_a_chain_that_talked_talks_again(service: Loopback) -> None:
    """Steps that were asked with the earlier turns are asked with the replayed ones, whatever the chain of `into`."""
    session = Session("./bear", endpoint=service.url, model="m", chain="chat")
    session.generate("a bear").edit("Add a hat").edit("Make it night")
    replayed(session, Session("./cup", endpoint=service.url, model="m", chain="picture"))
    assert [len(r.json["contents"]) for r in service.received] == [1, 3, 5] * 2


# Stopped and gone on with


def test_an_error_in_the_middle_keeps_what_was_made_and_goes_on_from_there(service: Loopback) -> None:
    """The error carries the failed step, the head is on the last one made, and the same call asks only for what is missing."""
    session, cup = bear(), Session("./cup", endpoint=service.url, model="m")
    service.say(None, error_reply(403, "no"))
    with pytest.raises(ProviderError) as caught:
        session.replay(cup)
    assert caught.value.step.outcome == "error"
    assert cup.head == cup[1]
    steps = replayed(session, cup)
    assert [s.reused for s in steps] == [True, False, False]
    assert Counter(r.text for r in service.received) == Counter(dict.fromkeys(texts(session), 1) | {"Add a scarf": 2})


def test_ctrl_c_leaves_what_was_made() -> None:
    """Ctrl-C in a request records it as interrupted; the head is on the last step that was made, and the call goes on from there."""
    session = bear()

    def asked(path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        if len(cup) == 1 and not stopped:
            stopped.append(True)
            raise KeyboardInterrupt
        return offline.answer(path, body)

    stopped: list[bool] = []
    cup = Session("./cup", transport=FunctionTransport(asked))
    with pytest.raises(KeyboardInterrupt):
        session.replay(cup)
    assert [s.outcome for s in cup] == ["picture", "interrupted"]
    assert cup.head == cup[1]
    assert [s.number for s in replayed(session, cup)] == [1, 3, 4]


def test_a_killed_replay_asks_for_nothing_twice(service: Loopback) -> None:
    """kill -9 in the middle of a chain: the same call again asks only for what was never answered."""
    session = Session("./bear", endpoint="offline")
    session.generate("a bear")
    for i in range(7):
        session.edit(f"Add hat {i}")
    answered: Counter[str] = Counter()

    def answer(received: Received) -> Any:
        if received.text in hanging:
            return Hang(30)
        answered[received.text] += 1
        return offline.answer(received.path, received.body)

    service.always, hanging = answer, {"Add hat 1", "Add hat 5"}
    command = [sys.executable, "-c", SCRIPT, "./bear", "./cup", service.url]
    for stop in sorted(hanging):
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        while not any(r.text == stop for r in service.received):
            assert process.poll() is None, process.stderr and process.stderr.read().decode()
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        hanging.discard(stop)
    subprocess.run(command, check=True)
    assert answered == Counter(texts(session))
    cup = Session("./cup")
    assert texts(cup.trail()) == texts(session)
    assert sorted(s.outcome for s in cup if not s.ok) == ["interrupted"] * 2
    assert cup.verify() == []


def test_a_picture_that_a_killed_process_left_is_found(service: Loopback) -> None:
    """A process that ends when its picture is on disk and its record is not: the picture is recorded, and not asked for again."""
    session = bear()
    command = [sys.executable, "-c", SCRIPT, "./bear", "./cup", service.url]
    assert subprocess.run([*command, "end"], check=False).returncode == 9
    assert len(Session("./cup")) == 2
    steps = replayed(session, Session("./cup", endpoint=service.url))
    assert len(service.received) == 3
    assert [s.number for s in steps] == [1, 2, 3]
    assert "its process ended" in steps[2].warnings[0]


def test_a_service_that_paints_another_picture_is_followed(service: Loopback) -> None:
    """Each step goes on from the picture that the replay got, whatever the recorded one was."""
    session = bear()
    service.say(*(picture_reply(png(c, (8, 8))) for c in ("purple", "pink", "brown")))
    replayed(session, Session("./cup", endpoint=service.url, model="m"))
    assert [r.pictures[:1] for r in service.received] == [[], [png("purple", (8, 8))], [png("pink", (8, 8))]]


# The command line


def command(*arguments: str) -> int:
    options = build_parser("replay").parse_args(arguments)
    status: int = options.run(options)
    return status


def test_the_command_previews_and_replays(capsys: pytest.CaptureFixture[str]) -> None:
    """`replay --dry-run` prints what would be asked; `replay` prints the pictures' paths, and a second time that they are reused."""
    bear()
    assert command("replay", "-s", "./bear", "--into", "./cup", "-i", "subject=fox", "--dry-run") == 0
    assert "sticker of a fox" in capsys.readouterr().out
    assert not Path("cup").exists()
    for marks in (0, 3):
        assert command("replay", "-s", "./bear", "--into", "./cup", "-i", "subject=fox") == 0
        out, said = capsys.readouterr()
        assert [Path(line) for line in out.split()] == [s.files[0] for s in Session("./cup")]
        assert said.count("reused, nothing was sent") == marks


def test_the_command_reads_inputs_by_their_types(capsys: pytest.CaptureFixture[str]) -> None:
    """-i fills numbers as numbers and @FILE from a file, with the types of the templates that are used: kept, -L, or --today."""
    Session("./bear", endpoint="offline").generate(hat(TWO).hat(subject="owl"))
    Path("subject.txt").write_text("fox\n", encoding="utf-8")
    rest = ("-s", "./bear", "--into", "./cup", "-i", "hats=3", "-i", "subject=@subject.txt", "--dry-run")
    hat(TWO.replace("hats.", "tall hats."))
    for more, said in (((), "fox with 3 hats."), (("-L", "prompts"), "fox with 3 tall hats."), (("--today",), "hat is not in templates=")):
        assert command("replay", *rest, *more) == 0
        assert said in capsys.readouterr().out
    assert {k: v.type for k, v in declared(Session("./bear")).items()} == {"subject": "string", "hats": "integer"}


def test_the_command_starts_from_a_file_or_a_step(capsys: pytest.CaptureFixture[str]) -> None:
    """--start is a picture file where there is one of that name, else a number, tag or id of the session that is replayed."""
    session = bear()
    cat = session.generate("a cat")
    session.tag("the cat", cat)
    session.goto(3)

    def started(given: str) -> Picture:
        into = f"./from-{len(list(Path().iterdir()))}"
        assert command("replay", "-s", "./bear", "--into", into, "--start", given) == 0
        return Session(into)[1].picture

    assert [started(given) for given in ("4", "the cat", cat.id[:12])] == [cat.picture] * 3
    Path("4").write_bytes(png("blue"))
    assert started("4").data == png("blue")
    with pytest.raises(PictureError, match=r"no step and no picture file 'none\.png'"):
        started("none.png")
    with pytest.raises(LineageError, match="no step 'the cot'"):
        started("the cot")


def test_the_command_says_of_a_stripped_session_that_it_holds_no_prompt(capsys: pytest.CaptureFixture[str]) -> None:
    """`replay --dry-run` of a session without words is one sentence and exit status 1."""
    bear().export("bear.zip", strip=True)
    import_session("bear.zip", "stripped")
    assert main(["replay", "-s", "./stripped", "--into", "./cup", "--dry-run"]) == 1
    assert capsys.readouterr().err.startswith("promptkit: Step 1 holds no prompt")


@pytest.mark.parametrize("wrong", [["-i", "subject"], ["-i", "lang=ja"]])
def test_a_wrong_command_line_says_what_is_wrong(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """An input without a value, or a language among the inputs, is exit status 2 with a sentence."""
    bear()
    with pytest.raises(SystemExit) as caught:
        command("replay", "-s", "./bear", "--into", "./cup", *wrong)
    assert caught.value.code == 2
    assert "promptkit: " in capsys.readouterr().err


def test_the_command_says_what_is_there_when_it_is_stopped(service: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """An error in the middle says how many steps are recorded and that the same command goes on; no session is an error."""
    bear()
    service.say(None, error_reply(403, "no"))
    with pytest.raises(ProviderError):
        command("replay", "-s", "./bear", "--into", "./cup", "-e", service.url, "-m", "m")
    assert "2 steps were recorded in ./cup; the same command goes on from there." in capsys.readouterr().err
    with pytest.raises(LineageError, match=r"no session './baer' \(did you mean 'bear'\?\)"):
        command("replay", "-s", "./baer", "--into", "./cup")
