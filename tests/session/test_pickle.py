"""Objects go through pickle, copy and process pools: sessions and steps by folder and id, templates by their sources, never with a key."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kit.loopback import Loopback

from promptkit import (
    Cost,
    Endpoint,
    FunctionTransport,
    InputError,
    LineageError,
    NoPicture,
    Picture,
    ProviderError,
    RateLimited,
    Refused,
    Session,
    SettingsError,
    StepNotFound,
    TemplateError,
    TemplateNotFound,
    TransportError,
    find,
    sessions,
    templates,
)
from promptkit.providers.offline.service import answer

WAYS: dict[str, Callable[[Any], Any]] = {"pickle": lambda v: pickle.loads(pickle.dumps(v)), "copy": copy.copy, "deepcopy": copy.deepcopy}
KEY = "sk-secret-of-the-user-0123456789"


@pytest.mark.parametrize("way", WAYS)
def test_what_users_hold_comes_back_as_it_was(way: str) -> None:
    """Every public object says the same of itself after pickle, copy and deepcopy."""
    bear = Session("./bear", endpoint="offline")
    fox = bear.generate(templates.sticker(subject="happy fox"))
    night = fox.edit("Make it night")
    held = [
        *(
            bear,
            fox,
            night,
            bear.steps,
            bear.tags,
            fox.picture,
            Picture.open(fox.picture.data),
            fox.prompt,
            fox.attempts,
            fox.cost,
            fox.record,
        ),
        *(templates, templates.sticker, templates.edit, templates.sticker.inputs["subject"], night.changes, bear.spending, bear.explain()),
        *(
            bear.replay("./again", dry_run=True),
            find("fox", "."),
            sessions("."),
            Endpoint("mine", "https://pictures.example"),
            Cost.of(2, "CNY", 3),
        ),
    ]
    for value in held:
        assert repr(WAYS[way](value)) == repr(value)


def test_a_step_comes_back_with_its_pictures_and_goes_on() -> None:
    """A step that was pickled is found in its session's folder, equal, and continues with the session's own terms."""
    bear = Session("./bear", endpoint="offline", aspect_ratio="16:9")
    fox = bear.generate("a fox")
    again = pickle.loads(pickle.dumps(fox))
    assert again == fox
    assert again.picture.data == fox.picture.data
    night = again.edit("Make it night")
    assert (night.parents[0], night.endpoint, night.record.request.get("config")) == (fox, "offline", {"aspect_ratio": "16:9"})


def test_a_session_comes_back_with_its_head() -> None:
    """The head of a pickled session is where that stood, not where the folder's file says; a copy is a second cursor."""
    bear = Session("./bear", endpoint="offline")
    fox = bear.generate("a fox")
    fox.edit("Make it night")
    bear.goto(fox)
    again, other = pickle.loads(pickle.dumps(bear)), copy.copy(bear)
    bear.goto(2)
    assert again.head == other.head == fox
    assert copy.deepcopy(other).generate("a fox").reused
    assert Session("./bear").head == bear.head == bear[2]


def test_no_key_travels(service: Loopback) -> None:
    """A pickled session holds its endpoint and none of its key; what it has on record it finds where it arrives."""
    bear = Session("./bear", endpoint=service.url, api_key=KEY)
    step = bear.generate("a fox")
    for value in (bear, step, bear.steps):
        assert KEY.encode() not in pickle.dumps(value)
    again = pickle.loads(pickle.dumps(bear))
    assert again.generate("a fox").reused


def test_without_its_transport_a_session_sends_nothing() -> None:
    """A caller's transport stays behind: what arrives reads, and asks nothing of whatever else would be asked, saying what to do."""
    again = pickle.loads(pickle.dumps(Session("./bear", transport=FunctionTransport(answer)).generate("a fox")))
    assert again.ok
    for travelled in (again, pickle.loads(pickle.dumps(again))):
        with pytest.raises(SettingsError, match=r"its transport stayed there; open it here as well, Session\(…, transport=…\)"):
            travelled.edit("Make it night")
    assert len(Session("./bear")) == 1


