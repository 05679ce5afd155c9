"""Pictures that bring their lineage along: one field in a PNG, and nothing else changed."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from kit.loopback import Loopback, picture_reply, png
from kit.steps import made, snapshot
from PIL import Image

from promptkit import LineageError, Picture, PictureError, PromptkitWarning, Session, templates
from promptkit.archive.png_embed import LARGEST, has_embedded, lineage_of, read_embedded, with_embedded, without_embedded
from promptkit.images.formats import has_credentials
from promptkit.lineage.tree import Lineage
from promptkit.session.step import Step


@pytest.fixture
def bear() -> Session:
    """A trail of three steps with a branch, a reference and a template."""
    session = Session("./bear", endpoint="offline")
    panda = session.generate(templates.sticker(subject="happy red panda"))
    lamp = session.generate("a lamp")
    panda.edit("Make it day")
    panda.edit("Make it night, “gute Nacht”", references=[lamp])
    return session


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "blue").save(buffer, "JPEG")
    return buffer.getvalue()


def field(text: bytes, *, packed: bool = True, cut: int = 0) -> bytes:
    """A PNG with that text as a stranger could put it in."""
    body = b"promptkit\0" + (b"\1\0\0\0" + zlib.compress(text)[: -cut or None] if packed else b"\0\0\0\0" + text)
    chunk = struct.pack(">I", len(body)) + b"iTXt" + body + struct.pack(">I", zlib.crc32(b"iTXt" + body))
    return png()[:33] + chunk + png()[33:]


def claim(step: Step, /, **changes: Any) -> bytes:
    return field(json.dumps({**lineage_of(step.record), **changes}).encode())


def test_a_saved_picture_knows_how_it_came_to_be(bear: Session) -> None:
    """The records of all that a step came from are in the file as they are on disk, with the template's sources, and check themselves."""
    before = snapshot(bear.folder)
    path = bear.head.save("night", embed=True)
    assert path == Path("night.png")
    found = read_embedded(path)
    assert found
    assert [r.number for r in found.records] == [1, 2, 4]
    assert [r.id for r in found.records] == [bear[n].id for n in (1, 2, 4)]
    assert found.record.fields == bear.head.record.fields
    assert found.templates == {bear[1].prompt.digest: dict(bear[1].prompt.files)}
    assert (found.omitted, found.original) == (0, True)
    assert snapshot(bear.folder) == before
    assert bear.verify() == []


def test_it_is_one_standard_field_and_the_rest_stays(bear: Session) -> None:
    """Other programs find the text in a field named promptkit; without it the bytes are the service's own; their pixels are the same."""
    path = bear.head.save("x.png", embed=True)
    with Image.open(path) as image:
        image.load()
        assert json.loads(image.text["promptkit"])["step"] == bear.head.id  # type: ignore[attr-defined]
        assert image.tobytes() == bear.head.picture.image.tobytes()
    assert without_embedded(path.read_bytes()) == bear.head.picture.data
    assert Picture.open(path).size == bear.head.picture.size
    bear.head.save(path, embed=True)
    assert path.read_bytes().count(b"promptkit\0") == 1


@given(st.text(), st.text(st.characters(codec="utf-8"), max_size=50), st.binary(max_size=20))
def test_the_field_replaces_the_earlier_one_only(first: str, second: str, trailing: bytes) -> None:
    """Whatever the text, and whatever follows the picture's end: the second takes the first one's place, and nothing else changes."""
    assume(not has_credentials(png() + trailing))  # test_credentials has those
    once = with_embedded(png() + trailing, first)
    twice = with_embedded(once, second.encode())
    assert without_embedded(once) == without_embedded(twice) == png() + trailing
    assert (has_embedded(twice), has_embedded(without_embedded(twice))) == (True, False)
    assert twice == with_embedded(png() + trailing, second)
    with Image.open(io.BytesIO(twice)) as image:
        image.load()
        assert image.text["promptkit"] == second  # type: ignore[attr-defined]


def test_only_a_png_can_hold_it(service: Loopback) -> None:
    """Another type is converted, and said so, where the file is to be a .png, and refused for every other suffix."""
    service.always = picture_reply(jpeg())
    session = Session("./a", endpoint=service.url)
    step = session.generate("a bear")
    with pytest.raises(PictureError, match=r"save it as x\.png"):
        step.save("x.jpg", embed=True)
    with pytest.raises(PictureError, match="this is image/jpeg"):
        with_embedded(step.picture, "a text")
    assert list(Path.cwd().glob("x.*")) == []
    with pytest.warns(PromptkitWarning, match="conversion of image/jpeg"):
        path = step.save("x.png", embed=True)
    found = read_embedded(path.read_bytes())
    assert found
    assert (found.record.id, found.original) == (step.id, False)
    assert Picture.open(path).mime_type == "image/png"


def test_the_sessions_own_files_stay(bear: Session) -> None:
    """A copy is never written into the session's folder, and a failed step has no picture to save."""
    before = snapshot(bear.folder)
    for path in (bear.head.files[0], bear.folder / "sources/x.png", bear.folder / "../bear/x"):
        with pytest.raises(PictureError, match="the session's own folder"):
            bear.head.save(path, embed=True)
    for path in ("a\0b", "~nobody-here/x.png", ".", Path("bear/head/x/y.png").absolute()):
        with pytest.raises(PictureError):
            bear.head.save(path, embed=True)
    assert snapshot(bear.folder) == before


