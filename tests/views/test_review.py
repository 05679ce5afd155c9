"""The page for readers: what it holds, what it must not hold, and what it says where no script runs."""

from __future__ import annotations

import base64
import json
import re
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from kit.loopback import Loopback, picture_reply, png, text_reply
from kit.views import Page, lineage_of
from PIL import Image, PngImagePlugin

from promptkit import LineageError, NoPicture, Session, templates
from promptkit.lineage.marks_file import given_marks
from promptkit.views.page_words import page_languages, page_words
from promptkit.views.review import WORDS, review_html

pytestmark = pytest.mark.filterwarnings("ignore:step")


def html_of(session: Session, lang: str = "en", **more: Any) -> str:
    return review_html(lineage_of(session), [step.record for step in session.steps], page_words(lang), **more)


def data_of(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html)
    assert found
    return dict(json.loads(found[1]))


def with_words(text: str) -> bytes:
    """A picture whose file says what was asked for, as tools write it."""
    said = PngImagePlugin.PngInfo()
    said.add_text("parameters", text)
    said.add_itxt("prompt", text)
    exif = Image.Exif()
    exif[0x9286] = text
    buffer = BytesIO()
    Image.new("RGB", (2000, 1000), "teal").save(buffer, "PNG", pnginfo=said, exif=exif)
    return buffer.getvalue()


# Every word that stands in the session below, and nowhere in the page. They are made up, so that no other word holds them.
SECRETS = {
    "prompt": "zqprompt",
    "input": "zqinput",
    "template": "sticker",
    "model": "zqmodel",
    "answer": "zqanswer",
    "sent text": "Generate only the image",
    "tag": "zqtag",
    "note of a mark": "zqnote",
    "reader": "zqreader",
    "meta": "zqmeta",
    "words in a picture's file": "zqparameters",
    "variant": "zqvariant",
    "folder": "zqfolder",
    "cost": "0.0",
    "file": ".png",
    "warning": "ratio",
    "endpoint": "127.0.0.1",
}


@pytest.fixture
def secretive(service: Loopback) -> Session:
    """Whatever a record can tell of, told."""
    session = Session("./zqfolder", endpoint=service.url, model="gemini-zqmodel")
    shown = picture_reply(with_words("zqparameters"), text="zqanswer")
    service.say(text_reply("zqanswer, in words"), *[shown] * 4, *[text_reply("zqanswer alone")] * 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = session.generate(templates.sticker(subject="zqinput"), label="the first", meta={"by": "zqmeta"}, aspect_ratio="16:9")
        one.edit("zqprompt, at night")
        session.vary(each=["zqvariant one", "zqvariant two"], on=one, label="varied")
        with pytest.raises(NoPicture):
            one.edit("zqprompt: what now?")
    session.tag("zqtag", one)
    one.mark("keep", note="zqnote", by="zqreader")
    return session


def test_it_holds_nothing_else_of_the_records(secretive: Session) -> None:
    """Searched for in the whole file, in any case, and in the bytes of its pictures: in no alt, title, meta or JSON either."""
    html = html_of(secretive)
    pictures = b"".join(base64.b64decode(source.partition(",")[2]) for source in Page(html).loaded)
    ours = r'data:image/webp;base64,[\w+/=]+|<script>.*?</script>|<style>.*?</style>|<meta http-equiv[^>]*>|<meta name="viewport"[^>]*>'
    said = re.sub(ours, "", html, flags=re.DOTALL).lower()
    assert "zq" not in said
    assert {kind for kind, word in SECRETS.items() if word.lower() in said or word.encode() in pictures} == set()


def test_the_secrets_are_in_the_session(secretive: Session) -> None:
    """Else a search for them would find nothing wherever one looked."""
    records = "".join(path.read_bytes().decode("latin-1") for path in secretive.folder.rglob("*") if path.is_file())
    there = records + str(secretive.folder) + secretive.head.prompt if secretive.head else records
    missing = {kind for kind, word in SECRETS.items() if word.lower() not in there.lower()}
    assert missing <= {"cost", "sent text", "warning", "file"}


def test_a_picture_has_its_number_and_its_label(secretive: Session) -> None:
    """The label is its user's; a variant's is made of what varied, so it goes by its number. Steps without a picture are not there."""
    page = Page(html := html_of(secretive))
    assert re.findall(r"<figcaption dir=\"auto\">(.*?)</figcaption>", html) == ["<b>1</b> the first", "<b>2</b>", "<b>3</b>", "<b>4</b>"]
    assert re.findall(r' alt="(.*?)"', html) == ["1 the first", "2", "3", "4"]
    assert len(page.loaded) == 4
    assert [step["name"] for step in data_of(html)["steps"]] == ["1", "2", "3", "4"]


def test_its_pictures_have_at_most_1600_pixels(secretive: Session) -> None:
    """They are made anew, and say how large the step's own picture is, in whose pixels boxes are drawn."""
    html = html_of(secretive)
    for source in Page(html).loaded:
        assert Image.open(BytesIO(base64.b64decode(source.partition(",")[2]))).size == (1600, 800)
    assert html.count('data-width="2000" data-height="1000"') == 4


def test_many_pictures_fit_into_a_mail(service: Loopback) -> None:
    """All pictures together have a bound, which quality and size give way to."""
    session = Session("./bear", endpoint=service.url)
    for i in range(4):
        noise = Image.effect_noise((400, 400), 90 + i)
        buffer = BytesIO()
        noise.save(buffer, "PNG")
        session.add(buffer.getvalue())
    assert sum(map(len, Page(html_of(session, largest=40_000)).loaded)) < 40_000 * 1.4


@pytest.mark.parametrize("lang", page_languages())
def test_without_a_script_it_says_how_to_answer(secretive: Session, lang: str) -> None:
    """In each language, with lines that `promptkit marks` reads."""
    html = html_of(secretive, lang)
    found = re.search(r'<p class="answer">(.*?)</p>', html)
    assert found
    lines = re.findall(r"[“„«「]([^“”„«»「」]*[0-9][^“”„«»「」]*)[”“»」]", found[1])
    assert [(mark.step, mark.verdict, mark.stars) for line in lines for mark in given_marks(line, "it").marks] == [
        ("3", "keep", 4),
        ("5", "reject", None),
    ]
    assert f'<html lang="{lang}"' in html


def test_nothing_runs_but_its_own_script(secretive: Session) -> None:
    """The policy allows its script and style by their hashes, and no request at all."""
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html_of(secretive))
    assert policy
    assert "default-src &#x27;none&#x27;" in policy[1]
    assert "connect-src" not in policy[1]


