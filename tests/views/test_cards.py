"""Trees, pages and contact sheets."""

from __future__ import annotations

import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from kit.loopback import Loopback, picture_reply, png, text_reply
from kit.steps import made as recorded

from promptkit import NoPicture, Picture, Session
from promptkit.lineage.record import now
from promptkit.lineage.tree import Lineage
from promptkit.views.cards import LEGEND, contact_sheet, named, page_html, shortened, tree_html, tree_text

pytestmark = pytest.mark.filterwarnings("ignore:step")  # the pictures here are often the same ones


class Page(HTMLParser):
    """What a browser would load, link to, run and show."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        found = dict(attrs)
        self.loaded += [v for k, v in attrs if k in ("src", "srcset", "data") and v]
        self.links += [found["href"] or ""] if "href" in found else []
        assert not [k for k in found if k.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


def lineage_of(session: Session) -> Lineage:
    return Lineage(session.folder)


def made(service: Loopback) -> Session:
    """Four steps: a root, two branches of which one goes on, and a failure."""
    service.always = picture_reply(png(size=(300, 200)), text="<b>done</b>")
    session = Session("./<b>&x", endpoint=service.url, recover=0)
    root = session.generate("<script>alert('x')</script> & \"quotes\"", label="<i>the fox</i>")
    hat = root.edit("add a hat")
    night = root.edit("make it night")
    hat.edit("and a scarf")
    session.tag("<u>mine</u>", night)
    service.say(text_reply("<img src=x onerror=alert(1)>"))
    with pytest.raises(NoPicture):
        night.edit("what now?")
    return session


def test_a_tree_in_lines_goes_straight_on_and_indents_branches_only(service: Loopback) -> None:
    """A step that is continued once goes on below it; only branches are indented; tags, head and failures are marked."""
    session = made(service)
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
    assert page_html(lineage_of(session)).count("<ol>") == 2


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


def test_the_page_is_one_file_that_loads_nothing_and_escapes_all_that_was_written(service: Loopback) -> None:
    """The page holds each step's prompt and thumbnail, links to the files, and runs and loads nothing of what people and models wrote."""
    session = made(service)
    page = Page(page_html(lineage_of(session), link=lambda name: f"./{name}"))
    assert "<b>&x" in page.text
    assert {"script", "i", "u"}.isdisjoint(page.tags)
    assert len(page.loaded) == 4
    assert all(source.startswith("data:image/") for source in page.loaded)
    assert sorted(page.links) == sorted(f"./{s.files[0].name}" for s in session if s.ok)
    for step in session:
        assert str(step.prompt) in page.text
        assert step.id in page.text
    assert "2 from 1" in page.text
    assert "<u>mine</u>" in page.text
    assert "<img src=x onerror=alert(1)>" in page.text


def test_the_page_names_what_went_along(service: Loopback) -> None:
    """A step that was given as reference, one whose very picture was, and a picture from outside stand in the facts, and are to be seen."""
    bear = Session("./bear", endpoint=service.url)
    service.always = picture_reply(png("blue", (8, 8)))
    one = bear.add(png("red", (8, 8)))
    two = bear.generate("a bear")
    before = Page(page_html(lineage_of(bear)))
    assert "reference" not in before.text
    two.edit("together", references=[one, png("lime", (8, 8))])
    page = Page(page_html(lineage_of(bear)))
    name = Picture(png("lime", (8, 8))).sha256
    assert f"withreference: step 1\nreference: a picture from outside, sources/{name[:10]}….png" in page.text
    assert len(page.loaded) == len(before.loaded) + 3
    two.edit("once more", references=[one.files[0]])
    assert "withreference: step 1 of this session" in Page(page_html(lineage_of(bear))).text


def test_the_page_says_when(tmp_path: Path, tokyo: None) -> None:
    """Each step's facts hold the local date and time; of one that has none, or one that no clock showed, no row is made."""
    lineage = Lineage(tmp_path / "bear")
    recorded(lineage, started="2026-01-01T20:00:00+00:00")
    recorded(lineage, started="9999-12-31T23:59:59+00:00")
    text = Page(page_html(lineage)).text
    assert "when2026-01-02 05:00" in text
    assert text.count("when") == 1


