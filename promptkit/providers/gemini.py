"""The generateContent protocol: requests encoded, replies decoded. Pure: no socket, no disk, no clock.

A request is one POST whose JSON body is kept in pieces, each picture standing in it as itself; its base64 is made when the body is sent.
A reply is judged by what it holds, never by its labels. Source of the facts: Google's discovery document and guides, 2026-11.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import quote

from promptkit.errors import ProviderError
from promptkit.images.formats import media_type
from promptkit.images.picture import Picture
from promptkit.providers.body import Encoded, Read, base64_bytes, encoded_in, get, read_body, strings_in, unpacked
from promptkit.providers.dialect import Dialect
from promptkit.providers.message import Exchange, InBase64, InputPicture, Reply, Request, Response, Tokens, Turn, is_ok
from promptkit.providers.service_errors import REFUSED, brief, error_reply, page_reply, says, word

__all__ = ["Gemini"]

NOT_BLOCKED = ("", "OTHER", "UNSPECIFIED", "BLOCKED_REASON_UNSPECIFIED", "BLOCK_REASON_UNSPECIFIED")
# by their numbers in google.ai.generativelanguage.v1beta, from 0 on
FINISHES = (
    *("FINISH_REASON_UNSPECIFIED", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT"),
    *("SPII", "MALFORMED_FUNCTION_CALL", "IMAGE_SAFETY", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "IMAGE_PROHIBITED_CONTENT"),
    *("IMAGE_OTHER", "NO_IMAGE", "IMAGE_RECITATION"),
)
BLOCKS = ("BLOCK_REASON_UNSPECIFIED", "SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY")
COUNTS = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "cachedContentTokenCount", "totalTokenCount")
COUNT_DETAILS = ("promptTokensDetails", "candidatesTokensDetails")
MOST_COUNTED = 10**15  # tokens; what is more is no count
TASK_KEYS = ("task_id", "taskId", "id", "request_id")
WAITING = ("queued", "queueing", "pending", "processing", "submitted", "in_progress", "in_queue", "running", "not_start", "starting")
PICTURE_LINK = re.compile(r"!\[[^\[\]]{0,500}\]\(\s{0,9}<?((?:https?|gs)://[^\s)>\"]{1,2000})")
FILE_LINK = re.compile(r"(?:https?|gs)://[^\s)>\"'\]]{1,2000}")
FILE_ENDS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif")
LINK_KEYS = ("url", "uri", "fileuri", "file_uri", "imageurl", "image_url", "imageuri", "image", "images", "data", "output", "result")


class Gemini(Dialect):
    """The dialect of generateContent, as Google and gateways speak it. Its chains can talk: a turn is kept as it came, signatures too."""

    name = "gemini"
    root_path = "/v1beta"
    # what people paste behind a base URL: a version, the path of a method, those of other protocols that the same gateway speaks
    pasted = re.compile(
        r"(?:/v1(?:beta1?|alpha)?)?(?:(?:/publishers/google)?/models/[^/]{1,200}:\w{1,60}|/publishers/google(?:/models)?"
        r"|(?:/openai)?(?:/v1)?(?:/chat/completions|/completions|/responses|/messages|/images/generations|/images/edits|/models)?)$"
    )
    interleaves = True
    largest_body = 100_000_000  # bytes; Google's limit for pictures sent inline
    options = frozenset({"aspect_ratio", "image_size", "seed", "temperature", "safety"})

    def encode(self, turn: Turn) -> Request:
        """The request for a turn, after the exchanges before it."""
        contents = [content for exchange in turn.earlier for content in _both_turns(exchange)]
        payload = {"contents": [*contents, _user_turn(turn.text, turn.pictures)], **_options(turn.config)}
        name = quote(turn.model.removeprefix("models/"), safe="/:@", errors="replace")  # a "?" or a blank would end the path
        # Vertex names its models by where they are published, and speaks the same protocol below another version
        path = f"/v1beta1/{name}" if name.startswith(("publishers/", "projects/")) else f"{self.root_path}/models/{name}"
        return Request(f"{path}:generateContent", tuple(_merged(_json(payload))))

    def decode(self, response: Response) -> Reply:
        """What a response says. Never raises for what a service may send: broken bodies are `interrupted`, and errors are in `error`."""
        body = unpacked(response.body)
        read = read_body(body)
        if is_ok(response.status):
            return _answer(response._replace(body=body), read)
        said = next((v for v in read.values if v), None)
        said = _first(said) if isinstance(said, list) else said  # some routes wrap an error in a list of one
        return error_reply(response, _mapping(said)) if read.values else page_reply(response._replace(body=body))

    def keep(self, reply: Reply) -> bytes | None:
        """The model's turn as bytes to keep: verbatim, but that the reply's pictures stand as their sha256."""
        return None if reply.content is None else _packed_turn(reply.content, reply.pictures)

    def recall(self, kept: bytes, pictures: Mapping[str, Picture]) -> dict[str, Any]:
        """The turn again, with the pictures where they stood; `pictures` is by sha256. ValueError for what is no turn."""
        content = json.loads(kept)
        if not isinstance(content, dict) or (content and not content.keys() & {"role", "parts"}):
            raise ValueError("this is no turn of a model in this dialect")
        for part in _list(content.get("parts")):
            for spelling in ("inlineData", "inline_data"):
                blob = _mapping(_mapping(part).get(spelling))
                sha256 = _mapping(blob.get("data")).get("sha256")
                if isinstance(sha256, str) and sha256 in pictures:
                    blob["data"] = pictures[sha256]
        return content


# Requests


def _both_turns(exchange: Exchange) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    return _user_turn(exchange.text, exchange.pictures), exchange.answer


def _user_turn(text: str, pictures: Sequence[InputPicture]) -> dict[str, Any]:
    """One user turn, in which each picture stands as itself, behind its label."""
    return {"role": "user", "parts": [{"text": text}, *(part for p in pictures for part in _parts(p))]}


def _parts(sent: InputPicture) -> Iterator[dict[str, Any]]:
    if sent.label:
        yield {"text": sent.label}
    yield {"inlineData": {"mimeType": sent.picture.mime_type, "data": sent.picture}}


def _options(config: Mapping[str, Any]) -> dict[str, Any]:
    # both modalities, always: ["IMAGE"] alone is a 400 on older models and drops the explanation of a refusal
    generation: dict[str, Any] = {"responseModalities": ["TEXT", "IMAGE"]}
    image = {"aspectRatio": config.get("aspect_ratio"), "imageSize": config.get("image_size")}
    if image := {k: v for k, v in image.items() if v is not None}:
        generation["imageConfig"] = image
    generation |= {k: config[k] for k in ("seed", "temperature") if config.get(k) is not None}
    safety = [{"category": _category(c), "threshold": t} for c, t in (config.get("safety") or {}).items()]
    return {"generationConfig": generation} | ({"safetySettings": safety} if safety else {})


def _category(name: str) -> str:
    return name if name.startswith("HARM_CATEGORY_") else f"HARM_CATEGORY_{name.upper()}"


def _json(value: Any) -> Iterator[bytes | InBase64]:
    if isinstance(value, Picture):
        yield from (b'"', InBase64(value.data), b'"')
    elif isinstance(value, Mapping):
        for i, (key, item) in enumerate(value.items()):
            yield (b", " if i else b"{") + json.dumps(key).encode() + b": "
            yield from _json(item)
        yield b"}" if value else b"{}"
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield b", " if i else b"["
            yield from _json(item)
        yield b"]" if value else b"[]"
    else:
        yield json.dumps(value).encode()


def _merged(pieces: Iterator[bytes | InBase64]) -> Iterator[bytes | InBase64]:
    text: list[bytes] = []
    for piece in pieces:
        if isinstance(piece, bytes):
            text.append(piece)
        else:
            yield b"".join(text)
            yield piece
            text.clear()
    yield b"".join(text)


# Replies


class _Said(NamedTuple):
    """What the answers in a body hold together: the candidates of all of them, and what is said of the whole, the last of each."""

    candidates: list[dict[str, Any]]
    feedback: dict[str, Any]
    usage: dict[str, Any]
    model_version: str | None
    response_id: str | None

    @property
    def parts(self) -> list[dict[str, Any]]:
        return [p for c in self.candidates for p in _list(_mapping(c.get("content")).get("parts")) if isinstance(p, dict)]

    @property
    def content(self) -> dict[str, Any] | None:
        """The model's turn: the first candidate's that has parts; of a stream the parts of all its pieces."""
        turns = [c for c in (_mapping(c.get("content")) for c in self.candidates) if c.get("parts")]
        first = _mapping(_first(self.candidates).get("content"))
        if len(turns) > 1 and len({_text(c.get("index")) for c in self.candidates}) == 1:
            return {**turns[0], "parts": [p for t in turns for p in _list(t.get("parts"))]}
        return turns[0] if turns else first or None


def _said(values: Sequence[Any]) -> _Said:
    answers = list(_answers_in(values))
    feedback = [f for a in answers if (f := _mapping(get(a, "promptFeedback")))]
    usage = [u for a in answers if (u := _mapping(get(a, "usageMetadata")))]
    return _Said(
        [c for a in answers for c in _list(a.get("candidates")) if isinstance(c, dict)],
        feedback[-1] if feedback else {},
        usage[-1] if usage else next((u for v in values if (u := _mapping(get(v, "usageMetadata")))), {}),
        next((v for a in answers if (v := _text(get(a, "modelVersion")))), None),
        next((v for a in answers if (v := _text(get(a, "responseId")))), None),
    )


def _answers_in(values: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """The protocol's own answers, in whatever envelopes they stand."""
    todo: list[tuple[Any, int]] = [(v, 0) for v in reversed(values)]
    while todo:
        one, depth = todo.pop()
        if isinstance(one, dict) and (isinstance(one.get("candidates"), list) or get(one, "promptFeedback")):
            yield one
        elif isinstance(one, dict | list) and depth < 8:
            todo += [(v, depth + 1) for v in reversed(list(one.values() if isinstance(one, dict) else one))]
        elif isinstance(one, str) and depth < 8 and one[:1] == "{" and '"candidates"' in one:
            todo += [(v, depth + 1) for v in read_body(one.encode(errors="replace")).values]


