"""The files of each language's words: their headings, how a phrase is written, and what is said of a file that is not as the others."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from promptkit.authoring.language_rules import Rules
from promptkit.errors import SettingsError
from promptkit.prompts.language_words import FOLDER, HEADINGS, Words, any_language, languages, read_words, words_of

ALL = [f"{table}.{name}" for table, names in HEADINGS.items() for name in names]


def changed(tmp_path: Path, lang: str, old: str, new: str) -> Path:
    """A copy of a language's file with one piece of it written otherwise."""
    text = (FOLDER / f"{lang}.toml").read_text(encoding="utf-8")
    assert re.search(old, text, re.MULTILINE)
    copy = tmp_path / f"{lang}.toml"
    copy.write_text(re.sub(old, new, text, count=1, flags=re.MULTILINE), encoding="utf-8")
    return copy


def matches(phrase: str, text: str, *, blanks: bool = True) -> bool:
    lists = {"colour": ("red", "dark (blue|green)"), "of": ("{colour}",)}
    words = Words(Path("t.toml"), blanks, {"h.h": (phrase,)}, lists)
    return bool(re.search(words.pattern("h.h"), text, re.IGNORECASE))


# The files


def test_each_language_has_a_file_with_the_same_headings() -> None:
    """Five languages, each with the headings that the rules ask for and no others, in one order, below one explanation."""
    assert languages() == ("en", "es", "hi", "ja", "zh")
    tops = set()
    for lang in languages():
        text = (FOLDER / f"{lang}.toml").read_text(encoding="utf-8")
        said = tomllib.loads(text)
        assert [*said] == ["blanks", *HEADINGS, "lists"]
        assert {table: tuple(said[table]) for table in HEADINGS} == dict(HEADINGS)
        tops.add(text.partition("\n")[2].partition("\nblanks")[0])
    assert len(tops) == 1
    assert "add a word or a phrase" in (FOLDER / "en.toml").read_text(encoding="utf-8").replace("\n# ", " ")


@pytest.mark.parametrize("lang", languages())
def test_every_phrase_can_be_read(lang: str) -> None:
    """No phrase is written wrong, no list is named that is not there, and no list is there that nothing names."""
    words = words_of(lang)
    for heading in ALL:
        re.compile(words.pattern(heading))
    said = " ".join(phrase for phrases in (*words.phrases.values(), *words.lists.values()) for phrase in phrases)
    assert [name for name in words.lists if f"{{{name}}}" not in said] == []


@pytest.mark.parametrize("lang", languages())
@pytest.mark.parametrize("heading", ALL)
def test_a_word_that_is_added_is_found(tmp_path: Path, lang: str, heading: str) -> None:
    """A word that a speaker adds to any list of a copy is looked for."""
    table, name = heading.split(".")
    copy = changed(tmp_path, lang, rf"(\[{table}\](?:.*\n)*?{name} = \[)", r'\1"zq xv", ')
    assert re.search(read_words(copy).pattern(heading), "cmd zq xv." if words_of(lang).blanks else "cmdzq xv.")
    assert not re.search(words_of(lang).pattern(heading), "cmd zq xv.")


@pytest.mark.parametrize("lang", languages())
def test_what_is_added_changes_the_verdict(tmp_path: Path, lang: str) -> None:
    """The rules go by the words of the file: what says that something stays, what forbids, what asks for lettering."""
    copy = changed(tmp_path, lang, r"^(keeps|forbids|behind|rest|only|whole|denied|open) = \[", r'\1 = ["zqxv", ')
    for name in ("keeps", "forbids", "behind", "rest", "only", "whole", "denied", "open", "asks"):
        copy.write_text(re.sub(rf"^{name} = \[", f'{name} = ["zqxv", ', copy.read_text("utf-8"), count=1, flags=re.MULTILINE), "utf-8")
    rules, before = Rules(read_words(copy)), Rules(words_of(lang))
    for name in ("keeps", "forbids", "written", "rest", "only", "whole", "denied", "mention", "asks"):
        assert getattr(rules, name).search("zqxv"), name
        assert not getattr(before, name).search("zqxv"), name


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (r"^keeps = \[", "kepps = [", "has no keeps under [keeping]; write `keeps = []`"),
        (r"^\[ratio\]", "[ratios]", "has no heading [ratio]"),
        (r"^\[lists\]", "[lists2]", "has no heading [lists]"),
        (r"^blanks = .*", "", "does not say `blanks = true` or `blanks = false`"),
        (r"^behind = \[\]", "behind = 3", "has a behind under [lettering] that is no list of phrases in quotes"),
        (r"^behind = \[\]", 'behind = [""]', "has a behind under [lettering] that is no list of phrases in quotes"),
        (r"^behind = \[\]", "behind = []\nbehnd = []", "has a behnd under [lettering] that nothing asks for (did you mean 'behind'?)"),
        (r"^behind = \[\]", "behind = [", "cannot be read"),
    ],
)
def test_a_file_that_is_not_as_the_others_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    """A heading that is missing, misspelt or no list is an error that names the file and what to write."""
    copy = changed(tmp_path, "en", old, new)
    with pytest.raises(SettingsError) as caught:
        read_words(copy)
    assert str(copy) in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("phrase", "why"),
    [
        ("a (b", "has a ( that is not closed"),
        ("a) b", "has a ) too many"),
        ("a {nope}", "names {nope}"),
        ("a [b", "lacks a ]"),
        ("a {b", "lacks a }"),
    ],
)
def test_a_phrase_that_cannot_be_read_is_named(tmp_path: Path, phrase: str, why: str) -> None:
    """What is wrong with a phrase is said with the phrase and its file."""
    copy = changed(tmp_path, "en", r"^behind = \[\]", f'behind = ["{phrase}"]')
    with pytest.raises(SettingsError) as caught:
        read_words(copy).pattern("lettering.behind")
    assert f"{copy} of a language's words holds the phrase {phrase!r}, which {why}" in str(caught.value)


