"""Recorded replies of real services, each judged as a person who reads it would judge it.

Replies that were really sent; those that are made up, field by field, are in tests/providers/test_gemini.py.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from kit.places import SHARED, shared

from promptkit.errors import (
    KeyRejected,
    ModelNotFound,
    ProviderError,
    QuotaExceeded,
    RateLimited,
    RegionUnavailable,
    ServiceUnavailable,
)
from promptkit.providers.gemini import Gemini
from promptkit.providers.message import Response

Verdict = tuple[str, type[Exception] | None, str | None]


def picture(reason: str = "STOP") -> Verdict:
    return "picture", None, reason


def text(reason: str | None = "STOP") -> Verdict:
    return "text", None, reason


def refused(reason: str | None) -> Verdict:
    return "refused", None, reason


def error(kind: type[Exception], reason: str | None = None) -> Verdict:
    return "error", kind, reason


INVALID = error(ProviderError, "INVALID_ARGUMENT")
REGION = error(RegionUnavailable, "FAILED_PRECONDITION")
BAD_KEY = error(KeyRejected, "API_KEY_INVALID")
NOT_ENABLED = error(KeyRejected, "SERVICE_DISABLED")
NO_MODEL = error(ModelNotFound, "NOT_FOUND")
RATE = error(RateLimited, "RESOURCE_EXHAUSTED")

# Left out: vercel-ai/stream_image_thought_signature.chunks.txt is a stream, and promptkit asks for none.
VERDICTS: dict[str, Verdict] = {
    "firebase-mock-responses/googleai__unary-failure-api-key": BAD_KEY,
    "firebase-mock-responses/googleai__unary-failure-finish-reason-safety": refused("SAFETY"),
    "firebase-mock-responses/googleai__unary-failure-generativelanguage-api-not-enabled": NOT_ENABLED,
    # it names no reason, but what it has is the message of a block
    "firebase-mock-responses/googleai__unary-failure-only-prompt-feedback": refused(None),
    "firebase-mock-responses/googleai__unary-failure-unknown-model": NO_MODEL,
    "firebase-mock-responses/googleai__unary-failure-with-message-no-content": text("OTHER"),
    "firebase-mock-responses/googleai__unary-success-basic-reply-long": text(),
    "firebase-mock-responses/googleai__unary-success-basic-reply-short": text(),
    "firebase-mock-responses/googleai__unary-success-thinking-reply-thought-summary": text(),
    "firebase-mock-responses/vertexai__unary-failure-api-key": BAD_KEY,
    "firebase-mock-responses/vertexai__unary-failure-empty-content": text(None),
    "firebase-mock-responses/vertexai__unary-failure-finish-reason-safety": refused("SAFETY"),
    "firebase-mock-responses/vertexai__unary-failure-finish-reason-safety-no-content": refused("SAFETY"),
    "firebase-mock-responses/vertexai__unary-failure-firebaseml-api-not-enabled": NOT_ENABLED,
    "firebase-mock-responses/vertexai__unary-failure-firebasevertexai-api-not-enabled": NOT_ENABLED,
    # the three with `predictions` are of another protocol (Imagen's :predict): as an answer to our request they hold nothing
    "firebase-mock-responses/vertexai__unary-failure-generate-images-all-filtered": error(ProviderError, "NO_ANSWER"),
    "firebase-mock-responses/vertexai__unary-failure-generate-images-gcs-some-filtered": error(ProviderError, "NO_ANSWER"),
    "firebase-mock-responses/vertexai__unary-success-generate-images-gcs": error(ProviderError, "NO_ANSWER"),
    "firebase-mock-responses/vertexai__unary-failure-generate-images-prompt-blocked": refused("INVALID_ARGUMENT"),
    "firebase-mock-responses/vertexai__unary-failure-http-error": REGION,  # its message is a placeholder; the details say it
    "firebase-mock-responses/vertexai__unary-failure-iam-permission-denied": error(KeyRejected, "IAM_PERMISSION_DENIED"),
    "firebase-mock-responses/vertexai__unary-failure-image-rejected": INVALID,
    "firebase-mock-responses/vertexai__unary-failure-invalid-location-url-not-found": error(ProviderError, "NOT_JSON"),
    "firebase-mock-responses/vertexai__unary-failure-invalid-response": error(ProviderError, "NO_ANSWER"),
    "firebase-mock-responses/vertexai__unary-failure-malformed-content": text(None),
    "firebase-mock-responses/vertexai__unary-failure-model-not-found": NO_MODEL,
    "firebase-mock-responses/vertexai__unary-failure-prompt-blocked-safety": refused("SAFETY"),
    "firebase-mock-responses/vertexai__unary-failure-prompt-blocked-safety-with-message": refused("SAFETY"),
    # a limit of 0 a minute in this region: waiting a minute brings nothing
    "firebase-mock-responses/vertexai__unary-failure-quota-exceeded": error(QuotaExceeded, "RATE_LIMIT_EXCEEDED"),
    "firebase-mock-responses/vertexai__unary-failure-unknown-enum-finish-reason": text("FAKE_NEW_FINISH_REASON"),
    "firebase-mock-responses/vertexai__unary-failure-unknown-enum-prompt-blocked": refused("FAKE_NEW_BLOCK_REASON"),
    "firebase-mock-responses/vertexai__unary-failure-unknown-model": NO_MODEL,
    "firebase-mock-responses/vertexai__unary-failure-unsupported-user-location": REGION,
    "firebase-mock-responses/vertexai__unary-success-basic-reply-long": text(),
    "firebase-mock-responses/vertexai__unary-success-basic-reply-short": text(),
    "firebase-mock-responses/vertexai__unary-success-basic-response-long-usage-metadata": text(),
    "firebase-mock-responses/vertexai__unary-success-empty-part": picture(),
    "firebase-mock-responses/vertexai__unary-success-empty-text-part": text(),
    "firebase-mock-responses/vertexai__unary-success-image-invalid-safety-ratings": picture(),
    "firebase-mock-responses/vertexai__unary-success-implicit-caching": text(),
    "firebase-mock-responses/vertexai__unary-success-including-severity": text(),
    "firebase-mock-responses/vertexai__unary-success-missing-safety-ratings": text(None),
    "firebase-mock-responses/vertexai__unary-success-partial-usage-metadata": text(),
    "firebase-mock-responses/vertexai__unary-success-quote-reply": text(),
    "firebase-mock-responses/vertexai__unary-success-thinking-reply-thought-summary": text(),
    "firebase-mock-responses/vertexai__unary-success-unknown-enum-safety-ratings": text(),
    "firebase-mock-responses/vertexai__unary-success-usage-metadata": text(),
    "issues/err400_missing_thought_signature": INVALID,
    "issues/err400_user_location": REGION,
    "issues/err403_key_leaked": error(KeyRejected, "PERMISSION_DENIED"),
    "issues/err403_service_blocked": error(KeyRejected, "API_KEY_SERVICE_BLOCKED"),
    "issues/err404_model_retired": NO_MODEL,
    "issues/err429_vertex_no_details": RATE,
    "issues/err500_internal": error(ServiceUnavailable, "INTERNAL"),
    "issues/err500_internal_wrapped_in_array": error(ServiceUnavailable, "INTERNAL"),
    "issues/err503_overloaded": error(ServiceUnavailable, "UNAVAILABLE"),
    "issues/image_other_content_empty": text("IMAGE_OTHER"),
    "issues/image_prohibited_3_pro_litellm20357": refused("IMAGE_PROHIBITED_CONTENT"),
    "issues/image_prohibited_content_role_only": refused("IMAGE_PROHIBITED_CONTENT"),
    "issues/image_prohibited_third_party": refused("IMAGE_PROHIBITED_CONTENT"),
    "issues/image_recitation_recorded": refused("IMAGE_RECITATION"),
    "issues/image_safety_parts_null_gateway": refused("IMAGE_SAFETY"),
    "issues/malformed_response": text("MALFORMED_RESPONSE"),
    "issues/stop_empty_content": text(),
    "prism-php/generate-image-with-a-prompt-1": picture(),
    "prism-php/generate-image-with-image-edit-1": picture(),
    "ruby_llm/chat_error_handling_with_gemini_gemini-2_5-flash_raises_appropriate_auth_error.0": BAD_KEY,
    "ruby_llm/chat_real_error_scenarios_gemini_gemini-2_5-flash_handles_context_length_exceeded_errors.0": RATE,
    "ruby_llm/chat_real_error_scenarios_vertexai_gemini-2_5-flash_handles_context_length_exceeded_errors.1": INVALID,
    "ruby_llm/image_basic_functionality_gemini_gemini-3_1-flash-lite-image_can_paint_images.0": picture(),
    "ruby_llm/image_basic_functionality_vertexai_gemini-3_1-flash-lite-image_can_paint_images.1": picture(),
    "vercel-ai/err400_penalty": INVALID,
    "vercel-ai/err400_thinking_budget_and_level": INVALID,
    "vercel-ai/err400_thinking_level": INVALID,
    "vercel-ai/err429_retry_info_fractional": RATE,
    "vercel-ai/image_flash_3_1_redacted": ("interrupted", None, "STOP"),  # where the picture stood is a note in plain words
    "vercel-ai/image_prompt_block": refused("PROHIBITED_CONTENT"),
    "vercel-ai/no_image": text("NO_IMAGE"),
    "vercel-ai/text_with_headers_ok": text(),
}
WAITS = {
    "ruby_llm/chat_real_error_scenarios_gemini_gemini-2_5-flash_handles_context_length_exceeded_errors.0": 48.0,
    "vercel-ai/err429_retry_info_fractional": 34.4,
    "issues/err429_vertex_no_details": None,
}


def recorded(name: str) -> Response:
    said = json.loads((shared("traffic") / f"{name}.json").read_text(encoding="utf-8"))["response"]
    headers = {k: v[0] if isinstance(v, list) else v for k, v in (said["headers"] or {}).items()}
    body: Any = json.dumps(said["body"]) if said.get("body") is not None else said["raw_text"]
    return Response(said["status"] or 404, headers, body.encode())  # the one without a status is an error page that says 404


@pytest.mark.parametrize("name", VERDICTS)
def test_verdict_on_a_recorded_reply(name: str) -> None:
    """Each recorded reply is judged as a person would: its outcome, the class of its error, the service's own word."""
    reply = Gemini().decode(recorded(name))
    assert (reply.outcome, type(reply.error) if reply.error else None, reply.reason) == VERDICTS[name]
    assert bool(reply.pictures) == (reply.outcome == "picture")
    assert all(p.size for p in reply.pictures)


@pytest.mark.parametrize(("name", "seconds"), WAITS.items())
def test_waits_of_recorded_replies(name: str, seconds: float | None) -> None:
    """The wait that a recorded 429 asks for is understood."""
    assert getattr(Gemini().decode(recorded(name)).error, "retry_after", ...) == seconds


def test_every_recorded_reply_is_judged() -> None:
    """No recorded reply is without a verdict here."""
    folder = shared("traffic")
    assert {f.relative_to(folder).as_posix().removesuffix(".json") for f in folder.rglob("*.json")} == set(VERDICTS)
    assert folder.parent == SHARED
