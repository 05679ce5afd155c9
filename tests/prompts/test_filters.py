"""What filters do to a text, and what they leave alone; how much work they may do is test_sandbox's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from promptkit.prompts.filters import article, bare, lower_first, unstopped, upper_first

AN = """elderly man; hour; honest face; heirloom; umbrella; uninteresting wall; unidentified object;
85mm portrait lens; 8-bit hero;
11-year-old; 18th-century ship; 80s diner; 1800s dress; X-ray; LED sign; HTML page; F-16; MRI; Elderly man; “old” sign"""
A = """happy bear; modern, minimalist logo; university; unicorn; user; one-eyed cat; European city; 50mm lens; 180-degree view;
110-year-old; 1960s diner; 3D render; UFO; U-turn; T-shirt; NASA rocket; LEGO set; USB stick; Happy Bear"""
NONE = """a happy bear; an 85mm lens; the old bear; The Daily Grind; A Midsummer Night’s Dream; two bears; three; 8 bears; some bears;
my dog;
his hat; Anna's dog; Anna’s dog; one bear; ; 羊驼; भालू; !; {{ x }}"""


def words(table: str) -> list[str]:
    return [text.strip() for text in table.split(";")]


@pytest.mark.parametrize(
    ("text", "with_article"),
    [
        *((text, f"an {text}") for text in words(AN)),
        *((text, f"a {text}") for text in words(A)),
        *((text, text) for text in words(NONE)),
        ("A happy bear", "a happy bear"),
        ("An old bear", "an old bear"),
    ],
)
def test_article_is_written_once(text: str, with_article: str) -> None:
    """An article is written where none is brought, as the word is said, and no other letter changes."""
    assert article(text) == with_article


@pytest.mark.parametrize(
    ("text", "with_article"),
    [
        *((name, name) for name in ("Acme", "The Daily Grind", "Marie Curie")),
        *((text, f"a {text}") for text in ("Japanese garden", "UFO", "happy bear")),
    ],
)
def test_article_leaves_names_alone(text: str, with_article: str) -> None:
    """With names=true, what looks like a name gets no article."""
    assert article(text, names=True) == with_article


@pytest.mark.parametrize(
    ("function", "text", "changed"),
    [
        *((lower_first, *pair) for pair in (("Add a hat", "add a hat"), ("Élan", "élan"))),
        *((lower_first, text, text) for text in ("UFO", "A hat", "X", "", "羊驼")),
        *((upper_first, *pair) for pair in (("a UFO", "A UFO"), ("élan", "Élan"), ("", ""), ("羊驼", "羊驼"))),
        *((unstopped, *pair) for pair in (("Add. ", "Add"), ("添加。", "添加"), ("जोड़ें।", "जोड़ें"), ("Go!", "Go"))),
        *((unstopped, text, text) for text in ("Wait...", "Can you?", "Add", "")),
        *((bare, *pair) for pair in (("a close-up", "close-up"), ("The bear", "bear"), ("An old one", "old one"))),
        *((bare, text, text) for text in ("another", "an", "of a bear", "")),
    ],
)
def test_filters_of_sentences(function: Callable[[str], str], text: str, changed: str) -> None:
    """Each filter changes the one thing that its name says."""
    assert function(text) == changed
