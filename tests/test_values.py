"""Numbers, texts, files and arrays are taken by what they can do: numpy's and pandas's as Python's own, wherever a caller gives them."""

from __future__ import annotations

import io
import json
import tempfile
from collections import UserList, deque
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
from kit.loopback import png
from PIL import Image

from promptkit import InputError, Picture, PictureError, Session, SettingsError, StepNotFound
from promptkit.prompts.template import Template
from promptkit.values import built_in, is_url, number, texts, truth, whole_number


class Style(str, Enum):  # noqa: UP042  (what older code has)
    INK = "ink"


class Count(IntEnum):
    TWO = 2


class Odd:
    """Fails whatever it is asked."""

    def __index__(self) -> int:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError

    def __iter__(self) -> Any:
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        *((np.int64(7), 7), (np.uint8(7), 7), (np.float32(0.5), 0.5), (np.float64(0.5), 0.5), (np.array(7), 7), (Count.TWO, 2)),
        *((Decimal("1.5"), 1.5), (Fraction(1, 2), 0.5), (np.str_("ink"), "ink"), (Style.INK, "ink"), (np.bool_(True), True)),
    ],
)
def test_a_value_is_what_it_can_do(value: object, plain: object) -> None:
    """A number, text or truth of another library, or of a subclass, becomes Python's own, of exactly its type."""
    assert built_in(value) == plain
    assert type(built_in(value)) is type(plain)


def test_what_is_none_stays_none() -> None:
    """Truth is no number, NaN and infinities neither, one text is no list, and what fails when it is asked is nothing."""
    for wrong in (True, np.bool_(True), "7", 7.5, None, np.array([1, 2]), Odd(), 1j):
        assert whole_number(wrong) is None
    for wrong in (True, np.bool_(False), "7", np.nan, np.float32("inf"), Decimal("1e999"), Decimal("sNaN"), 1j, Odd()):
        assert number(wrong) is None
    for wrong in ("ink", b"ink", {"ink": 1}, {"ink"}, ["ink", 1], iter(["ink"]), np.array("ink"), np.array([1]), Odd(), None):
        assert texts(wrong) is None
    for wrong in (1, 0, "true", None, np.int64(1)):
        assert truth(wrong) is None


@pytest.mark.parametrize(
    "given", [["a", "b"], ("a", "b"), np.array(["a", "b"]), deque(["a", "b"]), UserList(["a", "b"]), [Style.INK, np.str_("b")]]
)
def test_any_sequence_of_texts_is_a_list(given: Sequence[str]) -> None:
    """A list of texts may be an array, a deque, a series; its texts become plain ones."""
    found = texts(given) or ()
    assert len(found) == 2
    assert {type(one) for one in found} == {str}


def test_addresses_are_told_from_paths() -> None:
    """A drive's letter, a colon in a name and a path are no address."""
    assert all(map(is_url, ("https://x.example/a.png", "s3://b/a.png", "file:///a.png", "data:image/png;base64,AAAA")))
    assert not any(map(is_url, ("C:/a.png", "C:\\a.png", "a:b.png", "./a.png", "https", "", "//share/a.png")))


# Where callers give them


def test_a_session_takes_numbers_and_texts_by_protocol() -> None:
    """Options, counts, limits, look-ups, labels and notes of numpy's and of enums are recorded as the same in Python's own."""
    bear = Session(
        np.str_("./bear"), endpoint="offline", recover=np.int64(1), deadline=np.float32(99), budget=Decimal("1.5"), max_requests=np.int16(9)
    )
    meta = {"score": np.float32(0.5), "sizes": np.arange(3), "path": PurePosixPath("a/b"), "n": {"deep": np.int8(1)}, "words": deque("ab")}
    fox = bear.generate(
        np.str_("a fox"), seed=np.int64(7), temperature=np.float32(0.5), aspect_ratio=np.str_("16:9"), label=Style.INK, meta=meta
    )
    assert fox.record.request.get("config") == {"aspect_ratio": "16:9", "seed": 7, "temperature": 0.5}
    assert (fox.label, fox.meta) == ("ink", {"score": 0.5, "sizes": [0, 1, 2], "path": "a/b", "n": {"deep": 1}, "words": ["a", "b"]})
    assert bear.generate("a fox", seed=7, temperature=0.5, aspect_ratio="16:9").reused
    assert len(bear.vary("a bear", n=np.int64(2), workers=np.int8(1), root=True)) == 2
    bear.tag(Style.INK, np.int64(1))
    assert bear[np.int64(1)] == bear[Style.INK] == bear["ink"] == bear.goto(np.uint8(1)) == fox
    assert bear.edit("Make it night", on=np.int64(1)).parents[0] == fox