@pytest.mark.slow
def test_a_long_trail_keeps_its_end(tmp_path: Path) -> None:
    """What is embedded is bounded, so that Pillow can open the file: the steps farthest back are left out, counted, and said so."""
    lineage, parent = Lineage(tmp_path / "long"), None
    for i in range(300):
        parent = made(lineage, parents=[parent.id] if parent else [], prompt={"text": f"{i} " + "long words " * 400})
    assert parent
    step = Session(lineage.folder)[300]
    with pytest.warns(PromptkitWarning, match="did not fit"):
        path = step.save("x.png", embed=True)
    found = read_embedded(path)
    assert found
    assert found.omitted == 300 - len(found.records)
    assert 100 < len(found.records) < 300
    assert [r.number for r in found.records] == list(range(found.omitted + 1, 301))
    Image.open(path).load()
    huge = made(lineage, prompt={"text": "x" * LARGEST})
    with pytest.raises(LineageError, match="more than the 1,000,000 bytes"):
        Session(lineage.folder)[huge.number].save("y.png", embed=True)
    with pytest.raises(PictureError, match="1,000,000 bytes"):
        with_embedded(png(), "x" * (LARGEST + 1))
    assert not Path("y.png").exists()


def test_damage_in_the_session_is_not_embedded(bear: Session) -> None:
    """A missing ancestor is passed over, a damaged template left out; a damaged picture is an error, and no file is made."""
    next(bear.folder.glob("templates/*")).write_text("{}")
    bear[2].record.path.unlink()
    found = read_embedded(Session("./bear").head.save("x.png", embed=True))
    assert found
    assert ([r.number for r in found.records], found.templates) == ([1, 4], {})
    bear.head.files[0].write_bytes(png())
    with pytest.raises(LineageError, match="not the one that was recorded"):
        Session("./bear").head.save("y.png", embed=True)
    assert not Path("y.png").exists()


# From strangers


def test_a_picture_without_a_lineage_has_none(bear: Session) -> None:
    """Any other file brings None: another type, a PNG with other texts, no picture at all; one that is not there is an error."""
    bear.head.save("plain.png")
    Path("page.html").write_text("<html>promptkit\0</html>")
    assert [read_embedded(s) for s in ("plain.png", "page.html", jpeg(), b"")] == [None] * 4
    with pytest.raises(PictureError, match="cannot be read"):
        read_embedded("nowhere.png")
    with pytest.raises(PictureError, match="truncated"):
        read_embedded(bear.head.save("x.png", embed=True).read_bytes()[:-20])


def test_a_changed_lineage_is_refused(bear: Session) -> None:
    """Records that do not fit their ids, another picture's step, foreign templates, and anything that is no lineage, are errors."""
    step = bear.head
    records = lineage_of(step.record)["records"]
    forged = [*records[:-1], {**records[-1], "record": records[-1]["record"].replace("night", "NIGHT")}]
    renamed = [*records[:-1], {**records[-1], "file": "0009-edit-0123456789.json"}]
    changes: list[dict[str, Any]] = [{"records": r} for r in (forged, renamed, records[:1], [], "records", [1], [{}], None)]
    changes += [{"templates": t} for t in ({"ab" * 32: {"a": "b"}}, [], {"x": None}, {hashlib.sha256(b'{"a":1}').hexdigest(): {"a": 1}})]
    changes += [{"omitted": "many"}, {"layout": "one"}, {"step": None}]
    for change in changes:
        with pytest.raises(PictureError, match="damaged or was changed"):
            read_embedded(claim(step, **change))
    for text in (b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000):
        for packed in (True, False):
            with pytest.raises(PictureError, match="damaged or was changed"):
                read_embedded(field(text, packed=packed))
    assert read_embedded(claim(step))


def test_what_fits_its_id_may_be_no_record_all_the_same(bear: Session) -> None:
    """A stranger can write anything under its right hash; what is no record is named by what is wrong with it."""
    text = bear.head.record.path.read_text().replace('"attempts": [', '"attempts": 7, "others": [')
    digest = hashlib.sha256(text.encode()).hexdigest()
    entry = {"file": f"0004-edit-{digest[:10]}.json", "id": digest, "record": text}
    with pytest.raises(LineageError, match="attempts = 7"):
        read_embedded(claim(bear.head, records=[entry], step=digest))


def test_a_bomb_in_a_picture_does_not_go_off() -> None:
    """No more is unpacked than promptkit ever writes, however small the field is; half a field is damaged."""
    with pytest.raises(PictureError, match="more than 1,000,000 bytes"):
        read_embedded(field(bytes(200_000_000)))
    for cut in (4, 40):  # 4: the check sum alone
        with pytest.raises(PictureError, match="damaged"):
            read_embedded(field(json.dumps({"layout": 2, "a": list(range(99))}).encode(), cut=cut))


def test_a_newer_lineage_names_both_versions(bear: Session) -> None:
    """A lineage that a later promptkit embedded is no damage: both versions are named."""
    with pytest.raises(LineageError, match="layout 2, and this promptkit knows 1") as caught:
        read_embedded(claim(bear.head, layout=2))
    assert caught.value.newer
