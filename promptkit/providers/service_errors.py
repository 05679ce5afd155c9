"""What a service's error means: refusals, balances, regions, keys, models, waits, answers lost on the way back; and who it is that speaks.

Services, gateways and relays have many wordings for each, in English and Chinese, and wrap one another's errors. A further wording is one
more entry in a table here. Pure, and linear in what was said. Sources: Google's error guide, the sources of new-api, one-api and LiteLLM,
and public reports, 2026-11.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

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
from promptkit.providers.body import get, read_body
from promptkit.providers.message import Reply, Response, is_ok

__all__ = ["REFUSED", "brief", "error_reply", "page_reply", "says", "word"]

QUOTED = 300  # characters of a service's own words in a sentence of ours
HEARD = 10_000  # characters of a message that are looked at
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
    "CONTENT_FILTER",
)


# Words


def says(error: object) -> bool:
    """Whether it is an error: some gateways add one whose fields are all empty."""
    return any(error.values()) if isinstance(error, dict) else bool(error)


def word(value: object) -> str:
    """A reason or a code as it is compared: FinishReason.IMAGE_SAFETY, imageSafety, image-safety and BLOCK_REASON_IMAGE_SAFETY are one."""
    text = str(value or "")[:QUOTED].strip().rpartition(".")[2]
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text).replace("-", "_").replace(" ", "_").upper()
    return re.sub(r"^(?:FINISH_REASON|BLOCK(?:ED)?_REASON)_", "", text)


def brief(text: str) -> str:
    """A service's own words for a sentence of ours: on one line, without what moves cursors, and bounded."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * QUOTED]).split())
    return plain if len(plain) <= QUOTED else plain[: QUOTED - 1] + "…"


class _Said(NamedTuple):
    """An error as it is judged: the status, the telling word, the sentence, all words in small letters, the details."""

    status: int
    code: str | None
    message: str
    low: str
    details: tuple[dict[str, Any], ...]

    def has(self, *words: str) -> bool:
        return any(w in self.low for w in words)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _first_text(*values: object) -> str:
    return next((v.strip() for v in values if isinstance(v, str) and v.strip()), "")


