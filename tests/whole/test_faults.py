"""Chains of edits at a service that fails lose nothing; 100 of them here, 2,000 with `python tests/faults.py`.

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
from kit import rivals
from kit.loopback import serving

pytestmark = [pytest.mark.faults, pytest.mark.filterwarnings("ignore::promptkit.PromptkitWarning")]

SEED, NUMBER = 1, 49  # a chain that is soon over: a refusal, words only, an error after the work, three pictures
TWINS, KILLED = 19, 32  # chains with a step that two processes ask for at once, and with one whose process is killed
ALL = 3  # the seed by which every kind of answer comes up in 100 chains


@pytest.mark.slow
def test_nothing_is_lost_at_a_service_that_fails() -> None:
    """100 chains of five edits, with every fault drawn at some time: each figure that should be nothing is printed as 0."""
    command = [sys.executable, faults.__file__, "--chains=100", f"--seed={ALL}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    printed = dict(re.findall(r"^(\S.*?) {2,}(\d+)$", done.stdout, re.MULTILINE))
    assert {printed[name] for name in FIGURES} == {"0"}
    assert "lost 0, doubled 0, beyond the bound 0, unrecorded 0, foreign exceptions 0 in 100 chains" in done.stdout
    assert printed["edits"] == "500"
    assert min(int(printed["steps asked for by several processes"]), int(printed["processes killed"])) > 5
    assert {f"sent: {kind.name}" for kind in faults.KINDS} <= set(printed)


@pytest.mark.slow
def test_a_few_chains_lose_nothing() -> None:
    """Four chains of five edits, from the same service: nothing is lost, and each that was sent is on record."""
    tally = faults.run(SEED, range(1, 5), workers=1)
    assert tally.findings == []
    assert (tally.counts["chains"], tally.counts["edits"]) == (4, 20)
    assert tally.counts["whole pictures"] > 0


def test_no_two_kinds_of_answers_are_one() -> None:
    """Each kind has a name and an answer of its own, so that none is drawn more often than its weight says."""
    answers = [repr(kind.reply(b"one", b"two")) for kind in faults.KINDS]
    assert len({kind.name for kind in faults.KINDS}) == len(set(answers)) == len(faults.KINDS)


@pytest.mark.parametrize("number", [TWINS, KILLED])
def test_steps_that_several_processes_ask_for_are_paid_for_once(number: int, tmp_path: Path) -> None:
    """Processes that ask for a step at once, and one that is killed on its way, leave one record for each that asked, and lose nothing."""
    service = Service(seed=SEED)
    with serving() as loopback:
        loopback.always = service
        chain = faults.drive(loopback.url, tmp_path / "bear", SEED, number)
    assert faults.judged(chain, service.told[number]) == []
    assert (max(len(t.asked) for t in chain.tried) > 1, len(chain.killed)) == ((True, 0) if number == TWINS else (False, 1))


def looks(say: rivals.Say, ready: Callable[[], None]) -> None:
    """Reads a folder, says so each time, and is killed before the third."""
    folder = Path.cwd()
    ready()
    rivals.die_at(3, folder, lambda: say("the end"))
    for i in range(5):
        list(folder.iterdir())
        say(i)


def test_a_process_is_killed_at_the_moment_that_was_drawn() -> None:
    """It does all that comes before that moment and nothing after it, each time; whoever works beside it goes on."""
    for _ in range(2):
        assert rivals.at_once([looks] * 2) == [[0, 1, "the end"]] * 2


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
    return chain, [*told, replace(told[-1], send=told[-1].send._replace(number=99))]


def ask_in_another_process(chain: Chain, told: Sequence[Told]) -> tuple[Chain, Sequence[Told]]:
    last = next(t for t in told if t.pictures)
    return chain, [*told, replace(last, send=last.send._replace(who=1), at=last.at + 100)]


def lose_what_a_killed_one_wrote(chain: Chain, told: Sequence[Told]) -> tuple[Chain, Sequence[Told]]:
    last = next(t for t in reversed(told) if t.pictures)
    next(p for p in chain.folder.glob("*.png") if p.read_bytes() == last.pictures[0]).unlink()
    return replace(chain, killed=frozenset({last.send[:2]}), on_disk=frozenset(last.pictures)), told


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
        (ask_in_another_process, {"steps asked for twice", "unrecorded paid attempts"}),
        (lose_what_a_killed_one_wrote, {"pictures lost"}),
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
