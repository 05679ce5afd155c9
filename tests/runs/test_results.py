"""What a run leaves to look at: tables that no service's words can harm, a report, the run in a notebook, pictures under names."""

from __future__ import annotations

import csv
import json
import pickle
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest
from kit.json_objects import described
from kit.loopback import Loopback, error_reply, picture_reply, png, text_reply
from kit.pictures import encoded, scene, with_box
from kit.tables import ANIMALS, asked, done, painting, table

import promptkit
from promptkit import PictureError, PromptkitWarning, Run, SettingsError, StepNotFound, run, templates
from promptkit.providers.keys import Key
from promptkit.runs.order import Hands
from promptkit.runs.planning import Asked, PlannedRow, Planner
from promptkit.runs.report import write_report
from promptkit.runs.results import harmless
from promptkit.runs.row_state import RowState
from promptkit.runs.rows import TableRow, open_table
from promptkit.session.recipe import Recipe

PACKAGE = Path(promptkit.__file__).parent
EVIL = '=HYPERLINK("http://evil.example","click")'


@pytest.fixture(autouse=True)
def painted(service: Loopback) -> None:
    painting(service)


class Page(HTMLParser):
    """What a page names, and which of its rows say what."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def values(self, tag: str, name: str) -> list[str]:
        return [said[name] or "" for found, said in self.found if found == tag and name in said]


def test_a_services_words_are_no_formula(service: Loopback, tmp_path: Path) -> None:
    """The user's own cells stay as they are."""
    service.say(error_reply(400, EVIL))
    done(service, [{"label": "fox", "subject": EVIL}], tmp_path / "r")
    [row] = csv.DictReader((tmp_path / "r/results.csv").read_text("utf-8-sig").splitlines())
    assert row["subject"] == EVIL
    assert EVIL in row["pk_error"]
    assert row["pk_error"][0] not in "=+-@\t\r\n"
    assert [harmless(text)[0] for text in ("=1", "+1", "-1", "@a", "\t=1", "＝1")] == ["'"] * 6
    assert harmless("plain") == "plain"


def test_objects_are_what_the_schema_says(service: Loopback, tmp_path: Path) -> None:
    """Of rows, of previewed rows, and of what stands on disk."""
    service.say(error_reply(400, "no"))
    made = done(service, [*ANIMALS, {"label": "mole", "subject": "mole", "picture": None}], tmp_path / "r")
    from kit.tables import endpoint

    shown = run(templates.sticker, ANIMALS[:2], tmp_path / "r", endpoint=endpoint(service), dry_run=True)
    assert set(described([*made.to_dicts(), *shown.to_dicts()])) == {"row", "previewed_row"}
    schemas = {name: json.loads((PACKAGE / name).read_text()) for name in ("runs/run.schema.json", "session/recipe.schema.json")}
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    said = json.loads((tmp_path / "r/run.json").read_text())
    jsonschema.validate(said, schemas["runs/run.schema.json"])
    jsonschema.validate(said["recipe"], schemas["session/recipe.schema.json"])


def test_no_key_reaches_the_folder_or_an_order(service: Loopback, tmp_path: Path) -> None:
    """Not run.json, not the tables, not what would travel; what holds one refuses to."""
    from kit.tables import endpoint

    secret = "AIza" + "x" * 35
    run(templates.sticker, ANIMALS, tmp_path / "r", endpoint=endpoint(service), api_key=secret)
    for path in (p for p in (tmp_path / "r").rglob("*") if p.is_file()):
        assert secret.encode() not in path.read_bytes(), path
    asked_with = Asked(endpoint="offline", key=Key(secret))
    planner = Planner(Recipe.of_templates([templates.sticker]), open_table(ANIMALS), tmp_path / "s", asked_with)
    assert secret not in planner.order(planner.rows()[0]).to_text()
    with pytest.raises(SettingsError, match="does not travel"):
        pickle.dumps(Hands(key=Key(secret)))
    for row in ({"subject": secret}, {"subject": "fox", "label": secret}, {"subject": "fox", "note": secret}):
        with pytest.raises(promptkit.PromptkitError, match="holds a key") as raised:
            run(templates.sticker, [row], tmp_path / "t", endpoint=endpoint(service), api_key=secret, extra="keep")
        assert secret not in str(raised.value)
    assert not (tmp_path / "t").exists()


