"""New templates: the scaffold of each kind, and the file that a source becomes."""

from __future__ import annotations

import re
import resource
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import pytest

from promptkit.authoring.scaffold import scaffold_source, write_template
from promptkit.errors import InputError, TemplateError
from promptkit.prompts.brackets import from_brackets
from promptkit.prompts.declarations import FIELDS
from promptkit.prompts.library import Library
from promptkit.prompts.template import Template

KINDS = ("generate", "edit")
TEXTS = {
    "generate": "A photorealistic photograph of an old lighthouse keeper. The mood is calm.",
    "edit": "Using the provided image, replace the blue sofa with a brown leather armchair. Match the lighting, shadows and perspective of "
    "the original. Keep everything else in the image exactly the same.",
}


def scaffolded(folder: Path, kind: str, name: str = "my.own") -> Template:
    write_template(folder, name, scaffold_source(name, kind))
    found = Library(folder, builtin=False)[name]
    assert isinstance(found, Template)
    return found


# Scaffolds


@pytest.mark.parametrize("kind", KINDS)
def test_a_scaffold_works_as_it_stands(tmp_path: Path, kind: str) -> None:
    """Its first example renders a whole prompt, with nothing of its comments."""
    template = scaffolded(tmp_path, kind)
    assert (template.kind, template.pictures.min) == (kind, int(kind == "edit"))
    assert str(template(**template.examples[0]["inputs"])) == TEXTS[kind]
    assert len(template.examples) == 2


def test_a_scaffold_knows_the_look_of_its_library(tmp_path: Path) -> None:
    """A comment says what library.yaml gives; what does not fit it is not written."""
    (tmp_path / "library.yaml").write_text("inputs: {brand: ink}\nreferences: {fox: fox.png}\nchannels: {}")
    source = scaffold_source("poster", folder=tmp_path)
    assert "\n# library.yaml gives values that the body may use (brand); fox along with each request. `false` takes" in source
    assert source.replace("library: true\n", "") == re.sub("(?m)^library: true\n", "", source)
    write_template(tmp_path, "poster", source)
    assert scaffold_source("poster") == scaffold_source("poster", folder=tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"'brand' takes its default from library\.yaml, which is 'ink'"):
        write_template(tmp_path, "other", "---\ninputs: {brand: {type: integer}}\n---\nA {{ brand }}.")
    assert not (tmp_path / "other.j2").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_every_input_of_a_scaffold_is_used(tmp_path: Path, kind: str) -> None:
    """What is given for any input stands in the prompt, and each is described; the required ones have an example."""
    template = scaffolded(tmp_path, kind)
    for one in template.inputs.values():
        choices: Mapping[str, str] = dict(one.choices) or {"fox": "fox"}
        required = {i.name: i.example for i in template.inputs.values() if i.required}
        for key, words in choices.items():
            assert words in str(template(**required | {one.name: key}))
        assert one.description
        assert one.example is not None or not one.required


@pytest.mark.parametrize("kind", KINDS)
def test_anything_optional_may_be_left_out_of_it(tmp_path: Path, kind: str) -> None:
    """Whatever is left empty leaves whole sentences."""
    template = scaffolded(tmp_path, kind)
    required = {i.name: i.example for i in template.inputs.values() if i.required}
    optional = [i.name for i in template.inputs.values() if not i.required and not i.choices]
    for left_out in product([{}, *({name: ""} for name in optional)], repeat=2):
        text = str(template(**required | left_out[0] | left_out[1]))
        assert text.endswith(".")
        assert not re.search(r"  | \.|\.\.|None|\n", text), text


@pytest.mark.parametrize("kind", KINDS)
def test_a_scaffold_explains_itself(kind: str) -> None:
    """A comment stands before each key, required, optional and chosen inputs are there, and its own name says how it is called."""
    lines = scaffold_source("my.own", kind).splitlines()
    keys = [at for at, line in enumerate(lines) if (word := re.match(r"(\w+):", line)) and word[1] in FIELDS]
    assert len(keys) == (6 if kind == "edit" else 5)
    assert all(lines[at - 1].startswith("# ") for at in keys)
    assert sum("choices:" in line for line in lines) == 1
    assert sum("default: null" in line for line in lines) == 2  # the input, and the comment about it
    assert lines[1].startswith("# my/own.j2: templates.my.own(")
    assert "-t my.own " in lines[1]


def test_an_edit_says_what_to_keep(tmp_path: Path) -> None:
    """The scaffold of an edit declares its pictures and what stays as it is."""
    template = scaffolded(tmp_path, "edit")
    assert template.pictures.roles == ("the picture to change",)
    assert "keep" in template.inputs


