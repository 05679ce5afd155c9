"""What callers give: checked before anything happens, with a hint where it cannot be meant."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, Signature, iscoroutinefunction
from math import inf
from typing import Any

from promptkit.cost import Cost, Money, is_real, parsed_money
from promptkit.errors import InputError, SettingsError, did_you_mean, is_like_a_key, shown
from promptkit.lineage.files import parsed
from promptkit.prompts.template import Prompt, Template
from promptkit.prompts.unfinished import half_character, unfinished
from promptkit.providers.options import OPTIONS, is_number
from promptkit.values import built_in, for_json, whole_number

__all__ = [
    "CALL_OPTIONS",
    "CONFIG",
    "check_call",
    "check_values",
    "checked_config",
    "checked_label",
    "checked_lang",
    "checked_limits",
    "checked_many",
    "checked_meta",
    "checked_opening",
    "checked_pictures",
    "checked_prompt",
    "checked_text",
    "checked_words",
    "refuse_unknown",
    "with_options",
]


OPTION_RULES = {option.name: (option.fits, option.expected) for option in OPTIONS.values()}


def _is_model(value: object) -> bool:
    return value is None or (isinstance(value, str) and bool(value.strip()) and not is_like_a_key(value))


def _is_whole(value: object, least: int) -> bool:
    """Whether it is a whole number from `least` on, and not true or false."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_listener(value: object) -> bool:
    return value is None or (callable(value) and not any(map(iscoroutinefunction, (value, type(value).__call__))))


OPENING: dict[str, tuple[Callable[[Any], bool], str]] = {
    "model": (_is_model, 'a model\'s id, such as "gemini-2.5-flash-image"'),
    "chain": (lambda v: v in ("picture", "chat"), '"picture" (sends the last picture) or "chat" (sends the earlier turns)'),
    "transport": (lambda v: v is None or callable(getattr(v, "send", None)), "a transport: something with send(request)"),
    "recover": (lambda v: _is_whole(v, 0), "a whole number from 0 on"),
    "send": (lambda v: isinstance(v, bool), "True, or False where nothing may be sent"),
    "lang": (lambda v: v is None or (isinstance(v, str) and bool(v.strip())), 'a language tag, such as "zh-CN"'),
    "deadline": (lambda v: is_number(v) and v > 0, "a number of seconds above 0"),
    "on_progress": (_is_listener, "a plain function that takes a line of text; into an event loop, loop.call_soon_threadsafe takes it"),
}
CONFIG = tuple(OPTIONS)
CALL_OPTIONS = (*CONFIG, "lang", "references", "anchor", "region", "label", "meta", "fresh")
HINTS = {
    "images": "references=",
    "mask": "region=",
    "box": "region=",
    "image": "references=",
    **{name: f"{option.name}=" for option in OPTIONS.values() for name in option.also_called},
    "n": "vary(n=…)",
    "each": "vary(each=…)",
    "base_url": "endpoint=",
    "url": "endpoint=",
    "key": "api_key=",
    "model": "Session(model=…)",
    "send": "Session(send=False)",
    "fresh": "it with generate, edit and vary; again always asks anew",
    "variables": "the template's own inputs: templates.sticker(subject=…)",
    "inputs": "the template's own inputs: templates.sticker(subject=…)",
}


# Prompts and pictures


def checked_prompt(prompt: object) -> Prompt:
    """The Prompt of a text or a rendered template. SettingsError for anything else, and for text that is no UTF-8: it is never repaired."""
    if isinstance(prompt, Template):
        raise SettingsError(f"{prompt.name} is a template: call it with its inputs ({', '.join(prompt.inputs)}) to get a prompt.")
    if isinstance(prompt, Prompt):
        _refuse_half_characters(prompt.text)
        return prompt
    if not isinstance(prompt, str) or not prompt.strip():
        raise SettingsError(f"A prompt is a text or a rendered template; this is {prompt!r:.60}.")
    text = str.__str__(prompt)
    if half_character(text) is not None:  # a whole character in two halves, as UTF-16 has it, is joined
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        _refuse_half_characters(text)
    return Prompt(text=text)


def _refuse_half_characters(text: str) -> None:
    at = half_character(text)
    if at is not None:
        where = f"character {at + 1:,}, in {text[max(0, at - 10) : at + 10]!r}"
        raise SettingsError(f"The prompt is no UTF-8 text: {where}, is half a character; read it as it was written, or write it anew.")


def checked_words(prompt: Prompt) -> None:
    """SettingsError where a prompt still holds what only some tool writes, and should have filled in."""
    if piece := unfinished(prompt.text):
        whose = f"The prompt that {prompt.template} made" if prompt.template else "The prompt"
        as_signs = "fill it in; where the picture shall show such signs, write blanks between them"
        advice = "leave its front matter out" if piece.startswith("---") else as_signs
        raise SettingsError(f"{whose} is not finished, and was not sent: it holds {piece!r}; {advice}.")


