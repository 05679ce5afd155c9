"""Libraries: templates by name, in which folders, in which order, and what is said of a name that is not there."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from kit.places import ROOT
from kit.template_files import write

from promptkit.errors import TemplateError, TemplateNotFound
from promptkit.prompts.library import Library, _added, add_library, templates

# Folders


def test_folders_are_searched_in_order(tmp_path: Path) -> None:
    """The first folder given wins, and the built-in templates come last."""
    for name in ("one", "two"):
        write(tmp_path / name, {"sticker.j2": name, f"{name}.j2": name, "edit/more.j2": name})
    library = Library(tmp_path / "one", tmp_path / "two")
    assert (str(library.sticker()), str(library.two()), library.logo.name) == ("one", "two", "logo")
    assert {"edit.add", "edit.more"} <= {t.name for t in library.edit}
    assert [t.name for t in Library(tmp_path / "two", builtin=False)] == ["edit.more", "sticker", "two"]


def test_the_default_library_has_the_users_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Added folders come first, the last added before the others, then PROMPTKIT_TEMPLATES, then the user's own."""
    names = ("own", "named", "added", "last")
    folders = [tmp_path / "home" / "templates", *(tmp_path / n for n in names[1:])]
    for at, folder in enumerate(folders):
        write(folder, {f"zz_{names[i]}.j2": names[at] for i in range(at + 1)})
    monkeypatch.setenv("PROMPTKIT_TEMPLATES", str(folders[1]))
    assert [str(templates[f"zz_{n}"]()) for n in names[:2]] == ["named", "named"]
    request.addfinalizer(_added.clear)  # the default library is one for all tests
    add_library(folders[2])
    add_library(folders[3])
    assert [str(templates[f"zz_{n}"]()) for n in names] == ["last"] * 4
    add_library(folders[2])
    assert [str(templates[f"zz_{n}"]()) for n in names] == ["added"] * 3 + ["last"]
    assert "zz_own" not in Library()


@pytest.mark.parametrize("use", [add_library, Library])
def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path, use: Callable[[Path], object]) -> None:
    """A folder that somebody names has to exist."""
    with pytest.raises(TemplateError, match=r"There is no folder .*nope"):
        use(tmp_path / "nope")


# Names


def test_attribute_and_item_are_the_same() -> None:
    """A template is found by attribute, by its whole name, and through its namespace."""
    assert templates.edit.add is templates["edit.add"] is templates["edit"]["add"]
    assert all(name in templates for name in ("sticker", "edit", "edit.add"))
    assert templates.sticker in templates
    assert not any(name in templates for name in ("edit.nope", "_x", "Sticker", "", ".", "edit.", "../x", 3, None))
    assert (len(templates.edit), next(t.name for t in templates.edit)) == (len(dir(templates.edit)), "edit.add")


def test_partials_and_strange_names_are_not_listed(tmp_path: Path) -> None:
    """A leading underscore marks a partial; names are small identifiers and no words of Python."""
    strange = ["_p.j2", "_d/x.j2", "A.j2", "class.j2", "a-b.j2", "1.j2", "a.txt", ".x.j2", "n.s/x.j2"]
    library = write(tmp_path, dict.fromkeys([*strange, "good.j2"], "x"))
    assert [t.name for t in library] == ["good"]
    for name in ("A", "class", "a-b"):
        with pytest.raises(TemplateNotFound):
            library[name]


def test_what_is_not_found_names_its_neighbours() -> None:
    """The error is an AttributeError, with the name, and names that look like it."""
    with pytest.raises(TemplateNotFound, match=r"no template 'stickr' .did you mean 'sticker'") as caught:
        _ = templates.stickr
    assert isinstance(caught.value, AttributeError)
    assert (caught.value.name, caught.value.near) == ("stickr", ("sticker",))
    assert not hasattr(templates.edit, "ad")


def test_a_file_whose_name_cannot_be_found_is_named(tmp_path: Path) -> None:
    """A file called my-Sticker.j2 is no template; whoever looks for it is told how to call it."""
    library = write(tmp_path, {"my-Sticker.j2": "x"})
    for name in ("my-Sticker", "my_sticker"):
        with pytest.raises(TemplateNotFound, match=r"there is my-Sticker.j2 in .*; rename it to my_sticker.j2"):
            library[name]
    with pytest.raises(TemplateNotFound, match=r"did you mean 'edit\.style_transfer'"):
        Library(tmp_path)["edit.style-transfer"]