def test_an_unknown_kind_is_refused() -> None:
    """There is a scaffold for each kind of template, and for no other."""
    with pytest.raises(TemplateError, match="kind is 'paint'; expected generate or edit"):
        scaffold_source("x", "paint")


# The file


def test_dots_are_folders(tmp_path: Path) -> None:
    """A template is written where a library finds it, in folders that are made, with nothing else beside it."""
    source = from_brackets("Add a [hat] — 帽子.")
    path = write_template(tmp_path / "new", "edit.hats.add_hat", source)
    assert path == tmp_path / "new" / "edit" / "hats" / "add_hat.j2"
    assert path.read_bytes() == source.encode()
    assert [*path.parent.iterdir()] == [path]
    assert str(Library(tmp_path / "new", builtin=False).edit.hats.add_hat(hat="owl")) == "Add an owl — 帽子."


@pytest.mark.parametrize("there", ["file", "folder", "link to nothing"])
def test_nothing_is_overwritten(tmp_path: Path, there: str) -> None:
    """What stands under the name already stays, and the error names it."""
    path = tmp_path / "a.j2"
    if there == "file":
        path.write_text("mine", encoding="utf-8")
    elif there == "folder":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TemplateError, match=r"a\.j2: This template is there already; edit it, or choose another name\."):
        write_template(tmp_path, "a", "new")
    assert [*tmp_path.glob("*.j2")] == [path]
    assert there != "file" or path.read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "elsewhere").exists()


def test_of_several_writers_one_wins(tmp_path: Path) -> None:
    """Of many that write the same name at once, one does, and its source is there whole."""

    def write(number: int) -> str | None:
        try:
            write_template(tmp_path, "a", str(number) * 9_000)
        except TemplateError:
            return None
        return str(number) * 9_000

    with ThreadPoolExecutor(8) as pool:
        won = [source for source in pool.map(write, range(8)) if source]
    assert won == [(tmp_path / "a.j2").read_text(encoding="utf-8")]


@pytest.mark.parametrize(
    ("name", "fitting"),
    [
        ("Add-Hat", "add_hat"),
        ("add hat", "add_hat"),
        ("edit/add-hat.j2", "edit.add_hat"),
        ("sticker.j2", "sticker"),
        ("_parts", "parts"),
        ("3d_logo", "d_logo"),
        ("Café", "cafe"),
        ("../outside", None),
        ("/etc/x", None),
        ("class", None),
        ("edit..add", None),
        ("edit.", None),
        ("j2", None),
        ("贴纸", None),
        ("", None),
        ("a\n", "a"),
        ("a\x00", "a"),
    ],
)
def test_a_name_is_a_word(tmp_path: Path, name: str, fitting: str | None) -> None:
    """A name that no library would find is refused before anything is written, with one that would do where there is one."""
    for act in (lambda: write_template(tmp_path / "new", name, "x"), lambda: scaffold_source(name)):
        with pytest.raises(TemplateError, match="cannot name a template: small letters") as caught:
            act()
        assert ("would do" in str(caught.value)) == (fitting is not None)
        assert fitting is None or f"; {fitting!r} would do." in str(caught.value)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("---\ninputs: {x: {max: 1}}\n---\n", r"a\.j2: The front matter has problems: max of the input 'x'"),
        ("---\nkind: generate\n", r"a\.j2:1: The front matter has no end"),
        ("x\n{% if %}", r"a\.j2:2: The template cannot be used"),
        ("{{ x|sorted }}", r"a\.j2:1: The template cannot be used: there is no filter 'sorted'"),
        ("x" * 32_769, r"a\.j2: The source has 32,769 bytes; a template has 32,768 at most\."),
        ("\ud800", r"a\.j2: Byte 0 is not UTF-8"),
    ],
)
def test_nothing_broken_is_written(tmp_path: Path, source: str, said: str) -> None:
    """What no library could use is refused with the place, and leaves no file or folder."""
    with pytest.raises(TemplateError, match=said):
        write_template(tmp_path / "new", "a", source)
    assert not (tmp_path / "new").exists()


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    """Where the disk refuses, the error says so and the name is free again."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(TemplateError, match=r"a\.j2: The template cannot be written: File too large; name another folder\."):
            write_template(tmp_path, "a", "x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.glob("*a.j2")) == []
    (tmp_path / "edit").touch()
    with pytest.raises(TemplateError, match=r"edit/add\.j2: The template cannot be written: File exists"):
        write_template(tmp_path, "edit.add", "x")
