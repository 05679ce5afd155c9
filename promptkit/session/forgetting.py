"""Forgetting steps for a user: in the session's folder, in the caches of fingerprints, measures and thumbnails, and in the user's name."""

from __future__ import annotations

from collections.abc import Sequence

from promptkit import config
from promptkit.errors import LineageError
from promptkit.images.thumbnails import forget_thumbnails
from promptkit.lineage import forgetting
from promptkit.lineage.forgetting import Forgetting
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.session.fingerprint_cache import forget_fingerprints
from promptkit.session.measure_cache import forget_measures

__all__ = ["forget"]


def forget(lineage: Lineage, records: Sequence[Record], *, words: bool = False, dry_run: bool = False) -> Forgetting:
    """Forgets these steps, or with `dry_run` says what would go. LineageError where none is named, or something cannot be deleted."""
    if not records:
        said = "Nothing is forgotten without being named: give the steps, such as forget(7)."
        raise LineageError(said, path=lineage.folder)
    done = forgetting.forget(lineage, records, by=config.user_name(), words=words, dry_run=dry_run)
    if not dry_run:
        gone = [output.sha256 for record in records for output in record.outputs]
        forget_fingerprints(gone)
        forget_measures(gone)
        forget_thumbnails(gone)
    return done
