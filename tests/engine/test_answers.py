"""What becomes of odd answers: which are asked again, what they count in a budget, what of them is kept on disk.

How an answer is understood is tested in tests/providers; here it is carried out, with a real server.
"""

from __future__ import annotations

import base64
import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest
from kit.loopback import Cut, Loopback, error_reply, json_reply, picture_reply, png

from promptkit import (
    BudgetExceeded,
    Endpoint,
    NoPicture,
    OutOfCredit,
    PromptkitError,
    ProviderError,
    QuotaExceeded,
    Refused,
    ServiceUnavailable,
    Session,
    TransportError,
)
from promptkit.engine.spending import spending
from promptkit.lineage.tree import Lineage

SECRET = "sk-planted-0123456789"
PAGE = {"Content-Type": "text/html"}


def google(service: Loopback, **options: Any) -> Session:
    """A session at a server on loopback that has Google's prices."""
    return Session("./bear", endpoint=Endpoint("google", service.url, auth="none", key_env=(), key_required=False), **options)


def gateway(status: int, message: str, code: Any = None) -> tuple[int, dict[str, str], bytes]:
    return json_reply({"error": {"message": message, "type": "server_error", "code": code}}, status)


LOST: list[Any] = [
    (524, PAGE, b"<title>524: A timeout occurred</title>"),
    (504, {}, b"upstream request timeout"),
    json_reply({"error": {"code": 504, "message": "Deadline expired", "status": "DEADLINE_EXCEEDED"}}, 504),
    error_reply(408, "Request timeout"),
    gateway(500, "bufio.Scanner: token too long"),
    gateway(500, "unexpected EOF", "read_response_body_failed"),
    gateway(500, "bad response status code 524", "bad_response_status_code"),
    gateway(500, "error", "bad_response_body"),
]


@pytest.mark.parametrize("reply", LOST)
def test_an_error_after_the_work_may_have_been_charged(service: Loopback, reply: Any) -> None:
    """An error that comes when the work may be done is interrupted: bounded by `recover`, of unknown cost, counted as possible."""
    service.always = reply
    with pytest.raises(ServiceUnavailable, match="may have been made and charged"):
        google(service, recover=1).generate("a fox")
    record = Lineage(Path("bear")).records()[0]
    assert [(a["outcome"], a["status"], a["cost"]) for a in record.attempts] == [("interrupted", reply[0], None)] * 2
    assert spending([record]).possible == pytest.approx(0.078)


def test_a_budget_holds_what_errors_after_the_work_may_have_cost(service: Loopback) -> None:
    """What may have been charged stays reserved: no third request of 0.039 goes out on a budget of 0.10, and nobody else is blamed."""
    service.always = LOST[0]
    with pytest.raises(BudgetExceeded, match=r"0\.0780 of the budget of 0\.1000 USD are used: open") as caught:
        google(service, recover=5, budget=0.1).generate("a fox")
    assert len(service.received) == 2
    assert "others" not in str(caught.value)


@pytest.mark.slow
def test_an_overloaded_service_is_free_still(service: Loopback) -> None:
    """An error that says that nothing ran costs nothing and is waited for."""
    service.say(error_reply(503, "overloaded"))
    step = google(service).generate("a fox")
    assert [a["outcome"] for a in step.attempts] == ["error", "picture"]
    assert step.attempts[0]["cost"]["usd"] == 0.0


ONCE: list[tuple[Any, type[PromptkitError]]] = [
    (gateway(500, "image generation blocked [IMAGE_SAFETY]: modify your prompt", "channel:failed"), Refused),
    (gateway(400, "request blocked: PROHIBITED_CONTENT", "prompt_blocked"), Refused),
    (gateway(500, "sensitive words detected", "sensitive_words_detected"), Refused),
    (json_reply({"candidates": [{"content": {}, "finishReason": "FinishReason.IMAGE_SAFETY"}]}), Refused),
    (json_reply({"candidates": [{"content": {}, "finish_reason": "imageSafety"}]}), Refused),
    (json_reply({"prompt_feedback": {"block_reason": "BLOCK_REASON_SAFETY"}}), Refused),
    (error_reply(429, "Your prepayment credits are depleted. Manage your billing."), OutOfCredit),
    (json_reply({"error": {"message": "该令牌额度已用尽 !token.UnlimitedQuota"}}, 401), OutOfCredit),
    (json_reply({"error": {"message": "用户额度不足, 剩余额度: 0"}}, 403), OutOfCredit),
    (error_reply(403, "x", details=[{"reason": "BILLING_DISABLED"}]), OutOfCredit),
    (json_reply({"code": 402, "msg": "Credits insufficient"}), OutOfCredit),
    (
        json_reply({"error": {"message": json.dumps({"error": {"code": 402, "message": "Insufficient balance"}}), "code": 500}}, 500),
        OutOfCredit,
    ),
    (error_reply(429, "Quota exhausted. Your quota will reset after 4h28m20s."), QuotaExceeded),
]


