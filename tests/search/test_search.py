"""Over all sessions: listed, searched for words, and for the step that made a picture."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.effort import effort
from kit.loopback import png
from kit.steps import answered, edit_json, fields, made, snapshot
from PIL import Image, ImageDraw, ImageEnhance

from promptkit import Picture, PictureError, PromptkitWarning, Session, SettingsError, import_session
from promptkit import config as settings
from promptkit.atomic import temporary_beside
from promptkit.lineage.files import json_bytes
from promptkit.lineage.layout import MARKER
from promptkit.lineage.record import Record, now
from promptkit.lineage.tree import Lineage
from promptkit.search.search import find, sessions, which

SEARCH = "import sys; from promptkit.search.search import which; f = which(sys.argv[1]); print(f[0].step.number, f.looked.decoded)"
# As a person who may not read all; what is searched before that loads what Python loads when it is first needed.
AS_NOBODY = """
import os, sys
from promptkit.search.search import find, sessions, which

def named(found):
    return sorted(problem.path.name for problem in found.problems)

def search():
    folder, picture = sys.argv[1:]
    return named(find("bear", folder)), named(which(picture, folder)), sorted(i.name for i in sessions(folder) if i.problem)

search()
if os.geteuid() == 0:
    os.seteuid(65534)
print(search())
"""
UNPRICED = {"endpoint": "elsewhere", "model": "m", "config": {}}


def here(name: str) -> Lineage:
    """A session in the user's data folder."""
    return Lineage(settings.data_folder() / name)


def asked(lineage: Lineage, text: str, *, at: str = "", **more: Any) -> Record:
    """A step that asked for this; `at` is when it was recorded to have ended."""
    record = answered(lineage, blot(text), prompt={"text": text, **more.pop("prompt", {})}, **more).commit("picture")
    if not at:
        return record
    data = json_bytes({**record.fields, "ended": at})  # as a machine with another clock would have written it
    record.path.unlink()
    path = record.path.with_name(f"{record.path.name[:-15]}{hashlib.sha256(data).hexdigest()[:10]}.json")
    path.write_bytes(data)
    return Record.read(path)


def blot(seed: object, pixels: int = 96) -> Picture:
    """A picture unlike any other: soft spots of colour."""
    spots = Image.frombytes("RGB", (6, 6), random.Random(str(seed)).randbytes(108))
    return Picture.open(spots.resize((pixels, pixels), Image.Resampling.BICUBIC))


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, kind, **options)
    return buffer.getvalue()


def cache() -> Path:
    return settings.data_folder().parent / "looks-3.jsonl"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that anybody can reach: pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)
        for path in Path(name).iterdir():
            path.chmod(0o755)


# Listed


def test_sessions_are_listed_with_what_they_hold() -> None:
    """Each with its steps, what it cost and how many attempts have no price, its last change, tags and head; the last changed first."""
    bear, fox = here("bear"), here("ant")
    asked(bear, "a bear", at="2026-03-01T10:00:00.000Z")
    draft = bear.begin("edit", fields(request=UNPRICED))
    draft.attempt({"started": now()})
    draft.answer({"outcome": "text", "cost": None})
    hat = asked(bear, "a bear with\na hat")
    bear.set_head(hat.id)
    bear.set_tag("for the client", hat.id)
    asked(fox, "a fox", at="2026-01-02T03:04:05.000Z")
    listed = sessions()
    draft.commit("text")
    assert [info.name for info in listed] == ["bear", "ant"]
    info = sessions()[0]
    assert (info.steps, info.cost.amount, info.unpriced, info.tags, info.head) == (3, 0.08, 1, ("for the client",), "a bear with a hat")
    assert info.problem is None
    assert info.session.head == Session("bear")[hat.id]
    assert listed[1].changed is not None
    assert listed[1].changed.isoformat() == "2026-01-02T03:04:05+00:00"
    assert listed[1].head is None


def test_what_has_no_price_is_counted_as_spending_counts_it() -> None:
    """An error is free at an endpoint without a price too, and an answer is not: the list and session.spending agree."""
    bear = here("bear")
    for outcome in ("error", "text", "interrupted"):
        draft = bear.begin("generate", fields(request=UNPRICED))
        draft.attempt({"started": now()})
        draft.answer({"outcome": outcome, "cost": None})
        draft.commit(outcome)
    assert sessions()[0].unpriced == Session("bear").spending.unpriced == 2
    assert "  2 unpriced  " in repr(sessions())


