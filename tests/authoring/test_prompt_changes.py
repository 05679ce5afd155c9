"""Which prompts differ between a git revision and a folder: in real repositories, without a checkout, whatever stands in them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from kit.loopback import png

from promptkit.authoring.git_revision import MOST_FILES, templates_at
from promptkit.authoring.prompt_changes import Changes, compare_with_revision
from promptkit.cli.prompt_changes import LONGEST_COMMENT, as_markdown
from promptkit.errors import TemplateError
from promptkit.prompts.source_file import LONGEST_FILE

FOX = "---\nconfig: {aspect_ratio: '1:1'}\nexamples:\n  - inputs: {}\n---\nA red fox."
TWO = "---\ninputs: {x: {}}\nexamples:\n  - inputs: {x: owl}\n  - inputs: {x: fox}\n---\nAn {{ x }}."


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def write(folder: Path, files: Mapping[str, str | None]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_text(text, encoding="utf-8")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    return folder


def committed(repository: Path, files: Mapping[str, str | None]) -> Path:
    """The folder of templates in the repository, with these files committed."""
    write(repository / "prompts", files)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "templates")
    return repository / "prompts"


def told(changes: Changes) -> list[str]:
    return [f"{change.template} {change.example} {change.lang} {change.kind}" for change in changes.changed]


# What differs


def test_each_prompt_that_differs_is_named(repository: Path) -> None:
    """Changed, new and gone prompts are named by template, example and language; the others are counted."""
    own = {"fox.j2": FOX, "fox.ja.j2": "赤い狐。", "edit/hat.j2": "A hat.", "same.j2": "A mat."}
    folder = committed(repository, own | {"_part.j2": "ink", "t.j2": "{% include '_part.j2' %}"})
    write(folder, {"fox.ja.j2": "青い狐。", "edit/hat.j2": None, "new.j2": "A cup.", "_part.j2": "oil"})
    changes = compare_with_revision("HEAD", folder)
    assert told(changes) == ["edit.hat 1 en gone", "fox 1 ja changed", "new 1 en new", "t 1 en changed"]
    assert (changes.same, changes.broken) == (2, ())
    assert compare_with_revision("HEAD", folder / "edit").same == 0


def test_a_hint_for_the_request_is_a_difference(repository: Path) -> None:
    """A prompt with other hints, or of another kind, differs: another picture is asked for."""
    folder = committed(repository, {"fox.j2": FOX})
    write(folder, {"fox.j2": FOX.replace("1:1", "16:9")})
    changes = compare_with_revision("HEAD", folder)
    assert told(changes) == ["fox 1 en changed"]
    assert "! aspect_ratio: 1:1 → 16:9" in as_markdown(changes, "HEAD")


def test_an_example_that_moved_is_the_same(repository: Path) -> None:
    """Where an example is put before the others, it alone is new."""
    folder = committed(repository, {"t.j2": TWO})
    write(folder, {"t.j2": TWO.replace("  - inputs: {x: owl}", "  - inputs: {x: emu}\n  - inputs: {x: owl}")})
    changes = compare_with_revision("HEAD", folder)
    assert ([str(c.now) for c in changes.changed], changes.same) == (["An emu."], 2)


def test_what_does_not_render_hides_nothing(repository: Path) -> None:
    """A template that does not render, then or now, is told with its line, and by no temporary path; all others are compared."""
    folder = committed(repository, {"a.j2": "---\nkind: x\n---\n", "b.j2": "A bat.", "c.j2": "A cat."})
    write(folder, {"a.j2": "An ant.", "b.j2": "\n{% include '_none.j2' %}", "c.j2": "A cow."})
    changes = compare_with_revision("HEAD", folder)
    assert told(changes) == ["c 1 en changed"]
    then, now = changes.broken
    assert then.startswith("a in HEAD: a.j2: The front matter has problems: kind is 'x'")
    assert now.startswith("b now: b.j2:2: It needs '_none.j2', which is not in . nor in")
    assert "promptkit-" not in then + now


def test_any_revision_is_read_and_nothing_is_changed(repository: Path) -> None:
    """A branch, a tag, a hash and HEAD~1 are revisions; the work tree, the index and the branch stay as they are."""
    folder = committed(repository, {"fox.j2": FOX})
    git(repository, "tag", "first")
    committed(repository, {"fox.j2": FOX.replace("red", "grey")})
    write(folder, {"fox.j2": FOX.replace("red", "blue")})
    before = git(repository, "status", "--porcelain", "-b")
    for revision, word in (("first", "red"), ("HEAD~1", "red"), ("HEAD", "grey"), (git(repository, "rev-parse", "HEAD").strip(), "grey")):
        (change,) = compare_with_revision(revision, folder).changed
        assert word in str(change.before)
    assert git(repository, "status", "--porcelain", "-b") == before


def test_a_folder_that_was_not_there_is_new(repository: Path) -> None:
    """All prompts of a folder that the revision lacks are new."""
    committed(repository, {"fox.j2": FOX})
    write(repository / "more", {"owl.j2": "An owl."})
    assert told(compare_with_revision("HEAD", repository / "more")) == ["owl 1 en new"]


# What is refused


NO_REVISIONS = ["", " ", "-x", "--output=evil", "--help", "main\nHEAD", "nothing", "HEAD:prompts", "HEAD~9", "HEAD^{tree}"]


@pytest.mark.parametrize("revision", NO_REVISIONS)
def test_what_is_no_revision_is_refused(repository: Path, revision: str) -> None:
    """What git would take for an option, and what names no commit, is refused with its words."""
    folder = committed(repository, {"fox.j2": FOX})
    with pytest.raises(TemplateError, match=r"no (git )?revision"):
        compare_with_revision(revision, folder)
    assert sorted(path.name for path in repository.iterdir()) == [".git", "prompts"]


def test_nothing_to_compare_is_no_success(repository: Path, tmp_path: Path) -> None:
    """A folder that is not there, without templates, without examples, or in no repository is an error."""
    folder = committed(repository, {"fox.j2": "---\ninputs: {x: {}}\n---\n{{ x }}", "empty/readme.md": "nothing"})
    with pytest.raises(TemplateError, match="has an example, then or now"):
        compare_with_revision("HEAD", folder)
    with pytest.raises(TemplateError, match="There is no template in"):
        compare_with_revision("HEAD", folder / "empty")
    with pytest.raises(TemplateError, match="There is no folder"):
        compare_with_revision("HEAD", folder / "nowhere")
    with pytest.raises(TemplateError, match="not a git repository"):
        compare_with_revision("HEAD", tmp_path)


def test_a_library_s_look_is_compared(repository: Path) -> None:
    """Its values, pictures and their descriptions as they were then; of git's files its own and the pictures that it names are read."""
    look = "inputs: {brand: red}\nreferences: {fox: {file: in/fox.png, description: a fox}}"
    folder = committed(repository, {"t.j2": "A card in {{ brand }}.", "u.j2": "---\nlibrary: false\n---\nA card.", "other.png": "x"})
    (folder / "in").mkdir()
    (folder / "in/fox.png").write_bytes(png("orange"))
    committed(repository, {"library.yaml": look})
    assert sorted(templates_at("HEAD", folder)) == ["in/fox.png", "library.yaml", "t.j2", "u.j2"]
    assert compare_with_revision("HEAD", folder).changed == ()
    (folder / "in/fox.png").write_bytes(png("red"))
    changes = compare_with_revision("HEAD", folder)
    assert told(changes) == ["t 1 en changed"]
    assert "! picture fox: is another, or said otherwise" in as_markdown(changes, "HEAD")
    write(folder, {"library.yaml": "inputs: {brand: blue}\nreferences: {owl: in/fox.png}"})
    shown = as_markdown(compare_with_revision("HEAD", folder), "HEAD")
    assert all(said in shown for said in ("“red” → “blue”", "! picture fox: goes along no more", "! picture owl: goes along now"))


