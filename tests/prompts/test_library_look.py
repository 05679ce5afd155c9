"""A library's own look: what its templates take of library.yaml in words, pictures and hints, and what their digests hold of it.

What is wrong with the file is tested in tests/authoring/test_check.py and test_library_file.py, what is sent in tests/session.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from kit.loopback import png
from kit.template_files import write

from promptkit import InputError, Library, Prompt, Template, TemplateError

LIBRARY = """\
inputs:
  brand: warm orange
  closing: {en: No watermark., zh-CN: 不要水印。}
  colors: [orange, blue]
  palette: pastel
references:
  mascot: {file: pictures/fox.png, description: {en: the fox, zh-CN: 狐狸}}
config: {image_size: 2K, temperature: 0.5}
"""
POSTER = """\
---
inputs:
  subject: {example: fox}
  palette: {description: its colors}
config: {temperature: 1}
---
A {{ palette }} poster of {{ subject }} in {{ brand }}. {{ closing }}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A library with its file, a picture and templates."""
    files = {
        "library.yaml": LIBRARY,
        "poster.j2": POSTER,
        "poster.zh-CN.j2": "{{ brand }}的{{ subject }}，{{ palette }}。{{ closing }}",
        "edit/night.j2": "---\nkind: edit\nlibrary: [inputs]\n---\nNight in {{ brand }}.",
        "own.j2": "---\ninputs: {brand: {default: red}}\n---\nA {{ brand }} card in {{ colors|join(' and ') }}.",
        "bare.j2": "---\nlibrary: false\n---\nA fox.",
        "plain.j2": "---\nlibrary: [inputs]\n---\nA fox.",
    }
    write(tmp_path / "team", files)
    (tmp_path / "team" / "pictures").mkdir()
    (tmp_path / "team/pictures/fox.png").write_bytes(png("orange"))
    return tmp_path / "team"


def library(folder: Path) -> Library:
    return Library(folder, builtin=False)


def change(folder: Path, old: str, new: str) -> None:
    path = folder / "library.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def kept(prompt: Prompt) -> dict[str, Any]:
    """What a step keeps of the library's file."""
    found: dict[str, Any] = json.loads(prompt.files["library.yaml"])
    return found


# Words


def test_a_body_uses_values_that_it_does_not_declare(folder: Path) -> None:
    """Texts and lists of them, also in sub-folders; what is nearer goes first: the call, the template's own default, the library."""
    team = library(folder)
    assert str(team.poster(subject="tea")) == "A pastel poster of tea in warm orange. No watermark."
    assert str(team.poster(subject="tea", palette="bold")) == "A bold poster of tea in warm orange. No watermark."
    assert str(team.edit.night()) == "Night in warm orange."
    assert str(team.own()) == "A red card in orange and blue."
    assert str(team.own(brand="green")) == "A green card in orange and blue."


def test_an_input_without_a_default_takes_the_library_s(folder: Path) -> None:
    """It may be left out, help shows the default, and the record holds what the caller gave."""
    poster = library(folder).poster
    assert (poster.inputs["palette"].required, poster.inputs["palette"].default) == (False, "pastel")
    assert poster.__signature__.parameters["palette"].default == "pastel"
    assert poster(subject="tea").inputs == {"subject": "tea"}
    assert "    palette (string, default 'pastel'): its colors" in poster.__doc__
    assert "    mascot: the fox (goes along with each request)" in poster.__doc__


def test_a_value_is_no_input_where_the_template_does_not_declare_it(folder: Path) -> None:
    """A caller's word that no template asked for is a mistake, as ever."""
    with pytest.raises(InputError, match=r"'brand' is not an input \(it is a value in library.yaml, which callers give where"):
        library(folder).poster(subject="tea", brand="blue")


def test_each_language_has_its_words(folder: Path) -> None:
    """A mapping from languages gives each its own, the nearest where the tag differs, the first where there is none."""
    team = library(folder)
    assert str(team.poster(subject="茶", lang="zh-CN")) == "warm orange的茶，pastel。不要水印。"
    assert team.poster(subject="茶", lang="zh-CN").references[0].description == "狐狸"
    change(folder, "zh-CN: 不要水印。", "zh: 别加水印。")
    assert str(team.poster(subject="茶", lang="zh-CN")).endswith("别加水印。")
    change(folder, "{en: No watermark., zh: 别加水印。}", "{ja: 透かしなし。}")
    assert str(team.poster(subject="tea")).endswith("透かしなし。")


def test_a_value_is_text_whatever_it_holds(folder: Path) -> None:
    """Jinja inside it is not run, and a list is joined and not printed."""
    change(folder, "brand: warm orange", 'brand: "{{ 7 }}{% raw %} ---"')
    assert "in {{ 7 }}{% raw %} ---." in str(library(folder).poster(subject="tea"))
    (folder / "list.j2").write_text("A {{ colors }}.")
    with pytest.raises(TemplateError, match="join a list"):
        library(folder)["list"]()


