"""Content credentials (C2PA): what promptkit writes keeps them valid or leaves them out, judged by another party's reader."""

from __future__ import annotations

import base64
import io
import re
import warnings
import zipfile
from pathlib import Path

import pytest
from kit.credentials import needs_c2pa, signed, state
from kit.loopback import Loopback, picture_reply, png
from kit.pictures import file_of
from kit.shell import run
from PIL import Image

from promptkit import Picture, PictureError, PromptkitWarning, Session, Step
from promptkit.archive.png_embed import read_embedded, with_embedded
from promptkit.images.formats import has_credentials

pytestmark = needs_c2pa

FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif", "TIFF": "image/tiff", "AVIF": "image/avif"}


def answered(service: Loopback, data: bytes) -> Step:
    service.always = picture_reply(data)
    return Session("./bear", endpoint=service.url).generate("a bear")


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("kind", FORMATS)
def test_credentials_are_found_in_each_format(kind: str, elsewhere: bool) -> None:
    """A signed picture of any format has credentials, inside or named; the same picture without a signature has none."""
    plain = file_of(kind, size=(64, 48))
    assert not has_credentials(plain)
    assert has_credentials(signed(plain, FORMATS[kind], elsewhere=elsewhere))


def test_embedding_refuses_a_picture_with_credentials(service: Loopback) -> None:
    """A lineage inside would make them false: no file is made, and the sentence names the ways out."""
    step = answered(service, signed(png(size=(64, 48)), "image/png"))
    with pytest.raises(PictureError, match=r"content credentials.*export.*drop_credentials=True"):
        step.save("x.png", embed=True)
    with pytest.raises(PictureError, match="content credentials"):
        with_embedded(step.picture, "a text")
    assert not Path("x.png").exists()


@pytest.mark.parametrize("elsewhere", [False, True])
def test_they_are_dropped_where_asked_to(service: Loopback, elsewhere: bool) -> None:
    """A copy with its lineage inside then has no credentials, inside or named, which is said; its pixels are the same."""
    step = answered(service, signed(png(size=(64, 48)), "image/png", elsewhere=elsewhere))
    with pytest.warns(PromptkitWarning, match="lost its content credentials"):
        path = step.save("x.png", embed=True, drop_credentials=True)
    data = path.read_bytes()
    assert (state(data, "image/png"), has_credentials(data)) == (None, False)
    assert Picture.open(path).image.tobytes() == step.picture.image.tobytes()
    assert (found := read_embedded(path))
    assert found.record.id == step.id


def test_dropping_goes_with_embedding(service: Loopback) -> None:
    """Asked to drop credentials of a copy that is the exact bytes, save says what it goes with, and writes nothing."""
    step = answered(service, signed(png(size=(64, 48)), "image/png"))
    with pytest.raises(PictureError, match="embed=True"):
        step.save("x.png", drop_credentials=True)
    assert not Path("x.png").exists()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_exact_bytes_stay_valid(kind: str, service: Loopback) -> None:
    """What was recorded, saved and exported, stripped or not, is the signed file, and reads as valid."""
    data = signed(file_of(kind, size=(64, 48)), FORMATS[kind])
    step = answered(service, data)
    Session("./bear").export("whole.zip")
    Session("./bear").export("bare.zip", strip=True)
    exported = [z.read(n) for f in ("whole.zip", "bare.zip") for z in [zipfile.ZipFile(f)] for n in z.namelist() if not n.endswith("json")]
    assert [e for e in exported if has_credentials(e)] == [data, data]
    assert step.save("x").read_bytes() == step.files[0].read_bytes() == data
    assert state(data, FORMATS[kind]) == "Valid"


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_converted_copy_loses_them_and_says_so(kind: str, elsewhere: bool, service: Loopback) -> None:
    """A copy of another type holds none, inside or named, and one warning tells; also the PNG that a lineage is put into."""
    step = answered(service, signed(file_of(kind, size=(64, 48)), FORMATS[kind], elsewhere=elsewhere))
    for suffix, other in ((".png", "image/png"), (".jpg", "image/jpeg"), (".webp", "image/webp"), (".tif", "image/tiff")):
        if other != FORMATS[kind]:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                data = step.save(f"x{suffix}").read_bytes()
            assert ["without its content credentials" in str(w.message) for w in said] == [True]
            assert not has_credentials(data)
    if kind != "PNG":
        with pytest.warns(PromptkitWarning, match="without its content credentials, for only a PNG"):
            assert not has_credentials(step.save("y.png", embed=True).read_bytes())