def _answer(response: Response, read: Read) -> Reply:
    said = _said(read.values)
    found = _pictures(said.parts)
    if not found.pictures:
        found = _elsewhere(response.body, read, found)
    reason, refused = _verdict(said)
    usage = _usage(said.usage)
    candidate = _first(said.candidates)
    common: dict[str, Any] = {
        "pictures": found.pictures,
        "text": found.text,
        "reason": reason,
        "message": _text(get(candidate, "finishMessage")) or _text(get(said.feedback, "blockReasonMessage")) or "",
        "usage": usage,
        "tokens": _tokens(usage),
        "model_version": said.model_version,
        "response_id": said.response_id,
        "status": response.status,
        "warnings": found.warnings,
        "kept": found.broken,
        "content": None if read.is_cut else said.content,
    }
    if found.pictures:
        cut = ("the reply broke off behind its picture",) if read.is_cut else ()
        return Reply("picture", **common | {"warnings": (*found.warnings, *cut)})
    if refused:
        return Reply("refused", **common)
    if word(reason) == "MISSING_THOUGHT_SIGNATURE":
        return Reply("error", **common, error=_signature_missing(response.status, reason or "", common["message"]))
    return _without_picture(response, read, said, found, common)


def _without_picture(response: Response, read: Read, said: _Said, found: _Found, common: dict[str, Any]) -> Reply:
    if found.unknown and not read.is_cut:
        return Reply("error", **common | {"reason": "UNKNOWN_PICTURE"}, error=_unknown_picture(response.status, found))
    if read.is_cut:
        return Reply("interrupted", **common | {"reason": "CUT", "message": common["message"] or "the reply broke off"})
    if found.broken or found.holds_broken:
        return Reply("interrupted", **common)
    if link := _link(read.values, said.parts):
        return Reply("error", **common | {"reason": "LINK", "link": link}, error=_link_instead(response.status, link))
    if task := _task(read.values):
        return Reply("error", **common | {"reason": "TASK", "link": task}, error=_task_instead(response.status, task))
    if said.candidates or word(_named(get(said.feedback, "blockReason"), BLOCKS)) == "OTHER":
        return Reply("text", **common)
    if not read.values:
        return page_reply(response)
    return _no_answer(response, read, common)