def test_a_template_s_values_are_within_its_size(folder: Path) -> None:
    """What it uses counts among the bytes of all its files."""
    change(folder, "brand: warm orange", f"brand: [{', '.join(['x' * 9_000] * 4)}]")
    team = library(folder)
    with pytest.raises(TemplateError, match=r"32,768 at most"):
        team.poster(subject="tea")
    assert str(team.bare()) == "A fox."


def test_a_value_that_does_not_fit_the_declared_input_is_named(folder: Path) -> None:
    """By the template, the input, and what was expected; a choice may be given by its words."""
    (folder / "size.j2").write_text("---\ninputs: {palette: {type: integer}}\n---\n{{ palette }}")
    with pytest.raises(InputError, match=r"size.j2: .*'palette' takes its default from library.yaml, which is 'pastel'; expected a whole"):
        _ = library(folder).size
    (folder / "size.j2").write_text("---\ninputs: {palette: {choices: {p: pastel, b: bold}}}\n---\n{{ palette }} {{ closing }}")
    assert library(folder).size.inputs["palette"].default == "p"
    assert str(library(folder).size()) == "pastel No watermark."


# Opting out


def test_a_template_takes_what_it_says(folder: Path) -> None:
    """All, nothing, or the parts and references that it lists."""
    team = library(folder)
    (folder / "one.j2").write_text("---\nlibrary: [config, mascot]\n---\nA fox.")
    for name, references, config in [("poster", 1, {"image_size": "2K", "temperature": 1}), ("bare", 0, {}), ("plain", 0, {})]:
        prompt = team[name](**({"subject": "tea"} if name == "poster" else {}))
        assert (len(prompt.references), prompt.config) == (references, config), name
    assert [each.name for each in team.one().references] == ["mascot"]
    assert team.one().config == {"image_size": "2K", "temperature": 0.5}
    (folder / "one.j2").write_text("---\nlibrary: [config]\n---\nA fox in {{ brand }}.")
    with pytest.raises(TemplateError, match="'brand' is neither an input nor set"):
        team.one()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("[mascott]", "library names 'mascott', which is neither a part nor a reference of library.yaml (did you mean 'mascot'?)"),
        ("[input]", "did you mean 'inputs'?"),
        ("no", "library is 'no'; expected true or false, or a list"),
        ("{inputs: true}", "expected true or false, or a list"),
        ("[1]", "expected true or false, or a list"),
    ],
)
def test_what_a_template_cannot_take_is_named(folder: Path, said: str, why: str) -> None:
    """A typo does not pass."""
    (folder / "one.j2").write_text(f"---\nlibrary: {said}\n---\nA fox.")
    with pytest.raises(InputError) as caught:
        _ = library(folder).one
    assert why in str(caught.value)


def test_a_folder_without_the_file_gives_nothing(tmp_path: Path) -> None:
    """Parts of what is not there are nothing; a picture that is named is missed."""
    (tmp_path / "one.j2").write_text("---\nlibrary: [inputs, config, references]\n---\nA fox.")
    assert str(library(tmp_path).one()) == "A fox."
    (tmp_path / "one.j2").write_text("---\nlibrary: [mascot]\n---\nA fox.")
    with pytest.raises(InputError, match="library names 'mascot', which is neither a part nor a reference of"):
        _ = library(tmp_path).one


def test_a_language_file_takes_what_its_template_takes(folder: Path) -> None:
    """It holds words only."""
    (folder / "bare.ja.j2").write_text("狐。{{ brand }}")
    with pytest.raises(TemplateError, match="'brand' is neither"):
        library(folder).bare(lang="ja")
    (folder / "bare.ja.j2").write_text("---\nlibrary: true\n---\n狐。")
    with pytest.raises(InputError, match="has an unknown key 'library'"):
        library(folder).bare(lang="ja")


# Digests


def test_a_template_that_takes_nothing_keeps_its_digest(folder: Path) -> None:
    """As it was without the file, to the byte; so do all where the file holds channels only."""
    bare, plain = library(folder).bare.digest, library(folder).plain.digest
    text = "---\nlibrary: false\n---\nA fox."
    sources = json.dumps({"bare.j2": text}, separators=(",", ":"))
    assert bare == hashlib.sha256(sources.encode()).hexdigest()
    (folder / "library.yaml").write_text('channels: {social: {story: "9:16"}}\n')
    assert (library(folder).bare.digest, library(folder).plain.digest) == (bare, plain)
    assert list(library(folder).plain().files) == ["plain.j2"]
    (folder / "library.yaml").unlink()
    assert (library(folder).bare.digest, library(folder).plain.digest) == (bare, plain)


