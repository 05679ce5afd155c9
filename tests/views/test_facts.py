"""A record in words: the names of steps, and all that is told of a record, the same wherever it is shown."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from kit.shell import run
from kit.steps import made, red
from kit.views import Page, lineage_of

from promptkit import Session, templates
from promptkit.lineage.record import Record
from promptkit.lineage.tree import Lineage
from promptkit.views.facts import facts, short_hashes, step_name
from promptkit.views.page import page_html


def test_ids_are_cut_to_what_a_step_is_found_by() -> None:
    """Ten digits of 64 are left, and of a file's name a sign that it goes on; what is no id stays."""
    digest = "0123456789abcdef" * 4
    assert short_hashes(f"digest {digest}") == "digest 0123456789"
    assert short_hashes(f"sources/{digest}.png") == "sources/0123456789….png"
    assert short_hashes("0123456789abcdef, a bear") == "0123456789abcdef, a bear"


def test_a_step_is_named_so_that_it_can_be_told(tmp_path: Path) -> None:
    """By its number, and with the beginning of its id where copies that were merged share the number; the page names them so too."""
    bear = Session(tmp_path / "bear", endpoint="offline")
    root = bear.generate("a bear")
    shutil.copytree(bear.folder, tmp_path / "copy")
    here, there = (Session(tmp_path / name, endpoint="offline").edit(f"in {name}") for name in ("bear", "copy"))
    for path in there.files:
        shutil.copy(path, bear.folder)
    merged = Session(bear.folder, endpoint="offline")
    child = merged.edit("and then", on=there)
    lineage = lineage_of(merged)
    assert step_name(lineage, root.record) == "1"
    assert [step_name(lineage, step.record) for step in (here, there)] == [f"2 ({here.id[:10]})", f"2 ({there.id[:10]})"]
    assert f'from <a href="#step-2-{there.id[:10]}">2 ({there.id[:10]})</a>' in page_html(lineage)
    assert step_name(lineage, child.record) == "3"


def told(record: Record, **more: Any) -> dict[str, str]:
    """A record's facts by name."""
    return {fact.name: fact.text for fact in facts(record, **more)}


def test_a_record_is_told_the_same_everywhere(tmp_path: Path) -> None:
    """Page, explanation and the command `embedded` tell a step's request in the same words, the latter two its template and inputs, too."""
    bear = Session(tmp_path / "bear", endpoint="offline")
    step = bear.generate(templates.sticker(subject="happy red panda"), meta={"for": "a client"}, seed=7)
    step.save(tmp_path / "bear.png", embed=True)
    page = Page(page_html(lineage_of(bear))).text
    explained = dict(bear.explain().steps[0].rows())
    printed = run("embedded", str(tmp_path / "bear.png"))[0]
    shown = {fact.name: fact.short for fact in facts(step.record)}
    assert list(shown) == ["prompt", "template", "inputs", "asked", "attempt", "picture", "meta", "id"]
    assert explained == shown
    for name in ("template", "inputs", "asked"):
        assert f"\n  {name:11}{shown[name]}\n" in printed
    for name in ("asked", "picture", "meta"):
        assert f"{name}{shown[name]}" in page
    assert "Templatesticker (en), " in page
    assert "subjecthappy red panda" in page
    assert f"id{step.id}" in page


def test_what_several_attempts_cost_is_added_up_as_far_as_it_is_recorded(tmp_path: Path) -> None:
    """Errors are free; an attempt without a cost is counted as one without a known price; a single attempt has its price in its line."""
    lineage = Lineage(tmp_path / "bear")
    record = made(lineage, request={"endpoint": "google", "model": "m", "config": {}})
    assert "cost" not in told(record)
    (priced,) = record.attempts
    unpriced, free = {**priced, "cost": None}, {**priced, "cost": None, "outcome": "error"}
    for attempts, said in (
        ([priced, priced], "0.0800 USD"),
        ([free, priced], "0.0400 USD"),
        ([free, free], "0.0000 USD"),
        ([unpriced, priced], "0.0400 USD; 1 of 2 attempts without a known price"),
        ([unpriced, free], "1 of 2 attempts without a known price"),
        ([unpriced, unpriced], "no known price"),
    ):
        other = lineage.begin("edit", {**record.fields, "attempts": attempts, "outputs": []}).commit("picture", [red()])
        assert told(other)["cost"] == said
    assert told(other, cost="plenty")["cost"] == "plenty"


def test_what_is_given_in_words_stands_in_its_place(tmp_path: Path) -> None:
    """Given texts are told between the record's own, recorded warnings before other notes, each once; what is empty is left out."""
    record = made(Lineage(tmp_path / "bear"), warnings=["too dark", "too small"])
    given = {"references": ["reference: step 1"], "against": "step 1: the same words", "changes": "nothing changed"}
    names = [fact.name for fact in facts(record, **given, notes=["too small", "too late"])]  # type: ignore[arg-type]
    assert names == ["prompt", "against", "with", "asked", "attempt", "picture", "changes", "note", "note", "note", "id"]
    assert [f.text for f in facts(record, notes=["too small", "too late"]) if f.name == "note"] == ["too dark", "too small", "too late"]
    assert {"against", "with", "changes", "template"}.isdisjoint(told(record))