def test_the_report_shows_each_row_and_filters_by_outcome(service: Loopback, tmp_path: Path) -> None:
    """It links to the pictures, shows users' words as text, and loads nothing from anywhere."""
    service.say(error_reply(400, "<script>alert(1)</script>"))
    done(service, [{"label": "<b>fox</b> #1 100%", "subject": "fox"}, *ANIMALS[1:]], tmp_path / "r", workers=1)
    text = (tmp_path / "r/report.html").read_text()
    page = Page(text)
    assert page.values("article", "data-outcome") == ["error", "picture", "picture", "picture"]
    assert page.values("button", "data-show") == ["all", "error", "picture"]
    for source in page.values("img", "src"):
        assert (tmp_path / "r" / unquote(source)).is_file()
    assert "<b>fox</b>" not in text
    assert [tag for tag, _ in page.found].count("script") == 1
    assert "<b>fox</b> #1 100%" in page.words
    assert not [url for url in re.findall(r'(?:src|href)="([^"]*)"', (tmp_path / "r/report.html").read_text()) if ":" in url]


def large(number: int) -> bytes:
    """A picture of more bytes than a page shows as they are."""
    return encoded(with_box(scene((320, 240)), (number, 0, number + 40, 40))).data


def test_the_report_shows_thumbnails_that_lead_to_the_pictures(service: Loopback, tmp_path: Path) -> None:
    """They are inside the page, and the file is what they lead to; of a picture that was forgotten nothing is left."""
    service.say(*(picture_reply(large(number)) for number in range(4)))
    made = done(service, ANIMALS, tmp_path / "r", workers=1)
    page = Page((tmp_path / "r/report.html").read_text())
    assert [source.partition(",")[0] for source in page.values("img", "src")] == ["data:image/webp;base64"] * 4
    linked = {unquote(url) for url in page.values("a", "href") if url.endswith(".png")}
    assert linked == {path.relative_to(tmp_path / "r").as_posix() for row in made.rows for path in row.steps[0].files[:1]}
    made["fox"].steps[0].mark("reject")
    made.forget(rejected=True)
    page = Page((tmp_path / "r/report.html").read_text())
    assert len(page.values("img", "src")) == 3
    assert "forgotten" in page.words


def test_the_report_tells_each_rows_story(service: Loopback, tmp_path: Path) -> None:
    """Folded: each step's prompt, attempts, errors, cost and marks, of all takes, in names that no other row has."""
    service.say(error_reply(400, "no <such> thing"), picture_reply(png("red")), text_reply("I would rather talk."))
    made = done(service, ANIMALS[:2], tmp_path / "r", [templates.sticker, templates.edit.add], inputs={"element": "a hat"}, workers=1)
    made["bear"].session[1].mark("keep", note="blu\u202eer", by="client")
    done(service, ANIMALS[:2], tmp_path / "r", [templates.sticker, templates.edit.add], inputs={"element": "a hat"}, retry=("text",))
    text = (tmp_path / "r/report.html").read_text()
    page, said = Page(text), " ".join(Page(text).words)
    for step in (*made["fox"].session, *made["bear"].session):
        assert str(step.prompt) in page.words
        assert all(attempt["message"] in page.words for attempt in step.attempts if attempt.get("message"))
    assert "I would rather talk." in page.words
    assert "no <such> thing" in said
    assert "keep blu\N{REPLACEMENT CHARACTER}er (client)" in page.words
    assert "\u202e" not in text
    names = page.values("article", "id")
    assert len(names) == len(set(names)) == len(made["fox"].session) + len(made["bear"].session)
    assert {url[1:] for url in page.values("a", "href") if url.startswith("#")} <= set(names)
    assert len(page.values("details", "open")) == 0


