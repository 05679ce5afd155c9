"""Who answers and how one gets there: pages of others, proxies, addresses, headers and keys as people write them."""

from __future__ import annotations

import base64
import io
from urllib.parse import quote

import pytest
from kit.loopback import Loopback, json_reply, png
from PIL import Image

from promptkit import Endpoint, KeyRejected, ProviderError, ServiceUnavailable, Session, SettingsError, TransportError
from promptkit.errors import shown
from promptkit.images.picture import Picture
from promptkit.providers.gemini import Gemini
from promptkit.providers.keys import Key
from promptkit.providers.message import Response
from promptkit.providers.models import cost_size, known_model, size_of
from promptkit.providers.options import OPTIONS

KEY = "AIzaSyabc12345678901234567890"


@pytest.mark.parametrize("status", [401, 403, 404, 407])
@pytest.mark.parametrize("page", [b"<title>Attention Required! | Cloudflare</title>", b"error code: 1010"])
def test_a_page_says_nothing_of_a_key_or_a_model(status: int, page: bytes) -> None:
    """A page or plain text is a firewall's, a proxy's or a front end's word: neither the key nor the model is blamed."""
    error = Gemini().decode(Response(status, {}, page)).error
    assert type(error) is ProviderError
    assert "check the key" not in str(error)
    assert "model's name" not in str(error)


def test_requests_carry_promptkits_own_name(service: Loopback) -> None:
    """The User-Agent is promptkit's, for firewalls ban the libraries' own."""
    Session("./bear", endpoint=service.url).generate("a fox")
    assert service.received[0].headers["User-Agent"].startswith("promptkit/")


