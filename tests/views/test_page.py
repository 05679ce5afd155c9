"""The page: one file that loads nothing, and tells each step in full, with or without its script."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from kit.loopback import Loopback, picture_reply, png, text_reply
from kit.steps import made as recorded
from kit.views import Page, branched, lineage_of

from promptkit import Library, Picture, Session
from promptkit.lineage.tree import Lineage
from promptkit.views.page import page_html
from promptkit.views.page_words import page_words

pytestmark = pytest.mark.filterwarnings("ignore:step")  # the pictures here are often the same ones


def data_of(html: str) -> dict[str, Any]:
    """What the script reads."""
    found: dict[str, Any] = json.loads(html.partition('id="data">')[2].partition("</script>")[0])
    return found


def part(html: str, step: str, name: str) -> str:
    """The text of one part of a step's story."""
    article = html.partition(f'<article id="{step}"')[2].partition("</article>")[0]
    found = re.search(rf'<section class="{name}">(.*?)</section>', article, re.DOTALL)
    return Page(found[1]).text if found else ""


def test_the_page_is_one_file_that_loads_nothing_and_escapes_all_that_was_written(service: Loopback) -> None:
    """The page holds each step's prompt and thumbnail, links to the files, and runs and loads nothing of what people and models wrote."""
    session = branched(service)
    page = Page(html := page_html(lineage_of(session), link=lambda name: f"./{name}"))
    assert "<b>&x" in page.text
    assert {"i", "u", "iframe", "link", "object"}.isdisjoint(page.tags)
    assert html.count("<script") == 2  # its own, and the data
    assert len(page.loaded) == 4
    assert all(source.startswith("data:image/") for source in page.loaded)
    assert {link for link in page.links if not link.startswith("#")} == {f"./{s.files[0].name}" for s in session if s.ok}
    for step in session:
        assert str(step.prompt) in page.text
        assert step.id in page.text
    assert "<u>mine</u>" in page.text
    assert "<img src=x onerror=alert(1)>" in page.text


def test_nothing_hides_in_what_was_written(service: Loopback) -> None:
    """Overrides of direction and control characters of prompts, labels, tags and replies stand by their names, in the script's data too."""
    service.always = picture_reply(png(), text="said \u202e\x07")
    bear = Session("./bear", endpoint=service.url)
    bear.tag("t\u202eag", bear.generate("prompt \u202e\u2028 </script><!--", label="label \u202e"))
    html = page_html(lineage_of(bear))
    assert not {"\u202e", "\u2028", "\x07"} & set(html)
    assert "prompt ⟨U+202E⟩⟨U+2028⟩ &lt;/script&gt;&lt;!--" in html
    step = data_of(html)["steps"][0]
    assert (step["caption"], step["tags"]) == ("label �", ["t⟨U+202E⟩ag"])  # a headline has one line, and no such characters


def test_all_links_lead_somewhere(service: Loopback) -> None:
    """Each link inside the page has its place in it: parents, children, steps that pictures went along to, templates."""
    bear, library = Session("./bear", endpoint=service.url), _library()
    one = bear.generate(library.poster(subject="a fox"))
    two = one.edit("a hat", references=[one])
    bear.generate("an owl", references=[two])
    html = page_html(lineage_of(bear))
    anchors = {link for link in Page(html).links if link.startswith("#")}
    assert len(anchors) == 4
    assert all(f'id="{link[1:]}"' in html for link in anchors)