def test_what_is_still_being_put_together_is_no_session() -> None:
    """A folder that an import was killed in the middle of is neither listed nor searched."""
    made(here("bear"))
    shutil.copytree(here("bear").folder, temporary_beside(here("bear").folder))
    assert [info.name for info in sessions()] == ["bear"]
    assert len(find("bear")) == len(which(png())) == 1


def test_times_are_local(tokyo: None) -> None:
    """The last change is shown as a clock on the wall had it, and kept with its zone."""
    asked(here("bear"), "a bear", at="2026-03-01T20:30:00.000Z")
    assert "2026-03-02 05:30" in repr(sessions())
    assert str(sessions()[0].changed) == "2026-03-01 20:30:00+00:00"


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+00:00", "1970-01-01T00:00:00Z", "yesterday"])
def test_a_time_that_was_made_up_is_none(at: str, tokyo: None) -> None:
    """What a clock or a hand made up is no time of a change, stands last, and upsets no list."""
    asked(here("ant"), "a bear", at="2026-03-01T20:30:00.000Z")
    asked(here("bear"), "a bear", at=at)
    assert [(info.name, info.changed is None) for info in sessions()] == [("ant", False), ("bear", True)]
    assert "bear" in repr(sessions())
    assert [f.session.folder.name for f in find("bear")] == ["ant", "bear"]


