"""The patterns that the rules for prompts look for, built from the words of each language.

What a language says stands in its file of words, and prompt_rules judges by the patterns; here is only how the words of a heading are
looked for in any language. A file is read, and a pattern built, when it is first asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from promptkit.prompts.language_words import LETTER, Words, any_language, languages, words_of

__all__ = ["CLAUSE", "SENTENCE", "Rules", "Shapes", "all_rules", "rules_of", "shapes"]

# Every repetition in a pattern is bounded, or at work in one place of the text only: time grows with the text and not with its square.

SENTENCE = re.compile(r"(?<=[。！？।॥])|(?<=[.!?…])(?:\s+|(?=[^\x00-\x7f]))|\n")  # its end
CLAUSE = re.compile(r"[,;:—，；：、]")
COLON = r"[ \t]{0,3}[:：][ \t]{0,3}(?=[\w¡¿])"
LINE_START = r"(?:^|(?<=[.!?;\n。！？；।]))[\s\-*•・]{0,4}"
CAPITAL = r"(?=(?-i:[A-ZÁÉÍÓÚÑ0-9¡¿]))"
BLANKS = r"(?:\s{1,9}|(?<=[:：])[ \t]{0,3})"


def _compiled(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


@dataclass(frozen=True)
class Rules:
    """What the rules for writing prompts look for in one language."""

    words: Words

    @cached_property
    def lettering(self) -> re.Pattern[str]:
        """Asks for words in the picture, which stand behind it: "a sign that says …"."""
        of = self.words.pattern
        other = rf"(?!{of('lettering.other')}(?!{LETTER}))" if self.words.blanks else f"(?!{of('lettering.other')})"
        content = rf"{BLANKS}(?=[\w¡¿#@&])(?:{CAPITAL}|{other})" if self.words.blanks else rf"(?=\w){other}"
        named = rf"{LINE_START}{of('lettering.label')}{COLON}(?!{of('lettering.no_label')})"
        return _compiled(of("lettering.follows") + content, rf"{of('lettering.capital')}\s{{1,9}}{CAPITAL}(?!(?-i:I ))", named)

    @cached_property
    def written(self) -> re.Pattern[str]:
        """The same, where they stand before it."""
        return _compiled(self.words.pattern("lettering.behind"))

    @cached_property
    def mention(self) -> re.Pattern[str]:
        """Asks for lettering and leaves its words open."""
        return _compiled(self.words.pattern("lettering.open", never="lettering.denied"))

    @cached_property
    def denied(self) -> re.Pattern[str]:
        """Just before one of these: it is not asked for."""
        between = r"[^.!?।\n]{0,25}" if self.words.blanks else r"[^。！？，,\n]{0,8}"
        of = self.words.pattern
        return _compiled(rf"{of('lettering.denied')}{between}$", rf"{of('lettering.denied_just_before')}\s{{0,9}}$")

    @cached_property
    def forbids(self) -> re.Pattern[str]:
        """A sentence says what shall not be,"""
        return _compiled(self.words.pattern("negations.forbids"))

    @cached_property
    def asks(self) -> re.Pattern[str]:
        """unless one of its clauses says what shall."""
        return _compiled(self.words.pattern("negations.asks"))

    @cached_property
    def keeps(self) -> re.Pattern[str]:
        """Says that something stays as it is."""
        return _compiled(self.words.pattern("keeping.keeps"))

    # What asks to keep the rest

    @cached_property
    def rest(self) -> re.Pattern[str]:
        """What is not named stays."""
        return _compiled(self.words.pattern("keeping.rest", never="keeping.never_between"))

    @cached_property
    def only(self) -> re.Pattern[str]:
        """Nothing but what is named changes."""
        return _compiled(self.words.pattern("keeping.only"))

    @cached_property
    def whole(self) -> re.Pattern[str]:
        """All of the picture changes: its style, its light, what is behind it, how it is seen."""
        return _compiled(self.words.pattern("keeping.whole"))


@lru_cache(maxsize=64)
def rules_of(lang: str) -> Rules | None:
    """The rules of a language such as `zh`; None where there is no file of its words."""
    return Rules(words_of(lang)) if lang in languages() else None


@lru_cache(maxsize=1)
def all_rules() -> tuple[Rules, ...]:
    """The rules of each language that has some."""
    return tuple(rules for lang in languages() if (rules := rules_of(lang)))


@dataclass(frozen=True)
class Shapes:
    """What stands around a ratio, in any language: it is the shape of the picture, or a time, a scale, a likeness or a score."""

    before: re.Pattern[str]
    after: re.Pattern[str]
    other_before: re.Pattern[str]
    other_after: re.Pattern[str]


@lru_cache(maxsize=1)
def shapes() -> Shapes:
    """What stands around ratios, from the words of all languages."""
    return Shapes(
        _compiled(rf"{any_language('ratio.before')}[\s:：=]{{0,4}}$"),
        _compiled(rf"[\s\-]{{0,2}}{any_language('ratio.after')}"),
        _compiled(rf"{any_language('ratio.other_before')}[\s:：]{{0,9}}$"),
        _compiled(rf"\s{{0,9}}{any_language('ratio.other_after')}"),
    )