def _unwrapped(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The innermost error: relays put the upstream's whole JSON into the message of their own."""
    said: dict[str, Any] = {}
    inner: Any = payload
    for _ in range(6):
        if isinstance(inner, list):
            inner = next((v for v in inner if isinstance(v, dict)), None)
        if not isinstance(inner, dict) or not inner:
            break
        named = ("error", "err") if inner.get("message") else ("error", "err", "errors")
        error = next((e for k in named if says(e := inner.get(k))), None)
        if isinstance(error, dict | list):
            inner = error
            continue
        sentence = _first_text(error, *(inner.get(k) for k in ("message", "msg", "detail", "error_msg", "error_message", "reason")))
        said |= {k: v for k, v in inner.items() if v not in (None, "", [], {})} | ({"message": sentence} if sentence else {})
        inner = _nested(inner, sentence)
    return said


def _nested(outer: Mapping[str, Any], sentence: str) -> Any:
    start = sentence.find("{", 0, HEARD)
    if start >= 0:
        found = read_body(sentence[start : start + 100_000].encode(errors="replace")).values
        told = next((v for v in found if isinstance(v, dict) and v.keys() & {"error", "message", "msg", "detail"}), None)
        if told:
            return told
    return next((outer[k] for k in ("message", "detail", "data") if isinstance(outer.get(k), dict | list)), None)


def _heard(response: Response, payload: Mapping[str, Any]) -> _Said:
    said = _unwrapped(payload)
    details = tuple(d for d in _list(said.get("details"))[:50] if isinstance(d, dict))
    message, code = _first_text(said.get("message")), _code(said, details)
    more = (v for d in details for k in ("detail", "message", "reason") if isinstance(v := d.get(k), str))
    words = (v for k in ("code", "type", "status", "reason") if isinstance(v := said.get(k), str))
    low = " ".join([message[:HEARD], *(m[:HEARD] for m in more), *(w[:QUOTED] for w in words)]).lower()
    return _Said(_status(response.status, said, low), code, message, low, details)


def _status(status: int, said: Mapping[str, Any], low: str) -> int:
    """The status to judge by: a code written as a text is a gateway's and beats the HTTP status, as any does that comes with success."""
    for code in (said.get("code"), said.get("status"), said.get("status_code")):
        if isinstance(code, str | int) and re.fullmatch("[45][0-9][0-9]", str(code)[:4]) and (isinstance(code, str) or is_ok(status)):
            status = int(code)
            break
    upstream = re.search(r"status(?:[ _]code)?[ :=]{1,3}(408|504|52[0-4])\b", low)
    return int(upstream[1]) if upstream and status >= 500 else status


def _code(said: Mapping[str, Any], details: Sequence[Mapping[str, Any]]) -> str | None:
    """The most telling word for what went wrong: a gateway's own, else ErrorInfo's reason, else the status."""
    own = said.get("code")
    named = (own if not str(own)[:20].isdigit() else None, *(d.get("reason") for d in details), said.get("status"), said.get("type"), own)
    return next((w[:QUOTED] for w in named if isinstance(w, str) and w), None)


# Verdicts

Advice = tuple[str, str]
REFUSING_CODES = {"PROMPT_BLOCKED", "SENSITIVE_WORDS_DETECTED", "CONTENT_POLICY_VIOLATION", "MODERATION_BLOCKED", "CONTENT_FILTER"}
REFUSING_CODES |= {"CONTENT_BLOCKED", "CONTENT_FILTERED", *REFUSED}
REFUSING = re.compile(
    r"\bIMAGE_SAFETY\b|\bIMAGE_RECITATION\b|\b(?:IMAGE_)?PROHIBITED_CONTENT\b|\bMODEL_ARMOR\b|\bJAILBREAK\b|\bBLOCKLIST\b|\bSPII\b"
    r"|\[SAFETY\]|reason\"?[:= ]{1,3}\"?(?:FinishReason\.|BlockReason\.)?(?:SAFETY|RECITATION)\b"
)
REFUSING_WORDS = (
    "responsible ai",
    "safety filter",
    "safety system",
    "safety reason",
    "safety polic",
    "blocked due to safety",
    "blocked by safety",
    "blocked for safety",
    "content policy",
    "content policies",
    "content filter",
    "usage policies",
    "prohibited content",
    "moderation",
    "prompt was blocked",
    "prompt is blocked",
    "prompt has been blocked",
    "sensitive word",
    "sensitive content",
    "敏感",
    "违规",
    "违禁",
    "内容安全",
    "安全策略",
    "内容审核",
    "审核未通过",
)
CREDIT = (
    "insufficient_user_quota",
    "insufficient_quota",
    "insufficient_balance",
    "insufficient_credit",
    "insufficient_funds",
    "pre_consume_token_quota_failed",
    "billing_disabled",
    "billing_not_active",
    "billing_hard_limit",
    "tokenstatusexhausted",
    "token_status_exhausted",
    "token status exhausted",
    "prepayment credit",
    "credits are depleted",
    "credits depleted",
    "credit balance",
    "credits insufficient",
    "credit insufficient",
    "insufficient credit",
    "insufficient balance",
    "insufficient fund",
    "insufficient user quota",
    "not enough credit",
    "not enough balance",
    "balance is too low",
    "balance is insufficient",
    "balance is not enough",
    "balance insufficient",
    "out of credit",
    "no credits",
    "payment required",
    "requires billing",
    "billing to be enabled",
    "billing is not enabled",
    "enable billing on",
    "余额不足",
    "余额已用",
    "额度不足",
    "额度已用",
    "额度用尽",
    "额度已耗尽",
    "额度耗尽",
    "余额耗尽",
    "积分不足",
    "欠费",
    "充值",
)
REGION = (
    "location is not supported",
    "not available in your country",
    "not available in your region",
    "not available in your location",
    "not supported in your country",
    "not supported in your region",
    "unsupported_country",
    "country, region, or territory not supported",
    "region is not supported",
    "country is not supported",
    "地区不支持",
    "不支持您所在",
    "不支持你所在",
    "所在地区",
    "所在国家",
)
KEY = (
    "api_key_invalid",
    "invalid_api_key",
    "invalid_key",
    # a LiteLLM proxy's that has no database to look a key up in: it knows the one key that it was started with
    "no_db_connection",
    "api key not valid",
    "api key is not valid",
    "api key is invalid",
    "api key invalid",
    "api key expired",
    "api key has expired",
    "api key is expired",
    "api key not found",
    "invalid api key",
    "invalid apikey",
    "incorrect api key",
    "expired api key",
    "key was reported as leaked",
    "invalid token",
    "token has expired",
    "token expired",
    "令牌无效",
    "无效的令牌",
    "令牌已过期",
    "令牌过期",
    "令牌状态不可用",
    "令牌不存在",
    "密钥无效",
    "无效的密钥",
    "密钥已过期",
    "密钥不正确",
)
QUOTA = (
    "quota exhausted",
    "quota exceeded",
    "quota_exceeded",
    "quotaexceeded",
    "quota is exhausted",
    "quota is used up",
    "quota used up",
    "quota has been exhausted",
    "quota has been exceeded",
    "exhausted your quota",
    "exceeded your quota",
    "exceeded your current quota",
    "exceeded the quota",
    "out of quota",
    "quota limit reached",
    "配额已用",
    "配额不足",
    "配额耗尽",
    "配额已耗尽",
    "超出配额",
)
RATE = (
    "rate limit exceeded",
    "rate limit reached",
    "rate limited",
    "rate_limit",
    "ratelimit",
    "exceeded rate limit",
    "exceeded the rate limit",
    "exceeded your rate limit",
    "hit the rate limit",
    "too many requests",
    "too_many_requests",
    "per minute",
    "请求过于频繁",
    "请求太频繁",
    "频率限制",
    "限流",
)
MODEL = ("model not found", "model does not exist", "模型不存在", "invalid model name")
LOST = (
    "token too long",
    "read_response_body_failed",
    "bad_response_body",
    "read response body",
    "reading response body",
    "response body too large",
    "response body is too large",
    "response too large",
    "unexpected eof",
    "unexpected end of json",
    "deadline exceeded",
    "deadline_exceeded",
    "timed out",
    "timeout",
    "time-out",
    "stream disconnected",
    "connection reset",
    "broken pipe",
    "超时",
)
AFTER_WORK = (408, 504, 520, 521, 522, 523, 524, 598, 599)
BUSY = (409, 425, 499)
TOO_LARGE_WORDS = (
    "payload size exceeds",
    "payload too large",
    "payload is too large",
    "entity too large",
    "entity_too_large",
    "body too large",
    "body is too large",
    "body exceeds",
    "body size exceeds",
    "content too large",
    "request too large",
    "request is too large",
    "request_too_large",
    "request size exceeds",
    "request exceeds the maximum",
    "image too large",
    "image is too large",
    "image size exceeds",
    "image exceeds",
    "file too large",
    "file size exceeds",
    "exceeds the maximum allowed size",
    "exceeds the maximum size",
    "请求体过大",
    "请求体太大",
    "请求过大",
    "文件过大",
    "图片过大",
    "图片太大",
    "超过大小限制",
)
TOO_LONG_WORDS = (
    "token count",
    "exceeds the maximum number of tokens",
    "context length",
    "context_length",
    "prompt is too long",
    "prompt too long",
    "too many tokens",
)
KEY_ADVICE = ("The service rejected the key", "check the key and what it is allowed to do")
TOO_LARGE = ("The request is too large for the service", "send fewer or smaller pictures")
LOST_ADVICE = ("The answer was lost on its way back", "the picture may have been made and charged; a smaller image_size helps")


def error_reply(response: Response, payload: Mapping[str, Any]) -> Reply:
    """The reply for an error in JSON: refused, interrupted where the work may have been done, else an error of its kind."""
    said = _heard(response, payload)
    if _refuses(said):
        return Reply("refused", reason=said.code, message=said.message, status=response.status)
    kind, advice = _kind(said)
    outcome = "interrupted" if advice is LOST_ADVICE else "error"
    error = _worded(kind, advice, said, response)
    common: dict[str, Any] = {"reason": said.code, "message": said.message, "error": error, "status": response.status}
    return Reply(outcome, **common, dislikes=_dislikes(said), was_too_large=advice is TOO_LARGE)


def _refuses(said: _Said) -> bool:
    if said.status in (401, 402, 404, 429):
        return word(said.code) in REFUSING_CODES
    return word(said.code) in REFUSING_CODES or bool(REFUSING.search(said.message[:HEARD])) or said.has(*REFUSING_WORDS)


def _dislikes(said: _Said) -> tuple[str, ...]:
    """Some models take no seed, and say so with a 400."""
    return ("seed",) if said.status == 400 and re.search(r"\bseed\b", said.low) else ()


def _worded(kind: type[ProviderError], advice: Advice, said: _Said, response: Response) -> ProviderError:
    quoted = f": {brief(said.message)}" if said.message else ""
    code = f" {brief(said.code)}" if said.code else ""
    return kind(
        f"{advice[0]} ({said.status}{code}{quoted}{_leads_to(response)}); {advice[1]}.",
        status=said.status,
        code=said.code,
        message=said.message,
        details=said.details,
        retry_after=_retry_after(response, said),
    )


def _leads_to(response: Response) -> str:
    """Where a redirect leads, without what may be a secret."""
    target = response.header("Location") or ""
    match = re.match(r"https?://(?:[^/@?#\s]{0,300}@)?([^/@?#\s]{1,300})", target) if 300 <= response.status < 400 else None
    return f", to {brief(target.partition(':')[0])}://{brief(match[1])}" if match else ""


def _kind(said: _Said) -> tuple[type[ProviderError], Advice]:
    if said.status != 404 and said.has("model_not_found", "无可用渠道", "no available channel"):
        return ModelNotFound, ("The gateway has no channel for this model", "check the model's name (case counts) and the key's group")
    if said.has("free tier is not available"):
        return OutOfCredit, ("The service wants billing for this", "enable billing for the key's project")
    if said.status == 402 or said.has(*CREDIT):
        return OutOfCredit, ("The balance at the gateway is empty, or billing is off", "top it up, enable billing, or use another key")
    if said.has(*REGION):
        return RegionUnavailable, ("The service does not serve this country", "use an endpoint that does, such as a gateway")
    if said.status != 429 and said.has(*KEY):
        return KeyRejected, KEY_ADVICE
    if said.status == 429 or said.has(*QUOTA, *RATE):
        return _too_many(said)
    is_keys = said.status == 401 or (said.status == 403 and not said.has(*MODEL))
    return (KeyRejected, KEY_ADVICE) if is_keys else _kind_by_status(said)


def _kind_by_status(said: _Said) -> tuple[type[ProviderError], Advice]:
    status = said.status
    if _is_no_path(said):
        advice = "check the endpoint's base URL: it is what stands before the protocol's own path"
        return ProviderError, ("The gateway has no such path", advice)
    if status == 404 or said.has(*MODEL):  # a LiteLLM proxy says it with a 400
        return ModelNotFound, ("The endpoint has no such model", "check the model's name")
    if status in AFTER_WORK or (status >= 500 and said.has(*LOST)):
        return ServiceUnavailable, LOST_ADVICE
    if _is_too_large(said):
        return ProviderError, TOO_LARGE
    if status >= 500 or status in BUSY:
        return ServiceUnavailable, ("The service is busy or broken", "try again later")
    if said.has(*TOO_LONG_WORDS):
        return ProviderError, ("The prompt is too long for the model", "shorten it, or send fewer pictures")
    if said.has("thought_signature"):
        return ProviderError, ("The history that was sent back is not the service's own", 'start from the picture with chain="picture"')
    if 300 <= status < 400:
        return ProviderError, ("The address sends requests elsewhere, and keys are not carried along", "check the endpoint's base URL")
    return ProviderError, ("The service did not take the request", "change what it names and try again")


def _is_no_path(said: _Said) -> bool:
    """Whether it is the path that is not there: a front end says no more than that, and a service names the model."""
    bare = said.low in ("not found", "method not allowed", "404 page not found")
    return said.status in (400, 404, 405) and (bare or said.has("invalid url"))


def _is_too_large(said: _Said) -> bool:
    """Whether the request was too large: a relay may say so with any status but those of keys, waits and of what is not there."""
    return said.status == 413 or (said.status not in (401, 403, 404, 429) and said.has(*TOO_LARGE_WORDS))


def _too_many(said: _Said) -> tuple[type[ProviderError], Advice]:
    quotas = [v for d in said.details for v in _list(d.get("violations")) if isinstance(v, dict)]
    limits = [m for d in said.details if isinstance(m := d.get("metadata"), dict)]
    by_day = any("PerDay" in str(v)[:QUOTED] for v in [*(q.get("quotaId") for q in quotas), *(m.get("quota_limit") for m in limits)])
    # a limit of nothing: however long one waits, it stays nothing
    none = any(str(v)[:9] == "0" for v in [*(q.get("quotaValue") for q in quotas), *(m.get("quota_limit_value") for m in limits)])
    named = said.status != 429 and said.has(*QUOTA) and not said.has(*RATE)  # a 429 is a quota of a moment, unless it says which
    if by_day or none or named or said.has("per day", "daily quota", "daily limit", "每日", "每天") or re.search(r"limit: 0\b", said.low):
        return QuotaExceeded, ("The quota is used up, or there is none for this model", "wait a day, enable billing, or use another model")
    return RateLimited, ("Too many requests", "wait and try again")


# Waits


def _retry_after(response: Response, said: _Said) -> float | None:
    """Seconds to wait: RetryInfo, then the Retry-After header (seconds, or a date against the Date header), then what the message says."""
    details = [*said.details, *(m for d in said.details if isinstance(m := d.get("metadata"), dict))]
    delays = [get(d, name) for d in details for name in ("retryDelay", "quotaResetDelay")]
    named = next((delay for delay in map(_seconds, delays) if delay is not None), None)
    wait = _wait_in_headers(response) if named is None else named
    return _said_wait(said.message[:HEARD]) if wait is None else wait


def _wait_in_headers(response: Response) -> float | None:
    """Seconds to wait as the headers say, whoever wrote them."""
    for delay in (_seconds(response.header("Retry-After")), _milliseconds(response)):
        if delay is not None:
            return delay
    return _until(response.header("Retry-After"), response.header("Date"))


def _seconds(said: object) -> float | None:
    if isinstance(said, dict):
        said = said.get("seconds")
    text = str(said).strip()[:60] if isinstance(said, str | int | float) else ""
    if match := re.fullmatch(r"(\d{1,12}(?:\.\d{1,12})?)\s?s?", text):
        return float(match[1])
    found = LENGTH.fullmatch(text)
    return _sum(text) if found else None


def _milliseconds(response: Response) -> float | None:
    said = response.header("Retry-After-Ms") or ""
    return float(said) / 1000 if re.fullmatch(r"\d{1,12}", said) else None


UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "天": 86400.0, "小时": 3600.0, "分钟": 60.0, "分": 60.0, "秒": 1.0}
UNITS |= {"毫秒": 0.001}  # seconds
ONE = r"\d{1,12}(?:\.\d{1,12})?\s?(?:milliseconds?|ms|days?|hours?|hrs?|minutes?|mins?|seconds?|secs?|[dhms]|毫秒|小时|分钟|[天分秒])"
LENGTH = re.compile(rf"{ONE}(?:(?:\s|,|and){{0,3}}{ONE}){{0,5}}")
BEFORE_WAIT = r"(?:retry|try again|resets?|wait|available(?: again)?|等待|请在|请于|重置)\s?(?:in|after|for|at least)?\s?(?:about)?\s?"
WAITS = (
    re.compile(rf"{BEFORE_WAIT}({LENGTH.pattern})", re.IGNORECASE),
    re.compile(rf"({LENGTH.pattern})\s?(?:后|之后|以后)"),
)


