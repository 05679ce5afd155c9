"""Chains of edits at a service that fails lose nothing; 100 of them here, 1,000 with `python tests/faults.py`.

Many faults at once, drawn by chance; each fault by itself is tested in tests/providers/test_transport.py and tests/engine.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import faults
import pytest
from faults import FIGURES, Chain, Service, Told
from kit.loopback import serving

pytestmark = [pytest.mark.faults, pytest.mark.filterwarnings("ignore::promptkit.PromptkitWarning")]

SEED, NUMBER = 1, 41  # a chain that is soon over: a refusal, words only, a cut JSON, three pictures


@pytest.mark.slow
def test_nothing_is_lost_at_a_service_that_fails() -> None:
    """100 chains of five edits, with every fault drawn at some time: each figure that should be nothing is printed as 0."""
    done = subprocess.run([sys.executable, faults.__file__, "--chains=100"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    printed = dict(re.findall(r"^(\S.*?) {2,}(\d+)$", done.stdout, re.MULTILINE))
    assert {printed[name] for name in FIGURES} == {"0"}
    assert printed["edits"] == "500"
    assert {f"sent: {kind.name}" for kind in faults.KINDS} <= set(printed)


def test_a_few_chains_lose_nothing() -> None:
    """Eight chains of five edits, from the same service: nothing is lost, and each that was sent is on record."""
    tally = faults.run(SEED, range(8), workers=1)
    assert tally.findings == []
    assert (tally.counts["chains"], tally.counts["edits"]) == (8, 40)
    assert tally.counts["whole pictures"] > 0


@pytest.mark.parametrize("group", faults.FURTHER)
def test_further_groups_are_drawn_where_they_are_named(group: str) -> None:
    """Each fault of a group comes up among the answers once the group is switched on, and none of it otherwise."""
    places = [(SEED, chain, step, 0) for chain in range(100) for step in range(1, faults.EDITS + 1)]
    further = set(faults.FURTHER[group])
    assert further <= {faults.draw(*place, faults.drawn_from([group])) for place in places}
    assert further.isdisjoint(faults.draw(*place) for place in places)


def lose_a_picture(chain: Chain, told: Sequence[Told]) -> tuple[Chain, Sequence[Told]]:
    last = next(p for t in reversed(told) for p in t.pictures)
    next(p for p in chain.folder.glob("*.png") if p.read_bytes() == last).unlink()
    return chain, told


def lose_a_failed_record(chain: Chain, told: Sequence[Told]) -> tuple[Chain, Sequence[Told]]:
    next(p for p in chain.folder.glob("*-edit-*.json") if '"outcome": "picture"' not in p.read_text()[:100]).unlink()
    return chain, told


def leave_the_head_behind(chain: Chain, told: Sequence[Told]) -> tuple[Chain, Sequence[Told]]:
    return replace(chain, tried=[replace(t, head_anew=chain.tried[0].head) for t in chain.tried]), told


def send_another_picture(chain: Chain, told: Sequence[Told]) -> tuple[Chain, Sequence[Told]]:
    return chain, [replace(t, base=faults.painted(0, 0)) for t in told]


def ask_once_more(chain: Chain, told: Sequence[Told]) -> tuple[Chain, Sequence[Told]]:
    return chain, [*told, replace(told[-1], send=99)]


def keep_what_was_none(chain: Chain, told: Sequence[Told]) -> tuple[Chain, Sequence[Told]]:
    return chain, [replace(t, pictures=()) for t in told]


def leave_a_file(chain: Chain, told: Sequence[Told]) -> tuple[Chain, Sequence[Told]]:
    (chain.folder / ".tmp-1").touch()
    return chain, told


@pytest.mark.parametrize(
    ("damage", "figures"),
    [
        (lose_a_picture, {"pictures lost", "problems that verify names"}),
        (lose_a_failed_record, {"unrecorded paid attempts", "edits without one record"}),
        (leave_the_head_behind, {"wrong heads"}),
        (send_another_picture, {"wrong heads"}),
        (ask_once_more, {"requests more than the bound", "unrecorded paid attempts"}),
        (keep_what_was_none, {"pictures that nobody sent"}),
        (leave_a_file, {"files left over"}),
    ],
)
def test_the_comparison_sees_what_is_wrong(damage: Callable[..., tuple[Chain, Sequence[Told]]], figures: set[str], tmp_path: Path) -> None:
    """A chain that is as it should be has no finding; once it is damaged, the figures of that damage are not nothing."""
    service = Service(seed=SEED)
    with serving() as loopback:
        loopback.always = service
        chain = faults.drive(loopback.url, tmp_path / "bear", SEED, NUMBER)
    told = service.told[NUMBER]
    assert faults.judged(chain, told) == []
    assert figures <= {f.figure for f in faults.judged(*damage(chain, told))}
