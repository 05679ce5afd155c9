"""The commands under `promptkit templates`, run as a person runs them."""

from __future__ import annotations

import json
import pydoc
import re
import subprocess
from pathlib import Path

import pytest
from kit.shell import run, run_process

from promptkit import Library, templates
from promptkit.prompts.library import template_names

PATTERN = "A [style] sticker of a [subject], with the text “[text to render]”."


def test_a_new_template_works_at_once() -> None:
    """`new` writes a commented file into one's own folder, where it is found; it never writes over another."""
    out, said = run("templates", "new", "poster")
    assert Path(out.strip()).name == "poster.j2"
    assert "promptkit templates check" in said
    assert "lighthouse" in str(templates.poster(subject="old lighthouse keeper"))
    before = Path(out.strip()).read_bytes()
    assert "there already" in run("templates", "new", "poster", code=1)[1]
    assert Path(out.strip()).read_bytes() == before
    assert "'my_poster' would do" in run("templates", "new", "My-Poster", code=1)[1]


@pytest.mark.parametrize("kind", ["generate", "edit"])
def test_what_new_writes_is_clean(kind: str) -> None:
    """`check` finds nothing in a new template of either kind, `render` renders its examples, `test` agrees with them."""
    run("templates", "new", "shop.poster", "prompts", "--kind", kind)
    assert Library("prompts").shop.poster.kind == kind
    out, said = run("templates", "check", "prompts")
    assert (out, "nothing found in 1 template, 1 file" in said) == ("", True)
    out, _ = run("templates", "render", "prompts", "-o", "rendered")
    assert [Path(line).as_posix() for line in out.splitlines()] == [f"rendered/shop/poster.{n}.en.txt" for n in (1, 2)]
    assert run("templates", "test", "prompts")[0] == ""


def test_a_pattern_becomes_a_file() -> None:
    """`new --from-brackets` saves the pattern of a guide as a template; one without brackets is refused, and nothing is written."""
    run("templates", "new", "sticker", "prompts", "--from-brackets", PATTERN)
    prompt = Library("prompts").sticker(style="ink", subject="owl", text="Hoo")
    assert str(prompt) == "An ink sticker of an owl, with the text “Hoo”."
    assert "no bracket" in run("templates", "new", "other", "prompts", "--from-brackets", "A sticker.", code=1)[1]
    assert [p.name for p in Path("prompts").iterdir()] == ["sticker.j2"]


def test_check_names_code_file_and_line() -> None:
    """What is wrong stands on stdout, one line for each, and the exit status is 1; a folder that is not there is an error."""
    Path("prompts").mkdir()
    Path("prompts/hat.j2").write_text("---\nkind: edit\ninputs:\n  hat: {example: a hat}\n  size: {default: big}\n---\nAdd {{ hat }}.\n")
    out, said = run("templates", "check", "prompts", code=1)
    assert "./prompts/hat.j2:5: unused-input: " in out
    assert "nothing-kept" in out
    assert "2 findings in 1 template, 1 file" in said
    assert run("templates", "check", "prompts", code=1)[0] == out
    assert "no folder" in run("templates", "check", "nowhere", code=1)[1]
    assert "unused-input" in run("templates", "check", "--codes")[0]


def test_check_annotates_a_pull_request() -> None:
    """With --format github each finding is one workflow command, its path from the root of the repository, nothing unescaped in it."""
    folder = Path("repo, 100%/prompts")
    folder.mkdir(parents=True)
    (folder.parent / ".git").mkdir()
    (folder / "hat.j2").write_text("---\nkind: edit\n---\nAdd a hat: 50% wool,\n::error::really.\n")
    (folder / "old.j2").write_text("---\ndeprecated: use hat\n---\nA red fox.\n")
    out = run("templates", "check", folder, "--format", "github", code=1)[0]
    nothing_kept, deprecated = out.splitlines()
    assert nothing_kept.startswith("::warning file=prompts/hat.j2,line=4,title=promptkit nothing-kept::“Add a hat: 50%25 wool, ::error")
    assert deprecated == "::notice file=prompts/old.j2,line=2,title=promptkit deprecated::The template 'old' is deprecated: use hat."
    (folder / "a,b: 7%.j2").write_text("A red fox.")
    assert "::warning file=prompts/a%2Cb%3A 7%25.j2,line=1,title=" in run("templates", "check", folder, "--format", "github", code=1)[0]