def test_the_labels_of_the_page_stay_whole(service: Loopback) -> None:
    """The facts may break anywhere, their labels nowhere: the column of labels is as wide as the longest."""
    style = page_html(lineage_of(made(service))).partition("<style>")[2].partition("</style>")[0]
    assert style.index("td:first-child{white-space:nowrap}") > style.index("td{")


def test_ids_are_cut_to_what_a_step_is_found_by() -> None:
    """Ten digits of 64 are left, and of a file's name a sign that it goes on; what is no id stays."""
    digest = "0123456789abcdef" * 4
    assert shortened(f"digest {digest}") == "digest 0123456789"
    assert shortened(f"sources/{digest}.png") == "sources/0123456789….png"
    assert shortened("0123456789abcdef, a bear") == "0123456789abcdef, a bear"


def test_cards_show_failures_in_words(service: Loopback) -> None:
    """A failed step's card says its outcome and what the model said, escaped."""
    html = made(service)[5]._repr_mimebundle_()["text/html"]
    assert "text" in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html


def test_damaged_pictures_leave_the_rest_to_be_seen(service: Loopback) -> None:
    """A picture that is missing or changed on disk leaves a gap in the tree and on the page, and no error."""
    session = made(service)
    session[2].files[0].unlink()
    session[3].files[0].write_bytes(b"damaged")
    reopened = Session("./<b>&x", endpoint=service.url)
    assert "the fox" in reopened._repr_mimebundle_()["text/html"]
    assert sum(s != "data:," for s in Page(page_html(lineage_of(reopened))).loaded) == 2


def test_a_contact_sheet_holds_all_pictures(service: Loopback) -> None:
    """A sheet has its pictures in rows of four, each with its caption, long ones shortened."""
    pictures = [s.picture for s in made(service) if s.ok]
    sheet = contact_sheet([*pictures, *pictures], ["a long caption " * 20] * 8, pixels=100)
    assert sheet.width == 4 * 112 + 12
    assert sheet.getpixel((60, 60)) == (255, 0, 0)
    assert contact_sheet(pictures[:1], pixels=50).width == 74


def test_a_strip_says_which_steps_were_there_already() -> None:
    """Of several steps in a row those that were reused, and so cost nothing, are marked as such; the tree marks none."""
    bear = Session("./bear", endpoint="offline")
    first = bear.vary("a bear", n=1, root=True)
    again = bear.vary("a bear", n=2, root=True)
    assert [s.reused for s in again] == [True, False]
    assert "(reused)" not in first._repr_mimebundle_()["text/html"]
    captions = again._repr_mimebundle_()["text/html"]
    assert captions.count("1 a bear (reused)") == captions.count("(reused)") == 1
    assert "(reused)" not in tree_html(lineage_of(bear))


def test_a_step_is_named_so_that_it_can_be_told(tmp_path: Path) -> None:
    """By its number, and with the beginning of its id where copies that were merged share the number; the page names them so too."""
    bear = Session(tmp_path / "bear", endpoint="offline")
    root = bear.generate("a bear")
    shutil.copytree(bear.folder, tmp_path / "copy")
    here, there = (Session(tmp_path / name, endpoint="offline").edit(f"in {name}") for name in ("bear", "copy"))
    for path in there.files:
        shutil.copy(path, bear.folder)
    merged = Session(bear.folder, endpoint="offline")
    child = merged.edit("and then", on=there)
    lineage = lineage_of(merged)
    assert named(lineage, root.record) == "1"
    assert [named(lineage, step.record) for step in (here, there)] == [f"2 ({here.id[:10]})", f"2 ({there.id[:10]})"]
    assert f"3</b> from 2 ({there.id[:10]})" in page_html(lineage)
    assert named(lineage, child.record) == "3"


def test_the_trees_of_a_notebook_stay_small(service: Loopback) -> None:
    """A notebook's tree shows the newest sixty pictures, so that a long session does not fill the notebook."""
    service.always = picture_reply(png())
    session = Session("./bear", endpoint=service.url)
    for i in range(70):
        session.generate(f"{i}")
    html = session._repr_mimebundle_()["text/html"]
    assert html.count("data:image/") == 60
    assert len(html) < 300_000
    assert Path("./bear").is_dir()
