"""HTML that shows what it is given, literally.

Escaping alone; the cards and pages that are made of it are tested in tests/views.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptkit import markup
from promptkit.markup import Html

NASTY = "</b><script>alert(1)</script>\"'&<img src=x onerror=y>"
TEXTS = st.text() | st.text(alphabet="<>&\"'ab/ ", max_size=12)
PIECES = {
    "escape": lambda text: markup.escape(text),
    "figure": lambda text: markup.figure(text, text, alt=text, width=3),
    "strip": lambda text: markup.strip([text, text]),
    "table": lambda text: markup.table([(text, text)], (text,)),
    "card": lambda text: markup.card(text, text),
    "page": lambda text: markup.page(text, "", ""),
}


class Reader(HTMLParser):
    """What a browser would see."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@given(text=TEXTS)
def test_escaped_text_is_text(text: str) -> None:
    """No bare <, >, quote or ampersand of the input is left, and a browser shows what was put in."""
    escaped = markup.escape(text)
    assert not set("<>\"'") & set(escaped)
    assert re.sub(r"&(amp|lt|gt|quot|#x27);", "", escaped).count("&") == 0
    assert "".join(Reader(f"<b>{escaped}</b>").text) == text


@given(text=TEXTS)
@pytest.mark.parametrize("name", PIECES)
def test_no_piece_takes_tags_from_text(name: str, text: str) -> None:
    """Each piece has the same tags and attributes whatever text it is given."""
    plain, nasty = Reader(PIECES[name]("x")), Reader(PIECES[name](text or "x"))
    assert nasty.tags == plain.tags
    assert [n for n, _ in nasty.attributes] == [n for n, _ in plain.attributes]


@pytest.mark.parametrize("name", PIECES)
def test_each_piece_shows_what_it_is_given(name: str) -> None:
    """Text comes out as it went in, in content and in attributes."""
    piece = PIECES[name](NASTY)
    assert isinstance(piece, Html)
    seen = Reader(piece)
    assert "script" not in seen.tags
    if name == "page":  # a title is read without tags
        assert "&lt;script&gt;" in piece
    else:
        assert NASTY in "".join(seen.text)
    if name == "figure":
        assert dict(seen.attributes)["src"] == dict(seen.attributes)["alt"] == NASTY


@given(text=TEXTS)
def test_words_have_the_direction_of_their_first_letter_and_keep_their_lines(text: str) -> None:
    """A line break is a tag of its own, all else is text; nothing that hides is left in it."""
    piece = markup.words(text)
    seen = Reader(piece)
    lines = markup.visible(text.replace("\r\n", "\n")).split("\n")
    assert seen.tags == ["span", *["br"] * (len(lines) - 1)]
    assert ("dir", "auto") in seen.attributes
    assert "".join(seen.text) == "".join(lines)


def test_what_is_folded_opens_without_a_script() -> None:
    """A summary, which is text, and what it opens."""
    assert markup.folded("3 <more>", Html("<b>a</b>")).endswith("3 &lt;more&gt;</summary><b>a</b></details>")


@pytest.mark.parametrize("value", [7, None, 1.5, ["<a>"], ValueError("<a>")], ids=repr)
def test_what_is_no_text_is_shown_as_text(value: object) -> None:
    """Any value is shown as its text, escaped."""
    assert markup.escape(value) == str(value).replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#x27;")


def test_html_passes_as_it_is() -> None:
    """What is HTML already is not escaped again, wherever it stands; joined with text it is text again."""
    bold = Html("<b>a</b>")
    assert markup.escape(bold) is bold
    pieces = [markup.card("x", bold), markup.strip([bold]), markup.table([[bold]]), markup.figure("x", bold), markup.page("x", "", bold)]
    for piece in pieces:
        assert "<b>a</b>" in piece
    assert not isinstance(bold + "<i>", Html)
    assert markup.escape(markup.escape("<")) == "&lt;"


def test_a_page_loads_nothing() -> None:
    """A page lets nothing be loaded but data: pictures and its own style, and holds no script."""
    page = markup.page("bear", "b{color:red}", markup.figure("data:image/png;base64,AAAA"))
    seen = Reader(page)
    policy = next(v for n, v in seen.attributes if n == "content" and v and "default-src" in v)
    own = f"'sha256-{b64encode(sha256(b'b{color:red}').digest()).decode()}'"
    assert policy == f"default-src 'none'; img-src data:; style-src {own}; base-uri 'none'; form-action 'none'"
    assert page.index("Content-Security-Policy") < page.index("<style>") < page.index("<body>")
    assert page.startswith("<!doctype html>")
    assert not {"script", "link", "iframe", "object", "base"} & set(seen.tags)
    assert not re.search(r"https?:", page)
    assert ("charset", "utf-8") in seen.attributes


def test_a_page_runs_the_script_that_it_was_given_and_no_other() -> None:
    """The policy names the script by its hash; what the script reads is JSON that no text in it can end."""
    nasty = "</script><!-- <script> & \u2028\u2029 '\""
    page = markup.page("bear", "", "<p>", lang="ja", script="let a = 1", data={nasty: [nasty]})
    own = f"script-src 'sha256-{b64encode(sha256(b'let a = 1').digest()).decode()}'"
    assert own in next(v or "" for n, v in Reader(page).attributes if n == "content" and v and "default-src" in v)
    assert '<html lang="ja">' in page
    block = page.partition('id="data">')[2].partition("</script>")[0]
    assert not {"<", ">", "&", "\u2028", "\u2029"} & set(block)
    assert json.loads(block) == {nasty: [nasty]}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("fox\n\tin snow", "fox\n\tin snow"),
        ("\u202egnp.exe", "⟨U+202E⟩gnp.exe"),
        ("a\x07b\x1b[31m", "a⟨U+0007⟩b⟨U+001B⟩[31m"),
        ("in\u200bvisible\ufeff", "in⟨U+200B⟩visible⟨U+FEFF⟩"),
        ("line\u2028end", "line⟨U+2028⟩end"),
        ("\ud800", "⟨U+D800⟩"),
        ("\U000e0041", "⟨U+E0041⟩"),
        ("👩\u200d🚀 क्\u200dष ❤\ufe0f \u0600", "👩\u200d🚀 क्\u200dष ❤\ufe0f \u0600"),
        (7, "7"),
    ],
)
def test_nothing_hides_in_a_text_that_is_shown(text: object, shown: str) -> None:
    """Control characters, overrides of direction and what shows nothing stand by their names; what words and emoji are made of stays."""
    assert markup.visible(text) == shown


def test_empty_parts_are_left_out() -> None:
    """A figure without a caption has none, a table without a header no head, and no rows are an empty table."""
    assert "figcaption" not in markup.figure("data:,")
    assert "thead" not in markup.table([(1,)])
    assert Reader(markup.table([])).tags == ["table", "tbody"]


def test_the_cells_of_a_table_stand_apart() -> None:
    """Not every notebook gives tables room between their cells: headings and numbers must not run together."""
    assert markup.table([["1", "2"]], ["one", "two"]).count("padding:0 1.5em .2em 0") == 4
