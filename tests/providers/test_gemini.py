"""The protocol: what is sent, byte by byte, and what is understood of everything that a service may answer."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kit.loopback import png
from PIL import Image

from promptkit.errors import (
    KeyRejected,
    ModelNotFound,
    OutOfCredit,
    ProviderError,
    QuotaExceeded,
    RateLimited,
    RegionUnavailable,
    ServiceUnavailable,
)
from promptkit.images.picture import Picture
from promptkit.providers.gemini import Gemini
from promptkit.providers.message import CHUNK, Exchange, InputPicture, Reply, Request, Response, Tokens, Turn

MODEL = "gemini-2.5-flash-image"
RED, BLUE = png("red"), png("blue")
GEMINI = Gemini()
decode = GEMINI.decode


def made(kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((40, 30), 90).convert("RGB").save(buffer, kind, **options)
    return buffer.getvalue()


JPEG, WEBP = made("JPEG"), made("WEBP", lossless=True)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


# Requests


def inputs(pictures: Sequence[bytes]) -> tuple[InputPicture, ...]:
    return tuple(InputPicture(Picture(p)) for p in pictures)


def encode(text: str, pictures: Sequence[bytes] = (), *, model: str = MODEL, **more: Any) -> Request:
    return GEMINI.encode(Turn(text, inputs(pictures), model, **more))


def turn(*parts: str, role: str = "user") -> str:
    return '{"role": "' + role + '", "parts": [' + ", ".join(parts) + "]}"


def inline(data: bytes, label: str = "image/png") -> str:
    return '{"inlineData": {"mimeType": "' + label + '", "data": "' + b64(data) + '"}}'


def body_of(*turns: str, options: str = "", safety: str = "") -> str:
    both = '"responseModalities": ["TEXT", "IMAGE"]'
    return '{"contents": [' + ", ".join(turns) + '], "generationConfig": {' + both + options + "}" + safety + "}"


HI = '{"text": "Hi"}'
SAFETY = ', "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]'
OPTIONS = ', "imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"}, "seed": 0, "temperature": 0.5'
ALL = {"aspect_ratio": "16:9", "image_size": "2K", "seed": 0, "temperature": 0.5, "safety": {"harassment": "BLOCK_NONE"}}
MODELS_TURN = {"role": "model", "parts": [{"inlineData": {"mimeType": "image/png", "data": Picture(RED)}}]}
BODIES: dict[str, tuple[tuple[bytes, ...], dict[str, Any], str]] = {
    "generate": ((), {}, body_of(turn(HI))),
    "edit, the edited picture first": ((RED, JPEG), {}, body_of(turn(HI, inline(RED), inline(JPEG, "image/jpeg")))),
    "edit, the other way round": ((JPEG, RED), {}, body_of(turn(HI, inline(JPEG, "image/jpeg"), inline(RED)))),
    "all options": ((), {"config": ALL}, body_of(turn(HI), options=OPTIONS, safety=SAFETY)),
    "options that are not set": ((), {"config": {"aspect_ratio": None, "seed": None, "safety": {}}}, body_of(turn(HI))),
    "a full name": ((), {"config": {"safety": {"HARM_CATEGORY_HARASSMENT": "BLOCK_NONE"}}}, body_of(turn(HI), safety=SAFETY)),
    "history": (
        (BLUE,),
        {"earlier": (Exchange("a", inputs([JPEG]), MODELS_TURN), Exchange("b", (), MODELS_TURN))},
        body_of(
            turn('{"text": "a"}', inline(JPEG, "image/jpeg")),
            turn(inline(RED), role="model"),
            turn('{"text": "b"}'),
            turn(inline(RED), role="model"),
            turn(HI, inline(BLUE)),
        ),
    ),
}


@pytest.mark.parametrize(("pictures", "options", "body"), BODIES.values(), ids=list(BODIES))
def test_body_of_a_request(pictures: tuple[bytes, ...], options: dict[str, Any], body: str) -> None:
    """A request's body is these bytes: camelCase, the text before the pictures, both modalities, and no option that was not set."""
    request = encode("Hi", pictures, **options)
    assert request.body == body.encode()
    assert len(request) == len(body)


