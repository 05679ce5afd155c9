"""The other party of generateContent, with no network: judges a request as strictly as the real services do, then answers with a draft
picture, or with words alone where the real models tend to. `painter` draws.

It shares nothing with the module that writes the requests: a judge who shared its code would share its mistakes.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptkit.providers.offline import painter
from promptkit.providers.offline.painter import Size, Words

__all__ = ["answer", "greeting", "serve"]

PATH = re.compile(r"/v1beta/models/([A-Za-z0-9][A-Za-z0-9._-]*):generateContent")
LARGEST_BODY = 100 * 2**20  # bytes; Google's limit for a request with pictures in it
LONGEST_QUESTION = 300  # characters; whoever writes more describes a picture
MIME_TYPES = ("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif")
SIGNATURES = "https://ai.google.dev/gemini-api/docs/thought-signatures#model-behavior"
SCALES = {"512": 0.5, "1K": 1.0, "2K": 2.0, "4K": 4.0}


def _pixels(rows: str) -> dict[str, Size]:
    return {ratio: (int(width), int(height)) for ratio, width, height in map(str.split, rows.split(","))}


# As Google publishes them, for 2.5 and for the 3 family at 1K.
PIXELS_25 = _pixels(
    """1:1 1024 1024, 2:3 832 1248, 3:2 1248 832, 3:4 864 1184, 4:3 1184 864, 4:5 896 1152, 5:4 1152 896, 9:16 768 1344, 16:9 1344 768,
    21:9 1536 672"""
)
PIXELS_3 = _pixels(
    """1:1 1024 1024, 2:3 848 1264, 3:2 1264 848, 3:4 896 1200, 4:3 1200 896, 4:5 928 1152, 5:4 1152 928, 9:16 768 1376, 16:9 1376 768,
    21:9 1584 672, 1:4 512 2048, 4:1 2048 512, 1:8 384 3072, 8:1 3072 384"""
)
# The ratios and sizes that a model takes, by the beginning of its name; a gateway's own names take everything.
FAMILIES: tuple[tuple[str, Sequence[str], Sequence[str]], ...] = (
    ("gemini-2.5-", tuple(PIXELS_25), ()),
    ("gemini-3-pro-image", tuple(PIXELS_25), ("1K", "2K", "4K")),
    ("gemini-3.1-flash-lite-image", tuple(PIXELS_3), ("1K",)),
    ("gemini-nano-banana-2.1", tuple(PIXELS_3), ("1K", "2K", "4K")),
    ("", tuple(PIXELS_3), tuple(SCALES)),
)
# The request, as far as image models take one; a list holds the one shape of all its items, and bytes stand as base64.
PART = {"text": str, "inlineData": {"mimeType": str, "data": bytes}, "thought": bool, "thoughtSignature": bytes}
SHAPE: Mapping[str, Any] = {
    "model": str,
    "contents": [{"role": str, "parts": [PART]}],
    "systemInstruction": {"role": str, "parts": [{"text": str}]},
    "generationConfig": {
        "responseModalities": [str],
        "imageConfig": {"aspectRatio": str, "imageSize": str},
        "thinkingConfig": {"includeThoughts": bool, "thinkingBudget": int, "thinkingLevel": str},
        "candidateCount": int,
        "seed": int,
        "topK": int,
        "topP": float,
        "temperature": float,
    },
    "safetySettings": [{"category": str, "threshold": str}],
    "tools": [{}],
}
TYPES = {str: "TYPE_STRING", bytes: "TYPE_BYTES", bool: "TYPE_BOOL", int: "TYPE_INT32", float: "TYPE_FLOAT"}

NAMES_A_PICTURE = Words(
    """image picture photo photograph portrait illustration drawing draw paint painting render sketch sticker logo poster icon wallpaper
    comic infographic generate create redraw repaint imagen imagenes foto fotografia retrato ilustracion dibujo dibuja dibujar pinta pintar
    pintura genera generar crea crear pegatina 画像 絵 写真 生成 描い 描く イラスト ステッカー ロゴ ポスター 作成 图 圖 照片 画 绘 贴纸 海报
    标志 छवि चित्र तस्वीर फोटो बनाएँ बनाएं बनाओ बनाइए बना चित्रण स्टिकर लोगो पोस्टर"""
)
ASKS = Words("क्या कौन कौनसा कैसे कैसा कैसी क्यों कहाँ कब कितना 什么 怎么 哪个 哪种 哪些 何が 何を どう思 どんな なぜ")
OPENS_A_QUESTION = Words(  # only where a sentence begins: "the one who knows what it is" asks nothing
    """what which who whose why how can_you could_you would_you will_you should_i should_we do_you does_it is_it is_this are_there
    que_le que_te que_me que_tal que_opinas cual cuales quien por_que puedes podrias como_esta"""
)
CLOSES_A_QUESTION = re.compile("(?:[吗嗎呢]|ですか|ますか|でしょうか|かな)$")
GREETS = Words(
    """hello hi hey thanks thank bye goodbye good_morning good_evening hola gracias adios buenos_dias buenas_tardes buenas_noches
    こんにちは こんばんは おはよう ありがとう さようなら はじめまして 你好 您好 谢谢 再见 早上好 नमस्ते नमस्कार धन्यवाद शुक्रिया"""
)
CHAT = Words(  # what may stand beside a greeting and makes it no instruction
    GREETS.table
    + """ you very much so a lot there again friend all everyone that look is it great good nice cool lovely perfect my for the help this
    mucha amigo amiga muy bien todo esta es perfecto genial por tu ayuda ございます どうも とても いい です ね 非常 很 好 太 了 啊
    आपका बहुत दोस्त अच्छा है जी"""
)
SPANISH = Words("el la los las un una de del que con para por y en al lo su hazlo pon ponle agrega quita cambia hola gracias")
SCRIPTS = {"ja": "[\u3040-\u30ff]", "zh": "[\u3400-\u9fff]", "hi": "[\u0900-\u097f]", "es": "[ñÑ¿¡]"}
# Said with a new picture, with a changed one, and alone.
SENTENCES = {
    "en": ("Here is a draft of your picture.", "Here is a draft with your change.", "Happy to help! Tell me what to paint or change."),
    "es": ("Aquí tienes un borrador de tu imagen.", "Aquí está el borrador con tu cambio.", "¡Con gusto! Dime qué quieres cambiar."),
    "ja": ("画像の下書きです。", "変更を加えた下書きです。", "喜んで。何を描くか、どこを変えるかを教えてください。"),
    "zh": ("这是图片的草图。", "这是修改后的草图。", "很高兴帮忙！请告诉我想画什么、想改哪里。"),
    "hi": ("यह आपके चित्र का मसौदा है।", "यह आपके बदलाव के साथ मसौदा है।", "खुशी से मदद करूँगा! बताइए क्या बनाना या बदलना है।"),
}


class _RequestError(Exception):
    """A request that the service refuses, in Google's words."""

    def __init__(self, message: str, *, code: int = 400, status: str = "INVALID_ARGUMENT", field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.error: dict[str, Any] = {"code": code, "message": message, "status": status}
        if field is not None:
            violation = {"field": field, "description": message} if field else {"description": message}
            self.error["details"] = [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}]


