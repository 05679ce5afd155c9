"""Contact sheets of a session's steps: rows, trails, siblings, grids, and what is refused."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import pytest
from kit.loopback import Loopback, picture_reply, png, text_reply
from kit.shell import run, run_bytes
from PIL import Image

from promptkit import LineageError, NoPicture, Picture, Session, SettingsError, templates
from promptkit.lineage.tree import Lineage
from promptkit.views.lettering import Lettering
from promptkit.views.sheet_layout import cells_of, in_grid, in_rows
from promptkit.views.sheets import drawn

CELL, GAP = 256, 12


@pytest.fixture
def bear() -> Session:
    """A sticker, two edits of it, an edit of the second, and a failed one."""
    session = Session("./bear", endpoint="offline", recover=0)
    root = session.generate(templates.sticker(subject="a bear"), label=None)
    root.edit("make it night")
    second = root.edit("add a hat")
    second.edit("and a scarf")
    return session


def of(sheet: Picture) -> Image.Image:
    assert sheet.mime_type == "image/png"
    return sheet.image


def test_a_sheet_is_a_picture_of_all_pictures(bear: Session) -> None:
    """Without steps all that have a picture are on it, in rows of four, over their captions; it is a PNG that says what it is."""
    sheet = bear.sheet()
    assert isinstance(sheet, Picture)
    assert sheet.size[0] == 4 * (CELL + GAP) + GAP
    assert b"promptkit contact sheet" in sheet.data[:4096]
    assert Picture.open(sheet.data) == sheet
    bear.generate("a fifth")
    assert bear.sheet().size[1] > 2 * CELL


@pytest.mark.parametrize(("how", "wide"), [({"columns": 2}, 2), ({"rows": 1}, 4), ({"rows": 2}, 2), ({"columns": 9}, 4), ({"rows": 9}, 1)])
def test_columns_and_rows_are_numbers(bear: Session, how: dict[str, int], wide: int) -> None:
    """So many columns, or rows; never more columns than pictures."""
    assert bear.sheet(**how).size[0] == wide * (CELL + GAP) + GAP


def test_steps_are_named_as_everywhere(bear: Session) -> None:
    """A list of steps, numbers, tags and ids, what `trail` and `children` return, or one step alone."""
    bear.tag("the client's", bear[3])
    assert bear.sheet([1, "the client's", bear[2].id[:10], bear[4]]) == bear.sheet(bear[n] for n in (1, 3, 2, 4))
    assert bear.sheet(bear.trail(4)) == bear.sheet([1, 3, 4])
    assert bear.sheet(2).size[0] == CELL + 2 * GAP
    with pytest.raises(LineageError):
        bear.sheet([9])


def test_a_trail_has_arrows(bear: Session) -> None:
    """What continues the step before it has an arrow from there; siblings have none."""
    trail = [step.record for step in bear.trail(4)]
    assert [cell.continues for cell in cells_of(trail)] == [False, True, True]
    assert not any(cell.continues for cell in cells_of([step.record for step in bear.children(1)]))
    between = (GAP + CELL, GAP, 2 * GAP + CELL - 1, GAP + CELL)
    assert len(of(bear.sheet(bear.trail(4))).crop(between).getcolors()) > len(of(bear.sheet([2, 3])).crop(between).getcolors())


def test_captions_are_a_template_by_its_inputs(bear: Session) -> None:
    """A template's step is called by its name and inputs, others by their prompts; tags stand behind."""
    bear.tag("best", bear[1])
    cells = cells_of([step.record for step in bear], {bear[1].id: ["best"]})
    assert [cell.caption for cell in cells][:2] == ["1 sticker: a bear [best]", "2 make it night"]


def test_captions_say_what_readers_make_of_a_step(bear: Session) -> None:
    """A mark stands behind the caption, and behind a number in a grid, too."""
    bear[2].mark("keep", stars=4, by="client")
    records, marks = [bear[2].record], Lineage(bear.folder).marks()
    assert cells_of(records, {}, marks)[0].caption.startswith("2 make it night · keep, 4 stars")
    assert cells_of(records, {}, marks, brief=True)[0].caption.startswith("2 · keep, 4 stars")


