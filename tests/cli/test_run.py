"""promptkit run and recipe, as a person types them; what a run does is tested in tests/runs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from kit.batch_service import batch_service
from kit.json_objects import described
from kit.loopback import Loopback, Received, picture_reply, png, text_reply
from kit.shell import on_stdin, run
from kit.tables import painting, table

from promptkit import Session, templates

ANIMALS = "label,subject\nfox,red fox\nbear,happy bear\nowl,wise owl\n"
COMMAND = ("run", "animals.csv", "-t", "sticker", "--into", "./stickers", "-e", "offline")


@pytest.fixture(autouse=True)
def animals() -> Path:
    return table(Path("animals.csv"), ANIMALS)


def test_a_table_is_carried_out_looked_at_and_saved() -> None:
    """Dry run, run, status, and the files that a client gets."""
    shown, said = run(*COMMAND, "--dry-run")
    assert shown.startswith("3 rows: 3 new\n3 requests, ")
    assert "A kawaii sticker of a red fox" in shown
    assert said.startswith("Nothing was sent")
    assert not Path("stickers").exists()
    out, said = run(*COMMAND)
    assert out.endswith("/stickers/results.csv\n")
    assert said == "3 rows: 3 picture; 0.00 USD\n"
    assert run("run", "--into", "stickers", "--status")[1] == said
    saved = run("save", "--run", "stickers", "-o", "out/{label}-{take}.png", "--picked")[0]
    assert saved == "out/fox-1.png\nout/bear-1.png\nout/owl-1.png\n"


def test_rows_of_which_nothing_is_picked_are_named() -> None:
    """Of two takes that nobody judged none is saved: stderr names the rows and the command that marks, and the exit is 1."""
    run(*COMMAND, "--takes", "2")
    out, said = run("save", "--run", "stickers", "-o", "out/{label}.png", "--picked", code=1)
    assert out == ""
    assert "nothing is picked of 3 rows (fox, bear, owl): mark what to take, as in `promptkit mark 2 keep -s " in said
    run("mark", "2", "keep", "-s", next(Path("stickers").glob("fox-*")))
    out, said = run("save", "--run", "stickers", "-o", "out/{label}.png", "--picked")
    assert out == "out/fox.png\n"
    assert "nothing is picked of 2 rows (bear, owl)" in said


def test_a_batch_comes_back_with_what_to_do_next_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """--batch makes the job and says which command polls it; --wait returns when it is over, with or without the table."""
    with batch_service(pending=1) as service:
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", service.url)
        monkeypatch.setenv("GEMINI_API_KEY", "not-a-real-key")
        batch = (*COMMAND[:-1], "google", "--batch")
        assert "3 requests, 0.0585 USD" in run(*batch, "--dry-run")[0]
        _, said = run(*batch)
        assert "3 rows: 3 batch; 0.00 USD" in said
        assert "3 rows are in batch jobs, which may take a day: `promptkit run --into ./stickers --batch` polls them" in said
        assert "3 batch" in run("run", "--into", "stickers", "--status", code=1)[1]
        assert "3 batch" in run("run", "--into", "stickers", "--batch")[1]
        assert "3 picture" in run("run", "--into", "stickers", "--batch", "--wait")[1]
        assert len(service.batch.jobs) == 1
        [folder] = Path("stickers").glob("fox-*")
        assert f"by the batch job {service.batch.jobs[0]}" in " ".join(run("show", "1", "-s", folder)[0].split())
        assert "not-a-real-key" not in "".join(p.read_text("utf-8", "replace") for p in Path("stickers").rglob("*") if p.is_file())


def test_a_live_command_for_what_a_job_asks_for_names_the_job() -> None:
    """In the shell's words, and nothing is sent."""
    with batch_service(pending=9) as service:
        run(*COMMAND[:-1], service.url, "--batch")
        [folder] = Path("stickers").glob("fox-*")
        _, said = run("generate", "-t", "sticker", "-i", "subject=red fox", "-s", str(folder), "-e", service.url, code=1)
        assert service.batch.jobs[0] in said
        assert "`promptkit run --batch`" in said
        _, said = run(*COMMAND[:-1], service.url)
        assert "3 rows are in batch jobs, and not asked for live" in said
        assert "goes on polling it, with --batch" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--wait",), "--wait goes with --batch"),
        (("--batch", "-t", "edit.style_transfer", "-i", "2.style=ink"), "--batch takes one template"),
        (("--batch",), "Offline drafts cost nothing and have no batch mode"),
    ],
)
def test_what_batch_mode_cannot_do_is_a_sentence(words: tuple[str, ...], said: str) -> None:
    """In the shell's words."""
    code = 2 if words == ("--wait",) else 1
    assert said in run(*COMMAND, *words, code=code)[1]
    assert not Path("stickers").exists()