def test_a_step_whose_folder_is_not_here_says_so() -> None:
    """A step by folder and id needs the folder; the sentence names it."""
    pickled = pickle.dumps(Session("./bear", endpoint="offline").generate("a fox"))
    Path("bear").rename("elsewhere")
    with pytest.raises(LineageError, match=r"is not in .*bear here: bring its session's folder"):
        pickle.loads(pickled)


def test_a_template_comes_back_without_its_folder() -> None:
    """A template travels with all sources of all its languages: prompt and digest are the same where its file is not."""
    folder = Path("library")
    (folder / "nested").mkdir(parents=True)
    (folder / "_parts.j2").write_text("with soft light")
    (folder / "nested" / "menu.j2").write_text(
        "---\ndescription: A menu\ninputs:\n  dish: {}\n---\nA menu of {{ dish }} {% include '_parts.j2' %}."
    )
    (folder / "nested" / "menu.es-MX.j2").write_text("---\nlang: es-MX\n---\nUn menú de {{ dish }}.")
    menu = templates.__class__(folder).nested.menu
    pickled = pickle.dumps(menu)
    said = [menu(dish="tea", lang=lang) for lang in ("en", "es-MX")]
    for file in [*folder.rglob("*.j2")]:
        file.unlink()
    again = pickle.loads(pickled)
    assert [again(dish="tea", lang=lang) for lang in ("en", "es-MX")] == said
    assert (again.digest, again.languages, again.file, again.__doc__) == (said[0].digest, menu.languages, menu.file, menu.__doc__)


ERRORS = [
    InputError("x", problems=["subject is missing"], file="a/b.j2"),
    TemplateError("x", file="a/b.j2", line=3),
    TemplateNotFound("x", name="stiker", near=["sticker"]),
    ProviderError("x", status=418, code="TEAPOT", message="short and stout", details=[{"a": 1}]),
    RateLimited("x", status=429, retry_after=2.5),
    TransportError("x", sent=True),
    Refused("x", text="no", reason="SAFETY", attempts=[{"outcome": "refused"}], message="not this"),
    LineageError("x", path=Path("bear"), newer=True),
    StepNotFound("x", near=["for the client"], path=Path("bear")),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("error", ERRORS, ids=lambda e: type(e).__name__)
def test_errors_keep_their_attributes(way: str, error: Exception) -> None:
    """An error from another process says and holds what it did there."""
    again = WAYS[way](error)
    names = {*vars(error), *(n for n in ("name",) if hasattr(error, n))}
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert {n: getattr(again, n) for n in names} == {n: getattr(error, n) for n in names}


def test_an_error_keeps_its_step() -> None:
    """The failed step of an error comes back from its folder."""
    with pytest.raises(NoPicture) as caught:
        Session("./bear", endpoint="offline", recover=0).generate("What would suit it at night?")
    assert pickle.loads(pickle.dumps(caught.value)).step == caught.value.step == Session("./bear")[1]


POOL = """
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from promptkit import Session, StepNotFound, templates

def paint(folder, template):
    return Session(folder, endpoint="offline").generate(template(subject="happy bear"))

def go_on(step):
    return step.edit("Make it night")

def fail(session):
    session["nobody"]

if __name__ == "__main__":
    with ProcessPoolExecutor(2, mp_context=get_context(sys.argv[1])) as pool:
        steps = list(pool.map(paint, ["./a", "./b"], [templates.sticker] * 2))
        nights = list(pool.map(go_on, steps))
        try:
            pool.submit(fail, Session("./a")).result()
        except StepNotFound as error:
            print(type(error).__name__, error.path.name)
    print([len(s.picture.data) > 99 for s in nights], [n.parents[0] == s for n, s in zip(nights, steps)])
    print([len(Session(folder)) for folder in ("./a", "./b")])
"""


@pytest.mark.slow
@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_a_process_pool_brings_steps_back(start: str) -> None:
    """Sessions, steps and templates go into a process pool, steps and errors come back, whether processes are forked or begun anew."""
    Path("pool.py").write_text(POOL)
    done = subprocess.run([sys.executable, "-W", "ignore", "pool.py", start], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["StepNotFound a", "[True, True] [True, True]", "[2, 2]"], done.stderr