def test_the_page_names_what_went_along(service: Loopback) -> None:
    """A step that was given as reference, one whose very picture was, and a picture from outside stand in the story, and are to be seen."""
    bear = Session("./bear", endpoint=service.url)
    service.always = picture_reply(png("blue", (8, 8)))
    one = bear.add(png("red", (8, 8)))
    two = bear.generate("a bear")
    before = Page(page_html(lineage_of(bear)))
    assert "reference" not in before.text
    two.edit("together", references=[one, png("lime", (8, 8))])
    page = Page(html := page_html(lineage_of(bear)))
    name = Picture(png("lime", (8, 8))).sha256
    assert part(html, "step-3", "sent-along") == f"Sent alongreference: Step 1reference: a picture from outside {name[:10]}"
    assert len(page.loaded) == len(before.loaded) + 3
    assert part(html, "step-1", "lineage") == "LineageSent along with: 3"
    two.edit("once more", references=[one.files[0]])
    assert part(page_html(lineage_of(bear)), "step-4", "sent-along") == "Sent alongreference: Step 1"


def test_the_page_says_when(tmp_path: Path, tokyo: None) -> None:
    """Each step tells the local date and time; one that has none, or one that no clock showed, tells nothing."""
    lineage = Lineage(tmp_path / "bear")
    recorded(lineage, started="2026-01-01T20:00:00+00:00")
    recorded(lineage, started="9999-12-31T23:59:59+00:00")
    assert re.findall(r"<time>(.*?)</time>", page_html(lineage)) == ["2026-01-02 05:00"]


def _library() -> Library:
    Path("ours").mkdir()
    inputs = "inputs:\n  subject: {description: what}\n  style: {default: ink}\n"
    Path("ours/poster.j2").write_text(f"---\ndescription: A poster\n{inputs}---\nA poster of {{{{ subject }}}} in {{{{ style }}}}\n")
    return Library("ours")


def test_what_changed_in_the_prompt_stands_in_its_place(service: Loopback) -> None:
    """The prompt with what was left out and what came in, against the parent's; the same words are said; other prompts are not compared."""
    bear = Session("./bear", endpoint=service.url)
    one = bear.generate("a red fox in the snow")
    two = one.edit("a blue fox in the snow at night")
    two.edit("a blue fox in the snow at night", fresh=True)
    two.edit("Put a hat onto it")
    html = page_html(lineage_of(bear))
    assert "a <del>red</del> <ins>blue</ins> fox in the snow <ins>at night</ins>" in html
    assert part(html, "step-2", "changed").startswith("Changed in the prompt, against step 1")
    assert part(html, "step-3", "changed") == "Changed in the prompt, against step 2The same words"
    assert [part(html, f"step-{n}", "changed") for n in (1, 4)] == ["", ""]


def test_a_template_stands_with_its_inputs_and_its_source_once(service: Loopback) -> None:
    """Inputs are a table, with what the step before gave where that differs; the source stands once, however many steps it made."""
    bear, library = Session("./bear", endpoint=service.url), _library()
    one = bear.generate(library.poster(subject="a <fox>"))
    one.edit(library.poster(subject="an owl", style="oil"))
    html = page_html(lineage_of(bear))
    assert part(html, "step-1", "template").endswith("sourceInputValuesubjecta <fox>")
    assert "<del>a &lt;fox&gt;</del> <ins>an owl</ins>" in html
    assert '<th scope="row">style</th><td dir="auto"><ins>oil</ins></td>' in html
    assert html.count("A poster of {{ subject }} in {{ style }}") == 1


def test_attempts_tell_what_was_said_and_what_it_cost(service: Loopback) -> None:
    """Each attempt with its outcome, how it was asked where that differs, and what the model said; what is unpriced says so."""
    service.say(text_reply("I would rather <talk>"), picture_reply(png(), text="Here it is"))
    bear = Session("./bear", endpoint=service.url)
    bear.generate("a bear")
    said = part(page_html(lineage_of(bear)), "step-1", "attempts")
    assert "only text (STOP)" in said
    assert "I would rather <talk>" in said
    assert "Asked as:" in said
    assert "Here it is" in said
    assert said.endswith("Cost: no known price")


def test_warnings_stand_in_the_story(service: Loopback) -> None:
    """What was recorded as a warning is read where the step is."""
    lineage = Lineage(Path("./bear"))
    recorded(lineage, warnings=["the answer is <smaller>"])
    assert part(page_html(lineage), "step-1", "notes") == "Notesthe answer is <smaller>"


