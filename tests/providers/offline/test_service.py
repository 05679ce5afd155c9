"""The service's side of the wire: what it accepts, what it refuses in which words, when it paints and when it only talks."""

import base64
import contextlib
import http.client
import io
import json
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from promptkit.providers.offline import service as offline

MODEL = "gemini-2.5-flash-image"
BOTH = {"responseModalities": ["TEXT", "IMAGE"]}
DELETE = object()


def path(model: str = MODEL) -> str:
    return f"/v1beta/models/{model}:generateContent"


def png(size: tuple[int, int] = (96, 64), colour: str = "#c8b45a", kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind)
    return out.getvalue()


def blob(data: bytes, mime_type: str = "image/png") -> dict[str, Any]:
    return {"inlineData": {"mimeType": mime_type, "data": base64.b64encode(data).decode()}}


def request(prompt: str = "Make it night", *parts: dict[str, Any], **config: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": prompt}, *parts]}], "generationConfig": BOTH | config}


def ask(content: object, model: str = MODEL) -> tuple[int, dict[str, Any]]:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    status, headers, answered = offline.answer(path(model), body)
    assert headers["Content-Type"].startswith("application/json")
    return status, json.loads(answered)


def picture(reply: dict[str, Any]) -> Image.Image:
    data = reply["candidates"][0]["content"]["parts"][1]["inlineData"]["data"]
    return Image.open(io.BytesIO(base64.b64decode(data, validate=True)))


def refusal(content: object, model: str = MODEL) -> str:
    """The message of a 400, whose shape is Google's."""
    status, reply = ask(content, model)
    assert status == 400, reply
    assert reply["error"]["code"] == 400
    assert reply["error"]["status"] == "INVALID_ARGUMENT"
    message: str = reply["error"]["message"]
    return message


# What it answers


def test_a_painted_reply_has_the_shape_of_googles() -> None:
    """Text and a PNG in one candidate that stopped, with usage that adds up and the model's name."""
    status, reply = ask(request("a fox", blob(png())))
    candidate, usage = reply["candidates"][0], reply["usageMetadata"]
    assert status == 200
    assert (candidate["finishReason"], candidate["index"], candidate["content"]["role"]) == ("STOP", 0, "model")
    text, image = candidate["content"]["parts"]
    assert text["text"]
    assert image["inlineData"]["mimeType"] == "image/png"
    assert usage["promptTokensDetails"] == [{"modality": "TEXT", "tokenCount": 2}, {"modality": "IMAGE", "tokenCount": 258}]
    assert usage["candidatesTokensDetails"] == [{"modality": "IMAGE", "tokenCount": 1290}]
    assert usage["totalTokenCount"] == usage["promptTokenCount"] + usage["candidatesTokenCount"]
    assert reply["modelVersion"] == MODEL


def test_the_three_family_counts_fewer_tokens_for_a_picture() -> None:
    """A picture is 1290 tokens of 2.5 and 1120 of the others."""
    _, reply = ask(request("a fox"), "gemini-3-pro-image")
    assert reply["usageMetadata"]["candidatesTokensDetails"] == [{"modality": "IMAGE", "tokenCount": 1120}]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (request("a fox"), request("a fox", seed=7)),
        (request("a fox", seed=8), request("a fox", seed=7)),
        (request("a fox"), request("a cat")),
        (request("a fox", blob(png())), request("a fox", blob(png(colour="#335577")))),
    ],
    ids=["seeded", "seed", "prompt", "picture"],
)
def test_equal_requests_give_equal_bytes_and_others_do_not(one: dict[str, Any], other: dict[str, Any]) -> None:
    """The words, the picture and the seed decide, and nothing else."""
    body = json.dumps(one).encode()
    first = offline.answer(path(), body)
    assert offline.answer(path(), body) == first
    (_, here), (_, there) = ask(one), ask(other)
    assert picture(here).tobytes() != picture(there).tobytes()
    assert here["responseId"] != there["responseId"]


