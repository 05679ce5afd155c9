"""The files that a template is rendered from: where they are found, how many they may be, and the digest that covers them."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from kit.template_files import GREETING, PARTS, write

from promptkit.errors import TemplateError
from promptkit.prompts.library import Library

# Digests


def test_digest_covers_all_files(tmp_path: Path) -> None:
    """The digest is the sha256 of the template and all that it extends, includes and imports, as canonical JSON of {name: text}."""
    t = write(tmp_path, PARTS).t
    prompt = t()
    assert str(prompt) == "am"
    assert prompt.files == PARTS
    canonical = json.dumps(PARTS, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert prompt.digest == t.digest == hashlib.sha256(canonical.encode()).hexdigest()


@pytest.mark.parametrize("name", PARTS)
def test_digest_changes_with_each_file(tmp_path: Path, name: str) -> None:
    """A change in any of the files is a change of the digest and of what is rendered, at the next access."""
    library = write(tmp_path, PARTS)
    before = library.t.digest
    write(tmp_path, {name: PARTS[name] + " {# changed #}"})
    assert library.t.digest != before


def test_digest_ignores_line_ends_and_mark(tmp_path: Path) -> None:
    """The same text saved on Windows has the same digest."""
    digests = set()
    for data in (b"a\nb\n", b"a\r\nb\r\n", b"\xef\xbb\xbfa\nb\n", b"a\rb\r"):
        (tmp_path / "t.j2").write_bytes(data)
        digests.add(Library(tmp_path, builtin=False).t.digest)
    assert len(digests) == 1


def test_digest_of_a_language_covers_its_file_and_the_base(tmp_path: Path) -> None:
    """A prompt in another language comes from that language's file, and from the base file that says what it takes."""
    prompt = write(tmp_path, GREETING).hi(lang="es")
    assert prompt.files == {name: GREETING[name] for name in ("hi.es-MX.j2", "hi.j2")}


# Files that others name


def test_partials_come_from_the_own_folder_then_from_the_built_in(tmp_path: Path) -> None:
    """A template's partials are looked for beside it; built-in templates can be included as well."""
    write(tmp_path / "one", {"t.j2": "{% include '_p.j2' %}", "_p.j2": "one"})
    including = "---\ninputs: {element: {}, fill: {}, keep: {default: null}}\n---\n{% include 'edit/remove.j2' %}"
    write(tmp_path / "two", {"u.j2": "{% include '_p.j2' %}", "v.j2": including})
    library = Library(tmp_path / "one", tmp_path / "two")
    assert str(library.t()) == "one"
    assert "remove a hat from the scene" in str(library.v(element="a hat", fill="air"))
    with pytest.raises(TemplateError, match=r"It needs '_p.j2', which is not in .*two nor in") as caught:
        library.u()
    assert (caught.value.file, caught.value.line) == (str(tmp_path / "two" / "u.j2"), 1)


def test_files_include_each_other_only_so_deep(tmp_path: Path) -> None:
    """A chain of files ends in TemplateError with file and line, long before Python's own limit."""
    chain = {f"_f{i}.j2": f"{{% include '_f{i + 1}.j2' %}}" for i in range(1000)}
    with pytest.raises(TemplateError, match="more than 32 deep") as caught:
        write(tmp_path, {**chain, "_f1000.j2": "end", "t.j2": "{% include '_f0.j2' %}"}).t()
    assert caught.value.line == 1


def test_all_that_is_included_counts_towards_the_size(tmp_path: Path) -> None:
    """A template with all that it includes has 32 kB at most."""
    library = write(tmp_path, {"t.j2": "{% include '_a.j2' %}{% include '_b.j2' %}", "_a.j2": "a" * 20_000, "_b.j2": "b" * 20_000})
    with pytest.raises(TemplateError, match="40,042 bytes or more; 32,768 at most"):
        library.t()


# What is remembered


def test_a_changed_file_is_seen_at_the_next_access(tmp_path: Path) -> None:
    """A new text, a new language and a removed file are seen; what was taken before stays as it was."""
    library = write(tmp_path, {"t.j2": "one"})
    before = library.t
    assert library.t is before
    write(tmp_path, {"t.j2": "three", "t.ja.j2": "三"})
    assert (str(library.t()), str(library.t(lang="ja")), str(before())) == ("three", "三", "one")
    state = (tmp_path / "t.j2").stat()
    (tmp_path / "t.j2").write_text("seven")
    os.utime(tmp_path / "t.j2", ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    assert str(library.t()) == "seven"
    (tmp_path / "t.j2").write_text("eleven")
    os.utime(tmp_path / "t.j2", ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    assert str(library.t()) == "eleven"
    (tmp_path / "t.j2").unlink()
    assert "t" not in library


PARSERS = ("lexer", "parser", "compiler", "scanner", "composer")


def parsing(function: Callable[[], object]) -> int:
    """How many functions of the parsers of jinja2 and yaml a call runs."""
    names: list[str] = []
    sys.setprofile(lambda frame, event, _: names.append(frame.f_code.co_filename) if event == "call" else None)
    try:
        function()
    finally:
        sys.setprofile(None)
    return sum(("jinja2" in name or "yaml" in name) and Path(name).stem in PARSERS for name in names)


def test_a_known_template_is_parsed_once(tmp_path: Path) -> None:
    """After the first rendering no parser runs, in any library, until the file changes."""
    library = write(tmp_path, {**PARTS, **GREETING})

    def render() -> None:
        assert str(library.t()) + str(library.hi(lang="zh")) == "am大声问候你"

    assert parsing(render) > 0
    assert parsing(render) == 0
    library = Library(tmp_path, builtin=False)
    assert parsing(render) == 0
    (tmp_path / "_a.j2").write_text("{# x #}a")
    assert parsing(render) > 0
