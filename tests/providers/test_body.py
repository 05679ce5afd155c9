"""Bodies as they come: wrapped, in pieces, cut short, hostile; what is whole in them is found, in a time that grows with their length."""

from __future__ import annotations

import base64
import gzip
import io
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.loopback import png
from PIL import Image

from promptkit.engine.recovery import language_of
from promptkit.images.picture import decodes
from promptkit.providers.body import encoded_in, read_body
from promptkit.providers.gemini import Gemini
from promptkit.providers.message import Response

RED, BLUE = png("red", (40, 30)), png("blue", (40, 30))
decode = Gemini().decode


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def noise(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((90, 60), 90).convert("RGB").save(buffer, kind)
    return buffer.getvalue()


def part(data: bytes = RED, label: str = "image/png") -> dict[str, Any]:
    return {"inlineData": {"mimeType": label, "data": b64(data)}}


def answer(*parts: Any, **more: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP"}], **more}


def dumped(payload: Any) -> bytes:
    return json.dumps(payload).encode()


URL = "data:image/png;base64," + b64(RED)
ELSEWHERE: dict[str, bytes] = {
    "a second candidate": dumped({"candidates": [answer({"text": "one"})["candidates"][0], answer(part())["candidates"][0]]}),
    "a list of answers": dumped([answer({"text": "one"}), answer(part())]),
    "lines": dumped(answer({"text": "one"})) + b"\n" + dumped(answer(part())) + b"\n",
    "events": b"event: message\r\ndata: " + dumped(answer(part())) + b"\r\n\r\ndata: [DONE]\r\n\r\n",
    "a comment before": b": keep-alive\n\ndata: " + dumped(answer(part())) + b"\n\n",
    "an envelope": dumped({"code": 0, "data": {"response": answer(part())}}),
    "JSON in a text": dumped({"body": json.dumps(answer(part()))}),
    "an unlabelled gzip": gzip.compress(dumped(answer(part()))),
    "another key": dumped({"data": [{"b64_json": b64(RED)}]}),
    "beside the parts": dumped({**answer({"text": "done"}), "images": [{"image_url": {"url": URL}}]}),
    "a data: URL in a text": dumped(answer({"text": f"Here: {URL} so"})),
    "a data: URL in percent form": dumped(answer({"text": URL.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")})),
    "base64 alone in a fence": dumped(answer({"text": f"```\n{b64(RED)}\n```"})),
    "a text that is no JSON": f"<img src='{URL}'>".encode(),
    "the picture itself": RED,
}


@pytest.mark.parametrize("body", ELSEWHERE.values(), ids=list(ELSEWHERE))
def test_a_picture_is_found_wherever_it_stands(body: bytes) -> None:
    """What came is judged by what it holds: the picture is the result, in whatever wrapping."""
    reply = decode(Response(200, {}, body))
    assert (reply.outcome, [p.data for p in reply.pictures]) == ("picture", [RED])


def test_an_odd_place_is_said_and_the_question_is_no_answer() -> None:
    """A picture at an odd place comes with a warning that names it; what a relay repeats of the question is not taken for the answer."""
    assert "odd place (data[0].b64_json)" in decode(Response(200, {}, ELSEWHERE["another key"])).warnings[0]
    assert decode(Response.json({"request": {"contents": [{"parts": [part()]}]}, **answer({"text": "no"})})).outcome == "text"


@pytest.mark.parametrize("share", [0.2, 0.5, 0.99])
def test_a_picture_that_came_whole_is_the_result(share: float) -> None:
    """Whatever breaks off behind a picture, the picture is the result, with a warning and without a turn to send back."""
    whole = dumped(answer({"text": "Here"}, {**part(), "thoughtSignature": "A" * 100_000}))
    reply = decode(Response(200, {}, whole[: int(len(whole) * share)]))
    assert (reply.outcome, [p.data for p in reply.pictures], reply.content) == ("picture", [RED], None)
    assert "broke off behind" in reply.warnings[-1]


@pytest.mark.parametrize(("kind", "end"), [("PNG", 12), ("JPEG", 2)])
def test_a_picture_without_its_files_end(kind: str, end: int) -> None:
    """A picture that decodes in full is a result without its container's end, with a warning; half of one is kept, and asked for again."""
    data = noise(kind)
    reply = decode(Response.json(answer(part(data[:-end]))))
    assert (reply.outcome, [p.data for p in reply.pictures]) == ("picture", [data[:-end]])
    assert "without its file's end" in reply.warnings[0]
    half = decode(Response.json(answer(part(data[: len(data) // 2]))))
    assert (half.outcome, half.kept) == ("interrupted", (data[: len(data) // 2],))
    assert not decodes(data[: -len(data) // 3])


def test_bytes_of_no_known_kind_are_kept_and_told() -> None:
    """Bytes that are labelled as a picture and of no known kind are an error that names them, and are kept."""
    strange = b"\0\0\0\x0cJXL \r\n\x87\n" + b"x" * 100
    reply = decode(Response.json(answer(part(strange, "image/jxl"))))
    assert (reply.outcome, reply.reason, reply.kept) == ("error", "UNKNOWN_PICTURE", (strange,))
    assert "image/jxl, 112 bytes" in str(reply.error)


LINK = "https://img.example.com/a/b.png?sig=1"
INSTEAD: list[tuple[Any, str, str | None]] = [
    (answer({"text": f"\n![image]({LINK})\n"}), "LINK", LINK),
    (answer({"text": f"[Download]({LINK})"}), "LINK", LINK),
    (answer({"text": "https://img.example.com/i/9f2c"}), "LINK", "https://img.example.com/i/9f2c"),
    (answer({"fileData": {"mimeType": "image/png", "fileUri": "gs://bucket/a"}}), "LINK", "gs://bucket/a"),
    ({"data": [{"url": LINK}]}, "LINK", LINK),
    ({"id": "task_9", "status": "queued", "progress": 0}, "TASK", "task_9"),
    ({"code": 0, "data": {"task_id": "t-1"}}, "TASK", "t-1"),
    ({"success": False, "message": "bad luck"}, "NO_ANSWER", None),
    ({"hello": 1}, "NO_ANSWER", None),
]


@pytest.mark.parametrize(("payload", "reason", "link"), INSTEAD)
def test_what_comes_in_place_of_a_picture_is_told(payload: Any, reason: str, link: str | None) -> None:
    """A link, a task's id and an answer of another shape are errors that quote them, and not text that is asked for again."""
    reply = decode(Response.json(payload))
    assert (reply.outcome, reply.reason, reply.link) == ("error", reason, link)
    assert (link or "status 200") in str(reply.error)


def test_a_page_that_a_model_mentions_is_no_link() -> None:
    """Words that mention an address are words."""
    assert decode(Response.json(answer({"text": "Foxes: see https://example.org/wiki/Fox for more."}))).outcome == "text"


HOSTILE: dict[str, bytes] = {
    "nested usage": dumped(answer(part()))[:-1] + b', "usageMetadata": {"promptTokenCount": ' + b"[" * 984 + b"]" * 984 + b"}}",
    "deep": dumped(answer(part()))[:-1] + b', "x": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
    "an integer of 5,000 digits": dumped(answer(part()))[:-1] + b', "usageMetadata": {"promptTokenCount": ' + b"9" * 5000 + b"}}",
    "20 MB of words": dumped({"candidates": [{**answer(part())["candidates"][0], "finishMessage": "no " * 7_000_000}]}),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=list(HOSTILE))
def test_nothing_that_stands_beside_a_picture_loses_it(body: bytes) -> None:
    """Nesting, numbers and lengths that no service needs cost time in proportion, and never the picture beside them."""
    reply = decode(Response(200, {}, body))
    assert [p.data for p in reply.pictures] == [RED]
    assert len(json.dumps(dict(reply.usage))) < 200


LONG = "Ab+/" * 10_000
ESCAPED = LONG.replace("A", "\\u0041", 1)
WITH_LONG_TEXTS: dict[str, str] = {
    "one": dumped(answer({"inlineData": {"data": LONG}})).decode(),
    "several": json.dumps([LONG, {"a": LONG + "2", "b": [[LONG + "3"]]}, "short", 1]),
    "the same twice": json.dumps({"a": LONG, "b": LONG}),
    "the whole body": json.dumps([LONG]),
    "a key": json.dumps({LONG: 1, "b": LONG}),
    "a key that comes twice": f'{{"a": "{LONG}", "a": 1}}',
    "an escape in it": f'["{ESCAPED}"]',
    "an escaped quote before it": f'["so \\"{LONG}", "{LONG}"]',
    "an escaped quote behind it": f'["{LONG}\\" so", "{LONG}"]',
    "an escaped backslash behind it": f'["{LONG}\\\\", "{LONG}"]',
    "other letters": json.dumps(["é" * 40_000, LONG, "中"], ensure_ascii=False),
    "a line break in it": f'["{LONG}\n{LONG}"]',
    "blanks between values": f'["a",{" " * 40_000}"{LONG}"]',
    "numbers between texts": f'["a",{"1," * 40_000}"{LONG}"]',
    "words that look like a name": json.dumps({"0123456789abcdef-0": "0123456789abcdef-0", "b": LONG}),
}


@pytest.mark.parametrize("text", WITH_LONG_TEXTS.values(), ids=list(WITH_LONG_TEXTS))
def test_long_texts_are_read_as_json_says(text: str) -> None:
    """Whatever long texts stand in a body, and wherever, its values are those that JSON says."""
    read = read_body(text.encode())
    assert (read.values, read.is_cut) == ([json.loads(text, strict=False)], False)


JSON_VALUES = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=5), st.sampled_from([LONG, LONG + '"', LONG + "\\", "é" + LONG, LONG + "\0"])),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(["a", "b", LONG]), inner, max_size=3)),
    max_leaves=8,
)


@given(
    values=st.lists(st.lists(JSON_VALUES, max_size=3), min_size=1, max_size=3), is_ascii=st.booleans(), end=st.sampled_from(["", "\n", ","])
)
def test_any_values_are_read_as_json_says(values: list[Any], is_ascii: bool, end: str) -> None:
    """Values in lines, with long texts among them: each is what JSON says."""
    body = (end or " ").join(json.dumps(value, ensure_ascii=is_ascii) for value in values) + end
    assert read_body(body.encode()).values == values


def test_a_long_text_that_breaks_off_is_read_as_far_as_it_came() -> None:
    """What broke off in the middle of a picture, or behind one, keeps what came."""
    whole = json.dumps({"a": LONG, "b": LONG})
    assert read_body(whole[:-1].encode()) == ([{"a": LONG, "b": LONG}], True)
    assert read_body(whole[:-20_000].encode()) == ([{"a": LONG, "b": LONG[:-19_998]}], True)


GROWING: dict[str, Any] = {
    "quotes in a body": lambda n: read_body(b'["' + b'" "' * n),
    "texts of middling length": lambda n: read_body(json.dumps(["x" * 20_000] * (n // 4_000)).encode()),
    "long texts": lambda n: read_body(json.dumps(["x" * 40_000] * (n // 4_000)).encode()),
    "long texts that are none": lambda n: read_body(('["' + "\\u0041" * 8_000 + '"]').encode() * (n // 4_000)),
    "Markdown and blanks": lambda n: encoded_in("![](data:image/png;base64," + " " * n),
    "openings": lambda n: encoded_in("![" * n),
    "data: URLs": lambda n: encoded_in("![](data:image/png;base64," * (n // 20)),
    "quotes": lambda n: language_of("“" * n),
    "objects that are none": lambda n: read_body(b'{"a"}' * (n // 20)),
    "a style": lambda n: decode(Response(500, {}, b"<style" * n)),
    "a wait": lambda n: decode(Response.json({"error": {"code": 429, "message": "retry in " + "1" * n}}, 429)),
}


@pytest.mark.parametrize("work", GROWING.values(), ids=list(GROWING))
def test_work_grows_with_the_length_only(work: Any) -> None:
    """Ten times as much foreign text takes about ten times as long (a hundred would be its square)."""
    spent = []
    for n in (40_000, 400_000):
        start = time.process_time()
        work(n)
        spent.append(time.process_time() - start)
    assert spent[1] < 40 * max(spent[0], 0.02)


REFUSALS = [("SAFETY", "STOP"), ("STOP", "SAFETY"), ("FINISH_REASON_IMAGE_SAFETY",), ("FinishReason.SPII", "OTHER")]


@pytest.mark.parametrize("reasons", REFUSALS)
def test_a_refusal_of_any_candidate_is_one(reasons: tuple[str, ...]) -> None:
    """Of several candidates without a picture the one that refuses counts, in whichever spelling and order."""
    reply = decode(Response.json({"candidates": [{"content": {}, "finishReason": r} for r in reasons]}))
    assert reply.outcome == "refused"
    assert reply.reason in reasons
    assert reply.reason not in ("STOP", "OTHER")


def test_what_an_answer_without_candidates_was_counted_as_is_kept() -> None:
    """An answer that is no answer is priced by its usage, where it has one."""
    reply = decode(Response.json({"hello": 1, "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5}}))
    assert reply.outcome == "error"
    assert reply.usage["promptTokenCount"] == 10
    assert reply.tokens is not None
    assert reply.tokens.prompt == 10


def test_a_picture_from_an_odd_place_goes_back_as_a_part() -> None:
    """In a chain that talks, the model's turn holds the picture that stood beside its parts."""
    url = f"data:image/png;base64,{b64(RED)}"
    reply = decode(Response.json({"candidates": [{"content": {"parts": [{"text": "done"}], "images": [{"url": url}]}}]}))
    kept = json.loads(Gemini().keep(reply) or b"{}")
    assert kept["parts"][1:] == [{"inlineData": {"mimeType": "image/png", "data": {"sha256": reply.pictures[0].sha256}}}]
