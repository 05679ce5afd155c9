"""The other party of generateContent, with no network: judges a request as strictly as the real services do, then answers with a draft
picture, or with words alone where the real models tend to. `painter` draws; ratios, the request's shape and all words are in tables.toml.

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

from promptkit.providers.offline import words
from promptkit.providers.offline.batch import Batch, Faults

__all__ = ["answer", "greeting", "serve"]

PATH = re.compile(r"/v1beta/models/([A-Za-z0-9][A-Za-z0-9._-]*):generateContent")
LARGEST_BODY = 100 * 2**20  # bytes; Google's limit for a request with pictures in it
LONGEST_QUESTION = 300  # characters; whoever writes more describes a picture
SCALES = {"512": 0.5, "1K": 1.0, "2K": 2.0, "4K": 4.0}


class _RequestError(Exception):
    """A request that the service refuses, in Google's words: a row of the refusals in tables.toml, with what stands in its gaps."""

    def __init__(self, kind: str, *, code: int = 400, status: str = "INVALID_ARGUMENT", field: str | None = None, **said: object) -> None:
        message = words.table("refusals")[kind].format(**said)
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
    return f"The offline painter answers generateContent, and batch mode, at {url} (no key is needed); Ctrl-C stops it."


def _http(status: int, content: Mapping[str, Any]) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/json; charset=UTF-8"}, json.dumps(content).encode()


# Judging the request


def _model(path: str) -> str:
    if found := PATH.fullmatch(path):
        return found[1]
    raise _not_found(path)


def _not_found(path: str) -> _RequestError:
    named = re.match(r"/v1beta/(models/[\w.-]+)", path)
    return _RequestError("model" if named else "path", code=404, status="NOT_FOUND", name=named and named[1])