def test_a_label_stands_before_its_picture() -> None:
    """Each picture is sent behind its label, as a part of its own; a picture without one stands as it always did."""
    labels = {"red": "", "blue": "heroine: 她", "green": ""}
    one, two, three = (InputPicture(Picture(png(color)), label=label) for color, label in labels.items())
    parts = json.loads(Gemini().encode(Turn("Wave", (one, two, three), "m")).body)["contents"][0]["parts"]
    assert [part.get("text") for part in parts] == ["Wave", None, "heroine: 她", None, None]
    assert [base64.b64decode(p["inlineData"]["data"]) for p in parts if "inlineData" in p] == [p.picture.data for p in (one, two, three)]
    plain = Gemini().encode(Turn("Wave", tuple(InputPicture(p.picture) for p in (one, two)), "m"))
    assert plain.body == Gemini().encode(Turn("Wave", (one, InputPicture(two.picture, label="")), "m")).body


@pytest.mark.parametrize(
    ("model", "in_path"),
    [(MODEL, MODEL), (f"models/{MODEL}", MODEL), ("a b?c#d", "a%20b%3Fc%23d"), ("google/g:free@1", "google/g:free@1"), ("模", "%E6%A8%A1")],
)
def test_model_in_the_path(model: str, in_path: str) -> None:
    """The path names the model once, and no letter of its name can end the path."""
    assert encode("a", model=model).path == f"/v1beta/models/{in_path}:generateContent"


SIZES = [0, 1, 2, 3, 4, 5, 6, *(n + d for n in (CHUNK, 2 * CHUNK) for d in (-2, -1, 0, 1, 2))]


