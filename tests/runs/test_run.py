"""A run over a table: what is asked for, what is kept, and how it goes on. The tables themselves are in test_rows, their columns in
test_column_meaning.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from kit.loopback import Loopback, error_reply, text_reply
from kit.tables import ANIMALS, asked, done, endpoint, painting, table

from promptkit import InputError, LineageError, PromptkitWarning, Run, Session, SettingsError, run, templates
from promptkit.session.recipe import Recipe

pytestmark = pytest.mark.filterwarnings("error::promptkit.PromptkitWarning")
INK = {"2.style": "ink"}


@pytest.fixture(autouse=True)
def painted(service: Loopback) -> None:
    painting(service)


def test_each_row_is_asked_for_once(service: Loopback, tmp_path: Path) -> None:
    """A row becomes a session in the run's folder, and running again asks for nothing."""
    made = done(service, ANIMALS, tmp_path / "r")
    again = done(service, ANIMALS, tmp_path / "r")
    assert made.counts == again.counts == {"picture": 4}
    assert len(service.received) == 4
    assert [row.pictures[0] for row in made.rows] == [row.pictures[0] for row in again.rows]
    assert all(Session(row.folder).verify() == [] for row in made.rows)


def test_a_table_in_a_file_goes_through_to_the_results(service: Loopback, tmp_path: Path) -> None:
    """The tables that a run writes hold the user's own columns as they came, then what came of each row."""
    animals = table(tmp_path / "animals.csv", "nr;subject\n00123;red fox\n007;happy bear\n", "utf-8-sig")
    made = done(service, animals, tmp_path / "r", columns={"label": "nr"})
    data = (tmp_path / "r/results.csv").read_bytes()
    rows = list(csv.DictReader(data.decode("utf-8-sig").splitlines()))
    assert data.startswith(b"\xef\xbb\xbf")
    assert [(row["nr"], row["subject"]) for row in rows] == [("00123", "red fox"), ("007", "happy bear")]
    assert {row["pk_outcome"] for row in rows} == {"picture"}
    assert list(rows[0])[:2] == ["nr", "subject"]
    assert all((tmp_path / "r" / row["pk_file"]).is_file() for row in rows)
    lines = [json.loads(line) for line in (tmp_path / "r/results.jsonl").read_text().splitlines()]
    assert lines == made.to_dicts()
    assert made["00123"].inputs == {"nr": "00123", "subject": "red fox"}


def test_reordered_grown_and_corrected_rows_pay_only_for_what_is_new(service: Loopback, tmp_path: Path) -> None:
    """A row is found by its key, whatever its place: only a row that is new or says something else is asked for."""
    done(service, ANIMALS, tmp_path / "r")
    service.received.clear()
    corrected = [*reversed(ANIMALS[:-1]), {"label": "hare", "subject": "brown hare"}, {"label": "mole", "subject": "mole"}]
    made = done(service, corrected, tmp_path / "r")
    assert len(service.received) == 2
    assert sorted("brown hare" in text for text in asked(service)) == [False, True]
    assert made.counts == {"picture": 5}
    assert made["hare"].steps[0].number == 2


def test_a_changed_later_template_leaves_the_first_ones_paid(service: Loopback, tmp_path: Path) -> None:
    """Steps are found by what they ask, so a chain whose end changed asks for its end alone."""
    chain = [templates.sticker, templates.edit.style_transfer]
    done(service, ANIMALS, tmp_path / "r", chain, inputs=INK)
    assert len(service.received) == 8
    service.received.clear()
    made = done(service, ANIMALS, tmp_path / "r", chain, inputs={"2.style": "oil paint"})
    assert len(service.received) == 4
    assert all("oil paint" in text for text in asked(service))
    assert made.counts == {"picture": 4}


def test_rows_that_went_stay_and_are_named(service: Loopback, tmp_path: Path) -> None:
    """What the table has no more is kept, as older."""
    done(service, ANIMALS, tmp_path / "r")
    made = done(service, ANIMALS[:2], tmp_path / "r")
    assert {folder.name.split("-")[0] for folder in made.older} == {"owl", "hare"}