def test_hidden_names_are_plain_attribute_errors() -> None:
    """IPython asks every object for methods that it does not have; that neither searches nor explains."""
    for name in ("_ipython_canary_method_should_not_exist_", "_repr_html_", "__wrapped__"):
        with pytest.raises(AttributeError) as caught:
            getattr(templates, name)
        assert type(caught.value) is AttributeError


def test_names_complete() -> None:
    """Tab completes attributes by the next word, and items by the whole name."""
    assert {"edit", "logo", "recover", "sticker"} <= set(dir(templates))
    assert {"add", "remove", "style_transfer"} <= set(dir(templates.edit))
    assert "edit.add" in templates._ipython_key_completions_()
    assert not [name for name in vars(Library) if not name.startswith("_")]


# What readers see, and what it costs


def test_a_library_shows_its_templates(tmp_path: Path) -> None:
    """A library is a table of templates, in which one bad file does not hide the others."""
    library = write(tmp_path, {"a.j2": "---\ndescription: first\n---\n", "b.j2": "---\nkind: x\n---\n"})
    assert repr(library) == "<Library of 2 templates: a, b>"
    html = library._repr_mimebundle_()["text/html"]
    assert "first" in html
    assert "kind is &#x27;x&#x27;" in html


def test_a_large_library_shows_a_part_of_itself(tmp_path: Path) -> None:
    """Of many templates the first are shown, long words cut, in at most 100 kB, with the number of all and how to see the others."""
    front = f"---\ndescription: {'a fox ' * 100}\n---\nA fox."
    library = write(tmp_path, {f"t{number:04}.j2": front for number in range(1000)})
    shown = library._repr_mimebundle_()
    assert shown["text/plain"] == repr(library)
    assert repr(library).startswith("<Library of 1,000 templates: t0000, ")
    assert repr(library).endswith(", t0059, and 940 more>")
    assert shown["text/html"].count("<tr>") == 61
    assert "60 of 1,000 templates; library[&#x27;t0060&#x27;]" in shown["text/html"]
    assert len(shown["text/html"]) < 100_000
    assert len(list(library)) == 1000


def test_import_is_light() -> None:
    """Importing the templates loads neither jinja2 nor yaml; listing them loads no jinja2."""
    program = (
        "import sys; from promptkit.prompts.library import templates; assert not {'jinja2', 'yaml'} & set(sys.modules); "
        "list(templates); dir(templates.edit); assert 'jinja2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


def test_a_large_folder_is_listed_quickly(tmp_path: Path) -> None:
    """Eight times as many templates cost eight times as much to look at, and not 64 times: what is between is a busy machine's."""

    def seconds(count: int) -> float:
        folder = tmp_path / str(count)
        folder.mkdir()
        for i in range(count):
            (folder / f"t{i}.j2").write_text(f"text {i}")
        return min(listed(folder, count) for _ in range(3))

    def listed(folder: Path, count: int) -> float:
        begun = time.process_time()
        assert len(list(Library(folder, builtin=False))) == count
        return time.process_time() - begun

    seconds(10)
    assert seconds(1600) < 24 * seconds(200)


@pytest.mark.parametrize("file", ["fox.jinja", "fox.jinja2", "fox.J2", "fox.j2.txt", "fox.prompt", "fox.tmpl", "Fox.prompty"])
def test_a_file_of_another_ending_is_named(tmp_path: Path, file: str) -> None:
    """Where a template is missed, a file that looks like it and is none is named, also in a folder of its own."""
    (tmp_path / "sub").mkdir()
    for folder in (tmp_path, tmp_path / "sub"):
        (folder / file).write_text("x")
    library = Library(tmp_path, builtin=False)
    for name in ("fox", "sub.fox"):
        with pytest.raises(TemplateNotFound, match=rf"there is {file} in .*; rename it to fox.j2"):
            _ = library[name]
