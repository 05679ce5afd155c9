"""The generateContent protocol: requests encoded, replies decoded. Pure: no socket, no disk, no clock.

A request is one POST whose JSON body is kept in pieces, each picture standing in it as itself; its base64 is made when the body is sent.
A reply is judged by what it holds, never by its labels. Source of the facts: Google's discovery document and guides, 2026-11.
"""

from __future__ import annotations

import binascii
import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

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
from promptkit.images.formats import complete, media_type
from promptkit.images.picture import Picture
from promptkit.providers.dialect import Dialect
from promptkit.providers.message import Exchange, InBase64, InputPicture, Reply, Request, Response, Tokens, Turn

__all__ = ["Gemini"]

REFUSED = (
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
    "MODEL_ARMOR",
    "JAILBREAK",
)
NOT_BLOCKED = (None, "", "OTHER")
COUNTS = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "cachedContentTokenCount", "totalTokenCount")
COUNT_DETAILS = ("promptTokensDetails", "candidatesTokensDetails")
# one that is not closed broke off; the alternative text is bounded, so that no reply takes a time that grows with its square
MARKDOWN_PICTURE = re.compile(r"!\[[^\]]{0,500}\]\(\s*<?data:image/[\w.+-]+;base64,([\w+/=\s-]*)>?\s*(?:\"[^\"]*\"\s*)?(?:\)|$)")


class Gemini(Dialect):
    """The dialect of generateContent, as Google and gateways speak it. Its chains can talk: a turn is kept as it came, signatures too."""

    name = "gemini"
    root_path = "/v1beta"
    largest_body = 100_000_000  # bytes; Google's limit for pictures sent inline
    options = frozenset({"aspect_ratio", "image_size", "seed", "temperature", "safety"})

    def encode(self, turn: Turn) -> Request:
        """The request for a turn, after the exchanges before it."""
        contents = [content for exchange in turn.earlier for content in _both_turns(exchange)]
        payload = {"contents": [*contents, _user_turn(turn.text, turn.pictures)], **_options(turn.config)}
        name = quote(turn.model.removeprefix("models/"), safe="/:@", errors="replace")  # a "?" or a blank would end the path
        return Request(f"{self.root_path}/models/{name}:generateContent", tuple(_merged(_json(payload))))

    def decode(self, response: Response) -> Reply:
        """What a response says. Never raises for what a service may send: broken bodies are `interrupted`, and errors are in `error`."""
        try:
            payload = _loaded(response.body)
        except (ValueError, RecursionError):
            return _no_json(response)
        if isinstance(payload, list):  # some routes wrap an error in a list of one
            payload = _first(payload)
        payload = _mapping(payload)
        if _is_ok(response.status) and (payload.get("candidates") or not _says(payload.get("error"))):
            return _answer(payload, response.status)
        return _error_reply(response, payload)

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
    """One user turn, in which each picture stands as itself."""
    sent = [p.picture for p in pictures]
    return {"role": "user", "parts": [{"text": text}, *({"inlineData": {"mimeType": p.mime_type, "data": p}} for p in sent)]}


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


def _loaded(body: bytes) -> Any:
    # a byte that is no UTF-8, or a bare line break inside a text, must not lose a picture that was paid for
    return json.loads(body.decode("utf-8-sig", "replace"), strict=False)


def _is_ok(status: int) -> bool:
    return 200 <= status < 300


def _says(error: object) -> bool:
    return any(error.values()) if isinstance(error, dict) else bool(error)  # some gateways add an error whose fields are all empty


def _no_json(response: Response) -> Reply:
    status = response.status
    if _is_ok(status) and response.body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"", b"{", b"["):
        return Reply("interrupted", reason="CUT", message="the reply broke off", status=status)
    said = _page_text(response.body)
    if _is_ok(status) or status == 404:
        quoted = f": {said!r}" if said else ""
        sentence = f"The address answered with a page and not with JSON (status {status}{quoted}); check the endpoint's base URL."
        error = ProviderError(sentence, status=status, message=said)
        return Reply("error", reason="NOT_JSON", message=said, error=error, status=status)
    return _error_reply(response, {"error": {"message": said}})


