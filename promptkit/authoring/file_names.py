"""What is wrong with the names of a library's files, and what each could be called instead."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from promptkit.prompts.languages import LANGUAGE
from promptkit.prompts.names import FILE_NAME, NEEDED_NAME, is_word
from promptkit.prompts.source_file import file_names

__all__ = ["name_problem"]

TAGS = {"english": "en", "spanish": "es", "japanese": "ja", "chinese": "zh-CN", "hindi": "hi", "french": "fr", "german": "de"}


def name_problem(path: Path, name: str) -> str:
    """What is wrong with the name of a file, which is `name` from its library's folder; empty where nothing is."""
    match = FILE_NAME.fullmatch(path.name)
    words = [*name.split("/")[:-1], match["name"] if match else ""]
    if not NEEDED_NAME.fullmatch(name) or not (any(word.startswith("_") for word in words) or all(map(is_word, words))):
        should = _better_name(name) or "something like sticker.j2"
        return f"{name!r} cannot be a template's name, which is of small letters, digits and _, and no word of Python; name it {should}."
    base = f"{match['name']}.j2" if match and match["lang"] and not match["name"].startswith("_") else ""
    if base and base not in file_names(str(path.parent)):
        return f"There is no {base} that this file could say in another language; add that, or rename this file to {base}."
    return ""


def _better_name(name: str) -> str:
    *folders, file = name.removesuffix(".j2").split("/")
    stem, dot, tag = file.rpartition(".")
    tag = TAGS.get(_plain(tag), tag.replace("_", "-"))
    is_tagged = bool(dot) and bool(LANGUAGE.fullmatch(tag))
    words = [_word(word) for word in (*folders, stem if is_tagged else file)]
    return f"{'/'.join(words)}{f'.{tag}' if is_tagged else ''}.j2" if all(words) else ""


def _word(word: str) -> str:
    plain = re.sub(r"_+", "_", re.sub(r"[^a-z0-9_]", "_", _plain(word))).strip("_")
    if not plain or not plain[0].isalpha():
        return ""
    return f"{'_' if word.startswith('_') else ''}{plain}{'' if word.startswith('_') or is_word(plain) else '_'}"


def _plain(word: str) -> str:
    """Without accents, in small letters; what has no such letters is left out."""
    return unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode().lower()
