"""Steps as cards and side by side."""

from __future__ import annotations

import pytest
from kit.loopback import Loopback
from kit.views import branched, lineage_of

from promptkit import Session
from promptkit.views.tree import tree_html

pytestmark = pytest.mark.filterwarnings("ignore:step")  # the pictures here are often the same ones


def test_cards_show_failures_in_words(service: Loopback) -> None:
    """A failed step's card says its outcome and what the model said, escaped."""
    html = branched(service)[5]._repr_mimebundle_()["text/html"]
    assert "text" in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html


def test_a_strip_says_which_steps_were_there_already() -> None:
    """Of several steps in a row those that were reused, and so cost nothing, are marked as such; the tree marks none."""
    bear = Session("./bear", endpoint="offline")
    first = bear.vary("a bear", n=1, root=True)
    again = bear.vary("a bear", n=2, root=True)
    assert [s.reused for s in again] == [True, False]
    assert "(reused)" not in first._repr_mimebundle_()["text/html"]
    captions = again._repr_mimebundle_()["text/html"]
    assert captions.count("1 a bear (reused)") == captions.count("(reused)") == 1
    assert "(reused)" not in tree_html(lineage_of(bear))