def test_a_new_process_gives_the_same_bytes() -> None:
    """Nothing of a process, such as its hash seed, gets into a picture."""
    script = "import sys; from promptkit.providers.offline.service import answer; "
    script += "sys.stdout.buffer.write(answer(sys.argv[1], sys.stdin.buffer.read())[2])"
    body = json.dumps(request("a pink alpaca “Olé 犬”")).encode()
    runs = [subprocess.run([sys.executable, "-c", script, path()], input=body, capture_output=True, check=True).stdout for _ in range(2)]
    assert runs[0] == runs[1] != b""


TALK = [
    "What would suit it at night?",
    "Can you make it night?",
    "what goes well with it",
    "hello",
    "Thank you so much, that looks great!",
    "Hola, ¿qué le quedaría bien?",
    "Gracias",
    "夜に何が似合う？",
    "もっと明るくできますか",
    "ありがとうございます",
    "晚上什么适合它？",
    "可以加一顶帽子吗",
    "谢谢",
    "रात में इस पर क्या अच्छा लगेगा?",
    "नमस्ते",
]
ORDERS = [
    "Make it night",
    "Add a hat",
    'Write "Who?" on it',
    "Say 'What?' in blue",
    "Generate the updated image: what would suit it at night?",
    "Which picture would you draw?",
    "A hat that shows what it is",
    "Hello Kitty on a hill",
    "Hazlo de noche",
    "Añade un sombrero",
    "¿Puedes dibujar un oso?",
    "夜にして",
    "帽子をかぶせて",
    "どんな画像になりますか？",
    "添加羊驼",
    "生成添加羊驼后的图片",
    "写上「为什么？」",
    "इसे रात बना दो",
    "टोपी जोड़ें",
    "क्या आप एक चित्र बनाएँगे?",
    "a fox " * 60 + "?",
]


@pytest.mark.parametrize("prompt", TALK)
def test_questions_and_small_talk_get_words_alone(prompt: str) -> None:
    """A question or small talk that names no picture is answered in text, with no IMAGE tokens, even beside a picture."""
    status, reply = ask(request(prompt, blob(png())))
    (part,) = reply["candidates"][0]["content"]["parts"]
    assert status == 200
    assert part.keys() == {"text", "thoughtSignature"}
    assert reply["candidates"][0]["finishReason"] == "STOP"
    assert [d["modality"] for d in reply["usageMetadata"]["candidatesTokensDetails"]] == ["TEXT"]


@pytest.mark.parametrize("prompt", ORDERS)
def test_orders_and_what_names_a_picture_are_painted(prompt: str) -> None:
    """Instructions, lettering with question marks, long descriptions, and questions that name a picture bring a picture."""
    status, reply = ask(request(prompt, blob(png())))
    assert status == 200
    assert picture(reply).size == (96, 64)


@pytest.mark.parametrize(
    ("prompt", "said"),
    [("Hello!", "Happy"), ("¡Hola!", "gusto"), ("こんにちは", "喜んで"), ("你好", "高兴"), ("नमस्ते", "खुशी"), ("gracias", "gusto")],
)
def test_it_talks_in_the_prompts_language(prompt: str, said: str) -> None:
    """Five languages, told apart by script, or by their small words."""
    assert said in ask(request(prompt))[1]["candidates"][0]["content"]["parts"][0]["text"]


PIXELS = [
    (MODEL, "9:16", None, (768, 1344)),
    (MODEL, "21:9", None, (1536, 672)),
    ("gemini-2.5-flash-image-preview", "3:4", None, (864, 1184)),
    ("gemini-3-pro-image", None, None, (1024, 1024)),
    ("gemini-3-pro-image", "16:9", None, (1376, 768)),
    ("gemini-3-pro-image", "16:9", "2K", (2752, 1536)),
    ("gemini-3.1-flash-image", "2:3", "512", (424, 632)),
    ("gemini-3.1-flash-lite-image", "8:1", "1K", (3072, 384)),
    ("some-gateways-own", "1:4", "4K", (2048, 8192)),
]


