"""Steps as cards and side by side."""

from __future__ import annotations

import json
import random

import pytest
from kit.loopback import Loopback, picture_reply
from kit.pictures import encoded
from kit.views import Page, branched, lineage_of
from PIL import Image

from promptkit import Session, templates
from promptkit.session.step import Step
from promptkit.views.picture_tree import tree_html

pytestmark = pytest.mark.filterwarnings("ignore:step")  # the pictures here are often the same ones


def test_cards_show_failures_in_words(service: Loopback) -> None:
    """A failed step's card says its outcome and what the model said, escaped."""
    html = branched(service)[5]._repr_mimebundle_()["text/html"]
    assert "text" in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html


def test_a_strip_says_which_steps_were_there_already() -> None:
    """Of several steps in a row those that were reused, and so cost nothing, are marked as such; the tree marks none."""
    bear = Session("./bear", endpoint="offline")
    first = bear.vary("a bear", n=1, root=True)
    again = bear.vary("a bear", n=2, root=True)
    assert [s.reused for s in again] == [True, False]
    assert "(reused)" not in first._repr_mimebundle_()["text/html"]
    captions = Page(again._repr_mimebundle_()["text/html"]).text
    assert captions.count("1 a bear (reused)") == captions.count("(reused)") == 1
    assert "(reused)" not in tree_html(lineage_of(bear))


def card_of(step: Step) -> Page:
    return Page(step._repr_mimebundle_()["text/html"])


def test_a_card_tells_where_a_step_came_from_and_what_with() -> None:
    """Template, inputs, parent, tags, marks, time, model, and what the model said stand beside the picture."""
    bear = Session("./bear", endpoint="offline")
    root = bear.generate(templates.sticker(subject="a bear", palette="blue"))
    step = root.edit(templates.edit.style_transfer(style="ink"))
    bear.tag("best", step)
    step.mark("keep", by="client")
    text = card_of(step).text
    assert "edit.style_transfer: ink" in text
    assert "step 1, sticker: a bear · palette: blue" in text
    assert "edit.style_transfer (en)" in text
    assert "· styleink" in text
    assert "[best]" in text
    assert "keep (client)" in text
    assert f"{step.model} at offline" in text
    assert str(step.record.attempts[-1].get("text")) in text
    assert ", in " in text


def test_a_card_keeps_the_lines_of_a_prompt() -> None:
    """Line breaks stand also where inline styles are taken away; spaces at a line's beginning stand where they are not."""
    html = Session("./bear", endpoint="offline").generate("a bear,\n  with a hat\n\nat night")._repr_mimebundle_()["text/html"]
    assert "a bear,<br>  with a hat<br><br>at night" in html
    assert "white-space:pre-wrap" in html


@pytest.mark.parametrize("prompt", ["$x$ and $y$", "\\(x\\)", "a\u202ebc", "\u05d0\u05d1 and abc", "<script>alert(1)</script>", "x" * 500])
def test_user_text_is_text(prompt: str) -> None:
    """No formula, nothing that turns the direction of writing unseen, no markup: all is shown, in the direction of its first letter."""
    html = Session("./bear", endpoint="offline").generate(prompt)._repr_mimebundle_()["text/html"]
    assert html.startswith('<div class="tex2jax_ignore mathjax_ignore">')
    assert "\u202e" not in html
    assert "\u202e" not in prompt or "⟨U+202E⟩" in html
    assert "script" not in Page(html).tags
    assert 'dir="auto"' in html
    assert "overflow-wrap:anywhere" in html


def noisy(session: Session, count: int) -> None:
    """Steps of pictures that no codec makes small."""
    for i in range(count):
        noise = Image.frombytes("RGB", (700, 700), random.Random(i).randbytes(3 * 700 * 700))
        session.add(encoded(noise))


def test_a_card_stays_under_40_kb(service: Loopback) -> None:
    """With the JPEG beside it, a long prompt and a long answer, of a picture that no codec makes small."""
    noise = Image.frombytes("RGB", (900, 900), random.Random(1).randbytes(3 * 900 * 900))
    service.always = picture_reply(encoded(noise).data, text="a long answer " * 1000)
    step = Session("./bear", endpoint=service.url).generate("<a long prompt> " * 2000)
    bundle = step._repr_mimebundle_()
    assert {"text/html", "image/jpeg"} <= bundle.keys()
    assert len(json.dumps(bundle)) < 40_000
    assert "characters in all" in bundle["text/html"]


def test_twenty_steps_stay_under_300_kb() -> None:
    """All of a session's tree, and of a strip, of pictures that no codec makes small."""
    session = Session("./bear")
    noisy(session, 20)
    for shown in (session, session.steps):
        bundle = shown._repr_mimebundle_()
        assert bundle["text/html"].count("data:image/webp") == 20
        assert len(json.dumps(bundle)) < 300_000


def test_cards_need_no_script_and_no_style_sheet(service: Loopback) -> None:
    """Whatever shows itself is plain HTML with inline styles only, and loads nothing but the pictures inside it."""
    session = branched(service)
    for shown in (session, session.steps, *session, session.tags, session[1].pictures, session[1].attempts):
        html = shown._repr_mimebundle_()["text/html"]
        page = Page(html)
        assert not {"script", "style", "link", "iframe", "svg"} & page.tags
        assert all(source.startswith("data:") for source in page.loaded)
        assert not page.links
        assert "head" in page.text or shown is not session