def test_a_table_is_quick_however_long_a_cell() -> None:
    """A session with 400 tags is a line of the table in less than 100 ms, cut to a few words; as HTML it has all of them."""
    bear = here("bear")
    step = made(bear)
    for i in range(400):
        bear.set_tag(f"for the client number {i}", step.id)
    listed = sessions()
    row = listed.rows()[0]
    assert effort(listed.rows) < 0.1
    assert len(row) < 200
    assert "[for the client number 0] [for the client number 1] [for th…" in row
    assert "[for the client number 399]" in listed._repr_mimebundle_()["text/html"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names of folders are text")
def test_a_folder_whose_name_is_no_text_is_shown() -> None:
    """A name in another encoding, or one that would colour a terminal, is shown with signs for what cannot be: as text and as HTML."""
    for name in (os.fsdecode(b"caf\xe9"), "red\x1b[31m"):
        bear = here(name)
        made(bear, blot(1))
        (bear.folder / "0002-edit-0123456789.json").write_bytes(b"{")
    for found in (sessions(), find("bear"), which(blot(1)), which(blot(1).image.resize((50, 50)))):
        assert len(found) == 2
        shown = found._repr_mimebundle_()
        for text in (shown["text/html"], shown["text/plain"], repr(found)):
            assert text.encode()
            assert "caf�" in text
            assert "\x1b" not in text


@pytest.mark.skipif(sys.platform == "win32", reason="there a mode keeps nobody from reading")
def test_what_may_not_be_read_is_named(open_folder: Path) -> None:
    """A session whose folder, or one of whose records, is closed to who searches is a problem of the search, and hides no other."""
    for name in ("closed", "half closed", "open"):
        made(Lineage(open_folder / name), blot(name))
    (open_folder / "asked.png").write_bytes(blot("another").data)
    for path in open_folder.rglob("*"):
        path.chmod(0o755)
    next((open_folder / "half closed").glob("0001-*.json")).chmod(0)
    (open_folder / "closed").chmod(0)
    command = [sys.executable, "-c", AS_NOBODY, str(open_folder), str(open_folder / "asked.png")]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert said == f"{(['closed', 'half closed'],) * 3}\n"


def test_the_list_shows_itself_as_a_table() -> None:
    """As text in columns, also with letters that are twice as wide; as HTML escaped; it says how much it looked at, in what time."""
    for name in ("bear", "熊猫"):
        lineage = here(name)
        lineage.set_head(asked(lineage, "a <b>bold</b> bear\x1b[31m").id)
    listed = sessions()
    lines = repr(listed).splitlines()
    assert lines[0].split() == ["name", "steps", "cost", "last", "change", "tags", "head"]
    assert next(line for line in lines if "bear " in line).index("1 ") == next(line for line in lines if "熊猫" in line).index("1 ") + 2
    assert "\x1b" not in repr(listed)
    assert lines[-1].startswith("2 found; looked at 2 sessions, 2 steps in ")
    html = listed._repr_mimebundle_()["text/html"]
    assert "&lt;b&gt;bold" in html
    assert html.count("<tr>") == 3
    assert listed.seconds > 0
    assert listed.looked == (2, 2, 0, 0)


def test_no_sessions_are_an_empty_list() -> None:
    """Before the first session there is nothing to list, and looking makes no folder."""
    assert sessions() == ()
    assert find("bear") == ()
    assert which(blot(1)) == ()
    assert "0 found; looked at no sessions" in repr(sessions())
    assert not settings.data_folder().exists()


def test_a_folder_says_whose_sessions(tmp_path: Path) -> None:
    """Another folder's own sessions are listed, and the folder itself where it is one; other folders and files are passed over."""
    (tmp_path / "team" / "notes").mkdir(parents=True)
    (tmp_path / "team" / "notes" / "a.txt").write_text("no session")
    (tmp_path / "team" / "b.txt").write_text("no session")
    made(Lineage(tmp_path / "team" / "bear"))
    assert [info.name for info in sessions(tmp_path / "team")] == ["bear"]
    assert [info.folder for info in sessions(str(tmp_path / "team" / "bear"))] == [tmp_path / "team" / "bear"]
    assert sessions() == ()
    for wrong in (tmp_path / "nowhere", tmp_path / "team" / "b.txt", "\0", 5):
        with pytest.raises(SettingsError, match="cannot be searched"):
            sessions(wrong)  # type: ignore[arg-type]


def test_what_cannot_be_read_hides_nothing() -> None:
    """A session of a newer layout, or with records that are damaged or newer, is listed with its problem, as is a marker that says
    nothing; one that has lost its marker is a session. The others are listed, and searched, as if it were not there.
    """
    for name in ("good", "no marker", "newer", "newer record", "half"):
        asked(here(name), "a bear")
        asked(here(name), f"a bear, {name}")
    data = settings.data_folder()
    (data / "no marker" / MARKER).unlink()
    (data / "no layout").mkdir()
    (data / "no layout" / MARKER).write_text("{")
    edit_json(data / "newer" / MARKER, layout=99)
    edit_json(next((data / "newer record").glob("0001-*.json")), schema="9.0")
    next((data / "half").glob("0001-*.json")).write_bytes(b"{")
    problems = {info.name: info.problem or "" for info in sessions()}
    assert problems["good"] == ""
    assert problems["no marker"] == ""
    assert "cannot be read" in problems["no layout"]
    assert "upgrade promptkit" in problems["newer"]
    assert "upgrade promptkit" in problems["newer record"]
    assert "1 of its 2 records cannot be read; `promptkit verify -s " in problems["half"]
    found = find("bear")
    assert sorted(f.session.folder.name for f in found) == ["good", "good", "half", "no marker", "no marker"]
    assert sorted(p.path.name for p in found.problems) == ["half", "newer", "newer record", "no layout"]
    assert "upgrade promptkit" in repr(found)


# Words


SPELLINGS = [
    ("ﾊﾟﾝﾀﾞが竹を食べる", "パンダ"),
    ("パンダ", "ﾊﾟﾝﾀﾞ"),
    ("don’t", "don't"),
    ("don't", "don’t"),
    ("“red”", '"red"'),
    ('"red"', "“red”"),
    ("«red»", "„red“"),
    ("e\u2011mail", "e-mail"),
    ("e-mail", "e\u2011mail"),
    ("3–5", "3-5"),
    ("क्\u200dष", "क्ष"),
    ("क्ष", "क्\u200dष"),
    ("می\u200cخواهم", "میخواهم"),
    ("co\u00adoperate", "cooperate"),
    ("cooperate", "co\u00adoperate"),
    ("a\u200bb", "ab"),
    ("a\u034fb", "ab"),
    ("I ❤️ pandas", "❤"),
    ("I ❤ pandas", "❤️"),
    ("½ moon", "1/2"),
    ("كتــاب", "كتاب"),
]


def test_all_words_must_be_there_wherever_they_are() -> None:
    """Prompt, template, inputs, label, tags and the model's answer are searched together, each word in any of them, parts of words too."""
    bear = here("bear")
    prompt = {"template": "edit.style", "inputs": {"subject": "fox", "n": [7, "owl"]}}
    step = asked(bear, "A sticker of a panda", label="wet paint", prompt=prompt)
    bear.set_tag("for the client", step.id)
    asked(bear, "A sticker of a bear")
    seen = {"panda": "prompt", "PAINT": "label", "client": "tag", "edit.st": "template", "fox": "input subject", "owl": "input n"}
    for word, where in seen.items():
        assert [(f.step.number, f.where) for f in find(word)] == [(1, where)]
    assert [f.step.number for f in find("stick pand client owl")] == [1]
    assert [f.where for f in find("Here.")] == ["answer", "answer"]
    assert find("panda bear") == ()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Crème brûlée in a CAFÉ", "creme CAFE"),
        (unicodedata.normalize("NFD", "Ein Mädchen, zwei Bären"), "mädchen BAREN"),
        ("Die Straße", "STRASSE"),
        ("İstanbul, ılık", "istanbul ilik"),
        ("Smørrebrød, Łódź", "smorrebrod lodz"),
        ("Ёлка и йогурт", "елка"),
        ("μικρός ΣΊΣΥΦΟΣ", "σισυφος"),
        ("一只小熊猫戴着帽子", "熊猫 帽子"),
        ("竹林のパンダ", "パンダ"),
        ("ａ ｆｏｘ", "fox"),
        (unicodedata.normalize("NFD", "한국의 호랑이"), "호랑이"),
        ("एक लाल पांडा", "लाल"),
        ("كِتَابٌ", "كتاب"),
        ("שָׁלוֹם", "שלום"),
    ],
)
def test_words_are_found_in_any_script(text: str, word: str) -> None:
    """Case, accents, vowel points and the way in which a letter is put together do not matter; the snippet keeps the prompt's spelling."""
    asked(here("bear"), text)
    found = find(word)
    assert len(found) == 1
    assert found[0].snippet == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(("text", "word"), SPELLINGS)