def test_one_failure_ends_nothing(service: Loopback, tmp_path: Path) -> None:
    """A row that is refused is told, and the others have their pictures."""
    service.say(text_reply("no", "IMAGE_SAFETY"))
    made = done(service, ANIMALS, tmp_path / "r", workers=1)
    assert made.counts == {"refused": 1, "picture": 3}
    assert [row.label for row in made.failed] == ["fox"]
    assert made.failed[0].error


def test_what_may_pass_is_asked_again_and_a_refusal_only_where_it_is_named(service: Loopback, tmp_path: Path) -> None:
    """Running again asks for rows whose failure may pass; refused and text-only ones are asked where retry= names them."""
    service.say(text_reply("no", "IMAGE_SAFETY"), error_reply(503, headers={"Retry-After": "9999"}))
    first = done(service, ANIMALS, tmp_path / "r", workers=1, deadline=20)
    assert first.counts["refused"] == 1
    service.received.clear()
    second = done(service, ANIMALS, tmp_path / "r", workers=1)
    assert second.counts == {"refused": 1, "picture": 3}
    assert second.failed[0].error == first.failed[0].error
    before = len(service.received)
    third = done(service, ANIMALS, tmp_path / "r", retry=("refused", "text"))
    assert third.counts == {"picture": 4}
    assert len(service.received) == before + 1


def test_takes_grow_without_paying_for_those_that_are_there(service: Loopback, tmp_path: Path) -> None:
    """n pictures of each row, and more of them later, are each asked for once."""
    done(service, ANIMALS[:2], tmp_path / "r")
    made = done(service, ANIMALS[:2], tmp_path / "r", n=3)
    assert len(service.received) == 6
    assert [len(row.pictures) for row in made.rows] == [3, 3]


def test_equal_rows_have_folders_of_their_own(service: Loopback, tmp_path: Path) -> None:
    """Of rows that say the same each is asked for, and found again."""
    rows = [{"subject": "fox"}] * 3
    made = done(service, rows, tmp_path / "r")
    assert len({row.folder for row in made.rows}) == len(service.received) == 3
    done(service, rows, tmp_path / "r")
    assert len(service.received) == 3


def test_labels_are_made_of_columns(service: Loopback, tmp_path: Path) -> None:
    """By a pattern, or of a column that is named; a label is what it says, and its folder's name is safe."""
    rows = [{"subject": "a/b: fox", "palette": "red"}, {"subject": "owl"}]
    made = done(service, rows, tmp_path / "r", label="{subject} in {palette}")
    assert [row.label for row in made.rows] == ["a/b: fox in red", "owl in "]
    assert [row.folder.name.rpartition("-")[0] for row in made.rows] == ["a-b-_fox_in_red", "owl_in"]
    assert [row.label for row in done(service, rows, tmp_path / "s", label="subject").rows] == ["a/b: fox", "owl"]


def test_rows_hold_no_git_files(service: Loopback, tmp_path: Path) -> None:
    """The run's folder tells git what to leave alone for all rows below it."""
    made = done(service, ANIMALS[:1], tmp_path / "r")
    assert [p.name for p in made.rows[0].folder.rglob(".git*")] == []
    assert ".open/" in (tmp_path / "r/.gitignore").read_text()
    assert "* -text" in (tmp_path / "r/.gitattributes").read_text()


def test_nothing_is_sent_or_written_by_a_dry_run(service: Loopback, tmp_path: Path) -> None:
    """It says what would be asked for, and what is there."""
    done(service, ANIMALS[:2], tmp_path / "r")
    service.received.clear()
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    rows = [ANIMALS[0], {"label": "bear", "subject": "sleepy bear"}, ANIMALS[2]]
    shown = run(templates.sticker, rows, tmp_path / "r", endpoint=endpoint(service), dry_run=True)
    assert str(shown).startswith("3 rows: 1 there, 1 changed, 1 new\n2 requests")
    assert "sleepy" in str(shown)
    assert service.received == []
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before


