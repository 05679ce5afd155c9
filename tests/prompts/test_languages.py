"""Languages: which file a tag means, and what is rendered where there is none."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from kit.template_files import GREETING, write

from promptkit.errors import InputError, PromptkitWarning
from promptkit.prompts.library import templates


@pytest.mark.parametrize(
    ("lang", "found"),
    [
        *((tag, "zh-CN") for tag in ("zh-CN", "zh", "zh_CN", "zh-Hans", "zh-hans-CN", "ZH-cn", "zh_CN.UTF-8", "zh-SG")),
        *((tag, "es-MX") for tag in ("es", "es-MX", "es_ES", "es-419")),
        *((tag, "en") for tag in ("en", "en-US", "en_GB.UTF-8", None)),
    ],
)
def test_languages_are_found_by_near_tags(tmp_path: Path, lang: str | None, found: str) -> None:
    """A language is found without its region, or with another one, in the same script."""
    assert write(tmp_path, GREETING).hi(lang=lang).lang == found


@pytest.mark.parametrize(("name", "lang"), [("one", "fr"), ("two", "zh-TW"), ("three", "zh-Hant"), ("four", "e"), ("five", "x" * 300)])
def test_a_missing_language_falls_back_and_says_so_once(tmp_path: Path, name: str, lang: str) -> None:
    """Where there is no file for a language, the base file's is used, with one warning for each template and language."""
    template = write(tmp_path, {file.replace("hi", name): text for file, text in GREETING.items()})[name]
    with pytest.warns(PromptkitWarning, match=f"The template '{name}' is not written in '{lang}'"):
        assert template(lang=lang).lang == "en"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert template(lang=lang).lang == "en"


def test_the_fall_back_is_english_else_the_base_file(tmp_path: Path) -> None:
    """A template whose base file is Spanish is rendered in English for a German, where it can be."""
    library = write(tmp_path, {"a.j2": "---\nlang: es-MX\n---\nhola", "a.en.j2": "hello", "b.j2": "---\nlang: es-MX\n---\nhola"})
    with pytest.warns(PromptkitWarning, match="rendered in 'en'"):
        assert str(library.a(lang="de")) == "hello"
    with pytest.warns(PromptkitWarning, match="rendered in 'es-MX'"):
        assert str(library.b(lang="de")) == "hola"


def test_the_settings_name_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without lang= the user's own language is used."""
    monkeypatch.setenv("PROMPTKIT_LANG", "zh-CN")
    assert str(templates.recover.edit(prompt="添加羊驼")) == "生成添加羊驼后的图片"
    assert templates.recover.edit(prompt="x", lang="en").lang == "en"


def test_lang_is_text() -> None:
    """A language that is no text is an error of promptkit's."""
    with pytest.raises(InputError, match="lang is 3; expected a tag"):
        templates.sticker(subject="x", lang=3)
