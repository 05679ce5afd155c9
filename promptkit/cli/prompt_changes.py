"""What a change of templates does to their prompts, as Markdown for a comment on a pull request.

What templates and their errors hold stands in fences only, so that nothing of it is a heading, a picture, a link or a mention there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from promptkit.authoring.prompt_changes import Changes, PromptChange
from promptkit.authoring.snapshots import sentence_diff
from promptkit.prompts.template import Prompt
from promptkit.terminal import printable
from promptkit.views.word_diff import word_diff

__all__ = ["as_markdown"]

LONGEST_COMMENT = 60_000  # characters; GitHub takes 65,536
LONGEST_CHANGE = 6_000  # characters of one prompt's differences
MOST_WORDS = 20  # changes of words that are told of one prompt


def as_markdown(changes: Changes, revision: str) -> str:
    """A heading with the counts, then each prompt that differs; cut, and said so, where it is too long for a comment."""
    parts = [f"### {_counts(changes)}, compared with {_code(revision)}"]
    room = LONGEST_COMMENT - sum(map(len, parts))
    sections = [*map(_section, changes.changed), *_broken(changes.broken)]
    for place, section in enumerate(sections):
        if (room := room - len(section) - 2) < 0:
            parts.append(f"{len(sections) - place:,} more are not shown here, as the comment would be too long.")
            break
        parts.append(section)
    return "\n\n".join(parts)


def _counts(changes: Changes) -> str:
    kinds = [change.kind for change in changes.changed]
    said = [f"{kinds.count(kind):,} {kind}" for kind in ("changed", "new", "gone") if kind in kinds]
    broken = [f"{len(changes.broken):,} not compared"] if changes.broken else []
    return f"Prompts: {', '.join([*said, *broken, f'{changes.same:,} the same'])}"


def _section(change: PromptChange) -> str:
    lines = list(_lines(change))
    text = "\n".join(lines)
    if len(text) > LONGEST_CHANGE:
        text = f"{text[:LONGEST_CHANGE]}…\n  (the rest of it is not shown)"
    return f"**{_code(change.template)}, example {change.example}, {change.lang}**: {change.kind}\n\n{_fenced(text)}"


def _lines(change: PromptChange) -> Iterator[str]:
    """What differs: words, hints for the request, and the sentences that hold it."""
    before, now = change.before, change.now
    if before and now:
        yield from (f"! {said}" for said in (*_words(before.text, now.text), *_hints(before, now), *_along(before, now)))
    yield from sentence_diff(before.text if before else None, now.text if now else None)


def _words(before: str, now: str) -> Sequence[str]:
    found = word_diff(before, now).in_words
    return [*found[:MOST_WORDS], *([f"and {len(found) - MOST_WORDS:,} more changes of words"] if len(found) > MOST_WORDS else [])]


def _hints(before: Prompt, now: Prompt) -> Iterator[str]:
    old, new = ({"kind": prompt.kind, **prompt.config} for prompt in (before, now))
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield f"{name}: {old.get(name, 'none')} → {new.get(name, 'none')}"


def _along(before: Prompt, now: Prompt) -> Iterator[str]:
    """The pictures of the library that go along: those that came, went, or are others or described otherwise."""
    old, new = ({name: [each for each in prompt.references if each.name == name] for name in _names(prompt)} for prompt in (before, now))
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            said = "goes along now" if name not in old else "goes along no more" if name not in new else "is another, or said otherwise"
            yield f"picture {name}: {said}"


def _names(prompt: Prompt) -> list[str]:
    return [each.name for each in prompt.references]


def _broken(said: Sequence[str]) -> list[str]:
    text = "\n".join(" ".join(sentence.split()) for sentence in said)
    return [f"**Not compared**, as they do not render:\n\n{_fenced(text[:LONGEST_CHANGE], '')}"] if said else []


def _code(text: str) -> str:
    """One line in Markdown's quotes for code."""
    plain = printable(text).replace("`", "'")
    return f"`{plain}`"


def _fenced(text: str, language: str = "diff") -> str:
    """The text in a fence that nothing in it closes."""
    plain = printable(text, keep="\n")
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", plain)), 3)
    return f"{fence}{language}\n{plain}\n{fence}"