def _parsed(body: bytes) -> Mapping[str, Any]:
    if len(body) > LARGEST_BODY:
        raise _RequestError("size", limit=LARGEST_BODY)
    try:
        found = json.loads(body.decode(), parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise _RequestError("token", field="") from error
    fitted: dict[str, Any] = _fit(found, words.table("request"), "")
    return fitted


def _constant(name: str) -> None:
    raise ValueError(name)  # NaN and Infinity are Python's, not JSON's


def _fit(value: Any, shape: Any, at: str) -> Any:
    """The value, spelt as in the shape. Refuses what the shape does not name, as protobuf's reader of JSON does, and takes what that takes:
    names in snake_case too, null for what is not set, base64 of either alphabet, padded or not."""
    if isinstance(shape, Mapping) and isinstance(value, dict):
        named = [(_name(name, shape, at), inner) for name, inner in value.items()]
        return {name: _fit(inner, shape[name], f"{at}.{_snake(name)}".lstrip(".")) for name, inner in named if inner is not None}
    if isinstance(shape, list) and isinstance(value, list):
        return [_fit(item, shape[0], f"{at}[{n}]") for n, item in enumerate(value)]
    if shape == "bytes" and isinstance(value, str):
        standard = value.replace("-", "+").replace("_", "/")
        return standard if standard.endswith("=") else standard + "=" * (-len(standard) % 4)
    fitting, kind = words.table("types")[shape] if isinstance(shape, str) else ("", "TYPE_MESSAGE")
    if type(value).__name__ not in fitting.split() or (shape == "int" and not -(2**31) <= value < 2**31):
        raise _RequestError("value", field=at, at=at, type=kind, value=json.dumps(value)[:80])
    return value


def _name(name: str, shape: Mapping[str, Any], at: str) -> str:
    """The shape's spelling of a name."""
    known = {_snake(n): n for n in shape}.get(name, name)
    if known not in shape:
        raise _RequestError("name", field=at, name=name, where=f" at '{at}'" if at else "")
    return known


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
        raise _RequestError("contents")
    for n, turn in enumerate(contents):
        if turn.get("role", "user") not in ("user", "model"):
            raise _RequestError("role")
        if not turn.get("parts"):
            raise _RequestError("parts", n=n)
        for m, part in enumerate(turn["parts"]):
            _judge_part(part, f"contents[{n}].parts[{m}]")
    if contents[-1].get("role", "user") != "user":
        raise _RequestError("turns")


def _judge_signatures(model: str, contents: Sequence[Mapping[str, Any]]) -> None:
    """A turn of the model's comes back as it was: its first part that is no thought, and every picture, bring their signatures along."""
    for n, turn in enumerate(contents):
        parts = [(m, part) for m, part in enumerate(turn["parts"]) if turn.get("role") == "model" and not part.get("thought")]
        for i, (m, part) in enumerate(parts):
            kind = "Image" if "inlineData" in part else "Text"
            if "thoughtSignature" not in part and (i == 0 or kind == "Image"):
                raise _RequestError("unsigned", part_kind=kind, content=n + 1, part=m + 1)
            if "thoughtSignature" in part and part["thoughtSignature"] != _signature(model, part):
                raise _RequestError("signature")


def _signature(model: str, part: Mapping[str, Any]) -> str:
    """What the painter signs a part with; another model, and another party, would sign it otherwise."""
    said = part["inlineData"]["data"] if "inlineData" in part else part["text"]
    return base64.b64encode(hashlib.sha256(f"painter {model} {said}".encode()).digest()).decode()


def _judge_part(part: Mapping[str, Any], at: str) -> None:
    if "text" in part and "inlineData" in part:
        raise _RequestError("both", field=at, at=at)
    if "text" not in part and "inlineData" not in part:
        raise _RequestError("neither", at=at)


def _judge_config(model: str, config: Mapping[str, Any], instructed: bool) -> None:
    asked = config.get("responseModalities", [])
    if sorted(asked) != ["IMAGE", "TEXT"]:
        raise _RequestError("modalities", asked=", ".join(asked), model=model)
    if config.get("candidateCount", 1) != 1:
        raise _RequestError("candidates")
    if model.startswith("gemini-2.5-") and (instructed or "thinkingConfig" in config):
        raise _RequestError("instruction" if instructed else "thinking", model=model)
    family = next(row for row in words.table("families") if model.startswith(row["begins"]))
    for name, known in (("aspectRatio", words.table("pixels")[family["pixels"]]), ("imageSize", family["sizes"])):
        if config.get("imageConfig", {}).get(name, None) not in (None, *known):
            at = f"generation_config.image_config.{_snake(name)}"
            raise _RequestError("choice", field=at, at=at, known=", ".join(known), model=model)


def _pictures(parts: Sequence[Mapping[str, Any]], at: str) -> list[bytes]:
    """The pictures of a turn, decoded; a thought's is judged and passed over."""
    found = [(part, _decoded(part["inlineData"], f"{at}.parts[{n}].inline_data")) for n, part in enumerate(parts) if "inlineData" in part]
    return [data for part, data in found if not part.get("thought")]


def _decoded(blob: Mapping[str, str], at: str) -> bytes:
    mime_type, text = blob.get("mimeType", ""), blob.get("data", "")
    if mime_type not in words.table("mime_types"):
        raise _RequestError("type", type=mime_type, known=", ".join(words.table("mime_types")))
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise _RequestError("base64", field=f"{at}.data", at=at, value=json.dumps(text[:40])) from error
    if not re.match(words.table("mime_types")[mime_type], data.decode("latin-1"), re.DOTALL):
        raise _RequestError("unreadable")
    return data


# Answering it


def _reply(task: _Task) -> dict[str, Any]:
    from promptkit.providers.offline import painter  # brings Pillow, which whoever only imports the service can do without

    painted, changed, talked = words.table("sentences")[_language(task.prompt)]
    if _only_talks(task.prompt):
        return _envelope(task, [{"text": talked}])
    try:
        data = painter.paint(task.prompt, task.pictures, _size(task), task.digest)
    except painter.Unreadable as error:
        raise _RequestError("unreadable") from error
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


def _size(task: _Task) -> tuple[int, int] | None:
    """The size in pixels that was asked for; None keeps that of the picture to change."""
    image = task.config.get("imageConfig", {})
    ratio, scale = image.get("aspectRatio"), SCALES.get(image.get("imageSize"))
    if ratio or not task.pictures:
        width, height = words.table("pixels")["2.5" if task.is_25 else "3"][ratio or "1:1"]
        return round(width * (scale or 1)), round(height * (scale or 1))
    if scale is None:
        return None
    from promptkit.providers.offline import painter

    width, height = painter.size_of(task.pictures[0])
    factor = 1024 * scale / math.sqrt(width * height)
    return max(1, round(width * factor)), max(1, round(height * factor))


def _language(prompt: str) -> str:
    found = (name for name, script in words.table("scripts").items() if re.search(script, prompt))
    return next(found, "es" if _speaks_spanish(prompt) else "en")


def _speaks_spanish(prompt: str) -> bool:
    return 2 * len(words.pattern("spanish", "talk").findall(words.fold(prompt))) >= min(4, len(prompt.split())) > 0


def _only_talks(prompt: str) -> bool:
    """Whether a real model would answer this with words alone: a question or small talk that names no picture."""
    spoken = words.regex("quoted").sub(" ", prompt)  # a question mark in lettering asks nothing
    if words.says("picture", spoken, "talk") or len(spoken) > LONGEST_QUESTION:
        return False
    chats = words.says("greets", spoken, "talk") and not re.search(r"\w", words.pattern("chat", "talk").sub("", words.fold(spoken)))
    return chats or any(map(_asks, re.split(r"[.!。！।;；\n]+", spoken)))


def _asks(sentence: str) -> bool:
    said = words.fold(sentence).strip()
    opens = words.pattern("opens_a_question", "talk").match(said)
    return bool(opens or re.search("[?¿]", said) or words.regex("closes_a_question").search(said) or words.says("asks", said, "talk"))


# A real socket


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds that an idle connection is kept
    wbufsize = -1  # headers and body leave together
    disable_nagle_algorithm = True

    server: _Server

    def do_POST(self) -> None:
        if (body := self._body()) is None:
            return
        if Batch.is_asked(self.path):
            self._send_of_batch(body)
        else:
            self._send(*answer(self.path, body))

    def do_GET(self) -> None:
        if Batch.is_asked(self.path):
            self._send_of_batch(b"")
        else:
            self.send_error(501)

    def do_DELETE(self) -> None:
        self.do_GET()

    def _send_of_batch(self, body: bytes) -> None:
        host = self.headers.get("Host") or "{}:{}".format(*self.server.server_address[:2])
        self._send(*self.server.batch.answered(self.command, self.path, dict(self.headers), body, host))

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
        sent = {"Content-Length": str(len(body)), **headers}
        self.close_connection = self.close_connection or sent["Content-Length"] != str(len(body))
        self.send_response(status)
        for name, value in sent.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Google's shape of an error, where http.server would answer HTML; any other method, and any other path, is a 404 there."""
        self.close_connection = True
        refused = _not_found(self.path) if code == 501 else _RequestError("http", code=code, message=message or explain or "")
        self._send(*_http(refused.code, {"error": refused.error}))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, http.server's name
        """Nothing: a request line may hold what its sender would not want logged."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64  # variations arrive all at once

    def __init__(self, address: tuple[str, int], faults: Faults | None) -> None:
        super().__init__(address, _Handler)
        self.batch = Batch(answer, faults or Faults())

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Passes over a client that hung up, which needs no traceback."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def serve(host: str = "127.0.0.1", port: int = 0, *, faults: Faults | None = None) -> _Server:
    """The same painter behind a real socket, with batch mode; the caller runs serve_forever(). port 0 takes a free one. `faults` are what
    goes wrong in batch mode.
    """
    return _Server((host, port), faults)