def test_chains_columns_and_inputs(service: Loopback) -> None:
    """As the issue has them: several templates, an input for one of them, a heading that is read as an input."""
    painting(service)
    table(Path("animals.csv"), "Name;Bezeichnung\nf;roter Fuchs\n")
    chain = ("-t", "sticker", "-t", "edit.style_transfer", "-i", "2.style=ink", "-i", "palette=red")
    columns = ("--column", "subject=bezeichnung", "--column", "label=Name", "--takes", "2")
    run("run", "animals.csv", *chain, *columns, "--into", "r", "-e", service.url)
    assert len(service.received) == 4
    assert "roter Fuchs" in service.received[0].text
    assert "red" in service.received[0].text
    assert [folder.name[:2] for folder in Path("r").iterdir() if folder.is_dir() and folder.name[0] != "."] == ["f-"]


def test_every_command_prints_objects_for_programs() -> None:
    """With --json a row is an object."""
    shown, _ = run(*COMMAND, "--dry-run", "--json")
    assert described(map(json.loads, shown.splitlines())) == ["previewed_row"] * 3
    for words in (COMMAND, ("run", "--into", "stickers", "--status"), ("run", "--into", "stickers", "--retry")):
        assert described(map(json.loads, run(*words, "--json")[0].splitlines())) == ["row"] * 3
    assert described(map(json.loads, run("save", "--run", "stickers", "-o", "{label}.png", "--json")[0].splitlines())) == ["file"] * 3
    Session("./fox", endpoint="offline").generate(templates.sticker(subject="fox"))
    assert described([json.loads(run("recipe", "-s", "./fox", "-o", "fox.json", "--json")[0])]) == ["file"]


def test_exit_statuses_say_how_it_went(service: Loopback) -> None:
    """1 while rows are missing, 3 where all were refused, 4 where the budget ended it; retry goes on without the table."""
    painting(service)
    there = ("run", "animals.csv", "-t", "sticker", "--into", "r", "-e", service.url, "--workers", "1")
    service.always = text_reply("no", "IMAGE_SAFETY")
    _, said = run(*there, code=3)
    assert "row 1 (fox) refused: The service refused" in said
    assert run("run", "--into", "r", "--status", code=1)[1].endswith("3 rows: 3 refused; 3 attempts without a known price\n")
    painting(service)
    assert run("run", "--into", "r", "--retry", "-e", service.url, code=3)[1].count("refused") >= 3
    assert len(service.received) == 3
    run("run", "--into", "r", "--retry", "refused", "text", "-e", service.url)
    run("run", "--into", "r", "--status")
    _, said = run(*there[:5], "s", *there[6:], "--max-requests", "2", code=4)
    assert "promptkit: The run stopped, with 1 row waiting: 2 of the 2 requests that --max-requests allows in this run are used" in said


def test_stdin_is_a_table() -> None:
    """As everywhere, - is stdin."""
    with on_stdin(ANIMALS.encode()):
        assert run("run", "-", *COMMAND[2:])[1].startswith("3 rows: 3 picture")