def _no_answer(response: Response, read: Read, common: Mapping[str, Any]) -> Reply:
    """An error that a relay says with success, in a shape of its own: judged by its words, and quoted."""
    first = read.values[0]
    payload = _first(first) if isinstance(first, list) else _mapping(first)
    reply = error_reply(response, payload)
    if type(reply.error) is ProviderError and not says(payload.get("error")):
        quoted = brief(response.body[:2000].decode("utf-8", "replace"))
        sentence = f"The answer holds neither a picture nor words of a model (status {response.status}: {quoted}); check the endpoint."
        error = ProviderError(sentence, status=response.status, code=reply.reason, message=reply.message or quoted)
        reply = replace(reply, error=error, message=reply.message or quoted, reason=reply.reason or "NO_ANSWER", dislikes=())
    return replace(reply, usage=common["usage"], tokens=common["tokens"])


def _verdict(said: _Said) -> tuple[str | None, bool]:
    """The service's reason, and whether it refuses; a block of the prompt says more than a candidate that merely stopped."""
    finishes = [_named(f, FINISHES) for c in said.candidates if (f := get(c, "finishReason"))]
    finish = next((f for f in finishes if word(f) in REFUSED), finishes[-1] if finishes else None)
    block = _named(get(said.feedback, "blockReason"), BLOCKS)
    unnamed = bool(not said.candidates and not block and get(said.feedback, "blockReasonMessage"))
    blocked = word(block) not in NOT_BLOCKED or unnamed
    reason = (block if blocked and word(finish) not in REFUSED else finish) or finish or block
    return str(reason)[:300] if reason else None, blocked or word(finish) in REFUSED