@pytest.mark.parametrize("size", SIZES)
def test_length_is_known_beforehand(size: int) -> None:
    """The length is that of the body, and the base64 is one standard stretch, for any size of a picture."""
    data = bytes(range(251)) * (size // 251 + 1)
    request = encode("a", [data[:size]])
    assert len(request) == len(request.body) == sum(map(len, request))
    assert request.body.count(b'"data": "' + base64.b64encode(data[:size]) + b'"') == 1


@settings(max_examples=60, deadline=None)
@given(text=st.text(), pictures=st.lists(st.binary(max_size=80), max_size=3))
@example(text='Say "{hi}" \\ \n\t\0 🐼 添加羊驼 </script>', pictures=[b"", b"\xff" * 5])
def test_body_is_plain_json(text: str, pictures: list[bytes]) -> None:
    """The body is what json.dumps makes of the same request written by hand, whatever text and pictures hold."""
    parts = [{"text": text}, *({"inlineData": {"mimeType": Picture(p).mime_type, "data": b64(p)}} for p in pictures)]
    by_hand = {"contents": [{"role": "user", "parts": parts}], "generationConfig": {"responseModalities": ["TEXT", "IMAGE"]}}
    request = encode(text, pictures)
    assert request.body == json.dumps(by_hand).encode()
    assert len(request) == len(request.body)


# Replies that are answers


def answer(*parts: Any, finish: Any = "STOP", **more: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": finish}], **more}


def blob(data: Any, label: Any = "image/png", **more: Any) -> dict[str, Any]:
    return {"inlineData": {"mimeType": label, "data": b64(data) if isinstance(data, bytes) else data}, **more}


def thought(data: bytes) -> dict[str, Any]:
    return blob(data, thought=True)


def markdown(data: str) -> dict[str, str]:
    return {"text": f"Here: ![image](data:image/png;base64,{data}) so."}


WRAPPED = "\n".join(b64(RED)[i : i + 20] for i in range(0, len(b64(RED)), 20))
URL_SAFE = base64.urlsafe_b64encode(WEBP).decode().rstrip("=")
SNAKE = {"inline_data": {"mime_type": "image/png", "data": b64(RED)}}
NO_LABEL = {"inlineData": {"data": b64(RED)}}
PICTURES: dict[str, tuple[list[Any], list[bytes], str]] = {
    "a picture and a sentence": ([{"text": " Here "}, blob(RED), {"text": "it is.\n"}], [RED], "Here it is."),
    "several, in order": ([blob(RED), {"text": "x"}, blob(JPEG), blob(BLUE)], [RED, JPEG, BLUE], "x"),
    "thoughts left out": ([thought(BLUE), {"text": "hm", "thought": True}, blob(RED)], [RED], ""),
    "only thoughts: the last": ([thought(RED), thought(BLUE)], [BLUE], ""),
    "snake_case": ([SNAKE], [RED], ""),
    "no label": ([NO_LABEL], [RED], ""),
    "a label that lies": ([blob(JPEG, "image/png")], [JPEG], ""),
    "a label of something else": ([blob(RED, "text/plain")], [RED], ""),
    "a label that is no text": ([blob(RED, 7)], [RED], ""),
    "Markdown in the text": ([markdown(b64(RED))], [RED], "Here:  so."),
    "two in one text": ([{"text": markdown(b64(RED))["text"] + markdown(b64(BLUE))["text"]}], [RED, BLUE], "Here:  so.Here:  so."),
    "Markdown with a title": ([{"text": f'![a](<data:image/png;base64,{b64(RED)}> "my bear")'}], [RED], ""),
    "Markdown among others": ([blob(BLUE), markdown(b64(RED).rstrip("=")), blob(JPEG)], [BLUE, RED, JPEG], "Here:  so."),
    "no padding": ([blob(b64(BLUE).rstrip("="))], [BLUE], ""),
    "URL-safe": ([blob(URL_SAFE)], [WEBP], ""),
    "line breaks": ([blob(WRAPPED)], [RED], ""),
    "a data: prefix": ([blob(f" data:image/png;base64,{b64(RED)}")], [RED], ""),
    "a whole one beside half a one": ([blob(RED), blob(BLUE[:-20])], [RED], ""),
    "parts that are nothing": ([None, {}, 3, "x", [], {"text": None}, {"inlineData": None}, blob(5), blob(RED)], [RED], ""),
}


@pytest.mark.parametrize(("parts", "pictures", "text"), PICTURES.values(), ids=list(PICTURES))
def test_pictures_of_a_reply(parts: list[Any], pictures: list[bytes], text: str) -> None:
    """All pictures that are not thoughts are kept with their bytes and in their order, however they are written down or labelled."""
    reply = decode(Response.json(answer(*parts)))
    assert (reply.outcome, [p.data for p in reply.pictures], reply.text, reply.error) == ("picture", pictures, text, None)


def test_warnings_of_a_reply() -> None:
    """A reply says when its picture was only a thought, and when one of its pictures broke off."""
    assert "only as a thought" in decode(Response.json(answer(thought(RED)))).warnings[0]
    assert decode(Response.json(answer(blob(RED), blob(RED[:-20])))).warnings == ("1 of the reply's pictures broke off",)
    assert decode(Response.json(answer(thought(BLUE), blob(RED)))).warnings == ()


REFUSALS = ["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR"]
REFUSALS += ["IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"]
NOTHINGS = ["STOP", "NO_IMAGE", "IMAGE_OTHER", "OTHER", "MAX_TOKENS", "MALFORMED_RESPONSE", "LANGUAGE", "A_NEW_ONE"]
BLOCKS = ["SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "JAILBREAK", "MODEL_ARMOR", "IMAGE_SAFETY", "A_NEW_ONE"]
SAID = {"text": "No."}
HALF = blob(RED[: len(RED) // 2])
NO_PICTURE: list[tuple[Any, str, str | None]] = [
    *((answer(SAID, finish=r), "refused", r) for r in REFUSALS),
    *((answer(SAID, finish=r), "text", r) for r in NOTHINGS),
    *(({"promptFeedback": {"blockReason": r}}, "refused", r) for r in BLOCKS),
    ({"promptFeedback": {"blockReason": "OTHER"}}, "text", "OTHER"),
    ({"promptFeedback": {"blockReason": ""}}, "error", "NO_ANSWER"),
    ({"promptFeedback": {"blockReason": "SAFETY"}, **answer(SAID)}, "refused", "SAFETY"),
    ({"promptFeedback": {"blockReason": "OTHER"}, **answer(SAID)}, "text", "STOP"),
    ({"promptFeedback": {"blockReason": "SAFETY"}, **answer(SAID, finish="IMAGE_SAFETY")}, "refused", "IMAGE_SAFETY"),
    *(({"candidates": c}, "error", "NO_ANSWER") for c in (None, [], {}, "x", [None])),
    *(({"candidates": c}, "text", None) for c in ([{}], [{"content": None}], [{"content": {"parts": None}}])),
    ({"candidates": [{"content": {}, "finishReason": "NO_IMAGE"}]}, "text", "NO_IMAGE"),
    ({"candidates": [{"content": {"parts": []}, "finishReason": ["odd"]}]}, "text", "['odd']"),
    ({}, "error", "NO_ANSWER"),
    (None, "error", "NOT_JSON"),
    ([], "error", "NO_ANSWER"),
    (answer("no part"), "text", "STOP"),
    (answer(HALF), "interrupted", "STOP"),
    (answer(HALF, thought(BLUE)), "interrupted", "STOP"),
    (answer(HALF, finish="SAFETY"), "refused", "SAFETY"),
    (answer(blob(JPEG[: len(JPEG) // 2], "image/jpeg")), "interrupted", "STOP"),
    (answer(blob(WEBP[:-9], "image/webp")), "interrupted", "STOP"),
    (answer(blob("!not base64!")), "interrupted", "STOP"),
    (answer(blob("AA==", "image/jpeg")), "interrupted", "STOP"),
    (answer(blob("SGVsbG8=", "text/plain"), SAID), "text", "STOP"),
    (answer({"text": markdown(b64(RED))["text"].partition(")")[0][:-30]}, finish="MAX_TOKENS"), "interrupted", "MAX_TOKENS"),
    (answer(SAID, finish="MISSING_THOUGHT_SIGNATURE"), "error", "MISSING_THOUGHT_SIGNATURE"),
]


@pytest.mark.parametrize(("payload", "outcome", "reason"), NO_PICTURE)
def test_replies_without_a_picture(payload: Any, outcome: str, reason: str | None) -> None:
    """A 200 without a whole picture is text, refused, interrupted or the caller's error, by its reason and by what came."""
    reply = decode(Response.json(payload))
    assert (reply.outcome, reply.reason, reply.pictures) == (outcome, reason, ())
    assert (reply.error is not None) == (outcome == "error")


def test_fields_of_a_reply() -> None:
    """The service's sentences, versions and whole counts come through; counts of another kind are left out, for sums are made of them."""
    details = [{"modality": "IMAGE", "tokenCount": 7}, {"tokenCount": "9"}, "x"]
    usage = {"promptTokenCount": 3, "totalTokenCount": "12", "thoughtsTokenCount": None, "serviceTier": "x"}
    usage |= {"promptTokensDetails": "odd", "candidatesTokensDetails": details}
    payload = answer(blob(RED), usageMetadata=usage, modelVersion="m-1", responseId="r-1")
    payload["candidates"][0]["finishMessage"] = "Done."
    reply = decode(Response.json(payload))
    assert (reply.message, reply.model_version, reply.response_id, reply.status) == ("Done.", "m-1", "r-1", 200)
    assert reply.usage == {"promptTokenCount": 3, "promptTokensDetails": [], "candidatesTokensDetails": details[:1]}
    assert reply.content == payload["candidates"][0]["content"]
    assert decode(Response.json({"promptFeedback": {"blockReason": "OTHER", "blockReasonMessage": "Hm."}})).message == "Hm."


PICTURE = [{"modality": "IMAGE", "tokenCount": 1290}]
COUNTED = {"candidatesTokenCount": 1290, "candidatesTokensDetails": PICTURE}
COUNTS: list[tuple[dict[str, Any], Tokens | None]] = [
    ({"promptTokenCount": 10, **COUNTED}, Tokens(10, 0, 1290)),
    ({"promptTokenCount": 10, **COUNTED, "candidatesTokenCount": 1310}, Tokens(10, 20, 1290)),
    ({"promptTokenCount": 10, "candidatesTokenCount": 20}, Tokens(10, 20, 0)),
    ({"promptTokenCount": 0}, Tokens(0, 0, 0)),
    ({"promptTokenCount": 0, "thoughtsTokenCount": 1000}, Tokens(0, 1000, 0)),
    ({"promptTokenCount": 10, "candidatesTokensDetails": PICTURE}, Tokens(10, 0, 1290)),
    ({"promptTokenCount": -10, "candidatesTokenCount": -1, "thoughtsTokenCount": -1}, Tokens(0, 0, 0)),
    ({"candidatesTokenCount": 20}, None),
    ({}, None),
]


@pytest.mark.parametrize(("usage", "tokens"), COUNTS)
def test_what_was_counted(usage: dict[str, Any], tokens: Tokens | None) -> None:
    """Thoughts are text, the picture's tokens are no text, and without the prompt's count nothing was counted."""
    assert decode(Response.json(answer(blob(RED), usageMetadata=usage))).tokens == tokens


ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["modality", "tokenCount", "x"]), inner, max_size=3),
)
COUNTERS = st.sampled_from(["promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "candidatesTokensDetails"])


@given(usage=st.dictionaries(COUNTERS, ODD))
def test_odd_counts_lose_no_picture(usage: dict[str, Any]) -> None:
    """Whatever a service counts, the picture is there, and its tokens are whole numbers from 0 on, or none."""
    reply = decode(Response.json(answer(blob(RED), usageMetadata=usage)))
    assert reply.pictures
    assert reply.tokens is None or all(type(n) is int and n >= 0 for n in reply.tokens)


WHOLE = Response.json(answer(blob(RED))).body
BODIES_AS_CAME: list[tuple[int, bytes, str, str | None, type[Exception] | None]] = [
    (200, b"", "interrupted", "CUT", None),
    (200, b" \n\n ", "interrupted", "CUT", None),
    *((200, WHOLE[:n], "interrupted", "CUT", None) for n in (1, 30, len(WHOLE) // 2)),
    (200, WHOLE[:-1], "picture", "STOP", None),
    (200, b"\xef\xbb\xbf" + WHOLE[:50], "interrupted", "CUT", None),
    (200, b"\xef\xbb\xbf" + WHOLE, "picture", "STOP", None),
    (200, b"\n\n\n" + WHOLE, "picture", "STOP", None),
    (200, WHOLE.replace(b'"role"', b'"text": "raw \n \xff byte", "role"'), "picture", "STOP", None),
    (200, b"<html><style>p{}</style><body>Sign&nbsp;in</body>", "error", "NOT_JSON", ProviderError),
    (404, b"<html>Not Found</html>", "error", "NOT_JSON", ProviderError),
    (404, b"", "error", "NOT_JSON", ProviderError),
    (502, b"<html>Bad Gateway</html>", "error", None, ServiceUnavailable),
    (500, b"", "error", None, ServiceUnavailable),
    (429, b'{"error": {"code": 429, "mess', "error", None, RateLimited),
    (302, b"", "error", None, ProviderError),
]


@pytest.mark.parametrize(("status", "body", "outcome", "reason", "error"), BODIES_AS_CAME)
def test_bodies_that_are_no_json(status: int, body: bytes, outcome: str, reason: str | None, error: type[Exception] | None) -> None:
    """A body that breaks off is interrupted, a page is an error that says what it reads, and a stray byte loses no picture."""
    reply = decode(Response(status, {}, body))
    assert (reply.outcome, reply.reason, type(reply.error) if reply.error else None) == (outcome, reason, error)
    assert "p{}" not in reply.message
    assert "<" not in reply.message


# Errors

INFO = "type.googleapis.com/google.rpc.ErrorInfo"
DAY = [{"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}, {"retryDelay": "13s"}]
NONE_AT_ALL = [{"metadata": {"quota_limit": "PerMinutePerRegion", "quota_limit_value": "0"}}]
HIDDEN = [{"detail": "[ORIGINAL ERROR] User location is not supported for the API use."}]


def google(status: int, word: str | None, message: str = "no", details: Any = ()) -> tuple[int, Any]:
    return status, {"error": {"code": status, "message": message, "status": word, "details": list(details)}}


def gateway(status: int, code: Any, message: str = "no", **more: Any) -> tuple[int, Any]:
    return status, {"error": {"message": message, "type": "new_api_error", "param": "", "code": code, **more}}


ERRORS: list[tuple[tuple[int, Any], type[Exception], str | None]] = [
    (google(400, "INVALID_ARGUMENT", details=[{"@type": INFO, "reason": "API_KEY_INVALID"}]), KeyRejected, "API_KEY_INVALID"),
    (google(400, "INVALID_ARGUMENT", "Unable to process input image"), ProviderError, "INVALID_ARGUMENT"),
    (google(400, "FAILED_PRECONDITION", "User location is not supported for the API use."), RegionUnavailable, "FAILED_PRECONDITION"),
    (google(400, "FAILED_PRECONDITION", "$grpcMessage", HIDDEN), RegionUnavailable, "FAILED_PRECONDITION"),
    (google(400, "FAILED_PRECONDITION", "Gemini API free tier is not available in your country"), OutOfCredit, "FAILED_PRECONDITION"),
    (google(403, "PERMISSION_DENIED", "Your API key was reported as leaked."), KeyRejected, "PERMISSION_DENIED"),
    (google(404, "NOT_FOUND", "models/x is not found"), ModelNotFound, "NOT_FOUND"),
    (google(429, "RESOURCE_EXHAUSTED"), RateLimited, "RESOURCE_EXHAUSTED"),
    (google(429, "RESOURCE_EXHAUSTED", details=DAY), QuotaExceeded, "RESOURCE_EXHAUSTED"),
    (google(429, "RESOURCE_EXHAUSTED", "Quota exceeded, limit: 0, model: x"), QuotaExceeded, "RESOURCE_EXHAUSTED"),
    (google(429, "RESOURCE_EXHAUSTED", "Quota exceeded, limit: 10, model: x"), RateLimited, "RESOURCE_EXHAUSTED"),
    (google(429, "RESOURCE_EXHAUSTED", details=NONE_AT_ALL), QuotaExceeded, "RESOURCE_EXHAUSTED"),
    *((google(status, "UNAVAILABLE"), ServiceUnavailable, "UNAVAILABLE") for status in (425, 499, 500, 502, 503)),
    ((500, [google(500, "INTERNAL")[1]]), ServiceUnavailable, "INTERNAL"),
    ((200, google(429, "RESOURCE_EXHAUSTED")[1]), RateLimited, "RESOURCE_EXHAUSTED"),
    (gateway(503, "model_not_found", "分组 default 下模型 x 无可用渠道"), ModelNotFound, "model_not_found"),
    *((gateway(s, "insufficient_user_quota"), OutOfCredit, "insufficient_user_quota") for s in (403, 429, 500)),
    (gateway(403, "pre_consume_token_quota_failed"), OutOfCredit, "pre_consume_token_quota_failed"),
    (gateway(429, "insufficient_quota"), OutOfCredit, "insufficient_quota"),
    (gateway(402, None), OutOfCredit, "new_api_error"),
    (gateway(401, ""), KeyRejected, "new_api_error"),
    (gateway(500, "invalid_api_key"), KeyRejected, "invalid_api_key"),
    (gateway(500, "429", type=None), RateLimited, "429"),
    (gateway(400, "400", "No connected db.", type="no_db_connection"), KeyRejected, "no_db_connection"),
    (gateway(400, "400", "agenerate_content: Invalid model name passed in model=x.", type="bad"), ModelNotFound, "bad"),
    ((401, {"error": "Unauthorized"}), KeyRejected, None),
    ((403, {"detail": "no"}), KeyRejected, None),
    ((503, {"message": "no", "code": "x"}), ServiceUnavailable, "x"),
    ((500, None), ServiceUnavailable, None),
    (google(400, "INVALID_ARGUMENT", "Image part is missing a thought_signature"), ProviderError, "INVALID_ARGUMENT"),
]


@pytest.mark.parametrize(("said", "error", "reason"), ERRORS)
def test_errors(said: tuple[int, Any], error: type[Exception], reason: str | None) -> None:
    """Each error is of its own kind: a gateway's string code beats the HTTP status, the details beat the message."""
    reply = decode(Response.json(said[1], said[0]))
    assert (reply.outcome, type(reply.error), reply.reason, reply.status) == ("error", error, reason, said[0])
    assert isinstance(reply.error, ProviderError)
    assert (reply.error.code, reply.error.message) == (reason, reply.message)


SEEDS = [
    ("Unknown name \"seed\" at 'generation_config'", 400, True),
    ("Seed is not supported for this model", 400, True),
    ("The birdseed cannot be shown", 400, False),
    ("seed", 403, False),
    ("The seed violates Google's Responsible AI practices.", 400, False),
]


@pytest.mark.parametrize(("message", "status", "disliked"), SEEDS)
def test_a_service_that_takes_no_seed(message: str, status: int, disliked: bool) -> None:
    """A 400 about the seed says that the service dislikes it; other errors and refusals dislike nothing."""
    reply = decode(Response.json(google(status, "INVALID_ARGUMENT", message)[1], status))
    assert reply.dislikes == (("seed",) if disliked else ())


def test_an_error_with_empty_fields_is_none() -> None:
    """A gateway that adds an empty error to an answer does not lose the picture; a filter that answers 400 refuses."""
    empty = {"message": "", "type": "", "param": "", "code": None}
    assert decode(Response.json({**answer(SAID), "error": empty})).outcome == "text"
    assert decode(Response.json({**answer(blob(RED)), "error": {"message": "odd"}})).outcome == "picture"
    refusal = google(400, "INVALID_ARGUMENT", "This prompt violates Google's Responsible AI practices. Try rephrasing.")[1]
    assert decode(Response.json(refusal, 400)).outcome == "refused"


NOW = {"Date": "Wed, 21 Oct 2026 07:28:00 GMT"}
LATER = "Wed, 21 Oct 2026 07:28:30 GMT"
WAITS: list[tuple[list[Any], dict[str, str], str, float | None]] = [
    ([{"retryDelay": "13s"}], {}, "", 13.0),
    ([{"retryDelay": "34.4s"}], {"Retry-After": "5"}, "retry in 9s", 34.4),
    ([{"retryDelay": {"odd": 1}}], {"retry-after": "5"}, "", 5.0),
    ([], {"Retry-After": "2.5"}, "retry in 9s", 2.5),
    ([], {"Retry-After": LATER, **NOW}, "", 30.0),
    ([], {"Retry-After": NOW["Date"], "Date": LATER}, "", 0.0),
    ([], {"Retry-After": LATER}, "", None),
    ([], {"Retry-After": "soon", "Date": "now"}, "", None),
    ([], {}, "Please retry in 8.25s.", 8.25),
    ([], {}, "Please retry in 500ms.", 0.5),
    ([], {}, "Please retry in 1h2m3.5s.", 3723.5),
    ([], {}, "Rate limit reached. Try again in 2 minutes.", 120.0),
    ([], {}, "retry after 20 seconds", 20.0),
    ([], {}, "Please retry later.", None),
]


@pytest.mark.parametrize(("details", "headers", "message", "seconds"), WAITS)
def test_how_long_to_wait(details: list[Any], headers: dict[str, str], message: str, seconds: float | None) -> None:
    """The wait is RetryInfo's, else the header's (seconds, or a date against the Date header), else the message's."""
    error = decode(Response.json(google(429, "RESOURCE_EXHAUSTED", message, details)[1], 429, headers)).error
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


# Whatever comes

# fmt: off
KEYS = [
    "candidates", "content", "parts", "inlineData", "inline_data", "data", "mimeType", "text", "thought", "finishReason",
    "promptFeedback", "blockReason", "usageMetadata", "error", "code", "message", "status", "details", "violations", "metadata",
    "quotaId", "retryDelay", "reason", "promptTokenCount", "candidatesTokensDetails", "type",
]
# fmt: on
WORDS = st.sampled_from(["STOP", "SAFETY", b64(RED), "429", "6s"])
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), WORDS)
ANYTHING = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5))
STATUSES = st.sampled_from([200, 204, 302, 400, 403, 404, 429, 500, 503])
OUTCOMES = ("picture", "text", "refused", "error", "interrupted")


@settings(max_examples=150, deadline=None)
@given(payload=ANYTHING, status=STATUSES)
def test_decode_never_raises_for_json(payload: Any, status: int) -> None:
    """Whatever JSON a service answers, decode has a verdict."""
    assert decode(Response.json(payload, status)).outcome in OUTCOMES


@settings(max_examples=100, deadline=None)
@given(body=st.binary(max_size=200), status=STATUSES, later=st.text(max_size=40), now=st.text(max_size=40))
@example(body=b'{"error":' + b"[" * 100_000, status=200, later="", now="")
@example(body=b"1" * 5000, status=200, later="Mon, 01 Jan 0000 99:00:00 +9999", now="Mon, 01 Jan 0001 00:00:00 -0000")
@example(body=b"![" * 50_000, status=200, later="\ud800", now="\0")
def test_decode_never_raises_for_bytes(body: bytes, status: int, later: str, now: str) -> None:
    """Whatever bytes and headers a service answers, decode has a verdict."""
    assert decode(Response(status, {"retry-after": later, "DATE": now}, body)).outcome in OUTCOMES
    assert decode(Response.json(answer({"text": body.decode("latin-1") + "]("}))).outcome in OUTCOMES


# Turns that are sent back

PART = st.dictionaries(st.text(max_size=6), st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=4), max_size=3)
def kept(content: Any, *pictures: Picture) -> bytes:
    packed = GEMINI.keep(Reply("picture", pictures=pictures, content=content))
    assert packed is not None
    return packed


BLOB = st.sampled_from([blob(RED), blob(BLUE), SNAKE, thought(RED), blob(b64(RED).rstrip("=")), blob("!"), blob({"sha256": "x"})])


@settings(max_examples=60, deadline=None)
@given(parts=st.lists(st.builds(lambda a, b, c: {**a, **b, "thoughtSignature": c}, PART, BLOB, st.text())))
@example(parts=[{"text": "\ud83d", "thoughtSignature": "x" * 100_000}])
def test_turns_come_back_verbatim(parts: list[dict[str, Any]]) -> None:
    """A packed turn comes back as it was, signatures included, with each kept picture standing for its base64."""
    content = {"role": "model", "parts": parts, "more": None}
    red = Picture(RED)
    packed = kept(content, *[red][: b64(RED).rstrip("=") in json.dumps(parts)])
    turn = GEMINI.recall(packed, {red.sha256: red})
    assert b64(RED).encode() not in packed
    written = json.loads(encode("a", earlier=(Exchange("", (), turn),)).body)["contents"][1]
    assert json.dumps(written) == json.dumps(content).replace(b64(RED).rstrip("=") + '"', b64(RED) + '"')


@pytest.mark.parametrize("content", [{}, {"role": "model"}, {"parts": None}, {"parts": [None, "x", {"inlineData": None}]}])
def test_turns_without_parts_come_back_verbatim(content: dict[str, Any]) -> None:
    """A turn without parts gains none when it is packed."""
    assert GEMINI.recall(kept(content), {}) == content


def test_what_is_no_turn_is_said() -> None:
    """A reply without a turn keeps none, and bytes that are another's raise ValueError, which a chain takes for a lost turn."""
    assert GEMINI.keep(Reply("text")) is None
    for strange in (b"", b"\xff", b"[]", b"7", b'{"messages": []}'):
        with pytest.raises(ValueError, match=r"."):
            GEMINI.recall(strange, {})