def test_words_are_found_however_they_are_written(text: str, word: str) -> None:
    """Half or full width, curly or straight quotes, any hyphen, with or without what nobody sees; the snippet keeps the prompt's."""
    asked(here("bear"), f"before {text} after")
    assert [f.snippet for f in find(word)] == [f"before {text} after"]


def test_a_snippet_is_cut_around_its_word() -> None:
    """The word stands in the middle, also where the text before it folds into more or fewer characters than it has."""
    asked(here("bear"), "ß\u00adﾊﾟ½" * 100 + " ﾊﾟﾝﾀﾞ " + "ﾊﾟ" * 100)
    left, right = find("パンダ")[0].snippet.strip("…").split(" ﾊﾟﾝﾀﾞ ")
    assert 35 < len(left) < 42
    assert 35 < len(right) < 42


@pytest.mark.parametrize(("text", "word"), [("パンダ", "ハンタ"), ("か", "が"), ("कुल", "कल"), ("각", "간"), ("ไม้", "ไม่")])
def test_marks_that_make_another_letter_matter(text: str, word: str) -> None:
    """What is no accent, but makes another letter or syllable to its readers, is told apart."""
    asked(here("bear"), text)
    assert find(word) == ()


def test_a_list_holds_phrases() -> None:
    """A text is taken apart at its spaces; in a list each item is found as it stands, over line breaks too."""
    asked(here("bear"), "a red fox and\n a panda")
    assert len(find("panda red")) == 1
    assert len(find(["red fox", "and a panda"])) == 1
    assert find(["red panda"]) == ()
    for nothing in ("", " \n", [], [""], ["\u0301"], 5, None):
        with pytest.raises(SettingsError, match="no word to look for"):
            find(nothing)  # type: ignore[arg-type]


def test_what_is_found_is_newest_first_with_the_match_in_its_snippet() -> None:
    """Over all sessions the newest step comes first; a long prompt is cut around the match; the result is a strip in a notebook."""
    asked(here("b"), "a panda", at="2026-01-01T00:00:00.000Z")
    asked(here("c"), "x" * 300 + " über den Pandabären " + "y" * 300)
    asked(here("a"), "one more panda", at="2025-12-31T23:59:59.000+00:00")
    found = find("panda")
    assert [f.session.folder.name for f in found] == ["c", "b", "a"]
    assert found[0].snippet.startswith("…xxx")
    assert " über den Pandabären " in found[0].snippet
    assert len(found[0].snippet) < 100
    assert found.steps[0] == found[0].step == found[0].session[1]
    html = found._repr_mimebundle_()["text/html"]
    assert html.count("<img") == 3
    assert "Pandabären" in html
    assert "3 found; looked at 3 sessions, 3 steps in " in repr(found)


def test_steps_of_one_moment_are_found_last_number_first() -> None:
    """Where steps ended at the same time, the later number comes first."""
    for number in range(3):
        asked(here("bear"), f"bear {number}", at="2026-01-01T00:00:00.000Z")
    assert [f.step.number for f in find("bear")] == [3, 2, 1]


def test_a_strip_shows_as_many_pictures_as_can_be_looked_at() -> None:
    """In a notebook the first 24 that were found are shown as pictures, the others in words, and all are there."""
    for _ in range(26):
        made(here("bear"), blot(1))
    for found in (find("bear"), which(blot(1))):
        html = found._repr_mimebundle_()["text/html"]
        assert html.count("<img") == 24
        assert all(f"bear {number}: " in html for number in range(1, 27))
        assert len(found.steps) == 26


# Pictures by their bytes