@pytest.mark.parametrize(("reply", "error"), ONCE)
def test_what_asking_again_cannot_mend_is_asked_once(service: Loopback, reply: Any, error: type[PromptkitError]) -> None:
    """Refusals, balances and long quotas are known in every wording and spelling, and end the asking after one request."""
    service.always = reply
    with pytest.raises(error):
        google(service).generate("a fox")
    assert len(service.received) == 1


@pytest.mark.filterwarnings("ignore:step")
def test_half_a_reply_with_a_whole_picture_is_the_step(service: Loopback) -> None:
    """A picture that came whole before the connection broke is the step's, asked for once."""
    data = random.Random(1).randbytes(20_000)
    service.always = Cut(picture_reply(png(), signature=base64.b64encode(data).decode()), 0.9)
    step = google(service).generate("a fox")
    assert (step.ok, len(service.received)) == (True, 1)
    assert "broke off" in step.warnings[0]


def test_bytes_that_are_no_whole_picture_are_kept(service: Loopback) -> None:
    """Half a picture is asked for again, and its bytes are kept beside its attempt; verify and the record know them."""
    noisy = png("red", (60, 60))[:-30]
    service.say(picture_reply(noisy))
    step = google(service).generate("a fox")
    kept = step.attempts[0]["kept"]
    assert [(Path("bear/extra") / name).read_bytes() for name in kept] == [noisy]
    assert Session("./bear").verify() == []
    (Path("bear/extra") / kept[0]).unlink()
    assert len(Session("./bear").verify()) == 1


@pytest.mark.parametrize("packed", [bytes, gzip.compress])
def test_an_answer_without_a_picture_is_kept_without_the_key(service: Loopback, packed: Any) -> None:
    """The body of a success without a picture is kept, unpacked and without the key in any form; its cost is not known, and not 0."""
    echo = base64.b64encode(f"key={SECRET}&x".encode()).decode()
    service.always = (200, {}, packed(json.dumps({"hello": SECRET, "echo": echo, "percent": "sk%2Dplanted%2D0123456789"}).encode()))
    session = Session("./bear", endpoint=Endpoint("google", service.url), api_key=SECRET)
    with pytest.raises(ProviderError, match="neither a picture nor words") as said:
        session.generate("a fox")
    attempt = Lineage(Path("bear")).records()[0].attempts[0]
    kept = (Path("bear/extra") / attempt["body"]).read_bytes()
    assert b"hello" in kept
    assert SECRET.encode() not in kept
    assert SECRET not in str(said.value)
    assert base64.b64encode(SECRET.encode())[4:-4] not in kept
    assert (attempt["cost"], len(service.received)) == (None, 1)


def test_a_link_is_in_the_error_and_in_the_record(service: Loopback) -> None:
    """A link in place of a picture ends the asking, and is on record."""
    link = "https://img.example.com/x.png"
    service.always = json_reply({"candidates": [{"content": {"parts": [{"text": f"![image]({link})"}]}}]})
    with pytest.raises(ProviderError, match=link):
        google(service).generate("a fox")
    assert Lineage(Path("bear")).records()[0].attempts[0]["link"] == link
    assert len(service.received) == 1


def test_words_alone_are_asked_again_still(service: Loopback) -> None:
    """A model that only talks is asked again, as before."""
    service.always = json_reply({"candidates": [{"content": {"parts": [{"text": "Nice!"}]}, "finishReason": "STOP"}]})
    with pytest.raises(NoPicture):
        google(service, recover=1).generate("a fox")
    assert len(service.received) == 2


def test_a_reply_that_says_nothing_of_itself_is_a_transport_error(service: Loopback) -> None:
    """A connection that breaks before any picture is asked again within `recover`, as before."""
    service.always = Cut(picture_reply(png("red", (60, 60))), 0.3)
    with pytest.raises(TransportError):
        google(service, recover=1).generate("a fox")
    assert len(service.received) == 2


@pytest.mark.filterwarnings("ignore:step")
def test_a_smaller_picture_than_was_asked_for_is_said_and_priced_as_it_came(service: Loopback) -> None:
    """Asked for 4K and answered with 1K, the step warns, and costs what 1K costs."""
    service.always = json_reply(
        {"candidates": [{"content": {"parts": [{"inlineData": {"data": base64.b64encode(png(size=(1024, 1024))).decode()}}]}}]}
    )
    step = google(service, model="gemini-3-pro-image").generate("a fox", image_size="4K")
    assert [w for w in step.warnings if "image_size 4K was asked for, and the picture is of 1K (1024×1024 pixels)" in w]
    assert step.attempts[0]["cost"]["usd"] == pytest.approx(0.134)


def test_an_answer_that_broke_off_stays_set_aside_whatever_it_was_counted_as(service: Loopback) -> None:
    """Half an answer that names its usage may have cost a whole picture: its reserve stays until the step is on record."""
    usage = {"promptTokenCount": 10, "candidatesTokenCount": 5}
    part = {"inlineData": {"data": base64.b64encode(png()[:-30]).decode()}}
    half = {"usageMetadata": usage, "candidates": [{"content": {"parts": [part]}}]}
    service.say(json_reply(half))
    with pytest.raises(BudgetExceeded):
        google(service, budget=0.05).generate("a fox")
    assert len(service.received) == 1
