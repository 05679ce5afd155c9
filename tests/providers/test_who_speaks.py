"""Who answers and how one gets there: pages of others, proxies, addresses, headers and keys as people write them."""

from __future__ import annotations

import base64
import io
from urllib.parse import quote

import pytest
from kit.loopback import Loopback, json_reply, picture_reply, png
from PIL import Image

from promptkit import (
    Endpoint,
    FunctionTransport,
    KeyRejected,
    ModelNotFound,
    OutOfCredit,
    ProviderError,
    QuotaExceeded,
    RateLimited,
    ServiceUnavailable,
    Session,
    SettingsError,
    TransportError,
)
from promptkit.errors import shown
from promptkit.images.picture import Picture
from promptkit.providers.gemini import BLOCKS, FINISHES, Gemini
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
    for odd in ("s3cret\r\nx: y", "s3crét"):
        monkeypatch.setenv("TEAM_TOKEN", odd)
        with pytest.raises(TransportError, match="TEAM_TOKEN holds no value for it") as unsent:
            Session("./bear", endpoint=endpoint).generate("a fox")
        assert "s3cr" not in str(unsent.value)
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
        assert "could not reach it" in str(error)
        assert "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY" in str(error)


def test_a_proxy_that_wants_a_password_is_said() -> None:
    """407 is a proxy's word, and the sentence says where its user name and password go."""
    error = Gemini().decode(Response(407, {}, b"<title>Proxy Authentication Required</title>")).error
    assert "put them into the proxy's address" in str(error)


def test_a_page_with_success_that_speaks_of_a_time_out_was_charged_perhaps() -> None:
    """A front end that gave up waiting may say so with status 200."""
    reply = Gemini().decode(Response(200, {}, b"<title>524: A timeout occurred</title>"))
    assert (reply.outcome, type(reply.error)) == ("interrupted", ServiceUnavailable)


@pytest.mark.parametrize("status", [401, 429])
def test_words_of_a_policy_are_no_refusal_where_the_status_says_what_it_is(status: int) -> None:
    """A key's and a limit's sentence may name the content policy."""
    said = {"error": {"code": status, "message": "See our usage policies and content policy for the limits of your key."}}
    reply = Gemini().decode(Response.json(said, status))
    assert (reply.outcome, type(reply.error)) == ("error", {401: KeyRejected, 429: RateLimited}[status])


@pytest.mark.parametrize(
    ("headers", "details", "seconds"),
    [({"Retry-After-Ms": "1500"}, [], 1.5), ({}, [{"metadata": {"quotaResetDelay": "2m3.5s"}}], 123.5), ({}, [{"retryDelay": "7s"}], 7.0)],
)
def test_a_wait_stands_in_several_places(headers: dict[str, str], details: list[object], seconds: float) -> None:
    """In milliseconds in a header, in a detail of Google's own, or in one's metadata."""
    error = Gemini().decode(Response.json({"error": {"code": 429, "message": "x", "details": details}}, 429, headers)).error
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


def test_a_gateways_key_at_google_is_known_by_its_beginning(service: Loopback) -> None:
    """Where Google rejects a key that looks like a gateway's, the sentence says so."""
    service.always = json_reply({"error": {"code": 400, "message": "API key not valid."}}, 400)
    with pytest.raises(KeyRejected, match="begins with sk-, as gateways' keys do: name the gateway"):
        Session("./bear", endpoint=Endpoint("google", service.url), api_key="sk-of-a-gateway").generate("a fox")


def test_a_key_that_was_not_sent_is_asked_for(service: Loopback) -> None:
    """A gateway that may hold the key itself, and does not, is answered with the variable to set."""
    service.always = json_reply({"error": {"message": "no key", "code": "x"}}, 401)
    there = Endpoint("work", service.url, key_env=("WORK_API_KEY",), key_required=False)
    with pytest.raises(KeyRejected, match="No key was sent: set WORK_API_KEY"):
        Session("./bear", endpoint=there).generate("a fox")


