"""Which words differ between two texts; in Chinese and Japanese, which characters."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from promptkit.terminal import width
from promptkit.words import WORD, between

__all__ = ["LEAST_SHARED", "WordDiff", "marked_changes", "word_diff"]

LEAST_SHARED = 0.5  # of the shorter prompt's words; two prompts that share less are two prompts, and neither rewords the other
FEWEST_SHARED = 3  # characters between two changes; with fewer they become one change
MOST_COMPARED = 4000  # words; what differs in a longer prompt is taken as one change
ALL_COUNT = 800  # words up to which frequent ones are matched too, which takes the square of their number
GRAMMAR = 3  # columns, of which a Chinese character takes two; words of fewer, such as an article, are not counted as a change

Piece = tuple[Literal["same", "removed", "added"], str]


@dataclass(frozen=True)
class WordDiff:
    """What differs from one text to another. `changes` are pairs of the words before and after, in order: without words before where some
    were added, without words after where some were removed. `shared` is the share (0 to 1) of the shorter text's words that the other has.
    """

    changes: tuple[tuple[str, str], ...]
    shared: float

    @property
    def removed(self) -> tuple[str, ...]:
        """The words that are no longer there, by change."""
        return tuple(old for old, _ in self.changes if old)

    @property
    def added(self) -> tuple[str, ...]:
        """The words that were not there before, by change."""
        return tuple(new for _, new in self.changes if new)

    def outside(self, before: str, after: str) -> WordDiff:
        """The changes whose words do not all stand in these two texts, such as the values of an input; an article alone is no change."""
        return replace(self, changes=tuple((old, new) for old, new in self.changes if not (_inside(old, before) and _inside(new, after))))

    @property
    def in_words(self) -> tuple[str, ...]:
        """Each change, with what was replaced, left out (−) and added (+)."""
        return tuple(f"“{old}” → “{new}”" if old and new else f"− “{old}”" if old else f"+ “{new}”" for old, new in self.changes)

    def __str__(self) -> str:
        return "; ".join(self.in_words)


class _Run(NamedTuple):
    """Words i to j of the one text that became words k to l of the other."""

    i: int
    j: int
    k: int
    l: int  # noqa: E741


def word_diff(before: str, after: str) -> WordDiff:
    """The words that were removed and added between two texts; characters in Chinese and Japanese."""
    old, new, runs, shared = _compared(before, after)
    pairs = tuple((between(before, old[r.i : r.j]), between(after, new[r.k : r.l])) for r in runs)
    return WordDiff(pairs, shared)


def marked_changes(before: str, after: str) -> Iterator[Piece]:
    """The second text in pieces, each the same as in the first or added, with what was removed of the first where it stood."""
    old, new, runs, _ = _compared(before, after)
    done = 0
    for run in runs:
        start = new[run.k].start() if run.k < len(new) else len(after)
        end = new[run.l - 1].end() if run.l > run.k else start
        removed = before[old[run.i].start() : old[run.j - 1].end()] if run.j > run.i else ""
        pieces: tuple[Piece, ...] = (("same", after[done:start]), ("removed", removed), ("added", after[start:end]))
        yield from (piece for piece in pieces if piece[1])
        done = end
    if after[done:]:
        yield "same", after[done:]


def _compared(before: str, after: str) -> tuple[list[re.Match[str]], list[re.Match[str]], list[_Run], float]:
    """The words of both texts, the changes from one to the other, and the share of the shorter one's words that the other has."""
    old, new = list(WORD.finditer(before)), list(WORD.finditer(after))
    one, other = [m[0] for m in old], [m[0] for m in new]
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    least = min(len(one), len(other)) - start
    end = next((i for i in range(least) if one[-1 - i] != other[-1 - i]), least)
    runs = _runs(one[start : len(one) - end], other[start : len(other) - end])
    shifted = [_ended(_Run(*(n + start for n in run)), one, other) for run in runs]
    shared = len(one) - sum(r.j - r.i for r in runs)
    return old, new, _joined(shifted, before, old), shared / min(len(one), len(other)) if one and other else float(one == other)


def _runs(one: list[str], other: list[str]) -> list[_Run]:
    if max(len(one), len(other)) > MOST_COMPARED:
        return [_Run(0, len(one), 0, len(other))]
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=max(len(one), len(other)) > ALL_COUNT)
    return [_Run(*places) for tag, *places in matcher.get_opcodes() if tag != "equal"]


def _ended(run: _Run, one: list[str], other: list[str]) -> _Run:
    """A run that was added or removed, moved by one where the sign before it is the one at its end, so that whole sentences are told."""
    first, last, words = (run.i, run.j, one) if run.k == run.l else (run.k, run.l, other)
    is_shorter = run.i == run.j or run.k == run.l
    slides = is_shorter and last < len(words) and words[first] == words[last] and not words[first].isalnum()
    return _Run(*(n + 1 for n in run)) if slides else run


def _joined(runs: Sequence[_Run], text: str, words: Sequence[re.Match[str]]) -> list[_Run]:
    """The changes; those between which only an article or a comma stayed become one."""
    joined: list[_Run] = []
    for run in runs:
        if joined and len(between(text, words[joined[-1].j : run.i])) < FEWEST_SHARED:
            joined[-1] = joined[-1]._replace(j=run.j, l=run.l)
        else:
            joined.append(run)
    return joined


def _inside(piece: str, text: str) -> bool:
    known = set(WORD.findall(text.casefold()))
    return sum(width(word) for word in WORD.findall(piece.casefold()) if word not in known and word[0].isalnum()) < GRAMMAR