def test_nothing_is_read_before_it_is_needed() -> None:
    """Words are read when a prompt is first judged by them, and not with the modules; plain prompts pass the gate without any."""
    code = (
        "import sys; from promptkit.prompts import language_words, unfinished; from promptkit.authoring import check, prompt_rules\n"
        "unfinished.doubt('A red fox'); assert not language_words.words_of.cache_info().currsize; assert 'tomllib' not in sys.modules\n"
        "prompt_rules.says_what_stays('x', 'ja'); assert language_words.words_of.cache_info().currsize == 1"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# How a phrase is written


@pytest.mark.parametrize(
    ("phrase", "found", "not_found"),
    [
        ("keep", ["Keep it", "to keep"], ["keeper", "upkeep"]),
        ("keep*", ["keep", "keeping it"], ["upkeep"]),
        ("*n't", ["don't", "DON’T"], ["don't2"]),
        ("a (b|c d) e", ["a b e", "a c d e", "a  c\nd e"], ["a e", "ab e"]),
        ("a( b|) c", ["a b c", "a c"], ["a d c"]),
        ("[ab]d", ["ad", "bd"], ["cd"]),
        ("a _ c", ["a b c", "a it's c"], ["a c", "a b b c"]),
        ("a …2 c", ["a c", "a b c", "a b b c"], ["a b b b c", "a b, c"]),
        ("a,…2 c", ["a c", "a, b c", "a b, b, c"], ["a. b c"]),
        ("a {colour}", ["a red", "a dark green"], ["a blue", "a dark"]),
        ("a {of}", ["a red", "a dark blue"], ["a {of}"]),
        ("no!( more)", ["no", "no less"], ["no more"]),
        ("(not |n't )~keep", ["keep", "now keep"], ["not keep", "don’t keep"]),
        ("^keep", ["keep", "- keep"], ["to keep"]),
        ("keep$", ["to keep", "keep."], ["keep it"]),
        ("only;", ["the hat only", "only, then"], ["only the hat"]),
        ("text:", ["text: x", "text ： x"], ["text"]),
        ("añade", ["añade", "AÑADE", "an\u0303ade"], ["anade"]),
        ("साफ़", ["साफ़ हो", "सा\u095e हो"], ["साफ हो"]),
        ("मेल", ["मेल"], ["कारमेल"]),
        ("a.b", ["a.b"], ["axb"]),
    ],
)
def test_how_a_phrase_is_written(phrase: str, found: list[str], not_found: list[str]) -> None:
    """Each sign means what the top of every file says."""
    assert [text for text in found if not matches(phrase, text)] == []
    assert [text for text in not_found if matches(phrase, text)] == []


def test_without_blanks_a_phrase_stands_anywhere() -> None:
    """Where words do not stand apart, a phrase is found inside of others, and a gap counts characters."""
    assert matches("保持", "请保持不变", blanks=False)
    assert matches("其他…3不变", "其他部分不变", blanks=False)
    assert not matches("其他…3不变", "其他所有部分都不变", blanks=False)
    assert not matches("其他…3不变", "其他，都不变", blanks=False)
    assert matches("其他,…3不变", "其他，都不变", blanks=False)


def test_the_words_of_all_languages_are_one_pattern() -> None:
    """What is not of one language is looked for in the words of all."""
    pattern = any_language("ratio.after")
    assert all(re.match(pattern, text) for text in ("aspect", "宽高比", "縦横比", "अनुपात", "formato"))
