"""Trees, in lines and as pictures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from kit.loopback import Loopback, picture_reply, png
from kit.views import branched, lineage_of

from promptkit import Session
from promptkit.lineage.record import now
from promptkit.lineage.tree import Lineage
from promptkit.views.page import page_html
from promptkit.views.picture_tree import tree_html
from promptkit.views.tree import LEGEND, tree_text

pytestmark = pytest.mark.filterwarnings("ignore:step")  # the pictures here are often the same ones


def test_a_tree_in_lines_goes_straight_on_and_indents_branches_only(service: Loopback) -> None:
    """A step that is continued once goes on below it; only branches are indented; tags, head and failures are marked."""
    session = branched(service)
    assert tree_text(lineage_of(session), head=session.head.id).splitlines() == [
        "1 <i>the fox</i>",
        "├─ 2 add a hat",
        "│  ↓ 4 and a scarf <- head",
        "└─ 3 make it night [<u>mine</u>]",
        "   ↓ 5 what now? (text)",
        LEGEND,
    ]


def test_roots_stand_apart() -> None:
    """What continues a step has an arrow; what starts anew has none, and an empty line before it."""
    session = Session("./bear", endpoint="offline")
    session.generate("a cat")
    session.generate("a dog")
    session.edit("add a hat")
    assert tree_text(lineage_of(session)) == f"1 a cat\n\n2 a dog\n↓ 3 add a hat\n{LEGEND}"


def test_an_arrow_is_explained_where_there_is_one() -> None:
    """The last line says what an arrow means, whether or not files stand between; a tree that only branches has none to explain."""
    session = Session("./bear", endpoint="offline")
    root = session.generate("a cat")
    root.edit("add a hat")
    assert tree_text(lineage_of(session), files=True).splitlines()[-1] == LEGEND
    root.edit("add a ↓ sign")
    assert "continues" not in tree_text(lineage_of(session))


def test_a_long_chain_stays_flat(service: Loopback) -> None:
    """A hundred edits in a row are a hundred lines at the same indent, on the page too."""
    service.always = picture_reply(png())
    session = Session("./bear", endpoint=service.url)
    step = session.generate("0")
    for i in range(1, 100):
        step = step.edit(f"edit {i}")
    lines = tree_text(lineage_of(session)).splitlines()
    assert len(lines) == 101
    assert not any(line.startswith((" ", "│", "├", "└")) for line in lines)
    articles = re.split("<article", page_html(lineage_of(session)))
    assert [before[-4:] for before in articles[:-1]] == ["<li>"] * 100  # of one list


@pytest.mark.slow
def test_histories_may_branch_deeper_than_python_calls() -> None:
    """A thousand branches inside each other, as one failed try at each step makes them, are shown in full."""
    lineage = Lineage(Path("bear").absolute())
    parent: list[str] = []
    for i in range(600):
        fields = {"label": None, "meta": {}, "parents": parent, "prompt": {"text": str(i)}, "sources": [], "request": {}, "started": now()}
        more = {"recipe": None, "take": 0, "chain": "picture", "versions": {}}
        side = lineage.begin("edit", fields | more)
        side.attempt({"started": now(), "sent_text": str(i)})
        side.commit("text")
        main = lineage.begin("edit", fields | more)
        main.attempt({"started": now(), "sent_text": str(i)})
        parent = [main.commit("text").id]
    assert len(tree_text(lineage).splitlines()) == 1201
    assert page_html(lineage).count("<article") == 1200
    assert tree_html(lineage).count("<div") > 600


def test_the_trees_of_a_notebook_stay_small(service: Loopback) -> None:
    """A notebook's tree shows the newest hundred pictures, so that a long session does not fill the notebook."""
    service.always = picture_reply(png())
    session = Session("./bear", endpoint=service.url)
    for i in range(110):
        session.generate(f"{i}")
    html = session._repr_mimebundle_()["text/html"]
    assert html.count("data:image/") == 100
    assert len(html) < 300_000
    assert Path("./bear").is_dir()
