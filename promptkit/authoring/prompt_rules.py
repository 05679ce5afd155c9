"""Judges the words of a prompt for a picture: what makes such prompts fail, and what an edit asks to keep. Text in, verdict out.

A rule would rather miss a bad prompt than blame a good one, so that each waits for clear-cut words; language_rules has their patterns, for
each language that has a file of words. What stands in quotes is what a picture shall show: no rule takes it for a demand.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from promptkit.authoring.language_rules import CLAUSE, SENTENCE, Rules, all_rules, rules_of, shapes
from promptkit.prompts.quotes import QUOTED

__all__ = [
    "asks_for_the_whole",
    "asks_to_keep_the_rest",
    "clashing_ratios",
    "excess",
    "has_rules",
    "only_negations",
    "says_that_something_stays",
    "says_what_stays",
    "unquoted_lettering",
]

MOST_WORDS, MOST_CHARACTERS = 480, 800
REACH = 100  # characters between words that ask for lettering and the quotes that hold it
CONTEXT = 40  # characters around a match that can take it back
LONGEST_READ = 20_000  # characters that are looked at; a prompt that goes on is too long anyway


def has_rules(lang: str) -> bool:
    """Whether prompts in the language of a tag such as `zh-CN` can be judged by more than their length."""
    return rules_of(_primary(lang)) is not None


def _primary(lang: str) -> str:
    return lang.partition("-")[0].lower()


def _rules(lang: str) -> Rules:
    rules = rules_of(_primary(lang))
    assert rules is not None, f"has_rules({lang!r}) is False"
    return rules


# Lettering

Span = tuple[int, int]


def unquoted_lettering(text: str, lang: str) -> str:
    """The words that ask for lettering without saying in quotes which, or nothing."""
    rules, text = _rules(lang), text[:LONGEST_READ]
    quoted = [match.span() for match in QUOTED.finditer(text)]
    mentions = [] if quoted else _demands(rules.mention, rules, text, quoted)
    found = [*_unquoted_behind(rules, text, quoted), *_unquoted_around(rules, text, quoted), *mentions]
    return _excerpt(text, *min(found)) if found else ""


def _demands(pattern: re.Pattern[str], rules: Rules, text: str, quoted: list[Span]) -> Iterator[Span]:
    for match in pattern.finditer(text):
        begin = match.end() - len(match[0].lstrip())
        if not _is_inside(begin, quoted) and not rules.denied.search(text[max(0, begin - CONTEXT) : begin]):
            yield begin, match.end()


def _unquoted_behind(rules: Rules, text: str, quoted: list[Span]) -> Iterator[Span]:
    for begin, end in _demands(rules.lettering, rules, text, quoted):
        if not any(begin <= opening <= end + REACH for opening, _ in quoted):
            yield begin, end + 30


def _unquoted_around(rules: Rules, text: str, quoted: list[Span]) -> Iterator[Span]:
    for begin, end in _demands(rules.written, rules, text, quoted):
        if not any(begin - REACH <= closing <= begin or begin <= opening <= end + REACH for opening, closing in quoted):
            start = max(0, begin - 30)
            yield max((stop.end() for stop in SENTENCE.finditer(text, start, begin)), default=start), end


def _is_inside(at: int, spans: list[Span]) -> bool:
    return any(begin <= at < end for begin, end in spans)


def _excerpt(text: str, begin: int, end: int) -> str:
    return text[begin:end].strip().partition("\n")[0]


# Ratios

RATIO = re.compile(r"(?<![\d:：.,/])(\d{1,2}(?:\.\d{1,2})?) ?[:：∶] ?(\d{1,2}(?:\.\d{1,2})?)(?![\d:：/]|\.\d)")


def clashing_ratios(text: str, known: Collection[str], wanted: object = None) -> tuple[str, ...]:
    """Two ratios that do not agree, both from the prompt or one of them the one wanted, as they are spelled; empty where all agree."""
    found = dict.fromkeys(_ratios(text[:LONGEST_READ], known))
    first = str(wanted) if wanted is not None and _value(str(wanted)) else next(iter(found), "")
    return next(((spelled, first) for spelled in found if not _agree(spelled, first)), ())


def _ratios(text: str, known: Collection[str]) -> Iterator[str]:
    quoted = [match.span() for match in QUOTED.finditer(text)]
    for match in RATIO.finditer(text):
        spelled = f"{match[1]}:{match[2]}"
        if _value(spelled) and not _is_inside(match.start(), quoted) and _is_shape(text, match, spelled in known):
            yield spelled


def _is_shape(text: str, match: re.Match[str], is_known: bool) -> bool:
    before, after = text[max(0, match.start() - CONTEXT) : match.start()], text[match.end() : match.end() + CONTEXT]
    around = shapes()
    if around.other_before.search(before) or around.other_after.match(after):
        return False
    is_scale = match[1] == "1" and match[2] in ("4", "8")  # of models, as often as a shape
    return bool(around.before.search(before) or around.after.match(after)) or (is_known and not is_scale)


def _value(spelled: str) -> float:
    found = RATIO.fullmatch(spelled.strip())
    return float(found[1]) / float(found[2]) if found and float(found[2]) else 0.0


def _agree(one: str, other: str) -> bool:
    return abs(_value(one) - _value(other)) <= 0.02 * _value(one)  # 16:9 is 1.78:1 too


# What is asked for


def only_negations(text: str, lang: str) -> str:
    """The first sentence of a prompt that says in each only what shall not be, or nothing."""
    rules = _rules(lang)
    sentences = [part.strip() for part in SENTENCE.split(text[:LONGEST_READ]) if re.search(r"\w", part)]
    return sentences[0] if sentences and all(_only_forbids(sentence, rules) for sentence in sentences) else ""


def _only_forbids(sentence: str, rules: Rules) -> bool:
    return bool(rules.forbids.search(sentence)) and not any(rules.asks.search(clause.strip()) for clause in CLAUSE.split(sentence))


def says_what_stays(text: str, lang: str) -> bool:
    """Whether an edit says what it shall leave as it is."""
    return bool(_rules(lang).keeps.search(text[:LONGEST_READ]))


def excess(text: str, lang: str) -> str:
    """How long a prompt is that is longer than a model follows, such as "612 words; 480 at most", or nothing. Any language has a length."""
    rules = rules_of(_primary(lang))
    if rules is not None and not rules.words.blanks:
        count, most, unit = len("".join(text.split())), MOST_CHARACTERS, "characters"
    else:
        count, most, unit = len(text.split()), MOST_WORDS, "words"
    return f"{count:,} {unit}; {most} at most" if count > most else ""


# What asks to keep the rest: a session warns by it, and `check` does not use it


def asks_to_keep_the_rest(text: str) -> bool:
    """Whether an edit asks, in any language that has rules, that what it does not name stays, and not for all of the picture to change.

    False where it is not sure. The language of a text is often a guess, so that the words of all are looked for.
    """
    said = QUOTED.sub(" ", text[:LONGEST_READ])
    return any(words.rest.search(said) or words.only.search(said) for words in all_rules()) and not _whole(said)


def asks_for_the_whole(text: str) -> bool:
    """Whether an edit asks, in any language that has rules, for all of the picture to change: its style, its light, its frame."""
    return _whole(QUOTED.sub(" ", text[:LONGEST_READ]))


def says_that_something_stays(text: str) -> bool:
    """Whether an edit says, in any language that has rules, of anything that it stays as it is."""
    said = QUOTED.sub(" ", text[:LONGEST_READ])
    return any(words.keeps.search(said) for words in all_rules())


def _whole(said: str) -> bool:
    return any(words.whole.search(words.rest.sub(" ", said)) for words in all_rules())