def test_all_problems_are_told_with_their_lines_before_anything_is_sent(service: Loopback, tmp_path: Path) -> None:
    """One error names what is wrong with every row; nothing is sent or made."""
    animals = table(tmp_path / "animals.csv", "label,subject,seed\na,fox,1\na,bear,2\nb,,3\nc,owl,many\n")
    with pytest.raises(InputError) as raised:
        done(service, animals, tmp_path / "r")
    assert [problem.partition(":")[0] for problem in raised.value.problems] == ["line 3", "line 4", "line 5"]
    assert service.received == []
    assert not (tmp_path / "r").exists()


def test_another_recipe_is_refused_in_the_same_folder(service: Loopback, tmp_path: Path) -> None:
    """A folder's run begins with one template; another one needs a folder of its own."""
    done(service, ANIMALS[:1], tmp_path / "r")
    with pytest.raises(LineageError, match="begins with sticker, and this one begins with minimalist"):
        done(service, [{"subject": "fox"}], tmp_path / "r", templates.minimalist)
    (tmp_path / "x").mkdir()
    (tmp_path / "x/notes.txt").write_text("mine")
    with pytest.raises(LineageError, match="not empty"):
        done(service, ANIMALS, tmp_path / "x")


def test_a_run_is_opened_and_retried_from_its_folder_alone(service: Loopback, tmp_path: Path) -> None:
    """What run.json and the results say is enough to look at it, and to go on with it without its table."""
    service.say(text_reply("no", "IMAGE_SAFETY"))
    there = done(service, ANIMALS, tmp_path / "r", workers=1)
    opened = Run.open(tmp_path / "r")
    assert opened.to_dicts() == there.to_dicts()
    opened.retry("refused")
    assert opened.counts == {"picture": 4}
    assert len(service.received) == 5


def test_a_function_makes_the_prompts_of_a_row(service: Loopback, tmp_path: Path) -> None:
    """It gets the row and returns a prompt, or several, of which the later ones edit; all columns are its own."""
    made = done(service, [{"what": "fox"}], tmp_path / "r", lambda row: [f"A {row['what']}.", "Make it night."])
    assert service.received[0].text == "A fox."
    assert made.rows[0].steps[0].number == 2
    with pytest.raises(SettingsError, match="came from a function"):
        Run.open(tmp_path / "r").retry()


def test_a_trail_is_a_recipe_and_so_is_its_file(service: Loopback, tmp_path: Path) -> None:
    """A session's trail, and the file that `recipe` writes, are carried out over other rows, with the recorded inputs as defaults."""
    fox = Session(tmp_path / "fox", endpoint="offline")
    fox.generate(templates.sticker(subject="fox", style="retro")).edit("Make it night.")
    file = fox.recipe(tmp_path / "night")
    assert file.name == "night.json"
    assert Recipe.of_trail(fox.head.lineage, [s.record for s in fox.trail()]).to_json() == json.loads(file.read_text())  # type: ignore[union-attr]
    one = done(service, [{"subject": "bear"}], tmp_path / "one", fox)
    other = done(service, [{"subject": "bear"}], tmp_path / "other", file)
    texts = [received.text for received in service.received]
    assert texts[:2] == texts[2:]
    assert "retro sticker of a bear" in texts[0]
    assert one.rows[0].steps[0].prompt == other.rows[0].steps[0].prompt == "Make it night."


def test_rows_that_can_be_read_once_are_checked_one_by_one(service: Loopback, tmp_path: Path) -> None:
    """That is said first; a row that is wrong fails by itself."""
    with pytest.warns(PromptkitWarning, match="read once only"):
        made = done(service, iter([*ANIMALS[:2], {"label": "mole"}]), tmp_path / "r")
    assert made.counts == {"picture": 2, "invalid": 1}
    assert "missing" in (made.failed[0].error or "")
