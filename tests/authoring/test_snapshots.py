"""Snapshots: which there are, what is written and removed, and how a difference shows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from promptkit.authoring.snapshots import (
    LIST_FILE,
    Difference,
    compare_snapshots,
    render_snapshots,
    templates_without_snapshots,
    write_snapshots,
)
from promptkit.errors import TemplateError, TemplateNotFound
from promptkit.prompts.library import Library

FOX = "inputs: {x: {default: owl}}\nexamples:\n  - inputs: {x: fox}\n"
JA = "inputs: {x: {default: 梟}}\n"


def library(folder: Path, files: Mapping[str, str]) -> Library:
    """A library of these files, each given as its front matter and a body that prints x."""
    for name, front in files.items():
        path = folder / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"---\n{front}---\n{'に' if '.ja.' in name else 'See '}{{{{ x }}}}.\n", encoding="utf-8")
    return Library(folder / "templates", builtin=False)


def note(folder: Path, *written: str) -> None:
    """Adds to the list of what was written into a folder."""
    with (folder / LIST_FILE).open("a", encoding="utf-8") as file:
        file.writelines(f"{path}\n" for path in written)


def texts_in(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != LIST_FILE)
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}


# Which there are


def test_each_example_is_a_snapshot_in_each_language(tmp_path: Path) -> None:
    """A language's own examples where its file has some, else the base file's in that language."""
    own = "examples:\n  - inputs: {x: 狐}\n  - inputs: {}\n" + JA
    found = render_snapshots(library(tmp_path, {"a.j2": FOX, "a.ja.j2": own, "b/c.j2": FOX, "b/c.ja.j2": JA}))
    assert found == {
        "a.1.en.txt": "See fox.\n",
        "a.1.ja.txt": "に狐.\n",
        "a.2.ja.txt": "に梟.\n",
        "b/c.1.en.txt": "See fox.\n",
        "b/c.1.ja.txt": "にfox.\n",
    }


def test_an_example_may_be_of_one_language(tmp_path: Path) -> None:
    """An example of the base file that names a language is a snapshot in that language alone, and the others keep their numbers."""
    front = FOX + "  - {lang: ja, inputs: {x: 鹿}}\n  - inputs: {x: elk}\n"
    found = render_snapshots(library(tmp_path, {"a.j2": front, "a.ja.j2": JA}))
    assert list(found) == ["a.1.en.txt", "a.3.en.txt", "a.1.ja.txt", "a.2.ja.txt", "a.3.ja.txt"]


@pytest.mark.parametrize("lang", ["fr", "5", '""'])
def test_an_example_in_a_language_that_is_not_there_is_an_error(tmp_path: Path, lang: str) -> None:
    """An example that would be a snapshot nowhere is named with its file."""
    with pytest.raises(TemplateError, match=r"a\.j2: Example 2 has lang .*; the template is written in en\."):
        render_snapshots(library(tmp_path, {"a.j2": FOX + f"  - {{lang: {lang}, inputs: {{x: elk}}}}\n"}))


def test_the_inputs_examples_stand_in_for_missing_ones(tmp_path: Path) -> None:
    """A template without examples is rendered from what its inputs have as example, in the words of each language."""
    base = "inputs: {x: {example: fox}, y: {default: 1, example: 2, type: integer}}\n"
    found = render_snapshots(library(tmp_path, {"a.j2": base, "a.ja.j2": "inputs: {x: {example: 狐}}\n"}))
    assert found == {"a.1.en.txt": "See fox.\n", "a.1.ja.txt": "に狐.\n"}


def test_what_cannot_be_rendered_is_named(tmp_path: Path) -> None:
    """A template with neither examples nor an example of each required input is left out, and said to be."""
    files = {"a.j2": FOX, "b.j2": "inputs: {x: {}}\n", "c.j2": "inputs: {x: {}}\n", "c.ja.j2": "inputs: {x: {example: 狐}}\n"}
    here = library(tmp_path, files)
    assert list(render_snapshots(here)) == ["a.1.en.txt", "c.1.ja.txt"]
    assert templates_without_snapshots(here) == ["b", "c"]


@pytest.mark.parametrize(
    ("front", "said"),
    [
        ("inputs: {x: {max: 1}}\n", r"bad\.j2: The front matter has problems"),
        ("inputs: {x: {}}\nexamples: [{inputs: {}}]\n", r"bad\.j2: 'x' is missing"),
        ("inputs: {y: {default: null}}\n", r"bad\.j2:4: The template cannot be rendered: 'x' is neither an input"),
    ],
)
def test_a_broken_template_is_an_error(tmp_path: Path, front: str, said: str) -> None:
    """What cannot be read or rendered is named, and nothing is written or removed."""
    here, folder = library(tmp_path, {"a.j2": FOX, "bad.j2": front}), tmp_path / "rendered"
    folder.mkdir()
    (folder / "old.1.en.txt").touch()
    with pytest.raises(TemplateError, match=said):
        render_snapshots(here)
    with pytest.raises(TemplateError, match=said):
        write_snapshots(here, folder)
    assert list(texts_in(folder)) == ["old.1.en.txt"]


def test_some_templates_may_be_named(tmp_path: Path) -> None:
    """Names of templates and of folders of them choose what is rendered; an unknown one is an error."""
    here = library(tmp_path, {"a.j2": FOX, "b/c.j2": FOX, "b/d.j2": "inputs: {x: {}}\n"})
    assert list(render_snapshots(here, "b")) == ["b/c.1.en.txt"]
    assert (templates_without_snapshots(here, "a"), templates_without_snapshots(here, "a", "b.d")) == ([], ["b.d"])
    assert list(render_snapshots(here.b)) == ["b/c.1.en.txt"]
    with pytest.raises(TemplateNotFound, match="'e'"):
        render_snapshots(here, "e")


def test_built_in_templates_have_snapshots_in_all_their_languages() -> None:
    """Nothing that comes along is left out."""
    found = render_snapshots(Library())
    assert templates_without_snapshots(Library()) == []
    for template in Library():
        for lang in template.languages:
            assert f"{template.name.replace('.', '/')}.1.{lang}.txt" in found


# Files


def test_snapshots_are_written_whole_and_once(tmp_path: Path) -> None:
    """Each snapshot becomes a file, and a second run touches only what has changed."""
    here, folder = library(tmp_path, {"a.j2": FOX, "b/c.j2": FOX}), tmp_path / "to" / "rendered"
    assert write_snapshots(here, folder) == [folder / "a.1.en.txt", folder / "b/c.1.en.txt"]
    assert texts_in(folder) == render_snapshots(here)
    before = (folder / "a.1.en.txt").stat()
    (folder / "b/c.1.en.txt").write_text("else", encoding="utf-8")
    assert write_snapshots(here, folder) == [folder / "b/c.1.en.txt"]
    after = (folder / "a.1.en.txt").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert texts_in(folder) == render_snapshots(here)


STRANGERS = ["notes.txt", "a.0.en.txt", "a.1.txt", "A.1.en.txt", "a.1.en.txt~", "a.1.en.md", "1.en.txt"]
STRANGERS += [".git/a.1.en.txt", "My Notes/a.1.en.txt", "a.2.en.txt", "a.1.zh-CN.txt", "report.2.old.txt", "b/list.3.bak.txt"]


def test_only_snapshots_are_removed(tmp_path: Path) -> None:
    """What was written and is no snapshot any more goes; all other files stay, however much they look like one."""
    here, folder = library(tmp_path, {"a.j2": FOX, "b/gone.j2": FOX}), tmp_path / "rendered"
    write_snapshots(here, folder)
    for name in STRANGERS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("mine", encoding="utf-8")
    (tmp_path / "templates" / "b" / "gone.j2").unlink()
    note(folder, "../a.1.en.txt", "/etc/passwd")
    (tmp_path / "a.1.en.txt").touch()
    write_snapshots(here, folder)
    assert texts_in(folder) == dict.fromkeys(STRANGERS, "mine") | render_snapshots(here)
    assert (tmp_path / "a.1.en.txt").exists()


def test_what_is_no_snapshot_is_not_replaced(tmp_path: Path) -> None:
    """A file that has a snapshot's name and was not written as one stops it before anything is written; with overwrite it is replaced."""
    here, folder = library(tmp_path, {"a.j2": FOX, "b.j2": FOX}), tmp_path / "rendered"
    folder.mkdir()
    (folder / "b.1.en.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(TemplateError, match=r"b\.1\.en\.txt in .* is there already, and not listed in its samples\.txt"):
        write_snapshots(here, folder)
    assert texts_in(folder) == {"b.1.en.txt": "mine"}
    assert len(write_snapshots(here, folder, overwrite=True)) == 2
    assert texts_in(folder) == render_snapshots(here)


def test_what_was_not_named_is_not_removed(tmp_path: Path) -> None:
    """Writing or comparing some templates' snapshots leaves those of others alone, even of a folder that shares a template's name."""
    here, folder = library(tmp_path, {"a.j2": FOX, "b.j2": FOX, "b/c.j2": FOX}), tmp_path / "rendered"
    write_snapshots(here, folder)
    for name in ("a", "b", "b/c"):
        (folder / f"{name}.9.en.txt").touch()
        note(folder, f"{name}.9.en.txt")
    assert [d.path for d in compare_snapshots(here, folder, "b")] == [folder / "b.9.en.txt"]
    write_snapshots(here, folder, "b")
    assert {"a.9.en.txt", "b/c.9.en.txt"} == texts_in(folder).keys() - render_snapshots(here).keys()


@pytest.mark.parametrize("name", ["rendered", "rendered/a.1.en.txt"])
def test_what_cannot_be_written_is_one_error(tmp_path: Path, name: str) -> None:
    """A file where the folder should be, or a folder where a file should be, is a TemplateError."""
    here = library(tmp_path, {"a.j2": FOX})
    if name == "rendered":
        (tmp_path / name).touch()
    else:
        (tmp_path / name).mkdir(parents=True)
    with pytest.raises(TemplateError, match=r"rendered.* (File exists|Is a directory)"):
        write_snapshots(here, tmp_path / "rendered")


def test_text_that_no_file_can_hold_is_a_snapshot_all_the_same(tmp_path: Path) -> None:
    """Half a character and foreign line ends in a prompt neither stop the writing nor differ afterwards."""
    here = library(tmp_path, {"a.j2": 'inputs: {x: {default: "a\\r\\nb"}}\n'})
    (tmp_path / "templates" / "b.j2").write_text('{{ "\\ud800" }}', encoding="utf-8")
    write_snapshots(here, tmp_path / "rendered")
    assert texts_in(tmp_path / "rendered") == {"a.1.en.txt": "See a\nb.\n", "b.1.en.txt": "?\n"}
    assert compare_snapshots(here, tmp_path / "rendered") == []


# Differences


def compared(folder: Path, **stored: Any) -> list[Difference]:
    """What differs for one template that says two sentences, and what is stored of its snapshots."""
    body = "---\nexamples: [{inputs: {}}]\n---\nA red fox. It is tiny.\nBig eyes."
    (folder / "templates").mkdir()
    (folder / "templates" / "t.j2").write_text(body, encoding="utf-8")
    (folder / "rendered").mkdir()
    for name, data in stored.items():
        (folder / "rendered" / f"{name.replace('_', '.')}.en.txt").write_bytes(data)
        note(folder / "rendered", f"{name.replace('_', '.')}.en.txt")
    return compare_snapshots(Library("templates", builtin=False), Path("rendered"))


def test_a_changed_snapshot_shows_its_changed_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence is one line of the difference, which names the file and what happened to it."""
    monkeypatch.chdir(tmp_path)
    (found,) = compared(tmp_path, t_1=b"A red fox. It is small.\nBig eyes.\n")
    assert (found.path, found.kind) == (Path("rendered/t.1.en.txt"), "changed")
    first, *shown = str(found).splitlines()
    assert first == "rendered/t.1.en.txt: changed"
    assert shown[3:] == [" A red fox. ", "-It is small.", "+It is tiny.", " Big eyes."]


def test_new_and_gone_snapshots_are_shown_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot without a file is new, a file without its snapshot is gone; each is shown with all its sentences."""
    monkeypatch.chdir(tmp_path)
    new, gone = compared(tmp_path, t_2=b"A fox.\n")
    assert (new.kind, new.diff.count("\n+"), gone.kind, gone.diff.splitlines()[-1]) == ("new", 4, "gone", "-A fox.")


@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_do_not_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: bytes, mark: bytes) -> None:
    """What git or an editor does to line ends, and a byte-order mark, is no difference and is not written over."""
    monkeypatch.chdir(tmp_path)
    stored = mark + b"A red fox. It is tiny.\nBig eyes.\n".replace(b"\n", ends)
    assert compared(tmp_path, t_1=stored) == []
    assert write_snapshots(Library("templates", builtin=False), Path("rendered")) == []