def _page_text(body: bytes) -> str:
    """What a person would read of a page, its beginning only."""
    page = body[:20_000].decode("utf-8", "replace")
    page = re.sub(r"<(style|script)\b[^>]*>.*?(?:</\1\s*>|$)", " ", page, flags=re.IGNORECASE | re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*(?:>|$)", " ", page)).split())[:200]


def _answer(payload: Mapping[str, Any], status: int) -> Reply:
    candidate = _first(payload.get("candidates"))
    content = _mapping(candidate.get("content"))
    parts = [p for p in _list(content.get("parts")) if isinstance(p, dict)]
    found = _pictures(parts)
    feedback = _mapping(payload.get("promptFeedback"))
    reason, refused = _verdict(candidate, feedback)
    common: dict[str, Any] = {
        "pictures": found.pictures,
        "text": found.text,
        "reason": reason,
        "message": str(candidate.get("finishMessage") or feedback.get("blockReasonMessage") or ""),
        "usage": (usage := _usage(payload.get("usageMetadata"))),
        "tokens": _tokens(usage),
        "model_version": _text(payload.get("modelVersion")),
        "response_id": _text(payload.get("responseId")),
        "status": status,
        "warnings": found.warnings,
        "content": content,
    }
    if found.pictures:
        return Reply("picture", **common)
    if refused:
        return Reply("refused", **common)
    if reason == "MISSING_THOUGHT_SIGNATURE":
        return Reply("error", **common, error=_signature_missing(status, reason, common["message"]))
    return Reply("interrupted" if found.broken else "text", **common)


def _verdict(candidate: Mapping[str, Any], feedback: Mapping[str, Any]) -> tuple[str | None, bool]:
    """The service's reason, and whether it refuses; a block of the prompt says more than a candidate that merely stopped."""
    finish, block = candidate.get("finishReason"), feedback.get("blockReason")
    blocked = block not in NOT_BLOCKED or bool(not candidate and not block and feedback.get("blockReasonMessage"))
    word = (block if blocked and finish not in REFUSED else finish) or finish or block
    return str(word) if word else None, blocked or finish in REFUSED


class _Found(NamedTuple):
    pictures: tuple[Picture, ...]
    text: str
    broken: int
    warnings: tuple[str, ...]


def _pictures(parts: Sequence[Mapping[str, Any]]) -> _Found:
    kept: list[Picture] = []
    thoughts: list[Picture] = []
    texts: list[str] = []
    broken = 0
    for part in parts:
        encoded, text = _encoded_pictures(part)
        whole = [p for p in map(_picture, encoded) if p is not None]
        (thoughts if part.get("thought") else kept).extend(whole)
        broken += 0 if part.get("thought") else len(encoded) - len(whole)
        if text and not part.get("thought"):
            texts.append(text)
    warnings = [f"{broken} of the reply's pictures broke off"] if broken and kept else []
    if not kept and thoughts and not broken:
        kept = thoughts[-1:]
        warnings.append("the reply held its picture only as a thought; its last draft was taken")
    return _Found(tuple(kept), "".join(texts).strip(), broken, tuple(warnings))


def _encoded_pictures(part: Mapping[str, Any]) -> tuple[list[str], str]:
    blob = _mapping(part.get("inlineData") or part.get("inline_data"))
    data = blob.get("data")
    # a label says whether what cannot be read was to be a picture; what can be read needs none
    encoded = [data] if isinstance(data, str) and (_is_picture_label(blob) or _picture(data)) else []
    text = part.get("text") if isinstance(part.get("text"), str) else ""
    if text and "](" in text:  # some gateways put the picture into the text, as Markdown
        encoded += MARKDOWN_PICTURE.findall(text)
        text = MARKDOWN_PICTURE.sub("", text)
    return encoded, text or ""


def _is_picture_label(blob: Mapping[str, Any]) -> bool:
    label = blob.get("mimeType") or blob.get("mime_type") or "image/"
    return str(label).lower().startswith(("image/", "application/octet-stream"))


def _picture(encoded: str) -> Picture | None:
    data = _base64(encoded)
    return Picture(data) if data and media_type(data) and complete(data) else None


def _base64(text: str) -> bytes | None:
    """The bytes of base64 as services write it: with a data: prefix, line breaks, URL-safe letters, without padding; else None."""
    if text[:100].lstrip()[:5].lower() == "data:":
        text = text.partition(",")[2]
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        pass
    plain = "".join(text.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return binascii.a2b_base64(plain + "=" * (-len(plain) % 4), strict_mode=True)
    except ValueError:
        return None


def _usage(usage: object) -> dict[str, Any]:
    said = _mapping(usage)
    counts = {k: said[k] for k in COUNTS if _is_count(said.get(k))}
    details = {k: [d for d in _list(said[k]) if _is_count(_mapping(d).get("tokenCount"))] for k in COUNT_DETAILS if said.get(k)}
    return counts | details


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _tokens(usage: Mapping[str, Any]) -> Tokens | None:
    if "promptTokenCount" not in usage:
        return None
    picture = sum(max(0, d["tokenCount"]) for d in usage.get("candidatesTokensDetails", ()) if d.get("modality") == "IMAGE")
    answered, thought = usage.get("candidatesTokenCount", 0), usage.get("thoughtsTokenCount", 0)
    return Tokens(max(0, usage["promptTokenCount"]), max(0, answered - picture) + max(0, thought), picture)


# The model's turns, for chains that talk


def _packed_turn(content: Mapping[str, Any], pictures: Sequence[Picture]) -> bytes:
    named = {p.sha256 for p in pictures}
    parts = content.get("parts")
    packed = {**content, "parts": [_packed(p, named) for p in parts]} if isinstance(parts, list) else content
    return json.dumps(packed, separators=(",", ":")).encode()  # in ASCII, so that half a surrogate pair comes through too


def _packed(part: Any, named: set[str]) -> Any:
    for spelling in ("inlineData", "inline_data"):
        blob = _mapping(_mapping(part).get(spelling))
        data = _base64(blob["data"]) if isinstance(blob.get("data"), str) else None
        if data is not None and (sha256 := Picture(data).sha256) in named:
            return {**part, spelling: {**blob, "data": {"sha256": sha256}}}
    return part


# Errors


NO_CREDIT = ("insufficient_user_quota", "insufficient_quota", "pre_consume_token_quota_failed")
# the last is a LiteLLM proxy's that has no database to look a key up in: it knows the one key that it was started with
BAD_KEY = ("API_KEY_INVALID", "invalid_api_key", "no_db_connection")
BUSY = (408, 500, 502, 503, 504, 529)


def _error_reply(response: Response, payload: Mapping[str, Any]) -> Reply:
    said = payload.get("error")
    if not isinstance(said, dict) or not said:  # a bare sentence, or FastAPI's and others' ways to say it
        said = {**payload, "message": said or payload.get("message") or payload.get("detail") or ""}
    error = _error(response, said)
    if "responsible ai" in error.message.lower():  # a filter of Google's that answers with a 400
        return Reply("refused", reason=error.code, message=error.message, status=response.status)
    dislikes = _dislikes(response.status, error.message)
    return Reply("error", reason=error.code, message=error.message, error=error, status=response.status, dislikes=dislikes)


def _dislikes(status: int, message: str) -> tuple[str, ...]:
    """Some models take no seed, and say so with a 400."""
    return ("seed",) if status == 400 and re.search(r"\bseed\b", message, re.IGNORECASE) else ()


def _error(response: Response, said: Mapping[str, Any]) -> ProviderError:
    details = [d for d in _list(said.get("details")) if isinstance(d, dict)]
    status, code = _status(response.status, said.get("code")), _code(said, details)
    message = str(said.get("message") or "").strip()
    kind, advice = _kind(status, code, _low(message, details), details)
    quoted = f": {message[:400]}" if message else ""
    return kind(
        f"{advice[0]} ({status}{f' {code}' if code else ''}{quoted}); {advice[1]}.",
        status=status,
        code=code,
        message=message,
        details=details,
        retry_after=_retry_after(response, message, details),
    )


def _status(status: int, code: object) -> int:
    """The status to judge by: a code written as a text is a gateway's and beats the HTTP status, as any does that comes with success."""
    number = int(code) if re.fullmatch("[45][0-9][0-9]", str(code)) and isinstance(code, str | int) else None
    return number if number and (isinstance(code, str) or _is_ok(status)) else status


def _code(said: Mapping[str, Any], details: Sequence[Mapping[str, Any]]) -> str | None:
    """The most telling word for what went wrong: a gateway's own, else ErrorInfo's reason, else the status."""
    own = said.get("code")
    named = (own if not str(own).isdigit() else None, *(d.get("reason") for d in details), said.get("status"), said.get("type"), own)
    return next((word for word in named if isinstance(word, str) and word), None)


def _low(message: str, details: Sequence[Mapping[str, Any]]) -> str:
    """All that is said, in small letters: some messages are only a placeholder, and the sentence stands in the details."""
    return " ".join([message, *(d[k] for d in details for k in ("detail", "message") if isinstance(d.get(k), str))]).lower()


def _kind(status: int, code: str | None, low: str, details: Sequence[Mapping[str, Any]]) -> tuple[type[ProviderError], tuple[str, str]]:
    if code == "model_not_found":
        return ModelNotFound, ("The gateway has no channel for this model", "check the model's name (case counts) and the key's group")
    if code in NO_CREDIT or status == 402:
        return OutOfCredit, ("The balance at the gateway is empty", "top it up, or use another key")
    if "free tier is not available" in low:
        return OutOfCredit, ("The service wants billing for this", "enable billing for the key's project")
    if "location is not supported" in low:
        return RegionUnavailable, ("The service does not serve this country", "use an endpoint that does, such as a gateway")
    if code in BAD_KEY or status in (401, 403):
        return KeyRejected, ("The service rejected the key", "check the key and what it is allowed to do")
    return _too_many(low, details) if status == 429 else _kind_by_status(status, low)


def _kind_by_status(status: int, low: str) -> tuple[type[ProviderError], tuple[str, str]]:
    if status == 404 or "invalid model name" in low:  # a LiteLLM proxy says it with a 400
        return ModelNotFound, ("The endpoint has no such model", "check the model's name")
    if status in BUSY or status > 500:
        return ServiceUnavailable, ("The service is busy or broken", "try again later")
    if "thought_signature" in low:
        return ProviderError, ("The history that was sent back is not the service's own", 'start from the picture with chain="picture"')
    if 300 <= status < 400:
        return ProviderError, ("The address sends requests elsewhere, and keys are not carried along", "check the endpoint's base URL")
    return ProviderError, ("The service did not take the request", "change what it names and try again")


def _too_many(low: str, details: Sequence[Mapping[str, Any]]) -> tuple[type[ProviderError], tuple[str, str]]:
    quotas = [v for d in details for v in _list(d.get("violations")) if isinstance(v, dict)]
    limits = [m for d in details if isinstance(m := d.get("metadata"), dict)]
    by_day = any("PerDay" in str(v) for v in [*(q.get("quotaId") for q in quotas), *(m.get("quota_limit") for m in limits)])
    # a limit of nothing: however long one waits, it stays nothing
    none = any(str(v) == "0" for v in [*(q.get("quotaValue") for q in quotas), *(m.get("quota_limit_value") for m in limits)])
    if by_day or none or "per day" in low or re.search(r"limit: 0\b", low):
        return QuotaExceeded, ("The quota is used up, or there is none for this model", "wait a day, enable billing, or use another model")
    return RateLimited, ("Too many requests", "wait and try again")


def _signature_missing(status: int, code: str, message: str) -> ProviderError:
    sentence = 'The history that was sent back lacks the service\'s signatures; start from the picture with chain="picture".'
    return ProviderError(sentence, status=status, code=code, message=message)


def _retry_after(response: Response, message: str, details: Sequence[Mapping[str, Any]]) -> float | None:
    """Seconds to wait: RetryInfo, then the Retry-After header (seconds, or a date against the Date header), then what the message says."""
    delays = [str(d["retryDelay"]) for d in details if d.get("retryDelay")]
    for said in (*delays, response.header("Retry-After") or ""):
        if match := re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*s?\s*", said):
            return float(match[1])
    if (wait := _until(response.header("Retry-After"), response.header("Date"))) is not None:
        return wait
    return _said_wait(message)


def _said_wait(message: str) -> float | None:
    """The wait in a sentence such as "Please retry in 1h2m3.5s.", in seconds."""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    match = re.search(r"(?:retry|try again) (?:in|after) ((?:\d+(?:\.\d+)?\s*(?:ms|s|m|h)[a-z]*\s*)+)", message, re.IGNORECASE)
    found = re.findall(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)", match[1].lower()) if match else []
    return sum(float(number) * units[unit] for number, unit in found) if found else None


def _until(then: str | None, now: str | None) -> float | None:
    from email.utils import parsedate_to_datetime  # takes longer to import than all of this module, and few services send a date

    try:
        return max(0.0, (parsedate_to_datetime(then) - parsedate_to_datetime(now)).total_seconds()) if then and now else None
    except (TypeError, ValueError, OverflowError):
        return None


# Readers for what may be missing, null or of another type


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _first(value: object) -> dict[str, Any]:
    return next((v for v in _list(value) if isinstance(v, dict)), {})


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
