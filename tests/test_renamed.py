"""Public names that changed: the old one works for one release, and says which one stands for it."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from kit.places import ROOT

import promptkit
from promptkit import Cost, PromptkitWarning
from promptkit.prompts.template import Prompt
from promptkit.session.replay_preview import PreviewedStep, ReplayPreview

PRICED = PreviewedStep(1, Prompt("a fox"), price=Cost.of(0.25, "USD"))
OTHER = PreviewedStep(2, Prompt("a hat"), price=Cost.of(3, "CNY"))
UNKNOWN = PreviewedStep(3, Prompt("a scarf"), price=None)


def test_a_previews_old_names_work_and_name_the_new_ones() -> None:
    """What a preview's prices were called before brings the same numbers, and a warning at the caller's line."""
    with pytest.warns(PromptkitWarning, match=r"^PreviewedStep.usd is called price now: .* goes with the next one.$") as caught:
        assert (PRICED.usd, OTHER.usd, UNKNOWN.usd, PreviewedStep(4, None).usd) == (0.25, None, None, 0.0)
    assert {w.filename for w in caught} == {__file__}
    with pytest.warns(PromptkitWarning, match=r"^ReplayPreview.usd is called cost now"):
        assert ReplayPreview((PRICED, PRICED, UNKNOWN)).usd == 0.5


def test_what_uses_the_new_names_is_not_warned() -> None:
    """Shown and added up, a preview says nothing of old names."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ReplayPreview((PRICED, UNKNOWN)).cost.unpriced == 1
        assert str(ReplayPreview((PRICED,)))


def test_a_name_of_the_package_that_changed_is_found() -> None:
    """A row of the package's own table gives the new name's object, says so, and is not listed; tried on a copy with a row in it."""
    source = Path(promptkit.__file__).read_text(encoding="utf-8")
    changed = re.sub(r"^_RENAMED: dict\[str, str\] = \{.*?\}", '_RENAMED: dict[str, str] = {"Kost": "Cost"}', source, flags=re.MULTILINE)
    assert changed != source
    script = f"""
import sys, warnings
import promptkit
exec(compile({changed!r}, promptkit.__file__, "exec"), vars(promptkit))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    from promptkit import Cost, Kost
assert Kost is Cost and "Kost" not in promptkit.__all__
print(caught[0].message)
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said == "promptkit.Kost is called promptkit.Cost now: the old name works in this release and goes with the next one.\n"


def test_the_changelog_names_what_changed() -> None:
    """Each old name that still works stands in the CHANGELOG's newest release under what you must change, with the new one."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    told = text.partition("### What you must change")[2].partition("\n###")[0]
    for old, new in {"row.usd": "row.price", "plan.usd": "plan.cost", **promptkit._RENAMED}.items():
        assert f"`{old}`" in told
        assert f"`{new}`" in told