@dataclass(frozen=True)
class _Task:
    """What a request comes to: the words of its last turn, the pictures that they are about, and what was configured."""

    model: str
    prompt: str
    pictures: tuple[bytes, ...]
    seen: int
    config: Mapping[str, Any]

    @property
    def is_25(self) -> bool:
        return self.model.startswith("gemini-2.5-")

    @property
    def digest(self) -> bytes:
        """What decides all that the words leave open."""
        settings = json.dumps([self.model, self.prompt, self.config.get("seed"), self.config.get("imageConfig")], sort_keys=True)
        return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in (settings.encode(), *self.pictures))).digest()


def answer(path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
    """Answers one generateContent request as an image model would: (status, headers, JSON body)."""
    try:
        return _http(200, _reply(_task(_model(path), _parsed(body))))
    except _RequestError as refused:
        return _http(refused.code, {"error": refused.error})


def greeting(url: str) -> str:
    """The line that says to whoever started the service what it answers, and where."""
    return f"The offline painter answers generateContent at {url} (no key is needed); Ctrl-C stops it."


def _http(status: int, content: Mapping[str, Any]) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/json; charset=UTF-8"}, json.dumps(content).encode()


# Judging the request


def _model(path: str) -> str:
    if found := PATH.fullmatch(path):
        return found[1]
    raise _not_found(path)


def _not_found(path: str) -> _RequestError:
    named = re.match(r"/v1beta/(models/[\w.-]+)", path)
    said = f"{named[1]} is not found for API version v1beta, or is not supported for generateContent." if named else "Not found."
    return _RequestError(said, code=404, status="NOT_FOUND")


def _parsed(body: bytes) -> Mapping[str, Any]:
    if len(body) > LARGEST_BODY:
        raise _RequestError(f"Request payload size exceeds the limit: {LARGEST_BODY} bytes.")
    try:
        found = json.loads(body.decode(), parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise _RequestError("Invalid JSON payload received. Unexpected token.", field="") from error
    fitted: dict[str, Any] = _fit(found, SHAPE, "")
    return fitted


def _constant(name: str) -> None:
    raise ValueError(name)  # NaN and Infinity are Python's, not JSON's


def _fit(value: object, shape: Any, at: str) -> Any:
    """The value, spelt as in the shape. Refuses what the shape does not name, as protobuf's reader of JSON does, and takes what that takes:
    names in snake_case too, null for what is not set, base64 of either alphabet, padded or not."""
    if isinstance(shape, Mapping) and isinstance(value, dict):
        named = [(_name(name, shape, at), inner) for name, inner in value.items()]
        return {name: _fit(inner, shape[name], f"{at}.{_snake(name)}".lstrip(".")) for name, inner in named if inner is not None}
    if isinstance(shape, list) and isinstance(value, list):
        return [_fit(item, shape[0], f"{at}[{n}]") for n, item in enumerate(value)]
    if shape is bytes and isinstance(value, str):
        standard = value.replace("-", "+").replace("_", "/")
        return standard if standard.endswith("=") else standard + "=" * (-len(standard) % 4)
    if not isinstance(shape, type) or not _is(value, shape):
        kind = TYPES[shape] if isinstance(shape, type) else "TYPE_MESSAGE"
        raise _RequestError(f"Invalid value at '{at}' ({kind}), {json.dumps(value)[:80]}", field=at)
    return value


def _name(name: str, shape: Mapping[str, Any], at: str) -> str:
    """The shape's spelling of a name."""
    known = {_snake(n): n for n in shape}.get(name, name)
    if known not in shape:
        where = f" at '{at}'" if at else ""
        raise _RequestError(f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.', field=at)
    return known


def _is(value: object, kind: type) -> bool:
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31
    return isinstance(value, (int, float)) and not isinstance(value, bool) if kind is float else isinstance(value, kind)


def _snake(name: str) -> str:
    return re.sub("[A-Z]", lambda found: "_" + found[0].lower(), name)


def _task(model: str, request: Mapping[str, Any]) -> _Task:
    contents, config = request.get("contents", []), request.get("generationConfig", {})
    _judge_turns(contents)
    _judge_signatures(model, contents)
    _judge_config(model, config, "systemInstruction" in request)
    turns = [_pictures(turn["parts"], f"contents[{n}]") for n, turn in enumerate(contents)]
    prompt = "\n".join(_words(contents[-1]["parts"]))
    about = turns[-1] or [picture for turn in turns for picture in turn][-1:]
    return _Task(model, prompt, tuple(about), sum(map(len, turns)), config)


def _words(parts: Sequence[Mapping[str, Any]]) -> list[str]:
    """The texts of a turn, without those behind the first that stand right before a picture: these say which picture it is."""
    texts = [n for n, part in enumerate(parts) if "text" in part]
    return [parts[n]["text"] for n in texts if n == texts[0] or not _is_label(parts, n)]


def _is_label(parts: Sequence[Mapping[str, Any]], n: int) -> bool:
    return n + 1 < len(parts) and "inlineData" in parts[n + 1]


def _judge_turns(contents: Sequence[Mapping[str, Any]]) -> None:
    if not contents:
        raise _RequestError("* GenerateContentRequest.contents: contents is not specified\n")
    for n, turn in enumerate(contents):
        if turn.get("role", "user") not in ("user", "model"):
            raise _RequestError("Please use a valid role: user, model.")
        if not turn.get("parts"):
            raise _RequestError(f"* GenerateContentRequest.contents[{n}].parts: contents.parts must not be empty.\n")
        for m, part in enumerate(turn["parts"]):
            _judge_part(part, f"contents[{n}].parts[{m}]")
    if contents[-1].get("role", "user") != "user":
        raise _RequestError("Please ensure that multiturn requests end with a user role or a function response.")


def _judge_signatures(model: str, contents: Sequence[Mapping[str, Any]]) -> None:
    """A turn of the model's comes back as it was: its first part that is no thought, and every picture, bring their signatures along."""
    for n, turn in enumerate(contents):
        parts = [(m, part) for m, part in enumerate(turn["parts"]) if turn.get("role") == "model" and not part.get("thought")]
        for i, (m, part) in enumerate(parts):
            kind = "Image" if "inlineData" in part else "Text"
            if "thoughtSignature" not in part and (i == 0 or kind == "Image"):
                said = f"{kind} part is missing a thought_signature in content position {n + 1}, part position {m + 1}."
                raise _RequestError(f"{said} Please refer to {SIGNATURES} for more details.")
            if "thoughtSignature" in part and part["thoughtSignature"] != _signature(model, part):
                raise _RequestError("Corrupted thought signature.")


def _signature(model: str, part: Mapping[str, Any]) -> str:
    """What the painter signs a part with; another model, and another party, would sign it otherwise."""
    said = part["inlineData"]["data"] if "inlineData" in part else part["text"]
    return base64.b64encode(hashlib.sha256(f"painter {model} {said}".encode()).digest()).decode()


def _judge_part(part: Mapping[str, Any], at: str) -> None:
    if "text" in part and "inlineData" in part:
        raise _RequestError(f"Invalid value at '{at}' (oneof), oneof field 'data' is already set. Cannot set 'inlineData'", field=at)
    if "text" not in part and "inlineData" not in part:
        raise _RequestError(f"* GenerateContentRequest.{at}.data: required oneof field 'data' must have one initialized field\n")


def _judge_config(model: str, config: Mapping[str, Any], instructed: bool) -> None:
    asked = config.get("responseModalities", [])
    if sorted(asked) != ["IMAGE", "TEXT"]:
        raise _RequestError(
            f"The requested combination of response modalities ({', '.join(asked)}) is not supported by the model. "
            f"models/{model} accepts the following combination of response modalities:\n* TEXT, IMAGE\n"
        )
    if config.get("candidateCount", 1) != 1:
        raise _RequestError("Multiple candidates is not enabled for this model")
    if model.startswith("gemini-2.5-") and (instructed or "thinkingConfig" in config):
        raise _RequestError(f"{'Developer instruction' if instructed else 'Thinking'} is not enabled for models/{model}")
    _, ratios, sizes = next(family for family in FAMILIES if model.startswith(family[0]))
    for name, known in (("aspectRatio", ratios), ("imageSize", sizes)):
        if config.get("imageConfig", {}).get(name, None) not in (None, *known):
            at = f"generation_config.image_config.{_snake(name)}"
            raise _RequestError(f"* GenerateContentRequest.{at}: must be one of ({', '.join(known)}) for models/{model}", field=at)


def _pictures(parts: Sequence[Mapping[str, Any]], at: str) -> list[bytes]:
    """The pictures of a turn, decoded; a thought's is judged and passed over."""
    found = [(part, _decoded(part["inlineData"], f"{at}.parts[{n}].inline_data")) for n, part in enumerate(parts) if "inlineData" in part]
    return [data for part, data in found if not part.get("thought")]


def _decoded(blob: Mapping[str, str], at: str) -> bytes:
    mime_type, text = blob.get("mimeType", ""), blob.get("data", "")
    if mime_type not in MIME_TYPES:
        raise _RequestError(f"Unsupported MIME type: {mime_type}. MIME type must be one of {', '.join(MIME_TYPES)}")
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        said = f"Invalid value at '{at}.data' (TYPE_BYTES), Base64 decoding failed for {json.dumps(text[:40])}"
        raise _RequestError(said, field=f"{at}.data") from error
    if mime_type not in _types(data):
        raise _unreadable()
    return data


def _types(data: bytes) -> Sequence[str]:
    """The types that these bytes may honestly be called."""
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"):
        return ("image/heic", "image/heif")
    magic = {"image/png": data[:8] == b"\x89PNG\r\n\x1a\n", "image/jpeg": data[:3] == b"\xff\xd8\xff"}
    magic["image/webp"] = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    return [mime_type for mime_type, found in magic.items() if found]


def _unreadable() -> _RequestError:
    return _RequestError("Unable to process input image. Please retry or report in https://developers.generativeai.google/guide/troubleshooting")


# Answering it


def _reply(task: _Task) -> dict[str, Any]:
    painted, changed, talked = SENTENCES[_language(task.prompt)]
    if _only_talks(task.prompt):
        return _envelope(task, [{"text": talked}])
    try:
        data = painter.paint(task.prompt, task.pictures, _size(task), task.digest)
    except painter.Unreadable as error:
        raise _unreadable() from error
    blob = {"mimeType": "image/png", "data": base64.b64encode(data).decode()}
    return _envelope(task, [{"text": changed if task.pictures else painted}, {"inlineData": blob}])


def _signed(task: _Task, parts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [{**part, "thoughtSignature": _signature(task.model, part)} for part in parts]


def _envelope(task: _Task, parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    asked = {"TEXT": _tokens(task.prompt), "IMAGE": 258 * task.seen}
    said, drawn = _tokens(parts[0]["text"]), (1290 if task.is_25 else 1120) * (len(parts) - 1)
    usage = {
        "promptTokenCount": sum(asked.values()),
        "candidatesTokenCount": said + drawn,
        "totalTokenCount": sum(asked.values()) + said + drawn,
        "promptTokensDetails": [{"modality": kind, "tokenCount": count} for kind, count in asked.items() if count],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": drawn} if drawn else {"modality": "TEXT", "tokenCount": said}],
    }
    candidate = {"content": {"role": "model", "parts": _signed(task, parts)}, "finishReason": "STOP", "index": 0}
    response_id = base64.urlsafe_b64encode(task.digest[:15]).decode()
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": task.model, "responseId": response_id}


def _tokens(text: str) -> int:
    return math.ceil(len(text) / 4)  # Google's rule of thumb


def _size(task: _Task) -> Size | None:
    """The size in pixels that was asked for; None keeps that of the picture to change."""
    image = task.config.get("imageConfig", {})
    ratio, scale = image.get("aspectRatio"), SCALES.get(image.get("imageSize"))
    if ratio or not task.pictures:
        width, height = (PIXELS_25 if task.is_25 else PIXELS_3)[ratio or "1:1"]
        return round(width * (scale or 1)), round(height * (scale or 1))
    if scale is None:
        return None
    width, height = painter.size_of(task.pictures[0])
    factor = 1024 * scale / math.sqrt(width * height)
    return max(1, round(width * factor)), max(1, round(height * factor))


def _language(prompt: str) -> str:
    found = (name for name, script in SCRIPTS.items() if re.search(script, prompt))
    return next(found, "es" if _speaks_spanish(prompt) else "en")


def _speaks_spanish(prompt: str) -> bool:
    words = prompt.split()
    return 2 * len(SPANISH.within(prompt)) >= min(4, len(words)) > 0


def _only_talks(prompt: str) -> bool:
    """Whether a real model would answer this with words alone: a question or small talk that names no picture."""
    spoken = painter.QUOTED.sub(" ", prompt)  # a question mark in lettering asks nothing
    if NAMES_A_PICTURE.within(spoken) or len(spoken) > LONGEST_QUESTION:
        return False
    chats = GREETS.within(spoken) and not re.search(r"\w", CHAT.pattern.sub("", painter.fold(spoken)))
    return bool(chats) or any(map(_asks, re.split(r"[.!。！।;；\n]+", spoken)))


def _asks(sentence: str) -> bool:
    said = painter.fold(sentence).strip()
    opens = OPENS_A_QUESTION.pattern.match(said)
    return bool(opens or re.search("[?¿]", said) or CLOSES_A_QUESTION.search(said) or ASKS.within(said))


# A real socket


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds that an idle connection is kept
    wbufsize = -1  # headers and body leave together
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        if (body := self._body()) is not None:
            self._send(*answer(self.path, body))

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if not length:
            self.send_error(411, "A body needs its Content-Length.")
        elif not re.fullmatch("[0-9]{1,12}", length):
            self.send_error(400, "Content-Length is a number of bytes.")
        elif len(body := self.rfile.read(int(length))) == int(length):
            return body
        self.close_connection = True  # nobody knows where the next request would begin
        return None

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Google's shape of an error, where http.server would answer HTML; any method but POST is a 404 there."""
        self.close_connection = True
        refused = _not_found(self.path) if code == 501 else _RequestError(message or explain or "", code=code)
        self._send(*_http(refused.code, {"error": refused.error}))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, http.server's name
        """Nothing: a request line may hold what its sender would not want logged."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64  # variations arrive all at once

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Passes over a client that hung up, which needs no traceback."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def serve(host: str = "127.0.0.1", port: int = 0) -> http.server.ThreadingHTTPServer:
    """The same painter behind a real socket; the caller runs serve_forever(). port 0 takes a free one."""
    return _Server((host, port), _Handler)
