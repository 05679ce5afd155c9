"""The file library.yaml of a folder of templates: the sets of channels that it names, and what it must not hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from promptkit.errors import TemplateError
from promptkit.prompts.library import TemplateFolder
from promptkit.prompts.library_file import channel_sets


def folder(name: str, text: str, namespace: str = "") -> TemplateFolder:
    Path(name).mkdir()
    Path(name, "library.yaml").write_text(text, encoding="utf-8")
    return TemplateFolder(str(Path(name).absolute()), namespace)


def test_sets_of_several_folders_are_one_table() -> None:
    """Of two with one name the first folder's; a pack's have its namespace; a folder without the file has none."""
    Path("bare").mkdir()
    one = folder("one", 'channels: {social: {story: "9:16"}}\nmetadata: {by: us}\nx-more: 1\n')
    two = folder("two", "channels:\n  social: {post: 60x60}\n  print: {card: {size: 3:2, fit: pad}}\n")
    pack = folder("pack", "channels: {social: {icon: [32, 32]}}\n", "acme.")
    assert channel_sets([TemplateFolder("bare"), one, two, pack]) == {
        "social": {"story": "9:16"},
        "print": {"card": {"size": "3:2", "fit": "pad"}},
        "acme.social": {"icon": [32, 32]},
    }


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        ("metadata: {}\nchanels: {}\n", "library.yaml has an unknown key 'chanels' (did you mean 'channels'?)", 2),
        ("# ours\nchannels: [a]\n", "channels in library.yaml holds sets by name", 2),
        ("channels: {social: story}\n", "channels in library.yaml holds sets by name", 1),
        ("channels:\n  a: {b: &x 1}\n", "The file library.yaml cannot be used: it holds an alias", 2),
        ("- a\n", "The file library.yaml is no mapping", 1),
        ("channels: {\n", "The file library.yaml is not YAML", None),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(text: str, said: str, line: int | None) -> None:
    """A typo does not pass."""
    team = folder("team", text)
    with pytest.raises(TemplateError) as caught:
        channel_sets([team])
    assert said in str(caught.value)
    assert str(caught.value.file).endswith("library.yaml")
    assert line is None or caught.value.line == line


def test_a_file_that_is_no_text_is_named() -> None:
    """Other bytes than UTF-8, and a file that is far too large."""
    team = folder("team", "")
    assert channel_sets([team]) == {}
    Path("team/library.yaml").write_bytes(b"channels: \xff")
    with pytest.raises(TemplateError, match=r"library\.yaml cannot be read"):
        channel_sets([team])
    Path("team/library.yaml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(TemplateError, match=r"has 1,000,001 bytes; library\.yaml has 1,000,000 at most"):
        channel_sets([team])
