"""What comes after an attempt, as tables: the words of the next asking, the wait before it, and when to stop.

Decisions alone, with nobody asked; that they are carried out is tested in test_ask.py.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptkit.engine.recovery import Ask, language_of, next_ask, unanswered
from promptkit.errors import (
    KeyRejected,
    ModelNotFound,
    OutOfCredit,
    ProviderError,
    QuotaExceeded,
    RateLimited,
    RegionUnavailable,
    ServiceUnavailable,
    TransportError,
)
from promptkit.providers.message import Reply

TEXT, CUT = Reply("text", text="Nice!"), Reply("interrupted", reason="CUT")


def busy(seconds: float | None = None) -> Reply:
    return Reply("error", error=RateLimited("no", status=429, retry_after=seconds), status=429)


def walk(prompt: str, *replies: Reply, editing: bool = True, lang: str = "en", recover: int = 2, jitter: float = 0.0) -> list[Ask | None]:
    """All asks that follow a prompt when the service answers so; None where it stops."""
    asks: list[Ask | None] = [Ask(prompt)]
    for i in range(len(replies)):
        said = [a for a in asks if a is not None]
        asks.append(next_ask(replies[: i + 1], said, editing=editing, lang=lang, recover=recover, jitter=jitter))
    return asks[1:]


def texts(asks: list[Ask | None]) -> list[str]:
    return [a.text for a in asks if a is not None]


FIRM = {
    "en": "Reply with the image itself, not with a description.",
    "es-MX": "Responde con la imagen misma, no con una descripción.",
    "ja": "説明文ではなく、画像そのものを返してください。",
    "zh-CN": "请直接返回图片，不要只用文字描述。",
    "hi": "जवाब में विवरण नहीं, सीधे तस्वीर दें।",
}
WRAPPED = [
    ("en", True, "Add an alpaca", "Generate the updated image: add an alpaca"),
    ("en", True, "Add an alpaca.", "Generate the updated image: add an alpaca"),
    ("en", True, "UFO in the sky!", "Generate the updated image: UFO in the sky"),
    ("en", False, "A happy bear", "Generate an image: A happy bear"),
    ("es-MX", True, "Agrega una alpaca", "Genera la imagen actualizada: agrega una alpaca"),
    ("es-MX", False, "Un oso feliz", "Genera una imagen: Un oso feliz"),
    ("ja", True, "アルパカを追加して", "次の編集を加えた画像を生成してください：アルパカを追加して"),
    ("ja", False, "草原のクマ", "画像を生成してください：草原のクマ"),
    ("zh-CN", True, "添加羊驼", "生成添加羊驼后的图片"),
    ("zh-CN", True, "请添加羊驼。", "生成添加羊驼后的图片"),
    ("zh-CN", False, "草地上的小熊", "生成图片：草地上的小熊"),
    ("hi", True, "एक अल्पाका जोड़ें", "बदली हुई तस्वीर बनाएँ: एक अल्पाका जोड़ें"),
    ("hi", False, "एक खुश भालू", "तस्वीर बनाएँ: एक खुश भालू"),
    ("zh", True, "添加羊驼", "生成添加羊驼后的图片"),
    ("zh_CN", True, "添加羊驼", "生成添加羊驼后的图片"),
    ("zh-Hans", True, "添加羊驼", "生成添加羊驼后的图片"),
    ("es", False, "Un oso", "Genera una imagen: Un oso"),
    ("fr", True, "Ajoute un lama", "Generate the updated image: ajoute un lama"),
]
KNOWN = {"zh": "zh-CN", "zh_CN": "zh-CN", "zh-Hans": "zh-CN", "es": "es-MX", "fr": "en"}


@pytest.mark.parametrize(("lang", "editing", "prompt", "wording"), WRAPPED)
def test_a_short_instruction_is_wrapped(lang: str, editing: bool, prompt: str, wording: str) -> None:
    """A reply of text alone is asked again in words that name the picture, in the prompt's language; the second time it is firmer."""
    firm = FIRM[KNOWN.get(lang, lang)]
    assert texts(walk(prompt, TEXT, TEXT, editing=editing, lang=lang)) == [wording, f"{wording}\n\n{firm}"]