@pytest.mark.parametrize(("model", "ratio", "size", "pixels"), PIXELS)
def test_a_picture_has_the_published_pixels(model: str, ratio: str | None, size: str | None, pixels: tuple[int, int]) -> None:
    """Ratio and size decide the pixels by the model's own table, for new pictures and for changed ones."""
    asked = {k: v for k, v in (("aspectRatio", ratio), ("imageSize", size)) if v}
    assert picture(ask(request("dots", imageConfig=asked), model)[1]).size == pixels
    if ratio and size != "4K":
        assert picture(ask(request("dots", blob(png()), imageConfig=asked), model)[1]).size == pixels


@pytest.mark.parametrize("size", [(1, 1), (7, 13), (400, 30), (640, 480)])
def test_a_change_keeps_the_size_of_what_it_changes(size: tuple[int, int]) -> None:
    """Without a ratio the picture keeps its pixels, however few."""
    assert picture(ask(request("add a cat", blob(png(size))))[1]).size == size


def test_a_change_to_another_size_keeps_the_shape() -> None:
    """imageSize without a ratio scales the picture's own shape to that many pixels."""
    assert picture(ask(request("dots", blob(png((80, 20))), imageConfig={"imageSize": "512"}), "m")[1]).size == (1024, 256)


def test_a_conversation_is_continued_from_its_last_picture() -> None:
    """User, model, user: thoughts and signatures are accepted, and without a new picture the last one that is no thought is changed."""
    thought = {**blob(png((30, 30))), "thought": True, "thoughtSignature": "c2ln"}
    asked = {"role": "user", "parts": [{"text": "a fox"}, blob(png((60, 40)))]}
    answered = ask({"contents": [asked], "generationConfig": BOTH})[1]["candidates"][0]["content"]
    turns = [asked, {**answered, "parts": [thought, *answered["parts"]]}, {"role": "user", "parts": [{"text": "make it night"}]}]
    assert picture(ask({"contents": turns, "generationConfig": BOTH})[1]).size == (60, 40)


def test_a_turn_of_the_models_comes_back_as_it_was() -> None:
    """A signature that is missing, of another picture, of another model, or a picture that the painter did not make is a 400."""
    asked = {"role": "user", "parts": [{"text": "a fox"}, blob(png((60, 40)))]}
    more = {"role": "user", "parts": [{"text": "make it night"}]}
    words, drawn = ask({"contents": [asked], "generationConfig": BOTH})[1]["candidates"][0]["content"]["parts"]

    def refused(*parts: dict[str, Any], model: str = "gemini-2.5-flash-image") -> str:
        turns = [asked, {"role": "model", "parts": parts}, more]
        status, said = ask({"contents": turns, "generationConfig": BOTH}, model)
        return said["error"]["message"] if status == 400 else ""

    unsigned = {"inlineData": drawn["inlineData"]}
    assert refused(words, drawn) == ""
    missing = "{} part is missing a thought_signature in content position 2, part position {}."
    assert refused(words, unsigned).startswith(missing.format("Image", 2))
    assert refused({"text": words["text"]}, drawn).startswith(missing.format("Text", 1))
    assert refused(words, drawn, model="gemini-3-pro-image") == "Corrupted thought signature."
    assert refused(words, {**blob(png((60, 40))), "thoughtSignature": drawn["thoughtSignature"]}) == "Corrupted thought signature."
    assert refused({**words, "text": "Hello"}, drawn) == "Corrupted thought signature."


def test_the_first_picture_of_the_last_turn_is_changed_and_others_are_shown() -> None:
    """Several pictures: the first keeps its size, a further one appears in it in its own colours."""
    alone = picture(ask(request("make it night", blob(png((300, 200)))))[1])
    both = picture(ask(request("make it night", blob(png((300, 200))), blob(png((50, 80), "#00ff00"))))[1]).convert("RGB")
    assert both.size == alone.size
    assert (0, 255, 0) in {colour for _, colour in both.getcolors(1 << 20) or ()}


