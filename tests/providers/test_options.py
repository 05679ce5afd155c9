"""The table of options: what each takes, and that all who name options read it."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

from promptkit import Session, SettingsError
from promptkit.archive.redact import KEPT_OPTIONS
from promptkit.engine.options import CALL_OPTIONS
from promptkit.providers.dialect import DIALECTS, dialect_named
from promptkit.providers.options import OPTIONS

TAKEN: dict[str, tuple[list[Any], list[Any]]] = {
    "aspect_ratio": (["1:1", "16:9"], ["16-9", "0:1", "1:1:1", 1]),
    "image_size": (["2K", "512"], [2, 2.0]),
    "seed": ([0, -(2**31), 2**31 - 1], [2**31, 1.0, True, "7"]),
    "temperature": ([0, 0.5, -1], [True, float("nan"), "0.5"]),
    "safety": ([{}, {"HARASSMENT": "BLOCK_NONE"}], [{1: "x"}, {"x": 2}, "x"]),
    "quality": (["low", "medium", "high", "auto"], ["best", "", "LOW", 1, ["low"]]),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_what_an_option_takes(name: str) -> None:
    """Each option takes its values and no others, and a sentence says what was expected."""
    option = OPTIONS[name]
    taken, others = TAKEN.get(name, ([], []))
    assert option.fits(option.example)
    assert [v for v in taken if not option.fits(v)] == []
    assert [v for v in others if option.fits(v)] == []
    for wrong in others:
        with pytest.raises(SettingsError, match=f"^{name} is {re.escape(option.expected)}, not "):
            Session("./bear", endpoint="offline").generate("a fox", **{name: wrong})


def test_the_table_is_what_others_read() -> None:
    """Rows stand in the order of records, each by its name; calls, stripped exports and dialects know no others."""
    assert list(OPTIONS) == [option.name for option in OPTIONS.values()]
    assert CALL_OPTIONS[: len(OPTIONS)] == KEPT_OPTIONS == tuple(OPTIONS)
    for name in DIALECTS:
        assert dialect_named(name).options <= set(OPTIONS)


def test_flags_say_how_an_option_is_given() -> None:
    """A flag is the option's name in the shell's spelling, no two are the same, and what its type reads fits."""
    flags = {o.name: o.flag for o in OPTIONS.values() if o.flag}
    assert [f.name for f in flags.values()] == [f"--{name.replace('_', '-')}" for name in flags]
    given = {name: TAKEN[name][0] if name in TAKEN else [OPTIONS[name].example] for name in flags}
    assert all(OPTIONS[name].fits(flag.type(str(value))) for name, flag in flags.items() for value in given[name])


def test_other_names_lead_to_the_option() -> None:
    """Whoever writes another common name for an option is told the one to use."""
    called = {name: option.name for option in OPTIONS.values() for name in option.also_called}
    assert called == {"ratio": "aspect_ratio", "size": "image_size"}
    for name, meant in called.items():
        with pytest.raises(SettingsError, match=f"There is no keyword '{name}'; use {meant}="):
            Session("./bear", endpoint="offline").generate("a fox", **{name: "x"})


def test_a_session_takes_options_of_the_table_only() -> None:
    """What a session takes for all its requests are the options of the table, each shown by name in its signature."""
    assert list(inspect.signature(Session).parameters)[-len(OPTIONS) :] == list(OPTIONS)
    assert Session("./bear", endpoint="offline", aspect_ratio="16:9").generate("a fox").record.request.config == {"aspect_ratio": "16:9"}
    with pytest.raises(SettingsError, match="There is no keyword 'colour'"):
        Session("./bear", endpoint="offline", colour="red")
