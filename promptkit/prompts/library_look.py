"""What one language of a template takes of its library's file `library.yaml`: values that its body may use, pictures that go along with its
requests, and hints. Values only; library_file reads them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # is loaded where a picture is read
    from promptkit.images.picture import Picture

__all__ = ["NAME", "NO_LOOK", "DeclaredPictures", "LibraryPicture", "Look"]

NAME = "library.yaml"


@dataclass(frozen=True)
class LibraryPicture:
    """A picture of a library's own that goes along with a request, by the `name` that the prompt can use; `description` says what it shows
    and may be empty.
    """

    name: str
    description: str
    picture: Picture


@dataclass(frozen=True)
class DeclaredPictures:
    """What `references` says of one name: the files by their paths from the library's folder, or what they hold (`sha256`) where they lie
    in a session; a description for all languages or for each; the line.
    """

    name: str
    files: tuple[str, ...] = ()
    sha256: tuple[str, ...] = ()
    description: Any = ""
    line: int | None = None


@dataclass(frozen=True, eq=False)
class Look:
    """What there is for one language of a template, but for what the template says itself: `inputs` as they print, the pictures by name,
    and hints. `file` is the library's.
    """

    file: Path = field(default_factory=lambda: Path(NAME))
    inputs: Mapping[str, Any] = field(default_factory=dict)
    references: Mapping[str, DeclaredPictures] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)

    def kept(self, used: Collection[str], pictures: Collection[LibraryPicture]) -> str:
        """What a template uses of it as JSON, of which the same is read again without the folder; empty where it uses nothing."""
        values = {name: value for name, value in sorted(self.inputs.items()) if name in used}
        about = {name: _kept(declared, pictures) for name, declared in self.references.items()}
        parts = {"inputs": values, "references": about, "config": dict(sorted(self.config.items()))}
        said = {part: held for part, held in parts.items() if held}
        return json.dumps(said, ensure_ascii=False, indent=1) if said else ""


NO_LOOK = Look()


def _kept(declared: DeclaredPictures, pictures: Collection[LibraryPicture]) -> dict[str, Any]:
    found: dict[str, Any] = {"sha256": [each.picture.sha256 for each in pictures if each.name == declared.name]}
    return found | ({"description": declared.description} if declared.description else {})