def test_a_digest_changes_with_what_the_template_uses(folder: Path) -> None:
    """A value, a hint, a description, a picture's bytes; not with what it does not use, or with comments and a picture's path."""
    team = library(folder)
    first = team.poster.digest
    change(folder, "inputs:\n", "# ours\nx-more: 1\ninputs:\n")
    change(folder, "colors: [orange, blue]", "colors: [red]")
    assert team.poster.digest == first
    change(folder, "zh-CN: 不要水印。", "zh-CN: 别加水印。")
    assert team.poster.digest == first
    (folder / "pictures/fox.png").rename(folder / "fox.png")
    change(folder, "pictures/fox.png", "fox.png")
    assert team.poster.digest == first
    change(folder, "temperature: 0.5", "temperature: 0.7")  # which the template's own goes before
    assert team.poster.digest == first
    seen = {first}
    for old, new in [("warm orange", "ink"), ("2K", "4K"), ("the fox", "the red fox"), ("palette: pastel", "palette: bold")]:
        change(folder, old, new)
        assert team.poster.digest not in seen, old
        seen.add(team.poster.digest)
    (folder / "fox.png").write_bytes(png("red"))
    assert team.poster.digest not in seen


def test_what_a_partial_uses_counts(folder: Path) -> None:
    """The values reach what is included, in the folder and from the built-in ones, and the digest holds them."""
    (folder / "_end.j2").write_text("{{ closing }}")
    (folder / "card.j2").write_text("---\nlibrary: [inputs]\n---\nA card. {% include '_end.j2' %}")
    prompt = library(folder).card()
    assert str(prompt) == "A card. No watermark."
    assert kept(prompt) == {"inputs": {"closing": "No watermark."}}


def test_what_is_kept_renders_the_same_without_the_folder(folder: Path) -> None:
    """From a prompt's files alone: the words, the hints, the digest, and the pictures where they are at hand."""
    prompt = library(folder).poster(subject="tea")
    assert kept(prompt) == {
        "inputs": {"brand": "warm orange", "closing": "No watermark.", "palette": "pastel"},
        "references": {"mascot": {"sha256": [prompt.references[0].picture.sha256], "description": "the fox"}},
        "config": {"image_size": "2K"},
    }
    (folder / "library.yaml").unlink()
    pictures = [each.picture for each in prompt.references]
    again = Template.of_files("poster", prompt.files, base="poster.j2", pictures=pictures)(subject="tea")
    assert (again.text, again.digest, again.config, again.references) == (prompt.text, prompt.digest, prompt.config, prompt.references)
    assert str(Template.of_files("poster", prompt.files, base="poster.j2")(subject="tea")) == prompt.text


@pytest.mark.parametrize("name", ["poster", "bare", "own"])
def test_templates_and_prompts_pickle_with_their_look(folder: Path, name: str) -> None:
    """In each language they make the same elsewhere, pictures included."""
    template = library(folder)[name]
    other = pickle.loads(pickle.dumps(template))
    given = {"subject": "tea"} if name == "poster" else {}
    for lang in template.languages:
        here, there = template(lang=lang, **given), other(lang=lang, **given)
        assert (here.text, here.digest, here.references, here.files) == (there.text, there.digest, there.references, there.files)
        assert pickle.loads(pickle.dumps(here)).references == here.references


def test_a_change_is_seen_at_the_next_access(folder: Path) -> None:
    """Of the file and of a picture; a template that is held stays as it was."""
    team = library(folder)
    held, picture = team.poster, team.poster(subject="tea").references[0].picture
    change(folder, "warm orange", "ink blue")
    (folder / "pictures/fox.png").write_bytes(png("red"))
    assert "warm orange" in str(held(subject="tea"))
    now = team.poster(subject="tea")
    assert "ink blue" in str(now)
    assert now.references[0].picture != picture
    assert held(subject="tea").references[0].picture == picture
    (folder / "library.yaml").unlink()
    with pytest.raises(InputError, match="'palette' is missing"):
        team.poster(subject="tea")


# Which file


def test_the_file_of_the_folder_that_is_opened_counts(folder: Path) -> None:
    """For its sub-folders too; one in a sub-folder is none, until that is opened as a library itself."""
    (folder / "edit/library.yaml").write_text("inputs: {brand: green}")
    assert str(library(folder).edit.night()) == "Night in warm orange."
    assert str(library(folder / "edit").night()) == "Night in green."


def test_built_in_templates_have_no_look_of_others(folder: Path) -> None:
    """A library's file is for the templates of its folder."""
    prompt = Library(folder).sticker(subject="fox")
    assert (prompt.references, "library.yaml" in prompt.files) == ((), False)