def test_a_recipe_is_written_and_carried_out() -> None:
    """By one command from a session, by the other over a table of somebody else's."""
    fox = Session("./fox", endpoint="offline")
    fox.generate(templates.sticker(subject="fox")).edit("Make it night.")
    assert run("recipe", "-s", "./fox", "-o", "night")[0] == "night.json\n"
    assert run("recipe", "1", "-s", "./fox", "-o", "first.json")[0] == "first.json\n"
    assert len(json.loads(Path("first.json").read_text())["steps"]) == 1
    Path("mine.json").write_text("{}")
    assert "is no recipe" in run("recipe", "-s", "./fox", "-o", "mine.json", code=1)[1]
    run("run", "animals.csv", "--recipe", "night.json", "--into", "r", "-e", "offline")
    assert len(Session(next(Path("r").glob("fox-*")))) == 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("run", "--into", "r"), 2, "give a table (animals.csv), or --status, --retry or --stop"),
        (("run", "animals.csv", "--into", "r"), 2, "name what is carried out: a template (-t sticker)"),
        (("run", "animals.csv", "-t", "stickr", "--into", "r"), 1, "did you mean 'sticker'"),
        (("run", "animals.csv", "-t", "sticker", "--recipe", "x.json", "--into", "r"), 2, "not both"),
        (("run", "animals.csv", "--status", "--into", "r"), 2, "--status stands alone"),
        (("run", "-t", "sticker", "--retry", "--into", "r"), 2, "name that, too"),
        (("run", "animals.csv", "-t", "sticker"), 2, "needs --into"),
        (("run", "none.csv", "-t", "sticker", "--into", "r", "-e", "offline"), 1, "The table none.csv cannot be read"),
        (("run", "animals.csv", "-t", "logo", "--into", "r", "-e", "offline"), 1, "--column says which heading is which, --keep-extra"),
        (("run", "animals.csv", "-t", "sticker", "--column", "subject", "--into", "r"), 2, "--column takes NAME=HEADING"),
        (("run", "animals.csv", "-t", "sticker", "--takes", "0", "--into", "r", "-e", "offline"), 1, "--takes is a whole number from 1 on"),
        (("run", "--into", "r", "--status"), 1, "is no run: it holds no run.json; `promptkit run TABLE -t NAME --into FOLDER` makes one"),
        (("run", "--into", "r", "--stop"), 1, "is no run"),
        (("run", "--into", "r", "--retry", "nonsense"), 1, "no run"),
        (("save", "-o", "x.png", "--picked"), 2, "--picked and --size go with --run"),
        (("save", "3", "--run", "r", "-o", "x.png"), 2, "--run saves the pictures of a run's rows"),
    ],
)
def test_what_is_mistyped_is_one_sentence(words: tuple[str, ...], code: int, said: str) -> None:
    """In the shell's words, before anything is sent or made."""
    told = run(*words, code=code)[1]
    assert said in told
    assert told.count("\n") == 1
    assert not Path("r").exists()


def test_ctrl_c_finishes_what_is_under_way(service: Loopback) -> None:
    """Nothing more is handed out, what was begun is recorded, and the same command goes on."""
    begun, go = threading.Event(), threading.Event()

    def answer(received: Received) -> Any:
        begun.set()
        go.wait(60)
        return picture_reply(png())

    service.always = answer
    words = ["run", "animals.csv", "-t", "sticker", "--into", "r", "-e", service.url, "--workers", "1"]
    process = subprocess.Popen([sys.executable, "-m", "promptkit", *words], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert begun.wait(60)
    process.send_signal(signal.SIGINT)
    threading.Timer(0.5, go.set).start()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.endswith("promptkit: stopped; what was under way is finished and recorded, and the same run goes on from there.\n")
    assert len(service.received) == 1
    assert "1 picture" in run("run", "--into", "r", "--status", code=1)[1]
    painting(service)
    run(*words)
    assert len(service.received) == 3