def test_the_very_bytes_are_found_without_decoding_anything(tmp_path: Path) -> None:
    """A picture is found by its bytes, as a path, bytes or a Picture; of the other sessions only names are read, and nothing is decoded."""
    for name in ("bear", "fox", "owl"):
        for i in range(4):
            made(here(name), blot(f"{name} {i}"))
    (tmp_path / "copy.png").write_bytes(blot("fox 2").data)
    for given in (tmp_path / "copy.png", str(tmp_path / "copy.png"), blot("fox 2").data, blot("fox 2")):
        found = which(given)
        assert [(m.session.folder.name, m.step.number, m.picture, m.exact, m.distance) for m in found] == [("fox", 3, 0, True, 0)]
        assert found.looked == (3, 4, 12, 0)
        assert found[0].path.read_bytes() == blot("fox 2").data
    assert not cache().exists()
    assert "the very bytes" in repr(found)


def test_a_second_picture_and_one_that_nothing_can_decode_are_found() -> None:
    """Each of a step's pictures is found, whatever is in it: the bytes of a truncated one too."""
    bear = here("bear")
    made(bear, blot("one"), blot("two"))
    made(bear, Picture(blot("three").data[:-20]))
    assert [(m.step.number, m.picture) for m in which(blot("two"))] == [(1, 1)]
    assert [m.step.number for m in which(blot("three").data[:-20])] == [2]


def test_a_step_is_found_though_its_file_is_gone() -> None:
    """From a copy that was kept elsewhere the step is found by its record, before others that only look like it."""
    bear = here("bear")
    made(bear, Picture(saved(blot(1).image, "PNG", compress_level=9)))
    lost = made(bear, blot(1))
    (bear.folder / lost.outputs[0]["file"]).unlink()
    found = which(blot(1))
    assert [(m.step.number, m.exact) for m in found] == [(2, True)]
    assert "its file is missing" in repr(found)


def test_who_made_it_comes_before_who_was_given_it() -> None:
    """The step that made a picture comes first, then those that added it, then those that sent it along; none of these is its child."""
    maker = Session("maker", endpoint="offline")
    panda = maker.generate("a red panda")
    panda.edit("add a hat")
    user = Session("user", endpoint="offline")
    user.generate("something like this", references=[panda.picture])
    user.add(panda.picture)
    found = which(panda.picture)
    assert [(m.session.folder.name, m.step.number, m.source, m.exact) for m in found] == [
        ("maker", 1, False, True),
        ("user", 2, False, True),
        ("user", 1, True, True),
    ]
    assert [m.path.read_bytes() for m in found] == [panda.picture.data] * 3
    assert "sent along as a reference" in repr(found)
    alike = which(panda.picture.image.resize((256, 256)))
    assert [(m.step, m.source) for m in alike][:3] == [(m.step, m.source) for m in found]


# Pictures by their looks


def test_a_changed_copy_is_found_by_its_looks(tmp_path: Path) -> None:
    """Saved as JPEG and shrunk, darkened or cropped, a draft's own step is found, and the others of its chain are only counted."""
    session = Session("drafts", endpoint="offline")
    steps = [session.generate("a red panda"), session.edit("put a white alpaca beside it"), session.edit('add the text "HELLO"')]
    session.generate("a city at night")
    for number, step in enumerate(steps, 1):
        image = step.picture.image
        (tmp_path / "small.jpg").write_bytes(saved(image.resize((200, 200)), "JPEG", quality=60))
        (tmp_path / "bright.webp").write_bytes(saved(ImageEnhance.Brightness(image.convert("RGB")).enhance(0.85), "WEBP"))
        (tmp_path / "cropped.png").write_bytes(saved(image.crop((20, 20, 1004, 1004)), "PNG"))
        for name in ("small.jpg", "bright.webp", "cropped.png"):
            found = which(tmp_path / name)
            assert [(m.step.number, m.exact, m.same) for m in found] == [(number, False, True)]
            assert found[0].distance <= 22
            assert number not in [m.step.number for m in found.similar]
            assert 4 not in [m.step.number for m in found.similar]
    assert "the same picture, saved anew or made smaller" in found._repr_mimebundle_()["text/html"]


def patched(number: int) -> Picture:
    """One of several pictures that look alike: the same but for a patch, which is larger in each."""
    image = blot(3).image.copy()
    image.paste("black", (40, 40, 42 + 3 * number, 42 + 3 * number))
    return Picture.open(image)


@pytest.fixture
def chain() -> Session:
    """Four steps that look alike."""
    for number in range(1, 5):
        made(here("chain"), patched(number))
    return Session("chain")


