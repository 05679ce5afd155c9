"""Packs: templates that are installed with pip, found under their own name, and named in the record."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from kit.loopback import png
from kit.places import FreshEnvironment

from promptkit import PromptkitWarning, Session, TemplateNotFound, templates
from promptkit.cli.main import main
from promptkit.prompts.library import template_names

STICKER = """---
description: A sticker of ACME
inputs: {subject: {description: what is on it}}
---
An ACME sticker of {{ subject|article }}.
"""
PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "acme-prompts"
version = "1.2.0"
[project.entry-points."promptkit.templates"]
acme = "acme_prompts.templates"
[tool.hatch.build.targets.wheel]
packages = ["acme_prompts"]
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Lays out an installed distribution, as pip does, in a folder that Python imports from."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def lay_out(entry: str, *, distribution: str = "acme-prompts", version: str = "1.2.0", files: dict[str, str] | None = None) -> Path:
        folder = site / entry.partition("=")[2].strip().replace(".", "/")
        for name, text in (files or {"sticker.j2": STICKER}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        package = site / entry.partition("=")[2].strip().partition(".")[0]
        (package / "__init__.py").write_text("raise RuntimeError('a pack is data, and is not run')")
        info = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[promptkit.templates]\n{entry}\n")
        return folder

    return lay_out


@pytest.mark.slow
def test_a_pack_is_built_installed_and_recorded(fresh_environment: FreshEnvironment, tmp_path: Path) -> None:
    """A small pack, built and pip-installed into a fresh environment, renders under its name, and the record names pack and version."""
    project = tmp_path / "project"
    (project / "acme_prompts/templates/poster").mkdir(parents=True)
    (project / "acme_prompts/__init__.py").write_text("")
    (project / "acme_prompts/templates/sticker.j2").write_text(STICKER)
    (project / "acme_prompts/templates/_kind.j2").write_text("A poster")
    (project / "acme_prompts/templates/poster/town.j2").write_text("{% include '_kind.j2' %} of a town in {{ paint }}.")
    (project / "acme_prompts/templates/library.yaml").write_text("inputs: {paint: oil}\nreferences: {fox: fox.png}")
    (project / "acme_prompts/templates/fox.png").write_bytes(png("orange"))
    (project / "pyproject.toml").write_text(PROJECT)
    fresh_environment.install(project)
    script = (
        "from promptkit import Session, templates\n"
        "step = Session('./bear', endpoint='offline').generate(templates.acme.sticker(subject='fox'))\n"
        "print(step.prompt, templates.acme.poster.town(), sep='|')"
    )
    assert fresh_environment.run("-c", script, cwd=tmp_path) == "An ACME sticker of a fox.|A poster of a town in oil.\n"
    (record,) = (tmp_path / "bear").glob("0001-*.json")
    prompt = json.loads(record.read_text())["prompt"]
    assert [source["name"] for source in json.loads(record.read_text())["sources"]] == ["fox"]
    assert (prompt["template"], prompt["pack"]) == ("acme.sticker", ["acme-prompts", "1.2.0"])
    assert len(prompt["digest"]) == 64
    listed = fresh_environment.run("-m", "promptkit", "templates", cwd=tmp_path)
    assert "acme.sticker" in listed
    assert "(from acme-prompts 1.2.0)" in listed


def test_a_pack_is_seen_as_soon_as_it_is_installed(install: Callable[..., Path]) -> None:
    """No restart is needed: the next look-up finds it, in every way, and runs no code of its package."""
    assert "acme" not in templates
    install("acme = acme_prompts.templates")
    assert str(templates.acme.sticker(subject="fox")) == "An ACME sticker of a fox."
    assert templates["acme.sticker"].pack == ("acme-prompts", "1.2.0")
    assert "acme.sticker" in template_names(templates)
    assert "acme" in dir(templates)
    assert dir(templates.acme) == ["sticker"]


def test_a_pack_has_a_look_of_its_own(install: Callable[..., Path]) -> None:
    """Its library.yaml and pictures come with it, hold for its templates, and are kept with the step."""
    template = "---\ninputs: {subject: {}}\n---\nAn {{ brand }} sticker of {{ subject|article }}."
    folder = install(
        "acme = acme_prompts.templates",
        files={
            "sticker.j2": template,
            "edit/rain.j2": "{{ brand }} rain.",
            "library.yaml": "inputs: {brand: ACME}\nreferences: {fox: art/fox.png}",
        },
    )
    (folder / "art").mkdir()
    (folder / "art/fox.png").write_bytes(png("orange"))
    step = Session("./bear", endpoint="offline").generate(templates.acme.sticker(subject="fox"))
    assert (step.prompt.text, str(templates.acme.edit.rain())) == ("An ACME sticker of a fox.", "ACME rain.")
    assert [picture.data for picture in step.sources] == [png("orange")]
    assert step.prompt.pack == ("acme-prompts", "1.2.0")
    (folder / "library.yaml").unlink()
    [again] = Session("./bear").replay("./new", inputs={"subject": "owl"})
    assert (again.prompt.text, len(again.sources)) == ("An ACME sticker of an owl.", 1)


def test_another_step_of_the_same_prompt_names_its_pack_too(install: Callable[..., Path]) -> None:
    """What `again` repeats is still from the pack."""
    install("acme = acme_prompts.templates")
    step = Session("./bear", endpoint="offline").generate(templates.acme.sticker(subject="fox")).again()
    assert step.prompt.pack == ("acme-prompts", "1.2.0")


def test_a_pack_never_stands_before_what_the_user_has(install: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    """A pack called like a built-in namespace adds to it and replaces nothing; what it would have replaced is shown as hidden."""
    install("edit = acme_prompts.templates", files={"add.j2": "mine", "varnish.j2": "varnish"})
    assert templates.edit.add.pack is None
    assert str(templates.edit.varnish()) == "varnish"
    assert main(["templates"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("edit.add "))
    assert "hides the one from acme-prompts 1.2.0" in line


@pytest.mark.parametrize(
    ("entry", "said"),
    [("acme = acme_prompts.tempaltes", "no folder that was installed"), ("Acme-2 = acme_prompts.templates", "small letters")],
)
def test_a_broken_pack_is_named_and_hides_nothing(install: Callable[..., Path], entry: str, said: str) -> None:
    """An entry point that leads nowhere, or whose name cannot be written in Python, is a warning."""
    folder = install(entry)
    if "tempaltes" in entry:
        (folder / "sticker.j2").unlink()
        folder.rmdir()
    with pytest.warns(PromptkitWarning, match=said):
        assert "sticker" in template_names(templates)


def test_two_packs_of_one_name_are_named(install: Callable[..., Path]) -> None:
    """Of two distributions that claim one name the first is used, and a warning names both."""
    install("acme = acme_prompts.templates")
    install("acme = other_prompts.templates", distribution="other-prompts")
    with pytest.warns(PromptkitWarning, match=r"acme-prompts 1.2.0 .*other-prompts 1.2.0"):
        assert templates.acme.sticker.pack == ("acme-prompts", "1.2.0")


def test_a_pack_that_is_not_there_is_said_with_its_neighbours(install: Callable[..., Path]) -> None:
    """A misspelt template of a pack gets the nearest name."""
    install("acme = acme_prompts.templates")
    with pytest.raises(TemplateNotFound, match="'sticker'"):
        _ = templates.acme.stiker


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("entry_points.txt", b"[promptkit.templates]\nacme = \xff"),
        ("entry_points.txt", b"[console_scripts]\nno equals sign\n[promptkit.templates]\nacme = acme_prompts.templates"),
        ("METADATA", b"Name: \xff"),
        ("METADATA", None),
    ],
)
def test_a_damaged_package_hides_no_template(install: Callable[..., Path], name: str, data: bytes | None) -> None:
    """Whatever stands in the files of an installed package, all other templates are found, and a warning says what is wrong."""
    install("acme = acme_prompts.templates")
    install("fine = other_prompts.templates", distribution="other-prompts")
    (info,) = Path("../site").glob("acme_prompts-*.dist-info")
    (info / name).unlink()
    if data is not None:
        (info / name).write_bytes(data)
    with pytest.warns(PromptkitWarning, match=r"cannot be read|without a name or version"):
        assert "sticker" in template_names(templates)
    assert templates.fine.sticker.pack == ("other-prompts", "1.2.0")
    assert "acme.sticker" not in template_names(templates)


@pytest.mark.parametrize("value", ["acme_prompts./etc", "acme_prompts.templates/../..", "..", "acme prompts", ""])
def test_a_pack_stays_in_its_package(install: Callable[..., Path], value: str) -> None:
    """A value that is no dotted name leads nowhere."""
    install("acme = acme_prompts.templates")
    (info,) = Path("../site").glob("*.dist-info")
    (info / "entry_points.txt").write_text(f"[promptkit.templates]\nacme = {value}\n")
    with pytest.warns(PromptkitWarning):
        assert "acme" not in templates


def test_odd_entries_of_the_import_path_do_no_harm(install: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """sys.path may hold what it likes."""
    install("acme = acme_prompts.templates")
    monkeypatch.setattr(sys, "path", [*sys.path, None, 5, b"x", "\0", Path()])
    assert "acme.sticker" in template_names(templates)


def test_a_pack_in_a_zip_is_said_to_be_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies in a zip of the import path is looked at, too: the pack that it declares is named, and cannot be used."""
    with zipfile.ZipFile(tmp_path / "site.zip", "w") as site:
        site.writestr("acme_prompts/__init__.py", "")
        site.writestr("acme_prompts-1.2.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: acme-prompts\nVersion: 1.2.0\n")
        site.writestr("acme_prompts-1.2.0.dist-info/entry_points.txt", "[promptkit.templates]\nacme = acme_prompts.templates\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site.zip"))
    with pytest.warns(PromptkitWarning, match="'acme_prompts.templates', which is no folder"):
        assert "acme" not in templates