def _named(reason: object, names: Sequence[str]) -> object:
    """A reason by its name, where it came as the number that the protocol gives it: relays that pass enums on as numbers exist."""
    number = int(reason) if isinstance(reason, int | str) and re.fullmatch(r"\d{1,2}", str(reason)) else -1
    return names[number] if 0 <= number < len(names) else reason


# Pictures


class _Found(NamedTuple):
    """What the parts hold. `broken` are the bytes of pictures that broke off or are of no known kind, `unknown` the kinds of the latter."""

    pictures: tuple[Picture, ...] = ()
    text: str = ""
    broken: tuple[bytes, ...] = ()
    holds_broken: bool = False
    unknown: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    thoughts: tuple[Picture, ...] = ()


def _pictures(parts: Sequence[Mapping[str, Any]]) -> _Found:
    kept: list[Encoded] = []
    thoughts: list[Encoded] = []
    texts: list[str] = []
    unknown: list[str] = []
    unread = 0
    for part in parts:
        encoded, text, label = _encoded_pictures(part)
        (thoughts if part.get("thought") else kept).extend(e for e in encoded if e is not None)
        if part.get("thought"):
            continue
        unread += encoded.count(None)
        unknown += [label for e in encoded if label and e and not e.picture and _is_unknown(e.data)]
        texts += [text] if text else []
    pictures = tuple(e.picture for e in kept if e.picture)
    broken = tuple(e.data for e in kept if not e.picture)
    warnings = _said_of(kept, len(broken) + unread if pictures else 0)
    drafts = tuple(e.picture for e in thoughts if e.picture)
    if not kept and drafts and not unread:
        pictures, warnings = drafts[-1:], ("the reply held its picture only as a thought; its last draft was taken",)
    return _Found(pictures, "".join(texts).strip(), broken, unread > 0, tuple(unknown), warnings, drafts)


def _said_of(kept: Sequence[Encoded], broken: int) -> tuple[str, ...]:
    warnings = [f"{broken} of the reply's pictures broke off"] if broken else []
    endless = sum(e.is_endless and e.picture is not None for e in kept)
    if endless:
        warnings.append(f"{endless} of the reply's pictures came without its file's end; all its pixels are there")
    return tuple(warnings)


def _is_unknown(data: bytes) -> bool:
    """Whether bytes that were labelled as a picture are of a kind that is not known here, rather than a part of one that is."""
    return len(data) >= 16 and media_type(data) is None