def test_what_is_no_number_is_still_refused() -> None:
    """Truth, halves and texts are no whole numbers, wherever they come from."""
    bear = Session("./bear", endpoint="offline")
    for wrong in (np.bool_(True), np.float64(7), True, "7", np.array([1, 2])):
        with pytest.raises(SettingsError, match="seed is a whole number"):
            bear.generate("a fox", seed=wrong)
        with pytest.raises(SettingsError, match="whole numbers from 1 on"):
            bear.vary("a fox", n=wrong, root=True)  # type: ignore[arg-type]
    with pytest.raises(StepNotFound, match="names no step"):
        bear[np.array([1, 2])]
    with pytest.raises(SettingsError, match="meta holds what JSON cannot: a set; use texts, numbers, lists and mappings"):
        bear.generate("a fox", meta={"tags": {"a"}})


def test_a_template_takes_values_by_protocol() -> None:
    """Inputs are recorded as JSON brings them back, whatever library they come from."""
    fields = "n: {type: integer}\n  x: {type: number}\n  on: {type: boolean}\n  words: {type: list}\n  style: {choices: [ink, oil]}"
    body = "{{ n }} {{ x }} {{ on }} {{ words | join(', ') }} {{ style }}"
    template = Template.of_files("t", {"t.j2": f"---\ndescription: t\ninputs:\n  {fields}\n---\n{body}"}, base="t.j2")
    prompt = template(n=np.int64(3), x=Decimal("0.5"), on=np.bool_(True), words=np.array(["a", "b"]), style=Style.INK)
    same = template(n=3, x=0.5, on=True, words=["a", "b"], style="ink")
    assert prompt == same
    assert json.dumps(dict(prompt.inputs)) == json.dumps(dict(same.inputs))
    with pytest.raises(InputError, match="expected a list of texts"):
        template(n=1, x=1, on=True, words=np.array([1, 2]), style="ink")


# Pictures


RED = png((255, 0, 0))


def test_a_picture_opens_from_files_and_arrays(tmp_path: Path) -> None:
    """An open file, a file in memory, a temporary file and an array are pictures, on their own and as what goes along."""
    path = tmp_path / "red.png"
    path.write_bytes(RED)
    with path.open("rb") as file, tempfile.SpooledTemporaryFile() as spooled:
        spooled.write(RED)
        spooled.seek(0)
        assert [Picture.open(one).data for one in (file, io.BytesIO(RED), spooled, np.str_(path))] == [RED] * 4
    pixels = np.zeros((4, 6, 3), "uint8")
    for array, size in (
        (pixels, (6, 4)),
        (pixels[:, :, 0], (6, 4)),
        (pixels[:, :, :1], (6, 4)),
        (pixels[:, :, 0] > 1, (6, 4)),
        (pixels[::2], (6, 2)),
    ):
        assert Picture.open(array).size == size
    bear = Session("./bear", endpoint="offline")
    fox = bear.generate("a fox", references=[io.BytesIO(RED), pixels])
    assert [p.size for p in fox.sources] == [Picture.open(RED).size, (6, 4)]
    assert len(bear.generate("a bear", references=pixels).sources) == 1
    assert len(bear.generate("a hare", references=np.stack([pixels, pixels + 9])).sources) == 2
    assert bear.edit("Make it night", on=io.BytesIO(RED)).sources[0].data == RED
    assert bear.add(pixels) == bear.add(Image.fromarray(pixels))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.zeros((4, 6, 3)), "array of float64 and the shape (4, 6, 3) is no picture; expected whole numbers from 0 to 255"),
        (np.zeros((3, 4, 6), "uint8"), "the shape (3, 4, 6) is no picture"),
        (np.zeros((0, 6), "uint8"), "the shape (0, 6) is no picture"),
        (io.StringIO("text"), 'open it for bytes: open(path, "rb")'),
        (io.BytesIO(), "at its end; go to its beginning with seek(0)"),
        ("https://x.example/fox.png", "The address https://x.example/fox.png is not fetched: get the picture"),
        ("data:image/png;base64,AAAA", "The data: address is not fetched"),
        (object(), "give a path, bytes, an open file, a PIL image, an array or a Picture"),
    ],
)
def test_what_is_no_picture_is_told_with_what_to_give(given: Any, said: str) -> None:
    """Each has a sentence that says what was expected, from Picture.open and as what goes along."""
    with pytest.raises(PictureError) as caught:
        Picture.open(given)
    assert said in str(caught.value)
    with pytest.raises(PictureError) as caught:
        Session("./bear", endpoint="offline").generate("a fox", references=[given])
    assert said in str(caught.value)


def test_a_picture_is_saved_under_a_path() -> None:
    """An open file is told what to write instead."""
    with pytest.raises(
        PictureError, match=r"saved under a path, and a BytesIO is none; picture.data are the bytes that file.write\(…\) takes"
    ):
        Picture.open(RED).save(io.BytesIO())  # type: ignore[arg-type]