def test_words_right_before_a_picture_are_no_prompt() -> None:
    """Labels between pictures say which one is meant: they are neither answered nor painted; words behind the pictures are a prompt."""
    base, other = blob(png((60, 40))), blob(png((50, 80), "#00ff00"))
    label = {"text": "heroine: what is it?"}

    def painted(*parts: dict[str, Any]) -> bytes:
        return picture(ask({"contents": [{"role": "user", "parts": parts}], "generationConfig": BOTH})[1]).tobytes()

    plain = painted({"text": "make it night"}, base, other)
    assert painted({"text": "make it night"}, base, label, other) == plain
    assert painted(base, other, {"text": "make it night"}) == plain


@pytest.mark.parametrize(("kind", "mime_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")])
def test_the_common_types_are_taken(kind: str, mime_type: str) -> None:
    """PNG, JPEG and WebP are read when they are called what they are."""
    assert ask(request("make it night", blob(png(kind=kind), mime_type)))[0] == 200


def test_a_role_may_be_left_out_and_the_3_family_takes_instructions() -> None:
    """A single turn needs no role, and systemInstruction and thinkingConfig are refused by 2.5 alone."""
    content = {"contents": [{"parts": [{"text": "a fox"}]}], "systemInstruction": {"parts": [{"text": "be kind"}]}}
    config = {"generationConfig": BOTH | {"thinkingConfig": {"includeThoughts": True}, "temperature": 1, "seed": -5, "candidateCount": 1}}
    safety = {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"}]}
    assert ask(content | config | safety, "gemini-3-pro-image")[0] == 200


# What it refuses


def changed(*steps: str | int, to: object) -> dict[str, Any]:
    """A good request with one thing changed, or taken out."""
    content = request("make it night", blob(png()))
    target: Any = content
    for step in steps[:-1]:
        target = target[step]
    if to is DELETE:
        del target[steps[-1]]
    else:
        target[steps[-1]] = to
    return content


TURN: tuple[str | int, ...] = ("contents", 0)
PART = (*TURN, "parts", 1)
DATA = (*PART, "inlineData", "data")
CONFIG = "generationConfig"
GOOD = base64.b64encode(png()).decode()

REFUSED: dict[str, tuple[object, str]] = {
    "not JSON": (b"{'a': 1}", "Invalid JSON payload received"),
    "not UTF-8": (b'{"contents": "\xff"}', "Invalid JSON payload received"),
    "NaN": (b'{"generationConfig": {"temperature": NaN}}', "Invalid JSON payload received"),
    "deep": (b"[" * 100_000, "Invalid JSON payload received"),
    "a list": (b"[]", "Invalid value"),
    "no contents": (changed("contents", to=DELETE), "contents is not specified"),
    "empty contents": (changed("contents", to=[]), "contents is not specified"),
    "role": (changed(*TURN, "role", to="system"), "valid role: user, model"),
    "no parts": (changed(*TURN, "parts", to=DELETE), "contents.parts must not be empty"),
    "ends with the model": (changed(*TURN, "role", to="model"), "end with a user role"),
    "empty part": (changed(*PART, to={}), "must have one initialized field"),
    "only a signature": (changed(*PART, to={"thoughtSignature": "c2ln"}), "must have one initialized field"),
    "text and picture": (changed(*PART, "text", to="x"), "oneof field 'data' is already set"),
    "data: prefix": (changed(*DATA, to="data:image/png;base64," + GOOD), "Base64 decoding failed"),
    "line break": (changed(*DATA, to=GOOD[:76] + "\n" + GOOD[76:]), "Base64 decoding failed"),
    "image/jpg": (changed(*PART, "inlineData", "mimeType", to="image/jpg"), "MIME type must be"),
    "image/gif": (changed(*PART, "inlineData", "mimeType", to="image/gif"), "MIME type must be"),
    "a lying type": (changed(*PART, "inlineData", "mimeType", to="image/jpeg"), "Unable to process input image"),
    "no picture": (changed(*DATA, to=""), "Unable to process input image"),
    "half a picture": (changed(*DATA, to=base64.b64encode(png((300, 300))[:90]).decode()), "Unable to process input image"),
    "no config": (changed(CONFIG, to=DELETE), "combination of response modalities ()"),
    "only IMAGE": (changed(CONFIG, "responseModalities", to=["IMAGE"]), "combination of response modalities (IMAGE)"),
    "AUDIO": (changed(CONFIG, "responseModalities", to=["TEXT", "IMAGE", "AUDIO"]), "combination of response modalities"),
    "candidates": (changed(CONFIG, "candidateCount", to=2), "Multiple candidates"),
    "ratio": (changed(CONFIG, "imageConfig", to={"aspectRatio": "5:3"}), "image_config.aspect_ratio"),
    "ratio of others": (changed(CONFIG, "imageConfig", to={"aspectRatio": "1:8"}), "image_config.aspect_ratio"),
    "size to 2.5": (changed(CONFIG, "imageConfig", to={"imageSize": "1K"}), "image_config.image_size"),
    "instruction to 2.5": (changed("systemInstruction", to={"parts": [{"text": "x"}]}), "Developer instruction is not enabled"),
    "thinking to 2.5": (changed(CONFIG, "thinkingConfig", to={}), "Thinking is not enabled"),
    "seed of text": (changed(CONFIG, "seed", to="7"), "'generation_config.seed' (TYPE_INT32)"),
    "seed too large": (changed(CONFIG, "seed", to=2**31), "'generation_config.seed' (TYPE_INT32)"),
    "seed true": (changed(CONFIG, "seed", to=True), "'generation_config.seed' (TYPE_INT32)"),
    "null in a list": (changed("contents", to=[None]), "'contents[0]' (TYPE_MESSAGE)"),
    "tools": (changed("tools", to=[{"googleSearch": {}}]), "Unknown name \"googleSearch\" at 'tools[0]'"),
    "unknown on top": (changed("prompt", to="x"), 'Unknown name "prompt": Cannot find field'),
    "unknown in a turn": (changed(*TURN, "name", to="x"), "Unknown name \"name\" at 'contents[0]'"),
    "unknown in a picture": (changed(*PART, "inlineData", "name", to="x"), "at 'contents[0].parts[1].inline_data'"),
    "unknown in the config": (changed(CONFIG, "style", to="x"), "Unknown name \"style\" at 'generation_config'"),
    "unknown in the image config": (changed(CONFIG, "imageConfig", to={"size": "1K"}), "at 'generation_config.image_config'"),
    "unknown in safety": (changed("safetySettings", to=[{"level": 1}]), "at 'safety_settings[0]'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_services_refuse_is_refused_in_their_words(name: str) -> None:
    """Each departure from the wire is a 400 in Google's shape that names it."""
    content, said = REFUSED[name]
    assert said in refusal(content)


def test_what_protobufs_json_leaves_open_changes_nothing() -> None:
    """Names in snake_case, URL-safe base64, no padding, null for what is not set, the model's name in the body: the same picture."""
    good = changed(*DATA, to=GOOD)
    data = GOOD.rstrip("=").replace("+", "-").replace("/", "_")
    turn = {"role": "user", "parts": [good["contents"][0]["parts"][0], {"inline_data": {"mime_type": "image/png", "data": data}}]}
    config = {"response_modalities": ["TEXT", "IMAGE"], "image_config": None, "seed": None}
    loose = {"model": MODEL, "contents": [turn], "generation_config": config, "tools": None}
    assert ask(loose) == ask(good)


@pytest.mark.parametrize(
    ("model", "size"), [("gemini-3-pro-image", "512"), ("gemini-3-pro-image", "2k"), ("gemini-3.1-flash-lite-image", "2K")]
)
def test_sizes_are_the_models_own_in_upper_case(model: str, size: str) -> None:
    """A size that a model does not have, or has in other letters, is refused."""
    assert "image_config.image_size" in refusal(request(imageConfig={"imageSize": size}), model)


def test_a_body_of_more_than_a_hundred_megabytes_is_refused() -> None:
    """Google's limit for a request with pictures in it is judged before the body is read."""
    assert "exceeds the limit: 104857600 bytes" in refusal(b" " * (100 * 2**20 + 1))


def test_an_unknown_name_comes_with_its_field() -> None:
    """details hold a BadRequest with the field, as Google's do."""
    _, reply = ask(changed(CONFIG, "style", to="x"))
    (detail,) = reply["error"]["details"]
    assert detail["@type"] == "type.googleapis.com/google.rpc.BadRequest"
    assert detail["fieldViolations"][0]["field"] == "generation_config"


def test_a_heic_picture_is_known_for_one_but_cannot_be_read() -> None:
    """Its type is accepted; Pillow has no decoder for it, which is said as Google says it."""
    heic = b"\0\0\0\x18ftypheic" + bytes(40)
    assert "Unable to process" in refusal(request("x", blob(heic, "image/heic")))
    assert "MIME type" not in refusal(request("x", blob(heic, "image/heif")))


@pytest.mark.parametrize(
    "wrong",
    ["/", "/v1/models/x:generateContent", "/v1beta/models/x:streamGenerateContent", path(""), path() + "?key=1", path("a/b")],
)
def test_other_paths_are_not_found(wrong: str) -> None:
    """Anything but generateContent of one model is a 404 in Google's shape, whatever the body."""
    status, _, body = offline.answer(wrong, b"")
    assert status == 404
    assert json.loads(body)["error"]["status"] == "NOT_FOUND"


def test_importing_it_loads_no_pillow() -> None:
    """The service is cheap to import; Pillow is loaded with the first picture."""
    script = "import sys, promptkit.providers.offline.service; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


# Behind a socket


@pytest.fixture
def port() -> Iterator[int]:
    """A painter on a free port, shut down and closed afterwards."""
    server = offline.serve()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def wire(port: int) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    yield connection
    connection.close()


def test_the_socket_answers_the_same_over_one_connection(wire: http.client.HTTPConnection) -> None:
    """HTTP/1.1 with Content-Length, kept alive over requests and refusals, with the bytes that answer() gives."""
    for body in (json.dumps(request("a fox")).encode(), b"{", json.dumps(request("hello")).encode()):
        wire.request("POST", path(), body, {"x-goog-api-key": "sk-not-a-key"})
        sock, response = wire.sock, wire.getresponse()
        status, _, expected = offline.answer(path(), body)
        assert (response.status, response.version, response.read()) == (status, 11, expected)
        assert response.getheader("Content-Length") == str(len(expected))
        assert "sk-not-a-key" not in str(response.getheaders())
        assert wire.sock is sock


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])
def test_other_methods_are_not_found(wire: http.client.HTTPConnection, method: str) -> None:
    """Only POST is known; the rest is a 404 in Google's shape."""
    wire.request(method, path())
    response = wire.getresponse()
    body = response.read()
    assert response.status == 404
    assert method == "HEAD" or json.loads(body)["error"]["status"] == "NOT_FOUND"


def test_a_body_without_its_length_is_a_411(wire: http.client.HTTPConnection) -> None:
    """A chunked body is not read: gateways dislike it, and so does the painter."""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may answer before all is sent
        wire.request("POST", path(), iter([b"{}"]), encode_chunked=True)
    response = wire.getresponse()
    assert response.status == 411
    assert response.getheader("Connection") == "close"
    assert json.loads(response.read())["error"]["code"] == 411


def test_a_length_that_is_no_number_is_a_400(wire: http.client.HTTPConnection) -> None:
    """Content-Length is judged before anything is read."""
    wire.putrequest("POST", path())
    wire.putheader("Content-Length", "-1")
    wire.endheaders()
    assert wire.getresponse().status == 400


def test_it_says_nothing_and_survives_who_hangs_up(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    """No log and no traceback; half a request, or a connection torn down before the answer, harms nobody else."""
    for length in (1000, None):
        gone = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        gone.request("POST", path(), json.dumps(request("a fox")).encode(), {"Content-Length": str(length)} if length else {})
        gone.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        gone.close()
    for prompt in ("a cat", "a dog", "hello"):
        other = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        other.request("POST", path(), json.dumps(request(prompt)).encode())
        assert other.getresponse().read()
        other.close()
    assert capfd.readouterr() == ("", "")