@pytest.mark.parametrize("stored", [b"A red fox.\nIt is tiny.\nBig eyes.\n", b"A red fox. It is tiny.\nBig eyes.", b"\xff\n", b""])
def test_every_difference_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored: bytes) -> None:
    """A difference in line breaks alone, a missing last line end, and what is no text show as changed lines too."""
    monkeypatch.chdir(tmp_path)
    (found,) = compared(tmp_path, t_1=stored)
    assert found.kind == "changed"
    assert any(line.startswith(("-", "+")) for line in found.diff.splitlines()[2:])


def test_sentences_of_other_scripts_are_lines_too(tmp_path: Path) -> None:
    """A sentence that ends without a blank is a line of the difference, and one cut by a line end differs from one that is not."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "t.j2").write_text("画一只狐狸。它很小。大眼睛。", encoding="utf-8")
    here, folder = Library(tmp_path / "templates", builtin=False), tmp_path / "rendered"
    write_snapshots(here, folder)
    (folder / "t.1.en.txt").write_text("画一只狐狸。它很大。大眼睛。\n", encoding="utf-8")
    (found,) = compare_snapshots(here, folder)
    assert found.diff.splitlines()[3:] == [" 画一只狐狸。", "-它很大。", "+它很小。", " 大眼睛。"]
    (folder / "t.1.en.txt").write_text("画一只狐狸。\n它很小。大眼睛。\n", encoding="utf-8")
    (found,) = compare_snapshots(here, folder)
    assert "-它很小。大眼睛。" in found.diff


def test_a_missing_folder_names_the_command(tmp_path: Path) -> None:
    """Where nothing was written yet, the error says how it is."""
    here = library(tmp_path, {"a.j2": FOX})
    with pytest.raises(TemplateError, match=r"no folder rendered; `promptkit templates render --all -o rendered` writes it"):
        compare_snapshots(here, Path("rendered"))
