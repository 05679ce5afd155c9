"""The page as a file: where it is written, which steps it has, and how large its pictures are."""

from __future__ import annotations

import base64
import json
import re
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote

import pytest
from kit.loopback import Loopback, picture_reply, png
from kit.pictures import scene
from kit.views import Page
from PIL import Image

from promptkit import LineageError, PromptkitWarning, Session, SettingsError, StepNotFound
from promptkit.views.page_pictures import PagePictures

pytestmark = pytest.mark.filterwarnings("ignore:step")


def encoded(image: Image.Image, kind: str) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def bear_of(service: Loopback, *data: bytes) -> Session:
    bear = Session("./bear", endpoint=service.url)
    for each in data:
        bear.add(each)
    return bear


def pictures_in(path: Path) -> list[bytes]:
    sources = Page(path.read_text(encoding="utf-8")).loaded
    return [base64.b64decode(source.partition(",")[2]) for source in sources]


def places(path: Path) -> list[str]:
    return re.findall(r'<article id="([^"]+)"', path.read_text(encoding="utf-8"))


def test_the_page_is_written_into_the_sessions_folder_and_again(service: Loopback) -> None:
    """Without a path it is page.html there; the next one takes its place; its path is returned."""
    bear = bear_of(service, png("red"))
    assert bear.page() == bear.folder / "page.html"
    bear.add(png("blue"))
    assert places(bear.page()) == ["step-1", "step-2"]


def test_a_file_of_another_maker_is_not_replaced(service: Loopback) -> None:
    """A page takes the place of a page; any other file only with `overwrite`; a folder and another suffix are refused by name."""
    bear = bear_of(service, png())
    assert bear.page("here/bear") == Path("here/bear.html")
    assert bear.page("here/bear.html") == Path("here/bear.html")
    Path("mine.html").write_text("mine")
    with pytest.raises(SettingsError, match=r"mine.html is there already, and promptkit did not write it.*overwrite=True"):
        bear.page("mine.html")
    assert Path("mine.html").read_text() == "mine"
    bear.page("mine.html", overwrite=True)
    with pytest.raises(SettingsError, match=r"here is a folder; name a file in it, such as here.page\.html"):
        bear.page("here")
    with pytest.raises(SettingsError, match=r"bear\.txt would be taken for something else than a page; give a name that ends in \.html"):
        bear.page("bear.txt")


def test_the_links_lead_to_the_files_from_where_the_page_lies(service: Loopback) -> None:
    """A page inside the session's folder, beside it, or elsewhere links the pictures' own files."""
    bear = bear_of(service, png())
    for path in (bear.page(), bear.page("bear.html"), bear.page("far/away/ü #.html")):
        link = next(link for link in Page(path.read_text(encoding="utf-8")).links if not link.startswith("#"))
        assert (path.parent / unquote(link)).read_bytes() == png()


@pytest.mark.parametrize("steps", [2, "for the client", "step", "id", [2], {2: "x"}])
def test_steps_are_named_as_everywhere(service: Loopback, steps: object) -> None:
    """A number, a tag, a Step, the beginning of an id, or several of them."""
    bear = bear_of(service, png("red"), png("blue"))
    bear.tag("for the client", 2)
    assert places(bear.page(steps={"step": bear[2], "id": bear[2].id[:8]}.get(str(steps), steps))) == ["step-2"]


def test_several_steps_stand_in_the_order_of_their_numbers(service: Loopback) -> None:
    """Named twice or backwards, each is there once; one that is not there is an error."""
    bear = bear_of(service, png("red"), png("blue"), png("lime"))
    assert places(bear.page(steps=[3, bear.steps[:1], 3])) == ["step-1", "step-3"]
    with pytest.raises(StepNotFound):
        bear.page(steps=[1, 7])


def test_a_session_without_steps_says_so() -> None:
    """There is nothing to write, and no file is made."""
    with pytest.raises(LineageError, match="There is nothing to show yet: make a picture with generate"):
        Session("./new", endpoint="offline").page()
    assert not Path("new").exists()


