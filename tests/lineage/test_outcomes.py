"""The table of outcomes."""

from __future__ import annotations

from promptkit.lineage.outcomes import ASKED, OUTCOMES, has_picture, may_cost


def test_an_outcome_means_one_thing() -> None:
    """What has a picture is reused; what was not asked costs nothing and cannot be asked again."""
    with_picture = ["picture", "added", "made"]
    assert [n for n, o in OUTCOMES.items() if o.has_picture] == [n for n, o in OUTCOMES.items() if o.is_reused] == with_picture
    assert [n for n, o in OUTCOMES.items() if not (o.was_asked or o.may_cost or o.is_repeatable)] == ["added", "made"]
    assert [n for n, o in OUTCOMES.items() if not o.may_cost] == ["added", "made", "error"]
    assert ASKED == ("picture", "text", "refused", "error", "interrupted")


def test_a_later_versions_outcome_has_no_picture_and_may_cost() -> None:
    """An outcome that is not in the table counts as one without a picture, which may have been charged."""
    assert (has_picture("dreamt"), may_cost("dreamt"), has_picture(None)) == (False, True, False)
