"""Files on disk: how they are read and cut, which are refused, and that a change is always seen."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from kit.template_files import write

from promptkit.errors import TemplateError
from promptkit.prompts.library import Library
from promptkit.prompts.source_file import make_file


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain {{ 1 }}\n", "plain 1"),
        (b"\xef\xbb\xbf---\r\ninputs: {x: {default: a}}\r\n---\r\none\r\n{{ x }}\r\n", "one\na"),
        (b"---\n---\n\n\nbody\n\n", "body"),
        (b"---\ninputs:\n  x:\n    default: a\n--- \nline\n---\n{{ x }}", "line\n---\na"),
        (b"---\n---\n{# nothing #}", ""),
        (b"\n \t\n---\ninputs: {x: {default: a}}\n---\n{{ x }}", "a"),
        (b"\xef\xbb\xbf\xef\xbb\xbf{# a licence\n - #1 #}\n\n---\ninputs: {x: {default: a}}\n---\n{{ x }}", "a"),
        (b"a fox\n---\nMood: calm\n---", "a fox\n---\nMood: calm\n---"),
        (b"---\nkind: edit\n---\na fox\n---\nkind: edit\n---", "a fox\n---\nkind: edit\n---"),
    ],
)
def test_files_are_cut_into_front_matter_and_body(tmp_path: Path, data: bytes, text: str) -> None:
    """Front matter is what stands between the first two --- lines, behind nothing but blank lines, byte-order marks and comments."""
    (tmp_path / "t.j2").write_bytes(data)
    assert str(Library(tmp_path, builtin=False).t()) == text


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"---\ndescription: a\n", "front matter has no end"),
        (b"description: a\n---\nbody", "begins with 'description:', as front matter does, and not with ---"),
        (b"caf\xe9", "Byte 3 is not UTF-8"),
        (b"a" * 32_769, "32,769 bytes"),
    ],
)
def test_files_that_are_refused(tmp_path: Path, data: bytes, why: str) -> None:
    """A file that cannot be a template is named, with the reason."""
    (tmp_path / "t.j2").write_bytes(data)
    with pytest.raises(TemplateError, match=why):
        Library(tmp_path, builtin=False).t()


def test_an_empty_file_is_no_template(tmp_path: Path) -> None:
    """A file that is empty, as one that is being written, is an error and not an empty prompt; a partial may be empty."""
    library = write(tmp_path, {"t.j2": " \n", "u.j2": "u{% include '_p.j2' %}", "_p.j2": ""})
    with pytest.raises(TemplateError, match="is empty"):
        _ = library.t
    assert str(library.u()) == "u"


def test_folder_named_as_a_template_is_refused(tmp_path: Path) -> None:
    """A folder called name.j2 is no template."""
    (tmp_path / "t.j2").mkdir()
    with pytest.raises(TemplateError, match="This is no file"):
        _ = Library(tmp_path, builtin=False).t


def test_links_do_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    """A stranger's folder cannot bring in a file from elsewhere by a link; a link inside it, or the folder being one, is fine."""
    (tmp_path / "secret").write_text("secret")
    library = write(tmp_path / "own", {"real.j2": "real", "t.j2": "{% include '_p.j2' %}"})
    for name, target in {"out": tmp_path / "secret", "env": Path("/proc/self/environ"), "in": Path("real.j2")}.items():
        (tmp_path / "own" / f"{name}_.j2").symlink_to(target)
    (tmp_path / "own" / "_p.j2").symlink_to(tmp_path / "secret")
    for name in ("out_", "env_"):
        with pytest.raises(TemplateError, match=r"This is a link to .* outside of its folder"):
            library[name]
    with pytest.raises(TemplateError, match=r"This is a link to .*secret, outside of its folder"):
        library.t()
    assert str(library.in_()) == "real"
    (tmp_path / "linked").symlink_to(tmp_path / "own", target_is_directory=True)
    assert str(Library(tmp_path / "linked", builtin=False).real()) == "real"


def test_what_is_no_file_holds_nobody(tmp_path: Path) -> None:
    """A pipe that nobody writes to, and a device, are refused at once."""
    os.mkfifo(tmp_path / "pipe.j2")
    with pytest.raises(TemplateError, match="no file"):
        _ = Library(tmp_path, builtin=False).pipe


# Changes


def test_a_change_that_keeps_size_and_time_is_seen(tmp_path: Path) -> None:
    """A file rewritten in place with the same length, its time set back afterwards, is read again."""
    library = write(tmp_path, {"t.j2": "one"})
    os.utime(tmp_path / "t.j2", ns=(10**18, 10**18))
    assert str(library.t()) == "one"
    (tmp_path / "t.j2").write_text("two")
    os.utime(tmp_path / "t.j2", ns=(10**18, 10**18))
    assert str(library.t()) == "two"


@pytest.mark.slow
def test_threads_render_while_files_change(tmp_path: Path) -> None:
    """Eight threads that look up and render while the file is replaced get one text or the other, and nothing else."""
    partials = {f"_p{i}.j2": "x" for i in range(20)}
    includes = "".join(f"{{% include '_p{i}.j2' %}}" for i in range(20))
    library = write(tmp_path, {**partials, "t.j2": f"one{includes}"})
    seen: set[str] = set()
    over = threading.Event()

    def render() -> None:
        while not over.is_set():
            try:
                seen.add(str(library.t())[:3])
            except BaseException as error:
                seen.add(repr(error))

    threads = [threading.Thread(target=render) for _ in range(8)]
    for thread in threads:
        thread.start()
    for i in range(100):
        (tmp_path / "new").write_text(("one", "two")[i % 2] + includes)
        (tmp_path / "new").replace(tmp_path / "t.j2")
        time.sleep(0.01)
    over.set()
    for thread in threads:
        thread.join()
    assert seen == {"one", "two"}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("A fox\n\n---\ndescription: x\n---\n", 3, "begins on the first line"),
        ("# Fox\n---\n\n# what\nkind: edit\n---\n", 2, "begins on the first line"),
        ("———\ndescription: x\n———\n", 1, "'———' looks like"),
        ("\n+++\ninputs: {}\n+++\n", 2, r"'\+\+\+' looks like"),
        ("----\nkind: edit\n----\n", 1, "'----' looks like"),
        ("\u200b---\nkind: edit\n---\n", 1, "looks like"),
        ("---\u00a0\nkind: edit\n---\n", 1, "looks like"),
        ("  ---\nkind: edit\n---\n", 1, "looks like"),
        ("\n\n---\nkind: edit\nA fox", 3, "has no end"),
        ("\n\n---\nkind: edit\nkind: edit\n---\n", 5, "stands twice"),
    ],
)
def test_what_looks_like_front_matter_never_becomes_the_prompt(text: str, line: int, said: str) -> None:
    """Anything else that looks like front matter is an error that names its line."""
    file = make_file("a.j2", Path("a.j2"), text.encode())
    with pytest.raises(TemplateError, match=said) as caught:
        file.front, file.body  # noqa: B018
    assert caught.value.line == line