def test_what_is_wrong_in_one_part_leaves_the_others(folder: Path) -> None:
    """Channels do not keep templates from rendering, nor the file one that takes nothing of it; what is taken says file and line."""
    change(folder, "config: {image_size: 2K, temperature: 0.5}", "config: {image_size: 2}\nchannels: [a]")
    team = library(folder)
    assert str(team.bare()) == "A fox."
    assert str(team.edit.night()) == "Night in warm orange."
    with pytest.raises(TemplateError, match=r"library.yaml:8: config.image_size in library.yaml is 2; expected a size"):
        _ = team.poster
    (folder / "library.yaml").write_text("inputs: {\n")
    assert str(team.bare()) == "A fox."
    with pytest.raises(TemplateError, match=r"library\.yaml is not YAML"):
        _ = team.plain


# Pictures


def test_a_reference_is_one_picture_or_several(folder: Path) -> None:
    """By a path alone, by several, or with a description; in their order."""
    (folder / "side.png").write_bytes(png("blue"))
    declared = "{file: pictures/fox.png, description: {en: the fox, zh-CN: 狐狸}}"
    change(folder, declared, "[side.png, pictures/fox.png]\n  Tea House: side.png")
    found = library(folder).poster(subject="tea").references
    assert [(each.name, each.description, each.picture.data) for each in found] == [
        ("mascot", "", png("blue")),
        ("mascot", "", png("orange")),
        ("Tea House", "", png("blue")),
    ]
    assert library(folder).poster(subject="tea").to_dict()["references"] == ["mascot", "Tea House"]
    assert library(folder).poster.to_dict()["references"] == ["mascot", "Tea House"]
    assert library(folder).poster.to_dict()["library_inputs"] == ["brand", "closing", "colors", "palette"]


def test_a_picture_that_cannot_go_along_is_named(folder: Path) -> None:
    """Missing, no picture, half of one, a folder, too large, or a link that leads out: by the line that names it, or by its own path."""
    picture, outside = folder / "pictures/fox.png", folder.parent / "secret.png"
    outside.write_bytes(png("red"))
    picture.unlink()
    with pytest.raises(TemplateError, match=r"library.yaml:7: The reference 'mascot' names the picture 'pictures/fox.png', which is not"):
        library(folder).poster(subject="tea")
    assert str(library(folder).bare()) == "A fox."
    for data, why in [(b"words", "is not a picture"), (png("red")[:40], "not a picture"), (b"", "at its end|empty")]:
        picture.write_bytes(data)
        with pytest.raises(TemplateError, match=why):
            library(folder).poster(subject="tea")
    picture.write_bytes(b"\0" * 20_000_001)
    with pytest.raises(TemplateError, match="20,000,000 at most"):
        library(folder).poster(subject="tea")
    picture.unlink()
    picture.symlink_to(outside)
    with pytest.raises(TemplateError, match="outside of its folder"):
        library(folder).poster(subject="tea")
    picture.unlink()
    os.mkfifo(picture)
    with pytest.raises(TemplateError, match="This is no file"):
        library(folder).poster(subject="tea")


@pytest.mark.parametrize("path", ["../x.png", "/etc/x.png", "a/../../x.png", "~/x.png", "C:/x.png", "a\\\\x.png", "..", "", "a//x.png"])
def test_a_picture_lies_in_the_library_s_folder(folder: Path, path: str) -> None:
    """No path of a stranger's file leads out of it, on any system."""
    change(folder, "pictures/fox.png", f'"{path}"')
    with pytest.raises(TemplateError, match=r"expected the path of a picture in this folder|has no file"):
        library(folder).poster(subject="tea")


def test_a_stranger_s_file_is_bounded(folder: Path) -> None:
    """So many inputs, pictures and characters, and nothing nested."""
    many = "\n".join(f"  p{i}: pictures/fox.png" for i in range(21))
    for text, why in [
        (f"references:\n{many}\n", "21 pictures that go along; 20 at most"),
        ("inputs:\n" + "".join(f"  a{i}: x\n" for i in range(101)), "101 inputs; 100 at most"),
        (f"inputs: {{a: {'x' * 10_001}}}", "10,000 characters at most"),
        ("inputs: {a: {b: {c: d}}}", "has the language 'b'"),
        ("inputs: {a: {en: {c: d}}}", "in en; expected a text"),
        ("inputs: {a: null}", "is None; expected a text"),
        ("inputs: {loop: x}", "needs another name"),
        ("inputs: {Brand: x}", "needs another name"),
        ("inputs: [a]", "inputs in library.yaml holds values by name"),
        ('references: {"12": pictures/fox.png}', "needs another name"),
        ("references: {inputs: pictures/fox.png}", "needs another name"),
        ('references: {a: {file: pictures/fox.png, description: "a\\nb"}}', "has a description that is"),
    ]:
        (folder / "library.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(TemplateError) as caught:
            _ = library(folder).poster
        assert why in str(caught.value)