def checked_pictures(prompt: Prompt, count: int) -> None:
    """InputError where the prompt's template does not go with so many pictures, the one being edited included."""
    problem = prompt.pictures.problem(count) if prompt.pictures else None
    if problem:
        edits = "edits a picture, and " if prompt.kind == "edit" else ""
        said = f"{prompt.template} {edits}{problem}: call edit(…) on the one to change, and bring the others as references=[…], in order."
        raise InputError(said, problems=[problem])


def checked_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The options with their types checked, those that are None left out. SettingsError names the first that is wrong."""
    checked = {k: _plain(v) for k, v in config.items() if v is not None}
    for name, value in checked.items():
        if name in OPTIONS and isinstance(value, str):
            checked[name] = OPTIONS[name].as_meant(value)
    check_values(OPTION_RULES, **checked)
    return checked


def _plain(value: Any) -> Any:
    """The value, and of a mapping all that it holds, as Python's own."""
    return {built_in(k): built_in(v) for k, v in value.items()} if isinstance(value, Mapping) else built_in(value)


def check_values(rules: Mapping[str, tuple[Callable[[Any], bool], str]], /, **given: Any) -> None:
    """SettingsError names the first of the values that does not fit its rule, with what was expected."""
    for name, value in given.items():
        fits, expected = rules[name]
        if not fits(value):
            raise SettingsError(f"{name} is {expected}, not {shown(value)}.")


def checked_opening(**given: Any) -> dict[str, Any]:
    """What a session is opened with, as Python's own values. SettingsError names the first that does not fit."""
    checked = {name: built_in(value) for name, value in given.items()}
    check_values(OPENING, **checked)
    return checked


def checked_many(**given: object) -> list[int]:
    """How many pictures vary makes, and with how many workers. SettingsError where one is no whole number from 1 on."""
    checked = [whole for value in given.values() if (whole := whole_number(value)) is not None and whole > 0]
    if len(checked) < len(given):
        named = ", ".join(f"{name}={value!r}" for name, value in given.items())
        raise SettingsError(f"vary makes n pictures with so many workers, both whole numbers from 1 on; {named}.")
    return checked


def checked_limits(budget: object, max_requests: object) -> dict[str, Any]:
    """What a session's requests are bounded by: `budget` as Money, `max_requests` as a whole number; None where there is no such limit.
    SettingsError names the one that is wrong."""
    most = whole_number(max_requests)
    if max_requests is not None and (most is None or most < 0):
        raise SettingsError(f"max_requests is a whole number from 0 on, not {shown(max_requests)}.")
    money = budget if budget is None or isinstance(budget, Money) else _money(budget)
    if budget is not None and money is None:
        raise SettingsError(f'budget is a number of USD from 0 on, or a text such as "20 CNY", not {shown(budget)}.')
    return {"budget": money, "max_requests": most}


def _money(value: Any) -> Money | None:
    """A number of USD, a text with its currency, or a cost in one currency as money; None for anything else."""
    if isinstance(value, str):
        return parsed_money(value)
    if isinstance(value, Cost):
        return None if value.unpriced or len(value.sums) > 1 else Money(value.amount, value.currency)
    is_sum = is_real(value) and not isinstance(value, bool) and 0 <= value < inf
    return Money(float(value)) if is_sum else None


def checked_text(name: str, value: object) -> str | None:
    """A text, or None for none. SettingsError for anything else."""
    if value is not None and not isinstance(value, str):
        raise SettingsError(f"{name} is a text, not {value!r:.60}.")
    return built_in(value)


def checked_lang(lang: object) -> str | None:
    """A language tag, or None for none."""
    if isinstance(lang, str) and not lang.strip():
        raise SettingsError('lang is a language tag, such as "zh-CN", not an empty text.')
    return checked_text("lang", lang)


def checked_label(label: object) -> str | None:
    """The caller's short name for a step."""
    return checked_text("label", label)


def checked_meta(meta: Mapping[str, Any] | None) -> dict[str, Any]:
    """The caller's notes as JSON will bring them back. SettingsError for what JSON cannot hold."""
    try:
        checked: dict[str, Any] = parsed(json.dumps(dict(meta or {}), allow_nan=False, default=for_json).encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise SettingsError(f"meta holds what JSON cannot: {error}; use texts, numbers, lists and mappings.") from None
    return checked


# Keywords


def check_call(options: Mapping[str, object]) -> None:
    """SettingsError for a keyword that no call has."""
    refuse_unknown({k: v for k, v in options.items() if k not in (*CONFIG, "lang")}, CALL_OPTIONS)


def refuse_unknown(unknown: Mapping[str, object], known: Sequence[str], hints: Mapping[str, str] = HINTS) -> None:
    """SettingsError for a keyword that there is not, with what to write instead."""
    for name in unknown:  # by name only: its value may be a key
        hint = f"; use {hints[name]}" if name in hints else f"{did_you_mean(name, known)}; known are {', '.join(known)}"
        raise SettingsError(f"There is no keyword {name!r}{hint}.")


def with_options(called: Callable[..., Any]) -> Signature:
    """A signature in which the options of a request stand by name, in place of the `**options` that takes them."""
    signature = Signature.from_callable(called)
    *known, _ = signature.parameters.values()
    named = [Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation="Any") for name in CONFIG]
    return signature.replace(parameters=[*known, *named])