def test_what_only_looks_similar_is_counted(chain: Session) -> None:
    """Where the same picture is found, those that look similar are left out, counted in a note, and listed with similar=True."""
    small = chain[4].picture.image.resize((64, 64))
    found = which(small)
    assert [m.step.number for m in found] == [4]
    n = len(found.similar)
    assert n > 1
    assert found.notes == [f"{n} others look similar; similar=True lists them"]
    listed = which(small, similar=True)
    assert [m.step.number for m in listed] == [4, *(m.step.number for m in found.similar)]
    assert listed.summary.startswith(f"1 found, {n} similar; ")
    assert listed.notes == []


def test_a_picture_of_another_session_is_not_found_by_its_like(chain: Session) -> None:
    """Of a step that is not there, those that look similar are not found: a note counts them, names the best, and says how to list them."""
    image = patched(5)
    found = which(image)
    assert found == ()
    assert found.similar
    assert found.notes[0].startswith("none is the same picture; ")
    assert f"the best is {found.similar[0].line}" in found.notes[0]
    assert [m.line for m in which(image, similar=True)] == [m.line for m in found.similar]


def test_similar_ones_are_sorted_by_what_is_printed(chain: Session) -> None:
    """The shares of likeness in the lines fall from one to the next."""
    shares = [float(m.line.split("looks similar (")[1].split(" %")[0]) for m in which(patched(5)).similar]
    assert len(shares) > 2
    assert shares == sorted(shares, reverse=True)


def test_an_added_copy_does_not_hide_who_made_it(chain: Session) -> None:
    """Where the very bytes were only added, or sent along, the search goes on by looks, and the step that made it comes first."""
    copy = saved(chain[4].picture.image.resize((80, 80)), "JPEG")
    user = Session("user", endpoint="offline")
    user.add(copy)
    found = which(copy)
    places = [(m.session.folder.name, m.step.number, m.exact) for m in found]
    assert places == [("chain", 4, False), ("user", 1, True)]
    other = saved(chain[3].picture.image.resize((80, 80)), "JPEG")
    user.generate("something like this", references=[other])
    assert [(m.session.folder.name, m.source) for m in which(other)] == [("chain", False), ("user", True)]


def test_an_added_copy_does_not_hide_who_made_its_very_bytes() -> None:
    """A step whose file is gone is found by its record, though another session has the file."""
    lost = made(here("maker"), blot(1))
    (here("maker").folder / lost.outputs[0]["file"]).unlink()
    Session("user", endpoint="offline").add(blot(1))
    found = which(blot(1))
    assert [(m.session.folder.name, m.exact) for m in found] == [("maker", True), ("user", True)]
    assert found.looked.decoded == 0


def test_who_has_words_comes_before_a_stripped_copy() -> None:
    """The step that says how a picture was made comes before one whose words were stripped, and that before one that added it."""
    maker = Session("maker", endpoint="offline")
    panda = maker.generate("a red panda")
    maker.export("bare.zip", strip=True)
    import_session("bare.zip", settings.data_folder() / "a bare one")
    Session("a user", endpoint="offline").add(panda.picture)
    for asked in (panda.picture, panda.picture.image.resize((200, 200))):
        assert [m.session.folder.name for m in which(asked)] == ["maker", "a bare one", "a user"]


def test_a_picture_of_ones_own_is_said_once() -> None:
    """A line says it as what the step is, or, where it has a label, as how it came there."""
    user = Session("user", endpoint="offline")
    user.add(blot(1))
    user.add(blot(2), label="mine")
    assert which(blot(1))[0].line == "user 1, the very bytes: a picture of one's own"
    assert which(blot(2))[0].line == "user 2, the very bytes, a picture of one's own: mine"


def test_where_was_looked_is_said_where_nothing_is() -> None:
    """A search that finds nothing names the folder and how to look in another; the list of sessions always does."""
    made(Lineage(Path("fox")), blot(1))
    data = settings.data_folder()
    assert find("bear").notes == [f'looked in {data}; find("fox", ".") looks in the folder you are in']
    assert which(blot(1)).notes == [f'looked in {data}; which("fox.png", ".") looks in the folder you are in']
    assert sessions().notes == [f'looked in {data}; sessions(".") looks in the folder you are in']
    assert sessions(".").notes == [f"looked in {Path.cwd()}; sessions() looks in your data folder"]
    assert which(blot(2), ".").notes[-1] == f'looked in {Path.cwd()}; which("fox.png") looks in your data folder'
    assert which(blot(1), ".").notes == []