def _encoded_pictures(part: Mapping[str, Any]) -> tuple[list[Encoded | None], str, str]:
    """The pictures of a part (None for one that cannot be read), its text without them, and the label of what is called a picture."""
    blob = _mapping(get(part, "inlineData"))
    data, label = blob.get("data"), str(get(blob, "mimeType") or "image/")[:100].lower()
    found: list[Encoded | None] = []
    if isinstance(data, str) and data:
        encoded = ((decoded := base64_bytes(data)) and Encoded.of(decoded)) or None
        # a label says whether what cannot be read was to be a picture; what can be read needs none
        if label.startswith(("image/", "application/octet-stream")) or (encoded and encoded.picture):
            found.append(encoded if encoded or not data.startswith(("http://", "https://", "gs://")) else None)
        if data.startswith(("http://", "https://", "gs://")):
            found = []
    in_text, text = encoded_in(text) if (text := _text(part.get("text"))) else ([], "")
    return [*found, *in_text], text, label if label.startswith("image/") else ""


def _elsewhere(body: bytes, read: Read, found: _Found) -> _Found:
    """Pictures where the protocol has none: the body itself, other keys, texts; of a body that is no JSON, its text."""
    if media_type(body):
        whole = Encoded.of(body)
        places = [("body", whole)]
    else:
        values = read.values[0] if len(read.values) == 1 else read.values
        texts = strings_in(values) if values else [("", body.decode("utf-8", "replace"))] if b"base64," in body else []
        places = [(path, e) for path, text in texts if len(text) >= 64 for e in _in_text(text)]
    pictures = tuple({e.picture.sha256: e.picture for _, e in places if e.picture}.values())
    if not pictures:
        return found._replace(broken=found.broken or tuple(e.data for _, e in places))
    path = next(path for path, e in places if e.picture).lstrip(".") or "text"
    warnings = (f"the reply held its picture at an odd place ({path})", *_said_of([e for _, e in places], 0))
    return found._replace(pictures=pictures, broken=(), warnings=warnings)


def _in_text(text: str) -> list[Encoded]:
    found = encoded_in(text)[0]
    if not found and (data := base64_bytes(text)) and (one := Encoded.of(data)).picture:
        return [one]
    return found


# Links and tasks in place of a picture


def _link(values: Sequence[Any], parts: Sequence[Mapping[str, Any]]) -> str | None:
    """Where a relay says that the picture is, instead of sending it: a Markdown picture, a file's address, an address alone."""
    words = [text for part in parts if (text := _text(part.get("text")))]
    for text in words:
        if match := PICTURE_LINK.search(text):
            return str(match[1])
        links = FILE_LINK.findall(text[:100_000])
        alone = links[:1] if len(links) == 1 and not text.replace(links[0], "").strip(" \n<>()[]") else []
        files = [u for u in links if u.partition("?")[0].lower().endswith(FILE_ENDS)]
        if found := [*files, *alone]:
            return str(found[0])
    for path, text in strings_in(values):
        key = path.rpartition(".")[2].partition("[")[0].lower()
        if key in LINK_KEYS and (match := FILE_LINK.match(text.strip())):
            return str(match[0])
    return None


def _task(values: Sequence[Any]) -> str | None:
    """The id of a task that was queued in place of an answer."""
    for value in values:
        for one in (value, _mapping(value).get("data"), _mapping(value).get("output")):
            said = _mapping(one)
            number = next((str(said[k])[:200] for k in TASK_KEYS if isinstance(said.get(k), str | int) and said[k]), None)
            state = said.get("status") or said.get("task_status") or said.get("state")
            if number and ("task_id" in said or "taskId" in said or word(state).lower() in WAITING):
                return number
    return None


def _link_instead(status: int, link: str) -> ProviderError:
    sentence = f"The service answered with a link, and links are not fetched: {brief(link)} ; open it yourself, and add(…) what it shows."
    return ProviderError(sentence, status=status, code="LINK", message=link)


def _task_instead(status: int, task: str) -> ProviderError:
    said = "a protocol that is not spoken here; its picture may be charged, and is to be fetched at the service."
    sentence = f"The service queued the task {brief(task)} and sent no picture: {said}"
    return ProviderError(sentence, status=status, code="TASK", message=task)