# Strangers' repositories


def test_only_templates_are_taken_out_of_git(repository: Path) -> None:
    """Files that can be no template, too long ones, and links that lead out are left; a link within the folder is what it leads to."""
    files = {"fox.j2": FOX, "a b.j2": "x", "readme.md": "x", "long.j2": "x" * (LONGEST_FILE + 1), "in/_part.j2": "ink"}
    write(repository / "prompts", files)
    links = {"in/out.j2": "/etc/passwd", "up.j2": "../../../etc/passwd", "in/same.j2": "../fox.j2", "self.j2": "self.j2"}
    for name, target in links.items():
        (repository / "prompts" / name).symlink_to(target)
    folder = committed(repository, {})
    assert sorted(templates_at("HEAD", folder)) == ["fox.j2", "in/_part.j2", "in/same.j2"]
    assert templates_at("HEAD", folder)["in/same.j2"] == FOX.encode()
    assert MOST_FILES >= 5_000


def test_no_filter_of_a_repository_is_run(repository: Path) -> None:
    """Attributes and filters, which would run commands on a checkout, are not at work."""
    git(repository, "config", "filter.evil.smudge", "touch evil; cat")
    git(repository, "config", "filter.evil.clean", "cat")
    write(repository, {".gitattributes": "*.j2 filter=evil export-ignore\n"})
    folder = committed(repository, {"fox.j2": FOX})
    assert compare_with_revision("HEAD", folder).same == 1
    assert not list(repository.rglob("evil"))


def test_nothing_of_a_template_is_markdown(repository: Path) -> None:
    """Headings, pictures, mentions and fences of a template stay within the fence; control characters are gone."""
    folder = committed(repository, {"fox.j2": "A fox."})
    evil = "````\n# Hi @everyone ![x](https://example.com/x.png)\n\x1b[31m‮`````\n<img src=x>"
    write(folder, {"fox.j2": evil})
    said = as_markdown(compare_with_revision("HEAD", folder), "HEAD")
    _, fenced, rest = re.split(r"^``````(?:diff)?$", said, flags=re.MULTILINE)
    assert "@everyone" in fenced
    assert "@everyone" not in said.replace(fenced, "")
    assert rest == ""
    assert "\x1b" not in said
    assert "\u202e" not in said


def test_a_comment_has_a_bound(repository: Path) -> None:
    """Many and long prompts are cut to what a comment takes, and how many are not shown is said."""
    folder = committed(repository, {f"t{number}.j2": f"Word {number}. " * 500 for number in range(40)})
    write(folder, {f"t{number}.j2": f"Other {number}. " * 500 for number in range(40)})
    said = as_markdown(compare_with_revision("HEAD", folder), "HEAD")
    assert len(said) <= LONGEST_COMMENT + 200
    assert said.startswith("### Prompts: 40 changed, 0 the same, compared with `HEAD`")
    assert re.search(r"\n\d+ more are not shown here", said)
    assert "(the rest of it is not shown)" in said