def test_the_colours_decide_which_comes_first() -> None:
    """A small edit is told from the picture before it by its colours, even where fewer bits of the other one differ."""
    plain = blot(3).image
    patched = plain.copy()
    patched.paste("black", (60, 30, 64, 34))
    made(here("bear"), Picture.open(plain))
    made(here("bear"), Picture.open(patched))
    found = which(saved(plain, "JPEG", quality=85), similar=True)
    assert [m.step.number for m in found] == [1, 2]
    found = which(saved(patched, "JPEG", quality=85), similar=True)
    assert [(m.step.number, m.distance) for m in found] == [(2, 2), (1, 0)]


def test_pictures_are_decoded_once() -> None:
    """The first search by looks decodes every picture, and says so; the next ones decode only what is new, copies not at all."""
    for i in range(5):
        made(here("bear"), blot(i))
    made(here("copy"), blot(3))
    small = blot(3).image.resize((50, 50))
    assert [m.session.folder.name for m in which(small)] == ["bear", "copy"]
    assert which(small).looked == (2, 6, 6, 0)
    made(here("bear"), blot(9))
    found = which(blot(9).image.resize((60, 60)))
    assert [m.step.number for m in found] == [6]
    assert found.looked.decoded == 1
    assert "7 pictures (1 of them decoded)" in found.summary


def test_what_cannot_be_decoded_is_tried_once() -> None:
    """A picture that Pillow cannot read is remembered as one without looks."""
    made(here("bear"), Picture(blot(1).data[:300]))
    assert [which(blot(2).image.resize((50, 50))).looked.decoded for _ in range(2)] == [1, 0]


def test_looks_of_an_older_promptkit_are_not_compared() -> None:
    """What an older one saw is in another file: it was made in another way."""
    made(here("bear"), blot(1))
    older = cache().with_name("looks-1.jsonl")
    older.write_text(json.dumps({"sha256": blot(1).sha256, "fingerprint": None}))
    assert [m.step.number for m in which(blot(1).image.resize((50, 50)))] == [1]


def test_what_a_person_keeps_beside_them_is_none_of_the_pictures() -> None:
    """Copies and other pictures in a session's folder, and in its sources/, are not looked at, and are no damage."""
    session = Session("bear", endpoint="offline")
    step = session.generate("a red panda", references=[blot(1)])
    for name in ("panda for client.png", "final-.png", "a.webp", "2026-panda.png", "sources/blot.png"):
        (session.folder / name).write_bytes(blot(name).data)
    found = which(step.picture.image.resize((300, 300)))
    assert [m.step.number for m in found] == [1]
    assert found.problems == ()
    assert found.looked.pictures == 2
    assert which(blot(1).image.resize((50, 50)))[0].source


@pytest.mark.parametrize("junk", [b"\x00\xff\n{}\n[]\n5\n", b'{"sha256": 5, "look": "AAAA"}\n', b'{"sha256": "00', None])
def test_a_broken_cache_is_made_anew(junk: bytes | None) -> None:
    """What was kept of looks may be damaged in any way, half a line at its end too, or be a folder: the search finds what it should."""
    for i in range(3):
        made(here("bear"), blot(i))
    small = blot(1).image.resize((50, 50))
    which(small)
    if junk is None:
        cache().unlink()
        cache().mkdir()
    else:
        lines = cache().read_bytes().splitlines(keepends=True)
        cache().write_bytes(lines[1] + junk + lines[2][:100])
    for decoded in (2, 0) if junk is not None else (3, 3):
        found = which(small)
        assert [m.step.number for m in found] == [2]
        assert found.looked.decoded == decoded