def test_a_page_of_some_steps_hangs_together(service: Loopback) -> None:
    """Of the steps that are left out there is nothing; what continued them hangs below the nearest step that is there."""
    bear = Session("./bear", endpoint=service.url)
    one = bear.generate("one")
    four = one.edit("two").edit("three").edit("four")
    html = page_html(lineage_of(bear), steps=[four.record, one.record])
    assert [(step["at"], step["up"]) for step in data_of(html)["steps"]] == [("step-1", None), ("step-4", 0)]
    assert not re.search('href="#step-[23]"', html)
    assert "from 3" in Page(html).text


def test_the_data_says_how_the_steps_hang_together(service: Loopback) -> None:
    """Each step's place, name, parent, caption and tags, where the head is, and why there is no picture."""
    session = branched(service)
    steps = data_of(page_html(lineage_of(session), head=session[4].id))["steps"]
    assert [(s["name"], s["up"], s["head"], s["failed"]) for s in steps] == [
        *(("1", None, False, ""), ("2", 0, False, ""), ("3", 0, False, ""), ("4", 1, True, "")),
        ("5", 2, False, "only text"),
    ]
    assert steps[2]["tags"] == ["<u>mine</u>"]
    assert all("marks" not in s for s in steps)


def test_the_page_speaks_the_language_that_was_asked_for(service: Loopback) -> None:
    """Its own words, the document's language and the script's words; what people wrote stays as it is."""
    bear = Session("./bear", endpoint=service.url)
    bear.generate("a bear")
    html = page_html(lineage_of(bear), words=page_words("de"), title="Bären")
    assert '<html lang="de">' in html
    assert "<h1 dir=\"auto\">Bären</h1><p>Schritte: 1</p>" in html
    assert part(html, "step-1", "attempts").startswith("VersucheBild")
    assert data_of(html)["words"]["search"] == "Suchen"
    assert "a bear" in html


def test_damaged_pictures_leave_the_rest_to_be_seen(service: Loopback) -> None:
    """A picture that is missing or changed on disk leaves an empty frame on the page that says so, and no error."""
    session = branched(service)
    session[2].files[0].unlink()
    session[3].files[0].write_bytes(b"damaged")
    reopened = Session("./<b>&x", endpoint=service.url)
    assert "the fox" in reopened._repr_mimebundle_()["text/html"]
    page = Page(html := page_html(lineage_of(reopened)))
    assert len(page.loaded) == 2
    assert html.count('aria-label="The picture is missing or cannot be shown"') == 2


def test_steps_that_share_a_number_have_places_of_their_own(service: Loopback) -> None:
    """In merged copies two steps may have one number: each has its own link, with the beginning of its id."""
    bear, owl = Session("./bear", endpoint=service.url), Session("./owl", endpoint=service.url)
    bear.generate("a bear")
    owl.generate("an owl")
    for path in owl.folder.glob("0001-*"):
        (bear.folder / path.name).write_bytes(path.read_bytes())
    html = page_html(lineage_of(bear))
    places = [step["at"] for step in data_of(html)["steps"]]
    assert sorted(places) == sorted(f"step-1-{r.id[:10]}" for r in lineage_of(bear).records())
    assert all(f'<article id="{place}"' in html for place in places)


def test_the_price_of_a_page_grows_with_its_steps_alone(service: Loopback) -> None:
    """Twice as many steps make about twice the words: no step's story names all others."""
    lengths = []
    for count in (20, 40):
        lineage, parents = Lineage(Path(f"./bear{count}")), []
        for _ in range(count):
            parents = [recorded(lineage, parents=parents).id]
        lengths.append(len(page_html(lineage)) - len(page_html(Lineage(Path("./none")))))
    assert 1.8 < lengths[1] / lengths[0] < 2.2