def test_unknown_words_are_named(service: Loopback) -> None:
    """A size of pictures or a keyword that there is not gets the nearest one; a language without words is English, with a sentence."""
    bear = bear_of(service, png())
    with pytest.raises(SettingsError, match=r"embed='original' is no size of pictures \(did you mean 'originals'\?\)"):
        bear.page(embed="original")
    with pytest.raises(SettingsError, match=r"There is no keyword 'titel' \(did you mean 'title'\?\)"):
        bear.page(titel="x")
    with pytest.raises(SettingsError, match="lang=7 is no language"):
        bear.page(lang=7)  # type: ignore[arg-type]
    with pytest.warns(PromptkitWarning, match="no words of its own in 'fr', so they are English; there are en, de, es-MX, zh-CN, ja, hi"):
        assert '<html lang="en">' in bear.page(lang="fr").read_text(encoding="utf-8")


def test_the_language_is_that_of_the_settings(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call's, else the user's own; a settings' language without words is English without a sentence, since nobody asked for it here."""
    bear = bear_of(service, png())
    for asked, own, found in (("ja", "hi", "ja"), (None, "hi", "hi"), (None, "fr", "en"), ("es-ES", "hi", "es-MX")):
        monkeypatch.setenv("PROMPTKIT_LANG", own)
        assert f'<html lang="{found}">' in bear.page(lang=asked).read_text(encoding="utf-8")


def test_originals_are_the_files_bytes(service: Loopback) -> None:
    """With `originals` the very bytes are inside, and a small picture for the tree; what browsers do not show is converted."""
    bear = bear_of(service, png(size=(300, 200)), encoded(scene((64, 64)), "TIFF"))
    page = bear.page(embed="originals")
    first, second = pictures_in(page)
    assert first == png(size=(300, 200))
    assert second[8:12] == b"WEBP"
    data = json.loads(page.read_text(encoding="utf-8").partition('id="data">')[2].partition("</script>")[0])
    assert all(step["small"].startswith("data:image/webp") for step in data["steps"])


def test_a_screens_picture_is_no_larger_than_a_screen(service: Loopback) -> None:
    """With `screen` a large picture has 1,600 pixels; a file that is small enough is inside as it is, where that takes fewer bytes."""
    striped = encoded(Image.new("1", (700, 700)), "PNG")
    bear = bear_of(service, encoded(Image.new("RGB", (2400, 1200), "red"), "PNG"), striped)
    large, small = pictures_in(bear.page(embed="screen"))
    assert Image.open(BytesIO(large)).size == (1600, 800)
    assert small == striped


def test_thumbnails_share_the_bytes_of_the_page(service: Loopback) -> None:
    """Few pictures are large; of a thousand each has 7.5 kilobytes at most, however much there is to see in it, and what went along 1.5."""
    noise = Image.effect_noise((1024, 1024), 90).convert("RGB")
    picture = bear_of(service, encoded(noise, "PNG"))[1].picture
    few, many = (base64.b64decode(PagePictures(count).shown(picture).source.partition(",")[2]) for count in (1, 1000))
    assert len(many) <= 7500 < len(few) <= 96_000
    few, many = (base64.b64decode(PagePictures(1, along=count).along(picture).partition(",")[2]) for count in (1, 1000))
    assert len(many) <= 1500 < len(few) <= 6000


def test_a_forgotten_picture_is_on_no_page(service: Loopback) -> None:
    """However large pictures go in, an empty frame stands in the place of one that was forgotten."""
    service.always = picture_reply(png(size=(300, 200)))
    bear = Session("./bear", endpoint=service.url)
    bear.generate("a bear").edit("a hat", references=[png("lime")])
    bear.page()
    bear.forget(1, 2)
    for embed in ("thumbnails", "screen", "originals"):
        page = bear.page(embed=embed)
        assert pictures_in(page) == []
        assert page.read_text(encoding="utf-8").count('aria-label="forgotten"') == 2


def test_a_listener_hears_how_far_it_is(service: Loopback) -> None:
    """Making many thumbnails says so, line by line, to who listens."""
    said: list[str] = []
    bear = Session("./bear", endpoint=service.url, on_progress=said.append)
    for color in ("red", "blue", "lime"):
        bear.add(png(color))
    bear.page()
    assert any("1 of 3 done" in line for line in said)
    assert any("2 of 3 done" in line for line in bear.at(1).page() and said)