def test_diff_is_a_comment_on_a_pull_request() -> None:
    """`templates diff REV` prints as Markdown what differs from a revision, of the folder or of this one."""
    Path("prompts").mkdir()
    Path("prompts/fox.j2").write_text("A red fox.\nIt sits.")
    for command in (("init", "-q"), ("add", "-A"), ("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "a")):
        subprocess.run(["git", *command], check=True)
    assert run("templates", "diff", "HEAD", "prompts")[0] == "### Prompts: 1 the same, compared with `HEAD`\n"
    Path("prompts/fox.j2").write_text("A blue fox.\nIt sits.")
    said = run("templates", "diff", "HEAD", "prompts")[0]
    assert said == (
        "### Prompts: 1 changed, 0 the same, compared with `HEAD`\n\n**`fox`, example 1, en**: changed\n\n"
        "```diff\n! “red” → “blue”\n- A red fox.\n+ A blue fox.\n  It sits.\n```\n"
    )
    assert run("templates", "diff", "HEAD", "-f", "prompts")[0] == run("templates", "diff", "HEAD")[0].replace("prompts.fox", "fox") == said
    assert "no git revision" in run("templates", "diff", "--", "--output=x", code=1)[1]
    change = json.loads(run_process("templates", "diff", "HEAD", "--json")[0])
    assert (change.pop("before"), change.pop("now")) == ("A red fox.\nIt sits.", "A blue fox.\nIt sits.")
    assert change == {"schema": "promptkit.prompt_change/1", "template": "prompts.fox", "example": 1, "lang": "en", "kind": "changed"}


def test_check_speaks_json() -> None:
    """With --format json each finding is one object on a line, of the same keys."""
    Path("prompts").mkdir()
    Path("prompts/hat.j2").write_text("---\nkind: edit\n---\nAdd a ハット.\n")
    found = json.loads(run("templates", "check", "prompts", "--format", "json", code=1)[0])
    assert found.pop("message").startswith("“Add a ハット.”")
    file = str(Path("prompts/hat.j2").absolute())
    assert found == {"schema": "promptkit.finding/1", "file": file, "line": 4, "code": "nothing-kept", "level": "warning"}


def test_a_deprecated_template_says_so() -> None:
    """The list, the template shown and a rendering say what to use instead; a check says it and succeeds."""
    Path("ours").mkdir()
    Path("ours/old.j2").write_text("---\ndescription: a fox\ndeprecated: use logo.\n---\nA red fox.\n")
    assert "a fox  (deprecated: use logo)" in run_process("templates", "-L", "ours")[0]
    shown, said = run_process("templates", "old", "-L", "ours")
    assert "Deprecated: use logo." in shown
    assert "deprecated" not in said
    assert "The template 'old' is deprecated: use logo." in run_process("render", "-t", "old", "-L", "ours")[1]
    out, said = run("templates", "check", "ours")
    assert "deprecated: The template 'old' is deprecated: use logo." in out
    assert "nothing found" in said


def test_test_shows_what_a_change_does_to_the_prompts() -> None:
    """A changed wording is a difference with both sentences, exit 1; written again it is none."""
    run("templates", "new", "poster", "prompts")
    run("templates", "render", "prompts", "-o", "kept")
    path = Path("prompts/poster.j2")
    path.write_text(path.read_text(encoding="utf-8").replace("The mood is {{", "Its mood is {{"), encoding="utf-8")
    out, said = run("templates", "test", "prompts", "-o", "kept", code=1)
    assert "kept/poster.1.en.txt: changed" in Path(out).as_posix()
    assert "-The mood is calm." in out
    assert "+Its mood is calm." in out
    assert "2 prompts differ" in said
    run("templates", "render", "prompts", "-o", "kept")
    run("templates", "test", "prompts", "-o", "kept")
    assert "render --all" in run("templates", "test", "prompts", code=1)[1]


def test_render_prints_what_it_does_not_write() -> None:
    """Without -o the prompts are printed; names and --all exclude each other."""
    assert "A kawaii sticker of a happy red panda" in run("templates", "render", "-t", "sticker")[0]
    assert "edit/add.1.en.txt:" in run("templates", "render", "-t", "edit")[0]
    for wrong in ((), ("sticker", "--all")):
        assert "--all" in run("templates", "render", *wrong, code=2)[1]
    assert "'sticker'" in run("templates", "render", "-t", "stiker", code=1)[1]


def test_the_list_shows_where_templates_come_from() -> None:
    """A template of one's own says its folder, and what it hides; one that came along says nothing."""
    for folder in ("ours", "theirs"):
        Path(folder).mkdir()
        Path(folder, "logo.j2").write_text(f"---\ndescription: {folder}\n---\nA logo.")
    lines = run_process("templates", "-L", "ours", "-L", "theirs")[0].splitlines()
    (logo,) = [line for line in lines if line.startswith("logo ")]
    assert logo.endswith("generate  theirs  (in ./theirs; hides the one in ./ours, and the one that comes along)")
    assert next(line for line in lines if line.startswith("sticker ")).endswith("white background  [en, es-MX, hi, ja, zh-CN]")


def test_a_long_list_is_cut_and_says_so() -> None:
    """The first 200 templates are listed, with the number of all; --all lists each."""
    Path("many").mkdir()
    for number in range(300):
        Path("many", f"a{number:03}.j2").write_text("A fox.")
    shown, said = run_process("templates", "-L", "many")
    assert len(shown.splitlines()) == 200
    total = 300 + len(template_names(templates))
    assert f"200 of {total} templates" in said
    assert "list --all" in said
    shown, said = run_process("templates", "list", "--all", "-L", "many")
    assert len(shown.splitlines()) == total
    assert "--all" not in said


def test_one_template_is_shown_with_an_example() -> None:
    """`promptkit templates NAME` is short for show: inputs with their bounds and choices, pictures, and a rendered prompt."""
    out, _ = run("templates", "edit.combine")
    assert out == run("templates", "show", "edit.combine")[0]
    assert "takes 2 to 3 pictures" in out
    assert "3 items at most" in out
    assert "Take the blue floral dress from the first image" in out


STRANGE = r"""---
description: "A \e[31mred\u202e thing\r\nof two lines"
inputs:
  subject: {description: "who \e[2J\u202e", default: "x\e[1m"}
  way: {choices: {"a\e[31m": "w\e[0m", b: "\u202ez"}}
examples:
  - inputs: {way: b, subject: "\e[31m"}
---
Draw {{ subject }} {{ way }}
"""


def test_a_strangers_template_drives_no_terminal() -> None:
    """Its description, choices and example are shown without control characters and overrides: in the list, alone, by help(), when it is
    checked, and in each error; the rendered prompt is what would be sent.
    """
    Path("lib").mkdir()
    Path("lib/strange.j2").write_text(STRANGE)
    Path("lib/broken.j2").write_text(STRANGE.replace("kind", "").replace("inputs:", '"in\\eputs":', 1))
    shown = [
        run_process("templates", "-L", "lib"),
        run_process("templates", "show", "-L", "lib", "strange"),
        run_process("templates", "check", "lib", code=1),
        run_process("render", "-L", "lib", "-t", "strange", code=1),
        run_process("render", "-L", "lib", "-t", "strange", "-i", "way=zz", code=1),
        run_process("render", "-L", "lib", "-t", "broken", code=1),
    ]
    for text in ("".join(pair) for pair in shown):
        assert text.replace("\n", "").isprintable()
    assert any("A �[31mred� thing" in line and "of two lines" in line for line in shown[0][0].splitlines())
    template = Library("lib").strange
    told = (template.__doc__, template.__call__.__doc__, str(template.__signature__), repr(template), pydoc.render_doc(template))
    assert all(re.sub(r"\n|.\x08", "", text).isprintable() for text in told)
    assert str(template(way="b")) == "Draw x\x1b[1m \u202ez"


@pytest.mark.parametrize("command", [("check", "lib"), ("test", "lib"), ("render", "lib")])
def test_looking_at_nothing_is_no_success(command: tuple[str, ...]) -> None:
    """A check, test or render of a folder without templates exits 1 and names the files that look like some."""
    Path("lib/sub").mkdir(parents=True)
    Path("rendered").mkdir()
    out, said = run("templates", *command, code=1)
    assert "There is no template in ./lib, as no file there ends in .j2; `promptkit templates new" in out + said
    for name in ("fox.jinja", "cat.j2.txt", "dog.prompt", "sub/bear.J2"):
        Path("lib", name).write_text("A fox.")
    out, said = run("templates", *command, code=1)
    for looks, meant in (("fox.jinja", "fox.j2"), ("cat.j2.txt", "cat.j2"), ("dog.prompt", "dog.j2"), ("bear.J2", "bear.j2")):
        assert f"{looks} looks like one: name it {meant}" in out + said


def test_what_cannot_be_rendered_is_no_success() -> None:
    """Templates without any example have nothing to render or test, which is an error; beside others they are said."""
    Path("lib").mkdir()
    Path("rendered").mkdir()
    Path("lib/fox.j2").write_text("---\ninputs: {a: {}}\n---\nA {{ a }}.")
    for command in (("render", "lib", "-t", "fox"), ("render", "lib"), ("test", "lib")):
        assert "nothing to render: fox has no example" in run("templates", *command, code=1)[1]
    Path("lib/cat.j2").write_text("A cat.")
    assert "fox has no example" in run("templates", "render", "lib")[1]
    assert "no template 'cta' (did you mean 'cat'?)" in run("templates", "render", "lib", "-t", "cta", code=1)[1]


def test_a_broken_template_that_is_shown_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """`show` prints what can be said of it, then what is wrong, and exits 1; the list of all shows it among the others."""
    Path("lib").mkdir()
    monkeypatch.setenv("PROMPTKIT_TEMPLATES", str(Path("lib").resolve()))
    Path("lib/adds.j2").write_text("---\ndescription: It adds\n---\nA {{ 1 + 1 }}.")
    Path("lib/needs.j2").write_text("---\ninputs: {a: {}}\n---\nA {{ a }} {% include '_gone.j2' %}.")
    Path("lib/front.j2").write_text("---\nkind: paint\n---\nA fox.")
    out, said = run("templates", "show", "adds", code=1)
    assert ("It adds" in out, "arithmetic" in said) == (True, True)
    assert "_gone.j2" in run("templates", "show", "needs", code=1)[1]
    assert "paint" in run("templates", "show", "front", code=1)[1]
    assert "front" in run("templates", "list")[0]


def test_a_prompt_that_is_not_finished_fails_the_test() -> None:
    """`test` fails for a rendered example that a session would refuse, also where it is as it was written."""
    Path("lib").mkdir()
    Path("lib/fox.j2").write_text('A fox in {{ "{{ style }}" }}.')
    run("templates", "render", "lib", "-o", "rendered")
    out, _ = run("templates", "test", "lib", code=1)
    assert "rendered/fox.1.en.txt: unfinished\nIt holds '{{ style }}', and is refused when it is asked for" in out


# Inputs that are lists of mappings

PANELS = """---
inputs:
  panels: {type: list, of: {scene: {example: a fox}, shot: {choices: [wide, close], default: wide}}}
  title: {default: "", description: above}
---
{{ title }}{% for panel in panels %}[{{ panel.shot }}: {{ panel.scene }}]{% endfor %}
"""


@pytest.mark.parametrize(
    "given",
    [
        ('panels=[{"scene": "a \\ud83e\\udd8a", "shot": "close"}, {"scene": "b"}]',),
        ("panels=[{scene: a 🦊, shot: close}, {scene: b}]",),
        ("panels={scene: a 🦊, shot: close}", 'panels={"scene": "b"}'),
        ("panels=@panels.yaml",),
        ("panels=@panels.json",),
        ("@all.yaml",),
        ("@all.yaml", "title="),
    ],
)
def test_a_list_of_mappings_is_given_as_yaml_or_json(given: tuple[str, ...]) -> None:
    """A list of mappings is one value, a value for each entry, a file, or part of a file of all inputs, in YAML or JSON."""
    Path("ours").mkdir()
    Path("ours/page.j2").write_text(PANELS)
    Path("panels.yaml").write_text("# the page\n- scene: a 🦊\n  shot: close\n- {scene: b}\n", encoding="utf-8")
    Path("panels.json").write_text(json.dumps([{"scene": "a 🦊", "shot": "close"}, {"scene": "b"}]), encoding="utf-8")
    Path("all.yaml").write_text("panels:\n- {scene: a 🦊, shot: close}\n- {scene: b}\n", encoding="utf-8")
    options = [word for one in given for word in ("-i", one)]
    assert run_process("render", "-L", "ours", "-t", "page", *options)[0] == "[close: a 🦊][wide: b]\n"


def test_a_file_of_inputs_gives_way_to_the_line() -> None:
    """What the line gives goes over what a file of inputs holds; the file's own mistakes are named with it."""
    Path("ours").mkdir()
    Path("ours/page.j2").write_text(PANELS)
    Path("all.yaml").write_text("title: One\npanels: [{scene: a}]\n")
    command = ("render", "-L", "ours", "-t", "page", "-i", "@all.yaml")
    assert run_process(*command, "-i", "title=Two", "-i", "panels={scene: b}")[0] == "Two[wide: b]\n"
    for text, said in (
        ("- a\n", "The file all.yaml holds no inputs by name"),
        ("a: b: c\n", "The file all.yaml is not YAML: mapping values are not allowed"),
        ("\tpanels: []\n", "the line begins with a tab (indent with blanks) (line 1)"),
        ("panels: [{scen: a}]\n", "'panels' entry 1 has an unknown key 'scen' (did you mean 'scene'?)"),
        ("panles: []\n", "'panles' is not an input (did you mean 'panels'?)"),
    ):
        Path("all.yaml").write_text(text)
        assert said in run_process(*command, code=1)[1]


def test_what_is_no_list_of_mappings_says_how_to_write_one() -> None:
    """Plain text for a list of mappings is answered with a value that fits, quoted for the shell."""
    Path("ours").mkdir()
    Path("ours/page.j2").write_text(PANELS)
    said = run_process("render", "-L", "ours", "-t", "page", "-i", "panels=a fox", code=1)[1]
    assert "-i panels is 'a fox'; expected a mapping, or a list of mappings, as YAML or JSON, such as -i panels=" in said
    assert """ -i panels='{"scene": "a fox"}'.""" in said