def test_a_grid_has_a_place_for_each_pair_of_values() -> None:
    """Two inputs, or whatever varied, are the axes; a pair that nobody asked for is an empty place."""
    session = Session("./bear", endpoint="offline")
    for subject, palette in (("a fox", "blue"), ("a fox", "neon"), ("an owl", "neon")):
        session.generate(templates.sticker(subject=subject, palette=palette))
    session.generate("something else")
    records = [step.record for step in session][:3]
    values = [("a fox", "blue"), ("a fox", "neon"), ("an owl", "neon")]
    cells = cells_of(records, brief=True)
    layout = in_grid([(cell, *pair) for cell, pair in zip(cells, values, strict=True)], "subject", "palette")
    assert layout.row_labels == ("a fox", "an owl")
    assert layout.across.labels == ("blue", "neon")
    assert [[cell and cell.caption for cell in row] for row in layout.rows] == [["1", "2"], [None, "3"]]
    both = session.sheet(rows="subject", columns="palette")
    assert both.size[0] == 2 * (CELL + GAP) + GAP + 140 + GAP
    assert session.sheet(columns="subject").size[0] == 2 * (CELL + GAP) + GAP


def test_several_at_one_place_stand_side_by_side() -> None:
    """Two takes of one pair make its column twice as wide, with one label above both."""
    cells = cells_of(tuple(step.record for step in Session("./bear", endpoint="offline").vary("a bear", n=3, root=True)))
    layout = in_grid([(cells[0], "a", "x"), (cells[1], "a", "x"), (cells[2], "a", "y")], "rows", "columns")
    assert layout.spans == [2, 1]
    assert len(layout.rows[0]) == 3


def test_variants_of_two_things_are_a_grid() -> None:
    """What `vary` returns for two lists shows itself as the grid that it is."""
    session = Session("./bear", endpoint="offline")
    with warnings.catch_warnings(action="ignore"):
        each = {"kind": ["small", "large"], "colour": ["red", "blue", "green"]}
        several = session.vary("a {kind} bear in {colour}", each=each, root=True)
    assert session.sheet(several) == session.sheet(several, rows="kind", columns="colour")
    assert session.sheet(several) != session.sheet(list(several))


def test_a_failed_step_is_a_frame_where_it_is_named(service: Loopback) -> None:
    """Failed steps are left out unless they are named; then their frame has their outcome."""
    service.say(picture_reply(png(size=(300, 200))), text_reply("no"))
    session = Session("./bear", endpoint=service.url, recover=0)
    session.generate("a bear")
    with pytest.raises(NoPicture):
        session.edit("what now?")
    assert session.sheet().size[0] == CELL + 2 * GAP
    assert session.sheet([1, 2]).size[0] == 2 * CELL + 3 * GAP
    assert [cell.frame for cell in cells_of([session[1].record, session[2].record])] == ["", "text"]
    with pytest.raises(LineageError, match=r"None of these steps has a picture .*: 2 \(text\)"):
        session.sheet([2])


def test_a_white_picture_has_an_edge() -> None:
    """A line around each picture tells where it ends; what is transparent is white."""
    session = Session("./bear", endpoint="offline")
    session.add(png((255, 255, 255), (300, 300)))
    image = of(session.sheet())
    assert image.getpixel((GAP - 1, 100)) != (255, 255, 255)
    assert image.getpixel((GAP + 5, 100)) == (255, 255, 255)


def test_a_picture_that_cannot_be_read_is_a_frame(bear: Session) -> None:
    """One damaged picture does not take the sheet from the others."""
    bear[2].files[0].write_bytes(b"damaged")
    assert Session("./bear").sheet().size[0] == 4 * (CELL + GAP) + GAP


def test_a_session_without_pictures_is_a_sentence() -> None:
    """Nothing is drawn of nothing: an error that says what to do, in Python and in the shell, and no file."""
    with pytest.raises(LineageError, match="There is no picture"):
        Session("./bear").sheet()
    _, said = run("sheet", "-s", "./bear", "-o", "s.png", code=1)
    assert len(said.splitlines()) == 1
    assert not Path("s.png").exists()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"columns": 0}, "number from 1 on"),
        ({"rows": 2.5}, "number from 1 on"),
        ({"columns": 1, "rows": 2}, "too few"),
        ({"columns": "subjekt"}, "did you mean 'subject'"),
    ],
)
def test_what_is_no_number_and_no_name_is_refused(bear: Session, how: dict[str, object], said: str) -> None:
    """A number below 1, too few places, or a name that no step has is an error that names what goes."""
    with pytest.raises(SettingsError, match=said):
        bear.sheet(**how)


