"""Which names the bodies of a template look up from outside, through all the files that they load: its inputs, or what nobody sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from promptkit.prompts.source_file import File

if TYPE_CHECKING:
    from promptkit.prompts.survey import Reference, Survey

__all__ = ["NameSearch", "NameUse"]


@dataclass(frozen=True)
class NameUse:
    """A place in a body where a name is looked up from outside."""

    name: str
    file: File
    line: int
    is_provided_for: bool  # by a default, or a test whether it is there
    is_sealed: bool = False  # in a file that is imported without context, and sees no inputs


class NameSearch:
    """What one language of a template looks up from outside, through all of its files, which are given by name.

    `sealed` gathers the uses in files that see no inputs.
    """

    def __init__(self, files: Mapping[str, File], survey: Callable[[File], Survey]) -> None:
        self.files, self.survey = files, survey
        self.known: dict[tuple[File, frozenset[str]], dict[str, NameUse]] = {}
        self.known_sets: dict[File, frozenset[str]] = {}
        self.sealed: list[NameUse] = []

    def used(self, file: File, replaced: frozenset[str] = frozenset()) -> Mapping[str, NameUse]:
        """The first use of each name that a file looks up from outside, but for the blocks that another file replaces."""
        if (file, replaced) not in self.known:
            found = self.known[file, replaced] = {}
            survey, seen_in_blocks = self.survey(file), self.sets(file) | {"super"}
            blocks = [block for name, block in survey.blocks.items() if name not in replaced]
            for part, seen in ((survey, frozenset[str]()), *((block, seen_in_blocks) for block in blocks)):
                own = (NameUse(name, file, line, name in part.asked) for name, line in part.names.items())
                _merge(found, own, seen)
                for reference in part.references:
                    self.follow(file, reference, replaced, found, seen)
        return self.known[file, replaced]

    def follow(self, file: File, reference: Reference, replaced: frozenset[str], found: dict[str, NameUse], seen: frozenset[str]) -> None:
        """Adds what the file that is referred to looks up, but for the names that it sees there."""
        target = self.files[reference.name]
        if reference.statement == "Extends":
            _merge(found, self.used(target, self.replaced(file, replaced)).values(), self.survey(file).sets)
        elif reference.sees is None:
            self.sealed += [NameUse(use.name, use.file, use.line, use.is_provided_for, True) for use in self.used(target).values()]
        else:
            _merge(found, self.used(target).values(), seen | reference.sees)

    def replaced(self, file: File, already: frozenset[str]) -> frozenset[str]:
        """The blocks of which nothing is left in the file that this one extends."""
        survey = self.survey(file)
        if sum(reference.statement == "Extends" for reference in survey.references) > 1:
            return frozenset()  # which of them runs is not known, and all ways through several such files could be too many to walk
        return already.union(name for name, block in survey.blocks.items() if "super" not in block.names)

    def sets(self, file: File) -> frozenset[str]:
        """The names that a file sets for its blocks, and those that what it extends does."""
        if file not in self.known_sets:
            survey = self.survey(file)
            bases = (self.files[r.name] for r in survey.references if r.statement == "Extends")
            self.known_sets[file] = survey.sets.union(*map(self.sets, bases))
        return self.known_sets[file]


def _merge(found: dict[str, NameUse], uses: Iterable[NameUse], seen: frozenset[str]) -> None:
    """Adds the uses of names that are not seen; one that has to be there counts more than one whose absence is provided for."""
    for use in uses:
        if use.name not in seen and (use.name not in found or (found[use.name].is_provided_for and not use.is_provided_for)):
            found[use.name] = use