@pytest.mark.parametrize(
    "page",
    [
        "<h1>400 Bad Request</h1>The plain HTTP request was sent to HTTPS port",
        "Client sent an HTTP request to an HTTPS server.",
        "You're speaking plain HTTP to an SSL-enabled server port.",
    ],
)
def test_a_port_that_takes_https_only_is_said(page: str) -> None:
    """http:// to a port that speaks TLS is the base URL's fault."""
    error = Gemini().decode(Response(400, {}, page.encode())).error
    assert "write https:// in the endpoint's base URL" in str(error)


def test_a_redirect_says_where_it_leads() -> None:
    """Keys are carried nowhere else; the sentence names the host, without what may be a secret."""
    for target in ("https://gw.example.com/v1?key=s3cret", "https://eve:s3cret@gw.example.com/v1"):
        error = Gemini().decode(Response(301, {"Location": target}, b"<title>Moved</title>")).error
        assert "to https://gw.example.com)" in str(error)
        assert "s3cret" not in str(error)


NO_PATH = (
    {"detail": "Not Found"},
    {"detail": "Method Not Allowed"},
    {"error": {"message": "Invalid URL (POST /v1/v1beta/models)", "type": "invalid_request_error"}},
    {"message": "404 page not found"},
)


@pytest.mark.parametrize("said", NO_PATH)
def test_a_path_that_is_not_there_is_no_model(said: dict[str, object]) -> None:
    """A front end that knows no such path says nothing of the model."""
    error = Gemini().decode(Response.json(said, 404)).error
    assert type(error) is ProviderError
    assert "check the endpoint's base URL" in str(error)


FRONT_ENDS = [
    ({"detail": "quota exhausted"}, QuotaExceeded),
    ({"detail": "You exceeded your current quota."}, QuotaExceeded),
    ({"detail": {"message": "Quota exceeded for this account"}}, QuotaExceeded),
    ({"detail": "Rate limit exceeded: 5 per 1 minute"}, RateLimited),
    ({"detail": "Too many requests"}, RateLimited),
    ({"detail": "Invalid API key"}, KeyRejected),
    ({"detail": "Insufficient balance"}, OutOfCredit),
    ({"detail": "model not found"}, ModelNotFound),
    ({"detail": "Your prompt was blocked by the content policy."}, None),
    ({"detail": [{"loc": ["body"], "msg": "Request body too large", "type": "value_error"}]}, ProviderError),
]


@pytest.mark.parametrize(("said", "kind"), FRONT_ENDS)
@pytest.mark.parametrize("status", [200, 400, 403, 422, 500])
def test_a_front_ends_words_are_judged_by_what_they_name(said: dict[str, object], kind: type[ProviderError] | None, status: int) -> None:
    """An error in a front end's own shape is of the kind that it names, whatever its status."""
    if (status, kind) == (403, ProviderError):  # which is the key's, where it names no other cause
        kind = KeyRejected
    reply = Gemini().decode(Response.json(said, status))
    assert (reply.outcome == "refused") if kind is None else type(reply.error) is kind


@pytest.mark.parametrize("status", [400, 413, 422, 500])
@pytest.mark.parametrize(
    "said", ["Request payload size exceeds the limit: 20971520 bytes.", "http: request body too large", "Image exceeds 7 MB", "图片过大"]
)
def test_too_large_a_request_is_asked_once_and_says_how_large(service: Loopback, status: int, said: str) -> None:
    """Whoever says that a request was too large: it is asked once, and the sentence says what to do and how large it was."""
    service.always = json_reply({"error": {"message": said, "code": "x"}}, status)
    with pytest.raises(ProviderError, match=r"too large for the service .*send fewer or smaller pictures\. It was 0\.0 MB"):
        Session("./bear", endpoint=service.url).generate("a fox")
    assert len(service.received) == 1