def test_a_sheet_tells_how_far_it_is() -> None:
    """A session's listener hears of each picture that is done."""
    told: list[str] = []
    session = Session("./bear", endpoint="offline", on_progress=told.append)
    session.generate("a bear")
    session.generate("a fox")
    told.clear()
    session.sheet()
    assert [line.partition(": ")[2] for line in told] == ["1 of 2 done, drawing the sheet", "2 of 2 done"]


def test_many_pictures_are_smaller() -> None:
    """A sheet of very many pictures keeps below a size that Pillow opens: its pictures become smaller."""
    session = Session("./bear", endpoint="offline")
    (cell,) = cells_of([session.add(png()).record])

    sheet = drawn(in_rows([cell._replace(picture=None, frame="", caption="")] * 1500), Lettering(14))
    assert sheet.width * sheet.height < 75_000_000


# In the shell


def test_the_command_writes_a_sheet(bear: Session) -> None:
    """`sheet` prints the path: sheet.png in the session's folder, or what -o names, of the type that its suffix says."""
    out, _ = run("sheet", "-s", "./bear")
    assert Path(out.strip()) == Path("bear/sheet.png").absolute() or Path(out.strip()).samefile("bear/sheet.png")
    assert Path("bear/sheet.png").read_bytes() == bear.sheet().data
    assert run("verify", "-s", "./bear")[1].strip() == "all files are as they were recorded"
    run("sheet", "-s", "./bear")
    for name, kind in (("a.jpg", "JPEG"), ("b.webp", "WEBP"), ("c", "PNG")):
        out, _ = run("sheet", "2-4", "-s", "./bear", "-o", name)
        with Image.open(out.strip()) as image:
            assert image.format == kind


def test_the_command_knows_trails_siblings_and_grids(bear: Session) -> None:
    """--trail is the path to a step, by default the head; --siblings it and those beside it; --rows and --columns as in Python."""

    def sheet(*words: str) -> bytes:
        run("sheet", *words, "-s", "./bear", "-o", "a.png", "--overwrite")
        return Path("a.png").read_bytes()

    assert run_bytes("sheet", "-s", "./bear", "-o", "-")[0] == bear.sheet().data
    assert sheet("4", "--trail") == sheet("--trail") == bear.sheet(bear.trail(4)).data
    assert sheet("3", "--siblings") == bear.sheet([2, 3]).data
    assert sheet("1", "--siblings") == bear.sheet([1]).data
    assert sheet("--columns", "2") == bear.sheet(columns=2).data
    assert sheet("--columns", "subject") == bear.sheet(columns="subject").data
    assert sheet("2,4", "1") == bear.sheet([2, 4, 1]).data


def test_the_command_replaces_only_its_own(bear: Session) -> None:
    """A file that is no sheet stays, unless --overwrite says otherwise; an older sheet is replaced."""
    mine = Path("mine.png")
    mine.write_bytes(png())
    _, said = run("sheet", "-s", "./bear", "-o", mine, code=1)
    assert "--overwrite" in said
    assert mine.read_bytes() == png()
    run("sheet", "-s", "./bear", "-o", mine, "--overwrite")
    run("sheet", "2", "-s", "./bear", "-o", mine)
    assert Image.open(io.BytesIO(mine.read_bytes())).width == CELL + 2 * GAP


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--trail", "--siblings"), 2, "exclude each other"),
        (("-o", "x.nothing"), 1, "x.nothing"),
        (("--columns", "nobody"), 1, "--columns"),
        (("--rows", "0"), 1, "--rows"),
        (("9",), 1, "9"),
    ],
)
def test_a_wrong_sheet_is_one_line(bear: Session, words: tuple[str, ...], code: int, said: str) -> None:
    """What does not go is one line in the shell's words, and no file is left."""
    _, error = run("sheet", *words, "-s", "./bear", code=code)
    assert said in error
    assert len(error.splitlines()) == 1
    assert not Path("bear/sheet.png").exists()


def test_a_page_named_as_a_picture_is_a_sheet(bear: Session) -> None:
    """`page -o sheet.png` draws the same sheet; of a session without pictures it is the same sentence, and no file."""
    run("page", "-s", "./bear", "-o", "sheet.png")
    with Image.open("sheet.png") as image:
        assert image.size == bear.sheet().size
    bear.forget(*bear.steps)
    _, said = run("page", "-s", "./bear", "-o", "none.png", code=1)
    assert "None of these steps has a picture" in said
    assert not Path("none.png").exists()
