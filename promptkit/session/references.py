"""Named references: pictures that go along with a request by a name that the prompt can use, such as "heroine".

A cursor that knows names keeps them in its folder, in one name space with tags, and finds what callers give as pictures that go along:
names, steps, tags, files, and names that hold for one call.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from promptkit.engine.labels import Named, Words, picture_of
from promptkit.engine.options import checked_prompt, checked_text
from promptkit.errors import LineageError, SettingsError, StepNotFound, nearest, warn
from promptkit.images.picture import Picture, is_picture
from promptkit.json_objects import flat_object
from promptkit.lineage.head_and_tags import as_tagged, is_name
from promptkit.lineage.layout import is_session
from promptkit.lineage.location import session_folder
from promptkit.lineage.record import Record, now
from promptkit.lineage.references import NamedPicture, NamedPictures, normal, read_references
from promptkit.lineage.tree import Lineage
from promptkit.session.cursor import is_file_name
from promptkit.session.listings import References
from promptkit.session.opened import Opened
from promptkit.session.step import Step
from promptkit.terminal import printable
from promptkit.values import built_in

__all__ = ["Along", "Naming", "Reference", "names_from"]

Along = Record | Picture | Named  # what goes along with a request
LONGEST_NAME = 100  # characters
LONGEST_DESCRIPTION = 2000
PIXELS = 160  # of a picture that is shown


@dataclass(frozen=True, repr=False)
class Reference:
    """A name for pictures that go along with a request, and in words what they show; kept in the session in `folder`.

    It is as it was when it was looked up: a name that is given to other pictures later is another Reference.
    """

    name: str
    description: str | None
    folder: Path
    named: NamedPictures

    @cached_property
    def pictures(self) -> tuple[Picture, ...]:
        """The pictures, in the order in which they go along. LineageError where one is missing."""
        return tuple(map(picture_of, self.along(self._lineage)))

    @property
    def steps(self) -> tuple[int | None, ...]:
        """For each picture the number of the step that it is of; None for one from outside."""
        return tuple(each.number if isinstance(each, Record) else None for each in self._given(self._lineage))

    def along(self, lineage: Lineage) -> list[Named]:
        """The pictures with their name, as they go along in the session of that lineage: steps of another one are pictures there."""
        words, is_here = Words(self.name, self.description or ""), lineage.folder == self.folder
        given = self._given(lineage if is_here else self._lineage)
        return [Named(each if is_here or isinstance(each, Picture) else each.picture, words) for each in given]

    @property
    def _lineage(self) -> Lineage:
        return Lineage(self.folder)

    def _given(self, lineage: Lineage) -> list[Record | Picture]:
        return [self._found(lineage, each) for each in self.named.pictures]

    def _found(self, lineage: Lineage, each: NamedPicture) -> Record | Picture:
        try:
            if each.step is None:
                return lineage.source(each.fields)
            record = lineage.get(each.step)
            record.check_picture()
        except LineageError as error:
            said = f"The reference {self.name!r} names a picture that is not to be had: {error}"
            raise LineageError(said, path=error.path) from None
        return record

    def to_dict(self) -> dict[str, Any]:
        """As one flat object (promptkit.reference/1): `steps` and `sha256` are lists, a place for each picture; `named` is when (UTC)."""
        where = {"session": self.folder.name, "folder": self.folder}
        digests = [each.sha256 for each in self.named.pictures]
        said = {"name": self.name, "description": self.description, "steps": self.steps, "sha256": digests, "named": self.named.at}
        return flat_object("reference", **where, **said)

    def __str__(self) -> str:
        """One line: the name, what it shows, and which pictures these are."""
        said = f"{self.name}: {self.description}" if self.description else self.name
        return printable(f"{said} ({self.shown})")

    @property
    def shown(self) -> str:
        """Which pictures these are, in words."""
        from promptkit.views.facts import step_in_words  # is loaded when someone looks

        outside = sum(each.step is None for each in self.named.pictures)
        origins = [step_in_words(self._lineage, each.step) for each in self.named.pictures if each.step]
        return ", ".join([*origins, *([f"{outside} picture{'s' * (outside > 1)} from outside"] if outside else [])])

    def __repr__(self) -> str:
        return f"<Reference {self}>"

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, Any]:
        from promptkit.markup import card, figure, mime_bundle, strip

        shown = strip(figure(picture.thumbnail(PIXELS), alt=self.name) for picture in self.pictures)
        return mime_bundle(repr(self), card(str(self), shown), include, exclude)

    def _mime_(self) -> tuple[str, str]:
        """For marimo, which shows a bundle of several forms as tabs."""
        return "text/html", self._repr_mimebundle_()["text/html"]


class Naming(Opened):
    """A cursor that keeps names for pictures, and finds the pictures that callers give by name."""

    def reference(self, name: str, *pictures: object, description: str | None = None) -> Reference:
        """Names pictures that go along: `edit("She waves", references=["heroine"])` sends each behind its name and description.

        Each is a step, a number, a tag, a picture of one's own (path, bytes, PIL image, Picture) or another reference. Tags and references
        share their names: one that is in use stands for these pictures from now on, and steps that were asked for before keep theirs.
        Without pictures, one that there is gets another description, or comes back as it is. Nothing is sent. Raises LineageError,
        PictureError, StepNotFound, and SettingsError for what is no name.
        """
        name, described = checked_name(name), _checked_description(description)
        self._refuse_keys([name, described])
        before = self._own(name)
        if not pictures and described is None and before is not None:
            return before
        along = self._along(pictures) if pictures or before is None else before.along(self._lineage)
        given = [each.given if isinstance(each, Named) else each for each in along]
        if not given:
            raise SettingsError(f"The reference {name!r} has no pictures yet: give some behind the name.")
        for tagged in (full_id for tag, full_id in self._lineage.tags().items() if normal(tag) == name):
            warn(f"{name!r} was a tag, of the step {tagged[:10]}; from now on it is a reference.")
        named = NamedPictures(name, tuple(dict.fromkeys(map(_named_picture, given))), described, now())
        self._lineage.set_reference(named, [each for each in given if isinstance(each, Picture)])
        return Reference(name, described, self.folder, named)

    def _tell_of_reference(self, name: str) -> None:
        """Says that a name which becomes a tag stands for its pictures no longer."""
        if (before := self._own(name)) is not None:
            warn(f"{name!r} was a reference, {before.shown}; from now on it is a tag.")

    @property
    def references(self) -> References[Reference]:
        """What each name stands for, by name: those of this session, then those that Session(references=…) brought along."""
        own, tags = _read(self.folder), self._lineage.tags()
        brought = {name: each for name, each in self._brought().items() if name not in own and as_tagged(name, tags) not in tags}
        return References(own | brought)

    def _brought(self) -> dict[str, Reference]:
        found: dict[str, Reference] = {}
        for folder in self._terms.names_from:
            found = _read(folder) | found
        return found

    # What callers give

    def _along(self, given: object) -> list[Along]:
        """The pictures that go along: names, steps, tags, files, pictures, mappings from names to these, or several of them."""
        return [*self._each(given)]

    def _each(self, given: object) -> Iterator[Along]:
        if isinstance(given, Mapping):
            for name, pictures in given.items():
                yield from self._bound(checked_name(name), pictures)
        elif isinstance(given, Reference):
            yield from given.along(self._lineage)
        elif isinstance(given, str):
            yield from self._named_or_one(built_in(given))
        elif isinstance(given, Step) or is_picture(given) or not isinstance(given, Iterable):
            if given is not None:
                yield self._step_or_picture(given)
        else:
            for each in given:
                yield from self._each(each)

    def _bound(self, name: str, pictures: object) -> Iterator[Named]:
        """Pictures by a name that holds for one call; what another name says that they show is still true."""
        found = self._along(pictures)
        if not found:
            raise SettingsError(f"The reference {name!r} has no picture: give a step or a picture for it.")
        for each in found:
            given, description = (each.given, each.words.description) if isinstance(each, Named) else (each, "")
            yield Named(given, Words(name, description))

    def _named_or_one(self, text: str) -> Iterator[Along]:
        if (found := self._reference(text)) is not None:
            yield from found.along(self._lineage)
        else:
            yield self._of_text(text)

    def _of_text(self, text: str) -> Record | Picture:
        try:
            return super()._step_or_picture(text)
        except StepNotFound as error:
            if near := nearest(text, self.references):
                said = f"There is no reference, tag or step {text!r}; did you mean the reference {near[0]!r}?"
                raise StepNotFound(said, near=near, path=self.folder) from None
            raise error from None

    def _step_or_picture(self, key: object) -> Record | Picture:
        found = key if isinstance(key, Reference) else self._reference(built_in(key)) if isinstance(key, str) else None
        if found is None:
            return self._of_text(built_in(key)) if isinstance(key, str) else super()._step_or_picture(key)
        pictures = found.along(self._lineage)
        if len(pictures) > 1:
            said = f"The reference {found.name!r} is {len(pictures)} pictures, and one is to be continued"
            raise LineageError(f"{said}: give one of their steps or files.", path=self.folder)
        return pictures[0].given

    def _own(self, name: str) -> Reference | None:
        return _read(self.folder).get(normal(name))

    def _reference(self, text: str) -> Reference | None:
        """The reference of that name; a tag of this session goes before one that was brought along."""
        if (own := self._own(text)) is not None or not self._terms.names_from or as_tagged(text, tags := self._lineage.tags()) in tags:
            return own
        return self._brought().get(normal(text))


def names_from(references: object) -> tuple[Path, ...]:
    """The folders of the sessions whose names come along: those of Sessions, or by name or path. LineageError where there is none."""
    if references is None:
        return ()
    if isinstance(other := references, Naming):
        return (other.folder, *other._terms.names_from)
    if isinstance(references, str | os.PathLike):
        return (_existing(cast("str | os.PathLike[str]", references)),)
    if isinstance(references, list | tuple):
        return tuple(dict.fromkeys(folder for each in references for folder in names_from(each)))
    said = "What brings names along is another session, or its name or folder"
    raise SettingsError(f"{said}, not a {type(references).__name__}; pictures are named with the method reference, or for one call.")


# Names


def checked_name(name: object) -> str:
    """A reference's name. SettingsError for what could be a number or a file, or holds control characters."""
    text = checked_text("the name of a reference", name) or ""
    if not is_name(text) or len(text) > LONGEST_NAME or is_file_name(text) or "\N{REPLACEMENT CHARACTER}" in printable(text):
        rule = f"a text on one line, of {LONGEST_NAME} characters at most, that is not all digits and could be no file"
        raise SettingsError(f"The name of a reference is {rule}, such as 'heroine'; {text!r:.60} is not.")
    return normal(checked_prompt(text).text)


def _checked_description(description: object) -> str | None:
    text = checked_text("description", description)
    if text is None or not text.strip():
        return None
    if len(text) > LONGEST_DESCRIPTION:
        said = f"A description of a reference has {LONGEST_DESCRIPTION:,} characters at most, and this one has {len(text):,}"
        raise SettingsError(f"{said}; say the rest in prompts.")
    return " ".join(checked_prompt(text).text.split())


# Reading and writing


def _read(folder: Path) -> dict[str, Reference]:
    return {name: Reference(name, each.description, folder, each) for name, each in read_references(folder).items()}


def _named_picture(given: Record | Picture) -> NamedPicture:
    if isinstance(given, Picture):
        return NamedPicture(given.sha256, given.mime_type, file=Lineage.source_name(given))
    given.check_picture()
    output = given.outputs[0]
    return NamedPicture(output.sha256, output.mime_type, step=given.id)


def _existing(where: str | os.PathLike[str]) -> Path:
    folder = session_folder(where)
    if not is_session(folder):
        said = f"There is no session {os.fsdecode(where)!r:.80} whose names could come along; looked for {folder}."
        raise LineageError(said, path=folder)
    return folder