def test_this_machine_is_reached_without_a_proxy(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback never goes through the environment's proxy."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert Session("./bear", endpoint=service.url).generate("a fox").ok


PASTED = (
    "",
    "/",
    "/v1",
    "/v1beta/",
    "/v1beta/models",
    "/v1beta/models/x:generateContent",
    "/v1beta/openai",
    "/v1/chat/completions",
    "/v1/models",
)


@pytest.mark.parametrize("tail", PASTED)
def test_a_base_url_is_cut_to_the_base_that_is_meant(tail: str) -> None:
    """What people paste behind a base URL is taken off; a path of the gateway's own stays."""
    assert Endpoint("x", f"https://h{tail}").base_url == "https://h"
    assert Endpoint("x", f"https://h/v1/a/studio{tail}").base_url == "https://h/v1/a/studio"


def test_further_headers_come_from_the_environment(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint's headers carry the values of variables; one that is not set is said, and a value in their place is refused unseen."""
    endpoint = Endpoint("x", service.url, key_required=False, headers={"x-team": "TEAM_TOKEN"})
    with pytest.raises(TransportError, match="set TEAM_TOKEN"):
        Session("./bear", endpoint=endpoint).generate("a fox")
    monkeypatch.setenv("TEAM_TOKEN", "t-1")
    assert Session("./bear", endpoint=endpoint).generate("a fox").ok
    assert service.received[0].headers["x-team"] == "t-1"
    with pytest.raises(SettingsError, match="name no variables") as said:
        Endpoint("x", service.url, headers={"x-team": "secret value!"})
    assert "secret" not in str(said.value)


@pytest.mark.parametrize(
    ("name", "scheme"), [("gw.example.com/v1", "https"), ("127.0.0.1:3000", "http"), ("localhost:80", "http"), ("10.0.0.7:1", "http")]
)
def test_a_hint_names_https_for_all_but_this_network(name: str, scheme: str) -> None:
    """Whoever follows the hint sends no key in clear over the internet."""
    with pytest.raises(SettingsError, match=f"did you mean {scheme}://{name}"):
        Endpoint.named(name)


def test_a_rejected_key_says_where_it_came_from(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rejected key names its variable, and the other one that is set and was not used."""
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    monkeypatch.setenv("GOOGLE_API_KEY", KEY[::-1])
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", service.url)
    service.always = json_reply({"error": {"code": 400, "message": "API key expired. Please renew the API key."}}, 400)
    with pytest.raises(KeyRejected, match="came from GEMINI_API_KEY; GOOGLE_API_KEY is set too, and not used"):
        Session("./bear").generate("a fox")


WRITTEN = (
    f" {KEY}\r\n",
    f'"{KEY}"',
    f"'{KEY}'",
    f"\ufeff{KEY}",
    f"Bearer {KEY}",
    f"GEMINI_API_KEY={KEY}",
    f'export GEMINI_API_KEY="{KEY}"',
    f"{KEY};",
)


@pytest.mark.parametrize("written", WRITTEN)
def test_a_key_is_read_as_people_write_it(written: str) -> None:
    """Quotes, line ends, a byte-order mark, Bearer and the variable's name are no part of a key."""
    assert Key(written).reveal() == KEY


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_an_echo_of_the_key_is_taken_out_in_any_form(before: str) -> None:
    """A key is found in percent form and in base64, whatever stands around it."""
    key = Key("sk-a/b+c~d-0123456789")
    for form in (quote(key.reveal(), safe=""), base64.b64encode(f"{before}{key.reveal()}xyz".encode()).decode()):
        said = key.scrub(f"you sent {form}, which is wrong")
        assert "[key removed]" in said
        assert form not in said


@pytest.mark.parametrize("option", ["endpoint", "aspect_ratio", "model", "image_size"])
def test_a_key_in_the_wrong_place_is_not_quoted(option: str) -> None:
    """A value that looks like a key is not repeated in a sentence."""
    with pytest.raises(SettingsError) as said:
        Session("./bear", **{"endpoint": "offline", "model": "gemini-3-pro-image", option: KEY}).generate("a fox")
    assert KEY[6:] not in str(said.value)
    assert shown("gemini-2.5-flash") == "'gemini-2.5-flash'"


def test_sizes_ratios_and_models_are_read_as_people_write_them() -> None:
    """1k and 4K with a blank are sizes, 16x9 is a ratio, models/NAME is NAME."""
    assert [OPTIONS["image_size"].as_meant(s) for s in ("1k", "4K ", "512px", "2K")] == ["1K", "4K", "512", "2K"]
    assert [OPTIONS["aspect_ratio"].as_meant(s) for s in ("16x9", " 16:9", "16/9", "16：9")] == ["16:9"] * 4
    assert known_model("models/gemini-3-pro-image") == known_model("gemini-3-pro-image")


def test_the_price_is_that_of_the_size_that_came() -> None:
    """A picture counts at the price of its pixels, where that size has one."""
    assert [size_of(s) for s in ((512, 512), (1376, 768), (2048, 2048), (5504, 3072), None)] == ["512", "1K", "2K", "4K", None]
    assert cost_size("gemini-3-pro-image", "google", "4K", (1024, 1024)) == "1K"
    assert cost_size("gemini-2.5-flash-image", "google", None, (1024, 1024)) is None


def test_a_photograph_goes_out_as_people_see_it() -> None:
    """One rule for bytes, a path and a PIL image: what goes out stands upright; the bytes that were given stay as they are."""
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    Image.new("RGB", (400, 300), "white").save(file, "JPEG", exif=exif)
    photo = Picture.open(file.getvalue())
    sent = photo.for_sending()
    assert (photo.data, photo.seen_size, sent.size, sent.mime_type) == (file.getvalue(), (300, 400), (300, 400), "image/jpeg")
    assert Picture.open(Image.open(io.BytesIO(file.getvalue()))).for_sending().size == (300, 400)
    plain = Picture(png())
    assert plain.for_sending() is plain


def test_a_page_that_names_a_wait_is_obeyed() -> None:
    """A front end's page may say in a header how long to wait, in seconds or as a date."""
    dated = {"Retry-After": "Sat, 28 Nov 2026 00:00:07 GMT", "Date": "Sat, 28 Nov 2026 00:00:00 GMT"}
    for headers, seconds in (({"Retry-After": "0"}, 0.0), ({"retry-after": "12"}, 12.0), (dated, 7.0), ({}, None)):
        error = Gemini().decode(Response(502, headers, b"<title>Bad Gateway</title>")).error
        assert isinstance(error, ServiceUnavailable)
        assert error.retry_after == seconds
