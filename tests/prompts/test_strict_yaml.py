"""YAML as front matter has it: what is text, what is not, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kit.template_files import one

from promptkit.errors import TemplateError
from promptkit.prompts.source_file import make_file


@pytest.mark.parametrize(
    ("yaml", "value"),
    [
        *((text, text) for text in ("16:9", "on", "yes", "~", "True", "Null", "2026-11-22", "=", "<<")),
        *((text, text) for text in ("1_000", "0x10", "010", ".5", "1.", "+1", ".inf")),
        *(("null", None), ("true", True), ("false", False), ("-1", -1), ("0.5", 0.5), ("1e3", 1000.0), ("0", 0)),
        *(('"1"', "1"), ("'null'", "null"), ("|-\n    true", "true")),
    ],
)
def test_yaml_has_no_surprises(tmp_path: Path, yaml: str, value: Any) -> None:
    """Only JSON's null, true, false and numbers are not text, in values; a key is always text."""
    data = f"---\nmetadata:\n  hint: {yaml}\n---\n".encode()
    found = make_file("t.j2", tmp_path / "t.j2", data).front["metadata"]["hint"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("front", "line", "why"),
    [
        ("x-a: &a 1\nx-b: 2", 2, "alias, an anchor or a tag"),
        ("description: a\nx-b: *a", 3, "alias, an anchor or a tag"),
        ("x-a: !!python/object/apply:os.system [ls]", 2, "alias, an anchor or a tag"),
        ("x-a: !!str 1", 2, "alias, an anchor or a tag"),
        ("&a x-a: 1", 2, "a key is plain text"),
        ("? [a]\n: 1", 2, "a key is plain text"),
        ("description: a\ndescription: b", 3, "the key 'description' stands twice"),
        ("description: [a", 3, "not YAML"),
        ("description: a: b", 2, "not YAML"),
        ("description: \x00", None, "not YAML"),
        ("x-a: " + "[" * 100 + "]" * 100, 2, "nested more than 16 deep"),
        ("x-a: " + "9" * 5000, 2, "number that is too large"),
        ("x-a: 1e999", 2, "number that is too large"),
        ("- a", 1, "no mapping"),
        ("just text", 1, "no mapping"),
        ("description: a\n...\ndescription: b", 4, "not YAML"),
        ("description: a\n--- b", 3, "second document"),
    ],
)
def test_yaml_that_is_refused(tmp_path: Path, front: str, line: int | None, why: str) -> None:
    """What could surprise, or blow up, is refused with its line."""
    with pytest.raises(TemplateError, match=why) as caught:
        one(tmp_path, front)
    assert line is None or caught.value.line == line
    assert caught.value.file == str(tmp_path / "t.j2")
