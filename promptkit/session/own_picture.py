"""A picture of one's own, added to a session: which step it is already, made by hand from which step, or which step it looks like."""

from __future__ import annotations

from collections.abc import Sequence

from promptkit.engine.ask import Answer
from promptkit.engine.client import Terms, added_root
from promptkit.engine.engine import Engine
from promptkit.errors import LineageError, warn
from promptkit.images.picture import Picture
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage

__all__ = ["added", "root_of"]


def added(engine: Engine, given: object, label: str | None = None, on: Record | None = None) -> Answer:
    """The step of a picture of one's own: the one that has these bytes, else a new root, or a new child of the step `on`.

    PictureError where it is none; LineageError where the step has no picture.
    """
    picture = Picture.open(given)  # type: ignore[arg-type]
    answer = _added_on(engine, picture, label, on) if on else _added_root(engine, picture, label)
    kept = answer.record.fields.get("label")
    if answer.reused and label is not None and label != kept:
        warn(f"Step {answer.record.number} is there already, and keeps its label {kept!r}.")
    return answer


def root_of(engine: Engine, terms: Terms, picture: Picture) -> Answer:
    """The step of a picture of one's own that is to be edited, as `added`; where nothing is sent, one that is there. NotRecorded."""
    same = None if terms.sends else _recorded(engine.lineage, picture)
    return Answer(same, reused=True) if same else added(engine, picture) if terms.sends else added_root(engine, terms, picture)


def _recorded(lineage: Lineage, picture: Picture) -> Record | None:
    """The step whose picture this is, byte for byte, with its lineage inside or without; a root that was added goes first."""
    if root := lineage.added_with(picture.sha256):
        return root
    return next(filter(lineage.is_whole, lineage.with_picture(_bare(picture).sha256)), None)


def _added_on(engine: Engine, picture: Picture, label: str | None, on: Record) -> Answer:
    if not on.ok or not on.outputs:
        said = f"Step {on.number} has no picture ({on.outcome}), so none was made from it; add it on another step, or as a root."
        raise LineageError(said, path=on.path)
    if on.outputs[0].sha256 == _bare(picture).sha256 and not on.forgotten:
        warn(f"This is the picture of step {on.number} itself, byte for byte: nothing was changed in it, and nothing was added.")
        return Answer(on, reused=True)
    answer = engine.add(picture, label, on)
    _tell_of_forgotten(answer, engine.lineage.with_picture(picture.sha256))
    return answer


def _added_root(engine: Engine, picture: Picture, label: str | None) -> Answer:
    if there := _recorded(engine.lineage, picture):
        if there.outcome != "added" or there.by_hand:
            warn(f"This is the picture of step {there.number}, byte for byte: it is that step, and nothing was added.")
        return Answer(there, reused=True)
    answer = engine.add(picture, label)
    if not _tell_of_forgotten(answer, engine.lineage.with_picture(_bare(picture).sha256)) and not answer.reused:
        _offer_parent(answer.record, engine, picture)
    return answer


def _tell_of_forgotten(answer: Answer, same: Sequence[Record]) -> bool:
    """Says that a picture which was forgotten is here again, where it is; whether it was said."""
    gone = None if answer.reused else next((r for r in same if r.forgotten), None)
    if gone is not None:
        warn(f"This is the picture of step {gone.number}, which was forgotten: it is here again, as step {answer.record.number}.")
    return gone is not None


def _offer_parent(record: Record, engine: Engine, picture: Picture) -> None:
    """Says which step the new root looks like, if any."""
    from promptkit.session.likeness import step_that_looks_like  # is loaded where a picture is new

    if (like := step_that_looks_like(engine.lineage, picture, but=record)) is None:
        return
    said = f"Step {record.number} was added as a root, and looks like step {like.number}: if it was made from that by hand"
    in_shell = f"{said}, `promptkit add FILE --on {like.number}` makes it the next step of it."
    warn(f"{said}, add(picture, on={like.number}) makes it the next step of it.", in_shell=in_shell)


def _bare(picture: Picture) -> Picture:
    """The picture; of a copy that was saved with its lineage inside, the picture that it is a copy of."""
    from promptkit.archive.png_embed import has_embedded, without_embedded

    data = picture.data
    return Picture(without_embedded(data)) if has_embedded(data) else picture