def test_a_lineage_inside_a_signed_picture_is_stripped_with_its_signature() -> None:
    """A signature over our own field is false without it, so a stripped export leaves out both; unstripped, the file stays valid."""
    before = Session("./before", endpoint="offline")
    before.generate("a secret lamp")
    data = signed(before.head.save("x.png", embed=True).read_bytes(), "image/png")  # type: ignore[union-attr]
    session = Session("./bear")
    session.add(data)
    session.export("bare.zip", strip=True)
    with zipfile.ZipFile("bare.zip") as archive:
        picture = next(archive.read(n) for n in archive.namelist() if n.endswith(".png"))
    assert (state(data, "image/png"), state(picture, "image/png")) == ("Valid", None)
    assert b"promptkit\0" not in picture
    Image.open(io.BytesIO(picture)).load()


def test_explain_names_them(service: Loopback) -> None:
    """Explaining a step says that its picture carries credentials, and that nobody checked them; of another it says nothing."""
    answered(service, signed(png(size=(64, 48)), "image/png"))
    session = Session("./bear", endpoint=service.url)
    assert "carries content credentials, not checked" in session.explain().text()
    service.always = picture_reply(png())
    plain = session.generate("a lamp")
    assert "credentials" not in session.explain(plain).text()


def test_the_shell_shows_them_and_drops_them_where_asked_to(service: Loopback) -> None:
    """`show` says what explain says; `save --embed` refuses with the option's name, and makes the copy with --drop-credentials."""
    step = answered(service, data := signed(png(size=(64, 48)), "image/png"))
    assert "carries content credentials, not checked" in run("show", "-s", "./bear", "1")[0]
    _, said = run("save", "1", "-s", "./bear", "-o", "x.png", "--embed", code=1)
    assert "--drop-credentials" in said
    assert not Path("x.png").exists()
    out, said = run("save", "1", "-s", "./bear", "-o", "x.png", "--embed", "--drop-credentials")
    assert "lost its content credentials" in said
    assert not has_credentials(Path(out.strip()).read_bytes())
    assert "put inside: --embed" in run("save", "1", "-s", "./bear", "-o", "y.png", "--drop-credentials", code=1)[1]
    assert run("save", "1", "-s", "./bear", "-o", "z.png")[0].strip() == "z.png"
    assert Path("z.png").read_bytes() == step.files[0].read_bytes() == data


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_page_leaves_the_bytes_as_they_are(kind: str, service: Loopback) -> None:
    """A page links the signed file, which stays valid; the small pictures in it carry no credentials, and it says none are valid."""
    step = answered(service, data := signed(file_of(kind, size=(64, 48)), FORMATS[kind]))
    path = Path(run("page", "-s", "./bear")[0].strip())
    text = path.read_text(encoding="utf-8")
    shown = [base64.b64decode(found) for found in re.findall(r"data:image/[\w+.-]+;base64,([A-Za-z0-9+/=]+)", text)]
    assert shown
    assert not [one for one in shown if has_credentials(one)]
    assert step.files[0].name in text
    assert step.files[0].read_bytes() == data
    assert state(step.files[0].read_bytes(), FORMATS[kind]) == "Valid"
    assert not re.search(r"credentials|verified|authentic", text, re.IGNORECASE)
    assert Session("./bear").verify() == []