def test_processes_share_the_cache(tmp_path: Path) -> None:
    """Four processes that search at once each find the step, and leave a cache in which every line is whole."""
    for i in range(40):
        made(here("bear"), blot(i))
    (tmp_path / "small.png").write_bytes(saved(blot(17).image.resize((50, 50)), "PNG"))
    command = [sys.executable, "-c", SEARCH, str(tmp_path / "small.png")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [process.communicate()[0].split()[0] for process in running] == ["18"] * 4
    lines = [json.loads(line) for line in cache().read_bytes().splitlines() if line]
    assert len({line["sha256"] for line in lines}) == 40
    assert which(tmp_path / "small.png").looked.decoded == 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process alone")
def test_ctrl_c_keeps_what_was_seen(tmp_path: Path) -> None:
    """A first search that is stopped in the middle need not begin again."""
    bear = here("bear")
    for i in range(70):
        made(bear, blot(i, 400))
    (tmp_path / "small.png").write_bytes(saved(blot(17).image.resize((50, 50)), "PNG"))
    process = subprocess.Popen([sys.executable, "-c", SEARCH, str(tmp_path / "small.png")], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not cache().exists() and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    assert process.wait() != 0
    found = which(tmp_path / "small.png")
    assert [m.step.number for m in found] == [18]
    assert 0 < found.looked.decoded <= 70 - 32


def test_a_damaged_picture_is_named_and_hides_nothing() -> None:
    """A file that is not what was recorded is a problem of the search, under its step's number, and its looks are not kept."""
    bear = here("bear")
    first, _ = made(bear, blot(1)), made(bear, blot(2))
    (bear.folder / first.outputs[0]["file"]).write_bytes(blot(3).data)
    found = which(blot(2).image.resize((50, 50)))
    assert [m.step.number for m in found] == [2]
    assert [(p.step, p.path.name) for p in found.problems] == [(1, first.outputs[0]["file"])]
    assert len(cache().read_bytes().split()) == 4  # a line of two fields


def test_white_lines_on_nothing_are_found_by_their_looks() -> None:
    """White line art on a transparent ground is nothing to be seen on white, and is found all the same."""
    art = Image.new("RGBA", (256, 256), (0, 0, 0, 0))
    ImageDraw.Draw(art).ellipse((30, 30, 200, 220), outline="white", width=9)
    made(here("bear"), Picture.open(blot(1).image))
    made(here("bear"), Picture.open(art))
    assert [m.step.number for m in which(art.resize((128, 128)))] == [2]


def test_a_flat_picture_is_found_by_its_bytes_alone() -> None:
    """One colour looks like every other one, and so do pages of one word: the bytes are found, a copy is not, which is said."""
    made(here("bear"), Picture(png("red", (64, 64))))
    made(here("bear"), Picture(png("green", (64, 64))))
    assert [m.step.number for m in which(png("green", (64, 64)))] == [2]
    page = Image.new("RGB", (1024, 1024), "white")
    ImageDraw.Draw(page).text((500, 500), "hi", fill="black")
    for flat in (png("red", (32, 32)), page):
        with pytest.warns(PromptkitWarning, match="hardly varies"):
            assert which(flat) == ()


@pytest.mark.parametrize("wrong", ["nowhere.png", "empty.png", "words.png", b"no picture", b"", 5, blot(1).data[:-40]])
def test_what_is_no_picture_is_refused(wrong: object) -> None:
    """What cannot be read as a picture, and is no step's very bytes, is a PictureError."""
    made(here("bear"), blot(1))
    Path("empty.png").touch()
    Path("words.png").write_text("no picture")
    with pytest.raises(PictureError):
        which(wrong)


def test_searching_writes_nothing_into_a_session() -> None:
    """Listing, finding and looking at pictures leave every session folder as it was."""
    session = Session("bear", endpoint="offline")
    session.generate("a bear").edit("add a hat")
    session.tag("x")
    before = snapshot(session.folder)
    sessions()
    find("hat")
    which(session.head.picture.image.resize((99, 99)) if session.head else b"")
    which(blot(1))
    assert snapshot(session.folder) == before


def test_an_exact_search_reads_one_of_many_sessions() -> None:
    """However many sessions there are, only the records of the one that has the picture are read.

    Measured once on two busy cores, 100 sessions of 50 steps: processor time 0.5 s for sessions, 0.7 s for find, 0.07 s for which by the
    bytes, 0.3 s by the looks once all were looked at; looking at 5,000 pictures the first time 7 ms each (96 pixels) to 50 ms (1,344).
    """
    for name in range(12):
        lineage = here(f"s{name}")
        for i in range(8):
            made(lineage, Picture(png((name, i, 0))))
    found = which(png((7, 5, 0)))
    assert [(m.session.folder.name, m.step.number) for m in found] == [("s7", 6)]
    assert found.looked == (12, 8, 96, 0)
    assert sessions().looked == (12, 96, 0, 0)


def test_the_data_folder_may_be_named_from_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative PROMPTKIT_HOME is one from where one stands."""
    monkeypatch.setenv("PROMPTKIT_HOME", "mine")
    made(here("bear"), blot(1))
    assert which(blot(1).image.resize((50, 50)))[0].step.number == 1
    assert sessions()[0].folder == Path.cwd() / "mine" / "sessions" / "bear"


def test_a_copy_with_its_lineage_inside_is_the_picture_itself(tmp_path: Path) -> None:
    """What promptkit put into a copy changes nothing of the picture: it is found by its bytes, also where it has no looks."""
    lineage = here("bear")
    made(lineage, Picture(png("red")))
    copy = Session(lineage.folder)[1].save(tmp_path / "copy.png", embed=True)
    assert copy.read_bytes() != png("red")
    (found,) = which(copy)
    assert (found.step.number, found.exact) == (1, True)