def _unknown_picture(status: int, found: _Found) -> ProviderError:
    kinds = brief(", ".join(found.unknown))
    sizes = " and ".join(f"{len(data):,} bytes" for data in found.broken[:3])
    kept = "its bytes are kept in the session's folder, in extra/"
    sentence = f"The service sent a picture of a kind that is not known here ({kinds}, {sizes}); {kept}."
    return ProviderError(sentence, status=status, code="UNKNOWN_PICTURE", message=f"{kinds}, {sizes}")


def _signature_missing(status: int, code: str, message: str) -> ProviderError:
    sentence = 'The history that was sent back lacks the service\'s signatures; start from the picture with chain="picture".'
    return ProviderError(sentence, status=status, code=code, message=message)


# Counts


def _usage(said: Mapping[str, Any]) -> dict[str, Any]:
    counts = {k: n for k in COUNTS if _is_count(n := get(said, k))}
    return counts | {k: _details(d) for k in COUNT_DETAILS if (d := get(said, k))}


def _details(said: object) -> list[dict[str, Any]]:
    found = [(get(d, "modality"), get(d, "tokenCount")) for d in _list(said)[:50]]
    return [{**({"modality": m[:100]} if isinstance(m, str) else {}), "tokenCount": n} for m, n in found if _is_count(n)]


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < MOST_COUNTED


def _tokens(usage: Mapping[str, Any]) -> Tokens | None:
    if "promptTokenCount" not in usage:
        return None
    picture = sum(max(0, d["tokenCount"]) for d in usage.get("candidatesTokensDetails", ()) if word(d.get("modality")) == "IMAGE")
    answered, thought = usage.get("candidatesTokenCount", 0), usage.get("thoughtsTokenCount", 0)
    return Tokens(max(0, usage["promptTokenCount"]), max(0, answered - picture) + max(0, thought), picture)


# The model's turns, for chains that talk


def _packed_turn(content: Mapping[str, Any], pictures: Sequence[Picture]) -> bytes:
    named = {p.sha256: p for p in pictures}
    parts = content.get("parts")
    packed = {**content, "parts": [q for p in parts for q in _packed(p, named)]} if isinstance(parts, list) else dict(content)
    if named and isinstance(content.get("parts", []), list):  # what stood beside the parts goes back as a part
        there = {sha256 for p in _list(packed.get("parts")) if (sha256 := _named_in(p))}
        more = [_named_part(p) for p in pictures if p.sha256 not in there]
        packed |= {"parts": [*_list(packed.get("parts")), *more]} if more else {}
    return json.dumps(packed, separators=(",", ":")).encode()  # in ASCII, so that half a surrogate pair comes through too


def _named_part(picture: Picture) -> dict[str, Any]:
    return {"inlineData": {"mimeType": picture.mime_type, "data": {"sha256": picture.sha256}}}


def _named_in(part: Any) -> str | None:
    data = _mapping(get(part, "inlineData")).get("data")
    return _text(_mapping(data).get("sha256"))


def _packed(part: Any, named: Mapping[str, Picture]) -> list[Any]:
    for spelling in ("inlineData", "inline_data"):
        blob = _mapping(_mapping(part).get(spelling))
        data = base64_bytes(blob["data"]) if isinstance(blob.get("data"), str) else None
        if data is not None and (sha256 := Picture(data).sha256) in named:
            return [{**part, spelling: {**blob, "data": {"sha256": sha256}}}]
    text = _text(_mapping(part).get("text"))
    found, rest = encoded_in(text) if text else ([], "")
    shown = [_named_part(e.picture) for e in found if e.picture and e.picture.sha256 in named]
    if not shown:
        return [part]
    more = {k: v for k, v in part.items() if k != "text"}  # the signature among them
    return [{**part, "text": rest}, *shown] if rest.strip() else [{**more, **shown[0]}, *shown[1:]]


# Readers for what may be missing, null or of another type


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _first(value: object) -> dict[str, Any]:
    return next((v for v in _list(value) if isinstance(v, dict)), {})


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