def test_too_large_an_answer_was_lost_on_its_way_back() -> None:
    """What a relay could not take of the service's answer was made, and is no fault of the request's size."""
    reply = Gemini().decode(Response.json({"error": {"message": "response body too large"}}, 500))
    assert (reply.outcome, reply.was_too_large) == ("interrupted", False)


def test_too_long_a_prompt_is_said() -> None:
    """More words than a model takes are not a matter of pictures' sizes."""
    said = "The input token count (40000) exceeds the maximum number of tokens allowed (32768)."
    assert "shorten it" in str(Gemini().decode(Response.json({"error": {"code": 400, "message": said}}, 400)).error)


VERTEX = (
    "https://aiplatform.googleapis.com",
    "https://aiplatform.googleapis.com/v1",
    "https://aiplatform.googleapis.com/v1beta1/publishers/google",
    "https://aiplatform.googleapis.com/v1/publishers/google/models",
    "https://aiplatform.googleapis.com/v1/publishers/google/models/gemini-2.5-flash-image:generateContent",
)


@pytest.mark.parametrize("pasted", VERTEX)
def test_a_vertex_address_is_cut_to_its_base(pasted: str) -> None:
    """What Vertex's guide prints behind the host is taken off."""
    assert Endpoint("vertex", pasted).base_url == VERTEX[0]


def test_vertex_express_is_asked_by_its_models_names(service: Loopback) -> None:
    """A model that is named with its publisher is asked below Vertex's path, with the key in the same header."""
    service.always = picture_reply(png())
    name = "publishers/google/models/gemini-2.5-flash-image"
    step = Session("./bear", endpoint=service.url, model=name, api_key="AQ.Ab8-of-a-test").generate("a fox")
    assert (step.ok, step.warnings) == (True, ())
    assert service.received[0].path == f"/v1beta1/{name}:generateContent"
    assert service.received[0].headers["x-goog-api-key"] == "AQ.Ab8-of-a-test"
    assert known_model(name) == known_model("gemini-2.5-flash-image")


def test_vertex_is_told_from_the_model_that_is_named_without_its_publisher() -> None:
    """Another model's name at Vertex is a 404 page there; the sentence has the name that it would take."""
    there = Endpoint("vertex", VERTEX[0], key_required=False)
    transport = FunctionTransport(lambda path, body: (404, {}, b"<title>Error 404 (Not Found)!!1</title>"))
    with pytest.raises(ProviderError, match=r"model='publishers/google/models/gemini-2\.5-flash-image'"):
        Session("./bear", endpoint=there, transport=transport).generate("a fox")


@pytest.mark.parametrize(
    ("said", "outcome", "reason"),
    [
        ({"candidates": [{"content": {}, "finishReason": 8}]}, "refused", "PROHIBITED_CONTENT"),
        ({"candidates": [{"content": {}, "finishReason": "11"}]}, "refused", "IMAGE_SAFETY"),
        ({"candidates": [{"content": {}, "finish_reason": 16}]}, "text", "NO_IMAGE"),
        ({"candidates": [{"content": {}, "finishReason": 99}]}, "text", "99"),
        ({"promptFeedback": {"blockReason": 4}}, "refused", "PROHIBITED_CONTENT"),
        ({"prompt_feedback": {"block_reason": 2}}, "text", "OTHER"),
    ],
)
def test_reasons_may_come_as_their_numbers(said: dict[str, object], outcome: str, reason: str) -> None:
    """A relay that passes enums on as numbers means the protocol's: a refusal is one, and is asked once."""
    reply = Gemini().decode(Response.json(said))
    assert (reply.outcome, reply.reason) == (outcome, reason)


def test_the_numbers_of_reasons_are_the_protocols() -> None:
    """Google's own classes number them so."""
    language = pytest.importorskip("google.ai.generativelanguage", reason="pip install -e '.[conformance]'")
    blocks = language.GenerateContentResponse.PromptFeedback.BlockReason
    assert list(FINISHES) == [language.Candidate.FinishReason(i).name for i in range(len(FINISHES))]
    assert list(BLOCKS) == [blocks(i).name for i in range(len(BLOCKS))]
