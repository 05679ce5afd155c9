"""What templates, inputs and their files may be called."""

from __future__ import annotations

import keyword
import re

from promptkit.prompts.languages import LANGUAGE

__all__ = ["FILE_NAME", "NEEDED_NAME", "RESERVED", "WORD", "is_word", "language_of", "meant_name"]

WORD = re.compile(r"[a-z][a-z0-9_]*")
RESERVED = frozenset({"lang", "self", "loop", "super", "caller", "varargs", "kwargs", "true", "false", "none"})  # of calls and of Jinja
FILE_NAME = re.compile(rf"(?P<name>_?[a-z][a-z0-9_]*)(?:\.(?P<lang>{LANGUAGE.pattern}))?\.j2")  # a leading underscore: a partial
NEEDED_NAME = re.compile(rf"(?:_?[a-z][a-z0-9_]*/)*{FILE_NAME.pattern}")  # as templates name each other

# as other tools and careless editors name templates
OTHER_NAME = re.compile(
    r"(?P<stem>[^.].*?)\.(?:j2|jinja2?|(?:j2|jinja2?)\.(?:txt|md|html?|ya?ml)|tmpl|tpl|prompty?|prompt\.(?:txt|md|ya?ml))", re.IGNORECASE
)


def is_word(word: str) -> bool:
    """Whether a template, a folder of templates or an input may have this name: small letters, digits and _, no word of Python."""
    return bool(WORD.fullmatch(word)) and not keyword.iskeyword(word)


def language_of(name: str) -> str:
    """`zh-CN` of the file `edit/add.zh-CN.j2`."""
    return name.split(".")[1]


def meant_name(name: str) -> str:
    """`fox.j2` of a file such as `fox.jinja` or `fox.J2`, which looks like a template and is none; empty for all others."""
    match = None if name.endswith(".j2") else OTHER_NAME.fullmatch(name)
    return f"{match['stem']}.j2" if match else ""