def _said_wait(message: str) -> float | None:
    """The wait in a sentence such as "Please retry in 1h2m3.5s." or "请在 30 秒后重试", in seconds."""
    found = next((m for pattern in WAITS if (m := pattern.search(message))), None)
    return _sum(found[1]) if found else None


def _sum(length: str) -> float:
    pieces = re.findall(r"(\d+(?:\.\d+)?)\s?(毫秒|小时|分钟|[天分秒]|m(?:illi)?s|[dhms])", length.lower())
    return sum(float(number) * UNITS["ms" if unit == "millis" else unit] for number, unit in pieces)


def _until(then: str | None, now: str | None) -> float | None:
    from email.utils import parsedate_to_datetime  # takes longer to import than all of this module, and few services send a date

    try:
        return max(0.0, (parsedate_to_datetime(then) - parsedate_to_datetime(now)).total_seconds()) if then and now else None
    except (TypeError, ValueError, OverflowError):
        return None


# Pages and plain text: not the service's own words


SPEAKS_TLS = (
    "plain http request was sent to https port",
    "http request to an https server",
    "plain http to an ssl-enabled",
    "host and port requires tls",
)


def page_reply(response: Response) -> Reply:
    """The reply for a page or plain text: whoever wrote it stands before the service, and says nothing of a key or a model."""
    status, said = response.status, page_text(response.body)
    if is_ok(status) and not says_lost(said):
        return _page(ProviderError, "The address answered with a page and not with JSON", "check the endpoint's base URL", status, said)
    if status in AFTER_WORK or ((is_ok(status) or status >= 500) and says_lost(said)):
        what = "Somebody between here and the service gave up waiting for its answer"
        return _page(ServiceUnavailable, what, LOST_ADVICE[1], status, said, outcome="interrupted")
    if status == 404:
        return _page(ProviderError, "The address answered with a page and not with JSON", "check the endpoint's base URL", status, said)
    if status == 407:
        what = "The proxy wants a user name and a password"
        return _page(ProviderError, what, "put them into the proxy's address, in HTTPS_PROXY or HTTP_PROXY", status, said)
    if status in (401, 403):
        what = "A firewall or a proxy before the service turned the request away, and not the service itself"
        advice = "the key may well be good: ask whoever runs the endpoint, or try from another network"
        return _page(ProviderError, what, advice, status, said)
    if any(words in said.lower() for words in SPEAKS_TLS):
        return _page(ProviderError, "The address takes https only", "write https:// in the endpoint's base URL", status, said)
    if status == 502:
        what = "A proxy or the front end before the service could not reach it"
        advice = "try again later, and check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"
        return _page(ServiceUnavailable, what, advice, status, said, retry_after=_wait_in_headers(response))
    return error_reply(response, {"error": {"message": said}})


def says_lost(text: str) -> bool:
    """Whether the words say that an answer was lost on its way back."""
    return any(w in text.lower() for w in ("token too long", "unexpected eof", "gateway time-out", "gateway timeout", "timeout occurred"))


def _page(
    kind: type[ProviderError],
    what: str,
    advice: str,
    status: int,
    said: str,
    *,
    outcome: str = "error",
    retry_after: float | None = None,
) -> Reply:
    quoted = f": {brief(said)!r}" if said else ""
    error = kind(f"{what} (status {status}{quoted}); {advice}.", status=status, message=said, retry_after=retry_after)
    reason = "NOT_JSON" if is_ok(status) or status == 404 else None
    return Reply(outcome, reason=reason, message=said, error=error, status=status)


def page_text(body: bytes) -> str:
    """What a person would read of a page, its beginning only."""
    page = body[:20_000].decode("utf-8", "replace")
    page = re.sub(r"<(style|script)\b[^>]{0,500}>.*?(?:</\1\s{0,9}>|$)", " ", page, flags=re.IGNORECASE | re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*(?:>|$)", " ", page)).split())[:200]
