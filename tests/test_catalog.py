"""Over all sessions: listed, searched for words, and for the step that made a picture."""

from __future__ import annotations

import hashlib
import io
import json
import random
import signal
import subprocess
import sys
import time
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from loopback import png
from PIL import Image, ImageEnhance
from steps import answered, edit_json, fields, made, snapshot

from promptkit import Picture, PictureError, PromptkitWarning, Session, SettingsError, settings
from promptkit.catalog import find, sessions, which
from promptkit.lineage import MARKER, Lineage, Record, now
from promptkit.record import json_bytes

SEARCH = "import sys; from promptkit.catalog import which; found = which(sys.argv[1]); print(found[0].step.number, found.looked.decoded)"


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
    return settings.data_folder().parent / "looks-1.jsonl"


# Listed


def test_sessions_are_listed_with_what_they_hold() -> None:
    """Each with its steps, what it cost and how many attempts have no price, its last change, tags and head; the last changed first."""
    bear, fox = here("bear"), here("ant")
    asked(bear, "a bear", at="2026-03-01T10:00:00.000Z")
    draft = bear.begin("edit", fields())
    draft.attempt({"started": now()})
    draft.answer({"outcome": "error", "cost": None})
    hat = asked(bear, "a bear with\na hat")
    bear.set_head(hat.id)
    bear.set_tag("for the client", hat.id)
    asked(fox, "a fox", at="2026-01-02T03:04:05.000Z")
    listed = sessions()
    draft.commit("error")
    assert [info.name for info in listed] == ["bear", "ant"]
    info = sessions()[0]
    assert (info.steps, info.cost, info.unpriced, info.tags, info.head) == (3, 0.08, 1, ("for the client",), "a bear with a hat")
    assert info.problem is None
    assert info.session.head == Session("bear")[hat.id]
    assert listed[1].changed is not None
    assert listed[1].changed.isoformat() == "2026-01-02T03:04:05+00:00"
    assert listed[1].head is None


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
    """Saved as JPEG and shrunk, brightened or cropped, a draft is found, and its own step comes before the others of its chain."""
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
            assert found[0].step.number == number
            assert not found[0].exact
            assert found[0].distance <= 22
            assert 4 not in [m.step.number for m in found]
    assert "of 64 bits differ" in found._repr_mimebundle_()["text/html"]


def test_the_colours_decide_which_comes_first() -> None:
    """A small edit is told from the picture before it by its colours, even where fewer bits of the other one differ."""
    plain = blot(3).image
    patched = plain.copy()
    patched.paste("black", (60, 30, 64, 34))
    made(here("bear"), Picture.open(plain))
    made(here("bear"), Picture.open(patched))
    found = which(saved(plain, "JPEG", quality=85))
    assert [m.step.number for m in found] == [1, 2]
    found = which(saved(patched, "JPEG", quality=85))
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


def test_a_flat_picture_is_found_by_its_bytes_alone() -> None:
    """One colour looks like every other one: its bytes are found, and a copy of it is not, which is said."""
    made(here("bear"), Picture(png("red", (64, 64))))
    made(here("bear"), Picture(png("green", (64, 64))))
    assert [m.step.number for m in which(png("green", (64, 64)))] == [2]
    with pytest.warns(PromptkitWarning, match="one flat colour"):
        assert which(png("red", (32, 32))) == ()


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
