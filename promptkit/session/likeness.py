"""Which step of a session a picture looks like, though somebody has painted in it, saved it again, or changed its light and colours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from promptkit.errors import LineageError, PictureError
from promptkit.images.fingerprint import Fingerprint, agreement, alike, fingerprint
from promptkit.images.picture import Picture
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.session.fingerprint_cache import FingerprintCache, cache_path

__all__ = ["step_that_looks_like"]

# How many of the newest pictures are compared, and how many of these are decoded for it, at some 30 ms each.
COMPARED, DECODED = 500, 24

# Of 106 drafts and photographs retouched in sixteen ways (painted over, cloned, curves, colours, light, saved as JPEG), and of 2,636 pairs
# of unrelated ones: tests/session/test_own_picture.py says how many are told by this, or by their looks as a whole, and how many wrongly.
RETOUCHED = 0.6
UNRELATED = -2.0  # the difference of two pictures that do not look alike, as a sort key


def step_that_looks_like(lineage: Lineage, picture: Picture, *, but: Record | None = None) -> Record | None:
    """The step whose picture this one was most likely made from by hand; None where none looks like it.

    Only the newest COMPARED pictures are compared, and of these the newest DECODED are decoded where the user's cache does not hold them.
    """
    asked = _fingerprint(picture)
    if asked is None:
        return None
    newest = (r for r in lineage.newest_first() if r != but and r.outputs and not _was_given(r, picture) and not r.forgotten)
    found = [(*near, record) for record, other in _looks([*islice(newest, COMPARED)]) if (near := _nearness(asked, other))]
    return max(found, key=lambda each: each[:2])[2] if found else None


def _was_given(record: Record, picture: Picture) -> bool:
    """Whether the picture went into a step: then it is not made from what came out."""
    return any(source.sha256 == picture.sha256 for source in record.sources)


def _nearness(asked: Fingerprint, other: Fingerprint) -> tuple[float, float] | None:
    """How near a picture is to another one that it may be made from, as a sort key; None where it is not."""
    share, how = agreement(asked, other), alike(asked, other)
    if share < RETOUCHED and how is None:
        return None
    return share if share >= RETOUCHED else 0.0, -how.difference if how else UNRELATED


def _looks(records: Sequence[Record]) -> Iterator[tuple[Record, Fingerprint]]:
    """The first pictures' fingerprints: those that are cached, and of the others the first few."""
    cache, left = FingerprintCache(cache_path()), DECODED
    try:
        for record in records:
            sha256 = record.outputs[0].sha256
            known = [other for full, other in cache.of(sha256) if full == sha256]
            if not known and left:
                left -= 1
                cache.add(sha256, other := _fingerprint(record.picture))
                known = [other]
            yield from ((record, other) for other in known if other)
    finally:
        cache.save()


def _fingerprint(picture: Picture) -> Fingerprint | None:
    try:
        return fingerprint(picture)
    except (LineageError, PictureError):  # missing, damaged, or nothing that Pillow reads
        return None