TWO = {
    "en": "Add an alpaca. It wears a hat.",
    "es-MX": "Agrega una alpaca, con sombrero.",
    "ja": "アルパカを追加して。帽子もかぶせて。",
    "zh-CN": "添加羊驼，戴上帽子。",
    "hi": "एक अल्पाका जोड़ें। उसे टोपी पहनाएँ।",
}
WHOLE = [
    ("en", True, "Generate the updated image now.", " "),
    ("en", False, "Generate this image now.", " "),
    ("es-MX", True, "Genera ahora la imagen actualizada.", " "),
    ("es-MX", False, "Genera ahora esta imagen.", " "),
    ("ja", True, "以上の編集を加えた画像を生成してください。", ""),
    ("ja", False, "以上の内容の画像を生成してください。", ""),
    ("zh-CN", True, "请生成修改后的图片。", ""),
    ("zh-CN", False, "请根据以上内容生成图片。", ""),
    ("hi", True, "अब बदली हुई तस्वीर बनाएँ।", " "),
    ("hi", False, "अब यह तस्वीर बनाएँ।", " "),
]


@pytest.mark.parametrize(("lang", "editing", "demand", "gap"), WHOLE)
def test_a_prompt_of_several_clauses_is_kept_whole(lang: str, editing: bool, demand: str, gap: str) -> None:
    """A prompt of several clauses is kept as it is and followed by the demand, which is firmer the second time."""
    asked = texts(walk(TWO[lang], TEXT, TEXT, editing=editing, lang=lang))
    assert asked == [f"{TWO[lang]}\n\n{demand}", f"{TWO[lang]}\n\n{demand}{gap}{FIRM[lang]}"]


LENGTHS = [("en", "a" * 120, "Generate an image: "), ("en", "a" * 121, ""), ("zh-CN", "熊" * 40, "生成图片："), ("zh-CN", "熊" * 41, "")]


@pytest.mark.parametrize(("lang", "prompt", "before"), LENGTHS)
def test_a_long_prompt_is_kept_whole(lang: str, prompt: str, before: str) -> None:
    """A prompt is wrapped up to a length, which is less in scripts that say more with a letter."""
    assert texts(walk(prompt, TEXT, editing=False, lang=lang))[0].startswith(before + prompt)


@settings(max_examples=60, deadline=None)
@given(clauses=st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1), min_size=2, max_size=4))
def test_no_prompt_is_read_as_a_template(clauses: list[str]) -> None:
    """Whatever a prompt holds, templates' own signs too, it stands in the next asking letter by letter."""
    prompt = "{{ 7*7 }} {% if %}, " + ", ".join(clauses)
    assert prompt in texts(walk(prompt, TEXT))[0]


def test_a_prompt_too_long_for_a_template_is_asked_as_it_is() -> None:
    """A prompt larger than any template may write is asked again without new words rather than not at all."""
    prompt = "A bear, and another. " * 20_000
    assert texts(walk(prompt, TEXT)) == [prompt]


CAUSES = [
    ([TEXT], ["text"]),
    ([CUT], ["interrupted"]),
    ([busy()], ["busy"]),
    ([TEXT, TEXT, TEXT], ["text", "text", None]),
    ([CUT, CUT, CUT], ["interrupted", "interrupted", None]),
    ([TEXT, CUT, TEXT], ["text", "interrupted", None]),
    ([busy()] * 5, [*["busy"] * 4, None]),
    ([busy(), TEXT, busy(), TEXT, busy(), CUT], ["busy", "text", "busy", "text", "busy", None]),
    ([Reply("picture")], [None]),
    ([Reply("refused", reason="SAFETY")], [None]),
    ([Reply("refused", reason="seed", message="seed", status=400)], [None]),
    ([Reply("error", error=ProviderError("no", status=400), message="seed", status=400)], [None]),
]


@pytest.mark.parametrize(("replies", "causes"), CAUSES)
def test_when_to_ask_again(replies: list[Reply], causes: list[str | None]) -> None:
    """At most 4 repeats for a busy service and `recover` for all other causes together; a refusal and a picture end it."""
    assert [a and a.cause for a in walk("Add an alpaca", *replies)] == causes


@pytest.mark.parametrize("recover", [0, 1, 3])
def test_recover_bounds_the_asking(recover: int) -> None:
    """`recover` is how often text or half a reply is asked again, and a busy service's repeats are no part of it."""
    assert len(texts(walk("Hi", *[TEXT] * recover, recover=recover))) == recover
    assert walk("Hi", *[TEXT] * (recover + 1), recover=recover)[-1] is None
    assert walk("Hi", busy(), recover=recover) == [Ask("Hi", 1.0, "busy")]


def test_what_was_asked_is_asked_again() -> None:
    """A broken reply and a busy service are asked again in the words of the last asking; each wording is made of the first."""
    asked = texts(walk("Add a hat", TEXT, CUT, busy(), TEXT, recover=3))
    wrapped = "Generate the updated image: add a hat"
    assert asked == [wrapped, wrapped, wrapped, f"{wrapped}\n\n{FIRM['en']}"]