def test_a_page_of_which_nothing_changed_is_not_written_again(service: Loopback, tmp_path: Path) -> None:
    """A second run that finds everything there writes none; a mark writes its own page alone; a shorter table leaves fewer pages."""
    done(service, ANIMALS, tmp_path / "r")
    before = (tmp_path / "r/report.html").stat().st_ino
    done(service, ANIMALS, tmp_path / "r")
    assert (tmp_path / "r/report.html").stat().st_ino == before
    rows = [PlannedRow(TableRow(i, None, {}), "k", f"row {i}", f"f-{i}") for i in range(1, 503)]
    write_report(tmp_path, rows)
    first, second = tmp_path / "report.html", tmp_path / "report-2.html"
    before = first.stat().st_ino
    rows[501].state = RowState(marks=("keep bluer",))
    write_report(tmp_path, rows)
    assert first.stat().st_ino == before
    assert "keep bluer" in Page(second.read_text()).words
    write_report(tmp_path, rows[:500])
    assert not second.exists()


def test_many_rows_stand_on_several_pages(service: Loopback, tmp_path: Path) -> None:
    """Five hundred on each."""
    write_report(tmp_path, [PlannedRow(TableRow(i, None, {}), "k", f"row {i}", f"f-{i}") for i in range(1, 1102)])
    counts = [len(Page(path.read_text()).values("article", "data-outcome")) for path in sorted(tmp_path.glob("report*.html"))]
    assert sorted(counts) == [101, 500, 500]
    assert Page((tmp_path / "report.html").read_text()).values("a", "href")[:2] == ["report-2.html", "report-3.html"]


def test_a_run_shows_itself(service: Loopback, tmp_path: Path) -> None:
    """In a notebook a table of failures and a contact sheet, else how many there are of each outcome."""
    service.say(error_reply(400, "no such <thing>"))
    made = done(service, ANIMALS, tmp_path / "r", workers=1)
    bundle = made._repr_mimebundle_()
    assert bundle["text/plain"].startswith("<Run 'r': 4 rows: 1 error, 3 picture; 3 attempts without a known price>\n  fox: ")
    assert bundle["text/html"].count("<img") == 3
    assert "no such &lt;thing&gt;" in bundle["text/html"]
    assert "<img" in made["owl"]._repr_mimebundle_()["text/html"]


def test_rows_are_looked_up_by_label_number_and_key(service: Loopback, tmp_path: Path) -> None:
    """A text is a label first, so that 007 is one."""
    made = done(service, [{"label": "007", "subject": "fox"}, {"label": "x", "subject": "owl"}], tmp_path / "r")
    assert made["007"].number == made[1].number == made[made["007"].key].number == 1
    with pytest.raises(StepNotFound, match="no row '008'"):
        made["008"]
    assert made["x"].session.head == made["x"].steps[0]


def test_pictures_are_saved_under_names_of_the_tables_columns(service: Loopback, tmp_path: Path) -> None:
    """Two that would have one name are refused before anything is written; conversions are told once."""
    made = done(service, ANIMALS, tmp_path / "r", n=2)
    paths = made.save(tmp_path / "out" / "{subject}-{take}")
    assert sorted(path.name for path in paths) == sorted(f"{row['subject']}-{take}.png" for row in ANIMALS for take in (1, 2))
    with pytest.raises(PictureError, match="Two pictures would be saved"):
        made.save(tmp_path / "two" / "{label}.png")
    with pytest.raises(PictureError, match="8 pictures cannot all be saved"):
        made.save(tmp_path / "two" / "all.png")
    with pytest.raises(PictureError, match=r"unknown field \{lable\}"):
        made.save(tmp_path / "two" / "{lable}-{take}.png")
    assert not (tmp_path / "two").exists()
    with pytest.warns(PromptkitWarning, match="8 of 8 pictures are conversions") as told:
        made.save(tmp_path / "jpg" / "{row}-{take}.jpg", size=4)
    assert len(told) == 1
    assert promptkit.Picture.open(tmp_path / "jpg/1-1.jpg").size == (4, 3)
    assert len(made.picked) == 0
    assert len(done(service, ANIMALS, tmp_path / "one").picked) == 4


