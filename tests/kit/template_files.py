"""Folders of templates for tests: written, and opened as a library without the built-in ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from promptkit.prompts.library import Library
from promptkit.prompts.template import Template

# one template in three languages,
GREETING = {
    "hi.j2": "---\ninputs:\n  who: {description: whom, default: you}\n  how: {choices: {loud: loudly, low: softly}, default: loud}\n---\n"
    "Greet {{ who }} {{ how }}",
    "hi.zh-CN.j2": "---\nlang: zh-CN\ninputs:\n  who: {description: 谁, default: 你}\n  how: {choices: {loud: 大声, low: 小声}}\n---\n"
    "{{ how }}问候{{ who }}",
    "hi.es-MX.j2": "Saluda a {{ who }}",
}
# and one of four files, which extends, includes and imports
PARTS = {
    "t.j2": "{% extends '_layout.j2' %}{% block a %}{% include '_a.j2' %}{% endblock %}",
    "_layout.j2": "{% from 'parts/_m.j2' import f %}{% block a %}{% endblock %}{{ f() }}",
    "_a.j2": "a",
    "parts/_m.j2": "{% macro f() %}m{% endmacro %}",
}


def write(folder: Path, files: Mapping[str, str]) -> Library:
    """Writes the files, by their names from the folder, and opens it."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Library(folder, builtin=False)


def one(folder: Path, front: str, body: str = "") -> Template:
    """The template `t` with this front matter and this body."""
    found = write(folder, {"t.j2": f"---\n{front}\n---\n{body}"}).t
    assert isinstance(found, Template)
    return found
