"""The page's own words: each phrase in each language, and which language is meant."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files

import pytest

from promptkit.views.page_words import page_languages, page_words

TABLE = tomllib.loads(files("promptkit.views").joinpath("page_words.toml").read_text(encoding="utf-8"))
SCRIPT = files("promptkit.views").joinpath("page.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TABLE)
def test_each_phrase_stands_in_each_language(name: str) -> None:
    """Every row has all languages, and what is filled in stands in each of them."""
    row = TABLE[name]
    assert tuple(row) == page_languages()
    assert all(row.values())
    assert len({tuple(sorted(re.findall(r"{\w+}", phrase))) for phrase in row.values()}) == 1


def test_the_script_says_only_what_the_table_has() -> None:
    """Each phrase that the script asks for by its name is a row."""
    helped = SCRIPT.partition("function help()")[2].partition("].map")[0]
    asked = {*re.findall(r'\bsay\("([\w-]+)"', SCRIPT)} | {f"key-{name}" for name in re.findall(r'\["[^"]+", "(\w+)"\]', helped)}
    assert len(asked) > 30
    assert asked <= TABLE.keys()


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        *(("en", "en"), ("de", "de"), ("de-AT", "de"), ("es", "es-MX"), ("es_ES", "es-MX"), ("zh-TW", "zh-CN"), ("ZH-cn", "zh-CN")),
        *(("hi", "hi"), ("fr", "en"), ("", "en")),
    ],
)
def test_a_tag_finds_the_nearest_language(wanted: str, found: str) -> None:
    """The same tag, else the same language wherever it is spoken, else English."""
    assert page_words(wanted).lang == found


def test_a_name_without_a_row_is_its_own_word() -> None:
    """What a record calls its outcome is shown though this version does not know it."""
    assert page_words("de").of("outcome", "refused") == "abgelehnt"
    assert page_words("de").of("outcome", "blurred") == "blurred"