def test_marks_say_what_is_picked(service: Loopback, tmp_path: Path) -> None:
    """What is kept goes first, then what has the most stars, then the only take; what is rejected is not picked, and can be forgotten.
    Marks stand in the tables and in the report when the run is run again, which asks for nothing.
    """
    made = done(service, ANIMALS, tmp_path / "r", n=2)
    fox, bear, owl, _ = made.rows
    fox.steps[1].mark("keep", note="bluer", by="client")
    bear.steps[0].mark(stars=2)
    bear.steps[1].mark(stars=4)
    for step in owl.steps:
        step.mark("reject")
    assert made.picked == (fox.steps[1], bear.steps[1])
    assert [path.name for path in made.save(tmp_path / "out/{label}", picked=True)] == ["fox.png", "bear.png"]
    again = done(service, ANIMALS, tmp_path / "r", n=2)
    assert len(service.received) == 8
    assert again["fox"].to_dict()["marks"] == ["keep bluer (client)"]
    [row, *_] = csv.DictReader((tmp_path / "r/results.csv").read_text("utf-8-sig").splitlines())
    assert row["pk_marks"] == "keep bluer (client)"
    page = Page((tmp_path / "r/report.html").read_text())
    assert page.values("button", "data-show") == ["all", "picture", "keep", "reject"]
    assert page.values("article", "data-marks") == ["keep", "", "reject", ""]
    one = done(service, ANIMALS[:2], tmp_path / "one")
    one.rows[0].steps[0].mark("reject")
    assert one.picked == one.rows[1].steps
    assert [each.dry_run for each in again.forget(rejected=True, dry_run=True)] == [True]
    again.forget(rejected=True)
    assert [step.record.forgotten is not None for step in owl.session] == [True, True]
    with pytest.raises(SettingsError, match="rejected=True"):
        again.forget(rejected=False)


def test_pictures_of_the_rows_go_in(service: Loopback, tmp_path: Path) -> None:
    """A folder of pictures is edited, and a column of references goes along; paths start from the table."""
    for name, colour in (("a", "red"), ("b", "blue"), ("hat", "green")):
        (tmp_path / f"{name}.png").write_bytes(png(colour))
    rows = table(tmp_path / "rows.csv", "label,picture,references\na,a.png,hat.png\nb,b.png,\n")
    edit = promptkit.Template.from_brackets("Put a [hat] on it", kind="edit")
    made = done(service, rows, tmp_path / "r", edit, inputs={"hat": "straw hat"})
    sent = {len(received.pictures): received.pictures[0] for received in service.received}
    assert sent == {2: png("red"), 1: png("blue")}
    assert asked(service).total() == 2
    assert made["a"].steps[0].number == 2
    Run.open(tmp_path / "r").retry()
    assert len(service.received) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("picture\nnone.png\n", "line 2: picture 'none.png' cannot be read: No such file"),
        ("picture\nnotes.txt\n", "line 2: picture 'notes.txt' is no picture"),
        ("picture,label\n,a\n", "line 2: picture is missing"),
        ("label\na\n", "starts from a picture: rows.csv needs a column `picture`"),
        ("picture,references\na.png,none.png\n", "line 2: references 'none.png' cannot be read"),
    ],
)
def test_a_missing_picture_is_told_before_anything_is_sent(service: Loopback, tmp_path: Path, text: str, said: str) -> None:
    """With its line."""
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "notes.txt").write_text("mine")
    edit = promptkit.Template.from_brackets("Make it [mood]", kind="edit")
    with pytest.raises(promptkit.PromptkitError) as raised:
        done(service, table(tmp_path / "rows.csv", text), tmp_path / "r", edit, inputs={"mood": "sad"})
    assert said in str(raised.value)
    assert service.received == []


def test_a_damaged_run_says_so(service: Loopback, tmp_path: Path) -> None:
    """And what is no run."""
    done(service, ANIMALS[:1], tmp_path / "r")
    cases: list[tuple[str, str, Any]] = [
        ("results.jsonl", "{}\n", promptkit.LineageError),
        ("run.json", '{"schema": "promptkit.run/9"}', SettingsError),
        ("run.json", "[", promptkit.LineageError),
        ("run.json", '{"schema": "promptkit.run/1"}', SettingsError),
    ]
    for name, data, kind in cases:
        whole = (tmp_path / "r" / name).read_bytes()
        (tmp_path / "r" / name).write_text(data)
        with pytest.raises(kind, match=re.escape(name)):
            Run.open(tmp_path / "r")
        (tmp_path / "r" / name).write_bytes(whole)
    with pytest.raises(promptkit.LineageError, match="is no run"):
        Run.open(tmp_path)