WAITS = [
    ([None] * 4, 0.0, [1.0, 2.0, 4.0, 8.0]),
    ([None] * 4, 1.0, [1.5, 3.0, 6.0, 12.0]),
    ([13.8, None, 90.0, 0.0], 1.0, [13.8, 3.0, 90.0, 0.0]),
]


@pytest.mark.parametrize(("named", "jitter", "seconds"), WAITS)
def test_waits_for_a_busy_service(named: list[float | None], jitter: float, seconds: list[float]) -> None:
    """The wait is what the service named, else it doubles from a second, spread by the jitter."""
    asks = walk("Hi", *map(busy, named), jitter=jitter)
    assert [a and a.wait for a in asks] == pytest.approx(seconds)


def test_a_wait_is_waited_once() -> None:
    """What is asked after a wait has none of its own."""
    assert [a and a.wait for a in walk("Hi", busy(30.0), TEXT, busy(30.0), CUT)] == [30.0, 0.0, 30.0, 0.0]


FINAL = [KeyRejected, RegionUnavailable, ModelNotFound, QuotaExceeded, OutOfCredit, ProviderError]


@pytest.mark.parametrize("error", FINAL)
def test_errors_of_the_callers_end_it(error: type[ProviderError]) -> None:
    """What asking again cannot mend is not asked again, even where the service named a wait."""
    assert walk("Hi", Reply("error", error=error("no", status=429, retry_after=3.0), status=429)) == [None]


def test_overload_is_waited_for() -> None:
    """An overloaded service is waited for as a rate limit is."""
    assert walk("Hi", Reply("error", error=ServiceUnavailable("no", status=503), status=503)) == [Ask("Hi", 1.0, "busy")]


def test_a_service_that_takes_no_seed() -> None:
    """What a service dislikes is asked again once without it, whatever `recover` allows, and all that follows is without it too."""
    no = Reply("error", error=ProviderError("no", status=400), status=400, dislikes=("seed",))
    assert walk("Hi", no, no, recover=0) == [Ask("Hi", cause="seed", without=("seed",)), None]
    assert all(a and a.without == ("seed",) for a in walk("Hi", no, busy(), TEXT))
    both = Reply("error", error=ProviderError("no", status=400), status=400, dislikes=("seed", "quality"))
    assert walk("Hi", no, both)[-1] == Ask("Hi", cause="quality", without=("seed", "quality"))


@pytest.mark.parametrize(("sent", "outcome", "again"), [(True, "interrupted", True), (False, "error", False)])
def test_no_reply_at_all(sent: bool, outcome: str, again: bool) -> None:
    """A request that the service may have seen is asked again; one that never left is an error."""
    error = TransportError("gone", sent=sent)
    reply = unanswered(error)
    assert (reply.outcome, reply.reason, reply.message, reply.error) == (outcome, "NO_REPLY", "gone", error)
    assert walk("Hi", reply) == [Ask("Hi", cause="interrupted") if again else None]


LANGUAGES = {
    "en": [
        "A happy red panda",
        "",
        "123 !?",
        "A street in Los Angeles",
        'A poster that says "la la land"',
        "A La La Land poster on the wall in Los Angeles",
        "El Capitan at night",
        "Add a piñata to the garden",
        'A neon sign with "¡Olé!" in red',
        'Write "福" on the door',
        "A café with the sign 「ラーメン」",
        "déjà vu, naïve",
    ],
    "es-MX": [
        "Agrega una alpaca",
        "Un oso en la playa",
        "¿Puedes dibujarlo",
        "niño",
        "El gato y el perro",
        "Pon un sombrero a la niña",
        'Escribe "Happy Birthday to the best" en la puerta',
    ],
    "zh-CN": ["添加羊驼", "画一只 red panda in a hat", "达・芬奇风格的肖像", "在牌子上写“ありがとう”", "东京", "𠮷"],
    "ja": ["アルパカを追加", "富士山を描いて", "東京の夜 in the rain", "ｱﾙﾊﾟｶ", "「Hello」と書いて", "クマ"],
    "hi": ["एक अल्पाका जोड़ें", "Panda को टोपी पहनाएँ", '"Hello" लिखें'],
}


@pytest.mark.parametrize(("lang", "text"), [(lang, text) for lang, prompts in LANGUAGES.items() for text in prompts])
def test_language_of_a_free_text(lang: str, text: str) -> None:
    """Kana is Japanese, Han Chinese, Devanagari Hindi, Spanish words Spanish; names, loans and quoted lettering do not decide."""
    assert language_of(text) == lang


@pytest.mark.parametrize(("text", "lang"), [('"ありがとう"', "ja"), ("“添加”", "zh-CN"), ('"', "en")])
def test_lettering_alone_decides(text: str, lang: str) -> None:
    """Where there is nothing but lettering, its language is the text's."""
    assert language_of(text) == lang
