"""What comes after an attempt: ask again (in which words), wait, or stop. Pure: no clock, no chance of its own.

A reply that holds only text is asked again with wording that names the picture, in the prompt's language; a broken reply is asked again
as it was, and one that refused an option without it; a busy service is waited for; a refusal and an error of the caller's are final.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from promptkit.errors import PromptkitError, RateLimited, ServiceUnavailable, TransportError
from promptkit.prompts.library import Library
from promptkit.providers.message import Reply

__all__ = ["Ask", "language_of", "next_ask", "unanswered"]

BUSY_REPEATS = 4
LONGEST_WAIT = 60.0  # seconds
BRIEF = {"zh": 40, "ja": 40}  # characters of an instruction that is short enough to be wrapped; other languages:
BRIEF_ELSEWHERE = 120
CLAUSE_ENDS = re.compile(r"[.!?;,:\n。！？；，、：।](?!\s*$)")  # one that something follows

# what is quoted is lettering, and may be in another language than the prompt
LETTERING = {'"': '"', "“": "”", "「": "」", "『": "』", "«": "»", "《": "》"}
OPENING = re.compile("[" + "".join(LETTERING) + "]")
# without the middle dot and the sound marks between the letters: Chinese writes foreign names with them
KANA = re.compile(r"[\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fd-\u30ff\uff66-\uff6f\uff71-\uff9d]")
HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
SPANISH_MARKS = re.compile(r"[ñ¿¡]|\b(?:haz|pon|agrega|agregue|añade|quita|cambia|genera|crea|dibuja)\b", re.IGNORECASE)
SPANISH_WORDS = re.compile(r"\b(?:el|la|los|las|un|una|de|del|en|con|por|para|que|y|su|al|lado)\b", re.IGNORECASE)
ENGLISH_WORDS = re.compile(r"\b(?:a|an|the|of|in|on|at|to|and|with|from|for|by|is|it|its|this|that)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Ask:
    """The next request: its text, the seconds to wait before it, why, and the names of the options that are left out of it."""

    text: str
    wait: float = 0.0
    cause: str = ""
    without: tuple[str, ...] = ()


def unanswered(error: TransportError) -> Reply:
    """The reply that stands for none: interrupted where the service may have seen the request, else an error."""
    return Reply("interrupted" if error.sent else "error", reason="NO_REPLY", message=str(error), error=error)


def next_ask(replies: Sequence[Reply], asked: Sequence[Ask], *, editing: bool, lang: str, recover: int, jitter: float = 0.0) -> Ask | None:
    """What to ask after these replies to these asks, or None to stop.

    At most 4 repeats for a busy service, and `recover` for all other causes together; `jitter` (0 to 1) spreads the waits.
    """
    reply, last = replies[-1], asked[-1]
    again = [a.cause for a in asked[1:]]
    if _is_busy(reply):
        repeats = again.count("busy")
        return replace(last, wait=_wait(reply, repeats, jitter), cause="busy") if repeats < BUSY_REPEATS else None
    if refused := tuple(name for name in reply.dislikes if name not in last.without):
        return replace(last, wait=0.0, cause=", ".join(refused), without=(*last.without, *refused))
    if sum(cause in ("text", "interrupted") for cause in again) >= recover:
        return None
    if reply.outcome == "interrupted":
        return replace(last, wait=0.0, cause="interrupted")
    if reply.outcome == "text":
        words = _wording(asked[0].text, editing=editing, lang=lang, attempt=again.count("text") + 1)
        return replace(last, text=words, wait=0.0, cause="text")
    return None


def _is_busy(reply: Reply) -> bool:
    """Whether nothing ran: an answer that was lost after the work is interrupted, whatever the status said."""
    return reply.outcome == "error" and isinstance(reply.error, RateLimited | ServiceUnavailable)


def _wait(reply: Reply, repeats: int, jitter: float) -> float:
    named: float | None = getattr(reply.error, "retry_after", None)
    if named is not None:
        return named
    return min(LONGEST_WAIT, 2.0**repeats) * (1 + jitter / 2)


@cache
def _library() -> Library:
    return Library()  # the built-in wording only: a template that a person puts first must not change what recovery says


def _wording(prompt: str, *, editing: bool, lang: str, attempt: int) -> str:
    template = _library()["recover.edit" if editing else "recover.generate"]
    try:
        return str(template(prompt=prompt, brief=_is_brief(prompt, lang), attempt=attempt, lang=_nearest(lang, template.languages)))
    except PromptkitError:  # a prompt too long for any template is asked again as it is
        return prompt


def _nearest(lang: str, languages: Sequence[str]) -> str:
    return next((known for known in languages if _main(known) == _main(lang)), "en")


def _main(lang: str) -> str:
    return re.split("[-_]", lang.lower())[0]


def _is_brief(prompt: str, lang: str) -> bool:
    limit = BRIEF.get(_main(lang), BRIEF_ELSEWHERE)
    return len(prompt) <= limit and not CLAUSE_ENDS.search(prompt.strip())


def language_of(text: str) -> str:
    """The language of free text among those with wording: kana is ja, Han zh-CN, Devanagari hi, Spanish marks or words es-MX, else en."""
    said = _without_lettering(text)
    words = said if re.search(r"[^\W\d_]", said) else text
    if KANA.search(words):
        return "ja"
    if HAN.search(words):
        return "zh-CN"
    if re.search(r"[\u0900-\u097f]", words):
        return "hi"
    return "es-MX" if _is_spanish(words) else "en"


def _without_lettering(text: str) -> str:
    """The text with a blank for each quotation, in one walk: a quote that nothing closes is looked for once."""
    rest: list[str] = []
    unclosed: set[str] = set()
    start = at = 0
    while match := OPENING.search(text, at):
        quote, at = match[0], match.end()
        end = -1 if quote in unclosed else text.find(LETTERING[quote], at)
        if end < 0:
            unclosed.add(quote)
            continue
        rest += [text[start : match.start()], " "]
        start = at = end + 1
    return "".join([*rest, text[start:]])


def _is_spanish(text: str) -> bool:
    """One function word may be a name's (Los Angeles) and a mark a loan's (piñata); two, and more than are English, are a sentence's."""
    spanish = len(set(map(str.lower, SPANISH_WORDS.findall(text)))) + 2 * bool(SPANISH_MARKS.search(text))
    return spanish > max(1, len(set(map(str.lower, ENGLISH_WORDS.findall(text)))))