def test_labels_are_text(service: Loopback) -> None:
    """What a label holds shows as it is, and turns no direction of writing."""
    session = Session("./bear", endpoint=service.url)
    session.add(png(), label="<script>alert(1)</script> {alt} \u202e\"x\"")
    html = html_of(session, title="<b>&")
    assert "<script>alert(1)" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {alt} ⟨U+202E⟩&quot;x&quot;" in html
    assert "<h1 dir=\"auto\">&lt;b&gt;&amp;</h1>" in html


def test_what_cannot_be_shown_is_left_out(service: Loopback) -> None:
    """Forgotten and missing pictures; where nothing is left, that is the error."""
    session = Session("./bear", endpoint=service.url)
    one, two, three = (session.add(png(color, (32, 32))) for color in ("red", "blue", "lime"))
    session.forget(one)
    Path(two.files[0]).unlink()
    assert [step["name"] for step in data_of(html_of(session))["steps"]] == ["3"]
    session.forget(three)
    with pytest.raises(LineageError, match="None of these steps has a picture to choose"):
        html_of(session)


def test_a_step_is_named_as_marks_are_read(service: Loopback) -> None:
    """By its id and the root's in a file, and by its number in a text."""
    session = Session("./bear", endpoint=service.url)
    one = session.add(png())
    two = one.edit("a hat")
    data = data_of(review_html(lineage_of(session), [two.record], page_words("en")))
    assert data["root"] == one.id
    assert [(step["id"], step["key"]) for step in data["steps"]] == [(two.id, "2")]


def test_the_script_gets_the_words_that_it_says() -> None:
    """Each phrase that the script asks for by its name is among those that the page brings; no other row of the table is."""
    script = Path(__file__).parents[2].joinpath("promptkit/views/review.js").read_text(encoding="utf-8")
    asked = set(re.findall(r'\bsay\("([\w-]+)"', script))
    named = set(re.findall(r'"([\w-]+)"', script))
    assert asked <= set(WORDS) <= named | {"all"}
    assert set(WORDS) <= page_words("en").all.keys()
